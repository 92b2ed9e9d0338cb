/* Coroutines: their order, what belongs to each of them, what a parked one costs, and that guards
 * and checkers see what happens on their stacks. What a switch keeps in the processor is tested in
 * switch.c. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "base/error.h"
#include "loop/announce.h"
#include "loop/coroutine.h"
#include "loop/switch.h"
#include "support/process.h"

#define SIZE ((size_t)64 * 1024)
/* ThreadSanitizer has 8,128 fibers. */
#if defined(WHERRY_THREAD_SANITIZER)
#define SEVERAL 1000
#else
#define SEVERAL 10000
#endif
#define MANY 200000

static wherry__stack_pool pool;

static int set_up(void **state)
{
    (void)state;
    wherry__stack_pool_init(&pool, SIZE, 16);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    wherry__stack_pool_clear(&pool);
    return pool.mapped == 0 ? 0 : -1;
}

static void start(wherry__coroutine *coroutine, wherry__coroutine_function *function,
                  void *argument)
{
    wherry__stack stack;

    assert_int_equal(wherry__stack_pool_take(&pool, &stack), WHERRY_OK);
    wherry__coroutine_init(coroutine, stack, function, argument);
}

static void stop(wherry__coroutine *coroutine)
{
    wherry__coroutine_done(coroutine);
    wherry__stack_pool_give(&pool, coroutine->stack);
}

/* What most of the tests run: a coroutine, and what it shares with its test. */
typedef struct actor {
    wherry__coroutine coroutine;
    char *trace;
    uint64_t seed;
    size_t rounds;
    uint64_t result;
} actor;

static void note(actor *self, char what)
{
    const size_t length = strlen(self->trace);

    self->trace[length] = what;
    self->trace[length + 1] = '\0';
}

static void trace_body(void *argument)
{
    actor *self = argument;

    note(self, 'a');
    wherry__coroutine_suspend(&self->coroutine);
    note(self, 'b');
    wherry__coroutine_suspend(&self->coroutine);
    note(self, 'c');
}

static void resume_and_suspend_alternate(void **state)
{
    char trace[16] = "";
    actor one = { .trace = trace };

    (void)state;
    start(&one.coroutine, trace_body, &one);
    assert_string_equal(trace, "");
    for (int i = 0; i < 3; i++) {
        assert_false(one.coroutine.ended);
        note(&one, '1');
        wherry__coroutine_resume(&one.coroutine);
        note(&one, '2');
    }
    assert_true(one.coroutine.ended);
    assert_null(one.coroutine.context);
    assert_string_equal(trace, "1a21b21c2");
    stop(&one.coroutine);
}

static void stack_is_used_again(void **state)
{
    char trace[16] = "";
    actor one = { .trace = trace }, other = { .trace = trace };
    void *low;

    (void)state;
    start(&one.coroutine, trace_body, &one);
    low = one.coroutine.stack.low;
    while (!one.coroutine.ended)
        wherry__coroutine_resume(&one.coroutine);
    stop(&one.coroutine);
    start(&other.coroutine, trace_body, &other);
    assert_ptr_equal(other.coroutine.stack.low, low);
    while (!other.coroutine.ended)
        wherry__coroutine_resume(&other.coroutine);
    stop(&other.coroutine);
    assert_string_equal(trace, "abcabc");
}

static void never_resumed_is_done(void **state)
{
    char trace[16] = "";
    actor one = { .trace = trace };

    (void)state;
    start(&one.coroutine, trace_body, &one);
    stop(&one.coroutine);
    assert_null(one.coroutine.context);
    assert_string_equal(trace, "");
}

static void count_body(void *argument)
{
    actor *self = argument;
    double sum = 0;

    for (size_t i = 1; i <= self->rounds; i++) {
        const uint64_t mark = self->seed * i;

        sum += (double)mark;
        wherry__coroutine_suspend(&self->coroutine);
        self->result += self->seed * i == mark ? 1 : 0;
    }
    self->result = sum > (double)self->seed * 10 ? self->result : 0;
}

static void thousands_interleave(void **state)
{
    actor *actors = calloc(SEVERAL, sizeof(*actors));

    (void)state;
    assert_non_null(actors);
    for (size_t i = 0; i < SEVERAL; i++) {
        actors[i].seed = i + 1;
        actors[i].rounds = 6;
        start(&actors[i].coroutine, count_body, &actors[i]);
    }
    for (size_t round = 0; round <= 6; round++) {
        for (size_t i = 0; i < SEVERAL; i++)
            wherry__coroutine_resume(&actors[i].coroutine);
    }
    for (size_t i = 0; i < SEVERAL; i++) {
        assert_true(actors[i].coroutine.ended);
        assert_int_equal(actors[i].result, 6);
        stop(&actors[i].coroutine);
    }
    free(actors);
}

/* Resumes the actor behind it in the same array, until it has ended; rounds is how many are behind.
 */
static void nest_body(void *argument)
{
    actor *self = argument;
    actor *next = self + 1;

    self->result = 1;
    wherry__coroutine_suspend(&self->coroutine);
    if (self->rounds == 0)
        return;
    next->rounds = self->rounds - 1;
    start(&next->coroutine, nest_body, next);
    while (!next->coroutine.ended) {
        wherry__coroutine_resume(&next->coroutine);
        if (!next->coroutine.ended)
            wherry__coroutine_suspend(&self->coroutine);
    }
    self->result += next->result;
    stop(&next->coroutine);
}

static void coroutines_resume_others(void **state)
{
    static actor actors[201];
    size_t resumed = 0;

    (void)state;
    memset(actors, 0, sizeof(actors));
    actors[0].rounds = 200;
    start(&actors[0].coroutine, nest_body, &actors[0]);
    while (!actors[0].coroutine.ended) {
        wherry__coroutine_resume(&actors[0].coroutine);
        resumed++;
    }
    assert_int_equal(resumed, 202);
    assert_int_equal(actors[0].result, 201);
    stop(&actors[0].coroutine);
}

static void problem_body(void *argument)
{
    actor *self = argument;
    char mine[32];

    self->result |= wherry_problem()[0] != '\0';
    (void)snprintf(mine, sizeof(mine), "problem %d", (int)self->seed);
    (void)wherry__fail(WHERRY_E_END, "%s", mine);
    wherry__coroutine_suspend(&self->coroutine);
    self->result |= strcmp(wherry_problem(), mine) != 0;
}

static void problems_are_each_ones_own(void **state)
{
    actor actors[2] = { { .seed = 1 }, { .seed = 2 } };

    (void)state;
    (void)wherry__fail(WHERRY_E_END, "problem of the thread");
    for (int i = 0; i < 2; i++)
        start(&actors[i].coroutine, problem_body, &actors[i]);
    for (int i = 0; i < 4; i++) {
        wherry__coroutine_resume(&actors[i % 2].coroutine);
        assert_string_equal(wherry_problem(), "problem of the thread");
    }
    for (int i = 0; i < 2; i++) {
        assert_true(actors[i].coroutine.ended);
        assert_int_equal(actors[i].result, 0);
        stop(&actors[i].coroutine);
    }
}

static void errno_body(void *argument)
{
    actor *self = argument;

    self->result |= errno != 0;
    errno = (int)self->seed;
    wherry__coroutine_suspend(&self->coroutine);
    self->result |= errno != (int)self->seed;
    errno = EDOM;
}

static void errno_is_each_ones_own(void **state)
{
    actor actors[2] = { { .seed = EINTR }, { .seed = EPIPE } };

    (void)state;
    for (int i = 0; i < 2; i++)
        start(&actors[i].coroutine, errno_body, &actors[i]);
    for (int i = 0; i < 4; i++) {
        errno = EAGAIN + i;
        wherry__coroutine_resume(&actors[i % 2].coroutine);
        assert_int_equal(errno, EAGAIN + i);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(actors[i].result, 0);
        stop(&actors[i].coroutine);
    }
}

static void park_body(void *argument)
{
    wherry__coroutine_suspend(argument);
}

/* Parks count coroutines, and measures. */
static void park(size_t count, size_t *pages, size_t *lines)
{
    wherry__coroutine *parked = calloc(count, sizeof(*parked));
    size_t before;

    assert_non_null(parked);
    memset(parked, 1, count * sizeof(*parked));
    before = process_resident_pages();
    for (size_t i = 0; i < count; i++) {
        start(&parked[i], park_body, &parked[i]);
        wherry__coroutine_resume(&parked[i]);
    }
    *pages = process_resident_pages() - before;
    *lines = process_mappings();
    for (size_t i = 0; i < count; i++) {
        wherry__coroutine_resume(&parked[i]);
        assert_true(parked[i].ended);
        stop(&parked[i]);
    }
    free(parked);
}

static void parked_one_costs_two_pages_at_most(void **state)
{
    size_t pages, lines;

    (void)state;
    if (process_is_checked())
        process_skip("checkers need memory of their own");
#if defined(WHERRY_SWITCH_UCONTEXT)
    process_skip("a ucontext_t is larger than a page on some processors");
#endif
    park(1000, &pages, &lines);
    assert_true(pages <= 2000);
}

static void many_can_be_parked(void **state)
{
    size_t pages, lines;

    (void)state;
#if defined(WHERRY_THREAD_SANITIZER)
    process_skip("ThreadSanitizer adds mappings of its own to each stack");
#endif
    if (!wherry__stack_guard_is_light())
        process_skip("with heavy guards a process has some 32,000 stacks");
    park(process_is_checked() ? SEVERAL : MANY, &pages, &lines);
    assert_true(lines < 1000);
}

static size_t go_down(volatile char *above)
{
    volatile char frame[256];

    memset((char *)(uintptr_t)frame, (int)*above, sizeof(frame));
    return above == NULL ? 0 : go_down(frame) + (size_t)frame[17];
}

static void go_down_body(void *argument)
{
    char first = 1;

    wherry__coroutine_suspend(argument);
    (void)go_down(&first);
}

static void write_behind_body(void *argument)
{
    char room[16];
    volatile size_t size = sizeof(room) + 1;

    wherry__coroutine_suspend(argument);
    memset(room, 1, size);
    __asm__ volatile("" : : "r"(room) : "memory");
    wherry__coroutine_suspend(argument);
}

/* Runs body in a process of its own, resumed twice, with its standard error kept in text. Answers
 * how it ended. */
static int run_apart(wherry__coroutine_function *body, char *text, size_t size)
{
    wherry__coroutine coroutine;
    size_t length = 0;
    ssize_t count;
    int ends[2], status;
    pid_t child;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit no_core = { 0, 0 };

        signal(SIGSEGV, SIG_DFL);
        setrlimit(RLIMIT_CORE, &no_core);
        dup2(ends[1], STDERR_FILENO);
        start(&coroutine, body, &coroutine);
        wherry__coroutine_resume(&coroutine);
        wherry__coroutine_resume(&coroutine);
        _exit(0);
    }
    close(ends[1]);
    while (length < size - 1 && (count = read(ends[0], text + length, size - 1 - length)) > 0)
        length += (size_t)count;
    text[length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void overflow_meets_the_guard(void **state)
{
    char text[4096];
    int status;

    (void)state;
    if (process_is_checked())
        process_skip("checkers end the program in their own way");
    status = run_apart(go_down_body, text, sizeof(text));
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
}

static void address_sanitizer_sees_overflow_after_a_switch(void **state)
{
#if defined(WHERRY_ADDRESS_SANITIZER)
    char text[16384];
    int status;

    (void)state;
    status = run_apart(write_behind_body, text, sizeof(text));
    assert_true(WIFEXITED(status));
    assert_int_not_equal(WEXITSTATUS(status), 0);
    assert_non_null(strstr(text, "stack-buffer-overflow"));
    /* Which it finds only on a stack that it was told of. */
    assert_non_null(strstr(text, "is located in stack of thread"));
#else
    (void)state;
    (void)write_behind_body;
    process_skip("not built with AddressSanitizer");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resume_and_suspend_alternate),
        cmocka_unit_test(stack_is_used_again),
        cmocka_unit_test(never_resumed_is_done),
        cmocka_unit_test(thousands_interleave),
        cmocka_unit_test(coroutines_resume_others),
        cmocka_unit_test(problems_are_each_ones_own),
        cmocka_unit_test(errno_is_each_ones_own),
        cmocka_unit_test(parked_one_costs_two_pages_at_most),
        cmocka_unit_test(many_can_be_parked),
        cmocka_unit_test(overflow_meets_the_guard),
        cmocka_unit_test(address_sanitizer_sees_overflow_after_a_switch),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
