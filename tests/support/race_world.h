/* Simulated worlds in which races to connect are run: a host that dials, and up to four hosts that
 * refuse, hang, cannot be reached, answer late or accept, all of them addresses of one name. */
#ifndef TESTS_SUPPORT_RACE_WORLD_H
#define TESTS_SUPPORT_RACE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wherry.h>
#include <wherry/simulation.h>

#define MS WHERRY_MILLISECONDS(1)
#define DIALER "10.0.0.1 fd00::1"
#define DIALER_IPV4 "10.0.0.1"
#define RACE_ADDRESSES_MAX 4
#define ROUND_TRIP MS
#define LATENCY (200 * MS) /* of what answers late, one way */

/* What the host of an address does. */
typedef enum behaviour { ACCEPTS, REFUSES, LATE, HANGS_ON, NOBODY, BEHAVIOURS } behaviour;

/* One attempt, and how it went. */
typedef struct race_dial {
    wherry_race_options options;
    const char *endpoint;
    int64_t duration; /* of the deadline */
    int result;
    int64_t took;
    wherry_address remote;
    char problem[192];
} race_dial;

typedef struct race_world {
    wherry_simulation *simulation;
    size_t count;
    behaviour behaviours[RACE_ADDRESSES_MAX];
    char addresses[RACE_ADDRESSES_MAX][32];
    race_dial dial;
} race_world;

/* Makes a world in which only the host that dials is, with these addresses. */
void race_world_open(race_world *self, const char *dialer);
void race_world_close(race_world *self);

/* Adds a host, which listens at port 7000 if it accepts. Then the name "server", whose addresses
 * are those of all hosts in this order. */
void race_world_add(race_world *self, bool ipv6, behaviour does);
void race_world_name(race_world *self);

/* Runs body on the host that dials, until all is over. */
void race_world_run(race_world *self, wherry_body *body, void *argument);

/* The body that connects as the dial says, and fills in how it went. */
int race_dial_connect(void *dial);

#endif
