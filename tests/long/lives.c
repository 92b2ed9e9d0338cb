/* Some minutes of random lives: see tests/loop/lives.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/lives.h"

#define SEEDS 4000
#define PASSES 150

static void lives_are_whole(void **state)
{
    static const wherry_clock clocks[] = { WHERRY_CLOCK_STEPPED, WHERRY_CLOCK_VIRTUAL };
    lives_totals totals = { 0 };

    (void)state;
    for (uint64_t i = 1; i <= SEEDS; i++) {
        lives_options options = {
            .seed = 1000 + i, .passes = PASSES, .clock = clocks[i % 2], .world = i
        };

        uint64_t trail;

        (void)lives_run(&options, &totals);
        options.steps_only = true;
        options.clock = WHERRY_CLOCK_STEPPED;
        trail = lives_run(&options, &totals);
        options.world += SEEDS;
        assert_true(lives_run(&options, &totals) == trail);
    }
    print_message("%zu begun, %zu turns, %zu orders checked\n", totals.begun, totals.turns,
                  totals.checked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lives_are_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
