/* The system table of a simulated host: what is the same for all kinds of sockets, and the faults
 * that strike at calls. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cmocka.h>
#include <wherry.h>

#define BYTES 1000

static wherry_simulation *world;
static wherry_system *table;

static void open_world(uint64_t seed)
{
    assert_int_equal(wherry_simulation_new(&world, .seed = seed, .quiet = 1), WHERRY_OK);
    assert_int_equal(wherry_simulation_host(world, "10.0.0.1"), WHERRY_OK);
    assert_int_equal(wherry_simulation_host(world, "10.0.0.2"), WHERRY_OK);
    table = wherry_simulation_system(world, "10.0.0.1");
}

static int setup(void **state)
{
    (void)state;
    (void)unsetenv("WHERRY_SIMULATION_SEED");
    open_world(1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    wherry_simulation_free(world);
    return 0;
}

static void have_strike(int fault)
{
    wherry_faults faults = { .millionths[0] = 0 };

    faults.millionths[fault] = 1000000;
    wherry_simulation_set_faults(world, &faults);
}

/* Two ends of a connection over the loopback of the host. */
static void connect_pair(int ends[2])
{
    struct sockaddr_in name = { .sin_family = AF_INET };
    const struct sockaddr *any = (const struct sockaddr *)&name;
    socklen_t size = sizeof(name);
    int listener = table->socket(table, AF_INET, SOCK_STREAM, 0);

    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ends[0] = table->socket(table, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(table->bind(table, listener, any, size), 0);
    assert_int_equal(table->listen(table, listener, 5), 0);
    assert_int_equal(table->local_name(table, listener, (struct sockaddr *)&name, &size), 0);
    (void)table->connect(table, ends[0], any, size);
    ends[1] = table->accept(table, listener, NULL, NULL);
    assert_true(ends[1] >= 0);
    assert_int_equal(table->close(table, listener), 0);
}

static ssize_t send_bytes(int descriptor, size_t size)
{
    static char bytes[BYTES];
    const struct iovec part = { bytes, size };

    return table->send(table, descriptor, &part, 1, 0);
}

static ssize_t receive_bytes(int descriptor)
{
    char bytes[BYTES];

    return table->receive(table, descriptor, bytes, sizeof(bytes), 0);
}

/* --- what needs no socket */

static void test_a_descriptor_that_is_not_open(void **state)
{
    struct sockaddr_in name = { .sin_family = AF_INET };
    struct sockaddr *any = (struct sockaddr *)&name;
    wherry_datagram_slot slot = { .length = 0 };
    socklen_t size = sizeof(name);
    int value = 0;

    (void)state;
    assert_int_equal(table->bind(table, 9, any, size), -EBADF);
    assert_int_equal(table->listen(table, 9, 1), -EBADF);
    assert_int_equal(table->accept(table, 9, NULL, NULL), -EBADF);
    assert_int_equal(table->connect(table, 9, any, size), -EBADF);
    assert_int_equal(receive_bytes(9), -EBADF);
    assert_int_equal(send_bytes(9, 1), -EBADF);
    assert_int_equal(table->receive_many(table, 9, &slot, 1, 0), -EBADF);
    assert_int_equal(table->send_many(table, 9, &slot, 1, 0), -EBADF);
    assert_int_equal(table->shutdown(table, 9, SHUT_WR), -EBADF);
    assert_int_equal(table->close(table, 9), -EBADF);
    assert_int_equal(table->set_option(table, 9, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value)),
                     -EBADF);
    size = sizeof(value);
    assert_int_equal(table->get_option(table, 9, SOL_SOCKET, SO_TYPE, &value, &size), -EBADF);
    size = sizeof(name);
    assert_int_equal(table->local_name(table, 9, any, &size), -EBADF);
    assert_int_equal(table->remote_name(table, 9, any, &size), -EBADF);
    assert_int_equal(table->kind(table, 9, NULL), -EBADF);
    assert_int_equal(table->read(table, 9, &value, 1, 0), -EBADF);
    assert_int_equal(table->write(table, 9, &(struct iovec){ &value, 1 }, 1, 0), -EBADF);
}

static void test_kinds_of_descriptors(void **state)
{
    int may_block = 1;

    (void)state;
    assert_int_equal(table->kind(table, table->socket(table, AF_INET, SOCK_STREAM, 0), &may_block),
                     WHERRY_DESCRIPTOR_STREAM);
    assert_int_equal(may_block, 0);
    assert_int_equal(table->kind(table, table->socket(table, AF_INET, SOCK_DGRAM, 0), NULL),
                     WHERRY_DESCRIPTOR_DATAGRAM);
}

static void test_a_poller_has_no_descriptor(void **state)
{
    (void)state;
    assert_int_equal(table->poller_descriptor(table, NULL), -ENOTSUP);
}

static void test_random_bytes_are_those_of_the_seed_and_the_host(void **state)
{
    uint8_t one[32], same[32], other[32];

    (void)state;
    assert_int_equal(table->random(table, one, sizeof(one)), 0);
    table = wherry_simulation_system(world, "10.0.0.2");
    assert_int_equal(table->random(table, other, sizeof(other)), 0);
    assert_memory_not_equal(one, other, sizeof(one));
    wherry_simulation_free(world);
    open_world(1);
    assert_int_equal(table->random(table, same, sizeof(same)), 0);
    assert_memory_equal(one, same, sizeof(one));
    wherry_simulation_free(world);
    open_world(2);
    assert_int_equal(table->random(table, other, sizeof(other)), 0);
    assert_memory_not_equal(one, other, sizeof(one));
}

static void test_the_first_is_chosen_unless_another_order_is_drawn(void **state)
{
    bool seen[3] = { false };

    (void)state;
    for (int i = 0; i < 20; i++)
        assert_int_equal(table->choose(table, WHERRY_CHOICE_TASK, 3), 0);
    have_strike(WHERRY_FAULT_ORDER);
    for (int i = 0; i < 50; i++) {
        uint32_t chosen = table->choose(table, WHERRY_CHOICE_TASK, 3);

        assert_in_range(chosen, 0, 2);
        seen[chosen] = true;
    }
    assert_true(seen[0] && seen[1] && seen[2]);
    assert_int_equal(table->choose(table, WHERRY_CHOICE_TASK, 1), 0);
}

static void test_signals_that_nobody_can_take(void **state)
{
    static const int numbers[] = { 0, -1, NSIG, SIGKILL, SIGSTOP };
    wherry_system_signal taken = { .number = SIGTERM };

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        wherry_system_signal one = { .number = numbers[i] };

        assert_int_equal(table->take_signal(table, &one), -EINVAL);
    }
    assert_int_equal(table->take_signal(table, &taken), 0);
    table->give_signal(table, &taken);
    table->give_signal(table, &taken);
}

/* --- faults of calls */

static void test_no_descriptors(void **state)
{
    (void)state;
    have_strike(WHERRY_FAULT_NO_DESCRIPTORS);
    assert_int_equal(table->socket(table, AF_INET, SOCK_STREAM, 0), -EMFILE);
    wherry_simulation_set_faults(world, NULL);
    assert_int_equal(table->socket(table, AF_INET, SOCK_STREAM, 0), 3);
}

static void assert_both(int fault, ssize_t result)
{
    int ends[2];

    connect_pair(ends);
    assert_int_equal(send_bytes(ends[0], BYTES), BYTES);
    have_strike(fault);
    assert_int_equal(send_bytes(ends[0], BYTES), result);
    assert_int_equal(receive_bytes(ends[1]), result);
    wherry_simulation_set_faults(world, NULL);
    assert_int_equal(receive_bytes(ends[1]), BYTES); /* nothing was lost */
    assert_int_equal(receive_bytes(ends[1]), -EAGAIN);
}

static void test_interrupted_calls(void **state)
{
    (void)state;
    assert_both(WHERRY_FAULT_INTERRUPTED, -EINTR);
}

static void test_calls_that_are_not_ready_yet(void **state)
{
    (void)state;
    assert_both(WHERRY_FAULT_NOT_YET, -EAGAIN);
}

static void test_no_buffers(void **state)
{
    int ends[2];

    (void)state;
    connect_pair(ends);
    have_strike(WHERRY_FAULT_NO_BUFFERS);
    assert_int_equal(send_bytes(ends[0], BYTES), -ENOBUFS);
}

/* A send that is made short takes at least one byte less than it was given. */
static void test_short_sends_are_short(void **state)
{
    int ends[2];

    (void)state;
    connect_pair(ends);
    have_strike(WHERRY_FAULT_SHORT_SEND);
    for (int i = 0; i < 50; i++)
        assert_int_equal(send_bytes(ends[0], 2), 1);
}

static void test_short_sends_and_receives_lose_nothing(void **state)
{
    size_t sent = 0, received = 0;
    int ends[2], calls = 0;

    (void)state;
    connect_pair(ends);
    have_strike(WHERRY_FAULT_SHORT_SEND);
    for (; sent < BYTES; calls++) {
        ssize_t taken = send_bytes(ends[0], BYTES - sent);

        assert_in_range(taken, 1, BYTES - sent);
        sent += (size_t)taken;
    }
    assert_in_range(calls, 2, BYTES);
    have_strike(WHERRY_FAULT_SHORT_RECEIVE);
    for (calls = 0; received < BYTES; calls++) {
        ssize_t given = receive_bytes(ends[1]);

        assert_in_range(given, 1, BYTES - received);
        received += (size_t)given;
    }
    assert_in_range(calls, 2, BYTES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_descriptor_that_is_not_open),
        TEST(kinds_of_descriptors),
        TEST(a_poller_has_no_descriptor),
        TEST(random_bytes_are_those_of_the_seed_and_the_host),
        TEST(the_first_is_chosen_unless_another_order_is_drawn),
        TEST(signals_that_nobody_can_take),
        TEST(no_descriptors),
        TEST(interrupted_calls),
        TEST(calls_that_are_not_ready_yet),
        TEST(no_buffers),
        TEST(short_sends_are_short),
        TEST(short_sends_and_receives_lose_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
