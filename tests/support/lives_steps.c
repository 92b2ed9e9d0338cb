/* What the library calls of a life: each call is checked against the model, told to it, and used to
 * do something. */
#include "support/lives_world.h"

static int result_of(lives *all, int chances)
{
    return lives_draw(all, chances) == 0 ? WHERRY_E_FULL : WHERRY_OK;
}

static int clean(wherry_steps *steps, wherry_task *task)
{
    life *self = (life *)steps;

    (void)task;
    life_begin_to_end(self, CALL_CLEAN);
    self->all->totals->done++;
    lives_act(self->all, self);
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
    life_begin_to_end(self, CALL_CLOSE);
    self->all->totals->stopped++;
    lives_act(self->all, self);
}

static void abort_it(wherry_steps *steps, wherry_task *task, int reason)
{
    life *self = (life *)steps;

    (void)task;
    CHECK(self, reason < 0);
    life_begin_to_end(self, CALL_ABORT);
    self->all->totals->failed++;
    lives_act(self->all, self);
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
        life_mark_canceled(group);
    } else if (self->kind == KIND_OWN ? self->failing && !self->failed : self->failing) {
        life_mark_failed(group);
    } else if ((self->gave_up || self->making) && group->kind == KIND_OWN && life_is_empty(group)) {
        group->lingers = true;
        if (!group->canceled && !group->joined && !group->always) {
            group->alone = true;
            life_join_now(group);
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
    life_leave_trail(self, CALL_EXIT);
    lives_act(self->all, self);
    result = result_of(self->all, self->all->chances / 4 + 1);
    if (result < 0 && self->ending == CALL_CLEAN)
        self->failing = true;
    CHECK(self, self->phase == PHASE_ENDING);
    self->phase = PHASE_OUT;
    self->all->totals->ended++;
    tell_failure(self);
    return result;
}

/* Its enter is about to return. */
static void has_begun(life *self)
{
    if (self->around != NULL && !life_is_group(self))
        self->around->lingers = false;
    if (self->kind == KIND_STEPS && !self->canceled)
        life_join_now(self);
}

static int enter(wherry_steps *steps, wherry_task *task)
{
    life *self = (life *)steps;
    int result;

    CHECK(self, self->phase == PHASE_NEW);
    self->phase = PHASE_IN;
    self->task = task;
    self->all->totals->begun++;
    life_leave_trail(self, CALL_ENTER);
    lives_act(self->all, self);
    result = result_of(self->all, self->all->chances);
    self->gave_up = result < 0;
    if (result < 0 && life_is_group(self)) {
        self->failed = !self->canceled;
        self->gave_up = false;
        life_mark_canceled(self);
        self->on_its_own = true;
    }
    if (result == WHERRY_OK)
        has_begun(self);
    return result;
}

int life_recur(wherry_steps *steps, wherry_task *task)
{
    life *self = (life *)steps;
    lives *all = self->all;

    (void)task;
    life_leave_trail(self, CALL_RECUR);
    life_have_turn(self);
    self->steps.tock = 0; /* it is only looked at in the beginning */
    all->in_turn = self;
    lives_act(all, self);
    all->in_turn = NULL;
    self->last = result_of(all, all->chances);
    if (self->last == WHERRY_OK && lives_draw(all, 30) == 0)
        self->last = lives_draw(all, 4) == 0 ? WHERRY_E_CANCELED : 1 + lives_draw(all, 3);
    if (self->kind == KIND_OWN) {
        if (self->last < 0 && !(self->canceled && self->last == WHERRY_E_CANCELED)) {
            self->keep_going = false;
            life_mark_failed(self);
            self->failed = true;
        }
        return self->last;
    }
    if (self->last < 0 && !(self->canceled && self->last == WHERRY_E_CANCELED))
        self->failed = self->failing = true;
    if (self->last != 0 && !(self->last < 0 && !self->failed))
        life_leave(self);
    life_plan(self);
    return self->last;
}

static int live(life *self)
{
    lives *all = self->all;
    int result = WHERRY_OK;

    life_leave_trail(self, CALL_BODY);
    for (int left = lives_draw(all, 6); left >= 0 && result == WHERRY_OK; left--) {
        if (lives_draw(all, 2) == 0)
            lives_act(all, self);
        result = lives_draw(all, 4) == 0 ? wherry_yield()
                                         : wherry_sleep(wherry_in(lives_draw(all, 5 * TOCK)));
        CHECK(self, (result == WHERRY_E_CANCELED) == self->canceled);
    }
    lives_act(all, self);
    if (lives_draw(all, all->chances) == 0)
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

int life_plain(void *argument)
{
    life *self = argument;
    const int result = live(self);

    self->phase = PHASE_OUT;
    if (self->failing && self->around != NULL)
        life_mark_failed(self->around);
    return result;
}

life *life_make(lives *all, life *around, life_kind which)
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
        self->steps.recur = life_recur;
    if (which == KIND_BODY)
        self->steps.body = body;
    if (which == KIND_STEPS && lives_draw(all, 2) == 0)
        self->steps.tock = self->tock = 1 + lives_draw(all, 6 * TOCK);
    return self;
}
