/* The text of addresses, in the two forms in which it is written: alone, and inside an endpoint. */
#ifndef WHERRY_NET_ADDRESS_TEXT_H
#define WHERRY_NET_ADDRESS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <wherry/address.h>

#include "net/scan.h"

/* Alone, a path is known by a slash, and the scope of an IPv6 address follows a "%". In an endpoint
 * the scheme tells what is a path, and the "%" is written "%25", as in any URI (RFC 6874 section
 * 2). */
typedef enum wherry__address_form {
    WHERRY__ADDRESS_ALONE = 1,
    WHERRY__ADDRESS_IN_ENDPOINT,
} wherry__address_form;

/* These read from a scan into the members of *address that they are about, and set its family.
 * Errors as wherry_address_parse; *address may be half filled then. */

/* Four decimal numbers, as "127.0.0.1". */
int wherry__scan_ipv4(wherry__scan *scan, wherry_address *address);
/* A bracketed address with its scope, as "[fe80::1%eth0]". The next byte is the opening bracket. */
int wherry__scan_ipv6(wherry__scan *scan, wherry__address_form form, wherry_address *address);
/* A port with its colon, which must be the last thing, as ":7000". */
int wherry__scan_port(wherry__scan *scan, wherry_address *address);
/* A Unix path, or an abstract name with its "@", up to the end. */
int wherry__scan_unix(wherry__scan *scan, wherry_address *address);

/* Whether the address is one: of a known family, and for Unix with a path that the system can be
 * given. */
bool wherry__address_usable(const wherry_address *address);

/* Writes the text of an address with a final zero and returns its length. */
size_t wherry__address_write(const wherry_address *address, wherry__address_form form,
                             char text[WHERRY_ADDRESS_TEXT_SIZE]);

/* Copies length bytes of text to copy, which has size bytes, cut and with a final zero, if there is
 * room for that. Returns length. */
size_t wherry__copy_text(char *copy, size_t size, const char *text, size_t length);

#endif
