/* wherry simulate: what it prints and answers, and that a seed, a file and a process are the same
 * run. */
#include <ctype.h>
#include <fcntl.h>
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

#include <wherry.h>

#include "scenarios/scenario.h"
#include "support/child.h"
#include "support/process.h"

/* --- running it */

/* Runs it to its end. It must have that status and be silent on standard error, but for a line of
 * the world that fails where it is 1. The caller frees what it printed. */
static char *output_of(int status, const char *const *arguments)
{
    child program;
    size_t length;
    char *text;

    child_start(&program, -1, -1, arguments);
    text = child_exchange(&program, "", 0, &length);
    assert_int_equal(child_wait(&program), status);
    if (status == 0)
        assert_string_equal(child_errors(&program), "");
    else
        child_assert_one_error(&program, "wherry: WHERRY_SIMULATION_SEED=", "");
    assert_int_equal(length, strlen(text));
    (void)close(program.errors);
    return text;
}

#define OUTPUT_OF(status, ...)                                                                     \
    output_of(status, (const char *const[]){ command_path(), "simulate", __VA_ARGS__, NULL })

#define ASSERT_ERROR(begin, ...)                                                                   \
    command_assert_error(2, "wherry: " begin, "", "simulate", __VA_ARGS__)

static void assert_begins(const char *text, const char *begin)
{
    if (strncmp(text, begin, strlen(begin)) != 0)
        fail_msg("does not begin with \"%s\": %s", begin, text);
}

static size_t lines_of(const char *text)
{
    size_t lines = 0;

    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

static const char *last_line(const char *text)
{
    const char *end = text + strlen(text) - 1;

    while (end > text && end[-1] != '\n')
        end--;
    return end;
}

/* --- files */

static char path[64];

static int setup(void **state)
{
    int descriptor;

    (void)snprintf(path, sizeof(path), "/tmp/wherry-test-XXXXXX");
    descriptor = mkstemp(path);
    return descriptor < 0 || close(descriptor) < 0 ? -1 : child_setup(state);
}

static int teardown(void **state)
{
    (void)unlink(path);
    return child_teardown(state);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static size_t size_of_file(void)
{
    FILE *file = fopen(path, "re");
    long size;

    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size = ftell(file);
    assert_int_equal(fclose(file), 0);
    return (size_t)size;
}

/* --- help and list */

static void help_is_a_screen_that_names_every_option(void **state)
{
    static const char *const options[] = { "--seed N",     "--seeds A..B", "--jobs N",
                                           "--shrink",     "--save FILE",  "--replay FILE",
                                           "--trace",      "--json",       "--capture FILE",
                                           "--break STEP", "--check",      "--probes",
                                           "--list",       "--help" };
    char *text = OUTPUT_OF(0, "--help");
    char *again = OUTPUT_OF(0, "nonsense", "-h");

    (void)state;
    assert_begins(text, "usage: wherry simulate SCENARIO");
    assert_string_equal(again, text);
    assert_in_range(lines_of(text), 10, 40);
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        assert_non_null(strstr(text, options[i]));
    assert_non_null(strstr(text, "exit status: 0 "));
    free(text);
    free(again);
}

static void list_names_every_scenario(void **state)
{
    char *text = OUTPUT_OF(0, "--list");
    const struct scenario *scenario;
    const char *line = text;
    size_t count = 0;

    (void)state;
    for (; (scenario = scenario_at(count)) != NULL; count++) {
        assert_begins(line, scenario->name);
        line = strchr(line, '\n') + 1;
    }
    assert_int_equal(lines_of(text), count);
    free(text);
}

/* --- one seed */

static void a_seed_tells_what_it_came_to_and_comes_to_the_same_again(void **state)
{
    char *one = OUTPUT_OF(0, "chat", "--seed", "7");
    char *again = OUTPUT_OF(0, "chat", "--seed=7");
    char *other = OUTPUT_OF(0, "chat", "--seed=8");
    char *first = OUTPUT_OF(0, "chat");

    (void)state;
    assert_begins(one, "done: chat with seed 7, ");
    assert_non_null(strstr(one, " events, "));
    assert_int_equal(strspn(strstr(one, ", hash ") + 7, "0123456789abcdef"), 16);
    assert_int_equal(lines_of(one), 1);
    assert_string_equal(one, again);
    assert_string_not_equal(strstr(one, ", hash "), strstr(other, ", hash "));
    assert_begins(first, "done: chat with seed 1, ");
    free(one);
    free(again);
    free(other);
    free(first);
}

static void any_is_the_scenario_that_the_seed_draws(void **state)
{
    char begin[128];
    char *text = OUTPUT_OF(0, "any", "--seed", "18446744073709551615");

    (void)state;
    (void)snprintf(begin, sizeof(begin), "done: %s with seed 18446744073709551615, ",
                   scenario_of(UINT64_MAX)->name);
    assert_begins(text, begin);
    free(text);
}

/* The command line says which seed it is. */
static void the_seed_of_the_environment_is_not_heeded(void **state)
{
    char *text;

    (void)state;
    assert_int_equal(setenv("WHERRY_SIMULATION_SEED", "5", 1), 0);
    text = OUTPUT_OF(0, "sleepers", "--seed", "7");
    assert_int_equal(unsetenv("WHERRY_SIMULATION_SEED"), 0);
    assert_begins(text, "done: sleepers with seed 7, ");
    free(text);
}

/* --- mistakes */

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

/* --- many seeds */

static void a_range_is_silent_but_for_what_it_came_to(void **state)
{
    char *one = OUTPUT_OF(0, "any", "--seeds", "5..5");
    char *text = OUTPUT_OF(0, "any", "--seeds", "1..20");
    char *jobs = OUTPUT_OF(0, "any", "--seeds", "1..20", "--jobs", "3");
    char *more = OUTPUT_OF(0, "sleepers", "--seeds", "18446744073709551613..18446744073709551614",
                           "--jobs", "256");

    (void)state;
    assert_begins(one, "1 of 1 seeds, 0 failed, ");
    assert_begins(text, "20 of 20 seeds, 0 failed, ");
    assert_begins(jobs, "20 of 20 seeds, 0 failed, ");
    assert_begins(more, "2 of 2 seeds, 0 failed, ");
    assert_int_equal(lines_of(text), 1);
    assert_int_equal(lines_of(jobs), 1);
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
    assert_int_equal(lines_of(text), 1);
    (void)close(program.errors);
    free(text);
}

static void probes_that_no_seed_has_reached_are_listed(void **state)
{
    char *text = OUTPUT_OF(0, "sleepers", "--seeds", "1..2", "--probes");

    (void)state;
    assert_begins(text, "2 of 2 seeds, 0 failed, ");
#ifdef WHERRY_PROBES
    assert_non_null(strstr(text, "\nnever reached: "));
    assert_non_null(strstr(last_line(text), " probes and fault points reached\n"));
#else
    assert_string_equal(last_line(text), "this build has no probes\n");
#endif
    free(text);
}

/* --- events */

static void a_trace_has_every_event_and_then_what_it_came_to(void **state)
{
    char *plain = OUTPUT_OF(0, "relay", "--seed", "3");
    char *text = OUTPUT_OF(0, "relay", "--seed", "3", "--trace");
    const char *line = text;
    unsigned long long step = 0;

    (void)state;
    assert_string_equal(last_line(text), plain);
    for (; line != last_line(text); line = strchr(line, '\n') + 1) {
        char *end;

        assert_int_equal(strtoull(line, &end, 10), ++step);
        assert_int_equal(*end, ' ');
    }
    assert_true(step > 100);
    assert_int_equal(strtoull(strstr(plain, "seed 3, ") + 8, NULL, 10), step);
    free(plain);
    free(text);
}

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
    assert_begins(line, begin);
    assert_int_equal(*past_json(line), '\n');
}

static void each_event_is_a_line_of_json_and_none_is_left_out(void **state)
{
    static const char *const names[] = { "unix", "chat", "host-off" };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *text = OUTPUT_OF(0, names[i], "--seed", "3", "--json");
        const char *line = text;
        unsigned long long step = 0;

        for (; line != last_line(text); line = strchr(line, '\n') + 1)
            assert_is_an_event(line, ++step);
        assert_begins(line, "done: ");
        assert_true(step > 100);
        assert_int_equal(strstr(text, ",\"data\":\"") != NULL, i > 0); /* of packets */
        assert_non_null(strstr(text, ",\"cause\":"));
        assert_non_null(strstr(text, ",\"site\":\"wherry+0x"));
        free(text);
    }
}

/* Places in memory are not where they were in another process; the hash tells the others. */
static void no_event_holds_a_place_in_memory(void **state)
{
    char *text = OUTPUT_OF(0, "server-stops", "--seed", "3", "--json");
    char *again = OUTPUT_OF(0, "server-stops", "--seed", "3", "--json");

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
    trace = OUTPUT_OF(0, "chat", "--seed", "9", "--trace");
    text = OUTPUT_OF(0, "chat", "--seed", "9", "--check");
    (void)snprintf(expected, sizeof(expected), "the same: %zu lines, the last one: %s",
                   lines_of(trace), last_line(trace));
    assert_string_equal(text, expected);
    free(text);
    free(trace);
}

static void a_step_to_break_at_calls_the_debugger_there(void **state)
{
    child program;
    size_t length;
    char *text;

    (void)state;
    command_start(&program, "simulate", "chat", "--trace", "--break", "50");
    text = child_exchange(&program, "", 0, &length);
    assert_int_equal(child_wait(&program), 128 + SIGTRAP);
    assert_int_equal(lines_of(text), 50);
    assert_begins(last_line(text), "50 ");
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

/* --- captures */

static void a_capture_is_a_file_of_packets(void **state)
{
    static const uint32_t magic[] = { 0x0A0D0D0A, 28, 0x1A2B3C4D };
    uint32_t begin[3] = { 0 };
    char *plain = OUTPUT_OF(0, "relay");
    char *text = OUTPUT_OF(0, "relay", "--capture", path);
    FILE *file = fopen(path, "re");

    (void)state;
    assert_string_equal(text, plain);
    assert_non_null(file);
    assert_int_equal(fread(begin, sizeof(begin), 1, file), 1);
    assert_int_equal(fclose(file), 0);
    assert_memory_equal(begin, magic, sizeof(magic));
    assert_true(size_of_file() > 1000);
    free(plain);
    free(text);
}

static void assert_shark_finds(const char *filter, bool some)
{
    const char *const arguments[] = { "tshark", "-r",
                                      path,     "-n",
                                      "-o",     "tcp.check_checksum:TRUE",
                                      "-o",     "udp.check_checksum:TRUE",
                                      "-o",     "ip.check_checksum:TRUE",
                                      "-Y",     filter,
                                      NULL };
    child program;
    size_t length;
    char *text;

    child_need("tshark");
    child_start(&program, -1, -1, arguments);
    text = child_exchange(&program, "", 0, &length);
    child_assert_status(&program, 0);
    if ((length > 0) != some)
        fail_msg("%s: %s", filter, text);
    free(text);
}

static void tshark_finds_nothing_wrong_in_a_capture(void **state)
{
    (void)state;
    free(OUTPUT_OF(0, "relay", "--seed", "2", "--capture", path));
    assert_shark_finds("tcp.flags.syn == 1", true);
    assert_shark_finds("tcp.flags.fin == 1 or tcp.flags.reset == 1", true);
    assert_shark_finds("tcp.len > 0", true);
    assert_shark_finds("_ws.malformed or _ws.short", false);
    assert_shark_finds("tcp.flags.ack == 0 and tcp.ack_raw != 0", false);
    assert_shark_finds("tcp.checksum.status != 1 or ip.checksum.status != 1", false);
    assert_shark_finds("tcp.analysis.lost_segment or tcp.analysis.ack_lost_segment", false);
}

static void a_file_that_cannot_be_written_is_told(void **state)
{
    (void)state;
    command_assert_error(1, "wherry: /nonexistent/file: ", "No such file or directory", "simulate",
                         "relay", "--capture", "/nonexistent/file");
    command_assert_error(1, "wherry: /dev/full: ", "it could not be written", "simulate", "relay",
                         "--capture", "/dev/full");
}

/* --- plays */

static void assert_replays(const char *name, const char *seed)
{
    char *drawn = OUTPUT_OF(0, name, "--seed", seed, "--save", path);
    char *plain = OUTPUT_OF(0, name, "--seed", seed);
    char *replayed = OUTPUT_OF(0, "--replay", path);

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
    static const char play[] = "wherry simulation 1\n"
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
    write_file(play);
    text = OUTPUT_OF(0, "--replay", path, "--trace");
    again = OUTPUT_OF(0, "stream-echo", "--seed", "5", "--trace");
    assert_string_not_equal(text, again);
    assert_non_null(strstr(text, "INTERRUPTED 10.0.0.1"));
    assert_null(strstr(text, "10.0.0.3"));
    assert_begins(last_line(text), "done: stream-echo with seed 5, ");
    free(text);
    free(again);
}

static void a_fault_that_does_not_strike_is_a_failure(void **state)
{
    char *text;

    (void)state;
    write_file("wherry simulation 1\nscenario stream-echo\nseed 5\n"
               "fault INTERRUPTED 10.0.0.99 1 0 0\n");
    text = OUTPUT_OF(1, "--replay", path);
    assert_string_equal(text, "failed: WHERRY_E_BROKEN: a fault to be replayed did not strike: "
                              "INTERRUPTED of 10.0.0.99 at occasion 1\n");
    free(text);
}

/* What it fails by is left, and nothing else; the file says so again. */
static void shrinking_saves_a_smaller_file_that_fails_alike(void **state)
{
    char *text, *again;

    (void)state;
    write_file("wherry simulation 1\nscenario stream-echo\nseed 5\n"
               "fault INTERRUPTED 10.0.0.1 2 0 0\n"
               "fault INTERRUPTED 10.0.0.99 1 0 0\n"
               "fault INTERRUPTED 10.0.0.1 3 0 0\n");
    text = OUTPUT_OF(1, "--replay", path, "--shrink", "--save", path);
    assert_begins(text, "failed: WHERRY_E_BROKEN: a fault to be replayed did not strike: ");
    assert_non_null(strstr(text, "\nshrunk: 1 of 3 faults, after "));
    assert_non_null(strstr(text, "\nagain: wherry simulate --replay /tmp/wherry-test-"));
    again = OUTPUT_OF(1, "--replay", path);
    assert_int_equal(strcspn(text, "\n"), strcspn(again, "\n"));
    assert_memory_equal(text, again, strlen(again));
    free(text);
    free(again);
}

static void there_is_nothing_to_shrink_in_what_does_not_fail(void **state)
{
    char *plain = OUTPUT_OF(0, "chat");
    char *text = OUTPUT_OF(0, "chat", "--shrink", "--save", path);

    (void)state;
    assert_string_equal(text, plain);
    assert_int_equal(size_of_file(), 0);
    free(plain);
    free(text);
}

/* Behind good ones: the fifth line. */
static void assert_is_wrong(const char *line)
{
    char text[1024], begin[128];

    (void)snprintf(text, sizeof(text),
                   "wherry simulation 1\nscenario chat\nseed 5\nhosts 3\n%s\njobs 3\n", line);
    write_file(text);
    (void)snprintf(begin, sizeof(begin), "wherry: %s:5: not understood: ", path);
    command_assert_error(2, begin, line, "simulate", "--replay", path);
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

    write_file(text);
    (void)snprintf(line, sizeof(line), "wherry: %s%s", path, begin);
    command_assert_error(2, line, "", "simulate", "--replay", path);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
        TEST(a_trace_of_which_nobody_reads_the_rest_ends_in_silence),
        TEST(a_range_is_silent_but_for_what_it_came_to),
        TEST(a_range_shows_its_progress_on_a_terminal),
        TEST(an_interrupt_tells_how_far_it_came),
        TEST(probes_that_no_seed_has_reached_are_listed),
        TEST(a_trace_has_every_event_and_then_what_it_came_to),
        TEST(each_event_is_a_line_of_json_and_none_is_left_out),
        TEST(no_event_holds_a_place_in_memory),
        TEST(a_check_says_that_two_processes_did_the_same),
        TEST(a_step_to_break_at_calls_the_debugger_there),
        TEST(a_step_that_does_not_come_is_told),
        TEST(a_capture_is_a_file_of_packets),
        TEST(tshark_finds_nothing_wrong_in_a_capture),
        TEST(a_file_that_cannot_be_written_is_told),
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
