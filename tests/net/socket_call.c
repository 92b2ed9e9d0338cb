/* The public calls on plain descriptors, on the kernel and on simulated hosts: connecting,
 * listening, accepting, receiving, sending, and the pending error. */
#include <wherry/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/host.h"
#include "support/net.h"
#include "support/simulated.h"

#define NOT_OPEN 999999

static const net_kind kinds[] = { NET_TCP4, NET_TCP6, NET_UNIX };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static wherry_system *faulty(void **state)
{
    return wherry_faulty_system(((net *)*state)->system);
}

/* A factory that counts, and a connection that it makes. */
typedef struct maker {
    wherry_socket_factory factory; /* first */
    size_t count;
    int descriptor;
    wherry_address remote;
    void *server;
    wherry_socket_closer *closer;
    void *answer; /* NULL: it wants none */
} maker;

static void *make(wherry_socket_factory *factory, int descriptor, const wherry_address *remote,
                  void *server, wherry_socket_closer *closer)
{
    maker *self = (maker *)factory;

    self->count++;
    self->descriptor = descriptor;
    self->remote = *remote;
    self->server = server;
    self->closer = closer;
    return self->answer;
}

static maker make_maker(void *answer)
{
    return (maker){ .factory.make = make, .descriptor = -1, .answer = answer };
}

static int listen_at(wherry_system *system, net_kind kind, wherry_address *address)
{
    int descriptor = -1;

    net_any_address(kind, address);
    assert_int_equal(wherry_socket_listen(system, &descriptor, address, .backlog = 5), WHERRY_OK);
    wherry_socket_local(system, descriptor, address);
    return descriptor;
}

static void unlisten(wherry_system *system, int descriptor, const wherry_address *address)
{
    wherry_socket_close(system, descriptor);
    if (net_exists(address))
        assert_int_equal(unlink(address->at.path), 0);
}

static int option(int descriptor, int level, int name)
{
    int value = 0;
    socklen_t size = sizeof(value);

    assert_int_equal(getsockopt(descriptor, level, name, &value, &size), 0);
    return value;
}

/* The kernel tells in its own time; wherry has no call that waits for one descriptor. */
static int outcome(wherry_system *system, int descriptor)
{
    int result;

    do
        result = wherry_socket_connected(system, descriptor);
    while (result == WHERRY_E_WOULD_BLOCK);
    return result;
}

/* --- connecting */

static void connection_is_there_at_once_or_on_its_way(void **state)
{
    for (size_t i = 0; i < KINDS; i++) {
        wherry_address address, remote;
        int listener = listen_at(faulty(state), kinds[i], &address);
        int descriptor = -1;
        int result = wherry_socket_connect(faulty(state), &descriptor, &address);

        assert_true(result == (kinds[i] == NET_UNIX ? WHERRY_OK : 1) ||
                    (kinds[i] != NET_UNIX && result == WHERRY_OK));
        assert_true((fcntl(descriptor, F_GETFL) & O_NONBLOCK) != 0);
        assert_true((fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0);
        assert_int_equal(outcome(faulty(state), descriptor), WHERRY_OK);
        wherry_socket_remote(faulty(state), descriptor, &remote);
        assert_true(wherry_address_equal(&remote, &address));
        if (kinds[i] != NET_UNIX)
            assert_int_equal(option(descriptor, IPPROTO_TCP, TCP_NODELAY), 1);
        wherry_socket_close(faulty(state), descriptor);
        unlisten(faulty(state), listener, &address);
    }
}

static void refused_connection_leaves_nothing(void **state)
{
    for (size_t i = 0; i < KINDS; i++) {
        wherry_address address;
        int descriptor = -1;
        int result;

        net_vacant(kinds[i], &address);
        result = wherry_socket_connect(faulty(state), &descriptor, &address);
        if (result == 1) {
            result = outcome(faulty(state), descriptor);
            wherry_socket_close(faulty(state), descriptor);
        } else {
            assert_int_equal(descriptor, -1);
        }
        assert_int_equal(result, kinds[i] == NET_UNIX ? WHERRY_E_NOT_FOUND : WHERRY_E_REFUSED);
        assert_non_null(strstr(wherry_problem(), "connecting"));
    }
}

static void each_failure_of_connect_has_its_code(void **state)
{
    static const struct {
        int number, code;
    } rows[] = {
        { ECONNREFUSED, WHERRY_E_REFUSED },     { EHOSTUNREACH, WHERRY_E_UNREACHABLE },
        { ENETUNREACH, WHERRY_E_UNREACHABLE },  { EINVAL, WHERRY_E_UNREACHABLE },
        { EACCES, WHERRY_E_PROHIBITED },        { EPERM, WHERRY_E_PROHIBITED },
        { EADDRNOTAVAIL, WHERRY_E_NO_ADDRESS }, { ETIMEDOUT, WHERRY_E_TIMED_OUT },
        { ENOBUFS, WHERRY_E_NO_BUFFERS },
    };
    net *world = *state;
    wherry_address address;
    int descriptor = -1;

    net_vacant(NET_TCP4, &address);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = rows[i].number,
                           .count = 1);
        assert_int_equal(wherry_socket_connect(faulty(state), &descriptor, &address), rows[i].code);
        assert_int_equal(descriptor, -1);
        assert_non_null(strstr(wherry_problem(), "connecting to 127.0.0.1:"));
    }
    wherry_faulty_plan(world->system, WHERRY_CALL_SOCKET, .number = EMFILE, .count = 1);
    assert_int_equal(wherry_socket_connect(faulty(state), &descriptor, &address),
                     WHERRY_E_NO_DESCRIPTORS);
}

static void interrupted_connect_goes_on(void **state)
{
    net *world = *state;
    wherry_address address;
    int listener = listen_at(faulty(state), NET_TCP4, &address);
    int descriptor = -1;

    wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = EINTR, .made = 1, .count = 1);
    assert_int_equal(wherry_socket_connect(faulty(state), &descriptor, &address), 1);
    assert_int_equal(outcome(faulty(state), descriptor), WHERRY_OK);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CONNECT), 1);
    wherry_socket_close(faulty(state), descriptor);
    unlisten(faulty(state), listener, &address);
}

static void what_is_no_address_is_refused(void **state)
{
    wherry_address none = { .family = WHERRY_FAMILY_NONE };
    wherry_address port_0 = { .family = WHERRY_FAMILY_IPV4, .at.ipv4 = { 127, 0, 0, 1 } };
    int descriptor = -1;

    assert_int_equal(wherry_socket_connect(faulty(state), &descriptor, &none), WHERRY_E_INVALID);
    assert_int_equal(wherry_socket_connect(faulty(state), &descriptor, &port_0), WHERRY_E_INVALID);
    assert_int_equal(wherry_socket_connect(faulty(state), &descriptor, NULL), WHERRY_E_INVALID);
    port_0.port = 1;
    assert_int_equal(wherry_socket_connect(faulty(state), NULL, &port_0), WHERRY_E_MISUSE);
    assert_int_equal(wherry_socket_listen(faulty(state), &descriptor, &none), WHERRY_E_MISUSE);
    assert_int_equal(wherry_socket_listen(faulty(state), NULL, &port_0), WHERRY_E_MISUSE);
    assert_int_equal(wherry_socket_listen(faulty(state), &descriptor, &port_0, .backlog = -1),
                     WHERRY_E_MISUSE);
    assert_int_equal(descriptor, -1);
    assert_int_equal(wherry_socket_connected(faulty(state), NOT_OPEN), WHERRY_E_INVALID);
}

/* --- listening */

static void listening_socket_is_as_servers_need_it(void **state)
{
    for (size_t i = 0; i < KINDS; i++) {
        wherry_address address;
        int listener = listen_at(faulty(state), kinds[i], &address);

        assert_true((fcntl(listener, F_GETFL) & O_NONBLOCK) != 0);
        assert_int_equal(option(listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
        if (kinds[i] != NET_UNIX) {
            assert_int_not_equal(address.port, 0);
            assert_int_equal(option(listener, SOL_SOCKET, SO_REUSEADDR), 1);
        }
        if (kinds[i] == NET_TCP6)
            assert_int_equal(option(listener, IPPROTO_IPV6, IPV6_V6ONLY), 1);
        unlisten(faulty(state), listener, &address);
    }
}

static void address_can_be_kept_from_being_used_again(void **state)
{
    wherry_address address;
    int descriptor = -1;

    net_any_address(NET_TCP4, &address);
    assert_int_equal(wherry_socket_listen(faulty(state), &descriptor, &address,
                                          .no_reuse_address = 1, .reuse_port = 1),
                     WHERRY_OK);
    assert_int_equal(option(descriptor, SOL_SOCKET, SO_REUSEADDR), 0);
    assert_int_equal(option(descriptor, SOL_SOCKET, SO_REUSEPORT), 1);
    wherry_socket_close(faulty(state), descriptor);
}

static void backlog_is_the_one_given(void **state)
{
    wherry_address address;
    int clients[4], listener = -1;
    int result = WHERRY_OK;
    size_t count = 0;

    net_any_address(NET_UNIX, &address);
    assert_int_equal(wherry_socket_listen(faulty(state), &listener, &address, .backlog = 1),
                     WHERRY_OK);
    while (result == WHERRY_OK && count < 4) {
        result = wherry_socket_connect(faulty(state), &clients[count], &address);
        count += result == WHERRY_OK;
    }
    assert_int_equal(result, WHERRY_E_WOULD_BLOCK); /* and one more than the backlog is taken */
    assert_int_equal(count, 2);
    while (count-- > 0)
        wherry_socket_close(faulty(state), clients[count]);
    unlisten(faulty(state), listener, &address);
}

static void address_in_use_is_told(void **state)
{
    for (size_t i = 0; i < KINDS; i++) {
        wherry_address address;
        int listener = listen_at(faulty(state), kinds[i], &address);
        int second = -1;

        assert_int_equal(wherry_socket_listen(faulty(state), &second, &address),
                         WHERRY_E_ADDRESS_IN_USE);
        assert_int_equal(second, -1);
        assert_non_null(strstr(wherry_problem(), "listening on "));
        unlisten(faulty(state), listener, &address);
    }
}

/* --- accepting */

static void factory_makes_what_accept_returns(void **state)
{
    wherry_socket_closer closer = { .close = NULL };
    char server[] = "state", connection[] = "made";

    for (size_t i = 0; i < KINDS; i++) {
        maker self = make_maker(connection);
        wherry_address address, local;
        int listener = listen_at(faulty(state), kinds[i], &address);
        int client = -1;
        void *made = NULL;

        assert_int_equal(
            wherry_socket_accept(faulty(state), listener, &self.factory, server, &closer, &made),
            WHERRY_E_WOULD_BLOCK);
        assert_null(made);
        assert_true(wherry_socket_connect(faulty(state), &client, &address) >= 0);
        assert_int_equal(outcome(faulty(state), client), WHERRY_OK);
        assert_int_equal(
            wherry_socket_accept(faulty(state), listener, &self.factory, server, &closer, &made),
            WHERRY_OK);
        assert_ptr_equal(made, connection);
        assert_int_equal(self.count, 1);
        assert_ptr_equal(self.server, server);
        assert_ptr_equal(self.closer, &closer);
        wherry_socket_local(faulty(state), client, &local);
        assert_true(wherry_address_equal(&self.remote, &local));
        assert_true((fcntl(self.descriptor, F_GETFL) & O_NONBLOCK) != 0);
        if (kinds[i] != NET_UNIX)
            assert_int_equal(option(self.descriptor, IPPROTO_TCP, TCP_NODELAY), 1);
        wherry_socket_close(faulty(state), self.descriptor);
        wherry_socket_close(faulty(state), client);
        unlisten(faulty(state), listener, &address);
    }
}

static void connection_that_the_factory_does_not_want_is_reset(void **state)
{
    maker self = make_maker(NULL);
    wherry_address address;
    int listener = listen_at(faulty(state), NET_TCP4, &address);
    int client = net_dial(&address);
    char byte;

    assert_int_equal(wherry_socket_accept(faulty(state), listener, &self.factory, NULL, NULL, NULL),
                     WHERRY_E_CLOSED);
    assert_int_equal(self.count, 1);
    assert_int_equal(net_take(client, &byte, 1), -ECONNRESET);
    assert_int_equal(close(client), 0);
    wherry_socket_close(faulty(state), listener);
}

static void failures_of_accept_are_of_three_kinds(void **state)
{
    static const struct {
        int number, code;
    } rows[] = {
        { EAGAIN, WHERRY_E_WOULD_BLOCK },    { ECONNABORTED, WHERRY_E_RESET },
        { EPROTO, WHERRY_E_RESET },          { EHOSTUNREACH, WHERRY_E_RESET },
        { EMFILE, WHERRY_E_NO_DESCRIPTORS }, { ENFILE, WHERRY_E_NO_DESCRIPTORS },
        { ENOMEM, WHERRY_E_NO_MEMORY },      { ENOBUFS, WHERRY_E_NO_BUFFERS },
        { ENETRESET, WHERRY_E_SYSTEM },      { EIO, WHERRY_E_SYSTEM },
        { EINVAL, WHERRY_E_INVALID },        { EBADF, WHERRY_E_INVALID },
    };
    net *world = *state;
    maker self = make_maker(state);
    wherry_address address;
    int listener = listen_at(faulty(state), NET_TCP4, &address);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wherry_faulty_plan(world->system, WHERRY_CALL_ACCEPT, .number = rows[i].number, .count = 1);
        assert_int_equal(
            wherry_socket_accept(faulty(state), listener, &self.factory, NULL, NULL, NULL),
            rows[i].code);
    }
    assert_int_equal(self.count, 0);
    assert_int_equal(wherry_socket_accept(faulty(state), listener, NULL, NULL, NULL, NULL),
                     WHERRY_E_MISUSE);
    self.factory.make = NULL;
    assert_int_equal(wherry_socket_accept(faulty(state), listener, &self.factory, NULL, NULL, NULL),
                     WHERRY_E_MISUSE);
    wherry_socket_close(faulty(state), listener);
}

/* --- receiving and sending */

static void receive_gives_up_to_so_many_bytes(void **state)
{
    int ends[2];
    char data[8];

    for (net_kind kind = 0; kind < NET_KINDS; kind++) {
        net_pair(kind, ends); /* they may block, and are not made to */
        assert_int_equal(wherry_socket_receive(faulty(state), ends[0], data, sizeof(data)),
                         WHERRY_E_WOULD_BLOCK);
        net_put(ends[1], "0123456789", 10);
        assert_int_equal(wherry_socket_receive(faulty(state), ends[0], data, sizeof(data)), 8);
        assert_memory_equal(data, "01234567", 8);
        assert_int_equal(wherry_socket_receive(faulty(state), ends[0], data, sizeof(data)), 2);
        assert_int_equal(wherry_socket_receive(faulty(state), ends[0], data, 0), WHERRY_E_MISUSE);
        assert_int_equal(close(ends[1]), 0);
        assert_int_equal(wherry_socket_receive(faulty(state), ends[0], data, sizeof(data)),
                         WHERRY_E_END);
        assert_int_equal(close(ends[0]), 0);
    }
}

static void some_errors_say_not_now_and_all_others_the_end(void **state)
{
    static const struct {
        int number, code;
    } rows[] = {
        { EAGAIN, WHERRY_E_WOULD_BLOCK },  { EWOULDBLOCK, WHERRY_E_WOULD_BLOCK },
        { ENOBUFS, WHERRY_E_WOULD_BLOCK }, { ECONNRESET, WHERRY_E_RESET },
        { ETIMEDOUT, WHERRY_E_TIMED_OUT }, { EHOSTUNREACH, WHERRY_E_UNREACHABLE },
        { ENOMEM, WHERRY_E_NO_MEMORY },    { EIO, WHERRY_E_SYSTEM },
    };
    net *world = *state;
    wherry_bytes bytes = wherry_text("abc");
    int ends[2];
    char data[8];

    net_pair(NET_TCP4, ends);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wherry_faulty_plan(world->system, WHERRY_CALL_RECEIVE, .number = rows[i].number,
                           .count = 1);
        wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = rows[i].number, .count = 1);
        assert_int_equal(wherry_socket_receive(faulty(state), ends[0], data, 8), rows[i].code);
        assert_int_equal(wherry_socket_send(faulty(state), ends[0], &bytes), rows[i].code);
        assert_int_equal(bytes.length, 3);
    }
    wherry_faulty_plan(world->system, WHERRY_CALL_RECEIVE, .number = EINTR, .count = 3);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = EINTR, .count = 3);
    assert_int_equal(wherry_socket_send(faulty(state), ends[0], &bytes), WHERRY_OK);
    assert_int_equal(wherry_socket_receive(faulty(state), ends[1], data, 8), 3);
    assert_int_equal(wherry_socket_receive(faulty(state), NOT_OPEN, data, 8), WHERRY_E_INVALID);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
}

/* Whatever the kernel takes at a time: what is left is the rest, and nothing comes twice. */
static void sender_tells_how_far_it_has_come(void **state)
{
    enum { SIZE = 1 << 18 };
    net *world = *state;
    uint8_t *sent = malloc(SIZE), *received = malloc(SIZE);
    wherry_bytes rest = { .data = sent, .length = SIZE };
    size_t got = 0, refusals = 0;
    int ends[2], result;

    net_fill(sent, SIZE, 0);
    net_pair(NET_TCP4, ends);
    assert_int_equal(wherry_socket_set(faulty(state), ends[0], .send_buffer = 8192), WHERRY_OK);
    assert_int_equal(wherry_socket_set(faulty(state), ends[1], .receive_buffer = 8192), WHERRY_OK);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .most = 1000);
    do {
        const uint8_t *before = rest.data;
        ssize_t count;

        result = wherry_socket_send(faulty(state), ends[0], &rest);
        assert_ptr_equal(rest.data, sent + SIZE - rest.length);
        assert_true(rest.data >= before);
        refusals += result == WHERRY_E_WOULD_BLOCK;
        assert_true(result == WHERRY_OK || rest.length > 0);
        while ((count = wherry_socket_receive(faulty(state), ends[1], received + got, 8192)) > 0)
            got += (size_t)count;
        assert_int_equal(count, WHERRY_E_WOULD_BLOCK);
    } while (result == WHERRY_E_WOULD_BLOCK);
    assert_int_equal(result, WHERRY_OK);
    assert_true(refusals > 0);
    assert_int_equal(wherry_socket_send(faulty(state), ends[0], &rest), WHERRY_OK); /* of nothing */
    assert_int_equal(close(ends[0]), 0);
    while (got < SIZE) {
        ssize_t count = wherry_socket_receive(faulty(state), ends[1], received + got, SIZE - got);

        got += count > 0 ? (size_t)count : 0;
        assert_true(count > 0 || count == WHERRY_E_WOULD_BLOCK);
    }
    net_check(received, SIZE, 0);
    assert_int_equal(close(ends[1]), 0);
    free(sent);
    free(received);
}

static void send_to_a_broken_connection_is_an_error_and_no_signal(void **state)
{
    wherry_bytes bytes = wherry_text("abc");
    int ends[2];

    net_pair(NET_TCP4, ends);
    net_reset(ends[1]);
    assert_int_equal(wherry_socket_send(faulty(state), ends[0], &bytes), WHERRY_E_RESET);
    assert_int_equal(wherry_socket_send(faulty(state), ends[0], &bytes), WHERRY_E_RESET);
    assert_int_equal(bytes.length, 3);
    assert_int_equal(close(ends[0]), 0);
}

/* --- the pending error */

static void pending_error_has_a_code_and_a_sentence(void **state)
{
    int ends[2];

    net_pair(NET_TCP4, ends);
    assert_int_equal(wherry_socket_error(faulty(state), ends[0]), WHERRY_OK);
    net_reset(ends[1]);
    assert_int_equal(wherry_socket_error(faulty(state), ends[0]), WHERRY_E_RESET);
    assert_non_null(strstr(wherry_problem(), "Connection reset by peer"));
    assert_int_equal(wherry_socket_error(faulty(state), ends[0]), WHERRY_OK);
    assert_int_equal(wherry_socket_error(faulty(state), NOT_OPEN), WHERRY_E_INVALID);
    assert_int_equal(close(ends[0]), 0);
}

static void who_asks_for_the_error_first_takes_a_reset_for_an_orderly_end(void **state)
{
    char byte;

    for (int asks_first = 0; asks_first < 2; asks_first++) {
        int ends[2];

        net_pair(NET_TCP4, ends);
        net_reset(ends[1]);
        if (asks_first)
            assert_int_equal(wherry_socket_error(faulty(state), ends[0]), WHERRY_E_RESET);
        assert_int_equal(wherry_socket_receive(faulty(state), ends[0], &byte, 1),
                         asks_first ? WHERRY_E_END : WHERRY_E_RESET);
        assert_int_equal(close(ends[0]), 0);
    }
}

static void closing_nothing_is_allowed(void **state)
{
    wherry_socket_close(faulty(state), -1);
    wherry_socket_close(NULL, -1);
    assert_int_equal(wherry_faulty_calls(((net *)*state)->system, WHERRY_CALL_CLOSE), 0);
}

/* --- simulated */

/* The same calls between hosts of a world, without a loop. */
static void calls_work_on_simulated_hosts(void **state)
{
    simulated *self = *state;
    maker made = make_maker(state);
    wherry_bytes bytes = wherry_text("hello");
    wherry_address address;
    int listener = -1, client = -1;
    char data[8];

    assert_int_equal(wherry_address_parse(&address, "10.0.0.2:7000", 13), WHERRY_OK);
    assert_int_equal(wherry_socket_listen(self->there, &listener, &address), WHERRY_OK);
    assert_int_equal(wherry_socket_connect(self->here, &client, &address), 1);
    assert_int_equal(wherry_socket_connected(self->here, client), WHERRY_E_WOULD_BLOCK);
    simulated_settle(self);
    assert_int_equal(wherry_socket_connected(self->here, client), WHERRY_OK);
    assert_int_equal(wherry_socket_accept(self->there, listener, &made.factory, NULL, NULL, NULL),
                     WHERRY_OK);
    assert_int_equal(wherry_socket_send(self->here, client, &bytes), WHERRY_OK);
    simulated_settle(self);
    assert_int_equal(wherry_socket_receive(self->there, made.descriptor, data, 8), 5);
    for (int asks_first = 0; asks_first < 2; asks_first++) {
        const struct linger at_once = { .l_onoff = 1 };
        int other = made.descriptor;

        assert_int_equal(self->there->set_option(self->there, other, SOL_SOCKET, SO_LINGER,
                                                 &at_once, sizeof(at_once)),
                         0);
        wherry_socket_close(self->there, other);
        simulated_settle(self);
        if (asks_first)
            assert_int_equal(wherry_socket_error(self->here, client), WHERRY_E_RESET);
        assert_int_equal(wherry_socket_receive(self->here, client, data, 8),
                         asks_first ? WHERRY_E_END : WHERRY_E_RESET);
        wherry_socket_close(self->here, client);
        if (asks_first)
            break;
        assert_int_equal(wherry_socket_connect(self->here, &client, &address), 1);
        simulated_settle(self);
        assert_int_equal(
            wherry_socket_accept(self->there, listener, &made.factory, NULL, NULL, NULL),
            WHERRY_OK);
    }
    wherry_socket_close(self->there, listener);
    assert_int_equal(wherry_socket_connect(self->here, &client, &address), 1);
    simulated_settle(self);
    assert_int_equal(wherry_socket_connected(self->here, client), WHERRY_E_REFUSED);
    wherry_socket_close(self->here, client);
}

/* Without a system named it is that of the surroundings. */
static int ask_inside(void *argument)
{
    wherry_address address;
    int listener, client = -1;
    maker made = make_maker(argument);

    if (wherry_address_parse(&address, "10.0.0.1:7000", 13) < 0 ||
        wherry_socket_listen(NULL, &listener, &address) < 0 ||
        wherry_socket_connect(NULL, &client, &address) < 0 ||
        wherry_sleep(wherry_in(WHERRY_SECONDS(1))) < 0 ||
        wherry_socket_connected(NULL, client) < 0 ||
        wherry_socket_accept(NULL, listener, &made.factory, NULL, NULL, NULL) < 0)
        return WHERRY_E_BROKEN;
    wherry_socket_close(NULL, made.descriptor);
    wherry_socket_close(NULL, client);
    wherry_socket_close(NULL, listener);
    return WHERRY_OK;
}

static void system_of_the_surroundings_is_the_default(void **state)
{
    simulated *self = *state;

    assert_int_equal(wherry_simulation_spawn(self->world, HERE, ask_inside, state), WHERRY_OK);
    assert_int_equal(wherry_simulation_run(self->world, WHERRY_SECONDS(5)), WHERRY_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(connection_is_there_at_once_or_on_its_way),
        NET_TEST(refused_connection_leaves_nothing),
        NET_TEST(each_failure_of_connect_has_its_code),
        NET_TEST(interrupted_connect_goes_on),
        NET_TEST(what_is_no_address_is_refused),
        NET_TEST(listening_socket_is_as_servers_need_it),
        NET_TEST(address_can_be_kept_from_being_used_again),
        NET_TEST(backlog_is_the_one_given),
        NET_TEST(address_in_use_is_told),
        NET_TEST(factory_makes_what_accept_returns),
        NET_TEST(connection_that_the_factory_does_not_want_is_reset),
        NET_TEST(failures_of_accept_are_of_three_kinds),
        NET_TEST(receive_gives_up_to_so_many_bytes),
        NET_TEST(some_errors_say_not_now_and_all_others_the_end),
        NET_TEST(sender_tells_how_far_it_has_come),
        NET_TEST(send_to_a_broken_connection_is_an_error_and_no_signal),
        NET_TEST(pending_error_has_a_code_and_a_sentence),
        NET_TEST(who_asks_for_the_error_first_takes_a_reset_for_an_orderly_end),
        NET_TEST(closing_nothing_is_allowed),
    };
    const struct CMUnitTest simulated_tests[] = {
        cmocka_unit_test_setup_teardown(calls_work_on_simulated_hosts, simulated_open,
                                        simulated_close),
        cmocka_unit_test_setup_teardown(system_of_the_surroundings_is_the_default, simulated_open,
                                        simulated_close),
    };

    net_use(wherry_system_epoll());
    return cmocka_run_group_tests(tests, NULL, NULL) +
           cmocka_run_group_tests(simulated_tests, NULL, NULL);
}
