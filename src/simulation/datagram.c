/* Datagram sockets: messages that wait to be received, whole or cut, and what UDP and Unix sockets
 * do alike. How they send is in udp.c and unix_datagram.c. */
#include <errno.h>
#include <string.h>

#include "base/size.h"
#include "simulation/datagram.h"

/* --- messages */

wherry__sim_message *wherry__sim_message_make(wherry__sim_host *host, const struct iovec *parts,
                                              size_t count, size_t size)
{
    wherry__sim_message *made = wherry__memory_take(wherry__sim_memory(host->world),
                                                    sizeof(*made) + size);
    size_t at = 0;

    if (made == NULL)
        return NULL;
    wherry__link_init(&made->queued);
    wherry__link_init(&made->unread);
    for (size_t i = 0; i < count; i++) {
        if (parts[i].iov_len > 0)
            memcpy(made->data + at, parts[i].iov_base, parts[i].iov_len);
        at += parts[i].iov_len;
    }
    made->size = size;
    made->packet.from = host;
    made->packet.flags = WHERRY_PACKET_DATAGRAM;
    made->packet.length = size;
    made->packet.data = made->data;
    return made;
}

/* Its sender, of whom the kernel counts what is not read yet, has room again. */
static void settle_account(wherry__sim_message *message)
{
    if (message->sender == NULL)
        return;
    wherry__link_remove(&message->unread);
    message->sender->unread_cost -= message->size + WHERRY__SIM_MESSAGE_COST;
    wherry__sim_socket_changed(&message->sender->socket);
}

void wherry__sim_message_free(wherry_simulation *world, wherry__sim_message *message)
{
    settle_account(message);
    wherry__link_remove(&message->queued);
    wherry__memory_give(wherry__sim_memory(world), message, sizeof(*message) + message->size);
}

/* --- the queue */

void wherry__sim_datagram_queue(wherry__sim_datagram *self, wherry__sim_message *message)
{
    wherry__list_append(&self->queue, &message->queued);
    self->count++;
    self->bytes += message->size;
    wherry__sim_socket_changed(&self->socket);
}

/* Those that are connected to it may send again when a queue that was full no longer is. */
static void tell_followers(wherry__sim_datagram *self)
{
    for (wherry__link *link = self->followers.next; link != &self->followers; link = link->next)
        wherry__sim_socket_changed(&WHERRY__OWNER(link, wherry__sim_datagram, followed)->socket);
}

static void drop_first(wherry__sim_datagram *self)
{
    wherry__sim_message *first = WHERRY__OWNER(self->queue.next, wherry__sim_message, queued);

    self->count--;
    self->bytes -= first->size;
    wherry__sim_message_free(self->socket.host->world, first);
}

void wherry__sim_datagram_drain(wherry__sim_datagram *self)
{
    while (!wherry__list_empty(&self->queue))
        drop_first(self);
}

void wherry__sim_datagram_queues(const wherry__sim_socket *socket, size_t *received, size_t *unsent)
{
    *received = ((const wherry__sim_datagram *)(const void *)socket)->bytes;
    *unsent = 0;
}

/* --- receiving */

/* An error that came back goes before what is queued, and is told once. */
static int receive_one(wherry__sim_datagram *self, wherry_datagram_slot *slot, int flags)
{
    wherry__sim_message *first;
    wherry__sim_name from;
    int error = self->socket.error;

    if (error != 0) {
        self->socket.error = 0;
        wherry__sim_socket_changed(&self->socket);
        return -error;
    }
    if (wherry__list_empty(&self->queue))
        return -EAGAIN;
    first = WHERRY__OWNER(self->queue.next, wherry__sim_message, queued);
    if (first->size > 0 && slot->data.iov_len > 0)
        memcpy(slot->data.iov_base, first->data, wherry__size_min(first->size, slot->data.iov_len));
    slot->length = first->size;
    slot->flags = first->size > slot->data.iov_len ? MSG_TRUNC : 0;
    from = wherry__sim_name_as(&first->packet.source, self->socket.family);
    if (slot->name != NULL)
        wherry__sim_name_give(&from, slot->name, &slot->name_size);
    else
        slot->name_size = 0;
    if (flags & MSG_PEEK)
        return 0;
    drop_first(self);
    wherry__sim_socket_changed(&self->socket);
    tell_followers(self);
    return 0;
}

static int check_flags(const wherry__sim_socket *socket, int flags)
{
    return (flags & MSG_OOB) && socket->family == AF_UNIX ? -EOPNOTSUPP : 0;
}

ssize_t wherry__sim_datagram_receive(wherry__sim_socket *socket, void *data, size_t size, int flags)
{
    wherry_datagram_slot slot = { .data = { data, size } };
    int result = check_flags(socket, flags);

    if (result == 0)
        result = receive_one(wherry__sim_datagram_of(socket), &slot, flags);
    if (result < 0)
        return result;
    return (ssize_t)(flags & MSG_TRUNC ? slot.length : wherry__size_min(slot.length, size));
}

int wherry__sim_datagram_receive_many(wherry__sim_socket *socket, wherry_datagram_slot *slots,
                                      size_t count, int flags)
{
    int result = check_flags(socket, flags);
    size_t done = 0;

    count = wherry__size_min(count, INT32_MAX);
    for (; result == 0 && done < count; done++) {
        result = receive_one(wherry__sim_datagram_of(socket), &slots[done], flags);
        if (result < 0)
            break;
    }
    return done > 0 ? (int)done : result;
}

unsigned wherry__sim_datagram_readiness(const wherry__sim_datagram *self)
{
    unsigned events = 0;

    if (!wherry__list_empty(&self->queue) || self->shut_receive)
        events |= WHERRY_READABLE;
    if (self->socket.error != 0)
        events |= WHERRY_FAILED;
    if (self->shut_receive && self->shut_send)
        events |= WHERRY_HUNG_UP;
    return events;
}

/* --- sending */

static ssize_t send_slot(wherry__sim_datagram *self, wherry_datagram_slot *slot, int flags,
                         wherry__sim_send_one *send_one)
{
    wherry__sim_name target;
    int result;

    if (slot->name == NULL || slot->name_size == 0)
        return send_one(self, &slot->data, 1, NULL, flags);
    result = wherry__sim_name_take(&self->socket, slot->name, slot->name_size, &target);
    if (result == -EAFNOSUPPORT && self->socket.family == AF_INET6)
        result = -EINVAL;
    return result < 0 ? result : send_one(self, &slot->data, 1, &target, flags);
}

int wherry__sim_datagram_send_many(wherry__sim_socket *socket, wherry_datagram_slot *slots,
                                   size_t count, int flags, wherry__sim_send_one *send_one)
{
    size_t done = 0;
    ssize_t result = 0;

    count = wherry__size_min(count, INT32_MAX);
    for (; done < count; done++) {
        result = send_slot(wherry__sim_datagram_of(socket), &slots[done], flags, send_one);
        if (result < 0)
            break;
        slots[done].length = (size_t)result;
    }
    return done > 0 ? (int)done : (int)result;
}

int wherry__sim_datagram_shutdown(wherry__sim_socket *socket, int how)
{
    wherry__sim_datagram *self = wherry__sim_datagram_of(socket);

    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return -EINVAL;
    self->shut_receive |= how != SHUT_WR;
    self->shut_send |= how != SHUT_RD;
    wherry__sim_socket_changed(socket);
    return 0;
}

/* --- socket(2) */

static int make(wherry__sim_host *host, const wherry__sim_class *class, wherry__sim_kind kind,
                int family, wherry__sim_socket **made)
{
    wherry__sim_datagram *self;

    *made = wherry__sim_socket_make(host, class, kind, sizeof(*self), family, SOCK_DGRAM);
    if (*made == NULL)
        return -ENOMEM;
    self = wherry__sim_datagram_of(*made);
    wherry__link_init(&self->queue);
    wherry__link_init(&self->followed);
    wherry__link_init(&self->followers);
    wherry__link_init(&self->unread);
    return 0;
}

int wherry__sim_datagram_make(wherry__sim_host *host, int family, int type, int protocol,
                              wherry__sim_socket **made)
{
    int result;

    if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
        return -EAFNOSUPPORT;
    if (type != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    if (family == AF_UNIX)
        return protocol != 0 && protocol != PF_UNIX ? -EPROTONOSUPPORT
                                                    : make(host, &wherry__sim_unix_datagram_class,
                                                           WHERRY__SIM_UNIX_DATAGRAM, family, made);
    if (protocol < 0 || protocol >= IPPROTO_MAX)
        return -EINVAL;
    if (protocol != 0 && protocol != IPPROTO_UDP)
        return -EPROTONOSUPPORT;
    result = make(host, &wherry__sim_udp_class, WHERRY__SIM_UDP, family, made);
    if (result == 0)
        (*made)->protocol = IPPROTO_UDP;
    return result;
}
