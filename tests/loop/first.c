/* First: whichever of several things is ready first, of each kind. */
#include <wherry/first.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/loop_fixture.h"

static struct {
    wherry_event *event;
    wherry_semaphore *semaphore;
    wherry_queue *empty, *full;
    wherry_group *group;
    wherry_task *task;
    wherry_event *end;
} things;

enum { EVENT, SEMAPHORE, FILLED, ROOMY, TASK, GROUP, KINDS };

static wherry_choice_of choices[KINDS + 1]; /* the last one has no member */

static int wait_for_end(void *unused)
{
    (void)unused;
    return wherry_event_wait(things.end, WHERRY_NEVER);
}

static int make_things(void)
{
    TASK_ASSERT(wherry_event_new(&things.end, NULL) == WHERRY_OK);
    TASK_ASSERT(wherry_event_new(&things.event, NULL) == WHERRY_OK);
    TASK_ASSERT(wherry_semaphore_new(&things.semaphore, NULL, 0) == WHERRY_OK);
    TASK_ASSERT(wherry_queue_new(&things.empty, NULL, 1) == WHERRY_OK);
    TASK_ASSERT(wherry_queue_new(&things.full, NULL, 1) == WHERRY_OK);
    TASK_ASSERT(wherry_queue_put(things.full, NULL, WHERRY_NOW) == WHERRY_OK);
    TASK_ASSERT(wherry_group_new(&things.group) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, wait_for_end, NULL, .group = things.group) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(&things.task, wait_for_end, NULL) == WHERRY_OK);
    memset(choices, 0, sizeof(choices));
    choices[EVENT].event = things.event;
    choices[SEMAPHORE].semaphore = things.semaphore;
    choices[FILLED].filled = things.empty;
    choices[ROOMY].roomy = things.full;
    choices[TASK].task = things.task;
    choices[GROUP].group = things.group;
    return 0;
}

static void free_things(void)
{
    wherry_event_set(things.end);
    wherry_group_free(things.group);
    wherry_task_release(things.task);
    wherry_queue_free(things.empty);
    wherry_queue_free(things.full);
    wherry_semaphore_free(things.semaphore);
    wherry_event_free(things.event);
    wherry_event_free(things.end);
}

/* Makes a kind of thing ready. */
static int make_ready(int kind)
{
    void *item;

    switch (kind) {
    case EVENT:
        wherry_event_set(things.event);
        return 0;
    case SEMAPHORE:
        wherry_semaphore_give(things.semaphore);
        return 0;
    case FILLED:
        return wherry_queue_put(things.empty, NULL, WHERRY_NOW);
    case ROOMY:
        return wherry_queue_take(things.full, &item, WHERRY_NOW);
    case TASK:
        wherry_task_cancel(things.task);
        return 0;
    default:
        wherry_group_cancel(things.group);
        return 0;
    }
}

static int make_ready_soon(void *kind)
{
    TASK_ASSERT(wherry_sleep(wherry_in(10)) == WHERRY_OK);
    return make_ready(*(int *)kind);
}

/* That nothing was taken. */
static int check_untouched(int kind)
{
    TASK_ASSERT(wherry_event_is_set(things.event) == (kind == EVENT));
    TASK_ASSERT(wherry_semaphore_permits(things.semaphore) == (kind == SEMAPHORE));
    TASK_ASSERT(wherry_queue_count(things.empty) == (kind == FILLED));
    TASK_ASSERT(wherry_queue_count(things.full) == (kind != ROOMY));
    return 0;
}

static int wait_for_each_kind(void *unused)
{
    int kinds[KINDS];

    (void)unused;
    for (int kind = 0; kind < KINDS; kind++) {
        TASK_ASSERT(make_things() == 0);
        kinds[kind] = kind;
        TASK_ASSERT(wherry_first(choices, KINDS + 1, WHERRY_NOW) == WHERRY_E_WOULD_BLOCK);
        TASK_ASSERT(wherry_first(choices, KINDS + 1, wherry_in(0)) == WHERRY_E_TIMED_OUT);
        TASK_ASSERT(wherry_first(choices, KINDS + 1, wherry_in(5)) == WHERRY_E_TIMED_OUT);
        TASK_ASSERT(wherry_spawn(NULL, make_ready_soon, &kinds[kind]) == WHERRY_OK);
        TASK_ASSERT(wherry_first(choices, KINDS + 1, WHERRY_NEVER) == kind);
        TASK_ASSERT(check_untouched(kind) == 0);
        TASK_ASSERT(wherry_first(choices, KINDS + 1, WHERRY_NOW) == kind);
        TASK_ASSERT(wherry_first(choices, KINDS + 1, WHERRY_NEVER) == kind);
        free_things();
    }
    return 0;
}

static void each_kind_wakes_and_is_left_untouched(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, wait_for_each_kind, NULL);
}

static int make_some_ready(void *unused)
{
    (void)unused;
    TASK_ASSERT(make_ready(ROOMY) == 0);
    TASK_ASSERT(make_ready(SEMAPHORE) == 0);
    return make_ready(FILLED);
}

static int wait_for_several(void *unused)
{
    (void)unused;
    TASK_ASSERT(make_things() == 0);
    TASK_ASSERT(wherry_spawn(NULL, make_some_ready, NULL) == WHERRY_OK);
    TASK_ASSERT(wherry_first(choices, KINDS, WHERRY_NEVER) == SEMAPHORE);
    TASK_ASSERT(wherry_first(choices + FILLED, KINDS - FILLED, WHERRY_NEVER) == 0);
    free_things();
    return 0;
}

static void lowest_of_several_is_told(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, wait_for_several, NULL);
}

static int close_queues(void *unused)
{
    (void)unused;
    wherry_queue_close(things.full);
    wherry_queue_close(things.empty);
    return 0;
}

static int wait_for_closed_queues(void *unused)
{
    (void)unused;
    for (int kind = FILLED; kind <= ROOMY; kind++) {
        TASK_ASSERT(make_things() == 0);
        TASK_ASSERT(wherry_spawn(NULL, close_queues, NULL) == WHERRY_OK);
        TASK_ASSERT(wherry_first(&choices[kind], 1, WHERRY_NEVER) == 0);
        TASK_ASSERT(wherry_first(&choices[kind], 1, WHERRY_NOW) == 0);
        free_things();
    }
    return 0;
}

static void closed_queues_are_ready(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, wait_for_closed_queues, NULL);
}

static int free_one(void *which)
{
    switch (*(int *)which) {
    case EVENT:
        wherry_event_free(things.event);
        things.event = NULL;
        break;
    case SEMAPHORE:
        wherry_semaphore_free(things.semaphore);
        things.semaphore = NULL;
        break;
    case FILLED:
        wherry_queue_free(things.empty);
        things.empty = NULL;
        break;
    default:
        wherry_queue_free(things.full);
        things.full = NULL;
    }
    return 0;
}

static int wait_for_freed(void *unused)
{
    (void)unused;
    for (int kind = EVENT; kind <= ROOMY; kind++) {
        TASK_ASSERT(make_things() == 0);
        TASK_ASSERT(wherry_spawn(NULL, free_one, &kind) == WHERRY_OK);
        TASK_ASSERT(wherry_first(choices, KINDS, WHERRY_NEVER) == WHERRY_E_CLOSED);
        free_things();
    }
    return 0;
}

static void freed_ones_are_told(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, wait_for_freed, NULL);
}

/* --- among others who wait for the same */

static int take_permit(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_semaphore_take(things.semaphore, WHERRY_NEVER) == WHERRY_OK);
    trace("t");
    return 0;
}

static int take_item(void *unused)
{
    void *item;

    (void)unused;
    TASK_ASSERT(wherry_queue_take(things.empty, &item, WHERRY_NEVER) == WHERRY_OK);
    trace("i");
    return 0;
}

static int look_on(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_first(&choices[SEMAPHORE], 2, WHERRY_NEVER) == 0);
    trace("o");
    return 0;
}

/* What is handed to a taker is not there for who only looks. */
static int give_to_takers_first(void *unused)
{
    (void)unused;
    TASK_ASSERT(make_things() == 0);
    TASK_ASSERT(wherry_spawn(NULL, look_on, NULL) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, take_permit, NULL) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, take_item, NULL) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, look_on, NULL) == WHERRY_OK);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    make_ready(SEMAPHORE);
    TASK_ASSERT(make_ready(FILLED) == 0);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    trace("|");
    make_ready(SEMAPHORE);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    TASK_ASSERT(check_untouched(SEMAPHORE) == 0);
    free_things();
    return 0;
}

static void takers_come_before_onlookers(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, give_to_takers_first, NULL);
    trace_is("ti|oo");
}

static int pulse(void *unused)
{
    (void)unused;
    wherry_event_set(things.event);
    wherry_event_clear(things.event);
    return 0;
}

static int wait_for_pulse(void *unused)
{
    (void)unused;
    TASK_ASSERT(make_things() == 0);
    TASK_ASSERT(wherry_spawn(NULL, pulse, NULL) == WHERRY_OK);
    TASK_ASSERT(wherry_first(choices, KINDS, WHERRY_NEVER) == EVENT);
    free_things();
    return 0;
}

static void event_that_was_set_for_a_moment_is_not_missed(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, wait_for_pulse, NULL);
}

/* --- errors */

static wherry_event *foreign;

static int misuse(void *unused)
{
    wherry_choice_of wrong[65];

    (void)unused;
    TASK_ASSERT(make_things() == 0);
    memset(wrong, 0, sizeof(wrong));
    TASK_ASSERT(wherry_first(NULL, 1, WHERRY_NEVER) == WHERRY_E_MISUSE);
    TASK_ASSERT(wherry_first(wrong, 0, WHERRY_NEVER) == WHERRY_E_MISUSE);
    TASK_ASSERT(wherry_first(wrong, 64, WHERRY_NEVER) == WHERRY_E_MISUSE);
    wrong[64].event = things.event;
    TASK_ASSERT(wherry_first(wrong, 65, WHERRY_NOW) == WHERRY_E_MISUSE);
    wrong[63].event = things.event;
    TASK_ASSERT(wherry_first(wrong, 64, wherry_in(1)) == WHERRY_E_TIMED_OUT);
    wrong[3].event = things.event;
    wrong[3].semaphore = things.semaphore;
    TASK_ASSERT(wherry_first(wrong, 64, WHERRY_NEVER) == WHERRY_E_MISUSE);
    TASK_ASSERT(strstr(wherry_problem(), "choice 3") != NULL);
    wrong[3].semaphore = NULL;
    wrong[3].event = foreign;
    TASK_ASSERT(wherry_first(wrong, 64, WHERRY_NEVER) == WHERRY_E_MISUSE);
    TASK_ASSERT(wherry_first(wrong, 4, WHERRY_NEVER) == WHERRY_E_MISUSE);
    TASK_ASSERT(wherry_first(wrong, 4, WHERRY_NOW) == WHERRY_E_WOULD_BLOCK);
    free_things();
    return 0;
}

static void misuse_is_told(void **state)
{
    wherry_choice_of one = { 0 };
    loop_fixture *self = *state;
    wherry_loop *other;

    assert_int_equal(wherry_loop_new(&other), WHERRY_OK);
    assert_int_equal(wherry_event_new(&foreign, other), WHERRY_OK);
    loop_fixture_run(self->loop, misuse, NULL);
    one.event = foreign;
    assert_int_equal(wherry_first(&one, 1, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_first(&one, 1, WHERRY_NEVER), WHERRY_E_MISUSE);
    wherry_event_set(foreign);
    assert_int_equal(wherry_first(&one, 1, WHERRY_NOW), 0);
    wherry_event_free(foreign);
    wherry_loop_free(other);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(each_kind_wakes_and_is_left_untouched),
        ON_LOOP(lowest_of_several_is_told),
        ON_LOOP(closed_queues_are_ready),
        ON_LOOP(freed_ones_are_told),
        ON_LOOP(takers_come_before_onlookers),
        ON_LOOP(event_that_was_set_for_a_moment_is_not_missed),
        ON_LOOP(misuse_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
