/* Tasks: coroutines with a name, a result, and a way to be joined and stopped. */
#include "loop/task.h"

#include <wherry/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "base/probe.h"
#include "loop/loop.h"
#include "loop/steps.h"

_Thread_local wherry_task *wherry__running;

wherry_task *wherry_task_current(void)
{
    return wherry__running;
}

/* --- stacks: those of the usual size are pooled */

int wherry__task_take_stack(wherry_task *task, size_t size, wherry__coroutine_function *function,
                            void *argument)
{
    wherry__stack_pool *pool = &task->loop->stacks;
    wherry__stack stack;
    int code = size == 0 || size == pool->size ? wherry__stack_pool_take(pool, &stack)
                                               : wherry__stack_map(&stack, size);

    WHERRY__PROBE_IF(code < 0, "task.spawn.no-stack");
    if (code == WHERRY_OK)
        wherry__coroutine_init(&task->coroutine, stack, function, argument);
    return code;
}

static void give_stack(wherry_task *task)
{
    wherry__stack stack = task->coroutine.stack;

    if (stack.low == NULL) /* it had none */
        return;
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

    task->member.result = task->body(argument);
}

int wherry__task_check(const wherry_task_options *options, wherry_loop **loop)
{
    wherry_group *group = options->group;

    *loop = wherry__loop_choose(group == NULL ? options->loop : group->loop);
    if (*loop == NULL)
        return WHERRY_E_MISUSE;
    if (group != NULL && options->loop != NULL && options->loop != group->loop)
        return wherry__fail(WHERRY_E_MISUSE, "option group: it belongs to another loop");
    if (options->stack_size != 0 && options->stack_size < WHERRY__STACK_MIN)
        return wherry__fail(WHERRY_E_MISUSE, "option stack_size: under %zu bytes",
                            WHERRY__STACK_MIN);
    if ((*loop)->ending || (group != NULL && (group->canceled || group->ended)))
        return wherry__fail(WHERRY_E_CANCELED, "no task can be started: %s",
                            (*loop)->ending   ? "the loop is being freed"
                            : group->canceled ? "the group is canceled"
                                              : "the group has ended");
    return WHERRY_OK;
}

void wherry__task_start(wherry_task *task, wherry_group *group)
{
    wherry__list_append(&task->loop->tasks, &task->link);
    task->loop->task_count++;
    wherry__group_add(group == NULL ? &task->loop->root : group, &task->member);
}

/* A task with a stack, which is not started yet. */
static int prepare(wherry_task **result, wherry_loop *loop, const char *name, size_t stack_size,
                   wherry_body *body, void *argument)
{
    wherry_task *task = wherry__task_make(loop, name, sizeof(*task));
    int code;

    if (task == NULL)
        return WHERRY_E_NO_MEMORY;
    code = wherry__task_take_stack(task, stack_size, run_body, argument);
    if (code < 0) {
        wherry__task_release(task);
        return code;
    }
    task->body = body;
    *result = task;
    return WHERRY_OK;
}

static int spawn(wherry_task **result, wherry_body *body, void *argument,
                 const wherry_task_options *options)
{
    wherry_loop *loop = NULL;
    wherry_task *task = NULL;
    int code = body == NULL ? wherry__fail(WHERRY_E_MISUSE, "a task without a body")
                            : wherry__task_check(options, &loop);

    if (code == WHERRY_OK)
        code = prepare(&task, loop, options->name, options->stack_size, body, argument);
    if (code < 0)
        return code;
    task->joinable = result != NULL || options->group != NULL;
    task->member.temporary = options->temporary != 0;
    wherry__task_start(task, options->group);
    wherry__task_make_runnable(task);
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

    return code < 0 ? code : spawn(result, body, argument, &options);
}

int wherry__spawn_last(wherry_task **task, wherry_loop *loop, const char *name, wherry_body *body,
                       void *argument)
{
    int code = wherry__loop_choose(loop) == NULL ? WHERRY_E_MISUSE
                                                 : prepare(task, loop, NULL, 0, body, argument);

    if (code < 0)
        return code;
    (*task)->name = name;
    (*task)->joinable = true;
    (*task)->last = true;
    wherry__task_start(*task, NULL);
    wherry__task_make_runnable(*task);
    return WHERRY_OK;
}

/* --- ending */

static void log_failure(const wherry_task *task)
{
    const int result = task->member.result;

    if (result < 0 && !task->joinable && !wherry__error_is_quiet(result))
        wherry__log(task->loop->now, WHERRY_LOG_ERROR, "task \"%s\" ended with %s: %s", task->name,
                    wherry_error_name(result), wherry_error_text(result));
}

void wherry__task_end(wherry_task *task, int failure)
{
    task->ended = true;
    task->reason = NULL;
    log_failure(task);
    wherry__link_remove(&task->link);
    task->loop->task_count--;
    WHERRY__PROBE_IF(failure < 0 && task->canceled, "group.failure.of-a-canceled-task");
    if (wherry__link_used(&task->member.link))
        wherry__group_remove(&task->member, failure);
    wherry__wait_tell_all(&task->joiners, task->member.result);
    give_stack(task);
    wherry__task_release(task);
}

/* Its body has returned, or will never be called. */
static void returned(wherry_task *task)
{
    if (task->member.kind == WHERRY__MEMBER_STEPS) {
        wherry__steps_returned(task);
        return;
    }
    task->done = task->member.result >= 0 && !task->canceled;
    wherry__task_end(task, wherry__task_failure(task));
}

/* --- running */

void wherry__task_make_runnable(wherry_task *task)
{
    if (wherry__link_used(&task->run))
        return;
    wherry__list_append(&task->loop->runnable, &task->run);
    task->loop->runnable_count++;
}

void wherry__task_unrun(wherry_task *task)
{
    if (!wherry__link_used(&task->run))
        return;
    wherry__link_remove(&task->run);
    task->loop->runnable_count--;
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
        task->member.result = WHERRY_E_CANCELED;
        returned(task);
        return;
    }
    task->begun = true;
    task->loop->statistics.resumed++;
    wherry__running = task;
    wherry__coroutine_resume(&task->coroutine);
    wherry__running = NULL;
    if (task->coroutine.ended)
        returned(task);
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
        *result = task->member.result;
    return WHERRY_OK;
}

void wherry_task_cancel(wherry_task *task)
{
    if (task == NULL || task->ended || task->canceled)
        return;
    if (task->member.kind == WHERRY__MEMBER_STEPS)
        wherry__steps_cancel(task);
    else
        wherry__task_cancel_coroutine(task);
}

void wherry__task_cancel_coroutine(wherry_task *task)
{
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

/* Coroutines first, in the order of all; then what they stand on. */
void wherry__loop_cancel_tasks(wherry_loop *loop)
{
    for (wherry__link *link = loop->tasks.previous; link != &loop->tasks; link = link->previous) {
        wherry_task *task = WHERRY__OWNER(link, wherry_task, link);

        if (wherry__task_is_coroutine(task) && !task->canceled)
            wherry__task_cancel_coroutine(task);
    }
    wherry_group_cancel(&loop->root);
}

static void abandon(wherry_task *task)
{
    for (size_t i = 0; i < task->wait_count; i++)
        wherry__link_remove(&task->waits[i].link);
    wherry__deadline_disarm(&task->loop->deadlines, &task->timeout);
    wherry__task_unrun(task);
    WHERRY__PROBE("task.abandoned");
    task->canceled = true;
    task->member.result = WHERRY_E_CANCELED;
    task->coroutine.ended = true; /* as far as anybody can tell */
    returned(task);
}

/* Those of steps end by themselves when no coroutine is in their way any more. */
void wherry__loop_abandon_tasks(wherry_loop *loop)
{
    wherry__link *link = loop->tasks.next;

    wherry__loop_wake_later(loop);
    while (link != &loop->tasks) {
        wherry_task *task = WHERRY__OWNER(link, wherry_task, link);

        link = link->next;
        if (!wherry__task_is_coroutine(task))
            continue;
        if (!loop->forgotten)
            wherry__log(loop->now, WHERRY_LOG_ERROR,
                        "task \"%s\" had not ended when its loop was freed; it waited for \"%s\"",
                        task->name, task->reason == NULL ? "its turn" : task->reason);
        abandon(task);
        link = loop->tasks.next;
    }
}
