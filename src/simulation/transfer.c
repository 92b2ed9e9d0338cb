/* Transfer: the calls of the system table that move bytes, with the faults that make them short, or
 * fail for now. */
#include <errno.h>
#include <limits.h>

#include "base/size.h"
#include "simulation/call.h"

/* Of a send that is made short. */
#define PARTS_MAX 64

/* Once, and not twice in a row: who tries again gets on. */
bool wherry__sim_call_fails(wherry__sim_socket *socket, ssize_t *result)
{
    const bool again = socket->put_off;

    socket->put_off = false;
    if (again)
        return false;
    if (wherry__sim_call_strikes(socket->host, WHERRY_FAULT_INTERRUPTED))
        *result = -EINTR;
    else if (wherry__sim_call_strikes(socket->host, WHERRY_FAULT_NOT_YET))
        *result = -EAGAIN;
    else
        return false;
    socket->put_off = true;
    return true;
}

/* Short counts are for streams: of a datagram the rest would be lost. */
static bool is_stream(const wherry__sim_socket *socket)
{
    return socket->type == SOCK_STREAM;
}

static ssize_t receive(wherry__sim_socket *socket, void *data, size_t size, int flags)
{
    uint64_t most;
    ssize_t result;

    if (wherry__sim_call_fails(socket, &result))
        return result;
    if (size > 1 && is_stream(socket) &&
        wherry__sim_fault(socket->host, WHERRY_FAULT_SHORT_RECEIVE, size, &most))
        size = most + 1;
    return socket->class->receive(socket, data, size, flags);
}

ssize_t wherry__sim_call_receive(wherry_system *self, int descriptor, void *data, size_t size,
                                 int flags)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = wherry__sim_call_find(host, "receive", descriptor);

    return wherry__sim_call_end(host, "receive", descriptor,
                                socket == NULL ? -EBADF : receive(socket, data, size, flags),
                                WHERRY__SIM_SITE);
}

static bool send_fails(wherry__sim_socket *socket, ssize_t *result)
{
    if (wherry__sim_call_fails(socket, result))
        return true;
    *result = -ENOBUFS;
    return wherry__sim_call_strikes(socket->host, WHERRY_FAULT_NO_BUFFERS);
}

/* The parts up to size bytes. Returns how many. */
static size_t clip(struct iovec *clipped, const struct iovec *parts, size_t count, size_t size)
{
    size_t used = 0;

    for (; used < count && used < PARTS_MAX && size > 0; used++) {
        clipped[used] = parts[used];
        clipped[used].iov_len = wherry__size_min(parts[used].iov_len, size);
        size -= clipped[used].iov_len;
    }
    return used;
}

static ssize_t send_some(wherry__sim_socket *socket, const struct iovec *parts, size_t count,
                         int flags)
{
    const size_t size = wherry__sim_parts_size(parts, count);
    struct iovec clipped[PARTS_MAX];
    uint64_t most;
    ssize_t result;

    if (size > SSIZE_MAX)
        return -EINVAL;
    if (send_fails(socket, &result))
        return result;
    if (size > 1 && is_stream(socket) &&
        wherry__sim_fault(socket->host, WHERRY_FAULT_SHORT_SEND, size - 1, &most)) {
        count = clip(clipped, parts, count, most + 1);
        parts = clipped;
    }
    return socket->class->send(socket, parts, count, flags);
}

ssize_t wherry__sim_call_send(wherry_system *self, int descriptor, const struct iovec *parts,
                              size_t count, int flags)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = wherry__sim_call_find(host, "send", descriptor);

    return wherry__sim_call_end(host, "send", descriptor,
                                socket == NULL ? -EBADF : send_some(socket, parts, count, flags),
                                WHERRY__SIM_SITE);
}

ssize_t wherry__sim_call_read(wherry_system *self, int descriptor, void *data, size_t size,
                              unsigned flags)
{
    (void)flags;
    return wherry__sim_call_receive(self, descriptor, data, size, 0);
}

ssize_t wherry__sim_call_write(wherry_system *self, int descriptor, const struct iovec *parts,
                               size_t count, unsigned flags)
{
    (void)flags;
    return wherry__sim_call_send(self, descriptor, parts, count, 0);
}

int wherry__sim_call_receive_many(wherry_system *self, int descriptor, wherry_datagram_slot *slots,
                                  size_t count, int flags)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = wherry__sim_call_find(host, "receive_many", descriptor);
    ssize_t result = -EBADF;

    if (socket != NULL && !wherry__sim_call_fails(socket, &result))
        result = socket->class->receive_many == NULL
                     ? -EOPNOTSUPP
                     : socket->class->receive_many(socket, slots, count, flags);
    return (int)wherry__sim_call_end(host, "receive_many", descriptor, result, WHERRY__SIM_SITE);
}

int wherry__sim_call_send_many(wherry_system *self, int descriptor, wherry_datagram_slot *slots,
                               size_t count, int flags)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = wherry__sim_call_find(host, "send_many", descriptor);
    ssize_t result = -EBADF;

    if (socket != NULL && !send_fails(socket, &result))
        result = socket->class->send_many == NULL
                     ? -EOPNOTSUPP
                     : socket->class->send_many(socket, slots, count, flags);
    return (int)wherry__sim_call_end(host, "send_many", descriptor, result, WHERRY__SIM_SITE);
}
