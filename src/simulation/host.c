/* Host: its making, and its descriptors. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/options.h"
#include "simulation/directory.h"
#include "simulation/program.h"
#include "simulation/world.h"

#define DESCRIPTORS_DEFAULT 20000
#define FIRST_DESCRIPTOR 3
#define FIRST_ROOM 16
#define FIRST_PORT 32768
#define LAST_PORT 60999
#define DRIFT_MAX 100000

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
    wherry__link_init(&host->questions);
    wherry__link_init(&host->second_answers);
    for (size_t i = 0; i < 2; i++) {
        wherry__link_init(&host->ways[i]);
        wherry__link_init(&host->rules[i]);
    }
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
    if (wherry__sim_ports_new(host) < 0 || wherry__sim_host_list(host) < 0) {
        wherry__sim_ports_free(host);
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
    wherry__sim_host_unlist(host);
    wherry__sim_ports_free(host);
    wherry__memory_give(memory, host->descriptors,
                        host->descriptor_room * sizeof(*host->descriptors));
    wherry__link_remove(&host->link);
    wherry__memory_give(memory, host, sizeof(*host));
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
    return options->name == NULL ? WHERRY_OK : wherry__sim_check_name(options->name);
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
    result = wherry__sim_check_addresses(text, addresses, count);
    if (result == WHERRY_OK)
        result = wherry__sim_check_others(world, options.name == NULL ? first : options.name,
                                          addresses, count);
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
