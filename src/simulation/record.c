/* Record: the faults that struck, and those that are to strike in a replay. A record names the
 * kind, whom, and the number of the occasion, not the time: so a replay from which some were taken
 * out still means the others where they were. */
#include "simulation/victim.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/size.h"

#define RECORDS_MAX 100000

/* --- what struck */

static bool make_room(wherry_simulation *world)
{
    wherry__sim_faults *faults = world->faults;
    size_t room = wherry__size_min(wherry__size_max(faults->struck_room * 2, 64), RECORDS_MAX);
    wherry_fault_record *grown;

    if (faults->struck_count < faults->struck_room)
        return true;
    if (faults->struck_room == RECORDS_MAX)
        return false;
    grown = wherry__memory_resize(wherry__sim_memory(world), faults->struck,
                                  faults->struck_room * sizeof(*grown), room * sizeof(*grown));
    if (grown == NULL)
        return false;
    faults->struck = grown;
    faults->struck_room = room;
    return true;
}

void wherry__sim_record(wherry_simulation *world, int fault, const wherry__sim_victim *victim,
                        uint64_t value)
{
    wherry__sim_faults *faults = world->faults;
    wherry_fault_record *record;

    if (!make_room(world))
        return;
    record = &faults->struck[faults->struck_count++];
    *record = (wherry_fault_record){
        .fault = fault,
        .occasion = victim->occasions[fault],
        .value = value,
        .time = world->now,
    };
    memcpy(record->whom, victim->whom, sizeof(record->whom));
}

const wherry_fault_record *wherry_simulation_faults(const wherry_simulation *world, size_t *count)
{
    *count = world->faults->struck_count;
    return world->faults->struck;
}

/* --- what is to strike */

static int compare(const void *one, const void *other)
{
    const wherry_fault_record *a = one, *b = other;

    if (a->fault != b->fault)
        return a->fault < b->fault ? -1 : 1;
    if (a->occasion != b->occasion)
        return a->occasion < b->occasion ? -1 : 1;
    return strcmp(a->whom, b->whom);
}

/* Two of the same kind, occasion and whom cannot both strike. */
static int check(wherry__sim_faults *faults)
{
    for (size_t i = 0; i < faults->replay_count; i++) {
        const wherry_fault_record *record = &faults->replay[i];

        if (wherry_fault_name(record->fault) == NULL)
            return wherry__fail(WHERRY_E_MISUSE, "a replay with a fault of kind %d", record->fault);
        if (i > 0 && compare(record - 1, record) == 0)
            return wherry__fail(WHERRY_E_MISUSE, "a replay with %s of %s twice at occasion %llu",
                                wherry_fault_name(record->fault), record->whom,
                                (unsigned long long)record->occasion);
    }
    return WHERRY_OK;
}

static int take_over(wherry_simulation *world, size_t count)
{
    wherry__sim_faults *faults = world->faults;
    wherry_memory *memory = wherry__sim_memory(world);
    size_t size;

    if (!wherry__size_multiply(count, sizeof(*faults->replay), &size))
        return wherry__fail(WHERRY_E_MISUSE, "a replay of %zu faults", count);
    faults->replay = wherry__memory_take(memory, size);
    if (faults->replay == NULL)
        return WHERRY_E_NO_MEMORY;
    faults->replay_count = count;
    faults->applied = wherry__memory_take(memory, count * sizeof(*faults->applied));
    if (faults->applied == NULL)
        return WHERRY_E_NO_MEMORY;
    memcpy(faults->replay, world->options.replay, size);
    for (size_t i = 0; i < count; i++)
        faults->replay[i].whom[WHERRY__SIM_WHOM - 1] = '\0';
    qsort(faults->replay, count, sizeof(*faults->replay), compare);
    return check(faults);
}

int wherry__sim_replay_new(wherry_simulation *world)
{
    const wherry_simulation_options *options = &world->options;

    world->faults->replaying = options->replaying || options->replay != NULL;
    if (options->replay_count == 0)
        return WHERRY_OK;
    if (options->replay == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "a number of faults to replay, and none of them");
    return take_over(world, options->replay_count);
}

void wherry__sim_records_free(wherry_simulation *world)
{
    wherry__sim_faults *faults = world->faults;
    wherry_memory *memory = wherry__sim_memory(world);

    wherry__memory_give(memory, faults->struck, faults->struck_room * sizeof(*faults->struck));
    wherry__memory_give(memory, faults->replay, faults->replay_count * sizeof(*faults->replay));
    wherry__memory_give(memory, faults->applied, faults->replay_count * sizeof(*faults->applied));
}

bool wherry__sim_replay_strikes(wherry_simulation *world, int fault,
                                const wherry__sim_victim *victim, uint64_t *value)
{
    wherry__sim_faults *faults = world->faults;
    wherry_fault_record wanted = { .fault = fault, .occasion = victim->occasions[fault] };
    const wherry_fault_record *found;

    if (faults->replay_count == 0)
        return false;
    memcpy(wanted.whom, victim->whom, sizeof(wanted.whom));
    found = bsearch(&wanted, faults->replay, faults->replay_count, sizeof(wanted), compare);
    if (found == NULL)
        return false;
    faults->applied[found - faults->replay] = true;
    *value = found->value;
    return true;
}

/* What was to strike now or later still can. */
int wherry__sim_faults_check(wherry_simulation *world)
{
    const wherry__sim_faults *faults = world->faults;

    for (size_t i = 0; i < faults->replay_count; i++) {
        const wherry_fault_record *record = &faults->replay[i];

        if (!faults->applied[i] && record->time < world->now)
            return wherry__fail(WHERRY_E_BROKEN,
                                "a fault to be replayed did not strike: %s of %s at occasion %llu",
                                wherry_fault_name(record->fault), record->whom,
                                (unsigned long long)record->occasion);
    }
    return WHERRY_OK;
}
