/* Worlds that are stuck: a program that must end cannot, or runs in circles, or things go on and on
 * without time going on. Apart from simulation_run.c, whose runs end as they should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <wherry.h>

#include "simulation/world.h"
#include "support/bodies.h"
#include "support/problem.h"
#include "support/world.h"

#define MILLISECOND WHERRY_MILLISECONDS(1)
#define SECOND WHERRY_SECONDS(1)

static int64_t ten_seconds = WHERRY_SECONDS(10);

/* --- who must end */

static void spawn_that_must_end(wherry_body *body, void *argument)
{
    assert_int_equal(
        wherry_simulation_spawn(world, "10.0.0.1", body, argument, .name = "client", .must_end = 1),
        WHERRY_OK);
}

static void assert_stuck(int result)
{
    assert_int_equal(result, WHERRY_E_STUCK);
    problem_assert("\"client\" on host 10.0.0.1");
    problem_assert("\"sleep\"");
}

static void test_who_must_end_and_cannot_is_told(void **state)
{
    (void)state;
    spawn_that_must_end(body_sleep_for_ever, NULL);
    assert_stuck(wherry_simulation_run(world, 60 * SECOND));
    problem_assert("nothing can happen");
    assert_true(wherry_simulation_now(world) < SECOND);
    assert_stuck(wherry_simulation_run(world, 60 * SECOND));
}

static void test_who_must_end_and_cannot_is_told_by_a_quiet_run(void **state)
{
    (void)state;
    spawn_that_must_end(body_sleep_for_ever, NULL);
    assert_stuck(wherry_simulation_run_quiet(world, 60 * SECOND));
    problem_assert("nothing can happen");
}

static void test_who_must_end_and_does_not_in_time_is_told(void **state)
{
    (void)state;
    spawn_that_must_end(body_sleep_for, &ten_seconds);
    assert_stuck(wherry_simulation_run(world, SECOND));
    problem_assert("time of the run");
}

static void test_who_must_end_and_does_so_is_fine(void **state)
{
    (void)state;
    spawn_that_must_end(body_sleep_a_second, NULL);
    world_spawn("10.0.0.2", body_sleep_for_ever, NULL);
    assert_int_equal(wherry_simulation_run_quiet(world, 60 * SECOND), WHERRY_OK);
}

/* --- circles */

static int circles(void *argument)
{
    int result = 0;

    (void)argument;
    while (result == 0)
        result = wherry_yield();
    return result;
}

/* A program makes as many passes that find nothing as it is let. */
static int passes(void *argument)
{
    int result = 0;

    for (int left = *(const int *)argument; result == 0 && left > 0; left--)
        result = wherry_yield();
    return result;
}

static int run_passes(int count, int limit)
{
    wherry_simulation *made;
    int result;

    assert_int_equal(wherry_simulation_new(&made, .quiet = 1, .passes_max = (uint64_t)limit),
                     WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(made, "10.0.0.1", passes, &count), WHERRY_OK);
    result = wherry_simulation_run(made, SECOND);
    wherry_simulation_free(made);
    return result;
}

static void test_running_in_circles_is_told_past_the_limit(void **state)
{
    int count = 1;

    (void)state;
    while (run_passes(count, 20) == WHERRY_OK)
        count++;
    assert_in_range(count, 18, 22);
    assert_int_equal(run_passes(count, 20), WHERRY_E_STUCK);
    problem_assert("circles");
    problem_assert("10.0.0.1");
    assert_int_equal(run_passes(count, 21), WHERRY_OK);
    assert_int_equal(run_passes(count + 1, 21), WHERRY_E_STUCK);
}

static void test_circles_are_a_million_passes_by_default(void **state)
{
    (void)state;
    world_spawn("10.0.0.1", circles, NULL);
    assert_int_equal(wherry_simulation_run(world, WHERRY_NEVER), WHERRY_E_STUCK);
    assert_in_range(wherry_simulation_now(world), SECOND, SECOND + MILLISECOND);
}

/* Something that happens as many times as it is let, without a step of time. */
typedef struct repetition {
    wherry__sim_event event;
    wherry_simulation *in;
    int left;
} repetition;

static void repeat(wherry__sim_event *event)
{
    repetition *this = (repetition *)(void *)event;

    if (--this->left > 0)
        wherry__sim_at(this->in, event, this->in->now);
}

static int run_repetitions(int count)
{
    repetition this = { .event.run = repeat, .left = count };
    int result;

    assert_int_equal(wherry_simulation_new(&this.in, .quiet = 1, .passes_max = 50), WHERRY_OK);
    wherry__sim_at(this.in, &this.event, SECOND);
    result = wherry_simulation_run(this.in, 2 * SECOND);
    wherry_simulation_free(this.in);
    return result;
}

static void test_as_much_happens_without_time_going_on_as_it_is_let(void **state)
{
    (void)state;
    assert_int_equal(run_repetitions(50), WHERRY_OK);
    assert_int_equal(run_repetitions(51), WHERRY_E_STUCK);
    problem_assert("without time going on");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_must_end_and_cannot_is_told),
        TEST(who_must_end_and_cannot_is_told_by_a_quiet_run),
        TEST(who_must_end_and_does_not_in_time_is_told),
        TEST(who_must_end_and_does_so_is_fine),
        TEST(running_in_circles_is_told_past_the_limit),
        TEST(as_much_happens_without_time_going_on_as_it_is_let),
        TEST(circles_are_a_million_passes_by_default),
    };

    return cmocka_run_group_tests_name("simulation_stuck", tests, NULL, NULL);
}
