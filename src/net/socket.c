/* Socket calls: the same few lines around each of them, once. */
#include "net/socket.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/probe.h"

ssize_t wherry__socket_receive(wherry_system *system, int descriptor, void *data, size_t size,
                               bool as_file, bool ask_first)
{
    ssize_t result;

    do {
        result = as_file ? system->read(system, descriptor, data, size,
                                        ask_first ? WHERRY_SYSTEM_ASK_FIRST : 0)
                         : system->receive(system, descriptor, data, size, 0);
        WHERRY__PROBE_IF(result == -EINTR, "socket.receive.interrupted");
    } while (result == -EINTR);
    return result;
}

ssize_t wherry__socket_send(wherry_system *system, int descriptor, const struct iovec *parts,
                            size_t count, bool as_file, bool ask_first)
{
    ssize_t result;

    do {
        result = as_file ? system->write(system, descriptor, parts, count,
                                         ask_first ? WHERRY_SYSTEM_ASK_FIRST : 0)
                         : system->send(system, descriptor, parts, count, 0);
        WHERRY__PROBE_IF(result == -EINTR, "socket.send.interrupted");
    } while (result == -EINTR);
    return result;
}

bool wherry__socket_not_now(ssize_t result)
{
    return result == -EAGAIN || result == -EWOULDBLOCK;
}

int wherry__socket_open(wherry_system *system, wherry_family family)
{
    int domain = family == WHERRY_FAMILY_IPV4   ? AF_INET
                 : family == WHERRY_FAMILY_IPV6 ? AF_INET6
                                                : AF_UNIX;

    return system->socket(system, domain, SOCK_STREAM, 0);
}

/* Not retried after EINTR: the connection goes on in the background (connect(2)). */
int wherry__socket_connect(wherry_system *system, int descriptor, const wherry_address *address)
{
    struct sockaddr_storage storage;
    socklen_t size = wherry_address_to_system(address, &storage);
    int result = system->connect(system, descriptor, (struct sockaddr *)&storage, size);

    WHERRY__PROBE_IF(result == -EINTR, "socket.connect.interrupted");
    return result == -EINTR ? -EINPROGRESS : result;
}

int wherry__socket_bind(wherry_system *system, int descriptor, const wherry_address *address)
{
    struct sockaddr_storage storage;
    socklen_t size = wherry_address_to_system(address, &storage);

    return system->bind(system, descriptor, (struct sockaddr *)&storage, size);
}

static void take_name(wherry_address *address, const struct sockaddr_storage *storage,
                      socklen_t size)
{
    *address = (wherry_address){ .family = WHERRY_FAMILY_NONE };
    if (size > 0 && wherry_address_from_system(address, (const struct sockaddr *)storage, size) < 0)
        address->family = WHERRY_FAMILY_NONE;
}

int wherry__socket_accept(wherry_system *system, int descriptor, wherry_address *remote)
{
    struct sockaddr_storage storage;
    socklen_t size;
    int result;

    do {
        size = sizeof(storage);
        result = system->accept(system, descriptor, (struct sockaddr *)&storage, &size);
        WHERRY__PROBE_IF(result == -EINTR, "socket.accept.interrupted");
    } while (result == -EINTR);
    if (result >= 0)
        take_name(remote, &storage, size);
    return result;
}

int wherry__socket_error(wherry_system *system, int descriptor)
{
    int value = 0;
    socklen_t size = sizeof(value);
    int result = system->get_option(system, descriptor, SOL_SOCKET, SO_ERROR, &value, &size);

    return result < 0 ? result : -value;
}

int wherry__socket_set(wherry_system *system, int descriptor, int level, int option, int value)
{
    return system->set_option(system, descriptor, level, option, &value, sizeof(value));
}

void wherry__socket_local(wherry_system *system, int descriptor, wherry_address *address)
{
    struct sockaddr_storage storage;
    socklen_t size = sizeof(storage);
    int result = system->local_name(system, descriptor, (struct sockaddr *)&storage, &size);

    take_name(address, &storage, result < 0 ? 0 : size);
}

void wherry__socket_remote(wherry_system *system, int descriptor, wherry_address *address)
{
    struct sockaddr_storage storage;
    socklen_t size = sizeof(storage);
    int result = system->remote_name(system, descriptor, (struct sockaddr *)&storage, &size);

    take_name(address, &storage, result < 0 ? 0 : size);
}

void wherry__socket_break(wherry_system *system, int descriptor)
{
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

    (void)system->set_option(system, descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}
