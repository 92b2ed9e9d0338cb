/* Directory: the hosts of a world by their addresses and names. Both are found by tables, so that
 * what a packet or a new host costs does not depend on how many others there are. */
#include "simulation/directory.h"

#include <arpa/inet.h>
#include <string.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/log.h"
#include "simulation/host_name.h"

/* --- addresses */

bool wherry__sim_parse_address(const char *text, size_t length, wherry__sim_name *address)
{
    char copy[INET6_ADDRSTRLEN];

    *address = (wherry__sim_name){ .size = 0 };
    if (length == 0 || length >= sizeof(copy))
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (inet_pton(AF_INET, copy, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->size = sizeof(address->v4);
        return true;
    }
    *address = (wherry__sim_name){ .size = 0 };
    if (inet_pton(AF_INET6, copy, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->size = sizeof(address->v6);
        return true;
    }
    return false;
}

int wherry__sim_parse_addresses(const char *text, wherry__sim_name *addresses)
{
    int count = 0;

    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
        const size_t length = strcspn(text, " ");

        if (count == WHERRY__SIM_ADDRESSES)
            return wherry__fail(WHERRY_E_INVALID, "more than %d addresses", WHERRY__SIM_ADDRESSES);
        if (!wherry__sim_parse_address(text, length, &addresses[count++]))
            return wherry__fail(WHERRY_E_INVALID, "\"%.*s\" is no numeric address", (int)length,
                                text);
        text += length;
    }
    return count;
}

static bool is_loopback(const struct sockaddr *name)
{
    const struct sockaddr_in *v4 = (const void *)name;
    const struct sockaddr_in6 *v6 = (const void *)name;

    if (name->sa_family == AF_INET)
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    if (name->sa_family != AF_INET6)
        return false;
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && v6->sin6_addr.s6_addr[12] == 127);
}

/* An address that no host can have as its own, nor send to. */
static bool is_no_host(const struct sockaddr *name)
{
    const struct sockaddr_in *v4 = (const void *)name;
    const struct sockaddr_in6 *v6 = (const void *)name;

    if (is_loopback(name))
        return true;
    if (name->sa_family == AF_INET)
        return v4->sin_addr.s_addr == htonl(INADDR_ANY) ||
               v4->sin_addr.s_addr == htonl(INADDR_BROADCAST) ||
               IN_MULTICAST(ntohl(v4->sin_addr.s_addr));
    return IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr) || IN6_IS_ADDR_MULTICAST(&v6->sin6_addr) ||
           IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
}

/* The IPv4 address that stands in one, mapped or not; NULL: it is IPv6. */
static const struct in_addr *as_v4(const struct sockaddr *name)
{
    const struct sockaddr_in *v4 = (const void *)name;
    const struct sockaddr_in6 *v6 = (const void *)name;

    if (name->sa_family == AF_INET)
        return &v4->sin_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        return (const void *)&v6->sin6_addr.s6_addr[12];
    return NULL;
}

static bool same_address(const struct sockaddr *one, const struct sockaddr *other)
{
    const struct in_addr *first = as_v4(one);
    const struct in_addr *second = as_v4(other);

    if (first != NULL || second != NULL)
        return first != NULL && second != NULL && memcmp(first, second, sizeof(*first)) == 0;
    return memcmp(&((const struct sockaddr_in6 *)(const void *)one)->sin6_addr,
                  &((const struct sockaddr_in6 *)(const void *)other)->sin6_addr,
                  sizeof(struct in6_addr)) == 0;
}

static bool is_internet(const struct sockaddr *name)
{
    return name->sa_family == AF_INET || name->sa_family == AF_INET6;
}

bool wherry__sim_host_has(const wherry__sim_host *host, const struct sockaddr *name)
{
    if (!is_internet(name))
        return false;
    if (is_loopback(name))
        return true;
    for (size_t i = 0; i < host->address_count; i++)
        if (same_address(&host->addresses[i].any, name))
            return true;
    return false;
}

/* --- finding hosts */

static const uint8_t *key_of(const struct sockaddr *name, struct in6_addr *key)
{
    const struct in_addr *v4 = as_v4(name);

    if (v4 == NULL)
        return ((const struct sockaddr_in6 *)(const void *)name)->sin6_addr.s6_addr;
    memset(key, 0, sizeof(*key));
    memset(&key->s6_addr[10], 0xff, 2);
    memcpy(&key->s6_addr[12], v4, sizeof(*v4));
    return key->s6_addr;
}

static wherry__sim_host *find_address(const wherry_simulation *world, const struct sockaddr *name)
{
    struct in6_addr key;
    wherry__table_entry *found = wherry__table_find(
        &world->by_address, wherry_bytes_at(key_of(name, &key), sizeof(key)));

    return found == NULL ? NULL : WHERRY__OWNER(found, wherry__sim_listing, entry)->host;
}

static wherry__sim_host *find_name(const wherry_simulation *world, const char *name)
{
    char key[sizeof(((wherry__sim_host *)0)->name)];
    wherry__table_entry *found;

    if (strlen(name) >= sizeof(key))
        return NULL;
    wherry__sim_name_fold(key, name);
    found = wherry__table_find(&world->by_name, wherry_text(key));
    return found == NULL ? NULL : WHERRY__OWNER(found, wherry__sim_host, by_name);
}

wherry__sim_host *wherry__sim_host_at(wherry__sim_host *host, const struct sockaddr *name)
{
    if (wherry__sim_host_has(host, name))
        return host;
    return is_internet(name) ? find_address(host->world, name) : NULL;
}

wherry__sim_host *wherry__sim_host_named(const wherry_simulation *world, const char *name)
{
    wherry__sim_name address;

    if (!wherry__sim_parse_address(name, strlen(name), &address))
        return find_name(world, name);
    return is_loopback(&address.any) ? NULL : find_address(world, &address.any);
}

/* --- sources */

static wherry__sim_name loopback_of(int family)
{
    wherry__sim_name name = { .size = 0 };

    if (family == AF_INET) {
        name.v4.sin_family = AF_INET;
        name.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        name.size = sizeof(name.v4);
    } else {
        name.v6.sin6_family = AF_INET6;
        name.v6.sin6_addr = in6addr_loopback;
        name.size = sizeof(name.v6);
    }
    return name;
}

/* To an address of its own a host sends from that address, as Linux does. */
wherry__sim_name wherry__sim_host_source(const wherry__sim_host *host,
                                         const struct sockaddr *remote)
{
    const int family = as_v4(remote) != NULL ? AF_INET : AF_INET6;

    if (is_loopback(remote))
        return loopback_of(family);
    for (size_t i = 0; i < host->address_count; i++)
        if (same_address(&host->addresses[i].any, remote))
            return host->addresses[i];
    for (size_t i = 0; i < host->address_count; i++)
        if (host->addresses[i].any.sa_family == family)
            return host->addresses[i];
    return (wherry__sim_name){ .size = 0 };
}

/* --- entering them */

int wherry__sim_check_addresses(const char *text, const wherry__sim_name *addresses, int count)
{
    for (int i = 0; i < count; i++) {
        if (is_no_host(&addresses[i].any))
            return wherry__fail(WHERRY_E_INVALID, "no host can have \"%s\"", text);
        for (int j = 0; j < i; j++)
            if (same_address(&addresses[i].any, &addresses[j].any))
                return wherry__fail(WHERRY_E_INVALID, "an address twice: \"%s\"", text);
    }
    return count > 0 ? WHERRY_OK : wherry__fail(WHERRY_E_INVALID, "a host without an address");
}

int wherry__sim_check_name(const char *name)
{
    const size_t longest = sizeof(((wherry__sim_host *)0)->name) - 1;
    char shown[80];
    size_t at = 0;
    const char *problem = wherry__sim_name_problem(name, longest, &at);

    if (problem == NULL && wherry__sim_is_localhost(name))
        problem = "localhost is each host itself";
    if (problem == NULL)
        return WHERRY_OK;
    return wherry__fail(WHERRY_E_MISUSE, "option name: %s, at byte %zu of \"%s\"", problem, at,
                        wherry__escape(shown, sizeof(shown), wherry_text(name)));
}

int wherry__sim_check_others(const wherry_simulation *world, const char *name,
                             const wherry__sim_name *addresses, int count)
{
    if (find_name(world, name) != NULL)
        return wherry__fail(WHERRY_E_EXISTS, "there is a host %s", name);
    for (int i = 0; i < count; i++) {
        const wherry__sim_host *other = find_address(world, &addresses[i].any);

        if (other != NULL)
            return wherry__fail(WHERRY_E_EXISTS, "host %s has that address", other->name);
    }
    return WHERRY_OK;
}

static int list_address(wherry__sim_host *host, size_t i)
{
    wherry__sim_listing *listing = &host->listings[i];
    const uint8_t *key = key_of(&host->addresses[i].any, &listing->key);

    listing->host = host;
    return wherry__table_add(&host->world->by_address, &listing->entry,
                             wherry_bytes_at(key, sizeof(listing->key)));
}

static void unlist_addresses(wherry__sim_host *host, size_t count)
{
    for (size_t i = 0; i < count; i++)
        wherry__table_remove(&host->world->by_address, &host->listings[i].entry);
}

int wherry__sim_host_list(wherry__sim_host *host)
{
    size_t listed = 0;
    int result = WHERRY_OK;

    while (result == WHERRY_OK && listed < host->address_count)
        result = list_address(host, listed++);
    if (result < 0) {
        unlist_addresses(host, listed - 1);
        return result;
    }
    wherry__sim_name_fold(host->folded, host->name);
    result = wherry__table_add(&host->world->by_name, &host->by_name, wherry_text(host->folded));
    if (result < 0)
        unlist_addresses(host, listed);
    return result;
}

void wherry__sim_host_unlist(wherry__sim_host *host)
{
    unlist_addresses(host, host->address_count);
    wherry__table_remove(&host->world->by_name, &host->by_name);
}

/* --- all of them */

void wherry__sim_directory_init(wherry_simulation *world)
{
    static const uint8_t key[16]; /* the names are the tester's, and buckets never gone through */

    wherry__table_init(&world->by_name, wherry__sim_memory(world), key);
    wherry__table_init(&world->by_address, wherry__sim_memory(world), key);
}

void wherry__sim_directory_clear(wherry_simulation *world)
{
    wherry__table_clear(&world->by_name);
    wherry__table_clear(&world->by_address);
}
