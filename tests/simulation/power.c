/* The deaths of hosts: stopped, killed, without power; and their return. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <wherry.h>

#include "simulation/world.h"
#include "support/world.h"

#define SECOND WHERRY_SECONDS(1)
#define MILLISECOND WHERRY_MILLISECONDS(1)

/* What programs have done; they share it, as they share the process. */
static int begun, ended, arrivals;

static int setup(void **state)
{
    begun = ended = arrivals = 0;
    return world_open(state);
}

static void spawn(const char *host, wherry_body *body)
{
    assert_int_equal(wherry_simulation_spawn(world, host, body, NULL), WHERRY_OK);
}

static void run(int64_t duration)
{
    assert_int_equal(wherry_simulation_run(world, duration), WHERRY_OK);
}

static wherry_simulation_statistics numbers(void)
{
    wherry_simulation_statistics statistics;

    wherry_simulation_statistics_read(world, &statistics);
    return statistics;
}

static void assert_nothing_left(void)
{
    const wherry_simulation_statistics left = numbers();

    assert_int_equal(left.programs, 0);
    assert_int_equal(left.sockets, 0);
    assert_int_equal(left.descriptors, 0);
    assert_int_equal(left.memory, 0);
}

/* --- what programs do */

static int forever(void *argument)
{
    int result;

    (void)argument;
    begun++;
    result = wherry_sleep(WHERRY_NEVER);
    ended++;
    return result;
}

static int plain_forever(void *argument)
{
    return wherry_run(forever, argument);
}

/* With memory, tasks, and a socket that nobody would give back. */
static int owner(void *argument)
{
    wherry_group *group;
    wherry_listener *listener;
    wherry_address address;
    int result = wherry_group_new(&group);

    for (int i = 0; result == WHERRY_OK && i < 5; i++)
        result = wherry_spawn(NULL, forever, NULL, .group = group);
    if (result == WHERRY_OK)
        result = wherry_address_parse(&address, "0.0.0.0:7000", strlen("0.0.0.0:7000"));
    if (result == WHERRY_OK)
        result = wherry_listener_new(&listener, .address = &address, .reuse_port = 1);
    return result == WHERRY_OK ? forever(argument) : result;
}

/* --- stop */

static void test_stopping_cancels_the_task_of_a_program(void **state)
{
    (void)state;
    spawn("10.0.0.1", forever);
    spawn("10.0.0.2", forever);
    run(SECOND);
    assert_int_equal(wherry_simulation_stop(world, "10.0.0.1"), WHERRY_OK);
    run(SECOND);
    assert_int_equal(ended, 1);
    assert_int_equal(numbers().programs, 1);
    assert_int_equal(wherry_simulation_stop(world, "10.0.0.1"), WHERRY_OK);
}

static void test_stopping_twice_cancels_once(void **state)
{
    (void)state;
    spawn("10.0.0.1", forever);
    run(SECOND);
    assert_int_equal(wherry_simulation_stop(world, "10.0.0.1"), WHERRY_OK);
    assert_int_equal(wherry_simulation_stop(world, "10.0.0.1"), WHERRY_OK);
    run(SECOND);
    assert_int_equal(ended, 1);
    assert_nothing_left();
}

static void test_stopping_kills_a_plain_program_that_does_not_take_the_signal(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", plain_forever, NULL, .plain = 1),
                     WHERRY_OK);
    run(SECOND);
    assert_int_equal(begun, 1);
    assert_int_equal(wherry_simulation_stop(world, "10.0.0.1"), WHERRY_OK);
    assert_nothing_left();
    run(SECOND);
    assert_int_equal(ended, 0);
}

static int one_task(void *argument)
{
    wherry_signal *signal;
    int result = wherry_signal_new(&signal, .number = SIGTERM, .once = *(const int *)argument);

    while (result == WHERRY_OK && arrivals < 2) {
        result = wherry_signal_wait(signal, WHERRY_NEVER);
        arrivals += result == WHERRY_OK;
    }
    wherry_signal_free(signal);
    ended++;
    return result;
}

static void test_a_program_that_takes_the_signal_is_told_each_time(void **state)
{
    int once = 0;

    (void)state;
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", one_task, &once), WHERRY_OK);
    run(SECOND);
    assert_int_equal(wherry_simulation_stop(world, "10.0.0.1"), WHERRY_OK);
    run(SECOND);
    assert_int_equal(arrivals, 1);
    assert_int_equal(ended, 0);
    assert_int_equal(wherry_simulation_stop(world, "10.0.0.1"), WHERRY_OK);
    run(SECOND);
    assert_int_equal(arrivals, 2);
    assert_int_equal(ended, 1);
    assert_nothing_left();
}

static int plain_task(void *argument)
{
    return wherry_run(one_task, argument);
}

/* Also before its loop has had the time to notice the first. */
static void test_a_signal_that_is_taken_once_kills_the_second_time(void **state)
{
    int once = 1;

    (void)state;
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", plain_task, &once, .plain = 1),
                     WHERRY_OK);
    run(SECOND);
    assert_int_equal(wherry_simulation_stop(world, "10.0.0.1"), WHERRY_OK);
    assert_int_equal(numbers().programs, 1);
    assert_int_equal(wherry_simulation_stop(world, "10.0.0.1"), WHERRY_OK);
    assert_nothing_left();
    assert_int_equal(ended, 0);
}

static int handle(wherry_handler *self, wherry_peer *client)
{
    (void)self;
    (void)client;
    return 0;
}

static int serves(void *argument)
{
    wherry_handler handler = { .handle = handle };
    int result;

    (void)argument;
    begun++;
    result = wherry_serve(.endpoints = "tcp://0.0.0.0:7000", .handler = &handler);
    ended++;
    return result;
}

static void test_a_plain_server_ends_in_order(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", serves, NULL, .plain = 1),
                     WHERRY_OK);
    run(SECOND);
    assert_int_equal(numbers().descriptors, 1);
    assert_int_equal(wherry_simulation_stop(world, "10.0.0.1"), WHERRY_OK);
    run(60 * SECOND);
    assert_int_equal(ended, 1);
    assert_nothing_left();
}

static int stops_itself(void *argument)
{
    int result;

    (void)argument;
    assert_int_equal(wherry_simulation_stop(wherry_simulation_current(), wherry_simulation_here()),
                     WHERRY_OK);
    result = wherry_sleep(WHERRY_NEVER);
    ended++;
    return result;
}

static void test_a_program_stops_its_own_host(void **state)
{
    (void)state;
    spawn("10.0.0.1", forever);
    spawn("10.0.0.1", stops_itself);
    run(SECOND);
    assert_int_equal(ended, 2);
    assert_nothing_left();
}

static void test_one_that_has_not_begun_never_does(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", forever, NULL, .delay = SECOND),
                     WHERRY_OK);
    spawn("10.0.0.2", forever); /* without whom the run would be over at once */
    assert_int_equal(wherry_simulation_stop(world, "10.0.0.1"), WHERRY_OK);
    run(2 * SECOND);
    assert_int_equal(begun, 1);
    assert_int_equal(numbers().programs, 1);
}

static void never_arrives(wherry_system_signal *self)
{
    (void)self;
    arrivals++;
}

/* It lies on the program's stack, and goes with it. */
static int takes_signal_by_hand(void *argument)
{
    wherry_system *system = wherry_simulation_system(world, "10.0.0.1");
    wherry_system_signal taken = { .number = SIGTERM, .arrived = never_arrives };

    assert_int_equal(system->take_signal(system, &taken), 0);
    return plain_forever(argument);
}

static void test_who_was_killed_takes_no_signal_any_more(void **state)
{
    (void)state;
    assert_int_equal(
        wherry_simulation_spawn(world, "10.0.0.1", takes_signal_by_hand, NULL, .plain = 1),
        WHERRY_OK);
    run(SECOND);
    assert_int_equal(wherry_simulation_kill(world, "10.0.0.1"), WHERRY_OK);
    assert_null(wherry__sim_host_named(world, "10.0.0.1")->signals);
    spawn("10.0.0.1", forever);
    run(SECOND);
    assert_int_equal(wherry_simulation_stop(world, "10.0.0.1"), WHERRY_OK);
    run(SECOND);
    assert_int_equal(arrivals, 0);
    assert_nothing_left();
}

/* --- kill and power */

static void assert_ends_all(int (*death)(wherry_simulation *, const char *))
{
    spawn("10.0.0.1", owner);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", plain_forever, NULL, .plain = 1),
                     WHERRY_OK);
    spawn("10.0.0.2", forever);
    run(SECOND);
    assert_int_equal(begun, 8);
    assert_true(numbers().memory > 0);
    assert_int_equal(death(world, "10.0.0.1"), WHERRY_OK);
    assert_int_equal(numbers().programs, 1);
    assert_int_equal(numbers().descriptors, 0);
    assert_int_equal(death(world, "10.0.0.2"), WHERRY_OK);
    assert_nothing_left();
    run(SECOND);
    assert_int_equal(ended, 0);
}

static void test_a_killed_host_has_nothing_left(void **state)
{
    (void)state;
    assert_ends_all(wherry_simulation_kill);
    spawn("10.0.0.1", forever); /* it is still on */
}

static void test_a_host_without_power_has_nothing_left(void **state)
{
    (void)state;
    assert_ends_all(wherry_simulation_power_off);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", forever, NULL), WHERRY_E_CLOSED);
    assert_non_null(strstr(wherry_problem(), "10.0.0.1"));
}

/* How a program ends its own host, from a task of a task. */
static int (*own_death)(wherry_simulation *, const char *);

static int kills(void *argument)
{
    (void)argument;
    (void)own_death(wherry_simulation_current(), wherry_simulation_here());
    ended++;
    return 0;
}

static int spawns_killer(void *argument)
{
    wherry_task *task;
    int result = wherry_spawn(&task, kills, argument);

    if (result == WHERRY_OK)
        result = wherry_task_join(task, NULL, WHERRY_NEVER);
    ended++;
    return result;
}

static int deep(void *argument)
{
    wherry_task *task;
    int result = wherry_spawn(NULL, owner, argument);

    if (result == WHERRY_OK)
        result = wherry_sleep(wherry_in(MILLISECOND));
    if (result == WHERRY_OK)
        result = wherry_spawn(&task, spawns_killer, argument);
    if (result == WHERRY_OK)
        result = wherry_task_join(task, NULL, WHERRY_NEVER);
    ended++;
    return result;
}

static void assert_ends_itself(int (*death)(wherry_simulation *, const char *))
{
    own_death = death;
    spawn("10.0.0.1", forever);
    spawn("10.0.0.1", deep);
    spawn("10.0.0.1", forever);
    spawn("10.0.0.2", forever);
    run(SECOND);
    assert_int_equal(begun, 9);
    assert_int_equal(ended, 0);
    assert_int_equal(numbers().programs, 1);
    assert_int_equal(numbers().sockets, 0);
}

static void test_a_program_kills_its_own_host(void **state)
{
    (void)state;
    assert_ends_itself(wherry_simulation_kill);
    assert_int_equal(wherry_simulation_restart(world, "10.0.0.1"), WHERRY_OK);
    run(SECOND);
    assert_int_equal(numbers().programs, 1);
}

static void test_a_program_cuts_the_power_of_its_own_host(void **state)
{
    (void)state;
    assert_ends_itself(wherry_simulation_power_off);
}

static int kills_another(void *argument)
{
    assert_int_equal(wherry_simulation_kill(world, "10.0.0.1"), WHERRY_OK);
    assert_int_equal(numbers().programs, 1);
    assert_string_equal(wherry_simulation_here(), "10.0.0.2");
    return forever(argument);
}

static void test_a_program_kills_another_host(void **state)
{
    (void)state;
    spawn("10.0.0.1", owner);
    assert_int_equal(
        wherry_simulation_spawn(world, "10.0.0.2", kills_another, NULL, .delay = SECOND),
        WHERRY_OK);
    run(2 * SECOND);
    assert_int_equal(ended, 0);
    assert_int_equal(numbers().programs, 1);
}

/* --- restart */

static int64_t clock_at_begin, wall_at_begin;

static int looks_at_clocks(void *argument)
{
    begun++;
    clock_at_begin = wherry_loop_now(wherry_loop_current());
    wall_at_begin = wherry_loop_wall(wherry_loop_current());
    return forever(argument);
}

static void test_after_a_power_cut_the_clock_is_fresh_and_the_wall_clock_goes_on(void **state)
{
    int64_t wall;

    (void)state;
    assert_int_equal(wherry_simulation_host(world, "10.0.0.1", .clock_offset = 5 * SECOND),
                     WHERRY_OK);
    spawn("10.0.0.1", looks_at_clocks);
    run(10 * SECOND);
    assert_in_range(clock_at_begin, 5 * SECOND, 5 * SECOND + MILLISECOND);
    wall = wall_at_begin;
    assert_int_equal(wherry_simulation_power_off(world, "10.0.0.1"), WHERRY_OK);
    run(10 * SECOND);
    assert_int_equal(wherry_simulation_restart(world, "10.0.0.1"), WHERRY_OK);
    run(10 * SECOND);
    assert_int_equal(begun, 4);
    assert_in_range(clock_at_begin, 0, MILLISECOND);
    assert_in_range(wall_at_begin - wall, 10 * SECOND, 20 * SECOND + MILLISECOND);
}

static void test_a_restart_after_a_kill_leaves_the_clock(void **state)
{
    (void)state;
    spawn("10.0.0.1", looks_at_clocks);
    run(10 * SECOND);
    assert_int_equal(wherry_simulation_kill(world, "10.0.0.1"), WHERRY_OK);
    assert_int_equal(wherry_simulation_restart(world, "10.0.0.1"), WHERRY_OK);
    run(SECOND);
    assert_in_range(clock_at_begin, 10 * SECOND, 10 * SECOND + MILLISECOND);
}

static int order[4], orders;

static int in_order(void *argument)
{
    order[orders++] = *(const int *)argument;
    return 0;
}

static void test_programs_begin_again_in_the_order_of_their_spawning_and_the_living_stay(
    void **state)
{
    static const int numbers_of[] = { 0, 1, 2, 3 };

    (void)state;
    orders = 0;
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", in_order, (void *)&numbers_of[1]),
                     WHERRY_OK);
    spawn("10.0.0.1", forever);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", in_order, (void *)&numbers_of[2]),
                     WHERRY_OK);
    run(SECOND);
    assert_int_equal(orders, 2);
    assert_int_equal(wherry_simulation_restart(world, "10.0.0.1"), WHERRY_OK);
    run(SECOND);
    assert_int_equal(orders, 4);
    assert_int_equal(order[2], 1);
    assert_int_equal(order[3], 2);
    assert_int_equal(begun, 1);
}

/* --- wall clocks, and hosts that there are not */

static void test_the_wall_clock_is_set_forward_and_back(void **state)
{
    wherry_system *system;
    int64_t before;

    (void)state;
    assert_int_equal(wherry_simulation_host(world, "10.0.0.1", .wall_offset = -SECOND), WHERRY_OK);
    assert_int_equal(wherry_simulation_host(world, "10.0.0.2"), WHERRY_OK);
    system = wherry_simulation_system(world, "10.0.0.1");
    before = system->wall(wherry_simulation_system(world, "10.0.0.2"));
    assert_true(system->wall(system) == before - SECOND);
    assert_int_equal(wherry_simulation_step_wall(world, "10.0.0.1", 3 * SECOND), WHERRY_OK);
    assert_true(system->wall(system) == before + 2 * SECOND);
    assert_int_equal(wherry_simulation_step_wall(world, "10.0.0.1", -4 * SECOND), WHERRY_OK);
    assert_true(system->wall(system) == before - 2 * SECOND);
    assert_true(system->monotonic(system) == 0);
}

static void test_a_host_that_there_is_not(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_stop(world, "10.0.0.1"), WHERRY_E_INVALID);
    assert_non_null(strstr(wherry_problem(), "10.0.0.1"));
    assert_int_equal(wherry_simulation_kill(world, "10.0.0.1"), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_power_off(world, "10.0.0.1"), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_restart(world, "10.0.0.1"), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_step_wall(world, "10.0.0.1", 1), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_kill(world, NULL), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_kill(NULL, "10.0.0.1"), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_kill(world, "*"), WHERRY_E_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stopping_cancels_the_task_of_a_program),
        TEST(stopping_twice_cancels_once),
        TEST(stopping_kills_a_plain_program_that_does_not_take_the_signal),
        TEST(a_program_that_takes_the_signal_is_told_each_time),
        TEST(a_signal_that_is_taken_once_kills_the_second_time),
        TEST(a_plain_server_ends_in_order),
        TEST(a_program_stops_its_own_host),
        TEST(one_that_has_not_begun_never_does),
        TEST(who_was_killed_takes_no_signal_any_more),
        TEST(a_killed_host_has_nothing_left),
        TEST(a_host_without_power_has_nothing_left),
        TEST(a_program_kills_its_own_host),
        TEST(a_program_cuts_the_power_of_its_own_host),
        TEST(a_program_kills_another_host),
        TEST(after_a_power_cut_the_clock_is_fresh_and_the_wall_clock_goes_on),
        TEST(a_restart_after_a_kill_leaves_the_clock),
        TEST(programs_begin_again_in_the_order_of_their_spawning_and_the_living_stay),
        TEST(the_wall_clock_is_set_forward_and_back),
        TEST(a_host_that_there_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
