/* Saying the seed: before a run, on failure, when the process is killed for a fault of its own, and
 * when nothing happens any more. What ends the process happens in a child. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <wherry.h>

#include "support/bodies.h"
#include "support/process.h"

#define SECOND WHERRY_SECONDS(1)

static char said[65536];

static int setup(void **state)
{
    (void)state;
    (void)unsetenv("WHERRY_SIMULATION_SEED");
    return 0;
}

/* --- in a child: what it says on its standard error, and how it ends */

typedef struct course {
    wherry_body *body;
    int64_t watchdog;
    int quiet;
    int goes_on; /* for longer than the watchdog has patience */
} course;

/* By the real clock, which is for who looks on, not for programs. */
typedef struct patience {
    wherry_simulation_condition condition;
    int64_t end;
} patience;

static int64_t real_time(void)
{
    wherry_system *real = wherry_system_epoll();

    return real->monotonic(real);
}

static int is_over(wherry_simulation_condition *self, wherry_simulation *world)
{
    (void)world;
    return real_time() >= ((patience *)self)->end;
}

static int go_on_for_long(wherry_simulation *world)
{
    patience this = { .condition.holds = is_over, .end = real_time() + SECOND * 11 / 5 };

    return wherry_simulation_run_until(world, &this.condition, WHERRY_NEVER);
}

static void run_in_child(const course *this)
{
    static const struct rlimit none = { 0, 0 };
    static const int fatal[] = { SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE };
    wherry_simulation *world;
    int result;

    (void)setrlimit(RLIMIT_CORE, &none);
    for (size_t i = 0; i < sizeof(fatal) / sizeof(*fatal); i++)
        (void)signal(fatal[i], SIG_DFL); /* cmocka has taken some */
    if (wherry_simulation_new(&world, .seed = 4711, .quiet = this->quiet,
                              .watchdog = this->watchdog) < 0)
        _exit(100);
    if (wherry_simulation_spawn(world, "10.0.0.1", this->body, NULL, .name = "culprit") < 0)
        _exit(101);
    result = this->goes_on ? go_on_for_long(world) : wherry_simulation_run(world, SECOND);
    if (result == WHERRY_OK)
        result = wherry_simulation_run(world, SECOND);
    wherry_simulation_free(world);
    _exit(result == WHERRY_OK ? 0 : 1);
}

static void hear(int descriptor)
{
    size_t used = 0;
    ssize_t length;

    while ((length = read(descriptor, said + used, sizeof(said) - 1 - used)) > 0)
        used += (size_t)length;
    said[used] = '\0';
}

/* Returns the status of waitpid(2). */
static int run(const course *this)
{
    int ends[2], status;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        run_in_child(this);
    }
    (void)close(ends[1]);
    hear(ends[0]);
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void assert_said(const char *part)
{
    if (strstr(said, part) == NULL)
        fail_msg("no \"%s\" in: %s", part, said);
}

static void assert_killed(int status, int number)
{
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), number);
    assert_said("wherry: WHERRY_SIMULATION_SEED=4711 at ");
    assert_said("program \"culprit\" on host 10.0.0.1");
}

/* --- runs that come to their end */

static int refused(void *argument)
{
    (void)argument;
    return WHERRY_E_REFUSED;
}

static void test_a_line_is_said_before_the_first_run(void **state)
{
    (void)state;
    assert_int_equal(run(&(course){ .body = body_nothing }), 0);
    assert_string_equal(said, "wherry: WHERRY_SIMULATION_SEED=4711 at 0.000000000 s: begins\n");
}

static void test_a_quiet_world_says_nothing(void **state)
{
    (void)state;
    assert_int_equal(run(&(course){ .body = body_nothing, .quiet = 1 }), 0);
    assert_string_equal(said, "");
}

static void test_a_quiet_world_says_its_failure_once(void **state)
{
    (void)state;
    assert_int_equal(WEXITSTATUS(run(&(course){ .body = refused, .quiet = 1 })), 1);
    assert_said("wherry: WHERRY_SIMULATION_SEED=4711 at 0.00000");
    assert_said("s: WHERRY_E_REFUSED: program \"culprit\" on host 10.0.0.1: ");
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

/* --- processes that are killed */

static int aborts(void *argument)
{
    (void)argument;
    abort();
}

static void test_an_abort_says_the_seed(void **state)
{
    (void)state;
    assert_killed(run(&(course){ .body = aborts, .quiet = 1 }), SIGABRT);
    assert_said("killed by signal 6");
}

static int crashes(void *argument)
{
    (void)argument;
    (void)raise(SIGSEGV);
    return 0;
}

static void test_a_crash_says_the_seed(void **state)
{
    (void)state;
    if (process_is_checked())
        process_skip("sanitizers and Valgrind take the signal for themselves");
    assert_killed(run(&(course){ .body = crashes, .quiet = 1 }), SIGSEGV);
    assert_said("killed by signal 11");
}

static int overflow(volatile char *upper, int depth)
{
    volatile char bytes[512];

    bytes[0] = (char)(*upper + 1);
    return depth == 0 ? bytes[0] : overflow(bytes, depth - 1) + bytes[0];
}

static int overflows(void *argument)
{
    volatile char byte = 0;

    (void)argument;
    return overflow(&byte, 100000);
}

static void test_an_overflow_of_a_stack_says_the_seed(void **state)
{
    (void)state;
    if (process_is_checked())
        process_skip("sanitizers and Valgrind take the signal for themselves");
    assert_killed(run(&(course){ .body = overflows, .quiet = 1 }), SIGSEGV);
}

static int hangs(void *argument)
{
    volatile const int forever = 1;

    (void)argument;
    while (forever)
        continue;
    return 0;
}

static void test_the_watchdog_ends_a_process_that_hangs_and_says_the_seed(void **state)
{
    (void)state;
    assert_killed(run(&(course){ .body = hangs, .quiet = 1, .watchdog = WHERRY_MILLISECONDS(100) }),
                  SIGABRT);
    assert_said("the watchdog bites");
}

static int turns(void *argument)
{
    int result = WHERRY_OK;

    (void)argument;
    while (result == WHERRY_OK)
        result = wherry_sleep(wherry_in(WHERRY_MILLISECONDS(1)));
    return result;
}

/* Of whose turns there is nothing to tell. */
static void test_the_watchdog_leaves_alone_whoever_goes_on(void **state)
{
    (void)state;
    assert_int_equal(run(&(course){ .body = turns, .quiet = 1, .watchdog = SECOND, .goes_on = 1 }),
                     0);
    assert_string_equal(said, "");
}

/* --- the process's own handlers */

static void handler(int number)
{
    (void)number;
}

static int sees_handlers(void *argument)
{
    struct sigaction *seen = argument;

    (void)sigaction(SIGABRT, NULL, &seen[0]);
    (void)sigaction(SIGFPE, NULL, &seen[1]);
    return 0;
}

static void test_signals_are_taken_during_runs_only_and_not_from_others(void **state)
{
    struct sigaction mine = { .sa_handler = handler }, former, seen[2], after;
    struct sigaction by_default = { .sa_handler = SIG_DFL }, former_other;
    wherry_simulation *world;

    (void)state;
    assert_int_equal(sigaction(SIGFPE, &mine, &former), 0);
    assert_int_equal(sigaction(SIGABRT, &by_default, &former_other), 0);
    assert_int_equal(wherry_simulation_new(&world, .quiet = 1), WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", sees_handlers, seen), WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, SECOND), WHERRY_OK);
    wherry_simulation_free(world);
    assert_true(seen[0].sa_handler != SIG_DFL);
    assert_true(seen[1].sa_handler == handler);
    assert_int_equal(sigaction(SIGABRT, &former_other, &after), 0);
    assert_true(after.sa_handler == SIG_DFL);
    assert_int_equal(sigaction(SIGFPE, &former, &after), 0);
    assert_true(after.sa_handler == handler);
}

#define TEST(name) cmocka_unit_test_setup(test_##name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_is_said_before_the_first_run),
        TEST(a_quiet_world_says_nothing),
        TEST(a_quiet_world_says_its_failure_once),
        TEST(an_abort_says_the_seed),
        TEST(a_crash_says_the_seed),
        TEST(an_overflow_of_a_stack_says_the_seed),
        TEST(the_watchdog_ends_a_process_that_hangs_and_says_the_seed),
        TEST(the_watchdog_leaves_alone_whoever_goes_on),
        TEST(signals_are_taken_during_runs_only_and_not_from_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
