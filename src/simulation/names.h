/* Names: what the tester says that names of hosts mean, for who answers questions. */
#ifndef WHERRY_SIMULATION_NAMES_H
#define WHERRY_SIMULATION_NAMES_H

#include "simulation/host_name.h"
#include "simulation/world.h"

typedef struct wherry__sim_entry {
    wherry__link link;
    wherry__table_entry by_name;
    char name[WHERRY__SIM_NAME_LONGEST + 2]; /* as it is found */
    wherry__sim_name addresses[WHERRY__SIM_ADDRESSES];
    size_t count;
    int64_t delay; /* WHERRY_NEVER: no answer; 0: what a link takes */
    int failure;   /* a negated errno(3) value; 0: none */
} wherry__sim_entry;

/* Copies a name as it is found: without a dot at its end, and with small letters. NULL: it is done;
 * else why no host can have it, and at which byte. */
const char *wherry__sim_entry_key(char *copy, const char *name, size_t *at);

/* What was said of a name, as it is found; NULL: nothing. */
wherry__sim_entry *wherry__sim_entry_find(const wherry_simulation *world, const char *name);

#endif
