/* Descriptors that are not sockets: pipes, terminals and files. Two things make them harder than
 * sockets.
 *
 * They may block. O_NONBLOCK belongs to the open file, which an inherited standard output shares
 * with the shell and others, so that it is not ours to set; and there is no MSG_DONTWAIT for them.
 * Hence WHERRY_SYSTEM_ASK_FIRST: poll(2), then no more than what cannot block. (A second process
 * that uses the same pipe can still take the room or the bytes between the two calls. Nothing but
 * O_NONBLOCK helps there.)
 *
 * And writing to a pipe that nobody reads raises SIGPIPE, which by default ends the program.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/size.h"
#include "system/posix.h"

/* pwritev2(2) came to the C libraries together with RWF_NOWAIT; the flag is of Linux 6.18. */
#if defined(RWF_NOWAIT) && !defined(RWF_NOSIGNAL)
#define RWF_NOSIGNAL 0x00000100
#endif

/* The most bytes written to a character device at once. */
#define SEGMENT_SIZE 256

/* The most parts that are looked at for a write to a pipe that may block. */
#define PIPE_PARTS 16

/* Writes with SIGPIPE blocked on this thread, and takes the signal back that the write may have
 * raised. One that was pending already is somebody else's and stays; it can be pending only where
 * it was blocked before. A blocked signal becomes pending even when it is ignored, so that no
 * disposition makes a difference. */
static ssize_t write_masked(int descriptor, const struct iovec *parts, int count)
{
    const struct timespec at_once = { 0 };
    sigset_t pipe_signal, before, pending;
    ssize_t result;

    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigemptyset(&pending);
    if (pthread_sigmask(SIG_BLOCK, &pipe_signal, &before) != 0)
        return -EINVAL;
    if (sigismember(&before, SIGPIPE) == 1)
        sigpending(&pending);
    result = wherry__posix_answer(writev(descriptor, parts, count));
    if (result == -EPIPE && sigismember(&pending, SIGPIPE) == 0) {
        while (sigtimedwait(&pipe_signal, NULL, &at_once) < 0 && errno == EINTR)
            continue;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

/* writev(2) without SIGPIPE: by the flag for it where the kernel has it, which costs nothing.
 * Looking for POLLERR beforehand would not do, since the last reader can go at any moment after
 * that. */
static ssize_t write_quietly(int descriptor, const struct iovec *parts, size_t count)
{
    int bounded = (int)wherry__size_min(count, IOV_MAX);
#ifdef RWF_NOWAIT
    static atomic_bool unknown;

    if (!atomic_load_explicit(&unknown, memory_order_relaxed)) {
        ssize_t result = wherry__posix_answer(
            pwritev2(descriptor, parts, bounded, -1, RWF_NOSIGNAL));

        /* ENOSYS and EPERM are the answers of sandboxes. Where the file itself gave one of these,
         * the other way gives it again. */
        if (result != -EOPNOTSUPP && result != -ENOSYS && result != -EPERM)
            return result;
        atomic_store_explicit(&unknown, true, memory_order_relaxed);
    }
#endif
    return write_masked(descriptor, parts, bounded);
}

/* Zero when descriptor is ready for events, or so broken that the call itself tells why. */
static int ask(int descriptor, short events)
{
    struct pollfd slot = { .fd = descriptor, .events = events };
    int count = poll(&slot, 1, 0);

    if (count < 0)
        return -errno;
    if (count == 0)
        return -EAGAIN;
    return slot.revents & POLLNVAL ? -EBADF : 0;
}

/* A pipe is ready for writing when it has room for PIPE_BUF bytes, and up to that many it takes
 * whole: so the size decides, and not how full the pipe is. */
static ssize_t write_to_pipe(int descriptor, const struct iovec *parts, size_t count)
{
    struct iovec clipped[PIPE_PARTS];
    size_t room = PIPE_BUF;
    size_t used = 0;

    for (; used < count && used < PIPE_PARTS && room > 0; used++) {
        clipped[used].iov_base = parts[used].iov_base;
        clipped[used].iov_len = wherry__size_min(parts[used].iov_len, room);
        room -= clipped[used].iov_len;
    }
    return write_quietly(descriptor, clipped, used);
}

/* Copies the first bytes of the parts, at most size. Returns how many. */
static size_t gather(char *place, size_t size, const struct iovec *parts, size_t count)
{
    size_t used = 0;

    for (size_t i = 0; i < count && used < size; i++) {
        size_t length = wherry__size_min(parts[i].iov_len, size - used);

        if (length > 0)
            memcpy(place + used, parts[i].iov_base, length);
        used += length;
    }
    return used;
}

/* A terminal is ready for writing when it has any room at all, and a write that finds less than it
 * needs waits, half done. Serial lines call themselves ready only with fewer than 256 bytes waiting
 * in a buffer of some thousand. Pseudo-terminals take room in steps of 256 bytes; being ready, they
 * have one step. That holds 256 bytes of plain text, which the line discipline hands over in one
 * go, or else a single byte that it expands ("\n" to "\r\n", tabs to spaces). What comes after
 * either may need a step that is not there, so that text is written up to such a byte, and such a
 * byte alone. */
static ssize_t write_to_device(int descriptor, const struct iovec *parts, size_t count)
{
    char segment[SEGMENT_SIZE];
    size_t size = gather(segment, sizeof(segment), parts, count);
    size_t plain = 0;
    struct iovec whole;

    while (plain < size && memchr("\n\r\t\b", segment[plain], 4) == NULL)
        plain++;
    whole.iov_base = segment;
    whole.iov_len = plain > 0 ? plain : wherry__size_min(size, 1);
    return write_quietly(descriptor, &whole, 1);
}

ssize_t wherry__file_read(wherry_system *self, int descriptor, void *data, size_t size,
                          unsigned flags)
{
    int result = flags & WHERRY_SYSTEM_ASK_FIRST ? ask(descriptor, POLLIN) : 0;

    (void)self;
    return result < 0 ? result : wherry__posix_answer(read(descriptor, data, size));
}

ssize_t wherry__file_write(wherry_system *self, int descriptor, const struct iovec *parts,
                           size_t count, unsigned flags)
{
    struct stat status;
    int result;

    if ((flags & WHERRY_SYSTEM_ASK_FIRST) == 0)
        return write_quietly(descriptor, parts, count);
    if (fstat(descriptor, &status) < 0)
        return -errno;
    if (S_ISSOCK(status.st_mode)) /* it can say that it must not wait, without being asked */
        return wherry__posix_send(self, descriptor, parts, count, 0);
    result = ask(descriptor, POLLOUT);
    if (result < 0)
        return result;
    if (S_ISFIFO(status.st_mode))
        return write_to_pipe(descriptor, parts, count);
    if (S_ISCHR(status.st_mode))
        return write_to_device(descriptor, parts, count);
    return write_quietly(descriptor, parts, count);
}

static int socket_kind(int descriptor)
{
    int type;
    socklen_t size = sizeof(type);

    if (getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
        return -errno;
    if (type == SOCK_STREAM)
        return WHERRY_DESCRIPTOR_STREAM;
    if (type == SOCK_DGRAM || type == SOCK_SEQPACKET)
        return WHERRY_DESCRIPTOR_DATAGRAM;
    return WHERRY_DESCRIPTOR_OTHER;
}

int wherry__file_kind(wherry_system *self, int descriptor, int *may_block)
{
    struct stat status;
    int flags = fcntl(descriptor, F_GETFL);

    (void)self;
    if (flags < 0 || fstat(descriptor, &status) < 0)
        return -errno;
    if (may_block != NULL)
        *may_block = (flags & O_NONBLOCK) == 0;
    if (S_ISSOCK(status.st_mode))
        return socket_kind(descriptor);
    if (S_ISFIFO(status.st_mode))
        return WHERRY_DESCRIPTOR_PIPE;
    if (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode))
        return WHERRY_DESCRIPTOR_FILE;
    if (S_ISCHR(status.st_mode) && isatty(descriptor))
        return WHERRY_DESCRIPTOR_TERMINAL;
    return WHERRY_DESCRIPTOR_OTHER;
}

/* Connecting to a path is refused in the same way whether nobody listens on a socket there or no
 * socket lies there at all; nobody must lose a file by that. */
int wherry__file_unlink(wherry_system *self, const char *path)
{
    struct stat status;

    (void)self;
    if (lstat(path, &status) == 0 && !S_ISSOCK(status.st_mode))
        return -ENOTSOCK;
    return (int)wherry__posix_answer(unlink(path));
}
