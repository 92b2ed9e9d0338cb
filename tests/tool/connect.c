/* `wherry connect`: its input and output, how it ends, and what it says when it fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/child.h"
#include "support/process.h"
#include "support/socket.h"

static child echo_server;
static char echo_endpoint[WHERRY_ENDPOINT_TEXT_SIZE];

/* A listener of the test's own. */
static int door;
static char door_text[WHERRY_ENDPOINT_TEXT_SIZE];

static int setup(void **state)
{
    if (child_setup(state) != 0)
        return -1;
    door = socket_listen("tcp://127.0.0.1:0", 8, door_text);
    return 0;
}

static int teardown(void **state)
{
    (void)close(door);
    return child_teardown(state);
}

static void start_echo(void)
{
    command_start(&echo_server, "serve", "tcp://127.0.0.1:0");
    server_endpoint(&echo_server, echo_endpoint);
}

/* Starts the command with a pipe as input, and accepts it. */
static int meet(child *client, const char *option)
{
    command_start(client, "connect", door_text, option);
    return socket_accept(door);
}

/* Reads what is left of the output. */
static void assert_prints_the_rest(child *client, const char *expected)
{
    size_t length;
    char *text;
    int input = client->input; /* stays open */

    client->input = -1;
    text = child_exchange(client, "", 0, &length);
    client->input = input;
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
    free(text);
}

static void assert_fails(child *client, int status, const char *begin, const char *end)
{
    assert_int_equal(child_wait(client), status);
    child_assert_one_error(client, begin, end);
}

/* --- input and output */

static void lines_go_out_as_messages_and_come_back_as_lines(void **state)
{
    (void)state;
    start_echo();
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
    server = meet(&client, "--wait=60");
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
    start_echo();
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
    start_echo();
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
    start_echo();
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

    start_echo();
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
    server = meet(&client, "--protocol=raw");
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

/* --- connecting */

static void a_refusal_is_told_with_what_to_look_for(void **state)
{
    char begin[WHERRY_ENDPOINT_TEXT_SIZE + 64];

    (void)state;
    (void)close(door);
    (void)snprintf(begin, sizeof(begin), "wherry: connecting to %s: Connection refused (",
                   door_text + strlen("tcp://"));
    command_assert_error(1, begin, "is a server running there?)", "connect", door_text);
    command_assert_error(1, "wherry: connecting to /nonexistent/s: No such file or directory (",
                         "a server running there?)", "connect", "unix:/nonexistent/s");
    command_assert_error(1, "wherry: connecting to @wherry-test-", "running there?)", "connect",
                         socket_own());
}

/* A listener whose backlog is full answers nothing. */
static void connecting_takes_no_longer_than_the_timeout(void **state)
{
    const char *const places[] = { "tcp://127.0.0.1:0", socket_own() };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char text[WHERRY_ENDPOINT_TEXT_SIZE];
        int full = socket_listen(places[i], 0, text);
        int first = socket_dial(text);

        command_assert_error(1, "wherry: connecting to ", "--timeout SECONDS waits longer)",
                             "connect", text, "--timeout", "0.1");
        (void)close(first);
        (void)close(full);
    }
}

/* --- the end */

static void the_end_of_the_input_is_passed_on_and_answers_are_awaited(void **state)
{
    child client;
    int server;

    (void)state;
    server = meet(&client, "--timeout=5");
    child_say(&client, "question\n");
    child_close_input(&client);
    socket_assert_says(server, "question\n");
    socket_assert_end(server);
    socket_say(server, "answer\n");
    child_assert_line(&client, "answer");
    socket_say(server, "another\n");
    (void)close(server);
    assert_prints_the_rest(&client, "another\n");
    child_assert_status(&client, 0);
}

static void waiting_for_answers_can_be_limited(void **state)
{
    static const char *const waits[] = { "--wait=0", "--wait=0.05" };
    child client;
    int server;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        server = meet(&client, waits[i]);
        child_say(&client, "question\n");
        child_close_input(&client);
        child_assert_status(&client, 0);
        socket_assert_says(server, "question\n");
        socket_assert_end(server);
        (void)close(server);
    }
}

static void it_ends_when_the_other_end_finishes_although_the_input_goes_on(void **state)
{
    child client;
    int server;

    (void)state;
    server = meet(&client, "--wait=60");
    socket_say(server, "one\ntwo");
    (void)close(server);
    assert_prints_the_rest(&client, "one\ntwo\n");
    child_assert_status(&client, 0);
}

/* Writes until the command does not take it any more: it has begun to send, and sleeps though there
 * is input. That it takes all would fail the test. */
static void write_all_that_is_taken(const child *client, int server)
{
    static char bytes[1 << 20];
    struct pollfd room = { .fd = client->input, .events = POLLOUT };
    int begun = 0, left = 0;
    size_t written = 0;
    ssize_t count;
    bool sleeps;

    assert_int_equal(fcntl(client->input, F_SETFL, O_NONBLOCK), 0);
    do {
        while ((count = write(client->input, bytes, sizeof(bytes))) > 0)
            written += (size_t)count;
        assert_int_equal(errno, EAGAIN);
        assert_true(written < (size_t)64 << 20);
        (void)poll(&room, 1, 1);
        assert_int_equal(ioctl(server, FIONREAD, &begun), 0);
        sleeps = process_sleeps(client->pid);
        assert_int_equal(ioctl(client->input, FIONREAD, &left), 0);
    } while (begun == 0 || !sleeps || left == 0);
}

static void input_that_the_other_end_did_not_wait_for_is_a_failure(void **state)
{
    const int small = 4096;
    child client;
    int server;

    (void)state;
    assert_int_equal(setsockopt(door, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    server = meet(&client, "--protocol=raw");
    write_all_that_is_taken(&client, server);
    assert_int_equal(shutdown(server, SHUT_WR), 0);
    assert_fails(&client, 1, "wherry: tcp://127.0.0.1:",
                 ": the other end finished before all of the input was sent");
    (void)close(server);
}

static void a_reset_is_told_behind_what_came_before(void **state)
{
    char line[WHERRY_ENDPOINT_TEXT_SIZE + 64];
    child client;
    int server;

    (void)state;
    server = meet(&client, "--wait=60");
    socket_say(server, "one\ntwo\n");
    child_assert_line(&client, "one");
    child_assert_line(&client, "two");
    socket_reset(server);
    assert_prints_the_rest(&client, "");
    (void)snprintf(line, sizeof(line), "wherry: %s: Connection reset by peer", door_text);
    assert_fails(&client, 1, line, line);
}

/* The server is gone when the question comes: it is the kernel that resets. */
static void a_send_into_nothing_is_told_as_a_reset(void **state)
{
    child client;
    int server;

    (void)state;
    server = meet(&client, "--wait=60");
    child_say(&client, "unread\n");
    socket_assert_says(server, "unr"); /* what is unread makes the close a reset */
    (void)close(server);
    assert_fails(&client, 1, "wherry: tcp://127.0.0.1:", ": Connection reset by peer");
}

static void an_end_inside_of_a_message_is_told(void **state)
{
    child client;
    int server;

    (void)state;
    server = meet(&client, "--protocol=length8");
    socket_say(server, "\3abc\3de");
    (void)close(server);
    assert_prints_the_rest(&client, "abc\n");
    assert_fails(&client, 1,
                 "wherry: tcp://127.0.0.1:", ": the other end finished inside of a message");
}

static void a_message_over_the_limit_is_told_with_its_place(void **state)
{
    child client;
    int server;

    (void)state;
    command_start(&client, "connect", door_text, "--message-max=3", "--protocol=lines");
    server = socket_accept(door);
    socket_say(server, "abc\nabcd\n");
    assert_prints_the_rest(&client, "abc\n");
    assert_fails(&client, 1, "wherry: tcp://127.0.0.1:",
                 "--message-max BYTES allows for more, where the protocol does)");
    (void)close(server);
}

static void a_server_that_is_stopped_ends_it_in_order(void **state)
{
    child client;

    (void)state;
    start_echo();
    command_start(&client, "connect", echo_endpoint);
    child_say(&client, "x\n");
    child_assert_line(&client, "x");
    server_stop(&echo_server);
    child_assert_status(&client, 0);
}

static void a_server_that_is_killed_ends_it_too(void **state)
{
    child client;

    (void)state;
    start_echo();
    command_start(&client, "connect", echo_endpoint);
    child_say(&client, "x\n");
    child_assert_line(&client, "x");
    assert_int_equal(kill(echo_server.pid, SIGKILL), 0);
    assert_int_equal(child_wait(&echo_server), 128 + SIGKILL);
    child_assert_status(&client, 0); /* the kernel closes for it */
}

static void signals_end_it_as_usual(void **state)
{
    static const int signals[] = { SIGINT, SIGTERM };
    child client;

    (void)state;
    start_echo();
    for (size_t i = 0; i < 2; i++) {
        command_start(&client, "connect", echo_endpoint);
        child_say(&client, "x\n");
        child_assert_line(&client, "x");
        assert_int_equal(kill(client.pid, signals[i]), 0);
        assert_int_equal(child_wait(&client), 128 + signals[i]);
    }
    server_stop(&echo_server);
}

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
        server = meet(&client, cases[i].protocol);
        child_say(&client, cases[i].input);
        assert_fails(&client, 2, cases[i].begin, "");
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
    server = meet(&client, "--protocol=length8");
    child_say(&client, line + 1); /* 255 */
    child_say(&client, line);
    assert_fails(&client, 2, "wherry: line 2 of the input: a message of 256 bytes, over the ",
                 "where the protocol does)");
    (void)close(server);
}

static void what_was_sent_before_a_bad_line_still_arrives(void **state)
{
    child client;
    int server;

    (void)state;
    server = meet(&client, "--protocol=fixed:2");
    child_say(&client, "ab\ncd\nefg\n");
    assert_fails(&client, 2, "wherry: line 3 of the input: ", "");
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
    assert_fails(&client, 1, "wherry: standard input: ", "Is a directory");
    (void)close(server);
    (void)close(folder);
}

static void a_closed_or_empty_input_is_one_that_has_ended(void **state)
{
    char script[WHERRY_ENDPOINT_TEXT_SIZE + 64];
    const char *const arguments[] = { "sh", "-c", script, NULL };
    child client;

    (void)state;
    (void)command_path();
    start_echo();
    (void)snprintf(script, sizeof(script), "exec \"$WHERRY_COMMAND\" connect %s <&-",
                   echo_endpoint);
    child_start(&client, -1, -1, arguments);
    child_assert_status(&client, 0);
    (void)snprintf(script, sizeof(script), "exec \"$WHERRY_COMMAND\" connect %s </dev/null",
                   echo_endpoint);
    child_start(&client, -1, -1, arguments);
    child_assert_status(&client, 0);
    server_stop(&echo_server);
}

/* --- output that cannot be written */

static void an_output_that_nobody_reads_ends_it_quietly(void **state)
{
    child client;
    int server;

    (void)state;
    server = meet(&client, "--wait=60");
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
    assert_fails(&client, 1, "wherry: standard output: ", "No space left on device");
    (void)close(server);
    (void)close(full);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
        TEST(a_refusal_is_told_with_what_to_look_for),
        TEST(connecting_takes_no_longer_than_the_timeout),
        TEST(the_end_of_the_input_is_passed_on_and_answers_are_awaited),
        TEST(waiting_for_answers_can_be_limited),
        TEST(it_ends_when_the_other_end_finishes_although_the_input_goes_on),
        TEST(input_that_the_other_end_did_not_wait_for_is_a_failure),
        TEST(a_reset_is_told_behind_what_came_before),
        TEST(a_send_into_nothing_is_told_as_a_reset),
        TEST(an_end_inside_of_a_message_is_told),
        TEST(a_message_over_the_limit_is_told_with_its_place),
        TEST(a_server_that_is_stopped_ends_it_in_order),
        TEST(a_server_that_is_killed_ends_it_too),
        TEST(signals_end_it_as_usual),
        TEST(a_line_that_the_protocol_cannot_carry_is_told_with_its_number),
        TEST(a_length_that_the_head_cannot_say_is_told),
        TEST(what_was_sent_before_a_bad_line_still_arrives),
        TEST(an_input_that_cannot_be_read_is_told),
        TEST(a_closed_or_empty_input_is_one_that_has_ended),
        TEST(an_output_that_nobody_reads_ends_it_quietly),
        TEST(an_output_that_is_full_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
