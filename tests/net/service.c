/* Serviced streams: what one pass does, and what it leaves to the caller. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/feed.h>
#include <wherry/peer.h>
#include <wherry/protocol.h>
#include <wherry/service.h>

#include "net/stream.h"
#include "support/net.h"

#define LARGE ((size_t)1 << 20)
#define MILLISECOND WHERRY_MILLISECONDS(1)

static const net_kind kinds[] = { NET_TCP4, NET_TCP6, NET_UNIX, NET_PAIR };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint8_t pattern[4 * LARGE];
static uint8_t taken[4 * LARGE];

/* A serviced stream and the far end of it. */
typedef struct serviced {
    net *world;
    wherry_stream *stream;
    int far; /* -1: closed by the test */
} serviced;

static void open_with(serviced *self, net *world, net_kind kind, wherry_stream_options options)
{
    int ends[2];

    net_pair(kind, ends);
    self->world = world;
    self->far = ends[1];
    options.size = sizeof(options);
    options.result = &self->stream;
    options.loop = world->loop;
    options.descriptor = ends[0];
    options.serviced = 1;
    assert_int_equal(wherry_stream_new_with(&options), WHERRY_OK);
}
#define OPEN(self, world, kind, ...)                                                               \
    open_with(self, world, kind, (wherry_stream_options){ __VA_ARGS__ })

static void finish(serviced *self)
{
    wherry_faulty_heal(self->world->system, WHERRY_CALL_ANY);
    wherry_stream_free(self->stream);
    if (self->far >= 0)
        assert_int_equal(close(self->far), 0);
    net_settle(self->world);
}

/* The kernel hands bytes and ends on between two calls: these are made until it has. */
#define UNTIL(condition)                                                                           \
    while (!(condition))                                                                           \
    continue

static void say(serviced *self, const char *text)
{
    assert_int_equal(wherry_stream_send(self->stream, wherry_text(text), WHERRY_NOW), WHERRY_OK);
}

static void hear(serviced *self, const char *text)
{
    size_t length = strlen(text), count = 0;

    while (count < length) {
        ssize_t result = net_take(self->far, taken + count, sizeof(taken) - count);

        assert_true(result > 0 || result == -EAGAIN);
        count += result > 0 ? (size_t)result : 0;
    }
    assert_int_equal(count, length);
    assert_memory_equal(taken, text, length);
}

static void expect(serviced *self, const char *text)
{
    wherry_bytes bytes = wherry_stream_peek(self->stream);

    assert_int_equal(bytes.length, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.length);
    wherry_stream_consume(self->stream, bytes.length);
}

static size_t calls(const net *world)
{
    return wherry_faulty_calls(world->system, WHERRY_CALL_ANY);
}

static void close_far(serviced *self)
{
    assert_int_equal(close(self->far), 0);
    self->far = -1;
}

static void reset_far(serviced *self)
{
    net_reset(self->far);
    self->far = -1;
}

/* --- one pass */

static void bytes_go_both_ways_in_service_calls_only(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        serviced self;
        size_t before;

        OPEN(&self, world, kinds[i], .send_max = 0);
        assert_int_equal(wherry_stream_is_open(self.stream), 1);
        assert_int_equal(wherry_stream_is_connected(self.stream), 1);
        assert_int_equal(wherry_stream_service_connect(self.stream), 1);
        before = calls(world);
        say(&self, "to ");
        say(&self, "there");
        net_put(self.far, "back", 4);
        assert_int_equal(calls(world), before); /* it only queues */
        assert_int_equal(wherry_stream_unsent(self.stream), 8);
        assert_int_equal(wherry_stream_peek(self.stream).length, 0);
        assert_int_equal(wherry_stream_service_send(self.stream), 8);
        assert_int_equal(wherry_stream_unsent(self.stream), 0);
        assert_int_equal(wherry_stream_service_send(self.stream), 0);
        hear(&self, "to there");
        UNTIL(wherry_stream_service_receive(self.stream) == 4);
        expect(&self, "back");
        assert_int_equal(wherry_stream_service_receive(self.stream), 0);
        say(&self, "again");
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
        hear(&self, "again");
        net_put(self.far, "all", 3);
        while (wherry_stream_peek(self.stream).length == 0)
            assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
        expect(&self, "all");
        finish(&self);
    }
}

static void the_loop_leaves_it_alone_and_does_not_run_on_for_it(void **state)
{
    net *world = *state;
    serviced self;
    size_t received, sent;

    OPEN(&self, world, NET_TCP4, .idle_timeout = 1);
    received = wherry_faulty_calls(world->system, WHERRY_CALL_RECEIVE);
    sent = wherry_faulty_calls(world->system, WHERRY_CALL_SEND);
    net_put(self.far, "unread", 6);
    say(&self, "unsent");
    assert_int_equal(wherry_loop_run(world->loop), WHERRY_OK); /* it returns */
    net_settle(world);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_RECEIVE), received);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_SEND), sent);
    assert_int_equal(wherry_stream_unsent(self.stream), 6);
    assert_int_equal(wherry_stream_end(self.stream), WHERRY_OK); /* nor for its idle time */
    finish(&self);
}

/* A pass reads the real clock of a loop that does not run. */
static void idle_time_goes_on_while_its_loop_does_not_run(void **state)
{
    net *world = *state;
    serviced self;

    OPEN(&self, world, NET_PAIR, .idle_timeout = MILLISECOND);
    while (wherry_stream_service(self.stream) == WHERRY_OK)
        continue;
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_IDLE);
    finish(&self);
}

static void send_buffer_holds_as_much_as_it_may_and_one_byte_more_is_refused(void **state)
{
    net *world = *state;
    serviced self;

    OPEN(&self, world, NET_PAIR, .send_max = 1000);
    assert_int_equal(wherry_stream_send(self.stream, wherry_bytes_at(pattern, 999), WHERRY_NOW),
                     WHERRY_OK);
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("ab"), WHERRY_NOW),
                     WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("ab"), WHERRY_NEVER),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("a"), WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_stream_send(self.stream, wherry_text(""), WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_stream_unsent(self.stream), 1000);
    assert_int_equal(wherry_stream_service_send(self.stream), 1000);
    /* one into an empty buffer may be larger */
    assert_int_equal(wherry_stream_send(self.stream, wherry_bytes_at(pattern, 5000), WHERRY_NOW),
                     WHERRY_OK);
    assert_int_equal(wherry_stream_discard(self.stream), 5000);
    assert_int_equal(wherry_stream_discard(self.stream), 0);
    assert_int_equal(wherry_stream_unsent(self.stream), 0);
    finish(&self);
}

/* More parts than there are segments, and pieces of its own input among others. */
static void whatever_is_queued_goes_out_in_order_and_only_in_a_service(void **state)
{
    net *world = *state;
    wherry_bytes parts[100];
    serviced self;
    size_t before, count = 0;

    OPEN(&self, world, NET_PAIR, .send_max = 2 * LARGE);
    for (size_t i = 0; i < 100; i++)
        parts[i] = wherry_bytes_at(pattern + i * 3000, 3000);
    net_put(self.far, pattern, 60000);
    UNTIL(wherry_stream_service_receive(self.stream) >= 0 &&
          wherry_stream_peek(self.stream).length == 60000);
    before = calls(world);
    assert_int_equal(wherry_stream_send_parts(self.stream, parts, 100, WHERRY_NOW), WHERRY_OK);
    for (size_t i = 0; i < 30; i++) { /* alternately its own and others' */
        wherry_bytes own = wherry_stream_peek(self.stream);

        assert_int_equal(
            wherry_stream_send(self.stream, wherry_bytes_at(own.data + i * 2000, 2000), WHERRY_NOW),
            WHERRY_OK);
        assert_int_equal(wherry_stream_send(self.stream, wherry_text("|"), WHERRY_NOW), WHERRY_OK);
    }
    assert_int_equal(calls(world), before);
    wherry_stream_consume(self.stream, 60000);
    while (count < 300000 + 30 * 2001) {
        ssize_t result;

        assert_true(wherry_stream_service_send(self.stream) >= 0);
        result = net_take(self.far, taken + count, sizeof(taken) - count);
        count += result > 0 ? (size_t)result : 0;
    }
    assert_int_equal(wherry_stream_unsent(self.stream), 0);
    net_check(taken, 300000, 0);
    for (size_t i = 0; i < 30; i++) {
        net_check(taken + 300000 + i * 2001, 2000, i * 2000);
        assert_int_equal(taken[300000 + i * 2001 + 2000], '|');
    }
    finish(&self);
}

/* Most of it is copied into the room that the last move has made: that takes no memory. */
static void much_that_is_queued_is_not_moved_again_and_again(void **state)
{
    net *world = *state;
    serviced self;
    size_t calls;

    OPEN(&self, world, NET_UNIX, .send_max = 64 * LARGE);
    calls = world->memory.calls;
    for (size_t i = 0; i < 280; i++)
        assert_int_equal(
            wherry_stream_send(self.stream, wherry_bytes_at(pattern, 60000), WHERRY_NOW),
            WHERRY_OK);
    assert_int_equal(wherry_stream_unsent(self.stream), 280 * 60000);
    assert_true(world->memory.calls - calls < 140);
    finish(&self);
}

static void partial_sends_keep_the_rest_for_the_next_pass(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        serviced self;
        size_t count = 0, sent = 0;
        ssize_t once;

        OPEN(&self, world, kinds[i], .send_max = sizeof(pattern));
        assert_int_equal(
            wherry_stream_send(self.stream, wherry_bytes_at(pattern, sizeof(pattern)), WHERRY_NOW),
            WHERRY_OK);
        wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .most = 70000);
        once = wherry_stream_service_send(self.stream);
        assert_true(once > 70000); /* it goes on until the system takes no more */
        sent += (size_t)once;
        assert_int_equal(wherry_stream_unsent(self.stream), sizeof(pattern) - sent);
        while (count < sizeof(pattern)) {
            ssize_t result = net_take(self.far, taken + count, sizeof(taken) - count);

            count += result > 0 ? (size_t)result : 0;
            once = wherry_stream_service_send(self.stream);
            assert_true(once >= 0);
            sent += (size_t)once;
            assert_int_equal(wherry_stream_unsent(self.stream), sizeof(pattern) - sent);
        }
        net_check(taken, sizeof(pattern), 0);
        finish(&self);
    }
}

static void no_buffers_in_the_system_are_tried_again_by_the_next_pass(void **state)
{
    net *world = *state;
    serviced self;

    OPEN(&self, world, NET_TCP4, .send_max = 0);
    say(&self, "later");
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = ENOBUFS, .first = 1, .count = 1);
    assert_int_equal(wherry_stream_service_send(self.stream), 0);
    assert_int_equal(wherry_stream_unsent(self.stream), 5);
    assert_int_equal(wherry_stream_service_send(self.stream), 5);
    hear(&self, "later");
    finish(&self);
}

/* --- bounds of receiving */

static void one_sender_has_a_share_of_a_pass_and_no_more(void **state)
{
    net *world = *state;
    serviced self;
    size_t before;
    ssize_t count;

    OPEN(&self, world, NET_TCP4, .receive_max = 4 * LARGE);
    wherry_faulty_plan(world->system, WHERRY_CALL_RECEIVE, .number = EINTR, .first = 1, .count = 1);
    before = wherry_faulty_calls(world->system, WHERRY_CALL_RECEIVE);
    assert_int_equal(fcntl(self.far, F_SETFL, O_NONBLOCK), 0);
    do { /* more is there at any time than a pass takes */
        size_t more = 1;

        while (more > 0 && wherry_stream_peek(self.stream).length < 2 * LARGE) {
            ssize_t put = send(self.far, pattern, sizeof(pattern), MSG_DONTWAIT | MSG_NOSIGNAL);

            more = put > 0 ? (size_t)put : 0;
        }
        before = wherry_faulty_calls(world->system, WHERRY_CALL_RECEIVE);
        count = wherry_stream_service_receive(self.stream);
        assert_true(count >= 0 && count <= (ssize_t)LARGE);
        assert_true(wherry_faulty_calls(world->system, WHERRY_CALL_RECEIVE) - before <= 17);
    } while (count < (ssize_t)LARGE / 2);
    finish(&self);
}

static void once_is_one_receive(void **state)
{
    net *world = *state;
    serviced self;
    size_t before;

    OPEN(&self, world, NET_PAIR, .receive_max = 2 * LARGE);
    net_put(self.far, pattern, 100000);
    before = wherry_faulty_calls(world->system, WHERRY_CALL_RECEIVE);
    assert_int_equal(wherry_stream_service_receive_once(self.stream), 65536);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_RECEIVE), before + 1);
    assert_int_equal(wherry_stream_service_receive(self.stream), 100000 - 65536);
    net_check(wherry_stream_peek(self.stream).data, 100000, 0);
    finish(&self);
}

static void reading_pauses_when_the_buffer_is_full_and_goes_on_when_it_is_not(void **state)
{
    net *world = *state;
    serviced self;
    size_t before;

    OPEN(&self, world, NET_PAIR, .receive_max = 1000);
    net_put(self.far, pattern, 1002);
    UNTIL(wherry_stream_service_receive(self.stream) >= 0 &&
          wherry_stream_peek(self.stream).length == 1000);
    before = wherry_faulty_calls(world->system, WHERRY_CALL_RECEIVE);
    assert_int_equal(wherry_stream_service_receive(self.stream), 0);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_RECEIVE), before);
    wherry_stream_consume(self.stream, 1);
    assert_int_equal(wherry_stream_service_receive(self.stream), 1);
    wherry_stream_pause(self.stream);
    wherry_stream_consume(self.stream, 1000);
    assert_int_equal(wherry_stream_service_receive(self.stream), 0);
    wherry_stream_resume(self.stream);
    assert_int_equal(wherry_stream_service_receive(self.stream), 1);
    net_check(wherry_stream_peek(self.stream).data, 1, 1001);
    finish(&self);
}

/* A copy of all that is there takes memory; so few do. */
static void full_buffer_that_gives_way_bit_by_bit_is_not_copied_for_each(void **state)
{
    net *world = *state;
    serviced self;
    size_t length, calls, sent = 0;

    net_fill(pattern, sizeof(pattern), 0);
    OPEN(&self, world, NET_UNIX, .receive_max = LARGE);
    do {
        ssize_t count = send(self.far, pattern + sent, 50000, MSG_DONTWAIT);

        sent += count > 0 ? (size_t)count : 0;
        length = wherry_stream_peek(self.stream).length;
        assert_true(wherry_stream_service_receive(self.stream) >= 0);
    } while (wherry_stream_peek(self.stream).length > length);
    assert_int_equal(length, LARGE);
    calls = world->memory.calls;
    for (size_t i = 0; i < 500; i++) {
        net_check(wherry_stream_peek(self.stream).data, 100, 100 * i);
        wherry_stream_consume(self.stream, 100);
        assert_int_equal(wherry_stream_service_receive(self.stream), 100);
    }
    assert_true(world->memory.calls - calls < 5);
    finish(&self);
}

static void receive_gives_what_is_buffered_and_holds_it_still(void **state)
{
    net *world = *state;
    serviced self;
    wherry_bytes bytes;

    OPEN(&self, world, NET_PAIR, .receive_max = LARGE);
    assert_int_equal(wherry_stream_receive(self.stream, &bytes, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    net_put(self.far, "first", 5);
    assert_int_equal(wherry_stream_receive(self.stream, &bytes, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_stream_service_receive(self.stream), 5);
    assert_int_equal(wherry_stream_receive(self.stream, &bytes, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(bytes.length, 5);
    net_put(self.far, "second", 6);
    assert_int_equal(wherry_stream_service_receive(self.stream), 0); /* it is in use */
    assert_memory_equal(bytes.data, "first", 5);
    assert_int_equal(wherry_stream_receive(self.stream, &bytes, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_stream_service_receive(self.stream), 6);
    assert_int_equal(wherry_stream_receive(self.stream, &bytes, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(bytes.length, 6);
    assert_memory_equal(bytes.data, "second", 6);
    wherry_stream_consume(self.stream, 6); /* so that it is not */
    net_put(self.far, "third", 5);
    assert_int_equal(wherry_stream_service_receive(self.stream), 5);
    finish(&self);
}

/* Neither a chunk of the pool nor anything else than itself. */
static void idle_one_holds_no_buffer(void **state)
{
    net *world = *state;
    serviced self[3];
    size_t bytes = 0;

    for (int i = 0; i < 3; i++) { /* the first time the pools fill */
        size_t before = world->memory.bytes;

        OPEN(&self[i], world, NET_PAIR, .send_max = 0);
        net_put(self[i].far, pattern, 1000);
        assert_int_equal(wherry_stream_service_receive(self[i].stream), 1000);
        assert_int_equal(
            wherry_stream_send(self[i].stream, wherry_stream_peek(self[i].stream), WHERRY_NOW),
            WHERRY_OK);
        wherry_stream_consume(self[i].stream, 1000);
        assert_int_equal(wherry_stream_service_send(self[i].stream), 1000);
        bytes = world->memory.bytes - before;
    }
    assert_true(bytes < 600);
    /* a rest is moved to a chunk of its own size when nothing comes any more */
    net_put(self[0].far, pattern, 40000);
    assert_int_equal(wherry_stream_service_receive(self[0].stream), 40000);
    wherry_stream_consume(self[0].stream, 39000);
    assert_true(self[0].stream->input->size >= 40000);
    assert_int_equal(wherry_stream_service_receive(self[0].stream), 0);
    assert_int_equal(self[0].stream->input->size, 1000);
    net_check(wherry_stream_peek(self[0].stream).data, 1000, 39000);
    for (int i = 0; i < 3; i++)
        finish(&self[i]);
}

/* --- ends */

static void far_end_finishes_behind_its_bytes_and_our_sending_goes_on(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        serviced self;

        OPEN(&self, world, kinds[i], .send_max = 0);
        net_put(self.far, "request", 7);
        assert_int_equal(shutdown(self.far, SHUT_WR), 0);
        while (wherry_stream_service(self.stream) == WHERRY_OK)
            continue;
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_END);
        assert_int_equal(wherry_stream_service_receive(self.stream), WHERRY_E_END);
        assert_int_equal(wherry_stream_end(self.stream), WHERRY_E_END);
        expect(&self, "request");
        assert_int_equal(wherry_stream_is_connected(self.stream), 1);
        say(&self, "answer");
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_END);
        hear(&self, "answer");
        assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_OK);
        assert_int_equal(net_take(self.far, taken, 1), 0);
        assert_int_equal(wherry_stream_is_open(self.stream), 0); /* nothing is left to do */
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_END);
        assert_int_equal(wherry_stream_service_send(self.stream), 0);
        finish(&self);
    }
}

static void shutdown_comes_behind_what_is_unsent_in_a_service(void **state)
{
    net *world = *state;
    serviced self;

    OPEN(&self, world, NET_TCP4, .send_max = 0);
    say(&self, "last");
    assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW),
                     WHERRY_E_MISUSE);
    assert_int_equal(net_take(self.far, taken, 1), -EAGAIN);
    assert_int_equal(wherry_stream_service_send(self.stream), 4);
    hear(&self, "last");
    while (net_take(self.far, taken, 1) != 0)
        continue;
    net_put(self.far, "more", 4); /* receiving goes on */
    UNTIL(wherry_stream_service_receive(self.stream) == 4);
    close_far(&self);
    while (wherry_stream_service(self.stream) == WHERRY_OK)
        continue;
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_END);
    assert_int_equal(wherry_stream_is_open(self.stream), 0);
    expect(&self, "more");
    finish(&self);
}

static void reset_comes_behind_the_bytes_before_it_and_is_no_end(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < 2; i++) {
        serviced self;

        OPEN(&self, world, kinds[i], .send_max = 0);
        net_put(self.far, "some", 4);
        UNTIL(wherry_stream_service_receive(self.stream) == 4);
        say(&self, "unsent");
        reset_far(&self);
        while (wherry_stream_service(self.stream) == WHERRY_OK)
            continue;
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_RESET);
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_RESET); /* each time */
        assert_int_equal(wherry_stream_service_receive(self.stream), WHERRY_E_RESET);
        assert_int_equal(wherry_stream_service_send(self.stream), WHERRY_E_RESET);
        assert_int_equal(wherry_stream_service_connect(self.stream), WHERRY_E_RESET);
        assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW),
                         WHERRY_E_RESET);
        assert_int_equal(wherry_stream_is_open(self.stream), 0);
        expect(&self, "some");
        finish(&self);
    }
}

/* A failed send takes the error from the socket, and what is received then looks like an end. */
static void reset_that_a_send_swallowed_is_told_by_receiving(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < 2; i++)
        for (int paused = 0; paused < 2; paused++) {
            serviced self;

            OPEN(&self, world, kinds[i], .send_max = 0);
            if (paused) {
                wherry_stream_pause(self.stream);
                assert_int_equal(wherry_stream_service_receive(self.stream), 0);
            }
            reset_far(&self);
            while (wherry_stream_end(self.stream) == WHERRY_OK &&
                   wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW) == WHERRY_OK)
                (void)wherry_stream_service_send(self.stream);
            assert_int_equal(wherry_stream_service_send(self.stream), WHERRY_E_RESET);
            assert_int_equal(wherry_stream_end(self.stream), WHERRY_OK);
            if (paused) /* it would not be told else */
                assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_RESET);
            wherry_stream_resume(self.stream);
            assert_int_equal(wherry_stream_service_receive(self.stream), WHERRY_E_RESET);
            assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_RESET);
            finish(&self);
        }
}

static void pipes_and_their_ends_are_serviced_too(void **state)
{
    net *world = *state;

    for (int flags = 0; flags <= O_NONBLOCK; flags += O_NONBLOCK) {
        wherry_stream *from, *to;
        int ends[2];

        assert_int_equal(pipe2(ends, flags), 0);
        assert_int_equal(
            wherry_stream_new(&from, .loop = world->loop, .descriptor = ends[0], .serviced = 1),
            WHERRY_OK);
        assert_int_equal(wherry_stream_new(&to, .loop = world->loop, .descriptor = ends[1],
                                           .serviced = 1, .send_max = LARGE),
                         WHERRY_OK);
        assert_int_equal(wherry_stream_service(from), WHERRY_OK);
        assert_int_equal(wherry_stream_service(to), WHERRY_OK); /* it cannot be read */
        assert_int_equal(wherry_stream_send(to, wherry_bytes_at(pattern, 200000), WHERRY_NOW),
                         WHERRY_OK);
        assert_int_equal(wherry_stream_shutdown(to), WHERRY_OK);
        while (wherry_stream_service(from) == WHERRY_OK)
            (void)wherry_stream_service(to);
        assert_int_equal(wherry_stream_end(from), WHERRY_E_END);
        assert_int_equal(wherry_stream_end(to), WHERRY_E_END); /* its one direction is over */
        assert_int_equal(wherry_stream_peek(from).length, 200000);
        net_check(wherry_stream_peek(from).data, 200000, 0);
        wherry_stream_free(from);
        wherry_stream_free(to);
    }
}

static void pipe_that_nobody_reads_any_more_is_a_reset(void **state)
{
    net *world = *state;
    wherry_stream *to;
    int ends[2];

    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    assert_int_equal(
        wherry_stream_new(&to, .loop = world->loop, .descriptor = ends[1], .serviced = 1),
        WHERRY_OK);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(wherry_stream_service(to), WHERRY_OK);
    assert_int_equal(wherry_stream_send(to, wherry_text("x"), WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_stream_service(to), WHERRY_E_RESET);
    wherry_stream_free(to);
}

/* --- idleness, in virtual time */

static void idle_one_ends_in_the_first_service_at_its_limit(void **state)
{
    net *world = *state;
    serviced self;

    OPEN(&self, world, NET_PAIR, .idle_timeout = 100 * MILLISECOND);
    assert_int_equal(wherry_timer_duration(wherry_stream_timer(self.stream)), 100 * MILLISECOND);
    wherry_loop_tick(world->loop, 100 * MILLISECOND - 1);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    wherry_loop_tick(world->loop, 1);
    assert_int_equal(wherry_stream_end(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_IDLE);
    assert_int_equal(wherry_stream_service_send(self.stream), WHERRY_E_IDLE);
    assert_int_equal(wherry_stream_service_receive(self.stream), WHERRY_E_IDLE);
    finish(&self);
}

static void traffic_puts_idleness_off_unless_it_is_fixed(void **state)
{
    net *world = *state;

    for (int fixed = 0; fixed < 2; fixed++) {
        serviced self;
        uint8_t byte;

        OPEN(&self, world, NET_PAIR, .idle_timeout = 100 * MILLISECOND, .fixed_idle = fixed);
        for (int way = 0; way < 4; way++) {
            wherry_loop_tick(world->loop, 99 * MILLISECOND);
            if (way % 2 == 0)
                net_put(self.far, "x", 1);
            if (way == 0)
                assert_int_equal(wherry_stream_service_receive(self.stream), 1);
            if (way == 1)
                say(&self, "x");
            if (way == 1)
                assert_int_equal(wherry_stream_service_send(self.stream), 1);
            if (way == 2)
                assert_int_equal(wherry_stream_receive_past(self.stream, &byte, 1), 1);
            if (way == 3)
                assert_int_equal(wherry_stream_send_past(self.stream, wherry_text("x")), 1);
            assert_int_equal(wherry_timer_remaining(wherry_stream_timer(self.stream)),
                             fixed ? MILLISECOND : 100 * MILLISECOND);
            if (fixed)
                assert_int_equal(wherry_stream_refresh(self.stream), WHERRY_OK);
        }
        wherry_loop_tick(world->loop, 99 * MILLISECOND);
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
        wherry_loop_tick(world->loop, MILLISECOND);
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_IDLE);
        finish(&self);
    }
}

/* hio's would have a hundred limits more after a hundred bytes. */
static void idle_time_is_measured_from_the_last_byte_and_does_not_add_up(void **state)
{
    net *world = *state;
    serviced self;

    OPEN(&self, world, NET_PAIR, .idle_timeout = 100 * MILLISECOND);
    for (int i = 0; i < 100; i++) {
        net_put(self.far, "x", 1);
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    }
    wherry_loop_tick(world->loop, 100 * MILLISECOND);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_IDLE);
    finish(&self);
}

static void limit_of_idleness_can_be_set_and_taken_away(void **state)
{
    net *world = *state;
    serviced self;

    OPEN(&self, world, NET_PAIR, .send_max = 0);
    assert_int_equal(wherry_timer_duration(wherry_stream_timer(self.stream)), 0); /* none */
    wherry_loop_tick(world->loop, WHERRY_SECONDS(1000));
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    wherry_stream_set_idle(self.stream, 10 * MILLISECOND); /* from now on */
    wherry_loop_tick(world->loop, 10 * MILLISECOND - 1);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    wherry_stream_set_idle(self.stream, 0);
    wherry_loop_tick(world->loop, WHERRY_SECONDS(1000));
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    wherry_stream_set_idle(self.stream, WHERRY_NEVER);
    wherry_loop_tick(world->loop, WHERRY_SECONDS(1000));
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    finish(&self);
}

static void winding_to_another_loop_starts_its_time_anew(void **state)
{
    net *world = *state;
    wherry_loop *base;
    serviced self;

    assert_int_equal(wherry_loop_new(&base, .clock = WHERRY_CLOCK_STEPPED, .start = 7), WHERRY_OK);
    OPEN(&self, world, NET_PAIR, .idle_timeout = 100 * MILLISECOND);
    wherry_loop_tick(world->loop, 99 * MILLISECOND);
    assert_int_equal(wherry_stream_wind(self.stream, base), WHERRY_OK);
    assert_int_equal(wherry_timer_remaining(wherry_stream_timer(self.stream)), 100 * MILLISECOND);
    wherry_loop_tick(world->loop, WHERRY_SECONDS(1000));
    wherry_loop_tick(base, 99 * MILLISECOND);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_wind(self.stream, NULL), WHERRY_OK); /* its own again */
    wherry_loop_tick(base, WHERRY_SECONDS(1000));
    wherry_loop_tick(world->loop, 99 * MILLISECOND);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    wherry_loop_tick(world->loop, MILLISECOND);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_IDLE);
    finish(&self);
    wherry_loop_free(base);
}

/* --- closing */

static void closed_one_reports_that_and_keeps_what_it_received(void **state)
{
    net *world = *state;
    serviced self;
    wherry_bytes bytes;
    size_t send = 1, receive = 1;
    uint8_t byte;

    OPEN(&self, world, NET_TCP4, .send_max = 0);
    net_put(self.far, "kept", 4);
    UNTIL(wherry_stream_service_receive(self.stream) == 4);
    assert_int_equal(wherry_stream_buffers(self.stream, &send, &receive), WHERRY_OK);
    assert_true(send > 1 && receive > 1);
    wherry_stream_close(self.stream);
    wherry_stream_close(self.stream);
    assert_int_equal(wherry_stream_is_open(self.stream), 0);
    assert_int_equal(wherry_stream_is_connected(self.stream), 0);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_CLOSED);
    assert_int_equal(wherry_stream_service_connect(self.stream), WHERRY_E_CLOSED);
    assert_int_equal(wherry_stream_service_send(self.stream), WHERRY_E_CLOSED);
    assert_int_equal(wherry_stream_service_receive(self.stream), WHERRY_E_CLOSED);
    assert_int_equal(wherry_stream_service_receive_once(self.stream), WHERRY_E_CLOSED);
    assert_int_equal(wherry_stream_receive_past(self.stream, &byte, 1), WHERRY_E_CLOSED);
    assert_int_equal(wherry_stream_send_past(self.stream, wherry_text("x")), WHERRY_E_CLOSED);
    assert_int_equal(wherry_stream_shutdown_receive(self.stream), WHERRY_E_CLOSED);
    assert_int_equal(wherry_stream_refresh(self.stream), WHERRY_E_CLOSED);
    assert_int_equal(wherry_stream_unservice(self.stream), WHERRY_E_CLOSED);
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW),
                     WHERRY_E_CLOSED);
    assert_int_equal(wherry_stream_receive(self.stream, &bytes, WHERRY_NOW), WHERRY_E_CLOSED);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_buffers(self.stream, &send, &receive), WHERRY_OK);
    assert_true(send == 0 && receive == 0);
    expect(&self, "kept");
    finish(&self);
}

static void unsent_bytes_go_out_at_once_at_close_and_the_rest_as_the_loop_runs(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++)
        for (int freed = 0; freed < 2; freed++) {
            serviced self;
            ssize_t last;

            OPEN(&self, world, kinds[i], .send_max = sizeof(pattern));
            say(&self, "now");
            wherry_stream_close(self.stream);
            hear(&self, "now");
            assert_int_equal(net_take(self.far, taken, 1), 0);
            finish(&self);

            OPEN(&self, world, kinds[i], .send_max = sizeof(pattern));
            assert_int_equal(wherry_stream_send(self.stream,
                                                wherry_bytes_at(pattern, sizeof(pattern)),
                                                WHERRY_NOW),
                             WHERRY_OK);
            if (freed) {
                wherry_stream_free(self.stream);
                self.stream = NULL;
            } else {
                wherry_stream_close(self.stream);
                assert_true(wherry_stream_unsent(self.stream) > 0);
                assert_int_equal(wherry_stream_discard(self.stream), WHERRY_E_CLOSED);
            }
            assert_int_equal(net_take_all(world, self.far, taken, sizeof(pattern), &last),
                             sizeof(pattern));
            net_check(taken, sizeof(pattern), 0);
            NET_UNTIL(world, net_take(self.far, taken, 1) == 0);
            finish(&self);
        }
}

/* A clock that is ahead of the system's. */
static int64_t ahead;
static int64_t (*system_clock)(wherry_system *self);

static int64_t clock_ahead(wherry_system *self)
{
    return system_clock(self) + ahead;
}

/* An hour goes by in which the loop has no pass. */
static void linger_time_begins_at_the_close_however_long_the_loop_did_not_run(void **state)
{
    net *world = *state;
    wherry_system *system = wherry_faulty_system(world->system);
    serviced self;
    ssize_t last;

    OPEN(&self, world, NET_PAIR, .send_max = sizeof(pattern), .linger = WHERRY_SECONDS(60));
    net_settle(world);
    ahead = WHERRY_SECONDS(3600);
    system_clock = system->monotonic;
    system->monotonic = clock_ahead;
    assert_int_equal(
        wherry_stream_send(self.stream, wherry_bytes_at(pattern, sizeof(pattern)), WHERRY_NOW),
        WHERRY_OK);
    wherry_stream_close(self.stream);
    assert_int_equal(net_take_all(world, self.far, taken, sizeof(pattern), &last), sizeof(pattern));
    finish(&self);
    system->monotonic = system_clock;
}

static void rest_is_cut_off_with_a_reset_at_the_linger_time(void **state)
{
    net *world = *state;
    serviced self;
    size_t closed;

    OPEN(&self, world, NET_PAIR, .send_max = sizeof(pattern), .linger = WHERRY_SECONDS(2));
    wherry_loop_tick(world->loop, WHERRY_SECONDS(3600));
    assert_int_equal(
        wherry_stream_send(self.stream, wherry_bytes_at(pattern, sizeof(pattern)), WHERRY_NOW),
        WHERRY_OK);
    closed = wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE);
    wherry_stream_close(self.stream);
    net_advance(world, WHERRY_SECONDS(2) - 1);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE), closed);
    net_advance(world, 1);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE), closed + 1);
    finish(&self);
}

static void freeing_the_loop_lets_what_was_closed_go_out(void **state)
{
    net *world = *state;
    serviced self;
    size_t count = 0;
    ssize_t last = 1;

    /* the rest fits once the far end has read: the pair holds a part of it */
    OPEN(&self, world, NET_PAIR, .send_max = LARGE);
    assert_int_equal(wherry_stream_send(self.stream, wherry_bytes_at(pattern, 100000), WHERRY_NOW),
                     WHERRY_OK);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = EAGAIN, .first = 1, .count = 1);
    wherry_stream_free(self.stream);
    wherry_loop_free(world->loop);
    world->loop = NULL;
    while (last > 0) {
        last = net_take(self.far, taken + count, sizeof(taken) - count);
        count += last > 0 ? (size_t)last : 0;
    }
    assert_int_equal(last, 0);
    assert_int_equal(count, 100000);
    assert_int_equal(close(self.far), 0);
}

static void one_that_outlives_its_loop_is_closed(void **state)
{
    net *world = *state;
    serviced self;

    OPEN(&self, world, NET_PAIR, .send_max = 0);
    net_put(self.far, "kept", 4);
    assert_int_equal(wherry_stream_service_receive(self.stream), 4);
    say(&self, "sent");
    wherry_loop_free(world->loop);
    world->loop = NULL;
    hear(&self, "sent"); /* it was offered to the system */
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_CLOSED);
    expect(&self, "kept");
    wherry_stream_free(self.stream);
    assert_int_equal(close(self.far), 0);
}

static void abort_is_a_reset_at_once(void **state)
{
    net *world = *state;
    serviced self;

    OPEN(&self, world, NET_TCP4, .send_max = 0);
    say(&self, "lost");
    wherry_stream_abort(self.stream);
    UNTIL(net_take(self.far, taken, 1) == -ECONNRESET);
    assert_int_equal(wherry_stream_unsent(self.stream), 0);
    finish(&self);
}

/* --- what contradicts being serviced */

static void nobody_can_be_told_of_one_or_wait_for_it(void **state)
{
    net *world = *state;
    wherry_stream_events events = { .received = NULL };
    wherry_feed_items items = { .next = NULL };
    wherry_stream *stream = NULL;
    wherry_peer *peer;
    wherry_feed *feed;
    serviced self;
    wherry_bytes bytes;

    OPEN(&self, world, NET_PAIR, .send_max = 0);
    assert_int_equal(wherry_stream_new(&stream, .loop = world->loop, .descriptor = self.far,
                                       .serviced = 1, .events = &events),
                     WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "serviced and events"));
    assert_int_equal(
        wherry_stream_new(&stream, .loop = world->loop, .descriptor = self.far, .fixed_idle = 1),
        WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "fixed_idle"));
    assert_int_equal(wherry_peer_new(&peer, self.stream, &wherry_lines), WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "serviced"));
    items.next = (int (*)(wherry_feed_items *, wherry_feed *, wherry_bytes *))(uintptr_t)1;
    assert_int_equal(wherry_feed_new(&feed, .stream = self.stream, .items = &items),
                     WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "serviced"));
    wherry_stream_set_events(self.stream, &events);
    assert_int_equal(wherry_stream_receive(self.stream, &bytes, WHERRY_NEVER), WHERRY_E_MISUSE);
    say(&self, "x");
    assert_int_equal(wherry_stream_flush(self.stream, WHERRY_NOW), WHERRY_OK); /* it is sent */
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = EAGAIN);
    say(&self, "x");
    assert_int_equal(wherry_stream_flush(self.stream, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_stream_flush(self.stream, WHERRY_NEVER), WHERRY_E_MISUSE);
    finish(&self);
}

static void one_that_is_not_serviced_is_left_alone(void **state)
{
    net *world = *state;
    size_t send, receive;
    uint8_t byte;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = 0);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_service_connect(self.stream), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_service_send(self.stream), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_service_receive(self.stream), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_service_receive_once(self.stream), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_receive_past(self.stream, &byte, 1), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_send_past(self.stream, wherry_text("x")), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_shutdown_receive(self.stream), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_refresh(self.stream), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_wind(self.stream, NULL), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_buffers(self.stream, &send, &receive), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_discard(self.stream), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_unservice(self.stream), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_E_MISUSE);
    assert_null(wherry_stream_timer(self.stream));
    assert_int_equal(wherry_stream_is_open(self.stream), 1);
    assert_int_equal(wherry_stream_is_connected(self.stream), 1);
    couple_close(&self);
}

static void memory_that_fails_loses_no_byte_of_what_was_accepted(void **state)
{
    net *world = *state;
    serviced self;

    for (size_t at = 1; at < 20; at++) {
        int result;

        OPEN(&self, world, NET_PAIR, .send_max = sizeof(pattern));
        world->memory.fail_at = world->memory.calls + at;
        result = wherry_stream_send(self.stream, wherry_bytes_at(pattern, 300000), WHERRY_NOW);
        assert_true(result == WHERRY_OK || result == WHERRY_E_NO_MEMORY);
        assert_int_equal(wherry_stream_unsent(self.stream), result == WHERRY_OK ? 300000 : 0);
        net_put(self.far, "x", 1);
        result = (int)wherry_stream_service_receive(self.stream);
        assert_true(result == 1 || result == WHERRY_E_NO_MEMORY);
        world->memory.fail_at = 0;
        finish(&self);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(bytes_go_both_ways_in_service_calls_only),
        NET_TEST(the_loop_leaves_it_alone_and_does_not_run_on_for_it),
        NET_TEST(idle_time_goes_on_while_its_loop_does_not_run),
        NET_TEST(send_buffer_holds_as_much_as_it_may_and_one_byte_more_is_refused),
        NET_TEST(whatever_is_queued_goes_out_in_order_and_only_in_a_service),
        NET_TEST(much_that_is_queued_is_not_moved_again_and_again),
        NET_TEST(partial_sends_keep_the_rest_for_the_next_pass),
        NET_TEST(no_buffers_in_the_system_are_tried_again_by_the_next_pass),
        NET_TEST(one_sender_has_a_share_of_a_pass_and_no_more),
        NET_TEST(once_is_one_receive),
        NET_TEST(reading_pauses_when_the_buffer_is_full_and_goes_on_when_it_is_not),
        NET_TEST(full_buffer_that_gives_way_bit_by_bit_is_not_copied_for_each),
        NET_TEST(receive_gives_what_is_buffered_and_holds_it_still),
        NET_TEST(idle_one_holds_no_buffer),
        NET_TEST(far_end_finishes_behind_its_bytes_and_our_sending_goes_on),
        NET_TEST(shutdown_comes_behind_what_is_unsent_in_a_service),
        NET_TEST(reset_comes_behind_the_bytes_before_it_and_is_no_end),
        NET_TEST(reset_that_a_send_swallowed_is_told_by_receiving),
        NET_TEST(pipes_and_their_ends_are_serviced_too),
        NET_TEST(pipe_that_nobody_reads_any_more_is_a_reset),
        NET_TEST_VIRTUAL(idle_one_ends_in_the_first_service_at_its_limit),
        NET_TEST_VIRTUAL(traffic_puts_idleness_off_unless_it_is_fixed),
        NET_TEST_VIRTUAL(idle_time_is_measured_from_the_last_byte_and_does_not_add_up),
        NET_TEST_VIRTUAL(limit_of_idleness_can_be_set_and_taken_away),
        NET_TEST_VIRTUAL(winding_to_another_loop_starts_its_time_anew),
        NET_TEST(closed_one_reports_that_and_keeps_what_it_received),
        NET_TEST(unsent_bytes_go_out_at_once_at_close_and_the_rest_as_the_loop_runs),
        NET_TEST(linger_time_begins_at_the_close_however_long_the_loop_did_not_run),
        NET_TEST_VIRTUAL(rest_is_cut_off_with_a_reset_at_the_linger_time),
        NET_TEST(freeing_the_loop_lets_what_was_closed_go_out),
        NET_TEST(one_that_outlives_its_loop_is_closed),
        NET_TEST(abort_is_a_reset_at_once),
        NET_TEST(nobody_can_be_told_of_one_or_wait_for_it),
        NET_TEST(one_that_is_not_serviced_is_left_alone),
        NET_TEST(memory_that_fails_loses_no_byte_of_what_was_accepted),
    };

    net_fill(pattern, sizeof(pattern), 0);
    return NET_RUN(tests);
}
