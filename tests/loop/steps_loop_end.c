/* The end of a loop with tasks of steps on it: which of their steps are called, in which order
 * among coroutines, and that nothing begins any more. Apart from steps.c, where one task ends at a
 * time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/deadlock.h"
#include "support/grouping.h"
#include "support/loop_fixture.h"
#include "support/stepping.h"

static void loop_ends_them_newest_first(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a"), two = HOLDER("b"), three = BODIED("c"), four = STEPPER("d");

    stepping_spawn(self->loop, &one);
    loop_fixture_spawn(self->loop, stepping_coroutine, "1");
    stepping_spawn(self->loop, &two);
    stepping_spawn(self->loop, &three);
    loop_fixture_spawn(self->loop, stepping_coroutine, "2");
    stepping_spawn(self->loop, &four);
    loop_fixture_pass(self, 1);
    trace_is("a(b(c(d(a.d.c~");
    loop_fixture_free(self);
    /* coroutines are told at once, newest first; what is in steps waits for what came later */
    trace_is("d/d)2c/c)b/b)1a/a)");
}

static void exits_are_called_behind_what_is_given_up(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a"), two = STEPPER("b");
    deadlock between;

    stepping_spawn(self->loop, &one);
    deadlock_spawn(&between, self->loop);
    stepping_spawn(self->loop, &two);
    loop_fixture_pass(self, 2);
    trace_is("a(b(a.b.");
    loop_fixture_free(self);
    trace_is("b/b)a/a)");
    assert_int_equal(logged("had not ended"), 2);
    deadlock_free(&between);
}

static void forgotten_loop_calls_none(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a"), two = BODIED("b"), three = HOLDER("c"), own = STEPPER("g"),
            member = STEPPER("m");
    wherry_group *group;
    wherry_task *task;

    stepping_spawn(self->loop, &one);
    task = stepping_spawn_joined(self->loop, &two);
    stepping_spawn(self->loop, &three);
    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps,
                                      .members = MEMBERS(&member.steps)),
                     WHERRY_OK);
    loop_fixture_pass(self, 1);
    trace_is("a(b(c(g(m(a.g.m.b~");
    wherry_loop_forget(self->loop);
    self->loop = NULL;
    trace_is("");
    assert_int_equal(logged(""), 0);
    stepping_ended_with(task, WHERRY_E_CANCELED);
    wherry_group_free(group);
}

static void spawn_in_vain(stepper *self)
{
    wherry_loop *loop = wherry_task_loop(self->task);

    if (wherry_spawn_steps(NULL, &self->other->steps, .loop = loop) != WHERRY_E_CANCELED)
        (void)task_failed(__FILE__, __LINE__, "it was started");
}

static void nothing_starts_on_a_loop_that_ends(void **state)
{
    loop_fixture *self = *state;
    stepper other = STEPPER("o");
    stepper one = STEPPER("a", .other = &other, .act[STEP_CLOSE] = spawn_in_vain,
                          .act[STEP_EXIT] = spawn_in_vain);

    stepping_spawn(self->loop, &one);
    loop_fixture_free(self);
    trace_is("a(a/a)");
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(loop_ends_them_newest_first),
        ON_LOOP(exits_are_called_behind_what_is_given_up),
        ON_LOOP(forgotten_loop_calls_none),
        ON_LOOP(nothing_starts_on_a_loop_that_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
