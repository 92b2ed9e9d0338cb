/* Clocks of simulated hosts. The monotonic one begins at zero, plus its offset, when the host is
 * switched on, and runs fast or slow by its drift; the wall clock runs with it, from a fixed date
 * on and never from the real one, and can be set. Whole numbers only, so that what one machine
 * computes is what every machine does. */
#include <wherry/time.h>

#include "simulation/world.h"

/* 2024-02-29 12:00 UTC, a leap day. */
#define BEGINNING WHERRY_SECONDS(INT64_C(1709208000))

#define MILLION 1000000

/* Instants beyond what a number holds are its last one: then clocks stand still. */
static int64_t plus(int64_t one, int64_t other)
{
    int64_t sum;

    if (!__builtin_add_overflow(one, other, &sum))
        return sum;
    return other < 0 ? INT64_MIN : INT64_MAX;
}

/* span * (1 + drift / 1e6), rounded down: in steps that cannot overflow but for the sum. */
static int64_t stretch(int64_t span, int32_t drift)
{
    const int64_t part = span % MILLION * drift;

    return plus(plus(span, span / MILLION * drift), part / MILLION - (part % MILLION < 0));
}

int64_t wherry__sim_monotonic(const wherry__sim_host *host)
{
    return plus(stretch(host->world->now - host->started, host->drift), host->clock_offset);
}

int64_t wherry__sim_wall(const wherry__sim_host *host)
{
    return plus(plus(stretch(host->world->now, host->drift), host->wall_offset), BEGINNING);
}

void wherry__sim_set_wall(wherry__sim_host *host, int64_t by)
{
    host->wall_offset = plus(host->wall_offset, by);
}

/* The inverse of stretch for a span of more than zero: an estimate that is right but for the few
 * nanoseconds that rounding makes. */
static int64_t shrink(int64_t span, int32_t drift)
{
    const int64_t whole = MILLION + drift;
    int64_t shrunk;

    if (drift == 0)
        return span;
    if (span / whole > INT64_MAX / MILLION - 1)
        return WHERRY_NEVER;
    shrunk = span / whole * MILLION + span % whole * MILLION / whole;
    while (stretch(shrunk, drift) < span)
        shrunk++;
    while (stretch(shrunk - 1, drift) >= span)
        shrunk--;
    return shrunk;
}

int64_t wherry__sim_world_time(const wherry__sim_host *host, int64_t until)
{
    if (until == WHERRY_NEVER)
        return WHERRY_NEVER;
    if (until <= wherry__sim_monotonic(host))
        return host->world->now;
    return plus(shrink(until - host->clock_offset, host->drift), host->started);
}
