#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/decoding.h"

static void test_messages_have_one_size(void **state)
{
    (void)state;
    assert_decodes(settings_of("fixed:3", 0), BYTES("abc\0\r\ndef"),
                   "[abc]@0 [\\00\\0d\\0a]@3 [def]@6");
    assert_decodes(settings_of("fixed:1", 0), BYTES("ab"), "[a]@0 [b]@1");
    assert_decodes(settings_of("fixed:8", 8), BYTES("abcdefgh"), "[abcdefgh]@0");
}

static void test_a_piece_at_the_end_is_truncated(void **state)
{
    (void)state;
    assert_decodes(settings_of("fixed:3", 0), BYTES("abcde"), "[abc]@0 truncated@3");
    assert_decodes(settings_of("fixed:3", 0), BYTES("a"), "truncated@0");
}

static void test_the_size_is_known_before_the_message(void **state)
{
    const wherry__settings *settings = settings_of("fixed:3", 0);
    wherry__cursor cursor = { .data = (const uint8_t *)"ab" };
    wherry_bytes message;

    (void)state;
    for (cursor.length = 0; cursor.length < 3; cursor.length++) {
        assert_int_equal(settings->framing->decode(settings, &cursor, &message),
                         WHERRY_E_WOULD_BLOCK);
        assert_int_equal(cursor.wanted, 3);
    }
}

static void test_other_sizes_are_refused(void **state)
{
    (void)state;
    assert_carries(settings_of("fixed:3", 0), BYTES("a\0\n"));
    assert_refuses(settings_of("fixed:3", 0), BYTES("ab"),
                   "fixed:3 cannot carry a message of 2 bytes");
    assert_refuses(settings_of("fixed:3", 0), BYTES("abcd"), "of 4 bytes");
    assert_refuses(settings_of("fixed:3", 0), BYTES(""), "of 0 bytes");
}

static void assert_not_valid(const char *name, size_t max, const char *text)
{
    wherry_protocol *protocol;

    assert_int_equal(wherry_protocol_new(&protocol, .name = name, .message_size_max = max),
                     WHERRY_E_INVALID);
    assert_null(protocol);
    assert_non_null(strstr(wherry_problem(), text));
    assert_non_null(strstr(wherry_problem(), name));
}

static void test_sizes_that_are_not_valid(void **state)
{
    static const char *const sizes[] = {
        "fixed:",   "fixed:0",  "fixed:00", "fixed:01",  "fixed:-1", "fixed:+1",  "fixed: 1",
        "fixed:1 ", "fixed:1k", "fixed:/",  "fixed:0x1", "fixed::",  "fixed:1.5", "fixed:1:1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        assert_not_valid(sizes[i], 0, "a number from 1 to message_size_max, which is 1048576");
}

static void test_a_size_is_within_the_limit(void **state)
{
    (void)state;
    assert_int_equal(settings_of("fixed:1048576", 0)->fixed, 1048576);
    assert_not_valid("fixed:1048577", 0, "which is 1048576");
    assert_int_equal(settings_of("fixed:10", 10)->fixed, 10);
    assert_not_valid("fixed:11", 10, "which is 10");
    assert_int_equal(settings_of("fixed:1073741824", 1 << 30)->fixed, 1 << 30);
    assert_not_valid("fixed:1073741825", 1 << 30, "which is 1073741824");
}

/* 2 to the 32nd and to the 64th and one, which would be one if they went round. */
static void test_sizes_that_no_word_can_hold(void **state)
{
    (void)state;
    assert_not_valid("fixed:4294967297", 0, "which is 1048576");
    assert_not_valid("fixed:18446744073709551617", 0, "which is 1048576");
    assert_not_valid("fixed:184467440737095516161", 0, "which is 1048576");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_have_one_size),
        cmocka_unit_test(test_a_piece_at_the_end_is_truncated),
        cmocka_unit_test(test_the_size_is_known_before_the_message),
        cmocka_unit_test(test_other_sizes_are_refused),
        cmocka_unit_test(test_sizes_that_are_not_valid),
        cmocka_unit_test(test_a_size_is_within_the_limit),
        cmocka_unit_test(test_sizes_that_no_word_can_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
