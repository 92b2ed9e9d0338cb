/* The service of the scenarios with messages: its handler, which is the oracle for what clients
 * say, and the life of its servers. */
#include <string.h>

#include "ear.h"
#include "messages.h"

/* What the handler knows of a client. */
struct guest {
    struct ear ear; /* of raw bytes */
    struct talk *talk;
    uint8_t *buffer;
    int64_t last; /* when it was heard of */
};

/* --- the handler */

static int greet(struct service *service, struct guest *guest, wherry_bytes message)
{
    if (!stage_check(service->stage, message.length >= TALK_HEAD, "a first message of %zu bytes",
                     message.length))
        return WHERRY_E_CLOSED;
    guest->talk = talk_read_head(service->stage, message.data);
    return guest->talk == NULL ? WHERRY_E_CLOSED : WHERRY_OK;
}

static int answer(struct guest *guest, wherry_peer *client)
{
    int result = wherry_peer_send(client, way_say_message(&guest->talk->back, guest->buffer),
                                  WHERRY_NEVER);

    if (result < 0)
        way_unsay(&guest->talk->back, 1);
    return result;
}

/* As many bytes as came. */
static int answer_raw(struct service *service, struct guest *guest, wherry_peer *client,
                      wherry_bytes bytes)
{
    ssize_t count = ear_hear(&guest->ear, bytes);
    int result = WHERRY_OK;

    guest->talk = guest->ear.talk;
    if (count < 0)
        return WHERRY_E_CLOSED;
    for (size_t left = (size_t)count; left > 0 && result == WHERRY_OK;) {
        size_t size = left < service->most ? left : service->most;

        result = wherry_peer_send(client, way_say(&guest->talk->back, guest->buffer, size),
                                  WHERRY_NEVER);
        if (result < 0)
            way_unsay(&guest->talk->back, size);
        left -= size;
    }
    return result;
}

static int hear(struct service *service, struct guest *guest, wherry_peer *client,
                wherry_bytes message)
{
    if (service->is_raw)
        return answer_raw(service, guest, client, message);
    if (guest->talk == NULL)
        return greet(service, guest, message);
    if (!way_hear_message(service->stage, &guest->talk->there, message))
        return WHERRY_E_CLOSED;
    return answer(guest, client);
}

/* How a receive says that the connection is over. */
static int end_of(struct service *service, const struct guest *guest, const wherry_peer *client,
                  int result)
{
    if (result == WHERRY_E_CANCELED || result == WHERRY_E_NO_MEMORY)
        return result;
    stage_check(service->stage, result == wherry_peer_end(client), "receive tells %s and end %s",
                wherry_error_name(result), wherry_error_name(wherry_peer_end(client)));
    if (guest->talk != NULL)
        (void)way_end(service->stage, &guest->talk->there, result);
    return result;
}

static int receive(struct service *service, struct guest *guest, wherry_peer *client)
{
    wherry_bytes message;
    int result = wherry_peer_receive(client, &message, WHERRY_NEVER);

    if (result < 0)
        return end_of(service, guest, client, result);
    guest->last = wherry_loop_now(wherry_loop_current());
    return hear(service, guest, client, message);
}

/* Whoever has asked is not refused, though nothing was there. */
static int ask_in_vain(struct service *service, struct guest *guest, wherry_peer *client)
{
    int64_t deadline = wherry_in((int64_t)dice_below(&service->dice, 2000000));
    wherry_bytes message;
    int result = wherry_peer_receive(client, &message, deadline);

    (void)stage_timed(service->stage, deadline, result);
    if (result == WHERRY_E_TIMED_OUT)
        return WHERRY_OK;
    return result < 0 ? end_of(service, guest, client, result)
                      : hear(service, guest, client, message);
}

static int handle(wherry_handler *self, wherry_peer *client)
{
    struct service *service = (struct service *)self;
    struct guest *guest = wherry_peer_user(client);
    int result = WHERRY_OK;

    if (guest->talk == NULL && dice_often(&service->dice, service->refused_often))
        return dice_often(&service->dice, 50) ? WHERRY_OK : WHERRY_E_MALFORMED;
    if (self->eager && dice_often(&service->dice, 30))
        return ask_in_vain(service, guest, client);
    for (unsigned i = 0; i < service->in_a_conversation && result == WHERRY_OK; i++)
        result = receive(service, guest, client);
    return result;
}

static int on_connect(wherry_handler *self, wherry_peer *client)
{
    struct service *service = (struct service *)self;
    struct guest *guest;

    stage_check(service->stage, service->starts == service->stops + 1,
                "a client came before the start, or after the end");
    if (dice_often(&service->dice, service->refused_often))
        return WHERRY_E_CLOSED;
    guest = stage_take(service->stage, sizeof(*guest));
    guest->buffer = stage_take(service->stage, service->most);
    guest->ear = ear_for_visitor(service->stage);
    guest->last = wherry_loop_now(wherry_loop_current());
    wherry_peer_set_user(client, guest);
    service->connects++;
    service->inside++;
    stage_check(service->stage,
                service->inside <= service->clients_max ||
                    stage_was_struck(service->stage, WHERRY_FAULT_NO_MEMORY),
                "%zu clients, and %zu are allowed", service->inside, service->clients_max);
    return WHERRY_OK;
}

static void on_disconnect(wherry_handler *self, wherry_peer *client, int reason)
{
    struct service *service = (struct service *)self;
    struct guest *guest = wherry_peer_user(client);

    stage_check(service->stage, reason < 0, "a client went for no reason");
    service->disconnects++;
    service->inside--;
    if (reason == WHERRY_E_IDLE)
        stage_check(service->stage,
                    wherry_loop_now(wherry_loop_current()) >=
                        guest->last + service->server_stream.idle_timeout,
                    "a client was taken for idle too early");
    if (guest->talk == NULL)
        return;
    if (service->is_local && reason != WHERRY_E_END)
        atomic_store(&guest->talk->back.is_cut, true);
    way_finish(&guest->talk->back);
}

static int on_start(wherry_handler *self, wherry_server *server)
{
    struct service *service = (struct service *)self;

    (void)server;
    service->starts++;
    return WHERRY_OK;
}

static void on_stop(wherry_handler *self, wherry_server *server)
{
    struct service *service = (struct service *)self;

    stage_check(service->stage, wherry_server_clients(server) == 0,
                "%zu clients outlive their server", wherry_server_clients(server));
    service->stops++;
}

/* --- servers */

static void place(const struct service *service, unsigned host, unsigned slot, char *text)
{
    wherry_address address;

    if (service->is_local) {
        stage_unix(service->stage, slot, text, SERVICE_TEXT_SIZE);
        return;
    }
    stage_place(service->stage, host, slot, &address);
    (void)wherry_endpoint_format(WHERRY_TRANSPORT_TCP, &address, text, SERVICE_TEXT_SIZE);
}

bool service_endpoint(const struct service *service, unsigned host, unsigned slot, char *text)
{
    wherry_address address;

    /* First: elsewhere the server may be about to tell. */
    if (!service->is_local && !stage_find(service->stage, host, slot, &address))
        return false;
    place(service, host, slot, text);
    return true;
}

wherry_server_options service_options(struct service *service, unsigned host, unsigned slot,
                                      char *text)
{
    service->inside = service->connects = service->disconnects = 0;
    service->starts = service->stops = 0;
    place(service, host, slot, text);
    return (wherry_server_options){ .size = sizeof(wherry_server_options),
                                    .endpoints = text,
                                    .protocol = service->protocol,
                                    .handler = &service->handler,
                                    .clients_max = service->clients_max,
                                    .accepted_per_pass = service->accepted_per_pass,
                                    .messages_per_pass = service->messages_per_pass,
                                    .grace = service->grace,
                                    .backlog = service->backlog,
                                    .stream = &service->server_stream };
}

int service_start(struct service *service, wherry_server **server, unsigned host, unsigned slot)
{
    char text[SERVICE_TEXT_SIZE];
    wherry_server_options options = service_options(service, host, slot, text);
    wherry_address address;
    int result;

    options.result = server;
    result = wherry_server_new_with(&options);
    if (result < 0)
        return result;
    result = wherry_server_start(*server);
    if (result < 0)
        wherry_server_free(*server);
    else if (wherry_server_address(*server, 0, &address) == WHERRY_OK && !service->is_local)
        stage_placed(service->stage, slot, &address);
    return result;
}

static void drain(struct service *service, wherry_server *server)
{
    int64_t span = (int64_t)dice_below(&service->dice, 3000000000);
    int64_t deadline = wherry_in(stage_span(service->stage, span));
    int result = wherry_server_drain(server, deadline);

    stage_check(service->stage,
                result == WHERRY_OK || result == WHERRY_E_TIMED_OUT || result == WHERRY_E_CANCELED,
                "drain ended with %s", wherry_error_name(result));
    if (result == WHERRY_OK)
        (void)stage_timed(service->stage, deadline, result);
}

/* What was told of comes in pairs, and nothing behind the end. */
int service_stop(struct service *service, wherry_server *server)
{
    int64_t deadline = WHERRY_NEVER;
    int result;

    if (dice_often(&service->dice, 40))
        drain(service, server);
    else if (dice_often(&service->dice, 40)) {
        wherry_server_stop(server);
        deadline = wherry_in(service->grace);
        result = stage_timed(service->stage, deadline, wherry_server_wait(server, deadline));
        stage_check(service->stage,
                    result == WHERRY_OK || result == WHERRY_E_CANCELED ||
                        result == WHERRY_E_TIMED_OUT,
                    "waiting for the end gave %s", wherry_error_name(result));
    }
    wherry_server_free(server);
    stage_check(service->stage, service->starts == service->stops, "%zu starts and %zu stops",
                service->starts, service->stops);
    if (!stage_was_struck(service->stage, WHERRY_FAULT_NO_MEMORY))
        stage_check(service->stage,
                    service->connects == service->disconnects && service->inside == 0,
                    "%zu connects and %zu disconnects", service->connects, service->disconnects);
    return WHERRY_OK;
}

int service_run(struct stage *stage, void *argument)
{
    struct service *service = argument;
    wherry_server *server;
    int result = service_start(service, &server, 1, 0);

    if (result < 0)
        return result;
    result = stage_wait_over(stage);
    (void)service_stop(service, server);
    return result;
}

int service_stand(struct stage *stage, unsigned host, unsigned slot, wherry_server_options options)
{
    char text[SERVICE_TEXT_SIZE];
    wherry_address address;
    wherry_server *server;
    int result;

    stage_place(stage, host, slot, &address);
    (void)wherry_endpoint_format(WHERRY_TRANSPORT_TCP, &address, text, sizeof(text));
    options.size = sizeof(options);
    options.result = &server;
    options.endpoints = text;
    result = wherry_server_new_with(&options);
    if (result < 0)
        return result;
    result = wherry_server_start(server);
    if (result == WHERRY_OK && wherry_server_address(server, 0, &address) == WHERRY_OK) {
        stage_placed(stage, slot, &address);
        result = stage_wait_over(stage);
    }
    wherry_server_free(server);
    return result;
}

/* --- what is drawn */

static const struct framing {
    const char *name;
    size_t least, most;
} framings[] = {
    { "raw", 1, 4000 },
    { "lines", 0, 4000 },
    { "crlf", 0, 4000 },
    { "cr", 0, 4000 },
    { "separator:%00%0D%00", 0, 4000 },
    { "separator:%FF", 0, 4000 },
    { "length8", 0, 255 },
    { "length16", 0, 4000 },
    { "length32", 0, 9000 },
    { "length64", 0, 4000 },
    { "length16-le", 0, 4000 },
    { "length32-le", 0, 70000 },
    { "length64-le", 0, 4000 },
    { "fixed:8", 8, 8 },
    { "fixed:1000", 1000, 1000 },
};

static void draw_framing(struct service *service, struct dice *dice)
{
    const struct framing
        *framing = &framings[dice_below(dice, sizeof(framings) / sizeof(framings[0]))];
    size_t spare = dice_size(dice, 1000);

    service->is_raw = framing->name[0] == 'r';
    service->least = framing->least;
    service->most = framing->most;
    if (framing->least == 0)
        service->most = TALK_HEAD + dice_size(dice, framing->most - TALK_HEAD);
    if (framing->least != 0 || framing->most == 255)
        spare = 0;
    if (wherry_protocol_new(&service->protocol, .name = framing->name,
                            .message_size_max = service->most + spare) < 0)
        stage_check(service->stage, false, "no protocol: %s", wherry_problem());
}

static void end(void *argument)
{
    struct service *service = argument;

    wherry_protocol_free(service->protocol);
}

struct service *service_new(struct stage *stage)
{
    struct service *service = stage_take(stage, sizeof(*service));
    struct dice *dice = stage_dice(stage);

    service->stage = stage;
    service->handler = (wherry_handler){ .handle = handle,
                                         .on_start = on_start,
                                         .on_stop = on_stop,
                                         .on_connect = on_connect,
                                         .on_disconnect = on_disconnect,
                                         .eager = dice_often(dice, 20) };
    service->dice = stage_dice_for(stage, 2000);
    service->count_most = 1 + (unsigned)dice_size(dice, 60);
    service->clients_max = 10000;
    service->in_a_conversation = 1 + (unsigned)dice_size(dice, 4);
    service->grace = stage_span(stage, (int64_t)dice_between(dice, 1, 4000000000));
    service->accepted_per_pass = dice_often(dice, 30) ? 1 : 0;
    service->messages_per_pass = dice_often(dice, 30) ? 1 + dice_size(dice, 5) : 0;
    service->backlog = dice_often(dice, 20) ? 1 : 0;
    draw_framing(service, dice);
    if (dice_often(dice, 30))
        service->server_stream.receive_max = 1 + dice_size(dice, 5000);
    if (dice_often(dice, 30))
        service->server_stream.send_max = 1 + dice_size(dice, 5000);
    if (dice_often(dice, 30))
        service->client_stream.send_max = 1 + dice_size(dice, 5000);
    if (dice_often(dice, 30))
        service->client_stream.receive_max = 1 + dice_size(dice, 5000);
    stage_at_end(stage, end, service);
    return service;
}
