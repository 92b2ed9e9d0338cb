/* Names of sockets: taken from programs and given to them as the kernel does it, compared and
 * converted. Inside of the world an IPv4 address is always one of AF_INET: IPv4-mapped ones exist
 * only in what programs on IPv6 sockets see, so that sockets of both families meet. */
#include <errno.h>
#include <string.h>

#include "base/size.h"
#include "simulation/ports.h"

#define UNNAMED_SIZE ((socklen_t)offsetof(struct sockaddr_un, sun_path))

/* The kernel takes the shorter sockaddr_in6 of RFC 2133, which has no scope. */
#define SHORT_V6_SIZE ((socklen_t)offsetof(struct sockaddr_in6, sin6_scope_id))

/* --- what a name says */

bool wherry__sim_name_is_any(const wherry__sim_name *name)
{
    if (name->any.sa_family == AF_INET)
        return name->v4.sin_addr.s_addr == htonl(INADDR_ANY);
    return name->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&name->v6.sin6_addr);
}

bool wherry__sim_name_is_loopback(const wherry__sim_name *name)
{
    if (name->any.sa_family == AF_INET)
        return ntohl(name->v4.sin_addr.s_addr) >> 24 == 127;
    return name->any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&name->v6.sin6_addr);
}

bool wherry__sim_name_is_multicast(const wherry__sim_name *name)
{
    if (name->any.sa_family == AF_INET)
        return IN_MULTICAST(ntohl(name->v4.sin_addr.s_addr));
    return name->any.sa_family == AF_INET6 && IN6_IS_ADDR_MULTICAST(&name->v6.sin6_addr);
}

uint16_t wherry__sim_name_port(const wherry__sim_name *name)
{
    return ntohs(name->any.sa_family == AF_INET ? name->v4.sin_port : name->v6.sin6_port);
}

void wherry__sim_name_set_port(wherry__sim_name *name, uint16_t port)
{
    if (name->any.sa_family == AF_INET)
        name->v4.sin_port = htons(port);
    else
        name->v6.sin6_port = htons(port);
}

wherry__sim_name wherry__sim_name_any(int family)
{
    wherry__sim_name name = { .size = sizeof(struct sockaddr_in) };

    if (family == AF_INET6)
        name.size = sizeof(struct sockaddr_in6);
    name.any.sa_family = (sa_family_t)family;
    return name;
}

/* Of two scopes only given ones can differ. */
static bool scopes_agree(uint32_t one, uint32_t other)
{
    return one == 0 || other == 0 || one == other;
}

bool wherry__sim_addresses_equal(const wherry__sim_name *one, const wherry__sim_name *other)
{
    if (one->any.sa_family != other->any.sa_family)
        return false;
    if (one->any.sa_family == AF_INET)
        return one->v4.sin_addr.s_addr == other->v4.sin_addr.s_addr;
    return IN6_ARE_ADDR_EQUAL(&one->v6.sin6_addr, &other->v6.sin6_addr) &&
           scopes_agree(one->v6.sin6_scope_id, other->v6.sin6_scope_id);
}

bool wherry__sim_names_equal(const wherry__sim_name *one, const wherry__sim_name *other)
{
    if (one->size == 0 || other->size == 0)
        return one->size == other->size;
    if (one->any.sa_family == AF_UNIX)
        return one->size == other->size && memcmp(one->bytes, other->bytes, one->size) == 0;
    return wherry__sim_addresses_equal(one, other) &&
           wherry__sim_name_port(one) == wherry__sim_name_port(other);
}

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    return hash;
}

uint64_t wherry__sim_name_hash(const wherry__sim_name *name, uint64_t start)
{
    uint64_t hash = start ^ UINT64_C(0xcbf29ce484222325);

    if (name->any.sa_family == AF_INET) {
        hash = hash_bytes(hash, &name->v4.sin_addr, sizeof(name->v4.sin_addr));
        hash = hash_bytes(hash, &name->v4.sin_port, sizeof(name->v4.sin_port));
    } else if (name->any.sa_family == AF_INET6) {
        hash = hash_bytes(hash, &name->v6.sin6_addr, sizeof(name->v6.sin6_addr));
        hash = hash_bytes(hash, &name->v6.sin6_port, sizeof(name->v6.sin6_port));
    }
    return hash ^ hash >> 32;
}

/* --- converted */

static wherry__sim_name plain_of_mapped(const wherry__sim_name *mapped)
{
    wherry__sim_name plain = wherry__sim_name_any(AF_INET);

    plain.v4.sin_port = mapped->v6.sin6_port;
    memcpy(&plain.v4.sin_addr, mapped->v6.sin6_addr.s6_addr + 12, 4);
    return plain;
}

wherry__sim_name wherry__sim_name_as(const wherry__sim_name *name, int family)
{
    wherry__sim_name mapped = wherry__sim_name_any(AF_INET6);

    if (name->size == 0 || name->any.sa_family == family)
        return *name;
    if (family == AF_INET && name->any.sa_family == AF_INET6 &&
        IN6_IS_ADDR_V4MAPPED(&name->v6.sin6_addr))
        return plain_of_mapped(name);
    if (family != AF_INET6 || name->any.sa_family != AF_INET)
        return *name;
    mapped.v6.sin6_port = name->v4.sin_port;
    mapped.v6.sin6_addr.s6_addr[10] = mapped.v6.sin6_addr.s6_addr[11] = 0xff;
    memcpy(mapped.v6.sin6_addr.s6_addr + 12, &name->v4.sin_addr, 4);
    return mapped;
}

wherry__sim_name wherry__sim_name_of(const wherry__sim_socket *socket)
{
    wherry__sim_name name = { .size = UNNAMED_SIZE };

    if (socket->local.size > 0)
        return wherry__sim_name_as(&socket->local, socket->family);
    if (socket->family != AF_UNIX)
        return wherry__sim_name_any(socket->family);
    name.any.sa_family = AF_UNIX;
    return name;
}

/* A socket that is bound to an address reaches that one, any other the loopback address. */
wherry__sim_name wherry__sim_name_reached(const wherry__sim_socket *socket,
                                          const wherry__sim_name *name)
{
    wherry__sim_name reached = *name;

    if (!wherry__sim_name_is_any(name))
        return reached;
    if (name->any.sa_family == AF_INET6)
        reached.v6.sin6_addr = in6addr_loopback;
    else if (socket->local.size > 0 && socket->local.any.sa_family == AF_INET)
        reached.v4.sin_addr = socket->local.v4.sin_addr;
    if (wherry__sim_name_is_any(&reached))
        reached.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return reached;
}

/* --- taken and given */

static int take_v4(const struct sockaddr *given, socklen_t size, wherry__sim_name *name)
{
    struct sockaddr_in whole;

    if (size < sizeof(struct sockaddr_in))
        return -EINVAL;
    if (given->sa_family != AF_INET)
        return -EAFNOSUPPORT;
    memcpy(&whole, given, sizeof(whole));
    *name = wherry__sim_name_any(AF_INET);
    name->v4.sin_addr = whole.sin_addr;
    name->v4.sin_port = whole.sin_port;
    return 0;
}

static int take_v6(const struct sockaddr *given, socklen_t size, wherry__sim_name *name)
{
    struct sockaddr_in6 whole = { 0 };

    if (size < SHORT_V6_SIZE)
        return -EINVAL;
    if (given->sa_family != AF_INET6)
        return -EAFNOSUPPORT;
    memcpy(&whole, given, wherry__size_min(size, sizeof(whole)));
    *name = wherry__sim_name_any(AF_INET6);
    name->v6.sin6_addr = whole.sin6_addr;
    name->v6.sin6_port = whole.sin6_port;
    if (IN6_IS_ADDR_LINKLOCAL(&whole.sin6_addr))
        name->v6.sin6_scope_id = whole.sin6_scope_id;
    if (IN6_IS_ADDR_V4MAPPED(&name->v6.sin6_addr))
        *name = plain_of_mapped(name);
    return 0;
}

/* A path ends at its first NUL, and its size counts that, given or not; an abstract name is all of
 * the bytes. */
static int take_local(const struct sockaddr *given, socklen_t size, wherry__sim_name *name)
{
    if (size <= UNNAMED_SIZE || size > sizeof(struct sockaddr_un) || given->sa_family != AF_UNIX)
        return -EINVAL;
    *name = (wherry__sim_name){ .size = size };
    memcpy(name->bytes, given, size);
    if (name->local.sun_path[0] != '\0')
        name->size = (socklen_t)(UNNAMED_SIZE + strlen(name->bytes + UNNAMED_SIZE) + 1);
    return 0;
}

int wherry__sim_name_take(const wherry__sim_socket *socket, const struct sockaddr *given,
                          socklen_t size, wherry__sim_name *name)
{
    if (size < sizeof(given->sa_family) || size > sizeof(struct sockaddr_storage))
        return -EINVAL;
    if (given->sa_family == AF_UNSPEC && socket->kind != WHERRY__SIM_UNIX_STREAM &&
        socket->kind != WHERRY__SIM_UNIX_SEQPACKET) {
        *name = (wherry__sim_name){ .size = sizeof(given->sa_family) };
        return 0;
    }
    if (socket->family == AF_UNIX)
        return take_local(given, size, name);
    if (socket->family == AF_INET ||
        (socket->kind == WHERRY__SIM_UDP && given->sa_family == AF_INET))
        return take_v4(given, size, name);
    return take_v6(given, size, name);
}

void wherry__sim_name_give(const wherry__sim_name *name, struct sockaddr *place, socklen_t *size)
{
    if (size == NULL)
        return;
    if (place != NULL)
        memcpy(place, name->bytes, wherry__size_min(*size, name->size));
    *size = name->size;
}
