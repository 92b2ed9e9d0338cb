/* Seeds: one after another, in one process. */
#include "support/seeds.h"

#include <stdio.h>
#include <stdlib.h>

#include "scenarios/scenario.h"

#define FAILURES_MOST 20 /* more say nothing more */

static int run(const struct scenario *scenario, uint64_t seed, struct scenario_outcome *outcome)
{
    const wherry_simulation_options options = { .size = sizeof(options), .seed = seed, .quiet = 1 };

    return scenario_simulate(scenario, &options, NULL, outcome, NULL);
}

/* Now and then twice: the same seed must give the same run. */
static int run_checked(const struct scenario *scenario, uint64_t seed,
                       struct scenario_outcome *outcome)
{
    uint64_t hash;

    if (run(scenario, seed, outcome) < 0 || seed % 25 != 0)
        return outcome->code;
    hash = outcome->hash;
    if (run(scenario, seed, outcome) == WHERRY_OK && outcome->hash != hash) {
        outcome->code = WHERRY_E_BROKEN;
        (void)snprintf(outcome->problem, sizeof(outcome->problem), "two runs differ");
    }
    return outcome->code;
}

static unsigned run_and_tell(const struct scenario *scenario, uint64_t seed)
{
    struct scenario_outcome outcome;

    if (run_checked(scenario, seed, &outcome) == WHERRY_OK)
        return 0;
    (void)fprintf(stderr, "wherry simulate %s --seed %llu: %s: %s\n", scenario->name,
                  (unsigned long long)seed, wherry_error_name(outcome.code), outcome.problem);
    return 1;
}

unsigned seeds_run_as(const char *name, uint64_t seed)
{
    const struct scenario *scenario = scenario_find(name);

    if (scenario != NULL)
        return run_and_tell(scenario, seed);
    (void)fprintf(stderr, "there is no scenario %s\n", name);
    return 1;
}

static unsigned run_seed(uint64_t seed)
{
    const char *name = getenv("SCENARIO");

    return name == NULL ? run_and_tell(scenario_of(seed), seed) : seeds_run_as(name, seed);
}

unsigned seeds_run(uint64_t first, uint64_t count)
{
    const char *seed = getenv("SCENARIO_SEED");
    unsigned failed = 0;

    if (seed != NULL)
        return run_seed(strtoull(seed, NULL, 10));
    for (uint64_t i = 0; i < count && failed < FAILURES_MOST; i++)
        failed += run_seed(first + i);
    return failed;
}

uint64_t seeds_count(uint64_t most, uint64_t with_sanitizers)
{
    const char *text = getenv("SEEDS");

    if (text != NULL)
        return strtoull(text, NULL, 10);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    (void)most;
    return with_sanitizers;
#else
    (void)with_sanitizers;
    return most;
#endif
}
