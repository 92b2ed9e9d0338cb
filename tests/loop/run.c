/* Running a program of one coroutine. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/bodies.h"
#include "support/loop_fixture.h"

static void result_is_that_of_the_body(void **state)
{
    static const int results[] = { 0, 17, WHERRY_E_MALFORMED, WHERRY_E_CANCELED };

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(wherry_run(body_give, (void *)(uintptr_t)&results[i]), results[i]);
    assert_int_equal(logged(""), 0);
}

static int linger(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_sleep(wherry_in(WHERRY_MILLISECONDS(2))) == WHERRY_OK);
    trace("l");
    return 0;
}

static int leave_something_behind(void *unused)
{
    (void)unused;
    TASK_ASSERT(strcmp(wherry_task_name(wherry_task_current()), "main") == 0);
    TASK_ASSERT(wherry_spawn(NULL, linger, NULL) == WHERRY_OK);
    trace("b");
    return 5;
}

static void it_ends_when_all_that_was_left_behind_has(void **state)
{
    (void)state;
    assert_int_equal(wherry_run(leave_something_behind, NULL), 5);
    trace_is("bl");
}

static int stop_and_see(void *unused)
{
    (void)unused;
    wherry_loop_stop(wherry_loop_current());
    TASK_ASSERT(wherry_sleep(WHERRY_NEVER) == WHERRY_E_CANCELED);
    return 9;
}

static void stopped_it_cancels_the_body(void **state)
{
    (void)state;
    assert_int_equal(wherry_run(stop_and_see, NULL), 9);
}

static int run_inside(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_run(body_give, NULL) == WHERRY_E_MISUSE);
    return 0;
}

static void inside_of_a_loop_it_is_misuse(void **state)
{
    (void)state;
    assert_int_equal(wherry_run(run_inside, NULL), 0);
    assert_int_equal(wherry_run(NULL, NULL), WHERRY_E_MISUSE);
}

static void without_descriptors_it_cannot_begin(void **state)
{
    struct rlimit limit, none;
    int number = 3, result;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){ .rlim_cur = 0, .rlim_max = limit.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    result = wherry_run(body_give, &number);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(result, WHERRY_E_NO_DESCRIPTORS);
}

static int look_at_signals(void *unused)
{
    struct sigaction action;

    (void)unused;
    TASK_ASSERT(sigaction(SIGINT, NULL, &action) == 0);
    TASK_ASSERT(action.sa_handler == SIG_DFL);
    TASK_ASSERT(sigaction(SIGTERM, NULL, &action) == 0);
    TASK_ASSERT(action.sa_handler == SIG_DFL);
    return 0;
}

static void signals_keep_their_meaning(void **state)
{
    (void)state;
    assert_int_equal(wherry_run(look_at_signals, NULL), 0);
}

static void *run_on_thread(void *number)
{
    return wherry_run(body_give, number) == *(int *)number ? number : NULL;
}

static void each_thread_may_run_its_own(void **state)
{
    int numbers[4] = { 1, 2, 3, 4 };
    pthread_t threads[4];
    void *seen;

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_on_thread, &numbers[i]), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &seen), 0);
        assert_ptr_equal(seen, &numbers[i]);
    }
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(result_is_that_of_the_body),
        ON_LOOP(it_ends_when_all_that_was_left_behind_has),
        ON_LOOP(stopped_it_cancels_the_body),
        ON_LOOP(inside_of_a_loop_it_is_misuse),
        ON_LOOP(without_descriptors_it_cannot_begin),
        ON_LOOP(signals_keep_their_meaning),
        ON_LOOP(each_thread_may_run_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
