/* A thousand seeds, each of which draws a scenario and the faults that strike it. SEEDS says how
 * many instead; SCENARIO_SEED runs one alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/seeds.h"

static void whatever_the_network_does_the_promises_hold(void **state)
{
    (void)state;
    assert_int_equal(seeds_run(1, seeds_count(1000, 100)), 0);
}

/* Seeds that have shown defects; what these were is pinned down by tests of their own. */
static void seeds_that_once_failed_pass(void **state)
{
    static const struct {
        const char *scenario;
        uint64_t seed;
    } seeds[] = {
        { "stream-echo", 2802 },
        { "silence", 3213 },
        { "race", 1573 },
        { "unix", 7017778 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
        assert_int_equal(seeds_run_as(seeds[i].scenario, seeds[i].seed), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_the_network_does_the_promises_hold),
        cmocka_unit_test(seeds_that_once_failed_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
