#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/decoding.h"

static void test_lines_end_with_lf_or_crlf(void **state)
{
    const wherry__settings *settings = wherry__protocol_settings(&wherry_lines);

    (void)state;
    assert_decodes(settings, BYTES("one\ntwo\r\n\n\r\nlast\n"),
                   "[one]@0 [two]@4 []@9 []@10 [last]@12");
    assert_decodes(settings, BYTES("a\r\r\nb\rc\n\0\n"), "[a\\0d]@0 [b\\0dc]@4 [\\00]@8");
    assert_decodes(settings, BYTES(""), "");
}

static void test_crlf_ends_with_both(void **state)
{
    const wherry__settings *settings = wherry__protocol_settings(&wherry_crlf);

    (void)state;
    assert_decodes(settings, BYTES("one\r\n\r\na\nb\rc\r\r\n"), "[one]@0 []@5 [a\\0ab\\0dc\\0d]@7");
}

static void test_cr_ends_with_cr(void **state)
{
    const wherry__settings *settings = wherry__protocol_settings(&wherry_cr);

    (void)state;
    assert_decodes(settings, BYTES("one\r\rtwo\r\nthree\r"), "[one]@0 []@4 [two]@5 [\\0athree]@9");
}

static void test_what_is_left_at_the_end_is_a_line(void **state)
{
    (void)state;
    assert_decodes(wherry__protocol_settings(&wherry_lines), BYTES("a\nbc"), "[a]@0 [bc]@2");
    assert_decodes(wherry__protocol_settings(&wherry_lines), BYTES("bc\r"), "[bc\\0d]@0");
    assert_decodes(wherry__protocol_settings(&wherry_crlf), BYTES("a\r\nb\r"), "[a]@0 [b\\0d]@3");
    assert_decodes(wherry__protocol_settings(&wherry_cr), BYTES("a\rb\n"), "[a]@0 [b\\0a]@2");
}

static void test_lines_over_the_limit_are_skipped(void **state)
{
    const wherry__settings *settings = settings_of("lines", 4);

    (void)state;
    assert_decodes(settings, BYTES("abcd\nabcd\r\n"), "[abcd]@0 [abcd]@5");
    assert_decodes(settings, BYTES("abcde\nx\n"), "malformed@0 [x]@6");
    assert_decodes(settings, BYTES("abcd\r\r\nx\n"), "malformed@0 [x]@7");
    assert_decodes(settings, BYTES("x\nabcdefghijklm\r\ny\n"), "[x]@0 malformed@2 [y]@17");
    assert_decodes(settings, BYTES("abcde\nabcde\n\n"), "malformed@0 malformed@6 []@12");
}

static void test_the_rest_has_the_same_limit(void **state)
{
    const wherry__settings *settings = settings_of("lines", 4);

    (void)state;
    assert_decodes(settings, BYTES("abcd"), "[abcd]@0");
    assert_decodes(settings, BYTES("abc\r"), "[abc\\0d]@0");
    assert_decodes(settings, BYTES("abcd\r"), "malformed@0");
    assert_decodes(settings, BYTES("abcde"), "malformed@0");
    assert_decodes(settings, BYTES("abcdefghijkl"), "malformed@0");
}

static void test_crlf_and_cr_have_limits(void **state)
{
    (void)state;
    assert_decodes(settings_of("crlf", 4), BYTES("abcd\r\nabcd\r\r\nx\r\n"),
                   "[abcd]@0 malformed@6 [x]@13");
    assert_decodes(settings_of("crlf", 4), BYTES("abcdefgh\r\n\r\nabcd\r"),
                   "malformed@0 []@10 malformed@12");
    assert_decodes(settings_of("cr", 4), BYTES("abcd\rabcde\rx\r"), "[abcd]@0 malformed@5 [x]@11");
}

/* It is certain with the first byte too many, unless that may be a part of the end. */
static void test_malformed_is_told_as_soon_as_it_is_certain(void **state)
{
    static struct decoding decoding;

    (void)state;
    decoding_start(&decoding, settings_of("lines", 4));
    decoding_feed(&decoding, BYTES("abcd"), false);
    assert_string_equal(decoding.transcript.text, "");
    decoding_feed(&decoding, BYTES("\r"), false);
    assert_string_equal(decoding.transcript.text, "");
    decoding_feed(&decoding, BYTES("\r"), false);
    assert_string_equal(decoding.transcript.text, "malformed@0 ");
    assert_int_equal(decoding.length, 0);
    decoding_stop(&decoding);

    decoding_start(&decoding, settings_of("crlf", 4));
    decoding_feed(&decoding, BYTES("abcd\r"), false);
    assert_string_equal(decoding.transcript.text, "");
    decoding_feed(&decoding, BYTES("\r"), false);
    assert_string_equal(decoding.transcript.text, "malformed@0 ");
    assert_int_equal(decoding.length, 1); /* the CR of a CR LF */
    decoding_stop(&decoding);
}

static void test_the_default_limit_is_a_mebibyte(void **state)
{
    const wherry__settings *settings = wherry__protocol_settings(&wherry_lines);
    size_t max = (size_t)1 << 20;
    uint8_t *data = test_malloc(max + 2);
    wherry__cursor cursor = { .data = data, .length = max + 1 };
    wherry_bytes message;

    (void)state;
    memset(data, 'a', max + 2);
    data[max] = '\n';
    assert_int_equal(settings->framing->decode(settings, &cursor, &message), WHERRY_OK);
    assert_int_equal(message.length, max);
    data[max] = 'a';
    data[max + 1] = '\n';
    cursor.length = max + 2;
    assert_int_equal(settings->framing->decode(settings, &cursor, &message), WHERRY_E_MALFORMED);
    assert_int_equal(cursor.taken, max + 2);
    test_free(data);
}

static void test_a_line_takes_what_it_can_give(void **state)
{
    const wherry__settings *settings = wherry__protocol_settings(&wherry_lines);

    (void)state;
    assert_carries(settings, BYTES(""));
    assert_carries(settings, BYTES("\ra\0b"));
    assert_refuses(settings, BYTES("ab\ncd\n"), "lines cannot carry the message: at its byte 2 ");
    assert_refuses(settings, BYTES("abc\r"), "the CR at its byte 3, the last,");
    assert_refuses(wherry__protocol_settings(&wherry_crlf), BYTES("a\nb\r\n"), "at its byte 3 ");
    assert_carries(wherry__protocol_settings(&wherry_crlf), BYTES("a\nb\rc\r"));
    assert_refuses(wherry__protocol_settings(&wherry_cr), BYTES("\n\r"), "at its byte 1 ");
}

static void test_every_short_payload(void **state)
{
    (void)state;
    /* Of 364 payloads 32 + 16 + 8 + 4 + 2 + 1 have no LF, and of these half of the not empty ones
     * end with a CR. */
    assert_int_equal(
        assert_carries_what_it_can(wherry__protocol_settings(&wherry_lines), "a\r\n", 5),
        364 - 63 + 31);
    assert_int_equal(assert_carries_what_it_can(wherry__protocol_settings(&wherry_cr), "a\r\n", 5),
                     364 - 63);
    assert_true(assert_carries_what_it_can(wherry__protocol_settings(&wherry_crlf), "a\r\n", 5) >
                0);
}

static void test_random_streams(void **state)
{
    (void)state;
    assert_matches_reference(*wherry__protocol_settings(&wherry_lines), "aab\r\n");
    assert_matches_reference(*wherry__protocol_settings(&wherry_crlf), "ab\r\r\n\n");
    assert_matches_reference(*wherry__protocol_settings(&wherry_cr), "aaab\r\n");
}

static void test_bytes_are_looked_at_once(void **state)
{
    (void)state;
    assert_looks_once(wherry__protocol_settings(&wherry_lines), (size_t)1 << 20);
    assert_looks_once(wherry__protocol_settings(&wherry_crlf), (size_t)1 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_end_with_lf_or_crlf),
        cmocka_unit_test(test_crlf_ends_with_both),
        cmocka_unit_test(test_cr_ends_with_cr),
        cmocka_unit_test(test_what_is_left_at_the_end_is_a_line),
        cmocka_unit_test(test_lines_over_the_limit_are_skipped),
        cmocka_unit_test(test_the_rest_has_the_same_limit),
        cmocka_unit_test(test_crlf_and_cr_have_limits),
        cmocka_unit_test(test_malformed_is_told_as_soon_as_it_is_certain),
        cmocka_unit_test(test_the_default_limit_is_a_mebibyte),
        cmocka_unit_test(test_a_line_takes_what_it_can_give),
        cmocka_unit_test(test_every_short_payload),
        cmocka_unit_test(test_random_streams),
        cmocka_unit_test(test_bytes_are_looked_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
