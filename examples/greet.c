/* A server that asks for a password before it serves: on_connect has a conversation of its own.
 * Run it: greet [ENDPOINTS], and in another terminal: wherry connect tcp://127.0.0.1:7000
 * The password is "ahoy". */
#include <wherry.h>

/* A negative result ends the client before handle is ever called for it. */
static int ask_password(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes answer;
    int result = wherry_peer_send(client, wherry_text("password?"), WHERRY_NEVER);

    (void)self;
    if (result == WHERRY_OK)
        result = wherry_peer_receive(client, &answer, wherry_in(WHERRY_SECONDS(10)));
    if (result < 0)
        return result == WHERRY_E_TIMED_OUT ? WHERRY_E_IDLE : result;
    if (!wherry_bytes_equal(answer, wherry_text("ahoy"))) {
        wherry_peer_send(client, wherry_text("no"), WHERRY_NEVER);
        return WHERRY_E_CLOSED; /* quietly; what was sent still goes out */
    }
    return wherry_peer_send(client, wherry_text("welcome aboard"), WHERRY_NEVER);
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
    wherry_handler handler = { .handle = echo, .on_connect = ask_password };
    int result = wherry_serve(.endpoints = argc > 1 ? argv[1] : "tcp://127.0.0.1:7000",
                              .protocol = &wherry_lines, .handler = &handler);

    if (result < 0)
        fprintf(stderr, "greet: %s\n", wherry_problem());
    return result < 0;
}
