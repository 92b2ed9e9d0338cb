/* The inside of tasks of steps. */
#ifndef WHERRY_LOOP_STEPS_H
#define WHERRY_LOOP_STEPS_H

#include <wherry/steps.h>

#include "loop/task.h"
#include "loop/turn.h"

/* How it ends. */
typedef enum wherry__ending {
    WHERRY__ENDING_NONE, /* it goes on */
    WHERRY__ENDING_DONE,
    WHERRY__ENDING_STOPPED,
    WHERRY__ENDING_FAILED, /* with its result */
} wherry__ending;

struct wherry__step_task {
    wherry_task task;
    wherry_steps *steps; /* NULL: of a group without any of its own */
    wherry_group *of;    /* the group that it is; or NULL */
    wherry__turn turn;   /* unless it is a group, which has its own */
    wherry__ending ending;
    bool inside; /* one of its steps is on the call stack */
};

static inline wherry__step_task *wherry__steps_of(const wherry_task *task)
{
    return (wherry__step_task *)(uintptr_t)task; /* its first member */
}

/* Calls enter, or recur, or aborts and exits. */
int wherry__steps_enter(wherry__step_task *this);
int wherry__steps_recur(wherry__step_task *this);

/* Calls what its ending asks for, and exit; the task has its result then. */
void wherry__steps_finish(wherry__step_task *this);

/* Ends one in a canceled group, newer than which there is none, if it can end now. */
void wherry__steps_end_in_order(wherry__step_task *this);

/* Its group is being stopped: it is stopped, in its order. */
void wherry__steps_stop(wherry__step_task *this);

/* wherry_task_cancel. */
void wherry__steps_cancel(wherry_task *task);

/* Its body has returned, or will never be called. */
void wherry__steps_returned(wherry_task *task);

#endif
