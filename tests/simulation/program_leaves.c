/* What programs leave behind when they end: all of it is told, and taken back; and the memory that
 * they have. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <wherry.h>

#include "simulation/program.h"
#include "support/bodies.h"
#include "support/problem.h"
#include "support/world.h"
#include "system/ambient.h"

#define SECOND WHERRY_SECONDS(1)

static int run(void)
{
    return wherry_simulation_run(world, 10 * SECOND);
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
    return result == WHERRY_OK ? wherry_spawn(NULL, body_nothing, NULL, .loop = loop) : result;
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
    assert_int_equal(wherry_spawn(NULL, body_nothing, NULL, .group = group), WHERRY_OK);
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
