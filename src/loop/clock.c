/* Clock: what the time of a loop is, and how it is moved by hand. How it goes by itself: pass.c. */
#include "loop/loop.h"

#include <wherry/error.h>

#include "base/error.h"
#include "base/size.h"
#include "system/ambient.h"

/* 1/32 s, so that sums of tocks are exact in binary fractions of a second, too. */
#define TOCK_DEFAULT INT64_C(31250000)

int wherry__clock_check(const wherry_loop_options *options)
{
    if (options->clock < WHERRY_CLOCK_REAL || options->clock > WHERRY_CLOCK_VIRTUAL)
        return wherry__fail(WHERRY_E_MISUSE, "option clock: there is no such clock");
    if (options->tock < 0)
        return wherry__fail(WHERRY_E_MISUSE, "option tock: it is negative");
    if (options->start < 0)
        return wherry__fail(WHERRY_E_MISUSE, "option start: it is negative");
    if (options->start > 0 && options->clock == WHERRY_CLOCK_REAL)
        return wherry__fail(WHERRY_E_MISUSE, "option start: the real clock goes already");
    return WHERRY_OK;
}

void wherry__clock_init(wherry_loop *loop, const wherry_loop_options *options)
{
    loop->clock = options->clock;
    loop->tock = options->tock == 0 ? TOCK_DEFAULT : options->tock;
    loop->tock_began = loop->system->monotonic(loop->system);
    loop->now = loop->clock == WHERRY_CLOCK_REAL ? loop->tock_began : options->start;
}

int64_t wherry__clock_next_tock(const wherry_loop *loop)
{
    return wherry__instant_after(loop->tock_began, loop->tock);
}

int64_t wherry_loop_now(const wherry_loop *loop)
{
    return loop->now;
}

int64_t wherry_loop_tock(const wherry_loop *loop)
{
    return loop->tock;
}

int wherry_loop_set_tock(wherry_loop *loop, int64_t tock)
{
    if (tock <= 0)
        return wherry__fail(WHERRY_E_MISUSE, "a tock is longer than nothing");
    loop->tock = tock;
    return WHERRY_OK;
}

static int check_tick(const wherry_loop *loop, int64_t duration)
{
    if (loop->freed || !wherry__loop_is_here(loop))
        return wherry__fail(WHERRY_E_MISUSE, "no loop of this thread");
    if (loop->dispatching || loop->calling > 0)
        return wherry__fail(WHERRY_E_MISUSE, "the clock stands still during a pass");
    if (loop->clock != WHERRY_CLOCK_STEPPED && loop->clock != WHERRY_CLOCK_VIRTUAL)
        return wherry__fail(WHERRY_E_MISUSE, "a clock that goes by itself is not moved by hand");
    if (duration < 0)
        return wherry__fail(WHERRY_E_MISUSE, "the duration is negative");
    return WHERRY_OK;
}

int64_t wherry_loop_tick(wherry_loop *loop, int64_t duration)
{
    int result = check_tick(loop, duration);

    if (result < 0)
        return result;
    loop->now = wherry__instant_after(loop->now, duration);
    return loop->now;
}

int64_t wherry_loop_wall(const wherry_loop *loop)
{
    return loop->system->wall(loop->system);
}

int64_t wherry_in(int64_t duration)
{
    const wherry_loop *loop = wherry_loop_current();
    wherry_system *system;
    int64_t now;

    if (loop != NULL) {
        now = loop->now;
    } else {
        system = wherry__system_ambient();
        now = system->monotonic(system);
    }
    return wherry__instant_after(now, duration);
}
