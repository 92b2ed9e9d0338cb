/* The tests of hio's doers, hio/tests/base/test_doing.py: the same steps, and the same states at
 * the same times. Left out is what is about Python: generators (test_generator_play, test_deed) and
 * decorators (test_doify, test_doize, test_decoration). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/hio.h"
#include "support/loop_fixture.h"

#define SECOND WHERRY_SECONDS(1)

static wherry_loop *stepped(int64_t tock)
{
    wherry_loop *loop;

    assert_int_equal(wherry_loop_new(&loop, .clock = WHERRY_CLOCK_STEPPED, .tock = tock),
                     WHERRY_OK);
    return loop;
}

static void recur(wherry_loop *loop, int times)
{
    while (times-- > 0)
        assert_true(wherry_loop_step(loop) >= 0);
}

static wherry_task *enter(wherry_loop *loop, stepper *one)
{
    wherry_task *task;

    assert_int_equal(wherry_spawn_steps(&task, &one->steps, .loop = loop), WHERRY_OK);
    return task;
}

static wherry_group *dodoer(wherry_loop *loop, wherry_steps **members, bool always)
{
    wherry_group *group;

    assert_int_equal(wherry_group_new(&group, .loop = loop, .members = members, .always = always),
                     WHERRY_OK);
    return group;
}

/* --- test_doize_dodoer_with_bound_method */

static void bound_method_as_in_hio(void **state)
{
    (void)state;
    for (int nested = 0; nested < 2; nested++)
        for (int stop = 0; stop <= 3; stop += 3) {
            stepper method = HIO_DOER(.stop = stop, .steps.tock = WHERRY_MILLISECONDS(200));
            wherry_loop *loop = stepped(0);
            wherry_group *group, *outer;

            assert_int_equal(wherry_group_new(&outer, .loop = loop), WHERRY_OK);
            assert_int_equal(wherry_group_new(&group, .parent = nested ? outer : NULL, .loop = loop,
                                              .members = LIST(&method.steps)),
                             WHERRY_OK);
            assert_int_equal(wherry_group_run(nested ? outer : group, SECOND), stop == 3);
            assert_int_equal(method.done, stop == 3);
            assert_int_equal(1 + method.turns, stop == 3 ? 4 : 6);
            wherry_group_free(group);
            wherry_group_free(outer);
            wherry_loop_free(loop);
        }
}

/* --- test_doer, test_redoer */

static void doer_as_in_hio(void **state)
{
    wherry_steps plain = { 0 };
    wherry_loop *loop = stepped(0);
    wherry_task *task;

    (void)state;
    assert_int_equal(wherry_spawn_steps(&task, &plain, .loop = loop), WHERRY_OK);
    assert_ptr_equal(wherry_task_loop(task), loop); /* it is wound */
    assert_int_equal(wherry_task_tock(task), 0);
    recur(loop, 3); /* it is never done by itself */
    assert_int_equal(wherry_task_ended(task), 0);
    wherry_task_cancel(task);
    assert_int_equal(wherry_task_ended(task), 1);
    assert_int_equal(wherry_task_done(task), 0);
    wherry_task_cancel(task); /* after its end: nothing */
    wherry_task_release(task);
    wherry_loop_free(loop);
}

static void doers_tock_as_in_hio(void **state)
{
    stepper doer = HIO_DOER(.steps.tock = SECOND);
    wherry_loop *loop = stepped(0);
    wherry_task *task = enter(loop, &doer);

    (void)state;
    assert_int_equal(wherry_task_tock(task), SECOND);
    assert_int_equal(wherry_task_set_tock(task, 0), WHERRY_OK);
    assert_int_equal(wherry_task_tock(task), 0);
    assert_int_equal(wherry_loop_now(wherry_task_loop(task)), 0);
    assert_int_equal(wherry_loop_tick(loop, wherry_loop_tock(loop)), HIO_TOCK);
    assert_int_equal(wherry_loop_now(wherry_task_loop(task)), HIO_TOCK);
    wherry_task_cancel(task);
    wherry_task_release(task);
    wherry_loop_free(loop);
}

static void redoer_as_in_hio(void **state)
{
    wherry_loop *loop = stepped(0);
    stepper whole = HIO_DOER(.stop = 3), closed = HIO_DOER(.stop = 3);
    wherry_task *task = enter(loop, &whole);

    (void)state;
    recur(loop, 2);
    assert_int_equal(wherry_task_ended(task), 0);
    recur(loop, 1);
    assert_int_equal(wherry_task_done(task), 1);
    recur(loop, 1); /* behind its end: nothing */
    assert_int_equal(whole.turns, 3);
    wherry_task_release(task);
    task = enter(loop, &closed);
    recur(loop, 1);
    wherry_task_cancel(task);
    assert_int_equal(wherry_task_done(task), 0);
    recur(loop, 1);
    assert_int_equal(closed.turns, 1);
    wherry_task_release(task);
    wherry_loop_free(loop);
}

static void redoer_with_doist_as_in_hio(void **state)
{
    wherry_loop *loop = stepped(SECOND);
    stepper doer = HIO_DOER(.stop = 3, .steps.tock = SECOND);
    wherry_group *group = dodoer(loop, LIST(&doer.steps), false);

    (void)state;
    assert_int_equal(wherry_group_run(group, 4 * SECOND), 1);
    assert_int_equal(wherry_loop_now(loop), 3 * SECOND); /* it is done before the limit */
    stepping_states_in(&doer, SECOND, "enter 0 0, recur 0 1, recur 1 2, recur 2 3, exit 2 4");
    wherry_group_free(group);
    wherry_loop_free(loop);
}

/* --- test_dodoer, test_dodoer_always */

static void dodoer_as_in_hio(void **state)
{
    wherry_loop *loop = stepped(0);
    wherry_steps doers[3] = { { 0 } };
    wherry_group *group = dodoer(loop, LIST(NULL), false);

    (void)state;
    assert_int_equal(wherry_group_done(group), 0);
    recur(loop, 1); /* without doers it ends at once */
    assert_int_equal(wherry_group_done(group), 1);
    recur(loop, 1);
    wherry_group_free(group);
    group = dodoer(loop, LIST(&doers[0], &doers[1], &doers[2]), false);
    assert_int_equal(wherry_group_count(group), 3);
    recur(loop, 2);
    assert_int_equal(wherry_group_done(group), 0);
    wherry_group_cancel(group);
    assert_int_equal(wherry_group_done(group), 0);
    assert_int_equal(wherry_group_count(group), 0);
    recur(loop, 1);
    wherry_group_free(group);
    wherry_loop_free(loop);
}

typedef struct trio {
    stepper doers[5];
} trio;

#define TRIO ((trio){ { TRY_DOER(1), TRY_DOER(2), TRY_DOER(3), TRY_DOER(1), TRY_DOER(2) } })

static wherry_group *enter_trio(wherry_loop *loop, trio *all, bool always)
{
    *all = TRIO;
    return dodoer(loop, LIST(&all->doers[0].steps, &all->doers[1].steps, &all->doers[2].steps),
                  always);
}

static void dones_are(const trio *all, int first, int second, int third)
{
    assert_int_equal(all->doers[0].done, first);
    assert_int_equal(all->doers[1].done, second);
    assert_int_equal(all->doers[2].done, third);
}

static void dodoer_always_as_in_hio(void **state)
{
    wherry_loop *loop = stepped(SECOND);
    trio all;
    wherry_group *group = enter_trio(loop, &all, false);

    (void)state;
    dones_are(&all, 0, 0, 0);
    assert_int_equal(wherry_group_run(group, 5 * SECOND), 1);
    assert_int_equal(wherry_loop_now(loop), 4 * SECOND);
    assert_int_equal(wherry_group_done(group), 1);
    dones_are(&all, 1, 1, 1);
    wherry_group_free(group);
    group = enter_trio(loop, &all, false);
    assert_int_equal(wherry_group_run(group, 2 * SECOND), 0);
    assert_int_equal(wherry_loop_now(loop), 6 * SECOND);
    assert_int_equal(wherry_group_done(group), 0);
    dones_are(&all, 1, 0, 0);
    wherry_group_free(group);
    group = enter_trio(loop, &all, true);
    recur(loop, 4);
    assert_int_equal(wherry_group_done(group), 1);        /* all its doers are done */
    assert_int_equal(wherry_group_run(group, SECOND), 0); /* and it goes on up to the limit */
    assert_int_equal(wherry_loop_now(loop), 11 * SECOND);
    dones_are(&all, 1, 1, 1);
    wherry_group_free(group);
    group = enter_trio(loop, &all, true);
    assert_int_equal(wherry_group_run(group, 2 * SECOND), 0);
    assert_int_equal(wherry_loop_now(loop), 13 * SECOND);
    assert_int_equal(wherry_group_done(group), 0);
    dones_are(&all, 1, 0, 0);
    wherry_group_free(group);
    wherry_loop_free(loop);
}

static void extended_dodoer_as_in_hio(void **state)
{
    wherry_loop *loop = stepped(SECOND);
    trio all;
    wherry_group *group = enter_trio(loop, &all, true);

    (void)state;
    recur(loop, 2);
    assert_int_equal(wherry_group_done(group), 0);
    dones_are(&all, 1, 0, 0);
    assert_int_equal(wherry_group_count(group), 2);
    for (int i = 3; i < 5; i++)
        assert_int_equal(wherry_spawn_steps(NULL, &all.doers[i].steps, .group = group), WHERRY_OK);
    assert_int_equal(wherry_group_count(group), 4);
    recur(loop, 2);
    assert_int_equal(wherry_loop_now(loop), 4 * SECOND);
    assert_int_equal(wherry_group_done(group), 0);
    dones_are(&all, 1, 1, 1);
    assert_int_equal(all.doers[3].done, 1);
    assert_int_equal(all.doers[4].done, 0);
    assert_int_equal(wherry_group_count(group), 1);
    wherry_group_free(group); /* exit */
    assert_int_equal(all.doers[4].done, 0);
    stepping_states_in(&all.doers[4], SECOND,
                       "enter 2 0, recur 2 1, recur 3 2, close 4 3, exit 4 4");
    wherry_loop_free(loop);
}

/* --- test_dodoer_remove and the like */

static wherry_group *enter_five(wherry_loop *loop, stepper *doers, stepper *last, bool always)
{
    static const int stops[] = { 1, 2, 3, 2, 3 };

    for (int i = 0; i < 5; i++)
        doers[i] = TRY_DOER(stops[i]);
    return dodoer(loop,
                  LIST(&doers[0].steps, &doers[1].steps, &doers[2].steps, &doers[3].steps,
                       &doers[4].steps, last == NULL ? NULL : &last->steps),
                  always);
}

static void dodoer_remove_as_in_hio(void **state)
{
    wherry_loop *loop = stepped(SECOND);
    stepper doers[5];
    wherry_group *group = enter_five(loop, doers, NULL, true);

    (void)state;
    recur(loop, 2);
    assert_int_equal(wherry_group_done(group), 0);
    assert_int_equal(wherry_group_count(group), 4);
    assert_int_equal(doers[0].done, 1);
    for (int i = 1; i < 5; i++)
        assert_int_equal(doers[i].done, 0);
    wherry_task_cancel(doers[3].task);
    wherry_task_cancel(doers[1].task);
    assert_int_equal(wherry_group_count(group), 2);
    recur(loop, 2);
    assert_int_equal(wherry_loop_now(loop), 4 * SECOND);
    assert_int_equal(wherry_group_done(group), 1);
    assert_int_equal(wherry_group_count(group), 0);
    assert_int_equal(doers[1].done + doers[3].done, 0);
    assert_int_equal(doers[2].done + doers[4].done, 2);
    recur(loop, 2); /* it does not complete: it goes on always */
    wherry_group_free(group);
    wherry_loop_free(loop);
}

static stepper *removed[5];

static void remove_others(stepper *self)
{
    for (int i = 4; i >= 0 && self->turns == 0; i--)
        wherry_task_cancel(removed[i]->task);
}

static void remove_all(stepper *self)
{
    remove_others(self);
    wherry_task_cancel(self->task);
}

static void dodoer_remove_by_own_doer_as_in_hio(void **state)
{
    wherry_loop *loop = stepped(SECOND);
    stepper doers[5], remover = HIO_DOER(.stop = 3, .act[STEP_RECUR] = remove_others);
    wherry_group *group = enter_five(loop, doers, &remover, false);

    (void)state;
    for (int i = 0; i < 5; i++)
        removed[i] = &doers[i];
    assert_int_equal(wherry_group_count(group), 6);
    recur(loop, 1);
    assert_int_equal(wherry_group_done(group), 0);
    assert_int_equal(wherry_group_count(group), 1);
    for (int i = 0; i < 5; i++)
        assert_int_equal(doers[i].done, 0);
    recur(loop, 1);
    assert_int_equal(wherry_group_count(group), 1);
    recur(loop, 1);
    assert_int_equal(wherry_loop_now(loop), 3 * SECOND);
    assert_int_equal(wherry_group_done(group), 1);
    assert_int_equal(remover.done, 1);
    wherry_group_free(group);
    wherry_loop_free(loop);
}

/* In hio one that removes itself goes on; here it ends when its turn returns, and with it the
 * group, in which nothing is left. */
static void dodoer_remove_own_doer_as_in_hio(void **state)
{
    wherry_loop *loop = stepped(SECOND);
    stepper doers[5], remover = HIO_DOER(.stop = 3, .act[STEP_RECUR] = remove_all);
    wherry_group *group = enter_five(loop, doers, &remover, false);

    (void)state;
    for (int i = 0; i < 5; i++)
        removed[i] = &doers[i];
    recur(loop, 1);
    for (int i = 0; i < 5; i++)
        assert_int_equal(doers[i].done, 0);
    assert_int_equal(remover.done, 0);
    assert_int_equal(wherry_group_count(group), 0);
    assert_int_equal(wherry_group_done(group), 1);
    wherry_group_free(group);
    wherry_loop_free(loop);
}

/* --- test_exDo, test_trydoer_*, test_trydo_* */

static void ex_do_as_in_hio(void **state)
{
    wherry_loop *loop = stepped(HIO_TOCK);
    stepper doer = EX_DOER(.steps.tock = 0), slow = EX_DOER(.steps.tock = SECOND);

    (void)state;
    wherry_task_release(enter(loop, &doer));
    wherry_task_release(enter(loop, &slow));
    recur(loop, 2);
    wherry_task_cancel(doer.task);
    wherry_task_cancel(slow.task);
    stepping_states_in(&doer, HIO_TOCK, "enter 0 0, recur 0 1, recur 1 2, close 2 3, exit 2 4");
    stepping_states_in(&slow, HIO_TOCK, "enter 0 0, recur 0 1, close 2 2, exit 2 3");
    wherry_loop_free(loop);
}

#define EIGHTH WHERRY_MILLISECONDS(125)

static void trydoer_break_as_in_hio(void **state)
{
    wherry_loop *loop = stepped(EIGHTH);
    stepper doer = TRY_DOER(3);
    wherry_task *task = enter(loop, &doer);

    (void)state;
    stepping_states_in(&doer, EIGHTH, "enter 0 0");
    recur(loop, 3);
    stepping_states_in(&doer, EIGHTH, "enter 0 0, recur 0 1, recur 1 2, recur 2 3");
    recur(loop, 2);
    stepping_states_in(&doer, EIGHTH,
                       "enter 0 0, recur 0 1, recur 1 2, recur 2 3, recur 3 4, exit 3 5");
    assert_int_equal(wherry_task_done(task), 1);
    wherry_task_release(task);
    wherry_loop_free(loop);
}

static void trydoer_close_as_in_hio(void **state)
{
    wherry_loop *loop = stepped(EIGHTH);
    stepper doer = TRY_DOER(3);
    wherry_task *task = enter(loop, &doer);

    (void)state;
    recur(loop, 2);
    wherry_task_cancel(task);
    recur(loop, 1);
    stepping_states_in(&doer, EIGHTH, "enter 0 0, recur 0 1, recur 1 2, close 2 3, exit 2 4");
    assert_int_equal(wherry_task_done(task), 0);
    wherry_task_release(task);
    wherry_loop_free(loop);
}

/* Nothing throws into a task: it fails itself, in a turn that hio's does not have. */
static void trydoer_throw_as_in_hio(void **state)
{
    wherry_loop *loop = stepped(EIGHTH);
    stepper doer = HIO_DOER(.stop = 4, .results[STEP_RECUR] = WHERRY_E_MALFORMED, .fail_at = 3);
    wherry_task *task = enter(loop, &doer);
    int result;

    (void)state;
    recur(loop, 4);
    stepping_states_in(&doer, EIGHTH,
                       "enter 0 0, recur 0 1, recur 1 2, recur 2 3, abort 2 4, exit 2 5");
    assert_int_equal(doer.reason, WHERRY_E_MALFORMED);
    assert_int_equal(wherry_task_done(task), 0);
    assert_int_equal(wherry_task_join(task, &result, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(result, WHERRY_E_MALFORMED);
    wherry_task_release(task);
    wherry_loop_free(loop);
}

/* tryDo is a generator function: a body that waits for its turns. */
static int try_do(wherry_steps *steps, wherry_task *task)
{
    stepper *self = (stepper *)steps;

    for (;;) {
        self->states[self->state_count++] = (stepping_state){ .now = wherry_in(0),
                                                              .step = STEP_RECUR,
                                                              .count = self->count };
        if (self->count++ == self->stop)
            return self->results[STEP_BODY];
        if (wherry_sleep(wherry_in(wherry_loop_tock(wherry_task_loop(task)))) < 0)
            return WHERRY_E_CANCELED;
    }
}

#define TRY_DO(last, result)                                                                       \
    ((stepper){ .steps = { .enter = stepping_enter,                                                \
                           .body = try_do,                                                         \
                           .close = stepping_close,                                                \
                           .abort = stepping_abort,                                                \
                           .exit = stepping_exit },                                                \
                .stop = (last),                                                                    \
                .results[STEP_BODY] = (result) })

static void trydo_break_as_in_hio(void **state)
{
    wherry_loop *loop = stepped(EIGHTH);
    stepper doer = TRY_DO(4, 1);
    wherry_task *task = enter(loop, &doer);

    (void)state;
    recur(loop, 5);
    stepping_states_in(&doer, EIGHTH,
                       "enter 0 0, recur 0 1, recur 1 2, recur 2 3, recur 3 4, exit 3 5");
    assert_int_equal(wherry_task_done(task), 1);
    wherry_task_release(task);
    wherry_loop_free(loop);
}

static void trydo_close_as_in_hio(void **state)
{
    wherry_loop *loop = stepped(EIGHTH);
    stepper doer = TRY_DO(4, 1);
    wherry_task *task = enter(loop, &doer);

    (void)state;
    recur(loop, 2);
    wherry_task_cancel(task);
    recur(loop, 1); /* a body ends when it has returned */
    stepping_states_in(&doer, EIGHTH, "enter 0 0, recur 0 1, recur 1 2, close 2 3, exit 2 4");
    assert_int_equal(wherry_task_done(task), 0);
    wherry_task_release(task);
    wherry_loop_free(loop);
}

static void trydo_throw_as_in_hio(void **state)
{
    wherry_loop *loop = stepped(EIGHTH);
    stepper doer = TRY_DO(3, WHERRY_E_MALFORMED);
    wherry_task *task = enter(loop, &doer);

    (void)state;
    recur(loop, 4);
    stepping_states_in(&doer, EIGHTH,
                       "enter 0 0, recur 0 1, recur 1 2, recur 2 3, abort 2 4, exit 2 5");
    assert_int_equal(wherry_task_done(task), 0);
    wherry_task_release(task);
    wherry_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bound_method_as_in_hio),
        cmocka_unit_test(doer_as_in_hio),
        cmocka_unit_test(doers_tock_as_in_hio),
        cmocka_unit_test(redoer_as_in_hio),
        cmocka_unit_test(redoer_with_doist_as_in_hio),
        cmocka_unit_test(dodoer_as_in_hio),
        cmocka_unit_test(dodoer_always_as_in_hio),
        cmocka_unit_test(extended_dodoer_as_in_hio),
        cmocka_unit_test(dodoer_remove_as_in_hio),
        cmocka_unit_test(dodoer_remove_by_own_doer_as_in_hio),
        cmocka_unit_test(dodoer_remove_own_doer_as_in_hio),
        cmocka_unit_test(ex_do_as_in_hio),
        cmocka_unit_test(trydoer_break_as_in_hio),
        cmocka_unit_test(trydoer_close_as_in_hio),
        cmocka_unit_test(trydoer_throw_as_in_hio),
        cmocka_unit_test(trydo_break_as_in_hio),
        cmocka_unit_test(trydo_close_as_in_hio),
        cmocka_unit_test(trydo_throw_as_in_hio),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
