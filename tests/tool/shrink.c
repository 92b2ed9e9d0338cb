/* Plays: shrinking them, running them apart, and their files. The scenarios are the test's own:
 * they fail where certain faults are in the list, or by limits, and simulate nothing. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "simulate/play.h"
#include "simulate/shrink.h"
#include "support/folder.h"

/* --- scenarios */

static const struct scenario all[] = {
    { "two-faults", "fails by the 3rd and the 70th fault together", NULL },
    { "either", "fails by the 10th fault, and in another way by the 20th", NULL },
    { "crash", "crashes by the 7th fault", NULL },
    { "crash-drawn", "crashes whenever its faults are drawn", NULL },
    { "limits", "fails with 3 hosts, 2 jobs, 5 troubles, 9 seconds or more", NULL },
    { "fine", "never fails", NULL },
    { "exits", "ends its process", NULL },
};

const struct scenario *scenario_at(size_t index)
{
    return index < sizeof(all) / sizeof(all[0]) ? &all[index] : NULL;
}

const struct scenario *scenario_find(const char *name)
{
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    return NULL;
}

const struct scenario *scenario_of(uint64_t seed)
{
    return &all[seed % (sizeof(all) / sizeof(all[0]))];
}

static bool has(const wherry_simulation_options *options, uint64_t occasion)
{
    for (size_t i = 0; i < options->replay_count; i++)
        if (options->replay[i].occasion == occasion)
            return true;
    return false;
}

/* The number in the sentence is not the same in any two runs of different lengths. */
static void break_promise(struct scenario_outcome *outcome,
                          const wherry_simulation_options *options, const char *what)
{
    outcome->code = WHERRY_E_BROKEN;
    (void)snprintf(outcome->problem, sizeof(outcome->problem), "%s, at %zu of them", what,
                   options->replay_count * 97);
}

static void give(const wherry_simulation_options *options, struct scenario_faults *faults)
{
    faults->count = options->replay_count;
    faults->list = calloc(faults->count + 1, sizeof(*faults->list));
    assert_non_null(faults->list);
    if (faults->count > 0)
        memcpy(faults->list, options->replay, faults->count * sizeof(*faults->list));
}

int scenario_simulate(const struct scenario *scenario, const wherry_simulation_options *options,
                      const struct scenario_limits *limits, struct scenario_outcome *outcome,
                      struct scenario_faults *faults)
{
    *outcome = (struct scenario_outcome){ .code = WHERRY_OK, .hash = options->seed };
    if (strcmp(scenario->name, "two-faults") == 0 && has(options, 3) && has(options, 70))
        break_promise(outcome, options, "both");
    if (strcmp(scenario->name, "either") == 0 && has(options, 10))
        break_promise(outcome, options, "the tenth");
    else if (strcmp(scenario->name, "either") == 0 && has(options, 20))
        break_promise(outcome, options, "the twentieth");
    if (strcmp(scenario->name, "crash") == 0 && has(options, 7))
        (void)raise(SIGKILL);
    if (strcmp(scenario->name, "crash-drawn") == 0 && !options->replaying)
        (void)raise(SIGKILL);
    if (strcmp(scenario->name, "limits") == 0 && limits->hosts >= 3 && limits->jobs >= 2 &&
        limits->troubles >= 5 && limits->time >= WHERRY_SECONDS(9))
        break_promise(outcome, options, "all of it");
    if (strcmp(scenario->name, "exits") == 0)
        _exit(3);
    if (faults != NULL)
        give(options, faults);
    return outcome->code;
}

/* --- plays */

/* With faults whose occasions are 1 to count. */
static struct play play_of(const char *name, size_t count)
{
    struct play play = { .scenario = scenario_find(name),
                         .seed = 42,
                         .limits = SCENARIO_NO_LIMITS,
                         .is_replay = true,
                         .faults = calloc(count + 1, sizeof(*play.faults)),
                         .fault_count = count };

    assert_non_null(play.faults);
    for (size_t i = 0; i < count; i++)
        play.faults[i] = (wherry_fault_record){ .fault = WHERRY_FAULT_RESET,
                                                .whom = "10.0.0.1>10.0.0.2",
                                                .occasion = i + 1,
                                                .value = i * 3,
                                                .time = (int64_t)i * 1000 };
    return play;
}

static size_t shrink_of(struct play *play, struct scenario_outcome *outcome, size_t runs)
{
    play_run_apart(play, outcome, NULL);
    return shrink(play, outcome, runs);
}

/* --- running apart */

static void what_a_process_of_its_own_came_to_is_brought_here(void **state)
{
    struct play play = play_of("two-faults", 2000); /* more than a pipe holds */
    struct scenario_outcome outcome;
    struct scenario_faults struck;

    (void)state;
    play_run_apart(&play, &outcome, &struck);
    assert_int_equal(outcome.code, WHERRY_E_BROKEN);
    assert_string_equal(outcome.problem, "both, at 194000 of them");
    assert_int_equal(outcome.hash, 42);
    assert_int_equal(struck.count, 2000);
    assert_memory_equal(struck.list, play.faults, 2000 * sizeof(*play.faults));
    free(struck.list);
    play_clear(&play);
    assert_null(play.faults);
    assert_int_equal(play.fault_count, 0);
}

static void a_crash_is_an_outcome_and_no_faults_are_known(void **state)
{
    struct play play = play_of("crash", 7);
    struct scenario_outcome outcome;
    struct scenario_faults struck;

    (void)state;
    play_run_apart(&play, &outcome, &struck);
    assert_int_equal(outcome.code, WHERRY_E_SYSTEM);
    assert_string_equal(outcome.problem, "the process died of signal 9");
    assert_int_equal(struck.count, 0);
    free(struck.list);
    play.scenario = scenario_find("exits");
    play_run_apart(&play, &outcome, NULL);
    assert_int_equal(outcome.code, WHERRY_E_SYSTEM);
    assert_string_equal(outcome.problem, "the process ended with status 3");
    play_clear(&play);
}

static void several_run_at_a_time(void **state)
{
    struct play plays[3] = { play_of("fine", 0), play_of("two-faults", 2000), play_of("fine", 1) };
    const int codes[3] = { WHERRY_OK, WHERRY_E_BROKEN, WHERRY_OK };
    struct play_child children[3];

    (void)state;
    for (size_t i = 0; i < 3; i++)
        play_start(&plays[i], &children[i]);
    for (size_t i = 0; i < 3; i++) {
        struct scenario_outcome outcome;

        play_finish(&children[i], &outcome, NULL);
        assert_int_equal(outcome.code, codes[i]);
        play_clear(&plays[i]);
    }
}

/* --- the same failure */

static bool same(int code, const char *problem, int other_code, const char *other_problem)
{
    struct scenario_outcome one = { .code = code }, other = { .code = other_code };

    (void)snprintf(one.problem, sizeof(one.problem), "%s", problem);
    (void)snprintf(other.problem, sizeof(other.problem), "%s", other_problem);
    assert_int_equal(play_same_failure(&one, &other), play_same_failure(&other, &one));
    return play_same_failure(&one, &other);
}

static void failures_are_the_same_but_for_numbers(void **state)
{
    (void)state;
    assert_true(same(-1, "", -1, ""));
    assert_true(same(-1, "7 of 10", -1, "1234 of 2"));
    assert_true(same(-1, "at 5", -1, "at 55"));
    assert_false(same(-1, "at 5", -2, "at 5"));
    assert_false(same(-1, "at 5", -1, "at "));
    assert_false(same(-1, "at 5", -1, "at 5."));
    assert_false(same(-1, "at 5 a", -1, "at 5 b"));
    assert_false(same(-1, "5", -1, "x"));
}

/* --- shrinking */

static void of_many_faults_those_that_it_takes_are_left(void **state)
{
    struct play play = play_of("two-faults", 100);
    struct scenario_outcome outcome;

    (void)state;
    assert_in_range(shrink_of(&play, &outcome, 2000), 10, 200);
    assert_int_equal(play.fault_count, 2);
    assert_int_equal(play.faults[0].occasion, 3);
    assert_int_equal(play.faults[1].occasion, 70);
    assert_int_equal(play.faults[1].value, 69 * 3);
    assert_int_equal(outcome.code, WHERRY_E_BROKEN);
    assert_string_equal(outcome.problem, "both, at 194 of them"); /* of the last one that failed */
    play_clear(&play);
}

/* With the tenth left out it fails still, but otherwise. */
static void another_failure_does_not_count(void **state)
{
    struct play play = play_of("either", 40);
    struct scenario_outcome outcome;

    (void)state;
    (void)shrink_of(&play, &outcome, 2000);
    assert_int_equal(play.fault_count, 1);
    assert_int_equal(play.faults[0].occasion, 10);
    assert_string_equal(outcome.problem, "the tenth, at 97 of them");
    play_clear(&play);
}

static void it_takes_no_more_runs_than_it_may(void **state)
{
    (void)state;
    for (size_t runs = 0; runs <= 12; runs += 3) {
        struct play play = play_of("two-faults", 100);
        struct scenario_outcome outcome;

        assert_int_equal(shrink_of(&play, &outcome, runs), runs);
        play_run_apart(&play, &outcome, NULL); /* wherever it stopped, it fails */
        assert_int_equal(outcome.code, WHERRY_E_BROKEN);
        assert_true(runs > 0 || play.fault_count == 100);
        play_clear(&play);
    }
}

static void limits_become_as_low_as_they_can(void **state)
{
    struct play play = play_of("limits", 5);
    struct scenario_outcome outcome;

    (void)state;
    (void)shrink_of(&play, &outcome, 2000);
    assert_int_equal(play.fault_count, 0);
    assert_true(play.is_replay);
    assert_int_equal(play.limits.hosts, 3);
    assert_int_equal(play.limits.jobs, 2);
    assert_int_equal(play.limits.troubles, 5);
    assert_true(play.limits.time >= WHERRY_SECONDS(9));
    assert_true(play.limits.time < WHERRY_SECONDS(18));
    play_clear(&play);
}

static void limits_that_do_not_matter_become_the_least(void **state)
{
    struct play play = play_of("two-faults", 70);
    struct scenario_outcome outcome;

    (void)state;
    (void)shrink_of(&play, &outcome, 2000);
    assert_int_equal(play.limits.hosts, 1);
    assert_int_equal(play.limits.jobs, 1);
    assert_int_equal(play.limits.troubles, 0);
    assert_int_equal(play.limits.time, 1);
    play_clear(&play);
}

static void a_crash_is_shrunk_like_any_failure(void **state)
{
    struct play play = play_of("crash", 50);
    struct scenario_outcome outcome;

    (void)state;
    (void)shrink_of(&play, &outcome, 2000);
    assert_int_equal(play.fault_count, 1);
    assert_int_equal(play.faults[0].occasion, 7);
    assert_string_equal(outcome.problem, "the process died of signal 9");
    play_clear(&play);
}

/* What struck was brought along, and does it too when it is replayed. */
static void drawn_faults_are_replaced_by_those_that_struck(void **state)
{
    struct play play = play_of("two-faults", 100);
    struct scenario_outcome outcome;

    (void)state;
    play.is_replay = false;
    (void)shrink_of(&play, &outcome, 2000);
    assert_true(play.is_replay);
    assert_int_equal(play.fault_count, 2);
    play_clear(&play);
}

static void faults_that_do_not_do_it_when_replayed_stay_drawn(void **state)
{
    struct play play = play_of("crash-drawn", 9);
    struct scenario_outcome outcome;

    (void)state;
    play.is_replay = false;
    (void)shrink_of(&play, &outcome, 2000);
    assert_false(play.is_replay);
    assert_int_equal(play.fault_count, 0);
    assert_int_equal(play.limits.hosts, 1);
    play_clear(&play);
}

/* --- files */

static void assert_same_limits(const struct scenario_limits *one,
                               const struct scenario_limits *other)
{
    assert_int_equal(one->hosts, other->hosts);
    assert_int_equal(one->jobs, other->jobs);
    assert_int_equal(one->troubles, other->troubles);
    assert_true(one->time == other->time);
}

static void assert_same_play(const struct play *one, const struct play *other)
{
    assert_ptr_equal(one->scenario, other->scenario);
    assert_int_equal(one->seed, other->seed);
    assert_same_limits(&one->limits, &other->limits);
    assert_int_equal(one->is_replay, other->is_replay);
    assert_int_equal(one->fault_count, other->fault_count);
    for (size_t i = 0; i < one->fault_count; i++)
        assert_memory_equal(&one->faults[i], &other->faults[i], sizeof(*one->faults));
}

static void assert_comes_back(const struct play *play, const struct scenario_outcome *outcome)
{
    struct play loaded;

    assert_int_equal(play_save(play, outcome, folder_path("play")), 0);
    assert_int_equal(play_load(&loaded, folder_path("play")), 0);
    assert_same_play(play, &loaded);
    play_clear(&loaded);
}

/* A sentence longer than any other line, which is not on one line itself. */
static void a_saved_play_comes_back_as_it_was(void **state)
{
    struct play play = play_of("either", 30);
    struct scenario_outcome outcome = { .code = WHERRY_E_STUCK };

    (void)state;
    memset(outcome.problem, 'x', sizeof(outcome.problem) - 1);
    outcome.problem[100] = '\n';
    assert_comes_back(&play, &outcome);
    play.limits = (struct scenario_limits){ 3, 1, 0, 1 };
    play.seed = UINT64_MAX;
    play.faults[0].fault = WHERRY_FAULT_COUNT - 1;
    play.faults[0].occasion = play.faults[0].value = UINT64_MAX;
    play.faults[0].time = INT64_MAX;
    memset(play.faults[0].whom, 'h', sizeof(play.faults[0].whom) - 1);
    assert_comes_back(&play, &outcome);
    play_clear(&play);
    assert_comes_back(&play, &outcome); /* no faults at all */
    play.is_replay = false;
    assert_comes_back(&play, &outcome);
}

static void a_play_that_cannot_be_saved_or_loaded_says_so(void **state)
{
    struct play play = play_of("fine", 5000), loaded;
    const struct scenario_outcome outcome = { .code = WHERRY_OK };

    (void)state;
    assert_int_equal(play_save(&play, &outcome, "/nonexistent/play"), -1);
    assert_int_equal(play_save(&play, &outcome, "/dev/full"), -1);
    assert_int_equal(play_load(&loaded, "/nonexistent/play"), -1);
    play_clear(&play);
}

static void numbers_are_digits_that_64_bits_hold(void **state)
{
    const char *most = "18446744073709551615..";
    uint64_t number;

    (void)state;
    assert_string_equal(play_number(most, &number), "..");
    assert_int_equal(number, UINT64_MAX);
    assert_null(play_number("18446744073709551616", &number));
    assert_null(play_number("", &number));
    assert_null(play_number("-1", &number));
    assert_null(play_number("+1", &number));
    assert_null(play_number(" 1", &number));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_open, folder_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_process_of_its_own_came_to_is_brought_here),
        cmocka_unit_test(a_crash_is_an_outcome_and_no_faults_are_known),
        cmocka_unit_test(several_run_at_a_time),
        cmocka_unit_test(failures_are_the_same_but_for_numbers),
        cmocka_unit_test(of_many_faults_those_that_it_takes_are_left),
        cmocka_unit_test(another_failure_does_not_count),
        cmocka_unit_test(it_takes_no_more_runs_than_it_may),
        cmocka_unit_test(limits_become_as_low_as_they_can),
        cmocka_unit_test(limits_that_do_not_matter_become_the_least),
        cmocka_unit_test(a_crash_is_shrunk_like_any_failure),
        cmocka_unit_test(drawn_faults_are_replaced_by_those_that_struck),
        cmocka_unit_test(faults_that_do_not_do_it_when_replayed_stay_drawn),
        TEST(a_saved_play_comes_back_as_it_was),
        TEST(a_play_that_cannot_be_saved_or_loaded_says_so),
        cmocka_unit_test(numbers_are_digits_that_64_bits_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
