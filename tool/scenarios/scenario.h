/* Scenario: some wherry programs on several hosts that talk to each other, and what must be true of
 * it whatever the network does to them. A scenario runs on the simulator, from a seed and with
 * faults, and on the sockets of this machine, without any. */
#ifndef TOOL_SCENARIOS_SCENARIO_H
#define TOOL_SCENARIOS_SCENARIO_H

#include <limits.h>

#include <wherry.h>
#include <wherry/simulation.h>

struct stage;

struct scenario {
    const char *name;
    const char *text; /* one line for people */
    int (*prepare)(struct stage *stage);
};

/* The index-th; NULL behind the last. By its name; NULL: there is none. The one that a seed draws.
 */
const struct scenario *scenario_at(size_t index);
const struct scenario *scenario_find(const char *name);
const struct scenario *scenario_of(uint64_t seed);

struct scenario_outcome {
    int code;          /* WHERRY_OK, or the first thing that went wrong */
    char problem[400]; /* a sentence on it */
    uint64_t hash;     /* of the run; 0 on the sockets of this machine */
    int64_t time;      /* of the world, when it was over */
    wherry_simulation_statistics statistics;
};

/* At most so much of what the scenario would have by itself, to look for the smallest run that
 * shows something. */
struct scenario_limits {
    unsigned hosts;    /* what is for a later one is done by the last */
    unsigned jobs;     /* of each caller */
    unsigned troubles; /* that befall hosts and links */
    int64_t time;      /* nanoseconds of the world until all heals */
};

#define SCENARIO_NO_LIMITS ((struct scenario_limits){ UINT_MAX, UINT_MAX, UINT_MAX, INT64_MAX })

/* The faults that struck. list: of malloc(3), the caller's to free. */
struct scenario_faults {
    wherry_fault_record *list;
    size_t count;
};

/* Runs it in a world with faults that heal after a while, whereupon everything must come to its
 * end. options: of the world; result and swarm are set here. limits: NULL for none. faults: where
 * they are to be put; may be NULL. Returns outcome->code. */
int scenario_simulate(const struct scenario *scenario, const wherry_simulation_options *options,
                      const struct scenario_limits *limits, struct scenario_outcome *outcome,
                      struct scenario_faults *faults);

/* Runs it on the sockets of this machine, each program on a thread of its own. When it does not end
 * in time, what it has is not given back. Returns outcome->code. */
int scenario_perform(const struct scenario *scenario, uint64_t seed,
                     struct scenario_outcome *outcome);

#endif
