/* Ten thousand connections that are all made at once to one listener: they complete, although its
 * backlog holds fewer, on the kernel and in a world whose links lose, delay and cut off. Every
 * client says one byte, and nobody is answered before all have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/process.h"

#define COUNT ((size_t)10000)
#define GUESTS (2 * COUNT) /* clients may come again */
#define TRIES 20
#define DESCRIPTORS (COUNT + 100)

/* --- the server */

typedef struct server {
    wherry_listener_events accepting; /* first */
    wherry_system *system;            /* NULL: the surroundings' */
    wherry_loop *loop;
    wherry_address address;
    int descriptor; /* that listens already, or 0 */
    int done;       /* ends it when it is readable, or 0 */
    struct guest *guests;
    size_t accepted;
    size_t present; /* have said their byte and are still here */
    size_t most;
} server;

typedef struct guest {
    wherry_stream_events events; /* first */
    server *server;
    wherry_stream *stream;
    bool present;
} guest;

static void answer_all(server *self)
{
    for (size_t i = 0; i < self->accepted; i++)
        if (self->guests[i].present)
            (void)wherry_stream_send(self->guests[i].stream, wherry_text("!"), WHERRY_NOW);
}

static void on_said(wherry_stream_events *events, wherry_stream *stream)
{
    guest *self = (guest *)events;
    server *its = self->server;

    wherry_stream_consume(stream, 1);
    self->present = true;
    its->present++;
    its->most = its->present > its->most ? its->present : its->most;
    if (its->present == COUNT)
        answer_all(its);
}

static void on_left(wherry_stream_events *events, wherry_stream *stream, int reason)
{
    guest *self = (guest *)events;

    (void)reason;
    self->server->present -= self->present;
    self->present = false;
    self->stream = NULL;
    wherry_stream_free(stream);
    if (self->server->most == COUNT && self->server->present == 0)
        wherry_loop_stop(self->server->loop);
}

static void on_accepted(wherry_listener_events *events, wherry_listener *listener,
                        wherry_stream *stream)
{
    server *self = (server *)events;
    guest *each = &self->guests[self->accepted];

    (void)listener;
    if (self->accepted == GUESTS) {
        wherry_stream_free(stream);
        return;
    }
    self->accepted++;
    each->events.received = on_said;
    each->events.ended = on_left;
    each->server = self;
    each->stream = stream;
    wherry_stream_set_events(stream, &each->events);
}

/* Of the end of the other process. */
typedef struct ending {
    wherry_watcher watcher; /* first */
    wherry_loop *loop;
} ending;

static void on_ending(wherry_watcher *watcher, wherry_watch *watch, unsigned events)
{
    (void)watch;
    (void)events;
    wherry_loop_stop(((ending *)watcher)->loop);
}

static int serve_on(server *self)
{
    ending of_clients = { .watcher.ready = on_ending, .loop = self->loop };
    wherry_listener *listener;
    wherry_watch *watch = NULL;
    int result = wherry_listener_new(&listener, .loop = self->loop,
                                     .address = self->descriptor > 0 ? NULL : &self->address,
                                     .descriptor = self->descriptor, .events = &self->accepting);

    if (result < 0)
        return result;
    if (self->done > 0)
        result = wherry_watch_new(&watch, .loop = self->loop, .descriptor = self->done,
                                  .events = WHERRY_READABLE, .watcher = &of_clients.watcher);
    if (result == WHERRY_OK)
        result = wherry_loop_run(self->loop);
    for (size_t i = 0; i < self->accepted; i++)
        wherry_stream_free(self->guests[i].stream);
    wherry_watch_free(watch);
    wherry_listener_free(listener);
    return result;
}

static int serve(void *argument)
{
    server *self = argument;
    int result = wherry_loop_new(&self->loop, .system = self->system);

    if (result < 0)
        return result;
    self->accepting.accepted = on_accepted;
    self->guests = calloc(GUESTS, sizeof(*self->guests));
    result = self->guests == NULL ? WHERRY_E_NO_MEMORY : serve_on(self);
    free(self->guests);
    wherry_loop_free(self->loop);
    return result;
}

/* --- the clients */

typedef struct crowd {
    wherry_system *system; /* NULL: the surroundings' */
    wherry_loop *loop;
    wherry_address address;
    int64_t patience;
    struct caller *callers;
    size_t answered;
    int failure;
} crowd;

typedef struct caller {
    wherry_stream_events events; /* first */
    crowd *crowd;
    wherry_stream *stream;
    unsigned tries;
} caller;

static void give_up(crowd *self, int result)
{
    self->failure = result;
    wherry_loop_stop(self->loop);
}

static void call(caller *self)
{
    crowd *its = self->crowd;
    int result = wherry_stream_connect(&self->stream, &its->address,
                                       wherry_loop_now(its->loop) + its->patience,
                                       .loop = its->loop, .events = &self->events);

    self->tries++;
    if (result < 0)
        give_up(its, result);
}

static void on_connected(wherry_stream_events *events, wherry_stream *stream)
{
    int result = wherry_stream_send(stream, wherry_text("?"), WHERRY_NOW);

    if (result < 0)
        give_up(((caller *)events)->crowd, result);
}

static void on_answer(wherry_stream_events *events, wherry_stream *stream)
{
    crowd *its = ((caller *)events)->crowd;

    wherry_stream_consume(stream, 1);
    if (++its->answered == COUNT)
        wherry_loop_stop(its->loop);
}

/* A try that the network swallowed is made again. */
static void on_ended(wherry_stream_events *events, wherry_stream *stream, int reason)
{
    caller *self = (caller *)events;

    wherry_stream_free(stream);
    self->stream = NULL;
    if (reason == WHERRY_E_TIMED_OUT && self->tries < TRIES)
        call(self);
    else
        give_up(self->crowd, reason);
}

static void call_all(crowd *self)
{
    for (size_t i = 0; i < COUNT && self->failure == WHERRY_OK; i++) {
        caller *each = &self->callers[i];

        each->events.connected = on_connected;
        each->events.received = on_answer;
        each->events.ended = on_ended;
        each->crowd = self;
        call(each);
    }
}

/* They leave with a reset, which keeps no port for a minute. */
static void leave_all(crowd *self)
{
    for (size_t i = 0; i < COUNT; i++)
        if (self->callers[i].stream != NULL) {
            wherry_stream_abort(self->callers[i].stream);
            wherry_stream_free(self->callers[i].stream);
        }
}

static int come(void *argument)
{
    crowd *self = argument;
    int result = wherry_loop_new(&self->loop, .system = self->system);

    if (result < 0)
        return result;
    self->callers = calloc(COUNT, sizeof(*self->callers));
    if (self->callers != NULL) {
        call_all(self);
        result = wherry_loop_run(self->loop);
        leave_all(self);
    }
    free(self->callers);
    wherry_loop_free(self->loop);
    if (self->failure < 0)
        return self->failure;
    return self->answered == COUNT ? result : WHERRY_E_STUCK;
}

/* --- on the kernel */

static bool raise_descriptors(void)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    return limit.rlim_max >= DESCRIPTORS && setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static wherry_address listen_here(int *descriptor)
{
    wherry_address address;

    assert_int_equal(wherry_address_parse(&address, "127.0.0.1:0", 11), WHERRY_OK);
    assert_int_equal(wherry_socket_listen(NULL, descriptor, &address), WHERRY_OK);
    wherry_socket_local(NULL, *descriptor, &address);
    return address;
}

/* The clients are a process of their own, so that each half has descriptors for itself. When one of
 * the two ends early, the other one does, too. */
static void complete_on(wherry_system *system)
{
    crowd clients = { .system = system, .patience = WHERRY_SECONDS(60) };
    server host = { .system = system };
    int done[2], status = -1, served;
    pid_t other;

    if (!raise_descriptors())
        process_skip("there are too few descriptors for 10,000 connections");
    clients.address = listen_here(&host.descriptor);
    assert_int_equal(pipe(done), 0);
    other = fork();
    assert_true(other >= 0);
    if (other == 0) {
        (void)close(done[0]);
        _exit(-come(&clients));
    }
    assert_int_equal(close(done[1]), 0);
    host.done = done[0];
    served = serve(&host);
    assert_int_equal(close(host.descriptor), 0);
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_int_equal(close(done[0]), 0);
    assert_int_equal(served, WHERRY_OK);
    assert_true(WIFEXITED(status));
    assert_int_equal(-WEXITSTATUS(status), WHERRY_OK);
    assert_int_equal(host.most, COUNT);
}

static void ten_thousand_complete_with_epoll(void **state)
{
    (void)state;
    complete_on(wherry_system_epoll());
}

static void ten_thousand_complete_with_poll(void **state)
{
    (void)state;
    complete_on(wherry_system_poll());
}

/* --- in a world */

/* One in twenty attempts is lost for good, others wait for the partition to end. */
static void ten_thousand_complete_over_bad_links(void **state)
{
    crowd clients = { .patience = WHERRY_SECONDS(20) };
    server host = { .most = 0 };
    wherry_simulation_statistics seen;
    wherry_simulation *world;

    (void)state;
    assert_int_equal(wherry_address_parse(&clients.address, "10.0.0.1:7000", 13), WHERRY_OK);
    host.address = clients.address;
    assert_int_equal(
        wherry_simulation_new(
            &world, .quiet = 1,
            .link = { .latency = WHERRY_MILLISECONDS(40), .jitter = WHERRY_MILLISECONDS(20) },
            .faults.millionths = { [WHERRY_FAULT_LOST_CONNECT] = 50000,
                                   [WHERRY_FAULT_DELAY] = 20000,
                                   [WHERRY_FAULT_SHORT_RECEIVE] = 20000,
                                   [WHERRY_FAULT_NOT_YET] = 20000 }),
        WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", serve, &host, .plain = 1),
                     WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.2", come, &clients, .plain = 1,
                                             .delay = WHERRY_MILLISECONDS(1)),
                     WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, WHERRY_MILLISECONDS(50)), WHERRY_OK);
    assert_int_equal(wherry_simulation_partition(world, "10.0.0.1", "10.0.0.2", WHERRY_SECONDS(3)),
                     WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, WHERRY_SECONDS(3600)), WHERRY_OK);
    assert_int_equal(host.most, COUNT);
    assert_int_equal(clients.answered, COUNT);
    wherry_simulation_statistics_read(world, &seen);
    assert_true(seen.faults[WHERRY_FAULT_LOST_CONNECT] > COUNT / 100);
    wherry_simulation_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_complete_with_epoll),
        cmocka_unit_test(ten_thousand_complete_with_poll),
        cmocka_unit_test(ten_thousand_complete_over_bad_links),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
