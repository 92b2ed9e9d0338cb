/* What tasks tell of themselves. */
#include <wherry/steps.h>

#include "loop/loop.h"
#include "loop/task.h"

int wherry_task_canceled(const wherry_task *task)
{
    return task->canceled;
}

int wherry_task_ended(const wherry_task *task)
{
    return task->ended;
}

const char *wherry_task_name(const wherry_task *task)
{
    return task->name;
}

const char *wherry_task_waits_for(const wherry_task *task)
{
    return task->reason;
}

void wherry_task_set_local(wherry_task *task, void *local)
{
    task->local = local;
}

void *wherry_task_local(const wherry_task *task)
{
    return task->local;
}

void wherry_loop_tasks(wherry_loop *loop, wherry_task_visitor *visitor)
{
    for (wherry__link *link = loop->tasks.next; link != &loop->tasks; link = link->next)
        visitor->see(visitor, WHERRY__OWNER(link, wherry_task, link));
}

int wherry_task_done(const wherry_task *task)
{
    return task->done;
}

wherry_loop *wherry_task_loop(const wherry_task *task)
{
    return task->loop;
}

int wherry_task_temporary(const wherry_task *task)
{
    bool temporary = task->member.temporary || task->loop->temporary;

    for (const wherry_group *group = task->member.group; group != NULL; group = group->member.group)
        temporary = temporary || group->member.temporary;
    return temporary;
}
