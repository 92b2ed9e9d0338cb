/* A simulated world in which nothing is yet. */
#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

#include <wherry/simulation.h>

extern wherry_simulation *world;

/* Setup and teardown of cmocka. The environment has no say in the seed. */
int world_open(void **state);
int world_close(void **state);

#endif
