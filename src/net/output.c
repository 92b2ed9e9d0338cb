/* Output: segments of counted chunks. */
#include "net/output.h"

#include <string.h>

#include <wherry/error.h>

#include "base/size.h"

static wherry__output *place_in(wherry__chunk *chunk)
{
    wherry__output *output = (wherry__output *)(void *)chunk->bytes;

    output->home = chunk;
    output->unsent = 0;
    output->first = 0; /* segments that are not counted are not looked at, nor set here */
    output->count = 0;
    output->room = 0;
    output->more = 0;
    output->behind = NULL;
    chunk->used = sizeof(*output);
    return output;
}

wherry__output *wherry__output_make(wherry__chunk_pool *pool)
{
    wherry__chunk *chunk = wherry__chunk_take(pool);

    return chunk == NULL ? NULL : place_in(chunk);
}

void wherry__output_free(wherry__output *output)
{
    wherry__chunk *home = output->home;

    for (uint32_t i = output->first; i < output->count; i++)
        wherry__chunk_release(output->segments[i].chunk);
    wherry__chunk_release(home);
}

/* --- adding */

/* Moves the segments to the front of their row when its end is reached. */
static bool has_place(wherry__output *output)
{
    uint32_t left = output->count - output->first;

    if (output->count < WHERRY__SEGMENTS)
        return true;
    if (output->first == 0)
        return false;
    memmove(output->segments, output->segments + output->first, left * sizeof(wherry__segment));
    output->first = 0;
    output->count = left;
    return true;
}

static wherry__segment *last_of(wherry__output *output)
{
    return output->count > output->first ? &output->segments[output->count - 1] : NULL;
}

static int add(wherry__output *output, wherry__chunk *chunk, size_t offset, size_t length)
{
    if (!has_place(output))
        return WHERRY_E_FULL;
    output->segments[output->count++] = (wherry__segment){ wherry__chunk_hold(chunk), offset,
                                                           length };
    output->unsent += length;
    output->behind = NULL;
    return WHERRY_OK;
}

void wherry__output_begin(wherry__output *output)
{
    output->segments[0] = (wherry__segment){ wherry__chunk_hold(output->home), output->home->used,
                                             0 };
    output->count = 1;
}

void wherry__output_refer_first(wherry__output *output, wherry__chunk *chunk, wherry_bytes bytes)
{
    assert(bytes.data >= chunk->bytes && bytes.data + bytes.length <= chunk->bytes + chunk->size);
    output->segments[0] = (wherry__segment){ wherry__chunk_hold(chunk),
                                             (size_t)(bytes.data - chunk->bytes), bytes.length };
    output->count = 1;
    output->unsent = bytes.length;
    output->behind = bytes.data + bytes.length;
}

size_t wherry__output_tail(const wherry__output *output)
{
    const wherry__segment *last;

    if (output->count == output->first)
        return 0;
    last = &output->segments[output->count - 1];
    return last->offset + last->length == last->chunk->used ? last->chunk->size - last->chunk->used
                                                            : 0;
}

int wherry__output_refer(wherry__output *output, wherry__chunk *chunk, wherry_bytes bytes)
{
    int result;

    if (wherry__output_refer_on(output, bytes))
        return WHERRY_OK;
    result = add(output, chunk, (size_t)(bytes.data - chunk->bytes), bytes.length);
    if (result == WHERRY_OK)
        output->behind = bytes.data + bytes.length;
    return result;
}

/* Copies bytes behind those that were copied into chunk before; the segment is new unless the last
 * one ends there. */
static int copy_into(wherry__output *output, wherry__chunk *chunk, wherry_bytes bytes)
{
    wherry__segment *last = last_of(output);
    size_t offset = chunk->used;
    int result = WHERRY_OK;

    if (last != NULL && last->chunk == chunk && last->offset + last->length == offset) {
        last->length += bytes.length;
        output->unsent += bytes.length;
    } else {
        result = add(output, chunk, offset, bytes.length);
    }
    if (result == WHERRY_OK) {
        memcpy(chunk->bytes + offset, bytes.data, bytes.length);
        chunk->used += bytes.length;
    }
    return result;
}

/* The chunk that copies go to now: that of the last copy, or the home. NULL when bytes do not fit.
 */
static wherry__chunk *chunk_with_room(wherry__output *output, size_t size)
{
    wherry__segment *last = last_of(output);

    if (last != NULL && last->chunk != output->home && last->chunk->used > 0 &&
        last->chunk->size - last->chunk->used >= size)
        return last->chunk;
    return output->home->size - output->home->used >= size ? output->home : NULL;
}

int wherry__output_copy(wherry__output *output, wherry__chunk_pool *pool, wherry_bytes bytes)
{
    wherry__chunk *chunk = chunk_with_room(output, bytes.length);
    int result;

    if (bytes.length == 0)
        return WHERRY_OK;
    if (chunk != NULL)
        return copy_into(output, chunk, bytes);
    chunk = bytes.length <= pool->size ? wherry__chunk_take(pool)
                                       : wherry__chunk_make(pool, bytes.length);
    if (chunk == NULL)
        return WHERRY_E_NO_MEMORY;
    result = copy_into(output, chunk, bytes);
    wherry__chunk_release(chunk); /* the segment holds it */
    return result;
}

void wherry__output_take_home(wherry__output *output)
{
    wherry__segment *only = &output->segments[output->first];
    wherry__chunk *home = output->home;
    wherry__chunk *elsewhere;

    if (output->count - output->first != 1 || only->chunk == home ||
        only->length > home->size - home->used)
        return;
    elsewhere = only->chunk;
    memcpy(home->bytes + home->used, elsewhere->bytes + only->offset, only->length);
    *only = (wherry__segment){ wherry__chunk_hold(home), home->used, only->length };
    home->used += only->length;
    output->room = 0;
    output->behind = NULL;
    wherry__chunk_release(elsewhere);
}

/* --- going back */

wherry__output_mark wherry__output_mark_now(const wherry__output *output)
{
    const wherry__segment *last = output->count > output->first
                                      ? &output->segments[output->count - 1]
                                      : NULL;

    return (wherry__output_mark){ .count = output->count - output->first,
                                  .last_length = last == NULL ? 0 : last->length,
                                  .last_used = last == NULL ? 0 : last->chunk->used,
                                  .unsent = output->unsent };
}

void wherry__output_undo(wherry__output *output, wherry__output_mark mark)
{
    while (output->count - output->first > mark.count)
        wherry__chunk_release(output->segments[--output->count].chunk);
    if (mark.count > 0) {
        output->segments[output->count - 1].length = mark.last_length;
        output->segments[output->count - 1].chunk->used = mark.last_used;
    }
    output->unsent = mark.unsent;
    output->behind = NULL;
}

/* --- sending */

size_t wherry__output_parts(const wherry__output *output, struct iovec *parts, size_t count)
{
    size_t filled = 0;

    for (uint32_t i = output->first; i < output->count && filled < count; i++, filled++) {
        const wherry__segment *segment = &output->segments[i];

        parts[filled].iov_base = segment->chunk->bytes + segment->offset;
        parts[filled].iov_len = segment->length;
    }
    return filled;
}

void wherry__output_sent(wherry__output *output, size_t size)
{
    output->unsent -= size;
    while (size > 0) {
        wherry__segment *segment = &output->segments[output->first];
        size_t part = wherry__size_min(size, segment->length);

        segment->offset += part;
        segment->length -= part;
        size -= part;
        if (segment->length == 0) {
            wherry__chunk_release(segment->chunk);
            output->first++;
        }
    }
}

wherry__output *wherry__output_compact(wherry__output *output, wherry__chunk_pool *pool,
                                       size_t room)
{
    wherry__chunk *chunk = wherry__chunk_make(pool, sizeof(*output) + output->unsent + room);
    wherry__output *compact;

    if (chunk == NULL)
        return output;
    compact = place_in(chunk);
    for (uint32_t i = output->first; i < output->count; i++)
        (void)copy_into(
            compact, chunk,
            wherry_bytes_at(output->segments[i].chunk->bytes + output->segments[i].offset,
                            output->segments[i].length));
    wherry__output_free(output);
    return compact;
}
