/* Pass: what a loop does again and again, in three parts that a foreign loop can call one by one.
 */
#include "loop/loop.h"

#include <errno.h>

#include <wherry/error.h>
#include <wherry/task.h>

#include "base/error.h"
#include "base/probe.h"
#include "base/size.h"
#include "base/usually.h"
#include "loop/task.h"

/* How many more times tasks may run in a pass than there are tasks: those that wake each other
 * without end must not keep sockets and deadlines waiting. */
#define EXTRA_TURNS 1024

static int check_pass(const wherry_loop *loop)
{
    if (loop == NULL || loop->freed || !wherry__loop_is_here(loop))
        return wherry__fail(WHERRY_E_MISUSE, "no loop of this thread");
    if (loop->dispatching || loop->calling > 0)
        return wherry__fail(WHERRY_E_MISUSE, "the loop is running already");
    if (wherry_task_current() != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "a coroutine cannot run a loop");
    return WHERRY_OK;
}

bool wherry__loop_has_work(const wherry_loop *loop)
{
    return loop->runnable_count > 0 || !wherry__list_empty(&loop->later) ||
           !wherry__list_empty(&loop->root.schedule.due) || loop->flush_first != NULL ||
           loop->always_count > 0 || loop->ready_count > 0 ||
           atomic_load_explicit(&loop->posts, memory_order_relaxed) != NULL;
}

static void read_clock(wherry_loop *loop)
{
    if (loop->clock == WHERRY_CLOCK_REAL)
        loop->now = loop->system->monotonic(loop->system);
}

/* One tock a pass at most, and only before deadlines expire, so that what is due at each of them
 * has its turn then. */
static void pace(wherry_loop *loop)
{
    const int64_t next = wherry__clock_next_tock(loop);

    if (loop->clock != WHERRY_CLOCK_PACED || loop->system->monotonic(loop->system) < next)
        return;
    loop->now = wherry__instant_after(loop->now, loop->tock);
    loop->tock_began = next;
}

int wherry_loop_prepare(wherry_loop *loop)
{
    wherry_loop *former;
    int result = check_pass(loop);

    if (result < 0)
        return result;
    former = wherry__loop_enter(loop);
    loop->dispatching = true;
    read_clock(loop);
    pace(loop);
    wherry__loop_wake_later(loop);
    if (loop->ending || !WHERRY__FAULT_POINT("loop.deadlines.next-pass"))
        loop->statistics.expired += wherry__deadlines_expire(&loop->deadlines, loop->now);
    wherry__loop_flush(loop);
    loop->dispatching = false;
    (void)wherry__loop_enter(former);
    return wherry__loop_has_work(loop) || loop->clock == WHERRY_CLOCK_STEPPED;
}

/* The real instant until which the system may wait; until is one of the loop's clock. */
static int64_t wait_until(wherry_loop *loop, int64_t until)
{
    int64_t bound;

    if (until == WHERRY_NOW || wherry__loop_has_work(loop) || loop->clock == WHERRY_CLOCK_STEPPED ||
        WHERRY__FAULT_POINT("loop.wait.early"))
        return WHERRY_NOW;
    if (loop->clock == WHERRY_CLOCK_REAL) {
        bound = wherry__deadlines_bound(&loop->deadlines);
        return bound < until ? bound : until;
    }
    if (loop->clock == WHERRY_CLOCK_PACED)
        return until <= loop->now ? WHERRY_NOW : wherry__clock_next_tock(loop);
    bound = wherry__deadlines_earliest(&loop->deadlines);
    return bound == WHERRY_NEVER && until == WHERRY_NEVER ? WHERRY_NEVER : WHERRY_NOW;
}

/* Virtual time: nothing is ready, so it is the next deadline already. */
static void jump(wherry_loop *loop, int64_t until)
{
    int64_t next;

    if (loop->clock != WHERRY_CLOCK_VIRTUAL || wherry__loop_has_work(loop))
        return;
    next = wherry__deadlines_earliest(&loop->deadlines);
    next = next < until ? next : until;
    if (next > loop->now && next != WHERRY_NEVER)
        loop->now = next;
}

int wherry_loop_wait(wherry_loop *loop, int64_t until)
{
    int result = check_pass(loop);

    if (result < 0)
        return result;
    if (loop->ready_count > 0) { /* of a wait that was not dispatched yet */
        WHERRY__PROBE("loop.wait.not-dispatched");
        return loop->ready_count;
    }
    loop->statistics.waits++;
    result = loop->system->wait(loop->system, loop->poller, wait_until(loop, until), loop->ready,
                                WHERRY__READY_MAX);
    if (result == -EINTR) { /* not known is what is ready: no reason for time to jump */
        WHERRY__PROBE("loop.wait.interrupted");
        read_clock(loop);
        return 0;
    }
    if (result < 0) {
        WHERRY__PROBE("loop.wait.failed");
        return wherry__fail_system(result, "waiting for readiness");
    }
    WHERRY__PROBE_IF(result == WHERRY__READY_MAX, "loop.wait.full");
    if (result > 0)
        wherry__fetch(loop->ready[0].token, WHERRY__SOURCE_LINES);
    loop->ready_count = result;
    loop->statistics.ready += (uint64_t)result;
    read_clock(loop);
    jump(loop, until);
    return result;
}

/* Runs what other threads handed in, oldest first. Nearly always there is nothing, which is seen
 * without taking the place in memory away from the other threads; what comes right behind the look
 * wakes the next wait. */
size_t wherry__loop_run_posts(wherry_loop *loop)
{
    wherry_post *newest;
    wherry_post *oldest = NULL;
    size_t count = 0;

    if (atomic_load_explicit(&loop->posts, memory_order_relaxed) == NULL)
        return 0;
    newest = atomic_exchange_explicit(&loop->posts, NULL, memory_order_acquire);
    while (newest != NULL) {
        wherry_post *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        wherry_post *post = oldest;

        WHERRY__PROBE_IF(post->next != NULL, "loop.post.several");
        oldest = oldest->next;
        post->next = NULL;
        post->run(post);
        count++;
    }
    return count;
}

ssize_t wherry_loop_dispatch(wherry_loop *loop)
{
    wherry_loop *former;
    size_t done;
    int result = check_pass(loop);

    if (result < 0)
        return result;
    former = wherry__loop_enter(loop);
    loop->dispatching = true;
    loop->turns = loop->task_count + EXTRA_TURNS;
    done = wherry__loop_run_posts(loop);
    done += wherry__loop_serve_ready(loop);
    done += wherry__loop_serve_always(loop);
    done += wherry__loop_take_turns(loop);
    done += wherry__loop_run_tasks(loop);
    WHERRY__PROBE_IF(loop->runnable_count > 0, "loop.tasks.left-over");
    if (loop->ending || !WHERRY__FAULT_POINT("loop.flush.next-pass")) {
        wherry__loop_flush(loop);
        wherry__loop_reclaim(loop);
    }
    loop->dispatching = false;
    loop->turned = false;
    (void)wherry__loop_enter(former);
    if (loop->clock == WHERRY_CLOCK_STEPPED)
        loop->now = wherry__instant_after(loop->now, loop->tock);
    loop->statistics.passes++;
    return (ssize_t)done;
}

/* Whether anything can still happen on the loop. */
static bool is_alive(const wherry_loop *loop)
{
    return loop->task_count > 0 || loop->keepers > 0 || wherry__loop_has_work(loop);
}

/* The first part may have done the last of the work: then there is nothing to wait for ever for. */
ssize_t wherry__loop_pass(wherry_loop *loop, int64_t until)
{
    uint64_t expired = loop->statistics.expired;
    ssize_t done;
    int result = wherry_loop_prepare(loop);

    if (result >= 0)
        result = wherry_loop_wait(loop,
                                  until == WHERRY_NEVER && !is_alive(loop) ? WHERRY_NOW : until);
    if (result < 0)
        return result;
    done = wherry_loop_dispatch(loop);
    return done < 0 ? done : done + (ssize_t)(loop->statistics.expired - expired);
}

ssize_t wherry_loop_step(wherry_loop *loop)
{
    int result = check_pass(loop);

    return result < 0 ? result : wherry__loop_pass(loop, WHERRY_NOW);
}

static int check_run(const wherry_loop *loop)
{
    int result = check_pass(loop);

    if (result == WHERRY_OK && loop->running)
        result = wherry__fail(WHERRY_E_MISUSE, "a loop cannot run inside itself");
    return result;
}

int wherry_loop_run(wherry_loop *loop)
{
    ssize_t result = check_run(loop);

    if (result < 0)
        return (int)result;
    loop->running = true;
    while (result >= 0 && !wherry__loop_take_stop(loop) && is_alive(loop))
        result = wherry__loop_pass(loop, WHERRY_NEVER);
    loop->running = false;
    return result < 0 ? (int)result : WHERRY_OK;
}

/* The first part of a pass may see that the time is over: then nothing has a turn any more. */
static ssize_t pass_before(wherry_loop *loop, int64_t end)
{
    ssize_t result = wherry_loop_prepare(loop);

    if (result < 0 || loop->now >= end)
        return result;
    result = wherry_loop_wait(loop, end == WHERRY_NEVER && !is_alive(loop) ? WHERRY_NOW : end);
    return result < 0 ? result : wherry_loop_dispatch(loop);
}

int wherry__loop_run_group(wherry_loop *loop, const wherry_group *group, int64_t limit)
{
    ssize_t result = check_run(loop);
    int64_t end;

    if (result < 0)
        return (int)result;
    read_clock(loop);
    end = limit == 0 ? WHERRY_NEVER : wherry__instant_after(loop->now, limit);
    loop->running = true;
    while (result >= 0 && !wherry__group_has_ended(group) && loop->now < end &&
           !wherry__loop_take_stop(loop) && is_alive(loop))
        result = pass_before(loop, end);
    loop->running = false;
    return result < 0 ? (int)result : WHERRY_OK;
}

void wherry_loop_stop(wherry_loop *loop)
{
    atomic_store(&loop->stop, true);
    loop->system->wake(loop->system, loop->poller);
}

void wherry_loop_post(wherry_loop *loop, wherry_post *post)
{
    wherry_post *newest = atomic_load_explicit(&loop->posts, memory_order_relaxed);

    do
        post->next = newest;
    while (!atomic_compare_exchange_weak_explicit(&loop->posts, &newest, post, memory_order_acq_rel,
                                                  memory_order_relaxed));
    if (newest == NULL)
        loop->system->wake(loop->system, loop->poller);
}
