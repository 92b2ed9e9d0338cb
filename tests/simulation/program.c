/* Programs: how they begin, what their results do to the run, and what they must not leave behind.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <wherry.h>

#include "loop/coroutine.h"
#include "simulation/program.h"
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

/* --- what is left behind */

static int leaves_descriptor(void *argument)
{
    wherry_system *system = wherry__system_ambient();

    (void)argument;
    return system->socket(system, AF_INET, SOCK_STREAM, 0) < 0;
}

static int leaves_memory(void *argument)
{
    (void)argument;
    return wherry__memory_take(wherry__memory_ambient(), 12345) == NULL;
}

static int leaves_loop(void *argument)
{
    wherry_loop *loop;
    int result;

    (void)argument;
    result = wherry_loop_new(&loop);
    return result == WHERRY_OK ? wherry_spawn(NULL, begins, NULL, .loop = loop) : result;
}

static void assert_nothing_left(void)
{
    wherry_simulation_statistics left;

    wherry_simulation_statistics_read(world, &left);
    assert_int_equal(left.programs, 0);
    assert_int_equal(left.sockets, 0);
    assert_int_equal(left.descriptors, 0);
    assert_int_equal(left.memory, 0);
    assert_int_equal(left.under_way, 0);
}

static void assert_broken(wherry_body *body, const char *part)
{
    assert_int_equal(
        wherry_simulation_spawn(world, "10.0.0.1", body, NULL, .name = "messy", .plain = 1),
        WHERRY_OK);
    assert_int_equal(run(), WHERRY_E_BROKEN);
    problem_assert("\"messy\" on host 10.0.0.1");
    problem_assert(part);
    assert_nothing_left();
}

static void test_a_descriptor_left_behind_is_told(void **state)
{
    (void)state;
    assert_broken(leaves_descriptor, "1 descriptors, 0 bytes in 0 blocks");
}

static void test_memory_left_behind_is_told(void **state)
{
    (void)state;
    assert_broken(leaves_memory, "0 descriptors, 12345 bytes in 1 blocks");
}

static void test_a_loop_left_behind_is_told(void **state)
{
    (void)state;
    assert_broken(leaves_loop, "and a loop");
}

static int closes_twice(void *argument)
{
    wherry_system *system = wherry__system_ambient();
    int descriptor = system->socket(system, AF_INET, SOCK_STREAM, 0);

    (void)argument;
    (void)system->close(system, descriptor);
    (void)system->close(system, descriptor);
    return 0;
}

static void test_a_descriptor_used_after_it_was_closed_is_told(void **state)
{
    (void)state;
    assert_broken(closes_twice, "close of descriptor 3, which is not open");
}

static int holds_descriptor(void *argument)
{
    wherry_system *system = wherry__system_ambient();
    int descriptor = system->socket(system, AF_INET, SOCK_STREAM, 0);
    int result = wherry_sleep(wherry_in(SECOND));

    (void)argument;
    (void)system->close(system, descriptor);
    return result;
}

static int uses_descriptor_of_another(void *argument)
{
    wherry_system *system = wherry__system_ambient();

    (void)argument;
    (void)system->listen(system, 3, 1);
    return 0;
}

static void test_a_descriptor_of_another_program_is_told(void **state)
{
    (void)state;
    world_spawn("10.0.0.1", holds_descriptor, NULL);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", uses_descriptor_of_another, NULL,
                                             .delay = SECOND / 2),
                     WHERRY_OK);
    assert_int_equal(run(), WHERRY_E_BROKEN);
    problem_assert("listen of descriptor 3");
}

static void test_unchecked_nothing_of_it_is_told_and_all_is_taken_back(void **state)
{
    wherry_body *const bodies[] = { leaves_descriptor, leaves_memory, leaves_loop, closes_twice };

    (void)state;
    wherry_simulation_free(world);
    assert_int_equal(wherry_simulation_new(&world, .quiet = 1, .unchecked = 1), WHERRY_OK);
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++)
        assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", bodies[i], NULL, .plain = 1),
                         WHERRY_OK);
    assert_int_equal(run(), WHERRY_OK);
    assert_nothing_left();
}

static int is_tidy(void *argument)
{
    wherry_event *event;
    wherry_group *group;
    int result = wherry_event_new(&event, NULL);

    (void)argument;
    assert_int_equal(wherry_group_new(&group), WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, begins, NULL, .group = group), WHERRY_OK);
    wherry_group_free(group);
    wherry_event_free(event);
    return result;
}

static void test_a_tidy_program_leaves_nothing(void **state)
{
    (void)state;
    world_spawn("10.0.0.1", is_tidy, NULL);
    assert_int_equal(run(), WHERRY_OK);
    assert_nothing_left();
}

/* --- memory of programs */

static void test_memory_is_counted_grows_shrinks_and_is_taken_back(void **state)
{
    wherry__sim_arena arena;
    char *one, *two;

    (void)state;
    assert_int_equal(wherry_simulation_host(world, "10.0.0.1"), WHERRY_OK);
    wherry__sim_arena_init(&arena, wherry__sim_host_named(world, "10.0.0.1"));
    one = wherry__memory_resize(&arena.base, NULL, 0, 10);
    two = wherry__memory_resize(&arena.base, NULL, 0, 20);
    memset(one, 1, 10);
    memset(two, 2, 20);
    assert_int_equal(arena.count, 2);
    assert_int_equal(arena.bytes, 30);
    one = wherry__memory_resize(&arena.base, one, 10, 1000);
    assert_int_equal(one[9], 1);
    assert_int_equal(arena.bytes, 1020);
    assert_null(wherry__memory_resize(&arena.base, one, 1000, SIZE_MAX));
    assert_int_equal(arena.count, 2);
    assert_int_equal(arena.bytes, 1020);
    wherry__memory_give(&arena.base, two, 20);
    assert_int_equal(arena.count, 1);
    wherry__sim_arena_clear(&arena);
    assert_int_equal(arena.count, 0);
    assert_int_equal(arena.bytes, 0);
}

static int takes_memory(void *argument)
{
    (void)argument;
    return wherry__memory_take(wherry__memory_ambient(), 1) == NULL ? 0 : WHERRY_E_BROKEN;
}

static void test_memory_fails_where_the_fault_strikes(void **state)
{
    const wherry_faults faults = { .millionths[WHERRY_FAULT_NO_MEMORY] = 1000000 };

    (void)state;
    wherry_simulation_set_faults(world, &faults);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", takes_memory, NULL, .plain = 1),
                     WHERRY_OK);
    assert_int_equal(run(), WHERRY_OK);
    world_spawn("10.0.0.1", takes_memory, NULL); /* whose loop was made all the same */
    assert_int_equal(run(), WHERRY_OK);
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
        TEST(a_descriptor_left_behind_is_told),
        TEST(memory_left_behind_is_told),
        TEST(a_loop_left_behind_is_told),
        TEST(a_descriptor_used_after_it_was_closed_is_told),
        TEST(a_descriptor_of_another_program_is_told),
        TEST(unchecked_nothing_of_it_is_told_and_all_is_taken_back),
        TEST(a_tidy_program_leaves_nothing),
        TEST(memory_is_counted_grows_shrinks_and_is_taken_back),
        TEST(memory_fails_where_the_fault_strikes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
