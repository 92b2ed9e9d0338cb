/* Clients that others wrote against `wherry serve`: nc (OpenBSD's), ncat and socat, over every
 * transport that they have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include <cmocka.h>

#include "support/child.h"
#include "support/process.h"
#include "support/socket.h"

enum { SIZE = 1 << 20, ARGUMENTS_MAX = 8 };

static char bytes[SIZE];

static void fill(void)
{
    uint32_t x = 1;

    for (size_t i = 0; i < SIZE; i++) {
        x = x * 1664525u + 1013904223u;
        bytes[i] = (char)(x >> 24);
    }
}

typedef struct server {
    child process;
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    char host[64]; /* of TCP */
    const char *port;
    const char *path; /* of a Unix socket */
    char folder[32];
} server;

/* Serves, and takes apart where. */
static void start(server *this, const char *endpoint, const char *service, const char *protocol)
{
    char text[64];

    if (strcmp(endpoint, "unix") == 0) {
        (void)snprintf(this->folder, sizeof(this->folder), "/tmp/wherry-XXXXXX");
        assert_non_null(mkdtemp(this->folder));
        (void)snprintf(text, sizeof(text), "unix:%s/s", this->folder);
        endpoint = text;
    }
    command_start(&this->process, "serve", endpoint, "-s", service, "-p", protocol);
    server_endpoint(&this->process, this->endpoint);
    this->path = this->endpoint + strlen("unix://");
    this->port = strrchr(this->endpoint, ':') + 1;
    (void)snprintf(this->host, sizeof(this->host), "%s",
                   strstr(this->endpoint, "[::1]") != NULL ? "::1" : "127.0.0.1");
}

static void stop(server *this, const char *endpoint)
{
    server_stop(&this->process);
    if (strcmp(endpoint, "unix") == 0)
        assert_int_equal(rmdir(this->folder), 0);
}

/* A client's arguments, with %h, %p, %u and %a for host, port, path and abstract name, in another
 * argument too. */
static void expand(char *text, size_t size, const char *template, const server *to)
{
    size_t used = 0;

    for (; *template != '\0'; template ++) {
        const char *part = NULL;

        if (template[0] == '%')
            part = template[1] == 'h'   ? to->host
                   : template[1] == 'p' ? to->port
                   : template[1] == 'u' ? to->path
                                        : to->endpoint + strlen("unix:@");
        used += part == NULL ? (size_t)snprintf(text + used, size - used, "%c", *template)
                             : (size_t)snprintf(text + used, size - used, "%s", part);
        template += part != NULL;
        assert_true(used < size);
    }
}

/* Sends input by a client, and compares what comes back. */
static void assert_answers(const server *to, const char *const *template, const char *input,
                           size_t size, const char *expected, size_t expected_size)
{
    char texts[ARGUMENTS_MAX][256];
    const char *arguments[ARGUMENTS_MAX + 1] = { NULL };
    child client;
    size_t length;
    char *output;

    for (size_t i = 0; template[i] != NULL; i++) {
        expand(texts[i], sizeof(texts[i]), template[i], to);
        arguments[i] = texts[i];
    }
    child_start(&client, -1, -1, arguments);
    output = child_exchange(&client, input, size, &length);
    child_assert_status(&client, 0);
    assert_int_equal(length, expected_size);
    assert_memory_equal(output, expected, length);
    free(output);
}

/* What a program does with a megabyte, and then with lines that it gets back at once. */
static void check(const char *endpoint, const char *const *template)
{
    static const char lines[] = "one\ntwo\n\nfour\n";
    server to;

    child_need(template[0]);
    if (strstr(endpoint, "[::1]") != NULL && !socket_has_ipv6())
        process_skip("this machine has no IPv6");
    start(&to, endpoint, "echo", "raw");
    assert_answers(&to, template, bytes, SIZE, bytes, SIZE);
    assert_answers(&to, template, "", 0, "", 0);
    stop(&to, endpoint);
    start(&to, endpoint, "echo", "lines");
    assert_answers(&to, template, lines, strlen(lines), lines, strlen(lines));
    stop(&to, endpoint);
    start(&to, endpoint, "discard", "raw");
    assert_answers(&to, template, bytes, SIZE, "", 0);
    stop(&to, endpoint);
}

#define CLIENT(name, endpoint, ...)                                                                \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        check(endpoint, (const char *const[]){ __VA_ARGS__, NULL });                               \
    }

CLIENT(nc_over_ipv4, "tcp://127.0.0.1:0", "nc", "-N", "%h", "%p")
CLIENT(nc_over_ipv6, "tcp://[::1]:0", "nc", "-N", "%h", "%p")
CLIENT(nc_over_a_unix_path, "unix", "nc", "-N", "-U", "%u")
CLIENT(ncat_over_ipv4, "tcp://127.0.0.1:0", "ncat", "%h", "%p")
CLIENT(ncat_over_ipv6, "tcp://[::1]:0", "ncat", "-6", "%h", "%p")
CLIENT(ncat_over_a_unix_path, "unix", "ncat", "-U", "%u")
CLIENT(socat_over_ipv4, "tcp://127.0.0.1:0", "socat", "-t", "30", "-", "TCP4:%h:%p")
CLIENT(socat_over_ipv6, "tcp://[::1]:0", "socat", "-t", "30", "-", "TCP6:[%h]:%p")
CLIENT(socat_over_a_unix_path, "unix", "socat", "-t", "30", "-", "UNIX-CONNECT:%u")
CLIENT(socat_over_an_abstract_name, socket_own(), "socat", "-t", "30", "-", "ABSTRACT-CONNECT:%a")

/* A client that only listens: the time comes, and then the end. */
static void socat_reads_the_time(void **state)
{
    char text[64] = { 0 };
    const char *const template[] = { "socat", "-u", text, "-", NULL };
    child client;
    size_t length;
    char *output;
    server to;

    (void)state;
    child_need("socat");
    start(&to, "tcp://127.0.0.1:0", "time", "crlf");
    (void)snprintf(text, sizeof(text), "TCP4:127.0.0.1:%s", to.port);
    child_start(&client, -1, -1, template);
    output = child_exchange(&client, "", 0, &length);
    child_assert_status(&client, 0);
    assert_int_equal(length, strlen("2000-01-01T00:00:00Z\r\n"));
    assert_string_equal(output + length - 3, "Z\r\n");
    free(output);
    stop(&to, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, child_setup, child_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nc_over_ipv4),           TEST(nc_over_ipv6),
        TEST(nc_over_a_unix_path),    TEST(ncat_over_ipv4),
        TEST(ncat_over_ipv6),         TEST(ncat_over_a_unix_path),
        TEST(socat_over_ipv4),        TEST(socat_over_ipv6),
        TEST(socat_over_a_unix_path), TEST(socat_over_an_abstract_name),
        TEST(socat_reads_the_time),
    };

    fill();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
