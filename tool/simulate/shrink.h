/* Shrinking: from a run that fails to a smaller one that fails in the same way. */
#ifndef TOOL_SIMULATE_SHRINK_H
#define TOOL_SIMULATE_SHRINK_H

#include "play.h"

/* Makes play, whose run came to outcome, smaller: first the faults, then the troubles of hosts and
 * links, the hosts, the jobs, and the time. If its faults are drawn, those in it are what struck in
 * that run. runs: how many it may take. Returns how many it took. */
size_t shrink(struct play *play, struct scenario_outcome *outcome, size_t runs);

#endif
