/* Connecting a stream to one address. */
#include "net/stream.h"

#include <errno.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/probe.h"
#include "loop/task.h"
#include "net/dial.h"
#include "net/recording.h"
#include "net/socket.h"

/* Without a number the sentence of the stream is that of its code. */
static void failed(wherry_stream *stream, int number)
{
    const wherry_family family = (wherry_family)stream->remote.family;
    const int code = wherry__socket_connect_code(number, family);

    if (wherry__socket_connect_text(number, family) != NULL)
        number = 0;
    if (stream->source.aside)
        wherry__dial_failed(stream, code, number);
    else
        wherry__stream_fail(stream, code, number);
}

/* Whether both ends are the same socket, as TCP has it when a port that the system chose is the one
 * that nobody listens on (RFC 9293 section 3.5, simultaneous open). */
static bool is_to_itself(const wherry_stream *stream)
{
    wherry_address local;
    wherry_address remote;

    wherry_stream_remote(stream, &remote);
    if (remote.family == WHERRY_FAMILY_UNIX)
        return false;
    wherry__socket_local(stream->loop->system, stream->source.descriptor, &local);
    local.scope = remote.scope;
    return wherry_address_equal(&local, &remote);
}

/* One to itself goes without TIME_WAIT, which would keep the port from who is to listen there. */
static void connected(wherry_stream *stream)
{
    if (is_to_itself(stream)) {
        WHERRY__PROBE("stream.connect.to-itself");
        wherry__socket_break(stream->loop->system, stream->source.descriptor);
        failed(stream, ECONNREFUSED);
        return;
    }
    stream->connecting = false;
    stream->retry = false;
    stream->touched = stream->loop->now;
    wherry__recording_begin(stream, true);
    wherry__stream_arm(stream);
    wherry__stream_watch(stream);
    if (stream->source.aside) {
        wherry__dial_connected(stream);
        return;
    }
    if (stream->receiver != NULL)
        wherry__wait_wake(stream->receiver, WHERRY_OK);
    stream->announce = true;
    wherry__source_flush_later(stream->loop, &stream->source);
}

static void try_connect(wherry_stream *stream)
{
    wherry_address address;
    int result;

    wherry_stream_remote(stream, &address);
    result = wherry__socket_connect(stream->loop->system, stream->source.descriptor, &address);
    WHERRY__PROBE_IF(result == 0, "stream.connect.at-once");
    WHERRY__PROBE_IF(result == -EAGAIN, "stream.connect.backlog-full");
    WHERRY__PROBE_IF(result < 0 && result != -EINPROGRESS, "stream.connect.failed-at-once");
    stream->retry = result == -EAGAIN;
    if (result == 0 || result == -EISCONN) {
        connected(stream);
    } else if (result == -EINPROGRESS || result == -EALREADY || result == -EAGAIN) {
        wherry__stream_arm(stream);
        wherry__stream_watch(stream);
    } else {
        failed(stream, -result);
    }
}

static void look(wherry_stream *stream)
{
    int result = wherry__socket_connected(stream->loop->system, stream->source.descriptor);

    WHERRY__PROBE_IF(result < 0 && result != -EINPROGRESS, "stream.connect.failed");
    WHERRY__PROBE_IF(result == -EINPROGRESS, "stream.connect.not-yet");
    if (result == 0)
        connected(stream);
    else if (result != -EINPROGRESS)
        failed(stream, -result);
}

void wherry__stream_connect_go_on(wherry_stream *stream)
{
    if (stream->retry)
        try_connect(stream);
    else
        look(stream);
}

void wherry__stream_connect_ready(wherry_stream *stream)
{
    WHERRY__PROBE_IF(stream->loop->now >= stream->touched, "stream.connect.time-is-up");
    if (stream->loop->now >= stream->touched)
        failed(stream, ETIMEDOUT);
    else
        wherry__stream_connect_go_on(stream);
}

/* --- beginning */

/* What fails at once is told by the stream, too. */
static int begin(wherry_stream *stream, const wherry_address *address, int64_t deadline,
                 const wherry_stream_options *options)
{
    int descriptor = wherry__socket_prepare(stream->loop->system, address, options->socket);

    if (descriptor < 0)
        return descriptor;
    wherry__stream_adopt(stream, descriptor);
    wherry__stream_set_remote(stream, descriptor, address, options);
    stream->touched = deadline;
    stream->connecting = true;
    if (stream->remote.family != address->family)
        return wherry__fail(WHERRY_E_NO_MEMORY, "no memory for where to connect to");
    try_connect(stream);
    return WHERRY_OK;
}

static int result_of(const wherry_stream *stream)
{
    return stream->reason == WHERRY_OK
               ? WHERRY_OK
               : wherry__fail(stream->reason, "%s", wherry_stream_problem(stream));
}

int wherry__stream_dial(wherry_stream **result, wherry_loop *loop, const wherry_address *address,
                        int64_t deadline, const wherry_stream_options *options)
{
    wherry_stream *stream = wherry__stream_make(loop, options);
    int code;

    if (stream == NULL)
        return WHERRY_E_NO_MEMORY;
    stream->told = true; /* what fails at once is told by the call's own result */
    code = begin(stream, address, deadline, options);
    if (code == WHERRY_OK)
        code = result_of(stream);
    stream->told = false;
    if (code < 0)
        wherry_stream_free(stream);
    else
        *result = stream;
    return code;
}

/* --- the user's side */

static int copy_options(wherry_stream_options *options, const wherry_stream_options *given)
{
    int result = wherry__stream_options_copy(options, given);

    if (result == WHERRY_OK &&
        (options->result != NULL || options->descriptor != 0 || options->keep != 0))
        return wherry__fail(WHERRY_E_MISUSE, "options result, descriptor and keep: not here");
    if (result == WHERRY_OK && (options->serviced != 0 || options->fixed_idle != 0))
        return wherry__fail(WHERRY_E_MISUSE, "options serviced and fixed_idle: not here; see "
                                             "wherry_stream_dial");
    return result;
}

static bool is_told(const wherry_stream_options *options)
{
    return options->events != NULL && options->events->connected != NULL;
}

static int check(wherry_loop *loop, const wherry_address *address, int64_t deadline, bool told)
{
    int result = wherry__socket_check_target(address);

    if (result < 0)
        return result;
    if (deadline <= loop->now && deadline != WHERRY_NOW)
        return wherry__fail_plain(WHERRY_E_TIMED_OUT);
    if (!told && wherry__task_running() == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "only coroutines can wait for a connection");
    return told ? WHERRY_OK : wherry__task_refused();
}

/* A stream that is not connected in time is gone. */
static int wait_for(wherry_stream *stream, int64_t deadline)
{
    int result = WHERRY_OK;

    stream->told = true;
    stream->source.of_call = true;
    if (stream->connecting)
        result = WHERRY__WAITED("stream.connect", wherry__stream_wait(stream, "connect", deadline));
    if (result == WHERRY_OK)
        result = result_of(stream);
    stream->told = false;
    stream->source.of_call = false;
    if (result < 0)
        wherry_stream_free(stream);
    return result;
}

int wherry_stream_connect_with(wherry_stream **stream, const wherry_address *address,
                               int64_t deadline, const wherry_stream_options *given)
{
    char text[WHERRY__DOING_SIZE];
    wherry_stream_options options;
    wherry_stream *made;
    wherry_loop *loop;
    int result = copy_options(&options, given);
    bool told;

    if (result < 0)
        return result;
    if (stream == NULL || address == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the stream, or no address");
    told = is_told(&options);
    loop = wherry__loop_choose(options.loop);
    result = loop == NULL ? WHERRY_E_MISUSE : check(loop, address, deadline, told);
    if (result < 0)
        return result;
    result = wherry__stream_dial(
        &made, loop, address, told && deadline == WHERRY_NOW ? WHERRY_NEVER : deadline, &options);
    if (result == WHERRY_OK && !told)
        result = wait_for(made, deadline);
    if (result < 0)
        return wherry__fail(result, "%s: %s", wherry__socket_doing(text, "connecting to", address),
                            wherry_problem());
    *stream = made;
    return WHERRY_OK;
}
