/* Stopping, draining, waiting for and freeing a server, from everywhere that is allowed and from
 * where it is not. */
#include <wherry.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop/loop.h"
#include "support/service.h"

static wherry_task *spawn_on(service_state *service, wherry_body *body)
{
    wherry_task *task;

    assert_int_equal(wherry_spawn(&task, body, service, .loop = service->loop), WHERRY_OK);
    return task;
}

static int join(service_state *service, wherry_task *task)
{
    int result;

    WIRE_UNTIL(service->loop, wherry_task_ended(task));
    assert_int_equal(wherry_task_join(task, &result, WHERRY_NOW), WHERRY_OK);
    wherry_task_release(task);
    return result;
}

static int run_on(service_state *service, wherry_body *body)
{
    return join(service, spawn_on(service, body));
}

static int wait_for_server(void *argument)
{
    return wherry_server_wait(((service_state *)argument)->server, WHERRY_NEVER);
}

static int echo_second(wherry_handler *self, wherry_peer *client)
{
    service_state *service = (service_state *)self;
    wherry_bytes line;
    int result = service_receive(service, client, &line, WHERRY_NEVER);

    if (result == WHERRY_OK)
        result = wherry_peer_send(client, wherry_text("first"), WHERRY_NEVER);
    if (result == WHERRY_OK)
        result = service_receive(service, client, &line, WHERRY_NEVER);
    return result < 0 ? result : wherry_peer_send(client, line, WHERRY_NEVER);
}

/* A service with one silent and one busy client: the latter's conversation has had one message and
 * waits for another. */
typedef struct town_state {
    service_state service; /* first */
    int silent;
    int busy;
} town_state;

static void open_town(town_state *town)
{
    service_open(&town->service);
    town->service.handler.handle = echo_second;
    service_start(&town->service, .endpoints = service_unix_name());
    town->silent = service_dial(&town->service);
    town->busy = service_dial(&town->service);
    wire_say(town->busy, "a\n");
    wire_expect(town->service.loop, town->busy, "first\n");
    service_expect(&town->service, "start; connect; connect; got(a); ");
}

/* --- stopping */

static void a_stop_ends_silent_and_busy_clients(void **state)
{
    town_state town;

    (void)state;
    open_town(&town);
    wherry_server_stop(town.service.server);
    wherry_server_stop(town.service.server);
    assert_int_equal(run_on(&town.service, wait_for_server), WHERRY_OK);
    service_expect(&town.service, "disconnect(CANCELED); CANCELED; disconnect(CANCELED); stop; ");
    wire_expect_end(town.service.loop, town.silent, 0);
    wire_expect_end(town.service.loop, town.busy, 0);
    wherry_server_stop(town.service.server);
    wire_settle(town.service.loop);
    assert_int_equal(town.service.log_lines, 0);
    service_close(&town.service);
}

static void a_stop_before_the_start_is_nothing(void **state)
{
    service_state service;

    (void)state;
    service_open(&service);
    assert_int_equal(wherry_server_new(&service.server, .loop = service.loop,
                                       .endpoints = "tcp://127.0.0.1:0",
                                       .handler = &service.handler),
                     WHERRY_OK);
    wherry_server_stop(service.server);
    assert_int_equal(wherry_server_start(service.server), WHERRY_OK);
    wire_settle(service.loop);
    assert_int_equal(wherry_server_wait(service.server, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    wherry_server_stop(service.server);
    service_expect(&service, "start; stop; ");
    service_close(&service);
}

static int stop_and_answer(wherry_handler *self, wherry_peer *client)
{
    service_state *service = (service_state *)self;
    wherry_bytes line;
    int result = service_receive(service, client, &line, WHERRY_NEVER);

    if (result < 0)
        return result;
    wherry_server_stop(service->server);
    return wherry_peer_send(client, line, WHERRY_NEVER);
}

static void a_handler_may_stop_its_server(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.handle = stop_and_answer;
    service_start(&service, .clients_max = 0);
    wire = service_dial(&service);
    wire_say(wire, "a\n");
    service_expect(&service, "start; connect; got(a); disconnect(CANCELED); stop; ");
    wire_expect(service.loop, wire, "a\n"); /* what was sent still goes out */
    wire_expect_end(service.loop, wire, 0);
    service_close(&service);
}

static void *stop_from_thread(void *argument)
{
    wherry_server_stop(argument);
    return NULL;
}

static void another_thread_may_stop_it(void **state)
{
    service_state service;
    pthread_t thread;

    (void)state;
    service_open(&service);
    service_start(&service, .clients_max = 0);
    service_expect(&service, "start; ");
    assert_int_equal(pthread_create(&thread, NULL, stop_from_thread, service.server), 0);
    service_expect(&service, "stop; ");
    assert_int_equal(pthread_join(thread, NULL), 0);
    service_close(&service);
}

static wherry_server *stopped_by_signal;

static void on_signal(int number)
{
    (void)number;
    wherry_server_stop(stopped_by_signal);
}

static void a_signal_handler_may_stop_it(void **state)
{
    struct sigaction action = { .sa_handler = on_signal };
    struct sigaction former;
    service_state service;

    (void)state;
    service_open(&service);
    service_start(&service, .clients_max = 0);
    service_expect(&service, "start; ");
    stopped_by_signal = service.server;
    assert_int_equal(sigaction(SIGUSR1, &action, &former), 0);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(sigaction(SIGUSR1, &former, NULL), 0);
    service_expect(&service, "stop; ");
    service_close(&service);
}

/* The message and the stop come in one pass, so that the client's task has not begun. */
static void a_stop_that_meets_a_message_leaves_nobody_behind(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service_start(&service, .clients_max = 0);
    wire = service_dial(&service);
    service_expect(&service, "start; connect; ");
    wire_settle(service.loop);
    wire_say(wire, "a\n");
    wherry_server_stop(service.server);
    assert_int_equal(run_on(&service, wait_for_server), WHERRY_OK);
    assert_int_equal(wherry_server_clients(service.server), 0);
    assert_non_null(strstr(service.story, "disconnect(CANCELED); stop; "));
    assert_int_equal(close(wire), 0);
    service_close(&service);
}

static void whoever_waits_in_the_backlog_is_reset(void **state)
{
    service_state service;
    int wires[2];

    (void)state;
    service_open(&service);
    service_start(&service, .clients_max = 1);
    wires[0] = service_dial(&service);
    wires[1] = service_dial(&service);
    service_expect(&service, "start; connect; ");
    wherry_server_stop(service.server);
    wire_expect_end(service.loop, wires[0], 0);
    wire_expect_end(service.loop, wires[1], ECONNRESET);
    service_expect(&service, "disconnect(CANCELED); stop; ");
    service_close(&service);
}

/* Goes on through so many refused waits, and receives nothing more. */
static int defy(wherry_handler *self, wherry_peer *client)
{
    service_state *service = (service_state *)self;
    wherry_bytes line;
    int result = service_receive(service, client, &line, WHERRY_NEVER);

    for (int i = 0; i < 1500 && result == WHERRY_OK; i++)
        if (wherry_sleep(wherry_in(WHERRY_SECONDS(1))) == WHERRY_OK)
            service_tell(service, "slept; ");
    return result;
}

static void a_handler_that_defies_its_cancellation_is_named_and_waited_for(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.handle = defy;
    service_start(&service, .endpoints = service_unix_name());
    wire = service_dial(&service);
    wire_say(wire, "a\n");
    service_expect(&service, "start; connect; got(a); ");
    wherry_server_stop(service.server);
    assert_int_equal(run_on(&service, wait_for_server), WHERRY_OK);
    service_expect(&service, "disconnect(CANCELED); stop; ");
    assert_int_equal(service.log_lines, 1);
    assert_non_null(strstr(service.log, "task \"client\" was canceled, was refused 1000 waits"));
    assert_int_equal(close(wire), 0);
    service_close(&service);
}

/* --- hooks that wait */

static void leave_slowly(wherry_handler *self, wherry_peer *client, int reason)
{
    service_state *service = (service_state *)self;
    wherry_bytes line;

    service_tell(service, "disconnect(%s); ", service_name(reason));
    service_tell(service, "%s; ", service_name(wherry_sleep(wherry_in(WHERRY_SECONDS(2)))));
    (void)service_receive(service, client, &line, wherry_in(WHERRY_SECONDS(2)));
    (void)service_receive(service, client, &line, WHERRY_NEVER);
    service_tell(service, "%s; ", service_name(wherry_sleep(wherry_in(WHERRY_SECONDS(2)))));
}

static void on_disconnect_has_a_grace_time(void **state)
{
    service_state service;
    wherry_task *task;
    int64_t start;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.on_disconnect = leave_slowly;
    service_start(&service, .endpoints = service_unix_name(), .grace = WHERRY_SECONDS(6));
    wire = service_dial(&service);
    service_expect(&service, "start; connect; ");
    wire_settle(service.loop);
    start = wherry_loop_now(service.loop);
    wherry_server_stop(service.server);
    task = spawn_on(&service, wait_for_server);
    wire_advance(service.loop, WHERRY_SECONDS(6) - 1);
    service_expect(&service, "disconnect(CANCELED); OK; TIMED_OUT; ");
    assert_false(wherry_task_ended(task));
    wire_advance(service.loop, 1);
    assert_int_equal(join(&service, task), WHERRY_OK);
    assert_int_equal(wherry_loop_now(service.loop) - start, WHERRY_SECONDS(6));
    service_expect(&service, "CANCELED; CANCELED; stop; ");
    assert_int_equal(close(wire), 0);
    service_close(&service);
}

static void stop_slowly(wherry_handler *self, wherry_server *server)
{
    service_state *service = (service_state *)self;

    assert_int_equal(wherry_server_clients(server), 0);
    service_tell(service, "stop; ");
    service_tell(service, "%s; ", service_name(wherry_sleep(wherry_in(WHERRY_SECONDS(1)))));
    service_tell(service, "%s; ", service_name(wherry_sleep(WHERRY_NEVER)));
}

static void on_stop_has_a_grace_time(void **state)
{
    service_state service;
    wherry_task *task;

    (void)state;
    service_open(&service);
    service.handler.on_stop = stop_slowly;
    service_start(&service, .clients_max = 0);
    wherry_server_stop(service.server);
    task = spawn_on(&service, wait_for_server);
    wire_advance(service.loop, WHERRY_SECONDS(5) - 1);
    service_expect(&service, "start; stop; OK; ");
    assert_false(wherry_task_ended(task));
    wire_advance(service.loop, 1);
    assert_int_equal(join(&service, task), WHERRY_OK);
    service_expect(&service, "CANCELED; ");
    service_close(&service);
}

/* --- draining */

static int drain_in_a_second(void *argument)
{
    return wherry_server_drain(((service_state *)argument)->server, wherry_in(WHERRY_SECONDS(1)));
}

static int drain_now(void *argument)
{
    return wherry_server_drain(((service_state *)argument)->server, WHERRY_NOW);
}

static void a_drain_lets_conversations_end(void **state)
{
    town_state town;
    wherry_task *task;

    (void)state;
    open_town(&town);
    task = spawn_on(&town.service, drain_in_a_second);
    wire_advance(town.service.loop, WHERRY_MILLISECONDS(500));
    service_expect(&town.service, "disconnect(CANCELED); ");
    wire_expect_end(town.service.loop, town.silent, 0);
    assert_int_equal(wherry_server_clients(town.service.server), 1);
    wire_say(town.busy, "b\nc\n"); /* the latter would be the next conversation */
    assert_int_equal(join(&town.service, task), WHERRY_OK);
    service_expect(&town.service, "got(b); disconnect(CANCELED); stop; ");
    wire_expect(town.service.loop, town.busy, "b\n");
    assert_int_equal(close(town.busy), 0);
    assert_int_equal(run_on(&town.service, drain_now), WHERRY_OK);
    service_close(&town.service);
}

static void a_drain_stops_who_still_talks_at_the_deadline(void **state)
{
    town_state town;
    wherry_task *task;

    (void)state;
    open_town(&town);
    task = spawn_on(&town.service, drain_in_a_second);
    wire_advance(town.service.loop, WHERRY_SECONDS(1) - 1);
    service_expect(&town.service, "disconnect(CANCELED); ");
    wire_advance(town.service.loop, 1);
    assert_int_equal(join(&town.service, task), WHERRY_E_TIMED_OUT);
    service_expect(&town.service, "CANCELED; disconnect(CANCELED); stop; ");
    assert_int_equal(close(town.silent), 0);
    assert_int_equal(close(town.busy), 0);
    service_close(&town.service);
}

static void a_drain_may_stop_them_at_once(void **state)
{
    town_state town;

    (void)state;
    open_town(&town);
    assert_int_equal(run_on(&town.service, drain_now), WHERRY_E_TIMED_OUT);
    service_expect(&town.service, "disconnect(CANCELED); CANCELED; disconnect(CANCELED); stop; ");
    assert_int_equal(close(town.silent), 0);
    assert_int_equal(close(town.busy), 0);
    service_close(&town.service);
}

static void a_canceled_drain_stops_the_server(void **state)
{
    town_state town;
    wherry_task *task;

    (void)state;
    open_town(&town);
    task = spawn_on(&town.service, drain_in_a_second);
    wire_settle(town.service.loop);
    wherry_task_cancel(task);
    assert_int_equal(join(&town.service, task), WHERRY_E_CANCELED);
    service_expect(&town.service, "disconnect(CANCELED); CANCELED; disconnect(CANCELED); stop; ");
    assert_int_equal(close(town.silent), 0);
    assert_int_equal(close(town.busy), 0);
    service_close(&town.service);
}

static void a_stop_hastens_a_drain(void **state)
{
    town_state town;
    wherry_task *task;

    (void)state;
    open_town(&town);
    task = spawn_on(&town.service, drain_in_a_second);
    wire_settle(town.service.loop);
    wherry_server_stop(town.service.server);
    assert_int_equal(join(&town.service, task), WHERRY_OK);
    service_expect(&town.service, "disconnect(CANCELED); CANCELED; disconnect(CANCELED); stop; ");
    assert_int_equal(close(town.silent), 0);
    assert_int_equal(close(town.busy), 0);
    service_close(&town.service);
}

static void an_eager_handler_without_a_message_is_drained_at_once(void **state)
{
    service_state service;
    wherry_task *task;
    int wires[2];

    (void)state;
    service_open(&service);
    service.handler.handle = echo_second;
    service.handler.eager = 1;
    service_start(&service, .endpoints = service_unix_name());
    wires[0] = service_dial(&service);
    wires[1] = service_dial(&service);
    wire_say(wires[0], "a\n");
    wire_expect(service.loop, wires[0], "first\n");
    WIRE_UNTIL(service.loop, wherry_server_clients(service.server) == 2);
    wire_settle(service.loop);
    task = spawn_on(&service, drain_in_a_second);
    wire_settle(service.loop);
    assert_int_equal(wherry_server_clients(service.server), 1);
    wire_say(wires[0], "b\n");
    wire_expect(service.loop, wires[0], "b\n");
    assert_int_equal(join(&service, task), WHERRY_OK);
    assert_int_equal(close(wires[0]), 0);
    assert_int_equal(close(wires[1]), 0);
    service_close(&service);
}

/* --- waiting */

static int wait_a_second(void *argument)
{
    return wherry_server_wait(((service_state *)argument)->server, wherry_in(WHERRY_SECONDS(1)));
}

static void waiting_has_a_deadline(void **state)
{
    service_state service;
    wherry_task *task;

    (void)state;
    service_open(&service);
    service_start(&service, .clients_max = 0);
    task = spawn_on(&service, wait_a_second);
    wire_advance(service.loop, WHERRY_SECONDS(1));
    assert_int_equal(join(&service, task), WHERRY_E_TIMED_OUT);
    task = spawn_on(&service, wait_a_second);
    wire_settle(service.loop);
    wherry_task_cancel(task);
    assert_int_equal(join(&service, task), WHERRY_E_CANCELED);
    assert_int_equal(wherry_server_wait(service.server, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_server_wait(service.server, WHERRY_NEVER), WHERRY_E_MISUSE);
    assert_int_equal(wherry_server_drain(service.server, WHERRY_NOW), WHERRY_E_MISUSE);
    service_close(&service);
}

static void nobody_waits_for_a_server_that_was_not_started(void **state)
{
    service_state service;

    (void)state;
    service_open(&service);
    assert_int_equal(wherry_server_new(&service.server, .loop = service.loop,
                                       .endpoints = "tcp://127.0.0.1:0",
                                       .handler = &service.handler),
                     WHERRY_OK);
    assert_int_equal(run_on(&service, wait_for_server), WHERRY_E_MISUSE);
    assert_int_equal(run_on(&service, drain_now), WHERRY_E_MISUSE);
    service_close(&service);
}

/* Each hook tries what only others may do. */
static void try_all(wherry_handler *self)
{
    service_state *service = (service_state *)self;

    service_tell(service, "%s ", service_name(wherry_server_wait(service->server, WHERRY_NEVER)));
    service_tell(service, "%s ", service_name(wherry_server_drain(service->server, WHERRY_NEVER)));
}

static int try_in_start(wherry_handler *self, wherry_server *server)
{
    (void)server;
    try_all(self);
    return WHERRY_OK;
}

static void try_in_stop(wherry_handler *self, wherry_server *server)
{
    (void)server;
    try_all(self);
}

static int try_in_connect(wherry_handler *self, wherry_peer *client)
{
    (void)client;
    try_all(self);
    return WHERRY_OK;
}

static int try_in_handle(wherry_handler *self, wherry_peer *client)
{
    try_all(self);
    return service_echo(self, client);
}

static void try_in_disconnect(wherry_handler *self, wherry_peer *client, int reason)
{
    (void)client;
    (void)reason;
    try_all(self);
}

static void a_servers_own_hooks_cannot_wait_for_its_end(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.handle = try_in_handle;
    service.handler.on_start = try_in_start;
    service.handler.on_stop = try_in_stop;
    service.handler.on_connect = try_in_connect;
    service.handler.on_disconnect = try_in_disconnect;
    service_start(&service, .clients_max = 0);
    wire = service_dial(&service);
    wire_say(wire, "a\n");
    wire_expect(service.loop, wire, "a\n");
    service_expect(&service, "MISUSE MISUSE MISUSE MISUSE MISUSE MISUSE got(a); ");
    wherry_server_stop(service.server);
    service_expect(&service, "MISUSE MISUSE MISUSE MISUSE ");
    assert_int_equal(close(wire), 0);
    service_close(&service);
}

/* --- freeing */

static int free_it(void *argument)
{
    service_state *service = argument;

    wherry_server_free(service->server);
    service->server = NULL;
    service_tell(service, "freed; ");
    return WHERRY_OK;
}

static void to_free_on_a_coroutine_waits_for_the_end(void **state)
{
    town_state town;

    (void)state;
    open_town(&town);
    assert_int_equal(run_on(&town.service, free_it), WHERRY_OK);
    service_expect(&town.service,
                   "disconnect(CANCELED); CANCELED; disconnect(CANCELED); stop; freed; ");
    assert_int_equal(close(town.silent), 0);
    assert_int_equal(close(town.busy), 0);
    service_close(&town.service);
}

static int free_canceled(void *argument)
{
    wherry_task_cancel(wherry_task_current());
    return free_it(argument);
}

static void to_free_on_a_canceled_coroutine_waits_too(void **state)
{
    town_state town;

    (void)state;
    open_town(&town);
    assert_int_equal(run_on(&town.service, free_canceled), WHERRY_OK);
    service_expect(&town.service,
                   "disconnect(CANCELED); CANCELED; disconnect(CANCELED); stop; freed; ");
    assert_int_equal(close(town.silent), 0);
    assert_int_equal(close(town.busy), 0);
    service_close(&town.service);
}

static void to_free_elsewhere_does_not_wait(void **state)
{
    town_state town;

    (void)state;
    open_town(&town);
    (void)free_it(&town.service);
    service_expect(&town.service,
                   "freed; disconnect(CANCELED); CANCELED; disconnect(CANCELED); stop; ");
    assert_int_equal(close(town.silent), 0);
    assert_int_equal(close(town.busy), 0);
    service_close(&town.service);
}

static void to_free_before_the_start_is_quick(void **state)
{
    service_state service;

    (void)state;
    service_open(&service);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(wherry_server_new(&service.server, .loop = service.loop,
                                           .endpoints = "tcp://127.0.0.1:0",
                                           .handler = &service.handler),
                         WHERRY_OK);
        if (i == 0)
            assert_int_equal(run_on(&service, free_it), WHERRY_OK);
        else
            (void)free_it(&service);
    }
    wherry_server_free(NULL);
    assert_string_equal(service.story, "freed; freed; ");
    service_close(&service);
}

/* The stop's post has not run when the server goes. */
static void a_stop_under_way_survives_the_server(void **state)
{
    service_state service;

    (void)state;
    service_open(&service);
    service_start(&service, .clients_max = 0);
    service_expect(&service, "start; ");
    wherry_server_stop(service.server);
    (void)free_it(&service);
    service_expect(&service, "freed; stop; ");
    service_close(&service);
}

static void free_under_who_waits(wherry_body *waits)
{
    service_state service;
    wherry_task *task;

    service_open(&service);
    service_start(&service, .clients_max = 0);
    task = spawn_on(&service, waits);
    wire_settle(service.loop);
    assert_int_equal(run_on(&service, free_it), WHERRY_OK);
    assert_int_equal(join(&service, task), WHERRY_OK);
    service_close(&service);
}

static void to_free_while_another_task_waits(void **state)
{
    (void)state;
    free_under_who_waits(wait_for_server);
    free_under_who_waits(drain_in_a_second);
}

static int free_in_handle(wherry_handler *self, wherry_peer *client)
{
    service_state *service = (service_state *)self;

    wherry_server_free(service->server);
    return service_echo(self, client);
}

static void a_handler_that_frees_its_server_only_stops_it(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.handle = free_in_handle;
    service_start(&service, .clients_max = 0);
    wire = service_dial(&service);
    wire_say(wire, "a\n");
    service_expect(&service, "start; connect; got(a); disconnect(CANCELED); stop; ");
    assert_int_equal(service.log_lines, 1);
    assert_string_equal(service.log, "a server was freed by its own handler");
    assert_int_equal(wherry_server_wait(service.server, WHERRY_NOW), WHERRY_OK);
    wire_expect(service.loop, wire, "a\n");
    assert_int_equal(close(wire), 0);
    service_close(&service);
}

static int free_in_start(wherry_handler *self, wherry_server *server)
{
    wherry_server_free(server);
    return service_on_start(self, server);
}

static int free_in_connect(wherry_handler *self, wherry_peer *client)
{
    wherry_server_free(((service_state *)self)->server);
    return service_on_connect(self, client);
}

static void free_in_disconnect(wherry_handler *self, wherry_peer *client, int reason)
{
    wherry_server_free(((service_state *)self)->server);
    service_on_disconnect(self, client, reason);
}

static void free_in_stop(wherry_handler *self, wherry_server *server)
{
    wherry_server_free(server);
    service_on_stop(self, server);
}

static void so_do_all_other_hooks(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.on_start = free_in_start;
    service.handler.on_stop = free_in_stop;
    service_start(&service, .clients_max = 0);
    service_expect(&service, "start; stop; ");
    assert_int_equal(service.log_lines, 2);
    service_close(&service);
    service_open(&service);
    service.handler.on_connect = free_in_connect;
    service.handler.on_disconnect = free_in_disconnect;
    service_start(&service, .clients_max = 0);
    wire = service_dial(&service);
    service_expect(&service, "start; connect; disconnect(CANCELED); stop; ");
    assert_int_equal(service.log_lines, 2);
    wire_expect_end(service.loop, wire, 0);
    service_close(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stop_ends_silent_and_busy_clients),
        cmocka_unit_test(a_stop_before_the_start_is_nothing),
        cmocka_unit_test(a_handler_may_stop_its_server),
        cmocka_unit_test(another_thread_may_stop_it),
        cmocka_unit_test(a_signal_handler_may_stop_it),
        cmocka_unit_test(a_stop_that_meets_a_message_leaves_nobody_behind),
        cmocka_unit_test(whoever_waits_in_the_backlog_is_reset),
        cmocka_unit_test(a_handler_that_defies_its_cancellation_is_named_and_waited_for),
        cmocka_unit_test(on_disconnect_has_a_grace_time),
        cmocka_unit_test(on_stop_has_a_grace_time),
        cmocka_unit_test(a_drain_lets_conversations_end),
        cmocka_unit_test(a_drain_stops_who_still_talks_at_the_deadline),
        cmocka_unit_test(a_drain_may_stop_them_at_once),
        cmocka_unit_test(a_canceled_drain_stops_the_server),
        cmocka_unit_test(a_stop_hastens_a_drain),
        cmocka_unit_test(an_eager_handler_without_a_message_is_drained_at_once),
        cmocka_unit_test(waiting_has_a_deadline),
        cmocka_unit_test(nobody_waits_for_a_server_that_was_not_started),
        cmocka_unit_test(a_servers_own_hooks_cannot_wait_for_its_end),
        cmocka_unit_test(to_free_on_a_coroutine_waits_for_the_end),
        cmocka_unit_test(to_free_on_a_canceled_coroutine_waits_too),
        cmocka_unit_test(to_free_elsewhere_does_not_wait),
        cmocka_unit_test(to_free_before_the_start_is_quick),
        cmocka_unit_test(a_stop_under_way_survives_the_server),
        cmocka_unit_test(to_free_while_another_task_waits),
        cmocka_unit_test(a_handler_that_frees_its_server_only_stops_it),
        cmocka_unit_test(so_do_all_other_hooks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
