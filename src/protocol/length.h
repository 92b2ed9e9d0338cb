/* The head of a message with a length prefix. It is written in line, since nearly every message of
 * such a protocol passes here, and there is nothing else to be done for its framing. */
#ifndef WHERRY_PROTOCOL_LENGTH_H
#define WHERRY_PROTOCOL_LENGTH_H

#include <endian.h>
#include <string.h>

#include "base/usually.h"
#include "protocol/framing.h"

/* Puts length in settings->width bytes to place and returns the place behind them. */
static inline uint8_t *wherry__length_put(const wherry__settings *settings, uint8_t *place,
                                          uint64_t length)
{
    bool little_endian = settings->little_endian;
    uint64_t eight = little_endian ? htole64(length) : htobe64(length);
    uint32_t four = little_endian ? htole32((uint32_t)length) : htobe32((uint32_t)length);
    uint16_t two = little_endian ? htole16((uint16_t)length) : htobe16((uint16_t)length);

    if (WHERRY__USUALLY(settings->width == sizeof(four)))
        memcpy(place, &four, sizeof(four));
    else if (settings->width == sizeof(eight))
        memcpy(place, &eight, sizeof(eight));
    else if (settings->width == sizeof(two))
        memcpy(place, &two, sizeof(two));
    else
        place[0] = (uint8_t)length;
    return place + settings->width;
}

#endif
