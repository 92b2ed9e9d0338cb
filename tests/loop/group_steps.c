/* Groups with steps in them, and groups that are tasks themselves: how they begin, and in which
 * order they end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/loop_fixture.h"
#include "support/stepping.h"

#define LIST(...) ((wherry_steps *[]){ __VA_ARGS__, NULL })

static void passes(loop_fixture *self, int count)
{
    for (int i = 0; i < count; i++)
        assert_true(wherry_loop_step(self->loop) >= 0);
}

static void run(loop_fixture *self)
{
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
}

static void spawn_in(wherry_group *group, stepper *one)
{
    assert_int_equal(wherry_spawn_steps(NULL, &one->steps, .group = group), WHERRY_OK);
}

static void coroutine_in(wherry_group *group, const char *name)
{
    assert_int_equal(
        wherry_spawn(NULL, stepping_coroutine, (char *)(uintptr_t)name, .group = group), WHERRY_OK);
}

static void result_is(wherry_group *group, int expected)
{
    int result = 77;

    assert_int_equal(wherry_group_join(group, &result, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(result, expected);
}

static size_t tasks_of(loop_fixture *self)
{
    wherry_loop_statistics statistics;

    wherry_loop_statistics_read(self->loop, &statistics);
    return statistics.tasks;
}

/* --- making */

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
    assert_int_equal(wherry_group_new(&parent, .loop = self->loop, .members = LIST(&one.steps)),
                     WHERRY_OK);
    wherry_group_cancel(parent);
    assert_int_equal(wherry_group_new(&group, .parent = parent, .steps = &own.steps),
                     WHERRY_E_CANCELED);
    wherry_group_free(parent);
    assert_null(group);
    assert_int_equal(wherry_group_run(NULL, 0), WHERRY_E_MISUSE);
    trace_is("a(a/a)");
}

static void own_steps_come_first_and_end_last(void **state)
{
    loop_fixture *self = *state;
    stepper own = STEPPER("g"), one = STEPPER("a", .stop = 1), two = STEPPER("b", .stop = 2);
    wherry_group *group;

    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps,
                                      .members = LIST(&one.steps, &two.steps)),
                     WHERRY_OK);
    trace_is("g(a(b(");
    assert_int_equal(wherry_group_count(group), 2);
    assert_int_equal(tasks_of(self), 3);
    assert_string_equal(wherry_task_name(own.task), "group");
    assert_string_equal(wherry_task_waits_for(own.task), "its members");
    run(self);
    trace_is("g.a.a=a)b.g.b.b=b)g=g)");
    assert_int_equal(own.done, 1);
    assert_int_equal(wherry_group_done(group), 1);
    assert_int_equal(wherry_group_count(group), 0);
    result_is(group, 0);
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
                                      .members = LIST(&one.steps, &two.steps)),
                     WHERRY_OK);
    passes(self, 1);
    assert_int_equal(wherry_group_done(group), 0);
    assert_int_equal(wherry_group_count(parent), 1);
    run(self);
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
    assert_int_equal(tasks_of(self), 4);
    trace_is("g(h(h(x(x!x)");
    passes(self, 1);
    trace_is("g.g=g)h=h)h=h)");
    assert_int_equal(tasks_of(self), 0);
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
                                      .members = LIST(&one.steps)),
                     WHERRY_OK);
    passes(self, 1);
    spawn_in(group, &two);
    assert_int_equal(wherry_spawn_steps(&task, &three.steps, .group = group), WHERRY_OK);
    wherry_task_cancel(one.task);
    trace_is("g(a(a.b(c(a/a)");
    passes(self, 1);
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
                                      .members = LIST(&one.steps), .always = 1),
                     WHERRY_OK);
    passes(self, 3);
    trace_is("g(a(a.a=a)");
    assert_int_equal(wherry_group_done(group), 1);
    assert_int_equal(tasks_of(self), 1);
    result_is(group, 0);
    spawn_in(group, &two);
    assert_int_equal(wherry_group_done(group), 0);
    passes(self, 3);
    trace_is("b(b.b=b)");
    wherry_group_cancel(group);
    trace_is("g/g)");
    assert_int_equal(wherry_group_done(group), 0);
    assert_int_equal(tasks_of(self), 0);
    wherry_group_free(group);
}

/* --- failures */

static void failing_member_ends_the_rest_in_reverse(void **state)
{
    loop_fixture *self = *state;
    stepper own = HOLDER("g"), one = STEPPER("a"),
            two = STEPPER("b", .results[STEP_RECUR] = WHERRY_E_FULL, .fail_at = 2),
            three = STEPPER("c");
    wherry_group *group;

    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps,
                                      .members = LIST(&one.steps, &two.steps, &three.steps)),
                     WHERRY_OK);
    run(self);
    trace_is("g(a(b(c(a.b.c.a.b.b!b)c/c)a/a)g!g)");
    assert_int_equal(own.reason, WHERRY_E_FULL);
    assert_int_equal(wherry_group_done(group), 0);
    result_is(group, WHERRY_E_FULL);
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
                                          .members = LIST(&one.steps, &two.steps),
                                          .keep_going = keeps_going),
                         WHERRY_OK);
        run(self);
        trace_is("g(a(b(g.a.b.g.b/b)a/a)g!g)");
        assert_int_equal(own.reason, WHERRY_E_FULL);
        result_is(group, WHERRY_E_FULL);
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
                                          .members = LIST(&one.steps)),
                         WHERRY_OK);
        spawn_in(parent, &other);
        run(self);
        trace_is(at == STEP_CLEAN ? "g(a(o(a.a=a)g=g!g)o/o)" : "g(a(o(a.a=a)g=g)o/o)");
        assert_int_equal(wherry_group_done(group), 0);
        result_is(group, WHERRY_E_FULL);
        result_is(parent, WHERRY_E_FULL);
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
                                      .members = LIST(&before.steps)),
                     WHERRY_OK);
    assert_int_equal(wherry_group_new(&group, .parent = parent, .steps = &inner.steps,
                                      .members = LIST(&good.steps, &bad.steps)),
                     WHERRY_OK);
    assert_int_equal(wherry_group_new(&last, .parent = parent, .members = LIST(&behind.steps)),
                     WHERRY_OK);
    passes(self, 1);
    trace_is("p(x(g(a(b(z(x.a.b.z.");
    run(self);
    trace_is("x.a.b.b!b)a/a)g!g)z/z)x/x)p!p)");
    assert_int_equal(inner.reason, WHERRY_E_FULL);
    assert_int_equal(outer.reason, WHERRY_E_FULL);
    result_is(parent, WHERRY_E_FULL);
    result_is(group, WHERRY_E_FULL);
    result_is(last, 0);
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
                                      .members = LIST(&before.steps)),
                     WHERRY_OK);
    assert_int_equal(wherry_group_new(&group, .parent = parent, .members = LIST(&good.steps)),
                     WHERRY_OK);
    coroutine_in(group, "1");
    spawn_in(group, &bad);
    coroutine_in(parent, "2");
    spawn_in(parent, &behind);
    passes(self, 1);
    trace_is("p(x(a(b(z(x.a.b.z.");
    run(self);
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
                                      .members = LIST(&good.steps, &bad.steps), .keep_going = 1),
                     WHERRY_OK);
    spawn_in(parent, &other);
    run(self);
    trace_is("g(a(b(o(a.b.b!b)o.a.a=a)g=g)o.o.o=o)");
    result_is(group, WHERRY_E_FULL);
    assert_int_equal(wherry_group_done(group), 0);
    result_is(parent, WHERRY_E_FULL);
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
                                      .members = LIST(&good.steps, &bad.steps), .keep_going = 1),
                     WHERRY_OK);
    spawn_in(parent, &other);
    run(self);
    trace_is("g(a(b(o(a.b.b!b)a/a)g/g)o/o)"); /* its parent has stopped it */
    result_is(parent, WHERRY_E_FULL);
    wherry_group_free(parent);
    wherry_group_free(group);
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
                                          .members = LIST(&steppers[1].steps, &steppers[2].steps,
                                                          &steppers[3].steps)),
                         WHERRY_E_REFUSED);
        trace_is(expected[failing]);
        assert_null(group);
        assert_int_equal(steppers[0].reason, WHERRY_E_REFUSED);
        assert_int_equal(tasks_of(self), 0);
        assert_int_equal(wherry_group_count(parent), 0);
        result_is(parent, 0);
        assert_int_equal(wherry_group_done(parent), 1);
        wherry_group_free(parent);
    }
}

/* --- stopping */

static void canceled_group_ends_in_strict_reverse(void **state)
{
    loop_fixture *self = *state;
    stepper own = STEPPER("g"), one = STEPPER("a"), two = BODIED("b"), three = HOLDER("c"),
            four = STEPPER("d"), five = STEPPER("e");
    wherry_group *group, *inner;

    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps,
                                      .members = LIST(&one.steps, &two.steps)),
                     WHERRY_OK);
    coroutine_in(group, "1");
    assert_int_equal(wherry_group_new(&inner, .parent = group, .members = LIST(&three.steps)),
                     WHERRY_OK);
    coroutine_in(inner, "2");
    spawn_in(inner, &four);
    spawn_in(group, &five);
    coroutine_in(group, "3");
    passes(self, 1);
    trace_is("g(a(b(c(d(e(g.a.d.e.b~");
    wherry_group_cancel(group);
    trace_is(""); /* the newest is a coroutine, which has still to end */
    assert_int_equal(wherry_spawn_steps(NULL, &one.steps, .group = inner), WHERRY_E_CANCELED);
    run(self);
    /* coroutines are told of it at once; what was entered ends from the newest on */
    trace_is("23e/e)d/d)c/c)1b/b)a/a)g/g)");
    assert_int_equal(wherry_group_done(group), 0);
    wherry_group_free(group);
    wherry_group_free(inner);
}

static void stop_group(stepper *self)
{
    wherry_group_cancel(self->group);
}

/* A group that is ending, when what is around it is stopped too, ends behind what is newer there.
 */
static void what_is_stopped_meanwhile_gives_the_order(void **state)
{
    loop_fixture *self = *state;
    stepper outer_own = HOLDER("o"), own = HOLDER("g"), behind = HOLDER("c");
    stepper one = HOLDER("a", .act[STEP_CLOSE] = stop_group), two = STEPPER("b", .fail_at = 1);
    stepper first = HOLDER("f");
    wherry_group *outer, *group;

    two.results[STEP_RECUR] = WHERRY_E_FULL;
    assert_int_equal(
        wherry_group_new(&outer, .loop = self->loop, .steps = &outer_own.steps, .keep_going = 1),
        WHERRY_OK);
    one.group = outer;
    assert_int_equal(wherry_group_new(&group, .parent = outer, .steps = &own.steps,
                                      .members = LIST(&first.steps, &one.steps, &two.steps)),
                     WHERRY_OK);
    spawn_in(outer, &behind);
    coroutine_in(outer, "1");
    run(self);
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

/* Uncancelably, for a few passes. */
static int end_late(void *text)
{
    wherry_group *group;

    (void)wherry_sleep(WHERRY_NEVER);
    if (wherry_group_new(&group) == WHERRY_OK)
        wherry_group_free(group);
    trace(text);
    return WHERRY_OK;
}

/* What has nothing to do any more, or fails, in a group that is canceled waits for its order. */
static void whatever_ends_meanwhile_keeps_its_order(void **state)
{
    loop_fixture *self = *state;
    stepper one = BODIED("a"), two = BODIED("b"), three = BODIED("c", .results[STEP_BODY] = 0);
    wherry_group *group;

    two.steps.body = return_at_once;
    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .members = LIST(&one.steps)),
                     WHERRY_OK);
    passes(self, 1);
    spawn_in(group, &two);
    spawn_in(group, &three);
    passes(self, 1);
    trace_is("a(a~b(c(brb=b)c~");
    assert_int_equal(wherry_spawn(NULL, end_late, "1", .group = group), WHERRY_OK);
    passes(self, 1);
    wherry_group_cancel(group);
    trace_is("");
    run(self);
    trace_is("1c/c)a/a)");
    wherry_group_free(group);
}

static void cancel_group(stepper *self)
{
    wherry_group_cancel(self->group);
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
        stepper one = STEPPER("a"), two = STEPPER("b", .act[STEP_RECUR] = cancel_group),
                three = STEPPER("c");
        wherry_group *group;

        two.results[STEP_RECUR] = results[i];
        assert_int_equal(wherry_group_new(&group, .loop = self->loop), WHERRY_OK);
        two.group = group;
        spawn_in(group, &one);
        spawn_in(group, &two);
        spawn_in(group, &three);
        trace_is("a(b(c(");
        run(self);
        trace_is(expected[i]);
        result_is(group, i == 2 ? WHERRY_E_FULL : 0);
        wherry_group_free(group);
    }
}

static void own_step_may_stop_its_group(void **state)
{
    loop_fixture *self = *state;
    static const int results[] = { 0, 1, WHERRY_E_FULL };

    for (int i = 0; i < 3; i++) {
        stepper own = STEPPER("g", .act[STEP_RECUR] = cancel_group), one = STEPPER("a");
        wherry_group *group;

        own.results[STEP_RECUR] = results[i];
        assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps,
                                          .members = LIST(&one.steps)),
                         WHERRY_OK);
        own.group = group;
        run(self);
        trace_is(i == 2 ? "g(a(g.a/a)g!g)" : "g(a(g.a/a)g/g)");
        result_is(group, i == 2 ? WHERRY_E_FULL : 0);
        wherry_group_free(group);
    }
}

static void task_of_a_group_stands_for_it(void **state)
{
    loop_fixture *self = *state;
    stepper own = STEPPER("g"), one = STEPPER("a");
    wherry_group *group;

    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps,
                                      .members = LIST(&one.steps)),
                     WHERRY_OK);
    passes(self, 1);
    wherry_task_wake(own.task);
    passes(self, 1);
    trace_is("g(a(g.a.g.");
    wherry_task_cancel(own.task);
    trace_is("a/a)g/g)");
    wherry_group_free(group);
}

static void limit_is_a_deadline(void **state)
{
    loop_fixture *self = *state;
    stepper own = STEPPER("g"), one = STEPPER("a"), two = STEPPER("b", .stop = 2);
    wherry_group *groups[3];

    assert_int_equal(wherry_group_new(&groups[0], .loop = self->loop, .steps = &own.steps,
                                      .members = LIST(&one.steps), .tock = 10, .limit = 25),
                     WHERRY_OK);
    assert_int_equal(wherry_group_new(&groups[1], .loop = self->loop, .limit = 5), WHERRY_OK);
    coroutine_in(groups[1], "1");
    assert_int_equal(wherry_group_new(&groups[2], .loop = self->loop, .members = LIST(&two.steps),
                                      .tock = 2, .limit = 5),
                     WHERRY_OK);
    run(self);
    trace_is("g(a(b(g.a.b.b.b=b)1g.a.g.a.a/a)g/g)");
    assert_int_equal(wherry_loop_now(self->loop), 25);
    assert_int_equal(wherry_group_done(groups[0]), 0);
    assert_int_equal(wherry_group_done(groups[2]), 1);
    assert_int_equal(wherry_spawn(NULL, end_late, "", .group = groups[1]), WHERRY_E_CANCELED);
    for (int i = 0; i < 3; i++)
        wherry_group_free(groups[i]);
}

/* --- taking out, in each step and in every direction */

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
    passes(self, 2);
    if (!all.acted && at == STEP_CLOSE)
        wherry_task_cancel(all.actor.task);
    passes(self, 2);
    assert_true(all.acted);
    if (!all.freed_parent)
        wherry_group_free(all.parent);
    if (!all.freed_group)
        wherry_group_free(all.group);
    assert_int_equal(tasks_of(self), 0);
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

/* --- coroutines and their groups */

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

    assert_int_equal(wherry_group_new(&parent, .loop = self->loop, .members = LIST(&before.steps)),
                     WHERRY_OK);
    assert_int_equal(wherry_group_new(&older, .parent = parent, .steps = &own.steps,
                                      .members = LIST(&one.steps)),
                     WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, free_older, NULL, .group = parent), WHERRY_OK);
    passes(self, 1);
    trace_is("x(g(a(x.a.");
    wherry_group_cancel(parent);
    trace_is("");
    run(self);
    trace_is("a/a)g/g)fx/x)");
    wherry_group_free(parent);
}

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
                                 .members = LIST(&all->one->steps),
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
    TASK_ASSERT(wherry_spawn(NULL, end_late, "1", .group = group) == WHERRY_OK);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    wherry_group_free(group);
    trace("f");
    return 0;
}

static void freed_on_a_coroutine_all_has_ended(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a"), two = BODIED("b");

    loop_fixture_run(self->loop, free_at_once, LIST(&one.steps, &two.steps));
    trace_is("a(b(b~a.1b/b)a/a)f"); /* its turn was in the next pass */
}

static void make_group(stepper *self)
{
    if (self->group == NULL && wherry_group_new(&self->group, .loop = wherry_task_loop(self->task),
                                                .members = LIST(&self->other->steps)) < 0)
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
        passes(self, 1);
        if (at == STEP_CLOSE)
            wherry_task_cancel(one.task);
        run(self);
        assert_int_equal(other.done, 1);
        stepping_is_whole(&other);
        stepping_is_whole(&one);
        assert_int_equal(wherry_group_done(one.group), 1);
        wherry_group_free(one.group);
    }
}

static void cancel_parent(stepper *self)
{
    wherry_group_cancel(self->group);
}

static void group_whose_parent_is_canceled_meanwhile_is_none(void **state)
{
    loop_fixture *self = *state;

    for (int which = 0; which < 3; which++) {
        stepper steppers[] = { HOLDER("g"), STEPPER("a"), STEPPER("b") };
        static const char *const expected[] = { "g(g/g)", "g(a(a/a)g/g)", "g(a(b(b/b)a/a)g/g)" };
        wherry_group *parent, *group = NULL;

        assert_int_equal(wherry_group_new(&parent, .loop = self->loop), WHERRY_OK);
        steppers[which].group = parent;
        steppers[which].act[STEP_ENTER] = cancel_parent;
        assert_int_equal(wherry_group_new(&group, .parent = parent, .steps = &steppers[0].steps,
                                          .members = LIST(&steppers[1].steps, &steppers[2].steps)),
                         WHERRY_E_CANCELED);
        trace_is(expected[which]);
        assert_null(group);
        assert_int_equal(wherry_group_count(parent), 0);
        wherry_group_free(parent);
        assert_int_equal(tasks_of(self), 0);
    }
}

static void cancel_own(stepper *self)
{
    wherry_task_cancel(self->other->task);
}

static void group_that_is_canceled_while_it_begins_is_none(void **state)
{
    loop_fixture *self = *state;

    for (int which = 0; which < 3; which++) {
        stepper steppers[] = { HOLDER("g"), STEPPER("a"), STEPPER("b") };
        static const char *const expected[] = { "g(g/g)", "g(a(a/a)g/g)", "g(a(b(b/b)a/a)g/g)" };
        wherry_group *parent, *group = NULL;

        assert_int_equal(wherry_group_new(&parent, .loop = self->loop), WHERRY_OK);
        steppers[which].other = &steppers[0];
        steppers[which].act[STEP_ENTER] = cancel_own;
        assert_int_equal(wherry_group_new(&group, .parent = parent, .steps = &steppers[0].steps,
                                          .members = LIST(&steppers[1].steps, &steppers[2].steps)),
                         WHERRY_E_CANCELED);
        trace_is(expected[which]);
        assert_null(group);
        assert_int_equal(wherry_group_count(parent), 0);
        assert_int_equal(tasks_of(self), 0);
        wherry_group_free(parent);
    }
}

/* --- running one */

static wherry_loop *stepped(loop_fixture *self)
{
    wherry_loop_free(self->loop);
    assert_int_equal(wherry_loop_new(&self->loop, .clock = WHERRY_CLOCK_STEPPED, .tock = 10,
                                     .memory = &self->memory.base),
                     WHERRY_OK);
    return self->loop;
}

static uint64_t passes_of(wherry_loop *loop)
{
    wherry_loop_statistics statistics;

    wherry_loop_statistics_read(loop, &statistics);
    return statistics.passes;
}

static void run_goes_on_until_all_is_done(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = stepped(self);
    stepper one = STEPPER("a", .stop = 2), two = STEPPER("b", .stop = 4), other = STEPPER(NULL);
    wherry_group *group;

    assert_int_equal(wherry_spawn_steps(NULL, &other.steps, .loop = loop), WHERRY_OK);
    assert_int_equal(
        wherry_group_new(&group, .loop = loop, .members = LIST(&one.steps, &two.steps)), WHERRY_OK);
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
    wherry_loop *loop = stepped(self);
    stepper one = STEPPER(NULL), two = STEPPER(NULL, .steps.tock = 20);
    wherry_group *group;

    assert_int_equal(wherry_loop_tick(loop, 1000), 1000);
    assert_int_equal(
        wherry_group_new(&group, .loop = loop, .members = LIST(&one.steps, &two.steps)), WHERRY_OK);
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
    wherry_loop *loop = stepped(self);
    stepper one = STEPPER("a", .stop = 2);
    wherry_group *group;

    assert_int_equal(
        wherry_group_new(&group, .loop = loop, .members = LIST(&one.steps), .always = 1),
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
        wherry_group_new(&group, .loop = self->loop, .members = LIST(&one.steps, &two.steps)),
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
        wherry_group_new(&group, .loop = self->loop, .members = LIST(&one.steps, &bad.steps)),
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
        wherry_group_new(&group, .loop = self->loop, .members = LIST(&one.steps, &two.steps)),
        WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, end_late, "1", .group = group), WHERRY_OK);
    assert_int_equal(wherry_group_run(group, 10), 0);
    trace_is("a(b(a.b~1b/b)a/a)");
    assert_int_equal(tasks_of(self), 0);
    wherry_group_free(group);
    assert_int_equal(wherry_group_new(&plain, .loop = self->loop), WHERRY_OK);
    assert_int_equal(wherry_group_run(plain, 0), 1); /* it is empty */
    assert_int_equal(wherry_spawn(NULL, end_late, "2", .group = plain), WHERRY_OK);
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

    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .members = LIST(&one.steps)),
                     WHERRY_OK);
    assert_int_equal(wherry_group_run(group, 0), 0);
    trace_is("a(a.a/a)");
    wherry_group_free(group);
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
                                      .members = LIST(&one.steps), .limit = 1000),
                     WHERRY_OK);
    assert_int_equal(wherry_group_new(&child, .parent = group, .members = LIST(&inner.steps)),
                     WHERRY_OK);
    assert_int_equal(wherry_spawn_steps(NULL, &last.steps, .loop = self->loop), WHERRY_OK);
    coroutine_in(group, "1");
    passes(self, 1);
    trace_is("x(g(a(b(z(x.a.z.b~");
    loop_fixture_free(self);
    trace_is("z/z)1b/b)a/a)g/g)x/x)");
    assert_int_equal(wherry_group_count(group), 0);
    assert_int_equal(wherry_group_done(group), 0);
    wherry_group_free(group);
    wherry_group_free(child);
}

static int make_late(void *unused)
{
    stepper one = STEPPER("a");
    wherry_group *group;

    (void)unused;
    (void)wherry_sleep(WHERRY_NEVER);
    TASK_ASSERT(wherry_group_new(&group, .members = LIST(&one.steps)) == WHERRY_E_CANCELED);
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
    passes(self, 1);
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
                            .members = LIST(&steppers[1].steps, &steppers[2].steps));
    if (code == WHERRY_OK)
        code = wherry_group_new(&inner, .parent = group, .members = LIST(&steppers[3].steps));
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
        ON_LOOP(own_steps_come_first_and_end_last),
        ON_LOOP(group_ends_when_all_in_it_have_ended),
        ON_LOOP(group_without_members_ends_in_its_first_turn),
        ON_LOOP(members_come_and_go_while_it_runs),
        ON_LOOP(always_goes_on_when_it_is_empty),
        ON_LOOP(failing_member_ends_the_rest_in_reverse),
        ON_LOOP(failing_own_step_ends_the_members_first),
        ON_LOOP(failing_last_step_of_a_group_is_its_failure),
        ON_LOOP(inner_groups_end_before_what_is_around_them),
        ON_LOOP(inner_failure_is_waited_for),
        ON_LOOP(group_that_keeps_going_outlives_failures),
        ON_LOOP(kept_going_inner_group_is_stopped_and_ends_first),
        ON_LOOP(failed_enter_of_a_member_undoes_the_group),
        ON_LOOP(canceled_group_ends_in_strict_reverse),
        ON_LOOP(what_is_stopped_meanwhile_gives_the_order),
        ON_LOOP(whatever_ends_meanwhile_keeps_its_order),
        ON_LOOP(step_that_stops_its_group_ends_as_it_says),
        ON_LOOP(own_step_may_stop_its_group),
        ON_LOOP(task_of_a_group_stands_for_it),
        ON_LOOP(limit_is_a_deadline),
        ON_LOOP(anything_may_be_taken_out_in_any_step),
        ON_LOOP(group_that_is_freed_ends_before_its_order),
        ON_LOOP(group_is_joined_behind_its_last_step),
        ON_LOOP(freed_on_a_coroutine_all_has_ended),
        ON_LOOP(groups_may_be_made_in_any_step),
        ON_LOOP(group_whose_parent_is_canceled_meanwhile_is_none),
        ON_LOOP(group_that_is_canceled_while_it_begins_is_none),
        ON_LOOP(run_goes_on_until_all_is_done),
        ON_LOOP(run_takes_as_many_passes_as_there_are_tocks_in_its_limit),
        ON_LOOP(run_of_one_that_goes_on_always_ends_at_its_limit),
        ON_LOOP(run_in_virtual_time_ends_at_its_limit),
        ON_LOOP(run_tells_the_first_failure),
        ON_LOOP(run_sees_coroutines_to_their_end),
        ON_LOOP(run_ends_when_the_loop_is_stopped),
        ON_LOOP(loop_ends_groups_too),
        ON_LOOP(nothing_begins_on_a_loop_that_ends),
        cmocka_unit_test(out_of_memory_undoes_what_was_entered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
