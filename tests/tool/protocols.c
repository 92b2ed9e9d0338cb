/* Every protocol that there is, between `wherry connect` and `wherry serve`, and what stands on the
 * wire. */
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

typedef struct form {
    const char *name;  /* as the table of protocols has it */
    const char *given; /* an instance of it */
    const char *wire;  /* of the messages "ab" and "cd" */
    size_t size;
} form;

#define WIRE(text) text, sizeof(text) - 1

static const form forms[] = {
    { "cr", "cr", WIRE("ab\rcd\r") },
    { "crlf", "crlf", WIRE("ab\r\ncd\r\n") },
    { "fixed:N", "fixed:2", WIRE("abcd") },
    { "length16", "length16", WIRE("\0\2ab\0\2cd") },
    { "length16-le", "length16-le", WIRE("\2\0ab\2\0cd") },
    { "length32", "length32", WIRE("\0\0\0\2ab\0\0\0\2cd") },
    { "length32-le", "length32-le", WIRE("\2\0\0\0ab\2\0\0\0cd") },
    { "length64", "length64", WIRE("\0\0\0\0\0\0\0\2ab\0\0\0\0\0\0\0\2cd") },
    { "length64-le", "length64-le", WIRE("\2\0\0\0\0\0\0\0ab\2\0\0\0\0\0\0\0cd") },
    { "length8", "length8", WIRE("\2ab\2cd") },
    { "lines", "lines", WIRE("ab\ncd\n") },
    { "raw", "raw", WIRE("ab\ncd\n") },
    { "separator:TEXT", "separator:%00;", WIRE("ab\0;cd\0;") },
};

enum { FORMS = sizeof(forms) / sizeof(forms[0]) };

static void the_table_has_every_protocol(void **state)
{
    (void)state;
    for (size_t i = 0; i < FORMS; i++)
        assert_string_equal(forms[i].name, wherry_protocol_known(i));
    assert_null(wherry_protocol_known(FORMS));
}

static void every_protocol_goes_there_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < FORMS; i++) {
        char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
        child server;

        command_start(&server, "serve", "tcp://127.0.0.1:0", "-p", forms[i].given);
        server_endpoint(&server, endpoint);
        command_assert("ab\ncd\n", 0, "ab\ncd\n", "connect", endpoint, "-p", forms[i].given);
        server_stop(&server);
    }
}

static void every_protocol_is_on_the_wire_what_it_says(void **state)
{
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    int door = socket_listen("tcp://127.0.0.1:0", 8, endpoint);

    (void)state;
    for (size_t i = 0; i < FORMS; i++) {
        char bytes[64];
        child client;
        int server;

        command_start(&client, "connect", endpoint, "--protocol", forms[i].given);
        server = socket_accept(door);
        child_say(&client, "ab\ncd\n");
        child_close_input(&client);
        assert_int_equal(recv(server, bytes, sizeof(bytes), MSG_WAITALL), forms[i].size);
        assert_memory_equal(bytes, forms[i].wire, forms[i].size);
        assert_int_equal(send(server, forms[i].wire, forms[i].size, MSG_NOSIGNAL), forms[i].size);
        (void)close(server);
        child_assert_line(&client, "ab");
        child_assert_line(&client, "cd");
        child_assert_status(&client, 0);
    }
    (void)close(door);
}

/* Those that can carry an empty message do. */
static void empty_messages_are_messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < FORMS; i++) {
        char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
        child server;

        if (strcmp(forms[i].given, "fixed:2") == 0)
            continue;
        command_start(&server, "serve", socket_own(), "-p", forms[i].given);
        server_endpoint(&server, endpoint);
        command_assert("\n\nab\n", 0, "\n\nab\n", "connect", endpoint, "-p", forms[i].given);
        server_stop(&server);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, child_setup, child_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_table_has_every_protocol),
        TEST(every_protocol_goes_there_and_back),
        TEST(every_protocol_is_on_the_wire_what_it_says),
        TEST(empty_messages_are_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
