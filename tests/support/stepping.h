/* Tasks of steps for tests: each writes down what was called when, and does what it is told to. */
#ifndef TESTS_SUPPORT_STEPPING_H
#define TESTS_SUPPORT_STEPPING_H

#include <stdint.h>

#include <wherry/steps.h>

typedef enum step {
    STEP_ENTER,
    STEP_RECUR,
    STEP_CLEAN,
    STEP_CLOSE,
    STEP_ABORT,
    STEP_EXIT,
    STEP_BODY,
    STEP_KINDS
} step;

/* One call: when on the loop's clock, of what, as the how manieth. */
typedef struct stepping_state {
    int64_t now;
    step step;
    int count;
} stepping_state;

#define STEPPING_STATES 32

typedef struct stepper stepper;
struct stepper {
    wherry_steps steps;
    const char *name;                       /* one letter, for the trace; NULL: it is not traced */
    int stop;                               /* the turn that says that it is done; 0: none does */
    int results[STEP_KINDS];                /* that steps return; of recur: in turn fail_at */
    int fail_at;                            /* 0: the first */
    void (*act[STEP_KINDS])(stepper *self); /* called in that step; NULL: nothing */
    stepper *other;                         /* for what acts */
    wherry_group *group;
    wherry_task *task;
    int turns;
    int count;  /* of calls; enter is the 0th */
    int reason; /* of the abort */
    int done;   /* as exit saw it; -1 before enter, 0 from then on */
    stepping_state states[STEPPING_STATES];
    int state_count;
};

/* A task with all steps but a body: STEPPER("a", .stop = 3). The trace shows what is called as
 * "a(" enter, "a." recur, "a=" clean, "a/" close, "a!" abort, "a)" exit, "a~" the body's begin. */
#define STEPPER(...) STEPPER_WITH(.recur = stepping_recur, __VA_ARGS__)

/* The same without turns; and with a body, which waits for its cancellation. */
#define HOLDER(...) STEPPER_WITH(.recur = NULL, __VA_ARGS__)
#define BODIED(...) STEPPER_WITH(.body = stepping_body, __VA_ARGS__)

#define STEPPER_WITH(work, ...)                                                                    \
    ((stepper){ .steps = { .enter = stepping_enter,                                                \
                           .clean = stepping_clean,                                                \
                           .close = stepping_close,                                                \
                           .abort = stepping_abort,                                                \
                           .exit = stepping_exit,                                                  \
                           work },                                                                 \
                .done = -1,                                                                        \
                .name = __VA_ARGS__ })

int stepping_enter(wherry_steps *self, wherry_task *task);
int stepping_recur(wherry_steps *self, wherry_task *task);
int stepping_body(wherry_steps *self, wherry_task *task);
int stepping_clean(wherry_steps *self, wherry_task *task);
void stepping_close(wherry_steps *self, wherry_task *task);
void stepping_abort(wherry_steps *self, wherry_task *task, int reason);
int stepping_exit(wherry_steps *self, wherry_task *task);

/* Starts one as a task of loop that nobody joins; the same as one that somebody does: the caller
 * releases it, or lets stepping_ended_with do so. */
void stepping_spawn(wherry_loop *loop, stepper *one);
wherry_task *stepping_spawn_joined(wherry_loop *loop, stepper *one);

/* Acts of a stepper on its other one: cancels it; wakes it; starts it on the loop, once. */
void stepping_cancel_other(stepper *self);
void stepping_wake_other(stepper *self);
void stepping_spawn_other(stepper *self);

/* A coroutine that waits for its cancellation, and then traces its argument, a text. */
int stepping_coroutine(void *text);

/* Fails the test unless just these states were written down: text as "enter 0 0, recur 0 1, exit
 * 93750000 5", each with the step, the instant and the count. The other with instants in units of
 * so many nanoseconds. */
void stepping_states_are(const stepper *self, const char *expected);
void stepping_states_in(const stepper *self, int64_t unit, const char *expected);

/* Fails the test unless its turns were at these instants: "0 10 20". */
void stepping_turns_are(const stepper *self, const char *expected);

/* Fails the test unless its life was whole: enter first, and once; exit last, and once; in between
 * turns, or the body, and then one of the ends. One that was not entered is whole, too. */
void stepping_is_whole(const stepper *self);

/* The task has ended, and its result is that. Releases it. */
void stepping_ended_with(wherry_task *task, int result);

#endif
