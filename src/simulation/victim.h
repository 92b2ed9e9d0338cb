/* Victim: whom faults strike, a host or a link, with a generator and a count of occasions for each
 * kind; and the records of those that struck, or that are to. */
#ifndef WHERRY_SIMULATION_VICTIM_H
#define WHERRY_SIMULATION_VICTIM_H

#include "base/list.h"
#include "simulation/world.h"

/* Bytes of the name of a victim: of two hosts with ">" between them. */
#define WHERRY__SIM_WHOM sizeof(((wherry_fault_record *)NULL)->whom)

typedef struct wherry__sim_victim {
    wherry__link link;
    char whom[WHERRY__SIM_WHOM];
    wherry__sim_chance chances[WHERRY_FAULT_COUNT];
    uint64_t occasions[WHERRY_FAULT_COUNT];
} wherry__sim_victim;

#define WHERRY__SIM_POINTS 64

struct wherry__sim_faults {
    wherry_faults rates;
    struct {
        const char *name;
        bool chosen;
    } points[WHERRY__SIM_POINTS]; /* that were asked about last */
    bool over;                    /* none strikes any more, not even in a replay */
    bool replaying;
    wherry__link victims;
    wherry_fault_record *struck; /* oldest first */
    size_t struck_count;
    size_t struck_room;
    wherry_fault_record *replay; /* sorted by kind, occasion and whom */
    bool *applied;               /* of the same order */
    size_t replay_count;
};

/* "A>B", or with to NULL the name of from. */
void wherry__sim_whom(const wherry__sim_host *from, const wherry__sim_host *to,
                      char whom[WHERRY__SIM_WHOM]);

/* --- record.c */

/* Adds a fault that struck, as long as there is room for it. */
void wherry__sim_record(wherry_simulation *world, int fault, const wherry__sim_victim *victim,
                        uint64_t value);

/* Takes over the records of the options. WHERRY_E_MISUSE, WHERRY_E_NO_MEMORY. */
int wherry__sim_replay_new(wherry_simulation *world);
void wherry__sim_records_free(wherry_simulation *world);

/* Whether a record says that the fault strikes at the occasion that the victim has now; then its
 * value. */
bool wherry__sim_replay_strikes(wherry_simulation *world, int fault,
                                const wherry__sim_victim *victim, uint64_t *value);

#endif
