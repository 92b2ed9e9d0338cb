/* Scenarios on the sockets of this machine: each program has a thread and a loop of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "backstage.h"

#define SECONDS_MOST 60

static pthread_mutex_t count_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t one_ended = PTHREAD_COND_INITIALIZER;

static void *run_thread(void *argument)
{
    struct program *program = argument;
    int result = program->is_plain ? stage_run_plain(program)
                                   : wherry_run(stage_run_program, program);

    if (result < 0)
        stage_fail(program->stage, result, "wherry_run failed");
    (void)pthread_mutex_lock(&count_lock);
    program->has_run = true;
    (void)pthread_cond_broadcast(&one_ended);
    (void)pthread_mutex_unlock(&count_lock);
    return NULL;
}

static bool have_run(const struct stage *stage)
{
    for (const struct program *program = stage->programs; program != NULL; program = program->next)
        if (!program->has_run)
            return false;
    return true;
}

/* False: they did not end in time. */
static bool wait_for_all(struct stage *stage)
{
    struct timespec until;
    int result = 0;

    (void)timespec_get(&until, TIME_UTC);
    until.tv_sec += SECONDS_MOST;
    (void)pthread_mutex_lock(&count_lock);
    while (!have_run(stage) && result == 0)
        result = pthread_cond_timedwait(&one_ended, &count_lock, &until);
    (void)pthread_mutex_unlock(&count_lock);
    return result == 0;
}

static bool start_all(struct stage *stage)
{
    for (struct program *program = stage->programs; program != NULL; program = program->next)
        if (pthread_create(&program->thread, NULL, run_thread, program) != 0) {
            stage_fail(stage, WHERRY_E_SYSTEM, "no thread can be had");
            program->has_run = true;
            return false;
        }
    return true;
}

static void join_all(struct stage *stage)
{
    for (struct program *program = stage->programs; program != NULL; program = program->next)
        (void)pthread_join(program->thread, NULL);
}

int scenario_perform(const struct scenario *scenario, uint64_t seed,
                     struct scenario_outcome *outcome)
{
    struct stage *stage = malloc(sizeof(*stage));

    *outcome = (struct scenario_outcome){ .code = WHERRY_E_NO_MEMORY };
    if (stage == NULL)
        return outcome->code;
    stage_begin(stage, scenario, seed);
    atomic_store(&stage->is_healed, true);
    outcome->code = scenario->prepare(stage);
    if (outcome->code == WHERRY_OK && (!start_all(stage) || !wait_for_all(stage))) {
        outcome->code = WHERRY_E_STUCK;
        (void)snprintf(outcome->problem, sizeof(outcome->problem),
                       "programs did not end within %d seconds; %s", SECONDS_MOST, stage->problem);
        return outcome->code;
    }
    if (outcome->code == WHERRY_OK) {
        join_all(stage);
        outcome->code = stage->code;
        (void)snprintf(outcome->problem, sizeof(outcome->problem), "%s", stage->problem);
    }
    stage_end(stage);
    free(stage);
    return outcome->code;
}
