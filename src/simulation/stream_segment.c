/* Segments: what the ends of a connection say to each other, sent. */
#include "simulation/stream.h"

#include "base/size.h"

static void give_back(wherry__sim_segment *segment)
{
    wherry_memory *memory = wherry__sim_memory(segment->packet.to->world);

    wherry__sim_piece_free(memory, segment->piece);
    wherry__memory_give(memory, segment, sizeof(*segment));
}

static void arrive(wherry__sim_packet *self)
{
    wherry__sim_segment *segment = (wherry__sim_segment *)(void *)self;

    wherry__sim_segment_arrive(segment);
    give_back(segment);
}

/* Who has reset a connection sends nothing of it again, also when the reset is lost. */
static void lost(wherry__sim_packet *self)
{
    if (self->flags & WHERRY_PACKET_RST)
        self->flow->silent = true;
    give_back((wherry__sim_segment *)(void *)self);
}

static wherry__sim_segment *make(wherry__sim_host *from, wherry__sim_host *to, uint64_t number,
                                 unsigned flags)
{
    wherry__sim_segment *segment = wherry__memory_take(wherry__sim_memory(from->world),
                                                       sizeof(*segment));

    if (segment == NULL)
        return NULL;
    segment->number = number;
    segment->packet.from = from;
    segment->packet.to = to;
    segment->packet.flags = WHERRY_PACKET_STREAM | flags;
    segment->packet.sent = from->world->now;
    segment->packet.arrive = arrive;
    segment->packet.lost = lost;
    return segment;
}

static wherry__sim_segment *make_for(wherry__sim_stream *stream, unsigned flags)
{
    const wherry__sim_socket *base = &stream->base;
    wherry__sim_segment *segment = make(base->host, stream->other, stream->number, flags);

    if (segment == NULL)
        return NULL;
    segment->packet.source = base->local;
    segment->packet.target = base->remote;
    segment->packet.flow = stream->flow;
    /* What was promised once stays so, also when the buffer has been made smaller. */
    if (stream->promised < stream->read + base->receive_room)
        stream->promised = stream->read + base->receive_room;
    segment->allowed = stream->promised;
    segment->confirmed = stream->taken;
    stream->owes = false;
    return segment;
}

bool wherry__sim_stream_say(wherry__sim_stream *stream, unsigned flags, wherry__sim_piece *piece)
{
    wherry__sim_segment *segment = make_for(stream, flags);

    if (segment == NULL)
        return false;
    segment->piece = piece;
    if (piece != NULL) {
        segment->packet.length = wherry__sim_piece_size(piece);
        segment->packet.data = piece->data + piece->begin;
    }
    wherry__sim_packet_send(&segment->packet);
    return true;
}

void wherry__sim_stream_confirm(wherry__sim_stream *stream)
{
    if (wherry__sim_stream_say(stream, WHERRY_PACKET_ACK, NULL))
        return;
    stream->owes = true;
    wherry__sim_stream_arm(stream);
}

void wherry__sim_stream_ask(wherry__sim_stream *stream)
{
    wherry__sim_segment *segment;

    stream->asked = wherry__sim_stream_now(stream);
    stream->unanswered++;
    if (stream->flow->holds > 1)
        return;
    segment = make_for(stream, WHERRY_PACKET_ACK);
    if (segment == NULL)
        return;
    segment->asks = true;
    wherry__sim_packet_send(&segment->packet);
}

void wherry__sim_segment_refuse(wherry__sim_host *host, const wherry__sim_segment *segment)
{
    wherry__sim_segment *answer;

    if (segment->packet.flags & WHERRY_PACKET_RST)
        return;
    answer = make(host, segment->packet.from, segment->number, WHERRY_PACKET_RST);
    if (answer == NULL)
        return;
    answer->packet.source = segment->packet.target;
    answer->packet.target = segment->packet.source;
    answer->packet.flow = wherry__sim_flow_new(host->world);
    if (answer->packet.flow == NULL) {
        give_back(answer);
        return;
    }
    wherry__sim_packet_send(&answer->packet);
    wherry__sim_flow_release(host->world, answer->packet.flow);
}
