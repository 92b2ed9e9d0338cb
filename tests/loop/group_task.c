/* Groups that are tasks themselves: their own steps around those of their members, who come and go,
 * until all have ended. How they come to be, or do not: group_begin.c; the order in which members
 * are ended together: unwind.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/grouping.h"
#include "support/loop_fixture.h"
#include "support/stepping.h"

static void own_steps_come_first_and_end_last(void **state)
{
    loop_fixture *self = *state;
    stepper own = STEPPER("g"), one = STEPPER("a", .stop = 1), two = STEPPER("b", .stop = 2);
    wherry_group *group;

    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps,
                                      .members = MEMBERS(&one.steps, &two.steps)),
                     WHERRY_OK);
    trace_is("g(a(b(");
    assert_int_equal(wherry_group_count(group), 2);
    assert_int_equal(loop_fixture_tasks(self), 3);
    assert_string_equal(wherry_task_name(own.task), "group");
    assert_string_equal(wherry_task_waits_for(own.task), "its members");
    loop_fixture_finish(self);
    trace_is("g.a.a=a)b.g.b.b=b)g=g)");
    assert_int_equal(own.done, 1);
    assert_int_equal(wherry_group_done(group), 1);
    assert_int_equal(wherry_group_count(group), 0);
    grouping_ended_with(group, 0);
    assert_int_equal(wherry_spawn_steps(NULL, &one.steps, .group = group), WHERRY_E_CANCELED);
    wherry_group_cancel(group);
    assert_int_equal(wherry_group_done(group), 1); /* it had ended */
    wherry_group_free(group);
    trace_is("");
}

static void group_ends_when_all_in_it_have_ended(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a", .stop = 1), two = STEPPER("b", .stop = 2);
    wherry_group *group, *parent;

    assert_int_equal(wherry_group_new(&parent, .loop = self->loop), WHERRY_OK);
    assert_int_equal(wherry_group_new(&group, .parent = parent, .name = "pair",
                                      .members = MEMBERS(&one.steps, &two.steps)),
                     WHERRY_OK);
    loop_fixture_pass(self, 1);
    assert_int_equal(wherry_group_done(group), 0);
    assert_int_equal(wherry_group_count(parent), 1);
    loop_fixture_finish(self);
    trace_is("a(b(a.a=a)b.b.b=b)");
    assert_int_equal(wherry_group_done(group), 1);
    assert_int_equal(wherry_group_count(parent), 0); /* it has left */
    wherry_group_free(parent);
    wherry_group_free(group);
}

static void group_without_members_ends_in_its_first_turn(void **state)
{
    loop_fixture *self = *state;
    stepper own = STEPPER("g"), holder = HOLDER("h"),
            bad = STEPPER("x", .results[STEP_ENTER] = -9999);
    wherry_group *groups[4];

    assert_int_equal(wherry_group_new(&groups[0], .loop = self->loop, .steps = &own.steps),
                     WHERRY_OK);
    assert_int_equal(wherry_group_new(&groups[1], .loop = self->loop, .steps = &holder.steps),
                     WHERRY_OK);
    assert_int_equal(
        wherry_group_new(&groups[2], .loop = self->loop, .members = (wherry_steps *[]){ NULL }),
        WHERRY_OK);
    assert_int_equal(wherry_group_new(&groups[3], .loop = self->loop, .steps = &holder.steps,
                                      .tock = WHERRY_SECONDS(3)),
                     WHERRY_OK);
    assert_int_equal(wherry_spawn_steps(NULL, &bad.steps, .group = groups[1]), -9999);
    assert_int_equal(wherry_group_done(groups[2]), 0);
    assert_int_equal(loop_fixture_tasks(self), 4);
    trace_is("g(h(h(x(x!x)");
    loop_fixture_pass(self, 1);
    trace_is("g.g=g)h=h)h=h)");
    assert_int_equal(loop_fixture_tasks(self), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(wherry_group_done(groups[i]), 1);
        wherry_group_free(groups[i]);
    }
}

static void members_come_and_go_while_it_runs(void **state)
{
    loop_fixture *self = *state;
    stepper own = HOLDER("g"), one = STEPPER("a"), two = STEPPER("b", .stop = 1),
            three = STEPPER("c");
    wherry_group *group;
    wherry_task *task;

    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps,
                                      .members = MEMBERS(&one.steps)),
                     WHERRY_OK);
    loop_fixture_pass(self, 1);
    grouping_spawn(group, &two);
    assert_int_equal(wherry_spawn_steps(&task, &three.steps, .group = group), WHERRY_OK);
    wherry_task_cancel(one.task);
    trace_is("g(a(a.b(c(a/a)");
    loop_fixture_pass(self, 1);
    trace_is("b.b=b)c.");
    wherry_task_cancel(task);
    trace_is("c/c)g=g)");
    assert_int_equal(wherry_group_done(group), 1); /* who is taken out is no failure */
    stepping_ended_with(task, WHERRY_E_CANCELED);
    wherry_group_free(group);
}

static void always_goes_on_when_it_is_empty(void **state)
{
    loop_fixture *self = *state;
    stepper own = HOLDER("g"), one = STEPPER("a", .stop = 1), two = STEPPER("b", .stop = 1);
    wherry_group *group;

    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps,
                                      .members = MEMBERS(&one.steps), .always = 1),
                     WHERRY_OK);
    loop_fixture_pass(self, 3);
    trace_is("g(a(a.a=a)");
    assert_int_equal(wherry_group_done(group), 1);
    assert_int_equal(loop_fixture_tasks(self), 1);
    grouping_ended_with(group, 0);
    grouping_spawn(group, &two);
    assert_int_equal(wherry_group_done(group), 0);
    loop_fixture_pass(self, 3);
    trace_is("b(b.b=b)");
    wherry_group_cancel(group);
    trace_is("g/g)");
    assert_int_equal(wherry_group_done(group), 0);
    assert_int_equal(loop_fixture_tasks(self), 0);
    wherry_group_free(group);
}

static void task_of_a_group_stands_for_it(void **state)
{
    loop_fixture *self = *state;
    stepper own = STEPPER("g"), one = STEPPER("a");
    wherry_group *group;

    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps,
                                      .members = MEMBERS(&one.steps)),
                     WHERRY_OK);
    loop_fixture_pass(self, 1);
    wherry_task_wake(own.task);
    loop_fixture_pass(self, 1);
    trace_is("g(a(g.a.g.");
    wherry_task_cancel(own.task);
    trace_is("a/a)g/g)");
    wherry_group_free(group);
}

/* --- coroutines and their groups */

typedef struct owner {
    stepper *own, *one;
    int limit;
} owner;

static int wait_for_group(void *argument)
{
    owner *all = argument;
    wherry_group *group;
    int result = 77;

    TASK_ASSERT(wherry_group_new(&group, .steps = &all->own->steps,
                                 .members = MEMBERS(&all->one->steps),
                                 .limit = all->limit) == WHERRY_OK);
    TASK_ASSERT(wherry_group_join(group, &result, WHERRY_NOW) == WHERRY_E_WOULD_BLOCK);
    TASK_ASSERT(wherry_group_run(group, 0) == WHERRY_E_MISUSE);
    TASK_ASSERT(wherry_group_join(group, &result, WHERRY_NEVER) == WHERRY_OK);
    trace("j");
    TASK_ASSERT(result == 0);
    wherry_group_free(group);
    return 0;
}

static void group_is_joined_behind_its_last_step(void **state)
{
    loop_fixture *self = *state;
    stepper own = STEPPER("g"), one = STEPPER("a", .stop = 1), two = STEPPER("b");

    loop_fixture_run(self->loop, wait_for_group, &(owner){ &own, &one, 0 });
    trace_is("g(a(g.a.a=a)g=g)j");
    loop_fixture_run(self->loop, wait_for_group, &(owner){ &own, &two, 5 });
    trace_is("g(b(g.b.b/b)g/g)j");
}

static int free_at_once(void *steps)
{
    wherry_group *group;

    TASK_ASSERT(wherry_group_new(&group, .members = steps) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, grouping_end_late, "1", .group = group) == WHERRY_OK);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    wherry_group_free(group);
    trace("f");
    return 0;
}

static void freed_on_a_coroutine_all_has_ended(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a"), two = BODIED("b");

    loop_fixture_run(self->loop, free_at_once, MEMBERS(&one.steps, &two.steps));
    trace_is("a(b(b~a.1b/b)a/a)f"); /* its turn was in the next pass */
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(own_steps_come_first_and_end_last),
        ON_LOOP(group_ends_when_all_in_it_have_ended),
        ON_LOOP(group_without_members_ends_in_its_first_turn),
        ON_LOOP(members_come_and_go_while_it_runs),
        ON_LOOP(always_goes_on_when_it_is_empty),
        ON_LOOP(task_of_a_group_stands_for_it),
        ON_LOOP(group_is_joined_behind_its_last_step),
        ON_LOOP(freed_on_a_coroutine_all_has_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
