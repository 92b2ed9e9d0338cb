/* Unwinding: in which order what is in a group ends together, after a failure and when it is
 * stopped. Whoever may stop whom in which of its steps: unwind_any_step.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/grouping.h"
#include "support/loop_fixture.h"
#include "support/stepping.h"

/* --- failures */

static void failing_member_ends_the_rest_in_reverse(void **state)
{
    loop_fixture *self = *state;
    stepper own = HOLDER("g"), one = STEPPER("a"),
            two = STEPPER("b", .results[STEP_RECUR] = WHERRY_E_FULL, .fail_at = 2),
            three = STEPPER("c");
    wherry_group *group;

    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps,
                                      .members = MEMBERS(&one.steps, &two.steps, &three.steps)),
                     WHERRY_OK);
    loop_fixture_finish(self);
    trace_is("g(a(b(c(a.b.c.a.b.b!b)c/c)a/a)g!g)");
    assert_int_equal(own.reason, WHERRY_E_FULL);
    assert_int_equal(wherry_group_done(group), 0);
    grouping_ended_with(group, WHERRY_E_FULL);
    assert_int_equal(wherry_group_run(group, 0), WHERRY_E_FULL);
    wherry_group_free(group);
    assert_int_equal(logged(""), 0);
}

static void failing_own_step_ends_the_members_first(void **state)
{
    loop_fixture *self = *state;

    for (int keeps_going = 0; keeps_going < 2; keeps_going++) {
        stepper own = STEPPER("g", .results[STEP_RECUR] = WHERRY_E_FULL, .fail_at = 2),
                one = STEPPER("a"), two = STEPPER("b");
        wherry_group *group;

        assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps,
                                          .members = MEMBERS(&one.steps, &two.steps),
                                          .keep_going = keeps_going),
                         WHERRY_OK);
        loop_fixture_finish(self);
        trace_is("g(a(b(g.a.b.g.b/b)a/a)g!g)");
        assert_int_equal(own.reason, WHERRY_E_FULL);
        grouping_ended_with(group, WHERRY_E_FULL);
        wherry_group_free(group);
    }
}

static void failing_last_step_of_a_group_is_its_failure(void **state)
{
    loop_fixture *self = *state;

    for (step at = STEP_CLEAN; at <= STEP_EXIT; at += STEP_EXIT - STEP_CLEAN) {
        stepper own = HOLDER("g"), one = STEPPER("a", .stop = 1), other = STEPPER("o");
        wherry_group *group, *parent;

        own.results[at] = WHERRY_E_FULL;
        assert_int_equal(wherry_group_new(&parent, .loop = self->loop), WHERRY_OK);
        assert_int_equal(wherry_group_new(&group, .parent = parent, .steps = &own.steps,
                                          .members = MEMBERS(&one.steps)),
                         WHERRY_OK);
        grouping_spawn(parent, &other);
        loop_fixture_finish(self);
        trace_is(at == STEP_CLEAN ? "g(a(o(a.a=a)g=g!g)o/o)" : "g(a(o(a.a=a)g=g)o/o)");
        assert_int_equal(wherry_group_done(group), 0);
        grouping_ended_with(group, WHERRY_E_FULL);
        grouping_ended_with(parent, WHERRY_E_FULL);
        wherry_group_free(parent);
        wherry_group_free(group);
    }
}

static void inner_groups_end_before_what_is_around_them(void **state)
{
    loop_fixture *self = *state;
    stepper outer = HOLDER("p"), before = STEPPER("x"), inner = HOLDER("g"),
            bad = STEPPER("b", .results[STEP_RECUR] = WHERRY_E_FULL, .fail_at = 2),
            good = STEPPER("a"), behind = STEPPER("z");
    wherry_group *parent, *group, *last;

    assert_int_equal(wherry_group_new(&parent, .loop = self->loop, .steps = &outer.steps,
                                      .members = MEMBERS(&before.steps)),
                     WHERRY_OK);
    assert_int_equal(wherry_group_new(&group, .parent = parent, .steps = &inner.steps,
                                      .members = MEMBERS(&good.steps, &bad.steps)),
                     WHERRY_OK);
    assert_int_equal(wherry_group_new(&last, .parent = parent, .members = MEMBERS(&behind.steps)),
                     WHERRY_OK);
    loop_fixture_pass(self, 1);
    trace_is("p(x(g(a(b(z(x.a.b.z.");
    loop_fixture_finish(self);
    trace_is("x.a.b.b!b)a/a)g!g)z/z)x/x)p!p)");
    assert_int_equal(inner.reason, WHERRY_E_FULL);
    assert_int_equal(outer.reason, WHERRY_E_FULL);
    grouping_ended_with(parent, WHERRY_E_FULL);
    grouping_ended_with(group, WHERRY_E_FULL);
    grouping_ended_with(last, 0);
    wherry_group_free(parent);
    wherry_group_free(group);
    wherry_group_free(last);
}

/* The inner group cannot end before its coroutine has; what is around it waits for that. */
static void inner_failure_is_waited_for(void **state)
{
    loop_fixture *self = *state;
    stepper outer = HOLDER("p"), before = STEPPER("x"),
            bad = STEPPER("b", .results[STEP_RECUR] = WHERRY_E_FULL, .fail_at = 2),
            good = STEPPER("a"), behind = STEPPER("z");
    wherry_group *parent, *group;

    assert_int_equal(wherry_group_new(&parent, .loop = self->loop, .steps = &outer.steps,
                                      .members = MEMBERS(&before.steps)),
                     WHERRY_OK);
    assert_int_equal(wherry_group_new(&group, .parent = parent, .members = MEMBERS(&good.steps)),
                     WHERRY_OK);
    grouping_coroutine(group, "1");
    grouping_spawn(group, &bad);
    grouping_coroutine(parent, "2");
    grouping_spawn(parent, &behind);
    loop_fixture_pass(self, 1);
    trace_is("p(x(a(b(z(x.a.b.z.");
    loop_fixture_finish(self);
    trace_is("x.a.b.b!b)1a/a)z/z)2x/x)p!p)");
    wherry_group_free(parent);
    wherry_group_free(group);
}

static void group_that_keeps_going_outlives_failures(void **state)
{
    loop_fixture *self = *state;
    stepper own = HOLDER("g"), bad = STEPPER("b", .results[STEP_RECUR] = WHERRY_E_FULL),
            good = STEPPER("a", .stop = 2), other = STEPPER("o", .stop = 3);
    wherry_group *parent, *group;

    assert_int_equal(wherry_group_new(&parent, .loop = self->loop, .keep_going = 1), WHERRY_OK);
    assert_int_equal(wherry_group_new(&group, .parent = parent, .steps = &own.steps,
                                      .members = MEMBERS(&good.steps, &bad.steps), .keep_going = 1),
                     WHERRY_OK);
    grouping_spawn(parent, &other);
    loop_fixture_finish(self);
    trace_is("g(a(b(o(a.b.b!b)o.a.a=a)g=g)o.o.o=o)");
    grouping_ended_with(group, WHERRY_E_FULL);
    assert_int_equal(wherry_group_done(group), 0);
    grouping_ended_with(parent, WHERRY_E_FULL);
    wherry_group_free(parent);
    wherry_group_free(group);
}

static void kept_going_inner_group_is_stopped_and_ends_first(void **state)
{
    loop_fixture *self = *state;
    stepper own = HOLDER("g"), bad = STEPPER("b", .results[STEP_RECUR] = WHERRY_E_FULL),
            good = STEPPER("a"), other = STEPPER("o");
    wherry_group *parent, *group;

    assert_int_equal(wherry_group_new(&parent, .loop = self->loop), WHERRY_OK);
    assert_int_equal(wherry_group_new(&group, .parent = parent, .steps = &own.steps,
                                      .members = MEMBERS(&good.steps, &bad.steps), .keep_going = 1),
                     WHERRY_OK);
    grouping_spawn(parent, &other);
    loop_fixture_finish(self);
    trace_is("g(a(b(o(a.b.b!b)a/a)g/g)o/o)"); /* its parent has stopped it */
    grouping_ended_with(parent, WHERRY_E_FULL);
    wherry_group_free(parent);
    wherry_group_free(group);
}

/* --- stopping */

static void canceled_group_ends_in_strict_reverse(void **state)
{
    loop_fixture *self = *state;
    stepper own = STEPPER("g"), one = STEPPER("a"), two = BODIED("b"), three = HOLDER("c"),
            four = STEPPER("d"), five = STEPPER("e");
    wherry_group *group, *inner;

    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps,
                                      .members = MEMBERS(&one.steps, &two.steps)),
                     WHERRY_OK);
    grouping_coroutine(group, "1");
    assert_int_equal(wherry_group_new(&inner, .parent = group, .members = MEMBERS(&three.steps)),
                     WHERRY_OK);
    grouping_coroutine(inner, "2");
    grouping_spawn(inner, &four);
    grouping_spawn(group, &five);
    grouping_coroutine(group, "3");
    loop_fixture_pass(self, 1);
    trace_is("g(a(b(c(d(e(g.a.d.e.b~");
    wherry_group_cancel(group);
    trace_is(""); /* the newest is a coroutine, which has still to end */
    assert_int_equal(wherry_spawn_steps(NULL, &one.steps, .group = inner), WHERRY_E_CANCELED);
    loop_fixture_finish(self);
    /* coroutines are told of it at once; what was entered ends from the newest on */
    trace_is("23e/e)d/d)c/c)1b/b)a/a)g/g)");
    assert_int_equal(wherry_group_done(group), 0);
    wherry_group_free(group);
    wherry_group_free(inner);
}

/* A group that is ending, when what is around it is stopped too, ends behind what is newer there.
 */
static void what_is_stopped_meanwhile_gives_the_order(void **state)
{
    loop_fixture *self = *state;
    stepper outer_own = HOLDER("o"), own = HOLDER("g"), behind = HOLDER("c");
    stepper one = HOLDER("a", .act[STEP_CLOSE] = grouping_cancel), two = STEPPER("b", .fail_at = 1);
    stepper first = HOLDER("f");
    wherry_group *outer, *group;

    two.results[STEP_RECUR] = WHERRY_E_FULL;
    assert_int_equal(
        wherry_group_new(&outer, .loop = self->loop, .steps = &outer_own.steps, .keep_going = 1),
        WHERRY_OK);
    one.group = outer;
    assert_int_equal(wherry_group_new(&group, .parent = outer, .steps = &own.steps,
                                      .members = MEMBERS(&first.steps, &one.steps, &two.steps)),
                     WHERRY_OK);
    grouping_spawn(outer, &behind);
    grouping_coroutine(outer, "1");
    loop_fixture_finish(self);
    trace_is("o(g(f(a(b(c(b.b!b)a/a)c/c)f/f)g!g)o/o)"); /* the coroutine had not begun */
    wherry_group_free(outer);
    wherry_group_free(group);
}

static int return_at_once(wherry_steps *steps, wherry_task *task)
{
    (void)task;
    trace(((stepper *)steps)->name);
    trace("r");
    return 0;
}

/* What has nothing to do any more, or fails, in a group that is canceled waits for its order. */
static void whatever_ends_meanwhile_keeps_its_order(void **state)
{
    loop_fixture *self = *state;
    stepper one = BODIED("a"), two = BODIED("b"), three = BODIED("c", .results[STEP_BODY] = 0);
    wherry_group *group;

    two.steps.body = return_at_once;
    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .members = MEMBERS(&one.steps)),
                     WHERRY_OK);
    loop_fixture_pass(self, 1);
    grouping_spawn(group, &two);
    grouping_spawn(group, &three);
    loop_fixture_pass(self, 1);
    trace_is("a(a~b(c(brb=b)c~");
    assert_int_equal(wherry_spawn(NULL, grouping_end_late, "1", .group = group), WHERRY_OK);
    loop_fixture_pass(self, 1);
    wherry_group_cancel(group);
    trace_is("");
    loop_fixture_finish(self);
    trace_is("1c/c)a/a)");
    wherry_group_free(group);
}

/* The step that stops its own group is on the stack: it ends in its order when that returns, as
 * that says. */
static void step_that_stops_its_group_ends_as_it_says(void **state)
{
    loop_fixture *self = *state;
    static const int results[] = { 0, 1, WHERRY_E_FULL };
    static const char *const expected[] = { "a.b.c/c)b/b)a/a)", "a.b.c/c)b=b)a/a)",
                                            "a.b.c/c)b!b)a/a)" };

    for (int i = 0; i < 3; i++) {
        stepper one = STEPPER("a"), two = STEPPER("b", .act[STEP_RECUR] = grouping_cancel),
                three = STEPPER("c");
        wherry_group *group;

        two.results[STEP_RECUR] = results[i];
        assert_int_equal(wherry_group_new(&group, .loop = self->loop), WHERRY_OK);
        two.group = group;
        grouping_spawn(group, &one);
        grouping_spawn(group, &two);
        grouping_spawn(group, &three);
        trace_is("a(b(c(");
        loop_fixture_finish(self);
        trace_is(expected[i]);
        grouping_ended_with(group, i == 2 ? WHERRY_E_FULL : 0);
        wherry_group_free(group);
    }
}

static void own_step_may_stop_its_group(void **state)
{
    loop_fixture *self = *state;
    static const int results[] = { 0, 1, WHERRY_E_FULL };

    for (int i = 0; i < 3; i++) {
        stepper own = STEPPER("g", .act[STEP_RECUR] = grouping_cancel), one = STEPPER("a");
        wherry_group *group;

        own.results[STEP_RECUR] = results[i];
        assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps,
                                          .members = MEMBERS(&one.steps)),
                         WHERRY_OK);
        own.group = group;
        loop_fixture_finish(self);
        trace_is(i == 2 ? "g(a(g.a/a)g!g)" : "g(a(g.a/a)g/g)");
        grouping_ended_with(group, i == 2 ? WHERRY_E_FULL : 0);
        wherry_group_free(group);
    }
}

static wherry_group *older;

static int free_older(void *unused)
{
    (void)unused;
    (void)wherry_sleep(WHERRY_NEVER);
    wherry_group_free(older);
    trace("f");
    return 0;
}

/* Who frees a group that is canceled with him, and that was there before him, does not wait for
 * his own end. */
static void group_that_is_freed_ends_before_its_order(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a"), own = HOLDER("g"), before = STEPPER("x");
    wherry_group *parent;

    assert_int_equal(
        wherry_group_new(&parent, .loop = self->loop, .members = MEMBERS(&before.steps)),
        WHERRY_OK);
    assert_int_equal(wherry_group_new(&older, .parent = parent, .steps = &own.steps,
                                      .members = MEMBERS(&one.steps)),
                     WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, free_older, NULL, .group = parent), WHERRY_OK);
    loop_fixture_pass(self, 1);
    trace_is("x(g(a(x.a.");
    wherry_group_cancel(parent);
    trace_is("");
    loop_fixture_finish(self);
    trace_is("a/a)g/g)fx/x)");
    wherry_group_free(parent);
}

/* --- the loop's end */

static void loop_ends_groups_too(void **state)
{
    loop_fixture *self = *state;
    stepper first = STEPPER("x"), own = HOLDER("g"), one = STEPPER("a"), inner = BODIED("b"),
            last = STEPPER("z");
    wherry_group *group, *child;

    assert_int_equal(wherry_spawn_steps(NULL, &first.steps, .loop = self->loop), WHERRY_OK);
    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps,
                                      .members = MEMBERS(&one.steps), .limit = 1000),
                     WHERRY_OK);
    assert_int_equal(wherry_group_new(&child, .parent = group, .members = MEMBERS(&inner.steps)),
                     WHERRY_OK);
    assert_int_equal(wherry_spawn_steps(NULL, &last.steps, .loop = self->loop), WHERRY_OK);
    grouping_coroutine(group, "1");
    loop_fixture_pass(self, 1);
    trace_is("x(g(a(b(z(x.a.z.b~");
    loop_fixture_free(self);
    trace_is("z/z)1b/b)a/a)g/g)x/x)");
    assert_int_equal(wherry_group_count(group), 0);
    assert_int_equal(wherry_group_done(group), 0);
    wherry_group_free(group);
    wherry_group_free(child);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(failing_member_ends_the_rest_in_reverse),
        ON_LOOP(failing_own_step_ends_the_members_first),
        ON_LOOP(failing_last_step_of_a_group_is_its_failure),
        ON_LOOP(inner_groups_end_before_what_is_around_them),
        ON_LOOP(inner_failure_is_waited_for),
        ON_LOOP(group_that_keeps_going_outlives_failures),
        ON_LOOP(kept_going_inner_group_is_stopped_and_ends_first),
        ON_LOOP(canceled_group_ends_in_strict_reverse),
        ON_LOOP(what_is_stopped_meanwhile_gives_the_order),
        ON_LOOP(whatever_ends_meanwhile_keeps_its_order),
        ON_LOOP(step_that_stops_its_group_ends_as_it_says),
        ON_LOOP(own_step_may_stop_its_group),
        ON_LOOP(group_that_is_freed_ends_before_its_order),
        ON_LOOP(loop_ends_groups_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
