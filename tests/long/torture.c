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
