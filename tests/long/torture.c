/* Every scenario with every fault: each allocation, and each call with each of its errors.
 * TORTURE=... runs one alone, as a failure prints it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/torture.h"

#define MOST SIZE_MAX

static void streams_survive_whatever_fails(void **state)
{
    (void)state;
    torture_try_all(torture_streams, &(torture_ground){ .system = wherry_system_epoll() }, MOST);
}

static void servers_survive_whatever_fails(void **state)
{
    (void)state;
    torture_try_all(torture_servers, &(torture_ground){ .system = wherry_system_epoll() }, MOST);
}

static void tasks_survive_whatever_fails(void **state)
{
    (void)state;
    torture_try_all(torture_tasks, &(torture_ground){ .system = wherry_system_poll() }, MOST);
}

static void in_a_world_all_of_it_survives_too(void **state)
{
    const torture_scenario *lists[] = { torture_streams, torture_servers, torture_tasks };
    torture_ground ground;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(wherry_simulation_new(&ground.world, .seed = 1 + i, .quiet = 1),
                         WHERRY_OK);
        assert_int_equal(wherry_simulation_host(ground.world, "10.0.0.1"), WHERRY_OK);
        ground.system = wherry_simulation_system(ground.world, "10.0.0.1");
        torture_try_all(lists[i], &ground, MOST);
        wherry_simulation_free(ground.world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_survive_whatever_fails),
        cmocka_unit_test(servers_survive_whatever_fails),
        cmocka_unit_test(tasks_survive_whatever_fails),
        cmocka_unit_test(in_a_world_all_of_it_survives_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
