/* Serviced streams: what one pass does, and what it leaves to the caller. What they receive, how
 * they end, their idle time and closing them have files of their own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/feed.h>
#include <wherry/peer.h>
#include <wherry/protocol.h>
#include <wherry/service.h>

#include "support/serviced.h"

#define LARGE ((size_t)1 << 20)

static const net_kind kinds[] = { NET_TCP4, NET_TCP6, NET_UNIX, NET_PAIR };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint8_t pattern[4 * LARGE];
static uint8_t taken[4 * LARGE];

static size_t calls(const net *world)
{
    return wherry_faulty_calls(world->system, WHERRY_CALL_ANY);
}

/* --- one pass */

static void bytes_go_both_ways_in_service_calls_only(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        serviced self;
        size_t before;

        serviced_open(&self, world, kinds[i], .send_max = 0);
        assert_int_equal(wherry_stream_is_open(self.stream), 1);
        assert_int_equal(wherry_stream_is_connected(self.stream), 1);
        assert_int_equal(wherry_stream_service_connect(self.stream), 1);
        before = calls(world);
        serviced_say(&self, "to ");
        serviced_say(&self, "there");
        net_put(self.far, "back", 4);
        assert_int_equal(calls(world), before); /* it only queues */
        assert_int_equal(wherry_stream_unsent(self.stream), 8);
        assert_int_equal(wherry_stream_peek(self.stream).length, 0);
        assert_int_equal(wherry_stream_service_send(self.stream), 8);
        assert_int_equal(wherry_stream_unsent(self.stream), 0);
        assert_int_equal(wherry_stream_service_send(self.stream), 0);
        serviced_hear(&self, "to there");
        SERVICED_UNTIL(wherry_stream_service_receive(self.stream) == 4);
        serviced_expect(&self, "back");
        assert_int_equal(wherry_stream_service_receive(self.stream), 0);
        serviced_say(&self, "again");
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
        serviced_hear(&self, "again");
        net_put(self.far, "all", 3);
        while (wherry_stream_peek(self.stream).length == 0)
            assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
        serviced_expect(&self, "all");
        serviced_close(&self);
    }
}

static void the_loop_leaves_it_alone_and_does_not_run_on_for_it(void **state)
{
    net *world = *state;
    serviced self;
    size_t received, sent;

    serviced_open(&self, world, NET_TCP4, .idle_timeout = 1);
    received = wherry_faulty_calls(world->system, WHERRY_CALL_RECEIVE);
    sent = wherry_faulty_calls(world->system, WHERRY_CALL_SEND);
    net_put(self.far, "unread", 6);
    serviced_say(&self, "unsent");
    assert_int_equal(wherry_loop_run(world->loop), WHERRY_OK); /* it returns */
    net_settle(world);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_RECEIVE), received);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_SEND), sent);
    assert_int_equal(wherry_stream_unsent(self.stream), 6);
    assert_int_equal(wherry_stream_end(self.stream), WHERRY_OK); /* nor for its idle time */
    serviced_close(&self);
}

/* --- sending */

static void send_buffer_holds_as_much_as_it_may_and_one_byte_more_is_refused(void **state)
{
    net *world = *state;
    serviced self;

    serviced_open(&self, world, NET_PAIR, .send_max = 1000);
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
    serviced_close(&self);
}

/* More parts than there are segments, and pieces of its own input among others. */
static void whatever_is_queued_goes_out_in_order_and_only_in_a_service(void **state)
{
    net *world = *state;
    wherry_bytes parts[100];
    serviced self;
    size_t before, count = 0;

    serviced_open(&self, world, NET_PAIR, .send_max = 2 * LARGE);
    for (size_t i = 0; i < 100; i++)
        parts[i] = wherry_bytes_at(pattern + i * 3000, 3000);
    net_put(self.far, pattern, 60000);
    SERVICED_UNTIL(wherry_stream_service_receive(self.stream) >= 0 &&
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
    serviced_close(&self);
}

/* Most of it is copied into the room that the last move has made: that takes no memory. */
static void much_that_is_queued_is_not_moved_again_and_again(void **state)
{
    net *world = *state;
    serviced self;
    size_t calls;

    serviced_open(&self, world, NET_UNIX, .send_max = 64 * LARGE);
    calls = world->memory.calls;
    for (size_t i = 0; i < 280; i++)
        assert_int_equal(
            wherry_stream_send(self.stream, wherry_bytes_at(pattern, 60000), WHERRY_NOW),
            WHERRY_OK);
    assert_int_equal(wherry_stream_unsent(self.stream), 280 * 60000);
    assert_true(world->memory.calls - calls < 140);
    serviced_close(&self);
}

static void partial_sends_keep_the_rest_for_the_next_pass(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        serviced self;
        size_t count = 0, sent = 0;
        ssize_t once;

        serviced_open(&self, world, kinds[i], .send_max = sizeof(pattern));
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
        serviced_close(&self);
    }
}

static void no_buffers_in_the_system_are_tried_again_by_the_next_pass(void **state)
{
    net *world = *state;
    serviced self;

    serviced_open(&self, world, NET_TCP4, .send_max = 0);
    serviced_say(&self, "later");
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = ENOBUFS, .first = 1, .count = 1);
    assert_int_equal(wherry_stream_service_send(self.stream), 0);
    assert_int_equal(wherry_stream_unsent(self.stream), 5);
    assert_int_equal(wherry_stream_service_send(self.stream), 5);
    serviced_hear(&self, "later");
    serviced_close(&self);
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

    serviced_open(&self, world, NET_PAIR, .send_max = 0);
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
    serviced_say(&self, "x");
    assert_int_equal(wherry_stream_flush(self.stream, WHERRY_NOW), WHERRY_OK); /* it is sent */
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = EAGAIN);
    serviced_say(&self, "x");
    assert_int_equal(wherry_stream_flush(self.stream, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_stream_flush(self.stream, WHERRY_NEVER), WHERRY_E_MISUSE);
    serviced_close(&self);
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

/* --- memory */

static void memory_that_fails_loses_no_byte_of_what_was_accepted(void **state)
{
    net *world = *state;
    serviced self;

    for (size_t at = 1; at < 20; at++) {
        int result;

        serviced_open(&self, world, NET_PAIR, .send_max = sizeof(pattern));
        world->memory.fail_at = world->memory.calls + at;
        result = wherry_stream_send(self.stream, wherry_bytes_at(pattern, 300000), WHERRY_NOW);
        assert_true(result == WHERRY_OK || result == WHERRY_E_NO_MEMORY);
        assert_int_equal(wherry_stream_unsent(self.stream), result == WHERRY_OK ? 300000 : 0);
        net_put(self.far, "x", 1);
        result = (int)wherry_stream_service_receive(self.stream);
        assert_true(result == 1 || result == WHERRY_E_NO_MEMORY);
        world->memory.fail_at = 0;
        serviced_close(&self);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(bytes_go_both_ways_in_service_calls_only),
        NET_TEST(the_loop_leaves_it_alone_and_does_not_run_on_for_it),
        NET_TEST(send_buffer_holds_as_much_as_it_may_and_one_byte_more_is_refused),
        NET_TEST(whatever_is_queued_goes_out_in_order_and_only_in_a_service),
        NET_TEST(much_that_is_queued_is_not_moved_again_and_again),
        NET_TEST(partial_sends_keep_the_rest_for_the_next_pass),
        NET_TEST(no_buffers_in_the_system_are_tried_again_by_the_next_pass),
        NET_TEST(nobody_can_be_told_of_one_or_wait_for_it),
        NET_TEST(one_that_is_not_serviced_is_left_alone),
        NET_TEST(memory_that_fails_loses_no_byte_of_what_was_accepted),
    };

    net_fill(pattern, sizeof(pattern), 0);
    return NET_RUN(tests);
}
