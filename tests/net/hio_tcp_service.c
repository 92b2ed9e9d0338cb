/* What hio's tests/core/tcp/test_tcp.py shows of serviced servers and of tasks, step by step and
 * with the same results. Two more of its tests are in hio_tcp.c.
 *
 *     test_tcp_service                servicing
 *     test_server_client_doers        tasks_of_server_and_client
 *     test_echo_server_client_doers   tasks_of_echo_server_and_client
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/roster.h>

#include "support/hall.h"

#define TICKS 16

/* What they keep unconsumed: hio's buffers have no limit. */
#define STREAM HALL_STREAM(.receive_max = 1 << 28)

/* A moment for the network. */
#define A_MOMENT(self) hall_wait(self)

static void assert_received(wherry_stream *stream, const void *message, size_t length)
{
    wherry_bytes bytes = wherry_stream_peek(stream);

    assert_int_equal(bytes.length, length);
    assert_memory_equal(bytes.data, message, length);
}

static size_t received(const wherry_stream *stream)
{
    return wherry_stream_peek(stream).length;
}

static void put(wherry_stream *stream, const void *message, size_t length)
{
    assert_int_equal(wherry_stream_send(stream, wherry_bytes_at(message, length), WHERRY_NOW),
                     WHERRY_OK);
}

/* More than four times what the buffer of the system holds; to be freed. */
static char *make_big(const wherry_stream *stream, size_t *length)
{
    size_t size, other, count = 0;
    char *big;

    assert_int_equal(wherry_stream_buffers(stream, &size, &other), WHERRY_OK);
    big = malloc(size * 4 + 100);
    assert_non_null(big);
    for (*length = 0; *length <= size * 4; *length += 33)
        (void)snprintf(big + *length, 34, "%032zx_", count++);
    return big;
}

/* The server on all addresses, and the client on its way to it. */
static wherry_stream *open_both(hall *self)
{
    wherry_stream *beta;
    wherry_address address, external;

    assert_int_equal(wherry_roster_new(&self->roster, .loop = self->world.loop, .stream = STREAM,
                                       .endpoint = "tcp://0.0.0.0:0"),
                     WHERRY_OK);
    assert_int_equal(wherry_roster_open(self->roster), WHERRY_OK);
    wherry_roster_address(self->roster, &address);
    wherry_roster_external(self->roster, &external);
    assert_true(wherry_roster_is_open(self->roster));
    assert_int_equal(address.at.ipv4[0], 0);
    assert_int_equal(external.at.ipv4[0], 127);
    assert_int_equal(external.port, address.port);
    assert_int_equal(
        wherry_stream_dial(&beta, &external, .loop = self->world.loop, .stream = STREAM),
        WHERRY_OK);
    assert_int_equal(wherry_stream_open(beta), WHERRY_OK);
    assert_true(wherry_stream_is_open(beta));
    assert_false(wherry_stream_is_connected(beta));
    assert_int_equal(wherry_stream_end(beta), WHERRY_OK);
    return beta;
}

/* Connects the client, and gives the server's stream of it. */
static wherry_stream *connect_both(hall *self, wherry_stream *beta)
{
    wherry_address ca, address, external;
    wherry_stream *ix = NULL;

    while (ix == NULL) {
        assert_true(wherry_stream_service_connect(beta) >= 0);
        assert_true(wherry_roster_service_connects(self->roster) >= 0);
        wherry_stream_local(beta, &ca);
        ix = wherry_stream_is_connected(beta) ? wherry_roster_find(self->roster, &ca) : NULL;
        A_MOMENT(self);
    }
    wherry_roster_external(self->roster, &external);
    wherry_stream_remote(beta, &address);
    assert_true(wherry_address_equal(&address, &external));
    wherry_stream_local(ix, &address);
    assert_true(wherry_address_equal(&address, &external));
    wherry_stream_remote(ix, &address);
    assert_true(wherry_address_equal(&address, &ca));
    return ix;
}

/* Services the client's sends and the server's receives until so much is there; and the other way.
 */
static void service_there(hall *self, wherry_stream *beta, wherry_stream *ix, size_t length)
{
    while (received(ix) < length) {
        assert_true(wherry_stream_service_send(beta) >= 0);
        A_MOMENT(self);
        assert_true(wherry_roster_service_receives(self->roster) >= 0);
    }
}

static void service_back(hall *self, wherry_stream *beta, size_t length)
{
    while (received(beta) < length) {
        assert_true(wherry_roster_service_sends(self->roster) >= 0);
        A_MOMENT(self);
        assert_true(wherry_stream_service_receive(beta) >= 0);
    }
}

static void servicing(void **state)
{
    static const char first[] = "Beta sends to Server first";
    static const char more[] = "Beta sends to Server secondBeta sends to Server third";
    static const char back[] = "Server sends to Beta";
    hall *self = *state;
    wherry_stream *beta = open_both(self);
    wherry_stream *ix = connect_both(self, beta);
    char *big;
    size_t length;

    put(beta, first, strlen(first));
    service_there(self, beta, ix, strlen(first));
    assert_received(ix, first, strlen(first));
    put(beta, more, 27);
    put(beta, more + 27, strlen(more) - 27);
    service_there(self, beta, ix, strlen(first) + strlen(more));
    wherry_stream_consume(ix, strlen(first));
    assert_received(ix, more, strlen(more));
    wherry_stream_consume(ix, SIZE_MAX);

    big = make_big(beta, &length);
    put(beta, big, length);
    service_there(self, beta, ix, length);
    assert_received(ix, big, length);
    wherry_stream_consume(ix, SIZE_MAX);

    put(ix, back, strlen(back));
    service_back(self, beta, strlen(back));
    assert_received(beta, back, strlen(back));
    wherry_stream_consume(beta, SIZE_MAX);
    put(ix, big, length);
    service_back(self, beta, length);
    assert_received(beta, big, length);
    free(big);

    wherry_stream_close(beta);
    wherry_roster_close(self->roster);
    assert_false(wherry_stream_is_open(beta));
    assert_false(wherry_roster_is_open(self->roster));
    wherry_stream_free(beta);
}

/* Two tasks in one loop, for so many ticks of stepped time, without a sleep. */
static void run_tasks(hall *self, void (*init)(wherry_roster_steps *, wherry_roster *),
                      wherry_stream **stream)
{
    static const char message[] = "Hello me maties!";
    int64_t tock = wherry_loop_tock(self->world.loop);
    int64_t limit = TICKS * tock;
    wherry_roster_steps serving;
    wherry_stream_steps calling;
    wherry_steps *members[] = { &serving.steps, &calling.steps, NULL };
    wherry_address address;
    wherry_group *group;

    assert_true(wherry_loop_now(self->world.loop) == 0);
    assert_true(tock == INT64_C(31250000));
    net_vacant(NET_TCP4, &address); /* both are told it before anybody listens */
    assert_int_equal(
        wherry_roster_new(&self->roster, .loop = self->world.loop, .address = &address), WHERRY_OK);
    assert_int_equal(wherry_stream_dial(stream, &address, .loop = self->world.loop), WHERRY_OK);
    init(&serving, self->roster);
    wherry_stream_steps_init(&calling, *stream);
    put(*stream, message, strlen(message));
    assert_int_equal(wherry_group_new(&group, .loop = self->world.loop, .members = members),
                     WHERRY_OK);
    assert_int_equal(wherry_group_run(group, limit), 0);
    assert_true(wherry_loop_now(self->world.loop) == limit);
    assert_false(wherry_roster_is_open(self->roster));
    assert_false(wherry_stream_is_open(*stream));
    assert_int_equal(wherry_stream_unsent(*stream), 0);
    wherry_group_free(group);
}

static void tasks_of_server_and_client(void **state)
{
    hall *self = *state;
    wherry_stream *client, *ix;

    run_tasks(self, wherry_roster_steps_init, &client);
    ix = wherry_roster_take(self->roster);
    assert_non_null(ix);
    assert_received(ix, "Hello me maties!", 16); /* still there, though the server was closed */
    wherry_stream_free(client);
}

static void tasks_of_echo_server_and_client(void **state)
{
    hall *self = *state;
    wherry_stream *client, *ix;

    run_tasks(self, wherry_roster_echo_init, &client);
    assert_received(client, "Hello me maties!", 16);
    ix = wherry_roster_take(self->roster);
    assert_non_null(ix);
    assert_int_equal(received(ix), 0); /* what came was sent back */
    wherry_stream_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HALL_TEST(servicing),
        HALL_TEST(tasks_of_server_and_client),
        HALL_TEST(tasks_of_echo_server_and_client),
    };

    return HALL_RUN(tests);
}
