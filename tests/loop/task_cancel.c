/* Stopping tasks: wherever they wait, before they begin, by themselves, behind a shield, and when
 * they do not want to hear of it. Apart from task.c, since each way to wait has its part in it. */
#include <wherry/task.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "loop/task.h"
#include "support/bodies.h"
#include "support/loop_fixture.h"

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
    TASK_ASSERT(wherry_spawn(NULL, body_sleep_for_ever, NULL, .group = things.group) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(&things.task, body_sleep_for_ever, NULL) == WHERRY_OK);
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

    assert_int_equal(wherry_spawn(&task, body_note, "x", .loop = self->loop), WHERRY_OK);
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

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(cancellation_reaches_each_kind_of_wait),
        ON_LOOP(yield_is_refused_to_who_was_canceled_meanwhile),
        ON_LOOP(canceled_before_it_begins_it_does_not_begin),
        ON_LOOP(task_may_cancel_itself),
        ON_LOOP(shield_keeps_a_cancellation_away),
        ON_LOOP(end_of_a_shield_is_a_cancellation),
        ON_LOOP(canceled_by_another_a_shielded_task_waits_on),
        ON_LOOP(refused_a_thousand_times_it_is_logged_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
