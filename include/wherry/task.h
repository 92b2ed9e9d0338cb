/* Task: a coroutine on a loop. Its body is straight-line code that may call everything that waits.
 * A task can also be told in steps (steps.h), and all here is true of those too.
 *
 * Tasks of a loop run one at a time, on the loop's thread, from one waiting call to the next;
 * nothing else of the loop happens in between.
 */
#ifndef WHERRY_TASK_H
#define WHERRY_TASK_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/export.h>
#include <wherry/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wherry_task wherry_task;
typedef struct wherry_group wherry_group;
typedef struct wherry_steps wherry_steps;

/* What a task runs. Returns zero or a positive number when it is done, or a negative code for what
 * went wrong; who joins the task gets it. WHERRY_E_END, _RESET, _TRUNCATED, _IDLE, _CLOSED and
 * _CANCELED end it quietly; another negative result that nobody can join (spawned without a place
 * for the task, in no group) is logged. */
typedef int wherry_body(void *argument);

typedef struct wherry_task_options {
    size_t size;         /* set by the macro */
    const char *name;    /* for people; copied, cut at 31 bytes. NULL: "task" */
    wherry_loop *loop;   /* NULL: the loop that the caller runs on */
    wherry_group *group; /* NULL: none. Its loop is the task's */
    size_t stack_size;   /* bytes, at least 16 KiB; 0: the loop's */
    int temporary;       /* not 0: see wherry_task_temporary, in steps.h */
    WHERRY_RESERVED;
} wherry_task_options;

/* Starts a task: wherry_spawn(&task, body, argument), wherry_spawn(NULL, body, argument, .name =
 * "ticker"). Its body begins in the pass under way when there is one, after the caller has waited
 * or returned. task: where the handle goes, which the caller releases; NULL when nobody will join.
 * WHERRY_E_MISUSE: no body, or no loop named and none under the caller. WHERRY_E_CANCELED: the loop
 * is being freed or the group canceled. WHERRY_E_NO_MEMORY, WHERRY_E_NO_STACK: as they say (a
 * process has a limited number of memory mappings). */
WHERRY_PUBLIC int wherry_spawn_with(wherry_task **task, wherry_body *body, void *argument,
                                    const wherry_task_options *options);
#define wherry_spawn(task, body, ...)                                                              \
    wherry_spawn_1(task, body, __VA_ARGS__, .size = sizeof(wherry_task_options))
#define wherry_spawn_1(task, body, argument, ...)                                                  \
    wherry_spawn_with(task, body, argument, &(wherry_task_options){ __VA_ARGS__ })

/* Makes a loop, runs body as its one task until it has ended and all it left behind has (tasks,
 * background closes within the linger time), and frees the loop. Returns what body returned, or a
 * negative code when there was no loop for it. SIGINT and SIGTERM keep their meaning.
 * WHERRY_E_MISUSE: called inside a loop. */
WHERRY_PUBLIC int wherry_run(wherry_body *body, void *argument);

/* Waits until task has ended and puts what its body returned to *result (unless NULL).
 * WHERRY_E_TIMED_OUT, WHERRY_E_WOULD_BLOCK: it has not ended yet. WHERRY_E_CANCELED: the caller is
 * being stopped. WHERRY_E_MISUSE: a task that joins itself, or not on a coroutine. */
WHERRY_PUBLIC int wherry_task_join(wherry_task *task, int *result, int64_t deadline);

/* Stops task. A task of steps ends at once, or if it is in one of its steps when that returns. A
 * coroutine is canceled: its pending wait, and every waiting call after it, returns
 * WHERRY_E_CANCELED, so that it ends soon, even where a call would not have to wait. With the
 * deadline WHERRY_NOW events, semaphores, queues and joins go on answering, for tidying up; and
 * what was handed to it before it could leave its wait, it has. It does not wait for the end. A
 * task that has not begun yet ends without its body being called. Once it has been refused a
 * thousand waits and goes on, it is logged by name. Canceling again, or a task that has ended, does
 * nothing. On the loop's thread. */
WHERRY_PUBLIC void wherry_task_cancel(wherry_task *task);

/* Drops the caller's hold on task; it runs on if it has not ended. NULL is allowed. */
WHERRY_PUBLIC void wherry_task_release(wherry_task *task);

/* The task that the caller runs on, or NULL outside of coroutines. It is not the caller's to
 * release. */
WHERRY_PUBLIC wherry_task *wherry_task_current(void);

/* Whether task is being stopped (1), as wherry_task_cancel does; whether it has ended (1). */
WHERRY_PUBLIC int wherry_task_canceled(const wherry_task *task);
WHERRY_PUBLIC int wherry_task_ended(const wherry_task *task);

/* The name of task, and what it waits for now ("sleep", "receive", ...; NULL while it does not
 * wait). The texts are valid while the task is held and does not run. */
WHERRY_PUBLIC const char *wherry_task_name(const wherry_task *task);
WHERRY_PUBLIC const char *wherry_task_waits_for(const wherry_task *task);

/* A pointer of the program's own that goes with a task; NULL at first. */
WHERRY_PUBLIC void wherry_task_set_local(wherry_task *task, void *local);
WHERRY_PUBLIC void *wherry_task_local(const wherry_task *task);

/* Calls see(self, task) for each task alive on the loop, in order of their start. see must not wait
 * nor spawn. */
typedef struct wherry_task_visitor wherry_task_visitor;
struct wherry_task_visitor {
    void (*see)(wherry_task_visitor *self, wherry_task *task);
};
WHERRY_PUBLIC void wherry_loop_tasks(wherry_loop *loop, wherry_task_visitor *visitor);

/* Waits until the deadline, which is the purpose of the call: WHERRY_OK then. WHERRY_E_CANCELED:
 * the task is being stopped. WHERRY_E_MISUSE: not on a coroutine.
 * wherry_sleep(wherry_in(WHERRY_MILLISECONDS(10))). */
WHERRY_PUBLIC int wherry_sleep(int64_t deadline);

/* Lets everything else that is ready run before the caller goes on, in the pass that follows.
 * WHERRY_OK, or the errors of wherry_sleep. */
WHERRY_PUBLIC int wherry_yield(void);

/* --- Groups: tasks that live and end together. Groups nest.
 *
 * A failure in a group stops the rest, and so on outwards: the inner group ends before what is
 * around it. What is stopped together ends in the reverse order of its start: coroutines are all
 * canceled at once, and a task of steps is closed when all that were started after it have ended;
 * until then it has no turns. */

typedef struct wherry_group_options {
    size_t size; /* set by the macro */
    wherry_group **result;
    wherry_loop *loop;    /* NULL: the loop that the caller runs on */
    wherry_group *parent; /* NULL: none. Canceling the parent cancels this group, which the parent
                             waits for: until it has ended, is freed, or canceled and empty */
    int keep_going;       /* not 0: a failure in the group does not cancel the rest */
    const char *name;     /* for people; copied, cut at 31 bytes. NULL: "group" */
    /* A group with one of the two is a task itself: it has turns, in which the steps in it have
     * theirs, keeps the loop running, and ends when all in it have ended. Then, and when it is
     * stopped or a failure has ended it, its own steps end as those of any task, behind the last
     * of its members. */
    wherry_steps *steps; /* of the group itself: enter comes before its members', recur is called
                            before theirs in each turn of the group, and cannot end it but by
                            failing. No body. NULL: none */
    wherry_steps *const *members; /* entered in this order; the last pointer is NULL */
    int64_t tock;  /* nanoseconds from one turn of the group to the next, for all steps in it: none
                      of them has turns in between, and those without a tock have one at each. 0:
                      that of the group around it, or the loop's, and steps have turns when they are
                      due */
    int64_t limit; /* nanoseconds from now on, after which it is canceled, in the pass that sees
                      them over, before the turns of that: what is due in it at that instant has
                      none, nor has a group around it for its sake; 0: none */
    int always;    /* not 0: a group with steps or members does not end because all have ended */
    int temporary; /* not 0: see wherry_task_temporary, in steps.h */
    WHERRY_RESERVED;
} wherry_group_options;

/* Makes a group; the caller frees it: wherry_group_new(&group), wherry_group_new(&group, .members =
 * (wherry_steps *[]){ &server.steps, &client.steps, NULL }). Tasks also get into it by the option
 * .group of wherry_spawn and wherry_spawn_steps, while it runs too. WHERRY_E_MISUSE: no place for
 * the result, no loop, a parent of another loop, a negative tock or limit, always without members
 * and steps, steps with a body, or two tocks. WHERRY_E_CANCELED: the parent is canceled, has ended,
 * or was canceled by an enter; or the loop is being freed. WHERRY_E_NO_MEMORY.
 * Any other negative code: what an enter returned, its own or of one of its members, and so did
 * that one's abort and exit; the members before it have been closed, in reverse. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_group_new_with(const wherry_group_options *options);
#define wherry_group_new(...)                                                                      \
    wherry_group_new_with(                                                                         \
        &(wherry_group_options){ .size = sizeof(wherry_group_options), .result = __VA_ARGS__ })

/* Runs the group's loop until the group has ended or limit nanoseconds have passed (0: no limit),
 * or the loop is stopped, and then cancels the group and goes on until each exit has been called.
 * Returns 1: it was done; 0: not in time; or the first failure in it, as wherry_group_join tells.
 * In stepped time it takes just as many passes as there are tocks in the limit, and in paced time
 * there are as many turns. A group that has neither steps nor members counts as ended when it is
 * empty; one with the option always does not end by itself. WHERRY_E_MISUSE: the limit is negative,
 * or the errors of wherry_loop_run. */
WHERRY_PUBLIC int wherry_group_run(wherry_group *group, int64_t limit);

/* Whether all in the group have ended without a failure, and it was not canceled (1). One with the
 * option always is done while it is empty. */
WHERRY_PUBLIC int wherry_group_done(const wherry_group *group);

/* Waits until all in the group have ended, and puts the first negative result of a member, in order
 * of time and but for WHERRY_E_CANCELED of the members that were canceled, or else 0, to *result
 * (unless NULL). Errors as wherry_task_join; after a refusal the group goes on. An empty group is
 * done. */
WHERRY_PUBLIC int wherry_group_join(wherry_group *group, int *result, int64_t deadline);

/* Cancels all in the group, newest first; no more can be spawned in it. Its steps end now, but for
 * those that a member still has to end before: see above. A group that was canceled with what is
 * around it ends without waiting for its order there. */
WHERRY_PUBLIC void wherry_group_cancel(wherry_group *group);

/* How many of the group's tasks and groups have not ended. */
WHERRY_PUBLIC size_t wherry_group_count(const wherry_group *group);

/* Cancels the group and gives it back; on a coroutine it waits first until all in it have ended
 * (uncancelably), elsewhere, and on a coroutine that is in it, they end later, as the loop runs.
 * NULL is allowed. */
WHERRY_PUBLIC void wherry_group_free(wherry_group *group);

#ifdef __cplusplus
}
#endif

#endif
