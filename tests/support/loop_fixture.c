#include "support/loop_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/log.h>

#define LINES 32
#define LINE_SIZE 512
#define TRACE_SIZE 4096

static loop_fixture shared;
static char traced[TRACE_SIZE];
static atomic_int failures;

static struct {
    wherry_logger logger;
    atomic_size_t count;
    char lines[LINES][LINE_SIZE];
} log_kept;

static void keep_line(wherry_logger *self, wherry_log_level level, const char *line)
{
    const size_t place = atomic_fetch_add(&log_kept.count, 1);

    (void)self, (void)level;
    if (place < LINES)
        (void)snprintf(log_kept.lines[place], LINE_SIZE, "%s", line);
}

int loop_fixture_open(void **state)
{
    memset(&log_kept, 0, sizeof(log_kept));
    log_kept.logger.write = keep_line;
    log_kept.logger.lines_per_second = 100000;
    wherry_log_set(&log_kept.logger);
    traced[0] = '\0';
    atomic_store(&failures, 0);
    failing_memory_init(&shared.memory, 0, false);
    *state = &shared;
    return wherry_loop_new(&shared.loop, .clock = WHERRY_CLOCK_VIRTUAL,
                           .memory = &shared.memory.base);
}

int loop_fixture_close(void **state)
{
    loop_fixture *fixture = *state;

    wherry_loop_free(fixture->loop);
    fixture->loop = NULL;
    wherry_log_set(NULL);
    failing_memory_assert_empty(&fixture->memory);
    return atomic_load(&failures) == 0 ? 0 : -1;
}

void loop_fixture_free(loop_fixture *fixture)
{
    wherry_loop_free(fixture->loop);
    fixture->loop = NULL;
}

wherry_loop *loop_fixture_stepped(loop_fixture *fixture, int64_t tock)
{
    wherry_loop_free(fixture->loop);
    assert_int_equal(wherry_loop_new(&fixture->loop, .clock = WHERRY_CLOCK_STEPPED, .tock = tock,
                                     .memory = &fixture->memory.base),
                     WHERRY_OK);
    return fixture->loop;
}

void loop_fixture_pass(loop_fixture *fixture, int count)
{
    for (int i = 0; i < count; i++)
        assert_true(wherry_loop_step(fixture->loop) >= 0);
}

void loop_fixture_finish(loop_fixture *fixture)
{
    assert_int_equal(wherry_loop_run(fixture->loop), WHERRY_OK);
}

size_t loop_fixture_tasks(const loop_fixture *fixture)
{
    wherry_loop_statistics statistics;

    wherry_loop_statistics_read(fixture->loop, &statistics);
    return statistics.tasks;
}

void loop_fixture_run(wherry_loop *loop, wherry_body *body, void *argument)
{
    wherry_task *task;
    int result = -1;

    assert_int_equal(wherry_spawn(&task, body, argument, .name = "test", .loop = loop), WHERRY_OK);
    assert_int_equal(wherry_loop_run(loop), WHERRY_OK);
    assert_true(wherry_task_ended(task));
    assert_int_equal(wherry_task_join(task, &result, WHERRY_NOW), WHERRY_OK);
    wherry_task_release(task);
    assert_int_equal(atomic_load(&failures), 0);
    assert_int_equal(result, 0);
}

void loop_fixture_spawn(wherry_loop *loop, wherry_body *body, void *argument)
{
    assert_int_equal(wherry_spawn(NULL, body, argument, .loop = loop), WHERRY_OK);
}

size_t logged(const char *text)
{
    size_t found = 0;

    for (size_t i = 0; i < LINES && i < atomic_load(&log_kept.count); i++)
        found += strstr(log_kept.lines[i], text) != NULL;
    return found;
}

void trace(const char *text)
{
    const size_t length = strlen(traced);

    (void)snprintf(traced + length, sizeof(traced) - length, "%s", text);
}

void trace_is(const char *expected)
{
    char seen[TRACE_SIZE];

    memcpy(seen, traced, sizeof(seen));
    traced[0] = '\0';
    assert_string_equal(seen, expected);
}

static void trace_r(wherry_watcher *self, wherry_watch *watch, unsigned events)
{
    (void)self, (void)watch, (void)events;
    trace("r");
}

wherry_watcher trace_ready = { .ready = trace_r };

int task_failed(const char *file, int line, const char *condition)
{
    atomic_fetch_add(&failures, 1);
    print_error("%s:%d: on a coroutine: %s\n", file, line, condition);
    return WHERRY_E_CLOSED; /* which nobody logs */
}
