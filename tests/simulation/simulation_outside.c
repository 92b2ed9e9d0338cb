/* A world outside of its runs and its programs: loops that the tester makes there take it on while
 * they wait; and no run begins inside of another, inside of such a wait, or on another thread. */
#include <pthread.h>
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

/* --- where runs are not allowed */

static int never_asked(wherry_simulation_condition *self, wherry_simulation *asked)
{
    (void)self;
    (void)asked;
    fail_msg("a run that is refused asks for its condition");
    return 1;
}

static int runs_inside(void *argument)
{
    wherry_simulation_condition condition = { .holds = never_asked };

    (void)argument;
    problem_assert_misuse(wherry_simulation_run(world, 1), "running");
    problem_assert_misuse(wherry_simulation_run_quiet(world, 1), "running");
    problem_assert_misuse(wherry_simulation_run_until(world, &condition, 1), "running");
    problem_assert_misuse(wherry_simulation_step(world), "running");
    wherry_simulation_free(world);
    return 0;
}

static void test_a_run_inside_its_own_world_is_misuse_and_freeing_does_nothing(void **state)
{
    (void)state;
    world_spawn("10.0.0.1", runs_inside, NULL);
    assert_int_equal(wherry_simulation_run(world, SECOND), WHERRY_OK);
}

static void *run_elsewhere(void *argument)
{
    problem_assert_misuse(wherry_simulation_run(argument, 1), "thread");
    return NULL;
}

static void test_a_run_on_another_thread_is_misuse(void **state)
{
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, run_elsewhere, world), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    problem_assert_misuse(wherry_simulation_run(NULL, 1), "no simulation");
}

/* --- a wait outside of programs */

static void test_a_loop_made_outside_lets_the_world_go_on(void **state)
{
    wherry_loop *loop;

    (void)state;
    world_spawn("10.0.0.1", world_dweller, &world);
    assert_int_equal(wherry_simulation_host(world, "10.0.0.2"), WHERRY_OK);
    assert_int_equal(wherry_loop_new(&loop, .system = wherry_simulation_system(world, "10.0.0.2")),
                     WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, body_sleep_for, &ten_seconds, .loop = loop), WHERRY_OK);
    assert_int_equal(wherry_loop_run(loop), WHERRY_OK);
    assert_in_range(wherry_simulation_now(world), 10 * SECOND, 10 * SECOND + MILLISECOND);
    assert_null(wherry_simulation_current());
    wherry_loop_free(loop);
}

static void test_no_run_begins_inside_of_a_wait_outside(void **state)
{
    wherry_loop *loop;

    (void)state;
    world_spawn("10.0.0.1", runs_inside, NULL);
    assert_int_equal(wherry_loop_new(&loop, .system = wherry_simulation_system(world, "10.0.0.1")),
                     WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, body_sleep_a_second, NULL, .loop = loop), WHERRY_OK);
    assert_int_equal(wherry_loop_run(loop), WHERRY_OK);
    wherry_loop_free(loop);
    assert_int_equal(wherry_simulation_run(world, 0), WHERRY_OK);
}

static void test_steps_of_a_loop_outside_let_others_have_their_turn(void **state)
{
    wherry_loop *loop;
    wherry_simulation_statistics statistics;

    (void)state;
    world_spawn("10.0.0.1", body_sleep_a_second, NULL);
    assert_int_equal(wherry_loop_new(&loop, .system = wherry_simulation_system(world, "10.0.0.1")),
                     WHERRY_OK);
    for (int i = 0; i < 10; i++)
        assert_true(wherry_loop_step(loop) >= 0);
    wherry_simulation_statistics_read(world, &statistics);
    assert_true(statistics.events > 0);
    assert_in_range(wherry_simulation_now(world), WHERRY_MICROSECONDS(5), MILLISECOND);
    wherry_loop_free(loop);
}

static void test_there_is_no_system_of_a_host_that_there_is_not(void **state)
{
    (void)state;
    assert_null(wherry_simulation_system(world, "10.0.0.1"));
    problem_assert("no such host");
    assert_null(wherry_simulation_system(world, NULL));
    assert_null(wherry_simulation_system(NULL, "10.0.0.1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_run_inside_its_own_world_is_misuse_and_freeing_does_nothing),
        TEST(a_run_on_another_thread_is_misuse),
        TEST(a_loop_made_outside_lets_the_world_go_on),
        TEST(no_run_begins_inside_of_a_wait_outside),
        TEST(steps_of_a_loop_outside_let_others_have_their_turn),
        TEST(there_is_no_system_of_a_host_that_there_is_not),
    };

    return cmocka_run_group_tests_name("simulation_outside", tests, NULL, NULL);
}
