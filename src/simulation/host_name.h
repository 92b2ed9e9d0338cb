/* Host name: what one can be like in a world. The same as in an endpoint (net/host.c), for no
 * program could ask for any other. */
#ifndef WHERRY_SIMULATION_HOST_NAME_H
#define WHERRY_SIMULATION_HOST_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the longest, without a dot at its end: RFC 1035 section 2.3.4. */
#define WHERRY__SIM_NAME_LONGEST 253

/* Why no host can have the name, of up to longest bytes, and at which of them; NULL: one can. */
const char *wherry__sim_name_problem(const char *name, size_t longest, size_t *at);

/* Whether it means each host itself: RFC 6761 section 6.3. */
bool wherry__sim_is_localhost(const char *name);

/* Copies a name with small letters, so that those which count alike are equal. copy has room for
 * it. */
void wherry__sim_name_fold(char *copy, const char *name);

#endif
