/* Sockets, readiness and names. The C library's headers declare some of these with types that no
 * definition can repeat, so that they are not included: in a call a pointer is a pointer. */
#include <stddef.h>
#include <stdint.h>

#include "tripwire.h"

#define TRIPWIRE WHERRY__TRIPWIRE

TRIPWIRE(int, socket, (int family, int type, int protocol), (family, type, protocol))
TRIPWIRE(int, socketpair, (int family, int type, int protocol, int *pair),
         (family, type, protocol, pair))
TRIPWIRE(int, bind, (int descriptor, const void *name, unsigned size), (descriptor, name, size))
TRIPWIRE(int, listen, (int descriptor, int backlog), (descriptor, backlog))
TRIPWIRE(int, connect, (int descriptor, const void *name, unsigned size), (descriptor, name, size))
TRIPWIRE(int, accept, (int descriptor, void *name, void *size), (descriptor, name, size))
TRIPWIRE(int, accept4, (int descriptor, void *name, void *size, int flags),
         (descriptor, name, size, flags))

TRIPWIRE(int, epoll_create, (int size), (size))
TRIPWIRE(int, epoll_create1, (int flags), (flags))
TRIPWIRE(int, epoll_ctl, (int poller, int operation, int descriptor, void *event),
         (poller, operation, descriptor, event))
TRIPWIRE(int, epoll_wait, (int poller, void *events, int count, int timeout),
         (poller, events, count, timeout))
TRIPWIRE(int, epoll_pwait, (int poller, void *events, int count, int timeout, const void *mask),
         (poller, events, count, timeout, mask))
TRIPWIRE(int, epoll_pwait2,
         (int poller, void *events, int count, const void *timeout, const void *mask),
         (poller, events, count, timeout, mask))
TRIPWIRE(int, poll, (void *descriptors, unsigned long count, int timeout),
         (descriptors, count, timeout))
TRIPWIRE(int, ppoll,
         (void *descriptors, unsigned long count, const void *timeout, const void *mask),
         (descriptors, count, timeout, mask))
TRIPWIRE(int, select, (int count, void *readable, void *writable, void *failed, void *timeout),
         (count, readable, writable, failed, timeout))
TRIPWIRE(int, pselect,
         (int count, void *readable, void *writable, void *failed, const void *timeout,
          const void *mask),
         (count, readable, writable, failed, timeout, mask))

/* What poll and ppoll become where _FORTIFY_SOURCE is set. */
TRIPWIRE(int, __poll_chk, (void *descriptors, unsigned long count, int timeout, size_t size),
         (descriptors, count, timeout, size))
TRIPWIRE(int, __ppoll_chk,
         (void *descriptors, unsigned long count, const void *timeout, const void *mask,
          size_t size),
         (descriptors, count, timeout, mask, size))

TRIPWIRE(int, getaddrinfo, (const char *node, const char *service, const void *hints, void *result),
         (node, service, hints, result))
TRIPWIRE(int, getnameinfo,
         (const void *address, unsigned size, char *host, unsigned host_size, char *service,
          unsigned service_size, int flags),
         (address, size, host, host_size, service, service_size, flags))
TRIPWIRE(void *, gethostbyname, (const char *name), (name))
TRIPWIRE(void *, gethostbyname2, (const char *name, int family), (name, family))
TRIPWIRE(void *, gethostbyaddr, (const void *address, unsigned size, int family),
         (address, size, family))
TRIPWIRE(int, gethostbyname_r,
         (const char *name, void *place, char *buffer, size_t size, void *result, int *error),
         (name, place, buffer, size, result, error))
TRIPWIRE(int, gethostbyname2_r,
         (const char *name, int family, void *place, char *buffer, size_t size, void *result,
          int *error),
         (name, family, place, buffer, size, result, error))
