#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry/bytes.h>

static void bytes_are_a_place_and_a_length(void **state)
{
    const char place[] = "abc";
    wherry_bytes bytes = wherry_bytes_at(place, 2);

    (void)state;
    assert_ptr_equal(bytes.data, place);
    assert_int_equal(bytes.length, 2);
}

static void a_text_ends_before_its_zero(void **state)
{
    (void)state;
    assert_int_equal(wherry_text("abc").length, 3);
    assert_int_equal(wherry_text("").length, 0);
    assert_int_equal(wherry_text(NULL).length, 0);
    assert_null(wherry_text(NULL).data);
}

static void equal_means_the_same_bytes(void **state)
{
    (void)state;
    assert_int_equal(wherry_bytes_equal(wherry_text("abc"), wherry_text("abc")), 1);
    assert_int_equal(wherry_bytes_equal(wherry_text("abc"), wherry_text("abd")), 0);
    assert_int_equal(wherry_bytes_equal(wherry_text("abc"), wherry_text("ab")), 0);
    assert_int_equal(wherry_bytes_equal(wherry_text("ab"), wherry_text("abc")), 0);
    assert_int_equal(wherry_bytes_equal(wherry_text(NULL), wherry_text("")), 1);
    assert_int_equal(wherry_bytes_equal(wherry_bytes_at("a\0b", 3), wherry_bytes_at("a\0c", 3)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_a_place_and_a_length),
        cmocka_unit_test(a_text_ends_before_its_zero),
        cmocka_unit_test(equal_means_the_same_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
