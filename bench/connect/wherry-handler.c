/* Connections of wherry with coroutines: a server that runs a handler for each client, and clients
 * that are tasks, each of which connects, asks, waits for the answer and closes, in that order. */
#include "../common.h"
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <wherry.h>

enum { CLIENTS = 20000 };

static struct run run;
static wherry_loop *loop;

static void check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, wherry_problem());
        exit(1);
    }
}

static int echo(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes message;
    int result = wherry_peer_receive(client, &message, WHERRY_NEVER);

    (void)self;
    return result < 0 ? result : wherry_peer_send(client, message, WHERRY_NEVER);
}

static void ask(uint8_t x)
{
    wherry_address address = { .family = WHERRY_FAMILY_IPV4, .port = run.port };
    wherry_stream *stream;
    wherry_bytes answer;

    address.at.ipv4[0] = 127;
    address.at.ipv4[2] = x;
    address.at.ipv4[3] = 1;
    check(wherry_stream_connect(&stream, &address, WHERRY_NEVER), "connect");
    check(wherry_stream_send(stream, wherry_text("x"), WHERRY_NEVER), "send");
    check(wherry_stream_receive(stream, &answer, WHERRY_NEVER), "receive");
    wherry_stream_free(stream);
}

static int come(void *argument)
{
    uint8_t x;

    (void)argument;
    while (run_next(&run, &x)) {
        ask(x);
        if (run_done(&run))
            wherry_loop_stop(loop);
    }
    return WHERRY_OK;
}

static void go(void *context)
{
    (void)context;
    for (size_t i = 0; i < run.at_a_time; i++)
        check(wherry_spawn(NULL, come, NULL, .loop = loop), "spawn");
    check(wherry_loop_run(loop), "run");
}

int main(int argc, char **argv)
{
    wherry_handler handler = { .handle = echo };
    wherry_address address;
    wherry_server *server;

    run = run_new(argc, argv, "wherry " WHERRY_VERSION ", coroutines");
    check(wherry_loop_new(&loop), "loop");
    check(wherry_server_new(&server, .loop = loop, .endpoints = "tcp://0.0.0.0:0",
                            .protocol = &wherry_raw, .handler = &handler, .clients_max = CLIENTS),
          "server");
    check(wherry_server_start(server), "start");
    check(wherry_server_address(server, 0, &address), "address");
    run.port = address.port;
    bench_announce(run.port);
    run_obey(&run, go, NULL);
    wherry_server_free(server);
    wherry_loop_free(loop);
    return 0;
}
