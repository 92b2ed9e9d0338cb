/* Interest: what is asked for is told with its own token, until it is not asked for any more; and
 * more that is ready than one wait can tell. Apart from poller_ready.c, since the kind of
 * descriptor does not matter here. */
#include "support/poller_cases.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/time.h>

#include "support/poller_fixture.h"

#define BOTH (WHERRY_READABLE | WHERRY_WRITABLE)

static void interest_and_token_change(void **state)
{
    poller_fixture *fixture = *state;
    int ends[2], tokens[2];

    poller_fixture_pair(fixture, ends);
    poller_put(ends[1], "x");
    poller_watch(fixture, ends[0], 0, WHERRY_READABLE, &tokens[0]);
    poller_assert_ready(fixture, &tokens[0], WHERRY_READABLE);
    poller_watch(fixture, ends[0], WHERRY_READABLE, WHERRY_WRITABLE, &tokens[1]);
    poller_assert_ready(fixture, &tokens[1], WHERRY_WRITABLE);
    poller_watch(fixture, ends[0], WHERRY_WRITABLE, 0, NULL);
    poller_assert_idle(fixture);
    poller_watch(fixture, ends[0], 0, BOTH, &tokens[0]);
    poller_assert_ready(fixture, &tokens[0], BOTH);
}

/* A number that is used again stands for the new descriptor and its token only. */
static void old_tokens_never_come_back(void **state)
{
    poller_fixture *fixture = *state;
    int first[2], second[2], old, new, copy;

    poller_fixture_pair(fixture, first);
    poller_fixture_pair(fixture, second);
    poller_put(first[1], "x");
    poller_put(second[1], "x");
    poller_watch(fixture, first[0], 0, WHERRY_READABLE, &old);
    poller_assert_ready(fixture, &old, WHERRY_READABLE);
    poller_watch(fixture, first[0], WHERRY_READABLE, 0, NULL);
    copy = poller_fixture_own(fixture, dup(first[0])); /* so that the file itself stays */
    assert_int_equal(dup2(second[0], first[0]), first[0]);
    poller_assert_idle(fixture);
    poller_watch(fixture, first[0], 0, WHERRY_READABLE, &new);
    poller_assert_ready(fixture, &new, WHERRY_READABLE);
    poller_take(second[0], 1);
    poller_assert_idle(fixture);
    poller_take(copy, 1);
}

static void removal_keeps_the_others(void **state)
{
    poller_fixture *fixture = *state;
    int ends[5][2], gone[] = { 1, 4, 0 };

    for (int i = 0; i < 5; i++) {
        poller_fixture_pair(fixture, ends[i]);
        poller_watch(fixture, ends[i][0], 0, WHERRY_READABLE, ends[i]);
        poller_put(ends[i][1], "x");
    }
    for (int i = 0; i < 3; i++) {
        int count;

        poller_watch(fixture, ends[gone[i]][0], WHERRY_READABLE, 0, NULL);
        count = poller_fixture_wait(fixture, WHERRY_NEVER);
        assert_int_equal(count, 4 - i);
        for (int k = 0; k < count; k++) {
            for (int g = 0; g <= i; g++)
                assert_ptr_not_equal(fixture->ready[k].token, ends[gone[g]]);
        }
    }
    poller_take(ends[2][0], 1);
    poller_assert_ready(fixture, ends[3], WHERRY_READABLE);
}

static void watch_answers_mistakes(void **state)
{
    poller_fixture *fixture = *state;
    int ends[2], unused;

    poller_fixture_pair(fixture, ends);
    unused = dup(ends[1]);
    assert_int_equal(close(unused), 0);
    assert_int_equal(poller_fixture_watch(fixture, ends[0], 0, WHERRY_READABLE, ends), 0);
    assert_int_equal(poller_fixture_watch(fixture, ends[0], 0, WHERRY_READABLE, ends), -EEXIST);
    assert_int_equal(poller_fixture_watch(fixture, ends[1], BOTH, WHERRY_READABLE, ends), -ENOENT);
    assert_int_equal(poller_fixture_watch(fixture, unused, 0, WHERRY_READABLE, ends), -EBADF);
    assert_int_equal(poller_fixture_watch(fixture, -1, 0, WHERRY_READABLE, ends), -EBADF);
    assert_int_equal(poller_fixture_watch(fixture, ends[1], WHERRY_READABLE, 0, NULL), 0);
    assert_int_equal(poller_fixture_watch(fixture, unused, WHERRY_READABLE, 0, NULL), 0);
    assert_int_equal(poller_fixture_watch(fixture, -1, WHERRY_READABLE, 0, NULL), 0);
    assert_int_equal(poller_fixture_watch(fixture, ends[1], 0, 0, NULL), 0);
    poller_put(ends[0], "x"); /* for ends[1], which none of these may have made watched */
    poller_assert_idle(fixture);
}

static void files_cannot_be_watched(void **state)
{
    poller_fixture *fixture = *state;
    FILE *file = tmpfile();
    int folder = poller_fixture_own(fixture, open("/", O_RDONLY | O_DIRECTORY));
    int result;

    assert_non_null(file);
    result = poller_fixture_watch(fixture, fileno(file), 0, BOTH, fixture);
    fclose(file);
    assert_int_equal(result, -EPERM);
    assert_int_equal(poller_fixture_watch(fixture, folder, 0, BOTH, fixture), -EPERM);
    poller_assert_idle(fixture);
}

/* --- more than fits */

static void small_capacity_serves_all_in_turn(void **state)
{
    enum { PAIRS = 64, CAPACITY = 16 };
    poller_fixture *fixture = *state;
    int ends[PAIRS][2], seen[PAIRS] = { 0 };

    for (int i = 0; i < PAIRS; i++) {
        poller_fixture_pair(fixture, ends[i]);
        poller_watch(fixture, ends[i][0], 0, WHERRY_WRITABLE, &seen[i]);
    }
    for (int round = 1; round <= 3; round++) {
        for (int i = 0; i < PAIRS / CAPACITY; i++) {
            int count = fixture->system->wait(fixture->system, fixture->poller, WHERRY_NEVER,
                                              fixture->ready, CAPACITY);

            assert_int_equal(count, CAPACITY);
            for (int k = 0; k < count; k++)
                ++*(int *)fixture->ready[k].token;
        }
        for (int i = 0; i < PAIRS; i++)
            assert_int_equal(seen[i], round);
    }
}

static void capacity_is_at_least_one(void **state)
{
    poller_fixture *fixture = *state;
    wherry_system *system = fixture->system;
    int ends[2];

    poller_fixture_pair(fixture, ends);
    poller_watch(fixture, ends[0], 0, WHERRY_WRITABLE, ends);
    for (int capacity = -1; capacity <= 1; capacity++) {
        int count = system->wait(system, fixture->poller, WHERRY_NOW, fixture->ready, capacity);

        assert_int_equal(count, capacity < 1 ? -EINVAL : 1);
    }
}

int poller_interest_run(void)
{
    const struct CMUnitTest tests[] = {
        POLLER_TEST(interest_and_token_change), POLLER_TEST(old_tokens_never_come_back),
        POLLER_TEST(removal_keeps_the_others),  POLLER_TEST(watch_answers_mistakes),
        POLLER_TEST(files_cannot_be_watched),   POLLER_TEST(small_capacity_serves_all_in_turn),
        POLLER_TEST(capacity_is_at_least_one),
    };

    return cmocka_run_group_tests_name(poller_system->name, tests, NULL, NULL);
}
