/* Turns of groups: a task in one has its own only when its group and those around have theirs.
 * Apart from turn.c, as each test is about two tocks or more, one inside the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry.h>

#include "loop/loop.h"
#include "support/grouping.h"
#include "support/loop_fixture.h"
#include "support/stepping.h"

#define TOCK 10

static wherry_group *group_of(wherry_loop *loop, wherry_group *parent, int64_t tock)
{
    wherry_group *group;

    assert_int_equal(wherry_group_new(&group, .loop = loop, .parent = parent, .tock = tock),
                     WHERRY_OK);
    return group;
}

static void groups_have_their_turns_in_order_of_entry(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = loop_fixture_stepped(self, TOCK);
    stepper steppers[] = { STEPPER("a"), STEPPER("b"), STEPPER("c"), STEPPER("d"), STEPPER("e") };
    wherry_group *group, *inner;

    stepping_spawn(loop, &steppers[0]);
    group = group_of(loop, NULL, 0);
    stepping_spawn(loop, &steppers[3]);
    inner = group_of(loop, group, 0);
    grouping_spawn(group, &steppers[2]);
    grouping_spawn(inner, &steppers[1]);
    stepping_spawn(loop, &steppers[4]);
    trace_is("a(d(c(b(e(");
    loop_fixture_pass(self, 2);
    trace_is("a.b.c.d.e.a.b.c.d.e.");
    wherry_group_free(group);
    trace_is("c/c)b/b)");
    wherry_group_free(inner);
    loop_fixture_free(self);
}

static void group_with_a_tock_lets_its_members_wait(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = loop_fixture_stepped(self, TOCK);
    wherry_group *group = group_of(loop, NULL, 30), *inner = group_of(loop, group, 0);
    stepper each = STEPPER(NULL), slow = STEPPER(NULL, .steps.tock = 40), deep = STEPPER(NULL),
            fast = STEPPER(NULL, .steps.tock = 10), late = STEPPER(NULL);

    grouping_spawn(group, &each);
    grouping_spawn(group, &slow);
    grouping_spawn(inner, &deep);
    grouping_spawn(inner, &fast);
    loop_fixture_pass(self, 8);
    grouping_spawn(inner, &late);
    loop_fixture_pass(self, 5);
    stepping_turns_are(&each, "0 30 60 90 120");
    stepping_turns_are(&slow, "0 60 90 120"); /* its turns of 40, 80 and 120 */
    stepping_turns_are(&deep, "0 30 60 90 120");
    stepping_turns_are(&fast, "0 30 60 90 120");
    stepping_turns_are(&late, "90 120");
    wherry_group_free(group);
    wherry_group_free(inner);
}

static void inner_tocks_wait_for_outer_ones(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = loop_fixture_stepped(self, TOCK);
    wherry_group *group = group_of(loop, NULL, 30), *inner = group_of(loop, group, 40);
    stepper one = STEPPER(NULL), woken = STEPPER(NULL, .steps.tock = 1000);

    grouping_spawn(inner, &one);
    grouping_spawn(inner, &woken);
    loop_fixture_pass(self, 4);
    wherry_task_wake(woken.task); /* at 40: it comes with its group, at 60 */
    assert_false(wherry__loop_has_work(loop));
    loop_fixture_pass(self, 10);
    stepping_turns_are(&one, "0 60 90 120");
    stepping_turns_are(&woken, "0 60");
    wherry_group_free(group);
    wherry_group_free(inner);
}

static void idle_group_has_no_turns_and_keeps_its_grid(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = loop_fixture_stepped(self, TOCK);
    wherry_group *group = group_of(loop, NULL, 30);
    stepper one = STEPPER(NULL, .stop = 2), two = STEPPER(NULL);
    wherry_loop_statistics statistics;

    grouping_spawn(group, &one);
    loop_fixture_pass(self, 5);
    stepping_turns_are(&one, "0 30");
    wherry_loop_statistics_read(loop, &statistics);
    assert_int_equal(statistics.deadlines, 0);
    grouping_spawn(group, &two); /* at 50 */
    loop_fixture_pass(self, 5);
    stepping_turns_are(&two, "60 90");
    wherry_group_free(group);
    wherry_loop_statistics_read(loop, &statistics);
    assert_int_equal(statistics.deadlines, 0);
}

static void spawn_in_group(stepper *self)
{
    if (self->other->task == NULL)
        (void)wherry_spawn_steps(NULL, &self->other->steps, .group = self->group);
    else
        wherry_task_wake(self->other->task);
}

/* A group whose turn is still to come in the pass does not have it for what came meanwhile. */
static void what_comes_for_a_later_group_waits_too(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = loop_fixture_stepped(self, TOCK);
    wherry_group *group;
    stepper one = STEPPER("a", .steps.tock = 50), other = STEPPER("b", .steps.tock = 1000),
            third = STEPPER("c", .steps.tock = 50);

    stepping_spawn(loop, &one);
    group = group_of(loop, NULL, 0);
    grouping_spawn(group, &third);
    one.group = group;
    one.other = &other;
    one.act[STEP_RECUR] = spawn_in_group;
    loop_fixture_pass(self, 1);
    trace_is("a(c(a.b(c.");
    loop_fixture_pass(self, 1);
    trace_is("b.");
    loop_fixture_pass(self, 4);
    trace_is("a.c.");
    loop_fixture_pass(self, 1);
    trace_is("b.");
    loop_fixture_free(self);
    wherry_group_free(group);
}

static void groups_tock_can_be_changed_by_its_task(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = loop_fixture_stepped(self, TOCK);
    stepper own = HOLDER(NULL), one = STEPPER(NULL), two = STEPPER(NULL, .steps.tock = 20);
    wherry_group *group;

    assert_int_equal(wherry_group_new(&group, .loop = loop, .steps = &own.steps,
                                      .members = MEMBERS(&one.steps, &two.steps)),
                     WHERRY_OK);
    assert_int_equal(wherry_task_tock(own.task), 0);
    loop_fixture_pass(self, 2);
    assert_int_equal(wherry_task_set_tock(own.task, 30), WHERRY_OK);
    assert_int_equal(wherry_task_tock(own.task), 30);
    loop_fixture_pass(self, 7);
    stepping_turns_are(&one, "0 10 20 50 80");
    stepping_turns_are(&two, "0 20 50 80");
    assert_int_equal(wherry_task_set_tock(own.task, 0), WHERRY_OK);
    loop_fixture_pass(self, 5);
    stepping_turns_are(&one, "0 10 20 50 80 100 110 120 130"); /* the other is due at 100 */
    wherry_group_free(group);
}

static void set_it_to_30(stepper *self)
{
    if (self->turns == 0)
        assert_int_equal(wherry_task_set_tock(self->other->task, 30), WHERRY_OK);
}

/* The grid begins with the turn in which the tock was set, even if nothing in the group goes on. */
static void tock_set_in_the_groups_turn_counts_from_there(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = loop_fixture_stepped(self, TOCK);
    stepper own = HOLDER(NULL), two = STEPPER(NULL);
    stepper one = STEPPER(NULL, .stop = 1, .act[STEP_RECUR] = set_it_to_30, .other = &own);
    wherry_group *group;

    assert_int_equal(wherry_group_new(&group, .loop = loop, .steps = &own.steps, .tock = 20,
                                      .members = MEMBERS(&one.steps), .always = 1),
                     WHERRY_OK);
    loop_fixture_pass(self, 2);
    grouping_spawn(group, &two); /* at 20 */
    loop_fixture_pass(self, 6);
    stepping_turns_are(&one, "0");
    stepping_turns_are(&two, "30 60");
    wherry_group_free(group);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(groups_have_their_turns_in_order_of_entry),
        ON_LOOP(group_with_a_tock_lets_its_members_wait),
        ON_LOOP(inner_tocks_wait_for_outer_ones),
        ON_LOOP(idle_group_has_no_turns_and_keeps_its_grid),
        ON_LOOP(what_comes_for_a_later_group_waits_too),
        ON_LOOP(groups_tock_can_be_changed_by_its_task),
        ON_LOOP(tock_set_in_the_groups_turn_counts_from_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
