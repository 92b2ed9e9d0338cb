/* Traces: what an observer is told, and the hash of it all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <wherry.h>

#include "simulation/world.h"
#include "support/bodies.h"
#include "support/simulated.h"

#define SECOND WHERRY_SECONDS(1)

/* What a run is made of. */
typedef struct course {
    uint64_t seed;
    char byte; /* of what is sent */
    bool faults;
    wherry_simulation_observer *observer;
} course;

static int asks(void *argument)
{
    const course *this = argument;
    const uint8_t bytes[] = { 1, 2, (uint8_t)this->byte, 4 };
    wherry_bytes message;
    wherry_peer *peer;
    int result = wherry_connect(&peer, "tcp://10.0.0.1:7000", &wherry_raw, WHERRY_NEVER);

    if (result < 0)
        return result;
    result = wherry_peer_send(peer, (wherry_bytes){ bytes, sizeof(bytes) }, WHERRY_NEVER);
    if (result == WHERRY_OK)
        result = wherry_peer_receive(peer, &message, wherry_in(SECOND));
    wherry_peer_close(peer);
    return result;
}

static uint64_t hash_of(const course *this)
{
    wherry_simulation_options options = { .size = sizeof(options) };
    wherry_simulation *world = NULL;
    uint64_t hash;
    course copy = *this;

    options.result = &world;
    options.seed = this->seed;
    options.quiet = 1;
    options.observer = this->observer;
    if (this->faults)
        options.faults.millionths[WHERRY_FAULT_SHORT_RECEIVE] = 500000;
    assert_int_equal(wherry_simulation_new_with(&options), WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", simulated_echo, NULL), WHERRY_OK);
    for (int i = 0; i < 5; i++)
        assert_int_equal(wherry_simulation_spawn(world, "10.0.0.2", asks, &copy, .delay = SECOND),
                         WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, 5 * SECOND), WHERRY_OK);
    assert_int_equal(wherry_simulation_stop(world, "10.0.0.1"), WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, 60 * SECOND), WHERRY_OK);
    hash = wherry_simulation_hash(world);
    wherry_simulation_free(world);
    return hash;
}

/* --- the hash */

static void test_the_same_seed_makes_the_same_run(void **state)
{
    const course this = { .seed = 5, .faults = true };

    (void)state;
    assert_true(hash_of(&this) == hash_of(&this));
}

static void test_the_same_in_another_process(void **state)
{
    const course this = { .seed = 5, .faults = true };
    uint64_t here = hash_of(&this), there = 0;
    int ends[2], status;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        void *elsewhere = malloc(12345); /* so that places in memory differ */

        there = hash_of(&this);
        free(elsewhere);
        _exit(write(ends[1], &there, sizeof(there)) != (ssize_t)sizeof(there));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(ends[0], &there, sizeof(there)), sizeof(there));
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_true(here == there);
}

static void test_another_seed_makes_another_run(void **state)
{
    const course this = { .seed = 5, .faults = true };
    const course other = { .seed = 6, .faults = true };

    (void)state;
    assert_true(hash_of(&this) != hash_of(&other));
}

static void test_one_byte_that_is_sent_makes_another_run(void **state)
{
    const course this = { .seed = 5, .byte = 'c' };
    const course other = { .seed = 5, .byte = 'C' };

    (void)state;
    assert_true(hash_of(&this) != hash_of(&other));
}

/* --- what is told, and what of it counts */

static uint64_t hash_after(const wherry_simulation_event *event)
{
    wherry_simulation *world;
    uint64_t hash;

    assert_int_equal(wherry_simulation_new(&world, .quiet = 1), WHERRY_OK);
    wherry__sim_tell(world, NULL, *event);
    hash = wherry_simulation_hash(world);
    wherry_simulation_free(world);
    return hash;
}

static void test_each_part_of_an_event_counts(void **state)
{
    const struct sockaddr_in one = { .sin_family = AF_INET, .sin_port = 1 };
    const struct sockaddr_in other = { .sin_family = AF_INET, .sin_port = 2 };
    const wherry_simulation_event events[] = {
        { .what = "a" },
        { .what = "b" },
        { .what = "a", .detail = "x" },
        { .what = "a", .host = "x" },
        { .what = "a", .program = "y" },
        { .what = "a", .descriptor = 3 },
        { .what = "a", .result = 3 },
        { .what = "a", .flags = 4 },
        { .what = "a", .data = "12345678", .length = 8 },
        { .what = "a", .data = "123456789", .length = 9 },
        { .what = "a", .data = "12345678\0", .length = 9 },
        { .what = "a", .data = "1234567", .length = 7 },
        { .what = "a", .from = (const struct sockaddr *)&one },
        { .what = "a", .from = (const struct sockaddr *)&other },
    };
    const size_t count = sizeof(events) / sizeof(*events);

    (void)state;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            assert_true(hash_after(&events[i]) != hash_after(&events[j]));
}

static void test_places_in_memory_and_what_lies_behind_an_address_do_not_count(void **state)
{
    struct sockaddr_in one = { .sin_family = AF_INET, .sin_port = 1 };
    struct sockaddr_in other = one;
    wherry_simulation_event event = { .what = "a", .site = &one };
    wherry_simulation_event same = { .what = "a", .site = &other };

    (void)state;
    memset(other.sin_zero, 0xff, sizeof(other.sin_zero));
    event.to = (const struct sockaddr *)&one;
    same.to = (const struct sockaddr *)&other;
    assert_true(hash_after(&event) == hash_after(&same));
}

typedef struct notebook {
    wherry_simulation_observer observer;
    uint64_t last;
    int64_t time;
    bool has_gap, goes_back, has_false_cause;
    size_t begins, ends, sends, followers;
} notebook;

static void see(wherry_simulation_observer *self, const wherry_simulation_event *event)
{
    notebook *this = (notebook *)self;

    this->has_gap |= event->step != this->last + 1;
    this->last = event->step;
    this->has_false_cause |= event->cause >= event->step;
    this->followers += event->cause != 0;
    this->goes_back |= event->time < this->time;
    this->time = event->time;
    this->begins += strcmp(event->what, "begin") == 0;
    this->ends += strcmp(event->what, "end") == 0;
    this->sends += strcmp(event->what, "send") == 0 && event->host != NULL &&
                   event->program != NULL && event->result > 0 && event->site != NULL;
}

static void test_an_observer_sees_all_steps_in_order_with_their_causes(void **state)
{
    notebook seen = { .observer.see = see };
    const course this = { .seed = 5, .observer = &seen.observer };

    (void)state;
    (void)hash_of(&this);
    assert_false(seen.has_gap);
    assert_false(seen.goes_back);
    assert_false(seen.has_false_cause);
    assert_int_equal(seen.begins, 6);
    assert_int_equal(seen.ends, 6);
    assert_int_equal(seen.sends, 10);
    assert_in_range(seen.followers, seen.last / 2, seen.last);
}

static void test_an_observer_changes_nothing(void **state)
{
    notebook seen = { .observer.see = see };
    const course with = { .seed = 5, .observer = &seen.observer };
    const course without = { .seed = 5 };

    (void)state;
    assert_true(hash_of(&with) == hash_of(&without));
}

static uint64_t last_cause;

static void keep_cause(wherry_simulation_observer *self, const wherry_simulation_event *event)
{
    (void)self;
    last_cause = event->cause;
}

static void test_what_is_done_between_runs_follows_from_nothing(void **state)
{
    wherry_simulation_observer observer = { .see = keep_cause };
    wherry_simulation *world;

    (void)state;
    assert_int_equal(wherry_simulation_new(&world, .quiet = 1, .observer = &observer), WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", body_nothing, NULL), WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, SECOND), WHERRY_OK);
    assert_true(last_cause != 0);
    assert_int_equal(wherry_simulation_kill(world, "10.0.0.1"), WHERRY_OK);
    assert_true(last_cause == 0);
    wherry_simulation_free(world);
}

#define TEST(name) cmocka_unit_test_setup(test_##name, simulated_unseeded)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_seed_makes_the_same_run),
        TEST(the_same_in_another_process),
        TEST(another_seed_makes_another_run),
        TEST(one_byte_that_is_sent_makes_another_run),
        TEST(each_part_of_an_event_counts),
        TEST(places_in_memory_and_what_lies_behind_an_address_do_not_count),
        TEST(an_observer_sees_all_steps_in_order_with_their_causes),
        TEST(an_observer_changes_nothing),
        TEST(what_is_done_between_runs_follows_from_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
