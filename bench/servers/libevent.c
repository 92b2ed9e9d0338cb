/*
 * libevent in its own idiom: bufferevents, whose buffers hand their chains from input to output
 * without a copy. The base collects changes for epoll and takes no locks; reads and writes may be
 * as large as the library lets them be (it reads 4 KiB at a time whatever is asked).
 *
 * While more than a buffer waits to be written the connection is not read.
 */
#include "../common.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static struct bench_options options;

static void on_input(struct bufferevent *connection, void *context);

static void on_event(struct bufferevent *connection, short events, void *context)
{
    (void)context;
    if (events & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        bufferevent_free(connection);
}

static void on_drained(struct bufferevent *connection, void *context)
{
    bufferevent_setcb(connection, on_input, NULL, on_event, context);
    bufferevent_enable(connection, EV_READ);
    on_input(connection, context);
}

static void pause_reading(struct bufferevent *connection, void *context)
{
    bufferevent_disable(connection, EV_READ);
    bufferevent_setcb(connection, on_input, on_drained, on_event, context);
}

/* How many bytes at the front of the input are whole frames, -1 if a frame cannot fit. */
static ssize_t whole_frames(struct evbuffer *input)
{
    size_t length = evbuffer_get_length(input), whole = 0;
    struct evbuffer_ptr at;
    unsigned char p[BENCH_PREFIX];

    evbuffer_ptr_set(input, &at, 0, EVBUFFER_PTR_SET);
    while (length - whole >= sizeof p) {
        size_t frame;

        evbuffer_copyout_from(input, &at, p, sizeof p);
        frame = sizeof p + ((size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3]);
        if (frame > BENCH_BUFFER)
            return -1;
        if (length - whole < frame)
            break;
        whole += frame;
        if (evbuffer_ptr_set(input, &at, frame, EVBUFFER_PTR_ADD) < 0)
            break;
    }
    return (ssize_t)whole;
}

static void on_input(struct bufferevent *connection, void *context)
{
    struct evbuffer *input = bufferevent_get_input(connection);
    struct evbuffer *output = bufferevent_get_output(connection);

    if (!options.framed) {
        evbuffer_add_buffer(output, input);
    } else {
        ssize_t whole = whole_frames(input);

        if (whole < 0) {
            bufferevent_free(connection);
            return;
        }
        if (whole > 0)
            evbuffer_remove_buffer(input, output, (size_t)whole);
    }
    if (evbuffer_get_length(output) > BENCH_BUFFER)
        pause_reading(connection, context);
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
                          struct sockaddr *address, int length, void *context)
{
    struct bufferevent *connection = bufferevent_socket_new(evconnlistener_get_base(listener), fd,
                                                            BEV_OPT_CLOSE_ON_FREE);
    int on = 1;

    (void)address;
    (void)length;
    if (connection == NULL)
        bench_fail("bufferevent_socket_new");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bufferevent_set_max_single_read(connection, BENCH_BUFFER);
    bufferevent_set_max_single_write(connection, BENCH_BUFFER);
    bufferevent_setcb(connection, on_input, NULL, on_event, context);
    bufferevent_enable(connection, EV_READ | EV_WRITE);
}

static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base;

    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    base = event_base_new_with_config(config);
    event_config_free(config);
    if (base == NULL)
        bench_fail("event_base_new_with_config");
    return base;
}

int main(int argc, char **argv)
{
    struct event_base *base = new_base();
    char version[32];

    snprintf(version, sizeof version, "libevent %s", event_get_version());
    options = bench_options(argc, argv, version);
    if (evconnlistener_new(base, on_connection, NULL, LEV_OPT_CLOSE_ON_FREE, 0, bench_listen()) ==
        NULL)
        bench_fail("evconnlistener_new");
    return event_base_dispatch(base) < 0;
}
