/* Listener: a socket that connections come out of.
 *
 * Errors of accept(2) are of three kinds: those of one connection, which is then gone; those of the
 * machine, which pass, and for which the listener pauses instead of being told in every pass that
 * it is ready; and the end of the listening socket.
 */
#include <wherry/listener.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/size.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "loop/wait.h"
#include "net/socket.h"
#include "net/stream.h"

#define ACCEPTED_PER_PASS_DEFAULT 64

/* How long to wait for the machine to have descriptors or memory again. */
#define PAUSE WHERRY_MILLISECONDS(100)

struct wherry_listener {
    wherry__source source; /* first */
    wherry_loop *loop;
    wherry_listener_events *events;
    wherry_stream_options stream;
    wherry_address address;
    wherry__deadline pause;
    wherry__wait *waiting; /* the task that accepts */
    size_t accepted_per_pass;
    bool paused;  /* by its owner */
    bool resting; /* until the pause is over */
    bool keep;    /* the descriptor is the caller's */
    bool bound_path;
    bool closed;
    bool freed;  /* by its owner */
    bool in_use; /* a task that waited in it is still on its way out */
};

/* --- accepting */

static void watch(wherry_listener *listener)
{
    bool wanted = !listener->closed && !listener->paused && !listener->resting &&
                  (listener->events != NULL || listener->waiting != NULL);

    if (wherry__source_watch(listener->loop, &listener->source,
                             wanted ? (unsigned)WHERRY_READABLE : 0) < 0)
        wherry_listener_close(listener);
}

static void rest(wherry_listener *listener, int number)
{
    wherry__log(listener->loop->now, WHERRY_LOG_WARNING,
                "a listener pauses for 100 ms, since it cannot accept: %s",
                wherry_error_text(wherry__error_from_errno(number)));
    listener->resting = true;
    wherry__deadline_arm(&listener->loop->deadlines, &listener->pause,
                         wherry__instant_after(listener->loop->now, PAUSE));
}

static void on_rested(wherry__deadline *deadline)
{
    wherry_listener *listener = WHERRY__OWNER(deadline, wherry_listener, pause);

    listener->resting = false;
    watch(listener);
}

/* Accepts one. WHERRY_OK; WHERRY_E_WOULD_BLOCK: none waits; WHERRY_E_RESET: one came to nothing;
 * another: see above. */
static int accept_one(wherry_listener *listener, wherry_stream **stream)
{
    wherry_system *system = listener->loop->system;
    wherry_address remote;
    int descriptor = wherry__socket_accept(system, listener->source.descriptor, &remote);
    int result;

    switch (descriptor < 0 ? -descriptor : 0) {
    case 0:
        result = wherry__stream_accepted(listener->loop, descriptor, &remote, &listener->stream,
                                         stream);
        if (result < 0)
            (void)system->close(system, descriptor);
        return result < 0 ? WHERRY_E_RESET : WHERRY_OK;
    case EAGAIN:
        return WHERRY_E_WOULD_BLOCK;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        rest(listener, -descriptor);
        return WHERRY_E_NO_DESCRIPTORS;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EFAULT:
        return wherry__error_from_errno(descriptor);
    default: /* accept(2) hands on what befell the connection */
        return WHERRY_E_RESET;
    }
}

static void on_ready(wherry__source *source, unsigned events)
{
    wherry_listener *listener = WHERRY__OWNER(source, wherry_listener, source);
    int result = WHERRY_OK;

    (void)events;
    if (listener->events == NULL && listener->waiting != NULL)
        wherry__wait_wake(listener->waiting, WHERRY_OK);
    for (size_t i = 0; i < listener->accepted_per_pass && listener->events != NULL; i++) {
        wherry_stream *stream;

        if (listener->closed || listener->paused)
            break;
        result = accept_one(listener, &stream);
        if (result == WHERRY_OK)
            listener->events->accepted(listener->events, listener, stream);
        else if (result != WHERRY_E_RESET)
            break;
    }
    if (result == WHERRY_E_INVALID) {
        wherry__log(listener->loop->now, WHERRY_LOG_ERROR, "a listening socket was taken away");
        wherry_listener_close(listener);
    }
    watch(listener);
}

/* --- the end */

static void remove_path(wherry_listener *listener)
{
    char path[WHERRY_ADDRESS_PATH_MAX + 1] = { 0 };
    wherry_system *system = listener->loop->system;

    if (!listener->bound_path)
        return;
    memcpy(path, listener->address.at.path, listener->address.length);
    (void)system->unlink(system, path);
}

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
        remove_path(listener);
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

/* --- opening */

/* Whether nobody listens at a Unix path any more, although its file is there. */
static bool is_stale(wherry_system *system, const wherry_address *address)
{
    int descriptor = wherry__socket_open(system, WHERRY_FAMILY_UNIX);
    int result = descriptor < 0 ? descriptor : wherry__socket_connect(system, descriptor, address);

    if (descriptor >= 0)
        (void)system->close(system, descriptor);
    return result == -ECONNREFUSED;
}

static bool has_path(const wherry_address *address)
{
    return address->family == WHERRY_FAMILY_UNIX && address->length > 0 &&
           address->at.path[0] != '\0';
}

static int bind_address(wherry_listener *listener, int descriptor, const wherry_address *address)
{
    wherry_system *system = listener->loop->system;
    int result = wherry__socket_bind(system, descriptor, address);

    if (result == -EADDRINUSE && has_path(address) && is_stale(system, address)) {
        listener->address = *address;
        listener->bound_path = true;
        remove_path(listener);
        result = wherry__socket_bind(system, descriptor, address);
    }
    listener->bound_path = result == 0 && has_path(address);
    return result;
}

/* Options that must be set before the bind. */
static int prepare(wherry_system *system, int descriptor, const wherry_listener_options *options)
{
    bool is_unix = options->address->family == WHERRY_FAMILY_UNIX;
    int result = 0;

    if (options->address->family == WHERRY_FAMILY_IPV6)
        result = wherry__socket_set(system, descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (result == 0 && !is_unix && !options->no_reuse_address)
        result = wherry__socket_set(system, descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
    if (result == 0 && !is_unix && options->reuse_port)
        result = wherry__socket_set(system, descriptor, SOL_SOCKET, SO_REUSEPORT, 1);
    return result;
}

static int listen_there(wherry_listener *listener, const wherry_listener_options *options)
{
    wherry_system *system = listener->loop->system;
    int descriptor = wherry__socket_open(system, options->address->family);
    int result;

    if (descriptor < 0)
        return descriptor;
    result = prepare(system, descriptor, options);
    if (result == 0)
        result = bind_address(listener, descriptor, options->address);
    if (result == 0)
        result = system->listen(system, descriptor,
                                options->backlog <= 0 ? SOMAXCONN : options->backlog);
    if (result < 0) {
        (void)system->close(system, descriptor);
        return result;
    }
    wherry__source_adopt(listener->loop, &listener->source, descriptor);
    return 0;
}

static int check_listening(wherry_system *system, int descriptor)
{
    int listening = 0;
    socklen_t size = sizeof(listening);
    int result = system->get_option(system, descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening,
                                    &size);

    if (result < 0 || !listening)
        return wherry__fail(WHERRY_E_INVALID, "option descriptor: %d is not a listening socket",
                            descriptor);
    return WHERRY_OK;
}

static int open_it(wherry_listener *listener, const wherry_listener_options *options)
{
    char text[WHERRY_ADDRESS_TEXT_SIZE];
    int result;

    if (options->descriptor > 0) {
        result = check_listening(listener->loop->system, options->descriptor);
        if (result < 0)
            return result;
        listener->keep = true;
        wherry__source_adopt(listener->loop, &listener->source, options->descriptor);
    } else {
        result = listen_there(listener, options);
        if (result < 0) {
            (void)wherry_address_format(options->address, text, sizeof(text));
            return wherry__fail(wherry__error_from_errno(result), "listening on %s: %s", text,
                                strerrordesc_np(-result));
        }
    }
    wherry__socket_local(listener->loop->system, listener->source.descriptor, &listener->address);
    return WHERRY_OK;
}

static int check_options(const wherry_listener_options *options)
{
    if (options == NULL || options->result == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the listener");
    if ((options->descriptor > 0) == (options->address != NULL))
        return wherry__fail(WHERRY_E_MISUSE, "options address and descriptor: one of them, please");
    if (options->address != NULL && options->address->family == WHERRY_FAMILY_NONE)
        return wherry__fail(WHERRY_E_MISUSE, "option address: it is none");
    if (options->events != NULL && options->events->accepted == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option events: accepted is NULL");
    return options->stream == NULL ? WHERRY_OK : wherry__stream_check_options(options->stream);
}

static wherry_listener *make(wherry_loop *loop, const wherry_listener_options *options)
{
    wherry_listener *listener = wherry__memory_take(wherry__loop_memory(loop), sizeof(*listener));

    if (listener == NULL)
        return NULL;
    listener->loop = loop;
    listener->events = options->events;
    if (options->stream != NULL)
        listener->stream = *options->stream;
    listener->accepted_per_pass = options->accepted_per_pass == 0 ? ACCEPTED_PER_PASS_DEFAULT
                                                                  : options->accepted_per_pass;
    wherry__deadline_init(&listener->pause, on_rested);
    wherry__source_init(loop, &listener->source, &class, -1);
    return listener;
}

int wherry_listener_new_with(const wherry_listener_options *options)
{
    wherry_listener *listener;
    wherry_loop *loop;
    int result = check_options(options);

    if (result < 0)
        return result;
    loop = wherry__loop_choose(options->loop);
    if (loop == NULL)
        return WHERRY_E_MISUSE;
    listener = make(loop, options);
    if (listener == NULL)
        return WHERRY_E_NO_MEMORY;
    result = open_it(listener, options);
    if (result == WHERRY_OK) {
        watch(listener);
        result = listener->closed ? WHERRY_E_NO_MEMORY : WHERRY_OK;
    }
    if (result < 0) {
        wherry_listener_free(listener);
        return result;
    }
    *options->result = listener;
    return WHERRY_OK;
}

/* --- the user's side */

/* Waits until one can be accepted. */
static int wait_for_one(wherry_listener *listener, int64_t deadline)
{
    wherry__wait wait;
    wherry__link list;
    ssize_t woken;
    int result = wherry__wait_allowed(listener->loop, deadline);

    if (result < 0)
        return result;
    wherry__link_init(&list);
    wherry__wait_init(&wait, &list);
    listener->waiting = &wait;
    listener->in_use = true;
    watch(listener);
    woken = wherry__wait_any(&wait, 1, "accept", deadline, &result);
    listener->waiting = NULL;
    listener->in_use = false;
    if (!listener->freed)
        watch(listener);
    dismiss(listener);
    return woken < 0 ? (int)woken : result;
}

int wherry_listener_accept(wherry_listener *listener, wherry_stream **stream, int64_t deadline)
{
    int result = wherry__task_refused_until(deadline);

    if (listener->events != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "connections go to the listener's events");
    if (listener->waiting != NULL)
        return wherry__fail(WHERRY_E_BUSY, "another task accepts already");
    while (result == WHERRY_OK) {
        if (listener->closed)
            return WHERRY_E_CLOSED;
        result = WHERRY_E_WOULD_BLOCK;
        if (!listener->resting && !listener->paused)
            result = accept_one(listener, stream);
        if (result == WHERRY_OK || result == WHERRY_E_INVALID)
            break;
        result = result == WHERRY_E_RESET ? WHERRY_OK : wait_for_one(listener, deadline);
    }
    return result;
}

void wherry_listener_pause(wherry_listener *listener)
{
    listener->paused = true;
    watch(listener);
}

void wherry_listener_resume(wherry_listener *listener)
{
    listener->paused = false;
    watch(listener);
}

void wherry_listener_address(const wherry_listener *listener, wherry_address *address)
{
    *address = listener->address;
}
