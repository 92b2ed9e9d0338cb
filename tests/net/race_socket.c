/* What the sockets of a race are made with, on loopback: the calls that a race makes are written
 * down, those that would depend on the kernel's settings are answered here. */
#include <wherry.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/wire.h"

static struct {
    wherry_system base;
    wherry_system *below;
    char connects[100]; /* "4 " and "6 " for each, "4f " with fast open */
    int fast;           /* the last descriptor that it was set on */
    int hanging;        /* the one whose connect is not answered */
    bool ipv6_hangs;
} calls;

static int on_set(wherry_system *self, int descriptor, int level, int option, const void *value,
                  socklen_t size)
{
    if (level == IPPROTO_TCP && option == TCP_FASTOPEN_CONNECT) {
        calls.fast = descriptor;
        return 0;
    }
    if (level == SOL_SOCKET && option == SO_BINDTODEVICE)
        return -ENODEV;
    if (level == SOL_SOCKET && option == SO_MARK)
        return -EPERM;
    return calls.below->set_option(self, descriptor, level, option, value, size);
}

static int on_close(wherry_system *self, int descriptor)
{
    if (calls.fast == descriptor)
        calls.fast = -1;
    if (calls.hanging == descriptor)
        calls.hanging = -1;
    return calls.below->close(self, descriptor);
}

static int on_connect(wherry_system *self, int descriptor, const struct sockaddr *name,
                      socklen_t size)
{
    strcat(calls.connects, name->sa_family == AF_INET ? "4" : "6");
    strcat(calls.connects, calls.fast == descriptor ? "f " : " ");
    if (name->sa_family == AF_INET6 && calls.ipv6_hangs) {
        calls.hanging = descriptor;
        return -EINPROGRESS;
    }
    return calls.below->connect(self, descriptor, name, size);
}

static int on_watch(wherry_system *self, wherry_poller *poller, int descriptor, unsigned before,
                    unsigned events, void *token)
{
    if (descriptor == calls.hanging)
        return 0;
    return calls.below->watch(self, poller, descriptor, before, events, token);
}

/* --- connecting to a listener of this machine */

typedef struct dial {
    wherry_loop *loop;
    int listening;
    wherry_address address;
    char endpoint[64];
    wherry_socket_options socket;
    wherry_family family;
    int result;
    wherry_address local;
    char problem[192];
} dial;

static int set_up(void **state)
{
    dial *this = calloc(1, sizeof(*this));

    memset(&calls, 0, sizeof(calls));
    calls.fast = calls.hanging = -1;
    calls.below = wherry_system_epoll();
    calls.base = *calls.below;
    calls.base.set_option = on_set;
    calls.base.close = on_close;
    calls.base.connect = on_connect;
    calls.base.watch = on_watch;
    assert_int_equal(
        wherry_loop_new(&this->loop, .system = &calls.base, .clock = WHERRY_CLOCK_VIRTUAL),
        WHERRY_OK);
    this->listening = wire_listen(&this->address, 0);
    *state = this;
    return 0;
}

static int tear_down(void **state)
{
    dial *this = *state;

    wherry_loop_free(this->loop);
    assert_int_equal(close(this->listening), 0);
    free(this);
    return 0;
}

static int connect_it(void *argument)
{
    dial *this = argument;
    const wherry_stream_options options = { .size = sizeof(options), .socket = &this->socket };
    wherry_stream *stream;

    this->socket.size = sizeof(this->socket);
    this->result = wherry_stream_connect_to(&stream, this->endpoint, WHERRY_NEVER,
                                            .stream = &options, .family = this->family);
    (void)snprintf(this->problem, sizeof(this->problem), "%s", wherry_problem());
    if (this->result == WHERRY_OK) {
        wherry_stream_local(stream, &this->local);
        wherry_stream_free(stream);
    }
    return WHERRY_OK;
}

static void connect_to(dial *this, const char *host)
{
    (void)snprintf(this->endpoint, sizeof(this->endpoint), "tcp://%s:%u", host,
                   (unsigned)this->address.port);
    calls.connects[0] = '\0';
    assert_int_equal(wherry_spawn(NULL, connect_it, this, .loop = this->loop), WHERRY_OK);
    assert_int_equal(wherry_loop_run(this->loop), WHERRY_OK);
}

static void assert_failed(dial *this, int code, const char *problem)
{
    connect_to(this, "localhost");
    assert_int_equal(this->result, code);
    assert_string_equal(this->problem, problem);
    assert_string_equal(calls.connects, "");
}

/* --- fast open */

static void fast_open_is_for_an_address_that_is_alone(void **state)
{
    dial *this = *state;

    this->socket.fast_open = 1;
    connect_to(this, "127.0.0.1");
    assert_int_equal(this->result, WHERRY_OK);
    assert_string_equal(calls.connects, "4f ");
}

static void fast_open_is_for_the_last_address_when_all_others_have_failed(void **state)
{
    dial *this = *state;

    this->socket.fast_open = 1;
    connect_to(this, "localhost");
    assert_int_equal(this->result, WHERRY_OK);
    assert_string_equal(calls.connects, wire_has_ipv6() ? "6 4f " : "4f ");
}

static void fast_open_is_not_for_an_address_that_others_race_with(void **state)
{
    dial *this = *state;

    if (!wire_has_ipv6())
        skip();
    calls.ipv6_hangs = true;
    this->socket.fast_open = 1;
    connect_to(this, "localhost");
    assert_int_equal(this->result, WHERRY_OK);
    assert_string_equal(calls.connects, "6 4 ");
    assert_int_equal(this->local.family, WHERRY_FAMILY_IPV4);
}

/* --- what is wrong for every address */

static void options_that_cannot_be_had_are_told_once_before_anything_is_tried(void **state)
{
    dial *this = *state;

    this->socket.device = "nowhere0";
    assert_failed(this, WHERRY_E_NOT_FOUND, "option device: No such device");
    this->socket = (wherry_socket_options){ .mark = 1 };
    assert_failed(this, WHERRY_E_NO_PERMISSION, "option mark: Operation not permitted");
    this->socket = (wherry_socket_options){ .dscp = 64 };
    assert_failed(this, WHERRY_E_MISUSE, "option dscp: not 1 to 63");
    this->socket = (wherry_socket_options){ .fast_open = 2 };
    assert_failed(this, WHERRY_E_MISUSE, "option fast_open: not 1 to 1");
    this->socket = (wherry_socket_options){ .dscp = 63 };
    connect_to(this, "localhost");
    assert_int_equal(this->result, WHERRY_OK);
}

static void a_local_address_chooses_the_family(void **state)
{
    wherry_address local = { .family = WHERRY_FAMILY_IPV4, .at.ipv4 = { 127, 0, 0, 9 } };
    dial *this = *state;

    this->socket.local = &local;
    connect_to(this, "localhost");
    assert_int_equal(this->result, WHERRY_OK);
    assert_string_equal(calls.connects, "4 ");
    assert_int_equal(this->local.at.ipv4[3], 9);
    this->family = WHERRY_FAMILY_IPV4;
    connect_to(this, "localhost");
    assert_int_equal(this->result, WHERRY_OK);
    this->family = WHERRY_FAMILY_IPV6;
    assert_failed(this, WHERRY_E_MISUSE, "options family and local: they contradict another");
}

static void a_local_address_that_no_attempt_can_have_is_told_once(void **state)
{
    wherry_address local = { .family = WHERRY_FAMILY_UNIX, .length = 1, .at.path = "x" };
    dial *this = *state;

    this->socket.local = &local;
    assert_failed(this, WHERRY_E_MISUSE, "option local: neither IPv4 nor IPv6");
    local = (wherry_address){ .family = WHERRY_FAMILY_IPV4, .at.ipv4 = { 192, 0, 2, 1 } };
    assert_failed(this, WHERRY_E_NO_ADDRESS,
                  "option local: 192.0.2.1:0: Cannot assign requested address");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fast_open_is_for_an_address_that_is_alone),
        TEST(fast_open_is_for_the_last_address_when_all_others_have_failed),
        TEST(fast_open_is_not_for_an_address_that_others_race_with),
        TEST(options_that_cannot_be_had_are_told_once_before_anything_is_tried),
        TEST(a_local_address_chooses_the_family),
        TEST(a_local_address_that_no_attempt_can_have_is_told_once),
    };

    return cmocka_run_group_tests_name("race_socket", tests, NULL, NULL);
}
