/* Socket: what all kinds of simulated sockets share, and what a kind has to do; their names, and
 * how they are found by them. */
#ifndef WHERRY_SIMULATION_SOCKET_H
#define WHERRY_SIMULATION_SOCKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <wherry/system.h>

#include "base/list.h"

typedef struct wherry__sim_host wherry__sim_host;
typedef struct wherry__sim_program wherry__sim_program;
typedef struct wherry__sim_socket wherry__sim_socket;

/* A socket address, or none with size 0. */
typedef struct wherry__sim_name {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
        char bytes[sizeof(struct sockaddr_un) + 2]; /* a path of full length has its NUL behind */
    };
    socklen_t size;
} wherry__sim_name;

/* --- socket.c has what they share; stream.c and datagram.c fill the classes */

typedef enum wherry__sim_kind {
    WHERRY__SIM_TCP = 1,
    WHERRY__SIM_UDP,
    WHERRY__SIM_UNIX_STREAM,
    WHERRY__SIM_UNIX_SEQPACKET,
    WHERRY__SIM_UNIX_DATAGRAM,
} wherry__sim_kind;

/* What a kind of socket does. All but the last four as system.h has it: negated errno(3) values. A
 * missing one is -EOPNOTSUPP. */
typedef struct wherry__sim_class {
    int (*listen)(wherry__sim_socket *self, int backlog);
    int (*accept)(wherry__sim_socket *self, wherry__sim_socket **made); /* without descriptor */
    int (*connect)(wherry__sim_socket *self, const wherry__sim_name *name);
    ssize_t (*receive)(wherry__sim_socket *self, void *data, size_t size, int flags);
    ssize_t (*send)(wherry__sim_socket *self, const struct iovec *parts, size_t count, int flags);
    int (*receive_many)(wherry__sim_socket *self, wherry_datagram_slot *slots, size_t count,
                        int flags);
    int (*send_many)(wherry__sim_socket *self, wherry_datagram_slot *slots, size_t count,
                     int flags);
    int (*shutdown)(wherry__sim_socket *self, int how);
    /* Options that are the class's own; -ENOPROTOOPT: ask the shared ones. */
    int (*set_option)(wherry__sim_socket *self, int level, int option, const void *value,
                      socklen_t size);
    int (*get_option)(wherry__sim_socket *self, int level, int option, void *value,
                      socklen_t *size);
    /* wherry_readiness, all that holds. */
    unsigned (*readiness)(const wherry__sim_socket *self);
    /* The descriptor is closed: the program has nothing to do with it any more. The socket may
     * live on as long as its protocol asks for (what is unsent, TIME_WAIT), then calls
     * wherry__sim_socket_free itself. */
    void (*close)(wherry__sim_socket *self);
    /* The power is cut: gone without a packet, now. */
    void (*vanish)(wherry__sim_socket *self);
    /* "ESTABLISHED", "LISTEN", ...: for reports. */
    const char *(*state)(const wherry__sim_socket *self);
} wherry__sim_class;

struct wherry__sim_socket {
    const wherry__sim_class *class;
    wherry__sim_host *host;
    wherry__link link;    /* in the host's sockets */
    wherry__link watches; /* of pollers: poller.c */
    wherry__sim_kind kind;
    size_t size; /* of the whole structure that this is the first member of */
    int family, type, protocol;
    int descriptor;             /* -1: none */
    wherry__sim_program *owner; /* whose descriptor it is; NULL: that of nobody in the world */
    wherry__sim_name local;
    wherry__sim_name remote; /* when connected */
    wherry__link bound;      /* in a list of the host's ports, when bound */
    wherry__link paired;     /* among those with a remote name: find_connected */
    bool is_bound;
    bool port_given, address_given; /* by bind(2), not chosen for the socket */
    bool port_shared;               /* chosen by connect(2): with those connected elsewhere */
    bool listens;                   /* set by its class */
    bool apart; /* set by its class: getpeername(2) is refused although there is a remote name, as
                   the connection is not made yet, or over */
    bool reuse_address, reuse_port, only_v6;
    bool put_off;                   /* its last call failed by a fault that comes once */
    int error;                      /* SO_ERROR: an errno(3) value; 0: none */
    size_t send_room, receive_room; /* SO_SNDBUF, SO_RCVBUF: bytes of payload */
    struct linger linger;
    struct wherry__sim_options *settings; /* options that are only remembered: options.c; NULL:
                                             none was set */
};

/* Makes a socket of the kind for socket(2), of a class and with size bytes; memory is the world's.
 * No descriptor yet. NULL: no memory. */
wherry__sim_socket *wherry__sim_socket_make(wherry__sim_host *host, const wherry__sim_class *class,
                                            wherry__sim_kind kind, size_t size, int family,
                                            int type);
void wherry__sim_socket_free(wherry__sim_socket *socket);

/* The bytes of all parts; SIZE_MAX: more than that. */
size_t wherry__sim_parts_size(const struct iovec *parts, size_t count);

/* Its readiness may have changed: who waits for it is told. */
void wherry__sim_socket_changed(wherry__sim_socket *socket);

/* socket(2) of each family of classes: -EPROTONOSUPPORT and so on. */
int wherry__sim_stream_make(wherry__sim_host *host, int family, int type, int protocol,
                            wherry__sim_socket **made);
int wherry__sim_datagram_make(wherry__sim_host *host, int family, int type, int protocol,
                              wherry__sim_socket **made);

/* A Unix stream socket was bound, after it was connected maybe. */
void wherry__sim_local_named(wherry__sim_socket *self);

/* connect(2) of a stream to what cannot be a name for it: wrong, unless what it is already says
 * otherwise. */
int wherry__sim_stream_connect_wrongly(wherry__sim_socket *self, int wrong);

/* Resets a connection as the network would: both ends get RST. False: it is none. */
bool wherry__sim_stream_reset(wherry__sim_socket *socket);

/* Bytes that wait in the socket, as netstat(8) shows them. */
void wherry__sim_stream_queues(const wherry__sim_socket *socket, size_t *received, size_t *unsent);
void wherry__sim_datagram_queues(const wherry__sim_socket *socket, size_t *received,
                                 size_t *unsent);

/* Options that all sockets share (SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6, and remembered ones):
 * options.c. */
int wherry__sim_set_option(wherry__sim_socket *socket, int level, int option, const void *value,
                           socklen_t size);
int wherry__sim_get_option(wherry__sim_socket *socket, int level, int option, void *value,
                           socklen_t *size);

/* Gives back what is remembered for the socket, if anything: options.c. */
void wherry__sim_options_free(wherry__sim_socket *socket);

/* An accepted socket has the options of its listener. -ENOMEM. */
int wherry__sim_options_inherit(wherry__sim_socket *socket, const wherry__sim_socket *from);

/* Whether a remembered option is set. */
bool wherry__sim_option_is_on(const wherry__sim_socket *socket, int level, int option);

/* --- names of sockets: ports.c */

int wherry__sim_ports_new(wherry__sim_host *host);
void wherry__sim_ports_free(wherry__sim_host *host);

/* bind(2). */
int wherry__sim_bind(wherry__sim_socket *socket, const struct sockaddr *name, socklen_t size);

/* For connect(2): gives the socket what it lacks of an address that reaches remote and an ephemeral
 * port, sets its remote name, and has find_connected find it from now on. 0, -EADDRNOTAVAIL,
 * -ENETUNREACH, -EINVAL, -EAGAIN. Nothing is changed on a failure. Names of Unix sockets are not
 * touched. */
int wherry__sim_bind_for(wherry__sim_socket *socket, const wherry__sim_name *remote);

/* Takes back what bind_for did: after a connection that failed, and for connect(2) to AF_UNSPEC.
 * What bind(2) gave stays. */
void wherry__sim_unbind_from(wherry__sim_socket *socket);

/* For listen(2) and sendto(2): a port for a socket that has none. A socket that listens must still
 * be the only one to do so: set listens first. 0, -EADDRINUSE. */
int wherry__sim_bind_port(wherry__sim_socket *socket);

/* An accepted socket shares its listener's port. Its remote name is set before. */
int wherry__sim_bind_accepted(wherry__sim_socket *socket, const wherry__sim_name *local);
void wherry__sim_unbind(wherry__sim_socket *socket);

/* The Unix socket of that kind which has the name. 0, -ENOENT, -ECONNREFUSED: it is gone,
 * -EPROTOTYPE: it is of another kind. */
int wherry__sim_find_local(wherry__sim_host *host, wherry__sim_kind kind,
                           const wherry__sim_name *name, wherry__sim_socket **found);

/* The socket of that kind which gets what is sent to the address: of several the most specific
 * one, of SO_REUSEPORT ones by the remote address. listening: streams that listen. NULL: none. */
wherry__sim_socket *wherry__sim_find(wherry__sim_host *host, wherry__sim_kind kind,
                                     const wherry__sim_name *to, const wherry__sim_name *from,
                                     bool listening);

/* The bound stream or connected datagram socket of both addresses; NULL: none. */
wherry__sim_socket *wherry__sim_find_connected(wherry__sim_host *host, wherry__sim_kind kind,
                                               const wherry__sim_name *local,
                                               const wherry__sim_name *remote);

/* unlink(2). */
int wherry__sim_unlink(wherry__sim_host *host, const char *path);

bool wherry__sim_names_equal(const wherry__sim_name *one, const wherry__sim_name *other);

/* The same address as a program on a socket of that family sees it: IPv4-mapped IPv6 or plain. */
wherry__sim_name wherry__sim_name_as(const wherry__sim_name *name, int family);

/* The name that programs see a socket under, which also one that is not bound has. */
wherry__sim_name wherry__sim_name_of(const wherry__sim_socket *socket);

/* Where connect(2) and sendto(2) go to: the wildcard address stands for the host itself. The name
 * that connect of a class is given is one already. */
wherry__sim_name wherry__sim_name_reached(const wherry__sim_socket *socket,
                                          const wherry__sim_name *name);

/* Checks what a program gives as a name to connect or send to: 0 and the name (plain IPv4 for
 * mapped), of family AF_UNSPEC where that was given, or -EINVAL, -EAFNOSUPPORT. */
int wherry__sim_name_take(const wherry__sim_socket *socket, const struct sockaddr *given,
                          socklen_t size, wherry__sim_name *name);

/* Gives a name to a program, cut as accept(2) does. */
void wherry__sim_name_give(const wherry__sim_name *name, struct sockaddr *place, socklen_t *size);

#endif
