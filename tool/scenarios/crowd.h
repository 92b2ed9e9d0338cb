/* Crowd: tasks of steps, coroutines, and groups of both, in a tree that is drawn, with all that
 * must be true of their lives: what is called in which order, when they have their turns, and what
 * ends before what. */
#ifndef TOOL_SCENARIOS_CROWD_H
#define TOOL_SCENARIOS_CROWD_H

#include "stage.h"

#define CROWD_MOST 40

enum crowd_kind {
    CROWD_STEPS,
    CROWD_HOLDER,
    CROWD_BODY,
    CROWD_COROUTINE,
    CROWD_GROUP,
    CROWD_PLAIN
};

struct crowd;

/* One of them, and what was seen of it. */
struct crowd_node {
    wherry_steps steps; /* first: it is these */
    struct crowd *crowd;
    struct crowd_node *parent; /* NULL: the root */
    enum crowd_kind kind;
    unsigned number, depth;
    wherry_group *group; /* of groups */
    wherry_task *task;
    unsigned stop, turns; /* after so many turns it is done; 0: never */
    int64_t span;         /* of a body's or coroutine's sleep; of a group's limit */
    int64_t limit;        /* the instant */
    const void *fails_in; /* the step; NULL: none */
    int failure, result;
    bool is_keeping_going;
    bool entered, ending, ended;
    bool alone; /* it ends by itself, in no order with what is around it */
    bool woken;
    uint64_t pass; /* of the last turn, or of the enter before the first */
    int64_t first, last;
    int64_t due; /* by when the next turn has come, but for what groups and the machine add */
};

struct crowd {
    struct stage *stage;
    struct dice dice;
    struct crowd_node nodes[CROWD_MOST];
    unsigned count;
    const struct crowd_node *turn; /* the last that was had */
    int failure;                   /* the first that the root was told */
    unsigned acts;                 /* from inside, still to come */
};

/* Draws and starts one more in the group of parent (NULL: it is the root). Any result that is not
 * fair (stage_is_fair) is what its enter returned. */
int crowd_add(struct crowd *crowd, struct crowd_node *parent);

/* Stops one of them. */
void crowd_stop(struct crowd_node *node);

/* One of those that live, drawn; NULL: none. */
struct crowd_node *crowd_pick(struct crowd *crowd, bool is_group);

/* --- what must be true; told by what happens */

uint64_t crowd_pass(const struct crowd *crowd);
void crowd_see_turn(struct crowd_node *node);

/* It has a turn to come: after span nanoseconds, or earlier. */
void crowd_expect_turn(struct crowd_node *node, int64_t span);

/* None waits for a turn that should have come. */
void crowd_check_turns(const struct crowd *crowd);
void crowd_see_exit(struct crowd_node *node);
void crowd_see_failure(struct crowd_node *node, int result);

/* Whether it, or what it is in, was stopped or has failed. */
bool crowd_is_stopped(const struct crowd_node *node);

#endif
