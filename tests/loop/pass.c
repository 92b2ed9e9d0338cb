/* Passes: running until nothing can happen or somebody stops it, stepping, the parts one by one.
 * What another loop needs that hosts one is tested in pass_hosted.c. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/bodies.h"
#include "support/loop_fixture.h"

static int count_up(void *number)
{
    (*(int *)number)++;
    return 0;
}

/* --- running to the end */

static void run_ends_when_nothing_can_happen(void **state)
{
    loop_fixture *self = *state;
    wherry_signal *signal;
    wherry_event *event;

    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    assert_int_equal(wherry_signal_new(&signal, .loop = self->loop, .number = SIGUSR1), WHERRY_OK);
    assert_int_equal(wherry_event_new(&event, self->loop), WHERRY_OK);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    loop_fixture_spawn(self->loop, body_sleep_a_second, NULL);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    wherry_event_free(event);
    wherry_signal_free(signal);
}

typedef struct closer {
    wherry_watcher watcher;
    int descriptor;
} closer;

static void free_on_ready(wherry_watcher *self, wherry_watch *watch, unsigned events)
{
    char byte;

    assert_int_equal(events, WHERRY_READABLE);
    assert_int_equal(read(((closer *)self)->descriptor, &byte, 1), 1);
    wherry_watch_free(watch);
    trace("f");
}

static int write_later(void *descriptor)
{
    TASK_ASSERT(wherry_sleep(wherry_in(WHERRY_SECONDS(1))) == WHERRY_OK);
    TASK_ASSERT(write(*(int *)descriptor, "x", 1) == 1);
    return 0;
}

static void run_goes_on_while_a_watch_is_there(void **state)
{
    closer watcher = { .watcher.ready = free_on_ready };
    loop_fixture *self = *state;
    wherry_watch *watch;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    watcher.descriptor = ends[0];
    assert_int_equal(wherry_watch_new(&watch, .loop = self->loop, .descriptor = ends[0],
                                      .events = WHERRY_READABLE, .watcher = &watcher.watcher),
                     WHERRY_OK);
    loop_fixture_spawn(self->loop, write_later, &ends[1]);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    trace_is("f");
    close(ends[0]);
    close(ends[1]);
}

/* --- stopping */

static int stop_own(void *unused)
{
    (void)unused;
    wherry_loop_stop(wherry_loop_current());
    wherry_loop_stop(wherry_loop_current());
    trace("s");
    return 0;
}

static void run_returns_after_the_pass_that_stops_it(void **state)
{
    loop_fixture *self = *state;
    int number = 0;

    loop_fixture_spawn(self->loop, body_sleep_for_ever, NULL);
    loop_fixture_spawn(self->loop, stop_own, NULL);
    loop_fixture_spawn(self->loop, count_up, &number);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    assert_int_equal(number, 1);
    trace_is("s");
    loop_fixture_spawn(self->loop, stop_own, NULL);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    trace_is("s");
}

static void stop_before_a_run_ends_that_one_only(void **state)
{
    loop_fixture *self = *state;
    int number = 0;

    wherry_loop_stop(self->loop);
    loop_fixture_spawn(self->loop, count_up, &number);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    assert_int_equal(number, 0);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    assert_int_equal(number, 1);
    wherry_loop_stop(self->loop); /* a run with nothing to do uses it up as well */
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    loop_fixture_spawn(self->loop, count_up, &number);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    assert_int_equal(number, 2);
}

static void stop_by_the_last_task_does_not_outlive_the_run(void **state)
{
    loop_fixture *self = *state;
    int number = 0;

    loop_fixture_spawn(self->loop, stop_own, NULL);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    loop_fixture_spawn(self->loop, count_up, &number);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    assert_int_equal(number, 1);
}

static void *stop_elsewhere(void *loop)
{
    wherry_loop_stop(loop);
    return NULL;
}

static wherry_loop *stopped_by_signal;
static volatile sig_atomic_t errno_spoiled;

static void on_signal(int number)
{
    const int before = errno;

    (void)number;
    wherry_loop_stop(stopped_by_signal);
    errno_spoiled |= errno != before;
}

static void *signal_elsewhere(void *thread)
{
    (void)pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

static void run_is_stopped_by_threads_and_signal_handlers(void **state)
{
    struct sigaction action = { .sa_handler = on_signal }, former;
    wherry_system *systems[] = { wherry_system_epoll(), wherry_system_poll() };
    pthread_t thread, own = pthread_self();

    (void)state;
    assert_int_equal(sigaction(SIGUSR1, &action, &former), 0);
    for (int i = 0; i < 2; i++) {
        wherry_loop *loop;

        assert_int_equal(wherry_loop_new(&loop, .system = systems[i]), WHERRY_OK);
        loop_fixture_spawn(loop, body_sleep_for_ever, NULL);
        assert_int_equal(pthread_create(&thread, NULL, stop_elsewhere, loop), 0);
        assert_int_equal(wherry_loop_run(loop), WHERRY_OK);
        assert_int_equal(pthread_join(thread, NULL), 0);
        stopped_by_signal = loop;
        assert_int_equal(pthread_create(&thread, NULL, signal_elsewhere, &own), 0);
        assert_int_equal(wherry_loop_run(loop), WHERRY_OK);
        assert_int_equal(pthread_join(thread, NULL), 0);
        wherry_loop_free(loop);
    }
    assert_int_equal(sigaction(SIGUSR1, &former, NULL), 0);
    assert_false(errno_spoiled);
}

/* --- where passes are not allowed */

static int pass_on_coroutine(void *loop)
{
    TASK_ASSERT(wherry_loop_run(loop) == WHERRY_E_MISUSE);
    TASK_ASSERT(wherry_loop_step(loop) == WHERRY_E_MISUSE);
    TASK_ASSERT(wherry_loop_prepare(loop) == WHERRY_E_MISUSE);
    TASK_ASSERT(wherry_loop_wait(loop, WHERRY_NOW) == WHERRY_E_MISUSE);
    TASK_ASSERT(wherry_loop_dispatch(loop) == WHERRY_E_MISUSE);
    return 0;
}

static void *pass_elsewhere(void *loop)
{
    return wherry_loop_run(loop) == WHERRY_E_MISUSE && wherry_loop_step(loop) == WHERRY_E_MISUSE
               ? loop
               : NULL;
}

static void pass_in_callback(wherry_post *post)
{
    wherry_loop *loop = wherry_loop_current();

    (void)post;
    assert_int_equal(wherry_loop_run(loop), WHERRY_E_MISUSE);
    assert_int_equal(wherry_loop_step(loop), WHERRY_E_MISUSE);
    assert_int_equal(wherry_loop_prepare(loop), WHERRY_E_MISUSE);
    trace("p");
}

static void passes_inside_of_passes_are_misuse(void **state)
{
    loop_fixture *self = *state;
    wherry_post post = { .run = pass_in_callback };
    wherry_loop *other;
    pthread_t thread;
    void *seen;

    assert_int_equal(wherry_loop_run(NULL), WHERRY_E_MISUSE);
    loop_fixture_run(self->loop, pass_on_coroutine, self->loop);
    assert_int_equal(wherry_loop_new(&other), WHERRY_OK);
    loop_fixture_run(self->loop, pass_on_coroutine, other);
    wherry_loop_free(other);
    wherry_loop_post(self->loop, &post);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    trace_is("p");
    assert_int_equal(pthread_create(&thread, NULL, pass_elsewhere, self->loop), 0);
    assert_int_equal(pthread_join(thread, &seen), 0);
    assert_ptr_equal(seen, self->loop);
}

static int broken_wait(wherry_system *self, wherry_poller *poller, int64_t until,
                       wherry_ready *ready, int capacity)
{
    (void)self, (void)poller, (void)until, (void)ready, (void)capacity;
    return -ENOMEM;
}

static int interrupted_wait(wherry_system *self, wherry_poller *poller, int64_t until,
                            wherry_ready *ready, int capacity)
{
    (void)self, (void)poller, (void)until, (void)ready, (void)capacity;
    return -EINTR;
}

static void failures_of_waiting_are_told(void **state)
{
    wherry_system system = *wherry_system_epoll();
    wherry_loop *loop;

    (void)state;
    system.wait = broken_wait;
    assert_int_equal(wherry_loop_new(&loop, .system = &system), WHERRY_OK);
    loop_fixture_spawn(loop, body_sleep_for_ever, NULL);
    assert_int_equal(wherry_loop_run(loop), WHERRY_E_NO_MEMORY);
    assert_non_null(strstr(wherry_problem(), "waiting"));
    assert_int_equal(wherry_loop_step(loop), WHERRY_E_NO_MEMORY);
    system.wait = interrupted_wait;
    assert_int_equal(wherry_loop_step(loop), 1);
    wherry_loop_free(loop);
}

static wherry_group *sleepers;

/* Each of its members has to end before it can. */
static int free_group_of_sleepers(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_sleep(WHERRY_NEVER) == WHERRY_E_CANCELED);
    wherry_group_free(sleepers);
    trace("g");
    return 0;
}

static int sleep_until_canceled(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_sleep(WHERRY_NEVER) == WHERRY_E_CANCELED);
    trace("s");
    return 0;
}

static void tasks_of_a_freed_loop_end_though_waiting_fails(void **state)
{
    wherry_system system = *wherry_system_epoll();
    wherry_loop *loop;

    (void)state;
    assert_int_equal(wherry_loop_new(&loop, .system = &system), WHERRY_OK);
    assert_int_equal(wherry_group_new(&sleepers, .loop = loop), WHERRY_OK);
    loop_fixture_spawn(loop, free_group_of_sleepers, NULL);
    assert_int_equal(wherry_spawn(NULL, sleep_until_canceled, NULL, .group = sleepers), WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, sleep_until_canceled, NULL, .group = sleepers), WHERRY_OK);
    assert_int_equal(wherry_loop_step(loop), 3);
    system.wait = broken_wait;
    wherry_loop_free(loop);
    trace_is("ssg");
    assert_int_equal(logged("had not ended"), 0);
}

/* What was ready is not known then. */
static void virtual_time_does_not_jump_when_a_wait_is_interrupted(void **state)
{
    wherry_system system = *wherry_system_epoll();
    wherry_loop *loop;
    int64_t start;

    (void)state;
    assert_int_equal(wherry_loop_new(&loop, .clock = WHERRY_CLOCK_VIRTUAL, .system = &system),
                     WHERRY_OK);
    loop_fixture_spawn(loop, body_sleep_a_second, NULL);
    assert_int_equal(wherry_loop_step(loop), 1);
    start = wherry_loop_now(loop);
    system.wait = interrupted_wait;
    assert_int_equal(wherry_loop_wait(loop, WHERRY_NEVER), 0);
    assert_int_equal(wherry_loop_now(loop), start);
    system.wait = wherry_system_epoll()->wait;
    assert_int_equal(wherry_loop_run(loop), WHERRY_OK);
    assert_true(wherry_loop_now(loop) > start);
    wherry_loop_free(loop);
}

/* --- stepping */

static void step_does_what_is_there_and_never_waits(void **state)
{
    loop_fixture *self = *state;
    int64_t start = wherry_loop_now(self->loop);
    wherry_watch *watch;
    int ends[2], number = 0;

    assert_int_equal(wherry_loop_step(self->loop), 0);
    loop_fixture_spawn(self->loop, body_sleep_a_second, NULL);
    assert_int_equal(wherry_loop_step(self->loop), 1);
    assert_int_equal(wherry_loop_step(self->loop), 0);
    assert_int_equal(wherry_loop_now(self->loop), start); /* virtual time waits for a wait */
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(wherry_watch_new(&watch, .loop = self->loop, .descriptor = ends[0],
                                      .events = WHERRY_READABLE, .watcher = &trace_ready),
                     WHERRY_OK);
    loop_fixture_spawn(self->loop, count_up, &number);
    assert_int_equal(wherry_loop_step(self->loop), 2);
    trace_is("r");
    assert_int_equal(number, 1);
    wherry_watch_free(watch);
    close(ends[0]);
    close(ends[1]);
}

/* --- the parts, by hand */

static void parts_make_a_pass(void **state)
{
    loop_fixture *self = *state;
    int64_t start = wherry_loop_now(self->loop);
    wherry_watch *watch;
    int ends[2];

    loop_fixture_spawn(self->loop, body_sleep_a_second, NULL);
    assert_int_equal(wherry_loop_prepare(self->loop), 1);
    assert_int_equal(wherry_loop_wait(self->loop, WHERRY_NEVER), 0); /* there is work */
    assert_int_equal(wherry_loop_dispatch(self->loop), 1);

    assert_int_equal(wherry_loop_prepare(self->loop), 0);
    assert_int_equal(wherry_loop_wait(self->loop, start + 1000), 0);
    assert_int_equal(wherry_loop_now(self->loop), start + 1000); /* not past until */
    assert_int_equal(wherry_loop_dispatch(self->loop), 0);

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(wherry_watch_new(&watch, .loop = self->loop, .descriptor = ends[0],
                                      .events = WHERRY_READABLE, .watcher = &trace_ready),
                     WHERRY_OK);
    assert_int_equal(wherry_loop_prepare(self->loop), 0);
    assert_int_equal(wherry_loop_wait(self->loop, WHERRY_NEVER), 1);
    assert_int_equal(wherry_loop_wait(self->loop, WHERRY_NEVER), 1); /* the same */
    assert_int_equal(wherry_loop_now(self->loop), start + 1000);
    assert_int_equal(wherry_loop_prepare(self->loop), 1);
    trace_is("");
    assert_int_equal(wherry_loop_dispatch(self->loop), 1);
    trace_is("r");

    /* Freed between wait and dispatch: what was reported of it is dropped. */
    assert_int_equal(wherry_loop_prepare(self->loop), 0);
    assert_int_equal(wherry_loop_wait(self->loop, WHERRY_NOW), 1);
    wherry_watch_free(watch);
    assert_int_equal(wherry_loop_dispatch(self->loop), 1);
    trace_is("");
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(run_ends_when_nothing_can_happen),
        ON_LOOP(run_goes_on_while_a_watch_is_there),
        ON_LOOP(run_returns_after_the_pass_that_stops_it),
        ON_LOOP(stop_before_a_run_ends_that_one_only),
        ON_LOOP(stop_by_the_last_task_does_not_outlive_the_run),
        ON_LOOP(run_is_stopped_by_threads_and_signal_handlers),
        ON_LOOP(passes_inside_of_passes_are_misuse),
        ON_LOOP(failures_of_waiting_are_told),
        ON_LOOP(tasks_of_a_freed_loop_end_though_waiting_fails),
        ON_LOOP(virtual_time_does_not_jump_when_a_wait_is_interrupted),
        ON_LOOP(step_does_what_is_there_and_never_waits),
        ON_LOOP(parts_make_a_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
