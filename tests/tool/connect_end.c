/* `wherry connect`: how it ends, be it a connection that does not come about, the end of the input
 * or of the other end, or a signal. Apart from connect.c: that is on what is exchanged before. */
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
#include <unistd.h>

#include <cmocka.h>

#include "support/child.h"
#include "support/door.h"
#include "support/process.h"
#include "support/socket.h"

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

static void the_end_of_the_input_is_passed_on_and_answers_are_awaited(void **state)
{
    child client;
    int server;

    (void)state;
    server = door_meet(&client, "--timeout=5");
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

static void a_closed_or_empty_input_is_one_that_has_ended(void **state)
{
    char script[WHERRY_ENDPOINT_TEXT_SIZE + 64];
    const char *const arguments[] = { "sh", "-c", script, NULL };
    child client;

    (void)state;
    (void)command_path();
    echo_start();
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

static void waiting_for_answers_can_be_limited(void **state)
{
    static const char *const waits[] = { "--wait=0", "--wait=0.05" };
    child client;
    int server;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        server = door_meet(&client, waits[i]);
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
    server = door_meet(&client, "--wait=60");
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
    server = door_meet(&client, "--protocol=raw");
    write_all_that_is_taken(&client, server);
    assert_int_equal(shutdown(server, SHUT_WR), 0);
    child_assert_error(&client, 1, "wherry: tcp://127.0.0.1:",
                       ": the other end finished before all of the input was sent");
    (void)close(server);
}

static void a_reset_is_told_behind_what_came_before(void **state)
{
    char line[WHERRY_ENDPOINT_TEXT_SIZE + 64];
    child client;
    int server;

    (void)state;
    server = door_meet(&client, "--wait=60");
    socket_say(server, "one\ntwo\n");
    child_assert_line(&client, "one");
    child_assert_line(&client, "two");
    socket_reset(server);
    assert_prints_the_rest(&client, "");
    (void)snprintf(line, sizeof(line), "wherry: %s: Connection reset by peer", door_text);
    child_assert_error(&client, 1, line, line);
}

/* The server is gone when the question comes: it is the kernel that resets. */
static void a_send_into_nothing_is_told_as_a_reset(void **state)
{
    child client;
    int server;

    (void)state;
    server = door_meet(&client, "--wait=60");
    child_say(&client, "unread\n");
    socket_assert_says(server, "unr"); /* what is unread makes the close a reset */
    (void)close(server);
    child_assert_error(&client, 1, "wherry: tcp://127.0.0.1:", ": Connection reset by peer");
}

static void an_end_inside_of_a_message_is_told(void **state)
{
    child client;
    int server;

    (void)state;
    server = door_meet(&client, "--protocol=length8");
    socket_say(server, "\3abc\3de");
    (void)close(server);
    assert_prints_the_rest(&client, "abc\n");
    child_assert_error(&client, 1,
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
    child_assert_error(&client, 1, "wherry: tcp://127.0.0.1:",
                       "--message-max BYTES allows for more, where the protocol does)");
    (void)close(server);
}

static void a_server_that_is_stopped_ends_it_in_order(void **state)
{
    child client;

    (void)state;
    echo_start();
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
    echo_start();
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
    echo_start();
    for (size_t i = 0; i < 2; i++) {
        command_start(&client, "connect", echo_endpoint);
        child_say(&client, "x\n");
        child_assert_line(&client, "x");
        assert_int_equal(kill(client.pid, signals[i]), 0);
        assert_int_equal(child_wait(&client), 128 + signals[i]);
    }
    server_stop(&echo_server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, door_setup, door_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_refusal_is_told_with_what_to_look_for),
        TEST(connecting_takes_no_longer_than_the_timeout),
        TEST(the_end_of_the_input_is_passed_on_and_answers_are_awaited),
        TEST(a_closed_or_empty_input_is_one_that_has_ended),
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
