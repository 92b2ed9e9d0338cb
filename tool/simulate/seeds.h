/* Seeds: one run for each of a range, each in a process of its own, with progress. */
#ifndef TOOL_SIMULATE_SEEDS_H
#define TOOL_SIMULATE_SEEDS_H

#include "play.h"

/* scenario: NULL for what each seed draws. jobs: how many run at a time, at least 1. probes: runs
 * all in this process, and lists what none has reached. Returns the status to exit with; after a
 * SIGINT it does not, but ends the process by it when it has told how far it came. */
int run_seeds(const struct scenario *scenario, uint64_t first, uint64_t last, size_t jobs,
              int probes);

#endif
