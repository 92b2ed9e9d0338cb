/*
 * One receive into a buffer that all connections share, one send out of the same buffer: the
 * bytes are copied only when a frame is not whole or the kernel is full. While it is full the
 * connection is not read, so that a client which does not read bounds its own memory.
 *
 * A receive that fills the buffer is followed by another, up to TURNS: there is more where it came
 * from, and one connection's bytes in a row stay in the cache, where those of many take turns in
 * pushing each other out. Large messages in batches gain by it; small ones never fill the buffer.
 */
#include "echo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TURNS = 16 };

static unsigned char buffer[BENCH_BUFFER];

static bool try_again(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static enum echo_next flush(struct echo *echo)
{
    struct bench_held *unsent = echo->unsent;
    ssize_t sent = send(echo->fd, unsent->bytes + unsent->sent, unsent->length - unsent->sent,
                        MSG_NOSIGNAL);

    if (sent < 0)
        return try_again() ? ECHO_WRITE : ECHO_END;
    unsent->sent += (size_t)sent;
    if (unsent->sent < unsent->length)
        return ECHO_WRITE;
    free(unsent);
    echo->unsent = NULL;
    return ECHO_READ;
}

static ssize_t send_some(int fd, const unsigned char *bytes, size_t length)
{
    ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

    return sent < 0 && try_again() ? 0 : sent;
}

/* One send a message, to show what a batch is worth. The whole frames were checked before. */
static ssize_t send_each(int fd, const unsigned char *bytes, size_t length)
{
    size_t done = 0;

    while (done < length) {
        size_t frame = BENCH_PREFIX + ((size_t)bytes[done + 1] << 16 |
                                       (size_t)bytes[done + 2] << 8 | bytes[done + 3]);
        ssize_t sent = send_some(fd, bytes + done, frame);

        if (sent < 0)
            return sent;
        done += (size_t)sent;
        if ((size_t)sent < frame)
            break;
    }
    return (ssize_t)done;
}

static enum echo_next answer(struct echo *echo, const struct bench_options *options, size_t length)
{
    ssize_t sent = options->framed && options->send_each ? send_each(echo->fd, buffer, length)
                                                         : send_some(echo->fd, buffer, length);

    if (sent < 0)
        return ECHO_END;
    echo->unsent = bench_hold(buffer + sent, length - (size_t)sent);
    return echo->unsent != NULL ? ECHO_WRITE : ECHO_READ;
}

/* Puts the head of a frame back in front of what is received next. It stays held until then. */
static size_t recall(const struct echo *echo)
{
    if (echo->rest == NULL)
        return 0;
    memcpy(buffer, echo->rest->bytes, echo->rest->length);
    return echo->rest->length;
}

/* One batch. There may be more if it filled the buffer. */
static enum echo_next receive(struct echo *echo, const struct bench_options *options, bool *more)
{
    size_t length = recall(echo);
    ssize_t received = recv(echo->fd, buffer + length, sizeof buffer - length, 0);
    ssize_t whole;

    if (received <= 0)
        return received < 0 && try_again() ? ECHO_READ : ECHO_END;
    length += (size_t)received;
    *more = length == sizeof buffer;
    whole = bench_whole(options, buffer, length);
    if (whole < 0)
        return ECHO_END;
    free(echo->rest);
    echo->rest = bench_hold(buffer + whole, length - (size_t)whole);
    return whole > 0 ? answer(echo, options, (size_t)whole) : ECHO_READ;
}

enum echo_next echo_ready(struct echo *echo, const struct bench_options *options)
{
    enum echo_next next = echo->unsent != NULL ? flush(echo) : ECHO_READ;
    bool more = true;

    for (int turn = 0; next == ECHO_READ && more && turn < TURNS; turn++) {
        more = false;
        next = receive(echo, options, &more);
    }
    return next;
}

void echo_close(struct echo *echo)
{
    close(echo->fd);
    free(echo->rest);
    free(echo->unsent);
}
