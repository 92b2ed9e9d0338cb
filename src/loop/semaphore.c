/* Semaphore: permits that are handed over in the order of the waiting. */
#include "loop/meet.h"

#include <wherry/error.h>
#include <wherry/semaphore.h>

#include "loop/loop.h"
#include "loop/task.h"
#include "loop/wait.h"

int wherry_semaphore_new(wherry_semaphore **semaphore, wherry_loop *loop, size_t permits)
{
    int result = wherry__meet_new((void **)semaphore, loop, sizeof(**semaphore));

    if (result < 0)
        return result;
    (*semaphore)->permits = permits;
    wherry__link_init(&(*semaphore)->waiters);
    return WHERRY_OK;
}

int wherry_semaphore_take(wherry_semaphore *semaphore, int64_t deadline)
{
    int result = wherry__task_refused_until(deadline);

    if (result < 0)
        return result;
    if (semaphore->permits > 0) {
        semaphore->permits--;
        return WHERRY_OK;
    }
    return WHERRY__WAITED("semaphore.take", wherry__wait_in(semaphore->loop, &semaphore->waiters,
                                                            "semaphore", deadline, NULL));
}

void wherry_semaphore_give(wherry_semaphore *semaphore)
{
    wherry__wait *taker = wherry__wait_first_taker(&semaphore->waiters);

    if (taker != NULL)
        wherry__wait_wake(taker, WHERRY_OK); /* the permit goes with it */
    else
        semaphore->permits++;
}

size_t wherry_semaphore_permits(const wherry_semaphore *semaphore)
{
    return semaphore->permits;
}

void wherry_semaphore_free(wherry_semaphore *semaphore)
{
    if (semaphore == NULL)
        return;
    wherry__wait_wake_all(&semaphore->waiters, WHERRY_E_CLOSED);
    wherry__meet_free(semaphore, semaphore->loop, sizeof(*semaphore));
}
