/* Groups: tasks, and groups of them, that end together. */
#include <wherry/error.h>

#include "base/error.h"
#include "base/options.h"
#include "base/probe.h"
#include "loop/loop.h"
#include "loop/task.h"

static void give_back(wherry_group *group)
{
    wherry_loop *loop = group->loop;

    wherry__memory_give(wherry__loop_memory(loop), group, sizeof(*group));
    wherry__loop_release(loop);
}

static int check_options(const wherry_group_options *options)
{
    const wherry_group *parent = options->parent;

    if (options->result == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the group");
    if (parent != NULL && options->loop != NULL && options->loop != parent->loop)
        return wherry__fail(WHERRY_E_MISUSE, "option parent: it belongs to another loop");
    if (parent != NULL && parent->canceled)
        return wherry__fail(WHERRY_E_CANCELED, "option parent: it is canceled");
    return WHERRY_OK;
}

int wherry_group_new_with(const wherry_group_options *given)
{
    wherry_group_options options;
    wherry_group *group;
    wherry_loop *loop;
    int result = WHERRY__OPTIONS_COPY(&options, given);

    if (result == WHERRY_OK)
        result = check_options(&options);
    if (result < 0)
        return result;
    loop = wherry__loop_choose(options.parent != NULL ? options.parent->loop : options.loop);
    if (loop == NULL)
        return WHERRY_E_MISUSE;
    group = wherry__memory_take(wherry__loop_memory(loop), sizeof(*group));
    if (group == NULL)
        return WHERRY_E_NO_MEMORY;
    group->loop = loop;
    group->parent = options.parent;
    group->keep_going = options.keep_going != 0;
    wherry__link_init(&group->member);
    wherry__link_init(&group->tasks);
    wherry__link_init(&group->groups);
    wherry__link_init(&group->waiters);
    wherry__loop_hold(loop);
    if (options.parent != NULL) {
        wherry__list_append(&options.parent->groups, &group->member);
        options.parent->count++;
    }
    *options.result = group;
    return WHERRY_OK;
}

/* --- the end of members */

static void ended(wherry_group *group);

static void leave_parent(wherry_group *group)
{
    wherry_group *parent = group->parent;

    if (parent == NULL)
        return;
    group->parent = NULL;
    wherry__link_remove(&group->member);
    if (--parent->count == 0)
        ended(parent);
}

/* All in it have ended: tell who waits. A canceled group stays empty, so it is over for its parent
 * too, whether its owner has freed it or not. */
static void ended(wherry_group *group)
{
    wherry__wait_tell_all(&group->waiters, group->result);
    if (!group->canceled)
        return;
    leave_parent(group);
    WHERRY__PROBE_IF(group->freed, "group.ended-after-its-free");
    if (group->freed)
        give_back(group);
}

/* The parents first: at its cancellation a group may leave its parent, which may be its end. */
static void note_failure(wherry_group *group, int result)
{
    if (group->parent != NULL)
        note_failure(group->parent, result);
    WHERRY__PROBE_IF(group->result != WHERRY_OK, "group.failure.another");
    WHERRY__PROBE_IF(group->keep_going, "group.failure.kept-going");
    WHERRY__PROBE_IF(group->parent != NULL, "group.failure.of-a-member-group");
    if (group->result == WHERRY_OK)
        group->result = result;
    if (!group->keep_going)
        wherry_group_cancel(group);
}

void wherry__group_add(wherry_group *group, wherry_task *task)
{
    task->group = group;
    wherry__list_append(&group->tasks, &task->member);
    group->count++;
}

void wherry__group_remove(wherry_group *group, wherry_task *task)
{
    task->group = NULL;
    wherry__link_remove(&task->member);
    group->count--;
    if (task->result < 0 && !(task->canceled && task->result == WHERRY_E_CANCELED))
        note_failure(group, task->result);
    WHERRY__PROBE_IF(task->canceled && task->result < 0 && task->result != WHERRY_E_CANCELED,
                     "group.failure.of-a-canceled-task");
    if (group->count == 0)
        ended(group);
}

/* --- the owner's side */

int wherry_group_join(wherry_group *group, int *result, int64_t deadline)
{
    int code = wherry__task_refused_until(deadline);
    void *place = result;

    if (group == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no group");
    if (code < 0)
        return code;
    if (group->count > 0)
        return WHERRY__WAITED(
            "group.join", wherry__wait_in(group->loop, &group->waiters, "group", deadline, &place));
    if (result != NULL)
        *result = group->result;
    return WHERRY_OK;
}

void wherry_group_cancel(wherry_group *group)
{
    wherry__link *link, *previous;

    if (group->canceled)
        return;
    group->canceled = true;
    for (link = group->groups.previous; link != &group->groups; link = previous) {
        previous = link->previous;
        wherry_group_cancel(WHERRY__OWNER(link, wherry_group, member));
    }
    for (link = group->tasks.previous; link != &group->tasks; link = link->previous)
        wherry_task_cancel(WHERRY__OWNER(link, wherry_task, member));
    if (group->count == 0)
        ended(group);
}

size_t wherry_group_count(const wherry_group *group)
{
    return group->count;
}

/* Whether task is in group, or in a group that is: then it cannot wait for the end of all. */
static bool is_inside(const wherry_group *group, const wherry_task *task)
{
    const wherry_group *around = task->group;

    while (around != NULL && around != group)
        around = around->parent;
    return around != NULL;
}

/* Waits for all in it, whatever happens to the task that waits. */
static void wait_for_all(wherry_group *group, wherry_task *task)
{
    int64_t former = task->shield;

    wherry__task_shield(task, WHERRY_NEVER);
    (void)wherry_group_join(group, NULL, WHERRY_NEVER);
    wherry__task_shield(task, former);
}

void wherry_group_free(wherry_group *group)
{
    wherry_task *task = wherry__task_running();

    if (group == NULL)
        return;
    wherry_group_cancel(group);
    if (task != NULL && task->loop == group->loop && !is_inside(group, task))
        wait_for_all(group, task);
    group->freed = true;
    if (group->count == 0)
        give_back(group);
}
