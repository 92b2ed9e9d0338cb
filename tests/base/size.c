#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry/time.h>

#include "base/size.h"

static void sums_fit_up_to_the_largest_size(void **state)
{
    size_t sum = 7;

    (void)state;
    assert_true(wherry__size_add(2, 3, &sum));
    assert_int_equal(sum, 5);
    assert_true(wherry__size_add(SIZE_MAX - 1, 1, &sum));
    assert_true(sum == SIZE_MAX);
    sum = 7;
    assert_false(wherry__size_add(SIZE_MAX, 1, &sum));
    assert_false(wherry__size_add(1, SIZE_MAX, &sum));
    assert_false(wherry__size_add(SIZE_MAX, SIZE_MAX, &sum));
    assert_int_equal(sum, 7);
}

static void products_fit_up_to_the_largest_size(void **state)
{
    size_t product = 7;
    size_t half = SIZE_MAX / 2;

    (void)state;
    assert_true(wherry__size_multiply(0, SIZE_MAX, &product));
    assert_int_equal(product, 0);
    assert_true(wherry__size_multiply(half, 2, &product));
    assert_true(product == SIZE_MAX - 1);
    product = 7;
    assert_false(wherry__size_multiply(half + 1, 2, &product));
    assert_false(wherry__size_multiply(SIZE_MAX, SIZE_MAX, &product));
    assert_int_equal(product, 7);
}

/* The result may be stored over an argument. */
static void a_result_may_replace_an_argument(void **state)
{
    size_t number = 40;

    (void)state;
    assert_true(wherry__size_add(number, 2, &number));
    assert_int_equal(number, 42);
    assert_true(wherry__size_multiply(number, number, &number));
    assert_int_equal(number, 1764);
}

static void the_smaller_and_the_larger(void **state)
{
    (void)state;
    assert_int_equal(wherry__size_min(1, 2), 1);
    assert_int_equal(wherry__size_min(2, 1), 1);
    assert_int_equal(wherry__size_max(1, 2), 2);
    assert_true(wherry__size_max(SIZE_MAX, 0) == SIZE_MAX);
}

static void instants_end_at_never(void **state)
{
    (void)state;
    assert_int_equal(wherry__instant_after(100, 5), 105);
    assert_int_equal(wherry__instant_after(-100, 5), -95);
    assert_int_equal(wherry__instant_after(100, 0), 100);
    assert_int_equal(wherry__instant_after(100, -1), 100);
    assert_int_equal(wherry__instant_after(100, INT64_MIN), 100);
    assert_true(wherry__instant_after(WHERRY_NEVER - 2, 1) == WHERRY_NEVER - 1);
    assert_true(wherry__instant_after(WHERRY_NEVER - 2, 2) == WHERRY_NEVER);
    assert_true(wherry__instant_after(WHERRY_NEVER - 2, 3) == WHERRY_NEVER);
    assert_true(wherry__instant_after(WHERRY_NEVER, INT64_MAX) == WHERRY_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_fit_up_to_the_largest_size),
        cmocka_unit_test(products_fit_up_to_the_largest_size),
        cmocka_unit_test(a_result_may_replace_an_argument),
        cmocka_unit_test(the_smaller_and_the_larger),
        cmocka_unit_test(instants_end_at_never),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
