/* Records: which faults struck, and that a replay of them is the same run. Apart from fault.c,
 * which has what a fault does when it strikes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/parcel.h"

#define MS WHERRY_MILLISECONDS(1)
#define ALWAYS 1000000

/* --- records */

static void test_what_struck_is_recorded(void **state)
{
    const wherry_fault_record *records;
    uint64_t value;
    size_t count;

    (void)state;
    (void)wherry__sim_fault(post.a, WHERRY_FAULT_RESET, 1, NULL);
    parcel_run(5 * MS);
    parcel_set_rate(WHERRY_FAULT_RESET, ALWAYS);
    assert_true(wherry__sim_fault(post.a, WHERRY_FAULT_RESET, 1000, &value));
    assert_true(wherry__sim_fault_between(post.a, post.b, WHERRY_FAULT_RESET, 1, NULL));
    records = wherry_simulation_faults(post.world, &count);
    assert_int_equal(count, 2);
    assert_int_equal(records[0].fault, WHERRY_FAULT_RESET);
    assert_string_equal(records[0].whom, "a");
    assert_int_equal(records[0].occasion, 2);
    assert_int_equal(records[0].value, value);
    assert_int_equal(records[0].time, 5 * MS);
    assert_string_equal(records[1].whom, "a>b");
    assert_int_equal(records[1].occasion, 1);
}

static void test_a_hundred_thousand_are_recorded_and_not_one_more(void **state)
{
    size_t count;

    (void)state;
    parcel_set_rate(WHERRY_FAULT_ORDER, ALWAYS);
    for (int i = 0; i < 100000; i++)
        (void)wherry__sim_fault(post.a, WHERRY_FAULT_ORDER, 1, NULL);
    (void)wherry_simulation_faults(post.world, &count);
    assert_int_equal(count, 100000);
    assert_true(wherry__sim_fault(post.a, WHERRY_FAULT_ORDER, 1, NULL));
    assert_int_equal(wherry_simulation_faults(post.world, &count)[99999].occasion, 100000);
    assert_int_equal(count, 100000);
    assert_int_equal(parcel_struck(WHERRY_FAULT_ORDER), 100001);
}

/* --- replays */

static const wherry_faults everything = { .millionths = {
                                              [WHERRY_FAULT_LOSS] = 100000,
                                              [WHERRY_FAULT_DUPLICATE] = 100000,
                                              [WHERRY_FAULT_REORDER] = 100000,
                                              [WHERRY_FAULT_CORRUPT] = 100000,
                                              [WHERRY_FAULT_DELAY] = 100000,
                                              [WHERRY_FAULT_PARTITION] = 10000,
                                              [WHERRY_FAULT_CLOG] = 10000,
                                          } };

static void converse(void)
{
    for (int i = 0; i < 300; i++) {
        parcel_send(post.a, post.b, NULL, i, 100, 0);
        parcel_send(post.b, post.c, NULL, 1000 + i, 100, 0);
        parcel_run(10 * MS);
    }
    parcel_run(WHERRY_SECONDS(100));
}

static void test_a_replay_is_the_run_that_was_recorded(void **state)
{
    static wherry_fault_record records[4096];
    static parcel_fate fates[PARCELS_MAX];
    size_t count, fate_count;
    uint64_t hash;

    (void)state;
    parcel_open((wherry_simulation_options){ .seed = 3, .faults = everything });
    converse();
    (void)wherry_simulation_faults(post.world, &count);
    assert_true(count > 100 && count <= 4096);
    memcpy(records, wherry_simulation_faults(post.world, &count), count * sizeof(*records));
    memcpy(fates, post.fates, post.count * sizeof(*fates));
    fate_count = post.count;
    hash = wherry_simulation_hash(post.world);
    parcel_open((wherry_simulation_options){ .seed = 3, .replay = records, .replay_count = count });
    converse();
    assert_int_equal(post.count, fate_count);
    assert_memory_equal(post.fates, fates, fate_count * sizeof(*fates));
    assert_true(wherry_simulation_hash(post.world) == hash);
}

static const wherry_fault_record third_reset = {
    .fault = WHERRY_FAULT_RESET, .whom = "a", .occasion = 3, .value = 12
};

static void test_in_a_replay_only_what_is_recorded_strikes(void **state)
{
    uint64_t value = 0;

    (void)state;
    parcel_open((wherry_simulation_options){ .faults.millionths[WHERRY_FAULT_RESET] = ALWAYS,
                                             .replay = &third_reset,
                                             .replay_count = 1 });
    for (int i = 1; i <= 5; i++) {
        assert_false(wherry__sim_fault(post.b, WHERRY_FAULT_RESET, 100, &value));
        assert_false(wherry__sim_fault_between(post.a, post.b, WHERRY_FAULT_RESET, 1, NULL));
        assert_int_equal(wherry__sim_fault(post.a, WHERRY_FAULT_RESET, 100, &value), i == 3);
    }
    assert_int_equal(value, 12);
    parcel_run(MS);
}

static void test_a_replayed_value_stays_below_the_bound(void **state)
{
    uint64_t value = 0;

    (void)state;
    parcel_open((wherry_simulation_options){ .replay = &third_reset, .replay_count = 1 });
    for (int i = 1; i <= 3; i++)
        (void)wherry__sim_fault(post.a, WHERRY_FAULT_RESET, 12, &value);
    assert_int_equal(value, 11);
}

static void test_replaying_nothing_means_that_nothing_strikes(void **state)
{
    (void)state;
    parcel_open((wherry_simulation_options){ .faults.millionths[WHERRY_FAULT_LOSS] = ALWAYS,
                                             .replaying = 1 });
    parcel_send_datagrams(10);
    assert_int_equal(parcel_arrived(), 10);
}

static void test_a_fault_to_be_replayed_that_did_not_strike_is_reported(void **state)
{
    (void)state;
    parcel_open((wherry_simulation_options){ .replay = &third_reset, .replay_count = 1 });
    for (int i = 1; i <= 2; i++)
        (void)wherry__sim_fault(post.a, WHERRY_FAULT_RESET, 1, NULL);
    assert_int_equal(wherry_simulation_run(post.world, MS), WHERRY_E_BROKEN);
    assert_non_null(strstr(wherry_problem(), "RESET of a at occasion 3"));
}

static void test_a_fault_that_is_to_strike_after_the_run_is_none_that_did_not(void **state)
{
    wherry_fault_record later = third_reset;

    (void)state;
    later.time = MS;
    parcel_open((wherry_simulation_options){ .replay = &later, .replay_count = 1 });
    parcel_run(MS);
    assert_int_equal(wherry_simulation_run(post.world, 1), WHERRY_E_BROKEN);
}

static void test_replays_that_make_no_sense_are_refused(void **state)
{
    const wherry_fault_record unknown = { .fault = WHERRY_FAULT_COUNT, .whom = "a" };
    const wherry_fault_record twice[] = { third_reset, { .fault = 0, .whom = "a" }, third_reset };
    wherry_simulation *world;

    (void)state;
    assert_int_equal(wherry_simulation_new(&world, .replay = &unknown, .replay_count = 1),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_simulation_new(&world, .replay = twice, .replay_count = 3),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_simulation_new(&world, .replay_count = 1), WHERRY_E_MISUSE);
    assert_int_equal(wherry_simulation_new(&world, .replay = twice, .replay_count = SIZE_MAX / 8),
                     WHERRY_E_MISUSE);
}

static void test_when_faults_are_over_none_is_replayed(void **state)
{
    wherry_fault_record first = third_reset;

    (void)state;
    first.occasion = 1;
    parcel_open((wherry_simulation_options){ .replay = &first, .replay_count = 1 });
    wherry_simulation_set_faults(post.world, NULL);
    assert_false(wherry__sim_fault(post.a, WHERRY_FAULT_RESET, 1, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARCEL_TEST(test_what_struck_is_recorded),
        PARCEL_TEST(test_a_hundred_thousand_are_recorded_and_not_one_more),
        PARCEL_TEST(test_a_replay_is_the_run_that_was_recorded),
        PARCEL_TEST(test_in_a_replay_only_what_is_recorded_strikes),
        PARCEL_TEST(test_a_replayed_value_stays_below_the_bound),
        PARCEL_TEST(test_replaying_nothing_means_that_nothing_strikes),
        PARCEL_TEST(test_a_fault_to_be_replayed_that_did_not_strike_is_reported),
        PARCEL_TEST(test_a_fault_that_is_to_strike_after_the_run_is_none_that_did_not),
        PARCEL_TEST(test_replays_that_make_no_sense_are_refused),
        PARCEL_TEST(test_when_faults_are_over_none_is_replayed),
    };

    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
