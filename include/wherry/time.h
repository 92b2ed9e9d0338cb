/* Time: int64 nanoseconds. Instants are those of the current loop's clock, or else of the monotonic
 * clock. */
#ifndef WHERRY_TIME_H
#define WHERRY_TIME_H

#include <stdint.h>

#include <wherry/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Durations, in nanoseconds. The argument is a whole number, or a floating one for fractions. */
#define WHERRY_MICROSECONDS(n) ((int64_t)((n)*INT64_C(1000)))
#define WHERRY_MILLISECONDS(n) ((int64_t)((n)*INT64_C(1000000)))
#define WHERRY_SECONDS(n) ((int64_t)((n)*INT64_C(1000000000)))

/* Deadlines. Every call that may wait takes one as its last argument (before options): an instant.
 * WHERRY_NEVER: wait for as long as it takes. WHERRY_NOW: never wait; the call answers
 * WHERRY_E_WOULD_BLOCK when it would have to. Any other deadline that has passed answers
 * WHERRY_E_TIMED_OUT. Outside of coroutines anything but WHERRY_NOW is WHERRY_E_MISUSE. */
#define WHERRY_NEVER INT64_MAX
#define WHERRY_NOW INT64_MIN

/* The deadline that lies duration nanoseconds after now, where now is the pass time of the loop
 * that this code runs on, or else that of the monotonic clock. A negative duration counts as zero;
 * one that would go past the end of time is WHERRY_NEVER. Any thread, any context. */
WHERRY_PUBLIC int64_t wherry_in(int64_t duration);

#ifdef __cplusplus
}
#endif

#endif
