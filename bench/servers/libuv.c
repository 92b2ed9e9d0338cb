/*
 * libuv in its best form: one receive buffer for all connections, handed out by the allocation
 * callback, and uv_try_write, with a queued uv_write only for what the kernel would not take.
 *
 * libuv asks for a buffer just before it reads, and calls back just after, so one buffer serves;
 * the head of an unfinished frame is put into it first.
 */
#define _GNU_SOURCE
#include "../common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

static struct bench_options options;
static unsigned char buffer[BENCH_BUFFER];

/* The handle comes first: libuv hands it back, and it is the connection. A request is needed only
 * while a write is blocked, so it lives with the bytes. */
struct connection {
    uv_tcp_t tcp;
    struct bench_held *rest;
};

struct blocked {
    uv_write_t request;
    struct bench_held *unsent;
};

static void check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
        exit(1);
    }
}

static void on_close(uv_handle_t *handle)
{
    struct connection *connection = (struct connection *)handle;

    free(connection->rest);
    free(connection);
}

static void end(uv_stream_t *stream)
{
    if (!uv_is_closing((uv_handle_t *)stream))
        uv_close((uv_handle_t *)stream, on_close);
}

static size_t held(const struct connection *connection)
{
    return connection->rest != NULL ? connection->rest->length : 0;
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *given)
{
    const struct connection *connection = (const struct connection *)handle;
    size_t front = held(connection);

    (void)suggested;
    if (front > 0)
        memcpy(buffer, connection->rest->bytes, front);
    *given = uv_buf_init((char *)buffer + front, (unsigned)(sizeof buffer - front));
}

static void start_reading(uv_stream_t *stream);

static void on_written(uv_write_t *request, int status)
{
    struct blocked *blocked = (struct blocked *)request;
    uv_stream_t *stream = request->handle;

    free(blocked->unsent);
    free(blocked);
    if (status < 0)
        end(stream);
    else
        start_reading(stream);
}

static void write_later(uv_stream_t *stream, const unsigned char *bytes, size_t length)
{
    struct blocked *blocked = malloc(sizeof *blocked);
    uv_buf_t rest;

    if (blocked == NULL)
        bench_fail("malloc");
    blocked->unsent = bench_hold(bytes, length);
    rest = uv_buf_init((char *)blocked->unsent->bytes, (unsigned)length);
    uv_read_stop(stream);
    check(uv_write(&blocked->request, stream, &rest, 1, on_written), "uv_write");
}

static void answer(uv_stream_t *stream, size_t length)
{
    uv_buf_t whole = uv_buf_init((char *)buffer, (unsigned)length);
    int written = uv_try_write(stream, &whole, 1);

    if (written < 0 && written != UV_EAGAIN) {
        end(stream);
        return;
    }
    if (written < 0)
        written = 0;
    if ((size_t)written < length)
        write_later(stream, buffer + written, length - (size_t)written);
}

static void on_read(uv_stream_t *stream, ssize_t received, const uv_buf_t *given)
{
    struct connection *connection = (struct connection *)stream;
    size_t length;
    ssize_t whole;

    (void)given;
    if (received < 0)
        end(stream);
    if (received <= 0)
        return;
    length = held(connection) + (size_t)received;
    whole = bench_whole(&options, buffer, length);
    if (whole < 0) {
        end(stream);
        return;
    }
    free(connection->rest);
    connection->rest = bench_hold(buffer + whole, length - (size_t)whole);
    if (whole > 0)
        answer(stream, (size_t)whole);
}

static void start_reading(uv_stream_t *stream)
{
    check(uv_read_start(stream, on_allocate, on_read), "uv_read_start");
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct connection *connection = calloc(1, sizeof *connection);

    check(status, "accept");
    if (connection == NULL)
        bench_fail("calloc");
    check(uv_tcp_init(listener->loop, &connection->tcp), "uv_tcp_init");
    check(uv_accept(listener, (uv_stream_t *)&connection->tcp), "uv_accept");
    uv_tcp_nodelay(&connection->tcp, 1);
    start_reading((uv_stream_t *)&connection->tcp);
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t listener;
    char version[32];

    snprintf(version, sizeof version, "libuv %s", uv_version_string());
    options = bench_options(argc, argv, version);
    check(uv_tcp_init(loop, &listener), "uv_tcp_init");
    check(uv_tcp_open(&listener, bench_listen()), "uv_tcp_open");
    check(uv_listen((uv_stream_t *)&listener, SOMAXCONN, on_connection), "uv_listen");
    return uv_run(loop, UV_RUN_DEFAULT);
}
