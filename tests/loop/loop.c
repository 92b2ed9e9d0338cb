/* Loop: making one, what it tells, and which one is the current one. Its passes are tested in
 * pass.c, its clocks in clock.c, its end in loop_end.c. */
#include <wherry/loop.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "loop/loop.h"
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
    loop_fixture_spawn(self->loop, body_sleep_a_second, NULL);
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

static void statistics_count_descriptors(void **state)
{
    loop_fixture *self = *state;
    wherry_loop_statistics now;
    wherry_watch *watch;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(wherry_watch_new(&watch, .loop = self->loop, .descriptor = ends[0],
                                      .events = WHERRY_READABLE, .watcher = &trace_ready),
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
