/* Address: its forms for the system, and equality. Addresses are values with all unused bytes zero;
 * the system's structures are copied rather than cast, since what they point to need not be aligned
 * for them. */
#include <wherry/address.h>

#include <assert.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "base/error.h"
#include "base/size.h"
#include "net/address_text.h"

/* Linux takes a path that fills sun_path without a final zero, and tells one byte more than there
 * is when asked for it back: unix(7), BUGS. That byte is never read, as the caller's structure may
 * end before it. */
#define PATH_AT offsetof(struct sockaddr_un, sun_path)
static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) == WHERRY_ADDRESS_PATH_MAX,
              "the limit of Unix paths is that of the system");

static int from_ipv4(wherry_address *address, const struct sockaddr *name)
{
    struct sockaddr_in in;

    memcpy(&in, name, sizeof(in));
    address->family = WHERRY_FAMILY_IPV4;
    address->port = ntohs(in.sin_port);
    memcpy(address->at.ipv4, &in.sin_addr, sizeof(address->at.ipv4));
    return WHERRY_OK;
}

static int from_ipv6(wherry_address *address, const struct sockaddr *name)
{
    struct sockaddr_in6 in;

    memcpy(&in, name, sizeof(in));
    address->family = WHERRY_FAMILY_IPV6;
    address->port = ntohs(in.sin6_port);
    address->scope = in.sin6_scope_id;
    memcpy(address->at.ipv6, &in.sin6_addr, sizeof(address->at.ipv6));
    return WHERRY_OK;
}

static int from_unix(wherry_address *address, const struct sockaddr *name, size_t size)
{
    const char *path = (const char *)name + PATH_AT;
    size_t length;

    if (size <= PATH_AT)
        return WHERRY_OK; /* it has no name */
    length = size - PATH_AT;
    if (length > WHERRY_ADDRESS_PATH_MAX + (size_t)(path[0] != '\0'))
        return wherry__fail(WHERRY_E_INVALID, "a Unix address of %zu bytes", size);
    length = wherry__size_min(length, WHERRY_ADDRESS_PATH_MAX);
    if (path[0] != '\0')
        length = strnlen(path, length);
    address->family = WHERRY_FAMILY_UNIX;
    address->length = (uint16_t)length;
    memcpy(address->at.path, path, length);
    return WHERRY_OK;
}

/* Fills *address, which is all zero. */
static int from_system(wherry_address *address, const struct sockaddr *name, size_t size)
{
    sa_family_t family;

    if (size < offsetof(struct sockaddr, sa_family) + sizeof(family))
        return wherry__fail(WHERRY_E_INVALID, "a socket address of %zu bytes", size);
    memcpy(&family, (const char *)name + offsetof(struct sockaddr, sa_family), sizeof(family));
    if (family == AF_INET && size >= sizeof(struct sockaddr_in))
        return from_ipv4(address, name);
    if (family == AF_INET6 && size >= sizeof(struct sockaddr_in6))
        return from_ipv6(address, name);
    if (family == AF_UNIX)
        return from_unix(address, name, size);
    if (family == AF_INET || family == AF_INET6)
        return wherry__fail(WHERRY_E_INVALID, "an Internet address of %zu bytes", size);
    return wherry__fail(WHERRY_E_UNSUPPORTED, "addresses of family %u are not supported",
                        (unsigned)family);
}

int wherry_address_from_system(wherry_address *address, const struct sockaddr *name, socklen_t size)
{
    wherry_address found;
    int result = WHERRY_OK;

    if (address == NULL || (name == NULL && size > 0))
        return wherry__fail(WHERRY_E_MISUSE, "wherry_address_from_system: no address is given");
    memset(&found, 0, sizeof(found));
    if (size > 0)
        result = from_system(&found, name, size);
    if (result == WHERRY_OK)
        *address = found;
    return result;
}

static socklen_t to_ipv4(const wherry_address *address, struct sockaddr_storage *storage)
{
    struct sockaddr_in in;

    memset(&in, 0, sizeof(in));
    in.sin_family = AF_INET;
    in.sin_port = htons(address->port);
    memcpy(&in.sin_addr, address->at.ipv4, sizeof(address->at.ipv4));
    memcpy(storage, &in, sizeof(in));
    return sizeof(in);
}

static socklen_t to_ipv6(const wherry_address *address, struct sockaddr_storage *storage)
{
    struct sockaddr_in6 in;

    memset(&in, 0, sizeof(in));
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(address->port);
    in.sin6_scope_id = address->scope;
    memcpy(&in.sin6_addr, address->at.ipv6, sizeof(address->at.ipv6));
    memcpy(storage, &in, sizeof(in));
    return sizeof(in);
}

/* The final zero of a path is counted where there is room for it; an abstract name has none, since
 * each of its bytes matters. */
static socklen_t to_unix(const wherry_address *address, struct sockaddr_storage *storage)
{
    struct sockaddr_un un;
    size_t size = PATH_AT + address->length;

    memset(&un, 0, sizeof(un));
    un.sun_family = AF_UNIX;
    memcpy(un.sun_path, address->at.path, address->length);
    memcpy(storage, &un, sizeof(un));
    if (address->at.path[0] != '\0' && address->length < WHERRY_ADDRESS_PATH_MAX)
        size++;
    return (socklen_t)size;
}

socklen_t wherry_address_to_system(const wherry_address *address, struct sockaddr_storage *storage)
{
    if (storage == NULL)
        return 0;
    memset(storage, 0, sizeof(*storage));
    if (address == NULL || !wherry__address_usable(address))
        return 0;
    if (address->family == WHERRY_FAMILY_IPV4)
        return to_ipv4(address, storage);
    if (address->family == WHERRY_FAMILY_IPV6)
        return to_ipv6(address, storage);
    return to_unix(address, storage);
}

bool wherry__address_usable(const wherry_address *address)
{
    if (address->family == WHERRY_FAMILY_IPV4 || address->family == WHERRY_FAMILY_IPV6)
        return true;
    if (address->family != WHERRY_FAMILY_UNIX || address->length == 0 ||
        address->length > WHERRY_ADDRESS_PATH_MAX)
        return false;
    return address->at.path[0] == '\0' || memchr(address->at.path, '\0', address->length) == NULL;
}

int wherry_address_equal(const wherry_address *one, const wherry_address *other)
{
    if (one == NULL || other == NULL || one->family != other->family)
        return 0;
    switch (one->family) {
    case WHERRY_FAMILY_NONE:
        return 1;
    case WHERRY_FAMILY_IPV4:
        return one->port == other->port && memcmp(one->at.ipv4, other->at.ipv4, 4) == 0;
    case WHERRY_FAMILY_IPV6:
        return one->port == other->port && one->scope == other->scope &&
               memcmp(one->at.ipv6, other->at.ipv6, 16) == 0;
    case WHERRY_FAMILY_UNIX:
        return one->length == other->length && one->length <= WHERRY_ADDRESS_PATH_MAX &&
               memcmp(one->at.path, other->at.path, one->length) == 0;
    default:
        return 0;
    }
}
