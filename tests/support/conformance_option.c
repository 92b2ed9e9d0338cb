/* Options of sockets: what they are at first, what they become, and what is refused. The sizes of
 * buffers at first are each system's own. */
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "support/conformance.h"

typedef struct option {
    int level, number;
} option;

static const option options[] = {
    { SOL_SOCKET, SO_REUSEADDR },
    { SOL_SOCKET, SO_REUSEPORT },
    { SOL_SOCKET, SO_KEEPALIVE },
    { SOL_SOCKET, SO_BROADCAST },
    { SOL_SOCKET, SO_OOBINLINE },
    { SOL_SOCKET, SO_DONTROUTE },
    { SOL_SOCKET, SO_TIMESTAMP },
    { SOL_SOCKET, SO_PRIORITY },
    { IPPROTO_TCP, TCP_NODELAY },
    { IPPROTO_TCP, TCP_CORK },
    { IPPROTO_TCP, TCP_KEEPIDLE },
    { IPPROTO_TCP, TCP_KEEPINTVL },
    { IPPROTO_TCP, TCP_KEEPCNT },
    { IPPROTO_TCP, TCP_SYNCNT },
    { IPPROTO_TCP, TCP_USER_TIMEOUT },
    { IPPROTO_TCP, TCP_LINGER2 },
    { IPPROTO_IP, IP_TTL },
    { IPPROTO_IP, IP_TOS },
    { IPPROTO_IP, IP_RECVERR },
    { IPPROTO_IP, IP_PKTINFO },
    { IPPROTO_IPV6, IPV6_V6ONLY },
    { IPPROTO_IPV6, IPV6_UNICAST_HOPS },
    { IPPROTO_IPV6, IPV6_TCLASS },
    { IPPROTO_IPV6, IPV6_RECVPKTINFO },
};

/* Of which nothing would follow for a simulated socket. */
static const option rare_options[] = {
    { IPPROTO_TCP, TCP_DEFER_ACCEPT }, { IPPROTO_TCP, TCP_QUICKACK },
    { IPPROTO_IP, IP_FREEBIND },       { IPPROTO_IP, IP_MULTICAST_TTL },
    { IPPROTO_IP, IP_MULTICAST_LOOP }, { IPPROTO_IPV6, IPV6_MULTICAST_HOPS },
};

#define OPTIONS (sizeof(options) / sizeof(*options))

static void at_first(conf *self)
{
    int one = conf_server(self);

    for (size_t i = 0; i < OPTIONS; i++)
        (void)conf_get(self, one, options[i].level, options[i].number);
}

static void set_to(conf *self, int value)
{
    int one = conf_server(self);

    for (size_t i = 0; i < OPTIONS; i++)
        if (conf_set(self, one, options[i].level, options[i].number, value) == 0)
            (void)conf_get(self, one, options[i].level, options[i].number);
}

static void set_to_one(conf *self)
{
    set_to(self, 1);
}

static void set_to_zero(conf *self)
{
    set_to(self, 0);
}

static void set_to_seven(conf *self)
{
    set_to(self, 7);
}

static void set_to_minus_one(conf *self)
{
    set_to(self, -1);
}

static void set_to_much(conf *self)
{
    set_to(self, 100000);
}

static void sizes(conf *self)
{
    int one = conf_server(self);
    int value = 1;

    for (socklen_t size = 0; size <= 5; size++) {
        (void)conf_set_sized(self, one, SOL_SOCKET, SO_KEEPALIVE, &(int[]){ 1, 0 }, size);
        (void)conf_get_sized(self, one, SOL_SOCKET, SO_KEEPALIVE, size);
        (void)conf_set_sized(self, one, IPPROTO_TCP, TCP_NODELAY, &(int[]){ 1, 0 }, size);
        (void)conf_get_sized(self, one, IPPROTO_TCP, TCP_NODELAY, size);
        (void)conf_set_sized(self, one, IPPROTO_IPV6, IPV6_V6ONLY, &(int[]){ 1, 0 }, size);
        (void)conf_get_sized(self, one, IPPROTO_IPV6, IPV6_V6ONLY, size);
        (void)conf_get_sized(self, one, SOL_SOCKET, SO_ERROR, size);
    }
    (void)conf_set_sized(self, one, SOL_SOCKET, SO_LINGER, &value, sizeof(value));
    for (socklen_t size = 0; size <= 12; size += 4)
        (void)conf_get_sized(self, one, SOL_SOCKET, SO_LINGER, size);
    (void)conf_get_sized(self, one, SOL_SOCKET, SO_KEEPALIVE, (socklen_t)-1);
}

static void unknown_ones(conf *self)
{
    static const int levels[] = { SOL_SOCKET,  IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP,
                                  IPPROTO_UDP, -1,         250 };
    int one = conf_server(self);

    for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
        (void)conf_set(self, one, levels[i], 9999, 1);
        (void)conf_get(self, one, levels[i], 9999);
    }
    (void)conf_set(self, one, SOL_SOCKET, SO_ERROR, 1);
    (void)conf_set(self, one, SOL_SOCKET, SO_TYPE, 1);
    (void)conf_set(self, one, SOL_SOCKET, SO_DOMAIN, 1);
    (void)conf_set(self, one, SOL_SOCKET, SO_PROTOCOL, 1);
    (void)conf_set(self, one, SOL_SOCKET, SO_ACCEPTCONN, 1);
}

static void buffers(conf *self)
{
    static const int values[] = { 100000, 10000, 5000, 4096, 1, 0, 65536, 1001 };
    int one = conf_server(self);

    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        (void)conf_set(self, one, SOL_SOCKET, SO_SNDBUF, values[i]);
        (void)conf_get(self, one, SOL_SOCKET, SO_SNDBUF);
        (void)conf_set(self, one, SOL_SOCKET, SO_RCVBUF, values[i]);
        (void)conf_get(self, one, SOL_SOCKET, SO_RCVBUF);
    }
}

static void lingering(conf *self)
{
    int one = conf_server(self);

    (void)conf_get_sized(self, one, SOL_SOCKET, SO_LINGER, sizeof(struct linger));
    conf_linger(self, one, 1, 0);
    (void)conf_get_sized(self, one, SOL_SOCKET, SO_LINGER, sizeof(struct linger));
    conf_linger(self, one, 7, 30);
    (void)conf_get_sized(self, one, SOL_SOCKET, SO_LINGER, sizeof(struct linger));
    conf_linger(self, one, 0, 30);
    (void)conf_get_sized(self, one, SOL_SOCKET, SO_LINGER, sizeof(struct linger));
}

static void what_it_is(conf *self)
{
    int one = conf_server(self);

    (void)conf_get(self, one, SOL_SOCKET, SO_TYPE);
    (void)conf_get(self, one, SOL_SOCKET, SO_DOMAIN);
    (void)conf_get(self, one, SOL_SOCKET, SO_PROTOCOL);
    (void)conf_get(self, one, SOL_SOCKET, SO_ACCEPTCONN);
    (void)conf_listen(self, one, 1);
    (void)conf_get(self, one, SOL_SOCKET, SO_ACCEPTCONN);
}

/* Of a listener they pass to what is accepted, but not all of them. */
static void inherited(conf *self)
{
    int listener = conf_server(self), client, made;
    conf_name name = conf_home(self);

    for (size_t i = 0; i < OPTIONS; i++)
        (void)conf_set(self, listener, options[i].level, options[i].number, 1);
    (void)conf_set(self, listener, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    conf_linger(self, listener, 1, 5);
    (void)conf_set(self, listener, SOL_SOCKET, SO_RCVBUF, 50000);
    (void)conf_bind(self, listener, &name);
    (void)conf_listen(self, listener, 4);
    name = conf_reach(self, listener);
    conf_go(self, 1);
    client = conf_client(self);
    (void)conf_connect(self, client, &name);
    conf_go(self, 0);
    (void)conf_wait_ready(self, listener, WHERRY_READABLE);
    made = conf_accept(self, listener);
    for (size_t i = 0; i < OPTIONS; i++)
        (void)conf_get(self, made, options[i].level, options[i].number);
    (void)conf_get_sized(self, made, SOL_SOCKET, SO_LINGER, sizeof(struct linger));
    (void)conf_get(self, made, SOL_SOCKET, SO_RCVBUF);
}

static void v6_only_after_binding(conf *self)
{
    int one = conf_server(self);
    conf_name name = conf_home(self);

    (void)conf_get(self, one, IPPROTO_IPV6, IPV6_V6ONLY);
    (void)conf_set(self, one, IPPROTO_IPV6, IPV6_V6ONLY, 2);
    (void)conf_get(self, one, IPPROTO_IPV6, IPV6_V6ONLY);
    (void)conf_bind(self, one, &name);
    (void)conf_set(self, one, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    (void)conf_get(self, one, IPPROTO_IPV6, IPV6_V6ONLY);
}

static void rare(conf *self)
{
    int one = conf_server(self);

    for (size_t i = 0; i < sizeof(rare_options) / sizeof(*rare_options); i++)
        (void)conf_set(self, one, rare_options[i].level, rare_options[i].number, 1);
}

static void low_water_mark(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_get(self, scene.far, SOL_SOCKET, SO_RCVLOWAT);
    (void)conf_set(self, scene.far, SOL_SOCKET, SO_RCVLOWAT, 3);
    (void)conf_get(self, scene.far, SOL_SOCKET, SO_RCVLOWAT);
    (void)conf_send(self, scene.near, "xy", 0);
    (void)conf_ready(self, scene.far);
    (void)conf_send(self, scene.near, "z", 0);
    (void)conf_ready(self, scene.far);
}

#define ALL (CONF_CONNECTED | CONF_DATAGRAMS)

const conf_scenario conf_option_scenarios[] = {
    { "options at first", at_first, ALL, false },
    { "options set to 1", set_to_one, ALL, false },
    { "options set to 0", set_to_zero, ALL, false },
    { "options set to 7", set_to_seven, ALL, false },
    { "options set to -1", set_to_minus_one, ALL, false },
    { "options set to 100000", set_to_much, ALL, false },
    { "sizes of options", sizes, ALL, false },
    { "unknown options", unknown_ones, ALL, false },
    { "buffer sizes", buffers, ALL, false },
    { "linger", lingering, ALL, false },
    { "what it is", what_it_is, ALL, false },
    { "inherited options", inherited, CONF_CONNECTED, false },
    { "rare options", rare, CONF_TCP | CONF_UDP, false },
    { "low-water mark", low_water_mark, CONF_STREAMS, false },
    { "IPv6 only after binding", v6_only_after_binding, CONF_TCP6 | CONF_UDP6, false },
    { .name = NULL },
};
