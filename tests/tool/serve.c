/* `wherry serve`: where it listens, its limits, its log, and its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/child.h"
#include "support/process.h"
#include "support/socket.h"

/* --- listening */

static void each_endpoint_is_a_line_with_its_real_port(void **state)
{
    char folder[] = "/tmp/wherry-XXXXXX";
    char path[64];
    char expected[64];
    char text[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "unix:%s/s", folder);
    (void)snprintf(expected, sizeof(expected), "unix://%s/s", folder);
    command_start(&server, "serve", "tcp://127.0.0.1:0", path, "tcp://127.0.0.1:0");
    server_endpoint(&server, text);
    assert_memory_equal(text, "tcp://127.0.0.1:", 16);
    assert_in_range(atoi(text + 16), 1, 65535);
    server_endpoint(&server, text);
    assert_string_equal(text, expected);
    server_endpoint(&server, text);
    assert_in_range(atoi(text + 16), 1, 65535);
    assert_int_equal(kill(server.pid, SIGTERM), 0);
    assert_int_equal(read(server.output, text, 1), 0); /* nothing but these lines */
    child_assert_status(&server, 0);
    assert_int_equal(rmdir(folder), 0); /* the socket's file went with the server */
}

static void a_list_of_endpoints_may_stand_in_one_argument(void **state)
{
    char text[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;

    (void)state;
    (void)snprintf(text, sizeof(text), "tcp://127.0.0.1:0  %s", socket_own());
    command_start(&server, "serve", text);
    server_endpoint(&server, text);
    server_endpoint(&server, text);
    assert_string_equal(text, socket_own());
    server_stop(&server);
}

static void all_interfaces_are_two_lines_with_one_port(void **state)
{
    char first[WHERRY_ENDPOINT_TEXT_SIZE];
    char second[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;

    (void)state;
    if (!socket_has_ipv6())
        process_skip("this machine has no IPv6");
    command_start(&server, "serve", "tcp://*:0");
    server_endpoint(&server, first);
    server_endpoint(&server, second);
    assert_memory_equal(first, "tcp://[::]:", 11);
    assert_memory_equal(second, "tcp://0.0.0.0:", 14);
    assert_string_equal(first + 11, second + 14);
    server_stop(&server);
}

static void an_address_in_use_is_told_with_what_to_do(void **state)
{
    char text[WHERRY_ENDPOINT_TEXT_SIZE];
    char begin[WHERRY_ENDPOINT_TEXT_SIZE + 64];
    int listener = socket_listen("tcp://127.0.0.1:0", 1, text);

    (void)state;
    (void)snprintf(begin, sizeof(begin), "wherry: listening on %s: Address already in use (",
                   text + strlen("tcp://"));
    command_assert_error(1, begin, "port 0 takes a free one)", "serve", "tcp://127.0.0.1:0", text);
    (void)close(listener);
}

static void a_unix_path_in_use_is_left_alone_and_a_stale_one_is_taken_over(void **state)
{
    char folder[] = "/tmp/wherry-XXXXXX";
    char endpoint[64];
    char text[WHERRY_ENDPOINT_TEXT_SIZE];
    int listener;
    child server;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(endpoint, sizeof(endpoint), "unix:%s/s", folder);
    listener = socket_listen(endpoint, 8, text);
    command_assert_error(1, "wherry: listening on ", "port 0 takes a free one)", "serve", endpoint);
    (void)close(listener);
    command_start(&server, "serve", endpoint);
    server_endpoint(&server, text);
    server_stop(&server);
    assert_int_equal(rmdir(folder), 0);
}

static void addresses_of_others_and_missing_folders_are_told(void **state)
{
    (void)state;
    command_assert_error(1, "wherry: listening on 192.0.2.1:7000: ", "address of this machine?)",
                         "serve", "tcp://192.0.2.1:7000");
    command_assert_error(1, "wherry: listening on /nonexistent/s: ", "does the folder exist?)",
                         "serve", "unix:/nonexistent/s");
}

static void a_standard_output_that_cannot_be_written_ends_it(void **state)
{
    const char *const arguments[] = { command_path(), "serve", "tcp://127.0.0.1:0", NULL };
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    int ends[2];
    child server;

    (void)state;
    assert_true(full >= 0);
    child_start(&server, -1, full, arguments);
    assert_int_equal(child_wait(&server), 1);
    child_assert_one_error(&server, "wherry: standard output: ", "No space left on device");
    (void)close(full);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)close(ends[0]);
    child_start(&server, -1, ends[1], arguments);
    assert_int_equal(child_wait(&server), 1);
    child_assert_one_error(&server, "wherry: standard output: ", "Broken pipe");
    (void)close(ends[1]);
}

/* --- limits */

static void more_clients_than_the_limit_wait_for_their_turn(void **state)
{
    char text[WHERRY_ENDPOINT_TEXT_SIZE];
    char byte;
    child server;
    int first, second;

    (void)state;
    command_start(&server, "serve", "tcp://127.0.0.1:0", "--clients-max", "1");
    server_endpoint(&server, text);
    first = socket_dial(text);
    socket_say(first, "a");
    socket_assert_says(first, "a");
    second = socket_dial(text);
    socket_say(second, "b");
    socket_say(first, "c");
    socket_assert_says(first, "c"); /* the server has had its chance to serve the second */
    assert_int_equal(recv(second, &byte, 1, MSG_DONTWAIT), -1);
    (void)close(first);
    socket_assert_says(second, "b");
    (void)close(second);
    server_stop(&server);
}

static void silent_clients_are_ended_after_the_idle_time(void **state)
{
    char text[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;
    int client;

    (void)state;
    command_start(&server, "serve", "tcp://127.0.0.1:0", "--idle", "0.05", "--verbose");
    server_endpoint(&server, text);
    client = socket_dial(text);
    socket_assert_end(client);
    child_await_errors(&server, "a time limit of the connection ran out\n");
    (void)close(client);
    server_stop(&server);
}

static void without_an_idle_time_silent_clients_stay(void **state)
{
    char text[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;
    int silent, other;

    (void)state;
    command_start(&server, "serve", "tcp://127.0.0.1:0");
    server_endpoint(&server, text);
    silent = socket_dial(text);
    other = socket_dial(text);
    socket_say(other, "x");
    socket_assert_says(other, "x");
    socket_say(silent, "y");
    socket_assert_says(silent, "y");
    (void)close(silent);
    (void)close(other);
    server_stop(&server);
}

static void a_message_at_the_limit_is_served_and_one_over_it_ends_the_client(void **state)
{
    char text[WHERRY_ENDPOINT_TEXT_SIZE];
    char byte;
    child server;
    int client;

    (void)state;
    command_start(&server, "serve", "tcp://127.0.0.1:0", "-p", "lines", "--message-max", "5");
    server_endpoint(&server, text);
    client = socket_dial(text);
    socket_say(client, "12345\n");
    socket_assert_says(client, "12345\n");
    socket_say(client, "123456\n");
    assert_true(recv(client, &byte, 1, 0) <= 0);
    child_await_errors(&server, "\n");
    child_assert_one_error(&server, "wherry: error: client 127.0.0.1:", " of the connection");
    assert_non_null(strstr(child_errors(&server), "WHERRY_E_MALFORMED"));
    (void)close(client);
    server_stop(&server);
}

/* --- the log */

/* Starts with an option, serves one client that breaks the rules, and stops. The log is left. */
static void serve_a_bad_client(child *server, const char *option)
{
    char text[WHERRY_ENDPOINT_TEXT_SIZE];
    char byte;
    int client;

    command_start(server, "serve", "tcp://127.0.0.1:0", "--protocol=length8", "--message-max=1",
                  option);
    server_endpoint(server, text);
    client = socket_dial(text);
    socket_say(client, "\2ab");
    assert_true(recv(client, &byte, 1, 0) <= 0);
    (void)close(client);
    assert_int_equal(kill(server->pid, SIGTERM), 0);
    assert_int_equal(child_wait(server), 0);
}

static void quiet_and_usual_tell_failures_only(void **state)
{
    child server;

    (void)state;
    serve_a_bad_client(&server, "--quiet");
    child_assert_one_error(&server, "wherry: error: client 127.0.0.1:", "");
    serve_a_bad_client(&server, "--service=echo");
    child_assert_one_error(&server, "wherry: error: client 127.0.0.1:", "");
}

static void verbose_tells_who_comes_and_goes(void **state)
{
    const char *text;
    child server;

    (void)state;
    serve_a_bad_client(&server, "--verbose");
    text = child_errors(&server);
    assert_memory_equal(text, "wherry: client 127.0.0.1:", 25);
    text = strstr(text, ": connected\n");
    assert_non_null(text);
    assert_non_null(strstr(text, "wherry: error: client 127.0.0.1:"));
    assert_non_null(strstr(text, ": what was received breaks the rules of the protocol\n"));
}

/* --- the end */

static void a_signal_stops_it_in_order(void **state)
{
    static const int signals[] = { SIGINT, SIGTERM };
    char text[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;
    int client;

    (void)state;
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        command_start(&server, "serve", "tcp://127.0.0.1:0");
        server_endpoint(&server, text);
        client = socket_dial(text);
        socket_say(client, "x");
        socket_assert_says(client, "x");
        assert_int_equal(kill(server.pid, signals[i]), 0);
        socket_assert_end(client);
        (void)close(client);
        assert_int_equal(child_wait(&server), 0);
        assert_string_equal(child_errors(&server), "");
    }
}

/* Sends more than the kernel holds for both directions together, so that the rest of what comes
 * back has to stay with the server. */
static void leave_unread(int client)
{
    char bytes[4096] = { 0 };
    int here, there;
    socklen_t size = sizeof(here);

    assert_int_equal(getsockopt(client, SOL_SOCKET, SO_SNDBUF, &there, &size), 0);
    assert_int_equal(setsockopt(client, SOL_SOCKET, SO_SNDBUF, &(int){ 8192 }, sizeof(int)), 0);
    assert_int_equal(getsockopt(client, SOL_SOCKET, SO_SNDBUF, &here, &size), 0);
    for (size_t sent = 0; sent < (size_t)(here + there); sent += sizeof(bytes))
        assert_int_equal(send(client, bytes, sizeof(bytes), MSG_NOSIGNAL), sizeof(bytes));
}

/* A client that does not read keeps the server from its end for some seconds; a second signal does
 * not wait for that. */
static void a_second_signal_ends_it_at_once(void **state)
{
    char text[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;
    int client;

    (void)state;
    command_start(&server, "serve", socket_own());
    server_endpoint(&server, text);
    client = socket_dial(text);
    leave_unread(client);
    assert_int_equal(kill(server.pid, SIGINT), 0);
    while (socket_is_listened_on(socket_own() + strlen("unix:")))
        (void)usleep(1000); /* until the stop has begun; bounded by the test's alarm */
    assert_int_equal(kill(server.pid, SIGINT), 0);
    assert_int_equal(child_wait(&server), 128 + SIGINT);
    (void)close(client);
}

static void ignored_signals_stay_ignored(void **state)
{
    const char *const arguments[] = {
        "sh", "-c", "trap '' INT; exec \"$WHERRY_COMMAND\" serve tcp://127.0.0.1:0", NULL
    };
    char text[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;
    int client;

    (void)state;
    (void)command_path();
    child_start(&server, -1, -1, arguments);
    server_endpoint(&server, text);
    assert_int_equal(kill(server.pid, SIGINT), 0);
    client = socket_dial(text);
    socket_say(client, "x");
    socket_assert_says(client, "x");
    (void)close(client);
    server_stop(&server);
}

static size_t descriptors_of(pid_t pid)
{
    char path[64];
    DIR *folder;
    size_t count = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

static void clients_that_have_gone_leave_no_descriptor(void **state)
{
    char text[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;
    size_t before;
    int clients[16];
    int probe;

    (void)state;
    command_start(&server, "serve", "tcp://127.0.0.1:0", "--verbose");
    server_endpoint(&server, text);
    probe = socket_dial(text);
    socket_say(probe, "x");
    socket_assert_says(probe, "x");
    before = descriptors_of(server.pid);
    for (size_t i = 0; i < 16; i++) {
        clients[i] = socket_dial(text);
        socket_say(clients[i], "y");
        socket_assert_says(clients[i], "y");
    }
    assert_int_equal(descriptors_of(server.pid), before + 16);
    for (size_t i = 0; i < 16; i++) {
        if (i % 2 == 0)
            socket_reset(clients[i]);
        else
            assert_int_equal(shutdown(clients[i], SHUT_WR), 0);
    }
    for (size_t i = 1; i < 16; i += 2) {
        socket_assert_end(clients[i]);
        (void)close(clients[i]);
    }
    while (descriptors_of(server.pid) != before)
        (void)usleep(1000); /* bounded by the test's alarm */
    (void)close(probe);
    server_stop(&server);
}

/* Closed standard streams must not become sockets that something is printed to. */
static void closed_standard_streams_do_no_harm(void **state)
{
    const char *const arguments[] = { "sh", "-c",
                                      "exec \"$WHERRY_COMMAND\" serve tcp://127.0.0.1:0 -v "
                                      "<&- 2>&-",
                                      NULL };
    char text[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;
    int client;

    (void)state;
    (void)command_path();
    child_start(&server, -1, -1, arguments);
    server_endpoint(&server, text);
    client = socket_dial(text);
    socket_say(client, "x");
    socket_assert_says(client, "x");
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    socket_assert_end(client);
    (void)close(client);
    server_stop(&server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, child_setup, child_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_endpoint_is_a_line_with_its_real_port),
        TEST(a_list_of_endpoints_may_stand_in_one_argument),
        TEST(all_interfaces_are_two_lines_with_one_port),
        TEST(an_address_in_use_is_told_with_what_to_do),
        TEST(a_unix_path_in_use_is_left_alone_and_a_stale_one_is_taken_over),
        TEST(addresses_of_others_and_missing_folders_are_told),
        TEST(a_standard_output_that_cannot_be_written_ends_it),
        TEST(more_clients_than_the_limit_wait_for_their_turn),
        TEST(silent_clients_are_ended_after_the_idle_time),
        TEST(without_an_idle_time_silent_clients_stay),
        TEST(a_message_at_the_limit_is_served_and_one_over_it_ends_the_client),
        TEST(quiet_and_usual_tell_failures_only),
        TEST(verbose_tells_who_comes_and_goes),
        TEST(a_signal_stops_it_in_order),
        TEST(a_second_signal_ends_it_at_once),
        TEST(ignored_signals_stay_ignored),
        TEST(clients_that_have_gone_leave_no_descriptor),
        TEST(closed_standard_streams_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
