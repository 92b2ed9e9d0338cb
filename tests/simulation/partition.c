#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/failing_memory.h"
#include "support/parcel.h"

#define MS WHERRY_MILLISECONDS(1)
#define LATENCY WHERRY_MICROSECONDS(500)

static parcel_post post;
static failing_memory memory;
static wherry__sim_flow *other_flow;

static int start(void **state)
{
    (void)state;
    failing_memory_init(&memory, 0, false);
    parcel_open(&post, (wherry_simulation_options){ .memory = &memory.base });
    other_flow = wherry__sim_flow_new(post.world);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    wherry__sim_flow_release(post.world, other_flow);
    parcel_close(&post);
    failing_memory_assert_empty(&memory);
    return 0;
}

static void partition(int64_t duration)
{
    assert_int_equal(wherry_simulation_partition(post.world, "a", "b", duration), WHERRY_OK);
}

static void heal(void)
{
    assert_int_equal(wherry_simulation_heal(post.world, "a", "b"), WHERRY_OK);
}

static void hold(void)
{
    assert_int_equal(wherry_simulation_hold(post.world, "a", "b"), WHERRY_OK);
}

static void release(void)
{
    assert_int_equal(wherry_simulation_release(post.world, "a", "b"), WHERRY_OK);
}

/* --- partitions and datagrams */

static void test_a_datagram_is_lost_that_leaves_into_a_partition(void **state)
{
    (void)state;
    partition(MS);
    parcel_send_datagram(1);
    parcel_run(MS - 1);
    parcel_send_datagram(2);
    parcel_run(1);
    parcel_send_datagram(3); /* it is over at that instant */
    parcel_run(MS);
    parcel_assert_lost(1);
    parcel_assert_lost(2);
    parcel_assert_arrived_at(3, MS + LATENCY);
}

static void test_a_datagram_is_lost_that_arrives_at_a_partition(void **state)
{
    (void)state;
    parcel_send_datagram(1);
    parcel_run(LATENCY / 2);
    partition(WHERRY_NEVER);
    parcel_run(MS);
    parcel_assert_lost(1);
}

static void test_a_partition_that_is_over_before_the_arrival_is_not_met(void **state)
{
    (void)state;
    parcel_send_datagram(1);
    partition(LATENCY);
    parcel_run(MS);
    parcel_assert_arrived_at(1, LATENCY);
}

static void test_a_partition_cuts_both_ways_and_one_way_only_one(void **state)
{
    (void)state;
    partition(WHERRY_NEVER);
    parcel_send_datagram(1);
    parcel_send(post.b, post.a, NULL, 2, 0, 0);
    parcel_send(post.a, post.c, NULL, 3, 0, 0);
    heal();
    assert_int_equal(wherry_simulation_partition_oneway(post.world, "a", "b", WHERRY_NEVER),
                     WHERRY_OK);
    parcel_send_datagram(4);
    parcel_send(post.b, post.a, NULL, 5, 0, 0);
    parcel_run(MS);
    parcel_assert_lost(1);
    parcel_assert_lost(2);
    assert_true(parcel_fate_of(3)->arrived);
    parcel_assert_lost(4);
    assert_true(parcel_fate_of(5)->arrived);
}

static void test_of_two_partitions_the_longer_counts(void **state)
{
    (void)state;
    partition(10 * MS);
    partition(MS);
    parcel_run(10 * MS - 1);
    parcel_send_datagram(1);
    parcel_run(1);
    parcel_send_datagram(2);
    parcel_run(MS);
    parcel_assert_lost(1);
    assert_true(parcel_fate_of(2)->arrived);
}

/* --- partitions and flows */

static void test_a_flow_goes_on_with_the_retransmission_that_follows(void **state)
{
    (void)state;
    partition(WHERRY_SECONDS(1));
    parcel_send_segment(0);
    parcel_run(100 * MS);
    parcel_send_segment(1);
    parcel_run(WHERRY_SECONDS(10));
    /* Sent again after 200, 600 and 1,400 ms; what was sent later follows the first. */
    parcel_assert_in_order(2);
    parcel_assert_arrived_at(0, 1400 * MS + LATENCY);
    parcel_assert_arrived_at(1, 1400 * MS + LATENCY + 1);
}

static void test_a_syn_is_sent_again_after_1_3_and_7_seconds(void **state)
{
    (void)state;
    partition(WHERRY_SECONDS(3) + 1);
    parcel_send(post.a, post.b, post.flow, 1, 0, WHERRY_PACKET_SYN);
    parcel_run(WHERRY_SECONDS(100));
    parcel_assert_arrived_at(1, WHERRY_SECONDS(7) + LATENCY);
}

static void test_a_retransmission_at_the_very_end_of_a_partition_gets_through(void **state)
{
    (void)state;
    partition(WHERRY_SECONDS(3));
    parcel_send(post.a, post.b, post.flow, 1, 0, WHERRY_PACKET_SYN);
    parcel_run(WHERRY_SECONDS(100));
    parcel_assert_arrived_at(1, WHERRY_SECONDS(3) + LATENCY);
}

/* 0.2 + 0.4 + ... + 102.4 s is 204.6 s; from then on every 120 s. */
static void test_retransmissions_are_two_minutes_apart_at_most(void **state)
{
    (void)state;
    partition(WHERRY_SECONDS(330));
    parcel_send_segment(1);
    parcel_run(WHERRY_SECONDS(1000));
    parcel_assert_arrived_at(1, WHERRY_SECONDS(444.6) + LATENCY);
}

static void test_what_is_sent_again_may_meet_a_partition_at_its_arrival(void **state)
{
    (void)state;
    partition(150 * MS);
    parcel_send_segment(1);
    parcel_run(200 * MS);
    partition(MS);
    parcel_run(WHERRY_SECONDS(1));
    parcel_assert_arrived_at(1, 600 * MS + LATENCY);
}

static void test_what_was_under_way_before_a_partition_stays_before_what_left_into_it(void **state)
{
    (void)state;
    assert_int_equal(
        wherry_simulation_link(post.world, "a", "b", &(wherry_link){ .latency = 300 * MS }),
        WHERRY_OK);
    parcel_send_segment(0);
    parcel_run(MS);
    partition(100 * MS);
    parcel_send_segment(1);
    parcel_run(250 * MS);
    parcel_send_segment(2);
    parcel_run(WHERRY_SECONDS(10));
    parcel_assert_in_order(3);
    parcel_assert_arrived_at(0, 300 * MS);
    parcel_assert_arrived_at(1, 501 * MS);
}

static void test_what_is_sent_again_does_not_overtake_what_was_slower_before(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_link(post.world, "a", "b",
                                            &(wherry_link){ .latency = WHERRY_SECONDS(1) }),
                     WHERRY_OK);
    parcel_send_segment(0);
    assert_int_equal(wherry_simulation_link(post.world, "a", "b", &(wherry_link){ .latency = MS }),
                     WHERRY_OK);
    partition(MS);
    parcel_send_segment(1);
    parcel_run(WHERRY_SECONDS(10));
    parcel_assert_in_order(2);
    parcel_assert_arrived_at(0, WHERRY_SECONDS(1));
    parcel_assert_arrived_at(1, WHERRY_SECONDS(1) + 1);
}

/* Each millisecond a packet, while partitions, holds and jitter come and go. */
static void test_no_fault_of_a_link_changes_the_order_of_a_flow_or_loses_of_it(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_link(post.world, "a", "b",
                                            &(wherry_link){ .latency = 3 * MS, .jitter = 9 * MS }),
                     WHERRY_OK);
    for (int i = 0; i < 3000; i++) {
        parcel_send_segment(i);
        if (i % 97 == 0)
            partition((i % 13 + 1) * 7 * MS);
        if (i % 101 == 0)
            hold();
        if (i % 101 == 40)
            release();
        if (i % 203 == 0)
            assert_int_equal(wherry_simulation_clog(post.world, "a", "b", 30 * MS), WHERRY_OK);
        parcel_run(MS);
    }
    heal();
    release();
    parcel_run(WHERRY_SECONDS(300));
    parcel_assert_in_order(3000);
}

static void test_a_reset_is_lost_in_a_partition(void **state)
{
    (void)state;
    partition(WHERRY_SECONDS(1));
    parcel_send(post.a, post.b, post.flow, 1, 0, WHERRY_PACKET_RST);
    parcel_send(post.a, post.b, other_flow, 2, 0, 0);
    parcel_run(WHERRY_SECONDS(10));
    parcel_assert_lost(1);
    assert_true(parcel_fate_of(2)->arrived);
}

static void test_a_flow_that_has_given_up_is_not_sent_again(void **state)
{
    (void)state;
    partition(WHERRY_NEVER);
    parcel_send_segment(1);
    parcel_send_segment(2);
    parcel_run(MS);
    post.flow->silent = true;
    parcel_run(WHERRY_SECONDS(1));
    parcel_assert_lost(1);
    parcel_assert_lost(2);
    assert_int_equal(post.world->agenda.count, 0);
}

/* --- holding back */

static void test_a_hold_keeps_everything_and_a_release_gives_it_in_order(void **state)
{
    (void)state;
    hold();
    parcel_send_segment(0);
    parcel_run(MS);
    parcel_send_datagram(1);
    parcel_run(MS);
    parcel_send(post.a, post.b, other_flow, 2, 0, 0);
    parcel_send_segment(3);
    parcel_run(WHERRY_SECONDS(100));
    assert_int_equal(post.count, 0);
    release();
    parcel_send_segment(4);
    parcel_run(MS);
    parcel_assert_in_order(5);
    assert_true(parcel_fate_of(3)->time - parcel_fate_of(0)->time < 10);
}

static void test_a_clog_ends_by_itself_or_with_a_release(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_clog(post.world, "a", "b", WHERRY_SECONDS(1)), WHERRY_OK);
    parcel_send_datagram(1);
    parcel_run(WHERRY_SECONDS(2));
    parcel_assert_arrived_at(1, WHERRY_SECONDS(1));
    assert_int_equal(wherry_simulation_clog(post.world, "a", "b", WHERRY_SECONDS(1)), WHERRY_OK);
    parcel_send_datagram(2);
    parcel_run(MS);
    release();
    parcel_run(MS);
    assert_true(parcel_fate_of(2)->arrived);
}

static void test_what_is_released_into_a_partition_meets_it(void **state)
{
    (void)state;
    hold();
    parcel_send_datagram(0);
    parcel_send_segment(1);
    parcel_run(MS);
    partition(WHERRY_SECONDS(1));
    release();
    parcel_run(WHERRY_SECONDS(10));
    parcel_assert_lost(0);
    parcel_assert_arrived_at(1, 1400 * MS + LATENCY);
}

/* --- hosts without power */

static void test_packets_to_a_host_that_is_off(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_power_off(post.world, "b"), WHERRY_OK);
    parcel_send_datagram(1);
    parcel_send_segment(2);
    parcel_run(MS);
    parcel_assert_lost(1);
    assert_int_equal(wherry_simulation_restart(post.world, "b"), WHERRY_OK);
    parcel_run(WHERRY_SECONDS(1));
    parcel_assert_arrived_at(2, 200 * MS + LATENCY);
}

static void test_a_host_without_power_sends_nothing_again(void **state)
{
    (void)state;
    partition(WHERRY_SECONDS(1));
    parcel_send_segment(1);
    parcel_send_segment(2);
    parcel_send(post.a, post.c, other_flow, 3, 0, 0);
    assert_int_equal(wherry_simulation_partition(post.world, "a", "c", WHERRY_SECONDS(1)),
                     WHERRY_OK);
    parcel_run(LATENCY / 2);
    assert_int_equal(wherry_simulation_power_off(post.world, "a"), WHERRY_OK);
    parcel_run(WHERRY_SECONDS(10));
    assert_int_equal(parcel_lost(), 3);
}

static void test_what_has_left_a_host_before_its_power_went_arrives(void **state)
{
    (void)state;
    parcel_send_datagram(0);
    parcel_send_segment(1);
    parcel_run(LATENCY / 2);
    assert_int_equal(wherry_simulation_power_off(post.world, "a"), WHERRY_OK);
    parcel_run(MS);
    parcel_assert_in_order(2);
}

/* --- all hosts at once */

static void test_a_star_means_all_others_and_those_to_come(void **state)
{
    wherry__sim_host *d;

    (void)state;
    assert_int_equal(wherry_simulation_partition(post.world, "a", "*", WHERRY_NEVER), WHERRY_OK);
    assert_int_equal(wherry_simulation_host(post.world, "10.0.0.4", .name = "d"), WHERRY_OK);
    d = wherry__sim_host_named(post.world, "d");
    parcel_send(post.a, post.b, NULL, 1, 0, 0);
    parcel_send(d, post.a, NULL, 2, 0, 0);
    parcel_send(d, post.c, NULL, 3, 0, 0);
    parcel_run(MS);
    parcel_assert_lost(1);
    parcel_assert_lost(2);
    assert_true(parcel_fate_of(3)->arrived);
}

static void test_of_two_partitions_of_all_the_longer_counts_for_hosts_to_come(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_partition(post.world, "*", "*", 10 * MS), WHERRY_OK);
    assert_int_equal(wherry_simulation_partition(post.world, "*", "*", MS), WHERRY_OK);
    parcel_run(10 * MS - 1);
    parcel_send_datagram(1);
    parcel_run(1);
    parcel_send_datagram(2);
    parcel_run(MS);
    parcel_assert_lost(1);
    assert_true(parcel_fate_of(2)->arrived);
}

static void test_what_is_said_later_of_one_host_goes_before_a_star(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_partition(post.world, "*", "*", WHERRY_NEVER), WHERRY_OK);
    assert_int_equal(wherry_simulation_heal(post.world, "*", "b"), WHERRY_OK);
    parcel_send(post.a, post.b, NULL, 1, 0, 0);
    parcel_send(post.b, post.c, NULL, 2, 0, 0);
    parcel_send(post.a, post.c, NULL, 3, 0, 0);
    assert_int_equal(wherry_simulation_heal(post.world, "*", "*"), WHERRY_OK);
    parcel_send(post.a, post.c, NULL, 4, 0, 0);
    parcel_send(post.c, post.a, NULL, 5, 0, 0);
    parcel_run(MS);
    assert_true(parcel_fate_of(1)->arrived);
    assert_true(parcel_fate_of(2)->arrived);
    parcel_assert_lost(3);
    assert_true(parcel_fate_of(4)->arrived);
    assert_true(parcel_fate_of(5)->arrived);
}

static void test_a_star_can_be_said_any_number_of_times_in_the_same_memory(void **state)
{
    size_t bytes = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(wherry_simulation_partition(post.world, "*", "b", MS), WHERRY_OK);
        assert_int_equal(wherry_simulation_hold(post.world, "*", "b"), WHERRY_OK);
        assert_int_equal(wherry_simulation_release(post.world, "*", "b"), WHERRY_OK);
        assert_int_equal(wherry_simulation_heal(post.world, "*", "b"), WHERRY_OK);
        if (i == 0)
            bytes = memory.bytes;
        assert_int_equal(memory.bytes, bytes);
    }
}

/* --- wrong calls */

static void test_wrong_arguments_are_refused(void **state)
{
    wherry_simulation *world = post.world;

    (void)state;
    assert_int_equal(wherry_simulation_partition(world, "a", "nobody", MS), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_partition(world, "a", NULL, MS), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_partition(world, "a", "a", MS), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_partition(NULL, "a", "b", MS), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_partition(world, "a", "b", 0), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_partition(world, "a", "b", 1), WHERRY_OK);
    assert_int_equal(wherry_simulation_clog(world, "a", "b", -1), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_partition_oneway(world, "x", "b", 1), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_heal(world, "x", "b"), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_hold(world, "x", "b"), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_release(world, "x", "b"), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_reset(world, "x", "b"), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_reset(world, "a", "b"), 0);
}

static void test_without_memory_nothing_is_set(void **state)
{
    (void)state;
    memory.fail_at = memory.calls + 1;
    assert_int_equal(wherry_simulation_partition(post.world, "a", "b", MS), WHERRY_E_NO_MEMORY);
    memory.fail_at = memory.calls + 1;
    assert_int_equal(wherry_simulation_partition(post.world, "a", "*", MS), WHERRY_E_NO_MEMORY);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)
    const struct CMUnitTest tests[] = {
        TEST(test_a_datagram_is_lost_that_leaves_into_a_partition),
        TEST(test_a_datagram_is_lost_that_arrives_at_a_partition),
        TEST(test_a_partition_that_is_over_before_the_arrival_is_not_met),
        TEST(test_a_partition_cuts_both_ways_and_one_way_only_one),
        TEST(test_of_two_partitions_the_longer_counts),
        TEST(test_a_flow_goes_on_with_the_retransmission_that_follows),
        TEST(test_a_syn_is_sent_again_after_1_3_and_7_seconds),
        TEST(test_a_retransmission_at_the_very_end_of_a_partition_gets_through),
        TEST(test_retransmissions_are_two_minutes_apart_at_most),
        TEST(test_what_is_sent_again_may_meet_a_partition_at_its_arrival),
        TEST(test_what_was_under_way_before_a_partition_stays_before_what_left_into_it),
        TEST(test_no_fault_of_a_link_changes_the_order_of_a_flow_or_loses_of_it),
        TEST(test_a_reset_is_lost_in_a_partition),
        TEST(test_a_flow_that_has_given_up_is_not_sent_again),
        TEST(test_a_hold_keeps_everything_and_a_release_gives_it_in_order),
        TEST(test_a_clog_ends_by_itself_or_with_a_release),
        TEST(test_what_is_released_into_a_partition_meets_it),
        TEST(test_packets_to_a_host_that_is_off),
        TEST(test_a_host_without_power_sends_nothing_again),
        TEST(test_what_has_left_a_host_before_its_power_went_arrives),
        TEST(test_a_star_means_all_others_and_those_to_come),
        TEST(test_what_is_sent_again_does_not_overtake_what_was_slower_before),
        TEST(test_of_two_partitions_of_all_the_longer_counts_for_hosts_to_come),
        TEST(test_what_is_said_later_of_one_host_goes_before_a_star),
        TEST(test_a_star_can_be_said_any_number_of_times_in_the_same_memory),
        TEST(test_wrong_arguments_are_refused),
        TEST(test_without_memory_nothing_is_set),
    };

    return cmocka_run_group_tests_name("partition", tests, NULL, NULL);
}
