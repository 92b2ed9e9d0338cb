/* Packet: what travels between hosts, and the flows that keep what belongs together in order. */
#ifndef WHERRY_SIMULATION_PACKET_H
#define WHERRY_SIMULATION_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wherry/simulation.h>

#include "base/list.h"
#include "simulation/agenda.h"
#include "simulation/socket.h"

/* In which order what belongs together arrives: one for each direction of a connection. Counted:
 * its packets hold it. */
typedef struct wherry__sim_flow {
    size_t holds;      /* of who made it, and of each packet under way */
    int64_t last;      /* when its last packet so far arrives */
    bool silent;       /* nothing of it arrives any more, nor is it sent again: set when its sender
                          has given up too */
    uint64_t turns;    /* packets sent so far */
    wherry__link kept; /* those that wait in the link, in the order of their turns */
} wherry__sim_flow;

/* Held once by the caller. NULL: no memory. */
wherry__sim_flow *wherry__sim_flow_new(wherry_simulation *world);
void wherry__sim_flow_release(wherry_simulation *world, wherry__sim_flow *flow);

/* Embed it first in what travels. */
typedef struct wherry__sim_packet wherry__sim_packet;
struct wherry__sim_packet {
    wherry__sim_event event;
    wherry__link link;           /* of the link: among all under way */
    wherry__link mates;          /* among those of the flow that wait */
    struct wherry__sim_way *way; /* NULL: within one host */
    bool once;                   /* who sent it is gone: it is not sent again */
    bool kept;
    uint64_t turn;               /* in the flow */
    wherry__sim_host *from, *to; /* to fill from here on */
    wherry__sim_name source, target;
    wherry__sim_flow *flow; /* in order and never lost; NULL: a datagram */
    unsigned flags;         /* wherry_packet_flags */
    size_t length;          /* of its data; headers are counted by the link */
    const void *data; /* for traces; of a datagram in its own memory, where CORRUPT turns bits */
    int64_t sent;     /* when it was first sent */
    /* It is there, or will never be: either gives it back. Called by the agenda, not from inside
     * wherry__sim_packet_send. */
    void (*arrive)(wherry__sim_packet *self);
    void (*lost)(wherry__sim_packet *self);
    /* Another one like it; NULL: no memory. Datagrams only. */
    wherry__sim_packet *(*copy)(const wherry__sim_packet *self);
};

int wherry__sim_links_new(wherry_simulation *world);
void wherry__sim_links_free(wherry_simulation *world); /* what is under way is lost */

/* Sends a packet on its way. Between addresses of one host it arrives at once: before the call of
 * the program that is under way returns. Packets of a flow to a host that is off, or behind a
 * partition, wait and come with the retransmission that follows: 200 ms after the first of them was
 * sent, then after twice that again, and so on up to 120 s (SYN: 1 s at first). A RST is not sent
 * again: there it is lost. */
void wherry__sim_packet_send(wherry__sim_packet *packet);

/* The bytes of data that one packet to that host can hold. */
size_t wherry__sim_segment_size(wherry__sim_host *from, wherry__sim_host *to);

/* The power of a host was cut: it sends nothing again. What is sent to it while it is off finds by
 * itself whether it is on again. */
void wherry__sim_links_cut(wherry__sim_host *host);

#endif
