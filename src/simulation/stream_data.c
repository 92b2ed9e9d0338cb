/* Data: the bytes of the program. What is sent is copied into the send buffer and leaves it as the
 * other end's window allows; it counts against the buffer until the other end has it. What came
 * counts against the window until the program has read it. */
#include "simulation/stream.h"

#include <errno.h>
#include <limits.h>

#include "base/size.h"

/* --- in */

static int no_data(wherry__sim_stream *stream)
{
    const int error = stream->base.error;

    if (stream->ended)
        return 0;
    if (error != 0) {
        stream->base.error = 0;
        wherry__sim_stream_changed(stream);
        return -error;
    }
    if (stream->no_receive)
        return 0;
    return stream->phase == WHERRY__SIM_CLOSED ? -ENOTCONN : -EAGAIN;
}

static size_t segment_size(const wherry__sim_stream *stream)
{
    const size_t most = wherry__sim_segment_size(stream->base.host, stream->other);
    const int wanted = stream->options.max_segment;

    return wanted > 0 ? wherry__size_min(most, (size_t)wanted) : most;
}

/* The other end is told of new room when it is worth a segment: not of each byte that is read. */
static void open_window(wherry__sim_stream *stream)
{
    const uint64_t room = stream->base.receive_room;
    uint64_t worth;

    if (stream->phase != WHERRY__SIM_ESTABLISHED && stream->phase != WHERRY__SIM_FIN_WAIT_1 &&
        stream->phase != WHERRY__SIM_FIN_WAIT_2)
        return;
    worth = wherry__size_max(1, wherry__size_min(segment_size(stream), (size_t)room / 2));
    if (stream->read + room >= stream->promised + worth)
        wherry__sim_stream_confirm(stream);
}

ssize_t wherry__sim_stream_receive(wherry__sim_socket *self, void *data, size_t size, int flags)
{
    wherry__sim_stream *stream = wherry__sim_stream_of(self);
    size_t done;

    if (stream->phase == WHERRY__SIM_LISTEN)
        return -ENOTCONN;
    if (flags & MSG_OOB)
        return -EINVAL;
    if (flags & MSG_ERRQUEUE)
        return -EAGAIN;
    if (stream->received.size == 0)
        return no_data(stream);
    done = wherry__sim_queue_read(&stream->received, wherry__sim_stream_memory(stream),
                                  flags & MSG_TRUNC ? NULL : data,
                                  wherry__size_min(size, SSIZE_MAX), flags & MSG_PEEK);
    if (flags & MSG_PEEK)
        return (ssize_t)done;
    stream->read += done;
    open_window(stream);
    return (ssize_t)done;
}

/* --- out */

size_t wherry__sim_stream_queued(const wherry__sim_stream *stream)
{
    const uint64_t fin = stream->fin_sent && stream->sent > stream->confirmed;

    return (size_t)(stream->sent - stream->confirmed - fin) + stream->unsent.size;
}

static size_t room(const wherry__sim_stream *stream)
{
    const size_t used = wherry__sim_stream_queued(stream);

    return used < stream->base.send_room ? stream->base.send_room - used : 0;
}

/* A third must be free, as for the kernel: else a sender would be woken for each segment. */
bool wherry__sim_stream_writable(const wherry__sim_stream *stream)
{
    return room(stream) >= wherry__size_max(1, wherry__sim_stream_queued(stream) / 2);
}

/* Short segments wait for a confirmation of the former one (Nagle). */
static bool held_back(const wherry__sim_stream *stream, size_t size, size_t most)
{
    return size < most && stream->unsent.size < most && stream->sent > stream->confirmed &&
           !stream->options.no_delay && !stream->fin_wanted;
}

static void strike(wherry__sim_stream *stream, size_t *size)
{
    wherry__sim_host *host = stream->base.host;
    uint64_t value;

    if (stream->other == host)
        return;
    if (*size > 1 &&
        wherry__sim_fault_between(host, stream->other, WHERRY_FAULT_SPLIT, *size - 1, &value))
        *size = (size_t)value + 1;
    if (wherry__sim_fault_between(host, stream->other, WHERRY_FAULT_SILENCE, 1, NULL))
        stream->flow->silent = true;
}

static bool push_one(wherry__sim_stream *stream, size_t most)
{
    wherry_memory *memory = wherry__sim_stream_memory(stream);
    wherry__sim_piece *piece;
    size_t size;

    if (stream->unsent.size == 0 || stream->sent >= stream->allowed)
        return false;
    size = wherry__size_min(wherry__sim_piece_size(stream->unsent.first), most);
    if (held_back(stream, size, most))
        return false;
    if (size > stream->allowed - stream->sent)
        size = (size_t)(stream->allowed - stream->sent);
    strike(stream, &size);
    piece = wherry__sim_queue_take(&stream->unsent, memory, size);
    if (piece == NULL)
        return false;
    if (!wherry__sim_stream_say(stream, WHERRY_PACKET_ACK, piece)) {
        wherry__sim_queue_put_back(&stream->unsent, piece);
        return false;
    }
    stream->sent += size;
    return true;
}

static bool may_push(const wherry__sim_stream *stream)
{
    switch (stream->phase) {
    case WHERRY__SIM_ESTABLISHED:
    case WHERRY__SIM_FIN_WAIT_1:
    case WHERRY__SIM_CLOSING:
    case WHERRY__SIM_CLOSE_WAIT:
    case WHERRY__SIM_LAST_ACK:
        return true;
    default:
        return false;
    }
}

void wherry__sim_stream_push(wherry__sim_stream *stream)
{
    if (!may_push(stream))
        return;
    if (stream->unsent.size > 0) {
        const size_t most = segment_size(stream);

        while (push_one(stream, most))
            continue;
    }
    if (stream->fin_wanted && !stream->fin_sent && stream->unsent.size == 0 &&
        wherry__sim_stream_say(stream, WHERRY_PACKET_FIN | WHERRY_PACKET_ACK, NULL)) {
        stream->fin_sent = true;
        stream->sent++;
    }
    wherry__sim_stream_arm(stream);
}

/* Why nothing can be sent; 0: it can. An error is told once. */
static int refusal(wherry__sim_stream *stream)
{
    const int error = stream->base.error;
    const bool begun = stream->phase == WHERRY__SIM_ESTABLISHED ||
                       stream->phase == WHERRY__SIM_CLOSE_WAIT;

    if (begun && error == 0 && !stream->no_send)
        return 0;
    if (error != 0) {
        stream->base.error = 0;
        wherry__sim_stream_changed(stream);
        return -error;
    }
    if (stream->phase == WHERRY__SIM_SYN_SENT || stream->phase == WHERRY__SIM_SYN_RECEIVED)
        return -EAGAIN;
    return -EPIPE;
}

ssize_t wherry__sim_stream_send(wherry__sim_socket *self, const struct iovec *parts, size_t count,
                                int flags)
{
    wherry__sim_stream *stream = wherry__sim_stream_of(self);
    wherry__sim_source source = { .parts = parts, .count = count };
    size_t size = wherry__sim_parts_size(parts, count);
    int result = refusal(stream);

    if (flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (result < 0 || size == 0)
        return result;
    if (room(stream) == 0)
        return -EAGAIN;
    size = wherry__sim_queue_add(&stream->unsent, wherry__sim_stream_memory(stream), &source,
                                 wherry__size_min(size, room(stream)), segment_size(stream));
    if (size == 0)
        return -ENOBUFS;
    wherry__sim_stream_push(stream);
    return (ssize_t)size;
}
