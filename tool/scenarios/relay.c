/* Scenario: a server that relays between its clients and another server, with a connection there
 * for each of its own. What passes it is not its business: both ends check that. */
#include <string.h>

#include "messages.h"
#include "scenes.h"

struct relay {
    wherry_handler handler;
    struct stage *stage;
    struct service *service;  /* at the other end */
    struct passage *passages; /* of this run */
};

/* One client, and who answers it. */
struct passage {
    struct passage *next;
    struct relay *relay;
    wherry_peer *client, *server;
    wherry_task *back;
    bool is_whole; /* both directions ended in order */
};

/* From one to the other, until an end. */
static int pass_all(wherry_peer *from, wherry_peer *to)
{
    wherry_bytes message;
    int result;

    do {
        result = wherry_peer_receive(from, &message, WHERRY_NEVER);
        if (result == WHERRY_OK)
            result = wherry_peer_send(to, message, WHERRY_NEVER);
    } while (result == WHERRY_OK);
    return result;
}

/* An end that is none is passed on as a reset. */
static int bring_back(void *argument)
{
    struct passage *this = argument;
    wherry_peer *client = wherry_peer_hold(this->client);
    wherry_peer *server = wherry_peer_hold(this->server);
    int result = pass_all(server, client);

    if (result == WHERRY_E_END && wherry_peer_end(server) == WHERRY_E_END) {
        (void)wherry_peer_shutdown(client);
        result = WHERRY_OK;
    } else {
        wherry_peer_abort(client);
        result = WHERRY_E_RESET;
    }
    wherry_peer_release(server);
    wherry_peer_release(client);
    return result;
}

static int handle(wherry_handler *self, wherry_peer *client)
{
    struct passage *this = wherry_peer_user(client);
    int result = pass_all(client, this->server), back = WHERRY_OK;

    (void)self;
    if (result == WHERRY_E_END) {
        (void)wherry_peer_shutdown(this->server);
        result = wherry_task_join(this->back, &back, WHERRY_NEVER);
        this->is_whole = result == WHERRY_OK && back == WHERRY_OK;
    }
    if (!this->is_whole)
        wherry_peer_abort(client);
    return WHERRY_E_END;
}

static int on_connect(wherry_handler *self, wherry_peer *client)
{
    struct relay *relay = (struct relay *)self;
    struct passage *this = stage_take(relay->stage, sizeof(*this));
    int64_t began = wherry_loop_now(wherry_loop_current());
    int64_t deadline = wherry_in(stage_span(relay->stage, WHERRY_SECONDS(10)));
    char text[SERVICE_TEXT_SIZE];
    int result;

    if (!service_endpoint(relay->service, 1, 0, text))
        return WHERRY_E_CLOSED;
    result = wherry_connect(&this->server, text, relay->service->protocol, deadline);
    (void)stage_connected(relay->stage, began, deadline, result);
    if (result < 0)
        return WHERRY_E_CLOSED;
    this->relay = relay;
    this->client = client;
    if (wherry_spawn(&this->back, bring_back, this) < 0) {
        wherry_peer_abort(this->server);
        return WHERRY_E_CLOSED;
    }
    (void)wherry_peer_hold(client); /* until it is dissolved, whoever does that */
    this->next = relay->passages;
    relay->passages = this;
    wherry_peer_set_user(client, this);
    return WHERRY_OK;
}

static void dissolve(struct passage *this)
{
    wherry_task_cancel(this->back);
    while (!wherry_task_ended(this->back) &&
           wherry_task_join(this->back, NULL, WHERRY_NEVER) != WHERRY_E_CANCELED)
        continue;
    wherry_task_release(this->back);
    if (this->is_whole)
        wherry_peer_close(this->server);
    else
        wherry_peer_abort(this->server);
    this->server = NULL;
    wherry_peer_release(this->client);
}

static void on_disconnect(wherry_handler *self, wherry_peer *client, int reason)
{
    (void)self;
    (void)reason;
    dissolve(wherry_peer_user(client));
}

static int run(struct stage *stage, void *argument)
{
    struct relay *relay = argument;
    int result;

    relay->passages = NULL;
    result = service_stand(stage, 2, 1,
                           (wherry_server_options){ .protocol = relay->service->protocol,
                                                    .handler = &relay->handler });
    for (struct passage *this = relay->passages; this != NULL; this = this->next)
        if (this->server != NULL) /* there was no memory for on_disconnect */
            dissolve(this);
    return result;
}

static int call(struct stage *stage, struct caller *caller, int64_t patience)
{
    (void)stage;
    return service_call_at(caller->common, caller, patience, 2, 1);
}

static int prepare(struct stage *stage)
{
    struct relay *relay = stage_take(stage, sizeof(*relay));

    relay->stage = stage;
    relay->service = service_new(stage);
    relay->handler = (wherry_handler){ .handle = handle,
                                       .on_connect = on_connect,
                                       .on_disconnect = on_disconnect };
    (void)stage_trouble(stage, STAGE_PARTITIONS | STAGE_RESETS);
    (void)stage_servant(stage, 1, service_run, relay->service);
    (void)stage_servant(stage, 2, run, relay);
    return stage_callers(stage, (unsigned)dice_between(stage_dice(stage), 1, 4), 6, call,
                         relay->service);
}

const struct scenario relay_scenes[] = {
    { "relay", "a server that passes what it hears to another one, and back", prepare },
    { NULL, NULL, NULL },
};
