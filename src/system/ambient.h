/* The system of the surroundings: what a loop takes that was not given one. It is the thread's
 * affair, so that a program that runs inside a simulation gets the simulated one without being
 * told. */
#ifndef WHERRY_SYSTEM_AMBIENT_H
#define WHERRY_SYSTEM_AMBIENT_H

#include <wherry/system.h>

/* Never NULL: wherry_system_epoll() on Linux, wherry_system_poll() elsewhere, unless another was
 * set on this thread. */
wherry_system *wherry__system_ambient(void);

/* Sets this thread's, or with NULL takes that back. Returns the former one, NULL for none. */
wherry_system *wherry__system_set_ambient(wherry_system *system);

#endif
