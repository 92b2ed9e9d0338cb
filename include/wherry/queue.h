/* Queue: a bounded, ordered queue of pointers between tasks of one loop. The pointers are the
 * program's; the queue neither reads nor frees what they point to. */
#ifndef WHERRY_QUEUE_H
#define WHERRY_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/export.h>
#include <wherry/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wherry_queue wherry_queue;

/* Makes an empty queue for at most capacity items (1 or more), on loop (NULL: the one the caller
 * runs on); the caller frees it. WHERRY_E_MISUSE: no place for the result, no capacity or no loop.
 * WHERRY_E_NO_MEMORY. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_queue_new(wherry_queue **queue, wherry_loop *loop,
                                                  size_t capacity);

/* Puts item at the end, waiting for room behind those who came earlier. WHERRY_E_TIMED_OUT,
 * WHERRY_E_WOULD_BLOCK: it is full. WHERRY_E_CLOSED: the queue is closed. WHERRY_E_CANCELED: the
 * task is being stopped. WHERRY_E_MISUSE: a deadline other than WHERRY_NOW outside of a coroutine.
 * In all of these the item was not put. */
WHERRY_PUBLIC int wherry_queue_put(wherry_queue *queue, void *item, int64_t deadline);

/* Takes the first item into *item, waiting for one behind those who came earlier. WHERRY_E_END: the
 * queue is closed and empty. Other errors as wherry_queue_put; *item is unchanged then. */
WHERRY_PUBLIC int wherry_queue_take(wherry_queue *queue, void **item, int64_t deadline);

/* How many items are in it. */
WHERRY_PUBLIC size_t wherry_queue_count(const wherry_queue *queue);

/* No more can be put; what is in it can still be taken. Who waits to put gets WHERRY_E_CLOSED, who
 * waits to take from the empty queue WHERRY_E_END. Closing again does nothing. On the loop's
 * thread. */
WHERRY_PUBLIC void wherry_queue_close(wherry_queue *queue);

/* Closes it and gives it back with whatever is in it. NULL is allowed. */
WHERRY_PUBLIC void wherry_queue_free(wherry_queue *queue);

#ifdef __cplusplus
}
#endif

#endif
