/* Signals: their arrival in loops, what their number meant before, and who may take them. */
#include <wherry/signal.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "loop/loop.h"
#include "support/loop_fixture.h"

/* Notes that it was told, and frees the signal if the test wants that. */
typedef struct noter {
    wherry_signal_receiver receiver;
    int number;
    int count;
    bool frees;
} noter;

static void on_arrival(wherry_signal_receiver *receiver, wherry_signal *signal, int number)
{
    noter *self = (noter *)receiver;

    assert_null(wherry_task_current());
    assert_non_null(wherry_loop_current());
    self->number = number;
    self->count++;
    if (self->frees)
        wherry_signal_free(signal);
}

static noter make_noter(void)
{
    return (noter){ .receiver.arrived = on_arrival };
}

/* What the kernel does at a signal now. */
static void (*handler_of(int number))(int)
{
    struct sigaction action;

    assert_int_equal(sigaction(number, NULL, &action), 0);
    return action.sa_handler;
}

static void set_handler(int number, void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler };

    assert_int_equal(sigaction(number, &action, NULL), 0);
}

/* --- arrival */

static void receiver_is_told_once_for_several(void **state)
{
    loop_fixture *self = *state;
    noter one = make_noter();
    wherry_signal *signal;

    assert_int_equal(
        wherry_signal_new(&signal, .loop = self->loop, .number = SIGHUP, .receiver = &one.receiver),
        WHERRY_OK);
    assert_int_equal(wherry_loop_step(self->loop), 0);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(raise(SIGHUP), 0);
        assert_int_equal(raise(SIGHUP), 0);
        assert_int_equal(one.count, i - 1); /* not in the handler */
        assert_int_equal(wherry_loop_step(self->loop), 1);
        assert_int_equal(one.count, i);
        assert_int_equal(one.number, SIGHUP);
        assert_int_equal(wherry_loop_step(self->loop), 0);
    }
    wherry_signal_free(signal);
    wherry_signal_free(NULL);
}

static void *raise_elsewhere(void *unused)
{
    (void)unused;
    (void)raise(SIGUSR1);
    return NULL;
}

static void stop_on_arrival(wherry_signal_receiver *receiver, wherry_signal *signal, int number)
{
    on_arrival(receiver, signal, number);
    wherry_loop_stop(wherry_loop_current());
}

static int wait_for_ever(void *unused)
{
    (void)unused;
    return wherry_sleep(WHERRY_NEVER);
}

static void arrival_on_another_thread_wakes_the_loop(void **state)
{
    wherry_system *systems[] = { wherry_system_epoll(), wherry_system_poll() };
    noter one = { .receiver.arrived = stop_on_arrival };

    (void)state;
    for (int i = 0; i < 2; i++) {
        wherry_signal *signal;
        wherry_loop *loop;
        pthread_t thread;

        assert_int_equal(wherry_loop_new(&loop, .system = systems[i]), WHERRY_OK);
        loop_fixture_spawn(loop, wait_for_ever, NULL);
        assert_int_equal(
            wherry_signal_new(&signal, .loop = loop, .number = SIGUSR1, .receiver = &one.receiver),
            WHERRY_OK);
        assert_int_equal(pthread_create(&thread, NULL, raise_elsewhere, NULL), 0);
        assert_int_equal(wherry_loop_run(loop), WHERRY_OK);
        assert_int_equal(one.count, i + 1);
        assert_int_equal(pthread_join(thread, NULL), 0);
        wherry_signal_free(signal);
        wherry_loop_free(loop);
    }
}

static int wait_for_signal(void *unused)
{
    wherry_signal *signal;

    (void)unused;
    TASK_ASSERT(wherry_signal_new(&signal, .number = SIGHUP) == WHERRY_OK);
    TASK_ASSERT(wherry_signal_wait(signal, WHERRY_NOW) == WHERRY_E_WOULD_BLOCK);
    TASK_ASSERT(wherry_signal_wait(signal, wherry_in(0)) == WHERRY_E_TIMED_OUT);
    TASK_ASSERT(wherry_signal_wait(signal, wherry_in(5)) == WHERRY_E_TIMED_OUT);
    TASK_ASSERT(raise(SIGHUP) == 0);
    TASK_ASSERT(wherry_signal_wait(signal, WHERRY_NEVER) == WHERRY_OK);
    TASK_ASSERT(wherry_signal_wait(signal, WHERRY_NOW) == WHERRY_E_WOULD_BLOCK);
    TASK_ASSERT(raise(SIGHUP) == 0);
    TASK_ASSERT(wherry_yield() == WHERRY_OK); /* it comes while nobody waits */
    TASK_ASSERT(wherry_signal_wait(signal, wherry_in(-1)) == WHERRY_OK);
    TASK_ASSERT(wherry_signal_wait(signal, wherry_in(5)) == WHERRY_E_TIMED_OUT);
    wherry_signal_free(signal);
    return 0;
}

static void coroutines_can_wait_for_it(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, wait_for_signal, NULL);
}

static wherry_signal *shared;

static int wait_shared(void *expected)
{
    TASK_ASSERT(wherry_signal_wait(shared, WHERRY_NEVER) == *(int *)expected);
    trace("w");
    return 0;
}

static void all_who_wait_are_woken(void **state)
{
    loop_fixture *self = *state;
    int ok = WHERRY_OK, closed = WHERRY_E_CLOSED;

    assert_int_equal(wherry_signal_new(&shared, .loop = self->loop, .number = SIGHUP), WHERRY_OK);
    assert_int_equal(wherry_signal_wait(shared, WHERRY_NEVER), WHERRY_E_MISUSE);
    loop_fixture_spawn(self->loop, wait_shared, &ok);
    loop_fixture_spawn(self->loop, wait_shared, &ok);
    assert_int_equal(wherry_loop_step(self->loop), 2);
    assert_int_equal(raise(SIGHUP), 0);
    assert_int_equal(wherry_loop_step(self->loop), 3);
    trace_is("ww");
    loop_fixture_spawn(self->loop, wait_shared, &closed);
    assert_int_equal(wherry_loop_step(self->loop), 1);
    wherry_signal_free(shared);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    trace_is("w");
}

static void several_loops_may_take_the_same_one(void **state)
{
    noter notes[3] = { make_noter(), make_noter(), make_noter() };
    wherry_signal *signals[3];
    wherry_loop *loops[2];

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(wherry_loop_new(&loops[i], .clock = WHERRY_CLOCK_VIRTUAL), WHERRY_OK);
    for (int i = 0; i < 3; i++) /* two of them on one loop */
        assert_int_equal(wherry_signal_new(&signals[i], .loop = loops[i % 2], .number = SIGHUP,
                                           .receiver = &notes[i].receiver),
                         WHERRY_OK);
    assert_int_equal(raise(SIGHUP), 0);
    assert_int_equal(wherry_loop_step(loops[0]), 2);
    assert_int_equal(wherry_loop_step(loops[1]), 1);
    wherry_signal_free(signals[0]);
    assert_int_equal(raise(SIGHUP), 0);
    assert_int_equal(wherry_loop_step(loops[0]), 1);
    assert_int_equal(wherry_loop_step(loops[1]), 1);
    assert_int_equal(notes[0].count, 1);
    assert_int_equal(notes[1].count, 2);
    assert_int_equal(notes[2].count, 2);
    wherry_loop_free(loops[0]);
    wherry_signal_free(signals[2]);
    wherry_signal_free(signals[1]);
    wherry_loop_free(loops[1]);
    assert_true(handler_of(SIGHUP) == SIG_DFL);
}

/* --- what it meant before */

static volatile sig_atomic_t formerly;

static void former_handler(int number)
{
    (void)number;
    formerly++;
}

static void former_handler_is_put_back_by_the_last(void **state)
{
    loop_fixture *self = *state;
    wherry_signal *signals[2];

    formerly = 0;
    set_handler(SIGHUP, former_handler);
    for (int i = 0; i < 2; i++)
        assert_int_equal(wherry_signal_new(&signals[i], .loop = self->loop, .number = SIGHUP),
                         WHERRY_OK);
    assert_int_equal(raise(SIGHUP), 0);
    assert_int_equal(formerly, 0);
    wherry_signal_free(signals[0]);
    assert_true(handler_of(SIGHUP) != former_handler);
    wherry_signal_free(signals[1]);
    assert_true(handler_of(SIGHUP) == former_handler);
    assert_int_equal(raise(SIGHUP), 0);
    assert_int_equal(formerly, 1);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    set_handler(SIGHUP, SIG_DFL);
}

static void freed_loop_puts_the_handler_back_too(void **state)
{
    loop_fixture *self = *state;
    wherry_signal *signal;

    set_handler(SIGHUP, former_handler);
    assert_int_equal(wherry_signal_new(&signal, .loop = self->loop, .number = SIGHUP), WHERRY_OK);
    assert_int_equal(raise(SIGHUP), 0);
    loop_fixture_free(self);
    assert_true(handler_of(SIGHUP) == former_handler);
    assert_int_equal(wherry_signal_wait(signal, WHERRY_NOW), WHERRY_OK); /* it had come */
    wherry_signal_free(signal);
    set_handler(SIGHUP, SIG_DFL);
}

static void ignored_signals_stay_ignored(void **state)
{
    loop_fixture *self = *state;
    noter one = make_noter(), other = make_noter();
    wherry_signal *signals[2];

    set_handler(SIGHUP, SIG_IGN);
    assert_int_equal(wherry_signal_new(&signals[0], .loop = self->loop, .number = SIGHUP,
                                       .receiver = &one.receiver),
                     WHERRY_OK);
    assert_true(handler_of(SIGHUP) == SIG_IGN);
    assert_int_equal(raise(SIGHUP), 0);
    assert_int_equal(wherry_loop_step(self->loop), 0);
    assert_int_equal(wherry_signal_new(&signals[1], .loop = self->loop, .number = SIGHUP,
                                       .take_ignored = 1, .receiver = &other.receiver),
                     WHERRY_OK);
    assert_int_equal(raise(SIGHUP), 0);
    assert_true(wherry_loop_step(self->loop) > 0);
    assert_int_equal(other.count, 1);
    wherry_signal_free(signals[0]);
    wherry_signal_free(signals[1]);
    assert_true(handler_of(SIGHUP) == SIG_IGN);
    set_handler(SIGHUP, SIG_DFL);
}

/* --- once */

static void once_gives_the_number_back_at_its_arrival(void **state)
{
    loop_fixture *self = *state;
    noter one = make_noter();
    wherry_signal *signal, *again;

    formerly = 0;
    set_handler(SIGHUP, former_handler);
    assert_int_equal(wherry_signal_new(&signal, .loop = self->loop, .number = SIGHUP, .once = 1,
                                       .receiver = &one.receiver),
                     WHERRY_OK);
    assert_int_equal(raise(SIGHUP), 0);
    assert_true(handler_of(SIGHUP) == former_handler); /* before the loop has seen it */
    assert_int_equal(raise(SIGHUP), 0);
    assert_int_equal(formerly, 1);
    assert_int_equal(wherry_signal_new(&again, .loop = self->loop, .number = SIGHUP), WHERRY_OK);
    assert_int_equal(raise(SIGHUP), 0); /* the new one is taken nevertheless */
    assert_int_equal(formerly, 1);
    assert_int_equal(wherry_loop_step(self->loop), 2);
    assert_int_equal(one.count, 1);
    wherry_signal_free(signal);
    wherry_signal_free(again);
    assert_true(handler_of(SIGHUP) == former_handler);
    set_handler(SIGHUP, SIG_DFL);
}

/* In a child: the second SIGINT ends it, though the loop does not run meanwhile. */
static void second_sigint_kills(void **state)
{
    pid_t child = fork();
    int status;

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        wherry_signal *signal;
        wherry_loop *loop;

        set_handler(SIGINT, SIG_DFL);
        if (wherry_loop_new(&loop) < 0 ||
            wherry_signal_new(&signal, .loop = loop, .number = SIGINT, .once = 1) < 0)
            _exit(1);
        (void)raise(SIGINT);
        (void)raise(SIGINT);
        _exit(2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGINT);
}

/* --- freed at odd moments */

static void freed_in_its_own_callback(void **state)
{
    loop_fixture *self = *state;
    noter one = make_noter();
    wherry_signal *signal;

    one.frees = true;
    assert_int_equal(
        wherry_signal_new(&signal, .loop = self->loop, .number = SIGHUP, .receiver = &one.receiver),
        WHERRY_OK);
    assert_int_equal(raise(SIGHUP), 0);
    assert_int_equal(wherry_loop_step(self->loop), 1);
    assert_int_equal(one.count, 1);
    assert_true(handler_of(SIGHUP) == SIG_DFL);
}

static void freed_before_the_loop_has_seen_it_it_is_not_told(void **state)
{
    loop_fixture *self = *state;
    noter one = make_noter();
    wherry_signal *signal;
    size_t blocks;

    for (int i = 0; i < 2; i++) { /* whether the loop runs again, or is freed */
        blocks = self->memory.blocks;
        assert_int_equal(wherry_signal_new(&signal, .loop = self->loop, .number = SIGHUP,
                                           .receiver = &one.receiver),
                         WHERRY_OK);
        assert_int_equal(raise(SIGHUP), 0);
        wherry_signal_free(signal);
        if (i == 0) {
            assert_int_equal(wherry_loop_step(self->loop), 1);
            assert_int_equal(self->memory.blocks, blocks);
        }
    }
    loop_fixture_free(self);
    assert_int_equal(one.count, 0);
}

static void freed_after_its_loop(void **state)
{
    loop_fixture *self = *state;
    noter one = make_noter();
    wherry_signal *signal;

    assert_int_equal(
        wherry_signal_new(&signal, .loop = self->loop, .number = SIGHUP, .receiver = &one.receiver),
        WHERRY_OK);
    loop_fixture_free(self);
    assert_int_equal(one.count, 0);
    wherry_signal_free(signal);
}

/* --- limits and errors */

static void sixty_four_at_most(void **state)
{
    loop_fixture *self = *state;
    wherry_signal *signals[65];

    for (int i = 0; i < 64; i++)
        assert_int_equal(wherry_signal_new(&signals[i], .loop = self->loop,
                                           .number = i % 2 == 0 ? SIGHUP : SIGUSR2),
                         WHERRY_OK);
    assert_int_equal(wherry_signal_new(&signals[64], .loop = self->loop, .number = SIGHUP),
                     WHERRY_E_FULL);
    wherry_signal_free(signals[63]);
    assert_int_equal(wherry_signal_new(&signals[63], .loop = self->loop, .number = SIGHUP),
                     WHERRY_OK);
    assert_int_equal(raise(SIGHUP), 0);
    assert_int_equal(wherry_loop_step(self->loop), 33);
    for (int i = 0; i < 64; i++)
        wherry_signal_free(signals[i]);
}

static void what_cannot_be_taken_is_told(void **state)
{
    loop_fixture *self = *state;
    wherry_signal *signal = NULL;
    size_t blocks = self->memory.blocks;

    assert_int_equal(wherry_signal_new(NULL, .loop = self->loop, .number = SIGHUP),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_signal_new_with(NULL), WHERRY_E_MISUSE);
    assert_int_equal(wherry_signal_new(&signal, .number = SIGHUP), WHERRY_E_MISUSE);
    assert_int_equal(wherry_signal_new(&signal, .loop = self->loop, .number = SIGHUP,
                                       .receiver = &(wherry_signal_receiver){ .arrived = NULL }),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_signal_new(&signal, .loop = self->loop), WHERRY_E_INVALID);
    assert_int_equal(wherry_signal_new(&signal, .loop = self->loop, .number = -1),
                     WHERRY_E_INVALID);
    assert_int_equal(wherry_signal_new(&signal, .loop = self->loop, .number = NSIG),
                     WHERRY_E_INVALID);
    assert_int_equal(wherry_signal_new(&signal, .loop = self->loop, .number = SIGKILL),
                     WHERRY_E_INVALID);
    assert_int_equal(wherry_signal_new(&signal, .loop = self->loop, .number = SIGSTOP),
                     WHERRY_E_INVALID);
    assert_null(signal);
    assert_int_equal(self->memory.blocks, blocks);
}

static int use_signal(wherry_memory *memory)
{
    wherry_signal *signal;
    wherry_loop *loop;
    int code = wherry_loop_new(&loop, .memory = memory);

    if (code < 0)
        return code;
    code = wherry_signal_new(&signal, .loop = loop, .number = SIGHUP);
    if (code == WHERRY_OK)
        wherry_signal_free(signal);
    wherry_loop_free(loop);
    return code;
}

static void out_of_memory_is_survived(void **state)
{
    (void)state;
    assert_true(failing_memory_try(use_signal) >= 3);
    assert_true(handler_of(SIGHUP) == SIG_DFL);
}

/* --- a system with signals of its own, which the test delivers by hand */

#define TAKEN_MAX 4

typedef struct hand_system {
    wherry_system base;
    wherry_system_signal *taken[TAKEN_MAX];
    int refusal; /* what taking one answers; 0: it is taken */
    int given;   /* how often one was given back */
} hand_system;

static int hand_take(wherry_system *system, wherry_system_signal *signal)
{
    hand_system *self = (hand_system *)system;

    for (int i = 0; i < TAKEN_MAX && self->refusal == 0; i++) {
        if (self->taken[i] != NULL)
            continue;
        self->taken[i] = signal;
        return 0;
    }
    return self->refusal == 0 ? -ENOMEM : self->refusal;
}

static void hand_give(wherry_system *system, wherry_system_signal *signal)
{
    hand_system *self = (hand_system *)system;

    self->given++;
    for (int i = 0; i < TAKEN_MAX; i++)
        if (self->taken[i] == signal)
            self->taken[i] = NULL;
}

/* How many were told. */
static int deliver(hand_system *self, int number)
{
    int count = 0;

    for (int i = 0; i < TAKEN_MAX; i++) {
        if (self->taken[i] == NULL || self->taken[i]->number != number)
            continue;
        count++;
        self->taken[i]->arrived(self->taken[i]);
    }
    return count;
}

static wherry_loop *open_on_hand_system(hand_system *system, loop_fixture *fixture)
{
    wherry_loop *loop;

    *system = (hand_system){ .base = *wherry_system_epoll() };
    system->base.take_signal = hand_take;
    system->base.give_signal = hand_give;
    assert_int_equal(wherry_loop_new(&loop, .clock = WHERRY_CLOCK_VIRTUAL, .system = &system->base,
                                     .memory = &fixture->memory.base),
                     WHERRY_OK);
    return loop;
}

static void signals_of_the_system_come_instead_of_those_of_the_process(void **state)
{
    hand_system system;
    noter one = make_noter();
    wherry_signal *signal;
    wherry_loop *loop = open_on_hand_system(&system, *state);

    assert_int_equal(
        wherry_signal_new(&signal, .loop = loop, .number = SIGHUP, .receiver = &one.receiver),
        WHERRY_OK);
    assert_true(handler_of(SIGHUP) == SIG_DFL);
    assert_int_equal(deliver(&system, SIGUSR1), 0);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(deliver(&system, SIGHUP), 1);
        assert_int_equal(deliver(&system, SIGHUP), 1);
        assert_int_equal(one.count, i - 1);
        assert_int_equal(wherry_loop_step(loop), 1);
        assert_int_equal(one.count, i);
        assert_int_equal(one.number, SIGHUP);
        assert_int_equal(wherry_signal_wait(signal, WHERRY_NOW), WHERRY_OK);
    }
    wherry_signal_free(signal);
    assert_int_equal(system.given, 1);
    assert_int_equal(deliver(&system, SIGHUP), 0);
    wherry_loop_free(loop);
    assert_int_equal(system.given, 1);
}

static void system_is_told_how_a_signal_is_taken(void **state)
{
    hand_system system;
    noter one = make_noter();
    wherry_signal *signals[2];
    wherry_loop *loop = open_on_hand_system(&system, *state);

    assert_int_equal(wherry_signal_new(&signals[0], .loop = loop, .number = SIGHUP, .once = 5,
                                       .receiver = &one.receiver),
                     WHERRY_OK);
    assert_int_equal(
        wherry_signal_new(&signals[1], .loop = loop, .number = SIGUSR1, .take_ignored = 5),
        WHERRY_OK);
    assert_int_equal(system.taken[0]->once, 1);
    assert_int_equal(system.taken[0]->take_ignored, 0);
    assert_int_equal(system.taken[1]->once, 0);
    assert_int_equal(system.taken[1]->take_ignored, 1);
    assert_int_equal(deliver(&system, SIGHUP), 1);
    assert_int_equal(wherry_loop_step(loop), 1);
    assert_int_equal(one.count, 1);
    assert_int_equal(system.given, 1); /* at its arrival */
    wherry_signal_free(signals[0]);
    assert_int_equal(system.given, 1);
    wherry_signal_free(signals[1]);
    assert_int_equal(system.given, 2);
    wherry_loop_free(loop);
}

static void ending_loops_give_the_signals_of_their_system_back(void **state)
{
    for (int forgets = 0; forgets < 2; forgets++) {
        hand_system system;
        wherry_signal *signal;
        wherry_loop *loop = open_on_hand_system(&system, *state);

        assert_int_equal(wherry_signal_new(&signal, .loop = loop, .number = SIGHUP), WHERRY_OK);
        assert_int_equal(deliver(&system, SIGHUP), 1);
        if (forgets)
            wherry_loop_forget(loop);
        else
            wherry_loop_free(loop);
        assert_int_equal(system.given, 1);
        assert_null(system.taken[0]);
        memset(&system, 0xa5, sizeof(system)); /* nobody looks at it any more */
        wherry_signal_free(signal);
    }
}

static void freed_before_the_loop_has_seen_a_signal_of_the_system(void **state)
{
    hand_system system;
    noter one = make_noter();
    wherry_signal *signal;
    wherry_loop *loop = open_on_hand_system(&system, *state);

    assert_int_equal(
        wherry_signal_new(&signal, .loop = loop, .number = SIGHUP, .receiver = &one.receiver),
        WHERRY_OK);
    assert_int_equal(deliver(&system, SIGHUP), 1);
    wherry_signal_free(signal);
    assert_int_equal(system.given, 1);
    assert_int_equal(wherry_loop_step(loop), 1);
    assert_int_equal(one.count, 0);
    wherry_loop_free(loop);
}

static void refusals_of_the_system_are_told(void **state)
{
    loop_fixture *self = *state;
    hand_system system;
    wherry_signal *signal = NULL;
    wherry_loop *loop = open_on_hand_system(&system, self);
    size_t blocks = self->memory.blocks;

    system.refusal = -EINVAL;
    assert_int_equal(wherry_signal_new(&signal, .loop = loop, .number = SIGHUP), WHERRY_E_INVALID);
    system.refusal = -ENOMEM;
    assert_int_equal(wherry_signal_new(&signal, .loop = loop, .number = SIGHUP),
                     WHERRY_E_NO_MEMORY);
    assert_null(signal);
    assert_int_equal(system.given, 0);
    assert_int_equal(wherry_loop_step(loop), 0);
    assert_int_equal(self->memory.blocks, blocks);
    wherry_loop_free(loop);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(receiver_is_told_once_for_several),
        ON_LOOP(arrival_on_another_thread_wakes_the_loop),
        ON_LOOP(coroutines_can_wait_for_it),
        ON_LOOP(all_who_wait_are_woken),
        ON_LOOP(several_loops_may_take_the_same_one),
        ON_LOOP(former_handler_is_put_back_by_the_last),
        ON_LOOP(freed_loop_puts_the_handler_back_too),
        ON_LOOP(ignored_signals_stay_ignored),
        ON_LOOP(once_gives_the_number_back_at_its_arrival),
        ON_LOOP(second_sigint_kills),
        ON_LOOP(freed_in_its_own_callback),
        ON_LOOP(freed_before_the_loop_has_seen_it_it_is_not_told),
        ON_LOOP(freed_after_its_loop),
        ON_LOOP(sixty_four_at_most),
        ON_LOOP(what_cannot_be_taken_is_told),
        ON_LOOP(out_of_memory_is_survived),
        ON_LOOP(signals_of_the_system_come_instead_of_those_of_the_process),
        ON_LOOP(system_is_told_how_a_signal_is_taken),
        ON_LOOP(ending_loops_give_the_signals_of_their_system_back),
        ON_LOOP(freed_before_the_loop_has_seen_a_signal_of_the_system),
        ON_LOOP(refusals_of_the_system_are_told),
    };

    set_handler(SIGHUP, SIG_DFL); /* a test runner may ignore it */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
