/* Connections that the network refuses, in a network of the test's own: what the kernel says of
 * routes that lead nowhere, of hosts that are silent and of ports that are used up comes back as
 * codes and sentences of their own, in each way to connect. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/namespace.h"
#include "support/net.h"

#define PORT 7000 /* of a listener, when there is one */
#define PORTS 4   /* that the kernel may choose for connections */
#define PORT_RANGE "40000 40003"
#define SILENT "10.9.5.1"

typedef struct dial {
    net *world;
    const char *host;
    int64_t duration; /* 0: none */
    int result;
    char why[192];
    wherry_stream *stream; /* of the first two ways, if the test is to free it */
    int64_t took;
} dial;

/* The text of the host's port behind a prefix; valid until the next. */
static const char *text_of(const char *prefix, const char *host)
{
    static char text[96];
    bool ipv6 = strchr(host, ':') != NULL;

    (void)snprintf(text, sizeof(text), ipv6 ? "%s[%s]:%d" : "%s%s:%d", prefix, host, PORT);
    return text;
}

static wherry_address address_of(const char *host)
{
    const char *text = text_of("", host);
    wherry_address address;

    assert_int_equal(wherry_address_parse(&address, text, strlen(text)), WHERRY_OK);
    return address;
}

static int64_t deadline_of(const dial *self)
{
    return self->duration == 0 ? WHERRY_NEVER : wherry_loop_now(self->world->loop) + self->duration;
}

static void keep(dial *self, int result, const char *why)
{
    self->result = result;
    (void)snprintf(self->why, sizeof(self->why), "%s", result < 0 ? why : "");
}

/* --- the ways to connect */

static void by_callbacks(dial *self)
{
    wherry_address address = address_of(self->host);
    recorder told;
    int result;

    recorder_init(&told);
    result = wherry_stream_connect(&self->stream, &address, deadline_of(self),
                                   .loop = self->world->loop, .events = &told.events);
    keep(self, result, wherry_problem());
    if (result < 0)
        return;
    NET_UNTIL(self->world, told.trace[0] != '\0');
    keep(self, told.reason, wherry_stream_problem(self->stream));
    wherry_stream_set_events(self->stream, NULL);
}

static int wait_for_stream(void *argument)
{
    dial *self = argument;
    wherry_address address = address_of(self->host);

    keep(self, wherry_stream_connect(&self->stream, &address, deadline_of(self)), wherry_problem());
    return WHERRY_OK;
}

static void by_waiting(dial *self)
{
    assert_int_equal(net_run(self->world, wait_for_stream, self), WHERRY_OK);
}

static int wait_for_peer(void *argument)
{
    dial *self = argument;
    wherry_peer *peer = NULL;

    keep(self, wherry_connect(&peer, text_of("tcp://", self->host), &wherry_raw, deadline_of(self)),
         wherry_problem());
    wherry_peer_close(peer);
    return WHERRY_OK;
}

static void by_endpoint(dial *self)
{
    assert_int_equal(net_run(self->world, wait_for_peer, self), WHERRY_OK);
}

/* Of a watch of the loop: how a connection that it was told of has failed. */
typedef struct watching {
    wherry_watcher watcher; /* first */
    bool told;
} watching;

static void on_ready(wherry_watcher *watcher, wherry_watch *watch, unsigned events)
{
    watching *self = (watching *)watcher;

    (void)watch;
    (void)events;
    self->told = true;
}

static void by_descriptor(dial *self)
{
    wherry_system *system = wherry_faulty_system(self->world->system);
    wherry_address address = address_of(self->host);
    watching waiting = { .watcher.ready = on_ready };
    wherry_watch *watch;
    int descriptor;
    int result = wherry_socket_watch(&watch, .loop = self->world->loop, .address = &address,
                                     .watcher = &waiting.watcher);

    keep(self, result, wherry_problem());
    if (result < 0)
        return;
    NET_UNTIL(self->world, waiting.told);
    descriptor = wherry_watch_descriptor(watch);
    result = wherry_socket_connected(system, descriptor);
    keep(self, result, wherry_problem());
    wherry_watch_free(watch);
    wherry_socket_close(system, descriptor);
}

typedef void connecting(dial *self);
static connecting *const ways[] = { by_callbacks, by_waiting, by_endpoint, by_descriptor };
#define WAYS (sizeof(ways) / sizeof(ways[0]))

/* Connects, to fail with that code and a sentence that has that in it. */
static void assert_fails(net *world, connecting *connect, const char *host, int code,
                         const char *why)
{
    dial self = { .world = world, .host = host };

    connect(&self);
    assert_int_equal(self.result, code);
    assert_non_null(strstr(self.why, why));
    wherry_stream_free(self.stream);
}

/* --- routes */

typedef struct place {
    const char *host;
    int code;
    const char *why;
} place;

static void assert_each_fails(net *world, const place *places, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t way = 0; way < WAYS; way++)
            assert_fails(world, ways[way], places[i].host, places[i].code, places[i].why);
}
#define ASSERT_EACH_FAILS(world, places)                                                           \
    assert_each_fails(world, places, sizeof(places) / sizeof((places)[0]))

static void a_port_where_nobody_listens_refuses(void **state)
{
    const place places[] = { { "127.0.0.1", WHERRY_E_REFUSED, "Connection refused" },
                             { "::1", WHERRY_E_REFUSED, "Connection refused" },
                             { "10.9.9.9", WHERRY_E_REFUSED, "Connection refused" },
                             { "fd09:9::9", WHERRY_E_REFUSED, "Connection refused" } };

    ASSERT_EACH_FAILS(*state, places);
}

static void without_a_route_it_is_unreachable(void **state)
{
    const place places[] = { { "192.0.2.1", WHERRY_E_UNREACHABLE, "Network is unreachable" },
                             { "2001:db8::1", WHERRY_E_UNREACHABLE, "Network is unreachable" },
                             { "10.9.4.1", WHERRY_E_UNREACHABLE, "Network is unreachable" },
                             { "fd09:4::1", WHERRY_E_UNREACHABLE, "Network is unreachable" } };

    ASSERT_EACH_FAILS(*state, places);
}

static void an_unreachable_route_is_unreachable(void **state)
{
    const place places[] = { { "10.9.1.1", WHERRY_E_UNREACHABLE, "No route to host" },
                             { "fd09:1::1", WHERRY_E_UNREACHABLE, "No route to host" } };

    ASSERT_EACH_FAILS(*state, places);
}

/* EACCES says "Permission denied", which is about files. */
static void a_prohibiting_route_prohibits(void **state)
{
    const place places[] = { { "10.9.2.1", WHERRY_E_PROHIBITED, "a rule of the network" },
                             { "fd09:2::1", WHERRY_E_PROHIBITED, "a rule of the network" } };

    ASSERT_EACH_FAILS(*state, places);
}

/* EINVAL says "Invalid argument", which would be the program's fault. */
static void a_black_hole_is_unreachable(void **state)
{
    const place places[] = { { "10.9.3.1", WHERRY_E_UNREACHABLE, "there is no way" },
                             { "fd09:3::1", WHERRY_E_UNREACHABLE, "there is no way" } };

    ASSERT_EACH_FAILS(*state, places);
}

/* --- silence */

static void a_deadline_ends_waiting_for_a_silent_host(void **state)
{
    for (size_t way = 0; way < 3; way++) {
        dial self = { .world = *state, .host = SILENT, .duration = WHERRY_MILLISECONDS(50) };
        int64_t begun = wherry_loop_now(self.world->loop);

        ways[way](&self);
        assert_int_equal(self.result, WHERRY_E_TIMED_OUT);
        assert_true(wherry_loop_now(self.world->loop) - begun >= self.duration);
        wherry_stream_free(self.stream);
    }
}

static int wait_in(void *argument)
{
    dial *self = argument;
    int64_t begun = wherry_loop_now(self->world->loop);
    int result = wait_for_stream(self);

    self->took = wherry_loop_now(self->world->loop) - begun;
    return result;
}

static int wait_by_endpoint(void *argument)
{
    return wait_for_peer(argument);
}

/* All at once, since the kernel takes three seconds: the second SYN is sent after one, and given up
 * after two more. */
static void the_kernel_gives_a_silent_host_up(void **state)
{
    net *world = *state;
    dial dials[3] = { { .world = world, .host = SILENT },
                      { .world = world, .host = SILENT },
                      { .world = world, .host = SILENT } };
    wherry_task *waiting[2];

    assert_int_equal(wherry_spawn(&waiting[0], wait_in, &dials[0], .loop = world->loop), WHERRY_OK);
    assert_int_equal(wherry_spawn(&waiting[1], wait_by_endpoint, &dials[1], .loop = world->loop),
                     WHERRY_OK);
    by_callbacks(&dials[2]);
    NET_UNTIL(world, wherry_task_ended(waiting[0]) && wherry_task_ended(waiting[1]));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(dials[i].result, WHERRY_E_TIMED_OUT);
        assert_non_null(strstr(dials[i].why, "Connection timed out"));
        wherry_stream_free(dials[i].stream);
    }
    assert_true(dials[0].took >= WHERRY_SECONDS(1));
    wherry_task_release(waiting[0]);
    wherry_task_release(waiting[1]);
}

/* A program that gives up in the middle leaves nothing behind. */
static void a_silent_host_can_be_left_at_once(void **state)
{
    net *world = *state;
    wherry_address address = address_of(SILENT);
    wherry_stream *streams[100];
    recorder told;

    recorder_init(&told);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(wherry_stream_connect(&streams[i], &address, WHERRY_NEVER,
                                               .loop = world->loop, .events = &told.events),
                         WHERRY_OK);
    net_settle(world);
    for (size_t i = 0; i < 100; i++)
        wherry_stream_free(streams[i]);
    net_settle(world);
    assert_string_equal(told.trace, "");
}

/* --- ports */

static int listen_at(const char *host)
{
    wherry_address address = address_of(host);
    int descriptor;

    assert_int_equal(wherry_socket_listen(NULL, &descriptor, &address), WHERRY_OK);
    return descriptor;
}

static void the_ports_of_this_end_run_out(void **state)
{
    static const char *const hosts[] = { "127.0.0.1", "::1" };

    assert_true(namespace_set("ipv4/ip_local_port_range", PORT_RANGE));
    for (size_t i = 0; i < 2; i++) {
        dial taken[PORTS];
        int listener = listen_at(hosts[i]);

        for (size_t each = 0; each < PORTS; each++) {
            taken[each] = (dial){ .world = *state, .host = hosts[i] };
            ways[each % 2](&taken[each]);
            assert_int_equal(taken[each].result, WHERRY_OK);
        }
        for (size_t way = 0; way < WAYS; way++)
            assert_fails(*state, ways[way], hosts[i], WHERRY_E_NO_ADDRESS,
                         "Cannot assign requested address");
        wherry_stream_abort(taken[1].stream); /* not in TIME_WAIT */
        wherry_stream_free(taken[1].stream);
        taken[1] = (dial){ .world = *state, .host = hosts[i] };
        by_waiting(&taken[1]);
        assert_int_equal(taken[1].result, WHERRY_OK);
        for (size_t each = 0; each < PORTS; each++) {
            wherry_stream_abort(taken[each].stream);
            wherry_stream_free(taken[each].stream);
        }
        assert_int_equal(close(listener), 0);
    }
}

/* The kernel chooses the port of this end, and there is only the one that the connection is for. */
static void a_connection_to_itself_is_refused(void **state)
{
    static const char *const hosts[] = { "127.0.0.1", "::1", "10.9.9.9", "fd09:9::9" };

    assert_true(namespace_set("ipv4/ip_local_port_range", "7000 7000"));
    for (size_t i = 0; i < 4; i++)
        for (size_t way = 0; way < 3; way++)
            assert_fails(*state, ways[way], hosts[i], WHERRY_E_REFUSED, "Connection refused");
}

/* --- */

static void furnish(void)
{
    char text[32];

    namespace_number("10.9.9.9");
    namespace_number("fd09:9::9");
    for (namespace_fate fate = NAMESPACE_UNREACHABLE; fate <= NAMESPACE_THROW; fate++) {
        (void)snprintf(text, sizeof(text), "10.9.%u.0", fate + 1);
        namespace_route(fate, text, 24);
        (void)snprintf(text, sizeof(text), "fd09:%u::", fate + 1);
        namespace_route(fate, text, 32);
    }
    namespace_route(NAMESPACE_SILENCE, "10.9.5.0", 24);
    assert_true(namespace_set("ipv4/tcp_syn_retries", "1"));
    (void)namespace_set("ipv4/tcp_syn_linear_timeouts", "0");
}

static int reset_ports(void **state)
{
    assert_true(namespace_set("ipv4/ip_local_port_range", "32768 60999"));
    return net_tear_down(state);
}
#define NET_TEST_OF_PORTS(function)                                                                \
    cmocka_unit_test_setup_teardown(function, net_set_up, reset_ports)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(a_port_where_nobody_listens_refuses),
        NET_TEST(without_a_route_it_is_unreachable),
        NET_TEST(an_unreachable_route_is_unreachable),
        NET_TEST(a_prohibiting_route_prohibits),
        NET_TEST(a_black_hole_is_unreachable),
        NET_TEST(a_deadline_ends_waiting_for_a_silent_host),
        NET_TEST(the_kernel_gives_a_silent_host_up),
        NET_TEST(a_silent_host_can_be_left_at_once),
        NET_TEST_OF_PORTS(the_ports_of_this_end_run_out),
        NET_TEST_OF_PORTS(a_connection_to_itself_is_refused),
    };

    if (!namespace_enter())
        return 77;
    furnish();
    return NET_RUN(tests);
}
