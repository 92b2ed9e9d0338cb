#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/system.h>
#include <wherry/time.h>

#include "support/poller_cases.h"
#include "support/poller_fixture.h"

static void there_is_no_descriptor(void **state)
{
    poller_fixture *fixture = *state;

    assert_int_equal(fixture->system->poller_descriptor(fixture->system, fixture->poller),
                     -ENOTSUP);
}

static void closed_descriptors_are_told_until_they_are_unwatched(void **state)
{
    poller_fixture *fixture = *state;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    poller_fixture_own(fixture, ends[1]);
    assert_int_equal(poller_fixture_watch(fixture, ends[0], 0, WHERRY_READABLE, ends), 0);
    assert_int_equal(close(ends[0]), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(poller_fixture_wait(fixture, WHERRY_NEVER), 1);
        assert_ptr_equal(fixture->ready[0].token, ends);
        assert_int_equal(fixture->ready[0].events, WHERRY_FAILED | WHERRY_HUNG_UP);
    }
    assert_int_equal(poller_fixture_watch(fixture, ends[0], WHERRY_READABLE, 0, NULL), 0);
    assert_int_equal(poller_fixture_wait(fixture, WHERRY_NOW), 0);
}

/* Memory follows the highest number and the count; what was watched before each growth stays. */
static void high_numbers_and_growth(void **state)
{
    enum { WATCHED = 33 }; /* one more than two doublings of the first room, with the waker */
    poller_fixture *fixture = *state;
    int ends[2], tokens[WATCHED], number = 300;

    poller_fixture_pair(fixture, ends);
    for (int i = 0; i < WATCHED; i++, number += 7) {
        assert_int_equal(poller_fixture_own(fixture, fcntl(ends[0], F_DUPFD, number)), number);
        assert_int_equal(poller_fixture_watch(fixture, number, 0, WHERRY_READABLE, &tokens[i]), 0);
    }
    assert_int_equal(poller_fixture_wait(fixture, WHERRY_NOW), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(poller_fixture_wait(fixture, WHERRY_NEVER), WATCHED);
    for (int i = 0; i < WATCHED; i++)
        assert_ptr_equal(fixture->ready[i].token, &tokens[i]);
    assert_int_equal(poller_fixture_watch(fixture, 100000, WHERRY_READABLE, 0, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        POLLER_TEST(there_is_no_descriptor),
        POLLER_TEST(closed_descriptors_are_told_until_they_are_unwatched),
        POLLER_TEST(high_numbers_and_growth),
    };
    int failures = poller_cases_run(wherry_system_poll());

    return failures + cmocka_run_group_tests_name("poll alone", tests, NULL, NULL);
}
