#include "support/hearing.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "loop/loop.h"

#define ALWAYS 1000000

static void note(wherry_resolution *base, int result, const struct sockaddr_storage *addresses)
{
    hearing_question *self = (hearing_question *)base;
    hearing_call *now = &self->calls[self->count++];
    const struct sockaddr_in *v4 = (const void *)addresses;
    const struct sockaddr_in6 *v6 = (const void *)addresses;

    assert_true(self->count <= HEARING_CALLS_MAX);
    *now = (hearing_call){ .result = result, .time = wherry_simulation_now(self->world->world) };
    if (result > 0)
        assert_non_null(inet_ntop(addresses->ss_family,
                                  addresses->ss_family == AF_INET ? (const void *)&v4->sin_addr
                                                                  : (const void *)&v6->sin6_addr,
                                  now->first, sizeof(now->first)));
    if (self->act != NULL && self->count == 1)
        self->act(self);
}

void hearing_open(hearing *self, wherry_simulation_options options)
{
    simulated_open_with(&self->world, &options, NULL);
    assert_int_equal(wherry_simulation_name(self->world.world, "a", "10.0.0.9 fd00::9"), WHERRY_OK);
    assert_int_equal(wherry_loop_new(&self->loop, .system = self->world.here), WHERRY_OK);
}

void hearing_close(hearing *self)
{
    void *world = &self->world;

    wherry_loop_free(self->loop);
    simulated_close(&world);
}

wherry_fault_record hearing_record(uint64_t occasion, uint64_t value)
{
    return (wherry_fault_record){
        .fault = WHERRY_FAULT_NAME_TWICE, .whom = HERE, .occasion = occasion, .value = value
    };
}

void hearing_open_struck(hearing *self, uint64_t value)
{
    const wherry_fault_record record = hearing_record(1, value);

    hearing_open(self, (wherry_simulation_options){ .replay = &record, .replay_count = 1 });
}

void hearing_open_always(hearing *self)
{
    hearing_open(self, (wherry_simulation_options){
                           .faults.millionths = { [WHERRY_FAULT_NAME_TWICE] = ALWAYS } });
}

void hearing_init(hearing *self, hearing_question *question)
{
    *question = (hearing_question){ .base.done = note, .world = &self->world };
}

void hearing_ask_at(hearing_question *question, wherry_poller *poller, const char *name, int family)
{
    wherry_system *here = question->world->here;

    assert_int_equal(here->resolve(here, poller, name, family, &question->base), 0);
}

void hearing_ask(hearing *self, hearing_question *question, const char *name, int family)
{
    hearing_init(self, question);
    hearing_ask_at(question, self->loop->poller, name, family);
}

void hearing_withdraw(hearing_question *question)
{
    question->world->here->resolve_cancel(question->world->here, &question->base);
}

void hearing_wait(hearing *self, wherry_poller *poller, int64_t duration)
{
    wherry_system *here = self->world.here;
    const int64_t end = here->monotonic(here) + duration;
    wherry_ready ready;

    while (here->monotonic(here) < end)
        assert_int_equal(here->wait(here, poller, end, &ready, 1), 0);
}

void hearing_pass(hearing *self, int64_t duration)
{
    hearing_wait(self, self->loop->poller, duration);
}

uint64_t hearing_count(const hearing *self, uint64_t *occasions)
{
    wherry_simulation_statistics statistics;

    wherry_simulation_statistics_read(self->world.world, &statistics);
    *occasions = statistics.occasions[WHERRY_FAULT_NAME_TWICE];
    return statistics.faults[WHERRY_FAULT_NAME_TWICE];
}
