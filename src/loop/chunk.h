/* Chunk: a counted piece of memory that received or sent bytes lie in. Chunks of the usual size
 * come from a pool of the loop: they are hot in the cache, and a stream needs none while it is
 * idle. */
#ifndef WHERRY_LOOP_CHUNK_H
#define WHERRY_LOOP_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/memory.h>

#include "base/probe.h"
#include "base/usually.h"

typedef struct wherry__chunk_pool wherry__chunk_pool;

typedef struct wherry__chunk {
    wherry__chunk_pool *pool;
    struct wherry__chunk *next; /* in the pool */
    size_t size;                /* of bytes */
    size_t used;                /* for sending: bytes at the front that are taken */
    uint32_t holds;
    _Alignas(max_align_t) uint8_t bytes[];
} wherry__chunk;

struct wherry__chunk_pool {
    wherry_memory *memory;
    wherry__chunk *first;
    size_t size; /* of the pooled ones */
    size_t kept;
    size_t kept_max;
};

void wherry__chunk_pool_init(wherry__chunk_pool *pool, wherry_memory *memory, size_t size,
                             size_t kept_max);
void wherry__chunk_pool_clear(wherry__chunk_pool *pool);

/* A chunk of another size, held once; NULL when there is no memory. It does not go back to the
 * pool. */
wherry__chunk *wherry__chunk_make(wherry__chunk_pool *pool, size_t size);

/* A chunk of the pool's size, held once; NULL when there is no memory. */
static inline wherry__chunk *wherry__chunk_take(wherry__chunk_pool *pool)
{
    wherry__chunk *chunk = pool->first;

    if (WHERRY__RARELY(chunk == NULL) || WHERRY__FAULT_POINT("chunk.pool.new-one"))
        return wherry__chunk_make(pool, pool->size);
    pool->first = chunk->next;
    pool->kept--;
    chunk->holds = 1;
    chunk->used = 0;
    return chunk;
}

static inline wherry__chunk *wherry__chunk_hold(wherry__chunk *chunk)
{
    chunk->holds++;
    return chunk;
}

/* Gives back a chunk that nobody holds. */
void wherry__chunk_drop(wherry__chunk *chunk);

/* NULL is allowed. */
static inline void wherry__chunk_release(wherry__chunk *chunk)
{
    if (chunk != NULL && --chunk->holds == 0)
        wherry__chunk_drop(chunk);
}

#endif
