/* Serve: a whole server in one call. */
#include <wherry/server.h>

#include <signal.h>
#include <stdio.h>

#include <wherry/error.h>
#include <wherry/signal.h>
#include <wherry/task.h>

#include "base/error.h"
#include "base/options.h"
#include "loop/loop.h"
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
    bool stopped; /* by a signal, perhaps before there was a server */
    int result;
    char problem[WHERRY__PROBLEM_SIZE]; /* the coroutine's, whose storage goes with it */
} program;

static void on_signal(wherry_signal_receiver *self, wherry_signal *signal, int number)
{
    program *this = WHERRY__OWNER(self, program, receiver);

    (void)signal;
    (void)number;
    this->stopped = true;
    if (this->server != NULL)
        wherry_server_stop(this->server);
}

static int body(void *argument)
{
    program *this = argument;

    if (!this->stopped)
        this->result = serve_here(this->options, &this->server);
    if (this->stopped && this->result == WHERRY_E_CANCELED)
        this->result = WHERRY_OK; /* on_start was in the middle of something */
    (void)snprintf(this->problem, sizeof(this->problem), "%s", wherry_problem());
    return WHERRY_OK;
}

static int take_signals(wherry_loop *loop, program *this, wherry_signal *signals[2])
{
    int result = wherry_signal_new(&signals[0], .loop = loop, .number = SIGINT, .once = 1,
                                   .receiver = &this->receiver);

    if (result == WHERRY_OK)
        result = wherry_signal_new(&signals[1], .loop = loop, .number = SIGTERM, .once = 1,
                                   .receiver = &this->receiver);
    return result;
}

static int run(wherry_loop *loop, program *this)
{
    wherry_signal *signals[2] = { NULL, NULL };
    ssize_t done = take_signals(loop, this, signals);

    if (done == WHERRY_OK)
        done = wherry_spawn(NULL, body, this, .name = "serve", .loop = loop);
    while (done >= 0 && loop->task_count > 0)
        done = wherry__loop_pass(loop, WHERRY_NEVER);
    wherry_signal_free(signals[0]);
    wherry_signal_free(signals[1]);
    if (done < 0 || this->result >= 0)
        return (int)(done < 0 ? done : this->result);
    return wherry__fail(this->result, "%s", this->problem);
}

int wherry_serve_with(const wherry_server_options *given)
{
    wherry_server_options options;
    program this = { .receiver = { .arrived = on_signal }, .options = &options };
    wherry_server *unused;
    wherry_loop *loop;
    int result = WHERRY__OPTIONS_COPY(&options, given);

    if (result < 0)
        return result;
    if (options.result != NULL || options.loop != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "options result and loop: not here");
    if (wherry__task_running() != NULL)
        return serve_here(&options, &unused);
    if (wherry_loop_current() != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "a callback cannot wait for a server");
    result = wherry_loop_new(&loop);
    if (result < 0)
        return result;
    result = run(loop, &this);
    wherry_loop_free(loop);
    return result;
}
