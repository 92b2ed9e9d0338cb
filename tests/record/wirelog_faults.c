/* Every file call of a wirelog failing once, and every allocation: streams notice nothing, one line
 * in the log tells, and what was written before ends with a whole record. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "record/wirelog.h"
#include "support/folder.h"
#include "support/net.h"
#include "support/shark.h"

#define RX WHERRY_WIRELOG_RECEIVED
#define RECORDS 60

static net world;
static size_t lines;
static wherry_logger logger;

static void take_line(wherry_logger *self, wherry_log_level level, const char *line)
{
    (void)self;
    (void)level;
    if (strstr(line, "nothing more is recorded") == NULL)
        fail_msg("it says \"%s\"", line);
    lines++;
}

static int set_up(void **state)
{
    if (folder_open(state) != 0)
        return -1;
    setenv("TMPDIR", folder(), 1);
    logger.write = take_line;
    logger.lines_per_second = UINT_MAX;
    wherry_log_set(&logger);
    lines = 0;
    net_open(&world, wherry_system_epoll(), WHERRY_CLOCK_REAL);
    return 0;
}

static int tear_down(void **state)
{
    net_close(&world);
    wherry_log_set(NULL);
    return folder_close(state);
}

/* --- a disk that fails at a chosen call */

static struct {
    size_t calls, fail_at;
    int number; /* of the failure */
    bool cuts;  /* a write takes half before that */
} faults;

static bool fails(void)
{
    return ++faults.calls == faults.fail_at;
}

#define REAL (&wherry__disk_of_machine)

static int create(const wherry__disk *self, const char *path, int fresh)
{
    (void)self;
    return fails() ? -faults.number : REAL->create(REAL, path, fresh);
}

static ssize_t write_some(const wherry__disk *self, int descriptor, const void *data, size_t size)
{
    (void)self;
    if (!fails())
        return REAL->write(REAL, descriptor, data, size);
    if (faults.cuts && size > 1) {
        faults.fail_at++; /* the rest is what fails */
        return REAL->write(REAL, descriptor, data, size / 2);
    }
    return -faults.number;
}

static ssize_t read_some(const wherry__disk *self, int descriptor, void *data, size_t size,
                         off_t from)
{
    (void)self;
    return fails() ? -faults.number : REAL->read(REAL, descriptor, data, size, from);
}

static int truncate_to(const wherry__disk *self, int descriptor, off_t size)
{
    (void)self;
    return fails() ? -faults.number : REAL->truncate(REAL, descriptor, size);
}

static int sync_file(const wherry__disk *self, int descriptor)
{
    (void)self;
    return fails() ? -faults.number : REAL->sync(REAL, descriptor);
}

/* It closes in any case, as the system does. */
static int close_file(const wherry__disk *self, int descriptor)
{
    const int result = REAL->close(REAL, descriptor);

    (void)self;
    return fails() ? -faults.number : result;
}

static int remove_file(const wherry__disk *self, const char *path)
{
    (void)self;
    return fails() ? -faults.number : REAL->remove(REAL, path);
}

static int make_folder(const wherry__disk *self, const char *path)
{
    (void)self;
    return fails() ? -faults.number : REAL->make_folder(REAL, path);
}

static int make_new_folder(const wherry__disk *self, char *path)
{
    (void)self;
    return fails() ? -faults.number : REAL->make_new_folder(REAL, path);
}

static int remove_folder(const wherry__disk *self, const char *path)
{
    (void)self;
    return fails() ? -faults.number : REAL->remove_folder(REAL, path);
}

static const wherry__disk failing_disk = {
    .create = create,
    .write = write_some,
    .read = read_some,
    .truncate = truncate_to,
    .sync = sync_file,
    .close = close_file,
    .remove = remove_file,
    .make_folder = make_folder,
    .make_new_folder = make_new_folder,
    .remove_folder = remove_folder,
};

/* --- what is done with them */

/* Lines of 100 bytes, in files of 10. */
static void talk(couple *self)
{
    char text[101];

    for (int i = 0; i < RECORDS; i++) {
        const size_t before = self->told.length;

        (void)snprintf(text, sizeof(text), "%099d\n", i);
        net_put(self->far, text, 100);
        NET_UNTIL(self->world, self->told.length == before + 100);
        assert_int_equal(wherry_stream_send(self->stream, wherry_bytes_at(text, 100), WHERRY_NOW),
                         WHERRY_OK);
        net_settle(self->world);
    }
}

/* Returns whether it could be opened. */
static bool record_with(wherry_wirelog *log)
{
    uint8_t taken[RECORDS * 100 + 1];
    wherry_bytes text;
    couple self;
    ssize_t last;
    int opened;

    log->disk = &failing_disk;
    opened = wherry_wirelog_open(log, 0);
    couple_open(&self, &world, NET_UNIX, .wirelog = log);
    talk(&self);
    (void)wherry_wirelog_read(log, RX, &text);
    (void)wherry_wirelog_flush(log);
    wherry_stream_close(self.stream);
    assert_int_equal(net_take_all(&world, self.far, taken, sizeof(taken), &last), RECORDS * 100);
    couple_close(&self);
    wherry_wirelog_close(log, 0);
    return opened == WHERRY_OK;
}

/* No number of files is over the limit, and each has whole records, unless the disk would not even
 * cut the last one. */
static void assert_whole(bool is_text)
{
    char names[4096], *name, *rest = NULL;
    size_t length, files = 0;

    (void)snprintf(names, sizeof(names), "%s", folder_list(folder_path("logs")));
    for (name = strtok_r(names, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest)) {
        char path[512];

        (void)snprintf(path, sizeof(path), "%s/%s", folder_path("logs"), name);
        free(folder_read(path, &length));
        if (is_text)
            assert_int_equal(length % 100, 0);
        assert_true(length <= 1024);
        assert_int_equal(unlink(path), 0);
        files++;
    }
    assert_true(files <= (is_text ? 6 : 3));
}

static size_t try_each(const wherry_wirelog_options *options, int number, bool cuts)
{
    const bool is_text = options->form == WHERRY_WIRELOG_TEXT;
    size_t calls;

    faults.number = number;
    faults.cuts = cuts;
    faults.fail_at = 0;
    do {
        wherry_wirelog_options mine = *options;
        wherry_wirelog *log;
        bool opened;

        faults.calls = 0;
        faults.fail_at++;
        lines = 0;
        mine.result = &log;
        assert_int_equal(wherry_wirelog_new_with(&mine), WHERRY_OK);
        opened = record_with(log);
        wherry_wirelog_free(log);
        calls = faults.calls;
        assert_true(lines <= 1);
        assert_true(opened || lines == 0);
        if (options->temporary == 0)
            assert_whole(is_text);
    } while (calls >= faults.fail_at);
    assert_int_equal(lines, 0);
    return calls;
}

static void text_in_files_survives_every_fault(void **state)
{
    const wherry_wirelog_options options = { .size = sizeof(options),
                                             .loop = world.loop,
                                             .form = WHERRY_WIRELOG_TEXT,
                                             .folder = folder_path("logs"),
                                             .format = "%b",
                                             .size_max = 1024,
                                             .files_max = 3 };

    (void)state;
    assert_true(try_each(&options, ENOSPC, false) > 100);
    assert_true(try_each(&options, EIO, true) > 100);
}

static void packets_survive_every_fault(void **state)
{
    const wherry_wirelog_options options = { .size = sizeof(options),
                                             .loop = world.loop,
                                             .form = WHERRY_WIRELOG_PCAPNG,
                                             .folder = folder_path("logs"),
                                             .size_max = 1024,
                                             .files_max = 3 };

    (void)state;
    assert_true(try_each(&options, EDQUOT, true) > 100);
}

static void temporary_files_survive_every_fault(void **state)
{
    const wherry_wirelog_options options = { .size = sizeof(options),
                                             .loop = world.loop,
                                             .form = WHERRY_WIRELOG_TEXT,
                                             .temporary = 1,
                                             .size_max = 1024,
                                             .files_max = 2 };

    (void)state;
    assert_true(try_each(&options, EMFILE, false) > 100);
}

/* --- packets that were cut off */

static void what_is_left_of_packets_is_sound(void **state)
{
    wherry_wirelog *log;

    (void)state;
    faults.number = ENOSPC;
    faults.cuts = true;
    faults.calls = 0;
    faults.fail_at = 10;
    assert_int_equal(wherry_wirelog_new(&log, .loop = world.loop, .form = WHERRY_WIRELOG_PCAPNG,
                                        .path = folder_path("log.pcapng")),
                     WHERRY_OK);
    assert_true(record_with(log));
    wherry_wirelog_free(log);
    assert_int_equal(lines, 1);
    shark_assert_sound(folder_path("log.pcapng"));
}

/* --- memory */

static int memory_scenario(wherry_memory *memory)
{
    wherry_stream *stream = NULL;
    wherry_wirelog *log = NULL;
    wherry_loop *loop;
    int ends[2], result;

    result = wherry_loop_new(&loop, .memory = memory);
    if (result < 0)
        return result;
    net_pair(NET_UNIX, ends);
    result = wherry_wirelog_new(&log, .loop = loop, .form = WHERRY_WIRELOG_PCAPNG,
                                .path = folder_path("log.pcapng"));
    if (result == WHERRY_OK)
        result = wherry_wirelog_open(log, 0);
    if (result == WHERRY_OK)
        result = wherry_stream_new(&stream, .loop = loop, .descriptor = ends[0], .wirelog = log);
    if (result == WHERRY_OK) {
        (void)wherry_stream_send(stream, wherry_text("hello"), WHERRY_NOW);
        result = wherry_stream_flush(stream, WHERRY_NOW);
        wherry_stream_free(stream);
    } else {
        close(ends[0]);
    }
    close(ends[1]);
    wherry_loop_free(loop);
    wherry_wirelog_free(log);
    return result;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    assert_true(failing_memory_try(memory_scenario) > 5);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(text_in_files_survives_every_fault),  TEST(packets_survive_every_fault),
        TEST(temporary_files_survive_every_fault), TEST(what_is_left_of_packets_is_sound),
        TEST(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
