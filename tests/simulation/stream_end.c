#include <errno.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/far_ends.h"

#define TIME_WAIT WHERRY_SECONDS(60)

static size_t sockets_of(wherry_system *system)
{
    const wherry__link *list = &wherry__sim_host_of(system)->sockets;
    size_t count = 0;

    for (const wherry__link *link = list->next; link != list; link = link->next)
        count++;
    return count;
}

/* --- in order */

static void test_half_a_connection_goes_on(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    far_send(far_a, pair.client, "last");
    assert_int_equal(far_shut(far_a, pair.client, SHUT_WR), 0);
    far_assert_ready(far_a, pair.client, FAR_OUT);
    assert_int_equal(far_send(far_a, pair.client, "x"), -EPIPE);
    far_run(10 * FAR_MS);
    far_assert_ready(far_b, pair.server, FAR_IN | FAR_OUT);
    far_assert_receives(far_b, pair.server, "last");
    far_assert_receives(far_b, pair.server, "");
    assert_int_equal(far_send(far_b, pair.server, "answer"), 6);
    far_run(10 * FAR_MS);
    far_assert_receives(far_a, pair.client, "answer");
    assert_int_equal(far_receive(far_a, pair.client), -EAGAIN);
}

static void test_the_end_comes_after_all_data(void **state)
{
    far_pair pair;

    (void)state;
    far_open_again((wherry_simulation_options){ .receive_buffer = 2 });
    pair = far_connected();
    far_send(far_a, pair.client, "abcd");
    far_close(far_a, pair.client);
    far_run(WHERRY_SECONDS(1));
    far_assert_receives(far_b, pair.server, "ab");
    assert_int_equal(far_receive(far_b, pair.server), -EAGAIN);
    far_run(WHERRY_SECONDS(1));
    far_assert_receives(far_b, pair.server, "cd");
    far_run(WHERRY_SECONDS(1));
    far_assert_receives(far_b, pair.server, "");
}

static void test_both_directions_ended_are_as_a_closed_socket(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    far_send(far_b, pair.server, "abc");
    far_run(10 * FAR_MS);
    far_shut(far_a, pair.client, SHUT_WR);
    far_run(10 * FAR_MS);
    far_shut(far_b, pair.server, SHUT_WR);
    far_run(10 * FAR_MS);
    far_assert_ready(far_a, pair.client, FAR_OVER);
    far_assert_ready(far_b, pair.server, FAR_OVER);
    assert_int_equal(far_peer(far_a, pair.client), -ENOTCONN);
    assert_int_equal(far_peer(far_b, pair.server), -ENOTCONN);
    assert_int_equal(far_shut(far_a, pair.client, SHUT_WR), -ENOTCONN);
    far_assert_receives(far_a, pair.client, "abc");
    far_assert_receives(far_a, pair.client, "");
    assert_int_equal(far_connect(far_a, pair.client, "10.0.0.2", pair.port), -EISCONN);
    assert_int_equal(far_error(far_a, pair.client), 0);
}

static void test_who_closes_first_keeps_its_port_for_a_minute(void **state)
{
    far_pair pair = far_connected();
    int port = far_port(far_a, pair.client), other = far_socket(far_a);

    (void)state;
    far_close(far_a, pair.client);
    far_run(10 * FAR_MS);
    far_close(far_b, pair.server);
    assert_int_equal(sockets_of(far_b), 2);
    far_run(10 * FAR_MS);
    assert_int_equal(sockets_of(far_b), 1);
    assert_int_equal(sockets_of(far_a), 2);
    far_run(TIME_WAIT - 20 * FAR_MS);
    assert_int_equal(far_bind(far_a, other, port), -EADDRINUSE);
    far_run(20 * FAR_MS);
    assert_int_equal(far_bind(far_a, other, port), 0);
    assert_int_equal(sockets_of(far_a), 1);
}

static void test_simultaneous_ends_wait_at_both(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    far_shut(far_a, pair.client, SHUT_WR);
    far_shut(far_b, pair.server, SHUT_WR);
    far_run(10 * FAR_MS);
    assert_string_equal(
        far_socket_of(far_a, pair.client)->class->state(far_socket_of(far_a, pair.client)),
        "TIME_WAIT");
    assert_string_equal(
        far_socket_of(far_b, pair.server)->class->state(far_socket_of(far_b, pair.server)),
        "TIME_WAIT");
}

static void test_what_comes_to_a_closed_reader_is_kept(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    assert_int_equal(far_shut(far_a, pair.client, SHUT_RD), 0);
    far_assert_ready(far_a, pair.client, FAR_IN | FAR_OUT);
    far_assert_receives(far_a, pair.client, "");
    far_send(far_b, pair.server, "xxx");
    far_run(10 * FAR_MS);
    far_assert_ready(far_b, pair.server, FAR_OUT);
    far_assert_receives(far_a, pair.client, "xxx");
    far_assert_receives(far_a, pair.client, "");
}

static void test_an_end_that_nobody_answers_is_given_a_minute(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    far_close(far_a, pair.client);
    far_run(WHERRY_SECONDS(59));
    assert_int_equal(sockets_of(far_a), 1);
    far_run(WHERRY_SECONDS(2));
    assert_int_equal(sockets_of(far_a), 0);
    assert_int_equal(far_send(far_b, pair.server, "x"), 1);
    far_run(10 * FAR_MS);
    far_assert_ready(far_b, pair.server, FAR_RESET);
}

/* --- resets */

static void test_sending_to_a_closed_socket_breaks_the_pipe(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    far_send(far_b, pair.server, "hello");
    far_close(far_b, pair.server);
    far_run(10 * FAR_MS);
    assert_int_equal(far_send(far_a, pair.client, "x"), 1);
    far_run(10 * FAR_MS);
    far_assert_ready(far_a, pair.client, FAR_RESET);
    far_assert_receives(far_a, pair.client, "hello");
    far_assert_receives(far_a, pair.client, "");
    assert_int_equal(far_error(far_a, pair.client), EPIPE);
    far_assert_ready(far_a, pair.client, FAR_OVER);
    assert_int_equal(far_send(far_a, pair.client, "x"), -EPIPE);
}

static void test_a_close_with_unread_bytes_resets(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    far_send(far_a, pair.client, "unread");
    far_run(10 * FAR_MS);
    far_close(far_b, pair.server);
    assert_int_equal(sockets_of(far_b), 1);
    far_run(10 * FAR_MS);
    far_assert_ready(far_a, pair.client, FAR_RESET);
    assert_int_equal(far_receive(far_a, pair.client), -ECONNRESET);
    far_assert_receives(far_a, pair.client, "");
    far_assert_ready(far_a, pair.client, FAR_OVER);
    assert_int_equal(far_peer(far_a, pair.client), -ENOTCONN);
}

static void test_data_comes_before_the_reset_behind_it(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    far_linger(far_b, pair.server, 0);
    far_send(far_b, pair.server, "hello");
    far_close(far_b, pair.server);
    far_run(10 * FAR_MS);
    far_assert_receives(far_a, pair.client, "hello");
    assert_int_equal(far_receive(far_a, pair.client), -ECONNRESET);
    assert_int_equal(far_receive(far_a, pair.client), 0);
}

static void test_an_error_that_was_asked_for_is_told_once(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    far_linger(far_b, pair.server, 0);
    far_close(far_b, pair.server);
    far_run(10 * FAR_MS);
    assert_int_equal(far_error(far_a, pair.client), ECONNRESET);
    far_assert_ready(far_a, pair.client, FAR_OVER);
    assert_int_equal(far_receive(far_a, pair.client), 0);
    assert_int_equal(far_send(far_a, pair.client, "x"), -EPIPE);
}

static void test_a_sender_learns_of_the_reset_once(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    far_linger(far_b, pair.server, 0);
    far_close(far_b, pair.server);
    far_run(10 * FAR_MS);
    assert_int_equal(far_send(far_a, pair.client, "x"), -ECONNRESET);
    assert_int_equal(far_send(far_a, pair.client, "x"), -EPIPE);
}

static void test_data_for_who_gave_up_both_directions_resets_both(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    assert_int_equal(far_shut(far_a, pair.client, SHUT_RDWR), 0);
    far_assert_ready(far_a, pair.client, FAR_OVER);
    far_run(10 * FAR_MS);
    assert_int_equal(far_send(far_b, pair.server, "x"), 1);
    far_run(10 * FAR_MS);
    assert_int_equal(far_error(far_b, pair.server), EPIPE);
    assert_int_equal(far_receive(far_a, pair.client), -ECONNRESET);
}

static void test_the_world_resets_both_ends(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    assert_true(wherry__sim_stream_reset(far_socket_of(far_a, pair.client)));
    assert_int_equal(far_receive(far_a, pair.client), -ECONNRESET);
    assert_int_equal(far_receive(far_b, pair.server), -ECONNRESET);
    assert_false(wherry__sim_stream_reset(far_socket_of(far_a, pair.client)));
    assert_false(wherry__sim_stream_reset(far_socket_of(far_b, pair.listener)));
}

static void test_a_connection_that_a_program_takes_back_is_reset(void **state)
{
    far_pair pair = far_connected();
    struct sockaddr none = { .sa_family = AF_UNSPEC };

    (void)state;
    assert_int_equal(far_a->connect(far_a, pair.client, &none, sizeof(none)), 0);
    far_assert_ready(far_a, pair.client, FAR_OUT | FAR_ERR | FAR_HUP);
    assert_int_equal(far_receive(far_a, pair.client), -ECONNRESET);
    far_run(10 * FAR_MS);
    assert_int_equal(far_receive(far_b, pair.server), -ECONNRESET);
    assert_int_equal(far_connect(far_a, pair.client, "10.0.0.2", pair.port), -EINPROGRESS);
    far_run(10 * FAR_MS);
    far_assert_ready(far_a, pair.client, FAR_OUT);
}

/* --- faults */

static void strike(int fault)
{
    wherry_faults faults = { { 0 } };

    faults.millionths[fault] = 1000000;
    wherry_simulation_set_faults(far_world, &faults);
}

static void test_a_drawn_reset_is_seen_at_both_ends(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    strike(WHERRY_FAULT_RESET);
    far_send(far_a, pair.client, "x");
    far_run(10 * FAR_MS);
    assert_int_equal(far_receive(far_b, pair.server), -ECONNRESET);
    assert_int_equal(far_receive(far_a, pair.client), -ECONNRESET);
}

static void test_pieces_of_a_segment_are_the_whole(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    strike(WHERRY_FAULT_SPLIT);
    far_send(far_a, pair.client, "in pieces");
    far_run(100 * FAR_MS);
    far_assert_receives(far_b, pair.server, "in pieces");
    assert_true(far_world->statistics.faults[WHERRY_FAULT_SPLIT] > 0);
}

static void test_after_silence_the_sender_times_out(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    strike(WHERRY_FAULT_SILENCE);
    far_send(far_a, pair.client, "x");
    far_run(WHERRY_SECONDS(920));
    far_assert_ready(far_a, pair.client, FAR_OUT);
    far_run(WHERRY_SECONDS(10));
    assert_int_equal(far_receive(far_a, pair.client), -ETIMEDOUT);
    assert_int_equal(far_receive(far_b, pair.server), -EAGAIN);
}

/* --- nobody there any more */

static void test_a_user_timeout_goes_before(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    assert_int_equal(far_option(far_a, pair.client, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000), 0);
    assert_int_equal(wherry_simulation_partition(far_world, "a", "b", WHERRY_NEVER), WHERRY_OK);
    far_send(far_a, pair.client, "x");
    far_run(WHERRY_SECONDS(5) - FAR_MS);
    far_assert_ready(far_a, pair.client, FAR_OUT);
    far_run(FAR_MS);
    assert_int_equal(far_error(far_a, pair.client), ETIMEDOUT);
}

static void test_a_partition_only_delays(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    assert_int_equal(wherry_simulation_partition(far_world, "a", "b", WHERRY_SECONDS(100)),
                     WHERRY_OK);
    far_send(far_a, pair.client, "first");
    far_send(far_a, pair.client, " second");
    far_run(WHERRY_SECONDS(99));
    assert_int_equal(far_receive(far_b, pair.server), -EAGAIN);
    far_run(WHERRY_SECONDS(120));
    far_assert_receives(far_b, pair.server, "first second");
}

static void keep_alive(wherry_system *system, int descriptor)
{
    assert_int_equal(far_option(system, descriptor, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
    assert_int_equal(far_option(system, descriptor, IPPROTO_TCP, TCP_KEEPIDLE, 10), 0);
    assert_int_equal(far_option(system, descriptor, IPPROTO_TCP, TCP_KEEPINTVL, 2), 0);
    assert_int_equal(far_option(system, descriptor, IPPROTO_TCP, TCP_KEEPCNT, 3), 0);
}

static void test_keep_alive_notices_who_is_gone(void **state)
{
    far_pair pair = far_connected();
    int64_t begun = wherry_simulation_now(far_world);

    (void)state;
    keep_alive(far_a, pair.client);
    far_run(WHERRY_SECONDS(100));
    far_assert_ready(far_a, pair.client, FAR_OUT);
    assert_int_equal(wherry_simulation_run_quiet(far_world, WHERRY_SECONDS(1000)), WHERRY_OK);
    assert_true(wherry_simulation_now(far_world) - begun < WHERRY_SECONDS(101));
    assert_int_equal(wherry_simulation_power_off(far_world, "b"), WHERRY_OK);
    assert_int_equal(wherry_simulation_run_quiet(far_world, WHERRY_SECONDS(1000)), WHERRY_OK);
    assert_int_equal(far_receive(far_a, pair.client), -ETIMEDOUT);
    assert_true(wherry_simulation_now(far_world) - begun < WHERRY_SECONDS(120));
}

static void test_a_host_that_was_off_answers_with_a_reset(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    assert_int_equal(wherry_simulation_power_off(far_world, "b"), WHERRY_OK);
    far_run(WHERRY_SECONDS(1));
    far_send(far_a, pair.client, "x");
    far_run(WHERRY_SECONDS(1));
    far_assert_ready(far_a, pair.client, FAR_OUT);
    assert_int_equal(wherry_simulation_restart(far_world, "b"), WHERRY_OK);
    far_run(WHERRY_SECONDS(10));
    assert_int_equal(far_receive(far_a, pair.client), -ECONNRESET);
}

static void test_a_blocked_sender_notices_that_the_other_host_was_off(void **state)
{
    far_pair pair;

    (void)state;
    far_open_again((wherry_simulation_options){ .receive_buffer = 1 });
    pair = far_connected();
    far_send(far_a, pair.client, "12");
    far_run(WHERRY_SECONDS(1));
    assert_int_equal(wherry_simulation_power_off(far_world, "b"), WHERRY_OK);
    assert_int_equal(wherry_simulation_restart(far_world, "b"), WHERRY_OK);
    far_run(WHERRY_SECONDS(300));
    assert_int_equal(far_receive(far_a, pair.client), -ECONNRESET);
}

static void test_what_nobody_waits_for_is_given_up_sooner(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    assert_int_equal(wherry_simulation_partition(far_world, "a", "b", WHERRY_NEVER), WHERRY_OK);
    far_send(far_a, pair.client, "x");
    far_close(far_a, pair.client);
    far_run(WHERRY_SECONDS(102));
    assert_int_equal(sockets_of(far_a), 1);
    far_run(WHERRY_SECONDS(1));
    assert_int_equal(sockets_of(far_a), 0);
}

static void test_what_a_cut_host_had_to_send_again_is_lost(void **state)
{
    far_pair pair = far_connected();

    (void)state;
    assert_int_equal(wherry_simulation_partition(far_world, "a", "b", WHERRY_SECONDS(1)),
                     WHERRY_OK);
    far_send(far_a, pair.client, "x");
    far_close(far_a, pair.client);
    assert_int_equal(wherry_simulation_power_off(far_world, "a"), WHERRY_OK);
    assert_int_equal(sockets_of(far_a), 0);
    far_run(WHERRY_SECONDS(10));
    assert_int_equal(far_receive(far_b, pair.server), -EAGAIN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, far_start, far_finish)
    const struct CMUnitTest tests[] = {
        TEST(test_half_a_connection_goes_on),
        TEST(test_the_end_comes_after_all_data),
        TEST(test_both_directions_ended_are_as_a_closed_socket),
        TEST(test_who_closes_first_keeps_its_port_for_a_minute),
        TEST(test_simultaneous_ends_wait_at_both),
        TEST(test_what_comes_to_a_closed_reader_is_kept),
        TEST(test_an_end_that_nobody_answers_is_given_a_minute),
        TEST(test_sending_to_a_closed_socket_breaks_the_pipe),
        TEST(test_a_close_with_unread_bytes_resets),
        TEST(test_data_comes_before_the_reset_behind_it),
        TEST(test_an_error_that_was_asked_for_is_told_once),
        TEST(test_a_sender_learns_of_the_reset_once),
        TEST(test_data_for_who_gave_up_both_directions_resets_both),
        TEST(test_the_world_resets_both_ends),
        TEST(test_a_connection_that_a_program_takes_back_is_reset),
        TEST(test_a_drawn_reset_is_seen_at_both_ends),
        TEST(test_pieces_of_a_segment_are_the_whole),
        TEST(test_after_silence_the_sender_times_out),
        TEST(test_a_user_timeout_goes_before),
        TEST(test_a_partition_only_delays),
        TEST(test_keep_alive_notices_who_is_gone),
        TEST(test_a_host_that_was_off_answers_with_a_reset),
        TEST(test_a_blocked_sender_notices_that_the_other_host_was_off),
        TEST(test_what_nobody_waits_for_is_given_up_sooner),
        TEST(test_what_a_cut_host_had_to_send_again_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
