/* Playing scenarios: what they wait for, and what is cleaned up after them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "support/conformance_text.h"

#define ALL (WHERRY_READABLE | WHERRY_WRITABLE | WHERRY_EXCEPTIONAL)

/* Longer than anything takes that happens at all, on machines that are slow. */
#define PATIENCE WHERRY_SECONDS(5)

/* --- readiness */

static unsigned look_until(conf *self, const conf_socket_state *one, unsigned events, int64_t until)
{
    wherry_system *system = one->system;
    wherry_poller *poller = self->lookers[one->side];
    wherry_ready ready = { .events = 0 };
    int result = system->watch(system, poller, one->descriptor, 0, events, self);

    if (result < 0) {
        conf_say_result(self, result);
        return 0;
    }
    result = system->wait(system, poller, until, &ready, 1);
    if (result < 0)
        conf_say_result(self, result);
    (void)system->watch(system, poller, one->descriptor, events, 0, self);
    return result == 1 ? ready.events : 0;
}

unsigned conf_ready(conf *self, int socket)
{
    const conf_socket_state *one = &self->sockets[socket];
    unsigned found;

    conf_say(self, "ready(s%u)", one->label);
    found = look_until(self, one, ALL, WHERRY_NOW);
    conf_say_readiness(self, found);
    conf_say(self, "\n");
    return found;
}

unsigned conf_wait_ready(conf *self, int socket, unsigned events)
{
    const conf_socket_state *one = &self->sockets[socket];
    int64_t until = one->system->monotonic(one->system) + PATIENCE;

    conf_say(self, "wait_ready(s%u, %u)", one->label, events);
    if (look_until(self, one, events, until) == 0)
        conf_say(self, " in vain");
    conf_say(self, "\n");
    return conf_ready(self, socket);
}

static ssize_t take_some(const conf_socket_state *one)
{
    static char data[CONF_DATA_MAX];

    return one->system->receive(one->system, one->descriptor, data, sizeof(data), 0);
}

void conf_drain_rest(conf *self, int socket, size_t received, size_t sent)
{
    const conf_socket_state *one = &self->sockets[socket];
    ssize_t count = 1;

    for (int i = 0; i < 100 && received < sent && count > 0; i++) {
        (void)look_until(self, one, WHERRY_READABLE,
                         one->system->monotonic(one->system) + PATIENCE);
        while ((count = take_some(one)) > 0)
            received += (size_t)count;
        if (count == -EAGAIN)
            count = 1;
    }
    conf_note(self, received == sent ? "all of it" : "not all of it");
}

int conf_watch(conf *self, int socket, unsigned was, unsigned events)
{
    conf_socket_state *one = &self->sockets[socket];
    int result = one->system->watch(one->system, self->pollers[one->side], one->descriptor, was,
                                    events, one);

    conf_say(self, "watch(s%u, was %u, %u)", one->label, was, events);
    conf_say_result(self, result);
    conf_say(self, "\n");
    return result;
}

/* Sorted, as the order is each system's own. */
static void say_reported(conf *self, wherry_ready *ready, int count)
{
    for (int i = 0; i < CONF_SOCKETS; i++)
        for (int k = 0; k < count; k++)
            if (ready[k].token == &self->sockets[i]) {
                conf_say(self, " [s%u", self->sockets[i].label);
                conf_say_readiness(self, ready[k].events);
                conf_say(self, "]");
            }
}

int conf_wait(conf *self, int capacity, int64_t delay)
{
    wherry_system *system = self->stage->system[0];
    int64_t until = delay <= 0 || delay == WHERRY_NEVER ? delay : system->monotonic(system) + delay;
    wherry_ready ready[16];
    int result = system->wait(system, self->pollers[0], until, ready, capacity);

    conf_say(self, "wait(%d)", capacity);
    say_reported(self, ready, result);
    conf_say_result(self, result);
    conf_say(self,
             result == 0 && delay > 0 && delay != WHERRY_NEVER && system->monotonic(system) < until
                 ? " early\n"
                 : "\n");
    return result;
}

void conf_wait_and_mark(conf *self, int capacity, int first, bool *seen, int count)
{
    wherry_system *system = self->stage->system[0];
    wherry_ready ready[16];
    int result = system->wait(system, self->pollers[0], WHERRY_NOW, ready, capacity);

    conf_note(self, "wait(%d) -> %d", capacity, result);
    for (int i = 0; i < result; i++)
        for (int k = 0; k < count; k++)
            if (ready[i].token == &self->sockets[first + k])
                seen[k] = true;
}

void conf_wake(conf *self)
{
    self->stage->system[0]->wake(self->stage->system[0], self->pollers[0]);
    conf_note(self, "wake()");
}

/* --- what they have in common */

int conf_listener(conf *self, int backlog)
{
    conf_name name = conf_home(self);
    int listener = conf_server(self);

    (void)conf_bind(self, listener, &name);
    (void)conf_listen(self, listener, backlog);
    return listener;
}

conf_scene conf_connection(conf *self)
{
    conf_scene scene = { .listener = conf_listener(self, 8) };
    conf_name name = conf_reach(self, scene.listener);

    conf_go(self, 1);
    scene.near = conf_client(self);
    (void)conf_connect(self, scene.near, &name);
    conf_go(self, 0);
    (void)conf_wait_ready(self, scene.listener, WHERRY_READABLE);
    scene.far = conf_accept(self, scene.listener);
    (void)conf_wait_ready(self, scene.near, WHERRY_WRITABLE);
    return scene;
}

void conf_look(conf *self, int socket)
{
    (void)conf_ready(self, socket);
    conf_local(self, socket, CONF_ROOM);
    conf_remote(self, socket, CONF_ROOM);
}

/* --- playing */

static void open_pollers(conf *self)
{
    for (int side = 0; side < 2; side++) {
        wherry_system *system = self->stage->system[side];
        wherry_memory *memory = wherry__memory_default();

        assert_int_equal(system->open_poller(system, memory, &self->pollers[side]), 0);
        assert_int_equal(system->open_poller(system, memory, &self->lookers[side]), 0);
    }
    assert_int_equal(self->stage->system[0]->open_poller(self->stage->system[0],
                                                         wherry__memory_default(), &self->idle),
                     0);
}

static void close_pollers(conf *self)
{
    for (int side = 0; side < 2; side++) {
        wherry_system *system = self->stage->system[side];

        system->close_poller(system, self->pollers[side]);
        system->close_poller(system, self->lookers[side]);
    }
    self->stage->system[0]->close_poller(self->stage->system[0], self->idle);
}

void conf_play(conf *self, const conf_stage *stage, const conf_case *what)
{
    memset(self, 0, sizeof(*self));
    self->stage = stage;
    self->what = what;
    self->kind = what->kind;
    open_pollers(self);
    what->play(self);
    for (size_t i = 0; i < self->socket_count; i++)
        if (self->sockets[i].open)
            (void)self->sockets[i].system->close(self->sockets[i].system,
                                                 self->sockets[i].descriptor);
    for (size_t i = 0; i < self->path_count; i++)
        (void)stage->system[0]->unlink(stage->system[0], self->paths[i]);
    close_pollers(self);
    if (self->length + 1 == sizeof(self->text))
        fail_msg("%s writes too much", what->name);
}

/* --- the cases */

static const struct {
    enum conf_kind kind;
    const char *name;
} kinds[] = {
    { CONF_TCP4, "tcp4" }, { CONF_TCP6, "tcp6" },         { CONF_DUAL, "dual" },
    { CONF_UNIX, "unix" }, { CONF_ABSTRACT, "abstract" }, { CONF_SEQPACKET, "seqpacket" },
    { CONF_UDP4, "udp4" }, { CONF_UDP6, "udp6" },         { CONF_UNIX_DATAGRAM, "unix-datagram" },
};
#define KIND_COUNT (sizeof(kinds) / sizeof(*kinds))

static bool nth_of_list(size_t *number, const conf_scenario *list, conf_case *found)
{
    for (; list->name != NULL; list++)
        for (size_t i = 0; i < KIND_COUNT; i++)
            if ((list->kinds & kinds[i].kind) != 0 && (*number)-- == 0) {
                *found = (conf_case){ .play = list->play,
                                      .kind = kinds[i].kind,
                                      .at_home = list->at_home };
                (void)snprintf(found->name, sizeof(found->name), "%s: %s", kinds[i].name,
                               list->name);
                return true;
            }
    return false;
}

static bool nth_of_matrix(size_t number, conf_case *found)
{
    size_t operation = number % conf_operation_count, rest = number / conf_operation_count;
    size_t state = rest % conf_state_count, kind = rest / conf_state_count;

    if (kind >= KIND_COUNT || (kinds[kind].kind & CONF_CONNECTED) == 0)
        return false;
    *found = (conf_case){
        .play = conf_play_matrix, .kind = kinds[kind].kind, .state = state, .operation = operation
    };
    (void)snprintf(found->name, sizeof(found->name), "%s: %s: %s", kinds[kind].name,
                   conf_state_name(state), conf_operation_name(operation));
    return true;
}

bool conf_nth(size_t number, conf_case *found)
{
    const conf_scenario *const lists[] = { conf_stream_scenarios,   conf_bind_scenarios,
                                           conf_name_scenarios,     conf_option_scenarios,
                                           conf_datagram_scenarios, conf_poller_scenarios };

    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        if (nth_of_list(&number, lists[i], found))
            return true;
    return nth_of_matrix(number, found);
}
