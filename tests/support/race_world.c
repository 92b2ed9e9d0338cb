#include "support/race_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DEADLINE (60 * WHERRY_SECONDS(1))

static int accept_all(void *argument)
{
    const char *endpoint = argument;
    wherry_listener *listener;
    wherry_endpoint where;
    wherry_stream *stream;
    size_t position = 0;

    assert_int_equal(wherry_endpoint_next(&where, endpoint, &position), 1);
    assert_int_equal(wherry_listener_new(&listener, .address = &where.addresses[0]), WHERRY_OK);
    while (wherry_listener_accept(listener, &stream, WHERRY_NEVER) == WHERRY_OK)
        wherry_stream_free(stream);
    wherry_listener_free(listener);
    return WHERRY_OK;
}

int race_dial_connect(void *argument)
{
    race_dial *self = argument;
    wherry_stream *stream = NULL;
    int64_t begun = wherry_loop_now(wherry_loop_current());

    self->options.size = sizeof(self->options);
    self->result = wherry_stream_connect_to_with(&stream, self->endpoint, wherry_in(self->duration),
                                                 &self->options);
    self->took = wherry_loop_now(wherry_loop_current()) - begun;
    (void)snprintf(self->problem, sizeof(self->problem), "%s", wherry_problem());
    if (self->result != WHERRY_OK) {
        assert_null(stream);
        return WHERRY_OK;
    }
    wherry_stream_remote(stream, &self->remote);
    wherry_stream_free(stream);
    return WHERRY_OK;
}

void race_world_open(race_world *self, const char *dialer)
{
    memset(self, 0, sizeof(*self));
    (void)unsetenv("WHERRY_SIMULATION_SEED");
    assert_int_equal(wherry_simulation_new(&self->simulation, .quiet = 1), WHERRY_OK);
    assert_int_equal(wherry_simulation_host(self->simulation, dialer, .name = "dialer"), WHERRY_OK);
    self->dial.endpoint = "tcp://server:7000";
    self->dial.duration = DEADLINE;
}

void race_world_add(race_world *self, bool ipv6, behaviour does)
{
    const wherry_link slow = { .latency = LATENCY };
    size_t i = self->count++;
    char *address = self->addresses[i];
    static char endpoints[RACE_ADDRESSES_MAX][64];

    (void)snprintf(address, sizeof(self->addresses[i]), ipv6 ? "fd00::1:%zu" : "10.0.1.%zu", i + 1);
    (void)snprintf(endpoints[i], sizeof(endpoints[i]), ipv6 ? "tcp://[%s]:7000" : "tcp://%s:7000",
                   address);
    self->behaviours[i] = does;
    if (does == NOBODY)
        return;
    assert_int_equal(wherry_simulation_host(self->simulation, address), WHERRY_OK);
    if (does == LATE)
        assert_int_equal(wherry_simulation_link(self->simulation, "dialer", address, &slow),
                         WHERRY_OK);
    if (does == HANGS_ON)
        assert_int_equal(
            wherry_simulation_partition(self->simulation, "dialer", address, 10 * DEADLINE),
            WHERRY_OK);
    if (does == ACCEPTS || does == LATE)
        assert_int_equal(
            wherry_simulation_spawn(self->simulation, address, accept_all, endpoints[i]),
            WHERRY_OK);
}

void race_world_name(race_world *self)
{
    char list[200] = "";

    for (size_t i = 0; i < self->count; i++)
        (void)snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s ", self->addresses[i]);
    assert_int_equal(wherry_simulation_name(self->simulation, "server", list), WHERRY_OK);
}

void race_world_run(race_world *self, wherry_body *body, void *argument)
{
    assert_int_equal(wherry_simulation_spawn(self->simulation, "dialer", body, argument),
                     WHERRY_OK);
    if (wherry_simulation_run(self->simulation, 2 * DEADLINE) != WHERRY_OK)
        fail_msg("%s", wherry_problem());
}

void race_world_close(race_world *self)
{
    wherry_simulation_free(self->simulation);
}
