/* Clocks of simulated hosts. The monotonic one begins at zero, plus its offset, when the host is
 * switched on, and runs fast or slow by its drift; the wall clock runs with it, from a fixed date
 * on and never from the real one, and can be set. Whole numbers only, so that what one machine
 * computes is what every machine does. */
#include <wherry/time.h>

#include "simulation/world.h"

/* 2024-02-29 12:00 UTC, a leap day. */
#define BEGINNING WHERRY_SECONDS(INT64_C(1709208000))

#define MILLION 1000000

/* span * (1 + drift / 1e6), rounded down: in two steps that cannot overflow. */
static int64_t stretch(int64_t span, int32_t drift)
{
    return span + span / MILLION * drift + span % MILLION * drift / MILLION -
           (span % MILLION * drift % MILLION < 0);
}

int64_t wherry__sim_monotonic(const wherry__sim_host *host)
{
    return host->clock_offset + stretch(host->world->now - host->started, host->drift);
}

int64_t wherry__sim_wall(const wherry__sim_host *host)
{
    return BEGINNING + host->wall_offset + stretch(host->world->now, host->drift);
}

/* The inverse: an estimate, then the few nanoseconds that rounding makes. */
int64_t wherry__sim_world_time(const wherry__sim_host *host, int64_t until)
{
    int64_t span;

    if (until == WHERRY_NEVER)
        return WHERRY_NEVER;
    if (until <= wherry__sim_monotonic(host))
        return host->world->now;
    span = until - host->clock_offset;
    if (host->drift == 0)
        return span > WHERRY_NEVER - host->started ? WHERRY_NEVER : host->started + span;
    span = span / (MILLION + host->drift) * MILLION +
           span % (MILLION + host->drift) * MILLION / (MILLION + host->drift);
    while (stretch(span, host->drift) < until - host->clock_offset)
        span++;
    while (stretch(span - 1, host->drift) >= until - host->clock_offset)
        span--;
    return host->started + span;
}
