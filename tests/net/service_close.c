/* Serviced streams: closing and aborting them, and the end of their loop. Apart from service_end.c,
 * because what is unsent then is the loop's affair, not the caller's. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/service.h>

#include "support/serviced.h"

#define LARGE ((size_t)1 << 20)

static const net_kind kinds[] = { NET_TCP4, NET_TCP6, NET_UNIX, NET_PAIR };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint8_t pattern[4 * LARGE];
static uint8_t taken[4 * LARGE];

static void closed_one_reports_that_and_keeps_what_it_received(void **state)
{
    net *world = *state;
    serviced self;
    wherry_bytes bytes;
    size_t send = 1, receive = 1;
    uint8_t byte;

    serviced_open(&self, world, NET_TCP4, .send_max = 0);
    net_put(self.far, "kept", 4);
    SERVICED_UNTIL(wherry_stream_service_receive(self.stream) == 4);
    assert_int_equal(wherry_stream_buffers(self.stream, &send, &receive), WHERRY_OK);
    assert_true(send > 1 && receive > 1);
    wherry_stream_close(self.stream);
    wherry_stream_close(self.stream);
    serviced_expect_closed(self.stream);
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
    serviced_expect(&self, "kept");
    serviced_close(&self);
}

static void unsent_bytes_go_out_at_once_at_close_and_the_rest_as_the_loop_runs(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++)
        for (int freed = 0; freed < 2; freed++) {
            serviced self;
            ssize_t last;

            serviced_open(&self, world, kinds[i], .send_max = sizeof(pattern));
            serviced_say(&self, "now");
            wherry_stream_close(self.stream);
            serviced_hear(&self, "now");
            assert_int_equal(net_take(self.far, taken, 1), 0);
            serviced_close(&self);

            serviced_open(&self, world, kinds[i], .send_max = sizeof(pattern));
            net_shrink(wherry_stream_descriptor(self.stream), 65536); /* it does not fit */
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
            serviced_close(&self);
        }
}

/* --- its linger time */

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

    serviced_open(&self, world, NET_PAIR, .send_max = sizeof(pattern),
                  .linger = WHERRY_SECONDS(60));
    net_settle(world);
    ahead = WHERRY_SECONDS(3600);
    system_clock = system->monotonic;
    system->monotonic = clock_ahead;
    assert_int_equal(
        wherry_stream_send(self.stream, wherry_bytes_at(pattern, sizeof(pattern)), WHERRY_NOW),
        WHERRY_OK);
    wherry_stream_close(self.stream);
    assert_int_equal(net_take_all(world, self.far, taken, sizeof(pattern), &last), sizeof(pattern));
    serviced_close(&self);
    system->monotonic = system_clock;
}

static void rest_is_cut_off_with_a_reset_at_the_linger_time(void **state)
{
    net *world = *state;
    serviced self;
    size_t closed;

    serviced_open(&self, world, NET_PAIR, .send_max = sizeof(pattern), .linger = WHERRY_SECONDS(2));
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
    serviced_close(&self);
}

/* --- the loop's end */

static void freeing_the_loop_lets_what_was_closed_go_out(void **state)
{
    net *world = *state;
    serviced self;
    size_t count = 0;
    ssize_t last = 1;

    /* the rest fits once the far end has read: the pair holds a part of it */
    serviced_open(&self, world, NET_PAIR, .send_max = LARGE);
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

    serviced_open(&self, world, NET_PAIR, .send_max = 0);
    net_put(self.far, "kept", 4);
    assert_int_equal(wherry_stream_service_receive(self.stream), 4);
    serviced_say(&self, "sent");
    wherry_loop_free(world->loop);
    world->loop = NULL;
    serviced_hear(&self, "sent"); /* it was offered to the system */
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_CLOSED);
    serviced_expect(&self, "kept");
    wherry_stream_free(self.stream);
    assert_int_equal(close(self.far), 0);
}

/* --- abort */

static void abort_is_a_reset_at_once(void **state)
{
    net *world = *state;
    serviced self;

    serviced_open(&self, world, NET_TCP4, .send_max = 0);
    serviced_say(&self, "lost");
    wherry_stream_abort(self.stream);
    SERVICED_UNTIL(net_take(self.far, taken, 1) == -ECONNRESET);
    assert_int_equal(wherry_stream_unsent(self.stream), 0);
    serviced_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(closed_one_reports_that_and_keeps_what_it_received),
        NET_TEST(unsent_bytes_go_out_at_once_at_close_and_the_rest_as_the_loop_runs),
        NET_TEST(linger_time_begins_at_the_close_however_long_the_loop_did_not_run),
        NET_TEST_VIRTUAL(rest_is_cut_off_with_a_reset_at_the_linger_time),
        NET_TEST(freeing_the_loop_lets_what_was_closed_go_out),
        NET_TEST(one_that_outlives_its_loop_is_closed),
        NET_TEST(abort_is_a_reset_at_once),
    };

    net_fill(pattern, sizeof(pattern), 0);
    return NET_RUN(tests);
}
