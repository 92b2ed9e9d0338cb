/* Capture: the packets that arrive in a world, as a file for Wireshark. */
#ifndef TOOL_SIMULATE_CAPTURE_H
#define TOOL_SIMULATE_CAPTURE_H

#include <stdbool.h>
#include <stdio.h>

#include <wherry.h>

#include "record/pcapng.h"

struct capture {
    wherry_simulation_observer observer; /* first: give it to the world */
    wherry_simulation_observer *next;    /* is told too; NULL: nobody */
    wherry__pcapng file;
    FILE *stream;
    struct capture_flow *flows; /* one for each direction of each conversation */
    size_t flow_count;
};

/* Returns 0, or -1 when it has said what is wrong. */
int capture_open(struct capture *capture, const char *path, wherry_simulation_observer *next);

/* False: the file could not be written. It has said so. */
bool capture_close(struct capture *capture, const char *path);

#endif
