/* Waiting: how a task suspends until something happens, and how it is woken. Every waiting call of
 * the library ends here.
 *
 * A wait lies on the stack of the task that waits, and is linked into the list of what it waits
 * for. It is completed exactly once: by a wake, by its deadline, or by the cancellation of its
 * task. A wait that was completed is in no list.
 */
#ifndef WHERRY_LOOP_WAIT_H
#define WHERRY_LOOP_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include <wherry/task.h>

#include "base/list.h"
#include "base/probe.h"

typedef struct wherry__wait {
    wherry__link link; /* in the list of what it waits for */
    wherry_task *task;
    int result;
    bool done;
    bool observer; /* wants to know, but takes nothing: wherry_first */
    void *item;    /* what is handed over, in either direction */
} wherry__wait;

/* The result of a call that waits, with probes of the two ends that waiters handle least. */
#ifdef WHERRY_PROBES
#define WHERRY__WAITED(text, call)                                                                 \
    (__extension__({                                                                               \
        __typeof__(call) result_of_wait = (call);                                                  \
        WHERRY__PROBE_IF(result_of_wait == WHERRY_E_CANCELED, text ".canceled");                   \
        WHERRY__PROBE_IF(result_of_wait == WHERRY_E_TIMED_OUT, text ".timed-out");                 \
        result_of_wait;                                                                            \
    }))
#else
#define WHERRY__WAITED(text, call) (call)
#endif

/* Whether the caller may wait now. WHERRY_OK, or what the waiting call answers instead:
 * WHERRY_E_WOULD_BLOCK, _TIMED_OUT, _MISUSE, _CANCELED. */
int wherry__wait_allowed(wherry_loop *loop, int64_t deadline);

/* Prepares a wait of the running task, in front of next in its list. */
void wherry__wait_init(wherry__wait *wait, wherry__link *next);

/* Suspends the running task until one of count waits is completed or the deadline passes; completes
 * the others. Returns the index of the wait that was completed by a wake, and puts its result to
 * *result; or the code of the deadline or cancellation. The caller has asked wherry__wait_allowed.
 * reason: a constant text. */
ssize_t wherry__wait_any(wherry__wait *waits, size_t count, const char *reason, int64_t deadline,
                         int *result);

/* All of the above for one wait, which goes in front of next: that is a list for the end of it.
 * Returns its result. *item, unless item is NULL, is what the wait brings with it, and with
 * WHERRY_OK what it has in the end. */
int wherry__wait_in(wherry_loop *loop, wherry__link *next, const char *reason, int64_t deadline,
                    void **item);

/* The same for what only one task at a time waits for: *place is its wait until this returns, and
 * NULL otherwise. Who has the place sees to it that it is still there then. */
int wherry__wait_alone(wherry_loop *loop, wherry__wait **place, const char *reason,
                       int64_t deadline);

/* Completes wait with result, if it is not; its task runs in this pass or the next. */
void wherry__wait_wake(wherry__wait *wait, int result);

/* Completes all waits in list. */
void wherry__wait_wake_all(wherry__link *list, int result);

/* Completes all waits in list, that are joins, with WHERRY_OK: puts result where their items point
 * to (unless NULL), since whose result it is may be gone when they look. */
void wherry__wait_tell_all(wherry__link *list, int result);

/* The first wait in list that takes something. NULL when there is none: then all are observers, and
 * are woken with WHERRY_OK, since what there is stays to be taken. */
wherry__wait *wherry__wait_first_taker(wherry__link *list);

/* Completes the observers in list. */
void wherry__wait_wake_observers(wherry__link *list, int result);

#endif
