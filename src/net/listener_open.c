/* Opening a listener: a socket of its own, or one of the caller's. */
#include "net/listener.h"

#include <sys/socket.h>

#include <wherry/error.h>

#include "base/error.h"
#include "net/socket.h"

static int listen_there(wherry_listener *listener, const wherry_listener_options *options)
{
    const wherry_socket_listen_options how = {
        .size = sizeof(how),
        .backlog = options->backlog,
        .no_reuse_address = options->no_reuse_address,
        .reuse_port = options->reuse_port,
        .socket = options->socket,
    };
    int descriptor = wherry__socket_listen(listener->loop->system, options->address, &how);

    if (descriptor < 0)
        return descriptor;
    if (options->address->family == WHERRY_FAMILY_UNIX && options->socket != NULL) {
        listener->send_buffer = (int)options->socket->send_buffer;
        listener->receive_buffer = (int)options->socket->receive_buffer;
    }
    listener->bound_path = wherry__socket_has_path(options->address);
    wherry__source_adopt(listener->loop, &listener->source, descriptor);
    return WHERRY_OK;
}

/* A socket of the caller's has its options already. */
static int check_alone(const wherry_listener_options *options)
{
    const char *name = options->backlog != 0            ? "backlog"
                       : options->no_reuse_address != 0 ? "no_reuse_address"
                       : options->reuse_port != 0       ? "reuse_port"
                       : options->socket != NULL        ? "socket"
                                                        : NULL;

    if (name != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option %s: not with a descriptor", name);
    return WHERRY_OK;
}

/* accept(2) cannot be told not to wait but by O_NONBLOCK, and that is not ours to set: it belongs
 * to all who share the socket. */
static int check_listening(wherry_system *system, int descriptor)
{
    int listening = 0;
    int may_block = 0;
    socklen_t size = sizeof(listening);
    int result = system->get_option(system, descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening,
                                    &size);

    if (result < 0 || !listening)
        return wherry__fail(WHERRY_E_INVALID, "option descriptor: %d is not a listening socket",
                            descriptor);
    if (system->kind(system, descriptor, &may_block) < 0 || may_block)
        return wherry__fail(WHERRY_E_INVALID, "option descriptor: %d is not O_NONBLOCK",
                            descriptor);
    return WHERRY_OK;
}

int wherry__listener_open(wherry_listener *listener, const wherry_listener_options *options)
{
    int result;

    if (options->descriptor > 0) {
        result = check_alone(options);
        if (result == WHERRY_OK)
            result = check_listening(listener->loop->system, options->descriptor);
        if (result < 0)
            return result;
        listener->keep = true;
        wherry__source_adopt(listener->loop, &listener->source, options->descriptor);
    } else {
        result = listen_there(listener, options);
        if (result < 0)
            return result;
    }
    wherry__socket_local(listener->loop->system, listener->source.descriptor, &listener->address);
    return WHERRY_OK;
}
