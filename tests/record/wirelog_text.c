/* Records of text: what a format makes of time, direction, address and bytes. Where they are kept
 * does not matter, so it is memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/wirelog_fixture.h"

static void what_stands_in_a_format_is_filled_in(void **state)
{
    wherry_address address = { .family = WHERRY_FAMILY_IPV4,
                               .port = 7,
                               .at.ipv4 = { 10, 0, 0, 1 } };
    wherry_wirelog *log;

    (void)state;
    OPENED(&log, .format = "<%d|%a|%b|%%|%b>", .together = 1);
    assert_int_equal(wherry_wirelog_write(log, RX, &address, wherry_text("in")), WHERRY_OK);
    assert_int_equal(wherry_wirelog_write(log, TX, NULL, wherry_text("out")), WHERRY_OK);
    wirelog_expect(log, RX, "<Rx|10.0.0.1:7|in|%|in><Tx||out|%|out>");
    wherry_wirelog_free(log);
}

static void times_are_of_the_day_to_the_nanosecond(void **state)
{
    wherry_wirelog *log;

    (void)state;
    OPENED(&log, .format = "%t ");
    wirelog_set_time(INT64_C(1769903999123456789));
    wirelog_note(log, RX, "x");
    wirelog_set_time(0);
    wirelog_note(log, RX, "x");
    wirelog_set_time(-1);
    wirelog_note(log, RX, "x");
    wirelog_expect(log, RX,
                   "2026-01-31T23:59:59.123456789Z 1970-01-01T00:00:00.000000000Z "
                   "1969-12-31T23:59:59.999999999Z ");
    wherry_wirelog_free(log);
}

static void escaped_bytes_are_one_line_of_ascii(void **state)
{
    wherry_wirelog *log;
    char text[2048] = "", piece[8];
    uint8_t all[256];

    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        all[i] = (uint8_t)i;
        if (i == '\n' || i == '\r' || i == '\t' || i == '\\')
            (void)snprintf(piece, sizeof(piece), "\\%c",
                           i == '\n'   ? 'n'
                           : i == '\r' ? 'r'
                           : i == '\t' ? 't'
                                       : '\\');
        else if (i < ' ' || i > '~')
            (void)snprintf(piece, sizeof(piece), "\\x%02x", i);
        else
            (void)snprintf(piece, sizeof(piece), "%c", (int)i);
        strcat(text, piece);
    }
    OPENED(&log, .format = "%b", .bytes = WHERRY_WIRELOG_ESCAPED);
    assert_int_equal(wherry_wirelog_write(log, RX, NULL, wherry_bytes_at(all, 256)), WHERRY_OK);
    wirelog_expect(log, RX, text);
    wherry_wirelog_free(log);
}

static void hex_has_offsets_digits_and_what_can_be_read(void **state)
{
    wherry_wirelog *log;

    (void)state;
    OPENED(&log, .format = "%b\n", .bytes = WHERRY_WIRELOG_HEX);
    wirelog_note(log, RX, "0123456789abcdef");
    wirelog_note(log, RX, "0123456789abcdef\n\x7f!");
    wirelog_note(log, TX, "x");
    wirelog_expect(log, RX,
                   "00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66 |0123456789abcdef|\n"
                   "00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66 |0123456789abcdef|\n"
                   "00000010  0a 7f 21                                        |..!|\n");
    wirelog_expect(log, TX, "00000000  78                                              |x|\n");
    wherry_wirelog_free(log);
}

static void without_bytes_there_is_no_record(void **state)
{
    wherry_wirelog *log;

    (void)state;
    OPENED(&log, .together = 1);
    wirelog_note(log, RX, "");
    wirelog_expect(log, RX, "");
    wherry_wirelog_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WIRELOG_TEST(what_stands_in_a_format_is_filled_in),
        WIRELOG_TEST(times_are_of_the_day_to_the_nanosecond),
        WIRELOG_TEST(escaped_bytes_are_one_line_of_ascii),
        WIRELOG_TEST(hex_has_offsets_digits_and_what_can_be_read),
        WIRELOG_TEST(without_bytes_there_is_no_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
