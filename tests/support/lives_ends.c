/* The model of ends: who is there, who is stopped when another one is, or fails, and who ends
 * before whom. */
#include "support/lives_world.h"

/* --- who is there */

bool life_is_group(const life *self)
{
    return self->kind == KIND_OWN || self->kind == KIND_BARE;
}

bool life_is_live(const life *self)
{
    if (self->phase == PHASE_NEW || self->phase == PHASE_OUT)
        return false;
    if (self->kind == KIND_PLAIN)
        return !wherry_task_ended(self->task);
    return self->kind != KIND_BARE || !self->canceled || !life_is_empty(self);
}

bool life_is_empty(const life *group)
{
    const lives *all = group->all;

    for (int i = group->number + 1; i < all->count; i++)
        if (all->each[i].around == group && life_is_live(&all->each[i]))
            return false;
    return true;
}

bool life_is_inside(const life *self, const life *group)
{
    while (self != NULL && self != group)
        self = self->around;
    return self != NULL;
}

/* --- who ends */

void life_mark_canceled(life *self)
{
    lives *all = self->all;

    if (self->canceled)
        return;
    self->canceled = true;
    self->limit = 0;
    for (int i = self->number + 1; life_is_group(self) && i < all->count; i++)
        if (all->each[i].around == self && life_is_live(&all->each[i]))
            life_mark_canceled(&all->each[i]);
    life_leave(self);
}

void life_mark_failed(life *group)
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
    life_mark_canceled(outermost);
}

/* All that was started after it where all is stopped has ended; and so on outwards. */
static void ends_in_order(const life *self)
{
    const lives *all = self->all;

    for (const life *group = self->around; group != NULL && group->canceled;
         self = group, group = group->around) {
        if (life_is_group(self) && (self->on_its_own || self->making))
            return;
        if (group->first != NULL && life_is_live(group->first)) {
            CHECK(self, group->first == self);
            continue;
        }
        for (int i = self->number + 1; i < all->count; i++)
            if (all->each[i].around == group) {
                CHECK(self, !life_is_live(&all->each[i]));
                all->totals->checked++;
            }
    }
}

static life_call ending_of(const life *self)
{
    if (self->gave_up || self->failed)
        return CALL_ABORT;
    if (self->kind == KIND_OWN)
        return self->canceled ? CALL_CLOSE : CALL_CLEAN;
    if (self->last > 0 || self->returned)
        return CALL_CLEAN;
    return CALL_CLOSE;
}

void life_begin_to_end(life *self, life_call how)
{
    CHECK(self, self->phase == PHASE_IN);
    CHECK(self, how == ending_of(self));
    CHECK(self, how != CALL_CLOSE || self->canceled);
    CHECK(self, !life_is_group(self) || life_is_empty(self));
    if (!self->gave_up)
        ends_in_order(self);
    life_leave(self);
    self->phase = PHASE_ENDING;
    self->ending = how;
    self->limit = 0;
    life_leave_trail(self, how);
}
