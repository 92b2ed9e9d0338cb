/* Unix datagram sockets: messages go straight into the queue of the other end, which holds few; who
 * sends into a full one has to wait. None is ever lost. */
#include <errno.h>

#include "base/size.h"
#include "simulation/datagram.h"

/* net.unix.max_dgram_qlen: more than so many in a queue are too many. */
#define QUEUE_MAX 10

/* What the kernel has for the bookkeeping of one message at least, of a buffer that is at least so
 * large. */
#define OWN_COST 32
#define BUFFER_MIN 4608

/* --- the other end */

static void forget_peer(wherry__sim_datagram *self)
{
    wherry__link_remove(&self->followed);
    self->peer = NULL;
    self->socket.remote.size = 0;
}

/* A socket that turns to another end drops what it has got from the former one, who is told if he
 * is connected in turn. */
static void turn_away(wherry__sim_datagram *self, wherry__sim_datagram *former)
{
    if (wherry__list_empty(&self->queue))
        return;
    wherry__sim_datagram_drain(self);
    wherry__sim_socket_changed(&self->socket);
    if (former != NULL && former->peer == self) {
        former->socket.error = ECONNRESET;
        wherry__sim_socket_changed(&former->socket);
    }
}

/* A connected socket takes messages only from its other end. */
static bool may_send(const wherry__sim_datagram *self, const wherry__sim_datagram *other)
{
    return other->peer == NULL || other->peer == self;
}

static int find_other(wherry__sim_datagram *self, const wherry__sim_name *name,
                      wherry__sim_datagram **other)
{
    wherry__sim_socket *found;
    int result = wherry__sim_find_local(self->socket.host, WHERRY__SIM_UNIX_DATAGRAM, name, &found);

    if (result < 0)
        return result;
    *other = wherry__sim_datagram_of(found);
    return may_send(self, *other) ? 0 : -EPERM;
}

static void disconnect(wherry__sim_datagram *self)
{
    wherry__sim_datagram *former = self->peer;
    bool was_connected = self->socket.remote.size > 0;

    forget_peer(self);
    if (was_connected)
        turn_away(self, former);
    wherry__sim_socket_changed(&self->socket);
}

static int local_connect(wherry__sim_socket *socket, const wherry__sim_name *name)
{
    wherry__sim_datagram *self = wherry__sim_datagram_of(socket), *other;
    int result;

    if (name->any.sa_family == AF_UNSPEC) {
        disconnect(self);
        return 0;
    }
    result = find_other(self, name, &other);
    if (result < 0)
        return result;
    if (self->peer != other)
        disconnect(self);
    wherry__link_remove(&self->followed);
    wherry__list_append(&other->followers, &self->followed);
    self->peer = other;
    socket->remote = other->socket.local;
    wherry__sim_socket_changed(socket);
    return 0;
}

/* --- sending */

/* Two that are connected to each other do not count messages, only bytes. */
static bool is_full(const wherry__sim_datagram *self, const wherry__sim_datagram *other)
{
    return other != self && other->peer != self && other->count > QUEUE_MAX;
}

static size_t buffer_of(const wherry__sim_datagram *self)
{
    return wherry__size_max(self->socket.send_room, BUFFER_MIN);
}

/* The other end of a connected socket, which may have gone: that is told once. */
static int find_peer(wherry__sim_datagram *self, wherry__sim_datagram **other)
{
    if (self->socket.remote.size == 0)
        return -ENOTCONN;
    *other = self->peer;
    if (*other != NULL)
        return may_send(self, *other) ? 0 : -EPERM;
    disconnect(self);
    return -ECONNREFUSED;
}

static int check_sending(wherry__sim_datagram *self, const wherry__sim_name *target, size_t size,
                         wherry__sim_datagram **other)
{
    int error = self->socket.error;
    int result;

    if (target == NULL && self->socket.remote.size == 0)
        return -ENOTCONN;
    if (size > buffer_of(self) - OWN_COST)
        return -EMSGSIZE;
    if (error != 0) {
        self->socket.error = 0;
        wherry__sim_socket_changed(&self->socket);
        return -error;
    }
    if (self->shut_send)
        return -EPIPE;
    if (self->unread_cost >= buffer_of(self))
        return -EAGAIN;
    result = target == NULL ? find_peer(self, other) : find_other(self, target, other);
    if (result < 0)
        return result;
    if ((*other)->shut_receive)
        return -EPIPE;
    return is_full(self, *other) ? -EAGAIN : 0;
}

static ssize_t send_one(wherry__sim_datagram *self, const struct iovec *parts, size_t count,
                        const wherry__sim_name *target, int flags)
{
    size_t size = wherry__sim_parts_size(parts, count);
    wherry__sim_message *message;
    wherry__sim_datagram *other = NULL;
    int result;

    if (flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (target != NULL && target->any.sa_family != AF_UNIX)
        return -EINVAL;
    result = check_sending(self, target, size, &other);
    if (result < 0)
        return result;
    message = wherry__sim_message_make(self->socket.host, parts, count, size);
    if (message == NULL)
        return -ENOBUFS;
    message->packet.source = self->socket.local;
    message->sender = self;
    self->unread_cost += size + WHERRY__SIM_MESSAGE_COST;
    wherry__list_append(&self->unread, &message->unread);
    wherry__sim_datagram_queue(other, message);
    wherry__sim_socket_changed(&self->socket);
    return (ssize_t)size;
}

static ssize_t local_send(wherry__sim_socket *socket, const struct iovec *parts, size_t count,
                          int flags)
{
    return send_one(wherry__sim_datagram_of(socket), parts, count, NULL, flags);
}

static int local_send_many(wherry__sim_socket *socket, wherry_datagram_slot *slots, size_t count,
                           int flags)
{
    return wherry__sim_datagram_send_many(socket, slots, count, flags, send_one);
}

/* --- ends */

/* Writable when a quarter of the buffer at most waits to be read (unix_writable), and the other end
 * would take one more. */
static unsigned local_readiness(const wherry__sim_socket *socket)
{
    const wherry__sim_datagram *self = (const wherry__sim_datagram *)(const void *)socket;
    unsigned events = wherry__sim_datagram_readiness(self);

    if (self->unread_cost <= buffer_of(self) / 4 &&
        (self->peer == NULL || !is_full(self, self->peer)))
        events |= WHERRY_WRITABLE;
    return events;
}

/* Its followers learn by sending that it is gone; what it sent stays where it is. */
static void local_close(wherry__sim_socket *socket)
{
    wherry__sim_datagram *self = wherry__sim_datagram_of(socket);
    wherry__link *link;

    forget_peer(self);
    while ((link = wherry__list_take(&self->followers)) != NULL) {
        wherry__sim_datagram *follower = WHERRY__OWNER(link, wherry__sim_datagram, followed);

        follower->peer = NULL;
        wherry__sim_socket_changed(&follower->socket);
    }
    wherry__sim_datagram_drain(self);
    while ((link = wherry__list_take(&self->unread)) != NULL)
        WHERRY__OWNER(link, wherry__sim_message, unread)->sender = NULL;
    wherry__sim_socket_free(socket);
}

static const char *local_state(const wherry__sim_socket *socket)
{
    return socket->remote.size > 0 ? "CONNECTED" : "";
}

const wherry__sim_class wherry__sim_unix_datagram_class = {
    .connect = local_connect,
    .receive = wherry__sim_datagram_receive,
    .send = local_send,
    .receive_many = wherry__sim_datagram_receive_many,
    .send_many = local_send_many,
    .shutdown = wherry__sim_datagram_shutdown,
    .readiness = local_readiness,
    .close = local_close,
    .vanish = local_close,
    .state = local_state,
};
