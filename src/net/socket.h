/* Socket calls over a system: with EINTR retried, and a wherry_error instead of an errno(3) value
 * where that is enough. */
#ifndef WHERRY_NET_SOCKET_H
#define WHERRY_NET_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <wherry/address.h>
#include <wherry/system.h>

/* recv(2) and sendmsg(2), read(2) and writev(2): a count, or a negated errno(3) value. as_file: the
 * descriptor is no socket; ask_first: and may block. */
ssize_t wherry__socket_receive(wherry_system *system, int descriptor, void *data, size_t size,
                               bool as_file, bool ask_first);
ssize_t wherry__socket_send(wherry_system *system, int descriptor, const struct iovec *parts,
                            size_t count, bool as_file, bool ask_first);

/* Whether an errno(3) value of a receive or send only says "not now". */
bool wherry__socket_not_now(ssize_t result);

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

/* getsockname(2) and getpeername(2); WHERRY_FAMILY_NONE on failure. */
void wherry__socket_local(wherry_system *system, int descriptor, wherry_address *address);
void wherry__socket_remote(wherry_system *system, int descriptor, wherry_address *address);

/* Has the next close break the connection off: the other end gets a reset. */
void wherry__socket_break(wherry_system *system, int descriptor);

#endif
