/* Queueing: how bytes come into the output, which leaves at the end of the pass, so that all sends
 * of a pass leave in one write. What is not little is not copied if that can be helped. */
#include "net/stream.h"

#include <wherry/error.h>

#include "base/probe.h"
#include "base/size.h"
#include "net/recording.h"
#include "net/socket.h"

/* From this size on, bytes that lie in the stream's own input are referred to instead of copied,
 * though they cost a segment of their own. */
#define REFER_MIN ((size_t)8 << 10)

/* From this size on, bytes from elsewhere are offered to the system at once, without a copy. */
#define DIRECT_MIN ((size_t)16 << 10)

/* When so much is queued it is written before the end of the pass. */
#define WRITE_AT ((size_t)64 << 10)

static bool lies_in_input(const wherry_stream *stream, wherry_bytes bytes)
{
    const wherry__chunk *chunk = stream->input;

    return bytes.length >= WHERRY__STREAM_REFER_MIN && chunk != NULL &&
           bytes.data >= chunk->bytes && bytes.data < chunk->bytes + chunk->size;
}

static bool can_be_referred_to(const wherry_stream *stream, wherry_bytes bytes)
{
    return lies_in_input(stream, bytes) &&
           (bytes.length >= REFER_MIN || stream->output == NULL || stream->output->unsent == 0 ||
            stream->output->behind == bytes.data);
}

static int queue_part(wherry_stream *stream, wherry_bytes part)
{
    if (can_be_referred_to(stream, part) && !WHERRY__FAULT_POINT("stream.send.copy"))
        return wherry__output_refer(stream->output, stream->input, part);
    return wherry__output_copy(stream->output, &stream->loop->chunks, part);
}

/* All parts or none. */
static int queue_parts(wherry_stream *stream, const wherry_bytes *parts, size_t count)
{
    wherry__output_mark mark = wherry__output_mark_now(stream->output);
    int result = WHERRY_OK;

    for (size_t i = 0; i < count && result == WHERRY_OK; i++)
        result = queue_part(stream, parts[i]);
    if (result < 0) {
        WHERRY__PROBE("stream.send.taken-back");
        wherry__output_undo(stream->output, mark);
    }
    return result;
}

/* All parts in one segment. */
static int queue_flat(wherry_stream *stream, const wherry_bytes *parts, size_t count)
{
    wherry__chunk *chunk;
    uint8_t *place;
    size_t total = 0;
    int result;

    for (size_t i = 0; i < count; i++)
        total += parts[i].length;
    chunk = wherry__chunk_make(&stream->loop->chunks, total);
    if (chunk == NULL)
        return WHERRY_E_NO_MEMORY;
    place = chunk->bytes;
    for (size_t i = 0; i < count; i++)
        place = wherry__bytes_put(place, parts[i]);
    result = wherry__output_refer(stream->output, chunk, wherry_bytes_at(chunk->bytes, total));
    wherry__chunk_release(chunk); /* the segment holds it */
    return result == WHERRY_E_FULL ? WHERRY_E_NO_MEMORY : result;
}

/* How much more may be queued, but no more than there is: so what is moved together again and again
 * doubles each time. */
static size_t room_beside(const wherry_stream *stream)
{
    size_t unsent = stream->output->unsent;

    return unsent >= stream->send_max ? 0 : wherry__size_min(unsent, stream->send_max - unsent);
}

/* No segment is left, which takes many large parts, or large pieces of input that alternate with
 * others: it all moves together. */
static int queue_more(wherry_stream *stream, const wherry_bytes *parts, size_t count)
{
    WHERRY__PROBE("stream.send.no-segment-left");
    if (!stream->blocked && !stream->serviced)
        wherry__stream_write(stream);
    if (stream->refusal != WHERRY_OK)
        return stream->refusal;
    if (stream->output == NULL)
        stream->output = wherry__output_make(&stream->loop->small_chunks);
    else
        stream->output = wherry__output_compact(stream->output, &stream->loop->chunks,
                                                room_beside(stream));
    return stream->output == NULL ? WHERRY_E_NO_MEMORY : queue_flat(stream, parts, count);
}

int wherry__stream_queue(wherry_stream *stream, const wherry_bytes *parts, size_t count)
{
    int result;

    if (stream->output == NULL)
        stream->output = wherry__output_make(&stream->loop->small_chunks);
    if (stream->output == NULL)
        return WHERRY_E_NO_MEMORY;
    result = queue_parts(stream, parts, count);
    if (result == WHERRY_E_FULL)
        result = queue_more(stream, parts, count);
    if (result < 0 && stream->output != NULL && stream->output->unsent == 0) {
        wherry__output_free(stream->output); /* an output always has something to send */
        stream->output = NULL;
    }
    return result;
}

/* Large and from elsewhere: the system may take it as it lies. Returns how many bytes it took. */
static size_t write_direct(wherry_stream *stream, const wherry_bytes *parts, size_t count)
{
    struct iovec pieces[WHERRY__STREAM_PARTS];
    ssize_t result;

    for (size_t i = 0; i < count; i++)
        pieces[i] = (struct iovec){ (void *)(uintptr_t)parts[i].data, parts[i].length };
    result = wherry__socket_send(stream->loop->system, stream->source.descriptor, pieces, count,
                                 stream->as_file, stream->ask_first);
    wherry__recording_sent(stream, pieces, result);
    WHERRY__PROBE_IF(result < 0, "stream.send.direct.refused");
    if (result > 0)
        stream->touched = stream->loop->now;
    return result > 0 ? (size_t)result : 0; /* an error shows again when the rest is written */
}

/* Queues what lies behind the first skip bytes of parts. */
static int queue_rest(wherry_stream *stream, const wherry_bytes *parts, size_t count, size_t skip)
{
    wherry_bytes rest[WHERRY__STREAM_PARTS];
    size_t filled = 0;

    for (size_t i = 0; i < count; i++) {
        size_t gone = wherry__size_min(skip, parts[i].length);

        skip -= gone;
        if (gone < parts[i].length)
            rest[filled++] = wherry_bytes_at(parts[i].data + gone, parts[i].length - gone);
    }
    WHERRY__PROBE_IF(filled > 0 && skip == 0, "stream.send.direct.rest");
    return filled == 0 ? WHERRY_OK : wherry__stream_queue(stream, rest, filled);
}

static bool all_elsewhere(const wherry_stream *stream, const wherry_bytes *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (can_be_referred_to(stream, parts[i]))
            return false;
    return count <= WHERRY__STREAM_PARTS;
}

/* Part of a message that is with the system cannot be taken back: without memory for the rest the
 * stream is broken off. */
static int send_direct(wherry_stream *stream, const wherry_bytes *parts, size_t count)
{
    size_t skip;
    int result;

    wherry__stream_write(stream);
    if (stream->output != NULL || stream->refusal != WHERRY_OK)
        return stream->refusal != WHERRY_OK ? stream->refusal
                                            : wherry__stream_queue(stream, parts, count);
    skip = write_direct(stream, parts, count);
    result = queue_rest(stream, parts, count, skip);
    WHERRY__PROBE_IF(result < 0 && skip > 0, "stream.send.direct.cut-off");
    if (result < 0 && skip > 0)
        wherry__stream_fail(stream, result, 0);
    return result;
}

/* Whether nothing stands against sending but the room that there is. */
static bool is_free(const wherry_stream *stream)
{
    return !stream->closed && !stream->shutting && !stream->sender_woken &&
           stream->feeder == NULL && wherry__list_empty(&stream->waiters);
}

/* Whether the end of the pass will write what is queued, and nothing stands against more of it. */
static bool goes_on(const wherry_stream *stream)
{
    const wherry__output *output = stream->output;

    return output != NULL && stream->source.flush_next != NULL && is_free(stream) &&
           output->unsent < WRITE_AT && output->unsent <= stream->send_max;
}

/* What goes behind the last bytes needs no other look, until wherry__stream_end_room. tail: bytes
 * that could be copied there. */
static void begin_room(const wherry_stream *stream, size_t tail)
{
    wherry__output *output = stream->output;
    size_t most = wherry__size_min(WRITE_AT, (size_t)stream->send_max + 1);

    output->more = most - output->unsent;
    output->room = wherry__size_min(output->more, tail + 1);
}

int wherry__stream_accept(wherry_stream *stream, const wherry_bytes *parts, size_t count,
                          size_t total)
{
    int result;

    if (total >= DIRECT_MIN && !stream->blocked && all_elsewhere(stream, parts, count) &&
        !WHERRY__FAULT_POINT("stream.send.not-direct"))
        result = send_direct(stream, parts, count);
    else
        result = wherry__stream_queue(stream, parts, count);
    if (result < 0 || stream->output == NULL)
        return result;
    if (stream->output->unsent >= WRITE_AT && !stream->blocked &&
        !WHERRY__FAULT_POINT("stream.send.write-later"))
        wherry__stream_write(stream);
    if (stream->output != NULL && !stream->blocked) {
        wherry__source_flush_later(stream->loop, &stream->source);
        wherry__stream_end_room(stream);
        if (goes_on(stream))
            begin_room(stream, wherry__output_tail(stream->output));
    }
    return WHERRY_OK;
}

/* --- short ways */

/* Makes an output of a chunk that is at hand, if total bytes may be queued as its first, to be
 * written at the end of the pass. */
static bool begin(wherry_stream *stream, size_t total)
{
    if (stream->serviced || stream->output != NULL || total == 0 || total >= WRITE_AT ||
        total > stream->send_max || !is_free(stream) || stream->refusal != WHERRY_OK ||
        stream->blocked || stream->connecting || stream->loop->freed ||
        stream->loop->small_chunks.first == NULL)
        return false;
    stream->output = wherry__output_make(&stream->loop->small_chunks);
    if (stream->output == NULL)
        return false;
    wherry__source_flush_later(stream->loop, &stream->source);
    return true;
}

uint8_t *wherry__stream_first_place(wherry_stream *stream, size_t total)
{
    if (total >= WHERRY__STREAM_REFER_MIN || !begin(stream, total))
        return NULL;
    wherry__output_begin(stream->output);
    begin_room(stream, stream->output->home->size - stream->output->home->used);
    return wherry__output_place(stream->output, total);
}

bool wherry__stream_refer_many(wherry_stream *stream, wherry_bytes bytes)
{
    if (stream->input == NULL || WHERRY__FAULT_POINT("stream.refer.not-first") ||
        !begin(stream, bytes.length))
        return false;
    wherry__output_refer_first(stream->output, stream->input, bytes);
    begin_room(stream, 0);
    return true;
}

bool wherry__stream_queue_short(wherry_stream *stream, wherry_bytes bytes)
{
    uint8_t *place = NULL;

    if (lies_in_input(stream, bytes) &&
        (wherry__stream_refer_behind(stream, bytes) || wherry__stream_refer_first(stream, bytes)))
        return true;
    if (bytes.length < WHERRY__STREAM_REFER_MIN)
        place = wherry__stream_place(stream, bytes.length);
    if (place != NULL)
        (void)wherry__bytes_put(place, bytes);
    return place != NULL;
}
