/* Stream queue: a row of pieces. */
#include "simulation/stream_queue.h"

#include <string.h>

#include "base/memory.h"
#include "base/size.h"

wherry__sim_piece *wherry__sim_piece_new(wherry_memory *memory, size_t room)
{
    wherry__sim_piece *piece = wherry__memory_take(memory, sizeof(*piece) + room);

    if (piece != NULL)
        piece->room = room;
    return piece;
}

void wherry__sim_piece_free(wherry_memory *memory, wherry__sim_piece *piece)
{
    if (piece != NULL)
        wherry__memory_give(memory, piece, sizeof(*piece) + piece->room);
}

void wherry__sim_piece_fill(wherry__sim_piece *piece, wherry__sim_source *source, size_t size)
{
    while (size > 0) {
        const size_t part = wherry__size_min(size, source->parts->iov_len - source->skip);

        if (part > 0)
            memcpy(piece->data + piece->end,
                   (const uint8_t *)source->parts->iov_base + source->skip, part);
        piece->end += part;
        source->skip += part;
        size -= part;
        if (source->skip == source->parts->iov_len) {
            source->parts++;
            source->count--;
            source->skip = 0;
        }
    }
}

void wherry__sim_queue_put(wherry__sim_queue *queue, wherry__sim_piece *piece)
{
    piece->next = NULL;
    if (queue->last == NULL)
        queue->first = piece;
    else
        queue->last->next = piece;
    queue->last = piece;
    queue->size += wherry__sim_piece_size(piece);
}

void wherry__sim_queue_put_back(wherry__sim_queue *queue, wherry__sim_piece *piece)
{
    piece->next = queue->first;
    if (queue->first == NULL)
        queue->last = piece;
    queue->first = piece;
    queue->size += wherry__sim_piece_size(piece);
}

static wherry__sim_piece *unlink_first(wherry__sim_queue *queue)
{
    wherry__sim_piece *piece = queue->first;

    queue->first = piece->next;
    if (queue->first == NULL)
        queue->last = NULL;
    piece->next = NULL;
    return piece;
}

wherry__sim_piece *wherry__sim_queue_take(wherry__sim_queue *queue, wherry_memory *memory,
                                          size_t limit)
{
    wherry__sim_piece *first = queue->first;
    wherry__sim_piece *piece;

    if (first == NULL)
        return NULL;
    if (wherry__sim_piece_size(first) <= limit) {
        queue->size -= wherry__sim_piece_size(first);
        return unlink_first(queue);
    }
    piece = wherry__sim_piece_new(memory, limit);
    if (piece == NULL)
        return NULL;
    memcpy(piece->data, first->data + first->begin, limit);
    piece->end = limit;
    first->begin += limit;
    queue->size -= limit;
    return piece;
}

size_t wherry__sim_queue_add(wherry__sim_queue *queue, wherry_memory *memory,
                             wherry__sim_source *source, size_t size, size_t most)
{
    size_t added = 0;

    while (added < size) {
        wherry__sim_piece *last = queue->last;
        size_t part;

        if (last == NULL || last->end == last->room) {
            /* What cannot leave at once will not be alone for long. */
            part = queue->first == NULL ? wherry__size_min(size - added, most) : most;
            last = wherry__sim_piece_new(memory, part);
            if (last == NULL)
                break;
            wherry__sim_queue_put(queue, last);
        }
        part = wherry__size_min(size - added, last->room - last->end);
        wherry__sim_piece_fill(last, source, part);
        queue->size += part;
        added += part;
    }
    return added;
}

static size_t look_at(const wherry__sim_queue *queue, uint8_t *data, size_t size)
{
    size_t done = 0;

    for (const wherry__sim_piece *piece = queue->first; piece != NULL && done < size;
         piece = piece->next) {
        const size_t part = wherry__size_min(wherry__sim_piece_size(piece), size - done);

        if (data != NULL && part > 0)
            memcpy(data + done, piece->data + piece->begin, part);
        done += part;
    }
    return done;
}

size_t wherry__sim_queue_read(wherry__sim_queue *queue, wherry_memory *memory, uint8_t *data,
                              size_t size, bool look)
{
    const size_t done = look_at(queue, data, size);
    size_t left = look ? 0 : done;

    queue->size -= left;
    while (left > 0) {
        const size_t part = wherry__size_min(wherry__sim_piece_size(queue->first), left);

        queue->first->begin += part;
        left -= part;
        if (wherry__sim_piece_size(queue->first) == 0)
            wherry__sim_piece_free(memory, unlink_first(queue));
    }
    return done;
}

void wherry__sim_queue_clear(wherry__sim_queue *queue, wherry_memory *memory)
{
    while (queue->first != NULL)
        wherry__sim_piece_free(memory, unlink_first(queue));
    queue->size = 0;
}
