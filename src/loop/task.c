/* Tasks: coroutines with a name, a result, and a way to be joined and stopped. */
#include "loop/task.h"

#include <string.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "base/probe.h"
#include "base/size.h"
#include "loop/loop.h"

#define NAME_SIZE 32

_Thread_local wherry_task *wherry__running;

wherry_task *wherry_task_current(void)
{
    return wherry__running;
}

/* --- storage */

static void give_back(wherry_task *task)
{
    wherry_loop *loop = task->loop;
    wherry_memory *memory = wherry__loop_memory(loop);

    if (task->named)
        wherry__memory_give(memory, (void *)(uintptr_t)task->name, NAME_SIZE);
    wherry__memory_give(memory, task, sizeof(*task));
    wherry__loop_release(loop);
}

static void release(wherry_task *task)
{
    if (--task->holds == 0)
        give_back(task);
}

void wherry_task_release(wherry_task *task)
{
    if (task != NULL)
        release(task);
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

/* --- stacks: those of the usual size are pooled */

static int take_stack(wherry_loop *loop, size_t size, wherry__stack *stack)
{
    if (size == 0 || size == loop->stacks.size)
        return wherry__stack_pool_take(&loop->stacks, stack);
    return wherry__stack_map(stack, size);
}

static void give_stack(wherry_task *task)
{
    wherry__stack stack = task->coroutine.stack;

    wherry__coroutine_done(&task->coroutine);
    if (stack.size == task->loop->stacks.size)
        wherry__stack_pool_give(&task->loop->stacks, stack);
    else
        wherry__stack_unmap(stack);
}

/* --- starting */

static void run_body(void *argument)
{
    wherry_task *task = wherry__running;

    task->result = task->body(argument);
}

static int check_spawn(wherry_body *body, const wherry_task_options *options, bool last,
                       wherry_loop **loop)
{
    wherry_group *group = options->group;

    *loop = wherry__loop_choose(group == NULL ? options->loop : group->loop);
    if (*loop == NULL)
        return WHERRY_E_MISUSE;
    if (body == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "a task without a body");
    if (group != NULL && options->loop != NULL && options->loop != group->loop)
        return wherry__fail(WHERRY_E_MISUSE, "option group: it belongs to another loop");
    if (options->stack_size != 0 && options->stack_size < WHERRY__STACK_MIN)
        return wherry__fail(WHERRY_E_MISUSE, "option stack_size: under %zu bytes",
                            WHERRY__STACK_MIN);
    if (((*loop)->ending && !last) || (group != NULL && group->canceled))
        return wherry__fail(WHERRY_E_CANCELED, "no task can be started: %s",
                            (*loop)->ending ? "the loop is being freed" : "the group is canceled");
    return WHERRY_OK;
}

static void on_timeout(wherry__deadline *deadline)
{
    wherry_task *task = WHERRY__OWNER(deadline, wherry_task, timeout);

    WHERRY__PROBE_IF(wherry__link_used(&task->run), "task.timeout.races-wake");
    wherry__task_make_runnable(task);
}

static wherry_task *make(wherry_loop *loop, const char *name)
{
    wherry_task *task = wherry__memory_take(wherry__loop_memory(loop), sizeof(*task));

    if (task == NULL)
        return NULL;
    task->loop = loop;
    task->holds = 1;
    wherry__link_init(&task->run);
    wherry__link_init(&task->member);
    wherry__link_init(&task->joiners);
    wherry__deadline_init(&task->timeout, on_timeout);
    wherry__loop_hold(loop);
    if (take_name(task, name) < 0) {
        give_back(task);
        return NULL;
    }
    return task;
}

static void start(wherry_task *task, wherry_group *group)
{
    wherry__list_append(&task->loop->tasks, &task->link);
    task->loop->task_count++;
    if (group != NULL)
        wherry__group_add(group, task);
    wherry__task_make_runnable(task);
}

static int spawn(wherry_task **result, wherry_body *body, void *argument,
                 const wherry_task_options *options, bool last)
{
    wherry__stack stack;
    wherry_loop *loop;
    wherry_task *task;
    int code;

    code = check_spawn(body, options, last, &loop);
    if (code < 0)
        return code;
    task = make(loop, options->name);
    WHERRY__PROBE_IF(task == NULL, "task.spawn.no-memory");
    if (task == NULL)
        return WHERRY_E_NO_MEMORY;
    code = take_stack(loop, options->stack_size, &stack);
    if (code < 0) {
        WHERRY__PROBE("task.spawn.no-stack");
        release(task);
        return code;
    }
    task->body = body;
    task->joinable = result != NULL || options->group != NULL;
    task->last = last;
    wherry__coroutine_init(&task->coroutine, stack, run_body, argument);
    start(task, options->group);
    if (result != NULL) {
        task->holds++;
        *result = task;
    }
    return WHERRY_OK;
}

int wherry_spawn_with(wherry_task **result, wherry_body *body, void *argument,
                      const wherry_task_options *given)
{
    wherry_task_options options;
    int code = WHERRY__OPTIONS_COPY(&options, given);

    return code < 0 ? code : spawn(result, body, argument, &options, false);
}

int wherry__spawn_last(wherry_task **task, wherry_body *body, void *argument,
                       const wherry_task_options *options)
{
    return spawn(task, body, argument, options, true);
}

/* --- ending */

static void log_failure(const wherry_task *task)
{
    if (task->result < 0 && !task->joinable && !wherry__error_is_quiet(task->result))
        wherry__log(task->loop->now, WHERRY_LOG_ERROR, "task \"%s\" ended with %s: %s", task->name,
                    wherry_error_name(task->result), wherry_error_text(task->result));
}

static void end(wherry_task *task)
{
    wherry_group *group = task->group;

    task->ended = true;
    log_failure(task);
    wherry__link_remove(&task->link);
    task->loop->task_count--;
    if (group != NULL)
        wherry__group_remove(group, task);
    wherry__wait_tell_all(&task->joiners, task->result);
    give_stack(task);
    release(task);
}

/* --- running */

void wherry__task_make_runnable(wherry_task *task)
{
    if (wherry__link_used(&task->run))
        return;
    wherry__list_append(&task->loop->runnable, &task->run);
    task->loop->runnable_count++;
}

void wherry__loop_wake_later(wherry_loop *loop)
{
    wherry__link *link;

    while ((link = wherry__list_take(&loop->later)) != NULL)
        wherry__task_make_runnable(WHERRY__OWNER(link, wherry_task, run));
}

/* The next to run: the first, unless the system wants to choose. */
static wherry_task *take_runnable(wherry_loop *loop)
{
    wherry__link *link = loop->runnable.next;
    wherry_system *system = loop->system;
    uint32_t skipped = 0;

    if (system->choose != NULL && loop->runnable_count > 1)
        skipped = system->choose(system, WHERRY_CHOICE_TASK, (uint32_t)loop->runnable_count);
    if (loop->runnable_count > 1 && WHERRY__FAULT_POINT("loop.task.last-first"))
        skipped = (uint32_t)loop->runnable_count - 1;
    while (skipped-- > 0)
        link = link->next;
    wherry__link_remove(link);
    loop->runnable_count--;
    return WHERRY__OWNER(link, wherry_task, run);
}

static void resume(wherry_task *task)
{
    if (!task->begun && task->canceled && !task->last) {
        WHERRY__PROBE("task.cancel.before-it-began");
        task->result = WHERRY_E_CANCELED;
        end(task);
        return;
    }
    task->begun = true;
    task->loop->statistics.resumed++;
    wherry__running = task;
    wherry__coroutine_resume(&task->coroutine);
    wherry__running = NULL;
    if (task->coroutine.ended)
        end(task);
}

size_t wherry__loop_run_tasks(wherry_loop *loop)
{
    size_t count = 0;

    while (loop->runnable_count > 0 && loop->turns > 0 &&
           !(WHERRY__FAULT_POINT("loop.tasks.next-pass") && !loop->ending)) {
        resume(take_runnable(loop));
        loop->turns--;
        count++;
    }
    return count;
}

/* --- joining and stopping */

int wherry_task_join(wherry_task *task, int *result, int64_t deadline)
{
    int code = wherry__task_refused_until(deadline);
    void *place = result;

    if (task == NULL || task == wherry__running)
        return wherry__fail(WHERRY_E_MISUSE, "a task cannot join itself, or none");
    if (code < 0)
        return code;
    if (!task->ended)
        return WHERRY__WAITED(
            "task.join", wherry__wait_in(task->loop, &task->joiners, "join", deadline, &place));
    if (result != NULL)
        *result = task->result;
    return WHERRY_OK;
}

void wherry_task_cancel(wherry_task *task)
{
    if (task == NULL || task->ended || task->canceled)
        return;
    task->canceled = true;
    WHERRY__PROBE_IF(wherry__task_is_shielded(task), "task.cancel.shielded");
    if (wherry__task_is_shielded(task))
        return;
    WHERRY__PROBE_IF(task->waits != NULL && wherry__link_used(&task->run), "task.cancel.too-late");
    if (task->waits != NULL || !task->begun)
        wherry__task_make_runnable(task);
}

void wherry__task_shield(wherry_task *task, int64_t instant)
{
    const wherry_loop *loop = task->loop;

    task->shield = instant;
    if (loop->lingered && instant != WHERRY_NEVER && instant > loop->now)
        task->shield = loop->now;
}

void wherry__loop_end_shields(wherry_loop *loop)
{
    WHERRY__PROBE("task.shield.ended-with-the-loop");
    loop->lingered = true;
    for (wherry__link *link = loop->tasks.next; link != &loop->tasks; link = link->next) {
        wherry_task *task = WHERRY__OWNER(link, wherry_task, link);

        wherry__task_shield(task, task->shield);
        if (task->waits != NULL && !wherry__task_is_shielded(task))
            wherry__task_make_runnable(task);
    }
}

void wherry__loop_cancel_tasks(wherry_loop *loop)
{
    for (wherry__link *link = loop->tasks.previous; link != &loop->tasks; link = link->previous)
        wherry_task_cancel(WHERRY__OWNER(link, wherry_task, link));
}

static void abandon(wherry_task *task)
{
    for (size_t i = 0; i < task->wait_count; i++)
        wherry__link_remove(&task->waits[i].link);
    wherry__deadline_disarm(&task->loop->deadlines, &task->timeout);
    if (wherry__link_used(&task->run)) {
        wherry__link_remove(&task->run);
        task->loop->runnable_count--;
    }
    WHERRY__PROBE("task.abandoned");
    task->canceled = true;
    task->result = WHERRY_E_CANCELED;
    end(task);
}

void wherry__loop_abandon_tasks(wherry_loop *loop)
{
    wherry__loop_wake_later(loop);
    while (!wherry__list_empty(&loop->tasks)) {
        wherry_task *task = WHERRY__OWNER(loop->tasks.next, wherry_task, link);

        if (!loop->forgotten)
            wherry__log(loop->now, WHERRY_LOG_ERROR,
                        "task \"%s\" had not ended when its loop was freed; it waited for \"%s\"",
                        task->name, task->reason == NULL ? "its turn" : task->reason);
        abandon(task);
    }
}

/* --- waiting for time */

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

/* --- what a task tells */

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
