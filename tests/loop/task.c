/* Tasks: how they begin and on which stack, what becomes of their results, and of those that nobody
 * asks for. What is told of them is tested in task_tell.c, which of them runs next in
 * task_order.c, and how they are stopped in task_cancel.c. */
#include <wherry/task.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/bodies.h"
#include "support/loop_fixture.h"
#include "support/process.h"
#include "support/refuse.h"

/* --- joining */

static int join_several_times(void *unused)
{
    int numbers[] = { 42, 0, WHERRY_E_MALFORMED };
    wherry_task *tasks[3];
    int result;

    (void)unused;
    for (int i = 0; i < 3; i++)
        TASK_ASSERT(wherry_spawn(&tasks[i], body_give, &numbers[i]) == WHERRY_OK);
    for (int i = 0; i < 3; i++) {
        TASK_ASSERT(wherry_task_join(tasks[i], &result, WHERRY_NEVER) == WHERRY_OK);
        TASK_ASSERT(result == numbers[i]);
        TASK_ASSERT(wherry_task_ended(tasks[i]) == 1);
        result = 1;
        TASK_ASSERT(wherry_task_join(tasks[i], &result, WHERRY_NOW) == WHERRY_OK);
        TASK_ASSERT(result == numbers[i]);
        TASK_ASSERT(wherry_task_join(tasks[i], NULL, wherry_in(0)) == WHERRY_OK);
        wherry_task_release(tasks[i]);
    }
    return 0;
}

static void joiner_gets_the_result_as_often_as_it_asks(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, join_several_times, NULL);
    assert_int_equal(logged(""), 0);
}

static int sleep_for(void *duration)
{
    return wherry_sleep(wherry_in(*(int64_t *)duration));
}

static int join_with_deadlines(void *unused)
{
    int64_t second = WHERRY_SECONDS(1), start = wherry_in(0);
    wherry_task *task;
    int result = 77;

    (void)unused;
    TASK_ASSERT(wherry_spawn(&task, sleep_for, &second) == WHERRY_OK);
    TASK_ASSERT(wherry_task_join(task, &result, WHERRY_NOW) == WHERRY_E_WOULD_BLOCK);
    TASK_ASSERT(wherry_task_join(task, &result, start) == WHERRY_E_TIMED_OUT);
    TASK_ASSERT(wherry_task_join(task, &result, start + 1000) == WHERRY_E_TIMED_OUT);
    TASK_ASSERT(wherry_in(0) == start + 1000);
    TASK_ASSERT(result == 77);
    TASK_ASSERT(wherry_task_join(task, &result, start + 2 * second) == WHERRY_OK);
    TASK_ASSERT(result == WHERRY_OK);
    TASK_ASSERT(wherry_in(0) == start + second);
    wherry_task_release(task);
    return 0;
}

static void join_keeps_its_deadline(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, join_with_deadlines, NULL);
}

static int join_self(void *unused)
{
    (void)unused;
    return wherry_task_join(wherry_task_current(), NULL, WHERRY_NEVER);
}

static void joining_where_one_cannot_wait_is_misuse(void **state)
{
    loop_fixture *self = *state;
    wherry_task *task;
    int result;

    assert_int_equal(wherry_spawn(&task, join_self, NULL, .loop = self->loop), WHERRY_OK);
    assert_int_equal(wherry_task_join(task, NULL, WHERRY_NEVER), WHERRY_E_MISUSE);
    assert_int_equal(wherry_task_join(task, NULL, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_task_join(NULL, NULL, WHERRY_NOW), WHERRY_E_MISUSE);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    assert_int_equal(wherry_task_join(task, &result, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(result, WHERRY_E_MISUSE);
    wherry_task_release(task);
}

static wherry_task *shared_task;

static int join_shared(void *unused)
{
    int result;

    (void)unused;
    TASK_ASSERT(wherry_task_join(shared_task, &result, WHERRY_NEVER) == WHERRY_OK);
    TASK_ASSERT(result == 5);
    trace("j");
    return 0;
}

static int sleep_and_give_five(void *unused)
{
    (void)unused;
    wherry_sleep(wherry_in(1000));
    return 5;
}

static int release_shared(void *unused)
{
    (void)unused;
    wherry_task_release(shared_task);
    trace("r");
    return 0;
}

static void release_by_another_leaves_the_joiner_its_result(void **state)
{
    loop_fixture *self = *state;

    assert_int_equal(wherry_spawn(&shared_task, sleep_and_give_five, NULL, .loop = self->loop),
                     WHERRY_OK);
    loop_fixture_spawn(self->loop, join_shared, NULL);
    loop_fixture_spawn(self->loop, join_shared, NULL);
    loop_fixture_spawn(self->loop, release_shared, NULL);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    trace_is("rjj");
    wherry_task_release(NULL);
}

/* --- what is logged */

static void errors_that_nobody_joins_are_logged(void **state)
{
    static const int quiet[] = { WHERRY_E_END,       WHERRY_E_RESET,
                                 WHERRY_E_TRUNCATED, WHERRY_E_IDLE,
                                 WHERRY_E_CLOSED,    WHERRY_E_CANCELED,
                                 WHERRY_OK,          7 };
    static const int loud[] = { WHERRY_E_MALFORMED, WHERRY_E_TIMED_OUT, -9999 };
    loop_fixture *self = *state;
    int joined = WHERRY_E_MALFORMED;
    wherry_task *task;

    for (size_t i = 0; i < sizeof(quiet) / sizeof(*quiet); i++)
        loop_fixture_spawn(self->loop, body_give, (void *)(uintptr_t)&quiet[i]);
    assert_int_equal(wherry_spawn(&task, body_give, &joined, .loop = self->loop), WHERRY_OK);
    wherry_task_release(task);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    assert_int_equal(logged(""), 0);
    for (size_t i = 0; i < sizeof(loud) / sizeof(*loud); i++)
        assert_int_equal(wherry_spawn(NULL, body_give, (void *)(uintptr_t)&loud[i],
                                      .name = "loudly", .loop = self->loop),
                         WHERRY_OK);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    assert_int_equal(logged("task \"loudly\" ended with "), 3);
    assert_int_equal(logged("WHERRY_E_MALFORMED"), 1);
    assert_int_equal(logged("WHERRY_E_UNKNOWN"), 1);
}

/* --- spawning */

static void spawn_refuses_what_it_cannot_start(void **state)
{
    loop_fixture *self = *state;
    wherry_task *task = NULL;
    wherry_loop *other;
    wherry_group *group;

    assert_int_equal(wherry_spawn(&task, body_nothing, NULL), WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "no loop"));
    assert_int_equal(wherry_spawn(&task, NULL, NULL, .loop = self->loop), WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "body"));
    assert_int_equal(
        wherry_spawn(&task, body_nothing, NULL, .loop = self->loop, .stack_size = 16383),
        WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "stack_size"));
    assert_int_equal(
        wherry_spawn(&task, body_nothing, NULL, .loop = self->loop, .stack_size = SIZE_MAX / 2),
        WHERRY_E_NO_STACK);
    assert_int_equal(wherry_loop_new(&other, .clock = WHERRY_CLOCK_VIRTUAL), WHERRY_OK);
    assert_int_equal(wherry_group_new(&group, .loop = other), WHERRY_OK);
    assert_int_equal(wherry_spawn(&task, body_nothing, NULL, .loop = self->loop, .group = group),
                     WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "group"));
    wherry_group_cancel(group);
    assert_int_equal(wherry_spawn(&task, body_nothing, NULL, .group = group), WHERRY_E_CANCELED);
    wherry_group_free(group);
    wherry_loop_free(other);
    assert_null(task);
    assert_int_equal(wherry_spawn_with(NULL, body_nothing, NULL, NULL), WHERRY_E_MISUSE);
}

/* A stack that is larger than the loop's is there to be used. */
static int touch_much(void *pages)
{
    volatile char bytes[512 << 10];

    for (size_t i = 0; i < sizeof(bytes); i += 1024)
        bytes[i] = 1;
    *(size_t *)pages = sizeof(bytes);
    return bytes[1024] - 1;
}

static int touch_little(void *unused)
{
    volatile char bytes[4 << 10];

    (void)unused;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = 1;
    return bytes[1024] - 1;
}

static void stack_size_is_an_option(void **state)
{
    loop_fixture *self = *state;
    wherry_loop_statistics statistics;
    wherry_task *task;
    size_t touched = 0;

    assert_int_equal(
        wherry_spawn(&task, touch_much, &touched, .loop = self->loop, .stack_size = 1 << 20),
        WHERRY_OK);
    wherry_loop_statistics_read(self->loop, &statistics);
    assert_int_equal(statistics.stacks, 0); /* not one of the loop's */
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    assert_int_equal(touched, 512 << 10);
    wherry_task_release(task);
    assert_int_equal(
        wherry_spawn(NULL, touch_little, NULL, .loop = self->loop, .stack_size = 16384), WHERRY_OK);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, touch_little, NULL, .loop = self->loop), WHERRY_OK);
    wherry_loop_statistics_read(self->loop, &statistics);
    assert_int_equal(statistics.stacks, 1);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    wherry_loop_statistics_read(self->loop, &statistics);
    assert_int_equal(statistics.stacks, 1); /* kept */
}

/* In a process that can map nothing more. */
static int spawn_without_memory_mappings(void)
{
    wherry_loop_statistics before, after;
    wherry_task *task = NULL;
    wherry_loop *loop;

    CHILD_ASSERT(wherry_loop_new(&loop, .clock = WHERRY_CLOCK_VIRTUAL) == WHERRY_OK);
    CHILD_ASSERT(wherry_spawn(&task, body_nothing, NULL, .loop = loop) == WHERRY_E_NO_STACK);
    CHILD_ASSERT(strstr(wherry_problem(), "mapping a stack") != NULL);
    wherry_loop_statistics_read(loop, &before); /* with what is kept for the next task */
    CHILD_ASSERT(wherry_spawn(&task, body_nothing, NULL, .loop = loop, .stack_size = 1 << 17) ==
                 WHERRY_E_NO_STACK);
    CHILD_ASSERT(task == NULL);
    wherry_loop_statistics_read(loop, &after);
    CHILD_ASSERT(after.bytes == before.bytes && after.tasks == 0 && after.stacks == 0);
    CHILD_ASSERT(wherry_loop_run(loop) == WHERRY_OK);
    wherry_loop_free(loop);
    return 0;
}

static void full_process_has_no_stack(void **state)
{
    (void)state;
    if (process_is_checked())
        process_skip("checkers need to map memory themselves");
    refuse_and_run(SYS_mmap, 12, spawn_without_memory_mappings);
}

/* --- memory */

static int spawn_and_join(wherry_memory *memory)
{
    int number = 3, result;
    wherry_task *task;
    wherry_loop *loop;
    int code = wherry_loop_new(&loop, .memory = memory, .clock = WHERRY_CLOCK_VIRTUAL);

    if (code < 0)
        return code;
    code = wherry_spawn(&task, body_give, &number, .loop = loop, .name = "named");
    if (code == WHERRY_OK) {
        code = wherry_loop_run(loop);
        assert_int_equal(wherry_task_join(task, &result, WHERRY_NOW), WHERRY_OK);
        assert_int_equal(result, 3);
        wherry_task_release(task);
    }
    wherry_loop_free(loop);
    return code;
}

static void out_of_memory_is_survived(void **state)
{
    (void)state;
    assert_true(failing_memory_try(spawn_and_join) >= 4); /* loop, poller, task, name */
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(joiner_gets_the_result_as_often_as_it_asks),
        ON_LOOP(join_keeps_its_deadline),
        ON_LOOP(joining_where_one_cannot_wait_is_misuse),
        ON_LOOP(release_by_another_leaves_the_joiner_its_result),
        ON_LOOP(errors_that_nobody_joins_are_logged),
        ON_LOOP(spawn_refuses_what_it_cannot_start),
        ON_LOOP(stack_size_is_an_option),
        ON_LOOP(full_process_has_no_stack),
        cmocka_unit_test(out_of_memory_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
