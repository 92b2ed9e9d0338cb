/* Stream: one connected byte stream over a socket, pipe, terminal or descriptor of the caller's,
 * with a receive and a send buffer.
 *
 *     descriptor --> receive buffer --> peek, consume | receive
 *     descriptor <-- send buffer    <-- send      (all of a pass leave in one write)
 *
 * What it received is told by callbacks (wherry_stream_events), or waited for by coroutines; both
 * on the same object, on the loop's thread. How it ended is sticky and told after every byte before
 * it was delivered; see the codes WHERRY_E_END to WHERRY_E_CLOSED in error.h. The end of the other
 * side's sending (WHERRY_E_END) leaves our sending as it is.
 */
#ifndef WHERRY_STREAM_H
#define WHERRY_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <wherry/address.h>
#include <wherry/bytes.h>
#include <wherry/export.h>
#include <wherry/loop.h>
#include <wherry/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wherry_stream wherry_stream;
typedef struct wherry_stream_events wherry_stream_events;
typedef struct wherry_wirelog wherry_wirelog;

/* Embed it as the first member of a struct of your own; it is passed back as self. Members may be
 * NULL. All are called outside of coroutines, and may call everything of the stream, close and free
 * included. One such struct may serve many streams. */
struct wherry_stream_events {
    /* An outgoing stream is connected. */
    void (*connected)(wherry_stream_events *self, wherry_stream *stream);
    /* Bytes were added to the receive buffer: wherry_stream_peek. What is not consumed stays;
     * reading pauses while the buffer is full. */
    void (*received)(wherry_stream_events *self, wherry_stream *stream);
    /* After a send was refused with WHERRY_E_WOULD_BLOCK: the send buffer has room again, or
     * sending is over. The next send tells. */
    void (*writable)(wherry_stream_events *self, wherry_stream *stream);
    /* Nothing more will be received: reason is WHERRY_E_END or how the stream ended. Called once,
     * after received was for all before it; not after a close or free by the program. For an
     * outgoing stream also when it could not connect. */
    void (*ended)(wherry_stream_events *self, wherry_stream *stream, int reason);
    WHERRY_RESERVED;
};

typedef struct wherry_stream_options {
    size_t size; /* set by the macro */
    wherry_stream **result;
    wherry_loop *loop; /* NULL: the loop that the caller runs on */
    int descriptor;    /* of wherry_stream_new: what to make a stream of. The stream closes it, see
                          keep */
    int keep;          /* of wherry_stream_new, not 0: the descriptor is left open at the end */
    wherry_stream_events *events; /* who is told; NULL: nobody, coroutines wait */
    size_t receive_max;           /* bytes the receive buffer holds, at most 2 GiB; 0: 1 MiB */
    size_t send_max; /* bytes in the send buffer from which sends wait, at most 2 GiB; 0: 256 KiB.
                        One send into an empty buffer may be larger */
    int64_t idle_timeout; /* nanoseconds without a byte received or sent that end it with
                             WHERRY_E_IDLE; 0: none */
    int64_t linger;       /* nanoseconds that unsent bytes have after a close; 0: 5 s */
    int delay;            /* not 0: leaves Nagle's algorithm on (RFC 896); it is off by default */
    const wherry_socket_options *socket; /* buffers, keepalive and so on; NULL: the defaults. local
                                            and fast_open are for connecting only */
    int serviced;   /* of wherry_stream_new, not 0: the caller drives it (service.h), and nobody is
                       told; not with events */
    int fixed_idle; /* of a serviced stream, not 0: traffic does not start the idle time anew */
    wherry_wirelog *wirelog; /* records what it receives and sends (wirelog.h); must outlive the
                                stream. NULL: nobody */
    WHERRY_RESERVED;
} wherry_stream_options;

/* Makes a stream of an open descriptor: wherry_stream_new(&stream, .descriptor = fd, .events =
 * &mine). A descriptor that may block is used so that it does not, and its flags, which others may
 * share, are left alone. The caller frees the stream. On failure the descriptor stays the caller's.
 * WHERRY_E_MISUSE: no place for the result, no loop, an option that makes no sense, or a listening
 * or datagram socket. WHERRY_E_INVALID: not an open descriptor. WHERRY_E_EXISTS: the loop watches
 * it already. WHERRY_E_NO_MEMORY, _FULL: a limit of the system on watches. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_stream_new_with(const wherry_stream_options *options);
#define wherry_stream_new(...)                                                                     \
    wherry_stream_new_with(                                                                        \
        &(wherry_stream_options){ .size = sizeof(wherry_stream_options), .result = __VA_ARGS__ })

/* Connects to address: wherry_stream_connect(&stream, &address, wherry_in(WHERRY_SECONDS(5)), .loop
 * = loop, .events = &mine). With an events.connected it does not wait: what fails at once is its
 * result; else connected or ended is called later, in any case not before it has returned, and
 * ended with WHERRY_E_TIMED_OUT at the deadline (WHERRY_NOW: none). Without, it waits on a
 * coroutine; WHERRY_E_WOULD_BLOCK: it would have to, and the deadline is WHERRY_NOW. *stream is set
 * on success only. WHERRY_E_REFUSED, _UNREACHABLE, _PROHIBITED, _NO_ADDRESS, _NO_PERMISSION,
 * _NOT_FOUND (no such Unix socket), _TIMED_OUT, _RESET: the network said no. WHERRY_E_CANCELED: the
 * task is being stopped. WHERRY_E_MISUSE, _INVALID (port 0, no address), _UNSUPPORTED (no such
 * family here), _NO_DESCRIPTORS, _NO_MEMORY, _NO_BUFFERS, _FULL: a limit of the system on watches.
 */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_stream_connect_with(wherry_stream **stream,
                                                            const wherry_address *address,
                                                            int64_t deadline,
                                                            const wherry_stream_options *options);
#define wherry_stream_connect(stream, address, ...)                                                \
    wherry_stream_connect_1(stream, address, __VA_ARGS__, .size = sizeof(wherry_stream_options))
#define wherry_stream_connect_1(stream, address, deadline, ...)                                    \
    wherry_stream_connect_with(stream, address, deadline, &(wherry_stream_options){ __VA_ARGS__ })

/* --- Receiving */

/* For coroutines: waits until there are bytes in the receive buffer and gives all of them. They
 * stay valid, and in the buffer, until the next receive on the stream begins, which consumes them.
 * WHERRY_OK; or how the stream ended (END, RESET, TRUNCATED, IDLE, CLOSED; NO_MEMORY, FULL: it was
 * broken off, since memory or the system's watches did not suffice). WHERRY_E_TIMED_OUT,
 * WHERRY_E_WOULD_BLOCK: nothing is there. WHERRY_E_CANCELED: the task is being stopped.
 * WHERRY_E_BUSY: another task is receiving from it. WHERRY_E_MISUSE: a deadline other than
 * WHERRY_NOW outside of a coroutine, or where a serviced stream has nothing. */
WHERRY_PUBLIC int wherry_stream_receive(wherry_stream *stream, wherry_bytes *bytes,
                                        int64_t deadline);

/* What is in the receive buffer now; valid until the stream is next read, consumed, closed or the
 * callback returns. */
WHERRY_PUBLIC wherry_bytes wherry_stream_peek(const wherry_stream *stream);

/* Takes length bytes from the front of the receive buffer; more than there are: all. */
WHERRY_PUBLIC void wherry_stream_consume(wherry_stream *stream, size_t length);

/* Stops reading, so that the other end is held back in time, and starts it again. Streams read from
 * the start. */
WHERRY_PUBLIC void wherry_stream_pause(wherry_stream *stream);
WHERRY_PUBLIC void wherry_stream_resume(wherry_stream *stream);

/* --- Sending */

/* Sends bytes: returns WHERRY_OK when all of them are copied or in the kernel, and takes none in
 * any other case. It waits on a coroutine, and refuses elsewhere, while the send buffer holds as
 * much as send_max and more would be added. WHERRY_E_WOULD_BLOCK, WHERRY_E_TIMED_OUT: there was no
 * room. How the stream ended: RESET, IDLE, CLOSED. WHERRY_E_CANCELED: the task is being stopped and
 * there was no room. WHERRY_E_MISUSE: after wherry_stream_shutdown, before it is connected, or a
 * deadline other than WHERRY_NOW outside of a coroutine where it would wait. WHERRY_E_BUSY: a feed
 * (feed.h) sends on the stream. WHERRY_E_NO_MEMORY. On a serviced stream (service.h) it only
 * copies, also before it is connected, and never waits. */
WHERRY_PUBLIC int wherry_stream_send(wherry_stream *stream, wherry_bytes bytes, int64_t deadline);

/* The same for count parts, all or none, in one piece. */
WHERRY_PUBLIC int wherry_stream_send_parts(wherry_stream *stream, const wherry_bytes *parts,
                                           size_t count, int64_t deadline);

/* Waits until the kernel has all that was sent. Errors as wherry_stream_send. */
WHERRY_PUBLIC int wherry_stream_flush(wherry_stream *stream, int64_t deadline);

/* Bytes that the kernel has not taken yet. */
WHERRY_PUBLIC size_t wherry_stream_unsent(const wherry_stream *stream);

/* Tells the other end, behind all that was sent, that no more comes; receiving goes on. A pipe is
 * over then; a terminal or file cannot be told. Again, or after the end: nothing. WHERRY_OK, or how
 * the stream ended. WHERRY_E_MISUSE: before it is connected. WHERRY_E_BUSY: a feed sends on it. */
WHERRY_PUBLIC int wherry_stream_shutdown(wherry_stream *stream);

/* --- The end */

/* Ends the stream here, now: waiters wake with WHERRY_E_CLOSED, no callback follows. What was sent
 * before still goes out, in the background, within the linger time; what has not gone by then is
 * thrown away, and the other end gets a reset (TCP). What was received and not consumed can still
 * be peeked. Closing again does nothing. */
WHERRY_PUBLIC void wherry_stream_close(wherry_stream *stream);

/* Ends the stream here, now, and throws away what was not sent: the other end gets a reset (TCP:
 * RFC 9293 section 3.10.7.1). */
WHERRY_PUBLIC void wherry_stream_abort(wherry_stream *stream);

/* Closes it and gives it back. Inside its own callbacks too. NULL is allowed. */
WHERRY_PUBLIC void wherry_stream_free(wherry_stream *stream);

/* How the stream ended: WHERRY_OK while receiving goes on, then one of the codes of an end, or why
 * it could not connect. */
WHERRY_PUBLIC int wherry_stream_end(const wherry_stream *stream);

/* A readable sentence on how it ended, "" while it goes on. Valid while the stream lives. */
WHERRY_PUBLIC const char *wherry_stream_problem(const wherry_stream *stream);

/* The address of the other end and of this one; WHERRY_FAMILY_NONE when there is none. Also after
 * the end. */
WHERRY_PUBLIC void wherry_stream_remote(const wherry_stream *stream, wherry_address *address);
WHERRY_PUBLIC void wherry_stream_local(const wherry_stream *stream, wherry_address *address);

/* The descriptor, or -1 after the end. It belongs to the stream. */
WHERRY_PUBLIC int wherry_stream_descriptor(const wherry_stream *stream);

/* Has events told of the stream from now on, instead of who was before; NULL: nobody. So an
 * accepted stream gets events of its own, best inside of accepted: nothing has been told of it yet.
 * On a closed or serviced stream, or one that a peer was made of, it does nothing. */
WHERRY_PUBLIC void wherry_stream_set_events(wherry_stream *stream, wherry_stream_events *events);

/* Sets the time limit without traffic from now on, in nanoseconds; 0 or less: none. */
WHERRY_PUBLIC void wherry_stream_set_idle(wherry_stream *stream, int64_t idle_timeout);

#ifdef __cplusplus
}
#endif

#endif
