/* The plays that wherry simulate saves, replays and shrinks: as a user has them, through the
 * command and its files. How a play is shrunk is tested without it, in shrink.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/child.h"
#include "support/folder.h"
#include "support/text.h"

static const char *play(void)
{
    return folder_path("play");
}

static void write_play(const char *text)
{
    folder_write(play(), text);
}

static void assert_replays(const char *name, const char *seed)
{
    char *drawn = command_output("simulate", name, "--seed", seed, "--save", play());
    char *plain = command_output("simulate", name, "--seed", seed);
    char *replayed = command_output("simulate", "--replay", play());

    assert_string_equal(drawn, plain);
    assert_string_equal(replayed, plain);
    free(drawn);
    free(plain);
    free(replayed);
}

/* The same faults, at the same occasions: the same hash. */
static void a_saved_run_replays_as_it_was(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 12; seed++) {
        char text[16];

        (void)snprintf(text, sizeof(text), "%u", seed);
        assert_replays("any", text);
    }
}

static void a_file_has_limits_and_faults_of_its_own(void **state)
{
    static const char by_hand[] = "wherry simulation 1\n"
                                  "# by hand\n"
                                  "scenario stream-echo\n"
                                  "seed 5\n"
                                  "\n"
                                  "hosts 2\n"
                                  "jobs\t1\n"
                                  "troubles 0\r\n"
                                  "  time 1000000000 \n"
                                  "fault INTERRUPTED 10.0.0.1 2 0 0\n"
                                  "fault DELAY 10.0.0.2>10.0.0.1 1 3 99999999999\n";
    char *text, *again;

    (void)state;
    write_play(by_hand);
    text = command_output("simulate", "--replay", play(), "--trace");
    again = command_output("simulate", "stream-echo", "--seed", "5", "--trace");
    assert_string_not_equal(text, again);
    assert_non_null(strstr(text, "INTERRUPTED 10.0.0.1"));
    assert_null(strstr(text, "10.0.0.3"));
    text_assert_begins(text_last_line(text), "done: stream-echo with seed 5, ");
    free(text);
    free(again);
}

/* --- what fails */

/* Runs a play that fails, which a line of its world tells. What was printed; the caller frees it.
 */
static char *failing_output_of(const char *const *arguments)
{
    child program;
    size_t length;
    char *text;

    child_start(&program, -1, -1, arguments);
    text = child_exchange(&program, "", 0, &length);
    assert_int_equal(child_wait(&program), 1);
    child_assert_one_error(&program, "wherry: WHERRY_SIMULATION_SEED=", "");
    assert_int_equal(length, strlen(text));
    (void)close(program.errors);
    return text;
}

#define FAILING(...)                                                                               \
    failing_output_of((const char *const[]){ command_path(), "simulate", __VA_ARGS__, NULL })

static void a_fault_that_does_not_strike_is_a_failure(void **state)
{
    char *text;

    (void)state;
    write_play("wherry simulation 1\nscenario stream-echo\nseed 5\n"
               "fault INTERRUPTED 10.0.0.99 1 0 0\n");
    text = FAILING("--replay", play());
    assert_string_equal(text, "failed: WHERRY_E_BROKEN: a fault to be replayed did not strike: "
                              "INTERRUPTED of 10.0.0.99 at occasion 1\n");
    free(text);
}

/* What it fails by is left, and nothing else; the file says so again. */
static void shrinking_saves_a_smaller_file_that_fails_alike(void **state)
{
    char *text, *again;

    (void)state;
    write_play("wherry simulation 1\nscenario stream-echo\nseed 5\n"
               "fault INTERRUPTED 10.0.0.1 2 0 0\n"
               "fault INTERRUPTED 10.0.0.99 1 0 0\n"
               "fault INTERRUPTED 10.0.0.1 3 0 0\n");
    text = FAILING("--replay", play(), "--shrink", "--save", play());
    text_assert_begins(text, "failed: WHERRY_E_BROKEN: a fault to be replayed did not strike: ");
    assert_non_null(strstr(text, "\nshrunk: 1 of 3 faults, after "));
    assert_non_null(strstr(text, "\nagain: wherry simulate --replay /tmp/wherry-test-"));
    again = FAILING("--replay", play());
    assert_int_equal(strcspn(text, "\n"), strcspn(again, "\n"));
    assert_memory_equal(text, again, strlen(again));
    free(text);
    free(again);
}

static void there_is_nothing_to_shrink_in_what_does_not_fail(void **state)
{
    char *plain = command_output("simulate", "chat");
    char *text = command_output("simulate", "chat", "--shrink", "--save", play());

    (void)state;
    assert_string_equal(text, plain);
    assert_string_equal(folder_list(folder()), "");
    free(plain);
    free(text);
}

/* --- files that are wrong */

/* Behind good ones: the fifth line. */
static void assert_is_wrong(const char *line)
{
    char text[1024], begin[128];

    (void)snprintf(text, sizeof(text),
                   "wherry simulation 1\nscenario chat\nseed 5\nhosts 3\n%s\njobs 3\n", line);
    write_play(text);
    (void)snprintf(begin, sizeof(begin), "wherry: %s:5: not understood: ", play());
    command_assert_error(2, begin, line, "simulate", "--replay", play());
}

static void broken_lines_are_told_with_their_place(void **state)
{
    static const char *const wrong[] = {
        "scenario nothing",
        "scenario",
        "scenario chat idle",
        "seed 0",
        "seed -1",
        "seed 1e3",
        "seed 18446744073709551616",
        "hosts 0",
        "hosts 4294967296",
        "hosts many",
        "jobs 0",
        "jobs -3",
        "troubles x",
        "troubles -1",
        "time 0",
        "time -5",
        "time 9223372036854775808",
        "time 1s",
        "faults",
        "faults drawn twice",
        "faults none",
        "fault",
        "fault RESET 10.0.0.1>10.0.0.2 17 345",
        "fault RESET 10.0.0.1>10.0.0.2 17 345 1 1",
        "fault NOTHING 10.0.0.1 17 345 1",
        "fault reset 10.0.0.1 17 345 1",
        "fault RESET 10.0.0.1 0 345 1",
        "fault RESET 10.0.0.1 x 345 1",
        "fault RESET 10.0.0.1 1 -1 1",
        "fault RESET 10.0.0.1 1 0 -1",
        "fault RESET 10.0.0.1 1 0 9223372036854775808",
        "nonsense",
        "host 3",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_is_wrong(wrong[i]);
}

static void assert_file_is_refused(const char *text, const char *begin)
{
    char line[128];

    write_play(text);
    (void)snprintf(line, sizeof(line), "wherry: %s%s", play(), begin);
    command_assert_error(2, line, "", "simulate", "--replay", play());
}

static void files_that_lack_something_are_refused(void **state)
{
    (void)state;
    assert_file_is_refused("", ": it could not be read, or is empty");
    assert_file_is_refused("wherry simulation 2\n", ": it does not begin with ");
    assert_file_is_refused("wherry simulation 1", ": it does not begin with ");
    assert_file_is_refused("wherry simulation 1\nseed 1\n", ": no line tells the scenario");
    assert_file_is_refused("wherry simulation 1\nscenario chat\n", ": no line tells the seed");
    assert_file_is_refused("wherry simulation 1\nscenario chat\nseed 1\nfaults drawn\n"
                           "fault RESET a 1 1 1\n",
                           ": its faults are drawn");
    command_assert_error(2, "wherry: /nonexistent/file: ", "No such file or directory", "simulate",
                         "--replay", "/nonexistent/file");
    command_assert_error(2, "wherry: /: ", "it could not be read, or is empty", "simulate",
                         "--replay", "/");
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, child_setup_with_folder, child_teardown_with_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_saved_run_replays_as_it_was),
        TEST(a_file_has_limits_and_faults_of_its_own),
        TEST(a_fault_that_does_not_strike_is_a_failure),
        TEST(shrinking_saves_a_smaller_file_that_fails_alike),
        TEST(there_is_nothing_to_shrink_in_what_does_not_fail),
        TEST(broken_lines_are_told_with_their_place),
        TEST(files_that_lack_something_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
