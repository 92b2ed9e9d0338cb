/* Sleeping: to the nanosecond in virtual time, and only where something can wait. How it is cut
 * short is tested with all other ways to wait in task_cancel.c. */
#include <wherry/task.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/loop_fixture.h"

static int sleep_precisely(void *unused)
{
    static const int64_t spans[] = { 1, 1000, WHERRY_MILLISECONDS(1.5), WHERRY_SECONDS(86400) };
    int64_t before = wherry_in(0);

    (void)unused;
    for (size_t i = 0; i < 4; i++) {
        TASK_ASSERT(wherry_sleep(before + spans[i]) == WHERRY_OK);
        TASK_ASSERT(wherry_in(0) == before + spans[i]);
        before += spans[i];
    }
    TASK_ASSERT(wherry_sleep(before) == WHERRY_OK);
    TASK_ASSERT(wherry_sleep(WHERRY_NOW) == WHERRY_OK);
    TASK_ASSERT(wherry_in(0) == before);
    return 0;
}

static void sleep_ends_at_its_instant(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, sleep_precisely, NULL);
}

static void sleeping_outside_of_coroutines_is_misuse(void **state)
{
    (void)state;
    assert_int_equal(wherry_sleep(WHERRY_NOW), WHERRY_E_MISUSE);
    assert_int_equal(wherry_yield(), WHERRY_E_MISUSE);
    assert_null(wherry_task_current());
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(sleep_ends_at_its_instant),
        ON_LOOP(sleeping_outside_of_coroutines_is_misuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
