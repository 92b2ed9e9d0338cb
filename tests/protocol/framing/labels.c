/* Labels: a message is a text of up to 32 bytes; on the wire it is filled up with zeros, as in a
 * char label[32] of C. */
#include "base/error.h"
#include "base/size.h"
#include "protocol/framing.h"

#define SIZE 32

static const uint8_t zeros[SIZE];

static int labels_configure(wherry__settings *settings, wherry_bytes parameter)
{
    (void)parameter;
    settings->message_size_max = wherry__size_min(settings->message_size_max, SIZE);
    return WHERRY_OK;
}

static int labels_decode(const wherry__settings *settings, wherry__cursor *cursor,
                         wherry_bytes *message)
{
    size_t length = SIZE;

    wherry__cursor_start(cursor);
    if (cursor->length < SIZE)
        return wherry__cursor_incomplete(cursor, SIZE);
    while (length > 0 && cursor->data[length - 1] == 0)
        length--;
    if (length > settings->message_size_max)
        return wherry__cursor_malformed(cursor, SIZE, "the label is over the limit of its size");
    cursor->taken = SIZE;
    *message = wherry_bytes_at(cursor->data, length);
    return WHERRY_OK;
}

static int labels_encode(const wherry__settings *settings, wherry__frame *frame,
                         const wherry_bytes *parts, size_t count, size_t total)
{
    while (count > 0 && parts[count - 1].length == 0)
        count--;
    if (count > 0 && parts[count - 1].data[parts[count - 1].length - 1] == 0)
        return wherry__fail(WHERRY_E_INVALID, "%s cannot carry a message that ends with a zero",
                            settings->name);
    frame->head_length = 0;
    frame->tail = wherry_bytes_at(zeros, SIZE - total);
    return WHERRY_OK;
}

static const wherry__framing labels = { labels_configure, labels_decode, labels_encode };

const wherry__settings wherry__form_labels = { .framing = &labels,
                                               .message_size_max = SIZE,
                                               .name = "labels" };
