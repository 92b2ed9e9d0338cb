#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/decoding.h"

/* What arrives is what is handed out, piece by piece. */
static void test_each_piece_is_a_message(void **state)
{
    static struct decoding decoding;

    (void)state;
    decoding_start(&decoding, wherry__protocol_settings(&wherry_raw));
    decoding_feed(&decoding, BYTES("ab"), false);
    decoding_feed(&decoding, BYTES(""), false);
    decoding_feed(&decoding, BYTES("c\n\0"), false);
    decoding_feed(&decoding, BYTES("d"), true);
    assert_string_equal(decoding.transcript.text, "[ab]@0 [c\\0a\\00]@2 [d]@5 ");
    assert_int_equal(decoding.length, 0);
    decoding_stop(&decoding);
}

static void test_no_bytes_are_no_message(void **state)
{
    static struct decoding decoding;

    (void)state;
    decoding_start(&decoding, wherry__protocol_settings(&wherry_raw));
    decoding_feed(&decoding, BYTES(""), false);
    decoding_feed(&decoding, BYTES(""), true);
    assert_string_equal(decoding.transcript.text, "");
    decoding_stop(&decoding);
}

static void decode_at_once(const char *text, bool ended, const char *expected)
{
    static struct decoding decoding;

    decoding_start(&decoding, settings_of("raw", 4));
    decoding_feed(&decoding, wherry_text(text), ended);
    assert_string_equal(decoding.transcript.text, expected);
    decoding_stop(&decoding);
}

static void test_what_is_over_the_limit_is_cut(void **state)
{
    (void)state;
    decode_at_once("abc", false, "[abc]@0 ");
    decode_at_once("abcd", false, "[abcd]@0 ");
    decode_at_once("abcde", false, "[abcd]@0 [e]@4 ");
    decode_at_once("abcdefghij", true, "[abcd]@0 [efgh]@4 [ij]@8 ");
}

static void test_nothing_goes_around_a_payload(void **state)
{
    const wherry__settings *settings = wherry__protocol_settings(&wherry_raw);
    uint8_t wire[64];
    size_t length;

    (void)state;
    assert_int_equal(encode_divided(settings, BYTES("a\r\n\0"), wire, &length), WHERRY_OK);
    assert_int_equal(length, 4);
    assert_memory_equal(wire, "a\r\n\0", 4);
    assert_int_equal(encode_divided(settings, BYTES(""), wire, &length), WHERRY_OK);
    assert_int_equal(length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_piece_is_a_message),
        cmocka_unit_test(test_no_bytes_are_no_message),
        cmocka_unit_test(test_what_is_over_the_limit_is_cut),
        cmocka_unit_test(test_nothing_goes_around_a_payload),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
