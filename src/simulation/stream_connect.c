/* Connecting: connect(2) of TCP, by the state machine of Linux (__inet_stream_connect): a call that
 * comes back with EINPROGRESS is repeated to learn the outcome, or SO_ERROR is read. */
#include "simulation/stream.h"

#include <errno.h>

/* How long a host looks for the hardware address of another that is not there. */
#define NOBODY (3 * WHERRY__SIM_SECOND)

/* The last wait of SYNs that are sent after 1, 2, 3, 4, 5, 7, 11, ... seconds (tcp_syn_linear_
 * timeouts is 4), each of them count after the linear ones twice as long as the one before. */
static int64_t syn_limit(const wherry__sim_stream *stream)
{
    const int64_t linear = 4;
    const int64_t count = stream->options.syn_count;
    const int64_t limit = ((INT64_C(1) << (count + 1 < 30 ? count + 1 : 30)) - 1 + linear);

    if (stream->options.user_timeout > 0)
        return stream->options.user_timeout * WHERRY__SIM_MILLISECOND;
    return limit * WHERRY__SIM_SECOND;
}

int wherry__sim_stream_begin(wherry__sim_stream *stream, uint64_t number, wherry__sim_host *other)
{
    if (stream->flow == NULL)
        stream->flow = wherry__sim_flow_new(stream->base.host->world);
    if (stream->flow == NULL)
        return -ENOMEM;
    stream->number = number;
    stream->other = other;
    stream->sent = stream->confirmed = stream->allowed = stream->taken = stream->read = 0;
    stream->promised = stream->base.receive_room;
    stream->fin_wanted = stream->fin_sent = stream->owes = stream->ended = false;
    stream->heard = wherry__sim_stream_now(stream);
    stream->unanswered = 0;
    return 0;
}

static void send_syn(wherry__sim_stream *stream)
{
    const int64_t now = wherry__sim_stream_now(stream);
    wherry__sim_host *host = stream->base.host;

    stream->next_try = now + WHERRY__SIM_SECOND;
    stream->pause = WHERRY__SIM_SECOND;
    stream->unanswered = 0;
    stream->end = now + (stream->other == NULL ? NOBODY : syn_limit(stream));
    if (stream->other != NULL) {
        if (stream->other != host &&
            wherry__sim_fault_between(host, stream->other, WHERRY_FAULT_LOST_CONNECT, 1, NULL))
            stream->flow->silent = true;
        wherry__sim_stream_say(stream, WHERRY_PACKET_SYN, NULL);
    }
    wherry__sim_stream_arm(stream);
}

static int begin(wherry__sim_stream *stream, const wherry__sim_name *given)
{
    wherry__sim_socket *base = &stream->base;
    wherry__sim_name name = wherry__sim_name_reached(base, given);
    int result;

    if (wherry__sim_name_is_multicast(&name) ||
        (name.any.sa_family == AF_INET && name.v4.sin_addr.s_addr == htonl(INADDR_BROADCAST)))
        return -ENETUNREACH;
    result = wherry__sim_bind_for(base, &name);
    if (result < 0)
        return result;
    result = wherry__sim_stream_begin(stream, base->host->world->connections + 1,
                                      wherry__sim_host_at(base->host, &name.any));
    if (result < 0) {
        wherry__sim_unbind_from(base);
        return result;
    }
    base->host->world->connections++;
    base->error = 0;
    stream->phase = WHERRY__SIM_SYN_SENT;
    stream->attempt = WHERRY__SIM_ATTEMPT_UNDER_WAY;
    send_syn(stream);
    return -EINPROGRESS;
}

/* Without a port of its own it still shows the one that it had. */
static void forget_address(wherry__sim_socket *base)
{
    uint16_t port;

    if (base->is_bound || base->address_given || base->local.size == 0)
        return;
    port = wherry__sim_name_port(&base->local);
    base->local = wherry__sim_name_any(base->family);
    wherry__sim_name_set_port(&base->local, port);
}

void wherry__sim_stream_disconnect(wherry__sim_stream *stream)
{
    const wherry__sim_phase phase = stream->phase;

    if (phase == WHERRY__SIM_LISTEN) {
        wherry__sim_stream_refuse_all(stream);
        stream->base.listens = false;
    } else if (phase != WHERRY__SIM_CLOSED && phase != WHERRY__SIM_TIME_WAIT) {
        stream->base.error = ECONNRESET;
        if (phase != WHERRY__SIM_SYN_SENT && phase != WHERRY__SIM_CLOSING &&
            phase != WHERRY__SIM_LAST_ACK)
            wherry__sim_stream_break(stream);
    }
    wherry__sim_stream_over(stream);
    wherry__sim_queue_clear(&stream->received, wherry__sim_stream_memory(stream));
    forget_address(&stream->base);
    stream->base.remote.size = 0;
    stream->no_receive = stream->no_send = stream->ended = false;
    stream->attempt = WHERRY__SIM_ATTEMPT_NONE;
    wherry__sim_stream_changed(stream);
}

/* The attempt is over: whether it has failed is told once. */
static int outcome(wherry__sim_stream *stream)
{
    int error = stream->base.error == 0 ? ECONNABORTED : stream->base.error;

    if (stream->phase != WHERRY__SIM_CLOSED && stream->phase != WHERRY__SIM_TIME_WAIT) {
        stream->attempt = WHERRY__SIM_ATTEMPT_OVER;
        return 0;
    }
    stream->base.error = 0;
    wherry__sim_stream_disconnect(stream);
    return -error;
}

int wherry__sim_stream_connect_wrongly(wherry__sim_socket *self, int wrong)
{
    const wherry__sim_stream *stream = wherry__sim_stream_of(self);
    const wherry__sim_name unread = wherry__sim_name_any(self->family);

    if (stream->phase == WHERRY__SIM_CLOSED && stream->attempt == WHERRY__SIM_ATTEMPT_NONE)
        return wrong;
    return wherry__sim_stream_connect(self, &unread);
}

int wherry__sim_stream_connect(wherry__sim_socket *self, const wherry__sim_name *name)
{
    wherry__sim_stream *stream = wherry__sim_stream_of(self);

    if (name->any.sa_family == AF_UNSPEC) {
        wherry__sim_stream_disconnect(stream);
        return 0;
    }
    if (stream->attempt == WHERRY__SIM_ATTEMPT_OVER)
        return -EISCONN;
    if (stream->attempt == WHERRY__SIM_ATTEMPT_NONE)
        return stream->phase == WHERRY__SIM_CLOSED ? begin(stream, name) : -EISCONN;
    if (stream->phase == WHERRY__SIM_SYN_SENT || stream->phase == WHERRY__SIM_SYN_RECEIVED)
        return -EALREADY;
    return outcome(stream);
}

void wherry__sim_stream_establish(wherry__sim_stream *stream)
{
    wherry_simulation *world = stream->base.host->world;

    stream->phase = WHERRY__SIM_ESTABLISHED;
    stream->base.apart = false;
    stream->since = stream->heard = world->now;
    if (stream->listener == NULL)
        world->statistics.connections++;
    wherry__sim_stream_tell(stream, "established");
    if (stream->listener != NULL)
        wherry__sim_stream_whole(stream);
    wherry__sim_stream_arm(stream);
    wherry__sim_stream_changed(stream);
}
