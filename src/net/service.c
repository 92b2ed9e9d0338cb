/* Service: passes over one stream that its user drives, with the parts that loops use. What is
 * different: nothing is put off to the end of a pass, no deadline is armed, and nobody is told. */
#include "net/service.h"

#include <wherry/error.h>

#include "base/error.h"
#include "base/probe.h"
#include "net/dial.h"

/* Receives in one call, so that a fast sender cannot hold the caller: 1 MiB of the usual chunks. */
#define RECEIVES_A_CALL 16

/* --- its parts */

int wherry__service_options_copy(wherry_stream_options *options, const wherry_stream_options *given)
{
    int result = wherry__stream_options_copy(options, given);

    if (result == WHERRY_OK)
        result = wherry__stream_check_later(options);
    if (result < 0)
        return result;
    if (options->events != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option events: who services a stream is not told");
    options->serviced = 1;
    return WHERRY_OK;
}

void wherry__service_init(wherry_stream *stream, const wherry_stream_options *options)
{
    wherry__service *service = wherry__stream_service(stream);

    service->base = stream->loop;
    service->fixed_idle = options->fixed_idle != 0;
    wherry__service_read_clock(service->base);
    wherry__service_begin_idle(stream);
}

void wherry__service_clear(wherry_stream *stream)
{
    wherry__service *service = wherry__stream_service(stream);

    wherry__dial_free(stream->loop, service->dial);
    service->dial = NULL;
}

/* Outside of its passes nobody else does. */
void wherry__service_read_clock(const wherry_loop *base)
{
    wherry_loop *loop = (wherry_loop *)(uintptr_t)base;

    if (loop->clock == WHERRY_CLOCK_REAL && !loop->dispatching && !loop->freed)
        loop->now = loop->system->monotonic(loop->system);
}

/* Of a stream that has times to look at. */
static void read_clock(wherry_stream *stream)
{
    if (stream->idle_timeout > 0 || stream->connecting)
        wherry__service_read_clock(wherry__stream_service(stream)->base);
}

void wherry__service_watch(wherry_stream *stream, unsigned events)
{
    wherry__service_owner *owner = wherry__stream_service(stream)->owner;

    if (stream->source.watched == events)
        return;
    (void)wherry__source_watch(stream->loop, &stream->source, events); /* it is only noted */
    if (owner != NULL && stream->source.watched == events)
        owner->hooks->interest(owner, stream);
}

void wherry__service_begin_idle(wherry_stream *stream)
{
    wherry__service *service = wherry__stream_service(stream);

    (void)wherry_timer_start(&service->idle, service->base, stream->idle_timeout);
}

void wherry__service_traffic(wherry_stream *stream)
{
    if (stream->idle_timeout > 0 && !wherry__stream_service(stream)->fixed_idle)
        wherry__service_begin_idle(stream);
}

void wherry__service_unsent(wherry_stream *stream)
{
    wherry__service_owner *owner = wherry__stream_service(stream)->owner;

    if (owner != NULL && !stream->closed)
        owner->hooks->unsent(owner, stream);
}

void wherry__service_changed(wherry_stream *stream)
{
    wherry__service_owner *owner = wherry__stream_service(stream)->owner;

    if (owner != NULL)
        owner->hooks->changed(owner, stream);
}

bool wherry__service_expire(wherry_stream *stream)
{
    if (!wherry__stream_is_open(stream) || stream->connecting || stream->closed ||
        stream->idle_timeout == 0 || !wherry_timer_expired(&wherry__stream_service(stream)->idle))
        return false;
    WHERRY__PROBE("service.idle.time-is-up");
    wherry__stream_fail(stream, WHERRY_E_IDLE, 0);
    return true;
}

void wherry__service_to_background(wherry_stream *stream)
{
    wherry__service_watch(stream, 0); /* whoever watched it, does no more */
    wherry__service_changed(stream);
    wherry__source_set_aside(stream->loop, &stream->source, false);
    wherry__service_read_clock(stream->loop);
    stream->blocked = false;
    stream->retry = false;
}

int wherry__service_failure(const wherry_stream *stream)
{
    const wherry__dial *dial = wherry__stream_service(stream)->dial;

    return dial == NULL ? WHERRY_OK : dial->failed;
}

bool wherry__service_keeps_unsent(const wherry_stream *stream)
{
    return wherry__stream_service(stream)->dial != NULL && !stream->closed;
}

int wherry__service_refuse_wait(int64_t deadline)
{
    if (deadline != WHERRY_NOW)
        return wherry__fail(WHERRY_E_MISUSE, "nobody waits for a serviced stream");
    return wherry__fail_plain(WHERRY_E_WOULD_BLOCK);
}

void wherry__service_freed(wherry_stream *stream)
{
    wherry__service *service = wherry__stream_service(stream);
    wherry__service_owner *owner = service->owner;

    service->owner = NULL;
    if (owner != NULL)
        owner->hooks->freed(owner, stream);
}

/* --- passes */

int wherry__service_check(const wherry_stream *stream)
{
    if (!stream->serviced)
        return wherry__fail(WHERRY_E_MISUSE, "the stream is not serviced");
    return stream->closed ? WHERRY_E_CLOSED : WHERRY_OK;
}

/* How it stands with one that is not connecting. That sending is over while bytes may still come
 * shows at the end of these, unless they are not wanted. */
static int state(const wherry_stream *stream)
{
    if (stream->closed || (stream->reason == WHERRY_OK && !wherry__stream_is_open(stream)))
        return WHERRY_E_CLOSED;
    if (!wherry__stream_is_open(stream))
        return stream->refusal != WHERRY_OK ? stream->refusal : stream->reason;
    return stream->reason == WHERRY_OK && stream->unwanted ? stream->refusal : stream->reason;
}

/* 1: connected, or was; 0: not yet. */
static int go_on(wherry_stream *stream)
{
    if (stream->connecting)
        wherry__dial_go_on(stream);
    if (stream->connecting)
        return 0;
    return wherry__stream_is_open(stream) ? 1 : state(stream);
}

int wherry_stream_service_connect(wherry_stream *stream)
{
    int result = wherry__service_check(stream);

    if (result < 0)
        return result;
    read_clock(stream);
    return go_on(stream);
}

static ssize_t send_now(wherry_stream *stream)
{
    size_t unsent = wherry_stream_unsent(stream);
    bool waited = stream->blocked;

    if (stream->refusal != WHERRY_OK)
        return stream->refusal;
    if (stream->connecting)
        return 0;
    if (!wherry__stream_is_open(stream))
        return stream->reason == WHERRY_OK ? WHERRY_E_CLOSED : 0;
    if (unsent == 0 && !stream->blocked)
        return 0;
    stream->blocked = false;
    stream->retry = false;
    wherry__stream_write(stream);
    if (waited)
        wherry__stream_watch(stream);
    if (unsent == 0) /* it was past the buffer that nothing went */
        wherry__stream_tell_writable(stream);
    return stream->refusal != WHERRY_OK ? stream->refusal
                                        : (ssize_t)(unsent - wherry_stream_unsent(stream));
}

ssize_t wherry_stream_service_send(wherry_stream *stream)
{
    int result = wherry__service_check(stream);

    if (result < 0)
        return result;
    read_clock(stream);
    return send_now(stream);
}

/* A rest that lies there when nothing comes any more need not keep a large chunk. */
static ssize_t receive_now(wherry_stream *stream, int turns)
{
    size_t before = wherry__stream_length(stream);
    size_t came;

    if (stream->connecting)
        return 0;
    if (stream->reason != WHERRY_OK || !wherry__stream_is_open(stream))
        return stream->reason != WHERRY_OK ? stream->reason : WHERRY_E_CLOSED;
    do {
        stream->source.more = false;
        wherry__stream_read(stream);
    } while (stream->source.more && --turns > 0);
    WHERRY__PROBE_IF(stream->source.more && turns == 0, "service.receive.turns-spent");
    if (stream->unwanted || stream->reason != WHERRY_OK ||
        (stream->source.watched & WHERRY_READABLE) == 0)
        wherry__stream_watch(stream);
    came = wherry__stream_length(stream) - before;
    if (came > 0)
        return (ssize_t)came;
    wherry__stream_tidy_input(stream);
    return stream->reason;
}

static ssize_t service_receive(wherry_stream *stream, int turns)
{
    int result = wherry__service_check(stream);

    if (result < 0)
        return result;
    read_clock(stream);
    return receive_now(stream, turns);
}

ssize_t wherry_stream_service_receive(wherry_stream *stream)
{
    return service_receive(stream, RECEIVES_A_CALL);
}

ssize_t wherry_stream_service_receive_once(wherry_stream *stream)
{
    return service_receive(stream, 1);
}

int wherry_stream_service(wherry_stream *stream)
{
    int result = wherry__service_check(stream);

    if (result < 0)
        return result;
    read_clock(stream);
    result = go_on(stream);
    if (result <= 0)
        return result;
    (void)send_now(stream);
    (void)receive_now(stream, RECEIVES_A_CALL);
    (void)wherry__service_expire(stream);
    return state(stream);
}
