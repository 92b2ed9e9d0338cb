/* A listener with what it accepted, and clients of it that are plain sockets. */
#ifndef TESTS_SUPPORT_HOST_H
#define TESTS_SUPPORT_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include <wherry/listener.h>

#include "support/net.h"

#define HOST_MOST 100

typedef struct host host;
struct host {
    wherry_listener_events events; /* first */
    net *world;
    wherry_listener *listener;
    wherry_address address;
    wherry_stream *streams[HOST_MOST];
    size_t count;
    void (*act)(host *self); /* called for each accepted one, unless NULL */
};

/* A host that does not listen yet; its events are filled in. */
void host_init(host *self, net *world);

/* Listens on any address of that kind, by callbacks or for accept. */
void host_open(host *self, net *world, net_kind kind, bool told);

/* Frees the listener and what it accepted. */
void host_close(host *self);

/* An address of that kind to listen on. */
void net_any_address(net_kind kind, wherry_address *address);

/* A client of the test's own, connected when it returns; and whether that can be: 0 or a negated
 * errno(3) value. */
int net_dial(const wherry_address *address);
int net_try_dial(const wherry_address *address);

/* Whether there is a file at a Unix path. */
bool net_exists(const wherry_address *address);

#endif
