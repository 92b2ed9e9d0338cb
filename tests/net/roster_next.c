/* A pass of a roster stream by stream: in what order streams are given, what goes out meanwhile,
 * and that a pass ends, whatever they do. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/roster.h>

#include "support/hall.h"

#define MANY 130 /* are ready: two waits tell 64 each, a third one the rest */
#define TOLD_AT_ONCE 64

/* The next one; NULL: the pass is over. */
static wherry_stream *next(hall *self)
{
    wherry_stream *stream = NULL;
    int result = wherry_roster_service_next(self->roster, &stream);

    assert_int_equal(result, stream == NULL ? 0 : 1);
    return stream;
}

static void send_back(wherry_stream *stream)
{
    assert_int_equal(wherry_stream_send(stream, wherry_stream_peek(stream), WHERRY_NOW), WHERRY_OK);
    wherry_stream_consume(stream, wherry_stream_peek(stream).length);
}

/* The clients of a test and their streams, in the order of their making. */
static int clients[MANY];
static wherry_stream *streams[MANY];

/* So many clients, of whom each says something that is there to be received. */
static void couple_and_put(hall *self, size_t count)
{
    hall_couple_many(self, clients, streams, count);
    (void)hall_take_all(self);
    for (size_t i = 0; i < count; i++)
        hall_put(self, clients[i], "hello");
    hall_settle(self);
}

/* The same with a roster that is opened for them. */
static void open_and_put(hall *self, size_t count)
{
    hall_open(self, NET_TCP4, .backlog = MANY);
    couple_and_put(self, count);
}

/* --- order */

static void what_one_is_sent_goes_out_before_the_next_is_received_from(void **state)
{
    hall *self = *state;
    wherry_stream *one, *other;

    open_and_put(self, 3);
    one = next(self);
    assert_int_equal(wherry_stream_peek(one).length, 5);
    for (size_t i = 0; i < 3; i++)
        assert_true(streams[i] == one || wherry_stream_peek(streams[i]).length == 0);
    send_back(one);
    assert_int_equal(wherry_stream_unsent(one), 5);
    other = next(self);
    assert_true(other != NULL && other != one);
    assert_int_equal(wherry_stream_unsent(one), 0);
    assert_non_null(next(self));
    assert_null(next(self));
    hall_put(self, clients[0], "again");
    hall_settle(self);
    assert_ptr_equal(next(self), streams[0]);
    assert_null(next(self));
    hall_close_many(self, clients, 3);
}

static void new_ones_and_the_end_of_others_are_told(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    client = hall_dial(self, NULL);
    hall_settle(self);
    stream = next(self);
    assert_non_null(stream);
    assert_int_equal(wherry_stream_peek(stream).length, 0);
    assert_null(next(self));
    hall_put(self, client, "bye");
    hall_close(self, client);
    hall_settle(self);
    while (wherry_stream_end(stream) == WHERRY_OK)
        (void)next(self);
    assert_int_equal(wherry_stream_end(stream), WHERRY_E_END);
    assert_int_equal(wherry_stream_peek(stream).length, 3);
    while (wherry_roster_count(self->roster) > 0)
        if ((stream = next(self)) != NULL)
            wherry_stream_consume(stream, 3);
}

static void room_is_told_behind_those_that_received_and_once_a_pass(void **state)
{
    hall *self = *state;

    hall_open(self, NET_TCP4, .stream = HALL_STREAM(.send_max = 4));
    couple_and_put(self, 2);
    while (next(self) != NULL)
        ;
    hall_put(self, clients[1], "more");
    hall_settle(self);
    assert_int_equal(wherry_stream_send(streams[0], wherry_text("full"), WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_stream_send(streams[0], wherry_text("!"), WHERRY_NOW),
                     WHERRY_E_WOULD_BLOCK);
    assert_ptr_equal(next(self), streams[1]);
    assert_ptr_equal(next(self), streams[0]);
    assert_int_equal(wherry_stream_send(streams[0], wherry_text("full"), WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_stream_send(streams[0], wherry_text("!"), WHERRY_NOW),
                     WHERRY_E_WOULD_BLOCK);
    assert_null(next(self));
    assert_int_equal(wherry_stream_unsent(streams[0]), 0);
    assert_true(wherry_roster_deadline(self->roster) == WHERRY_NOW);
    assert_ptr_equal(next(self), streams[0]);
    assert_null(next(self));
    assert_true(wherry_roster_deadline(self->roster) != WHERRY_NOW);
    hall_close_many(self, clients, 2);
}

/* --- many */

static void each_of_many_is_given_once(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    size_t count = 0;

    open_and_put(self, MANY);
    while ((stream = next(self)) != NULL) {
        assert_int_equal(wherry_stream_peek(stream).length, 5);
        wherry_stream_consume(stream, 5);
        count++;
    }
    assert_int_equal(count, MANY);
    hall_close_many(self, clients, MANY);
}

static void those_that_are_ready_again_and_again_do_not_hold_a_pass(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    size_t count = 0;

    open_and_put(self, MANY);
    while ((stream = next(self)) != NULL && count <= (size_t)3 * TOLD_AT_ONCE) {
        wherry_stream_consume(stream, wherry_stream_peek(stream).length);
        for (size_t i = 0; i < MANY; i++)
            if (streams[i] == stream)
                hall_put(self, clients[i], "again");
        hall_settle(self);
        count++;
    }
    assert_null(stream);
    assert_true(count >= MANY);
    hall_close_many(self, clients, MANY);
}

/* One is ready always, and the program waits or sends between any two calls. */
static void expect_idle_end(hall *self, int client, wherry_stream *busy, bool sends)
{
    wherry_stream *stream;

    for (int i = 0; i < 10 && wherry_roster_count(self->roster) == 2; i++) {
        hall_put(self, client, "busy");
        hall_settle(self);
        if (sends)
            assert_true(wherry_roster_service_sends(self->roster) >= 0);
        else
            assert_int_equal(wherry_roster_wait(self->roster, WHERRY_NOW), WHERRY_OK);
        stream = next(self);
        if (stream == busy)
            wherry_stream_consume(stream, wherry_stream_peek(stream).length);
    }
    assert_int_equal(wherry_roster_count(self->roster), 1);
}

static void pass_that_is_left_early_each_time_comes_to_its_end(void **state)
{
    hall *self = *state;

    for (int sends = 0; sends < 2; sends++) {
        open_and_put(self, 2);
        while (next(self) != NULL)
            ;
        wherry_stream_consume(streams[1], wherry_stream_peek(streams[1]).length);
        wherry_stream_abort(streams[1]);
        expect_idle_end(self, clients[0], streams[0], sends != 0);
        hall_close_many(self, clients, 2);
        hall_free(self);
    }
}

/* --- what the program does meanwhile */

static void streams_can_be_removed_and_handed_over(void **state)
{
    hall *self = *state;
    wherry_stream *first;
    size_t removed = 0, count = 0;

    open_and_put(self, 4);
    first = next(self);
    for (size_t i = 0; i < 4 && removed < 2; i++)
        if (streams[i] != first && removed++ == 0)
            assert_int_equal(wherry_roster_remove(self->roster, streams[i]), WHERRY_OK);
        else if (streams[i] != first) {
            assert_int_equal(wherry_roster_hand_over(self->roster, streams[i]), WHERRY_OK);
            wherry_stream_free(streams[i]);
        }
    assert_int_equal(wherry_roster_remove(self->roster, first), WHERRY_OK);
    while (next(self) != NULL)
        count++;
    assert_int_equal(count, 1);
    assert_int_equal(wherry_roster_count(self->roster), 1);
    hall_close_many(self, clients, 4);
}

static void roster_that_is_closed_meanwhile_gives_none(void **state)
{
    hall *self = *state;
    wherry_stream *stream;

    open_and_put(self, 2);
    assert_non_null(next(self));
    wherry_roster_close(self->roster);
    stream = streams[0];
    assert_int_equal(wherry_roster_service_next(self->roster, &stream), WHERRY_E_CLOSED);
    assert_null(stream);
    assert_int_equal(hall_take_all(self), 2);
    hall_close_many(self, clients, 2);
    assert_int_equal(wherry_roster_open(self->roster), WHERRY_OK);
    assert_true(wherry_roster_deadline(self->roster) != WHERRY_NOW);
    wherry_roster_external(self->roster, &self->address);
    clients[0] = hall_dial(self, NULL);
    hall_settle(self);
    assert_non_null(next(self));
    assert_null(next(self));
    hall_close(self, clients[0]);
}

static void pass_that_was_left_early_goes_on(void **state)
{
    hall *self = *state;
    wherry_stream *first, *second;

    open_and_put(self, 2);
    first = next(self);
    assert_true(wherry_roster_deadline(self->roster) == WHERRY_NOW);
    second = next(self);
    assert_true(second != NULL && second != first);
    assert_null(next(self));
    assert_true(wherry_roster_deadline(self->roster) != WHERRY_NOW);
    hall_close_many(self, clients, 2);
}

static void another_pass_takes_its_place(void **state)
{
    hall *self = *state;
    wherry_stream *first, *second;

    open_and_put(self, 2);
    first = next(self);
    assert_int_equal(hall_service(self), 1);
    second = wherry_roster_take(self->roster);
    assert_true(second != NULL && second != first);
    assert_null(wherry_roster_take(self->roster));
    assert_true(wherry_roster_deadline(self->roster) != WHERRY_NOW);
    assert_null(next(self));
    hall_close_many(self, clients, 2);
}

static void end_that_another_pass_saw_is_told_before_it_goes(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    stream = hall_couple(self, &client);
    (void)hall_take_all(self);
    hall_reset(self, client);
    while (wherry_stream_end(stream) == WHERRY_OK) {
        hall_wait(self);
        assert_true(wherry_roster_service_receives(self->roster) >= 0);
    }
    assert_ptr_equal(next(self), stream);
    assert_int_equal(wherry_stream_end(stream), WHERRY_E_RESET);
    assert_null(next(self));
    assert_null(next(self));
    assert_int_equal(wherry_roster_count(self->roster), 0);
}

static void room_that_sends_made_between_passes_is_not_slept_over(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int client;

    hall_open(self, NET_TCP4, .stream = HALL_STREAM(.send_max = 4));
    stream = hall_couple(self, &client);
    (void)hall_take_all(self);
    assert_null(next(self));
    assert_int_equal(wherry_stream_send(stream, wherry_text("full"), WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_stream_send(stream, wherry_text("!"), WHERRY_NOW),
                     WHERRY_E_WOULD_BLOCK);
    assert_true(wherry_roster_service_sends(self->roster) == 1);
    assert_true(wherry_roster_deadline(self->roster) == WHERRY_NOW);
    assert_ptr_equal(wherry_roster_take(self->roster), stream);
    assert_true(wherry_roster_deadline(self->roster) != WHERRY_NOW);
    hall_close(self, client);
}

/* --- asking */

static void what_a_wait_has_asked_is_not_asked_again(void **state)
{
    hall *self = *state;
    uint64_t calls;

    open_and_put(self, 1);
    assert_int_equal(wherry_roster_wait(self->roster, WHERRY_NOW), WHERRY_OK);
    calls = wherry_faulty_calls(self->world.system, WHERRY_CALL_WAIT);
    assert_non_null(next(self));
    assert_null(next(self));
    assert_true(wherry_faulty_calls(self->world.system, WHERRY_CALL_WAIT) == calls);
    assert_null(next(self));
    assert_true(wherry_faulty_calls(self->world.system, WHERRY_CALL_WAIT) == calls + 1);
    hall_close_many(self, clients, 1);
}

static void failure_to_ask_loses_nothing(void **state)
{
    hall *self = *state;
    wherry_stream *stream = (void *)self;

    open_and_put(self, 1);
    assert_int_equal(wherry_faulty_plan(self->world.system, WHERRY_CALL_WAIT, .number = ENOMEM,
                                        .first = 1, .count = 1),
                     WHERRY_OK);
    assert_int_equal(wherry_roster_service_next(self->roster, &stream), WHERRY_E_NO_MEMORY);
    assert_null(stream);
    assert_ptr_equal(next(self), streams[0]);
    assert_null(next(self));
    hall_close_many(self, clients, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HALL_TEST(what_one_is_sent_goes_out_before_the_next_is_received_from),
        HALL_TEST(new_ones_and_the_end_of_others_are_told),
        HALL_TEST(room_is_told_behind_those_that_received_and_once_a_pass),
        HALL_TEST(each_of_many_is_given_once),
        HALL_TEST(those_that_are_ready_again_and_again_do_not_hold_a_pass),
        HALL_TEST(pass_that_is_left_early_each_time_comes_to_its_end),
        HALL_TEST(streams_can_be_removed_and_handed_over),
        HALL_TEST(roster_that_is_closed_meanwhile_gives_none),
        HALL_TEST(pass_that_was_left_early_goes_on),
        HALL_TEST(another_pass_takes_its_place),
        HALL_TEST(end_that_another_pass_saw_is_told_before_it_goes),
        HALL_TEST(room_that_sends_made_between_passes_is_not_slept_over),
        HALL_TEST(what_a_wait_has_asked_is_not_asked_again),
        HALL_TEST(failure_to_ask_loses_nothing),
    };

    return HALL_RUN(tests);
}
