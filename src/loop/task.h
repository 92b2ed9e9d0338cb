/* The inside of tasks. */
#ifndef WHERRY_LOOP_TASK_H
#define WHERRY_LOOP_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include <wherry/error.h>
#include <wherry/task.h>

#include "base/list.h"
#include "loop/announce.h"
#include "loop/coroutine.h"
#include "loop/group.h"
#include "loop/loop.h"
#include "loop/wait.h"

/* So many ended tasks' storage is kept. AddressSanitizer looks for handles that are used after
 * their end, which it finds only where storage is given back. */
#if defined(WHERRY_ADDRESS_SANITIZER)
#define WHERRY__SPARE_TASKS 0
#else
#define WHERRY__SPARE_TASKS 64
#endif

struct wherry_task {
    wherry__coroutine coroutine;
    wherry_loop *loop;
    wherry__link link; /* in the loop's tasks */
    wherry__link run;  /* among the runnable ones, or for later */
    wherry__member member;
    wherry_body *body; /* argument: in the coroutine; NULL: of steps, see steps.h */
    wherry__link joiners;
    wherry__wait *waits;      /* what it waits for, while it does; they lie on its stack */
    wherry__deadline timeout; /* of the wait */
    const char *reason;
    const char *name; /* constant, or of its own: see named */
    union {
        void *local;
        wherry_task *spare; /* the next unused one, once it is one itself */
    };
    int64_t shield; /* until this instant a cancellation does not reach its waits; 0: none */
    uint32_t holds;
    uint16_t refusals; /* waits refused since it was canceled, up to when that was logged */
    uint16_t wait_count;
    bool named;
    bool begun;
    bool canceled;
    bool ended;
    bool done;     /* it did its work to the end */
    bool joinable; /* somebody has or had a handle, or a group gets the result */
    bool last;     /* its body is called even if it is canceled before: see spawn_last */
};

/* The task that runs on this thread, or NULL. */
extern _Thread_local wherry_task *wherry__running;

static inline wherry_task *wherry__task_running(void)
{
    return wherry__running;
}

/* Runs the runnable tasks, those that become runnable meanwhile too within reason. Returns how many
 * times one ran. */
size_t wherry__loop_run_tasks(wherry_loop *loop);

/* Gives back the storage that is kept. */
void wherry__loop_clear_spares(wherry_loop *loop);

/* Makes those that waited for the next pass runnable. */
void wherry__loop_wake_later(wherry_loop *loop);

/* Cancels all tasks on the loop, newest first. */
void wherry__loop_cancel_tasks(wherry_loop *loop);

/* Gives up the tasks that have not ended: their stacks go, and their handles show
 * WHERRY_E_CANCELED. */
void wherry__loop_abandon_tasks(wherry_loop *loop);

void wherry__task_make_runnable(wherry_task *task);

/* Until instant, cancellation does not reach the waits of task; at it the task is canceled in any
 * case. 0 ends that. */
void wherry__task_shield(wherry_task *task, int64_t instant);

/* The loop's time to end is over: shields until an instant end now. Those without one stay, since
 * they wait for what ends by itself. */
void wherry__loop_end_shields(wherry_loop *loop);

static inline bool wherry__task_is_shielded(const wherry_task *task)
{
    return task->shield > task->loop->now;
}

/* WHERRY_E_CANCELED when the caller is a task that is being stopped, else WHERRY_OK: for calls that
 * could answer without waiting, but that a task must not go on making after its end. */
int wherry__task_refused_now(wherry_task *task);

static inline int wherry__task_refused(void)
{
    wherry_task *task = wherry__running;

    if (task == NULL || (!task->canceled && task->shield == 0))
        return WHERRY_OK;
    return wherry__task_refused_now(task);
}

/* The same for calls with a deadline: one that says WHERRY_NOW is not refused, so that what is
 * being stopped can tidy up. */
static inline int wherry__task_refused_until(int64_t deadline)
{
    return deadline == WHERRY_NOW ? WHERRY_OK : wherry__task_refused();
}

/* Starts a task, also while the loop is being freed: for what has to be said at the end. The body
 * is called in any case; of a task that is canceled before it begins, the first wait is refused.
 * name: a constant. *task is not held: it is known for as long as it runs. */
int wherry__spawn_last(wherry_task **task, wherry_loop *loop, const char *name, wherry_body *body,
                       void *argument);

/* --- what tasks of all sorts share */

/* A task of size bytes on loop, at least those of a wherry_task; NULL: there is no memory. */
wherry_task *wherry__task_make(wherry_loop *loop, const char *name, size_t size);

/* Drops a hold; the last gives it back. */
void wherry__task_release(wherry_task *task);

/* Gives it a stack for its coroutine. */
int wherry__task_take_stack(wherry_task *task, size_t size, wherry__coroutine_function *function,
                            void *argument);

/* Whether one may be started there now; puts the loop to *loop. */
int wherry__task_check(const wherry_task_options *options, wherry_loop **loop);

/* Adds it to its loop, and to the group. */
void wherry__task_start(wherry_task *task, wherry_group *group);

/* It has ended, with its result: tells all who want to know. It may be gone then. failure: what
 * counts as one of its group, or 0. */
void wherry__task_end(wherry_task *task, int failure);

/* What the result of a task counts for its group. */
static inline int wherry__task_failure(const wherry_task *task)
{
    const int result = task->member.result;

    return result < 0 && !(task->canceled && result == WHERRY_E_CANCELED) ? result : 0;
}

/* Whether a coroutine of it has still to return. */
static inline bool wherry__task_is_coroutine(const wherry_task *task)
{
    return task->coroutine.stack.low != NULL && !task->coroutine.ended && !task->ended;
}

/* Cancels a task with a coroutine. */
void wherry__task_cancel_coroutine(wherry_task *task);

/* Takes it out of those that run next. */
void wherry__task_unrun(wherry_task *task);

#endif
