/* First: waits for whichever of several things is ready first. */
#ifndef WHERRY_FIRST_H
#define WHERRY_FIRST_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/event.h>
#include <wherry/export.h>
#include <wherry/queue.h>
#include <wherry/semaphore.h>
#include <wherry/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One thing to wait for. Set exactly one member; an entry with none is skipped. */
typedef struct wherry_choice_of {
    wherry_event *event;         /* ready when set */
    wherry_semaphore *semaphore; /* ready when a permit can be taken */
    wherry_queue *filled;        /* ready when an item can be taken, or the queue is closed */
    wherry_queue *roomy;         /* ready when an item can be put, or the queue is closed */
    wherry_task *task;           /* ready when it has ended */
    wherry_group *group;         /* ready when all in it have ended */
} wherry_choice_of;

/* Waits until one of count choices is ready and returns its index, the lowest when several are. It
 * takes nothing: follow it with the call itself and WHERRY_NOW, which answers WHERRY_E_WOULD_BLOCK
 * when another task was quicker. WHERRY_E_TIMED_OUT, WHERRY_E_WOULD_BLOCK: none was ready.
 * WHERRY_E_CANCELED: the task is being stopped. WHERRY_E_CLOSED: one of them was freed meanwhile.
 * WHERRY_E_MISUSE: nothing to wait for, more than 64 choices, an entry with two members, things of
 * several loops, or a deadline other than WHERRY_NOW outside of a coroutine. */
WHERRY_PUBLIC ssize_t wherry_first(const wherry_choice_of *choices, size_t count, int64_t deadline);

#ifdef __cplusplus
}
#endif

#endif
