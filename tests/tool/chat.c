/* The service chat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/child.h"
#include "support/socket.h"

typedef struct guest {
    int socket;
    char name[WHERRY_ADDRESS_TEXT_SIZE];
} guest;

/* Asserts that the next line is before NAME behind. */
static void assert_hears(const guest *this, const char *before, const char *name,
                         const char *behind)
{
    char line[1024];

    (void)snprintf(line, sizeof(line), "%s%s%s\n", before, name, behind);
    socket_assert_says(this->socket, line);
}

/* Comes in as the one behind count others, and knows its own name then. */
static void come(guest *this, const char *endpoint, int count)
{
    struct sockaddr_storage name;
    socklen_t size = sizeof(name);
    wherry_address address;
    char behind[64];

    this->socket = socket_dial(endpoint);
    assert_int_equal(getsockname(this->socket, (struct sockaddr *)&name, &size), 0);
    assert_int_equal(wherry_address_from_system(&address, (const struct sockaddr *)&name, size),
                     WHERRY_OK);
    (void)wherry_address_format(&address, this->name, sizeof(this->name));
    (void)snprintf(behind, sizeof(behind), "; others here: %d", count);
    assert_hears(this, "* you are ", this->name, behind);
}

static void go(guest *this)
{
    (void)close(this->socket);
}

static void start(child *server, char *endpoint)
{
    command_start(server, "serve", "tcp://127.0.0.1:0", "--service", "chat", "--message-max", "64");
    server_endpoint(server, endpoint);
}

static void messages_go_to_all_others_with_the_senders_address(void **state)
{
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;
    guest ann, bob, cid;

    (void)state;
    start(&server, endpoint);
    come(&ann, endpoint, 0);
    come(&bob, endpoint, 1);
    assert_hears(&ann, "* ", bob.name, " joined");
    come(&cid, endpoint, 2);
    assert_hears(&ann, "* ", cid.name, " joined");
    assert_hears(&bob, "* ", cid.name, " joined");
    socket_say(bob.socket, "hello\n\nthere\n");
    assert_hears(&ann, "", bob.name, ": hello");
    assert_hears(&cid, "", bob.name, ": hello");
    assert_hears(&ann, "", bob.name, ": ");
    assert_hears(&ann, "", bob.name, ": there");
    socket_say(cid.socket, "bye\n");
    assert_hears(&bob, "", cid.name, ": bye"); /* and nothing of what bob said himself */
    go(&bob);
    assert_hears(&ann, "", cid.name, ": bye");
    assert_hears(&ann, "* ", bob.name, " left");
    go(&ann);
    go(&cid);
    server_stop(&server);
}

static void a_reset_is_a_leave_too(void **state)
{
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;
    guest ann, bob;

    (void)state;
    start(&server, endpoint);
    come(&ann, endpoint, 0);
    come(&bob, endpoint, 1);
    assert_hears(&ann, "* ", bob.name, " joined");
    socket_reset(bob.socket);
    assert_hears(&ann, "* ", bob.name, " left");
    go(&ann);
    server_stop(&server);
}

static void clients_without_an_address_get_a_number(void **state)
{
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;
    int first, second;

    (void)state;
    command_start(&server, "serve", socket_own(), "--service", "chat");
    server_endpoint(&server, endpoint);
    first = socket_dial(endpoint);
    socket_assert_says(first, "* you are client 1; others here: 0\n");
    second = socket_dial(endpoint);
    socket_assert_says(second, "* you are client 2; others here: 1\n");
    socket_assert_says(first, "* client 2 joined\n");
    socket_say(second, "x\n");
    socket_assert_says(first, "client 2: x\n");
    (void)close(first);
    (void)close(second);
    server_stop(&server);
}

/* What cannot be passed on is told to its sender, and nobody is worse off. */
static void a_message_that_does_not_fit_is_told_to_its_sender(void **state)
{
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    char line[128];
    child server;
    guest ann, bob;

    (void)state;
    start(&server, endpoint);
    come(&ann, endpoint, 0);
    come(&bob, endpoint, 1);
    assert_hears(&ann, "* ", bob.name, " joined");
    memset(line, 'x', 64); /* within the limit, but not with the address in front */
    memcpy(line + 64, "\n", 2);
    socket_say(bob.socket, line);
    socket_assert_says(bob.socket, "* not passed on: a message of ");
    memset(line, 'x', 65); /* over the limit */
    memcpy(line + 65, "\n", 2);
    socket_say(bob.socket, line);
    socket_say(bob.socket, "fine\n");
    assert_hears(&ann, "", bob.name, ": fine");
    go(&ann);
    go(&bob);
    server_stop(&server);
}

/* One who never reads is dropped; the others go on meanwhile and are told. */
static void a_slow_reader_stalls_nobody_and_is_dropped(void **state)
{
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    char line[1024];
    child server;
    guest ann, bob, slow;
    int dropped = 0;

    (void)state;
    command_start(&server, "serve", "tcp://127.0.0.1:0", "--service", "chat");
    server_endpoint(&server, endpoint);
    come(&slow, endpoint, 0);
    come(&ann, endpoint, 1);
    come(&bob, endpoint, 2);
    assert_hears(&ann, "* ", bob.name, " joined");
    memset(line, 'x', 1000);
    memcpy(line + 1000, "\n", 2);
    while (!dropped) {
        char byte;

        socket_say(bob.socket, line);
        assert_int_equal(recv(ann.socket, &byte, 1, MSG_PEEK), 1);
        if (byte == '*') {
            assert_hears(&ann, "* ", slow.name, " was dropped: it does not read");
            dropped = 1;
        } else {
            socket_assert_says(ann.socket, bob.name);
            socket_assert_says(ann.socket, ": ");
            socket_assert_says(ann.socket, line);
        }
    }
    child_await_errors(&server, " was dropped: it does not read\n");
    go(&ann);
    go(&bob);
    go(&slow);
    server_stop(&server);
}

/* Its own notices are for those whose messages are long enough. */
static void messages_of_a_few_bytes_are_passed_on_without_notices(void **state)
{
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;
    int first, second;

    (void)state;
    command_start(&server, "serve", socket_own(), "-schat", "--message-max", "12");
    server_endpoint(&server, endpoint);
    first = socket_dial(endpoint);
    socket_say(first, "123456789012\n1234567890123\n");
    second = socket_dial(endpoint);
    socket_say(second, "hi\n");
    socket_assert_says(first, "client 2: hi\n");
    (void)close(first);
    (void)close(second);
    server_stop(&server);
}

static void who_is_there_at_the_end_is_seen_off(void **state)
{
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;
    guest ann, bob;

    (void)state;
    start(&server, endpoint);
    come(&ann, endpoint, 0);
    come(&bob, endpoint, 1);
    assert_hears(&ann, "* ", bob.name, " joined");
    server_stop(&server);
    go(&ann);
    go(&bob);
}

static void many_come_and_go_at_once(void **state)
{
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;
    guest guests[40];

    (void)state;
    start(&server, endpoint);
    for (int i = 0; i < 40; i++)
        come(&guests[i], endpoint, i);
    for (int i = 0; i < 39; i++)
        if (i % 2 == 0)
            socket_reset(guests[i].socket);
        else
            go(&guests[i]);
    for (int i = 0; i < 39; i++) {
        char line[128];
        size_t used = 0;

        do
            assert_int_equal(recv(guests[39].socket, line + used, 1, 0), 1);
        while (line[used++] != '\n');
        line[used] = '\0';
        assert_non_null(strstr(line, " left\n"));
    }
    go(&guests[39]);
    server_stop(&server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, child_setup, child_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(messages_go_to_all_others_with_the_senders_address),
        TEST(a_reset_is_a_leave_too),
        TEST(clients_without_an_address_get_a_number),
        TEST(a_message_that_does_not_fit_is_told_to_its_sender),
        TEST(a_slow_reader_stalls_nobody_and_is_dropped),
        TEST(messages_of_a_few_bytes_are_passed_on_without_notices),
        TEST(who_is_there_at_the_end_is_seen_off),
        TEST(many_come_and_go_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
