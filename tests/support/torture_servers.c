/* Scenarios of servers, peers and what runs them. */
#include "support/torture.h"

#include <signal.h>
#include <string.h>

#include "support/torture_codes.h"

#define CLIENTS 3

#define SERVING LISTENING, WHERRY_E_NO_STACK
#define RECEIVING                                                                                  \
    WHERRY_E_END, WHERRY_E_RESET, WHERRY_E_TRUNCATED, WHERRY_E_CLOSED, WHERRY_E_TIMED_OUT,         \
        WHERRY_E_CANCELED, WHERRY_E_NO_MEMORY

typedef struct service {
    wherry_handler handler; /* first */
    torture *self;
    wherry_server *server;
    wherry_peer *clients[16];
    size_t count;
    int started, stopped, connected, disconnected;
} service;

/* --- handlers */

static int on_start(wherry_handler *handler, wherry_server *server)
{
    (void)server;
    ((service *)handler)->started++;
    return 0;
}

static void on_stop(wherry_handler *handler, wherry_server *server)
{
    service *this = (service *)handler;

    HOLDS(this->self, wherry_server_clients(server) == 0);
    this->stopped++;
}

static int on_connect(wherry_handler *handler, wherry_peer *client)
{
    service *this = (service *)handler;

    this->connected++;
    if (this->count < 16)
        this->clients[this->count++] = wherry_peer_hold(client);
    return 0;
}

static void on_disconnect(wherry_handler *handler, wherry_peer *client, int reason)
{
    service *this = (service *)handler;

    HOLDS(this->self, reason < 0);
    this->disconnected++;
    (void)wherry_peer_send(client, wherry_text("bye"), WHERRY_NOW);
    for (size_t i = 0; i < this->count; i++) {
        if (this->clients[i] != client)
            continue;
        this->clients[i] = this->clients[--this->count];
        wherry_peer_release(client);
        return;
    }
}

static int echo(wherry_handler *handler, wherry_peer *client)
{
    service *this = (service *)handler;
    wherry_bytes message;
    int result = wherry_peer_receive(client, &message, SOON);

    if (result == WHERRY_E_CANCELED) /* the server stops */
        return result;
    if (WENT(this->self, result, RECEIVING)) {
        result = wherry_peer_send(client, message, SOON);
        (void)WENT(this->self, result, SENDING);
    }
    return result;
}

static int tell_all(wherry_handler *handler, wherry_peer *client)
{
    service *this = (service *)handler;
    wherry_bytes message;
    int result = wherry_peer_receive(client, &message, SOON);

    if (!WENT(this->self, result, RECEIVING))
        return result;
    for (size_t i = 0; i < this->count; i++)
        if (!WENT(this->self, wherry_peer_send(this->clients[i], message, WHERRY_NOW), SENDING,
                  WHERRY_E_WOULD_BLOCK))
            wherry_peer_abort(this->clients[i]); /* it would wait for what it has missed */
    return 0;
}

/* It does not end by itself. */
static int talk_on(wherry_handler *handler, wherry_peer *client)
{
    int result;

    while ((result = echo(handler, client)) == WHERRY_OK)
        continue;
    (void)wherry_sleep(wherry_in(WHERRY_SECONDS(1)));
    return result;
}

static service make_service(torture *self, int (*handle)(wherry_handler *, wherry_peer *))
{
    return (service){ .handler = { .handle = handle,
                                   .on_start = on_start,
                                   .on_stop = on_stop,
                                   .on_connect = on_connect,
                                   .on_disconnect = on_disconnect },
                      .self = self };
}

static int open_service(service *this, const char *endpoints, const wherry_protocol *protocol)
{
    torture *self = this->self;
    int result = wherry_server_new(&this->server, .endpoints = endpoints, .protocol = protocol,
                                   .handler = &this->handler);

    if (!WENT(self, result, WHERRY_E_NO_MEMORY))
        return result;
    result = wherry_server_start(this->server);
    if (WENT(self, result, SERVING, WHERRY_E_CANCELED))
        return result;
    wherry_server_free(this->server);
    return result;
}

/* Those for which on_disconnect was left out. */
static void release_clients(service *this)
{
    while (this->count > 0)
        wherry_peer_release(this->clients[--this->count]);
}

static void close_service(service *this)
{
    torture *self = this->self;

    wherry_server_free(this->server);
    release_clients(this);
    HOLDS(self, this->started == this->stopped);
    HOLDS(self, this->disconnected <= this->connected);
    HOLDS(self, torture_struck(self) || this->disconnected == this->connected);
}

/* --- clients */

static int ask(torture *self, wherry_peer *peer, const char *question)
{
    wherry_bytes answer;
    int result = wherry_peer_send(peer, wherry_text(question), SOON);

    if (!WENT(self, result, SENDING))
        return result;
    result = wherry_peer_receive(peer, &answer, SOON);
    if (WENT(self, result, RECEIVING))
        HOLDS(self, wherry_bytes_equal(answer, wherry_text(question)) ||
                        (torture_struck(self) && wherry_bytes_equal(answer, wherry_text("bye"))));
    return result;
}

static int connect_to(service *this, size_t index, const wherry_protocol *protocol,
                      wherry_peer **peer)
{
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    int result;

    *peer = NULL;
    HOLDS(this->self, wherry_server_endpoint(this->server, index, endpoint, sizeof(endpoint)) > 0);
    result = wherry_connect(peer, endpoint, protocol, SOON);
    (void)WENT(this->self, result, CONNECTING);
    return result;
}

static int ask_thrice(service *this, size_t index, const wherry_protocol *protocol)
{
    static const char *const questions[] = { "one", "two", "a longer third one" };
    wherry_peer *peer;
    int result = connect_to(this, index, protocol, &peer);

    for (int i = 0; i < 3 && result == WHERRY_OK; i++)
        result = ask(this->self, peer, questions[i]);
    wherry_peer_close(peer);
    return result;
}

/* --- scenarios */

static int serve_and_ask(torture *self, const char *endpoints, const wherry_protocol *protocol)
{
    service this = make_service(self, echo);
    int result = open_service(&this, endpoints, protocol);

    if (result < 0)
        return result;
    for (size_t i = 0; i < wherry_server_endpoint_count(this.server); i++)
        (void)ask_thrice(&this, i, protocol);
    close_service(&this);
    return result;
}

static int lines(torture *self)
{
    return serve_and_ask(self, "tcp://127.0.0.1:0", &wherry_lines);
}

static int list_of_endpoints(torture *self)
{
    char endpoints[128];

    (void)snprintf(endpoints, sizeof(endpoints), "tcp://localhost:0 %s", self->name);
    return serve_and_ask(self, endpoints, &wherry_lines);
}

static int chat(torture *self)
{
    service this = make_service(self, tell_all);
    wherry_peer *peers[CLIENTS] = { NULL };
    int result = open_service(&this, self->name, &wherry_lines);

    if (result < 0)
        return result;
    for (size_t i = 0; i < CLIENTS; i++) {
        if (connect_to(&this, 0, &wherry_lines, &peers[i]) == WHERRY_OK)
            (void)ask(self, peers[i], "here I am");
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        size_t expected = CLIENTS - 1 - i;
        wherry_bytes message;

        while (peers[i] != NULL && expected > 0 && !torture_struck(self)) {
            HOLDS(self, wherry_peer_receive(peers[i], &message, SOON) == WHERRY_OK ||
                            torture_struck(self));
            expected--;
        }
        wherry_peer_close(peers[i]);
    }
    close_service(&this);
    return result;
}

/* Handlers that wait, and one last message. */
static int stop_with_grace(torture *self)
{
    service this = make_service(self, talk_on);
    wherry_peer *peers[2] = { NULL };
    wherry_bytes message;
    int result = open_service(&this, "tcp://127.0.0.1:0", &wherry_lines);

    if (result < 0)
        return result;
    for (int i = 0; i < 2; i++)
        if (connect_to(&this, 0, &wherry_lines, &peers[i]) == WHERRY_OK)
            (void)ask(self, peers[i], "hello");
    wherry_server_stop(this.server);
    for (int i = 0; i < 2; i++)
        if (peers[i] != NULL &&
            WENT(self, wherry_peer_receive(peers[i], &message, SOON), RECEIVING))
            HOLDS(self, wherry_bytes_equal(message, wherry_text("bye")) || torture_struck(self));
    result = wherry_server_wait(this.server, SOON);
    (void)WENT(self, result, WHERRY_E_TIMED_OUT, WHERRY_E_CANCELED);
    for (int i = 0; i < 2; i++)
        wherry_peer_close(peers[i]);
    close_service(&this);
    return result;
}

static int drain(torture *self)
{
    service this = make_service(self, echo);
    wherry_peer *peer;
    int result = open_service(&this, self->name, &wherry_lines);

    if (result < 0)
        return result;
    if (connect_to(&this, 0, &wherry_lines, &peer) == WHERRY_OK)
        (void)ask(self, peer, "hello");
    result = wherry_server_drain(this.server, wherry_in(WHERRY_SECONDS(2)));
    (void)WENT(self, result, WHERRY_E_TIMED_OUT, WHERRY_E_CANCELED);
    wherry_peer_close(peer);
    close_service(&this);
    return result;
}

/* The server goes on sending after the client has said its last. */
static int half_close(torture *self)
{
    service this = make_service(self, echo);
    wherry_peer *peer;
    wherry_bytes message;
    size_t count = 0;
    int result = open_service(&this, "tcp://127.0.0.1:0", &wherry_lines);

    if (result < 0)
        return result;
    if (connect_to(&this, 0, &wherry_lines, &peer) == WHERRY_OK) {
        for (int i = 0; i < 5; i++)
            (void)WENT(self, wherry_peer_send(peer, wherry_text("all of it"), SOON), SENDING);
        (void)WENT(self, wherry_peer_shutdown(peer), SENDING);
        while ((result = wherry_peer_receive(peer, &message, SOON)) == WHERRY_OK)
            count++;
        if (result != WHERRY_E_END)
            (void)WENT(self, result, RECEIVING);
        HOLDS(self, torture_struck(self) || count == 5 + 1); /* bye */
    }
    wherry_peer_close(peer);
    close_service(&this);
    return WHERRY_OK;
}

/* --- protocols of a program's own */

static int lengths(torture *self)
{
    wherry_protocol *protocol;
    int result = wherry_protocol_new(&protocol, .name = "length32");

    if (!WENT(self, result, WHERRY_E_NO_MEMORY))
        return result;
    result = serve_and_ask(self, self->name, protocol);
    wherry_protocol_free(protocol);
    return result;
}

/* --- wherry_serve */

typedef struct serving {
    service service; /* first */
    const char *endpoints;
    wherry_event *started;
} serving;

static int tell_start(wherry_handler *handler, wherry_server *server)
{
    serving *this = (serving *)handler;

    this->service.server = server;
    this->service.started++;
    wherry_event_set(this->started);
    return 0;
}

static int serve_body(void *argument)
{
    serving *this = argument;
    int result = wherry_serve(.endpoints = this->endpoints, .protocol = &wherry_lines,
                              .handler = &this->service.handler);

    if (result != WHERRY_E_CANCELED)
        (void)WENT(this->service.self, result, SERVING);
    if (this->service.started == 0)
        wherry_event_set(this->started);
    return 0;
}

static int serve_on_a_coroutine(torture *self)
{
    serving this = { .service = make_service(self, echo), .endpoints = self->name };
    wherry_group *group;
    int result = wherry_event_new(&this.started, NULL);

    if (!WENT(self, result, WHERRY_E_NO_MEMORY))
        return result;
    this.service.handler.on_start = tell_start;
    result = wherry_group_new(&group);
    if (WENT(self, result, WHERRY_E_NO_MEMORY)) {
        result = wherry_spawn(NULL, serve_body, &this, .group = group);
        if (WENT(self, result, STARTING))
            result = wherry_event_wait(this.started, SOON);
        if (WENT(self, result, STARTING, WHERRY_E_TIMED_OUT) && this.service.started > 0)
            (void)ask_thrice(&this.service, 0, &wherry_lines);
        wherry_group_free(group);
    }
    release_clients(&this.service);
    HOLDS(self, this.service.started == this.service.stopped);
    wherry_event_free(this.started);
    return result;
}

/* Outside of all loops, until a hook that is called at the start has stopped it. */
static int serve_with(torture *self, int (*stops)(wherry_handler *, wherry_server *))
{
    service this = make_service(self, echo);
    int result;

    this.handler.on_start = stops;
    result = wherry_serve(.endpoints = "tcp://127.0.0.1:0", .protocol = &wherry_lines,
                          .handler = &this.handler);
    (void)WENT(self, result, SERVING, WHERRY_E_CANCELED);
    release_clients(&this);
    HOLDS(self, this.started == this.stopped);
    return result;
}

static int stop_at_start(wherry_handler *handler, wherry_server *server)
{
    ((service *)handler)->started++;
    wherry_server_stop(server);
    return 0;
}

static int serve_outside(torture *self)
{
    return serve_with(self, stop_at_start);
}

static int raise_at_start(wherry_handler *handler, wherry_server *server)
{
    (void)server;
    ((service *)handler)->started++;
    (void)raise(SIGTERM);
    return 0;
}

static int serve_until_a_signal(torture *self)
{
    return serve_with(self, raise_at_start);
}

const torture_scenario torture_servers[] = {
    { "lines", lines, false, false },
    { "endpoints", list_of_endpoints, false, false },
    { "chat", chat, false, false },
    { "grace", stop_with_grace, false, false },
    { "drain", drain, false, false },
    { "half-close", half_close, false, false },
    { "lengths", lengths, false, false },
    { "serve-inside", serve_on_a_coroutine, false, false },
    { "serve-outside", serve_outside, .plain = true },
    { "serve-signal", serve_until_a_signal, .plain = true, .real = true },
    { NULL, NULL, false, false },
};
