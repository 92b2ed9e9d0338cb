/* The beginning of groups with steps in them: what is refused, and what is undone when something in
 * it fails, is canceled or has no memory meanwhile. Apart from their lives (group_task.c), as there
 * is no group then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/grouping.h"
#include "support/loop_fixture.h"
#include "support/stepping.h"

static void nonsense_is_refused(void **state)
{
    loop_fixture *self = *state;
    stepper own = STEPPER("g"), one = STEPPER("a");
    wherry_group *group = NULL, *parent;

    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .tock = -1), WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "option tock"));
    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .limit = -1), WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "option limit"));
    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .always = 1), WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "option always"));
    own.steps.tock = -1;
    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps),
                     WHERRY_E_MISUSE);
    own.steps.tock = 3;
    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps, .tock = 2),
                     WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "option tock"));
    own = BODIED("g");
    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps),
                     WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "body"));
    own = STEPPER("g");
    assert_int_equal(wherry_group_new(&parent, .loop = self->loop, .members = MEMBERS(&one.steps)),
                     WHERRY_OK);
    wherry_group_cancel(parent);
    assert_int_equal(wherry_group_new(&group, .parent = parent, .steps = &own.steps),
                     WHERRY_E_CANCELED);
    wherry_group_free(parent);
    assert_null(group);
    assert_int_equal(wherry_group_run(NULL, 0), WHERRY_E_MISUSE);
    trace_is("a(a/a)");
}

static void failed_enter_of_a_member_undoes_the_group(void **state)
{
    loop_fixture *self = *state;
    static const char *const expected[] = {
        "g(g!g)",
        "g(a(a!a)g!g)",
        "g(a(b(b!b)a/a)g!g)",
        "g(a(b(c(c!c)b/b)a/a)g!g)",
    };

    for (int failing = 0; failing < 4; failing++) {
        stepper steppers[] = { HOLDER("g"), STEPPER("a"), BODIED("b"), STEPPER("c") };
        wherry_group *parent, *group = NULL;

        steppers[failing].results[STEP_ENTER] = WHERRY_E_REFUSED;
        assert_int_equal(wherry_group_new(&parent, .loop = self->loop), WHERRY_OK);
        assert_int_equal(wherry_group_new(&group, .parent = parent, .steps = &steppers[0].steps,
                                          .members = MEMBERS(&steppers[1].steps, &steppers[2].steps,
                                                             &steppers[3].steps)),
                         WHERRY_E_REFUSED);
        trace_is(expected[failing]);
        assert_null(group);
        assert_int_equal(steppers[0].reason, WHERRY_E_REFUSED);
        assert_int_equal(loop_fixture_tasks(self), 0);
        assert_int_equal(wherry_group_count(parent), 0);
        grouping_ended_with(parent, 0);
        assert_int_equal(wherry_group_done(parent), 1);
        wherry_group_free(parent);
    }
}

static void make_group(stepper *self)
{
    if (self->group == NULL && wherry_group_new(&self->group, .loop = wherry_task_loop(self->task),
                                                .members = MEMBERS(&self->other->steps)) < 0)
        (void)task_failed(__FILE__, __LINE__, "no group");
}

static void groups_may_be_made_in_any_step(void **state)
{
    loop_fixture *self = *state;

    for (step at = STEP_ENTER; at <= STEP_EXIT; at++) {
        stepper other = STEPPER(NULL, .stop = 2), one = STEPPER(NULL);

        one.other = &other;
        one.act[at] = make_group;
        one.stop = at == STEP_CLOSE || at == STEP_ABORT ? 0 : 1;
        one.results[STEP_RECUR] = at == STEP_ABORT ? WHERRY_E_RESET : 0;
        assert_int_equal(wherry_spawn_steps(NULL, &one.steps, .loop = self->loop), WHERRY_OK);
        loop_fixture_pass(self, 1);
        if (at == STEP_CLOSE)
            wherry_task_cancel(one.task);
        loop_fixture_finish(self);
        assert_int_equal(other.done, 1);
        stepping_is_whole(&other);
        stepping_is_whole(&one);
        assert_int_equal(wherry_group_done(one.group), 1);
        wherry_group_free(one.group);
    }
}

/* What cancels it does so in the enter of the group's own task, of its first and of its last
 * member; that has the parent as its group, and the group's own task as its other. */
static void begin_and_cancel(loop_fixture *self, void (*cancel)(stepper *))
{
    static const char *const expected[] = { "g(g/g)", "g(a(a/a)g/g)", "g(a(b(b/b)a/a)g/g)" };

    for (int which = 0; which < 3; which++) {
        stepper steppers[] = { HOLDER("g"), STEPPER("a"), STEPPER("b") };
        wherry_group *parent, *group = NULL;

        assert_int_equal(wherry_group_new(&parent, .loop = self->loop), WHERRY_OK);
        steppers[which].group = parent;
        steppers[which].other = &steppers[0];
        steppers[which].act[STEP_ENTER] = cancel;
        assert_int_equal(
            wherry_group_new(&group, .parent = parent, .steps = &steppers[0].steps,
                             .members = MEMBERS(&steppers[1].steps, &steppers[2].steps)),
            WHERRY_E_CANCELED);
        trace_is(expected[which]);
        assert_null(group);
        assert_int_equal(wherry_group_count(parent), 0);
        assert_int_equal(loop_fixture_tasks(self), 0);
        wherry_group_free(parent);
    }
}

static void group_whose_parent_is_canceled_meanwhile_is_none(void **state)
{
    begin_and_cancel(*state, grouping_cancel);
}

static void group_that_is_canceled_while_it_begins_is_none(void **state)
{
    begin_and_cancel(*state, stepping_cancel_other);
}

static int make_late(void *unused)
{
    stepper one = STEPPER("a");
    wherry_group *group;

    (void)unused;
    (void)wherry_sleep(WHERRY_NEVER);
    TASK_ASSERT(wherry_group_new(&group, .members = MEMBERS(&one.steps)) == WHERRY_E_CANCELED);
    TASK_ASSERT(wherry_group_new(&group) == WHERRY_OK); /* nothing can be started in it */
    TASK_ASSERT(wherry_spawn_steps(NULL, &one.steps, .group = group) == WHERRY_E_CANCELED);
    TASK_ASSERT(wherry_group_join(group, NULL, WHERRY_NOW) == WHERRY_OK);
    wherry_group_free(group);
    trace("l");
    return 0;
}

static void nothing_begins_on_a_loop_that_ends(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("x");

    assert_int_equal(wherry_spawn_steps(NULL, &one.steps, .loop = self->loop), WHERRY_OK);
    loop_fixture_spawn(self->loop, make_late, NULL);
    loop_fixture_pass(self, 1);
    loop_fixture_free(self);
    trace_is("x(x.lx/x)");
}

/* --- memory */

static int use_groups(wherry_memory *memory)
{
    stepper steppers[] = { STEPPER(NULL), STEPPER(NULL, .stop = 2),
                           BODIED(NULL, .results[STEP_BODY] = 1), HOLDER(NULL) };
    wherry_group *group = NULL, *inner = NULL;
    wherry_loop *loop;
    int code = wherry_loop_new(&loop, .memory = memory, .clock = WHERRY_CLOCK_VIRTUAL);

    if (code < 0)
        return code;
    code = wherry_group_new(&group, .loop = loop, .steps = &steppers[0].steps, .name = "group",
                            .members = MEMBERS(&steppers[1].steps, &steppers[2].steps));
    if (code == WHERRY_OK)
        code = wherry_group_new(&inner, .parent = group, .members = MEMBERS(&steppers[3].steps));
    if (code == WHERRY_OK)
        assert_int_equal(wherry_group_run(group, 1000), 0);
    wherry_group_free(group);
    wherry_group_free(inner);
    for (int i = 0; i < 4; i++)
        stepping_is_whole(&steppers[i]);
    wherry_loop_free(loop);
    return code;
}

static void out_of_memory_undoes_what_was_entered(void **state)
{
    (void)state;
    assert_true(failing_memory_try(use_groups) >= 8);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(nonsense_is_refused),
        ON_LOOP(failed_enter_of_a_member_undoes_the_group),
        ON_LOOP(groups_may_be_made_in_any_step),
        ON_LOOP(group_whose_parent_is_canceled_meanwhile_is_none),
        ON_LOOP(group_that_is_canceled_while_it_begins_is_none),
        ON_LOOP(nothing_begins_on_a_loop_that_ends),
        cmocka_unit_test(out_of_memory_undoes_what_was_entered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
