/* Pollers that are opened and closed: without descriptors or memory, in a child process, and beside
 * another one. */
#include "support/poller_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/time.h>

#include "support/poller_fixture.h"

#define BOTH (WHERRY_READABLE | WHERRY_WRITABLE)

/* The two lowest free numbers of descriptors. */
static void free_numbers(int numbers[2])
{
    numbers[0] = dup(STDIN_FILENO);
    numbers[1] = dup(STDIN_FILENO);
    assert_true(numbers[0] >= 0 && numbers[1] >= 0);
    assert_int_equal(close(numbers[0]), 0);
    assert_int_equal(close(numbers[1]), 0);
}

static int open_with_limit(poller_fixture *fixture, int limit)
{
    struct rlimit before, lower;
    wherry_poller *poller;
    int result;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    lower = before;
    lower.rlim_cur = (rlim_t)limit;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &lower), 0);
    result = fixture->system->open_poller(fixture->system, &fixture->memory.base, &poller);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    if (result == 0)
        fixture->system->close_poller(fixture->system, poller);
    return result;
}

static void opening_without_descriptors_leaves_nothing(void **state)
{
    poller_fixture *fixture = *state;
    size_t blocks = fixture->memory.blocks;
    int before[2], after[2];

    free_numbers(before);
    assert_int_equal(open_with_limit(fixture, before[0]), -EMFILE);
    assert_int_equal(open_with_limit(fixture, before[1]), -EMFILE);
    assert_int_equal(open_with_limit(fixture, before[1] + 1), 0);
    free_numbers(after);
    assert_memory_equal(before, after, sizeof(before));
    assert_int_equal(fixture->memory.blocks, blocks);
}

static int use_poller(wherry_poller *poller, const int *descriptors)
{
    wherry_system *system = poller_system;
    wherry_ready ready[4];
    int result = 0;

    for (int i = 0; i < 2 && result == 0; i++)
        result = system->watch(system, poller, descriptors[i], 0, BOTH, system);
    if (result == 0)
        result = system->wait(system, poller, WHERRY_NOW, ready, 4);
    return result < 0 ? result : 0;
}

/* With a high number, which makes what goes by number grow twice. */
static int open_and_use(wherry_memory *memory)
{
    wherry_system *system = poller_system;
    wherry_poller *poller;
    int ends[2];
    int result = system->open_poller(system, memory, &poller);

    if (result == 0) {
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(dup2(ends[1], 200), 200);
        result = use_poller(poller, (int[]){ ends[0], 200 });
        close(200);
        close(ends[0]);
        close(ends[1]);
        system->close_poller(system, poller);
    }
    assert_true(result == 0 || result == -ENOMEM);
    return result < 0 ? WHERRY_E_NO_MEMORY : 0;
}

static void memory_may_fail_at_any_call(void **state)
{
    (void)state;
    assert_true(failing_memory_try(open_and_use) >= 1);
}

static void closing_in_a_child_leaves_the_parents(void **state)
{
    poller_fixture *fixture = *state;
    int ends[2], status;
    pid_t child;

    poller_fixture_pair(fixture, ends);
    poller_watch(fixture, ends[0], 0, WHERRY_READABLE, ends);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fixture->system->close_poller(fixture->system, fixture->poller);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    poller_put(ends[1], "x");
    poller_assert_ready(fixture, ends, WHERRY_READABLE);
    fixture->system->wake(fixture->system, fixture->poller);
    poller_assert_ready(fixture, ends, WHERRY_READABLE);
}

static void pollers_do_not_know_each_other(void **state)
{
    poller_fixture *fixture = *state;
    wherry_system *system = fixture->system;
    wherry_poller *other;
    int ends[2], token, count;

    assert_int_equal(system->open_poller(system, &fixture->memory.base, &other), 0);
    poller_fixture_pair(fixture, ends);
    poller_watch(fixture, ends[0], 0, WHERRY_READABLE, ends);
    assert_int_equal(system->watch(system, other, ends[0], 0, WHERRY_WRITABLE, &token), 0);
    system->wake(system, other);
    poller_assert_idle(fixture);
    count = system->wait(system, other, WHERRY_NEVER, fixture->ready, 4);
    system->close_poller(system, other);
    assert_int_equal(count, 1);
    assert_ptr_equal(fixture->ready[0].token, &token);
    assert_int_equal(fixture->ready[0].events, WHERRY_WRITABLE);
}

int poller_open_run(void)
{
    const struct CMUnitTest tests[] = {
        POLLER_TEST(opening_without_descriptors_leaves_nothing),
        POLLER_TEST(memory_may_fail_at_any_call),
        POLLER_TEST(closing_in_a_child_leaves_the_parents),
        POLLER_TEST(pollers_do_not_know_each_other),
    };

    return cmocka_run_group_tests_name(poller_system->name, tests, NULL, NULL);
}
