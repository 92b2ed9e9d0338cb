/* A server's life, and its hooks in their order. */
#include <wherry.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop/loop.h"
#include "support/service.h"

/* Runs body(argument) to its end on the service's loop and returns its result. */
static int run_task(service_state *service, wherry_body *body, void *argument)
{
    wherry_task *task;
    int result;

    assert_int_equal(wherry_spawn(&task, body, argument, .loop = service->loop), WHERRY_OK);
    WIRE_UNTIL(service->loop, wherry_task_ended(task));
    assert_int_equal(wherry_task_join(task, &result, WHERRY_NOW), WHERRY_OK);
    wherry_task_release(task);
    return result;
}

/* --- from the start to the end */

static void the_hooks_come_in_their_order(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service_start(&service, .clients_max = 0);
    service_expect(&service, "start; ");
    wire = service_dial(&service);
    service_expect(&service, "connect; ");
    assert_int_equal(wherry_server_clients(service.server), 1);
    wire_say(wire, "hello\n");
    wire_expect(service.loop, wire, "hello\n");
    wire_say(wire, "you\n");
    wire_expect(service.loop, wire, "you\n");
    service_expect(&service, "got(hello); got(you); ");
    assert_int_equal(close(wire), 0);
    service_expect(&service, "disconnect(END); ");
    assert_int_equal(wherry_server_clients(service.server), 0);
    wherry_server_stop(service.server);
    service_expect(&service, "stop; ");
    assert_int_equal(service.log_lines, 0);
    service_close(&service);
}

static void every_transport_is_served(void **state)
{
    const char *const endpoints[] = { "tcp://127.0.0.1:0", service_unix_name(), "tcp://[::1]:0" };

    (void)state;
    for (int i = 0; i < 3 - !wire_has_ipv6(); i++) {
        service_state service;
        int wire;

        service_open(&service);
        service_start(&service, .endpoints = endpoints[i]);
        wire = service_dial(&service);
        wire_say(wire, "hello\n");
        wire_expect(service.loop, wire, "hello\n");
        assert_int_equal(close(wire), 0);
        service_expect(&service, "start; connect; got(hello); disconnect(END); ");
        service_close(&service);
    }
}

/* With no hook but handle. */
static void hooks_may_be_missing(void **state)
{
    service_state service;
    int wires[3];

    (void)state;
    service_open(&service);
    service.handler.on_start = NULL;
    service.handler.on_stop = NULL;
    service.handler.on_connect = NULL;
    service.handler.on_disconnect = NULL;
    service_start(&service, .clients_max = 0);
    for (int i = 0; i < 3; i++)
        wires[i] = service_dial(&service);
    wire_say(wires[0], "hello\n");
    wire_expect(service.loop, wires[0], "hello\n");
    WIRE_UNTIL(service.loop, wherry_server_clients(service.server) == 3);
    assert_int_equal(close(wires[1]), 0);
    WIRE_UNTIL(service.loop, wherry_server_clients(service.server) == 2);
    wherry_server_stop(service.server);
    wire_expect_end(service.loop, wires[0], 0);
    wire_expect_end(service.loop, wires[2], 0);
    service_expect(&service, "got(hello); ");
    service_close(&service);
}

static int fail_to_start(wherry_handler *self, wherry_server *server)
{
    (void)server;
    service_tell((service_state *)self, "no; ");
    return WHERRY_E_NOT_FOUND;
}

static int wait_for_server(void *argument)
{
    return wherry_server_wait(argument, WHERRY_NEVER);
}

static void a_start_that_fails_is_what_wait_returns(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.on_start = fail_to_start;
    service_start(&service, .clients_max = 0);
    wire = service_dial(&service); /* into the backlog */
    assert_int_equal(run_task(&service, wait_for_server, service.server), WHERRY_E_NOT_FOUND);
    assert_int_equal(wherry_server_wait(service.server, WHERRY_NOW), WHERRY_E_NOT_FOUND);
    wire_expect_end(service.loop, wire, ECONNRESET);
    service_expect(&service, "no; "); /* and no stop */
    service_close(&service);
}

static int start_slowly(wherry_handler *self, wherry_server *server)
{
    int result;

    (void)server;
    service_tell((service_state *)self, "start; ");
    result = wherry_sleep(wherry_in(WHERRY_SECONDS(1)));
    service_tell((service_state *)self, "%s; ", service_name(result));
    return result;
}

static void no_client_is_accepted_before_on_start_has_returned(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.on_start = start_slowly;
    service_start(&service, .endpoints = service_unix_name());
    wire = service_dial(&service);
    wire_say(wire, "hello\n");
    wire_advance(service.loop, WHERRY_SECONDS(1) - 1);
    service_expect(&service, "start; ");
    assert_int_equal(wherry_server_clients(service.server), 0);
    wire_advance(service.loop, 1);
    wire_expect(service.loop, wire, "hello\n");
    service_expect(&service, "OK; connect; got(hello); ");
    assert_int_equal(close(wire), 0);
    service_close(&service);
}

static void a_stop_does_not_wait_for_on_start(void **state)
{
    service_state service;

    (void)state;
    service_open(&service);
    service.handler.on_start = start_slowly;
    service_start(&service, .clients_max = 0);
    service_expect(&service, "start; ");
    wherry_server_stop(service.server);
    assert_int_equal(run_task(&service, wait_for_server, service.server), WHERRY_E_CANCELED);
    service_expect(&service, "CANCELED; ");
    service_close(&service);
}

static int stop_at_once(wherry_handler *self, wherry_server *server)
{
    service_tell((service_state *)self, "start; ");
    wherry_server_stop(server);
    return WHERRY_OK;
}

static void on_start_may_stop_the_server(void **state)
{
    service_state service;

    (void)state;
    service_open(&service);
    service.handler.on_start = stop_at_once;
    service_start(&service, .clients_max = 0);
    assert_int_equal(run_task(&service, wait_for_server, service.server), WHERRY_OK);
    service_expect(&service, "start; stop; ");
    service_close(&service);
}

/* --- how each client goes, and with what reason */

static void a_client_that_breaks_off_is_told_as_such(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service_start(&service, .clients_max = 0);
    wire = service_dial(&service);
    service_expect(&service, "start; connect; ");
    wire_reset(wire);
    service_expect(&service, "disconnect(RESET); ");
    service_close(&service);
}

static void a_reset_before_the_accept_harms_nobody(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.on_connect = NULL;
    service_start(&service, .clients_max = 0);
    wire_reset(service_dial(&service));
    wire = service_dial(&service);
    wire_say(wire, "hello\n");
    wire_expect(service.loop, wire, "hello\n");
    assert_int_equal(close(wire), 0);
    WIRE_UNTIL(service.loop, wherry_server_clients(service.server) == 0);
    service_close(&service);
}

static void a_silent_client_goes_at_its_idle_time(void **state)
{
    const wherry_stream_options limits = { .size = sizeof(limits),
                                           .idle_timeout = WHERRY_SECONDS(2) };
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service_start(&service, .endpoints = service_unix_name(), .stream = &limits);
    wire = service_dial(&service);
    service_expect(&service, "start; connect; ");
    wire_say(wire, "hello\n");
    wire_expect(service.loop, wire, "hello\n");
    wire_advance(service.loop, WHERRY_SECONDS(2) - 1);
    service_expect(&service, "got(hello); ");
    wire_advance(service.loop, 1);
    service_expect(&service, "disconnect(IDLE); ");
    wire_expect_end(service.loop, wire, 0);
    assert_int_equal(service.log_lines, 0);
    service_close(&service);
}

static void half_a_message_and_an_end_is_no_failure(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service_start(&service, .protocol = &wherry_length32);
    wire = service_dial(&service);
    wire_say(wire, "abc");
    service_expect(&service, "start; connect; ");
    assert_int_equal(close(wire), 0);
    service_expect(&service, "disconnect(TRUNCATED); ");
    assert_int_equal(service.log_lines, 0);
    service_close(&service);
}

/* --- making one */

static int handle_nothing(wherry_handler *self, wherry_peer *client)
{
    (void)self;
    (void)client;
    return WHERRY_OK;
}

static void assert_refused(int result, int wanted, const char *problem)
{
    assert_int_equal(result, wanted);
    if (strstr(wherry_problem(), problem) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", problem, wherry_problem());
}

static void options_are_checked(void **state)
{
    static const wherry_protocol zeroed = { 0 };
    const wherry_stream_options told = { .size = sizeof(told),
                                         .events = &(wherry_stream_events){ .ended = NULL } };
    const wherry_stream_options negative = { .size = sizeof(negative), .idle_timeout = -1 };
    wherry_handler empty = { .on_start = NULL };
    wherry_handler handler = { .handle = handle_nothing };
    wherry_server *server = NULL;
    wherry_loop *loop;

    (void)state;
    assert_int_equal(wherry_loop_new(&loop), WHERRY_OK);
    assert_refused(wherry_server_new_with(NULL), WHERRY_E_MISUSE, "no place");
    assert_refused(wherry_server_new(NULL, .loop = loop), WHERRY_E_MISUSE, "no place");
    assert_refused(wherry_server_new(&server, .loop = loop, .handler = &handler), WHERRY_E_MISUSE,
                   "option endpoints");
    assert_refused(wherry_server_new(&server, .loop = loop, .endpoints = "  ", .handler = &handler),
                   WHERRY_E_MISUSE, "option endpoints");
    assert_refused(wherry_server_new(&server, .loop = loop, .endpoints = "unix:@x"),
                   WHERRY_E_MISUSE, "option handler");
    assert_refused(
        wherry_server_new(&server, .loop = loop, .endpoints = "unix:@x", .handler = &empty),
        WHERRY_E_MISUSE, "option handler");
    assert_refused(wherry_server_new(&server, .endpoints = "unix:@x", .handler = &handler),
                   WHERRY_E_MISUSE, "no loop");
    assert_refused(wherry_server_new(&server, .loop = loop, .endpoints = "unix:@x",
                                     .handler = &handler, .protocol = &zeroed),
                   WHERRY_E_MISUSE, "option protocol");
    assert_refused(wherry_server_new(&server, .loop = loop, .endpoints = "unix:@x",
                                     .handler = &handler, .grace = -1),
                   WHERRY_E_MISUSE, "option grace");
    assert_refused(wherry_server_new(&server, .loop = loop, .endpoints = "unix:@x",
                                     .handler = &handler, .stream = &told),
                   WHERRY_E_MISUSE, "option stream");
    assert_refused(wherry_server_new(&server, .loop = loop, .endpoints = "unix:@x",
                                     .handler = &handler, .stream = &negative),
                   WHERRY_E_MISUSE, "option idle_timeout");
    assert_null(server);
    wherry_loop_free(loop);
}

static void a_server_without_a_protocol_has_raw(void **state)
{
    wherry_handler handler = { .handle = service_echo };
    service_state service;
    int wire;

    (void)state;
    (void)handler;
    service_open(&service);
    assert_int_equal(wherry_server_new(&service.server, .loop = service.loop,
                                       .endpoints = "tcp://127.0.0.1:0",
                                       .handler = &service.handler),
                     WHERRY_OK);
    assert_int_equal(wherry_server_start(service.server), WHERRY_OK);
    wire = service_dial(&service);
    wire_say(wire, "hel");
    wire_expect(service.loop, wire, "hel");
    assert_int_equal(close(wire), 0);
    service_close(&service);
}

static void a_server_starts_once(void **state)
{
    service_state service;

    (void)state;
    service_open(&service);
    service_start(&service, .clients_max = 0);
    assert_int_equal(wherry_server_start(service.server), WHERRY_E_MISUSE);
    service_expect(&service, "start; ");
    wherry_server_stop(service.server);
    service_expect(&service, "stop; ");
    assert_int_equal(wherry_server_start(service.server), WHERRY_E_MISUSE);
    service_close(&service);
}

/* --- many servers */

static void one_handler_may_serve_several_servers(void **state)
{
    wherry_server *second;
    wherry_address address;
    service_state service;
    int wires[2];

    (void)state;
    service_open(&service);
    service_start(&service, .clients_max = 0);
    assert_int_equal(wherry_server_new(&second, .loop = service.loop,
                                       .endpoints = "tcp://127.0.0.1:0", .protocol = &wherry_crlf,
                                       .handler = &service.handler),
                     WHERRY_OK);
    assert_int_equal(wherry_server_start(second), WHERRY_OK);
    service_expect(&service, "start; start; ");
    wires[0] = service_dial(&service);
    assert_int_equal(wherry_server_address(second, 0, &address), WHERRY_OK);
    wires[1] = wire_connect(&address);
    wire_say(wires[1], "b\r\n");
    wire_expect(service.loop, wires[1], "b\r\n");
    wire_say(wires[0], "a\n");
    wire_expect(service.loop, wires[0], "a\n");
    wherry_server_free(second);
    wire_expect_end(service.loop, wires[1], 0);
    wire_say(wires[0], "c\n");
    wire_expect(service.loop, wires[0], "c\n");
    assert_int_equal(close(wires[0]), 0);
    service_close(&service);
}

static void two_hundred_clients_at_once(void **state)
{
    service_state service;
    wherry_loop_statistics statistics;
    int wires[200];

    (void)state;
    service_open(&service);
    service.handler.handle = service_echo;
    service_start(&service, .clients_max = 0);
    for (int i = 0; i < 200; i++)
        wires[i] = service_dial(&service);
    WIRE_UNTIL(service.loop, wherry_server_clients(service.server) == 200);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 200; i++)
            wire_say(wires[i], "x\n");
        for (int i = 0; i < 200; i++)
            wire_expect(service.loop, wires[i], "x\n");
        service.told = 0;
    }
    wire_settle(service.loop);
    wherry_loop_statistics_read(service.loop, &statistics);
    assert_int_equal(statistics.tasks, 1); /* the server's */
    assert_in_range(statistics.stacks, 1, 130);
    for (int i = 0; i < 200; i++)
        assert_int_equal(close(wires[i]), 0);
    WIRE_UNTIL(service.loop, wherry_server_clients(service.server) == 0);
    service_close(&service);
}

/* --- the loop goes first */

static void a_freed_loop_ends_its_servers_in_order(void **state)
{
    service_state service;
    int wires[2];

    (void)state;
    service_open(&service);
    service_start(&service, .clients_max = 0);
    wires[0] = service_dial(&service);
    wires[1] = service_dial(&service);
    WIRE_UNTIL(service.loop, wherry_server_clients(service.server) == 2);
    service_expect(&service, "start; connect; connect; ");
    wherry_loop_free(service.loop);
    assert_string_equal(service.story, "disconnect(CANCELED); disconnect(CANCELED); stop; ");
    assert_int_equal(wherry_server_clients(service.server), 0);
    assert_int_equal(wherry_server_wait(service.server, WHERRY_NOW), WHERRY_OK);
    wherry_server_stop(service.server);
    wherry_server_free(service.server);
    wherry_faulty_free(service.system);
    failing_memory_assert_empty(&service.memory);
    assert_int_equal(read(wires[0], service.story, 1), 0);
    assert_int_equal(close(wires[0]), 0);
    assert_int_equal(close(wires[1]), 0);
}

/* A handler that waits for more is canceled; it may still send. */
static int echo_and_wait(wherry_handler *self, wherry_peer *client)
{
    service_state *service = (service_state *)self;
    wherry_bytes line;
    int result = service_echo(self, client);

    if (result == WHERRY_OK)
        result = service_receive(service, client, &line, WHERRY_NEVER);
    if (result == WHERRY_E_CANCELED)
        (void)wherry_peer_send(client, wherry_text("sorry"), WHERRY_NEVER);
    return result;
}

static void a_freed_loop_ends_conversations_too(void **state)
{
    service_state service;
    int wires[2];

    (void)state;
    service_open(&service);
    service.handler.handle = echo_and_wait;
    service.handler.eager = 1;
    service_start(&service, .clients_max = 0);
    wires[0] = service_dial(&service);
    wire_say(wires[0], "a\n");
    wire_expect(service.loop, wires[0], "a\n");
    wires[1] = service_dial(&service);
    service_expect(&service, "start; connect; got(a); connect; ");
    wire_settle(service.loop);
    wherry_loop_free(service.loop);
    assert_string_equal(service.story, "CANCELED; disconnect(CANCELED); CANCELED; "
                                       "disconnect(CANCELED); stop; ");
    assert_int_equal(read(wires[0], service.story, 10), 6);
    assert_memory_equal(service.story, "sorry\n", 6);
    wherry_server_free(service.server);
    wherry_faulty_free(service.system);
    failing_memory_assert_empty(&service.memory);
    assert_int_equal(close(wires[0]), 0);
    assert_int_equal(close(wires[1]), 0);
}

static void a_loop_may_be_freed_before_its_server_ran(void **state)
{
    service_state service;

    (void)state;
    service_open(&service);
    service_start(&service, .clients_max = 0);
    wherry_loop_free(service.loop);
    assert_string_equal(service.story, "start; stop; ");
    wherry_server_free(service.server);
    wherry_faulty_free(service.system);
    failing_memory_assert_empty(&service.memory);
}

static void no_server_starts_on_a_loop_that_is_freed(void **state)
{
    service_state service;

    (void)state;
    service_open(&service);
    assert_int_equal(wherry_server_new(&service.server, .loop = service.loop,
                                       .endpoints = "tcp://127.0.0.1:0",
                                       .handler = &service.handler),
                     WHERRY_OK);
    service.loop->ending = true;
    assert_int_equal(wherry_server_start(service.server), WHERRY_E_CANCELED);
    service.loop->ending = false;
    service_close(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hooks_come_in_their_order),
        cmocka_unit_test(every_transport_is_served),
        cmocka_unit_test(hooks_may_be_missing),
        cmocka_unit_test(a_start_that_fails_is_what_wait_returns),
        cmocka_unit_test(no_client_is_accepted_before_on_start_has_returned),
        cmocka_unit_test(a_stop_does_not_wait_for_on_start),
        cmocka_unit_test(on_start_may_stop_the_server),
        cmocka_unit_test(a_client_that_breaks_off_is_told_as_such),
        cmocka_unit_test(a_reset_before_the_accept_harms_nobody),
        cmocka_unit_test(a_silent_client_goes_at_its_idle_time),
        cmocka_unit_test(half_a_message_and_an_end_is_no_failure),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(a_server_without_a_protocol_has_raw),
        cmocka_unit_test(a_server_starts_once),
        cmocka_unit_test(one_handler_may_serve_several_servers),
        cmocka_unit_test(two_hundred_clients_at_once),
        cmocka_unit_test(a_freed_loop_ends_its_servers_in_order),
        cmocka_unit_test(a_freed_loop_ends_conversations_too),
        cmocka_unit_test(a_loop_may_be_freed_before_its_server_ran),
        cmocka_unit_test(no_server_starts_on_a_loop_that_is_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
