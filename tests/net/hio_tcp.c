/* hio's tests of TCP connections (tests/core/tcp/test_tcp.py), step by step, with a roster for its
 * Server and streams that were dialled for its Clients: on sockets of the machine and in a world,
 * in stepped time. Where hio waits 50 ms of real time, these wait until it has happened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/roster.h>

#include "support/hall.h"

#define TOCK WHERRY_MILLISECONDS(50)

typedef wherry_stream stream;

static uint8_t taken[1 << 16];

/* The addresses under which others know it. */
static wherry_address local_of(const stream *one)
{
    wherry_address address;

    wherry_stream_local(one, &address);
    return address;
}

static wherry_address remote_of(const stream *one)
{
    wherry_address address;

    wherry_stream_remote(one, &address);
    return address;
}

static void check_equal(wherry_address one, wherry_address other)
{
    assert_true(wherry_address_equal(&one, &other));
}

/* A server on all addresses of the machine, which keeps what ended until it is removed. */
static void open_server(hall *self, const wherry_address *address)
{
    const wherry_address any = { .family = WHERRY_FAMILY_IPV4 };

    assert_int_equal(wherry_roster_new(&self->roster, .loop = self->world.loop,
                                       .address = address == NULL ? &any : address,
                                       .keep_ended = 1),
                     WHERRY_OK);
    assert_int_equal(wherry_roster_is_open(self->roster), 0);
    assert_int_equal(wherry_roster_open(self->roster), WHERRY_OK);
    assert_int_equal(wherry_roster_is_open(self->roster), 1);
    wherry_roster_external(self->roster, &self->address);
}

static void check_server_address(const hall *self)
{
    const uint8_t any[4] = { 0 }, loopback[4] = { 127, 0, 0, 1 };
    wherry_address address;

    wherry_roster_address(self->roster, &address);
    assert_memory_equal(address.at.ipv4, any, 4); /* listen interface */
    assert_true(address.port != 0);
    assert_memory_equal(self->address.at.ipv4, loopback, 4); /* normalized external interface */
    assert_int_equal(self->address.port, address.port);
}

static stream *open_client(hall *self, wherry_dial_options options)
{
    stream *client;

    options.size = sizeof(options);
    options.loop = self->world.loop;
    assert_int_equal(wherry_stream_dial_with(&client, &self->address, &options), WHERRY_OK);
    assert_int_equal(wherry_stream_is_open(client), 0);
    assert_int_equal(wherry_stream_open(client), WHERRY_OK);
    assert_int_equal(wherry_stream_is_open(client), 1);
    assert_int_equal(wherry_stream_is_connected(client), 0);
    assert_int_equal(wherry_stream_end(client), WHERRY_OK);
    return client;
}
#define OPEN_CLIENT(self, ...) open_client(self, (wherry_dial_options){ __VA_ARGS__ })

/* Connects client to the server, and returns the server's end of it. ticks: so does time. */
static stream *meet(hall *self, stream *client, int64_t ticks)
{
    stream *there = NULL;

    while (there == NULL) {
        wherry_address own;

        assert_true(wherry_stream_service_connect(client) >= 0);
        assert_true(wherry_roster_service_connects(self->roster) >= 0);
        if (wherry_stream_is_connected(client)) {
            own = local_of(client);
            there = wherry_roster_find(self->roster, &own);
        }
        if (ticks > 0)
            hall_tick(self, ticks);
        if (there == NULL)
            hall_wait(self);
    }
    assert_int_equal(wherry_stream_is_connected(client), 1);
    assert_int_equal(wherry_stream_end(client), WHERRY_OK);
    check_equal(local_of(there), remote_of(client));
    check_equal(remote_of(there), local_of(client));
    check_equal(remote_of(client), self->address);
    return there;
}

/* Sends past the buffer, all of it. */
static void say(stream *from, const char *text)
{
    assert_int_equal(wherry_stream_send_past(from, wherry_text(text)), strlen(text));
}

/* What a receive past the buffer gives once it gives something. */
static ssize_t receive(hall *self, stream *to)
{
    ssize_t result;

    while ((result = wherry_stream_receive_past(to, taken, sizeof(taken))) == WHERRY_E_WOULD_BLOCK)
        hall_wait(self);
    return result;
}

static void hear(hall *self, stream *to, const char *text)
{
    size_t length = 0;
    char heard[100] = "";

    while (length < strlen(text)) {
        ssize_t count = receive(self, to);

        assert_true(count > 0 && length + (size_t)count < sizeof(heard));
        memcpy(heard + length, taken, (size_t)count);
        length += (size_t)count;
    }
    assert_string_equal(heard, text);
}

static void check_silence(stream *to)
{
    assert_int_equal(wherry_stream_receive_past(to, taken, sizeof(taken)), WHERRY_E_WOULD_BLOCK);
}

/* It has noticed that the other end finished; and tells so each time. */
static void check_cut_off(hall *self, stream *to)
{
    assert_int_equal(receive(self, to), WHERRY_E_END);
    assert_int_equal(wherry_stream_end(to), WHERRY_E_END);
    assert_int_equal(receive(self, to), WHERRY_E_END);
}

static void remove_it(hall *self, stream *there)
{
    assert_int_equal(wherry_roster_remove(self->roster, there), WHERRY_OK);
}

static void close_and_remove(hall *self, stream *there)
{
    wherry_stream_close(there);
    remove_it(self, there);
}

/* As many bytes as do not fit the buffers, none like another one in a number of lines. */
static char *big_message(const stream *from, size_t *length)
{
    size_t send = 0, receive = 0;
    char *message;

    assert_int_equal(wherry_stream_buffers(from, &send, &receive), WHERRY_OK);
    message = malloc(send * 4 + 64);
    assert_non_null(message);
    for (*length = 0; *length <= send * 4; *length += 33)
        (void)snprintf(message + *length, 34, "%032zx_", *length / 33);
    return message;
}

static void send_big_message(hall *self, stream *from, stream *to)
{
    size_t length, sent = 0, heard = 0;
    char *message = big_message(from, &length);

    while (heard < length) {
        ssize_t count = sent == length
                            ? 0
                            : wherry_stream_send_past(
                                  from, wherry_bytes_at((uint8_t *)message + sent, length - sent));

        assert_true(count >= 0 || count == WHERRY_E_WOULD_BLOCK);
        sent += count > 0 ? (size_t)count : 0;
        while ((count = wherry_stream_receive_past(to, taken, sizeof(taken))) > 0) {
            assert_true(heard + (size_t)count <= length);
            assert_memory_equal(taken, message + heard, (size_t)count);
            heard += (size_t)count;
        }
        assert_int_equal(count, WHERRY_E_WOULD_BLOCK);
        hall_wait(self);
    }
    assert_int_equal(sent, length);
    free(message);
}

static void open_again(stream *client)
{
    assert_int_equal(wherry_stream_open(client), WHERRY_OK);
    assert_int_equal(wherry_stream_is_open(client), 1);
    assert_int_equal(wherry_stream_is_connected(client), 0);
    assert_int_equal(wherry_stream_end(client), WHERRY_OK);
}

/* --- test_tcp_basic, in parts */

static void client_and_server_begin_as_in_hio(void **state)
{
    hall *self = *state;
    stream *client;

    open_server(self, NULL);
    check_server_address(self);
    assert_int_equal(wherry_stream_dial(&client, &self->address, .loop = self->world.loop),
                     WHERRY_OK);
    assert_int_equal(wherry_timer_duration(wherry_stream_timer(client)), 0);
    assert_int_equal(wherry_stream_is_open(client), 0);
    assert_int_equal(wherry_stream_is_connected(client), 0);
    assert_int_equal(wherry_stream_end(client), WHERRY_OK);
    assert_int_equal(wherry_stream_descriptor(client), -1);
    assert_int_equal(local_of(client).family, WHERRY_FAMILY_NONE);
    assert_int_equal(wherry_stream_unsent(client), 0);
    assert_int_equal(wherry_stream_peek(client).length, 0);
    check_equal(remote_of(client), self->address);
    wherry_stream_free(client);

    client = OPEN_CLIENT(self, .timeout = WHERRY_MILLISECONDS(500));
    wherry_stream_close(client);
    assert_int_equal(wherry_stream_is_open(client), 0);
    assert_int_equal(wherry_stream_is_connected(client), 0);
    wherry_stream_free(client);
    wherry_roster_close(self->roster);
    assert_int_equal(wherry_roster_is_open(self->roster), 0);
}

/* Both ways, coalesced, nothing there, and more than the buffers hold. */
static stream *talk_to_beta(hall *self, stream *beta)
{
    stream *there = meet(self, beta, 0);

    say(beta, "Beta sends to Server");
    hear(self, there, "Beta sends to Server");
    check_silence(there);
    say(beta, "First Message");
    say(beta, "Second Message");
    hear(self, there, "First MessageSecond Message");
    say(there, "Server sends to Beta");
    hear(self, beta, "Server sends to Beta");
    check_silence(beta);
    send_big_message(self, beta, there);
    return there;
}

static stream *talk_to_gamma(hall *self, stream *gamma)
{
    stream *there = meet(self, gamma, 0);

    say(gamma, "Gamma sends to Server");
    hear(self, there, "Gamma sends to Server");
    check_silence(there);
    say(there, "Server sends to Gamma");
    hear(self, gamma, "Server sends to Gamma");
    check_silence(gamma);
    return there;
}

static void close_beta(hall *self, stream *beta, stream *there)
{
    wherry_stream_close(beta);
    assert_int_equal(wherry_stream_send_past(beta, wherry_text("x")), WHERRY_E_CLOSED);
    assert_int_equal(wherry_stream_receive_past(beta, taken, 1), WHERRY_E_CLOSED);
    assert_int_equal(receive(self, there), WHERRY_E_END);
    say(there, "Servers sends to Beta after close"); /* which works */
    wherry_stream_close(there);
    assert_int_equal(wherry_stream_receive_past(there, taken, 1), WHERRY_E_CLOSED);
    assert_int_equal(wherry_stream_end(there), WHERRY_E_END);
    remove_it(self, there);
}

static void shut_down_gamma(hall *self, stream *gamma, stream *there)
{
    say(gamma, "Gamma sends to server");
    assert_int_equal(wherry_stream_shutdown(gamma), WHERRY_OK);
    hear(self, there, "Gamma sends to server"); /* send before shutdown worked */
    check_cut_off(self, there);
    say(there, "Server sends to Gamma");
    assert_int_equal(wherry_stream_shutdown(there), WHERRY_OK);
    hear(self, gamma, "Server sends to Gamma");
    check_cut_off(self, gamma);
    close_and_remove(self, there);
    check_cut_off(self, gamma);
}

/* With the server's sending shut down, then with both directions of beta. */
static void meet_beta_again(hall *self, stream *beta)
{
    stream *there;

    open_again(beta);
    there = meet(self, beta, 0);
    say(beta, "Beta sends to server");
    hear(self, there, "Beta sends to server");
    say(there, "Server sends to Beta");
    hear(self, beta, "Server sends to Beta");
    say(there, "Server sends to Beta");
    assert_int_equal(wherry_stream_shutdown(there), WHERRY_OK);
    assert_int_equal(wherry_stream_send_past(there, wherry_text("again")), WHERRY_E_MISUSE);
    hear(self, beta, "Server sends to Beta");
    check_cut_off(self, beta);
    say(beta, "Beta sends to server");
    assert_int_equal(wherry_stream_shutdown(beta), WHERRY_OK);
    (void)wherry_stream_shutdown_receive(beta);
    hear(self, there, "Beta sends to server");
    check_cut_off(self, there);
    wherry_stream_close(beta);
    check_cut_off(self, there);
    close_and_remove(self, there);
}

static void meet_gamma_again(hall *self, stream *gamma)
{
    stream *there;

    open_again(gamma);
    there = meet(self, gamma, 0);
    say(gamma, "Gamma sends to server");
    hear(self, there, "Gamma sends to server");
    wherry_stream_close(gamma);
    check_cut_off(self, there); /* server detects close */
    close_and_remove(self, there);
    open_again(gamma);
    there = meet(self, gamma, 0);
    say(there, "Server sends to Gamma");
    hear(self, gamma, "Server sends to Gamma");
    close_and_remove(self, there);
    check_cut_off(self, gamma); /* gamma detects close */
}

static void connections_go_as_in_hio(void **state)
{
    hall *self = *state;
    stream *beta, *gamma, *beta_there, *gamma_there;

    open_server(self, NULL);
    beta = OPEN_CLIENT(self, .timeout = 0);
    gamma = OPEN_CLIENT(self, .timeout = 0);
    beta_there = talk_to_beta(self, beta);
    gamma_there = talk_to_gamma(self, gamma);
    assert_int_equal(wherry_roster_count(self->roster), 2);
    close_beta(self, beta, beta_there);
    shut_down_gamma(self, gamma, gamma_there);
    meet_beta_again(self, beta);
    meet_gamma_again(self, gamma);
    assert_int_equal(wherry_roster_count(self->roster), 0);
    wherry_stream_close(gamma);
    assert_int_equal(wherry_stream_is_open(beta), 0);
    assert_int_equal(wherry_stream_is_open(gamma), 0);
    wherry_stream_free(beta);
    wherry_stream_free(gamma);
    wherry_roster_close(self->roster);
    assert_int_equal(wherry_roster_is_open(self->roster), 0);
}

/* --- test_client_auto_reconnect */

/* A port that nobody else gets while the server is down: bound, and not listened on. */
static int hold_port(hall *self, wherry_address *address)
{
    wherry_system *system = wherry_faulty_system(self->world.system);
    struct sockaddr_storage name;
    socklen_t size;
    int yes = 1;
    int descriptor = system->socket(system, AF_INET, SOCK_STREAM, 0);

    assert_true(descriptor >= 0);
    assert_int_equal(
        system->set_option(system, descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)), 0);
    *address = (wherry_address){ .family = WHERRY_FAMILY_IPV4 };
    size = wherry_address_to_system(address, &name);
    assert_int_equal(system->bind(system, descriptor, (struct sockaddr *)&name, size), 0);
    wherry_socket_local(system, descriptor, address);
    return descriptor;
}

static void client_connects_again_as_in_hio(void **state)
{
    hall *self = *state;
    wherry_address address;
    int holder = hold_port(self, &address);
    int64_t begun = wherry_loop_now(self->world.loop);
    stream *beta, *there;

    open_server(self, &address);
    beta = OPEN_CLIENT(self, .timeout = WHERRY_MILLISECONDS(200), .reconnect = 1);
    wherry_roster_close(self->roster);
    assert_int_equal(wherry_roster_is_open(self->roster), 0);
    while (wherry_loop_now(self->world.loop) - begun <= WHERRY_MILLISECONDS(250)) {
        assert_int_equal(wherry_stream_service_connect(beta), 0);
        hall_tick(self, TOCK);
        hall_wait(self);
    }
    assert_int_equal(wherry_stream_is_connected(beta), 0);
    assert_int_equal(wherry_stream_end(beta), WHERRY_OK);
    assert_int_equal(wherry_roster_open(self->roster), WHERRY_OK);
    check_server_address(self);
    check_equal(remote_of(beta), self->address);
    there = meet(self, beta, TOCK); /* which advances the client's timer, too */
    assert_int_equal(
        wherry_stream_send(beta, wherry_text("Beta sends to Server on reconnect"), WHERRY_NOW),
        WHERRY_OK);
    while (wherry_stream_peek(there).length < 33) {
        assert_true(wherry_stream_service_send(beta) >= 0);
        hall_wait(self);
        assert_true(wherry_roster_service_receives(self->roster) >= 0);
    }
    assert_int_equal(wherry_stream_unsent(beta), 0);
    assert_memory_equal(wherry_stream_peek(there).data, "Beta sends to Server on reconnect", 33);
    wherry_stream_close(beta);
    wherry_roster_close(self->roster);
    assert_int_equal(wherry_stream_is_open(beta), 0);
    assert_int_equal(wherry_roster_is_open(self->roster), 0);
    wherry_stream_free(beta);
    wherry_socket_close(wherry_faulty_system(self->world.system), holder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HALL_TEST(client_and_server_begin_as_in_hio),
        HALL_TEST(connections_go_as_in_hio),
        HALL_TEST(client_connects_again_as_in_hio),
    };

    return HALL_RUN(tests);
}
