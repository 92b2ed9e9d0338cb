/* Two hosts "a" (10.0.0.1, fd00::1) and "b" (10.0.0.2, fd00::2) in a world whose memory is counted,
 * and the calls of a program on sockets there, made from outside of any program. The world goes on
 * only in far_run. */
#ifndef TESTS_SUPPORT_FAR_ENDS_H
#define TESTS_SUPPORT_FAR_ENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "simulation/world.h"
#include "support/failing_memory.h"

#define FAR_MS WHERRY_MILLISECONDS(1)
#define FAR_LATENCY WHERRY_MICROSECONDS(500)

/* Shorthands for what is ready. */
enum far_readiness {
    FAR_IN = WHERRY_READABLE,
    FAR_OUT = WHERRY_WRITABLE,
    FAR_ERR = WHERRY_FAILED,
    FAR_HUP = WHERRY_HUNG_UP,
    FAR_RESET = FAR_IN | FAR_OUT | FAR_ERR | FAR_HUP,
    FAR_OVER = FAR_IN | FAR_OUT | FAR_HUP,
};

extern wherry_simulation *far_world;
extern wherry_system *far_a, *far_b;

/* For cmocka: a world with the usual options; and its end, after which all memory must be back. */
int far_start(void **state);
int far_finish(void **state);

/* Another world in its place. */
void far_open_again(wherry_simulation_options options);
void far_run(int64_t duration);

/* Sockets of TCP on IPv4, and of Unix kinds. */
int far_socket(wherry_system *system);
int far_local(wherry_system *system, int type);

/* Bound to the port of all addresses; 0: any. Returns what bind(2) does. */
int far_bind(wherry_system *system, int descriptor, int port);
int far_port(wherry_system *system, int descriptor);

/* A listener at all addresses. */
int far_listener(wherry_system *system, int backlog);

/* connect(2) to a port of an address, or a path. */
int far_connect(wherry_system *system, int descriptor, const char *address, int port);
int far_connect_path(wherry_system *system, int descriptor, const char *path);
int far_bind_path(wherry_system *system, int descriptor, const char *path);

/* A connection from a to b: both ends, and the listener. */
typedef struct far_pair {
    int client, server, listener;
    int port; /* of the listener */
} far_pair;
far_pair far_connected(void);

ssize_t far_send(wherry_system *system, int descriptor, const char *text);
int far_accept(wherry_system *system, int descriptor);
int far_error(wherry_system *system, int descriptor);
int far_peer(wherry_system *system, int descriptor); /* getpeername(2): 0 or an error */
void far_close(wherry_system *system, int descriptor);
int far_shut(wherry_system *system, int descriptor, int how);
int far_option(wherry_system *system, int descriptor, int level, int option, int value);
void far_linger(wherry_system *system, int descriptor, int seconds);
wherry__sim_socket *far_socket_of(wherry_system *system, int descriptor);

#define far_assert_ready(system, descriptor, events)                                               \
    assert_int_equal(far_readiness(system, descriptor), events)
unsigned far_readiness(wherry_system *system, int descriptor);

/* Receives into a small buffer: the text must be what comes; or the negated error. */
void far_assert_receives(wherry_system *system, int descriptor, const char *text);
ssize_t far_receive(wherry_system *system, int descriptor);

#endif
