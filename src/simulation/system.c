/* System: the table of a simulated host. Each call finds the socket, lets the faults of calls
 * strike, asks the class, tells what happened, and does what follows at once. */
#include <errno.h>
#include <limits.h>

#include <wherry/error.h>

#include "simulation/call.h"
#include "simulation/ports.h"
#include "simulation/program.h"

#define SOCKET_TYPE_MAX 10 /* SOCK_PACKET: what is beyond is no type at all */

/* --- what all calls share */

ssize_t wherry__sim_call_end(wherry__sim_host *host, const char *what, int descriptor,
                             ssize_t result, const void *site)
{
    wherry__sim_tell(host->world, host,
                     (wherry_simulation_event){
                         .what = what, .descriptor = descriptor, .result = result, .site = site });
    host->calls++;
    wherry__sim_settle(host->world);
    return result;
}

wherry__sim_socket *wherry__sim_call_find(wherry__sim_host *host, const char *what, int descriptor)
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

bool wherry__sim_call_strikes(wherry__sim_host *host, int fault)
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
    if (type < 0 || type > SOCKET_TYPE_MAX)
        return (int)wherry__sim_call_end(host, "socket", -1, -EINVAL, WHERRY__SIM_SITE);
    if (wherry__sim_call_strikes(host, WHERRY_FAULT_NO_DESCRIPTORS))
        return (int)wherry__sim_call_end(host, "socket", -1, -EMFILE, WHERRY__SIM_SITE);
    if (family == AF_UNIX && type == SOCK_RAW)
        type = SOCK_DGRAM;
    if (type == SOCK_DGRAM)
        result = wherry__sim_datagram_make(host, family, type, protocol, &socket);
    else
        result = wherry__sim_stream_make(host, family, type, protocol, &socket);
    if (result == 0) {
        result = wherry__sim_descriptor_take(host, socket);
        if (result < 0)
            socket->class->close(socket);
    }
    return (int)wherry__sim_call_end(host, "socket", result, result, WHERRY__SIM_SITE);
}

static int sim_close(wherry_system *self, int descriptor)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = wherry__sim_call_find(host, "close", descriptor);

    if (socket != NULL)
        wherry__sim_descriptor_close(socket);
    return (int)wherry__sim_call_end(host, "close", descriptor, socket == NULL ? -EBADF : 0,
                                     WHERRY__SIM_SITE);
}

/* --- names */

static int sim_bind(wherry_system *self, int descriptor, const struct sockaddr *name,
                    socklen_t size)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = wherry__sim_call_find(host, "bind", descriptor);
    int result = socket == NULL ? -EBADF : wherry__sim_bind(socket, name, size);

    if (result == 0 &&
        (socket->kind == WHERRY__SIM_UNIX_STREAM || socket->kind == WHERRY__SIM_UNIX_SEQPACKET))
        wherry__sim_local_named(socket);
    return (int)wherry__sim_call_end(host, "bind", descriptor, result, WHERRY__SIM_SITE);
}

static int sim_local_name(wherry_system *self, int descriptor, struct sockaddr *name,
                          socklen_t *size)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = wherry__sim_call_find(host, "local_name", descriptor);
    wherry__sim_name local;

    if (socket == NULL)
        return -EBADF;
    if (size != NULL && *size > INT_MAX)
        return -EINVAL;
    local = wherry__sim_name_of(socket);
    wherry__sim_name_give(&local, name, size);
    return 0;
}

static int sim_remote_name(wherry_system *self, int descriptor, struct sockaddr *name,
                           socklen_t *size)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = wherry__sim_call_find(host, "remote_name", descriptor);
    wherry__sim_name remote;

    if (socket == NULL)
        return -EBADF;
    if (socket->remote.size == 0 || socket->apart)
        return -ENOTCONN;
    if (size != NULL && *size > INT_MAX)
        return -EINVAL;
    remote = wherry__sim_name_as(&socket->remote, socket->family);
    wherry__sim_name_give(&remote, name, size);
    return 0;
}

static int sim_unlink(wherry_system *self, const char *path)
{
    wherry__sim_host *host = wherry__sim_host_of(self);

    return (int)wherry__sim_call_end(host, "unlink", -1, wherry__sim_unlink(host, path),
                                     WHERRY__SIM_SITE);
}

/* --- connecting */

static int sim_listen(wherry_system *self, int descriptor, int backlog)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = wherry__sim_call_find(host, "listen", descriptor);
    int result = socket == NULL                  ? -EBADF
                 : socket->class->listen == NULL ? -EOPNOTSUPP
                                                 : socket->class->listen(socket, backlog);

    return (int)wherry__sim_call_end(host, "listen", descriptor, result, WHERRY__SIM_SITE);
}

/* What accept(2) can answer besides a connection, which waits then for the next. */
static bool accept_fails(wherry__sim_socket *socket, ssize_t *result)
{
    static const int errors[] = { ECONNABORTED, ENFILE, ENOBUFS, ENOMEM, EPROTO, EPERM, ENETDOWN };
    wherry__sim_host *host = socket->host;
    uint64_t value;

    if (wherry__sim_call_strikes(host, WHERRY_FAULT_NO_DESCRIPTORS))
        *result = -EMFILE;
    else if (wherry__sim_call_fails(socket, result))
        return true;
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
    ssize_t failure;
    int result;

    if (socket->class->accept == NULL)
        return -EOPNOTSUPP;
    if (host->descriptor_count >= host->descriptors_max)
        return -EMFILE;
    if (accept_fails(socket, &failure))
        return (int)failure;
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
    wherry__sim_socket *socket = wherry__sim_call_find(host, "accept", descriptor);

    return (int)wherry__sim_call_end(host, "accept", descriptor,
                                     socket == NULL ? -EBADF : accept_one(socket, name, size),
                                     WHERRY__SIM_SITE);
}

/* A stream looks at the name last, and a datagram socket is bound before it does. */
static int connect_wrongly(wherry__sim_socket *socket, socklen_t size, int wrong)
{
    const wherry__sim_name any = wherry__sim_name_any(socket->family);

    if (size < sizeof(sa_family_t) || size > sizeof(struct sockaddr_storage))
        return wrong;
    if (socket->kind == WHERRY__SIM_TCP)
        return wherry__sim_stream_connect_wrongly(socket, wrong);
    if (socket->kind == WHERRY__SIM_UDP && !socket->is_bound)
        (void)wherry__sim_bind(socket, &any.any, any.size);
    return wrong;
}

static int sim_connect(wherry_system *self, int descriptor, const struct sockaddr *name,
                       socklen_t size)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = wherry__sim_call_find(host, "connect", descriptor);
    wherry__sim_name to;
    int result = socket == NULL ? -EBADF : wherry__sim_name_take(socket, name, size, &to);

    if (result == 0) {
        to = wherry__sim_name_reached(socket, &to);
        result = socket->class->connect == NULL ? -EOPNOTSUPP : socket->class->connect(socket, &to);
        if (result == -ENETUNREACH && socket->family == AF_INET6 && name->sa_family == AF_INET)
            result = -EAFNOSUPPORT; /* the socket is for IPv6 only */
    } else if (socket != NULL) {
        result = connect_wrongly(socket, size, result);
    }
    return (int)wherry__sim_call_end(host, "connect", descriptor, result, WHERRY__SIM_SITE);
}

static int sim_shutdown(wherry_system *self, int descriptor, int how)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = wherry__sim_call_find(host, "shutdown", descriptor);
    int result = socket == NULL                    ? -EBADF
                 : socket->class->shutdown == NULL ? -EOPNOTSUPP
                                                   : socket->class->shutdown(socket, how);

    return (int)wherry__sim_call_end(host, "shutdown", descriptor, result, WHERRY__SIM_SITE);
}

/* --- options */

static int sim_set_option(wherry_system *self, int descriptor, int level, int option,
                          const void *value, socklen_t size)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = wherry__sim_call_find(host, "set_option", descriptor);
    int result = socket == NULL ? -EBADF : -ENOPROTOOPT;

    if (socket != NULL && socket->class->set_option != NULL)
        result = socket->class->set_option(socket, level, option, value, size);
    if (socket != NULL && result == -ENOPROTOOPT)
        result = wherry__sim_set_option(socket, level, option, value, size);
    return (int)wherry__sim_call_end(host, "set_option", descriptor, result, WHERRY__SIM_SITE);
}

static int sim_get_option(wherry_system *self, int descriptor, int level, int option, void *value,
                          socklen_t *size)
{
    wherry__sim_host *host = wherry__sim_host_of(self);
    wherry__sim_socket *socket = wherry__sim_call_find(host, "get_option", descriptor);
    int result = socket == NULL ? -EBADF : -ENOPROTOOPT;

    if (socket != NULL && size != NULL && *size > INT_MAX)
        return -EINVAL;
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
    return socket->type == SOCK_STREAM ? WHERRY_DESCRIPTOR_STREAM : WHERRY_DESCRIPTOR_DATAGRAM;
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

/* --- the table */

static const wherry_system table = {
    .size = sizeof(wherry_system),
    .name = "simulation",
    .socket = sim_socket,
    .bind = sim_bind,
    .listen = sim_listen,
    .accept = sim_accept,
    .connect = sim_connect,
    .receive = wherry__sim_call_receive,
    .send = wherry__sim_call_send,
    .receive_many = wherry__sim_call_receive_many,
    .send_many = wherry__sim_call_send_many,
    .shutdown = sim_shutdown,
    .close = sim_close,
    .set_option = sim_set_option,
    .get_option = sim_get_option,
    .local_name = sim_local_name,
    .remote_name = sim_remote_name,
    .read = wherry__sim_call_read,
    .write = wherry__sim_call_write,
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
    .take_signal = wherry__sim_signal_take,
    .give_signal = wherry__sim_signal_give,
};

void wherry__sim_system_init(wherry__sim_host *host)
{
    host->system = table;
}
