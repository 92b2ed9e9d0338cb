/*
 * libev: an ev_io a connection, recv and send by the program. libev offers readiness and nothing
 * above it, so this is the limit program with libev in the place of epoll.
 */
#include "../echo.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>

static struct bench_options options;

/* The watcher comes first: libev hands it back, and it is the connection. */
struct connection {
    ev_io watcher;
    struct echo echo;
};

static void watch(struct ev_loop *loop, struct connection *connection, int events)
{
    if (connection->watcher.events == events)
        return;
    ev_io_stop(loop, &connection->watcher);
    ev_io_set(&connection->watcher, connection->echo.fd, events);
    ev_io_start(loop, &connection->watcher);
}

static void on_ready(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct connection *connection = (struct connection *)watcher;
    enum echo_next next = echo_ready(&connection->echo, &options);

    (void)events;
    if (next == ECHO_END) {
        ev_io_stop(loop, watcher);
        echo_close(&connection->echo);
        free(connection);
    } else {
        watch(loop, connection, next == ECHO_WRITE ? EV_WRITE : EV_READ);
    }
}

static void on_accept(struct ev_loop *loop, ev_io *watcher, int events)
{
    int fd;

    (void)events;
    while ((fd = bench_accept(watcher->fd)) >= 0) {
        struct connection *connection = calloc(1, sizeof *connection);

        if (connection == NULL)
            bench_fail("calloc");
        connection->echo.fd = fd;
        ev_io_init(&connection->watcher, on_ready, fd, EV_READ);
        ev_io_start(loop, &connection->watcher);
    }
}

int main(int argc, char **argv)
{
    struct ev_loop *loop = ev_default_loop(EVBACKEND_EPOLL);
    ev_io accepting;
    char version[32];

    snprintf(version, sizeof version, "libev %d.%d", ev_version_major(), ev_version_minor());
    options = bench_options(argc, argv, version);
    ev_io_init(&accepting, on_accept, bench_listen(), EV_READ);
    ev_io_start(loop, &accepting);
    return ev_run(loop, 0);
}
