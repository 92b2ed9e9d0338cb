/* Stacks: size, guard, keeping for use again, and what happens when no more can be mapped. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
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

#include "loop/announce.h"
#include "loop/stack.h"
#include "support/process.h"

#define SIZE ((size_t)64 * 1024)
/* AddressSanitizer keeps books of every byte. */
#if defined(WHERRY_ADDRESS_SANITIZER)
#define MANY 20000
#else
#define MANY 200000
#endif

static size_t page;

/* Whether the kernel can read the byte. */
static bool is_readable(const char *byte)
{
    int ends[2];
    ssize_t count;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    count = write(ends[1], byte, 1);
    if (count < 0)
        assert_int_equal(errno, EFAULT);
    close(ends[0]);
    close(ends[1]);
    return count == 1;
}

/* True in both ways where there are two. */
static bool guard_by(wherry__stack_guard guard)
{
    wherry__stack_guard_force(WHERRY__STACK_GUARD_UNKNOWN);
    if (guard == WHERRY__STACK_GUARD_LIGHT && !wherry__stack_guard_is_light()) {
        return false;
    }
    wherry__stack_guard_force(guard);
    return true;
}

static int set_up(void **state)
{
    (void)state;
    page = (size_t)sysconf(_SC_PAGESIZE);
    wherry__stack_guard_force(WHERRY__STACK_GUARD_UNKNOWN);
    return 0;
}

static void sizes_are_whole_pages(void **state)
{
    static const size_t asked[] = { 0, 1, 4095, 4096, 4097, 65536, 65537 };
    wherry__stack stack;

    (void)state;
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        const size_t least = asked[i] == 0 ? 1 : asked[i];

        assert_int_equal(wherry__stack_map(&stack, asked[i]), WHERRY_OK);
        assert_int_equal(stack.size, (least + page - 1) / page * page);
        assert_int_equal((uintptr_t)stack.low % page, 0);
        memset(stack.low, 1, stack.size);
        wherry__stack_unmap(stack);
    }
}

static void check_guard(wherry__stack_guard guard)
{
    wherry__stack stack;
    char *low;

    if (!guard_by(guard))
        process_skip("the kernel has no light guards");
    assert_int_equal(wherry__stack_map(&stack, SIZE), WHERRY_OK);
    low = stack.low;
    assert_true(is_readable(low));
    assert_true(is_readable(low + SIZE - 1));
    assert_false(is_readable(low - 1));
    assert_false(is_readable(low - page));
    wherry__stack_unmap(stack);
}

static void light_guard_guards(void **state)
{
    (void)state;
    check_guard(WHERRY__STACK_GUARD_LIGHT);
}

static void heavy_guard_guards(void **state)
{
    (void)state;
    check_guard(WHERRY__STACK_GUARD_HEAVY);
}

static void probe_without_descriptors_is_not_remembered(void **state)
{
    const bool is_light = wherry__stack_guard_is_light();
    struct rlimit limit, none;
    wherry__stack stack;
    int result;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){ .rlim_cur = 0, .rlim_max = limit.rlim_max };
    wherry__stack_guard_force(WHERRY__STACK_GUARD_UNKNOWN);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    result = wherry__stack_guard_is_light() ? 1 : wherry__stack_map(&stack, SIZE);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(result, WHERRY_OK);
    assert_false(is_readable((char *)stack.low - 1));
    wherry__stack_unmap(stack);
    assert_int_equal(wherry__stack_guard_is_light(), is_light);
}

static void *ask_for_guard(void *answer)
{
    *(bool *)answer = wherry__stack_guard_is_light();
    return NULL;
}

static void threads_may_probe_together(void **state)
{
    const bool is_light = wherry__stack_guard_is_light();
    pthread_t threads[4];
    bool answers[4];

    (void)state;
    wherry__stack_guard_force(WHERRY__STACK_GUARD_UNKNOWN);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_for_guard, &answers[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(answers[i], is_light);
    }
}

static void pool_keeps_up_to_its_limit(void **state)
{
    wherry__stack_pool pool;
    wherry__stack stacks[3], again;

    (void)state;
    wherry__stack_pool_init(&pool, SIZE - 1, 2);
    assert_int_equal(pool.size, SIZE);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(wherry__stack_pool_take(&pool, &stacks[i]), WHERRY_OK);
    assert_int_equal(pool.mapped, 3);
    wherry__stack_pool_give(&pool, stacks[0]);
    wherry__stack_pool_give(&pool, stacks[1]);
    assert_int_equal(pool.kept, 2);
    assert_int_equal(pool.mapped, 3);
    wherry__stack_pool_give(&pool, stacks[2]);
    assert_int_equal(pool.kept, 2);
    assert_int_equal(pool.mapped, 2);

    assert_int_equal(wherry__stack_pool_take(&pool, &again), WHERRY_OK);
    assert_ptr_equal(again.low, stacks[1].low);
    assert_int_equal(again.size, SIZE);
    assert_int_equal(pool.kept, 1);
    wherry__stack_pool_give(&pool, again);
    wherry__stack_pool_clear(&pool);
    assert_int_equal(pool.kept, 0);
    assert_int_equal(pool.mapped, 0);
    assert_null(pool.first);
}

static void pool_may_keep_nothing(void **state)
{
    wherry__stack_pool pool;
    wherry__stack stack;

    (void)state;
    wherry__stack_pool_init(&pool, SIZE, 0);
    assert_int_equal(wherry__stack_pool_take(&pool, &stack), WHERRY_OK);
    wherry__stack_pool_give(&pool, stack);
    assert_int_equal(pool.mapped, 0);
    wherry__stack_pool_clear(&pool);
}

static void impossible_sizes_are_refused(void **state)
{
    const size_t asked[] = { SIZE_MAX, SIZE_MAX - page, SIZE_MAX - 2 * page, SIZE_MAX / 2 };
    wherry__stack_pool pool;
    wherry__stack stack;

    (void)state;
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        assert_int_equal(wherry__stack_map(&stack, asked[i]), WHERRY_E_NO_STACK);
        assert_non_null(strstr(wherry_problem(), "mapping a stack of "));
    }
    wherry__stack_pool_init(&pool, SIZE_MAX, 1);
    assert_int_equal(wherry__stack_pool_take(&pool, &stack), WHERRY_E_NO_STACK);
    assert_int_equal(pool.mapped, 0);
}

/* Takes stacks until there are no more, or count; none is touched. */
static size_t take_all(wherry__stack_pool *pool, wherry__stack *stacks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (wherry__stack_pool_take(pool, &stacks[i]) < 0)
            return i;
    }
    return count;
}

/* Gives every other stack back, then the rest: the worst order for who merges neighbours. */
static void give_all(wherry__stack_pool *pool, const wherry__stack *stacks, size_t count)
{
    for (size_t start = 0; start < 2; start++) {
        for (size_t i = start; i < count; i += 2)
            wherry__stack_pool_give(pool, stacks[i]);
    }
}

static void light_stacks_share_mappings(void **state)
{
    /* Valgrind has room for 30,000 mappings, which the holes between stacks would exceed. */
    const size_t wanted = process_is_under_valgrind() ? 2000 : MANY;
    const size_t before = process_mappings();
    wherry__stack *stacks;
    wherry__stack_pool pool;
    size_t count, while_all;

    (void)state;
#if defined(WHERRY_THREAD_SANITIZER)
    process_skip("ThreadSanitizer adds mappings of its own to each stack");
#endif
    if (!guard_by(WHERRY__STACK_GUARD_LIGHT))
        process_skip("the kernel has no light guards");
    stacks = calloc(wanted, sizeof(*stacks));
    assert_non_null(stacks);
    wherry__stack_pool_init(&pool, SIZE, 0);
    count = take_all(&pool, stacks, wanted);
    while_all = process_mappings();
    give_all(&pool, stacks, count);
    wherry__stack_pool_clear(&pool);
    free(stacks);
    assert_int_equal(count, wanted);
    assert_true(while_all < 1000);
    assert_int_equal(pool.mapped, 0);
    assert_true(process_mappings() < before + 100);
}

/* In a process of its own, with 256 MiB of address space more than it has. */
static int run_out_of_address_space(void)
{
    static wherry__stack stacks[8192];
    wherry__stack_pool pool;
    struct rlimit limit;
    size_t first, second;

    limit.rlim_cur = limit.rlim_max = process_pages() * page + (size_t)256 * 1024 * 1024;
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        return 2;
    wherry__stack_guard_force(WHERRY__STACK_GUARD_HEAVY);
    wherry__stack_pool_init(&pool, SIZE, 0);
    first = take_all(&pool, stacks, 8192);
    if (first == 8192)
        return 77;
    if (first < 1000 || first > 4096 || pool.mapped != first ||
        strstr(wherry_problem(), "vm.max_map_count") == NULL)
        return 3;
    give_all(&pool, stacks, first);
    if (pool.mapped != 0)
        return 4;
    second = take_all(&pool, stacks, 8192);
    give_all(&pool, stacks, second);
    return second == first && pool.mapped == 0 ? 0 : 5;
}

static void address_space_runs_out(void **state)
{
    int status;
    pid_t child;

    (void)state;
    if (process_is_checked())
        process_skip("checkers need address space without limit");
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(run_out_of_address_space());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        process_skip("this emulator does not limit address space");
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* How many mappings a process may have; 0 where that cannot be read. */
static size_t mappings_max(void)
{
    FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
    size_t count = 0;

    if (file == NULL)
        return 0;
    if (fscanf(file, "%zu", &count) != 1)
        count = 0;
    fclose(file);
    return count;
}

static void heavy_stacks_run_out_of_mappings(void **state)
{
    const size_t limit = mappings_max();
    wherry__stack *stacks;
    wherry__stack_pool pool;
    char problem[256];
    size_t before, count;

    (void)state;
    if (limit == 0 || limit > 100000 || process_is_under_valgrind())
        process_skip("no such limit here, or one too high to be reached");
    stacks = calloc(limit, sizeof(*stacks));
    assert_non_null(stacks);
    wherry__stack_guard_force(WHERRY__STACK_GUARD_HEAVY);
    wherry__stack_pool_init(&pool, page, 0);
    before = process_mappings();
    count = take_all(&pool, stacks, limit);
    memcpy(problem, wherry_problem(), strlen(wherry_problem()) + 1);
    give_all(&pool, stacks, count);
    wherry__stack_pool_clear(&pool);
    free(stacks);
    /* Checkers have some of the mappings. */
    assert_in_range(count, process_is_checked() ? limit / 4 : limit / 2 - 1000, limit / 2 + 1);
    assert_non_null(strstr(problem, "vm.max_map_count"));
    assert_int_equal(pool.mapped, 0);
    assert_true(process_mappings() < before + 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(sizes_are_whole_pages, set_up),
        cmocka_unit_test_setup(light_guard_guards, set_up),
        cmocka_unit_test_setup(heavy_guard_guards, set_up),
        cmocka_unit_test_setup(probe_without_descriptors_is_not_remembered, set_up),
        cmocka_unit_test_setup(threads_may_probe_together, set_up),
        cmocka_unit_test_setup(pool_keeps_up_to_its_limit, set_up),
        cmocka_unit_test_setup(pool_may_keep_nothing, set_up),
        cmocka_unit_test_setup(impossible_sizes_are_refused, set_up),
        cmocka_unit_test_setup(light_stacks_share_mappings, set_up),
        cmocka_unit_test_setup(address_space_runs_out, set_up),
        cmocka_unit_test_setup(heavy_stacks_run_out_of_mappings, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
