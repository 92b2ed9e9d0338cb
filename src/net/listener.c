/* Listener: a socket that connections come out of.
 *
 * Errors of accept(2) are of three kinds: those of one connection, which is then gone; those of the
 * machine, which pass, and for which the listener pauses instead of being told in every pass that
 * it is ready; and the end of the listening socket.
 */
#include "net/listener.h"

#include <wherry/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "base/probe.h"
#include "base/size.h"
#include "loop/task.h"
#include "net/socket.h"
#include "net/stream.h"

#define ACCEPTED_PER_PASS_DEFAULT 64

/* --- accepting */

/* A listener that cannot be watched is closed. */
static int watch(wherry_listener *listener)
{
    bool wanted = !listener->closed && !listener->paused && !listener->resting &&
                  (listener->events != NULL || listener->factory != NULL || listener->in_use);
    int result = wherry__source_watch(listener->loop, &listener->source,
                                      wanted ? (unsigned)WHERRY_READABLE : 0);

    if (result < 0)
        wherry_listener_close(listener);
    return result;
}

static void rest(wherry_listener *listener, int code)
{
    wherry__socket_log_pause(listener->loop->now, "listener", code);
    WHERRY__PROBE("listener.rests");
    listener->resting = true;
    wherry__deadline_arm(&listener->loop->deadlines, &listener->pause,
                         wherry__instant_after(listener->loop->now, WHERRY__ACCEPT_PAUSE));
}

static void on_rested(wherry__deadline *deadline)
{
    wherry_listener *listener = WHERRY__OWNER(deadline, wherry_listener, pause);

    WHERRY__PROBE("listener.rested");
    listener->resting = false;
    (void)watch(listener);
}

static int take_away(wherry_listener *listener)
{
    wherry__log(listener->loop->now, WHERRY_LOG_ERROR, "a listening socket was taken away");
    wherry_listener_close(listener);
    return WHERRY_E_CLOSED;
}

/* WHERRY_OK, or WHERRY_E_RESET: nothing became of it. */
static int take_in(wherry_listener *listener, int descriptor, const wherry_address *remote,
                   wherry_stream **stream)
{
    int result;

    wherry__socket_set_buffers(listener->loop->system, descriptor, listener->send_buffer,
                               listener->receive_buffer);
    if (listener->factory != NULL)
        result = wherry__socket_hand_over(listener->loop->system, descriptor, remote,
                                          listener->factory, listener->server, listener->closer,
                                          NULL);
    else
        result = wherry__stream_accepted(listener->loop, descriptor, remote, &listener->stream,
                                         stream);
    WHERRY__PROBE_IF(result < 0, "listener.accept.no-stream");
    if (result < 0 && listener->factory == NULL) /* an orderly end would say that it was served */
        wherry__socket_drop(listener->loop->system, descriptor);
    return result < 0 ? WHERRY_E_RESET : WHERRY_OK;
}

/* Accepts one. WHERRY_OK; WHERRY_E_WOULD_BLOCK: none waits; WHERRY_E_RESET: one came to nothing;
 * WHERRY_E_NO_DESCRIPTORS: it rests now; WHERRY_E_CLOSED. */
static int accept_one(wherry_listener *listener, wherry_stream **stream)
{
    wherry_address remote;
    int descriptor = wherry__socket_accept(listener->loop->system, listener->source.descriptor,
                                           &remote);
    int code;

    if (descriptor >= 0)
        return take_in(listener, descriptor, &remote, stream);
    code = wherry__socket_accept_code(descriptor);
    WHERRY__PROBE_IF(code == WHERRY_E_WOULD_BLOCK, "listener.accept.nobody-there");
    WHERRY__PROBE_IF(code == WHERRY_E_RESET, "listener.accept.came-to-nothing");
    if (code == WHERRY_E_WOULD_BLOCK || code == WHERRY_E_RESET)
        return code;
    if (code == WHERRY_E_INVALID)
        return take_away(listener);
    rest(listener, wherry__error_from_errno(descriptor));
    return WHERRY_E_NO_DESCRIPTORS;
}

/* Whether somebody is told, who need not ask. */
static bool is_told(const wherry_listener *listener)
{
    return listener->events != NULL || listener->factory != NULL;
}

static void on_ready(wherry__source *source, unsigned events)
{
    wherry_listener *listener = WHERRY__OWNER(source, wherry_listener, source);
    int result = WHERRY_OK;

    (void)events;
    if (!is_told(listener) && listener->waiting != NULL)
        wherry__wait_wake(listener->waiting, WHERRY_OK);
    for (size_t i = 0; i < listener->accepted_per_pass && is_told(listener); i++) {
        wherry_stream *stream = NULL;

        WHERRY__PROBE_IF(listener->closed, "listener.closed-when-it-accepted");
        WHERRY__PROBE_IF(listener->paused, "listener.paused-when-it-accepted");
        if (listener->closed || listener->paused ||
            (i > 0 && WHERRY__FAULT_POINT("listener.accept.fewer")))
            break;
        result = accept_one(listener, &stream);
        if (result == WHERRY_OK && listener->events != NULL)
            listener->events->accepted(listener->events, listener, stream);
        else if (result < 0 && result != WHERRY_E_RESET)
            break;
        WHERRY__PROBE_IF(i + 1 == listener->accepted_per_pass, "listener.accept.pass-is-full");
    }
    (void)watch(listener);
}

/* --- the end */

void wherry_listener_close(wherry_listener *listener)
{
    wherry_system *system = listener->loop->system;
    int descriptor = listener->source.descriptor;

    if (listener->closed)
        return;
    listener->closed = true;
    wherry__deadline_disarm(&listener->loop->deadlines, &listener->pause);
    wherry__source_forget(listener->loop, &listener->source);
    if (!listener->keep && descriptor >= 0) {
        if (listener->bound_path)
            wherry__socket_remove_path(system, &listener->address);
        (void)system->close(system, descriptor);
    }
    if (listener->waiting != NULL)
        wherry__wait_wake(listener->waiting, WHERRY_E_CLOSED);
}

static void dismiss(wherry_listener *listener)
{
    if (listener->freed && !listener->in_use)
        wherry__source_dismiss(listener->loop, &listener->source);
}

void wherry_listener_free(wherry_listener *listener)
{
    if (listener == NULL)
        return;
    wherry_listener_close(listener);
    listener->freed = true;
    dismiss(listener);
}

static void on_leave(wherry__source *source)
{
    wherry_listener *listener = WHERRY__OWNER(source, wherry_listener, source);

    listener->in_use = false; /* tasks that did not end are given up */
    wherry_listener_close(listener);
    dismiss(listener);
}

/* The path stays: the parent listens there. */
static void on_forget(wherry__source *source)
{
    WHERRY__OWNER(source, wherry_listener, source)->bound_path = false;
    on_leave(source);
}

static void on_reclaim(wherry__source *source)
{
    wherry_listener *listener = WHERRY__OWNER(source, wherry_listener, source);

    wherry__memory_give(wherry__loop_memory(listener->loop), listener, sizeof(*listener));
}

static const wherry__source_class class = {
    .ready = on_ready,
    .leave = on_leave,
    .forget = on_forget,
    .reclaim = on_reclaim,
};

/* --- making one */

static int check_options(const wherry_listener_options *options)
{
    if (options->result == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the listener");
    if ((options->descriptor > 0) == (options->address != NULL))
        return wherry__fail(WHERRY_E_MISUSE, "options address and descriptor: one of them, please");
    if (options->address != NULL && options->address->family == WHERRY_FAMILY_NONE)
        return wherry__fail(WHERRY_E_MISUSE, "option address: it is none");
    if (options->events != NULL && options->events->accepted == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option events: accepted is NULL");
    if (options->factory != NULL && options->factory->make == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option factory: make is NULL");
    if (options->factory != NULL && options->events != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "options events and factory: one of them, please");
    if (options->factory == NULL && (options->server != NULL || options->closer != NULL))
        return wherry__fail(WHERRY_E_MISUSE, "options server and closer: only with a factory");
    if (options->stream->socket != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option stream: its socket: accepted streams have "
                                             "the options of the listener's");
    return WHERRY_OK;
}

/* Copies what is given, the streams' options included, and checks it. */
static int read_options(wherry_listener_options *options, wherry_stream_options *stream,
                        const wherry_listener_options *given)
{
    int result = WHERRY__OPTIONS_COPY(options, given);

    if (result < 0)
        return result;
    result = wherry__stream_limits_copy(stream, options->stream);
    options->stream = stream;
    return result < 0 ? result : check_options(options);
}

static wherry_listener *make(wherry_loop *loop, const wherry_listener_options *options)
{
    wherry_listener *listener = wherry__memory_take(wherry__loop_memory(loop), sizeof(*listener));

    if (listener == NULL)
        return NULL;
    listener->loop = loop;
    listener->events = options->events;
    listener->factory = options->factory;
    listener->server = options->server;
    listener->closer = options->closer;
    listener->stream = *options->stream;
    listener->accepted_per_pass = options->accepted_per_pass == 0 ? ACCEPTED_PER_PASS_DEFAULT
                                                                  : options->accepted_per_pass;
    wherry__deadline_init(&listener->pause, on_rested);
    wherry__source_init(loop, &listener->source, &class, -1);
    return listener;
}

int wherry_listener_new_with(const wherry_listener_options *given)
{
    wherry_listener_options options;
    wherry_stream_options stream_options;
    wherry_listener *listener;
    wherry_loop *loop;
    int result = read_options(&options, &stream_options, given);

    if (result < 0)
        return result;
    loop = wherry__loop_choose(options.loop);
    if (loop == NULL)
        return WHERRY_E_MISUSE;
    listener = make(loop, &options);
    if (listener == NULL)
        return WHERRY_E_NO_MEMORY;
    result = wherry__listener_open(listener, &options);
    if (result == WHERRY_OK)
        result = watch(listener);
    if (result < 0) {
        wherry_listener_free(listener);
        return result;
    }
    *options.result = listener;
    return WHERRY_OK;
}

/* --- the user's side */

/* Waits until one can be accepted, or the listener is closed. */
static int wait_for_one(wherry_listener *listener, int64_t deadline)
{
    int result = wherry__wait_allowed(listener->loop, deadline);

    if (result < 0)
        return result;
    listener->in_use = true;
    if (watch(listener) < 0)
        result = WHERRY_E_CLOSED;
    else
        result = WHERRY__WAITED(
            "listener.accept",
            wherry__wait_alone(listener->loop, &listener->waiting, "accept", deadline));
    listener->in_use = false;
    (void)watch(listener);
    dismiss(listener);
    return result;
}

int wherry_listener_accept(wherry_listener *listener, wherry_stream **stream, int64_t deadline)
{
    int result = wherry__task_refused_until(deadline);

    if (is_told(listener))
        return wherry__fail(WHERRY_E_MISUSE, "connections go to the listener's events or factory");
    if (listener->waiting != NULL)
        return wherry__fail(WHERRY_E_BUSY, "another task accepts already");
    while (result == WHERRY_OK) {
        if (listener->closed)
            return WHERRY_E_CLOSED;
        result = WHERRY_E_WOULD_BLOCK;
        if (!listener->resting && !listener->paused)
            result = accept_one(listener, stream);
        if (result == WHERRY_OK)
            break;
        if (result == WHERRY_E_RESET || result == WHERRY_E_CLOSED)
            result = WHERRY_OK;
        else
            result = wait_for_one(listener, deadline);
    }
    return result;
}

void wherry_listener_pause(wherry_listener *listener)
{
    listener->paused = true;
    (void)watch(listener);
}

void wherry_listener_resume(wherry_listener *listener)
{
    listener->paused = false;
    (void)watch(listener);
}

void wherry_listener_address(const wherry_listener *listener, wherry_address *address)
{
    *address = listener->address;
}
