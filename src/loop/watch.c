/* Watch: a caller's descriptor as a source of the loop. */
#include "loop/watch.h"

#include <wherry/error.h>

#include "base/error.h"
#include "base/options.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "loop/wait.h"

#define ASKABLE ((unsigned)WHERRY_READABLE | WHERRY_WRITABLE | WHERRY_EXCEPTIONAL)

struct wherry_watch {
    wherry__source source; /* first */
    wherry_loop *loop;
    wherry_watcher *watcher;
    unsigned events;      /* the watcher's */
    unsigned wait_events; /* of the task that waits */
    wherry__link waiters;
    int state;
    bool connecting; /* and nobody was told the outcome */
    bool at_once;    /* it was connected before anybody could wait for it */
    bool left;       /* the loop is gone */
};

/* --- as a source */

/* What nobody is told of is not watched for: it would be reported without end. */
static unsigned told_events(const wherry_watch *watch)
{
    if (watch->connecting)
        return watch->at_once ? 0 : WHERRY_WRITABLE;
    return watch->watcher == NULL ? 0 : watch->events;
}

static int apply(wherry_watch *watch)
{
    return wherry__source_watch(watch->loop, &watch->source,
                                told_events(watch) | watch->wait_events);
}

static void wake_waiter(wherry_watch *watch, unsigned events)
{
    watch->wait_events = 0;
    wherry__wait_wake_all(&watch->waiters, (int)events);
}

/* During the call the state still says what it is about; the watch may be freed in it. */
static void tell_outcome(wherry_watch *watch, unsigned events)
{
    const bool failed = events == ((unsigned)WHERRY_READABLE | WHERRY_WRITABLE);

    watch->connecting = false;
    watch->watcher->ready(watch->watcher, watch, events);
    if (watch->state == WHERRY_WATCH_CONNECTING)
        watch->state = failed ? WHERRY_WATCH_FAILED : WHERRY_WATCH_CONNECTED;
    (void)apply(watch);
}

/* Without another end it is not connected, whatever the system reports. */
static bool has_other_end(const wherry_watch *watch)
{
    wherry_system *system = watch->loop->system;
    struct sockaddr_storage name;
    socklen_t size = sizeof(name);

    return system->remote_name(system, watch->source.descriptor, (struct sockaddr *)&name, &size) ==
           0;
}

static void look(wherry_watch *watch, unsigned events)
{
    if ((events & ((unsigned)WHERRY_FAILED | WHERRY_HUNG_UP)) != 0)
        tell_outcome(watch, (unsigned)WHERRY_READABLE | WHERRY_WRITABLE);
    else if (has_other_end(watch))
        tell_outcome(watch, WHERRY_WRITABLE);
}

static void on_flush(wherry__source *source)
{
    wherry_watch *watch = WHERRY__OWNER(source, wherry_watch, source);

    if (watch->connecting && watch->at_once && source->descriptor >= 0)
        tell_outcome(watch, WHERRY_READABLE);
}

static void on_ready(wherry__source *source, unsigned events)
{
    wherry_watch *watch = WHERRY__OWNER(source, wherry_watch, source);
    unsigned always = events & ((unsigned)WHERRY_FAILED | WHERRY_HUNG_UP);
    unsigned told = events & (told_events(watch) | always);

    if ((events & (watch->wait_events | always)) != 0 && watch->wait_events != 0) {
        wake_waiter(watch, events & (watch->wait_events | always));
        (void)apply(watch);
    }
    if (watch->connecting && !watch->at_once)
        look(watch, events);
    else if (told != 0 && told_events(watch) != 0)
        watch->watcher->ready(watch->watcher, watch, told);
}

static void on_leave(wherry__source *source)
{
    wherry_watch *watch = WHERRY__OWNER(source, wherry_watch, source);

    watch->left = true;
    wherry__source_forget(watch->loop, source);
    wherry__wait_wake_all(&watch->waiters, WHERRY_E_CLOSED);
}

static void on_reclaim(wherry__source *source)
{
    wherry_watch *watch = WHERRY__OWNER(source, wherry_watch, source);

    wherry__memory_give(wherry__loop_memory(watch->loop), watch, sizeof(*watch));
}

static const wherry__source_class class = {
    .ready = on_ready,
    .leave = on_leave,
    .reclaim = on_reclaim,
    .flush = on_flush,
};

/* --- the caller's side */

int wherry__watch_check(const wherry_watcher *watcher, unsigned events)
{
    if ((events & ~ASKABLE) != 0)
        return wherry__fail(WHERRY_E_MISUSE, "option events: unknown ones among 0x%x", events);
    if (watcher != NULL && watcher->ready == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option watcher: ready is NULL");
    return WHERRY_OK;
}

static int check_options(const wherry_watch_options *options)
{
    int result;

    if (options->result == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the watch");
    result = wherry__watch_check(options->watcher, options->events);
    if (result == WHERRY_OK && options->descriptor < 0)
        result = wherry__fail(WHERRY_E_INVALID, "option descriptor: %d is none",
                              options->descriptor);
    return result;
}

/* Asks the system once, so that a wrong or doubly watched descriptor is told at once and not when
 * events are first set. */
static int probe(wherry_watch *watch)
{
    unsigned events = told_events(watch);
    int result = wherry__source_watch(watch->loop, &watch->source,
                                      events == 0 ? WHERRY_EXCEPTIONAL : events);

    return result < 0 ? result : apply(watch);
}

static wherry_watch *make(wherry_loop *loop, const wherry_watch_options *options)
{
    wherry_watch *watch = wherry__memory_take(wherry__loop_memory(loop), sizeof(*watch));

    if (watch == NULL)
        return NULL;
    watch->loop = loop;
    watch->watcher = options->watcher;
    watch->events = options->events;
    wherry__link_init(&watch->waiters);
    wherry__source_init(loop, &watch->source, &class, options->descriptor);
    return watch;
}

int wherry_watch_new_with(const wherry_watch_options *given)
{
    wherry_watch_options options;
    wherry_watch *watch;
    wherry_loop *loop;
    int result = WHERRY__OPTIONS_COPY(&options, given);

    if (result == WHERRY_OK)
        result = check_options(&options);
    if (result < 0)
        return result;
    loop = wherry__loop_choose(options.loop);
    if (loop == NULL)
        return WHERRY_E_MISUSE;
    watch = make(loop, &options);
    if (watch == NULL)
        return WHERRY_E_NO_MEMORY;
    result = probe(watch);
    if (result < 0) {
        wherry__source_forget(loop, &watch->source);
        wherry__source_dismiss(loop, &watch->source);
        return result;
    }
    *options.result = watch;
    return WHERRY_OK;
}

int wherry_watch_change(wherry_watch *watch, unsigned events)
{
    unsigned former = watch->events;
    int result;

    if ((events & ~ASKABLE) != 0)
        return wherry__fail(WHERRY_E_MISUSE, "unknown events among 0x%x", events);
    watch->events = events;
    result = apply(watch);
    if (result < 0)
        watch->events = former;
    return result;
}

int wherry__watch_connecting(wherry_watch *watch, bool at_once)
{
    int result;

    watch->state = WHERRY_WATCH_CONNECTING;
    watch->connecting = true;
    watch->at_once = at_once;
    result = apply(watch);
    if (result < 0)
        wherry_watch_free(watch);
    else if (at_once)
        wherry__source_flush_later(watch->loop, &watch->source);
    return result;
}

int wherry_watch_descriptor(const wherry_watch *watch)
{
    return watch->source.descriptor;
}

/* --- states */

static const char *const state_texts[] = {
    [WHERRY_WATCH_NEW] = "new",
    [WHERRY_WATCH_LISTENING] = "listening",
    [WHERRY_WATCH_CONNECTING] = "connecting",
    [WHERRY_WATCH_CONNECTED] = "connected",
    [WHERRY_WATCH_CLOSING] = "closing",
    [WHERRY_WATCH_CLOSED] = "closed",
    [WHERRY_WATCH_FAILED] = "failed",
};

#define STATE_COUNT ((int)(sizeof(state_texts) / sizeof(state_texts[0])))

static bool is_state(int state)
{
    return (state >= 0 && state < STATE_COUNT) || state >= WHERRY_WATCH_OWN;
}

int wherry_watch_state(const wherry_watch *watch)
{
    return watch->state;
}

int wherry_watch_set_state(wherry_watch *watch, int state)
{
    if (!is_state(state))
        return wherry__fail(WHERRY_E_MISUSE, "there is no state %d", state);
    watch->state = state;
    return WHERRY_OK;
}

const char *wherry_watch_state_text(int state)
{
    if (!is_state(state))
        return "unknown";
    return state < STATE_COUNT ? state_texts[state] : "own";
}

/* --- for coroutines */

int wherry_watch_wait(wherry_watch *watch, unsigned events, int64_t deadline)
{
    int result;

    if (events == 0 || (events & ~ASKABLE) != 0)
        return wherry__fail(WHERRY_E_MISUSE, "no events, or unknown ones among 0x%x", events);
    result = wherry__task_refused_until(deadline);
    if (result < 0 || watch->left)
        return result < 0 ? result : WHERRY_E_CLOSED;
    if (!wherry__list_empty(&watch->waiters))
        return wherry__fail(WHERRY_E_BUSY, "another task waits for the descriptor");
    result = wherry__wait_allowed(watch->loop, deadline);
    if (result < 0)
        return result;
    watch->wait_events = events;
    result = apply(watch);
    if (result == WHERRY_OK)
        result = WHERRY__WAITED("watch.wait", wherry__wait_in(watch->loop, &watch->waiters,
                                                              "a descriptor", deadline, NULL));
    if (result < 0 && result != WHERRY_E_CLOSED) {
        watch->wait_events = 0;
        (void)apply(watch);
    }
    return result;
}

void wherry_watch_free(wherry_watch *watch)
{
    if (watch == NULL)
        return;
    if (!watch->left)
        wherry__source_forget(watch->loop, &watch->source);
    wherry__wait_wake_all(&watch->waiters, WHERRY_E_CLOSED);
    wherry__source_dismiss(watch->loop, &watch->source);
}
