/* `wherry connect` against listeners that others wrote: nc (OpenBSD's), ncat and socat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/child.h"
#include "support/process.h"
#include "support/socket.h"

enum { SIZE = 1 << 20 };

static char bytes[SIZE];

static void fill(void)
{
    uint32_t x = 1;

    for (size_t i = 0; i < SIZE; i++) {
        x = x * 1664525u + 1013904223u;
        bytes[i] = (char)(x >> 24);
    }
}

/* --- where a program listens, as the kernel has it: not all of them tell */

/* Whether the process has the socket with this inode. */
static int has_inode(pid_t pid, unsigned long inode)
{
    char expected[64];
    int found = 0;

    (void)snprintf(expected, sizeof(expected), "socket:[%lu]", inode);
    for (int i = 0; i < 16 && !found; i++) {
        char path[64];
        char text[64] = { 0 };

        (void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, i);
        found = readlink(path, text, sizeof(text) - 1) > 0 && strcmp(text, expected) == 0;
    }
    return found;
}

/* The port that the process listens on; 0: none, yet. */
static unsigned find_port(pid_t pid, const char *table)
{
    FILE *file = fopen(table, "r");
    char line[512];
    unsigned found = 0;

    assert_non_null(file);
    while (found == 0 && fgets(line, sizeof(line), file) != NULL) {
        unsigned port, status;
        unsigned long inode;

        if (sscanf(line, " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*u %*u %lu", &port,
                   &status, &inode) == 3 &&
            status == 10 && has_inode(pid, inode))
            found = port;
    }
    (void)fclose(file);
    return found;
}

static unsigned await_port(const child *listener, int version)
{
    unsigned port;

    while ((port = find_port(listener->pid, version == 6 ? "/proc/net/tcp6" : "/proc/net/tcp")) ==
           0)
        (void)usleep(2000); /* bounded by the test's alarm */
    return port;
}

/* --- echoing listeners */

static void assert_echoes(const char *endpoint)
{
    child client;
    size_t length;
    char *output;

    command_start(&client, "connect", endpoint, "--protocol=raw");
    output = child_exchange(&client, bytes, SIZE, &length);
    child_assert_status(&client, 0);
    assert_int_equal(length, SIZE);
    assert_memory_equal(output, bytes, SIZE);
    free(output);
}

static void check_tcp(int version, const char *const *arguments)
{
    char endpoint[64];
    child listener;

    child_need(arguments[0]);
    if (version == 6 && !socket_has_ipv6())
        process_skip("this machine has no IPv6");
    child_start(&listener, -1, -1, arguments);
    (void)snprintf(endpoint, sizeof(endpoint), "tcp://%s:%u", version == 6 ? "[::1]" : "127.0.0.1",
                   await_port(&listener, version));
    assert_echoes(endpoint);
    child_assert_status(&listener, 0);
}

static void socat_over_ipv4(void **state)
{
    static const char *const arguments[] = { "socat", "TCP4-LISTEN:0,bind=127.0.0.1", "EXEC:cat",
                                             NULL };

    (void)state;
    check_tcp(4, arguments);
}

static void socat_over_ipv6(void **state)
{
    static const char *const arguments[] = { "socat", "TCP6-LISTEN:0,bind=[::1]", "EXEC:cat",
                                             NULL };

    (void)state;
    check_tcp(6, arguments);
}

static void check_unix(const char *path, const char *endpoint, const char *const *arguments)
{
    child listener;

    child_need(arguments[0]);
    child_start(&listener, -1, -1, arguments);
    socket_await(path);
    assert_echoes(endpoint);
    child_assert_status(&listener, 0);
}

/* The path in a folder of its own, and its endpoint. */
typedef struct place {
    char folder[24];
    char path[32];
    char endpoint[40];
} place;

static void place_open(place *this)
{
    (void)snprintf(this->folder, sizeof(this->folder), "/tmp/wherry-XXXXXX");
    assert_non_null(mkdtemp(this->folder));
    (void)snprintf(this->path, sizeof(this->path), "%s/s", this->folder);
    (void)snprintf(this->endpoint, sizeof(this->endpoint), "unix:%s", this->path);
}

static void place_close(const place *this)
{
    (void)unlink(this->path); /* ncat and nc leave it */
    assert_int_equal(rmdir(this->folder), 0);
}

static void socat_over_a_unix_path(void **state)
{
    char text[64];
    const char *const arguments[] = { "socat", text, "EXEC:cat", NULL };
    place here;

    (void)state;
    place_open(&here);
    (void)snprintf(text, sizeof(text), "UNIX-LISTEN:%s", here.path);
    check_unix(here.path, here.endpoint, arguments);
    place_close(&here);
}

static void socat_over_an_abstract_name(void **state)
{
    char text[80];
    const char *const arguments[] = { "socat", text, "EXEC:cat", NULL };

    (void)state;
    (void)snprintf(text, sizeof(text), "ABSTRACT-LISTEN:%s", socket_own() + strlen("unix:@"));
    check_unix(socket_own() + strlen("unix:"), socket_own(), arguments);
}

/* --- a conversation by hand: nc runs no program, and ncat's -e loses bytes at the end of many.
 * Both end a listener as soon as either side has finished. */

static void assert_converses(child *listener, const char *endpoint, int listener_first)
{
    child client;

    command_start(&client, "connect", endpoint);
    child_say(&client, "question\n");
    child_assert_line(listener, "question");
    child_say(listener, "answer\n");
    child_assert_line(&client, "answer");
    child_say(&client, "last\n");
    child_assert_line(listener, "last");
    child_say(listener, "the end\n");
    child_assert_line(&client, "the end");
    if (listener_first)
        child_close_input(listener);
    else
        child_close_input(&client);
    child_assert_status(&client, 0);
    child_assert_status(listener, 0);
}

static void check_tcp_by_hand(int version, const char *const *arguments)
{
    child_need(arguments[0]);
    if (version == 6 && !socket_has_ipv6())
        process_skip("this machine has no IPv6");
    for (int listener_first = 0; listener_first < 2; listener_first++) {
        char endpoint[64];
        child listener;

        child_start(&listener, -1, -1, arguments);
        (void)snprintf(endpoint, sizeof(endpoint), "tcp://%s:%u",
                       version == 6 ? "[::1]" : "127.0.0.1", await_port(&listener, version));
        assert_converses(&listener, endpoint, listener_first);
    }
}

static void check_unix_by_hand(const char *program, const char *option)
{
    child_need(program);
    for (int listener_first = 0; listener_first < 2; listener_first++) {
        place here;
        const char *const arguments[] = { program, "-l", "-U", here.path, option, NULL };
        child listener;

        place_open(&here);
        child_start(&listener, -1, -1, arguments);
        socket_await(here.path);
        assert_converses(&listener, here.endpoint, listener_first);
        place_close(&here);
    }
}

static void nc_over_ipv4(void **state)
{
    static const char *const arguments[] = { "nc", "-l", "-N", "127.0.0.1", "0", NULL };

    (void)state;
    check_tcp_by_hand(4, arguments);
}

static void nc_over_ipv6(void **state)
{
    static const char *const arguments[] = { "nc", "-6", "-l", "-N", "::1", "0", NULL };

    (void)state;
    check_tcp_by_hand(6, arguments);
}

static void nc_over_a_unix_path(void **state)
{
    (void)state;
    check_unix_by_hand("nc", "-N");
}

static void ncat_over_ipv4(void **state)
{
    static const char *const arguments[] = { "ncat", "-l", "127.0.0.1", "0", NULL };

    (void)state;
    check_tcp_by_hand(4, arguments);
}

static void ncat_over_ipv6(void **state)
{
    static const char *const arguments[] = { "ncat", "-6", "-l", "::1", "0", NULL };

    (void)state;
    check_tcp_by_hand(6, arguments);
}

static void ncat_over_a_unix_path(void **state)
{
    (void)state;
    check_unix_by_hand("ncat", NULL);
}

/* --- one way only */

/* What goes to a listener that only receives, all of it arrives. */
static void an_upload_to_socat_arrives(void **state)
{
    static const char *const arguments[] = { "socat", "-u", "TCP4-LISTEN:0,bind=127.0.0.1", "-",
                                             NULL };
    char endpoint[64];
    child listener, client;
    size_t length;
    char *output;
    pid_t writer;

    (void)state;
    child_need("socat");
    child_start(&listener, -1, -1, arguments);
    (void)snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%u", await_port(&listener, 4));
    child_start(&client, -1, 2,
                (const char *const[]){ command_path(), "connect", endpoint, "-praw", NULL });
    writer = fork();
    if (writer == 0) {
        child_write(&client, bytes, SIZE);
        _exit(0);
    }
    child_close_input(&client);
    output = child_exchange(&listener, "", 0, &length);
    assert_int_equal(length, SIZE);
    assert_memory_equal(output, bytes, SIZE);
    free(output);
    child_assert_status(&client, 0);
    child_assert_status(&listener, 0);
    assert_int_equal(waitpid(writer, NULL, 0), writer);
}

static void a_download_from_socat_arrives(void **state)
{
    static const char *const arguments[] = { "socat", "-u", "-", "TCP4-LISTEN:0,bind=127.0.0.1",
                                             NULL };
    char endpoint[64];
    child listener, client;
    size_t length;
    char *output;

    (void)state;
    child_need("socat");
    child_start(&listener, -1, -1, arguments);
    (void)snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%u", await_port(&listener, 4));
    command_start(&client, "connect", endpoint);
    child_say(&listener, "one\ntwo\n");
    child_close_input(&listener);
    output = child_exchange(&client, "", 0, &length);
    assert_string_equal(output, "one\ntwo\n");
    free(output);
    child_assert_status(&client, 0);
    child_assert_status(&listener, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, child_setup, child_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(socat_over_ipv4),
        TEST(socat_over_ipv6),
        TEST(socat_over_a_unix_path),
        TEST(socat_over_an_abstract_name),
        TEST(ncat_over_ipv4),
        TEST(ncat_over_ipv6),
        TEST(ncat_over_a_unix_path),
        TEST(nc_over_ipv4),
        TEST(nc_over_ipv6),
        TEST(nc_over_a_unix_path),
        TEST(an_upload_to_socat_arrives),
        TEST(a_download_from_socat_arrives),
    };

    fill();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
