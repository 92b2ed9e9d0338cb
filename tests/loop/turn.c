/* Turns: when tasks of steps have theirs, and in which order. Those of tasks in groups are tested
 * in turn_group.c, those that do not come in turn_taken_back.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wherry.h>

#include "loop/loop.h"
#include "support/any_order.h"
#include "support/loop_fixture.h"
#include "support/stepping.h"

#define TOCK 10

/* --- the grid */

static void turns_are_once_a_pass_without_a_tock(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = loop_fixture_stepped(self, TOCK);
    stepper one = STEPPER(NULL);

    stepping_spawn(loop, &one);
    stepping_turns_are(&one, "");
    loop_fixture_pass(self, 4);
    stepping_turns_are(&one, "0 10 20 30");
    loop_fixture_free(self);
}

static void virtual_time_moves_by_the_loops_tock(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER(NULL, .stop = 3);

    stepping_spawn(self->loop, &one);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    stepping_turns_are(&one, "0 31250000 62500000");
    assert_int_equal(wherry_loop_now(self->loop), 62500000);
}

static void tocks_between_passes_are_kept_on_the_average(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = loop_fixture_stepped(self, TOCK);
    stepper one = STEPPER(NULL, .steps.tock = 25), two = STEPPER(NULL, .steps.tock = 10),
            three = STEPPER(NULL, .steps.tock = 4);

    stepping_spawn(loop, &one);
    stepping_spawn(loop, &two);
    stepping_spawn(loop, &three);
    loop_fixture_pass(self, 11);
    stepping_turns_are(&one, "0 30 50 80 100");
    stepping_turns_are(&two, "0 10 20 30 40 50 60 70 80 90 100");
    stepping_turns_are(&three, "0 10 20 30 40 50 60 70 80 90 100");
    loop_fixture_free(self);
}

static void grid_begins_with_the_first_turn(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = loop_fixture_stepped(self, TOCK);
    stepper one = STEPPER(NULL, .steps.tock = 20);

    loop_fixture_pass(self, 3);
    stepping_spawn(loop, &one);
    loop_fixture_pass(self, 5);
    stepping_turns_are(&one, "30 50 70");
    loop_fixture_free(self);
}

static void missed_turns_are_left_out(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = loop_fixture_stepped(self, TOCK);
    stepper one = STEPPER(NULL, .steps.tock = 20), two = STEPPER(NULL);

    stepping_spawn(loop, &one);
    stepping_spawn(loop, &two);
    loop_fixture_pass(self, 1);
    assert_int_equal(wherry_loop_tick(loop, 75), 85);
    loop_fixture_pass(self, 4);
    stepping_turns_are(&one, "0 85 105"); /* those of 20, 40 and 60 are one; that of 100 is due at
                                             105 */
    stepping_turns_are(&two, "0 85 95 105 115");
    loop_fixture_free(self);
}

static void longest_tock_never_comes_again(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER(NULL, .steps.tock = INT64_MAX);

    stepping_spawn(self->loop, &one);
    loop_fixture_pass(self, 3);
    stepping_turns_are(&one, "0");
    loop_fixture_free(self);
}

/* --- the order */

static void order_is_that_of_entry_whatever_came_first(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = loop_fixture_stepped(self, TOCK);
    stepper steppers[] = { STEPPER("a", .steps.tock = 40),
                           STEPPER("b", .steps.tock = 10),
                           STEPPER("c", .steps.tock = 30),
                           STEPPER("d", .steps.tock = 20),
                           STEPPER("e"),
                           STEPPER("f", .steps.tock = 35) };

    for (size_t i = 0; i < 6; i++)
        stepping_spawn(loop, &steppers[i]);
    trace_is("a(b(c(d(e(f(");
    loop_fixture_pass(self, 1);
    trace_is("a.b.c.d.e.f.");
    wherry_loop_tick(loop, 25);
    loop_fixture_pass(self, 1);
    trace_is("b.c.d.e.f."); /* it is 35 */
    wherry_loop_tick(loop, 75);
    loop_fixture_pass(self, 1);
    trace_is("a.b.c.d.e.f.");
    loop_fixture_free(self);
    trace_is("f/f)e/e)d/d)c/c)b/b)a/a)");
}

/* In a world equal deadlines expire in any order. */
#define CROWD 40

static stepper crowd[CROWD];
static int last_had;

static void come_behind(stepper *self)
{
    if (self - crowd <= last_had)
        (void)task_failed(__FILE__, __LINE__, "out of order");
    last_had = (int)(self - crowd);
}

static int live_in_a_crowd(void *unused)
{
    wherry_loop *loop;

    (void)unused;
    TASK_ASSERT(wherry_loop_new(&loop, .clock = WHERRY_CLOCK_STEPPED, .tock = TOCK) == WHERRY_OK);
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = STEPPER(NULL, .act[STEP_RECUR] = come_behind, .steps.tock = 5 * (i % 5));
        TASK_ASSERT(wherry_spawn_steps(NULL, &crowd[i].steps, .loop = loop) == WHERRY_OK);
    }
    for (int i = 0; i < 50; i++) { /* the world may hold deadlines up for a pass */
        last_had = -1;
        TASK_ASSERT(wherry_loop_step(loop) >= 0);
    }
    TASK_ASSERT(crowd[4].turns > 10 && crowd[5].turns > crowd[4].turns);
    wherry_loop_free(loop);
    return 0;
}

static void order_is_that_of_entry_in_any_world(void **state)
{
    (void)state;
    any_order_run(live_in_a_crowd);
}

typedef struct poster {
    wherry_post post;
    stepper *one;
    wherry_loop *loop;
    void (*act)(struct poster *self);
} poster;

static void run_post(wherry_post *post)
{
    poster *self = (poster *)post;

    self->act(self);
}

static void spawn_it(poster *self)
{
    stepping_spawn(self->loop, self->one);
}

static void what_enters_during_a_pass_begins_in_the_next(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = loop_fixture_stepped(self, TOCK);
    stepper first = STEPPER("a"), late = STEPPER("z"), early = STEPPER("y");
    poster post = { .post.run = run_post, .one = &early, .loop = loop, .act = spawn_it };

    first.other = &late;
    first.act[STEP_RECUR] = stepping_spawn_other;
    stepping_spawn(loop, &first);
    wherry_loop_post(loop, &post.post); /* before the turns of the pass */
    loop_fixture_pass(self, 1);
    trace_is("a(y(a.z(");
    loop_fixture_pass(self, 1);
    trace_is("a.y.z.");
    stepping_turns_are(&late, "10");
    loop_fixture_free(self);
}

/* --- waking */

static void wake_it(poster *self)
{
    wherry_task_wake(self->one->task);
    wherry_task_wake(self->one->task);
}

static int wake_soon(void *one)
{
    wherry_task_wake(((stepper *)one)->task);
    return 0;
}

static void woken_it_has_a_turn_at_once_and_keeps_its_grid(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = loop_fixture_stepped(self, TOCK);
    stepper one = STEPPER("a", .steps.tock = 40);
    poster post = { .post.run = run_post, .one = &one, .loop = loop, .act = wake_it };

    stepping_spawn(loop, &one);
    wherry_task_wake(one.task); /* it has its first turn anyway */
    loop_fixture_pass(self, 1);
    stepping_turns_are(&one, "0");
    assert_false(wherry__loop_has_work(loop));
    wherry_task_wake(one.task);
    assert_true(wherry__loop_has_work(loop));
    loop_fixture_pass(self, 1);
    stepping_turns_are(&one, "0 10");
    wherry_loop_post(loop, &post.post); /* in time for this pass, and once */
    loop_fixture_pass(self, 2);
    stepping_turns_are(&one, "0 10 20");
    loop_fixture_spawn(loop, wake_soon, &one); /* behind the turns of 40 */
    loop_fixture_pass(self, 2);
    stepping_turns_are(&one, "0 10 20 40 50");
    loop_fixture_pass(self, 4);
    stepping_turns_are(&one, "0 10 20 40 50 80");
    loop_fixture_free(self);
}

static void woken_in_a_turn_it_has_the_next_in_the_next_pass(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = loop_fixture_stepped(self, TOCK);
    stepper before = STEPPER("a", .steps.tock = 1000), waker = STEPPER("b", .steps.tock = 20),
            after = STEPPER("c", .steps.tock = 1000), own = STEPPER("d", .steps.tock = 1000);

    before.other = NULL;
    waker.other = &before;
    own.other = &own;
    stepping_spawn(loop, &before);
    stepping_spawn(loop, &waker);
    stepping_spawn(loop, &after);
    stepping_spawn(loop, &own);
    loop_fixture_pass(self, 1);
    waker.act[STEP_RECUR] = stepping_wake_other;
    loop_fixture_pass(self, 2); /* 20: it wakes one that is before it */
    stepping_turns_are(&before, "0");
    loop_fixture_pass(self, 1);
    stepping_turns_are(&before, "0 30");
    waker.other = &after;
    loop_fixture_pass(self, 1);
    stepping_turns_are(&after, "0");
    loop_fixture_pass(self, 1);
    stepping_turns_are(&after, "0 50");
    own.act[STEP_RECUR] = stepping_wake_other;
    wherry_task_wake(own.task);
    loop_fixture_pass(self, 3);
    stepping_turns_are(&own, "0 60 70 80");
    loop_fixture_free(self);
}

static void only_what_has_turns_is_woken(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = loop_fixture_stepped(self, TOCK);
    stepper holder = HOLDER("h"), bodied = BODIED("b"), ended = STEPPER("e", .stop = 1);
    wherry_task *task, *plain;

    stepping_spawn(loop, &holder);
    stepping_spawn(loop, &bodied);
    assert_int_equal(wherry_spawn_steps(&task, &ended.steps, .loop = loop), WHERRY_OK);
    assert_int_equal(wherry_spawn(&plain, stepping_coroutine, "", .loop = loop), WHERRY_OK);
    loop_fixture_pass(self, 1);
    trace_is("h(b(e(e.e=e)b~");
    wherry_task_wake(holder.task);
    wherry_task_wake(bodied.task);
    wherry_task_wake(task);
    wherry_task_wake(plain);
    assert_false(wherry__loop_has_work(loop));
    loop_fixture_pass(self, 1);
    trace_is("");
    wherry_task_release(task);
    wherry_task_release(plain);
    loop_fixture_free(self);
}

/* --- another tock */

static void set_tock_to_20(stepper *self)
{
    if (self->turns == 2)
        assert_int_equal(wherry_task_set_tock(self->task, 20), WHERRY_OK);
}

static void tock_can_be_changed_while_it_lives(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = loop_fixture_stepped(self, TOCK);
    stepper inside = STEPPER(NULL, .act[STEP_RECUR] = set_tock_to_20),
            outside = STEPPER(NULL, .steps.tock = 30);

    stepping_spawn(loop, &inside);
    stepping_spawn(loop, &outside);
    assert_int_equal(wherry_task_tock(inside.task), 0);
    assert_int_equal(wherry_task_tock(outside.task), 30);
    loop_fixture_pass(self, 2);
    assert_int_equal(wherry_task_set_tock(outside.task, 20), WHERRY_OK);
    assert_int_equal(wherry_task_tock(outside.task), 20);
    loop_fixture_pass(self, 7);
    stepping_turns_are(&inside, "0 10 20 40 60 80");
    stepping_turns_are(&outside, "0 30 50 70"); /* the turn that was planned stays */
    assert_int_equal(wherry_task_set_tock(outside.task, 0), WHERRY_OK);
    loop_fixture_pass(self, 3);
    stepping_turns_are(&outside, "0 30 50 70 90 100 110");
    loop_fixture_free(self);
}

static void tock_is_only_of_what_has_turns_and_not_negative(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER(NULL, .steps.tock = 7), holder = HOLDER(NULL);
    wherry_task *task, *plain;

    assert_int_equal(wherry_spawn_steps(&task, &one.steps, .loop = self->loop), WHERRY_OK);
    stepping_spawn(self->loop, &holder);
    assert_int_equal(wherry_spawn(&plain, stepping_coroutine, "", .loop = self->loop), WHERRY_OK);
    assert_int_equal(wherry_task_set_tock(task, -1), WHERRY_E_MISUSE);
    assert_int_equal(wherry_task_tock(task), 7);
    assert_int_equal(wherry_task_set_tock(holder.task, 1), WHERRY_E_MISUSE);
    assert_int_equal(wherry_task_tock(holder.task), 0);
    assert_int_equal(wherry_task_set_tock(plain, 1), WHERRY_E_MISUSE);
    assert_int_equal(wherry_task_tock(plain), 0);
    wherry_task_cancel(task);
    assert_int_equal(wherry_task_set_tock(task, 1), WHERRY_E_MISUSE);
    assert_int_equal(wherry_task_tock(task), 0);
    wherry_task_release(task);
    wherry_task_release(plain);
    loop_fixture_free(self);
}

static void loops_tock_counts_from_the_next_turn_on(void **state)
{
    loop_fixture *self = *state;
    stepper one = STEPPER(NULL);

    stepping_spawn(self->loop, &one);
    assert_int_equal(wherry_loop_set_tock(self->loop, 100), WHERRY_OK);
    for (int i = 0; i < 3; i++)
        assert_true(wherry_loop_step(self->loop) >= 0);
    stepping_turns_are(&one, "0"); /* steps do not let virtual time jump */
    wherry_loop_tick(self->loop, 100);
    loop_fixture_pass(self, 1);
    stepping_turns_are(&one, "0 100");
    loop_fixture_free(self);
}

/* --- the cost */

#define MANY 10000

static uint64_t expired(wherry_loop *loop)
{
    wherry_loop_statistics statistics;

    wherry_loop_statistics_read(loop, &statistics);
    return statistics.expired;
}

static void pass_does_what_is_due_and_no_more(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *loop = loop_fixture_stepped(self, TOCK);
    stepper *many = calloc(MANY, sizeof(*many));
    uint64_t before;

    assert_non_null(many);
    for (int i = 0; i < MANY; i++) {
        many[i] = STEPPER(NULL, .steps.tock = i % (MANY / 10) == 7 ? 10 : 100000);
        stepping_spawn(loop, &many[i]);
    }
    loop_fixture_pass(self, 1); /* all have their first */
    for (int i = 0; i < 5; i++) {
        before = expired(loop);
        assert_int_equal(wherry_loop_step(loop), 20); /* a deadline and a turn each */
        assert_int_equal(expired(loop) - before, 10);
    }
    for (int i = 0; i < MANY; i++)
        assert_int_equal(many[i].turns, i % (MANY / 10) == 7 ? 6 : 1);
    loop_fixture_free(self);
    free(many);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(turns_are_once_a_pass_without_a_tock),
        ON_LOOP(virtual_time_moves_by_the_loops_tock),
        ON_LOOP(tocks_between_passes_are_kept_on_the_average),
        ON_LOOP(grid_begins_with_the_first_turn),
        ON_LOOP(missed_turns_are_left_out),
        ON_LOOP(longest_tock_never_comes_again),
        ON_LOOP(order_is_that_of_entry_whatever_came_first),
        ON_LOOP(order_is_that_of_entry_in_any_world),
        ON_LOOP(what_enters_during_a_pass_begins_in_the_next),
        ON_LOOP(woken_it_has_a_turn_at_once_and_keeps_its_grid),
        ON_LOOP(woken_in_a_turn_it_has_the_next_in_the_next_pass),
        ON_LOOP(only_what_has_turns_is_woken),
        ON_LOOP(tock_can_be_changed_while_it_lives),
        ON_LOOP(tock_is_only_of_what_has_turns_and_not_negative),
        ON_LOOP(loops_tock_counts_from_the_next_turn_on),
        ON_LOOP(pass_does_what_is_due_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
