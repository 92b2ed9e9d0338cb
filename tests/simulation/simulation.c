/* A world as a whole: its options, its seed, its making and its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <wherry.h>

#include "support/bodies.h"
#include "support/failing_memory.h"
#include "support/problem.h"
#include "support/world.h"

#define SECOND WHERRY_SECONDS(1)

static void test_a_world_needs_a_place(void **state)
{
    (void)state;
    problem_assert_misuse(wherry_simulation_new(NULL), "place");
}

static void test_options_out_of_range_are_named(void **state)
{
    wherry_simulation *made = NULL;

    (void)state;
    problem_assert_misuse(wherry_simulation_new(&made, .link.mtu = 575), "link");
    problem_assert_misuse(wherry_simulation_new(&made, .link.mtu = 65537), "link");
    problem_assert_misuse(wherry_simulation_new(&made, .link.jitter = -1), "link");
    problem_assert_misuse(wherry_simulation_new(&made, .link.jitter = 3600 * SECOND + 1), "link");
    problem_assert_misuse(wherry_simulation_new(&made, .link.latency = 3600 * SECOND + 1), "link");
    problem_assert_misuse(wherry_simulation_new(&made, .replay_count = 1), "replay_count");
    problem_assert_misuse(wherry_simulation_new(&made, .choices_size = 1), "choices_size");
    problem_assert_misuse(
        wherry_simulation_new(&made, .faults.millionths[WHERRY_FAULT_RESET] = 1000001), "faults");
    problem_assert_misuse(wherry_simulation_new(&made, .faults.millionths[WHERRY_FAULT_COUNT] = 1),
                          "faults");
    assert_null(made);
}

static void make_and_free(const wherry_simulation_options *options)
{
    wherry_simulation_options copy = *options;
    wherry_simulation *made = NULL;

    copy.size = sizeof(copy);
    copy.result = &made;
    assert_int_equal(wherry_simulation_new_with(&copy), WHERRY_OK);
    assert_non_null(made);
    wherry_simulation_free(made);
}

static void test_options_at_their_limits_are_taken(void **state)
{
    static const uint8_t byte = 1;

    (void)state;
    make_and_free(&(wherry_simulation_options){ .link.mtu = 576 });
    make_and_free(&(wherry_simulation_options){ .link.mtu = 65536 });
    make_and_free(&(wherry_simulation_options){ .link.jitter = 3600 * SECOND });
    make_and_free(&(wherry_simulation_options){ .link.latency = 3600 * SECOND });
    make_and_free(&(wherry_simulation_options){ .link.latency = -1 });
    make_and_free(&(wherry_simulation_options){ .send_buffer = 1, .receive_buffer = 1 });
    make_and_free(&(wherry_simulation_options){ .faults.millionths[WHERRY_FAULT_RESET] = 1000000 });
    make_and_free(&(wherry_simulation_options){ .choices = &byte, .choices_size = 1 });
    make_and_free(&(wherry_simulation_options){ .replaying = 1 });
    make_and_free(&(wherry_simulation_options){ .swarm = 1 });
}

static void assert_seed(const char *text, uint64_t given, uint64_t expected)
{
    wherry_simulation *made = NULL;

    if (text != NULL)
        assert_int_equal(setenv("WHERRY_SIMULATION_SEED", text, 1), 0);
    assert_int_equal(wherry_simulation_new(&made, .seed = given), WHERRY_OK);
    assert_true(wherry_simulation_seed(made) == expected);
    wherry_simulation_free(made);
    (void)unsetenv("WHERRY_SIMULATION_SEED");
}

static void test_the_seed_is_1_unless_given(void **state)
{
    (void)state;
    assert_seed(NULL, 0, 1);
    assert_seed(NULL, 7, 7);
    assert_seed(NULL, UINT64_MAX, UINT64_MAX);
}

static void test_the_environment_goes_before(void **state)
{
    (void)state;
    assert_seed("12", 0, 12);
    assert_seed("12", 7, 12);
    assert_seed("18446744073709551615", 7, UINT64_MAX);
    assert_seed("007", 0, 7);
    assert_seed("", 7, 7);
}

static void test_a_seed_in_the_environment_that_is_no_number_is_refused(void **state)
{
    static const char *const texts[] = { "x",  "12x", "-1",   "+1",
                                         " 1", "1 ",  "0x10", "18446744073709551616" };
    wherry_simulation *made = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        assert_int_equal(setenv("WHERRY_SIMULATION_SEED", texts[i], 1), 0);
        assert_int_equal(wherry_simulation_new(&made, .seed = 7), WHERRY_E_INVALID);
        problem_assert("WHERRY_SIMULATION_SEED");
    }
    (void)unsetenv("WHERRY_SIMULATION_SEED");
    assert_null(made);
}

static int make_with(wherry_memory *memory)
{
    wherry_simulation *made;
    int result = wherry_simulation_new(&made, .memory = memory);

    if (result == WHERRY_OK)
        wherry_simulation_free(made);
    return result;
}

static int make_replay_with(wherry_memory *memory)
{
    const wherry_fault_record record = { .fault = WHERRY_FAULT_RESET, .whom = "a>b" };
    wherry_simulation *made;
    int result = wherry_simulation_new(&made, .memory = memory, .replay = &record,
                                       .replay_count = 1);

    if (result == WHERRY_OK)
        wherry_simulation_free(made);
    return result;
}

static void test_making_one_without_memory_fails_in_order(void **state)
{
    (void)state;
    assert_in_range(failing_memory_try(make_with), 4, 100);
    assert_in_range(failing_memory_try(make_replay_with), 5, 100);
}

/* All that takes memory of the world. */
static int use_with(wherry_memory *memory)
{
    wherry_simulation *made;
    int result = wherry_simulation_new(&made, .memory = memory, .quiet = 1);

    if (result < 0)
        return result;
    result = wherry_simulation_host(made, "10.0.0.1 fd00::1", .name = "one");
    if (result == WHERRY_OK)
        result = wherry_simulation_spawn(made, "one", body_sleep_a_second, NULL);
    if (result == WHERRY_OK)
        result = wherry_simulation_spawn(made, "10.0.0.2", body_sleep_for_ever, NULL);
    if (result == WHERRY_OK)
        result = wherry_simulation_run(made, 2 * SECOND);
    if (result == WHERRY_OK)
        result = wherry_simulation_restart(made, "one");
    if (result == WHERRY_OK)
        result = wherry_simulation_kill(made, "10.0.0.2");
    if (result == WHERRY_OK)
        result = wherry_simulation_run(made, 2 * SECOND);
    wherry_simulation_free(made);
    return result;
}

static void test_using_one_without_memory_fails_in_order(void **state)
{
    (void)state;
    assert_in_range(failing_memory_try(use_with), 10, 1000);
}

static void test_nothing_is_freed_without_a_word(void **state)
{
    (void)state;
    wherry_simulation_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_world_needs_a_place),
        TEST(options_out_of_range_are_named),
        TEST(options_at_their_limits_are_taken),
        TEST(the_seed_is_1_unless_given),
        TEST(the_environment_goes_before),
        TEST(a_seed_in_the_environment_that_is_no_number_is_refused),
        TEST(making_one_without_memory_fails_in_order),
        TEST(using_one_without_memory_fails_in_order),
        TEST(nothing_is_freed_without_a_word),
    };

    return cmocka_run_group_tests_name("simulation", tests, NULL, NULL);
}
