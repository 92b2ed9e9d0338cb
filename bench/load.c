/*
 * The load: one thread, many connections, a fixed number of messages in flight on each.
 *
 * What is sent is a ring of random bytes, cut into messages; a connection's place in its stream is
 * its place in the ring. So nothing is copied to send, one memcmp checks what comes back, and a
 * byte that is lost, doubled, moved or another connection's does not match. The ring and the
 * receive buffer are small enough to stay in the cache: the load must not push the server's
 * memory out of what the two CPUs share.
 *
 * After the connections stand it prints `ready`. With --control it then takes commands from
 * standard input, so that the runner can read the server's clock around the part that counts:
 *
 *     count N     send N messages, wait for all of them      ->  done MESSAGES NANOSECONDS
 *     for MS      send for that long, wait for what is out   ->  done MESSAGES NANOSECONDS
 *
 * The end of standard input ends it. Without --control it runs once, by --messages or --seconds.
 */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, RECEIVE = 64 * 1024, RING = 64 * 1024, PIECES = 64, STALL_MS = 10 * 1000 };

/* Positions count bytes since the connection's first. */
struct connection {
    uint64_t granted, sent, received;
    size_t start; /* its first byte's place in the ring */
    int fd;
    bool blocked;
};

static struct load_settings settings;
static struct connection *connections;
static int epoll;

static unsigned char *ring;
static size_t message_size, ring_size, ring_messages;

/* What is left to do in the current run. */
static int64_t to_start, deadline;
static uint64_t in_flight, done;

static void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void put_prefix(unsigned char *at, size_t length)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(length >> (24 - 8 * i));
}

/* Five messages or more, so that neighbours in a stream, and neighbouring connections, differ. */
static void make_ring(void)
{
    size_t prefix = settings.framed ? 4 : 0;
    uint64_t random = 0x9e3779b97f4a7c15;

    message_size = prefix + settings.size;
    ring_messages = RING / message_size + 5;
    ring_size = ring_messages * message_size;
    ring = malloc(ring_size);
    if (ring == NULL)
        fail("malloc");
    for (size_t i = 0; i < ring_size; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        ring[i] = (unsigned char)(random >> 32);
    }
    for (size_t i = 0; settings.framed && i < ring_messages; i++)
        put_prefix(ring + i * message_size, settings.size);
}

static void watch(struct connection *connection, int operation)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };

    if (connection->blocked)
        event.events |= EPOLLOUT;
    if (epoll_ctl(epoll, operation, connection->fd, &event) < 0)
        fail("epoll_ctl");
}

/* Connections end with a reset, which leaves no port in TIME_WAIT: a long benchmark would run out
 * of them. Nothing is in flight at that moment. */
static void open_connection(struct connection *connection, size_t index)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(settings.port) };
    struct linger reset = { .l_onoff = 1 };
    int on = 1;

    address.sin_addr = settings.host;
    connection->start = index % ring_messages * message_size;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0)
        fail("socket");
    if (connect(connection->fd, (struct sockaddr *)&address, sizeof address) < 0)
        fail("connect");
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    watch(connection, EPOLL_CTL_ADD);
}

static void open_connections(void)
{
    connections = calloc(settings.connections, sizeof *connections);
    if (connections == NULL)
        fail("calloc");
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        fail("epoll_create1");
    for (size_t i = 0; i < settings.connections; i++)
        open_connection(&connections[i], i);
}

/* The piece of the ring that a part of the stream begins with, as far as it goes in one piece. */
static struct iovec in_ring(const struct connection *connection, uint64_t position, uint64_t length)
{
    size_t place = (connection->start + position) % ring_size;
    size_t piece = ring_size - place;

    return (struct iovec){ .iov_base = ring + place, .iov_len = length < piece ? length : piece };
}

static ssize_t send_from_ring(const struct connection *connection)
{
    struct iovec pieces[PIECES];
    struct msghdr message = { .msg_iov = pieces };

    for (uint64_t at = connection->sent; at < connection->granted && message.msg_iovlen < PIECES;) {
        struct iovec piece = in_ring(connection, at, connection->granted - at);

        pieces[message.msg_iovlen++] = piece;
        at += piece.iov_len;
    }
    return sendmsg(connection->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Sends everything that is granted, in one call; asks for room to write only while blocked. */
static void send_granted(struct connection *connection)
{
    bool blocked;

    if (connection->sent < connection->granted) {
        ssize_t sent = send_from_ring(connection);

        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            fail("send");
        connection->sent += sent > 0 ? (uint64_t)sent : 0;
    }
    blocked = connection->sent < connection->granted;
    if (blocked != connection->blocked) {
        connection->blocked = blocked;
        watch(connection, EPOLL_CTL_MOD);
    }
}

static void grant(struct connection *connection, uint64_t messages)
{
    if (to_start < (int64_t)messages)
        messages = (uint64_t)to_start;
    if (messages == 0)
        return;
    to_start -= (int64_t)messages;
    in_flight += messages;
    connection->granted += messages * message_size;
    send_granted(connection);
}

static void check_bytes(const struct connection *connection, const unsigned char *bytes,
                        size_t length)
{
    size_t at = 0;

    if (connection->received + length > connection->sent) {
        fprintf(stderr, "load: more came back than was sent\n");
        exit(1);
    }
    while (at < length) {
        struct iovec expected = in_ring(connection, connection->received + at, length - at);

        if (memcmp(bytes + at, expected.iov_base, expected.iov_len) != 0) {
            fprintf(stderr, "load: wrong bytes near byte %llu of connection %td\n",
                    (unsigned long long)(connection->received + at), connection - connections);
            exit(1);
        }
        at += expected.iov_len;
    }
}

/* Whole messages that came back make room for as many new ones. */
static void receive(struct connection *connection)
{
    static unsigned char buffer[RECEIVE];
    uint64_t before = connection->received / message_size, messages;
    ssize_t length = recv(connection->fd, buffer, sizeof buffer, MSG_DONTWAIT);

    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length == 0)
        errno = ECONNRESET;
    if (length <= 0)
        fail("receive");
    check_bytes(connection, buffer, (size_t)length);
    connection->received += (uint64_t)length;
    messages = connection->received / message_size - before;
    in_flight -= messages;
    done += messages;
    grant(connection, messages);
}

/* A server that is silent for STALL_MS has lost something. */
static void run_pass(void)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(epoll, events, EVENTS, STALL_MS);

    if (count == 0) {
        fprintf(stderr, "load: nothing for %d ms, %llu messages missing\n", STALL_MS,
                (unsigned long long)in_flight);
        exit(1);
    }
    for (int i = 0; i < count; i++) {
        if (events[i].events & EPOLLOUT)
            send_granted(events[i].data.ptr);
        if (events[i].events & ~(uint32_t)EPOLLOUT)
            receive(events[i].data.ptr);
    }
    if (to_start > 0 && now() >= deadline)
        to_start = 0;
}

/* Runs until the messages or the time are used up and nothing is in flight. */
static void run(int64_t messages, int64_t nanoseconds)
{
    int64_t begin = now();

    to_start = messages;
    deadline = begin + nanoseconds;
    done = 0;
    for (size_t i = 0; i < settings.connections && to_start > 0; i++)
        grant(&connections[i], settings.depth);
    while (in_flight > 0)
        run_pass();
    printf("done %llu %lld\n", (unsigned long long)done, (long long)(now() - begin));
    fflush(stdout);
}

static void obey(void)
{
    char line[64];
    long long number;

    while (fgets(line, sizeof line, stdin) != NULL) {
        if (sscanf(line, "count %lld", &number) == 1 && number > 0)
            run(number, LOAD_LONGEST_NS);
        else if (sscanf(line, "for %lld", &number) == 1 && number > 0)
            run(INT64_MAX, number < LOAD_LONGEST_NS / 1000000 ? number * 1000000 : LOAD_LONGEST_NS);
        else
            fprintf(stderr, "load: unknown command %s", line);
    }
}

int main(int argc, char **argv)
{
    settings = load_settings(argc, argv);
    make_ring();
    open_connections();
    puts("ready");
    fflush(stdout);
    if (settings.control)
        obey();
    else
        run(settings.messages, settings.nanoseconds);
    return 0;
}
