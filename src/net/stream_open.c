/* Opening a stream on a descriptor: one that was accepted, or whatever a program brings along. */
#include "net/stream.h"

#include <errno.h>
#include <sys/socket.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/options.h"
#include "net/recording.h"
#include "net/socket.h"

/* Of the two limits: places in a buffer are 32 bits wide. */
#define BUFFER_MAX ((size_t)1 << 31)

int wherry__stream_options_copy(wherry_stream_options *options, const wherry_stream_options *given)
{
    int result = WHERRY__OPTIONS_COPY(options, given);

    if (result < 0)
        return result;
    if (options->receive_max > BUFFER_MAX)
        return wherry__fail(WHERRY_E_MISUSE, "option receive_max: over %zu bytes", BUFFER_MAX);
    if (options->send_max > BUFFER_MAX)
        return wherry__fail(WHERRY_E_MISUSE, "option send_max: over %zu bytes", BUFFER_MAX);
    if (options->idle_timeout < 0)
        return wherry__fail(WHERRY_E_MISUSE, "option idle_timeout: it is negative");
    if (options->linger < 0)
        return wherry__fail(WHERRY_E_MISUSE, "option linger: it is negative");
    return WHERRY_OK;
}

int wherry__stream_check_later(const wherry_stream_options *options)
{
    if (options->result != NULL || options->loop != NULL || options->descriptor != 0 ||
        options->keep != 0)
        return wherry__fail(
            WHERRY_E_MISUSE,
            "option stream: its result, loop, descriptor and keep are not for here");
    return WHERRY_OK;
}

/* Whether one that is not serviced is not told things that only serviced ones know. */
static int check_watched(const wherry_stream_options *options)
{
    if (options->fixed_idle != 0)
        return wherry__fail(WHERRY_E_MISUSE, "option fixed_idle: for serviced streams only");
    return WHERRY_OK;
}

int wherry__stream_limits_copy(wherry_stream_options *options, const wherry_stream_options *given)
{
    int result = wherry__stream_options_copy(options, given);

    if (result == WHERRY_OK)
        result = wherry__stream_check_later(options);
    if (result == WHERRY_OK && options->serviced != 0)
        return wherry__fail(WHERRY_E_MISUSE, "option serviced: not for these streams");
    return result < 0 ? result : check_watched(options);
}

/* Gives the stream its descriptor, and has it watched from now on. On failure the stream is gone,
 * and the descriptor is the caller's still. */
static int adopt(wherry_stream *stream, int descriptor)
{
    int result;

    wherry__stream_adopt(stream, descriptor);
    result = wherry__source_watch(stream->loop, &stream->source, WHERRY_READABLE);
    if (result < 0) {
        stream->keep = true;
        wherry_stream_free(stream);
        return result;
    }
    wherry__stream_arm(stream);
    wherry__recording_begin(stream, false);
    return WHERRY_OK;
}

void wherry__stream_set_remote(wherry_stream *stream, int descriptor, const wherry_address *remote,
                               const wherry_stream_options *options)
{
    wherry__address_shorten(stream->loop, &stream->remote, remote);
    if (options->delay == 0) /* a failure costs speed only */
        wherry__socket_set_no_delay(stream->loop->system, descriptor, remote);
}

int wherry__stream_accepted(wherry_loop *loop, int descriptor, const wherry_address *remote,
                            const wherry_stream_options *options, wherry_stream **result)
{
    wherry_stream *stream = wherry__stream_make(loop, options);
    int code;

    if (stream == NULL)
        return WHERRY_E_NO_MEMORY;
    wherry__stream_set_remote(stream, descriptor, remote, options);
    code = adopt(stream, descriptor);
    if (code == WHERRY_OK)
        *result = stream;
    return code;
}

static int check_kind(wherry_system *system, int descriptor, int *may_block)
{
    int listening = 0;
    socklen_t size = sizeof(listening);
    int kind = descriptor < 0 ? -EBADF : system->kind(system, descriptor, may_block);

    if (kind < 0)
        return wherry__fail(WHERRY_E_INVALID, "option descriptor: %d is not open", descriptor);
    if (kind == WHERRY_DESCRIPTOR_DATAGRAM)
        return wherry__fail(WHERRY_E_MISUSE, "option descriptor: %d is a datagram socket",
                            descriptor);
    if (kind == WHERRY_DESCRIPTOR_STREAM &&
        system->get_option(system, descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 &&
        listening)
        return wherry__fail(WHERRY_E_MISUSE, "option descriptor: %d is a listening socket",
                            descriptor);
    return kind;
}

/* Of a descriptor that is no socket too: then none of them goes with it. */
static int set_options(wherry_system *system, const wherry_stream_options *options, int kind)
{
    if (options->socket == NULL)
        return WHERRY_OK;
    if (kind != WHERRY_DESCRIPTOR_STREAM)
        return wherry__fail(WHERRY_E_UNSUPPORTED, "option socket: %d is none", options->descriptor);
    return wherry__socket_apply(system, options->descriptor, options->socket,
                                WHERRY__SOCKET_IN_USE);
}

static int check_serviced(const wherry_stream_options *options)
{
    if (options->serviced == 0)
        return check_watched(options);
    if (options->events != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "options serviced and events: nobody is told");
    return WHERRY_OK;
}

int wherry_stream_new_with(const wherry_stream_options *given)
{
    wherry_stream_options options;
    wherry_stream *stream;
    wherry_address remote;
    wherry_loop *loop;
    int may_block = 0, kind;
    int result = wherry__stream_options_copy(&options, given);

    if (result < 0)
        return result;
    if (options.result == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the stream");
    result = check_serviced(&options);
    if (result < 0)
        return result;
    loop = wherry__loop_choose(options.loop);
    if (loop == NULL)
        return WHERRY_E_MISUSE;
    kind = check_kind(loop->system, options.descriptor, &may_block);
    result = kind < 0 ? kind : set_options(loop->system, &options, kind);
    if (result < 0)
        return result;
    stream = wherry__stream_make(loop, &options);
    if (stream == NULL)
        return WHERRY_E_NO_MEMORY;
    stream->as_file = kind != WHERRY_DESCRIPTOR_STREAM;
    stream->pipe = kind == WHERRY_DESCRIPTOR_PIPE;
    stream->ask_first = stream->as_file && may_block;
    stream->keep = options.keep != 0;
    if (!stream->as_file) {
        wherry__socket_remote(loop->system, options.descriptor, &remote);
        wherry__stream_set_remote(stream, options.descriptor, &remote, &options);
    }
    result = adopt(stream, options.descriptor);
    if (result == WHERRY_OK)
        *options.result = stream;
    return result;
}
