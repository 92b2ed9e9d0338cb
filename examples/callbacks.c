/* An echo server without coroutines: a listener and streams that call back.
 * Run it: callbacks [ENDPOINT], with an address and no name; in another terminal:
 * wherry connect tcp://127.0.0.1:7000 */
#include <wherry.h>

/* Sends back what is there. What has no room stays in the receive buffer, which holds the client
 * back when it is full, and is looked at again when there is room. */
static void pass_on(wherry_stream_events *self, wherry_stream *stream)
{
    wherry_bytes bytes = wherry_stream_peek(stream);
    int result = wherry_stream_send(stream, bytes, WHERRY_NOW);

    (void)self;
    if (result != WHERRY_E_WOULD_BLOCK)
        wherry_stream_consume(stream, bytes.length);
    if (wherry_stream_end(stream) != WHERRY_OK && wherry_stream_peek(stream).length == 0)
        wherry_stream_free(stream); /* what was sent still goes out */
}

/* The client has finished, after all that it sent: when all is passed on the stream can go. */
static void on_ended(wherry_stream_events *self, wherry_stream *stream, int reason)
{
    (void)reason;
    pass_on(self, stream);
}

/* The stream is the program's; its events came with the listener's options. */
static void on_accepted(wherry_listener_events *self, wherry_listener *listener,
                        wherry_stream *stream)
{
    (void)self;
    (void)listener;
    (void)stream;
}

int main(int argc, char **argv)
{
    wherry_stream_events stream_events = { .received = pass_on,
                                           .writable = pass_on,
                                           .ended = on_ended };
    wherry_listener_events listener_events = { .accepted = on_accepted };
    wherry_stream_options stream = { .size = sizeof(stream), .events = &stream_events };
    wherry_endpoint endpoint;
    wherry_listener *listener = NULL;
    wherry_loop *loop = NULL;
    size_t position = 0;
    int result = wherry_endpoint_next(&endpoint, argc > 1 ? argv[1] : "tcp://127.0.0.1:7000",
                                      &position);

    if (result == 1)
        result = wherry_loop_new(&loop);
    if (result == WHERRY_OK)
        result = wherry_listener_new(&listener, .loop = loop, .address = &endpoint.addresses[0],
                                     .events = &listener_events, .stream = &stream);
    if (result == WHERRY_OK)
        result = wherry_loop_run(loop);
    if (result < 0)
        fprintf(stderr, "callbacks: %s\n", wherry_problem());
    wherry_listener_free(listener);
    wherry_loop_free(loop);
    return result < 0;
}
