/* Waiting: the one place where tasks suspend. */
#include "loop/wait.h"

#include <wherry/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/probe.h"
#include "loop/loop.h"
#include "loop/task.h"

/* A task that is refused so many waits does not mean to end. */
#define REFUSALS_MAX 1000

/* --- may it wait? */

/* Whether a cancellation reaches the waits of task; the end of its shield is one. */
static bool is_canceled(wherry_task *task)
{
    if (wherry__task_is_shielded(task))
        return false;
    if (task->shield != 0)
        task->canceled = true;
    return task->canceled;
}

static int refuse(wherry_task *task)
{
    WHERRY__PROBE_IF(task->refusals == REFUSALS_MAX - 1, "wait.refused.too-often");
    if (task->refusals < REFUSALS_MAX && ++task->refusals == REFUSALS_MAX)
        wherry__log(task->loop->now, WHERRY_LOG_WARNING,
                    "task \"%s\" was canceled, was refused %d waits since, and does not end",
                    task->name, REFUSALS_MAX);
    return wherry__fail_plain(WHERRY_E_CANCELED);
}

int wherry__wait_allowed(wherry_loop *loop, int64_t deadline)
{
    wherry_task *task = wherry__task_running();

    if (deadline == WHERRY_NOW)
        return wherry__fail_plain(WHERRY_E_WOULD_BLOCK);
    if (task == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "only coroutines can wait; elsewhere the deadline is "
                                             "WHERRY_NOW");
    if (loop != task->loop)
        return wherry__fail(WHERRY_E_MISUSE, "it belongs to another loop");
    if (is_canceled(task)) {
        WHERRY__PROBE("wait.refused");
        return refuse(task);
    }
    WHERRY__PROBE_IF(deadline <= loop->now, "wait.deadline-has-passed");
    return deadline <= loop->now ? wherry__fail_plain(WHERRY_E_TIMED_OUT) : WHERRY_OK;
}

int wherry__task_refused_now(wherry_task *task)
{
    return is_canceled(task) ? refuse(task) : WHERRY_OK;
}

/* --- one wait */

void wherry__wait_init(wherry__wait *wait, wherry__link *next)
{
    *wait = (wherry__wait){ .task = wherry__task_running() };
    wherry__link_insert_before(next, &wait->link);
}

static void complete(wherry__wait *wait, int result)
{
    wherry__link_remove(&wait->link);
    wait->result = result;
    wait->done = true;
}

void wherry__wait_wake(wherry__wait *wait, int result)
{
    if (wait->done)
        return;
    complete(wait, result);
    wherry__task_make_runnable(wait->task);
}

void wherry__wait_wake_all(wherry__link *list, int result)
{
    while (!wherry__list_empty(list))
        wherry__wait_wake(WHERRY__OWNER(list->next, wherry__wait, link), result);
}

void wherry__wait_tell_all(wherry__link *list, int result)
{
    while (!wherry__list_empty(list)) {
        wherry__wait *wait = WHERRY__OWNER(list->next, wherry__wait, link);
        int *place = wait->item;

        if (place != NULL)
            *place = result;
        wherry__wait_wake(wait, WHERRY_OK);
    }
}

void wherry__wait_wake_observers(wherry__link *list, int result)
{
    wherry__link *link, *next;

    for (link = list->next; link != list; link = next) {
        wherry__wait *wait = WHERRY__OWNER(link, wherry__wait, link);

        next = link->next;
        if (wait->observer)
            wherry__wait_wake(wait, result);
    }
}

wherry__wait *wherry__wait_first_taker(wherry__link *list)
{
    for (wherry__link *link = list->next; link != list; link = link->next) {
        wherry__wait *wait = WHERRY__OWNER(link, wherry__wait, link);

        if (!wait->observer)
            return wait;
    }
    WHERRY__PROBE_IF(!wherry__list_empty(list), "wait.only-observers");
    wherry__wait_wake_all(list, WHERRY_OK);
    return NULL;
}

/* --- suspending */

/* Which wait was woken, the others being completed now; -1 when none was. */
static ssize_t settle(wherry__wait *waits, size_t count)
{
    ssize_t woken = -1;

    for (size_t i = 0; i < count; i++) {
        if (waits[i].done && woken < 0)
            woken = (ssize_t)i;
        if (!waits[i].done)
            complete(&waits[i], WHERRY_E_CANCELED);
    }
    return woken;
}

static void suspend(wherry_task *task, wherry__wait *waits, size_t count, const char *reason)
{
    task->waits = waits;
    task->wait_count = (uint16_t)count;
    task->reason = reason;
    wherry__coroutine_suspend(&task->coroutine);
    task->waits = NULL;
    task->wait_count = 0;
    task->reason = NULL;
}

ssize_t wherry__wait_any(wherry__wait *waits, size_t count, const char *reason, int64_t deadline,
                         int *result)
{
    wherry_task *task = wherry__task_running();
    ssize_t woken;

    wherry__deadline_arm(&task->loop->deadlines, &task->timeout,
                         task->shield != 0 && task->shield < deadline ? task->shield : deadline);
    suspend(task, waits, count, reason);
    wherry__deadline_disarm(&task->loop->deadlines, &task->timeout);
    woken = settle(waits, count);
    if (woken >= 0) {
        WHERRY__PROBE_IF(task->canceled, "wait.done-and-canceled");
        WHERRY__PROBE_IF(deadline <= task->loop->now, "wait.done-and-timed-out");
        *result = waits[woken].result;
        return woken;
    }
    WHERRY__PROBE_IF(task->canceled && deadline <= task->loop->now, "wait.canceled-and-timed-out");
    return is_canceled(task) ? refuse(task) : WHERRY_E_TIMED_OUT;
}

/* What a call answers that waited for one thing. */
static int answer(ssize_t woken, int result)
{
    int code = woken < 0 ? (int)woken : result;

    return code < 0 ? wherry__fail_plain(code) : code;
}

int wherry__wait_in(wherry_loop *loop, wherry__link *next, const char *reason, int64_t deadline,
                    void **item)
{
    wherry__wait wait;
    ssize_t woken;
    int result = wherry__wait_allowed(loop, deadline);

    if (result < 0)
        return result;
    wherry__wait_init(&wait, next);
    wait.item = item == NULL ? NULL : *item;
    woken = wherry__wait_any(&wait, 1, reason, deadline, &result);
    if (woken >= 0 && result == WHERRY_OK && item != NULL)
        *item = wait.item;
    return answer(woken, result);
}

int wherry__wait_alone(wherry_loop *loop, wherry__wait **place, const char *reason,
                       int64_t deadline)
{
    wherry__wait wait;
    wherry__link list;
    ssize_t woken;
    int result = wherry__wait_allowed(loop, deadline);

    if (result < 0)
        return result;
    wherry__link_init(&list);
    wherry__wait_init(&wait, &list);
    *place = &wait;
    woken = wherry__wait_any(&wait, 1, reason, deadline, &result);
    *place = NULL;
    return answer(woken, result);
}
