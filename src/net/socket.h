/* Socket calls over a system: with EINTR retried, and a wherry_error instead of an errno(3) value
 * where that is enough. */
#ifndef WHERRY_NET_SOCKET_H
#define WHERRY_NET_SOCKET_H

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <wherry/address.h>
#include <wherry/socket.h>
#include <wherry/system.h>

#include "base/probe.h"
#include "base/usually.h"

/* read(2) and writev(2), for what is no socket: a count, or a negated errno(3) value. ask_first:
 * the descriptor may block. */
ssize_t wherry__file_receive(wherry_system *system, int descriptor, void *data, size_t size,
                             bool ask_first);
ssize_t wherry__file_send(wherry_system *system, int descriptor, const struct iovec *parts,
                          size_t count, bool ask_first);

/* recv(2) and sendmsg(2), or what stands for them where the descriptor is no socket (as_file). In
 * line, since each batch of every stream passes here. */
static inline ssize_t wherry__socket_receive(wherry_system *system, int descriptor, void *data,
                                             size_t size, bool as_file, bool ask_first)
{
    ssize_t result;

    if (WHERRY__RARELY(as_file))
        return wherry__file_receive(system, descriptor, data, size, ask_first);
    do {
        result = system->receive(system, descriptor, data, size, 0);
        WHERRY__PROBE_IF(result == -EINTR, "socket.receive.interrupted");
    } while (WHERRY__RARELY(result == -EINTR));
    return result;
}

static inline ssize_t wherry__socket_send(wherry_system *system, int descriptor,
                                          const struct iovec *parts, size_t count, bool as_file,
                                          bool ask_first)
{
    ssize_t result;

    if (WHERRY__RARELY(as_file))
        return wherry__file_send(system, descriptor, parts, count, ask_first);
    do {
        result = system->send(system, descriptor, parts, count, 0);
        WHERRY__PROBE_IF(result == -EINTR, "socket.send.interrupted");
    } while (WHERRY__RARELY(result == -EINTR));
    return result;
}

/* Whether an errno(3) value of a receive or send only says "not now". */
static inline bool wherry__socket_not_now(ssize_t result)
{
    return result == -EAGAIN || result == -EWOULDBLOCK;
}

/* A new stream socket of the address's family, or a negated errno(3) value. */
int wherry__socket_open(wherry_system *system, wherry_family family);

/* connect(2), bind(2): 0 or a negated errno(3) value. connect: -EINPROGRESS when it goes on. */
int wherry__socket_connect(wherry_system *system, int descriptor, const wherry_address *address);
int wherry__socket_bind(wherry_system *system, int descriptor, const wherry_address *address);

/* accept(2): a descriptor, with the other end's address, or a negated errno(3) value. */
int wherry__socket_accept(wherry_system *system, int descriptor, wherry_address *remote);

/* SO_ERROR, taken: 0 or a negated errno(3) value. */
int wherry__socket_error(wherry_system *system, int descriptor);

/* An option of int size. 0 or a negated errno(3) value. */
int wherry__socket_set(wherry_system *system, int descriptor, int level, int option, int value);

/* Whether a connection that was under way is there: 0, -EINPROGRESS: not yet; another negated
 * errno(3) value, taken: it failed. */
int wherry__socket_connected(wherry_system *system, int descriptor);

/* The codes for a failed connect(2) to an address of that family, and for a failed accept(2):
 * WHERRY_E_WOULD_BLOCK: none waits; WHERRY_E_RESET: one came to nothing; WHERRY_E_INVALID: the
 * listening socket is none; others: the machine cannot now. number: an errno(3) value, positive or
 * negated. */
int wherry__socket_connect_code(int number, wherry_family family);
int wherry__socket_accept_code(int number);

/* The sentence for a failed connect(2) where that of errno(3) speaks of something else, as "Invalid
 * argument" of a black hole; NULL elsewhere. */
const char *wherry__socket_connect_text(int number, wherry_family family);

/* getsockname(2) and getpeername(2); WHERRY_FAMILY_NONE on failure. */
void wherry__socket_local(wherry_system *system, int descriptor, wherry_address *address);
void wherry__socket_remote(wherry_system *system, int descriptor, wherry_address *address);

/* What a socket is going to be used for. */
typedef enum wherry__socket_use {
    WHERRY__SOCKET_IN_USE, /* it is connected, or nobody knows */
    WHERRY__SOCKET_CONNECTS,
    WHERRY__SOCKET_LISTENS,
} wherry__socket_use;

/* Sets what the options (NULL: none) say, but for local. WHERRY_OK, or the errors of
 * wherry_socket_set, with the option named. */
int wherry__socket_apply(wherry_system *system, int descriptor,
                         const wherry_socket_options *options, wherry__socket_use use);

/* Options for sockets that are opened later. */
typedef struct wherry__socket_kept {
    wherry_socket_options options; /* its local and device are those here */
    wherry_address local;
    char device[IF_NAMESIZE];
} wherry__socket_kept;

/* Copies given (NULL: none), with what it points to. WHERRY_OK, or the errors of options. */
int wherry__socket_keep(wherry__socket_kept *kept, const wherry_socket_options *given,
                        wherry__socket_use use);

/* Sets the options of a socket that is to connect to address (its family is enough), and binds it
 * to their local address. WHERRY_OK, or the errors of wherry_socket_connect. */
int wherry__socket_fit(wherry_system *system, int descriptor, const wherry_address *address,
                       const wherry_socket_options *options);

/* Opens a socket to connect to address with, sets its options and binds it to their local address.
 * A descriptor, or the errors of wherry_socket_connect. */
int wherry__socket_prepare(wherry_system *system, const wherry_address *address,
                           const wherry_socket_options *options);

/* What was being done with an address, for a problem: "listening on 127.0.0.1:7000". Returns text.
 */
#define WHERRY__DOING_SIZE (WHERRY_ADDRESS_TEXT_SIZE + 16)
const char *wherry__socket_doing(char text[WHERRY__DOING_SIZE], const char *what,
                                 const wherry_address *address);

/* Whether an address is one to connect to: WHERRY_OK or WHERRY_E_INVALID. */
int wherry__socket_check_target(const wherry_address *address);

/* Listens: a descriptor, or the errors of wherry_socket_listen. */
int wherry__socket_listen(wherry_system *system, const wherry_address *address,
                          const wherry_socket_listen_options *options);

/* For accepted sockets that do not inherit them from the listening one, as Unix ones: the sizes of
 * their buffers, 0 for the kernel's. A failure costs speed only. */
void wherry__socket_set_buffers(wherry_system *system, int descriptor, int send, int receive);

/* How long who accepts, a noun, waits for the machine to have descriptors or memory again, and what
 * it logs then. */
#define WHERRY__ACCEPT_PAUSE WHERRY_MILLISECONDS(100)
void wherry__socket_log_pause(int64_t now, const char *noun, int code);

/* Switches Nagle's algorithm off, where there is one. */
void wherry__socket_set_no_delay(wherry_system *system, int descriptor,
                                 const wherry_address *remote);

/* Whether it is a Unix address with a file, and removes that file. */
bool wherry__socket_has_path(const wherry_address *address);
void wherry__socket_remove_path(wherry_system *system, const wherry_address *address);

/* Closes an accepted descriptor so that the other end gets a reset. */
void wherry__socket_drop(wherry_system *system, int descriptor);

/* Hands an accepted descriptor to a factory. WHERRY_OK, with *made unless NULL; WHERRY_E_CLOSED: it
 * wanted none of it, and the descriptor is gone. */
int wherry__socket_hand_over(wherry_system *system, int descriptor, const wherry_address *remote,
                             wherry_socket_factory *factory, void *server,
                             wherry_socket_closer *closer, void **made);

/* Has the next close break the connection off: the other end gets a reset. */
void wherry__socket_break(wherry_system *system, int descriptor);

#endif
