/* The model of turns: who has one in which pass, and in which order, as steps.h and task.h tell it.
 * It knows of time and of nothing else. */
#include "support/lives_world.h"

bool life_recurs(const life *self)
{
    return self->steps.recur != NULL;
}

static void make_due(life *turn, uint64_t round)
{
    if (!turn->due || round < turn->round)
        turn->round = round;
    turn->due = true;
    if (turn->around == NULL || turn->around->tock > 0)
        return;
    if (turn->vague)
        turn->around->loose = turn->around->vague = true;
    make_due(turn->around, round);
}

void life_set_due(life *turn, uint64_t round)
{
    turn->by_itself = true;
    make_due(turn, round);
}

/* One in the group will not have its turn: nor has the group, unless for itself or another. Those
 * that have theirs in the group's turn under way are no reason for its next one. */
static void take_back(life *group)
{
    uint64_t round = UINT64_MAX, under_way;

    if (group == NULL || group->by_itself || !group->due)
        return;
    under_way = group->running && group->all->in_turn != group ? group->all->round : 0;
    for (int i = group->number + 1; i < group->all->count; i++) {
        const life *turn = &group->all->each[i];

        if (turn->around == group && turn->due && turn->round > under_way && turn->round < round)
            round = turn->round;
    }
    if (round <= group->round)
        return;
    group->due = false;
    take_back(group->around);
    if (round != UINT64_MAX)
        make_due(group, round);
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
    const int64_t now = lives_now(turn->all);

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
        life_set_due(turn, first_round(turn->all));
}

void life_join_now(life *turn)
{
    join(turn);
    if (turn->tock == 0 || turn->grid < 0)
        life_set_due(turn, first_round(turn->all));
}

static bool has_turns_in_it(const life *group)
{
    for (int i = group->number + 1; i < group->all->count; i++)
        if (group->all->each[i].around == group && group->all->each[i].joined)
            return true;
    return false;
}

/* Whether a group has had a turn in this pass nobody can tell who has none in it to see it. */
void life_lose_grid(life *group)
{
    if (!life_is_group(group) || life_recurs(group) || group->all->outside || !group->due ||
        group->round > group->all->round || group->tock == 0 || group->vague)
        return;
    group->vague = true;
    group->all->totals->vague++;
}

void life_leave(life *turn)
{
    if (!turn->joined)
        return;
    life_lose_grid(turn);
    turn->joined = turn->armed = turn->due = turn->by_itself = false;
    take_back(turn->around);
    if (turn->around != NULL && !turn->around->alone && !has_turns_in_it(turn->around))
        life_leave(turn->around);
}

static bool has_tock_around(const life *turn)
{
    const life *around = turn->around;

    while (around != NULL && around->tock == 0)
        around = around->around;
    return around != NULL;
}

void life_plan(life *turn)
{
    turn->running = false;
    if (!turn->joined)
        return;
    if (turn->tock > 0) {
        arm_on_grid(turn);
    } else if (has_tock_around(turn)) {
        life_set_due(turn, turn->all->round + 1);
    } else {
        arm(turn, lives_now(turn->all) + TOCK);
    }
}

/* Nobody knows when a group that has lost its grid has turns, nor what is in it. */
static bool is_vague(const life *self)
{
    while (self != NULL && !self->vague)
        self = self->around;
    return self != NULL;
}

/* What is in a group may bring its own turn on, and of some of that nobody knows. */
static bool is_sure(const life *group)
{
    const lives *all = group->all;

    for (int i = group->number + 1; i < all->count; i++)
        if (all->each[i].vague && life_is_inside(&all->each[i], group))
            return false;
    return true;
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
    group->grid = group->grid < 0 ? lives_now(group->all) : group->grid;
    group->loose = group->due = group->by_itself = group->armed = false;
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
    group->alone = life_recurs(group);
    if (group->tock > 0 || group->alone)
        life_plan(group);
    for (int i = group->number + 1; i < group->all->count; i++)
        if (group->all->each[i].around == group && group->all->each[i].due) {
            came |= !group->all->each[i].vague;
            group->loose |= group->all->each[i].vague;
        }
    if (group->tock == 0 && came)
        make_due(group, group->all->round + 1);
    if (!group->alone && !has_turns_in_it(group))
        life_leave(group);
}

static void have_unseen_turns(life *group)
{
    for (int i = group->number + 1; i < group->all->count; i++) {
        life *self = &group->all->each[i];

        if (self->around != group || !life_is_group(self) || life_recurs(self) || !self->joined ||
            !may_have_turn(self))
            continue;
        begin_group_turn(self);
        end_group_turn(self);
    }
}

static void end_turns_but_around(lives *all, const life *who)
{
    for (int i = all->count - 1; i >= 0; i--)
        if (life_is_group(&all->each[i]) && all->each[i].running &&
            (who == NULL || !life_is_inside(who, &all->each[i])))
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

void life_have_turn(life *self)
{
    lives *all = self->all;

    CHECK(self, self->phase == PHASE_IN && !self->canceled && !all->preparing && !all->outside);
    CHECK(self, self->had < all->round);
    CHECK(self, all->latest == NULL || comes_before(all->latest, self));
    end_turns_but_around(all, self);
    all->latest = self;
    all->totals->turns++;
    if (self->kind == KIND_OWN) {
        CHECK(self, self->loose || is_vague(self) || !is_sure(self) ||
                        (self->due && self->round <= all->round));
        begin_group_turn(self);
        return;
    }
    begin_group_turn(self->around);
    CHECK(self, self->joined && self->due && self->round <= all->round);
    self->had = all->round;
    self->running = true;
    self->grid = self->grid < 0 ? lives_now(all) : self->grid;
    self->due = self->by_itself = self->armed = false;
}

void lives_deadlines_come(lives *all)
{
    for (int i = 0; i < all->count; i++) {
        life *self = &all->each[i];

        if (!self->armed || self->next > lives_now(all))
            continue;
        self->armed = false;
        life_set_due(self, all->round + 1);
    }
}

/* Groups with nobody to see it have had theirs; all others were seen. */
void lives_none_was_missed(lives *all)
{
    end_turns_but_around(all, NULL);
    for (int i = 0; i < all->count; i++) {
        life *self = &all->each[i];

        if (!self->joined || !may_have_turn(self))
            continue;
        CHECK(self, life_is_group(self) && (!life_recurs(self) || !is_sure(self)));
        begin_group_turn(self);
        end_group_turn(self);
        CHECK(self, !may_have_turn(self));
    }
}

void life_set_tock(life *self, int64_t tock)
{
    if (life_is_group(self) && self->tock > 0 && tock == 0) {
        self->loose = true;
        self->vague |= !life_recurs(self);
    }
    self->tock = tock;
    self->grid = self->running ? lives_now(self->all) : -1;
    if (self->joined && !self->running && !self->armed)
        life_set_due(self, self->all->round + 1);
}
