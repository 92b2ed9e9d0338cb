/* Event: a flag that tasks of one loop wait for. */
#ifndef WHERRY_EVENT_H
#define WHERRY_EVENT_H

#include <stdint.h>

#include <wherry/export.h>
#include <wherry/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wherry_event wherry_event;

/* Makes an event that is not set, on loop (NULL: the one the caller runs on); the caller frees it.
 * WHERRY_E_MISUSE: no place for the result or no loop. WHERRY_E_NO_MEMORY. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_event_new(wherry_event **event, wherry_loop *loop);

/* Sets it: all who wait, and all who come later, go on until it is cleared. On the loop's thread.
 */
WHERRY_PUBLIC void wherry_event_set(wherry_event *event);

/* Clears it. Who was woken by the set before goes on all the same. On the loop's thread. */
WHERRY_PUBLIC void wherry_event_clear(wherry_event *event);

/* Whether it is set: 1 or 0. */
WHERRY_PUBLIC int wherry_event_is_set(const wherry_event *event);

/* Waits until it is set. WHERRY_E_TIMED_OUT, WHERRY_E_WOULD_BLOCK: it is not. WHERRY_E_CANCELED:
 * the task is being stopped. WHERRY_E_CLOSED: it was freed meanwhile. WHERRY_E_MISUSE: a deadline
 * other than WHERRY_NOW outside of a coroutine. */
WHERRY_PUBLIC int wherry_event_wait(wherry_event *event, int64_t deadline);

/* Wakes who waits with WHERRY_E_CLOSED and gives it back. NULL is allowed. */
WHERRY_PUBLIC void wherry_event_free(wherry_event *event);

#ifdef __cplusplus
}
#endif

#endif
