/* What is ready, and when: each kind of descriptor step by step. */
#include "support/poller_cases.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/time.h>

#include "support/poller_fixture.h"

#define BOTH (WHERRY_READABLE | WHERRY_WRITABLE)

static void make_pipe(poller_fixture *fixture, int ends[2])
{
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    poller_fixture_own(fixture, ends[0]);
    poller_fixture_own(fixture, ends[1]);
}

/* Closes a descriptor of the fixture early. */
static void close_owned(poller_fixture *fixture, int descriptor)
{
    for (size_t i = 0; i < fixture->descriptor_count; i++) {
        if (fixture->descriptors[i] == descriptor) {
            fixture->descriptors[i] = fixture->descriptors[--fixture->descriptor_count];
            assert_int_equal(close(descriptor), 0);
            return;
        }
    }
    fail_msg("descriptor %d is not of the fixture", descriptor);
}

/* A listener and a connection to it on loopback. */
typedef struct tcp_ends {
    int listener, client, server;
} tcp_ends;

static void tcp_listen(poller_fixture *fixture, tcp_ends *tcp, struct sockaddr_in *name)
{
    socklen_t size = sizeof(*name);

    *name = (struct sockaddr_in){ .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    tcp->listener = poller_fixture_own(fixture, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    assert_int_equal(bind(tcp->listener, (struct sockaddr *)name, size), 0);
    assert_int_equal(listen(tcp->listener, 8), 0);
    assert_int_equal(getsockname(tcp->listener, (struct sockaddr *)name, &size), 0);
}

static void tcp_connect(poller_fixture *fixture, tcp_ends *tcp)
{
    struct sockaddr_in name;

    tcp_listen(fixture, tcp, &name);
    tcp->client = poller_fixture_own(fixture, socket(AF_INET, SOCK_STREAM, 0));
    assert_int_equal(connect(tcp->client, (struct sockaddr *)&name, sizeof(name)), 0);
    poller_watch(fixture, tcp->listener, 0, WHERRY_READABLE, tcp);
    poller_assert_ready(fixture, tcp, WHERRY_READABLE);
    poller_watch(fixture, tcp->listener, WHERRY_READABLE, 0, NULL);
    tcp->server = poller_fixture_own(fixture, accept(tcp->listener, NULL, NULL));
}

static void tcp_connection_becomes_ready_step_by_step(void **state)
{
    poller_fixture *fixture = *state;
    struct sockaddr_in name;
    int client_token, server_token, error = -1;
    socklen_t size = sizeof(error);
    tcp_ends tcp;

    tcp_listen(fixture, &tcp, &name);
    poller_watch(fixture, tcp.listener, 0, WHERRY_READABLE, &server_token);
    poller_assert_idle(fixture);
    tcp.client = poller_fixture_own(fixture, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    assert_int_equal(connect(tcp.client, (struct sockaddr *)&name, sizeof(name)), -1);
    assert_int_equal(errno, EINPROGRESS);
    poller_assert_ready(fixture, &server_token, WHERRY_READABLE);
    tcp.server = poller_fixture_own(fixture, accept(tcp.listener, NULL, NULL));
    poller_assert_idle(fixture);
    poller_watch(fixture, tcp.client, 0, WHERRY_WRITABLE, &client_token);
    poller_assert_ready(fixture, &client_token, WHERRY_WRITABLE);
    assert_int_equal(getsockopt(tcp.client, SOL_SOCKET, SO_ERROR, &error, &size), 0);
    assert_int_equal(error, 0);
    poller_watch(fixture, tcp.client, WHERRY_WRITABLE, WHERRY_READABLE, &client_token);
    poller_assert_idle(fixture);
    poller_put(tcp.server, "hello");
    poller_assert_ready(fixture, &client_token, WHERRY_READABLE);
    poller_take(tcp.client, 5);
    poller_assert_idle(fixture);
    close_owned(fixture, tcp.server);
    poller_assert_ready(fixture, &client_token, WHERRY_READABLE); /* half closed: not hung up */
}

static void refused_connection_is_told(void **state)
{
    poller_fixture *fixture = *state;
    struct sockaddr_in name;
    int client;
    tcp_ends tcp;

    tcp_listen(fixture, &tcp, &name);
    close_owned(fixture, tcp.listener);
    client = poller_fixture_own(fixture, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    assert_int_equal(connect(client, (struct sockaddr *)&name, sizeof(name)), -1);
    poller_watch(fixture, client, 0, WHERRY_WRITABLE, &client);
    poller_assert_ready(fixture, &client, WHERRY_WRITABLE | WHERRY_FAILED | WHERRY_HUNG_UP);
}

/* Linux reports 0x2019 here to those who ask for EPOLLRDHUP too: IN, ERR, HUP and RDHUP. */
static void reset_is_failed_and_hung_up(void **state)
{
    poller_fixture *fixture = *state;
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    tcp_ends tcp;

    tcp_connect(fixture, &tcp);
    poller_watch(fixture, tcp.server, 0, WHERRY_READABLE, &tcp);
    assert_int_equal(setsockopt(tcp.client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close_owned(fixture, tcp.client);
    do {
        assert_int_equal(poller_fixture_wait(fixture, WHERRY_NEVER), 1);
    } while ((fixture->ready[0].events & WHERRY_HUNG_UP) == 0);
    assert_int_equal(fixture->ready[0].events, WHERRY_READABLE | WHERRY_FAILED | WHERRY_HUNG_UP);
    poller_watch(fixture, tcp.server, WHERRY_READABLE, BOTH, &tcp);
    poller_assert_ready(fixture, &tcp, BOTH | WHERRY_FAILED | WHERRY_HUNG_UP);
}

static void urgent_data_is_exceptional(void **state)
{
    poller_fixture *fixture = *state;
    char byte;
    tcp_ends tcp;

    tcp_connect(fixture, &tcp);
    poller_watch(fixture, tcp.server, 0, WHERRY_EXCEPTIONAL, &tcp);
    poller_put(tcp.client, "plain");
    poller_assert_idle(fixture);
    assert_int_equal(send(tcp.client, "!", 1, MSG_OOB), 1);
    poller_assert_ready(fixture, &tcp, WHERRY_EXCEPTIONAL);
    poller_take(tcp.server, 5);
    assert_int_equal(recv(tcp.server, &byte, 1, MSG_OOB), 1);
    poller_assert_idle(fixture);
}

static void unix_pair_is_ready_both_ways(void **state)
{
    poller_fixture *fixture = *state;
    int ends[2];

    poller_fixture_pair(fixture, ends);
    poller_watch(fixture, ends[0], 0, BOTH, ends);
    poller_assert_ready(fixture, ends, WHERRY_WRITABLE);
    poller_put(ends[1], "x");
    poller_assert_ready(fixture, ends, BOTH);
    assert_int_equal(shutdown(ends[1], SHUT_WR), 0);
    poller_assert_ready(fixture, ends, BOTH);
    close_owned(fixture, ends[1]);
    poller_assert_ready(fixture, ends, BOTH | WHERRY_HUNG_UP);
}

static void pipe_tells_of_its_other_end(void **state)
{
    poller_fixture *fixture = *state;
    int reading[2], writing[2];

    make_pipe(fixture, reading);
    make_pipe(fixture, writing);
    poller_watch(fixture, reading[0], 0, WHERRY_READABLE, reading);
    poller_assert_idle(fixture);
    poller_put(reading[1], "x");
    poller_assert_ready(fixture, reading, WHERRY_READABLE);
    close_owned(fixture, reading[1]);
    poller_assert_ready(fixture, reading, WHERRY_READABLE | WHERRY_HUNG_UP);
    poller_take(reading[0], 1);
    poller_assert_ready(fixture, reading, WHERRY_HUNG_UP);
    poller_watch(fixture, reading[0], WHERRY_READABLE, 0, NULL);
    poller_watch(fixture, writing[1], 0, WHERRY_WRITABLE, writing);
    close_owned(fixture, writing[0]);
    poller_assert_ready(fixture, writing, WHERRY_WRITABLE | WHERRY_FAILED);
}

/* Whoever only wants to know of the end can say so, and is not told of bytes. */
static void ends_are_reported_unasked(void **state)
{
    poller_fixture *fixture = *state;
    int ends[2];

    poller_fixture_pair(fixture, ends);
    poller_watch(fixture, ends[0], 0, WHERRY_HUNG_UP, ends);
    poller_put(ends[1], "x");
    poller_assert_idle(fixture);
    close_owned(fixture, ends[1]);
    poller_assert_ready(fixture, ends, WHERRY_HUNG_UP);
}

static void readiness_repeats_until_it_is_used(void **state)
{
    poller_fixture *fixture = *state;
    int ends[2];

    poller_fixture_pair(fixture, ends);
    poller_watch(fixture, ends[0], 0, WHERRY_READABLE, ends);
    poller_put(ends[1], "abc");
    for (int i = 0; i < 3; i++) {
        poller_assert_ready(fixture, ends, WHERRY_READABLE);
        poller_take(ends[0], 1);
    }
    poller_assert_idle(fixture);
}

int poller_ready_run(void)
{
    const struct CMUnitTest tests[] = {
        POLLER_TEST(tcp_connection_becomes_ready_step_by_step),
        POLLER_TEST(refused_connection_is_told),
        POLLER_TEST(reset_is_failed_and_hung_up),
        POLLER_TEST(urgent_data_is_exceptional),
        POLLER_TEST(unix_pair_is_ready_both_ways),
        POLLER_TEST(pipe_tells_of_its_other_end),
        POLLER_TEST(ends_are_reported_unasked),
        POLLER_TEST(readiness_repeats_until_it_is_used),
    };

    return cmocka_run_group_tests_name(poller_system->name, tests, NULL, NULL);
}
