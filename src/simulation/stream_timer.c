/* Timers of streams: what is done when the other end is not heard. What it has not confirmed is
 * sent again by the link, which knows when a partition ends; here the end only asks whether the
 * other one is still there (a host that was off in the meantime answers RST), and gives up after
 * the times that Linux has. */
#include "simulation/stream.h"

#include <errno.h>

#define RETRY (1 * WHERRY__SIM_SECOND)
#define RETRY_MAX (120 * WHERRY__SIM_SECOND)

/* Fifteen retransmissions from 200 ms on (tcp_retries2); eight for what nobody waits for any more
 * (tcp_orphan_retries). */
#define LIMIT (924600 * WHERRY__SIM_MILLISECOND)
#define ORPHAN_LIMIT (102200 * WHERRY__SIM_MILLISECOND)

static int64_t limit(const wherry__sim_stream *stream)
{
    if (stream->options.user_timeout > 0)
        return stream->options.user_timeout * WHERRY__SIM_MILLISECOND;
    return stream->orphan ? ORPHAN_LIMIT : LIMIT;
}

static int64_t sooner(int64_t one, int64_t other)
{
    return one < other ? one : other;
}

/* Whether something is to become known to the other end. */
static bool waits(const wherry__sim_stream *stream)
{
    return stream->sent > stream->confirmed || stream->unsent.size > 0 || stream->owes ||
           (stream->fin_wanted && !stream->fin_sent);
}

static int64_t next_keep_alive(const wherry__sim_stream *stream)
{
    if (stream->unanswered == 0)
        return stream->heard + stream->options.keep_idle * WHERRY__SIM_SECOND;
    return stream->asked + stream->options.keep_interval * WHERRY__SIM_SECOND;
}

static int64_t next_connected(wherry__sim_stream *stream)
{
    int64_t next = WHERRY_NEVER;

    if (waits(stream)) {
        if (stream->next_try == 0) {
            stream->since = wherry__sim_stream_now(stream);
            stream->pause = RETRY;
            stream->next_try = stream->since + RETRY;
        }
        next = sooner(stream->next_try, stream->since + limit(stream));
    } else {
        stream->next_try = 0;
        if (stream->options.keep_alive && !stream->orphan)
            next = next_keep_alive(stream);
    }
    if (stream->phase == WHERRY__SIM_FIN_WAIT_2 && stream->orphan)
        next = sooner(next, stream->end);
    return next;
}

static int64_t next(wherry__sim_stream *stream)
{
    switch (stream->phase) {
    case WHERRY__SIM_CLOSED:
    case WHERRY__SIM_LISTEN:
        return WHERRY_NEVER;
    case WHERRY__SIM_SYN_SENT:
    case WHERRY__SIM_SYN_RECEIVED:
        return sooner(stream->next_try, stream->end);
    case WHERRY__SIM_TIME_WAIT:
        return stream->end;
    default:
        return next_connected(stream);
    }
}

/* Whether the other end is there and will answer when asked. Then asking leads to nothing, and a
 * world in which nobody does anything else is quiet. What nobody waits for any more has an end. */
static bool is_met(const wherry__sim_stream *stream)
{
    const wherry__sim_socket *base = &stream->base;
    const wherry__sim_stream *end;

    if (stream->phase < WHERRY__SIM_ESTABLISHED || stream->phase == WHERRY__SIM_TIME_WAIT ||
        stream->orphan || stream->sent > stream->confirmed || stream->owes ||
        stream->unanswered > 0 || stream->flow->silent || !stream->other->on)
        return false;
    end = wherry__sim_stream_of(
        wherry__sim_find_connected(stream->other, WHERRY__SIM_TCP, &base->remote, &base->local));
    return end != NULL && end->number == stream->number && end->flow != NULL && !end->flow->silent;
}

void wherry__sim_stream_arm(wherry__sim_stream *stream)
{
    wherry_simulation *world = stream->base.host->world;
    const int64_t when = next(stream);

    if (when == WHERRY_NEVER) {
        wherry__sim_cancel(world, &stream->timer);
        return;
    }
    wherry__sim_cancel(world, &stream->timer);
    stream->timer.background = is_met(stream);
    wherry__sim_at(world, &stream->timer, when);
}

/* SYNs go after 1, 2, 3, 4, 5, 7, 11, 19, ... seconds. */
static void retry_syn(wherry__sim_stream *stream, int64_t now)
{
    stream->unanswered++;
    if (stream->unanswered >= 5)
        stream->pause *= 2;
    stream->next_try = now + stream->pause;
    if (stream->other != NULL && stream->flow->holds == 1)
        wherry__sim_stream_say(stream, WHERRY_PACKET_SYN, NULL);
}

static void retry_half(wherry__sim_stream *stream, int64_t now)
{
    stream->pause *= 2;
    stream->next_try = now + stream->pause;
    if (stream->flow->holds == 1)
        wherry__sim_stream_say(stream, WHERRY_PACKET_SYN | WHERRY_PACKET_ACK, NULL);
}

/* False: it is over. */
static bool run_connecting(wherry__sim_stream *stream, int64_t now)
{
    if (now >= stream->end) {
        stream->flow->silent = true;
        wherry__sim_stream_fail(stream, stream->other == NULL ? EHOSTUNREACH : ETIMEDOUT,
                                "timed out");
        return false;
    }
    if (stream->phase == WHERRY__SIM_SYN_SENT)
        retry_syn(stream, now);
    else
        retry_half(stream, now);
    return true;
}

static bool run_waiting(wherry__sim_stream *stream, int64_t now)
{
    if (now >= stream->since + limit(stream)) {
        stream->flow->silent = true;
        wherry__sim_stream_fail(stream, ETIMEDOUT, "timed out");
        return false;
    }
    stream->pause = sooner(stream->pause * 2, RETRY_MAX);
    stream->next_try = now + stream->pause;
    wherry__sim_stream_push(stream);
    wherry__sim_stream_ask(stream);
    return true;
}

static bool is_unanswered(const wherry__sim_stream *stream, int64_t now)
{
    const int64_t most = stream->options.user_timeout * WHERRY__SIM_MILLISECOND;

    if (most > 0)
        return stream->unanswered > 0 && now - stream->heard >= most;
    return stream->unanswered >= stream->options.keep_count;
}

static bool run_keep_alive(wherry__sim_stream *stream, int64_t now)
{
    if (is_unanswered(stream, now)) {
        wherry__sim_stream_break(stream);
        wherry__sim_stream_fail(stream, ETIMEDOUT, "timed out");
        return false;
    }
    wherry__sim_stream_ask(stream);
    return true;
}

static bool run_connected(wherry__sim_stream *stream, int64_t now)
{
    if (stream->phase == WHERRY__SIM_FIN_WAIT_2 && stream->orphan && now >= stream->end) {
        wherry__sim_stream_over(stream);
        return false;
    }
    if (waits(stream))
        return run_waiting(stream, now);
    return !stream->options.keep_alive || run_keep_alive(stream, now);
}

void wherry__sim_stream_run_timer(wherry__sim_event *event)
{
    wherry__sim_stream *stream = WHERRY__OWNER(event, wherry__sim_stream, timer);
    const int64_t now = wherry__sim_stream_now(stream);
    bool goes_on = false;

    if (stream->phase == WHERRY__SIM_TIME_WAIT)
        wherry__sim_stream_over(stream);
    else if (stream->phase == WHERRY__SIM_SYN_SENT || stream->phase == WHERRY__SIM_SYN_RECEIVED)
        goes_on = run_connecting(stream, now);
    else
        goes_on = run_connected(stream, now);
    if (goes_on)
        wherry__sim_stream_arm(stream);
}
