/* Dialled streams: the times of attempts to connect, and when another one is made. Apart from
 * dial.c because all of it happens in virtual time. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/service.h>

#include "support/dialled.h"

#define MILLISECOND WHERRY_MILLISECONDS(1)

static void attempt_ends_at_its_timeout(void **state)
{
    net *world = *state;
    dialled self;

    dialled_new(&self, world, NET_TCP4, .timeout = 100 * MILLISECOND);
    dialled_stall(&self);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
    wherry_loop_tick(world->loop, WHERRY_SECONDS(1)); /* it begins with the first service */
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    wherry_loop_tick(world->loop, 100 * MILLISECOND - 1);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    wherry_loop_tick(world->loop, 1);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_TIMED_OUT);
    assert_int_equal(wherry_stream_end(self.stream), WHERRY_E_TIMED_OUT);
    assert_int_equal(wherry_stream_is_open(self.stream), 0);
    dialled_close(&self);
}

static void without_a_timeout_the_system_has_one(void **state)
{
    net *world = *state;

    for (int reconnect = 0; reconnect < 2; reconnect++) {
        dialled self;
        size_t sockets = wherry_faulty_calls(world->system, WHERRY_CALL_SOCKET);

        dialled_new(&self, world, NET_TCP4, .reconnect = reconnect);
        dialled_stall(&self);
        assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
        for (int i = 0; i < 5; i++) {
            assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
            wherry_loop_tick(world->loop, WHERRY_SECONDS(100));
        }
        assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_SOCKET), sockets + 1);
        dialled_close(&self);
    }
}

static void connection_that_is_there_at_the_timeout_is_taken(void **state)
{
    net *world = *state;
    dialled self;

    dialled_new(&self, world, NET_TCP4, .timeout = 100 * MILLISECOND);
    wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = EINTR, .made = 1, .first = 1,
                       .count = 1);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    self.far = accept(self.listener, NULL, NULL); /* it is there, and nobody has looked */
    wherry_loop_tick(world->loop, WHERRY_SECONDS(1));
    assert_int_equal(wherry_stream_service_connect(self.stream), 1);
    dialled_close(&self);
}

/* --- attempts that are made again */

static void refused_attempts_are_made_again_once_a_timeout(void **state)
{
    const int64_t timeouts[] = { 0, 200 * MILLISECOND };
    net *world = *state;

    for (size_t i = 0; i < 2; i++) {
        int64_t pause = timeouts[i] == 0 ? WHERRY_SECONDS(1) : timeouts[i];
        size_t connects = wherry_faulty_calls(world->system, WHERRY_CALL_CONNECT);
        dialled self;

        dialled_new_to_nobody(&self, world, NET_TCP4, .timeout = timeouts[i], .reconnect = 1);
        assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
        dialled_say(&self, "kept");
        for (size_t attempt = 1; attempt < 5; attempt++) {
            while (wherry_stream_descriptor(self.stream) >= 0)
                assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
            assert_int_equal(wherry_stream_is_open(self.stream), 1);
            assert_string_equal(wherry_stream_problem(self.stream), "Connection refused");
            assert_int_equal(wherry_stream_end(self.stream), WHERRY_OK);
            wherry_loop_tick(world->loop, pause - 1);
            for (int k = 0; k < 10; k++)
                assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
            assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CONNECT),
                             connects + attempt);
            wherry_loop_tick(world->loop, 1);
            assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
            assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CONNECT),
                             connects + attempt + 1);
        }
        assert_int_equal(wherry_stream_unsent(self.stream), 4);
        dialled_close(&self);
    }
}

/* hio makes up for each attempt that it missed. */
static void attempts_that_were_missed_are_not_made_up_for(void **state)
{
    net *world = *state;
    dialled self;
    size_t connects = wherry_faulty_calls(world->system, WHERRY_CALL_CONNECT);

    dialled_new(&self, world, NET_TCP4, .timeout = 100 * MILLISECOND, .reconnect = 1);
    dialled_stall(&self);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    wherry_loop_tick(world->loop, WHERRY_SECONDS(10));
    for (int i = 0; i < 30; i++)
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CONNECT), connects + 2);
    assert_string_equal(wherry_stream_problem(self.stream), "Connection timed out");
    wherry_faulty_heal(world->system, WHERRY_CALL_CONNECT);
    wherry_loop_tick(world->loop, 100 * MILLISECOND);
    dialled_connect(&self);
    assert_string_equal(wherry_stream_problem(self.stream), "");
    dialled_close(&self);
}

static void lack_of_descriptors_between_attempts_is_one_more_that_failed(void **state)
{
    net *world = *state;
    dialled self;

    dialled_new(&self, world, NET_TCP4, .timeout = 100 * MILLISECOND, .reconnect = 1);
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
    dialled_connect(&self);
    assert_string_equal(wherry_stream_problem(self.stream), "");
    dialled_close(&self);
}

static void connection_that_ended_is_not_made_again_by_itself(void **state)
{
    net *world = *state;
    dialled self;

    dialled_new(&self, world, NET_TCP4, .timeout = 100 * MILLISECOND, .reconnect = 1);
    dialled_open(&self);
    dialled_say(&self, "unsent");
    net_reset(self.far);
    self.far = -1;
    while (wherry_stream_service(self.stream) == WHERRY_OK)
        continue;
    for (int i = 0; i < 5; i++) {
        wherry_loop_tick(world->loop, WHERRY_SECONDS(1));
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_RESET);
    }
    dialled_open(&self);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    dialled_close(&self);
}

/* --- by which clock */

static void times_of_an_attempt_go_by_the_loop_that_it_was_wound_to(void **state)
{
    net *world = *state;
    wherry_loop *base;
    dialled self;

    assert_int_equal(wherry_loop_new(&base, .clock = WHERRY_CLOCK_STEPPED), WHERRY_OK);
    dialled_new(&self, world, NET_TCP4, .timeout = 100 * MILLISECOND);
    dialled_stall(&self);
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
    dialled_close(&self);
    wherry_loop_free(base);
}

static void idle_time_begins_with_the_connection(void **state)
{
    const wherry_stream_options limits = { .idle_timeout = 100 * MILLISECOND };
    net *world = *state;
    dialled self;

    dialled_new(&self, world, NET_TCP4, .stream = &limits);
    wherry_loop_tick(world->loop, WHERRY_SECONDS(1));
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
    wherry_loop_tick(world->loop, WHERRY_SECONDS(1));
    dialled_connect(&self);
    wherry_loop_tick(world->loop, 99 * MILLISECOND);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    wherry_loop_tick(world->loop, MILLISECOND);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_IDLE);
    dialled_hang_up(&self);
    dialled_open(&self);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    dialled_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST_VIRTUAL(attempt_ends_at_its_timeout),
        NET_TEST_VIRTUAL(without_a_timeout_the_system_has_one),
        NET_TEST_VIRTUAL(connection_that_is_there_at_the_timeout_is_taken),
        NET_TEST_VIRTUAL(refused_attempts_are_made_again_once_a_timeout),
        NET_TEST_VIRTUAL(attempts_that_were_missed_are_not_made_up_for),
        NET_TEST_VIRTUAL(lack_of_descriptors_between_attempts_is_one_more_that_failed),
        NET_TEST_VIRTUAL(connection_that_ended_is_not_made_again_by_itself),
        NET_TEST_VIRTUAL(times_of_an_attempt_go_by_the_loop_that_it_was_wound_to),
        NET_TEST_VIRTUAL(idle_time_begins_with_the_connection),
    };

    return NET_RUN(tests);
}
