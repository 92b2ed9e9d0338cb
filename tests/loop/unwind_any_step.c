/* Unwinding, whoever begins it: a member takes out itself, those around it or its groups, in each
 * of its steps and whatever fails then. All of it is one test of many cases; the orders told one by
 * one are in unwind.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/grouping.h"
#include "support/loop_fixture.h"
#include "support/stepping.h"

typedef enum victim {
    ITSELF,
    ELDER,
    YOUNGER,
    GROUP,
    FREED_GROUP,
    PARENT,
    FREED_PARENT,
    VICTIMS
} victim;

typedef struct family {
    stepper outer, inner, elder, actor, younger, behind;
    wherry_group *parent, *group;
    victim victim;
    step at;
    bool acted, freed_group, freed_parent;
} family;

static family *members;

static void act_once(stepper *self)
{
    family *all = members;

    (void)self;
    if (all->acted)
        return;
    all->acted = true;
    switch (all->victim) {
    case ITSELF:
        wherry_task_cancel(all->actor.task);
        break;
    case ELDER:
        wherry_task_cancel(all->elder.task);
        break;
    case YOUNGER:
        if (all->younger.task != NULL)
            wherry_task_cancel(all->younger.task);
        break;
    case GROUP:
        wherry_group_cancel(all->group);
        break;
    case FREED_GROUP:
        all->freed_group = true;
        wherry_group_free(all->group);
        break;
    case PARENT:
        wherry_group_cancel(all->parent);
        break;
    default:
        all->freed_parent = true;
        wherry_group_free(all->parent);
        break;
    }
}

static int exits; /* so far */

static void note_exit(stepper *self)
{
    self->fail_at = ++exits;
    if (self == &members->actor && members->at == STEP_EXIT)
        act_once(self);
}

/* The own steps of a group exit behind all that is in it. */
static void groups_exit_last(const family *all)
{
    const stepper *const inside[] = { &all->elder, &all->actor, &all->younger };

    for (int i = 0; i < 3; i++)
        assert_true(all->inner.fail_at > inside[i]->fail_at);
    assert_true(all->outer.fail_at > all->inner.fail_at);
    assert_true(all->outer.fail_at > all->behind.fail_at);
    assert_int_equal(all->outer.fail_at, exits);
}

static void try(loop_fixture *self, victim whom, step at, step failing)
{
    static family all;
    stepper *each[] = { &all.outer, &all.inner, &all.elder, &all.actor, &all.younger, &all.behind };

    all = (family){
        .outer = STEPPER(NULL),
        .inner = STEPPER(NULL),
        .elder = STEPPER(NULL),
        .actor = STEPPER(NULL),
        .younger = STEPPER(NULL),
        .behind = STEPPER(NULL),
        .victim = whom,
        .at = at,
    };
    members = &all;
    exits = 0;
    all.actor.act[at] = act_once;
    for (int i = 0; i < 6; i++)
        each[i]->act[STEP_EXIT] = note_exit;
    all.actor.results[failing] = WHERRY_E_FULL;
    if (at == STEP_ABORT && failing > STEP_CLEAN)
        all.actor.results[STEP_RECUR] = WHERRY_E_FULL;
    all.actor.stop = at == STEP_CLEAN || at == STEP_EXIT || failing == STEP_CLEAN ? 1 : 0;
    assert_int_equal(wherry_group_new(&all.parent, .loop = self->loop, .steps = &all.outer.steps),
                     WHERRY_OK);
    assert_int_equal(wherry_group_new(&all.group, .parent = all.parent, .steps = &all.inner.steps),
                     WHERRY_OK);
    (void)wherry_spawn_steps(NULL, &all.elder.steps, .group = all.group);
    (void)wherry_spawn_steps(NULL, &all.actor.steps, .group = all.group);
    if (!all.freed_group)
        (void)wherry_spawn_steps(NULL, &all.younger.steps, .group = all.group);
    if (!all.freed_parent)
        (void)wherry_spawn_steps(NULL, &all.behind.steps, .group = all.parent);
    loop_fixture_pass(self, 2);
    if (!all.acted && at == STEP_CLOSE)
        wherry_task_cancel(all.actor.task);
    loop_fixture_pass(self, 2);
    assert_true(all.acted);
    if (!all.freed_parent)
        wherry_group_free(all.parent);
    if (!all.freed_group)
        wherry_group_free(all.group);
    assert_int_equal(loop_fixture_tasks(self), 0);
    for (int i = 0; i < 6; i++)
        stepping_is_whole(each[i]);
    groups_exit_last(&all);
}

/* Whether one that fails there comes to that step. */
static bool comes_to(step at, step failing)
{
    if (failing == STEP_ENTER)
        return at == STEP_ENTER || at == STEP_ABORT || at == STEP_EXIT;
    if (failing == STEP_RECUR)
        return at != STEP_CLEAN && at != STEP_CLOSE;
    return failing != STEP_CLEAN || at != STEP_CLOSE;
}

static void anything_may_be_taken_out_in_any_step(void **state)
{
    static const step failing[] = { STEP_ENTER, STEP_RECUR, STEP_CLEAN, STEP_EXIT,
                                    STEP_BODY /* which there is not: none fails */ };
    loop_fixture *self = *state;

    for (victim whom = 0; whom < VICTIMS; whom++)
        for (step at = STEP_ENTER; at <= STEP_EXIT; at++)
            for (int i = 0; i < 5; i++)
                if (comes_to(at, failing[i]))
                    try(self, whom, at, failing[i]);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(anything_may_be_taken_out_in_any_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
