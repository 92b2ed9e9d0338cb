/* Connections as targets of the loop: told in one way whether they are there at once, later or
 * never; and states. Listeners that hand sockets to a factory are tested in socket_accept.c. */
#include <wherry/socket.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/host.h"
#include "support/net.h"

#define FAILURE (WHERRY_READABLE | WHERRY_WRITABLE)

static wherry_system *faulty(net *world)
{
    return wherry_faulty_system(world->system);
}

/* Notes each event with the state in which it came. */
typedef struct target {
    wherry_watcher watcher; /* first */
    unsigned events[16];
    int states[16];
    size_t count;
    bool inside; /* of the call that begins */
    bool frees;  /* the watch, at the first event */
    int sets;    /* the state, at the first event; 0: leaves it */
} target;

static void on_event(wherry_watcher *watcher, wherry_watch *watch, unsigned events)
{
    target *self = (target *)watcher;

    assert_false(self->inside);
    assert_true(self->count < 16);
    self->events[self->count] = events;
    self->states[self->count++] = wherry_watch_state(watch);
    if (self->sets != 0)
        assert_int_equal(wherry_watch_set_state(watch, self->sets), WHERRY_OK);
    if (self->frees)
        wherry_watch_free(watch);
}

static wherry_watch *begin(net *world, target *self, const wherry_address *address, unsigned events)
{
    wherry_watch *watch = NULL;

    self->watcher.ready = on_event;
    self->inside = true;
    assert_int_equal(wherry_socket_watch(&watch, .loop = world->loop, .address = address,
                                         .watcher = &self->watcher, .events = events),
                     WHERRY_OK);
    self->inside = false;
    assert_int_equal(wherry_watch_state(watch), WHERRY_WATCH_CONNECTING);
    return watch;
}

static void finish(net *world, wherry_watch *watch)
{
    int descriptor = wherry_watch_descriptor(watch);

    wherry_watch_free(watch);
    wherry_socket_close(faulty(world), descriptor);
}

/* --- how it went */

static void connected_at_once_is_told_as_readable_alone(void **state)
{
    net *world = *state;
    wherry_address address;
    int listener = net_listen(NET_UNIX, 5, &address);
    target self = { 0 };
    wherry_watch *watch = begin(world, &self, &address, WHERRY_WRITABLE);

    NET_UNTIL(world, self.count == 2);
    assert_int_equal(self.events[0], WHERRY_READABLE);
    assert_int_equal(self.states[0], WHERRY_WATCH_CONNECTING);
    assert_int_equal(self.events[1], WHERRY_WRITABLE);
    assert_int_equal(self.states[1], WHERRY_WATCH_CONNECTED);
    finish(world, watch);
    assert_int_equal(close(listener), 0);
    assert_int_equal(unlink(address.at.path), 0);
}

static void connected_later_is_told_as_writable_alone(void **state)
{
    net *world = *state;

    for (net_kind kind = NET_TCP4; kind <= NET_TCP6; kind++) {
        wherry_address address;
        int listener = net_listen(kind, 5, &address), far;
        target self = { 0 };
        wherry_watch *watch = begin(world, &self, &address, WHERRY_READABLE);

        far = accept(listener, NULL, NULL);
        net_put(far, "x", 1); /* also readable by now, which comes after */
        NET_UNTIL(world, self.count == 2);
        assert_int_equal(self.events[0], WHERRY_WRITABLE);
        assert_int_equal(self.states[0], WHERRY_WATCH_CONNECTING);
        assert_int_equal(self.events[1], WHERRY_READABLE);
        assert_int_equal(self.states[1], WHERRY_WATCH_CONNECTED);
        finish(world, watch);
        assert_int_equal(close(far), 0);
        assert_int_equal(close(listener), 0);
    }
}

static void failure_is_told_as_readable_and_writable(void **state)
{
    net *world = *state;
    wherry_address address;
    target self = { 0 };
    wherry_watch *watch;

    net_vacant(NET_TCP4, &address);
    watch = begin(world, &self, &address, 0);
    NET_UNTIL(world, self.count == 1);
    net_settle(world);
    assert_int_equal(self.count, 1); /* and no more is told, nor asked for */
    assert_int_equal(self.events[0], FAILURE);
    assert_int_equal(self.states[0], WHERRY_WATCH_CONNECTING);
    assert_int_equal(wherry_watch_state(watch), WHERRY_WATCH_FAILED);
    assert_int_equal(wherry_socket_connected(faulty(world), wherry_watch_descriptor(watch)),
                     WHERRY_E_REFUSED);
    finish(world, watch);
}

/* Reported writable without another end, it is looked at again. */
static void too_early_it_is_not_told(void **state)
{
    net *world = *state;
    wherry_address address;
    int listener = net_listen(NET_TCP4, 5, &address);
    target self = { 0 };
    wherry_watch *watch = begin(world, &self, &address, 0);

    wherry_faulty_plan(world->system, WHERRY_CALL_REMOTE_NAME, .number = ENOTCONN, .count = 2);
    NET_UNTIL(world, wherry_faulty_strikes(world->system, WHERRY_CALL_REMOTE_NAME) == 2);
    assert_int_equal(self.count, 0);
    NET_UNTIL(world, self.count == 1);
    assert_int_equal(self.events[0], WHERRY_WRITABLE);
    finish(world, watch);
    assert_int_equal(close(listener), 0);
}

static void state_that_the_watcher_sets_stays(void **state)
{
    net *world = *state;
    wherry_address address;
    int listener = net_listen(NET_TCP4, 5, &address);
    target self = { .sets = WHERRY_WATCH_OWN + 3 };
    wherry_watch *watch = begin(world, &self, &address, 0);

    NET_UNTIL(world, self.count == 1);
    assert_int_equal(wherry_watch_state(watch), WHERRY_WATCH_OWN + 3);
    finish(world, watch);
    assert_int_equal(close(listener), 0);
}

static void watch_may_be_freed_when_the_outcome_is_told(void **state)
{
    net *world = *state;

    for (net_kind kind = NET_TCP4; kind <= NET_UNIX; kind++) {
        wherry_address address;
        int listener = net_listen(kind, 5, &address), descriptor;
        target self = { .frees = true };
        wherry_watch *watch = begin(world, &self, &address, WHERRY_WRITABLE);

        descriptor = wherry_watch_descriptor(watch);
        NET_UNTIL(world, self.count == 1);
        net_settle(world);
        assert_int_equal(self.count, 1);
        wherry_socket_close(faulty(world), descriptor);
        assert_int_equal(close(listener), 0);
        if (kind == NET_UNIX)
            assert_int_equal(unlink(address.at.path), 0);
    }
}

static void freed_before_the_outcome_nothing_is_told(void **state)
{
    net *world = *state;

    for (net_kind kind = NET_TCP4; kind <= NET_UNIX; kind++) {
        wherry_address address;
        int listener = net_listen(kind, 5, &address);
        target self = { 0 };

        finish(world, begin(world, &self, &address, WHERRY_WRITABLE));
        net_settle(world);
        assert_int_equal(self.count, 0);
        assert_int_equal(close(listener), 0);
        if (kind == NET_UNIX)
            assert_int_equal(unlink(address.at.path), 0);
    }
}

static void failure_at_once_is_the_calls_own(void **state)
{
    net *world = *state;
    wherry_address address;
    wherry_watch *watch = NULL;
    target self = { .watcher.ready = on_event };

    net_vacant(NET_UNIX, &address);
    assert_int_equal(wherry_socket_watch(&watch, .loop = world->loop, .address = &address,
                                         .watcher = &self.watcher),
                     WHERRY_E_NOT_FOUND);
    assert_int_equal(wherry_socket_watch(&watch, .loop = world->loop, .address = &address),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_socket_watch(NULL, .loop = world->loop, .address = &address,
                                         .watcher = &self.watcher),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_socket_watch(&watch, .address = &address, .watcher = &self.watcher),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_socket_watch(&watch, .loop = world->loop, .address = &address,
                                         .watcher = &self.watcher, .events = 64),
                     WHERRY_E_MISUSE);
    assert_null(watch);
    net_settle(world);
    assert_int_equal(self.count, 0);
}

/* Each call and each allocation that it makes fails once. */
static void every_call_may_fail(void **state)
{
    net *world = *state;
    wherry_address address;
    int listener = net_listen(NET_TCP4, 100, &address);
    size_t failures = 0;
    int result = WHERRY_E_SYSTEM;

    for (size_t first = 1; result < 0; first++) {
        target self = { .watcher.ready = on_event };
        wherry_watch *watch = NULL;
        size_t before = net_descriptors();

        wherry_faulty_plan(world->system, WHERRY_CALL_ANY, .first = first, .count = 1,
                           .number = EIO, .made = 0);
        result = wherry_socket_watch(&watch, .loop = world->loop, .address = &address,
                                     .watcher = &self.watcher);
        if (wherry_faulty_unstruck(world->system, NULL, 0) == 0 && result >= 0)
            result = WHERRY_E_SYSTEM; /* one that does not matter */
        wherry_faulty_heal(world->system, WHERRY_CALL_ANY);
        failures++;
        if (watch != NULL)
            finish(world, watch);
        assert_int_equal(net_descriptors(), before);
    }
    assert_true(failures > 4);
    for (size_t i = 1; i < 3; i++) {
        target self = { .watcher.ready = on_event };
        wherry_watch *watch = NULL;

        world->memory.fail_at = world->memory.calls + i;
        result = wherry_socket_watch(&watch, .loop = world->loop, .address = &address,
                                     .watcher = &self.watcher);
        world->memory.fail_at = 0;
        assert_int_equal(result, i == 1 ? WHERRY_E_NO_MEMORY : WHERRY_OK);
        if (watch != NULL)
            finish(world, watch);
    }
    assert_int_equal(close(listener), 0);
}

static void misuse_connects_to_nobody(void **state)
{
    net *world = *state;
    wherry_address address;
    wherry_watch *watch = NULL;
    target self = { .watcher.ready = on_event };
    target deaf = { .watcher.ready = NULL };
    int descriptor;

    net_any_address(NET_TCP4, &address);
    assert_int_equal(wherry_socket_listen(NULL, &descriptor, &address), WHERRY_OK);
    wherry_socket_local(NULL, descriptor, &address);
    assert_int_equal(wherry_socket_watch(&watch, .loop = world->loop, .address = &address,
                                         .watcher = &deaf.watcher),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_socket_watch(&watch, .loop = world->loop, .address = &address,
                                         .watcher = &self.watcher, .events = 64),
                     WHERRY_E_MISUSE);
    assert_int_equal(accept(descriptor, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
    wherry_socket_close(NULL, descriptor);
}

static void states_have_texts(void **state)
{
    wherry_watch *watch = NULL;
    net *world = *state;
    int ends[2];

    net_pair(NET_PAIR, ends);
    assert_int_equal(wherry_watch_new(&watch, .loop = world->loop, .descriptor = ends[0]),
                     WHERRY_OK);
    assert_int_equal(wherry_watch_state(watch), WHERRY_WATCH_NEW);
    assert_int_equal(wherry_watch_descriptor(watch), ends[0]);
    assert_int_equal(wherry_watch_set_state(watch, WHERRY_WATCH_CLOSING), WHERRY_OK);
    assert_int_equal(wherry_watch_set_state(watch, -1), WHERRY_E_MISUSE);
    assert_int_equal(wherry_watch_set_state(watch, WHERRY_WATCH_FAILED + 1), WHERRY_E_MISUSE);
    assert_int_equal(wherry_watch_set_state(watch, WHERRY_WATCH_OWN - 1), WHERRY_E_MISUSE);
    assert_int_equal(wherry_watch_state(watch), WHERRY_WATCH_CLOSING);
    assert_string_equal(wherry_watch_state_text(WHERRY_WATCH_NEW), "new");
    assert_string_equal(wherry_watch_state_text(WHERRY_WATCH_CONNECTING), "connecting");
    assert_string_equal(wherry_watch_state_text(WHERRY_WATCH_CONNECTED), "connected");
    assert_string_equal(wherry_watch_state_text(WHERRY_WATCH_FAILED), "failed");
    assert_string_equal(wherry_watch_state_text(WHERRY_WATCH_OWN), "own");
    assert_string_equal(wherry_watch_state_text(WHERRY_WATCH_FAILED + 1), "unknown");
    assert_string_equal(wherry_watch_state_text(-1), "unknown");
    wherry_watch_free(watch);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
}

static void one_function_is_told_readable_writable_and_exceptional(void **state)
{
    net *world = *state;
    target self = { .watcher.ready = on_event };
    wherry_watch *watch = NULL;
    int ends[2];

    net_pair(NET_TCP4, ends);
    assert_int_equal(
        wherry_watch_new(&watch, .loop = world->loop, .descriptor = ends[0],
                         .events = WHERRY_READABLE | WHERRY_WRITABLE | WHERRY_EXCEPTIONAL,
                         .watcher = &self.watcher),
        WHERRY_OK);
    net_put(ends[1], "x", 1);
    assert_int_equal(send(ends[1], "!", 1, MSG_OOB), 1);
    NET_UNTIL(world, self.count > 0 && (self.events[self.count - 1] & WHERRY_EXCEPTIONAL) != 0);
    assert_int_equal(self.events[self.count - 1],
                     WHERRY_READABLE | WHERRY_WRITABLE | WHERRY_EXCEPTIONAL);
    wherry_watch_free(watch);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
}

/* --- in a world: whatever the order, and however often it is reported ready too early */

typedef struct tale {
    target self;
    int result;
} tale;

static int connect_inside(void *argument)
{
    tale *told = argument;
    wherry_watch *watch = NULL;
    wherry_address address;
    int descriptor, result;

    if (wherry_address_parse(&address, "10.0.0.2:7000", 13) < 0)
        return WHERRY_E_BROKEN;
    told->self.watcher.ready = on_event;
    told->self.inside = true;
    result = wherry_socket_watch(&watch, .address = &address, .watcher = &told->self.watcher);
    told->self.inside = false;
    if (result < 0) { /* no descriptor, say */
        told->result = result;
        return WHERRY_OK;
    }
    result = wherry_sleep(wherry_in(WHERRY_SECONDS(200)));
    descriptor = wherry_watch_descriptor(watch);
    told->result = wherry_watch_state(watch);
    wherry_watch_free(watch);
    wherry_socket_close(NULL, descriptor);
    return result;
}

static int listen_inside(void *argument)
{
    wherry_address address;
    int descriptor, result;

    (void)argument;
    if (wherry_address_parse(&address, "10.0.0.2:7000", 13) < 0 ||
        wherry_socket_listen(NULL, &descriptor, &address) < 0)
        return WHERRY_E_BROKEN;
    result = wherry_sleep(wherry_in(WHERRY_SECONDS(250)));
    wherry_socket_close(NULL, descriptor);
    return result;
}

static void outcome_is_told_once_in_every_world(void **state)
{
    size_t good = 0, bad = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        wherry_simulation *world = NULL;
        tale told = { 0 };
        const bool listens = seed % 3 != 0;

        assert_int_equal(
            wherry_simulation_new(&world, .seed = seed, .quiet = 1,
                                  .faults.millionths = { [WHERRY_FAULT_ORDER] = 300000,
                                                         [WHERRY_FAULT_SPURIOUS] = 300000,
                                                         [WHERRY_FAULT_REFUSED] = 100000,
                                                         [WHERRY_FAULT_LOST_CONNECT] = 100000,
                                                         [WHERRY_FAULT_RESET] = 100000,
                                                         [WHERRY_FAULT_DELAY] = 100000 }),
            WHERRY_OK);
        if (listens)
            assert_int_equal(wherry_simulation_spawn(world, "10.0.0.2", listen_inside, NULL),
                             WHERRY_OK);
        else
            assert_int_equal(wherry_simulation_host(world, "10.0.0.2"), WHERRY_OK);
        assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", connect_inside, &told),
                         WHERRY_OK);
        assert_int_equal(wherry_simulation_run(world, WHERRY_SECONDS(300)), WHERRY_OK);
        wherry_simulation_free(world);
        if (told.self.count == 0) { /* refused at once */
            assert_true(told.result < 0);
            continue;
        }
        assert_int_equal(told.self.count, 1);
        assert_int_equal(told.self.states[0], WHERRY_WATCH_CONNECTING);
        assert_true(told.self.events[0] == WHERRY_WRITABLE || told.self.events[0] == FAILURE);
        assert_int_equal(told.result, told.self.events[0] == FAILURE ? WHERRY_WATCH_FAILED
                                                                     : WHERRY_WATCH_CONNECTED);
        if (!listens)
            assert_int_equal(told.self.events[0], FAILURE);
        good += told.self.events[0] == WHERRY_WRITABLE;
        bad += told.self.events[0] == FAILURE;
    }
    assert_true(good > 50);
    assert_true(bad > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(connected_at_once_is_told_as_readable_alone),
        NET_TEST(connected_later_is_told_as_writable_alone),
        NET_TEST(failure_is_told_as_readable_and_writable),
        NET_TEST(too_early_it_is_not_told),
        NET_TEST(state_that_the_watcher_sets_stays),
        NET_TEST(watch_may_be_freed_when_the_outcome_is_told),
        NET_TEST(freed_before_the_outcome_nothing_is_told),
        NET_TEST(failure_at_once_is_the_calls_own),
        NET_TEST(misuse_connects_to_nobody),
        NET_TEST(every_call_may_fail),
        NET_TEST(states_have_texts),
        NET_TEST(one_function_is_told_readable_writable_and_exceptional),
    };
    const struct CMUnitTest worlds[] = {
        cmocka_unit_test(outcome_is_told_once_in_every_world),
    };

    return NET_RUN(tests) + cmocka_run_group_tests(worlds, NULL, NULL);
}
