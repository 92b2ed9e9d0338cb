/* Steps: the life of a task, told in functions that the loop calls. A step task has no stack: what
 * it does, it does a little at a time.
 *
 *              .----------.
 *              v          |            ends by itself:   clean, exit
 *     enter --> recur ----'            is stopped:       close, exit
 *           `-> body (a coroutine)     fails:            abort, exit
 *
 * enter is the first and exit the last, each called once; exit always, whatever came before.
 * In between recur is called once a pass, or once each tock, until it says that it is done; or the
 * body runs as a coroutine. A task with neither goes on until it is stopped: it holds a resource.
 *
 * Step tasks of a loop, or of a group, have their turns in the order in which they were entered,
 * all in one go, after the ready sockets of the pass and before its coroutines. One that is entered
 * during a pass has its first turn in the next. They end in the reverse order, if they end
 * together. Tasks and groups: task.h.
 */
#ifndef WHERRY_STEPS_H
#define WHERRY_STEPS_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/export.h>
#include <wherry/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Embed it as the first member of a struct of your own, which must live until exit was called; it
 * is passed back as self, with the task. Members may be NULL. All but body are called outside of
 * coroutines, where nothing can wait; wherry_loop_current() and wherry_in() mean the task's loop.
 * They may do everything with tasks and groups, their own included. Not changed while the task
 * lives, but by itself. */
struct wherry_steps {
    /* Acquires what the task needs. A negative result is a failure: abort and exit follow. */
    int (*enter)(wherry_steps *self, wherry_task *task);
    /* Does one turn of the work. 0: there is more; positive: done; negative: failed. */
    int (*recur)(wherry_steps *self, wherry_task *task);
    /* Instead of recur: does the work as a coroutine, which may wait. Its result counts as a
     * wherry_body's. Being stopped is being canceled: close and exit are called when it has
     * returned. */
    int (*body)(wherry_steps *self, wherry_task *task);
    /* It is done. A negative result is a failure: abort follows. */
    int (*clean)(wherry_steps *self, wherry_task *task);
    /* It is stopped from outside: wherry_task_cancel, its group's or loop's end, a limit. */
    void (*close)(wherry_steps *self, wherry_task *task);
    /* It failed, for the reason given. */
    void (*abort)(wherry_steps *self, wherry_task *task, int reason);
    /* Gives back what enter acquired, as far as it came. A negative result becomes the task's, if
     * that was none; nothing else is left out for it. */
    int (*exit)(wherry_steps *self, wherry_task *task);
    /* Nanoseconds from one turn to the next, on a grid that begins with the first turn: turns that
     * were missed are left out. 0: that of its group, or the loop's tock; so the next pass in
     * stepped and paced time. */
    int64_t tock;
    WHERRY_RESERVED;
};

/* Starts a task of steps: calls enter, now, and has its first turn in the next pass:
 * wherry_spawn_steps(&task, &mine.steps), wherry_spawn_steps(NULL, &mine.steps, .name = "poll",
 * .group = group). Options as wherry_spawn; stack_size is for a body. task: where the handle goes,
 * which the caller releases; NULL when nobody will join. Not to be called with steps that are in
 * use. WHERRY_E_MISUSE: no steps, both recur and body, a negative tock, or no loop named and none
 * under the caller. WHERRY_E_CANCELED: the loop is being freed, or the group canceled or ended. (A
 * task that is stopped in its own enter was started, and has ended.)
 * WHERRY_E_NO_MEMORY, _NO_STACK: before anything was called. Any other negative code: what enter
 * returned; abort and exit have been called, and the task was never part of its group. On the
 * loop's thread, in any context, also inside of other steps. */
WHERRY_PUBLIC int wherry_spawn_steps_with(wherry_task **task, wherry_steps *steps,
                                          const wherry_task_options *options);
#define wherry_spawn_steps(task, ...)                                                              \
    wherry_spawn_steps_1(task, __VA_ARGS__, .size = sizeof(wherry_task_options))
#define wherry_spawn_steps_1(task, steps, ...)                                                     \
    wherry_spawn_steps_with(task, steps, &(wherry_task_options){ __VA_ARGS__ })

/* Whether task did its work to the end: 1 after clean, or after the body of a plain coroutine has
 * returned what is not negative, being not canceled. 0: it goes on, was stopped, or failed, were it
 * in its exit. */
WHERRY_PUBLIC int wherry_task_done(const wherry_task *task);

/* The loop of task. */
WHERRY_PUBLIC wherry_loop *wherry_task_loop(const wherry_task *task);

/* Whether files and folders that the task makes are to be temporary: the option of its own, of a
 * group around it, or of its loop says so. */
WHERRY_PUBLIC int wherry_task_temporary(const wherry_task *task);

/* The nanoseconds between two turns; those of its own, 0 for its group's. Of the task of a group:
 * those of the group. set: from its next turn on, with which a new grid begins. WHERRY_E_MISUSE: it
 * is negative, or the task has no recur, or has ended. */
WHERRY_PUBLIC int64_t wherry_task_tock(const wherry_task *task);
WHERRY_PUBLIC int wherry_task_set_tock(wherry_task *task, int64_t tock);

/* Gives task a turn in this pass, or in the next if this pass has had its turns, whatever its tock;
 * the turns on its grid stay as they are. On a task without recur, or that has ended, it does
 * nothing. In a group with a tock of its own the turn comes with the group's. */
WHERRY_PUBLIC void wherry_task_wake(wherry_task *task);

#ifdef __cplusplus
}
#endif

#endif
