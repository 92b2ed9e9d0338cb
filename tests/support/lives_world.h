/* What the parts of the random lives share: the lives, what the model knows of each, and which part
 * tells what of it. */
#ifndef TESTS_SUPPORT_LIVES_WORLD_H
#define TESTS_SUPPORT_LIVES_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <wherry.h>

#include "support/failing_memory.h"
#include "support/lives.h"

#define TOCK 10
#define LIVES 600

typedef enum life_kind {
    KIND_STEPS, /* with turns */
    KIND_HOLD,  /* without */
    KIND_BODY,  /* of steps, with a body */
    KIND_PLAIN, /* a coroutine */
    KIND_OWN,   /* a group that is a task */
    KIND_BARE,  /* one that is none */
} life_kind;

typedef enum life_phase {
    PHASE_NEW,
    PHASE_IN,
    PHASE_ENDING, /* clean, close or abort was called */
    PHASE_OUT,
} life_phase;

typedef enum life_call {
    CALL_ENTER,
    CALL_RECUR,
    CALL_BODY,
    CALL_CLEAN,
    CALL_CLOSE,
    CALL_ABORT,
    CALL_EXIT
} life_call;

typedef struct lives lives;
typedef struct life life;

struct life {
    wherry_steps steps;
    lives *all;
    life *around; /* NULL: it is in no group */
    wherry_task *task;
    wherry_group *group; /* until it is freed */
    life_kind kind;
    life_phase phase;
    bool canceled, on_its_own, failed, keep_going, always, making;
    bool gave_up;     /* its enter has failed */
    bool initial;     /* one of the members that its group is made with */
    bool returned;    /* its body */
    bool waits;       /* a coroutine that frees a group */
    bool lingers;     /* empty, but not because a member ended */
    life *first;      /* of the members: ends before all others */
    int last;         /* what its last step returned */
    life_call ending; /* the call that began its end */
    bool failing;     /* a failure of its last steps */
    int number;
    /* Time: as turns are told in steps.h and task.h. */
    bool joined, alone, armed, due, running, loose, vague;
    bool by_itself; /* due, and not only for one in it */
    uint64_t round, had;
    int64_t tock, grid, next, limit;
};

struct lives {
    life each[LIVES];
    int count;
    uint64_t random, seed, world;
    wherry_system system;
    failing_memory memory;
    wherry_loop *loop;
    lives_totals *totals;
    uint64_t round, trail;
    int64_t now; /* of the pass under way */
    int chances; /* of failing: one in so many */
    int depth;
    bool preparing, outside, ending, steps_only;
    const life *in_turn;
    const life *latest; /* to have a turn in this pass */
};

/* Tells the seed and aborts unless condition holds. */
#define CHECK(who, condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            lives_say_wrong((who)->all, who, __FILE__, __LINE__, #condition);                      \
    } while (0)
_Noreturn void lives_say_wrong(const lives *all, const life *who, const char *file, int line,
                               const char *what);

/* A number below count. */
int lives_draw(lives *all, int count);

int64_t lives_now(const lives *all);

/* Adds a call to what lives_run returns. */
void life_leave_trail(const life *self, life_call what);

/* --- turns: lives_turns.c */

/* Whether it has turns of its own; groups may have them for their members only. */
bool life_recurs(const life *self);

/* It has turns from now on; and none any more. */
void life_join_now(life *turn);
void life_leave(life *turn);

/* Its next turn is in that round at the latest, whatever is in it. */
void life_set_due(life *turn, uint64_t round);

/* A turn is over: sets when the next one comes. */
void life_plan(life *turn);

/* A group is touched of which nobody may know whether it has had its turn: then its grid is lost.
 */
void life_lose_grid(life *group);

void life_set_tock(life *self, int64_t tock);

/* It has a turn now: checks that it may. */
void life_have_turn(life *self);

/* At the begin of a pass and at its end. */
void lives_deadlines_come(lives *all);
void lives_none_was_missed(lives *all);

/* --- ends: lives_ends.c */

bool life_is_group(const life *self);

/* Whether it is there. A group that is no task is until it was stopped and is empty. */
bool life_is_live(const life *self);

/* Whether nobody is in a group. */
bool life_is_empty(const life *group);

/* Whether it is the group, or in it, however deep. */
bool life_is_inside(const life *self, const life *group);

/* It is stopped, with all that is in it. */
void life_mark_canceled(life *self);

/* One in a group has failed. */
void life_mark_failed(life *group);

/* Clean, close or abort is called: checks that it may be, and that it is the right one. */
void life_begin_to_end(life *self, life_call how);

/* --- what the library calls: lives_steps.c */

/* Another one, with the steps of its kind; nothing of it has begun. */
life *life_make(lives *all, life *around, life_kind which);

/* The recur of those that have turns of their own. */
int life_recur(wherry_steps *steps, wherry_task *task);

/* The body of one that is a plain coroutine; argument is the life. */
int life_plain(void *argument);

/* --- what lives do: lives_acts.c */

/* Anything, now and then. self: who does it, NULL outside of all. */
void lives_act(lives *all, life *self);

void lives_spawn(lives *all);
void lives_form(lives *all);
void life_cancel(life *self);

#endif
