/* Timers: their arithmetic at the ends of time, and whose time they measure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/loop_fixture.h"
#include "support/simulated.h"
#include "system/ambient.h"

/* A loop whose time is what the test says. */
static wherry_loop *loop_at(int64_t start)
{
    wherry_loop *loop;

    assert_int_equal(wherry_loop_new(&loop, .clock = WHERRY_CLOCK_STEPPED, .start = start),
                     WHERRY_OK);
    return loop;
}

static void assert_timer(const wherry_timer *timer, int64_t duration, int64_t elapsed,
                         int64_t remaining, int expired)
{
    assert_int_equal(wherry_timer_duration(timer), duration);
    assert_int_equal(wherry_timer_elapsed(timer), elapsed);
    assert_int_equal(wherry_timer_remaining(timer), remaining);
    assert_int_equal(wherry_timer_expired(timer), expired);
}

static void assert_instants(const wherry_timer *timer, int64_t start, int64_t stop)
{
    assert_int_equal(timer->start, start);
    assert_int_equal(timer->stop, stop);
}

/* --- to the letter */

static void zeroed_timer_has_no_duration_and_is_expired(void **state)
{
    wherry_timer timer = { 0 };

    (void)state;
    assert_int_equal(wherry_timer_duration(&timer), 0);
    assert_int_equal(wherry_timer_expired(&timer), 1);
}

static void timer_expires_when_its_stop_has_come(void **state)
{
    wherry_loop *loop = loop_at(100);
    wherry_timer timer;

    (void)state;
    assert_int_equal(wherry_timer_start(&timer, loop, 10), WHERRY_OK);
    assert_timer(&timer, 10, 0, 10, 0);
    wherry_loop_tick(loop, 9);
    assert_timer(&timer, 10, 9, 1, 0);
    wherry_loop_tick(loop, 1);
    assert_timer(&timer, 10, 10, 0, 1);
    wherry_loop_tick(loop, 1);
    assert_timer(&timer, 10, 11, -1, 1);
    assert_int_equal(wherry_timer_start(&timer, loop, 0), WHERRY_OK);
    assert_timer(&timer, 0, 0, 0, 1);
    wherry_loop_free(loop);
}

static void timer_can_start_in_the_past_and_in_the_future(void **state)
{
    wherry_loop *loop = loop_at(100);
    wherry_timer timer;

    (void)state;
    assert_int_equal(wherry_timer_start_at(&timer, loop, 40, 50), WHERRY_OK);
    assert_timer(&timer, 50, 60, -10, 1);
    assert_int_equal(wherry_timer_start_at(&timer, loop, 140, 50), WHERRY_OK);
    assert_timer(&timer, 50, -40, 90, 0);
    assert_int_equal(wherry_timer_start_at(&timer, loop, -40, 50), WHERRY_OK);
    assert_timer(&timer, 50, 140, -90, 1);
    assert_int_equal(wherry_timer_start_at(&timer, loop, 100, 0), WHERRY_OK);
    assert_timer(&timer, 0, 0, 0, 1);
    assert_int_equal(wherry_timer_start_at(&timer, loop, 101, 0), WHERRY_OK);
    assert_timer(&timer, 0, -1, 1, 0);
    wherry_loop_free(loop);
}

/* Three stretches of ten, asked about late, end on the grid of ten. */
static void restart_loses_no_time(void **state)
{
    wherry_loop *loop = loop_at(0);
    wherry_timer timer;

    (void)state;
    assert_int_equal(wherry_timer_start(&timer, loop, 10), WHERRY_OK);
    wherry_loop_tick(loop, 14);
    wherry_timer_restart(&timer);
    assert_timer(&timer, 10, 4, 6, 0);
    wherry_loop_tick(loop, 20);
    wherry_timer_restart(&timer);
    assert_timer(&timer, 10, 14, -4, 1); /* over already, and not forgotten */
    wherry_timer_restart(&timer);
    assert_timer(&timer, 10, 4, 6, 0);
    wherry_timer_restart(&timer); /* before its time */
    assert_timer(&timer, 10, -6, 16, 0);
    assert_int_equal(wherry_timer_restart_for(&timer, 3), WHERRY_OK);
    assert_timer(&timer, 3, -16, 19, 0);
    assert_int_equal(wherry_timer_restart_for(&timer, 0), WHERRY_OK);
    assert_instants(&timer, 53, 53);
    wherry_loop_free(loop);
}

static void winding_starts_it_anew_in_the_time_of_the_other(void **state)
{
    wherry_loop *here = loop_at(100), *there = loop_at(7);
    wherry_timer timer, copy;

    (void)state;
    assert_int_equal(wherry_timer_start(&timer, here, 10), WHERRY_OK);
    wherry_loop_tick(here, 8);
    copy = timer;
    wherry_timer_wind(&timer, there);
    assert_ptr_equal(timer.base, there);
    assert_instants(&timer, 7, 17);
    wherry_loop_tick(here, 100); /* nothing to it any more */
    assert_timer(&timer, 10, 0, 10, 0);
    assert_timer(&copy, 10, 108, -98, 1);
    wherry_loop_tick(there, 10);
    assert_timer(&timer, 10, 10, 0, 1);
    wherry_timer_wind(&timer, there); /* the same base: from now on */
    assert_timer(&timer, 10, 0, 10, 0);
    wherry_loop_free(here);
    wherry_loop_free(there);
}

/* --- the ends of time */

static void negative_durations_are_refused_and_change_nothing(void **state)
{
    static const int64_t negative[] = { -1, INT64_MIN };
    wherry_loop *loop = loop_at(100);
    wherry_timer timer;

    (void)state;
    assert_int_equal(wherry_timer_start_at(&timer, loop, 90, 20), WHERRY_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(wherry_timer_start(&timer, NULL, negative[i]), WHERRY_E_MISUSE);
        assert_int_equal(wherry_timer_start_at(&timer, NULL, 0, negative[i]), WHERRY_E_MISUSE);
        assert_int_equal(wherry_timer_restart_for(&timer, negative[i]), WHERRY_E_MISUSE);
        assert_ptr_equal(timer.base, loop);
        assert_instants(&timer, 90, 110);
    }
    assert_int_equal(wherry_timer_start(&timer, loop, WHERRY_NEVER), WHERRY_OK);
    assert_int_equal(wherry_timer_restart_for(&timer, -1), WHERRY_E_MISUSE);
    assert_instants(&timer, 100, WHERRY_NEVER);
    wherry_loop_free(loop);
}

static void timer_past_the_end_of_time_never_expires(void **state)
{
    wherry_loop *loop = loop_at(100);
    wherry_timer timer;

    (void)state;
    assert_int_equal(wherry_timer_start(&timer, loop, WHERRY_NEVER - 101), WHERRY_OK);
    assert_timer(&timer, WHERRY_NEVER - 101, 0, WHERRY_NEVER - 101, 0);
    assert_int_equal(wherry_timer_start(&timer, loop, WHERRY_NEVER - 99), WHERRY_OK);
    assert_timer(&timer, WHERRY_NEVER, 0, WHERRY_NEVER, 0);
    wherry_loop_tick(loop, WHERRY_NEVER); /* the last instant of all */
    assert_timer(&timer, WHERRY_NEVER, WHERRY_NEVER - 100, WHERRY_NEVER, 0);
    assert_int_equal(wherry_timer_start_at(&timer, loop, 100, WHERRY_NEVER - 101), WHERRY_OK);
    assert_timer(&timer, WHERRY_NEVER - 101, WHERRY_NEVER - 100, -1, 1);
    wherry_loop_free(loop);
}

static void what_never_expires_stays_as_it_is(void **state)
{
    wherry_loop *loop = loop_at(100), *other = loop_at(5);
    wherry_timer timer;

    (void)state;
    assert_int_equal(wherry_timer_start(&timer, loop, WHERRY_NEVER), WHERRY_OK);
    wherry_timer_restart(&timer);
    assert_instants(&timer, 100, WHERRY_NEVER);
    assert_int_equal(wherry_timer_restart_for(&timer, 1), WHERRY_OK);
    assert_instants(&timer, 100, WHERRY_NEVER);
    wherry_timer_wind(&timer, other); /* to an earlier time: still never */
    assert_instants(&timer, 5, WHERRY_NEVER);
    assert_int_equal(wherry_timer_start_at(&timer, loop, -100, WHERRY_NEVER), WHERRY_OK);
    assert_timer(&timer, WHERRY_NEVER, 200, WHERRY_NEVER, 0);
    assert_int_equal(wherry_timer_start(&timer, loop, 1), WHERRY_OK); /* but for a new start */
    assert_instants(&timer, 100, 101);
    wherry_loop_free(loop);
    wherry_loop_free(other);
}

/* A restart that reaches the end of time ends there. */
static void restarts_stop_at_the_end_of_time(void **state)
{
    wherry_loop *loop = loop_at(0);
    wherry_timer timer;

    (void)state;
    assert_int_equal(wherry_timer_start_at(&timer, loop, WHERRY_NEVER - 20, 10), WHERRY_OK);
    assert_timer(&timer, 10, -(WHERRY_NEVER - 20), WHERRY_NEVER - 10, 0);
    wherry_timer_restart(&timer);
    assert_instants(&timer, WHERRY_NEVER - 10, WHERRY_NEVER);
    wherry_timer_restart(&timer);
    assert_instants(&timer, WHERRY_NEVER - 10, WHERRY_NEVER);
    wherry_loop_free(loop);
}

static void spans_that_are_too_long_end_at_the_ends_of_int64(void **state)
{
    wherry_loop *loop = loop_at(100);
    wherry_timer timer;

    (void)state;
    assert_int_equal(wherry_timer_start_at(&timer, loop, INT64_MIN, 5), WHERRY_OK);
    assert_timer(&timer, 5, INT64_MAX, INT64_MIN, 1);
    assert_int_equal(wherry_timer_start_at(&timer, loop, INT64_MIN, INT64_MAX - 1), WHERRY_OK);
    assert_timer(&timer, INT64_MAX - 1, INT64_MAX, -102, 1);
    assert_int_equal(wherry_timer_start_at(&timer, loop, INT64_MIN, WHERRY_NEVER), WHERRY_OK);
    assert_timer(&timer, WHERRY_NEVER, INT64_MAX, WHERRY_NEVER, 0);
    assert_int_equal(wherry_timer_start_at(&timer, loop, WHERRY_NEVER, 5), WHERRY_OK);
    assert_timer(&timer, WHERRY_NEVER, 100 - INT64_MAX, WHERRY_NEVER, 0);
    wherry_loop_free(loop);
}

/* --- whose time */

static int64_t fake_now;

static int64_t fake_monotonic(wherry_system *self)
{
    (void)self;
    return fake_now;
}

/* On a coroutine of a loop whose time is 1000, under a clock that tells 50. */
static int ask_without_a_base(void *loop)
{
    wherry_timer timer;

    TASK_ASSERT(wherry_timer_start(&timer, NULL, 10) == WHERRY_OK);
    TASK_ASSERT(timer.start == 1000 && timer.stop == 1010);
    fake_now += 99;
    TASK_ASSERT(wherry_timer_elapsed(&timer) == 0); /* the pass time */
    TASK_ASSERT(wherry_sleep(wherry_in(10)) == WHERRY_OK);
    TASK_ASSERT(wherry_timer_elapsed(&timer) == wherry_loop_now(loop) - 1000);
    TASK_ASSERT(wherry_timer_expired(&timer));
    return 0;
}

static void timer_without_a_base_goes_with_the_calling_code(void **state)
{
    wherry_system system = *wherry_system_epoll(), *former;
    wherry_loop *loop;
    wherry_timer timer;

    (void)state;
    system.monotonic = fake_monotonic;
    fake_now = 50;
    former = wherry__system_set_ambient(&system);
    loop = loop_at(1000);
    assert_int_equal(wherry_timer_start(&timer, NULL, 10), WHERRY_OK);
    assert_instants(&timer, 50, 60);
    loop_fixture_run(loop, ask_without_a_base, loop);
    assert_timer(&timer, 10, 99, -89, 1);
    wherry_timer_wind(&timer, loop);
    assert_timer(&timer, 10, 0, 10, 0);
    wherry_timer_wind(&timer, NULL);
    assert_instants(&timer, 149, 159);
    wherry_loop_free(loop);
    (void)wherry__system_set_ambient(former);
}

static int ask_about_another(void *timer)
{
    TASK_ASSERT(wherry_timer_elapsed(timer) == 5);
    TASK_ASSERT(wherry_timer_remaining(timer) == 15);
    return 0;
}

static void timer_goes_with_its_base_in_code_of_another_loop(void **state)
{
    wherry_loop *here = loop_at(1000), *there = loop_at(20);
    wherry_timer timer;

    (void)state;
    assert_int_equal(wherry_timer_start(&timer, there, 20), WHERRY_OK);
    wherry_loop_tick(there, 5);
    loop_fixture_run(here, ask_about_another, &timer);
    wherry_loop_free(here);
    wherry_loop_free(there);
}

/* --- in a world */

/* What a host does takes a little time of its own. */
static int is_about(int64_t span, int64_t seconds)
{
    return span >= WHERRY_SECONDS(seconds) && span < WHERRY_SECONDS(seconds + 1);
}

static int nap(void *outer)
{
    wherry_timer own;
    int result;

    TASK_ASSERT(wherry_timer_start(&own, wherry_loop_current(), WHERRY_SECONDS(7)) == WHERRY_OK);
    result = wherry_sleep(wherry_in(WHERRY_SECONDS(5)));
    TASK_ASSERT(is_about(wherry_timer_elapsed(&own), 5));
    TASK_ASSERT(is_about(wherry_timer_remaining(&own), 1));
    TASK_ASSERT(is_about(wherry_timer_elapsed(outer), 5)); /* the same clock, in a loop */
    trace("inside ");
    return result;
}

/* Outside of loops the clock is the host's: no real time passes. */
static int program(void *unused)
{
    wherry_timer timer;
    int result;

    (void)unused;
    TASK_ASSERT(wherry_loop_current() == NULL);
    TASK_ASSERT(wherry_timer_start(&timer, NULL, WHERRY_SECONDS(5)) == WHERRY_OK);
    result = wherry_run(nap, &timer);
    TASK_ASSERT(is_about(wherry_timer_elapsed(&timer), 5));
    TASK_ASSERT(wherry_timer_expired(&timer));
    trace("outside ");
    return result;
}

static void timer_in_a_world_goes_with_the_host(void **state)
{
    wherry_simulation *world;

    (void)state;
    assert_int_equal(wherry_simulation_new(&world, .seed = 7), WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, HERE, program, NULL, .plain = 1), WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, WHERRY_SECONDS(60)), WHERRY_OK);
    wherry_simulation_free(world);
    trace_is("inside outside ");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        TEST(zeroed_timer_has_no_duration_and_is_expired),
        TEST(timer_expires_when_its_stop_has_come),
        TEST(timer_can_start_in_the_past_and_in_the_future),
        TEST(restart_loses_no_time),
        TEST(winding_starts_it_anew_in_the_time_of_the_other),
        TEST(negative_durations_are_refused_and_change_nothing),
        TEST(timer_past_the_end_of_time_never_expires),
        TEST(what_never_expires_stays_as_it_is),
        TEST(restarts_stop_at_the_end_of_time),
        TEST(spans_that_are_too_long_end_at_the_ends_of_int64),
        TEST(timer_without_a_base_goes_with_the_calling_code),
        TEST(timer_goes_with_its_base_in_code_of_another_loop),
        TEST(timer_in_a_world_goes_with_the_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
