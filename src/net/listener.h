/* The inside of a listener. */
#ifndef WHERRY_NET_LISTENER_H
#define WHERRY_NET_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#include <wherry/listener.h>

#include "loop/loop.h"
#include "loop/wait.h"

struct wherry_listener {
    wherry__source source; /* first */
    wherry_loop *loop;
    wherry_listener_events *events;
    wherry_socket_factory *factory; /* instead of streams, with what it is given */
    void *server;
    wherry_socket_closer *closer;
    int send_buffer, receive_buffer; /* of accepted Unix sockets, which do not inherit them */
    wherry_stream_options stream;
    wherry_address address;
    wherry__deadline pause;
    wherry__wait *waiting; /* the task that accepts */
    size_t accepted_per_pass;
    bool paused;  /* by its owner */
    bool resting; /* until the pause is over */
    bool keep;    /* the descriptor is the caller's */
    bool bound_path;
    bool closed;
    bool freed;  /* by its owner */
    bool in_use; /* a task waits in it, or is still on its way out */
};

/* Gives a listener that has none its listening socket. WHERRY_OK, or the errors of
 * wherry_listener_new. */
int wherry__listener_open(wherry_listener *listener, const wherry_listener_options *options);

#endif
