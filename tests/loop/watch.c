/* Watches: descriptors of the caller's in the loop, on each system; what is freed or changed in the
 * middle of a pass; files, which are always ready. */
#include <wherry/watch.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "loop/loop.h"
#include "support/loop_fixture.h"

static wherry_system *the_system;
static wherry_loop *loop;
static failing_memory memory;
static int ends[2];

static int set_up(void **state)
{
    if (loop_fixture_open(state) != 0)
        return -1;
    failing_memory_init(&memory, 0, false);
    if (wherry_loop_new(&loop, .system = the_system, .clock = WHERRY_CLOCK_VIRTUAL,
                        .memory = &memory.base) != WHERRY_OK)
        return -1;
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends);
}

static int tear_down(void **state)
{
    close(ends[0]);
    close(ends[1]);
    wherry_loop_free(loop);
    failing_memory_assert_empty(&memory);
    return loop_fixture_close(state);
}

/* Notes what it is told, and does what the test wants. */
typedef struct noter {
    wherry_watcher watcher;
    char name;
    unsigned events; /* of the last call */
    wherry_watch *own;
    wherry_watch *victim; /* freed in the callback */
    unsigned change;      /* what is watched for from then on; all bits: no change */
    bool reuses;          /* puts a new descriptor in the victim's place */
} noter;

static wherry_watch *reused;
static noter reuser;

static void put_in_place_of(int descriptor)
{
    assert_int_equal(dup2(ends[1], descriptor), descriptor);
    assert_int_equal(wherry_watch_new(&reused, .loop = loop, .descriptor = descriptor,
                                      .events = WHERRY_READABLE, .watcher = &reuser.watcher),
                     WHERRY_OK);
}

static int descriptor_of_victim;

static void on_ready(wherry_watcher *watcher, wherry_watch *watch, unsigned events)
{
    noter *self = (noter *)watcher;
    const char name[2] = { self->name, '\0' };

    assert_null(wherry_task_current());
    assert_ptr_equal(wherry_loop_current(), loop);
    self->events = events;
    trace(name);
    if (self->victim != NULL) {
        wherry_watch_free(self->victim);
        self->victim = NULL;
        if (self->reuses)
            put_in_place_of(descriptor_of_victim);
        return;
    }
    if (self->change != ~0u)
        assert_int_equal(wherry_watch_change(watch, self->change), WHERRY_OK);
}

static noter make_noter(char name)
{
    return (noter){ .watcher.ready = on_ready, .name = name, .change = ~0u };
}

static wherry_watch *watch(int descriptor, unsigned events, noter *who)
{
    wherry_watch *made = NULL;

    assert_int_equal(wherry_watch_new(&made, .loop = loop, .descriptor = descriptor,
                                      .events = events, .watcher = &who->watcher),
                     WHERRY_OK);
    who->own = made;
    return made;
}

static void fill(int descriptor)
{
    assert_int_equal(write(descriptor, "x", 1), 1);
}

static void empty(int descriptor)
{
    char byte;

    assert_int_equal(read(descriptor, &byte, 1), 1);
}

/* --- what is told */

static void watcher_is_told_for_as_long_as_it_is_ready(void **state)
{
    noter one = make_noter('a');
    wherry_watch *own = watch(ends[0], WHERRY_READABLE, &one);

    (void)state;
    assert_int_equal(wherry_loop_step(loop), 0);
    fill(ends[1]);
    for (int i = 0; i < 3; i++)
        assert_int_equal(wherry_loop_step(loop), 1);
    trace_is("aaa");
    assert_int_equal(one.events, WHERRY_READABLE);
    empty(ends[0]);
    assert_int_equal(wherry_loop_step(loop), 0);
    wherry_watch_free(own);
    fill(ends[1]);
    assert_int_equal(wherry_loop_step(loop), 0);
    trace_is("");
}

static void pipes_can_be_watched(void **state)
{
    noter reader = make_noter('r'), writer = make_noter('w');
    wherry_watch *watches[2];
    int pipes[2];

    (void)state;
    assert_int_equal(pipe2(pipes, O_NONBLOCK), 0);
    watches[0] = watch(pipes[0], WHERRY_READABLE, &reader);
    watches[1] = watch(pipes[1], WHERRY_WRITABLE, &writer);
    assert_int_equal(wherry_loop_step(loop), 1);
    trace_is("w");
    assert_int_equal(writer.events, WHERRY_WRITABLE);
    assert_int_equal(wherry_watch_change(watches[1], 0), WHERRY_OK);
    wherry_watch_free(watches[1]);
    close(pipes[1]);
    assert_int_equal(wherry_loop_step(loop), 1);
    trace_is("r");
    assert_true((reader.events & WHERRY_HUNG_UP) != 0); /* not asked for, and told */
    wherry_watch_free(watches[0]);
    close(pipes[0]);
}

static void watch_can_be_changed_and_suspended(void **state)
{
    noter one = make_noter('a');
    wherry_watch *own = watch(ends[0], 0, &one);

    (void)state;
    fill(ends[1]);
    assert_int_equal(wherry_loop_step(loop), 0);
    assert_int_equal(wherry_watch_change(own, WHERRY_READABLE | WHERRY_WRITABLE), WHERRY_OK);
    assert_int_equal(wherry_loop_step(loop), 1);
    assert_int_equal(one.events, WHERRY_READABLE | WHERRY_WRITABLE);
    assert_int_equal(wherry_watch_change(own, WHERRY_WRITABLE), WHERRY_OK);
    assert_int_equal(wherry_loop_step(loop), 1);
    assert_int_equal(one.events, WHERRY_WRITABLE);
    one.change = 0; /* in its own callback */
    assert_int_equal(wherry_loop_step(loop), 1);
    assert_int_equal(wherry_loop_step(loop), 0);
    trace_is("aaa");
    assert_int_equal(wherry_watch_change(own, 64), WHERRY_E_MISUSE);
    assert_int_equal(wherry_watch_change(own, WHERRY_FAILED), WHERRY_E_MISUSE);
    assert_int_equal(wherry_loop_step(loop), 0);
    wherry_watch_free(own);
}

static void without_a_watcher_nothing_is_reported_without_end(void **state)
{
    wherry_watch *own;

    (void)state;
    fill(ends[1]);
    assert_int_equal(
        wherry_watch_new(&own, .loop = loop, .descriptor = ends[0], .events = WHERRY_READABLE),
        WHERRY_OK);
    assert_int_equal(wherry_loop_step(loop), 0);
    wherry_watch_free(own);
}

static void descriptor_keeps_its_flags_and_stays_open(void **state)
{
    noter one = make_noter('a');
    int pipes[2];

    (void)state;
    assert_int_equal(pipe(pipes), 0);
    wherry_watch_free(watch(pipes[0], WHERRY_READABLE, &one));
    assert_int_equal(fcntl(pipes[0], F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(close(pipes[0]), 0);
    assert_int_equal(close(pipes[1]), 0);
    wherry_watch_free(NULL);
}

/* --- in the middle of a pass */

static void freed_in_its_own_callback_it_is_told_no_more(void **state)
{
    noter one = make_noter('a');

    (void)state;
    one.victim = watch(ends[0], WHERRY_READABLE, &one);
    fill(ends[1]);
    assert_int_equal(wherry_loop_step(loop), 1);
    assert_int_equal(wherry_loop_step(loop), 0);
    trace_is("a");
    assert_int_equal(wherry_loop_run(loop), WHERRY_OK);
}

/* Both are ready in one pass, and whoever comes first frees the other. */
static void freed_in_anothers_callback_it_is_not_told(void **state)
{
    noter one = make_noter('x'), other = make_noter('x');

    (void)state;
    other.victim = watch(ends[0], WHERRY_READABLE, &one);
    one.victim = watch(ends[1], WHERRY_READABLE, &other);
    fill(ends[0]);
    fill(ends[1]);
    assert_int_equal(wherry_loop_step(loop), 2);
    trace_is("x");
    assert_int_equal(wherry_loop_step(loop), 1);
    trace_is("x");
    wherry_watch_free(one.victim == NULL ? one.own : other.own);
}

static void suspended_in_anothers_callback_it_is_not_told(void **state)
{
    noter one = make_noter('x'), other = make_noter('y');
    int more[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, more), 0);
    watch(ends[0], WHERRY_READABLE, &one);
    watch(more[0], WHERRY_READABLE, &other);
    fill(ends[1]);
    fill(more[1]);
    assert_int_equal(wherry_loop_prepare(loop), 0);
    assert_int_equal(wherry_loop_wait(loop, WHERRY_NOW), 2);
    assert_int_equal(wherry_watch_change(one.own, 0), WHERRY_OK);
    assert_int_equal(wherry_watch_change(other.own, WHERRY_WRITABLE), WHERRY_OK);
    assert_int_equal(wherry_loop_dispatch(loop), 2);
    trace_is("");
    wherry_watch_free(one.own);
    wherry_watch_free(other.own);
    close(more[0]);
    close(more[1]);
}

/* A new descriptor with the number of one that was ready a moment ago. */
static void descriptor_may_be_used_again_in_the_same_pass(void **state)
{
    noter one = make_noter('1'), other = make_noter('2');
    int more[2];

    (void)state;
    reuser = make_noter('n');
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, more), 0);
    one.victim = watch(more[0], WHERRY_READABLE, &other);
    one.reuses = true;
    descriptor_of_victim = more[0];
    watch(ends[0], WHERRY_READABLE, &one);
    fill(more[1]);
    assert_int_equal(wherry_loop_prepare(loop), 0);
    assert_int_equal(wherry_loop_wait(loop, WHERRY_NOW), 1);
    fill(ends[1]);
    loop->ready[1] = (wherry_ready){ .token = loop->ready[0].token, .events = WHERRY_READABLE };
    loop->ready[0] = (wherry_ready){ .token = one.own, .events = WHERRY_READABLE };
    loop->ready_count = 2;
    assert_int_equal(wherry_loop_dispatch(loop), 2);
    trace_is("1"); /* nothing is ready on the new one */
    empty(ends[0]);
    fill(ends[0]); /* the new one is a copy of ends[1] */
    assert_int_equal(wherry_loop_step(loop), 1);
    trace_is("n");
    wherry_watch_free(reused);
    wherry_watch_free(one.own);
    close(more[0]);
    close(more[1]);
}

/* --- errors */

static void what_cannot_be_watched_is_told(void **state)
{
    wherry_watch *own = NULL;
    int closed = dup(ends[0]);

    (void)state;
    assert_int_equal(wherry_watch_new(NULL, .loop = loop, .descriptor = 0), WHERRY_E_MISUSE);
    assert_int_equal(wherry_watch_new_with(NULL), WHERRY_E_MISUSE);
    assert_int_equal(wherry_watch_new(&own, .descriptor = ends[0]), WHERRY_E_MISUSE);
    assert_int_equal(wherry_watch_new(&own, .loop = loop, .descriptor = ends[0], .events = 8),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_watch_new(&own, .loop = loop, .descriptor = ends[0],
                                      .watcher = &(wherry_watcher){ .ready = NULL }),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_watch_new(&own, .loop = loop, .descriptor = -1), WHERRY_E_INVALID);
    close(closed);
    assert_int_equal(wherry_watch_new(&own, .loop = loop, .descriptor = closed), WHERRY_E_INVALID);
    assert_int_equal(
        wherry_watch_new(&own, .loop = loop, .descriptor = closed, .events = WHERRY_READABLE),
        WHERRY_E_INVALID);
    assert_null(own);
}

static void one_watch_a_descriptor(void **state)
{
    noter one = make_noter('a');
    wherry_watch *first = watch(ends[0], WHERRY_READABLE, &one), *second = NULL;
    wherry_watch *suspended;

    (void)state;
    assert_int_equal(wherry_watch_new(&second, .loop = loop, .descriptor = ends[0],
                                      .events = WHERRY_WRITABLE, .watcher = &one.watcher),
                     WHERRY_E_EXISTS);
    assert_int_equal(wherry_watch_new(&second, .loop = loop, .descriptor = ends[0]),
                     WHERRY_E_EXISTS);
    assert_null(second);
    fill(ends[1]);
    assert_int_equal(wherry_loop_step(loop), 1); /* the first one is as it was */
    trace_is("a");
    assert_int_equal(wherry_watch_change(first, 0), WHERRY_OK);
    suspended = first;
    second = watch(ends[0], WHERRY_READABLE, &one);
    assert_int_equal(wherry_watch_change(suspended, WHERRY_READABLE), WHERRY_E_EXISTS);
    assert_int_equal(wherry_loop_step(loop), 1);
    wherry_watch_free(suspended);
    assert_int_equal(wherry_loop_step(loop), 1);
    trace_is("aa");
    wherry_watch_free(second);
}

/* --- files */

static void files_are_always_ready(void **state)
{
    noter one = make_noter('a'), other = make_noter('b');
    FILE *file = tmpfile(), *more = tmpfile();
    int64_t start = wherry_loop_now(loop);
    wherry_loop_statistics statistics;

    (void)state;
    assert_non_null(file);
    assert_non_null(more);
    watch(fileno(file), WHERRY_READABLE | WHERRY_WRITABLE, &one);
    assert_int_equal(wherry_loop_deadline(loop), WHERRY_NOW);
    assert_int_equal(wherry_loop_step(loop), 1);
    assert_int_equal(one.events, WHERRY_READABLE | WHERRY_WRITABLE);
    watch(fileno(more), 0, &other);
    assert_int_equal(wherry_loop_step(loop), 1);
    assert_int_equal(wherry_watch_change(other.own, WHERRY_READABLE), WHERRY_OK);
    assert_int_equal(wherry_watch_change(one.own, WHERRY_WRITABLE), WHERRY_OK);
    assert_int_equal(wherry_loop_step(loop), 2);
    assert_int_equal(one.events, WHERRY_WRITABLE);
    trace_is("aaab");
    one.victim = other.own;
    assert_true(wherry_loop_step(loop) >= 1);
    trace_is("a");
    one.change = 0;
    assert_int_equal(wherry_loop_step(loop), 1);
    assert_int_equal(wherry_loop_step(loop), 0);
    trace_is("a");
    wherry_loop_statistics_read(loop, &statistics);
    assert_int_equal(statistics.watched, 0); /* by the system */
    assert_int_equal(wherry_loop_now(loop), start);
    wherry_watch_free(one.own);
    assert_int_equal(wherry_loop_run(loop), WHERRY_OK);
    fclose(file);
    fclose(more);
}

static void many_files_and_their_ends_in_callbacks(void **state)
{
    enum { FILES = 20 };
    noter all[FILES];
    FILE *files[FILES];

    (void)state;
    for (int i = 0; i < FILES; i++) {
        all[i] = make_noter('.');
        files[i] = tmpfile();
        assert_non_null(files[i]);
        watch(fileno(files[i]), WHERRY_READABLE, &all[i]);
    }
    for (int i = 0; i < FILES; i++) /* each frees the next but one, which is not told */
        all[i].victim = i % 2 == 0 ? all[i + 1].own : NULL;
    assert_true(wherry_loop_step(loop) >= FILES / 2);
    trace_is("..........");
    assert_int_equal(wherry_loop_step(loop), FILES / 2);
    trace_is("..........");
    for (int i = 0; i < FILES; i += 2)
        wherry_watch_free(all[i].own);
    for (int i = 0; i < FILES; i++)
        fclose(files[i]);
    assert_int_equal(wherry_loop_run(loop), WHERRY_OK);
}

/* --- coroutines */

static wherry_watch *waited;

static int wait_for_events(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_watch_wait(waited, WHERRY_READABLE, WHERRY_NOW) == WHERRY_E_WOULD_BLOCK);
    TASK_ASSERT(wherry_watch_wait(waited, WHERRY_READABLE, wherry_in(0)) == WHERRY_E_TIMED_OUT);
    TASK_ASSERT(wherry_watch_wait(waited, WHERRY_READABLE, wherry_in(5)) == WHERRY_E_TIMED_OUT);
    TASK_ASSERT(wherry_watch_wait(waited, WHERRY_READABLE | WHERRY_WRITABLE, WHERRY_NEVER) ==
                WHERRY_WRITABLE);
    TASK_ASSERT(write(ends[1], "x", 1) == 1);
    TASK_ASSERT(wherry_watch_wait(waited, WHERRY_READABLE, WHERRY_NEVER) == WHERRY_READABLE);
    TASK_ASSERT(wherry_watch_wait(waited, WHERRY_READABLE | WHERRY_WRITABLE, WHERRY_NEVER) ==
                (WHERRY_READABLE | WHERRY_WRITABLE));
    TASK_ASSERT(wherry_watch_wait(waited, 0, WHERRY_NEVER) == WHERRY_E_MISUSE);
    TASK_ASSERT(wherry_watch_wait(waited, WHERRY_HUNG_UP, WHERRY_NEVER) == WHERRY_E_MISUSE);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    TASK_ASSERT(shutdown(ends[1], SHUT_RDWR) == 0);
    TASK_ASSERT((wherry_watch_wait(waited, WHERRY_EXCEPTIONAL, WHERRY_NEVER) & WHERRY_HUNG_UP) !=
                0);
    return 0;
}

static void coroutines_wait_for_what_they_ask(void **state)
{
    noter one = make_noter('a');
    wherry_task *task;
    int result;

    (void)state;
    waited = watch(ends[0], 0, &one);
    assert_int_equal(wherry_spawn(&task, wait_for_events, NULL, .loop = loop), WHERRY_OK);
    while (!wherry_task_ended(task))
        assert_true(wherry__loop_pass(loop, WHERRY_NEVER) >= 0);
    assert_int_equal(wherry_task_join(task, &result, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(result, 0);
    wherry_task_release(task);
    trace_is(""); /* the watcher asked for nothing */
    assert_int_equal(wherry_loop_step(loop), 0);
    assert_int_equal(wherry_watch_wait(waited, WHERRY_READABLE, WHERRY_NEVER), WHERRY_E_MISUSE);
    wherry_watch_free(waited);
}

static int wait_readable(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_watch_wait(waited, WHERRY_READABLE, WHERRY_NEVER) == WHERRY_READABLE);
    trace("t");
    return 0;
}

static int find_it_busy(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_watch_wait(waited, WHERRY_WRITABLE, WHERRY_NEVER) == WHERRY_E_BUSY);
    TASK_ASSERT(wherry_watch_wait(waited, WHERRY_WRITABLE, WHERRY_NOW) == WHERRY_E_BUSY);
    trace("b");
    return 0;
}

static void coroutine_and_watcher_are_independent(void **state)
{
    noter one = make_noter('w');

    (void)state;
    waited = watch(ends[0], WHERRY_WRITABLE, &one);
    loop_fixture_spawn(loop, wait_readable, NULL);
    loop_fixture_spawn(loop, find_it_busy, NULL);
    assert_true(wherry_loop_step(loop) >= 2);
    trace_is("wb");
    fill(ends[1]);
    assert_true(wherry_loop_step(loop) >= 2);
    trace_is("wt");
    assert_int_equal(one.events, WHERRY_WRITABLE);
    assert_int_equal(wherry_loop_step(loop), 1);
    trace_is("w");
    wherry_watch_free(waited);
}

static int wait_shortly(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_watch_wait(waited, WHERRY_READABLE, wherry_in(5)) == WHERRY_E_TIMED_OUT);
    return 0;
}

static void what_nobody_waits_for_any_more_is_not_watched(void **state)
{
    wherry_loop_statistics statistics;

    (void)state;
    assert_int_equal(wherry_watch_new(&waited, .loop = loop, .descriptor = ends[0]), WHERRY_OK);
    loop_fixture_spawn(loop, wait_shortly, NULL);
    assert_int_equal(wherry_loop_step(loop), 1);
    wherry_loop_statistics_read(loop, &statistics);
    assert_int_equal(statistics.watched, 1);
    assert_int_equal(wherry__loop_pass(loop, WHERRY_NEVER), 0);
    assert_int_equal(wherry_loop_step(loop), 2);
    fill(ends[1]);
    assert_int_equal(wherry_loop_step(loop), 0);
    wherry_loop_statistics_read(loop, &statistics);
    assert_int_equal(statistics.watched, 0);
    wherry_watch_free(waited);
}

static int wait_until_closed(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_watch_wait(waited, WHERRY_READABLE, WHERRY_NEVER) == WHERRY_E_CLOSED);
    trace("c");
    return 0;
}

static void free_wakes_who_waits(void **state)
{
    noter one = make_noter('w');

    (void)state;
    waited = watch(ends[0], 0, &one);
    loop_fixture_spawn(loop, wait_until_closed, NULL);
    assert_int_equal(wherry_loop_step(loop), 1);
    wherry_watch_free(waited);
    assert_int_equal(wherry_loop_run(loop), WHERRY_OK);
    trace_is("c");
}

static int wait_until_timeout(void *instant)
{
    int result = wherry_watch_wait(waited, WHERRY_READABLE, *(int64_t *)instant);

    TASK_ASSERT(result == WHERRY_E_CLOSED || result == WHERRY_E_TIMED_OUT);
    return 0;
}

static int free_at(void *instant)
{
    TASK_ASSERT(wherry_sleep(*(int64_t *)instant) == WHERRY_OK);
    wherry_watch_free(waited);
    return 0;
}

static void free_and_timeout_agree(void **state)
{
    int64_t instant;

    (void)state;
    for (int i = 0; i < 2; i++) {
        noter one = make_noter('w');

        instant = wherry_loop_now(loop) + 100;
        waited = watch(ends[0], 0, &one);
        loop_fixture_spawn(loop, i == 0 ? wait_until_timeout : free_at, &instant);
        loop_fixture_spawn(loop, i == 0 ? free_at : wait_until_timeout, &instant);
        assert_int_equal(wherry_loop_run(loop), WHERRY_OK);
    }
}

/* --- memory */

static void on_ready_no_matter(wherry_watcher *watcher, wherry_watch *own, unsigned events)
{
    (void)watcher, (void)own, (void)events;
}

static int use_watches(wherry_memory *used)
{
    wherry_watch *watches[2] = { NULL, NULL };
    FILE *file = tmpfile();
    wherry_loop *own;
    noter one = { .watcher.ready = on_ready_no_matter };
    int code = wherry_loop_new(&own, .memory = used, .system = the_system);

    if (code == WHERRY_OK) {
        code = wherry_watch_new(&watches[0], .loop = own, .descriptor = ends[0],
                                .events = WHERRY_READABLE, .watcher = &one.watcher);
        if (code == WHERRY_OK)
            code = wherry_watch_new(&watches[1], .loop = own, .descriptor = fileno(file),
                                    .events = WHERRY_READABLE, .watcher = &one.watcher);
        wherry_watch_free(watches[0]);
        wherry_loop_free(own);
        wherry_watch_free(watches[1]);
    }
    fclose(file);
    return code;
}

static void out_of_memory_is_survived(void **state)
{
    (void)state;
    assert_true(failing_memory_try(use_watches) >= 5);
}

static int run_all(wherry_system *system)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ON_LOOP(watcher_is_told_for_as_long_as_it_is_ready),
        ON_LOOP(pipes_can_be_watched),
        ON_LOOP(watch_can_be_changed_and_suspended),
        ON_LOOP(without_a_watcher_nothing_is_reported_without_end),
        ON_LOOP(descriptor_keeps_its_flags_and_stays_open),
        ON_LOOP(freed_in_its_own_callback_it_is_told_no_more),
        ON_LOOP(freed_in_anothers_callback_it_is_not_told),
        ON_LOOP(suspended_in_anothers_callback_it_is_not_told),
        ON_LOOP(descriptor_may_be_used_again_in_the_same_pass),
        ON_LOOP(what_cannot_be_watched_is_told),
        ON_LOOP(one_watch_a_descriptor),
        ON_LOOP(files_are_always_ready),
        ON_LOOP(many_files_and_their_ends_in_callbacks),
        ON_LOOP(coroutines_wait_for_what_they_ask),
        ON_LOOP(coroutine_and_watcher_are_independent),
        ON_LOOP(what_nobody_waits_for_any_more_is_not_watched),
        ON_LOOP(free_wakes_who_waits),
        ON_LOOP(free_and_timeout_agree),
        ON_LOOP(out_of_memory_is_survived),
    };

    the_system = system;
    return cmocka_run_group_tests_name(system->name, tests, NULL, NULL);
}

int main(void)
{
    return run_all(wherry_system_epoll()) + run_all(wherry_system_poll());
}
