/* Client: one connection of a server, and the conversations with it. Between two of them there is
 * no task: what arrives starts one. */
#include "server/server.h"

#include <wherry/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/probe.h"
#include "base/size.h"
#include "loop/task.h"

/* How long until a task that no memory was left for is tried again. */
#define OWED_FOR WHERRY_MILLISECONDS(100)

static bool is_greeted(const wherry__client *client)
{
    return wherry__client_is(client, WHERRY__CLIENT_GREETED);
}

static bool is_owed(const wherry__client *client)
{
    return wherry__client_is(client, WHERRY__CLIENT_OWED);
}

/* --- the end of one */

static void describe(const wherry__client *client, char *text, size_t size)
{
    wherry_address address;

    wherry_peer_remote(&client->peer, &address);
    (void)wherry_address_format(&address, text, size);
}

static void log_failure(const wherry__client *client, int result)
{
    char text[WHERRY_ADDRESS_TEXT_SIZE];
    const char *problem = wherry_problem();

    if (wherry__error_is_quiet(result) || !wherry__log_wants(WHERRY_LOG_ERROR))
        return;
    WHERRY__PROBE("server.client.handler-failed");
    describe(client, text, sizeof(text));
    wherry__log(client->server->loop->now, WHERRY_LOG_ERROR,
                "client %s: the handler failed with %s: %s", text, wherry_error_name(result),
                problem[0] == '\0' ? wherry_error_text(result) : problem);
}

static void remove_client(wherry__client *client)
{
    wherry_server *server = client->server;

    WHERRY__PROBE_IF(!is_greeted(client), "server.client.gone-before-it-was-greeted");
    wherry__client_drop(client);
    wherry__server_client_gone(server);
}

/* Tells on_disconnect, on the task that runs for the client, which a cancellation does not reach
 * for the grace time. */
static void say_goodbye(wherry__client *client, int reason)
{
    wherry_server *server = client->server;
    wherry_task *task = wherry__task_running();

    if (!is_greeted(client) || server->handler->on_disconnect == NULL)
        return;
    wherry__task_shield(task, wherry__instant_after(server->loop->now, server->options.grace));
    server->handler->on_disconnect(server->handler, &client->peer, reason);
    wherry__task_shield(task, 0);
}

static void finish(wherry__client *client, int reason)
{
    if (!wherry__client_is(client, WHERRY__CLIENT_LATE))
        log_failure(client, reason);
    say_goodbye(client, reason);
    remove_client(client);
}

/* --- conversations */

/* Whether another conversation is to begin: there is a message, or what came in its place.
 * Otherwise *reason is why the client's time is over, or WHERRY_OK when it is only silent. */
static bool has_more(wherry__client *client, int *reason)
{
    wherry_peer *peer = &client->peer;

    *reason = WHERRY_OK;
    if (peer->stream->closed) {
        WHERRY__PROBE("server.client.closed-by-its-handler");
        *reason = WHERRY_E_CLOSED;
        return false;
    }
    if (client->server->state != WHERRY__SERVER_RUNNING) {
        WHERRY__PROBE("server.client.no-more-conversations");
        *reason = WHERRY_E_CANCELED;
        return false;
    }
    wherry__peer_done(peer);
    if (!wherry__peer_ready(peer))
        return client->server->handler->eager != 0;
    if (peer->next == WHERRY_E_WOULD_BLOCK)
        *reason = wherry_peer_end(peer);
    return *reason == WHERRY_OK;
}

/* One call of handle. One that asked in vain must not be repeated without end in one pass. */
static int converse(wherry__client *client)
{
    wherry_handler *handler = client->server->handler;
    wherry_peer *peer = &client->peer;
    int result;

    peer->asked = false;
    peer->received = false;
    result = handler->handle(handler, peer);
    if (result < 0)
        return result;
    if (peer->received || peer->stream->closed)
        return WHERRY_OK;
    WHERRY__PROBE_IF(peer->asked, "server.client.asked-in-vain");
    if (peer->asked)
        return wherry_yield();
    WHERRY__PROBE("server.client.refused");
    wherry_peer_abort(peer); /* refused */
    return WHERRY_E_CLOSED;
}

static int greet(wherry__client *client)
{
    wherry_handler *handler = client->server->handler;
    int result = WHERRY_OK;

    if (is_greeted(client))
        return WHERRY_OK;
    if (handler->on_connect != NULL)
        result = handler->on_connect(handler, &client->peer);
    WHERRY__PROBE_IF(result < 0, "server.client.greeting-failed");
    if (result >= 0)
        client->peer.keeper_state |= WHERRY__CLIENT_GREETED;
    return result < 0 ? result : WHERRY_OK;
}

/* The body of a client's task: all conversations that can begin without waiting for the first
 * message. */
static int run(void *argument)
{
    wherry__client *client = argument;
    int reason = greet(client);

    while (reason == WHERRY_OK && has_more(client, &reason))
        reason = converse(client);
    if (reason == WHERRY_OK)
        client->now.task = NULL;
    else
        finish(client, reason);
    return WHERRY_OK;
}

/* The body of a task that only says goodbye. */
static int leave(void *argument)
{
    wherry__client *client = argument;

    finish(client,
           wherry__client_is(client, WHERRY__CLIENT_LATE) ? WHERRY_E_NO_MEMORY : WHERRY_E_CANCELED);
    return WHERRY_OK;
}

static int start(wherry__client *client, wherry_body *body)
{
    wherry_task *task;
    int result = wherry__spawn_last(&task, client->server->loop, "client", body, client);

    if (result < 0)
        return result;
    client->now.task = task;
    client->peer.keeper_state &= (uint8_t)~WHERRY__CLIENT_OWED;
    return WHERRY_OK;
}

/* Goodbye is said when there is memory for that again, if it is within the grace time. */
static void owe(wherry__client *client)
{
    wherry_server *server = client->server;

    if (!is_owed(client))
        client->now.owed = 0;
    client->peer.keeper_state |= WHERRY__CLIENT_OWED | WHERRY__CLIENT_LATE;
    client->now.owed += OWED_FOR;
    if (client->now.owed > server->options.grace) {
        WHERRY__PROBE("server.client.no-goodbye");
        wherry__log(server->loop->now, WHERRY_LOG_ERROR,
                    "a client goes without a goodbye: there was no memory for it in time");
        remove_client(client);
        return;
    }
    if (!wherry__deadline_armed(&server->debts))
        wherry__deadline_arm(&server->loop->deadlines, &server->debts,
                             wherry__instant_after(server->loop->now, OWED_FOR));
}

void wherry__server_pay(wherry__deadline *deadline)
{
    wherry_server *server = WHERRY__OWNER(deadline, wherry_server, debts);
    wherry__link *link = server->clients.next;

    while (link != &server->clients) {
        wherry__client *client = WHERRY__OWNER(link, wherry__client, link);

        link = link->next;
        if (is_owed(client) && start(client, leave) < 0)
            owe(client);
    }
}

static void start_or_abort(wherry__client *client, wherry_body *body)
{
    int result = start(client, body);

    if (result == WHERRY_OK)
        return;
    WHERRY__PROBE("server.client.no-task");
    wherry__log(client->server->loop->now, WHERRY_LOG_ERROR, "a client is dropped: %s",
                wherry_error_text(result));
    wherry_stream_abort(client->peer.stream);
    if (is_greeted(client) && client->server->handler->on_disconnect != NULL)
        owe(client);
    else
        remove_client(client);
}

/* Something can be received, the end has come, or somebody closed the peer; and no conversation is
 * under way. */
static void on_notify(wherry_peer *peer)
{
    wherry__client *client = WHERRY__OWNER(peer, wherry__client, peer);

    if (wherry__client_task(client) != NULL || is_owed(client))
        return;
    if (peer->next == WHERRY_E_WOULD_BLOCK && is_greeted(client) &&
        client->server->handler->on_disconnect == NULL)
        remove_client(client);
    else
        start_or_abort(client, run);
}

/* --- from the server */

void wherry__client_drop(wherry__client *client)
{
    client->peer.notify = NULL;
    wherry__link_remove(&client->link);
    wherry_peer_close(&client->peer);
}

int wherry__client_new(wherry_server *server, wherry_stream *stream)
{
    wherry__client *client;
    wherry_peer *peer;
    int result = wherry__peer_make(&peer, sizeof(*client), stream, server->protocol,
                                   server->options.messages_per_pass);

    if (result < 0)
        return result;
    client = WHERRY__OWNER(peer, wherry__client, peer);
    client->server = server;
    peer->notify = on_notify;
    wherry__list_append(&server->clients, &client->link);
    server->client_count++;
    if (server->handler->on_connect != NULL || server->handler->eager)
        start_or_abort(client, run);
    else
        peer->keeper_state = WHERRY__CLIENT_GREETED;
    return WHERRY_OK;
}

bool wherry__client_is_silent(const wherry__client *client)
{
    const wherry_peer *peer = &client->peer;

    if (wherry__client_task(client) == NULL)
        return true;
    return is_greeted(client) && peer->receiver != NULL && !peer->received &&
           peer->next == WHERRY_E_WOULD_BLOCK; /* an eager one in its first receive */
}

void wherry__client_stop(wherry__client *client)
{
    wherry_task *task = wherry__client_task(client);

    WHERRY__PROBE_IF(task != NULL, "server.stop.in-a-conversation");
    WHERRY__PROBE_IF(task == NULL, "server.stop.between-conversations");
    if (task != NULL)
        wherry_task_cancel(task);
    else if (client->server->handler->on_disconnect == NULL)
        remove_client(client);
    else if (!is_owed(client))
        start_or_abort(client, leave);
}
