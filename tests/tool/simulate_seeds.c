/* wherry simulate with a range of seeds: how it sums them up, shows its progress, is interrupted,
 * and lists probes. What starts many processes is apart from what runs one seed. */
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

#include "support/child.h"
#include "support/process.h"
#include "support/text.h"

static void a_range_is_silent_but_for_what_it_came_to(void **state)
{
    char *one = command_output("simulate", "any", "--seeds", "5..5");
    char *text = command_output("simulate", "any", "--seeds", "1..20");
    char *jobs = command_output("simulate", "any", "--seeds", "1..20", "--jobs", "3");
    char *more = command_output("simulate", "sleepers", "--seeds",
                                "18446744073709551613..18446744073709551614", "--jobs", "256");

    (void)state;
    text_assert_begins(one, "1 of 1 seeds, 0 failed, ");
    text_assert_begins(text, "20 of 20 seeds, 0 failed, ");
    text_assert_begins(jobs, "20 of 20 seeds, 0 failed, ");
    text_assert_begins(more, "2 of 2 seeds, 0 failed, ");
    assert_int_equal(text_lines(text), 1);
    assert_int_equal(text_lines(jobs), 1);
    assert_non_null(strstr(text, " events/s, "));
    free(one);
    free(text);
    free(jobs);
    free(more);
}

static void a_range_shows_its_progress_on_a_terminal(void **state)
{
    const char *const arguments[] = { "script", "-qec",
                                      "exec \"$WHERRY_COMMAND\" simulate sleepers --seeds 1..3",
                                      "/dev/null", NULL };
    child program;
    size_t length;
    char *text;

    (void)state;
    (void)command_path();
    child_need("script");
    child_start(&program, -1, -1, arguments);
    text = child_exchange(&program, "", 0, &length);
    child_assert_status(&program, 0);
    assert_non_null(strstr(text, "\033[K1 of 3 seeds, 0 failed, "));
    assert_non_null(strstr(text, "\r\033[K3 of 3 seeds, 0 failed, "));
    free(text);
}

/* There is no end of these seeds in the time of a test. SIGINT, as from a terminal, goes to all
 * processes of the group; the second process says that the first one is at work. */
static void an_interrupt_tells_how_far_it_came(void **state)
{
    const char *const arguments[] = { "setsid",  command_path(),     "simulate", "any",
                                      "--seeds", "1..1000000000000", "--jobs",   "2",
                                      NULL };
    child program;
    size_t length;
    char *text;
    char children[64], line[64] = "";

    (void)state;
    child_need("setsid");
    child_start(&program, -1, -1, arguments);
    (void)snprintf(children, sizeof(children), "/proc/%d/task/%d/children", program.pid,
                   program.pid);
    while (strchr(line, ' ') == NULL) { /* bounded by the test's alarm */
        FILE *file = fopen(children, "re");

        if (file == NULL)
            process_skip("this kernel does not list children");
        if (fgets(line, sizeof(line), file) == NULL)
            line[0] = '\0';
        (void)fclose(file);
    }
    assert_int_equal(kill(-program.pid, SIGINT), 0);
    text = child_exchange(&program, "", 0, &length);
    assert_int_equal(child_wait(&program), 128 + SIGINT);
    assert_string_equal(child_errors(&program), "");
    assert_non_null(strstr(text, " of 1000000000000 seeds, 0 failed, "));
    assert_int_equal(text_lines(text), 1);
    (void)close(program.errors);
    free(text);
}

static void probes_that_no_seed_has_reached_are_listed(void **state)
{
    char *text = command_output("simulate", "sleepers", "--seeds", "1..2", "--probes");

    (void)state;
    text_assert_begins(text, "2 of 2 seeds, 0 failed, ");
#ifdef WHERRY_PROBES
    assert_non_null(strstr(text, "\nnever reached: "));
    assert_non_null(strstr(text_last_line(text), " probes and fault points reached\n"));
#else
    assert_string_equal(text_last_line(text), "this build has no probes\n");
#endif
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, child_setup, child_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_range_is_silent_but_for_what_it_came_to),
        TEST(a_range_shows_its_progress_on_a_terminal),
        TEST(an_interrupt_tells_how_far_it_came),
        TEST(probes_that_no_seed_has_reached_are_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
