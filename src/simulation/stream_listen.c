/* Listening: connections that are made by the host itself, before the program has accepted them.
 * There are as many as the backlog says and one more, as on Linux, with those included that are
 * still being made; what comes beyond is not answered, so that who asks asks again. */
#include "simulation/stream.h"

#include <errno.h>

#define BACKLOG_MAX 4096 /* net.core.somaxconn */

/* How long a connection may be half made: SYN-ACK after 1, 3, 7, 15 and 31 s, and a last wait. */
#define HALF_LIMIT (63 * WHERRY__SIM_SECOND)

int wherry__sim_stream_listen(wherry__sim_socket *self, int backlog)
{
    wherry__sim_stream *stream = wherry__sim_stream_of(self);
    int result;

    if (stream->attempt != WHERRY__SIM_ATTEMPT_NONE ||
        (stream->phase != WHERRY__SIM_CLOSED && stream->phase != WHERRY__SIM_LISTEN))
        return -EINVAL;
    stream->backlog = backlog < 0 || backlog > BACKLOG_MAX ? BACKLOG_MAX : (size_t)backlog;
    if (stream->phase == WHERRY__SIM_LISTEN)
        return 0;
    self->listens = true;
    result = wherry__sim_bind_port(self);
    if (result < 0) {
        self->listens = false;
        return result;
    }
    stream->phase = WHERRY__SIM_LISTEN;
    wherry__sim_stream_changed(stream);
    return 0;
}

/* A connection that is half made. NULL: no memory. */
static wherry__sim_stream *take(wherry__sim_stream *listener, const wherry__sim_segment *segment)
{
    wherry__sim_stream *made = wherry__sim_stream_new(listener->base.host, listener->base.family,
                                                      listener);

    if (made == NULL)
        return NULL;
    if (wherry__sim_options_inherit(&made->base, &listener->base) < 0 ||
        wherry__sim_stream_begin(made, segment->number, segment->packet.from) < 0) {
        wherry__sim_socket_free(&made->base);
        return NULL;
    }
    made->base.remote = segment->packet.source;
    (void)wherry__sim_bind_accepted(&made->base, &segment->packet.target);
    made->base.address_given = listener->base.address_given;
    made->phase = WHERRY__SIM_SYN_RECEIVED;
    made->attempt = WHERRY__SIM_ATTEMPT_OVER;
    made->accepted = made->orphan = true;
    made->allowed = segment->allowed;
    made->end = wherry__sim_stream_now(made) + HALF_LIMIT;
    made->pause = WHERRY__SIM_SECOND;
    made->next_try = wherry__sim_stream_now(made) + made->pause;
    made->listener = listener;
    wherry__list_append(&listener->half, &made->place);
    listener->half_count++;
    return made;
}

void wherry__sim_stream_asked(wherry__sim_stream *listener, const wherry__sim_segment *segment)
{
    wherry__sim_host *host = listener->base.host;
    wherry__sim_stream *made;

    if (segment->packet.from != host &&
        wherry__sim_fault_between(segment->packet.from, host, WHERRY_FAULT_REFUSED, 1, NULL)) {
        wherry__sim_segment_refuse(host, segment);
        return;
    }
    if (listener->half_count + listener->whole_count > listener->backlog)
        return;
    made = take(listener, segment);
    if (made == NULL)
        return;
    wherry__sim_stream_say(made, WHERRY_PACKET_SYN | WHERRY_PACKET_ACK, NULL);
    wherry__sim_stream_arm(made);
}

void wherry__sim_stream_whole(wherry__sim_stream *stream)
{
    wherry__sim_stream *listener = stream->listener;

    wherry__sim_stream_leave(stream);
    stream->listener = listener;
    wherry__list_append(&listener->whole, &stream->place);
    listener->whole_count++;
    stream->orphan = false;
    wherry__sim_stream_changed(listener);
}

void wherry__sim_stream_leave(wherry__sim_stream *stream)
{
    wherry__sim_stream *listener = stream->listener;

    if (listener == NULL)
        return;
    if (stream->orphan)
        listener->half_count--;
    else
        listener->whole_count--;
    wherry__link_remove(&stream->place);
    stream->listener = NULL;
}

int wherry__sim_stream_accept(wherry__sim_socket *self, wherry__sim_socket **made)
{
    wherry__sim_stream *listener = wherry__sim_stream_of(self);
    wherry__sim_stream *stream;

    if (listener->phase != WHERRY__SIM_LISTEN)
        return -EINVAL;
    if (wherry__list_empty(&listener->whole))
        return -EAGAIN;
    stream = WHERRY__OWNER(listener->whole.next, wherry__sim_stream, place);
    wherry__sim_stream_leave(stream);
    *made = &stream->base;
    return 0;
}

void wherry__sim_stream_refuse_all(wherry__sim_stream *listener)
{
    wherry__link *lists[] = { &listener->half, &listener->whole };

    for (size_t i = 0; i < 2; i++) {
        while (!wherry__list_empty(lists[i])) {
            wherry__sim_stream *stream = WHERRY__OWNER(lists[i]->next, wherry__sim_stream, place);

            wherry__sim_stream_leave(stream);
            stream->orphan = true;
            if (stream->phase != WHERRY__SIM_CLOSED)
                wherry__sim_stream_break(stream);
            wherry__sim_stream_over(stream);
        }
    }
}

void wherry__sim_stream_abandon_all(wherry__sim_stream *listener)
{
    wherry__link *lists[] = { &listener->half, &listener->whole };

    for (size_t i = 0; i < 2; i++) {
        while (!wherry__list_empty(lists[i]))
            wherry__sim_stream_leave(WHERRY__OWNER(lists[i]->next, wherry__sim_stream, place));
    }
}
