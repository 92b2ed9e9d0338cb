/* The command line: what helps, what is wrong, and what the command says then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/child.h"

/* --- help */

/* Lines and columns of a terminal as the smallest are. */
enum { SCREEN_LINES = 32, SCREEN_COLUMNS = 84 };

static void assert_is_a_screen(const char *text)
{
    size_t lines = 0;

    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        assert_true(strcspn(line, "\n") <= SCREEN_COLUMNS);
        lines++;
    }
    assert_in_range(lines, 10, SCREEN_LINES);
}

static void assert_helps(char *text, const char *usage, const char *example)
{
    assert_is_a_screen(text);
    assert_memory_equal(text, usage, strlen(usage));
    assert_non_null(strstr(text, example));
    assert_non_null(strstr(text, "exit status: 0 "));
    free(text);
}

static void help_lists_the_commands(void **state)
{
    (void)state;
    assert_helps(command_output("--help"), "usage: wherry COMMAND", "wherry serve tcp://");
    assert_helps(command_output("-h"), "usage: wherry COMMAND", "wherry connect tcp://");
    assert_helps(command_output("help"), "usage: wherry COMMAND", "unix:@boat");
}

static void help_of_a_command_is_a_screen_with_examples(void **state)
{
    (void)state;
    assert_helps(command_output("serve", "--help"), "usage: wherry serve ENDPOINT...", "examples:");
    assert_helps(command_output("help", "serve"), "usage: wherry serve ENDPOINT...", "examples:");
    assert_helps(command_output("connect", "-h"), "usage: wherry connect ENDPOINT", "examples:");
    assert_helps(command_output("help", "connect"), "usage: wherry connect ENDPOINT", "examples:");
    assert_helps(command_output("help", "simulate"), "usage: wherry simulate SCENARIO",
                 "examples:");
}

static void help_wins_over_missing_operands_but_not_over_mistakes(void **state)
{
    (void)state;
    free(command_output("serve", "nonsense", "--help"));
    command_assert_error(2, "wherry: unknown option --nonsense", "", "serve", "--nonsense",
                         "--help");
}

/* Every name of the table of protocols is in the help of both, as is every service. */
static void help_names_every_protocol(void **state)
{
    char *serve = command_output("serve", "--help");
    char *connect_help = command_output("connect", "--help");
    const char *name;

    (void)state;
    for (size_t i = 0; (name = wherry_protocol_known(i)) != NULL; i++) {
        char bare[64];

        (void)snprintf(bare, sizeof(bare), "%s", name);
        if (strstr(bare, "-le") != NULL)
            *strstr(bare, "-le") = '\0';
        assert_non_null(strstr(serve, bare));
        assert_non_null(strstr(connect_help, bare));
    }
    free(serve);
    free(connect_help);
}

static void version_is_that_of_the_library(void **state)
{
    (void)state;
    command_assert("", 0, "wherry " WHERRY_VERSION "\n", "--version");
    command_assert("", 0, "wherry " WHERRY_VERSION "\n", "-V");
}

static void help_that_cannot_be_printed_is_an_error(void **state)
{
    const char *const arguments[] = { "sh", "-c", "exec \"$WHERRY_COMMAND\" --help >/dev/full",
                                      NULL };
    child program;

    (void)state;
    (void)command_path();
    child_start(&program, -1, -1, arguments);
    assert_int_equal(child_wait(&program), 1);
    child_assert_one_error(&program, "wherry: standard output: ", "No space left on device");
}

/* --- commands */

static void no_command_says_what_there_is(void **state)
{
    const char *const arguments[] = { command_path(), NULL };

    (void)state;
    command_assert_error_with(2, "wherry: no command: ", "wherry --help", arguments);
}

static void unknown_commands_and_options_say_where_to_look(void **state)
{
    (void)state;
    command_assert_error(2, "wherry: unknown command sreve; see: ", "wherry --help", "sreve");
    command_assert_error(2, "wherry: unknown command ", "wherry --help", "");
    command_assert_error(2, "wherry: unknown command x", "wherry --help", "help", "x");
    command_assert_error(2, "wherry: unknown option --sreve", "wherry --help", "--sreve");
    command_assert_error(2, "wherry: unknown option --colour; see: ", "wherry serve --help",
                         "serve", "tcp://127.0.0.1:0", "--colour");
    command_assert_error(2, "wherry: unknown option -x", "wherry connect --help", "connect", "-x");
    command_assert_error(2, "wherry: unknown option --service", "wherry connect --help", "connect",
                         "--service=echo", "tcp://127.0.0.1:1");
    command_assert_error(2, "wherry: unknown option --serv", "", "serve", "--serv", "echo");
}

static void control_characters_of_the_command_line_are_not_repeated(void **state)
{
    (void)state;
    command_assert_error(2, "wherry: unknown command a?b?[2J", "", "a\nb\033[2J");
}

/* --- values */

static void options_need_their_values(void **state)
{
    (void)state;
    command_assert_error(2, "wherry: option --service needs a value", "wherry serve --help",
                         "serve", "tcp://127.0.0.1:0", "--service");
    command_assert_error(2, "wherry: option --protocol needs a value", "wherry connect --help",
                         "connect", "tcp://127.0.0.1:1", "-p");
    command_assert_error(2, "wherry: option --quiet takes no value", "", "serve", "--quiet=1");
    command_assert_error(2, "wherry: option --quiet takes no value", "", "serve", "-qv");
}

/* Every option that takes a number. */
static const struct numeric {
    const char *command, *name, *what;
    const char *largest; /* that is one too many */
    int zero;            /* not 0: 0 is allowed */
    int fraction;        /* not 0: so is 1.5 */
} numeric[] = {
    { "serve", "--clients-max", "whole number from 1 to 1000000", "1000001", 0, 0 },
    { "serve", "--message-max", "whole number from 1 to 1073741824", "1073741825", 0, 0 },
    { "serve", "--idle", "number of seconds, such as 10 or 0.5", "1000000001", 0, 1 },
    { "connect", "--message-max", "whole number from 1 to 1073741824", "1073741825", 0, 0 },
    { "connect", "--timeout", "number of seconds, such as 10 or 0.5", "1000000001", 0, 1 },
    { "connect", "--wait", "number of seconds, such as 10 or 0.5", "1000000001", 1, 1 },
    { "simulate", "--jobs", "whole number from 1 to 256", "257", 0, 0 },
    { "simulate", "--break", "whole number from 1 to 18446744073709551615", "18446744073709551616",
      0, 0 },
};

static void assert_bad_value(const struct numeric *this, const char *value)
{
    char option[256];
    char begin[256];

    (void)snprintf(option, sizeof(option), "%s=%s", this->name, value);
    (void)snprintf(begin, sizeof(begin), "wherry: option %s: \"%s\" is not a ", this->name, value);
    command_assert_error(2, begin, this->what, this->command, "tcp://127.0.0.1:1", option);
}

static void numbers_are_numbers(void **state)
{
    static const char *const bad[] = {
        "",          "nan", "NAN", "-nan",  "nan(1)", "inf",      "-inf", "infinity",
        "INF",       "-1",  "-0",  "-0.5",  "+1",     " 1",       "1 ",   "1s",
        "1k",        "x",   "0x1", "0x1p3", "1e3",    "1e309",    "1,5",  "1_0",
        "1.2.3",     ".",   "..",  "--1",   "1-2",    "\xc2\xb2", "1e-9", "99999999999999999999",
        "1\xc2\xa0",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(numeric) / sizeof(numeric[0]); i++) {
        for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
            assert_bad_value(&numeric[i], bad[k]);
        assert_bad_value(&numeric[i], numeric[i].largest);
        if (!numeric[i].zero) {
            assert_bad_value(&numeric[i], "0");
            assert_bad_value(&numeric[i], "000");
        }
        assert_bad_value(&numeric[i], numeric[i].fraction ? "1000000000.001" : "1.5");
    }
}

/* Less than a nanosecond is no time, and only a wait may be none. */
static void seconds_are_at_least_a_nanosecond(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(numeric) / sizeof(numeric[0]); i++)
        if (numeric[i].fraction && !numeric[i].zero) {
            assert_bad_value(&numeric[i], "0.0");
            assert_bad_value(&numeric[i], "0.0000000009");
        }
}

/* What is said stays one line, and its length is bounded. */
static void long_values_are_told_in_one_line(void **state)
{
    char value[70000];

    (void)state;
    memset(value, '9', sizeof(value));
    value[sizeof(value) - 1] = '\0';
    command_assert_error(2, "wherry: option --idle: \"9999", "", "serve", "tcp://127.0.0.1:1",
                         "--idle", value);
    value[5] = '\n';
    command_assert_error(2, "wherry: option --jobs: \"99999?9999", "", "simulate", "any", "--jobs",
                         value);
}

static void limits_themselves_are_allowed(void **state)
{
    child server;
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];

    (void)state;
    command_start(&server, "serve", "tcp://127.0.0.1:0", "--clients-max=1000000", "--message-max",
                  "1073741824", "--idle", "1000000000");
    server_endpoint(&server, endpoint);
    command_assert("x\n", 0, "x\n", "connect", endpoint, "--timeout=1000000000", "--wait",
                   "1000000000", "--message-max=1073741824");
    server_stop(&server);
}

static void services_and_protocols_that_do_not_exist_are_named(void **state)
{
    (void)state;
    command_assert_error(2, "wherry: there is no service \"ehco\" (there are echo, ", "chat)",
                         "serve", "tcp://127.0.0.1:0", "--service", "ehco");
    command_assert_error(2, "wherry: there is no protocol \"line\" (there are cr, ",
                         "separator:TEXT)", "serve", "tcp://127.0.0.1:0", "--protocol", "line");
    command_assert_error(2, "wherry: there is no protocol \"\" (", ")", "connect",
                         "tcp://127.0.0.1:1", "--protocol", "");
    command_assert_error(2, "wherry: ", ")", "connect", "tcp://127.0.0.1:1", "-pfixed:0");
    command_assert_error(2, "wherry: ", ")", "connect", "tcp://127.0.0.1:1", "-pseparator:");
}

static void contradictions_name_the_options(void **state)
{
    (void)state;
    command_assert_error(2, "wherry: options --quiet and --verbose: ", "", "serve", "-q", "-v",
                         "tcp://127.0.0.1:0");
    command_assert_error(2, "wherry: option --protocol: chat messages have no fixed length", "",
                         "serve", "-schat", "-pfixed:8", "tcp://127.0.0.1:0");
}

/* --- endpoints */

static void missing_endpoints_are_asked_for(void **state)
{
    (void)state;
    command_assert_error(2, "wherry: no endpoint, such as tcp://127.0.0.1:7000",
                         "wherry serve --help", "serve");
    command_assert_error(2, "wherry: no endpoint, such as tcp://127.0.0.1:7000",
                         "wherry connect --help", "connect", "-p", "raw");
    command_assert_error(2, "wherry: an endpoint is empty", "", "serve", "tcp://127.0.0.1:0", "");
    command_assert_error(2, "wherry: an endpoint is empty", "", "connect", " ");
}

static void bad_endpoints_are_told_with_the_place_of_the_mistake(void **state)
{
    (void)state;
    command_assert_error(2,
                         "wherry: port 70000 is over 65535, at byte 20 of "
                         "\"tcp://127.0.0.1:70000\" (an endpoint is tcp://HOST:PORT",
                         "", "serve", "tcp://127.0.0.1:70000");
    command_assert_error(2, "wherry: unknown scheme \"127.0.0.1\", not one of tcp, unix, ",
                         "unix:PATH)", "connect", "127.0.0.1:7000");
    command_assert_error(2, "wherry: ", "unix:PATH)", "connect", "tcp://[::1:7000");
    command_assert_error(2, "wherry: a label cannot begin with a hyphen, at byte 6 of ", "",
                         "connect", "tcp://-example.com:80");
    command_assert_error(2, "wherry: udp endpoints are not supported here, at byte 0 of ", "",
                         "serve", "udp://127.0.0.1:0");
    /* The second one, with a place of its own, and nothing is opened for the first. */
    command_assert_error(2, "wherry: unknown scheme \"bad\"", "", "serve", "tcp://127.0.0.1:0",
                         "bad:endpoint");
}

static void connect_takes_one_endpoint(void **state)
{
    (void)state;
    command_assert_error(2,
                         "wherry: more than one endpoint: tcp://127.0.0.1:1 and "
                         "tcp://127.0.0.1:2",
                         "wherry connect --help", "connect", "tcp://127.0.0.1:1",
                         "tcp://127.0.0.1:2");
    command_assert_error(2, "wherry: more than one endpoint", "", "connect",
                         "tcp://127.0.0.1:1 tcp://127.0.0.1:2");
    command_assert_error(2, "wherry: port 0 is not one to connect to", "", "connect",
                         "tcp://127.0.0.1:0");
    command_assert_error(2, "wherry: \"*\" is not an address to connect to", "", "connect",
                         "tcp://*:7000");
}

static void behind_two_dashes_everything_is_an_endpoint(void **state)
{
    (void)state;
    command_assert_error(2, "wherry: unknown scheme \"--help\"", "", "serve", "--", "--help");
    command_assert_error(2, "wherry: unknown scheme \"-\"", "", "serve", "-");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, child_setup, child_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(help_lists_the_commands),
        TEST(help_of_a_command_is_a_screen_with_examples),
        TEST(help_wins_over_missing_operands_but_not_over_mistakes),
        TEST(help_names_every_protocol),
        TEST(version_is_that_of_the_library),
        TEST(help_that_cannot_be_printed_is_an_error),
        TEST(no_command_says_what_there_is),
        TEST(unknown_commands_and_options_say_where_to_look),
        TEST(control_characters_of_the_command_line_are_not_repeated),
        TEST(options_need_their_values),
        TEST(numbers_are_numbers),
        TEST(seconds_are_at_least_a_nanosecond),
        TEST(long_values_are_told_in_one_line),
        TEST(limits_themselves_are_allowed),
        TEST(services_and_protocols_that_do_not_exist_are_named),
        TEST(contradictions_name_the_options),
        TEST(missing_endpoints_are_asked_for),
        TEST(bad_endpoints_are_told_with_the_place_of_the_mistake),
        TEST(connect_takes_one_endpoint),
        TEST(behind_two_dashes_everything_is_an_endpoint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
