/* Who may bind what while who else has it. */
#include <netinet/in.h>

#include "support/conformance.h"

/* --- two sockets and the ways to bind them: every pair of these is played */

typedef struct way {
    int family;
    bool any;        /* the wildcard */
    bool only_v6;    /* set, for IPv6 */
    bool reuse;      /* SO_REUSEADDR */
    bool reuse_port; /* SO_REUSEPORT */
    bool listens;
} way;

static const way ways[] = {
    { AF_INET, false, false, false, false, false },  { AF_INET, false, false, true, false, false },
    { AF_INET, false, false, false, true, false },   { AF_INET, false, false, false, false, true },
    { AF_INET, false, false, true, false, true },    { AF_INET, false, false, false, true, true },
    { AF_INET, true, false, false, false, false },   { AF_INET, true, false, true, false, false },
    { AF_INET, true, false, false, true, false },    { AF_INET, true, false, true, false, true },
    { AF_INET6, false, false, false, false, false }, { AF_INET6, false, false, true, false, true },
    { AF_INET6, false, true, true, false, false },   { AF_INET6, true, false, false, false, false },
    { AF_INET6, true, false, true, false, false },   { AF_INET6, true, false, true, false, true },
    { AF_INET6, true, true, false, false, false },   { AF_INET6, true, true, true, false, true },
    { AF_INET6, true, false, false, true, true },
};
#define WAYS (sizeof(ways) / sizeof(*ways))

static int prepare(conf *self, const way *how)
{
    int made = conf_socket(self, how->family, conf_is(self, CONF_TCP) ? SOCK_STREAM : SOCK_DGRAM);

    if (how->only_v6)
        (void)conf_set(self, made, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (how->reuse)
        (void)conf_set(self, made, SOL_SOCKET, SO_REUSEADDR, 1);
    if (how->reuse_port)
        (void)conf_set(self, made, SOL_SOCKET, SO_REUSEPORT, 1);
    return made;
}

static conf_name named(conf *self, const way *how, uint16_t port)
{
    return how->any ? conf_any(how->family, port) : conf_address(self, how->family, 0, port);
}

static int bind_as(conf *self, const way *how, uint16_t port)
{
    int made = prepare(self, how);
    conf_name name = named(self, how, port);

    if (conf_bind(self, made, &name) == 0 && how->listens && conf_is(self, CONF_TCP))
        (void)conf_listen(self, made, 1);
    return made;
}

/* A port that nobody has in either family, not even of a connection that ended a moment ago. */
static uint16_t free_port(conf *self)
{
    static const way nobody_else = { AF_INET6, true, false, false, false, false };
    int one = bind_as(self, &nobody_else, 0);
    uint16_t port = conf_port(self, one);

    (void)conf_close(self, one);
    return port;
}

/* One way against all others, each with a port of its own. */
static void against_all(conf *self, size_t first)
{
    for (size_t second = 0; second < WAYS; second++) {
        int one = bind_as(self, &ways[first], free_port(self));
        int other = bind_as(self, &ways[second], conf_port(self, one));

        conf_note(self, "way %zu after way %zu", second, first);
        conf_local(self, other, CONF_ROOM);
        (void)conf_close(self, one);
        (void)conf_close(self, other);
    }
}

/* Functions for the list, which gives them no argument. */
#define AGAINST(number)                                                                            \
    static void against_##number(conf *self)                                                       \
    {                                                                                              \
        against_all(self, number);                                                                 \
    }
AGAINST(0)
AGAINST(1)
AGAINST(2)
AGAINST(3)
AGAINST(4)
AGAINST(5)
AGAINST(6)
AGAINST(7)
AGAINST(8)
AGAINST(9)
AGAINST(10)
AGAINST(11)
AGAINST(12)
AGAINST(13)
AGAINST(14)
AGAINST(15)
AGAINST(16)
AGAINST(17)
AGAINST(18)

/* --- the same port again */

static void port_of_a_connection(conf *self, bool reuse, bool server_ends)
{
    way how = { conf_is(self, CONF_TCP4) ? AF_INET : AF_INET6, false, false, reuse, false, true };
    int listener = bind_as(self, &how, 0), client, made;
    conf_name name = conf_reach(self, listener);
    uint16_t port = conf_port(self, listener);

    conf_go(self, 1);
    client = conf_client(self);
    (void)conf_connect(self, client, &name);
    conf_go(self, 0);
    (void)conf_wait_ready(self, listener, WHERRY_READABLE);
    made = conf_accept(self, listener);
    (void)conf_close(self, listener);
    (void)bind_as(self, &how, port);
    (void)conf_close(self, server_ends ? made : client);
    (void)conf_close(self, server_ends ? client : made);
    how.reuse = false;
    (void)bind_as(self, &how, port);
    how.reuse = true;
    (void)bind_as(self, &how, port);
}

static void port_of_ended_connection(conf *self)
{
    port_of_a_connection(self, false, true);
}

static void port_of_ended_connection_reused(conf *self)
{
    port_of_a_connection(self, true, true);
}

static void port_of_connection_ended_by_client(conf *self)
{
    port_of_a_connection(self, false, false);
}

static void port_of_connection_ended_by_client_reused(conf *self)
{
    port_of_a_connection(self, true, false);
}

static void port_after_close(conf *self)
{
    int one = conf_server(self), other = conf_server(self);
    conf_name name = conf_home(self);
    uint16_t port;

    (void)conf_bind(self, one, &name);
    port = conf_port(self, one);
    name = conf_reach(self, one);
    (void)conf_bind(self, other, &name);
    (void)conf_close(self, one);
    (void)conf_bind(self, other, &name);
    conf_note(self, conf_port(self, other) == port ? "the same port" : "another port");
}

static void bound_after_listening(conf *self)
{
    int listener = conf_server(self);

    (void)conf_listen(self, listener, 1);
    conf_look(self, listener);
}

static void bound_by_connecting(conf *self)
{
    conf_scene scene = conf_connection(self);

    conf_local(self, scene.near, CONF_ROOM);
    conf_remote(self, scene.near, CONF_ROOM);
    conf_local(self, scene.far, CONF_ROOM);
    conf_remote(self, scene.far, CONF_ROOM);
    conf_local(self, scene.listener, CONF_ROOM);
}

static void bound_before_connecting(conf *self)
{
    int listener = conf_listener(self, 4), client;
    conf_name reach = conf_reach(self, listener);
    conf_name name = conf_is(self, CONF_TCP4 | CONF_DUAL) ? conf_any(AF_INET, 0)
                     : conf_is(self, CONF_TCP6)           ? conf_any(AF_INET6, 0)
                                                          : conf_home(self);

    client = conf_client(self);
    (void)conf_bind(self, client, &name);
    conf_local(self, client, CONF_ROOM);
    (void)conf_connect(self, client, &reach);
    conf_local(self, client, CONF_ROOM);
    (void)conf_wait_ready(self, listener, WHERRY_READABLE);
    conf_look(self, conf_accept(self, listener));
}

static void same_port_to_two_places(conf *self)
{
    int first = conf_listener(self, 4), second = conf_listener(self, 4), one, other;
    conf_name name = conf_reach(self, first), other_name = conf_reach(self, second), own;

    one = conf_client(self);
    other = conf_client(self);
    (void)conf_set(self, one, SOL_SOCKET, SO_REUSEADDR, 1);
    (void)conf_set(self, other, SOL_SOCKET, SO_REUSEADDR, 1);
    own = conf_is(self, CONF_TCP6) ? conf_any(AF_INET6, 0) : conf_any(AF_INET, 0);
    (void)conf_bind(self, one, &own);
    own = conf_is(self, CONF_TCP6) ? conf_any(AF_INET6, conf_port(self, one))
                                   : conf_any(AF_INET, conf_port(self, one));
    (void)conf_bind(self, other, &own);
    (void)conf_connect(self, one, &name);
    (void)conf_connect(self, other, &name);
    (void)conf_connect(self, other, &other_name);
    (void)conf_ready(self, first);
    (void)conf_ready(self, second);
}

/* --- wrong names */

static void wrong_names(conf *self)
{
    int one = conf_server(self);
    conf_name name = conf_home(self), wrong = name;

    wrong.size = 0;
    (void)conf_bind(self, one, &wrong);
    wrong.size = 1;
    (void)conf_bind(self, one, &wrong);
    wrong.size = 4;
    wrong.any.sa_family = AF_APPLETALK;
    (void)conf_bind(self, one, &wrong);
    wrong = name;
    wrong.size -= conf_is(self, CONF_TCP | CONF_UDP) ? 1 : 0;
    wrong.any.sa_family = conf_is(self, CONF_TCP | CONF_UDP) ? AF_UNIX : AF_INET;
    (void)conf_bind(self, one, &wrong);
    (void)conf_connect(self, one, &wrong);
    wrong.size = sizeof(wrong.storage);
    (void)conf_bind(self, one, &wrong);
    wrong.any.sa_family = name.any.sa_family;
    wrong.size = (socklen_t)(name.size + 1);
    (void)conf_bind(self, one, &wrong);
    conf_local(self, one, CONF_ROOM);
}

static void address_of_another(conf *self)
{
    int one = conf_server(self);
    conf_name name = conf_address(self, AF_INET, 0, 0);

    if (conf_is(self, CONF_TCP4 | CONF_UDP4)) {
        name.v4.sin_addr.s_addr = htonl(0xc6336401); /* 198.51.100.1, for documentation */
        (void)conf_bind(self, one, &name);
        name.v4.sin_addr.s_addr = INADDR_BROADCAST;
        (void)conf_bind(self, one, &name);
        name.v4.sin_addr.s_addr = htonl(0x7f000005); /* all of 127 is loopback */
        (void)conf_bind(self, one, &name);
    } else {
        name = conf_address(self, AF_INET6, 0, 0);
        name.v6.sin6_addr.s6_addr[0] = 0x20;
        name.v6.sin6_addr.s6_addr[1] = 0x01;
        name.v6.sin6_addr.s6_addr[2] = 0x0d;
        name.v6.sin6_addr.s6_addr[3] = 0xb8;
        (void)conf_bind(self, one, &name);
    }
    conf_local(self, one, CONF_ROOM);
}

static void mapped_addresses(conf *self)
{
    int one = conf_socket(self, AF_INET6, conf_is(self, CONF_TCP) ? SOCK_STREAM : SOCK_DGRAM);
    int two = conf_socket(self, AF_INET6, conf_is(self, CONF_TCP) ? SOCK_STREAM : SOCK_DGRAM);
    conf_name name = conf_address(self, AF_INET6, 0, 0);
    conf_name v4 = conf_address(self, AF_INET, 0, 0);

    name.v6.sin6_addr = (struct in6_addr){ 0 };
    name.v6.sin6_addr.s6_addr[10] = name.v6.sin6_addr.s6_addr[11] = 0xff;
    __builtin_memcpy(&name.v6.sin6_addr.s6_addr[12], &v4.v4.sin_addr, 4);
    (void)conf_set(self, two, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    (void)conf_bind(self, two, &name);
    (void)conf_connect(self, two, &name);
    (void)conf_bind(self, one, &name);
    conf_local(self, one, CONF_ROOM);
    (void)conf_set(self, one, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    v4.v4.sin_port = htons(conf_port(self, one));
    two = conf_socket(self, AF_INET, conf_is(self, CONF_TCP) ? SOCK_STREAM : SOCK_DGRAM);
    (void)conf_bind(self, two, &v4);
}

static void connecting_to_nowhere(conf *self)
{
    int one = conf_client(self);
    conf_name name = conf_is(self, CONF_TCP4 | CONF_UDP4) ? conf_any(AF_INET, 0)
                                                          : conf_any(AF_INET6, 0);

    (void)conf_connect(self, one, &name);
    (void)conf_ready(self, one);
    (void)conf_error(self, one);
    name.size = 4;
    (void)conf_connect(self, one, &name);
    name.size = 1;
    (void)conf_connect(self, one, &name);
    name = conf_address(self, AF_INET, 0, 9);
    name.v4.sin_addr.s_addr = INADDR_BROADCAST;
    (void)conf_connect(self, one, &name);
    conf_local(self, one, CONF_ROOM);
}

static void wildcard_means_loopback(conf *self)
{
    int listener = conf_listener(self, 4), client;
    conf_name name = conf_any(conf_is(self, CONF_TCP6) ? AF_INET6 : AF_INET,
                              conf_port(self, listener));

    client = conf_client(self);
    (void)conf_connect(self, client, &name);
    conf_look(self, client);
    (void)conf_accept(self, listener);
}

static void specific_one_is_preferred(conf *self)
{
    way any = {
        conf_is(self, CONF_TCP4 | CONF_UDP4) ? AF_INET : AF_INET6, true, false, true, true, true
    };
    way specific = any;
    int general = bind_as(self, &any, 0), special, client;
    conf_name name = conf_reach(self, general);

    specific.any = false;
    special = bind_as(self, &specific, conf_port(self, general));
    client = conf_client(self);
    (void)conf_connect(self, client, &name);
    (void)conf_send(self, client, "for whom?", 0);
    (void)conf_ready(self, general);
    (void)conf_ready(self, special);
    (void)conf_close(self, special);
    client = conf_client(self);
    (void)conf_connect(self, client, &name);
    (void)conf_send(self, client, "and now?", 0);
    (void)conf_ready(self, general);
}

#define PAIR CONF_TCP4 | CONF_UDP4

const conf_scenario conf_bind_scenarios[] = {
    { "bind after way 0", against_0, PAIR, false },
    { "bind after way 1", against_1, PAIR, false },
    { "bind after way 2", against_2, PAIR, false },
    { "bind after way 3", against_3, PAIR, false },
    { "bind after way 4", against_4, PAIR, false },
    { "bind after way 5", against_5, PAIR, false },
    { "bind after way 6", against_6, PAIR, false },
    { "bind after way 7", against_7, PAIR, false },
    { "bind after way 8", against_8, PAIR, false },
    { "bind after way 9", against_9, PAIR, false },
    { "bind after way 10", against_10, PAIR, false },
    { "bind after way 11", against_11, PAIR, false },
    { "bind after way 12", against_12, PAIR, false },
    { "bind after way 13", against_13, PAIR, false },
    { "bind after way 14", against_14, PAIR, false },
    { "bind after way 15", against_15, PAIR, false },
    { "bind after way 16", against_16, PAIR, false },
    { "bind after way 17", against_17, PAIR, false },
    { "bind after way 18", against_18, PAIR, false },
    { "port of ended connection", port_of_ended_connection, CONF_TCP4 | CONF_TCP6, false },
    { "port of ended connection, reuse", port_of_ended_connection_reused, CONF_TCP4 | CONF_TCP6,
      false },
    { "port of connection ended by client", port_of_connection_ended_by_client,
      CONF_TCP4 | CONF_TCP6, false },
    { "port of connection ended by client, reuse", port_of_connection_ended_by_client_reused,
      CONF_TCP4 | CONF_TCP6, false },
    { "port after close", port_after_close, CONF_TCP | CONF_UDP, false },
    { "listening unbound", bound_after_listening, CONF_CONNECTED, false },
    { "names of a connection", bound_by_connecting, CONF_CONNECTED, false },
    { "bound before connecting", bound_before_connecting, CONF_CONNECTED, true },
    { "one port to two places", same_port_to_two_places, CONF_TCP4 | CONF_TCP6, true },
    { "wrong names", wrong_names, CONF_CONNECTED | CONF_DATAGRAMS, false },
    { "address of another", address_of_another, CONF_TCP | CONF_UDP, true },
    { "mapped addresses", mapped_addresses, CONF_TCP4 | CONF_UDP4, true },
    { "connecting to nowhere", connecting_to_nowhere, CONF_TCP | CONF_UDP, true },
    { "wildcard means loopback", wildcard_means_loopback, CONF_TCP, true },
    { "specific one is preferred", specific_one_is_preferred, CONF_TCP4 | CONF_TCP6 | CONF_UDP,
      true },
    { .name = NULL },
};
