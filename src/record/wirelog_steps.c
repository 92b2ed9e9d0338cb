/* A wirelog as a task that holds it open. */
#include <wherry/wirelog.h>

#include <stdint.h>

#include <wherry/error.h>

static wherry_wirelog *log_of(wherry_steps *steps)
{
    return ((wherry_wirelog_steps *)(void *)steps)->log;
}

int wherry_wirelog_enter(wherry_steps *self, wherry_task *task)
{
    wherry_wirelog *log = log_of(self);

    return wherry_wirelog_is_open(log) ? WHERRY_OK
                                       : wherry_wirelog_open(log, wherry_task_temporary(task));
}

int wherry_wirelog_exit(wherry_steps *self, wherry_task *task)
{
    (void)task;
    wherry_wirelog_close(log_of(self), 0);
    return WHERRY_OK;
}

void wherry_wirelog_steps_init(wherry_wirelog_steps *self, wherry_wirelog *log)
{
    *self = (wherry_wirelog_steps){
        .steps = { .enter = wherry_wirelog_enter, .exit = wherry_wirelog_exit },
        .log = log,
    };
}
