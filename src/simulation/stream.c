/* Stream: sockets of SOCK_STREAM and SOCK_SEQPACKET as socket(2) makes them, and what is asked of
 * those of TCP at any time. All answers are those of Linux; where two of its sources could answer,
 * which of them goes first is what its functions do (tcp_poll, inet_shutdown, ...). */
#include "simulation/stream.h"

#include <errno.h>

static const char *state(const wherry__sim_socket *self)
{
    static const char *const names[] = {
        [WHERRY__SIM_CLOSED] = "CLOSE",
        [WHERRY__SIM_LISTEN] = "LISTEN",
        [WHERRY__SIM_SYN_SENT] = "SYN_SENT",
        [WHERRY__SIM_SYN_RECEIVED] = "SYN_RECV",
        [WHERRY__SIM_ESTABLISHED] = "ESTABLISHED",
        [WHERRY__SIM_FIN_WAIT_1] = "FIN_WAIT1",
        [WHERRY__SIM_FIN_WAIT_2] = "FIN_WAIT2",
        [WHERRY__SIM_CLOSING] = "CLOSING",
        [WHERRY__SIM_TIME_WAIT] = "TIME_WAIT",
        [WHERRY__SIM_CLOSE_WAIT] = "CLOSE_WAIT",
        [WHERRY__SIM_LAST_ACK] = "LAST_ACK",
    };

    return names[wherry__sim_stream_of(self)->phase];
}

static unsigned readiness(const wherry__sim_socket *self)
{
    const wherry__sim_stream *stream = wherry__sim_stream_of(self);
    unsigned events = 0;

    if (stream->phase == WHERRY__SIM_LISTEN)
        return stream->whole_count > 0 ? WHERRY_READABLE : 0;
    if ((stream->no_receive && stream->no_send) || stream->phase == WHERRY__SIM_CLOSED)
        events |= WHERRY_HUNG_UP;
    if (stream->no_receive || stream->received.size > 0)
        events |= WHERRY_READABLE;
    if (stream->phase != WHERRY__SIM_SYN_SENT && stream->phase != WHERRY__SIM_SYN_RECEIVED &&
        (stream->no_send || wherry__sim_stream_writable(stream)))
        events |= WHERRY_WRITABLE;
    if (self->error != 0)
        events |= WHERRY_FAILED;
    return events;
}

static const wherry__sim_class tcp = {
    .listen = wherry__sim_stream_listen,
    .accept = wherry__sim_stream_accept,
    .connect = wherry__sim_stream_connect,
    .receive = wherry__sim_stream_receive,
    .send = wherry__sim_stream_send,
    .shutdown = wherry__sim_stream_shutdown,
    .set_option = wherry__sim_stream_set_option,
    .get_option = wherry__sim_stream_get_option,
    .readiness = readiness,
    .close = wherry__sim_stream_close,
    .vanish = wherry__sim_stream_vanish,
    .state = state,
};

wherry__sim_stream *wherry__sim_stream_new(wherry__sim_host *host, int family,
                                           const wherry__sim_stream *like)
{
    wherry__sim_socket *made = wherry__sim_socket_make(
        host, &tcp, WHERRY__SIM_TCP, sizeof(wherry__sim_stream), family, SOCK_STREAM);
    wherry__sim_stream *stream = wherry__sim_stream_of(made);

    if (made == NULL)
        return NULL;
    made->protocol = IPPROTO_TCP;
    made->apart = true;
    stream->timer.run = wherry__sim_stream_run_timer;
    wherry__link_init(&stream->half);
    wherry__link_init(&stream->whole);
    wherry__link_init(&stream->place);
    if (like == NULL)
        wherry__sim_stream_usual(&stream->options);
    else
        stream->options = like->options;
    return stream;
}

void wherry__sim_stream_changed(wherry__sim_stream *stream)
{
    if (!stream->orphan)
        wherry__sim_socket_changed(&stream->base);
}

void wherry__sim_stream_tell(const wherry__sim_stream *stream, const char *what)
{
    const wherry__sim_socket *base = &stream->base;

    wherry__sim_tell(base->host->world, base->host,
                     (wherry_simulation_event){
                         .what = what,
                         .descriptor = base->descriptor,
                         .result = (int64_t)stream->number,
                         .from = base->local.size > 0 ? &base->local.any : NULL,
                         .to = base->remote.size > 0 ? &base->remote.any : NULL,
                         .flags = WHERRY_PACKET_STREAM,
                     });
}

int wherry__sim_stream_make(wherry__sim_host *host, int family, int type, int protocol,
                            wherry__sim_socket **made)
{
    wherry__sim_stream *stream;

    if (family == AF_UNIX)
        return wherry__sim_local_make(host, type, protocol, made);
    if (family != AF_INET && family != AF_INET6)
        return -EAFNOSUPPORT;
    if (protocol < 0 || protocol >= IPPROTO_MAX)
        return -EINVAL;
    if (type != SOCK_STREAM)
        return -ESOCKTNOSUPPORT;
    if (protocol != 0 && protocol != IPPROTO_TCP)
        return -EPROTONOSUPPORT;
    stream = wherry__sim_stream_new(host, family, NULL);
    if (stream == NULL)
        return -ENOMEM;
    *made = &stream->base;
    return 0;
}

static void cut(wherry__sim_stream *stream)
{
    stream->flow->silent = true;
    wherry__sim_stream_was_reset(stream);
}

bool wherry__sim_stream_reset(wherry__sim_socket *socket)
{
    wherry__sim_stream *stream = wherry__sim_stream_of(socket);
    wherry__sim_socket *end = NULL;

    if (socket->kind != WHERRY__SIM_TCP || stream->phase < WHERRY__SIM_SYN_SENT ||
        stream->phase == WHERRY__SIM_TIME_WAIT)
        return false;
    if (stream->other != NULL)
        end = wherry__sim_find_connected(stream->other, WHERRY__SIM_TCP, &socket->remote,
                                         &socket->local);
    socket->host->world->statistics.resets++;
    if (end != NULL && end != socket && wherry__sim_stream_of(end)->number == stream->number)
        cut(wherry__sim_stream_of(end));
    cut(stream);
    return true;
}

void wherry__sim_stream_queues(const wherry__sim_socket *socket, size_t *received, size_t *unsent)
{
    const wherry__sim_stream *stream = wherry__sim_stream_of(socket);

    if (socket->kind != WHERRY__SIM_TCP) {
        wherry__sim_local_queues(socket, received, unsent);
        return;
    }
    *received = stream->phase == WHERRY__SIM_LISTEN ? stream->whole_count : stream->received.size;
    *unsent = stream->phase == WHERRY__SIM_LISTEN ? stream->backlog
                                                  : wherry__sim_stream_queued(stream);
}
