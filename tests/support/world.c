#include "support/world.h"

#include "support/simulated.h"

wherry_simulation *world;

int world_open(void **state)
{
    (void)simulated_unseeded(state);
    return wherry_simulation_new(&world, .quiet = 1);
}

int world_close(void **state)
{
    (void)state;
    wherry_simulation_free(world);
    return 0;
}
