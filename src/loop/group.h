/* The inside of groups, and of what they have in them. The loop has a group too, its root, in which
 * everything is that is in no other.
 *
 *     root:  task 1 <-> group 2 <-> task 5          oldest first
 *                          |
 *                       task 3 <-> task 4
 *
 * What is stopped together ends from the right to the left, and inside before outside.
 */
#ifndef WHERRY_LOOP_GROUP_H
#define WHERRY_LOOP_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wherry/task.h>

#include "base/list.h"
#include "loop/deadlines.h"
#include "loop/turn.h"

typedef struct wherry__step_task wherry__step_task;

typedef enum wherry__member_kind {
    WHERRY__MEMBER_COROUTINE, /* a plain task */
    WHERRY__MEMBER_STEPS,
    WHERRY__MEMBER_GROUP,
} wherry__member_kind;

/* What can be in a group: a task or a group. */
typedef struct wherry__member {
    wherry__link link;   /* in the group; of a group's own task, which is in none: unused */
    wherry_group *group; /* around it; NULL: it has left */
    int result;          /* of a group: the first failure in it */
    uint8_t kind;
    bool temporary;
} wherry__member;

struct wherry_group {
    wherry__member member;
    wherry_loop *loop;
    wherry__link members;   /* newest last */
    wherry__member *first;  /* ends before all others: a failure in it is why they end; or NULL */
    wherry__link waiters;   /* for the end of all */
    size_t count;           /* of the members */
    wherry__step_task *own; /* the group as a task; NULL: it is none, or that has ended */
    wherry__turn turn;
    wherry__schedule schedule;
    wherry__deadline limit;
    uint32_t pins; /* by those who go on with it after calling what may free it */
    bool is_task;
    bool entered; /* a task that has begun */
    bool keep_going;
    bool always;
    bool canceled;
    bool on_its_own; /* it was canceled itself, not only with what is around it */
    bool failed;     /* that is why it was canceled */
    bool unwinding;  /* somebody is ending its members, and goes on when his callee has returned */
    bool ended;      /* for good */
    bool freed;      /* gives itself back at its end */
};

/* Makes the root of loop. */
void wherry__group_init_root(wherry_loop *loop);

/* Adds member as the newest. */
void wherry__group_add(wherry_group *group, wherry__member *member);

/* Takes member out, which has ended. failure: its negative result, if that counts as one of the
 * group, or 0. It may be the end of the group, and the group be given back. */
void wherry__group_remove(wherry__member *member, int failure);

/* Takes member out, which has never quite been in. */
void wherry__group_drop(wherry__member *member);

/* Notes a failure in the group, and stops what it has to stop. */
void wherry__group_fail(wherry_group *group, int result);

/* Ends what has to end now in a canceled group, newest first, and goes on with what is around it.
 * Called whenever one of them may have become able to. */
void wherry__group_unwind(wherry_group *group);

/* All members have ended: so may the group. */
void wherry__group_settle(wherry_group *group);

/* Whether all that wherry_group_join waits for has ended. */
static inline bool wherry__group_is_over(const wherry_group *group)
{
    return group->is_task && !group->always ? group->ended : group->count == 0;
}

/* Whether wherry_group_run has nothing to wait for. */
static inline bool wherry__group_has_ended(const wherry_group *group)
{
    return group->is_task ? group->ended : group->count == 0;
}

/* The group stays while it is pinned. */
static inline void wherry__group_pin(wherry_group *group)
{
    group->pins++;
}

void wherry__group_unpin(wherry_group *group);

/* --- a group as a task */

/* Makes the task. */
int wherry__group_make_own(wherry_group *group, const wherry_group_options *options);

/* Enters the group's own steps and its members, and begins. A negative result: all that was entered
 * has ended again. */
int wherry__group_enter(wherry_group *group, const wherry_group_options *options);

/* Ends the task; what it says to its group: a failure, or 0. */
int wherry__group_end_own(wherry_group *group);

/* Has a turn of a group, also of one that is no task. */
void wherry__group_run_turn(wherry__turn *turn);

#endif
