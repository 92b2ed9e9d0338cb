/* Raw: no framing. Whatever has arrived is a message, so that where messages begin and end is
 * chance; a program that takes bytes as they come, a relay say, needs no more. What arrived in one
 * piece is cut at the limit.
 *
 * An empty payload is no bytes at all on the wire, and the other end does not see it.
 */
#include "base/size.h"
#include "protocol/framing.h"

static int raw_decode(const wherry__settings *settings, wherry__cursor *cursor,
                      wherry_bytes *message)
{
    wherry__cursor_start(cursor);
    if (cursor->length == 0)
        return WHERRY_E_WOULD_BLOCK;
    cursor->taken = wherry__size_min(cursor->length, settings->message_size_max);
    *message = wherry_bytes_at(cursor->data, cursor->taken);
    return WHERRY_OK;
}

static int raw_encode(const wherry__settings *settings, wherry__frame *frame,
                      const wherry_bytes *parts, size_t count, size_t total)
{
    (void)settings;
    (void)parts;
    (void)count;
    (void)total;
    frame->head_length = 0;
    frame->tail = wherry_bytes_at(NULL, 0);
    return WHERRY_OK;
}

static const wherry__framing framing = { NULL, raw_decode, raw_encode };

const wherry__settings wherry__form_raw = { .framing = &framing,
                                            .message_size_max = WHERRY__MESSAGE_SIZE_MAX,
                                            .name = "raw",
                                            .same_back = true };
