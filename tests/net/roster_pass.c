/* Rosters: what one pass does, and what it costs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/roster.h>

#include "support/hall.h"

static char large[3 << 20];

static void fill_large(void)
{
    net_fill(large, sizeof(large) - 1, 0);
}

/* As much as the system takes. Returns how much. */
static size_t put_most(hall *self, int client, const char *data, size_t length)
{
    const struct iovec part = { .iov_base = (void *)(uintptr_t)data, .iov_len = length };
    ssize_t result = self->far->send(self->far, client, &part, 1, 0);

    assert_true(result > 0 || result == -EAGAIN);
    return result > 0 ? (size_t)result : 0;
}

/* --- parts of a pass */

static void parts_of_a_pass_do_what_their_names_say(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int client;
    ssize_t count;

    hall_open(self, NET_TCP4, .backlog = 5);
    client = hall_dial(self, NULL);
    while ((count = wherry_roster_service_connects(self->roster)) == 0)
        hall_wait(self);
    assert_int_equal(count, 1);
    stream = wherry_roster_take(self->roster);
    hall_put(self, client, "abc");
    assert_int_equal(wherry_roster_service_connects(self->roster), 0);
    assert_int_equal(wherry_roster_service_sends(self->roster), 0);
    assert_int_equal(wherry_stream_peek(stream).length, 0);
    while ((count = wherry_roster_service_receives(self->roster)) == 0)
        hall_wait(self);
    assert_int_equal(count, 1);
    assert_int_equal(wherry_stream_peek(stream).length, 3);
    assert_int_equal(wherry_roster_service_receives(self->roster), 0);
    assert_int_equal(wherry_stream_send(stream, wherry_text("de"), WHERRY_NOW), WHERRY_OK);
    assert_true(wherry_roster_deadline(self->roster) == WHERRY_NOW);
    assert_int_equal(wherry_roster_service_receives(self->roster), 0);
    assert_int_equal(wherry_stream_unsent(stream), 2);
    assert_int_equal(wherry_roster_service_sends(self->roster), 1);
    assert_int_equal(wherry_stream_unsent(stream), 0);
    assert_int_equal(wherry_roster_service_sends(self->roster), 0);
    hall_expect(self, client, "de");
    hall_close(self, client);
}

static void pass_counts_the_streams_to_which_something_happened(void **state)
{
    hall *self = *state;
    wherry_stream *streams[3];
    int clients[3];

    hall_open(self, NET_UNIX, .backlog = 5);
    hall_couple_many(self, clients, streams, 3);
    assert_int_equal(hall_service(self), 0);
    for (size_t i = 0; i < 2; i++) {
        hall_put(self, clients[i], "x");
        assert_int_equal(wherry_stream_send(streams[i + 1], wherry_text("y"), WHERRY_NOW),
                         WHERRY_OK);
    }
    hall_settle(self);
    assert_int_equal(hall_service(self), 3);
    assert_int_equal(hall_service(self), 0);
    hall_close_many(self, clients, 3);
}

static void what_comes_with_the_connection_is_received_in_the_same_pass(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int client;

    hall_open(self, NET_UNIX, .backlog = 5);
    client = hall_dial(self, NULL);
    hall_put(self, client, "at once");
    hall_settle(self);
    assert_int_equal(hall_service(self), 1);
    stream = wherry_roster_take(self->roster);
    assert_int_equal(wherry_stream_peek(stream).length, 7);
    assert_null(wherry_roster_take(self->roster));
    hall_close(self, client);
}

/* --- fast senders, and slow receivers */

static void fast_sender_does_not_hold_a_pass(void **state)
{
    hall *self = *state;
    wherry_stream *streams[2];
    int clients[2];
    size_t sent = 0, most = 0;

    fill_large();
    hall_open(self, NET_UNIX, .stream = HALL_STREAM(.receive_max = sizeof(large)));
    hall_couple_many(self, clients, streams, 2);
    while (sent < sizeof(large)) {
        size_t before = wherry_stream_peek(streams[0]).length, came;

        sent += put_most(self, clients[0], large + sent, sizeof(large) - sent);
        hall_settle(self);
        (void)hall_service(self);
        came = wherry_stream_peek(streams[0]).length - before;
        most = came > most ? came : most;
    }
    assert_true(most <= 1 << 20);
    hall_put(self, clients[1], "my turn");
    HALL_UNTIL(self, wherry_stream_peek(streams[1]).length == 7);
    HALL_UNTIL(self, wherry_stream_peek(streams[0]).length == sizeof(large));
    assert_memory_equal(wherry_stream_peek(streams[0]).data, large, sizeof(large));
    hall_close_many(self, clients, 2);
}

static void full_buffer_holds_the_sender_back_and_costs_nothing(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    size_t sent = 0, calls, received = 0;
    int client;

    fill_large();
    hall_open(self, NET_TCP4, .stream = HALL_STREAM(.receive_max = 10000));
    stream = hall_couple(self, &client);
    for (int idle = 0; idle < 20 && sent < sizeof(large);) {
        size_t more = put_most(self, client, large + sent, sizeof(large) - sent);

        sent += more;
        idle = more > 0 ? 0 : idle + 1;
        (void)hall_service(self);
        hall_wait(self);
        assert_true(wherry_stream_peek(stream).length <= 10000);
    }
    assert_int_equal(wherry_stream_peek(stream).length, 10000);
    calls = wherry_faulty_calls(self->world.system, WHERRY_CALL_RECEIVE);
    for (int i = 0; i < 10; i++)
        assert_int_equal(hall_service(self), 0);
    assert_int_equal(wherry_faulty_calls(self->world.system, WHERRY_CALL_RECEIVE), calls);
    while (received < sent) {
        wherry_bytes bytes = wherry_stream_peek(stream);

        assert_memory_equal(bytes.data, large + received, bytes.length);
        received += bytes.length;
        wherry_stream_consume(stream, bytes.length);
        (void)hall_service(self);
        hall_wait(self);
    }
    hall_close(self, client);
}

static void paused_stream_is_not_read(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    stream = hall_couple(self, &client);
    wherry_stream_pause(stream);
    hall_put(self, client, "abc");
    for (int i = 0; i < 5; i++) {
        hall_wait(self);
        assert_int_equal(hall_service(self), 0);
    }
    wherry_stream_resume(stream);
    HALL_UNTIL(self, wherry_stream_peek(stream).length == 3);
    hall_close(self, client);
}

static void send_that_was_refused_is_taken_when_there_is_room(void **state)
{
    static char text[100000];
    hall *self = *state;
    wherry_stream *stream;
    size_t received = 0;
    int client, result;

    hall_open(self, NET_TCP4, .stream = HALL_STREAM(.send_max = 50000));
    stream = hall_couple(self, &client);
    do {
        result = wherry_stream_send(stream, wherry_bytes_at(text, 10000), WHERRY_NOW);
        (void)hall_service(self);
    } while (wherry_stream_unsent(stream) < 40000);
    while (result == WHERRY_OK)
        result = wherry_stream_send(stream, wherry_bytes_at(text, 10000), WHERRY_NOW);
    assert_int_equal(result, WHERRY_E_WOULD_BLOCK);
    assert_null(wherry_roster_take(self->roster));
    while (wherry_roster_take(self->roster) == NULL) {
        ssize_t count = self->far->receive(self->far, client, text, sizeof(text), 0);

        received += count > 0 ? (size_t)count : 0;
        (void)hall_service(self);
        hall_wait(self);
    }
    assert_true(wherry_stream_unsent(stream) <= 25000);
    assert_int_equal(wherry_stream_send(stream, wherry_text("again"), WHERRY_NOW), WHERRY_OK);
    assert_true(received > 0);
    hall_close(self, client);
}

static void without_buffers_sending_is_tried_again_by_time(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    size_t calls;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    stream = hall_couple(self, &client);
    wherry_faulty_plan(self->world.system, WHERRY_CALL_SEND, .number = ENOBUFS);
    assert_int_equal(wherry_stream_send(stream, wherry_text("later"), WHERRY_NOW), WHERRY_OK);
    (void)hall_service(self);
    calls = wherry_faulty_calls(self->world.system, WHERRY_CALL_SEND);
    assert_int_equal(wherry_faulty_strikes(self->world.system, WHERRY_CALL_SEND), 1);
    for (int i = 0; i < 5; i++)
        (void)hall_service(self);
    assert_int_equal(wherry_faulty_calls(self->world.system, WHERRY_CALL_SEND), calls);
    assert_true(wherry_roster_deadline(self->roster) <=
                wherry_loop_now(self->world.loop) + WHERRY_MILLISECONDS(10));
    wherry_faulty_heal(self->world.system, WHERRY_CALL_ANY);
    hall_tick(self, WHERRY_MILLISECONDS(11));
    hall_expect(self, client, "later");
    hall_close(self, client);
}

/* After a pause, say: the other end's bytes are received all the same, only later. */
static void stream_that_cannot_be_watched_again_is_looked_at_by_time(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    stream = hall_couple(self, &client);
    wherry_stream_pause(stream);
    hall_put(self, client, "abc");
    for (int i = 0; i < 5; i++) {
        hall_wait(self);
        (void)hall_service(self);
    }
    wherry_faulty_plan(self->world.system, WHERRY_CALL_WATCH, .number = ENOMEM);
    wherry_stream_resume(stream);
    assert_int_equal(wherry_faulty_strikes(self->world.system, WHERRY_CALL_WATCH), 1);
    hall_tick(self, WHERRY_MILLISECONDS(11));
    (void)hall_service(self);
    (void)hall_service(self);
    assert_int_equal(wherry_stream_peek(stream).length, 3);
    wherry_faulty_heal(self->world.system, WHERRY_CALL_ANY);
    hall_tick(self, WHERRY_MILLISECONDS(11));
    (void)hall_service(self);
    hall_put(self, client, "def");
    HALL_UNTIL(self, wherry_stream_peek(stream).length == 6);
    hall_close(self, client);
}

static void interrupted_pass_loses_nothing(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    stream = hall_couple(self, &client);
    hall_put(self, client, "abc");
    wherry_faulty_plan(self->world.system, WHERRY_CALL_WAIT, .count = 3, .number = EINTR);
    HALL_UNTIL(self, wherry_stream_peek(stream).length == 3);
    assert_int_equal(wherry_faulty_unstruck(self->world.system, NULL, 0), 0);
    wherry_faulty_plan(self->world.system, WHERRY_CALL_WAIT, .count = 1, .number = ENOMEM);
    assert_int_equal(wherry_roster_service(self->roster), WHERRY_E_NO_MEMORY);
    hall_put(self, client, "def");
    HALL_UNTIL(self, wherry_stream_peek(stream).length == 6);
    hall_close(self, client);
}

/* --- more than one wait reports */

static void of_any_number_that_are_ready_all_are_served_in_one_pass(void **state)
{
    static int clients[300];
    hall *self = *state;

    hall_open(self, NET_UNIX, .waiting_max = 300);
    for (size_t i = 0; i < 300; i++) {
        clients[i] = hall_dial(self, NULL);
        (void)hall_service(self);
    }
    HALL_UNTIL(self, wherry_roster_count(self->roster) == 300);
    (void)hall_take_all(self);
    for (size_t i = 0; i < 300; i++)
        hall_put(self, clients[i], "x");
    hall_settle(self);
    assert_int_equal(hall_service(self), 300);
    assert_int_equal(hall_take_all(self), 300);
    hall_close_many(self, clients, 300);
}

/* --- what it costs */

#define IDLE 10000

static size_t calls_of_a_pass(hall *self, const int *busy)
{
    size_t before;

    for (size_t i = 0; i < 10; i++)
        hall_put(self, busy[i], "x");
    hall_settle(self);
    before = wherry_faulty_calls(self->world.system, WHERRY_CALL_ANY);
    assert_int_equal(hall_service(self), 10);
    assert_int_equal(hall_take_all(self), 10);
    return wherry_faulty_calls(self->world.system, WHERRY_CALL_ANY) - before;
}

/* Of streams that have an idle time, too. */
static void idle_connections_do_not_slow_a_pass(void **state)
{
    static int clients[IDLE];
    hall *self = *state;
    struct rlimit limit;
    size_t count = self->simulated != NULL ? 9000 : IDLE; /* a host has 20,000 descriptors */
    size_t few, many;

    if (self->simulated == NULL && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        if (limit.rlim_max < 2 * IDLE + 100)
            count = limit.rlim_max / 2 - 100;
    }
    hall_open(self, NET_UNIX, .streams_max = IDLE,
              .stream = HALL_STREAM(.idle_timeout = WHERRY_SECONDS(60)));
    for (size_t i = 0; i < 10; i++)
        clients[i] = hall_dial(self, NULL);
    HALL_UNTIL(self, wherry_roster_count(self->roster) == 10);
    (void)hall_take_all(self);
    few = calls_of_a_pass(self, clients);
    for (size_t i = 10; i < count; i++) {
        clients[i] = hall_dial(self, NULL);
        if (i % 50 == 0)
            (void)hall_service(self);
    }
    HALL_UNTIL(self, wherry_roster_count(self->roster) == count);
    (void)hall_take_all(self);
    many = calls_of_a_pass(self, clients);
    assert_int_equal(many, few);
    assert_true(few <= 1 + 2 * 10);
    hall_close_many(self, clients, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HALL_TEST(parts_of_a_pass_do_what_their_names_say),
        HALL_TEST(pass_counts_the_streams_to_which_something_happened),
        HALL_TEST(what_comes_with_the_connection_is_received_in_the_same_pass),
        HALL_TEST(fast_sender_does_not_hold_a_pass),
        HALL_TEST(full_buffer_holds_the_sender_back_and_costs_nothing),
        HALL_TEST(paused_stream_is_not_read),
        HALL_TEST(send_that_was_refused_is_taken_when_there_is_room),
        HALL_TEST(without_buffers_sending_is_tried_again_by_time),
        HALL_TEST(stream_that_cannot_be_watched_again_is_looked_at_by_time),
        HALL_TEST(interrupted_pass_loses_nothing),
        HALL_TEST(of_any_number_that_are_ready_all_are_served_in_one_pass),
        HALL_TEST(idle_connections_do_not_slow_a_pass),
    };

    return HALL_RUN(tests);
}
