#include <errno.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include <wherry/error.h>

#include "support/far_ends.h"

static int connecting(wherry_system *system, const char *address, int port)
{
    int descriptor = far_socket(system);

    assert_int_equal(far_connect(system, descriptor, address, port), -EINPROGRESS);
    return descriptor;
}

/* A port of b at which nobody listens. */
static int deaf_port(void)
{
    int descriptor = far_listener(far_b, 1), port = far_port(far_b, descriptor);

    far_close(far_b, descriptor);
    return port;
}

static void test_a_connection_takes_a_round_trip(void **state)
{
    int listener = far_listener(far_b, 1), client;

    (void)state;
    client = connecting(far_a, "10.0.0.2", far_port(far_b, listener));
    far_assert_ready(far_a, client, 0);
    assert_int_equal(far_peer(far_a, client), -ENOTCONN);
    assert_int_equal(far_send(far_a, client, "x"), -EAGAIN);
    assert_int_equal(far_receive(far_a, client), -EAGAIN);
    assert_int_equal(far_connect(far_a, client, "10.0.0.2", 1), -EALREADY);
    far_run(2 * FAR_LATENCY);
    far_assert_ready(far_a, client, FAR_OUT);
    assert_int_equal(far_accept(far_b, listener), -EAGAIN);
    assert_int_equal(far_peer(far_a, client), 0);
    assert_int_equal(far_error(far_a, client), 0);
    assert_int_equal(far_connect(far_a, client, "10.0.0.2", 1), 0);
    assert_int_equal(far_connect(far_a, client, "10.0.0.2", 1), -EISCONN);
    far_run(FAR_LATENCY);
    far_assert_ready(far_b, listener, FAR_IN);
    assert_true(far_accept(far_b, listener) >= 0);
    assert_int_equal(far_world->statistics.connections, 1);
}

static void test_refused_is_told_once_and_can_be_tried_again(void **state)
{
    int port = deaf_port(), client = connecting(far_a, "10.0.0.2", port);

    (void)state;
    far_run(10 * FAR_MS);
    far_assert_ready(far_a, client, FAR_RESET);
    assert_int_equal(far_error(far_a, client), ECONNREFUSED);
    far_assert_ready(far_a, client, FAR_OVER);
    assert_true(far_port(far_a, client) > 0);
    assert_int_equal(far_connect(far_a, client, "10.0.0.2", port), -ECONNABORTED);
    far_assert_ready(far_a, client, FAR_OUT | FAR_HUP);
    assert_int_equal(far_connect(far_a, client, "10.0.0.2", port), -EINPROGRESS);
    far_run(10 * FAR_MS);
    assert_int_equal(far_connect(far_a, client, "10.0.0.2", port), -ECONNREFUSED);
    assert_int_equal(far_receive(far_a, client), -ENOTCONN);
}

static void test_refused_is_what_a_receive_says_then(void **state)
{
    int client = connecting(far_a, "10.0.0.2", deaf_port());

    (void)state;
    far_run(10 * FAR_MS);
    assert_int_equal(far_receive(far_a, client), -ECONNREFUSED);
    assert_int_equal(far_receive(far_a, client), 0);
}

static void test_an_address_that_nobody_has_is_unreachable(void **state)
{
    int client = connecting(far_a, "10.0.0.77", 7);

    (void)state;
    far_run(WHERRY_SECONDS(3) - FAR_MS);
    far_assert_ready(far_a, client, 0);
    far_run(FAR_MS);
    assert_int_equal(far_error(far_a, client), EHOSTUNREACH);
}

static void test_some_addresses_have_no_route(void **state)
{
    struct sockaddr_in6 name = { .sin6_family = AF_INET6, .sin6_port = htons(7) };
    int client;

    (void)state;
    assert_int_equal(far_connect(far_a, far_socket(far_a), "224.0.0.1", 7), -ENETUNREACH);
    assert_int_equal(far_connect(far_a, far_socket(far_a), "255.255.255.255", 7), -ENETUNREACH);
    assert_int_equal(wherry_simulation_host(far_world, "10.0.0.9", .name = "v4"), WHERRY_OK);
    far_a = wherry_simulation_system(far_world, "v4");
    assert_int_equal(inet_pton(AF_INET6, "fd00::2", &name.sin6_addr), 1);
    client = far_a->socket(far_a, AF_INET6, SOCK_STREAM, 0);
    assert_int_equal(far_a->connect(far_a, client, (struct sockaddr *)&name, sizeof(name)),
                     -ENETUNREACH);
}

static void test_a_black_hole_times_out(void **state)
{
    int listener = far_listener(far_b, 1), client, hasty = far_socket(far_a);

    (void)state;
    assert_int_equal(wherry_simulation_partition(far_world, "a", "b", WHERRY_NEVER), WHERRY_OK);
    client = connecting(far_a, "10.0.0.2", far_port(far_b, listener));
    assert_int_equal(far_option(far_a, hasty, IPPROTO_TCP, TCP_SYNCNT, 1), 0);
    assert_int_equal(far_connect(far_a, hasty, "10.0.0.2", 7), -EINPROGRESS);
    far_run(WHERRY_SECONDS(7) - FAR_MS);
    far_assert_ready(far_a, hasty, 0);
    far_run(FAR_MS);
    assert_int_equal(far_error(far_a, hasty), ETIMEDOUT);
    far_run(WHERRY_SECONDS(124) - FAR_MS);
    far_assert_ready(far_a, client, 0);
    far_run(FAR_MS);
    assert_int_equal(far_error(far_a, client), ETIMEDOUT);
}

static void test_a_user_timeout_ends_an_attempt(void **state)
{
    int client = far_socket(far_a);

    (void)state;
    assert_int_equal(wherry_simulation_partition(far_world, "a", "b", WHERRY_NEVER), WHERRY_OK);
    assert_int_equal(far_option(far_a, client, IPPROTO_TCP, TCP_USER_TIMEOUT, 1500), 0);
    assert_int_equal(far_connect(far_a, client, "10.0.0.2", 7), -EINPROGRESS);
    far_run(1499 * FAR_MS);
    far_assert_ready(far_a, client, 0);
    far_run(FAR_MS);
    assert_int_equal(far_error(far_a, client), ETIMEDOUT);
}

/* --- the backlog */

static void test_what_goes_beyond_the_backlog_waits_for_an_accept(void **state)
{
    int listener = far_listener(far_b, 1), port = far_port(far_b, listener), clients[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        clients[i] = connecting(far_a, "10.0.0.2", port);
        far_run(10 * FAR_MS);
    }
    far_assert_ready(far_a, clients[0], FAR_OUT);
    far_assert_ready(far_a, clients[1], FAR_OUT);
    far_run(WHERRY_SECONDS(10));
    far_assert_ready(far_a, clients[2], 0);
    assert_true(far_accept(far_b, listener) >= 0);
    far_run(WHERRY_SECONDS(2));
    far_assert_ready(far_a, clients[2], FAR_OUT);
}

static void test_a_connection_reset_before_its_accept_is_accepted(void **state)
{
    int listener = far_listener(far_b, 1), client, server;
    struct sockaddr_in name = { 0 };
    socklen_t size = sizeof(name);

    (void)state;
    client = connecting(far_a, "10.0.0.2", far_port(far_b, listener));
    far_run(10 * FAR_MS);
    far_send(far_a, client, "abc");
    far_linger(far_a, client, 0);
    far_close(far_a, client);
    far_run(10 * FAR_MS);
    far_assert_ready(far_b, listener, FAR_IN);
    server = far_b->accept(far_b, listener, (struct sockaddr *)&name, &size);
    assert_int_equal(size, sizeof(name));
    assert_int_equal(ntohl(name.sin_addr.s_addr), 0x0a000001);
    far_assert_ready(far_b, server, FAR_RESET);
    assert_int_equal(far_peer(far_b, server), -ENOTCONN);
    far_assert_receives(far_b, server, "abc");
    assert_int_equal(far_receive(far_b, server), -ECONNRESET);
}

static void test_closing_a_listener_resets_who_waits(void **state)
{
    int listener = far_listener(far_b, 4), port = far_port(far_b, listener), clients[2];

    (void)state;
    clients[0] = connecting(far_a, "10.0.0.2", port);
    far_run(10 * FAR_MS);
    clients[1] = connecting(far_a, "10.0.0.2", port);
    far_run(FAR_LATENCY + FAR_LATENCY / 2); /* half made */
    far_close(far_b, listener);
    far_run(10 * FAR_MS);
    assert_int_equal(far_receive(far_a, clients[0]), -ECONNRESET);
    assert_int_equal(far_receive(far_a, clients[1]), -ECONNRESET);
}

static void test_a_listener_that_is_shut_down_can_listen_again(void **state)
{
    int listener = far_listener(far_b, 4), client;

    (void)state;
    client = connecting(far_a, "10.0.0.2", far_port(far_b, listener));
    far_run(10 * FAR_MS);
    assert_int_equal(far_shut(far_b, listener, SHUT_WR), 0);
    far_assert_ready(far_b, listener, FAR_IN);
    assert_int_equal(far_shut(far_b, listener, SHUT_RD), 0);
    far_assert_ready(far_b, listener, FAR_OUT | FAR_HUP);
    assert_int_equal(far_accept(far_b, listener), -EINVAL);
    far_run(10 * FAR_MS);
    assert_int_equal(far_receive(far_a, client), -ECONNRESET);
    assert_int_equal(far_b->listen(far_b, listener, 5), 0);
    far_assert_ready(far_b, listener, 0);
}

static void test_a_listener_neither_sends_nor_receives_nor_connects(void **state)
{
    int listener = far_listener(far_b, 4);

    (void)state;
    assert_int_equal(far_receive(far_b, listener), -ENOTCONN);
    assert_int_equal(far_send(far_b, listener, "x"), -EPIPE);
    assert_int_equal(far_connect(far_b, listener, "10.0.0.1", 7), -EISCONN);
    assert_int_equal(far_peer(far_b, listener), -ENOTCONN);
}

static void test_a_connected_socket_does_not_listen(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    assert_int_equal(far_a->listen(far_a, pair.client, 1), -EINVAL);
    assert_int_equal(far_b->listen(far_b, pair.server, 1), -EINVAL);
    assert_int_equal(far_accept(far_a, pair.client), -EINVAL);
}

static void test_an_accepted_socket_has_the_options_of_its_listener(void **state)
{
    int listener = far_listener(far_b, 4), server, value = 0;
    socklen_t size = sizeof(value);

    (void)state;
    assert_int_equal(far_option(far_b, listener, IPPROTO_TCP, TCP_KEEPIDLE, 77), 0);
    assert_int_equal(far_option(far_b, listener, SOL_SOCKET, SO_KEEPALIVE, 5), 0);
    (void)connecting(far_a, "10.0.0.2", far_port(far_b, listener));
    far_run(10 * FAR_MS);
    server = far_accept(far_b, listener);
    assert_int_equal(far_b->get_option(far_b, server, IPPROTO_TCP, TCP_KEEPIDLE, &value, &size), 0);
    assert_int_equal(value, 77);
    assert_int_equal(far_b->get_option(far_b, server, SOL_SOCKET, SO_KEEPALIVE, &value, &size), 0);
    assert_int_equal(value, 1);
}

/* --- two ends of one kind */

static void test_a_socket_connects_to_itself(void **state)
{
    int self = far_socket(far_a), port;

    (void)state;
    assert_int_equal(far_bind(far_a, self, 0), 0);
    port = far_port(far_a, self);
    assert_int_equal(far_connect(far_a, self, "127.0.0.1", port), -EINPROGRESS);
    far_assert_ready(far_a, self, FAR_OUT);
    assert_int_equal(far_send(far_a, self, "me"), 2);
    far_assert_receives(far_a, self, "me");
    assert_int_equal(far_shut(far_a, self, SHUT_WR), 0);
    far_assert_ready(far_a, self, FAR_OVER);
}

static void test_two_that_ask_each_other_are_connected(void **state)
{
    int one = far_socket(far_a), other = far_socket(far_b);

    (void)state;
    assert_int_equal(far_bind(far_a, one, 700), 0);
    assert_int_equal(far_bind(far_b, other, 800), 0);
    assert_int_equal(far_connect(far_a, one, "10.0.0.2", 800), -EINPROGRESS);
    assert_int_equal(far_connect(far_b, other, "10.0.0.1", 700), -EINPROGRESS);
    far_run(10 * FAR_MS);
    far_assert_ready(far_a, one, FAR_OUT);
    far_assert_ready(far_b, other, FAR_OUT);
    far_send(far_a, one, "both");
    far_run(10 * FAR_MS);
    far_assert_receives(far_b, other, "both");
}

static void test_names_of_a_forgotten_connection_serve_a_new_one(void **state)
{
    int listener = far_listener(far_b, 4), port = far_port(far_b, listener), server, client;

    (void)state;
    client = far_socket(far_a);
    assert_int_equal(far_bind(far_a, client, 700), 0);
    assert_int_equal(far_connect(far_a, client, "10.0.0.2", port), -EINPROGRESS);
    far_run(10 * FAR_MS);
    server = far_accept(far_b, listener);
    assert_int_equal(wherry_simulation_power_off(far_world, "a"), WHERRY_OK);
    assert_int_equal(wherry_simulation_restart(far_world, "a"), WHERRY_OK);
    client = far_socket(far_a);
    assert_int_equal(far_bind(far_a, client, 700), 0);
    assert_int_equal(far_connect(far_a, client, "10.0.0.2", port), -EINPROGRESS);
    far_run(10 * FAR_MS);
    assert_int_equal(far_receive(far_b, server), -ECONNRESET);
    far_run(WHERRY_SECONDS(1));
    far_assert_ready(far_a, client, FAR_OUT);
    assert_true(far_accept(far_b, listener) >= 0);
}

static int connecting_from(int port, int to)
{
    int client = far_socket(far_a);

    assert_int_equal(far_bind(far_a, client, port), 0);
    assert_int_equal(far_connect(far_a, client, "10.0.0.2", to), -EINPROGRESS);
    far_run(10 * FAR_MS);
    return client;
}

static void test_a_new_connection_ends_the_wait_of_the_former_one(void **state)
{
    int listener = far_listener(far_b, 4), port = far_port(far_b, listener), client;

    (void)state;
    client = connecting_from(700, port);
    far_close(far_b, far_accept(far_b, listener));
    far_run(10 * FAR_MS);
    far_close(far_a, client);
    far_run(10 * FAR_MS);
    client = connecting_from(700, port);
    far_assert_ready(far_a, client, FAR_OUT);
    assert_true(far_accept(far_b, listener) >= 0);
}

/* --- faults */

static void strike(int fault)
{
    wherry_faults faults = { { 0 } };

    faults.millionths[fault] = 1000000;
    wherry_simulation_set_faults(far_world, &faults);
}

static void test_a_connection_can_be_refused_by_chance(void **state)
{
    int listener = far_listener(far_b, 4), client;

    (void)state;
    strike(WHERRY_FAULT_REFUSED);
    client = connecting(far_a, "10.0.0.2", far_port(far_b, listener));
    far_run(10 * FAR_MS);
    assert_int_equal(far_error(far_a, client), ECONNREFUSED);
}

static void test_a_connection_can_be_lost_by_chance(void **state)
{
    int listener = far_listener(far_b, 4), client;

    (void)state;
    strike(WHERRY_FAULT_LOST_CONNECT);
    client = connecting(far_a, "10.0.0.2", far_port(far_b, listener));
    far_run(WHERRY_SECONDS(130));
    far_assert_ready(far_a, client, 0);
    far_run(WHERRY_SECONDS(2));
    assert_int_equal(far_error(far_a, client), ETIMEDOUT);
}

static void test_connections_within_a_host_have_no_faults(void **state)
{
    int listener = far_listener(far_a, 4), client;

    (void)state;
    strike(WHERRY_FAULT_REFUSED);
    client = connecting(far_a, "10.0.0.1", far_port(far_a, listener));
    far_assert_ready(far_a, client, FAR_OUT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, far_start, far_finish)
    const struct CMUnitTest tests[] = {
        TEST(test_a_connection_takes_a_round_trip),
        TEST(test_refused_is_told_once_and_can_be_tried_again),
        TEST(test_refused_is_what_a_receive_says_then),
        TEST(test_an_address_that_nobody_has_is_unreachable),
        TEST(test_some_addresses_have_no_route),
        TEST(test_a_black_hole_times_out),
        TEST(test_a_user_timeout_ends_an_attempt),
        TEST(test_what_goes_beyond_the_backlog_waits_for_an_accept),
        TEST(test_a_connection_reset_before_its_accept_is_accepted),
        TEST(test_closing_a_listener_resets_who_waits),
        TEST(test_a_listener_that_is_shut_down_can_listen_again),
        TEST(test_a_listener_neither_sends_nor_receives_nor_connects),
        TEST(test_a_connected_socket_does_not_listen),
        TEST(test_an_accepted_socket_has_the_options_of_its_listener),
        TEST(test_a_socket_connects_to_itself),
        TEST(test_two_that_ask_each_other_are_connected),
        TEST(test_names_of_a_forgotten_connection_serve_a_new_one),
        TEST(test_a_new_connection_ends_the_wait_of_the_former_one),
        TEST(test_a_connection_can_be_refused_by_chance),
        TEST(test_a_connection_can_be_lost_by_chance),
        TEST(test_connections_within_a_host_have_no_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
