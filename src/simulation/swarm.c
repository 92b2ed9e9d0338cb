/* Swarm: what is drawn once for a world, so that each seed is an odd world of its own rather than
 * all of them the same noise (Groce et al., "Swarm testing", 2012): most kinds of faults are off in
 * most seeds, the others are anything from rare to constant. One seed in ten is all quiet. */
#include <stdio.h>

#include "simulation/victim.h"

#define KIB 1024
#define MIB (1024 * 1024)

/* One kind in so many strikes at all. */
#define KINDS_ON 4
#define QUIET_SEEDS 10

/* The weakest and the strongest that is drawn, in millionths of the occasions. What happens at
 * every call and breaks nothing may be constant; what breaks connections leaves most of them
 * whole. */
static const struct {
    uint32_t low, high;
} strengths[WHERRY_FAULT_COUNT] = {
    [WHERRY_FAULT_SHORT_RECEIVE] = { 1000, 1000000 },
    [WHERRY_FAULT_SHORT_SEND] = { 1000, 1000000 },
    [WHERRY_FAULT_INTERRUPTED] = { 100, 300000 },
    [WHERRY_FAULT_NOT_YET] = { 100, 300000 },
    [WHERRY_FAULT_SPURIOUS] = { 100, 300000 },
    [WHERRY_FAULT_NO_BUFFERS] = { 100, 100000 },
    [WHERRY_FAULT_NO_DESCRIPTORS] = { 1000, 300000 },
    [WHERRY_FAULT_ACCEPT] = { 1000, 300000 },
    [WHERRY_FAULT_REFUSED] = { 1000, 300000 },
    [WHERRY_FAULT_LOST_CONNECT] = { 1000, 100000 },
    [WHERRY_FAULT_RESET] = { 100, 100000 },
    [WHERRY_FAULT_SILENCE] = { 100, 30000 },
    [WHERRY_FAULT_DELAY] = { 100, 100000 },
    [WHERRY_FAULT_SPLIT] = { 1000, 1000000 },
    [WHERRY_FAULT_LOSS] = { 100, 300000 },
    [WHERRY_FAULT_DUPLICATE] = { 100, 300000 },
    [WHERRY_FAULT_REORDER] = { 100, 300000 },
    [WHERRY_FAULT_CORRUPT] = { 100, 30000 },
    [WHERRY_FAULT_STALL] = { 100, 30000 },
    [WHERRY_FAULT_ORDER] = { 1000, 1000000 },
    [WHERRY_FAULT_PARTITION] = { 100, 30000 },
    [WHERRY_FAULT_CLOG] = { 100, 30000 },
    [WHERRY_FAULT_NO_MEMORY] = { 100, 100000 },
    [WHERRY_FAULT_NAME] = { 1000, 300000 },
    [WHERRY_FAULT_POINT] = { 1000, 250000 },
    [WHERRY_FAULT_NAME_TWICE] = { 1000, 1000000 },
};

static wherry__sim_chance chance_for(wherry_simulation *world, const char *what)
{
    wherry__sim_chance chance;

    wherry__sim_chance_init(&chance, world->seed, "swarm", what, &world->choices);
    return chance;
}

static void tell(wherry_simulation *world, const char *detail, int64_t result)
{
    wherry__sim_tell(world, NULL,
                     (wherry_simulation_event){
                         .what = "swarm",
                         .detail = detail,
                         .descriptor = -1,
                         .result = result,
                     });
}

/* --- faults: a generator for each kind, so that a new one changes nothing for the others */

static uint32_t draw_strength(wherry_simulation *world, int fault)
{
    wherry__sim_chance chance = chance_for(world, wherry_fault_name(fault));

    if (wherry__sim_draw_below(&chance, KINDS_ON) != KINDS_ON - 1)
        return 0;
    return (uint32_t)wherry__sim_draw_magnitude(&chance, strengths[fault].low,
                                                strengths[fault].high);
}

static void draw_faults(wherry_simulation *world)
{
    wherry_faults *faults = &world->options.faults;

    *faults = (wherry_faults){ 0 };
    for (int i = 0; i < WHERRY_FAULT_COUNT; i++) {
        faults->millionths[i] = draw_strength(world, i);
        if (faults->millionths[i] > 0)
            tell(world, wherry_fault_name(i), faults->millionths[i]);
    }
}

/* --- the link of all hosts. One seed in ten has no latency at all. */

static void draw_link(wherry_simulation *world)
{
    wherry__sim_chance chance = chance_for(world, "link");
    wherry_link *link = &world->options.link;

    *link = (wherry_link){ 0 };
    if (wherry__sim_draw_below(&chance, 10) == 9)
        link->latency = -1;
    else
        link->latency = (int64_t)wherry__sim_draw_magnitude(&chance, WHERRY_MICROSECONDS(1),
                                                            WHERRY_MILLISECONDS(2));
    if (wherry__sim_draw_below(&chance, 2) == 1)
        link->jitter = (int64_t)wherry__sim_draw_magnitude(&chance, WHERRY_MICROSECONDS(1),
                                                           WHERRY_MILLISECONDS(100));
    if (wherry__sim_draw_below(&chance, 4) == 3)
        link->bytes_per_second = wherry__sim_draw_magnitude(&chance, 100 * KIB, 1024 * MIB);
    if (wherry__sim_draw_below(&chance, 2) == 1)
        link->queue = (size_t)wherry__sim_draw_magnitude(&chance, 2 * KIB, 4 * MIB);
    if (wherry__sim_draw_below(&chance, 2) == 1)
        link->mtu = (size_t)wherry__sim_draw_magnitude(&chance, 576, 9000);
    tell(world, "latency", link->latency);
    tell(world, "jitter", link->jitter);
    tell(world, "bytes per second", (int64_t)link->bytes_per_second);
    tell(world, "queue", (int64_t)link->queue);
    tell(world, "mtu", (int64_t)link->mtu);
}

/* --- buffers: in half of the seeds the usual ones, else from one byte on. Where they are tiny all
 * waits for the other end's answer, so the way there is short. */

static size_t draw_buffer(wherry_simulation *world, const char *what)
{
    wherry__sim_chance chance = chance_for(world, what);
    size_t size = 0;

    if (wherry__sim_draw_below(&chance, 2) == 1)
        size = (size_t)wherry__sim_draw_magnitude(&chance, 1, 4 * MIB);
    tell(world, what, (int64_t)size);
    return size;
}

static bool is_tiny(size_t size)
{
    return size > 0 && size < 512;
}

static void draw_buffers(wherry_simulation *world)
{
    wherry_simulation_options *options = &world->options;

    options->send_buffer = draw_buffer(world, "send buffer");
    options->receive_buffer = draw_buffer(world, "receive buffer");
    if (!is_tiny(options->send_buffer) && !is_tiny(options->receive_buffer))
        return;
    options->link.latency = -1;
    options->link.jitter = 0;
    tell(world, "latency, as a buffer is tiny", -1);
}

void wherry__sim_faults_swarm(wherry_simulation *world)
{
    wherry__sim_chance chance = chance_for(world, "quiet");

    draw_link(world);
    draw_buffers(world);
    if (wherry__sim_draw_below(&chance, QUIET_SEEDS) == QUIET_SEEDS - 1)
        world->options.faults = (wherry_faults){ 0 };
    else
        draw_faults(world);
}

/* --- the clocks of a host: in half of the cases it was switched on at the same moment as the world
 * and is right */

void wherry__sim_swarm_clocks(wherry__sim_host *host)
{
    wherry_simulation *world = host->world;
    wherry__sim_chance chance;

    if (!world->options.swarm)
        return;
    wherry__sim_chance_init(&chance, world->seed, "clocks", host->name, &world->choices);
    if (wherry__sim_draw_below(&chance, 2) == 0)
        return;
    host->clock_offset = (int64_t)wherry__sim_draw_magnitude(&chance, WHERRY_MICROSECONDS(1),
                                                             WHERRY_SECONDS(100 * 86400));
    host->wall_offset = (int64_t)wherry__sim_draw_magnitude(&chance, WHERRY_MICROSECONDS(1),
                                                            WHERRY_SECONDS(86400));
    host->drift = (int32_t)wherry__sim_draw_magnitude(&chance, 1, 1000);
    if (wherry__sim_draw_below(&chance, 2) == 1)
        host->wall_offset = -host->wall_offset;
    if (wherry__sim_draw_below(&chance, 2) == 1)
        host->drift = -host->drift;
}
