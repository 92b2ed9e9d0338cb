/* Inside: one flag for each thread. */
#include "simulation/inside.h"

#include <wherry/simulation.h>

static _Thread_local bool is_inside;

bool wherry__sim_inside(void)
{
    return is_inside;
}

bool wherry__sim_inside_set(bool inside)
{
    bool former = is_inside;

    is_inside = inside;
    return former;
}

int wherry_simulation_inside(void)
{
    return is_inside;
}
