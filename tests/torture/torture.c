/* Every scenario with a part of all faults; tests/long/torture.c has all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/torture.h"

#define MOST 150 /* runs of each scenario and sort of faults */

static void streams_survive_whatever_fails(void **state)
{
    (void)state;
    torture_try_all(torture_streams, wherry_system_epoll(), MOST);
}

static void servers_survive_whatever_fails(void **state)
{
    (void)state;
    torture_try_all(torture_servers, wherry_system_epoll(), MOST);
}

static void tasks_survive_whatever_fails(void **state)
{
    (void)state;
    torture_try_all(torture_tasks, wherry_system_poll(), MOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_survive_whatever_fails),
        cmocka_unit_test(servers_survive_whatever_fails),
        cmocka_unit_test(tasks_survive_whatever_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
