#include "support/wirelog_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/log.h>

wirelog_fixture wirelogs;

static wherry_logger logger;
static int64_t time_of_day;

static void take_line(wherry_logger *self, wherry_log_level level, const char *line)
{
    (void)self;
    assert_int_equal(level, WHERRY_LOG_ERROR);
    wirelogs.told++;
    (void)snprintf(wirelogs.last, sizeof(wirelogs.last), "%s", line);
}

int wirelog_set_up(void **state)
{
    if (folder_open(state) != 0)
        return -1;
    setenv("TMPDIR", folder(), 1);
    setenv("XDG_STATE_HOME", folder(), 1);
    memset(&wirelogs, 0, sizeof(wirelogs));
    logger = (wherry_logger){ .write = take_line };
    wherry_log_set(&logger);
    net_open(&wirelogs.net, wherry_system_epoll(), WHERRY_CLOCK_VIRTUAL);
    return 0;
}

int wirelog_tear_down(void **state)
{
    net_close(&wirelogs.net);
    wherry_log_set(NULL);
    return folder_close(state);
}

int wirelog_try_new(wherry_wirelog **log, wherry_wirelog_options options)
{
    options.size = sizeof(options);
    options.result = log;
    options.loop = wirelogs.net.loop;
    return wherry_wirelog_new_with(&options);
}

void wirelog_note(wherry_wirelog *log, wherry_wirelog_direction direction, const char *text)
{
    assert_int_equal(wherry_wirelog_write(log, direction, NULL, wherry_text(text)), WHERRY_OK);
}

void wirelog_note_number(wherry_wirelog *log, int number)
{
    char text[101];

    (void)snprintf(text, sizeof(text), "%099d\n", number);
    wirelog_note(log, RX, text);
}

void wirelog_expect_bytes(wherry_wirelog *log, wherry_wirelog_direction direction, const void *data,
                          size_t length)
{
    wherry_bytes read;

    assert_int_equal(wherry_wirelog_read(log, direction, &read), WHERRY_OK);
    assert_int_equal(read.length, length);
    if (length > 0)
        assert_memory_equal(read.data, data, length);
}

void wirelog_expect(wherry_wirelog *log, wherry_wirelog_direction direction, const char *text)
{
    wirelog_expect_bytes(log, direction, text, strlen(text));
}

static int64_t wall(wherry_system *self)
{
    (void)self;
    return time_of_day;
}

void wirelog_set_time(int64_t time)
{
    time_of_day = time;
    wherry_faulty_system(wirelogs.net.system)->wall = wall;
}
