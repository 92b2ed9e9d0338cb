/* Pollers of simulated hosts, on sockets of the test's own, which are ready when it says so. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <wherry.h>

#include "simulation/poller.h"
#include "simulation/program.h"
#include "support/bodies.h"

#define SECOND WHERRY_SECONDS(1)
#define MICROSECOND WHERRY_MICROSECONDS(1)
#define SOCKETS 6

typedef struct lamp {
    wherry__sim_socket base;
    unsigned ready;
} lamp;

static wherry_simulation *world;
static wherry__sim_host *host;
static wherry_system *table;
static wherry_poller *poller;
static lamp *lamps[SOCKETS];
static wherry_ready ready[SOCKETS];

/* --- the sockets */

static unsigned readiness(const wherry__sim_socket *self)
{
    return ((const lamp *)(const void *)self)->ready;
}

static const wherry__sim_class class = {
    .readiness = readiness,
    .close = wherry__sim_socket_free,
    .vanish = wherry__sim_socket_free,
};

static lamp *make_lamp(void)
{
    wherry__sim_socket *made = wherry__sim_socket_make(host, &class, WHERRY__SIM_UDP, sizeof(lamp),
                                                       AF_INET, SOCK_DGRAM);

    assert_non_null(made);
    assert_true(wherry__sim_descriptor_take(host, made) >= 0);
    return (lamp *)(void *)made;
}

static void turn(lamp *one, unsigned events)
{
    one->ready = events;
    wherry__sim_socket_changed(&one->base);
}

static int watch(wherry_poller *of, lamp *one, unsigned was, unsigned events)
{
    return table->watch(table, of, one->base.descriptor, was, events, one);
}

static int look(int capacity)
{
    return table->wait(table, poller, WHERRY_NOW, ready, capacity);
}

static void open_world(const wherry_faults *faults)
{
    assert_int_equal(wherry_simulation_new(&world, .quiet = 1, .faults = *faults), WHERRY_OK);
    assert_int_equal(wherry_simulation_host(world, "10.0.0.1"), WHERRY_OK);
    host = wherry__sim_host_named(world, "10.0.0.1");
    table = &host->system;
    assert_int_equal(table->open_poller(table, wherry__memory_default(), &poller), 0);
    for (int i = 0; i < SOCKETS; i++)
        lamps[i] = make_lamp();
}

static int setup(void **state)
{
    (void)state;
    (void)unsetenv("WHERRY_SIMULATION_SEED");
    open_world(&(wherry_faults){ .millionths[0] = 0 });
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (poller != NULL)
        table->close_poller(table, poller);
    wherry_simulation_free(world);
    return 0;
}

static void watch_all(void)
{
    for (int i = 0; i < SOCKETS; i++)
        assert_int_equal(watch(poller, lamps[i], 0, WHERRY_READABLE), 0);
    assert_int_equal(look(SOCKETS), 0);
}

/* --- what is reported */

static void test_nothing_is_reported_of_what_is_not_ready(void **state)
{
    (void)state;
    watch_all();
    turn(lamps[0], WHERRY_WRITABLE);
    assert_int_equal(look(SOCKETS), 0);
}

static void test_what_is_watched_for_is_reported_again_and_again(void **state)
{
    (void)state;
    assert_int_equal(watch(poller, lamps[0], 0, WHERRY_READABLE), 0);
    turn(lamps[0], WHERRY_READABLE | WHERRY_WRITABLE);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(look(SOCKETS), 1);
        assert_ptr_equal(ready[0].token, lamps[0]);
        assert_int_equal(ready[0].events, WHERRY_READABLE);
    }
    turn(lamps[0], WHERRY_WRITABLE);
    assert_int_equal(look(SOCKETS), 0);
}

static void test_failures_and_ends_are_reported_unasked(void **state)
{
    (void)state;
    assert_int_equal(watch(poller, lamps[0], 0, WHERRY_READABLE), 0);
    turn(lamps[0], WHERRY_WRITABLE | WHERRY_FAILED | WHERRY_HUNG_UP);
    assert_int_equal(look(SOCKETS), 1);
    assert_int_equal(ready[0].events, WHERRY_FAILED | WHERRY_HUNG_UP);
}

static void test_what_was_ready_before_it_was_watched_is_reported(void **state)
{
    (void)state;
    turn(lamps[0], WHERRY_READABLE);
    assert_int_equal(watch(poller, lamps[0], 0, WHERRY_READABLE), 0);
    assert_int_equal(look(SOCKETS), 1);
}

static void test_the_order_is_that_of_becoming_ready(void **state)
{
    static const int order[SOCKETS] = { 3, 0, 5, 1, 4, 2 };

    (void)state;
    watch_all();
    for (int i = 0; i < SOCKETS; i++)
        turn(lamps[order[i]], WHERRY_READABLE);
    turn(lamps[3], WHERRY_READABLE); /* again, which changes nothing */
    assert_int_equal(look(SOCKETS), SOCKETS);
    for (int i = 0; i < SOCKETS; i++)
        assert_ptr_equal(ready[i].token, lamps[order[i]]);
}

static void test_of_more_than_fit_each_has_its_turn(void **state)
{
    int seen[SOCKETS] = { 0 };

    (void)state;
    watch_all();
    for (int i = 0; i < SOCKETS; i++)
        turn(lamps[i], WHERRY_READABLE);
    for (int i = 0; i < 2 * SOCKETS; i++) {
        assert_int_equal(look(1), 1);
        assert_ptr_equal(ready[0].token, lamps[i % SOCKETS]);
        seen[i % SOCKETS]++;
    }
    for (int i = 0; i < SOCKETS; i++)
        assert_int_equal(seen[i], 2);
    assert_int_equal(look(SOCKETS - 1), SOCKETS - 1);
    assert_int_equal(look(1), 1);
    assert_ptr_equal(ready[0].token, lamps[SOCKETS - 1]);
}

static void test_there_must_be_room_for_one(void **state)
{
    (void)state;
    assert_int_equal(look(0), -EINVAL);
    assert_int_equal(look(-1), -EINVAL);
}

/* --- watching */

static void test_errors_of_watching(void **state)
{
    (void)state;
    assert_int_equal(table->watch(table, poller, 99, 0, WHERRY_READABLE, NULL), -EBADF);
    assert_int_equal(table->watch(table, poller, -1, 0, WHERRY_READABLE, NULL), -EBADF);
    assert_int_equal(watch(poller, lamps[0], WHERRY_READABLE, WHERRY_WRITABLE), -ENOENT);
    assert_int_equal(watch(poller, lamps[0], 0, WHERRY_READABLE), 0);
    assert_int_equal(watch(poller, lamps[0], 0, WHERRY_READABLE), -EEXIST);
    assert_int_equal(poller->watch_count, 1);
    assert_int_equal(watch(poller, lamps[0], WHERRY_READABLE, 0), 0);
    assert_int_equal(watch(poller, lamps[0], WHERRY_READABLE, 0), 0);
    assert_int_equal(watch(poller, lamps[0], 0, 0), 0);
    assert_int_equal(table->watch(table, poller, 99, WHERRY_READABLE, 0, NULL), 0);
    assert_int_equal(poller->watch_count, 0);
}

static void test_a_watch_is_changed(void **state)
{
    (void)state;
    assert_int_equal(watch(poller, lamps[0], 0, WHERRY_READABLE), 0);
    turn(lamps[0], WHERRY_WRITABLE);
    assert_int_equal(look(SOCKETS), 0);
    assert_int_equal(table->watch(table, poller, lamps[0]->base.descriptor, WHERRY_READABLE,
                                  WHERRY_WRITABLE, lamps[1]),
                     0);
    assert_int_equal(look(SOCKETS), 1);
    assert_ptr_equal(ready[0].token, lamps[1]);
    assert_int_equal(ready[0].events, WHERRY_WRITABLE);
}

static void test_what_is_watched_no_more_is_not_reported(void **state)
{
    (void)state;
    watch_all();
    turn(lamps[0], WHERRY_READABLE);
    turn(lamps[1], WHERRY_READABLE);
    assert_int_equal(watch(poller, lamps[0], WHERRY_READABLE, 0), 0);
    assert_int_equal(table->close(table, lamps[1]->base.descriptor), 0);
    assert_int_equal(look(SOCKETS), 0);
    assert_int_equal(poller->watch_count, SOCKETS - 2);
}

static void test_two_pollers_watch_one_socket(void **state)
{
    wherry_poller *other;

    (void)state;
    assert_int_equal(table->open_poller(table, wherry__memory_default(), &other), 0);
    assert_int_equal(watch(poller, lamps[0], 0, WHERRY_READABLE), 0);
    assert_int_equal(watch(other, lamps[0], 0, WHERRY_WRITABLE), 0);
    turn(lamps[0], WHERRY_READABLE | WHERRY_WRITABLE);
    assert_int_equal(look(SOCKETS), 1);
    assert_int_equal(ready[0].events, WHERRY_READABLE);
    assert_int_equal(table->wait(table, other, WHERRY_NOW, ready, SOCKETS), 1);
    assert_int_equal(ready[0].events, WHERRY_WRITABLE);
    table->close_poller(table, other);
    assert_int_equal(look(SOCKETS), 1);
}

/* --- waiting */

/* A socket that changes at an instant of the world. */
typedef struct change {
    wherry__sim_event event;
    lamp *lamp;
    unsigned ready;
} change;

static void run_change(wherry__sim_event *event)
{
    change *this = (change *)(void *)event;

    turn(this->lamp, this->ready);
}

static void change_at(change *this, int64_t time, unsigned events)
{
    *this = (change){ .event.run = run_change, .lamp = lamps[0], .ready = events };
    wherry__sim_at(world, &this->event, time);
}

static void test_a_wait_lasts_until_its_instant(void **state)
{
    (void)state;
    watch_all();
    assert_int_equal(table->wait(table, poller, 3 * SECOND, ready, SOCKETS), 0);
    assert_true(wherry_simulation_now(world) == 3 * SECOND);
}

static void test_a_wait_ends_when_something_becomes_ready(void **state)
{
    change now;

    (void)state;
    watch_all();
    change_at(&now, SECOND, WHERRY_READABLE);
    assert_int_equal(table->wait(table, poller, WHERRY_NEVER, ready, SOCKETS), 1);
    assert_true(wherry_simulation_now(world) == SECOND);
}

static void test_waits_that_need_not_wait_take_a_microsecond(void **state)
{
    int64_t last;

    (void)state;
    turn(lamps[0], WHERRY_READABLE);
    assert_int_equal(watch(poller, lamps[0], 0, WHERRY_READABLE), 0);
    assert_int_equal(look(SOCKETS), 1);
    for (int i = 0; i < 10; i++) {
        last = wherry_simulation_now(world);
        assert_int_equal(table->wait(table, poller, WHERRY_NEVER, ready, SOCKETS), 1);
        assert_true(wherry_simulation_now(world) == last + MICROSECOND);
    }
}

static int waits_for_three_seconds(void *argument)
{
    wherry_ready found[1];
    wherry_poller *own = NULL;
    lamp *one = make_lamp();
    int *result = argument;

    lamps[0] = one;
    (void)table->open_poller(table, wherry__memory_default(), &own);
    (void)watch(own, one, 0, WHERRY_READABLE);
    *result = table->wait(table, own, 3 * SECOND, found, 1);
    table->close_poller(table, own);
    return table->close(table, one->base.descriptor);
}

/* It is roused, and when it has its turn, somebody else has taken what there was. */
static void test_a_wait_does_not_end_for_what_is_gone_again(void **state)
{
    change on, off;
    int result = -1;

    (void)state;
    assert_int_equal(
        wherry_simulation_spawn(world, "10.0.0.1", waits_for_three_seconds, &result, .plain = 1),
        WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, 1), WHERRY_OK);
    change_at(&on, SECOND, WHERRY_READABLE);
    change_at(&off, SECOND, 0);
    assert_int_equal(wherry_simulation_run(world, 10 * SECOND), WHERRY_OK);
    assert_int_equal(result, 0);
    assert_true(wherry_simulation_now(world) == 3 * SECOND);
}

/* --- waking */

static void test_waking_ends_the_next_wait_once(void **state)
{
    (void)state;
    table->wake(table, poller);
    table->wake(table, poller);
    assert_int_equal(table->wait(table, poller, 5 * SECOND, ready, SOCKETS), 0);
    assert_true(wherry_simulation_now(world) < SECOND);
    assert_int_equal(table->wait(table, poller, 5 * SECOND, ready, SOCKETS), 0);
    assert_true(wherry_simulation_now(world) == 5 * SECOND);
}

static void run_wake(wherry__sim_event *event)
{
    (void)event;
    table->wake(table, poller);
}

static void test_waking_ends_the_wait_that_is_under_way(void **state)
{
    wherry__sim_event event = { .run = run_wake };

    (void)state;
    wherry__sim_at(world, &event, 2 * SECOND);
    assert_int_equal(table->wait(table, poller, WHERRY_NEVER, ready, SOCKETS), 0);
    assert_true(wherry_simulation_now(world) == 2 * SECOND);
}

static wherry_loop *stopped;

static int waits_to_be_stopped(void *argument)
{
    int result = wherry_loop_new(&stopped);

    if (result == WHERRY_OK)
        result = wherry_spawn(NULL, body_sleep_for_ever, argument, .loop = stopped);
    if (result == WHERRY_OK)
        result = wherry_loop_run(stopped);
    wherry_loop_free(stopped);
    return result;
}

static int stops_other(void *argument)
{
    int result = wherry_sleep(wherry_in(SECOND));

    (void)argument;
    wherry_loop_stop(stopped);
    return result;
}

static void test_one_program_wakes_the_loop_of_another(void **state)
{
    (void)state;
    assert_int_equal(
        wherry_simulation_spawn(world, "10.0.0.1", waits_to_be_stopped, NULL, .plain = 1),
        WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.2", stops_other, NULL), WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, 60 * SECOND), WHERRY_OK);
    assert_in_range(wherry_simulation_now(world), SECOND, SECOND + SECOND / 1000);
}

/* --- errands */

static int errands_run, errands_dropped;

static void run_errand(wherry__sim_errand *self)
{
    (void)self;
    errands_run++;
}

static void drop_errand(wherry__sim_errand *self)
{
    (void)self;
    errands_dropped++;
}

static void test_an_errand_is_run_inside_the_wait_which_ends(void **state)
{
    wherry__sim_errand errand = { .run = run_errand, .drop = drop_errand };

    (void)state;
    errands_run = errands_dropped = 0;
    wherry__link_init(&errand.link);
    wherry__sim_poller_errand(poller, &errand);
    assert_int_equal(errands_run, 0);
    assert_int_equal(table->wait(table, poller, 5 * SECOND, ready, SOCKETS), 0);
    assert_int_equal(errands_run, 1);
    assert_true(wherry_simulation_now(world) < SECOND);
    assert_int_equal(errands_dropped, 0);
}

static void test_errands_of_a_poller_that_goes_are_dropped(void **state)
{
    wherry__sim_errand with = { .run = run_errand, .drop = drop_errand };
    wherry__sim_errand without = { .run = run_errand };

    (void)state;
    errands_run = errands_dropped = 0;
    wherry__link_init(&with.link);
    wherry__link_init(&without.link);
    wherry__sim_poller_errand(poller, &without);
    wherry__sim_poller_errand(poller, &with);
    table->close_poller(table, poller);
    poller = NULL;
    assert_int_equal(errands_run, 0);
    assert_int_equal(errands_dropped, 1);
}

/* --- faults, each time that they could strike */

static void open_with(int fault)
{
    wherry_faults faults = { .millionths[0] = 0 };

    table->close_poller(table, poller);
    wherry_simulation_free(world);
    faults.millionths[fault] = 1000000;
    open_world(&faults);
}

static void test_interrupted_waits(void **state)
{
    (void)state;
    open_with(WHERRY_FAULT_INTERRUPTED);
    for (int i = 0; i < 3; i++)
        assert_int_equal(table->wait(table, poller, SECOND, ready, SOCKETS), -EINTR);
    assert_true(wherry_simulation_now(world) < SECOND);
    wherry_simulation_set_faults(world, NULL);
    assert_int_equal(table->wait(table, poller, SECOND, ready, SOCKETS), 0);
}

static void test_spurious_readiness(void **state)
{
    (void)state;
    open_with(WHERRY_FAULT_SPURIOUS);
    assert_int_equal(look(SOCKETS), 0); /* nothing is watched */
    assert_int_equal(watch(poller, lamps[0], 0, WHERRY_READABLE), 0);
    assert_int_equal(look(SOCKETS), 1);
    assert_ptr_equal(ready[0].token, lamps[0]);
    assert_int_equal(ready[0].events, WHERRY_READABLE);
    turn(lamps[0], WHERRY_READABLE);
    assert_int_equal(look(SOCKETS), 1); /* not twice */
}

static void test_another_order(void **state)
{
    int moved = 0;

    (void)state;
    open_with(WHERRY_FAULT_ORDER);
    watch_all();
    for (int i = 0; i < SOCKETS; i++)
        turn(lamps[i], WHERRY_READABLE);
    for (int pass = 0; pass < 20; pass++) {
        unsigned seen = 0;

        assert_int_equal(look(SOCKETS), SOCKETS);
        for (int i = 0; i < SOCKETS; i++)
            for (int j = 0; j < SOCKETS; j++)
                if (ready[i].token == lamps[j]) {
                    seen |= 1u << j;
                    moved += i != j;
                }
        assert_int_equal(seen, (1u << SOCKETS) - 1);
    }
    assert_in_range(moved, 60, 118);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_reported_of_what_is_not_ready),
        TEST(what_is_watched_for_is_reported_again_and_again),
        TEST(failures_and_ends_are_reported_unasked),
        TEST(what_was_ready_before_it_was_watched_is_reported),
        TEST(the_order_is_that_of_becoming_ready),
        TEST(of_more_than_fit_each_has_its_turn),
        TEST(there_must_be_room_for_one),
        TEST(errors_of_watching),
        TEST(a_watch_is_changed),
        TEST(what_is_watched_no_more_is_not_reported),
        TEST(two_pollers_watch_one_socket),
        TEST(a_wait_lasts_until_its_instant),
        TEST(a_wait_ends_when_something_becomes_ready),
        TEST(waits_that_need_not_wait_take_a_microsecond),
        TEST(a_wait_does_not_end_for_what_is_gone_again),
        TEST(waking_ends_the_next_wait_once),
        TEST(waking_ends_the_wait_that_is_under_way),
        TEST(one_program_wakes_the_loop_of_another),
        TEST(an_errand_is_run_inside_the_wait_which_ends),
        TEST(errands_of_a_poller_that_goes_are_dropped),
        TEST(interrupted_waits),
        TEST(spurious_readiness),
        TEST(another_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
