/* The services of `wherry serve` over every transport: echo, discard and time. chat has a file of
 * its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/child.h"
#include "support/process.h"
#include "support/socket.h"

typedef struct place {
    const char *endpoint;
    char folder[32]; /* of a Unix path */
    char text[64];
} place;

enum { PLACES = 4 };

/* The index-th transport's endpoint to listen on; NULL: this machine does not have it. */
static const char *place_open(place *this, int index)
{
    const char *const fixed[] = { "tcp://127.0.0.1:0", "tcp://[::1]:0", socket_own() };

    this->folder[0] = '\0';
    if (index == 1 && !socket_has_ipv6()) {
        print_message("skipped: this machine has no IPv6\n");
        return NULL;
    }
    if (index < 3)
        return fixed[index];
    (void)snprintf(this->folder, sizeof(this->folder), "/tmp/wherry-XXXXXX");
    assert_non_null(mkdtemp(this->folder));
    (void)snprintf(this->text, sizeof(this->text), "unix:%s/a%%20b", this->folder);
    return this->text;
}

static void place_close(const place *this)
{
    if (this->folder[0] != '\0')
        assert_int_equal(rmdir(this->folder), 0);
}

/* Calls test with an endpoint of each transport where the service runs. */
static void over_all(const char *service, void (*test)(const char *endpoint))
{
    for (int i = 0; i < PLACES; i++) {
        char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
        place here;
        const char *text = place_open(&here, i);
        child server;

        if (text == NULL)
            continue;
        command_start(&server, "serve", text, "--service", service);
        server_endpoint(&server, endpoint);
        test(endpoint);
        server_stop(&server);
        place_close(&here);
    }
}

static void check_echo(const char *endpoint)
{
    int client = socket_dial(endpoint);

    socket_say(client, "no line, ");
    socket_assert_says(client, "no line, ");
    socket_say(client, "a line\r\nand more");
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    socket_assert_says(client, "a line\r\nand more");
    socket_assert_end(client);
    (void)close(client);
    command_assert("one\ntwo\n", 0, "one\ntwo\n", "connect", endpoint);
}

static void echo_sends_back_what_it_gets(void **state)
{
    (void)state;
    over_all("echo", check_echo);
}

static void check_discard(const char *endpoint)
{
    static char bytes[1 << 16];
    int client = socket_dial(endpoint);

    for (int i = 0; i < 64; i++)
        assert_int_equal(send(client, bytes, sizeof(bytes), MSG_NOSIGNAL), sizeof(bytes));
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    socket_assert_end(client);
    (void)close(client);
    command_assert("one\ntwo\n", 0, "", "connect", endpoint);
}

static void discard_takes_everything_and_says_nothing(void **state)
{
    (void)state;
    over_all("discard", check_discard);
}

static void check_time(const char *endpoint)
{
    time_t before = time(NULL);
    struct tm utc = { 0 };
    char line[64] = { 0 };
    int client = socket_dial(endpoint);
    const char *end;

    assert_int_equal(recv(client, line, 21, MSG_WAITALL), 21);
    socket_assert_end(client); /* it does not wait for a question */
    (void)close(client);
    end = strptime(line, "%Y-%m-%dT%H:%M:%SZ", &utc);
    assert_non_null(end);
    assert_string_equal(end, "\n");
    /* time(2) looks at a clock that is some milliseconds behind the one that the server reads. */
    assert_true(timegm(&utc) >= before && timegm(&utc) <= time(NULL) + 1);
}

static void time_tells_the_time_and_closes(void **state)
{
    (void)state;
    over_all("time", check_time);
}

static void time_goes_by_any_protocol(void **state)
{
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    uint8_t head[2];
    child server;
    int client;

    (void)state;
    command_start(&server, "serve", "tcp://127.0.0.1:0", "-stime", "-plength16");
    server_endpoint(&server, endpoint);
    client = socket_dial(endpoint);
    assert_int_equal(recv(client, head, 2, MSG_WAITALL), 2);
    assert_int_equal(head[0], 0);
    assert_int_equal(head[1], strlen("2000-01-01T00:00:00Z"));
    (void)close(client);
    server_stop(&server);
}

/* A client that asks all the same, and whose question comes too late, is not reset. */
static void time_is_told_whatever_the_client_sends(void **state)
{
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;

    (void)state;
    command_start(&server, "serve", "tcp://127.0.0.1:0", "-stime");
    server_endpoint(&server, endpoint);
    for (int i = 0; i < 20; i++) {
        char line[32];
        int client = socket_dial(endpoint);

        assert_true(send(client, "what time is it?\n", 17, MSG_NOSIGNAL) == 17 || i > 0);
        assert_int_equal(recv(client, line, 21, MSG_WAITALL), 21);
        (void)close(client);
    }
    server_stop(&server);
}

/* A slow client of echo holds up itself only. */
static void a_client_that_does_not_read_stalls_nobody(void **state)
{
    static char bytes[1 << 16];
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;
    int slow;

    (void)state;
    command_start(&server, "serve", "tcp://127.0.0.1:0");
    server_endpoint(&server, endpoint);
    slow = socket_dial(endpoint);
    while (send(slow, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
        continue;
    command_assert("one\ntwo\n", 0, "one\ntwo\n", "connect", endpoint);
    (void)close(slow);
    server_stop(&server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, child_setup, child_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(echo_sends_back_what_it_gets),
        TEST(discard_takes_everything_and_says_nothing),
        TEST(time_tells_the_time_and_closes),
        TEST(time_goes_by_any_protocol),
        TEST(time_is_told_whatever_the_client_sends),
        TEST(a_client_that_does_not_read_stalls_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
