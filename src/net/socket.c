/* Socket calls: the same few lines around each of them, once. */
#include "net/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/probe.h"

ssize_t wherry__file_receive(wherry_system *system, int descriptor, void *data, size_t size,
                             bool ask_first)
{
    const unsigned flags = ask_first ? WHERRY_SYSTEM_ASK_FIRST : 0;
    ssize_t result;

    do {
        result = system->read(system, descriptor, data, size, flags);
        WHERRY__PROBE_IF(result == -EINTR, "file.receive.interrupted");
    } while (result == -EINTR);
    return result;
}

ssize_t wherry__file_send(wherry_system *system, int descriptor, const struct iovec *parts,
                          size_t count, bool ask_first)
{
    const unsigned flags = ask_first ? WHERRY_SYSTEM_ASK_FIRST : 0;
    ssize_t result;

    do {
        result = system->write(system, descriptor, parts, count, flags);
        WHERRY__PROBE_IF(result == -EINTR, "file.send.interrupted");
    } while (result == -EINTR);
    return result;
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

/* Writability alone does not say that it went well. That there is another end does; if there is
 * none, SO_ERROR says why. */
int wherry__socket_connected(wherry_system *system, int descriptor)
{
    struct sockaddr_storage storage;
    socklen_t size = sizeof(storage);
    int result;

    if (system->remote_name(system, descriptor, (struct sockaddr *)&storage, &size) >= 0)
        return 0;
    result = wherry__socket_error(system, descriptor);
    return result < 0 ? result : -EINPROGRESS;
}

/* What an error says here that it does not say elsewhere. */
int wherry__socket_connect_code(int number, wherry_family family)
{
    number = number < 0 ? -number : number;
    if (family != WHERRY_FAMILY_UNIX && (number == EACCES || number == EPERM))
        return WHERRY_E_PROHIBITED; /* ip-route(8): prohibit */
    if (number == EINVAL && family != WHERRY_FAMILY_UNIX)
        return WHERRY_E_UNREACHABLE; /* ip-route(8): blackhole */
    return wherry__error_from_errno(number);
}

const char *wherry__socket_connect_text(int number, wherry_family family)
{
    int code = wherry__socket_connect_code(number, family);

    return code == wherry__error_from_errno(number) ? NULL : wherry_error_text(code);
}

/* What is not known is taken for something of the machine: whoever accepts then rests, so that it
 * cannot become an endless loop. */
int wherry__socket_accept_code(int number)
{
    int code;

    switch (number < 0 ? -number : number) {
    case EAGAIN:
        return WHERRY_E_WOULD_BLOCK;
    case ECONNABORTED: /* accept(2) hands on what befell the connection */
    case ECONNRESET:
    case EPROTO:
    case EPERM:
    case ETIMEDOUT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
        return WHERRY_E_RESET;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
        return WHERRY_E_INVALID;
    default:
        code = wherry__error_from_errno(number);
        return code == WHERRY_E_NO_DESCRIPTORS || code == WHERRY_E_NO_MEMORY ||
                       code == WHERRY_E_NO_BUFFERS
                   ? code
                   : WHERRY_E_SYSTEM;
    }
}

const char *wherry__socket_doing(char text[WHERRY__DOING_SIZE], const char *what,
                                 const wherry_address *address)
{
    char name[WHERRY_ADDRESS_TEXT_SIZE];

    (void)wherry_address_format(address, name, sizeof(name));
    (void)snprintf(text, WHERRY__DOING_SIZE, "%s %s", what, name);
    return text;
}

void wherry__socket_set_no_delay(wherry_system *system, int descriptor,
                                 const wherry_address *remote)
{
    if (remote->family == WHERRY_FAMILY_IPV4 || remote->family == WHERRY_FAMILY_IPV6)
        (void)wherry__socket_set(system, descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
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

void wherry__socket_drop(wherry_system *system, int descriptor)
{
    wherry__socket_break(system, descriptor);
    (void)system->close(system, descriptor);
}

int wherry__socket_hand_over(wherry_system *system, int descriptor, const wherry_address *remote,
                             wherry_socket_factory *factory, void *server,
                             wherry_socket_closer *closer, void **made)
{
    void *connection;

    wherry__socket_set_no_delay(system, descriptor, remote);
    connection = factory->make(factory, descriptor, remote, server, closer);
    if (connection == NULL) {
        wherry__socket_drop(system, descriptor);
        return wherry__fail(WHERRY_E_CLOSED, "the factory wanted none of the connection");
    }
    if (made != NULL)
        *made = connection;
    return WHERRY_OK;
}
