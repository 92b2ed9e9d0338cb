/* A client, as a coroutine: asks one question and prints the answer. Usage: ask [ENDPOINT] */
#include <wherry.h>

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

int main(int argc, char **argv)
{
    int result = wherry_run(ask, argc > 1 ? argv[1] : "tcp://127.0.0.1:7000");

    if (result < 0)
        fprintf(stderr, "ask: %s\n", wherry_problem());
    return result < 0;
}
