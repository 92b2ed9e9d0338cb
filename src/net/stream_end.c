/* The end of a stream: by the other side, by a failure, by its owner; and what is still to be done
 * then.
 *
 * A close in the wrong moment makes a reset, which takes from the other end what was sent to it
 * before (RFC 2525 section 2.17): while bytes are unsent, and while bytes are unread. So an owner's
 * close only begins the end: the stream sends what is left, reads away what came too late, and then
 * closes its descriptor, all within its linger time.
 */
#include "net/stream.h"

#include <sys/socket.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/probe.h"
#include "base/size.h"
#include "loop/task.h"
#include "net/recording.h"
#include "net/service.h"
#include "net/socket.h"

/* What is read and thrown away at most. */
#define DRAIN_MAX ((uint32_t)1 << 20)

/* --- the descriptor */

/* For who asks later: it takes the place of the deadline. */
static void keep_local(wherry_stream *stream)
{
    wherry_address local = { .family = WHERRY_FAMILY_NONE };

    if (!stream->as_file && !stream->freed)
        wherry__socket_local(stream->loop->system, stream->source.descriptor, &local);
    wherry__deadline_disarm(&stream->loop->deadlines, &stream->open.deadline);
    wherry__address_shorten(stream->loop, &stream->open.local, &local);
}

/* Whether bytes are lost with the descriptor: then the other end must not take what it has got for
 * all. A parent process may still send them. */
static bool is_cut_off(const wherry_stream *stream)
{
    return stream->output != NULL && !stream->as_file && !stream->loop->forgotten;
}

/* A descriptor that is left open, or a parent process's, is not finished with. */
static void record_end(wherry_stream *stream, bool cut_off)
{
    if (stream->refusal == WHERRY_E_RESET)
        wherry__recording_end(stream, WHERRY__FLOW_BROKEN_THERE);
    else if (!stream->keep && !stream->loop->forgotten)
        wherry__recording_end(stream,
                              cut_off ? WHERRY__FLOW_BROKEN_HERE : WHERRY__FLOW_FINISHED_HERE);
    wherry__recording_end(stream, WHERRY__FLOW_OVER);
}

void wherry__stream_drop(wherry_stream *stream)
{
    wherry_loop *loop = stream->loop;
    int descriptor = stream->source.descriptor;
    bool cut_off = is_cut_off(stream);

    wherry__stream_drop_output(stream, stream->closed ? WHERRY_E_CLOSED : stream->refusal);
    if (descriptor >= 0) {
        record_end(stream, cut_off);
        keep_local(stream);
        if (stream->source.aside) {
            wherry__service_watch(stream, 0);
            wherry__service_changed(stream);
        }
        wherry__source_forget(loop, &stream->source);
        WHERRY__PROBE_IF(cut_off, "stream.close.cut-off");
        if (!stream->keep && cut_off)
            wherry__socket_break(loop->system, descriptor);
        if (!stream->keep)
            (void)loop->system->close(loop->system, descriptor);
    }
    if (stream->closing)
        loop->closing--;
    stream->closing = false;
    stream->draining = false;
    stream->connecting = false;
    stream->retry = false;
    wherry__stream_dismiss(stream);
}

void wherry__stream_dismiss(wherry_stream *stream)
{
    if (stream->freed && stream->users == 0 && !wherry__stream_is_open(stream))
        wherry__source_dismiss(stream->loop, &stream->source);
}

int wherry__stream_wait(wherry_stream *stream, const char *reason, int64_t deadline)
{
    int result;

    stream->users++;
    result = wherry__wait_alone(stream->loop, &stream->receiver, reason, deadline);
    stream->users--;
    wherry__stream_dismiss(stream);
    return result;
}

/* --- the other side's end, and failures */

/* Not inside of a call of the user's that found out: not on a coroutine, and where a free would
 * take the storage at once. */
void wherry__stream_tell_end(wherry_stream *stream)
{
    if (stream->receiver != NULL)
        wherry__wait_wake(stream->receiver, WHERRY_OK); /* it looks at the reason itself */
    if (stream->told || stream->closed)
        return;
    if (!stream->loop->dispatching || wherry__task_running() != NULL) {
        WHERRY__PROBE("stream.end.told-later");
        wherry__source_flush_later(stream->loop, &stream->source);
        return;
    }
    stream->told = true;
    if (stream->hooks != NULL && stream->hooks->ended != NULL)
        stream->hooks->ended(stream->owner, stream, stream->reason);
}

void wherry__stream_finish(wherry_stream *stream, int reason)
{
    stream->reason = (int)(int8_t)reason;
    wherry__stream_tell_end(stream);
    WHERRY__PROBE_IF(stream->shut && !stream->closed, "stream.end.both-directions");
    if (stream->shut && !stream->closed)
        wherry__stream_drop(stream);
}

void wherry__stream_fail(wherry_stream *stream, int reason, int number)
{
    if (!wherry__stream_is_open(stream))
        return;
    WHERRY__PROBE_IF(wherry__stream_length(stream) > 0, "stream.fail.with-unread");
    WHERRY__PROBE_IF(stream->output != NULL, "stream.fail.with-unsent");
    WHERRY__PROBE_IF(stream->closing, "stream.fail.while-closing");
    stream->reason = stream->reason == WHERRY_OK ? (int)(int8_t)reason : stream->reason;
    stream->refusal = stream->refusal == WHERRY_OK ? (int)(int8_t)reason : stream->refusal;
    if (stream->number == 0 && number <= UINT8_MAX)
        stream->number = (uint8_t)number;
    wherry__stream_drop(stream);
    wherry__stream_wake_feeder(stream);
    wherry__stream_tell_end(stream);
}

/* --- the owner's end */

static void record_discard(wherry_stream *stream, wherry__chunk *chunk, ssize_t result)
{
    wherry__recording_received(stream, chunk->bytes, result);
    if (result == 0)
        wherry__recording_end(stream, WHERRY__FLOW_FINISHED_THERE);
    else if (result < 0 && !wherry__socket_not_now(result))
        wherry__recording_end(stream, WHERRY__FLOW_BROKEN_THERE);
}

/* Reads once and throws it away. */
static ssize_t discard(wherry_stream *stream)
{
    wherry__chunk *chunk = wherry__chunk_take(&stream->loop->chunks);
    ssize_t result = 0;

    if (chunk != NULL)
        result = wherry__socket_receive(stream->loop->system, stream->source.descriptor,
                                        chunk->bytes, chunk->size, stream->as_file,
                                        stream->ask_first);
    if (chunk != NULL)
        record_discard(stream, chunk, result);
    wherry__chunk_release(chunk);
    return result;
}

void wherry__stream_drain(wherry_stream *stream)
{
    ssize_t result = discard(stream);

    if (result > 0)
        stream->wanted += (uint32_t)result; /* counts them */
    WHERRY__PROBE_IF(result == 0, "stream.close.drained");
    WHERRY__PROBE_IF(result < 0 && !wherry__socket_not_now(result), "stream.close.drain-reset");
    WHERRY__PROBE_IF(stream->wanted > DRAIN_MAX, "stream.close.drain-too-much");
    if ((result <= 0 && !wherry__socket_not_now(result)) || stream->wanted > DRAIN_MAX)
        wherry__stream_drop(stream);
}

static void tell_shutdown(wherry_stream *stream)
{
    wherry_system *system = stream->loop->system;

    if (stream->shut)
        return;
    stream->shut = true;
    wherry__recording_end(stream, WHERRY__FLOW_FINISHED_HERE);
    if (!stream->as_file)
        (void)system->shutdown(system, stream->source.descriptor, SHUT_WR);
}

/* Everything is sent: close, unless unread bytes would make that a reset. */
static void close_now_or_drain(wherry_stream *stream)
{
    bool ended = stream->reason != WHERRY_E_CLOSED; /* nothing more can come */

    if (stream->as_file || stream->keep || ended || discard(stream) <= 0) {
        wherry__stream_drop(stream);
        return;
    }
    WHERRY__PROBE("stream.close.drains");
    tell_shutdown(stream);
    stream->wanted = 0;
    stream->draining = true;
    wherry__stream_watch(stream);
}

void wherry__stream_all_sent(wherry_stream *stream)
{
    if (stream->closing) {
        if (!stream->draining)
            close_now_or_drain(stream);
    } else if (stream->shutting && !stream->shut) {
        WHERRY__PROBE("stream.shutdown.told");
        tell_shutdown(stream);
        if (stream->reason != WHERRY_OK)
            wherry__stream_drop(stream);
        else if (stream->pipe)
            wherry__stream_finish(stream, WHERRY_E_END); /* its reader sees the end now */
    }
}

/* Nobody is told any more, and nobody waits any more. */
static void part(wherry_stream *stream)
{
    WHERRY__PROBE_IF(stream->receiver != NULL, "stream.close.receiver-waits");
    WHERRY__PROBE_IF(!wherry__list_empty(&stream->waiters), "stream.close.senders-wait");
    stream->closed = true;
    wherry__stream_end_room(stream);
    stream->hooks = NULL;
    if (stream->feeder != NULL && stream->output == NULL)
        stream->blocked = false; /* what it waited for with is the feeder's */
    wherry__stream_wake_feeder(stream);
    if (stream->reason == WHERRY_OK)
        stream->reason = WHERRY_E_CLOSED;
    if (stream->receiver != NULL)
        wherry__wait_wake(stream->receiver, WHERRY_E_CLOSED);
    wherry__wait_wake_all(&stream->waiters, WHERRY_E_CLOSED);
}

void wherry_stream_close(wherry_stream *stream)
{
    if (stream->closed)
        return;
    part(stream);
    if (stream->connecting || !wherry__stream_is_open(stream)) {
        WHERRY__PROBE_IF(stream->connecting, "stream.close.while-connecting");
        wherry__stream_drop(stream); /* what a dialled one has kept for another connection, too */
        return;
    }
    if (stream->source.aside)
        wherry__service_to_background(stream);
    stream->closing = true;
    stream->loop->closing++;
    stream->touched = wherry__instant_after(stream->loop->now,
                                            WHERRY_MILLISECONDS((int64_t)stream->linger_ms));
    if (!stream->blocked)
        wherry__stream_write(stream);
    WHERRY__PROBE_IF(stream->closing, "stream.close.goes-on-behind");
    if (stream->closing) {
        wherry__stream_arm(stream);
        wherry__stream_watch(stream);
    }
}

void wherry_stream_abort(wherry_stream *stream)
{
    if (!stream->closed)
        part(stream);
    WHERRY__PROBE_IF(stream->output != NULL, "stream.abort.with-unsent");
    WHERRY__PROBE_IF(stream->closing, "stream.abort.while-closing");
    if (wherry__stream_is_open(stream) && !stream->as_file && !stream->keep) {
        wherry__recording_end(stream, WHERRY__FLOW_BROKEN_HERE);
        wherry__socket_break(stream->loop->system, stream->source.descriptor);
    }
    wherry__stream_drop(stream);
}

void wherry__stream_forget(wherry_stream *stream)
{
    stream->users = 0; /* their tasks are given up */
    if (!stream->closed)
        part(stream);
    wherry__stream_drop(stream);
}

int wherry_stream_shutdown(wherry_stream *stream)
{
    if (stream->closed)
        return WHERRY_E_CLOSED;
    if (stream->refusal != WHERRY_OK || stream->shutting)
        return stream->refusal;
    if (stream->connecting || !wherry__stream_is_open(stream))
        return wherry__fail(WHERRY_E_MISUSE, "the stream is not connected yet");
    if (stream->feeder != NULL)
        return wherry__fail(WHERRY_E_BUSY, "a feed sends on the stream");
    WHERRY__PROBE_IF(stream->output != NULL, "stream.shutdown.behind-unsent");
    stream->shutting = true;
    wherry__stream_end_room(stream);
    if (stream->output == NULL)
        wherry__stream_all_sent(stream);
    return WHERRY_OK;
}

/* It is known to be freed while it is closed, so that nothing is kept for who asks later; and used,
 * so that it is dismissed once. */
void wherry_stream_free(wherry_stream *stream)
{
    if (stream == NULL)
        return;
    WHERRY__PROBE_IF(stream->users > 0, "stream.free.while-used");
    if (stream->serviced)
        wherry__service_freed(stream);
    stream->freed = true;
    stream->users++;
    wherry_stream_close(stream);
    stream->users--;
    wherry__stream_dismiss(stream);
}
