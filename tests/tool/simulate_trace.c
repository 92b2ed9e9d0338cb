/* The events of wherry simulate: as a trace, as JSON, the same in two processes, and where to stop
 * at one of them. All of it reads the events line by line. */
#include <ctype.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
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

static void a_trace_has_every_event_and_then_what_it_came_to(void **state)
{
    char *plain = command_output("simulate", "relay", "--seed", "3");
    char *text = command_output("simulate", "relay", "--seed", "3", "--trace");
    const char *line = text, *last = text_last_line(text);
    unsigned long long step = 0;

    (void)state;
    assert_string_equal(last, plain);
    for (; line != last; line = strchr(line, '\n') + 1) {
        char *end;

        assert_int_equal(strtoull(line, &end, 10), ++step);
        assert_int_equal(*end, ' ');
    }
    assert_true(step > 100);
    assert_int_equal(strtoull(strstr(plain, "seed 3, ") + 8, NULL, 10), step);
    free(plain);
    free(text);
}

static void a_trace_of_which_nobody_reads_the_rest_ends_in_silence(void **state)
{
    child program;
    char line[256];

    (void)state;
    command_start(&program, "simulate", "stream-bulk", "--trace");
    child_line(&program, line, sizeof(line));
    (void)close(program.output);
    program.output = -1;
    assert_int_equal(child_wait(&program), 128 + SIGPIPE);
    assert_string_equal(child_errors(&program), "");
    (void)close(program.errors);
}

/* --- JSON */

/* Behind a value of JSON as the command writes it; fails where it is none. */
static const char *past_json(const char *at);

static const char *past_text(const char *at)
{
    assert_int_equal(*at++, '"');
    for (; *at != '"'; at++) {
        assert_in_range(*at, ' ', '~');
        if (*at == '\\') {
            assert_int_equal(*++at, 'u');
            for (int i = 0; i < 4; i++)
                assert_true(isxdigit((unsigned char)*++at));
        }
    }
    return at + 1;
}

static const char *past_number(const char *at)
{
    char *end;

    (void)strtoll(at, &end, 10);
    assert_true(*at == '-' || isdigit((unsigned char)*at));
    assert_true(isdigit((unsigned char)end[-1]));
    return end;
}

/* An object or an array. */
static const char *past_list(const char *at, char end, bool named)
{
    if (at[1] == end)
        return at + 2;
    do {
        at++;
        if (named) {
            at = past_text(at);
            assert_int_equal(*at++, ':');
        }
        at = past_json(at);
    } while (*at == ',');
    assert_int_equal(*at, end);
    return at + 1;
}

static const char *past_json(const char *at)
{
    if (*at == '{')
        return past_list(at, '}', true);
    if (*at == '[')
        return past_list(at, ']', false);
    return *at == '"' ? past_text(at) : past_number(at);
}

static void assert_is_an_event(const char *line, unsigned long long step)
{
    char begin[64];

    (void)snprintf(begin, sizeof(begin), "{\"step\":%llu,\"time\":", step);
    text_assert_begins(line, begin);
    assert_int_equal(*past_json(line), '\n');
}

static void each_event_is_a_line_of_json_and_none_is_left_out(void **state)
{
    static const char *const names[] = { "unix", "chat", "host-off" };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *text = command_output("simulate", names[i], "--seed", "3", "--json");
        const char *line = text, *last = text_last_line(text);
        unsigned long long step = 0;

        for (; line != last; line = strchr(line, '\n') + 1)
            assert_is_an_event(line, ++step);
        text_assert_begins(line, "done: ");
        assert_true(step > 100);
        assert_int_equal(strstr(text, ",\"data\":\"") != NULL, i > 0); /* of packets */
        assert_non_null(strstr(text, ",\"cause\":"));
        assert_non_null(strstr(text, ",\"site\":\"wherry+0x"));
        free(text);
    }
}

/* --- two processes */

/* Places in memory are not where they were in another process; the hash tells the others. */
static void no_event_holds_a_place_in_memory(void **state)
{
    char *text = command_output("simulate", "server-stops", "--seed", "3", "--json");
    char *again = command_output("simulate", "server-stops", "--seed", "3", "--json");

    (void)state;
    assert_string_equal(text, again);
    assert_null(strstr(text, "0x7f"));
    free(text);
    free(again);
}

static void a_check_says_that_two_processes_did_the_same(void **state)
{
    char *text, *trace;
    char expected[512];

    (void)state;
    if (getenv("WHERRY_EMULATED") != NULL)
        process_skip("an emulated command cannot start itself");
    trace = command_output("simulate", "chat", "--seed", "9", "--trace");
    text = command_output("simulate", "chat", "--seed", "9", "--check");
    (void)snprintf(expected, sizeof(expected), "the same: %zu lines, the last one: %s",
                   text_lines(trace), text_last_line(trace));
    assert_string_equal(text, expected);
    free(text);
    free(trace);
}

/* --- a step to break at */

static void a_step_to_break_at_calls_the_debugger_there(void **state)
{
    child program;
    size_t length;
    char *text;

    (void)state;
    command_start(&program, "simulate", "chat", "--trace", "--break", "50");
    text = child_exchange(&program, "", 0, &length);
    assert_int_equal(child_wait(&program), 128 + SIGTRAP);
    assert_int_equal(text_lines(text), 50);
    text_assert_begins(text_last_line(text), "50 ");
    (void)close(program.errors);
    free(text);
}

static void a_step_that_does_not_come_is_told(void **state)
{
    const char *const arguments[] = { command_path(), "simulate", "sleepers",
                                      "--break",      "1000000",  NULL };
    child program;
    size_t length;

    (void)state;
    child_start(&program, -1, -1, arguments);
    free(child_exchange(&program, "", 0, &length));
    assert_int_equal(child_wait(&program), 2);
    child_assert_one_error(&program, "wherry: option --break: there are ", " events only");
    (void)close(program.errors);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, child_setup, child_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_trace_has_every_event_and_then_what_it_came_to),
        TEST(a_trace_of_which_nobody_reads_the_rest_ends_in_silence),
        TEST(each_event_is_a_line_of_json_and_none_is_left_out),
        TEST(no_event_holds_a_place_in_memory),
        TEST(a_check_says_that_two_processes_did_the_same),
        TEST(a_step_to_break_at_calls_the_debugger_there),
        TEST(a_step_that_does_not_come_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
