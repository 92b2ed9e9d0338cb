#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/decoding.h"

static void test_messages_lie_between_separators(void **state)
{
    (void)state;
    assert_decodes(settings_of("separator:--", 0), BYTES("a--b-c----d\n--"),
                   "[a]@0 [b\\2dc]@3 []@8 [d\\0a]@10");
    assert_decodes(settings_of("separator:;", 0), BYTES(";a;"), "[]@0 [a]@1");
    assert_decodes(settings_of("separator:%00", 0), BYTES("ab\0\0"), "[ab]@0 []@3");
}

static void test_a_message_ends_with_the_first_separator(void **state)
{
    (void)state;
    assert_decodes(settings_of("separator:aa", 0), BYTES("baaaxaa"), "[b]@0 [ax]@3");
    assert_decodes(settings_of("separator:aba", 0), BYTES("ababaaba"), "[]@0 [ba]@3");
}

static void test_a_piece_at_the_end_is_truncated(void **state)
{
    const wherry__settings *settings = settings_of("separator:--", 4);

    (void)state;
    assert_decodes(settings, BYTES("a--b"), "[a]@0 truncated@3");
    assert_decodes(settings, BYTES("-"), "truncated@0");
    assert_decodes(settings, BYTES("abcd-"), "truncated@0");
    assert_decodes(settings, BYTES("abcd"), "truncated@0");
}

static void test_messages_over_the_limit_are_skipped(void **state)
{
    const wherry__settings *settings = settings_of("separator:--", 4);

    (void)state;
    assert_decodes(settings, BYTES("abcd--x--"), "[abcd]@0 [x]@6");
    assert_decodes(settings, BYTES("abcde--x--"), "malformed@0 [x]@7");
    assert_decodes(settings, BYTES("ab-d-f-h-j--x--"), "malformed@0 [x]@12");
    assert_decodes(settings, BYTES("abcdefgh--ijklmn--x--"), "malformed@0 malformed@10 [x]@18");
    assert_decodes(settings, BYTES("abcde"), "malformed@0");
    assert_decodes(settings, BYTES("abcdefgh-"), "malformed@0");
}

/* Only what may be the beginning of the separator is kept. */
static void test_what_is_skipped_takes_no_room(void **state)
{
    static struct decoding decoding;

    (void)state;
    decoding_start(&decoding, settings_of("separator:abac", 2));
    decoding_feed(&decoding, BYTES("xxxab"), false);
    assert_string_equal(decoding.transcript.text, "malformed@0 ");
    assert_int_equal(decoding.length, 2);
    decoding_feed(&decoding, BYTES("yyyaba"), false);
    assert_int_equal(decoding.length, 3);
    decoding_feed(&decoding, BYTES("yyyyyy"), false);
    assert_int_equal(decoding.length, 0);
    decoding_feed(&decoding, BYTES("aba"), false);
    decoding_feed(&decoding, BYTES("bac"), false);
    decoding_feed(&decoding, BYTES("xyabac"), false);
    assert_string_equal(decoding.transcript.text, "malformed@0 [xy]@23 ");
    decoding_stop(&decoding);
}

#define LONGEST "0123456789abcdefghijklmnopqrstuv"

static void test_the_longest_separator(void **state)
{
    const wherry__settings *settings = settings_of("separator:" LONGEST, 2);

    (void)state;
    assert_int_equal(settings->separator_length, 32);
    assert_decodes(settings, BYTES("x" LONGEST "xyz" LONGEST "01" LONGEST),
                   "[x]@0 malformed@33 [01]@68");
    assert_carries(settings, BYTES("ab"));
}

static void assert_names(const char *name, const char *separator, size_t length)
{
    const wherry__settings *settings = settings_of(name, 0);

    assert_int_equal(settings->separator_length, length);
    assert_memory_equal(settings->separator, separator, length);
    assert_string_equal(settings->name, name);
}

static void test_text_stands_for_bytes(void **state)
{
    (void)state;
    assert_names("separator:END", "END", 3);
    assert_names("separator:%0d%0A", "\r\n", 2);
    assert_names("separator:a%00:%25 b", "a\0:% b", 6);
    assert_names("separator:\xc3\xa4%fF", "\xc3\xa4\xff", 3);
    assert_names("separator:%30%31%32%33%34%35%36%37%38%39%61%62%63%64%65%66%67%68%69%6a%6b%6C%6d"
                 "%6e%6f%70%71%72%73%74%75%76",
                 LONGEST, 32);
}

static void assert_not_valid(const char *name, const char *text)
{
    wherry_protocol *protocol;

    assert_int_equal(wherry_protocol_new(&protocol, .name = name), WHERRY_E_INVALID);
    assert_null(protocol);
    assert_non_null(strstr(wherry_problem(), text));
    assert_non_null(strstr(wherry_problem(), name));
}

static void test_text_that_is_not_valid(void **state)
{
    (void)state;
    assert_not_valid("separator:", "empty");
    assert_not_valid("separator:" LONGEST "w", "at most 32 bytes");
    assert_not_valid("separator:%", "two hexadecimal digits");
    assert_not_valid("separator:a%4", "two hexadecimal digits");
    assert_not_valid("separator:%4g", "two hexadecimal digits");
    assert_not_valid("separator:%g4", "two hexadecimal digits");
    assert_not_valid("separator:%@0", "two hexadecimal digits");
    assert_not_valid("separator:%/0", "two hexadecimal digits");
    assert_not_valid("separator:%:0", "two hexadecimal digits");
    assert_not_valid("separator:%`0", "two hexadecimal digits");
    assert_not_valid("separator:%G0", "two hexadecimal digits");
}

static void test_payloads_that_would_be_cut_are_refused(void **state)
{
    (void)state;
    assert_refuses(settings_of("separator:--", 0), BYTES("ab--c--"), "at its byte 2 ");
    assert_refuses(settings_of("separator:--", 0), BYTES("ab-"), "at its byte 2 ");
    assert_refuses(settings_of("separator:abab", 0), BYTES("xxab"), "at its byte 2 ");
    assert_carries(settings_of("separator:--", 0), BYTES("-a-b"));
    assert_carries(settings_of("separator:abac", 0), BYTES("ababa"));
}

static void test_every_short_payload(void **state)
{
    (void)state;
    /* Nothing but bytes that are not of the separator: 1 + 1 + 1 + 1 + 1 + 1 payloads. */
    assert_int_equal(assert_carries_what_it_can(settings_of("separator:b", 0), "ab", 5), 63 - 6);
    assert_true(assert_carries_what_it_can(settings_of("separator:aa", 0), "ab", 6) > 0);
    assert_true(assert_carries_what_it_can(settings_of("separator:ab", 0), "abc", 5) > 0);
    assert_true(assert_carries_what_it_can(settings_of("separator:abaab", 0), "ab", 7) > 0);
}

static void test_random_streams(void **state)
{
    (void)state;
    assert_matches_reference(*settings_of("separator:;", 0), "aab;");
    assert_matches_reference(*settings_of("separator:aa", 0), "aab");
    assert_matches_reference(*settings_of("separator:abaab", 0), "aaab");
    assert_matches_reference(*settings_of("separator:aaaa", 0), "aaab");
}

static void test_bytes_are_looked_at_once(void **state)
{
    (void)state;
    assert_looks_once(settings_of("separator:;", 0), (size_t)1 << 20);
    assert_looks_once(settings_of("separator:--++", 0), (size_t)1 << 20);
    assert_looks_once(settings_of("separator:0123456789ABCDEFGHIJKLMNOPQRSTUV", 0),
                      (size_t)1 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_lie_between_separators),
        cmocka_unit_test(test_a_message_ends_with_the_first_separator),
        cmocka_unit_test(test_a_piece_at_the_end_is_truncated),
        cmocka_unit_test(test_messages_over_the_limit_are_skipped),
        cmocka_unit_test(test_what_is_skipped_takes_no_room),
        cmocka_unit_test(test_the_longest_separator),
        cmocka_unit_test(test_text_stands_for_bytes),
        cmocka_unit_test(test_text_that_is_not_valid),
        cmocka_unit_test(test_payloads_that_would_be_cut_are_refused),
        cmocka_unit_test(test_every_short_payload),
        cmocka_unit_test(test_random_streams),
        cmocka_unit_test(test_bytes_are_looked_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
