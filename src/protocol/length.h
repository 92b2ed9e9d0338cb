/* The head of a message with a length prefix. It is read and written in line, since nearly every
 * message of such a protocol passes here, and there is nothing else to be done for its framing. */
#ifndef WHERRY_PROTOCOL_LENGTH_H
#define WHERRY_PROTOCOL_LENGTH_H

#include <endian.h>
#include <string.h>

#include "base/usually.h"
#include "protocol/framing.h"

/* The length that is said by the settings->width bytes at place. */
static inline uint64_t wherry__length_get(const wherry__settings *settings, const uint8_t *place)
{
    bool little_endian = settings->little_endian;
    uint64_t eight;
    uint32_t four;
    uint16_t two;

    if (WHERRY__USUALLY(settings->width == sizeof(four))) {
        memcpy(&four, place, sizeof(four));
        return little_endian ? le32toh(four) : be32toh(four);
    }
    if (settings->width == sizeof(eight)) {
        memcpy(&eight, place, sizeof(eight));
        return little_endian ? le64toh(eight) : be64toh(eight);
    }
    if (settings->width == sizeof(two)) {
        memcpy(&two, place, sizeof(two));
        return little_endian ? le16toh(two) : be16toh(two);
    }
    return place[0];
}

/* Whether bytes begin with a whole message within the limit, which is *message then. */
static inline bool wherry__length_is_whole(const wherry__settings *settings, wherry_bytes bytes,
                                           wherry_bytes *message)
{
    uint64_t length;

    if (bytes.length < settings->width)
        return false;
    length = wherry__length_get(settings, bytes.data);
    if (length > settings->message_size_max || length > bytes.length - settings->width)
        return false;
    *message = wherry_bytes_at(bytes.data + settings->width, (size_t)length);
    return true;
}

/* Puts length in settings->width bytes to place and returns the place behind them. */
static inline uint8_t *wherry__length_put(const wherry__settings *settings, uint8_t *place,
                                          uint64_t length)
{
    bool little_endian = settings->little_endian;
    uint64_t eight;
    uint32_t four;
    uint16_t two;

    if (WHERRY__USUALLY(settings->width == sizeof(four))) {
        four = little_endian ? htole32((uint32_t)length) : htobe32((uint32_t)length);
        memcpy(place, &four, sizeof(four));
    } else if (settings->width == sizeof(eight)) {
        eight = little_endian ? htole64(length) : htobe64(length);
        memcpy(place, &eight, sizeof(eight));
    } else if (settings->width == sizeof(two)) {
        two = little_endian ? htole16((uint16_t)length) : htobe16((uint16_t)length);
        memcpy(place, &two, sizeof(two));
    } else {
        place[0] = (uint8_t)length;
    }
    return place + settings->width;
}

#endif
