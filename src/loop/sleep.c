/* Sleeping: waiting for nothing but time. */
#include <wherry/error.h>

#include "base/error.h"
#include "base/probe.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "loop/wait.h"

int wherry_sleep(int64_t deadline)
{
    wherry__wait wait;
    wherry__link nobody;
    wherry_task *task = wherry__running;
    int result = wherry__task_refused_until(deadline);

    if (task == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "only coroutines can sleep");
    if (result < 0 || deadline <= task->loop->now)
        return result;
    wherry__link_init(&nobody);
    wherry__wait_init(&wait, &nobody);
    result = (int)wherry__wait_any(&wait, 1, "sleep", deadline, &result);
    WHERRY__PROBE_IF(result == WHERRY_E_CANCELED, "task.sleep.canceled");
    return result == WHERRY_E_TIMED_OUT ? WHERRY_OK : result;
}

int wherry_yield(void)
{
    wherry__wait wait = { .task = wherry__running, .done = true }; /* its turn comes by itself */
    ssize_t woken;
    int result;

    if (wherry__running == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "only coroutines can yield");
    result = wherry__wait_allowed(wherry__running->loop, WHERRY_NEVER);
    if (result < 0)
        return result;
    wherry__link_init(&wait.link);
    wherry__list_append(&wherry__running->loop->later, &wherry__running->run);
    woken = wherry__wait_any(&wait, 1, "its next turn", WHERRY_NEVER, &result);
    WHERRY__PROBE_IF(wherry__running->canceled, "task.yield.canceled");
    return woken < 0 ? (int)woken : wherry__task_refused();
}
