/* Links: how long packets take by latency, jitter and bandwidth, and in which order they come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/parcel.h"

#define MS WHERRY_MILLISECONDS(1)

/* What a link adds to the data of a packet. */
#define STREAM_HEADERS 60
#define DATAGRAM_HEADERS 28

static void set_link(wherry_link link)
{
    assert_int_equal(wherry_simulation_link(post.world, "a", "b", &link), WHERRY_OK);
}

/* In their order, and no two at the same time. */
static void assert_one_by_one(size_t count)
{
    parcel_assert_in_order(count);
    for (size_t i = 1; i < count; i++)
        assert_true(post.fates[i].time > post.fates[i - 1].time);
}

/* --- time */

static void test_a_packet_takes_the_latency(void **state)
{
    (void)state;
    parcel_send_datagram(1);
    parcel_send_segment(2);
    parcel_run(LATENCY - 1);
    assert_int_equal(post.count, 0);
    parcel_run(1);
    parcel_assert_arrived_at(1, LATENCY);
    parcel_assert_arrived_at(2, LATENCY);
}

static void test_latency_can_be_none(void **state)
{
    (void)state;
    set_link((wherry_link){ .latency = -1 });
    parcel_send_datagram(1);
    assert_int_equal(post.count, 0);
    parcel_run(0);
    parcel_assert_arrived_at(1, 0);
}

static void test_a_setting_holds_for_both_directions_and_no_other_link(void **state)
{
    (void)state;
    set_link((wherry_link){ .latency = 7 * MS });
    parcel_send_datagram(1);
    parcel_send(post.b, post.a, NULL, 2, 0, 0);
    parcel_send(post.a, post.c, NULL, 3, 0, 0);
    parcel_run(10 * MS);
    parcel_assert_arrived_at(1, 7 * MS);
    parcel_assert_arrived_at(2, 7 * MS);
    parcel_assert_arrived_at(3, LATENCY);
}

static void test_within_one_host_it_arrives_when_the_call_is_over(void **state)
{
    (void)state;
    parcel_send(post.a, post.a, NULL, 1, 10, 0);
    parcel_send(post.a, post.a, post.flow, 2, 10, 0);
    assert_int_equal(post.count, 0);
    wherry__sim_settle(post.world);
    parcel_assert_arrived_at(1, 0);
    parcel_assert_arrived_at(2, 0);
}

static void test_jitter_lets_datagrams_overtake_but_keeps_the_order_of_a_flow(void **state)
{
    size_t overtaken = 0;

    (void)state;
    set_link((wherry_link){ .jitter = 10 * MS });
    for (int i = 0; i < 1000; i++)
        parcel_send_segment(i);
    parcel_run(WHERRY_SECONDS(10));
    assert_one_by_one(1000);
    post.count = 0;
    for (int i = 0; i < 1000; i++)
        parcel_send_datagram(i);
    parcel_run(WHERRY_SECONDS(10));
    assert_int_equal(parcel_arrived(), 1000);
    for (size_t i = 1; i < post.count; i++)
        overtaken += post.fates[i].number < post.fates[i - 1].number;
    assert_true(overtaken > 100);
}

static int64_t time_with_traffic_to_c(bool traffic)
{
    parcel_open((wherry_simulation_options){ .seed = 5, .link = { .jitter = 10 * MS } });
    if (traffic)
        parcel_send(post.a, post.c, NULL, 2, 100, 0);
    parcel_send_datagram(1);
    parcel_run(WHERRY_SECONDS(1));
    return parcel_fate_of(1)->time;
}

static void test_what_is_drawn_for_one_link_does_not_depend_on_others(void **state)
{
    (void)state;
    assert_int_equal(time_with_traffic_to_c(false), time_with_traffic_to_c(true));
}

/* --- rate and queue. 1,000 bytes a second: a packet of 100 bytes takes 160 ms, or 128 ms. */

static void test_a_packet_leaves_when_the_one_before_has_left(void **state)
{
    (void)state;
    set_link((wherry_link){ .latency = -1, .bytes_per_second = 1000 });
    parcel_send_segment(1);
    parcel_send_segment(2);
    parcel_send_datagram(3);
    parcel_run(WHERRY_SECONDS(1));
    parcel_assert_arrived_at(1, 160 * MS);
    parcel_assert_arrived_at(2, 320 * MS);
    parcel_assert_arrived_at(3, 448 * MS);
    parcel_send_datagram(4); /* the link has been idle meanwhile */
    parcel_run(WHERRY_SECONDS(1));
    parcel_assert_arrived_at(4, 1128 * MS);
}

static void test_the_queue_takes_its_bytes_and_not_one_more(void **state)
{
    (void)state;
    set_link((wherry_link){ .latency = -1, .bytes_per_second = 1000, .queue = 3 * 128 });
    for (int i = 0; i < 4; i++)
        parcel_send_datagram(i);
    parcel_run(WHERRY_SECONDS(1));
    parcel_assert_arrived_at(2, 384 * MS);
    parcel_assert_lost(3);
    set_link((wherry_link){ .latency = -1, .bytes_per_second = 1000, .queue = 3 * 128 - 1 });
    for (int i = 4; i < 7; i++)
        parcel_send_datagram(i);
    parcel_run(WHERRY_SECONDS(1));
    assert_true(parcel_fate_of(5)->arrived);
    parcel_assert_lost(6);
}

static void test_an_idle_link_takes_a_packet_larger_than_its_queue(void **state)
{
    (void)state;
    set_link((wherry_link){ .latency = -1, .bytes_per_second = 1000, .queue = 1 });
    parcel_send_datagram(1);
    parcel_send_datagram(2);
    parcel_run(WHERRY_SECONDS(1));
    parcel_assert_arrived_at(1, 128 * MS);
    parcel_assert_lost(2);
}

static void test_a_full_queue_delays_a_flow_and_loses_none_of_it(void **state)
{
    (void)state;
    set_link((wherry_link){ .latency = -1, .bytes_per_second = 1000, .queue = 160 });
    for (int i = 0; i < 3; i++)
        parcel_send_segment(i);
    parcel_run(WHERRY_SECONDS(10));
    assert_one_by_one(3);
    parcel_assert_arrived_at(0, 160 * MS);
    parcel_assert_arrived_at(1, 320 * MS + 200 * MS);
}

static void test_a_datagram_larger_than_the_mtu_pays_for_its_fragments(void **state)
{
    (void)state;
    set_link((wherry_link){ .latency = -1, .bytes_per_second = 1000, .mtu = 1000 });
    parcel_send(post.a, post.b, NULL, 1, 1000 - DATAGRAM_HEADERS, 0);
    parcel_run(WHERRY_SECONDS(10));
    parcel_assert_arrived_at(1, WHERRY_SECONDS(1));
    parcel_send(post.a, post.b, NULL, 2, 1001 - DATAGRAM_HEADERS, 0);
    parcel_run(WHERRY_SECONDS(10));
    parcel_assert_arrived_at(2, WHERRY_SECONDS(10) + (1001 + DATAGRAM_HEADERS) * MS);
}

static void test_the_size_of_a_segment_follows_the_mtu(void **state)
{
    (void)state;
    assert_int_equal(wherry__sim_segment_size(post.a, post.b), 1500 - STREAM_HEADERS);
    set_link((wherry_link){ .mtu = 576 });
    assert_int_equal(wherry__sim_segment_size(post.a, post.b), 576 - STREAM_HEADERS);
    assert_int_equal(wherry__sim_segment_size(post.a, post.a), 65536 - STREAM_HEADERS);
}

/* --- ends */

static void test_statistics_count_what_is_under_way_and_what_arrived(void **state)
{
    (void)state;
    parcel_send_datagram(1);
    parcel_send_segment(2);
    assert_int_equal(post.world->statistics.under_way, 2);
    assert_int_equal(post.world->statistics.packets, 0);
    parcel_run(MS);
    assert_int_equal(post.world->statistics.under_way, 0);
    assert_int_equal(post.world->statistics.packets, 2);
    assert_int_equal(post.world->statistics.bytes, 200);
}

static void test_the_end_of_the_world_gives_back_what_is_under_way(void **state)
{
    (void)state;
    parcel_send_datagram(1);
    parcel_send_segment(2);
    parcel_send(post.a, post.a, NULL, 3, 10, 0);
    assert_int_equal(wherry_simulation_hold(post.world, "a", "c"), WHERRY_OK);
    parcel_send(post.a, post.c, NULL, 4, 10, 0);
    wherry__sim_links_free(post.world);
    assert_int_equal(parcel_lost(), 4);
    assert_int_equal(wherry__sim_links_new(post.world), WHERRY_OK);
}

static void test_a_silent_flow_is_lost(void **state)
{
    (void)state;
    parcel_send_segment(1);
    post.flow->silent = true;
    parcel_send_segment(2);
    parcel_send(post.a, post.a, post.flow, 3, 0, 0);
    parcel_run(WHERRY_SECONDS(1));
    assert_int_equal(parcel_lost(), 3);
}

static void test_without_memory_for_a_link_it_carries_nothing(void **state)
{
    (void)state;
    post.memory.fail_at = post.memory.calls + 1;
    parcel_send_segment(1);
    assert_int_equal(post.count, 0);
    wherry__sim_settle(post.world);
    parcel_assert_lost(1);
    assert_true(post.flow->silent);
}

typedef struct last_event {
    wherry_simulation_observer observer;
    char what[16];
    char host[16];
    char detail[32];
    unsigned flags;
    size_t length;
    uint16_t from_family;
} last_event;

static void see(wherry_simulation_observer *self, const wherry_simulation_event *event)
{
    last_event *last = (last_event *)self;

    strncpy(last->what, event->what, sizeof(last->what) - 1);
    strncpy(last->host, event->host == NULL ? "" : event->host, sizeof(last->host) - 1);
    strncpy(last->detail, event->detail == NULL ? "" : event->detail, sizeof(last->detail) - 1);
    last->flags = event->flags;
    last->length = event->length;
    last->from_family = event->from == NULL ? 0 : event->from->sa_family;
}

static void test_arrivals_and_losses_are_told(void **state)
{
    last_event last = { .observer.see = see };

    (void)state;
    parcel_open((wherry_simulation_options){ .observer = &last.observer });
    parcel_send_datagram(1);
    parcel_run(MS);
    assert_string_equal(last.what, "arrive");
    assert_string_equal(last.host, "b");
    assert_int_equal(last.flags, WHERRY_PACKET_DATAGRAM);
    assert_int_equal(last.length, 100);
    assert_int_equal(last.from_family, AF_INET);
    assert_int_equal(wherry_simulation_partition(post.world, "a", "b", MS), WHERRY_OK);
    memset(last.what, 0, sizeof(last.what));
    parcel_send_datagram(2);
    assert_string_equal(last.what, "lost");
    assert_string_equal(last.detail, "partition");
}

static void test_a_link_of_the_options_that_is_out_of_range_is_refused(void **state)
{
    wherry_simulation *world = NULL;

    (void)state;
    assert_int_equal(wherry_simulation_new(&world, .link = { .mtu = 575 }), WHERRY_E_MISUSE);
    assert_null(world);
}

static void test_settings_at_their_limits_and_one_past_them(void **state)
{
    const wherry_link good[] = { { .mtu = 576 },
                                 { .mtu = 65536 },
                                 { .latency = WHERRY_SECONDS(3600) },
                                 { .jitter = WHERRY_SECONDS(3600) } };
    const wherry_link bad[] = { { .mtu = 575 },
                                { .mtu = 65537 },
                                { .latency = WHERRY_SECONDS(3600) + 1 },
                                { .jitter = WHERRY_SECONDS(3600) + 1 },
                                { .jitter = -1 } };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_int_equal(wherry_simulation_link(post.world, "a", "b", &good[i]), WHERRY_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(wherry_simulation_link(post.world, "a", "b", &bad[i]), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_link(post.world, "a", "b", NULL), WHERRY_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARCEL_TEST(test_a_packet_takes_the_latency),
        PARCEL_TEST(test_latency_can_be_none),
        PARCEL_TEST(test_a_setting_holds_for_both_directions_and_no_other_link),
        PARCEL_TEST(test_within_one_host_it_arrives_when_the_call_is_over),
        PARCEL_TEST(test_jitter_lets_datagrams_overtake_but_keeps_the_order_of_a_flow),
        PARCEL_TEST(test_what_is_drawn_for_one_link_does_not_depend_on_others),
        PARCEL_TEST(test_a_packet_leaves_when_the_one_before_has_left),
        PARCEL_TEST(test_the_queue_takes_its_bytes_and_not_one_more),
        PARCEL_TEST(test_an_idle_link_takes_a_packet_larger_than_its_queue),
        PARCEL_TEST(test_a_full_queue_delays_a_flow_and_loses_none_of_it),
        PARCEL_TEST(test_a_datagram_larger_than_the_mtu_pays_for_its_fragments),
        PARCEL_TEST(test_the_size_of_a_segment_follows_the_mtu),
        PARCEL_TEST(test_statistics_count_what_is_under_way_and_what_arrived),
        PARCEL_TEST(test_the_end_of_the_world_gives_back_what_is_under_way),
        PARCEL_TEST(test_a_silent_flow_is_lost),
        PARCEL_TEST(test_without_memory_for_a_link_it_carries_nothing),
        PARCEL_TEST(test_arrivals_and_losses_are_told),
        PARCEL_TEST(test_a_link_of_the_options_that_is_out_of_range_is_refused),
        PARCEL_TEST(test_settings_at_their_limits_and_one_past_them),
    };

    return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
