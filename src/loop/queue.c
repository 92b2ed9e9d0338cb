/* Queue: a ring of pointers. An item goes straight to who waits for one, and room straight to who
 * waits for it, so that each is served in the order of the waiting. */
#include "loop/meet.h"

#include <wherry/error.h>
#include <wherry/queue.h>

#include "base/error.h"
#include "base/probe.h"
#include "base/size.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "loop/wait.h"

int wherry_queue_new(wherry_queue **queue, wherry_loop *loop, size_t capacity)
{
    size_t size;
    int result;

    if (capacity == 0 || !wherry__size_multiply(capacity, sizeof(void *), &size) ||
        !wherry__size_add(size, sizeof(**queue), &size))
        return wherry__fail(WHERRY_E_MISUSE, "a queue cannot have the capacity %zu", capacity);
    result = wherry__meet_new((void **)queue, loop, size);
    if (result < 0)
        return result;
    (*queue)->capacity = capacity;
    wherry__link_init(&(*queue)->takers);
    wherry__link_init(&(*queue)->putters);
    return WHERRY_OK;
}

static void append(wherry_queue *queue, void *item)
{
    queue->items[(queue->first + queue->count) % queue->capacity] = item;
    queue->count++;
}

static void *take_first(wherry_queue *queue)
{
    void *item = queue->items[queue->first];

    queue->first = (queue->first + 1) % queue->capacity;
    queue->count--;
    return item;
}

int wherry_queue_put(wherry_queue *queue, void *item, int64_t deadline)
{
    int result = wherry__task_refused_until(deadline);
    wherry__wait *taker;

    if (result < 0)
        return result;
    if (queue->closed)
        return WHERRY_E_CLOSED;
    if (queue->count == queue->capacity)
        return WHERRY__WAITED("queue.put", wherry__wait_in(queue->loop, &queue->putters,
                                                           "room in a queue", deadline, &item));
    taker = wherry__wait_first_taker(&queue->takers);
    if (taker != NULL) {
        WHERRY__PROBE("queue.put.handed-over");
        taker->item = item;
        wherry__wait_wake(taker, WHERRY_OK);
    } else {
        append(queue, item);
    }
    return WHERRY_OK;
}

int wherry_queue_take(wherry_queue *queue, void **item, int64_t deadline)
{
    wherry__wait *putter;
    void *taken = NULL;
    int result = wherry__task_refused_until(deadline);

    if (result < 0)
        return result;
    if (queue->count > 0) {
        *item = take_first(queue);
        putter = wherry__wait_first_taker(&queue->putters);
        if (putter != NULL) {
            WHERRY__PROBE("queue.take.makes-room");
            append(queue, putter->item);
            wherry__wait_wake(putter, WHERRY_OK);
        }
        return WHERRY_OK;
    }
    if (queue->closed)
        return WHERRY_E_END;
    result = WHERRY__WAITED("queue.take", wherry__wait_in(queue->loop, &queue->takers,
                                                          "an item in a queue", deadline, &taken));
    if (result == WHERRY_OK)
        *item = taken;
    return result;
}

size_t wherry_queue_count(const wherry_queue *queue)
{
    return queue->count;
}

void wherry_queue_close(wherry_queue *queue)
{
    WHERRY__PROBE_IF(!wherry__list_empty(&queue->putters), "queue.close.putters-wait");
    WHERRY__PROBE_IF(!wherry__list_empty(&queue->takers), "queue.close.takers-wait");
    queue->closed = true;
    wherry__wait_wake_observers(&queue->putters, WHERRY_OK);
    wherry__wait_wake_all(&queue->putters, WHERRY_E_CLOSED);
    wherry__wait_wake_all(&queue->takers, WHERRY_E_END);
}

void wherry_queue_free(wherry_queue *queue)
{
    if (queue == NULL)
        return;
    wherry__wait_wake_observers(&queue->putters, WHERRY_E_CLOSED);
    wherry__wait_wake_observers(&queue->takers, WHERRY_E_CLOSED);
    wherry_queue_close(queue);
    wherry__meet_free(queue, queue->loop, sizeof(*queue) + queue->capacity * sizeof(void *));
}
