/* Options that all sockets share: what the kernel is told, limits, and that none is ignored where
 * it does not belong. */
#include <wherry/socket.h>

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/host.h"
#include "support/net.h"
#include "support/process.h"
#include "support/simulated.h"

static wherry_system *faulty(void **state)
{
    return wherry_faulty_system(((net *)*state)->system);
}

static int get(int descriptor, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof(value);

    assert_int_equal(getsockopt(descriptor, level, name, &value, &size), 0);
    return value;
}

static const wherry_socket_options many = {
    .send_buffer = 20000,
    .receive_buffer = 30000,
    .dscp = 46,
    .hop_limit = 33,
    .keepalive_idle = WHERRY_SECONDS(11),
    .keepalive_interval = WHERRY_SECONDS(7),
    .keepalive_count = 5,
    .user_timeout = WHERRY_MILLISECONDS(1234),
};

/* What the kernel has of these. */
static void check_many(int descriptor, bool is_v6)
{
    assert_true(get(descriptor, SOL_SOCKET, SO_SNDBUF) >= 20000);
    assert_true(get(descriptor, SOL_SOCKET, SO_RCVBUF) >= 30000);
    assert_int_equal(get(descriptor, IPPROTO_IP, IP_TOS) & ~3, 46 << 2);
    assert_int_equal(get(descriptor, IPPROTO_IP, IP_TTL), 33);
    if (is_v6) {
        assert_int_equal(get(descriptor, IPPROTO_IPV6, IPV6_TCLASS) & ~3, 46 << 2);
        assert_int_equal(get(descriptor, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 33);
    }
    assert_int_equal(get(descriptor, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(get(descriptor, IPPROTO_TCP, TCP_KEEPIDLE), 11);
    assert_int_equal(get(descriptor, IPPROTO_TCP, TCP_KEEPINTVL), 7);
    assert_int_equal(get(descriptor, IPPROTO_TCP, TCP_KEEPCNT), 5);
    assert_int_equal(get(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT), 1234);
}

static void kernel_is_told_each_of_them(void **state)
{
    for (net_kind kind = NET_TCP4; kind <= NET_TCP6; kind++) {
        int ends[2];

        net_pair(kind, ends);
        assert_int_equal(wherry_socket_set_with(faulty(state), ends[0], &many), WHERRY_OK);
        check_many(ends[0], kind == NET_TCP6);
        assert_int_equal(get(ends[1], SOL_SOCKET, SO_KEEPALIVE), 0);
        assert_int_equal(close(ends[0]), 0);
        assert_int_equal(close(ends[1]), 0);
    }
}

static void sizes_of_buffers_are_what_the_kernel_really_gave(void **state)
{
    int ends[2];
    size_t send = 0, receive = 0;

    for (net_kind kind = 0; kind < NET_KINDS; kind++) {
        net_pair(kind, ends);
        assert_int_equal(
            wherry_socket_set(faulty(state), ends[0], .send_buffer = 1, .receive_buffer = 50000),
            WHERRY_OK);
        assert_int_equal(wherry_socket_buffers(faulty(state), ends[0], &send, &receive), WHERRY_OK);
        assert_int_equal(send, get(ends[0], SOL_SOCKET, SO_SNDBUF));
        assert_int_equal(receive, get(ends[0], SOL_SOCKET, SO_RCVBUF));
        assert_true(send > 1); /* the kernel's least */
        assert_true(receive >= 50000);
        assert_int_equal(close(ends[0]), 0);
        assert_int_equal(wherry_socket_buffers(faulty(state), ends[0], &send, &receive),
                         WHERRY_E_INVALID);
        assert_int_equal(close(ends[1]), 0);
    }
}

static void any_time_of_keepalive_switches_it_on(void **state)
{
    const wherry_socket_options one_each[] = {
        { .keepalive = 1 },
        { .keepalive_idle = WHERRY_SECONDS(1) },
        { .keepalive_interval = WHERRY_SECONDS(1) },
        { .keepalive_count = 1 },
    };

    for (size_t i = 0; i < sizeof(one_each) / sizeof(one_each[0]); i++) {
        int ends[2];

        net_pair(NET_TCP4, ends);
        assert_int_equal(wherry_socket_set_with(faulty(state), ends[0], &one_each[i]), WHERRY_OK);
        assert_int_equal(get(ends[0], SOL_SOCKET, SO_KEEPALIVE), 1);
        assert_int_equal(close(ends[0]), 0);
        assert_int_equal(close(ends[1]), 0);
    }
}

/* Each at its limits, and one past them: then nothing is set. */
static void limits_are_checked(void **state)
{
    const struct {
        const char *name;
        wherry_socket_options options;
        bool fits;
    } rows[] = {
        { "dscp", { .dscp = 63 }, true },
        { "dscp", { .dscp = 64 }, false },
        { "dscp", { .dscp = -1 }, false },
        { "hop_limit", { .hop_limit = 1 }, true },
        { "hop_limit", { .hop_limit = 255 }, true },
        { "hop_limit", { .hop_limit = 256 }, false },
        { "send_buffer", { .send_buffer = (size_t)1 << 30 }, true },
        { "send_buffer", { .send_buffer = ((size_t)1 << 30) + 1 }, false },
        { "receive_buffer", { .receive_buffer = (size_t)1 << 30 }, true },
        { "receive_buffer", { .receive_buffer = SIZE_MAX }, false },
        { "keepalive_idle", { .keepalive_idle = WHERRY_SECONDS(32767) }, true },
        { "keepalive_idle", { .keepalive_idle = WHERRY_SECONDS(32768) }, false },
        { "keepalive_idle", { .keepalive_idle = WHERRY_SECONDS(1) + 1 }, false },
        { "keepalive_interval", { .keepalive_interval = WHERRY_SECONDS(32767) }, true },
        { "keepalive_interval", { .keepalive_interval = -WHERRY_SECONDS(1) }, false },
        { "keepalive_count", { .keepalive_count = 127 }, true },
        { "keepalive_count", { .keepalive_count = 128 }, false },
        { "user_timeout", { .user_timeout = INT_MAX * WHERRY_MILLISECONDS(1) }, true },
        { "user_timeout", { .user_timeout = (INT64_C(1) << 31) * 1000000 }, false },
        { "user_timeout", { .user_timeout = 999999 }, false },
        { "device", { .device = "" }, false },
        { "device", { .device = "sixteen-bytes-00" }, false },
        { "fast_open", { .fast_open = 1 }, false }, /* too late */
        { "local", { .local = &(wherry_address){ 0 } }, false },
    };
    int ends[2];

    net_pair(NET_TCP4, ends);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char expected[40];
        size_t calls = wherry_faulty_calls(((net *)*state)->system, WHERRY_CALL_SET_OPTION);

        (void)snprintf(expected, sizeof(expected), "option %s:", rows[i].name);
        assert_int_equal(wherry_socket_set_with(faulty(state), ends[0], &rows[i].options),
                         rows[i].fits ? WHERRY_OK : WHERRY_E_MISUSE);
        if (!rows[i].fits) {
            assert_non_null(strstr(wherry_problem(), expected));
            assert_int_equal(wherry_faulty_calls(((net *)*state)->system, WHERRY_CALL_SET_OPTION),
                             calls);
        }
    }
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
}

/* The kernel takes most of these without a word. */
static void what_does_not_go_with_a_socket_is_refused_by_name(void **state)
{
    static const struct {
        const char *name;
        wherry_socket_options options;
        bool also_udp;
    } rows[] = {
        { "dscp", { .dscp = 1 }, false },
        { "hop_limit", { .hop_limit = 1 }, false },
        { "mark", { .mark = 1 }, false },
        { "device", { .device = "lo" }, false },
        { "keepalive", { .keepalive = 1 }, true },
        { "keepalive", { .keepalive_idle = WHERRY_SECONDS(1) }, true },
        { "user_timeout", { .user_timeout = WHERRY_SECONDS(1) }, true },
    };
    int local = socket(AF_UNIX, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char expected[40];

        (void)snprintf(expected, sizeof(expected), "option %s:", rows[i].name);
        assert_int_equal(wherry_socket_set_with(faulty(state), local, &rows[i].options),
                         WHERRY_E_UNSUPPORTED);
        assert_non_null(strstr(wherry_problem(), expected));
        if (rows[i].also_udp)
            assert_int_equal(wherry_socket_set_with(faulty(state), udp, &rows[i].options),
                             WHERRY_E_UNSUPPORTED);
    }
    assert_int_equal(wherry_socket_set(faulty(state), udp, .dscp = 10, .hop_limit = 9), WHERRY_OK);
    assert_int_equal(get(udp, IPPROTO_IP, IP_TTL), 9);
    assert_int_equal(close(local), 0);
    assert_int_equal(wherry_socket_set(faulty(state), local, .dscp = 10), WHERRY_E_INVALID);
    assert_int_equal(close(udp), 0);
}

static void what_the_system_refuses_is_told_by_name(void **state)
{
    static const struct {
        int number, code;
    } rows[] = {
        { ENOPROTOOPT, WHERRY_E_UNSUPPORTED },
        { EOPNOTSUPP, WHERRY_E_UNSUPPORTED },
        { EPERM, WHERRY_E_NO_PERMISSION },
        { ENODEV, WHERRY_E_NOT_FOUND },
    };
    net *world = *state;
    int ends[2];

    net_pair(NET_TCP4, ends);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wherry_faulty_plan(world->system, WHERRY_CALL_SET_OPTION, .number = rows[i].number,
                           .count = 1);
        assert_int_equal(wherry_socket_set(faulty(state), ends[0], .mark = 7), rows[i].code);
        assert_non_null(strstr(wherry_problem(), "option mark: "));
        wherry_faulty_plan(world->system, WHERRY_CALL_SET_OPTION, .number = rows[i].number,
                           .count = 1);
        assert_int_equal(wherry_socket_set(faulty(state), ends[0], .device = "lo"), rows[i].code);
        assert_non_null(strstr(wherry_problem(), "option device: "));
    }
    assert_int_equal(wherry_socket_set(faulty(state), ends[0], .device = "no-such-device"),
                     WHERRY_E_NOT_FOUND);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
}

static void mark_and_device_reach_the_kernel(void **state)
{
    char name[32] = "";
    socklen_t size = sizeof(name);
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    int result = wherry_socket_set(faulty(state), descriptor, .mark = 0x80000001u, .device = "lo");

    if (result == WHERRY_OK) {
        assert_int_equal((unsigned)get(descriptor, SOL_SOCKET, SO_MARK), 0x80000001u);
        assert_int_equal(getsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, name, &size), 0);
        assert_string_equal(name, "lo");
    }
    assert_int_equal(close(descriptor), 0);
    if (result == WHERRY_E_NO_PERMISSION)
        process_skip("marks need CAP_NET_ADMIN");
    assert_int_equal(result, WHERRY_OK);
}

/* --- where they are given */

static void connection_begins_with_its_options(void **state)
{
    for (net_kind kind = NET_TCP4; kind <= NET_TCP6; kind++) {
        wherry_address address;
        int listener = net_listen(kind, 1, &address), descriptor = -1;

        assert_true(wherry_socket_connect_with(faulty(state), &descriptor, &address, &many) >= 0);
        check_many(descriptor, kind == NET_TCP6);
        wherry_socket_close(faulty(state), descriptor);
        assert_int_equal(wherry_socket_connect(faulty(state), &descriptor, &address, .dscp = 64),
                         WHERRY_E_MISUSE);
        assert_int_equal(close(listener), 0);
    }
}

static void connection_comes_from_the_local_address(void **state)
{
    wherry_address address, local, remote;
    wherry_address unix_name = { .family = WHERRY_FAMILY_UNIX, .length = 1, .at.path = "x" };
    int listener = net_listen(NET_TCP4, 1, &address), descriptor = -1, accepted;

    net_any_address(NET_TCP4, &local);
    local.at.ipv4[3] = 9; /* all of 127/8 is here */
    assert_true(wherry_socket_connect(faulty(state), &descriptor, &address, .local = &local) >= 0);
    accepted = accept(listener, NULL, NULL);
    wherry_socket_remote(faulty(state), accepted, &remote);
    assert_memory_equal(remote.at.ipv4, local.at.ipv4, 4);
    wherry_socket_close(faulty(state), descriptor);
    assert_int_equal(close(accepted), 0);
    local.at.ipv4[0] = 192; /* RFC 5737: nobody's */
    local.at.ipv4[2] = 2;
    assert_int_equal(wherry_socket_connect(faulty(state), &descriptor, &address, .local = &local),
                     WHERRY_E_NO_ADDRESS);
    assert_non_null(strstr(wherry_problem(), "option local: 192."));
    assert_int_equal(
        wherry_socket_connect(faulty(state), &descriptor, &address, .local = &unix_name),
        WHERRY_E_MISUSE);
    assert_int_equal(close(listener), 0);
}

static void fast_open_is_told_to_the_kernel(void **state)
{
    wherry_address address;
    int listener = -1, descriptor = -1, result;

    net_any_address(NET_TCP4, &address);
    assert_int_equal(wherry_socket_listen(faulty(state), &listener, &address,
                                          .socket = &(wherry_socket_options){ .fast_open = 16 }),
                     WHERRY_OK);
    assert_int_equal(get(listener, IPPROTO_TCP, TCP_FASTOPEN), 16);
    wherry_socket_local(faulty(state), listener, &address);
    result = wherry_socket_connect(faulty(state), &descriptor, &address, .fast_open = 1);
    assert_true(result >= 0 || result == WHERRY_E_UNSUPPORTED); /* switched off in the kernel */
    if (result >= 0)
        assert_int_equal(get(descriptor, IPPROTO_TCP, TCP_FASTOPEN_CONNECT), 1);
    wherry_socket_close(faulty(state), result >= 0 ? descriptor : -1);
    assert_int_equal(wherry_socket_connect(faulty(state), &descriptor, &address, .fast_open = 2),
                     WHERRY_E_MISUSE);
    wherry_socket_close(faulty(state), listener);
}

/* Accepted by a listener, connected by a stream, brought along. */
static void streams_have_the_options_they_are_given(void **state)
{
    net *world = *state;
    host self;
    wherry_stream *stream = NULL;
    recorder told;
    int ends[2];

    host_init(&self, world);
    net_any_address(NET_TCP4, &self.address);
    assert_int_equal(wherry_listener_new(&self.listener, .loop = world->loop,
                                         .address = &self.address, .events = &self.events,
                                         .socket = &many),
                     WHERRY_OK);
    wherry_listener_address(self.listener, &self.address);
    recorder_init(&told);
    assert_int_equal(wherry_stream_connect(&stream, &self.address, WHERRY_NOW, .loop = world->loop,
                                           .events = &told.events, .socket = &many),
                     WHERRY_OK);
    NET_UNTIL(world, self.count == 1);
    check_many(wherry_stream_descriptor(stream), false);
    check_many(wherry_stream_descriptor(self.streams[0]), false);
    wherry_stream_free(stream);
    net_pair(NET_TCP6, ends);
    assert_int_equal(
        wherry_stream_new(&stream, .loop = world->loop, .descriptor = ends[0], .socket = &many),
        WHERRY_OK);
    check_many(ends[0], true);
    wherry_stream_free(stream);
    assert_int_equal(close(ends[1]), 0);
    recorder_clear(&told);
    host_close(&self);
}

static void accepted_unix_streams_have_the_buffers_of_the_listener(void **state)
{
    net *world = *state;
    const wherry_socket_options buffers = { .send_buffer = 20000, .receive_buffer = 30000 };
    host self;
    int client;

    host_init(&self, world);
    net_any_address(NET_UNIX, &self.address);
    assert_int_equal(wherry_listener_new(&self.listener, .loop = world->loop,
                                         .address = &self.address, .events = &self.events,
                                         .socket = &buffers),
                     WHERRY_OK);
    client = net_dial(&self.address);
    NET_UNTIL(world, self.count == 1);
    assert_int_equal(get(wherry_stream_descriptor(self.streams[0]), SOL_SOCKET, SO_SNDBUF), 40000);
    assert_int_equal(get(wherry_stream_descriptor(self.streams[0]), SOL_SOCKET, SO_RCVBUF), 60000);
    assert_int_equal(close(client), 0);
    host_close(&self);
}

static void options_in_the_wrong_place_are_refused_by_name(void **state)
{
    net *world = *state;
    const wherry_stream_options with_socket = { .socket = &many };
    wherry_stream *stream = NULL;
    wherry_listener *listener = NULL;
    wherry_address address;
    recorder told;
    int pipes[2];

    recorder_init(&told);
    net_any_address(NET_TCP4, &address);
    assert_int_equal(wherry_listener_new(&listener, .loop = world->loop, .address = &address,
                                         .stream = &with_socket),
                     WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "socket"));
    assert_int_equal(wherry_listener_new(&listener, .loop = world->loop, .address = &address,
                                         .socket = &(wherry_socket_options){ .local = &address }),
                     WHERRY_E_MISUSE);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(
        wherry_stream_new(&stream, .loop = world->loop, .descriptor = pipes[0], .socket = &many),
        WHERRY_E_UNSUPPORTED);
    assert_int_equal(close(pipes[0]), 0);
    assert_int_equal(close(pipes[1]), 0);
    address.port = 9;
    assert_int_equal(wherry_stream_connect(&stream, &address, WHERRY_NOW, .loop = world->loop,
                                           .events = &told.events,
                                           .socket = &(wherry_socket_options){ .hop_limit = 256 }),
                     WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "option hop_limit"));
    recorder_clear(&told);
}

static void listener_of_a_descriptor_refuses_what_would_set_it_up(void **state)
{
    net *world = *state;
    const struct {
        const char *name;
        wherry_listener_options options;
    } rows[] = {
        { "backlog", { .backlog = 1 } },
        { "no_reuse_address", { .no_reuse_address = 1 } },
        { "reuse_port", { .reuse_port = 1 } },
        { "socket", { .socket = &many } },
    };
    wherry_address address;
    wherry_listener *listener = NULL;
    int descriptor = -1;

    net_any_address(NET_TCP4, &address);
    assert_int_equal(wherry_socket_listen(faulty(state), &descriptor, &address), WHERRY_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wherry_listener_options options = rows[i].options;
        char expected[40];

        (void)snprintf(expected, sizeof(expected), "option %s:", rows[i].name);
        options.result = &listener;
        options.loop = world->loop;
        options.descriptor = descriptor;
        assert_int_equal(wherry_listener_new_with(&options), WHERRY_E_MISUSE);
        assert_non_null(strstr(wherry_problem(), expected));
    }
    assert_null(listener);
    wherry_socket_close(faulty(state), descriptor);
}

/* --- simulated */

static void simulated_sockets_have_them_too(void **state)
{
    simulated *self = *state;
    wherry_address address, local;
    int listener = -1, client = -1;
    size_t send, receive;

    assert_int_equal(wherry_address_parse(&address, "10.0.0.2:7000", 13), WHERRY_OK);
    assert_int_equal(wherry_address_parse(&local, "10.0.0.1:4000", 13), WHERRY_OK);
    assert_int_equal(wherry_socket_listen(self->there, &listener, &address, .socket = &many),
                     WHERRY_OK);
    assert_int_equal(simulated_get(self->there, listener, IPPROTO_TCP, TCP_KEEPIDLE), 11);
    assert_int_equal(wherry_socket_connect(self->here, &client, &address, .local = &local,
                                           .dscp = 46, .mark = 9, .hop_limit = 33,
                                           .keepalive_count = 5, .receive_buffer = 30000,
                                           .user_timeout = WHERRY_SECONDS(3)),
                     1);
    assert_int_equal(simulated_port(self->here, client), 4000);
    assert_int_equal(simulated_get(self->here, client, IPPROTO_IP, IP_TOS), 46 << 2);
    assert_int_equal(simulated_get(self->here, client, SOL_SOCKET, SO_MARK), 9);
    assert_int_equal(simulated_get(self->here, client, IPPROTO_IP, IP_TTL), 33);
    assert_int_equal(simulated_get(self->here, client, IPPROTO_TCP, TCP_KEEPCNT), 5);
    assert_int_equal(simulated_get(self->here, client, IPPROTO_TCP, TCP_USER_TIMEOUT), 3000);
    assert_int_equal(wherry_socket_buffers(self->here, client, &send, &receive), WHERRY_OK);
    assert_int_equal(receive, 60000);
    wherry_socket_close(self->here, client);
    assert_int_equal(wherry_socket_connect(self->here, &client, &address, .fast_open = 1),
                     WHERRY_E_UNSUPPORTED);
    assert_non_null(strstr(wherry_problem(), "option fast_open: "));
    assert_int_equal(wherry_socket_connect(self->here, &client, &address, .device = "eth0"),
                     WHERRY_E_NOT_FOUND);
    wherry_socket_close(self->there, listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(kernel_is_told_each_of_them),
        NET_TEST(sizes_of_buffers_are_what_the_kernel_really_gave),
        NET_TEST(any_time_of_keepalive_switches_it_on),
        NET_TEST(limits_are_checked),
        NET_TEST(what_does_not_go_with_a_socket_is_refused_by_name),
        NET_TEST(what_the_system_refuses_is_told_by_name),
        NET_TEST(mark_and_device_reach_the_kernel),
        NET_TEST(connection_begins_with_its_options),
        NET_TEST(connection_comes_from_the_local_address),
        NET_TEST(fast_open_is_told_to_the_kernel),
        NET_TEST(streams_have_the_options_they_are_given),
        NET_TEST(accepted_unix_streams_have_the_buffers_of_the_listener),
        NET_TEST(options_in_the_wrong_place_are_refused_by_name),
        NET_TEST(listener_of_a_descriptor_refuses_what_would_set_it_up),
    };
    const struct CMUnitTest simulated_tests[] = {
        cmocka_unit_test_setup_teardown(simulated_sockets_have_them_too, simulated_open,
                                        simulated_close),
    };

    net_use(wherry_system_epoll());
    return cmocka_run_group_tests(tests, NULL, NULL) +
           cmocka_run_group_tests(simulated_tests, NULL, NULL);
}
