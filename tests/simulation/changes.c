/* Who may change a world: nobody who is called in the midst of something that goes on afterwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <wherry.h>

#include "support/simulated.h"

#define SECOND WHERRY_SECONDS(1)
#define ENDPOINT "tcp://127.0.0.1:7000"

static int asks(void *argument)
{
    wherry_bytes message;
    wherry_peer *peer;
    int result = wherry_connect(&peer, ENDPOINT, &wherry_raw, wherry_in(SECOND));

    if (result < 0)
        return result;
    result = wherry_peer_send(peer, wherry_text("hello"), WHERRY_NEVER);
    if (result == WHERRY_OK)
        result = wherry_peer_receive(peer, &message, wherry_in(SECOND));
    *(int *)argument += result == WHERRY_OK;
    wherry_peer_close(peer);
    return result;
}

static int does_nothing(void *argument)
{
    (void)argument;
    return WHERRY_OK;
}

static void assert_refused(wherry_simulation *world)
{
    const wherry_link link = { .latency = 1 };

    assert_int_equal(wherry_simulation_kill(world, "10.0.0.1"), WHERRY_E_MISUSE);
    assert_int_equal(wherry_simulation_stop(world, "10.0.0.1"), WHERRY_E_MISUSE);
    assert_int_equal(wherry_simulation_power_off(world, "10.0.0.1"), WHERRY_E_MISUSE);
    assert_int_equal(wherry_simulation_restart(world, "10.0.0.1"), WHERRY_E_MISUSE);
    assert_int_equal(wherry_simulation_reset(world, "10.0.0.1", "*"), WHERRY_E_MISUSE);
    assert_int_equal(wherry_simulation_link(world, "10.0.0.1", "*", &link), WHERRY_E_MISUSE);
    assert_int_equal(wherry_simulation_hold(world, "10.0.0.1", "*"), WHERRY_E_MISUSE);
    assert_int_equal(wherry_simulation_host(world, "10.0.0.9", .name = NULL), WHERRY_E_MISUSE);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", does_nothing, NULL),
                     WHERRY_E_MISUSE);
}

/* --- observers */

typedef struct meddler {
    wherry_simulation_observer observer;
    wherry_simulation *world;
    int arrivals;
} meddler;

/* An arrival on the host of who runs is in the midst of a call of his. */
static void meddles(wherry_simulation_observer *self, const wherry_simulation_event *event)
{
    meddler *this = (meddler *)self;

    if (strcmp(event->what, "arrive") != 0 || event->program == NULL)
        return;
    this->arrivals++;
    wherry_simulation_set_faults(this->world, NULL);
    assert_refused(this->world);
}

static void test_an_observer_does_not_change_the_world(void **state)
{
    meddler this = { .observer.see = meddles };
    int answered = 0;

    (void)state;
    assert_int_equal(wherry_simulation_new(&this.world, .quiet = 1, .observer = &this.observer),
                     WHERRY_OK);
    (void)wherry_simulation_spawn(this.world, "10.0.0.1", simulated_echo, NULL);
    (void)wherry_simulation_spawn(this.world, "10.0.0.1", asks, &answered, .delay = SECOND);
    assert_int_equal(wherry_simulation_run(this.world, 10 * SECOND), WHERRY_OK);
    assert_true(this.arrivals > 0);
    assert_int_equal(answered, 1);
    assert_int_equal(wherry_simulation_kill(this.world, "10.0.0.1"), WHERRY_OK);
    wherry_simulation_free(this.world);
}

/* --- worlds within worlds */

static int meddles_with_the_outer(void *argument)
{
    assert_refused(argument);
    return WHERRY_OK;
}

static int makes_a_world(void *argument)
{
    wherry_simulation *outer = wherry_simulation_current(), *inner;
    int result = wherry_simulation_new(&inner, .quiet = 1);

    if (result < 0)
        return result;
    result = wherry_simulation_spawn(inner, "10.0.0.1", meddles_with_the_outer, outer);
    if (result == WHERRY_OK)
        result = wherry_simulation_run(inner, SECOND);
    wherry_simulation_free(inner);
    *(int *)argument = result == WHERRY_OK && wherry_simulation_current() == outer;
    (void)wherry_simulation_kill(outer, "10.0.0.1");
    return WHERRY_E_BROKEN;
}

static void test_a_world_is_not_changed_from_one_within_it(void **state)
{
    wherry_simulation *world;
    int done = 0;

    (void)state;
    assert_int_equal(wherry_simulation_new(&world, .quiet = 1), WHERRY_OK);
    (void)wherry_simulation_spawn(world, "10.0.0.1", makes_a_world, &done);
    assert_int_equal(wherry_simulation_run(world, SECOND), WHERRY_OK);
    assert_int_equal(done, 1);
    wherry_simulation_free(world);
}

/* --- going round in circles */

static int sleeps(void *argument)
{
    (void)argument;
    return wherry_sleep(wherry_in(10 * SECOND));
}

static void test_waits_that_are_always_interrupted_are_running_in_circles(void **state)
{
    wherry_simulation *world;

    (void)state;
    assert_int_equal(
        wherry_simulation_new(&world, .quiet = 1, .passes_max = 1000,
                              .faults.millionths = { [WHERRY_FAULT_INTERRUPTED] = 1000000 }),
        WHERRY_OK);
    (void)wherry_simulation_spawn(world, "10.0.0.1", sleeps, NULL);
    assert_int_equal(wherry_simulation_run(world, 20 * SECOND), WHERRY_E_STUCK);
    assert_true(wherry_simulation_now(world) < SECOND);
    wherry_simulation_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_an_observer_does_not_change_the_world, simulated_unseeded),
        cmocka_unit_test_setup(test_a_world_is_not_changed_from_one_within_it, simulated_unseeded),
        cmocka_unit_test_setup(test_waits_that_are_always_interrupted_are_running_in_circles,
                               simulated_unseeded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
