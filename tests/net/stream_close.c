/* Closing and aborting streams: what still goes out, for how long, and what a closed one answers.
 * Apart from stream_end.c, where the other side ends them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/net.h"

#define LARGE ((size_t)1 << 20)

static const net_kind kinds[] = { NET_TCP4, NET_TCP6, NET_UNIX, NET_PAIR };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint8_t pattern[LARGE];
static uint8_t taken[LARGE];

static void unsent_bytes_go_out_after_close_and_free(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++)
        for (int freed = 0; freed < 2; freed++) {
            couple self;

            couple_open(&self, world, kinds[i], .send_max = LARGE);
            couple_send(&self, LARGE);
            if (freed)
                wherry_stream_free(self.stream);
            else
                wherry_stream_close(self.stream);
            couple_expect_end(&self, LARGE);
            self.stream = freed ? NULL : self.stream;
            assert_string_equal(self.told.trace, "");
            couple_close(&self);
        }
}

static void unsent_bytes_are_cut_off_at_the_linger_time(void **state)
{
    const int64_t lingers[] = { 0, WHERRY_MILLISECONDS(1), WHERRY_SECONDS(2) };
    const int numbers[] = { 0, ENOBUFS };
    net *world = *state;

    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 2; k++) {
            int64_t linger = lingers[i] == 0 ? WHERRY_SECONDS(5) : lingers[i];
            size_t closed;
            couple self;

            couple_open(&self, world, NET_PAIR, .idle_timeout = WHERRY_MILLISECONDS(1),
                        .linger = lingers[i], .send_max = LARGE);
            if (numbers[k] != 0)
                wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = numbers[k]);
            couple_send(&self, LARGE); /* more than the pair holds */
            closed = wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE);
            wherry_stream_close(self.stream);
            wherry_stream_set_idle(self.stream, 1); /* does not matter any more */
            net_advance(world, linger - 1);
            assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE), closed);
            net_advance(world, 1);
            assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE), closed + 1);
            assert_int_equal(wherry_stream_unsent(self.stream), 0);
            couple_close(&self);
        }
}

/* Neither what goes out meanwhile nor what the system refuses moves the limit. */
static void progress_leaves_the_linger_time_as_it_is(void **state)
{
    net *world = *state;
    couple self;
    size_t closed, unsent;

    couple_open(&self, world, NET_PAIR, .linger = WHERRY_SECONDS(1), .send_max = LARGE);
    couple_send(&self, LARGE);
    closed = wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE);
    wherry_stream_close(self.stream);
    net_advance(world, WHERRY_MILLISECONDS(400));
    unsent = wherry_stream_unsent(self.stream);
    while (net_take(self.far, taken, LARGE) > 0)
        continue;
    net_settle(world);
    assert_true(wherry_stream_unsent(self.stream) < unsent);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = ENOBUFS);
    while (net_take(self.far, taken, LARGE) > 0)
        continue;
    net_settle(world);
    net_advance(world, WHERRY_MILLISECONDS(600) - 1);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE), closed);
    net_advance(world, 1);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE), closed + 1);
    couple_close(&self);
}

static void close_with_unread_bytes_does_not_take_away_what_was_sent(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        couple self;

        couple_open(&self, world, kinds[i], .send_max = LARGE);
        wherry_stream_pause(self.stream);
        net_put(self.far, pattern, 50000);
        while (recv(wherry_stream_descriptor(self.stream), taken, 50000, MSG_PEEK | MSG_DONTWAIT) <
               50000)
            continue; /* it must have arrived */
        couple_send(&self, 200000);
        wherry_stream_free(self.stream);
        self.stream = NULL;
        couple_expect_end(&self, 200000);
        couple_close(&self);
        net_settle(world);
    }
}

static void bytes_that_come_too_late_are_read_away_within_the_linger_time(void **state)
{
    net *world = *state;
    couple self;
    size_t closed = wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE);

    couple_open(&self, world, NET_PAIR, .linger = WHERRY_SECONDS(1), .send_max = LARGE);
    wherry_stream_pause(self.stream);
    net_put(self.far, "unread", 6);
    wherry_stream_close(self.stream);
    assert_int_equal(net_take(self.far, taken, 1), 0); /* it knows */
    net_put(self.far, "more", 4);
    net_advance(world, WHERRY_SECONDS(1) - 1);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE), closed);
    net_advance(world, 1);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE), closed + 1);
    couple_close(&self);
}

static void endless_late_bytes_are_not_read_away_for_ever(void **state)
{
    net *world = *state;
    couple self;
    size_t sent = 0;
    size_t closed = wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE);

    couple_open(&self, world, NET_PAIR, .send_max = LARGE);
    wherry_stream_pause(self.stream);
    net_put(self.far, "unread", 6);
    wherry_stream_close(self.stream);
    while (wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE) == closed) {
        ssize_t count = send(self.far, pattern, 60000, MSG_DONTWAIT | MSG_NOSIGNAL);

        sent += count > 0 ? (size_t)count : 0;
        assert_true(wherry_loop_step(world->loop) >= 0);
    }
    assert_true(sent > LARGE && sent < 2 * LARGE);
    couple_close(&self);
}

/* --- abort */

static void abort_sends_a_reset(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < 2; i++)
        for (int closed = 0; closed < 2; closed++) {
            couple self;
            ssize_t last;

            couple_open(&self, world, kinds[i], .send_max = LARGE);
            couple_send(&self, 5); /* never leaves */
            if (closed) {
                wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = EAGAIN);
                wherry_stream_close(self.stream);
            }
            wherry_stream_abort(self.stream);
            wherry_stream_abort(self.stream);
            assert_int_equal(net_take_all(world, self.far, taken, 10, &last), 0);
            assert_int_equal(last, -ECONNRESET);
            assert_int_equal(wherry_stream_end(self.stream), WHERRY_E_CLOSED);
            assert_string_equal(self.told.trace, "");
            couple_close(&self);
        }
}

/* --- what is closed can be read */

static void closed_stream_answers_everything(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < 3; i++) {
        couple self;
        wherry_address remote, local, again;
        wherry_bytes bytes;

        couple_open(&self, world, kinds[i], .send_max = LARGE);
        self.told.consume_max = SIZE_MAX;
        wherry_stream_remote(self.stream, &remote);
        wherry_stream_local(self.stream, &local);
        assert_int_equal(local.family, i == 0   ? WHERRY_FAMILY_IPV4
                                       : i == 1 ? WHERRY_FAMILY_IPV6
                                                : WHERRY_FAMILY_UNIX);
        net_put(self.far, "rest", 4);
        NET_UNTIL(world, self.told.trace[0] == 'r');
        for (size_t times = 0; times < 2; times++) {
            wherry_stream_close(self.stream);
            assert_int_equal(wherry_stream_end(self.stream), WHERRY_E_CLOSED);
            assert_string_equal(wherry_stream_problem(self.stream), "it was closed here");
            assert_memory_equal(wherry_stream_peek(self.stream).data, "rest", 4);
            wherry_stream_remote(self.stream, &again);
            assert_true(wherry_address_equal(&remote, &again));
            wherry_stream_local(self.stream, &again);
            assert_true(wherry_address_equal(&local, &again));
            assert_int_equal(wherry_stream_descriptor(self.stream), -1);
            assert_int_equal(wherry_stream_unsent(self.stream), 0);
            assert_int_equal(wherry_stream_receive(self.stream, &bytes, WHERRY_NOW),
                             WHERRY_E_CLOSED);
            assert_int_equal(wherry_stream_send(self.stream, bytes, WHERRY_NOW), WHERRY_E_CLOSED);
            assert_int_equal(wherry_stream_flush(self.stream, WHERRY_NOW), WHERRY_E_CLOSED);
            assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_E_CLOSED);
            wherry_stream_pause(self.stream);
            wherry_stream_resume(self.stream);
            wherry_stream_set_idle(self.stream, 1);
            net_settle(world);
        }
        wherry_stream_consume(self.stream, 1);
        assert_memory_equal(wherry_stream_peek(self.stream).data, "est", 3);
        assert_int_equal(self.told.trace[1], '\0');
        couple_close(&self);
    }
    wherry_stream_free(NULL);
}

/* --- descriptors that are kept */

static void kept_descriptor_stays_open_and_as_it_was(void **state)
{
    net *world = *state;

    for (int aborted = 0; aborted < 2; aborted++) {
        wherry_stream *stream;
        int ends[2];

        net_pair(NET_TCP4, ends);
        assert_int_equal(
            wherry_stream_new(&stream, .loop = world->loop, .descriptor = ends[0], .keep = 1),
            WHERRY_OK);
        assert_int_equal(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
        assert_int_equal(wherry_stream_send(stream, wherry_text("one"), WHERRY_NOW), WHERRY_OK);
        assert_int_equal(wherry_stream_flush(stream, WHERRY_NOW), WHERRY_OK);
        if (aborted)
            wherry_stream_abort(stream);
        wherry_stream_free(stream);
        net_put(ends[0], "two", 3);
        assert_int_equal(recv(ends[1], taken, 6, MSG_WAITALL), 6);
        assert_memory_equal(taken, "onetwo", 6);
        assert_int_equal(close(ends[0]), 0);
        assert_int_equal(recv(ends[1], taken, 1, 0), 0);
        assert_int_equal(close(ends[1]), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(unsent_bytes_go_out_after_close_and_free),
        NET_TEST_VIRTUAL(unsent_bytes_are_cut_off_at_the_linger_time),
        NET_TEST_VIRTUAL(progress_leaves_the_linger_time_as_it_is),
        NET_TEST(close_with_unread_bytes_does_not_take_away_what_was_sent),
        NET_TEST_VIRTUAL(bytes_that_come_too_late_are_read_away_within_the_linger_time),
        NET_TEST_VIRTUAL(endless_late_bytes_are_not_read_away_for_ever),
        NET_TEST(abort_sends_a_reset),
        NET_TEST(closed_stream_answers_everything),
        NET_TEST(kept_descriptor_stays_open_and_as_it_was),
    };

    net_fill(pattern, LARGE, 0);
    return NET_RUN(tests);
}
