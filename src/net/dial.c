/* Dialling: streams that connect from here when their user services them. */
#include "net/dial.h"

#include <errno.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/options.h"
#include "base/probe.h"

/* From the beginning of an attempt to the next, where none has a time limit of its own. */
#define PAUSE WHERRY_SECONDS(1)

/* --- making one */

void wherry__dial_free(wherry_loop *loop, wherry__dial *dial)
{
    wherry__memory_give(wherry__loop_memory(loop), dial, sizeof(*dial));
}

static int init(wherry_stream *stream, wherry__dial *dial, const wherry_address *address,
                const wherry_dial_options *options)
{
    int result = wherry__socket_keep(&dial->socket, options->stream->socket,
                                     WHERRY__SOCKET_CONNECTS);

    if (result < 0)
        return result;
    dial->target = *address;
    dial->timeout = options->timeout;
    dial->reconnect = options->reconnect != 0;
    dial->delay = options->stream->delay != 0;
    wherry__address_shorten(stream->loop, &stream->remote, address);
    return stream->remote.family == address->family
               ? WHERRY_OK
               : wherry__fail(WHERRY_E_NO_MEMORY, "no memory for where to connect to");
}

static int make(wherry_loop *loop, const wherry_address *address,
                const wherry_dial_options *options, wherry_stream **result)
{
    wherry_stream *stream = wherry__stream_make(loop, options->stream);
    wherry__dial *dial;
    int code = WHERRY_E_NO_MEMORY;

    if (stream == NULL)
        return code;
    dial = wherry__memory_take(wherry__loop_memory(loop), sizeof(*dial));
    wherry__stream_service(stream)->dial = dial;
    if (dial != NULL)
        code = init(stream, dial, address, options);
    if (code < 0)
        wherry_stream_free(stream);
    else
        *result = stream;
    return code;
}

int wherry_stream_dial_with(wherry_stream **stream, const wherry_address *address,
                            const wherry_dial_options *given)
{
    wherry_stream_options stream_options;
    wherry_dial_options options;
    wherry_loop *loop;
    int result = WHERRY__OPTIONS_COPY(&options, given);

    if (result == WHERRY_OK)
        result = wherry__service_options_copy(&stream_options, options.stream);
    if (result != WHERRY_OK)
        return result;
    if (stream == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the stream");
    if (options.timeout < 0)
        return wherry__fail(WHERRY_E_MISUSE, "option timeout: it is negative");
    result = wherry__socket_check_target(address);
    if (result < 0)
        return result;
    loop = wherry__loop_choose(options.loop);
    if (loop == NULL)
        return WHERRY_E_MISUSE;
    options.stream = &stream_options;
    return make(loop, address, &options, stream);
}

/* --- opening */

static int open_socket(wherry_stream *stream)
{
    wherry__dial *dial = wherry__stream_service(stream)->dial;
    wherry_system *system = stream->loop->system;
    int descriptor = wherry__socket_prepare(system, &dial->target, &dial->socket.options);

    if (descriptor < 0)
        return descriptor;
    if (!dial->delay)
        wherry__socket_set_no_delay(system, descriptor, &dial->target);
    wherry__address_clear(stream->loop, &stream->open.local); /* of the former one */
    wherry__stream_adopt(stream, descriptor);
    return WHERRY_OK;
}

/* What was unsent goes with a stream that was closed, and stays with one that was not. */
static void end_former(wherry_stream *stream)
{
    wherry__output *output = stream->closed ? NULL : stream->output;

    if (!stream->closed)
        stream->output = NULL;
    wherry_stream_abort(stream);
    stream->output = output;
    wherry__source_set_aside(stream->loop, &stream->source, true);
}

/* Nothing is left of the former connection but what the buffers hold. */
static void forget_former(wherry_stream *stream)
{
    stream->reason = WHERRY_OK;
    stream->refusal = WHERRY_OK;
    stream->number = 0;
    stream->wanted = 0;
    stream->closed = false;
    stream->told = false;
    stream->blocked = false;
    stream->unwanted = false;
    stream->shutting = false;
    stream->shut = false;
    stream->refused = false;
    stream->roomy = false;
    wherry__stream_service(stream)->dial->begun = false;
    wherry__stream_service(stream)->dial->failed = WHERRY_OK;
}

int wherry_stream_open(wherry_stream *stream)
{
    int result;

    if (!stream->serviced || wherry__stream_service(stream)->dial == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "the stream was not dialled");
    if (stream->loop->freed)
        return wherry__fail(WHERRY_E_MISUSE, "the stream's loop was freed");
    end_former(stream);
    forget_former(stream);
    result = open_socket(stream);
    stream->connecting = result == WHERRY_OK;
    wherry__service_unsent(stream); /* nor does readiness tell that it may begin */
    return result;
}

/* --- attempts */

static int64_t limit(const wherry__dial *dial)
{
    return dial->timeout == 0 && dial->reconnect ? PAUSE : dial->timeout;
}

/* Makes sense while it is connecting. */
static bool is_due(const wherry_stream *stream)
{
    const wherry__dial *dial = wherry__stream_service(stream)->dial;

    if (wherry__stream_is_open(stream) && dial->timeout == 0)
        return false; /* the system has a limit */
    return wherry_timer_expired(&dial->attempt);
}

/* Another call of connect(2) follows for a socket that is new, or that was told "again". */
static void begin(wherry_stream *stream)
{
    wherry__service *service = wherry__stream_service(stream);
    int result = WHERRY_OK;

    service->dial->begun = true;
    (void)wherry_timer_start(&service->dial->attempt, service->base, limit(service->dial));
    if (!wherry__stream_is_open(stream))
        result = open_socket(stream);
    if (result < 0) {
        wherry__dial_failed(stream, result, 0);
        return;
    }
    stream->retry = true;
    wherry__stream_connect_go_on(stream);
}

void wherry__dial_go_on(wherry_stream *stream)
{
    wherry__dial *dial = wherry__stream_service(stream)->dial;

    if (!dial->begun)
        begin(stream);
    else if (wherry__stream_is_open(stream))
        wherry__stream_connect_go_on(stream);
    if (!stream->connecting || !is_due(stream))
        return;
    WHERRY__PROBE_IF(wherry__stream_is_open(stream), "dial.time-is-up");
    if (wherry__stream_is_open(stream))
        wherry__dial_failed(stream, WHERRY_E_TIMED_OUT, ETIMEDOUT);
    if (stream->connecting)
        begin(stream);
}

void wherry__dial_connected(wherry_stream *stream)
{
    stream->number = 0; /* of a former attempt */
    wherry__stream_service(stream)->dial->failed = WHERRY_OK;
    wherry__service_begin_idle(stream);
}

/* Its sentence is there to be asked for while the next attempt is awaited. */
void wherry__dial_failed(wherry_stream *stream, int code, int number)
{
    wherry__dial *dial = wherry__stream_service(stream)->dial;

    WHERRY__PROBE_IF(dial->reconnect, "dial.again");
    if (!dial->reconnect) {
        wherry__stream_fail(stream, code, number);
        return;
    }
    wherry__stream_drop(stream);
    stream->connecting = true;
    dial->failed = code;
    stream->number = number <= UINT8_MAX ? (uint8_t)number : 0;
}

void wherry__dial_wind(wherry_stream *stream, const wherry_loop *base)
{
    wherry__dial *dial = wherry__stream_service(stream)->dial;

    if (dial != NULL && dial->begun)
        wherry_timer_wind(&dial->attempt, base);
}
