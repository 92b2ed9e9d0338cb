/* Socket calls: interrupted ones are made again, but for connect; names that cannot be had are
 * none. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "net/socket.h"
#include "support/net.h"

#define NOT_OPEN 999999

static void interrupted_calls_are_made_again(void **state)
{
    net *world = *state;
    wherry_system *system = wherry_faulty_system(world->system);
    const struct iovec part = { .iov_base = (char[]){ "abc" }, .iov_len = 3 };
    wherry_address address;
    char text[8] = "";
    int ends[2];
    int listener, accepted;

    net_pair(NET_PAIR, ends);
    for (int as_file = 0; as_file < 2; as_file++) {
        int out = as_file ? WHERRY_CALL_WRITE : WHERRY_CALL_SEND;
        int in = as_file ? WHERRY_CALL_READ : WHERRY_CALL_RECEIVE;

        wherry_faulty_plan(world->system, out, .number = EINTR, .count = 3);
        wherry_faulty_plan(world->system, in, .number = EINTR, .count = 3);
        assert_int_equal(wherry__socket_send(system, ends[0], &part, 1, as_file, false), 3);
        assert_int_equal(wherry__socket_receive(system, ends[1], text, 8, as_file, false), 3);
        assert_string_equal(text, "abc");
        assert_int_equal(wherry_faulty_calls(world->system, out), 4);
        assert_int_equal(wherry_faulty_calls(world->system, in), 4);
    }
    listener = net_listen(NET_TCP4, 1, &address);
    assert_int_equal(close(ends[0]), 0);
    ends[0] = wherry__socket_open(system, address.family);
    (void)wherry__socket_connect(system, ends[0], &address);
    wherry_faulty_plan(world->system, WHERRY_CALL_ACCEPT, .number = EINTR, .count = 3);
    accepted = wherry__socket_accept(system, listener, &address);
    assert_true(accepted >= 0);
    assert_int_equal(address.family, WHERRY_FAMILY_IPV4);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_ACCEPT), 4);
    assert_int_equal(close(accepted), 0);
    assert_int_equal(close(listener), 0);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
}

static void failures_come_through(void **state)
{
    net *world = *state;
    wherry_system *system = wherry_faulty_system(world->system);
    const struct iovec part = { .iov_base = (char[]){ "abc" }, .iov_len = 3 };
    wherry_address address;
    char byte;

    assert_int_equal(wherry__socket_send(system, -1, &part, 1, false, false), -EBADF);
    assert_int_equal(wherry__socket_send(system, NOT_OPEN, &part, 1, true, true), -EBADF);
    assert_int_equal(wherry__socket_receive(system, -1, &byte, 1, false, false), -EBADF);
    assert_int_equal(wherry__socket_receive(system, NOT_OPEN, &byte, 1, true, true), -EBADF);
    assert_int_equal(wherry__socket_accept(system, -1, &address), -EBADF);
    assert_int_equal(wherry__socket_error(system, -1), -EBADF);
    assert_int_equal(wherry__socket_set(system, -1, SOL_SOCKET, SO_REUSEADDR, 1), -EBADF);
    wherry_faulty_plan(world->system, WHERRY_CALL_SOCKET, .number = EMFILE, .count = 1);
    assert_int_equal(wherry__socket_open(system, WHERRY_FAMILY_IPV4), -EMFILE);
    assert_true(wherry__socket_not_now(-EAGAIN));
    assert_false(wherry__socket_not_now(-ECONNRESET));
    assert_false(wherry__socket_not_now(0));
}

static void pending_error_is_taken_once(void **state)
{
    net *world = *state;
    wherry_system *system = wherry_faulty_system(world->system);
    wherry_address address;
    int descriptor, listener = net_listen(NET_TCP4, 1, &address);
    int far;

    descriptor = wherry__socket_open(system, address.family);
    (void)wherry__socket_connect(system, descriptor, &address);
    far = accept(listener, NULL, NULL);
    assert_true(far >= 0);
    assert_int_equal(wherry__socket_error(system, descriptor), 0);
    wherry__socket_break(system, far);
    assert_int_equal(close(far), 0);
    assert_int_equal(wherry__socket_error(system, descriptor), -ECONNRESET);
    assert_int_equal(wherry__socket_error(system, descriptor), 0);
    assert_int_equal(close(descriptor), 0);
    assert_int_equal(close(listener), 0);
}

static void names_that_cannot_be_had_are_none(void **state)
{
    net *world = *state;
    wherry_system *system = wherry_faulty_system(world->system);
    wherry_address address;
    int descriptor;

    for (int i = 0; i < 2; i++) {
        address.family = WHERRY_FAMILY_IPV4;
        if (i == 0)
            wherry__socket_local(system, -1, &address);
        else
            wherry__socket_remote(system, -1, &address);
        assert_int_equal(address.family, WHERRY_FAMILY_NONE);
    }
    descriptor = wherry__socket_open(system, WHERRY_FAMILY_UNIX);
    wherry__socket_local(system, descriptor, &address);
    assert_int_equal(address.family, WHERRY_FAMILY_NONE);
    wherry__socket_remote(system, descriptor, &address); /* not connected */
    assert_int_equal(address.family, WHERRY_FAMILY_NONE);
    assert_int_equal(close(descriptor), 0);
}

static void interrupted_connect_is_under_way(void **state)
{
    net *world = *state;
    wherry_system *system = wherry_faulty_system(world->system);
    wherry_address address;
    int descriptor, listener = net_listen(NET_TCP4, 1, &address);

    descriptor = wherry__socket_open(system, address.family);
    wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = EINTR, .count = 1);
    assert_int_equal(wherry__socket_connect(system, descriptor, &address), -EINPROGRESS);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CONNECT), 1);
    assert_int_equal(close(descriptor), 0);
    assert_int_equal(close(listener), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(interrupted_calls_are_made_again), NET_TEST(failures_come_through),
        NET_TEST(pending_error_is_taken_once),      NET_TEST(names_that_cannot_be_had_are_none),
        NET_TEST(interrupted_connect_is_under_way),
    };

    net_use(wherry_system_epoll());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
