/* A memory of which can be told how much a call touches: a count that is the same on every machine,
 * where a time is not. Each block has pages of its own; to watch is to forbid them all, and each
 * that is touched after all is counted and allowed again. */
#ifndef TESTS_SUPPORT_WATCHED_MEMORY_H
#define TESTS_SUPPORT_WATCHED_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/memory.h>

typedef struct watched_memory {
    wherry_memory base; /* pass &memory.base on */
    uint8_t *begin;
    size_t used; /* bytes, of whole pages; what is given back is not used again */
} watched_memory;

/* There is one at a time. It fails the test where the machine has no address space for it. */
void watched_memory_init(watched_memory *memory);
void watched_memory_done(watched_memory *memory);

/* From here to watched_memory_touched, which returns how many pages were touched, those of new
 * blocks not counted. */
void watched_memory_watch(watched_memory *memory);
size_t watched_memory_touched(watched_memory *memory);

#endif
