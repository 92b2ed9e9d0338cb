/* A simulated world in which nothing is yet. */
#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

#include <wherry/simulation.h>

extern wherry_simulation *world;

/* Setup and teardown of cmocka. The environment has no say in the seed. */
int world_open(void **state);
int world_close(void **state);

/* Spawns a program there, which must work. */
void world_spawn(const char *host, wherry_body *body, void *argument);

/* A program, on a host whose first address is 10.0.0.1. It sleeps for a second, and fails the test
 * unless it is before and after in the world at which the argument points (a wherry_simulation **),
 * and on that host. */
int world_dweller(void *place);

#endif
