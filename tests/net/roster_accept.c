/* Rosters: how connections are accepted, and that neither those that come to nothing nor a machine
 * that lacks something ends or busies them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/log.h>
#include <wherry/roster.h>

#include "support/hall.h"

/* Lines that were logged. */
typedef struct listener_log {
    wherry_logger logger; /* first */
    size_t lines;
} listener_log;

static void count_line(wherry_logger *self, wherry_log_level level, const char *line)
{
    (void)level, (void)line;
    ((listener_log *)self)->lines++;
}

static listener_log lines = { .logger = { .write = count_line } };

static void begin_log(void)
{
    lines.lines = 0;
    wherry_log_set(&lines.logger);
}

/* Accepts until so many wait. */
static void await_waiting(hall *self, size_t count)
{
    while (wherry_roster_waiting(self->roster) < count)
        if (wherry_roster_accept(self->roster) == 0)
            hall_wait(self);
}

/* --- in the row */

static void those_that_wait_are_seen_before_streams_are_made(void **state)
{
    hall *self = *state;
    wherry_address own[2], address;
    int clients[2];

    hall_open(self, NET_TCP4, .backlog = 5);
    for (size_t i = 0; i < 2; i++) {
        clients[i] = hall_dial(self, &own[i]);
        while (wherry_roster_accept_one(self->roster) == 0)
            hall_wait(self);
        assert_int_equal(wherry_roster_waiting(self->roster), i + 1);
    }
    assert_int_equal(wherry_roster_accept_one(self->roster), 0);
    assert_int_equal(wherry_roster_count(self->roster), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(wherry_roster_waiting_address(self->roster, i, &address), WHERRY_OK);
        assert_true(wherry_address_equal(&address, &own[i]));
        assert_null(wherry_roster_find(self->roster, &own[i]));
    }
    assert_int_equal(wherry_roster_waiting_address(self->roster, 2, &address), WHERRY_E_NOT_FOUND);
    assert_int_equal(wherry_roster_service_connects(self->roster), 2);
    assert_int_equal(wherry_roster_waiting(self->roster), 0);
    assert_int_equal(wherry_roster_count(self->roster), 2);
    for (size_t i = 0; i < 2; i++) {
        wherry_stream *stream = wherry_roster_take(self->roster);

        assert_ptr_equal(wherry_roster_find(self->roster, &own[i]), stream);
        hall_close(self, clients[i]);
    }
}

static void more_than_the_row_holds_wait_in_the_backlog(void **state)
{
    hall *self = *state;
    int clients[4];

    hall_open(self, NET_TCP4, .waiting_max = 3);
    for (size_t i = 0; i < 4; i++)
        clients[i] = hall_dial(self, NULL);
    await_waiting(self, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(wherry_roster_accept(self->roster), 0);
    assert_int_equal(wherry_roster_waiting(self->roster), 3);
    assert_int_equal(wherry_roster_service_connects(self->roster), 3);
    HALL_UNTIL(self, wherry_roster_count(self->roster) == 4);
    hall_close_many(self, clients, 4);
}

static void at_the_limit_of_streams_none_is_accepted(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int clients[3];

    hall_open(self, NET_TCP4, .streams_max = 2);
    for (size_t i = 0; i < 3; i++)
        clients[i] = hall_dial(self, NULL);
    HALL_UNTIL(self, wherry_roster_count(self->roster) == 2);
    for (size_t i = 0; i < 3; i++) {
        hall_wait(self);
        (void)hall_service(self);
        assert_int_equal(wherry_roster_accept(self->roster), 0);
        assert_int_equal(wherry_roster_count(self->roster), 2);
    }
    stream = wherry_roster_take(self->roster);
    assert_int_equal(wherry_roster_remove(self->roster, stream), WHERRY_OK);
    HALL_UNTIL(self, wherry_roster_count(self->roster) == 2);
    hall_close_many(self, clients, 3);
}

/* At the limit nothing is asked of the listening socket. */
static void full_roster_is_not_woken_by_who_waits(void **state)
{
    hall *self = *state;
    int clients[2];
    size_t calls;

    hall_open(self, NET_TCP4, .streams_max = 1);
    (void)hall_couple(self, &clients[0]);
    (void)hall_service(self);
    clients[1] = hall_dial(self, NULL);
    calls = wherry_faulty_calls(self->world.system, WHERRY_CALL_ACCEPT);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(hall_service(self), 0);
    assert_int_equal(wherry_faulty_calls(self->world.system, WHERRY_CALL_ACCEPT), calls);
    hall_close(self, clients[0]);
    hall_close(self, clients[1]);
}

static void those_that_wait_when_it_is_closed_get_a_reset(void **state)
{
    hall *self = *state;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    client = hall_dial(self, NULL);
    await_waiting(self, 1);
    wherry_roster_close(self->roster);
    assert_int_equal(hall_end_of(self, client), -ECONNRESET);
    hall_close(self, client);
}

/* --- what goes wrong */

static void connection_that_was_reset_while_it_waited_ends_alone(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int clients[2];

    hall_open(self, NET_TCP4, .keep_ended = 1);
    for (int accepted = 0; accepted < 2; accepted++) {
        clients[0] = hall_dial(self, NULL);
        clients[1] = hall_dial(self, NULL);
        if (accepted)
            await_waiting(self, 2);
        hall_reset(self, clients[0]);
        HALL_UNTIL(self, (stream = wherry_roster_take(self->roster)) != NULL &&
                             wherry_stream_end(stream) == WHERRY_OK);
        hall_put(self, clients[1], "alive");
        HALL_UNTIL(self, wherry_stream_peek(stream).length == 5);
        hall_close(self, clients[1]);
        assert_int_equal(wherry_roster_open(self->roster), WHERRY_OK);
        wherry_roster_external(self->roster, &self->address);
    }
}

static void accepting_what_came_to_nothing_goes_on_with_the_next(void **state)
{
    static const int numbers[] = { ECONNABORTED, EPROTO, ENETDOWN, EPERM, EINTR };
    hall *self = *state;

    hall_open(self, NET_TCP4, .keep_finished = 1);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        int client = hall_dial(self, NULL);

        wherry_faulty_plan(self->world.system, WHERRY_CALL_ACCEPT, .count = 1,
                           .number = numbers[i]);
        HALL_UNTIL(self, wherry_roster_count(self->roster) == i + 1);
        assert_int_equal(wherry_faulty_unstruck(self->world.system, NULL, 0), 0);
        hall_close(self, client);
    }
}

static void lack_of_descriptors_pauses_accepting_and_is_logged_once(void **state)
{
    static const int numbers[] = { EMFILE, ENFILE, ENOBUFS, ENOMEM };
    hall *self = *state;
    wherry_stream *stream;
    int client, second;

    hall_open(self, NET_TCP4, .keep_finished = 1);
    stream = hall_couple(self, &client);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        size_t count = wherry_roster_count(self->roster), calls;

        begin_log();
        second = hall_dial(self, NULL);
        wherry_faulty_plan(self->world.system, WHERRY_CALL_ACCEPT, .number = numbers[i]);
        while (wherry_faulty_strikes(self->world.system, WHERRY_CALL_ACCEPT) == i) {
            (void)hall_service(self);
            hall_wait(self);
        }
        calls = wherry_faulty_calls(self->world.system, WHERRY_CALL_ACCEPT);
        hall_put(self, client, "x"); /* the others go on */
        HALL_UNTIL(self, wherry_stream_peek(stream).length == i + 1);
        assert_int_equal(wherry_roster_accept(self->roster), 0);
        hall_tick(self, WHERRY_MILLISECONDS(99));
        (void)hall_service(self);
        assert_int_equal(wherry_faulty_calls(self->world.system, WHERRY_CALL_ACCEPT), calls);
        assert_int_equal(lines.lines, 1);
        wherry_faulty_heal(self->world.system, WHERRY_CALL_ANY);
        assert_true(wherry_roster_deadline(self->roster) <=
                    wherry_loop_now(self->world.loop) + WHERRY_MILLISECONDS(1));
        hall_tick(self, WHERRY_MILLISECONDS(1));
        HALL_UNTIL(self, wherry_roster_count(self->roster) == count + 1);
        assert_int_equal(lines.lines, 1);
        wherry_log_set(NULL);
        hall_close(self, second);
    }
    hall_close(self, client);
}

/* Memory for the connection, for the stream, for the table: each time the connection waits. */
static void without_memory_a_connection_waits_and_is_not_lost(void **state)
{
    hall *self = *state;
    size_t failures = 0;

    hall_open(self, NET_UNIX, .keep_finished = 1);
    for (size_t failing = 1; failing < 12; failing++) {
        int client = hall_dial(self, NULL);

        self->world.memory.failures = 0;
        self->world.memory.fail_at = self->world.memory.calls + failing;
        (void)hall_service(self);
        (void)hall_service(self);
        self->world.memory.fail_at = 0;
        failures += self->world.memory.failures;
        hall_put(self, client, "still here");
        for (size_t i = 0; i < 200 && wherry_roster_count(self->roster) < failing; i++) {
            hall_tick(self, WHERRY_MILLISECONDS(100));
            (void)hall_service(self);
            hall_wait(self);
        }
        assert_int_equal(wherry_roster_count(self->roster), failing);
        hall_close(self, client);
    }
    assert_true(failures >= 2);
}

static void stream_that_cannot_be_watched_is_made_later(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    client = hall_dial(self, NULL);
    await_waiting(self, 1);
    wherry_faulty_plan(self->world.system, WHERRY_CALL_WATCH, .number = ENOSPC);
    assert_int_equal(wherry_roster_service_connects(self->roster), 0);
    assert_int_equal(wherry_roster_waiting(self->roster), 1);
    assert_int_equal(wherry_roster_count(self->roster), 0);
    wherry_faulty_heal(self->world.system, WHERRY_CALL_ANY);
    assert_int_equal(hall_service(self), 0);
    hall_tick(self, WHERRY_MILLISECONDS(100));
    assert_int_equal(hall_service(self), 1);
    stream = wherry_roster_take(self->roster);
    hall_put(self, client, "heard");
    HALL_UNTIL(self, wherry_stream_peek(stream).length == 5);
    hall_close(self, client);
}

static void listening_socket_that_was_taken_away_closes_it(void **state)
{
    hall *self = *state;

    hall_open(self, NET_TCP4, .backlog = 5);
    begin_log();
    wherry_faulty_plan(self->world.system, WHERRY_CALL_ACCEPT, .number = EINVAL);
    assert_int_equal(wherry_roster_accept(self->roster), WHERRY_E_CLOSED);
    wherry_faulty_heal(self->world.system, WHERRY_CALL_ANY);
    wherry_log_set(NULL);
    assert_int_equal(lines.lines, 1);
    assert_false(wherry_roster_is_open(self->roster));
    assert_int_equal(wherry_roster_service(self->roster), WHERRY_E_CLOSED);
}

/* Asking would be told an error where the other end has gone. */
static void nobody_is_asked_for_his_address(void **state)
{
    hall *self = *state;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    (void)hall_couple(self, &client);
    assert_int_equal(wherry_faulty_calls(self->world.system, WHERRY_CALL_REMOTE_NAME), 0);
    hall_close(self, client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HALL_TEST(those_that_wait_are_seen_before_streams_are_made),
        HALL_TEST(more_than_the_row_holds_wait_in_the_backlog),
        HALL_TEST(at_the_limit_of_streams_none_is_accepted),
        HALL_TEST(full_roster_is_not_woken_by_who_waits),
        HALL_TEST(those_that_wait_when_it_is_closed_get_a_reset),
        HALL_TEST(connection_that_was_reset_while_it_waited_ends_alone),
        HALL_TEST(accepting_what_came_to_nothing_goes_on_with_the_next),
        HALL_TEST(lack_of_descriptors_pauses_accepting_and_is_logged_once),
        HALL_TEST(without_memory_a_connection_waits_and_is_not_lost),
        HALL_TEST(stream_that_cannot_be_watched_is_made_later),
        HALL_TEST(listening_socket_that_was_taken_away_closes_it),
        HALL_TEST(nobody_is_asked_for_his_address),
    };

    return HALL_RUN(tests);
}
