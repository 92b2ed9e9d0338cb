#include "support/decoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

#define DIVIDED_MAX 64

/* --- Transcripts */

static void append(struct transcript *transcript, const char *text, size_t length)
{
    assert_true(transcript->length + length < sizeof(transcript->text));
    memcpy(transcript->text + transcript->length, text, length);
    transcript->length += length;
    transcript->text[transcript->length] = '\0';
}

static void append_offset(struct transcript *transcript, uint64_t offset)
{
    char text[32];
    int length = snprintf(text, sizeof(text), "@%llu ", (unsigned long long)offset);

    append(transcript, text, (size_t)length);
}

static bool is_plain(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9');
}

void transcript_message(struct transcript *transcript, wherry_bytes message, uint64_t offset)
{
    append(transcript, "[", 1);
    for (size_t i = 0; i < message.length; i++) {
        char text[8];
        int length = snprintf(text, sizeof(text), is_plain(message.data[i]) ? "%c" : "\\%02x",
                              message.data[i]);

        append(transcript, text, (size_t)length);
    }
    append(transcript, "]", 1);
    append_offset(transcript, offset);
}

void transcript_event(struct transcript *transcript, const char *what, uint64_t offset)
{
    append(transcript, what, strlen(what));
    append_offset(transcript, offset);
}

/* Transcripts end with a blank, expectations need not. */
static void assert_transcript(const struct transcript *transcript, const char *expected)
{
    size_t length = transcript->length;

    if (length > 0 && strlen(expected) + 1 == length)
        length--;
    if (strlen(expected) != length || memcmp(transcript->text, expected, length) != 0)
        assert_string_equal(transcript->text, expected);
}

/* --- Decoding */

void decoding_start(struct decoding *decoding, const wherry__settings *settings)
{
    assert_non_null(settings);
    memset(&decoding->cursor, 0, sizeof(decoding->cursor));
    decoding->settings = settings;
    decoding->data = NULL;
    decoding->length = 0;
    decoding->offset = 0;
    decoding->transcript.length = 0;
    decoding->transcript.text[0] = '\0';
}

/* Puts data and piece, without the first taken bytes, into a block of its own. */
static void replace(struct decoding *decoding, size_t taken, wherry_bytes piece)
{
    size_t rest = decoding->length - taken;
    uint8_t *data = NULL;

    if (rest + piece.length > 0) {
        data = malloc(rest + piece.length);
        assert_non_null(data);
        if (rest > 0)
            memcpy(data, decoding->data + taken, rest);
        if (piece.length > 0)
            memcpy(data + rest, piece.data, piece.length);
    }
    free(decoding->data);
    decoding->data = data;
    decoding->length = rest + piece.length;
    decoding->offset += taken;
}

static void assert_in(const struct decoding *decoding, wherry_bytes message)
{
    if (message.length > 0) {
        assert_true(message.data >= decoding->data);
        assert_true(message.data + message.length <= decoding->data + decoding->cursor.taken);
    }
    assert_true(message.length <= decoding->settings->message_size_max);
}

/* What every framing promises, whatever came. */
static void assert_promises(const struct decoding *decoding, int result)
{
    const wherry__cursor *cursor = &decoding->cursor;
    size_t most = decoding->settings->message_size_max + WHERRY__FRAME_SIZE_MAX;

    assert_true(cursor->taken <= cursor->length);
    assert_true(cursor->scanned <= cursor->length - cursor->taken);
    assert_false(cursor->skip > 0 && cursor->skipping);
    assert_int_equal(cursor->mistake != NULL, result == WHERRY_E_MALFORMED);
    if (cursor->ended || cursor->length >= most)
        assert_true(cursor->taken > 0);
    if (cursor->wanted > 0) {
        assert_int_equal(result, WHERRY_E_WOULD_BLOCK);
        assert_int_equal(cursor->taken, 0);
        assert_true(cursor->wanted > cursor->length && cursor->wanted <= most);
    }
    if (result == WHERRY_E_TRUNCATED)
        assert_true(cursor->ended && cursor->taken == cursor->length);
}

static void record(struct decoding *decoding, int result, wherry_bytes message)
{
    switch (result) {
    case WHERRY_OK:
        assert_in(decoding, message);
        transcript_message(&decoding->transcript, message, decoding->offset);
        break;
    case WHERRY_E_MALFORMED:
        transcript_event(&decoding->transcript, "malformed", decoding->offset);
        break;
    case WHERRY_E_TRUNCATED:
        transcript_event(&decoding->transcript, "truncated", decoding->offset);
        break;
    default:
        assert_int_equal(result, WHERRY_E_WOULD_BLOCK);
    }
}

void decoding_feed(struct decoding *decoding, wherry_bytes piece, bool ended)
{
    wherry__cursor *cursor = &decoding->cursor;
    wherry_bytes message;
    int result;

    replace(decoding, 0, piece);
    do {
        cursor->data = decoding->data;
        cursor->length = decoding->length;
        cursor->ended = ended;
        if (ended && cursor->length == 0)
            return;
        cursor->taken = cursor->wanted = SIZE_MAX; /* decode has to set them */
        cursor->mistake = "stale";
        result = decoding->settings->framing->decode(decoding->settings, cursor, &message);
        assert_promises(decoding, result);
        record(decoding, result, message);
        replace(decoding, cursor->taken, wherry_bytes_at(NULL, 0));
    } while (result != WHERRY_E_WOULD_BLOCK || cursor->taken > 0);
}

void decoding_stop(struct decoding *decoding)
{
    free(decoding->data);
    decoding->data = NULL;
    decoding->length = 0;
}

/* Decodes input that comes in pieces that end at one, at other, and then step bytes each. */
static void decode_pieces(const wherry__settings *settings, wherry_bytes input, size_t one,
                          size_t other, size_t step, bool end_with_last, const char *expected)
{
    struct decoding *decoding = malloc(sizeof(*decoding));
    size_t at = 0;

    assert_non_null(decoding);
    decoding_start(decoding, settings);
    while (at < input.length) {
        size_t end = at < one ? one : at < other ? other : at + step;

        if (end > input.length)
            end = input.length;
        decoding_feed(decoding, wherry_bytes_at(input.data + at, end - at),
                      end_with_last && end == input.length);
        at = end;
    }
    decoding_feed(decoding, wherry_bytes_at(NULL, 0), true);
    assert_transcript(&decoding->transcript, expected);
    decoding_stop(decoding);
    free(decoding);
}

static void decode_both_ends(const wherry__settings *settings, wherry_bytes input, size_t one,
                             size_t other, size_t step, const char *expected)
{
    decode_pieces(settings, input, one, other, step, true, expected);
    decode_pieces(settings, input, one, other, step, false, expected);
}

void assert_decodes_in_two(const wherry__settings *settings, wherry_bytes input,
                           const char *expected)
{
    for (size_t one = 0; one <= input.length; one++)
        decode_both_ends(settings, input, one, one, input.length, expected);
    decode_both_ends(settings, input, 0, 0, 1, expected);
}

void assert_decodes(const wherry__settings *settings, wherry_bytes input, const char *expected)
{
    for (size_t one = 0; one <= input.length; one++)
        for (size_t other = one; other <= input.length; other++)
            decode_both_ends(settings, input, one, other, input.length, expected);
    decode_both_ends(settings, input, 0, 0, 1, expected);
}

/* --- Encoding */

int encode(const wherry__settings *settings, const wherry_bytes *parts, size_t count, uint8_t *wire,
           size_t *length)
{
    wherry__frame frame;
    size_t total = 0;
    int result;

    for (size_t i = 0; i < count; i++)
        total += parts[i].length;
    memset(&frame, 0xA5, sizeof(frame)); /* encode has to set all of it */
    result = settings->framing->encode(settings, &frame, parts, count, total);
    if (result < 0)
        return result;
    assert_true(frame.head_length <= sizeof(frame.head));
    assert_true(frame.head_length + frame.tail.length <= WHERRY__FRAME_SIZE_MAX);
    memcpy(wire, frame.head, frame.head_length);
    *length = frame.head_length;
    for (size_t i = 0; i < count; *length += parts[i++].length)
        if (parts[i].length > 0)
            memcpy(wire + *length, parts[i].data, parts[i].length);
    if (frame.tail.length > 0)
        memcpy(wire + *length, frame.tail.data, frame.tail.length);
    *length += frame.tail.length;
    return result;
}

int encode_divided(const wherry__settings *settings, wherry_bytes payload, uint8_t *wire,
                   size_t *length)
{
    int result = encode(settings, &payload, 1, wire, length);

    for (size_t one = 0; one <= payload.length; one++) {
        for (size_t other = one; other <= payload.length; other++) {
            const wherry_bytes parts[] = {
                wherry_bytes_at(payload.data, one),
                wherry_bytes_at(payload.data + one, other - one),
                wherry_bytes_at(payload.data + other, payload.length - other),
                wherry_bytes_at(NULL, 0),
            };
            uint8_t again[DIVIDED_MAX + WHERRY__FRAME_SIZE_MAX];
            size_t again_length;

            assert_int_equal(encode(settings, parts, 4, again, &again_length), result);
            if (result == WHERRY_OK) {
                assert_int_equal(again_length, *length);
                assert_memory_equal(again, wire, *length);
            }
        }
    }
    return result;
}

/* That wire decodes to payload, and again when it comes a second time. */
static void assert_comes_out(const wherry__settings *settings, wherry_bytes payload,
                             const uint8_t *wire, size_t length)
{
    uint8_t twice[2 * (DIVIDED_MAX + WHERRY__FRAME_SIZE_MAX)];
    struct transcript *expected = calloc(1, sizeof(*expected));

    assert_non_null(expected);
    memcpy(twice, wire, length);
    memcpy(twice + length, wire, length);
    transcript_message(expected, payload, 0);
    transcript_message(expected, payload, length);
    assert_decodes_in_two(settings, wherry_bytes_at(twice, 2 * length), expected->text);
    free(expected);
}

void assert_carries(const wherry__settings *settings, wherry_bytes payload)
{
    uint8_t wire[DIVIDED_MAX + WHERRY__FRAME_SIZE_MAX];
    size_t length;

    assert_int_equal(encode_divided(settings, payload, wire, &length), WHERRY_OK);
    assert_comes_out(settings, payload, wire, length);
}

void assert_refuses(const wherry__settings *settings, wherry_bytes payload, const char *text)
{
    uint8_t wire[DIVIDED_MAX + WHERRY__FRAME_SIZE_MAX];
    size_t length;

    assert_int_equal(encode_divided(settings, payload, wire, &length), WHERRY_E_INVALID);
    if (strstr(wherry_problem(), text) == NULL)
        assert_string_equal(wherry_problem(), text);
}

/* Whether payload with the separator behind it is one message, payload. */
static bool means_itself(const wherry__settings *settings, wherry_bytes payload)
{
    static struct transcript expected, actual;
    uint8_t wire[DIVIDED_MAX + WHERRY__FRAME_SIZE_MAX];

    expected.length = actual.length = 0;
    memcpy(wire, payload.data, payload.length);
    memcpy(wire + payload.length, settings->separator, settings->separator_length);
    transcript_message(&expected, payload, 0);
    separated_reference(&actual, settings,
                        wherry_bytes_at(wire, payload.length + settings->separator_length));
    return strcmp(expected.text, actual.text) == 0;
}

size_t assert_carries_what_it_can(const wherry__settings *settings, const char *alphabet,
                                  size_t length)
{
    size_t letters = strlen(alphabet);
    size_t refused = 0;
    uint8_t data[DIVIDED_MAX];
    size_t count = 1;

    for (size_t size = 0; size <= length; size++, count *= letters) {
        for (size_t number = 0; number < count; number++) {
            wherry_bytes payload = wherry_bytes_at(data, size);

            for (size_t i = 0, rest = number; i < size; i++, rest /= letters)
                data[i] = (uint8_t)alphabet[rest % letters];
            if (means_itself(settings, payload)) {
                assert_carries(settings, payload);
            } else {
                assert_refuses(settings, payload, settings->name);
                refused++;
            }
        }
    }
    return refused;
}

/* --- The reference */

static bool begins_at(const wherry__settings *settings, wherry_bytes input, size_t at)
{
    for (size_t i = 0; i < settings->separator_length; i++)
        if (at + i >= input.length || input.data[at + i] != settings->separator[i])
            return false;
    return true;
}

/* Whether the bytes from at on are the beginning of a separator that was cut off. */
static bool is_cut_off_at(const wherry__settings *settings, wherry_bytes input, size_t at)
{
    for (size_t i = at; i < input.length; i++)
        if (input.data[i] != settings->separator[i - at])
            return false;
    return true;
}

/* What is left behind the last separator, from begin on. */
static void reference_rest(struct transcript *transcript, const wherry__settings *settings,
                           wherry_bytes input, size_t begin)
{
    size_t certain = begin;

    while (certain < input.length && (input.length - certain >= settings->separator_length ||
                                      !is_cut_off_at(settings, input, certain)))
        certain++;
    if (settings->keep_rest && input.length - begin <= settings->message_size_max)
        transcript_message(transcript, wherry_bytes_at(input.data + begin, input.length - begin),
                           begin);
    else if (settings->keep_rest || certain - begin > settings->message_size_max)
        transcript_event(transcript, "malformed", begin);
    else
        transcript_event(transcript, "truncated", begin);
}

void separated_reference(struct transcript *transcript, const wherry__settings *settings,
                         wherry_bytes input)
{
    size_t begin = 0;

    while (begin < input.length) {
        size_t end = begin;
        size_t length;

        while (end < input.length && !begins_at(settings, input, end))
            end++;
        if (end == input.length) {
            reference_rest(transcript, settings, input, begin);
            return;
        }
        length = end - begin;
        if (settings->drop_cr && length > 0 && input.data[end - 1] == '\r')
            length--;
        if (length > settings->message_size_max)
            transcript_event(transcript, "malformed", begin);
        else
            transcript_message(transcript, wherry_bytes_at(input.data + begin, length), begin);
        begin = end + settings->separator_length;
    }
}

void assert_matches_reference(wherry__settings settings, const char *alphabet)
{
    uint64_t state = 88172645463325252U;
    struct transcript *expected = calloc(1, sizeof(*expected));

    assert_non_null(expected);
    for (int round = 0; round < 2000; round++) {
        uint8_t data[48];
        size_t length = (size_t)(next_random(&state) % sizeof(data));

        settings.message_size_max = 1 + (size_t)(next_random(&state) % 8);
        for (size_t i = 0; i < length; i++)
            data[i] = (uint8_t)alphabet[next_random(&state) % strlen(alphabet)];
        expected->length = 0;
        expected->text[0] = '\0';
        separated_reference(expected, &settings, wherry_bytes_at(data, length));
        assert_decodes_in_two(&settings, wherry_bytes_at(data, length), expected->text);
    }
    free(expected);
}

/* --- The amount of work */

/* Fills the bytes that need not be looked at again with separators: a second look would find one.
 */
static void spoil(const wherry__settings *settings, uint8_t *data, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        data[i] = settings->separator[i % settings->separator_length];
}

void assert_looks_once(const wherry__settings *settings, size_t size)
{
    size_t last = settings->separator_length - 1;
    uint8_t *data = malloc(size + last + 1);
    wherry__cursor cursor = { .data = data };
    size_t looked_at = 0;
    wherry_bytes message;

    assert_non_null(data);
    for (size_t i = 0; i < size + last; i++) {
        size_t scanned = cursor.scanned;

        data[i] = i < size ? 'a' : settings->separator[i - size];
        cursor.length = i + 1;
        looked_at += cursor.length - scanned;
        assert_int_equal(settings->framing->decode(settings, &cursor, &message),
                         WHERRY_E_WOULD_BLOCK);
        assert_int_equal(cursor.taken, 0);
        spoil(settings, data, scanned, cursor.scanned);
    }
    data[size + last] = settings->separator[last];
    cursor.length = size + last + 1;
    looked_at += cursor.length - cursor.scanned;
    assert_int_equal(settings->framing->decode(settings, &cursor, &message), WHERRY_OK);
    assert_ptr_equal(message.data, data);
    assert_int_equal(message.length, size);
    assert_true(looked_at <= (size + last + 1) * settings->separator_length);
    free(data);
}

/* --- Small helpers */

/* Marsaglia's xorshift64. */
uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

const wherry__settings *settings_of(const char *name, size_t max)
{
    static wherry__settings settings;
    wherry_protocol *protocol;

    assert_int_equal(wherry_protocol_new(&protocol, .name = name, .message_size_max = max),
                     WHERRY_OK);
    settings = *wherry__protocol_settings(protocol);
    wherry_protocol_free(protocol);
    return &settings;
}
