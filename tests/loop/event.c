/* Events: a flag that tasks wait for. */
#include <wherry/event.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/loop_fixture.h"

static wherry_event *event;

static int wait_and_trace(void *name)
{
    TASK_ASSERT(wherry_event_wait(event, WHERRY_NEVER) == WHERRY_OK);
    trace(name);
    return 0;
}

static int set_and_clear(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_event_new(&event, NULL) == WHERRY_OK);
    TASK_ASSERT(wherry_event_is_set(event) == 0);
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = { "a", "b", "c" };

        TASK_ASSERT(wherry_spawn(NULL, wait_and_trace, (void *)(uintptr_t)names[i]) == WHERRY_OK);
    }
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    trace("-");
    wherry_event_set(event);
    TASK_ASSERT(wherry_event_is_set(event) == 1);
    wherry_event_clear(event); /* who was woken goes on all the same */
    TASK_ASSERT(wherry_event_is_set(event) == 0);
    TASK_ASSERT(wherry_event_wait(event, WHERRY_NOW) == WHERRY_E_WOULD_BLOCK);
    TASK_ASSERT(wherry_spawn(NULL, wait_and_trace, "d") == WHERRY_OK);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    trace("|");
    wherry_event_set(event);
    wherry_event_set(event);
    TASK_ASSERT(wherry_event_wait(event, WHERRY_NEVER) == WHERRY_OK);
    TASK_ASSERT(wherry_event_wait(event, WHERRY_NOW) == WHERRY_OK);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    wherry_event_free(event);
    return 0;
}

static void set_wakes_all_who_wait(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, set_and_clear, NULL);
    trace_is("-abc|d");
}

static int keep_deadline(void *unused)
{
    int64_t start = wherry_in(0);

    (void)unused;
    TASK_ASSERT(wherry_event_wait(event, start) == WHERRY_E_TIMED_OUT);
    TASK_ASSERT(wherry_event_wait(event, start - 1) == WHERRY_E_TIMED_OUT);
    TASK_ASSERT(wherry_event_wait(event, start + 10) == WHERRY_E_TIMED_OUT);
    TASK_ASSERT(wherry_in(0) == start + 10);
    wherry_event_set(event);
    TASK_ASSERT(wherry_event_wait(event, start) == WHERRY_OK);
    return 0;
}

static void wait_keeps_its_deadline(void **state)
{
    loop_fixture *self = *state;

    assert_int_equal(wherry_event_new(&event, self->loop), WHERRY_OK);
    loop_fixture_run(self->loop, keep_deadline, NULL);
    wherry_event_free(event);
}

static int wait_until_closed(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_event_wait(event, WHERRY_NEVER) == WHERRY_E_CLOSED);
    trace("c");
    return 0;
}

static void free_wakes_who_waits(void **state)
{
    loop_fixture *self = *state;

    assert_int_equal(wherry_event_new(&event, self->loop), WHERRY_OK);
    loop_fixture_spawn(self->loop, wait_until_closed, NULL);
    loop_fixture_spawn(self->loop, wait_until_closed, NULL);
    assert_int_equal(wherry_loop_step(self->loop), 2);
    wherry_event_free(event);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    trace_is("cc");
    wherry_event_free(NULL);
}

static wherry_loop *other;

static int wait_for_others(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_event_wait(event, WHERRY_NOW) == WHERRY_E_WOULD_BLOCK);
    TASK_ASSERT(wherry_event_wait(event, WHERRY_NEVER) == WHERRY_E_MISUSE);
    return 0;
}

static void misuse_is_told(void **state)
{
    loop_fixture *self = *state;

    event = NULL;
    assert_int_equal(wherry_event_new(NULL, self->loop), WHERRY_E_MISUSE);
    assert_int_equal(wherry_event_new(&event, NULL), WHERRY_E_MISUSE);
    assert_null(event);
    assert_int_equal(wherry_loop_new(&other), WHERRY_OK);
    assert_int_equal(wherry_event_new(&event, other), WHERRY_OK);
    assert_int_equal(wherry_event_wait(event, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_event_wait(event, WHERRY_NEVER), WHERRY_E_MISUSE);
    assert_int_equal(wherry_event_wait(event, 0), WHERRY_E_MISUSE);
    loop_fixture_run(self->loop, wait_for_others, NULL);
    wherry_loop_free(other);
    wherry_event_set(event); /* a handle is the caller's, also after its loop */
    assert_int_equal(wherry_event_wait(event, WHERRY_NOW), WHERRY_OK);
    wherry_event_free(event);
}

static int use_event(wherry_memory *memory)
{
    wherry_event *one;
    wherry_loop *loop;
    int code = wherry_loop_new(&loop, .memory = memory);

    if (code < 0)
        return code;
    code = wherry_event_new(&one, loop);
    wherry_loop_free(loop);
    if (code == WHERRY_OK)
        wherry_event_free(one);
    return code;
}

static void out_of_memory_is_survived(void **state)
{
    (void)state;
    assert_true(failing_memory_try(use_event) >= 3);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(set_wakes_all_who_wait),
        ON_LOOP(wait_keeps_its_deadline),
        ON_LOOP(free_wakes_who_waits),
        ON_LOOP(misuse_is_told),
        cmocka_unit_test(out_of_memory_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
