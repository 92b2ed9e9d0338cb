/* Ends: how connections come to theirs, in order or by a reset, and what is left of a socket then:
 * its names, what was received, and the error. */
#include "simulation/stream.h"

#include <errno.h>

#define TIME_WAIT (60 * WHERRY__SIM_SECOND)

/* --- over */

/* The names stay to be asked for; nothing is found under them any more. */
static void unbind(wherry__sim_stream *stream)
{
    wherry__sim_socket *base = &stream->base;
    const wherry__sim_name local = base->local, remote = base->remote;
    const bool given = base->address_given;

    if (stream->accepted)
        wherry__sim_unbind(base);
    else
        wherry__sim_unbind_from(base);
    if (base->local.size == 0)
        base->local = local;
    base->remote = remote;
    base->address_given = given;
}

static void let_go(wherry__sim_stream *stream)
{
    wherry_simulation *world = stream->base.host->world;

    wherry__sim_cancel(world, &stream->timer);
    wherry__sim_queue_clear(&stream->unsent, wherry__sim_memory(world));
    if (stream->flow != NULL)
        wherry__sim_flow_release(world, stream->flow);
    stream->flow = NULL;
}

static void free_stream(wherry__sim_stream *stream)
{
    let_go(stream);
    wherry__sim_stream_leave(stream);
    wherry__sim_queue_clear(&stream->received, wherry__sim_stream_memory(stream));
    wherry__sim_socket_free(&stream->base);
}

void wherry__sim_stream_over(wherry__sim_stream *stream)
{
    if (stream->orphan) {
        free_stream(stream);
        return;
    }
    if (stream->phase == WHERRY__SIM_CLOSED)
        return;
    let_go(stream);
    stream->sent = stream->confirmed = 0;
    stream->fin_wanted = stream->fin_sent = stream->owes = false;
    stream->phase = WHERRY__SIM_CLOSED;
    stream->base.apart = true;
    stream->no_receive = stream->no_send = true;
    unbind(stream);
    wherry__sim_stream_changed(stream);
}

void wherry__sim_stream_break(wherry__sim_stream *stream)
{
    wherry__sim_stream_say(stream, WHERRY_PACKET_RST | WHERRY_PACKET_ACK, NULL);
}

void wherry__sim_stream_fail(wherry__sim_stream *stream, int error, const char *what)
{
    stream->base.error = error;
    wherry__sim_stream_tell(stream, what);
    wherry__sim_stream_over(stream);
}

void wherry__sim_stream_was_reset(wherry__sim_stream *stream)
{
    switch (stream->phase) {
    case WHERRY__SIM_CLOSED:
    case WHERRY__SIM_LISTEN:
        return;
    case WHERRY__SIM_SYN_SENT:
        wherry__sim_stream_fail(stream, ECONNREFUSED, "refused");
        return;
    case WHERRY__SIM_TIME_WAIT:
        wherry__sim_stream_over(stream);
        return;
    case WHERRY__SIM_CLOSE_WAIT:
        wherry__sim_stream_fail(stream, EPIPE, "reset");
        return;
    default:
        wherry__sim_stream_fail(stream, ECONNRESET, "reset");
        return;
    }
}

/* --- in order */

static void begin_time_wait(wherry__sim_stream *stream)
{
    stream->phase = WHERRY__SIM_TIME_WAIT;
    stream->no_receive = stream->no_send = true;
    stream->base.apart = true;
    stream->end = wherry__sim_stream_now(stream) + TIME_WAIT;
    wherry__sim_stream_tell(stream, "closed");
    wherry__sim_stream_arm(stream);
}

/* Nobody reads what the other end may still send: it is given some time to end too. */
static bool begin_orphan_wait(wherry__sim_stream *stream)
{
    if (stream->options.linger < 0) {
        wherry__sim_stream_break(stream);
        wherry__sim_stream_over(stream);
        return false;
    }
    stream->end = wherry__sim_stream_now(stream) + stream->options.linger * WHERRY__SIM_SECOND;
    wherry__sim_stream_arm(stream);
    return true;
}

void wherry__sim_stream_take_fin(wherry__sim_stream *stream)
{
    stream->ended = true;
    stream->no_receive = true;
    if (stream->phase == WHERRY__SIM_ESTABLISHED)
        stream->phase = WHERRY__SIM_CLOSE_WAIT;
    else if (stream->phase == WHERRY__SIM_FIN_WAIT_1)
        stream->phase = WHERRY__SIM_CLOSING;
    else if (stream->phase == WHERRY__SIM_FIN_WAIT_2)
        begin_time_wait(stream);
}

bool wherry__sim_stream_fin_taken(wherry__sim_stream *stream)
{
    if (stream->phase == WHERRY__SIM_LAST_ACK) {
        wherry__sim_stream_tell(stream, "closed");
        wherry__sim_stream_over(stream);
        return false;
    }
    if (stream->phase == WHERRY__SIM_CLOSING) {
        begin_time_wait(stream);
    } else if (stream->phase == WHERRY__SIM_FIN_WAIT_1) {
        stream->phase = WHERRY__SIM_FIN_WAIT_2;
        return !stream->orphan || begin_orphan_wait(stream);
    }
    return true;
}

static void send_fin(wherry__sim_stream *stream)
{
    if (stream->phase == WHERRY__SIM_ESTABLISHED)
        stream->phase = WHERRY__SIM_FIN_WAIT_1;
    else if (stream->phase == WHERRY__SIM_CLOSE_WAIT)
        stream->phase = WHERRY__SIM_LAST_ACK;
    else
        return;
    stream->fin_wanted = true;
    wherry__sim_stream_push(stream);
}

/* --- shutdown(2) */

static bool is_connecting(const wherry__sim_stream *stream)
{
    return stream->phase == WHERRY__SIM_SYN_SENT || stream->phase == WHERRY__SIM_SYN_RECEIVED;
}

int wherry__sim_stream_shutdown(wherry__sim_socket *self, int how)
{
    wherry__sim_stream *stream = wherry__sim_stream_of(self);
    const bool closed = stream->phase == WHERRY__SIM_CLOSED ||
                        stream->phase == WHERRY__SIM_TIME_WAIT;

    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return -EINVAL;
    if (stream->phase == WHERRY__SIM_LISTEN && how == SHUT_WR)
        return 0;
    if (stream->phase == WHERRY__SIM_LISTEN || stream->phase == WHERRY__SIM_SYN_SENT) {
        wherry__sim_stream_disconnect(stream);
        return 0;
    }
    if (stream->attempt == WHERRY__SIM_ATTEMPT_UNDER_WAY && !is_connecting(stream))
        stream->attempt = WHERRY__SIM_ATTEMPT_OVER;
    stream->no_receive = stream->no_receive || how != SHUT_WR;
    stream->no_send = stream->no_send || how != SHUT_RD;
    if (how != SHUT_RD)
        send_fin(stream);
    wherry__sim_stream_changed(stream);
    return closed ? -ENOTCONN : 0;
}

/* --- close(2) */

/* Whether its close says RST: bytes that nobody will read were not taken by the program, and the
 * other end must not believe that they were; or the program wants it. */
static bool must_break(const wherry__sim_stream *stream)
{
    if (stream->received.size > 0)
        return true;
    return stream->base.linger.l_onoff != 0 && stream->base.linger.l_linger == 0 &&
           stream->phase != WHERRY__SIM_CLOSING && stream->phase != WHERRY__SIM_LAST_ACK;
}

static bool ends_at_once(const wherry__sim_stream *stream)
{
    return stream->phase == WHERRY__SIM_CLOSED || stream->phase == WHERRY__SIM_LISTEN ||
           is_connecting(stream) ||
           (stream->base.linger.l_onoff != 0 && stream->base.linger.l_linger == 0);
}

void wherry__sim_stream_close(wherry__sim_socket *self)
{
    wherry__sim_stream *stream = wherry__sim_stream_of(self);
    const bool connected = stream->phase >= WHERRY__SIM_ESTABLISHED &&
                           stream->phase != WHERRY__SIM_TIME_WAIT;
    const bool breaks = connected && must_break(stream);

    wherry__sim_stream_refuse_all(stream);
    wherry__sim_queue_clear(&stream->received, wherry__sim_stream_memory(stream));
    stream->orphan = stream->no_receive = stream->no_send = true;
    if (breaks)
        wherry__sim_stream_break(stream);
    if (breaks || (ends_at_once(stream) && stream->phase != WHERRY__SIM_TIME_WAIT))
        wherry__sim_stream_over(stream);
    else if (stream->phase == WHERRY__SIM_FIN_WAIT_2)
        (void)begin_orphan_wait(stream);
    else if (stream->phase == WHERRY__SIM_ESTABLISHED || stream->phase == WHERRY__SIM_CLOSE_WAIT)
        send_fin(stream);
    else
        wherry__sim_stream_arm(stream);
}

/* --- a power cut */

/* The other end asks in vain from now on: to a world that waits for nothing else that matters. */
static void wake_other(const wherry__sim_stream *stream)
{
    wherry__sim_socket *end;

    if (stream->flow == NULL || stream->other == NULL || stream->other == stream->base.host)
        return;
    end = wherry__sim_find_connected(stream->other, WHERRY__SIM_TCP, &stream->base.remote,
                                     &stream->base.local);
    if (end != NULL && wherry__sim_stream_of(end)->number == stream->number)
        wherry__sim_stream_arm(wherry__sim_stream_of(end));
}

void wherry__sim_stream_vanish(wherry__sim_socket *self)
{
    wherry__sim_stream *stream = wherry__sim_stream_of(self);

    wake_other(stream);
    wherry__sim_stream_abandon_all(stream);
    free_stream(stream);
}
