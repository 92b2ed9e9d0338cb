/* Writing: what is queued goes to the system, as far as it takes it; who waited for that is told.
 */
#include "net/stream.h"

#include <errno.h>

#include <wherry/error.h>

#include "base/probe.h"
#include "net/recording.h"
#include "net/service.h"
#include "net/socket.h"

/* --- the end of the output */

void wherry__stream_drop_output(wherry_stream *stream, int result)
{
    if (stream->output != NULL && !(stream->serviced && wherry__service_keeps_unsent(stream))) {
        wherry__output_free(stream->output);
        stream->output = NULL;
    }
    wherry__wait_wake_all(&stream->waiters, result);
}

/* Who was refused tries again, and sees how it is. Not in the middle of writing. */
void wherry__stream_tell_writable(wherry_stream *stream)
{
    if (!stream->refused)
        return;
    WHERRY__PROBE("stream.writable.told");
    stream->refused = false;
    stream->roomy = true;
    wherry__source_flush_later(stream->loop, &stream->source);
}

/* Sending is over; what can still be received stays. */
static void refuse_sends(wherry_stream *stream, int number)
{
    WHERRY__PROBE("stream.write.refused");
    WHERRY__PROBE_IF(stream->closing, "stream.write.refused-while-closing");
    WHERRY__PROBE_IF(!wherry__list_empty(&stream->waiters), "stream.write.refused-while-some-wait");
    stream->refusal = WHERRY_E_RESET;
    stream->number = number <= UINT8_MAX ? (uint8_t)number : 0;
    stream->blocked = false;
    wherry__stream_drop_output(stream, WHERRY_E_RESET);
    wherry__stream_tell_writable(stream);
    wherry__stream_wake_feeder(stream);
    if (stream->closing || stream->reason != WHERRY_OK)
        wherry__stream_drop(stream);
}

/* --- writing */

static bool says_not_now(ssize_t result)
{
    return wherry__socket_not_now(result) || result == -ENOBUFS || result == -ENOMEM;
}

static void wait_for_system(wherry_stream *stream, ssize_t result)
{
    stream->blocked = true;
    stream->retry = result == -ENOBUFS || result == -ENOMEM;
    WHERRY__PROBE_IF(!stream->retry, "stream.write.would-block");
    WHERRY__PROBE_IF(stream->retry, "stream.write.no-buffers");
    if (stream->retry)
        wherry__stream_arm(stream);
    if (stream->retry && stream->source.aside)
        wherry__service_unsent(stream);
    wherry__stream_watch(stream);
}

/* Wakes the first of those who wait for room, who wakes the next when it has sent; and when nothing
 * is unsent any more, all who flush. */
void wherry__stream_wake_waiters(wherry_stream *stream)
{
    wherry__link *link = stream->waiters.next;

    while (link != &stream->waiters) {
        wherry__wait *wait = WHERRY__OWNER(link, wherry__wait, link);
        bool is_sender = wait->item != NULL;

        link = link->next;
        if (is_sender ? !stream->sender_woken : stream->output == NULL)
            wherry__wait_wake(wait, WHERRY_OK);
        stream->sender_woken = stream->sender_woken || is_sender;
    }
}

static void wake_for_room(wherry_stream *stream)
{
    wherry__stream_wake_waiters(stream);
    wherry__stream_tell_writable(stream);
}

static void touch(wherry_stream *stream)
{
    if (!stream->closing)
        stream->touched = stream->loop->now;
    if (stream->source.aside)
        wherry__service_traffic(stream);
}

/* What was written is taken out of the output, and who waits for room is told. */
static void wrote(wherry_stream *stream, size_t size)
{
    wherry__output *output = stream->output;
    size_t unsent = output->unsent - size;

    touch(stream);
    if (unsent == 0) {
        stream->output = NULL;
        wherry__output_free(output);
    } else {
        wherry__output_sent(output, size);
    }
    if (unsent <= stream->send_max / 2)
        wake_for_room(stream);
}

static ssize_t give_to_system(wherry_stream *stream, const struct iovec *parts, size_t count)
{
    ssize_t result = wherry__socket_send(stream->loop->system, stream->source.descriptor, parts,
                                         count, stream->as_file, stream->ask_first);

    wherry__recording_sent(stream, parts, result);
    return result;
}

/* Not inlined, so that one segment needs no room for many. */
__attribute__((noinline)) static ssize_t give_many_to_system(wherry_stream *stream)
{
    struct iovec parts[WHERRY__STREAM_PARTS];
    size_t count = wherry__output_parts(stream->output, parts, WHERRY__STREAM_PARTS);

    WHERRY__PROBE_IF(count == WHERRY__SEGMENTS, "stream.write.all-segments");
    return give_to_system(stream, parts, count);
}

static ssize_t give_first_to_system(wherry_stream *stream)
{
    const wherry__output *output = stream->output;
    const wherry__segment *first = &output->segments[output->first];
    const struct iovec part = { first->chunk->bytes + first->offset, first->length };

    return give_to_system(stream, &part, 1);
}

/* One write; whether another one makes sense. */
static bool write_once(wherry_stream *stream)
{
    size_t unsent = stream->output->unsent;
    bool one = stream->output->count - stream->output->first == 1 ||
               WHERRY__FAULT_POINT("stream.write.one-part");
    ssize_t result = one ? give_first_to_system(stream) : give_many_to_system(stream);

    WHERRY__PROBE_IF(result >= 0 && (size_t)result < unsent, "stream.write.short");
    if (result >= 0)
        wrote(stream, (size_t)result);
    else if (says_not_now(result))
        wait_for_system(stream, result);
    else
        refuse_sends(stream, (int)-result);
    return result > 0 && stream->output != NULL && (stream->as_file || (size_t)result < unsent);
}

/* The rest waits for the system: let it wait in a chunk of its own size. */
static void settle(wherry_stream *stream)
{
    if (stream->output != NULL && stream->output->home->pool == &stream->loop->small_chunks)
        stream->output = wherry__output_compact(stream->output, &stream->loop->chunks, 0);
}

void wherry__stream_write(wherry_stream *stream)
{
    wherry__stream_end_room(stream);
    if (stream->connecting || !wherry__stream_is_open(stream))
        return;
    while (stream->output != NULL && !stream->blocked)
        if (!write_once(stream))
            break;
    if (stream->blocked)
        settle(stream);
    if ((stream->closing || stream->shutting) && stream->output == NULL &&
        wherry__stream_is_open(stream))
        wherry__stream_all_sent(stream);
    if (stream->output == NULL && !stream->blocked)
        wherry__stream_wake_feeder(stream);
}

ssize_t wherry__stream_offer(wherry_stream *stream, wherry_bytes bytes)
{
    struct iovec part = { (void *)(uintptr_t)bytes.data, bytes.length };
    ssize_t result = 0;

    if (stream->output != NULL && !stream->blocked)
        wherry__stream_write(stream);
    if (stream->refusal != WHERRY_OK)
        return stream->refusal;
    if (stream->output != NULL || stream->blocked)
        return 0;
    result = wherry__socket_send(stream->loop->system, stream->source.descriptor, &part, 1,
                                 stream->as_file, stream->ask_first);
    wherry__recording_sent(stream, &part, result);
    if (result >= 0) {
        touch(stream);
        return result;
    }
    if (says_not_now(result))
        wait_for_system(stream, result);
    else
        refuse_sends(stream, (int)-result);
    return stream->refusal;
}
