/* Reports and statistics: what a world tells of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <wherry.h>

#include "simulation/world.h"
#include "support/bodies.h"

#define SECOND WHERRY_SECONDS(1)

static wherry_simulation *world;
static char text[8192];

static int setup(void **state)
{
    (void)state;
    (void)unsetenv("WHERRY_SIMULATION_SEED");
    return wherry_simulation_new(&world, .seed = 77, .quiet = 1);
}

static int teardown(void **state)
{
    (void)state;
    wherry_simulation_free(world);
    return 0;
}

static int waits(void *argument)
{
    int result = wherry_spawn(NULL, body_sleep_for_ever, argument, .name = "idler");

    return result == WHERRY_OK ? wherry_sleep(wherry_in(5 * SECOND)) : result;
}

static int returns(void *argument)
{
    return *(const int *)argument;
}

static int has_socket(void *argument)
{
    wherry_address address;
    wherry_listener *listener = NULL;
    int result = wherry_address_parse(&address, "10.0.0.1:7000", strlen("10.0.0.1:7000"));

    if (result == WHERRY_OK)
        result = wherry_listener_new(&listener, .address = &address);
    if (result == WHERRY_OK)
        result = body_sleep_for_ever(argument);
    wherry_listener_free(listener);
    return result;
}

static void assert_reports(const char *part)
{
    (void)wherry_simulation_report(world, text, sizeof(text));
    if (strstr(text, part) == NULL)
        fail_msg("no \"%s\" in:\n%s", part, text);
}

static void test_it_tells_the_seed_and_the_time(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_run(world, SECOND + 5000), WHERRY_OK);
    assert_reports("seed 77, step 0, 1.000005 s\n");
}

static void test_it_tells_tasks_with_their_reasons_and_deadlines(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", waits, NULL, .name = "waiter"),
                     WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, SECOND), WHERRY_OK);
    assert_reports("host 10.0.0.1 on, its clock at 1.000000 s\n");
    assert_reports("program \"waiter\" has ");
    assert_reports("a loop with 0 watched, waits until ");
    assert_reports("task \"main\" waits for \"sleep\" until 5.00000");
    assert_reports("task \"idler\" waits for \"sleep\" until never\n");
}

static void test_it_tells_sockets(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", has_socket, NULL), WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, SECOND), WHERRY_OK);
    assert_reports("socket 3 tcp LISTEN received 0 unsent ");
    assert_reports(" 10.0.0.1:7000 -\n");
}

static void test_it_tells_who_must_end_who_has_and_who_has_not_begun(void **state)
{
    int quiet = WHERRY_E_RESET;

    (void)state;
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", returns, &quiet, .name = "over"),
                     WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", returns, &quiet, .name = "late",
                                             .delay = 60 * SECOND),
                     WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, SECOND), WHERRY_OK);
    assert_reports("program \"over\" has ended: WHERRY_E_RESET\n");
    assert_reports("program \"late\" has not begun\n");
    assert_int_equal(
        wherry_simulation_spawn(world, "10.0.0.2", waits, NULL, .name = "must", .must_end = 1),
        WHERRY_OK);
    assert_int_equal(wherry_simulation_step(world), 1);
    assert_reports("blocks, and must end\n");
    assert_int_equal(wherry_simulation_power_off(world, "10.0.0.2"), WHERRY_OK);
    assert_reports("host 10.0.0.2 off");
}

static void test_it_is_cut_and_measured_as_snprintf_does(void **state)
{
    char cut[sizeof(text)];
    size_t length;

    (void)state;
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", has_socket, NULL), WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, SECOND), WHERRY_OK);
    length = wherry_simulation_report(world, NULL, 0);
    assert_int_equal(wherry_simulation_report(world, text, sizeof(text)), length);
    assert_int_equal(strlen(text), length);
    for (size_t size = 1; size <= length + 1; size++) {
        memset(cut, 'x', sizeof(cut));
        assert_int_equal(wherry_simulation_report(world, cut, size), length);
        assert_int_equal(strlen(cut), size - 1);
        assert_memory_equal(cut, text, size - 1);
        assert_int_equal(cut[size], 'x');
    }
}

static int reports_itself(void *argument)
{
    size_t *length = argument;

    *length = wherry_simulation_report(wherry_simulation_current(), text, sizeof(text));
    return 0;
}

static void test_a_program_reports_its_own_world(void **state)
{
    size_t length = 0;

    (void)state;
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", reports_itself, &length),
                     WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, SECOND), WHERRY_OK);
    assert_int_equal(strlen(text), length);
    assert_non_null(strstr(text, "a loop with 0 watched, runs\n"));
    assert_non_null(strstr(text, "task \"main\" has its turn\n"));
}

static void test_numbers_count_what_there_is_and_go_back_to_nothing(void **state)
{
    wherry_simulation_statistics statistics;

    (void)state;
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", has_socket, NULL), WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.2", waits, NULL), WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, SECOND), WHERRY_OK);
    wherry_simulation_statistics_read(world, &statistics);
    assert_int_equal(statistics.programs, 2);
    assert_int_equal(statistics.sockets, 1);
    assert_int_equal(statistics.descriptors, 1);
    assert_true(statistics.memory > 0);
    assert_true(statistics.events > 0);
    assert_int_equal(wherry_simulation_stop(world, "10.0.0.1"), WHERRY_OK);
    assert_int_equal(wherry_simulation_kill(world, "10.0.0.2"), WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, 60 * SECOND), WHERRY_OK);
    wherry_simulation_statistics_read(world, &statistics);
    assert_int_equal(statistics.programs, 0);
    assert_int_equal(statistics.sockets, 0);
    assert_int_equal(statistics.descriptors, 0);
    assert_int_equal(statistics.memory, 0);
    assert_int_equal(statistics.under_way, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_tells_the_seed_and_the_time),
        TEST(it_tells_tasks_with_their_reasons_and_deadlines),
        TEST(it_tells_sockets),
        TEST(it_tells_who_must_end_who_has_and_who_has_not_begun),
        TEST(it_is_cut_and_measured_as_snprintf_does),
        TEST(a_program_reports_its_own_world),
        TEST(numbers_count_what_there_is_and_go_back_to_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
