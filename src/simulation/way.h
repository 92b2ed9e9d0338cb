/* Way: one direction between two hosts, from the first packet or setting on; and the rules that
 * "*" made, which each new way follows.
 *
 *     send --> travelling (the agenda has it) --> arrives
 *                   |                                ^
 *                   +-------> kept ------------------+
 *                   by hold, clog, partition, a host that is off
 */
#ifndef WHERRY_SIMULATION_WAY_H
#define WHERRY_SIMULATION_WAY_H

#include "base/list.h"
#include "base/table.h"
#include "simulation/world.h"

#define WHERRY__SIM_MTU_MIN 576 /* which every host can receive */

/* A partition or a clog of the program's, and one that was drawn, end independently. */
enum { WHERRY__SIM_ASKED, WHERRY__SIM_DRAWN, WHERRY__SIM_CAUSES };

typedef struct wherry__sim_way {
    wherry__link link;    /* in the order of their making */
    wherry__link near[2]; /* in the ways of each end, in the same order */
    wherry__table_entry entry;
    wherry__sim_host *ends[2]; /* from and to: the key */
    wherry_link settings;      /* none of them 0 but latency and rate */
    wherry__sim_chance chance;
    struct wherry__sim_victim *victim;
    int64_t free_at;                       /* when what was sent so far has left */
    int64_t cut_until[WHERRY__SIM_CAUSES]; /* a black hole before that */
    int64_t clogged_until[WHERRY__SIM_CAUSES];
    int64_t stable_until; /* nothing of that is drawn before */
    bool held;
    wherry__sim_event unclog;
    wherry__link travelling;
    wherry__link kept; /* in the order of their arrival */
} wherry__sim_way;

/* What a setting of ways is about. */
typedef enum wherry__sim_aspect {
    WHERRY__SIM_LINK,
    WHERRY__SIM_CUT,
    WHERRY__SIM_CLOG,
    WHERRY__SIM_HELD,
} wherry__sim_aspect;

typedef struct wherry__sim_setting {
    wherry__sim_aspect aspect;
    int cause;         /* of cuts and clogs: WHERRY__SIM_ASKED or _DRAWN */
    bool on;           /* false: no cut, no clog, not held any more */
    int64_t until;     /* of cuts and clogs */
    wherry_link value; /* of links */
} wherry__sim_setting;

struct wherry__sim_links {
    wherry__link ways;
    wherry__table by_ends;
    wherry__link rules;  /* of all ways; those of one host are its own */
    uint64_t rule_count; /* that were asked for so far */
    wherry__link local;  /* packets within one host */
};

/* The way between two different hosts. NULL: no memory. */
wherry__sim_way *wherry__sim_way_of(wherry__sim_host *from, wherry__sim_host *to);

/* Changes the ways from one host, NULL for all, to another: those that there are, and if either is
 * NULL also those that will be. WHERRY_OK, WHERRY_E_NO_MEMORY. */
int wherry__sim_ways_set(wherry_simulation *world, wherry__sim_host *from, wherry__sim_host *to,
                         const wherry__sim_setting *setting);

/* Ends the partitions and clogs that were drawn. */
void wherry__sim_ways_calm(wherry_simulation *world);

/* Whether the settings of a link are in their range. */
bool wherry__sim_link_fits(const wherry_link *link);

/* A black hole until then, or held back until then, as drawn; earlier ends do not count. */
void wherry__sim_way_cut(wherry__sim_way *way, int cause, int64_t until);
void wherry__sim_way_clog(wherry__sim_way *way, int cause, int64_t until);

/* Whether a packet that is at either end now vanishes there, or stays. */
bool wherry__sim_way_is_cut(const wherry__sim_way *way);
bool wherry__sim_way_keeps(const wherry__sim_way *way);

/* Nanoseconds that a packet needs for it from now on, without waiting for others. */
int64_t wherry__sim_way_time(wherry__sim_way *way);

/* --- what is kept back: kept.c */

/* A packet is at the end of its way, for the first time or again: it arrives, is lost, or stays. */
void wherry__sim_come(wherry__sim_event *event);

/* Keeps back a packet of a flow that left into a black hole. */
void wherry__sim_keep_unsent(wherry__sim_packet *packet);

/* What holds them back may be over: what can go goes. */
void wherry__sim_let_go(wherry__sim_way *way);

/* --- the ends of travels: link.c */

/* Gives it to whom it is for. */
void wherry__sim_arrive(wherry__sim_packet *packet);

/* Gives it back, and tells why unless that is NULL; and the same when the call that is under way is
 * over. */
void wherry__sim_lose(wherry__sim_packet *packet, const char *why);
void wherry__sim_lose_soon(wherry__sim_packet *packet, const char *why);

void wherry__sim_tell_packet(const wherry__sim_packet *packet, const char *what, const char *why);

/* Whether a packet that meets a black hole is sent again. */
static inline bool wherry__sim_sent_again(const wherry__sim_packet *packet)
{
    return packet->flow != NULL && !packet->once && !(packet->flags & WHERRY_PACKET_RST);
}

#endif
