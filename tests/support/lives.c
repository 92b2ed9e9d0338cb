/* The passes of a run, the chance that it draws from, and what must hold after each. The model is
 * about orders and instants only; it asks the library nothing but the time. */
#include "support/lives_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CROWD 40 /* at once, about */

/* --- chance, and what is wrong */

void lives_say_wrong(const lives *all, const life *who, const char *file, int line,
                     const char *what)
{
    (void)fprintf(stderr, "%s:%d: seed %llu, world %llu, round %llu: life %d: %s\n", file, line,
                  (unsigned long long)all->seed, (unsigned long long)all->world,
                  (unsigned long long)all->round, who == NULL ? -1 : who->number, what);
    abort();
}

static uint32_t next_of(uint64_t *random, uint32_t count)
{
    uint64_t z = *random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % count);
}

int lives_draw(lives *all, int count)
{
    return (int)next_of(&all->random, (uint32_t)count);
}

static uint32_t choose(wherry_system *system, int purpose, uint32_t count)
{
    lives *all = (lives *)((char *)system - offsetof(lives, system));

    (void)purpose;
    return next_of(&all->world, count);
}

int64_t lives_now(const lives *all)
{
    return all->outside || all->preparing ? wherry_loop_now(all->loop) : all->now;
}

void life_leave_trail(const life *self, life_call what)
{
    lives *all = self->all;
    const uint64_t step = (uint64_t)self->number * 8 + (uint64_t)what;

    all->trail = (all->trail ^ step ^ ((uint64_t)lives_now(all) << 20)) * UINT64_C(0x100000001b3);
}

/* --- passes */

static void limits_come(lives *all)
{
    for (int i = 0; i < all->count; i++) {
        life *self = &all->each[i];

        if (self->limit == 0 || self->limit > lives_now(all) || self->canceled ||
            !life_is_live(self))
            continue;
        self->on_its_own = true;
        life_mark_canceled(self);
    }
}

static int count_in(const life *group)
{
    int count = 0;

    for (int i = group->number + 1; i < group->all->count; i++)
        if (group->all->each[i].around == group)
            count += life_is_live(&group->all->each[i]);
    return count;
}

/* What is stopped has ended, unless a coroutine is in its way; what is empty too. */
static void all_is_as_it_should(lives *all)
{
    bool waits = false;

    for (int i = 0; i < all->count; i++) {
        const life *self = &all->each[i];

        waits |= life_is_live(self) && (self->kind == KIND_PLAIN || self->kind == KIND_BODY) &&
                 self->canceled;
    }
    for (int i = 0; i < all->count; i++) {
        const life *self = &all->each[i];

        if (self->group != NULL)
            CHECK(self, wherry_group_count(self->group) == (size_t)count_in(self));
        if (!life_is_live(self))
            continue;
        CHECK(self, waits || !self->canceled);
        CHECK(self, waits || self->phase != PHASE_ENDING);
        CHECK(self, self->kind != KIND_OWN || self->always || self->lingers || self->canceled ||
                        !life_is_empty(self));
    }
}

static void pass(lives *all)
{
    limits_come(all);
    lives_deadlines_come(all);
    all->outside = false;
    all->preparing = true;
    CHECK(&all->each[0], wherry_loop_prepare(all->loop) >= 0);
    CHECK(&all->each[0], wherry_loop_wait(all->loop, lives_now(all) + 4 * TOCK) >= 0);
    all->now = wherry_loop_now(all->loop);
    all->preparing = false;
    all->round++;
    all->latest = NULL;
    CHECK(&all->each[0], wherry_loop_dispatch(all->loop) >= 0);
    lives_none_was_missed(all);
    all->outside = true;
    all_is_as_it_should(all);
}

int lives_count(const lives *all)
{
    int count = 0;

    for (int i = 0; i < all->count; i++)
        count += life_is_live(&all->each[i]);
    return count;
}

static void populate(lives *all)
{
    while (lives_count(all) < CROWD / 2 && all->count < LIVES - 4)
        lives_draw(all, 3) == 0 ? lives_form(all) : lives_spawn(all);
}

static void end_all(lives *all)
{
    all->ending = true;
    for (int i = 0; i < all->count; i++)
        if (life_is_live(&all->each[i]) && all->each[i].around == NULL)
            life_cancel(&all->each[i]);
    for (int i = 0; i < 30 && lives_count(all) > 0; i++)
        pass(all);
    CHECK(&all->each[0], lives_count(all) == 0);
    for (int i = 0; i < all->count; i++) {
        life *self = &all->each[i];

        wherry_group_free(self->group);
        if (self->kind == KIND_PLAIN)
            wherry_task_release(self->task);
        CHECK(self, self->phase == PHASE_NEW || self->phase == PHASE_OUT || life_is_group(self) ||
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
    all->chances = 20 + lives_draw(all, 200);
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
            lives_act(all, NULL);
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
