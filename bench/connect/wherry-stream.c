/* Connections of wherry without coroutines: a listener, and streams with callbacks on both sides.
 */
#include "../common.h"
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <wherry.h>

static struct run run;
static wherry_loop *loop;

static void check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, wherry_problem());
        exit(1);
    }
}

/* --- the server */

static void on_asked(wherry_stream_events *self, wherry_stream *stream)
{
    wherry_bytes bytes = wherry_stream_peek(stream);

    (void)self;
    check(wherry_stream_send(stream, bytes, WHERRY_NOW), "answer");
    wherry_stream_consume(stream, bytes.length);
}

static void on_left(wherry_stream_events *self, wherry_stream *stream, int reason)
{
    (void)self;
    (void)reason;
    wherry_stream_free(stream);
}

static void on_accepted(wherry_listener_events *self, wherry_listener *listener,
                        wherry_stream *stream)
{
    (void)self;
    (void)listener;
    (void)stream;
}

/* --- the clients */

static void on_connected(wherry_stream_events *self, wherry_stream *stream)
{
    (void)self;
    check(wherry_stream_send(stream, wherry_text("x"), WHERRY_NOW), "send");
}

static void on_ended(wherry_stream_events *self, wherry_stream *stream, int reason)
{
    (void)self;
    fprintf(stderr, "a client: %s (%s)\n", wherry_error_name(reason),
            wherry_stream_problem(stream));
    exit(1);
}

static void start(wherry_stream_events *events)
{
    wherry_address address = { .family = WHERRY_FAMILY_IPV4, .port = run.port };
    wherry_stream *stream;
    uint8_t x;

    if (!run_next(&run, &x))
        return;
    address.at.ipv4[0] = 127;
    address.at.ipv4[2] = x;
    address.at.ipv4[3] = 1;
    check(wherry_stream_connect(&stream, &address, WHERRY_NEVER, .loop = loop, .events = events),
          "connect");
}

static void on_answered(wherry_stream_events *self, wherry_stream *stream)
{
    wherry_stream_consume(stream, 1);
    wherry_stream_free(stream);
    if (run_done(&run))
        wherry_loop_stop(loop);
    start(self);
}

static void go(void *context)
{
    for (size_t i = 0; i < run.at_a_time; i++)
        start(context);
    check(wherry_loop_run(loop), "run");
}

int main(int argc, char **argv)
{
    wherry_stream_events served = { .received = on_asked, .ended = on_left };
    wherry_stream_options streams = { .size = sizeof streams, .events = &served };
    wherry_listener_events accepting = { .accepted = on_accepted };
    wherry_stream_events clients = { .connected = on_connected,
                                     .received = on_answered,
                                     .ended = on_ended };
    wherry_listener *listener;
    wherry_address address;

    run = run_new(argc, argv, "wherry " WHERRY_VERSION ", callbacks of streams");
    check(wherry_address_parse(&address, "0.0.0.0:0", 9), "address");
    check(wherry_loop_new(&loop), "loop");
    check(wherry_listener_new(&listener, .loop = loop, .address = &address, .events = &accepting,
                              .stream = &streams),
          "listener");
    wherry_listener_address(listener, &address);
    run.port = address.port;
    bench_announce(run.port);
    run_obey(&run, go, &clients);
    wherry_listener_free(listener);
    wherry_loop_free(loop);
    return 0;
}
