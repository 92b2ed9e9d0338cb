/* Length prefix: in front of each message stands its length, in 1, 2, 4 or 8 bytes of either order.
 * The length does not count itself.
 *
 *     length16       00 05 h e l l o
 *     length16-le    05 00 h e l l o
 */
#include "base/size.h"
#include "protocol/framing.h"

/* The shift that brings the low byte of a length to its index-th byte on the wire. */
static size_t shift_of(const wherry__settings *settings, size_t index)
{
    return 8 * (settings->little_endian ? index : settings->width - 1 - index);
}

static uint64_t read_length(const wherry__settings *settings, const uint8_t *prefix)
{
    uint64_t length = 0;

    for (size_t i = 0; i < settings->width; i++)
        length |= (uint64_t)prefix[i] << shift_of(settings, i);
    return length;
}

/* Takes what has come of a message over the limit. */
static int discard(wherry__cursor *cursor)
{
    cursor->taken = cursor->length;
    if (cursor->skip < cursor->taken)
        cursor->taken = (size_t)cursor->skip;
    cursor->skip -= cursor->taken;
    return WHERRY_E_WOULD_BLOCK;
}

static int length_decode(const wherry__settings *settings, wherry__cursor *cursor,
                         wherry_bytes *message)
{
    uint64_t length;
    size_t whole;

    wherry__cursor_start(cursor);
    if (cursor->skip > 0)
        return discard(cursor);
    if (cursor->length < settings->width)
        return wherry__cursor_incomplete(cursor, 0);
    length = read_length(settings, cursor->data);
    if (length > settings->message_size_max) {
        cursor->skip = length;
        return wherry__cursor_malformed(cursor, settings->width,
                                        "the length of the message is over the limit");
    }
    whole = settings->width + (size_t)length;
    if (cursor->length < whole)
        return wherry__cursor_incomplete(cursor, whole);
    cursor->taken = whole;
    *message = wherry_bytes_at(cursor->data + settings->width, (size_t)length);
    return WHERRY_OK;
}

static int length_encode(const wherry__settings *settings, wherry__frame *frame,
                         const wherry_bytes *parts, size_t count, size_t total)
{
    (void)parts;
    (void)count;
    for (size_t i = 0; i < settings->width; i++)
        frame->head[i] = (uint8_t)((uint64_t)total >> shift_of(settings, i));
    frame->head_length = settings->width;
    frame->tail = wherry_bytes_at(NULL, 0);
    return WHERRY_OK;
}

/* The limit asked for may be more than the length can say. */
static int length_configure(wherry__settings *settings, wherry_bytes parameter)
{
    (void)parameter;
    if (settings->width < sizeof(uint32_t))
        settings->message_size_max = wherry__size_min(settings->message_size_max,
                                                      ((size_t)1 << (8 * settings->width)) - 1);
    return WHERRY_OK;
}

static const wherry__framing framing = { length_configure, length_decode, length_encode };

#define FORM(form, text, bytes, low_first, max)                                                    \
    const wherry__settings wherry__form_##form = { .framing = &framing,                            \
                                                   .message_size_max = (max),                      \
                                                   .name = text,                                   \
                                                   .width = (bytes),                               \
                                                   .little_endian = (low_first) }

FORM(length8, "length8", 1, false, UINT8_MAX);
FORM(length16, "length16", 2, false, UINT16_MAX);
FORM(length32, "length32", 4, false, WHERRY__MESSAGE_SIZE_MAX);
FORM(length64, "length64", 8, false, WHERRY__MESSAGE_SIZE_MAX);
FORM(length16_le, "length16-le", 2, true, UINT16_MAX);
FORM(length32_le, "length32-le", 4, true, WHERRY__MESSAGE_SIZE_MAX);
FORM(length64_le, "length64-le", 8, true, WHERRY__MESSAGE_SIZE_MAX);
