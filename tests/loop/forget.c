/* Forgetting a loop in the child of a fork: the child gets rid of all of it, and the parent notices
 * nothing. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "loop/loop.h"
#include "support/loop_fixture.h"
#include "support/refuse.h"

/* As the leak detector finds it in the middle of a program, where there is one. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAK_DETECTOR
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define LEAK_DETECTOR
#endif

#ifdef LEAK_DETECTOR
#include <sanitizer/lsan_interface.h>
static bool nothing_leaks(void)
{
    return __lsan_do_recoverable_leak_check() == 0;
}
#else
static bool nothing_leaks(void)
{
    return true;
}
#endif

/* Runs body in a child; it returns 0 or the line of what was not well (CHILD_ASSERT). */
static void run_in_child(int (*body)(loop_fixture *self), loop_fixture *self)
{
    int ends[2], status, line = -1;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        line = body(self);
        _exit(write(ends[1], &line, sizeof(line)) != sizeof(line));
    }
    close(ends[1]);
    if (read(ends[0], &line, sizeof(line)) < 0)
        line = -1;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(line, 0);
}

/* --- what is on the loop */

static struct {
    wherry_event *event;
    wherry_semaphore *semaphore;
    wherry_queue *queue;
    wherry_group *group;
    wherry_task *task;
    wherry_watch *watch, *file_watch;
    wherry_signal *signal;
    wherry_stream *stream, *sender;
    wherry_listener *listener;
    FILE *file;
    int watched[2], streamed[2], sending[2];
    char path[64];
} things;

static int wait_for_ever(void *unused)
{
    (void)unused;
    wherry_event_wait(things.event, wherry_in(WHERRY_SECONDS(1000)));
    trace("e");
    return 0;
}

static int receive_for_ever(void *unused)
{
    wherry_bytes bytes;

    (void)unused;
    while (wherry_stream_receive(things.stream, &bytes, WHERRY_NEVER) == WHERRY_OK)
        trace("s");
    return 0;
}

static int yield_for_ever(void *unused)
{
    (void)unused;
    while (wherry_yield() == WHERRY_OK)
        continue;
    return 0;
}

static void make_things(wherry_loop *loop)
{
    memset(&things, 0, sizeof(things));
    things.file = tmpfile();
    assert_non_null(things.file);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, things.watched), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, things.streamed), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, things.sending), 0);
    assert_int_equal(wherry_event_new(&things.event, loop), WHERRY_OK);
    assert_int_equal(wherry_semaphore_new(&things.semaphore, loop, 1), WHERRY_OK);
    assert_int_equal(wherry_queue_new(&things.queue, loop, 1), WHERRY_OK);
    assert_int_equal(wherry_group_new(&things.group, .loop = loop), WHERRY_OK);
    assert_int_equal(wherry_watch_new(&things.watch, .loop = loop, .descriptor = things.watched[0],
                                      .events = WHERRY_READABLE, .watcher = &trace_ready),
                     WHERRY_OK);
    assert_int_equal(
        wherry_watch_new(&things.file_watch, .loop = loop, .descriptor = fileno(things.file)),
        WHERRY_OK);
    assert_int_equal(wherry_signal_new(&things.signal, .loop = loop, .number = SIGHUP), WHERRY_OK);
    assert_int_equal(
        wherry_stream_new(&things.stream, .loop = loop, .descriptor = things.streamed[0]),
        WHERRY_OK);
    assert_int_equal(
        wherry_stream_new(&things.sender, .loop = loop, .descriptor = things.sending[0]),
        WHERRY_OK);
    assert_int_equal(wherry_spawn(&things.task, wait_for_ever, NULL, .group = things.group),
                     WHERRY_OK);
    loop_fixture_spawn(loop, receive_for_ever, NULL);
    loop_fixture_spawn(loop, yield_for_ever, NULL);
    assert_true(wherry_loop_step(loop) >= 3);
}

static void free_things(void)
{
    wherry_event_free(things.event);
    wherry_semaphore_free(things.semaphore);
    wherry_queue_free(things.queue);
    wherry_group_free(things.group);
    wherry_task_release(things.task);
    wherry_watch_free(things.watch);
    wherry_watch_free(things.file_watch);
    wherry_signal_free(things.signal);
    wherry_stream_free(things.stream);
    wherry_stream_free(things.sender);
    wherry_listener_free(things.listener);
}

static void close_descriptors(void)
{
    close(things.watched[0]);
    close(things.watched[1]);
    close(things.streamed[1]);
    close(things.sending[1]);
    (void)fclose(things.file);
}

static bool is_open(int descriptor)
{
    return fcntl(descriptor, F_GETFD) >= 0;
}

/* --- in the child */

static int forget_and_free(loop_fixture *self)
{
    int poller = wherry_loop_fd(self->loop);
    struct sigaction action;

    wherry_loop_forget(self->loop);
    CHILD_ASSERT(poller < 0 || !is_open(poller));
    CHILD_ASSERT(!is_open(things.streamed[0]) && !is_open(things.sending[0]));
    CHILD_ASSERT(is_open(things.watched[0])); /* the caller's own */
    CHILD_ASSERT(sigaction(SIGHUP, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
    CHILD_ASSERT(wherry_task_ended(things.task) == 1);
    CHILD_ASSERT(logged("") == 0);
    free_things();
    CHILD_ASSERT(self->memory.blocks == 0 && self->memory.bytes == 0);
    return 0;
}

/* What the parent sees: all is as it was. */
static void check_parent(loop_fixture *self)
{
    char bytes[8];

    trace_is("");
    assert_int_equal(write(things.watched[1], "w", 1), 1);
    assert_true(wherry_loop_step(self->loop) > 0);
    trace_is("r");
    assert_int_equal(read(things.watched[0], bytes, 1), 1);
    assert_int_equal(read(things.streamed[1], bytes, 1), -1); /* no end */
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(write(things.streamed[1], "s", 1), 1);
    assert_true(wherry_loop_step(self->loop) > 0);
    trace_is("s");
    assert_int_equal(raise(SIGHUP), 0);
    assert_true(wherry_loop_step(self->loop) > 0);
    assert_int_equal(wherry_signal_wait(things.signal, WHERRY_NOW), WHERRY_OK);
    wherry_event_set(things.event);
    assert_true(wherry_loop_step(self->loop) > 0);
    trace_is("e");
}

static void parent_goes_on_as_if_nothing_had_happened(void **state)
{
    wherry_system *systems[] = { wherry_system_epoll(), wherry_system_poll() };
    loop_fixture *self = *state;

    for (int i = 0; i < 2; i++) {
        loop_fixture_free(self);
        assert_int_equal(
            wherry_loop_new(&self->loop, .system = systems[i], .memory = &self->memory.base),
            WHERRY_OK);
        make_things(self->loop);
        run_in_child(forget_and_free, self);
        check_parent(self);
        free_things();
        loop_fixture_free(self);
        close_descriptors();
        failing_memory_assert_empty(&self->memory);
    }
}

/* In the middle of everything: bytes queued, a close in the background, posts, a signal that came,
 * ready descriptors that were not handled. */
static int posts_run;

static void on_post(wherry_post *self)
{
    (void)self;
    posts_run++;
    trace("p");
}

static int forget_in_the_middle(loop_fixture *self)
{
    wherry_loop_forget(self->loop);
    CHILD_ASSERT(posts_run == 0);
    free_things();
    CHILD_ASSERT(self->memory.blocks == 0);
    return 0;
}

static void what_is_under_way_is_the_parents_alone(void **state)
{
    loop_fixture *self = *state;
    static wherry_post post = { .run = on_post };
    char bytes[8];

    make_things(self->loop);
    wherry_loop_post(self->loop, &post);
    assert_int_equal(raise(SIGHUP), 0);
    wherry_signal_free(things.signal); /* given back by its post */
    things.signal = NULL;
    assert_int_equal(write(things.watched[1], "w", 1), 1);
    assert_int_equal(wherry_stream_send(things.sender, wherry_text("hello"), WHERRY_NOW),
                     WHERRY_OK);
    assert_true(wherry_loop_prepare(self->loop) >= 0);
    assert_true(wherry_loop_wait(self->loop, WHERRY_NOW) > 0);
    assert_int_equal(read(things.sending[1], bytes, sizeof(bytes)), 5); /* by prepare */
    assert_int_equal(wherry_stream_send(things.sender, wherry_text("later"), WHERRY_NOW),
                     WHERRY_OK);
    run_in_child(forget_in_the_middle, self);
    assert_int_equal(read(things.sending[1], bytes, sizeof(bytes)), -1); /* not sent by the child */
    assert_int_equal(errno, EAGAIN);
    wherry_stream_free(things.sender);
    things.sender = NULL;
    assert_true(wherry_loop_dispatch(self->loop) > 0);
    assert_int_equal(read(things.sending[1], bytes, sizeof(bytes)), 5); /* but by the parent */
    trace_is("pr");
    free_things();
    loop_fixture_free(self);
    close_descriptors();
}

static int forget_listener(loop_fixture *self)
{
    wherry_loop_forget(self->loop);
    CHILD_ASSERT(access(things.path, F_OK) == 0);
    wherry_listener_free(things.listener);
    CHILD_ASSERT(access(things.path, F_OK) == 0);
    CHILD_ASSERT(self->memory.blocks == 0);
    return 0;
}

static void unix_path_of_a_listener_stays(void **state)
{
    loop_fixture *self = *state;
    wherry_address address;

    memset(&things, 0, sizeof(things));
    (void)snprintf(things.path, sizeof(things.path), "/tmp/wherry-forget-%ld", (long)getpid());
    (void)unlink(things.path); /* of a test of this number that was killed */
    assert_int_equal(wherry_address_parse(&address, things.path, strlen(things.path)), WHERRY_OK);
    assert_int_equal(wherry_listener_new(&things.listener, .loop = self->loop, .address = &address),
                     WHERRY_OK);
    run_in_child(forget_listener, self);
    assert_int_equal(access(things.path, F_OK), 0);
    wherry_listener_free(things.listener);
    assert_int_equal(access(things.path, F_OK), -1);
}

/* A task that waits in a call of a handle is given up there; the handle must not look for it. */
static wherry_peer *peer;

static int receive_message(void *unused)
{
    wherry_bytes message;

    (void)unused;
    (void)wherry_peer_receive(peer, &message, WHERRY_NEVER);
    return 0;
}

static int forget_receiver(loop_fixture *self)
{
    wherry_loop_forget(self->loop);
    wherry_peer_close(peer);
    return 0;
}

static void handles_that_were_waited_for_can_be_closed(void **state)
{
    loop_fixture *self = *state;
    wherry_stream *stream;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_int_equal(wherry_stream_new(&stream, .loop = self->loop, .descriptor = ends[0]),
                     WHERRY_OK);
    assert_int_equal(wherry_peer_new(&peer, stream, &wherry_lines), WHERRY_OK);
    loop_fixture_spawn(self->loop, receive_message, NULL);
    assert_int_equal(wherry_loop_step(self->loop), 1);
    run_in_child(forget_receiver, self);
    wherry_peer_close(peer);
    loop_fixture_free(self);
    close(ends[1]);
}

/* What a call that waits has made is nobody else's to give back. */
static struct {
    wherry_address address;
    char path[64], endpoint[80], servers[32];
    int listener, filler, name_server;
} nowhere;

/* A Unix listener whose backlog is full, and a name server that never answers. */
static void open_nowhere(loop_fixture *self)
{
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    socklen_t size = sizeof(any);

    (void)snprintf(nowhere.path, sizeof(nowhere.path), "/tmp/wherry-forget-%ld", (long)getpid());
    (void)unlink(nowhere.path); /* of a test of this number that was killed */
    (void)snprintf(nowhere.endpoint, sizeof(nowhere.endpoint), "unix://%s", nowhere.path);
    (void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", nowhere.path);
    assert_int_equal(wherry_address_parse(&nowhere.address, nowhere.path, strlen(nowhere.path)),
                     WHERRY_OK);
    nowhere.listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(nowhere.listener, (struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(listen(nowhere.listener, 0), 0);
    nowhere.filler = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(nowhere.filler, (struct sockaddr *)&name, sizeof(name)), 0);
    nowhere.name_server = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(nowhere.name_server, (struct sockaddr *)&any, sizeof(any)), 0);
    assert_int_equal(getsockname(nowhere.name_server, (struct sockaddr *)&any, &size), 0);
    (void)snprintf(nowhere.servers, sizeof(nowhere.servers), "127.0.0.1:%u",
                   (unsigned)ntohs(any.sin_port));
#ifdef WHERRY_CARES
    assert_int_equal(wherry_loop_set_name_servers(self->loop, nowhere.servers), WHERRY_OK);
#else
    (void)self;
#endif
}

static void close_nowhere(void)
{
    assert_int_equal(unlink(nowhere.path), 0);
    assert_int_equal(close(nowhere.listener), 0);
    assert_int_equal(close(nowhere.filler), 0);
    assert_int_equal(close(nowhere.name_server), 0);
}

static int connect_for_ever(void *unused)
{
    wherry_stream *stream;

    (void)unused;
    return wherry_stream_connect(&stream, &nowhere.address, WHERRY_NEVER);
}

static int connect_to_for_ever(void *endpoint)
{
    wherry_stream *stream;

    return wherry_stream_connect_to(&stream, endpoint, WHERRY_NEVER);
}

static int resolve_for_ever(void *unused)
{
    wherry_address address;

    (void)unused;
    return (int)wherry_resolve(&address, 1, "nowhere.example", WHERRY_NEVER);
}

static int feed_next(wherry_feed_items *self, wherry_feed *feed, wherry_bytes *item)
{
    (void)self, (void)feed, (void)item;
    return WHERRY_E_WOULD_BLOCK;
}

static int feed_for_ever(void *unused)
{
    static wherry_feed_items items = { .next = feed_next };

    (void)unused;
    return wherry_feed_run(things.stream, &items, WHERRY_NEVER);
}

static int forget_calls(loop_fixture *self)
{
    wherry_loop_forget(self->loop);
    wherry_stream_free(things.stream);
    CHILD_ASSERT(self->memory.blocks == 0 && self->memory.bytes == 0);
    CHILD_ASSERT(nothing_leaks());
    return 0;
}

static void what_calls_under_way_hold_is_given_back(void **state)
{
    static char by_name[] = "tcp://nowhere.example:7";
    loop_fixture *self = *state;
    int ends[2], count = 3;

    loop_fixture_free(self);
    assert_int_equal(wherry_loop_new(&self->loop, .memory = &self->memory.base), WHERRY_OK);
    open_nowhere(self);
    memset(&things, 0, sizeof(things));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_int_equal(wherry_stream_new(&things.stream, .loop = self->loop, .descriptor = ends[0]),
                     WHERRY_OK);
    loop_fixture_spawn(self->loop, connect_for_ever, NULL);
    loop_fixture_spawn(self->loop, connect_to_for_ever, nowhere.endpoint);
    loop_fixture_spawn(self->loop, feed_for_ever, NULL);
#ifdef WHERRY_CARES /* else no name is waited for */
    loop_fixture_spawn(self->loop, connect_to_for_ever, by_name);
    loop_fixture_spawn(self->loop, resolve_for_ever, NULL);
    count += 2;
#else
    (void)by_name;
    (void)resolve_for_ever;
#endif
    assert_true(wherry_loop_step(self->loop) >= count);
    run_in_child(forget_calls, self);
    wherry_stream_free(things.stream);
    loop_fixture_free(self);
    failing_memory_assert_empty(&self->memory);
    close(ends[1]);
    close_nowhere();
}

static int use_another(loop_fixture *self)
{
    wherry_loop *loop;

    wherry_loop_forget(self->loop);
    CHILD_ASSERT(wherry_loop_new(&loop, .clock = WHERRY_CLOCK_VIRTUAL) == WHERRY_OK);
    CHILD_ASSERT(wherry_spawn(NULL, yield_for_ever, NULL, .loop = loop) == WHERRY_OK);
    CHILD_ASSERT(wherry_loop_step(loop) == 1);
    wherry_loop_free(loop);
    wherry_loop_forget(NULL);
    return 0;
}

static void child_may_make_a_loop_of_its_own(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_spawn(self->loop, yield_for_ever, NULL);
    assert_int_equal(wherry_loop_step(self->loop), 1);
    run_in_child(use_another, self);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(parent_goes_on_as_if_nothing_had_happened),
        ON_LOOP(what_is_under_way_is_the_parents_alone),
        ON_LOOP(unix_path_of_a_listener_stays),
        ON_LOOP(handles_that_were_waited_for_can_be_closed),
        ON_LOOP(what_calls_under_way_hold_is_given_back),
        ON_LOOP(child_may_make_a_loop_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
