#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/decoding.h"

static const char *const names[] = { "length8",     "length16",    "length32",   "length64",
                                     "length16-le", "length32-le", "length64-le" };
#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

static void test_messages_follow_their_length(void **state)
{
    (void)state;
    assert_decodes(wherry__protocol_settings(&wherry_length8), BYTES("\3abc\0\1d"),
                   "[abc]@0 []@4 [d]@5");
    assert_decodes(wherry__protocol_settings(&wherry_length16), BYTES("\0\3abc\0\0\0\1d"),
                   "[abc]@0 []@5 [d]@7");
    assert_decodes(wherry__protocol_settings(&wherry_length16_le), BYTES("\3\0abc\0\0\1\0d"),
                   "[abc]@0 []@5 [d]@7");
    assert_decodes(wherry__protocol_settings(&wherry_length32), BYTES("\0\0\0\3abc\0\0\0\1d"),
                   "[abc]@0 [d]@7");
    assert_decodes(wherry__protocol_settings(&wherry_length32_le), BYTES("\3\0\0\0abc\1\0\0\0d"),
                   "[abc]@0 [d]@7");
    assert_decodes(wherry__protocol_settings(&wherry_length64),
                   BYTES("\0\0\0\0\0\0\0\3abc\0\0\0\0\0\0\0\1d"), "[abc]@0 [d]@11");
    assert_decodes(wherry__protocol_settings(&wherry_length64_le),
                   BYTES("\3\0\0\0\0\0\0\0abc\1\0\0\0\0\0\0\0d"), "[abc]@0 [d]@11");
}

static void assert_head(const char *name, size_t size, wherry_bytes expected)
{
    const wherry__settings *settings = settings_of(name, WHERRY__MESSAGE_SIZE_MAX_MAX);
    wherry_bytes part = wherry_bytes_at(NULL, 0);
    wherry__frame frame;

    assert_int_equal(settings->framing->encode(settings, &frame, &part, 1, size), WHERRY_OK);
    assert_int_equal(frame.head_length, expected.length);
    assert_memory_equal(frame.head, expected.data, expected.length);
    assert_int_equal(frame.tail.length, 0);
}

static void test_the_order_of_the_bytes(void **state)
{
    (void)state;
    assert_head("length8", 0xfe, BYTES("\xfe"));
    assert_head("length16", 0x1234, BYTES("\x12\x34"));
    assert_head("length16-le", 0x1234, BYTES("\x34\x12"));
    assert_head("length32", 0x12345678, BYTES("\x12\x34\x56\x78"));
    assert_head("length32-le", 0x12345678, BYTES("\x78\x56\x34\x12"));
    assert_head("length64", 0x12345678, BYTES("\0\0\0\0\x12\x34\x56\x78"));
    assert_head("length64-le", 0x12345678, BYTES("\x78\x56\x34\x12\0\0\0\0"));
}

static void test_pieces_at_the_end_are_truncated(void **state)
{
    (void)state;
    assert_decodes(wherry__protocol_settings(&wherry_length8), BYTES("\1a\1"), "[a]@0 truncated@2");
    assert_decodes(wherry__protocol_settings(&wherry_length16), BYTES("\0\1a\0"),
                   "[a]@0 truncated@3");
    assert_decodes(wherry__protocol_settings(&wherry_length32), BYTES("\0\0\0\3ab"), "truncated@0");
    assert_decodes(wherry__protocol_settings(&wherry_length64_le), BYTES("\1\0\0\0\0\0\0"),
                   "truncated@0");
}

static void test_messages_over_the_limit_are_skipped(void **state)
{
    (void)state;
    assert_decodes(settings_of("length8", 4), BYTES("\4abcd\5abcde\1x"),
                   "[abcd]@0 malformed@5 [x]@11");
    assert_decodes(settings_of("length16-le", 4), BYTES("\x0a\0\1a\1b\1c\1d\1e\1\0x"),
                   "malformed@0 [x]@12");
    assert_decodes(settings_of("length32", 4), BYTES("\0\0\0\5abcde\0\0\0\6abcdef\0\0\0\0"),
                   "malformed@0 malformed@9 []@19");
}

/* That they are lost has been told. */
static void test_the_end_among_skipped_bytes_is_not_told(void **state)
{
    (void)state;
    assert_decodes(settings_of("length8", 4), BYTES("\5abc"), "malformed@0");
    assert_decodes(settings_of("length8", 4), BYTES("\5"), "malformed@0");
    assert_decodes(settings_of("length64", 4), BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0"),
                   "malformed@0");
}

static void test_the_longest_length_takes_no_room(void **state)
{
    static struct decoding decoding;
    static const uint8_t zeros[1 << 16];
    uint64_t left = UINT64_MAX;

    (void)state;
    decoding_start(&decoding, wherry__protocol_settings(&wherry_length64));
    decoding_feed(&decoding, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff"), false);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(decoding.length, 0);
        assert_true(decoding.cursor.skip == left);
        decoding_feed(&decoding, wherry_bytes_at(zeros, sizeof(zeros)), false);
        left -= sizeof(zeros);
    }
    decoding.cursor.skip = 2;
    decoding_feed(&decoding, BYTES("ab\0\0\0\0\0\0\0\1c"), true);
    assert_string_equal(decoding.transcript.text, "malformed@0 [c]@1310730 ");
    decoding_stop(&decoding);
}

/* The limit of a protocol, for one that was asked for. */
static size_t limit_of(const char *name, size_t max)
{
    return settings_of(name, max)->message_size_max;
}

static void test_the_limit_is_what_the_length_can_say(void **state)
{
    (void)state;
    assert_int_equal(limit_of("length8", 0), 255);
    assert_int_equal(limit_of("length8", 254), 254);
    assert_int_equal(limit_of("length8", 256), 255);
    assert_int_equal(limit_of("length16", 0), 65535);
    assert_int_equal(limit_of("length16", 65534), 65534);
    assert_int_equal(limit_of("length16-le", 65536), 65535);
    assert_int_equal(limit_of("length32", 0), 1 << 20);
    assert_int_equal(limit_of("length32-le", 1 << 30), 1 << 30);
    assert_int_equal(limit_of("length64", 1 << 30), 1 << 30);
}

/* With that many bytes in its head, and all of them there except the last, or also that. */
static void assert_limit(const wherry__settings *settings)
{
    size_t max = settings->message_size_max;
    uint8_t *data = test_calloc(1, settings->width + max);
    wherry__cursor cursor = { .data = data, .length = settings->width + max - 1 };
    wherry_bytes message = wherry_bytes_at(NULL, max);
    wherry__frame frame;

    assert_int_equal(settings->framing->encode(settings, &frame, &message, 1, max), WHERRY_OK);
    memcpy(data, frame.head, frame.head_length);
    assert_int_equal(settings->framing->decode(settings, &cursor, &message), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(cursor.wanted, settings->width + max);
    cursor.length++;
    assert_int_equal(settings->framing->decode(settings, &cursor, &message), WHERRY_OK);
    assert_int_equal(message.length, max);
    assert_int_equal(cursor.taken, settings->width + max);
    test_free(data);
}

static void test_every_limit(void **state)
{
    wherry__cursor cursor = { .data = (const uint8_t *)"\0\x10\0\1", .length = 4 };
    const wherry__settings *settings = wherry__protocol_settings(&wherry_length32);
    wherry_bytes message;

    (void)state;
    for (size_t i = 0; i < NAME_COUNT; i++)
        assert_limit(settings_of(names[i], 0));
    assert_int_equal(settings->framing->decode(settings, &cursor, &message), WHERRY_E_MALFORMED);
    assert_int_equal(cursor.taken, 4);
    assert_int_equal(cursor.skip, (1 << 20) + 1);
}

/* The payload need not even be there to be known as incomplete. */
static void test_the_payload_is_not_looked_at(void **state)
{
    const wherry__settings *settings = wherry__protocol_settings(&wherry_length32);
    uint8_t *prefix = test_malloc(4);
    wherry__cursor cursor = { .data = prefix };
    wherry_bytes message;

    (void)state;
    memcpy(prefix, "\0\x10\0\0", 4);
    for (cursor.length = 0; cursor.length < 4 + ((size_t)1 << 20); cursor.length++) {
        assert_int_equal(settings->framing->decode(settings, &cursor, &message),
                         WHERRY_E_WOULD_BLOCK);
        assert_int_equal(cursor.wanted, cursor.length < 4 ? 0 : 4 + (1 << 20));
    }
    assert_int_equal(settings->framing->decode(settings, &cursor, &message), WHERRY_OK);
    assert_ptr_equal(message.data, prefix + 4);
    assert_int_equal(message.length, 1 << 20);
    test_free(prefix);
}

static void test_payloads_come_out_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < NAME_COUNT; i++) {
        assert_carries(settings_of(names[i], 0), BYTES(""));
        assert_carries(settings_of(names[i], 0), BYTES("\0"));
        assert_carries(settings_of(names[i], 0), BYTES("\0\0\0\1a\r\n\xff%"));
        assert_carries(settings_of(names[i], 5), BYTES("abcde"));
    }
}

/* What input decodes to, by the letter of protocol.h. */
static void reference(struct transcript *transcript, const wherry__settings *settings,
                      wherry_bytes input)
{
    size_t at = 0;

    while (at < input.length) {
        size_t begin = at;
        uint64_t length = 0;

        for (size_t i = 0; i < settings->width && at < input.length; i++, at++)
            length += (uint64_t)input.data[at]
                      << 8 * (settings->little_endian ? i : settings->width - 1 - i);
        if (at - begin == settings->width && length > settings->message_size_max) {
            transcript_event(transcript, "malformed", begin);
            at = length > input.length - at ? input.length : at + (size_t)length;
        } else if (at - begin < settings->width || length > input.length - at) {
            transcript_event(transcript, "truncated", begin);
            return;
        } else {
            transcript_message(transcript, wherry_bytes_at(input.data + at, (size_t)length), begin);
            at += (size_t)length;
        }
    }
}

/* Mostly zeros and small numbers, so that there are lengths among them. */
static void test_random_streams(void **state)
{
    static struct transcript expected;
    uint64_t seed = 362436069;

    (void)state;
    for (int round = 0; round < 7000; round++) {
        const wherry__settings *settings = settings_of(names[round % (int)NAME_COUNT],
                                                       1 + next_random(&seed) % 6);
        size_t length = (size_t)(next_random(&seed) % 48);
        uint8_t data[48];

        for (size_t i = 0; i < length; i++)
            data[i] = next_random(&seed) % 3 == 0 ? (uint8_t)(next_random(&seed) % 9) : 0;
        expected.length = 0;
        expected.text[0] = '\0';
        reference(&expected, settings, wherry_bytes_at(data, length));
        assert_decodes_in_two(settings, wherry_bytes_at(data, length), expected.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_follow_their_length),
        cmocka_unit_test(test_the_order_of_the_bytes),
        cmocka_unit_test(test_pieces_at_the_end_are_truncated),
        cmocka_unit_test(test_messages_over_the_limit_are_skipped),
        cmocka_unit_test(test_the_end_among_skipped_bytes_is_not_told),
        cmocka_unit_test(test_the_longest_length_takes_no_room),
        cmocka_unit_test(test_the_limit_is_what_the_length_can_say),
        cmocka_unit_test(test_every_limit),
        cmocka_unit_test(test_the_payload_is_not_looked_at),
        cmocka_unit_test(test_payloads_come_out_again),
        cmocka_unit_test(test_random_streams),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
