/* Host: its addresses, its descriptors, and its power. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/options.h"
#include "simulation/program.h"
#include "simulation/world.h"

#define DESCRIPTORS_DEFAULT 20000
#define FIRST_DESCRIPTOR 3
#define FIRST_ROOM 16
#define FIRST_PORT 32768
#define LAST_PORT 60999
#define DRIFT_MAX 100000

/* --- addresses */

static bool parse_one(const char *text, size_t length, wherry__sim_name *address)
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
        if (!parse_one(text, length, &addresses[count++]))
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

wherry__sim_host *wherry__sim_host_at(wherry__sim_host *host, const struct sockaddr *name)
{
    wherry__link *list = &host->world->hosts;

    if (wherry__sim_host_has(host, name))
        return host;
    for (wherry__link *link = list->next; link != list; link = link->next) {
        wherry__sim_host *other = WHERRY__OWNER(link, wherry__sim_host, link);

        if (wherry__sim_host_has(other, name))
            return other;
    }
    return NULL;
}

wherry__sim_host *wherry__sim_host_named(const wherry_simulation *world, const char *name)
{
    const wherry__link *list = &world->hosts;
    wherry__sim_name address;
    const bool is_address = parse_one(name, strlen(name), &address);

    if (is_address && is_loopback(&address.any))
        return NULL;
    for (const wherry__link *link = list->next; link != list; link = link->next) {
        wherry__sim_host *host = WHERRY__OWNER(link, wherry__sim_host, link);

        if (is_address ? wherry__sim_host_has(host, &address.any)
                       : strcasecmp(host->name, name) == 0)
            return host;
    }
    return NULL;
}

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

/* --- descriptors */

static int grow(wherry__sim_host *host)
{
    wherry_memory *memory = wherry__sim_memory(host->world);
    const size_t room = host->descriptor_room == 0 ? FIRST_ROOM : host->descriptor_room * 2;
    wherry__sim_socket **grown = wherry__memory_resize(
        memory, host->descriptors, host->descriptor_room * sizeof(*host->descriptors),
        room * sizeof(*host->descriptors));

    if (grown == NULL)
        return -ENOMEM;
    memset(grown + host->descriptor_room, 0,
           (room - host->descriptor_room) * sizeof(*host->descriptors));
    host->descriptors = grown;
    host->descriptor_room = room;
    return 0;
}

int wherry__sim_descriptor_take(wherry__sim_host *host, wherry__sim_socket *socket)
{
    size_t number = host->descriptor_hint;
    int result = 0;

    if (host->descriptor_count >= host->descriptors_max)
        return -EMFILE;
    while (number < host->descriptor_room && host->descriptors[number] != NULL)
        number++;
    if (number >= host->descriptor_room)
        result = grow(host);
    if (result < 0)
        return result;
    host->descriptors[number] = socket;
    host->descriptor_count++;
    host->descriptor_hint = number + 1;
    socket->descriptor = (int)number;
    socket->owner = host->world->running;
    return (int)number;
}

wherry__sim_socket *wherry__sim_descriptor_find(const wherry__sim_host *host, int descriptor)
{
    wherry__sim_socket *socket;

    if (descriptor < 0 || (size_t)descriptor >= host->descriptor_room)
        return NULL;
    socket = host->descriptors[descriptor];
    return socket != NULL && socket->owner == host->world->running ? socket : NULL;
}

void wherry__sim_descriptor_close(wherry__sim_socket *socket)
{
    wherry__sim_host *host = socket->host;
    const size_t number = (size_t)socket->descriptor;

    host->descriptors[number] = NULL;
    host->descriptor_count--;
    if (number < host->descriptor_hint)
        host->descriptor_hint = number;
    socket->descriptor = -1;
    socket->owner = NULL;
    wherry__sim_watches_drop(socket);
    socket->class->close(socket);
}

/* --- making one */

static void init(wherry__sim_host *host, wherry_simulation *world)
{
    host->world = world;
    host->on = true;
    host->descriptors_max = DESCRIPTORS_DEFAULT;
    host->descriptor_hint = FIRST_DESCRIPTOR;
    host->first_port = FIRST_PORT;
    host->last_port = LAST_PORT;
    host->started = world->now;
    wherry__link_init(&host->sockets);
    wherry__link_init(&host->programs);
    wherry__link_init(&host->pollers);
    wherry__sim_system_init(host);
}

wherry__sim_host *wherry__sim_host_make(wherry_simulation *world, const char *name,
                                        const wherry__sim_name *addresses, size_t count)
{
    wherry__sim_host *host = wherry__memory_take(wherry__sim_memory(world), sizeof(*host));

    if (host == NULL)
        return NULL;
    init(host, world);
    (void)snprintf(host->name, sizeof(host->name), "%s", name);
    memcpy(host->addresses, addresses, count * sizeof(*addresses));
    host->address_count = count;
    (void)inet_ntop(addresses->any.sa_family,
                    addresses->any.sa_family == AF_INET ? (const void *)&addresses->v4.sin_addr
                                                        : (const void *)&addresses->v6.sin6_addr,
                    host->text, sizeof(host->text));
    wherry__sim_chance_init(&host->chance, world->seed, "host", host->name, &world->choices);
    if (wherry__sim_ports_new(host) < 0) {
        wherry__memory_give(wherry__sim_memory(world), host, sizeof(*host));
        return NULL;
    }
    wherry__list_append(&world->hosts, &host->link);
    return host;
}

/* Its programs are discarded already, and its sockets have vanished. */
void wherry__sim_host_free(wherry__sim_host *host)
{
    wherry_memory *memory = wherry__sim_memory(host->world);
    wherry__link *link;

    while ((link = wherry__list_take(&host->programs)) != NULL)
        wherry__memory_give(memory, WHERRY__OWNER(link, wherry__sim_program, link),
                            sizeof(wherry__sim_program));
    wherry__sim_ports_free(host);
    wherry__memory_give(memory, host->descriptors,
                        host->descriptor_room * sizeof(*host->descriptors));
    wherry__link_remove(&host->link);
    wherry__memory_give(memory, host, sizeof(*host));
}

/* A name that is no address, nor means more than one host where two are named. */
static bool is_name(const char *name)
{
    wherry__sim_name address;

    return name[0] != '\0' && strlen(name) < sizeof(((wherry__sim_host *)0)->name) &&
           strpbrk(name, " *>") == NULL && !parse_one(name, strlen(name), &address);
}

static int check_options(const wherry_simulation_host_options *options)
{
    if (options->clock_offset < 0)
        return wherry__fail(WHERRY_E_MISUSE, "option clock_offset: it is negative");
    if (options->drift < -DRIFT_MAX || options->drift > DRIFT_MAX)
        return wherry__fail(WHERRY_E_MISUSE, "option drift: not between %d and %d millionths",
                            -DRIFT_MAX, DRIFT_MAX);
    if (options->first_port > options->last_port ||
        (options->first_port == 0) != (options->last_port == 0))
        return wherry__fail(WHERRY_E_MISUSE, "options first_port, last_port: no range");
    if (options->name != NULL && !is_name(options->name))
        return wherry__fail(WHERRY_E_MISUSE,
                            "option name: empty, longer than %zu bytes, an address, or with one "
                            "of \" *>\"",
                            sizeof(((wherry__sim_host *)0)->name) - 1);
    return WHERRY_OK;
}

static int check_addresses(const char *text, const wherry__sim_name *addresses, int count)
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

static int check_others(wherry_simulation *world, const wherry__sim_name *addresses, int count,
                        const char *name)
{
    wherry__link *list = &world->hosts;

    for (wherry__link *link = list->next; link != list; link = link->next) {
        const wherry__sim_host *host = WHERRY__OWNER(link, wherry__sim_host, link);

        if (strcasecmp(host->name, name) == 0)
            return wherry__fail(WHERRY_E_EXISTS, "there is a host %s", name);
        for (int i = 0; i < count; i++)
            if (wherry__sim_host_has(host, &addresses[i].any))
                return wherry__fail(WHERRY_E_EXISTS, "host %s has that address", host->name);
    }
    return WHERRY_OK;
}

static void apply(wherry__sim_host *host, const wherry_simulation_host_options *options)
{
    if (options->clock_offset != 0)
        host->clock_offset = options->clock_offset;
    if (options->wall_offset != 0)
        host->wall_offset = options->wall_offset;
    if (options->drift != 0)
        host->drift = options->drift;
    if (options->descriptors != 0)
        host->descriptors_max = options->descriptors;
    if (options->first_port != 0) {
        host->first_port = options->first_port;
        host->last_port = options->last_port;
    }
}

int wherry_simulation_host_with(wherry_simulation *world, const char *text,
                                const wherry_simulation_host_options *given)
{
    wherry_simulation_host_options options;
    wherry__sim_name addresses[WHERRY__SIM_ADDRESSES];
    char first[INET6_ADDRSTRLEN];
    wherry__sim_host *host;
    int result = WHERRY__OPTIONS_COPY(&options, given);
    int count;

    if (result == WHERRY_OK)
        result = world == NULL || text == NULL
                     ? wherry__fail(WHERRY_E_MISUSE, "no world or no host")
                     : check_options(&options);
    if (result == WHERRY_OK)
        result = wherry__sim_changeable(world);
    if (result < 0)
        return result;
    count = wherry__sim_parse_addresses(text, addresses);
    if (count < 0)
        return count;
    (void)snprintf(first, sizeof(first), "%.*s", (int)strcspn(text + strspn(text, " "), " "),
                   text + strspn(text, " "));
    result = check_addresses(text, addresses, count);
    if (result == WHERRY_OK)
        result = check_others(world, addresses, count, options.name == NULL ? first : options.name);
    if (result < 0)
        return result;
    host = wherry__sim_host_make(world, options.name == NULL ? first : options.name, addresses,
                                 (size_t)count);
    if (host == NULL)
        return WHERRY_E_NO_MEMORY;
    wherry__sim_swarm_clocks(host);
    apply(host, &options);
    return WHERRY_OK;
}

wherry_system *wherry_simulation_system(wherry_simulation *world, const char *name)
{
    wherry__sim_host *host = world == NULL || name == NULL ? NULL
                                                           : wherry__sim_host_named(world, name);

    if (host == NULL)
        (void)wherry__fail(WHERRY_E_INVALID, "there is no such host");
    return host == NULL ? NULL : &host->system;
}
