/* Name servers: read here, byte by byte, since c-ares takes "127.0.0.1:99999" for some other port
 * and "[::1" for an address. */
#include "net/name_servers.h"

#include <string.h>

#include <wherry/error.h>

#include "base/error.h"
#include "net/address_text.h"

#define PORT 53 /* RFC 1035 section 4.2 */

/* Reads the one that ends at scan->end. */
static int read_one(wherry__scan *scan, wherry_address *server)
{
    size_t begin = scan->at;
    size_t port;
    int result;

    if (scan->at == scan->end)
        return wherry__scan_fail(scan, WHERRY_E_INVALID, "a name server is missing");
    result = wherry__scan_peek(scan) == '[' ? wherry__scan_ipv6(scan, WHERRY__ADDRESS_ALONE, server)
                                            : wherry__scan_ipv4(scan, server);
    if (result < 0)
        return result;
    port = scan->at;
    server->port = PORT;
    if (scan->at < scan->end)
        result = wherry__scan_port(scan, server);
    if (result == WHERRY_OK && server->port == 0) {
        scan->at = port;
        return wherry__scan_fail(scan, WHERRY_E_INVALID, "port 0 is not one of a name server");
    }
    if (result == WHERRY_OK && server->scope != 0) {
        scan->at = begin;
        return wherry__scan_fail(scan, WHERRY_E_INVALID, "a name server cannot have a scope");
    }
    return result;
}

int wherry__name_servers_read(const char *text, wherry_address servers[WHERRY__NAME_SERVERS_MAX])
{
    wherry__scan scan = { .text = text, .length = strlen(text) };
    int count = 0;
    int result;

    do {
        const char *comma = strchr(text + scan.at, ',');

        scan.end = comma == NULL ? scan.length : (size_t)(comma - text);
        if (count == WHERRY__NAME_SERVERS_MAX)
            return wherry__scan_fail(&scan, WHERRY_E_TOO_LARGE, "more than %d name servers",
                                     WHERRY__NAME_SERVERS_MAX);
        servers[count] = (wherry_address){ .family = WHERRY_FAMILY_NONE };
        result = read_one(&scan, &servers[count++]);
        scan.end = scan.length;
    } while (result == WHERRY_OK && wherry__scan_take(&scan, ','));
    return result < 0 ? result : count;
}
