/* Server: listens on endpoints, makes a peer of each connection, and runs the handler for it.
 *
 * A client's life:
 *
 *     accepted --> on_connect --> handle, again and again --> on_disconnect --> closed
 *
 * All of one client's calls come one after another, on a coroutine that exists only while one of
 * them runs: a client that is silent between two conversations costs no stack.
 */
#ifndef WHERRY_SERVER_H
#define WHERRY_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/address.h>
#include <wherry/export.h>
#include <wherry/loop.h>
#include <wherry/peer.h>
#include <wherry/protocol.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wherry_server wherry_server;
typedef struct wherry_handler wherry_handler;

/* Embed it as the first member of a struct of your own to keep state; it is passed back as self.
 * All but handle may be NULL. All are called on coroutines of the server's loop, and may wait. One
 * handler may serve several servers. */
struct wherry_handler {
    /* One conversation with a client: receives a message or more, and sends. It is called when the
     * client's first message is there (or what came in its place, see wherry_peer_receive), and
     * again for the next one after it has returned zero. A negative result ends this client:
     * WHERRY_E_END, _RESET, _TRUNCATED, _IDLE, _CLOSED and _CANCELED quietly; anything else is
     * logged once with the client's address. The connection is closed once on_disconnect has
     * returned; what was sent still goes out, so that a last message on what went wrong arrives.
     * Returning zero without having called wherry_peer_receive refuses the client: it is aborted,
     * quietly. */
    int (*handle)(wherry_handler *self, wherry_peer *client);
    /* The server listens, and no client has been accepted yet. A negative result stops it, and is
     * what wherry_server_wait returns. */
    int (*on_start)(wherry_handler *self, wherry_server *server);
    /* The last client has gone and nothing listens any more; once for each on_start that returned
     * zero. */
    void (*on_stop)(wherry_handler *self, wherry_server *server);
    /* A client has connected. It may receive and send. A negative result ends the client, as that
     * of handle does, without on_disconnect. */
    int (*on_connect)(wherry_handler *self, wherry_peer *client);
    /* A client that on_connect returned zero for goes: once, before its connection is closed.
     * reason: how the connection ended, or else what handle returned; WHERRY_E_CLOSED: somebody
     * closed it here, or handle refused it; WHERRY_E_CANCELED: the server stops. It may send a last
     * message; its waiting calls are not canceled for a grace time. Where there is no memory or
     * stack for the task that would call it, the connection is broken off and it is called with
     * WHERRY_E_NO_MEMORY when there is some again, within the grace time; else it is left out. Both
     * are logged. */
    void (*on_disconnect)(wherry_handler *self, wherry_peer *client, int reason);
    /* Not 0: handle is called as soon as the client is connected, and at once again, before there
     * is a message (after a call that asked for one in vain, in the next pass). Each client then
     * holds a stack. */
    int eager;
    WHERRY_RESERVED;
};

typedef struct wherry_server_options {
    size_t size; /* set by the macro */
    wherry_server **result;
    wherry_loop *loop;               /* NULL: the loop that the caller runs on */
    const char *endpoints;           /* where to listen; see endpoint.h. A list, copied */
    const wherry_protocol *protocol; /* must outlive the server. NULL: wherry_raw */
    wherry_handler *handler;         /* must outlive the server */
    size_t clients_max; /* connections at a time; 0: 10,000. At the limit it stops accepting: more
                           wait in the backlog */
    size_t accepted_per_pass; /* connections; 0: 64 */
    size_t messages_per_pass; /* of one client, before others have their turn; 0: 64 */
    int64_t grace;  /* nanoseconds for on_disconnect, and for clients when the server stops; 0: 5 s
                     */
    int backlog;    /* listen(2); 0: SOMAXCONN */
    int reuse_port; /* not 0: several servers may share the port (SO_REUSEPORT) */
    const wherry_stream_options *stream; /* for the clients' streams: limits, idle_timeout, linger,
                                            delay, wirelog, no other; copied. NULL: defaults */
    const wherry_socket_options *socket; /* of the listening sockets, and so of the clients' (see
                                            listener.h); copied. NULL: defaults. One that does not
                                            go with an endpoint is an error of the start */
    WHERRY_RESERVED;
} wherry_server_options;

/* Makes a server that does nothing yet: wherry_server_new(&server, .endpoints =
 * "tcp://127.0.0.1:0", .handler = &mine). The caller frees it. WHERRY_E_MISUSE: no place for the
 * result, no loop, no endpoints, no handler or no handle in it, or an option that makes no sense.
 * WHERRY_E_INVALID, _TOO_LARGE, _UNSUPPORTED: the endpoints; wherry_problem() says which and where.
 * WHERRY_E_NO_MEMORY.
 */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_server_new_with(const wherry_server_options *options);
#define wherry_server_new(...)                                                                     \
    wherry_server_new_with(                                                                        \
        &(wherry_server_options){ .size = sizeof(wherry_server_options), .result = __VA_ARGS__ })

/* Opens all endpoints, or none, and starts to serve: on_start and all that follows happens as the
 * loop runs. With a name of a host among them, which has to be looked up, it waits for that, and
 * only a coroutine can call it; it listens on all addresses of the name that are of a family this
 * machine has, each with a port of its own when the port is 0. WHERRY_OK. WHERRY_E_NO_NAME,
 * _NO_ANSWER: the name, see wherry_resolve. WHERRY_E_ADDRESS_IN_USE and the others of
 * wherry_listener_new: wherry_problem() names the address; it may be started again later.
 * WHERRY_E_MISUSE: it was started before, or has names and is not started by a coroutine.
 * WHERRY_E_CANCELED: the loop is being freed, or the task or the server was stopped while a name
 * was looked up. WHERRY_E_NO_MEMORY, _NO_STACK. On the loop's thread. */
WHERRY_PUBLIC int wherry_server_start(wherry_server *server);

/* How many addresses it listens on; the index-th of them as the text of an endpoint, with the port
 * that the kernel chose, written to text as wherry_endpoint_format does; that address itself.
 * WHERRY_E_NOT_FOUND: there are not so many. Also after the end. */
WHERRY_PUBLIC size_t wherry_server_endpoint_count(const wherry_server *server);
WHERRY_PUBLIC ssize_t wherry_server_endpoint(const wherry_server *server, size_t index, char *text,
                                             size_t size);
WHERRY_PUBLIC int wherry_server_address(const wherry_server *server, size_t index,
                                        wherry_address *address);

/* How many clients are connected. */
WHERRY_PUBLIC size_t wherry_server_clients(const wherry_server *server);

/* Stops it in order: it listens no more, handlers that wait are canceled, on_disconnect is called
 * for each client, what was sent still goes out, on_stop is called. It does not wait for that. An
 * on_start that waits is canceled, too. Again, before the start or after the end: nothing. Any
 * thread, also from signal handlers, while the server and its loop live. */
WHERRY_PUBLIC void wherry_server_stop(wherry_server *server);

/* Stops it gently: it listens no more, clients between two conversations (an eager handler in its
 * first receive is between them) are closed, the others when the conversation that is under way has
 * ended; those that still talk at the deadline are stopped as by wherry_server_stop. On a
 * coroutine; it returns when all is over. WHERRY_OK: all ended by themselves. WHERRY_E_TIMED_OUT:
 * some had to be stopped. WHERRY_E_CANCELED: the task is being stopped, and the server too.
 * WHERRY_E_MISUSE: not on a coroutine, on one of its own handlers', or before the start. */
WHERRY_PUBLIC int wherry_server_drain(wherry_server *server, int64_t deadline);

/* Waits until it has stopped, and returns what on_start returned if that was negative, else
 * WHERRY_OK. WHERRY_E_TIMED_OUT, WHERRY_E_WOULD_BLOCK: it has not. WHERRY_E_CANCELED: the task is
 * being stopped. WHERRY_E_MISUSE: a deadline other than WHERRY_NOW outside of a coroutine, on one
 * of its own handlers', or before the start. */
WHERRY_PUBLIC int wherry_server_wait(wherry_server *server, int64_t deadline);

/* Stops it and gives it back: on a coroutine it returns when all is over; elsewhere the stop goes
 * on as the loop runs, and the handler must live until on_stop was called. NULL is allowed. Not
 * from its own handlers (it logs that and only stops). */
WHERRY_PUBLIC void wherry_server_free(wherry_server *server);

/* Makes a server, starts it, waits until it has stopped, and frees it: wherry_serve(.endpoints =
 * ..., .protocol = ..., .handler = ...). On a coroutine it serves on that coroutine's loop, and
 * cancelling the task stops it. Outside of any loop it makes one, turns SIGINT and SIGTERM into an
 * orderly stop (a second one ends the program; ignored ones stay ignored), and runs to the end.
 * result and loop must not be set. WHERRY_OK: it was stopped. Otherwise the errors of
 * wherry_server_new and _start, and the negative result of on_start. WHERRY_E_CANCELED: the task
 * was canceled. */
WHERRY_PUBLIC int wherry_serve_with(const wherry_server_options *options);
#define wherry_serve(...)                                                                          \
    wherry_serve_with(                                                                             \
        &(wherry_server_options){ .size = sizeof(wherry_server_options), __VA_ARGS__ })

#ifdef __cplusplus
}
#endif

#endif
