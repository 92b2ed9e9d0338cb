/* Dialled streams: attempts to connect, in calls that never wait; what fails and what is tried
 * again; and opening them anew. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/service.h>

#include "net/stream.h"
#include "support/net.h"

#define LARGE ((size_t)4 << 20)
#define MILLISECOND WHERRY_MILLISECONDS(1)

static const net_kind kinds[] = { NET_TCP4, NET_TCP6, NET_UNIX };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint8_t pattern[LARGE];
static uint8_t taken[LARGE];

/* A listening socket and a stream dialled to it. */
typedef struct dialled {
    net *world;
    wherry_stream *stream;
    wherry_address address;
    int listener; /* -1: none */
    int far;      /* -1: not accepted, or closed by the test */
} dialled;

static void dial_with(dialled *self, net *world, const wherry_address *address,
                      wherry_dial_options options)
{
    *self = (dialled){ .world = world, .address = *address, .listener = -1, .far = -1 };
    options.size = sizeof(options);
    options.loop = world->loop;
    assert_int_equal(wherry_stream_dial_with(&self->stream, address, &options), WHERRY_OK);
}

static void dial(dialled *self, net *world, net_kind kind, wherry_dial_options options)
{
    wherry_address address;
    int listener = net_listen(kind, 8, &address);

    dial_with(self, world, &address, options);
    self->listener = listener;
}

/* To where nobody listens. */
static void dial_nobody(dialled *self, net *world, net_kind kind, wherry_dial_options options)
{
    wherry_address address;

    net_vacant(kind, &address);
    dial_with(self, world, &address, options);
}
#define OPTIONS(...)                                                                               \
    (wherry_dial_options)                                                                          \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static void hang_up(dialled *self)
{
    if (self->far >= 0)
        assert_int_equal(close(self->far), 0);
    self->far = -1;
}

static void finish(dialled *self)
{
    wherry_faulty_heal(self->world->system, WHERRY_CALL_ANY);
    wherry_stream_free(self->stream);
    hang_up(self);
    if (self->listener >= 0)
        assert_int_equal(close(self->listener), 0);
    if (self->address.family == WHERRY_FAMILY_UNIX)
        (void)unlink(self->address.at.path);
    net_settle(self->world);
}

static void connect_it(dialled *self)
{
    int result;

    do
        result = wherry_stream_service_connect(self->stream);
    while (result == 0);
    assert_int_equal(result, 1);
    self->far = accept(self->listener, NULL, NULL);
    assert_true(self->far >= 0);
}

static void open_it(dialled *self)
{
    assert_int_equal(wherry_stream_open(self->stream), WHERRY_OK);
    connect_it(self);
}

/* Passes until there is another answer than "not yet". */
static int fail_it(dialled *self)
{
    int result;

    do
        result = wherry_stream_service_connect(self->stream);
    while (result == 0);
    return result;
}

static void say(dialled *self, const char *text)
{
    assert_int_equal(wherry_stream_send(self->stream, wherry_text(text), WHERRY_NOW), WHERRY_OK);
}

static void hear(dialled *self, const char *text)
{
    size_t length = strlen(text), count = 0;

    while (count < length) {
        ssize_t result;

        assert_true(wherry_stream_service_send(self->stream) >= 0);
        result = net_take(self->far, taken + count, length - count);
        assert_true(result > 0 || result == -EAGAIN);
        count += result > 0 ? (size_t)result : 0;
    }
    assert_memory_equal(taken, text, length);
}

static size_t calls(const net *world, int call)
{
    return wherry_faulty_calls(world->system, call);
}

/* --- connecting */

static void it_connects_when_it_is_serviced_and_not_before(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        wherry_address address;
        dialled self;

        dial(&self, world, kinds[i], OPTIONS(.timeout = 0));
        assert_int_equal(calls(world, WHERRY_CALL_SOCKET), i);
        assert_int_equal(wherry_stream_is_open(self.stream), 0);
        assert_int_equal(wherry_stream_is_connected(self.stream), 0);
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_CLOSED);
        assert_int_equal(wherry_stream_service_connect(self.stream), WHERRY_E_CLOSED);
        assert_int_equal(wherry_stream_service_send(self.stream), WHERRY_E_CLOSED);
        assert_int_equal(wherry_stream_service_receive(self.stream), WHERRY_E_CLOSED);
        assert_int_equal(wherry_stream_descriptor(self.stream), -1);
        wherry_stream_remote(self.stream, &address);
        assert_true(wherry_address_equal(&address, &self.address));
        wherry_stream_local(self.stream, &address);
        assert_int_equal(address.family, WHERRY_FAMILY_NONE);
        say(&self, "early ");
        assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
        assert_int_equal(wherry_stream_is_open(self.stream), 1);
        assert_int_equal(wherry_stream_is_connected(self.stream), 0);
        assert_int_equal(calls(world, WHERRY_CALL_CONNECT), i);
        say(&self, "bytes");
        connect_it(&self);
        assert_int_equal(calls(world, WHERRY_CALL_CONNECT), i + 1);
        assert_int_equal(wherry_stream_is_connected(self.stream), 1);
        assert_int_equal(wherry_stream_service_connect(self.stream), 1);
        if (kinds[i] != NET_UNIX) {
            wherry_stream_local(self.stream, &address);
            assert_int_equal(address.family, self.address.family);
            assert_true(address.port != 0);
        }
        hear(&self, "early bytes");
        finish(&self);
    }
}

static void before_it_is_connected_nothing_else_can_be_done_with_it(void **state)
{
    net *world = *state;
    dialled self;
    uint8_t byte;
    size_t send = 1, receive = 1;

    dial(&self, world, NET_TCP4, OPTIONS(.timeout = 0));
    assert_int_equal(wherry_stream_buffers(self.stream, &send, &receive), WHERRY_OK);
    assert_true(send == 0 && receive == 0);
    assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_E_MISUSE);
    say(&self, "all the same");
    for (int opened = 0; opened < 2; opened++) {
        assert_int_equal(wherry_stream_receive_past(self.stream, &byte, 1), WHERRY_E_MISUSE);
        assert_int_equal(wherry_stream_send_past(self.stream, wherry_text("x")), WHERRY_E_MISUSE);
        assert_int_equal(wherry_stream_shutdown_receive(self.stream), WHERRY_E_MISUSE);
        assert_int_equal(wherry_stream_unservice(self.stream), WHERRY_E_MISUSE);
        assert_int_equal(wherry_stream_refresh(self.stream), WHERRY_OK);
        assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
        assert_int_equal(wherry_stream_service_send(self.stream), 0);
        assert_int_equal(wherry_stream_service_receive(self.stream), 0);
    }
    assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_E_MISUSE);
    finish(&self);
}

static void what_connect_answers_is_followed(void **state)
{
    const int numbers[] = { EINTR, EINPROGRESS, EALREADY };
    net *world = *state;

    for (size_t i = 0; i < 3; i++) {
        dialled self;

        dial(&self, world, NET_TCP4, OPTIONS(.timeout = 0));
        wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = numbers[i], .made = 1,
                           .first = 1, .count = 1);
        open_it(&self);
        assert_int_equal(calls(world, WHERRY_CALL_CONNECT), i + 1); /* once each */
        say(&self, "hello");
        hear(&self, "hello");
        finish(&self);
    }
}

static void full_backlog_of_a_unix_listener_is_tried_again(void **state)
{
    net *world = *state;
    dialled self;

    dial(&self, world, NET_UNIX, OPTIONS(.timeout = 0));
    wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = EAGAIN, .first = 1,
                       .count = 2);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_is_connected(self.stream), 0);
    connect_it(&self);
    finish(&self);
}

static void failures_are_reported_with_their_codes(void **state)
{
    const struct {
        int number, code;
    } cases[] = { { ECONNREFUSED, WHERRY_E_REFUSED },     { ENETUNREACH, WHERRY_E_UNREACHABLE },
                  { EACCES, WHERRY_E_PROHIBITED },        { EADDRNOTAVAIL, WHERRY_E_NO_ADDRESS },
                  { ETIMEDOUT, WHERRY_E_TIMED_OUT },      { ECONNRESET, WHERRY_E_RESET },
                  { EHOSTUNREACH, WHERRY_E_UNREACHABLE }, { EINVAL, WHERRY_E_UNREACHABLE } };
    net *world = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        dialled self;

        dial(&self, world, NET_TCP4, OPTIONS(.timeout = 0));
        wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = cases[i].number,
                           .first = 1, .count = 1);
        assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
        say(&self, "kept");
        assert_int_equal(fail_it(&self), cases[i].code);
        assert_int_equal(wherry_stream_service(self.stream), cases[i].code); /* again each time */
        assert_int_equal(wherry_stream_service_send(self.stream), cases[i].code);
        assert_int_equal(wherry_stream_service_receive(self.stream), cases[i].code);
        assert_int_equal(wherry_stream_end(self.stream), cases[i].code);
        assert_string_not_equal(wherry_stream_problem(self.stream), "");
        assert_int_equal(wherry_stream_is_open(self.stream), 0);
        assert_int_equal(wherry_stream_unsent(self.stream), 4);
        open_it(&self); /* what was queued is for the next connection */
        assert_string_equal(wherry_stream_problem(self.stream), "");
        hear(&self, "kept");
        finish(&self);
    }
}

static void nobody_there_is_refused(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        dialled self;

        dial_nobody(&self, world, kinds[i], OPTIONS(.timeout = WHERRY_SECONDS(60)));
        assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
        assert_int_equal(fail_it(&self),
                         kinds[i] == NET_UNIX ? WHERRY_E_NOT_FOUND : WHERRY_E_REFUSED);
        finish(&self);
    }
}

static void reset_before_the_first_look_is_a_failure_to_connect(void **state)
{
    net *world = *state;
    dialled self;
    int result;

    dial(&self, world, NET_TCP4, OPTIONS(.timeout = 0));
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
    wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = EINTR, .made = 1, .first = 1,
                       .count = 1);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK); /* it began */
    self.far = accept(self.listener, NULL, NULL);
    net_reset(self.far);
    self.far = -1;
    do
        result = wherry_stream_service(self.stream);
    while (result == WHERRY_OK);
    assert_int_equal(result, WHERRY_E_RESET);
    finish(&self);
}

/* --- time, in virtual time */

/* Connections that are on their way for ever. */
static void stall(net *world)
{
    wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = EINPROGRESS);
}

static void attempt_ends_at_its_timeout(void **state)
{
    net *world = *state;
    dialled self;

    dial(&self, world, NET_TCP4, OPTIONS(.timeout = 100 * MILLISECOND));
    stall(world);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
    wherry_loop_tick(world->loop, WHERRY_SECONDS(1)); /* it begins with the first service */
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    wherry_loop_tick(world->loop, 100 * MILLISECOND - 1);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    wherry_loop_tick(world->loop, 1);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_TIMED_OUT);
    assert_int_equal(wherry_stream_end(self.stream), WHERRY_E_TIMED_OUT);
    assert_int_equal(wherry_stream_is_open(self.stream), 0);
    finish(&self);
}

static void without_a_timeout_the_system_has_one(void **state)
{
    net *world = *state;

    for (int reconnect = 0; reconnect < 2; reconnect++) {
        dialled self;
        size_t sockets = calls(world, WHERRY_CALL_SOCKET);

        dial(&self, world, NET_TCP4, OPTIONS(.reconnect = reconnect));
        stall(world);
        assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
        for (int i = 0; i < 5; i++) {
            assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
            wherry_loop_tick(world->loop, WHERRY_SECONDS(100));
        }
        assert_int_equal(calls(world, WHERRY_CALL_SOCKET), sockets + 1);
        finish(&self);
    }
}

static void connection_that_is_there_at_the_timeout_is_taken(void **state)
{
    net *world = *state;
    dialled self;

    dial(&self, world, NET_TCP4, OPTIONS(.timeout = 100 * MILLISECOND));
    wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = EINTR, .made = 1, .first = 1,
                       .count = 1);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    self.far = accept(self.listener, NULL, NULL); /* it is there, and nobody has looked */
    wherry_loop_tick(world->loop, WHERRY_SECONDS(1));
    assert_int_equal(wherry_stream_service_connect(self.stream), 1);
    finish(&self);
}

static void refused_attempts_are_made_again_once_a_timeout(void **state)
{
    const int64_t timeouts[] = { 0, 200 * MILLISECOND };
    net *world = *state;

    for (size_t i = 0; i < 2; i++) {
        int64_t pause = timeouts[i] == 0 ? WHERRY_SECONDS(1) : timeouts[i];
        size_t connects = calls(world, WHERRY_CALL_CONNECT);
        dialled self;

        dial_nobody(&self, world, NET_TCP4, OPTIONS(.timeout = timeouts[i], .reconnect = 1));
        assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
        say(&self, "kept");
        for (size_t attempt = 1; attempt < 5; attempt++) {
            while (wherry_stream_descriptor(self.stream) >= 0)
                assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
            assert_int_equal(wherry_stream_is_open(self.stream), 1);
            assert_string_equal(wherry_stream_problem(self.stream), "Connection refused");
            assert_int_equal(wherry_stream_end(self.stream), WHERRY_OK);
            wherry_loop_tick(world->loop, pause - 1);
            for (int k = 0; k < 10; k++)
                assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
            assert_int_equal(calls(world, WHERRY_CALL_CONNECT), connects + attempt);
            wherry_loop_tick(world->loop, 1);
            assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
            assert_int_equal(calls(world, WHERRY_CALL_CONNECT), connects + attempt + 1);
        }
        assert_int_equal(wherry_stream_unsent(self.stream), 4);
        finish(&self);
    }
}

/* hio makes up for each attempt that it missed. */
static void attempts_that_were_missed_are_not_made_up_for(void **state)
{
    net *world = *state;
    dialled self;
    size_t connects = calls(world, WHERRY_CALL_CONNECT);

    dial(&self, world, NET_TCP4, OPTIONS(.timeout = 100 * MILLISECOND, .reconnect = 1));
    stall(world);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    wherry_loop_tick(world->loop, WHERRY_SECONDS(10));
    for (int i = 0; i < 30; i++)
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    assert_int_equal(calls(world, WHERRY_CALL_CONNECT), connects + 2);
    assert_string_equal(wherry_stream_problem(self.stream), "Connection timed out");
    wherry_faulty_heal(world->system, WHERRY_CALL_CONNECT);
    wherry_loop_tick(world->loop, 100 * MILLISECOND);
    connect_it(&self);
    assert_string_equal(wherry_stream_problem(self.stream), "");
    finish(&self);
}

static void lack_of_descriptors_between_attempts_is_one_more_that_failed(void **state)
{
    net *world = *state;
    dialled self;

    dial(&self, world, NET_TCP4, OPTIONS(.timeout = 100 * MILLISECOND, .reconnect = 1));
    wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = ECONNREFUSED, .first = 1,
                       .count = 1);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    wherry_faulty_plan(world->system, WHERRY_CALL_SOCKET, .number = EMFILE, .first = 1, .count = 2);
    for (int i = 0; i < 2; i++) {
        wherry_loop_tick(world->loop, 100 * MILLISECOND);
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
        assert_int_equal(wherry_stream_descriptor(self.stream), -1);
        assert_string_equal(wherry_stream_problem(self.stream),
                            wherry_error_text(WHERRY_E_NO_DESCRIPTORS));
    }
    wherry_loop_tick(world->loop, 100 * MILLISECOND);
    connect_it(&self);
    assert_string_equal(wherry_stream_problem(self.stream), "");
    finish(&self);
}

static void connection_that_ended_is_not_made_again_by_itself(void **state)
{
    net *world = *state;
    dialled self;

    dial(&self, world, NET_TCP4, OPTIONS(.timeout = 100 * MILLISECOND, .reconnect = 1));
    open_it(&self);
    say(&self, "unsent");
    net_reset(self.far);
    self.far = -1;
    while (wherry_stream_service(self.stream) == WHERRY_OK)
        continue;
    for (int i = 0; i < 5; i++) {
        wherry_loop_tick(world->loop, WHERRY_SECONDS(1));
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_RESET);
    }
    open_it(&self);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    finish(&self);
}

static void times_of_an_attempt_go_by_the_loop_that_it_was_wound_to(void **state)
{
    net *world = *state;
    wherry_loop *base;
    dialled self;

    assert_int_equal(wherry_loop_new(&base, .clock = WHERRY_CLOCK_STEPPED), WHERRY_OK);
    dial(&self, world, NET_TCP4, OPTIONS(.timeout = 100 * MILLISECOND));
    stall(world);
    assert_int_equal(wherry_stream_wind(self.stream, base), WHERRY_OK);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    wherry_loop_tick(world->loop, WHERRY_SECONDS(1));
    wherry_loop_tick(base, 99 * MILLISECOND);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_wind(self.stream, base), WHERRY_OK); /* it starts anew */
    wherry_loop_tick(base, 99 * MILLISECOND);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    wherry_loop_tick(base, MILLISECOND);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_TIMED_OUT);
    finish(&self);
    wherry_loop_free(base);
}

static void idle_time_begins_with_the_connection(void **state)
{
    const wherry_stream_options limits = { .idle_timeout = 100 * MILLISECOND };
    net *world = *state;
    dialled self;

    dial(&self, world, NET_TCP4, OPTIONS(.stream = &limits));
    wherry_loop_tick(world->loop, WHERRY_SECONDS(1));
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
    wherry_loop_tick(world->loop, WHERRY_SECONDS(1));
    connect_it(&self);
    wherry_loop_tick(world->loop, 99 * MILLISECOND);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    wherry_loop_tick(world->loop, MILLISECOND);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_IDLE);
    hang_up(&self);
    open_it(&self);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    finish(&self);
}

/* --- opening again */

static void opening_again_breaks_off_what_was_open(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        dialled self;

        dial(&self, world, kinds[i], OPTIONS(.timeout = 0));
        open_it(&self);
        net_put(self.far, "read", 4);
        while (wherry_stream_peek(self.stream).length < 4)
            assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
        say(&self, "unsent");
        assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
        assert_int_equal(net_take(self.far, taken, 1), kinds[i] == NET_UNIX ? 0 : -ECONNRESET);
        hang_up(&self);
        connect_it(&self);
        hear(&self, "unsent"); /* the buffers stay as they were */
        assert_int_equal(wherry_stream_peek(self.stream).length, 4);
        net_put(self.far, "more", 4);
        while (wherry_stream_peek(self.stream).length < 8)
            assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
        assert_memory_equal(wherry_stream_peek(self.stream).data, "readmore", 8);
        say(&self, "nonsense");
        assert_int_equal(wherry_stream_discard(self.stream), 8);
        finish(&self);
    }
}

static void opening_twice_before_a_service_makes_one_connection(void **state)
{
    net *world = *state;
    dialled self;

    dial(&self, world, NET_TCP4, OPTIONS(.timeout = 0));
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
    connect_it(&self);
    assert_int_equal(calls(world, WHERRY_CALL_CONNECT), 1);
    assert_int_equal(calls(world, WHERRY_CALL_SOCKET) - calls(world, WHERRY_CALL_CLOSE), 1);
    finish(&self);
}

static void closed_one_is_opened_again_without_what_was_unsent(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        wherry_address local;
        dialled self;

        dial(&self, world, kinds[i], OPTIONS(.timeout = 0));
        for (int round = 0; round < 3; round++) {
            open_it(&self);
            say(&self, "last");
            wherry_stream_close(self.stream);
            assert_int_equal(net_take_all(world, self.far, taken, 4, NULL), 4);
            NET_UNTIL(world, net_take(self.far, taken, 1) == 0);
            hang_up(&self);
            assert_int_equal(wherry_stream_unsent(self.stream), 0);
            wherry_stream_local(self.stream, &local); /* it is known after the end */
            assert_true(kinds[i] == NET_UNIX || local.port != 0);
            assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW),
                             WHERRY_E_CLOSED);
        }
        finish(&self);
    }
}

static void opening_again_ends_what_still_went_out_in_the_background(void **state)
{
    const wherry_stream_options limits = { .send_max = LARGE };
    net *world = *state;
    dialled self;
    ssize_t last = 1;
    size_t count = 0;
    int former;

    dial(&self, world, NET_TCP4, OPTIONS(.stream = &limits));
    open_it(&self);
    assert_int_equal(wherry_stream_send(self.stream, wherry_bytes_at(pattern, LARGE), WHERRY_NOW),
                     WHERRY_OK);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = EAGAIN, .first = 2, .count = 0);
    wherry_stream_close(self.stream);
    assert_true(wherry_stream_unsent(self.stream) > 0);
    former = self.far;
    wherry_faulty_heal(world->system, WHERRY_CALL_SEND);
    open_it(&self);
    assert_int_equal(wherry_stream_unsent(self.stream), 0);
    while (last > 0 || last == -EAGAIN) {
        last = net_take(former, taken, sizeof(taken));
        count += last > 0 ? (size_t)last : 0;
    }
    assert_int_equal(last, -ECONNRESET); /* not an end that looks like all of it */
    assert_true(count < LARGE);
    assert_int_equal(close(former), 0);
    assert_int_equal(wherry_loop_run(world->loop), WHERRY_OK); /* which has it no more */
    say(&self, "new");
    hear(&self, "new");
    finish(&self);
}

/* What the loop has found ready before that is not the new one's. */
static void opening_again_within_a_pass_of_the_loop_is_not_disturbed_by_it(void **state)
{
    const wherry_stream_options limits = { .send_max = LARGE };
    net *world = *state;
    dialled self;

    dial(&self, world, NET_TCP4, OPTIONS(.stream = &limits));
    open_it(&self);
    assert_int_equal(wherry_stream_send(self.stream, wherry_bytes_at(pattern, LARGE), WHERRY_NOW),
                     WHERRY_OK);
    wherry_stream_close(self.stream);
    assert_true(wherry_stream_unsent(self.stream) > 0);
    net_reset(self.far);
    net_prepare(world);
    assert_true(wherry_loop_wait(world->loop, WHERRY_NEVER) > 0);
    open_it(&self);
    net_put(self.far, "x", 1);
    while (recv(wherry_stream_descriptor(self.stream), taken, 1, MSG_PEEK | MSG_DONTWAIT) < 1)
        continue;
    assert_true(wherry_loop_dispatch(world->loop) >= 0);
    net_settle(world);
    assert_int_equal(wherry_stream_peek(self.stream).length, 0);
    say(&self, "new");
    hear(&self, "new");
    finish(&self);
}

/* What it would have done for the former connection at the end of a pass is not done for the new
 * one. */
static void opening_again_leaves_nothing_to_the_end_of_a_pass(void **state)
{
    const wherry_stream_options limits = { .send_max = 1000 };
    net *world = *state;
    dialled self;

    dial(&self, world, NET_TCP4, OPTIONS(.stream = &limits));
    open_it(&self);
    assert_int_equal(wherry_stream_send(self.stream, wherry_bytes_at(pattern, 1000), WHERRY_NOW),
                     WHERRY_OK);
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW),
                     WHERRY_E_WOULD_BLOCK);
    wherry_stream_close(self.stream);
    assert_int_equal(net_take_all(world, self.far, taken, 1000, NULL), 1000);
    hang_up(&self);
    open_it(&self);
    assert_int_equal(wherry_stream_send(self.stream, wherry_bytes_at(pattern, 1000), WHERRY_NOW),
                     WHERRY_OK);
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW),
                     WHERRY_E_WOULD_BLOCK);
    wherry_stream_close(self.stream); /* which asks for the end of the pass */
    hang_up(&self);
    open_it(&self);
    say(&self, "new");
    net_settle(world);
    assert_int_equal(wherry_stream_unsent(self.stream), 3);
    hear(&self, "new");
    finish(&self);
}

/* It read away what came too late, and counted that. */
static void opening_again_while_the_former_one_drains_begins_anew(void **state)
{
    net *world = *state;
    dialled self;
    int former;

    dial(&self, world, NET_TCP4, OPTIONS(.timeout = 0));
    open_it(&self);
    net_put(self.far, pattern, 50000);
    while (recv(wherry_stream_descriptor(self.stream), taken, 50000, MSG_PEEK | MSG_DONTWAIT) < 1)
        continue;
    wherry_stream_close(self.stream);
    net_put(self.far, pattern, 50000);
    net_settle(world);
    former = self.far;
    open_it(&self);
    assert_int_equal(self.stream->wanted, 0);
    net_put(self.far, "x", 1);
    while (wherry_stream_peek(self.stream).length < 1)
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    assert_int_equal(close(former), 0);
    finish(&self);
}

static void failure_to_open_leaves_it_to_be_opened_again(void **state)
{
    net *world = *state;
    dialled self;

    dial(&self, world, NET_TCP4, OPTIONS(.timeout = 0));
    say(&self, "kept");
    wherry_faulty_plan(world->system, WHERRY_CALL_SOCKET, .number = EMFILE, .first = 1, .count = 1);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_E_NO_DESCRIPTORS);
    assert_int_equal(wherry_stream_is_open(self.stream), 0);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_CLOSED);
    open_it(&self);
    hear(&self, "kept");
    wherry_faulty_plan(world->system, WHERRY_CALL_SOCKET, .number = ENOBUFS, .first = 1,
                       .count = 1);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_E_NO_BUFFERS);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_CLOSED);
    hang_up(&self);
    open_it(&self);
    finish(&self);
}

static void closing_while_it_connects_or_waits_drops_it(void **state)
{
    net *world = *state;

    for (int way = 0; way < 4; way++) {
        dialled self;

        dial_nobody(&self, world, NET_TCP4,
                    OPTIONS(.timeout = WHERRY_SECONDS(60), .reconnect = way == 2));
        say(&self, "nowhere");
        if (way == 1)
            stall(world);
        if (way > 0)
            assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
        if (way == 1 || way == 2)
            assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
        if (way == 2)
            while (wherry_stream_descriptor(self.stream) >= 0)
                assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
        wherry_stream_close(self.stream);
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_CLOSED);
        assert_int_equal(wherry_stream_unsent(self.stream), 0);
        assert_int_equal(wherry_stream_is_open(self.stream), 0);
        assert_int_equal(wherry_loop_run(world->loop), WHERRY_OK);
        finish(&self);
    }
}

/* Of one whose connection failed, and one that was never opened. */
static void ending_it_gives_back_what_was_kept_for_another_connection(void **state)
{
    net *world = *state;

    for (int way = 0; way < 6; way++) {
        dialled self;

        dial_nobody(&self, world, NET_TCP4, OPTIONS(.reconnect = way / 2 == 2));
        say(&self, "kept");
        if (way / 2 > 0) {
            assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
            while (wherry_stream_descriptor(self.stream) >= 0)
                (void)wherry_stream_service(self.stream);
        }
        assert_int_equal(wherry_stream_unsent(self.stream), 4);
        if (way % 2 == 0)
            wherry_stream_abort(self.stream);
        else
            wherry_stream_close(self.stream);
        assert_int_equal(wherry_stream_unsent(self.stream), 0);
        finish(&self);
    }
}

static void one_that_outlives_its_loop_is_not_opened(void **state)
{
    net *world = *state;
    dialled self;

    dial(&self, world, NET_TCP4, OPTIONS(.timeout = 0));
    say(&self, "kept until it is freed");
    wherry_loop_free(world->loop);
    world->loop = NULL;
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_CLOSED);
    wherry_stream_free(self.stream);
    assert_int_equal(close(self.listener), 0);
}

static void dialled_one_can_be_handed_to_its_loop(void **state)
{
    net *world = *state;
    recorder told;
    dialled self;

    recorder_init(&told);
    dial(&self, world, NET_TCP4, OPTIONS(.timeout = 0));
    open_it(&self);
    assert_int_equal(wherry_stream_unservice(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_E_MISUSE); /* for good */
    wherry_stream_set_events(self.stream, &told.events);
    net_put(self.far, "through", 7);
    NET_UNTIL(world, told.length == 7);
    hang_up(&self);
    NET_UNTIL(world, told.reason == WHERRY_E_END);
    assert_string_equal(told.trace, "re"); /* it was connected before */
    recorder_clear(&told);
    finish(&self);
}

/* --- options */

static void options_of_the_socket_hold_for_each_attempt(void **state)
{
    wherry_address local = { .family = WHERRY_FAMILY_IPV4, .at.ipv4 = { 127, 0, 0, 2 } };
    wherry_socket_options socket = { .size = sizeof(socket), .local = &local, .keepalive = 1 };
    wherry_stream_options limits = { .socket = &socket, .delay = 1 };
    net *world = *state;
    dialled self;

    dial(&self, world, NET_TCP4, OPTIONS(.stream = &limits));
    memset(&local, 0xff, sizeof(local)); /* they were copied */
    memset(&socket, 0xff, sizeof(socket));
    memset(&limits, 0xff, sizeof(limits));
    for (int round = 0; round < 2; round++) {
        wherry_address address;

        open_it(&self);
        wherry_stream_local(self.stream, &address);
        assert_int_equal(address.at.ipv4[3], 2);
        hang_up(&self);
    }
    assert_int_equal(wherry_stream_wind(self.stream, NULL), WHERRY_OK);
    finish(&self);
}

static void wrong_option_of_the_socket_is_told_when_it_is_opened(void **state)
{
    const wherry_socket_options socket = { .size = sizeof(socket),
                                           .device = "a-name-that-is-long" };
    const wherry_stream_options limits = { .socket = &socket };
    net *world = *state;
    dialled self;

    dial(&self, world, NET_TCP4, OPTIONS(.stream = &limits));
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "device"));
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_CLOSED);
    finish(&self);
}

static void what_makes_no_sense_is_refused_by_name(void **state)
{
    wherry_stream_events events = { .received = NULL };
    const wherry_stream_options wrong[] = { { .events = &events },
                                            { .descriptor = 3 },
                                            { .idle_timeout = -1 } };
    const char *names[] = { "events", "descriptor", "idle_timeout" };
    net *world = *state;
    wherry_stream *stream = NULL;
    wherry_address address;
    int listener = net_listen(NET_TCP4, 1, &address);
    wherry_address nowhere = address;

    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(
            wherry_stream_dial(&stream, &address, .loop = world->loop, .stream = &wrong[i]),
            WHERRY_E_MISUSE);
        assert_non_null(strstr(wherry_problem(), names[i]));
    }
    assert_int_equal(wherry_stream_dial(&stream, &address, .loop = world->loop, .timeout = -1),
                     WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "timeout"));
    assert_int_equal(wherry_stream_dial(NULL, &address, .loop = world->loop), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_dial(&stream, &address, .timeout = 1), WHERRY_E_MISUSE);
    nowhere.port = 0;
    assert_int_equal(wherry_stream_dial(&stream, &nowhere, .loop = world->loop), WHERRY_E_INVALID);
    assert_int_equal(wherry_stream_dial(&stream, NULL, .loop = world->loop), WHERRY_E_INVALID);
    assert_int_equal(
        wherry_stream_connect(&stream, &address, WHERRY_NOW, .loop = world->loop, .serviced = 1),
        WHERRY_E_MISUSE);
    assert_null(stream);
    assert_int_equal(close(listener), 0);
}

static int scenario(wherry_memory *memory)
{
    wherry_address address;
    wherry_stream *stream;
    wherry_loop *loop;
    int listener = net_listen(NET_UNIX, 1, &address);
    int result = wherry_loop_new(&loop, .memory = memory);

    if (result == WHERRY_OK) {
        result = wherry_stream_dial(&stream, &address, .loop = loop);
        if (result == WHERRY_OK) {
            result = wherry_stream_send(stream, wherry_text("x"), WHERRY_NOW);
            if (result == WHERRY_OK)
                result = wherry_stream_open(stream);
            while (result == WHERRY_OK && !wherry_stream_is_connected(stream))
                result = wherry_stream_service(stream);
            if (result == WHERRY_OK)
                result = wherry_stream_open(stream);
            if (result == WHERRY_OK)
                result = wherry_stream_service(stream);
            wherry_stream_free(stream);
        }
        wherry_loop_free(loop);
    }
    assert_int_equal(close(listener), 0);
    assert_int_equal(unlink(address.at.path), 0);
    return result;
}

static void whatever_allocation_fails_is_told(void **state)
{
    (void)state;
    assert_true(failing_memory_try(scenario) >= 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(it_connects_when_it_is_serviced_and_not_before),
        NET_TEST(before_it_is_connected_nothing_else_can_be_done_with_it),
        NET_TEST(what_connect_answers_is_followed),
        NET_TEST(full_backlog_of_a_unix_listener_is_tried_again),
        NET_TEST(failures_are_reported_with_their_codes),
        NET_TEST(nobody_there_is_refused),
        NET_TEST(reset_before_the_first_look_is_a_failure_to_connect),
        NET_TEST_VIRTUAL(attempt_ends_at_its_timeout),
        NET_TEST_VIRTUAL(without_a_timeout_the_system_has_one),
        NET_TEST_VIRTUAL(connection_that_is_there_at_the_timeout_is_taken),
        NET_TEST_VIRTUAL(refused_attempts_are_made_again_once_a_timeout),
        NET_TEST_VIRTUAL(attempts_that_were_missed_are_not_made_up_for),
        NET_TEST_VIRTUAL(lack_of_descriptors_between_attempts_is_one_more_that_failed),
        NET_TEST_VIRTUAL(connection_that_ended_is_not_made_again_by_itself),
        NET_TEST_VIRTUAL(times_of_an_attempt_go_by_the_loop_that_it_was_wound_to),
        NET_TEST_VIRTUAL(idle_time_begins_with_the_connection),
        NET_TEST(opening_again_breaks_off_what_was_open),
        NET_TEST(opening_twice_before_a_service_makes_one_connection),
        NET_TEST(closed_one_is_opened_again_without_what_was_unsent),
        NET_TEST(opening_again_ends_what_still_went_out_in_the_background),
        NET_TEST(opening_again_within_a_pass_of_the_loop_is_not_disturbed_by_it),
        NET_TEST(opening_again_leaves_nothing_to_the_end_of_a_pass),
        NET_TEST(opening_again_while_the_former_one_drains_begins_anew),
        NET_TEST(failure_to_open_leaves_it_to_be_opened_again),
        NET_TEST_VIRTUAL(closing_while_it_connects_or_waits_drops_it),
        NET_TEST(ending_it_gives_back_what_was_kept_for_another_connection),
        NET_TEST(one_that_outlives_its_loop_is_not_opened),
        NET_TEST(dialled_one_can_be_handed_to_its_loop),
        NET_TEST(options_of_the_socket_hold_for_each_attempt),
        NET_TEST(wrong_option_of_the_socket_is_told_when_it_is_opened),
        NET_TEST(what_makes_no_sense_is_refused_by_name),
        cmocka_unit_test(whatever_allocation_fails_is_told),
    };

    net_fill(pattern, sizeof(pattern), 0);
    return NET_RUN(tests);
}
