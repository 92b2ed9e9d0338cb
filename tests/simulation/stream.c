#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/far_ends.h"

/* --- what is made */

static void test_only_kinds_that_linux_has_are_made(void **state)
{
    (void)state;
    assert_int_equal(far_a->socket(far_a, AF_INET, SOCK_SEQPACKET, 0), -ESOCKTNOSUPPORT);
    assert_int_equal(far_a->socket(far_a, AF_INET, SOCK_STREAM, 17), -EPROTONOSUPPORT);
    assert_int_equal(far_a->socket(far_a, AF_UNIX, SOCK_STREAM, 6), -EPROTONOSUPPORT);
    assert_int_equal(far_a->socket(far_a, 77, SOCK_STREAM, 0), -EAFNOSUPPORT);
    assert_true(far_a->socket(far_a, AF_INET6, SOCK_STREAM, IPPROTO_TCP) >= 0);
}

static void test_a_fresh_socket_answers_as_one_that_is_closed(void **state)
{
    int fresh = far_socket(far_a);

    (void)state;
    far_assert_ready(far_a, fresh, FAR_OUT | FAR_HUP);
    assert_int_equal(far_receive(far_a, fresh), -ENOTCONN);
    assert_int_equal(far_send(far_a, fresh, "x"), -EPIPE);
    assert_int_equal(far_peer(far_a, fresh), -ENOTCONN);
    assert_int_equal(far_accept(far_a, fresh), -EINVAL);
    assert_int_equal(far_shut(far_a, fresh, 3), -EINVAL);
    assert_int_equal(far_shut(far_a, fresh, SHUT_WR), -ENOTCONN);
    far_assert_ready(far_a, fresh, FAR_OUT | FAR_HUP);
}

/* --- bytes */

static void test_both_ends_send_and_receive(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    far_assert_ready(far_a, pair.client, FAR_OUT);
    far_assert_ready(far_b, pair.server, FAR_OUT);
    assert_int_equal(far_receive(far_a, pair.client), -EAGAIN);
    assert_int_equal(far_send(far_a, pair.client, "there"), 5);
    assert_int_equal(far_send(far_b, pair.server, "back"), 4);
    assert_int_equal(far_receive(far_b, pair.server), -EAGAIN);
    far_run(FAR_LATENCY);
    far_assert_ready(far_b, pair.server, FAR_IN | FAR_OUT);
    far_assert_receives(far_b, pair.server, "there");
    far_assert_receives(far_a, pair.client, "back");
    assert_int_equal(far_send(far_a, pair.client, ""), 0);
}

static void test_looking_leaves_and_truncating_throws_away(void **state)
{
    far_pair pair = far_connected();
    char data[8] = "";

    (void)state;
    far_send(far_a, pair.client, "hello");
    far_run(FAR_MS);
    assert_int_equal(far_b->receive(far_b, pair.server, data, 3, MSG_PEEK), 3);
    assert_string_equal(data, "hel");
    assert_int_equal(far_b->receive(far_b, pair.server, data, 0, 0), 0);
    assert_int_equal(far_b->receive(far_b, pair.server, data, 2, MSG_TRUNC), 2);
    assert_int_equal(far_b->receive(far_b, pair.server, data, 1, MSG_OOB), -EINVAL);
    far_assert_receives(far_b, pair.server, "llo");
    assert_int_equal(far_b->receive(far_b, pair.server, data, 0, 0), -EAGAIN);
}

/* Sends count bytes that are told apart and receives them, as each end may. */
static void pass(far_pair pair, size_t count)
{
    size_t sent = 0, received = 0;
    uint8_t byte;

    for (size_t i = 0; i < 100 * count && received < count; i++) {
        byte = (uint8_t)(sent * 7);
        if (sent < count && far_a->send(far_a, pair.client, &(struct iovec){ &byte, 1 }, 1, 0) == 1)
            sent++;
        far_run(FAR_MS / 4);
        if (far_b->receive(far_b, pair.server, &byte, 1, 0) == 1) {
            assert_int_equal(byte, (uint8_t)(received * 7));
            received++;
        }
    }
    assert_int_equal(received, count);
}

static void test_buffers_of_one_byte_pass_everything(void **state)
{
    far_pair pair;

    (void)state;
    far_open_again((wherry_simulation_options){ .send_buffer = 1, .receive_buffer = 1 });
    pair = far_connected();
    assert_int_equal(far_send(far_a, pair.client, "ab"), 1);
    far_assert_ready(far_a, pair.client, 0);
    assert_int_equal(far_send(far_a, pair.client, "b"), -EAGAIN);
    far_run(FAR_MS);
    far_assert_ready(far_a, pair.client, FAR_OUT);
    far_assert_receives(far_b, pair.server, "a");
    far_run(FAR_MS);
    pass(pair, 300);
}

static void test_a_full_window_holds_the_sender_until_it_is_read(void **state)
{
    far_pair pair;

    (void)state;
    far_open_again((wherry_simulation_options){ .send_buffer = 4, .receive_buffer = 3 });
    pair = far_connected();
    assert_int_equal(far_send(far_a, pair.client, "0123456789"), 4);
    far_run(FAR_MS);
    assert_int_equal(far_send(far_a, pair.client, "456789"), 3);
    assert_int_equal(far_send(far_a, pair.client, "789"), -EAGAIN);
    far_run(WHERRY_SECONDS(3000));
    far_assert_ready(far_a, pair.client, 0);
    far_assert_receives(far_b, pair.server, "012");
    far_run(10 * FAR_MS);
    far_assert_receives(far_b, pair.server, "345");
    far_run(10 * FAR_MS);
    far_assert_receives(far_b, pair.server, "6");
    far_assert_ready(far_a, pair.client, FAR_OUT);
}

static void test_a_third_of_the_buffer_must_be_free_to_be_writable(void **state)
{
    far_pair pair;

    (void)state;
    far_open_again((wherry_simulation_options){ .send_buffer = 9, .receive_buffer = 1 });
    pair = far_connected();
    assert_int_equal(far_send(far_a, pair.client, "123456"), 6);
    far_assert_ready(far_a, pair.client, FAR_OUT);
    assert_int_equal(far_send(far_a, pair.client, "7"), 1);
    far_assert_ready(far_a, pair.client, 0);
    assert_int_equal(far_send(far_a, pair.client, "89x"), 2);
}

static void test_much_goes_in_segments_and_in_order(void **state)
{
    static uint8_t data[100000], got[sizeof(data)];
    far_pair pair = far_connected();
    size_t received = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * i >> 5);
    assert_int_equal(far_a->send(far_a, pair.client, &(struct iovec){ data, sizeof(data) }, 1, 0),
                     sizeof(data));
    far_run(10 * FAR_MS);
    while (received < sizeof(got)) {
        ssize_t size = far_b->receive(far_b, pair.server, got + received, 777, 0);

        assert_true(size > 0);
        received += (size_t)size;
    }
    assert_memory_equal(got, data, sizeof(data));
}

static void test_urgent_bytes_are_not_sent(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    assert_int_equal(
        far_a->send(far_a, pair.client, &(struct iovec){ (char[]){ 'x' }, 1 }, 1, MSG_OOB),
        -EOPNOTSUPP);
}

static void test_one_host_alone_passes_bytes_within_the_call(void **state)
{
    int listener = far_listener(far_a, 1), client = far_socket(far_a), server;

    (void)state;
    assert_int_equal(far_connect(far_a, client, "127.0.0.1", far_port(far_a, listener)),
                     -EINPROGRESS);
    far_assert_ready(far_a, client, FAR_OUT);
    assert_int_equal(far_connect(far_a, client, "127.0.0.1", 1), 0);
    assert_int_equal(far_connect(far_a, client, "127.0.0.1", 1), -EISCONN);
    server = far_accept(far_a, listener);
    assert_int_equal(far_send(far_a, client, "now"), 3);
    far_assert_receives(far_a, server, "now");
}

/* --- what the world sees */

static void test_queues_are_what_waits_in_each_end(void **state)
{
    far_pair pair;
    size_t received, unsent;

    (void)state;
    far_open_again((wherry_simulation_options){ .receive_buffer = 3 });
    pair = far_connected();
    far_send(far_a, pair.client, "12345");
    wherry__sim_stream_queues(far_socket_of(far_a, pair.client), &received, &unsent);
    assert_int_equal(received, 0);
    assert_int_equal(unsent, 5);
    far_run(FAR_MS);
    wherry__sim_stream_queues(far_socket_of(far_a, pair.client), &received, &unsent);
    assert_int_equal(unsent, 2);
    wherry__sim_stream_queues(far_socket_of(far_b, pair.server), &received, &unsent);
    assert_int_equal(received, 3);
}

static void test_nothing_waits_in_an_idle_world(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    far_send(far_a, pair.client, "x");
    assert_int_equal(wherry_simulation_run_quiet(far_world, WHERRY_SECONDS(1000)), WHERRY_OK);
    assert_true(wherry_simulation_now(far_world) < WHERRY_SECONDS(1));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, far_start, far_finish)
    const struct CMUnitTest tests[] = {
        TEST(test_only_kinds_that_linux_has_are_made),
        TEST(test_a_fresh_socket_answers_as_one_that_is_closed),
        TEST(test_both_ends_send_and_receive),
        TEST(test_looking_leaves_and_truncating_throws_away),
        TEST(test_buffers_of_one_byte_pass_everything),
        TEST(test_a_full_window_holds_the_sender_until_it_is_read),
        TEST(test_a_third_of_the_buffer_must_be_free_to_be_writable),
        TEST(test_much_goes_in_segments_and_in_order),
        TEST(test_urgent_bytes_are_not_sent),
        TEST(test_one_host_alone_passes_bytes_within_the_call),
        TEST(test_queues_are_what_waits_in_each_end),
        TEST(test_nothing_waits_in_an_idle_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
