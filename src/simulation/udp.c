/* UDP: datagrams that travel as packets, and the refusals that come back for those to ports where
 * nobody is. A connected socket hears only its other end, and of a refusal once. */
#include <errno.h>

#include "simulation/datagram.h"
#include "simulation/ports.h"

/* The bytes that fit: what is left of 65,535 by the headers, of which IPv6 does not count its own.
 */
#define V4_SIZE_MAX (65535 - 20 - 8)
#define V6_SIZE_MAX (65535 - 8)

static wherry__sim_message *message_of(wherry__sim_packet *packet)
{
    return (wherry__sim_message *)(void *)packet;
}

/* --- arriving */

static void lost(wherry__sim_packet *packet)
{
    wherry__sim_message_free(packet->from->world, message_of(packet));
}

/* ICMP has come back: port unreachable. */
static void refused(wherry__sim_packet *packet)
{
    wherry__sim_socket *socket = wherry__sim_find_connected(packet->to, WHERRY__SIM_UDP,
                                                            &packet->target, &packet->source);

    if (socket != NULL) {
        socket->error = ECONNREFUSED;
        wherry__sim_socket_changed(socket);
    }
    lost(packet);
}

static wherry__sim_packet *copy(const wherry__sim_packet *packet);

/* Found nobody. Without memory for the refusal it is as if that was lost. */
static void send_back(wherry__sim_packet *packet)
{
    wherry__sim_message *refusal = wherry__sim_message_make(packet->to, NULL, 0, 0);

    if (refusal != NULL) {
        refusal->packet.to = packet->from;
        refusal->packet.source = packet->target;
        refusal->packet.target = packet->source;
        refusal->packet.flags |= WHERRY_PACKET_RST;
        refusal->packet.arrive = refused;
        refusal->packet.lost = lost;
        refusal->packet.copy = copy;
        wherry__sim_packet_send(&refusal->packet);
    }
    lost(packet);
}

/* A full queue loses what comes without a word; an empty one takes anything. */
static bool has_room(const wherry__sim_datagram *self, size_t size)
{
    return self->count == 0 ||
           self->bytes + self->count * WHERRY__SIM_MESSAGE_COST + size <= self->socket.receive_room;
}

static void arrive(wherry__sim_packet *packet)
{
    wherry__sim_message *message = message_of(packet);
    wherry__sim_socket *socket = wherry__sim_find(packet->to, WHERRY__SIM_UDP, &packet->target,
                                                  &packet->source, false);

    if (socket == NULL)
        send_back(packet);
    else if (has_room(wherry__sim_datagram_of(socket), message->size))
        wherry__sim_datagram_queue(wherry__sim_datagram_of(socket), message);
    else
        lost(packet);
}

static wherry__sim_packet *copy(const wherry__sim_packet *packet)
{
    const struct iovec whole = { (void *)(uintptr_t)packet->data, packet->length };
    wherry__sim_message *twin = wherry__sim_message_make(packet->from, &whole, 1, packet->length);

    if (twin == NULL)
        return NULL;
    twin->packet.to = packet->to;
    twin->packet.source = packet->source;
    twin->packet.target = packet->target;
    twin->packet.flags = packet->flags;
    twin->packet.arrive = packet->arrive;
    twin->packet.lost = packet->lost;
    twin->packet.copy = packet->copy;
    return &twin->packet;
}

/* --- sending */

static bool is_broadcast(const wherry__sim_name *name)
{
    return name->any.sa_family == AF_INET && name->v4.sin_addr.s_addr == htonl(INADDR_BROADCAST);
}

static int check_broadcast(const wherry__sim_socket *socket, const wherry__sim_name *name)
{
    return is_broadcast(name) && !wherry__sim_option_is_on(socket, SOL_SOCKET, SO_BROADCAST)
               ? -EACCES
               : 0;
}

/* In the order in which Linux finds what is wrong. */
static int check_sending(wherry__sim_datagram *self, const wherry__sim_name *target, size_t size,
                         wherry__sim_name *source)
{
    int result = check_broadcast(&self->socket, target);
    int error = self->socket.error;

    if (result == 0)
        result = wherry__sim_source_for(&self->socket, target, source);
    if (result < 0)
        return result;
    if (size > (target->any.sa_family == AF_INET ? V4_SIZE_MAX : V6_SIZE_MAX))
        return -EMSGSIZE;
    if (error != 0) {
        self->socket.error = 0;
        wherry__sim_socket_changed(&self->socket);
        return -error;
    }
    return self->shut_send ? -EPIPE : 0;
}

/* An address that no host has swallows what is sent there. */
static ssize_t transmit(wherry__sim_datagram *self, wherry__sim_message *message,
                        const wherry__sim_name *source, const wherry__sim_name *target)
{
    wherry__sim_packet *packet = &message->packet;
    wherry__sim_host *host = self->socket.host;
    ssize_t size = (ssize_t)message->size;

    packet->source = *source;
    packet->target = *target;
    wherry__sim_name_set_port(&packet->source, wherry__sim_name_port(&self->socket.local));
    packet->to = wherry__sim_host_at(host, &target->any);
    packet->arrive = arrive;
    packet->lost = lost;
    packet->copy = copy;
    if (packet->to == NULL)
        lost(packet);
    else
        wherry__sim_packet_send(packet);
    return size;
}

/* Where to: of family AF_UNSPEC is an IPv4 address without port for an IPv4 socket, and none for
 * IPv6. */
static int resolve_target(wherry__sim_datagram *self, const wherry__sim_name *given,
                          wherry__sim_name *target)
{
    if (given == NULL || (given->any.sa_family == AF_UNSPEC && self->socket.family == AF_INET6)) {
        if (self->socket.remote.size == 0)
            return -EDESTADDRREQ;
        *target = self->socket.remote;
        return 0;
    }
    if (given->any.sa_family == AF_UNSPEC || wherry__sim_name_port(given) == 0)
        return -EINVAL;
    *target = wherry__sim_name_reached(&self->socket, given);
    return 0;
}

static ssize_t send_one(wherry__sim_datagram *self, const struct iovec *parts, size_t count,
                        const wherry__sim_name *given, int flags)
{
    size_t size = wherry__sim_parts_size(parts, count);
    wherry__sim_name source, target;
    wherry__sim_message *message;
    int result = wherry__sim_bind_port(&self->socket);

    if (result < 0)
        return -EAGAIN;
    if (size > UINT16_MAX)
        return -EMSGSIZE;
    if (flags & MSG_OOB)
        return -EOPNOTSUPP;
    result = resolve_target(self, given, &target);
    if (result == 0)
        result = check_sending(self, &target, size, &source);
    if (result < 0)
        return result;
    message = wherry__sim_message_make(self->socket.host, parts, count, size);
    return message == NULL ? -ENOBUFS : transmit(self, message, &source, &target);
}

static ssize_t udp_send(wherry__sim_socket *socket, const struct iovec *parts, size_t count,
                        int flags)
{
    return send_one(wherry__sim_datagram_of(socket), parts, count, NULL, flags);
}

static int udp_send_many(wherry__sim_socket *socket, wherry_datagram_slot *slots, size_t count,
                         int flags)
{
    return wherry__sim_datagram_send_many(socket, slots, count, flags, send_one);
}

/* --- connecting */

/* The port goes unless the program chose it, and so does the address. */
static void disconnect(wherry__sim_socket *socket)
{
    wherry__sim_name local = socket->local;
    const bool given = socket->address_given;

    wherry__sim_unbind_from(socket);
    socket->apart = false;
    if (socket->is_bound || !given)
        return;
    wherry__sim_name_set_port(&local, 0);
    socket->local = local;
    socket->address_given = true;
}

/* A socket that is connected to port 0 has no other end that it could name. */
static int udp_connect(wherry__sim_socket *socket, const wherry__sim_name *remote)
{
    int result;

    if (remote->any.sa_family == AF_UNSPEC) {
        disconnect(socket);
        return 0;
    }
    result = check_broadcast(socket, remote);
    if (result == 0)
        result = wherry__sim_bind_for(socket, remote);
    if (result == 0)
        socket->apart = wherry__sim_name_port(remote) == 0;
    return result;
}

/* One that is not connected is told so, and shut down all the same. */
static int udp_shutdown(wherry__sim_socket *socket, int how)
{
    int result = wherry__sim_datagram_shutdown(socket, how);

    return result == 0 && socket->remote.size == 0 ? -ENOTCONN : result;
}

static unsigned udp_readiness(const wherry__sim_socket *socket)
{
    return wherry__sim_datagram_readiness((const wherry__sim_datagram *)(const void *)socket) |
           WHERRY_WRITABLE;
}

static void udp_close(wherry__sim_socket *socket)
{
    wherry__sim_datagram_drain(wherry__sim_datagram_of(socket));
    wherry__sim_socket_free(socket);
}

static const char *udp_state(const wherry__sim_socket *socket)
{
    return socket->remote.size > 0 ? "ESTABLISHED" : "";
}

const wherry__sim_class wherry__sim_udp_class = {
    .connect = udp_connect,
    .receive = wherry__sim_datagram_receive,
    .send = udp_send,
    .receive_many = wherry__sim_datagram_receive_many,
    .send_many = udp_send_many,
    .shutdown = udp_shutdown,
    .readiness = udp_readiness,
    .close = udp_close,
    .vanish = udp_close,
    .state = udp_state,
};
