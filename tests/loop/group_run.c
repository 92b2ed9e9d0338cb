/* Groups that are run to their end, and the limits of groups: when they end at the latest, and what
 * still has a turn at that instant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/grouping.h"
#include "support/loop_fixture.h"
#include "support/stepping.h"

static uint64_t passes_of(wherry_loop *loop)
{
    wherry_loop_statistics statistics;

    wherry_loop_statistics_read(loop, &statistics);
    return statistics.passes;
}

static void run_goes_on_until_all_is_done(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = loop_fixture_stepped(self, 10);
    stepper one = STEPPER("a", .stop = 2), two = STEPPER("b", .stop = 4), other = STEPPER(NULL);
    wherry_group *group;

    assert_int_equal(wherry_spawn_steps(NULL, &other.steps, .loop = loop), WHERRY_OK);
    assert_int_equal(
        wherry_group_new(&group, .loop = loop, .members = MEMBERS(&one.steps, &two.steps)),
        WHERRY_OK);
    assert_int_equal(wherry_group_run(group, 0), 1);
    trace_is("a(b(a.b.a.a=a)b.b.b.b=b)");
    assert_int_equal(passes_of(loop), 4);
    assert_int_equal(other.turns, 4); /* it is the loop that runs */
    assert_int_equal(wherry_group_run(group, 100), 1);
    assert_int_equal(passes_of(loop), 4); /* it was done */
    assert_int_equal(wherry_group_run(group, -1), WHERRY_E_MISUSE);
    wherry_group_free(group);
    loop_fixture_free(self);
}

static void run_takes_as_many_passes_as_there_are_tocks_in_its_limit(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = loop_fixture_stepped(self, 10);
    stepper one = STEPPER(NULL), two = STEPPER(NULL, .steps.tock = 20);
    wherry_group *group;

    assert_int_equal(wherry_loop_tick(loop, 1000), 1000);
    assert_int_equal(
        wherry_group_new(&group, .loop = loop, .members = MEMBERS(&one.steps, &two.steps)),
        WHERRY_OK);
    assert_int_equal(wherry_group_run(group, 40), 0);
    assert_int_equal(passes_of(loop), 4);
    assert_int_equal(wherry_loop_now(loop), 1040);
    stepping_states_are(&one, "enter 1000 0, recur 1000 1, recur 1010 2, recur 1020 3, "
                              "recur 1030 4, close 1040 5, exit 1040 6");
    stepping_states_are(&two,
                        "enter 1000 0, recur 1000 1, recur 1020 2, close 1040 3, exit 1040 4");
    assert_int_equal(wherry_group_done(group), 0);
    wherry_group_free(group);
    loop_fixture_free(self);
}

static void run_of_one_that_goes_on_always_ends_at_its_limit(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = loop_fixture_stepped(self, 10);
    stepper one = STEPPER("a", .stop = 2);
    wherry_group *group;

    assert_int_equal(
        wherry_group_new(&group, .loop = loop, .members = MEMBERS(&one.steps), .always = 1),
        WHERRY_OK);
    assert_int_equal(wherry_group_run(group, 50), 0);
    trace_is("a(a.a.a=a)");
    assert_int_equal(passes_of(loop), 5);
    wherry_group_free(group);
    loop_fixture_free(self);
}

static void run_in_virtual_time_ends_at_its_limit(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER(NULL, .steps.tock = 30), two = STEPPER(NULL, .steps.tock = 100);
    wherry_group *group;

    assert_int_equal(
        wherry_group_new(&group, .loop = self->loop, .members = MEMBERS(&one.steps, &two.steps)),
        WHERRY_OK);
    assert_int_equal(wherry_group_run(group, 90), 0);
    stepping_states_are(&one,
                        "enter 0 0, recur 0 1, recur 30 2, recur 60 3, close 90 4, exit 90 5");
    assert_int_equal(wherry_loop_now(self->loop), 90);
    wherry_group_free(group);
}

static void run_tells_the_first_failure(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a"), bad = STEPPER("b", .results[STEP_RECUR] = WHERRY_E_FULL);
    wherry_group *group;

    assert_int_equal(
        wherry_group_new(&group, .loop = self->loop, .members = MEMBERS(&one.steps, &bad.steps)),
        WHERRY_OK);
    assert_int_equal(wherry_group_run(group, 0), WHERRY_E_FULL);
    trace_is("a(b(a.b.b!b)a/a)");
    wherry_group_free(group);
}

static void run_sees_coroutines_to_their_end(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a"), two = BODIED("b");
    wherry_group *group, *plain;

    assert_int_equal(
        wherry_group_new(&group, .loop = self->loop, .members = MEMBERS(&one.steps, &two.steps)),
        WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, grouping_end_late, "1", .group = group), WHERRY_OK);
    assert_int_equal(wherry_group_run(group, 10), 0);
    trace_is("a(b(a.b~1b/b)a/a)");
    assert_int_equal(loop_fixture_tasks(self), 0);
    wherry_group_free(group);
    assert_int_equal(wherry_group_new(&plain, .loop = self->loop), WHERRY_OK);
    assert_int_equal(wherry_group_run(plain, 0), 1); /* it is empty */
    assert_int_equal(wherry_spawn(NULL, grouping_end_late, "2", .group = plain), WHERRY_OK);
    assert_int_equal(wherry_group_run(plain, 10), 0);
    trace_is("2");
    wherry_group_free(plain);
}

static void stop_loop(stepper *self)
{
    wherry_loop_stop(wherry_task_loop(self->task));
}

static void run_ends_when_the_loop_is_stopped(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a", .act[STEP_RECUR] = stop_loop);
    wherry_group *group;

    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .members = MEMBERS(&one.steps)),
                     WHERRY_OK);
    assert_int_equal(wherry_group_run(group, 0), 0);
    trace_is("a(a.a/a)");
    wherry_group_free(group);
}

/* --- the limit of a group, whoever runs it */

static void limit_is_a_deadline(void **state)
{
    loop_fixture *self = *state;
    stepper own = STEPPER("g"), one = STEPPER("a"), two = STEPPER("b", .stop = 2);
    wherry_group *groups[3];

    assert_int_equal(wherry_group_new(&groups[0], .loop = self->loop, .steps = &own.steps,
                                      .members = MEMBERS(&one.steps), .tock = 10, .limit = 25),
                     WHERRY_OK);
    assert_int_equal(wherry_group_new(&groups[1], .loop = self->loop, .limit = 5), WHERRY_OK);
    grouping_coroutine(groups[1], "1");
    assert_int_equal(wherry_group_new(&groups[2], .loop = self->loop,
                                      .members = MEMBERS(&two.steps), .tock = 2, .limit = 5),
                     WHERRY_OK);
    loop_fixture_finish(self);
    trace_is("g(a(b(g.a.b.b.b=b)1g.a.g.a.a/a)g/g)");
    assert_int_equal(wherry_loop_now(self->loop), 25);
    assert_int_equal(wherry_group_done(groups[0]), 0);
    assert_int_equal(wherry_group_done(groups[2]), 1);
    assert_int_equal(wherry_spawn(NULL, grouping_end_late, "", .group = groups[1]),
                     WHERRY_E_CANCELED);
    for (int i = 0; i < 3; i++)
        wherry_group_free(groups[i]);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(run_goes_on_until_all_is_done),
        ON_LOOP(run_takes_as_many_passes_as_there_are_tocks_in_its_limit),
        ON_LOOP(run_of_one_that_goes_on_always_ends_at_its_limit),
        ON_LOOP(run_in_virtual_time_ends_at_its_limit),
        ON_LOOP(run_tells_the_first_failure),
        ON_LOOP(run_sees_coroutines_to_their_end),
        ON_LOOP(run_ends_when_the_loop_is_stopped),
        ON_LOOP(limit_is_a_deadline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
