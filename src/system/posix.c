/* The POSIX systems: sockets, clocks and random bytes as the kernel gives them, and the tables that
 * put them together with a way to wait. The two systems share everything but that. They are for
 * POSIX.1-2024, which has accept4, SOCK_NONBLOCK and MSG_NOSIGNAL, plus getrandom(2).
 *
 * Nothing is tried again here, neither after EINTR nor after EAGAIN: a caller that is told can do
 * something else first, and a fault wrapper around these tables then reaches each of its callers.
 */
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <wherry/time.h>

#include "system/posix.h"

static int posix_socket(wherry_system *self, int family, int type, int protocol)
{
    (void)self;
    return (int)wherry__posix_answer(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
}

static int posix_bind(wherry_system *self, int descriptor, const struct sockaddr *name,
                      socklen_t size)
{
    (void)self;
    return (int)wherry__posix_answer(bind(descriptor, name, size));
}

static int posix_listen(wherry_system *self, int descriptor, int backlog)
{
    (void)self;
    return (int)wherry__posix_answer(listen(descriptor, backlog));
}

static int posix_accept(wherry_system *self, int descriptor, struct sockaddr *name, socklen_t *size)
{
    (void)self;
    return (int)wherry__posix_answer(accept4(descriptor, name, size, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

static int posix_connect(wherry_system *self, int descriptor, const struct sockaddr *name,
                         socklen_t size)
{
    (void)self;
    return (int)wherry__posix_answer(connect(descriptor, name, size));
}

/* MSG_DONTWAIT, since the descriptor may be one that the caller brought along and that blocks. */
static ssize_t posix_receive(wherry_system *self, int descriptor, void *data, size_t size,
                             int flags)
{
    (void)self;
    return wherry__posix_answer(recv(descriptor, data, size, flags | MSG_DONTWAIT));
}

/* One part is by far the most frequent case, and send(2) costs measurably less than sendmsg(2): the
 * kernel need not fetch and check the header and the vector. */
ssize_t wherry__posix_send(wherry_system *self, int descriptor, const struct iovec *parts,
                           size_t count, int flags)
{
    const int all = flags | MSG_DONTWAIT | MSG_NOSIGNAL;
    struct msghdr message;

    (void)self;
    if (count == 1)
        return wherry__posix_answer(send(descriptor, parts->iov_base, parts->iov_len, all));
    message = (struct msghdr){ .msg_iov = (struct iovec *)parts, .msg_iovlen = count };
    return wherry__posix_answer(sendmsg(descriptor, &message, all));
}

static int posix_shutdown(wherry_system *self, int descriptor, int how)
{
    (void)self;
    return (int)wherry__posix_answer(shutdown(descriptor, how));
}

/* After EINTR and EINPROGRESS the descriptor is gone too, and its number may belong to another
 * thread's file already. */
static int posix_close(wherry_system *self, int descriptor)
{
    (void)self;
    if (close(descriptor) == 0 || errno == EINTR || errno == EINPROGRESS)
        return 0;
    return -errno;
}

static int posix_set_option(wherry_system *self, int descriptor, int level, int option,
                            const void *value, socklen_t size)
{
    (void)self;
    return (int)wherry__posix_answer(setsockopt(descriptor, level, option, value, size));
}

static int posix_get_option(wherry_system *self, int descriptor, int level, int option, void *value,
                            socklen_t *size)
{
    (void)self;
    return (int)wherry__posix_answer(getsockopt(descriptor, level, option, value, size));
}

static int posix_local_name(wherry_system *self, int descriptor, struct sockaddr *name,
                            socklen_t *size)
{
    (void)self;
    return (int)wherry__posix_answer(getsockname(descriptor, name, size));
}

static int posix_remote_name(wherry_system *self, int descriptor, struct sockaddr *name,
                             socklen_t *size)
{
    (void)self;
    return (int)wherry__posix_answer(getpeername(descriptor, name, size));
}

/* The two clocks exist everywhere, so that reading them cannot fail. */
static int64_t read_clock(clockid_t clock)
{
    struct timespec now = { 0 };

    (void)clock_gettime(clock, &now);
    return WHERRY_SECONDS(now.tv_sec) + now.tv_nsec;
}

int64_t wherry__posix_monotonic(wherry_system *self)
{
    (void)self;
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t posix_wall(wherry_system *self)
{
    (void)self;
    return read_clock(CLOCK_REALTIME);
}

/* The monotonic clock begins at zero or later: an instant before that, such as WHERRY_NOW, has
 * passed without a look at the clock, and the difference of two later ones cannot overflow. */
int64_t wherry__posix_left(int64_t until)
{
    int64_t now;

    if (until == WHERRY_NEVER)
        return -1;
    if (until <= 0)
        return 0;
    now = read_clock(CLOCK_MONOTONIC);
    if (until <= now)
        return 0;
    return until - now < WHERRY__POSIX_LONGEST ? until - now : WHERRY__POSIX_LONGEST;
}

/* Large requests come in pieces, and signals interrupt them; a caller of random bytes can do
 * nothing about either, unlike with sockets, so that they are dealt with here. */
static int posix_random(wherry_system *self, void *data, size_t size)
{
    uint8_t *place = data;

    (void)self;
    while (size > 0) {
        ssize_t count = getrandom(place, size, 0);

        if (count < 0 && errno != EINTR)
            return -errno;
        if (count > 0) {
            place += count;
            size -= (size_t)count;
        }
    }
    return 0;
}

#define SHARED_CALLS                                                                               \
    .size = sizeof(wherry_system), .socket = posix_socket, .bind = posix_bind,                     \
    .listen = posix_listen, .accept = posix_accept, .connect = posix_connect,                      \
    .receive = posix_receive, .send = wherry__posix_send,                                          \
    .receive_many = wherry__posix_receive_many, .send_many = wherry__posix_send_many,              \
    .shutdown = posix_shutdown, .close = posix_close, .set_option = posix_set_option,              \
    .get_option = posix_get_option, .local_name = posix_local_name,                                \
    .remote_name = posix_remote_name, .read = wherry__file_read, .write = wherry__file_write,      \
    .kind = wherry__file_kind, .unlink = wherry__file_unlink,                                      \
    .monotonic = wherry__posix_monotonic, .wall = posix_wall, .random = posix_random

/* Constant, so that the tables lie where a stray write faults instead of redirecting every call of
 * the library. */
#ifdef __linux__
static const wherry_system epoll_system = {
    SHARED_CALLS,
    .name = "epoll",
    .open_poller = wherry__epoll_open,
    .close_poller = wherry__epoll_close,
    .watch = wherry__epoll_watch,
    .wait = wherry__epoll_wait,
    .wake = wherry__epoll_wake,
    .poller_descriptor = wherry__epoll_descriptor,
};

wherry_system *wherry_system_epoll(void)
{
    return (wherry_system *)&epoll_system;
}
#endif

static const wherry_system poll_system = {
    SHARED_CALLS,
    .name = "poll",
    .open_poller = wherry__poll_open,
    .close_poller = wherry__poll_close,
    .watch = wherry__poll_watch,
    .wait = wherry__poll_wait,
    .wake = wherry__poll_wake,
    .poller_descriptor = wherry__poll_descriptor,
};

wherry_system *wherry_system_poll(void)
{
    return (wherry_system *)&poll_system;
}
