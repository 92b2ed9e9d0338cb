/* Fixed size: every message has the same number of bytes, and nothing stands between them. */
#include "base/digit.h"
#include "base/error.h"
#include "base/size.h"
#include "protocol/framing.h"

/* Reads a number without signs, blanks and leading zeros. */
static bool read_number(wherry_bytes text, size_t *number)
{
    *number = 0;
    if (text.length == 0 || text.data[0] == '0')
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (!wherry__is_digit(text.data[i]) || !wherry__size_multiply(*number, 10, number) ||
            !wherry__size_add(*number, (size_t)(text.data[i] - '0'), number))
            return false;
    }
    return true;
}

static int fixed_configure(wherry__settings *settings, wherry_bytes parameter)
{
    if (!read_number(parameter, &settings->fixed) || settings->fixed > settings->message_size_max)
        return wherry__fail(WHERRY_E_INVALID,
                            "%s: behind the colon stands a number from 1 to message_size_max, "
                            "which is %zu",
                            settings->name, settings->message_size_max);
    return WHERRY_OK;
}

static int fixed_decode(const wherry__settings *settings, wherry__cursor *cursor,
                        wherry_bytes *message)
{
    wherry__cursor_start(cursor);
    if (cursor->length < settings->fixed)
        return wherry__cursor_incomplete(cursor, settings->fixed);
    cursor->taken = settings->fixed;
    *message = wherry_bytes_at(cursor->data, settings->fixed);
    return WHERRY_OK;
}

static int fixed_encode(const wherry__settings *settings, wherry__frame *frame,
                        const wherry_bytes *parts, size_t count, size_t total)
{
    (void)parts;
    (void)count;
    if (total != settings->fixed)
        return wherry__fail(WHERRY_E_INVALID, "%s cannot carry a message of %zu bytes",
                            settings->name, total);
    frame->head_length = 0;
    frame->tail = wherry_bytes_at(NULL, 0);
    return WHERRY_OK;
}

static const wherry__framing framing = { fixed_configure, fixed_decode, fixed_encode };

const wherry__settings wherry__form_fixed = { .framing = &framing,
                                              .message_size_max = WHERRY__MESSAGE_SIZE_MAX,
                                              .name = "fixed:N",
                                              .same_back = true };
