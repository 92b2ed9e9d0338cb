/* Chunks: counted, and used again. */
#include "loop/chunk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/failing_memory.h"

#define SIZE 1000
#define KEPT 3

static failing_memory memory;
static wherry__chunk_pool pool;

static int set_up(void **state)
{
    (void)state;
    failing_memory_init(&memory, 0, false);
    wherry__chunk_pool_init(&pool, &memory.base, SIZE, KEPT);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    wherry__chunk_pool_clear(&pool);
    failing_memory_assert_empty(&memory);
    return 0;
}

static void chunk_is_used_again_as_if_new(void **state)
{
    wherry__chunk *one = wherry__chunk_take(&pool), *again;

    (void)state;
    assert_non_null(one);
    assert_int_equal(one->size, SIZE);
    assert_int_equal(one->holds, 1);
    assert_int_equal(one->used, 0);
    assert_int_equal((uintptr_t)one->bytes % _Alignof(max_align_t), 0);
    memset(one->bytes, 1, SIZE);
    one->used = 77;
    wherry__chunk_release(one);
    again = wherry__chunk_take(&pool);
    assert_ptr_equal(again, one);
    assert_int_equal(again->holds, 1);
    assert_int_equal(again->used, 0);
    assert_int_equal(memory.blocks, 1);
    wherry__chunk_release(again);
    wherry__chunk_release(NULL);
}

static void last_release_gives_back(void **state)
{
    wherry__chunk *one = wherry__chunk_take(&pool), *other;

    (void)state;
    assert_ptr_equal(wherry__chunk_hold(one), one);
    wherry__chunk_release(one);
    other = wherry__chunk_take(&pool);
    assert_ptr_not_equal(other, one);
    wherry__chunk_release(one);
    wherry__chunk_release(other);
    assert_int_equal(pool.kept, 2);
}

static void pool_keeps_up_to_its_limit(void **state)
{
    wherry__chunk *chunks[KEPT + 1];

    (void)state;
    for (int i = 0; i <= KEPT; i++)
        chunks[i] = wherry__chunk_take(&pool);
    for (int i = 0; i < KEPT; i++)
        wherry__chunk_release(chunks[i]);
    assert_int_equal(memory.blocks, KEPT + 1);
    wherry__chunk_release(chunks[KEPT]);
    assert_int_equal(memory.blocks, KEPT);
    assert_int_equal(pool.kept, KEPT);
}

static void other_sizes_are_not_kept(void **state)
{
    wherry__chunk *one = wherry__chunk_make(&pool, SIZE + 1);

    (void)state;
    assert_int_equal(one->size, SIZE + 1);
    memset(one->bytes, 1, SIZE + 1);
    wherry__chunk_release(one);
    assert_int_equal(memory.blocks, 0);
    one = wherry__chunk_make(&pool, 0);
    assert_int_equal(one->size, 0);
    wherry__chunk_release(one);
    assert_null(wherry__chunk_make(&pool, SIZE_MAX));
    assert_null(wherry__chunk_make(&pool, SIZE_MAX - sizeof(wherry__chunk)));
}

static void chunk_may_outlive_the_clearing_of_its_pool(void **state)
{
    wherry__chunk *one = wherry__chunk_take(&pool);

    (void)state;
    wherry__chunk_pool_clear(&pool);
    wherry__chunk_release(one);
    assert_int_equal(memory.blocks, 0);
}

static void without_memory_there_is_none(void **state)
{
    (void)state;
    memory.fail_at = 1;
    assert_null(wherry__chunk_take(&pool));
    memory.fail_at = 2;
    assert_null(wherry__chunk_make(&pool, 5));
    assert_int_equal(pool.kept, 0);
}

int main(void)
{
#define ON_POOL(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ON_POOL(chunk_is_used_again_as_if_new),
        ON_POOL(last_release_gives_back),
        ON_POOL(pool_keeps_up_to_its_limit),
        ON_POOL(other_sizes_are_not_kept),
        ON_POOL(chunk_may_outlive_the_clearing_of_its_pool),
        ON_POOL(without_memory_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
