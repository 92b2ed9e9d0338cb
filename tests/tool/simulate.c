/* wherry simulate with one seed: its help, its list, what it prints and answers, and the mistakes
 * that it tells. Ranges of seeds, traces, captures and saved plays are in files of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "scenarios/scenario.h"
#include "support/child.h"
#include "support/text.h"

/* --- help and list */

static void help_is_a_screen_that_names_every_option(void **state)
{
    static const char *const options[] = { "--seed N",     "--seeds A..B", "--jobs N",
                                           "--shrink",     "--save FILE",  "--replay FILE",
                                           "--trace",      "--json",       "--capture FILE",
                                           "--break STEP", "--check",      "--probes",
                                           "--list",       "--help" };
    char *text = command_output("simulate", "--help");
    char *again = command_output("simulate", "nonsense", "-h");

    (void)state;
    text_assert_begins(text, "usage: wherry simulate SCENARIO");
    assert_string_equal(again, text);
    assert_in_range(text_lines(text), 10, 40);
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        assert_non_null(strstr(text, options[i]));
    assert_non_null(strstr(text, "exit status: 0 "));
    free(text);
    free(again);
}

static void list_names_every_scenario(void **state)
{
    char *text = command_output("simulate", "--list");
    const struct scenario *scenario;
    const char *line = text;
    size_t count = 0;

    (void)state;
    for (; (scenario = scenario_at(count)) != NULL; count++) {
        text_assert_begins(line, scenario->name);
        line = strchr(line, '\n') + 1;
    }
    assert_int_equal(text_lines(text), count);
    free(text);
}

/* --- one seed */

static void a_seed_tells_what_it_came_to_and_comes_to_the_same_again(void **state)
{
    char *one = command_output("simulate", "chat", "--seed", "7");
    char *again = command_output("simulate", "chat", "--seed=7");
    char *other = command_output("simulate", "chat", "--seed=8");
    char *first = command_output("simulate", "chat");

    (void)state;
    text_assert_begins(one, "done: chat with seed 7, ");
    assert_non_null(strstr(one, " events, "));
    assert_int_equal(strspn(strstr(one, ", hash ") + 7, "0123456789abcdef"), 16);
    assert_int_equal(text_lines(one), 1);
    assert_string_equal(one, again);
    assert_string_not_equal(strstr(one, ", hash "), strstr(other, ", hash "));
    text_assert_begins(first, "done: chat with seed 1, ");
    free(one);
    free(again);
    free(other);
    free(first);
}

static void any_is_the_scenario_that_the_seed_draws(void **state)
{
    char begin[128];
    char *text = command_output("simulate", "any", "--seed", "18446744073709551615");

    (void)state;
    (void)snprintf(begin, sizeof(begin), "done: %s with seed 18446744073709551615, ",
                   scenario_of(UINT64_MAX)->name);
    text_assert_begins(text, begin);
    free(text);
}

/* The command line says which seed it is. */
static void the_seed_of_the_environment_is_not_heeded(void **state)
{
    char *text;

    (void)state;
    assert_int_equal(setenv("WHERRY_SIMULATION_SEED", "5", 1), 0);
    text = command_output("simulate", "sleepers", "--seed", "7");
    assert_int_equal(unsetenv("WHERRY_SIMULATION_SEED"), 0);
    text_assert_begins(text, "done: sleepers with seed 7, ");
    free(text);
}

/* --- mistakes */

#define ASSERT_ERROR(begin, ...)                                                                   \
    command_assert_error(2, "wherry: " begin, "", "simulate", __VA_ARGS__)

static void scenarios_and_options_that_do_not_exist_are_named(void **state)
{
    (void)state;
    ASSERT_ERROR("unknown scenario nothing; see: ", "nothing");
    ASSERT_ERROR("unknown scenario ", "");
    ASSERT_ERROR("unknown scenario nothing; see: ", "nothing", "--seeds", "1..2");
    ASSERT_ERROR("unknown option --sede; see: ", "any", "--sede", "1");
    ASSERT_ERROR("one scenario is needed; see: ", "--seed", "1");
    ASSERT_ERROR("one scenario is needed; see: ", "chat", "idle");
    ASSERT_ERROR("one scenario is needed; see: ", "chat", "--replay", "file");
}

static void seeds_are_whole_numbers_from_1_on(void **state)
{
    static const char *const wrong[] = { "0",   "-1",   "+1",  " 1",
                                         "1e3", "nan",  "inf", "-nan",
                                         "",    "0x1",  "1 ",  "1.0",
                                         "x",   "1..2", "1s",  "18446744073709551616" };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char begin[128];

        (void)snprintf(begin, sizeof(begin), "wherry: option --seed: \"%s\" is not a ", wrong[i]);
        command_assert_error(2, begin, "whole number from 1 on", "simulate", "any", "--seed",
                             wrong[i]);
    }
}

static void ranges_of_seeds_go_upwards(void **state)
{
    static const char *const wrong[] = {
        "1",     "1..",     "..1",      "2..1",   "0..1",
        "1...2", "1..2..3", "1..-2",    "-1..2",  "1..2 ",
        "",      "1..1e3",  "nan..inf", "1..inf", "1..18446744073709551615",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char begin[128];

        (void)snprintf(begin, sizeof(begin), "wherry: option --seeds: \"%s\" is not a ", wrong[i]);
        command_assert_error(2, begin, "range of numbers from 1 on, like 1..1000", "simulate",
                             "any", "--seeds", wrong[i]);
    }
}

static void contradictions_name_the_options(void **state)
{
    (void)state;
    ASSERT_ERROR("of --seed, --seeds and --replay ", "any", "--seed", "1", "--seeds", "1..2");
    ASSERT_ERROR("of --seed, --seeds and --replay ", "--seed", "1", "--replay", "file");
    ASSERT_ERROR("--seeds goes with ", "any", "--seeds", "1..2", "--trace");
    ASSERT_ERROR("--seeds goes with ", "any", "--seeds", "1..2", "--save", "file");
    ASSERT_ERROR("--seeds goes with ", "any", "--seeds", "1..2", "--check");
    ASSERT_ERROR("--jobs and --probes go with --seeds", "any", "--jobs", "2");
    ASSERT_ERROR("--jobs and --probes go with --seeds", "any", "--probes");
    ASSERT_ERROR("--probes runs all seeds in one ", "any", "--seeds", "1..2", "--probes", "--jobs",
                 "2");
    ASSERT_ERROR("of --trace and --json one", "any", "--trace", "--json");
    ASSERT_ERROR("--check and --shrink ", "any", "--check", "--shrink");
    ASSERT_ERROR("--check and --shrink ", "any", "--check", "--trace");
    ASSERT_ERROR("--check and --shrink ", "any", "--shrink", "--break", "1");
    ASSERT_ERROR("--check saves nothing", "any", "--check", "--save", "file");
    ASSERT_ERROR("option --jobs: \"257\" ", "any", "--seeds", "1..2", "--jobs", "257");
    ASSERT_ERROR("option --jobs: \"0\" ", "any", "--seeds", "1..2", "--jobs", "0");
    ASSERT_ERROR("option --break: \"0\" ", "any", "--break", "0");
}

/* --- output that goes nowhere */

static void output_that_cannot_be_written_is_an_error(void **state)
{
    static const char *const options[] = { "",        "--trace", "--json",
                                           "--check", "--list",  "--seeds 1..2" };

    (void)state;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        char script[128];
        const char *const arguments[] = { "sh", "-c", script, NULL };
        child program;

        (void)snprintf(script, sizeof(script),
                       "exec \"$WHERRY_COMMAND\" simulate stream-echo %s >/dev/full", options[i]);
        (void)command_path();
        child_start(&program, -1, -1, arguments);
        assert_int_equal(child_wait(&program), 1);
        child_assert_one_error(&program, "wherry: standard output: ", "");
        (void)close(program.errors);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, child_setup, child_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(help_is_a_screen_that_names_every_option),
        TEST(list_names_every_scenario),
        TEST(a_seed_tells_what_it_came_to_and_comes_to_the_same_again),
        TEST(any_is_the_scenario_that_the_seed_draws),
        TEST(the_seed_of_the_environment_is_not_heeded),
        TEST(scenarios_and_options_that_do_not_exist_are_named),
        TEST(seeds_are_whole_numbers_from_1_on),
        TEST(ranges_of_seeds_go_upwards),
        TEST(contradictions_name_the_options),
        TEST(output_that_cannot_be_written_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
