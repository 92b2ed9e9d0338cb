/* The end of a loop: from where it may not be freed, with tasks that end late or never, and with
 * handles that are freed before it or outlive it. Apart from loop.c, as all of it is about what a
 * loop leaves behind. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "loop/loop.h"
#include "loop/task.h"
#include "support/bodies.h"
#include "support/deadlock.h"
#include "support/loop_fixture.h"

/* --- the end, from where it is not allowed */

static int free_argument(void *loop)
{
    wherry_loop_free(loop);
    wherry_loop_forget(loop);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    return 0;
}

static void *free_elsewhere(void *loop)
{
    wherry_loop_free(loop);
    wherry_loop_forget(loop);
    return NULL;
}

static void freed_from_inside_or_elsewhere_it_only_logs(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *other;
    pthread_t thread;

    loop_fixture_run(self->loop, free_argument, self->loop);
    assert_int_equal(logged("a loop was freed from inside"), 2);
    assert_int_equal(wherry_loop_new(&other), WHERRY_OK);
    loop_fixture_run(self->loop, free_argument, other);
    assert_int_equal(logged("a loop was freed from inside"), 4);
    wherry_loop_free(other);
    assert_int_equal(pthread_create(&thread, NULL, free_elsewhere, self->loop), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(logged("a loop was freed from inside"), 6);
}

/* --- the end, with tasks */

static int tidy_up(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_sleep(WHERRY_NEVER) == WHERRY_E_CANCELED);
    TASK_ASSERT(wherry_spawn(NULL, body_sleep_for_ever, NULL) == WHERRY_E_CANCELED);
    TASK_ASSERT(wherry_loop_current() != NULL);
    trace("t");
    return 7;
}

static void free_cancels_tasks_and_runs_them_to_their_end(void **state)
{
    loop_fixture *self = *state;
    wherry_task *tasks[3];
    int result;

    for (int i = 0; i < 3; i++)
        assert_int_equal(wherry_spawn(&tasks[i], tidy_up, NULL, .loop = self->loop), WHERRY_OK);
    wherry_loop_step(self->loop);
    loop_fixture_free(self);
    trace_is("ttt");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(wherry_task_ended(tasks[i]), 1);
        assert_int_equal(wherry_task_join(tasks[i], &result, WHERRY_NOW), WHERRY_OK);
        assert_int_equal(result, 7);
        assert_string_equal(wherry_task_name(tasks[i]), "task");
        wherry_task_release(tasks[i]);
    }
    assert_int_equal(logged(""), 0);
}

static int join_shortly(void *group)
{
    TASK_ASSERT(wherry_group_join(group, NULL, wherry_in(WHERRY_SECONDS(3600))) ==
                WHERRY_E_CANCELED);
    return 0;
}

static void tasks_that_do_not_end_are_given_up_and_named(void **state)
{
    loop_fixture *self = *state;
    wherry_event *event;
    deadlock both;
    int64_t start;

    assert_int_equal(wherry_event_new(&event, self->loop), WHERRY_OK);
    deadlock_spawn(&both, self->loop);
    loop_fixture_spawn(self->loop, join_shortly, both.groups[0]);
    loop_fixture_pass(self, 3);
    start = wherry_loop_now(self->loop);
    wherry__loop_hold(self->loop);
    wherry_loop_free(self->loop);
    assert_int_equal(wherry_loop_now(self->loop) - start, WHERRY_SECONDS(5));
    wherry__loop_release(self->loop);
    self->loop = NULL;
    assert_int_equal(logged("task \"red\" had not ended when its loop was freed"), 1);
    assert_int_equal(logged("task \"blue\" had not ended"), 1);
    assert_int_equal(logged("it waited for \"group\""), 2);
    assert_int_equal(logged(""), 2);
    for (int i = 0; i < 2; i++) {
        int result;

        assert_int_equal(wherry_task_join(both.tasks[i], &result, WHERRY_NOW), WHERRY_OK);
        assert_int_equal(result, WHERRY_E_CANCELED);
    }
    wherry_event_free(event);
    deadlock_free(&both);
}

/* Given up with a deadline armed and its turn to come: nothing of that may be left behind. */
static int shielded_yield(void *unused)
{
    (void)unused;
    wherry__task_shield(wherry_task_current(), WHERRY_NEVER);
    while (wherry_yield() == WHERRY_OK)
        continue;
    return 0;
}

static int shielded_sleep(void *unused)
{
    (void)unused;
    wherry__task_shield(wherry_task_current(), WHERRY_NEVER);
    wherry_sleep(wherry_in(WHERRY_SECONDS(50)));
    return 0;
}

static void tasks_given_up_leave_no_deadline(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_free(self); /* virtual time would not move while somebody yields */
    assert_int_equal(wherry_loop_new(&self->loop, .clock = WHERRY_CLOCK_STEPPED, .linger = 1,
                                     .memory = &self->memory.base),
                     WHERRY_OK);
    loop_fixture_spawn(self->loop, shielded_yield, NULL);
    loop_fixture_spawn(self->loop, shielded_sleep, NULL);
    wherry_loop_step(self->loop);
    wherry__loop_hold(self->loop);
    wherry_loop_free(self->loop);
    assert_int_equal(logged("it waited for \"its next turn\""), 1);
    assert_int_equal(logged("it waited for \"sleep\""), 1);
    assert_int_equal(self->loop->deadlines.count, 0);
    assert_int_equal(self->loop->runnable_count, 0);
    wherry__loop_release(self->loop);
    self->loop = NULL;
}

/* Linger is counted from the end of the loop's use, not from its last pass. */
static int64_t advancing;

static int64_t advancing_clock(wherry_system *self)
{
    (void)self;
    return advancing += 1000;
}

static void linger_begins_when_the_loop_is_freed(void **state)
{
    wherry_system system = *wherry_system_epoll();
    wherry_loop *loop;

    (void)state;
    advancing = 0;
    system.monotonic = advancing_clock;
    assert_int_equal(wherry_loop_new(&loop, .system = &system), WHERRY_OK);
    loop_fixture_spawn(loop, tidy_up, NULL);
    wherry_loop_step(loop);
    advancing += WHERRY_SECONDS(100);
    wherry_loop_free(loop);
    trace_is("t");
    assert_int_equal(logged(""), 0);
}

static void free_does_not_linger_for_what_never_ends(void **state)
{
    loop_fixture *self = *state;
    wherry_loop_statistics statistics;
    wherry_watch *watch;
    FILE *file = tmpfile();

    assert_non_null(file);
    assert_int_equal(wherry_watch_new(&watch, .loop = self->loop, .descriptor = fileno(file),
                                      .events = WHERRY_READABLE, .watcher = &trace_ready),
                     WHERRY_OK);
    wherry__loop_hold(self->loop);
    wherry_loop_free(self->loop);
    wherry_loop_statistics_read(self->loop, &statistics);
    assert_int_equal(statistics.passes, 1);
    wherry__loop_release(self->loop);
    self->loop = NULL;
    wherry_watch_free(watch);
    fclose(file);
}

/* --- the end, with handles */

typedef struct handles {
    wherry_event *event;
    wherry_semaphore *semaphore;
    wherry_queue *queue;
    wherry_group *group;
    wherry_task *task;
    wherry_watch *watch;
    wherry_signal *signal;
    int ends[2];
} handles;

/* All that could be made; the rest is NULL. */
static int make_handles(wherry_loop *loop, handles *made)
{
    int code = wherry_event_new(&made->event, loop);

    if (code == WHERRY_OK)
        code = wherry_semaphore_new(&made->semaphore, loop, 1);
    if (code == WHERRY_OK)
        code = wherry_queue_new(&made->queue, loop, 10);
    if (code == WHERRY_OK)
        code = wherry_group_new(&made->group, .loop = loop);
    if (code == WHERRY_OK)
        code = wherry_spawn(&made->task, body_sleep_for_ever, NULL, .group = made->group);
    if (code == WHERRY_OK)
        code = wherry_watch_new(&made->watch, .loop = loop, .descriptor = made->ends[0],
                                .events = WHERRY_READABLE);
    if (code == WHERRY_OK)
        code = wherry_signal_new(&made->signal, .loop = loop, .number = SIGUSR2);
    return code;
}

static void free_handles(handles *made)
{
    wherry_event_free(made->event);
    wherry_semaphore_free(made->semaphore);
    wherry_queue_free(made->queue);
    wherry_group_free(made->group);
    wherry_task_release(made->task);
    wherry_watch_free(made->watch);
    wherry_signal_free(made->signal);
    close(made->ends[0]);
    close(made->ends[1]);
}

static int make_all_and_free_loop_first(wherry_memory *memory)
{
    handles made = { 0 };
    wherry_loop *loop;
    int code = wherry_loop_new(&loop, .memory = memory, .clock = WHERRY_CLOCK_VIRTUAL);

    if (code < 0)
        return code;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, made.ends), 0);
    code = make_handles(loop, &made);
    wherry_loop_free(loop);
    free_handles(&made);
    return code;
}

static int make_all_and_free_it_last(wherry_memory *memory)
{
    handles made = { 0 };
    wherry_loop *loop;
    int code = wherry_loop_new(&loop, .memory = memory, .clock = WHERRY_CLOCK_VIRTUAL);

    if (code < 0)
        return code;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, made.ends), 0);
    code = make_handles(loop, &made);
    if (code == WHERRY_OK)
        assert_true(wherry_loop_step(loop) >= 0);
    free_handles(&made);
    wherry_loop_free(loop);
    return code;
}

static void handles_may_be_freed_after_the_loop(void **state)
{
    (void)state;
    assert_true(failing_memory_try(make_all_and_free_loop_first) >= 9);
    assert_true(failing_memory_try(make_all_and_free_it_last) >= 9);
}

static void handles_answer_after_the_loop(void **state)
{
    loop_fixture *self = *state;
    handles made = { 0 };
    wherry_task *task;
    wherry_event *event;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, made.ends), 0);
    assert_int_equal(make_handles(self->loop, &made), WHERRY_OK);
    wherry__loop_hold(self->loop);
    wherry_loop_free(self->loop);
    assert_int_equal(wherry_watch_change(made.watch, WHERRY_WRITABLE), WHERRY_OK);
    assert_int_equal(wherry_watch_wait(made.watch, WHERRY_READABLE, WHERRY_NOW), WHERRY_E_CLOSED);
    assert_int_equal(wherry_signal_wait(made.signal, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_group_join(made.group, NULL, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_spawn(&task, body_sleep_for_ever, NULL, .group = made.group),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_event_new(&event, self->loop), WHERRY_E_MISUSE);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_E_MISUSE);
    wherry__loop_release(self->loop);
    self->loop = NULL;
    free_handles(&made);
}

static void memory_is_counted_back(void **state)
{
    loop_fixture *self = *state;
    wherry_loop_statistics before, after;
    handles made = { 0 };

    assert_int_equal(wherry_spawn(NULL, body_nothing, NULL, .loop = self->loop), WHERRY_OK);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    wherry_loop_statistics_read(self->loop, &before); /* with what is kept for the next task */
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, made.ends), 0);
    assert_int_equal(make_handles(self->loop, &made), WHERRY_OK);
    wherry_loop_statistics_read(self->loop, &after);
    assert_true(after.bytes > before.bytes);
    free_handles(&made);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    wherry_loop_statistics_read(self->loop, &after);
    assert_int_equal(after.bytes, before.bytes);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(freed_from_inside_or_elsewhere_it_only_logs),
        ON_LOOP(free_cancels_tasks_and_runs_them_to_their_end),
        ON_LOOP(tasks_that_do_not_end_are_given_up_and_named),
        ON_LOOP(tasks_given_up_leave_no_deadline),
        ON_LOOP(linger_begins_when_the_loop_is_freed),
        ON_LOOP(free_does_not_linger_for_what_never_ends),
        cmocka_unit_test(handles_may_be_freed_after_the_loop),
        ON_LOOP(handles_answer_after_the_loop),
        ON_LOOP(memory_is_counted_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
