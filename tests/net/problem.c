/* The sentence of a failure is that of the call that has just failed, also where its code says all:
 * never one that is left over from a call before. */
#include <wherry.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/loop_fixture.h"
#include "support/wire.h"

/* What the calls are about. */
static struct {
    wherry_address address; /* of a listener whose backlog takes everybody */
    char endpoint[64];
    int listening, ends[2];
    wherry_stream *stream;
    wherry_event *event;
    wherry_semaphore *semaphore;
    wherry_queue *queue;
    wherry_listener *listener;
} things;

static int connect_stream(int64_t deadline)
{
    wherry_stream *stream;

    return wherry_stream_connect(&stream, &things.address, deadline);
}

static int connect_to(int64_t deadline)
{
    wherry_stream *stream;

    return wherry_stream_connect_to(&stream, things.endpoint, deadline);
}

static int connect_peer(int64_t deadline)
{
    wherry_peer *peer;

    return wherry_connect(&peer, things.endpoint, &wherry_lines, deadline);
}

static int connect_retrying(int64_t deadline)
{
    wherry_retry retry = { 0 };
    wherry_peer *peer;

    return wherry_connect_retrying(&peer, things.endpoint, &wherry_lines, &retry, deadline);
}

static int resolve(int64_t deadline)
{
    wherry_address address;

    return (int)wherry_resolve(&address, 1, "nobody.example", deadline);
}

static int receive(int64_t deadline)
{
    wherry_bytes bytes;

    return wherry_stream_receive(things.stream, &bytes, deadline);
}

static int accept_one(int64_t deadline)
{
    wherry_stream *stream;

    return wherry_listener_accept(things.listener, &stream, deadline);
}

static int wait_for_event(int64_t deadline)
{
    return wherry_event_wait(things.event, deadline);
}

static int take_permit(int64_t deadline)
{
    return wherry_semaphore_take(things.semaphore, deadline);
}

static int wait_for_first(int64_t deadline)
{
    const wherry_choice_of choices[] = { { .event = things.event } };

    return (int)wherry_first(choices, 1, deadline);
}

static int (*const waits[])(int64_t deadline) = {
    connect_stream, connect_to, connect_peer,   connect_retrying, resolve,
    receive,        accept_one, wait_for_event, take_permit,      wait_for_first,
};
#define WAITS (sizeof(waits) / sizeof(waits[0]))

static void fail_otherwise(void)
{
    wherry_address address;

    if (wherry_address_parse(&address, "left over", 9) == WHERRY_OK)
        abort();
}

static int says(const char *text)
{
    return strstr(wherry_problem(), text) != NULL;
}

static void open_things(wherry_loop *loop)
{
    const wherry_address any = { .family = WHERRY_FAMILY_IPV4, .at.ipv4 = { 127, 0, 0, 1 } };

    things.listening = wire_listen(&things.address, 0);
    (void)snprintf(things.endpoint, sizeof(things.endpoint), "tcp://nobody.example:%u",
                   (unsigned)things.address.port);
    things.stream = wire_stream(loop, &things.ends[0], NULL);
    assert_int_equal(wherry_event_new(&things.event, loop), WHERRY_OK);
    assert_int_equal(wherry_semaphore_new(&things.semaphore, loop, 0), WHERRY_OK);
    assert_int_equal(wherry_listener_new(&things.listener, .loop = loop, .address = &any),
                     WHERRY_OK);
}

static void close_things(void)
{
    wherry_listener_free(things.listener);
    wherry_semaphore_free(things.semaphore);
    wherry_event_free(things.event);
    wherry_stream_free(things.stream);
    assert_int_equal(close(things.ends[0]), 0);
    assert_int_equal(close(things.listening), 0);
}

static int say_what_their_deadline_did(void)
{
    for (size_t i = 0; i < WAITS; i++) {
        fail_otherwise();
        TASK_ASSERT(waits[i](wherry_in(0)) == WHERRY_E_TIMED_OUT);
        TASK_ASSERT(says(wherry_error_text(WHERRY_E_TIMED_OUT)) && !says("left over"));
        fail_otherwise();
        TASK_ASSERT(waits[i](WHERRY_NOW) == WHERRY_E_WOULD_BLOCK);
        TASK_ASSERT(says(wherry_error_text(WHERRY_E_WOULD_BLOCK)) && !says("left over"));
    }
    for (size_t i = 4; i < WAITS; i++) { /* to those before, connecting takes no time */
        fail_otherwise();
        TASK_ASSERT(waits[i](wherry_in(1)) == WHERRY_E_TIMED_OUT);
        TASK_ASSERT(says(wherry_error_text(WHERRY_E_TIMED_OUT)) && !says("left over"));
    }
    wherry_task_cancel(wherry_task_current());
    for (size_t i = 0; i < WAITS; i++) {
        fail_otherwise();
        TASK_ASSERT(waits[i](WHERRY_NEVER) == WHERRY_E_CANCELED);
        TASK_ASSERT(says(wherry_error_text(WHERRY_E_CANCELED)) && !says("left over"));
    }
    return WHERRY_OK;
}

/* While there is something to listen for, the loop does not end. */
static int calls_say_what_their_deadline_did(void *loop)
{
    int result;

    open_things(loop);
    result = say_what_their_deadline_did();
    close_things();
    return result;
}

static int sleeping_leaves_it(void *unused)
{
    char before[192];

    (void)unused;
    fail_otherwise();
    TASK_ASSERT(says("left over"));
    (void)strcpy(before, wherry_problem());
    TASK_ASSERT(wherry_sleep(wherry_in(1)) == WHERRY_OK && wherry_sleep(WHERRY_NOW) == WHERRY_OK &&
                wherry_sleep(wherry_in(0)) == WHERRY_OK && wherry_yield() == WHERRY_OK);
    TASK_ASSERT(strcmp(wherry_problem(), before) == 0);
    return WHERRY_OK;
}

static int never_resolve(wherry_system *self, wherry_poller *poller, const char *name, int family,
                         wherry_resolution *resolution)
{
    (void)self, (void)poller, (void)name, (void)family, (void)resolution;
    return 0;
}

static void never_cancel(wherry_system *self, wherry_resolution *resolution)
{
    (void)self, (void)resolution;
}

/* Nobody answers, and connections are never there at once. */
static int never_connect(wherry_system *self, int descriptor, const struct sockaddr *name,
                         socklen_t size)
{
    int result = wherry_system_epoll()->connect(self, descriptor, name, size);

    return result == 0 ? -EINPROGRESS : result;
}

static void calls_that_wait_say_why_they_did_not(void **state)
{
    loop_fixture *self = *state;
    wherry_system system = *wherry_system_epoll();

    system.resolve = never_resolve;
    system.resolve_cancel = never_cancel;
    system.connect = never_connect;
    loop_fixture_free(self);
    assert_int_equal(wherry_loop_new(&self->loop, .system = &system, .memory = &self->memory.base,
                                     .clock = WHERRY_CLOCK_VIRTUAL),
                     WHERRY_OK);
    loop_fixture_run(self->loop, calls_say_what_their_deadline_did, self->loop);
    loop_fixture_free(self);
}

static void a_sleep_is_no_failure(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, sleeping_leaves_it, NULL);
}

static void primitives_say_it_too(void **state)
{
    wherry_bytes bytes = wherry_text("x");
    char room[1];
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    fail_otherwise();
    assert_int_equal(wherry_socket_receive(NULL, ends[0], room, 1), WHERRY_E_WOULD_BLOCK);
    assert_string_equal(wherry_problem(), wherry_error_text(WHERRY_E_WOULD_BLOCK));
    while (wherry_socket_send(NULL, ends[0], &bytes) == WHERRY_OK) {
        fail_otherwise();
        bytes = wherry_text("x");
    }
    assert_string_equal(wherry_problem(), wherry_error_text(WHERRY_E_WOULD_BLOCK));
    assert_int_equal(shutdown(ends[1], SHUT_WR), 0);
    fail_otherwise();
    assert_int_equal(wherry_socket_receive(NULL, ends[0], room, 1), WHERRY_E_END);
    assert_string_equal(wherry_problem(), wherry_error_text(WHERRY_E_END));
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(calls_that_wait_say_why_they_did_not),
        ON_LOOP(a_sleep_is_no_failure),
        cmocka_unit_test(primitives_say_it_too),
    };

    return cmocka_run_group_tests_name("problem", tests, NULL, NULL);
}
