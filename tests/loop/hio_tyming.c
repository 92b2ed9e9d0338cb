/* The tests that hio has for its time (tests/base/test_tyming.py), step by step with its numbers. A
 * Tymist is a loop in stepped time, a Tymee what asks a loop for its time, a Tymer a timer. Each
 * runs on the system's clock and on that of a simulated host: the time of its own is the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry.h>

#define S WHERRY_SECONDS

static wherry_simulation *world; /* of the test under way, or NULL */
static wherry_system *system_below;

static int in_a_world(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_new(&world), WHERRY_OK);
    assert_int_equal(wherry_simulation_host(world, "10.0.0.1"), WHERRY_OK);
    system_below = wherry_simulation_system(world, "10.0.0.1");
    assert_non_null(system_below);
    return 0;
}

static int out_of_it(void **state)
{
    (void)state;
    wherry_simulation_free(world);
    world = NULL;
    system_below = NULL;
    return 0;
}

/* Tymist(tyme=start, tock=tock); 0: the default. */
static wherry_loop *tymist(int64_t start, int64_t tock)
{
    wherry_loop *loop;

    assert_int_equal(wherry_loop_new(&loop, .system = system_below, .clock = WHERRY_CLOCK_STEPPED,
                                     .start = start, .tock = tock),
                     WHERRY_OK);
    return loop;
}

/* tick() */
static void tick(wherry_loop *loop)
{
    int64_t after = wherry_loop_now(loop) + wherry_loop_tock(loop);

    assert_int_equal(wherry_loop_tick(loop, wherry_loop_tock(loop)), after);
}

static void assert_timer(const wherry_timer *timer, int64_t duration, int64_t elapsed,
                         int64_t remaining, int expired)
{
    assert_int_equal(wherry_timer_duration(timer), duration);
    assert_int_equal(wherry_timer_elapsed(timer), elapsed);
    assert_int_equal(wherry_timer_remaining(timer), remaining);
    assert_int_equal(wherry_timer_expired(timer), expired);
}

static void tymist_as_in_hio(void **state)
{
    wherry_loop *loop = tymist(0, 0);

    (void)state;
    assert_int_equal(wherry_loop_now(loop), 0);
    assert_int_equal(wherry_loop_tock(loop), S(0.03125));
    assert_int_equal(wherry_loop_set_tock(loop, S(1)), WHERRY_OK);
    tick(loop);
    assert_int_equal(wherry_loop_now(loop), S(1));
    assert_int_equal(wherry_loop_tick(loop, S(0.75)), S(1.75));
    assert_int_equal(wherry_loop_now(loop), S(1.75));
    assert_int_equal(wherry_loop_set_tock(loop, S(0.5)), WHERRY_OK);
    tick(loop);
    assert_int_equal(wherry_loop_now(loop), S(2.25));
    wherry_loop_free(loop);

    loop = tymist(S(2), S(0.25));
    assert_int_equal(wherry_loop_now(loop), S(2));
    assert_int_equal(wherry_loop_tock(loop), S(0.25));
    tick(loop);
    assert_int_equal(wherry_loop_now(loop), S(2.25));
    assert_int_equal(wherry_loop_tick(loop, S(0.75)), S(3));
    assert_int_equal(wherry_loop_now(loop), S(3));
    assert_int_equal(wherry_loop_set_tock(loop, S(0.5)), WHERRY_OK);
    tick(loop);
    assert_int_equal(wherry_loop_now(loop), S(3.5));
    wherry_loop_free(loop);
}

/* A tymth is the loop itself, which who is wound to it asks. A pass is a tick as well. */
static void tymth_as_in_hio(void **state)
{
    wherry_loop *loop = tymist(S(3.5), S(0.5));
    const wherry_loop *tymth = loop;

    (void)state;
    assert_int_equal(wherry_loop_now(tymth), S(3.5));
    tick(loop);
    assert_int_equal(wherry_loop_now(tymth), S(4));
    assert_int_equal(wherry_loop_step(loop), 0);
    assert_int_equal(wherry_loop_now(tymth), S(4.5));
    wherry_loop_free(loop);
}

/* What has no base yet has no time in hio. Here it goes with the code that asks. */
static void tymee_as_in_hio(void **state)
{
    wherry_loop *loops[3] = { tymist(0, S(1)), tymist(0, S(0.5)), tymist(0, S(0.25)) };
    wherry_timer tymee = { 0 };

    (void)state;
    assert_null(tymee.base);

    wherry_timer_wind(&tymee, loops[0]);
    assert_int_equal(wherry_loop_now(tymee.base), 0);
    tick(loops[0]);
    assert_int_equal(wherry_loop_now(tymee.base), S(1));

    wherry_timer_wind(&tymee, loops[1]);
    assert_int_equal(wherry_loop_now(tymee.base), 0);
    tick(loops[1]);
    assert_int_equal(wherry_loop_now(tymee.base), S(0.5));

    wherry_timer_wind(&tymee, loops[2]);
    assert_int_equal(wherry_loop_now(tymee.base), 0);
    tick(loops[2]);
    assert_int_equal(wherry_loop_now(tymee.base), S(0.25));
    tick(loops[2]);
    assert_int_equal(wherry_loop_now(tymee.base), S(0.5));

    assert_int_equal(wherry_loop_set_tock(loops[2], S(1)), WHERRY_OK);
    tick(loops[2]);
    assert_int_equal(wherry_loop_now(tymee.base), S(1.5));
    for (size_t i = 0; i < 3; i++)
        wherry_loop_free(loops[i]);
}

static void tymer_as_in_hio(void **state)
{
    wherry_loop *loop = tymist(0, 0);
    wherry_timer timer = { 0 };

    (void)state;
    wherry_timer_wind(&timer, loop);
    assert_ptr_equal(timer.base, loop);
    assert_timer(&timer, 0, 0, 0, 1);
    assert_int_equal(wherry_loop_set_tock(loop, S(0.25)), WHERRY_OK);
    assert_int_equal(wherry_loop_tock(loop), S(0.25));

    assert_int_equal(wherry_timer_start(&timer, loop, S(1)), WHERRY_OK);
    assert_timer(&timer, S(1), 0, S(1), 0);
    tick(loop);
    assert_int_equal(wherry_loop_now(loop), S(0.25));
    assert_timer(&timer, S(1), S(0.25), S(0.75), 0);
    tick(loop);
    tick(loop);
    assert_int_equal(wherry_loop_now(loop), S(0.75));
    assert_timer(&timer, S(1), S(0.75), S(0.25), 0);
    tick(loop);
    assert_int_equal(wherry_loop_now(loop), S(1));
    assert_timer(&timer, S(1), S(1), 0, 1);
    tick(loop);
    assert_int_equal(wherry_loop_now(loop), S(1.25));
    assert_timer(&timer, S(1), S(1.25), -S(0.25), 1);

    wherry_timer_restart(&timer);
    assert_timer(&timer, S(1), S(0.25), S(0.75), 0);
    assert_int_equal(wherry_loop_tick(loop, S(2) - wherry_loop_now(loop)), S(2));
    assert_timer(&timer, S(1), S(1), 0, 1);
    assert_int_equal(wherry_timer_restart_for(&timer, S(0.25)), WHERRY_OK);
    assert_timer(&timer, S(0.25), 0, S(0.25), 0);
    tick(loop);
    assert_timer(&timer, S(0.25), S(0.25), 0, 1);
    wherry_loop_free(loop);
}

static void tymer_start_and_wind_as_in_hio(void **state)
{
    wherry_loop *loop = tymist(0, S(1)), *other = tymist(S(5), S(0.125));
    wherry_timer timer;

    (void)state;
    assert_int_equal(wherry_timer_start_at(&timer, loop, S(0.25), S(1)), WHERRY_OK);
    assert_int_equal(wherry_loop_now(timer.base), 0);
    assert_timer(&timer, S(1), -S(0.25), S(1.25), 0);
    tick(loop);
    assert_int_equal(wherry_loop_now(timer.base), S(1));
    assert_timer(&timer, S(1), S(0.75), S(0.25), 0);
    tick(loop);
    assert_int_equal(wherry_loop_now(timer.base), S(2));
    assert_timer(&timer, S(1), S(1.75), -S(0.75), 1);

    wherry_timer_wind(&timer, other);
    assert_int_equal(wherry_loop_now(timer.base), S(5));
    assert_int_equal(wherry_timer_expired(&timer), 0);
    assert_int_equal(timer.start, S(5));
    assert_int_equal(timer.stop, S(6));
    tick(other);
    assert_int_equal(wherry_loop_now(timer.base), S(5.125));
    assert_int_equal(wherry_timer_elapsed(&timer), wherry_loop_tock(other));
    wherry_loop_free(loop);
    wherry_loop_free(other);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test(name), cmocka_unit_test_setup_teardown(name, in_a_world, out_of_it)
    const struct CMUnitTest tests[] = {
        TEST(tymist_as_in_hio),
        TEST(tymth_as_in_hio),
        TEST(tymee_as_in_hio),
        TEST(tymer_as_in_hio),
        TEST(tymer_start_and_wind_as_in_hio),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
