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
#include "base/table.h"
#include "simulation/agenda.h"
#include "simulation/chance.h"
#include "simulation/packet.h"
#include "simulation/socket.h"

typedef struct wherry__sim_links wherry__sim_links;
typedef struct wherry__sim_faults wherry__sim_faults;
typedef struct wherry__sim_ports wherry__sim_ports;
typedef struct wherry__sim_names wherry__sim_names;

struct wherry_simulation {
    wherry__counted_memory memory; /* of the world itself */
    wherry_simulation_options options;
    uint64_t seed;
    wherry__sim_agenda agenda;
    int64_t now;
    uint64_t step;      /* of the event that happens */
    uint64_t cause;     /* what an event that is entered now will be told to follow from */
    wherry__link hosts; /* in the order of their making */
    wherry__table by_name, by_address; /* and found */
    size_t programs;                   /* of all hosts: those that were spawned */
    size_t living;                     /* and of them those that live, */
    size_t awaited;                    /* and of these those that must end */
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
    bool shown;             /* to the observer, at this moment */
    bool settling;          /* what follows at once is being done */
    const wherry_simulation *former_guarded; /* say.c's, and the next */
    void *watchdog;
    int failure; /* the first; WHERRY_OK: none */
    char problem[192];
};

/* --- hosts: host.c, directory.c */

#define WHERRY__SIM_ADDRESSES 8

/* An address of a host in the table of all. */
typedef struct wherry__sim_listing {
    wherry__table_entry entry;
    wherry__sim_host *host;
    struct in6_addr key; /* of an IPv4 address too */
} wherry__sim_listing;

struct wherry__sim_host {
    wherry_system system; /* first: self of its functions */
    wherry_simulation *world;
    wherry__link link; /* in the world's hosts */
    char name[64];
    char text[INET6_ADDRSTRLEN];                       /* its first address */
    wherry__sim_name addresses[WHERRY__SIM_ADDRESSES]; /* with port 0 */
    size_t address_count;
    wherry__table_entry by_name;
    char folded[64]; /* the name as it is found */
    wherry__sim_listing listings[WHERRY__SIM_ADDRESSES];
    wherry__link ways[2];  /* that begin here, and that end here, in the order of their making */
    wherry__link rules[2]; /* way.c's, of these, in the order of asking */
    bool on;
    wherry__sim_chance chance;        /* for what is decided on the host itself */
    wherry__sim_socket **descriptors; /* by number; NULL: free */
    size_t descriptor_room;
    size_t descriptors_max;
    size_t descriptor_count;
    uint64_t calls;         /* of its system */
    size_t descriptor_hint; /* none below it is free */
    wherry__link sockets;   /* all, also those that linger without a descriptor */
    wherry__link programs;
    wherry__link pollers;
    wherry__link questions;        /* question.c's: what its programs have asked for */
    wherry__link second_answers;   /* and of what is over, those that are answered again */
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

/* Whether the fault point of that name, a constant, fires for a program of the host. Each is one
 * that may in a quarter of all worlds, so that a run has an oddity that stays instead of a little
 * of each. */
bool wherry__sim_point(wherry__sim_host *host, const char *name);

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

/* --- names of hosts: names.c, and question.c for who asks */

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

/* The world ends. */
void wherry__sim_guard_end(wherry_simulation *world);

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

/* WHERRY_OK: the caller may change the world. WHERRY_E_MISUSE: it is the observer, or in a world
 * within this one; both are called in the midst of something that goes on afterwards. */
int wherry__sim_changeable(const wherry_simulation *world);

/* The first failure is the one that counts. Returns code. */
int wherry__sim_fail(wherry_simulation *world, int code, const char *format, ...)
    WHERRY_FORMAT(3, 4);

/* Lets the world go on until the given instant of it, or until *stop is true; for waits outside of
 * programs. */
void wherry__sim_go_on(wherry_simulation *world, int64_t until, const bool *stop);

#endif
