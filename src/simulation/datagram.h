/* Datagram: what the sockets of UDP and the Unix ones have in common, a queue of messages. */
#ifndef WHERRY_SIMULATION_DATAGRAM_H
#define WHERRY_SIMULATION_DATAGRAM_H

#include "simulation/world.h"

/* What a message costs beside its bytes, so that empty ones cannot queue without limit either. */
#define WHERRY__SIM_MESSAGE_COST 256

typedef struct wherry__sim_datagram wherry__sim_datagram;

/* A datagram under way or in a queue. */
typedef struct wherry__sim_message {
    wherry__sim_packet packet;    /* first; the names are there also for Unix sockets */
    wherry__link queued;          /* in the queue of a socket */
    wherry__link unread;          /* among those that a Unix socket has sent and nobody has read */
    wherry__sim_datagram *sender; /* its; NULL: it is closed, or of UDP */
    size_t size;
    uint8_t data[];
} wherry__sim_message;

struct wherry__sim_datagram {
    wherry__sim_socket socket; /* first */
    wherry__link queue;        /* of messages, oldest first */
    size_t count, bytes;       /* of them */
    bool shut_receive, shut_send;

    /* Of Unix sockets only. */
    wherry__sim_datagram *peer; /* connected to; NULL: none, or it is gone */
    wherry__link followed;      /* in its followers */
    wherry__link followers;     /* those connected to this one */
    wherry__link unread;        /* messages it sent */
    size_t unread_cost;
};

static inline wherry__sim_datagram *wherry__sim_datagram_of(wherry__sim_socket *socket)
{
    return (wherry__sim_datagram *)(void *)socket;
}

/* A message of the bytes in parts, or of none with NULL. NULL: no memory. */
wherry__sim_message *wherry__sim_message_make(wherry__sim_host *host, const struct iovec *parts,
                                              size_t count, size_t size);
void wherry__sim_message_free(wherry_simulation *world, wherry__sim_message *message);

/* Puts it at the end of the queue. */
void wherry__sim_datagram_queue(wherry__sim_datagram *self, wherry__sim_message *message);

/* Frees what is in the queue. */
void wherry__sim_datagram_drain(wherry__sim_datagram *self);

/* What both classes have. */
ssize_t wherry__sim_datagram_receive(wherry__sim_socket *socket, void *data, size_t size,
                                     int flags);
int wherry__sim_datagram_receive_many(wherry__sim_socket *socket, wherry_datagram_slot *slots,
                                      size_t count, int flags);
int wherry__sim_datagram_shutdown(wherry__sim_socket *socket, int how);
unsigned wherry__sim_datagram_readiness(const wherry__sim_datagram *self);

/* Sends slot after slot by the class's way to send one, of which target is NULL for the other end
 * of a connected socket. */
typedef ssize_t wherry__sim_send_one(wherry__sim_datagram *self, const struct iovec *parts,
                                     size_t count, const wherry__sim_name *target, int flags);
int wherry__sim_datagram_send_many(wherry__sim_socket *socket, wherry_datagram_slot *slots,
                                   size_t count, int flags, wherry__sim_send_one *send_one);

extern const wherry__sim_class wherry__sim_udp_class;
extern const wherry__sim_class wherry__sim_unix_datagram_class;

#endif
