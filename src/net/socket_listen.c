/* Listening on a socket: its options, and the file of a Unix path, which outlives whoever listened
 * there. */
#include "net/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/options.h"

bool wherry__socket_has_path(const wherry_address *address)
{
    return address->family == WHERRY_FAMILY_UNIX && address->length > 0 &&
           address->at.path[0] != '\0';
}

void wherry__socket_remove_path(wherry_system *system, const wherry_address *address)
{
    char path[WHERRY_ADDRESS_PATH_MAX + 1] = { 0 };

    memcpy(path, address->at.path, address->length);
    (void)system->unlink(system, path);
}

/* Whether nobody listens at a Unix path any more, although something is there. */
static bool is_stale(wherry_system *system, const wherry_address *address)
{
    int descriptor = wherry__socket_open(system, WHERRY_FAMILY_UNIX);
    int result = descriptor < 0 ? descriptor : wherry__socket_connect(system, descriptor, address);

    if (descriptor >= 0)
        (void)system->close(system, descriptor);
    return result == -ECONNREFUSED;
}

static int bind_address(wherry_system *system, int descriptor, const wherry_address *address)
{
    int result = wherry__socket_bind(system, descriptor, address);

    if (result == -EADDRINUSE && wherry__socket_has_path(address) && is_stale(system, address)) {
        wherry__socket_remove_path(system, address);
        result = wherry__socket_bind(system, descriptor, address);
    }
    return result;
}

/* Options that must be set before the bind. */
static int set_flags(wherry_system *system, int descriptor, const wherry_address *address,
                     const wherry_socket_listen_options *options)
{
    bool is_unix = address->family == WHERRY_FAMILY_UNIX;
    int result = 0;

    if (address->family == WHERRY_FAMILY_IPV6)
        result = wherry__socket_set(system, descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (result == 0 && !is_unix && !options->no_reuse_address)
        result = wherry__socket_set(system, descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
    if (result == 0 && options->reuse_port)
        result = wherry__socket_set(system, descriptor, SOL_SOCKET, SO_REUSEPORT, 1);
    return result;
}

/* 0, or a negated errno(3) value; the file of a path goes again. */
static int begin(wherry_system *system, int descriptor, const wherry_address *address,
                 const wherry_socket_listen_options *options)
{
    int result = set_flags(system, descriptor, address, options);

    if (result == 0)
        result = bind_address(system, descriptor, address);
    if (result < 0)
        return result;
    result = system->listen(system, descriptor,
                            options->backlog == 0 ? SOMAXCONN : options->backlog);
    if (result < 0 && wherry__socket_has_path(address))
        wherry__socket_remove_path(system, address);
    return result;
}

static int fail_at(const wherry_address *address, int number)
{
    char text[WHERRY__DOING_SIZE];

    return wherry__fail_system(number, wherry__socket_doing(text, "listening on", address));
}

static int check(const wherry_address *address, const wherry_socket_listen_options *options)
{
    if (options->backlog < 0)
        return wherry__fail(WHERRY_E_MISUSE, "option backlog: it is negative");
    if (options->reuse_port && address->family == WHERRY_FAMILY_UNIX)
        return wherry__fail(WHERRY_E_UNSUPPORTED, "option reuse_port: not for Unix sockets");
    return WHERRY_OK;
}

int wherry__socket_listen(wherry_system *system, const wherry_address *address,
                          const wherry_socket_listen_options *given)
{
    wherry_socket_listen_options options;
    int result = WHERRY__OPTIONS_COPY(&options, given);
    int descriptor;

    if (result == WHERRY_OK)
        result = check(address, &options);
    if (result < 0)
        return result;
    descriptor = wherry__socket_open(system, address->family);
    if (descriptor < 0)
        return fail_at(address, descriptor);
    result = wherry__socket_apply(system, descriptor, options.socket, WHERRY__SOCKET_LISTENS);
    if (result == WHERRY_OK) {
        result = begin(system, descriptor, address, &options);
        if (result == 0)
            return descriptor;
        result = fail_at(address, result);
    }
    (void)system->close(system, descriptor);
    return result;
}

/* --- accepting */

void wherry__socket_set_buffers(wherry_system *system, int descriptor, int send, int receive)
{
    if (send != 0)
        (void)wherry__socket_set(system, descriptor, SOL_SOCKET, SO_SNDBUF, send);
    if (receive != 0)
        (void)wherry__socket_set(system, descriptor, SOL_SOCKET, SO_RCVBUF, receive);
}

void wherry__socket_log_pause(int64_t now, const char *noun, int code)
{
    wherry__log(now, WHERRY_LOG_WARNING, "a %s pauses for 100 ms, since it cannot accept: %s", noun,
                wherry_error_text(code));
}
