/* Semaphores: permits that are handed over in the order of the waiting, and never lost. */
#include <wherry/semaphore.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/loop_fixture.h"
#include "support/decoding.h"

static wherry_semaphore *semaphore;

static int take_and_trace(void *name)
{
    TASK_ASSERT(wherry_semaphore_take(semaphore, WHERRY_NEVER) == WHERRY_OK);
    trace(name);
    return 0;
}

static int count_permits(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_semaphore_new(&semaphore, NULL, 2) == WHERRY_OK);
    TASK_ASSERT(wherry_semaphore_permits(semaphore) == 2);
    TASK_ASSERT(wherry_semaphore_take(semaphore, WHERRY_NEVER) == WHERRY_OK);
    TASK_ASSERT(wherry_semaphore_take(semaphore, wherry_in(-1)) == WHERRY_OK);
    TASK_ASSERT(wherry_semaphore_permits(semaphore) == 0);
    TASK_ASSERT(wherry_semaphore_take(semaphore, WHERRY_NOW) == WHERRY_E_WOULD_BLOCK);
    TASK_ASSERT(wherry_semaphore_take(semaphore, wherry_in(0)) == WHERRY_E_TIMED_OUT);
    TASK_ASSERT(wherry_semaphore_take(semaphore, wherry_in(10)) == WHERRY_E_TIMED_OUT);
    wherry_semaphore_give(semaphore);
    wherry_semaphore_give(semaphore);
    wherry_semaphore_give(semaphore); /* one more than at first */
    TASK_ASSERT(wherry_semaphore_permits(semaphore) == 3);
    wherry_semaphore_free(semaphore);
    return 0;
}

static void permits_are_counted(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, count_permits, NULL);
}

static int serve_in_order(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_spawn(NULL, take_and_trace, "a") == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, take_and_trace, "b") == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, take_and_trace, "c") == WHERRY_OK);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    wherry_semaphore_give(semaphore);
    TASK_ASSERT(wherry_semaphore_permits(semaphore) == 0); /* it is a's */
    TASK_ASSERT(wherry_semaphore_take(semaphore, WHERRY_NOW) == WHERRY_E_WOULD_BLOCK);
    wherry_semaphore_give(semaphore);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    trace("|");
    wherry_semaphore_give(semaphore);
    wherry_semaphore_give(semaphore);
    TASK_ASSERT(wherry_semaphore_permits(semaphore) == 1);
    return 0;
}

static void who_waits_longest_is_served_first(void **state)
{
    loop_fixture *self = *state;

    assert_int_equal(wherry_semaphore_new(&semaphore, self->loop, 0), WHERRY_OK);
    loop_fixture_run(self->loop, serve_in_order, NULL);
    trace_is("ab|c");
    wherry_semaphore_free(semaphore);
}

/* --- a permit and something else at the same moment */

static int taken, refused;

static int take_once(void *deadline)
{
    int result = wherry_semaphore_take(semaphore, *(int64_t *)deadline);

    if (result == WHERRY_OK)
        taken++;
    else
        refused++;
    return 0;
}

static wherry_task *victim;

static int give_and_cancel(void *cancel_first)
{
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    if (*(bool *)cancel_first)
        wherry_task_cancel(victim);
    wherry_semaphore_give(semaphore);
    if (!*(bool *)cancel_first)
        wherry_task_cancel(victim);
    return 0;
}

static void permit_is_not_lost_with_a_canceled_taker(void **state)
{
    loop_fixture *self = *state;
    int64_t never = WHERRY_NEVER;

    for (int i = 0; i < 2; i++) {
        bool cancel_first = i == 1;

        taken = refused = 0;
        assert_int_equal(wherry_semaphore_new(&semaphore, self->loop, 0), WHERRY_OK);
        assert_int_equal(wherry_spawn(&victim, take_once, &never, .loop = self->loop), WHERRY_OK);
        loop_fixture_run(self->loop, give_and_cancel, &cancel_first);
        assert_int_equal(taken + refused, 1);
        assert_int_equal((size_t)taken + wherry_semaphore_permits(semaphore), 1);
        wherry_task_release(victim);
        wherry_semaphore_free(semaphore);
    }
}

static int give_at(void *instant)
{
    TASK_ASSERT(wherry_sleep(*(int64_t *)instant) == WHERRY_OK);
    wherry_semaphore_give(semaphore);
    return 0;
}

/* Whoever of the two is woken first at that instant. */
static void permit_is_not_lost_with_a_taker_that_times_out(void **state)
{
    loop_fixture *self = *state;
    int64_t instant;

    for (int i = 0; i < 2; i++) {
        taken = refused = 0;
        instant = wherry_loop_now(self->loop) + 1000;
        assert_int_equal(wherry_semaphore_new(&semaphore, self->loop, 0), WHERRY_OK);
        if (i == 0)
            loop_fixture_spawn(self->loop, give_at, &instant);
        loop_fixture_spawn(self->loop, take_once, &instant);
        if (i == 1)
            loop_fixture_spawn(self->loop, give_at, &instant);
        assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
        assert_int_equal(taken + refused, 1);
        assert_int_equal((size_t)taken + wherry_semaphore_permits(semaphore), 1);
        wherry_semaphore_free(semaphore);
    }
}

/* Many at once, in pseudo-random order of all kinds. */
#define TASKS 40
#define GIVES 2000

static uint64_t seed;
static wherry_task *tasks[TASKS];
static size_t held, given;

static int take_and_lose(void *unused)
{
    (void)unused;
    for (;;) {
        int result = wherry_semaphore_take(semaphore,
                                           wherry_in((int64_t)(next_random(&seed) % 4) * 100));

        held += result == WHERRY_OK;
        if (result == WHERRY_E_CANCELED)
            return 0;
        if (result == WHERRY_E_TIMED_OUT && wherry_yield() == WHERRY_E_CANCELED)
            return 0;
    }
}

static int give_many(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < GIVES; i++) {
        size_t which = next_random(&seed) % TASKS;

        if (next_random(&seed) % 4 == 0)
            wherry_task_cancel(tasks[which]);
        if (wherry_task_ended(tasks[which])) {
            wherry_task_release(tasks[which]);
            TASK_ASSERT(wherry_spawn(&tasks[which], take_and_lose, NULL) == WHERRY_OK);
        }
        wherry_semaphore_give(semaphore);
        given++;
        if (next_random(&seed) % 3 == 0)
            TASK_ASSERT(wherry_sleep(wherry_in(100)) == WHERRY_OK);
    }
    for (size_t i = 0; i < TASKS; i++)
        wherry_task_cancel(tasks[i]);
    return 0;
}

static void no_permit_is_lost_nor_made(void **state)
{
    loop_fixture *self = *state;

    seed = 7;
    held = given = 0;
    assert_int_equal(wherry_semaphore_new(&semaphore, self->loop, 0), WHERRY_OK);
    for (size_t i = 0; i < TASKS; i++)
        assert_int_equal(wherry_spawn(&tasks[i], take_and_lose, NULL, .loop = self->loop),
                         WHERRY_OK);
    loop_fixture_run(self->loop, give_many, NULL);
    assert_int_equal(given, GIVES);
    assert_int_equal(held + wherry_semaphore_permits(semaphore), given);
    assert_true(held > GIVES / 10);
    for (size_t i = 0; i < TASKS; i++)
        wherry_task_release(tasks[i]);
    wherry_semaphore_free(semaphore);
}

/* --- the end, and errors */

static int take_until_closed(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_semaphore_take(semaphore, WHERRY_NEVER) == WHERRY_E_CLOSED);
    trace("c");
    return 0;
}

static void free_wakes_who_waits(void **state)
{
    loop_fixture *self = *state;

    assert_int_equal(wherry_semaphore_new(&semaphore, self->loop, 0), WHERRY_OK);
    loop_fixture_spawn(self->loop, take_until_closed, NULL);
    loop_fixture_spawn(self->loop, take_until_closed, NULL);
    assert_int_equal(wherry_loop_step(self->loop), 2);
    wherry_semaphore_free(semaphore);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    trace_is("cc");
    wherry_semaphore_free(NULL);
}

static void misuse_is_told(void **state)
{
    loop_fixture *self = *state;

    assert_int_equal(wherry_semaphore_new(NULL, self->loop, 1), WHERRY_E_MISUSE);
    assert_int_equal(wherry_semaphore_new(&semaphore, NULL, 1), WHERRY_E_MISUSE);
    assert_int_equal(wherry_semaphore_new(&semaphore, self->loop, 1), WHERRY_OK);
    assert_int_equal(wherry_semaphore_take(semaphore, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_semaphore_take(semaphore, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_semaphore_take(semaphore, WHERRY_NEVER), WHERRY_E_MISUSE);
    loop_fixture_free(self);
    wherry_semaphore_give(semaphore);
    assert_int_equal(wherry_semaphore_permits(semaphore), 1);
    wherry_semaphore_free(semaphore);
}

static int use_semaphore(wherry_memory *memory)
{
    wherry_semaphore *one;
    wherry_loop *loop;
    int code = wherry_loop_new(&loop, .memory = memory);

    if (code < 0)
        return code;
    code = wherry_semaphore_new(&one, loop, 1);
    if (code == WHERRY_OK)
        wherry_semaphore_free(one);
    wherry_loop_free(loop);
    return code;
}

static void out_of_memory_is_survived(void **state)
{
    (void)state;
    assert_true(failing_memory_try(use_semaphore) >= 3);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(permits_are_counted),
        ON_LOOP(who_waits_longest_is_served_first),
        ON_LOOP(permit_is_not_lost_with_a_canceled_taker),
        ON_LOOP(permit_is_not_lost_with_a_taker_that_times_out),
        ON_LOOP(no_permit_is_lost_nor_made),
        ON_LOOP(free_wakes_who_waits),
        ON_LOOP(misuse_is_told),
        cmocka_unit_test(out_of_memory_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
