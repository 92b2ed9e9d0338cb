/* Arena: each block is one of malloc(3) with a header before it, so that checkers of memory see
 * each for itself. */
#include "simulation/arena.h"

#include <stdalign.h>

#include "base/memory.h"
#include "base/size.h"

/* Before each block. A block may be given back by another program than took it. */
typedef struct header {
    alignas(max_align_t) wherry__link link;
    wherry__sim_arena *arena;
    size_t size;
} header;

static void enter(wherry__sim_arena *arena, header *block, size_t size)
{
    block->arena = arena;
    block->size = size;
    wherry__list_append(&arena->blocks, &block->link);
    arena->count++;
    arena->bytes += size;
}

static void leave(header *block)
{
    wherry__link_remove(&block->link);
    block->arena->count--;
    block->arena->bytes -= block->size;
}

static void give(header *block)
{
    wherry__memory_give(wherry__memory_default(), block, sizeof(header) + block->size);
}

static void *resize(wherry_memory *self, void *old, size_t old_size, size_t new_size)
{
    wherry__sim_arena *arena = (wherry__sim_arena *)(void *)self;
    header *block = old == NULL ? NULL : (header *)old - 1;
    header *grown;
    size_t whole;

    (void)old_size;
    if (new_size == 0) {
        if (block != NULL) {
            leave(block);
            give(block);
        }
        return NULL;
    }
    if (!wherry__size_add(new_size, sizeof(header), &whole) ||
        (arena->fails && wherry__sim_fault(arena->host, WHERRY_FAULT_NO_MEMORY, 1, NULL)))
        return NULL;
    if (block != NULL)
        leave(block);
    grown = wherry__memory_resize(wherry__memory_default(), block,
                                  block == NULL ? 0 : sizeof(header) + block->size, whole);
    if (grown == NULL) {
        if (block != NULL)
            enter(block->arena, block, block->size);
        return NULL;
    }
    enter(arena, grown, new_size);
    return grown + 1;
}

void wherry__sim_arena_init(wherry__sim_arena *arena, wherry__sim_host *host)
{
    *arena = (wherry__sim_arena){ .base.resize = resize, .host = host };
    wherry__link_init(&arena->blocks);
}

void wherry__sim_arena_clear(wherry__sim_arena *arena)
{
    wherry__link *link;

    arena->fails = false;
    while ((link = wherry__list_take(&arena->blocks)) != NULL)
        give(WHERRY__OWNER(link, header, link));
    arena->count = 0;
    arena->bytes = 0;
}
