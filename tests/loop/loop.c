/* Loop: making one, what it tells, and its end with whatever is still on it. Its passes are tested
 * in pass.c, its clocks in clock.c. */
#include <wherry/loop.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "loop/loop.h"
#include "loop/task.h"
#include "support/bodies.h"
#include "support/loop_fixture.h"

/* --- making one */

static void refuse_option(const wherry_loop_options *wrong, const char *name)
{
    wherry_loop *loop = NULL;
    wherry_loop_options options = *wrong;

    options.size = sizeof(options);
    options.result = &loop;
    assert_int_equal(wherry_loop_new_with(&options), WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), name));
    assert_null(loop);
}

static void options_that_make_no_sense_are_named(void **state)
{
    (void)state;
    assert_int_equal(wherry_loop_new_with(NULL), WHERRY_E_MISUSE);
    assert_int_equal(wherry_loop_new(NULL), WHERRY_E_MISUSE);
    refuse_option(&(wherry_loop_options){ .clock = (wherry_clock)4 }, "clock");
    refuse_option(&(wherry_loop_options){ .tock = -1 }, "tock");
    refuse_option(&(wherry_loop_options){ .linger = -1 }, "linger");
    refuse_option(&(wherry_loop_options){ .stack_size = 16383 }, "stack_size");
    refuse_option(&(wherry_loop_options){ .chunk_size = 511 }, "chunk_size");
    refuse_option(&(wherry_loop_options){ .chunk_size = (16 << 20) + 1 }, "chunk_size");
}

static void options_at_their_limits_are_taken(void **state)
{
    wherry_loop *loop;

    (void)state;
    assert_int_equal(wherry_loop_new(&loop, .stack_size = 16384, .chunk_size = 512, .tock = 1,
                                     .linger = 1, .stacks_kept = 1),
                     WHERRY_OK);
    assert_int_equal(loop->chunks.size, 512);
    wherry_loop_free(loop);
    assert_int_equal(wherry_loop_new(&loop, .chunk_size = 16 << 20), WHERRY_OK);
    wherry_loop_free(loop);
    wherry_loop_free(NULL);
}

static void without_descriptors_there_is_no_loop(void **state)
{
    struct rlimit limit, none;
    wherry_loop *loop = NULL;
    int result;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){ .rlim_cur = 0, .rlim_max = limit.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    result = wherry_loop_new(&loop);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(result, WHERRY_E_NO_DESCRIPTORS);
    assert_null(loop);
}

static int make_and_free(wherry_memory *memory)
{
    wherry_loop *loop;
    int code = wherry_loop_new(&loop, .memory = memory);

    if (code == WHERRY_OK)
        wherry_loop_free(loop);
    return code;
}

static void out_of_memory_is_survived(void **state)
{
    (void)state;
    assert_true(failing_memory_try(make_and_free) >= 2);
}

/* --- what it tells */

static void random_bytes_and_wall_clock_are_the_systems(void **state)
{
    loop_fixture *self = *state;
    unsigned char one[16] = { 0 }, other[16] = { 0 };

    assert_int_equal(wherry_loop_random(self->loop, one, sizeof(one)), WHERRY_OK);
    assert_int_equal(wherry_loop_random(self->loop, other, sizeof(other)), WHERRY_OK);
    assert_memory_not_equal(one, other, sizeof(one));
    assert_true(wherry_loop_wall(self->loop) > INT64_C(1600000000) * 1000000000);
}

static int refuse_random(wherry_system *self, void *data, size_t size)
{
    (void)self, (void)data, (void)size;
    return -ENOSYS;
}

static int64_t stopped_wall(wherry_system *self)
{
    (void)self;
    return 12345;
}

static void system_without_random_bytes_is_told(void **state)
{
    wherry_system system = *wherry_system_epoll();
    wherry_loop *loop;
    char byte;

    (void)state;
    system.random = refuse_random;
    system.wall = stopped_wall;
    assert_int_equal(wherry_loop_new(&loop, .system = &system), WHERRY_OK);
    assert_true(wherry_loop_random(loop, &byte, 1) < 0);
    assert_non_null(strstr(wherry_problem(), "random"));
    assert_int_equal(wherry_loop_wall(loop), 12345);
    wherry_loop_free(loop);
}

static int sleep_a_second(void *unused)
{
    (void)unused;
    return wherry_sleep(wherry_in(WHERRY_SECONDS(1)));
}

static void statistics_count_what_is_there(void **state)
{
    loop_fixture *self = *state;
    wherry_loop_statistics before, now;
    wherry_watch *watch;
    int ends[2];

    wherry_loop_statistics_read(self->loop, &before);
    assert_true(before.bytes > 0);
    assert_int_equal(before.passes + before.waits + before.ready + before.expired, 0);
    assert_int_equal(before.tasks + before.deadlines + before.watched + before.stacks, 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(wherry_watch_new(&watch, .loop = self->loop, .descriptor = ends[0]),
                     WHERRY_OK);
    loop_fixture_spawn(self->loop, body_sleep_for_ever, NULL);
    loop_fixture_spawn(self->loop, sleep_a_second, NULL);
    assert_int_equal(wherry_loop_step(self->loop), 2);
    wherry_loop_statistics_read(self->loop, &now);
    assert_int_equal(now.passes, 1);
    assert_int_equal(now.waits, 1);
    assert_int_equal(now.resumed, 2);
    assert_int_equal(now.tasks, 2);
    assert_int_equal(now.deadlines, 1); /* never is none */
    assert_int_equal(now.watched, 0);
    assert_int_equal(now.stacks, 2);
    assert_true(now.bytes > before.bytes);
    wherry_watch_free(watch);
    assert_int_equal(wherry_loop_prepare(self->loop), 0);
    assert_int_equal(wherry_loop_wait(self->loop, WHERRY_NEVER), 0); /* jumps to the deadline */
    assert_int_equal(wherry_loop_dispatch(self->loop), 0);
    assert_int_equal(wherry_loop_step(self->loop), 2); /* expired, resumed */
    wherry_loop_statistics_read(self->loop, &now);
    assert_int_equal(now.expired, 1);
    assert_int_equal(now.resumed, 3);
    assert_int_equal(now.tasks, 1);
    assert_int_equal(now.deadlines, 0);
    close(ends[0]);
    close(ends[1]);
}

static void on_readable(wherry_watcher *self, wherry_watch *watch, unsigned events)
{
    (void)self, (void)watch, (void)events;
    trace("r");
}

static void statistics_count_descriptors(void **state)
{
    loop_fixture *self = *state;
    wherry_watcher watcher = { .ready = on_readable };
    wherry_loop_statistics now;
    wherry_watch *watch;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(wherry_watch_new(&watch, .loop = self->loop, .descriptor = ends[0],
                                      .events = WHERRY_READABLE, .watcher = &watcher),
                     WHERRY_OK);
    wherry_loop_statistics_read(self->loop, &now);
    assert_int_equal(now.watched, 1);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(wherry_loop_step(self->loop), 1);
    assert_int_equal(wherry_loop_step(self->loop), 1);
    trace_is("rr");
    wherry_loop_statistics_read(self->loop, &now);
    assert_int_equal(now.ready, 2);
    wherry_watch_change(watch, 0);
    wherry_loop_statistics_read(self->loop, &now);
    assert_int_equal(now.watched, 0);
    wherry_watch_free(watch);
    close(ends[0]);
    close(ends[1]);
}

/* --- which loop is the current one */

static int tell_loop(void *loop)
{
    wherry_loop **place = loop;

    *place = wherry_loop_current();
    return 0;
}

static void inside_of_a_pass_its_loop_is_the_current_one(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *seen = NULL;

    assert_null(wherry_loop_current());
    loop_fixture_spawn(self->loop, tell_loop, &seen);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    assert_ptr_equal(seen, self->loop);
    assert_null(wherry_loop_current());
}

typedef struct nested {
    wherry_post post;
    wherry_loop *inner;
    wherry_loop *seen, *seen_inside;
} nested;

static void run_inner(wherry_post *post)
{
    nested *self = (nested *)post;

    loop_fixture_spawn(self->inner, tell_loop, &self->seen_inside);
    assert_int_equal(wherry_loop_run(self->inner), WHERRY_OK);
    self->seen = wherry_loop_current();
}

static void loop_may_run_inside_a_callback_of_another(void **state)
{
    nested both = { .post.run = run_inner };
    loop_fixture *self = *state;

    assert_int_equal(wherry_loop_new(&both.inner, .clock = WHERRY_CLOCK_VIRTUAL), WHERRY_OK);
    wherry_loop_post(self->loop, &both.post);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    assert_ptr_equal(both.seen_inside, both.inner);
    assert_ptr_equal(both.seen, self->loop);
    wherry_loop_free(both.inner);
}

/* --- the end, from where it is not allowed */

static int free_argument(void *loop)
{
    wherry_loop_free(loop);
    wherry_loop_forget(loop);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    return 0;
}

static void *free_elsewhere(void *loop)
{
    wherry_loop_free(loop);
    wherry_loop_forget(loop);
    return NULL;
}

static void freed_from_inside_or_elsewhere_it_only_logs(void **state)
{
    loop_fixture *self = *state;
    wherry_loop *other;
    pthread_t thread;

    loop_fixture_run(self->loop, free_argument, self->loop);
    assert_int_equal(logged("a loop was freed from inside"), 2);
    assert_int_equal(wherry_loop_new(&other), WHERRY_OK);
    loop_fixture_run(self->loop, free_argument, other);
    assert_int_equal(logged("a loop was freed from inside"), 4);
    wherry_loop_free(other);
    assert_int_equal(pthread_create(&thread, NULL, free_elsewhere, self->loop), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(logged("a loop was freed from inside"), 6);
}

/* --- the end, with tasks */

static int tidy_up(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_sleep(WHERRY_NEVER) == WHERRY_E_CANCELED);
    TASK_ASSERT(wherry_spawn(NULL, body_sleep_for_ever, NULL) == WHERRY_E_CANCELED);
    TASK_ASSERT(wherry_loop_current() != NULL);
    trace("t");
    return 7;
}

static void free_cancels_tasks_and_runs_them_to_their_end(void **state)
{
    loop_fixture *self = *state;
    wherry_task *tasks[3];
    int result;

    for (int i = 0; i < 3; i++)
        assert_int_equal(wherry_spawn(&tasks[i], tidy_up, NULL, .loop = self->loop), WHERRY_OK);
    wherry_loop_step(self->loop);
    loop_fixture_free(self);
    trace_is("ttt");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(wherry_task_ended(tasks[i]), 1);
        assert_int_equal(wherry_task_join(tasks[i], &result, WHERRY_NOW), WHERRY_OK);
        assert_int_equal(result, 7);
        assert_string_equal(wherry_task_name(tasks[i]), "task");
        wherry_task_release(tasks[i]);
    }
    assert_int_equal(logged(""), 0);
}

/* Two that wait for each other's end, uncancelably. */
static wherry_group *ring[2];

static int free_the_other(void *which)
{
    (void)wherry_yield(); /* the second one is canceled meanwhile */
    wherry_group_free(ring[1 - *(int *)which]);
    return task_failed(__FILE__, __LINE__, "this cannot end");
}

static int wait_shortly_for_ring(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_group_join(ring[0], NULL, wherry_in(WHERRY_SECONDS(3600))) ==
                WHERRY_E_CANCELED);
    return 0;
}

static void tasks_that_do_not_end_are_given_up_and_named(void **state)
{
    static const char *const names[] = { "red", "blue" };
    loop_fixture *self = *state;
    int numbers[2] = { 0, 1 }, result;
    wherry_event *event;
    wherry_task *task;
    int64_t start;

    assert_int_equal(wherry_event_new(&event, self->loop), WHERRY_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(wherry_group_new(&ring[i], .loop = self->loop), WHERRY_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(wherry_spawn(i == 0 ? &task : NULL, free_the_other, &numbers[i],
                                      .group = ring[i], .name = names[i]),
                         WHERRY_OK);
    loop_fixture_spawn(self->loop, wait_shortly_for_ring, NULL);
    for (int i = 0; i < 3; i++)
        wherry_loop_step(self->loop);
    start = wherry_loop_now(self->loop);
    wherry__loop_hold(self->loop);
    wherry_loop_free(self->loop);
    assert_int_equal(wherry_loop_now(self->loop) - start, WHERRY_SECONDS(5));
    wherry__loop_release(self->loop);
    self->loop = NULL;
    assert_int_equal(logged("task \"red\" had not ended when its loop was freed"), 1);
    assert_int_equal(logged("task \"blue\" had not ended"), 1);
    assert_int_equal(logged("it waited for \"group\""), 2);
    assert_int_equal(logged(""), 2);
    assert_int_equal(wherry_task_join(task, &result, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(result, WHERRY_E_CANCELED);
    wherry_task_release(task);
    wherry_event_free(event);
    for (int i = 0; i < 2; i++) /* that they waited to do */
        wherry_group_free(ring[i]);
}

/* Given up with a deadline armed and its turn to come: nothing of that may be left behind. */
static int shielded_yield(void *unused)
{
    (void)unused;
    wherry__task_shield(wherry_task_current(), WHERRY_NEVER);
    while (wherry_yield() == WHERRY_OK)
        continue;
    return 0;
}

static int shielded_sleep(void *unused)
{
    (void)unused;
    wherry__task_shield(wherry_task_current(), WHERRY_NEVER);
    wherry_sleep(wherry_in(WHERRY_SECONDS(50)));
    return 0;
}

static void tasks_given_up_leave_no_deadline(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_free(self); /* virtual time would not move while somebody yields */
    assert_int_equal(wherry_loop_new(&self->loop, .clock = WHERRY_CLOCK_STEPPED, .linger = 1,
                                     .memory = &self->memory.base),
                     WHERRY_OK);
    loop_fixture_spawn(self->loop, shielded_yield, NULL);
    loop_fixture_spawn(self->loop, shielded_sleep, NULL);
    wherry_loop_step(self->loop);
    wherry__loop_hold(self->loop);
    wherry_loop_free(self->loop);
    assert_int_equal(logged("it waited for \"its next turn\""), 1);
    assert_int_equal(logged("it waited for \"sleep\""), 1);
    assert_int_equal(self->loop->deadlines.count, 0);
    assert_int_equal(self->loop->runnable_count, 0);
    wherry__loop_release(self->loop);
    self->loop = NULL;
}

/* Linger is counted from the end of the loop's use, not from its last pass. */
static int64_t advancing;

static int64_t advancing_clock(wherry_system *self)
{
    (void)self;
    return advancing += 1000;
}

static void linger_begins_when_the_loop_is_freed(void **state)
{
    wherry_system system = *wherry_system_epoll();
    wherry_loop *loop;

    (void)state;
    advancing = 0;
    system.monotonic = advancing_clock;
    assert_int_equal(wherry_loop_new(&loop, .system = &system), WHERRY_OK);
    loop_fixture_spawn(loop, tidy_up, NULL);
    wherry_loop_step(loop);
    advancing += WHERRY_SECONDS(100);
    wherry_loop_free(loop);
    trace_is("t");
    assert_int_equal(logged(""), 0);
}

static void free_does_not_linger_for_what_never_ends(void **state)
{
    loop_fixture *self = *state;
    wherry_watcher watcher = { .ready = on_readable };
    wherry_loop_statistics statistics;
    wherry_watch *watch;
    FILE *file = tmpfile();

    assert_non_null(file);
    assert_int_equal(wherry_watch_new(&watch, .loop = self->loop, .descriptor = fileno(file),
                                      .events = WHERRY_READABLE, .watcher = &watcher),
                     WHERRY_OK);
    wherry__loop_hold(self->loop);
    wherry_loop_free(self->loop);
    wherry_loop_statistics_read(self->loop, &statistics);
    assert_int_equal(statistics.passes, 1);
    wherry__loop_release(self->loop);
    self->loop = NULL;
    wherry_watch_free(watch);
    fclose(file);
}

/* --- the end, with handles */

typedef struct handles {
    wherry_event *event;
    wherry_semaphore *semaphore;
    wherry_queue *queue;
    wherry_group *group;
    wherry_task *task;
    wherry_watch *watch;
    wherry_signal *signal;
    int ends[2];
} handles;

/* All that could be made; the rest is NULL. */
static int make_handles(wherry_loop *loop, handles *made)
{
    int code = wherry_event_new(&made->event, loop);

    if (code == WHERRY_OK)
        code = wherry_semaphore_new(&made->semaphore, loop, 1);
    if (code == WHERRY_OK)
        code = wherry_queue_new(&made->queue, loop, 10);
    if (code == WHERRY_OK)
        code = wherry_group_new(&made->group, .loop = loop);
    if (code == WHERRY_OK)
        code = wherry_spawn(&made->task, body_sleep_for_ever, NULL, .group = made->group);
    if (code == WHERRY_OK)
        code = wherry_watch_new(&made->watch, .loop = loop, .descriptor = made->ends[0],
                                .events = WHERRY_READABLE);
    if (code == WHERRY_OK)
        code = wherry_signal_new(&made->signal, .loop = loop, .number = SIGUSR2);
    return code;
}

static void free_handles(handles *made)
{
    wherry_event_free(made->event);
    wherry_semaphore_free(made->semaphore);
    wherry_queue_free(made->queue);
    wherry_group_free(made->group);
    wherry_task_release(made->task);
    wherry_watch_free(made->watch);
    wherry_signal_free(made->signal);
    close(made->ends[0]);
    close(made->ends[1]);
}

static int make_all_and_free_loop_first(wherry_memory *memory)
{
    handles made = { 0 };
    wherry_loop *loop;
    int code = wherry_loop_new(&loop, .memory = memory, .clock = WHERRY_CLOCK_VIRTUAL);

    if (code < 0)
        return code;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, made.ends), 0);
    code = make_handles(loop, &made);
    wherry_loop_free(loop);
    free_handles(&made);
    return code;
}

static int make_all_and_free_it_last(wherry_memory *memory)
{
    handles made = { 0 };
    wherry_loop *loop;
    int code = wherry_loop_new(&loop, .memory = memory, .clock = WHERRY_CLOCK_VIRTUAL);

    if (code < 0)
        return code;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, made.ends), 0);
    code = make_handles(loop, &made);
    if (code == WHERRY_OK)
        assert_true(wherry_loop_step(loop) >= 0);
    free_handles(&made);
    wherry_loop_free(loop);
    return code;
}

static void handles_may_be_freed_after_the_loop(void **state)
{
    (void)state;
    assert_true(failing_memory_try(make_all_and_free_loop_first) >= 9);
    assert_true(failing_memory_try(make_all_and_free_it_last) >= 9);
}

static void handles_answer_after_the_loop(void **state)
{
    loop_fixture *self = *state;
    handles made = { 0 };
    wherry_task *task;
    wherry_event *event;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, made.ends), 0);
    assert_int_equal(make_handles(self->loop, &made), WHERRY_OK);
    wherry__loop_hold(self->loop);
    wherry_loop_free(self->loop);
    assert_int_equal(wherry_watch_change(made.watch, WHERRY_WRITABLE), WHERRY_OK);
    assert_int_equal(wherry_watch_wait(made.watch, WHERRY_READABLE, WHERRY_NOW), WHERRY_E_CLOSED);
    assert_int_equal(wherry_signal_wait(made.signal, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_group_join(made.group, NULL, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_spawn(&task, body_sleep_for_ever, NULL, .group = made.group),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_event_new(&event, self->loop), WHERRY_E_MISUSE);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_E_MISUSE);
    wherry__loop_release(self->loop);
    self->loop = NULL;
    free_handles(&made);
}

static void memory_is_counted_back(void **state)
{
    loop_fixture *self = *state;
    wherry_loop_statistics before, after;
    handles made = { 0 };

    wherry_loop_statistics_read(self->loop, &before);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, made.ends), 0);
    assert_int_equal(make_handles(self->loop, &made), WHERRY_OK);
    wherry_loop_statistics_read(self->loop, &after);
    assert_true(after.bytes > before.bytes);
    free_handles(&made);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    wherry_loop_statistics_read(self->loop, &after);
    assert_int_equal(after.bytes, before.bytes);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_that_make_no_sense_are_named),
        cmocka_unit_test(options_at_their_limits_are_taken),
        cmocka_unit_test(without_descriptors_there_is_no_loop),
        cmocka_unit_test(out_of_memory_is_survived),
        ON_LOOP(random_bytes_and_wall_clock_are_the_systems),
        cmocka_unit_test(system_without_random_bytes_is_told),
        ON_LOOP(statistics_count_what_is_there),
        ON_LOOP(statistics_count_descriptors),
        ON_LOOP(inside_of_a_pass_its_loop_is_the_current_one),
        ON_LOOP(loop_may_run_inside_a_callback_of_another),
        ON_LOOP(freed_from_inside_or_elsewhere_it_only_logs),
        ON_LOOP(free_cancels_tasks_and_runs_them_to_their_end),
        ON_LOOP(tasks_that_do_not_end_are_given_up_and_named),
        ON_LOOP(tasks_given_up_leave_no_deadline),
        ON_LOOP(linger_begins_when_the_loop_is_freed),
        ON_LOOP(free_does_not_linger_for_what_never_ends),
        cmocka_unit_test(handles_may_be_freed_after_the_loop),
        ON_LOOP(handles_answer_after_the_loop),
        ON_LOOP(memory_is_counted_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
