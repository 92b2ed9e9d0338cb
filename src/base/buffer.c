/* Buffer: one block with the bytes somewhere in it.
 *
 *     data        begin           begin + length          capacity
 *      | consumed | bytes           | room                 |
 *
 * When the room at the end does not suffice, the bytes are moved to the front only if at least as
 * many were consumed since the last time; otherwise the block grows. So a byte is moved about once
 * however it is added and consumed, even where the buffer is full all the time and a peer takes a
 * byte now and then. The price is a block of up to twice the limit. */
#include "base/buffer.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"

/* Of the first block, within the limit. */
#define SMALLEST 64

void wherry__buffer_init(wherry__buffer *buffer, wherry_memory *memory, size_t limit)
{
    *buffer = (wherry__buffer){ .memory = memory, .limit = limit };
}

void wherry__buffer_clear(wherry__buffer *buffer)
{
    wherry__memory_give(buffer->memory, buffer->data, buffer->capacity);
    wherry__buffer_init(buffer, buffer->memory, buffer->limit);
}

/* Makes the block hold at least needed bytes: twice as many as now, so that growing costs little a
 * byte. */
static int grow(wherry__buffer *buffer, size_t needed)
{
    size_t wanted = buffer->capacity * 2; /* no block is so large that this wraps */
    size_t most = buffer->limit;
    uint8_t *data;

    if (buffer->begin > 0 && !wherry__size_multiply(most, 2, &most))
        most = SIZE_MAX;
    wanted = wherry__size_min(wherry__size_max(wanted, SMALLEST), most);
    wanted = wherry__size_max(wanted, needed);
    data = wherry__memory_resize(buffer->memory, buffer->data, buffer->capacity, wanted);
    if (data == NULL)
        return WHERRY_E_NO_MEMORY;
    buffer->data = data;
    buffer->capacity = wanted;
    return WHERRY_OK;
}

static void move_to_front(wherry__buffer *buffer)
{
    memmove(buffer->data, buffer->data + buffer->begin, buffer->length);
    buffer->begin = 0;
}

int wherry__buffer_reserve(wherry__buffer *buffer, size_t size, uint8_t **room)
{
    bool is_movable = buffer->begin >= buffer->length;
    size_t total;  /* that is in the buffer when the room is filled */
    size_t needed; /* of the block for that */

    if (!wherry__size_add(buffer->length, size, &total) || total > buffer->limit) {
        wherry__fail(WHERRY_E_TOO_LARGE, "%zu more bytes exceed the limit of %zu", size,
                     buffer->limit);
        return WHERRY_E_TOO_LARGE;
    }
    if (!wherry__size_add(is_movable ? 0 : buffer->begin, total, &needed)) {
        wherry__fail(WHERRY_E_NO_MEMORY, "no block is large enough for %zu bytes", total);
        return WHERRY_E_NO_MEMORY;
    }
    if (needed > buffer->capacity && grow(buffer, needed) < 0)
        return WHERRY_E_NO_MEMORY;
    if (total > buffer->capacity - buffer->begin)
        move_to_front(buffer);
    *room = buffer->data == NULL ? NULL : buffer->data + buffer->begin + buffer->length;
    return WHERRY_OK;
}

void wherry__buffer_commit(wherry__buffer *buffer, size_t size)
{
    assert(size <= buffer->capacity - buffer->begin - buffer->length);
    buffer->length += size;
}

int wherry__buffer_append(wherry__buffer *buffer, wherry_bytes bytes)
{
    uint8_t *room;
    int result = wherry__buffer_reserve(buffer, bytes.length, &room);

    if (result < 0 || bytes.length == 0 || room == NULL) /* which goes together */
        return result;
    memcpy(room, bytes.data, bytes.length);
    wherry__buffer_commit(buffer, bytes.length);
    return WHERRY_OK;
}

void wherry__buffer_consume(wherry__buffer *buffer, size_t size)
{
    size = wherry__size_min(size, buffer->length);
    buffer->length -= size;
    buffer->begin = buffer->length == 0 ? 0 : buffer->begin + size;
}

wherry_bytes wherry__buffer_bytes(const wherry__buffer *buffer)
{
    if (buffer->length == 0)
        return wherry_bytes_at(NULL, 0);
    return wherry_bytes_at(buffer->data + buffer->begin, buffer->length);
}
