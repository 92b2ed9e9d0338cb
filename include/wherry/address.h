/* Address: one socket address, by value: IPv4, IPv6 with its scope, a Unix path, or an abstract Unix name. */
#ifndef WHERRY_ADDRESS_H
#define WHERRY_ADDRESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <wherry/bytes.h>
#include <wherry/export.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum wherry_family {
    WHERRY_FAMILY_NONE = 0, /* no address: that of an unnamed Unix socket, a pipe or a terminal */
    WHERRY_FAMILY_IPV4,
    WHERRY_FAMILY_IPV6,
    WHERRY_FAMILY_UNIX, /* a path, or an abstract name, which begins with a zero byte */
} wherry_family;

/* The longest path, and the longest abstract name with its zero byte: sun_path of unix(7). */
#define WHERRY_ADDRESS_PATH_MAX 108

typedef struct wherry_address {
    wherry_family family;
    uint16_t port;      /* IPv4, IPv6: in the host's byte order */
    uint16_t length;    /* of the Unix path (no final zero) or abstract name (with its first zero) */
    uint32_t scope;     /* IPv6: the index of the interface, 0 for none */
    union {
        uint8_t ipv4[4];
        uint8_t ipv6[16];
        char path[WHERRY_ADDRESS_PATH_MAX];
    } at;
} wherry_address;

/* Room for the text of any address, with its final zero. */
#define WHERRY_ADDRESS_TEXT_SIZE 440

/* Reads an address from length bytes of text (RFC 3986 section 3.2.2, RFC 4007 section 11): "127.0.0.1:7000", "[::1]:7000", "[fe80::1%eth0]:7000",
 * "/run/x.sock", "./x.sock", "@abstract". A path has a slash in it; in paths and names %XX stands for a byte. Numeric only:
 * names of hosts are not looked up. IPv4 is four decimal numbers without leading zeros; a port is 0 to 65535 without
 * sign or leading zeros.
 * WHERRY_E_INVALID: wherry_problem() tells what is wrong and where. WHERRY_E_TOO_LARGE: the Unix name is too long
 * (108 bytes for a path, 107 behind the @). *address is unchanged then. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_address_parse(wherry_address *address, const char *text,
                                                      size_t length);

/* Writes the text of an address, in the form that wherry_address_parse reads and RFC 5952 demands, to text with a final zero; cut at size bytes.
 * WHERRY_ADDRESS_TEXT_SIZE is enough for any. An address of no family is "-". Returns its whole length without the zero. */
WHERRY_PUBLIC size_t wherry_address_format(const wherry_address *address, char *text, size_t size);

/* From and to the system's form. from: WHERRY_E_UNSUPPORTED for another family; size 0, or a Unix address without a name, gives
 * WHERRY_FAMILY_NONE. to: returns the size that *storage has then; 0 for WHERRY_FAMILY_NONE. */
WHERRY_PUBLIC int wherry_address_from_system(wherry_address *address, const struct sockaddr *name,
                                             socklen_t size);
WHERRY_PUBLIC socklen_t wherry_address_to_system(const wherry_address *address,
                                                 struct sockaddr_storage *storage);

/* Whether both are the same address: 1 or 0. */
WHERRY_PUBLIC int wherry_address_equal(const wherry_address *one, const wherry_address *other);

#ifdef __cplusplus
}
#endif

#endif
