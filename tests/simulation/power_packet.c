/* Packets of hosts without power: what is for them, what was under way, and what is not sent again.
 * Programs on such hosts are in power.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/parcel.h"

#define MS WHERRY_MILLISECONDS(1)

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
    parcel_partition(WHERRY_SECONDS(1));
    parcel_send_segment(1);
    parcel_send_segment(2);
    parcel_send(post.a, post.c, post.other_flow, 3, 0, 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARCEL_TEST(test_packets_to_a_host_that_is_off),
        PARCEL_TEST(test_a_host_without_power_sends_nothing_again),
        PARCEL_TEST(test_what_has_left_a_host_before_its_power_went_arrives),
    };

    return cmocka_run_group_tests_name("power_packet", tests, NULL, NULL);
}
