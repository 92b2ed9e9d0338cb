/* A wirelog in memory: one text, which can be read longer than a file's, and which loses what is
 * old where a file would be followed by another. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/wirelog_fixture.h"

static void a_text_in_memory_can_be_read_when_it_is_closed_but_not_when_cleared(void **state)
{
    wherry_wirelog *log;
    wherry_bytes text;

    (void)state;
    OPENED(&log, .format = "%b");
    wirelog_note(log, RX, "kept");
    wherry_wirelog_close(log, 0);
    wirelog_expect(log, RX, "kept");
    assert_int_equal(wherry_wirelog_open(log, 0), WHERRY_OK);
    wirelog_expect(log, RX, "");
    wherry_wirelog_close(log, 1);
    assert_int_equal(wherry_wirelog_read(log, RX, &text), WHERRY_E_CLOSED);
    wherry_wirelog_free(log);
}

static void a_full_text_in_memory_loses_its_older_half_and_begins_with_a_record(void **state)
{
    wherry_wirelog *log;
    wherry_bytes text;
    char large[3000];

    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    OPENED(&log, .format = "%b", .size_max = 1024);
    for (int i = 0; i < 10; i++)
        wirelog_note_number(log, i);
    wirelog_note_number(log, 10); /* 0 to 5 are more than half */
    assert_int_equal(wherry_wirelog_read(log, RX, &text), WHERRY_OK);
    assert_int_equal(text.length, 500);
    assert_memory_equal(text.data + 95, "0006\n", 5);
    for (int i = 11; i < 1000; i++) {
        wirelog_note_number(log, i);
        assert_int_equal(wherry_wirelog_read(log, RX, &text), WHERRY_OK);
        assert_in_range(text.length, 500, 1000);
        assert_int_equal(text.length % 100, 0);
    }
    assert_memory_equal(text.data + text.length - 5, "0999\n", 5);
    wirelog_note(log, RX, large);
    wirelog_expect_bytes(log, RX, large, 1024);
    wirelog_note(log, RX, "after");
    wirelog_expect(log, RX, "after");
    wherry_wirelog_free(log);
}

static void without_memory_a_text_ends(void **state)
{
    wherry_wirelog *log;
    char large[1000];

    (void)state;
    memset(large, 'x', sizeof(large));
    OPENED(&log, .format = "%b");
    wirelog_note(log, RX, "kept");
    wirelogs.net.memory.fail_at = wirelogs.net.memory.calls + 1;
    assert_int_equal(wherry_wirelog_write(log, RX, NULL, wherry_bytes_at(large, sizeof(large))),
                     WHERRY_E_NO_MEMORY);
    wirelog_expect(log, RX, "kept");
    assert_int_equal(wirelogs.told, 1);
    wherry_wirelog_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WIRELOG_TEST(a_text_in_memory_can_be_read_when_it_is_closed_but_not_when_cleared),
        WIRELOG_TEST(a_full_text_in_memory_loses_its_older_half_and_begins_with_a_record),
        WIRELOG_TEST(without_memory_a_text_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
