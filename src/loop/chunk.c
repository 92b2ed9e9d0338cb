/* Chunks: counted memory for bytes on their way. */
#include "loop/chunk.h"

#include "base/memory.h"
#include "base/probe.h"
#include "base/size.h"

void wherry__chunk_pool_init(wherry__chunk_pool *pool, wherry_memory *memory, size_t size,
                             size_t kept_max)
{
    *pool = (wherry__chunk_pool){ .memory = memory, .size = size, .kept_max = kept_max };
}

static void give_back(wherry__chunk_pool *pool, wherry__chunk *chunk)
{
    wherry__memory_give(pool->memory, chunk, sizeof(*chunk) + chunk->size);
}

void wherry__chunk_pool_clear(wherry__chunk_pool *pool)
{
    pool->kept_max = 0;
    while (pool->first != NULL) {
        wherry__chunk *chunk = pool->first;

        pool->first = chunk->next;
        pool->kept--;
        give_back(pool, chunk);
    }
}

wherry__chunk *wherry__chunk_make(wherry__chunk_pool *pool, size_t size)
{
    wherry__chunk *chunk;
    size_t whole;

    if (!wherry__size_add(sizeof(*chunk), size, &whole))
        return NULL;
    chunk = wherry__memory_resize(pool->memory, NULL, 0, whole);
    if (chunk != NULL)
        *chunk = (wherry__chunk){ .pool = pool, .size = size, .holds = 1 };
    return chunk;
}

void wherry__chunk_drop(wherry__chunk *chunk)
{
    wherry__chunk_pool *pool = chunk->pool;

    if (chunk->size != pool->size || pool->kept == pool->kept_max ||
        WHERRY__FAULT_POINT("chunk.pool.give-back")) {
        give_back(pool, chunk);
        return;
    }
    chunk->next = pool->first;
    pool->first = chunk;
    pool->kept++;
}
