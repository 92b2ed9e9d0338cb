/* The scenarios of the simulator, on the sockets of this machine: what they promise is true of the
 * real network too. SCENARIO runs one alone, SCENARIO_SEED with that seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scenarios/scenario.h"

static void perform(const struct scenario *scenario, uint64_t seed)
{
    struct scenario_outcome outcome;

    if (scenario_perform(scenario, seed, &outcome) < 0)
        fail_msg("%s, seed %llu: %s: %s", scenario->name, (unsigned long long)seed,
                 wherry_error_name(outcome.code), outcome.problem);
}

static void every_scenario_keeps_its_promises_on_real_sockets(void **state)
{
    const char *name = getenv("SCENARIO"), *text = getenv("SCENARIO_SEED");
    uint64_t seed = text == NULL ? 1 : strtoull(text, NULL, 10);
    const struct scenario *scenario;

    (void)state;
    if (name != NULL) {
        assert_non_null(scenario_find(name));
        perform(scenario_find(name), seed);
        return;
    }
    for (size_t i = 0; (scenario = scenario_at(i)) != NULL; i++)
        perform(scenario, seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scenario_keeps_its_promises_on_real_sockets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
