/* Opening listeners: where they can listen, what is in the way, and what each refusal is called. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/listener.h>

#include "support/host.h"
#include "support/net.h"

static const net_kind kinds[] = { NET_TCP4, NET_TCP6, NET_UNIX };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static int listen_on(net *world, const wherry_address *address, wherry_listener **listener)
{
    return wherry_listener_new(listener, .loop = world->loop, .address = address);
}

static void address_in_use_is_told_with_the_address(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        host self;
        char text[WHERRY_ADDRESS_TEXT_SIZE];
        wherry_listener *second = NULL;

        host_open(&self, world, kinds[i], true);
        assert_int_equal(listen_on(world, &self.address, &second), WHERRY_E_ADDRESS_IN_USE);
        assert_null(second);
        (void)wherry_address_format(&self.address, text, sizeof(text));
        assert_non_null(strstr(wherry_problem(), text));
        if (kinds[i] == NET_UNIX)
            assert_true(net_exists(&self.address)); /* of the live one */
        assert_int_equal(net_try_dial(&self.address), 0);
        host_close(&self);
    }
}

static void file_of_a_unix_path_lives_as_long_as_the_listener(void **state)
{
    net *world = *state;
    host self;

    host_open(&self, world, NET_UNIX, true);
    assert_true(net_exists(&self.address));
    wherry_listener_close(self.listener);
    assert_false(net_exists(&self.address));
    wherry_listener_close(self.listener);
    host_close(&self);
}

static void stale_unix_socket_is_taken_over(void **state)
{
    net *world = *state;
    host self;
    int client;

    host_init(&self, world);
    assert_int_equal(close(net_listen(NET_UNIX, 1, &self.address)), 0);
    assert_true(net_exists(&self.address));
    assert_int_equal(wherry_listener_new(&self.listener, .loop = world->loop,
                                         .address = &self.address, .events = &self.events),
                     WHERRY_OK);
    client = net_dial(&self.address);
    NET_UNTIL(world, self.count == 1);
    assert_int_equal(close(client), 0);
    host_close(&self);
    assert_false(net_exists(&self.address));
}

/* Connecting to it is refused, as with a socket on which nobody listens. */
static void file_of_another_kind_is_left_alone(void **state)
{
    net *world = *state;
    wherry_listener *listener = NULL;
    wherry_address address;
    char path[WHERRY_ADDRESS_PATH_MAX + 1] = "";
    FILE *file;

    net_path(&address);
    memcpy(path, address.at.path, address.length);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(listen_on(world, &address, &listener), WHERRY_E_ADDRESS_IN_USE);
    assert_true(net_exists(&address));
    assert_int_equal(unlink(path), 0);
}

static void failures_to_listen_have_their_codes(void **state)
{
    const struct {
        enum wherry_call kind;
        int number;
        int code;
    } failures[] = {
        { WHERRY_CALL_SOCKET, EMFILE, WHERRY_E_NO_DESCRIPTORS },
        { WHERRY_CALL_SOCKET, EAFNOSUPPORT, WHERRY_E_UNSUPPORTED },
        { WHERRY_CALL_SOCKET, ENOMEM, WHERRY_E_NO_MEMORY },
        { WHERRY_CALL_BIND, EACCES, WHERRY_E_NO_PERMISSION },
        { WHERRY_CALL_BIND, EADDRNOTAVAIL, WHERRY_E_NO_ADDRESS },
        { WHERRY_CALL_LISTEN, EADDRINUSE, WHERRY_E_ADDRESS_IN_USE },
    };
    net *world = *state;

    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
        for (size_t k = 0; k < KINDS; k++) {
            wherry_listener *listener = NULL;
            wherry_address address;

            net_any_address(kinds[k], &address);
            wherry_faulty_plan(world->system, (int)failures[i].kind, .number = failures[i].number,
                               .count = 1);
            assert_int_equal(listen_on(world, &address, &listener), failures[i].code);
            assert_null(listener);
            if (kinds[k] == NET_UNIX)
                assert_false(net_exists(&address));
        }
}

static void foreign_addresses_and_absent_folders_are_told(void **state)
{
    const char *texts[] = { "/tmp/wherry-no-such-folder/x.sock", "192.0.2.1:0", "[2001:db8::1]:0" };
    const int codes[] = { WHERRY_E_NOT_FOUND, WHERRY_E_NO_ADDRESS, WHERRY_E_NO_ADDRESS };
    net *world = *state;

    for (size_t i = 0; i < 3; i++) {
        wherry_listener *listener = NULL;
        wherry_address address;

        assert_int_equal(wherry_address_parse(&address, texts[i], strlen(texts[i])), WHERRY_OK);
        assert_int_equal(listen_on(world, &address, &listener), codes[i]);
        assert_null(listener);
    }
}

static void failing_options_are_told(void **state)
{
    net *world = *state;
    wherry_listener *listener = NULL;
    wherry_address address;
    host self;

    host_init(&self, world);
    net_any_address(NET_TCP6, &address);
    for (size_t i = 0; i < 2; i++) { /* IPV6_V6ONLY, SO_REUSEADDR */
        wherry_faulty_plan(world->system, WHERRY_CALL_SET_OPTION, .first = 1 + i, .count = 1,
                           .number = ENOPROTOOPT);
        assert_int_equal(listen_on(world, &address, &listener), WHERRY_E_UNSUPPORTED);
    }
    wherry_faulty_plan(world->system, WHERRY_CALL_WATCH, .number = ENOMEM, .count = 1);
    assert_int_equal(wherry_listener_new(&listener, .loop = world->loop, .address = &address,
                                         .events = &self.events),
                     WHERRY_E_NO_MEMORY);
    assert_null(listener);
}

static void ipv6_listener_leaves_the_port_to_ipv4(void **state)
{
    net *world = *state;
    wherry_listener *six, *four;
    wherry_address address;
    wherry_address other = { .family = WHERRY_FAMILY_IPV4 };

    assert_int_equal(wherry_address_parse(&address, "[::]:0", 6), WHERRY_OK);
    assert_int_equal(listen_on(world, &address, &six), WHERRY_OK);
    wherry_listener_address(six, &address);
    other.port = address.port;
    other.at.ipv4[0] = 127;
    other.at.ipv4[3] = 1;
    assert_int_equal(net_try_dial(&other), -ECONNREFUSED);
    memset(&other.at, 0, sizeof(other.at));
    assert_int_equal(listen_on(world, &other, &four), WHERRY_OK);
    wherry_listener_free(four);
    wherry_listener_free(six);
}

/* The server closes first, so that its end keeps the port for a while (TIME_WAIT). */
static void port_can_be_had_again_at_once(void **state)
{
    net *world = *state;
    wherry_listener *again = NULL;
    host self;
    char byte;
    int client;

    host_open(&self, world, NET_TCP4, true);
    client = net_dial(&self.address);
    NET_UNTIL(world, self.count == 1);
    wherry_stream_close(self.streams[0]);
    assert_int_equal(recv(client, &byte, 1, 0), 0);
    assert_int_equal(close(client), 0);
    host_close(&self);
    assert_int_equal(wherry_listener_new(&again, .loop = world->loop, .address = &self.address,
                                         .no_reuse_address = 1),
                     WHERRY_E_ADDRESS_IN_USE);
    assert_int_equal(listen_on(world, &self.address, &again), WHERRY_OK);
    wherry_listener_free(again);
}

static void several_listeners_may_share_a_port_on_request(void **state)
{
    net *world = *state;
    wherry_listener *both[2], *third = NULL;
    wherry_address address;

    net_any_address(NET_TCP4, &address);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(wherry_listener_new(&both[i], .loop = world->loop, .address = &address,
                                             .reuse_port = 1),
                         WHERRY_OK);
        wherry_listener_address(both[i], &address);
    }
    assert_int_equal(listen_on(world, &address, &third), WHERRY_E_ADDRESS_IN_USE);
    wherry_listener_free(both[0]);
    wherry_listener_free(both[1]);
}

static void descriptor_of_the_callers_is_left_open(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        host self;
        wherry_address address;
        int descriptor, client;

        host_init(&self, world);
        descriptor = net_listen(kinds[i], 10, &address);
        assert_int_equal(wherry_listener_new(&self.listener, .loop = world->loop,
                                             .descriptor = descriptor, .events = &self.events),
                         WHERRY_E_INVALID); /* it may block */
        assert_int_equal(fcntl(descriptor, F_SETFL, O_NONBLOCK), 0);
        assert_int_equal(wherry_listener_new(&self.listener, .loop = world->loop,
                                             .descriptor = descriptor, .events = &self.events),
                         WHERRY_OK);
        wherry_listener_address(self.listener, &self.address);
        assert_true(wherry_address_equal(&address, &self.address));
        client = net_dial(&address);
        NET_UNTIL(world, self.count == 1);
        assert_int_equal(close(client), 0);
        host_close(&self);
        assert_int_equal(net_try_dial(&address), 0);
        assert_int_equal(close(descriptor), 0);
        if (kinds[i] == NET_UNIX) {
            assert_true(net_exists(&address));
            assert_int_equal(unlink(address.at.path), 0);
        }
    }
}

static void contradictions_are_told(void **state)
{
    net *world = *state;
    wherry_listener *listener = NULL;
    wherry_address address, none = { .family = WHERRY_FAMILY_NONE };
    wherry_stream_options negative = { .size = sizeof(negative), .linger = -1 };
    wherry_listener_events nobody = { .accepted = NULL };
    int ends[2];

    net_any_address(NET_TCP4, &address);
    net_pair(NET_PAIR, ends);
    assert_int_equal(wherry_listener_new_with(NULL), WHERRY_E_MISUSE);
    assert_int_equal(wherry_listener_new(NULL, .loop = world->loop, .address = &address),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_listener_new(&listener, .address = &address), WHERRY_E_MISUSE);
    assert_int_equal(wherry_listener_new(&listener, .loop = world->loop), WHERRY_E_MISUSE);
    assert_int_equal(wherry_listener_new(&listener, .loop = world->loop, .address = &address,
                                         .descriptor = ends[0]),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_listener_new(&listener, .loop = world->loop, .address = &none),
                     WHERRY_E_MISUSE);
    assert_int_equal(
        wherry_listener_new(&listener, .loop = world->loop, .address = &address, .events = &nobody),
        WHERRY_E_MISUSE);
    assert_int_equal(wherry_listener_new(&listener, .loop = world->loop, .address = &address,
                                         .stream = &negative),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_listener_new(&listener, .loop = world->loop, .descriptor = ends[0]),
                     WHERRY_E_INVALID);
    assert_int_equal(wherry_listener_new(&listener, .loop = world->loop, .descriptor = 999999),
                     WHERRY_E_INVALID);
    assert_null(listener);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(address_in_use_is_told_with_the_address),
        NET_TEST(file_of_a_unix_path_lives_as_long_as_the_listener),
        NET_TEST(stale_unix_socket_is_taken_over),
        NET_TEST(file_of_another_kind_is_left_alone),
        NET_TEST(failures_to_listen_have_their_codes),
        NET_TEST(foreign_addresses_and_absent_folders_are_told),
        NET_TEST(failing_options_are_told),
        NET_TEST(ipv6_listener_leaves_the_port_to_ipv4),
        NET_TEST(port_can_be_had_again_at_once),
        NET_TEST(several_listeners_may_share_a_port_on_request),
        NET_TEST(descriptor_of_the_callers_is_left_open),
        NET_TEST(contradictions_are_told),
    };

    return NET_RUN(tests);
}
