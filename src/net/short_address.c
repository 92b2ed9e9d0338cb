/* Addresses in the space that a stream can spare for them. */
#include "net/stream.h"

#include <string.h>

void wherry__address_shorten(wherry_loop *loop, wherry__short_address *shortened,
                             const wherry_address *address)
{
    *shortened = (wherry__short_address){ .family = (uint8_t)address->family,
                                          .port = address->port,
                                          .scope = address->scope };
    if (address->family == WHERRY_FAMILY_IPV4) {
        memcpy(shortened->at.ipv4, address->at.ipv4, sizeof(shortened->at.ipv4));
    } else if (address->family == WHERRY_FAMILY_IPV6) {
        memcpy(shortened->at.ipv6, address->at.ipv6, sizeof(shortened->at.ipv6));
    } else if (address->family == WHERRY_FAMILY_UNIX) {
        shortened->at.whole = wherry__memory_take(wherry__loop_memory(loop), sizeof(*address));
        if (shortened->at.whole == NULL)
            shortened->family = WHERRY_FAMILY_NONE;
        else
            *shortened->at.whole = *address;
    }
}

void wherry__address_lengthen(const wherry__short_address *shortened, wherry_address *address)
{
    if (shortened->family == WHERRY_FAMILY_UNIX) {
        *address = *shortened->at.whole;
        return;
    }
    memset(address, 0, sizeof(*address));
    address->family = (wherry_family)shortened->family;
    address->port = shortened->port;
    address->scope = shortened->scope;
    memcpy(address->at.ipv6, shortened->at.ipv6, sizeof(shortened->at.ipv6));
}

void wherry__address_clear(wherry_loop *loop, wherry__short_address *shortened)
{
    if (shortened->family == WHERRY_FAMILY_UNIX)
        wherry__memory_give(wherry__loop_memory(loop), shortened->at.whole,
                            sizeof(*shortened->at.whole));
    shortened->family = WHERRY_FAMILY_NONE;
}
