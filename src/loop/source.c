/* Sources: what lives on a loop. Between the moment that one is dismissed and the end of the pass
 * its storage stays, so that what the system reported of it before, and who is further down the
 * call stack, still finds it. */
#include "loop/loop.h"

#include <assert.h>
#include <errno.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/probe.h"
#include "base/usually.h"
#include "loop/task.h"

/* How often one source is served in a pass. */
#define TURNS_MAX 16

#define ALWAYS_TOLD ((unsigned)WHERRY_FAILED | (unsigned)WHERRY_HUNG_UP)

void wherry__source_init(wherry_loop *loop, wherry__source *source,
                         const wherry__source_class *class, int descriptor)
{
    *source = (wherry__source){ .class = class, .descriptor = -1 };
    wherry__list_append(&loop->sources, &source->link);
    wherry__loop_hold(loop);
    if (descriptor >= 0)
        wherry__source_adopt(loop, source, descriptor);
}

void wherry__source_adopt(wherry_loop *loop, wherry__source *source, int descriptor)
{
    assert(source->descriptor < 0 && source->watched == 0);
    source->descriptor = descriptor;
    loop->keepers += !source->aside;
}

void wherry__source_set_aside(wherry_loop *loop, wherry__source *source, bool aside)
{
    if (source->aside == aside)
        return;
    if (aside)
        (void)wherry__source_watch(loop, source, 0); /* ending a watch cannot fail for good */
    if (source->descriptor >= 0)
        loop->keepers = aside ? loop->keepers - 1 : loop->keepers + 1;
    source->aside = aside;
    source->watched = 0;
}

/* --- always ready */

static int always_add(wherry_loop *loop, wherry__source *source)
{
    wherry__source **grown;
    size_t capacity = loop->always_capacity == 0 ? 4 : loop->always_capacity * 2;

    if (loop->always_count == loop->always_capacity) {
        grown = wherry__memory_resize(wherry__loop_memory(loop), loop->always,
                                      loop->always_capacity * sizeof(*grown),
                                      capacity * sizeof(*grown));
        if (grown == NULL)
            return WHERRY_E_NO_MEMORY;
        loop->always = grown;
        loop->always_capacity = capacity;
    }
    loop->always[loop->always_count++] = source;
    source->always = true;
    return WHERRY_OK;
}

static void always_remove(wherry_loop *loop, wherry__source *source)
{
    for (size_t i = 0; i < loop->always_count; i++)
        if (loop->always[i] == source)
            loop->always[i] = NULL;
    source->always = false;
}

static int watch_always(wherry_loop *loop, wherry__source *source, unsigned events)
{
    int result = WHERRY_OK;

    if (events == 0)
        always_remove(loop, source);
    else if (!source->always)
        result = always_add(loop, source);
    if (result == WHERRY_OK)
        source->watched = (uint8_t)events;
    return result;
}

/* Takes out the places of those that are gone. */
static void always_compact(wherry_loop *loop)
{
    size_t kept = 0;

    for (size_t i = 0; i < loop->always_count; i++)
        if (loop->always[i] != NULL)
            loop->always[kept++] = loop->always[i];
    loop->always_count = kept;
}

size_t wherry__loop_serve_always(wherry_loop *loop)
{
    size_t count = loop->always_count;
    size_t done = 0;

    for (size_t i = 0; i < count; i++) {
        if (loop->always[i] == NULL)
            continue;
        loop->always[i]->class->ready(loop->always[i], loop->always[i]->watched);
        done++;
    }
    always_compact(loop);
    return done;
}

/* --- watching */

int wherry__source_watch(wherry_loop *loop, wherry__source *source, unsigned events)
{
    int result;

    if (source->watched == events || source->descriptor < 0 || loop->poller == NULL)
        return WHERRY_OK;
    if (source->aside) {
        source->watched = (uint8_t)events;
        return WHERRY_OK;
    }
    if (source->always)
        return watch_always(loop, source, events);
    result = loop->system->watch(loop->system, loop->poller, source->descriptor, source->watched,
                                 events, source);
    if (result == -EPERM)
        return watch_always(loop, source, events);
    if (result < 0) {
        WHERRY__PROBE("loop.source.not-watched");
        return wherry__fail_system(result, "watching a descriptor");
    }
    loop->statistics.watched += (size_t)(events != 0) - (size_t)(source->watched != 0);
    source->watched = (uint8_t)events;
    return WHERRY_OK;
}

void wherry__source_forget(wherry_loop *loop, wherry__source *source)
{
    if (source->descriptor < 0)
        return;
    (void)wherry__source_watch(loop, source, 0); /* ending a watch cannot fail for good */
    source->descriptor = -1;
    loop->keepers -= !source->aside;
}

void wherry__source_dismiss(wherry_loop *loop, wherry__source *source)
{
    assert(source->descriptor < 0);
    wherry__link_remove(&source->link);
    wherry__list_append(&loop->doomed, &source->link);
    if (!loop->dispatching && loop->ready_count == 0 && loop->flush_first == NULL) {
        WHERRY__PROBE("loop.source.reclaimed-at-once");
        wherry__loop_reclaim(loop);
    }
}

/* --- parts of a pass */

/* Once: the source, the tasks that it wakes, and what is better done now than later. Returns how
 * many times a task ran. */
static size_t serve(wherry_loop *loop, wherry__source *source, unsigned events)
{
    size_t count;

    source->more = false;
    source->class->ready(source, events & (source->watched | ALWAYS_TOLD));
    count = wherry__loop_run_tasks(loop);
    if (source->flush_next != NULL && source->class->settle != NULL)
        source->class->settle(source);
    return count;
}

static bool is_served(const wherry__source *source)
{
    return source->descriptor >= 0 && source->watched != 0 && !source->aside;
}

/* What is not served is reported again by the next wait. */
static bool ends_early(const wherry_loop *loop, int served)
{
    return served > 0 && !loop->ending && WHERRY__FAULT_POINT("loop.ready.next-pass");
}

/* A source that has more goes on while it is hot in the cache, for some turns. */
size_t wherry__loop_serve_ready(wherry_loop *loop)
{
    int count = loop->ready_count;
    size_t done = (size_t)count;

    loop->ready_count = 0;
    for (int i = 0; i < count; i++) {
        wherry__source *source = loop->ready[i].token;
        int turns = WHERRY__FAULT_POINT("loop.source.one-turn") ? 1 : TURNS_MAX;

        if (ends_early(loop, i))
            break;
        if (i + 1 < count)
            wherry__fetch(loop->ready[i + 1].token, WHERRY__SOURCE_LINES);
        WHERRY__PROBE_IF(!is_served(source), "loop.source.gone-when-ready");
        if (is_served(source))
            done += serve(loop, source, loop->ready[i].events);
        for (int turn = 1; turn < turns && source->more && is_served(source); turn++)
            done += serve(loop, source, WHERRY_READABLE);
        WHERRY__PROBE_IF(source->more && is_served(source), "loop.source.turns-spent");
    }
    return done;
}

void wherry__loop_flush(wherry_loop *loop)
{
    wherry__source *source;

    while ((source = loop->flush_first) != NULL) {
        loop->flush_first = source->flush_next == source ? NULL : source->flush_next;
        wherry__fetch(loop->flush_first, WHERRY__SOURCE_LINES);
        source->flush_next = NULL;
        source->class->flush(source);
    }
}

void wherry__loop_reclaim(wherry_loop *loop)
{
    wherry__link *link;

    wherry__loop_hold(loop); /* one of them may be the last handle of a loop that is freed */
    while ((link = wherry__list_take(&loop->doomed)) != NULL) {
        wherry__source *source = WHERRY__OWNER(link, wherry__source, link);

        source->class->reclaim(source);
        wherry__loop_release(loop);
    }
    wherry__loop_release(loop);
}
