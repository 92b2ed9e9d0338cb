/* The same server and client as anywhere, on a simulated network: a minute of their time, of which
 * they cannot reach each other for three seconds, takes milliseconds. */
#include <wherry.h>

static int echo(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes message;
    int result = wherry_peer_receive(client, &message, WHERRY_NEVER);

    (void)self;
    return result < 0 ? result : wherry_peer_send(client, message, WHERRY_NEVER);
}

static int serve(void *endpoints)
{
    return wherry_serve(.endpoints = endpoints, .protocol = &wherry_lines,
                        .handler = &(wherry_handler){ .handle = echo });
}

static int ask(void *endpoint)
{
    wherry_peer *server;
    wherry_bytes answer;
    int result = wherry_connect(&server, endpoint, &wherry_lines, wherry_in(WHERRY_SECONDS(5)));

    if (result < 0)
        return result;
    wherry_peer_send(server, wherry_text("hello"), WHERRY_NEVER);
    result = wherry_peer_receive(server, &answer, wherry_in(WHERRY_MILLISECONDS(200)));
    if (result == WHERRY_OK)
        printf("%.*s\n", (int)answer.length, (const char *)answer.data);
    wherry_peer_close(server);
    return result;
}

int main(void)
{
    wherry_simulation *world;
    int result = wherry_simulation_new(&world, .seed = 42);

    if (result < 0)
        return 1;
    wherry_simulation_spawn(world, "10.0.0.1", serve, "tcp://0.0.0.0:7000");
    wherry_simulation_spawn(world, "10.0.0.2", ask, "tcp://10.0.0.1:7000");
    wherry_simulation_partition(world, "10.0.0.1", "10.0.0.2", WHERRY_SECONDS(3));
    result = wherry_simulation_run(world, WHERRY_SECONDS(60)); /* takes milliseconds */
    wherry_simulation_free(world);
    return result < 0;
}
