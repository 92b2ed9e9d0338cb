/* Waiting for readiness: watches that last, what is reported while a state lasts, and how waits
 * end. */
#include "support/conformance.h"

static void beginning_and_ending_watches(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_watch(self, scene.far, 0, WHERRY_READABLE);
    (void)conf_watch(self, scene.far, 0, WHERRY_READABLE);
    (void)conf_wait(self, 8, WHERRY_NOW);
    (void)conf_watch(self, scene.far, WHERRY_READABLE, WHERRY_READABLE | WHERRY_WRITABLE);
    (void)conf_wait(self, 8, WHERRY_NOW);
    (void)conf_watch(self, scene.far, WHERRY_READABLE | WHERRY_WRITABLE, WHERRY_EXCEPTIONAL);
    (void)conf_wait(self, 8, WHERRY_NOW);
    (void)conf_watch(self, scene.far, WHERRY_EXCEPTIONAL, 0);
    (void)conf_watch(self, scene.far, 0, 0);
    (void)conf_watch(self, scene.far, WHERRY_READABLE, 0);
    (void)conf_watch(self, scene.far, WHERRY_READABLE, WHERRY_WRITABLE);
    (void)conf_wait(self, 8, WHERRY_NOW);
}

static void watching_what_is_closed(conf *self)
{
    int one = conf_server(self);

    (void)conf_close(self, one);
    (void)conf_watch(self, one, 0, WHERRY_READABLE);
    (void)conf_watch(self, one, WHERRY_READABLE, 0);
    (void)conf_wait(self, 1, WHERRY_NOW);
}

static void reported_as_long_as_it_lasts(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_watch(self, scene.far, 0, WHERRY_READABLE);
    (void)conf_send(self, scene.near, "hello", 0);
    (void)conf_wait(self, 8, WHERRY_SECONDS(5));
    (void)conf_wait(self, 8, WHERRY_NOW);
    (void)conf_receive(self, scene.far, 2, 0);
    (void)conf_wait(self, 8, WHERRY_NOW);
    (void)conf_receive(self, scene.far, 100, 0);
    (void)conf_wait(self, 8, WHERRY_NOW);
    (void)conf_close(self, scene.near);
    (void)conf_wait(self, 8, WHERRY_SECONDS(5));
    (void)conf_receive(self, scene.far, 100, 0);
    (void)conf_wait(self, 8, WHERRY_NOW);
}

static void only_what_is_asked_for(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_send(self, scene.near, "hello", 0);
    (void)conf_watch(self, scene.far, 0, WHERRY_WRITABLE);
    (void)conf_wait(self, 8, WHERRY_NOW);
    (void)conf_watch(self, scene.far, WHERRY_WRITABLE, WHERRY_EXCEPTIONAL);
    (void)conf_wait(self, 8, WHERRY_NOW);
    conf_linger(self, scene.near, 1, 0);
    (void)conf_close(self, scene.near);
    (void)conf_wait(self, 8, WHERRY_SECONDS(5));
    (void)conf_error(self, scene.far);
    (void)conf_wait(self, 8, WHERRY_NOW);
}

static void several_are_reported_at_once(conf *self)
{
    int sockets[5];

    for (int i = 0; i < 5; i++) {
        sockets[i] = conf_client(self);
        (void)conf_watch(self, sockets[i], 0, WHERRY_WRITABLE);
    }
    (void)conf_wait(self, 8, WHERRY_NOW);
    (void)conf_watch(self, sockets[2], WHERRY_WRITABLE, 0);
    (void)conf_wait(self, 8, WHERRY_NOW);
}

/* Each has its turn within as many waits as there are: which of them when is open. */
static void each_has_its_turn(conf *self, int capacity)
{
    bool seen[6] = { false };
    int sockets[6];

    for (int i = 0; i < 6; i++) {
        sockets[i] = conf_client(self);
        (void)conf_watch(self, sockets[i], 0, WHERRY_WRITABLE);
    }
    for (int i = 0; i < 6 / capacity; i++)
        conf_wait_and_mark(self, capacity, sockets[0], seen, 6);
    for (int i = 0; i < 6; i++)
        conf_note(self, seen[i] ? "seen" : "not seen");
}

static void each_has_its_turn_one_by_one(conf *self)
{
    each_has_its_turn(self, 1);
}

static void each_has_its_turn_in_pairs(conf *self)
{
    each_has_its_turn(self, 2);
}

static void waits_end(conf *self)
{
    (void)conf_wait(self, 1, WHERRY_NOW);
    (void)conf_wait(self, 1, WHERRY_MILLISECONDS(1));
    (void)conf_wait(self, 1, -1);
    (void)conf_wait(self, 0, WHERRY_NOW);
    conf_wake(self);
    (void)conf_wait(self, 1, WHERRY_NEVER);
    (void)conf_wait(self, 1, WHERRY_NOW);
    conf_wake(self);
    conf_wake(self);
    (void)conf_wait(self, 1, WHERRY_NEVER);
    (void)conf_wait(self, 1, WHERRY_MILLISECONDS(1));
}

static void woken_with_something_ready(conf *self)
{
    int one = conf_client(self);

    (void)conf_watch(self, one, 0, WHERRY_WRITABLE);
    conf_wake(self);
    (void)conf_wait(self, 8, WHERRY_NOW);
    (void)conf_wait(self, 8, WHERRY_NOW);
}

static void listener_is_readable_until_all_are_accepted(conf *self)
{
    int listener = conf_listener(self, 8);
    conf_name name = conf_reach(self, listener);

    (void)conf_watch(self, listener, 0, WHERRY_READABLE);
    (void)conf_wait(self, 8, WHERRY_NOW);
    conf_go(self, 1);
    for (int i = 0; i < 2; i++)
        (void)conf_connect(self, conf_client(self), &name);
    conf_go(self, 0);
    for (int i = 0; i < 3; i++) {
        (void)conf_wait(self, 8, i < 2 ? WHERRY_SECONDS(5) : WHERRY_NOW);
        (void)conf_accept(self, listener);
    }
}

static void ends_are_reported_to_those_who_ask_for_nothing(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_watch(self, scene.far, 0, WHERRY_EXCEPTIONAL);
    (void)conf_shutdown(self, scene.near, SHUT_WR);
    (void)conf_wait(self, 8, WHERRY_NOW);
    (void)conf_shutdown(self, scene.far, SHUT_WR);
    (void)conf_wait(self, 8, WHERRY_NOW);
    (void)conf_close(self, scene.near);
    (void)conf_wait(self, 8, WHERRY_NOW);
}

#define ALL CONF_CONNECTED

const conf_scenario conf_poller_scenarios[] = {
    { "watches", beginning_and_ending_watches, ALL, false },
    { "watching what is closed", watching_what_is_closed, ALL | CONF_DATAGRAMS, false },
    { "as long as it lasts", reported_as_long_as_it_lasts, ALL, false },
    { "only what is asked for", only_what_is_asked_for, ALL, false },
    { "several at once", several_are_reported_at_once, ALL | CONF_DATAGRAMS, true },
    { "each in turn", each_has_its_turn_one_by_one, CONF_TCP4 | CONF_UNIX | CONF_UDP4, true },
    { "each in turn, in pairs", each_has_its_turn_in_pairs, CONF_TCP4 | CONF_UNIX | CONF_UDP4,
      true },
    { "waits end", waits_end, CONF_TCP4, true },
    { "woken with something ready", woken_with_something_ready, CONF_TCP4, true },
    { "listener readable", listener_is_readable_until_all_are_accepted, ALL, false },
    { "ends are always reported", ends_are_reported_to_those_who_ask_for_nothing, ALL, false },
    { .name = NULL },
};
