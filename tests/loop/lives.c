/* Random lives in stepped and in virtual time: see support/lives.h. LIVES_SEED lives one alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/lives.h"

#define SEEDS 150
#define PASSES 60

static void tell(const lives_totals *totals)
{
    print_message(
        "%zu begun, %zu turns, %zu done, %zu stopped, %zu failed; %zu orders checked, %zu "
        "grids lost\n",
        totals->begun, totals->turns, totals->done, totals->stopped, totals->failed,
        totals->checked, totals->vague);
    assert_true(totals->done > 0 && totals->stopped > 0 && totals->failed > 0);
    assert_true(totals->turns > 0 && totals->checked > 0);
}

static void whatever_they_do(wherry_clock clock)
{
    const char *given = getenv("LIVES_SEED");
    const uint64_t seed = given == NULL ? 0 : strtoull(given, NULL, 10);
    lives_totals totals = { 0 };

    for (uint64_t i = given == NULL ? 1 : seed; i <= (given == NULL ? SEEDS : seed); i++)
        (void)lives_run(&(lives_options){ .seed = i, .passes = PASSES, .clock = clock, .world = i },
                        &totals);
    tell(&totals);
}

static void lives_are_whole_in_stepped_time(void **state)
{
    (void)state;
    whatever_they_do(WHERRY_CLOCK_STEPPED);
}

static void lives_are_whole_in_virtual_time(void **state)
{
    (void)state;
    whatever_they_do(WHERRY_CLOCK_VIRTUAL);
}

static void every_world_has_the_same_lives_of_steps(void **state)
{
    lives_totals totals = { 0 };

    (void)state;
    for (uint64_t i = 1; i <= SEEDS; i++) {
        lives_options options = {
            .seed = i, .passes = PASSES, .clock = WHERRY_CLOCK_STEPPED, .steps_only = true
        };
        const uint64_t trail = lives_run(&options, &totals);

        for (options.world = 1; options.world < 3; options.world++)
            assert_true(lives_run(&options, &totals) == trail);
    }
    tell(&totals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lives_are_whole_in_stepped_time),
        cmocka_unit_test(lives_are_whole_in_virtual_time),
        cmocka_unit_test(every_world_has_the_same_lives_of_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
