/*
 * The limit of connections: the plainest connect loop for Linux, level-triggered epoll written by
 * hand, with the system calls that there must be and no other.
 *
 *     client:  socket  TCP_NODELAY  connect  add | SO_ERROR  send  modify | recv  close
 *     server:                             accept  TCP_NODELAY  add | recv  send | recv  close
 */
#define _GNU_SOURCE
#include "../common.h"
#include "run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256 };

enum kind { SERVER, CONNECTING, CONNECTED };

struct end {
    int fd;
    enum kind kind;
};

static struct run run;
static int epoll, listener;
static bool over;

static void control(int operation, int fd, void *context, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = context };

    if (epoll_ctl(epoll, operation, fd, &event) < 0)
        bench_fail("epoll_ctl");
}

static struct end *make(int fd, enum kind kind)
{
    struct end *end = calloc(1, sizeof *end);

    if (end == NULL)
        bench_fail("calloc");
    *end = (struct end){ .fd = fd, .kind = kind };
    control(EPOLL_CTL_ADD, fd, end, kind == SERVER ? EPOLLIN : EPOLLOUT);
    return end;
}

static void finish(struct end *end)
{
    close(end->fd);
    free(end);
}

static void start(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(run.port) };
    uint8_t x;
    int fd, on = 1;

    if (!run_next(&run, &x))
        return;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + ((uint32_t)x << 8));
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        bench_fail("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)
        bench_fail("connect");
    make(fd, CONNECTING);
}

static void on_connected(struct end *end)
{
    socklen_t size = sizeof errno;
    int error = 0;

    if (getsockopt(end->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error != 0) {
        errno = error;
        bench_fail("connecting");
    }
    if (send(end->fd, "x", 1, MSG_NOSIGNAL) != 1)
        bench_fail("send");
    end->kind = CONNECTED;
    control(EPOLL_CTL_MOD, end->fd, end, EPOLLIN);
}

static void on_answered(struct end *end)
{
    unsigned char byte;

    if (recv(end->fd, &byte, 1, 0) != 1)
        bench_fail("no answer");
    finish(end);
    over = run_done(&run);
    start();
}

static void on_asked(struct end *end)
{
    unsigned char bytes[16];
    ssize_t length = recv(end->fd, bytes, sizeof bytes, 0);

    if (length > 0 && send(end->fd, bytes, (size_t)length, MSG_NOSIGNAL) != length)
        bench_fail("answer");
    if (length <= 0)
        finish(end);
}

static void accept_all(void)
{
    int fd;

    while ((fd = bench_accept(listener)) >= 0)
        make(fd, SERVER);
}

static void ready(struct end *end)
{
    if (end == NULL)
        accept_all();
    else if (end->kind == SERVER)
        on_asked(end);
    else if (end->kind == CONNECTING)
        on_connected(end);
    else
        on_answered(end);
}

static void go(void *context)
{
    struct epoll_event events[EVENTS];

    (void)context;
    over = false;
    for (size_t i = 0; i < run.at_a_time; i++)
        start();
    while (!over) {
        int count = epoll_wait(epoll, events, EVENTS, -1);

        for (int i = 0; i < count; i++)
            ready(events[i].data.ptr);
    }
}

int main(int argc, char **argv)
{
    run = run_new(argc, argv, "epoll, written by hand");
    listener = bench_listen_on(INADDR_ANY, &run.port);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        bench_fail("epoll_create1");
    control(EPOLL_CTL_ADD, listener, NULL, EPOLLIN);
    bench_announce(run.port);
    run_obey(&run, go, NULL);
    return 0;
}
