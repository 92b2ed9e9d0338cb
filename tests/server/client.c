/* Conversations: what the handler of a client may do, and what follows from what it returns. */
#include <wherry.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop/loop.h"
#include "support/service.h"

static service_state *service_of(wherry_handler *self)
{
    return (service_state *)self;
}

static void wait_until_gone(service_state *service)
{
    WIRE_UNTIL(service->loop, wherry_server_clients(service->server) == 0);
}

/* --- what a handler returns */

static int returned; /* by the handlers below */

static int receive_and_return(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes line;
    int result = service_receive(service_of(self), client, &line, WHERRY_NEVER);

    return result < 0 ? result : returned;
}

static void say_bye(wherry_handler *self, wherry_peer *client, int reason)
{
    service_on_disconnect(self, client, reason);
    service_tell(service_of(self), "bye(%s); ",
                 service_name(wherry_peer_send(client, wherry_text("bye"), WHERRY_NEVER)));
}

static void assert_log_names(const service_state *service, int wire, const char *what)
{
    struct sockaddr_storage name;
    socklen_t size = sizeof(name);
    char text[WHERRY_ADDRESS_TEXT_SIZE];
    char wanted[600];
    wherry_address address;

    assert_int_equal(getsockname(wire, (struct sockaddr *)&name, &size), 0);
    assert_int_equal(wherry_address_from_system(&address, (struct sockaddr *)&name, size), 0);
    (void)wherry_address_format(&address, text, sizeof(text));
    (void)snprintf(wanted, sizeof(wanted), "client %s: the handler failed with %s", text, what);
    assert_string_equal(service->log, wanted);
    assert_int_equal(service->log_lines, 1);
}

static void a_failure_is_logged_once_and_ends_the_connection_behind_what_was_sent(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.handle = receive_and_return;
    service.handler.on_disconnect = say_bye;
    returned = WHERRY_E_NOT_FOUND;
    service_start(&service, .clients_max = 0);
    wire = service_dial(&service);
    wire_say(wire, "a\nb\n");
    service_expect(&service, "start; connect; got(a); disconnect(NOT_FOUND); bye(OK); ");
    assert_log_names(&service, wire, "WHERRY_E_NOT_FOUND: there is no such thing");
    wire_expect(service.loop, wire, "bye\n");
    wire_expect_end(service.loop, wire, 0);
    wait_until_gone(&service);
    assert_int_equal(service.log_lines, 1);
    service_close(&service);
}

static void the_ends_of_connections_are_no_failures(void **state)
{
    static const int quiet[] = { WHERRY_E_END,  WHERRY_E_RESET,  WHERRY_E_TRUNCATED,
                                 WHERRY_E_IDLE, WHERRY_E_CLOSED, WHERRY_E_CANCELED };

    (void)state;
    for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++) {
        service_state service;
        char story[100];
        int wire;

        service_open(&service);
        service.handler.handle = receive_and_return;
        service.handler.on_disconnect = say_bye;
        returned = quiet[i];
        service_start(&service, .clients_max = 0);
        wire = service_dial(&service);
        wire_say(wire, "a\n");
        (void)snprintf(story, sizeof(story), "start; connect; got(a); disconnect(%s); bye(OK); ",
                       service_name(quiet[i]));
        service_expect(&service, story);
        wire_expect(service.loop, wire, "bye\n");
        wire_expect_end(service.loop, wire, 0);
        assert_int_equal(service.log_lines, 0);
        service_close(&service);
    }
}

static int close_after_one(wherry_handler *self, wherry_peer *client)
{
    int result = service_echo(self, client);

    wherry_peer_close(client);
    wherry_peer_close(client);
    service_tell(service_of(self), "end(%s); ", service_name(wherry_peer_end(client)));
    return result;
}

static void a_handler_may_close_its_client(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.handle = close_after_one;
    service.handler.on_disconnect = say_bye;
    service_start(&service, .clients_max = 0);
    wire = service_dial(&service);
    wire_say(wire, "a\nb\n"); /* and what comes behind is dropped */
    service_expect(&service,
                   "start; connect; got(a); end(CLOSED); disconnect(CLOSED); bye(CLOSED); ");
    wire_expect(service.loop, wire, "a\n");
    wire_expect_end(service.loop, wire, 0);
    wait_until_gone(&service);
    assert_int_equal(service.log_lines, 0);
    service_close(&service);
}

static int abort_after_one(wherry_handler *self, wherry_peer *client)
{
    int result = service_echo(self, client);

    wherry_peer_abort(client);
    return result;
}

static void a_handler_may_abort_its_client(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.handle = abort_after_one;
    service_start(&service, .clients_max = 0);
    wire = service_dial(&service);
    wire_say(wire, "a\n");
    service_expect(&service, "start; connect; got(a); disconnect(CLOSED); ");
    wire_expect_end(service.loop, wire, ECONNRESET);
    service_close(&service);
}

static int refuse(wherry_handler *self, wherry_peer *client)
{
    (void)client;
    service_tell(service_of(self), "refuse; ");
    return WHERRY_OK;
}

static void a_handler_that_receives_nothing_refuses_the_client(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.handle = refuse;
    service_start(&service, .clients_max = 0);
    wire = service_dial(&service);
    wire_say(wire, "a\n");
    service_expect(&service, "start; connect; refuse; disconnect(CLOSED); ");
    wire_expect_end(service.loop, wire, ECONNRESET);
    assert_int_equal(service.log_lines, 0);
    service_close(&service);
}

static void an_eager_handler_can_refuse_before_a_message_comes(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.handle = refuse;
    service.handler.eager = 1;
    service.handler.on_connect = NULL;
    service_start(&service, .clients_max = 0);
    wire = service_dial(&service);
    service_expect(&service, "start; refuse; disconnect(CLOSED); ");
    wire_expect_end(service.loop, wire, ECONNRESET);
    service_close(&service);
}

/* Two messages a conversation, and locals that last from one to the other. */
static int add(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes line;
    char sum[64];
    int result = service_receive(service_of(self), client, &line, WHERRY_NEVER);
    int length = (int)line.length;

    if (result < 0)
        return result;
    (void)snprintf(sum, sizeof(sum), "%.*s+", length, (const char *)line.data);
    result = service_receive(service_of(self), client, &line, WHERRY_NEVER);
    if (result < 0)
        return result;
    (void)snprintf(sum + length + 1, sizeof(sum) - (size_t)length - 1, "%.*s", (int)line.length,
                   (const char *)line.data);
    return wherry_peer_send(client, wherry_text(sum), WHERRY_NEVER);
}

static void a_conversation_may_take_several_messages(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.handle = add;
    service_start(&service, .clients_max = 0);
    wire = service_dial(&service);
    wire_say(wire, "1\n");
    service_expect(&service, "start; connect; got(1); ");
    wire_say(wire, "2\n3\n4\n5\n");
    wire_expect(service.loop, wire, "1+2\n3+4\n");
    assert_int_equal(close(wire), 0); /* in the middle of one */
    service_expect(&service, "got(2); got(3); got(4); got(5); END; disconnect(END); ");
    service_close(&service);
}

static int pardon(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes line;
    int result = service_receive(service_of(self), client, &line, WHERRY_NEVER);

    if (result == WHERRY_E_MALFORMED) {
        service_tell(service_of(self), "%s; ", wherry_peer_problem(client));
        line = wherry_text("?!");
    } else if (result < 0) {
        return result;
    }
    return wherry_peer_send(client, line, WHERRY_NEVER);
}

static void a_malformed_message_comes_in_its_place(void **state)
{
    wherry_protocol *protocol;
    service_state service;
    int wire;

    (void)state;
    assert_int_equal(wherry_protocol_new(&protocol, .name = "lines", .message_size_max = 3), 0);
    service_open(&service);
    service.handler.handle = pardon;
    service_start(&service, .protocol = protocol);
    wire = service_dial(&service);
    wire_say(wire, "a\ntoolong\nb\n");
    wire_expect(service.loop, wire, "a\n?!\nb\n");
    service_expect(&service, "start; connect; got(a); MALFORMED; the message is over the limit of "
                             "its size, at byte 2 of the connection; got(b); ");
    service.handler.handle = service_echo; /* which returns it */
    wire_say(wire, "c\ntoolong\n");
    service_expect(&service, "got(c); MALFORMED; disconnect(MALFORMED); ");
    assert_log_names(&service, wire,
                     "WHERRY_E_MALFORMED: the message is over the limit of its size, at byte 14 of "
                     "the connection");
    wire_expect(service.loop, wire, "c\n");
    wire_expect_end(service.loop, wire, 0);
    service_close(&service);
    wherry_protocol_free(protocol);
}

/* --- on_connect */

static int connect_and_return(wherry_handler *self, wherry_peer *client)
{
    (void)service_on_connect(self, client);
    return returned;
}

static void a_client_that_on_connect_refuses_is_not_told_of_again(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.on_connect = connect_and_return;
    service_start(&service, .clients_max = 0);
    returned = WHERRY_E_NO_PERMISSION;
    wire = service_dial(&service);
    service_expect(&service, "start; connect; ");
    assert_log_names(&service, wire, "WHERRY_E_NO_PERMISSION: permission denied");
    wire_expect_end(service.loop, wire, 0);
    wait_until_gone(&service);
    returned = WHERRY_E_CLOSED;
    wire = service_dial(&service);
    wire_expect_end(service.loop, wire, 0);
    service_expect(&service, "connect; ");
    wait_until_gone(&service);
    assert_int_equal(service.log_lines, 1);
    service_close(&service);
}

/* A password, before anything else. */
static int ask_password(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes line;
    int result = wherry_peer_send(client, wherry_text("who?"), WHERRY_NEVER);

    if (result == WHERRY_OK)
        result = service_receive(service_of(self), client, &line, wherry_in(WHERRY_SECONDS(1)));
    if (result < 0)
        return result;
    return wherry_bytes_equal(line, wherry_text("me")) ? WHERRY_OK : WHERRY_E_CLOSED;
}

static void on_connect_may_converse(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.on_connect = ask_password;
    service_start(&service, .endpoints = service_unix_name());
    wire = service_dial(&service);
    wire_expect(service.loop, wire, "who?\n");
    wire_say(wire, "me\nhello\nyou\n"); /* the rest is for handle */
    wire_expect(service.loop, wire, "hello\nyou\n");
    assert_int_equal(close(wire), 0);
    service_expect(&service, "start; got(me); got(hello); got(you); disconnect(END); ");
    wire = service_dial(&service);
    wire_say(wire, "you\nhello\n");
    wire_expect(service.loop, wire, "who?\n");
    wait_until_gone(&service);
    service_expect(&service, "got(you); ");
    assert_int_equal(close(wire), 0);
    wire = service_dial(&service);
    wire_expect(service.loop, wire, "who?\n");
    assert_int_equal(close(wire), 0);
    service_expect(&service, "END; ");
    wait_until_gone(&service);
    assert_int_equal(service.log_lines, 0);
    wire = service_dial(&service);
    wire_expect(service.loop, wire, "who?\n");
    wire_advance(service.loop, WHERRY_SECONDS(1));
    wait_until_gone(&service);
    service_expect(&service, "TIMED_OUT; ");
    assert_int_equal(service.log_lines, 1);
    assert_int_equal(close(wire), 0);
    service_close(&service);
}

static int close_at_once(wherry_handler *self, wherry_peer *client)
{
    service_tell(service_of(self), "connect; ");
    wherry_peer_close(client);
    return WHERRY_OK;
}

static void on_connect_may_close_the_client(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.on_connect = close_at_once;
    service_start(&service, .clients_max = 0);
    wire = service_dial(&service);
    wire_say(wire, "a\n");
    service_expect(&service, "start; connect; disconnect(CLOSED); ");
    wire_expect_end(service.loop, wire, 0);
    wait_until_gone(&service);
    service_close(&service);
}

static int greet(wherry_handler *self, wherry_peer *client)
{
    (void)self;
    return wherry_peer_send(client, wherry_text("welcome"), WHERRY_NEVER);
}

static void a_greeting_comes_before_all_answers(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.on_connect = greet;
    service_start(&service, .clients_max = 0);
    wire = service_dial(&service);
    wire_expect(service.loop, wire, "welcome\n");
    wire_say(wire, "hello\n");
    wire_expect(service.loop, wire, "hello\n");
    assert_int_equal(close(wire), 0);
    service_expect(&service, "start; got(hello); disconnect(END); ");
    service_close(&service);
}

/* --- on_disconnect */

static void close_twice(wherry_handler *self, wherry_peer *client, int reason)
{
    service_on_disconnect(self, client, reason);
    wherry_peer_close(client);
    wherry_peer_abort(client);
    wherry_peer_close(client);
}

static void on_disconnect_may_close_the_client(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.on_disconnect = close_twice;
    service_start(&service, .clients_max = 0);
    wire = service_dial(&service);
    assert_int_equal(shutdown(wire, SHUT_WR), 0);
    service_expect(&service, "start; connect; disconnect(END); ");
    wire_expect_end(service.loop, wire, 0); /* it was closed before it could be aborted */
    wait_until_gone(&service);
    service_close(&service);
}

/* --- eager handlers */

static int ask_first(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes line;
    int result = wherry_peer_send(client, wherry_text("ready"), WHERRY_NEVER);

    if (result == WHERRY_OK)
        result = service_receive(service_of(self), client, &line, WHERRY_NEVER);
    return result;
}

static void an_eager_handler_begins_before_the_message(void **state)
{
    wherry_loop_statistics statistics;
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.handle = ask_first;
    service.handler.eager = 1;
    service_start(&service, .clients_max = 0);
    wire = service_dial(&service);
    wire_expect(service.loop, wire, "ready\n");
    wire_say(wire, "a\n");
    wire_expect(service.loop, wire, "ready\n");
    wire_settle(service.loop);
    wherry_loop_statistics_read(service.loop, &statistics);
    assert_int_equal(statistics.tasks, 2);
    assert_int_equal(close(wire), 0);
    service_expect(&service, "start; connect; got(a); END; disconnect(END); ");
    service_close(&service);
}

static int ping(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes line;
    int result = service_receive(service_of(self), client, &line, wherry_in(WHERRY_SECONDS(1)));

    if (result != WHERRY_E_TIMED_OUT)
        return result;
    return wherry_peer_send(client, wherry_text("ping"), WHERRY_NEVER);
}

static void to_ask_in_vain_is_no_refusal(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.handle = ping;
    service.handler.eager = 1;
    service.handler.on_connect = NULL;
    service_start(&service, .endpoints = service_unix_name());
    wire = service_dial(&service);
    WIRE_UNTIL(service.loop, wherry_server_clients(service.server) == 1);
    wire_advance(service.loop, WHERRY_SECONDS(2));
    wire_expect(service.loop, wire, "ping\nping\n");
    wire_say(wire, "a\n");
    service_expect(&service, "start; TIMED_OUT; TIMED_OUT; got(a); ");
    assert_int_equal(close(wire), 0);
    service_close(&service);
}

static int peep(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes line;
    int result = wherry_peer_receive(client, &line, WHERRY_NOW);

    if (result == WHERRY_E_WOULD_BLOCK)
        return WHERRY_OK;
    service_tell(service_of(self), "%s; ", service_name(result));
    return result;
}

/* It may keep its own loop busy, but lets everything else go on. */
static void a_handler_that_never_waits_does_not_stop_the_loop(void **state)
{
    service_state service;
    int wires[2];

    (void)state;
    service_open(&service);
    service.handler.handle = peep;
    service.handler.eager = 1;
    service_start(&service, .clients_max = 0);
    wires[0] = service_dial(&service);
    wires[1] = service_dial(&service);
    WIRE_UNTIL(service.loop, wherry_server_clients(service.server) == 2);
    wire_say(wires[0], "a\n");
    service_expect(&service, "start; connect; connect; OK; ");
    assert_int_equal(close(wires[0]), 0);
    assert_int_equal(close(wires[1]), 0);
    wait_until_gone(&service);
    service_close(&service);
}

/* --- what comes while the handler is busy */

/* Sleeps before it receives, and before it answers. */
static int echo_slowly(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes line;
    int result = wherry_sleep(wherry_in(WHERRY_SECONDS(1)));

    if (result == WHERRY_OK)
        result = service_receive(service_of(self), client, &line, WHERRY_NEVER);
    if (result == WHERRY_OK)
        result = wherry_sleep(wherry_in(WHERRY_SECONDS(1)));
    return result < 0 ? result : wherry_peer_send(client, line, WHERRY_NEVER);
}

/* Chunks that are free are taken by another client, whose messages would be seen. */
static void what_comes_while_the_handler_sleeps_waits_in_order(void **state)
{
    service_state service;
    int wire, other;

    (void)state;
    service_open(&service);
    service.handler.handle = echo_slowly;
    service.handler.on_connect = NULL;
    service_start(&service, .endpoints = service_unix_name());
    wire = service_dial(&service);
    other = service_dial(&service);
    WIRE_UNTIL(service.loop, wherry_server_clients(service.server) == 2);
    wire_say(wire, "hello\n");
    wire_advance(service.loop, 1);
    wire_say(other, "xxxxxxxxxxxxxxxxxxxxx\n");
    wire_advance(service.loop, WHERRY_SECONDS(1));
    wire_say(wire, "you\nthere\n");
    wire_advance(service.loop, WHERRY_SECONDS(1));
    wire_expect(service.loop, wire, "hello\n");
    wire_advance(service.loop, WHERRY_SECONDS(2));
    wire_expect(service.loop, wire, "you\n");
    assert_int_equal(shutdown(wire, SHUT_WR), 0);
    wire_advance(service.loop, WHERRY_SECONDS(2));
    wire_expect(service.loop, wire, "there\n");
    wire_expect_end(service.loop, wire, 0);
    assert_int_equal(close(other), 0);
    service_close(&service);
}

static void an_end_while_the_handler_is_busy_shows_afterwards(void **state)
{
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.handle = echo_slowly;
    service_start(&service, .endpoints = service_unix_name());
    wire = service_dial(&service);
    wire_say(wire, "hello\n");
    wire_advance(service.loop, WHERRY_SECONDS(1));
    service_expect(&service, "start; connect; got(hello); ");
    assert_int_equal(close(wire), 0);
    wire_settle(service.loop);
    assert_int_equal(wherry_server_clients(service.server), 1);
    wire_advance(service.loop, WHERRY_SECONDS(1));
    WIRE_UNTIL(service.loop, wherry_server_clients(service.server) == 0);
    assert_int_equal(service.log_lines, 0);
    service_close(&service);
}

static void an_idle_time_runs_out_under_a_busy_handler(void **state)
{
    const wherry_stream_options limits = { .size = sizeof(limits),
                                           .idle_timeout = WHERRY_MILLISECONDS(1500) };
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    service.handler.handle = echo_slowly;
    service_start(&service, .endpoints = service_unix_name(), .stream = &limits);
    wire = service_dial(&service);
    wire_say(wire, "hello\n");
    wire_advance(service.loop, WHERRY_SECONDS(2));
    service_expect(&service, "start; connect; got(hello); disconnect(IDLE); ");
    wire_expect_end(service.loop, wire, 0);
    assert_int_equal(service.log_lines, 0);
    service_close(&service);
}

static void a_half_closed_client_gets_all_its_answers(void **state)
{
    service_state service;
    char text[1024] = "";
    int wire;

    (void)state;
    service_open(&service);
    service_start(&service, .clients_max = 0);
    wire = service_dial(&service);
    for (int i = 0; i < 200; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%d\n", i);
    wire_say(wire, text);
    assert_int_equal(shutdown(wire, SHUT_WR), 0);
    wire_expect(service.loop, wire, text);
    wire_expect_end(service.loop, wire, 0);
    wait_until_gone(&service);
    service_close(&service);
}

/* --- what a handler sees of its client */

static int look_around(wherry_handler *self, wherry_peer *client)
{
    char text[WHERRY_ADDRESS_TEXT_SIZE];
    wherry_address local, listening;

    wherry_peer_local(client, &local);
    assert_int_equal(wherry_server_address(service_of(self)->server, 0, &listening), WHERRY_OK);
    assert_true(wherry_address_equal(&local, &listening));
    wherry_peer_remote(client, &local);
    (void)wherry_address_format(&local, text, sizeof(text));
    assert_non_null(strstr(text, "127.0.0.1:"));
    assert_null(wherry_peer_user(client));
    wherry_peer_set_user(client, self);
    return WHERRY_OK;
}

static void look_back(wherry_handler *self, wherry_peer *client, int reason)
{
    wherry_address remote;

    service_on_disconnect(self, client, reason);
    assert_ptr_equal(wherry_peer_user(client), self);
    wherry_peer_remote(client, &remote);
    assert_int_equal(remote.family, WHERRY_FAMILY_IPV4);
    assert_int_equal(wherry_peer_end(client), reason);
}

static void a_client_has_addresses_and_a_pointer(void **state)
{
    service_state service;

    (void)state;
    service_open(&service);
    service.handler.on_connect = look_around;
    service.handler.on_disconnect = look_back;
    service_start(&service, .clients_max = 0);
    wire_reset(service_dial(&service));
    service_expect(&service, "start; disconnect(RESET); ");
    service_close(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_is_logged_once_and_ends_the_connection_behind_what_was_sent),
        cmocka_unit_test(the_ends_of_connections_are_no_failures),
        cmocka_unit_test(a_handler_may_close_its_client),
        cmocka_unit_test(a_handler_may_abort_its_client),
        cmocka_unit_test(a_handler_that_receives_nothing_refuses_the_client),
        cmocka_unit_test(an_eager_handler_can_refuse_before_a_message_comes),
        cmocka_unit_test(a_conversation_may_take_several_messages),
        cmocka_unit_test(a_malformed_message_comes_in_its_place),
        cmocka_unit_test(a_client_that_on_connect_refuses_is_not_told_of_again),
        cmocka_unit_test(on_connect_may_converse),
        cmocka_unit_test(on_connect_may_close_the_client),
        cmocka_unit_test(a_greeting_comes_before_all_answers),
        cmocka_unit_test(on_disconnect_may_close_the_client),
        cmocka_unit_test(an_eager_handler_begins_before_the_message),
        cmocka_unit_test(to_ask_in_vain_is_no_refusal),
        cmocka_unit_test(a_handler_that_never_waits_does_not_stop_the_loop),
        cmocka_unit_test(what_comes_while_the_handler_sleeps_waits_in_order),
        cmocka_unit_test(an_end_while_the_handler_is_busy_shows_afterwards),
        cmocka_unit_test(an_idle_time_runs_out_under_a_busy_handler),
        cmocka_unit_test(a_half_closed_client_gets_all_its_answers),
        cmocka_unit_test(a_client_has_addresses_and_a_pointer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
