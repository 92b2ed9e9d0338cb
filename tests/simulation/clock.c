/* Clocks of hosts: offset, drift, and the instants of the world at which deadlines are due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "simulation/chance.h"
#include "simulation/world.h"

#define DRIFT_MAX 100000

static wherry_simulation world;
static wherry__sim_host host;

static int setup(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    memset(&host, 0, sizeof(host));
    host.world = &world;
    return 0;
}

static void assert_reads(int64_t now, int64_t reading)
{
    world.now = now;
    assert_true(wherry__sim_monotonic(&host) == reading);
}

static void test_without_drift_it_is_the_time_since_the_host_was_started_and_its_offset(
    void **state)
{
    (void)state;
    assert_reads(0, 0);
    assert_reads(12345, 12345);
    host.started = 12000;
    assert_reads(12345, 345);
    host.clock_offset = 1000;
    assert_reads(12345, 1345);
}

static void test_a_clock_that_runs_fast_or_slow(void **state)
{
    (void)state;
    host.drift = 100;
    assert_reads(WHERRY_SECONDS(1), WHERRY_SECONDS(1) + 100000);
    assert_reads(9999, 9999);
    assert_reads(10000, 10001);
    host.drift = -100;
    assert_reads(WHERRY_SECONDS(1), WHERRY_SECONDS(1) - 100000);
    assert_reads(10000, 9999);
    assert_reads(1, 0);
}

/* The deadline is reached then, and was not a nanosecond before; or it is now. */
static void assert_due_exactly(int64_t until)
{
    const int64_t now = world.now;
    const int64_t due = wherry__sim_world_time(&host, until);

    assert_true(due >= now);
    world.now = due;
    assert_true(wherry__sim_monotonic(&host) >= until);
    world.now = due - 1;
    if (due > now)
        assert_true(wherry__sim_monotonic(&host) < until);
    world.now = now;
}

static void test_a_deadline_is_due_at_the_first_instant_at_which_its_clock_has_reached_it(
    void **state)
{
    wherry__sim_chance chance;

    (void)state;
    wherry__sim_chance_init(&chance, 1, "test", "clock", NULL);
    for (int i = 0; i < 20000; i++) {
        host.drift = (int32_t)wherry__sim_draw_below(&chance, 2 * DRIFT_MAX + 1) - DRIFT_MAX;
        host.clock_offset = (int64_t)wherry__sim_draw_magnitude(&chance, 1, 1000000000000);
        host.started = (int64_t)wherry__sim_draw_magnitude(&chance, 1, 1000000000000);
        world.now = host.started + (int64_t)wherry__sim_draw_magnitude(&chance, 1, 1000000000000);
        assert_due_exactly(wherry__sim_monotonic(&host) - 5 +
                           (int64_t)wherry__sim_draw_magnitude(&chance, 1, 1000000000000));
    }
}

static void test_no_deadline_of_the_extreme_drifts_is_missed_by_rounding(void **state)
{
    (void)state;
    for (int32_t sign = -1; sign <= 1; sign += 2)
        for (int64_t until = 1; until < 5000; until++) {
            host.drift = sign * DRIFT_MAX;
            assert_due_exactly(until);
            host.drift = sign;
            assert_due_exactly(WHERRY_SECONDS(1) + until);
        }
}

/* The clock does not skip nanoseconds of its own but where it runs fast, and then only one. */
static void test_what_is_due_is_late_by_a_nanosecond_of_its_clock_at_most(void **state)
{
    (void)state;
    for (int64_t until = 1; until < 5000; until++) {
        host.drift = DRIFT_MAX;
        world.now = wherry__sim_world_time(&host, until);
        assert_true(wherry__sim_monotonic(&host) - until <= 1);
        world.now = 0;
        host.drift = -DRIFT_MAX;
        world.now = wherry__sim_world_time(&host, until);
        assert_true(wherry__sim_monotonic(&host) == until);
        world.now = 0;
    }
}

static void test_never_is_never_and_the_past_is_now(void **state)
{
    (void)state;
    host.drift = 7;
    world.now = 5000;
    assert_true(wherry__sim_world_time(&host, WHERRY_NEVER) == WHERRY_NEVER);
    assert_true(wherry__sim_world_time(&host, 5000) == 5000);
    assert_true(wherry__sim_world_time(&host, 0) == 5000);
    assert_true(wherry__sim_world_time(&host, INT64_MIN) == 5000);
}

static void test_the_largest_instants_do_not_overflow(void **state)
{
    (void)state;
    for (int32_t drift = -DRIFT_MAX; drift <= DRIFT_MAX; drift += DRIFT_MAX) {
        host.drift = drift;
        host.started = 0;
        host.clock_offset = 0;
        world.now = 0;
        assert_true(wherry__sim_world_time(&host, INT64_MAX - 1) > INT64_MAX / 10 * 9);
        host.started = INT64_MAX - 10;
        world.now = host.started;
        assert_true(wherry__sim_world_time(&host, INT64_MAX - 1) == WHERRY_NEVER);
        host.started = 0;
        host.clock_offset = INT64_MAX;
        world.now = INT64_MAX - 1;
        assert_true(wherry__sim_monotonic(&host) == INT64_MAX);
    }
}

static void test_a_clock_never_goes_back(void **state)
{
    int64_t last = 0;

    (void)state;
    host.drift = -DRIFT_MAX;
    for (world.now = 999990; world.now < 1000010; world.now++) {
        assert_true(wherry__sim_monotonic(&host) >= last);
        last = wherry__sim_monotonic(&host);
    }
    assert_true(last == 900008);
}

static void test_the_wall_clock_begins_at_a_fixed_date_and_does_not_know_of_starts(void **state)
{
    (void)state;
    assert_true(wherry__sim_wall(&host) == WHERRY_SECONDS(INT64_C(1709208000)));
    host.started = 5000;
    world.now = 6000;
    host.clock_offset = 1;
    assert_true(wherry__sim_wall(&host) == WHERRY_SECONDS(INT64_C(1709208000)) + 6000);
    host.wall_offset = -7;
    assert_true(wherry__sim_wall(&host) == WHERRY_SECONDS(INT64_C(1709208000)) + 5993);
    host.drift = 1000;
    assert_true(wherry__sim_wall(&host) == WHERRY_SECONDS(INT64_C(1709208000)) + 5999);
}

static void test_a_wall_clock_that_is_set_beyond_all_dates_stays_at_the_last(void **state)
{
    (void)state;
    wherry__sim_set_wall(&host, INT64_MAX);
    wherry__sim_set_wall(&host, INT64_MAX);
    assert_true(wherry__sim_wall(&host) == INT64_MAX);
    wherry__sim_set_wall(&host, INT64_MIN);
    wherry__sim_set_wall(&host, INT64_MIN);
    wherry__sim_set_wall(&host, INT64_MIN);
    assert_true(wherry__sim_wall(&host) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(
            test_without_drift_it_is_the_time_since_the_host_was_started_and_its_offset, setup),
        cmocka_unit_test_setup(test_a_clock_that_runs_fast_or_slow, setup),
        cmocka_unit_test_setup(
            test_a_deadline_is_due_at_the_first_instant_at_which_its_clock_has_reached_it, setup),
        cmocka_unit_test_setup(test_no_deadline_of_the_extreme_drifts_is_missed_by_rounding, setup),
        cmocka_unit_test_setup(test_what_is_due_is_late_by_a_nanosecond_of_its_clock_at_most,
                               setup),
        cmocka_unit_test_setup(test_never_is_never_and_the_past_is_now, setup),
        cmocka_unit_test_setup(test_the_largest_instants_do_not_overflow, setup),
        cmocka_unit_test_setup(test_a_clock_never_goes_back, setup),
        cmocka_unit_test_setup(
            test_the_wall_clock_begins_at_a_fixed_date_and_does_not_know_of_starts, setup),
        cmocka_unit_test_setup(test_a_wall_clock_that_is_set_beyond_all_dates_stays_at_the_last,
                               setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
