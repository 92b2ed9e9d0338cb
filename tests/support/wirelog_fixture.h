/* What tests of wirelogs by themselves share: a loop in virtual time with counted memory, a folder
 * for files, a log of the library's failures, and shorthands to write and to read. */
#ifndef TESTS_SUPPORT_WIRELOG_FIXTURE_H
#define TESTS_SUPPORT_WIRELOG_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/wirelog.h>

#include "support/folder.h"
#include "support/net.h"

#define RX WHERRY_WIRELOG_RECEIVED
#define TX WHERRY_WIRELOG_SENT

/* Of the test under way. */
typedef struct wirelog_fixture {
    net net;
    size_t told;    /* lines in the library's log, each about an error */
    char last[600]; /* of them */
} wirelog_fixture;
extern wirelog_fixture wirelogs;

/* Set-up and tear-down of a cmocka test. Files without a path or a folder go to folder() too. */
int wirelog_set_up(void **state);
int wirelog_tear_down(void **state);
#define WIRELOG_TEST(function)                                                                     \
    cmocka_unit_test_setup_teardown(function, wirelog_set_up, wirelog_tear_down)

/* Makes a log on the loop with the options that follow; OPENED opens it besides. */
#define NEW(log, ...)                                                                              \
    assert_int_equal(wirelog_try_new(log, (wherry_wirelog_options){ __VA_ARGS__ }), WHERRY_OK)
#define OPENED(log, ...)                                                                           \
    do {                                                                                           \
        NEW(log, __VA_ARGS__);                                                                     \
        assert_int_equal(wherry_wirelog_open(*(log), 0), WHERRY_OK);                               \
    } while (0)

/* Makes one that need not come to be: what the library returns. */
int wirelog_try_new(wherry_wirelog **log, wherry_wirelog_options options);

/* Records a text; the second a number as a line of 100 bytes. */
void wirelog_note(wherry_wirelog *log, wherry_wirelog_direction direction, const char *text);
void wirelog_note_number(wherry_wirelog *log, int number);

/* Asserts that it reads just so. */
void wirelog_expect(wherry_wirelog *log, wherry_wirelog_direction direction, const char *text);
void wirelog_expect_bytes(wherry_wirelog *log, wherry_wirelog_direction direction, const void *data,
                          size_t length);

/* From now on in this test the time of day is this one: nanoseconds since 1970. */
void wirelog_set_time(int64_t time);

#endif
