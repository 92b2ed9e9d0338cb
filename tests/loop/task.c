/* Tasks: their results, their order, how they wait for each other and for time, and how they are
 * stopped wherever they wait. */
#include <wherry/task.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "loop/task.h"
#include "support/loop_fixture.h"
#include "support/process.h"
#include "support/refuse.h"

static int nothing(void *argument)
{
    (void)argument;
    return 0;
}

static int give(void *number)
{
    return *(int *)number;
}

/* --- joining */

static int join_several_times(void *unused)
{
    int numbers[] = { 42, 0, WHERRY_E_MALFORMED };
    wherry_task *tasks[3];
    int result;

    (void)unused;
    for (int i = 0; i < 3; i++)
        TASK_ASSERT(wherry_spawn(&tasks[i], give, &numbers[i]) == WHERRY_OK);
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
        loop_fixture_spawn(self->loop, give, (void *)(uintptr_t)&quiet[i]);
    assert_int_equal(wherry_spawn(&task, give, &joined, .loop = self->loop), WHERRY_OK);
    wherry_task_release(task);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    assert_int_equal(logged(""), 0);
    for (size_t i = 0; i < sizeof(loud) / sizeof(*loud); i++)
        assert_int_equal(wherry_spawn(NULL, give, (void *)(uintptr_t)&loud[i], .name = "loudly",
                                      .loop = self->loop),
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

    assert_int_equal(wherry_spawn(&task, nothing, NULL), WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "no loop"));
    assert_int_equal(wherry_spawn(&task, NULL, NULL, .loop = self->loop), WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "body"));
    assert_int_equal(wherry_spawn(&task, nothing, NULL, .loop = self->loop, .stack_size = 16383),
                     WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "stack_size"));
    assert_int_equal(
        wherry_spawn(&task, nothing, NULL, .loop = self->loop, .stack_size = SIZE_MAX / 2),
        WHERRY_E_NO_STACK);
    assert_int_equal(wherry_loop_new(&other, .clock = WHERRY_CLOCK_VIRTUAL), WHERRY_OK);
    assert_int_equal(wherry_group_new(&group, .loop = other), WHERRY_OK);
    assert_int_equal(wherry_spawn(&task, nothing, NULL, .loop = self->loop, .group = group),
                     WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "group"));
    wherry_group_cancel(group);
    assert_int_equal(wherry_spawn(&task, nothing, NULL, .group = group), WHERRY_E_CANCELED);
    wherry_group_free(group);
    wherry_loop_free(other);
    assert_null(task);
    assert_int_equal(wherry_spawn_with(NULL, nothing, NULL, NULL), WHERRY_E_MISUSE);
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
    wherry_loop_statistics_read(loop, &before);
    CHILD_ASSERT(wherry_spawn(&task, nothing, NULL, .loop = loop) == WHERRY_E_NO_STACK);
    CHILD_ASSERT(strstr(wherry_problem(), "mapping a stack") != NULL);
    CHILD_ASSERT(wherry_spawn(&task, nothing, NULL, .loop = loop, .stack_size = 1 << 17) ==
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

static int note_letter(void *letter)
{
    trace(letter);
    return 0;
}

static int spawn_two(void *unused)
{
    wherry_loop_statistics statistics;
    uint64_t pass;

    (void)unused;
    wherry_loop_statistics_read(wherry_loop_current(), &statistics);
    pass = statistics.passes;
    trace("a");
    TASK_ASSERT(wherry_spawn(NULL, note_letter, "c") == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, note_letter, "d") == WHERRY_OK);
    trace("b");
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    trace("e");
    wherry_loop_statistics_read(wherry_loop_current(), &statistics);
    TASK_ASSERT(statistics.passes == pass + 1);
    return 0;
}

static void task_begins_in_the_pass_in_which_it_is_spawned(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_spawn(self->loop, spawn_two, NULL);
    assert_int_equal(wherry_loop_step(self->loop), 3);
    trace_is("abcd");
    assert_int_equal(wherry_loop_step(self->loop), 1);
    trace_is("e");
    assert_int_equal(wherry_loop_step(self->loop), 0);
}

static int yield_twice(void *letter)
{
    for (int i = 0; i < 3; i++) {
        trace(letter);
        TASK_ASSERT(wherry_yield() == WHERRY_OK);
    }
    return 0;
}

static void yield_lets_all_others_run_first(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_spawn(self->loop, yield_twice, "a");
    loop_fixture_spawn(self->loop, yield_twice, "b");
    loop_fixture_spawn(self->loop, yield_twice, "c");
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    trace_is("abcabcabc");
}

static int64_t chosen_from;

static uint32_t choose_last(wherry_system *system, int purpose, uint32_t count)
{
    (void)system;
    if (purpose != WHERRY_CHOICE_TASK)
        return 0;
    chosen_from = count;
    return count - 1;
}

static void system_may_choose_which_task_runs_next(void **state)
{
    wherry_system system = *wherry_system_epoll();
    wherry_loop *loop;

    (void)state;
    system.choose = choose_last;
    assert_int_equal(wherry_loop_new(&loop, .system = &system), WHERRY_OK);
    loop_fixture_spawn(loop, note_letter, "a");
    loop_fixture_spawn(loop, note_letter, "b");
    loop_fixture_spawn(loop, note_letter, "c");
    assert_int_equal(wherry_loop_step(loop), 3);
    assert_int_equal(chosen_from, 2);
    trace_is("cba");
    wherry_loop_free(loop);
}

/* --- time */

static int sleep_precisely(void *unused)
{
    static const int64_t spans[] = { 1, 1000, WHERRY_MILLISECONDS(1.5), WHERRY_SECONDS(86400) };
    int64_t before = wherry_in(0);

    (void)unused;
    for (size_t i = 0; i < 4; i++) {
        TASK_ASSERT(wherry_sleep(before + spans[i]) == WHERRY_OK);
        TASK_ASSERT(wherry_in(0) == before + spans[i]);
        before += spans[i];
    }
    TASK_ASSERT(wherry_sleep(before) == WHERRY_OK);
    TASK_ASSERT(wherry_sleep(WHERRY_NOW) == WHERRY_OK);
    TASK_ASSERT(wherry_in(0) == before);
    return 0;
}

static void sleep_ends_at_its_instant(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, sleep_precisely, NULL);
}

static void sleeping_outside_of_coroutines_is_misuse(void **state)
{
    (void)state;
    assert_int_equal(wherry_sleep(WHERRY_NOW), WHERRY_E_MISUSE);
    assert_int_equal(wherry_yield(), WHERRY_E_MISUSE);
    assert_null(wherry_task_current());
}

/* --- what a task tells */

static int look_at_self(void *unused)
{
    wherry_task *self = wherry_task_current();
    int own = 0;

    (void)unused;
    TASK_ASSERT(self != NULL);
    TASK_ASSERT(wherry_task_local(self) == NULL);
    wherry_task_set_local(self, &own);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    TASK_ASSERT(wherry_task_current() == self);
    TASK_ASSERT(wherry_task_local(self) == &own);
    TASK_ASSERT(wherry_task_waits_for(self) == NULL);
    TASK_ASSERT(wherry_task_canceled(self) == 0);
    TASK_ASSERT(wherry_task_ended(self) == 0);
    return 0;
}

static void task_has_a_local_pointer(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_spawn(self->loop, look_at_self, NULL);
    loop_fixture_spawn(self->loop, look_at_self, NULL);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
}

static void names_are_cut_at_31_bytes(void **state)
{
    static const struct {
        const char *given, *kept;
    } names[] = {
        { NULL, "task" },
        { "", "" },
        { "1234567890123456789012345678901", "1234567890123456789012345678901" },
        { "12345678901234567890123456789012", "1234567890123456789012345678901" },
    };
    loop_fixture *self = *state;
    char text[40];
    wherry_task *task;

    for (size_t i = 0; i < 4; i++) {
        if (names[i].given != NULL)
            (void)snprintf(text, sizeof(text), "%s", names[i].given);
        assert_int_equal(wherry_spawn(&task, nothing, NULL, .loop = self->loop,
                                      .name = names[i].given == NULL ? NULL : text),
                         WHERRY_OK);
        memset(text, '#', sizeof(text)); /* it was copied */
        assert_string_equal(wherry_task_name(task), names[i].kept);
        assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
        assert_string_equal(wherry_task_name(task), names[i].kept);
        wherry_task_release(task);
    }
}

/* --- stopping, at each kind of wait */

static struct {
    wherry_event *event;
    wherry_semaphore *semaphore;
    wherry_queue *empty, *full;
    wherry_group *group;
    wherry_task *task;
    wherry_watch *watch;
    wherry_signal *signal;
} things;

static int at_sleep(void)
{
    return wherry_sleep(WHERRY_NEVER);
}

static int at_yield(void)
{
    return wherry_yield();
}

static int at_join(void)
{
    return wherry_task_join(things.task, NULL, WHERRY_NEVER);
}

static int at_group(void)
{
    return wherry_group_join(things.group, NULL, WHERRY_NEVER);
}

static int at_event(void)
{
    return wherry_event_wait(things.event, WHERRY_NEVER);
}

static int at_semaphore(void)
{
    return wherry_semaphore_take(things.semaphore, WHERRY_NEVER);
}

static int at_take(void)
{
    void *item;

    return wherry_queue_take(things.empty, &item, WHERRY_NEVER);
}

static int at_put(void)
{
    return wherry_queue_put(things.full, NULL, WHERRY_NEVER);
}

static int at_first(void)
{
    const wherry_choice_of choices[] = { { .event = things.event }, { .filled = things.empty } };

    return (int)wherry_first(choices, 2, WHERRY_NEVER);
}

static int at_watch(void)
{
    return wherry_watch_wait(things.watch, WHERRY_READABLE, WHERRY_NEVER);
}

static int at_signal(void)
{
    return wherry_signal_wait(things.signal, WHERRY_NEVER);
}

static const struct {
    int (*wait)(void);
    const char *reason;
} waits[] = {
    { at_sleep, "sleep" },
    { at_yield, "its next turn" },
    { at_join, "join" },
    { at_group, "group" },
    { at_event, "event" },
    { at_semaphore, "semaphore" },
    { at_take, "an item in a queue" },
    { at_put, "room in a queue" },
    { at_first, "the first of several" },
    { at_watch, "a descriptor" },
    { at_signal, "a signal" },
};

#define WAITS (sizeof(waits) / sizeof(*waits))

static int wait_until_refused(void *which)
{
    int (*wait)(void) = waits[*(size_t *)which].wait;

    TASK_ASSERT(wait() == WHERRY_E_CANCELED);
    TASK_ASSERT(wherry_task_canceled(wherry_task_current()) == 1);
    TASK_ASSERT(wherry_task_waits_for(wherry_task_current()) == NULL);
    for (size_t i = 0; i < WAITS; i++)
        TASK_ASSERT(waits[i].wait() == WHERRY_E_CANCELED);
    return 33;
}

static int sleep_for_ever(void *unused)
{
    (void)unused;
    return wherry_sleep(WHERRY_NEVER);
}

/* Ready things do not hold up the end of a task either, but with WHERRY_NOW it can tidy up. */
static int use_ready_things_when_canceled(void *unused)
{
    void *item = NULL;

    (void)unused;
    wherry_task_cancel(wherry_task_current());
    wherry_event_set(things.event);
    wherry_semaphore_give(things.semaphore);
    TASK_ASSERT(at_event() == WHERRY_E_CANCELED);
    TASK_ASSERT(at_semaphore() == WHERRY_E_CANCELED);
    TASK_ASSERT(at_first() == WHERRY_E_CANCELED);
    TASK_ASSERT(wherry_queue_take(things.full, &item, WHERRY_NEVER) == WHERRY_E_CANCELED);
    TASK_ASSERT(wherry_queue_put(things.empty, &item, WHERRY_NEVER) == WHERRY_E_CANCELED);
    TASK_ASSERT(wherry_event_wait(things.event, WHERRY_NOW) == WHERRY_OK);
    TASK_ASSERT(wherry_semaphore_take(things.semaphore, WHERRY_NOW) == WHERRY_OK);
    TASK_ASSERT(wherry_queue_take(things.full, &item, WHERRY_NOW) == WHERRY_OK);
    TASK_ASSERT(wherry_queue_put(things.full, &item, WHERRY_NOW) == WHERRY_OK);
    TASK_ASSERT(wherry_first(&(wherry_choice_of){ .event = things.event }, 1, WHERRY_NOW) == 0);
    wherry_task_cancel(things.task);
    TASK_ASSERT(wherry_task_join(things.task, NULL, WHERRY_NOW) == WHERRY_E_WOULD_BLOCK);
    return 0;
}

static int cancel_everywhere(void *ends)
{
    static size_t numbers[WAITS];
    wherry_task *tasks[WAITS];
    int result;

    TASK_ASSERT(wherry_event_new(&things.event, NULL) == WHERRY_OK);
    TASK_ASSERT(wherry_semaphore_new(&things.semaphore, NULL, 0) == WHERRY_OK);
    TASK_ASSERT(wherry_queue_new(&things.empty, NULL, 1) == WHERRY_OK);
    TASK_ASSERT(wherry_queue_new(&things.full, NULL, 1) == WHERRY_OK);
    TASK_ASSERT(wherry_queue_put(things.full, NULL, WHERRY_NOW) == WHERRY_OK);
    TASK_ASSERT(wherry_group_new(&things.group) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, sleep_for_ever, NULL, .group = things.group) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(&things.task, sleep_for_ever, NULL) == WHERRY_OK);
    TASK_ASSERT(wherry_watch_new(&things.watch, .descriptor = *(int *)ends) == WHERRY_OK);
    TASK_ASSERT(wherry_signal_new(&things.signal, .number = 12) == WHERRY_OK);
    for (size_t i = 0; i < WAITS; i++) {
        numbers[i] = i;
        TASK_ASSERT(wherry_spawn(&tasks[i], wait_until_refused, &numbers[i]) == WHERRY_OK);
    }
    for (size_t i = 0; i < WAITS; i++) {
        if (waits[i].wait == at_yield) /* it would be through otherwise */
            wherry_task_cancel(tasks[i]);
    }
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    for (size_t i = 0; i < WAITS; i++) {
        if (waits[i].wait == at_yield)
            continue;
        TASK_ASSERT(strcmp(wherry_task_waits_for(tasks[i]), waits[i].reason) == 0);
        wherry_task_cancel(tasks[i]);
        wherry_task_cancel(tasks[i]);
        TASK_ASSERT(wherry_task_ended(tasks[i]) == 0);
    }
    for (size_t i = 0; i < WAITS; i++) {
        TASK_ASSERT(wherry_task_join(tasks[i], &result, WHERRY_NEVER) == WHERRY_OK);
        if (waits[i].wait == at_yield)
            TASK_ASSERT(result == WHERRY_E_CANCELED); /* it had not begun */
        else
            TASK_ASSERT(result == 33);
        wherry_task_cancel(tasks[i]);
        wherry_task_release(tasks[i]);
    }
    TASK_ASSERT(wherry_spawn(NULL, use_ready_things_when_canceled, NULL) == WHERRY_OK);
    TASK_ASSERT(wherry_task_join(things.task, NULL, WHERRY_NEVER) == WHERRY_OK);
    wherry_task_release(things.task);
    wherry_group_free(things.group);
    wherry_event_free(things.event);
    wherry_semaphore_free(things.semaphore);
    wherry_queue_free(things.empty);
    wherry_queue_free(things.full);
    wherry_watch_free(things.watch);
    wherry_signal_free(things.signal);
    return 0;
}

static void cancellation_reaches_each_kind_of_wait(void **state)
{
    loop_fixture *self = *state;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    loop_fixture_run(self->loop, cancel_everywhere, ends);
    close(ends[0]);
    close(ends[1]);
}

static int yield_then_see(void *unused)
{
    (void)unused;
    trace("a");
    TASK_ASSERT(wherry_yield() == WHERRY_E_CANCELED);
    trace("c");
    return 0;
}

static int cancel_argument(void *task)
{
    trace("b");
    wherry_task_cancel(*(wherry_task **)task);
    return 0;
}

static void yield_is_refused_to_who_was_canceled_meanwhile(void **state)
{
    loop_fixture *self = *state;
    wherry_task *task;

    assert_int_equal(wherry_spawn(&task, yield_then_see, NULL, .loop = self->loop), WHERRY_OK);
    loop_fixture_spawn(self->loop, cancel_argument, &task);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    trace_is("abc");
    wherry_task_release(task);
}

static void canceled_before_it_begins_it_does_not_begin(void **state)
{
    loop_fixture *self = *state;
    wherry_task *task;
    int result = 0;

    assert_int_equal(wherry_spawn(&task, note_letter, "x", .loop = self->loop), WHERRY_OK);
    wherry_task_cancel(task);
    assert_int_equal(wherry_task_ended(task), 0);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    assert_int_equal(wherry_task_join(task, &result, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(result, WHERRY_E_CANCELED);
    wherry_task_release(task);
    trace_is("");
    wherry_task_cancel(NULL);
}

static int cancel_self(void *unused)
{
    wherry_task *self = wherry_task_current();

    (void)unused;
    wherry_task_cancel(self);
    TASK_ASSERT(wherry_task_canceled(self) == 1);
    TASK_ASSERT(wherry_sleep(wherry_in(1)) == WHERRY_E_CANCELED);
    TASK_ASSERT(wherry_sleep(wherry_in(-1)) == WHERRY_E_CANCELED);
    TASK_ASSERT(wherry_sleep(WHERRY_NOW) == WHERRY_OK);
    TASK_ASSERT(wherry_yield() == WHERRY_E_CANCELED);
    return 0;
}

static void task_may_cancel_itself(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, cancel_self, NULL);
}

/* --- shields: what has to be finished though the task is being stopped */

static int work_shielded(void *unused)
{
    wherry_task *self = wherry_task_current();
    int64_t start = wherry_in(0);

    (void)unused;
    wherry__task_shield(self, start + 100);
    wherry_task_cancel(self);
    TASK_ASSERT(wherry_sleep(start + 10) == WHERRY_OK);
    TASK_ASSERT(wherry_in(0) == start + 10);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    wherry__task_shield(self, 0);
    TASK_ASSERT(wherry_sleep(start + 20) == WHERRY_E_CANCELED);
    return 0;
}

static void shield_keeps_a_cancellation_away(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, work_shielded, NULL);
}

static int outlast_shield(void *unused)
{
    wherry_task *self = wherry_task_current();
    int64_t start = wherry_in(0);

    (void)unused;
    wherry__task_shield(self, start + 100);
    TASK_ASSERT(wherry_task_canceled(self) == 0);
    TASK_ASSERT(wherry_sleep(start + 1000) == WHERRY_E_CANCELED);
    TASK_ASSERT(wherry_in(0) == start + 100);
    TASK_ASSERT(wherry_task_canceled(self) == 1); /* in any case */
    TASK_ASSERT(wherry_sleep(start + 1000) == WHERRY_E_CANCELED);
    return 0;
}

static void end_of_a_shield_is_a_cancellation(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, outlast_shield, NULL);
}

static int wait_behind_shield(void *unused)
{
    (void)unused;
    wherry__task_shield(wherry_task_current(), wherry_in(100));
    TASK_ASSERT(wherry_sleep(WHERRY_NEVER) == WHERRY_E_CANCELED);
    trace("w");
    return 0;
}

static int cancel_and_wait(void *task)
{
    TASK_ASSERT(wherry_sleep(wherry_in(10)) == WHERRY_OK);
    wherry_task_cancel(*(wherry_task **)task);
    TASK_ASSERT(wherry_sleep(wherry_in(80)) == WHERRY_OK);
    trace("c");
    return 0;
}

static void canceled_by_another_a_shielded_task_waits_on(void **state)
{
    loop_fixture *self = *state;
    wherry_task *task;

    assert_int_equal(wherry_spawn(&task, wait_behind_shield, NULL, .loop = self->loop), WHERRY_OK);
    loop_fixture_spawn(self->loop, cancel_and_wait, &task);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    trace_is("cw");
    wherry_task_release(task);
}

static int ignore_refusals(void *count)
{
    wherry_task_cancel(wherry_task_current());
    for (int i = 0; i < *(int *)count; i++)
        TASK_ASSERT(wherry_sleep(wherry_in(1)) == WHERRY_E_CANCELED);
    return 0;
}

static void refused_a_thousand_times_it_is_logged_by_name(void **state)
{
    loop_fixture *self = *state;
    int counts[] = { 999, 5000 };

    assert_int_equal(
        wherry_spawn(NULL, ignore_refusals, &counts[0], .loop = self->loop, .name = "patient"),
        WHERRY_OK);
    assert_int_equal(
        wherry_spawn(NULL, ignore_refusals, &counts[1], .loop = self->loop, .name = "stubborn"),
        WHERRY_OK);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    assert_int_equal(logged("patient"), 0);
    assert_int_equal(logged("task \"stubborn\" was canceled"), 1);
    assert_int_equal(logged(""), 1);
}

/* --- who is alive */

typedef struct lister {
    wherry_task_visitor visitor;
    wherry_loop *loop;
} lister;

static void list_one(wherry_task_visitor *self, wherry_task *task)
{
    (void)self;
    trace(wherry_task_name(task));
    trace(wherry_task_waits_for(task) == NULL ? ":-" : wherry_task_waits_for(task));
    trace(" ");
}

static void tasks_are_listed_in_order_of_their_start(void **state)
{
    lister all = { .visitor.see = list_one };
    loop_fixture *self = *state;

    wherry_loop_tasks(self->loop, &all.visitor);
    trace_is("");
    assert_int_equal(wherry_spawn(NULL, sleep_for_ever, NULL, .loop = self->loop, .name = "one "),
                     WHERRY_OK);
    assert_int_equal(wherry_loop_step(self->loop), 1);
    assert_int_equal(wherry_spawn(NULL, nothing, NULL, .loop = self->loop, .name = "two"),
                     WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, sleep_for_ever, NULL, .loop = self->loop, .name = "three"),
                     WHERRY_OK);
    wherry_loop_tasks(self->loop, &all.visitor);
    trace_is("one sleep two:- three:- ");
    assert_int_equal(wherry_loop_step(self->loop), 2);
    wherry_loop_tasks(self->loop, &all.visitor);
    trace_is("one sleep threesleep ");
}

/* --- fairness */

static struct {
    wherry_semaphore *halves[2];
    uint64_t rounds;
    bool over;
} game;

static int play(void *side)
{
    const int own = *(int *)side;

    while (!game.over) {
        TASK_ASSERT(wherry_semaphore_take(game.halves[own], WHERRY_NEVER) == WHERRY_OK);
        wherry_semaphore_give(game.halves[1 - own]);
        game.rounds++;
    }
    return 0;
}

static int end_after(void *ends)
{
    char byte;

    TASK_ASSERT(wherry_sleep(wherry_in(WHERRY_MILLISECONDS(5))) == WHERRY_OK);
    TASK_ASSERT(write(((int *)ends)[1], "x", 1) == 1);
    TASK_ASSERT(wherry_watch_wait(things.watch, WHERRY_READABLE, WHERRY_NEVER) == WHERRY_READABLE);
    TASK_ASSERT(read(((int *)ends)[0], &byte, 1) == 1);
    game.over = true;
    return 0;
}

static void tasks_that_wake_each_other_without_end_starve_nobody(void **state)
{
    static int sides[2] = { 0, 1 };
    wherry_loop *loop;
    int ends[2];

    (void)state;
    memset(&game, 0, sizeof(game));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(wherry_loop_new(&loop), WHERRY_OK); /* virtual time would stand still */
    assert_int_equal(wherry_semaphore_new(&game.halves[0], loop, 1), WHERRY_OK);
    assert_int_equal(wherry_semaphore_new(&game.halves[1], loop, 0), WHERRY_OK);
    assert_int_equal(wherry_watch_new(&things.watch, .loop = loop, .descriptor = ends[0]),
                     WHERRY_OK);
    loop_fixture_spawn(loop, play, &sides[0]);
    loop_fixture_spawn(loop, play, &sides[1]);
    loop_fixture_spawn(loop, end_after, ends);
    while (!game.over)
        assert_true(wherry_loop_step(loop) >= 0);
    assert_true(game.rounds > 1000);
    wherry_watch_free(things.watch);
    wherry_loop_free(loop);
    wherry_semaphore_free(game.halves[0]);
    wherry_semaphore_free(game.halves[1]);
    close(ends[0]);
    close(ends[1]);
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
    code = wherry_spawn(&task, give, &number, .loop = loop, .name = "named");
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
        ON_LOOP(task_begins_in_the_pass_in_which_it_is_spawned),
        ON_LOOP(yield_lets_all_others_run_first),
        ON_LOOP(system_may_choose_which_task_runs_next),
        ON_LOOP(sleep_ends_at_its_instant),
        ON_LOOP(sleeping_outside_of_coroutines_is_misuse),
        ON_LOOP(task_has_a_local_pointer),
        ON_LOOP(names_are_cut_at_31_bytes),
        ON_LOOP(cancellation_reaches_each_kind_of_wait),
        ON_LOOP(yield_is_refused_to_who_was_canceled_meanwhile),
        ON_LOOP(canceled_before_it_begins_it_does_not_begin),
        ON_LOOP(task_may_cancel_itself),
        ON_LOOP(shield_keeps_a_cancellation_away),
        ON_LOOP(end_of_a_shield_is_a_cancellation),
        ON_LOOP(canceled_by_another_a_shielded_task_waits_on),
        ON_LOOP(refused_a_thousand_times_it_is_logged_by_name),
        ON_LOOP(tasks_are_listed_in_order_of_their_start),
        ON_LOOP(tasks_that_wake_each_other_without_end_starve_nobody),
        cmocka_unit_test(out_of_memory_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
