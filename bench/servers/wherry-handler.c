/*
 * wherry with coroutines: a server that runs a handler for each client, which receives a message,
 * sends it back and returns. This is the first program of the manual, at full speed.
 *
 * With --parked the handler is called as soon as a client connects, and waits on a stack of its
 * own: for measuring what that holds.
 */
#include "../common.h"

#include <stdio.h>
#include <stdlib.h>
#include <wherry.h>

enum { CLIENTS = 20000 };

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

int main(int argc, char **argv)
{
    struct bench_options options = bench_options(argc, argv,
                                                 "wherry " WHERRY_VERSION ", coroutine handlers");
    wherry_handler handler = { .handle = echo, .eager = options.parked };
    wherry_address address;
    wherry_server *server;
    wherry_loop *loop;

    check(wherry_loop_new(&loop), "loop");
    check(wherry_server_new(&server, .loop = loop, .endpoints = "tcp://127.0.0.1:0",
                            .protocol = options.framed ? &wherry_length32 : &wherry_raw,
                            .handler = &handler, .clients_max = CLIENTS),
          "server");
    check(wherry_server_start(server), "start");
    check(wherry_server_address(server, 0, &address), "address");
    bench_announce(address.port);
    check(wherry_loop_run(loop), "run");
    wherry_server_free(server);
    wherry_loop_free(loop);
    return 0;
}
