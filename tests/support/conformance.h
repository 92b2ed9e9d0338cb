/* Whether systems behave alike: scenarios of socket calls that are played on one system after the
 * other. A recorder makes each call and writes one line of text with what came of it, in which
 * descriptors, ports and generated names are numbered in the order of their appearance; two systems
 * behave alike when the texts are the same. Hence no scenario says what is to be expected: the
 * kernel does.
 *
 * A scenario is a function that makes calls by conf_... on sockets, which it knows by handles. It
 * is played for each of the kinds of sockets that it is listed with. */
#ifndef TESTS_SUPPORT_CONFORMANCE_H
#define TESTS_SUPPORT_CONFORMANCE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <wherry/system.h>
#include <wherry/time.h>

#define CONF_TEXT_MAX 32768
#define CONF_SOCKETS 256
#define CONF_DATA_MAX 70000

/* What is played on: one system, or two that reach each other. */
typedef struct conf_stage {
    const char *name;
    wherry_system *system[2];  /* at home, and far away: the same one if there is no other */
    const char *v4[2], *v6[2]; /* their addresses */
    const char *folder;        /* for the paths of Unix sockets */
    int64_t settle;            /* how long to wait after each call for what is under way */
    bool by_handle;            /* sockets are numbered as they are made, since the descriptors of
                                  two systems have nothing to do with each other */
} conf_stage;

/* Kinds of sockets: each a bit, of which a scenario is played for one at a time. */
enum conf_kind {
    CONF_TCP4 = 1,
    CONF_TCP6 = 2,
    CONF_DUAL = 4, /* listens on IPv6, for an IPv4 client */
    CONF_UNIX = 8,
    CONF_ABSTRACT = 16,
    CONF_SEQPACKET = 32,
    CONF_UDP4 = 64,
    CONF_UDP6 = 128,
    CONF_UNIX_DATAGRAM = 256,
    CONF_KIND_END = 512,
    CONF_TCP = CONF_TCP4 | CONF_TCP6 | CONF_DUAL,
    CONF_UNIX_STREAMS = CONF_UNIX | CONF_ABSTRACT,
    CONF_STREAMS = CONF_TCP | CONF_UNIX_STREAMS,
    CONF_CONNECTED = CONF_STREAMS | CONF_SEQPACKET, /* what listens and accepts */
    CONF_UDP = CONF_UDP4 | CONF_UDP6,
    CONF_DATAGRAMS = CONF_UDP | CONF_UNIX_DATAGRAM,
};

typedef struct conf conf;

typedef struct conf_scenario {
    const char *name;
    void (*play)(conf *self);
    unsigned kinds;
    bool at_home; /* only where there is one system */
} conf_scenario;

/* A scenario for one kind of socket; for those of the matrix also a state and an operation. */
typedef struct conf_case {
    char name[128];
    void (*play)(conf *self);
    enum conf_kind kind;
    size_t state, operation;
    bool at_home;
} conf_case;

/* The case of that number; false when there are no more. */
bool conf_nth(size_t number, conf_case *found);

typedef struct conf_name {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
        struct sockaddr_storage storage;
    };
    socklen_t size;
} conf_name;

typedef struct conf_socket_state {
    wherry_system *system;
    int descriptor; /* negative: it could not be made */
    int side;
    unsigned label;
    bool open;
} conf_socket_state;

struct conf {
    const conf_stage *stage;
    const conf_case *what;
    enum conf_kind kind;
    wherry_poller *pollers[2]; /* of conf_watch */
    wherry_poller *lookers[2]; /* of conf_ready */
    wherry_poller *idle;       /* where nothing is ever ready */
    int side;                  /* where the next socket is made */
    conf_socket_state sockets[CONF_SOCKETS];
    size_t socket_count;
    int labels[CONF_SOCKETS]; /* descriptors in the order of their appearance */
    size_t label_count;
    uint16_t ports[CONF_SOCKETS];
    size_t port_count;
    char generated[16][8];
    size_t generated_count;
    char paths[32][sizeof(struct sockaddr_un)];
    size_t path_count;
    size_t length;
    char text[CONF_TEXT_MAX];
};

/* Plays one case; what came of it is in self->text then. */
void conf_play(conf *self, const conf_stage *stage, const conf_case *what);

/* --- making sockets: each returns a handle, also when the call fails: then those on it fail with
 * EBADF. */

int conf_socket(conf *self, int family, int type);
int conf_socket_of(conf *self, int family, int type, int protocol);

/* What is done on the other system from now on; 0: at home again. */
void conf_go(conf *self, int side);

/* A socket of the kind that the scenario is played for: of one that listens or is bound, and of one
 * that connects. */
int conf_server(conf *self);
int conf_client(conf *self);

/* Whether it is one of these kinds. */
bool conf_is(const conf *self, unsigned kinds);

/* --- names */

/* An address at home for a server of the kind: loopback with a port that the system chooses, or a
 * path of its own. */
conf_name conf_home(conf *self);

/* Of the family: loopback, or the address of the side. */
conf_name conf_address(const conf *self, int family, int side, uint16_t port);
conf_name conf_any(int family, uint16_t port);
conf_name conf_path(conf *self, const char *last);
conf_name conf_abstract(const conf *self, const char *last);
conf_name conf_no_family(void); /* AF_UNSPEC */

/* How a client of the kind reaches the socket; asks for its name without a line. */
conf_name conf_reach(conf *self, int socket);
uint16_t conf_port(conf *self, int socket);

/* --- calls: each writes a line */

int conf_bind(conf *self, int socket, const conf_name *name);
int conf_listen(conf *self, int socket, int backlog);
int conf_accept(conf *self, int socket);
int conf_connect(conf *self, int socket, const conf_name *name);
ssize_t conf_receive(conf *self, int socket, size_t size, int flags);
ssize_t conf_send(conf *self, int socket, const char *text, int flags);
ssize_t conf_send_many_bytes(conf *self, int socket, size_t length); /* of a pattern */
ssize_t conf_send_parts(conf *self, int socket, const char *one, const char *other);
void conf_receive_from(conf *self, int socket, size_t size, int flags);
int conf_send_to(conf *self, int socket, const char *text, const conf_name *name);
int conf_send_length_to(conf *self, int socket, size_t length, const conf_name *name);
/* Several datagrams at once, at most 8. */
void conf_send_batch(conf *self, int socket, char (*texts)[8], size_t count, const conf_name *name);
void conf_receive_batch(conf *self, int socket, size_t count);
int conf_shutdown(conf *self, int socket, int how);
int conf_close(conf *self, int socket);
int conf_set(conf *self, int socket, int level, int option, int value);
int conf_set_sized(conf *self, int socket, int level, int option, const void *value,
                   socklen_t size);
int conf_get(conf *self, int socket, int level, int option);
int conf_get_sized(conf *self, int socket, int level, int option, socklen_t size);
int conf_error(conf *self, int socket); /* SO_ERROR */
void conf_linger(conf *self, int socket, int on, int seconds);
void conf_local(conf *self, int socket, socklen_t room);
void conf_remote(conf *self, int socket, socklen_t room);
#define CONF_ROOM ((socklen_t)sizeof(struct sockaddr_storage))
int conf_unlink(conf *self, const conf_name *name);

/* All that holds of the socket now; and once one of the events holds or a failure, as what is under
 * way may have to come first. */
unsigned conf_ready(conf *self, int socket);
unsigned conf_wait_ready(conf *self, int socket, unsigned events);

/* A watch that lasts, on the poller of the socket's side; and what the poller at home reports of
 * such, at most so many, without an order. */
int conf_watch(conf *self, int socket, unsigned was, unsigned events);
int conf_wait(conf *self, int capacity, int64_t delay);

/* Marks which of count sockets, the first of them given, were reported. */
void conf_wait_and_mark(conf *self, int capacity, int first, bool *seen, int count);
void conf_wake(conf *self);

/* Sends until nothing more fits, or receives until there is no more, or the end: which of them is
 * written, not how much. Returns the bytes. */
size_t conf_fill(conf *self, int socket);
size_t conf_drain(conf *self, int socket);

/* Drains what comes after that, until so many bytes have come in all, and writes whether they did.
 */
void conf_drain_rest(conf *self, int socket, size_t received, size_t sent);

/* A line of the scenario's own. */
void conf_note(conf *self, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- what scenarios have in common */

/* A connection of the kind, with lines: listener at home, near is the end that connected, far the
 * one that was accepted. */
typedef struct conf_scene {
    int listener, near, far;
} conf_scene;

int conf_listener(conf *self, int backlog);
conf_scene conf_connection(conf *self);

/* All that can be seen of a socket without changing it much. */
void conf_look(conf *self, int socket);

/* --- the scenarios: each list ends with a name of NULL */

extern const conf_scenario conf_stream_scenarios[];
extern const conf_scenario conf_bind_scenarios[];
extern const conf_scenario conf_name_scenarios[];
extern const conf_scenario conf_option_scenarios[];
extern const conf_scenario conf_datagram_scenarios[];
extern const conf_scenario conf_poller_scenarios[];

/* States times operations. */
extern const size_t conf_state_count, conf_operation_count;
const char *conf_state_name(size_t state);
const char *conf_operation_name(size_t operation);
void conf_play_matrix(conf *self);

#endif
