#include "system/posix.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/time.h>

#include "support/refuse.h"

#define LOOPBACK                                                                                   \
    {                                                                                              \
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)                           \
    }

static wherry_system *table(void)
{
    return wherry_system_poll();
}

static struct iovec part(const char *text)
{
    return (struct iovec){ .iov_base = (char *)text, .iov_len = strlen(text) };
}

/* Waiting is not what is tested here. */
static void await(int descriptor, short events)
{
    struct pollfd slot = { .fd = descriptor, .events = events };

    assert_int_equal(poll(&slot, 1, -1), 1);
}

static void assert_made_well(int descriptor)
{
    assert_true(descriptor >= 0);
    assert_true(fcntl(descriptor, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(descriptor, F_GETFD) & FD_CLOEXEC);
}

static int make_socket(int type)
{
    int descriptor = table()->socket(table(), AF_INET, type, 0);

    assert_made_well(descriptor);
    return descriptor;
}

/* A bound socket on loopback, and its name. */
static int make_bound(int type, struct sockaddr_in *name)
{
    struct sockaddr_in wanted = LOOPBACK;
    socklen_t size = sizeof(*name);
    int descriptor = make_socket(type);

    assert_int_equal(table()->bind(table(), descriptor, (struct sockaddr *)&wanted, size), 0);
    assert_int_equal(table()->local_name(table(), descriptor, (struct sockaddr *)name, &size), 0);
    assert_int_equal(size, sizeof(*name));
    return descriptor;
}

static void close_all(const int *descriptors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(table()->close(table(), descriptors[i]), 0);
}

/* A connection: client, server. */
static void make_connection(int ends[2])
{
    struct sockaddr_in name;
    int listener = make_bound(SOCK_STREAM, &name);

    assert_int_equal(table()->listen(table(), listener, 1), 0);
    ends[0] = make_socket(SOCK_STREAM);
    assert_int_equal(table()->connect(table(), ends[0], (struct sockaddr *)&name, sizeof(name)),
                     -EINPROGRESS);
    await(listener, POLLIN);
    ends[1] = table()->accept(table(), listener, NULL, NULL);
    assert_made_well(ends[1]);
    await(ends[0], POLLOUT);
    close_all(&listener, 1);
}

static void check_table(const wherry_system *system, const char *name)
{
    assert_int_equal(system->size, sizeof(*system));
    assert_string_equal(system->name, name);
    assert_null(system->choose);
    assert_true(system->socket && system->bind && system->listen && system->accept);
    assert_true(system->connect && system->receive && system->send && system->shutdown);
    assert_true(system->close && system->set_option && system->get_option && system->local_name);
    assert_true(system->remote_name && system->read && system->write && system->kind);
    assert_true(system->unlink && system->open_poller && system->close_poller && system->watch);
    assert_true(system->wait && system->wake && system->poller_descriptor && system->monotonic);
    assert_true(system->wall && system->random);
    for (size_t i = 0; i < sizeof(system->reserved) / sizeof(system->reserved[0]); i++)
        assert_null(system->reserved[i]);
}

static void tables_are_whole(void **state)
{
    (void)state;
    check_table(wherry_system_poll(), "poll");
#ifdef __linux__
    check_table(wherry_system_epoll(), "epoll");
#endif
}

static void socket_failures_are_errno(void **state)
{
    struct sockaddr_in name = LOOPBACK;
    socklen_t size = sizeof(name);
    struct sockaddr *address = (struct sockaddr *)&name;
    struct iovec parts[2] = { part("x"), part("y") };
    int value;
    char byte;

    (void)state;
    assert_int_equal(table()->socket(table(), -1, SOCK_STREAM, 0), -EAFNOSUPPORT);
    assert_int_equal(table()->bind(table(), -1, address, size), -EBADF);
    assert_int_equal(table()->listen(table(), -1, 1), -EBADF);
    assert_int_equal(table()->accept(table(), -1, NULL, NULL), -EBADF);
    assert_int_equal(table()->connect(table(), -1, address, size), -EBADF);
    assert_int_equal(table()->receive(table(), -1, &byte, 1, 0), -EBADF);
    assert_int_equal(table()->send(table(), -1, parts, 1, 0), -EBADF);
    assert_int_equal(table()->send(table(), -1, parts, 2, 0), -EBADF);
    assert_int_equal(table()->shutdown(table(), -1, SHUT_RDWR), -EBADF);
    assert_int_equal(table()->close(table(), -1), -EBADF);
    size = sizeof(value);
    assert_int_equal(table()->set_option(table(), -1, SOL_SOCKET, SO_KEEPALIVE, &size, size),
                     -EBADF);
    assert_int_equal(table()->get_option(table(), -1, SOL_SOCKET, SO_TYPE, &value, &size), -EBADF);
    size = sizeof(name);
    assert_int_equal(table()->local_name(table(), -1, address, &size), -EBADF);
    assert_int_equal(table()->remote_name(table(), -1, address, &size), -EBADF);
}

static void names_of_both_ends_agree(void **state)
{
    struct sockaddr_in listening, accepted, local, remote;
    socklen_t size = sizeof(listening);
    int all[3];

    (void)state;
    all[0] = make_bound(SOCK_STREAM, &listening);
    assert_int_equal(table()->listen(table(), all[0], SOMAXCONN), 0);
    assert_int_equal(table()->accept(table(), all[0], NULL, NULL), -EAGAIN);
    all[1] = make_socket(SOCK_STREAM);
    assert_int_equal(table()->remote_name(table(), all[1], (struct sockaddr *)&remote, &size),
                     -ENOTCONN);
    size = sizeof(listening);
    assert_int_equal(table()->connect(table(), all[1], (struct sockaddr *)&listening, size),
                     -EINPROGRESS);
    await(all[0], POLLIN);
    all[2] = table()->accept(table(), all[0], (struct sockaddr *)&accepted, &size);
    assert_made_well(all[2]);
    assert_int_equal(size, sizeof(accepted));
    assert_int_equal(table()->local_name(table(), all[1], (struct sockaddr *)&local, &size), 0);
    assert_int_equal(table()->remote_name(table(), all[1], (struct sockaddr *)&remote, &size), 0);
    assert_int_equal(local.sin_port, accepted.sin_port);
    assert_int_equal(remote.sin_port, listening.sin_port);
    assert_int_equal(table()->bind(table(), all[1], (struct sockaddr *)&remote, size), -EINVAL);
    close_all(all, 3);
}

static void options_are_set_and_read(void **state)
{
    int descriptor = make_socket(SOCK_STREAM);
    int value = 1;
    socklen_t size = sizeof(value);

    (void)state;
    assert_int_equal(
        table()->set_option(table(), descriptor, IPPROTO_TCP, TCP_NODELAY, &value, size), 0);
    value = 0;
    assert_int_equal(
        table()->get_option(table(), descriptor, IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
    assert_int_not_equal(value, 0);
    assert_int_equal(size, sizeof(value));
    close_all(&descriptor, 1);
}

static void bytes_arrive_from_one_part_and_several(void **state)
{
    struct iovec parts[3] = { part("one"), part(""), part("three") };
    char bytes[16];
    int ends[2];

    (void)state;
    make_connection(ends);
    assert_int_equal(table()->receive(table(), ends[1], bytes, sizeof(bytes), 0), -EAGAIN);
    assert_int_equal(table()->send(table(), ends[0], parts, 1, 0), 3);
    assert_int_equal(table()->send(table(), ends[0], parts, 3, 0), 8);
    for (int i = 0; i < 2; i++) { /* flags are passed on: the first only looks */
        size_t got = 0;

        while (got < 11) {
            ssize_t count;

            await(ends[1], POLLIN);
            count = table()->receive(table(), ends[1], bytes + (i ? got : 0), 11 - (i ? got : 0),
                                     i ? 0 : MSG_PEEK);
            assert_true(count > 0);
            got = (i ? got : 0) + (size_t)count;
        }
        assert_memory_equal(bytes, "oneonethree", 11);
    }
    assert_int_equal(table()->shutdown(table(), ends[0], SHUT_WR), 0);
    await(ends[1], POLLIN);
    assert_int_equal(table()->receive(table(), ends[1], bytes, sizeof(bytes), 0), 0);
    close_all(ends, 2);
}

/* Neither call may block, although these descriptors do. */
static void descriptors_of_others_do_not_block(void **state)
{
    static char block[65536];
    struct iovec parts[2] = { { block, sizeof(block) }, { block, sizeof(block) } };
    char byte;
    int ends[2];

    (void)state;
    for (size_t count = 1; count <= 2; count++) {
        ssize_t result;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        assert_int_equal(table()->receive(table(), ends[0], &byte, 1, 0), -EAGAIN);
        do {
            result = table()->send(table(), ends[0], parts, count, 0);
        } while (result > 0);
        assert_int_equal(result, -EAGAIN);
        close_all(ends, 2);
    }
}

/* With the signal's default, which would end this program. */
static void sending_into_nothing_raises_no_signal(void **state)
{
    struct iovec parts[2] = { part("x"), part("y") };
    struct sigaction fatal = { .sa_handler = SIG_DFL };
    int ends[2];

    (void)state;
    assert_int_equal(sigaction(SIGPIPE, &fatal, NULL), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    close_all(&ends[1], 1);
    assert_int_equal(table()->send(table(), ends[0], parts, 1, 0), -EPIPE);
    assert_int_equal(table()->send(table(), ends[0], parts, 2, 0), -EPIPE);
    close_all(ends, 1);
}

/* qemu-user drops a message without parts. */
static void datagrams_keep_their_bounds(void **state)
{
    const bool emulated = getenv("WHERRY_EMULATED") != NULL;
    struct iovec parts[2] = { part("ab"), part("cd") };
    struct sockaddr_in name;
    char bytes[16];
    int ends[2];

    (void)state;
    ends[0] = make_bound(SOCK_DGRAM, &name);
    ends[1] = make_socket(SOCK_DGRAM);
    assert_int_equal(table()->connect(table(), ends[1], (struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(table()->send(table(), ends[1], parts, 1, 0), 2);
    assert_int_equal(emulated ? 0 : table()->send(table(), ends[1], parts, 0, 0), 0);
    assert_int_equal(table()->send(table(), ends[1], parts, 2, 0), 4);
    await(ends[0], POLLIN);
    assert_int_equal(table()->receive(table(), ends[0], bytes, sizeof(bytes), 0), 2);
    if (!emulated) {
        await(ends[0], POLLIN);
        assert_int_equal(table()->receive(table(), ends[0], bytes, sizeof(bytes), 0), 0);
    }
    await(ends[0], POLLIN);
    assert_int_equal(table()->receive(table(), ends[0], bytes, sizeof(bytes), 0), 4);
    assert_memory_equal(bytes, "abcd", 4);
    close_all(ends, 2);
}

static int close_interrupted(void)
{
    CHILD_ASSERT(table()->close(table(), STDIN_FILENO) == 0);
    return 0;
}

static int close_failing(void)
{
    CHILD_ASSERT(table()->close(table(), STDIN_FILENO) == -EIO);
    return 0;
}

static void interrupted_close_has_closed(void **state)
{
    (void)state;
    refuse_and_run(SYS_close, EINTR, close_interrupted);
    refuse_and_run(SYS_close, EINPROGRESS, close_interrupted);
    refuse_and_run(SYS_close, EIO, close_failing);
}

static int64_t kernel_clock(clockid_t clock)
{
    struct timespec instant;

    assert_int_equal(clock_gettime(clock, &instant), 0);
    return WHERRY_SECONDS(instant.tv_sec) + instant.tv_nsec;
}

static void clocks_are_the_kernels(void **state)
{
    int64_t before = kernel_clock(CLOCK_MONOTONIC);
    int64_t last = table()->monotonic(table());

    (void)state;
    assert_true(last >= before);
    for (int i = 0; i < 1000; i++) {
        int64_t now = table()->monotonic(table());

        assert_true(now >= last);
        last = now;
    }
    assert_true(last <= kernel_clock(CLOCK_MONOTONIC));
    /* The wall clock may be set back while this runs, but hardly to before 2020, and not into the
     * 23rd century. */
    assert_in_range(table()->wall(table()) / WHERRY_SECONDS(1), 1577836800, 7258118400);
}

static void time_left_has_bounds(void **state)
{
    int64_t now = table()->monotonic(table());
    int64_t left = wherry__posix_left(now + WHERRY_SECONDS(3600));

    (void)state;
    assert_int_equal(wherry__posix_left(WHERRY_NEVER), -1);
    assert_int_equal(wherry__posix_left(WHERRY_NOW), 0);
    assert_int_equal(wherry__posix_left(-1), 0);
    assert_int_equal(wherry__posix_left(0), 0);
    assert_int_equal(wherry__posix_left(now), 0);
    assert_true(left > 0 && left <= WHERRY_SECONDS(3600));
    assert_int_equal(wherry__posix_left(WHERRY_NEVER - 1), WHERRY__POSIX_LONGEST);
    left = wherry__posix_left(now + WHERRY__POSIX_LONGEST);
    assert_true(left > 0 && left <= WHERRY__POSIX_LONGEST);
}

static atomic_int alarms;

static void on_alarm(int number)
{
    (void)number;
    atomic_fetch_add(&alarms, 1);
}

static void set_alarms(void (*handler)(int), suseconds_t microseconds)
{
    struct sigaction action = { .sa_handler = handler };
    struct itimerval timer = { { 0, microseconds }, { 0, microseconds } };

    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

/* Signals make the kernel answer large requests in part. That the last 64 bytes are all zero by
 * chance has a probability of 2^-512. */
static void random_fills_all(void **state)
{
    static uint8_t bytes[(1 << 20) + 2];
    static const uint8_t zeros[64];
    const size_t size = sizeof(bytes) - 2;

    (void)state;
    assert_int_equal(table()->random(table(), bytes + 1, 0), 0);
    assert_int_equal(bytes[1], 0);
    set_alarms(on_alarm, 200);
    while (atomic_load(&alarms) < 20) {
        memset(bytes, 0, sizeof(bytes));
        assert_int_equal(table()->random(table(), bytes + 1, size), 0);
        assert_int_equal(bytes[0], 0);
        assert_int_equal(bytes[size + 1], 0);
        assert_memory_not_equal(bytes + size + 1 - sizeof(zeros), zeros, sizeof(zeros));
    }
    set_alarms(SIG_IGN, 0);
}

static int random_missing(void)
{
    char byte;

    CHILD_ASSERT(table()->random(table(), &byte, 1) == -ENOSYS);
    return 0;
}

static void random_tells_when_there_is_none(void **state)
{
    (void)state;
    refuse_and_run(SYS_getrandom, ENOSYS, random_missing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_whole),
        cmocka_unit_test(socket_failures_are_errno),
        cmocka_unit_test(names_of_both_ends_agree),
        cmocka_unit_test(options_are_set_and_read),
        cmocka_unit_test(bytes_arrive_from_one_part_and_several),
        cmocka_unit_test(descriptors_of_others_do_not_block),
        cmocka_unit_test(sending_into_nothing_raises_no_signal),
        cmocka_unit_test(datagrams_keep_their_bounds),
        cmocka_unit_test(interrupted_close_has_closed),
        cmocka_unit_test(clocks_are_the_kernels),
        cmocka_unit_test(time_left_has_bounds),
        cmocka_unit_test(random_fills_all),
        cmocka_unit_test(random_tells_when_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
