/* Faults between hosts: how they are drawn, and what each does to packets. That they are recorded
 * and replayed is in record.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/parcel.h"

#define MS WHERRY_MILLISECONDS(1)
#define ALWAYS 1000000

/* --- kinds */

static void test_each_kind_has_a_name_and_a_sentence(void **state)
{
    (void)state;
    assert_string_equal(wherry_fault_name(WHERRY_FAULT_SHORT_RECEIVE), "SHORT_RECEIVE");
    assert_string_equal(wherry_fault_name(WHERRY_FAULT_POINT), "POINT");
    assert_string_equal(wherry_fault_text(WHERRY_FAULT_LOSS), "a datagram is lost");
    for (int i = 0; i < WHERRY_FAULT_COUNT; i++)
        assert_true(wherry_fault_name(i) != NULL && wherry_fault_text(i) != NULL);
    assert_null(wherry_fault_name(-1));
    assert_null(wherry_fault_name(WHERRY_FAULT_COUNT));
    assert_null(wherry_fault_text(WHERRY_FAULT_COUNT));
    assert_null(wherry_fault_text(-1));
}

/* --- striking */

static void test_a_fault_strikes_never_at_0_and_always_at_a_million(void **state)
{
    uint64_t value;

    (void)state;
    for (int i = 0; i < 100; i++)
        assert_false(wherry__sim_fault(post.a, WHERRY_FAULT_RESET, 10, &value));
    parcel_set_rate(WHERRY_FAULT_RESET, ALWAYS);
    for (int i = 0; i < 100; i++) {
        assert_true(wherry__sim_fault(post.a, WHERRY_FAULT_RESET, 10, &value));
        assert_true(value < 10);
    }
    assert_false(wherry__sim_fault(post.a, WHERRY_FAULT_SILENCE, 10, NULL));
    assert_int_equal(post.world->statistics.occasions[WHERRY_FAULT_RESET], 200);
    assert_int_equal(post.world->statistics.faults[WHERRY_FAULT_RESET], 100);
    assert_int_equal(post.world->statistics.occasions[WHERRY_FAULT_SILENCE], 1);
}

static void test_within_one_host_no_fault_between_two_strikes(void **state)
{
    (void)state;
    parcel_set_rate(WHERRY_FAULT_DELAY, ALWAYS);
    assert_false(wherry__sim_fault_between(post.a, post.a, WHERRY_FAULT_DELAY, 1, NULL));
    assert_true(wherry__sim_fault_between(post.a, post.b, WHERRY_FAULT_DELAY, 1, NULL));
}

/* Which of 64 occasions of a host strike, as bits, where others have some in between. */
static uint64_t pattern(wherry__sim_host *host, int fault, wherry__sim_host *other, int other_fault)
{
    uint64_t bits = 0;

    for (int i = 0; i < 64; i++) {
        bits = bits << 1 | wherry__sim_fault(host, fault, 1, NULL);
        if (other != NULL)
            (void)wherry__sim_fault(other, other_fault, 1, NULL);
    }
    return bits;
}

static void test_what_strikes_one_does_not_depend_on_others_nor_on_other_kinds(void **state)
{
    const wherry_faults half = {
        .millionths = { [WHERRY_FAULT_RESET] = ALWAYS / 2, [WHERRY_FAULT_STALL] = ALWAYS / 2 }
    };
    const wherry_simulation_options options = { .seed = 7, .faults = half };
    uint64_t alone;

    (void)state;
    parcel_open(options);
    alone = pattern(post.a, WHERRY_FAULT_RESET, NULL, 0);
    assert_true(alone != 0 && alone != UINT64_MAX);
    parcel_open(options);
    assert_true(pattern(post.a, WHERRY_FAULT_RESET, post.b, WHERRY_FAULT_RESET) == alone);
    parcel_open(options);
    assert_true(pattern(post.a, WHERRY_FAULT_RESET, post.a, WHERRY_FAULT_STALL) == alone);
    parcel_open(options);
    assert_true(pattern(post.a, WHERRY_FAULT_STALL, NULL, 0) != alone);
    parcel_open(options);
    assert_true(pattern(post.b, WHERRY_FAULT_RESET, NULL, 0) != alone);
    parcel_open((wherry_simulation_options){ .seed = 8, .faults = half });
    assert_true(pattern(post.a, WHERRY_FAULT_RESET, NULL, 0) != alone);
}

static void test_the_bytes_of_choices_decide_first(void **state)
{
    const uint8_t choices[] = { 0x3f, 0x42, 0x0f, 9, 0, 0, 0 }; /* 999,999; 9; 0 */
    uint64_t value;

    (void)state;
    parcel_open((wherry_simulation_options){
        .choices = choices,
        .choices_size = sizeof(choices),
        .faults.millionths[WHERRY_FAULT_RESET] = 1,
    });
    assert_true(wherry__sim_fault(post.a, WHERRY_FAULT_RESET, 10, &value));
    assert_int_equal(value, 9);
    assert_false(wherry__sim_fault(post.b, WHERRY_FAULT_RESET, 10, &value));
}

static void test_without_memory_no_fault_strikes(void **state)
{
    (void)state;
    parcel_set_rate(WHERRY_FAULT_RESET, ALWAYS);
    post.memory.fail_at = post.memory.calls + 1;
    assert_false(wherry__sim_fault(post.a, WHERRY_FAULT_RESET, 1, NULL));
    assert_true(wherry__sim_fault(post.a, WHERRY_FAULT_RESET, 1, NULL));
}

static void test_a_stall_keeps_a_host_from_running_for_a_while(void **state)
{
    (void)state;
    wherry__sim_stall(post.a);
    assert_int_equal(post.a->stalled_until, 0);
    parcel_set_rate(WHERRY_FAULT_STALL, ALWAYS);
    wherry__sim_stall(post.a);
    assert_true(post.a->stalled_until >= MS && post.a->stalled_until <= 4096 * MS);
}

/* --- what they do to packets */

static void test_loss_takes_datagrams_and_never_what_is_in_a_flow(void **state)
{
    wherry__sim_flow *flow = wherry__sim_flow_new(post.world);

    (void)state;
    parcel_set_rate(WHERRY_FAULT_LOSS, ALWAYS / 2);
    for (int i = 0; i < 200; i++)
        parcel_send(post.a, post.b, flow, i, 100, 0);
    parcel_run(WHERRY_SECONDS(1));
    assert_int_equal(parcel_arrived(), 200);
    wherry__sim_flow_release(post.world, flow);
    parcel_send_datagrams(200);
    assert_true(parcel_lost() > 50 && parcel_lost() < 150);
    assert_int_equal(parcel_lost(), parcel_struck(WHERRY_FAULT_LOSS));
}

static void test_a_datagram_is_lost_when_one_of_its_fragments_is(void **state)
{
    (void)state;
    parcel_set_rate(WHERRY_FAULT_LOSS, ALWAYS / 2);
    for (int i = 0; i < 200; i++)
        parcel_send(post.a, post.b, NULL, i, 10000, 0);
    parcel_run(WHERRY_SECONDS(1));
    assert_true(parcel_arrived() < 20);
    assert_int_equal(post.world->statistics.occasions[WHERRY_FAULT_LOSS], 200 * 7);
}

static void test_a_duplicate_is_another_packet_of_its_own(void **state)
{
    (void)state;
    parcel_set_rate(WHERRY_FAULT_DUPLICATE, ALWAYS);
    parcel_send_datagrams(10);
    assert_int_equal(parcel_arrived(), 20);
    assert_int_equal(post.copies, 10);
}

static void test_corruption_turns_one_bit_over(void **state)
{
    (void)state;
    parcel_set_rate(WHERRY_FAULT_CORRUPT, ALWAYS);
    for (int i = 0; i < 20; i++)
        parcel_send(post.a, post.b, NULL, i, 1, 0);
    parcel_send(post.a, post.b, NULL, 20, 0, 0);
    parcel_run(MS);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(__builtin_popcount(post.fates[i].first), 1);
    assert_int_equal(parcel_struck(WHERRY_FAULT_CORRUPT), 20);
}

static void test_reorder_lets_others_overtake_and_delay_takes_longer(void **state)
{
    (void)state;
    parcel_set_rate(WHERRY_FAULT_REORDER, ALWAYS / 2);
    parcel_send_datagrams(20);
    assert_int_equal(parcel_arrived(), 20);
    assert_true(post.fates[19].time > post.fates[0].time);
    post.count = 0;
    parcel_set_rate(WHERRY_FAULT_DELAY, ALWAYS);
    parcel_send_datagrams(1);
    assert_true(post.fates[0].time >= WHERRY_SECONDS(10) + LATENCY + MS);
}

static void test_partitions_that_are_drawn_come_and_go_and_leave_pauses(void **state)
{
    (void)state;
    parcel_set_rate(WHERRY_FAULT_PARTITION, ALWAYS);
    for (int i = 0; i < 200; i++) {
        parcel_send(post.a, post.b, NULL, i, 0, 0);
        parcel_run(WHERRY_SECONDS(1));
    }
    assert_true(parcel_struck(WHERRY_FAULT_PARTITION) > 5);
    assert_true(parcel_lost() > parcel_struck(WHERRY_FAULT_PARTITION));
    assert_true(parcel_arrived() > 50);
}

static void test_a_partition_is_drawn_for_one_direction_or_for_both(void **state)
{
    size_t both = 0, one = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        parcel_open((wherry_simulation_options){
            .seed = seed, .faults.millionths[WHERRY_FAULT_PARTITION] = ALWAYS });
        parcel_send(post.a, post.b, NULL, 1, 0, 0);
        parcel_set_rate(WHERRY_FAULT_PARTITION, 0);
        parcel_send(post.b, post.a, NULL, 2, 0, 0);
        parcel_run(LATENCY);
        assert_false(parcel_fate_of(1)->arrived);
        both += !parcel_fate_of(2)->arrived;
        one += parcel_fate_of(2)->arrived;
    }
    assert_true(both >= 5 && one >= 5);
}

static void test_no_more_faults_heals_those_that_were_drawn_and_no_others(void **state)
{
    wherry_faults faults = { 0 };

    (void)state;
    faults.millionths[WHERRY_FAULT_PARTITION] = ALWAYS;
    faults.millionths[WHERRY_FAULT_CLOG] = ALWAYS;
    wherry_simulation_set_faults(post.world, &faults);
    assert_int_equal(wherry_simulation_partition(post.world, "a", "c", WHERRY_NEVER), WHERRY_OK);
    parcel_send(post.a, post.b, NULL, 1, 0, 0);
    wherry_simulation_set_faults(post.world, NULL);
    parcel_send(post.a, post.b, NULL, 2, 0, 0);
    parcel_send(post.a, post.c, NULL, 3, 0, 0);
    parcel_run(LATENCY);
    assert_false(parcel_fate_of(1)->arrived);
    assert_true(parcel_fate_of(2)->arrived);
    assert_false(parcel_fate_of(3)->arrived);
    assert_int_equal(parcel_struck(WHERRY_FAULT_PARTITION), 1);
    wherry_simulation_set_faults(NULL, NULL);
}

static void test_a_clog_that_was_drawn_lets_go_when_faults_end(void **state)
{
    (void)state;
    parcel_set_rate(WHERRY_FAULT_CLOG, ALWAYS);
    parcel_send(post.a, post.b, NULL, 1, 0, 0);
    parcel_run(LATENCY);
    assert_int_equal(post.count, 0);
    wherry_simulation_set_faults(post.world, NULL);
    parcel_run(0);
    assert_true(parcel_fate_of(1)->arrived);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARCEL_TEST(test_each_kind_has_a_name_and_a_sentence),
        PARCEL_TEST(test_a_fault_strikes_never_at_0_and_always_at_a_million),
        PARCEL_TEST(test_within_one_host_no_fault_between_two_strikes),
        PARCEL_TEST(test_what_strikes_one_does_not_depend_on_others_nor_on_other_kinds),
        PARCEL_TEST(test_the_bytes_of_choices_decide_first),
        PARCEL_TEST(test_without_memory_no_fault_strikes),
        PARCEL_TEST(test_a_stall_keeps_a_host_from_running_for_a_while),
        PARCEL_TEST(test_loss_takes_datagrams_and_never_what_is_in_a_flow),
        PARCEL_TEST(test_a_datagram_is_lost_when_one_of_its_fragments_is),
        PARCEL_TEST(test_a_duplicate_is_another_packet_of_its_own),
        PARCEL_TEST(test_corruption_turns_one_bit_over),
        PARCEL_TEST(test_reorder_lets_others_overtake_and_delay_takes_longer),
        PARCEL_TEST(test_partitions_that_are_drawn_come_and_go_and_leave_pauses),
        PARCEL_TEST(test_a_partition_is_drawn_for_one_direction_or_for_both),
        PARCEL_TEST(test_no_more_faults_heals_those_that_were_drawn_and_no_others),
        PARCEL_TEST(test_a_clog_that_was_drawn_lets_go_when_faults_end),
    };

    return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
