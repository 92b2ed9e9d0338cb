/* Programs: how they begin, their time, and what their results do to the run. What they must not
 * leave behind is in program_leaves.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <wherry.h>

#include "loop/coroutine.h"
#include "support/problem.h"
#include "support/world.h"
#include "system/ambient.h"

#define SECOND WHERRY_SECONDS(1)
#define MICROSECOND WHERRY_MICROSECONDS(1)

static int run(void)
{
    return wherry_simulation_run(world, 10 * SECOND);
}

/* --- beginning */

static int64_t begun_at;
static size_t begun;

static int begins(void *argument)
{
    (void)argument;
    begun++;
    begun_at = wherry_simulation_now(world);
    return 0;
}

static void test_an_address_that_no_host_has_makes_one(void **state)
{
    (void)state;
    assert_null(wherry_simulation_system(world, "fd00::7"));
    world_spawn("fd00::7", begins, NULL);
    assert_non_null(wherry_simulation_system(world, "fd00::7"));
    begun = 0;
    assert_int_equal(run(), WHERRY_OK);
    assert_int_equal(begun, 1);
}

static void test_a_host_that_can_not_be_is_refused(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_spawn(world, "server", begins, NULL), WHERRY_E_INVALID);
    problem_assert("server");
    assert_int_equal(wherry_simulation_spawn(world, "", begins, NULL), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_spawn(world, "127.0.0.1", begins, NULL), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1 10.0.0.2", begins, NULL),
                     WHERRY_E_INVALID);
    assert_null(wherry_simulation_system(world, "10.0.0.1"));
}

static void test_spawning_without_what_it_takes_is_misuse(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", NULL, NULL), WHERRY_E_MISUSE);
    problem_assert("body");
    assert_int_equal(wherry_simulation_spawn(NULL, "10.0.0.1", begins, NULL), WHERRY_E_MISUSE);
    assert_int_equal(wherry_simulation_spawn(world, NULL, begins, NULL), WHERRY_E_MISUSE);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", begins, NULL, .delay = -1),
                     WHERRY_E_MISUSE);
    problem_assert("delay");
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", begins, NULL,
                                             .stack_size = WHERRY__STACK_MIN - 1),
                     WHERRY_E_MISUSE);
    problem_assert("stack_size");
    assert_null(wherry_simulation_system(world, "10.0.0.1"));
}

static void test_a_program_begins_after_its_delay_to_the_nanosecond(void **state)
{
    (void)state;
    assert_int_equal(
        wherry_simulation_spawn(world, "10.0.0.1", begins, NULL, .delay = 1234567, .plain = 1),
        WHERRY_OK);
    assert_int_equal(run(), WHERRY_OK);
    assert_true(begun_at == 1234567);
}

static int touches_stack(void *argument)
{
    volatile char bytes[200 << 10];

    memset((char *)bytes, 1, sizeof(bytes));
    (void)argument;
    return bytes[100] - 1;
}

static void test_a_plain_program_has_the_stack_it_asks_for(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", touches_stack, NULL, .plain = 1),
                     WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", begins, NULL, .plain = 1,
                                             .stack_size = WHERRY__STACK_MIN),
                     WHERRY_OK);
    assert_int_equal(run(), WHERRY_OK);
}

static void test_a_stack_that_no_machine_has_fails_the_run(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", begins, NULL, .name = "giant",
                                             .stack_size = SIZE_MAX / 2),
                     WHERRY_OK);
    assert_int_equal(run(), WHERRY_E_NO_STACK);
    problem_assert("giant");
}

static int spawns(void *argument)
{
    (void)argument;
    world_spawn("10.0.0.2", begins, NULL);
    world_spawn(wherry_simulation_here(), begins, NULL);
    assert_int_equal(begun, 0);
    return 0;
}

static void test_programs_spawn_others(void **state)
{
    (void)state;
    begun = 0;
    world_spawn("10.0.0.1", spawns, NULL);
    assert_int_equal(run(), WHERRY_OK);
    assert_int_equal(begun, 2);
}

static int looks_around(void *argument)
{
    const int *plain = argument;

    assert_true((wherry_task_current() == NULL) == (*plain != 0));
    assert_true((wherry_loop_current() == NULL) == (*plain != 0));
    assert_ptr_equal(wherry__system_ambient(), wherry_simulation_system(world, "10.0.0.1"));
    return 0;
}

static void test_a_program_runs_in_a_task_and_a_plain_one_does_not(void **state)
{
    int no = 0, yes = 1;

    (void)state;
    world_spawn("10.0.0.1", looks_around, &no);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", looks_around, &yes, .plain = 1),
                     WHERRY_OK);
    assert_int_equal(run(), WHERRY_OK);
    assert_ptr_equal(wherry__system_ambient(), wherry_system_epoll());
}

/* --- time */

static int64_t earliest, latest;

static int sleeps(void *argument)
{
    const int64_t begin = wherry_loop_now(wherry_loop_current());
    const int64_t deadline = begin + *(const int64_t *)argument;
    int result = wherry_sleep(deadline);
    const int64_t late = wherry_loop_now(wherry_loop_current()) - deadline;

    earliest = late < earliest ? late : earliest;
    latest = late > latest ? late : latest;
    return result;
}

static void test_sleeping_lasts_as_long_as_it_should_and_two_turns_more_at_most(void **state)
{
    static int64_t durations[] = { 0, 1, 999, 1000, 1001, 123456789, WHERRY_SECONDS(5) };

    (void)state;
    assert_int_equal(wherry_simulation_host(world, "10.0.0.2", .drift = 100000), WHERRY_OK);
    assert_int_equal(wherry_simulation_host(world, "10.0.0.3", .drift = -100000), WHERRY_OK);
    for (size_t i = 0; i < sizeof(durations) / sizeof(*durations); i++) {
        world_spawn("10.0.0.1", sleeps, &durations[i]);
        world_spawn("10.0.0.2", sleeps, &durations[i]);
        world_spawn("10.0.0.3", sleeps, &durations[i]);
    }
    earliest = latest = 0;
    assert_int_equal(run(), WHERRY_OK);
    assert_true(earliest == 0);
    assert_in_range(latest, 1, 2200);
}

static int yields(void *argument)
{
    int64_t last = wherry_simulation_now(world);

    (void)argument;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(wherry_yield(), WHERRY_OK);
        assert_true(wherry_simulation_now(world) >= last + MICROSECOND);
        last = wherry_simulation_now(world);
    }
    return 0;
}

static void test_turns_are_a_microsecond_apart_at_least(void **state)
{
    (void)state;
    world_spawn("10.0.0.1", yields, NULL);
    world_spawn("10.0.0.1", yields, NULL);
    assert_int_equal(run(), WHERRY_OK);
    assert_in_range(wherry_simulation_now(world), 100 * MICROSECOND, 110 * MICROSECOND);
}

static char order[64];

static int writes_order(void *argument)
{
    for (int i = 0; i < 3; i++) {
        strncat(order, argument, 1);
        assert_int_equal(wherry_yield(), WHERRY_OK);
    }
    return 0;
}

static void test_programs_at_the_same_instant_have_their_turns_in_the_order_of_spawning(
    void **state)
{
    (void)state;
    order[0] = '\0';
    world_spawn("10.0.0.1", writes_order, "a");
    world_spawn("10.0.0.3", writes_order, "b");
    world_spawn("10.0.0.2", writes_order, "c");
    assert_int_equal(run(), WHERRY_OK);
    assert_string_equal(order, "abcabcabc");
}

/* --- results */

static int returns(void *argument)
{
    return *(const int *)argument;
}

static int returns_with_problem(void *argument)
{
    wherry_address address;

    (void)argument;
    return wherry_address_parse(&address, "nonsense", 8);
}

static void test_the_result_of_a_program_is_that_of_the_run(void **state)
{
    int result = WHERRY_E_REFUSED;

    (void)state;
    assert_int_equal(wherry_simulation_host(world, "10.0.0.1", .name = "server"), WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, "server", returns, &result, .name = "client"),
                     WHERRY_OK);
    assert_int_equal(run(), WHERRY_E_REFUSED);
    problem_assert("program \"client\" on host server");
    problem_assert(wherry_error_text(WHERRY_E_REFUSED));
    assert_int_equal(run(), WHERRY_E_REFUSED);
    problem_assert("client");
}

static void test_the_sentence_of_the_program_is_that_of_the_run(void **state)
{
    (void)state;
    world_spawn("10.0.0.1", returns_with_problem, NULL);
    assert_int_equal(run(), WHERRY_E_INVALID);
    problem_assert("nonsense");
    problem_assert("program \"program\" on host 10.0.0.1");
}

static void test_the_first_failure_is_the_one_that_counts(void **state)
{
    int first = WHERRY_E_REFUSED, second = WHERRY_E_NO_NAME;

    (void)state;
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", returns, &second, .delay = 2), 0);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", returns, &first, .delay = 1), 0);
    assert_int_equal(run(), WHERRY_E_REFUSED);
    assert_int_equal(run(), WHERRY_E_REFUSED);
}

static void test_quiet_results_and_positive_ones_are_no_failures(void **state)
{
    static int results[] = { 1,
                             INT32_MAX,
                             WHERRY_E_END,
                             WHERRY_E_RESET,
                             WHERRY_E_TRUNCATED,
                             WHERRY_E_IDLE,
                             WHERRY_E_CLOSED,
                             WHERRY_E_CANCELED };

    (void)state;
    for (size_t i = 0; i < sizeof(results) / sizeof(*results); i++)
        world_spawn("10.0.0.1", returns, &results[i]);
    assert_int_equal(run(), WHERRY_OK);
}

static void test_names_are_cut_at_31_bytes(void **state)
{
    int result = WHERRY_E_REFUSED;

    (void)state;
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", returns, &result,
                                             .name = "0123456789012345678901234567890x"),
                     WHERRY_OK);
    assert_int_equal(run(), WHERRY_E_REFUSED);
    problem_assert("\"0123456789012345678901234567890\"");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_address_that_no_host_has_makes_one),
        TEST(a_host_that_can_not_be_is_refused),
        TEST(spawning_without_what_it_takes_is_misuse),
        TEST(a_program_begins_after_its_delay_to_the_nanosecond),
        TEST(a_plain_program_has_the_stack_it_asks_for),
        TEST(a_stack_that_no_machine_has_fails_the_run),
        TEST(programs_spawn_others),
        TEST(a_program_runs_in_a_task_and_a_plain_one_does_not),
        TEST(sleeping_lasts_as_long_as_it_should_and_two_turns_more_at_most),
        TEST(turns_are_a_microsecond_apart_at_least),
        TEST(programs_at_the_same_instant_have_their_turns_in_the_order_of_spawning),
        TEST(the_result_of_a_program_is_that_of_the_run),
        TEST(the_sentence_of_the_program_is_that_of_the_run),
        TEST(the_first_failure_is_the_one_that_counts),
        TEST(quiet_results_and_positive_ones_are_no_failures),
        TEST(names_are_cut_at_31_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
