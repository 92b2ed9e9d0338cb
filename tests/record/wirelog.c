/* Wirelogs by themselves: options, forms, files, and what goes wrong with them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/folder.h"
#include "support/net.h"

#define RX WHERRY_WIRELOG_RECEIVED
#define TX WHERRY_WIRELOG_SENT

static net world;

static struct {
    wherry_logger logger; /* first */
    size_t lines;
    char last[600];
} told;

static void take_line(wherry_logger *self, wherry_log_level level, const char *line)
{
    (void)self;
    assert_int_equal(level, WHERRY_LOG_ERROR);
    told.lines++;
    (void)snprintf(told.last, sizeof(told.last), "%s", line);
}

static int set_up(void **state)
{
    if (folder_open(state) != 0)
        return -1;
    setenv("TMPDIR", folder(), 1);
    setenv("XDG_STATE_HOME", folder(), 1);
    memset(&told, 0, sizeof(told));
    told.logger.write = take_line;
    wherry_log_set(&told.logger);
    net_open(&world, wherry_system_epoll(), WHERRY_CLOCK_VIRTUAL);
    return 0;
}

static int tear_down(void **state)
{
    net_close(&world);
    wherry_log_set(NULL);
    return folder_close(state);
}

static int try_new(wherry_wirelog **log, wherry_wirelog_options options)
{
    options.size = sizeof(options);
    options.result = log;
    options.loop = world.loop;
    return wherry_wirelog_new_with(&options);
}

#define NEW(log, ...)                                                                              \
    assert_int_equal(try_new(log, (wherry_wirelog_options){ __VA_ARGS__ }), WHERRY_OK)
#define OPENED(log, ...)                                                                           \
    do {                                                                                           \
        NEW(log, __VA_ARGS__);                                                                     \
        assert_int_equal(wherry_wirelog_open(*(log), 0), WHERRY_OK);                               \
    } while (0)

static void note(wherry_wirelog *log, wherry_wirelog_direction direction, const char *data)
{
    assert_int_equal(wherry_wirelog_write(log, direction, NULL, wherry_text(data)), WHERRY_OK);
}

static void expect_bytes(wherry_wirelog *log, wherry_wirelog_direction direction, const void *data,
                         size_t length)
{
    wherry_bytes read;

    assert_int_equal(wherry_wirelog_read(log, direction, &read), WHERRY_OK);
    assert_int_equal(read.length, length);
    if (length > 0)
        assert_memory_equal(read.data, data, length);
}

static void expect(wherry_wirelog *log, wherry_wirelog_direction direction, const char *text)
{
    expect_bytes(log, direction, text, strlen(text));
}

/* --- options */

static void assert_misuse(wherry_wirelog_options options, const char *part)
{
    wherry_wirelog *log = NULL;

    assert_int_equal(try_new(&log, options), WHERRY_E_MISUSE);
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
    assert_int_equal(wherry_wirelog_new(NULL, .loop = world.loop), WHERRY_E_MISUSE);
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
    note(log, RX, "x");
    expect(log, RX, format);
    wherry_wirelog_free(log);
}

static void without_a_loop_there_is_none(void **state)
{
    wherry_wirelog *log = NULL;

    (void)state;
    assert_int_equal(wherry_wirelog_new(&log), WHERRY_E_MISUSE);
    assert_null(log);
}

/* --- records */

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
    expect(log, RX, "<Rx|10.0.0.1:7|in|%|in><Tx||out|%|out>");
    wherry_wirelog_free(log);
}

static int64_t wall_time;

static int64_t wall(wherry_system *self)
{
    (void)self;
    return wall_time;
}

static void times_are_of_the_day_to_the_nanosecond(void **state)
{
    wherry_system *system = wherry_faulty_system(world.system);
    int64_t (*former)(wherry_system *) = system->wall;
    wherry_wirelog *log;

    (void)state;
    system->wall = wall;
    OPENED(&log, .format = "%t ");
    wall_time = INT64_C(1769903999123456789);
    note(log, RX, "x");
    wall_time = 0;
    note(log, RX, "x");
    wall_time = -1;
    note(log, RX, "x");
    expect(log, RX,
           "2026-01-31T23:59:59.123456789Z 1970-01-01T00:00:00.000000000Z "
           "1969-12-31T23:59:59.999999999Z ");
    wherry_wirelog_free(log);
    system->wall = former;
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
    expect(log, RX, text);
    wherry_wirelog_free(log);
}

static void hex_has_offsets_digits_and_what_can_be_read(void **state)
{
    wherry_wirelog *log;

    (void)state;
    OPENED(&log, .format = "%b\n", .bytes = WHERRY_WIRELOG_HEX);
    note(log, RX, "0123456789abcdef");
    note(log, RX, "0123456789abcdef\n\x7f!");
    note(log, TX, "x");
    expect(log, RX,
           "00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66 |0123456789abcdef|\n"
           "00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66 |0123456789abcdef|\n"
           "00000010  0a 7f 21                                        |..!|\n");
    expect(log, TX, "00000000  78                                              |x|\n");
    wherry_wirelog_free(log);
}

static void without_bytes_there_is_no_record(void **state)
{
    wherry_wirelog *log;

    (void)state;
    OPENED(&log, .together = 1);
    note(log, RX, "");
    expect(log, RX, "");
    wherry_wirelog_free(log);
}

static void a_direction_that_is_left_out_has_no_text_and_no_file(void **state)
{
    wherry_wirelog *log;
    wherry_bytes text;

    (void)state;
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .folder = folder_path("logs"), .no_received = 1,
           .format = "%b");
    note(log, RX, "in");
    note(log, TX, "out");
    expect(log, TX, "out");
    assert_int_equal(wherry_wirelog_read(log, RX, &text), WHERRY_E_NOT_FOUND);
    assert_string_equal(wherry_wirelog_path(log, RX), "");
    assert_int_equal(wherry_wirelog_flush(log), WHERRY_OK);
    assert_null(strstr(folder_list(folder_path("logs")), ".rx.log"));
    wherry_wirelog_free(log);
    OPENED(&log, .together = 1, .no_sent = 1, .format = "%b");
    note(log, RX, "in");
    note(log, TX, "out");
    expect(log, RX, "in");
    assert_int_equal(wherry_wirelog_read(log, TX, &text), WHERRY_E_NOT_FOUND);
    wherry_wirelog_free(log);
}

/* --- open and closed */

static void opening_again_begins_anew(void **state)
{
    wherry_wirelog *log;

    (void)state;
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .path = folder_path("log"), .format = "%b",
           .together = 1);
    note(log, RX, "one");
    assert_int_equal(wherry_wirelog_open(log, 0), WHERRY_OK);
    expect(log, RX, "");
    note(log, TX, "two");
    wherry_wirelog_close(log, 0);
    wherry_wirelog_close(log, 1);
    folder_assert(folder_path("log"), "two");
    assert_int_equal(wherry_wirelog_open(log, 0), WHERRY_OK);
    expect(log, RX, "");
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
        note(log, RX, "kept");
        wherry_wirelog_close(log, 0);
    }
    assert_string_equal(wherry_wirelog_path(log, RX), folder_path("log.rx"));
    wherry_wirelog_free(log);
    folder_assert(folder_path("log.rx"), "kept");
    folder_assert(folder_path("log.tx"), "");
}

static void a_text_in_memory_can_be_read_when_it_is_closed_but_not_when_cleared(void **state)
{
    wherry_wirelog *log;
    wherry_bytes text;

    (void)state;
    OPENED(&log, .format = "%b");
    note(log, RX, "kept");
    wherry_wirelog_close(log, 0);
    expect(log, RX, "kept");
    assert_int_equal(wherry_wirelog_open(log, 0), WHERRY_OK);
    expect(log, RX, "");
    wherry_wirelog_close(log, 1);
    assert_int_equal(wherry_wirelog_read(log, RX, &text), WHERRY_E_CLOSED);
    wherry_wirelog_free(log);
}

static void a_log_goes_on_without_its_loop(void **state)
{
    wherry_wirelog *log;

    (void)state;
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .path = folder_path("log"), .format = "%b",
           .together = 1);
    note(log, RX, "before ");
    wherry_loop_free(world.loop);
    world.loop = NULL;
    folder_assert(folder_path("log"), "before ");
    note(log, RX, "after");
    folder_assert(folder_path("log"), "before after");
    expect(log, RX, "before after");
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

/* --- files */

static void directions_go_before_the_last_extension(void **state)
{
    static const struct {
        const char *path, *received;
    } paths[] = { { "a.log", "a.rx.log" },
                  { "b", "b.rx" },
                  { "c.d.e", "c.d.rx.e" },
                  { ".f", ".f.rx" },
                  { "g.h/i", "g.h/i.rx" } };
    wherry_wirelog *log;

    (void)state;
    assert_int_equal(mkdir(folder_path("g.h"), 0700), 0);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .path = folder_path(paths[i].path));
        assert_string_equal(wherry_wirelog_path(log, RX), folder_path(paths[i].received));
        assert_int_equal(access(folder_path(paths[i].received), F_OK), 0);
        wherry_wirelog_free(log);
    }
}

static void files_are_for_their_owner_only(void **state)
{
    wherry_wirelog *log;
    struct stat status;

    (void)state;
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .folder = folder_path("a/b//c"), .together = 1);
    assert_int_equal(stat(wherry_wirelog_path(log, RX), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(stat(folder_path("a/b/c"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    wherry_wirelog_free(log);
}

static void logs_of_one_name_opened_at_one_time_have_files_of_their_own(void **state)
{
    wherry_system *system = wherry_faulty_system(world.system);
    int64_t (*former)(wherry_system *) = system->wall;
    wherry_wirelog *logs[3];

    (void)state;
    system->wall = wall;
    wall_time = INT64_C(1769903999999999000);
    for (int i = 0; i < 3; i++)
        OPENED(&logs[i], .form = WHERRY_WIRELOG_PCAPNG, .folder = folder_path("logs"));
    assert_string_equal(folder_list(folder_path("logs")),
                        "main.2026-01-31_23-59-59_999999.pcapng "
                        "main.2026-02-01_00-00-00_000000.pcapng "
                        "main.2026-02-01_00-00-00_000001.pcapng ");
    for (int i = 0; i < 3; i++)
        wherry_wirelog_free(logs[i]);
    system->wall = former;
}

static void without_a_folder_files_go_to_the_users_own(void **state)
{
    wherry_wirelog *log;

    (void)state;
    setenv("XDG_STATE_HOME", "not/absolute", 1);
    setenv("HOME", folder(), 1);
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .together = 1);
    assert_non_null(
        strstr(wherry_wirelog_path(log, RX), folder_path(".local/state/wherry/wirelogs/main.")));
    wherry_wirelog_close(log, 0);
    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    assert_int_equal(wherry_wirelog_open(log, 0), WHERRY_E_NOT_FOUND);
    assert_non_null(strstr(wherry_problem(), "HOME"));
    wherry_wirelog_free(log);
}

static void what_is_recorded_is_written_in_the_next_pass(void **state)
{
    wherry_wirelog *log;

    (void)state;
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .path = folder_path("log"), .format = "%b",
           .together = 1);
    note(log, RX, "one");
    note(log, TX, "two");
    folder_assert(folder_path("log"), "");
    net_settle(&world);
    folder_assert(folder_path("log"), "onetwo");
    note(log, RX, "three");
    assert_int_equal(wherry_wirelog_flush(log), WHERRY_OK);
    folder_assert(folder_path("log"), "onetwothree");
    wherry_wirelog_free(log);
}

/* 100 bytes each. */
static void note_number(wherry_wirelog *log, int number)
{
    char text[101];

    (void)snprintf(text, sizeof(text), "%099d\n", number);
    note(log, RX, text);
}

static void a_full_file_is_followed_by_another_and_the_oldest_goes(void **state)
{
    wherry_wirelog *log;
    wherry_bytes text;

    (void)state;
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .path = folder_path("log"), .format = "%b",
           .together = 1, .size_max = 1024, .files_max = 3);
    for (int i = 0; i < 10; i++)
        note_number(log, i);
    assert_string_equal(folder_list(folder()), "log ");
    for (int i = 10; i < 30; i++)
        note_number(log, i);
    assert_string_equal(folder_list(folder()), "log log.1 log.2 ");
    for (int i = 30; i < 55; i++)
        note_number(log, i);
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
    note(log, RX, "1234");
    large[1020] = '\0';
    note(log, RX, large);
    assert_string_equal(folder_list(folder()), "log ");
    note(log, RX, "y");
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
    note(log, RX, "first");
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
        note_number(log, i);
    assert_string_equal(folder_list(folder()), "log.3 ");
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
        note_number(log, i);
    note_number(log, 10); /* 0 to 5 are more than half */
    assert_int_equal(wherry_wirelog_read(log, RX, &text), WHERRY_OK);
    assert_int_equal(text.length, 500);
    assert_memory_equal(text.data + 95, "0006\n", 5);
    for (int i = 11; i < 1000; i++) {
        note_number(log, i);
        assert_int_equal(wherry_wirelog_read(log, RX, &text), WHERRY_OK);
        assert_in_range(text.length, 500, 1000);
        assert_int_equal(text.length % 100, 0);
    }
    assert_memory_equal(text.data + text.length - 5, "0999\n", 5);
    note(log, RX, large);
    expect_bytes(log, RX, large, 1024);
    note(log, RX, "after");
    expect(log, RX, "after");
    wherry_wirelog_free(log);
}

/* --- temporary ones */

static void a_temporary_folder_goes_with_what_it_made_only(void **state)
{
    wherry_wirelog *log;
    char path[512], *slash;

    (void)state;
    NEW(&log, .form = WHERRY_WIRELOG_PCAPNG);
    assert_int_equal(wherry_wirelog_open(log, 1), WHERRY_OK);
    (void)snprintf(path, sizeof(path), "%s", wherry_wirelog_path(log, RX));
    assert_ptr_equal(strstr(path, folder_path("wherry-")), path);
    slash = strrchr(path, '/');
    (void)snprintf(slash, 16, "/mine");
    folder_write(path, "mine");
    wherry_wirelog_close(log, 0);
    folder_assert(path, "mine");
    *slash = '\0';
    assert_string_equal(folder_list(path), "mine ");
    assert_int_equal(wherry_wirelog_open(log, 0), WHERRY_OK); /* not any more */
    assert_non_null(strstr(wherry_wirelog_path(log, RX), "/wirelogs/"));
    wherry_wirelog_free(log);
}

static void a_link_in_the_place_of_a_temporary_folder_is_not_followed(void **state)
{
    wherry_wirelog *log;
    char path[512], *slash;

    (void)state;
    assert_int_equal(mkdir(folder_path("precious"), 0700), 0);
    folder_write(folder_path("precious/file"), "kept");
    NEW(&log, .form = WHERRY_WIRELOG_TEXT, .temporary = 1, .together = 1);
    assert_int_equal(wherry_wirelog_open(log, 0), WHERRY_OK);
    (void)snprintf(path, sizeof(path), "%s", wherry_wirelog_path(log, RX));
    assert_int_equal(unlink(path), 0);
    slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink(folder_path("precious"), path), 0);
    wherry_wirelog_free(log);
    folder_assert(folder_path("precious/file"), "kept");
    assert_int_equal(told.lines, 0);
}

static void temporary_goes_with_neither_path_nor_folder(void **state)
{
    wherry_wirelog *log;

    (void)state;
    NEW(&log, .form = WHERRY_WIRELOG_TEXT, .path = folder_path("log"));
    assert_int_equal(wherry_wirelog_open(log, 1), WHERRY_E_MISUSE);
    wherry_wirelog_free(log);
    NEW(&log, .form = WHERRY_WIRELOG_TEXT, .folder = folder());
    assert_int_equal(wherry_wirelog_open(log, 1), WHERRY_E_MISUSE);
    wherry_wirelog_free(log);
    NEW(&log, .format = "%b");
    assert_int_equal(wherry_wirelog_open(log, 1), WHERRY_OK); /* in memory it means nothing */
    wherry_wirelog_free(log);
    assert_string_equal(folder_list(folder()), "");
}

/* --- what goes wrong */

static void cannot_open(const char *path, const char *in, int code)
{
    wherry_wirelog *log;

    NEW(&log, .form = WHERRY_WIRELOG_TEXT, .path = path, .folder = in);
    assert_int_equal(wherry_wirelog_open(log, 0), code);
    assert_non_null(strstr(wherry_problem(), path != NULL ? path : in));
    assert_false(wherry_wirelog_is_open(log));
    assert_string_equal(wherry_wirelog_path(log, RX), "");
    assert_int_equal(wherry_wirelog_write(log, RX, NULL, wherry_text("x")), WHERRY_E_CLOSED);
    wherry_wirelog_free(log);
}

static void places_where_no_file_can_be_are_told(void **state)
{
    (void)state;
    folder_write(folder_path("file"), "");
    assert_int_equal(mkdir(folder_path("x.rx"), 0700), 0);
    cannot_open(folder_path("missing/x"), NULL, WHERRY_E_NOT_FOUND);
    cannot_open(folder_path("file/x"), NULL, WHERRY_E_NOT_FOUND);
    cannot_open(folder_path("x"), NULL, WHERRY_E_INVALID);
    cannot_open(folder_path("x.rx/"), NULL, WHERRY_E_INVALID);
    cannot_open(folder_path("x.rx/."), NULL, WHERRY_E_INVALID);
    cannot_open(folder_path("x.rx/.."), NULL, WHERRY_E_INVALID);
    cannot_open(NULL, folder_path("file"), WHERRY_E_NOT_FOUND);
    assert_int_equal(told.lines, 0);
}

static void a_folder_that_cannot_be_written_is_told(void **state)
{
    const uid_t user = geteuid();

    (void)state;
    assert_int_equal(chmod(folder(), 0755), 0);
    assert_int_equal(mkdir(folder_path("locked"), 0555), 0);
    if (user == 0) /* it may write everywhere */
        assert_int_equal(seteuid(65534), 0);
    cannot_open(folder_path("locked/x"), NULL, WHERRY_E_NO_PERMISSION);
    cannot_open(NULL, folder_path("locked"), WHERRY_E_NO_PERMISSION);
    cannot_open(NULL, folder_path("locked/below"), WHERRY_E_NO_PERMISSION);
    assert_int_equal(seteuid(user), 0);
}

static void a_second_file_that_cannot_be_made_is_told(void **state)
{
    (void)state;
    assert_int_equal(mkdir(folder_path("y.tx"), 0700), 0);
    cannot_open(folder_path("y"), NULL, WHERRY_E_INVALID);
}

static void a_next_file_that_cannot_be_made_leaves_the_last_one_whole(void **state)
{
    uint8_t large[1021] = { 0 };
    wherry_wirelog *log;
    wherry_bytes text;

    (void)state;
    assert_int_equal(mkdir(folder_path("x.1"), 0700), 0);
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .path = folder_path("x"), .together = 1,
           .format = "%b", .size_max = 1024);
    note(log, RX, "kept");
    assert_int_equal(wherry_wirelog_write(log, RX, NULL, wherry_bytes_at(large, sizeof(large))),
                     WHERRY_E_INVALID);
    assert_int_equal(told.lines, 1);
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
    note(log, RX, "lost");
    net_settle(&world);
    assert_int_equal(told.lines, 1);
    assert_non_null(strstr(told.last, "/dev/full"));
    assert_non_null(strstr(told.last, "No space left"));
    for (int i = 0; i < 3; i++)
        assert_int_equal(wherry_wirelog_write(log, RX, NULL, wherry_text("x")), WHERRY_E_FULL);
    assert_int_equal(wherry_wirelog_flush(log), WHERRY_E_FULL);
    assert_true(wherry_wirelog_is_open(log));
    wherry_wirelog_close(log, 0);
    assert_int_equal(told.lines, 1);
    assert_int_equal(wherry_wirelog_open(log, 0), WHERRY_OK); /* a new beginning */
    note(log, RX, "lost");
    wherry_wirelog_free(log);
    assert_int_equal(told.lines, 2);
}

static void what_is_deleted_or_moved_is_written_on(void **state)
{
    wherry_wirelog *log;

    (void)state;
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .path = folder_path("log"), .together = 1,
           .format = "%b");
    note(log, RX, "one");
    assert_int_equal(wherry_wirelog_flush(log), WHERRY_OK);
    assert_int_equal(unlink(folder_path("log")), 0);
    note(log, RX, "two");
    expect(log, RX, "onetwo");
    wherry_wirelog_close(log, 1);
    wherry_wirelog_free(log);
    assert_int_equal(told.lines, 0);
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
    assert_int_equal(told.lines, 1);
    wherry_wirelog_free(log);
}

static void without_memory_a_text_ends(void **state)
{
    wherry_wirelog *log;
    char large[1000];

    (void)state;
    memset(large, 'x', sizeof(large));
    OPENED(&log, .format = "%b");
    note(log, RX, "kept");
    world.memory.fail_at = world.memory.calls + 1;
    assert_int_equal(wherry_wirelog_write(log, RX, NULL, wherry_bytes_at(large, sizeof(large))),
                     WHERRY_E_NO_MEMORY);
    expect(log, RX, "kept");
    assert_int_equal(told.lines, 1);
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
    note(log, RX, "once");
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        wherry_loop_forget(world.loop);
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(options_that_make_no_sense_are_named),
        TEST(options_at_their_limits_are_taken),
        TEST(without_a_loop_there_is_none),
        TEST(what_stands_in_a_format_is_filled_in),
        TEST(times_are_of_the_day_to_the_nanosecond),
        TEST(escaped_bytes_are_one_line_of_ascii),
        TEST(hex_has_offsets_digits_and_what_can_be_read),
        TEST(without_bytes_there_is_no_record),
        TEST(a_direction_that_is_left_out_has_no_text_and_no_file),
        TEST(opening_again_begins_anew),
        TEST(what_is_closed_takes_nothing),
        TEST(a_text_in_memory_can_be_read_when_it_is_closed_but_not_when_cleared),
        TEST(a_log_goes_on_without_its_loop),
        TEST(pcapng_is_neither_written_nor_read_by_programs),
        TEST(directions_go_before_the_last_extension),
        TEST(files_are_for_their_owner_only),
        TEST(logs_of_one_name_opened_at_one_time_have_files_of_their_own),
        TEST(without_a_folder_files_go_to_the_users_own),
        TEST(what_is_recorded_is_written_in_the_next_pass),
        TEST(a_full_file_is_followed_by_another_and_the_oldest_goes),
        TEST(a_record_that_just_fits_stays_and_one_byte_more_goes_on),
        TEST(a_record_larger_than_a_file_is_cut_in_several),
        TEST(one_file_is_kept_if_that_is_what_is_asked_for),
        TEST(a_full_text_in_memory_loses_its_older_half_and_begins_with_a_record),
        TEST(a_temporary_folder_goes_with_what_it_made_only),
        TEST(a_link_in_the_place_of_a_temporary_folder_is_not_followed),
        TEST(temporary_goes_with_neither_path_nor_folder),
        TEST(places_where_no_file_can_be_are_told),
        TEST(a_folder_that_cannot_be_written_is_told),
        TEST(a_second_file_that_cannot_be_made_is_told),
        TEST(a_next_file_that_cannot_be_made_leaves_the_last_one_whole),
        TEST(a_full_disk_is_told_once_and_what_comes_is_dropped),
        TEST(what_is_deleted_or_moved_is_written_on),
        TEST(a_pipe_that_nobody_reads_makes_nobody_wait),
        TEST(without_memory_a_text_ends),
        TEST(a_child_process_leaves_the_files_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
