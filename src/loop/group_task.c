/* Groups with steps or members: they are tasks themselves. The steps are those of a task of their
 * own, which is in no group and has no turns: both are the group's. */
#include <wherry/error.h>

#include "base/error.h"
#include "base/probe.h"
#include "loop/loop.h"
#include "loop/steps.h"
#include "loop/task.h"

int wherry__group_make_own(wherry_group *group, const wherry_group_options *options)
{
    const char *name = options->name == NULL ? "group" : options->name;
    wherry_task *task = wherry__task_make(group->loop, name, sizeof(wherry__step_task));

    if (task == NULL)
        return WHERRY_E_NO_MEMORY;
    group->own = wherry__steps_of(task);
    group->own->steps = options->steps;
    group->own->of = group;
    task->member.group = group; /* for its flags; it is not in it */
    task->joinable = true;
    task->reason = "its members";
    return WHERRY_OK;
}

static bool recurs(const wherry_group *group)
{
    const wherry__step_task *own = group->own;

    return own != NULL && own->steps != NULL && own->steps->recur != NULL;
}

/* --- the beginning */

static int enter_members(wherry_group *group, wherry_steps *const *members)
{
    int result = WHERRY_OK;

    for (; result == WHERRY_OK && members != NULL && *members != NULL; members++)
        result = wherry_spawn_steps(NULL, *members, .group = group);
    return result;
}

static int enter_all(wherry_group *group, const wherry_group_options *options)
{
    wherry__step_task *own = group->own;
    int result = wherry__steps_enter(own);

    own->inside = true; /* it cannot end before all of them are there */
    if (result >= 0 && !group->canceled)
        result = enter_members(group, options->members);
    own->inside = false;
    if (result >= 0 && group->canceled)
        result = group->failed
                     ? group->member.result
                     : wherry__fail(WHERRY_E_CANCELED, "the group was canceled meanwhile");
    return result < 0 ? result : WHERRY_OK;
}

int wherry__group_enter(wherry_group *group, const wherry_group_options *options)
{
    wherry__step_task *own = group->own;
    int result;

    wherry__list_append(&group->loop->tasks, &own->task.link);
    group->loop->task_count++;
    result = enter_all(group, options);
    if (result < 0) {
        group->failed = group->failed || !group->canceled;
        if (group->member.result == WHERRY_OK)
            group->member.result = result;
        wherry_group_cancel(group);
        wherry__group_unwind(group); /* one that was canceled meanwhile could not end then */
        return result;
    }
    group->entered = true;
    group->turn.alone = recurs(group) || (group->count == 0 && !group->always);
    if (group->turn.alone)
        wherry__turn_join(&group->turn);
    return WHERRY_OK;
}

/* --- turns */

/* What came for the next pass while the group had its turn. */
static void plan(wherry_group *group)
{
    wherry__turn *turn = &group->turn;

    turn->running = false;
    turn->alone = recurs(group);
    if (turn->tock > 0 || turn->alone)
        wherry__turn_plan(turn);
    if (turn->tock == 0)
        wherry__schedule_go_on(&group->schedule);
    if (!turn->alone && group->schedule.count == 0)
        wherry__turn_leave(turn);
}

/* Without its own steps the group cannot go on, whatever else it survives. */
static void recur(wherry_group *group)
{
    const int result = wherry__steps_recur(group->own);

    if (result >= 0 || (group->canceled && result == WHERRY_E_CANCELED))
        return;
    WHERRY__PROBE("group.recur.failed");
    group->keep_going = false;
    group->failed = true;
    wherry__group_fail(group, result);
}

void wherry__group_run_turn(wherry__turn *turn)
{
    wherry_group *group = WHERRY__OWNER(turn, wherry_group, turn);

    wherry__group_pin(group);
    if (group->own != NULL)
        recur(group);
    if (!group->canceled)
        (void)wherry__schedule_run(&group->schedule);
    if (group->canceled)
        wherry__group_unwind(group);
    else if (group->is_task && group->count == 0)
        wherry__group_settle(group);
    if (!group->canceled && !group->ended)
        plan(group);
    wherry__group_unpin(group);
}

/* --- the end */

static wherry__ending ending_of(const wherry_group *group)
{
    if (group->failed)
        return WHERRY__ENDING_FAILED;
    return group->canceled ? WHERRY__ENDING_STOPPED : WHERRY__ENDING_DONE;
}

/* A failure that ended the group is known around it already; one of its last steps is not. */
int wherry__group_end_own(wherry_group *group)
{
    wherry__step_task *own = group->own;
    wherry_task *task = &own->task;
    int failure = 0;

    own->ending = ending_of(group);
    task->member.result = own->ending == WHERRY__ENDING_FAILED ? group->member.result : WHERRY_OK;
    wherry__steps_finish(own);
    if (!group->failed && !(group->canceled && task->member.result == WHERRY_E_CANCELED))
        failure = task->member.result < 0 ? task->member.result : 0;
    if (group->member.result == WHERRY_OK)
        group->member.result = failure;
    group->own = NULL;
    task->member.group = NULL;
    wherry__task_end(task, 0);
    return failure;
}
