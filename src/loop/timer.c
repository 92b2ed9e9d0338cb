/* Timer: two instants and whose they are. Everything else is asked of the clock, so that nothing
 * has to be kept up to date. Sums and differences stop at the ends of time instead of going round.
 */
#include <wherry/timer.h>

#include <stdbool.h>

#include <wherry/error.h>
#include <wherry/time.h>

#include "base/error.h"
#include "base/size.h"

static int64_t now_of(const wherry_loop *base)
{
    return base == NULL ? wherry_in(0) : wherry_loop_now(base);
}

/* From one instant to another. */
static int64_t span(int64_t from, int64_t to)
{
    int64_t length;

    if (!__builtin_sub_overflow(to, from, &length))
        return length;
    return to > from ? INT64_MAX : INT64_MIN;
}

/* An instant before zero lies further than the longest duration from the end of time: from there,
 * too, forever is forever. */
static int64_t stop_after(int64_t start, int64_t duration)
{
    return duration == WHERRY_NEVER ? WHERRY_NEVER : wherry__instant_after(start, duration);
}

static bool is_endless(const wherry_timer *timer)
{
    return timer->stop == WHERRY_NEVER;
}

int wherry_timer_start_at(wherry_timer *timer, const wherry_loop *base, int64_t start,
                          int64_t duration)
{
    if (duration < 0)
        return wherry__fail(WHERRY_E_MISUSE, "the duration of a timer is negative");
    *timer = (wherry_timer){ base, start, stop_after(start, duration) };
    return WHERRY_OK;
}

int wherry_timer_start(wherry_timer *timer, const wherry_loop *base, int64_t duration)
{
    return wherry_timer_start_at(timer, base, now_of(base), duration);
}

void wherry_timer_restart(wherry_timer *timer)
{
    (void)wherry_timer_restart_for(timer, wherry_timer_duration(timer));
}

int wherry_timer_restart_for(wherry_timer *timer, int64_t duration)
{
    if (is_endless(timer) && duration >= 0)
        return WHERRY_OK;
    return wherry_timer_start_at(timer, timer->base, timer->stop, duration);
}

void wherry_timer_wind(wherry_timer *timer, const wherry_loop *base)
{
    (void)wherry_timer_start(timer, base, wherry_timer_duration(timer));
}

int64_t wherry_timer_duration(const wherry_timer *timer)
{
    return is_endless(timer) ? WHERRY_NEVER : span(timer->start, timer->stop);
}

int64_t wherry_timer_elapsed(const wherry_timer *timer)
{
    return span(timer->start, now_of(timer->base));
}

int64_t wherry_timer_remaining(const wherry_timer *timer)
{
    return is_endless(timer) ? WHERRY_NEVER : span(now_of(timer->base), timer->stop);
}

int wherry_timer_expired(const wherry_timer *timer)
{
    return !is_endless(timer) && now_of(timer->base) >= timer->stop;
}
