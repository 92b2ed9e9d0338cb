/* A servant of scenarios whose connections are in a roster, which it services itself: it says back
 * as much as it hears, and checks what a roster promises. */
#ifndef TOOL_SCENARIOS_ROSTER_H
#define TOOL_SCENARIOS_ROSTER_H

#include "talk.h"

/* In slot 0 of the first host, until the scenario is over, with what limits of its own the dice
 * give. streams: for its streams. */
int serve_roster(struct stage *stage, const wherry_stream_options *streams, struct dice *dice);

#endif
