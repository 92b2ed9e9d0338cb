/* Comparing: whether the same seed gives the same run in another process too. */
#ifndef TOOL_SIMULATE_COMPARE_H
#define TOOL_SIMULATE_COMPARE_H

#include "play.h"

/* Runs the play twice, each in a process started anew, and compares all events and the outcome.
 * Prints what differs first, or that nothing does. */
bool compare_runs(const struct play *play);

#endif
