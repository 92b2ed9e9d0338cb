/* What is set on the ways between hosts: partitions, in which datagrams are lost, holds and clogs,
 * which keep all back, and "*" for all hosts. What flows make of a partition, by sending again, is
 * in partition_flow.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/parcel.h"

#define MS WHERRY_MILLISECONDS(1)

static void test_a_datagram_is_lost_that_leaves_into_a_partition(void **state)
{
    (void)state;
    parcel_partition(MS);
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
    parcel_partition(WHERRY_NEVER);
    parcel_run(MS);
    parcel_assert_lost(1);
}

static void test_a_partition_that_is_over_before_the_arrival_is_not_met(void **state)
{
    (void)state;
    parcel_send_datagram(1);
    parcel_partition(LATENCY);
    parcel_run(MS);
    parcel_assert_arrived_at(1, LATENCY);
}

static void test_a_partition_cuts_both_ways_and_one_way_only_one(void **state)
{
    (void)state;
    parcel_partition(WHERRY_NEVER);
    parcel_send_datagram(1);
    parcel_send(post.b, post.a, NULL, 2, 0, 0);
    parcel_send(post.a, post.c, NULL, 3, 0, 0);
    parcel_heal();
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
    parcel_partition(10 * MS);
    parcel_partition(MS);
    parcel_run(10 * MS - 1);
    parcel_send_datagram(1);
    parcel_run(1);
    parcel_send_datagram(2);
    parcel_run(MS);
    parcel_assert_lost(1);
    assert_true(parcel_fate_of(2)->arrived);
}

/* --- holding back */

static void test_a_hold_keeps_everything_and_a_release_gives_it_in_order(void **state)
{
    (void)state;
    parcel_hold();
    parcel_send_segment(0);
    parcel_run(MS);
    parcel_send_datagram(1);
    parcel_run(MS);
    parcel_send(post.a, post.b, post.other_flow, 2, 0, 0);
    parcel_send_segment(3);
    parcel_run(WHERRY_SECONDS(100));
    assert_int_equal(post.count, 0);
    parcel_release();
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
    parcel_release();
    parcel_run(MS);
    assert_true(parcel_fate_of(2)->arrived);
}

static void test_what_is_released_into_a_partition_meets_it(void **state)
{
    (void)state;
    parcel_hold();
    parcel_send_datagram(0);
    parcel_send_segment(1);
    parcel_run(MS);
    parcel_partition(WHERRY_SECONDS(1));
    parcel_release();
    parcel_run(WHERRY_SECONDS(10));
    parcel_assert_lost(0);
    parcel_assert_arrived_at(1, 1400 * MS + LATENCY);
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
            bytes = post.memory.bytes;
        assert_int_equal(post.memory.bytes, bytes);
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
    post.memory.fail_at = post.memory.calls + 1;
    assert_int_equal(wherry_simulation_partition(post.world, "a", "b", MS), WHERRY_E_NO_MEMORY);
    post.memory.fail_at = post.memory.calls + 1;
    assert_int_equal(wherry_simulation_partition(post.world, "a", "*", MS), WHERRY_E_NO_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARCEL_TEST(test_a_datagram_is_lost_that_leaves_into_a_partition),
        PARCEL_TEST(test_a_datagram_is_lost_that_arrives_at_a_partition),
        PARCEL_TEST(test_a_partition_that_is_over_before_the_arrival_is_not_met),
        PARCEL_TEST(test_a_partition_cuts_both_ways_and_one_way_only_one),
        PARCEL_TEST(test_of_two_partitions_the_longer_counts),
        PARCEL_TEST(test_a_hold_keeps_everything_and_a_release_gives_it_in_order),
        PARCEL_TEST(test_a_clog_ends_by_itself_or_with_a_release),
        PARCEL_TEST(test_what_is_released_into_a_partition_meets_it),
        PARCEL_TEST(test_a_star_means_all_others_and_those_to_come),
        PARCEL_TEST(test_of_two_partitions_of_all_the_longer_counts_for_hosts_to_come),
        PARCEL_TEST(test_what_is_said_later_of_one_host_goes_before_a_star),
        PARCEL_TEST(test_a_star_can_be_said_any_number_of_times_in_the_same_memory),
        PARCEL_TEST(test_wrong_arguments_are_refused),
        PARCEL_TEST(test_without_memory_nothing_is_set),
    };

    return cmocka_run_group_tests_name("partition", tests, NULL, NULL);
}
