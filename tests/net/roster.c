/* Rosters: what they are made of, where they listen, and that they can be opened again and again.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/endpoint.h>
#include <wherry/error.h>
#include <wherry/roster.h>

#include "support/hall.h"
#include "support/host.h"

static const net_kind kinds[] = { NET_TCP4, NET_TCP6, NET_UNIX };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void what_is_received_is_given_and_what_is_sent_goes_out(void **state)
{
    hall *self = *state;

    for (size_t i = 0; i < KINDS; i++) {
        wherry_stream *stream;
        wherry_bytes bytes;
        int client;

        hall_open(self, kinds[i], .backlog = 0);
        stream = hall_couple(self, &client);
        hall_put(self, client, "hello");
        HALL_UNTIL(self, wherry_stream_peek(stream).length == 5);
        assert_ptr_equal(wherry_roster_take(self->roster), stream);
        assert_null(wherry_roster_take(self->roster));
        bytes = wherry_stream_peek(stream);
        assert_memory_equal(bytes.data, "hello", 5);
        assert_int_equal(wherry_stream_send(stream, bytes, WHERRY_NOW), WHERRY_OK);
        wherry_stream_consume(stream, bytes.length);
        hall_expect(self, client, "hello");
        hall_close(self, client);
        hall_free(self);
    }
}

/* --- making one */

#define NOT_MADE(code, ...)                                                                        \
    assert_int_equal(wherry_roster_new(&roster, .loop = self->world.loop, __VA_ARGS__), code)

static void options_that_make_no_sense_are_named(void **state)
{
    hall *self = *state;
    wherry_roster *roster;
    wherry_address none = { .family = WHERRY_FAMILY_NONE };
    const wherry_address *address = &self->address;
    wherry_stream_events events = { .received = NULL };

    NOT_MADE(WHERRY_E_MISUSE, .backlog = 0);
    assert_non_null(strstr(wherry_problem(), "endpoint and address"));
    NOT_MADE(WHERRY_E_MISUSE, .endpoint = "tcp://127.0.0.1:0", .address = address);
    NOT_MADE(WHERRY_E_MISUSE, .address = &none);
    assert_non_null(strstr(wherry_problem(), "address"));
    NOT_MADE(WHERRY_E_MISUSE, .endpoint = "tcp://127.0.0.1:0", .backlog = -1);
    assert_non_null(strstr(wherry_problem(), "backlog"));
    NOT_MADE(WHERRY_E_MISUSE, .endpoint = "tcp://127.0.0.1:0",
             .stream = &(wherry_stream_options){ .size = sizeof(wherry_stream_options),
                                                 .events = &events });
    assert_non_null(strstr(wherry_problem(), "events"));
    NOT_MADE(WHERRY_E_MISUSE, .endpoint = "tcp://127.0.0.1:0",
             .stream = &(wherry_stream_options){ .size = sizeof(wherry_stream_options),
                                                 .idle_timeout = -1 });
    assert_non_null(strstr(wherry_problem(), "idle_timeout"));
    NOT_MADE(WHERRY_E_MISUSE, .endpoint = "tcp://127.0.0.1:0",
             .stream = &(wherry_stream_options){ .size = sizeof(wherry_stream_options),
                                                 .descriptor = 3 });
    NOT_MADE(WHERRY_E_MISUSE, .endpoint = "tcp://127.0.0.1:0",
             .socket = &(wherry_socket_options){ .size = sizeof(wherry_socket_options),
                                                 .device = "sixteen bytes ..." });
    assert_non_null(strstr(wherry_problem(), "device"));
    NOT_MADE(WHERRY_E_MISUSE, .endpoint = "tcp://127.0.0.1:0",
             .socket = &(wherry_socket_options){ .size = sizeof(wherry_socket_options),
                                                 .local = &none });
    assert_int_equal(
        wherry_roster_new(NULL, .loop = self->world.loop, .endpoint = "tcp://127.0.0.1:0"),
        WHERRY_E_MISUSE);
    assert_int_equal(wherry_roster_new(&roster, .endpoint = "tcp://127.0.0.1:0"), WHERRY_E_MISUSE);
}

static void endpoint_is_one_address(void **state)
{
    static const char *const refused[] = {
        "",
        "tcp://*:0",
        "tcp://localhost:0",
        "tcp://example.org:0",
        "tcp://127.0.0.1:0 tcp://[::1]:0",
        "tcp://127.0.0.1:0 x",
        "127.0.0.1:0",
        "tcp://127.0.0.1",
    };
    hall *self = *state;
    wherry_roster *roster;

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        NOT_MADE(WHERRY_E_INVALID, .endpoint = refused[i]);
    NOT_MADE(WHERRY_E_UNSUPPORTED, .endpoint = "udp://127.0.0.1:0");
}

static void without_random_bytes_there_is_none(void **state)
{
    hall *self = *state;
    wherry_roster *roster;

    wherry_faulty_plan(self->world.system, WHERRY_CALL_RANDOM, .number = EIO);
    NOT_MADE(WHERRY_E_SYSTEM, .endpoint = "tcp://127.0.0.1:0");
    wherry_faulty_heal(self->world.system, WHERRY_CALL_ANY);
}

static void without_memory_nothing_is_left(void **state)
{
    hall *self = *state;
    const char *endpoint = hall_endpoint(self, NET_TCP4);
    int result = WHERRY_E_NO_MEMORY;

    for (size_t failing = 1; result == WHERRY_E_NO_MEMORY; failing++) {
        self->world.memory.fail_at = self->world.memory.calls + failing;
        result = wherry_roster_new(&self->roster, .loop = self->world.loop, .endpoint = endpoint);
        if (result == WHERRY_OK) {
            result = wherry_roster_open(self->roster);
            assert_int_equal(wherry_roster_is_open(self->roster), result == WHERRY_OK);
            hall_free(self);
        }
        assert_true(failing < 100);
    }
    self->world.memory.fail_at = 0;
    assert_int_equal(result, WHERRY_OK);
}

/* --- addresses */

static void port_0_becomes_a_real_one_in_both_addresses(void **state)
{
    hall *self = *state;
    wherry_address address, external;

    hall_open(self, NET_TCP4, .backlog = 5);
    wherry_roster_address(self->roster, &address);
    wherry_roster_external(self->roster, &external);
    assert_int_not_equal(address.port, 0);
    assert_true(wherry_address_equal(&address, &external));
    wherry_roster_close(self->roster);
    wherry_roster_address(self->roster, &external);
    assert_true(wherry_address_equal(&address, &external));
}

static void address_for_all_is_reached_by_the_loopback_one(void **state)
{
    static const char *const all[] = { "tcp://0.0.0.0:0", "tcp://[::]:0" };
    static const char *const loopback[] = { "127.0.0.1:%u", "[::1]:%u" };
    hall *self = *state;

    for (size_t i = 0; i < 2; i++) {
        wherry_address address, external;
        char text[WHERRY_ADDRESS_TEXT_SIZE], expected[WHERRY_ADDRESS_TEXT_SIZE];

        assert_int_equal(
            wherry_roster_new(&self->roster, .loop = self->world.loop, .endpoint = all[i]),
            WHERRY_OK);
        assert_int_equal(wherry_roster_open(self->roster), WHERRY_OK);
        wherry_roster_address(self->roster, &address);
        wherry_roster_external(self->roster, &external);
        assert_int_not_equal(external.port, 0);
        assert_int_equal(address.port, external.port);
        (void)wherry_address_format(&external, text, sizeof(text));
        (void)snprintf(expected, sizeof(expected), i == 0 ? loopback[0] : loopback[1],
                       external.port);
        assert_string_equal(text, expected);
        hall_free(self);
    }
}

static void streams_know_the_address_of_the_interface(void **state)
{
    hall *self = *state;
    wherry_address local, own, remote;
    wherry_stream *stream;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    client = hall_dial(self, &own);
    HALL_UNTIL(self, wherry_roster_count(self->roster) == 1);
    stream = wherry_roster_take(self->roster);
    wherry_stream_local(stream, &local);
    wherry_stream_remote(stream, &remote);
    assert_true(wherry_address_equal(&local, &self->address));
    assert_true(wherry_address_equal(&remote, &own));
    hall_close(self, client);
}

/* --- open, and closed */

static void opening_again_is_another_listening_socket(void **state)
{
    hall *self = *state;
    wherry_address first, second;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    wherry_roster_address(self->roster, &first);
    (void)hall_couple(self, &client);
    assert_int_equal(wherry_roster_open(self->roster), WHERRY_OK);
    assert_int_equal(wherry_roster_count(self->roster), 0);
    assert_null(wherry_roster_take(self->roster));
    wherry_roster_address(self->roster, &second);
    assert_int_not_equal(second.port, 0);
    assert_int_equal(hall_end_of(self, client), 0);
    hall_close(self, client);
    self->address = second;
    (void)hall_couple(self, &client);
    hall_close(self, client);
    wherry_roster_close(self->roster);
    wherry_roster_close(self->roster);
    assert_false(wherry_roster_is_open(self->roster));
    assert_int_equal(wherry_roster_open(self->roster), WHERRY_OK);
    assert_true(wherry_roster_is_open(self->roster));
}

static void where_somebody_listens_it_stays_closed_until_he_goes(void **state)
{
    hall *self = *state;
    wherry_roster *other;
    wherry_address taken;

    hall_open(self, NET_TCP4, .backlog = 5);
    wherry_roster_address(self->roster, &taken);
    assert_int_equal(wherry_roster_new(&other, .loop = self->world.loop, .address = &taken),
                     WHERRY_OK);
    assert_int_equal(wherry_roster_open(other), WHERRY_E_ADDRESS_IN_USE);
    assert_false(wherry_roster_is_open(other));
    assert_int_equal(wherry_roster_service(other), WHERRY_E_CLOSED);
    wherry_roster_close(self->roster);
    assert_int_equal(wherry_roster_open(other), WHERRY_OK);
    assert_int_equal(wherry_roster_service(other), 0);
    wherry_roster_free(other);
}

static void closed_one_answers_that_it_is(void **state)
{
    hall *self = *state;
    wherry_address address;
    size_t send = 1, receive = 1;

    hall_open(self, NET_TCP4, .backlog = 5);
    assert_int_equal(wherry_roster_buffers(self->roster, &send, &receive), WHERRY_OK);
    assert_true(send > 0 && receive > 0);
    for (int i = 0; i < 2; i++) { /* and again after it was open */
        wherry_roster_close(self->roster);
        assert_int_equal(wherry_roster_service(self->roster), WHERRY_E_CLOSED);
        assert_int_equal(wherry_roster_accept(self->roster), WHERRY_E_CLOSED);
        assert_int_equal(wherry_roster_accept_one(self->roster), WHERRY_E_CLOSED);
        assert_int_equal(wherry_roster_service_connects(self->roster), WHERRY_E_CLOSED);
        assert_int_equal(wherry_roster_service_receives(self->roster), WHERRY_E_CLOSED);
        assert_int_equal(wherry_roster_service_sends(self->roster), WHERRY_E_CLOSED);
        assert_int_equal(wherry_roster_descriptor(self->roster), WHERRY_E_CLOSED);
        assert_true(wherry_roster_deadline(self->roster) == WHERRY_NEVER);
        assert_int_equal(wherry_roster_waiting(self->roster), 0);
        assert_int_equal(wherry_roster_waiting_address(self->roster, 0, &address),
                         WHERRY_E_NOT_FOUND);
        assert_int_equal(wherry_roster_buffers(self->roster, &send, &receive), WHERRY_OK);
        assert_int_equal(send + receive, 0);
        assert_int_equal(
            wherry_roster_transmit(self->roster, &self->address, wherry_text("nobody")),
            WHERRY_E_NOT_FOUND);
        assert_int_equal(wherry_roster_open(self->roster), WHERRY_OK);
    }
    wherry_roster_free(NULL);
}

static void file_of_a_path_goes_with_it(void **state)
{
    hall *self = *state;
    wherry_roster *other;

    hall_open(self, NET_UNIX, .backlog = 5);
    assert_int_equal(wherry_roster_new(&other, .loop = self->world.loop, .address = &self->address),
                     WHERRY_OK);
    assert_int_equal(wherry_roster_open(other), WHERRY_E_ADDRESS_IN_USE);
    wherry_roster_close(self->roster);
    if (self->simulated == NULL)
        assert_false(net_exists(&self->address));
    assert_int_equal(wherry_roster_open(other), WHERRY_OK);
    wherry_roster_free(other);
}

/* What a process leaves behind that was killed. */
static void path_where_nobody_listens_is_taken_over(void **state)
{
    hall *self = *state;
    struct sockaddr_storage name;
    wherry_system *system = wherry_faulty_system(self->world.system);
    int other;

    hall_open(self, NET_UNIX, .backlog = 5);
    wherry_roster_close(self->roster);
    other = system->socket(system, AF_UNIX, SOCK_STREAM, 0);
    assert_true(other >= 0);
    assert_int_equal(system->bind(system, other, (struct sockaddr *)&name,
                                  wherry_address_to_system(&self->address, &name)),
                     0);
    assert_int_equal(system->close(system, other), 0);
    assert_int_equal(wherry_roster_open(self->roster), WHERRY_OK);
}

static void loop_that_is_freed_closes_it(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    wherry_bytes bytes;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    stream = hall_couple(self, &client);
    hall_put(self, client, "kept");
    HALL_UNTIL(self, wherry_stream_peek(stream).length == 4);
    wherry_loop_free(self->world.loop);
    self->world.loop = NULL;
    assert_false(wherry_roster_is_open(self->roster));
    assert_int_equal(wherry_roster_service(self->roster), WHERRY_E_CLOSED);
    assert_int_equal(wherry_roster_open(self->roster), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_end(stream), WHERRY_E_CLOSED);
    bytes = wherry_stream_peek(stream);
    assert_int_equal(bytes.length, 4);
    assert_memory_equal(bytes.data, "kept", 4);
    hall_close(self, client);
}

/* In the child of a fork, say: nobody outside sees anything of it. */
static void forgetting_the_loop_tells_nobody(void **state)
{
    hall *self = *state;
    size_t calls;
    int client, waiting;

    hall_open(self, NET_UNIX, .backlog = 5);
    (void)hall_couple(self, &client);
    waiting = hall_dial(self, NULL);
    while (wherry_roster_accept(self->roster) == 0)
        hall_wait(self);
    calls = wherry_faulty_calls(self->world.system, WHERRY_CALL_SHUTDOWN) +
            wherry_faulty_calls(self->world.system, WHERRY_CALL_UNLINK) +
            wherry_faulty_calls(self->world.system, WHERRY_CALL_SET_OPTION) +
            wherry_faulty_calls(self->world.system, WHERRY_CALL_WATCH);
    wherry_loop_forget(self->world.loop);
    self->world.loop = NULL;
    assert_int_equal(wherry_faulty_calls(self->world.system, WHERRY_CALL_SHUTDOWN) +
                         wherry_faulty_calls(self->world.system, WHERRY_CALL_UNLINK) +
                         wherry_faulty_calls(self->world.system, WHERRY_CALL_SET_OPTION) +
                         wherry_faulty_calls(self->world.system, WHERRY_CALL_WATCH),
                     calls);
    assert_int_equal(wherry_roster_service(self->roster), WHERRY_E_CLOSED);
    hall_close(self, client);
    hall_close(self, waiting);
    if (self->simulated == NULL) {
        struct sockaddr_storage name;

        assert_true(net_exists(&self->address));
        (void)wherry_address_to_system(&self->address, &name);
        assert_int_equal(unlink(((struct sockaddr_un *)&name)->sun_path), 0);
    }
}

/* Each system call in turn: it opens or says why not, and can be opened then. */
static void whatever_fails_it_can_be_opened_later(void **state)
{
    hall *self = *state;
    bool struck = true;

    assert_int_equal(wherry_roster_new(&self->roster, .loop = self->world.loop,
                                       .endpoint = hall_endpoint(self, NET_TCP4)),
                     WHERRY_OK);
    for (size_t first = 1; struck; first++)
        for (size_t variant = 0; variant < 8; variant++) {
            size_t strikes = wherry_faulty_strikes(self->world.system, WHERRY_CALL_ANY);
            int result;

            wherry_faulty_plan(self->world.system, WHERRY_CALL_ANY, .first = first, .count = 1,
                               .variant = variant);
            result = wherry_roster_open(self->roster);
            assert_int_equal(wherry_roster_is_open(self->roster), result == WHERRY_OK);
            assert_true(result == WHERRY_OK || result < WHERRY_OK);
            wherry_faulty_heal(self->world.system, WHERRY_CALL_ANY);
            struck = wherry_faulty_strikes(self->world.system, WHERRY_CALL_ANY) > strikes;
            assert_int_equal(wherry_roster_open(self->roster), WHERRY_OK);
            assert_int_equal(wherry_roster_service(self->roster), 0);
            wherry_roster_close(self->roster);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HALL_TEST(what_is_received_is_given_and_what_is_sent_goes_out),
        HALL_TEST(options_that_make_no_sense_are_named),
        HALL_TEST(endpoint_is_one_address),
        HALL_TEST(without_random_bytes_there_is_none),
        HALL_TEST(without_memory_nothing_is_left),
        HALL_TEST(port_0_becomes_a_real_one_in_both_addresses),
        HALL_TEST(address_for_all_is_reached_by_the_loopback_one),
        HALL_TEST(streams_know_the_address_of_the_interface),
        HALL_TEST(opening_again_is_another_listening_socket),
        HALL_TEST(where_somebody_listens_it_stays_closed_until_he_goes),
        HALL_TEST(closed_one_answers_that_it_is),
        HALL_TEST(file_of_a_path_goes_with_it),
        HALL_TEST(path_where_nobody_listens_is_taken_over),
        HALL_TEST(loop_that_is_freed_closes_it),
        HALL_TEST(forgetting_the_loop_tells_nobody),
        HALL_TEST(whatever_fails_it_can_be_opened_later),
    };

    return HALL_RUN(tests);
}
