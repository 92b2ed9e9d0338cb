/*
 * wherry without coroutines: a listener, and streams whose callbacks echo what has come. What
 * cannot be sent yet stays in the receive buffer, and the stream is not read meanwhile.
 */
#include "../common.h"

#include <stdio.h>
#include <stdlib.h>
#include <wherry.h>

/* One for all streams: a connection needs no state of its own. */
struct echoing {
    wherry_stream_events events;
    struct bench_options options;
};

static void check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, wherry_problem());
        exit(1);
    }
}

/* The whole messages at the front are sent out of the receive buffer in one call. */
static int answer(wherry_stream *stream, const struct bench_options *options)
{
    wherry_bytes bytes = wherry_stream_peek(stream);
    ssize_t whole = bench_whole(options, bytes.data, bytes.length);
    int result;

    if (whole <= 0)
        return whole < 0 ? WHERRY_E_MALFORMED : WHERRY_OK;
    result = wherry_stream_send(stream, wherry_bytes_at(bytes.data, (size_t)whole), WHERRY_NOW);
    if (result == WHERRY_OK)
        wherry_stream_consume(stream, (size_t)whole);
    return result;
}

static void on_received(wherry_stream_events *self, wherry_stream *stream)
{
    const struct echoing *echoing = (const struct echoing *)self;
    int result = answer(stream, &echoing->options);

    if (result == WHERRY_E_WOULD_BLOCK)
        wherry_stream_pause(stream);
    else if (result < 0)
        wherry_stream_free(stream);
}

static void on_writable(wherry_stream_events *self, wherry_stream *stream)
{
    wherry_stream_resume(stream);
    on_received(self, stream);
}

static void on_ended(wherry_stream_events *self, wherry_stream *stream, int reason)
{
    (void)self;
    (void)reason;
    wherry_stream_free(stream);
}

/* The stream already has its events, from the listener's options. */
static void on_accepted(wherry_listener_events *self, wherry_listener *listener,
                        wherry_stream *stream)
{
    (void)self;
    (void)listener;
    (void)stream;
}

int main(int argc, char **argv)
{
    struct echoing echoing = {
        .events = { .received = on_received, .writable = on_writable, .ended = on_ended },
        .options = bench_options(argc, argv, "wherry " WHERRY_VERSION ", callbacks of streams"),
    };
    wherry_stream_options streams = { .size = sizeof streams, .events = &echoing.events };
    wherry_listener_events accepting = { .accepted = on_accepted };
    wherry_listener *listener;
    wherry_address address;
    wherry_loop *loop;

    check(wherry_address_parse(&address, "127.0.0.1:0", 11), "address");
    check(wherry_loop_new(&loop), "loop");
    check(wherry_listener_new(&listener, .loop = loop, .address = &address, .events = &accepting,
                              .stream = &streams),
          "listener");
    wherry_listener_address(listener, &address);
    bench_announce(address.port);
    check(wherry_loop_run(loop), "run");
    wherry_listener_free(listener);
    wherry_loop_free(loop);
    return 0;
}
