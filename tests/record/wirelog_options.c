/* The options of a wirelog: those at their limits, and those that make no sense, which are told by
 * name before anything is opened. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/wirelog_fixture.h"

static void assert_misuse(wherry_wirelog_options options, const char *part)
{
    wherry_wirelog *log = NULL;

    assert_int_equal(wirelog_try_new(&log, options), WHERRY_E_MISUSE);
    assert_null(log);
    if (strstr(wherry_problem(), part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", wherry_problem(), part);
}

#define MISUSE(part, ...) assert_misuse((wherry_wirelog_options){ __VA_ARGS__ }, part)

static void options_that_make_no_sense_are_named(void **state)
{
    char large[5000];

    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    assert_int_equal(wherry_wirelog_new(NULL, .loop = wirelogs.net.loop), WHERRY_E_MISUSE);
    MISUSE("form", .form = (wherry_wirelog_form)3);
    MISUSE("bytes", .bytes = (wherry_wirelog_bytes)3);
    MISUSE("no_sent", .no_received = 1, .no_sent = 1);
    MISUSE("format", .format = "%x");
    MISUSE("format", .format = "100%");
    MISUSE("format", .format = large);
    MISUSE("format", .form = WHERRY_WIRELOG_PCAPNG, .format = "%b");
    MISUSE("bytes", .form = WHERRY_WIRELOG_PCAPNG, .bytes = WHERRY_WIRELOG_HEX);
    MISUSE("path", .path = "/tmp/x");
    MISUSE("folder", .folder = "/tmp");
    MISUSE("files_max", .files_max = 1);
    MISUSE("folder", .form = WHERRY_WIRELOG_TEXT, .folder = "/tmp", .path = "/tmp/x");
    MISUSE("name", .form = WHERRY_WIRELOG_TEXT, .name = "x", .path = "/tmp/x");
    MISUSE("name", .name = "a/b");
    MISUSE("name", .name = "");
    MISUSE("name", .name = large + sizeof(large) - 1 - 128);
    MISUSE("path", .form = WHERRY_WIRELOG_TEXT, .path = "");
    MISUSE("path", .form = WHERRY_WIRELOG_TEXT, .path = large);
    MISUSE("temporary", .form = WHERRY_WIRELOG_TEXT, .path = "/tmp/x", .temporary = 1);
    MISUSE("temporary", .form = WHERRY_WIRELOG_TEXT, .folder = "/tmp", .temporary = 1);
    MISUSE("size_max", .size_max = 1023);
}

static void options_at_their_limits_are_taken(void **state)
{
    wherry_wirelog *log;
    char name[128], format[256];

    (void)state;
    memset(name, 'n', sizeof(name));
    name[127] = '\0';
    memset(format, 'f', sizeof(format));
    format[255] = '\0';
    OPENED(&log, .name = name, .format = format, .size_max = 1024, .no_sent = 1);
    wirelog_note(log, RX, "x");
    wirelog_expect(log, RX, format);
    wherry_wirelog_free(log);
}

static void without_a_loop_there_is_none(void **state)
{
    wherry_wirelog *log = NULL;

    (void)state;
    assert_int_equal(wherry_wirelog_new(&log), WHERRY_E_MISUSE);
    assert_null(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WIRELOG_TEST(options_that_make_no_sense_are_named),
        WIRELOG_TEST(options_at_their_limits_are_taken),
        WIRELOG_TEST(without_a_loop_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
