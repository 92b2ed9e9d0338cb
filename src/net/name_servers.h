/* Name servers: the list of them that a program gives. */
#ifndef WHERRY_NET_NAME_SERVERS_H
#define WHERRY_NET_NAME_SERVERS_H

#include <stddef.h>

#include <wherry/address.h>

/* The most that one list may have. */
#define WHERRY__NAME_SERVERS_MAX 16

/* Reads a list as wherry_loop_set_name_servers takes it, and returns how many there are, or
 * WHERRY_E_INVALID, _TOO_LARGE. */
int wherry__name_servers_read(const char *text, wherry_address servers[WHERRY__NAME_SERVERS_MAX]);

#endif
