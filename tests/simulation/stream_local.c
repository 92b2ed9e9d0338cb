#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/far_ends.h"

typedef struct local_pair {
    int client, server, listener;
} local_pair;

static int listener_at(const char *path, int type, int backlog)
{
    int descriptor = far_local(far_a, type);

    assert_int_equal(far_bind_path(far_a, descriptor, path), 0);
    assert_int_equal(far_a->listen(far_a, descriptor, backlog), 0);
    return descriptor;
}

static local_pair connected(int type)
{
    local_pair pair = { .client = far_local(far_a, type) };

    pair.listener = listener_at("/s", type, 4);
    assert_int_equal(far_connect_path(far_a, pair.client, "/s"), 0);
    pair.server = far_accept(far_a, pair.listener);
    assert_true(pair.server >= 0);
    return pair;
}

static void test_a_fresh_socket_is_not_connected(void **state)
{
    int stream = far_local(far_a, SOCK_STREAM), records = far_local(far_a, SOCK_SEQPACKET);

    (void)state;
    far_assert_ready(far_a, stream, FAR_OUT | FAR_HUP);
    assert_int_equal(far_receive(far_a, stream), -EINVAL);
    assert_int_equal(far_receive(far_a, records), -ENOTCONN);
    assert_int_equal(far_send(far_a, stream, "x"), -ENOTCONN);
    assert_int_equal(far_a->listen(far_a, stream, 1), -EINVAL);
    assert_int_equal(far_accept(far_a, stream), -EINVAL);
    assert_int_equal(far_shut(far_a, stream, SHUT_WR), 0);
    assert_int_equal(far_shut(far_a, stream, 5), -EINVAL);
}

static void test_who_connects_may_send_at_once(void **state)
{
    int client = far_local(far_a, SOCK_STREAM), listener = listener_at("/s", SOCK_STREAM, 4);
    int server;

    (void)state;
    assert_int_equal(far_connect_path(far_a, client, "/s"), 0);
    far_assert_ready(far_a, client, FAR_OUT);
    far_assert_ready(far_a, listener, FAR_IN);
    assert_int_equal(far_send(far_a, client, "early"), 5);
    assert_int_equal(far_connect_path(far_a, client, "/s"), -EISCONN);
    server = far_accept(far_a, listener);
    assert_int_equal(far_accept(far_a, listener), -EAGAIN);
    far_assert_receives(far_a, server, "early");
    assert_int_equal(far_receive(far_a, server), -EAGAIN);
    assert_int_equal(far_peer(far_a, server), 0);
}

static void test_paths_without_a_listener(void **state)
{
    int listener = listener_at("/s", SOCK_STREAM, 1), bound = far_local(far_a, SOCK_STREAM);

    (void)state;
    assert_int_equal(far_connect_path(far_a, far_local(far_a, SOCK_STREAM), "/none"), -ENOENT);
    assert_int_equal(far_connect_path(far_a, far_local(far_a, SOCK_SEQPACKET), "/s"), -EPROTOTYPE);
    assert_int_equal(far_connect_path(far_b, far_local(far_b, SOCK_STREAM), "/s"), -ENOENT);
    assert_int_equal(far_bind_path(far_a, bound, "/bound"), 0);
    assert_int_equal(far_connect_path(far_a, far_local(far_a, SOCK_STREAM), "/bound"),
                     -ECONNREFUSED);
    far_close(far_a, listener);
    assert_int_equal(far_connect_path(far_a, far_local(far_a, SOCK_STREAM), "/s"), -ECONNREFUSED);
}

static void test_beyond_the_backlog_is_refused_for_now(void **state)
{
    int listener = listener_at("/s", SOCK_STREAM, 1), late = far_local(far_a, SOCK_STREAM);

    (void)state;
    assert_int_equal(far_connect_path(far_a, far_local(far_a, SOCK_STREAM), "/s"), 0);
    assert_int_equal(far_connect_path(far_a, far_local(far_a, SOCK_STREAM), "/s"), 0);
    assert_int_equal(far_connect_path(far_a, late, "/s"), -EAGAIN);
    assert_true(far_accept(far_a, listener) >= 0);
    assert_int_equal(far_connect_path(far_a, late, "/s"), 0);
}

static void test_closing_the_listener_resets_who_waits(void **state)
{
    int client = far_local(far_a, SOCK_STREAM), listener = listener_at("/s", SOCK_STREAM, 1);

    (void)state;
    assert_int_equal(far_connect_path(far_a, client, "/s"), 0);
    far_close(far_a, listener);
    far_assert_ready(far_a, client, FAR_RESET);
    assert_int_equal(far_send(far_a, client, "x"), -EPIPE);
    assert_int_equal(far_receive(far_a, client), -ECONNRESET);
    assert_int_equal(far_receive(far_a, client), 0);
    far_assert_ready(far_a, client, FAR_OVER);
}

static void test_a_listener_that_does_not_receive_gives_out_what_it_has(void **state)
{
    int client = far_local(far_a, SOCK_STREAM), listener = listener_at("/s", SOCK_STREAM, 1);

    (void)state;
    assert_int_equal(far_connect_path(far_a, client, "/s"), 0);
    assert_int_equal(far_shut(far_a, listener, SHUT_RD), 0);
    assert_true(far_accept(far_a, listener) >= 0);
    assert_int_equal(far_accept(far_a, listener), -EAGAIN);
    far_assert_ready(far_a, listener, FAR_IN);
    assert_int_equal(far_connect_path(far_a, far_local(far_a, SOCK_STREAM), "/s"), -ECONNREFUSED);
}

static void test_what_was_sent_before_the_close_is_read(void **state)
{
    local_pair pair = connected(SOCK_STREAM);

    (void)state;
    far_send(far_a, pair.server, "hello");
    far_close(far_a, pair.server);
    far_assert_ready(far_a, pair.client, FAR_OVER);
    far_assert_receives(far_a, pair.client, "hello");
    far_assert_receives(far_a, pair.client, "");
    assert_int_equal(far_send(far_a, pair.client, "x"), -EPIPE);
    assert_int_equal(far_error(far_a, pair.client), 0);
}

static void test_a_close_with_unread_bytes_resets(void **state)
{
    local_pair pair = connected(SOCK_STREAM);

    (void)state;
    far_send(far_a, pair.client, "unread");
    far_send(far_a, pair.server, "hey");
    far_close(far_a, pair.server);
    far_assert_ready(far_a, pair.client, FAR_RESET);
    far_assert_receives(far_a, pair.client, "hey");
    assert_int_equal(far_receive(far_a, pair.client), -ECONNRESET);
    far_assert_receives(far_a, pair.client, "");
}

static void test_directions_are_shut_down_for_both(void **state)
{
    local_pair pair = connected(SOCK_STREAM);

    (void)state;
    assert_int_equal(far_shut(far_a, pair.client, SHUT_WR), 0);
    far_assert_ready(far_a, pair.client, FAR_OUT);
    far_assert_ready(far_a, pair.server, FAR_IN | FAR_OUT);
    far_assert_receives(far_a, pair.server, "");
    assert_int_equal(far_send(far_a, pair.client, "x"), -EPIPE);
    assert_int_equal(far_send(far_a, pair.server, "x"), 1);
    assert_int_equal(far_shut(far_a, pair.server, SHUT_WR), 0);
    far_assert_ready(far_a, pair.client, FAR_OVER);
    far_assert_receives(far_a, pair.client, "x");
    far_assert_receives(far_a, pair.client, "");
}

static void test_the_buffer_is_free_again_when_it_is_read(void **state)
{
    local_pair pair;

    (void)state;
    far_open_again((wherry_simulation_options){ .send_buffer = 4 });
    pair = connected(SOCK_STREAM);
    assert_int_equal(far_send(far_a, pair.client, "1"), 1);
    far_assert_ready(far_a, pair.client, FAR_OUT);
    assert_int_equal(far_send(far_a, pair.client, "2345"), 3);
    far_assert_ready(far_a, pair.client, 0);
    assert_int_equal(far_send(far_a, pair.client, "5"), -EAGAIN);
    far_assert_receives(far_a, pair.server, "1234");
    far_assert_ready(far_a, pair.client, FAR_OUT);
}

static void test_records_keep_their_borders(void **state)
{
    local_pair pair = connected(SOCK_SEQPACKET);
    char data[2];

    (void)state;
    far_send(far_a, pair.client, "one");
    far_send(far_a, pair.client, "");
    far_send(far_a, pair.client, "three");
    far_send(far_a, pair.client, "4");
    assert_int_equal(far_a->receive(far_a, pair.server, data, 2, MSG_PEEK), 2);
    far_assert_receives(far_a, pair.server, "one");
    far_assert_ready(far_a, pair.server, FAR_IN | FAR_OUT);
    far_assert_receives(far_a, pair.server, "");
    assert_int_equal(far_a->receive(far_a, pair.server, data, 2, MSG_TRUNC), 5);
    far_assert_receives(far_a, pair.server, "4");
    assert_int_equal(far_receive(far_a, pair.server), -EAGAIN);
}

static void test_a_record_larger_than_the_buffer_is_refused(void **state)
{
    local_pair pair;

    (void)state;
    far_open_again((wherry_simulation_options){ .send_buffer = 4 });
    pair = connected(SOCK_SEQPACKET);
    assert_int_equal(far_send(far_a, pair.client, "12345"), -EMSGSIZE);
    assert_int_equal(far_send(far_a, pair.client, "1234"), 4);
    assert_int_equal(far_send(far_a, pair.client, "1"), -EAGAIN);
    far_assert_receives(far_a, pair.server, "1234");
    assert_int_equal(far_send(far_a, pair.client, "1"), 1);
}

static void test_of_records_the_error_comes_first(void **state)
{
    local_pair pair = connected(SOCK_SEQPACKET);

    (void)state;
    far_send(far_a, pair.client, "unread");
    far_send(far_a, pair.server, "hey");
    far_close(far_a, pair.server);
    assert_int_equal(far_receive(far_a, pair.client), -ECONNRESET);
    far_assert_receives(far_a, pair.client, "hey");
    far_assert_receives(far_a, pair.client, "");
}

static void test_both_ends_vanish_with_their_host(void **state)
{
    local_pair pair = connected(SOCK_STREAM);

    (void)state;
    far_send(far_a, pair.client, "lost");
    assert_int_equal(far_connect_path(far_a, far_local(far_a, SOCK_STREAM), "/s"), 0);
    assert_int_equal(wherry_simulation_power_off(far_world, "a"), WHERRY_OK);
    assert_int_equal(wherry_simulation_restart(far_world, "a"), WHERRY_OK);
    assert_int_equal(far_connect_path(far_a, far_local(far_a, SOCK_STREAM), "/s"), -ECONNREFUSED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, far_start, far_finish)
    const struct CMUnitTest tests[] = {
        TEST(test_a_fresh_socket_is_not_connected),
        TEST(test_who_connects_may_send_at_once),
        TEST(test_paths_without_a_listener),
        TEST(test_beyond_the_backlog_is_refused_for_now),
        TEST(test_closing_the_listener_resets_who_waits),
        TEST(test_a_listener_that_does_not_receive_gives_out_what_it_has),
        TEST(test_what_was_sent_before_the_close_is_read),
        TEST(test_a_close_with_unread_bytes_resets),
        TEST(test_directions_are_shut_down_for_both),
        TEST(test_the_buffer_is_free_again_when_it_is_read),
        TEST(test_records_keep_their_borders),
        TEST(test_a_record_larger_than_the_buffer_is_refused),
        TEST(test_of_records_the_error_comes_first),
        TEST(test_both_ends_vanish_with_their_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
