/* The end of the other side: in order or with a reset, told behind what came before it, and once.
 * Ends that begin here are tested in stream_close.c and stream_idle.c. */
#include <errno.h>
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

static uint8_t taken[3];

static void end_of_the_other_side_leaves_sending(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        couple self;

        couple_open(&self, world, kinds[i], .send_max = LARGE);
        assert_string_equal(wherry_stream_problem(self.stream), "");
        net_put(self.far, "all", 3);
        assert_int_equal(shutdown(self.far, SHUT_WR), 0);
        NET_UNTIL(world, self.told.reason != 0);
        assert_int_equal(self.told.reason, WHERRY_E_END);
        assert_string_equal(wherry_stream_problem(self.stream), "the other end finished in order");
        assert_true(wherry_stream_descriptor(self.stream) >= 0);
        couple_send(&self, LARGE);
        assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_OK);
        assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_OK);
        couple_expect_end(&self, LARGE);
        net_settle(world);
        assert_int_equal(wherry_stream_descriptor(self.stream), -1); /* nothing is left to do */
        assert_string_equal(self.told.trace, "re");
        assert_int_equal(wherry_stream_end(self.stream), WHERRY_E_END);
        couple_close(&self);
    }
}

static void shutdown_comes_behind_what_was_sent_and_leaves_receiving(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        couple self;

        couple_open(&self, world, kinds[i], .send_max = LARGE);
        couple_send(&self, 300000);
        assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_OK);
        assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW),
                         WHERRY_E_MISUSE);
        couple_expect_end(&self, 300000);
        net_put(self.far, "answer", 6);
        NET_UNTIL(world, self.told.length == 6);
        assert_int_equal(close(self.far), 0);
        self.far = -1;
        NET_UNTIL(world, self.told.reason != 0);
        assert_int_equal(self.told.reason, WHERRY_E_END);
        assert_int_equal(wherry_stream_descriptor(self.stream), -1);
        assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_OK);
        couple_close(&self);
    }
}

/* What was sent lies there with room behind it. */
static void nothing_goes_behind_a_shutdown_or_close_in_the_pass_of_a_send(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS * 2; i++) {
        ssize_t last;
        couple self;

        couple_open(&self, world, kinds[i / 2], .send_max = 0);
        assert_int_equal(wherry_stream_send(self.stream, wherry_text("a"), WHERRY_NOW), WHERRY_OK);
        assert_int_equal(wherry_stream_send(self.stream, wherry_text("b"), WHERRY_NOW), WHERRY_OK);
        if (i % 2 == 0)
            assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_OK);
        else
            wherry_stream_close(self.stream);
        assert_int_equal(wherry_stream_send(self.stream, wherry_text("c"), WHERRY_NOW),
                         i % 2 == 0 ? WHERRY_E_MISUSE : WHERRY_E_CLOSED);
        assert_int_equal(net_take_all(world, self.far, taken, 3, &last), 2);
        assert_memory_equal(taken, "ab", 2);
        couple_close(&self);
    }
}

static void reset_is_told_apart_from_the_end(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < 2; i++) {
        couple self;

        couple_open(&self, world, kinds[i], .send_max = LARGE);
        net_put(self.far, "last", 4);
        NET_UNTIL(world, self.told.length == 4);
        net_reset(self.far);
        self.far = -1;
        NET_UNTIL(world, self.told.reason != 0);
        assert_string_equal(self.told.trace, "re");
        assert_int_equal(self.told.reason, WHERRY_E_RESET);
        assert_string_equal(wherry_stream_problem(self.stream), "Connection reset by peer");
        assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW),
                         WHERRY_E_RESET);
        assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_E_RESET);
        assert_int_equal(wherry_stream_flush(self.stream, WHERRY_NOW), WHERRY_E_RESET);
        assert_int_equal(wherry_stream_descriptor(self.stream), -1);
        couple_close(&self);
    }
}

/* The send takes the error from the socket; what is received then looks like an orderly end. */
static void reset_that_a_send_found_is_never_an_orderly_end(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < 2; i++)
        for (int unread = 0; unread < 2; unread++) {
            couple self;

            couple_open(&self, world, kinds[i], .send_max = LARGE);
            wherry_stream_pause(self.stream);
            if (unread)
                net_put(self.far, "unread", 6);
            net_reset(self.far);
            self.far = -1;
            couple_send(&self, 1);
            (void)wherry_stream_flush(self.stream, WHERRY_NOW);
            assert_int_equal(wherry_stream_flush(self.stream, WHERRY_NOW), WHERRY_E_RESET);
            assert_int_equal(wherry_stream_end(self.stream), WHERRY_OK);
            wherry_stream_resume(self.stream);
            NET_UNTIL(world, self.told.reason != 0);
            assert_int_equal(self.told.reason, WHERRY_E_RESET);
            couple_close(&self);
        }
}

static void close_of_the_far_end_with_unread_bytes_is_a_reset(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_TCP4, .send_max = LARGE);
    couple_send(&self, 10);
    assert_int_equal(wherry_stream_flush(self.stream, WHERRY_NOW), WHERRY_OK);
    while (net_take(self.far, taken, 0) == -EAGAIN) /* it must have arrived */
        net_settle(world);
    while (recv(self.far, taken, 1, MSG_PEEK | MSG_DONTWAIT) < 0)
        net_settle(world);
    assert_int_equal(close(self.far), 0);
    self.far = -1;
    NET_UNTIL(world, self.told.reason != 0);
    assert_int_equal(self.told.reason, WHERRY_E_RESET);
    couple_close(&self);
}

static void end_is_sticky(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = LARGE);
    assert_int_equal(close(self.far), 0);
    self.far = -1;
    NET_UNTIL(world, self.told.reason == WHERRY_E_END);
    wherry_stream_set_idle(self.stream, 1);
    net_advance(world, 10);
    assert_int_equal(wherry_stream_end(self.stream), WHERRY_E_END);
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW), WHERRY_E_IDLE);
    wherry_stream_close(self.stream);
    assert_int_equal(wherry_stream_end(self.stream), WHERRY_E_END);
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW),
                     WHERRY_E_CLOSED);
    assert_string_equal(self.told.trace, "e");
    couple_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(end_of_the_other_side_leaves_sending),
        NET_TEST(shutdown_comes_behind_what_was_sent_and_leaves_receiving),
        NET_TEST(nothing_goes_behind_a_shutdown_or_close_in_the_pass_of_a_send),
        NET_TEST(reset_is_told_apart_from_the_end),
        NET_TEST(reset_that_a_send_found_is_never_an_orderly_end),
        NET_TEST(close_of_the_far_end_with_unread_bytes_is_a_reset),
        NET_TEST_VIRTUAL(end_is_sticky),
    };

    return NET_RUN(tests);
}
