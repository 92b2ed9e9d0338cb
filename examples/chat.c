/* A chat: a server that keeps its clients in a table, and passes on what one says to all others.
 * Run it: chat [ENDPOINTS], and in other terminals: wherry connect tcp://127.0.0.1:7000 */
#include <wherry.h>

enum { GUESTS_MAX = 100 };

typedef struct chat {
    wherry_handler handler; /* first, so that self is the chat, too */
    wherry_peer *guests[GUESTS_MAX];
} chat;

/* The place of a guest in the table; of NULL: a free one. */
static wherry_peer **place_of(chat *this, const wherry_peer *guest)
{
    wherry_peer **place = this->guests;

    while (*place != guest)
        place++;
    return place;
}

/* A peer in a table is held, so that it stays valid whatever happens to its connection. There is
 * always a free place, since the server takes no more clients than there are. */
static int join(wherry_handler *self, wherry_peer *client)
{
    *place_of((chat *)self, NULL) = wherry_peer_hold(client);
    return WHERRY_OK;
}

static void leave(wherry_handler *self, wherry_peer *client, int reason)
{
    (void)reason;
    *place_of((chat *)self, client) = NULL;
    wherry_peer_release(client);
}

/* WHERRY_NOW: nobody waits for a guest who does not read. Who has so much unread that there is no
 * room for more is shown the door. */
static int talk(wherry_handler *self, wherry_peer *client)
{
    chat *this = (chat *)self;
    wherry_bytes message;
    int result = wherry_peer_receive(client, &message, WHERRY_NEVER);

    for (int i = 0; i < GUESTS_MAX && result == WHERRY_OK; i++) {
        wherry_peer *guest = this->guests[i];

        if (guest != NULL && guest != client &&
            wherry_peer_send(guest, message, WHERRY_NOW) == WHERRY_E_WOULD_BLOCK)
            wherry_peer_abort(guest);
    }
    return result;
}

int main(int argc, char **argv)
{
    chat room = { .handler = { .handle = talk, .on_connect = join, .on_disconnect = leave } };
    int result = wherry_serve(.endpoints = argc > 1 ? argv[1] : "tcp://127.0.0.1:7000",
                              .protocol = &wherry_lines, .handler = &room.handler,
                              .clients_max = GUESTS_MAX);

    if (result < 0)
        fprintf(stderr, "chat: %s\n", wherry_problem());
    return result < 0;
}
