/* The tests of hio's scheduler, hio/tests/base/test_doist.py: the same steps, and the same states
 * at the same times. Its doist is a loop and a group; its limit is that of wherry_group_run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>
#include <wherry/simulation.h>

#include "support/hio.h"
#include "support/loop_fixture.h"

static wherry_loop *new_loop(wherry_system *system, wherry_clock clock, int64_t tock)
{
    wherry_loop *loop;

    assert_int_equal(wherry_loop_new(&loop, .system = system, .clock = clock, .tock = tock),
                     WHERRY_OK);
    return loop;
}

static wherry_loop *stepped(int64_t tock)
{
    return new_loop(NULL, WHERRY_CLOCK_STEPPED, tock);
}

/* One pass of hio's: recur. */
static void recur(wherry_loop *loop)
{
    assert_true(wherry_loop_step(loop) >= 0);
}

static void enter(wherry_loop *loop, stepper *one)
{
    assert_int_equal(wherry_spawn_steps(NULL, &one->steps, .loop = loop), WHERRY_OK);
}

static size_t deeds(wherry_loop *loop)
{
    wherry_loop_statistics statistics;

    wherry_loop_statistics_read(loop, &statistics);
    return statistics.tasks;
}

/* Enters them all, runs them at most for the limit, and ends them. */
static int run_group(wherry_loop *loop, wherry_steps **members, int64_t limit)
{
    wherry_group *group;
    int result;

    assert_int_equal(wherry_group_new(&group, .loop = loop, .members = members), WHERRY_OK);
    result = wherry_group_run(group, limit);
    wherry_group_free(group);
    return result;
}

/* --- test_doist_basic */

static void doist_basic_as_in_hio(void **state)
{
    wherry_loop *loop = stepped(0);

    (void)state;
    assert_int_equal(wherry_loop_now(loop), 0);
    assert_int_equal(wherry_loop_tock(loop), HIO_TOCK);
    assert_int_equal(run_group(loop, LIST(NULL), 0), 1);
    assert_int_equal(wherry_loop_now(loop), HIO_TOCK); /* one pass */
    wherry_loop_free(loop);
    assert_int_equal(wherry_loop_new(&loop, .clock = WHERRY_CLOCK_PACED, .start = WHERRY_SECONDS(1),
                                     .tock = WHERRY_MILLISECONDS(10)),
                     WHERRY_OK);
    assert_int_equal(wherry_loop_now(loop), WHERRY_SECONDS(1));
    assert_int_equal(wherry_loop_tock(loop), WHERRY_MILLISECONDS(10));
    assert_int_equal(run_group(loop, LIST(NULL), WHERRY_MILLISECONDS(20)), 1);
    assert_int_equal(run_group(loop, LIST(NULL), WHERRY_MILLISECONDS(20)), 1);
    wherry_loop_free(loop);
}

/* --- test_doist_once */

static void doist_once_as_in_hio(void **state)
{
    const int64_t tock = WHERRY_MILLISECONDS(250);
    wherry_loop *loop = stepped(tock);
    stepper doer0 = EX_DOER(.steps.tock = tock), doer1 = EX_DOER(.steps.tock = 2 * tock);

    (void)state;
    enter(loop, &doer0);
    enter(loop, &doer1);
    assert_int_equal(deeds(loop), 2);
    stepping_states_in(&doer0, tock, "enter 0 0");
    stepping_states_in(&doer1, tock, "enter 0 0");
    assert_int_equal(doer0.done + doer1.done, 0);
    recur(loop);
    assert_int_equal(wherry_loop_now(loop), tock);
    stepping_states_in(&doer0, tock, "enter 0 0, recur 0 1");
    stepping_states_in(&doer1, tock, "enter 0 0, recur 0 1");
    recur(loop);
    stepping_states_in(&doer0, tock, "enter 0 0, recur 0 1, recur 1 2");
    stepping_states_in(&doer1, tock, "enter 0 0, recur 0 1");
    recur(loop);
    stepping_states_in(&doer0, tock, "enter 0 0, recur 0 1, recur 1 2, recur 2 3");
    stepping_states_in(&doer1, tock, "enter 0 0, recur 0 1, recur 2 2");
    recur(loop);
    assert_int_equal(wherry_loop_now(loop), 4 * tock);
    assert_int_equal(deeds(loop), 1);
    stepping_states_in(&doer0, tock,
                       "enter 0 0, recur 0 1, recur 1 2, recur 2 3, recur 3 4, exit 3 5");
    assert_int_equal(doer0.done, 1);
    stepping_states_in(&doer1, tock, "enter 0 0, recur 0 1, recur 2 2");
    recur(loop);
    recur(loop);
    stepping_states_in(&doer1, tock, "enter 0 0, recur 0 1, recur 2 2, recur 4 3");
    recur(loop);
    assert_int_equal(wherry_loop_now(loop), 7 * tock);
    assert_int_equal(deeds(loop), 0);
    stepping_states_in(&doer1, tock,
                       "enter 0 0, recur 0 1, recur 2 2, recur 4 3, recur 6 4, exit 6 5");
    assert_int_equal(doer1.done, 1);
    wherry_loop_free(loop);
}

/* --- test_doist_doers, test_doist_dos: in stepped and in paced time */

/* What both clocks are seen with: the paced one on the clock of a world. */
struct clocks {
    wherry_simulation *world;
    wherry_system *system;
};

static wherry_loop *loop_on(struct clocks *clocks, bool is_paced)
{
    return is_paced ? new_loop(clocks->system, WHERRY_CLOCK_PACED, HIO_TOCK) : stepped(HIO_TOCK);
}

static struct clocks open_clocks(void)
{
    struct clocks clocks;

    assert_int_equal(wherry_simulation_new(&clocks.world, .seed = 1), WHERRY_OK);
    assert_int_equal(wherry_simulation_host(clocks.world, "10.0.0.1"), WHERRY_OK);
    clocks.system = wherry_simulation_system(clocks.world, "10.0.0.1");
    return clocks;
}

struct pair {
    stepper doers[2];
    int result;
    int64_t now;
};

static struct pair run_pair(wherry_loop *loop, stepper doer0, stepper doer1, int ticks)
{
    static struct pair pair;

    pair.doers[0] = doer0;
    pair.doers[1] = doer1;
    pair.result = run_group(loop, LIST(&pair.doers[0].steps, &pair.doers[1].steps),
                            ticks * HIO_TOCK);
    pair.now = wherry_loop_now(loop);
    wherry_loop_free(loop);
    return pair;
}

static const char whole[] = "enter 0 0, recur 0 1, recur 1 2, recur 2 3, recur 3 4, exit 3 5";
static const char half[] = "enter 0 0, recur 0 1, recur 2 2, close 4 3, exit 4 4";
static const char brief[] = "enter 0 0, recur 0 1, recur 1 2, close 2 3, exit 2 4";

static void doist_doers_as_in_hio(void **state)
{
    struct clocks clocks = open_clocks();

    (void)state;
    for (int is_paced = 0; is_paced < 2; is_paced++) {
        struct pair seen = run_pair(loop_on(&clocks, is_paced), EX_DOER(.steps.tock = HIO_TOCK),
                                    EX_DOER(.steps.tock = 2 * HIO_TOCK), 4);

        assert_int_equal(seen.result, 0);
        assert_int_equal(seen.now, 4 * HIO_TOCK);
        stepping_states_in(&seen.doers[0], HIO_TOCK, whole);
        assert_int_equal(seen.doers[0].done, 1);
        stepping_states_in(&seen.doers[1], HIO_TOCK, half);
        assert_int_equal(seen.doers[1].done, 0);
        /* as soon as possible */
        seen = run_pair(loop_on(&clocks, is_paced), EX_DOER(.steps.tock = 0),
                        EX_DOER(.steps.tock = 0), 4);
        assert_int_equal(seen.result, 1);
        assert_true(seen.now <= 4 * HIO_TOCK); /* hio's is a tock later where time is paced */
        stepping_states_in(&seen.doers[0], HIO_TOCK, whole);
        stepping_states_in(&seen.doers[1], HIO_TOCK, whole);
        assert_int_equal(seen.doers[0].done + seen.doers[1].done, 2);
        /* a low limit */
        seen = run_pair(loop_on(&clocks, is_paced), EX_DOER(.steps.tock = 0),
                        EX_DOER(.steps.tock = 0), 2);
        assert_int_equal(seen.result, 0);
        assert_int_equal(seen.now, 2 * HIO_TOCK);
        stepping_states_in(&seen.doers[0], HIO_TOCK, brief);
        stepping_states_in(&seen.doers[1], HIO_TOCK, brief);
        assert_int_equal(seen.doers[0].done + seen.doers[1].done, 0);
    }
    wherry_simulation_free(clocks.world);
}

/* A generator function is a body that sleeps from one turn to the next. */
typedef struct generator {
    stepper base;
    int64_t tock;
} generator;

static int generate(wherry_steps *steps, wherry_task *task)
{
    generator *self = (generator *)steps;
    int64_t tock = self->tock == 0 ? wherry_loop_tock(wherry_task_loop(task)) : self->tock;

    for (;;) {
        stepper *base = &self->base;

        base->states[base->state_count++] = (stepping_state){ .now = wherry_in(0),
                                                              .step = STEP_RECUR,
                                                              .count = base->count };
        if (base->count++ == 4)
            return 1;
        if (wherry_sleep(wherry_in(tock)) < 0)
            return WHERRY_E_CANCELED;
    }
}

#define GENERATOR(each)                                                                            \
    ((generator){ .base.steps = { .enter = stepping_enter,                                         \
                                  .body = generate,                                                \
                                  .close = stepping_close,                                         \
                                  .exit = stepping_exit },                                         \
                  .tock = (each) })

static void doist_dos_as_in_hio(void **state)
{
    struct clocks clocks = open_clocks();

    (void)state;
    for (int is_paced = 0; is_paced < 2; is_paced++) {
        wherry_loop *loop = loop_on(&clocks, is_paced);
        generator one = GENERATOR(HIO_TOCK), two = GENERATOR(2 * HIO_TOCK), three = two;
        wherry_steps *list[] = { &one.base.steps, &two.base.steps, &three.base.steps, NULL };

        assert_int_equal(run_group(loop, list, 4 * HIO_TOCK), 0);
        stepping_states_in(&one.base, HIO_TOCK, whole);
        stepping_states_in(&two.base, HIO_TOCK, half);
        stepping_states_in(&three.base, HIO_TOCK, half);
        assert_int_equal(one.base.done, 1);
        assert_int_equal(two.base.done + three.base.done, 0);
        wherry_loop_free(loop);
        one = two = three = GENERATOR(0);
        loop = loop_on(&clocks, is_paced);
        assert_int_equal(run_group(loop, list, 2 * HIO_TOCK), 0);
        stepping_states_in(&one.base, HIO_TOCK, brief);
        stepping_states_in(&two.base, HIO_TOCK, brief);
        stepping_states_in(&three.base, HIO_TOCK, brief);
        wherry_loop_free(loop);
    }
    wherry_simulation_free(clocks.world);
}

/* --- test_extend_remove_doers, and the other ways to take out */

static void extend_remove_doers_as_in_hio(void **state)
{
    const int64_t tock = WHERRY_SECONDS(1);
    wherry_loop *loop = stepped(tock);
    stepper doers[5] = { TRY_DOER(1), TRY_DOER(2), TRY_DOER(3), TRY_DOER(1), TRY_DOER(2) };

    (void)state;
    for (int i = 0; i < 3; i++) { /* it is run several times */
        stepper again[3] = { TRY_DOER(1), TRY_DOER(2), TRY_DOER(3) };

        assert_int_equal(
            run_group(loop, LIST(&again[0].steps, &again[1].steps, &again[2].steps), 2 * tock), 0);
        assert_int_equal(wherry_loop_now(loop), (i + 1) * 2 * tock);
        assert_int_equal(again[0].done, 1);
        assert_int_equal(again[1].done + again[2].done, 0);
    }
    for (int i = 0; i < 3; i++)
        enter(loop, &doers[i]);
    recur(loop);
    recur(loop);
    assert_int_equal(doers[0].done, 1);
    assert_int_equal(doers[1].done + doers[2].done, 0);
    assert_int_equal(deeds(loop), 2);
    enter(loop, &doers[3]);
    enter(loop, &doers[4]);
    assert_int_equal(deeds(loop), 4);
    recur(loop);
    recur(loop);
    for (int i = 0; i < 4; i++)
        assert_int_equal(doers[i].done, 1);
    assert_int_equal(doers[4].done, 0);
    assert_int_equal(deeds(loop), 1);
    wherry_loop_free(loop);
    assert_int_equal(doers[4].done, 0); /* closed by force */
    assert_int_equal(doers[4].states[doers[4].state_count - 1].step, STEP_EXIT);
}

static void doist_remove_as_in_hio(void **state)
{
    wherry_loop *loop = stepped(WHERRY_SECONDS(1));
    stepper doers[5] = { TRY_DOER(1), TRY_DOER(2), TRY_DOER(3), TRY_DOER(2), TRY_DOER(3) };

    (void)state;
    for (int i = 0; i < 5; i++)
        enter(loop, &doers[i]);
    recur(loop);
    recur(loop);
    assert_int_equal(doers[0].done, 1);
    for (int i = 1; i < 5; i++)
        assert_int_equal(doers[i].done, 0);
    assert_int_equal(deeds(loop), 4);
    wherry_task_cancel(doers[3].task); /* those that are removed are closed in reverse */
    wherry_task_cancel(doers[1].task);
    assert_int_equal(deeds(loop), 2);
    assert_int_equal(doers[1].states[doers[1].state_count - 1].step, STEP_EXIT);
    recur(loop);
    recur(loop);
    assert_int_equal(deeds(loop), 0);
    assert_int_equal(doers[1].done + doers[3].done, 0);
    assert_int_equal(doers[2].done + doers[4].done, 2);
    recur(loop);
    wherry_loop_free(loop);
}

/* The doer that removes others in its first turn, and itself or not, and is done in the third. */
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

static void enter_five_and(wherry_loop *loop, stepper *doers, stepper *remover)
{
    for (int i = 0; i < 5; i++) {
        static const int stops[] = { 1, 2, 3, 2, 3 };

        doers[i] = TRY_DOER(stops[i]);
        removed[i] = &doers[i];
        enter(loop, &doers[i]);
    }
    enter(loop, remover);
}

static void doist_remove_by_own_doer_as_in_hio(void **state)
{
    wherry_loop *loop = stepped(WHERRY_SECONDS(1));
    stepper doers[5], remover = HIO_DOER(.stop = 3, .act[STEP_RECUR] = remove_others);

    (void)state;
    enter_five_and(loop, doers, &remover);
    recur(loop);
    assert_int_equal(deeds(loop), 1);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(doers[i].done, 0);
        stepping_states_in(&doers[i], WHERRY_SECONDS(1),
                           "enter 0 0, recur 0 1, close 0 2, exit 0 3");
    }
    recur(loop);
    assert_int_equal(deeds(loop), 1);
    recur(loop);
    assert_int_equal(wherry_loop_now(loop), WHERRY_SECONDS(3));
    assert_int_equal(deeds(loop), 0);
    assert_int_equal(remover.done, 1);
    wherry_loop_free(loop);
}

/* In hio one that removes itself goes on, though it is not listed any more; here it ends when its
 * turn returns. */
static void doist_remove_own_doer_as_in_hio(void **state)
{
    wherry_loop *loop = stepped(WHERRY_SECONDS(1));
    stepper doers[5], remover = HIO_DOER(.stop = 3, .act[STEP_RECUR] = remove_all);

    (void)state;
    enter_five_and(loop, doers, &remover);
    recur(loop);
    for (int i = 0; i < 5; i++)
        assert_int_equal(doers[i].done, 0);
    assert_int_equal(deeds(loop), 0);
    stepping_states_in(&remover, WHERRY_SECONDS(1), "enter 0 0, recur 0 1, close 0 2, exit 0 3");
    assert_int_equal(remover.done, 0);
    wherry_loop_free(loop);
}

/* --- test_nested_doers */

static void nested_doers_as_in_hio(void **state)
{
    wherry_loop *loop = stepped(HIO_TOCK);
    stepper doers[4] = { EX_DOER(.steps.tock = 0), EX_DOER(.steps.tock = 2 * HIO_TOCK),
                         EX_DOER(.steps.tock = 0), EX_DOER(.steps.tock = 4 * HIO_TOCK) };
    wherry_group *all, *a, *b;

    (void)state;
    assert_int_equal(wherry_group_new(&all, .loop = loop), WHERRY_OK);
    assert_int_equal(
        wherry_group_new(&a, .parent = all, .members = LIST(&doers[0].steps, &doers[1].steps)),
        WHERRY_OK);
    assert_int_equal(wherry_group_new(&b, .parent = all, .tock = 2 * HIO_TOCK,
                                      .members = LIST(&doers[2].steps, &doers[3].steps)),
                     WHERRY_OK);
    assert_int_equal(wherry_group_run(all, 8 * HIO_TOCK), 0);
    assert_int_equal(wherry_loop_now(loop), 8 * HIO_TOCK);
    assert_int_equal(wherry_group_done(a), 1);
    assert_int_equal(wherry_group_done(b), 0);
    stepping_states_in(&doers[0], HIO_TOCK, whole);
    stepping_states_in(&doers[1], HIO_TOCK,
                       "enter 0 0, recur 0 1, recur 2 2, recur 4 3, recur 6 4, exit 6 5");
    stepping_states_in(&doers[2], HIO_TOCK,
                       "enter 0 0, recur 0 1, recur 2 2, recur 4 3, recur 6 4, exit 6 5");
    stepping_states_in(&doers[3], HIO_TOCK, "enter 0 0, recur 0 1, recur 4 2, close 8 3, exit 8 4");
    assert_int_equal(doers[0].done + doers[1].done + doers[2].done, 3);
    assert_int_equal(doers[3].done, 0);
    wherry_group_free(a);
    wherry_group_free(b);
    wherry_group_free(all);
    wherry_loop_free(loop);
}

/* --- test_doist_asyncio: doers that look after coroutines */

#define TICK WHERRY_MILLISECONDS(50)

/* Starts coroutines, and is done when the last has ended; writes down when it saw which end. */
typedef struct keeper {
    stepper base;
    wherry_task *tasks[3];
    int64_t seen[3];
    int counts[3];
    bool one_by_one;
    int started;
} keeper;

static int jed(void *unused)
{
    (void)unused;
    return wherry_sleep(wherry_in(TICK));
}

static int bob(void *unused)
{
    (void)unused;
    (void)wherry_sleep(wherry_in(2 * TICK));
    return wherry_sleep(wherry_in(2 * TICK));
}

static int cob(void *unused)
{
    return bob(unused);
}

static void start_next(keeper *self)
{
    static wherry_body *const bodies[] = { jed, bob, cob };

    assert_int_equal(wherry_spawn(&self->tasks[self->started], bodies[self->started], NULL,
                                  .loop = wherry_task_loop(self->base.task)),
                     WHERRY_OK);
    self->started++;
}

static void start_some(stepper *base)
{
    keeper *self = (keeper *)base;

    start_next(self);
    while (!self->one_by_one && self->started < 2)
        start_next(self);
}

static void look_after(stepper *base)
{
    keeper *self = (keeper *)base;
    const int count = self->started;
    bool all = true;

    for (int i = 0; i < count; i++) {
        if (self->tasks[i] != NULL && wherry_task_ended(self->tasks[i])) {
            self->seen[i] = wherry_in(0);
            self->counts[i] = base->turns + 1;
            wherry_task_release(self->tasks[i]);
            self->tasks[i] = NULL;
            if (self->one_by_one && self->started < 3)
                start_next(self);
        }
        all = all && self->tasks[i] == NULL;
    }
    base->results[STEP_RECUR] = all && self->started == count;
}

static void doist_asyncio_as_in_hio(void **state)
{
    wherry_loop *loop = stepped(TICK);
    keeper both = { .base = HIO_DOER(.act[STEP_ENTER] = start_some,
                                     .act[STEP_RECUR] = look_after) };
    keeper each = both;

    (void)state;
    each.one_by_one = true;
    assert_int_equal(run_group(loop, LIST(&both.base.steps), 0), 1);
    assert_int_equal(both.seen[0], 2 * TICK);
    assert_int_equal(both.counts[0], 3);
    assert_int_equal(both.seen[1], 5 * TICK);
    assert_int_equal(both.counts[1], 6);
    wherry_loop_free(loop);
    loop = stepped(TICK);
    assert_int_equal(run_group(loop, LIST(&each.base.steps), 0), 1);
    assert_int_equal(each.seen[0], 2 * TICK);
    assert_int_equal(each.counts[0], 3);
    assert_int_equal(each.seen[1], 7 * TICK);
    assert_int_equal(each.counts[1], 8);
    assert_int_equal(each.seen[2], 12 * TICK);
    assert_int_equal(each.counts[2], 13);
    assert_int_equal(each.base.done, 1);
    wherry_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doist_basic_as_in_hio),
        cmocka_unit_test(doist_once_as_in_hio),
        cmocka_unit_test(doist_dos_as_in_hio),
        cmocka_unit_test(doist_doers_as_in_hio),
        cmocka_unit_test(extend_remove_doers_as_in_hio),
        cmocka_unit_test(doist_remove_as_in_hio),
        cmocka_unit_test(doist_remove_by_own_doer_as_in_hio),
        cmocka_unit_test(doist_remove_own_doer_as_in_hio),
        cmocka_unit_test(nested_doers_as_in_hio),
        cmocka_unit_test(doist_asyncio_as_in_hio),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
