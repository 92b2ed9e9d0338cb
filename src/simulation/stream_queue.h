/* Stream queue: bytes that wait in a stream, in the pieces in which they were sent. A piece goes
 * from the queue of the sender through the network into that of the receiver as it is, so that
 * nothing can lack memory when it arrives. */
#ifndef WHERRY_SIMULATION_STREAM_QUEUE_H
#define WHERRY_SIMULATION_STREAM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <wherry/memory.h>

typedef struct wherry__sim_piece wherry__sim_piece;
struct wherry__sim_piece {
    wherry__sim_piece *next;
    size_t begin, end; /* what has not been read yet */
    size_t room;
    uint8_t data[];
};

typedef struct wherry__sim_queue {
    wherry__sim_piece *first, *last;
    size_t size; /* bytes in all of them */
} wherry__sim_queue;

/* Where in the parts of a send the bytes come from that are next. */
typedef struct wherry__sim_source {
    const struct iovec *parts;
    size_t count;
    size_t skip; /* bytes of the first part that were taken */
} wherry__sim_source;

/* A piece with room for so many bytes, empty. NULL: no memory. */
wherry__sim_piece *wherry__sim_piece_new(wherry_memory *memory, size_t room);
void wherry__sim_piece_free(wherry_memory *memory, wherry__sim_piece *piece);

/* Copies size bytes of the source behind what the piece has. */
void wherry__sim_piece_fill(wherry__sim_piece *piece, wherry__sim_source *source, size_t size);

static inline size_t wherry__sim_piece_size(const wherry__sim_piece *piece)
{
    return piece->end - piece->begin;
}

/* At the end, and before all others. */
void wherry__sim_queue_put(wherry__sim_queue *queue, wherry__sim_piece *piece);
void wherry__sim_queue_put_back(wherry__sim_queue *queue, wherry__sim_piece *piece);

/* Takes the first piece out, cut to limit bytes. NULL: there is none, or no memory to cut it. */
wherry__sim_piece *wherry__sim_queue_take(wherry__sim_queue *queue, wherry_memory *memory,
                                          size_t limit);

/* Adds size bytes of the source, in pieces of at most most bytes: the last piece is filled up
 * first. Returns how many there was memory for. */
size_t wherry__sim_queue_add(wherry__sim_queue *queue, wherry_memory *memory,
                             wherry__sim_source *source, size_t size, size_t most);

/* Copies up to size bytes out (data NULL: none) and, unless they are only looked at, takes them
 * away. Returns how many. */
size_t wherry__sim_queue_read(wherry__sim_queue *queue, wherry_memory *memory, uint8_t *data,
                              size_t size, bool look);

void wherry__sim_queue_clear(wherry__sim_queue *queue, wherry_memory *memory);

#endif
