/* Directory: what the files that make hosts and change them need of it; world.h has the rest. */
#ifndef WHERRY_SIMULATION_DIRECTORY_H
#define WHERRY_SIMULATION_DIRECTORY_H

#include "simulation/world.h"

/* Parses one numeric address of length bytes. False: it is none. */
bool wherry__sim_parse_address(const char *text, size_t length, wherry__sim_name *address);

/* Whether one host can have these addresses, that were parsed from text. WHERRY_E_INVALID. */
int wherry__sim_check_addresses(const char *text, const wherry__sim_name *addresses, int count);

/* Whether a host can be named like that. WHERRY_E_MISUSE. */
int wherry__sim_check_name(const char *name);

/* Whether no host has the name or one of the addresses. WHERRY_E_EXISTS. */
int wherry__sim_check_others(const wherry_simulation *world, const char *name,
                             const wherry__sim_name *addresses, int count);

/* Has the host found by its name and addresses, and no more. WHERRY_E_NO_MEMORY: nothing is
 * changed. */
int wherry__sim_host_list(wherry__sim_host *host);
void wherry__sim_host_unlist(wherry__sim_host *host);

void wherry__sim_directory_init(wherry_simulation *world);
void wherry__sim_directory_clear(wherry_simulation *world);

#endif
