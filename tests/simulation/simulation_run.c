/* How the runs of a world end: by their duration, with the last program, when nothing is left to
 * happen, by a condition of the tester's; and single steps. What should have ended and did not
 * is in simulation_stuck.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <wherry.h>

#include "support/bodies.h"
#include "support/problem.h"
#include "support/world.h"

#define MILLISECOND WHERRY_MILLISECONDS(1)
#define SECOND WHERRY_SECONDS(1)

static int64_t ten_seconds = WHERRY_SECONDS(10);

static int refused(void *argument)
{
    (void)argument;
    return WHERRY_E_REFUSED;
}

/* --- by themselves */

static void test_a_run_lasts_for_its_duration(void **state)
{
    (void)state;
    world_spawn("10.0.0.1", body_sleep_for_ever, NULL);
    assert_true(wherry_simulation_now(world) == 0);
    assert_int_equal(wherry_simulation_run(world, 5 * SECOND), WHERRY_OK);
    assert_true(wherry_simulation_now(world) == 5 * SECOND);
    assert_int_equal(wherry_simulation_run(world, 0), WHERRY_OK);
    assert_true(wherry_simulation_now(world) == 5 * SECOND);
    assert_int_equal(wherry_simulation_run(world, -SECOND), WHERRY_OK);
    assert_true(wherry_simulation_now(world) == 5 * SECOND);
}

static void test_a_world_without_programs_lets_the_time_pass(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_host(world, "10.0.0.1"), WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, SECOND), WHERRY_OK);
    assert_true(wherry_simulation_now(world) == SECOND);
}

static void test_a_run_is_over_when_all_programs_have_ended(void **state)
{
    (void)state;
    world_spawn("10.0.0.1", body_sleep_a_second, NULL);
    world_spawn("10.0.0.2", body_nothing, NULL);
    assert_int_equal(wherry_simulation_run(world, 60 * SECOND), WHERRY_OK);
    assert_in_range(wherry_simulation_now(world), SECOND, SECOND + MILLISECOND);
}

static void test_what_is_due_at_the_end_of_a_run_still_happens(void **state)
{
    wherry_simulation_statistics statistics;

    (void)state;
    assert_int_equal(
        wherry_simulation_spawn(world, "10.0.0.1", body_nothing, NULL, .delay = 5 * SECOND),
        WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, 5 * SECOND - 1), WHERRY_OK);
    wherry_simulation_statistics_read(world, &statistics);
    assert_true(statistics.events == 0);
    assert_int_equal(wherry_simulation_run(world, 1), WHERRY_OK);
    wherry_simulation_statistics_read(world, &statistics);
    assert_true(statistics.events > 0);
}

static void test_a_quiet_run_ends_when_nothing_can_happen_any_more(void **state)
{
    (void)state;
    world_spawn("10.0.0.1", body_sleep_for_ever, NULL);
    world_spawn("10.0.0.2", body_sleep_a_second, NULL);
    assert_int_equal(wherry_simulation_run_quiet(world, 60 * SECOND), WHERRY_OK);
    assert_in_range(wherry_simulation_now(world), SECOND, SECOND + MILLISECOND);
}

static void test_a_quiet_run_ends_at_its_limit(void **state)
{
    (void)state;
    world_spawn("10.0.0.2", body_sleep_for, &ten_seconds);
    assert_int_equal(wherry_simulation_run_quiet(world, SECOND), WHERRY_OK);
    assert_true(wherry_simulation_now(world) == SECOND);
}

static void test_steps_are_single_and_end(void **state)
{
    int steps = 0;
    int result;

    (void)state;
    assert_int_equal(wherry_simulation_step(world), 0);
    world_spawn("10.0.0.1", body_sleep_a_second, NULL);
    while ((result = wherry_simulation_step(world)) == 1)
        steps++;
    assert_int_equal(result, 0);
    assert_in_range(steps, 3, 20);
    assert_in_range(wherry_simulation_now(world), SECOND, SECOND + MILLISECOND);
}

static void test_a_step_tells_the_failure(void **state)
{
    int result;

    (void)state;
    world_spawn("10.0.0.1", refused, NULL);
    do
        result = wherry_simulation_step(world);
    while (result == 1);
    assert_int_equal(result, WHERRY_E_REFUSED);
    assert_int_equal(wherry_simulation_step(world), WHERRY_E_REFUSED);
}

/* --- conditions */

typedef struct instant {
    wherry_simulation_condition condition;
    int64_t at;
    int asked;
} instant;

static int has_come(wherry_simulation_condition *self, wherry_simulation *asked)
{
    instant *this = (instant *)self;

    this->asked++;
    assert_null(wherry_simulation_current());
    return wherry_simulation_now(asked) >= this->at;
}

static void test_a_run_ends_as_soon_as_its_condition_holds(void **state)
{
    instant this = { .condition.holds = has_come, .at = 3 * SECOND };

    (void)state;
    for (int i = 1; i <= 10; i++)
        assert_int_equal(
            wherry_simulation_spawn(world, "10.0.0.1", body_nothing, NULL, .delay = i * SECOND),
            WHERRY_OK);
    assert_int_equal(wherry_simulation_run_until(world, &this.condition, 60 * SECOND), WHERRY_OK);
    assert_true(wherry_simulation_now(world) == 3 * SECOND);
    this.asked = 0;
    assert_int_equal(wherry_simulation_run_until(world, &this.condition, 60 * SECOND), WHERRY_OK);
    assert_int_equal(this.asked, 1);
}

static void test_a_condition_that_does_not_hold_in_time(void **state)
{
    instant this = { .condition.holds = has_come, .at = 20 * SECOND };

    (void)state;
    world_spawn("10.0.0.1", body_sleep_for, &ten_seconds);
    assert_int_equal(wherry_simulation_run_until(world, &this.condition, SECOND),
                     WHERRY_E_TIMED_OUT);
    assert_true(wherry_simulation_now(world) == SECOND);
    assert_int_equal(wherry_simulation_run_until(world, &this.condition, SECOND),
                     WHERRY_E_TIMED_OUT); /* which is no failure of the world */
    assert_int_equal(wherry_simulation_run(world, 20 * SECOND), WHERRY_OK);
}

static void test_a_condition_that_cannot_hold_any_more_is_told_with_who_waits(void **state)
{
    instant this = { .condition.holds = has_come, .at = 20 * SECOND };

    (void)state;
    assert_int_equal(
        wherry_simulation_spawn(world, "10.0.0.1", body_sleep_for_ever, NULL, .name = "waiter"),
        WHERRY_OK);
    assert_int_equal(wherry_simulation_run_until(world, &this.condition, 60 * SECOND),
                     WHERRY_E_STUCK);
    problem_assert("waiter");
    problem_assert("10.0.0.1");
    problem_assert("\"sleep\"");
    assert_true(wherry_simulation_now(world) < SECOND);
    assert_int_equal(wherry_simulation_run(world, SECOND), WHERRY_E_STUCK);
}

static void test_a_condition_in_a_world_in_which_nobody_is_left(void **state)
{
    instant this = { .condition.holds = has_come, .at = 20 * SECOND };

    (void)state;
    world_spawn("10.0.0.1", body_nothing, NULL);
    assert_int_equal(wherry_simulation_run_until(world, &this.condition, 60 * SECOND),
                     WHERRY_E_STUCK);
    problem_assert("no program is left");
}

static void test_a_run_until_nothing_is_misuse(void **state)
{
    wherry_simulation_condition condition = { .holds = NULL };

    (void)state;
    problem_assert_misuse(wherry_simulation_run_until(world, NULL, 1), "condition");
    problem_assert_misuse(wherry_simulation_run_until(world, &condition, 1), "condition");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_run_lasts_for_its_duration),
        TEST(a_world_without_programs_lets_the_time_pass),
        TEST(a_run_is_over_when_all_programs_have_ended),
        TEST(what_is_due_at_the_end_of_a_run_still_happens),
        TEST(a_quiet_run_ends_when_nothing_can_happen_any_more),
        TEST(a_quiet_run_ends_at_its_limit),
        TEST(steps_are_single_and_end),
        TEST(a_step_tells_the_failure),
        TEST(a_run_ends_as_soon_as_its_condition_holds),
        TEST(a_condition_that_does_not_hold_in_time),
        TEST(a_condition_that_cannot_hold_any_more_is_told_with_who_waits),
        TEST(a_condition_in_a_world_in_which_nobody_is_left),
        TEST(a_run_until_nothing_is_misuse),
    };

    return cmocka_run_group_tests_name("simulation_run", tests, NULL, NULL);
}
