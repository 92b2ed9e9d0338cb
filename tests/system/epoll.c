#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/system.h>
#include <wherry/time.h>

#include "base/memory.h"
#include "support/poller_cases.h"
#include "support/poller_fixture.h"
#include "support/refuse.h"

static int poll_descriptor(poller_fixture *fixture)
{
    struct pollfd slot = {
        .fd = fixture->system->poller_descriptor(fixture->system, fixture->poller),
        .events = POLLIN,
    };

    assert_int_equal(poll(&slot, 1, 0) >= 0, 1);
    return slot.revents;
}

static void descriptor_is_readable_when_there_is_something(void **state)
{
    poller_fixture *fixture = *state;
    int ends[2];

    poller_fixture_pair(fixture, ends);
    assert_int_equal(poll_descriptor(fixture), 0);
    assert_int_equal(poller_fixture_watch(fixture, ends[0], 0, WHERRY_WRITABLE, ends), 0);
    assert_int_equal(poll_descriptor(fixture), POLLIN);
    assert_int_equal(poller_fixture_watch(fixture, ends[0], WHERRY_WRITABLE, 0, NULL), 0);
    assert_int_equal(poll_descriptor(fixture), 0);
    fixture->system->wake(fixture->system, fixture->poller);
    assert_int_equal(poll_descriptor(fixture), POLLIN);
    assert_int_equal(poller_fixture_wait(fixture, WHERRY_NOW), 0);
    assert_int_equal(poll_descriptor(fixture), 0);
}

static void closed_descriptors_leave_on_their_own(void **state)
{
    poller_fixture *fixture = *state;
    int event = eventfd(1, EFD_CLOEXEC);

    assert_int_equal(poller_fixture_watch(fixture, event, 0, WHERRY_READABLE, fixture), 0);
    assert_int_equal(poller_fixture_wait(fixture, WHERRY_NOW), 1);
    assert_int_equal(close(event), 0);
    assert_int_equal(poller_fixture_wait(fixture, WHERRY_NOW), 0);
    assert_int_equal(poller_fixture_watch(fixture, event, WHERRY_READABLE, 0, NULL), 0);
}

enum { MANY = 1100, AT_ONCE = 1024 };

static int may_open_many(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    if (limit.rlim_cur < MANY + 100 && limit.rlim_max >= MANY + 100) {
        limit.rlim_cur = MANY + 100;
        return setrlimit(RLIMIT_NOFILE, &limit) == 0;
    }
    return limit.rlim_cur >= MANY + 100;
}

/* However large the capacity is, one wait takes 1,024 events, and the next one begins with the
 * rest. */
static void one_wait_takes_a_bounded_number(void **state)
{
    poller_fixture *fixture = *state;
    wherry_system *system = fixture->system;
    wherry_ready *ready = calloc(MANY, sizeof(*ready));
    int events[MANY], seen[MANY] = { 0 };

    if (!may_open_many()) {
        free(ready);
        skip();
    }
    assert_non_null(ready);
    for (int i = 0; i < MANY; i++) {
        events[i] = eventfd(1, EFD_CLOEXEC);
        assert_int_equal(poller_fixture_watch(fixture, events[i], 0, WHERRY_READABLE, &seen[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(system->wait(system, fixture->poller, WHERRY_NOW, ready, MANY), AT_ONCE);
        for (int k = 0; k < AT_ONCE; k++)
            ++*(int *)ready[k].token;
    }
    for (int i = 0; i < MANY; i++) {
        assert_in_range(seen[i], 1, 2);
        close(events[i]);
    }
    free(ready);
}

static int wait_on_an_old_kernel(void)
{
    const int64_t durations[] = { 1, WHERRY_MICROSECONDS(300), WHERRY_MILLISECONDS(1),
                                  WHERRY_MILLISECONDS(1) + 1, WHERRY_MILLISECONDS(5) };
    wherry_system *system = wherry_system_epoll();
    wherry_ready ready[4];
    wherry_poller *poller;

    CHILD_ASSERT(system->open_poller(system, wherry__memory_default(), &poller) == 0);
    for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
        int64_t until = system->monotonic(system) + durations[i];

        CHILD_ASSERT(system->wait(system, poller, until, ready, 4) == 0);
        CHILD_ASSERT(system->monotonic(system) >= until);
    }
    system->wake(system, poller);
    CHILD_ASSERT(system->wait(system, poller, WHERRY_NEVER - 1, ready, 4) == 0);
    system->wake(system, poller);
    CHILD_ASSERT(system->wait(system, poller, WHERRY_NEVER, ready, 4) == 0);
    system->close_poller(system, poller);
    return 0;
}

static void kernels_without_fine_waits_do_not_wait_less(void **state)
{
    (void)state;
#ifdef SYS_epoll_pwait2
    refuse_and_run(SYS_epoll_pwait2, ENOSYS, wait_on_an_old_kernel);
    refuse_and_run(SYS_epoll_pwait2, EPERM, wait_on_an_old_kernel);
#else
    assert_int_equal(wait_on_an_old_kernel(), 0);
#endif
}

static int open_without_epoll(void)
{
    wherry_system *system = wherry_system_epoll();
    wherry_poller *poller;

    CHILD_ASSERT(system->open_poller(system, wherry__memory_default(), &poller) == -ENOMEM);
    return 0;
}

static void opening_tells_what_the_kernel_said(void **state)
{
    (void)state;
    refuse_and_run(SYS_epoll_create1, ENOMEM, open_without_epoll);
    refuse_and_run(SYS_eventfd2, ENOMEM, open_without_epoll);
    refuse_and_run(SYS_epoll_ctl, ENOMEM, open_without_epoll);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        POLLER_TEST(descriptor_is_readable_when_there_is_something),
        POLLER_TEST(closed_descriptors_leave_on_their_own),
        POLLER_TEST(one_wait_takes_a_bounded_number),
        cmocka_unit_test(kernels_without_fine_waits_do_not_wait_less),
        cmocka_unit_test(opening_tells_what_the_kernel_said),
    };
    int failures = poller_cases_run(wherry_system_epoll());

    return failures + cmocka_run_group_tests_name("epoll alone", tests, NULL, NULL);
}
