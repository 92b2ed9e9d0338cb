/* Metered: another system, whose sends are counted and on whose clock time passes faster. */
#include <wherry.h>

typedef struct metered_system {
    wherry_system base; /* first: what a loop is given */
    wherry_system *below;
    int64_t begin; /* when it was made, on both clocks */
    int64_t speed; /* nanoseconds that pass here for each one below */
    size_t sends;
    size_t sent; /* bytes */
} metered_system;

static ssize_t metered_send(wherry_system *self, int descriptor, const struct iovec *parts,
                            size_t count, int flags)
{
    metered_system *metered = (metered_system *)self;
    ssize_t result = metered->below->send(metered->below, descriptor, parts, count, flags);

    metered->sends++;
    metered->sent += result > 0 ? (size_t)result : 0;
    return result;
}

static int64_t metered_monotonic(wherry_system *self)
{
    metered_system *metered = (metered_system *)self;
    int64_t passed = metered->below->monotonic(metered->below) - metered->begin;

    return metered->begin + passed * metered->speed;
}

/* Rounded up: it must not return before its time. */
static int metered_wait(wherry_system *self, wherry_poller *poller, int64_t until,
                        wherry_ready *ready, int capacity)
{
    metered_system *metered = (metered_system *)self;

    if (until != WHERRY_NEVER && until > metered->begin)
        until = metered->begin + (until - metered->begin) / metered->speed + 1;
    return metered->below->wait(metered->below, poller, until, ready, capacity);
}

static void metered_system_init(metered_system *metered, wherry_system *below, int64_t speed)
{
    *metered = (metered_system){ .base = *below, .below = below, .speed = speed };
    metered->base.name = "metered";
    metered->base.send = metered_send;
    metered->base.monotonic = metered_monotonic;
    metered->base.wait = metered_wait;
    metered->begin = below->monotonic(below);
}
