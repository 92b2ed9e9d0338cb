/* Endpoint: the text form of where to listen or to connect. Only what is written in numbers is read
 * here, and the few names whose meaning is fixed; what would need a question to the network is
 * refused rather than asked behind the caller's back. */
#include <wherry/endpoint.h>

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/size.h"
#include "net/address_text.h"
#include "net/scan.h"

/* No endpoint is longer: the longest is a path with all bytes written %XX. What is longer is not
 * looked at. */
#define LONGEST (WHERRY_ENDPOINT_TEXT_SIZE - 1)

/* Names of hosts: RFC 1035 section 2.3.4, without the final dot. */
enum { HOST_LONGEST = 253, LABEL_LONGEST = 63 };

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

/* Makes the endpoint stand for all interfaces, or for this machine itself, in both families. RFC
 * 8305 section 4: IPv6 first. */
static void add_both(wherry_endpoint *endpoint, bool loopback)
{
    static const uint8_t loopback_ipv4[4] = { 127, 0, 0, 1 };

    endpoint->count = 2;
    endpoint->addresses[0].family = WHERRY_FAMILY_IPV6;
    endpoint->addresses[1].family = WHERRY_FAMILY_IPV4;
    if (!loopback)
        return;
    endpoint->addresses[0].at.ipv6[15] = 1;
    memcpy(endpoint->addresses[1].at.ipv4, loopback_ipv4, sizeof(loopback_ipv4));
}

/* Whether a host that is not in brackets is meant as an IPv4 address: its last label is a decimal
 * or hexadecimal number, which none of a name is. So "127.1" is a mistake and not a name to be
 * looked up, as which it might lead anywhere. */
static bool ends_in_number(const char *host, size_t length)
{
    size_t begin;
    size_t i;

    if (length > 0 && host[length - 1] == '.')
        length--;
    for (begin = length; begin > 0 && host[begin - 1] != '.'; begin--)
        continue;
    if (length - begin > 2 && host[begin] == '0' && (host[begin + 1] | 0x20) == 'x') {
        for (i = begin + 2; i < length && wherry__hex_digit((unsigned char)host[i]) >= 0; i++)
            continue;
        return i == length;
    }
    for (i = begin; i < length && wherry__is_digit((unsigned char)host[i]); i++)
        continue;
    return i == length && length > begin;
}

static bool is_name_byte(int byte)
{
    return wherry__is_digit(byte) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           byte == '-' || byte == '_';
}

/* Steps over the name of a host, which ends at end, and checks it, so that a mistake is not taken
 * for a name nobody knows. */
static int scan_name(wherry__scan *scan, size_t end)
{
    size_t begin = scan->at;
    size_t label = begin;

    for (; scan->at < end; scan->at++) {
        int byte = wherry__scan_peek(scan);

        if (byte != '.' && !is_name_byte(byte))
            return fail_at(scan, scan->at, "no byte of a host");
        if (byte == '.' && scan->at == label)
            return fail_at(scan, scan->at, "an empty label in the name of a host");
        if (byte != '.' && scan->at - label == LABEL_LONGEST)
            return fail_at(scan, scan->at, "a label of more than 63 bytes in the name of a host");
        if (byte == '.')
            label = scan->at + 1;
    }
    if (end - begin > HOST_LONGEST + (size_t)(label == end))
        return fail_at(scan, begin, "the name of a host is longer than 253 bytes");
    return WHERRY_OK;
}

/* Reads a host other than a bracketed one. A name leaves the endpoint without addresses. */
static int scan_plain_host(wherry__scan *scan, wherry_endpoint *endpoint)
{
    const char *host = scan->text + scan->at;
    const char *colon = memchr(host, ':', scan->end - scan->at);
    size_t length = colon != NULL ? (size_t)(colon - host) : scan->end - scan->at;
    bool everywhere = length == 1 && host[0] == '*';

    if (length == 0)
        return wherry__scan_fail(scan, WHERRY_E_INVALID,
                                 "the host is missing, or an IPv6 address without brackets");
    /* RFC 6761 section 6.3: localhost is this machine, whatever a name server might say. */
    if (everywhere || wherry__is_word(host, length, "localhost") ||
        wherry__is_word(host, length, "localhost.")) {
        add_both(endpoint, !everywhere);
        scan->at += length;
        return WHERRY_OK;
    }
    if (!ends_in_number(host, length))
        return scan_name(scan, scan->at + length);
    endpoint->count = 1;
    return wherry__scan_ipv4(scan, &endpoint->addresses[0]);
}

static int scan_host(wherry__scan *scan, wherry_endpoint *endpoint)
{
    if (wherry__scan_peek(scan) != '[')
        return scan_plain_host(scan, endpoint);
    endpoint->count = 1;
    return wherry__scan_ipv6(scan, WHERRY__ADDRESS_IN_ENDPOINT, &endpoint->addresses[0]);
}

/* Reads "//HOST:PORT". A name is refused only behind everything else, so that the text that is
 * refused for it is well formed. */
static int scan_internet(wherry__scan *scan, wherry_endpoint *endpoint)
{
    wherry_address port = { 0 };
    size_t host;
    size_t i;
    int result;

    if (!take_slashes(scan))
        return wherry__scan_fail(scan, WHERRY_E_INVALID, "\"//\" must follow the scheme");
    host = scan->at;
    result = scan_host(scan, endpoint);
    if (result == WHERRY_OK)
        result = wherry__scan_port(scan, &port);
    if (result < 0)
        return result;
    if (endpoint->count == 0) {
        scan->at = host;
        return wherry__scan_fail(scan, WHERRY_E_NO_NAME,
                                 "names of hosts other than localhost are not looked up");
    }
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
