/* Each framing's decoder against what protocol.h says, found byte by byte: whatever bytes come, in
 * whatever pieces, both must tell the same messages at the same places. And what was received can
 * be sent: it is encoded to bytes which decode to it, or refused.
 *
 * The first three bytes: the framing, its limit, and into which pieces the rest is cut. */
#include <string.h>

#include "support/decoding.h"
#include "support/fuzzing.h"

#define INPUT_MOST 1000 /* so that each transcript has room */
#define LIMITS 40

static const char *const names[] = {
    "cr",          "crlf",     "fixed:1",     "fixed:5",         "length8",      "length16",
    "length16-le", "length32", "length32-le", "length64",        "length64-le",  "lines",
    "raw",         "raw",      "separator:;", "separator:abcab", "separator:aa",
};

/* --- the reference */

static uint64_t number_at(const wherry__settings *settings, const uint8_t *data)
{
    uint64_t number = 0;

    for (size_t i = 0; i < settings->width; i++)
        number = number << 8 | data[settings->little_endian ? settings->width - 1 - i : i];
    return number;
}

static void length_reference(struct transcript *transcript, const wherry__settings *settings,
                             wherry_bytes input)
{
    size_t at = 0, width = settings->width;

    while (at < input.length) {
        uint64_t length = input.length - at < width ? 0 : number_at(settings, input.data + at);

        if (input.length - at < width) {
            transcript_event(transcript, "truncated", at);
            return;
        }
        if (length > settings->message_size_max)
            transcript_event(transcript, "malformed", at);
        else if (length > input.length - at - width)
            transcript_event(transcript, "truncated", at);
        else
            transcript_message(transcript, wherry_bytes_at(input.data + at + width, (size_t)length),
                               at);
        if (length > input.length - at - width)
            return;
        at += width + (size_t)length;
    }
}

static void fixed_reference(struct transcript *transcript, const wherry__settings *settings,
                            wherry_bytes input)
{
    size_t at = 0;

    for (; input.length - at >= settings->fixed; at += settings->fixed)
        transcript_message(transcript, wherry_bytes_at(input.data + at, settings->fixed), at);
    if (at < input.length)
        transcript_event(transcript, "truncated", at);
}

static void reference(struct transcript *transcript, const wherry__settings *settings,
                      wherry_bytes input)
{
    transcript->length = 0;
    transcript->text[0] = '\0';
    if (settings->width > 0)
        length_reference(transcript, settings, input);
    else if (settings->fixed > 0)
        fixed_reference(transcript, settings, input);
    else
        separated_reference(transcript, settings, input);
}

/* --- the decoder */

/* Of raw only what the messages say counts: "[abc]@0 [d]@3 " is "abcd". */
static void join_raw(struct transcript *transcript)
{
    size_t length = 0;
    bool inside = false;

    for (size_t i = 0; i < transcript->length; i++) {
        char byte = transcript->text[i];

        if (byte == '[' || byte == ']')
            inside = byte == '[';
        else if (inside)
            transcript->text[length++] = byte;
    }
    transcript->text[length] = '\0';
    transcript->length = length;
}

/* cuts: all in one piece, byte by byte, or pieces of a few bytes drawn from it. */
static void decode(struct decoding *decoding, const wherry__settings *settings, wherry_bytes input,
                   uint8_t cuts)
{
    uint64_t state = cuts;
    size_t at = 0;

    decoding_start(decoding, settings);
    while (at < input.length) {
        size_t size = cuts == 0 ? input.length : cuts == 1 ? 1 : next_random(&state) % 9;

        if (size > input.length - at)
            size = input.length - at;
        decoding_feed(decoding, wherry_bytes_at(input.data + at, size),
                      cuts % 2 != 0 && at + size == input.length);
        at += size;
    }
    decoding_feed(decoding, wherry_bytes_at(NULL, 0), true);
    decoding_stop(decoding);
}

static void check_decoding(const wherry__settings *settings, wherry_bytes input, uint8_t cuts)
{
    static struct decoding decoding;
    static struct transcript expected;

    decode(&decoding, settings, input, cuts);
    if (strcmp(settings->name, "raw") == 0) {
        expected.length = 0;
        transcript_message(&expected, input, 0);
        join_raw(&expected);
        join_raw(&decoding.transcript);
    } else {
        reference(&expected, settings, input);
    }
    if (strcmp(expected.text, decoding.transcript.text) != 0)
        (void)fprintf(stderr, "%s: expected %s\nbut got %s\n", settings->name, expected.text,
                      decoding.transcript.text);
    FUZZING_CHECK(strcmp(expected.text, decoding.transcript.text) == 0);
}

/* --- and back */

static void check_encoding(const wherry__settings *settings, wherry_bytes payload)
{
    static uint8_t wire[INPUT_MOST + WHERRY__FRAME_SIZE_MAX];
    static struct decoding decoding;
    static struct transcript expected;
    size_t length;

    if (payload.length > settings->message_size_max)
        payload.length = settings->message_size_max;
    if (encode(settings, &payload, 1, wire, &length) < 0)
        return;
    expected.length = 0;
    if (payload.length > 0 || strcmp(settings->name, "raw") != 0)
        transcript_message(&expected, payload, 0);
    expected.text[expected.length] = '\0';
    decode(&decoding, settings, wherry_bytes_at(wire, length), 0);
    FUZZING_CHECK(strcmp(expected.text, decoding.transcript.text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzzing_input input = { data, size };
    const char *name = names[fuzzing_byte(&input) % (sizeof(names) / sizeof(names[0]))];
    wherry__settings settings = *settings_of(name, 0);
    size_t limit = 1 + fuzzing_byte(&input) % LIMITS;
    uint8_t cuts = fuzzing_byte(&input);

    if (settings.fixed <= limit)
        settings.message_size_max = limit;
    if (input.left > INPUT_MOST)
        input.left = INPUT_MOST;
    check_decoding(&settings, wherry_bytes_at(input.data, input.left), cuts);
    check_encoding(&settings, wherry_bytes_at(input.data, input.left));
    return 0;
}
