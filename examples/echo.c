/* An echo server: one handler, every transport. Usage: echo [ENDPOINTS] */
#include <wherry.h>

static int echo(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes message;
    int result = wherry_peer_receive(client, &message, WHERRY_NEVER);

    (void)self;
    return result < 0 ? result : wherry_peer_send(client, message, WHERRY_NEVER);
}

int main(int argc, char **argv)
{
    int result = wherry_serve(.endpoints = argc > 1 ? argv[1] : "tcp://127.0.0.1:7000",
                              .protocol = &wherry_lines,
                              .handler = &(wherry_handler){ .handle = echo });

    if (result < 0)
        fprintf(stderr, "echo: %s\n", wherry_problem());
    return result < 0;
}
