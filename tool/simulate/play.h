/* Play: a scenario with its seed and the faults that strike, as a file keeps it, and one run of it.
 */
#ifndef TOOL_SIMULATE_PLAY_H
#define TOOL_SIMULATE_PLAY_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "../scenarios/scenario.h"

/* Everything that a run depends on, and how it is to be run. */
struct play {
    const struct scenario *scenario;
    uint64_t seed;
    struct scenario_limits limits;
    bool is_silent;              /* apart, nothing it says on standard error is to be seen */
    bool is_replay;              /* the faults are those here, and no others */
    wherry_fault_record *faults; /* of malloc(3) */
    size_t fault_count;
};

/* Writes it to a file, with what came of it as a remark. Returns 0, or -1 when it has said what is
 * wrong. */
int play_save(const struct play *play, const struct scenario_outcome *outcome, const char *path);

/* Reads it from a file. The same answers; play is to be cleared only if it is 0. */
int play_load(struct play *play, const char *path);
void play_clear(struct play *play);

/* Reads a whole number, which is made of digits and nothing else. Returns what stands behind it, or
 * NULL: there is none, or it is too large. */
const char *play_number(const char *text, uint64_t *number);

/* Runs it in this process. observer may be NULL. struck: where the faults that struck go, if it is
 * not NULL. */
void play_run(const struct play *play, wherry_simulation_observer *observer,
              struct scenario_outcome *outcome, struct scenario_faults *struck);

/* Runs it in a process of its own, so that a crash is an outcome like any other, and nothing is
 * left behind for the next run. Of a run that crashed no faults are known. */
void play_run_apart(const struct play *play, struct scenario_outcome *outcome,
                    struct scenario_faults *struck);

/* The same in two steps, for several at a time. What was started must be finished. */
struct play_child {
    pid_t pid;
    int descriptor;
};

void play_start(const struct play *play, struct play_child *child);
void play_finish(struct play_child *child, struct scenario_outcome *outcome,
                 struct scenario_faults *struck);

/* Whether two outcomes are the same failure: the same code, and the same sentence but for numbers.
 */
bool play_same_failure(const struct scenario_outcome *one, const struct scenario_outcome *other);

#endif
