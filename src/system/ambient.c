/* The ambient system of a thread. A thread-local variable and not one of the process: simulations
 * run side by side with ordinary loops and with each other, each on a thread of its own. */
#include <stddef.h>

#include "system/ambient.h"

static _Thread_local wherry_system *chosen;

wherry_system *wherry__system_ambient(void)
{
    if (chosen != NULL)
        return chosen;
#ifdef __linux__
    return wherry_system_epoll();
#else
    return wherry_system_poll();
#endif
}

wherry_system *wherry__system_set_ambient(wherry_system *system)
{
    wherry_system *former = chosen;

    chosen = system;
    return former;
}
