/* Socket: what all kinds of simulated sockets share. */
#include "base/size.h"
#include "simulation/world.h"

wherry__sim_socket *wherry__sim_socket_make(wherry__sim_host *host, const wherry__sim_class *class,
                                            wherry__sim_kind kind, size_t size, int family,
                                            int type)
{
    wherry__sim_socket *socket = wherry__memory_take(wherry__sim_memory(host->world), size);

    if (socket == NULL)
        return NULL;
    socket->class = class;
    socket->host = host;
    socket->kind = kind;
    socket->size = size;
    socket->family = family;
    socket->type = type;
    socket->descriptor = -1;
    socket->send_room = host->world->options.send_buffer;
    socket->receive_room = host->world->options.receive_buffer;
    wherry__link_init(&socket->watches);
    wherry__link_init(&socket->bound);
    wherry__link_init(&socket->paired);
    wherry__list_append(&host->sockets, &socket->link);
    return socket;
}

void wherry__sim_socket_free(wherry__sim_socket *socket)
{
    wherry_memory *memory = wherry__sim_memory(socket->host->world);

    wherry__sim_watches_drop(socket);
    wherry__sim_unbind(socket);
    wherry__link_remove(&socket->link);
    wherry__sim_options_free(socket);
    wherry__memory_give(memory, socket, socket->size);
}

size_t wherry__sim_parts_size(const struct iovec *parts, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        if (!wherry__size_add(size, parts[i].iov_len, &size))
            return SIZE_MAX;
    return size;
}
