/* Small worlds in all orders: what may meet in one instant, or a nanosecond apart, is tried in
 * every way. A world checks by itself that nothing of a program is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include <wherry.h>
#include <wherry/simulation.h>

#include "support/choosing.h"
#include "support/sure.h"

#define ENDPOINT "tcp://10.0.0.1:7000"
#define SERVER "10.0.0.1"
#define CLIENT "10.0.0.2"

static const wherry_address server_address = {
    .family = WHERRY_FAMILY_IPV4,
    .port = 7000,
    .at.ipv4 = { 10, 0, 0, 1 },
};

/* The world ends well, and empty. */
static void finish(wherry_simulation *world)
{
    wherry_simulation_statistics rest;

    if (wherry_simulation_run(world, WHERRY_SECONDS(1000)) != WHERRY_OK)
        fail_msg("%s", wherry_problem());
    assert_int_equal(wherry_simulation_heal(world, SERVER, CLIENT), WHERRY_OK);
    assert_int_equal(wherry_simulation_run_quiet(world, WHERRY_SECONDS(1000)), WHERRY_OK);
    wherry_simulation_statistics_read(world, &rest);
    assert_int_equal(rest.programs, 0);
    assert_int_equal(rest.descriptors, 0);
    assert_int_equal(rest.sockets, 0);
    assert_int_equal(rest.under_way, 0);
    assert_int_equal(rest.memory, 0);
    wherry_simulation_free(world);
}

/* --- a connection, the wish to give it up, and its deadline */

#define ROUND_TRIP WHERRY_MILLISECONDS(1) /* of a link that nothing is said of */

/* A program needs a microsecond or so of the world to see that something has happened. What is
 * farther apart than that has an order. */
#define MOMENT WHERRY_MICROSECONDS(3)
static const int64_t offsets[] = { -WHERRY_MICROSECONDS(10), -1, 0, 1, WHERRY_MICROSECONDS(10) };
#define OFFSETS 5

enum answer { ACCEPTED, ABORTED, REFUSED, NO_ANSWER, ANSWERS };

struct race {
    wherry_stream_events events; /* first */
    enum answer answer;
    bool tells;            /* by callbacks */
    int64_t deadline, end; /* nanoseconds after the network's answer */
    int connected, ended, reason;
    bool is_over; /* nothing may be told any more */
};

static struct race *race_of(wherry_stream_events *events)
{
    return (struct race *)(void *)events;
}

static void race_connected(wherry_stream_events *self, wherry_stream *stream)
{
    (void)stream;
    SURE(!race_of(self)->is_over);
    SURE(race_of(self)->connected++ + race_of(self)->ended == 0);
}

static void race_ended(wherry_stream_events *self, wherry_stream *stream, int reason)
{
    (void)stream;
    SURE(!race_of(self)->is_over);
    SURE(race_of(self)->ended++ == 0);
    race_of(self)->reason = reason;
}

static int race_serve(void *argument)
{
    const struct race *race = argument;
    wherry_listener *listener;
    wherry_stream *stream;

    if (race->answer >= REFUSED)
        return WHERRY_OK;
    SURE(wherry_listener_new(&listener, .address = &server_address) == WHERRY_OK);
    while (wherry_listener_accept(listener, &stream, wherry_in(WHERRY_SECONDS(1))) == WHERRY_OK) {
        if (race->answer == ABORTED)
            wherry_stream_abort(stream);
        wherry_stream_free(stream);
    }
    wherry_listener_free(listener);
    return WHERRY_OK;
}

static int race_connect(void *argument)
{
    struct race *race = argument;
    wherry_stream *stream = NULL;
    int result = wherry_stream_connect(&stream, &server_address,
                                       wherry_in(ROUND_TRIP + race->deadline));

    SURE((stream != NULL) == (result == WHERRY_OK));
    wherry_stream_free(stream);
    return result;
} /* How a task that connects ended. */
static int race_by_task(struct race *race)
{
    int64_t end = wherry_in(ROUND_TRIP + race->end);
    wherry_task *task;
    int result;
    SURE(wherry_spawn(&task, race_connect, race) == WHERRY_OK);
    SURE(wherry_sleep(end) == WHERRY_OK);
    wherry_task_cancel(task);
    SURE(wherry_task_join(task, &result, WHERRY_NEVER) == WHERRY_OK);
    wherry_task_release(task);
    return result;
}

/* The first that was told; WHERRY_E_CANCELED: nothing was. */
static int race_by_callbacks(struct race *race)
{
    int64_t end = wherry_in(ROUND_TRIP + race->end);
    wherry_stream *stream;

    race->events.connected = race_connected;
    race->events.ended = race_ended;
    SURE(wherry_stream_connect(&stream, &server_address, wherry_in(ROUND_TRIP + race->deadline),
                               .events = &race->events) == WHERRY_OK);
    SURE(race->connected + race->ended == 0);
    SURE(wherry_sleep(end) == WHERRY_OK);
    wherry_stream_free(stream);
    race->is_over = true;
    SURE(wherry_sleep(wherry_in(WHERRY_SECONDS(1))) == WHERRY_OK);
    return race->connected ? WHERRY_OK : race->ended ? race->reason : WHERRY_E_CANCELED;
}

/* Whatever came first is the outcome. */
static void race_check(const struct race *race, int outcome)
{
    int64_t answer = race->answer == NO_ANSWER ? INT64_MAX : 0;
    int64_t first = race->deadline < race->end ? race->deadline : race->end;

    first = (answer < first ? answer : first) + MOMENT;
    if (outcome == WHERRY_OK)
        SURE(answer <= first && race->answer <= ABORTED);
    else if (outcome == WHERRY_E_REFUSED)
        SURE(answer <= first && race->answer == REFUSED);
    else if (outcome == WHERRY_E_TIMED_OUT)
        SURE(race->deadline <= first);
    else
        SURE(outcome == WHERRY_E_CANCELED && race->end <= first);
}

static int race_run(void *argument)
{
    struct race *race = argument;

    race_check(race, race->tells ? race_by_callbacks(race) : race_by_task(race));
    return WHERRY_OK;
}

static void of_an_answer_a_deadline_and_a_cancel_the_first_counts(void **state)
{
    struct choosing choosing = { 0 };

    (void)state;
    while (choosing_next(&choosing)) {
        struct race race = { .tells = choosing_of(&choosing, 2) == 1 };
        wherry_simulation *world;

        race.answer = (enum answer)choosing_of(&choosing, ANSWERS);
        race.deadline = offsets[choosing_of(&choosing, OFFSETS)];
        race.end = offsets[choosing_of(&choosing, OFFSETS)];
        assert_int_equal(wherry_simulation_new(&world, .quiet = 1), WHERRY_OK);
        wherry_simulation_spawn(world, SERVER, race_serve, &race);
        wherry_simulation_spawn(world, CLIENT, race_run, &race, .delay = 1000, .must_end = 1);
        if (race.answer == NO_ANSWER)
            wherry_simulation_partition(world, SERVER, CLIENT, WHERRY_NEVER);
        finish(world);
    }
    print_message("%zu cases\n", choosing.cases);
    assert_int_equal(choosing.cases, 2 * ANSWERS * OFFSETS * OFFSETS);
}

/* --- a server that is stopped at each event of a conversation */

enum stop { BY_SIGNAL, BY_CANCEL, BY_ITSELF, STOPS };

struct service {
    wherry_handler handler; /* first */
    wherry_simulation_condition condition;
    uint64_t events, stop_at;
    enum stop stop;
    wherry_server *server;
    int started, stopped, connected, disconnected;
    int answered, received; /* by the server, and of that by the client */
    bool is_done;           /* the client */
    int end;                /* what its last call gave */
};

static struct service *service_of(wherry_handler *self)
{
    return (struct service *)(void *)self;
}

static int service_handle(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes message;
    int result = wherry_peer_receive(client, &message, WHERRY_NEVER);

    if (result == WHERRY_OK)
        result = wherry_peer_send(client, message, WHERRY_NEVER);
    service_of(self)->answered += result == WHERRY_OK;
    return result;
}

static int service_start(wherry_handler *self, wherry_server *server)
{
    service_of(self)->server = server;
    service_of(self)->started++;
    return WHERRY_OK;
}

static void service_stop(wherry_handler *self, wherry_server *server)
{
    (void)server;
    service_of(self)->server = NULL;
    service_of(self)->stopped++;
}

static int service_connect(wherry_handler *self, wherry_peer *client)
{
    (void)client;
    service_of(self)->connected++;
    return WHERRY_OK;
}

static void service_disconnect(wherry_handler *self, wherry_peer *client, int reason)
{
    (void)client;
    (void)reason;
    service_of(self)->disconnected++;
}

static int service_serve(void *argument)
{
    struct service *service = argument;

    return wherry_serve(.endpoints = ENDPOINT, .protocol = &wherry_lines,
                        .handler = &service->handler);
}

static int service_ask(void *argument)
{
    struct service *service = argument;
    int64_t deadline = wherry_in(WHERRY_SECONDS(20));
    wherry_peer *peer = NULL;
    wherry_bytes answer;
    char text[16];

    service->end = wherry_connect(&peer, ENDPOINT, &wherry_lines, deadline);
    for (int i = 0; i < 3 && service->end == WHERRY_OK; i++) {
        (void)snprintf(text, sizeof(text), "ask %d", i);
        service->end = wherry_peer_send(peer, wherry_text(text), deadline);
        if (service->end == WHERRY_OK)
            service->end = wherry_peer_receive(peer, &answer, deadline);
        if (service->end == WHERRY_OK) {
            SURE(wherry_bytes_equal(answer, wherry_text(text)));
            service->received++;
        }
    }
    wherry_peer_close(peer);
    service->is_done = true;
    return WHERRY_OK;
}

/* Counts the events, and stops the server at one of them. */
static int service_holds(wherry_simulation_condition *self, wherry_simulation *world)
{
    struct service *service = (struct service *)(void *)((char *)self -
                                                         offsetof(struct service, condition));

    (void)world;
    return ++service->events == service->stop_at || service->is_done;
}

static wherry_simulation *service_begin(struct service *service)
{
    wherry_simulation *world;

    service->handler = (wherry_handler){
        .handle = service_handle,
        .on_start = service_start,
        .on_stop = service_stop,
        .on_connect = service_connect,
        .on_disconnect = service_disconnect,
    };
    service->condition.holds = service_holds;
    assert_int_equal(wherry_simulation_new(&world, .quiet = 1), WHERRY_OK);
    wherry_simulation_spawn(world, SERVER, service_serve, service,
                            .plain = service->stop == BY_SIGNAL);
    wherry_simulation_spawn(world, CLIENT, service_ask, service, .delay = 1000, .must_end = 1);
    assert_int_equal(wherry_simulation_run_until(world, &service->condition, WHERRY_SECONDS(1000)),
                     WHERRY_OK);
    return world;
}

static void service_end(struct service *service, wherry_simulation *world)
{
    if (service->stop == BY_ITSELF && service->server != NULL)
        wherry_server_stop(service->server);
    else
        assert_int_equal(wherry_simulation_stop(world, SERVER), WHERRY_OK);
    finish(world);
    assert_int_equal(service->started, service->stopped);
    assert_int_equal(service->connected, service->disconnected);
    assert_int_equal(service->received, service->answered);
    assert_true(service->end == WHERRY_OK || service->end == WHERRY_E_END ||
                service->end == WHERRY_E_RESET || service->end == WHERRY_E_REFUSED);
    assert_true((service->received == 3) == (service->end == WHERRY_OK));
}

static void a_server_that_is_stopped_at_any_event_ends_in_order(void **state)
{
    size_t cases = 0;

    (void)state;
    for (enum stop stop = 0; stop < STOPS; stop++) {
        struct service whole = { .stop = stop };

        service_end(&whole, service_begin(&whole));
        assert_int_equal(whole.received, 3);
        for (uint64_t at = 1; at <= whole.events; at++, cases++) {
            struct service service = { .stop = stop, .stop_at = at };

            service_end(&service, service_begin(&service));
        }
    }
    print_message("%zu cases\n", cases);
    assert_true(cases >= 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_an_answer_a_deadline_and_a_cancel_the_first_counts),
        cmocka_unit_test(a_server_that_is_stopped_at_any_event_ends_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
