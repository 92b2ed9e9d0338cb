/* Ports: what the files that bind, find and name sockets share. */
#ifndef WHERRY_SIMULATION_PORTS_H
#define WHERRY_SIMULATION_PORTS_H

#include "simulation/world.h"

#define WHERRY__SIM_PORT_LISTS 256
#define WHERRY__SIM_PAIR_LISTS 1024

/* The bound sockets of a host. Each list is in the order of binding, so that looking through it
 * gives the same in each run. */
struct wherry__sim_ports {
    wherry__link by_port[WHERRY__SIM_PORT_LISTS];  /* by the port's last bits */
    wherry__link accepted[WHERRY__SIM_PORT_LISTS]; /* the same for those that share a listener's
                                                      port, and are found by both names only */
    wherry__link pairs[WHERRY__SIM_PAIR_LISTS];    /* by a hash of both names */
    wherry__link abstract;                         /* Unix sockets with abstract names */
    wherry__link paths;                            /* files of Unix sockets */
    uint32_t autobound;                            /* abstract names given so far */
    uint16_t next_tcp, next_udp; /* the ephemeral ports to try first; 0: none yet */
};

static inline wherry__link *wherry__sim_port_list(wherry__sim_ports *ports, uint16_t port)
{
    return &ports->by_port[port % WHERRY__SIM_PORT_LISTS];
}

/* The list of those with both names. */
wherry__link *wherry__sim_pair_list(wherry__sim_ports *ports, const wherry__sim_name *local,
                                    const wherry__sim_name *remote);

/* bind(2) of Unix sockets, and its end. */
int wherry__sim_bind_local(wherry__sim_socket *socket, const struct sockaddr *given,
                           socklen_t size);
void wherry__sim_unbind_local(wherry__sim_socket *socket);
void wherry__sim_paths_free(wherry__sim_host *host);

/* The address that what the socket sends to remote comes from. 0, -ENETUNREACH, -EINVAL. */
int wherry__sim_source_for(const wherry__sim_socket *socket, const wherry__sim_name *remote,
                           wherry__sim_name *source);

/* Whether the address is the wildcard, or of the host itself only; and the port in host order. */
bool wherry__sim_name_is_any(const wherry__sim_name *name);
bool wherry__sim_name_is_loopback(const wherry__sim_name *name);
bool wherry__sim_name_is_multicast(const wherry__sim_name *name);
uint16_t wherry__sim_name_port(const wherry__sim_name *name);
void wherry__sim_name_set_port(wherry__sim_name *name, uint16_t port);

/* Whether a bound socket has the wildcard address and gets also what is sent to those of family. */
static inline bool wherry__sim_takes_all(const wherry__sim_socket *socket, int family)
{
    int mine = socket->local.any.sa_family;

    return wherry__sim_name_is_any(&socket->local) &&
           (mine == family || (mine == AF_INET6 && !socket->only_v6));
}

/* The same address, whatever the ports are. */
bool wherry__sim_addresses_equal(const wherry__sim_name *one, const wherry__sim_name *other);

/* The wildcard address of a family, with port 0. */
wherry__sim_name wherry__sim_name_any(int family);

/* A hash of the name that is the same in each run. */
uint64_t wherry__sim_name_hash(const wherry__sim_name *name, uint64_t start);

#endif
