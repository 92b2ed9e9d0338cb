#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/torture.h"

static void streams_survive_whatever_fails(void **state)
{
    const size_t *most = *state;

    torture_try_all(torture_streams, &(torture_ground){ .system = wherry_system_epoll() }, *most);
}

static void servers_survive_whatever_fails(void **state)
{
    const size_t *most = *state;

    torture_try_all(torture_servers, &(torture_ground){ .system = wherry_system_epoll() }, *most);
}

static void tasks_survive_whatever_fails(void **state)
{
    const size_t *most = *state;

    torture_try_all(torture_tasks, &(torture_ground){ .system = wherry_system_poll() }, *most);
}

static void serviced_streams_survive_whatever_fails(void **state)
{
    const size_t *most = *state;

    torture_try_all(torture_service, &(torture_ground){ .system = wherry_system_epoll() }, *most);
}

static void rosters_survive_whatever_fails(void **state)
{
    const size_t *most = *state;

    torture_try_all(torture_rosters, &(torture_ground){ .system = wherry_system_epoll() }, *most);
}

static void in_a_world_all_of_it_survives_too(void **state)
{
    const torture_scenario *lists[] = { torture_streams, torture_servers, torture_tasks,
                                        torture_service, torture_rosters };
    const size_t *most = *state;
    torture_ground ground;

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        assert_int_equal(wherry_simulation_new(&ground.world, .seed = 1 + i, .quiet = 1),
                         WHERRY_OK);
        assert_int_equal(wherry_simulation_host(ground.world, "10.0.0.1"), WHERRY_OK);
        ground.system = wherry_simulation_system(ground.world, "10.0.0.1");
        torture_try_all(lists[i], &ground, *most);
        wherry_simulation_free(ground.world);
    }
}

int torture_all(size_t most)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(streams_survive_whatever_fails, &most),
        cmocka_unit_test_prestate(servers_survive_whatever_fails, &most),
        cmocka_unit_test_prestate(tasks_survive_whatever_fails, &most),
        cmocka_unit_test_prestate(serviced_streams_survive_whatever_fails, &most),
        cmocka_unit_test_prestate(rosters_survive_whatever_fails, &most),
        cmocka_unit_test_prestate(in_a_world_all_of_it_survives_too, &most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
