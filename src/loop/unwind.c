/* Unwinding: how what is in a group ends together. Coroutines can only be told to end, all at once;
 * what is told in steps ends when all that were started after it have ended, so that it finds what
 * it stands on still there.
 *
 * Whoever ends, tells the group that it was in, which goes on from there: it may be the end of the
 * group, and so on outwards. Steps that are called meanwhile may do all this again.
 */
#include <wherry/error.h>

#include "base/probe.h"
#include "loop/loop.h"
#include "loop/steps.h"
#include "loop/task.h"

/* --- stopping: nothing is called yet */

static void stop(wherry_group *group);
static void settle_plain(wherry_group *group);

static void stop_group(wherry__member *member)
{
    wherry_group *group = WHERRY__OWNER(member, wherry_group, member);

    if (!group->canceled)
        stop(group);
}

static void stop_task(wherry__member *member)
{
    wherry_task *task = WHERRY__OWNER(member, wherry_task, member);

    if (member->kind == WHERRY__MEMBER_STEPS)
        wherry__steps_stop(wherry__steps_of(task));
    else
        wherry_task_cancel(task);
}

static void stop_members(wherry_group *group, bool groups)
{
    wherry__link *link, *previous;

    for (link = group->members.previous; link != &group->members; link = previous) {
        wherry__member *member = WHERRY__OWNER(link, wherry__member, link);

        previous = link->previous;
        if ((member->kind == WHERRY__MEMBER_GROUP) == groups)
            (groups ? stop_group : stop_task)(member);
    }
}

/* An empty group that is no task has nothing that could keep an order: it leaves at once. */
static void stop(wherry_group *group)
{
    const bool was_unwinding = group->unwinding;

    group->canceled = true;
    group->unwinding = true;
    if (group->own != NULL)
        group->own->task.canceled = true;
    wherry__deadline_disarm(&group->loop->deadlines, &group->limit);
    stop_members(group, true);
    stop_members(group, false);
    if (group->member.group != NULL)
        wherry__turn_leave(&group->turn);
    group->unwinding = was_unwinding;
    if (!group->is_task && group->count == 0)
        settle_plain(group);
}

/* --- ending */

/* Who ends next: the newest, unless the failure of another is why they end. */
static wherry__member *next_of(const wherry_group *group)
{
    if (group->first != NULL)
        return group->first;
    return wherry__list_empty(&group->members)
               ? NULL
               : WHERRY__OWNER(group->members.previous, wherry__member, link);
}

/* Whether all that it was stopped with, and that is newer, has ended. */
static bool is_next(const wherry_group *group)
{
    const wherry_group *around = group->member.group;

    for (; !group->on_its_own && around != NULL && around->canceled; around = group->member.group) {
        if (next_of(around) != &group->member)
            return false;
        group = around;
    }
    return true;
}

static void unwind(wherry_group *group);

static void end_member(wherry__member *member)
{
    if (member->kind == WHERRY__MEMBER_GROUP)
        unwind(WHERRY__OWNER(member, wherry_group, member));
    else if (member->kind == WHERRY__MEMBER_STEPS)
        wherry__steps_end_in_order(wherry__steps_of(WHERRY__OWNER(member, wherry_task, member)));
}

/* A member that cannot end now comes back to here when it does. What is around the group may be
 * stopped meanwhile, too: then it waits for its order there. */
static void unwind(wherry_group *group)
{
    wherry__member *member = NULL;

    if (group->unwinding)
        return;
    wherry__group_pin(group);
    group->unwinding = true;
    while (is_next(group) && (member = next_of(group)) != NULL) {
        end_member(member);
        WHERRY__PROBE_IF(next_of(group) == member, "group.unwind.waits");
        if (next_of(group) == member)
            break;
    }
    group->unwinding = false;
    if (!is_next(group))
        wherry__group_unwind(group);
    else if (member == NULL)
        wherry__group_settle(group);
    wherry__group_unpin(group);
}

/* Where the order begins: at the outermost group that was stopped with this one. */
void wherry__group_unwind(wherry_group *group)
{
    while (!group->on_its_own && group->member.group != NULL && group->member.group->canceled)
        group = group->member.group;
    unwind(group);
}

/* One that was stopped with what is around it, and waits for its order there, ends now: who says so
 * may be what it waits for. */
void wherry_group_cancel(wherry_group *group)
{
    if (group->ended || group->on_its_own)
        return;
    WHERRY__PROBE_IF(group->canceled, "group.canceled-again");
    wherry__group_pin(group);
    group->on_its_own = true;
    if (!group->canceled)
        stop(group);
    unwind(group);
    wherry__group_unpin(group);
}

/* --- the end of a group */

static void leave(wherry_group *group, int failure)
{
    group->ended = true;
    wherry__deadline_disarm(&group->loop->deadlines, &group->limit);
    if (group->member.group != NULL) {
        wherry__turn_leave(&group->turn);
        if (group->is_task && !group->entered)
            wherry__group_drop(&group->member);
        else
            wherry__group_remove(&group->member, failure);
    }
    WHERRY__PROBE_IF(group->freed, "group.ended-after-its-free");
}

/* A canceled group stays empty, so it is over for its parent too, whether its owner has freed it or
 * not. */
static void settle_plain(wherry_group *group)
{
    wherry__wait_tell_all(&group->waiters, group->member.result);
    if (group->canceled)
        leave(group, 0);
}

static void settle_task(wherry_group *group)
{
    int failure;

    if (group->own == NULL || group->own->inside)
        return;
    if (!group->canceled && group->always) {
        wherry__wait_tell_all(&group->waiters, group->member.result);
        return;
    }
    group->ended = true; /* its own last steps cannot start anything in it */
    failure = wherry__group_end_own(group);
    wherry__wait_tell_all(&group->waiters, group->member.result);
    leave(group, failure);
}

void wherry__group_settle(wherry_group *group)
{
    if (group->ended || group == &group->loop->root)
        return;
    wherry__group_pin(group);
    if (group->is_task)
        settle_task(group);
    else
        settle_plain(group);
    wherry__group_unpin(group);
}

/* --- failures */

/* The outermost group that the failure of a member of this one stops; NULL: none. All around get
 * the result. */
static wherry_group *note_failure(wherry_group *group, int result)
{
    wherry_group *outermost = NULL;

    for (; group != NULL && group != &group->loop->root; group = group->member.group) {
        WHERRY__PROBE_IF(group->member.result != WHERRY_OK, "group.failure.another");
        WHERRY__PROBE_IF(group->keep_going, "group.failure.kept-going");
        if (group->member.result == WHERRY_OK)
            group->member.result = result;
        if (group->keep_going)
            continue;
        group->failed = group->failed || !group->canceled;
        outermost = group;
    }
    return outermost;
}

/* The group whose member failed ends before what is newer around it, and that one likewise. */
static void put_first(wherry_group *group, const wherry_group *outermost)
{
    for (; group != outermost; group = group->member.group) {
        WHERRY__PROBE("group.failure.of-a-member-group");
        if (!group->member.group->canceled)
            group->member.group->first = &group->member;
    }
}

void wherry__group_fail(wherry_group *group, int result)
{
    wherry_group *outermost = note_failure(group, result);

    if (outermost == NULL)
        return;
    wherry__group_pin(outermost);
    put_first(group, outermost);
    if (!outermost->canceled)
        stop(outermost);
    wherry__group_unwind(outermost);
    wherry__group_unpin(outermost);
}

/* --- members come and go */

void wherry__group_add(wherry_group *group, wherry__member *member)
{
    member->group = group;
    wherry__list_append(&group->members, &member->link);
    group->count++;
}

static wherry_group *take_out(wherry__member *member)
{
    wherry_group *group = member->group;

    member->group = NULL;
    wherry__link_remove(&member->link);
    group->count--;
    if (group->first == member)
        group->first = NULL;
    return group;
}

void wherry__group_remove(wherry__member *member, int failure)
{
    wherry_group *group = take_out(member);

    wherry__group_pin(group);
    if (failure < 0)
        wherry__group_fail(group, failure);
    if (group->canceled && (group->is_task || group->count > 0))
        wherry__group_unwind(group);
    else if (group->count == 0)
        wherry__group_settle(group);
    wherry__group_unpin(group);
}

/* A group that is a task looks itself, in its next turn, whether it is still empty. */
void wherry__group_drop(wherry__member *member)
{
    wherry_group *group = take_out(member);

    if (group->canceled && (group->is_task || group->count > 0)) {
        wherry__group_unwind(group);
    } else if (group->count == 0 && (!group->is_task || group->always)) {
        wherry__group_settle(group);
    } else if (group->count == 0) {
        group->turn.alone = true;
        wherry__turn_join(&group->turn);
    }
}
