/* The model is about orders and instants only; it asks the library nothing but the time. */
#include "support/lives.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/failing_memory.h"

#define TOCK 10
#define LIVES 600
#define CROWD 40 /* at once, about */
#define DEPTH 5  /* operations inside of operations */

typedef enum kind {
    KIND_STEPS, /* with turns */
    KIND_HOLD,  /* without */
    KIND_BODY,  /* of steps, with a body */
    KIND_PLAIN, /* a coroutine */
    KIND_OWN,   /* a group that is a task */
    KIND_BARE,  /* one that is none */
} kind;

typedef enum phase {
    PHASE_NEW,
    PHASE_IN,
    PHASE_ENDING, /* clean, close or abort was called */
    PHASE_OUT,
} phase;

typedef enum call {
    CALL_ENTER,
    CALL_RECUR,
    CALL_BODY,
    CALL_CLEAN,
    CALL_CLOSE,
    CALL_ABORT,
    CALL_EXIT
} call;

typedef struct lives lives;
typedef struct life life;

struct life {
    wherry_steps steps;
    lives *all;
    life *around; /* NULL: it is in no group */
    wherry_task *task;
    wherry_group *group; /* until it is freed */
    kind kind;
    phase phase;
    bool canceled, on_its_own, failed, keep_going, always, making;
    bool gave_up;  /* its enter has failed */
    bool initial;  /* one of the members that its group is made with */
    bool returned; /* its body */
    bool waits;    /* a coroutine that frees a group */
    bool lingers;  /* empty, but not because a member ended */
    life *first;   /* of the members: ends before all others */
    int last;      /* what its last step returned */
    call ending;   /* the call that began its end */
    bool failing;  /* a failure of its last steps */
    int number;
    /* Time: as turns are told in steps.h and task.h. */
    bool joined, alone, armed, due, running, loose, vague;
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

/* --- chance, and what is wrong */

static void say_wrong(const lives *all, const life *who, int line, const char *what)
{
    (void)fprintf(stderr, "%s:%d: seed %llu, world %llu, round %llu: life %d: %s\n", __FILE__, line,
                  (unsigned long long)all->seed, (unsigned long long)all->world,
                  (unsigned long long)all->round, who == NULL ? -1 : who->number, what);
    abort();
}

#define CHECK(who, condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            say_wrong((who)->all, who, __LINE__, #condition);                                      \
    } while (0)

static uint32_t next_of(uint64_t *random, uint32_t count)
{
    uint64_t z = *random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % count);
}

static int draw(lives *all, int count)
{
    return (int)next_of(&all->random, (uint32_t)count);
}

static uint32_t choose(wherry_system *system, int purpose, uint32_t count)
{
    lives *all = (lives *)((char *)system - offsetof(lives, system));

    (void)purpose;
    return next_of(&all->world, count);
}

static int64_t now_of(const lives *all)
{
    return all->outside || all->preparing ? wherry_loop_now(all->loop) : all->now;
}

static void leave_trail(const life *self, call what)
{
    lives *all = self->all;
    const uint64_t step = (uint64_t)self->number * 8 + (uint64_t)what;

    all->trail = (all->trail ^ step ^ ((uint64_t)now_of(all) << 20)) * UINT64_C(0x100000001b3);
}

/* --- who is there */

static bool is_group(const life *self)
{
    return self->kind == KIND_OWN || self->kind == KIND_BARE;
}

static bool is_live(const life *self);

static bool is_empty(const life *group)
{
    const lives *all = group->all;

    for (int i = group->number + 1; i < all->count; i++)
        if (all->each[i].around == group && is_live(&all->each[i]))
            return false;
    return true;
}

static bool is_live(const life *self)
{
    if (self->phase == PHASE_NEW || self->phase == PHASE_OUT)
        return false;
    if (self->kind == KIND_PLAIN)
        return !wherry_task_ended(self->task);
    return self->kind != KIND_BARE || !self->canceled || !is_empty(self);
}

static int count_in(const life *group)
{
    int count = 0;

    for (int i = group->number + 1; i < group->all->count; i++)
        if (group->all->each[i].around == group)
            count += is_live(&group->all->each[i]);
    return count;
}

static bool is_inside(const life *self, const life *group)
{
    while (self != NULL && self != group)
        self = self->around;
    return self != NULL;
}

/* --- turns */

static bool recurs(const life *self)
{
    return self->steps.recur != NULL;
}

static void set_due(life *turn, uint64_t round)
{
    if (!turn->due || round < turn->round)
        turn->round = round;
    turn->due = true;
    if (turn->around == NULL || turn->around->tock > 0)
        return;
    if (turn->vague)
        turn->around->loose = turn->around->vague = true;
    set_due(turn->around, round);
}

static uint64_t first_round(const lives *all)
{
    return all->round + (all->preparing ? 2 : 1);
}

static void arm(life *turn, int64_t next)
{
    turn->armed = true;
    turn->next = next;
}

static void arm_on_grid(life *turn)
{
    const int64_t now = now_of(turn->all);

    arm(turn, now + turn->tock - (now - turn->grid) % turn->tock);
}

static void join(life *turn)
{
    if (turn->joined)
        return;
    turn->joined = true;
    if (turn->around != NULL)
        join(turn->around);
    if (turn->tock > 0 && turn->grid >= 0)
        arm_on_grid(turn);
    else if (turn->tock > 0)
        set_due(turn, first_round(turn->all));
}

static void join_now(life *turn)
{
    join(turn);
    if (turn->tock == 0 || turn->grid < 0)
        set_due(turn, first_round(turn->all));
}

static bool has_turns_in_it(const life *group)
{
    for (int i = group->number + 1; i < group->all->count; i++)
        if (group->all->each[i].around == group && group->all->each[i].joined)
            return true;
    return false;
}

/* Whether a group has had a turn in this pass nobody can tell who has none in it to see it. */
static void lose_grid(life *group)
{
    if (!is_group(group) || recurs(group) || group->all->outside || !group->due ||
        group->round > group->all->round || group->tock == 0 || group->vague)
        return;
    group->vague = true;
    group->all->totals->vague++;
}

static void leave(life *turn)
{
    if (!turn->joined)
        return;
    lose_grid(turn);
    turn->joined = turn->armed = turn->due = false;
    if (turn->around != NULL && !turn->around->alone && !has_turns_in_it(turn->around))
        leave(turn->around);
}

static bool has_tock_around(const life *turn)
{
    const life *around = turn->around;

    while (around != NULL && around->tock == 0)
        around = around->around;
    return around != NULL;
}

static void plan(life *turn)
{
    turn->running = false;
    if (!turn->joined)
        return;
    if (turn->tock > 0) {
        arm_on_grid(turn);
    } else if (has_tock_around(turn)) {
        set_due(turn, turn->all->round + 1);
    } else {
        arm(turn, now_of(turn->all) + TOCK);
    }
}

/* Nobody knows when a group that has lost its grid has turns, nor what is in it. */
static bool is_vague(const life *self)
{
    while (self != NULL && !self->vague)
        self = self->around;
    return self != NULL;
}

static void begin_group_turn(life *group)
{
    if (group == NULL || group->had == group->all->round)
        return;
    begin_group_turn(group->around);
    if (group->tock > 0 && !is_vague(group))
        CHECK(group, group->joined && group->due && group->round <= group->all->round);
    CHECK(group, !group->running);
    group->had = group->all->round;
    group->running = true;
    group->grid = group->grid < 0 ? now_of(group->all) : group->grid;
    group->loose = group->due = group->armed = false;
}

static bool may_have_turn(const life *self)
{
    const uint64_t round = self->all->round;

    if (self->had == round || is_vague(self))
        return false;
    for (; self != NULL && self->had != round; self = self->around)
        if (self->loose || !self->due || self->round > round)
            return false;
    return true;
}

/* Groups that nobody is in to see it. */
static void have_unseen_turns(life *group);

/* A group's turn is over when somebody else has one, or the pass is over. */
static void end_group_turn(life *group)
{
    bool came = false;

    have_unseen_turns(group);
    group->running = false;
    if (!group->joined)
        return;
    group->alone = recurs(group);
    if (group->tock > 0 || group->alone)
        plan(group);
    for (int i = group->number + 1; i < group->all->count; i++)
        if (group->all->each[i].around == group && group->all->each[i].due) {
            came |= !group->all->each[i].vague;
            group->loose |= group->all->each[i].vague;
        }
    if (group->tock == 0 && came)
        set_due(group, group->all->round + 1);
    if (!group->alone && !has_turns_in_it(group))
        leave(group);
}

static void have_unseen_turns(life *group)
{
    for (int i = group->number + 1; i < group->all->count; i++) {
        life *self = &group->all->each[i];

        if (self->around != group || !is_group(self) || recurs(self) || !self->joined ||
            !may_have_turn(self))
            continue;
        begin_group_turn(self);
        end_group_turn(self);
    }
}

static void end_turns_but_around(lives *all, const life *who)
{
    for (int i = all->count - 1; i >= 0; i--)
        if (is_group(&all->each[i]) && all->each[i].running &&
            (who == NULL || !is_inside(who, &all->each[i])))
            end_group_turn(&all->each[i]);
}

/* Which is to come first: groups before what is in them, and else the older. */
static int depth_of(const life *self)
{
    int depth = 0;

    while ((self = self->around) != NULL)
        depth++;
    return depth;
}

static const life *up(const life *self, int levels)
{
    while (levels-- > 0)
        self = self->around;
    return self;
}

static bool comes_before(const life *one, const life *other)
{
    const int left = depth_of(one), right = depth_of(other);
    const life *a = up(one, left > right ? left - right : 0);
    const life *b = up(other, right > left ? right - left : 0);

    if (a == b)
        return left < right;
    while (a->around != b->around) {
        a = a->around;
        b = b->around;
    }
    return a->number < b->number;
}

static void has_turn(life *self)
{
    lives *all = self->all;

    CHECK(self, self->phase == PHASE_IN && !self->canceled && !all->preparing && !all->outside);
    CHECK(self, self->had < all->round);
    CHECK(self, all->latest == NULL || comes_before(all->latest, self));
    end_turns_but_around(all, self);
    all->latest = self;
    all->totals->turns++;
    if (self->kind == KIND_OWN) {
        begin_group_turn(self);
        return;
    }
    begin_group_turn(self->around);
    CHECK(self, self->joined && self->due && self->round <= all->round);
    self->had = all->round;
    self->running = true;
    self->grid = self->grid < 0 ? now_of(all) : self->grid;
    self->due = self->armed = false;
}

static void deadlines_come(lives *all)
{
    for (int i = 0; i < all->count; i++) {
        life *self = &all->each[i];

        if (!self->armed || self->next > now_of(all))
            continue;
        self->armed = false;
        set_due(self, all->round + 1);
    }
}

/* What is in a group may bring its own turn on, and of some of that nobody knows. */
static bool is_sure(const life *group)
{
    const lives *all = group->all;

    for (int i = group->number + 1; i < all->count; i++)
        if (all->each[i].vague && is_inside(&all->each[i], group))
            return false;
    return true;
}

/* Groups with nobody to see it have had theirs; all others were seen. */
static void none_was_missed(lives *all)
{
    end_turns_but_around(all, NULL);
    for (int i = 0; i < all->count; i++) {
        life *self = &all->each[i];

        if (!self->joined || !may_have_turn(self))
            continue;
        CHECK(self, is_group(self) && (!recurs(self) || !is_sure(self)));
        begin_group_turn(self);
        end_group_turn(self);
        CHECK(self, !may_have_turn(self));
    }
}

static void set_tock(life *self, int64_t tock)
{
    if (is_group(self) && self->tock > 0 && tock == 0) {
        self->loose = true;
        self->vague |= !recurs(self);
    }
    self->tock = tock;
    self->grid = self->running ? now_of(self->all) : -1;
    if (self->joined && !self->running && !self->armed)
        set_due(self, self->all->round + 1);
}

/* --- ends */

static void mark_canceled(life *self)
{
    lives *all = self->all;

    if (self->canceled)
        return;
    self->canceled = true;
    self->limit = 0;
    for (int i = self->number + 1; is_group(self) && i < all->count; i++)
        if (all->each[i].around == self && is_live(&all->each[i]))
            mark_canceled(&all->each[i]);
    leave(self);
}

static void mark_failed(life *group)
{
    life *outermost = NULL, *start = group;

    for (life *around = group; around != NULL; around = around->around) {
        if (around->keep_going)
            continue;
        around->failed = around->failed || !around->canceled;
        outermost = around;
    }
    if (outermost == NULL)
        return;
    for (; start != outermost; start = start->around)
        if (!start->around->canceled)
            start->around->first = start;
    mark_canceled(outermost);
}

/* All that was started after it where all is stopped has ended; and so on outwards. */
static void ends_in_order(const life *self)
{
    const lives *all = self->all;

    for (const life *group = self->around; group != NULL && group->canceled;
         self = group, group = group->around) {
        if (is_group(self) && (self->on_its_own || self->making))
            return;
        if (group->first != NULL && is_live(group->first)) {
            CHECK(self, group->first == self);
            continue;
        }
        for (int i = self->number + 1; i < all->count; i++)
            if (all->each[i].around == group) {
                CHECK(self, !is_live(&all->each[i]));
                all->totals->checked++;
            }
    }
}

static call ending_of(const life *self)
{
    if (self->gave_up || self->failed)
        return CALL_ABORT;
    if (self->kind == KIND_OWN)
        return self->canceled ? CALL_CLOSE : CALL_CLEAN;
    if (self->last > 0 || self->returned)
        return CALL_CLEAN;
    return CALL_CLOSE;
}

static void begins_to_end(life *self, call how)
{
    CHECK(self, self->phase == PHASE_IN);
    CHECK(self, how == ending_of(self));
    CHECK(self, how != CALL_CLOSE || self->canceled);
    CHECK(self, !is_group(self) || is_empty(self));
    if (!self->gave_up)
        ends_in_order(self);
    leave(self);
    self->phase = PHASE_ENDING;
    self->ending = how;
    self->limit = 0;
    leave_trail(self, how);
}

static void act(lives *all, life *self);

static int result_of(lives *all, int chances)
{
    return draw(all, chances) == 0 ? WHERRY_E_FULL : WHERRY_OK;
}

static int clean(wherry_steps *steps, wherry_task *task)
{
    life *self = (life *)steps;

    (void)task;
    begins_to_end(self, CALL_CLEAN);
    self->all->totals->done++;
    act(self->all, self);
    self->last = result_of(self->all, self->all->chances / 4 + 1);
    if (self->last < 0)
        self->phase = PHASE_IN; /* abort follows */
    if (self->last < 0)
        self->gave_up = self->failing = true;
    return self->last;
}

static void close_it(wherry_steps *steps, wherry_task *task)
{
    life *self = (life *)steps;

    (void)task;
    begins_to_end(self, CALL_CLOSE);
    self->all->totals->stopped++;
    act(self->all, self);
}

static void abort_it(wherry_steps *steps, wherry_task *task, int reason)
{
    life *self = (life *)steps;

    (void)task;
    CHECK(self, reason < 0);
    begins_to_end(self, CALL_ABORT);
    self->all->totals->failed++;
    act(self->all, self);
}

/* One that failed says so behind its exit, which is now. */
static void tell_failure(life *self)
{
    life *group = self->around;

    if (group == NULL)
        return;
    if (self->initial && self->gave_up && !self->failing) {
        group->failed = group->failed || !group->canceled;
        group->on_its_own = true;
        mark_canceled(group);
    } else if (self->kind == KIND_OWN ? self->failing && !self->failed : self->failing) {
        mark_failed(group);
    } else if ((self->gave_up || self->making) && group->kind == KIND_OWN && is_empty(group)) {
        group->lingers = true;
        if (!group->canceled && !group->joined && !group->always) {
            group->alone = true;
            join_now(group);
        }
    }
}

static int exit_it(wherry_steps *steps, wherry_task *task)
{
    life *self = (life *)steps;
    int result;

    CHECK(self, self->phase == PHASE_ENDING);
    CHECK(self, wherry_task_done(task) == (self->ending == CALL_CLEAN));
    CHECK(self, !wherry_task_ended(task));
    leave_trail(self, CALL_EXIT);
    act(self->all, self);
    result = result_of(self->all, self->all->chances / 4 + 1);
    if (result < 0 && self->ending == CALL_CLEAN)
        self->failing = true;
    CHECK(self, self->phase == PHASE_ENDING);
    self->phase = PHASE_OUT;
    self->all->totals->ended++;
    tell_failure(self);
    return result;
}

/* --- life */

/* Its enter is about to return. */
static void has_begun(life *self)
{
    if (self->around != NULL && !is_group(self))
        self->around->lingers = false;
    if (self->kind == KIND_STEPS && !self->canceled)
        join_now(self);
}

static int enter(wherry_steps *steps, wherry_task *task)
{
    life *self = (life *)steps;
    int result;

    CHECK(self, self->phase == PHASE_NEW);
    self->phase = PHASE_IN;
    self->task = task;
    self->all->totals->begun++;
    leave_trail(self, CALL_ENTER);
    act(self->all, self);
    result = result_of(self->all, self->all->chances);
    self->gave_up = result < 0;
    if (result < 0 && is_group(self)) {
        self->failed = !self->canceled;
        self->gave_up = false;
        mark_canceled(self);
        self->on_its_own = true;
    }
    if (result == WHERRY_OK)
        has_begun(self);
    return result;
}

static int recur(wherry_steps *steps, wherry_task *task)
{
    life *self = (life *)steps;
    lives *all = self->all;

    (void)task;
    leave_trail(self, CALL_RECUR);
    has_turn(self);
    self->steps.tock = 0; /* it is only looked at in the beginning */
    all->in_turn = self;
    act(all, self);
    all->in_turn = NULL;
    self->last = result_of(all, all->chances);
    if (self->last == WHERRY_OK && draw(all, 30) == 0)
        self->last = draw(all, 4) == 0 ? WHERRY_E_CANCELED : 1 + draw(all, 3);
    if (self->kind == KIND_OWN) {
        if (self->last < 0 && !(self->canceled && self->last == WHERRY_E_CANCELED)) {
            self->keep_going = false;
            mark_failed(self);
            self->failed = true;
        }
        return self->last;
    }
    if (self->last < 0 && !(self->canceled && self->last == WHERRY_E_CANCELED))
        self->failed = self->failing = true;
    if (self->last != 0 && !(self->last < 0 && !self->failed))
        leave(self);
    plan(self);
    return self->last;
}

static int live(life *self)
{
    lives *all = self->all;
    int result = WHERRY_OK;

    leave_trail(self, CALL_BODY);
    for (int left = draw(all, 6); left >= 0 && result == WHERRY_OK; left--) {
        if (draw(all, 2) == 0)
            act(all, self);
        result = draw(all, 4) == 0 ? wherry_yield() : wherry_sleep(wherry_in(draw(all, 5 * TOCK)));
        CHECK(self, (result == WHERRY_E_CANCELED) == self->canceled);
    }
    act(all, self);
    if (draw(all, all->chances) == 0)
        result = WHERRY_E_FULL;
    self->last = result;
    self->failing = result < 0 && !(self->canceled && result == WHERRY_E_CANCELED);
    self->returned = !self->canceled && result >= 0;
    return result;
}

static int body(wherry_steps *steps, wherry_task *task)
{
    life *self = (life *)steps;
    int result;

    (void)task;
    CHECK(self, self->phase == PHASE_IN);
    result = live(self);
    self->failed = self->failing;
    return result;
}

static int plain(void *argument)
{
    life *self = argument;
    const int result = live(self);

    self->phase = PHASE_OUT;
    if (self->failing && self->around != NULL)
        mark_failed(self->around);
    return result;
}

/* --- operations */

static life *make(lives *all, life *around, kind which)
{
    life *self = &all->each[all->count];

    self->number = all->count++;
    self->all = all;
    self->around = around;
    self->kind = which;
    self->grid = -1;
    self->steps = (wherry_steps){
        .enter = enter, .clean = clean, .close = close_it, .abort = abort_it, .exit = exit_it
    };
    if (which == KIND_STEPS)
        self->steps.recur = recur;
    if (which == KIND_BODY)
        self->steps.body = body;
    if (which == KIND_STEPS && draw(all, 2) == 0)
        self->steps.tock = self->tock = 1 + draw(all, 6 * TOCK);
    return self;
}

static life *any_live(lives *all)
{
    for (int tries = 0; tries < 30 && all->count > 0; tries++) {
        life *one = &all->each[draw(all, all->count)];

        if (is_live(one))
            return one;
    }
    return NULL;
}

/* One that has a handle, live or not; NULL: none. */
static life *any_group(lives *all)
{
    for (int tries = 0; tries < 30 && all->count > 0; tries++) {
        life *one = &all->each[draw(all, all->count)];

        if (is_group(one) && one->group != NULL)
            return one;
    }
    return NULL;
}

static bool takes_members(const life *group)
{
    return group == NULL || (is_live(group) && !group->canceled && group->phase == PHASE_IN);
}

static void spawn(lives *all)
{
    life *around = draw(all, 4) == 0 ? NULL : any_group(all);
    wherry_group *group = around == NULL ? NULL : around->group;
    life *self = make(all, around, (kind)draw(all, all->steps_only ? 2 : 4));
    const bool may = takes_members(around);
    int result;

    if (self->kind == KIND_PLAIN) {
        result = wherry_spawn(&self->task, plain, self, .loop = all->loop, .group = group);
        if (result == WHERRY_OK)
            self->phase = PHASE_IN;
        if (result == WHERRY_OK && around != NULL)
            around->lingers = false;
    } else {
        result = wherry_spawn_steps(NULL, &self->steps, .loop = all->loop, .group = group);
    }
    CHECK(self, may == (self->phase != PHASE_NEW));
    CHECK(self, result == (!may                              ? WHERRY_E_CANCELED
                           : self->gave_up && !self->failing ? WHERRY_E_FULL
                                                             : WHERRY_OK));
}

static int64_t limit_of(const lives *all, int64_t limit)
{
    const int64_t slot = (now_of(all) + limit + TOCK - 1) / TOCK;

    for (int i = 0; i < all->count; i++)
        if (all->each[i].limit > 0 && (all->each[i].limit + TOCK - 1) / TOCK == slot)
            return 0;
    return limit;
}

static void begin_group(life *self)
{
    self->making = false;
    if (self->kind == KIND_BARE || self->canceled || self->phase != PHASE_IN)
        return;
    self->alone = recurs(self) || (is_empty(self) && !self->always);
    self->lingers = is_empty(self);
    if (self->alone)
        join_now(self);
    if (self->around != NULL)
        self->around->lingers = false;
}

static void form(lives *all)
{
    life *around = draw(all, 3) == 0 ? NULL : any_group(all);
    life *self = make(all, around, draw(all, 3) == 0 ? KIND_BARE : KIND_OWN);
    const bool is_own = self->kind == KIND_OWN, may = takes_members(around);
    wherry_steps *members[3] = { NULL, NULL, NULL };
    int64_t limit = draw(all, 3) == 0 ? limit_of(all, TOCK * (1 + draw(all, 30))) : 0;
    int result;

    if (is_own && draw(all, 2) == 0)
        self->steps.recur = recur;
    self->tock = draw(all, 2) == 0 ? 0 : 1 + draw(all, 5 * TOCK);
    self->keep_going = draw(all, 3) == 0;
    self->always = is_own && draw(all, 3) == 0;
    self->making = true;
    self->limit = limit > 0 && may ? now_of(all) + limit : 0;
    for (int i = is_own ? draw(all, 3) : 0; i > 0; i--) {
        life *member = make(all, self, (kind)draw(all, all->steps_only ? 2 : 3));

        member->initial = true;
        member->phase = PHASE_NEW;
        members[0] == NULL ? (members[0] = &member->steps) : (members[1] = &member->steps);
    }
    if (!is_own)
        self->phase = may ? PHASE_IN : PHASE_NEW;
    result = wherry_group_new(
        &self->group, .loop = all->loop, .parent = around == NULL ? NULL : around->group,
        .steps = is_own ? &self->steps : NULL, .members = is_own ? members : NULL,
        .tock = self->tock, .limit = limit, .always = self->always, .keep_going = self->keep_going);
    CHECK(self, may || result == WHERRY_E_CANCELED);
    CHECK(self, may == (self->phase != PHASE_NEW));
    CHECK(self, result != WHERRY_OK || self->group != NULL);
    CHECK(self, (result == WHERRY_OK) == (may && !self->canceled));
    for (int i = 0; i < 2 && members[i] != NULL; i++)
        ((life *)members[i])->initial = false;
    begin_group(self);
}

static void cancel(life *self)
{
    if (is_group(self)) {
        self->on_its_own = true;
        mark_canceled(self);
        if (self->group != NULL)
            wherry_group_cancel(self->group);
        else if (self->kind == KIND_OWN && self->phase < PHASE_OUT)
            wherry_task_cancel(self->task);
        return;
    }
    if (self->phase != PHASE_IN)
        return;
    mark_canceled(self);
    wherry_task_cancel(self->task);
}

/* Whether somebody in there waits for the end of a group. */
static bool has_waiting(const life *group)
{
    const lives *all = group->all;

    for (int i = 0; i < all->count; i++)
        if (all->each[i].waits && is_inside(&all->each[i], group))
            return true;
    return false;
}

static void free_group(lives *all, life *self)
{
    life *group = any_group(all);
    wherry_group *handle;
    const bool waits = wherry_task_current() != NULL;

    if (group == NULL || (waits && (has_waiting(group) || self->canceled)))
        return;
    handle = group->group;
    group->group = NULL;
    if (is_live(group)) {
        group->on_its_own = true;
        mark_canceled(group);
    }
    if (waits)
        self->waits = true;
    wherry_group_free(handle);
    if (waits)
        self->waits = false;
    if (waits && !is_inside(self, group))
        CHECK(group, !is_live(group));
}

static void change_tock(lives *all)
{
    life *self = any_live(all);
    const int64_t tock = draw(all, 2) == 0 ? 0 : 1 + draw(all, 4 * TOCK);
    const bool has_turns = self != NULL && (self->kind == KIND_STEPS || self->kind == KIND_OWN);

    if (self == NULL || self->task == NULL || self->phase != PHASE_IN)
        return;
    if (self->kind == KIND_OWN && !all->outside &&
        (all->in_turn == NULL || !is_inside(all->in_turn, self)))
        return;
    if (self->kind == KIND_OWN && self->making)
        return;
    if (!has_turns) {
        CHECK(self, wherry_task_set_tock(self->task, tock) == WHERRY_E_MISUSE);
        return;
    }
    CHECK(self, wherry_task_tock(self->task) == self->tock);
    CHECK(self, wherry_task_set_tock(self->task, tock) == WHERRY_OK);
    set_tock(self, tock);
}

static void wake(lives *all)
{
    life *self = any_live(all);

    if (self == NULL || self->task == NULL || self->phase != PHASE_IN || self->making)
        return;
    wherry_task_wake(self->task);
    if (!self->joined)
        return;
    lose_grid(self);
    set_due(self, all->round + 1);
}

static void act_once(lives *all, life *self)
{
    life *other;

    switch (draw(all, 12)) {
    case 0:
    case 1:
    case 2:
    case 3:
        if (all->count < LIVES - 4 && !all->ending)
            spawn(all);
        break;
    case 4:
    case 5:
        if (all->count < LIVES - 4 && !all->ending)
            form(all);
        break;
    case 6:
        if ((other = any_live(all)) != NULL)
            cancel(other);
        break;
    case 7:
        if (self != NULL && is_live(self))
            cancel(draw(all, 2) == 0 || self->around == NULL ? self : self->around);
        break;
    case 8:
        if (draw(all, 2) == 0)
            free_group(all, self);
        break;
    case 9:
    case 10:
        wake(all);
        break;
    default:
        change_tock(all);
        break;
    }
}

static void act(lives *all, life *self)
{
    static const int often[] = { 2, 4, 8 };

    if (all->depth >= DEPTH || draw(all, often[all->seed % 3]) != 0)
        return;
    all->depth++;
    act_once(all, self);
    all->depth--;
}

/* --- passes */

static void limits_come(lives *all)
{
    for (int i = 0; i < all->count; i++) {
        life *self = &all->each[i];

        if (self->limit == 0 || self->limit > now_of(all) || self->canceled || !is_live(self))
            continue;
        self->on_its_own = true;
        mark_canceled(self);
    }
}

/* What is stopped has ended, unless a coroutine is in its way; what is empty too. */
static void all_is_as_it_should(lives *all)
{
    bool waits = false;

    for (int i = 0; i < all->count; i++) {
        const life *self = &all->each[i];

        waits |= is_live(self) && (self->kind == KIND_PLAIN || self->kind == KIND_BODY) &&
                 self->canceled;
    }
    for (int i = 0; i < all->count; i++) {
        const life *self = &all->each[i];

        if (self->group != NULL)
            CHECK(self, wherry_group_count(self->group) == (size_t)count_in(self));
        if (!is_live(self))
            continue;
        CHECK(self, waits || !self->canceled);
        CHECK(self, waits || self->phase != PHASE_ENDING);
        CHECK(self, self->kind != KIND_OWN || self->always || self->lingers || self->canceled ||
                        !is_empty(self));
    }
}

static void pass(lives *all)
{
    limits_come(all);
    deadlines_come(all);
    all->outside = false;
    all->preparing = true;
    CHECK(&all->each[0], wherry_loop_prepare(all->loop) >= 0);
    CHECK(&all->each[0], wherry_loop_wait(all->loop, now_of(all) + 4 * TOCK) >= 0);
    all->now = wherry_loop_now(all->loop);
    all->preparing = false;
    all->round++;
    all->latest = NULL;
    CHECK(&all->each[0], wherry_loop_dispatch(all->loop) >= 0);
    none_was_missed(all);
    all->outside = true;
    all_is_as_it_should(all);
}

static int live_ones(const lives *all)
{
    int count = 0;

    for (int i = 0; i < all->count; i++)
        count += is_live(&all->each[i]);
    return count;
}

static void populate(lives *all)
{
    while (live_ones(all) < CROWD / 2 && all->count < LIVES - 4)
        draw(all, 3) == 0 ? form(all) : spawn(all);
}

static void end_all(lives *all)
{
    all->ending = true;
    for (int i = 0; i < all->count; i++)
        if (is_live(&all->each[i]) && all->each[i].around == NULL)
            cancel(&all->each[i]);
    for (int i = 0; i < 30 && live_ones(all) > 0; i++)
        pass(all);
    CHECK(&all->each[0], live_ones(all) == 0);
    for (int i = 0; i < all->count; i++) {
        life *self = &all->each[i];

        wherry_group_free(self->group);
        if (self->kind == KIND_PLAIN)
            wherry_task_release(self->task);
        CHECK(self, self->phase == PHASE_NEW || self->phase == PHASE_OUT || is_group(self) ||
                        self->kind == KIND_PLAIN);
    }
}

uint64_t lives_run(const lives_options *options, lives_totals *totals)
{
    lives *all = calloc(1, sizeof(*all));
    uint64_t trail;

    assert_non_null(all);
    all->seed = all->random = options->seed;
    all->world = options->world;
    all->steps_only = options->steps_only;
    all->totals = totals;
    all->chances = 20 + draw(all, 200);
    all->outside = true;
    all->system = *wherry_system_epoll();
    if (options->world != 0)
        all->system.choose = choose;
    failing_memory_init(&all->memory, 0, false);
    assert_int_equal(wherry_loop_new(&all->loop, .system = &all->system, .clock = options->clock,
                                     .tock = TOCK, .memory = &all->memory.base),
                     WHERRY_OK);
    for (unsigned i = 0; i < options->passes; i++) {
        populate(all);
        for (int j = 0; j < 3; j++)
            act(all, NULL);
        all_is_as_it_should(all);
        pass(all);
    }
    end_all(all);
    wherry_loop_free(all->loop);
    failing_memory_assert_empty(&all->memory);
    trail = all->trail;
    free(all);
    return trail;
}
