/* Arrival: what an end makes of a segment. It is looked up by the names in it; one that belongs to
 * no connection is answered by RST, and so is one whose connection has had the names before. */
#include "simulation/stream.h"

#include "base/size.h"

#define HALF_LIMIT (63 * WHERRY__SIM_SECOND)

static bool has(const wherry__sim_segment *segment, unsigned flags)
{
    return (segment->packet.flags & flags) == flags;
}

/* A SYN that asks, not one that answers. */
static bool is_question(const wherry__sim_segment *segment)
{
    return has(segment, WHERRY_PACKET_SYN) && !has(segment, WHERRY_PACKET_ACK);
}

static void arrive_nowhere(wherry__sim_host *host, wherry__sim_segment *segment)
{
    wherry__sim_socket *listener = NULL;

    if (is_question(segment))
        listener = wherry__sim_find(host, WHERRY__SIM_TCP, &segment->packet.target,
                                    &segment->packet.source, true);
    if (listener == NULL)
        wherry__sim_segment_refuse(host, segment);
    else
        wherry__sim_stream_asked(wherry__sim_stream_of(listener), segment);
}

/* Both ends have asked each other, or one itself. */
static void answer_question(wherry__sim_stream *stream, const wherry__sim_segment *segment)
{
    stream->phase = WHERRY__SIM_SYN_RECEIVED;
    stream->number = stream->number > segment->number ? stream->number : segment->number;
    stream->allowed = segment->allowed;
    stream->pause = WHERRY__SIM_SECOND;
    stream->next_try = wherry__sim_stream_now(stream) + stream->pause;
    stream->end = wherry__sim_stream_now(stream) + HALF_LIMIT;
    wherry__sim_stream_say(stream, WHERRY_PACKET_SYN | WHERRY_PACKET_ACK, NULL);
    wherry__sim_stream_arm(stream);
}

/* Another connection has these names here. Who asks for a new one is told of this one, and says by
 * a reset that it knows nothing of it. */
static void arrive_stale(wherry__sim_stream *stream, wherry__sim_segment *segment)
{
    if (!is_question(segment))
        wherry__sim_segment_refuse(stream->base.host, segment);
    else if (stream->phase == WHERRY__SIM_SYN_SENT)
        answer_question(stream, segment);
    else if (stream->phase != WHERRY__SIM_SYN_RECEIVED)
        wherry__sim_stream_confirm(stream);
}

/* False: there is nothing more in it to look at. */
static bool arrive_connecting(wherry__sim_stream *stream, const wherry__sim_segment *segment)
{
    const unsigned answer = WHERRY_PACKET_SYN | WHERRY_PACKET_ACK;

    if (stream->phase == WHERRY__SIM_SYN_SENT && is_question(segment)) {
        answer_question(stream, segment);
        return false;
    }
    if (stream->phase == WHERRY__SIM_SYN_SENT && !has(segment, answer))
        return false;
    if (is_question(segment)) {
        if (stream->flow->holds == 1)
            wherry__sim_stream_say(stream, answer, NULL);
        return false;
    }
    stream->allowed = segment->allowed;
    wherry__sim_stream_establish(stream);
    if (has(segment, answer))
        wherry__sim_stream_confirm(stream);
    return true;
}

static bool is_struck(const wherry__sim_segment *segment)
{
    return segment->packet.length > 0 && segment->packet.from != segment->packet.to &&
           wherry__sim_fault_between(segment->packet.from, segment->packet.to, WHERRY_FAULT_RESET,
                                     1, NULL);
}

/* Nobody will read what comes after both directions were given up here. */
static bool is_unwanted(const wherry__sim_stream *stream, const wherry__sim_segment *segment)
{
    return segment->packet.length > 0 && stream->no_receive &&
           (stream->phase == WHERRY__SIM_FIN_WAIT_1 || stream->phase == WHERRY__SIM_FIN_WAIT_2);
}

static void break_both(wherry__sim_stream *stream)
{
    wherry__sim_stream_break(stream);
    wherry__sim_stream_was_reset(stream);
}

/* What the other end says of this one's bytes. False: the connection is over by that. */
static bool take_confirmation(wherry__sim_stream *stream, const wherry__sim_segment *segment)
{
    const uint64_t before = stream->confirmed;

    stream->heard = wherry__sim_stream_now(stream);
    stream->unanswered = 0;
    if (segment->confirmed > before)
        stream->confirmed = segment->confirmed;
    if (segment->allowed > stream->allowed)
        stream->allowed = segment->allowed;
    if (stream->confirmed == stream->sent)
        stream->since = stream->heard;
    if (stream->confirmed == before)
        return true;
    stream->next_try = 0;
    if (!stream->fin_sent || stream->confirmed < stream->sent)
        return true;
    return wherry__sim_stream_fin_taken(stream);
}

static void take_data(wherry__sim_stream *stream, wherry__sim_segment *segment)
{
    const bool fin = has(segment, WHERRY_PACKET_FIN) && !stream->ended;

    if (segment->piece != NULL) {
        stream->taken += segment->packet.length;
        wherry__sim_queue_put(&stream->received, segment->piece);
        segment->piece = NULL;
    }
    if (fin)
        stream->taken++;
    if (segment->packet.length > 0 || fin || segment->asks)
        wherry__sim_stream_confirm(stream);
    if (fin)
        wherry__sim_stream_take_fin(stream);
}

static void arrive_connected(wherry__sim_stream *stream, wherry__sim_segment *segment)
{
    if (stream->phase == WHERRY__SIM_TIME_WAIT) {
        if (has(segment, WHERRY_PACKET_FIN) || segment->asks)
            wherry__sim_stream_confirm(stream);
        return;
    }
    if (is_struck(segment) || is_unwanted(stream, segment)) {
        break_both(stream);
        return;
    }
    if (!take_confirmation(stream, segment))
        return;
    take_data(stream, segment);
    wherry__sim_stream_push(stream);
    wherry__sim_stream_arm(stream);
    wherry__sim_stream_changed(stream);
}

static void arrive_known(wherry__sim_stream *stream, wherry__sim_segment *segment)
{
    const bool connecting = stream->phase == WHERRY__SIM_SYN_SENT ||
                            stream->phase == WHERRY__SIM_SYN_RECEIVED;

    if (has(segment, WHERRY_PACKET_RST)) {
        if (!connecting && stream->phase != WHERRY__SIM_TIME_WAIT)
            stream->base.host->world->statistics.resets++;
        stream->flow->silent = true;
        wherry__sim_stream_was_reset(stream);
        return;
    }
    if (!connecting || arrive_connecting(stream, segment))
        arrive_connected(stream, segment);
}

void wherry__sim_segment_arrive(wherry__sim_segment *segment)
{
    wherry__sim_host *host = segment->packet.to;
    wherry__sim_stream *stream = wherry__sim_stream_of(wherry__sim_find_connected(
        host, WHERRY__SIM_TCP, &segment->packet.target, &segment->packet.source));

    if (!host->on)
        return;
    if (stream != NULL && stream->phase == WHERRY__SIM_TIME_WAIT && is_question(segment) &&
        segment->number > stream->number) {
        wherry__sim_stream_over(stream);
        stream = NULL;
    }
    if (stream == NULL)
        arrive_nowhere(host, segment);
    else if (stream->number != segment->number)
        arrive_stale(stream, segment);
    else
        arrive_known(stream, segment);
}
