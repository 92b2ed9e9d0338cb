/* Trace: each event takes its number, is told to the observer, and goes into the hash, which
 * compares two runs without keeping either. Nothing goes into it that differs from process to
 * process: no place in memory, and no name of a file. */
#include <stdio.h>
#include <string.h>

#include "simulation/inside.h"
#include "simulation/program.h"
#include "simulation/world.h"

static void mix(wherry_simulation *world, uint64_t value)
{
    world->hash = (world->hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    world->hash ^= world->hash >> 29;
}

static void mix_bytes(wherry_simulation *world, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint64_t word;

    for (; size >= sizeof(word); bytes += sizeof(word), size -= sizeof(word)) {
        memcpy(&word, bytes, sizeof(word));
        mix(world, word);
    }
    word = 0;
    memcpy(&word, bytes, size);
    mix(world, word ^ size);
}

static void mix_text(wherry_simulation *world, const char *text)
{
    if (text != NULL)
        mix_bytes(world, text, strlen(text));
}

/* Their length is the family's: what lies behind it in the structure is not said. */
static void mix_address(wherry_simulation *world, const struct sockaddr *address)
{
    if (address == NULL)
        return;
    if (address->sa_family == AF_INET)
        mix_bytes(world, address, offsetof(struct sockaddr_in, sin_zero));
    else if (address->sa_family == AF_INET6)
        mix_bytes(world, address, sizeof(struct sockaddr_in6));
}

static void mix_event(wherry_simulation *world, const wherry_simulation_event *event)
{
    mix(world, event->step);
    mix(world, (uint64_t)event->time);
    mix_text(world, event->host);
    mix_text(world, event->program);
    mix_text(world, event->what);
    mix_text(world, event->detail);
    mix(world, (uint64_t)event->descriptor);
    mix(world, (uint64_t)event->result);
    mix(world, event->flags);
    mix_address(world, event->from);
    mix_address(world, event->to);
    if (event->data != NULL)
        mix_bytes(world, event->data, event->length);
}

/* An observer is no program, also where a program's call is what it sees: it may look at a clock.
 */
static void show(wherry_simulation *world, const wherry_simulation_event *event)
{
    bool former = wherry__sim_inside_set(false);

    world->shown = true;
    world->options.observer->see(world->options.observer, event);
    world->shown = false;
    (void)wherry__sim_inside_set(former);
}

void wherry__sim_tell(wherry_simulation *world, wherry__sim_host *host,
                      wherry_simulation_event event)
{
    const wherry__sim_program *running = world->running;

    /* The watchdog looks at it from another thread. */
    event.step = __atomic_add_fetch(&world->step, 1, __ATOMIC_RELAXED);
    if (event.cause == 0)
        event.cause = world->cause;
    event.time = world->now;
    if (host == NULL && running != NULL)
        host = running->host;
    if (event.host == NULL && host != NULL)
        event.host = host->name;
    if (event.program == NULL && running != NULL)
        event.program = running->name;
    world->statistics.events++;
    mix_event(world, &event);
    if (world->options.observer != NULL)
        show(world, &event);
}
