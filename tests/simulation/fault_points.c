/* Fault points in worlds: whether they strike, for how long, and again in a replay. Builds without
 * them skip this. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <wherry.h>

#include "base/probe.h"
#include "support/simulated.h"

#ifdef WHERRY_PROBES

#define ALWAYS 1000000
#define SEEDS 64
#define RECORDS 100000

static int asks(void *argument)
{
    wherry_peer *server;
    wherry_bytes answer;
    int result = wherry_connect(&server, "tcp://10.0.0.1:7000", &wherry_lines,
                                wherry_in(WHERRY_SECONDS(5)));

    if (result < 0)
        return result;
    for (int i = 0; i < 3 && result == WHERRY_OK; i++) {
        result = wherry_peer_send(server, wherry_text("hello"), WHERRY_NEVER);
        if (result == WHERRY_OK)
            result = wherry_peer_receive(server, &answer, wherry_in(WHERRY_SECONDS(5)));
        *(int *)argument += result == WHERRY_OK;
    }
    wherry_peer_close(server);
    return result;
}

static int answered[2];

static void serve(wherry_simulation *world)
{
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", simulated_echo, NULL), WHERRY_OK);
}

/* Two who ask the server, for a minute. */
static void converse(wherry_simulation *world)
{
    static const char *const hosts[] = { "10.0.0.2", "10.0.0.3" };

    memset(answered, 0, sizeof(answered));
    for (int i = 0; i < 2; i++)
        assert_int_equal(wherry_simulation_spawn(world, hosts[i], asks, &answered[i], .must_end = 1,
                                                 .delay = WHERRY_SECONDS(1)),
                         WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, WHERRY_SECONDS(60)), WHERRY_OK);
    assert_int_equal(answered[0], 3);
    assert_int_equal(answered[1], 3);
}

static uint64_t fired(const wherry_simulation *world)
{
    wherry_simulation_statistics statistics;

    wherry_simulation_statistics_read(world, &statistics);
    return statistics.faults[WHERRY_FAULT_POINT];
}

static void test_what_the_library_promises_holds_where_points_always_fire(void **state)
{
    static const wherry_faults always = { .millionths = { [WHERRY_FAULT_POINT] = ALWAYS } };
    uint64_t count = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        wherry_simulation *world;

        assert_int_equal(wherry_simulation_new(&world, .seed = seed, .quiet = 1, .faults = always),
                         WHERRY_OK);
        serve(world);
        converse(world);
        count += fired(world);
        wherry_simulation_free(world);
    }
    assert_true(count > SEEDS);
}

/* Points strike from the middle of a run on. */
static uint64_t run_halves(wherry_simulation *world, uint32_t rate)
{
    const wherry_faults faults = { .millionths = { [WHERRY_FAULT_POINT] = rate } };

    serve(world);
    converse(world);
    assert_int_equal(fired(world), 0);
    wherry_simulation_set_faults(world, &faults);
    converse(world);
    return wherry_simulation_hash(world);
}

static void replay(const wherry_simulation *recorded, uint64_t seed, uint64_t hash)
{
    size_t count;
    const wherry_fault_record *records = wherry_simulation_faults(recorded, &count);
    wherry_simulation *world;

    assert_true(count < RECORDS); /* they are all */
    assert_int_equal(wherry_simulation_new(&world, .seed = seed, .quiet = 1, .replay = records,
                                           .replay_count = count, .replaying = 1),
                     WHERRY_OK);
    assert_true(run_halves(world, 0) == hash);
    wherry_simulation_free(world);
}

static void test_points_that_are_set_later_strike_and_are_replayed(void **state)
{
    uint64_t count = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 16; seed++) {
        wherry_simulation *world;
        uint64_t hash;

        assert_int_equal(wherry_simulation_new(&world, .seed = seed, .quiet = 1), WHERRY_OK);
        hash = run_halves(world, 100000);
        count += fired(world);
        replay(world, seed, hash);
        wherry_simulation_free(world);
    }
    assert_true(count > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_library_promises_holds_where_points_always_fire),
        cmocka_unit_test(test_points_that_are_set_later_strike_and_are_replayed),
    };

    return cmocka_run_group_tests(tests, simulated_unseeded, NULL);
}

#else

int main(void)
{
    printf("skipped: this build has no fault points\n");
    return 77;
}

#endif
