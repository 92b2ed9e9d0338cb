/* Race: connecting to an endpoint, by name too, whose addresses race, as RFC 8305 says.
 *
 *     IPv6  a --------------------- c -----------------> ...     families take turns, and each
 *     IPv4        b ----------------------- d -> connected       attempt has a head start
 *
 * Both families are asked for at once. The first one to be tried is waited for a little longer. An
 * attempt that fails makes way for the next one at once; the first to be connected wins, and the
 * others are closed. A connection that a socket has made to itself counts as refused.
 */
#ifndef WHERRY_RACE_H
#define WHERRY_RACE_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/address.h>
#include <wherry/export.h>
#include <wherry/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wherry_race_options {
    size_t size;                         /* set by the macro */
    const wherry_stream_options *stream; /* limits, idle_timeout, linger, delay, socket (see below),
                                            events without connected, no other; NULL: defaults */
    wherry_family family;                /* IPV4 or IPV6: no other; NONE: both */
    wherry_family first;                 /* the family that begins; NONE: IPv6 */
    int64_t head_start;       /* nanoseconds that an attempt has before the next one; 0: 250 ms */
    int64_t resolution_delay; /* nanoseconds that the other family waits for the addresses of the
                                 first one; 0: 50 ms */
    size_t attempts_max; /* under way at a time; 0: 16. Then the oldest makes way for the next one
                          */
    WHERRY_RESERVED;
} wherry_race_options;

/* For coroutines: connects to one endpoint: wherry_stream_connect_to(&stream,
 * "tcp://example.org:https", wherry_in(WHERRY_SECONDS(5))). The caller frees the stream, which is
 * set on success only.
 *
 * Options of the sockets (member socket of stream) are tried out first, so that one that is wrong
 * for every address is told once, before anything is asked or sent; wherry_problem() names it. With
 * local, addresses of its family are tried only. fast_open is left out as long as another address
 * may still win, since a connection that is not begun before something is sent would win at once.
 *
 * WHERRY_E_INVALID, _TOO_LARGE, _UNSUPPORTED: the endpoint, see wherry_endpoint_next; none,
 * several, a port 0 or "*" are not one to connect to. WHERRY_E_NO_NAME, _NO_ANSWER: the name, see
 * wherry_resolve. WHERRY_E_REFUSED and the others of wherry_stream_connect: of all attempts, what
 * says most; wherry_problem() lists them. WHERRY_E_TIMED_OUT: the deadline passed; or nobody
 * answered. WHERRY_E_WOULD_BLOCK: it would have to wait, and the deadline is WHERRY_NOW.
 * WHERRY_E_CANCELED: the task is being stopped. WHERRY_E_MISUSE: not on a coroutine, no place for
 * the result, or an option that makes no sense. WHERRY_E_NO_MEMORY, and the errors of
 * wherry_socket_set. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_stream_connect_to_with(wherry_stream **stream,
                                                               const char *endpoint,
                                                               int64_t deadline,
                                                               const wherry_race_options *options);
#define wherry_stream_connect_to(stream, endpoint, ...)                                            \
    wherry_stream_connect_to_1(stream, endpoint, __VA_ARGS__, .size = sizeof(wherry_race_options))
#define wherry_stream_connect_to_1(stream, endpoint, deadline, ...)                                \
    wherry_stream_connect_to_with(stream, endpoint, deadline, &(wherry_race_options){ __VA_ARGS__ })

#ifdef __cplusplus
}
#endif

#endif
