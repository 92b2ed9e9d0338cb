/* Socket: the calls that servers and clients begin with, on plain descriptors, usable with no loop
 * at all. They never wait.
 *
 *     result = wherry_socket_connect(NULL, &descriptor, &address);     connected, or on its way
 *     result = wherry_socket_listen(NULL, &descriptor, &address);      non-blocking
 *     result = wherry_socket_accept(NULL, descriptor, &factory, server, &closer, &made);
 *
 * All take the system whose descriptor it is (NULL: that of the surroundings: inside a simulated
 * world the host's, else the default one), may be called from any context, and on any thread where
 * the system may. A call that was interrupted by a signal is made again. A descriptor belongs to
 * the program, which closes it with wherry_socket_close.
 *
 * How a connection ended is told by receiving: read before asking for the pending error. A reset is
 * told once by the kernel, to whoever asks first; after wherry_socket_error has taken it, the next
 * receive finds an orderly end (WHERRY_E_END), and what was cut off looks complete.
 */
#ifndef WHERRY_SOCKET_H
#define WHERRY_SOCKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <wherry/address.h>
#include <wherry/bytes.h>
#include <wherry/export.h>
#include <wherry/loop.h>
#include <wherry/system.h>
#include <wherry/watch.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- Options that all sockets of the library share: member .socket of the options of streams and
 * listeners. They are read during the call they are given to, also late in it where it waits: they,
 * and what they point to, must not change until it returns. An option that does not go with the
 * kind of socket, or that the system does not have, is an error that names it. */
typedef struct wherry_socket_options {
    size_t size; /* set by the macro */
    /* Buffers of the kernel, in bytes, at most 1 GiB; 0: the kernel sizes them as it goes. What it
     * really gave tells wherry_socket_buffers. */
    size_t send_buffer;
    size_t receive_buffer;
    /* IPv4, IPv6: */
    int dscp;           /* differentiated services code point, 1 to 63 (RFC 2474); 0: none */
    int hop_limit;      /* 1 to 255, the time to live of IPv4; 0: the system's */
    const char *device; /* sends and receives through this interface only (SO_BINDTODEVICE),
                           1 to 15 bytes; NULL: any */
    uint32_t mark;      /* for the rules of routing and filtering (SO_MARK); 0: none */
    /* TCP: */
    int keepalive; /* not 0: asks an idle connection for a sign of life (RFC 9293 section 3.8.4);
                      so does each of the next three */
    int64_t keepalive_idle;     /* nanoseconds, whole seconds, 1 s to 32,767 s: how long it must be
                                   idle for the first one; 0: the system's (Linux: 2 h) */
    int64_t keepalive_interval; /* the same, between those without an answer; 0: the system's
                                   (Linux: 75 s) */
    int keepalive_count;  /* 1 to 127: how many without an answer end it; 0: the system's (9) */
    int64_t user_timeout; /* nanoseconds, whole milliseconds, at most 24 days: how long what was
                             sent may be unanswered (RFC 5482); 0: the system's */
    int fast_open; /* RFC 7413. Listening: how many connections may be on their way with data, 1 to
                      65,535. Connecting: 1, the connection begins with what is sent first. Whether
                      it happens is up to both systems (Linux: net.ipv4.tcp_fastopen); 0: without */
    /* Connecting: */
    const wherry_address *local; /* what to bind to before, port 0: any. The file of a Unix path is
                                    the caller's to remove. NULL: the system chooses */
    WHERRY_RESERVED;
} wherry_socket_options;

/* Sets options of a socket: wherry_socket_set(NULL, descriptor, .dscp = 46). local and fast_open
 * are not for here. The first that fails ends it, those before it in this list stay set.
 * WHERRY_E_UNSUPPORTED: not for this kind of socket, or not on this system. WHERRY_E_MISUSE: out of
 * range, or not for here. WHERRY_E_NO_PERMISSION (mark, device). WHERRY_E_NOT_FOUND: no such
 * device. WHERRY_E_INVALID: no socket. wherry_problem() names the option. socket(7), ip(7),
 * ipv6(7), tcp(7). */
WHERRY_PUBLIC int wherry_socket_set_with(wherry_system *system, int descriptor,
                                         const wherry_socket_options *options);
#define wherry_socket_set(system, ...)                                                             \
    wherry_socket_set_1(system, __VA_ARGS__, .size = sizeof(wherry_socket_options))
#define wherry_socket_set_1(system, descriptor, ...)                                               \
    wherry_socket_set_with(system, descriptor, &(wherry_socket_options){ __VA_ARGS__ })

/* The sizes of the kernel's buffers, in bytes, as the kernel counts them: Linux doubles what is
 * asked for, to pay for its own bookkeeping, and has a least and a most (net.core.wmem_max,
 * rmem_max). WHERRY_E_INVALID: no socket; *send and *receive are unchanged then. */
WHERRY_PUBLIC int wherry_socket_buffers(wherry_system *system, int descriptor, size_t *send,
                                        size_t *receive);

/* --- Connecting */

/* Begins to connect a stream socket, which is non-blocking, close-on-exec and, for TCP, without
 * Nagle's delay: wherry_socket_connect(NULL, &descriptor, &address, .local = &mine). WHERRY_OK: it
 * is connected at once, as Unix sockets are, and TCP may be. 1: it is on its way; when the
 * descriptor is writable, wherry_socket_connected tells how it went. *descriptor is set in both
 * cases, and only then. wherry_socket_watch tells both in the same way.
 *
 * WHERRY_E_WOULD_BLOCK: the backlog of a Unix listener is full, try again later. WHERRY_E_REFUSED,
 * _UNREACHABLE, _PROHIBITED, _NO_ADDRESS, _NO_PERMISSION, _NOT_FOUND (no such Unix socket),
 * _ADDRESS_IN_USE (local): the network said no. WHERRY_E_INVALID: no address, or port 0.
 * WHERRY_E_UNSUPPORTED (no such family here), _NO_DESCRIPTORS, _NO_MEMORY, _NO_BUFFERS, and the
 * errors of wherry_socket_set. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_socket_connect_with(wherry_system *system, int *descriptor,
                                                            const wherry_address *address,
                                                            const wherry_socket_options *options);
#define wherry_socket_connect(system, descriptor, ...)                                             \
    wherry_socket_connect_1(system, descriptor, __VA_ARGS__, .size = sizeof(wherry_socket_options))
#define wherry_socket_connect_1(system, descriptor, address, ...)                                  \
    wherry_socket_connect_with(system, descriptor, address, &(wherry_socket_options){ __VA_ARGS__ })

/* How a connection that was on its way went: WHERRY_OK: it is connected. WHERRY_E_WOULD_BLOCK: not
 * yet. Otherwise why not, with the errors of wherry_socket_connect, WHERRY_E_TIMED_OUT and _RESET;
 * told once. */
WHERRY_PUBLIC int wherry_socket_connected(wherry_system *system, int descriptor);

typedef struct wherry_socket_watch_options {
    size_t size; /* set by the macro */
    wherry_watch **result;
    wherry_loop *loop; /* NULL: the loop that the caller runs on */
    const wherry_address *address;
    wherry_watcher *watcher;
    unsigned events; /* what it is told of once it is connected; 0: nothing yet */
    const wherry_socket_options *socket; /* NULL: the defaults */
    WHERRY_RESERVED;
} wherry_socket_watch_options;

/* Begins to connect, as wherry_socket_connect does, as a watch of a loop. The watcher is told how
 * it went, exactly once and never before the call has returned:
 *
 *     WHERRY_READABLE                    it was connected at once
 *     WHERRY_WRITABLE                    it is connected now
 *     WHERRY_READABLE | WHERRY_WRITABLE  it failed: wherry_socket_connected tells why
 *
 * Meanwhile, and during that call, the state of the watch (watch.h) is WHERRY_WATCH_CONNECTING;
 * then it becomes WHERRY_WATCH_CONNECTED or WHERRY_WATCH_FAILED, unless the watcher has set
 * another. From then on it is told of events. The descriptor (wherry_watch_descriptor) is the
 * caller's to close, after freeing the watch. The errors are those of wherry_socket_connect and
 * wherry_watch_new; nothing is left behind then. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_socket_watch_with(
    const wherry_socket_watch_options *options);
#define wherry_socket_watch(...)                                                                   \
    wherry_socket_watch_with(&(wherry_socket_watch_options){                                       \
        .size = sizeof(wherry_socket_watch_options), .result = __VA_ARGS__ })

/* --- Listening */

typedef struct wherry_socket_listen_options {
    size_t size;          /* set by the macro */
    int backlog;          /* listen(2); 0: SOMAXCONN */
    int no_reuse_address; /* not 0: without SO_REUSEADDR, so that ends of former connections keep
                             the port. It has no meaning for Unix sockets */
    int reuse_port; /* not 0: several sockets may listen on the port (SO_REUSEPORT); not for Unix */
    const wherry_socket_options *socket; /* NULL: the defaults */
    WHERRY_RESERVED;
} wherry_socket_listen_options;

/* Listens on address, port 0: one that the kernel chooses (wherry_socket_local tells it):
 * wherry_socket_listen(NULL, &descriptor, &address, .backlog = 5). The socket is non-blocking and
 * close-on-exec; IPv6 ones are IPv6 only. A Unix path where a socket lies on which nobody listens
 * any more is taken over; its file is the caller's to remove in the end. TCP sockets that it
 * accepts have its options. Errors as wherry_listener_new for addresses, wherry_socket_set for
 * options; WHERRY_E_MISUSE: a negative backlog. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_socket_listen_with(
    wherry_system *system, int *descriptor, const wherry_address *address,
    const wherry_socket_listen_options *options);
#define wherry_socket_listen(system, descriptor, ...)                                              \
    wherry_socket_listen_1(system, descriptor, __VA_ARGS__,                                        \
                           .size = sizeof(wherry_socket_listen_options))
#define wherry_socket_listen_1(system, descriptor, address, ...)                                   \
    wherry_socket_listen_with(system, descriptor, address,                                         \
                              &(wherry_socket_listen_options){ __VA_ARGS__ })

/* What ends a connection that a factory made. Embed it as the first member of a struct of your own;
 * it is passed back as self. The library hands it on and never calls it. */
typedef struct wherry_socket_closer wherry_socket_closer;
struct wherry_socket_closer {
    void (*close)(wherry_socket_closer *self, void *connection);
    WHERRY_RESERVED;
};

/* What makes connections of accepted sockets. Embed it as the first member of a struct of your own;
 * it is passed back as self. */
typedef struct wherry_socket_factory wherry_socket_factory;
struct wherry_socket_factory {
    /* Makes the state of a connection of descriptor, which is non-blocking, close-on-exec and
     * without Nagle's delay, and is the connection's to close from now on; remote is whom it is
     * from, valid until it returns. server and closer are what accept was given. NULL: it wants
     * none of it, and the connection is reset. */
    void *(*make)(wherry_socket_factory *self, int descriptor, const wherry_address *remote,
                  void *server, wherry_socket_closer *closer);
    WHERRY_RESERVED;
};

/* Accepts one connection of a listening socket, which must be non-blocking, hands it to the factory
 * and puts what that returns to *made (unless made is NULL). server: state of the server's, for the
 * factory; closer: the same; both may be NULL. WHERRY_E_WOULD_BLOCK: none waits. WHERRY_E_RESET:
 * one came to nothing before it was accepted; the next may be there. WHERRY_E_CLOSED: the factory
 * wanted none of it. WHERRY_E_NO_DESCRIPTORS, _NO_MEMORY, _NO_BUFFERS, _SYSTEM: not now; the
 * connection waits, and the socket stays readable, so rest before you try again (a listener does,
 * see its option factory). WHERRY_E_INVALID: it is not a listening socket. WHERRY_E_MISUSE: no
 * factory. */
WHERRY_PUBLIC int wherry_socket_accept(wherry_system *system, int descriptor,
                                       wherry_socket_factory *factory, void *server,
                                       wherry_socket_closer *closer, void **made);

/* --- Receiving and sending */

/* Receives up to size bytes, at least 1, and returns how many. WHERRY_E_WOULD_BLOCK: none is there
 * (EAGAIN, EWOULDBLOCK, ENOBUFS). WHERRY_E_END: the other end finished in order. Every other error
 * is the end too: WHERRY_E_RESET, _TIMED_OUT, _UNREACHABLE, ... WHERRY_E_MISUSE: size is 0. */
WHERRY_PUBLIC ssize_t wherry_socket_receive(wherry_system *system, int descriptor, void *data,
                                            size_t size);

/* Sends what *bytes has, as far as the kernel takes it now, and moves *bytes on to what is left.
 * WHERRY_OK: nothing is. WHERRY_E_WOULD_BLOCK: the rest is for when the socket is writable (after
 * ENOBUFS it may be so already: rest a little). Every other error is the end: WHERRY_E_RESET, ...;
 * what went before it is moved over. SIGPIPE is not raised. */
WHERRY_PUBLIC int wherry_socket_send(wherry_system *system, int descriptor, wherry_bytes *bytes);

/* Takes the error that is pending on the socket (SO_ERROR): WHERRY_OK when there is none, else its
 * code, and wherry_problem() has its sentence. Asking takes it away. Receive first: see above.
 * WHERRY_E_INVALID: no socket. */
WHERRY_PUBLIC int wherry_socket_error(wherry_system *system, int descriptor);

/* The address of this end and of the other one; WHERRY_FAMILY_NONE when there is none. */
WHERRY_PUBLIC void wherry_socket_local(wherry_system *system, int descriptor,
                                       wherry_address *address);
WHERRY_PUBLIC void wherry_socket_remote(wherry_system *system, int descriptor,
                                        wherry_address *address);

/* Closes it. The descriptor is gone whatever the system says. A negative one is allowed. */
WHERRY_PUBLIC void wherry_socket_close(wherry_system *system, int descriptor);

#ifdef __cplusplus
}
#endif

#endif
