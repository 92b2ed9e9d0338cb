/* Tasks of steps: what is called in which order at every end, and how they are stopped. */
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

static wherry_task *spawn(loop_fixture *self, stepper *one)
{
    wherry_task *task;

    assert_int_equal(wherry_spawn_steps(&task, &one->steps, .loop = self->loop), WHERRY_OK);
    return task;
}

static void step_once(loop_fixture *self)
{
    assert_true(wherry_loop_step(self->loop) >= 0);
}

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
    wherry_task *task = spawn(self, &one);

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
    wherry_task *task = spawn(self, &one);

    loop_fixture_finish(self);
    trace_is("a(a.a=a)");
    stepping_ended_with(task, 42);
}

static void stopped_is_close_and_exit_at_once(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a");
    wherry_task *task = spawn(self, &one);

    step_once(self);
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
    wherry_task *task = spawn(self, &one);

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
    wherry_task *task = spawn(self, &one);

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
    wherry_task *tasks[] = { spawn(self, &done), spawn(self, &failed), spawn(self, &stopped) };

    step_once(self);
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

    holder = spawn(self, &only_exit);
    task = spawn(self, &only_recur);
    assert_int_equal(wherry_spawn_steps(&empty, &nothing, .loop = self->loop), WHERRY_OK);
    assert_string_equal(wherry_task_waits_for(holder), "its end");
    step_once(self);
    step_once(self);
    trace_is("b.");
    stepping_ended_with(task, 1);
    assert_int_equal(wherry_task_ended(empty), 0);
    wherry_task_cancel(holder);
    wherry_task_cancel(empty);
    trace_is("a)");
    stepping_ended_with(holder, WHERRY_E_CANCELED);
    stepping_ended_with(empty, WHERRY_E_CANCELED);
}

/* --- stopping from inside */

static void cancel_itself(stepper *self)
{
    wherry_task_cancel(self->task);
    trace("x");
}

static void cancel_other(stepper *self)
{
    wherry_task_cancel(self->other->task);
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
    wherry_task *tasks[] = { spawn(self, &one), spawn(self, &done), spawn(self, &failed),
                             spawn(self, &refused) };

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

    stepping_ended_with(spawn(self, &one), WHERRY_E_CANCELED);
    trace_is("a(xa/a)");
    stepping_ended_with(spawn(self, &bodied), WHERRY_E_CANCELED);
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
    wherry_task *tasks[] = { spawn(self, &one), spawn(self, &two) };

    step_once(self);
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

            one.act[at] = cancel_other;
            if (behind && at == STEP_ENTER)
                continue; /* it is not there yet */
            first = spawn(self, behind ? &last : &neighbour);
            task = spawn(self, &one);
            third = spawn(self, behind ? &neighbour : &last);
            step_once(self);
            wherry_task_cancel(task);
            step_once(self);
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

static void spawn_other(stepper *self)
{
    if (self->other->task == NULL &&
        wherry_spawn_steps(NULL, &self->other->steps, .loop = wherry_task_loop(self->task)) < 0)
        (void)task_failed(__FILE__, __LINE__, "spawn");
}

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

        one.act[at] = spawn_other;
        task = spawn(self, &one);
        step_once(self);
        if (at == STEP_RECUR)
            step_once(self);
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
    wherry_task *tasks[] = { spawn(self, &one), spawn(self, &failed) };

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
    tasks[0] = spawn(self, &one);
    tasks[1] = spawn(self, &done);
    tasks[2] = spawn(self, &failed);
    step_once(self);
    assert_string_equal(wherry_task_waits_for(tasks[0]), "sleep");
    for (int i = 0; i < 3; i++)
        wherry_task_cancel(tasks[i]);
    trace_is("a(b(c(a~"); /* they have still to return */
    tasks[3] = spawn(self, &unbegun);
    wherry_task_cancel(tasks[3]);
    trace_is("d(d/d)");
    loop_fixture_finish(self);
    trace_is("a/a)b/b)c!c)");
    stepping_ended_with(tasks[0], WHERRY_E_CANCELED);
    stepping_ended_with(tasks[1], WHERRY_E_CANCELED);
    stepping_ended_with(tasks[2], WHERRY_E_FULL);
    stepping_ended_with(tasks[3], WHERRY_E_CANCELED);
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
    (void)spawn(self, &one); /* outside of passes */
    wherry_task_release(one.task);
    loop_fixture_run(self->loop, spawn_waiter, &two.steps);
    trace_is("a(a.a=a)b(b.b=b)");
    assert_int_equal(logged("freed from inside"), 8);
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
    step_once(self);
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
    wherry_task *task = spawn(self, &one);

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

/* --- the loop's end */

static void loop_ends_them_newest_first(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a"), two = HOLDER("b"), three = BODIED("c"), four = STEPPER("d");

    (void)spawn(self, &one);
    wherry_task_release(one.task);
    loop_fixture_spawn(self->loop, stepping_coroutine, "1");
    (void)spawn(self, &two);
    wherry_task_release(two.task);
    (void)spawn(self, &three);
    wherry_task_release(three.task);
    loop_fixture_spawn(self->loop, stepping_coroutine, "2");
    (void)spawn(self, &four);
    wherry_task_release(four.task);
    step_once(self);
    trace_is("a(b(c(d(a.d.c~");
    loop_fixture_free(self);
    /* coroutines are told at once, newest first; what is in steps waits for what came later */
    trace_is("d/d)2c/c)b/b)1a/a)");
}

/* Two that wait for each other, uncancelably. */
static wherry_group *ring[2];

static int free_the_other(void *which)
{
    (void)wherry_yield();
    wherry_group_free(ring[1 - *(int *)which]);
    return task_failed(__FILE__, __LINE__, "this cannot end");
}

static void exits_are_called_behind_what_is_given_up(void **state)
{
    loop_fixture *self = *state;
    static int numbers[] = { 0, 1 };
    stepper one = STEPPER("a"), two = STEPPER("b");

    (void)spawn(self, &one);
    wherry_task_release(one.task);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(wherry_group_new(&ring[i], .loop = self->loop), WHERRY_OK);
        assert_int_equal(wherry_spawn(NULL, free_the_other, &numbers[i], .group = ring[i]),
                         WHERRY_OK);
    }
    (void)spawn(self, &two);
    wherry_task_release(two.task);
    step_once(self);
    step_once(self);
    trace_is("a(b(a.b.");
    loop_fixture_free(self);
    trace_is("b/b)a/a)");
    assert_int_equal(logged("had not ended"), 2);
    wherry_group_free(ring[0]);
    wherry_group_free(ring[1]);
}

static void forgotten_loop_calls_none(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER("a"), two = BODIED("b"), three = HOLDER("c"), own = STEPPER("g"),
            member = STEPPER("m");
    wherry_group *group;
    wherry_task *task;

    (void)spawn(self, &one);
    wherry_task_release(one.task);
    task = spawn(self, &two);
    (void)spawn(self, &three);
    wherry_task_release(three.task);
    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps,
                                      .members = (wherry_steps *[]){ &member.steps, NULL }),
                     WHERRY_OK);
    step_once(self);
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

    (void)spawn(self, &one);
    wherry_task_release(one.task);
    loop_fixture_free(self);
    trace_is("a(a/a)");
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
        ON_LOOP(stopped_inside_it_ends_when_that_returns),
        ON_LOOP(stopped_in_enter_it_has_ended_when_spawned),
        ON_LOOP(last_steps_cannot_be_stopped),
        ON_LOOP(neighbours_may_be_taken_out_in_each_step),
        ON_LOOP(others_may_be_started_in_each_step),
        ON_LOOP(body_that_returns_is_cleaned_up),
        ON_LOOP(body_is_stopped_by_cancellation),
        ON_LOOP(coroutines_start_join_and_stop_them),
        ON_LOOP(steps_cannot_wait_nor_run_or_free_the_loop),
        ON_LOOP(loop_shows_its_tasks_of_steps),
        ON_LOOP(local_pointers_go_with_them),
        ON_LOOP(temporary_is_of_the_task_a_group_around_or_the_loop),
        ON_LOOP(loop_ends_them_newest_first),
        ON_LOOP(exits_are_called_behind_what_is_given_up),
        ON_LOOP(forgotten_loop_calls_none),
        ON_LOOP(nothing_starts_on_a_loop_that_ends),
        cmocka_unit_test(out_of_memory_is_told_before_anything_is_called),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
