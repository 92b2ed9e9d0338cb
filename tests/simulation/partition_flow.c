/* Flows across a partition: what is lost of them is sent again, when TCP would do it, and no fault
 * of a link changes their order. Apart from partition.c, where what is lost stays so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/parcel.h"

#define MS WHERRY_MILLISECONDS(1)

static void test_a_flow_goes_on_with_the_retransmission_that_follows(void **state)
{
    (void)state;
    parcel_partition(WHERRY_SECONDS(1));
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
    parcel_partition(WHERRY_SECONDS(3) + 1);
    parcel_send(post.a, post.b, post.flow, 1, 0, WHERRY_PACKET_SYN);
    parcel_run(WHERRY_SECONDS(100));
    parcel_assert_arrived_at(1, WHERRY_SECONDS(7) + LATENCY);
}

static void test_a_retransmission_at_the_very_end_of_a_partition_gets_through(void **state)
{
    (void)state;
    parcel_partition(WHERRY_SECONDS(3));
    parcel_send(post.a, post.b, post.flow, 1, 0, WHERRY_PACKET_SYN);
    parcel_run(WHERRY_SECONDS(100));
    parcel_assert_arrived_at(1, WHERRY_SECONDS(3) + LATENCY);
}

/* 0.2 + 0.4 + ... + 102.4 s is 204.6 s; from then on every 120 s. */
static void test_retransmissions_are_two_minutes_apart_at_most(void **state)
{
    (void)state;
    parcel_partition(WHERRY_SECONDS(330));
    parcel_send_segment(1);
    parcel_run(WHERRY_SECONDS(1000));
    parcel_assert_arrived_at(1, WHERRY_SECONDS(444.6) + LATENCY);
}

static void test_what_is_sent_again_may_meet_a_partition_at_its_arrival(void **state)
{
    (void)state;
    parcel_partition(150 * MS);
    parcel_send_segment(1);
    parcel_run(200 * MS);
    parcel_partition(MS);
    parcel_run(WHERRY_SECONDS(1));
    parcel_assert_arrived_at(1, 600 * MS + LATENCY);
}

static void test_a_reset_is_lost_in_a_partition(void **state)
{
    (void)state;
    parcel_partition(WHERRY_SECONDS(1));
    parcel_send(post.a, post.b, post.flow, 1, 0, WHERRY_PACKET_RST);
    parcel_send(post.a, post.b, post.other_flow, 2, 0, 0);
    parcel_run(WHERRY_SECONDS(10));
    parcel_assert_lost(1);
    assert_true(parcel_fate_of(2)->arrived);
}

static void test_a_flow_that_has_given_up_is_not_sent_again(void **state)
{
    (void)state;
    parcel_partition(WHERRY_NEVER);
    parcel_send_segment(1);
    parcel_send_segment(2);
    parcel_run(MS);
    post.flow->silent = true;
    parcel_run(WHERRY_SECONDS(1));
    parcel_assert_lost(1);
    parcel_assert_lost(2);
    assert_int_equal(post.world->agenda.count, 0);
}

/* --- order */

static void test_what_was_under_way_before_a_partition_stays_before_what_left_into_it(void **state)
{
    (void)state;
    assert_int_equal(
        wherry_simulation_link(post.world, "a", "b", &(wherry_link){ .latency = 300 * MS }),
        WHERRY_OK);
    parcel_send_segment(0);
    parcel_run(MS);
    parcel_partition(100 * MS);
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
    parcel_partition(MS);
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
            parcel_partition((i % 13 + 1) * 7 * MS);
        if (i % 101 == 0)
            parcel_hold();
        if (i % 101 == 40)
            parcel_release();
        if (i % 203 == 0)
            assert_int_equal(wherry_simulation_clog(post.world, "a", "b", 30 * MS), WHERRY_OK);
        parcel_run(MS);
    }
    parcel_heal();
    parcel_release();
    parcel_run(WHERRY_SECONDS(300));
    parcel_assert_in_order(3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARCEL_TEST(test_a_flow_goes_on_with_the_retransmission_that_follows),
        PARCEL_TEST(test_a_syn_is_sent_again_after_1_3_and_7_seconds),
        PARCEL_TEST(test_a_retransmission_at_the_very_end_of_a_partition_gets_through),
        PARCEL_TEST(test_retransmissions_are_two_minutes_apart_at_most),
        PARCEL_TEST(test_what_is_sent_again_may_meet_a_partition_at_its_arrival),
        PARCEL_TEST(test_a_reset_is_lost_in_a_partition),
        PARCEL_TEST(test_a_flow_that_has_given_up_is_not_sent_again),
        PARCEL_TEST(test_what_was_under_way_before_a_partition_stays_before_what_left_into_it),
        PARCEL_TEST(test_what_is_sent_again_does_not_overtake_what_was_slower_before),
        PARCEL_TEST(test_no_fault_of_a_link_changes_the_order_of_a_flow_or_loses_of_it),
    };

    return cmocka_run_group_tests_name("partition_flow", tests, NULL, NULL);
}
