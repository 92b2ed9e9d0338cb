/*
 * The limit: the plainest fast echo server for Linux, level-triggered epoll written by hand. What
 * it costs is what the kernel costs; every other server is measured against it.
 *
 * One receive a ready event unless it fills the buffer, one send a batch, no epoll_ctl in the
 * steady state: the kernel is asked about room to write only while a send is blocked.
 */
#define _GNU_SOURCE
#include "../echo.h"

#include <stdlib.h>
#include <sys/epoll.h>

enum { EVENTS = 256 };

struct connection {
    struct echo echo;
    enum echo_next waits_for;
};

static void control(int epoll, int operation, int fd, void *context, enum echo_next next)
{
    struct epoll_event event = { .events = next == ECHO_WRITE ? EPOLLOUT : EPOLLIN,
                                 .data.ptr = context };

    if (epoll_ctl(epoll, operation, fd, &event) < 0)
        bench_fail("epoll_ctl");
}

static void accept_all(int epoll, int listener)
{
    int fd;

    while ((fd = bench_accept(listener)) >= 0) {
        struct connection *connection = calloc(1, sizeof *connection);

        if (connection == NULL)
            bench_fail("calloc");
        connection->echo.fd = fd;
        control(epoll, EPOLL_CTL_ADD, fd, connection, ECHO_READ);
    }
}

/* Closing takes the descriptor out of epoll, and a descriptor has one event a wait: the storage
 * can go at once. */
static void serve(int epoll, struct connection *connection, const struct bench_options *options)
{
    enum echo_next next = echo_ready(&connection->echo, options);

    if (next == ECHO_END) {
        echo_close(&connection->echo);
        free(connection);
    } else if (next != connection->waits_for) {
        connection->waits_for = next;
        control(epoll, EPOLL_CTL_MOD, connection->echo.fd, connection, next);
    }
}

int main(int argc, char **argv)
{
    struct bench_options options = bench_options(argc, argv, "epoll, written by hand");
    struct epoll_event events[EVENTS];
    int listener = bench_listen();
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    if (epoll < 0)
        bench_fail("epoll_create1");
    control(epoll, EPOLL_CTL_ADD, listener, NULL, ECHO_READ);
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);

        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                accept_all(epoll, listener);
            else
                serve(epoll, events[i].data.ptr, &options);
        }
    }
}
