/* Ports of a host: who is bound to which, whom a new one would be in the way of, and which is given
 * to a socket that asks for any. The rules are those of Linux: of inet_csk_get_port and
 * inet_hash_connect for TCP, of udp_lib_get_port for UDP.
 *
 * Ephemeral ports rise from the first to the last and only then begin again, so that a port is not
 * used again soon and a stray packet finds nobody. Privileged ports are open to all programs.
 */
#include <errno.h>

#include <wherry/error.h>

#include "simulation/ports.h"

/* --- the table */

int wherry__sim_ports_new(wherry__sim_host *host)
{
    wherry__sim_ports *ports = wherry__memory_take(wherry__sim_memory(host->world), sizeof(*ports));

    if (ports == NULL)
        return WHERRY_E_NO_MEMORY;
    for (size_t i = 0; i < WHERRY__SIM_PORT_LISTS; i++) {
        wherry__link_init(&ports->by_port[i]);
        wherry__link_init(&ports->accepted[i]);
    }
    for (size_t i = 0; i < WHERRY__SIM_PAIR_LISTS; i++)
        wherry__link_init(&ports->pairs[i]);
    wherry__link_init(&ports->abstract);
    wherry__link_init(&ports->paths);
    host->ports = ports;
    return 0;
}

void wherry__sim_ports_free(wherry__sim_host *host)
{
    if (host->ports == NULL)
        return;
    wherry__sim_paths_free(host);
    wherry__memory_give(wherry__sim_memory(host->world), host->ports, sizeof(*host->ports));
    host->ports = NULL;
}

static uint16_t port_of(const wherry__sim_socket *socket)
{
    return wherry__sim_name_port(&socket->local);
}

static void enter(wherry__sim_socket *socket)
{
    wherry__list_append(wherry__sim_port_list(socket->host->ports, port_of(socket)),
                        &socket->bound);
    socket->is_bound = true;
}

/* --- who is in the way of whom */

/* Whether they have an address in common (inet_rcv_saddr_equal). */
static bool addresses_clash(const wherry__sim_socket *one, const wherry__sim_socket *other)
{
    return wherry__sim_takes_all(one, other->local.any.sa_family) ||
           wherry__sim_takes_all(other, one->local.any.sa_family) ||
           wherry__sim_addresses_equal(&one->local, &other->local);
}

/* strict: for a port that nobody asked for, which is shared by nobody then. */
static bool may_share(const wherry__sim_socket *one, const wherry__sim_socket *other, bool strict)
{
    if (strict)
        return false;
    if (one->reuse_address && other->reuse_address && !other->listens)
        return true;
    return one->reuse_port && other->reuse_port;
}

static bool in_conflict_with(const wherry__sim_socket *socket, wherry__link *list, bool strict)
{
    for (wherry__link *link = list->next; link != list; link = link->next) {
        const wherry__sim_socket *other = WHERRY__OWNER(link, wherry__sim_socket, bound);

        if (other != socket && other->kind == socket->kind && port_of(other) == port_of(socket) &&
            !may_share(socket, other, strict) && addresses_clash(socket, other))
            return true;
    }
    return false;
}

static bool in_conflict(const wherry__sim_socket *socket, bool strict)
{
    wherry__sim_ports *ports = socket->host->ports;
    size_t place = port_of(socket) % WHERRY__SIM_PORT_LISTS;

    return in_conflict_with(socket, &ports->by_port[place], strict) ||
           in_conflict_with(socket, &ports->accepted[place], strict);
}

/* Whether the socket's port is one that another was bound to, not only connected from. */
static bool is_owned(const wherry__sim_socket *socket, wherry__link *list)
{
    for (wherry__link *link = list->next; link != list; link = link->next) {
        const wherry__sim_socket *other = WHERRY__OWNER(link, wherry__sim_socket, bound);

        if (other->kind == socket->kind && port_of(other) == port_of(socket) && !other->port_shared)
            return true;
    }
    return false;
}

/* connect(2) shares ports among connections to different ends, but not with who was bound to one
 * explicitly. */
static bool connection_in_conflict(const wherry__sim_socket *socket)
{
    wherry__sim_ports *ports = socket->host->ports;
    size_t place = port_of(socket) % WHERRY__SIM_PORT_LISTS;

    return is_owned(socket, &ports->by_port[place]) || is_owned(socket, &ports->accepted[place]) ||
           wherry__sim_find_connected(socket->host, socket->kind, &socket->local,
                                      &socket->remote) != NULL;
}

/* --- any port */

static uint16_t *next_port(const wherry__sim_socket *socket)
{
    wherry__sim_ports *ports = socket->host->ports;

    return socket->kind == WHERRY__SIM_TCP ? &ports->next_tcp : &ports->next_udp;
}

/* Gives the socket's local name the next port with which it is in nobody's way. False: there is
 * none, and its port is 0. */
static bool choose_port(wherry__sim_socket *socket,
                        bool (*is_taken)(const wherry__sim_socket *socket))
{
    uint16_t first = socket->host->first_port, last = socket->host->last_port;
    uint16_t *next = next_port(socket);

    for (uint32_t tries = 0; tries <= (uint32_t)(last - first); tries++) {
        uint16_t port = *next < first || *next > last ? first : *next;

        *next = (uint16_t)(port == last ? first : port + 1);
        wherry__sim_name_set_port(&socket->local, port);
        if (!is_taken(socket))
            return true;
    }
    wherry__sim_name_set_port(&socket->local, 0);
    return false;
}

static bool strictly_in_conflict(const wherry__sim_socket *socket)
{
    return in_conflict(socket, true);
}

/* --- bind(2) */

/* bind(2) takes other names than connect(2): of IPv4 the wildcard address without a family, and
 * none of IPv4 for an IPv6 socket. */
static int take_name(const wherry__sim_socket *socket, const struct sockaddr *given, socklen_t size,
                     wherry__sim_name *name)
{
    struct sockaddr_in plain;
    int result = wherry__sim_name_take(socket, given, size, name);

    if (result < 0)
        return result;
    if (name->any.sa_family != AF_UNSPEC)
        return given->sa_family == socket->family ? 0 : -EAFNOSUPPORT;
    if (size <
        (socket->family == AF_INET ? sizeof(plain) : offsetof(struct sockaddr_in6, sin6_scope_id)))
        return -EINVAL;
    plain = *(const struct sockaddr_in *)(const void *)given;
    plain.sin_family = AF_INET;
    if (socket->family == AF_INET6 || plain.sin_addr.s_addr != htonl(INADDR_ANY))
        return -EAFNOSUPPORT;
    return wherry__sim_name_take(socket, (const struct sockaddr *)&plain, sizeof(plain), name);
}

static int check_address(const wherry__sim_socket *socket, const wherry__sim_name *name)
{
    bool is_multicast = wherry__sim_name_is_multicast(name);

    if (socket->only_v6 && name->any.sa_family == AF_INET)
        return -EINVAL;
    if (is_multicast && name->any.sa_family == AF_INET6)
        return socket->kind == WHERRY__SIM_TCP ? -EINVAL : 0;
    if (name->any.sa_family == AF_INET && name->v4.sin_addr.s_addr == htonl(INADDR_BROADCAST))
        return 0;
    if (is_multicast || wherry__sim_name_is_any(name) ||
        wherry__sim_host_has(socket->host, &name->any) ||
        wherry__sim_option_is_on(socket, IPPROTO_IP, IP_FREEBIND))
        return 0;
    return -EADDRNOTAVAIL;
}

/* Enters the socket under its local name, choosing the port if that is 0. */
static int enter_local(wherry__sim_socket *socket)
{
    if (port_of(socket) == 0 ? !choose_port(socket, strictly_in_conflict)
                             : in_conflict(socket, false))
        return -EADDRINUSE;
    enter(socket);
    return 0;
}

static int bind_inet(wherry__sim_socket *socket, const struct sockaddr *given, socklen_t size)
{
    wherry__sim_name name;
    int result = take_name(socket, given, size, &name);

    if (result < 0)
        return result;
    /* IPv4 looks at the address before it sees that the socket has one, IPv6 after that. */
    if (socket->is_bound && socket->family == AF_INET6)
        return -EINVAL;
    result = check_address(socket, &name);
    if (result == 0 && socket->is_bound)
        result = -EINVAL;
    if (result < 0)
        return result;
    socket->local = name;
    result = enter_local(socket);
    if (result < 0) {
        socket->local.size = 0;
        return result;
    }
    socket->port_given = wherry__sim_name_port(&name) != 0;
    socket->address_given = !wherry__sim_name_is_any(&name);
    if (socket->address_given && name.any.sa_family == AF_INET6)
        socket->only_v6 = true;
    return 0;
}

int wherry__sim_bind(wherry__sim_socket *socket, const struct sockaddr *name, socklen_t size)
{
    if (socket->family == AF_UNIX)
        return wherry__sim_bind_local(socket, name, size);
    return bind_inet(socket, name, size);
}

/* --- other ways to get a name */

int wherry__sim_bind_port(wherry__sim_socket *socket)
{
    wherry__sim_name former;
    int result;

    if (socket->is_bound)
        return socket->listens && in_conflict(socket, false) ? -EADDRINUSE : 0;
    former = socket->local;
    if (former.size == 0)
        socket->local = wherry__sim_name_any(socket->family);
    else
        wherry__sim_name_set_port(&socket->local, 0); /* the address outlived its port */
    result = enter_local(socket);
    if (result < 0)
        socket->local = former;
    return result;
}

int wherry__sim_source_for(const wherry__sim_socket *socket, const wherry__sim_name *remote,
                           wherry__sim_name *source)
{
    if (socket->only_v6 && remote->any.sa_family == AF_INET)
        return -ENETUNREACH;
    *source = wherry__sim_host_source(socket->host, &remote->any);
    if (source->size == 0)
        return -ENETUNREACH;
    if (socket->local.size == 0 || wherry__sim_name_is_any(&socket->local))
        return 0;
    if (socket->local.any.sa_family != remote->any.sa_family)
        return -ENETUNREACH;
    if (wherry__sim_name_is_loopback(&socket->local) &&
        !wherry__sim_host_has(socket->host, &remote->any))
        return -EINVAL;
    *source = socket->local;
    return 0;
}

static int connect_unbound(wherry__sim_socket *socket)
{
    if (socket->kind == WHERRY__SIM_TCP) {
        if (!choose_port(socket, connection_in_conflict))
            return -EADDRNOTAVAIL;
        socket->port_shared = true;
    } else if (!choose_port(socket, strictly_in_conflict)) {
        return -EAGAIN;
    }
    enter(socket);
    return 0;
}

static int connect_bound(wherry__sim_socket *socket, uint16_t port)
{
    wherry__sim_name_set_port(&socket->local, port);
    if (socket->kind == WHERRY__SIM_TCP &&
        wherry__sim_find_connected(socket->host, socket->kind, &socket->local, &socket->remote))
        return -EADDRNOTAVAIL;
    return 0;
}

int wherry__sim_bind_for(wherry__sim_socket *socket, const wherry__sim_name *remote)
{
    wherry__sim_name local = socket->local, former = socket->remote, target = *remote, source;
    int result;

    if (socket->family == AF_UNIX)
        return 0;
    result = wherry__sim_source_for(socket, &target, &source);
    if (result < 0)
        return result;
    socket->local = source;
    socket->remote = target;
    result = socket->is_bound ? connect_bound(socket, wherry__sim_name_port(&local))
                              : connect_unbound(socket);
    if (result < 0) {
        socket->local = local;
        socket->remote = former;
        return result;
    }
    wherry__link_remove(&socket->paired);
    wherry__list_append(wherry__sim_pair_list(socket->host->ports, &socket->local, &target),
                        &socket->paired);
    return 0;
}

void wherry__sim_unbind_from(wherry__sim_socket *socket)
{
    uint16_t port;

    if (socket->family == AF_UNIX || !socket->is_bound)
        return;
    wherry__link_remove(&socket->paired);
    socket->remote.size = 0;
    if (!socket->port_given) {
        wherry__sim_unbind(socket);
    } else if (!socket->address_given) {
        port = port_of(socket);
        socket->local = wherry__sim_name_any(socket->family);
        wherry__sim_name_set_port(&socket->local, port);
    }
}

/* A Unix one has the listener's name without being found under it. */
int wherry__sim_bind_accepted(wherry__sim_socket *socket, const wherry__sim_name *local)
{
    socket->local = *local;
    socket->is_bound = true;
    if (socket->family == AF_UNIX)
        return 0;
    socket->port_given = socket->address_given = true;
    wherry__list_append(&socket->host->ports->accepted[port_of(socket) % WHERRY__SIM_PORT_LISTS],
                        &socket->bound);
    wherry__list_append(wherry__sim_pair_list(socket->host->ports, &socket->local, &socket->remote),
                        &socket->paired);
    return 0;
}

void wherry__sim_unbind(wherry__sim_socket *socket)
{
    if (socket->family == AF_UNIX && socket->is_bound)
        wherry__sim_unbind_local(socket);
    wherry__link_remove(&socket->bound);
    wherry__link_remove(&socket->paired);
    socket->is_bound = socket->port_given = socket->address_given = false;
    socket->port_shared = false;
    socket->local.size = 0;
}
