/* Deadlines: a heap for the near ones behind a wheel of buckets for the far ones. The wheel alone
 * would know instants only to the width of a bucket, and virtual time needs them exactly and in
 * order; the heap alone would cost a walk through memory for each deadline that is set and taken
 * back, which is what most of them are for.
 *
 * A deadline's place: 0 nowhere, PLACE_HEAP, PLACE_LATE, or PLACE_BUCKET + level * 64 + slot.
 */
#include "loop/deadlines.h"

#include <string.h>

#include <wherry/time.h>

#include "base/probe.h"

enum { PLACE_NONE = 0, PLACE_HEAP = 1, PLACE_LATE = 2, PLACE_BUCKET = 3 };

/* A bucket of level L is 2^(WIDTH + DIGIT * L) nanoseconds wide. */
#define WIDTH 20u
#define DIGIT 6u
#define SLOT_MASK (WHERRY__WHEEL_SLOTS - 1u)

/* Two narrowest buckets before the end of time, so that the horizon can move behind any deadline.
 */
#define LATEST (INT64_MAX - ((int64_t)2 << WIDTH))

void wherry__deadlines_init(wherry__deadlines *deadlines, wherry_system *system, int64_t now)
{
    memset(deadlines, 0, sizeof(*deadlines));
    deadlines->system = system;
    deadlines->horizon = now & ~(((int64_t)1 << WIDTH) - 1);
}

void wherry__deadline_init(wherry__deadline *deadline, void (*expire)(wherry__deadline *self))
{
    memset(deadline, 0, sizeof(*deadline));
    deadline->expire = expire;
}

/* --- the heap */

static bool before(const wherry__deadline *one, const wherry__deadline *other)
{
    if (one->when != other->when)
        return one->when < other->when;
    return (int32_t)(one->rank - other->rank) < 0;
}

/* Joins two heaps, either of which may be empty; a root has neither siblings nor a previous. */
static wherry__deadline *meld(wherry__deadline *one, wherry__deadline *other)
{
    wherry__deadline *parent;
    wherry__deadline *child;

    if (one == NULL)
        return other;
    if (other == NULL)
        return one;
    parent = before(other, one) ? other : one;
    child = parent == one ? other : one;
    child->previous = parent;
    child->next = parent->child;
    if (parent->child != NULL)
        parent->child->previous = child;
    parent->child = child;
    return parent;
}

static wherry__deadline *detach(wherry__deadline *node)
{
    node->next = NULL;
    node->previous = NULL;
    return node;
}

/* Makes one heap of a row of siblings: in pairs from the left, then these from the right. */
static wherry__deadline *meld_row(wherry__deadline *row)
{
    wherry__deadline *pairs = NULL;
    wherry__deadline *heap = NULL;

    while (row != NULL) {
        wherry__deadline *one = row;
        wherry__deadline *other = row->next;

        row = other == NULL ? NULL : other->next;
        one = meld(detach(one), other == NULL ? NULL : detach(other));
        one->next = pairs;
        pairs = one;
    }
    while (pairs != NULL) {
        wherry__deadline *one = pairs;

        pairs = pairs->next;
        heap = meld(heap, detach(one));
    }
    return heap;
}

static void heap_add(wherry__deadlines *deadlines, wherry__deadline *deadline)
{
    deadline->place = PLACE_HEAP;
    deadline->child = NULL;
    deadlines->heap = meld(deadlines->heap, detach(deadline));
}

static void heap_remove(wherry__deadlines *deadlines, wherry__deadline *deadline)
{
    wherry__deadline *children = meld_row(deadline->child);

    deadline->child = NULL;
    if (deadline == deadlines->heap) {
        deadlines->heap = children;
        return;
    }
    if (deadline->previous->child == deadline)
        deadline->previous->child = deadline->next;
    else
        deadline->previous->next = deadline->next;
    if (deadline->next != NULL)
        deadline->next->previous = deadline->previous;
    deadlines->heap = meld(deadlines->heap, children);
}

/* --- the wheel */

static unsigned slot_of(int64_t when, unsigned level)
{
    return (unsigned)((uint64_t)when >> (WIDTH + DIGIT * level)) & SLOT_MASK;
}

/* The level is that of the highest digit in which the instant differs from the horizon. */
static unsigned level_of(int64_t when, int64_t horizon)
{
    uint64_t difference = (uint64_t)(when ^ horizon) >> WIDTH;

    return difference == 0 ? 0 : (63u - (unsigned)__builtin_clzll(difference)) / DIGIT;
}

static void list_add(wherry__deadline **list, wherry__deadline *deadline)
{
    deadline->previous = NULL;
    deadline->next = *list;
    if (*list != NULL)
        (*list)->previous = deadline;
    *list = deadline;
}

static void list_remove(wherry__deadline **list, wherry__deadline *deadline)
{
    if (deadline->previous == NULL)
        *list = deadline->next;
    else
        deadline->previous->next = deadline->next;
    if (deadline->next != NULL)
        deadline->next->previous = deadline->previous;
}

static void bucket_add(wherry__deadlines *deadlines, wherry__deadline *deadline)
{
    unsigned level = level_of(deadline->when, deadlines->horizon);
    unsigned slot = slot_of(deadline->when, level);

    deadline->place = (uint16_t)(PLACE_BUCKET + level * WHERRY__WHEEL_SLOTS + slot);
    deadlines->used[level] |= (uint64_t)1 << slot;
    list_add(&deadlines->buckets[level][slot], deadline);
}

static void bucket_remove(wherry__deadlines *deadlines, wherry__deadline *deadline)
{
    unsigned level = ((unsigned)deadline->place - PLACE_BUCKET) / WHERRY__WHEEL_SLOTS;
    unsigned slot = ((unsigned)deadline->place - PLACE_BUCKET) % WHERRY__WHEEL_SLOTS;

    list_remove(&deadlines->buckets[level][slot], deadline);
    if (deadlines->buckets[level][slot] == NULL)
        deadlines->used[level] &= ~((uint64_t)1 << slot);
}

static void place(wherry__deadlines *deadlines, wherry__deadline *deadline)
{
    if (deadline->when < deadlines->horizon)
        heap_add(deadlines, deadline);
    else
        bucket_add(deadlines, deadline);
}

static wherry__deadline *take_bucket(wherry__deadlines *deadlines, unsigned level, unsigned slot)
{
    wherry__deadline *row = deadlines->buckets[level][slot];

    deadlines->buckets[level][slot] = NULL;
    deadlines->used[level] &= ~((uint64_t)1 << slot);
    return row;
}

/* Puts what is in a bucket where it belongs now that the horizon has moved. */
static void spread(wherry__deadlines *deadlines, unsigned level, unsigned slot)
{
    wherry__deadline *row = take_bucket(deadlines, level, slot);

    WHERRY__PROBE_IF(level > 2, "deadlines.spread.far");
    while (row != NULL) {
        wherry__deadline *deadline = row;

        row = row->next;
        place(deadlines, deadline);
    }
}

/* Finds the first bucket behind the horizon; false when all are empty. Lower levels come earlier in
 * time. */
static bool first_bucket(const wherry__deadlines *deadlines, unsigned *level, int64_t *begin)
{
    unsigned shift;

    for (*level = 0; *level < WHERRY__WHEEL_LEVELS; (*level)++)
        if (deadlines->used[*level] != 0)
            break;
    if (*level == WHERRY__WHEEL_LEVELS)
        return false;
    shift = WIDTH + DIGIT * *level;
    *begin = shift + DIGIT >= 63 ? 0 : (deadlines->horizon >> (shift + DIGIT)) << (shift + DIGIT);
    *begin |= (int64_t)__builtin_ctzll(deadlines->used[*level]) << shift;
    return true;
}

/* Moves the horizon to instant, the begin of a narrowest bucket with nothing before it, and spreads
 * the wider buckets that begin there. */
static void move_horizon(wherry__deadlines *deadlines, int64_t instant)
{
    unsigned highest = level_of(instant, deadlines->horizon);

    deadlines->horizon = instant;
    for (unsigned level = highest; level > 0; level--)
        if (deadlines->used[level] >> slot_of(instant, level) & 1)
            spread(deadlines, level, slot_of(instant, level));
}

/* Moves the horizon over the first bucket: into narrower ones, or for a narrowest one into the
 * heap. */
static void empty_first_bucket(wherry__deadlines *deadlines, unsigned level, int64_t begin)
{
    unsigned slot = slot_of(begin, 0);
    wherry__deadline *row;

    move_horizon(deadlines, begin);
    if (level > 0)
        return;
    row = take_bucket(deadlines, 0, slot);
    move_horizon(deadlines, begin + ((int64_t)1 << WIDTH));
    while (row != NULL) {
        wherry__deadline *deadline = row;

        row = row->next;
        heap_add(deadlines, deadline);
    }
}

/* --- all together */

static uint32_t rank(wherry__deadlines *deadlines)
{
    const uint32_t range = UINT32_MAX / 2; /* so that differences of ranks have a sign */

    if (deadlines->system->choose == NULL)
        return deadlines->next_rank++;
    return deadlines->system->choose(deadlines->system, WHERRY_CHOICE_DEADLINE, range);
}

void wherry__deadline_arm(wherry__deadlines *deadlines, wherry__deadline *deadline, int64_t when)
{
    wherry__deadline_disarm(deadlines, deadline);
    if (when == WHERRY_NEVER)
        return;
    deadline->when = when < 0 ? 0 : when > LATEST ? LATEST : when;
    deadline->rank = rank(deadlines);
    deadlines->count++;
    if (deadlines->expiring && deadline->when < deadlines->horizon) {
        WHERRY__PROBE("deadlines.armed-while-others-expire");
        deadline->place = PLACE_LATE;
        list_add(&deadlines->late, deadline);
    } else {
        place(deadlines, deadline);
    }
}

void wherry__deadline_disarm(wherry__deadlines *deadlines, wherry__deadline *deadline)
{
    if (deadline->place == PLACE_NONE)
        return;
    if (deadline->place == PLACE_HEAP)
        heap_remove(deadlines, deadline);
    else if (deadline->place == PLACE_LATE)
        list_remove(&deadlines->late, deadline);
    else
        bucket_remove(deadlines, deadline);
    deadline->place = PLACE_NONE;
    deadlines->count--;
}

size_t wherry__deadlines_expire(wherry__deadlines *deadlines, int64_t now)
{
    size_t expired = 0;
    unsigned level;
    int64_t begin;

    while (first_bucket(deadlines, &level, &begin) && begin <= now)
        empty_first_bucket(deadlines, level, begin);
    if (now > deadlines->horizon)
        move_horizon(deadlines, now & ~(((int64_t)1 << WIDTH) - 1));
    deadlines->expiring = true;
    while (deadlines->heap != NULL && deadlines->heap->when <= now) {
        wherry__deadline *deadline = deadlines->heap;

        wherry__deadline_disarm(deadlines, deadline);
        deadline->expire(deadline);
        expired++;
    }
    deadlines->expiring = false;
    while (deadlines->late != NULL) {
        wherry__deadline *deadline = deadlines->late;

        list_remove(&deadlines->late, deadline);
        place(deadlines, deadline);
    }
    return expired;
}

int64_t wherry__deadlines_bound(const wherry__deadlines *deadlines)
{
    unsigned level;
    int64_t begin;

    if (deadlines->heap != NULL)
        return deadlines->heap->when;
    return first_bucket(deadlines, &level, &begin) ? begin : WHERRY_NEVER;
}

int64_t wherry__deadlines_earliest(wherry__deadlines *deadlines)
{
    unsigned level;
    int64_t begin;

    while (deadlines->heap == NULL && first_bucket(deadlines, &level, &begin))
        empty_first_bucket(deadlines, level, begin);
    return deadlines->heap == NULL ? WHERRY_NEVER : deadlines->heap->when;
}
