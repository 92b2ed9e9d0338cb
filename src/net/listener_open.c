/* Opening a listener: the socket, its options, and the file of a Unix path, which outlives whoever
 * listened there. */
#include "net/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <wherry/error.h>

#include "base/error.h"
#include "net/socket.h"

void wherry__listener_remove_path(wherry_system *system, const wherry_address *address)
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

static bool has_path(const wherry_address *address)
{
    return address->family == WHERRY_FAMILY_UNIX && address->length > 0 &&
           address->at.path[0] != '\0';
}

static int bind_address(wherry_system *system, int descriptor, const wherry_address *address)
{
    int result = wherry__socket_bind(system, descriptor, address);

    if (result == -EADDRINUSE && has_path(address) && is_stale(system, address)) {
        wherry__listener_remove_path(system, address);
        result = wherry__socket_bind(system, descriptor, address);
    }
    return result;
}

/* Options that must be set before the bind. */
static int prepare(wherry_system *system, int descriptor, const wherry_listener_options *options)
{
    bool is_unix = options->address->family == WHERRY_FAMILY_UNIX;
    int result = 0;

    if (options->address->family == WHERRY_FAMILY_IPV6)
        result = wherry__socket_set(system, descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (result == 0 && !is_unix && !options->no_reuse_address)
        result = wherry__socket_set(system, descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
    if (result == 0 && !is_unix && options->reuse_port)
        result = wherry__socket_set(system, descriptor, SOL_SOCKET, SO_REUSEPORT, 1);
    return result;
}

static int listen_there(wherry_listener *listener, const wherry_listener_options *options)
{
    wherry_system *system = listener->loop->system;
    int descriptor = wherry__socket_open(system, options->address->family);
    int result;

    if (descriptor < 0)
        return descriptor;
    result = prepare(system, descriptor, options);
    if (result == 0)
        result = bind_address(system, descriptor, options->address);
    listener->bound_path = result == 0 && has_path(options->address);
    if (result == 0)
        result = system->listen(system, descriptor,
                                options->backlog <= 0 ? SOMAXCONN : options->backlog);
    if (result < 0) {
        if (listener->bound_path)
            wherry__listener_remove_path(system, options->address);
        (void)system->close(system, descriptor);
        return result;
    }
    wherry__source_adopt(listener->loop, &listener->source, descriptor);
    return 0;
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
    char text[WHERRY_ADDRESS_TEXT_SIZE];
    int result;

    if (options->descriptor > 0) {
        result = check_listening(listener->loop->system, options->descriptor);
        if (result < 0)
            return result;
        listener->keep = true;
        wherry__source_adopt(listener->loop, &listener->source, options->descriptor);
    } else {
        result = listen_there(listener, options);
        if (result < 0) {
            (void)wherry_address_format(options->address, text, sizeof(text));
            return wherry__fail(wherry__error_from_errno(result), "listening on %s: %s", text,
                                strerrordesc_np(-result));
        }
    }
    wherry__socket_local(listener->loop->system, listener->source.descriptor, &listener->address);
    return WHERRY_OK;
}
