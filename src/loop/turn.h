/* Turns: when the tasks of steps, and the groups with such in them, do a little of their work.
 *
 *     the loop's schedule:    [ task 1 ]  [ group 2 ]              [ task 5 ]
 *                                              |
 *     the group's schedule:               [ task 3 ]  [ task 4 ]
 *
 * A turn that has come is in the list of its schedule, and so is that of the group around it, out
 * to the loop; only a group with a tock of its own lets those in it wait for its own turn. Once a
 * pass the loop has all that have come, in order of entry, group by group. So a pass costs what is
 * due, however many are not.
 *
 * What comes while turns are had waits for the next pass: each has the number of the round from
 * which on it may be had.
 *
 * One that is stopped before its turn takes that of the group around it back, unless this has come
 * by itself or for another: what has a turn must not depend on which of two deadlines of one
 * instant expires first.
 */
#ifndef WHERRY_LOOP_TURN_H
#define WHERRY_LOOP_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wherry/loop.h>

#include "base/list.h"
#include "loop/deadlines.h"

typedef struct wherry__turn wherry__turn;
typedef struct wherry__schedule wherry__schedule;

struct wherry__schedule {
    wherry_loop *loop;
    wherry__turn *turn;   /* of the group whose schedule it is; NULL: it is the loop's */
    size_t count;         /* of the turns that take part */
    wherry__link due;     /* in order of entry, unless unsorted */
    wherry__link running; /* those of this round that are still to be had */
    bool unsorted;
};

struct wherry__turn {
    wherry__deadline deadline;
    wherry__link link; /* due, or running */
    wherry__schedule *schedule;
    uint64_t number; /* the order of entry */
    uint64_t round;  /* from which on it may be had */
    int64_t tock;    /* 0: that of the group around, or the loop's */
    int64_t grid;    /* an instant of its grid; negative: that begins with the next turn */
    bool joined;     /* it takes part */
    bool running;    /* it is being had, and the next not planned yet */
    bool alone;      /* of a group: it takes part even if nothing in the group does */
    bool by_itself;  /* it has come, and not only, if it is of a group, for one in that */
    void (*run)(wherry__turn *self);
};

void wherry__schedule_init(wherry__schedule *schedule, wherry_loop *loop, wherry__turn *turn);

/* Has the turns that have come. Returns how many. */
size_t wherry__schedule_run(wherry__schedule *schedule);

/* After a turn of its group, one without a tock: that has another for what has come meanwhile. */
void wherry__schedule_go_on(wherry__schedule *schedule);

void wherry__turn_init(wherry__turn *turn, wherry__schedule *schedule, int64_t tock,
                       void (*run)(wherry__turn *self));

/* Takes part from now on, with a first turn in the pass that follows. */
void wherry__turn_join(wherry__turn *turn);

/* Takes no part any more. */
void wherry__turn_leave(wherry__turn *turn);

/* Its turn has come, in this pass unless that has had its turns. */
void wherry__turn_wake(wherry__turn *turn);

/* After a turn: when the next one comes. */
void wherry__turn_plan(wherry__turn *turn);

void wherry__turn_set_tock(wherry__turn *turn, int64_t tock);

#endif
