/* The memory of programs in a world. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry.h>
#include <wherry/simulation.h>

static int take_in_vain(void *argument)
{
    wherry_event *event;

    *(int *)argument = wherry_event_new(&event, NULL);
    return WHERRY_OK;
}

static void a_program_begins_where_all_that_it_takes_itself_fails(void **state)
{
    wherry_simulation *world;
    int result = WHERRY_OK;

    (void)state;
    assert_int_equal(wherry_simulation_new(&world, .quiet = 1,
                                           .faults.millionths[WHERRY_FAULT_NO_MEMORY] = 1000000),
                     WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", take_in_vain, &result), WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, WHERRY_SECONDS(1)), WHERRY_OK);
    assert_int_equal(result, WHERRY_E_NO_MEMORY);
    wherry_simulation_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_begins_where_all_that_it_takes_itself_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
