/* How long a wait lasts: until its instant, a wake or a signal. */
#include "support/poller_cases.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include <wherry/time.h>

#include "support/poller_fixture.h"

static int64_t now(poller_fixture *fixture)
{
    return fixture->system->monotonic(fixture->system);
}

/* Waits that long, which must be idle time, and no less. */
static void assert_idle_for(poller_fixture *fixture, int64_t duration)
{
    int64_t until = now(fixture) + duration;

    assert_int_equal(poller_fixture_wait(fixture, until), 0);
    assert_true(now(fixture) >= until);
}

/* --- time */

static void wait_never_returns_early(void **state)
{
    poller_fixture *fixture = *state;
    int ends[2];

    poller_fixture_pair(fixture, ends);
    poller_watch(fixture, ends[0], 0, WHERRY_READABLE, ends);
    for (int i = 0; i < 3; i++) {
        assert_idle_for(fixture, 1);
        assert_idle_for(fixture, WHERRY_MICROSECONDS(300));
        assert_idle_for(fixture, WHERRY_MILLISECONDS(1));
        assert_idle_for(fixture, WHERRY_MILLISECONDS(5));
    }
}

/* If one of them waited, it would be for ever. */
static void what_has_passed_is_not_waited_for(void **state)
{
    poller_fixture *fixture = *state;
    const int64_t instants[] = { WHERRY_NOW, WHERRY_NOW + 1, -1, 0, 1, now(fixture) };
    int ends[2];

    poller_fixture_pair(fixture, ends);
    poller_watch(fixture, ends[0], 0, WHERRY_READABLE, ends);
    for (size_t i = 0; i < sizeof(instants) / sizeof(instants[0]); i++)
        assert_int_equal(poller_fixture_wait(fixture, instants[i]), 0);
    poller_put(ends[1], "x");
    for (size_t i = 0; i < sizeof(instants) / sizeof(instants[0]); i++)
        assert_int_equal(poller_fixture_wait(fixture, instants[i]), 1);
}

static void far_instants_do_not_overflow(void **state)
{
    poller_fixture *fixture = *state;
    const int64_t instants[] = { WHERRY_NEVER, WHERRY_NEVER - 1, INT64_MAX / 2 };

    for (size_t i = 0; i < sizeof(instants) / sizeof(instants[0]); i++) {
        fixture->system->wake(fixture->system, fixture->poller);
        assert_int_equal(poller_fixture_wait(fixture, instants[i]), 0);
    }
}

/* --- wakes and signals */

static void wake_before_the_wait_ends_it_once(void **state)
{
    poller_fixture *fixture = *state;

    errno = EXDEV;
    fixture->system->wake(fixture->system, fixture->poller);
    fixture->system->wake(fixture->system, fixture->poller);
    assert_int_equal(errno, EXDEV);
    assert_int_equal(poller_fixture_wait(fixture, WHERRY_NEVER), 0);
    assert_idle_for(fixture, WHERRY_MILLISECONDS(1));
}

static void wake_comes_beside_what_is_ready(void **state)
{
    poller_fixture *fixture = *state;
    int ends[2];

    poller_fixture_pair(fixture, ends);
    poller_watch(fixture, ends[0], 0, WHERRY_WRITABLE, ends);
    fixture->system->wake(fixture->system, fixture->poller);
    poller_assert_ready(fixture, ends, WHERRY_WRITABLE);
    poller_watch(fixture, ends[0], WHERRY_WRITABLE, 0, NULL);
    assert_idle_for(fixture, WHERRY_MILLISECONDS(1));
}

/* More than a pipe holds. */
static void wakes_without_number_are_one(void **state)
{
    poller_fixture *fixture = *state;

    errno = EXDEV;
    for (int i = 0; i < 70000; i++)
        fixture->system->wake(fixture->system, fixture->poller);
    assert_int_equal(errno, EXDEV);
    assert_int_equal(poller_fixture_wait(fixture, WHERRY_NEVER), 0);
    assert_idle_for(fixture, WHERRY_MILLISECONDS(1));
}

static void *wake_it(void *state)
{
    poller_fixture *fixture = state;

    fixture->system->wake(fixture->system, fixture->poller);
    return NULL;
}

static void wake_from_another_thread(void **state)
{
    for (int i = 0; i < 20; i++) {
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, wake_it, *state), 0);
        assert_int_equal(poller_fixture_wait(*state, WHERRY_NEVER), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
}

static poller_fixture *volatile woken_by_signal; /* NULL: by none */
static atomic_int signals_handled;

static void on_signal(int number)
{
    (void)number;
    atomic_fetch_add(&signals_handled, 1);
    if (woken_by_signal != NULL)
        woken_by_signal->system->wake(woken_by_signal->system, woken_by_signal->poller);
}

/* SA_RESTART, for what is easier to forget: waits are interrupted all the same. */
static void handle_signal(poller_fixture *fixture)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

    woken_by_signal = fixture;
    atomic_store(&signals_handled, 0);
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
}

static void ignore_signal(void)
{
    struct sigaction action = { .sa_handler = SIG_IGN };

    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    woken_by_signal = NULL;
}

static void *send_signal(void *thread)
{
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

/* Whether the signal comes before the wait or during it, there is one wait that ends with 0. */
static void wake_from_a_signal_handler(void **state)
{
    poller_fixture *fixture = *state;
    pthread_t self = pthread_self();

    handle_signal(fixture);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(poller_fixture_wait(fixture, WHERRY_NEVER), 0);
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        int result;

        assert_int_equal(pthread_create(&thread, NULL, send_signal, &self), 0);
        do {
            result = poller_fixture_wait(fixture, WHERRY_NEVER);
        } while (result == -EINTR);
        assert_int_equal(result, 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    ignore_signal();
    assert_int_equal(atomic_load(&signals_handled), 21);
}

struct pest {
    pthread_t target;
    atomic_bool is_over;
};

/* Until one has hit the wait: with pauses, so that the wait is reached at all. */
static void *send_signals(void *state)
{
    struct pest *pest = state;
    const struct timespec pause = { .tv_nsec = 200000 };

    while (!atomic_load(&pest->is_over)) {
        pthread_kill(pest->target, SIGUSR1);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static void signals_interrupt_the_wait(void **state)
{
    struct pest pest = { .target = pthread_self() };
    pthread_t thread;
    int forever, until_later;

    handle_signal(NULL);
    atomic_init(&pest.is_over, false);
    assert_int_equal(pthread_create(&thread, NULL, send_signals, &pest), 0);
    forever = poller_fixture_wait(*state, WHERRY_NEVER);
    until_later = poller_fixture_wait(*state, now(*state) + WHERRY_SECONDS(600));
    atomic_store(&pest.is_over, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    ignore_signal();
    assert_int_equal(forever, -EINTR);
    assert_int_equal(until_later, -EINTR);
}

int poller_wait_run(void)
{
    const struct CMUnitTest tests[] = {
        POLLER_TEST(wait_never_returns_early),
        POLLER_TEST(what_has_passed_is_not_waited_for),
        POLLER_TEST(far_instants_do_not_overflow),
        POLLER_TEST(wake_before_the_wait_ends_it_once),
        POLLER_TEST(wake_comes_beside_what_is_ready),
        POLLER_TEST(wakes_without_number_are_one),
        POLLER_TEST(wake_from_another_thread),
        POLLER_TEST(wake_from_a_signal_handler),
        POLLER_TEST(signals_interrupt_the_wait),
    };

    return cmocka_run_group_tests_name(poller_system->name, tests, NULL, NULL);
}
