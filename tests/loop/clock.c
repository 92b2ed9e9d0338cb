/* Clocks: how the time of a loop goes, to the letter of its header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "loop/loop.h"
#include "support/loop_fixture.h"
#include "system/ambient.h"

#define TOCK WHERRY_MILLISECONDS(31.25)

/* A system whose monotonic clock goes only when the test or a wait moves it. */
static struct {
    wherry_system system;
    int64_t now;
    int64_t until; /* of the last wait */
    int64_t late;  /* by how much waits last too long */
    size_t waits;
} fake;

static int64_t fake_monotonic(wherry_system *self)
{
    (void)self;
    return fake.now;
}

static int fake_wait(wherry_system *self, wherry_poller *poller, int64_t until, wherry_ready *ready,
                     int capacity)
{
    fake.waits++;
    fake.until = until;
    if (until != WHERRY_NEVER && until > fake.now)
        fake.now = until + fake.late;
    return wherry_system_epoll()->wait(self, poller, WHERRY_NOW, ready, capacity);
}

static wherry_loop *fake_loop(wherry_clock clock, int64_t tock)
{
    wherry_loop *loop;

    fake.system = *wherry_system_epoll();
    fake.system.monotonic = fake_monotonic;
    fake.system.wait = fake_wait;
    fake.now = WHERRY_SECONDS(1000);
    fake.late = 0;
    assert_int_equal(wherry_loop_new(&loop, .system = &fake.system, .clock = clock, .tock = tock),
                     WHERRY_OK);
    return loop;
}

/* Traces the letter a each time it was asleep for the given duration. */
static int tick(void *duration)
{
    for (int i = 0; i < 3; i++) {
        TASK_ASSERT(wherry_sleep(wherry_in(*(int64_t *)duration)) == WHERRY_OK);
        trace("t");
    }
    return 0;
}

/* --- real */

static void real_clock_is_the_systems(void **state)
{
    wherry_loop *loop = fake_loop(WHERRY_CLOCK_REAL, 0);
    int64_t second = WHERRY_SECONDS(1);

    (void)state;
    assert_int_equal(wherry_loop_now(loop), WHERRY_SECONDS(1000));
    fake.now += 5;
    assert_int_equal(wherry_loop_now(loop), WHERRY_SECONDS(1000)); /* of the last pass */
    loop_fixture_spawn(loop, tick, &second);
    assert_int_equal(wherry_loop_step(loop), 1);
    assert_int_equal(wherry_loop_now(loop), WHERRY_SECONDS(1000) + 5);
    assert_int_equal(wherry_loop_run(loop), WHERRY_OK);
    assert_int_equal(wherry_loop_now(loop), WHERRY_SECONDS(1003) + 5); /* neither early nor late */
    trace_is("ttt");
    wherry_loop_free(loop);
}

static int stay_awhile(void *unused)
{
    int64_t before = wherry_in(0);

    (void)unused;
    fake.now += WHERRY_SECONDS(7);
    TASK_ASSERT(wherry_in(0) == before); /* the same for all that happens in a pass */
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    TASK_ASSERT(wherry_in(0) == before + WHERRY_SECONDS(7));
    return 0;
}

static void time_stands_still_during_a_pass(void **state)
{
    wherry_loop *loop = fake_loop(WHERRY_CLOCK_REAL, 0);

    (void)state;
    loop_fixture_run(loop, stay_awhile, NULL);
    wherry_loop_free(loop);
}

/* --- stepped */

static void stepped_clock_goes_a_tock_a_pass_and_by_nothing_else(void **state)
{
    wherry_loop *loop = fake_loop(WHERRY_CLOCK_STEPPED, WHERRY_SECONDS(2));
    int64_t start = wherry_loop_now(loop);
    int64_t second = WHERRY_SECONDS(1);

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(wherry_loop_now(loop), start + i * WHERRY_SECONDS(2));
        fake.now += 12345;
        assert_int_equal(wherry_loop_step(loop), 0);
        assert_int_equal(fake.until, WHERRY_NOW);
    }
    start = wherry_loop_now(loop);
    assert_int_equal(wherry_loop_prepare(loop), 1); /* it must not wait */
    assert_int_equal(wherry_loop_wait(loop, WHERRY_NEVER), 0);
    assert_int_equal(wherry_loop_now(loop), start);
    assert_int_equal(wherry_loop_dispatch(loop), 0);
    assert_int_equal(wherry_loop_now(loop), start + WHERRY_SECONDS(2));
    loop_fixture_spawn(loop, tick, &second);
    assert_int_equal(wherry_loop_run(loop), WHERRY_OK);
    assert_int_equal(wherry_loop_now(loop), start + WHERRY_SECONDS(10)); /* 2, 4, 6, 8, and its end
                                                                          */
    assert_int_equal(fake.until, WHERRY_NOW);
    trace_is("ttt");
    wherry_loop_free(loop);
}

static void tock_is_a_32nd_of_a_second_unless_given(void **state)
{
    wherry_loop *loop = fake_loop(WHERRY_CLOCK_STEPPED, 0);
    int64_t start = wherry_loop_now(loop);

    (void)state;
    for (int i = 0; i < 32; i++)
        assert_int_equal(wherry_loop_step(loop), 0);
    assert_int_equal(wherry_loop_now(loop), start + WHERRY_SECONDS(1));
    wherry_loop_free(loop);
}

/* --- paced */

static void paced_clock_goes_a_tock_a_tock(void **state)
{
    wherry_loop *loop = fake_loop(WHERRY_CLOCK_PACED, 0);
    int64_t start = wherry_loop_now(loop);
    int64_t tock = TOCK;

    (void)state;
    assert_int_equal(wherry_loop_step(loop), 0); /* not yet */
    assert_int_equal(wherry_loop_now(loop), start);
    fake.now += TOCK - 1;
    assert_int_equal(wherry_loop_step(loop), 0);
    assert_int_equal(wherry_loop_now(loop), start);
    fake.now += 1;
    assert_int_equal(wherry_loop_step(loop), 0);
    assert_int_equal(wherry_loop_now(loop), start + TOCK);
    loop_fixture_spawn(loop, tick, &tock);
    assert_int_equal(wherry_loop_run(loop), WHERRY_OK);
    trace_is("ttt");
    assert_int_equal(wherry_loop_now(loop), start + 4 * TOCK);
    assert_int_equal(fake.now, WHERRY_SECONDS(1000) + 4 * TOCK); /* it has slept in between */
    wherry_loop_free(loop);
}

static int note_passes(void *unused)
{
    (void)unused;
    for (int i = 0; i < 4; i++) {
        int64_t before = wherry_in(0);

        TASK_ASSERT(wherry_sleep(before + 1) == WHERRY_OK);
        TASK_ASSERT(wherry_in(0) == before + TOCK); /* no tock is left out */
        trace("t");
    }
    return 0;
}

static void paced_clock_catches_up_pass_by_pass_without_a_pause(void **state)
{
    wherry_loop *loop = fake_loop(WHERRY_CLOCK_PACED, 0);
    int64_t start = wherry_loop_now(loop);

    (void)state;
    loop_fixture_spawn(loop, note_passes, NULL);
    assert_true(wherry_loop_step(loop) >= 0);
    fake.now += 10 * TOCK; /* an overrun */
    for (int i = 1; i <= 9; i++) {
        assert_true(wherry_loop_step(loop) >= 0);
        assert_int_equal(wherry_loop_now(loop), start + i * TOCK);
    }
    trace_is("tttt");
    assert_int_equal(fake.now, WHERRY_SECONDS(1000) + 10 * TOCK); /* nothing has slept */
    wherry_loop_free(loop);
}

static void paced_wait_does_not_sleep_for_what_is_now(void **state)
{
    wherry_loop *loop = fake_loop(WHERRY_CLOCK_PACED, 0);

    (void)state;
    assert_int_equal(wherry_loop_prepare(loop), 0);
    assert_int_equal(wherry_loop_wait(loop, wherry_loop_now(loop)), 0);
    assert_int_equal(fake.until, WHERRY_NOW);
    assert_int_equal(wherry_loop_dispatch(loop), 0);
    wherry_loop_free(loop);
}

/* Sleeps a tock at a time, and notes how far the clock is behind the real one at most. */
static int note_lags(void *worst)
{
    const int64_t began = wherry_in(0);

    for (int i = 0; i < 1000; i++) {
        int64_t lag;

        fake.late = (i * 7919) % (TOCK - 1); /* the kernel wakes nobody early */
        TASK_ASSERT(wherry_sleep(began + (i + 1) * TOCK) == WHERRY_OK);
        TASK_ASSERT(wherry_in(0) == began + (i + 1) * TOCK);
        lag = fake.now - WHERRY_SECONDS(1000) - wherry_in(0);
        TASK_ASSERT(lag >= 0);
        if (lag > *(int64_t *)worst)
            *(int64_t *)worst = lag;
    }
    return 0;
}

/* What each wait lasts too long is not added up. */
static void paced_clock_does_not_drift(void **state)
{
    wherry_loop *loop = fake_loop(WHERRY_CLOCK_PACED, 0);
    int64_t worst = 0;

    (void)state;
    loop_fixture_run(loop, note_lags, &worst);
    assert_in_range(worst, 1, TOCK - 1);
    assert_int_equal(wherry_loop_now(loop), 1000 * TOCK);
    wherry_loop_free(loop);
}

/* The pass of one tock takes three and a half: the next ones follow at once, and the rhythm is the
 * one it was. */
static void paced_clock_keeps_its_rhythm_after_an_overrun(void **state)
{
    wherry_loop *loop = fake_loop(WHERRY_CLOCK_PACED, 0);

    (void)state;
    fake.now += 7 * TOCK / 2;
    for (int i = 1; i <= 6; i++) {
        assert_int_equal(wherry_loop_prepare(loop), 0);
        assert_int_equal(wherry_loop_now(loop), i * TOCK);
        assert_int_equal(wherry_loop_wait(loop, WHERRY_NEVER), 0);
        assert_int_equal(fake.until, WHERRY_SECONDS(1000) + (i + 1) * TOCK);
        assert_int_equal(wherry_loop_dispatch(loop), 0);
        if (i < 3) /* that instant is over */
            assert_int_equal(fake.now, WHERRY_SECONDS(1000) + 7 * TOCK / 2);
        else
            assert_int_equal(fake.now, WHERRY_SECONDS(1000) + (i + 1) * TOCK);
    }
    wherry_loop_free(loop);
}

/* A task of steps whose third turn takes three and a half tocks of real time. */
static struct {
    wherry_steps steps;
    int64_t turns[8]; /* the real instants */
    int count;
} slow;

static int turn_slowly(wherry_steps *self, wherry_task *task)
{
    (void)self;
    TASK_ASSERT(wherry_loop_now(wherry_task_loop(task)) == slow.count * TOCK);
    slow.turns[slow.count++] = fake.now - WHERRY_SECONDS(1000);
    if (slow.count == 3)
        fake.now += 7 * TOCK / 2;
    return slow.count == 8;
}

static void steps_have_their_turn_in_each_paced_tock_and_catch_up(void **state)
{
    static const int64_t halves[] = { 0, 2, 4, 11, 11, 11, 12, 14 };
    wherry_loop *loop = fake_loop(WHERRY_CLOCK_PACED, 0);

    (void)state;
    slow.steps = (wherry_steps){ .recur = turn_slowly };
    slow.count = 0;
    assert_int_equal(wherry_spawn_steps(NULL, &slow.steps, .loop = loop), WHERRY_OK);
    assert_int_equal(wherry_loop_run(loop), WHERRY_OK);
    assert_int_equal(slow.count, 8);
    for (int i = 0; i < 8; i++)
        assert_int_equal(slow.turns[i], halves[i] * TOCK / 2);
    wherry_loop_free(loop);
}

static void paced_tock_under_way_gets_the_new_length(void **state)
{
    wherry_loop *loop = fake_loop(WHERRY_CLOCK_PACED, WHERRY_SECONDS(4));

    (void)state;
    fake.now += WHERRY_SECONDS(3);
    assert_int_equal(wherry_loop_set_tock(loop, WHERRY_SECONDS(2)), WHERRY_OK);
    assert_int_equal(wherry_loop_deadline(loop), WHERRY_SECONDS(1002));
    assert_int_equal(wherry_loop_step(loop), 0);
    assert_int_equal(wherry_loop_now(loop), WHERRY_SECONDS(2));
    assert_int_equal(wherry_loop_deadline(loop), WHERRY_SECONDS(1004));
    assert_int_equal(wherry_loop_set_tock(loop, WHERRY_SECONDS(5)), WHERRY_OK);
    assert_int_equal(wherry_loop_deadline(loop), WHERRY_SECONDS(1007));
    fake.now = WHERRY_SECONDS(1007) - 1;
    assert_int_equal(wherry_loop_step(loop), 0);
    assert_int_equal(wherry_loop_now(loop), WHERRY_SECONDS(2));
    fake.now++;
    assert_int_equal(wherry_loop_step(loop), 0);
    assert_int_equal(wherry_loop_now(loop), WHERRY_SECONDS(7));
    assert_int_equal(wherry_loop_set_tock(loop, INT64_MAX), WHERRY_OK);
    assert_int_equal(wherry_loop_deadline(loop), WHERRY_NEVER);
    assert_int_equal(wherry_loop_set_tock(loop, 1), WHERRY_OK);
    assert_int_equal(wherry_loop_deadline(loop), WHERRY_SECONDS(1007) + 1);
    wherry_loop_free(loop);
}

/* --- virtual */

static int note_instants(void *start)
{
    static const int64_t spans[] = { 1, WHERRY_SECONDS(86400) * 365, 7 };
    int64_t due = *(int64_t *)start;

    for (int i = 0; i < 3; i++) {
        due += spans[i];
        TASK_ASSERT(wherry_sleep(due) == WHERRY_OK);
        TASK_ASSERT(wherry_in(0) == due);
    }
    return 0;
}

static void virtual_clock_jumps_to_the_next_deadline(void **state)
{
    loop_fixture *self = *state;
    int64_t start = wherry_loop_now(self->loop), second = WHERRY_SECONDS(1);

    loop_fixture_spawn(self->loop, tick, &second);
    loop_fixture_run(self->loop, note_instants, &start);
    trace_is("ttt");
    assert_int_equal(wherry_loop_now(self->loop), start + 8 + WHERRY_SECONDS(86400) * 365);
}

static int busy(void *passes)
{
    int64_t before = wherry_in(0);

    for (int i = 0; i < *(int *)passes; i++)
        TASK_ASSERT(wherry_yield() == WHERRY_OK);
    TASK_ASSERT(wherry_in(0) == before);
    trace("b");
    return 0;
}

static void virtual_clock_stands_still_while_anything_is_ready(void **state)
{
    loop_fixture *self = *state;
    int64_t one = 1;
    int passes = 100;

    loop_fixture_spawn(self->loop, tick, &one);
    loop_fixture_spawn(self->loop, busy, &passes);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    trace_is("bttt");
}

static int exchange(void *ends)
{
    int64_t before = wherry_in(0);
    wherry_watch *watch;

    TASK_ASSERT(wherry_watch_new(&watch, .descriptor = ((int *)ends)[0]) == WHERRY_OK);
    TASK_ASSERT(write(((int *)ends)[1], "x", 1) == 1);
    TASK_ASSERT(wherry_watch_wait(watch, WHERRY_READABLE, wherry_in(1)) == WHERRY_READABLE);
    TASK_ASSERT(wherry_in(0) == before); /* a ready descriptor comes before the jump */
    TASK_ASSERT(wherry_watch_wait(watch, WHERRY_EXCEPTIONAL, wherry_in(1)) == WHERRY_E_TIMED_OUT);
    TASK_ASSERT(wherry_in(0) == before + 1);
    wherry_watch_free(watch);
    return 0;
}

static void virtual_clock_sees_ready_descriptors_first(void **state)
{
    loop_fixture *self = *state;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    loop_fixture_run(self->loop, exchange, ends);
    close(ends[0]);
    close(ends[1]);
}

static void equal_deadlines_come_in_the_order_of_sleeping(void **state)
{
    loop_fixture *self = *state;
    int64_t spans[3] = { 10, 10, 10 };

    for (int i = 0; i < 3; i++)
        loop_fixture_spawn(self->loop, tick, &spans[i]);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    trace_is("ttttttttt");
}

static void clocks_of_several_loops_go_each_by_itself(void **state)
{
    wherry_loop *loops[3];
    int64_t start[3];
    int64_t spans[3] = { 10, 1000, WHERRY_SECONDS(3600) };

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(wherry_loop_new(&loops[i], .clock = WHERRY_CLOCK_VIRTUAL), WHERRY_OK);
        start[i] = wherry_loop_now(loops[i]);
        loop_fixture_spawn(loops[i], tick, &spans[i]);
    }
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3; i++) {
            assert_int_equal(wherry_loop_prepare(loops[i]), round != 1);
            assert_int_equal(wherry_loop_wait(loops[i], WHERRY_NEVER), 0);
            assert_true(wherry_loop_dispatch(loops[i]) >= 0);
        }
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(wherry_loop_run(loops[i]), WHERRY_OK);
        assert_int_equal(wherry_loop_now(loops[i]), start[i] + 3 * spans[i]);
        wherry_loop_free(loops[i]);
    }
}

/* --- by hand */

static void first_instant_is_zero_or_the_one_given(void **state)
{
    static const wherry_clock clocks[] = { WHERRY_CLOCK_STEPPED, WHERRY_CLOCK_PACED,
                                           WHERRY_CLOCK_VIRTUAL };
    wherry_loop *loop;

    (void)state;
    for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
        assert_int_equal(wherry_loop_new(&loop, .clock = clocks[i]), WHERRY_OK);
        assert_int_equal(wherry_loop_now(loop), 0);
        wherry_loop_free(loop);
        assert_int_equal(wherry_loop_new(&loop, .clock = clocks[i], .start = WHERRY_NEVER),
                         WHERRY_OK);
        assert_int_equal(wherry_loop_now(loop), WHERRY_NEVER);
        assert_int_equal(wherry_loop_step(loop), 0);
        assert_int_equal(wherry_loop_now(loop), WHERRY_NEVER); /* there is no time after that */
        wherry_loop_free(loop);
    }
}

static void clocks_that_make_no_sense_are_refused(void **state)
{
    wherry_loop *loop = NULL;

    (void)state;
    assert_int_equal(wherry_loop_new(&loop, .start = 1), WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "start"));
    assert_int_equal(wherry_loop_new(&loop, .clock = WHERRY_CLOCK_STEPPED, .start = -1),
                     WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "start"));
    assert_int_equal(wherry_loop_new(&loop, .tock = -1), WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "tock"));
    assert_int_equal(wherry_loop_new(&loop, .clock = WHERRY_CLOCK_VIRTUAL + 1), WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "clock"));
    assert_null(loop);
}

static void tock_can_be_changed(void **state)
{
    wherry_loop *loop = fake_loop(WHERRY_CLOCK_STEPPED, 0);

    (void)state;
    assert_int_equal(wherry_loop_tock(loop), TOCK);
    assert_int_equal(wherry_loop_set_tock(loop, 0), WHERRY_E_MISUSE);
    assert_int_equal(wherry_loop_set_tock(loop, -1), WHERRY_E_MISUSE);
    assert_int_equal(wherry_loop_tock(loop), TOCK);
    assert_int_equal(wherry_loop_set_tock(loop, 1), WHERRY_OK);
    assert_int_equal(wherry_loop_tock(loop), 1);
    assert_int_equal(wherry_loop_step(loop), 0);
    assert_int_equal(wherry_loop_now(loop), 1);
    assert_int_equal(wherry_loop_set_tock(loop, WHERRY_NEVER), WHERRY_OK);
    assert_int_equal(wherry_loop_step(loop), 0);
    assert_int_equal(wherry_loop_now(loop), WHERRY_NEVER);
    wherry_loop_free(loop);
}

static int change_tock(void *loop)
{
    TASK_ASSERT(wherry_loop_set_tock(loop, WHERRY_SECONDS(3)) == WHERRY_OK);
    return 0;
}

static void tock_changed_in_a_pass_ends_that_pass(void **state)
{
    wherry_loop *loop = fake_loop(WHERRY_CLOCK_STEPPED, WHERRY_SECONDS(1));

    (void)state;
    loop_fixture_run(loop, change_tock, loop);
    assert_int_equal(wherry_loop_now(loop), WHERRY_SECONDS(3));
    wherry_loop_free(loop);
}

static int sleep_a_second(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_sleep(wherry_in(WHERRY_SECONDS(1))) == WHERRY_OK);
    trace("s");
    return 0;
}

static void tick_moves_the_clock_and_the_next_pass_does_what_is_due(void **state)
{
    static const wherry_clock clocks[] = { WHERRY_CLOCK_STEPPED, WHERRY_CLOCK_VIRTUAL };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        wherry_loop *loop = fake_loop(clocks[i], 1);
        int64_t now;

        loop_fixture_spawn(loop, sleep_a_second, NULL);
        assert_int_equal(wherry_loop_step(loop), 1);
        now = wherry_loop_now(loop);
        assert_int_equal(wherry_loop_tick(loop, 0), now);
        assert_int_equal(wherry_loop_tick(loop, WHERRY_SECONDS(1) - now - 1),
                         WHERRY_SECONDS(1) - 1);
        trace_is("");
        assert_int_equal(wherry_loop_tick(loop, 1), WHERRY_SECONDS(1));
        assert_int_equal(wherry_loop_now(loop), WHERRY_SECONDS(1));
        trace_is("");
        assert_true(wherry_loop_step(loop) > 0);
        trace_is("s");
        assert_int_equal(wherry_loop_tick(loop, WHERRY_NEVER), WHERRY_NEVER);
        assert_int_equal(wherry_loop_tick(loop, 1), WHERRY_NEVER);
        wherry_loop_free(loop);
    }
}

static int tick_within(void *loop)
{
    int64_t before = wherry_in(0);

    TASK_ASSERT(wherry_loop_tick(loop, 1) == WHERRY_E_MISUSE);
    TASK_ASSERT(wherry_in(0) == before);
    return 0;
}

static void tick_is_refused_where_time_is_not_ones_own(void **state)
{
    wherry_loop *loop = fake_loop(WHERRY_CLOCK_REAL, 0);

    (void)state;
    assert_int_equal(wherry_loop_tick(loop, 1), WHERRY_E_MISUSE);
    wherry_loop_free(loop);
    loop = fake_loop(WHERRY_CLOCK_PACED, 0);
    assert_int_equal(wherry_loop_tick(loop, 1), WHERRY_E_MISUSE);
    wherry_loop_free(loop);
    loop = fake_loop(WHERRY_CLOCK_STEPPED, 0);
    assert_int_equal(wherry_loop_tick(loop, -1), WHERRY_E_MISUSE);
    assert_int_equal(wherry_loop_tick(loop, INT64_MIN), WHERRY_E_MISUSE);
    assert_int_equal(wherry_loop_now(loop), 0);
    loop_fixture_run(loop, tick_within, loop);
    wherry_loop_free(loop);
}

static void *tick_elsewhere(void *loop)
{
    return wherry_loop_tick(loop, 1) == WHERRY_E_MISUSE ? NULL : loop;
}

static void tick_is_refused_on_another_thread(void **state)
{
    loop_fixture *self = *state;
    int64_t before = wherry_loop_now(self->loop);
    pthread_t thread;
    void *bad;

    assert_int_equal(pthread_create(&thread, NULL, tick_elsewhere, self->loop), 0);
    assert_int_equal(pthread_join(thread, &bad), 0);
    assert_null(bad);
    assert_int_equal(wherry_loop_now(self->loop), before);
}

/* --- deadlines for hosts */

static void deadline_for_a_host_is_one_of_the_systems_clock(void **state)
{
    wherry_loop *loop = fake_loop(WHERRY_CLOCK_STEPPED, 0);

    (void)state;
    assert_int_equal(wherry_loop_deadline(loop), WHERRY_NOW);
    wherry_loop_free(loop);
    loop = fake_loop(WHERRY_CLOCK_PACED, 0);
    assert_int_equal(wherry_loop_deadline(loop), WHERRY_SECONDS(1000) + TOCK);
    fake.now = wherry_loop_deadline(loop);
    assert_int_equal(wherry_loop_step(loop), 0);
    assert_int_equal(wherry_loop_deadline(loop), WHERRY_SECONDS(1000) + 2 * TOCK);
    wherry_loop_free(loop);
}

/* --- on a simulated host */

static int sleep_100_tocks(void *loop)
{
    for (int i = 1; i <= 100; i++)
        TASK_ASSERT(wherry_sleep(i * TOCK) == WHERRY_OK && wherry_in(0) == i * TOCK);
    TASK_ASSERT(wherry_loop_current() == loop);
    trace("slept ");
    return 0;
}

/* How long that takes on the host's clock. */
static int64_t time_100_tocks(wherry_clock clock)
{
    int64_t began = wherry_in(0);
    wherry_loop *loop;

    if (wherry_loop_new(&loop, .clock = clock) < 0)
        return -1;
    if (wherry_spawn(NULL, sleep_100_tocks, loop, .loop = loop) < 0 || wherry_loop_run(loop) < 0)
        began = INT64_MAX;
    wherry_loop_free(loop);
    return wherry_in(0) - began;
}

static int use_clocks(void *unused)
{
    int64_t paced = time_100_tocks(WHERRY_CLOCK_PACED);

    (void)unused;
    TASK_ASSERT(paced >= 100 * TOCK && paced < 101 * TOCK);
    TASK_ASSERT(time_100_tocks(WHERRY_CLOCK_STEPPED) < TOCK);
    TASK_ASSERT(time_100_tocks(WHERRY_CLOCK_VIRTUAL) < TOCK);
    trace("used");
    return 0;
}

static void clocks_go_by_that_of_a_simulated_host(void **state)
{
    wherry_simulation *world;

    (void)state;
    assert_int_equal(wherry_simulation_new(&world), WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", use_clocks, NULL, .plain = 1),
                     WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, WHERRY_SECONDS(60)), WHERRY_OK);
    wherry_simulation_free(world);
    trace_is("slept slept slept used");
}

/* --- instants from durations */

static int make_instants(void *loop)
{
    int64_t now = wherry_loop_now(loop);

    TASK_ASSERT(wherry_in(0) == now);
    TASK_ASSERT(wherry_in(-5) == now);
    TASK_ASSERT(wherry_in(INT64_MIN) == now);
    TASK_ASSERT(wherry_in(5) == now + 5);
    TASK_ASSERT(wherry_in(WHERRY_NEVER) == WHERRY_NEVER);
    TASK_ASSERT(wherry_in(WHERRY_NEVER - now) == WHERRY_NEVER);
    TASK_ASSERT(wherry_in(WHERRY_NEVER - now - 1) == WHERRY_NEVER - 1);
    return 0;
}

static void instants_are_of_the_current_loop(void **state)
{
    wherry_loop *loop = fake_loop(WHERRY_CLOCK_REAL, 0);
    wherry_system *former;

    (void)state;
    loop_fixture_run(loop, make_instants, loop);
    fake.now += 99;
    former = wherry__system_set_ambient(&fake.system); /* outside: the monotonic clock */
    assert_int_equal(wherry_in(0), fake.now);
    assert_int_equal(wherry_in(-1), fake.now);
    assert_int_equal(wherry_in(WHERRY_SECONDS(1)), fake.now + WHERRY_SECONDS(1));
    assert_int_equal(wherry_in(WHERRY_NEVER), WHERRY_NEVER);
    wherry__system_set_ambient(former);
    wherry_loop_free(loop);
}

static void durations_may_be_fractions(void **state)
{
    (void)state;
    assert_int_equal(WHERRY_SECONDS(1.5), 1500000000);
    assert_int_equal(WHERRY_MILLISECONDS(2), 2000000);
    assert_int_equal(WHERRY_MICROSECONDS(0.25), 250);
    assert_int_equal(WHERRY_SECONDS(9000000000), INT64_C(9000000000000000000));
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(real_clock_is_the_systems),
        ON_LOOP(time_stands_still_during_a_pass),
        ON_LOOP(stepped_clock_goes_a_tock_a_pass_and_by_nothing_else),
        ON_LOOP(tock_is_a_32nd_of_a_second_unless_given),
        ON_LOOP(paced_clock_goes_a_tock_a_tock),
        ON_LOOP(paced_clock_catches_up_pass_by_pass_without_a_pause),
        ON_LOOP(paced_wait_does_not_sleep_for_what_is_now),
        ON_LOOP(paced_clock_does_not_drift),
        ON_LOOP(paced_clock_keeps_its_rhythm_after_an_overrun),
        ON_LOOP(steps_have_their_turn_in_each_paced_tock_and_catch_up),
        ON_LOOP(paced_tock_under_way_gets_the_new_length),
        ON_LOOP(virtual_clock_jumps_to_the_next_deadline),
        ON_LOOP(virtual_clock_stands_still_while_anything_is_ready),
        ON_LOOP(virtual_clock_sees_ready_descriptors_first),
        ON_LOOP(equal_deadlines_come_in_the_order_of_sleeping),
        ON_LOOP(clocks_of_several_loops_go_each_by_itself),
        ON_LOOP(first_instant_is_zero_or_the_one_given),
        ON_LOOP(clocks_that_make_no_sense_are_refused),
        ON_LOOP(tock_can_be_changed),
        ON_LOOP(tock_changed_in_a_pass_ends_that_pass),
        ON_LOOP(tick_moves_the_clock_and_the_next_pass_does_what_is_due),
        ON_LOOP(tick_is_refused_where_time_is_not_ones_own),
        ON_LOOP(tick_is_refused_on_another_thread),
        ON_LOOP(deadline_for_a_host_is_one_of_the_systems_clock),
        ON_LOOP(clocks_go_by_that_of_a_simulated_host),
        ON_LOOP(instants_are_of_the_current_loop),
        ON_LOOP(durations_may_be_fractions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
