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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_the_network_does_the_promises_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
