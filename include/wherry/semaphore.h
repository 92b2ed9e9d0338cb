/* Semaphore: a number of permits that tasks of one loop take and give back; who waits longest is
 * served first. */
#ifndef WHERRY_SEMAPHORE_H
#define WHERRY_SEMAPHORE_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/export.h>
#include <wherry/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wherry_semaphore wherry_semaphore;

/* Makes a semaphore with permits to take, on loop (NULL: the one the caller runs on); the caller
 * frees it. WHERRY_E_MISUSE: no place for the result or no loop. WHERRY_E_NO_MEMORY. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_semaphore_new(wherry_semaphore **semaphore,
                                                      wherry_loop *loop, size_t permits);

/* Takes a permit, waiting for one behind those who came earlier. WHERRY_E_TIMED_OUT,
 * WHERRY_E_WOULD_BLOCK: there was none. WHERRY_E_CANCELED: the task is being stopped.
 * WHERRY_E_CLOSED: it was freed meanwhile. WHERRY_E_MISUSE: a deadline other than WHERRY_NOW
 * outside of a coroutine. No permit is taken in any of these. */
WHERRY_PUBLIC int wherry_semaphore_take(wherry_semaphore *semaphore, int64_t deadline);

/* Gives one permit back, or adds one. On the loop's thread. */
WHERRY_PUBLIC void wherry_semaphore_give(wherry_semaphore *semaphore);

/* How many permits can be taken now. */
WHERRY_PUBLIC size_t wherry_semaphore_permits(const wherry_semaphore *semaphore);

/* Wakes who waits with WHERRY_E_CLOSED and gives it back. NULL is allowed. */
WHERRY_PUBLIC void wherry_semaphore_free(wherry_semaphore *semaphore);

#ifdef __cplusplus
}
#endif

#endif
