/* The inside of tasks and groups. */
#ifndef WHERRY_LOOP_TASK_H
#define WHERRY_LOOP_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include <wherry/error.h>
#include <wherry/task.h>

#include "base/list.h"
#include "loop/coroutine.h"
#include "loop/loop.h"
#include "loop/wait.h"

struct wherry_task {
    wherry__coroutine coroutine;
    wherry_loop *loop;
    wherry__link link;   /* in the loop's tasks */
    wherry__link run;    /* among the runnable ones, or for later */
    wherry__link member; /* in its group */
    wherry_group *group;
    wherry_body *body; /* argument: in the coroutine */
    wherry__link joiners;
    wherry__wait *waits;      /* what it waits for, while it does; they lie on its stack */
    wherry__deadline timeout; /* of the wait */
    const char *reason;
    const char *name; /* constant, or of its own: see named */
    void *local;
    int64_t shield; /* until this instant a cancellation does not reach its waits; 0: none */
    int result;
    uint32_t holds;
    uint16_t refusals; /* waits refused since it was canceled, up to when that was logged */
    uint16_t wait_count;
    bool named;
    bool begun;
    bool canceled;
    bool ended;
    bool joinable; /* somebody has or had a handle, or a group gets the result */
    bool last;     /* its body is called even if it is canceled before: see spawn_last */
};

struct wherry_group {
    wherry_loop *loop;
    wherry_group *parent;
    wherry__link member; /* in the parent */
    wherry__link tasks;  /* newest last */
    wherry__link groups;
    wherry__link waiters; /* for the end of all */
    size_t count;         /* of both */
    int result;           /* the first failure */
    bool keep_going;
    bool canceled;
    bool freed; /* gives itself back at its end */
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

/* wherry_spawn, also while the loop is being freed: for what has to be said at the end. The body is
 * called in any case; of a task that is canceled before it begins, the first wait is refused. */
int wherry__spawn_last(wherry_task **task, wherry_body *body, void *argument,
                       const wherry_task_options *options);

/* Told by the tasks of a group: one was added, one has ended with result. */
void wherry__group_add(wherry_group *group, wherry_task *task);
void wherry__group_remove(wherry_group *group, wherry_task *task);

#endif
