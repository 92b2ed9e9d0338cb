/* What tasks of steps do from inside of their steps: stop themselves and others, start others, and
 * what they must not; and what coroutines, from inside of which all of it is done, too, see of it.
 * Apart from steps.c, where all is done from outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/loop_fixture.h"
#include "support/stepping.h"

/* --- stopping from inside */

static void cancel_itself(stepper *self)
{
    wherry_task_cancel(self->task);
    trace("x");
}

static void stopped_inside_it_ends_when_that_returns(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a", .act[STEP_RECUR] = cancel_itself);
    stepper done = STEPPER("b", .act[STEP_RECUR] = cancel_itself, .stop = 1);
    stepper failed = STEPPER("c", .act[STEP_RECUR] = cancel_itself,
                             .results[STEP_RECUR] = WHERRY_E_FULL);
    stepper refused = STEPPER("d", .act[STEP_RECUR] = cancel_itself,
                              .results[STEP_RECUR] = WHERRY_E_CANCELED);
    wherry_task *tasks[] = { stepping_spawn_joined(self->loop, &one),
                             stepping_spawn_joined(self->loop, &done),
                             stepping_spawn_joined(self->loop, &failed),
                             stepping_spawn_joined(self->loop, &refused) };

    loop_fixture_finish(self);
    trace_is("a(b(c(d(a.xa/a)b.xb=b)c.xc!c)d.xd/d)");
    stepping_ended_with(tasks[0], WHERRY_E_CANCELED);
    stepping_ended_with(tasks[1], 1);
    stepping_ended_with(tasks[2], WHERRY_E_FULL);
    stepping_ended_with(tasks[3], WHERRY_E_CANCELED);
}

static void stopped_in_enter_it_has_ended_when_spawned(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a", .act[STEP_ENTER] = cancel_itself);
    stepper bodied = BODIED("b", .act[STEP_ENTER] = cancel_itself);
    stepper failed = STEPPER("c", .act[STEP_ENTER] = cancel_itself,
                             .results[STEP_ENTER] = WHERRY_E_FULL);
    wherry_task *task;

    stepping_ended_with(stepping_spawn_joined(self->loop, &one), WHERRY_E_CANCELED);
    trace_is("a(xa/a)");
    stepping_ended_with(stepping_spawn_joined(self->loop, &bodied), WHERRY_E_CANCELED);
    trace_is("b(xb/b)");
    assert_int_equal(wherry_spawn_steps(&task, &failed.steps, .loop = self->loop), WHERRY_E_FULL);
    trace_is("c(xc!c)");
    loop_fixture_finish(self);
    trace_is("");
}

static void last_steps_cannot_be_stopped(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a", .stop = 1, .act[STEP_CLEAN] = cancel_itself,
                          .act[STEP_EXIT] = cancel_itself);
    stepper two = STEPPER("b", .act[STEP_CLOSE] = cancel_itself, .act[STEP_EXIT] = cancel_itself);
    wherry_task *tasks[] = { stepping_spawn_joined(self->loop, &one),
                             stepping_spawn_joined(self->loop, &two) };

    loop_fixture_pass(self, 1);
    wherry_task_cancel(tasks[1]);
    trace_is("a(b(a.a=xa)xb.b/xb)x");
    stepping_ended_with(tasks[0], 1);
    stepping_ended_with(tasks[1], WHERRY_E_CANCELED);
}

/* From each step of one its neighbours, of those before and behind it, are taken out. */
static void neighbours_may_be_taken_out_in_each_step(void **state)
{
    loop_fixture *self = *state;

    for (step at = STEP_ENTER; at < STEP_BODY; at++)
        for (int behind = 0; behind < 2; behind++) {
            stepper neighbour = STEPPER(NULL), last = STEPPER(NULL);
            stepper one = STEPPER(NULL, .other = &neighbour,
                                  .results[STEP_RECUR] = at == STEP_ABORT ? WHERRY_E_FULL : 0,
                                  .stop = at == STEP_CLEAN || at == STEP_EXIT ? 1 : 0);
            wherry_task *first, *task, *third;

            one.act[at] = stepping_cancel_other;
            if (behind && at == STEP_ENTER)
                continue; /* it is not there yet */
            first = stepping_spawn_joined(self->loop, behind ? &last : &neighbour);
            task = stepping_spawn_joined(self->loop, &one);
            third = stepping_spawn_joined(self->loop, behind ? &neighbour : &last);
            loop_fixture_pass(self, 1);
            wherry_task_cancel(task);
            loop_fixture_pass(self, 1);
            wherry_task_cancel(last.task);
            assert_int_equal(neighbour.states[neighbour.state_count - 2].step, STEP_CLOSE);
            assert_int_equal(neighbour.states[neighbour.state_count - 1].step, STEP_EXIT);
            assert_int_equal(one.states[one.state_count - 1].step, STEP_EXIT);
            /* behind one that takes it out in its turn it has none any more */
            assert_int_equal(neighbour.turns,
                             at == STEP_ENTER || (behind && at != STEP_CLOSE) ? 0 : 1);
            wherry_task_release(first);
            wherry_task_release(task);
            wherry_task_release(third);
        }
}

/* --- starting from inside */

static void others_may_be_started_in_each_step(void **state)
{
    loop_fixture *self = *state;

    for (step at = STEP_ENTER; at < STEP_BODY; at++) {
        stepper other = STEPPER("o", .stop = 1);
        stepper one = STEPPER("a", .other = &other,
                              .results[STEP_RECUR] = at == STEP_ABORT ? WHERRY_E_FULL : 0,
                              .stop = at == STEP_CLEAN || at == STEP_EXIT ? 1 : 0);
        static const char *const expected[] = {
            "a(o(a.o.o=o)a/a)", "a(a.o(o.o=o)a/a)", "", "a(a.a/o(a)o.o=o)", "", "",
        };
        wherry_task *task;

        one.act[at] = stepping_spawn_other;
        task = stepping_spawn_joined(self->loop, &one);
        loop_fixture_pass(self, 1);
        if (at == STEP_RECUR)
            loop_fixture_pass(self, 1);
        wherry_task_cancel(task);
        loop_fixture_finish(self);
        if (at == STEP_CLEAN)
            trace_is("a(a.a=o(a)o.o=o)");
        else if (at == STEP_ABORT)
            trace_is("a(a.a!o(a)o.o=o)");
        else if (at == STEP_EXIT)
            trace_is("a(a.a=a)o(o.o=o)");
        else
            trace_is(expected[at]);
        wherry_task_release(task);
    }
}

/* --- on coroutines */

static int spawn_join_and_stop(void *unused)
{
    stepper one = STEPPER("a", .stop = 2), two = STEPPER("b"),
            bad = STEPPER("c", .results[STEP_ENTER] = WHERRY_E_FULL);
    wherry_task *current = wherry_task_current(), *task;
    int result = 77;

    (void)unused;
    TASK_ASSERT(wherry_spawn_steps(&task, &one.steps) == WHERRY_OK);
    TASK_ASSERT(wherry_task_current() == current);
    TASK_ASSERT(wherry_task_join(task, &result, WHERRY_NEVER) == WHERRY_OK);
    TASK_ASSERT(result == 1);
    wherry_task_release(task);
    TASK_ASSERT(wherry_spawn_steps(&task, &two.steps) == WHERRY_OK);
    wherry_task_cancel(task);
    TASK_ASSERT(wherry_task_current() == current);
    TASK_ASSERT(wherry_task_join(task, &result, WHERRY_NEVER) == WHERRY_OK);
    TASK_ASSERT(result == WHERRY_E_CANCELED);
    wherry_task_release(task);
    TASK_ASSERT(wherry_spawn_steps(&task, &bad.steps) == WHERRY_E_FULL);
    return 0;
}

static void coroutines_start_join_and_stop_them(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, spawn_join_and_stop, NULL);
    trace_is("a(a.a.a=a)b(b/b)c(c!c)");
}

static void wait_where_nothing_can(stepper *self)
{
    if (wherry_sleep(WHERRY_NEVER) != WHERRY_E_MISUSE || wherry_yield() != WHERRY_E_MISUSE ||
        wherry_loop_run(wherry_task_loop(self->task)) != WHERRY_E_MISUSE ||
        wherry_loop_step(wherry_task_loop(self->task)) != WHERRY_E_MISUSE ||
        wherry_loop_tick(wherry_task_loop(self->task), 1) != WHERRY_E_MISUSE)
        (void)task_failed(__FILE__, __LINE__, "it waited");
    wherry_loop_free(wherry_task_loop(self->task));
}

static int spawn_waiter(void *steps)
{
    return wherry_spawn_steps(NULL, steps);
}

static void steps_cannot_wait_nor_run_or_free_the_loop(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a", .stop = 1);
    stepper two = STEPPER("b", .stop = 1);

    for (step at = STEP_ENTER; at < STEP_BODY; at++)
        one.act[at] = two.act[at] = wait_where_nothing_can;
    stepping_spawn(self->loop, &one); /* outside of passes */
    loop_fixture_run(self->loop, spawn_waiter, &two.steps);
    trace_is("a(a.a=a)b(b.b=b)");
    assert_int_equal(logged("freed from inside"), 8);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(stopped_inside_it_ends_when_that_returns),
        ON_LOOP(stopped_in_enter_it_has_ended_when_spawned),
        ON_LOOP(last_steps_cannot_be_stopped),
        ON_LOOP(neighbours_may_be_taken_out_in_each_step),
        ON_LOOP(others_may_be_started_in_each_step),
        ON_LOOP(coroutines_start_join_and_stop_them),
        ON_LOOP(steps_cannot_wait_nor_run_or_free_the_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
