/* A simulated world with two hosts, whose systems are called by hand. */
#ifndef TESTS_SUPPORT_SIMULATED_H
#define TESTS_SUPPORT_SIMULATED_H

#include <stdint.h>
#include <sys/socket.h>

#include <wherry/simulation.h>

#include "support/failing_memory.h"

#define HERE "10.0.0.1"
#define HERE_V6 "fd00::1"
#define THERE "10.0.0.2"
#define THERE_V6 "fd00::2"

typedef struct simulated {
    failing_memory memory;
    wherry_simulation *world;
    wherry_system *here, *there;
} simulated;

/* Setup and teardown of cmocka: state is a simulated. Nothing may be left of it in the end. */
int simulated_open(void **state);
int simulated_close(void **state);

/* The same with options of the test's; result and memory are filled in. */
void simulated_open_with(simulated *self, wherry_simulation_options *options,
                         const wherry_simulation_host_options *here);

/* Setup of cmocka for worlds that a test makes itself: the environment has no say in their seed. */
int simulated_unseeded(void **state);

/* A program: a server on port 7000 that sends each message back. */
int simulated_echo(void *argument);

/* Lets all happen that can happen within a second. */
void simulated_settle(simulated *self);

/* A numeric address of either family, or the path of a Unix socket; "@name" is an abstract one. */
typedef struct simulated_name {
    struct sockaddr_storage storage;
    socklen_t size;
} simulated_name;

simulated_name simulated_name_of(const char *address, int port);

/* The port of a socket's own name, and the text of its address. */
int simulated_port(wherry_system *system, int socket);
const char *simulated_address(wherry_system *system, int socket);

/* A new socket, which must be there. */
int simulated_socket(wherry_system *system, int family, int type);
int simulated_bind(wherry_system *system, int socket, const char *address, int port);
int simulated_connect(wherry_system *system, int socket, const char *address, int port);

/* A new one that is bound, which must work. */
int simulated_bound(wherry_system *system, int type, const char *address, int port);

void simulated_close_socket(wherry_system *system, int socket);
int simulated_set(wherry_system *system, int socket, int level, int option, int value);

/* The value of an option, which must be there. */
int simulated_get(wherry_system *system, int socket, int level, int option);

/* To an address, or with NULL to the other end. */
ssize_t simulated_send(wherry_system *system, int socket, const char *text, const char *address,
                       int port);

/* What is received as a text, or NULL and errno. Valid until the next. */
const char *simulated_receive(wherry_system *system, int socket);

/* What holds of a socket: wherry_readiness. */
unsigned simulated_readiness(wherry_system *system, int socket);

#endif
