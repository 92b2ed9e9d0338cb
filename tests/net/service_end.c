/* Serviced streams: how the end of the other side is told, in order or with a reset. Apart from
 * service_close.c, which is about ends that begin here. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/service.h>

#include "support/serviced.h"

#define LARGE ((size_t)1 << 20)

static const net_kind kinds[] = { NET_TCP4, NET_TCP6, NET_UNIX, NET_PAIR };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint8_t pattern[LARGE];
static uint8_t taken[1];

static void far_end_finishes_behind_its_bytes_and_our_sending_goes_on(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        serviced self;

        serviced_open(&self, world, kinds[i], .send_max = 0);
        net_put(self.far, "request", 7);
        assert_int_equal(shutdown(self.far, SHUT_WR), 0);
        while (wherry_stream_service(self.stream) == WHERRY_OK)
            continue;
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_END);
        assert_int_equal(wherry_stream_service_receive(self.stream), WHERRY_E_END);
        assert_int_equal(wherry_stream_end(self.stream), WHERRY_E_END);
        serviced_expect(&self, "request");
        assert_int_equal(wherry_stream_is_connected(self.stream), 1);
        serviced_say(&self, "answer");
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_END);
        serviced_hear(&self, "answer");
        assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_OK);
        assert_int_equal(net_take(self.far, taken, 1), 0);
        assert_int_equal(wherry_stream_is_open(self.stream), 0); /* nothing is left to do */
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_END);
        assert_int_equal(wherry_stream_service_send(self.stream), 0);
        serviced_close(&self);
    }
}

static void shutdown_comes_behind_what_is_unsent_in_a_service(void **state)
{
    net *world = *state;
    serviced self;

    serviced_open(&self, world, NET_TCP4, .send_max = 0);
    serviced_say(&self, "last");
    assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW),
                     WHERRY_E_MISUSE);
    assert_int_equal(net_take(self.far, taken, 1), -EAGAIN);
    assert_int_equal(wherry_stream_service_send(self.stream), 4);
    serviced_hear(&self, "last");
    while (net_take(self.far, taken, 1) != 0)
        continue;
    net_put(self.far, "more", 4); /* receiving goes on */
    SERVICED_UNTIL(wherry_stream_service_receive(self.stream) == 4);
    serviced_close_far(&self);
    while (wherry_stream_service(self.stream) == WHERRY_OK)
        continue;
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_END);
    assert_int_equal(wherry_stream_is_open(self.stream), 0);
    serviced_expect(&self, "more");
    serviced_close(&self);
}

static void reset_comes_behind_the_bytes_before_it_and_is_no_end(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < 2; i++) {
        serviced self;

        serviced_open(&self, world, kinds[i], .send_max = 0);
        net_put(self.far, "some", 4);
        SERVICED_UNTIL(wherry_stream_service_receive(self.stream) == 4);
        serviced_say(&self, "unsent");
        serviced_reset_far(&self);
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
        serviced_expect(&self, "some");
        serviced_close(&self);
    }
}

/* A failed send takes the error from the socket, and what is received then looks like an end. */
static void reset_that_a_send_swallowed_is_told_by_receiving(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < 2; i++)
        for (int paused = 0; paused < 2; paused++) {
            serviced self;

            serviced_open(&self, world, kinds[i], .send_max = 0);
            if (paused) {
                wherry_stream_pause(self.stream);
                assert_int_equal(wherry_stream_service_receive(self.stream), 0);
            }
            serviced_reset_far(&self);
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
            serviced_close(&self);
        }
}

/* --- pipes */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(far_end_finishes_behind_its_bytes_and_our_sending_goes_on),
        NET_TEST(shutdown_comes_behind_what_is_unsent_in_a_service),
        NET_TEST(reset_comes_behind_the_bytes_before_it_and_is_no_end),
        NET_TEST(reset_that_a_send_swallowed_is_told_by_receiving),
        NET_TEST(pipes_and_their_ends_are_serviced_too),
        NET_TEST(pipe_that_nobody_reads_any_more_is_a_reset),
    };

    net_fill(pattern, sizeof(pattern), 0);
    return NET_RUN(tests);
}
