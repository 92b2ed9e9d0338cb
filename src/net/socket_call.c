/* The public calls on plain descriptors. */
#include <wherry/socket.h>

#include <errno.h>
#include <netinet/in.h>

#include <wherry/error.h>

#include "base/error.h"
#include "net/socket.h"
#include "system/ambient.h"

static wherry_system *choose(wherry_system *system)
{
    return system != NULL ? system : wherry__system_ambient();
}

/* --- connecting */

int wherry__socket_check_target(const wherry_address *address)
{
    struct sockaddr_storage storage;

    if (address == NULL || wherry_address_to_system(address, &storage) == 0)
        return wherry__fail(WHERRY_E_INVALID, "no address to connect to");
    if (address->family != WHERRY_FAMILY_UNIX && address->port == 0)
        return wherry__fail(WHERRY_E_INVALID, "port 0 is not one to connect to");
    return WHERRY_OK;
}

static int bind_local(wherry_system *system, int descriptor, const wherry_address *address,
                      const wherry_address *local)
{
    char text[WHERRY__DOING_SIZE];
    int result;

    if (local->family != address->family)
        return wherry__fail(WHERRY_E_MISUSE, "option local: not of the family of the address");
#ifdef IP_BIND_ADDRESS_NO_PORT
    if (local->family != WHERRY_FAMILY_UNIX && local->port == 0) /* ip(7): more ports to choose */
        (void)wherry__socket_set(system, descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
#endif
    result = wherry__socket_bind(system, descriptor, local);
    if (result == 0)
        return WHERRY_OK;
    return wherry__fail_system(result, wherry__socket_doing(text, "option local:", local));
}

int wherry__socket_fit(wherry_system *system, int descriptor, const wherry_address *address,
                       const wherry_socket_options *options)
{
    int result = wherry__socket_apply(system, descriptor, options, WHERRY__SOCKET_CONNECTS);

    if (result == WHERRY_OK && options != NULL && options->local != NULL)
        result = bind_local(system, descriptor, address, options->local);
    return result;
}

int wherry__socket_prepare(wherry_system *system, const wherry_address *address,
                           const wherry_socket_options *options)
{
    int descriptor = wherry__socket_open(system, address->family);
    int result;

    if (descriptor < 0)
        return wherry__fail_system(descriptor, "a socket to connect with");
    result = wherry__socket_fit(system, descriptor, address, options);
    if (result == WHERRY_OK)
        return descriptor;
    (void)system->close(system, descriptor);
    return result;
}

static int fail_connecting(const char *what, int number, wherry_family family)
{
    const char *text = wherry__socket_connect_text(number, family);
    int code = wherry__socket_connect_code(number, family);

    if (text != NULL)
        return wherry__fail(code, "%s: %s", what, text);
    (void)wherry__fail_system(number, what);
    return code;
}

int wherry_socket_connect_with(wherry_system *system, int *descriptor,
                               const wherry_address *address, const wherry_socket_options *options)
{
    char text[WHERRY__DOING_SIZE];
    int result = wherry__socket_check_target(address);
    int made;

    if (result < 0)
        return result;
    if (descriptor == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the descriptor");
    system = choose(system);
    made = wherry__socket_prepare(system, address, options);
    if (made < 0)
        return made;
    wherry__socket_set_no_delay(system, made, address);
    result = wherry__socket_connect(system, made, address);
    if (result < 0 && result != -EINPROGRESS) {
        (void)system->close(system, made);
        return fail_connecting(wherry__socket_doing(text, "connecting to", address), result,
                               address->family);
    }
    *descriptor = made;
    return result == 0 ? WHERRY_OK : 1;
}

int wherry_socket_connected(wherry_system *system, int descriptor)
{
    wherry_address local;
    int result;

    system = choose(system);
    wherry__socket_local(system, descriptor, &local);
    result = wherry__socket_connected(system, descriptor);
    if (result == 0)
        return WHERRY_OK;
    if (result == -EBADF || result == -ENOTSOCK)
        return wherry__fail_system(result, "connecting");
    return fail_connecting("connecting", result, local.family);
}

/* --- listening */

int wherry_socket_listen_with(wherry_system *system, int *descriptor, const wherry_address *address,
                              const wherry_socket_listen_options *options)
{
    int result;

    if (descriptor == NULL || address == NULL || address->family == WHERRY_FAMILY_NONE)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the descriptor, or no address");
    result = wherry__socket_listen(choose(system), address, options);
    if (result < 0)
        return result;
    *descriptor = result;
    return WHERRY_OK;
}

int wherry_socket_accept(wherry_system *system, int descriptor, wherry_socket_factory *factory,
                         void *server, wherry_socket_closer *closer, void **made)
{
    wherry_address remote;
    int accepted;

    if (factory == NULL || factory->make == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no factory, or no make in it");
    system = choose(system);
    accepted = wherry__socket_accept(system, descriptor, &remote);
    if (accepted < 0) {
        (void)wherry__fail_system(accepted, "accepting");
        return wherry__socket_accept_code(accepted);
    }
    return wherry__socket_hand_over(system, accepted, &remote, factory, server, closer, made);
}

/* --- receiving and sending */

/* The code of a failed receive or send; ENOBUFS passes. */
static int code_of(ssize_t result, const char *what)
{
    if (wherry__socket_not_now(result) || result == -ENOBUFS)
        return wherry__fail_plain(WHERRY_E_WOULD_BLOCK);
    return wherry__fail_system((int)result, what);
}

ssize_t wherry_socket_receive(wherry_system *system, int descriptor, void *data, size_t size)
{
    ssize_t result;

    if (size == 0)
        return wherry__fail(WHERRY_E_MISUSE, "no room to receive into");
    result = wherry__socket_receive(choose(system), descriptor, data, size, false, false);
    if (result == 0)
        return wherry__fail_plain(WHERRY_E_END);
    return result > 0 ? result : code_of(result, "receiving");
}

int wherry_socket_send(wherry_system *system, int descriptor, wherry_bytes *bytes)
{
    system = choose(system);
    while (bytes->length > 0) {
        const struct iovec part = { .iov_base = (void *)bytes->data, .iov_len = bytes->length };
        ssize_t sent = wherry__socket_send(system, descriptor, &part, 1, false, false);

        if (sent <= 0)
            return sent == 0 ? wherry__fail_plain(WHERRY_E_WOULD_BLOCK) : code_of(sent, "sending");
        *bytes = (wherry_bytes){ .data = bytes->data + sent,
                                 .length = bytes->length - (size_t)sent };
    }
    return WHERRY_OK;
}

int wherry_socket_error(wherry_system *system, int descriptor)
{
    int result = wherry__socket_error(choose(system), descriptor);

    return result == 0 ? WHERRY_OK : wherry__fail_system(result, "pending on the socket");
}

/* --- the rest */

int wherry_socket_set_with(wherry_system *system, int descriptor,
                           const wherry_socket_options *options)
{
    return wherry__socket_apply(choose(system), descriptor, options, WHERRY__SOCKET_IN_USE);
}

static int buffer(wherry_system *system, int descriptor, int option)
{
    int value = 0;
    socklen_t size = sizeof(value);
    int result = system->get_option(system, descriptor, SOL_SOCKET, option, &value, &size);

    return result < 0 ? wherry__fail_system(result, "asking for the size of a buffer") : value;
}

int wherry_socket_buffers(wherry_system *system, int descriptor, size_t *send, size_t *receive)
{
    int out = buffer(choose(system), descriptor, SO_SNDBUF);
    int in = out < 0 ? out : buffer(choose(system), descriptor, SO_RCVBUF);

    if (in < 0)
        return in;
    *send = (size_t)out;
    *receive = (size_t)in;
    return WHERRY_OK;
}

void wherry_socket_local(wherry_system *system, int descriptor, wherry_address *address)
{
    wherry__socket_local(choose(system), descriptor, address);
}

void wherry_socket_remote(wherry_system *system, int descriptor, wherry_address *address)
{
    wherry__socket_remote(choose(system), descriptor, address);
}

void wherry_socket_close(wherry_system *system, int descriptor)
{
    system = choose(system);
    if (descriptor >= 0)
        (void)system->close(system, descriptor);
}
