/* Some minutes of random operations. OPERATIONS_SEED runs one seed alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/operations.h"

#define SEEDS 600
#define STEPS 2000

static void whatever_a_program_does_the_promises_hold(void **state)
{
    const char *seed = getenv("OPERATIONS_SEED");
    operations_totals totals = { 0 };

    (void)state;
    if (seed != NULL)
        operations_run(strtoull(seed, NULL, 10), STEPS, &totals);
    for (uint64_t i = 1; seed == NULL && i <= SEEDS; i++)
        operations_run(1000 + i, STEPS, &totals);
    assert_true(totals.messages > 0 && totals.connections > 0 && totals.tasks > 0);
    print_message("%zu operations, %zu connections, %zu messages, %zu tasks\n", totals.calls,
                  totals.connections, totals.messages, totals.tasks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_a_program_does_the_promises_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
