#include "support/failing_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "base/size.h"

/* Before each block, to check what is said of it later; as large as the alignment of malloc(3). */
typedef union prefix {
    size_t size;
    max_align_t alignment;
} prefix;

static bool may_take(failing_memory *memory, size_t size)
{
    memory->calls++;
    if (size > PTRDIFF_MAX / 2)
        return false;
    if (memory->calls == memory->fail_at ||
        (memory->is_persistent && memory->fail_at != 0 && memory->calls > memory->fail_at)) {
        memory->failures++;
        return false;
    }
    return true;
}

static void *take(failing_memory *memory, size_t size)
{
    prefix *block = may_take(memory, size) ? malloc(sizeof(prefix) + size) : NULL;

    if (block == NULL)
        return NULL;
    block->size = size;
    memset(block + 1, 0xa5, size); /* whoever relies on zeroes is seen */
    memory->blocks++;
    memory->bytes += size;
    return block + 1;
}

static void give(failing_memory *memory, void *old)
{
    prefix *block = (prefix *)old - 1;

    memory->blocks--;
    memory->bytes -= block->size;
    free(block);
}

static void *resize(wherry_memory *self, void *old, size_t old_size, size_t new_size)
{
    failing_memory *memory = (failing_memory *)self;
    void *block = NULL;

    if (old_size != (old == NULL ? 0 : ((prefix *)old - 1)->size))
        fail_msg("a block is said to have %zu bytes, which is wrong", old_size);
    if (new_size > 0) {
        block = take(memory, new_size);
        if (block == NULL)
            return NULL;
    }
    if (old != NULL) {
        if (block != NULL)
            memcpy(block, old, wherry__size_min(old_size, new_size));
        give(memory, old);
    }
    return block;
}

void failing_memory_init(failing_memory *memory, size_t fail_at, bool is_persistent)
{
    *memory = (failing_memory){
        .base.resize = resize,
        .fail_at = fail_at,
        .is_persistent = is_persistent,
    };
}

void failing_memory_assert_empty(const failing_memory *memory)
{
    if (memory->blocks != 0 || memory->bytes != 0)
        fail_msg("%zu bytes in %zu blocks were not given back; call %zu failed", memory->bytes,
                 memory->blocks, memory->fail_at);
}

/* Runs scenario once and returns how many calls failed. */
static size_t try_one(failing_memory_scenario *scenario, size_t fail_at, bool is_persistent,
                      size_t *calls)
{
    failing_memory memory;
    int result;

    failing_memory_init(&memory, fail_at, is_persistent);
    result = scenario(&memory.base);
    failing_memory_assert_empty(&memory);
    if (result != WHERRY_OK && (result != WHERRY_E_NO_MEMORY || memory.failures == 0))
        fail_msg("%s when call %zu failed", wherry_error_name(result), fail_at);
    *calls = memory.calls;
    return memory.failures;
}

size_t failing_memory_try(failing_memory_scenario *scenario)
{
    size_t calls = 0;
    size_t fail_at = 1;

    while (try_one(scenario, fail_at, false, &calls) > 0) {
        (void)try_one(scenario, fail_at, true, &calls);
        fail_at++;
    }
    return calls;
}
