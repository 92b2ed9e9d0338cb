/* Host: telling numbers from names, and names that can be from those that cannot, so that a mistake
 * is shown at its place and not taken for a name that nobody knows. */
#include "net/host.h"

#include <string.h>

#include <wherry/error.h>

#include "net/address_text.h"

/* RFC 1035 section 2.3.4, without the final dot. */
enum { NAME_LONGEST = 253, LABEL_LONGEST = 63 };

void wherry__host_set_both(wherry__host *host, bool loopback)
{
    static const uint8_t loopback_ipv4[4] = { 127, 0, 0, 1 };

    *host = (wherry__host){ .count = 2 };
    host->addresses[0].family = WHERRY_FAMILY_IPV6;
    host->addresses[1].family = WHERRY_FAMILY_IPV4;
    if (!loopback)
        return;
    host->addresses[0].at.ipv6[15] = 1;
    memcpy(host->addresses[1].at.ipv4, loopback_ipv4, sizeof(loopback_ipv4));
}

static int fail_at(wherry__scan *scan, size_t at, const char *problem)
{
    scan->at = at;
    return wherry__scan_fail(scan, WHERRY_E_INVALID, "%s", problem);
}

/* Whether it is meant as an IPv4 address: its last label is a decimal or hexadecimal number, which
 * none of a name is. So "127.1" is a mistake and not a name to be looked up, as which it might lead
 * anywhere. */
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

/* RFC 6761 section 6.3: localhost, and all under it, is this machine, whatever a name server might
 * say. */
static bool is_localhost(const char *host, size_t length)
{
    static const char word[] = "localhost";
    const size_t size = sizeof(word) - 1;

    if (length > 0 && host[length - 1] == '.')
        length--;
    if (length < size || !wherry__is_word(host + length - size, size, word))
        return false;
    return length == size || host[length - size - 1] == '.';
}

static bool is_name_byte(int byte)
{
    return wherry__is_digit(byte) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           byte == '-' || byte == '_';
}

static int check_byte(wherry__scan *scan)
{
    int byte = wherry__scan_peek(scan);

    if (byte >= 0x80)
        return fail_at(scan, scan->at,
                       "names of hosts are ASCII; an international one is written as xn--");
    return is_name_byte(byte) ? WHERRY_OK : fail_at(scan, scan->at, "no byte of a host");
}

/* Steps over one label. */
static int scan_label(wherry__scan *scan, size_t end)
{
    size_t begin = scan->at;

    for (; scan->at < end && wherry__scan_peek(scan) != '.'; scan->at++) {
        int result = check_byte(scan);

        if (result < 0)
            return result;
        if (scan->at - begin == LABEL_LONGEST)
            return fail_at(scan, scan->at, "a label of more than 63 bytes in the name of a host");
    }
    if (scan->at == begin)
        return fail_at(scan, begin, "an empty label in the name of a host");
    if (scan->text[begin] == '-')
        return fail_at(scan, begin, "a label cannot begin with a hyphen");
    if (scan->text[scan->at - 1] == '-')
        return fail_at(scan, scan->at - 1, "a label cannot end with a hyphen");
    return WHERRY_OK;
}

static int scan_name(wherry__scan *scan, size_t end)
{
    size_t begin = scan->at;
    size_t length = end - begin;
    int result = WHERRY_OK;

    if (length > NAME_LONGEST && (length > NAME_LONGEST + 1 || scan->text[end - 1] != '.'))
        return fail_at(scan, begin, "the name of a host is longer than 253 bytes");
    while (result == WHERRY_OK && scan->at < end) {
        result = scan_label(scan, end);
        if (result == WHERRY_OK && scan->at < end)
            scan->at++;
    }
    return result;
}

int wherry__scan_host(wherry__scan *scan, size_t end, wherry__host *host)
{
    const char *text = scan->text + scan->at;
    size_t length = end - scan->at;
    size_t begin = scan->at;
    int result;

    *host = (wherry__host){ .count = 0 };
    if (ends_in_number(text, length)) {
        host->count = 1;
        return wherry__scan_ipv4(scan, &host->addresses[0]);
    }
    result = scan_name(scan, end);
    if (result == WHERRY_OK && is_localhost(scan->text + begin, length))
        wherry__host_set_both(host, true);
    return result;
}
