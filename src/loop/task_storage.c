/* Where tasks lie. The storage of those that ended is kept for the next ones, up to a number, since
 * nearly all live for one conversation of a client; stacks have a pool of their own. */
#include "loop/task.h"

#include <string.h>

#include <wherry/error.h>

#include "base/probe.h"
#include "base/size.h"
#include "loop/loop.h"
#include "loop/steps.h"

#define NAME_SIZE 32

/* --- taking and giving back */

static size_t size_of(const wherry_task *task)
{
    return task->member.kind == WHERRY__MEMBER_STEPS ? sizeof(wherry__step_task) : sizeof(*task);
}

static bool keep(wherry_task *task)
{
    wherry_loop *loop = task->loop;

    if (loop->freed || task->member.kind == WHERRY__MEMBER_STEPS ||
        loop->spare_count == WHERRY__SPARE_TASKS)
        return false;
    task->spare = loop->spares;
    loop->spares = task;
    loop->spare_count++;
    return true;
}

static wherry_task *take_spare(wherry_loop *loop)
{
    wherry_task *task = loop->spares;

    loop->spares = task->spare;
    loop->spare_count--;
    memset(task, 0, sizeof(*task));
    return task;
}

void wherry__loop_clear_spares(wherry_loop *loop)
{
    while (loop->spares != NULL)
        wherry__memory_give(wherry__loop_memory(loop), take_spare(loop), sizeof(wherry_task));
}

static wherry_task *take(wherry_loop *loop, size_t size)
{
    return loop->spares != NULL && size == sizeof(wherry_task)
               ? take_spare(loop)
               : wherry__memory_take(wherry__loop_memory(loop), size);
}

static void give_back(wherry_task *task)
{
    wherry_loop *loop = task->loop;
    wherry_memory *memory = wherry__loop_memory(loop);

    if (task->named)
        wherry__memory_give(memory, (void *)(uintptr_t)task->name, NAME_SIZE);
    if (!keep(task))
        wherry__memory_give(memory, task, size_of(task));
    wherry__loop_release(loop);
}

void wherry__task_release(wherry_task *task)
{
    if (--task->holds == 0)
        give_back(task);
}

void wherry_task_release(wherry_task *task)
{
    if (task != NULL)
        wherry__task_release(task);
}

static int take_name(wherry_task *task, const char *name)
{
    char *copy;

    task->name = name == NULL ? "task" : name;
    if (name == NULL)
        return WHERRY_OK;
    copy = wherry__memory_take(wherry__loop_memory(task->loop), NAME_SIZE);
    if (copy == NULL)
        return WHERRY_E_NO_MEMORY;
    memcpy(copy, name, wherry__size_min(strlen(name), NAME_SIZE - 1));
    task->name = copy;
    task->named = true;
    return WHERRY_OK;
}

/* --- making one */

static void on_timeout(wherry__deadline *deadline)
{
    wherry_task *task = WHERRY__OWNER(deadline, wherry_task, timeout);

    WHERRY__PROBE_IF(wherry__link_used(&task->run), "task.timeout.races-wake");
    wherry__task_make_runnable(task);
}

wherry_task *wherry__task_make(wherry_loop *loop, const char *name, size_t size)
{
    wherry_task *task = take(loop, size);

    WHERRY__PROBE_IF(task == NULL, "task.spawn.no-memory");
    if (task == NULL)
        return NULL;
    task->loop = loop;
    task->holds = 1;
    task->member.kind = size == sizeof(*task) ? WHERRY__MEMBER_COROUTINE : WHERRY__MEMBER_STEPS;
    wherry__link_init(&task->link);
    wherry__link_init(&task->run);
    wherry__link_init(&task->member.link);
    wherry__link_init(&task->joiners);
    wherry__deadline_init(&task->timeout, on_timeout);
    wherry__loop_hold(loop);
    if (take_name(task, name) < 0) {
        give_back(task);
        return NULL;
    }
    return task;
}
