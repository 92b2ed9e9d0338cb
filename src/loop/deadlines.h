/* Deadlines: all the instants that a loop waits for, in one structure whose cost does not grow
 * visibly to a million of them.
 *
 *                     horizon
 *     near: a heap       |      far: buckets by time, unordered inside
 *     [ ... ... ... ] ---|--- [ 1 ms ][ 1 ms ] ... [   67 ms   ] ... [      4.3 s      ] ...
 *
 * What lies before the horizon is in a pairing heap (Fredman et al., 1986), which knows the
 * earliest. What lies behind it is only thrown into a bucket, and most deadlines are taken out of
 * there again before their time. As time goes on the horizon moves over the buckets and empties
 * them into the heap, wide ones into narrower ones first.
 *
 * Everything lies in the deadlines themselves, so that arming one never fails.
 */
#ifndef WHERRY_LOOP_DEADLINES_H
#define WHERRY_LOOP_DEADLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wherry/system.h>

#define WHERRY__WHEEL_LEVELS 8
#define WHERRY__WHEEL_SLOTS 64

typedef struct wherry__deadline wherry__deadline;
struct wherry__deadline {
    int64_t when;
    uint32_t rank;  /* decides between equals: the lower first */
    uint16_t place; /* where it is: see deadlines.c; 0: not armed */
    wherry__deadline *next;
    wherry__deadline *previous; /* in the heap: the elder sibling, or for the first child the parent
                                 */
    wherry__deadline *child;
    void (*expire)(wherry__deadline *self); /* called disarmed; may arm it again */
};

typedef struct wherry__deadlines {
    wherry_system *system; /* chooses between equals */
    size_t count;          /* armed */
    uint32_t next_rank;
    int64_t horizon;
    wherry__deadline *heap;
    wherry__deadline *late; /* armed for the past while deadlines expire: for the next time */
    bool expiring;
    uint64_t used[WHERRY__WHEEL_LEVELS]; /* a bit for each bucket that is not empty */
    wherry__deadline *buckets[WHERRY__WHEEL_LEVELS][WHERRY__WHEEL_SLOTS];
} wherry__deadlines;

void wherry__deadlines_init(wherry__deadlines *deadlines, wherry_system *system, int64_t now);

void wherry__deadline_init(wherry__deadline *deadline, void (*expire)(wherry__deadline *self));

/* Arms deadline for an instant, or moves it there. WHERRY_NEVER disarms it. What lies before 0
 * counts as 0, and the last two milliseconds of time as one instant. */
void wherry__deadline_arm(wherry__deadlines *deadlines, wherry__deadline *deadline, int64_t when);

void wherry__deadline_disarm(wherry__deadlines *deadlines, wherry__deadline *deadline);

static inline bool wherry__deadline_armed(const wherry__deadline *deadline)
{
    return deadline->place != 0;
}

/* Expires all that are due at now, earliest first, and returns how many. One that is armed for the
 * past meanwhile expires the next time, so that it cannot hold up the rest of the loop. */
size_t wherry__deadlines_expire(wherry__deadlines *deadlines, int64_t now);

/* An instant before which none is due, close to the earliest deadline (for one far away: the
 * beginning of its bucket); WHERRY_NEVER when none is armed. */
int64_t wherry__deadlines_bound(const wherry__deadlines *deadlines);

/* The earliest deadline itself; WHERRY_NEVER when none is armed. It may move the horizon up to
 * there. */
int64_t wherry__deadlines_earliest(wherry__deadlines *deadlines);

#endif
