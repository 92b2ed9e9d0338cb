/* The order of tasks: who begins when, whose turn comes next, and that nobody's never comes. Apart
 * from task.c, since it takes several tasks to see one. Turns of tasks in steps are tested in
 * turn.c. */
#include <wherry/task.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/bodies.h"
#include "support/loop_fixture.h"

static int spawn_two(void *unused)
{
    wherry_loop_statistics statistics;
    uint64_t pass;

    (void)unused;
    wherry_loop_statistics_read(wherry_loop_current(), &statistics);
    pass = statistics.passes;
    trace("a");
    TASK_ASSERT(wherry_spawn(NULL, body_note, "c") == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, body_note, "d") == WHERRY_OK);
    trace("b");
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    trace("e");
    wherry_loop_statistics_read(wherry_loop_current(), &statistics);
    TASK_ASSERT(statistics.passes == pass + 1);
    return 0;
}

static void task_begins_in_the_pass_in_which_it_is_spawned(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_spawn(self->loop, spawn_two, NULL);
    assert_int_equal(wherry_loop_step(self->loop), 3);
    trace_is("abcd");
    assert_int_equal(wherry_loop_step(self->loop), 1);
    trace_is("e");
    assert_int_equal(wherry_loop_step(self->loop), 0);
}

static int yield_twice(void *letter)
{
    for (int i = 0; i < 3; i++) {
        trace(letter);
        TASK_ASSERT(wherry_yield() == WHERRY_OK);
    }
    return 0;
}

static void yield_lets_all_others_run_first(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_spawn(self->loop, yield_twice, "a");
    loop_fixture_spawn(self->loop, yield_twice, "b");
    loop_fixture_spawn(self->loop, yield_twice, "c");
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    trace_is("abcabcabc");
}

static int64_t chosen_from;

static uint32_t choose_last(wherry_system *system, int purpose, uint32_t count)
{
    (void)system;
    if (purpose != WHERRY_CHOICE_TASK)
        return 0;
    chosen_from = count;
    return count - 1;
}

static void system_may_choose_which_task_runs_next(void **state)
{
    wherry_system system = *wherry_system_epoll();
    wherry_loop *loop;

    (void)state;
    system.choose = choose_last;
    assert_int_equal(wherry_loop_new(&loop, .system = &system), WHERRY_OK);
    loop_fixture_spawn(loop, body_note, "a");
    loop_fixture_spawn(loop, body_note, "b");
    loop_fixture_spawn(loop, body_note, "c");
    assert_int_equal(wherry_loop_step(loop), 3);
    assert_int_equal(chosen_from, 2);
    trace_is("cba");
    wherry_loop_free(loop);
}

/* --- fairness */

static struct {
    wherry_semaphore *halves[2];
    uint64_t rounds;
    wherry_watch *watch;
    bool over;
} game;

static int play(void *side)
{
    const int own = *(int *)side;

    while (!game.over) {
        TASK_ASSERT(wherry_semaphore_take(game.halves[own], WHERRY_NEVER) == WHERRY_OK);
        wherry_semaphore_give(game.halves[1 - own]);
        game.rounds++;
    }
    return 0;
}

static int end_after(void *ends)
{
    char byte;

    do
        TASK_ASSERT(wherry_sleep(wherry_in(WHERRY_MILLISECONDS(1))) == WHERRY_OK);
    while (game.rounds <= 1000); /* however slow they are */
    TASK_ASSERT(write(((int *)ends)[1], "x", 1) == 1);
    TASK_ASSERT(wherry_watch_wait(game.watch, WHERRY_READABLE, WHERRY_NEVER) == WHERRY_READABLE);
    TASK_ASSERT(read(((int *)ends)[0], &byte, 1) == 1);
    game.over = true;
    return 0;
}

static void tasks_that_wake_each_other_without_end_starve_nobody(void **state)
{
    static int sides[2] = { 0, 1 };
    wherry_loop *loop;
    int ends[2];

    (void)state;
    memset(&game, 0, sizeof(game));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(wherry_loop_new(&loop), WHERRY_OK); /* virtual time would stand still */
    assert_int_equal(wherry_semaphore_new(&game.halves[0], loop, 1), WHERRY_OK);
    assert_int_equal(wherry_semaphore_new(&game.halves[1], loop, 0), WHERRY_OK);
    assert_int_equal(wherry_watch_new(&game.watch, .loop = loop, .descriptor = ends[0]), WHERRY_OK);
    loop_fixture_spawn(loop, play, &sides[0]);
    loop_fixture_spawn(loop, play, &sides[1]);
    loop_fixture_spawn(loop, end_after, ends);
    while (!game.over)
        assert_true(wherry_loop_step(loop) >= 0);
    wherry_watch_free(game.watch);
    wherry_loop_free(loop);
    wherry_semaphore_free(game.halves[0]);
    wherry_semaphore_free(game.halves[1]);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(task_begins_in_the_pass_in_which_it_is_spawned),
        ON_LOOP(yield_lets_all_others_run_first),
        ON_LOOP(system_may_choose_which_task_runs_next),
        ON_LOOP(tasks_that_wake_each_other_without_end_starve_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
