/* Address: one socket address, by value: IPv4, IPv6 with its scope, a Unix path, or an abstract
 * Unix name. */
#ifndef WHERRY_ADDRESS_H
#define WHERRY_ADDRESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

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

/* The longest path, and the longest abstract name with its zero byte: all of sun_path of unix(7),
 * since Linux takes a path without a final zero when its length is given. */
#define WHERRY_ADDRESS_PATH_MAX 108

typedef struct wherry_address {
    wherry_family family;
    uint16_t port;   /* IPv4, IPv6: in the host's byte order */
    uint16_t length; /* of the Unix path (no final zero) or abstract name (with its first zero) */
    uint32_t scope;  /* IPv6: the index of the interface, 0 for none */
    union {
        uint8_t ipv4[4];
        uint8_t ipv6[16];
        char path[WHERRY_ADDRESS_PATH_MAX];
    } at;
} wherry_address;

/* Room for the text of any address, with its final zero. */
#define WHERRY_ADDRESS_TEXT_SIZE 440

/* Reads an address from length bytes of text:
 *
 *     "127.0.0.1:7000"           four decimal numbers without leading zeros: RFC 3986 section 3.2.2
 *     "[::1]:7000"               RFC 4291 section 2.2
 *     "[fe80::1%eth0]:7000"      an interface's name or number, 0 for none: RFC 4007 section 11
 *     "/run/x.sock", "./x.sock"  a path has a slash in it
 *     "%78.sock"                 or begins with %XX: this is x.sock
 *     "@abstract"
 *
 * The number of an interface need not exist. A port is 0 to 65535 without a sign or leading zeros.
 * In paths and names %XX stands for a byte; spaces, percent signs and control bytes are always
 * written so, and a zero byte can only be in a name. Nothing else may stand before, behind or
 * between. Names of hosts are not looked up.
 *
 * WHERRY_E_INVALID: wherry_problem() tells what is wrong and at which byte, counted from 0.
 * WHERRY_E_TOO_LARGE: the Unix name is too long (108 bytes for a path, 107 behind the @).
 * WHERRY_E_MISUSE: address or text is NULL. WHERRY_E_SYSTEM: the interfaces cannot be asked for, as
 * when no descriptor is left. *address is unchanged then. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_address_parse(wherry_address *address, const char *text,
                                                      size_t length);

/* Writes the text of an address, in the form that wherry_address_parse reads as the same address
 * and RFC 5952 demands, to text with a final zero; cut at size bytes. A scope is the name of its
 * interface if it has one, else its number. In paths and names spaces, percent signs, control bytes
 * and bytes over 126 are %XX; so is the first byte of a path that begins with "@" or has no slash.
 * WHERRY_ADDRESS_TEXT_SIZE is enough for any. An address of no family, or a Unix address that
 * cannot be, is "-". Returns its whole length without the zero. */
WHERRY_PUBLIC size_t wherry_address_format(const wherry_address *address, char *text, size_t size);

/* From and to the system's form. from: WHERRY_E_UNSUPPORTED for another family, WHERRY_E_INVALID
 * for a size that does not go with the family, WHERRY_E_MISUSE for NULL; *address is unchanged
 * then. Size 0, or a Unix address without a name, gives WHERRY_FAMILY_NONE. The size that Linux
 * tells for a path of 108 bytes, one too large, is understood. to: returns the size that *storage
 * has then; 0 for WHERRY_FAMILY_NONE and for what is no address, such as a path with a zero byte in
 * it. */
WHERRY_PUBLIC int wherry_address_from_system(wherry_address *address, const struct sockaddr *name,
                                             socklen_t size);
WHERRY_PUBLIC socklen_t wherry_address_to_system(const wherry_address *address,
                                                 struct sockaddr_storage *storage);

/* Whether both are the same address: 1 or 0. All of no family are the same; NULL is none. */
WHERRY_PUBLIC int wherry_address_equal(const wherry_address *one, const wherry_address *other);

#ifdef __cplusplus
}
#endif

#endif
