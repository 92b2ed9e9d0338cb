/* A world as a whole: its making, how it goes on, and what its runs answer. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <wherry.h>

#include "simulation/world.h"
#include "support/bodies.h"
#include "support/failing_memory.h"

#define MILLISECOND WHERRY_MILLISECONDS(1)
#define SECOND WHERRY_SECONDS(1)

static wherry_simulation *world;

static int setup(void **state)
{
    (void)state;
    (void)unsetenv("WHERRY_SIMULATION_SEED");
    world = NULL;
    return wherry_simulation_new(&world, .seed = 42, .quiet = 1);
}

static int teardown(void **state)
{
    (void)state;
    wherry_simulation_free(world);
    return 0;
}

/* --- what programs do */

static int forever(void *argument)
{
    (void)argument;
    return wherry_sleep(WHERRY_NEVER);
}

/* For as many nanoseconds. */
static int sleeper(void *argument)
{
    return wherry_sleep(wherry_in(*(const int64_t *)argument));
}

static int64_t one_second = WHERRY_SECONDS(1);
static int64_t ten_seconds = WHERRY_SECONDS(10);

static int circles(void *argument)
{
    int result = 0;

    (void)argument;
    while (result == 0)
        result = wherry_yield();
    return result;
}

static int refused(void *argument)
{
    (void)argument;
    return WHERRY_E_REFUSED;
}

static void spawn(const char *host, wherry_body *body, void *argument)
{
    assert_int_equal(wherry_simulation_spawn(world, host, body, argument), WHERRY_OK);
}

static void assert_problem(const char *part)
{
    if (strstr(wherry_problem(), part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", wherry_problem(), part);
}

/* --- making one */

static void assert_misuse(int result, const char *part)
{
    assert_int_equal(result, WHERRY_E_MISUSE);
    assert_problem(part);
}

static void test_a_world_needs_a_place(void **state)
{
    (void)state;
    assert_misuse(wherry_simulation_new(NULL), "place");
}

static void test_options_out_of_range_are_named(void **state)
{
    wherry_simulation *made = NULL;

    (void)state;
    assert_misuse(wherry_simulation_new(&made, .link.mtu = 575), "link");
    assert_misuse(wherry_simulation_new(&made, .link.mtu = 65537), "link");
    assert_misuse(wherry_simulation_new(&made, .link.jitter = -1), "link");
    assert_misuse(wherry_simulation_new(&made, .link.jitter = 3600 * SECOND + 1), "link");
    assert_misuse(wherry_simulation_new(&made, .link.latency = 3600 * SECOND + 1), "link");
    assert_misuse(wherry_simulation_new(&made, .replay_count = 1), "replay_count");
    assert_misuse(wherry_simulation_new(&made, .choices_size = 1), "choices_size");
    assert_misuse(wherry_simulation_new(&made, .faults.millionths[WHERRY_FAULT_RESET] = 1000001),
                  "faults");
    assert_misuse(wherry_simulation_new(&made, .faults.millionths[WHERRY_FAULT_COUNT] = 1),
                  "faults");
    assert_null(made);
}

static void make_and_free(const wherry_simulation_options *options)
{
    wherry_simulation_options copy = *options;
    wherry_simulation *made = NULL;

    copy.size = sizeof(copy);
    copy.result = &made;
    assert_int_equal(wherry_simulation_new_with(&copy), WHERRY_OK);
    assert_non_null(made);
    wherry_simulation_free(made);
}

static void test_options_at_their_limits_are_taken(void **state)
{
    static const uint8_t byte = 1;

    (void)state;
    make_and_free(&(wherry_simulation_options){ .link.mtu = 576 });
    make_and_free(&(wherry_simulation_options){ .link.mtu = 65536 });
    make_and_free(&(wherry_simulation_options){ .link.jitter = 3600 * SECOND });
    make_and_free(&(wherry_simulation_options){ .link.latency = 3600 * SECOND });
    make_and_free(&(wherry_simulation_options){ .link.latency = -1 });
    make_and_free(&(wherry_simulation_options){ .send_buffer = 1, .receive_buffer = 1 });
    make_and_free(&(wherry_simulation_options){ .faults.millionths[WHERRY_FAULT_RESET] = 1000000 });
    make_and_free(&(wherry_simulation_options){ .choices = &byte, .choices_size = 1 });
    make_and_free(&(wherry_simulation_options){ .replaying = 1 });
    make_and_free(&(wherry_simulation_options){ .swarm = 1 });
}

static void assert_seed(const char *text, uint64_t given, uint64_t expected)
{
    wherry_simulation *made = NULL;

    if (text != NULL)
        assert_int_equal(setenv("WHERRY_SIMULATION_SEED", text, 1), 0);
    assert_int_equal(wherry_simulation_new(&made, .seed = given), WHERRY_OK);
    assert_true(wherry_simulation_seed(made) == expected);
    wherry_simulation_free(made);
    (void)unsetenv("WHERRY_SIMULATION_SEED");
}

static void test_the_seed_is_1_unless_given(void **state)
{
    (void)state;
    assert_seed(NULL, 0, 1);
    assert_seed(NULL, 7, 7);
    assert_seed(NULL, UINT64_MAX, UINT64_MAX);
}

static void test_the_environment_goes_before(void **state)
{
    (void)state;
    assert_seed("12", 0, 12);
    assert_seed("12", 7, 12);
    assert_seed("18446744073709551615", 7, UINT64_MAX);
    assert_seed("007", 0, 7);
    assert_seed("", 7, 7);
}

static void test_a_seed_in_the_environment_that_is_no_number_is_refused(void **state)
{
    static const char *const texts[] = { "x",  "12x", "-1",   "+1",
                                         " 1", "1 ",  "0x10", "18446744073709551616" };
    wherry_simulation *made = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        assert_int_equal(setenv("WHERRY_SIMULATION_SEED", texts[i], 1), 0);
        assert_int_equal(wherry_simulation_new(&made, .seed = 7), WHERRY_E_INVALID);
        assert_problem("WHERRY_SIMULATION_SEED");
    }
    (void)unsetenv("WHERRY_SIMULATION_SEED");
    assert_null(made);
}

static int make_with(wherry_memory *memory)
{
    wherry_simulation *made;
    int result = wherry_simulation_new(&made, .memory = memory);

    if (result == WHERRY_OK)
        wherry_simulation_free(made);
    return result;
}

static int make_swarm_with(wherry_memory *memory)
{
    const wherry_fault_record record = { .fault = WHERRY_FAULT_RESET, .whom = "a>b" };
    wherry_simulation *made;
    int result = wherry_simulation_new(&made, .memory = memory, .replay = &record,
                                       .replay_count = 1);

    if (result == WHERRY_OK)
        wherry_simulation_free(made);
    return result;
}

static void test_making_one_without_memory_fails_in_order(void **state)
{
    (void)state;
    assert_in_range(failing_memory_try(make_with), 4, 100);
    assert_in_range(failing_memory_try(make_swarm_with), 5, 100);
}

/* All that takes memory of the world. */
static int use_with(wherry_memory *memory)
{
    wherry_simulation *made;
    int result = wherry_simulation_new(&made, .memory = memory, .quiet = 1);

    if (result < 0)
        return result;
    result = wherry_simulation_host(made, "10.0.0.1 fd00::1", .name = "one");
    if (result == WHERRY_OK)
        result = wherry_simulation_spawn(made, "one", sleeper, &one_second);
    if (result == WHERRY_OK)
        result = wherry_simulation_spawn(made, "10.0.0.2", forever, NULL);
    if (result == WHERRY_OK)
        result = wherry_simulation_run(made, 2 * SECOND);
    if (result == WHERRY_OK)
        result = wherry_simulation_restart(made, "one");
    if (result == WHERRY_OK)
        result = wherry_simulation_kill(made, "10.0.0.2");
    if (result == WHERRY_OK)
        result = wherry_simulation_run(made, 2 * SECOND);
    wherry_simulation_free(made);
    return result;
}

static void test_using_one_without_memory_fails_in_order(void **state)
{
    (void)state;
    assert_in_range(failing_memory_try(use_with), 10, 1000);
}

static void test_nothing_is_freed_without_a_word(void **state)
{
    (void)state;
    wherry_simulation_free(NULL);
}

/* --- how runs end */

static void test_a_run_lasts_for_its_duration(void **state)
{
    (void)state;
    spawn("10.0.0.1", forever, NULL);
    assert_true(wherry_simulation_now(world) == 0);
    assert_int_equal(wherry_simulation_run(world, 5 * SECOND), WHERRY_OK);
    assert_true(wherry_simulation_now(world) == 5 * SECOND);
    assert_int_equal(wherry_simulation_run(world, 0), WHERRY_OK);
    assert_true(wherry_simulation_now(world) == 5 * SECOND);
    assert_int_equal(wherry_simulation_run(world, -SECOND), WHERRY_OK);
    assert_true(wherry_simulation_now(world) == 5 * SECOND);
}

static void test_a_world_without_programs_lets_the_time_pass(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_host(world, "10.0.0.1"), WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, SECOND), WHERRY_OK);
    assert_true(wherry_simulation_now(world) == SECOND);
}

static void test_a_run_is_over_when_all_programs_have_ended(void **state)
{
    (void)state;
    spawn("10.0.0.1", sleeper, &one_second);
    spawn("10.0.0.2", body_nothing, NULL);
    assert_int_equal(wherry_simulation_run(world, 60 * SECOND), WHERRY_OK);
    assert_in_range(wherry_simulation_now(world), SECOND, SECOND + MILLISECOND);
}

static void test_what_is_due_at_the_end_of_a_run_still_happens(void **state)
{
    wherry_simulation_statistics statistics;

    (void)state;
    assert_int_equal(
        wherry_simulation_spawn(world, "10.0.0.1", body_nothing, NULL, .delay = 5 * SECOND),
        WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, 5 * SECOND - 1), WHERRY_OK);
    wherry_simulation_statistics_read(world, &statistics);
    assert_true(statistics.events == 0);
    assert_int_equal(wherry_simulation_run(world, 1), WHERRY_OK);
    wherry_simulation_statistics_read(world, &statistics);
    assert_true(statistics.events > 0);
}

static void test_a_quiet_run_ends_when_nothing_can_happen_any_more(void **state)
{
    (void)state;
    spawn("10.0.0.1", forever, NULL);
    spawn("10.0.0.2", sleeper, &one_second);
    assert_int_equal(wherry_simulation_run_quiet(world, 60 * SECOND), WHERRY_OK);
    assert_in_range(wherry_simulation_now(world), SECOND, SECOND + MILLISECOND);
}

static void test_a_quiet_run_ends_at_its_limit(void **state)
{
    (void)state;
    spawn("10.0.0.2", sleeper, &ten_seconds);
    assert_int_equal(wherry_simulation_run_quiet(world, SECOND), WHERRY_OK);
    assert_true(wherry_simulation_now(world) == SECOND);
}

static void test_steps_are_single_and_end(void **state)
{
    int steps = 0;
    int result;

    (void)state;
    assert_int_equal(wherry_simulation_step(world), 0);
    spawn("10.0.0.1", sleeper, &one_second);
    while ((result = wherry_simulation_step(world)) == 1)
        steps++;
    assert_int_equal(result, 0);
    assert_in_range(steps, 3, 20);
    assert_in_range(wherry_simulation_now(world), SECOND, SECOND + MILLISECOND);
}

static void test_a_step_tells_the_failure(void **state)
{
    int result;

    (void)state;
    spawn("10.0.0.1", refused, NULL);
    do
        result = wherry_simulation_step(world);
    while (result == 1);
    assert_int_equal(result, WHERRY_E_REFUSED);
    assert_int_equal(wherry_simulation_step(world), WHERRY_E_REFUSED);
}

/* --- conditions */

typedef struct instant {
    wherry_simulation_condition condition;
    int64_t at;
    int asked;
} instant;

static int has_come(wherry_simulation_condition *self, wherry_simulation *asked)
{
    instant *this = (instant *)self;

    this->asked++;
    assert_null(wherry_simulation_current());
    return wherry_simulation_now(asked) >= this->at;
}

static void test_a_run_ends_as_soon_as_its_condition_holds(void **state)
{
    instant this = { .condition.holds = has_come, .at = 3 * SECOND };

    (void)state;
    for (int i = 1; i <= 10; i++)
        assert_int_equal(
            wherry_simulation_spawn(world, "10.0.0.1", body_nothing, NULL, .delay = i * SECOND),
            WHERRY_OK);
    assert_int_equal(wherry_simulation_run_until(world, &this.condition, 60 * SECOND), WHERRY_OK);
    assert_true(wherry_simulation_now(world) == 3 * SECOND);
    this.asked = 0;
    assert_int_equal(wherry_simulation_run_until(world, &this.condition, 60 * SECOND), WHERRY_OK);
    assert_int_equal(this.asked, 1);
}

static void test_a_condition_that_does_not_hold_in_time(void **state)
{
    instant this = { .condition.holds = has_come, .at = 20 * SECOND };

    (void)state;
    spawn("10.0.0.1", sleeper, &ten_seconds);
    assert_int_equal(wherry_simulation_run_until(world, &this.condition, SECOND),
                     WHERRY_E_TIMED_OUT);
    assert_true(wherry_simulation_now(world) == SECOND);
    assert_int_equal(wherry_simulation_run_until(world, &this.condition, SECOND),
                     WHERRY_E_TIMED_OUT); /* which is no failure of the world */
    assert_int_equal(wherry_simulation_run(world, 20 * SECOND), WHERRY_OK);
}

static void test_a_condition_that_cannot_hold_any_more_is_told_with_who_waits(void **state)
{
    instant this = { .condition.holds = has_come, .at = 20 * SECOND };

    (void)state;
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", forever, NULL, .name = "waiter"),
                     WHERRY_OK);
    assert_int_equal(wherry_simulation_run_until(world, &this.condition, 60 * SECOND),
                     WHERRY_E_STUCK);
    assert_problem("waiter");
    assert_problem("10.0.0.1");
    assert_problem("\"sleep\"");
    assert_true(wherry_simulation_now(world) < SECOND);
    assert_int_equal(wherry_simulation_run(world, SECOND), WHERRY_E_STUCK);
}

static void test_a_condition_in_a_world_in_which_nobody_is_left(void **state)
{
    instant this = { .condition.holds = has_come, .at = 20 * SECOND };

    (void)state;
    spawn("10.0.0.1", body_nothing, NULL);
    assert_int_equal(wherry_simulation_run_until(world, &this.condition, 60 * SECOND),
                     WHERRY_E_STUCK);
    assert_problem("no program is left");
}

static void test_a_run_until_nothing_is_misuse(void **state)
{
    wherry_simulation_condition condition = { .holds = NULL };

    (void)state;
    assert_misuse(wherry_simulation_run_until(world, NULL, 1), "condition");
    assert_misuse(wherry_simulation_run_until(world, &condition, 1), "condition");
}

/* --- being stuck */

static void spawn_that_must_end(wherry_body *body, void *argument)
{
    assert_int_equal(
        wherry_simulation_spawn(world, "10.0.0.1", body, argument, .name = "client", .must_end = 1),
        WHERRY_OK);
}

static void assert_stuck(int result)
{
    assert_int_equal(result, WHERRY_E_STUCK);
    assert_problem("\"client\" on host 10.0.0.1");
    assert_problem("\"sleep\"");
}

static void test_who_must_end_and_cannot_is_told(void **state)
{
    (void)state;
    spawn_that_must_end(forever, NULL);
    assert_stuck(wherry_simulation_run(world, 60 * SECOND));
    assert_problem("nothing can happen");
    assert_true(wherry_simulation_now(world) < SECOND);
    assert_stuck(wherry_simulation_run(world, 60 * SECOND));
}

static void test_who_must_end_and_cannot_is_told_by_a_quiet_run(void **state)
{
    (void)state;
    spawn_that_must_end(forever, NULL);
    assert_stuck(wherry_simulation_run_quiet(world, 60 * SECOND));
    assert_problem("nothing can happen");
}

static void test_who_must_end_and_does_not_in_time_is_told(void **state)
{
    (void)state;
    spawn_that_must_end(sleeper, &ten_seconds);
    assert_stuck(wherry_simulation_run(world, SECOND));
    assert_problem("time of the run");
}

static void test_who_must_end_and_does_so_is_fine(void **state)
{
    (void)state;
    spawn_that_must_end(sleeper, &one_second);
    spawn("10.0.0.2", forever, NULL);
    assert_int_equal(wherry_simulation_run_quiet(world, 60 * SECOND), WHERRY_OK);
}

/* A program makes as many passes that find nothing as it is let. */
static int passes(void *argument)
{
    int result = 0;

    for (int left = *(const int *)argument; result == 0 && left > 0; left--)
        result = wherry_yield();
    return result;
}

static int run_passes(int count, int limit)
{
    wherry_simulation *made;
    int result;

    assert_int_equal(wherry_simulation_new(&made, .quiet = 1, .passes_max = (uint64_t)limit),
                     WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(made, "10.0.0.1", passes, &count), WHERRY_OK);
    result = wherry_simulation_run(made, SECOND);
    wherry_simulation_free(made);
    return result;
}

static void test_running_in_circles_is_told_past_the_limit(void **state)
{
    int count = 1;

    (void)state;
    while (run_passes(count, 20) == WHERRY_OK)
        count++;
    assert_in_range(count, 18, 22);
    assert_int_equal(run_passes(count, 20), WHERRY_E_STUCK);
    assert_problem("circles");
    assert_problem("10.0.0.1");
    assert_int_equal(run_passes(count, 21), WHERRY_OK);
    assert_int_equal(run_passes(count + 1, 21), WHERRY_E_STUCK);
}

static void test_circles_are_a_million_passes_by_default(void **state)
{
    (void)state;
    spawn("10.0.0.1", circles, NULL);
    assert_int_equal(wherry_simulation_run(world, WHERRY_NEVER), WHERRY_E_STUCK);
    assert_in_range(wherry_simulation_now(world), SECOND, SECOND + MILLISECOND);
}

/* Something that happens as many times as it is let, without a step of time. */
typedef struct repetition {
    wherry__sim_event event;
    wherry_simulation *in;
    int left;
} repetition;

static void repeat(wherry__sim_event *event)
{
    repetition *this = (repetition *)(void *)event;

    if (--this->left > 0)
        wherry__sim_at(this->in, event, this->in->now);
}

static int run_repetitions(int count)
{
    repetition this = { .event.run = repeat, .left = count };
    int result;

    assert_int_equal(wherry_simulation_new(&this.in, .quiet = 1, .passes_max = 50), WHERRY_OK);
    wherry__sim_at(this.in, &this.event, SECOND);
    result = wherry_simulation_run(this.in, 2 * SECOND);
    wherry_simulation_free(this.in);
    return result;
}

static void test_as_much_happens_without_time_going_on_as_it_is_let(void **state)
{
    (void)state;
    assert_int_equal(run_repetitions(50), WHERRY_OK);
    assert_int_equal(run_repetitions(51), WHERRY_E_STUCK);
    assert_problem("without time going on");
}

/* --- where runs are not allowed */

static int runs_inside(void *argument)
{
    instant this = { .condition.holds = has_come };

    (void)argument;
    assert_misuse(wherry_simulation_run(world, 1), "running");
    assert_misuse(wherry_simulation_run_quiet(world, 1), "running");
    assert_misuse(wherry_simulation_run_until(world, &this.condition, 1), "running");
    assert_misuse(wherry_simulation_step(world), "running");
    wherry_simulation_free(world);
    return 0;
}

static void test_a_run_inside_its_own_world_is_misuse_and_freeing_does_nothing(void **state)
{
    (void)state;
    spawn("10.0.0.1", runs_inside, NULL);
    assert_int_equal(wherry_simulation_run(world, SECOND), WHERRY_OK);
}

static void *run_elsewhere(void *argument)
{
    assert_misuse(wherry_simulation_run(argument, 1), "thread");
    return NULL;
}

static void test_a_run_on_another_thread_is_misuse(void **state)
{
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, run_elsewhere, world), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_misuse(wherry_simulation_run(NULL, 1), "no simulation");
}

/* --- several worlds, and others on the thread */

static int sees_its_world(void *argument)
{
    wherry_simulation *mine = *(wherry_simulation **)argument;
    int result;

    assert_ptr_equal(wherry_simulation_current(), mine);
    result = wherry_sleep(wherry_in(SECOND));
    assert_ptr_equal(wherry_simulation_current(), mine);
    assert_string_equal(wherry_simulation_here(), "10.0.0.1");
    return result;
}

static void test_inside_it_is_known_which_world_and_host_it_is_and_outside_there_is_none(
    void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_host(world, "10.0.0.1 10.0.0.9", .name = "named"), 0);
    spawn("named", sees_its_world, &world);
    assert_null(wherry_simulation_current());
    assert_null(wherry_simulation_here());
    assert_int_equal(wherry_simulation_run(world, 2 * SECOND), WHERRY_OK);
    assert_null(wherry_simulation_current());
    assert_null(wherry_simulation_here());
}

static void test_two_worlds_take_turns_on_one_thread(void **state)
{
    wherry_simulation *other;

    (void)state;
    assert_int_equal(wherry_simulation_new(&other, .quiet = 1), WHERRY_OK);
    spawn("10.0.0.1", sees_its_world, &world);
    assert_int_equal(wherry_simulation_spawn(other, "10.0.0.1", sees_its_world, &other), 0);
    for (int i = 1; i <= 20; i++) {
        assert_int_equal(wherry_simulation_run(world, 100 * MILLISECOND), WHERRY_OK);
        assert_int_equal(wherry_simulation_run(other, 50 * MILLISECOND), WHERRY_OK);
    }
    assert_in_range(wherry_simulation_now(world), SECOND, SECOND + MILLISECOND);
    assert_true(wherry_simulation_now(other) == SECOND);
    assert_int_equal(wherry_simulation_run(other, SECOND), WHERRY_OK);
    wherry_simulation_free(other);
}

static int runs_another(void *argument)
{
    wherry_simulation *other = NULL;
    int result;

    (void)argument;
    assert_int_equal(wherry_simulation_new(&other, .quiet = 1), WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(other, "10.0.0.1", sees_its_world, &other), 0);
    result = wherry_simulation_run(other, 2 * SECOND);
    wherry_simulation_free(other);
    assert_ptr_equal(wherry_simulation_current(), world);
    return result == WHERRY_OK ? wherry_sleep(wherry_in(SECOND)) : result;
}

static void test_a_world_in_a_program_of_another(void **state)
{
    (void)state;
    spawn("10.0.0.1", runs_another, NULL);
    assert_int_equal(wherry_simulation_run(world, 2 * SECOND), WHERRY_OK);
    assert_in_range(wherry_simulation_now(world), SECOND, SECOND + MILLISECOND);
}

static void *whole_life(void *argument)
{
    wherry_simulation *made = NULL;
    int64_t *end = argument;

    assert_int_equal(wherry_simulation_new(&made, .quiet = 1), WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(made, "10.0.0.1", sees_its_world, &made), 0);
    assert_int_equal(wherry_simulation_run(made, 2 * SECOND), WHERRY_OK);
    *end = wherry_simulation_now(made);
    wherry_simulation_free(made);
    return NULL;
}

static void test_worlds_on_several_threads_do_not_know_of_each_other(void **state)
{
    pthread_t threads[4];
    int64_t ends[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, whole_life, &ends[i]), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(ends[i] == ends[0]);
    }
}

static int run_in_a_task(void *argument)
{
    wherry_loop *loop = wherry_loop_current();
    wherry_task *task = wherry_task_current();

    (void)argument;
    spawn("10.0.0.1", sees_its_world, &world);
    assert_int_equal(wherry_simulation_run(world, 2 * SECOND), WHERRY_OK);
    assert_ptr_equal(wherry_loop_current(), loop);
    assert_ptr_equal(wherry_task_current(), task);
    assert_int_equal(wherry_simulation_kill(world, "10.0.0.1"), WHERRY_OK);
    assert_ptr_equal(wherry_loop_current(), loop);
    return wherry_yield();
}

static void test_a_run_inside_a_task_of_an_ordinary_loop(void **state)
{
    (void)state;
    assert_int_equal(wherry_run(run_in_a_task, NULL), WHERRY_OK);
}

static void test_a_world_that_is_freed_in_a_task_ends_its_programs(void **state)
{
    (void)state;
    spawn("10.0.0.1", forever, NULL);
    assert_int_equal(wherry_run(run_in_a_task, NULL), WHERRY_OK);
    spawn("10.0.0.1", sleeper, &ten_seconds);
    assert_int_equal(wherry_simulation_run(world, SECOND), WHERRY_OK);
}

/* --- a wait outside of programs */

static void test_a_loop_made_outside_lets_the_world_go_on(void **state)
{
    wherry_loop *loop;

    (void)state;
    spawn("10.0.0.1", sees_its_world, &world);
    assert_int_equal(wherry_simulation_host(world, "10.0.0.2"), WHERRY_OK);
    assert_int_equal(wherry_loop_new(&loop, .system = wherry_simulation_system(world, "10.0.0.2")),
                     WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, sleeper, &ten_seconds, .loop = loop), WHERRY_OK);
    assert_int_equal(wherry_loop_run(loop), WHERRY_OK);
    assert_in_range(wherry_simulation_now(world), 10 * SECOND, 10 * SECOND + MILLISECOND);
    assert_null(wherry_simulation_current());
    wherry_loop_free(loop);
}

static void test_no_run_begins_inside_of_a_wait_outside(void **state)
{
    wherry_loop *loop;

    (void)state;
    spawn("10.0.0.1", runs_inside, NULL);
    assert_int_equal(wherry_loop_new(&loop, .system = wherry_simulation_system(world, "10.0.0.1")),
                     WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, sleeper, &one_second, .loop = loop), WHERRY_OK);
    assert_int_equal(wherry_loop_run(loop), WHERRY_OK);
    wherry_loop_free(loop);
    assert_int_equal(wherry_simulation_run(world, 0), WHERRY_OK);
}

static void test_steps_of_a_loop_outside_let_others_have_their_turn(void **state)
{
    wherry_loop *loop;
    wherry_simulation_statistics statistics;

    (void)state;
    spawn("10.0.0.1", sleeper, &one_second);
    assert_int_equal(wherry_loop_new(&loop, .system = wherry_simulation_system(world, "10.0.0.1")),
                     WHERRY_OK);
    for (int i = 0; i < 10; i++)
        assert_true(wherry_loop_step(loop) >= 0);
    wherry_simulation_statistics_read(world, &statistics);
    assert_true(statistics.events > 0);
    assert_in_range(wherry_simulation_now(world), WHERRY_MICROSECONDS(5), MILLISECOND);
    wherry_loop_free(loop);
}

static void test_there_is_no_system_of_a_host_that_there_is_not(void **state)
{
    (void)state;
    assert_null(wherry_simulation_system(world, "10.0.0.1"));
    assert_problem("no such host");
    assert_null(wherry_simulation_system(world, NULL));
    assert_null(wherry_simulation_system(NULL, "10.0.0.1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_world_needs_a_place),
        TEST(options_out_of_range_are_named),
        TEST(options_at_their_limits_are_taken),
        TEST(the_seed_is_1_unless_given),
        TEST(the_environment_goes_before),
        TEST(a_seed_in_the_environment_that_is_no_number_is_refused),
        TEST(making_one_without_memory_fails_in_order),
        TEST(using_one_without_memory_fails_in_order),
        TEST(nothing_is_freed_without_a_word),
        TEST(a_run_lasts_for_its_duration),
        TEST(a_world_without_programs_lets_the_time_pass),
        TEST(a_run_is_over_when_all_programs_have_ended),
        TEST(what_is_due_at_the_end_of_a_run_still_happens),
        TEST(a_quiet_run_ends_when_nothing_can_happen_any_more),
        TEST(a_quiet_run_ends_at_its_limit),
        TEST(steps_are_single_and_end),
        TEST(a_step_tells_the_failure),
        TEST(a_run_ends_as_soon_as_its_condition_holds),
        TEST(a_condition_that_does_not_hold_in_time),
        TEST(a_condition_that_cannot_hold_any_more_is_told_with_who_waits),
        TEST(a_condition_in_a_world_in_which_nobody_is_left),
        TEST(a_run_until_nothing_is_misuse),
        TEST(who_must_end_and_cannot_is_told),
        TEST(who_must_end_and_cannot_is_told_by_a_quiet_run),
        TEST(who_must_end_and_does_not_in_time_is_told),
        TEST(who_must_end_and_does_so_is_fine),
        TEST(running_in_circles_is_told_past_the_limit),
        TEST(as_much_happens_without_time_going_on_as_it_is_let),
        TEST(circles_are_a_million_passes_by_default),
        TEST(a_run_inside_its_own_world_is_misuse_and_freeing_does_nothing),
        TEST(a_run_on_another_thread_is_misuse),
        TEST(inside_it_is_known_which_world_and_host_it_is_and_outside_there_is_none),
        TEST(two_worlds_take_turns_on_one_thread),
        TEST(a_world_in_a_program_of_another),
        TEST(worlds_on_several_threads_do_not_know_of_each_other),
        TEST(a_run_inside_a_task_of_an_ordinary_loop),
        TEST(a_world_that_is_freed_in_a_task_ends_its_programs),
        TEST(a_loop_made_outside_lets_the_world_go_on),
        TEST(no_run_begins_inside_of_a_wait_outside),
        TEST(steps_of_a_loop_outside_let_others_have_their_turn),
        TEST(there_is_no_system_of_a_host_that_there_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
