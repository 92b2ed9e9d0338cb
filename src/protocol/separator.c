/* Separated messages: each ends with the same few bytes, which are not part of it.
 *
 * The separator is looked for with the C library's fast searches, beginning where the last search
 * stopped: of a separator of n bytes, n - 1 may have been there already, so that many are looked at
 * again. In the same way a payload that was given up as too long leaves behind only what may be the
 * beginning of its separator.
 */
#include "protocol/separator.h"

#include <assert.h>
#include <string.h>

#include "base/digit.h"
#include "base/error.h"
#include "base/probe.h"
#include "base/size.h"

static const char over_limit[] = "the message is over the limit of its size";

/* Where the separator begins first among length bytes at data; NULL: nowhere. */
static const uint8_t *find(const wherry__settings *settings, const uint8_t *data, size_t length)
{
    if (length < settings->separator_length)
        return NULL;
    if (settings->separator_length == 1)
        return memchr(data, settings->separator[0], length);
    return memmem(data, length, settings->separator, settings->separator_length);
}

/* How many of the last bytes may be the beginning of a separator, given that there is no whole one.
 */
static size_t begun(const wherry__settings *settings, const wherry__cursor *cursor)
{
    size_t count = wherry__size_min(settings->separator_length - 1, cursor->length);
    const uint8_t *end = cursor->data + cursor->length;

    while (count > 0 && memcmp(end - count, settings->separator, count) != 0)
        count--;
    return count;
}

/* Whether the payload is over the limit wherever its end will be. */
static bool is_too_long(const wherry__settings *settings, const wherry__cursor *cursor)
{
    size_t certain = cursor->length;

    if (certain <= settings->message_size_max)
        return false;
    certain -= begun(settings, cursor);
    if (settings->drop_cr && cursor->data[cursor->length - 1] == '\r')
        certain--;
    return certain > settings->message_size_max;
}

/* Takes what there is of a message over the limit. */
static int give_up(const wherry__settings *settings, wherry__cursor *cursor)
{
    size_t taken = cursor->ended ? cursor->length : cursor->length - begun(settings, cursor);

    WHERRY__PROBE("separator.over-the-limit");
    WHERRY__PROBE_IF(cursor->ended, "separator.over-the-limit.at-the-end");
    cursor->scanned = 0;
    if (!cursor->skipping) {
        cursor->skipping = true;
        return wherry__cursor_malformed(cursor, taken, over_limit);
    }
    cursor->taken = taken;
    return WHERRY_E_WOULD_BLOCK;
}

/* Takes a message of length bytes with what separates it from the next. */
static int take(const wherry__settings *settings, wherry__cursor *cursor, size_t length,
                size_t separator_length, wherry_bytes *message)
{
    cursor->taken = length + separator_length;
    cursor->scanned = 0;
    if (cursor->skipping) {
        WHERRY__PROBE("separator.skip.ended");
        cursor->skipping = false;
        return WHERRY_E_WOULD_BLOCK;
    }
    if (settings->drop_cr && separator_length > 0 && length > 0 && cursor->data[length - 1] == '\r')
        length--;
    WHERRY__PROBE_IF(separator_length == 0, "separator.last-without");
    if (length > settings->message_size_max)
        return wherry__cursor_malformed(cursor, cursor->taken, over_limit);
    *message = wherry_bytes_at(cursor->data, length);
    return WHERRY_OK;
}

int wherry__separated_decode(const wherry__settings *settings, wherry__cursor *cursor,
                             wherry_bytes *message)
{
    const uint8_t *end;

    assert(cursor->scanned <= cursor->length);
    wherry__cursor_start(cursor);
    if (cursor->length == 0)
        return WHERRY_E_WOULD_BLOCK;
    end = find(settings, cursor->data + cursor->scanned, cursor->length - cursor->scanned);
    if (end != NULL)
        return take(settings, cursor, (size_t)(end - cursor->data), settings->separator_length,
                    message);
    if (cursor->skipping || is_too_long(settings, cursor))
        return give_up(settings, cursor);
    if (cursor->ended && settings->keep_rest)
        return take(settings, cursor, cursor->length, 0, message);
    WHERRY__PROBE_IF(begun(settings, cursor) > 0, "separator.split");
    cursor->scanned = cursor->length -
                      wherry__size_min(cursor->length, settings->separator_length - 1);
    return wherry__cursor_incomplete(cursor, 0);
}

/* A search for the separator in bytes that come in parts. */
typedef struct part_search {
    const wherry__settings *settings;
    size_t offset;                             /* of the next part */
    uint8_t border[2 * WHERRY__SEPARATOR_MAX]; /* the last bytes before it, then its first ones */
    size_t kept;                               /* how many of these lie before it */
} part_search;

/* Keeps the last bytes for the search across the next border. */
static void keep_end(part_search *search, wherry_bytes part)
{
    size_t most = search->settings->separator_length - 1;
    size_t added = wherry__size_min(part.length, most);
    size_t stay = wherry__size_min(search->kept, most - added);

    memmove(search->border, search->border + search->kept - stay, stay);
    memcpy(search->border + stay, part.data + part.length - added, added);
    search->kept = stay + added;
    search->offset += part.length;
}

/* Whether the separator ends in part; *at is then where it begins. What begins before the border
 * begins before what begins behind it. */
static bool search_part(part_search *search, wherry_bytes part, size_t *at)
{
    size_t most = search->settings->separator_length - 1;
    size_t ahead = wherry__size_min(part.length, most);
    const uint8_t *found;

    if (part.length == 0)
        return false;
    memcpy(search->border + search->kept, part.data, ahead);
    found = find(search->settings, search->border, search->kept + ahead);
    if (found != NULL) {
        *at = search->offset - search->kept + (size_t)(found - search->border);
        return true;
    }
    found = find(search->settings, part.data, part.length);
    if (found != NULL) {
        *at = search->offset + (size_t)(found - part.data);
        return true;
    }
    keep_end(search, part);
    return false;
}

/* Whether the separator begins in the payload; *at is then where. It may end in the one that
 * follows: in front of "--" the payload "a-" would be decoded as "a". */
static bool search_payload(const wherry__settings *settings, const wherry_bytes *parts,
                           size_t count, size_t *at)
{
    part_search search = { .settings = settings };
    wherry_bytes behind = { settings->separator, settings->separator_length - 1 };

    for (size_t i = 0; i < count; i++)
        if (search_part(&search, parts[i], at))
            return true;
    return search_part(&search, behind, at);
}

int wherry__separated_encode(const wherry__settings *settings, wherry__frame *frame,
                             const wherry_bytes *parts, size_t count, size_t total)
{
    size_t at;

    (void)total;
    if (search_payload(settings, parts, count, &at))
        return wherry__fail(WHERRY_E_INVALID,
                            "%s cannot carry the message: at its byte %zu begins what would end it",
                            settings->name, at);
    frame->head_length = 0;
    frame->tail = wherry_bytes_at(settings->separator, settings->separator_length);
    return WHERRY_OK;
}

/* Reads the byte that stands at *at in text, itself or as %XX, and moves *at behind it; -1: it is
 * no byte. */
static int read_byte(wherry_bytes text, size_t *at)
{
    uint8_t byte = text.data[(*at)++];
    int high;
    int low;

    if (byte != '%')
        return byte;
    if (text.length - *at < 2)
        return -1;
    high = wherry__hex_digit(text.data[(*at)++]);
    low = wherry__hex_digit(text.data[(*at)++]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static int separator_configure(wherry__settings *settings, wherry_bytes text)
{
    size_t at = 0;

    while (at < text.length) {
        int byte = read_byte(text, &at);

        if (byte < 0)
            return wherry__fail(WHERRY_E_INVALID,
                                "%s: behind %% stand two hexadecimal digits; %% itself is %%25",
                                settings->name);
        if (settings->separator_length == WHERRY__SEPARATOR_MAX)
            return wherry__fail(WHERRY_E_INVALID, "%s: a separator has at most %d bytes",
                                settings->name, WHERRY__SEPARATOR_MAX);
        settings->separator[settings->separator_length++] = (uint8_t)byte;
    }
    if (settings->separator_length == 0)
        return wherry__fail(WHERRY_E_INVALID, "%s: the separator is empty", settings->name);
    return WHERRY_OK;
}

static const wherry__framing framing = { separator_configure, wherry__separated_decode,
                                         wherry__separated_encode };

const wherry__settings wherry__form_separator = { .framing = &framing,
                                                  .message_size_max = WHERRY__MESSAGE_SIZE_MAX,
                                                  .name = "separator:TEXT" };
