/* Seeds of the simulator: each draws one of the library's scenarios, and all that happens in it. */
#ifndef TESTS_SUPPORT_SEEDS_H
#define TESTS_SUPPORT_SEEDS_H

#include <stdint.h>

/* Runs count seeds from first on, or in place of them the one that SCENARIO_SEED names, as the
 * scenario that SCENARIO names if it is there; each prints a line that runs it again when it fails.
 * Returns how many failed. */
unsigned seeds_run(uint64_t first, uint64_t count);

/* Runs one seed as that scenario; 1: it failed. */
unsigned seeds_run_as(const char *scenario, uint64_t seed);

/* How many seeds to run: what the environment variable SEEDS says, or else most, and fewer where
 * sanitizers slow it down. */
uint64_t seeds_count(uint64_t most, uint64_t with_sanitizers);

#endif
