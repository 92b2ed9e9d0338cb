/* Seeds: one run for each of a range, each in a process of its own, with progress. */
#ifndef TOOL_SIMULATE_SEEDS_H
#define TOOL_SIMULATE_SEEDS_H

#include <stdint.h>

/* name: of a scenario, or "any". Returns the status to exit with. probes: runs all in this process,
 * and lists what none has reached. */
int run_seeds(const char *name, uint64_t first, uint64_t last, int probes);

#endif
