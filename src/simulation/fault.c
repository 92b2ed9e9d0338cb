/* Faults: whether one strikes, here and now. Each kind has a generator of its own for each host and
 * each direction between two, so that what strikes one does not depend on how often others had the
 * occasion; and as occasions are counted in the same way, what struck can be replayed by number. */
#include "simulation/victim.h"

#include <stdio.h>

#include <wherry/error.h>

#include "simulation/way.h"

/* Up to 4 s, in 1 ms, 2 ms, 4 ms, ... */
#define STALL_ORDERS 13

/* --- what kinds there are */

static const struct {
    const char *name;
    const char *text;
} kinds[] = {
#define KIND(name, sentence) [WHERRY_FAULT_##name] = { #name, sentence },
    WHERRY_FAULT_TABLE(KIND)
#undef KIND
};

static bool is_kind(int fault)
{
    return fault >= 0 && fault < WHERRY_FAULT_COUNT;
}

const char *wherry_fault_name(int fault)
{
    return is_kind(fault) ? kinds[fault].name : NULL;
}

const char *wherry_fault_text(int fault)
{
    return is_kind(fault) ? kinds[fault].text : NULL;
}

/* --- victims */

void wherry__sim_whom(const wherry__sim_host *from, const wherry__sim_host *to,
                      char whom[WHERRY__SIM_WHOM])
{
    (void)snprintf(whom, WHERRY__SIM_WHOM, "%s%s%s", from->name, to == NULL ? "" : ">",
                   to == NULL ? "" : to->name);
}

static wherry__sim_victim *victim_new(wherry__sim_host *from, const wherry__sim_host *to)
{
    wherry_simulation *world = from->world;
    wherry__sim_victim *victim = wherry__memory_take(wherry__sim_memory(world), sizeof(*victim));

    if (victim == NULL)
        return NULL;
    wherry__sim_whom(from, to, victim->whom);
    for (int i = 0; i < WHERRY_FAULT_COUNT; i++)
        wherry__sim_chance_init(&victim->chances[i], world->seed, kinds[i].name, victim->whom,
                                &world->choices);
    wherry__list_append(&world->faults->victims, &victim->link);
    return victim;
}

/* --- striking */

static bool is_drawn(wherry_simulation *world, wherry__sim_victim *victim, int fault,
                     uint64_t bound, uint64_t *value)
{
    uint32_t rate = world->faults->rates.millionths[fault];

    if (rate == 0 || !wherry__sim_draw_often(&victim->chances[fault], rate))
        return false;
    *value = wherry__sim_draw_below(&victim->chances[fault], bound);
    return true;
}

static void tell_fault(wherry__sim_host *host, const wherry__sim_victim *victim, int fault,
                       uint64_t value)
{
    char detail[WHERRY__SIM_WHOM + 32];

    (void)snprintf(detail, sizeof(detail), "%s %s", kinds[fault].name, victim->whom);
    wherry__sim_tell(host->world, host,
                     (wherry_simulation_event){
                         .what = "fault",
                         .detail = detail,
                         .descriptor = -1,
                         .result = (int64_t)value,
                     });
}

static bool strikes(wherry__sim_host *host, wherry__sim_victim *victim, int fault, uint64_t bound,
                    uint64_t *value)
{
    wherry_simulation *world = host->world;
    uint64_t drawn = 0;

    victim->occasions[fault]++;
    world->statistics.occasions[fault]++;
    if (world->faults->over)
        return false;
    if (world->faults->replaying ? !wherry__sim_replay_strikes(world, fault, victim, &drawn)
                                 : !is_drawn(world, victim, fault, bound, &drawn))
        return false;
    if (drawn >= bound)
        drawn = bound - 1;
    world->statistics.faults[fault]++;
    wherry__sim_record(world, fault, victim, drawn);
    tell_fault(host, victim, fault, drawn);
    if (value != NULL)
        *value = drawn;
    return true;
}

bool wherry__sim_fault(wherry__sim_host *host, int fault, uint64_t bound, uint64_t *value)
{
    if (host->victim == NULL)
        host->victim = victim_new(host, NULL);
    return host->victim != NULL && strikes(host, host->victim, fault, bound, value);
}

bool wherry__sim_fault_between(wherry__sim_host *from, wherry__sim_host *to, int fault,
                               uint64_t bound, uint64_t *value)
{
    wherry__sim_way *way = from == to ? NULL : wherry__sim_way_of(from, to);

    if (way == NULL)
        return false;
    if (way->victim == NULL)
        way->victim = victim_new(from, to);
    return way->victim != NULL && strikes(from, way->victim, fault, bound, value);
}

/* What is known of the points by their names: they are constants, of which there are few. */
static bool is_point_of(wherry_simulation *world, const char *name)
{
    wherry__sim_faults *faults = world->faults;
    const size_t place = ((uintptr_t)name >> 3) % WHERRY__SIM_POINTS;
    wherry__sim_chance chance;

    if (faults->points[place].name != name) {
        wherry__sim_chance_init(&chance, world->seed, "point", name, NULL);
        faults->points[place].name = name;
        faults->points[place].chosen = wherry__sim_draw_below(&chance, 4) == 0;
    }
    return faults->points[place].chosen;
}

bool wherry__sim_point(wherry__sim_host *host, const char *name)
{
    return is_point_of(host->world, name) && wherry__sim_fault(host, WHERRY_FAULT_POINT, 1, NULL);
}

void wherry__sim_stall(wherry__sim_host *host)
{
    uint64_t order;

    if (wherry__sim_fault(host, WHERRY_FAULT_STALL, STALL_ORDERS, &order))
        host->stalled_until = host->world->now + wherry__sim_fault_time(order);
}

/* --- all of them */

int wherry__sim_faults_new(wherry_simulation *world)
{
    wherry__sim_faults *faults = wherry__memory_take(wherry__sim_memory(world), sizeof(*faults));

    if (faults == NULL)
        return WHERRY_E_NO_MEMORY;
    wherry__link_init(&faults->victims);
    faults->rates = world->options.faults;
    world->faults = faults;
    return wherry__sim_replay_new(world);
}

void wherry__sim_faults_free(wherry_simulation *world)
{
    wherry__sim_faults *faults = world->faults;
    wherry__link *link;

    if (faults == NULL)
        return;
    while ((link = wherry__list_take(&faults->victims)) != NULL)
        wherry__memory_give(wherry__sim_memory(world),
                            WHERRY__OWNER(link, wherry__sim_victim, link),
                            sizeof(wherry__sim_victim));
    wherry__sim_records_free(world);
    wherry__memory_give(wherry__sim_memory(world), faults, sizeof(*faults));
    world->faults = NULL;
}

void wherry_simulation_set_faults(wherry_simulation *world, const wherry_faults *faults)
{
    static const wherry_faults none;

    if (world == NULL || wherry__sim_changeable(world) < 0)
        return;
    world->faults->over = faults == NULL;
    world->faults->rates = *(faults == NULL ? &none : faults);
    if (faults == NULL)
        wherry__sim_ways_calm(world);
}
