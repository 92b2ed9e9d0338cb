/* Receiving: from the descriptor into one chunk, and out of it from the front.
 *
 * The chunk is taken when something is to be read and given back once nothing is left in it; since
 * tasks and callbacks run right behind the read, it is the same hot chunk for one stream after the
 * other. A rest that is left at the end of the pass keeps it, or if it is small moves to a chunk of
 * its own size. Bytes that were handed out, or are on their way out again in an output, are never
 * overwritten: whoever has them holds the chunk.
 */
#include "net/stream.h"

#include <errno.h>
#include <string.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/probe.h"
#include "base/size.h"
#include "loop/task.h"
#include "net/recording.h"
#include "net/service.h"
#include "net/socket.h"

/* A rest up to this size does not keep a chunk of the pool. */
#define REST_MAX ((size_t)32 << 10)

/* What an owner who is told of bytes takes a look at: nearly all of a server's client. */
#define OWNER_LINES 4

/* --- room */

/* Bytes that the next chunk must have: what is needed grows with what has come, so that an
 * announced size costs nothing until its bytes arrive. More than may be in it, so that one that is
 * full and gives way to a few bytes at a time is not copied for each few. */
static size_t next_size(const wherry_stream *stream)
{
    size_t length = wherry__stream_length(stream);
    size_t usual = stream->loop->chunks.size;
    size_t size = wherry__size_max(usual, 2 * length);
    size_t most = (size_t)stream->receive_max + stream->receive_max / 4;

    if (stream->wanted > length)
        size = wherry__size_min(size, wherry__size_max(usual, stream->wanted));
    return wherry__size_min(wherry__size_max(size, length + 1), wherry__size_max(most, usual));
}

/* Moves what is left to the front of another chunk. */
static int change_chunk(wherry_stream *stream, size_t size)
{
    wherry__chunk_pool *pool = &stream->loop->chunks;
    wherry__chunk *chunk = size == pool->size ? wherry__chunk_take(pool)
                                              : wherry__chunk_make(pool, size);
    size_t length = wherry__stream_length(stream);

    if (chunk == NULL)
        return WHERRY_E_NO_MEMORY;
    if (stream->input != NULL)
        memcpy(chunk->bytes, stream->input->bytes + stream->begin, length);
    wherry__chunk_release(stream->input);
    stream->input = chunk;
    stream->begin = 0;
    stream->end = (uint32_t)length;
    return WHERRY_OK;
}

/* Makes room behind the bytes in the input, without moving any that somebody looks at. Not inlined,
 * since nearly always there is no input. */
__attribute__((noinline)) static int make_room_behind(wherry_stream *stream)
{
    wherry__chunk *chunk = stream->input;
    size_t length = wherry__stream_length(stream);

    if (length == 0 && chunk->holds == 1) {
        stream->begin = 0;
        stream->end = 0;
    }
    if (chunk->size == stream->end ||
        (stream->begin > 0 && chunk->size - stream->begin < stream->wanted)) {
        if (chunk->holds == 1 && !stream->handed && stream->begin > 0 &&
            chunk->size - length >= chunk->size / 2 && chunk->size >= stream->wanted &&
            !WHERRY__FAULT_POINT("stream.receive.other-chunk")) {
            WHERRY__PROBE("stream.receive.moved-to-the-front");
            memmove(chunk->bytes, chunk->bytes + stream->begin, length);
            stream->begin = 0;
            stream->end = (uint32_t)length;
            return WHERRY_OK;
        }
        WHERRY__PROBE_IF(chunk->holds > 1, "stream.receive.chunk-is-held");
        return change_chunk(stream, next_size(stream));
    }
    if (chunk->size < stream->loop->chunks.size) /* the small one of a rest */
        return change_chunk(stream, stream->loop->chunks.size);
    return WHERRY_OK;
}

static int make_room(wherry_stream *stream)
{
    if (WHERRY__RARELY(stream->input != NULL))
        return make_room_behind(stream);
    stream->input = wherry__chunk_take(&stream->loop->chunks); /* which begins at 0, with nothing */
    return stream->input == NULL ? WHERRY_E_NO_MEMORY : WHERRY_OK;
}

static void drop_input(wherry_stream *stream)
{
    wherry__chunk_release(stream->input);
    stream->input = NULL;
    stream->begin = 0;
    stream->end = 0;
}

void wherry__stream_tidy_input(wherry_stream *stream)
{
    size_t length = wherry__stream_length(stream);

    if (stream->input == NULL || stream->handed)
        return;
    if (length == 0)
        drop_input(stream);
    else if (length <= REST_MAX && stream->input->size > REST_MAX &&
             !WHERRY__FAULT_POINT("stream.receive.rest-stays"))
        (void)change_chunk(stream, length); /* without memory it keeps the large one */
}

/* --- reading */

static void took(wherry_stream *stream, size_t size)
{
    stream->end += (uint32_t)size;
    stream->touched = stream->loop->now;
    if (stream->serviced) {
        wherry__service_traffic(stream);
        return;
    }
    if (stream->receiver != NULL)
        wherry__wait_wake(stream->receiver, WHERRY_OK);
    if (stream->hooks != NULL && stream->hooks->received != NULL)
        stream->hooks->received(stream->owner, stream);
    if (wherry__stream_length(stream) == 0 && !stream->handed && !stream->freed)
        drop_input(stream);
    else
        wherry__source_flush_later(stream->loop, &stream->source);
}

/* Whether nothing comes any more in the words of what is no socket: a terminal that was hung up, or
 * what is open for writing only. */
static bool ends_as_file(const wherry_stream *stream, ssize_t result)
{
    return stream->as_file && !stream->pipe &&
           (result == -EBADF || (result == -EIO && !stream->source.always));
}

/* Who services a pipe tries to read it; that others can, who must not, tells nothing. */
static bool is_for_sending(const wherry_stream *stream, ssize_t result)
{
    return stream->serviced && stream->pipe && result == -EBADF && stream->refusal == WHERRY_OK;
}

/* A failed send may have taken the error from the socket, so that receiving looks like an orderly
 * end. A pipe that we write to is read only when it reports that its reader has gone. */
void wherry__stream_over(wherry_stream *stream, ssize_t result)
{
    if (is_for_sending(stream, result))
        return;
    WHERRY__PROBE_IF(result < 0, "stream.receive.reset");
    WHERRY__PROBE_IF(result == 0 && stream->refusal != WHERRY_OK, "stream.receive.end-is-a-reset");
    WHERRY__PROBE_IF(result == 0 && stream->output != NULL, "stream.receive.end-with-unsent");
    if (ends_as_file(stream, result))
        result = 0;
    else if (stream->pipe && result == -EBADF)
        result = -EPIPE;
    if (result == 0 && stream->refusal == WHERRY_OK) {
        wherry__recording_end(stream, WHERRY__FLOW_FINISHED_THERE);
        wherry__stream_finish(stream, WHERRY_E_END);
        return;
    }
    wherry__stream_fail(stream, WHERRY_E_RESET, result == 0 ? stream->number : (int)-result);
}

void wherry__stream_read(wherry_stream *stream)
{
    size_t room;
    ssize_t result;

    stream->unwanted = stream->paused || !stream->hungry || stream->handed ||
                       wherry__stream_length(stream) >= stream->receive_max;
    if (stream->unwanted) {
        WHERRY__PROBE("stream.receive.unwanted");
        WHERRY__PROBE_IF(wherry__stream_length(stream) >= stream->receive_max,
                         "stream.receive.buffer-full");
        return; /* the watch that follows takes the interest back */
    }
    if (make_room(stream) < 0) {
        WHERRY__PROBE("stream.receive.no-memory");
        wherry__stream_fail(stream, WHERRY_E_NO_MEMORY, 0);
        return;
    }
    room = wherry__size_min(stream->input->size - stream->end, stream->loop->chunks.size);
    room = wherry__size_min(room, stream->receive_max - wherry__stream_length(stream));
    if (WHERRY__FAULT_POINT("stream.receive.less-room"))
        room = 1 + room / 8;
    wherry__fetch(stream->owner, OWNER_LINES);
    result = wherry__socket_receive(stream->loop->system, stream->source.descriptor,
                                    stream->input->bytes + stream->end, room, stream->as_file,
                                    stream->ask_first);
    stream->source.more = result > 0 && (size_t)result == room;
    if (result > 0) {
        wherry__recording_received(stream, stream->input->bytes + stream->end, result);
        took(stream, (size_t)result);
    } else if (!wherry__socket_not_now(result)) {
        wherry__stream_over(stream, result);
    }
    WHERRY__PROBE_IF(wherry__socket_not_now(result), "stream.receive.nothing-there");
    if (wherry__stream_length(stream) == 0 && !stream->handed && stream->input != NULL)
        drop_input(stream);
}

/* --- the user's side */

static void want_again(wherry_stream *stream)
{
    if (stream->unwanted)
        wherry__stream_want_again(stream);
}

void wherry__stream_want_again(wherry_stream *stream)
{
    if (stream->paused || !stream->hungry || wherry__stream_length(stream) >= stream->receive_max)
        return;
    stream->unwanted = false;
    wherry__stream_watch(stream);
}

wherry_bytes wherry_stream_peek(const wherry_stream *stream)
{
    if (stream->input == NULL)
        return wherry_bytes_at(NULL, 0);
    return wherry_bytes_at(stream->input->bytes + stream->begin, wherry__stream_length(stream));
}

void wherry_stream_consume(wherry_stream *stream, size_t length)
{
    stream->begin += (uint32_t)wherry__size_min(length, wherry__stream_length(stream));
    stream->handed = false;
    want_again(stream);
    if (stream->input == NULL || wherry__stream_length(stream) > 0)
        return;
    if (stream->serviced)
        drop_input(stream);
    else if (!stream->loop->freed)
        wherry__source_flush_later(stream->loop, &stream->source);
}

void wherry_stream_pause(wherry_stream *stream)
{
    stream->paused = true;
}

void wherry_stream_resume(wherry_stream *stream)
{
    stream->paused = false;
    want_again(stream);
}

/* Gives all that is there; the next call consumes it. */
static int hand_out(wherry_stream *stream, wherry_bytes *bytes)
{
    *bytes = wherry_stream_peek(stream);
    stream->handed = bytes->length > 0;
    if (!stream->serviced)
        wherry__stream_demand(stream, false, 0);
    return WHERRY_OK;
}

int wherry_stream_receive(wherry_stream *stream, wherry_bytes *bytes, int64_t deadline)
{
    int result;

    if (stream->receiver != NULL)
        return wherry__fail(WHERRY_E_BUSY, "another task is receiving from the stream");
    if (stream->handed)
        wherry_stream_consume(stream, wherry__stream_length(stream));
    result = wherry__task_refused_until(deadline);
    if (result < 0)
        return result;
    if (wherry__stream_length(stream) > 0 && !stream->closed)
        return hand_out(stream, bytes);
    if (stream->reason != WHERRY_OK)
        return stream->reason;
    if (stream->serviced)
        return wherry__service_refuse_wait(deadline);
    wherry__stream_demand(stream, true, 0);
    result = WHERRY__WAITED("stream.receive", wherry__stream_wait(stream, "receive", deadline));
    if (result != WHERRY_OK)
        return result;
    return wherry__stream_length(stream) > 0 ? hand_out(stream, bytes) : stream->reason;
}
