/* Arena: the memory that the library takes for a program in a world. It is counted, can be made to
 * fail, and can be taken away from a program that is discarded and does not give it back. */
#ifndef WHERRY_SIMULATION_ARENA_H
#define WHERRY_SIMULATION_ARENA_H

#include "simulation/world.h"

typedef struct wherry__sim_arena {
    wherry_memory base; /* first: it is passed as self */
    wherry__sim_host *host;
    wherry__link blocks;
    size_t count;
    size_t bytes;
    bool fails; /* now and then: what a program needs to begin at all is there */
} wherry__sim_arena;

void wherry__sim_arena_init(wherry__sim_arena *arena, wherry__sim_host *host);

/* Takes all blocks back. */
void wherry__sim_arena_clear(wherry__sim_arena *arena);

#endif
