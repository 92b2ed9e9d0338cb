/* Loop: making one, what it tells, and its end. Its passes are in pass.c. */
#include "loop/loop.h"

#include <wherry/error.h>
#include <wherry/task.h>

#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "base/probe.h"
#include "base/size.h"
#include "loop/task.h"
#include "system/ambient.h"

#define STACK_DEFAULT ((size_t)64 << 10)
#define STACKS_KEPT_DEFAULT 1024
#define CHUNK_DEFAULT ((size_t)64 << 10)
#define CHUNK_MIN 512
#define CHUNK_MAX ((size_t)16 << 20)
#define SMALL_CHUNK ((size_t)2 << 10)
#define SMALL_CHUNKS_KEPT 1024
#define LAST_PASSES 1000 /* of a loop that is freed and cannot wait */
#define LINGER_DEFAULT WHERRY_SECONDS(5)

/* 4 MiB of the default size: what a pass with many ready streams uses at once. */
#define CHUNKS_KEPT 64

static _Thread_local wherry_loop *current;
static _Thread_local char thread_mark; /* its address tells threads apart */

/* --- whose loop it is */

wherry_loop *wherry_loop_current(void)
{
    return current;
}

wherry_loop *wherry__loop_enter(wherry_loop *loop)
{
    wherry_loop *former = current;

    current = loop;
    return former;
}

bool wherry__loop_is_here(const wherry_loop *loop)
{
    return loop->thread == &thread_mark;
}

wherry_loop *wherry__loop_choose(wherry_loop *named)
{
    wherry_loop *loop = named == NULL ? current : named;

    if (loop == NULL || loop->freed || !wherry__loop_is_here(loop)) {
        (void)wherry__fail(WHERRY_E_MISUSE, loop == NULL
                                                ? "no loop was named, and none is running here"
                                                : "the loop is freed, or another thread's");
        return NULL;
    }
    return loop;
}

void wherry__loop_hold(wherry_loop *loop)
{
    loop->holds++;
}

void wherry__loop_release(wherry_loop *loop)
{
    wherry_memory *below = loop->memory.below;

    if (--loop->holds == 0)
        wherry__memory_give(below, loop, sizeof(*loop));
}

/* --- making one */

static int check_options(const wherry_loop_options *options)
{
    if (options->result == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the loop");
    if (options->linger < 0)
        return wherry__fail(WHERRY_E_MISUSE, "option linger: it is negative");
    if (options->stack_size != 0 && options->stack_size < WHERRY__STACK_MIN)
        return wherry__fail(WHERRY_E_MISUSE, "option stack_size: under %zu bytes",
                            WHERRY__STACK_MIN);
    if (options->chunk_size != 0 &&
        (options->chunk_size < CHUNK_MIN || options->chunk_size > CHUNK_MAX))
        return wherry__fail(WHERRY_E_MISUSE, "option chunk_size: not between %d bytes and %zu",
                            CHUNK_MIN, CHUNK_MAX);
    return wherry__clock_check(options);
}

static size_t size_or(size_t size, size_t otherwise)
{
    return size == 0 ? otherwise : size;
}

static void init(wherry_loop *loop, const wherry_loop_options *options, wherry_system *system)
{
    wherry__counted_memory_init(&loop->memory, options->memory);
    loop->system = system;
    loop->thread = &thread_mark;
    loop->holds = 1;
    wherry__clock_init(loop, options);
    loop->temporary = options->temporary != 0;
    loop->linger = options->linger == 0 ? LINGER_DEFAULT : options->linger;
    wherry__deadlines_init(&loop->deadlines, system, loop->now);
    wherry__link_init(&loop->doomed);
    wherry__link_init(&loop->sources);
    wherry__link_init(&loop->tasks);
    wherry__link_init(&loop->runnable);
    wherry__link_init(&loop->later);
    wherry__group_init_root(loop);
    wherry__stack_pool_init(&loop->stacks, size_or(options->stack_size, STACK_DEFAULT),
                            size_or(options->stacks_kept, STACKS_KEPT_DEFAULT));
    wherry__chunk_pool_init(&loop->chunks, wherry__loop_memory(loop),
                            size_or(options->chunk_size, CHUNK_DEFAULT), CHUNKS_KEPT);
    wherry__chunk_pool_init(&loop->small_chunks, wherry__loop_memory(loop), SMALL_CHUNK,
                            SMALL_CHUNKS_KEPT);
}

int wherry_loop_new_with(const wherry_loop_options *given)
{
    wherry_loop_options options;
    wherry_loop *loop;
    wherry_memory *memory;
    wherry_system *system;
    int result = WHERRY__OPTIONS_COPY(&options, given);

    if (result == WHERRY_OK)
        result = check_options(&options);
    if (result < 0)
        return result;
    memory = options.memory == NULL ? wherry__memory_ambient() : options.memory;
    system = options.system == NULL ? wherry__system_ambient() : options.system;
    loop = wherry__memory_take(memory, sizeof(*loop));
    if (loop == NULL)
        return WHERRY_E_NO_MEMORY;
    init(loop, &options, system);
    loop->memory.below = memory;
    result = system->open_poller(system, wherry__loop_memory(loop), &loop->poller);
    if (result < 0) {
        loop->poller = NULL;
        wherry__loop_release(loop);
        return wherry__fail_system(result, "making a loop");
    }
    *options.result = loop;
    return WHERRY_OK;
}

/* --- the end */

static bool is_unfinished(const wherry_loop *loop)
{
    return loop->task_count > 0 || loop->closing > 0;
}

/* Where waiting fails, tasks that are canceled end all the same: none of them needs anything to be
 * ready. Each pass may let others go on that waited for these. */
static void end_without_waiting(wherry_loop *loop)
{
    ssize_t done = 1;

    wherry__loop_end_shields(loop);
    for (int i = 0; i < LAST_PASSES && done > 0 && loop->task_count > 0; i++) {
        (void)wherry_loop_prepare(loop);
        done = wherry_loop_dispatch(loop);
    }
}

/* The first pass does not wait: it is there to look at the clock, which the loop may not have done
 * for long. And the first part of each may do the last of the work, so that there is nothing to
 * wait for. The last pass is for tasks that were left in peace for longer than that. */
static void linger(wherry_loop *loop)
{
    ssize_t done = wherry__loop_pass(loop, WHERRY_NOW);
    const int64_t end = wherry__instant_after(loop->now, loop->linger);

    while (done >= 0 && is_unfinished(loop) && loop->now < end) {
        done = wherry_loop_prepare(loop);
        if (done >= 0)
            done = wherry_loop_wait(loop, is_unfinished(loop) ? end : WHERRY_NOW);
        if (done >= 0)
            done = wherry_loop_dispatch(loop);
    }
    WHERRY__PROBE_IF(loop->closing > 0, "loop.free.streams-still-close");
    if (done < 0) {
        end_without_waiting(loop);
    } else if (loop->task_count > 0) {
        WHERRY__PROBE("loop.free.tasks-still-run");
        wherry__loop_end_shields(loop);
        (void)wherry__loop_pass(loop, WHERRY_NOW);
    }
}

/* Before tasks are given up: what waits lies on their stacks. */
static void leave_all(wherry_loop *loop)
{
    wherry_loop *former = wherry__loop_enter(loop);
    wherry__link *link;

    loop->dispatching = true;
    while ((link = loop->sources.next) != &loop->sources) {
        wherry__source *source = WHERRY__OWNER(link, wherry__source, link);

        wherry__link_remove(link);
        if (loop->forgotten && source->class->forget != NULL)
            source->class->forget(source);
        else
            source->class->leave(source);
        if (source->of_call)
            wherry__source_dismiss(loop, source);
    }
    if (!loop->forgotten) {
        (void)wherry__loop_run_posts(loop);
        wherry__loop_flush(loop);
    }
    loop->flush_first = NULL;
    loop->ready_count = 0;
    wherry__loop_reclaim(loop);
    loop->dispatching = false;
    (void)wherry__loop_enter(former);
}

static void close_poller(wherry_loop *loop)
{
    if (loop->poller != NULL)
        loop->system->close_poller(loop->system, loop->poller);
    loop->poller = NULL;
}

/* What is left when nothing lives on the loop any more. */
static void give_back(wherry_loop *loop)
{
    wherry__loop_clear_spares(loop);
    wherry__stack_pool_clear(&loop->stacks);
    wherry__chunk_pool_clear(&loop->chunks);
    wherry__chunk_pool_clear(&loop->small_chunks);
    wherry__memory_give(wherry__loop_memory(loop), loop->always,
                        loop->always_capacity * sizeof(*loop->always));
    close_poller(loop);
    loop->freed = true;
    wherry__loop_release(loop);
}

static bool may_end(const wherry_loop *loop)
{
    if (!loop->freed && !loop->dispatching && !loop->running && loop->calling == 0 &&
        wherry__loop_is_here(loop) && wherry_task_current() == NULL)
        return true;
    wherry__log(loop->now, WHERRY_LOG_ERROR,
                "a loop was freed from inside itself, on a coroutine or on another thread");
    return false;
}

void wherry_loop_free(wherry_loop *loop)
{
    if (loop == NULL || !may_end(loop))
        return;
    loop->ending = true;
    wherry__loop_cancel_tasks(loop);
    linger(loop);
    leave_all(loop);
    wherry__loop_abandon_tasks(loop);
    leave_all(loop); /* what the last steps of tasks have left */
    give_back(loop);
}

/* The poller goes first: what it watches is watched for the parent too, who goes on. */
void wherry_loop_forget(wherry_loop *loop)
{
    if (loop == NULL || !may_end(loop))
        return;
    loop->ending = true;
    loop->forgotten = true;
    close_poller(loop);
    leave_all(loop);
    wherry__loop_cancel_tasks(loop);
    wherry__loop_abandon_tasks(loop);
    give_back(loop);
}

/* --- what it tells */

int wherry_loop_fd(const wherry_loop *loop)
{
    int result = loop->system->poller_descriptor(loop->system, loop->poller);

    return result >= 0
               ? result
               : wherry__fail(WHERRY_E_UNSUPPORTED, "the system \"%s\" has no such descriptor",
                              loop->system->name);
}

int64_t wherry_loop_deadline(wherry_loop *loop)
{
    if (wherry__loop_has_work(loop) || loop->clock == WHERRY_CLOCK_STEPPED)
        return WHERRY_NOW;
    return loop->clock == WHERRY_CLOCK_PACED ? wherry__clock_next_tock(loop)
                                             : wherry__deadlines_bound(&loop->deadlines);
}

int wherry_loop_random(wherry_loop *loop, void *data, size_t size)
{
    int result = loop->system->random(loop->system, data, size);

    return result < 0 ? wherry__fail_system(result, "random bytes") : WHERRY_OK;
}

void wherry_loop_statistics_read(const wherry_loop *loop, wherry_loop_statistics *statistics)
{
    *statistics = loop->statistics;
    statistics->tasks = loop->task_count;
    statistics->deadlines = loop->deadlines.count;
    statistics->bytes = loop->memory.bytes;
    statistics->stacks = loop->stacks.mapped;
}
