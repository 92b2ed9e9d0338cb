/* Service: streams that the caller drives. No callback, no coroutine, and nothing happens to them
 * but in these calls, each of which does what can be done at once and returns.
 *
 *     wherry_stream_service       a connection attempt, sends, receives: one pass over one stream
 *     wherry_stream_peek/consume  what came          (stream.h)
 *     wherry_stream_send          what is to go out  (stream.h; with WHERRY_NOW, it only queues)
 *
 * A stream is serviced that was made with the option .serviced, that wherry_stream_dial made, or
 * that a roster (roster.h) did, which services many at the cost of those that are ready. Its loop
 * gives it memory and time, and need not run for that: the real clock of one that does not is read
 * by these calls. It takes the stream over when the program hands it over
 * (wherry_stream_unservice), and when it is closed, to see unsent bytes out within the linger time:
 * for that it must run, or be freed.
 *
 * All are for the loop's thread, in any context. On a stream that is not serviced they answer
 * WHERRY_E_MISUSE, and do nothing, but for the two that ask whether it is open and connected.
 */
#ifndef WHERRY_SERVICE_H
#define WHERRY_SERVICE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <wherry/address.h>
#include <wherry/bytes.h>
#include <wherry/export.h>
#include <wherry/stream.h>
#include <wherry/timer.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wherry_dial_options {
    size_t size;                         /* set by the macro */
    wherry_loop *loop;                   /* NULL: the loop that the caller runs on */
    const wherry_stream_options *stream; /* limits, idle_timeout, linger, delay, socket, wirelog,
                                            and fixed_idle; copied, but for the wirelog. NULL:
                                            defaults */
    int64_t timeout; /* nanoseconds that an attempt to connect may take; 0: the system's */
    int reconnect; /* not 0: an attempt that failed or took too long is followed by another one when
                      the timeout, or if that is 0 a second, has passed since it began. (For pauses
                      that grow: retry.h.) Meanwhile wherry_stream_problem says how the last one
                      failed. A connection that was there and ended is not made again but by
                      wherry_stream_open */
    WHERRY_RESERVED;
} wherry_dial_options;

/* Makes a serviced stream to address, not open yet: wherry_stream_dial(&stream, &address, .loop =
 * loop), then wherry_stream_open. Bytes may be queued from now on. The caller frees it.
 * WHERRY_E_MISUSE: no place for the stream, no loop, an option that makes no sense.
 * WHERRY_E_INVALID: port 0, or no address. WHERRY_E_NO_MEMORY. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_stream_dial_with(wherry_stream **stream,
                                                         const wherry_address *address,
                                                         const wherry_dial_options *options);
#define wherry_stream_dial(stream, ...)                                                            \
    wherry_stream_dial_1(stream, __VA_ARGS__, .size = sizeof(wherry_dial_options))
#define wherry_stream_dial_1(stream, address, ...)                                                 \
    wherry_stream_dial_with(stream, address, &(wherry_dial_options){ __VA_ARGS__ })

/* Opens a stream that was dialled, again if it was open before: the former connection, if there is
 * one, is closed as by wherry_stream_abort, and a new socket made, which the next service connects.
 * The end is forgotten. What was received stays, and what is unsent, too (wherry_stream_discard),
 * unless the stream was closed: then it went with the former connection. WHERRY_OK.
 * WHERRY_E_NO_DESCRIPTORS, _UNSUPPORTED, _NO_BUFFERS, _NO_MEMORY, and the errors of
 * wherry_socket_set: it could not, and is not open. WHERRY_E_MISUSE: it was not dialled, or its
 * loop was freed. */
WHERRY_PUBLIC int wherry_stream_open(wherry_stream *stream);

/* Throws away what was queued and not sent: a message of which a part went out on the former
 * connection makes no sense on the next. Returns how many bytes that were. WHERRY_E_CLOSED: it was
 * closed, and they are on their way. */
WHERRY_PUBLIC ssize_t wherry_stream_discard(wherry_stream *stream);

/* Whether it is open (1): connected, or to be connected; whether it is connected. */
WHERRY_PUBLIC int wherry_stream_is_open(const wherry_stream *stream);
WHERRY_PUBLIC int wherry_stream_is_connected(const wherry_stream *stream);

/* --- One pass. They report each end once it is there, and again each time. */

/* Goes on with connecting. 1: it is connected; 0: not yet, or it will be tried again. Else how it
 * failed, as wherry_stream_connect (WHERRY_E_TIMED_OUT at the end of the timeout), or
 * WHERRY_E_CLOSED: it is not open. */
WHERRY_PUBLIC int wherry_stream_service_connect(wherry_stream *stream);

/* Sends from the send buffer until the system takes no more or nothing is left. Returns how many
 * bytes went out, or how sending ended (RESET, CLOSED, IDLE). 0 while it connects. */
WHERRY_PUBLIC ssize_t wherry_stream_service_send(wherry_stream *stream);

/* Receives into the receive buffer until nothing is there, the buffer is full, or as much has come
 * as 16 chunks of the loop hold (1 MiB), so that one sender cannot hold the caller. Returns how
 * many bytes came; or, when none did and none will, how receiving ended (WHERRY_E_END, RESET,
 * CLOSED, IDLE; NO_MEMORY: it was broken off). once: in one receive at most. 0 while it connects or
 * is paused, and while what wherry_stream_receive has given is in use. */
WHERRY_PUBLIC ssize_t wherry_stream_service_receive(wherry_stream *stream);
WHERRY_PUBLIC ssize_t wherry_stream_service_receive_once(wherry_stream *stream);

/* All of it: connects, sends, receives, and ends a stream whose idle time is over. WHERRY_OK, or
 * how it ended: WHERRY_E_END as long as it still can send. That sending alone is over is told with
 * the end of receiving, or at once while reading is paused or the buffer full. */
WHERRY_PUBLIC int wherry_stream_service(wherry_stream *stream);

/* --- Past the buffers */

/* Receives up to size bytes to data, at once, leaving the receive buffer as it is; what comes this
 * way came after what is in it. Returns how many (at least 1), WHERRY_E_WOULD_BLOCK, or how
 * receiving ended. WHERRY_E_MISUSE: not connected yet, or a size of 0. */
WHERRY_PUBLIC ssize_t wherry_stream_receive_past(wherry_stream *stream, void *data, size_t size);

/* Sends from bytes what the system takes at once. Returns how many bytes, WHERRY_E_WOULD_BLOCK, or
 * how sending ended. WHERRY_E_BUSY: the send buffer is not empty, and its bytes come first.
 * WHERRY_E_MISUSE: not connected yet, after wherry_stream_shutdown, or no bytes. */
WHERRY_PUBLIC ssize_t wherry_stream_send_past(wherry_stream *stream, wherry_bytes bytes);

/* --- Ends and limits */

/* Takes no more from the other end: receiving ends with WHERRY_E_END behind what the system has
 * already, and what comes later is not looked at (shutdown(2), SHUT_RD). Sending goes on.
 * WHERRY_OK, or how receiving ended. WHERRY_E_MISUSE: not connected yet. With
 * wherry_stream_shutdown, which does that for sending, it is both. */
WHERRY_PUBLIC int wherry_stream_shutdown_receive(wherry_stream *stream);

/* The timer of its idle time, started anew by each byte that it received or sent, unless the option
 * .fixed_idle says that only wherry_stream_refresh starts it. Its duration is 0 without a time
 * limit. It is its base that it is wound to: see wherry_stream_wind. NULL: not serviced. */
WHERRY_PUBLIC const wherry_timer *wherry_stream_timer(const wherry_stream *stream);
WHERRY_PUBLIC int wherry_stream_refresh(wherry_stream *stream);

/* Measures its times on the clock of base from now on; all start anew. NULL: that of its loop. The
 * base must outlive the stream. */
WHERRY_PUBLIC int wherry_stream_wind(wherry_stream *stream, const wherry_loop *base);

/* The sizes of its buffers in the kernel, as socket.h has them, errors included; 0 and 0 while it
 * is not open. */
WHERRY_PUBLIC int wherry_stream_buffers(const wherry_stream *stream, size_t *send, size_t *receive);

/* Hands the stream to its loop for good: from now on it is as any other, events and coroutines
 * included, and its time is the loop's. WHERRY_E_MISUSE: it is in a roster
 * (wherry_roster_hand_over first), a task serves it, or it is not connected. WHERRY_E_CLOSED.
 * WHERRY_E_NO_MEMORY, _FULL: a limit of the system on watches. */
WHERRY_PUBLIC int wherry_stream_unservice(wherry_stream *stream);

#ifdef __cplusplus
}
#endif

#endif
