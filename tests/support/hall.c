#include "support/hall.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/endpoint.h>
#include <wherry/error.h>

static wherry_system *used;
static hall current;
static simulated ground;

int hall_use(wherry_system *system)
{
    used = system;
    return 0;
}

int hall_set_up(void **state)
{
    memset(&current, 0, sizeof(current));
    if (used == NULL) {
        simulated_open_with(&ground, &(wherry_simulation_options){ 0 }, NULL);
        current.simulated = &ground;
    }
    current.far = used == NULL ? ground.there : wherry_system_epoll();
    net_open(&current.world, used == NULL ? ground.here : used, WHERRY_CLOCK_STEPPED);
    *state = &current;
    return 0;
}

int hall_tear_down(void **state)
{
    hall *self = *state;
    void *world = self->simulated;

    wherry_roster_free(self->roster);
    net_close(&self->world);
    return world == NULL ? 0 : simulated_close(&world);
}

const char *hall_endpoint(const hall *self, net_kind kind)
{
    static char text[WHERRY_ENDPOINT_TEXT_SIZE];
    wherry_address address;

    if (kind == NET_UNIX && self->simulated != NULL)
        return "unix:///hall";
    if (kind == NET_UNIX) {
        net_path(&address);
        (void)wherry_endpoint_format(WHERRY_TRANSPORT_UNIX, &address, text, sizeof(text));
        return text;
    }
    if (kind == NET_TCP6)
        return self->simulated != NULL ? "tcp://[" HERE_V6 "]:0" : "tcp://[::1]:0";
    return self->simulated != NULL ? "tcp://" HERE ":0" : "tcp://127.0.0.1:0";
}

void hall_open_with(hall *self, net_kind kind, wherry_roster_options *options)
{
    options->size = sizeof(*options);
    options->result = &self->roster;
    options->loop = self->world.loop;
    options->endpoint = hall_endpoint(self, kind);
    assert_int_equal(wherry_roster_new_with(options), WHERRY_OK);
    assert_int_equal(wherry_roster_open(self->roster), WHERRY_OK);
    wherry_roster_external(self->roster, &self->address);
    if (kind == NET_UNIX && self->simulated != NULL)
        self->far = ground.here;
}

void hall_free(hall *self)
{
    wherry_roster_free(self->roster);
    self->roster = NULL;
}

/* --- time and passes */

size_t hall_service(hall *self)
{
    ssize_t result = wherry_roster_service(self->roster);

    assert_true(result >= 0);
    return (size_t)result;
}

void hall_wait(hall *self)
{
    int descriptor = wherry_roster_descriptor(self->roster);
    struct pollfd one = { .fd = descriptor, .events = POLLIN };

    if (self->simulated != NULL)
        assert_int_equal(wherry_simulation_run(ground.world, WHERRY_MILLISECONDS(1)), WHERRY_OK);
    else
        (void)poll(descriptor < 0 ? NULL : &one, descriptor < 0 ? 0 : 1, 1);
}

void hall_settle(hall *self)
{
    if (self->simulated != NULL)
        simulated_settle(&ground);
}

void hall_tick(hall *self, int64_t duration)
{
    assert_true(wherry_loop_tick(self->world.loop, duration) > 0);
}

/* --- clients */

int hall_dial(hall *self, wherry_address *own)
{
    struct sockaddr_storage name;
    socklen_t size = wherry_address_to_system(&self->address, &name);
    int client = self->far->socket(self->far, name.ss_family, SOCK_STREAM, 0);
    int result, error = 0;
    socklen_t length = sizeof(error);
    int yes = 1;

    assert_true(client >= 0);
    result = self->far->connect(self->far, client, (struct sockaddr *)&name, size);
    assert_true(result == 0 || result == -EINPROGRESS);
    if (self->simulated != NULL && name.ss_family != AF_UNIX)
        simulated_settle(&ground);
    assert_int_equal(
        self->far->get_option(self->far, client, SOL_SOCKET, SO_ERROR, &error, &length), 0);
    assert_int_equal(error, 0);
    if (name.ss_family != AF_UNIX)
        assert_int_equal(self->far->set_option(self->far, client, IPPROTO_TCP, 1 /* TCP_NODELAY */,
                                               &yes, sizeof(yes)),
                         0);
    if (own != NULL) {
        size = sizeof(name);
        assert_int_equal(self->far->local_name(self->far, client, (struct sockaddr *)&name, &size),
                         0);
        assert_int_equal(wherry_address_from_system(own, (struct sockaddr *)&name, size),
                         WHERRY_OK);
    }
    return client;
}

void hall_put(hall *self, int client, const char *text)
{
    const struct iovec part = { .iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text) };

    assert_int_equal(self->far->send(self->far, client, &part, 1, 0), strlen(text));
}

static ssize_t take(hall *self, int client, void *data, size_t size)
{
    ssize_t result;

    while ((result = self->far->receive(self->far, client, data, size, 0)) == -EAGAIN) {
        hall_wait(self);
        if (wherry_roster_is_open(self->roster))
            (void)hall_service(self);
        else /* what is closed in the background */
            assert_true(wherry_loop_step(self->world.loop) >= 0);
    }
    return result;
}

void hall_expect(hall *self, int client, const char *text)
{
    char data[100] = "";
    size_t length = 0;

    while (length < strlen(text)) {
        ssize_t result = take(self, client, data + length, strlen(text) - length);

        assert_true(result > 0);
        length += (size_t)result;
    }
    assert_string_equal(data, text);
}

ssize_t hall_end_of(hall *self, int client)
{
    char byte;

    return take(self, client, &byte, 1);
}

void hall_shut(hall *self, int client)
{
    assert_int_equal(self->far->shutdown(self->far, client, SHUT_WR), 0);
}

void hall_close(hall *self, int client)
{
    assert_int_equal(self->far->close(self->far, client), 0);
}

void hall_close_many(hall *self, const int *clients, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hall_close(self, clients[i]);
}

void hall_reset(hall *self, int client)
{
    const struct linger now = { .l_onoff = 1 };

    assert_int_equal(
        self->far->set_option(self->far, client, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    hall_close(self, client);
    hall_settle(self);
}

/* --- clients with their streams */

wherry_stream *hall_couple(hall *self, int *client)
{
    wherry_stream *stream = NULL, *next;

    (void)hall_take_all(self);
    *client = hall_dial(self, NULL);
    while (stream == NULL) {
        (void)hall_service(self);
        while ((next = wherry_roster_take(self->roster)) != NULL)
            if (wherry_stream_end(next) == WHERRY_OK)
                stream = next;
        if (stream == NULL)
            hall_wait(self);
    }
    return stream;
}

void hall_couple_many(hall *self, int *clients, wherry_stream **streams, size_t count)
{
    for (size_t i = 0; i < count; i++)
        streams[i] = hall_couple(self, &clients[i]);
}

void hall_finish(hall *self, int client, wherry_stream *stream)
{
    hall_shut(self, client);
    HALL_UNTIL(self, wherry_stream_end(stream) == WHERRY_E_END);
}

void hall_break_off(hall *self, int client, wherry_stream *stream)
{
    hall_reset(self, client);
    HALL_UNTIL(self, wherry_stream_end(stream) != WHERRY_OK);
    assert_int_equal(wherry_stream_end(stream), WHERRY_E_RESET);
}

wherry_stream *hall_take(hall *self)
{
    wherry_stream *stream;

    HALL_UNTIL(self, (stream = wherry_roster_take(self->roster)) != NULL);
    return stream;
}

size_t hall_take_all(hall *self)
{
    size_t count = 0;

    while (wherry_roster_take(self->roster) != NULL)
        count++;
    return count;
}
