/* Serve: a whole server in one call. */
#include <wherry/server.h>

#include <signal.h>

#include <wherry/error.h>
#include <wherry/signal.h>
#include <wherry/task.h>

#include "base/error.h"
#include "base/list.h"
#include "base/options.h"
#include "base/probe.h"
#include "loop/task.h"

/* On a coroutine: from the start to the end. */
static int serve_here(const wherry_server_options *options, wherry_server **place)
{
    wherry_server_options mine = *options;
    wherry_server *server;
    int result;

    mine.result = &server;
    result = wherry_server_new_with(&mine);
    if (result < 0)
        return result;
    *place = server;
    result = wherry_server_start(server);
    if (result == WHERRY_OK)
        result = wherry_server_wait(server, WHERRY_NEVER);
    *place = NULL;
    wherry_server_free(server);
    return result;
}

/* --- outside of any loop */

typedef struct program {
    wherry_signal_receiver receiver; /* first */
    const wherry_server_options *options;
    wherry_server *server;
    bool stopped; /* by a signal */
} program;

static void on_signal(wherry_signal_receiver *self, wherry_signal *signal, int number)
{
    program *this = WHERRY__OWNER(self, program, receiver);

    (void)signal;
    (void)number;
    WHERRY__PROBE("server.stop.by-a-signal");
    WHERRY__PROBE_IF(this->server == NULL, "server.stop.by-a-signal.too-early");
    this->stopped = true;
    if (this->server != NULL)
        wherry_server_stop(this->server);
}

static int take_signals(program *this, wherry_signal *signals[2])
{
    int result = wherry_signal_new(&signals[0], .number = SIGINT, .once = 1,
                                   .receiver = &this->receiver);

    if (result == WHERRY_OK)
        result = wherry_signal_new(&signals[1], .number = SIGTERM, .once = 1,
                                   .receiver = &this->receiver);
    return result;
}

static int body(void *argument)
{
    program *this = argument;
    wherry_signal *signals[2] = { NULL, NULL };
    int result = take_signals(this, signals);

    if (result == WHERRY_OK)
        result = serve_here(this->options, &this->server);
    if (this->stopped && result == WHERRY_E_CANCELED) /* on_start was in the middle of something */
        result = WHERRY_OK;
    wherry_signal_free(signals[0]);
    wherry_signal_free(signals[1]);
    return result;
}

int wherry_serve_with(const wherry_server_options *given)
{
    wherry_server_options options;
    program this = { .receiver = { .arrived = on_signal }, .options = &options };
    int result = WHERRY__OPTIONS_COPY(&options, given);

    if (result < 0)
        return result;
    if (options.result != NULL || options.loop != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "options result and loop: not here");
    if (wherry__task_running() != NULL)
        return serve_here(&options, &this.server);
    if (wherry_loop_current() != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "a callback cannot wait for a server");
    return wherry_run(body, &this);
}
