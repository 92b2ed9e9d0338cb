/* Buffer: bytes in one piece, added at the end up to a limit and consumed from the front. */
#ifndef WHERRY_BASE_BUFFER_H
#define WHERRY_BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/bytes.h>
#include <wherry/memory.h>

typedef struct wherry__buffer {
    wherry_memory *memory;
    uint8_t *data;   /* the block, NULL while nothing was added */
    size_t begin;    /* where the bytes begin in it */
    size_t length;   /* how many there are */
    size_t capacity; /* of the block: at most twice the limit */
    size_t limit;    /* that length never exceeds; its owner may change it */
} wherry__buffer;

void wherry__buffer_init(wherry__buffer *buffer, wherry_memory *memory, size_t limit);

/* Gives the block back; the buffer is empty and can be used again. */
void wherry__buffer_clear(wherry__buffer *buffer);

/* Makes room for size more bytes at the end and puts its place to *room (NULL when size is 0 and
 * there is no block). WHERRY_E_TOO_LARGE: over the limit. WHERRY_E_NO_MEMORY. The bytes in the
 * buffer may move; nothing is changed on failure. A second reservation replaces the first. */
int wherry__buffer_reserve(wherry__buffer *buffer, size_t size, uint8_t **room);

/* Says that size bytes of the reserved room were filled. */
void wherry__buffer_commit(wherry__buffer *buffer, size_t size);

/* Adds a copy of bytes, which do not lie in the buffer itself, at the end. Errors as
 * wherry__buffer_reserve. */
int wherry__buffer_append(wherry__buffer *buffer, wherry_bytes bytes);

/* Takes size bytes, at most all, from the front. */
void wherry__buffer_consume(wherry__buffer *buffer, size_t size);

/* What is in it; valid until it is next changed. */
wherry_bytes wherry__buffer_bytes(const wherry__buffer *buffer);

#endif
