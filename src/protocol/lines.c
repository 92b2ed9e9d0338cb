/* Lines: separated messages whose separator is the end of a line, LF, CR LF or CR, and of which the
 * last may lack it when the stream ends.
 *
 * "lines" is what programs on different systems can agree on: it sends LF, and takes LF and CR LF.
 */
#include "base/error.h"
#include "protocol/separator.h"

/* The last byte of a payload in parts; -1 for an empty one. */
static int last_byte(const wherry_bytes *parts, size_t count)
{
    while (count > 0 && parts[count - 1].length == 0)
        count--;
    return count == 0 ? -1 : parts[count - 1].data[parts[count - 1].length - 1];
}

static int lines_encode(const wherry__settings *settings, wherry__frame *frame,
                        const wherry_bytes *parts, size_t count, size_t total)
{
    if (last_byte(parts, count) == '\r')
        return wherry__fail(WHERRY_E_INVALID,
                            "%s cannot carry the message: the CR at its byte %zu, the last, would "
                            "be taken for a part of the line's end",
                            settings->name, total - 1);
    return wherry__separated_encode(settings, frame, parts, count, total);
}

static const wherry__framing lines = { NULL, wherry__separated_decode, lines_encode };
static const wherry__framing exact = { NULL, wherry__separated_decode, wherry__separated_encode };

const wherry__settings wherry__form_lines = { .framing = &lines,
                                              .message_size_max = WHERRY__MESSAGE_SIZE_MAX,
                                              .name = "lines",
                                              .separator = { '\n' },
                                              .separator_length = 1,
                                              .drop_cr = true,
                                              .keep_rest = true };

const wherry__settings wherry__form_crlf = { .framing = &exact,
                                             .message_size_max = WHERRY__MESSAGE_SIZE_MAX,
                                             .name = "crlf",
                                             .separator = { '\r', '\n' },
                                             .separator_length = 2,
                                             .keep_rest = true };

const wherry__settings wherry__form_cr = { .framing = &exact,
                                           .message_size_max = WHERRY__MESSAGE_SIZE_MAX,
                                           .name = "cr",
                                           .separator = { '\r' },
                                           .separator_length = 1,
                                           .keep_rest = true };
