#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "simulation/chance.h"

#define DRAWS 100000

static wherry__sim_chance chance_of(uint64_t seed, const char *purpose, const char *whom)
{
    wherry__sim_chance chance;

    wherry__sim_chance_init(&chance, seed, purpose, whom, NULL);
    return chance;
}

/* These are part of what a seed means: a change makes all recorded seeds worthless. */
static void test_known_draws(void **state)
{
    wherry__sim_chance chance = chance_of(42, "link", "10.0.0.1>10.0.0.2");

    (void)state;
    assert_true(wherry__sim_draw(&chance) == UINT64_C(0x24de322ddc9eb37d));
    assert_true(wherry__sim_draw(&chance) == UINT64_C(0x79a0287dc18494c8));
    assert_int_equal(wherry__sim_draw_below(&chance, 1000), 436);
    assert_int_equal(wherry__sim_draw_around(&chance, 1000000), 1110137);
    assert_int_equal(wherry__sim_draw_magnitude(&chance, 1, 1000000), 29);
}

/* What the program of the authors gives for this state. */
static void test_the_generator_is_that_of_the_paper(void **state)
{
    wherry__sim_chance chance = { .state = { 1, 2, 3, 4 } };

    (void)state;
    assert_true(wherry__sim_draw(&chance) == 11520);
    assert_true(wherry__sim_draw(&chance) == 0);
    assert_true(wherry__sim_draw(&chance) == 1509978240);
    assert_true(wherry__sim_draw(&chance) == UINT64_C(1215971899390074240));
}

static void assert_different(wherry__sim_chance one, wherry__sim_chance other)
{
    assert_true(wherry__sim_draw(&one) != wherry__sim_draw(&other));
}

static void test_seed_purpose_and_whom_each_make_another_generator(void **state)
{
    (void)state;
    assert_different(chance_of(1, "a", "b"), chance_of(2, "a", "b"));
    assert_different(chance_of(1, "a", "b"), chance_of(1, "c", "b"));
    assert_different(chance_of(1, "a", "b"), chance_of(1, "a", "c"));
    assert_different(chance_of(1, "ab", "c"), chance_of(1, "a", "bc"));
    assert_different(chance_of(1, "a", "b"), chance_of(1, "b", "a"));
}

static void test_a_draw_of_one_shifts_none_of_another(void **state)
{
    wherry__sim_chance one = chance_of(1, "a", "b"), same = chance_of(1, "a", "b");
    wherry__sim_chance other = chance_of(1, "a", "c");

    (void)state;
    for (int i = 0; i < 100; i++) {
        wherry__sim_draw(&other);
        assert_true(wherry__sim_draw(&one) == wherry__sim_draw(&same));
    }
}

/* Five standard deviations around the mean of a count. */
static void assert_about(uint64_t count, uint64_t mean)
{
    uint64_t distance = count > mean ? count - mean : mean - count;

    assert_true(distance * distance <= 25 * mean);
}

static void test_below_gives_each_number_alike_and_never_the_bound(void **state)
{
    wherry__sim_chance chance = chance_of(1, "below", "");
    uint64_t counts[10] = { 0 };

    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        uint64_t drawn = wherry__sim_draw_below(&chance, 10);

        assert_true(drawn < 10);
        counts[drawn]++;
    }
    for (int i = 0; i < 10; i++)
        assert_about(counts[i], DRAWS / 10);
}

/* A remainder of a 64-bit number would fall into the lower half twice as often here. */
static void test_below_a_bound_that_divides_badly_is_not_biased(void **state)
{
    wherry__sim_chance chance = chance_of(1, "below", "");
    const uint64_t bound = UINT64_C(3) << 62;
    uint64_t low = 0;

    (void)state;
    for (int i = 0; i < DRAWS; i++)
        low += wherry__sim_draw_below(&chance, bound) < bound / 3;
    assert_about(low, DRAWS / 3);
}

static void test_below_1_is_0(void **state)
{
    wherry__sim_chance chance = chance_of(1, "below", "");

    (void)state;
    assert_int_equal(wherry__sim_draw_below(&chance, 1), 0);
}

static uint64_t often(uint32_t millionths)
{
    wherry__sim_chance chance = chance_of(1, "often", "");
    uint64_t count = 0;

    for (int i = 0; i < DRAWS; i++)
        count += wherry__sim_draw_often(&chance, millionths);
    return count;
}

static void test_often_is_never_at_0_and_always_at_a_million(void **state)
{
    (void)state;
    assert_int_equal(often(0), 0);
    assert_int_equal(often(1000000), DRAWS);
    assert_int_equal(often(UINT32_MAX), DRAWS);
    assert_about(often(10000), DRAWS / 100);
    assert_true(often(999999) >= DRAWS - 5);
}

/* Of an exponential distribution 1 - 1/e, 0.632, is below the mean, and e^-3, 0.0498, above three
 * times it. */
static void test_around_is_exponential(void **state)
{
    const int64_t mean = 1000000000;
    wherry__sim_chance chance = chance_of(1, "around", "");
    uint64_t below = 0, above = 0;
    int64_t sum = 0;

    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        int64_t drawn = wherry__sim_draw_around(&chance, mean);

        assert_true(drawn >= 0 && drawn <= 32 * mean);
        sum += drawn / DRAWS;
        below += drawn < mean;
        above += drawn > 3 * mean;
    }
    assert_true(sum > mean / 100 * 98 && sum < mean / 100 * 102);
    assert_about(below, 63212);
    assert_about(above, 4979);
}

static void test_around_ends_at_32_times_the_mean_and_at_the_end_of_time(void **state)
{
    const uint8_t highest[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    wherry__sim_choices choices;
    wherry__sim_chance chance;

    (void)state;
    wherry__sim_chance_init(&chance, 1, "around", "", &choices);
    choices = (wherry__sim_choices){ highest, 8 };
    assert_int_equal(wherry__sim_draw_around(&chance, 1000), 32000);
    choices = (wherry__sim_choices){ highest, 8 };
    assert_true(wherry__sim_draw_around(&chance, INT64_MAX) == INT64_MAX);
    assert_int_equal(wherry__sim_draw_around(&chance, 0), 0);
    assert_int_equal(wherry__sim_draw_around(&chance, -5), 0);
}

static void test_magnitude_gives_each_order_alike_and_both_ends(void **state)
{
    wherry__sim_chance chance = chance_of(1, "magnitude", "");
    uint64_t orders[10] = { 0 };
    bool lowest = false, highest = false;

    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        uint64_t drawn = wherry__sim_draw_magnitude(&chance, 1, 1023);

        assert_true(drawn >= 1 && drawn <= 1023);
        orders[63 - __builtin_clzll(drawn)]++;
        lowest = lowest || drawn == 1;
        highest = highest || drawn == 1023;
    }
    for (int i = 0; i < 10; i++)
        assert_about(orders[i], DRAWS / 10);
    assert_true(lowest && highest);
}

static void test_magnitude_keeps_within_odd_ends(void **state)
{
    wherry__sim_chance chance = chance_of(1, "magnitude", "");

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t drawn = wherry__sim_draw_magnitude(&chance, 700, 9000);

        assert_true(drawn >= 700 && drawn <= 9000);
        assert_int_equal(wherry__sim_draw_magnitude(&chance, 5, 5), 5);
        assert_true(wherry__sim_draw_magnitude(&chance, 1, UINT64_MAX) >= 1);
    }
}

static void test_choices_come_first_and_then_the_seed(void **state)
{
    const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    wherry__sim_choices choices = { bytes, sizeof(bytes) };
    wherry__sim_chance chance, plain = chance_of(1, "a", "b");

    (void)state;
    wherry__sim_chance_init(&chance, 1, "a", "b", &choices);
    assert_true(wherry__sim_draw(&chance) == UINT64_C(0x0807060504030201));
    assert_true(wherry__sim_draw(&chance) == 9);
    assert_true(wherry__sim_draw(&chance) == wherry__sim_draw(&plain));
}

static void test_choices_are_shared_and_used_sparingly(void **state)
{
    const uint8_t bytes[] = { 5, 1, 2, 7 };
    wherry__sim_choices choices = { bytes, sizeof(bytes) };
    wherry__sim_chance one, other;

    (void)state;
    wherry__sim_chance_init(&one, 1, "a", "b", &choices);
    wherry__sim_chance_init(&other, 1, "a", "c", &choices);
    assert_int_equal(wherry__sim_draw_below(&one, 1), 0);
    assert_int_equal(wherry__sim_draw_below(&one, 256), 5);
    assert_int_equal(wherry__sim_draw_below(&other, 257), 0x0201 - 257);
    assert_int_equal(wherry__sim_draw_below(&one, 4), 3);
    assert_int_equal(choices.left, 0);
}

static void test_choices_of_zero_are_the_mildest(void **state)
{
    const uint8_t zeros[64] = { 0 };
    wherry__sim_choices choices = { zeros, sizeof(zeros) };
    wherry__sim_chance chance;

    (void)state;
    wherry__sim_chance_init(&chance, 1, "a", "b", &choices);
    assert_false(wherry__sim_draw_often(&chance, 999999));
    assert_true(wherry__sim_draw_often(&chance, 1000000));
    assert_int_equal(wherry__sim_draw_around(&chance, 1000000000), 0);
    assert_int_equal(wherry__sim_draw_magnitude(&chance, 7, 1000), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_draws),
        cmocka_unit_test(test_the_generator_is_that_of_the_paper),
        cmocka_unit_test(test_seed_purpose_and_whom_each_make_another_generator),
        cmocka_unit_test(test_a_draw_of_one_shifts_none_of_another),
        cmocka_unit_test(test_below_gives_each_number_alike_and_never_the_bound),
        cmocka_unit_test(test_below_a_bound_that_divides_badly_is_not_biased),
        cmocka_unit_test(test_below_1_is_0),
        cmocka_unit_test(test_often_is_never_at_0_and_always_at_a_million),
        cmocka_unit_test(test_around_is_exponential),
        cmocka_unit_test(test_around_ends_at_32_times_the_mean_and_at_the_end_of_time),
        cmocka_unit_test(test_magnitude_gives_each_order_alike_and_both_ends),
        cmocka_unit_test(test_magnitude_keeps_within_odd_ends),
        cmocka_unit_test(test_choices_come_first_and_then_the_seed),
        cmocka_unit_test(test_choices_are_shared_and_used_sparingly),
        cmocka_unit_test(test_choices_of_zero_are_the_mildest),
    };

    return cmocka_run_group_tests_name("chance", tests, NULL, NULL);
}
