/* Stream: making one, being ready, and what it tells. Receiving, sending, connecting and ending
 * have files of their own. */
#include "net/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/options.h"
#include "base/size.h"
#include "net/socket.h"

#define RECEIVE_MAX_DEFAULT ((size_t)1 << 20)
#define SEND_MAX_DEFAULT ((size_t)256 << 10)
#define BUFFER_MAX ((size_t)1 << 31)
#define LINGER_DEFAULT WHERRY_SECONDS(5)
#define SETTLE_AT ((size_t)8 << 10)

/* After an error that readiness does not tell the end of: no buffers for a send, or the full
 * backlog of a Unix listener (connect(2), EAGAIN). */
#define RETRY_AFTER WHERRY_MILLISECONDS(10)
#define MILLISECOND WHERRY_MILLISECONDS(1)
#define LINGER_MAX (UINT32_MAX * MILLISECOND)

void wherry__stream_use(wherry_stream *stream, const wherry__stream_hooks *hooks, void *owner)
{
    stream->hooks = hooks;
    stream->owner = owner;
}

/* --- being ready */

void wherry__stream_watch(wherry_stream *stream)
{
    unsigned events = 0;
    bool reading = stream->reason == WHERRY_OK && !stream->closed && !stream->unwanted;
    int result;

    if (!wherry__stream_is_open(stream))
        return;
    if (stream->connecting)
        events = stream->retry ? 0 : WHERRY_WRITABLE;
    else if (stream->draining)
        events = WHERRY_READABLE;
    else
        events = (reading ? (unsigned)WHERRY_READABLE : 0) |
                 (stream->blocked && !stream->retry ? (unsigned)WHERRY_WRITABLE : 0);
    result = wherry__source_watch(stream->loop, &stream->source, events);
    if (result < 0)
        wherry__stream_fail(stream, result, 0);
}

static void on_ready(wherry__source *source, unsigned events)
{
    wherry_stream *stream = WHERRY__OWNER(source, wherry_stream, source);

    if (stream->connecting) {
        wherry__stream_connect_ready(stream);
        return;
    }
    if (stream->draining) {
        wherry__stream_drain(stream);
        return;
    }
    if ((events & ~(unsigned)WHERRY_WRITABLE) != 0 && stream->reason == WHERRY_OK &&
        !stream->closed)
        wherry__stream_read(stream);
    if ((events & ~(unsigned)WHERRY_READABLE) != 0 && stream->blocked) {
        stream->blocked = false;
        wherry__stream_write(stream);
    }
    wherry__stream_watch(stream);
}

/* What happened inside of a call of the user's, or in the middle of writing. */
static void tell_late(wherry_stream *stream)
{
    if (stream->announce && wherry__stream_is_open(stream)) {
        stream->announce = false;
        if (stream->hooks != NULL && stream->hooks->connected != NULL)
            stream->hooks->connected(stream->owner, stream);
    }
    if (stream->roomy) {
        stream->roomy = false;
        if (stream->hooks != NULL && stream->hooks->writable != NULL)
            stream->hooks->writable(stream->owner, stream);
    }
    if (stream->reason != WHERRY_OK)
        wherry__stream_tell_end(stream);
}

/* At the end of a pass, or of the next one: what was queued leaves, what is not needed is given
 * back. */
static void on_flush(wherry__source *source)
{
    wherry_stream *stream = WHERRY__OWNER(source, wherry_stream, source);

    tell_late(stream);
    if (!stream->blocked)
        wherry__stream_write(stream);
    wherry__stream_tidy_input(stream);
    wherry__stream_watch(stream);
}

/* Much to send leaves at once, while it is in the cache; little waits for what others add in this
 * pass. */
static void on_settle(wherry__source *source)
{
    wherry_stream *stream = WHERRY__OWNER(source, wherry_stream, source);

    if (wherry_stream_unsent(stream) >= SETTLE_AT && !stream->blocked) {
        wherry__stream_write(stream);
        wherry__stream_tidy_input(stream);
    }
}

static void on_leave(wherry__source *source)
{
    wherry_stream *stream = WHERRY__OWNER(source, wherry_stream, source);

    stream->users = 0; /* tasks that did not end were given up */
    wherry_stream_close(stream);
    if (stream->closing)
        wherry__stream_drop(stream);
    else
        wherry__stream_dismiss(stream);
}

static void on_forget(wherry__source *source)
{
    wherry__stream_forget(WHERRY__OWNER(source, wherry_stream, source));
}

static void on_reclaim(wherry__source *source)
{
    wherry_stream *stream = WHERRY__OWNER(source, wherry_stream, source);
    wherry_memory *memory = wherry__loop_memory(stream->loop);

    wherry__chunk_release(stream->input);
    wherry__address_clear(stream->loop, &stream->remote);
    wherry__address_clear(stream->loop, &stream->open.local);
    wherry__memory_give(memory, stream, sizeof(*stream));
}

static const wherry__source_class class = {
    .ready = on_ready,
    .leave = on_leave,
    .forget = on_forget,
    .reclaim = on_reclaim,
    .flush = on_flush,
    .settle = on_settle,
};

/* --- deadlines */

void wherry__stream_arm(wherry_stream *stream)
{
    int64_t when = WHERRY_NEVER;
    int64_t again = wherry__instant_after(stream->loop->now, RETRY_AFTER);

    if (!wherry__stream_is_open(stream))
        return;
    if (stream->connecting || stream->closing)
        when = stream->touched;
    else if (stream->idle_timeout > 0)
        when = wherry__instant_after(stream->touched, stream->idle_timeout);
    if (stream->retry && again < when)
        when = again;
    wherry__deadline_arm(&stream->loop->deadlines, &stream->open.deadline, when);
}

/* Traffic does not move the deadline: what it has put off is seen when it expires. */
static bool is_idle(const wherry_stream *stream)
{
    return stream->idle_timeout > 0 && stream->loop->now - stream->touched >= stream->idle_timeout;
}

static void write_again(wherry_stream *stream)
{
    stream->blocked = stream->blocked && !stream->retry;
    stream->retry = false;
    if (!stream->blocked)
        wherry__stream_write(stream);
    wherry__stream_arm(stream);
    wherry__stream_watch(stream);
}

static void on_deadline(wherry__deadline *deadline)
{
    wherry_stream *stream = WHERRY__OWNER(deadline, wherry_stream, open.deadline);

    if (stream->connecting)
        wherry__stream_connect_ready(stream);
    else if (stream->closing && stream->loop->now >= stream->touched)
        wherry__stream_drop(stream);
    else if (!stream->closing && is_idle(stream))
        wherry__stream_fail(stream, WHERRY_E_IDLE, 0);
    else
        write_again(stream);
}

void wherry_stream_set_idle(wherry_stream *stream, int64_t idle_timeout)
{
    if (stream->closed)
        return;
    stream->idle_timeout = idle_timeout < 0 ? 0 : idle_timeout;
    if (!stream->connecting)
        stream->touched = stream->loop->now;
    wherry__stream_arm(stream);
}

/* --- making one */

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

int wherry__stream_limits_copy(wherry_stream_options *options, const wherry_stream_options *given)
{
    int result = wherry__stream_options_copy(options, given);

    if (result < 0)
        return result;
    if (options->result != NULL || options->loop != NULL || options->descriptor != 0 ||
        options->keep != 0)
        return wherry__fail(
            WHERRY_E_MISUSE,
            "option stream: its result, loop, descriptor and keep are not for here");
    return WHERRY_OK;
}

static void set_limits(wherry_stream *stream, const wherry_stream_options *options)
{
    size_t receive_max = options->receive_max == 0 ? RECEIVE_MAX_DEFAULT : options->receive_max;
    int64_t linger = options->linger == 0 ? LINGER_DEFAULT : options->linger;
    size_t send_max = options->send_max == 0 ? SEND_MAX_DEFAULT : options->send_max;

    stream->receive_max = (uint32_t)receive_max;
    stream->send_max = (uint32_t)send_max;
    stream->idle_timeout = options->idle_timeout;
    stream->linger_ms = (uint32_t)(linger > LINGER_MAX ? LINGER_MAX / MILLISECOND
                                                       : (linger + MILLISECOND - 1) / MILLISECOND);
}

wherry_stream *wherry__stream_make(wherry_loop *loop, const wherry_stream_options *options)
{
    wherry_stream *stream = wherry__memory_take(wherry__loop_memory(loop), sizeof(*stream));

    if (stream == NULL)
        return NULL;
    stream->loop = loop;
    wherry_stream_set_events(stream, options->events);
    set_limits(stream, options);
    stream->hungry = true;
    wherry__link_init(&stream->waiters);
    stream->touched = loop->now;
    wherry__source_init(loop, &stream->source, &class, -1);
    return stream;
}

void wherry__stream_adopt(wherry_stream *stream, int descriptor)
{
    wherry__deadline_init(&stream->open.deadline, on_deadline);
    wherry__source_adopt(stream->loop, &stream->source, descriptor);
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
    return WHERRY_OK;
}

void wherry__stream_set_remote(wherry_stream *stream, int descriptor, const wherry_address *remote,
                               const wherry_stream_options *options)
{
    bool is_tcp = remote->family == WHERRY_FAMILY_IPV4 || remote->family == WHERRY_FAMILY_IPV6;

    wherry__address_shorten(stream->loop, &stream->remote, remote);
    if (is_tcp && options->delay == 0) /* a failure costs speed only */
        (void)wherry__socket_set(stream->loop->system, descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
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

int wherry_stream_new_with(const wherry_stream_options *given)
{
    wherry_stream_options options;
    wherry_stream *stream;
    wherry_address remote;
    wherry_loop *loop;
    int may_block = 0;
    int result = wherry__stream_options_copy(&options, given);

    if (result < 0)
        return result;
    if (options.result == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the stream");
    loop = wherry__loop_choose(options.loop);
    if (loop == NULL)
        return WHERRY_E_MISUSE;
    result = check_kind(loop->system, options.descriptor, &may_block);
    if (result < 0)
        return result;
    stream = wherry__stream_make(loop, &options);
    if (stream == NULL)
        return WHERRY_E_NO_MEMORY;
    stream->as_file = result != WHERRY_DESCRIPTOR_STREAM;
    stream->pipe = result == WHERRY_DESCRIPTOR_PIPE;
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

/* --- what it tells */

int wherry_stream_end(const wherry_stream *stream)
{
    return stream->reason;
}

const char *wherry_stream_problem(const wherry_stream *stream)
{
    const char *text = NULL;

    if (stream->number != 0)
        text = strerrordesc_np(stream->number);
    if (text == NULL)
        text = stream->reason == WHERRY_OK ? "" : wherry_error_text(stream->reason);
    return text;
}

void wherry_stream_remote(const wherry_stream *stream, wherry_address *address)
{
    wherry__address_lengthen(&stream->remote, address);
}

void wherry_stream_local(const wherry_stream *stream, wherry_address *address)
{
    if (!wherry__stream_is_open(stream))
        wherry__address_lengthen(&stream->open.local, address);
    else if (stream->as_file)
        memset(address, 0, sizeof(*address));
    else
        wherry__socket_local(stream->loop->system, stream->source.descriptor, address);
}

int wherry_stream_descriptor(const wherry_stream *stream)
{
    return stream->closed ? -1 : stream->source.descriptor;
}
