/* As many seeds of the simulator as some minutes allow: see tests/simulation/seeds.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/seeds.h"

static void whatever_the_network_does_the_promises_hold(void **state)
{
    (void)state;
    assert_int_equal(seeds_run(100001, seeds_count(20000, 2000)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_the_network_does_the_promises_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
