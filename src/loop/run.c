/* Running a program of one coroutine: a loop for it, and its end. */
#include <wherry/error.h>
#include <wherry/task.h>

#include "base/error.h"
#include "loop/loop.h"
#include "loop/task.h"

/* Passes until no task is left, or somebody stops the loop. */
static int run_tasks(wherry_loop *loop)
{
    ssize_t done = 0;

    while (done >= 0 && loop->task_count > 0 && !atomic_exchange(&loop->stop, false))
        done = wherry__loop_pass(loop, WHERRY_NEVER);
    return done < 0 ? (int)done : WHERRY_OK;
}

int wherry_run(wherry_body *body, void *argument)
{
    wherry_loop *loop;
    wherry_task *task;
    int ended = WHERRY_E_CANCELED;
    int result;

    if (wherry_loop_current() != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "a loop cannot run inside another one");
    result = wherry_loop_new(&loop);
    if (result < 0)
        return result;
    result = wherry_spawn(&task, body, argument, .name = "main", .loop = loop);
    if (result == WHERRY_OK) {
        result = run_tasks(loop);
        wherry_loop_free(loop);
        if (wherry_task_ended(task))
            ended = task->result;
        wherry_task_release(task);
        return result < 0 ? result : ended;
    }
    wherry_loop_free(loop);
    return result;
}
