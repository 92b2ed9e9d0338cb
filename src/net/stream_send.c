/* Sending: into the output, and out of it at the end of the pass, so that all sends of a pass leave
 * in one write. */
#include "net/stream.h"

#include <wherry/error.h>

#include "base/error.h"
#include "base/probe.h"
#include "base/size.h"
#include "net/recording.h"
#include "net/service.h"
#include "net/socket.h"

/* From this size on, bytes that lie in the stream's own input are referred to instead of copied,
 * though they cost a segment of their own. */
#define REFER_MIN ((size_t)8 << 10)

/* From this size on, bytes from elsewhere are offered to the system at once, without a copy. */
#define DIRECT_MIN ((size_t)16 << 10)

/* When so much is queued it is written before the end of the pass. */
#define WRITE_AT ((size_t)64 << 10)

/* --- queueing */

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

static int queue(wherry_stream *stream, const wherry_bytes *parts, size_t count)
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
    return filled == 0 ? WHERRY_OK : queue(stream, rest, filled);
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
        return stream->refusal != WHERRY_OK ? stream->refusal : queue(stream, parts, count);
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

static int accept_parts(wherry_stream *stream, const wherry_bytes *parts, size_t count,
                        size_t total)
{
    int result;

    if (total >= DIRECT_MIN && !stream->blocked && all_elsewhere(stream, parts, count) &&
        !WHERRY__FAULT_POINT("stream.send.not-direct"))
        result = send_direct(stream, parts, count);
    else
        result = queue(stream, parts, count);
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

/* --- the user's side */

static int check_send(const wherry_stream *stream)
{
    if (stream->closed)
        return WHERRY_E_CLOSED;
    if (stream->refusal != WHERRY_OK)
        return stream->refusal;
    if (stream->connecting && !stream->serviced)
        return wherry__fail(WHERRY_E_MISUSE, "the stream is not connected yet");
    if (stream->shutting)
        return wherry__fail(WHERRY_E_MISUSE, "the stream's sending was shut down");
    if (stream->feeder != NULL)
        return wherry__fail(WHERRY_E_BUSY, "a feed sends on the stream");
    return WHERRY_OK;
}

static bool has_room(const wherry_stream *stream, size_t total)
{
    size_t sum;

    if (stream->output == NULL)
        return true;
    return wherry__size_add(stream->output->unsent, total, &sum) && sum <= stream->send_max;
}

/* Waits for the output to shrink. sender: whether for room; ahead: before all others, having waited
 * already. */
static int wait_for_output(wherry_stream *stream, bool sender, bool ahead, int64_t deadline)
{
    wherry__link *next = ahead ? stream->waiters.next : &stream->waiters;
    void *item = sender ? stream : NULL;
    int result;

    wherry__stream_end_room(stream);
    stream->users++;
    result = wherry__wait_in(stream->loop, next, sender ? "send" : "flush", deadline, &item);
    stream->users--;
    WHERRY__PROBE_IF(sender && result == WHERRY_E_CANCELED, "stream.send.canceled");
    WHERRY__PROBE_IF(sender && result == WHERRY_E_TIMED_OUT, "stream.send.timed-out");
    WHERRY__PROBE_IF(sender && result == WHERRY_E_CLOSED, "stream.send.closed-while-it-waits");
    WHERRY__PROBE_IF(sender && result == WHERRY_E_RESET, "stream.send.reset-while-it-waits");
    WHERRY__PROBE_IF(!sender && result == WHERRY_E_CANCELED, "stream.flush.canceled");
    WHERRY__PROBE_IF(!sender && result == WHERRY_E_TIMED_OUT, "stream.flush.timed-out");
    if (sender && result == WHERRY_OK)
        stream->sender_woken = false;
    wherry__stream_dismiss(stream);
    return result;
}

static bool senders_wait(const wherry_stream *stream)
{
    if (stream->sender_woken)
        return true;
    for (const wherry__link *link = stream->waiters.next; link != &stream->waiters;
         link = link->next)
        if (WHERRY__OWNER(link, wherry__wait, link)->item != NULL)
            return true;
    return false;
}

/* Waits until total bytes may be queued, behind those who wait already. */
static int wait_for_room(wherry_stream *stream, size_t total, int64_t deadline)
{
    bool waited = false;
    int result = WHERRY_OK;

    while (result == WHERRY_OK) {
        if (!has_room(stream, total) && !stream->blocked)
            wherry__stream_write(stream);
        result = check_send(stream);
        if (result < 0 || (has_room(stream, total) && (waited || !senders_wait(stream))))
            break;
        WHERRY__PROBE_IF(waited, "stream.send.room-was-too-little");
        WHERRY__PROBE_IF(has_room(stream, total), "stream.send.behind-others");
        result = wait_for_output(stream, true, waited, deadline);
        waited = true;
    }
    if (result == WHERRY_E_WOULD_BLOCK) {
        WHERRY__PROBE("stream.send.would-block");
        stream->refused = true;
    }
    return result;
}

static int sum_up(const wherry_bytes *parts, size_t count, size_t *total)
{
    *total = 0;
    for (size_t i = 0; i < count; i++)
        if (!wherry__size_add(*total, parts[i].length, total))
            return wherry__fail(WHERRY_E_TOO_LARGE, "more bytes than can be counted");
    return WHERRY_OK;
}

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

/* Copies parts to the place behind what is queued, if there is one. */
static bool send_behind(wherry_stream *stream, const wherry_bytes *parts, size_t count,
                        size_t total)
{
    uint8_t *place = wherry__stream_place(stream, total);

    if (place == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        place = wherry__bytes_put(place, parts[i]);
    return true;
}

/* Only queues: a service sends. */
static int send_serviced(wherry_stream *stream, const wherry_bytes *parts, size_t count,
                         size_t total, int64_t deadline)
{
    bool first = stream->output == NULL;
    int result = check_send(stream);

    if (result < 0 || total == 0)
        return result;
    if (!has_room(stream, total)) {
        stream->refused = deadline == WHERRY_NOW; /* who has the stream tells when there is */
        return wherry__service_refuse_wait(deadline);
    }
    result = queue(stream, parts, count);
    if (result == WHERRY_OK && first)
        wherry__service_unsent(stream);
    return result;
}

int wherry_stream_send_parts(wherry_stream *stream, const wherry_bytes *parts, size_t count,
                             int64_t deadline)
{
    size_t total;
    int result = sum_up(parts, count, &total);

    if (result == WHERRY_OK && send_behind(stream, parts, count, total))
        return WHERRY_OK;
    if (result == WHERRY_OK && stream->serviced)
        return send_serviced(stream, parts, count, total, deadline);
    if (result == WHERRY_OK)
        result = check_send(stream);
    if (result == WHERRY_OK && total > 0)
        result = wait_for_room(stream, total, deadline);
    if (result == WHERRY_OK && total > 0)
        result = accept_parts(stream, parts, count, total);
    if (!wherry__list_empty(&stream->waiters) && has_room(stream, 1))
        wherry__stream_wake_waiters(stream);
    return result;
}

int wherry_stream_send(wherry_stream *stream, wherry_bytes bytes, int64_t deadline)
{
    uint8_t *place = NULL;

    if (lies_in_input(stream, bytes) &&
        (wherry__stream_refer_behind(stream, bytes) || wherry__stream_refer_first(stream, bytes)))
        return WHERRY_OK;
    if (bytes.length < WHERRY__STREAM_REFER_MIN)
        place = wherry__stream_place(stream, bytes.length);
    if (place != NULL) {
        (void)wherry__bytes_put(place, bytes);
        return WHERRY_OK;
    }
    return wherry_stream_send_parts(stream, &bytes, 1, deadline);
}

int wherry_stream_flush(wherry_stream *stream, int64_t deadline)
{
    int result = stream->closed ? WHERRY_E_CLOSED : stream->refusal;

    if (result == WHERRY_OK && !stream->blocked)
        wherry__stream_write(stream);
    if (stream->serviced && result == WHERRY_OK && stream->output != NULL)
        return wherry__service_refuse_wait(deadline);
    while (result == WHERRY_OK && stream->output != NULL) {
        result = wait_for_output(stream, false, false, deadline);
        if (result == WHERRY_OK)
            result = stream->closed ? WHERRY_E_CLOSED : stream->refusal;
    }
    return result == WHERRY_OK ? stream->refusal : result;
}

size_t wherry_stream_unsent(const wherry_stream *stream)
{
    return stream->output == NULL ? 0 : stream->output->unsent;
}
