/* Scenarios in worlds whose draws are taken from the bytes: which faults strike, when, and how
 * hard. Whatever they are, the promises of the scenario hold.
 *
 * The first byte is the scenario, the next two are the seed of what programs do, and of the draws
 * that come when the bytes are used up. */
#include "scenarios/scenario.h"
#include "support/fuzzing.h"

#define JOBS_MOST 1 /* of each caller: more only take longer */

static const struct scenario *choose_scenario(uint8_t number)
{
    size_t count = 0;

    while (scenario_at(count) != NULL)
        count++;
    return scenario_at(number % count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzzing_input input = { data, size };
    const struct scenario *scenario = choose_scenario(fuzzing_byte(&input));
    uint64_t seed = fuzzing_byte(&input);
    wherry_simulation_options options = { .size = sizeof(options), .quiet = 1, .watchdog = -1 };
    struct scenario_limits limits = SCENARIO_NO_LIMITS;
    struct scenario_outcome outcome;

    limits.jobs = JOBS_MOST;
    options.seed = 1 + (seed << 8 | fuzzing_byte(&input));
    options.choices = input.data;
    options.choices_size = input.left;
    if (scenario_simulate(scenario, &options, &limits, &outcome, NULL) < 0)
        (void)fprintf(stderr, "%s, seed %llu: %s: %s\n", scenario->name,
                      (unsigned long long)options.seed, wherry_error_name(outcome.code),
                      outcome.problem);
    FUZZING_CHECK(outcome.code == WHERRY_OK);
    return 0;
}
