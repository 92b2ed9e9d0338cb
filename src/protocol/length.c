/* Length prefix: in front of each message stands its length, in 1, 2, 4 or 8 bytes of either order.
 * The length does not count itself.
 *
 *     length16       00 05 h e l l o
 *     length16-le    05 00 h e l l o
 */
#include "base/probe.h"
#include "base/size.h"
#include "protocol/length.h"

/* Takes what has come of a message over the limit. */
static int discard(wherry__cursor *cursor)
{
    WHERRY__PROBE_IF(cursor->skip > cursor->length, "length.skip.goes-on");
    WHERRY__PROBE_IF(cursor->skip < cursor->length, "length.skip.next-message-follows");
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
    length = wherry__length_get(settings, cursor->data);
    if (length > settings->message_size_max) {
        WHERRY__PROBE("length.over-the-limit");
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
    wherry__length_put(settings, frame->head, total);
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
                                                   .little_endian = (low_first),                   \
                                                   .only_length = true,                            \
                                                   .same_back = true }

FORM(length8, "length8", 1, false, UINT8_MAX);
FORM(length16, "length16", 2, false, UINT16_MAX);
FORM(length32, "length32", 4, false, WHERRY__MESSAGE_SIZE_MAX);
FORM(length64, "length64", 8, false, WHERRY__MESSAGE_SIZE_MAX);
FORM(length16_le, "length16-le", 2, true, UINT16_MAX);
FORM(length32_le, "length32-le", 4, true, WHERRY__MESSAGE_SIZE_MAX);
FORM(length64_le, "length64-le", 8, true, WHERRY__MESSAGE_SIZE_MAX);
