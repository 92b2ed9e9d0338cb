/* Records of text: the format, with what each sign in it stands for. It is gone through twice: to
 * count, since a record is announced with its size, and to write. */
#include "record/wirelog.h"

#include <stdio.h>
#include <string.h>

#include "base/size.h"

#define HEX_A_LINE 16

/* "2026-01-31T23:59:59.123456789Z" */
#define TIME_SIZE 64

typedef struct record {
    wherry_wirelog_direction direction;
    const struct iovec *parts;
    size_t size; /* of them, what counts */
    char address[WHERRY_ADDRESS_TEXT_SIZE];
    char time[TIME_SIZE];
} record;

/* Where it goes. */
typedef struct writing {
    wherry__tape *tape; /* NULL: nowhere, it is counted only */
    size_t size;
} writing;

static void put(writing *to, const void *data, size_t size)
{
    if (to->tape != NULL && size > 0)
        wherry__tape_put(to->tape, data, size);
    to->size += size;
}

static void put_text(writing *to, const char *text)
{
    put(to, text, strlen(text));
}

/* --- the bytes */

static bool is_printable(uint8_t byte)
{
    return byte >= ' ' && byte <= '~';
}

static void put_escape(writing *to, uint8_t byte)
{
    static const char *const named[] = {
        ['\n'] = "\\n", ['\r'] = "\\r", ['\t'] = "\\t", ['\\'] = "\\\\"
    };
    char text[8];

    if (byte < sizeof(named) / sizeof(named[0]) && named[byte] != NULL) {
        put_text(to, named[byte]);
        return;
    }
    (void)snprintf(text, sizeof(text), "\\x%02x", byte);
    put_text(to, text);
}

static void put_escaped(writing *to, const uint8_t *data, size_t size)
{
    size_t begin = 0;

    for (size_t i = 0; i < size; i++) {
        if (is_printable(data[i]) && data[i] != '\\')
            continue;
        put(to, data + begin, i - begin);
        put_escape(to, data[i]);
        begin = i + 1;
    }
    put(to, data + begin, size - begin);
}

/* "00000010  68 65 6c 6c 6f                                   |hello|" */
static void put_line(writing *to, size_t offset, const uint8_t *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char text[3 * HEX_A_LINE + HEX_A_LINE + 3], front[32];
    size_t used = 0;

    (void)snprintf(front, sizeof(front), "%s%08zx ", offset == 0 ? "" : "\n", offset);
    put_text(to, front);
    for (size_t i = 0; i < HEX_A_LINE; i++) {
        text[used++] = ' ';
        text[used++] = i < size ? digits[data[i] >> 4] : ' ';
        text[used++] = i < size ? digits[data[i] & 15] : ' ';
    }
    text[used++] = ' ';
    text[used++] = '|';
    for (size_t i = 0; i < size; i++)
        text[used++] = is_printable(data[i]) ? (char)data[i] : '.';
    text[used++] = '|';
    put(to, text, used);
}

/* Lines run on from one part to the next. */
static void put_hex(writing *to, const record *from)
{
    uint8_t line[HEX_A_LINE];
    size_t offset = 0, filled = 0, part = 0, place = 0;

    while (offset + filled < from->size) {
        if (place == from->parts[part].iov_len) {
            place = 0;
            part++;
            continue;
        }
        line[filled++] = ((const uint8_t *)from->parts[part].iov_base)[place++];
        if (filled == HEX_A_LINE) {
            put_line(to, offset, line, filled);
            offset += filled;
            filled = 0;
        }
    }
    if (filled > 0)
        put_line(to, offset, line, filled);
}

static void put_bytes(writing *to, const record *from, wherry_wirelog_bytes bytes)
{
    size_t left = from->size;

    if (bytes == WHERRY_WIRELOG_HEX) {
        put_hex(to, from);
        return;
    }
    for (const struct iovec *part = from->parts; left > 0; part++) {
        const size_t length = wherry__size_min(part->iov_len, left);

        if (bytes == WHERRY_WIRELOG_ESCAPED)
            put_escaped(to, part->iov_base, length);
        else
            put(to, part->iov_base, length);
        left -= length;
    }
}

/* --- the rest */

static void put_sign(writing *to, const wherry_wirelog *log, const record *from, char sign)
{
    if (sign == 'd')
        put_text(to, from->direction == WHERRY_WIRELOG_RECEIVED ? "Rx" : "Tx");
    else if (sign == 'a')
        put_text(to, from->address);
    else if (sign == 't')
        put_text(to, from->time);
    else if (sign == 'b')
        put_bytes(to, from, log->bytes);
    else
        put_text(to, "%");
}

static void put_record(writing *to, const wherry_wirelog *log, const record *from)
{
    const char *place = log->format;

    while (*place != '\0') {
        const size_t plain = strcspn(place, "%");

        put(to, place, plain);
        place += plain;
        if (*place == '%') {
            put_sign(to, log, from, place[1]);
            place += 2;
        }
    }
}

static void write_time(char text[TIME_SIZE], int64_t time)
{
    struct tm utc;
    const int rest = wherry__wirelog_utc(time, &utc);

    (void)snprintf(text, TIME_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%09dZ", utc.tm_year + 1900,
                   utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, rest);
}

void wherry__wirelog_write_text(wherry_wirelog *log, wherry_wirelog_direction direction,
                                const wherry_address *address, const struct iovec *parts,
                                size_t size)
{
    record from = { .direction = direction, .parts = parts, .size = size };
    writing count = { .tape = NULL };

    if (size == 0 || log->left_out[direction])
        return;
    if (address != NULL)
        (void)wherry_address_format(address, from.address, sizeof(from.address));
    write_time(from.time, wherry__wirelog_time(log));
    put_record(&count, log, &from);
    count.tape = wherry__wirelog_tape(log, direction);
    if (!wherry__tape_begin(count.tape, count.size))
        return;
    put_record(&count, log, &from);
    wherry__tape_end(count.tape);
}
