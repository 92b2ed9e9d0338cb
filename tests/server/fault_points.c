/* Random operations while the library does otherwise than usual: each run has a quarter of the
 * fault points active, which fire at a quarter of their passes. Builds without them skip this. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/probe.h"
#include "support/operations.h"

#ifdef WHERRY_PROBES

#define SEEDS 60
#define STEPS 300

typedef struct chance {
    uint64_t seed;
    uint64_t drawn;
    int all; /* all points are active */
} chance;

static uint64_t mix(uint64_t number)
{
    number = (number ^ (number >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ (number >> 27)) * UINT64_C(0x94d049bb133111eb);
    return number ^ (number >> 31);
}

static bool fires(void *context, const char *name)
{
    chance *this = context;
    uint64_t site = this->seed;

    while (*name != '\0')
        site = mix(site + (unsigned char)*name++);
    return (this->all || site % 4 == 0) && mix(++this->drawn + this->seed) % 4 == 0;
}

static size_t points_that_never_fired(void)
{
    const wherry__point *point;
    size_t never = 0;

    for (size_t i = 0; (point = wherry__point_at(i)) != NULL; i++)
        if (point->fault && atomic_load(&point->count) == 0) {
            print_message("never fired: %s\n", point->name);
            never++;
        }
    return never;
}

static void run(uint64_t seed, int all)
{
    chance this = { .seed = seed, .all = all };
    operations_totals totals = { 0 };

    wherry__point_set_hook(fires, &this);
    operations_run(seed, STEPS, &totals);
    wherry__point_set_hook(NULL, NULL);
    assert_true(totals.calls > 0);
}

static void whichever_fire_the_promises_hold(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run(seed, 0);
}

static void when_all_fire_now_and_then_the_promises_hold(void **state)
{
    (void)state;
    wherry__points_reset();
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run(seed, 1);
    assert_int_equal(points_that_never_fired(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whichever_fire_the_promises_hold),
        cmocka_unit_test(when_all_fire_now_and_then_the_promises_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    printf("skipped: this build has no fault points\n");
    return 77;
}

#endif
