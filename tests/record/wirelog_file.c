/* A wirelog's files: when they are written, when another one follows, and what becomes of records
 * where the file cannot be written any more. Which files these are is told in wirelog_folder.c;
 * each call that fails once, in wirelog_faults.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/wirelog_fixture.h"

static void what_is_recorded_is_written_in_the_next_pass(void **state)
{
    wherry_wirelog *log;

    (void)state;
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .path = folder_path("log"), .format = "%b",
           .together = 1);
    wirelog_note(log, RX, "one");
    wirelog_note(log, TX, "two");
    folder_assert(folder_path("log"), "");
    net_settle(&wirelogs.net);
    folder_assert(folder_path("log"), "onetwo");
    wirelog_note(log, RX, "three");
    assert_int_equal(wherry_wirelog_flush(log), WHERRY_OK);
    folder_assert(folder_path("log"), "onetwothree");
    wherry_wirelog_free(log);
}

/* --- full ones */

static void a_full_file_is_followed_by_another_and_the_oldest_goes(void **state)
{
    wherry_wirelog *log;
    wherry_bytes text;

    (void)state;
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .path = folder_path("log"), .format = "%b",
           .together = 1, .size_max = 1024, .files_max = 3);
    for (int i = 0; i < 10; i++)
        wirelog_note_number(log, i);
    assert_string_equal(folder_list(folder()), "log ");
    for (int i = 10; i < 30; i++)
        wirelog_note_number(log, i);
    assert_string_equal(folder_list(folder()), "log log.1 log.2 ");
    for (int i = 30; i < 55; i++)
        wirelog_note_number(log, i);
    assert_string_equal(folder_list(folder()), "log.3 log.4 log.5 ");
    assert_string_equal(wherry_wirelog_path(log, RX), folder_path("log.5"));
    assert_int_equal(wherry_wirelog_read(log, RX, &text), WHERRY_OK);
    assert_int_equal(text.length, 500);
    assert_memory_equal(text.data + 95, "0050\n", 5);
    wherry_wirelog_close(log, 1);
    assert_string_equal(folder_list(folder()), "");
    wherry_wirelog_free(log);
}

static void a_record_that_just_fits_stays_and_one_byte_more_goes_on(void **state)
{
    wherry_wirelog *log;
    char large[1024];

    (void)state;
    memset(large, 'x', sizeof(large));
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .path = folder_path("log"), .format = "%b",
           .together = 1, .size_max = 1024);
    wirelog_note(log, RX, "1234");
    large[1020] = '\0';
    wirelog_note(log, RX, large);
    assert_string_equal(folder_list(folder()), "log ");
    wirelog_note(log, RX, "y");
    assert_string_equal(folder_list(folder()), "log log.1 ");
    wherry_wirelog_close(log, 0);
    folder_assert(folder_path("log.1"), "y");
    wherry_wirelog_free(log);
}

static void a_record_larger_than_a_file_is_cut_in_several(void **state)
{
    wherry_wirelog *log;
    uint8_t large[100000];
    char *text;
    size_t length, seen = 0;

    (void)state;
    net_fill(large, sizeof(large), 0);
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .path = folder_path("log"), .format = "%b",
           .together = 1, .size_max = 40000);
    wirelog_note(log, RX, "first");
    assert_int_equal(wherry_wirelog_write(log, RX, NULL, wherry_bytes_at(large, sizeof(large))),
                     WHERRY_OK);
    wherry_wirelog_close(log, 0);
    folder_assert(folder_path("log"), "first");
    for (int i = 1; i <= 3; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "log.%d", i);
        text = folder_read(folder_path(name), &length);
        assert_int_equal(length, i < 3 ? 40000 : 20000);
        net_check(text, length, seen);
        seen += length;
        free(text);
    }
    wherry_wirelog_free(log);
}

static void one_file_is_kept_if_that_is_what_is_asked_for(void **state)
{
    wherry_wirelog *log;

    (void)state;
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .path = folder_path("log"), .format = "%b",
           .size_max = 1024, .files_max = 1, .no_sent = 1, .together = 1);
    for (int i = 0; i < 35; i++)
        wirelog_note_number(log, i);
    assert_string_equal(folder_list(folder()), "log.3 ");
    wherry_wirelog_free(log);
}

/* --- what goes wrong */

static void a_next_file_that_cannot_be_made_leaves_the_last_one_whole(void **state)
{
    uint8_t large[1021] = { 0 };
    wherry_wirelog *log;
    wherry_bytes text;

    (void)state;
    assert_int_equal(mkdir(folder_path("x.1"), 0700), 0);
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .path = folder_path("x"), .together = 1,
           .format = "%b", .size_max = 1024);
    wirelog_note(log, RX, "kept");
    assert_int_equal(wherry_wirelog_write(log, RX, NULL, wherry_bytes_at(large, sizeof(large))),
                     WHERRY_E_INVALID);
    assert_int_equal(wirelogs.told, 1);
    assert_int_equal(wherry_wirelog_read(log, RX, &text), WHERRY_E_SYSTEM);
    assert_string_equal(wherry_wirelog_path(log, RX), folder_path("x"));
    wherry_wirelog_free(log);
    folder_assert(folder_path("x"), "kept");
}

static void a_full_disk_is_told_once_and_what_comes_is_dropped(void **state)
{
    wherry_wirelog *log;

    (void)state;
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .path = "/dev/full", .together = 1);
    wirelog_note(log, RX, "lost");
    net_settle(&wirelogs.net);
    assert_int_equal(wirelogs.told, 1);
    assert_non_null(strstr(wirelogs.last, "/dev/full"));
    assert_non_null(strstr(wirelogs.last, "No space left"));
    for (int i = 0; i < 3; i++)
        assert_int_equal(wherry_wirelog_write(log, RX, NULL, wherry_text("x")), WHERRY_E_FULL);
    assert_int_equal(wherry_wirelog_flush(log), WHERRY_E_FULL);
    assert_true(wherry_wirelog_is_open(log));
    wherry_wirelog_close(log, 0);
    assert_int_equal(wirelogs.told, 1);
    assert_int_equal(wherry_wirelog_open(log, 0), WHERRY_OK); /* a new beginning */
    wirelog_note(log, RX, "lost");
    wherry_wirelog_free(log);
    assert_int_equal(wirelogs.told, 2);
}

static void what_is_deleted_or_moved_is_written_on(void **state)
{
    wherry_wirelog *log;

    (void)state;
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .path = folder_path("log"), .together = 1,
           .format = "%b");
    wirelog_note(log, RX, "one");
    assert_int_equal(wherry_wirelog_flush(log), WHERRY_OK);
    assert_int_equal(unlink(folder_path("log")), 0);
    wirelog_note(log, RX, "two");
    wirelog_expect(log, RX, "onetwo");
    wherry_wirelog_close(log, 1);
    wherry_wirelog_free(log);
    assert_int_equal(wirelogs.told, 0);
}

static void a_pipe_that_nobody_reads_makes_nobody_wait(void **state)
{
    wherry_wirelog *log;
    char large[1000];
    size_t count = 0;

    (void)state;
    memset(large, 'x', sizeof(large));
    assert_int_equal(mkfifo(folder_path("pipe"), 0600), 0);
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .path = folder_path("pipe"), .together = 1);
    while (wherry_wirelog_write(log, RX, NULL, wherry_bytes_at(large, sizeof(large))) == WHERRY_OK)
        assert_true(++count < 100000);
    assert_int_equal(wirelogs.told, 1);
    wherry_wirelog_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WIRELOG_TEST(what_is_recorded_is_written_in_the_next_pass),
        WIRELOG_TEST(a_full_file_is_followed_by_another_and_the_oldest_goes),
        WIRELOG_TEST(a_record_that_just_fits_stays_and_one_byte_more_goes_on),
        WIRELOG_TEST(a_record_larger_than_a_file_is_cut_in_several),
        WIRELOG_TEST(one_file_is_kept_if_that_is_what_is_asked_for),
        WIRELOG_TEST(a_next_file_that_cannot_be_made_leaves_the_last_one_whole),
        WIRELOG_TEST(a_full_disk_is_told_once_and_what_comes_is_dropped),
        WIRELOG_TEST(what_is_deleted_or_moved_is_written_on),
        WIRELOG_TEST(a_pipe_that_nobody_reads_makes_nobody_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
