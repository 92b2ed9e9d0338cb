/* Output: what a stream has to send and the system has not taken yet. It lies at the front of its
 * own first chunk, so that sending takes nothing but a chunk of a pool.
 *
 *     first chunk: [ this structure | copied bytes ... | room ]
 *     segments:    [chunk, offset, length] [chunk, offset, length] ...      in the order of sending
 *
 * Small sends are copied behind each other; bytes that lie in the stream's own input are not
 * copied, their chunk is held.
 */
#ifndef WHERRY_NET_OUTPUT_H
#define WHERRY_NET_OUTPUT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <wherry/bytes.h>

#include "loop/chunk.h"

#define WHERRY__SEGMENTS 24

typedef struct wherry__segment {
    wherry__chunk *chunk;
    size_t offset;
    size_t length;
} wherry__segment;

typedef struct wherry__output {
    wherry__chunk *home; /* the chunk that this lies in */
    size_t unsent;       /* bytes in all segments */
    uint32_t first;      /* segments: a ring would save the moving, but they are few */
    uint32_t count;
    size_t room; /* fewer bytes than that may be put behind the last ones, and nothing else is to be
                    done: who sends says so; 0: look at how things stand */
    size_t more; /* the same for bytes that are only referred to */
    const uint8_t *behind; /* where such bytes must lie to be part of the last segment; NULL: it is
                              a copy */
    wherry__segment segments[WHERRY__SEGMENTS];
} wherry__output;

/* An empty output in a chunk of pool; NULL when there is no memory. */
wherry__output *wherry__output_make(wherry__chunk_pool *pool);

/* Makes the space behind an empty output its tail, though nothing is there yet. */
void wherry__output_begin(wherry__output *output);

/* Makes bytes that lie in chunk, which is held from now on, the first of an empty output. */
void wherry__output_refer_first(wherry__output *output, wherry__chunk *chunk, wherry_bytes bytes);

/* Gives back all chunks, its own last. */
void wherry__output_free(wherry__output *output);

/* Adds a copy of bytes; large chunks come from pool. WHERRY_E_NO_MEMORY: nothing was added.
 * WHERRY_E_FULL: no segment is left. */
int wherry__output_copy(wherry__output *output, wherry__chunk_pool *pool, wherry_bytes bytes);

/* How many bytes could be copied right behind the last ones. */
size_t wherry__output_tail(const wherry__output *output);

/* The place right behind the last bytes for size more, which count as queued: the caller copies
 * them there. NULL: there is not so much room. */
static inline uint8_t *wherry__output_place(wherry__output *output, size_t size)
{
    wherry__segment *last;
    uint8_t *place;

    if (output == NULL || size >= output->room)
        return NULL;
    last = &output->segments[output->count - 1];
    place = last->chunk->bytes + last->chunk->used;
    last->chunk->used += size;
    last->length += size;
    output->unsent += size;
    output->room -= size;
    output->more -= size;
    return place;
}

/* Refers to bytes too that are right behind the last ones, in the chunk that those lie in. */
static inline bool wherry__output_refer_on(wherry__output *output, wherry_bytes bytes)
{
    assert(bytes.data != NULL);
    if (bytes.data != output->behind)
        return false;
    output->segments[output->count - 1].length += bytes.length;
    output->behind += bytes.length;
    output->unsent += bytes.length;
    return true;
}

/* Adds bytes that lie in chunk, which is held from now on. WHERRY_E_FULL: no segment is left. */
int wherry__output_refer(wherry__output *output, wherry__chunk *chunk, wherry_bytes bytes);

/* Copies bytes that are referred to into the home chunk, if they are all that there is and fit, so
 * that nobody holds the chunk they lay in. */
void wherry__output_take_home(wherry__output *output);

/* Fills parts with what comes first, at most count of them. Returns how many. */
size_t wherry__output_parts(const wherry__output *output, struct iovec *parts, size_t count);

/* Takes size bytes, which were sent, away from the front. */
void wherry__output_sent(wherry__output *output, size_t size);

/* Where the output stands, to go back to with undo when a send of several parts fails in the
 * middle. */
typedef struct wherry__output_mark {
    uint32_t count;
    size_t last_length;
    size_t last_used; /* of the last segment's chunk */
    size_t unsent;
} wherry__output_mark;

wherry__output_mark wherry__output_mark_now(const wherry__output *output);
void wherry__output_undo(wherry__output *output, wherry__output_mark mark);

/* Copies all that is unsent into one chunk of just the size and room bytes more, so that a slow
 * reader does not keep pooled ones, and moves the output there. Returns it, or output itself when
 * there is no memory. The former one is gone then. */
wherry__output *wherry__output_compact(wherry__output *output, wherry__chunk_pool *pool,
                                       size_t room);

#endif
