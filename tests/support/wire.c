/* Raw ends of connections, and stepping a loop beside them. */
#include "support/wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "loop/loop.h"

/* --- the loop */

/* Sleeps until the loop has something to do, or descriptor (unless -1) is readable. On the real
 * clock deadlines count, on others time stands still. */
static void sleep_beside(wherry_loop *loop, int descriptor)
{
    struct pollfd polled[2] = { { .fd = wherry_loop_fd(loop), .events = POLLIN },
                                { .fd = descriptor, .events = POLLIN } };
    int64_t deadline = wherry_loop_deadline(loop);
    int64_t left = deadline == WHERRY_NOW ? 0 : deadline - wherry_in(0);
    int timeout = -1;

    if (deadline == WHERRY_NOW || (loop->clock == WHERRY_CLOCK_REAL && deadline != WHERRY_NEVER))
        timeout = left <= 0 ? 0 : (int)(left / 1000000) + 1;
    assert_true(poll(polled, 2, timeout) >= 0 || errno == EINTR);
}

void wire_step(wherry_loop *loop, int may_wait)
{
    ssize_t done = wherry_loop_step(loop);

    assert_true(done >= 0);
    if (done == 0 && may_wait)
        sleep_beside(loop, -1);
}

void wire_settle(wherry_loop *loop)
{
    while (wherry_loop_step(loop) > 0)
        continue;
}

void wire_advance(wherry_loop *loop, int64_t duration)
{
    int64_t until = wherry_loop_now(loop) + duration;

    wire_settle(loop);
    while (wherry_loop_now(loop) < until)
        assert_true(wherry__loop_pass(loop, until) >= 0);
    wire_settle(loop);
}

/* --- raw sockets */

static int unblocked(int descriptor)
{
    int one = 1;

    assert_int_equal(fcntl(descriptor, F_SETFL, O_NONBLOCK), 0);
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return descriptor;
}

int wire_connect(const wherry_address *address)
{
    struct sockaddr_storage name;
    socklen_t size = wherry_address_to_system(address, &name);
    int descriptor = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(descriptor >= 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&name, size), 0);
    return unblocked(descriptor);
}

int wire_listen(wherry_address *address, int ipv6)
{
    struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr *name = ipv6 ? (struct sockaddr *)&six : (struct sockaddr *)&four;
    socklen_t size = ipv6 ? sizeof(six) : sizeof(four);
    int descriptor = socket(name->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(descriptor >= 0);
    assert_int_equal(bind(descriptor, name, size), 0);
    assert_int_equal(listen(descriptor, 8), 0);
    assert_int_equal(getsockname(descriptor, name, &size), 0);
    assert_int_equal(wherry_address_from_system(address, name, size), 0);
    return descriptor;
}

wherry_stream *wire_stream(wherry_loop *loop, int *descriptor, const wherry_stream_options *limits)
{
    wherry_stream_options options = { .size = sizeof(options) };
    wherry_stream *stream;
    int ends[2];

    if (limits != NULL)
        options = *limits;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    options.loop = loop;
    options.result = &stream;
    options.descriptor = ends[0];
    assert_int_equal(wherry_stream_new_with(&options), WHERRY_OK);
    *descriptor = unblocked(ends[1]);
    return stream;
}

void wire_write(wherry_loop *loop, int descriptor, wherry_bytes bytes)
{
    while (bytes.length > 0) {
        ssize_t sent = send(descriptor, bytes.data, bytes.length, MSG_NOSIGNAL);

        if (sent < 0) {
            assert_int_equal(errno, EAGAIN);
            assert_non_null(loop);
            assert_true(wherry_loop_step(loop) >= 0);
            continue;
        }
        bytes = wherry_bytes_at(bytes.data + sent, bytes.length - (size_t)sent);
    }
}

void wire_say(int descriptor, const char *text)
{
    wire_write(NULL, descriptor, wherry_text(text));
}

void wire_push(wherry_loop *loop, int descriptor, wherry_bytes bytes)
{
    uint64_t ready = loop->statistics.ready;

    wire_write(NULL, descriptor, bytes);
    WIRE_UNTIL(loop, loop->statistics.ready > ready);
    wire_settle(loop);
}

/* Receives at least one byte, or answers as recv(2). */
static ssize_t receive_some(wherry_loop *loop, int descriptor, void *data, size_t size)
{
    ssize_t result;

    while ((result = recv(descriptor, data, size, 0)) < 0 && errno == EAGAIN)
        if (wherry_loop_step(loop) == 0)
            sleep_beside(loop, descriptor);
    return result;
}

void wire_expect(wherry_loop *loop, int descriptor, const char *text)
{
    char got[1024] = { 0 };
    size_t length = strlen(text);
    size_t filled = 0;

    assert_true(length < sizeof(got));
    while (filled < length) {
        ssize_t result = receive_some(loop, descriptor, got + filled, length - filled);

        if (result <= 0)
            fail_msg("\"%s\" and an end instead of \"%s\"", got, text);
        filled += (size_t)result;
    }
    assert_string_equal(got, text);
}

size_t wire_read(wherry_loop *loop, int descriptor, size_t length, int byte)
{
    char got[65536];
    size_t wrong = 0;

    while (length > 0) {
        ssize_t result = receive_some(loop, descriptor, got,
                                      length < sizeof(got) ? length : sizeof(got));

        assert_true(result > 0);
        for (ssize_t i = 0; i < result; i++)
            wrong += got[i] != (char)byte;
        length -= (size_t)result;
    }
    return wrong;
}

void wire_expect_end(wherry_loop *loop, int descriptor, int number)
{
    char got[64] = { 0 };
    ssize_t result = receive_some(loop, descriptor, got, sizeof(got) - 1);

    if (result > 0)
        fail_msg("\"%s\" instead of the end", got);
    assert_int_equal(result < 0 ? errno : 0, number);
    assert_int_equal(close(descriptor), 0);
}

void wire_reset(int descriptor)
{
    struct linger linger = { .l_onoff = 1 };

    assert_int_equal(setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    assert_int_equal(close(descriptor), 0);
}

int wire_has_ipv6(void)
{
    struct sockaddr_in6 name = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    int descriptor = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = descriptor < 0 ? -1 : bind(descriptor, (struct sockaddr *)&name, sizeof(name));

    if (descriptor >= 0)
        assert_int_equal(close(descriptor), 0);
    return result == 0;
}

size_t wire_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    assert_int_equal(closedir(folder), 0);
    return count;
}
