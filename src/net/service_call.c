/* What else can be done with a serviced stream: receiving and sending past its buffers, its times,
 * and the end of being serviced. */
#include "net/service.h"

#include <sys/socket.h>

#include <wherry/error.h>

#include "base/error.h"
#include "net/dial.h"
#include "net/recording.h"
#include "net/socket.h"

/* Of one that is not at its end. */
static int check_connected(const wherry_stream *stream)
{
    if (stream->connecting || !wherry__stream_is_open(stream))
        return wherry__fail(WHERRY_E_MISUSE, "the stream is not connected yet");
    return WHERRY_OK;
}

/* --- past the buffers */

ssize_t wherry_stream_receive_past(wherry_stream *stream, void *data, size_t size)
{
    int result = wherry__service_check(stream);
    ssize_t count;

    if (result == WHERRY_OK)
        result = stream->reason;
    if (result == WHERRY_OK)
        result = check_connected(stream);
    if (result == WHERRY_OK && size == 0)
        result = wherry__fail(WHERRY_E_MISUSE, "no room to receive into");
    if (result < 0)
        return result;
    wherry__service_read_clock(wherry__stream_service(stream)->base);
    count = wherry__socket_receive(stream->loop->system, stream->source.descriptor, data, size,
                                   stream->as_file, stream->ask_first);
    wherry__recording_received(stream, data, count);
    if (count > 0)
        wherry__service_traffic(stream);
    else if (!wherry__socket_not_now(count))
        wherry__stream_over(stream, count);
    wherry__stream_watch(stream);
    if (count <= 0)
        return stream->reason != WHERRY_OK ? stream->reason : WHERRY_E_WOULD_BLOCK;
    return count;
}

ssize_t wherry_stream_send_past(wherry_stream *stream, wherry_bytes bytes)
{
    int result = wherry__service_check(stream);
    ssize_t count;

    if (result == WHERRY_OK)
        result = stream->refusal;
    if (result == WHERRY_OK && stream->shutting)
        result = wherry__fail(WHERRY_E_MISUSE, "the stream's sending was shut down");
    if (result == WHERRY_OK)
        result = check_connected(stream);
    if (result == WHERRY_OK && bytes.length == 0)
        result = wherry__fail(WHERRY_E_MISUSE, "no bytes to send");
    if (result == WHERRY_OK && stream->output != NULL)
        result = wherry__fail(WHERRY_E_BUSY, "what is in the send buffer comes first");
    if (result < 0)
        return result;
    wherry__service_read_clock(wherry__stream_service(stream)->base);
    stream->blocked = false;
    stream->retry = false;
    count = wherry__stream_offer(stream, bytes);
    stream->refused = count == 0; /* who has the stream tells when there is room */
    wherry__stream_watch(stream);
    return count == 0 ? WHERRY_E_WOULD_BLOCK : count;
}

/* --- ends and limits */

int wherry_stream_shutdown_receive(wherry_stream *stream)
{
    int result = wherry__service_check(stream);

    if (result == WHERRY_OK)
        result = stream->reason;
    if (result == WHERRY_OK)
        result = check_connected(stream);
    if (result < 0)
        return result;
    if (stream->as_file)
        wherry__stream_finish(stream, WHERRY_E_END);
    else
        (void)stream->loop->system->shutdown(stream->loop->system, stream->source.descriptor,
                                             SHUT_RD);
    return WHERRY_OK;
}

const wherry_timer *wherry_stream_timer(const wherry_stream *stream)
{
    return stream->serviced ? &wherry__stream_service(stream)->idle : NULL;
}

int wherry_stream_refresh(wherry_stream *stream)
{
    int result = wherry__service_check(stream);

    if (result < 0)
        return result;
    wherry__service_read_clock(wherry__stream_service(stream)->base);
    wherry__service_begin_idle(stream);
    return WHERRY_OK;
}

int wherry_stream_wind(wherry_stream *stream, const wherry_loop *base)
{
    wherry__service *service;

    if (!stream->serviced)
        return wherry__service_check(stream);
    service = wherry__stream_service(stream);
    service->base = base == NULL ? stream->loop : base;
    wherry__service_read_clock(service->base);
    wherry__service_begin_idle(stream);
    wherry__dial_wind(stream, service->base);
    wherry__service_changed(stream);
    return WHERRY_OK;
}

int wherry_stream_buffers(const wherry_stream *stream, size_t *send, size_t *receive)
{
    if (!stream->serviced)
        return wherry__service_check(stream);
    *send = 0;
    *receive = 0;
    if (stream->closed || !wherry__stream_is_open(stream))
        return WHERRY_OK;
    return wherry_socket_buffers(stream->loop->system, stream->source.descriptor, send, receive);
}

/* Of one that is being closed the rest is on its way already. */
ssize_t wherry_stream_discard(wherry_stream *stream)
{
    size_t unsent = wherry_stream_unsent(stream);

    if (!stream->serviced)
        return wherry__service_check(stream);
    if (stream->closing)
        return WHERRY_E_CLOSED;
    if (unsent == 0)
        return 0;
    wherry__output_free(stream->output);
    stream->output = NULL;
    if (wherry__stream_is_open(stream) && !stream->connecting)
        wherry__stream_all_sent(stream);
    return (ssize_t)unsent;
}

int wherry_stream_is_open(const wherry_stream *stream)
{
    return !stream->closed && (stream->connecting || wherry__stream_is_open(stream));
}

int wherry_stream_is_connected(const wherry_stream *stream)
{
    return !stream->closed && !stream->connecting && wherry__stream_is_open(stream);
}

/* --- the end of being serviced */

static int begin_watching(wherry_stream *stream)
{
    const unsigned noted = stream->source.watched;
    int result;

    wherry__source_set_aside(stream->loop, &stream->source, false);
    result = wherry__source_watch(stream->loop, &stream->source, noted);
    if (result < 0) {
        wherry__source_set_aside(stream->loop, &stream->source, true);
        (void)wherry__source_watch(stream->loop, &stream->source, noted);
    }
    return result;
}

int wherry_stream_unservice(wherry_stream *stream)
{
    int result = wherry__service_check(stream);

    if (result == WHERRY_OK)
        result = check_connected(stream);
    if (result == WHERRY_OK && wherry__stream_service(stream)->owner != NULL)
        result = wherry__fail(WHERRY_E_MISUSE, "a roster or a task has the stream");
    if (result == WHERRY_OK)
        result = begin_watching(stream);
    if (result < 0)
        return result;
    stream->serviced = false;
    wherry__service_read_clock(stream->loop);
    stream->touched = stream->loop->now;
    wherry__stream_arm(stream);
    wherry__source_flush_later(stream->loop, &stream->source); /* what is unsent, or an end */
    return WHERRY_OK;
}
