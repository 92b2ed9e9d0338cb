/* What tasks meet through: the insides of events, semaphores and queues, which wherry_first looks
 * into. */
#ifndef WHERRY_LOOP_MEET_H
#define WHERRY_LOOP_MEET_H

#include <stdbool.h>
#include <stddef.h>

#include <wherry/event.h>
#include <wherry/loop.h>
#include <wherry/queue.h>
#include <wherry/semaphore.h>

#include "base/list.h"

struct wherry_event {
    wherry_loop *loop; /* first in all of these: see wherry__meet_new */
    wherry__link waiters;
    bool set;
};

struct wherry_semaphore {
    wherry_loop *loop;
    wherry__link waiters;
    size_t permits;
};

struct wherry_queue {
    wherry_loop *loop;
    wherry__link takers;
    wherry__link putters;
    size_t capacity;
    size_t first;
    size_t count;
    bool closed;
    void *items[];
};

/* Makes an object of size bytes on loop (NULL: the current one), all zero but for its loop, and
 * puts it to *result. WHERRY_E_MISUSE, WHERRY_E_NO_MEMORY. */
int wherry__meet_new(void **result, wherry_loop *loop, size_t size);

void wherry__meet_free(void *object, wherry_loop *loop, size_t size);

#endif
