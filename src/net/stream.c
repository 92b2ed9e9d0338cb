/* Stream: making one, being ready, and what it tells. Opening, receiving, sending, connecting and
 * ending have files of their own. */
#include "net/stream.h"

#include <string.h>

#include <wherry/error.h>

#include "base/probe.h"
#include "base/size.h"
#include "net/service.h"
#include "net/socket.h"

#define RECEIVE_MAX_DEFAULT ((size_t)1 << 20)
#define SEND_MAX_DEFAULT ((size_t)256 << 10)
#define LINGER_DEFAULT WHERRY_SECONDS(5)
#define SETTLE_AT ((size_t)8 << 10)

#define MILLISECOND WHERRY_MILLISECONDS(1)
#define LINGER_MS_MAX (((uint32_t)1 << 24) - 1) /* over four hours */
#define LINGER_MAX (LINGER_MS_MAX * MILLISECOND)

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
    if (stream->source.aside) {
        wherry__service_watch(stream, events);
        return;
    }
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
    if (source->flush_next == NULL) /* or else when it is flushed, before the next wait */
        wherry__stream_watch(stream);
}

static bool tells_late(const wherry_stream *stream)
{
    return stream->announce || stream->roomy || stream->reason != WHERRY_OK;
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

    if (source->aside) /* since it asked for this */
        return;
    tell_late(stream);
    if (!stream->blocked && (stream->output != NULL || stream->feeder != NULL))
        wherry__stream_write(stream);
    if (stream->input != NULL)
        wherry__stream_tidy_input(stream);
    wherry__stream_watch(stream);
}

static bool has_much_to_send(const wherry_stream *stream)
{
    return wherry_stream_unsent(stream) >= SETTLE_AT && !stream->blocked &&
           !WHERRY__FAULT_POINT("stream.settle.later");
}

/* Much to send leaves at once, while it is in the cache; little waits for what others add in this
 * pass. A chunk that nothing is left in is the next one's to receive into. */
static void on_settle(wherry__source *source)
{
    wherry_stream *stream = WHERRY__OWNER(source, wherry_stream, source);

    if (has_much_to_send(stream)) {
        wherry__stream_write(stream);
        wherry__stream_tidy_input(stream);
        if (!tells_late(stream) && wherry__source_flush_now(stream->loop, source))
            wherry__stream_watch(stream);
    } else if (wherry__stream_length(stream) == 0) {
        if (stream->output != NULL && stream->output->behind != NULL)
            wherry__output_take_home(stream->output);
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

    if (stream->more)
        wherry__service_clear(stream);
    wherry__chunk_release(stream->input);
    wherry__address_clear(stream->loop, &stream->remote);
    wherry__address_clear(stream->loop, &stream->open.local);
    wherry__memory_give(memory, stream,
                        stream->more ? sizeof(wherry__stream_more) : sizeof(*stream));
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
    int64_t again = wherry__instant_after(stream->loop->now, WHERRY__STREAM_RETRY_AFTER);

    if (!wherry__stream_is_open(stream) || stream->source.aside)
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

    WHERRY__PROBE_IF(stream->closing && stream->loop->now >= stream->touched,
                     "stream.close.time-is-up");
    WHERRY__PROBE_IF(!stream->connecting && !stream->closing && is_idle(stream),
                     "stream.idle.time-is-up");
    WHERRY__PROBE_IF(stream->retry, "stream.write.tried-again");
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
    if (stream->serviced) {
        (void)wherry_stream_refresh(stream);
        wherry__service_changed(stream);
        return;
    }
    if (!stream->connecting)
        stream->touched = stream->loop->now;
    wherry__stream_arm(stream);
}

/* --- making one */

static void set_limits(wherry_stream *stream, const wherry_stream_options *options)
{
    size_t receive_max = options->receive_max == 0 ? RECEIVE_MAX_DEFAULT : options->receive_max;
    int64_t linger = options->linger == 0 ? LINGER_DEFAULT : options->linger;
    size_t send_max = options->send_max == 0 ? SEND_MAX_DEFAULT : options->send_max;

    linger = linger > LINGER_MAX ? LINGER_MAX : linger;
    stream->receive_max = (uint32_t)receive_max;
    stream->send_max = (uint32_t)send_max;
    stream->idle_timeout = options->idle_timeout;
    stream->linger_ms = LINGER_MS_MAX & (uint32_t)((linger + MILLISECOND - 1) / MILLISECOND);
}

wherry_stream *wherry__stream_make(wherry_loop *loop, const wherry_stream_options *options)
{
    bool more = options->serviced != 0 || options->wirelog != NULL;
    wherry_stream *stream = wherry__memory_take(
        wherry__loop_memory(loop), more ? sizeof(wherry__stream_more) : sizeof(*stream));

    if (stream == NULL)
        return NULL;
    stream->loop = loop;
    stream->more = more;
    stream->serviced = options->serviced != 0;
    stream->recorded = options->wirelog != NULL;
    if (stream->recorded)
        wherry__stream_more_of(stream)->recorder = (wherry__recorder *)(void *)options->wirelog;
    wherry_stream_set_events(stream, options->events);
    set_limits(stream, options);
    stream->hungry = true;
    wherry__link_init(&stream->waiters);
    stream->touched = loop->now;
    wherry__source_init(loop, &stream->source, &class, -1);
    stream->source.aside = stream->serviced;
    if (stream->serviced)
        wherry__service_init(stream, options);
    return stream;
}

void wherry__stream_adopt(wherry_stream *stream, int descriptor)
{
    wherry__deadline_init(&stream->open.deadline, on_deadline);
    wherry__source_adopt(stream->loop, &stream->source, descriptor);
}

/* --- what it tells */

int wherry_stream_end(const wherry_stream *stream)
{
    return stream->reason;
}

const char *wherry_stream_problem(const wherry_stream *stream)
{
    const char *text = NULL;
    int code = stream->reason;

    if (stream->number != 0)
        text = strerrordesc_np(stream->number);
    if (code == WHERRY_OK && stream->serviced)
        code = wherry__service_failure(stream);
    if (text == NULL)
        text = code == WHERRY_OK ? "" : wherry_error_text(code);
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
