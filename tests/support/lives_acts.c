/* What lives do to each other, and what must come of it at once: each is a call of the library and
 * the same for the model. */
#include "support/lives_world.h"

#define DEPTH 5 /* operations inside of operations */

static life *any_live(lives *all)
{
    for (int tries = 0; tries < 30 && all->count > 0; tries++) {
        life *one = &all->each[lives_draw(all, all->count)];

        if (life_is_live(one))
            return one;
    }
    return NULL;
}

/* One that has a handle, live or not; NULL: none. */
static life *any_group(lives *all)
{
    for (int tries = 0; tries < 30 && all->count > 0; tries++) {
        life *one = &all->each[lives_draw(all, all->count)];

        if (life_is_group(one) && one->group != NULL)
            return one;
    }
    return NULL;
}

static bool takes_members(const life *group)
{
    return group == NULL || (life_is_live(group) && !group->canceled && group->phase == PHASE_IN);
}

void lives_spawn(lives *all)
{
    life *around = lives_draw(all, 4) == 0 ? NULL : any_group(all);
    wherry_group *group = around == NULL ? NULL : around->group;
    life *self = life_make(all, around, (life_kind)lives_draw(all, all->steps_only ? 2 : 4));
    const bool may = takes_members(around);
    int result;

    if (self->kind == KIND_PLAIN) {
        result = wherry_spawn(&self->task, life_plain, self, .loop = all->loop, .group = group);
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
    const int64_t slot = (lives_now(all) + limit + TOCK - 1) / TOCK;

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
    self->alone = life_recurs(self) || (life_is_empty(self) && !self->always);
    self->lingers = life_is_empty(self);
    if (self->alone)
        life_join_now(self);
    if (self->around != NULL)
        self->around->lingers = false;
}

void lives_form(lives *all)
{
    life *around = lives_draw(all, 3) == 0 ? NULL : any_group(all);
    life *self = life_make(all, around, lives_draw(all, 3) == 0 ? KIND_BARE : KIND_OWN);
    const bool is_own = self->kind == KIND_OWN, may = takes_members(around);
    wherry_steps *members[3] = { NULL, NULL, NULL };
    int64_t limit = lives_draw(all, 3) == 0 ? limit_of(all, TOCK * (1 + lives_draw(all, 30))) : 0;
    int result;

    if (is_own && lives_draw(all, 2) == 0)
        self->steps.recur = life_recur;
    self->tock = lives_draw(all, 2) == 0 ? 0 : 1 + lives_draw(all, 5 * TOCK);
    self->keep_going = lives_draw(all, 3) == 0;
    self->always = is_own && lives_draw(all, 3) == 0;
    self->making = true;
    self->limit = limit > 0 && may ? lives_now(all) + limit : 0;
    for (int i = is_own ? lives_draw(all, 3) : 0; i > 0; i--) {
        life *member = life_make(all, self, (life_kind)lives_draw(all, all->steps_only ? 2 : 3));

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

void life_cancel(life *self)
{
    if (life_is_group(self)) {
        self->on_its_own = true;
        life_mark_canceled(self);
        if (self->group != NULL)
            wherry_group_cancel(self->group);
        else if (self->kind == KIND_OWN && self->phase < PHASE_OUT)
            wherry_task_cancel(self->task);
        return;
    }
    if (self->phase != PHASE_IN)
        return;
    life_mark_canceled(self);
    wherry_task_cancel(self->task);
}

/* Whether somebody in there waits for the end of a group. */
static bool has_waiting(const life *group)
{
    const lives *all = group->all;

    for (int i = 0; i < all->count; i++)
        if (all->each[i].waits && life_is_inside(&all->each[i], group))
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
    if (life_is_live(group)) {
        group->on_its_own = true;
        life_mark_canceled(group);
    }
    if (waits)
        self->waits = true;
    wherry_group_free(handle);
    if (waits)
        self->waits = false;
    if (waits && !life_is_inside(self, group))
        CHECK(group, !life_is_live(group));
}

static void change_tock(lives *all)
{
    life *self = any_live(all);
    const int64_t tock = lives_draw(all, 2) == 0 ? 0 : 1 + lives_draw(all, 4 * TOCK);
    const bool has_turns = self != NULL && (self->kind == KIND_STEPS || self->kind == KIND_OWN);

    if (self == NULL || self->task == NULL || self->phase != PHASE_IN)
        return;
    if (self->kind == KIND_OWN && !all->outside &&
        (all->in_turn == NULL || !life_is_inside(all->in_turn, self)))
        return;
    if (self->kind == KIND_OWN && self->making)
        return;
    if (!has_turns) {
        CHECK(self, wherry_task_set_tock(self->task, tock) == WHERRY_E_MISUSE);
        return;
    }
    CHECK(self, wherry_task_tock(self->task) == self->tock);
    CHECK(self, wherry_task_set_tock(self->task, tock) == WHERRY_OK);
    life_set_tock(self, tock);
}

static void wake(lives *all)
{
    life *self = any_live(all);

    if (self == NULL || self->task == NULL || self->phase != PHASE_IN || self->making)
        return;
    wherry_task_wake(self->task);
    if (!self->joined)
        return;
    life_lose_grid(self);
    life_set_due(self, all->round + 1);
}

static void act_once(lives *all, life *self)
{
    life *other;

    switch (lives_draw(all, 12)) {
    case 0:
    case 1:
    case 2:
    case 3:
        if (all->count < LIVES - 4 && !all->ending)
            lives_spawn(all);
        break;
    case 4:
    case 5:
        if (all->count < LIVES - 4 && !all->ending)
            lives_form(all);
        break;
    case 6:
        if ((other = any_live(all)) != NULL)
            life_cancel(other);
        break;
    case 7:
        if (self != NULL && life_is_live(self))
            life_cancel(lives_draw(all, 2) == 0 || self->around == NULL ? self : self->around);
        break;
    case 8:
        if (lives_draw(all, 2) == 0)
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

void lives_act(lives *all, life *self)
{
    static const int often[] = { 2, 4, 8 };

    if (all->depth >= DEPTH || lives_draw(all, often[all->seed % 3]) != 0)
        return;
    all->depth++;
    act_once(all, self);
    all->depth--;
}
