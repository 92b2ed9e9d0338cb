/* Tasks of steps: what is called in which order at every end, and what they tell. What steps do
 * themselves is tested in steps_inside.c, the end of their loop in steps_loop_end.c. */
#include <wherry/steps.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/loop_fixture.h"
#include "support/stepping.h"

/* --- making */

static void nonsense_is_refused(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a");
    wherry_task *task = NULL;
    wherry_group *group;
    wherry_loop *other;

    assert_int_equal(wherry_spawn_steps(&task, NULL, .loop = self->loop), WHERRY_E_MISUSE);
    assert_int_equal(wherry_spawn_steps(&task, &one.steps), WHERRY_E_MISUSE);
    one.steps.body = stepping_body;
    assert_int_equal(wherry_spawn_steps(&task, &one.steps, .loop = self->loop), WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "body"));
    one = STEPPER("a", .steps.tock = -1);
    assert_int_equal(wherry_spawn_steps(&task, &one.steps, .loop = self->loop), WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "tock"));
    one = STEPPER("a");
    assert_int_equal(wherry_spawn_steps(&task, &one.steps, .loop = self->loop, .stack_size = 1),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_loop_new(&other), WHERRY_OK);
    assert_int_equal(wherry_group_new(&group, .loop = self->loop), WHERRY_OK);
    assert_int_equal(wherry_spawn_steps(&task, &one.steps, .loop = other, .group = group),
                     WHERRY_E_MISUSE);
    wherry_loop_free(other);
    wherry_group_cancel(group);
    assert_int_equal(wherry_spawn_steps(&task, &one.steps, .group = group), WHERRY_E_CANCELED);
    wherry_group_free(group);
    assert_null(task);
    trace_is("");
}

/* --- each end */

static void done_is_clean_and_exit(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a", .stop = 3);
    wherry_task *task = stepping_spawn_joined(self->loop, &one);

    trace_is("a(");
    assert_int_equal(wherry_task_done(task), 0);
    assert_string_equal(wherry_task_waits_for(task), "its turn");
    loop_fixture_finish(self);
    trace_is("a.a.a.a=a)");
    assert_int_equal(one.done, 1);
    assert_int_equal(wherry_task_done(task), 1);
    assert_null(wherry_task_waits_for(task));
    stepping_ended_with(task, 1);
}

static void positive_result_is_the_joins(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a", .results[STEP_RECUR] = 42);
    wherry_task *task = stepping_spawn_joined(self->loop, &one);

    loop_fixture_finish(self);
    trace_is("a(a.a=a)");
    stepping_ended_with(task, 42);
}

static void stopped_is_close_and_exit_at_once(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a");
    wherry_task *task = stepping_spawn_joined(self->loop, &one);

    loop_fixture_pass(self, 1);
    assert_int_equal(wherry_task_canceled(task), 0);
    wherry_task_cancel(task);
    trace_is("a(a.a/a)");
    wherry_task_cancel(task);
    assert_int_equal(wherry_task_canceled(task), 1);
    assert_int_equal(wherry_task_done(task), 0);
    assert_int_equal(one.done, 0);
    loop_fixture_finish(self);
    trace_is("");
    stepping_ended_with(task, WHERRY_E_CANCELED);
    assert_int_equal(logged(""), 0);
}

static void failed_is_abort_and_exit(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a", .results[STEP_RECUR] = WHERRY_E_FULL, .fail_at = 2);
    wherry_task *task = stepping_spawn_joined(self->loop, &one);

    loop_fixture_finish(self);
    trace_is("a(a.a.a!a)");
    assert_int_equal(one.reason, WHERRY_E_FULL);
    assert_int_equal(wherry_task_done(task), 0);
    stepping_ended_with(task, WHERRY_E_FULL);
    assert_int_equal(logged(""), 0);
}

static void failure_that_nobody_joins_is_logged(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a", .results[STEP_RECUR] = WHERRY_E_FULL);
    stepper quiet = STEPPER("b", .results[STEP_RECUR] = WHERRY_E_RESET);

    assert_int_equal(wherry_spawn_steps(NULL, &one.steps, .loop = self->loop, .name = "poll"),
                     WHERRY_OK);
    assert_int_equal(wherry_spawn_steps(NULL, &quiet.steps, .loop = self->loop), WHERRY_OK);
    loop_fixture_finish(self);
    assert_int_equal(logged("poll"), 1);
    assert_int_equal(logged(""), 1);
}

static void failed_enter_is_abort_exit_and_the_spawns_result(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a", .results[STEP_ENTER] = WHERRY_E_REFUSED);
    wherry_loop_statistics statistics;
    wherry_task *task = NULL;
    wherry_group *group;
    int result = 77;

    assert_int_equal(wherry_group_new(&group, .loop = self->loop), WHERRY_OK);
    assert_int_equal(wherry_spawn_steps(&task, &one.steps, .group = group), WHERRY_E_REFUSED);
    trace_is("a(a!a)");
    assert_null(task);
    assert_int_equal(one.reason, WHERRY_E_REFUSED);
    assert_int_equal(wherry_group_count(group), 0);
    assert_int_equal(wherry_group_join(group, &result, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(result, 0);
    wherry_loop_statistics_read(self->loop, &statistics);
    assert_int_equal(statistics.tasks, 0);
    one = STEPPER("b");
    assert_int_equal(wherry_spawn_steps(NULL, &one.steps, .group = group), WHERRY_OK);
    wherry_group_free(group);
    trace_is("b(b/b)");
    assert_int_equal(logged(""), 0);
}

static void failed_clean_is_a_failure(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a", .stop = 1, .results[STEP_CLEAN] = WHERRY_E_FULL);
    wherry_task *task = stepping_spawn_joined(self->loop, &one);

    loop_fixture_finish(self);
    trace_is("a(a.a=a!a)");
    assert_int_equal(one.reason, WHERRY_E_FULL);
    assert_int_equal(wherry_task_done(task), 0);
    stepping_ended_with(task, WHERRY_E_FULL);
}

static void failed_exit_counts_if_nothing_else_failed(void **state)
{
    loop_fixture *self = *state;
    stepper done = STEPPER("a", .stop = 1, .results[STEP_EXIT] = WHERRY_E_FULL);
    stepper failed = STEPPER("b", .results[STEP_RECUR] = WHERRY_E_RESET,
                             .results[STEP_EXIT] = WHERRY_E_FULL);
    stepper stopped = STEPPER("c", .results[STEP_EXIT] = WHERRY_E_FULL);
    wherry_task *tasks[] = { stepping_spawn_joined(self->loop, &done),
                             stepping_spawn_joined(self->loop, &failed),
                             stepping_spawn_joined(self->loop, &stopped) };

    loop_fixture_pass(self, 1);
    wherry_task_cancel(tasks[2]);
    trace_is("a(b(c(a.a=a)b.b!b)c.c/c)");
    assert_int_equal(wherry_task_done(tasks[0]), 0);
    stepping_ended_with(tasks[0], WHERRY_E_FULL);
    stepping_ended_with(tasks[1], WHERRY_E_RESET);
    stepping_ended_with(tasks[2], WHERRY_E_CANCELED);
}

static void what_is_not_there_is_left_out(void **state)
{
    loop_fixture *self = *state;
    stepper only_exit = { .steps = { .exit = stepping_exit }, .name = "a" };
    stepper only_recur = { .steps = { .recur = stepping_recur }, .name = "b", .stop = 1 };
    wherry_steps nothing = { 0 };
    wherry_task *holder, *empty, *task;

    holder = stepping_spawn_joined(self->loop, &only_exit);
    task = stepping_spawn_joined(self->loop, &only_recur);
    assert_int_equal(wherry_spawn_steps(&empty, &nothing, .loop = self->loop), WHERRY_OK);
    assert_string_equal(wherry_task_waits_for(holder), "its end");
    loop_fixture_pass(self, 1);
    loop_fixture_pass(self, 1);
    trace_is("b.");
    stepping_ended_with(task, 1);
    assert_int_equal(wherry_task_ended(empty), 0);
    wherry_task_cancel(holder);
    wherry_task_cancel(empty);
    trace_is("a)");
    stepping_ended_with(holder, WHERRY_E_CANCELED);
    stepping_ended_with(empty, WHERRY_E_CANCELED);
}

/* --- with a body */

static void sleep_a_little(stepper *self)
{
    (void)self;
    (void)wherry_sleep(wherry_in(10));
}

static void body_that_returns_is_cleaned_up(void **state)
{
    loop_fixture *self = *state;
    stepper one = BODIED("a", .act[STEP_BODY] = sleep_a_little, .results[STEP_BODY] = 5);
    stepper failed = BODIED("b", .results[STEP_BODY] = WHERRY_E_FULL);
    wherry_task *tasks[] = { stepping_spawn_joined(self->loop, &one),
                             stepping_spawn_joined(self->loop, &failed) };

    trace_is("a(b(");
    loop_fixture_finish(self);
    trace_is("a~b~b!b)a=a)");
    assert_int_equal(one.done, 1);
    stepping_ended_with(tasks[0], 5);
    stepping_ended_with(tasks[1], WHERRY_E_FULL);
}

static int return_something(wherry_steps *steps, wherry_task *task)
{
    (void)steps, (void)task;
    (void)wherry_sleep(WHERRY_NEVER);
    return 3;
}

static int return_failure(wherry_steps *steps, wherry_task *task)
{
    (void)steps, (void)task;
    (void)wherry_sleep(WHERRY_NEVER);
    return WHERRY_E_FULL;
}

static void body_is_stopped_by_cancellation(void **state)
{
    loop_fixture *self = *state;
    stepper one = BODIED("a"), done = BODIED("b"), failed = BODIED("c"), unbegun = BODIED("d");
    wherry_task *tasks[4];

    done.steps.body = return_something;
    failed.steps.body = return_failure;
    tasks[0] = stepping_spawn_joined(self->loop, &one);
    tasks[1] = stepping_spawn_joined(self->loop, &done);
    tasks[2] = stepping_spawn_joined(self->loop, &failed);
    loop_fixture_pass(self, 1);
    assert_string_equal(wherry_task_waits_for(tasks[0]), "sleep");
    for (int i = 0; i < 3; i++)
        wherry_task_cancel(tasks[i]);
    trace_is("a(b(c(a~"); /* they have still to return */
    tasks[3] = stepping_spawn_joined(self->loop, &unbegun);
    wherry_task_cancel(tasks[3]);
    trace_is("d(d/d)");
    loop_fixture_finish(self);
    trace_is("a/a)b/b)c!c)");
    stepping_ended_with(tasks[0], WHERRY_E_CANCELED);
    stepping_ended_with(tasks[1], WHERRY_E_CANCELED);
    stepping_ended_with(tasks[2], WHERRY_E_FULL);
    stepping_ended_with(tasks[3], WHERRY_E_CANCELED);
}

/* --- what they tell */

static void see(wherry_task_visitor *visitor, wherry_task *task)
{
    (void)visitor;
    trace(wherry_task_name(task));
    trace(wherry_task_waits_for(task) == NULL ? ":- " : ":");
    if (wherry_task_waits_for(task) != NULL) {
        trace(wherry_task_waits_for(task));
        trace(" ");
    }
}

static void look_around(stepper *self)
{
    wherry_task_visitor visitor = { .see = see };

    wherry_loop_tasks(wherry_task_loop(self->task), &visitor);
}

static void loop_shows_its_tasks_of_steps(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER(NULL), two = HOLDER(NULL), three = BODIED(NULL),
            four = STEPPER(NULL, .act[STEP_RECUR] = look_around, .stop = 1);
    wherry_loop_statistics statistics;

    assert_int_equal(wherry_spawn_steps(NULL, &one.steps, .loop = self->loop, .name = "poll"),
                     WHERRY_OK);
    assert_int_equal(wherry_spawn_steps(NULL, &two.steps, .loop = self->loop, .name = "hold"),
                     WHERRY_OK);
    assert_int_equal(wherry_spawn_steps(NULL, &three.steps, .loop = self->loop, .name = "talk"),
                     WHERRY_OK);
    assert_int_equal(wherry_spawn_steps(NULL, &four.steps, .loop = self->loop), WHERRY_OK);
    wherry_loop_statistics_read(self->loop, &statistics);
    assert_int_equal(statistics.tasks, 4);
    loop_fixture_pass(self, 1);
    trace_is("poll:its turn hold:its end talk:- task:- ");
    wherry_loop_statistics_read(self->loop, &statistics);
    assert_int_equal(statistics.tasks, 3);
    assert_int_equal(statistics.resumed, 3);
    loop_fixture_free(self);
}

static void local_pointers_go_with_them(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER(NULL);
    wherry_task *task = stepping_spawn_joined(self->loop, &one);

    assert_null(wherry_task_local(task));
    wherry_task_set_local(task, self);
    assert_ptr_equal(wherry_task_local(task), self);
    assert_ptr_equal(wherry_task_loop(task), self->loop);
    wherry_task_cancel(task);
    wherry_task_release(task);
}

static void keep_temporary(stepper *self)
{
    self->reason = wherry_task_temporary(self->task);
}

static void temporary_is_of_the_task_a_group_around_or_the_loop(void **state)
{
    loop_fixture *self = *state;
    stepper plain = STEPPER(NULL), own = STEPPER(NULL), outer = STEPPER(NULL),
            after = STEPPER(NULL);
    stepper *all[] = { &plain, &own, &outer, &after };
    wherry_group *group, *inner;
    wherry_loop *loop;
    wherry_task *task;

    for (size_t i = 0; i < 4; i++)
        all[i]->act[STEP_ENTER] = all[i]->act[STEP_EXIT] = keep_temporary;
    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .temporary = 1), WHERRY_OK);
    assert_int_equal(wherry_group_new(&inner, .parent = group), WHERRY_OK);
    assert_int_equal(wherry_spawn_steps(NULL, &own.steps, .loop = self->loop, .temporary = 1),
                     WHERRY_OK);
    assert_int_equal(wherry_spawn_steps(NULL, &plain.steps, .loop = self->loop), WHERRY_OK);
    assert_int_equal(wherry_spawn_steps(NULL, &outer.steps, .group = inner), WHERRY_OK);
    assert_int_equal(own.reason + 2 * plain.reason + 4 * outer.reason, 5);
    own.reason = outer.reason = 0;
    wherry_group_free(inner);
    wherry_group_free(group);
    loop_fixture_free(self);
    assert_int_equal(own.reason + 2 * plain.reason + 4 * outer.reason, 5); /* also in exit */
    assert_int_equal(wherry_loop_new(&loop, .temporary = 1), WHERRY_OK);
    assert_int_equal(wherry_spawn_steps(&task, &after.steps, .loop = loop), WHERRY_OK);
    assert_int_equal(after.reason, 1);
    assert_int_equal(wherry_task_temporary(task), 1);
    wherry_task_release(task);
    wherry_loop_free(loop);
}

/* --- memory */

static int use_steps(wherry_memory *memory)
{
    stepper one = STEPPER(NULL, .stop = 2), two = BODIED(NULL, .results[STEP_BODY] = 1),
            bad = STEPPER(NULL, .results[STEP_ENTER] = WHERRY_E_NO_MEMORY);
    wherry_loop *loop;
    int code = wherry_loop_new(&loop, .memory = memory, .clock = WHERRY_CLOCK_VIRTUAL);

    if (code < 0)
        return code;
    code = wherry_spawn_steps(NULL, &one.steps, .loop = loop, .name = "one");
    if (code < 0)
        assert_int_equal(one.state_count, 0);
    if (code == WHERRY_OK)
        code = wherry_spawn_steps(NULL, &two.steps, .loop = loop, .name = "two");
    if (code == WHERRY_OK)
        assert_int_equal(wherry_spawn_steps(NULL, &bad.steps, .loop = loop), WHERRY_E_NO_MEMORY);
    if (code == WHERRY_OK)
        code = wherry_loop_run(loop);
    wherry_loop_free(loop);
    if (one.state_count > 0)
        assert_int_equal(one.states[one.state_count - 1].step, STEP_EXIT);
    if (two.state_count > 0)
        assert_int_equal(two.states[two.state_count - 1].step, STEP_EXIT);
    return code;
}

static void out_of_memory_is_told_before_anything_is_called(void **state)
{
    (void)state;
    assert_true(failing_memory_try(use_steps) >= 6);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(nonsense_is_refused),
        ON_LOOP(done_is_clean_and_exit),
        ON_LOOP(positive_result_is_the_joins),
        ON_LOOP(stopped_is_close_and_exit_at_once),
        ON_LOOP(failed_is_abort_and_exit),
        ON_LOOP(failure_that_nobody_joins_is_logged),
        ON_LOOP(failed_enter_is_abort_exit_and_the_spawns_result),
        ON_LOOP(failed_clean_is_a_failure),
        ON_LOOP(failed_exit_counts_if_nothing_else_failed),
        ON_LOOP(what_is_not_there_is_left_out),
        ON_LOOP(body_that_returns_is_cleaned_up),
        ON_LOOP(body_is_stopped_by_cancellation),
        ON_LOOP(loop_shows_its_tasks_of_steps),
        ON_LOOP(local_pointers_go_with_them),
        ON_LOOP(temporary_is_of_the_task_a_group_around_or_the_loop),
        cmocka_unit_test(out_of_memory_is_told_before_anything_is_called),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
