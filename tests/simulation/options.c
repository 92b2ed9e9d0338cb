#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/time.h>

#include <cmocka.h>

#include "support/simulated.h"

static int set_bytes(simulated *self, int socket, int level, int option, const void *value,
                     socklen_t size)
{
    return self->here->set_option(self->here, socket, level, option, value, size);
}

static int get_error(simulated *self, int socket, int level, int option)
{
    int value;
    socklen_t size = sizeof(value);

    return self->here->get_option(self->here, socket, level, option, &value, &size);
}

/* Sets a value and reads it back; a failure of setting is the answer. */
static int echo(simulated *self, int socket, int level, int option, int value)
{
    const int result = simulated_set(self->here, socket, level, option, value);

    return result < 0 ? result : simulated_get(self->here, socket, level, option);
}

static void sockets_tell_what_they_are(void **state)
{
    simulated *self = *state;
    const int families[] = { AF_INET, AF_INET6, AF_UNIX };
    const int types[] = { SOCK_STREAM, SOCK_DGRAM };

    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 2; j++) {
            const int socket = simulated_socket(self->here, families[i], types[j]);
            const int protocol = types[j] == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;

            assert_int_equal(simulated_get(self->here, socket, SOL_SOCKET, SO_TYPE), types[j]);
            assert_int_equal(simulated_get(self->here, socket, SOL_SOCKET, SO_DOMAIN), families[i]);
            assert_int_equal(simulated_get(self->here, socket, SOL_SOCKET, SO_PROTOCOL),
                             families[i] == AF_UNIX ? 0 : protocol);
            assert_int_equal(simulated_set(self->here, socket, SOL_SOCKET, SO_TYPE, 1),
                             -ENOPROTOOPT);
        }
    }
}

static void listening_is_told(void **state)
{
    simulated *self = *state;
    const int socket = simulated_bound(self->here, SOCK_STREAM, HERE, 7000);

    assert_int_equal(simulated_get(self->here, socket, SOL_SOCKET, SO_ACCEPTCONN), 0);
    assert_int_equal(self->here->listen(self->here, socket, 5), 0);
    assert_int_equal(simulated_get(self->here, socket, SOL_SOCKET, SO_ACCEPTCONN), 1);
}

static void errors_are_told_once(void **state)
{
    simulated *self = *state;
    const int socket = simulated_socket(self->here, AF_INET, SOCK_DGRAM);

    assert_int_equal(simulated_connect(self->here, socket, THERE, 7000), 0);
    assert_int_equal(simulated_send(self->here, socket, "x", NULL, 0), 1);
    simulated_settle(self);
    assert_true(simulated_readiness(self->here, socket) & WHERRY_FAILED);
    assert_int_equal(simulated_get(self->here, socket, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
    assert_int_equal(simulated_get(self->here, socket, SOL_SOCKET, SO_ERROR), 0);
    assert_false(simulated_readiness(self->here, socket) & WHERRY_FAILED);
}

static void buffers_are_told_doubled_and_not_too_small(void **state)
{
    simulated *self = *state;
    const int socket = simulated_socket(self->here, AF_INET, SOCK_STREAM);

    assert_int_equal(simulated_get(self->here, socket, SOL_SOCKET, SO_SNDBUF), 208 * 1024);
    assert_int_equal(echo(self, socket, SOL_SOCKET, SO_SNDBUF, 2304), 4608);
    assert_int_equal(echo(self, socket, SOL_SOCKET, SO_SNDBUF, 2305), 4610);
    assert_int_equal(echo(self, socket, SOL_SOCKET, SO_SNDBUF, 0), 4608);
    assert_int_equal(echo(self, socket, SOL_SOCKET, SO_RCVBUF, 1152), 2304);
    assert_int_equal(echo(self, socket, SOL_SOCKET, SO_RCVBUF, 1153), 2306);
    assert_int_equal(echo(self, socket, SOL_SOCKET, SO_RCVBUF, 0), 2304);
    assert_int_equal(echo(self, socket, SOL_SOCKET, SO_RCVBUF, -1), 8 << 20);
    assert_int_equal(echo(self, socket, SOL_SOCKET, SO_RCVBUF, INT32_MAX), 8 << 20);
}

static void flags_are_one_or_zero(void **state)
{
    simulated *self = *state;
    const int socket = simulated_socket(self->here, AF_INET6, SOCK_STREAM);
    const int shared[] = { SO_REUSEADDR, SO_REUSEPORT, SO_KEEPALIVE, SO_BROADCAST, SO_OOBINLINE };

    for (int i = 0; i < 5; i++) {
        assert_int_equal(simulated_get(self->here, socket, SOL_SOCKET, shared[i]), 0);
        assert_int_equal(echo(self, socket, SOL_SOCKET, shared[i], -7), 1);
        assert_int_equal(echo(self, socket, SOL_SOCKET, shared[i], 0), 0);
    }
    assert_int_equal(echo(self, socket, IPPROTO_IPV6, IPV6_V6ONLY, 5), 1);
}

static void both_families_are_settled_before_binding(void **state)
{
    simulated *self = *state;
    const int socket = simulated_bound(self->here, SOCK_DGRAM, "::", 7000);

    assert_int_equal(simulated_set(self->here, socket, IPPROTO_IPV6, IPV6_V6ONLY, 1), -EINVAL);
    assert_int_equal(simulated_get(self->here, socket, IPPROTO_IPV6, IPV6_V6ONLY), 0);
}

static void numbers_have_bounds(void **state)
{
    simulated *self = *state;
    const int datagram = simulated_socket(self->here, AF_INET6, SOCK_DGRAM);
    const int stream = simulated_socket(self->here, AF_INET6, SOCK_STREAM);

    assert_int_equal(echo(self, datagram, IPPROTO_IP, IP_TTL, 0), -EINVAL);
    assert_int_equal(echo(self, datagram, IPPROTO_IP, IP_TTL, 1), 1);
    assert_int_equal(echo(self, datagram, IPPROTO_IP, IP_TTL, 255), 255);
    assert_int_equal(echo(self, datagram, IPPROTO_IP, IP_TTL, 256), -EINVAL);
    assert_int_equal(echo(self, datagram, IPPROTO_IP, IP_TTL, -1), 64);
    assert_int_equal(echo(self, datagram, IPPROTO_IP, IP_TOS, 257), 1);
    assert_int_equal(echo(self, stream, IPPROTO_IP, IP_TOS, 255), 252);
    assert_int_equal(echo(self, datagram, IPPROTO_IPV6, IPV6_TCLASS, 255), 255);
    assert_int_equal(echo(self, datagram, IPPROTO_IPV6, IPV6_TCLASS, 256), -EINVAL);
    assert_int_equal(echo(self, stream, IPPROTO_IPV6, IPV6_TCLASS, 255), 252);
    assert_int_equal(echo(self, datagram, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 0), 0);
    assert_int_equal(echo(self, datagram, IPPROTO_IPV6, IPV6_UNICAST_HOPS, -1), 64);
    assert_int_equal(echo(self, datagram, IPPROTO_IPV6, IPV6_UNICAST_HOPS, -2), -EINVAL);
    assert_int_equal(echo(self, datagram, SOL_SOCKET, SO_PRIORITY, -5), -5);
}

static void lingering_is_remembered(void **state)
{
    simulated *self = *state;
    const int socket = simulated_socket(self->here, AF_INET, SOCK_STREAM);
    struct linger value = { 7, 3 };
    socklen_t size = sizeof(value);

    assert_int_equal(set_bytes(self, socket, SOL_SOCKET, SO_LINGER, &value, 7), -EINVAL);
    assert_int_equal(set_bytes(self, socket, SOL_SOCKET, SO_LINGER, &value, 8), 0);
    assert_int_equal(
        self->here->get_option(self->here, socket, SOL_SOCKET, SO_LINGER, &value, &size), 0);
    assert_int_equal(size, 8);
    assert_int_equal(value.l_onoff, 1);
    assert_int_equal(value.l_linger, 3);
}

static void limits_of_time_are_remembered_apart(void **state)
{
    simulated *self = *state;
    const int socket = simulated_socket(self->here, AF_INET, SOCK_STREAM);
    struct timeval value = { 5, 999999 }, told = { 1, 1 };
    socklen_t size = sizeof(told);

    assert_int_equal(set_bytes(self, socket, SOL_SOCKET, SO_SNDTIMEO, &value, 15), -EINVAL);
    assert_int_equal(set_bytes(self, socket, SOL_SOCKET, SO_SNDTIMEO, &value, 16), 0);
    assert_int_equal(
        self->here->get_option(self->here, socket, SOL_SOCKET, SO_RCVTIMEO, &told, &size), 0);
    assert_int_equal(told.tv_sec, 0);
    assert_int_equal(
        self->here->get_option(self->here, socket, SOL_SOCKET, SO_SNDTIMEO, &told, &size), 0);
    assert_int_equal(told.tv_sec, 5);
    assert_int_equal(told.tv_usec, 999999);
    value.tv_usec = 1000000;
    assert_int_equal(set_bytes(self, socket, SOL_SOCKET, SO_SNDTIMEO, &value, 16), -EDOM);
}

static void devices_are_none(void **state)
{
    simulated *self = *state;
    const int socket = simulated_socket(self->here, AF_INET, SOCK_STREAM);

    assert_int_equal(set_bytes(self, socket, SOL_SOCKET, SO_BINDTODEVICE, "eth0", 5), -ENODEV);
    assert_int_equal(set_bytes(self, socket, SOL_SOCKET, SO_BINDTODEVICE, "", 0), 0);
}

static void wrong_sizes_are_invalid(void **state)
{
    simulated *self = *state;
    const int socket = simulated_socket(self->here, AF_INET6, SOCK_STREAM);
    const int one = 1;

    assert_int_equal(set_bytes(self, socket, SOL_SOCKET, SO_REUSEADDR, &one, 3), -EINVAL);
    assert_int_equal(set_bytes(self, socket, SOL_SOCKET, SO_REUSEADDR, &one, 4), 0);
    assert_int_equal(set_bytes(self, socket, SOL_SOCKET, 9999, &one, 3), -EINVAL);
    assert_int_equal(set_bytes(self, socket, IPPROTO_IPV6, IPV6_V6ONLY, &one, 3), -EINVAL);
    assert_int_equal(set_bytes(self, socket, IPPROTO_IP, IP_TTL, &one, 0), -EINVAL);
    assert_int_equal(set_bytes(self, socket, IPPROTO_IP, IP_TTL, &one, 1), 0);
}

static void small_places_get_what_fits(void **state)
{
    simulated *self = *state;
    const int socket = simulated_socket(self->here, AF_INET6, SOCK_STREAM);
    uint8_t bytes[8];
    socklen_t size = 2;

    memset(bytes, 0xee, sizeof(bytes));
    assert_int_equal(
        self->here->get_option(self->here, socket, SOL_SOCKET, SO_DOMAIN, bytes, &size), 0);
    assert_int_equal(size, 2);
    assert_int_equal(bytes[0], AF_INET6);
    assert_int_equal(bytes[2], 0xee);
    size = 3;
    assert_int_equal(self->here->get_option(self->here, socket, IPPROTO_IP, IP_TTL, bytes, &size),
                     0);
    assert_int_equal(size, 1);
    assert_int_equal(bytes[0], 64);
    size = sizeof(bytes);
    assert_int_equal(self->here->get_option(self->here, socket, IPPROTO_IP, IP_TTL, bytes, &size),
                     0);
    assert_int_equal(size, 4);
}

static void unknown_options_and_levels_are_told(void **state)
{
    simulated *self = *state;
    const int v4 = simulated_socket(self->here, AF_INET, SOCK_DGRAM);
    const int v6 = simulated_socket(self->here, AF_INET6, SOCK_DGRAM);
    const int local = simulated_socket(self->here, AF_UNIX, SOCK_DGRAM);

    assert_int_equal(simulated_set(self->here, v4, SOL_SOCKET, 9999, 1), -ENOPROTOOPT);
    assert_int_equal(get_error(self, v4, SOL_SOCKET, 9999), -ENOPROTOOPT);
    assert_int_equal(simulated_set(self->here, v4, IPPROTO_IP, 999, 1), -ENOPROTOOPT);
    assert_int_equal(simulated_set(self->here, v4, IPPROTO_IPV6, IPV6_V6ONLY, 1), -ENOPROTOOPT);
    assert_int_equal(get_error(self, v4, IPPROTO_IPV6, IPV6_V6ONLY), -EOPNOTSUPP);
    assert_int_equal(simulated_set(self->here, v6, 12345, 1, 1), -ENOPROTOOPT);
    assert_int_equal(get_error(self, v6, 12345, 1), -ENOPROTOOPT);
    assert_int_equal(simulated_set(self->here, local, IPPROTO_IP, IP_TTL, 1), -EOPNOTSUPP);
    assert_int_equal(get_error(self, local, IPPROTO_IP, IP_TTL), -EOPNOTSUPP);
    assert_int_equal(simulated_set(self->here, local, SOL_SOCKET, SO_REUSEPORT, 1), -EOPNOTSUPP);
}

static void accepted_sockets_have_their_listeners_options(void **state)
{
    simulated *self = *state;
    const int listener = simulated_bound(self->here, SOCK_STREAM, HERE, 7000);
    const int client = simulated_socket(self->there, AF_INET, SOCK_STREAM);
    int accepted;

    assert_int_equal(simulated_set(self->here, listener, IPPROTO_IP, IP_TTL, 9), 0);
    assert_int_equal(simulated_set(self->here, listener, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    assert_int_equal(simulated_set(self->here, listener, SOL_SOCKET, SO_SNDBUF, 5000), 0);
    assert_int_equal(self->here->listen(self->here, listener, 5), 0);
    assert_int_equal(simulated_connect(self->there, client, HERE, 7000), -EINPROGRESS);
    simulated_settle(self);
    accepted = self->here->accept(self->here, listener, NULL, NULL);
    assert_true(accepted >= 0);
    assert_int_equal(simulated_get(self->here, accepted, IPPROTO_IP, IP_TTL), 9);
    assert_int_equal(simulated_get(self->here, accepted, SOL_SOCKET, SO_REUSEADDR), 1);
    assert_int_equal(simulated_get(self->here, accepted, SOL_SOCKET, SO_SNDBUF), 10000);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, simulated_open, simulated_close)
    const struct CMUnitTest tests[] = {
        CASE(sockets_tell_what_they_are),
        CASE(listening_is_told),
        CASE(errors_are_told_once),
        CASE(buffers_are_told_doubled_and_not_too_small),
        CASE(flags_are_one_or_zero),
        CASE(both_families_are_settled_before_binding),
        CASE(numbers_have_bounds),
        CASE(lingering_is_remembered),
        CASE(limits_of_time_are_remembered_apart),
        CASE(devices_are_none),
        CASE(wrong_sizes_are_invalid),
        CASE(small_places_get_what_fits),
        CASE(unknown_options_and_levels_are_told),
        CASE(accepted_sockets_have_their_listeners_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
