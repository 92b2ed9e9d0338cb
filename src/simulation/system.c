/* System: the table of a simulated host. Each call finds the socket, lets the faults of calls
 * strike, asks the class, tells what happened, and does what follows at once. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <wherry/error.h>

#include "base/size.h"
#include "simulation/program.h"
#include "simulation/world.h"

#define PARTS_MAX 64

/* Who made the call: the code behind the table. */
#define SITE __builtin_return_address(0)

/* --- what all calls share */

/* The end of a call: told, settled, answered. */
static ssize_t end(wherry__sim_host *host, const char *what, int descriptor, ssize_t result,
                   const void *site)
{
    wherry__sim_tell(host->world, host,
                     (wherry_simulation_event){
                         .what = what, .descriptor = descriptor, .result = result, .site = site });
    wherry__sim_settle(host->world);
    return result;
}

/* A program that uses a descriptor which is not its own, or no more, may hit somebody else's. */
static wherry__sim_socket *find(wherry__sim_host *host, const char *what, int descriptor)
{
    wherry_simulation *world = host->world;
    wherry__sim_socket *socket = wherry__sim_descriptor_find(host, descriptor);

    if (socket == NULL && world->running != NULL && descriptor >= 0 && !host->discarding &&
        !world->options.unchecked)
        (void)wherry__sim_fail(world, WHERRY_E_BROKEN,
                               "program \"%s\" on host %s: %s of descriptor %d, which is not open",
                               world->running->name, host->name, what, descriptor);
    return socket;
}

static bool strikes(wherry__sim_host *host, int fault)
{
    return wherry__sim_fault(host, fault, 1, NULL);
}

/* --- making and closing */

static int sim_socket(wherry_system *self, int family, int type, int protocol)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = NULL;
    int result;

    type &= ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (strikes(host, WHERRY_FAULT_NO_DESCRIPTORS))
        return (int)end(host, "socket", -1, -EMFILE, SITE);
    if (type == SOCK_DGRAM)
        result = wherry__sim_datagram_make(host, family, type, protocol, &socket);
    else
        result = wherry__sim_stream_make(host, family, type, protocol, &socket);
    if (result == 0) {
        result = wherry__sim_descriptor_take(host, socket);
        if (result < 0)
            socket->class->close(socket);
    }
    return (int)end(host, "socket", result, result, SITE);
}

static int sim_close(wherry_system *self, int descriptor)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = find(host, "close", descriptor);

    if (socket != NULL)
        wherry__sim_descriptor_close(socket);
    return (int)end(host, "close", descriptor, socket == NULL ? -EBADF : 0, SITE);
}

/* --- names */

static int sim_bind(wherry_system *self, int descriptor, const struct sockaddr *name,
                    socklen_t size)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = find(host, "bind", descriptor);
    int result = socket == NULL ? -EBADF : wherry__sim_bind(socket, name, size);

    return (int)end(host, "bind", descriptor, result, SITE);
}

static int sim_local_name(wherry_system *self, int descriptor, struct sockaddr *name,
                          socklen_t *size)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = find(host, "local_name", descriptor);
    wherry__sim_name local;

    if (socket == NULL)
        return -EBADF;
    local = wherry__sim_name_of(socket);
    wherry__sim_name_give(&local, name, size);
    return 0;
}

static int sim_remote_name(wherry_system *self, int descriptor, struct sockaddr *name,
                           socklen_t *size)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = find(host, "remote_name", descriptor);
    wherry__sim_name remote;

    if (socket == NULL)
        return -EBADF;
    if (socket->remote.size == 0 || socket->apart)
        return -ENOTCONN;
    remote = wherry__sim_name_as(&socket->remote, socket->family);
    wherry__sim_name_give(&remote, name, size);
    return 0;
}

static int sim_unlink(wherry_system *self, const char *path)
{
    wherry__sim_host *host = wherry__sim_host_of(self);

    return (int)end(host, "unlink", -1, wherry__sim_unlink(host, path), SITE);
}

/* --- connecting */

static int sim_listen(wherry_system *self, int descriptor, int backlog)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = find(host, "listen", descriptor);
    int result = socket == NULL                  ? -EBADF
                 : socket->class->listen == NULL ? -EOPNOTSUPP
                                                 : socket->class->listen(socket, backlog);

    return (int)end(host, "listen", descriptor, result, SITE);
}

/* What accept(2) can answer besides a connection, which waits then for the next. */
static bool accept_fails(wherry__sim_host *host, int *result)
{
    static const int errors[] = { ECONNABORTED, ENFILE, ENOBUFS, ENOMEM, EPROTO, EPERM, ENETDOWN };
    uint64_t value;

    if (strikes(host, WHERRY_FAULT_NO_DESCRIPTORS))
        *result = -EMFILE;
    else if (strikes(host, WHERRY_FAULT_INTERRUPTED))
        *result = -EINTR;
    else if (strikes(host, WHERRY_FAULT_NOT_YET))
        *result = -EAGAIN;
    else if (wherry__sim_fault(host, WHERRY_FAULT_ACCEPT, sizeof(errors) / sizeof(*errors), &value))
        *result = -errors[value];
    else
        return false;
    return true;
}

static int accept_one(wherry__sim_socket *socket, struct sockaddr *name, socklen_t *size)
{
    wherry__sim_host *host = socket->host;
    wherry__sim_socket *made = NULL;
    wherry__sim_name remote;
    int result;

    if (socket->class->accept == NULL)
        return -EOPNOTSUPP;
    if (host->descriptor_count >= host->descriptors_max)
        return -EMFILE;
    if (accept_fails(host, &result))
        return result;
    result = socket->class->accept(socket, &made);
    if (result < 0)
        return result;
    result = wherry__sim_descriptor_take(host, made);
    if (result < 0) {
        made->class->close(made);
        return result;
    }
    remote = wherry__sim_name_as(&made->remote, made->family);
    if (name != NULL)
        wherry__sim_name_give(&remote, name, size);
    return result;
}

static int sim_accept(wherry_system *self, int descriptor, struct sockaddr *name, socklen_t *size)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = find(host, "accept", descriptor);

    return (int)end(host, "accept", descriptor,
                    socket == NULL ? -EBADF : accept_one(socket, name, size), SITE);
}

static int sim_connect(wherry_system *self, int descriptor, const struct sockaddr *name,
                       socklen_t size)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = find(host, "connect", descriptor);
    wherry__sim_name to;
    int result = socket == NULL ? -EBADF : wherry__sim_name_take(socket, name, size, &to);

    if (result == 0) {
        to = wherry__sim_name_reached(socket, &to);
        result = socket->class->connect == NULL ? -EOPNOTSUPP : socket->class->connect(socket, &to);
    }
    return (int)end(host, "connect", descriptor, result, SITE);
}

static int sim_shutdown(wherry_system *self, int descriptor, int how)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = find(host, "shutdown", descriptor);
    int result = socket == NULL                    ? -EBADF
                 : socket->class->shutdown == NULL ? -EOPNOTSUPP
                                                   : socket->class->shutdown(socket, how);

    return (int)end(host, "shutdown", descriptor, result, SITE);
}

/* --- bytes */

static bool receive_fails(wherry__sim_host *host, ssize_t *result)
{
    if (strikes(host, WHERRY_FAULT_INTERRUPTED))
        *result = -EINTR;
    else if (strikes(host, WHERRY_FAULT_NOT_YET))
        *result = -EAGAIN;
    else
        return false;
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

    if (receive_fails(socket->host, &result))
        return result;
    if (size > 1 && is_stream(socket) &&
        wherry__sim_fault(socket->host, WHERRY_FAULT_SHORT_RECEIVE, size, &most))
        size = most + 1;
    return socket->class->receive(socket, data, size, flags);
}

static ssize_t sim_receive(wherry_system *self, int descriptor, void *data, size_t size, int flags)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = find(host, "receive", descriptor);

    return end(host, "receive", descriptor,
               socket == NULL ? -EBADF : receive(socket, data, size, flags), SITE);
}

static bool send_fails(wherry__sim_host *host, ssize_t *result)
{
    if (receive_fails(host, result))
        return true;
    *result = -ENOBUFS;
    return strikes(host, WHERRY_FAULT_NO_BUFFERS);
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
    if (send_fails(socket->host, &result))
        return result;
    if (size > 1 && is_stream(socket) &&
        wherry__sim_fault(socket->host, WHERRY_FAULT_SHORT_SEND, size - 1, &most)) {
        count = clip(clipped, parts, count, most + 1);
        parts = clipped;
    }
    return socket->class->send(socket, parts, count, flags);
}

static ssize_t sim_send(wherry_system *self, int descriptor, const struct iovec *parts,
                        size_t count, int flags)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = find(host, "send", descriptor);

    return end(host, "send", descriptor,
               socket == NULL ? -EBADF : send_some(socket, parts, count, flags), SITE);
}

static ssize_t sim_read(wherry_system *self, int descriptor, void *data, size_t size,
                        unsigned flags)
{
    (void)flags;
    return sim_receive(self, descriptor, data, size, 0);
}

static ssize_t sim_write(wherry_system *self, int descriptor, const struct iovec *parts,
                         size_t count, unsigned flags)
{
    (void)flags;
    return sim_send(self, descriptor, parts, count, 0);
}

static int sim_receive_many(wherry_system *self, int descriptor, wherry_datagram_slot *slots,
                            size_t count, int flags)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = find(host, "receive_many", descriptor);
    ssize_t result = -EBADF;

    if (socket != NULL && !receive_fails(host, &result))
        result = socket->class->receive_many == NULL
                     ? -EOPNOTSUPP
                     : socket->class->receive_many(socket, slots, count, flags);
    return (int)end(host, "receive_many", descriptor, result, SITE);
}

static int sim_send_many(wherry_system *self, int descriptor, wherry_datagram_slot *slots,
                         size_t count, int flags)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = find(host, "send_many", descriptor);
    ssize_t result = -EBADF;

    if (socket != NULL && !send_fails(host, &result))
        result = socket->class->send_many == NULL
                     ? -EOPNOTSUPP
                     : socket->class->send_many(socket, slots, count, flags);
    return (int)end(host, "send_many", descriptor, result, SITE);
}

/* --- options */

static int sim_set_option(wherry_system *self, int descriptor, int level, int option,
                          const void *value, socklen_t size)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = find(host, "set_option", descriptor);
    int result = socket == NULL ? -EBADF : -ENOPROTOOPT;

    if (socket != NULL && socket->class->set_option != NULL)
        result = socket->class->set_option(socket, level, option, value, size);
    if (socket != NULL && result == -ENOPROTOOPT)
        result = wherry__sim_set_option(socket, level, option, value, size);
    return (int)end(host, "set_option", descriptor, result, SITE);
}

static int sim_get_option(wherry_system *self, int descriptor, int level, int option, void *value,
                          socklen_t *size)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = find(host, "get_option", descriptor);
    int result = socket == NULL ? -EBADF : -ENOPROTOOPT;

    if (socket != NULL && socket->class->get_option != NULL)
        result = socket->class->get_option(socket, level, option, value, size);
    if (socket != NULL && result == -ENOPROTOOPT)
        result = wherry__sim_get_option(socket, level, option, value, size);
    return result;
}

static int sim_kind(wherry_system *self, int descriptor, int *may_block)
{
    wherry__sim_socket *socket = wherry__sim_descriptor_find(wherry__sim_host_of(self), descriptor);

    if (socket == NULL)
        return -EBADF;
    if (may_block != NULL)
        *may_block = 0;
    return is_stream(socket) ? WHERRY_DESCRIPTOR_STREAM : WHERRY_DESCRIPTOR_DATAGRAM;
}

/* --- time, chance, signals */

static int64_t sim_monotonic(wherry_system *self)
{
    return wherry__sim_monotonic(wherry__sim_host_of(self));
}

static int64_t sim_wall(wherry_system *self)
{
    return wherry__sim_wall(wherry__sim_host_of(self));
}

static int sim_random(wherry_system *self, void *data, size_t size)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)wherry__sim_draw(&host->chance);
    return 0;
}

static uint32_t sim_choose(wherry_system *self, int purpose, uint32_t count)
{
    uint64_t value = 0;

    (void)purpose;
    if (count > 1)
        (void)wherry__sim_fault(wherry__sim_host_of(self), WHERRY_FAULT_ORDER, count, &value);
    return (uint32_t)value;
}

static int sim_poller_descriptor(wherry_system *self, wherry_poller *poller)
{
    (void)self;
    (void)poller;
    return -ENOTSUP;
}

/* state: the next one, and the program that took it. */
static int sim_take_signal(wherry_system *self, wherry_system_signal *signal)
{
    wherry__sim_host *host = wherry__sim_host_of(self);

    signal->state[0] = host->signals;
    signal->state[1] = host->world->running;
    host->signals = signal;
    return 0;
}

static void sim_give_signal(wherry_system *self, wherry_system_signal *signal)
{
    wherry_system_signal **place = &wherry__sim_host_of(self)->signals;

    while (*place != NULL && *place != signal)
        place = (wherry_system_signal **)(void *)&(*place)->state[0];
    if (*place != NULL)
        *place = signal->state[0];
}

/* --- the table */

static const wherry_system table = {
    .size = sizeof(wherry_system),
    .name = "simulation",
    .socket = sim_socket,
    .bind = sim_bind,
    .listen = sim_listen,
    .accept = sim_accept,
    .connect = sim_connect,
    .receive = sim_receive,
    .send = sim_send,
    .receive_many = sim_receive_many,
    .send_many = sim_send_many,
    .shutdown = sim_shutdown,
    .close = sim_close,
    .set_option = sim_set_option,
    .get_option = sim_get_option,
    .local_name = sim_local_name,
    .remote_name = sim_remote_name,
    .read = sim_read,
    .write = sim_write,
    .kind = sim_kind,
    .unlink = sim_unlink,
    .open_poller = wherry__sim_poller_open,
    .close_poller = wherry__sim_poller_close,
    .watch = wherry__sim_poller_watch,
    .wait = wherry__sim_poller_wait,
    .wake = wherry__sim_poller_wake,
    .poller_descriptor = sim_poller_descriptor,
    .monotonic = sim_monotonic,
    .wall = sim_wall,
    .random = sim_random,
    .choose = sim_choose,
    .resolve = wherry__sim_resolve,
    .resolve_cancel = wherry__sim_resolve_cancel,
    .take_signal = sim_take_signal,
    .give_signal = sim_give_signal,
};

void wherry__sim_system_init(wherry__sim_host *host)
{
    host->system = table;
}
