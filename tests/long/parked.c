/* 200,000 tasks that wait: that they can be had at all, what each costs, and that all of it comes
 * back. It takes some 900 MB and a few seconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <wherry.h>

#include "loop/stack.h"

#define TASKS 200000

static int park(void *argument)
{
    return wherry_event_wait(argument, WHERRY_NEVER);
}

static size_t lines_of(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t lines = 0;
    int c;

    assert_non_null(file);
    while ((c = getc(file)) != EOF)
        lines += c == '\n';
    (void)fclose(file);
    return lines;
}

/* Anonymous memory of this process, in bytes. */
static size_t anonymous(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    char line[128];
    size_t kib = 0;

    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, "Anonymous:", 10) == 0)
            kib = strtoul(line + 10, NULL, 10);
    (void)fclose(file);
    return kib << 10;
}

static void two_hundred_thousand_tasks_wait_at_once(void **state)
{
    wherry_loop_statistics statistics;
    wherry_event *event;
    wherry_loop *loop;
    size_t before;

    (void)state;
    assert_int_equal(wherry_loop_new(&loop), WHERRY_OK);
    assert_int_equal(wherry_event_new(&event, loop), WHERRY_OK);
    before = anonymous();
    for (int i = 0; i < TASKS; i++)
        assert_int_equal(wherry_spawn(NULL, park, event, .loop = loop), WHERRY_OK);
    assert_true(wherry_loop_step(loop) > 0);
    while (wherry_loop_step(loop) > 0)
        continue;
    wherry_loop_statistics_read(loop, &statistics);
    assert_int_equal(statistics.tasks, TASKS);
    assert_true(lines_of("/proc/self/maps") < 1000);
    assert_in_range((anonymous() - before) / TASKS, 1, 4400);
    wherry_event_set(event);
    while (wherry_loop_step(loop) > 0)
        continue;
    wherry_loop_statistics_read(loop, &statistics);
    assert_int_equal(statistics.tasks, 0);
    assert_in_range(statistics.stacks, 0, 1024);
    wherry_event_free(event);
    wherry_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_hundred_thousand_tasks_wait_at_once),
    };

    if (!wherry__stack_guard_is_light()) {
        printf(
            "skipped: guards split the mappings of this kernel, of which a process has 65,530\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
