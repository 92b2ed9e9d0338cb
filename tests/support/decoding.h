/* Decoding as a peer does it, with a transcript of what came out, so that tests can compare what a
 * stream decodes to when it arrives in these pieces and in those.
 *
 * A transcript is a text such as `[abc]@0 malformed@4 []@10 truncated@11`: messages, with a
 * backslash and two digits for bytes that are not letters or digits, and the byte of the stream at
 * which each began. */
#ifndef TESTS_SUPPORT_DECODING_H
#define TESTS_SUPPORT_DECODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wherry/bytes.h>

#include "protocol/framing.h"

struct transcript {
    char text[16384];
    size_t length;
};

void transcript_message(struct transcript *transcript, wherry_bytes message, uint64_t offset);
void transcript_event(struct transcript *transcript, const char *what, uint64_t offset);

/* The bytes of a string constant, zeros in it included. */
#define BYTES(constant) wherry_bytes_at((constant), sizeof(constant) - 1)

/* A stream that is being decoded. */
struct decoding {
    const wherry__settings *settings;
    wherry__cursor cursor;
    uint8_t *data; /* exactly as long as what is in it, so that a look behind it is noticed */
    size_t length;
    uint64_t offset; /* of data in the stream */
    struct transcript transcript;
};

void decoding_start(struct decoding *decoding, const wherry__settings *settings);

/* Adds piece at the end and decodes all that can be. Asserts what framing.h promises to peers. */
void decoding_feed(struct decoding *decoding, wherry_bytes piece, bool ended);

/* Gives its memory back; the transcript stays. */
void decoding_stop(struct decoding *decoding);

/* Asserts that input, after which the stream ends, decodes to expected whether it comes in one
 * piece, in any two, any three or byte by byte, and whether the end is told with the last or
 * after it. */
void assert_decodes(const wherry__settings *settings, wherry_bytes input, const char *expected);

/* The same for any two pieces and for byte by byte, which is enough where there are many inputs. */
void assert_decodes_in_two(const wherry__settings *settings, wherry_bytes input,
                           const char *expected);

/* Writes what goes over the wire for payload in count parts to wire; the result of encode. */
int encode(const wherry__settings *settings, const wherry_bytes *parts, size_t count, uint8_t *wire,
           size_t *length);

/* Encodes payload in one part, and divided in each way into three; asserts that all of these have
 * the same result, and give the same bytes where they are accepted. At most 64 bytes. */
int encode_divided(const wherry__settings *settings, wherry_bytes payload, uint8_t *wire,
                   size_t *length);

/* Asserts that payload is accepted and comes out again. */
void assert_carries(const wherry__settings *settings, wherry_bytes payload);

/* Asserts that payload is refused with WHERRY_E_INVALID and a problem that has text in it. */
void assert_refuses(const wherry__settings *settings, wherry_bytes payload, const char *text);

/* Asserts for every payload of up to length bytes of an alphabet that it is accepted if, and only
 * if, payload with the separator behind it means payload. Returns how many were refused. */
size_t assert_carries_what_it_can(const wherry__settings *settings, const char *alphabet,
                                  size_t length);

/* What input decodes to by the letter of protocol.h, found byte by byte, for framings that are
 * separated. */
void separated_reference(struct transcript *transcript, const wherry__settings *settings,
                         wherry_bytes input);

/* Compares the framing with the reference over many random streams of the alphabet's bytes. */
void assert_matches_reference(wherry__settings settings, const char *alphabet);

/* Feeds size bytes of letters one at a time and asserts how few of them are looked at; then the
 * separator, behind which they are one message. */
void assert_looks_once(const wherry__settings *settings, size_t size);

/* The next number of a sequence that *state, not zero, is the seed of. */
uint64_t next_random(uint64_t *state);

/* The settings of a protocol of name, in static storage until the next call. max as in
 * wherry_protocol_options. */
const wherry__settings *settings_of(const char *name, size_t max);

#endif
