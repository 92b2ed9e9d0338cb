/* World: what the files of the simulation share. How it hangs together:
 *
 *     program (a fiber)             runs until its loop waits
 *        | calls                              ^ resumed
 *     host's system table (system.c)          |
 *        |                                 poller: what is watched, until when (poller.c)
 *     sockets (stream.c, datagram.c)          ^ changed
 *        | packets                            |
 *     links (link.c) -----> agenda (agenda.c): what happens when
 *
 * All of it runs on one thread. While a program runs, time stands still; the world goes on when all
 * programs wait. What follows at once from a call (a packet between two sockets of one host) is put
 * off to the end of that call by wherry__sim_soon, so that stacks stay shallow: sockets are called
 * on those of tasks.
 *
 * Two floors of names: wherry__sim_X here, and the public wherry_simulation_X.
 */
#ifndef WHERRY_SIMULATION_WORLD_H
#define WHERRY_SIMULATION_WORLD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <wherry/simulation.h>

#include "base/list.h"
#include "base/memory.h"
#include "simulation/agenda.h"
#include "simulation/chance.h"

typedef struct wherry__sim_host wherry__sim_host;
typedef struct wherry__sim_socket wherry__sim_socket;
typedef struct wherry__sim_program wherry__sim_program;
typedef struct wherry__sim_links wherry__sim_links;
typedef struct wherry__sim_faults wherry__sim_faults;
typedef struct wherry__sim_ports wherry__sim_ports;
typedef struct wherry__sim_names wherry__sim_names;

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

struct wherry_simulation {
    wherry__counted_memory memory; /* of the world itself */
    wherry_simulation_options options;
    uint64_t seed;
    wherry__sim_agenda agenda;
    int64_t now;
    uint64_t step;      /* of the event that happens */
    uint64_t cause;     /* what an event that is entered now will be told to follow from */
    wherry__link hosts; /* in the order of their making */
    wherry__sim_links *links;
    wherry__sim_faults *faults;
    wherry__sim_names *names;
    wherry__sim_choices choices;  /* that all generators begin with: options.choices */
    wherry__sim_program *running; /* NULL: the world itself */
    uint64_t connections;         /* the number of the last one: no two have the same */
    uint64_t hash;
    wherry_simulation_statistics statistics;
    uint64_t instant_steps; /* events since time went on */
    uint64_t happened;      /* events, also those of which there is nothing to tell */
    const void *thread;     /* whose it is */
    bool said;              /* the seed */
    bool inside;            /* a run is under way */
    bool settling;          /* what follows at once is being done */
    const wherry_simulation *former_guarded; /* say.c's, and the next */
    void *watchdog;
    int failure;            /* the first; WHERRY_OK: none */
    char problem[192];
};

/* --- hosts: host.c */

#define WHERRY__SIM_ADDRESSES 8

struct wherry__sim_host {
    wherry_system system; /* first: self of its functions */
    wherry_simulation *world;
    wherry__link link; /* in the world's hosts */
    char name[64];
    char text[INET6_ADDRSTRLEN];                       /* its first address */
    wherry__sim_name addresses[WHERRY__SIM_ADDRESSES]; /* with port 0 */
    size_t address_count;
    bool on;
    wherry__sim_chance chance;        /* for what is decided on the host itself */
    wherry__sim_socket **descriptors; /* by number; NULL: free */
    size_t descriptor_room;
    size_t descriptors_max;
    size_t descriptor_count;
    size_t descriptor_hint; /* none below it is free */
    wherry__link sockets;   /* all, also those that linger without a descriptor */
    wherry__link programs;
    wherry__link pollers;
    wherry_system_signal *signals; /* what programs take */
    bool discarding; /* programs are being discarded: closed descriptors are no wonder */
    wherry__sim_ports *ports;
    uint16_t first_port, last_port;

    /* its clocks: monotonic = clock_offset + (now - started) * (1 + drift / 1e6) */
    int64_t started;
    int64_t clock_offset;
    int64_t wall_offset;
    int32_t drift;
    int64_t stalled_until; /* of the world; programs do not run before */

    struct wherry__sim_victim *victim; /* fault.c's: NULL until a fault could strike */
};

static inline wherry__sim_host *wherry__sim_host_of(wherry_system *system)
{
    return (wherry__sim_host *)(void *)system;
}

/* The host with that name or address; NULL. And the one with the address (port and scope aside) as
 * seen from host: loopback is host itself. */
wherry__sim_host *wherry__sim_host_named(const wherry_simulation *world, const char *name);
wherry__sim_host *wherry__sim_host_at(wherry__sim_host *host, const struct sockaddr *name);

/* Whether host has the address itself, loopback included. */
bool wherry__sim_host_has(const wherry__sim_host *host, const struct sockaddr *name);

/* The address of host that packets to a remote one leave from, with port 0; size 0: it has none of
 * that family. */
wherry__sim_name wherry__sim_host_source(const wherry__sim_host *host,
                                         const struct sockaddr *remote);

/* Parses up to WHERRY__SIM_ADDRESSES numeric addresses separated by spaces. Returns how many, or
 * WHERRY_E_INVALID. */
int wherry__sim_parse_addresses(const char *text, wherry__sim_name *addresses);

/* Gives the socket the lowest free descriptor. -EMFILE, -ENOMEM. */
int wherry__sim_descriptor_take(wherry__sim_host *host, wherry__sim_socket *socket);

/* The socket that the program which runs has under that number; NULL: none. */
wherry__sim_socket *wherry__sim_descriptor_find(const wherry__sim_host *host, int descriptor);

/* Closes it: what the class does then follows. */
void wherry__sim_descriptor_close(wherry__sim_socket *socket);

/* A host with these addresses. NULL: no memory. */
wherry__sim_host *wherry__sim_host_make(wherry_simulation *world, const char *name,
                                        const wherry__sim_name *addresses, size_t count);
void wherry__sim_host_free(wherry__sim_host *host);

/* Cuts its power: power.c. */
void wherry__sim_host_cut(wherry__sim_host *host);

/* --- clocks: clock.c */

int64_t wherry__sim_monotonic(const wherry__sim_host *host);
int64_t wherry__sim_wall(const wherry__sim_host *host);
void wherry__sim_set_wall(wherry__sim_host *host, int64_t by);

/* The first instant of the world at which the host's monotonic clock has reached until;
 * WHERRY_NEVER for that. */
int64_t wherry__sim_world_time(const wherry__sim_host *host, int64_t until);

/* --- sockets: socket.c has what they share; stream.c and datagram.c fill the classes */

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

/* --- packets: link.c */

/* In which order what belongs together arrives: one for each direction of a connection. Counted:
 * its packets hold it. */
typedef struct wherry__sim_flow {
    size_t holds;      /* of who made it, and of each packet under way */
    int64_t last;      /* when its last packet so far arrives */
    bool silent;       /* nothing of it arrives any more, nor is it sent again: set when its sender
                          has given up too */
    uint64_t turns;    /* packets sent so far */
    wherry__link kept; /* those that wait in the link, in the order of their turns */
} wherry__sim_flow;

/* Held once by the caller. NULL: no memory. */
wherry__sim_flow *wherry__sim_flow_new(wherry_simulation *world);
void wherry__sim_flow_release(wherry_simulation *world, wherry__sim_flow *flow);

/* Embed it first in what travels. */
typedef struct wherry__sim_packet wherry__sim_packet;
struct wherry__sim_packet {
    wherry__sim_event event;
    wherry__link link;           /* of the link: among all under way */
    wherry__link mates;          /* among those of the flow that wait */
    struct wherry__sim_way *way; /* NULL: within one host */
    bool once;                   /* who sent it is gone: it is not sent again */
    bool kept;
    uint64_t turn;               /* in the flow */
    wherry__sim_host *from, *to; /* to fill from here on */
    wherry__sim_name source, target;
    wherry__sim_flow *flow; /* in order and never lost; NULL: a datagram */
    unsigned flags;         /* wherry_packet_flags */
    size_t length;          /* of its data; headers are counted by the link */
    const void *data; /* for traces; of a datagram in its own memory, where CORRUPT turns bits */
    int64_t sent;     /* when it was first sent */
    /* It is there, or will never be: either gives it back. Called by the agenda, not from inside
     * wherry__sim_packet_send. */
    void (*arrive)(wherry__sim_packet *self);
    void (*lost)(wherry__sim_packet *self);
    /* Another one like it; NULL: no memory. Datagrams only. */
    wherry__sim_packet *(*copy)(const wherry__sim_packet *self);
};

int wherry__sim_links_new(wherry_simulation *world);
void wherry__sim_links_free(wherry_simulation *world); /* what is under way is lost */

/* Sends a packet on its way. Between addresses of one host it arrives at once: before the call of
 * the program that is under way returns. Packets of a flow to a host that is off, or behind a
 * partition, wait and come with the retransmission that follows: 200 ms after the first of them was
 * sent, then after twice that again, and so on up to 120 s (SYN: 1 s at first). A RST is not sent
 * again: there it is lost. */
void wherry__sim_packet_send(wherry__sim_packet *packet);

/* The bytes of data that one packet to that host can hold. */
size_t wherry__sim_segment_size(wherry__sim_host *from, wherry__sim_host *to);

/* The power of a host was cut: it sends nothing again. What is sent to it while it is off finds by
 * itself whether it is on again. */
void wherry__sim_links_cut(wherry__sim_host *host);

/* --- faults: fault.c, and swarm.c for what is drawn once */

int wherry__sim_faults_new(wherry_simulation *world);
void wherry__sim_faults_free(wherry_simulation *world);

/* Draws faults, the link and buffers of a swarm into the world's options and tells them: before
 * wherry__sim_links_new and wherry__sim_faults_new. And the clocks of a new host, in a swarm. */
void wherry__sim_faults_swarm(wherry_simulation *world);
void wherry__sim_swarm_clocks(wherry__sim_host *host);

/* Whether the fault strikes here and now; then value is from 0 to below bound (at least 1), drawn
 * or replayed. value may be NULL. Each kind has a generator of its own for each host. */
bool wherry__sim_fault(wherry__sim_host *host, int fault, uint64_t bound, uint64_t *value);

/* The same for what happens between two hosts. */
bool wherry__sim_fault_between(wherry__sim_host *from, wherry__sim_host *to, int fault,
                               uint64_t bound, uint64_t *value);

/* Partitions and clogs strike at packets that are sent, and end by themselves. Stalls strike here:
 * at each wait of a program on the host, which then does not run before stalled_until. */
void wherry__sim_stall(wherry__sim_host *host);

/* How long a fault lasts whose value is an order of magnitude: 1 ms, 2 ms, 4 ms, ... */
static inline int64_t wherry__sim_fault_time(uint64_t value)
{
    return INT64_C(1000000) << (value < 20 ? value : 20);
}

/* WHERRY_OK, or what is wrong with a replay: a fault that was to strike and did not. */
int wherry__sim_faults_check(wherry_simulation *world);

/* --- names of hosts: names.c */

int wherry__sim_names_new(wherry_simulation *world);
void wherry__sim_names_free(wherry_simulation *world);
int wherry__sim_resolve(wherry_system *system, wherry_poller *poller, const char *name, int family,
                        wherry_resolution *resolution);
void wherry__sim_resolve_cancel(wherry_system *system, wherry_resolution *resolution);

/* --- pollers: poller.c */

int wherry__sim_poller_open(wherry_system *system, wherry_memory *memory, wherry_poller **poller);
void wherry__sim_poller_close(wherry_system *system, wherry_poller *poller);
int wherry__sim_poller_watch(wherry_system *system, wherry_poller *poller, int descriptor,
                             unsigned was, unsigned events, void *token);
int wherry__sim_poller_wait(wherry_system *system, wherry_poller *poller, int64_t until,
                            wherry_ready *ready, int capacity);
void wherry__sim_poller_wake(wherry_system *system, wherry_poller *poller);

/* A socket that is closed is watched no more. */
void wherry__sim_watches_drop(wherry__sim_socket *socket);

/* Has post->run called by the program of the poller inside its wait, on its own stack. */
typedef struct wherry__sim_errand wherry__sim_errand;
struct wherry__sim_errand {
    wherry__link link;
    void (*run)(wherry__sim_errand *self);
    void (*drop)(wherry__sim_errand *self); /* the poller is gone; NULL: nothing to do */
};
void wherry__sim_poller_errand(wherry_poller *poller, wherry__sim_errand *errand);

/* An errand to be, whose link is in no list yet: it is dropped if the poller is closed before. */
void wherry__sim_poller_await(wherry_poller *poller, wherry__sim_errand *errand);

/* --- programs: program.c */

/* Suspends the program that runs until wherry__sim_program_ready; the world goes on meanwhile. */
void wherry__sim_program_suspend(wherry__sim_program *program);
void wherry__sim_program_ready(wherry__sim_program *program);

/* --- the system table: system.c */

void wherry__sim_system_init(wherry__sim_host *host);

/* --- what people are told: say.c, report.c */

/* Writes a line with the seed to the standard error. */
void wherry__sim_say(const wherry_simulation *world, const char *format, ...) WHERRY_FORMAT(2, 3);

/* While a run is under way: the seed is said when the process is aborted or the watchdog bites. */
void wherry__sim_guard(wherry_simulation *world);
void wherry__sim_unguard(wherry_simulation *world);

/* Who of the programs that must end has not, and who of all; NULL: all have. */
const wherry__sim_program *wherry__sim_unended(const wherry_simulation *world);
const wherry__sim_program *wherry__sim_living(const wherry_simulation *world);

/* What the first of its tasks that waits does so for. */
const char *wherry__sim_waits_for(const wherry__sim_program *program);

/* --- traces: trace.c */

/* Tells an event, and takes it into the hash. Zero fields are filled in: step, cause, time, host
 * (of who runs), program. */
void wherry__sim_tell(wherry_simulation *world, wherry__sim_host *host,
                      wherry_simulation_event event);

/* --- the world: simulation.c */

static inline wherry_memory *wherry__sim_memory(wherry_simulation *world)
{
    return &world->memory.base;
}

/* Does what was put off by wherry__sim_soon, until nothing is left. Called at the end of each call
 * of a program. */
void wherry__sim_settle(wherry_simulation *world);

/* The first failure is the one that counts. Returns code. */
int wherry__sim_fail(wherry_simulation *world, int code, const char *format, ...)
    WHERRY_FORMAT(3, 4);

/* Lets the world go on until the given instant of it, or until *stop is true; for waits outside of
 * programs. */
void wherry__sim_go_on(wherry_simulation *world, int64_t until, const bool *stop);

#endif
