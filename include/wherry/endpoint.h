/* Endpoint: the text form of where to listen or to connect: "tcp://127.0.0.1:7000",
 * "tcp://[::]:7000", "tcp://localhost:7000", "tcp://example.org:https", "unix:///run/x.sock",
 * "unix:x.sock", "unix:@name".
 *
 *     endpoint = scheme "://" host ":" port           scheme tcp
 *              | scheme ":" [ "//" ] path             scheme unix
 *              | scheme ":" [ "//" ] "@" name         scheme unix: an abstract name (Linux)
 *
 * "unix:///a/b" and "unix:/a/b" are the same path. Schemes and "localhost" are letters of any case.
 * Numeric hosts, ports, paths and names are as wherry_address_parse reads them, but that any path
 * is one; of an IPv6 address with a scope, "[fe80::1%25eth0]" is the form for URIs (RFC 6874),
 * "[fe80::1%eth0]" is read as well, and what follows "%25" is never read with the 25.
 *
 * A host is "*", an address, localhost or a name under it, which is this machine (RFC 6761), or a
 * name that is looked up where the endpoint is used: at most 253 bytes and a final dot, of labels
 * of 1 to 63 letters, digits, hyphens (not first or last) and underscores (RFC 1123, RFC 1035).
 * Other bytes are refused, and so is a name whose last label is a number; an international name is
 * written in its ASCII form, "xn--...". A port is a number from 0 to 65535 without a sign or
 * leading zeros, or the name of a TCP service in the system's list, services(5), which is read then
 * and there.
 *
 * A list of endpoints is separated by spaces, not by other blanks; a space, or any byte, in a path
 * or name is written %XX (RFC 3986 section 2.1). The host "*" means all interfaces of both
 * families: it is two listeners on one port. Where the machine has one family only, that one serves
 * alone, for "*" and for "localhost".
 */
#ifndef WHERRY_ENDPOINT_H
#define WHERRY_ENDPOINT_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/address.h>
#include <wherry/export.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum wherry_transport {
    WHERRY_TRANSPORT_TCP = 1,
    WHERRY_TRANSPORT_UNIX,
    WHERRY_TRANSPORT_TLS,
    WHERRY_TRANSPORT_UDP,
} wherry_transport;

/* How many addresses one endpoint can stand for before names are looked up. */
#define WHERRY_ENDPOINT_ADDRESSES_MAX 2

/* Room for the name of a host with a final dot and a final zero. */
#define WHERRY_HOST_NAME_SIZE 255

typedef struct wherry_endpoint {
    wherry_transport transport;
    size_t count; /* of addresses: two for "*" and "localhost" (IPv6 first), 0 for a name that has
                     to be looked up, else one */
    wherry_address addresses[WHERRY_ENDPOINT_ADDRESSES_MAX];
    uint16_t port;                    /* tcp */
    char name[WHERRY_HOST_NAME_SIZE]; /* to be looked up, as it was written; "": there is none */
} wherry_endpoint;

/* Reads the endpoint that begins at text[*position], behind spaces, sets *position behind it and
 * returns 1; returns 0 when there is none left. text is a list of any length, NUL-terminated. On
 * failure *position is where the mistake is, wherry_problem() says what it is, and *endpoint is
 * unchanged. WHERRY_E_INVALID: it is not well formed, or longer than WHERRY_ENDPOINT_TEXT_SIZE - 1
 * bytes. WHERRY_E_TOO_LARGE: the Unix path is too long. WHERRY_E_UNSUPPORTED: a scheme that this
 * build cannot serve (tls, udp). WHERRY_E_MISUSE: an argument is NULL, or *position behind the end.
 * WHERRY_E_SYSTEM: see wherry_address_parse. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_endpoint_next(wherry_endpoint *endpoint, const char *text,
                                                      size_t *position);

/* Writes the text of one address of an endpoint, as wherry_endpoint_next reads it, with a final
 * zero, cut at size bytes; WHERRY_ENDPOINT_TEXT_SIZE is enough for any. "-" for an address of no
 * family, or one that does not go with the transport. Returns its whole length without the zero. */
WHERRY_PUBLIC size_t wherry_endpoint_format(wherry_transport transport,
                                            const wherry_address *address, char *text, size_t size);

#define WHERRY_ENDPOINT_TEXT_SIZE (WHERRY_ADDRESS_TEXT_SIZE + 8)

#ifdef __cplusplus
}
#endif

#endif
