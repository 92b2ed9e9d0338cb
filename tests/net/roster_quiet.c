/* Rosters that have nothing to do: no descriptor that stays readable, no deadline that is always
 * over, whatever was done to a stream. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/roster.h>

#include "support/hall.h"

static char large[8 << 20];

/* Some passes, and then it is to stay as it is. */
static void expect_quiet(hall *self)
{
    int descriptor = wherry_roster_descriptor(self->roster);
    struct pollfd one = { .fd = descriptor, .events = POLLIN };

    for (int i = 0; i < 10; i++) {
        hall_wait(self);
        (void)hall_service(self);
    }
    if (descriptor >= 0)
        assert_int_equal(poll(&one, 1, 0), 0);
    assert_true(wherry_roster_deadline(self->roster) != WHERRY_NOW);
}

/* Takes what comes, to its end. */
static void hear_out(hall *self, int client)
{
    for (int idle = 0; idle < 20; idle++)
        while (hall_wait(self), self->far->receive(self->far, client, large, sizeof(large), 0) > 0)
            idle = 0;
}

static void fill(hall *self, wherry_stream *stream)
{
    while (wherry_stream_unsent(stream) == 0) {
        assert_int_equal(
            wherry_stream_send(stream, wherry_bytes_at(large, sizeof(large)), WHERRY_NOW),
            WHERRY_OK);
        (void)hall_service(self);
    }
}

/* --- sending */

static void what_was_discarded_is_not_waited_for(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    stream = hall_couple(self, &client);
    fill(self, stream);
    assert_true(wherry_stream_discard(stream) > 0);
    hear_out(self, client);
    expect_quiet(self);
    hall_close(self, client);
}

static void who_was_refused_past_the_buffer_is_told_of_room(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    ssize_t result;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    stream = hall_couple(self, &client);
    (void)hall_take_all(self);
    do
        result = wherry_stream_send_past(stream, wherry_bytes_at(large, sizeof(large)));
    while (result > 0);
    assert_int_equal(result, WHERRY_E_WOULD_BLOCK);
    hear_out(self, client);
    expect_quiet(self);
    assert_ptr_equal(wherry_roster_take(self->roster), stream);
    assert_int_equal(wherry_stream_send_past(stream, wherry_text("on")), 2);
    hall_expect(self, client, "on");
    hall_close(self, client);
}

/* --- receiving */

static void end_that_was_seen_past_the_buffer_is_told_once(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    ssize_t result;
    uint8_t byte;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    stream = hall_couple(self, &client);
    (void)hall_take_all(self);
    hall_shut(self, client);
    while ((result = wherry_stream_receive_past(stream, &byte, 1)) == WHERRY_E_WOULD_BLOCK)
        hall_wait(self);
    assert_int_equal(result, WHERRY_E_END);
    assert_ptr_equal(wherry_roster_take(self->roster), stream);
    expect_quiet(self);
    assert_null(wherry_roster_take(self->roster));
    hall_close(self, client);
}

static void receiving_that_was_shut_down_is_told_once(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int client;

    hall_open(self, NET_TCP4, .keep_finished = 1);
    stream = hall_couple(self, &client);
    (void)hall_take_all(self);
    assert_int_equal(wherry_stream_shutdown_receive(stream), WHERRY_OK);
    expect_quiet(self);
    assert_ptr_equal(wherry_roster_take(self->roster), stream);
    assert_null(wherry_roster_take(self->roster));
    hall_close(self, client);
}

static void reset_of_a_paused_one_waits_until_it_goes_on(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    stream = hall_couple(self, &client);
    wherry_stream_pause(stream);
    hall_put(self, client, "abc");
    hall_reset(self, client);
    expect_quiet(self);
    assert_int_equal(wherry_stream_end(stream), WHERRY_OK);
    wherry_stream_resume(stream);
    HALL_UNTIL(self, wherry_roster_count(self->roster) == 0);
    expect_quiet(self);
}

/* --- limits */

static void limits_of_one_hold_and_cost_nothing(void **state)
{
    const char *text = "abcdefghij";
    hall *self = *state;
    wherry_stream *stream;
    int client, other;

    hall_open(self, NET_TCP4, .streams_max = 1, .waiting_max = 1,
              .stream = HALL_STREAM(.receive_max = 1, .send_max = 1));
    stream = hall_couple(self, &client);
    other = hall_dial(self, NULL);
    hall_put(self, client, text);
    expect_quiet(self);
    for (size_t i = 0; i < strlen(text); i++) {
        const wherry_bytes one = wherry_bytes_at(text + i, 1);

        HALL_UNTIL(self, wherry_stream_peek(stream).length > 0);
        assert_true(wherry_bytes_equal(wherry_stream_peek(stream), one));
        wherry_stream_consume(stream, 1);
        (void)hall_take_all(self);
        assert_int_equal(wherry_stream_send(stream, one, WHERRY_NOW), WHERRY_OK);
        assert_int_equal(wherry_stream_send(stream, one, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
        (void)hall_service(self);
        assert_ptr_equal(wherry_roster_take(self->roster), stream);
    }
    hall_expect(self, client, text);
    expect_quiet(self);
    assert_int_equal(wherry_roster_count(self->roster), 1);
    assert_int_equal(wherry_roster_remove(self->roster, stream), WHERRY_OK);
    HALL_UNTIL(self, wherry_roster_count(self->roster) == 1);
    hall_close(self, client);
    hall_close(self, other);
}

static void listening_socket_that_cannot_be_watched_again_has_a_time(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int64_t deadline;
    int client, other;

    hall_open(self, NET_TCP4, .streams_max = 1);
    stream = hall_couple(self, &client);
    other = hall_dial(self, NULL);
    expect_quiet(self);
    assert_int_equal(wherry_roster_remove(self->roster, stream), WHERRY_OK);
    wherry_faulty_plan(self->world.system, WHERRY_CALL_WATCH, .number = ENOMEM);
    (void)hall_service(self);
    assert_int_equal(wherry_faulty_strikes(self->world.system, WHERRY_CALL_WATCH), 1);
    wherry_faulty_heal(self->world.system, WHERRY_CALL_WATCH);
    deadline = wherry_roster_deadline(self->roster);
    assert_true(deadline != WHERRY_NOW && deadline != WHERRY_NEVER);
    hall_tick(self, deadline - wherry_loop_now(self->world.loop));
    HALL_UNTIL(self, wherry_roster_count(self->roster) == 1);
    hall_close(self, client);
    hall_close(self, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HALL_TEST(what_was_discarded_is_not_waited_for),
        HALL_TEST(who_was_refused_past_the_buffer_is_told_of_room),
        HALL_TEST(end_that_was_seen_past_the_buffer_is_told_once),
        HALL_TEST(receiving_that_was_shut_down_is_told_once),
        HALL_TEST(reset_of_a_paused_one_waits_until_it_goes_on),
        HALL_TEST(limits_of_one_hold_and_cost_nothing),
        HALL_TEST(listening_socket_that_cannot_be_watched_again_has_a_time),
    };

    return HALL_RUN(tests);
}
