/* Host: what stands where an endpoint or a lookup says which machine is meant: an address in
 * numbers, localhost, or a name to be looked up. */
#ifndef WHERRY_NET_HOST_H
#define WHERRY_NET_HOST_H

#include <stddef.h>

#include <wherry/address.h>

#include "net/scan.h"

/* What is known of a host before anybody is asked. */
typedef struct wherry__host {
    size_t count; /* of addresses; 0: it is a name that has to be looked up */
    wherry_address addresses[2];
} wherry__host;

/* Makes host all interfaces, or else this machine itself, in both families, IPv6 first. */
void wherry__host_set_both(wherry__host *host, bool loopback);

/* Reads a host without brackets, which reaches up to end: four decimal numbers, localhost or a name
 * under it (RFC 6761 section 6.3), or a name of letters, digits, hyphens and underscores (RFC 1123
 * section 2.1, RFC 1035 section 2.3.4). WHERRY_E_INVALID. */
int wherry__scan_host(wherry__scan *scan, size_t end, wherry__host *host);

#endif
