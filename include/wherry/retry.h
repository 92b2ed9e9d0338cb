/* Retry: how long to wait before what failed is tried again, so that many programs that lost one
 * server do not all come back at once, nor hammer it while it is down.
 *
 * The pause is drawn evenly from nothing up to a limit (full jitter); the limit begins at first and
 * grows by factor with each failure up to ceiling. A success that has lasted for reset_after begins
 * anew; one that broke off before goes on where it was.
 */
#ifndef WHERRY_RETRY_H
#define WHERRY_RETRY_H

#include <stdint.h>

#include <wherry/export.h>
#include <wherry/loop.h>
#include <wherry/peer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A policy and where it stands, by value: all zero is the default, at its beginning. */
typedef struct wherry_retry {
    int64_t first;       /* nanoseconds: the limit of the first pause; 0: 100 ms */
    int64_t ceiling;     /* nanoseconds: of any pause; 0: 30 s, or first if that is more */
    double factor;       /* 1 or more; 0: 2 */
    int64_t reset_after; /* nanoseconds; 0: 10 s */
    int64_t attempt;     /* nanoseconds for each attempt of wherry_connect_retrying; 0: 10 s */
    int64_t limit;       /* of the next pause; 0: first */
    int64_t succeeded;   /* when, by the loop's clock; 0: it has not since the last pause */
    WHERRY_RESERVED;
} wherry_retry;

/* Draws the next pause, in nanoseconds, after a failure or the end of what had succeeded. loop:
 * NULL for the one that the caller runs on. WHERRY_E_MISUSE: no loop, or a member that makes no
 * sense, which is named. WHERRY_E_SYSTEM: there are no random bytes. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_retry_next(wherry_retry *retry, wherry_loop *loop,
                                                   int64_t *pause);

/* Notes that it succeeded now. loop: as above; where there is none, nothing is noted. */
WHERRY_PUBLIC void wherry_retry_succeed(wherry_retry *retry, const wherry_loop *loop);

/* For coroutines: wherry_connect, again and again until it succeeds, with pauses by retry, which it
 * tells of the success: wherry_connect_retrying(&peer, "tcp://example.org:7000", &wherry_lines,
 * &retry, WHERRY_NEVER). Errors as wherry_connect, at once where trying again cannot help:
 * WHERRY_E_MISUSE, _INVALID, _TOO_LARGE, _UNSUPPORTED, _NO_MEMORY; over TCP WHERRY_E_NOT_FOUND (no
 * such device) and _NO_PERMISSION (mark, device, local); WHERRY_E_NO_NAME of an address in numbers
 * (it is not of the family asked for). WHERRY_E_TIMED_OUT: the deadline passed; wherry_problem()
 * tells of the last attempt. WHERRY_E_CANCELED: the task is being stopped. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_connect_retrying_with(
    wherry_peer **peer, const char *endpoint, const wherry_protocol *protocol, wherry_retry *retry,
    int64_t deadline, const wherry_connect_options *options);
#define wherry_connect_retrying(peer, endpoint, protocol, retry, ...)                              \
    wherry_connect_retrying_1(peer, endpoint, protocol, retry, __VA_ARGS__,                        \
                              .size = sizeof(wherry_connect_options))
#define wherry_connect_retrying_1(peer, endpoint, protocol, retry, deadline, ...)                  \
    wherry_connect_retrying_with(peer, endpoint, protocol, retry, deadline,                        \
                                 &(wherry_connect_options){ __VA_ARGS__ })

#ifdef __cplusplus
}
#endif

#endif
