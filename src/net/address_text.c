/* The text of addresses. Reading is stricter than inet_aton(3) and getaddrinfo(3), which take
 * "127.1", "0x7f.1" and octal numbers: what one program reads as one address and the next as
 * another is a hole in whatever filters by address. Writing is the inverse of reading: every
 * address, whatever bytes its path has, is read back as the same. */
#include "net/address_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/size.h"

int wherry__scan_ipv4(wherry__scan *scan, wherry_address *address)
{
    size_t i;

    address->family = WHERRY_FAMILY_IPV4;
    for (i = 0; i < sizeof(address->at.ipv4); i++) {
        uint32_t number;
        int result;

        if (i > 0 && !wherry__scan_take(scan, '.'))
            return wherry__scan_fail(scan, WHERRY_E_INVALID,
                                     "an IPv4 address is four decimal numbers with dots between");
        result = wherry__scan_number(scan, "IPv4 part", UINT8_MAX, &number);
        if (result < 0)
            return result;
        address->at.ipv4[i] = (uint8_t)number;
    }
    return WHERRY_OK;
}

/* Whether a byte can stand in the name of an interface that is read or written here. A name with
 * others in it is written as a number. */
static bool is_zone_byte(int byte)
{
    return byte > ' ' && byte < 0x7f && byte != '[' && byte != ']' && byte != '%';
}

static bool is_number(const char *text, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++) {
        if (!wherry__is_digit((unsigned char)text[i]))
            return false;
    }
    return true;
}

/* Finds the interface whose name is the length bytes at scan->at. if_nametoindex(3) needs a
 * descriptor; C libraries do not agree on the error when there is none, so that it is not told
 * apart. */
static int find_interface(wherry__scan *scan, size_t length, uint32_t *scope)
{
    char name[IF_NAMESIZE];

    if (length < sizeof(name)) {
        memcpy(name, scan->text + scan->at, length);
        name[length] = '\0';
        *scope = if_nametoindex(name);
        if (*scope != 0) {
            scan->at += length;
            return WHERRY_OK;
        }
        if (errno != ENODEV && errno != ENXIO)
            return wherry__scan_fail(scan, WHERRY_E_SYSTEM,
                                     "the system cannot look for the network interface");
    }
    return wherry__scan_fail(scan, WHERRY_E_INVALID, "there is no such network interface");
}

static int fail_bracket(const wherry__scan *scan)
{
    return wherry__scan_fail(scan, WHERRY_E_INVALID, "the closing bracket is missing");
}

/* Reads what follows the percent sign of an IPv6 address (RFC 4007 section 11): the name of an
 * interface, or its number, which need not exist. In a URI the sign is written "%25", but the bare
 * one is what people type: RFC 6874 section 3 has both. */
static int scan_zone(wherry__scan *scan, wherry__address_form form, uint32_t *scope)
{
    size_t begin;
    size_t length;

    if (form == WHERRY__ADDRESS_IN_ENDPOINT && scan->end - scan->at >= 2 &&
        memcmp(scan->text + scan->at, "25", 2) == 0)
        scan->at += 2;
    begin = scan->at;
    while (is_zone_byte(wherry__scan_peek(scan)))
        scan->at++;
    length = scan->at - begin;
    if (length == 0)
        return wherry__scan_fail(scan, WHERRY_E_INVALID, "the network interface is missing");
    if (wherry__scan_peek(scan) != ']')
        return fail_bracket(scan);
    scan->at = begin;
    if (is_number(scan->text + begin, length))
        return wherry__scan_number(scan, "interface", UINT32_MAX, scope);
    return find_interface(scan, length, scope);
}

/* Reads up to the end of the digits, colons and dots. inet_pton(3) is as strict as RFC 4291
 * section 2.2 but wants a string of its own, and says no more than yes or no. */
static int scan_ipv6_digits(wherry__scan *scan, uint8_t ipv6[16])
{
    char digits[INET6_ADDRSTRLEN];
    size_t begin = scan->at;
    size_t length;
    int byte = wherry__scan_peek(scan);

    while (wherry__hex_digit(byte) >= 0 || byte == ':' || byte == '.') {
        scan->at++;
        byte = wherry__scan_peek(scan);
    }
    if (byte != ']' && byte != '%' && byte != -1)
        return wherry__scan_fail(scan, WHERRY_E_INVALID, "no byte of an IPv6 address");
    length = scan->at - begin;
    if (length < sizeof(digits)) {
        memcpy(digits, scan->text + begin, length);
        digits[length] = '\0';
        if (inet_pton(AF_INET6, digits, ipv6) == 1)
            return WHERRY_OK;
    }
    scan->at = begin;
    return wherry__scan_fail(scan, WHERRY_E_INVALID, "not an IPv6 address");
}

int wherry__scan_ipv6(wherry__scan *scan, wherry__address_form form, wherry_address *address)
{
    int result;

    address->family = WHERRY_FAMILY_IPV6;
    scan->at++;
    result = scan_ipv6_digits(scan, address->at.ipv6);
    if (result == WHERRY_OK && wherry__scan_take(scan, '%'))
        result = scan_zone(scan, form, &address->scope);
    if (result < 0)
        return result;
    return wherry__scan_take(scan, ']') ? WHERRY_OK : fail_bracket(scan);
}

int wherry__scan_port(wherry__scan *scan, wherry_address *address)
{
    uint32_t port;
    int result;

    if (!wherry__scan_take(scan, ':'))
        return wherry__scan_fail(scan, WHERRY_E_INVALID, "a colon and a port are missing");
    result = wherry__scan_number(scan, "port", UINT16_MAX, &port);
    if (result < 0)
        return result;
    if (scan->at < scan->end)
        return wherry__scan_fail(scan, WHERRY_E_INVALID, "nothing can stand behind the port");
    address->port = (uint16_t)port;
    return WHERRY_OK;
}

/* Whether a byte of a path is written as it is. Spaces would end an endpoint in a list, and control
 * bytes are what log files and terminals suffer from. Bytes over 127 are read as they are too,
 * since people write them. */
static bool is_plain(int byte)
{
    return byte > ' ' && byte < 0x7f && byte != '%';
}

/* Reads one byte of a path or name, as it is or as %XX. */
static int scan_path_byte(wherry__scan *scan, char *byte)
{
    int next = wherry__scan_peek(scan);
    int high;
    int low;

    if (next != '%') {
        if (!is_plain(next) && next < 0x80)
            return wherry__scan_fail(scan, WHERRY_E_INVALID,
                                     "a space or control byte is written %%%02X", (unsigned)next);
        *byte = (char)next;
        scan->at++;
        return WHERRY_OK;
    }
    high = scan->end - scan->at > 2 ? wherry__hex_digit(scan->text[scan->at + 1]) : -1;
    low = high >= 0 ? wherry__hex_digit(scan->text[scan->at + 2]) : -1;
    if (low < 0)
        return wherry__scan_fail(scan, WHERRY_E_INVALID, "two hexadecimal digits must follow %%");
    *byte = (char)(high * 16 + low);
    scan->at += 3;
    return WHERRY_OK;
}

static int fail_path(wherry__scan *scan, size_t at, int code, const char *problem)
{
    scan->at = at;
    return wherry__scan_fail(scan, code, "%s", problem);
}

int wherry__scan_unix(wherry__scan *scan, wherry_address *address)
{
    bool abstract = wherry__scan_take(scan, '@');
    size_t length = abstract; /* the zero that an abstract name begins with */

    address->family = WHERRY_FAMILY_UNIX;
    address->at.path[0] = '\0';
    while (scan->at < scan->end) {
        size_t at = scan->at;
        char byte = 0;
        int result = scan_path_byte(scan, &byte);

        if (result < 0)
            return result;
        if (byte == '\0' && !abstract)
            return fail_path(scan, at, WHERRY_E_INVALID, "a path cannot have a zero byte");
        if (length == WHERRY_ADDRESS_PATH_MAX)
            return fail_path(scan, at, WHERRY_E_TOO_LARGE,
                             abstract ? "the abstract name is longer than 107 bytes"
                                      : "the path is longer than 108 bytes");
        address->at.path[length++] = byte;
    }
    if (length == 0)
        return wherry__scan_fail(scan, WHERRY_E_INVALID, "the path is missing");
    address->length = (uint16_t)length;
    return WHERRY_OK;
}

/* A path is told from the rest by a slash, or by a "%" in front, which no IP address has: with
 * that, paths without a slash and those that begin with "@" can be written too. */
static int scan_address(wherry__scan *scan, wherry_address *address)
{
    int first = wherry__scan_peek(scan);
    int result;

    if (first == -1)
        return wherry__scan_fail(scan, WHERRY_E_INVALID, "the address is missing");
    if (first == '@' || first == '%' || memchr(scan->text, '/', scan->length) != NULL)
        return wherry__scan_unix(scan, address);
    if (first == '[')
        result = wherry__scan_ipv6(scan, WHERRY__ADDRESS_ALONE, address);
    else
        result = wherry__scan_ipv4(scan, address);
    return result < 0 ? result : wherry__scan_port(scan, address);
}

int wherry_address_parse(wherry_address *address, const char *text, size_t length)
{
    wherry__scan scan = { .text = text, .length = length, .end = length };
    wherry_address found;
    int result;

    if (address == NULL || (text == NULL && length > 0))
        return wherry__fail(WHERRY_E_MISUSE, "wherry_address_parse: no address or no text");
    if (text == NULL)
        scan.text = "";
    memset(&found, 0, sizeof(found));
    result = scan_address(&scan, &found);
    if (result == WHERRY_OK)
        *address = found;
    return result;
}

/* Writes what stands for the scope, with its percent sign: an empty text when there is none. */
static void write_zone(uint32_t scope, wherry__address_form form, char *text, size_t size)
{
    const char *sign = form == WHERRY__ADDRESS_IN_ENDPOINT ? "%25" : "%";
    char name[IF_NAMESIZE] = "";
    size_t length = 0;

    text[0] = '\0';
    if (scope == 0)
        return;
    if (if_indextoname(scope, name) != NULL) {
        while (is_zone_byte((unsigned char)name[length]))
            length++;
    }
    if (name[length] == '\0' && !is_number(name, length))
        snprintf(text, size, "%s%s", sign, name);
    else
        snprintf(text, size, "%s%lu", sign, (unsigned long)scope);
}

static size_t write_ipv4(const wherry_address *address, char *text)
{
    const uint8_t *ipv4 = address->at.ipv4;

    return (size_t)snprintf(text, WHERRY_ADDRESS_TEXT_SIZE, "%u.%u.%u.%u:%u", ipv4[0], ipv4[1],
                            ipv4[2], ipv4[3], address->port);
}

static size_t write_ipv6(const wherry_address *address, wherry__address_form form, char *text)
{
    char digits[INET6_ADDRSTRLEN] = "";
    char zone[IF_NAMESIZE + 3];

    inet_ntop(AF_INET6, address->at.ipv6, digits, sizeof(digits));
    write_zone(address->scope, form, zone, sizeof(zone));
    return (size_t)snprintf(text, WHERRY_ADDRESS_TEXT_SIZE, "[%s%s]:%u", digits, zone,
                            address->port);
}

/* Whether the first byte of a path must be written %XX so that it is read as a path. */
static bool hides_first(const wherry_address *address, wherry__address_form form)
{
    const char *path = address->at.path;

    if (path[0] == '@')
        return true;
    return form == WHERRY__ADDRESS_ALONE && path[0] != '\0' &&
           memchr(path, '/', address->length) == NULL;
}

static size_t write_unix(const wherry_address *address, wherry__address_form form, char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    bool hide = hides_first(address, form);
    size_t length = 0;
    size_t i = 0;

    if (address->at.path[0] == '\0') {
        text[length++] = '@';
        i++;
    }
    for (; i < address->length; i++) {
        unsigned char byte = (unsigned char)address->at.path[i];

        if (is_plain(byte) && !(hide && i == 0)) {
            text[length++] = (char)byte;
        } else {
            text[length++] = '%';
            text[length++] = hex[byte / 16];
            text[length++] = hex[byte % 16];
        }
    }
    text[length] = '\0';
    return length;
}

size_t wherry__address_write(const wherry_address *address, wherry__address_form form,
                             char text[WHERRY_ADDRESS_TEXT_SIZE])
{
    if (address == NULL || !wherry__address_usable(address))
        return wherry__copy_text(text, WHERRY_ADDRESS_TEXT_SIZE, "-", 1);
    if (address->family == WHERRY_FAMILY_IPV4)
        return write_ipv4(address, text);
    if (address->family == WHERRY_FAMILY_IPV6)
        return write_ipv6(address, form, text);
    return write_unix(address, form, text);
}

size_t wherry__copy_text(char *copy, size_t size, const char *text, size_t length)
{
    if (size > 0 && copy != NULL) {
        size_t part = wherry__size_min(length, size - 1);

        memcpy(copy, text, part);
        copy[part] = '\0';
    }
    return length;
}

size_t wherry_address_format(const wherry_address *address, char *text, size_t size)
{
    char whole[WHERRY_ADDRESS_TEXT_SIZE];
    size_t length = wherry__address_write(address, WHERRY__ADDRESS_ALONE, whole);

    return wherry__copy_text(text, size, whole, length);
}
