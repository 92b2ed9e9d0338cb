/* `wherry connect`: an input that cannot be read or sent, and an output that cannot be written.
 * Apart from connect_end.c, where it is the connection that ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/child.h"
#include "support/door.h"
#include "support/socket.h"

/* --- input that cannot be sent */

static void a_line_that_the_protocol_cannot_carry_is_told_with_its_number(void **state)
{
    static const struct {
        const char *protocol;
        const char *input;
        const char *begin;
    } cases[] = {
        { "--protocol=fixed:4", "abcd\nabc\n", "wherry: line 2 of the input: " },
        { "--protocol=fixed:4", "\n", "wherry: line 1 of the input: " },
        { "--protocol=cr", "a\rb\n", "wherry: line 1 of the input: " },
        { "--protocol=separator:--", "a\nb\nc--d\n", "wherry: line 3 of the input: " },
        { "--protocol=lines", "a\r\r\n", "wherry: line 1 of the input: " },
        { "--message-max=3", "abc\nabcd\n", "wherry: line 2 of the input: " },
    };
    child client;
    int server;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        server = door_meet(&client, cases[i].protocol);
        child_say(&client, cases[i].input);
        child_assert_error(&client, 2, cases[i].begin, "");
        (void)close(server);
    }
}

static void a_length_that_the_head_cannot_say_is_told(void **state)
{
    char line[258];
    child client;
    int server;

    (void)state;
    memset(line, 'x', 256);
    memcpy(line + 256, "\n", 2);
    server = door_meet(&client, "--protocol=length8");
    child_say(&client, line + 1); /* 255 */
    child_say(&client, line);
    child_assert_error(&client, 2, "wherry: line 2 of the input: a message of 256 bytes, over the ",
                       "where the protocol does)");
    (void)close(server);
}

static void what_was_sent_before_a_bad_line_still_arrives(void **state)
{
    child client;
    int server;

    (void)state;
    server = door_meet(&client, "--protocol=fixed:2");
    child_say(&client, "ab\ncd\nefg\n");
    child_assert_error(&client, 2, "wherry: line 3 of the input: ", "");
    socket_assert_says(server, "abcd");
    socket_assert_end(server);
    (void)close(server);
}

static void an_input_that_cannot_be_read_is_told(void **state)
{
    const char *const arguments[] = { command_path(), "connect", door_text, NULL };
    int folder = open("/", O_RDONLY | O_CLOEXEC);
    child client;
    int server;

    (void)state;
    child_start(&client, folder, -1, arguments);
    server = socket_accept(door);
    child_assert_error(&client, 1, "wherry: standard input: ", "Is a directory");
    (void)close(server);
    (void)close(folder);
}

/* --- output that cannot be written */

static void an_output_that_nobody_reads_ends_it_quietly(void **state)
{
    child client;
    int server;

    (void)state;
    server = door_meet(&client, "--wait=60");
    socket_say(server, "one\n");
    child_assert_line(&client, "one");
    assert_int_equal(close(client.output), 0);
    client.output = -1;
    socket_say(server, "two\n");
    assert_int_equal(child_wait(&client), 1);
    assert_string_equal(child_errors(&client), "");
    (void)close(server);
}

static void an_output_that_is_full_is_told(void **state)
{
    const char *const arguments[] = { command_path(), "connect", door_text, NULL };
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    child client;
    int server;

    (void)state;
    child_start(&client, -1, full, arguments);
    server = socket_accept(door);
    socket_say(server, "one\n");
    (void)shutdown(server, SHUT_WR);
    child_assert_error(&client, 1, "wherry: standard output: ", "No space left on device");
    (void)close(server);
    (void)close(full);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, door_setup, door_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_that_the_protocol_cannot_carry_is_told_with_its_number),
        TEST(a_length_that_the_head_cannot_say_is_told),
        TEST(what_was_sent_before_a_bad_line_still_arrives),
        TEST(an_input_that_cannot_be_read_is_told),
        TEST(an_output_that_nobody_reads_ends_it_quietly),
        TEST(an_output_that_is_full_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
