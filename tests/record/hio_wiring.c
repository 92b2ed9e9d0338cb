/* The steps of hio's tests/core/test_wiring.py, with its results: who talks has an address here
 * where hio takes any name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/folder.h"
#include "support/net.h"

#define FIRST_RX "\nRx @bob:\nABCDEFG\n"
#define FIRST_TX "\nTx @bob:\n0123456\n"
#define SECOND_RX "\nRx @eve:\nZYXWVU\n"
#define SECOND_TX "\nTx @eve:\n987654\n"
#define THIRD_RX "\nRx @eve:\nHIJKLM\n"
#define THIRD_TX "\nTx @eve:\n789012\n"
#define FOURTH_RX "\nRx @bob:\nTSRWPO\n"
#define FOURTH_TX "\nTx @bob:\n321098\n"

static net world;

static int set_up(void **state)
{
    if (folder_open(state) != 0)
        return -1;
    setenv("TMPDIR", folder(), 1);
    setenv("XDG_STATE_HOME", folder(), 1);
    net_open(&world, wherry_system_epoll(), WHERRY_CLOCK_STEPPED);
    return 0;
}

static int tear_down(void **state)
{
    net_close(&world);
    return folder_close(state);
}

static void talk(wherry_wirelog *log, wherry_wirelog_direction direction, const char *who,
                 const char *data)
{
    wherry_address address;

    assert_int_equal(wherry_address_parse(&address, who, strlen(who)), WHERRY_OK);
    assert_int_equal(wherry_wirelog_write(log, direction, &address, wherry_text(data)), WHERRY_OK);
}

static void expect(wherry_wirelog *log, wherry_wirelog_direction direction, const char *text)
{
    wherry_bytes read;

    assert_int_equal(wherry_wirelog_read(log, direction, &read), WHERRY_OK);
    assert_int_equal(read.length, strlen(text));
    assert_memory_equal(read.data, text, strlen(text));
}

static void talk_twice(wherry_wirelog *log)
{
    talk(log, WHERRY_WIRELOG_RECEIVED, "@bob", "ABCDEFG");
    talk(log, WHERRY_WIRELOG_SENT, "@bob", "0123456");
    talk(log, WHERRY_WIRELOG_RECEIVED, "@eve", "ZYXWVU");
    talk(log, WHERRY_WIRELOG_SENT, "@eve", "987654");
}

static void talk_again(wherry_wirelog *log)
{
    talk(log, WHERRY_WIRELOG_RECEIVED, "@eve", "HIJKLM");
    talk(log, WHERRY_WIRELOG_SENT, "@eve", "789012");
    talk(log, WHERRY_WIRELOG_RECEIVED, "@bob", "TSRWPO");
    talk(log, WHERRY_WIRELOG_SENT, "@bob", "321098");
}

static void talk_and_expect_two(wherry_wirelog *log)
{
    talk_twice(log);
    expect(log, WHERRY_WIRELOG_RECEIVED, FIRST_RX SECOND_RX);
    expect(log, WHERRY_WIRELOG_SENT, FIRST_TX SECOND_TX);
    talk_again(log);
    expect(log, WHERRY_WIRELOG_RECEIVED, FIRST_RX SECOND_RX THIRD_RX FOURTH_RX);
    expect(log, WHERRY_WIRELOG_SENT, FIRST_TX SECOND_TX THIRD_TX FOURTH_TX);
}

static void talk_and_expect_one(wherry_wirelog *log)
{
    const char *half = FIRST_RX FIRST_TX SECOND_RX SECOND_TX;
    const char *all = FIRST_RX FIRST_TX SECOND_RX SECOND_TX THIRD_RX THIRD_TX FOURTH_RX FOURTH_TX;

    talk_twice(log);
    assert_int_equal(wherry_wirelog_flush(log), WHERRY_OK);
    expect(log, WHERRY_WIRELOG_RECEIVED, half);
    expect(log, WHERRY_WIRELOG_SENT, half);
    talk_again(log);
    expect(log, WHERRY_WIRELOG_RECEIVED, all);
    expect(log, WHERRY_WIRELOG_SENT, all);
}

static wherry_wirelog *opened(wherry_wirelog_options options)
{
    wherry_wirelog *log = NULL;

    options.size = sizeof(options);
    options.result = &log;
    options.loop = world.loop;
    options.name = "test";
    assert_int_equal(wherry_wirelog_new_with(&options), WHERRY_OK);
    assert_false(wherry_wirelog_is_open(log));
    assert_int_equal(wherry_wirelog_open(log, 0), WHERRY_OK);
    assert_true(wherry_wirelog_is_open(log));
    return log;
}

static void closed(wherry_wirelog *log)
{
    wherry_wirelog_close(log, 0);
    assert_false(wherry_wirelog_is_open(log));
    wherry_wirelog_free(log);
}

static bool ends_with(const char *text, const char *end)
{
    return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

static void in_memory_there_are_two_texts(void **state)
{
    wherry_wirelog *log = opened((wherry_wirelog_options){ .temporary = 1 });

    (void)state;
    assert_string_equal(wherry_wirelog_path(log, WHERRY_WIRELOG_RECEIVED), "");
    talk_and_expect_two(log);
    closed(log);
}

static void together_in_memory_there_is_one(void **state)
{
    wherry_wirelog *log = opened((wherry_wirelog_options){ .temporary = 1, .together = 1 });

    (void)state;
    talk_and_expect_one(log);
    closed(log);
}

static void temporary_files_are_two_in_a_folder_that_goes(void **state)
{
    wherry_wirelog *log = opened(
        (wherry_wirelog_options){ .form = WHERRY_WIRELOG_TEXT, .temporary = 1 });
    char path[512];

    (void)state;
    (void)snprintf(path, sizeof(path), "%s", wherry_wirelog_path(log, WHERRY_WIRELOG_RECEIVED));
    assert_ptr_equal(strstr(path, folder_path("wherry-")), path);
    assert_true(ends_with(path, ".rx.log"));
    assert_true(ends_with(wherry_wirelog_path(log, WHERRY_WIRELOG_SENT), ".tx.log"));
    assert_int_equal(access(path, F_OK), 0);
    talk_and_expect_two(log);
    closed(log);
    assert_string_equal(folder_list(folder()), "");
}

static void a_temporary_file_for_both_is_one_in_a_folder_that_goes(void **state)
{
    wherry_wirelog *log = opened(
        (wherry_wirelog_options){ .form = WHERRY_WIRELOG_TEXT, .temporary = 1, .together = 1 });
    const char *path = wherry_wirelog_path(log, WHERRY_WIRELOG_RECEIVED);

    (void)state;
    assert_ptr_equal(strstr(path, folder_path("wherry-")), path);
    assert_true(ends_with(path, ".log"));
    assert_false(ends_with(path, ".rx.log"));
    assert_string_equal(path, wherry_wirelog_path(log, WHERRY_WIRELOG_SENT));
    talk_and_expect_one(log);
    closed(log);
    assert_string_equal(folder_list(folder()), "");
}

static void files_of_the_user_stay(void **state)
{
    wherry_wirelog *log = opened((wherry_wirelog_options){ .form = WHERRY_WIRELOG_TEXT });
    char paths[2][512];

    (void)state;
    for (int i = 0; i < 2; i++) {
        (void)snprintf(paths[i], sizeof(paths[i]), "%s",
                       wherry_wirelog_path(log, (wherry_wirelog_direction)i));
        assert_ptr_equal(strstr(paths[i], folder_path("wherry/wirelogs/test.")), paths[i]);
        assert_true(ends_with(paths[i], i == 0 ? ".rx.log" : ".tx.log"));
    }
    talk_and_expect_two(log);
    closed(log);
    folder_assert(paths[0], FIRST_RX SECOND_RX THIRD_RX FOURTH_RX);
    folder_assert(paths[1], FIRST_TX SECOND_TX THIRD_TX FOURTH_TX);
}

static void a_file_of_the_user_for_both_stays(void **state)
{
    wherry_wirelog *log = opened(
        (wherry_wirelog_options){ .form = WHERRY_WIRELOG_TEXT, .together = 1 });
    char path[512];

    (void)state;
    (void)snprintf(path, sizeof(path), "%s", wherry_wirelog_path(log, WHERRY_WIRELOG_SENT));
    assert_ptr_equal(strstr(path, folder_path("wherry/wirelogs/test.")), path);
    assert_string_equal(path, wherry_wirelog_path(log, WHERRY_WIRELOG_RECEIVED));
    talk_and_expect_one(log);
    closed(log);
    assert_int_equal(access(path, F_OK), 0);
}

/* test_wirelog_doer: tock 0.03125 in real time, a limit of four. */
static void a_task_holds_a_log_open(void **state)
{
    const int64_t tock = WHERRY_SECONDS(1) / 32, limit = 4 * tock;
    wherry_wirelog_steps steps;
    wherry_wirelog *log;
    wherry_group *group;
    wherry_loop *loop;

    (void)state;
    assert_int_equal(wherry_loop_new(&loop, .clock = WHERRY_CLOCK_PACED, .tock = tock), WHERRY_OK);
    assert_int_equal(wherry_loop_now(loop), 0);
    assert_int_equal(wherry_wirelog_new(&log, .loop = loop, .together = 1, .temporary = 1),
                     WHERRY_OK);
    wherry_wirelog_steps_init(&steps, log);
    assert_ptr_equal(steps.log, log);
    assert_int_equal(steps.steps.tock, 0);
    assert_int_equal(
        wherry_group_new(&group, .loop = loop, .members = (wherry_steps *[]){ &steps.steps, NULL }),
        WHERRY_OK);
    assert_true(wherry_wirelog_is_open(log));
    assert_int_equal(wherry_group_run(group, limit), 0);
    assert_int_equal(wherry_loop_now(loop), limit);
    assert_false(wherry_wirelog_is_open(log));
    wherry_group_free(group);
    wherry_wirelog_free(log);
    wherry_loop_free(loop);
}

/* What WireLogDoer does with temp and with a log that is open already. */
static void a_task_opens_a_log_as_it_is_temporary_itself(void **state)
{
    for (int temporary = 0; temporary < 2; temporary++) {
        wherry_wirelog_steps steps;
        wherry_wirelog *log;
        wherry_group *group;

        assert_int_equal(wherry_wirelog_new(&log, .loop = world.loop, .form = WHERRY_WIRELOG_TEXT),
                         WHERRY_OK);
        wherry_wirelog_steps_init(&steps, log);
        assert_int_equal(wherry_group_new(&group, .loop = world.loop, .temporary = temporary,
                                          .members = (wherry_steps *[]){ &steps.steps, NULL }),
                         WHERRY_OK);
        assert_int_equal(
            strstr(wherry_wirelog_path(log, WHERRY_WIRELOG_SENT), "/wirelogs/") == NULL, temporary);
        wherry_group_cancel(group);
        assert_int_equal(wherry_group_run(group, 0), 0);
        assert_false(wherry_wirelog_is_open(log));
        wherry_group_free(group);
        wherry_wirelog_free(log);
    }
    (void)state;
}

static void a_task_takes_a_log_that_is_open_as_it_is(void **state)
{
    wherry_wirelog *log = opened((wherry_wirelog_options){ .form = WHERRY_WIRELOG_TEXT });
    wherry_wirelog_steps steps;
    wherry_task *task;

    (void)state;
    talk(log, WHERRY_WIRELOG_SENT, "@bob", "0123456");
    wherry_wirelog_steps_init(&steps, log);
    assert_int_equal(wherry_spawn_steps(&task, &steps.steps, .loop = world.loop, .temporary = 1),
                     WHERRY_OK);
    expect(log, WHERRY_WIRELOG_SENT, FIRST_TX);
    wherry_task_cancel(task);
    net_settle(&world);
    wherry_task_release(task);
    assert_false(wherry_wirelog_is_open(log));
    wherry_wirelog_free(log);
}

static void a_log_that_cannot_be_opened_fails_the_task(void **state)
{
    wherry_wirelog_steps steps;
    wherry_wirelog *log;

    (void)state;
    assert_int_equal(wherry_wirelog_new(&log, .loop = world.loop, .form = WHERRY_WIRELOG_TEXT,
                                        .path = folder_path("missing/log")),
                     WHERRY_OK);
    wherry_wirelog_steps_init(&steps, log);
    assert_int_equal(wherry_spawn_steps(NULL, &steps.steps, .loop = world.loop),
                     WHERRY_E_NOT_FOUND);
    wherry_wirelog_free(log);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(in_memory_there_are_two_texts),
        TEST(together_in_memory_there_is_one),
        TEST(temporary_files_are_two_in_a_folder_that_goes),
        TEST(a_temporary_file_for_both_is_one_in_a_folder_that_goes),
        TEST(files_of_the_user_stay),
        TEST(a_file_of_the_user_for_both_stays),
        TEST(a_task_holds_a_log_open),
        TEST(a_task_opens_a_log_as_it_is_temporary_itself),
        TEST(a_task_takes_a_log_that_is_open_as_it_is),
        TEST(a_log_that_cannot_be_opened_fails_the_task),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
