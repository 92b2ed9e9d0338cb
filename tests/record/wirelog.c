/* A wirelog from its opening to its end, whatever its form: what it takes and answers while it is
 * open, when it is closed, without its loop, and in a child process. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/wirelog_fixture.h"

static void a_direction_that_is_left_out_has_no_text_and_no_file(void **state)
{
    wherry_wirelog *log;
    wherry_bytes text;

    (void)state;
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .folder = folder_path("logs"), .no_received = 1,
           .format = "%b");
    wirelog_note(log, RX, "in");
    wirelog_note(log, TX, "out");
    wirelog_expect(log, TX, "out");
    assert_int_equal(wherry_wirelog_read(log, RX, &text), WHERRY_E_NOT_FOUND);
    assert_string_equal(wherry_wirelog_path(log, RX), "");
    assert_int_equal(wherry_wirelog_flush(log), WHERRY_OK);
    assert_null(strstr(folder_list(folder_path("logs")), ".rx.log"));
    wherry_wirelog_free(log);
    OPENED(&log, .together = 1, .no_sent = 1, .format = "%b");
    wirelog_note(log, RX, "in");
    wirelog_note(log, TX, "out");
    wirelog_expect(log, RX, "in");
    assert_int_equal(wherry_wirelog_read(log, TX, &text), WHERRY_E_NOT_FOUND);
    wherry_wirelog_free(log);
}

static void opening_again_begins_anew(void **state)
{
    wherry_wirelog *log;

    (void)state;
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .path = folder_path("log"), .format = "%b",
           .together = 1);
    wirelog_note(log, RX, "one");
    assert_int_equal(wherry_wirelog_open(log, 0), WHERRY_OK);
    wirelog_expect(log, RX, "");
    wirelog_note(log, TX, "two");
    wherry_wirelog_close(log, 0);
    wherry_wirelog_close(log, 1);
    folder_assert(folder_path("log"), "two");
    assert_int_equal(wherry_wirelog_open(log, 0), WHERRY_OK);
    wirelog_expect(log, RX, "");
    wherry_wirelog_close(log, 1);
    assert_string_equal(folder_list(folder()), "");
    assert_string_equal(wherry_wirelog_path(log, RX), "");
    wherry_wirelog_free(log);
}

static void what_is_closed_takes_nothing(void **state)
{
    wherry_wirelog *log;
    wherry_bytes text;

    (void)state;
    NEW(&log, .form = WHERRY_WIRELOG_TEXT, .path = folder_path("log"), .format = "%b");
    for (int i = 0; i < 2; i++) {
        assert_false(wherry_wirelog_is_open(log));
        assert_int_equal(wherry_wirelog_write(log, RX, NULL, wherry_text("x")), WHERRY_E_CLOSED);
        assert_int_equal(wherry_wirelog_read(log, RX, &text), WHERRY_E_CLOSED);
        assert_int_equal(wherry_wirelog_flush(log), WHERRY_E_CLOSED);
        assert_int_equal(wherry_wirelog_open(log, 0), WHERRY_OK);
        wirelog_note(log, RX, "kept");
        wherry_wirelog_close(log, 0);
    }
    assert_string_equal(wherry_wirelog_path(log, RX), folder_path("log.rx"));
    wherry_wirelog_free(log);
    folder_assert(folder_path("log.rx"), "kept");
    folder_assert(folder_path("log.tx"), "");
}

static void a_log_goes_on_without_its_loop(void **state)
{
    wherry_wirelog *log;

    (void)state;
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .path = folder_path("log"), .format = "%b",
           .together = 1);
    wirelog_note(log, RX, "before ");
    wherry_loop_free(wirelogs.net.loop);
    wirelogs.net.loop = NULL;
    folder_assert(folder_path("log"), "before ");
    wirelog_note(log, RX, "after");
    folder_assert(folder_path("log"), "before after");
    wirelog_expect(log, RX, "before after");
    wherry_wirelog_free(log);
}

static void pcapng_is_neither_written_nor_read_by_programs(void **state)
{
    wherry_wirelog *log;
    wherry_bytes text;

    (void)state;
    OPENED(&log, .form = WHERRY_WIRELOG_PCAPNG, .path = folder_path("x.pcapng"));
    assert_int_equal(wherry_wirelog_write(log, RX, NULL, wherry_text("x")), WHERRY_E_UNSUPPORTED);
    assert_int_equal(wherry_wirelog_read(log, RX, &text), WHERRY_E_UNSUPPORTED);
    assert_string_equal(wherry_wirelog_path(log, TX), folder_path("x.pcapng"));
    wherry_wirelog_free(log);
}

static void a_child_process_leaves_the_files_alone(void **state)
{
    wherry_wirelog *log;
    wherry_bytes text;
    int status;
    pid_t child;

    (void)state;
    NEW(&log, .form = WHERRY_WIRELOG_TEXT, .temporary = 1, .together = 1, .format = "%b");
    assert_int_equal(wherry_wirelog_open(log, 0), WHERRY_OK);
    wirelog_note(log, RX, "once");
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        wherry_loop_forget(wirelogs.net.loop);
        status = wherry_wirelog_is_open(log) ||
                 wherry_wirelog_read(log, RX, &text) != WHERRY_E_CLOSED;
        wherry_wirelog_free(log);
        _exit(status);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(wherry_wirelog_read(log, RX, &text), WHERRY_OK);
    folder_assert(wherry_wirelog_path(log, RX), "once");
    wherry_wirelog_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WIRELOG_TEST(a_direction_that_is_left_out_has_no_text_and_no_file),
        WIRELOG_TEST(opening_again_begins_anew),
        WIRELOG_TEST(what_is_closed_takes_nothing),
        WIRELOG_TEST(a_log_goes_on_without_its_loop),
        WIRELOG_TEST(pcapng_is_neither_written_nor_read_by_programs),
        WIRELOG_TEST(a_child_process_leaves_the_files_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
