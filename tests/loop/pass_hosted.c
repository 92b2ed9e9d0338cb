/* A loop inside of another one, here poll(2): its descriptor tells when there is something to do,
 * its deadline how long to wait at most. Apart from pass.c, as the passes are the host's. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
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

static int talk(void *ends)
{
    int *own = ends;
    wherry_watch *watch;
    char byte;

    TASK_ASSERT(wherry_watch_new(&watch, .descriptor = own[0]) == WHERRY_OK);
    for (int i = 0; i < 5; i++) {
        TASK_ASSERT(wherry_sleep(wherry_in(WHERRY_MILLISECONDS(1))) == WHERRY_OK);
        TASK_ASSERT(write(own[1], "x", 1) == 1);
        TASK_ASSERT(wherry_watch_wait(watch, WHERRY_READABLE, WHERRY_NEVER) == WHERRY_READABLE);
        TASK_ASSERT(read(own[0], &byte, 1) == 1);
        TASK_ASSERT(wherry_yield() == WHERRY_OK);
        trace(".");
    }
    wherry_watch_free(watch);
    return 0;
}

/* What a host does: waits with poll(2) as long as the loop allows, then a step. */
static void host_once(wherry_loop *loop)
{
    struct pollfd descriptor = { .fd = wherry_loop_fd(loop), .events = POLLIN };
    int64_t deadline = wherry_loop_deadline(loop);
    int64_t now = wherry_in(0);
    int milliseconds = -1;

    if (deadline != WHERRY_NEVER)
        milliseconds = deadline <= now ? 0 : (int)((deadline - now) / 1000000 + 1);
    assert_true(descriptor.fd >= 0);
    assert_true(poll(&descriptor, 1, milliseconds) >= 0);
    assert_true(wherry_loop_step(loop) >= 0);
}

static void poll_can_host_a_loop(void **state)
{
    wherry_loop *loop;
    wherry_task *task;
    int ends[2], result;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(wherry_loop_new(&loop), WHERRY_OK);
    assert_int_equal(wherry_loop_deadline(loop), WHERRY_NEVER);
    assert_int_equal(wherry_spawn(&task, talk, ends, .loop = loop), WHERRY_OK);
    assert_int_equal(wherry_loop_deadline(loop), WHERRY_NOW);
    while (!wherry_task_ended(task))
        host_once(loop);
    trace_is(".....");
    assert_int_equal(wherry_task_join(task, &result, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(result, 0);
    wherry_task_release(task);
    wherry_loop_free(loop);
    close(ends[0]);
    close(ends[1]);
}

typedef struct poster {
    wherry_post post;
    wherry_loop *loop;
} poster;

static void *post_elsewhere(void *argument)
{
    poster *one = argument;

    wherry_loop_post(one->loop, &one->post);
    return NULL;
}

static void run_post(wherry_post *post)
{
    (void)post;
    trace("p");
}

static void hosted_loop_hears_of_posts_and_stops(void **state)
{
    poster one = { .post.run = run_post };
    struct pollfd descriptor = { .events = POLLIN };
    wherry_loop *loop;
    pthread_t thread;

    (void)state;
    assert_int_equal(wherry_loop_new(&loop), WHERRY_OK);
    one.loop = loop;
    descriptor.fd = wherry_loop_fd(loop);
    assert_int_equal(poll(&descriptor, 1, 0), 0);
    assert_int_equal(pthread_create(&thread, NULL, post_elsewhere, &one), 0);
    assert_int_equal(poll(&descriptor, 1, -1), 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(wherry_loop_step(loop), 1);
    trace_is("p");
    assert_int_equal(poll(&descriptor, 1, 0), 0);
    wherry_loop_stop(loop);
    assert_int_equal(poll(&descriptor, 1, 0), 1);
    wherry_loop_free(loop);
}

/* A host that sleeps until the deadline each time is there in time, and after few steps: far
 * deadlines may be told in some stages. */
static void deadline_leads_to_what_is_due(void **state)
{
    loop_fixture *self = *state;
    int64_t start = wherry_loop_now(self->loop), due = start + WHERRY_SECONDS(1);
    wherry_task *task;
    int steps = 0;

    for (int i = 0; i < 50; i++) { /* wherever the seconds lie among the bits of the clock */
        assert_int_equal(wherry_spawn(&task, body_sleep_a_second, NULL, .loop = self->loop),
                         WHERRY_OK);
        due = wherry_loop_now(self->loop) + WHERRY_SECONDS(1);
        wherry_loop_step(self->loop);
        for (steps = 0; !wherry_task_ended(task); steps++) {
            int64_t deadline = wherry_loop_deadline(self->loop);

            assert_true(deadline <= due);
            assert_true(wherry_loop_prepare(self->loop) >= 0);
            assert_int_equal(wherry_loop_wait(self->loop, deadline), 0);
            assert_true(wherry_loop_dispatch(self->loop) >= 0);
        }
        assert_true(steps <= 8);
        assert_int_equal(wherry_loop_now(self->loop), due);
        wherry_task_release(task);
    }
}

static void poll_system_has_no_descriptor(void **state)
{
    wherry_loop *loop;

    (void)state;
    assert_int_equal(wherry_loop_new(&loop, .system = wherry_system_poll()), WHERRY_OK);
    assert_int_equal(wherry_loop_fd(loop), WHERRY_E_UNSUPPORTED);
    assert_non_null(strstr(wherry_problem(), "poll"));
    wherry_loop_free(loop);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(poll_can_host_a_loop),
        ON_LOOP(hosted_loop_hears_of_posts_and_stops),
        ON_LOOP(deadline_leads_to_what_is_due),
        ON_LOOP(poll_system_has_no_descriptor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
