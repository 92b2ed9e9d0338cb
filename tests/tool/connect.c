/* `wherry connect`: what goes from its input to the other end and from there to its output,
 * whatever these are. How it ends is tested in connect_end.c, what goes wrong with them in
 * connect_failing.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/child.h"
#include "support/door.h"
#include "support/socket.h"

/* --- input and output */

static void lines_go_out_as_messages_and_come_back_as_lines(void **state)
{
    (void)state;
    echo_start();
    command_assert("one\n\ntwo words\n", 0, "one\n\ntwo words\n", "connect", echo_endpoint);
    command_assert("no end", 0, "no end\n", "connect", echo_endpoint);
    command_assert("dos\r\nunix\n", 0, "dos\nunix\n", "connect", echo_endpoint);
    command_assert("", 0, "", "connect", echo_endpoint);
    command_assert("x\n", 0, "x\n", "connect", echo_endpoint, "--protocol", "lines");
    server_stop(&echo_server);
}

static void each_line_is_sent_as_soon_as_it_is_there(void **state)
{
    child client;
    int server;

    (void)state;
    server = door_meet(&client, "--wait=60");
    child_say(&client, "one\ntw");
    socket_assert_says(server, "one\n");
    socket_say(server, "first\nsec");
    child_assert_line(&client, "first");
    child_say(&client, "o\n");
    socket_assert_says(server, "two\n");
    socket_say(server, "ond\n");
    child_assert_line(&client, "second");
    child_close_input(&client);
    socket_assert_end(server);
    (void)close(server);
    child_assert_status(&client, 0);
}

static void raw_changes_nothing(void **state)
{
    static const char bytes[] = "a\0b\r\n\377\n\n no end";
    child client;
    size_t length;
    char *text;

    (void)state;
    echo_start();
    command_start(&client, "connect", echo_endpoint, "--protocol=raw");
    text = child_exchange(&client, bytes, sizeof(bytes), &length);
    child_assert_status(&client, 0);
    assert_int_equal(length, sizeof(bytes));
    assert_memory_equal(text, bytes, sizeof(bytes));
    free(text);
    server_stop(&echo_server);
}

/* The lines framings print a rest without an end, too; a raw message is cut at the limit. */
static void limits_of_raw_cut_but_lose_nothing(void **state)
{
    (void)state;
    echo_start();
    command_assert("abcdefghijk", 0, "abcdefghijk", "connect", echo_endpoint, "-praw",
                   "--message-max=3");
    server_stop(&echo_server);
}

static void input_from_a_file_and_output_to_one(void **state)
{
    const char *const arguments[] = { command_path(), "connect", echo_endpoint, NULL };
    char in_path[] = "/tmp/wherry-XXXXXX";
    char out_path[] = "/tmp/wherry-XXXXXX";
    int in = mkstemp(in_path);
    int out = mkstemp(out_path);
    char expected[8192];
    char actual[8192];
    int used = 0;
    child client;

    (void)state;
    echo_start();
    for (int i = 0; i < 1000; i++)
        used += snprintf(expected + used, sizeof(expected) - (size_t)used, "%d\n", i);
    assert_int_equal(write(in, expected, (size_t)used), used);
    assert_int_equal(lseek(in, 0, SEEK_SET), 0);
    child_start(&client, in, out, arguments);
    child_assert_status(&client, 0);
    assert_int_equal(pread(out, actual, sizeof(actual), 0), used);
    assert_memory_equal(actual, expected, (size_t)used);
    assert_int_equal(unlink(in_path) + unlink(out_path), 0);
    (void)close(in);
    (void)close(out);
    server_stop(&echo_server);
}

/* Opens a pseudo-terminal without echo, whose other end is for the command; skips the test where
 * there are none. */
static int open_terminal(int *other)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios mode;

    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) {
        print_message("skipped: no pseudo-terminals here\n");
        skip();
    }
    *other = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(*other >= 0);
    assert_int_equal(tcgetattr(*other, &mode), 0);
    mode.c_lflag &= ~(tcflag_t)ECHO;
    mode.c_oflag &= ~(tcflag_t)OPOST;
    assert_int_equal(tcsetattr(*other, TCSANOW, &mode), 0);
    return master;
}

static void assert_terminal_shows(int master, const char *expected)
{
    char text[256] = { 0 };
    size_t used = 0;

    while (used < strlen(expected)) {
        ssize_t count = read(master, text + used, strlen(expected) - used);

        assert_true(count > 0);
        used += (size_t)count;
    }
    assert_string_equal(text, expected);
}

static void a_terminal_is_read_and_written_line_by_line(void **state)
{
    const char *const arguments[] = { command_path(), "connect", door_text, NULL };
    int other;
    int master = open_terminal(&other);
    child client;
    int server;

    (void)state;
    child_start(&client, other, other, arguments);
    server = socket_accept(door);
    assert_int_equal(write(master, "hello\n", 6), 6);
    socket_assert_says(server, "hello\n");
    socket_say(server, "and hello to you\n");
    assert_terminal_shows(master, "and hello to you\n"); /* and no prompt */
    assert_int_equal(write(master, "more\n\4", 6), 6);   /* ^D */
    socket_assert_says(server, "more\n");
    socket_assert_end(server);
    socket_say(server, "last");
    (void)close(server);
    assert_terminal_shows(master, "last\n");
    child_assert_status(&client, 0);
    (void)close(other);
    (void)close(master);
}

static void a_terminal_is_left_at_once_when_the_other_end_finishes(void **state)
{
    const char *const arguments[] = { command_path(), "connect", door_text, NULL };
    int other;
    int master = open_terminal(&other);
    child client;
    int server;

    (void)state;
    child_start(&client, other, other, arguments);
    server = socket_accept(door);
    socket_say(server, "bye\n");
    (void)close(server);
    assert_terminal_shows(master, "bye\n");
    child_assert_status(&client, 0);
    (void)close(other);
    (void)close(master);
}

static void standard_streams_stay_blocking_and_open(void **state)
{
    const char *const arguments[] = { command_path(), "connect", door_text, NULL };
    int in[2], out[2];
    char line[6];
    child client;
    int server;

    (void)state;
    assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
    child_start(&client, in[0], out[1], arguments);
    server = socket_accept(door);
    assert_int_equal(write(in[1], "ask\n", 4), 4);
    socket_assert_says(server, "ask\n");
    socket_say(server, "told!\n");
    assert_int_equal(read(out[0], line, 6), 6);
    assert_int_equal(fcntl(in[0], F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(fcntl(out[1], F_GETFL) & O_NONBLOCK, 0);
    (void)close(server);
    child_assert_status(&client, 0);
    for (int i = 0; i < 2; i++)
        (void)close(in[i]), (void)close(out[i]);
}

/* --- large amounts */

enum { LARGE = 5 << 20 };

/* Bytes that look different everywhere; a newline here and there. */
static char *make_large(void)
{
    char *bytes = malloc(LARGE);
    uint32_t x = 1;

    assert_non_null(bytes);
    for (size_t i = 0; i < LARGE; i++) {
        x = x * 1664525u + 1013904223u;
        bytes[i] = (char)(x >> 24);
        if (bytes[i] == '\r')
            bytes[i] = '\n';
    }
    bytes[LARGE - 1] = '\n';
    return bytes;
}

static void assert_large_comes_back(const char *protocol)
{
    char *bytes = make_large();
    child client;
    size_t length;
    char *text;

    echo_start();
    command_start(&client, "connect", echo_endpoint, "--protocol", protocol);
    text = child_exchange(&client, bytes, LARGE, &length);
    child_assert_status(&client, 0);
    assert_int_equal(length, LARGE);
    assert_memory_equal(text, bytes, LARGE);
    free(text);
    free(bytes);
    server_stop(&echo_server);
}

static void five_megabytes_go_both_ways_at_once(void **state)
{
    (void)state;
    assert_large_comes_back("raw");
    assert_large_comes_back("lines");
    assert_large_comes_back("length32");
}

/* All is written before anything is read: it must be held back, and not be lost. */
static void an_output_that_is_read_late_loses_nothing(void **state)
{
    char *bytes = make_large();
    size_t sent = 0;
    size_t length;
    child client;
    char *text;
    int server;

    (void)state;
    server = door_meet(&client, "--protocol=raw");
    child_close_input(&client);
    socket_assert_end(server);
    while (sent < LARGE) {
        ssize_t count = send(server, bytes + sent, LARGE - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (count < 0)
            break;
        sent += (size_t)count;
    }
    (void)close(server);
    assert_true(sent > 0);
    text = child_exchange(&client, "", 0, &length);
    assert_int_equal(length, sent);
    assert_memory_equal(text, bytes, length);
    child_assert_status(&client, 0);
    free(text);
    free(bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, door_setup, door_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_go_out_as_messages_and_come_back_as_lines),
        TEST(each_line_is_sent_as_soon_as_it_is_there),
        TEST(raw_changes_nothing),
        TEST(limits_of_raw_cut_but_lose_nothing),
        TEST(input_from_a_file_and_output_to_one),
        TEST(a_terminal_is_read_and_written_line_by_line),
        TEST(a_terminal_is_left_at_once_when_the_other_end_finishes),
        TEST(standard_streams_stay_blocking_and_open),
        TEST(five_megabytes_go_both_ways_at_once),
        TEST(an_output_that_is_read_late_loses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
