/* Sending: what stands against it, and waiting for room. How bytes are queued is in stream_queue.c.
 */
#include "net/stream.h"

#include <wherry/error.h>

#include "base/error.h"
#include "base/probe.h"
#include "base/size.h"
#include "net/service.h"

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
    result = wherry__stream_queue(stream, parts, count);
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
        result = wherry__stream_accept(stream, parts, count, total);
    if (!wherry__list_empty(&stream->waiters) && has_room(stream, 1))
        wherry__stream_wake_waiters(stream);
    return result;
}

int wherry_stream_send(wherry_stream *stream, wherry_bytes bytes, int64_t deadline)
{
    return wherry__stream_queue_short(stream, bytes)
               ? WHERRY_OK
               : wherry_stream_send_parts(stream, &bytes, 1, deadline);
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
