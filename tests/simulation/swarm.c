#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "simulation/world.h"

#define SEEDS 1000

typedef struct listener {
    wherry_simulation_observer observer;
    size_t told;
    uint64_t last_step;
} listener;

static void see(wherry_simulation_observer *self, const wherry_simulation_event *event)
{
    listener *heard = (listener *)self;

    if (strcmp(event->what, "swarm") != 0)
        return;
    heard->told++;
    heard->last_step = event->step;
}

static wherry_simulation *world_of(uint64_t seed, wherry_simulation_observer *observer)
{
    wherry_simulation *world;

    assert_int_equal(wherry_simulation_new(&world, .seed = seed, .swarm = 1, .quiet = 1,
                                           .observer = observer,
                                           .faults.millionths[WHERRY_FAULT_RESET] = 5),
                     WHERRY_OK);
    return world;
}

static size_t kinds_on(const wherry_simulation *world)
{
    size_t count = 0;

    for (int i = 0; i < WHERRY_FAULT_ROOM; i++)
        count += world->options.faults.millionths[i] > 0;
    return count;
}

static void test_the_same_seed_draws_the_same(void **state)
{
    wherry_simulation *one = world_of(3, NULL), *same = world_of(3, NULL);
    wherry_simulation *other = world_of(4, NULL);

    (void)state;
    assert_memory_equal(&one->options.faults, &same->options.faults, sizeof(wherry_faults));
    assert_memory_equal(&one->options.link, &same->options.link, sizeof(wherry_link));
    assert_true(memcmp(&one->options.link, &other->options.link, sizeof(wherry_link)) != 0);
    assert_true(wherry_simulation_hash(one) == wherry_simulation_hash(same));
    wherry_simulation_free(one);
    wherry_simulation_free(same);
    wherry_simulation_free(other);
}

static void test_most_kinds_are_off_and_one_seed_in_ten_is_quiet(void **state)
{
    size_t quiet = 0, on[WHERRY_FAULT_COUNT] = { 0 };

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        wherry_simulation *world = world_of(seed, NULL);

        quiet += kinds_on(world) == 0;
        for (int i = 0; i < WHERRY_FAULT_COUNT; i++) {
            on[i] += world->options.faults.millionths[i] > 0;
            assert_true(world->options.faults.millionths[i] <= 1000000);
        }
        wherry_simulation_free(world);
    }
    assert_in_range(quiet, 60, 150);
    for (int i = 0; i < WHERRY_FAULT_COUNT; i++)
        assert_in_range(on[i], 150, 300);
}

static void test_strengths_go_from_rare_to_constant(void **state)
{
    size_t weak = 0, strong = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        wherry_simulation *world = world_of(seed, NULL);
        uint32_t rate = world->options.faults.millionths[WHERRY_FAULT_SHORT_RECEIVE];

        weak += rate > 0 && rate < 10000;
        strong += rate > 100000;
        wherry_simulation_free(world);
    }
    assert_true(weak > 30 && strong > 30);
}

static void test_buffers_go_down_to_one_byte_and_links_stay_in_range(void **state)
{
    size_t tiny = 0, usual = 0, at_once = 0, limited = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        wherry_simulation *world = world_of(seed, NULL);
        const wherry_simulation_options *options = &world->options;

        assert_true(options->receive_buffer >= 1 && options->send_buffer >= 1);
        if (options->receive_buffer < 512 || options->send_buffer < 512)
            assert_true(options->link.latency < 0 && options->link.jitter == 0);
        tiny += options->receive_buffer == 1;
        usual += options->receive_buffer == (size_t)208 * 1024;
        at_once += options->link.latency < 0;
        limited += options->link.bytes_per_second > 0;
        assert_int_equal(wherry_simulation_host(world, "10.0.0.1"), WHERRY_OK);
        assert_int_equal(wherry_simulation_host(world, "10.0.0.2"), WHERRY_OK);
        assert_int_equal(wherry_simulation_link(world, "10.0.0.1", "10.0.0.2", &options->link),
                         WHERRY_OK);
        wherry_simulation_free(world);
    }
    assert_true(tiny > 5 && usual > 400 && at_once > 50 && limited > 150);
}

static void test_half_of_the_hosts_have_clocks_of_their_own(void **state)
{
    size_t drifting = 0, slow = 0, behind = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        wherry_simulation *world = world_of(seed, NULL);
        const wherry__sim_host *host;

        assert_int_equal(wherry_simulation_host(world, "10.0.0.1"), WHERRY_OK);
        host = wherry__sim_host_named(world, "10.0.0.1");
        assert_true(host->clock_offset >= 0 && host->drift <= 1000 && host->drift >= -1000);
        drifting += host->drift != 0;
        slow += host->drift < 0;
        behind += host->wall_offset < 0;
        wherry_simulation_free(world);
    }
    assert_in_range(drifting, 400, 600);
    assert_in_range(slow, 150, 350);
    assert_in_range(behind, 150, 350);
}

static void test_a_host_without_a_swarm_has_a_right_clock(void **state)
{
    wherry_simulation *world;

    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        assert_int_equal(wherry_simulation_new(&world, .seed = seed, .quiet = 1), WHERRY_OK);
        assert_int_equal(wherry_simulation_host(world, "10.0.0.1"), WHERRY_OK);
        assert_int_equal(wherry__sim_host_named(world, "10.0.0.1")->drift, 0);
        wherry_simulation_free(world);
    }
}

static void test_what_was_drawn_is_told_first(void **state)
{
    listener heard = { .observer.see = see };
    wherry_simulation *world = world_of(3, &heard.observer);

    (void)state;
    assert_true(heard.told >= 7 + kinds_on(world));
    assert_int_equal(heard.last_step, heard.told);
    wherry_simulation_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_seed_draws_the_same),
        cmocka_unit_test(test_most_kinds_are_off_and_one_seed_in_ten_is_quiet),
        cmocka_unit_test(test_strengths_go_from_rare_to_constant),
        cmocka_unit_test(test_buffers_go_down_to_one_byte_and_links_stay_in_range),
        cmocka_unit_test(test_half_of_the_hosts_have_clocks_of_their_own),
        cmocka_unit_test(test_a_host_without_a_swarm_has_a_right_clock),
        cmocka_unit_test(test_what_was_drawn_is_told_first),
    };

    return cmocka_run_group_tests_name("swarm", tests, NULL, NULL);
}
