/* Peer: the other end of a conversation, at message level.
 *
 * A peer is counted. The server holds an accepted one while it is connected and its handler runs;
 * who dialled one holds it until wherry_peer_close; wherry_peer_hold and _release keep it longer,
 * in a table of clients, say. It lives on its loop's thread.
 */
#ifndef WHERRY_PEER_H
#define WHERRY_PEER_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/address.h>
#include <wherry/bytes.h>
#include <wherry/export.h>
#include <wherry/protocol.h>
#include <wherry/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wherry_peer wherry_peer;

typedef struct wherry_connect_options {
    size_t size;                         /* set by the macro */
    wherry_loop *loop;                   /* NULL: the loop that the caller runs on */
    const wherry_stream_options *stream; /* limits, idle_timeout, linger, delay, socket, wirelog,
                                            no other; NULL: defaults */
    wherry_family family;                /* IPV4 or IPV6: no other; NONE: both */
    wherry_family first;                 /* the family that begins; NONE: IPv6 */
    int64_t head_start;  /* nanoseconds that one address has before the next; 0: 250 ms */
    size_t attempts_max; /* addresses tried at a time; 0: 16 */
    WHERRY_RESERVED;
} wherry_connect_options;

/* Connects to one endpoint: wherry_connect(&server, "tcp://example.org:7000", &wherry_lines,
 * wherry_in(WHERRY_SECONDS(5))). On a coroutine. Its addresses race, as race.h says. protocol
 * must outlive the peer. The caller ends it with wherry_peer_close. *peer is set on success only,
 * and is NULL otherwise. Errors as wherry_stream_connect_to. WHERRY_E_MISUSE: not on a coroutine,
 * no place for the result, no protocol, or an option that makes no sense. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_connect_with(wherry_peer **peer, const char *endpoint,
                                                     const wherry_protocol *protocol,
                                                     int64_t deadline,
                                                     const wherry_connect_options *options);
#define wherry_connect(peer, endpoint, protocol, ...)                                              \
    wherry_connect_1(peer, endpoint, protocol, __VA_ARGS__, .size = sizeof(wherry_connect_options))
#define wherry_connect_1(peer, endpoint, protocol, deadline, ...)                                  \
    wherry_connect_with(peer, endpoint, protocol, deadline,                                        \
                        &(wherry_connect_options){ __VA_ARGS__ })

/* Makes a peer of a stream, which is the peer's from then on: its events are replaced. For streams
 * that were made by hand (a socketpair, a pipe). The caller ends it with wherry_peer_close.
 * WHERRY_E_MISUSE: no place for the result, no open stream, or no protocol. WHERRY_E_NO_MEMORY. The
 * stream stays the caller's in both. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_peer_new(wherry_peer **peer, wherry_stream *stream,
                                                 const wherry_protocol *protocol);

/* Waits for one whole message and gives it. It stays valid until the next receive on this peer
 * begins, or its last hold goes. WHERRY_OK. WHERRY_E_END, _RESET, _TRUNCATED (it ended inside of a
 * message), _IDLE, _CLOSED: how the connection ended, again at every receive. WHERRY_E_MALFORMED:
 * what came in its place breaks the rules of the protocol; wherry_peer_problem() tells what and at
 * which byte of the connection; the next receive goes on behind it. WHERRY_E_TIMED_OUT,
 * WHERRY_E_WOULD_BLOCK: no whole message has come; nothing is lost. WHERRY_E_CANCELED: the task is
 * being stopped. WHERRY_E_BUSY: another task is receiving from it. WHERRY_E_NO_MEMORY: for a
 * message larger than the chunks of the loop. WHERRY_E_MISUSE: a deadline other than WHERRY_NOW
 * outside of a coroutine where it would wait. */
WHERRY_PUBLIC int wherry_peer_receive(wherry_peer *peer, wherry_bytes *message, int64_t deadline);

/* Sends one message: returns WHERRY_OK when it is copied or queued; a later failure shows at the
 * next call. All messages of a pass leave in one write. It waits, on a coroutine, while the send
 * buffer is full (send_max of the stream); messages of several tasks go out whole, in the order of
 * the calls. WHERRY_E_TOO_LARGE: over the protocol's limit. WHERRY_E_INVALID: the framing cannot
 * carry it (a line with a line end in it, a length that is not that of fixed:N). WHERRY_E_RESET,
 * _IDLE, _CLOSED: how the connection ended. WHERRY_E_TIMED_OUT, _WOULD_BLOCK: there was no room.
 * WHERRY_E_CANCELED: the task is being stopped and there was no room. WHERRY_E_NO_MEMORY.
 * WHERRY_E_MISUSE: after wherry_peer_shutdown, or a deadline other than WHERRY_NOW outside of a
 * coroutine where it would wait. Nothing is sent in any of these. */
WHERRY_PUBLIC int wherry_peer_send(wherry_peer *peer, wherry_bytes message, int64_t deadline);

/* The same for one message that lies in count parts; WHERRY_E_MISUSE: in more than 16 of them. */
WHERRY_PUBLIC int wherry_peer_send_parts(wherry_peer *peer, const wherry_bytes *parts, size_t count,
                                         int64_t deadline);

/* Waits until the kernel has all that was sent. Errors as wherry_peer_send. */
WHERRY_PUBLIC int wherry_peer_flush(wherry_peer *peer, int64_t deadline);

/* Tells the other end, behind all that was sent, that no more messages come; receiving goes on.
 * Again: nothing. WHERRY_OK, or how the connection ended. */
WHERRY_PUBLIC int wherry_peer_shutdown(wherry_peer *peer);

/* Ends the conversation: what was sent still goes out in the background; pending calls return
 * WHERRY_E_CLOSED. It drops the hold of who dialled the peer or made it, once. In a handler it ends
 * the client's conversation. NULL is allowed. */
WHERRY_PUBLIC void wherry_peer_close(wherry_peer *peer);

/* Ends it and throws away what was not sent: the other end gets a reset. Drops the same hold as
 * wherry_peer_close. */
WHERRY_PUBLIC void wherry_peer_abort(wherry_peer *peer);

/* Keeps peer beyond its connection, and gives that up again. hold returns peer. */
WHERRY_PUBLIC wherry_peer *wherry_peer_hold(wherry_peer *peer);
WHERRY_PUBLIC void wherry_peer_release(wherry_peer *peer);

/* How the connection ended: WHERRY_OK while it goes on. A readable sentence about that, or else
 * about the last malformed message; "" when there is none. Valid while the peer is held and no call
 * on it is made. */
WHERRY_PUBLIC int wherry_peer_end(const wherry_peer *peer);
WHERRY_PUBLIC const char *wherry_peer_problem(const wherry_peer *peer);

/* The address of the other end and of this one. Also after the end. */
WHERRY_PUBLIC void wherry_peer_remote(const wherry_peer *peer, wherry_address *address);
WHERRY_PUBLIC void wherry_peer_local(const wherry_peer *peer, wherry_address *address);

/* The stream below, for its settings (idle time, descriptor). It belongs to the peer: do not
 * receive, send, close or free it. */
WHERRY_PUBLIC wherry_stream *wherry_peer_stream(const wherry_peer *peer);

/* A pointer of the program's own that goes with the peer; NULL at first. */
WHERRY_PUBLIC void wherry_peer_set_user(wherry_peer *peer, void *user);
WHERRY_PUBLIC void *wherry_peer_user(const wherry_peer *peer);

#ifdef __cplusplus
}
#endif

#endif
