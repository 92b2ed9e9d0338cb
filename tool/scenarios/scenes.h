/* Scenes: the scenarios by file; each list ends with one without a name. */
#ifndef TOOL_SCENARIOS_SCENES_H
#define TOOL_SCENARIOS_SCENES_H

#include "scenario.h"

extern const struct scenario stream_scenes[];
extern const struct scenario callback_scenes[];
extern const struct scenario feed_scenes[];
extern const struct scenario server_scenes[];
extern const struct scenario dial_scenes[];
extern const struct scenario name_scenes[];
extern const struct scenario task_scenes[];
extern const struct scenario meeting_scenes[];
extern const struct scenario serving_scenes[];
extern const struct scenario relay_scenes[];
extern const struct scenario voice_scenes[];
extern const struct scenario chat_scenes[];
extern const struct scenario malformed_scenes[];
extern const struct scenario serviced_scenes[];
extern const struct scenario crowd_scenes[];

#endif
