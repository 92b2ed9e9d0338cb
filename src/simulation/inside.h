/* Inside: whether the code that asks runs in a simulated world. What watches over programs there
 * asks this on every call of theirs, hence a variable of the thread and nothing more. */
#ifndef WHERRY_SIMULATION_INSIDE_H
#define WHERRY_SIMULATION_INSIDE_H

#include <stdbool.h>

bool wherry__sim_inside(void);

/* Returns the former value. */
bool wherry__sim_inside_set(bool inside);

#endif
