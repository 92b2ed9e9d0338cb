/* What the compiler and the processor cannot know: which way is the usual one, so that it is laid
 * out without jumps, and what will be looked at behind a system call, so that it is in the cache by
 * then. For the few places that every message passes. */
#ifndef WHERRY_BASE_USUALLY_H
#define WHERRY_BASE_USUALLY_H

#include <stddef.h>
#include <stdint.h>

#define WHERRY__USUALLY(condition) __builtin_expect(!!(condition), 1)
#define WHERRY__RARELY(condition) __builtin_expect(!!(condition), 0)

/* Has the first lines of the cache that an object lies in fetched. Any address will do, and it may
 * be smaller: numbers, unlike pointers, may go beyond it. */
static inline void wherry__fetch(const void *object, size_t lines)
{
    for (size_t i = 0; i < lines; i++)
        __builtin_prefetch((const void *)((uintptr_t)object + 64 * i));
}

#endif
