/* Endpoint: the text form of where to listen or to connect. Reading one asks nobody on the network:
 * the name of a host is only checked and handed on. */
#include <wherry/endpoint.h>

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/size.h"
#include "net/address_text.h"
#include "net/host.h"
#include "net/scan.h"

/* No endpoint is longer: the longest is a path with all bytes written %XX. What is longer is not
 * looked at. */
#define LONGEST (WHERRY_ENDPOINT_TEXT_SIZE - 1)

/* Room for the name of a service with its final zero: RFC 6335 has 15 bytes, and some are longer.
 */
#define SERVICE_SIZE 32

typedef struct scheme {
    const char *name;
    wherry_transport transport;
    bool supported;
} scheme;

static const scheme schemes[] = {
    { "tcp", WHERRY_TRANSPORT_TCP, true },
    { "unix", WHERRY_TRANSPORT_UNIX, true },
    { "tls", WHERRY_TRANSPORT_TLS, false },
    { "udp", WHERRY_TRANSPORT_UDP, false },
};

#define SCHEME_COUNT (sizeof(schemes) / sizeof(schemes[0]))

static int fail_at(wherry__scan *scan, size_t at, const char *problem)
{
    scan->at = at;
    return wherry__scan_fail(scan, WHERRY_E_INVALID, "%s", problem);
}

static int fail_scheme(wherry__scan *scan, size_t begin)
{
    char name[24];
    size_t length = scan->at - begin;

    scan->at = begin;
    wherry__escape(name, sizeof(name), wherry_bytes_at(scan->text + begin, length));
    return wherry__scan_fail(scan, WHERRY_E_INVALID,
                             "unknown scheme \"%s\", not one of tcp, unix, tls, udp", name);
}

/* Reads the scheme and its colon. Letters of any case: RFC 3986 section 3.1. */
static int scan_scheme(wherry__scan *scan, wherry_transport *transport)
{
    size_t begin = scan->at;
    size_t i = 0;

    while (scan->at < scan->end && wherry__scan_peek(scan) != ':')
        scan->at++;
    while (i < SCHEME_COUNT &&
           !wherry__is_word(scan->text + begin, scan->at - begin, schemes[i].name))
        i++;
    if (i == SCHEME_COUNT)
        return fail_scheme(scan, begin);
    if (!wherry__scan_take(scan, ':'))
        return wherry__scan_fail(scan, WHERRY_E_INVALID, "a colon must follow the scheme");
    if (!schemes[i].supported) {
        scan->at = begin;
        return wherry__scan_fail(scan, WHERRY_E_UNSUPPORTED, "%s endpoints are not supported here",
                                 schemes[i].name);
    }
    *transport = schemes[i].transport;
    return WHERRY_OK;
}

/* Whether two slashes come next; they are stepped over. */
static bool take_slashes(wherry__scan *scan)
{
    if (scan->end - scan->at < 2 || memcmp(scan->text + scan->at, "//", 2) != 0)
        return false;
    scan->at += 2;
    return true;
}

/* Reads a host other than a bracketed one. */
static int scan_plain_host(wherry__scan *scan, wherry__host *host)
{
    const char *text = scan->text + scan->at;
    const char *colon = memchr(text, ':', scan->end - scan->at);
    size_t end = colon != NULL ? (size_t)(colon - scan->text) : scan->end;

    if (end == scan->at)
        return wherry__scan_fail(scan, WHERRY_E_INVALID,
                                 "the host is missing, or an IPv6 address without brackets");
    if (end - scan->at > 1 || text[0] != '*')
        return wherry__scan_host(scan, end, host);
    wherry__host_set_both(host, false);
    scan->at = end;
    return WHERRY_OK;
}

static int scan_host(wherry__scan *scan, wherry_endpoint *endpoint)
{
    wherry__host host = { .count = 1 };
    size_t begin = scan->at;
    int result;

    if (wherry__scan_peek(scan) == '[')
        result = wherry__scan_ipv6(scan, WHERRY__ADDRESS_IN_ENDPOINT, &host.addresses[0]);
    else
        result = scan_plain_host(scan, &host);
    if (result < 0)
        return result;
    endpoint->count = host.count;
    memcpy(endpoint->addresses, host.addresses, sizeof(endpoint->addresses));
    if (host.count == 0) /* its length was checked */
        memcpy(endpoint->name, scan->text + begin, scan->at - begin);
    return WHERRY_OK;
}

/* Whether a port is a word: the name of a service (RFC 6335 section 5.1). */
static bool is_service(const char *text, size_t length)
{
    size_t i = 0;

    while (i < length && (wherry__is_digit((unsigned char)text[i]) || text[i] == '-' ||
                          ((text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'z')))
        i++;
    return i == length && length > 0 && length < SERVICE_SIZE && text[0] >= 'A';
}

/* Reads ":SERVICE", asking the system's list of them, services(5). Letters of any case: RFC 6335
 * section 5.1. */
static int scan_service(wherry__scan *scan, wherry_address *port)
{
    char name[SERVICE_SIZE] = "";
    char room[1024];
    struct servent entry;
    struct servent *found = NULL;

    scan->at++;
    for (size_t i = 0; scan->at + i < scan->end; i++)
        name[i] = (char)(scan->text[scan->at + i] | 0x20); /* digits and hyphens have that bit */
    if (getservbyname_r(name, "tcp", &entry, room, sizeof(room), &found) != 0 || found == NULL)
        return wherry__scan_fail(scan, WHERRY_E_INVALID, "no service is known as \"%s\"", name);
    port->port = ntohs((uint16_t)found->s_port);
    scan->at = scan->end;
    return WHERRY_OK;
}

static int scan_port(wherry__scan *scan, wherry_address *port)
{
    const char *text = scan->text + scan->at;

    if (scan->end - scan->at > 1 && text[0] == ':' &&
        is_service(text + 1, scan->end - scan->at - 1))
        return scan_service(scan, port);
    return wherry__scan_port(scan, port);
}

/* Reads "//HOST:PORT". */
static int scan_internet(wherry__scan *scan, wherry_endpoint *endpoint)
{
    wherry_address port = { 0 };
    size_t i;
    int result;

    if (!take_slashes(scan))
        return wherry__scan_fail(scan, WHERRY_E_INVALID, "\"//\" must follow the scheme");
    result = scan_host(scan, endpoint);
    if (result == WHERRY_OK)
        result = scan_port(scan, &port);
    if (result < 0)
        return result;
    endpoint->port = port.port;
    for (i = 0; i < endpoint->count; i++)
        endpoint->addresses[i].port = port.port;
    return WHERRY_OK;
}

static int scan_endpoint(wherry__scan *scan, wherry_endpoint *endpoint)
{
    int result = scan_scheme(scan, &endpoint->transport);

    if (result < 0)
        return result;
    if (endpoint->transport != WHERRY_TRANSPORT_UNIX)
        return scan_internet(scan, endpoint);
    take_slashes(scan);
    endpoint->count = 1;
    return wherry__scan_unix(scan, &endpoint->addresses[0]);
}

/* Finds the end of the endpoint that begins here. */
static int find_end(wherry__scan *scan)
{
    size_t begin = scan->at;
    size_t most = wherry__size_min(scan->length - begin, LONGEST);
    size_t end;

    for (end = begin; end < begin + most && scan->text[end] != ' '; end++) {
        unsigned char byte = (unsigned char)scan->text[end];

        if (byte < ' ' || byte == 0x7f)
            return fail_at(scan, end, "a control byte; endpoints are separated by spaces");
    }
    if (end < scan->length && scan->text[end] != ' ')
        return fail_at(scan, begin, "an endpoint that is too long");
    scan->end = end;
    return WHERRY_OK;
}

int wherry_endpoint_next(wherry_endpoint *endpoint, const char *text, size_t *position)
{
    wherry__scan scan = { .text = text };
    wherry_endpoint found;
    int result;

    if (endpoint == NULL || text == NULL || position == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "wherry_endpoint_next: an argument is NULL");
    scan.length = scan.end = strlen(text);
    if (*position > scan.length)
        return wherry__fail(WHERRY_E_MISUSE, "wherry_endpoint_next: position %zu is behind the end",
                            *position);
    scan.at = *position;
    while (wherry__scan_take(&scan, ' '))
        continue;
    *position = scan.at;
    if (scan.at == scan.length)
        return 0;
    memset(&found, 0, sizeof(found));
    result = find_end(&scan);
    if (result == WHERRY_OK)
        result = scan_endpoint(&scan, &found);
    *position = scan.at;
    if (result < 0)
        return result;
    *endpoint = found;
    return 1;
}

/* What stands before the address; NULL when the address is not one for the transport. */
static const char *prefix(wherry_transport transport, const wherry_address *address)
{
    bool internet = address->family == WHERRY_FAMILY_IPV4 || address->family == WHERRY_FAMILY_IPV6;

    switch (transport) {
    case WHERRY_TRANSPORT_TCP:
        return internet ? "tcp://" : NULL;
    case WHERRY_TRANSPORT_TLS:
        return internet ? "tls://" : NULL;
    case WHERRY_TRANSPORT_UDP:
        return internet ? "udp://" : NULL;
    case WHERRY_TRANSPORT_UNIX:
        if (internet || !wherry__address_usable(address))
            return NULL;
        return address->at.path[0] == '/' ? "unix://" : "unix:";
    default:
        return NULL;
    }
}

size_t wherry_endpoint_format(wherry_transport transport, const wherry_address *address, char *text,
                              size_t size)
{
    char whole[WHERRY_ENDPOINT_TEXT_SIZE];
    const char *before = address != NULL ? prefix(transport, address) : NULL;
    size_t length = 0;

    if (before == NULL)
        return wherry__copy_text(text, size, "-", 1);
    length = wherry__copy_text(whole, sizeof(whole), before, strlen(before));
    length += wherry__address_write(address, WHERRY__ADDRESS_IN_ENDPOINT, whole + length);
    return wherry__copy_text(text, size, whole, length);
}
