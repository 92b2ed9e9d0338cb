/* Taking memory. The library never calls malloc(3) but here: everything else goes through a
 * wherry_memory, which is what lets a loop's memory be counted, bounded and made to fail. */
#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static void *resize_default(wherry_memory *self, void *old, size_t old_size, size_t new_size)
{
    (void)self;
    (void)old_size;
    if (new_size == 0) { /* what realloc(3) does with 0 differs from system to system */
        free(old);
        return NULL;
    }
    return realloc(old, new_size);
}

wherry_memory *wherry__memory_default(void)
{
    static wherry_memory memory = { .resize = resize_default };

    return &memory;
}

static _Thread_local wherry_memory *chosen;

wherry_memory *wherry__memory_ambient(void)
{
    return chosen != NULL ? chosen : wherry__memory_default();
}

wherry_memory *wherry__memory_set_ambient(wherry_memory *memory)
{
    wherry_memory *former = chosen;

    chosen = memory;
    return former;
}

static void *resize_counted(wherry_memory *self, void *old, size_t old_size, size_t new_size)
{
    wherry__counted_memory *counted = (wherry__counted_memory *)self;
    void *block = counted->below->resize(counted->below, old, old_size, new_size);

    if (block != NULL || new_size == 0)
        counted->bytes = counted->bytes - old_size + new_size;
    return block;
}

void wherry__counted_memory_init(wherry__counted_memory *counted, wherry_memory *below)
{
    *counted = (wherry__counted_memory){
        .base.resize = resize_counted,
        .below = below != NULL ? below : wherry__memory_default(),
    };
}

bool wherry__memory_is_counted(const wherry_memory *memory)
{
    return memory->resize == resize_counted;
}

void *wherry__memory_resize(wherry_memory *memory, void *old, size_t old_size, size_t new_size)
{
    void *block = memory->resize(memory, old, old_size, new_size);

    if (block == NULL && new_size > 0)
        wherry__fail(WHERRY_E_NO_MEMORY, "out of memory: %zu bytes were asked for", new_size);
    return block;
}

void *wherry__memory_take(wherry_memory *memory, size_t size)
{
    void *block;

    assert(size > 0);
    block = wherry__memory_resize(memory, NULL, 0, size);
    return block == NULL ? NULL : memset(block, 0, size);
}

void wherry__memory_give(wherry_memory *memory, void *block, size_t size)
{
    if (block != NULL)
        (void)memory->resize(memory, block, size, 0);
}
