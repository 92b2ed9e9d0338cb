#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/siphash.h"

/* The key 00 01 .. 0f of the paper and of the vectors of its authors' reference implementation. */
static const uint64_t key[2] = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };

/* 00 01 02 ..: the message of each length. */
static const uint8_t message[] = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                   12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23 };

static void known_answers_of_1_3(void **state)
{
    static const uint64_t answers[] = {
        UINT64_C(0xabac0158050fc4dc), UINT64_C(0xc9f49bf37d57ca93), UINT64_C(0x82cb9b024dc7d44d),
        UINT64_C(0x8bf80ab8e7ddf7fb), UINT64_C(0xcf75576088d38328), UINT64_C(0xdef9d52f49533b67),
        UINT64_C(0xc50d2b50c59f22a7), UINT64_C(0xd3927d989bb11140), UINT64_C(0x369095118d299a8e),
        UINT64_C(0x25a48eb36c063de4), UINT64_C(0x79de85ee92ff097f), UINT64_C(0x70c118c1f94dc352),
        UINT64_C(0x78a384b157b4d9a2), UINT64_C(0x306f760c1229ffa7), UINT64_C(0x605aa111c0f95d34),
        UINT64_C(0xd320d86d2a519956), UINT64_C(0xcc4fdd1a7d908b66), UINT64_C(0x9cf2689063dbd80c),
        UINT64_C(0x8ffc389cb473e63e), UINT64_C(0xf21f9de58d297d1c), UINT64_C(0xc0dc2f46a6cce040),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        wherry_bytes bytes = wherry_bytes_at(message, i);

        assert_true(wherry__siphash(key, bytes) == answers[i]);
        assert_true(wherry__siphash_rounds(key, bytes, 1, 3) == answers[i]);
    }
}

static void known_answers_of_2_4(void **state)
{
    (void)state;
    assert_true(wherry__siphash_rounds(key, wherry_bytes_at(message, 15), 2, 4) ==
                UINT64_C(0xa129ca6149be45e5)); /* appendix A of the paper */
    assert_true(wherry__siphash_rounds(key, wherry_bytes_at(NULL, 0), 2, 4) ==
                UINT64_C(0x726fdb47dd0e0e31));
    assert_true(wherry__siphash_rounds(key, wherry_bytes_at(message, 16), 2, 4) ==
                UINT64_C(0x3f2acc7f57c29bdb));
}

static void lengths_past_a_byte_are_told_apart(void **state)
{
    static const uint8_t zeroes[300];

    (void)state;
    assert_true(wherry__siphash(key, wherry_bytes_at(zeroes, 256)) !=
                wherry__siphash(key, wherry_bytes_at(zeroes, 0)));
    assert_true(wherry__siphash(key, wherry_bytes_at(zeroes, 256)) !=
                wherry__siphash(key, wherry_bytes_at(zeroes, 255)));
}

static void the_place_need_not_be_aligned(void **state)
{
    uint8_t shifted[sizeof(message) + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(message); i++)
        shifted[i + 1] = message[i];
    assert_true(wherry__siphash(key, wherry_bytes_at(shifted + 1, 20)) ==
                UINT64_C(0xc0dc2f46a6cce040));
}

static void a_key_is_read_little_endian(void **state)
{
    uint64_t made[2];

    (void)state;
    wherry__siphash_key(made, message);
    assert_true(made[0] == key[0]);
    assert_true(made[1] == key[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers_of_1_3),
        cmocka_unit_test(known_answers_of_2_4),
        cmocka_unit_test(lengths_past_a_byte_are_told_apart),
        cmocka_unit_test(the_place_need_not_be_aligned),
        cmocka_unit_test(a_key_is_read_little_endian),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
