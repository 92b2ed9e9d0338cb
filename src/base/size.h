/* Checked arithmetic for sizes that come from outside. Each answers whether the result fits, and
 * stores it only then. */
#ifndef WHERRY_BASE_SIZE_H
#define WHERRY_BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool wherry__size_add(size_t one, size_t other, size_t *sum)
{
    size_t result;

    if (__builtin_add_overflow(one, other, &result))
        return false;
    *sum = result;
    return true;
}

static inline bool wherry__size_multiply(size_t one, size_t other, size_t *product)
{
    size_t result;

    if (__builtin_mul_overflow(one, other, &result))
        return false;
    *product = result;
    return true;
}

static inline size_t wherry__size_min(size_t one, size_t other)
{
    return one < other ? one : other;
}

static inline size_t wherry__size_max(size_t one, size_t other)
{
    return one > other ? one : other;
}

/* The instant that lies duration after instant, WHERRY_NEVER when that would be past the end of
 * time. Negative durations count as zero. */
static inline int64_t wherry__instant_after(int64_t instant, int64_t duration)
{
    int64_t sum;

    if (duration <= 0)
        return instant;
    return __builtin_add_overflow(instant, duration, &sum) ? INT64_MAX : sum;
}

#endif
