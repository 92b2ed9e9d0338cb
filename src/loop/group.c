/* Groups: tasks, and groups of them, that end together. */
#include <wherry/error.h>
#include <wherry/steps.h>

#include "base/error.h"
#include "base/options.h"
#include "base/probe.h"
#include "base/size.h"
#include "loop/loop.h"
#include "loop/task.h"

/* --- making one */

static int check_steps(const wherry_group_options *options)
{
    const wherry_steps *steps = options->steps;

    if (steps != NULL && steps->body != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option steps: those of a group have no body");
    if (steps != NULL && steps->tock < 0)
        return wherry__fail(WHERRY_E_MISUSE, "option steps: their tock is negative");
    if (steps != NULL && steps->tock != 0 && options->tock != 0 && steps->tock != options->tock)
        return wherry__fail(WHERRY_E_MISUSE, "option tock: the group's own steps have another");
    if (options->tock < 0)
        return wherry__fail(WHERRY_E_MISUSE, "option tock: it is negative");
    if (options->limit < 0)
        return wherry__fail(WHERRY_E_MISUSE, "option limit: it is negative");
    if (options->always != 0 && steps == NULL && options->members == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option always: neither steps nor members");
    return WHERRY_OK;
}

static int check_options(const wherry_group_options *options)
{
    const wherry_group *parent = options->parent;

    if (options->result == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the group");
    if (parent != NULL && options->loop != NULL && options->loop != parent->loop)
        return wherry__fail(WHERRY_E_MISUSE, "option parent: it belongs to another loop");
    if (parent != NULL && (parent->canceled || parent->ended))
        return wherry__fail(WHERRY_E_CANCELED, "option parent: it is canceled, or has ended");
    return check_steps(options);
}

static void on_limit(wherry__deadline *deadline)
{
    WHERRY__PROBE("group.limit");
    wherry_group_cancel(WHERRY__OWNER(deadline, wherry_group, limit));
}

static void init(wherry_group *group, wherry_loop *loop, wherry__schedule *around, int64_t tock)
{
    group->loop = loop;
    group->member.kind = WHERRY__MEMBER_GROUP;
    wherry__link_init(&group->member.link);
    wherry__link_init(&group->members);
    wherry__link_init(&group->waiters);
    wherry__deadline_init(&group->limit, on_limit);
    wherry__schedule_init(&group->schedule, loop, around == NULL ? NULL : &group->turn);
    if (around != NULL)
        wherry__turn_init(&group->turn, around, tock, wherry__group_run_turn);
}

void wherry__group_init_root(wherry_loop *loop)
{
    init(&loop->root, loop, NULL, 0);
    loop->root.keep_going = true;
}

static wherry_group *make(wherry_loop *loop, const wherry_group_options *options)
{
    wherry_group *parent = options->parent == NULL ? &loop->root : options->parent;
    wherry_group *group = wherry__memory_take(wherry__loop_memory(loop), sizeof(*group));
    int64_t tock = options->tock;

    if (group == NULL)
        return NULL;
    if (tock == 0 && options->steps != NULL)
        tock = options->steps->tock;
    init(group, loop, &parent->schedule, tock);
    group->keep_going = options->keep_going != 0;
    group->always = options->always != 0;
    group->is_task = options->steps != NULL || options->members != NULL;
    group->member.temporary = options->temporary != 0;
    wherry__loop_hold(loop);
    return group;
}

static void give_back(wherry_group *group)
{
    wherry_loop *loop = group->loop;

    wherry__memory_give(wherry__loop_memory(loop), group, sizeof(*group));
    wherry__loop_release(loop);
}

void wherry__group_unpin(wherry_group *group)
{
    if (--group->pins == 0 && group->freed && group->ended)
        give_back(group);
}

/* On a loop that is being freed there are only those that nothing can be started in. */
static void add(wherry_group *group, wherry_group *parent)
{
    if (parent->canceled) {
        group->canceled = true;
        group->ended = true;
        return;
    }
    wherry__group_add(parent, &group->member);
}

static void arm_limit(wherry_group *group, int64_t limit)
{
    wherry_loop *loop = group->loop;
    const bool is_real = loop->clock == WHERRY_CLOCK_REAL && !loop->dispatching;
    const int64_t now = is_real ? loop->system->monotonic(loop->system) : loop->now;

    if (limit > 0 && !group->canceled)
        wherry__deadline_arm(&loop->deadlines, &group->limit, wherry__instant_after(now, limit));
}

/* The limit counts from before anything is entered. */
static int begin(wherry_group *group, const wherry_group_options *options)
{
    int result = WHERRY_OK;

    wherry__group_pin(group);
    arm_limit(group, options->limit);
    if (group->is_task)
        result = wherry__group_enter(group, options);
    if (result < 0) {
        WHERRY__PROBE("group.enter.failed");
        wherry_group_free(group);
    }
    wherry__group_unpin(group);
    return result;
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
    if (loop->ending && (options.steps != NULL || options.members != NULL))
        return wherry__fail(WHERRY_E_CANCELED, "no task can be started: the loop is being freed");
    group = make(loop, &options);
    if (group == NULL)
        return WHERRY_E_NO_MEMORY;
    result = group->is_task ? wherry__group_make_own(group, &options) : WHERRY_OK;
    if (result < 0) {
        give_back(group);
        return result;
    }
    add(group, options.parent == NULL ? &loop->root : options.parent);
    result = begin(group, &options);
    if (result == WHERRY_OK)
        *options.result = group;
    return result;
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
    if (!wherry__group_is_over(group))
        return WHERRY__WAITED(
            "group.join", wherry__wait_in(group->loop, &group->waiters, "group", deadline, &place));
    if (result != NULL)
        *result = group->member.result;
    return WHERRY_OK;
}

size_t wherry_group_count(const wherry_group *group)
{
    return group->count;
}

int wherry_group_done(const wherry_group *group)
{
    return wherry__group_is_over(group) && !group->canceled && group->member.result == WHERRY_OK;
}

/* Whether task is in group, or in a group that is: then it cannot wait for the end of all. */
static bool is_inside(const wherry_group *group, const wherry_task *task)
{
    const wherry_group *around = task->member.group;

    while (around != NULL && around != group)
        around = around->member.group;
    return around != NULL;
}

/* Waits for all in it, whatever happens to the task that waits. */
static void wait_for_all(wherry_group *group, wherry_task *task)
{
    int64_t former = task->shield;

    wherry__task_shield(task, WHERRY_NEVER);
    while (!group->ended && wherry_group_join(group, NULL, WHERRY_NEVER) == WHERRY_OK)
        continue;
    wherry__task_shield(task, former);
}

void wherry_group_free(wherry_group *group)
{
    wherry_task *task = wherry__task_running();

    if (group == NULL)
        return;
    wherry_group_cancel(group);
    if (task != NULL && task->loop == group->loop && !is_inside(group, task))
        wait_for_all(group, task); /* not pinned: who waits here may be given up */
    group->freed = true;
    wherry__group_pin(group);
    wherry__group_unpin(group);
}

/* Passes until the group is over, or the instant has come. */
int wherry_group_run(wherry_group *group, int64_t limit)
{
    int result;

    if (group == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no group");
    if (limit < 0)
        return wherry__fail(WHERRY_E_MISUSE, "the limit is negative");
    wherry__group_pin(group);
    result = wherry__loop_run_group(group->loop, group, limit);
    if (result == WHERRY_OK && !wherry__group_has_ended(group)) {
        wherry_group_cancel(group);
        result = wherry__loop_run_group(group->loop, group, 0);
    }
    if (result == WHERRY_OK)
        result = group->member.result < 0 ? group->member.result : wherry_group_done(group);
    wherry__group_unpin(group);
    return result;
}
