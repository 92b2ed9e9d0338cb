/* Rosters: how their streams end, how long one that has ended or finished stays, and what becomes
 * of the others. Apart from roster_stream.c, where it is the program that takes streams out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/roster.h>

#include "support/hall.h"

static void one_that_ended_is_there_for_a_pass(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    for (int closed = 0; closed < 2; closed++) {
        stream = hall_couple(self, &client);
        if (closed)
            wherry_stream_close(stream);
        else
            hall_reset(self, client);
        HALL_UNTIL(self, wherry_stream_end(stream) != WHERRY_OK);
        assert_int_equal(wherry_stream_end(stream), closed ? WHERRY_E_CLOSED : WHERRY_E_RESET);
        assert_ptr_equal(wherry_roster_take(self->roster), stream);
        assert_true(wherry_roster_deadline(self->roster) == WHERRY_NOW);
        assert_int_equal(wherry_roster_count(self->roster), 1);
        (void)hall_service(self);
        assert_int_equal(wherry_roster_count(self->roster), 0);
        assert_true(wherry_roster_deadline(self->roster) == WHERRY_NEVER);
        if (closed)
            hall_close(self, client);
    }
}

static void what_came_before_the_end_can_be_read_at_leisure(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    stream = hall_couple(self, &client);
    hall_put(self, client, "abcdef");
    HALL_UNTIL(self, wherry_stream_peek(stream).length == 6);
    wherry_stream_close(stream);
    for (size_t i = 0; i < 6; i++) {
        (void)hall_service(self);
        assert_int_equal(wherry_roster_count(self->roster), 1);
        assert_int_equal(wherry_stream_peek(stream).data[0], "abcdef"[i]);
        wherry_stream_consume(stream, 1);
    }
    (void)hall_service(self);
    assert_int_equal(wherry_roster_count(self->roster), 0);
    hall_close(self, client);
}

/* What a client can do again and again to fill the roster up. */
static void half_a_message_keeps_nothing(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    stream = hall_couple(self, &client);
    hall_put(self, client, "abc");
    HALL_UNTIL(self, wherry_stream_peek(stream).length == 3);
    hall_break_off(self, client, stream);
    for (size_t i = 0; i < 3; i++)
        (void)hall_service(self);
    assert_int_equal(wherry_roster_count(self->roster), 0);
}

static void kept_ones_stay_until_they_are_removed(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    wherry_address remote;
    int client;

    hall_open(self, NET_TCP4, .keep_ended = 1);
    stream = hall_couple(self, &client);
    hall_break_off(self, client, stream);
    for (size_t i = 0; i < 10; i++)
        (void)hall_service(self);
    wherry_stream_remote(stream, &remote);
    assert_ptr_equal(wherry_roster_find(self->roster, &remote), stream);
    assert_true(wherry_roster_deadline(self->roster) == WHERRY_NEVER);
    assert_int_equal(wherry_roster_remove(self->roster, stream), WHERRY_OK);
    assert_int_equal(wherry_roster_count(self->roster), 0);
    assert_null(wherry_roster_take(self->roster));
}

static void half_close_of_the_other_end_does_not_stop_the_answer(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int client;

    hall_open(self, NET_TCP4, .keep_finished = 1);
    stream = hall_couple(self, &client);
    hall_put(self, client, "question");
    hall_finish(self, client, stream);
    assert_ptr_equal(wherry_roster_take(self->roster), stream);
    for (size_t i = 0; i < 5; i++)
        (void)hall_service(self);
    assert_int_equal(wherry_roster_count(self->roster), 1);
    assert_int_equal(wherry_stream_send(stream, wherry_text("answer"), WHERRY_NOW), WHERRY_OK);
    hall_expect(self, client, "answer");
    assert_int_equal(wherry_stream_shutdown(stream), WHERRY_OK);
    assert_ptr_equal(wherry_roster_take(self->roster), stream);
    wherry_stream_consume(stream, 100);
    assert_int_equal(hall_end_of(self, client), 0);
    (void)hall_service(self);
    (void)hall_service(self);
    assert_int_equal(wherry_roster_count(self->roster), 0);
    hall_close(self, client);
}

/* Bytes that are left unread are no reason to keep it. */
static void one_that_has_finished_is_closed_when_nothing_is_said_to_it(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    for (int unread = 0; unread < 2; unread++) {
        stream = hall_couple(self, &client);
        if (unread)
            hall_put(self, client, "half a quest");
        hall_finish(self, client, stream);
        assert_ptr_equal(wherry_roster_take(self->roster), stream);
        assert_int_equal(wherry_stream_is_open(stream), 1);
        assert_true(wherry_roster_deadline(self->roster) == WHERRY_NOW);
        for (size_t i = 0; i < 2 && wherry_stream_is_open(stream); i++)
            (void)hall_service(self);
        assert_int_equal(hall_end_of(self, client), 0);
        HALL_UNTIL(self, wherry_roster_count(self->roster) == 0);
        assert_null(wherry_roster_take(self->roster));
        assert_true(wherry_roster_deadline(self->roster) == WHERRY_NEVER);
        hall_close(self, client);
    }
}

/* It has the answer first, also one that takes many passes to go out. */
static void one_that_has_finished_stays_while_there_is_something_to_say(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    stream = hall_couple(self, &client);
    hall_put(self, client, "question");
    hall_finish(self, client, stream);
    wherry_stream_consume(stream, 100);
    assert_int_equal(wherry_stream_send(stream, wherry_text("answer"), WHERRY_NOW), WHERRY_OK);
    wherry_faulty_plan(self->world.system, WHERRY_CALL_SEND, .number = EAGAIN);
    for (size_t i = 0; i < 5; i++)
        (void)wherry_roster_service(self->roster);
    assert_int_equal(wherry_stream_is_open(stream), 1);
    wherry_faulty_heal(self->world.system, WHERRY_CALL_ANY);
    hall_expect(self, client, "answer");
    assert_int_equal(hall_end_of(self, client), 0);
    HALL_UNTIL(self, wherry_roster_count(self->roster) == 0);
    hall_close(self, client);
}

static void sending_to_one_that_has_gone_ends_it_alone(void **state)
{
    hall *self = *state;
    wherry_stream *streams[2];
    int clients[2];

    hall_open(self, NET_TCP4, .keep_ended = 1);
    hall_couple_many(self, clients, streams, 2);
    hall_finish(self, clients[0], streams[0]);
    hall_reset(self, clients[0]);
    for (size_t i = 0; i < 2; i++)
        (void)wherry_stream_send(streams[i], wherry_text("anybody?"), WHERRY_NOW);
    hall_expect(self, clients[1], "anybody?");
    for (size_t i = 0; i < 50; i++) {
        (void)wherry_stream_send(streams[0], wherry_text("?"), WHERRY_NOW);
        (void)hall_service(self);
        if (!wherry_stream_is_open(streams[0]))
            break;
        hall_wait(self);
    }
    assert_false(wherry_stream_is_open(streams[0]));
    assert_int_equal(wherry_stream_end(streams[1]), WHERRY_OK);
    assert_int_equal(wherry_roster_count(self->roster), 2);
    hall_close(self, clients[1]);
}

static void unsent_bytes_of_a_closed_one_still_go_out(void **state)
{
    static char large[200001];
    hall *self = *state;
    wherry_stream *stream;
    size_t length = 0;
    char text[5000];
    int client;

    memset(large, 'x', sizeof(large) - 1);
    hall_open(self, NET_TCP4, .backlog = 5);
    stream = hall_couple(self, &client);
    assert_int_equal(wherry_stream_send(stream, wherry_text(large), WHERRY_NOW), WHERRY_OK);
    wherry_roster_close(self->roster);
    while (length < sizeof(large) - 1) {
        ssize_t result = self->far->receive(self->far, client, text, sizeof(text), 0);

        assert_true(wherry_loop_step(self->world.loop) >= 0);
        if (result > 0)
            length += (size_t)result;
        else
            hall_wait(self);
    }
    assert_int_equal(hall_end_of(self, client), 0);
    hall_close(self, client);
}

static void streams_stay_to_be_looked_at_when_it_is_closed(void **state)
{
    hall *self = *state;
    wherry_stream *streams[2];
    int clients[2];

    hall_open(self, NET_TCP4, .backlog = 5);
    hall_couple_many(self, clients, streams, 2);
    hall_put(self, clients[1], "unread");
    HALL_UNTIL(self, wherry_stream_peek(streams[1]).length == 6);
    (void)hall_take_all(self);
    wherry_roster_close(self->roster);
    assert_int_equal(wherry_roster_count(self->roster), 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(wherry_stream_end(streams[i]), WHERRY_E_CLOSED);
        assert_ptr_equal(wherry_roster_take(self->roster), streams[i]);
        assert_int_equal(wherry_stream_send(streams[i], wherry_text("x"), WHERRY_NOW),
                         WHERRY_E_CLOSED);
    }
    assert_memory_equal(wherry_stream_peek(streams[1]).data, "unread", 6);
    assert_int_equal(wherry_roster_remove(self->roster, streams[0]), WHERRY_OK);
    assert_int_equal(wherry_roster_count(self->roster), 1);
    assert_int_equal(wherry_roster_open(self->roster), WHERRY_OK);
    assert_int_equal(wherry_roster_count(self->roster), 0);
    hall_close_many(self, clients, 2);
}

static void all_streams_can_be_closed_at_once(void **state)
{
    hall *self = *state;
    wherry_stream *streams[3];
    int clients[3];

    hall_open(self, NET_TCP4, .backlog = 5);
    hall_couple_many(self, clients, streams, 3);
    wherry_roster_close_streams(self->roster);
    assert_int_equal(wherry_roster_count(self->roster), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(wherry_stream_end(streams[i]), WHERRY_E_CLOSED);
        assert_int_equal(hall_end_of(self, clients[i]), 0);
    }
    assert_true(wherry_roster_is_open(self->roster));
    HALL_UNTIL(self, wherry_roster_count(self->roster) == 0);
    hall_close_many(self, clients, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HALL_TEST(one_that_ended_is_there_for_a_pass),
        HALL_TEST(what_came_before_the_end_can_be_read_at_leisure),
        HALL_TEST(half_a_message_keeps_nothing),
        HALL_TEST(kept_ones_stay_until_they_are_removed),
        HALL_TEST(half_close_of_the_other_end_does_not_stop_the_answer),
        HALL_TEST(one_that_has_finished_is_closed_when_nothing_is_said_to_it),
        HALL_TEST(one_that_has_finished_stays_while_there_is_something_to_say),
        HALL_TEST(sending_to_one_that_has_gone_ends_it_alone),
        HALL_TEST(unsent_bytes_of_a_closed_one_still_go_out),
        HALL_TEST(streams_stay_to_be_looked_at_when_it_is_closed),
        HALL_TEST(all_streams_can_be_closed_at_once),
    };

    return HALL_RUN(tests);
}
