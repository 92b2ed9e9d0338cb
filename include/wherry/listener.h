/* Listener: a listening stream socket that accepts. */
#ifndef WHERRY_LISTENER_H
#define WHERRY_LISTENER_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/address.h>
#include <wherry/export.h>
#include <wherry/loop.h>
#include <wherry/socket.h>
#include <wherry/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wherry_listener wherry_listener;
typedef struct wherry_listener_events wherry_listener_events;

/* Embed it as the first member of a struct of your own; it is passed back as self. */
struct wherry_listener_events {
    /* A connection was accepted; the stream is the program's to free. Called outside of coroutines;
     * it may close or free the listener. */
    void (*accepted)(wherry_listener_events *self, wherry_listener *listener,
                     wherry_stream *stream);
    WHERRY_RESERVED;
};

typedef struct wherry_listener_options {
    size_t size; /* set by the macro */
    wherry_listener **result;
    wherry_loop *loop;             /* NULL: the loop that the caller runs on */
    const wherry_address *address; /* where to listen; port 0: one that the kernel chooses */
    int descriptor; /* instead of an address: a listening socket of the caller's, which must be
                       O_NONBLOCK and is left open; 0: none */
    wherry_listener_events *events; /* who is told; NULL: coroutines wait with
                                       wherry_listener_accept */
    wherry_socket_factory *factory; /* gets the sockets (socket.h), of which no streams are made;
                                       not with events. NULL: none */
    void *server;                   /* for the factory */
    wherry_socket_closer *closer;   /* for the factory */
    int backlog;                    /* listen(2); 0: SOMAXCONN */
    int no_reuse_address; /* not 0: without SO_REUSEADDR, so that ends of former connections keep
                             the port */
    int reuse_port;       /* not 0: several listeners may share the port (SO_REUSEPORT) */
    const wherry_socket_options *socket; /* of the listening socket, and so of all that it accepts;
                                            NULL: the defaults */
    size_t accepted_per_pass;            /* connections; 0: 64 */
    const wherry_stream_options *stream; /* for the streams it makes: limits, idle_timeout, linger,
                                            delay, events, no other; copied. NULL: defaults */
    WHERRY_RESERVED;
} wherry_listener_options;

/* Listens: wherry_listener_new(&listener, .address = &address, .events = &mine). The caller frees
 * it. IPv6 sockets are IPv6 only. A Unix path where a socket lies on which nobody listens any more
 * is taken over; its file is removed at the end.
 *
 * When the process has no descriptor left, or the system no memory, it stops accepting for 100 ms
 * and logs that once a pause; the connections wait in the backlog.
 *
 * WHERRY_E_ADDRESS_IN_USE, _NO_ADDRESS, _NO_PERMISSION, _NOT_FOUND (the folder of a Unix path),
 * _UNSUPPORTED (no such family here): it cannot listen there. WHERRY_E_INVALID: the descriptor is
 * not a listening socket, or may block. WHERRY_E_EXISTS: the loop watches it already.
 * WHERRY_E_MISUSE: no place for the result, no loop, no address, both an address and a descriptor,
 * a descriptor and an option that sets one up (backlog, no_reuse_address, reuse_port, socket: it is
 * the caller's affair), events or a factory without their function, both of them, or an option of
 * the streams that makes no sense. The errors of wherry_socket_set: an option of the socket.
 * WHERRY_E_NO_DESCRIPTORS, _NO_MEMORY, _NO_BUFFERS, _FULL: a limit of the system on watches. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_listener_new_with(const wherry_listener_options *options);
#define wherry_listener_new(...)                                                                   \
    wherry_listener_new_with(&(wherry_listener_options){ .size = sizeof(wherry_listener_options),  \
                                                         .result = __VA_ARGS__ })

/* For coroutines: waits for a connection and gives its stream, which the caller frees.
 * WHERRY_E_TIMED_OUT, WHERRY_E_WOULD_BLOCK: none came. WHERRY_E_CLOSED: the listener is closed, or
 * its socket was taken away.
 * WHERRY_E_CANCELED: the task is being stopped. WHERRY_E_BUSY: another task accepts already.
 * WHERRY_E_MISUSE: a deadline other than WHERRY_NOW outside of a coroutine, or connections go to
 * events.accepted or the factory. */
WHERRY_PUBLIC int wherry_listener_accept(wherry_listener *listener, wherry_stream **stream,
                                         int64_t deadline);

/* Stops accepting, and starts it again: connections wait in the backlog meanwhile. */
WHERRY_PUBLIC void wherry_listener_pause(wherry_listener *listener);
WHERRY_PUBLIC void wherry_listener_resume(wherry_listener *listener);

/* The address it listens on, with the port that the kernel chose. Also after the end. */
WHERRY_PUBLIC void wherry_listener_address(const wherry_listener *listener,
                                           wherry_address *address);

/* Stops listening, now; connections that nobody accepted are reset. Who waits to accept gets
 * WHERRY_E_CLOSED. Closing again does nothing. */
WHERRY_PUBLIC void wherry_listener_close(wherry_listener *listener);

/* Closes it and gives it back. NULL is allowed. */
WHERRY_PUBLIC void wherry_listener_free(wherry_listener *listener);

#ifdef __cplusplus
}
#endif

#endif
