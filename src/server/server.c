/* Server: its life, from the start to the last client's end. One task runs it:
 *
 *     on_start --> clients come and go --> stop, drain --> doors closed, clients ended --> on_stop
 */
#include "server/server.h"

#include <wherry/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "base/probe.h"
#include "base/size.h"
#include "loop/task.h"

#define CLIENTS_MAX_DEFAULT 10000
#define GRACE_DEFAULT WHERRY_SECONDS(5)

/* --- storage */

/* A stop's post that is under way gives the storage back itself. */
static void release(wherry_server *server)
{
    wherry_loop *loop = server->loop;
    wherry_memory *memory = wherry__loop_memory(loop);

    WHERRY__PROBE_IF(server->holds == 1 && atomic_load(&server->stop_posted),
                     "server.free.stop-is-posted");
    if (--server->holds > 0 || atomic_load(&server->stop_posted))
        return;
    while (!wherry__list_empty(&server->clients)) /* those who are owed a goodbye */
        wherry__client_drop(WHERRY__OWNER(server->clients.next, wherry__client, link));
    wherry__server_close_doors(server); /* of a server whose task was given up */
    wherry__memory_give(memory, server->doors, server->door_room * sizeof(*server->doors));
    wherry__memory_give(memory, server->names, server->name_count * sizeof(*server->names));
    wherry__memory_give(memory, server, sizeof(*server));
    wherry__loop_release(loop);
}

/* --- clients */

static void on_accepted(wherry_listener_events *self, wherry_listener *listener,
                        wherry_stream *stream)
{
    wherry_server *server = WHERRY__OWNER(self, wherry_server, events);

    (void)listener;
    if (wherry__client_new(server, stream) < 0) {
        WHERRY__PROBE("server.client.no-memory");
        wherry__log(server->loop->now, WHERRY_LOG_ERROR, "a client is dropped: %s",
                    wherry_error_text(WHERRY_E_NO_MEMORY));
        wherry_stream_abort(stream);
        wherry_stream_free(stream);
        return;
    }
    if (server->client_count < server->options.clients_max)
        return;
    WHERRY__PROBE("server.full");
    server->full = true;
    wherry__server_let_in(server, false);
}

void wherry__server_client_gone(wherry_server *server)
{
    server->client_count--;
    if (server->full && server->state == WHERRY__SERVER_RUNNING) {
        WHERRY__PROBE("server.full-no-more");
        server->full = false;
        wherry__server_let_in(server, true);
    }
    if (server->client_count == 0)
        wherry__wait_wake_all(&server->waiters, WHERRY_OK);
}

static void for_all_clients(wherry_server *server, void (*call)(wherry__client *client))
{
    wherry__link *link = server->clients.next;

    while (link != &server->clients) {
        wherry__client *client = WHERRY__OWNER(link, wherry__client, link);

        link = link->next;
        call(client);
    }
}

static void stop_silent(wherry__client *client)
{
    if (wherry__client_is_silent(client))
        wherry__client_stop(client);
}

bool wherry__server_is_inside(const wherry_server *server)
{
    wherry_task *task = wherry__task_running();

    if (task == NULL)
        return false;
    if (task == server->task)
        return true;
    for (const wherry__link *link = server->clients.next; link != &server->clients;
         link = link->next)
        if (wherry__client_task(WHERRY__OWNER(link, wherry__client, link)) == task)
            return true;
    return false;
}

/* --- its task */

int wherry__server_wait_for_change(wherry_server *server, int64_t deadline)
{
    return wherry__wait_in(server->loop, &server->waiters, "a server", deadline, NULL);
}

static void set_state(wherry_server *server, wherry__server_state state)
{
    if (server->state >= state)
        return;
    server->state = state;
    wherry__wait_wake_all(&server->waiters, WHERRY_OK);
}

/* Lets clients in until somebody stops the server, or drains it, or its task is canceled. */
static void serve(wherry_server *server)
{
    int result = WHERRY_OK;

    wherry__server_let_in(server, true);
    while (result == WHERRY_OK && server->state == WHERRY__SERVER_RUNNING)
        result = wherry__server_wait_for_change(server, WHERRY_NEVER);
    WHERRY__PROBE_IF(result < 0, "server.canceled-while-it-serves");
    if (result < 0)
        set_state(server, WHERRY__SERVER_STOPPING);
    wherry__server_close_doors(server);
}

/* Ends all clients: silent ones now, the others when they are done or the state says so. Those that
 * are canceled end soon, for all their waits are refused, those of on_disconnect after the grace
 * time. */
static void end_clients(wherry_server *server)
{
    wherry_task *task = wherry__task_running();
    int result = WHERRY_OK;

    for_all_clients(server, stop_silent);
    while (result == WHERRY_OK && server->client_count > 0 &&
           server->state == WHERRY__SERVER_DRAINING)
        result = wherry__server_wait_for_change(server, WHERRY_NEVER);
    WHERRY__PROBE_IF(server->client_count > 0, "server.end.clients-are-there");
    set_state(server, WHERRY__SERVER_STOPPING);
    for_all_clients(server, wherry__client_stop);
    wherry__task_shield(task, WHERRY_NEVER);
    while (server->client_count > 0 &&
           wherry__server_wait_for_change(server, WHERRY_NEVER) == WHERRY_OK)
        continue;
    wherry__task_shield(task, 0);
}

static void say_stop(wherry_server *server)
{
    wherry_task *task = wherry__task_running();

    if (server->handler->on_stop == NULL || !server->started)
        return;
    wherry__task_shield(task, wherry__instant_after(server->loop->now, server->options.grace));
    server->handler->on_stop(server->handler, server);
    wherry__task_shield(task, 0);
}

static int run(void *argument)
{
    wherry_server *server = argument;
    int result = WHERRY_OK;

    if (server->handler->on_start != NULL)
        result = server->handler->on_start(server->handler, server);
    WHERRY__PROBE_IF(result < 0, "server.start.failed");
    server->started = result >= 0;
    server->result = result < 0 ? result : WHERRY_OK;
    if (server->started)
        serve(server);
    else
        wherry__server_close_doors(server);
    end_clients(server);
    say_stop(server);
    atomic_store(&server->stoppable, false);
    set_state(server, WHERRY__SERVER_ENDED);
    server->task = NULL;
    release(server);
    return WHERRY_OK;
}

/* --- making and starting one */

static int check_options(const wherry_server_options *options)
{
    if (options->result == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the server");
    if (options->endpoints == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option endpoints: there is none");
    if (options->handler == NULL || options->handler->handle == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option handler: there is none, or no handle in it");
    if (options->protocol != NULL && wherry__protocol_settings(options->protocol) == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option protocol: it is not valid");
    if (options->grace < 0)
        return wherry__fail(WHERRY_E_MISUSE, "option grace: it is negative");
    if (options->stream->events != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option stream: a client's stream has no events");
    if (options->stream->socket != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option stream: its socket: say it as the server's");
    return WHERRY_OK;
}

/* Copies what is given, the streams' options included, and checks it. */
static int read_options(wherry_server_options *options, wherry_stream_options *stream,
                        const wherry_server_options *given)
{
    int result = WHERRY__OPTIONS_COPY(options, given);

    if (result < 0)
        return result;
    result = wherry__stream_limits_copy(stream, options->stream);
    options->stream = stream;
    return result < 0 ? result : check_options(options);
}

static void on_stop_post(wherry_post *post);

static void init(wherry_server *server, wherry_loop *loop, const wherry_server_options *options)
{
    server->events.accepted = on_accepted;
    server->loop = loop;
    server->handler = options->handler;
    server->protocol = options->protocol == NULL ? &wherry_raw : options->protocol;
    server->options = *options;
    server->options.endpoints = NULL;
    server->options.stream = NULL;
    server->options.socket = NULL;
    server->stream = *options->stream;
    if (options->clients_max == 0)
        server->options.clients_max = CLIENTS_MAX_DEFAULT;
    if (options->grace == 0)
        server->options.grace = GRACE_DEFAULT;
    server->stop_post.run = on_stop_post;
    server->holds = 1;
    wherry__link_init(&server->clients);
    wherry__deadline_init(&server->debts, wherry__server_pay);
    wherry__link_init(&server->waiters);
    wherry__loop_hold(loop);
}

int wherry_server_new_with(const wherry_server_options *given)
{
    wherry_server_options options;
    wherry_stream_options stream_options;
    wherry_server *server;
    wherry_loop *loop;
    int result = read_options(&options, &stream_options, given);

    if (result < 0)
        return result;
    loop = wherry__loop_choose(options.loop);
    if (loop == NULL)
        return WHERRY_E_MISUSE;
    server = wherry__memory_take(wherry__loop_memory(loop), sizeof(*server));
    if (server == NULL)
        return WHERRY_E_NO_MEMORY;
    init(server, loop, &options);
    result = wherry__socket_keep(&server->socket, options.socket, WHERRY__SOCKET_LISTENS);
    if (result == WHERRY_OK)
        result = wherry__server_read_endpoints(server, options.endpoints);
    if (result < 0)
        release(server);
    else
        *options.result = server;
    return result < 0 ? result : WHERRY_OK;
}

/* Looks its names up, which others may use to stop or free it. */
static int look_up(wherry_server *server)
{
    int result;

    server->holds++;
    server->starting = true;
    atomic_store(&server->stoppable, true);
    result = wherry__server_look_up(server);
    atomic_store(&server->stoppable, false);
    server->starting = server->unwanted = false;
    release(server);
    return result;
}

static int open_all(wherry_server *server)
{
    int result = server->name_count == 0 ? WHERRY_OK : look_up(server);

    if (result < 0)
        return result;
    result = wherry__server_open_doors(server);
    if (result < 0)
        wherry__server_drop_named_doors(server);
    return result;
}

int wherry_server_start(wherry_server *server)
{
    int result;

    if (server->state != WHERRY__SERVER_NEW || server->starting)
        return wherry__fail(WHERRY_E_MISUSE, "the server was started before");
    if (server->loop->ending)
        return wherry__fail(WHERRY_E_CANCELED, "no server can be started: the loop is being freed");
    result = open_all(server);
    if (result < 0)
        return result;
    result = wherry__spawn_last(&server->task, server->loop, "server", run, server);
    if (result < 0) {
        wherry__server_close_doors(server);
        wherry__server_drop_named_doors(server);
        return result;
    }
    server->holds++;
    server->state = WHERRY__SERVER_RUNNING;
    atomic_store(&server->stoppable, true);
    return WHERRY_OK;
}

/* --- stopping */

/* Once on_start has returned, the state is enough for the server's task; before, it may wait. */
static void stop_now(wherry_server *server)
{
    if (server->starting && !server->loop->freed) {
        server->unwanted = true;
        wherry__wait_wake_all(&server->waiters, WHERRY_OK);
        return;
    }
    if ((server->state != WHERRY__SERVER_RUNNING && server->state != WHERRY__SERVER_DRAINING) ||
        server->loop->freed)
        return;
    set_state(server, WHERRY__SERVER_STOPPING);
    WHERRY__PROBE_IF(!server->started, "server.stop.while-it-starts");
    if (!server->started)
        wherry_task_cancel(server->task);
}

static void on_stop_post(wherry_post *post)
{
    wherry_server *server = WHERRY__OWNER(post, wherry_server, stop_post);

    atomic_store(&server->stop_posted, false);
    server->holds++;
    stop_now(server);
    release(server);
}

void wherry_server_stop(wherry_server *server)
{
    if (atomic_load(&server->stoppable) && !atomic_exchange(&server->stop_posted, true))
        wherry_loop_post(server->loop, &server->stop_post);
}

static int check_outside(const wherry_server *server)
{
    if (server->state == WHERRY__SERVER_NEW)
        return wherry__fail(WHERRY_E_MISUSE, "the server was not started");
    if (wherry__server_is_inside(server))
        return wherry__fail(WHERRY_E_MISUSE, "a server's own handlers cannot wait for its end");
    return WHERRY_OK;
}

int wherry_server_wait(wherry_server *server, int64_t deadline)
{
    int result = check_outside(server);

    server->holds++; /* its owner may free it meanwhile */
    while (result == WHERRY_OK && server->state != WHERRY__SERVER_ENDED)
        result = WHERRY__WAITED("server.wait", wherry__server_wait_for_change(server, deadline));
    if (result == WHERRY_OK)
        result = server->result;
    release(server);
    return result;
}

/* Waits for the end whatever happens to the task that waits. */
static void wait_shielded(wherry_server *server)
{
    wherry_task *task = wherry__task_running();
    int64_t former = task->shield;

    wherry__task_shield(task, WHERRY_NEVER);
    (void)wherry_server_wait(server, WHERRY_NEVER);
    wherry__task_shield(task, former);
}

int wherry_server_drain(wherry_server *server, int64_t deadline)
{
    int result = check_outside(server);

    if (result == WHERRY_OK && wherry__task_running() == NULL)
        result = wherry__fail(WHERRY_E_MISUSE, "only coroutines can drain a server");
    if (result < 0)
        return result;
    server->holds++;
    set_state(server, WHERRY__SERVER_DRAINING);
    result = wherry_server_wait(server, deadline);
    if (server->state == WHERRY__SERVER_ENDED) {
        result = WHERRY_OK;
    } else {
        WHERRY__PROBE("server.drain.cut-short");
        stop_now(server);
        wait_shielded(server);
    }
    release(server);
    return result == WHERRY_E_WOULD_BLOCK ? WHERRY_E_TIMED_OUT : result;
}

void wherry_server_free(wherry_server *server)
{
    wherry_task *task = wherry__task_running();

    if (server == NULL)
        return;
    if (wherry__server_is_inside(server)) {
        wherry__log(server->loop->now, WHERRY_LOG_ERROR, "a server was freed by its own handler");
        wherry_server_stop(server);
        return;
    }
    stop_now(server);
    if (task != NULL && task->loop == server->loop && server->state != WHERRY__SERVER_NEW)
        wait_shielded(server);
    if (server->loop->freed)
        server->holds = 1; /* tasks that had others do not come back */
    release(server);
}

size_t wherry_server_clients(const wherry_server *server)
{
    return server->client_count;
}
