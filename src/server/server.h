/* The inside of a server, and of its clients. */
#ifndef WHERRY_SERVER_SERVER_H
#define WHERRY_SERVER_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>

#include <wherry/endpoint.h>
#include <wherry/listener.h>
#include <wherry/server.h>
#include <wherry/task.h>

#include "base/list.h"
#include "loop/loop.h"
#include "net/socket.h"
#include "peer/peer.h"

typedef enum wherry__server_state {
    WHERRY__SERVER_NEW = 0,
    WHERRY__SERVER_RUNNING,
    WHERRY__SERVER_DRAINING, /* no new clients, no new conversations */
    WHERRY__SERVER_STOPPING, /* the conversations are canceled, too */
    WHERRY__SERVER_ENDED,
} wherry__server_state;

/* One address that it listens on. */
typedef struct wherry__server_door {
    wherry_transport transport;
    wherry_listener *listener;
    wherry_address address; /* as asked for, then with the real port */
    bool paired;            /* the second one of an endpoint for both families */
    size_t of_name;         /* which of the names it is an address of, from 1 on; 0: of none */
} wherry__server_door;

/* A name whose addresses it listens on. */
typedef struct wherry__server_name {
    wherry_transport transport;
    uint16_t port;
    char text[WHERRY_HOST_NAME_SIZE];
} wherry__server_name;

struct wherry_server {
    wherry_listener_events events; /* first: the listeners' self */
    wherry_loop *loop;
    wherry_handler *handler;
    const wherry_protocol *protocol;
    wherry_server_options options; /* without endpoints, stream and socket */
    wherry_stream_options stream;
    wherry__socket_kept socket;
    wherry__server_door *doors;
    size_t door_count;
    size_t door_room; /* that the memory has */
    wherry__server_name *names;
    size_t name_count;
    wherry__server_state state;
    wherry_post stop_post;
    atomic_bool stoppable;   /* it was started, and has not ended */
    atomic_bool stop_posted; /* stop_post is with the loop, which keeps the server's storage */
    wherry__link clients;
    size_t client_count;
    wherry__deadline debts; /* when those who are owed a goodbye are looked at again */
    wherry__link waiters;   /* tasks that wait for the end, or for the clients to go */
    wherry_task *task;      /* that runs it */
    int result;
    unsigned holds; /* the owner's, the task's, and those of who waits for its end */
    bool starting;  /* its names are being looked up */
    bool unwanted;  /* it was stopped meanwhile */
    bool full;      /* does not accept, for clients_max */
    bool started;   /* on_start returned zero */
};

/* A connection, and what runs for it: a peer, and what the server notes beside it. Dropped, it is a
 * peer still for those who hold it. */
typedef struct wherry__client {
    wherry_peer peer; /* first */
    wherry_server *server;
    wherry__link link;
    union {
        wherry_task *task; /* that runs a conversation; NULL between two */
        int64_t owed; /* of one who is: for how long there has been no memory for its goodbye */
    } now;
} wherry__client;

/* What the server notes of a client in its peer's keeper_state, so that it costs no memory. */
enum wherry__client_states {
    WHERRY__CLIENT_GREETED = 1, /* on_connect has been called, and returned zero */
    WHERRY__CLIENT_OWED = 2,    /* a goodbye: there is no memory for the task that says it */
    WHERRY__CLIENT_LATE = 4,    /* it was owed one */
};

static inline bool wherry__client_is(const wherry__client *client, unsigned state)
{
    return (client->peer.keeper_state & state) != 0;
}

/* The task that runs a conversation with it. */
static inline wherry_task *wherry__client_task(const wherry__client *client)
{
    return wherry__client_is(client, WHERRY__CLIENT_OWED) ? NULL : client->now.task;
}

/* Makes a client of an accepted stream; on failure the stream is the caller's. */
int wherry__client_new(wherry_server *server, wherry_stream *stream);

/* Whether no conversation with it is under way. */
bool wherry__client_is_silent(const wherry__client *client);

/* Ends a client: at once when nothing runs for it, or else by cancelling what does. */
void wherry__client_stop(wherry__client *client);

/* Says goodbye to those who are owed it. */
void wherry__server_pay(wherry__deadline *deadline);

/* Gives one back whose loop has ended before. */
void wherry__client_drop(wherry__client *client);

/* The doors: reading the endpoints, opening them all, letting clients in, closing them. */
int wherry__server_read_endpoints(wherry_server *server, const char *endpoints);
int wherry__server_add_door(wherry_server *server, const wherry__server_door *door);
int wherry__server_open_doors(wherry_server *server);
void wherry__server_let_in(wherry_server *server, bool in);
void wherry__server_close_doors(wherry_server *server);

/* The names among them: notes one, and looks all of them up, which adds doors behind the others.
 * Only coroutines can wait for that; WHERRY_E_CANCELED also when the server is stopped. drop takes
 * the doors away again. */
int wherry__server_add_name(wherry_server *server, const wherry_endpoint *endpoint);
int wherry__server_look_up(wherry_server *server);
void wherry__server_drop_named_doors(wherry_server *server);

/* Waits for the server's state, or whatever else its waiters are woken for, to change. */
int wherry__server_wait_for_change(wherry_server *server, int64_t deadline);

/* A client has gone. */
void wherry__server_client_gone(wherry_server *server);

/* Whether the calling task runs for the server. */
bool wherry__server_is_inside(const wherry_server *server);

#endif
