/*
 * wherry without a loop that runs: a roster, serviced by hand. What cannot be sent yet stays in the
 * receive buffer, and take tells when there is room.
 */
#include "../common.h"

#include <stdio.h>
#include <stdlib.h>
#include <wherry.h>

static void check(ssize_t result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, wherry_problem());
        exit(1);
    }
}

/* The whole messages at the front are sent out of the receive buffer in one call. */
static void answer(wherry_stream *stream, const struct bench_options *options)
{
    wherry_bytes bytes = wherry_stream_peek(stream);
    ssize_t whole = bench_whole(options, bytes.data, bytes.length);
    int result = whole < 0 ? WHERRY_E_MALFORMED : WHERRY_OK;

    if (whole > 0)
        result = wherry_stream_send(stream, wherry_bytes_at(bytes.data, (size_t)whole), WHERRY_NOW);
    if (whole > 0 && result == WHERRY_OK)
        wherry_stream_consume(stream, (size_t)whole);
    if ((result < 0 && result != WHERRY_E_WOULD_BLOCK) || wherry_stream_end(stream) != WHERRY_OK)
        wherry_stream_close(stream);
}

int main(int argc, char **argv)
{
    struct bench_options options = bench_options(argc, argv,
                                                 "wherry " WHERRY_VERSION ", a roster by hand");
    wherry_stream *stream;
    wherry_roster *roster;
    wherry_address address;
    wherry_loop *loop;

    check(wherry_loop_new(&loop), "loop");
    check(wherry_roster_new(&roster, .loop = loop, .endpoint = "tcp://127.0.0.1:0",
                            .streams_max = 100000),
          "roster");
    check(wherry_roster_open(roster), "open");
    wherry_roster_address(roster, &address);
    bench_announce(address.port);
    for (;;) {
        check(wherry_roster_wait(roster, WHERRY_NEVER), "wait");
        while (wherry_roster_service_next(roster, &stream) > 0)
            answer(stream, &options);
    }
}
