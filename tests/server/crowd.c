/* Many clients: their turns, their peers in other hands, and limits on their number. */
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

#define CROWD 8

static int echo_quietly(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes line;
    int result = wherry_peer_receive(client, &line, WHERRY_NEVER);

    (void)self;
    return result < 0 ? result : wherry_peer_send(client, line, WHERRY_NEVER);
}

/* Two messages a conversation, and no answer. */
static int receive_two(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes line;
    int result = service_receive((service_state *)self, client, &line, WHERRY_NEVER);

    return result < 0 ? result
                      : service_receive((service_state *)self, client, &line, WHERRY_NEVER);
}

/* --- turns */

/* The flood lies in the buffer; the other client's message is answered before its end, after as
 * many of the flood's messages as belong to one pass. */
static void serve_beside_a_flood(size_t messages_per_pass, size_t wanted)
{
    service_state service;
    char flood[2 * 300 + 1] = "";
    const char *other;
    size_t before;
    int wires[2];

    service_open(&service);
    service.handler.on_connect = NULL;
    service_start(&service, .messages_per_pass = messages_per_pass);
    wires[0] = service_dial(&service);
    wires[1] = service_dial(&service);
    WIRE_UNTIL(service.loop, wherry_server_clients(service.server) == 2);
    for (size_t i = 0; i < sizeof(flood) - 1; i++)
        flood[i] = i % 2 == 0 ? 'f' : '\n';
    wire_say(wires[0], flood);
    wire_say(wires[1], "other\n");
    wire_expect(service.loop, wires[0], flood);
    wire_expect(service.loop, wires[1], "other\n");
    other = strstr(service.story, "got(other); ");
    assert_non_null(other);
    before = (size_t)(other - service.story - (ssize_t)strlen("start; ")) / strlen("got(f); ");
    assert_int_equal(before, wanted);
    assert_int_equal(strlen(service.story),
                     strlen("start; got(other); ") + 300 * strlen("got(f); "));
    assert_int_equal(close(wires[0]), 0);
    assert_int_equal(close(wires[1]), 0);
    service_close(&service);
}

static void a_flood_leaves_others_their_turn(void **state)
{
    (void)state;
    serve_beside_a_flood(0, 64);
    serve_beside_a_flood(1, 1);
    serve_beside_a_flood(100, 100);
}

/* All are ready at once. */
static void all_say(service_state *service, const int wires[CROWD], const char *line)
{
    for (size_t i = 0; i < CROWD; i++)
        wire_say(wires[i], line);
    for (size_t i = 0; i < CROWD; i++)
        wire_expect(service->loop, wires[i], line);
}

/* Their messages lie in the same chunk, one after the other: short ones, which are copied, and
 * longer ones, which are referred to there until they are taken home. */
static void clients_of_a_pass_share_what_is_received_into(void **state)
{
    service_state service;
    char longer[1000 + 2];
    int wires[CROWD];

    (void)state;
    memset(longer, 'x', 1000);
    memcpy(longer + 1000, "\n", 2);
    service_open(&service);
    service.handler.on_connect = NULL;
    service.handler.on_disconnect = NULL;
    service.handler.handle = echo_quietly;
    service_start(&service, .endpoints = service_unix_name());
    for (size_t i = 0; i < CROWD; i++)
        wires[i] = service_dial(&service);
    WIRE_UNTIL(service.loop, wherry_server_clients(service.server) == CROWD);
    all_say(&service, wires, "a\n");
    all_say(&service, wires, longer);
    assert_int_equal(service.loop->chunks.kept, 1);
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(close(wires[i]), 0);
    service_close(&service);
}

/* Sends and sends, and reads nothing, until nobody takes any more from it. */
static void a_client_that_never_reads_harms_nobody(void **state)
{
    const wherry_stream_options limits = { .size = sizeof(limits), .send_max = 10000 };
    service_state service;
    char line[1001];
    ssize_t sent = 1;
    int wires[2];

    (void)state;
    service_open(&service);
    service.handler.handle = echo_quietly;
    service.handler.on_connect = NULL;
    service_start(&service, .endpoints = service_unix_name(), .stream = &limits);
    wires[0] = service_dial(&service);
    wires[1] = service_dial(&service);
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\n';
    while (sent > 0) {
        sent = send(wires[0], line, sizeof(line), MSG_NOSIGNAL);
        wire_settle(service.loop);
        assert_in_range(service.memory.bytes, 0, 1000000);
    }
    wire_say(wires[1], "other\n");
    wire_expect(service.loop, wires[1], "other\n");
    assert_int_equal(wherry_server_clients(service.server), 2);
    assert_int_equal(close(wires[0]), 0);
    service_expect(&service, "start; disconnect(RESET); ");
    assert_int_equal(close(wires[1]), 0);
    service_expect(&service, "disconnect(END); ");
    service_close(&service);
}

/* --- peers in other hands */

#define TABLE 3

typedef struct table_state {
    service_state service; /* first */
    wherry_peer *peers[TABLE];
    size_t count;
} table_state;

static int sit_down(wherry_handler *self, wherry_peer *client)
{
    table_state *table = (table_state *)self;

    assert_true(table->count < TABLE);
    table->peers[table->count++] = wherry_peer_hold(client);
    return service_on_connect(self, client);
}

static void open_table(table_state *table, int wires[TABLE])
{
    memset(table, 0, sizeof(*table));
    service_open(&table->service);
    table->service.handler.on_connect = sit_down;
    service_start(&table->service, .clients_max = 0);
    service_expect(&table->service, "start; ");
    for (size_t i = 0; i < TABLE; i++) {
        wires[i] = service_dial(&table->service);
        service_expect(&table->service, "connect; ");
    }
}

static void close_table(table_state *table)
{
    for (size_t i = 0; i < TABLE; i++)
        wherry_peer_release(table->peers[i]);
    service_close(&table->service);
}

static int broadcast(void *argument)
{
    table_state *table = argument;

    for (size_t i = 0; i < table->count; i++) {
        int result = wherry_peer_send(table->peers[i], wherry_text("news"), WHERRY_NEVER);

        service_tell(&table->service, "%s; ", service_name(result));
    }
    return WHERRY_OK;
}

static void another_task_sends_to_all_that_it_holds(void **state)
{
    table_state table;
    int wires[TABLE];

    (void)state;
    open_table(&table, wires);
    assert_int_equal(close(wires[1]), 0);
    service_expect(&table.service, "disconnect(END); ");
    assert_int_equal(wherry_peer_end(table.peers[1]), WHERRY_E_END);
    assert_int_equal(wherry_spawn(NULL, broadcast, &table, .loop = table.service.loop), WHERRY_OK);
    wire_expect(table.service.loop, wires[0], "news\n");
    wire_expect(table.service.loop, wires[2], "news\n");
    service_expect(&table.service, "OK; CLOSED; OK; ");
    wire_say(wires[0], "a\n");
    wire_expect(table.service.loop, wires[0], "a\n");
    assert_int_equal(close(wires[0]), 0);
    assert_int_equal(close(wires[2]), 0);
    close_table(&table);
}

static void a_silent_client_that_others_close_is_told_of(void **state)
{
    table_state table;
    int wires[TABLE];

    (void)state;
    open_table(&table, wires);
    wherry_peer_close(table.peers[0]);
    service_expect(&table.service, "disconnect(CLOSED); ");
    assert_int_equal(wherry_server_clients(table.service.server), 2);
    wire_expect_end(table.service.loop, wires[0], 0);
    wherry_peer_abort(table.peers[1]);
    service_expect(&table.service, "disconnect(CLOSED); ");
    wire_expect_end(table.service.loop, wires[1], ECONNRESET);
    table.service.handler.on_disconnect = NULL;
    wherry_peer_close(table.peers[2]);
    wherry_peer_close(table.peers[2]);
    assert_int_equal(wherry_server_clients(table.service.server), 0);
    wire_expect_end(table.service.loop, wires[2], 0);
    close_table(&table);
}

static void a_busy_client_that_others_close_is_woken(void **state)
{
    table_state table;
    int wires[TABLE];

    (void)state;
    open_table(&table, wires);
    table.service.handler.handle = receive_two;
    wire_say(wires[0], "1\n");
    service_expect(&table.service, "got(1); ");
    wherry_peer_close(table.peers[0]);
    service_expect(&table.service, "CLOSED; disconnect(CLOSED); ");
    wire_say(wires[1], "1\n");
    service_expect(&table.service, "got(1); ");
    wherry_peer_abort(table.peers[1]);
    service_expect(&table.service, "CLOSED; disconnect(CLOSED); ");
    for (size_t i = 0; i < TABLE; i++)
        assert_int_equal(close(wires[i]), 0);
    close_table(&table);
}

static int receive_from_first(void *argument)
{
    table_state *table = argument;
    wherry_bytes line;

    return service_receive(&table->service, table->peers[0], &line, WHERRY_NEVER);
}

/* Who receives outside of the handler gets the message instead of it. */
static void another_task_may_receive_too(void **state)
{
    table_state table;
    int wires[TABLE];

    (void)state;
    open_table(&table, wires);
    assert_int_equal(wherry_spawn(NULL, receive_from_first, &table, .loop = table.service.loop),
                     WHERRY_OK);
    wire_settle(table.service.loop);
    wire_say(wires[0], "a\n");
    service_expect(&table.service, "got(a); ");
    for (size_t i = 0; i < TABLE; i++)
        assert_int_equal(close(wires[i]), 0);
    close_table(&table);
}

/* --- limits */

static void the_next_client_waits_until_one_has_gone(void **state)
{
    service_state service;
    int wires[4];

    (void)state;
    service_open(&service);
    service_start(&service, .clients_max = 2);
    for (int i = 0; i < 4; i++)
        wires[i] = service_dial(&service);
    wire_say(wires[2], "c\n");
    wire_say(wires[0], "a\n");
    wire_say(wires[1], "b\n");
    wire_expect(service.loop, wires[0], "a\n");
    wire_expect(service.loop, wires[1], "b\n");
    wire_settle(service.loop);
    assert_int_equal(wherry_server_clients(service.server), 2);
    service_expect(&service, "start; connect; connect; got(a); got(b); ");
    assert_int_equal(close(wires[1]), 0);
    wire_expect(service.loop, wires[2], "c\n");
    service_expect(&service, "disconnect(END); connect; got(c); ");
    assert_int_equal(wherry_server_clients(service.server), 2);
    assert_int_equal(close(wires[0]), 0);
    service_expect(&service, "disconnect(END); connect; ");
    assert_int_equal(close(wires[2]), 0);
    assert_int_equal(close(wires[3]), 0);
    service_expect(&service, "disconnect(END); disconnect(END); ");
    service_close(&service);
}

static void the_limit_counts_all_doors_together(void **state)
{
    wherry_address address;
    service_state service;
    int wires[2];

    (void)state;
    service_open(&service);
    service_start(&service, .endpoints = "tcp://127.0.0.1:0 tcp://127.0.0.1:0", .clients_max = 1);
    assert_int_equal(wherry_server_address(service.server, 1, &address), WHERRY_OK);
    wires[0] = wire_connect(&address);
    wires[1] = service_dial(&service);
    WIRE_UNTIL(service.loop, wherry_server_clients(service.server) > 0);
    wire_settle(service.loop);
    assert_int_equal(wherry_server_clients(service.server), 1);
    service_expect(&service, "start; connect; ");
    assert_int_equal(close(wires[0]), 0);
    assert_int_equal(close(wires[1]), 0);
    service_expect(&service, "disconnect(END); connect; disconnect(END); ");
    service_close(&service);
}

static void so_many_are_accepted_in_a_pass(void **state)
{
    service_state service;
    int wires[5];

    (void)state;
    service_open(&service);
    service_start(&service, .accepted_per_pass = 2);
    service_expect(&service, "start; ");
    for (int i = 0; i < 5; i++)
        wires[i] = service_dial(&service);
    for (size_t last = 0; wherry_server_clients(service.server) < 5;) {
        size_t now;

        assert_true(wherry_loop_step(service.loop) >= 0);
        now = wherry_server_clients(service.server);
        assert_true(now <= last + 2);
        last = now;
    }
    for (int i = 0; i < 5; i++)
        assert_int_equal(close(wires[i]), 0);
    service_close(&service);
}

static void a_client_without_a_stack_is_dropped(void **state)
{
    service_state service;
    size_t size;
    int wires[3];

    (void)state;
    service_open(&service);
    service.handler.on_connect = NULL;
    service.handler.on_disconnect = NULL; /* nobody has to be told */
    service_start(&service, .clients_max = 0);
    for (int i = 0; i < 3; i++)
        wires[i] = service_dial(&service);
    WIRE_UNTIL(service.loop, wherry_server_clients(service.server) == 3);
    assert_int_equal(service.loop->stacks.kept, 0);
    size = service.loop->stacks.size;
    service.loop->stacks.size = (size_t)1 << 60; /* which no machine has */
    wire_say(wires[0], "a\n");
    wire_expect_end(service.loop, wires[0], ECONNRESET);
    assert_int_equal(service.log_lines, 1);
    assert_string_equal(service.log, "a client is dropped: no stack for a coroutine can be had");
    assert_int_equal(wherry_server_clients(service.server), 2);
    service.handler.on_connect = service_on_connect;
    wire_expect_end(service.loop, service_dial(&service), ECONNRESET);
    assert_int_equal(service.log_lines, 2);
    service.handler.on_connect = NULL;
    service.loop->stacks.size = size;
    wire_say(wires[1], "b\n");
    wire_expect(service.loop, wires[1], "b\n");
    service_expect(&service, "start; got(b); ");
    assert_int_equal(close(wires[1]), 0);
    assert_int_equal(close(wires[2]), 0);
    WIRE_UNTIL(service.loop, wherry_server_clients(service.server) == 0);
    service_close(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_leaves_others_their_turn),
        cmocka_unit_test(clients_of_a_pass_share_what_is_received_into),
        cmocka_unit_test(a_client_that_never_reads_harms_nobody),
        cmocka_unit_test(another_task_sends_to_all_that_it_holds),
        cmocka_unit_test(a_silent_client_that_others_close_is_told_of),
        cmocka_unit_test(a_busy_client_that_others_close_is_woken),
        cmocka_unit_test(another_task_may_receive_too),
        cmocka_unit_test(the_next_client_waits_until_one_has_gone),
        cmocka_unit_test(the_limit_counts_all_doors_together),
        cmocka_unit_test(so_many_are_accepted_in_a_pass),
        cmocka_unit_test(a_client_without_a_stack_is_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
