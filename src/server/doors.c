/* Doors: the addresses that a server listens on. An endpoint may stand for two of them, which then
 * share a port. */
#include "server/server.h"

#include <wherry/error.h>

#include "base/error.h"
#include "base/options.h"
#include "base/probe.h"

/* How often a port that the kernel chose for the first of two addresses is given up because the
 * second one's is taken. */
#define PORT_TRIES 16

int wherry__server_add_door(wherry_server *server, const wherry__server_door *door)
{
    size_t room = server->door_room == 0 ? 4 : server->door_room * 2;
    wherry__server_door *grown;

    if (server->door_count == server->door_room) {
        grown = wherry__memory_resize(wherry__loop_memory(server->loop), server->doors,
                                      server->door_room * sizeof(*grown), room * sizeof(*grown));
        if (grown == NULL)
            return WHERRY_E_NO_MEMORY;
        server->doors = grown;
        server->door_room = room;
    }
    server->doors[server->door_count++] = *door;
    return WHERRY_OK;
}

static int add_doors(wherry_server *server, const wherry_endpoint *endpoint)
{
    int result = WHERRY_OK;

    if (endpoint->count == 0)
        return wherry__server_add_name(server, endpoint);
    for (size_t i = 0; i < endpoint->count && result == WHERRY_OK; i++) {
        const wherry__server_door door = { .transport = endpoint->transport,
                                           .address = endpoint->addresses[i],
                                           .paired = i > 0 };

        result = wherry__server_add_door(server, &door);
    }
    return result;
}

int wherry__server_read_endpoints(wherry_server *server, const char *endpoints)
{
    wherry_endpoint endpoint;
    size_t position = 0;
    int result;

    while ((result = wherry_endpoint_next(&endpoint, endpoints, &position)) > 0) {
        result = add_doors(server, &endpoint);
        if (result < 0)
            return result;
    }
    if (result == 0 && server->door_count == 0 && server->name_count == 0)
        return wherry__fail(WHERRY_E_MISUSE, "option endpoints: there is none in it");
    return result;
}

static int open_door(wherry_server *server, wherry__server_door *door, uint16_t port)
{
    wherry_address address = door->address;
    wherry_listener_options options = { .size = sizeof(options),
                                        .result = &door->listener,
                                        .loop = server->loop,
                                        .address = &address,
                                        .events = &server->events,
                                        .backlog = server->options.backlog,
                                        .reuse_port = server->options.reuse_port &&
                                                      address.family != WHERRY_FAMILY_UNIX,
                                        .socket = &server->socket.options,
                                        .accepted_per_pass = server->options.accepted_per_pass,
                                        .stream = &server->stream };
    int result;

    if (port != 0)
        address.port = port;
    result = wherry_listener_new_with(&options);
    if (result == WHERRY_OK)
        wherry_listener_pause(door->listener);
    return result;
}

static void close_door(wherry__server_door *door)
{
    wherry_listener_free(door->listener);
    door->listener = NULL;
}

static uint16_t port_of(const wherry__server_door *door)
{
    wherry_address address;

    wherry_listener_address(door->listener, &address);
    return address.port;
}

/* The second door takes the port that the first has got from the kernel, if it was left to it. */
static int open_second(wherry_server *server, wherry__server_door *first)
{
    wherry__server_door *second = first + 1;
    int result = open_door(server, second, port_of(first));

    for (int i = 0; result == WHERRY_E_ADDRESS_IN_USE && first->address.port == 0 && i < PORT_TRIES;
         i++) {
        WHERRY__PROBE("server.doors.second-port-taken");
        close_door(first);
        result = open_door(server, first, 0);
        if (result == WHERRY_OK)
            result = open_door(server, second, port_of(first));
    }
    return result;
}

/* Whether a door could not be opened because the machine does not have its family, or not its
 * addresses. */
static bool is_absent(int result)
{
    return result == WHERRY_E_UNSUPPORTED || result == WHERRY_E_NO_ADDRESS;
}

/* Both families of an endpoint; where the machine has but one of them, that one serves alone. */
static int open_pair(wherry_server *server, wherry__server_door *first)
{
    int result = open_door(server, first, 0);

    WHERRY__PROBE_IF(is_absent(result), "server.doors.family-absent");
    if (is_absent(result))
        return open_door(server, first + 1, 0);
    if (result == WHERRY_OK)
        result = open_second(server, first);
    return is_absent(result) ? WHERRY_OK : result;
}

static bool is_pair(const wherry_server *server, size_t index)
{
    return index + 1 < server->door_count && server->doors[index + 1].paired;
}

/* All doors of a name, the first of which has this index; those of a family that the machine does
 * not have are done without, if there are others. *index is then behind them. */
static int open_named(wherry_server *server, size_t *index)
{
    size_t name = server->doors[*index].of_name;
    bool is_open = false;
    int result = WHERRY_OK;
    int absent = WHERRY_OK;

    for (; *index < server->door_count && server->doors[*index].of_name == name; ++*index) {
        result = open_door(server, &server->doors[*index], 0);
        if (result < 0 && !is_absent(result))
            return result;
        is_open = is_open || result == WHERRY_OK;
        absent = result < 0 ? result : absent;
    }
    return is_open ? WHERRY_OK : absent;
}

static void forget_absent(wherry_server *server)
{
    size_t kept = 0;

    for (size_t i = 0; i < server->door_count; i++)
        if (server->doors[i].listener != NULL)
            server->doors[kept++] = server->doors[i];
    server->door_count = kept;
}

int wherry__server_open_doors(wherry_server *server)
{
    int result = WHERRY_OK;

    for (size_t i = 0; i < server->door_count && result == WHERRY_OK;) {
        size_t doors = is_pair(server, i) ? 2 : 1;

        if (server->doors[i].of_name > 0) {
            result = open_named(server, &i);
            continue;
        }
        result = doors == 2 ? open_pair(server, &server->doors[i])
                            : open_door(server, &server->doors[i], 0);
        i += doors;
    }
    if (result == WHERRY_OK)
        forget_absent(server);
    for (size_t i = 0; i < server->door_count; i++) {
        WHERRY__PROBE_IF(result < 0, "server.doors.not-all-opened");
        if (result < 0 && server->doors[i].listener != NULL)
            close_door(&server->doors[i]);
        else if (result == WHERRY_OK)
            wherry_listener_address(server->doors[i].listener, &server->doors[i].address);
    }
    return result;
}

void wherry__server_let_in(wherry_server *server, bool in)
{
    for (size_t i = 0; i < server->door_count; i++) {
        if (server->doors[i].listener == NULL)
            continue;
        if (in)
            wherry_listener_resume(server->doors[i].listener);
        else
            wherry_listener_pause(server->doors[i].listener);
    }
}

void wherry__server_close_doors(wherry_server *server)
{
    for (size_t i = 0; i < server->door_count; i++)
        if (server->doors[i].listener != NULL)
            close_door(&server->doors[i]);
}

/* --- what the server tells of them */

size_t wherry_server_endpoint_count(const wherry_server *server)
{
    return server->door_count;
}

ssize_t wherry_server_endpoint(const wherry_server *server, size_t index, char *text, size_t size)
{
    if (index >= server->door_count)
        return wherry__fail(WHERRY_E_NOT_FOUND, "there are %zu endpoints", server->door_count);
    return (ssize_t)wherry_endpoint_format(server->doors[index].transport,
                                           &server->doors[index].address, text, size);
}

int wherry_server_address(const wherry_server *server, size_t index, wherry_address *address)
{
    if (index >= server->door_count)
        return wherry__fail(WHERRY_E_NOT_FOUND, "there are %zu endpoints", server->door_count);
    *address = server->doors[index].address;
    return WHERRY_OK;
}
