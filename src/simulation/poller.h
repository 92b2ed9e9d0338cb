/* Poller: where a loop of a simulated host waits. What is watched is linked from both sides; what
 * may be ready stands in a row, in the order in which it became so, which is the order in which it
 * is reported, as epoll(7) does it:
 *
 *     poller --watches--> watch <--watches-- socket
 *       '------hot------> watch, if its socket changed and was not found unready since
 */
#ifndef WHERRY_SIMULATION_POLLER_H
#define WHERRY_SIMULATION_POLLER_H

#include "simulation/world.h"

struct wherry_poller {
    wherry__sim_host *host;
    wherry__link link;            /* in the host's pollers */
    wherry__sim_program *program; /* that made it; NULL: nobody in the world */
    wherry_loop *loop;            /* whose it is; NULL: nobody's */
    wherry_memory *memory;
    wherry__link watches;
    size_t watch_count;
    wherry__link hot;
    wherry__link errands;
    wherry__link awaited; /* errands to be */
    bool waiting;
    bool roused;         /* it is to be looked at what the wait waits for */
    bool woken;          /* the wait is to end, also if nothing is ready */
    int64_t until;       /* of the host's clock, while it waits */
    int64_t last_wait;   /* of the world */
    uint64_t calls;      /* of the host, when it last waited */
    uint64_t over;       /* how many questions for names are */
    uint64_t idle_turns; /* one after another, without a pause and without a call */
    wherry__sim_event timer;
};

#endif
