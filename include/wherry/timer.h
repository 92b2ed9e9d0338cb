/* Timer: a value that measures a stretch of a loop's time. It calls nobody and costs nothing; who
 * has one asks it. To be woken, use a deadline (wherry_sleep), a task's tock, or a group's limit.
 *
 *     start ........ now ........ stop            elapsed = now - start, remaining = stop - now
 *
 * Instants and durations are nanoseconds of the clock of its base: the loop that it is wound to, or
 * for NULL that of the calling code (the pass time of the loop it runs on, or else the monotonic
 * clock). A base must outlive its timers. Any thread may ask about timers of its own loops.
 */
#ifndef WHERRY_TIMER_H
#define WHERRY_TIMER_H

#include <stdint.h>

#include <wherry/export.h>
#include <wherry/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Readable by everybody; a zeroed one has a duration of 0 and is expired. Copying one is fine. */
typedef struct wherry_timer {
    const wherry_loop *base;
    int64_t start;
    int64_t stop; /* never before start */
} wherry_timer;

/* Winds timer to base and starts it now, for duration; with WHERRY_NEVER, or past the end of time,
 * it never expires. WHERRY_E_MISUSE: the duration is negative; the timer is as it was. */
WHERRY_PUBLIC int wherry_timer_start(wherry_timer *timer, const wherry_loop *base,
                                     int64_t duration);

/* The same from an instant of base on, which may lie in the past or the future. */
WHERRY_PUBLIC int wherry_timer_start_at(wherry_timer *timer, const wherry_loop *base, int64_t start,
                                        int64_t duration);

/* Starts it again where it was to stop, for the same duration: however late the call comes, no time
 * is lost between one stretch and the next. What never expires stays as it is. */
WHERRY_PUBLIC void wherry_timer_restart(wherry_timer *timer);

/* The same with another duration. WHERRY_E_MISUSE: it is negative; the timer is as it was. */
WHERRY_PUBLIC int wherry_timer_restart_for(wherry_timer *timer, int64_t duration);

/* Winds it to another base and starts it there, now, for its duration. */
WHERRY_PUBLIC void wherry_timer_wind(wherry_timer *timer, const wherry_loop *base);

/* How long it was started for; how long ago, negative when its start is still to come; how long it
 * still has, negative when it is over. Those of one that never expires: WHERRY_NEVER, but for how
 * long ago. What is too long for an int64 is its end. */
WHERRY_PUBLIC int64_t wherry_timer_duration(const wherry_timer *timer);
WHERRY_PUBLIC int64_t wherry_timer_elapsed(const wherry_timer *timer);
WHERRY_PUBLIC int64_t wherry_timer_remaining(const wherry_timer *timer);

/* 1 when its stop has come, else 0. With the duration 0 that is at once. */
WHERRY_PUBLIC int wherry_timer_expired(const wherry_timer *timer);

#ifdef __cplusplus
}
#endif

#endif
