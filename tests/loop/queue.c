/* Queues: bounded and in order; what is handed over from task to task is neither lost nor doubled,
 * whatever else happens to them at that moment. */
#include <wherry/queue.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/loop_fixture.h"
#include "support/decoding.h"

static wherry_queue *queue;
static char items[4096]; /* their addresses are the items */

static int fill_and_empty(void *unused)
{
    void *item = NULL;

    (void)unused;
    TASK_ASSERT(wherry_queue_new(&queue, NULL, 3) == WHERRY_OK);
    for (int round = 0; round < 5; round++) { /* the ring begins elsewhere each time */
        TASK_ASSERT(wherry_queue_take(queue, &item, WHERRY_NOW) == WHERRY_E_WOULD_BLOCK);
        TASK_ASSERT(wherry_queue_take(queue, &item, wherry_in(0)) == WHERRY_E_TIMED_OUT);
        TASK_ASSERT(wherry_queue_take(queue, &item, wherry_in(5)) == WHERRY_E_TIMED_OUT);
        for (int i = 0; i < 3; i++)
            TASK_ASSERT(wherry_queue_put(queue, &items[i], WHERRY_NEVER) == WHERRY_OK);
        TASK_ASSERT(wherry_queue_count(queue) == 3);
        TASK_ASSERT(wherry_queue_put(queue, &items[3], WHERRY_NOW) == WHERRY_E_WOULD_BLOCK);
        TASK_ASSERT(wherry_queue_put(queue, &items[3], wherry_in(0)) == WHERRY_E_TIMED_OUT);
        TASK_ASSERT(wherry_queue_put(queue, &items[3], wherry_in(5)) == WHERRY_E_TIMED_OUT);
        TASK_ASSERT(wherry_queue_take(queue, &item, WHERRY_NEVER) == WHERRY_OK);
        TASK_ASSERT(item == &items[0]);
        TASK_ASSERT(wherry_queue_put(queue, &items[3], WHERRY_NOW) == WHERRY_OK);
        for (int i = 1; i < 4; i++) {
            TASK_ASSERT(wherry_queue_take(queue, &item, WHERRY_NOW) == WHERRY_OK);
            TASK_ASSERT(item == &items[i]);
        }
        TASK_ASSERT(wherry_queue_count(queue) == 0);
    }
    item = &items[9];
    TASK_ASSERT(wherry_queue_take(queue, &item, WHERRY_NOW) == WHERRY_E_WOULD_BLOCK);
    TASK_ASSERT(item == &items[9]); /* unchanged */
    wherry_queue_free(queue);
    return 0;
}

static void items_come_out_in_their_order_up_to_the_capacity(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, fill_and_empty, NULL);
}

typedef struct hand {
    const char *name;
    char *item;
} hand;

static int take_one(void *argument)
{
    const hand *self = argument;
    void *item = NULL;

    TASK_ASSERT(wherry_queue_take(queue, &item, WHERRY_NEVER) == WHERRY_OK);
    trace(self->name);
    TASK_ASSERT(item == self->item);
    return 0;
}

static int put_one(void *argument)
{
    const hand *self = argument;

    TASK_ASSERT(wherry_queue_put(queue, self->item, WHERRY_NEVER) == WHERRY_OK);
    trace(self->name);
    return 0;
}

static int serve_takers(void *unused)
{
    static hand hands[] = { { "a", &items[0] }, { "b", &items[1] }, { "c", &items[2] } };
    void *item;

    (void)unused;
    for (int i = 0; i < 3; i++)
        TASK_ASSERT(wherry_spawn(NULL, take_one, &hands[i]) == WHERRY_OK);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    for (int i = 0; i < 3; i++)
        TASK_ASSERT(wherry_queue_put(queue, &items[i], WHERRY_NOW) == WHERRY_OK);
    TASK_ASSERT(wherry_queue_count(queue) == 0); /* they are the takers' */
    TASK_ASSERT(wherry_queue_take(queue, &item, WHERRY_NOW) == WHERRY_E_WOULD_BLOCK);
    return 0;
}

static int serve_putters(void *unused)
{
    static hand hands[] = { { "a", &items[1] }, { "b", &items[2] }, { "c", &items[3] } };
    void *item;

    (void)unused;
    TASK_ASSERT(wherry_queue_put(queue, &items[0], WHERRY_NOW) == WHERRY_OK);
    for (int i = 0; i < 3; i++)
        TASK_ASSERT(wherry_spawn(NULL, put_one, &hands[i]) == WHERRY_OK);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    for (int i = 0; i < 4; i++) {
        TASK_ASSERT(wherry_queue_take(queue, &item, WHERRY_NOW) == WHERRY_OK);
        TASK_ASSERT(item == &items[i]);
        TASK_ASSERT(i == 3 || wherry_queue_put(queue, item, WHERRY_NOW) == WHERRY_E_WOULD_BLOCK);
    }
    return 0;
}

static void who_waits_longest_is_served_first(void **state)
{
    loop_fixture *self = *state;

    assert_int_equal(wherry_queue_new(&queue, self->loop, 1), WHERRY_OK);
    loop_fixture_run(self->loop, serve_takers, NULL);
    trace_is("abc");
    loop_fixture_run(self->loop, serve_putters, NULL);
    trace_is("abc");
    wherry_queue_free(queue);
}

/* --- closing */

static int take_to_the_end(void *unused)
{
    void *item = &items[5];

    (void)unused;
    TASK_ASSERT(wherry_queue_take(queue, &item, WHERRY_NEVER) == WHERRY_E_END);
    TASK_ASSERT(item == &items[5]);
    trace("t");
    return 0;
}

static int put_until_closed(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_queue_put(queue, &items[0], WHERRY_NEVER) == WHERRY_E_CLOSED);
    trace("p");
    return 0;
}

static int close_full(void *unused)
{
    void *item;

    (void)unused;
    TASK_ASSERT(wherry_queue_new(&queue, NULL, 1) == WHERRY_OK);
    TASK_ASSERT(wherry_queue_put(queue, &items[1], WHERRY_NOW) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, put_until_closed, NULL) == WHERRY_OK);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    wherry_queue_close(queue);
    wherry_queue_close(queue);
    TASK_ASSERT(wherry_queue_put(queue, &items[2], WHERRY_NOW) == WHERRY_E_CLOSED);
    TASK_ASSERT(wherry_queue_put(queue, &items[2], WHERRY_NEVER) == WHERRY_E_CLOSED);
    TASK_ASSERT(wherry_queue_count(queue) == 1);
    TASK_ASSERT(wherry_queue_take(queue, &item, WHERRY_NEVER) == WHERRY_OK);
    TASK_ASSERT(item == &items[1]);
    TASK_ASSERT(wherry_queue_take(queue, &item, WHERRY_NEVER) == WHERRY_E_END);
    TASK_ASSERT(wherry_queue_take(queue, &item, WHERRY_NOW) == WHERRY_E_END);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    wherry_queue_free(queue);
    return 0;
}

static int close_empty(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_queue_new(&queue, NULL, 1) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, take_to_the_end, NULL) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, take_to_the_end, NULL) == WHERRY_OK);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    wherry_queue_close(queue);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    wherry_queue_free(queue);
    return 0;
}

static void closed_it_can_still_be_emptied(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, close_full, NULL);
    trace_is("p");
    loop_fixture_run(self->loop, close_empty, NULL);
    trace_is("tt");
}

static void free_wakes_who_waits(void **state)
{
    loop_fixture *self = *state;

    assert_int_equal(wherry_queue_new(&queue, self->loop, 1), WHERRY_OK);
    loop_fixture_spawn(self->loop, take_to_the_end, NULL);
    assert_int_equal(wherry_loop_step(self->loop), 1);
    wherry_queue_free(queue);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    trace_is("t");
    assert_int_equal(wherry_queue_new(&queue, self->loop, 1), WHERRY_OK);
    assert_int_equal(wherry_queue_put(queue, NULL, WHERRY_NOW), WHERRY_OK);
    loop_fixture_spawn(self->loop, put_until_closed, NULL);
    assert_int_equal(wherry_loop_step(self->loop), 1);
    wherry_queue_free(queue);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    trace_is("p");
    wherry_queue_free(NULL);
}

/* --- hand-over at the same moment as something else */

static wherry_task *victim;
static size_t put, taken;

static int take_once(void *deadline)
{
    void *item;

    taken += wherry_queue_take(queue, &item, *(int64_t *)deadline) == WHERRY_OK;
    return 0;
}

static int put_once(void *deadline)
{
    put += wherry_queue_put(queue, items, *(int64_t *)deadline) == WHERRY_OK;
    return 0;
}

static int put_and_cancel(void *cancel_first)
{
    int64_t now = WHERRY_NOW;

    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    if (*(bool *)cancel_first)
        wherry_task_cancel(victim);
    put_once(&now);
    if (!*(bool *)cancel_first)
        wherry_task_cancel(victim);
    return 0;
}

static int take_and_cancel(void *cancel_first)
{
    int64_t now = WHERRY_NOW;

    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    if (*(bool *)cancel_first)
        wherry_task_cancel(victim);
    take_once(&now);
    if (!*(bool *)cancel_first)
        wherry_task_cancel(victim);
    return 0;
}

static void hand_over_and_cancellation_agree(void **state)
{
    loop_fixture *self = *state;
    int64_t never = WHERRY_NEVER, now = WHERRY_NOW;

    for (int i = 0; i < 4; i++) {
        bool cancel_first = i % 2 == 1, is_put = i >= 2;

        put = taken = 0;
        assert_int_equal(wherry_queue_new(&queue, self->loop, 1), WHERRY_OK);
        if (is_put)
            put_once(&now);
        assert_int_equal(
            wherry_spawn(&victim, is_put ? put_once : take_once, &never, .loop = self->loop),
            WHERRY_OK);
        loop_fixture_run(self->loop, is_put ? take_and_cancel : put_and_cancel, &cancel_first);
        assert_int_equal(put, taken + wherry_queue_count(queue));
        wherry_task_release(victim);
        wherry_queue_free(queue);
    }
}

static int put_at(void *instant)
{
    int64_t now = WHERRY_NOW;

    TASK_ASSERT(wherry_sleep(*(int64_t *)instant) == WHERRY_OK);
    return put_once(&now);
}

static int take_at(void *instant)
{
    int64_t now = WHERRY_NOW;

    TASK_ASSERT(wherry_sleep(*(int64_t *)instant) == WHERRY_OK);
    return take_once(&now);
}

static void hand_over_and_timeout_agree(void **state)
{
    loop_fixture *self = *state;
    int64_t instant, now = WHERRY_NOW;

    for (int i = 0; i < 4; i++) {
        bool other_first = i % 2 == 1, is_put = i >= 2;
        wherry_body *victims = is_put ? put_once : take_once, *others = is_put ? take_at : put_at;

        put = taken = 0;
        instant = wherry_loop_now(self->loop) + 1000;
        assert_int_equal(wherry_queue_new(&queue, self->loop, 1), WHERRY_OK);
        if (is_put)
            put_once(&now);
        loop_fixture_spawn(self->loop, other_first ? others : victims, &instant);
        loop_fixture_spawn(self->loop, other_first ? victims : others, &instant);
        assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
        assert_int_equal(put, taken + wherry_queue_count(queue));
        wherry_queue_free(queue);
    }
}

/* Many of both kinds, with short deadlines, that are canceled now and then. */
#define TASKS 24
#define ROUNDS 3000

static uint64_t seed;
static wherry_task *tasks[TASKS];
static unsigned char seen[sizeof(items)];
static size_t next_item;

static int64_t soon(void)
{
    return next_random(&seed) % 4 == 0 ? WHERRY_NEVER
                                       : wherry_in((int64_t)(next_random(&seed) % 4) * 100);
}

static int put_many(void *unused)
{
    (void)unused;
    while (next_item < sizeof(items)) {
        char *item = &items[next_item++];
        int result = wherry_queue_put(queue, item, soon());

        if (result == WHERRY_OK)
            seen[item - items] |= 1;
        if (result == WHERRY_E_CANCELED || wherry_yield() == WHERRY_E_CANCELED)
            return 0;
    }
    return 0;
}

static int take_many(void *unused)
{
    (void)unused;
    for (;;) {
        void *item;
        int result = wherry_queue_take(queue, &item, soon());

        if (result == WHERRY_OK) {
            TASK_ASSERT((seen[(char *)item - items] & 2) == 0);
            seen[(char *)item - items] |= 2;
        }
        if (result == WHERRY_E_CANCELED || wherry_yield() == WHERRY_E_CANCELED)
            return 0;
    }
}

static int meddle(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < ROUNDS; i++) {
        size_t which = next_random(&seed) % TASKS;

        if (next_random(&seed) % 4 == 0)
            wherry_task_cancel(tasks[which]);
        if (wherry_task_ended(tasks[which])) {
            wherry_task_release(tasks[which]);
            TASK_ASSERT(wherry_spawn(&tasks[which], which % 2 == 0 ? put_many : take_many, NULL) ==
                        WHERRY_OK);
        }
        TASK_ASSERT((next_random(&seed) % 3 == 0 ? wherry_sleep(wherry_in(100)) : wherry_yield()) ==
                    WHERRY_OK);
    }
    for (size_t i = 0; i < TASKS; i++)
        wherry_task_cancel(tasks[i]);
    return 0;
}

static void nothing_is_lost_nor_doubled(void **state)
{
    loop_fixture *self = *state;
    size_t delivered = 0;
    void *item;

    for (size_t capacity = 1; capacity <= 5; capacity += 4) {
        seed = 77 + capacity;
        next_item = delivered = 0;
        memset(seen, 0, sizeof(seen));
        assert_int_equal(wherry_queue_new(&queue, self->loop, capacity), WHERRY_OK);
        for (size_t i = 0; i < TASKS; i++)
            assert_int_equal(wherry_spawn(&tasks[i], i % 2 == 0 ? put_many : take_many, NULL,
                                          .loop = self->loop),
                             WHERRY_OK);
        loop_fixture_run(self->loop, meddle, NULL);
        while (wherry_queue_take(queue, &item, WHERRY_NOW) == WHERRY_OK)
            seen[(char *)item - items] |= 2;
        for (size_t i = 0; i < sizeof(items); i++) {
            assert_true(seen[i] == 0 || seen[i] == 3);
            delivered += seen[i] == 3;
        }
        assert_true(delivered > 500);
        for (size_t i = 0; i < TASKS; i++)
            wherry_task_release(tasks[i]);
        wherry_queue_free(queue);
    }
}

/* --- errors */

static void misuse_is_told(void **state)
{
    loop_fixture *self = *state;
    void *item;

    queue = NULL;
    assert_int_equal(wherry_queue_new(NULL, self->loop, 1), WHERRY_E_MISUSE);
    assert_int_equal(wherry_queue_new(&queue, self->loop, 0), WHERRY_E_MISUSE);
    assert_int_equal(wherry_queue_new(&queue, NULL, 1), WHERRY_E_MISUSE);
    assert_int_equal(wherry_queue_new(&queue, self->loop, SIZE_MAX), WHERRY_E_MISUSE);
    assert_int_equal(wherry_queue_new(&queue, self->loop, SIZE_MAX / 16), WHERRY_E_NO_MEMORY);
    assert_null(queue);
    assert_int_equal(wherry_queue_new(&queue, self->loop, 1), WHERRY_OK);
    assert_int_equal(wherry_queue_take(queue, &item, WHERRY_NEVER), WHERRY_E_MISUSE);
    assert_int_equal(wherry_queue_put(queue, items, WHERRY_NEVER), WHERRY_OK); /* there is room */
    assert_int_equal(wherry_queue_put(queue, items, WHERRY_NEVER), WHERRY_E_MISUSE);
    loop_fixture_free(self);
    assert_int_equal(wherry_queue_take(queue, &item, WHERRY_NOW), WHERRY_OK);
    assert_ptr_equal(item, items);
    wherry_queue_free(queue);
}

static int use_queue(wherry_memory *memory)
{
    wherry_queue *one;
    wherry_loop *loop;
    int code = wherry_loop_new(&loop, .memory = memory);

    if (code < 0)
        return code;
    code = wherry_queue_new(&one, loop, 100);
    if (code == WHERRY_OK)
        wherry_queue_free(one);
    wherry_loop_free(loop);
    return code;
}

static void out_of_memory_is_survived(void **state)
{
    (void)state;
    assert_true(failing_memory_try(use_queue) >= 3);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(items_come_out_in_their_order_up_to_the_capacity),
        ON_LOOP(who_waits_longest_is_served_first),
        ON_LOOP(closed_it_can_still_be_emptied),
        ON_LOOP(free_wakes_who_waits),
        ON_LOOP(hand_over_and_cancellation_agree),
        ON_LOOP(hand_over_and_timeout_agree),
        ON_LOOP(nothing_is_lost_nor_doubled),
        ON_LOOP(misuse_is_told),
        cmocka_unit_test(out_of_memory_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
