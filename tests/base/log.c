#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/time.h>

#include "base/log.h"

/* A logger that keeps the last lines and counts all. */
typedef struct recorder {
    wherry_logger logger;
    atomic_int count;
    wherry_log_level level, level_before;
    char line[600], line_before[600];
} recorder;

static void record(wherry_logger *self, wherry_log_level level, const char *line)
{
    recorder *into = (recorder *)self;

    memcpy(into->line_before, into->line, sizeof(into->line));
    snprintf(into->line, sizeof(into->line), "%s", line);
    into->level_before = into->level;
    into->level = level;
    into->count++;
    errno = EIO;
}

static recorder kept;

static int start(void **state)
{
    (void)state;
    memset(&kept, 0, sizeof(kept));
    kept.logger.write = record;
    wherry_log_set(&kept.logger);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    wherry_log_set(NULL);
    return 0;
}

static void without_a_logger_nothing_is_made(void **state)
{
    (void)state;
    wherry_log_set(NULL);
    wherry__log(0, WHERRY_LOG_ERROR, "nobody hears this");
    assert_false(wherry__log_wants(WHERRY_LOG_ERROR));
    kept.logger.write = NULL;
    wherry_log_set(&kept.logger);
    wherry__log(0, WHERRY_LOG_ERROR, "nor this");
    assert_false(wherry__log_wants(WHERRY_LOG_ERROR));
    assert_int_equal(kept.count, 0);
}

static void a_line_arrives_with_its_level(void **state)
{
    (void)state;
    errno = ENFILE;
    wherry__log(0, WHERRY_LOG_WARNING, "%s paused for %d s", "listener", 3);
    assert_int_equal(errno, ENFILE);
    assert_int_equal(kept.count, 1);
    assert_int_equal(kept.level, WHERRY_LOG_WARNING);
    assert_string_equal(kept.line, "listener paused for 3 s");
}

static void lines_above_the_level_are_not_made(void **state)
{
    const wherry_log_level levels[] = { WHERRY_LOG_ERROR, WHERRY_LOG_WARNING, WHERRY_LOG_INFO,
                                        WHERRY_LOG_DEBUG };

    (void)state;
    for (int wanted = 0; wanted < 4; wanted++) {
        kept.logger.level = levels[wanted];
        for (int made = 0; made < 4; made++) {
            int before = kept.count;

            assert_int_equal(!!wherry__log_wants(levels[made]), made <= wanted);
            wherry__log(0, levels[made], "line");
            assert_int_equal(kept.count - before, made <= wanted);
        }
    }
}

static void no_level_stands_for_info(void **state)
{
    (void)state;
    assert_true(wherry__log_wants(WHERRY_LOG_INFO));
    assert_false(wherry__log_wants(WHERRY_LOG_DEBUG));
}

static void a_line_is_cut_at_its_limit(void **state)
{
    char text[513];

    (void)state;
    memset(text, 'a', sizeof(text));
    text[511] = '\0';
    wherry__log(0, WHERRY_LOG_INFO, "%s", text);
    assert_string_equal(kept.line, text);
    text[511] = 'b';
    text[512] = '\0';
    wherry__log(0, WHERRY_LOG_INFO, "%s", text);
    assert_int_equal(strlen(kept.line), 511);
    assert_memory_equal(kept.line, text, 511);
}

static void a_line_stays_one_line(void **state)
{
    (void)state;
    wherry__log(0, WHERRY_LOG_INFO, "%s", "one\ntwo\r\x1b[2J\x7f \xc3\xa9");
    assert_string_equal(kept.line, "one?two??[2J? \xc3\xa9");
}

static void log_lines(int64_t now, int count)
{
    for (int i = 0; i < count; i++)
        wherry__log(now, WHERRY_LOG_INFO, "line");
}

static void the_limit_of_a_second_holds_to_the_line(void **state)
{
    const int64_t begin = WHERRY_SECONDS(5);

    (void)state;
    kept.logger.lines_per_second = 3;
    log_lines(begin, 2);
    log_lines(begin + WHERRY_SECONDS(1) - 1, 1);
    assert_int_equal(kept.count, 3);
    log_lines(begin + WHERRY_SECONDS(1) - 1, 2);
    assert_int_equal(kept.count, 3);

    log_lines(begin + WHERRY_SECONDS(1), 1);
    assert_int_equal(kept.count, 5);
    assert_string_equal(kept.line_before, "2 lines were not logged: too many in a second");
    assert_string_equal(kept.line, "line");

    /* The one that told of it does not count itself; and it is told once. */
    log_lines(begin + WHERRY_SECONDS(1), 2);
    assert_int_equal(kept.count, 7);
    log_lines(begin + WHERRY_SECONDS(1), 1);
    assert_int_equal(kept.count, 7);
    log_lines(begin + WHERRY_SECONDS(9), 1);
    assert_int_equal(kept.count, 9);
    assert_string_equal(kept.line_before, "1 lines were not logged: too many in a second");
    log_lines(begin + WHERRY_SECONDS(10), 1);
    assert_int_equal(kept.count, 10);
}

static void no_limit_stands_for_a_hundred(void **state)
{
    (void)state;
    log_lines(0, 100);
    assert_int_equal(kept.count, 100);
    log_lines(0, 1);
    assert_int_equal(kept.count, 100);
}

static void lines_that_are_not_wanted_do_not_count(void **state)
{
    (void)state;
    kept.logger.lines_per_second = 1;
    for (int i = 0; i < 5; i++)
        wherry__log(0, WHERRY_LOG_DEBUG, "too much");
    log_lines(0, 1);
    assert_int_equal(kept.count, 1);
    log_lines(WHERRY_SECONDS(1), 1);
    assert_int_equal(kept.count, 2);
}

static void assert_told_at(wherry_log_level wanted, wherry_log_level told)
{
    kept.logger.level = wanted;
    kept.logger.lines_per_second = 1;
    wherry_log_set(&kept.logger);
    wherry__log(0, WHERRY_LOG_ERROR, "line");
    wherry__log(0, WHERRY_LOG_ERROR, "line");
    wherry__log(WHERRY_SECONDS(1), WHERRY_LOG_ERROR, "line");
    assert_string_equal(kept.line_before, "1 lines were not logged: too many in a second");
    assert_int_equal(kept.level_before, told);
}

static void what_was_dropped_is_told_at_a_level_that_is_wanted(void **state)
{
    (void)state;
    assert_told_at(WHERRY_LOG_INFO, WHERRY_LOG_WARNING);
    assert_told_at(WHERRY_LOG_WARNING, WHERRY_LOG_WARNING);
    assert_told_at(WHERRY_LOG_ERROR, WHERRY_LOG_ERROR);
}

/* Threads are not in the same second at the same moment; that must not open a new second each time.
 */
static void a_second_a_little_back_is_the_same(void **state)
{
    (void)state;
    kept.logger.lines_per_second = 4;
    for (int i = 0; i < 10; i++) {
        log_lines(WHERRY_SECONDS(100), 1);
        log_lines(WHERRY_SECONDS(99), 1);
        log_lines(WHERRY_SECONDS(40), 1);
    }
    assert_int_equal(kept.count, 4);
}

/* A loop in virtual time may be far ahead of one in real time, whose lines are wanted as well. */
static void a_clock_far_back_is_another_clock(void **state)
{
    (void)state;
    kept.logger.lines_per_second = 1;
    log_lines(WHERRY_SECONDS(100), 1);
    log_lines(WHERRY_SECONDS(39), 1);
    assert_int_equal(kept.count, 2);
    log_lines(WHERRY_NEVER, 1);
    log_lines(WHERRY_SECONDS(39), 1);
    assert_int_equal(kept.count, 4);
}

static void a_new_logger_starts_afresh(void **state)
{
    (void)state;
    kept.logger.lines_per_second = 1;
    log_lines(0, 5);
    assert_int_equal(kept.count, 1);
    wherry_log_set(&kept.logger);
    log_lines(0, 1);
    assert_int_equal(kept.count, 2);
    log_lines(WHERRY_SECONDS(1), 1);
    assert_int_equal(kept.count, 3);
}

#define THREADS 4
#define LINES 500

static void count_only(wherry_logger *self, wherry_log_level level, const char *line)
{
    (void)level;
    (void)line;
    ((recorder *)self)->count++;
}

static void *log_from_a_thread(void *argument)
{
    log_lines(WHERRY_SECONDS(7), LINES);
    return argument;
}

static void threads_share_the_limit(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    kept.logger.write = count_only;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_from_a_thread, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(kept.count, 100);
    kept.logger.write = record;
    log_lines(WHERRY_SECONDS(8), 1);
    assert_string_equal(kept.line_before, "1900 lines were not logged: too many in a second");
}

static void assert_escaped(const char *data, size_t length, size_t size, const char *expected)
{
    char text[64];

    memset(text, 'Z', sizeof(text));
    assert_ptr_equal(wherry__escape(text, size, wherry_bytes_at(data, length)), text);
    assert_string_equal(text, expected);
    assert_int_equal(text[size], 'Z');
}

static void bytes_are_escaped(void **state)
{
    (void)state;
    assert_escaped("plain ~!\"'", 10, 60, "plain ~!\"'");
    assert_escaped("\n\r\t\\", 4, 60, "\\n\\r\\t\\\\");
    assert_escaped("\0\x1b\x1f\x20\x7e\x7f\x80\xff", 8, 60, "\\x00\\x1B\\x1F ~\\x7F\\x80\\xFF");
    assert_escaped(NULL, 0, 60, "");
}

static void what_does_not_fit_ends_in_dots(void **state)
{
    (void)state;
    assert_escaped("abcdef", 6, 7, "abcdef");
    assert_escaped("abcdef", 6, 6, "ab...");
    assert_escaped("abcdef", 6, 5, "a...");
    assert_escaped("abcdef", 6, 4, "...");
    assert_escaped("abcdef", 6, 3, "..");
    assert_escaped("abcdef", 6, 1, "");
    assert_escaped("", 0, 1, "");
}

/* An escape is whole or not there. */
static void escapes_are_not_cut(void **state)
{
    (void)state;
    assert_escaped("a\x01\x02", 3, 10, "a\\x01\\x02");
    assert_escaped("a\x01\x02", 3, 9, "a\\x01...");
    assert_escaped("a\x01\x02", 3, 8, "a...");
    assert_escaped("\n\n\n", 3, 6, "\\n...");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_logger_nothing_is_made),
        TEST(a_line_arrives_with_its_level),
        TEST(lines_above_the_level_are_not_made),
        TEST(no_level_stands_for_info),
        TEST(a_line_is_cut_at_its_limit),
        TEST(a_line_stays_one_line),
        TEST(the_limit_of_a_second_holds_to_the_line),
        TEST(no_limit_stands_for_a_hundred),
        TEST(lines_that_are_not_wanted_do_not_count),
        TEST(what_was_dropped_is_told_at_a_level_that_is_wanted),
        TEST(a_second_a_little_back_is_the_same),
        TEST(a_clock_far_back_is_another_clock),
        TEST(a_new_logger_starts_afresh),
        TEST(threads_share_the_limit),
        TEST(bytes_are_escaped),
        TEST(what_does_not_fit_ends_in_dots),
        TEST(escapes_are_not_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
