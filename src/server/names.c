/* The names among the endpoints of a server: they are looked up at its start, one after the other,
 * and it listens on all addresses that they have. */
#include "server/server.h"

#include <string.h>

#include <wherry/error.h>
#include <wherry/resolve.h>

#include "base/error.h"
#include "base/probe.h"
#include "loop/task.h"
#include "net/lookup.h"

typedef struct search {
    wherry_lookup_events events; /* first */
    wherry_server *server;
    const wherry_address *addresses;
    ssize_t result;
    bool over;
} search;

int wherry__server_add_name(wherry_server *server, const wherry_endpoint *endpoint)
{
    const size_t size = sizeof(*server->names);
    wherry__server_name *grown = wherry__memory_resize(wherry__loop_memory(server->loop),
                                                       server->names, server->name_count * size,
                                                       (server->name_count + 1) * size);
    wherry__server_name *name;

    if (grown == NULL)
        return WHERRY_E_NO_MEMORY;
    server->names = grown;
    name = &grown[server->name_count++];
    name->transport = endpoint->transport;
    name->port = endpoint->port;
    memcpy(name->text, endpoint->name, sizeof(name->text));
    return WHERRY_OK;
}

static void on_resolved(wherry_lookup_events *self, wherry_lookup *lookup, ssize_t result,
                        const wherry_address *addresses)
{
    search *this = WHERRY__OWNER(self, search, events);

    (void)lookup;
    this->over = true;
    this->result = result;
    this->addresses = addresses;
    wherry__wait_wake_all(&this->server->waiters, WHERRY_OK);
}

static int add_doors(wherry_server *server, size_t index, const search *found)
{
    int result = WHERRY_OK;

    for (ssize_t i = 0; i < found->result && result == WHERRY_OK; i++) {
        wherry__server_door door = { .transport = server->names[index].transport,
                                     .address = found->addresses[i],
                                     .of_name = index + 1 };

        door.address.port = server->names[index].port;
        result = wherry__server_add_door(server, &door);
    }
    return result;
}

static int wait_for(wherry_server *server, const search *this)
{
    int result = WHERRY_OK;

    while (result == WHERRY_OK && !this->over && !server->unwanted)
        result = wherry__server_wait_for_change(server, WHERRY_NEVER);
    WHERRY__PROBE_IF(server->unwanted, "server.names.stopped");
    if (result == WHERRY_OK && server->unwanted)
        return wherry__fail(WHERRY_E_CANCELED, "the server was stopped");
    return result;
}

static int look_up(wherry_server *server, size_t index)
{
    search this = { .events.resolved = on_resolved, .server = server };
    wherry_lookup *lookup = NULL;
    int result = wherry_lookup_new(&lookup, .loop = server->loop, .name = server->names[index].text,
                                   .events = &this.events);

    if (result != WHERRY_OK || lookup == NULL)
        return result;
    result = wait_for(server, &this);
    if (result == WHERRY_OK && this.result < 0)
        result = wherry__lookup_fail(lookup);
    if (result == WHERRY_OK)
        result = add_doors(server, index, &this);
    wherry_lookup_free(lookup);
    return result;
}

int wherry__server_look_up(wherry_server *server)
{
    int result = WHERRY_OK;

    if (server->name_count > 0 && wherry__task_running() == NULL)
        return wherry__fail(WHERRY_E_MISUSE,
                            "option endpoints: %.100s has to be looked up, so that only a "
                            "coroutine can start the server",
                            server->names[0].text);
    for (size_t i = 0; i < server->name_count && result == WHERRY_OK; i++)
        result = look_up(server, i);
    if (result < 0)
        wherry__server_drop_named_doors(server);
    return result;
}

/* They are the last ones. */
void wherry__server_drop_named_doors(wherry_server *server)
{
    while (server->door_count > 0 && server->doors[server->door_count - 1].of_name > 0)
        server->door_count--;
}
