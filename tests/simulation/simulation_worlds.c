/* Several worlds, on one thread, within each other and on threads of their own; and a world in a
 * task of an ordinary loop. None takes another's place for longer than it runs. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <wherry.h>

#include "support/bodies.h"
#include "support/world.h"

#define MILLISECOND WHERRY_MILLISECONDS(1)
#define SECOND WHERRY_SECONDS(1)

static int64_t ten_seconds = WHERRY_SECONDS(10);

static void test_inside_it_is_known_which_world_and_host_it_is_and_outside_there_is_none(
    void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_host(world, "10.0.0.1 10.0.0.9", .name = "named"), 0);
    world_spawn("named", world_dweller, &world);
    assert_null(wherry_simulation_current());
    assert_null(wherry_simulation_here());
    assert_int_equal(wherry_simulation_run(world, 2 * SECOND), WHERRY_OK);
    assert_null(wherry_simulation_current());
    assert_null(wherry_simulation_here());
}

static void test_two_worlds_take_turns_on_one_thread(void **state)
{
    wherry_simulation *other;

    (void)state;
    assert_int_equal(wherry_simulation_new(&other, .quiet = 1), WHERRY_OK);
    world_spawn("10.0.0.1", world_dweller, &world);
    assert_int_equal(wherry_simulation_spawn(other, "10.0.0.1", world_dweller, &other), 0);
    for (int i = 1; i <= 20; i++) {
        assert_int_equal(wherry_simulation_run(world, 100 * MILLISECOND), WHERRY_OK);
        assert_int_equal(wherry_simulation_run(other, 50 * MILLISECOND), WHERRY_OK);
    }
    assert_in_range(wherry_simulation_now(world), SECOND, SECOND + MILLISECOND);
    assert_true(wherry_simulation_now(other) == SECOND);
    assert_int_equal(wherry_simulation_run(other, SECOND), WHERRY_OK);
    wherry_simulation_free(other);
}

static int runs_another(void *argument)
{
    wherry_simulation *other = NULL;
    int result;

    (void)argument;
    assert_int_equal(wherry_simulation_new(&other, .quiet = 1), WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(other, "10.0.0.1", world_dweller, &other), 0);
    result = wherry_simulation_run(other, 2 * SECOND);
    wherry_simulation_free(other);
    assert_ptr_equal(wherry_simulation_current(), world);
    return result == WHERRY_OK ? wherry_sleep(wherry_in(SECOND)) : result;
}

static void test_a_world_in_a_program_of_another(void **state)
{
    (void)state;
    world_spawn("10.0.0.1", runs_another, NULL);
    assert_int_equal(wherry_simulation_run(world, 2 * SECOND), WHERRY_OK);
    assert_in_range(wherry_simulation_now(world), SECOND, SECOND + MILLISECOND);
}

static void *whole_life(void *argument)
{
    wherry_simulation *made = NULL;
    int64_t *end = argument;

    assert_int_equal(wherry_simulation_new(&made, .quiet = 1), WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(made, "10.0.0.1", world_dweller, &made), 0);
    assert_int_equal(wherry_simulation_run(made, 2 * SECOND), WHERRY_OK);
    *end = wherry_simulation_now(made);
    wherry_simulation_free(made);
    return NULL;
}

static void test_worlds_on_several_threads_do_not_know_of_each_other(void **state)
{
    pthread_t threads[4];
    int64_t ends[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, whole_life, &ends[i]), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(ends[i] == ends[0]);
    }
}

static int run_in_a_task(void *argument)
{
    wherry_loop *loop = wherry_loop_current();
    wherry_task *task = wherry_task_current();

    (void)argument;
    world_spawn("10.0.0.1", world_dweller, &world);
    assert_int_equal(wherry_simulation_run(world, 2 * SECOND), WHERRY_OK);
    assert_ptr_equal(wherry_loop_current(), loop);
    assert_ptr_equal(wherry_task_current(), task);
    assert_int_equal(wherry_simulation_kill(world, "10.0.0.1"), WHERRY_OK);
    assert_ptr_equal(wherry_loop_current(), loop);
    return wherry_yield();
}

static void test_a_run_inside_a_task_of_an_ordinary_loop(void **state)
{
    (void)state;
    assert_int_equal(wherry_run(run_in_a_task, NULL), WHERRY_OK);
}

static void test_a_world_that_is_freed_in_a_task_ends_its_programs(void **state)
{
    (void)state;
    world_spawn("10.0.0.1", body_sleep_for_ever, NULL);
    assert_int_equal(wherry_run(run_in_a_task, NULL), WHERRY_OK);
    world_spawn("10.0.0.1", body_sleep_for, &ten_seconds);
    assert_int_equal(wherry_simulation_run(world, SECOND), WHERRY_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(inside_it_is_known_which_world_and_host_it_is_and_outside_there_is_none),
        TEST(two_worlds_take_turns_on_one_thread),
        TEST(a_world_in_a_program_of_another),
        TEST(worlds_on_several_threads_do_not_know_of_each_other),
        TEST(a_run_inside_a_task_of_an_ordinary_loop),
        TEST(a_world_that_is_freed_in_a_task_ends_its_programs),
    };

    return cmocka_run_group_tests_name("simulation_worlds", tests, NULL, NULL);
}
