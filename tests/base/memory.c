#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "base/memory.h"
#include "support/failing_memory.h"

static void the_default_gives_zeroed_blocks(void **state)
{
    static const uint8_t zeroes[100];
    wherry_memory *memory = wherry__memory_default();
    uint8_t *block = wherry__memory_take(memory, sizeof(zeroes));

    (void)state;
    assert_non_null(block);
    assert_memory_equal(block, zeroes, sizeof(zeroes));
    memset(block, 7, sizeof(zeroes));
    block = wherry__memory_resize(memory, block, sizeof(zeroes), 5000);
    assert_non_null(block);
    assert_int_equal(block[99], 7);
    wherry__memory_give(memory, block, 5000);
}

/* A memory need not clear what it gives. */
static void taken_blocks_are_zeroed_whatever_the_memory(void **state)
{
    static const uint8_t zeroes[33];
    failing_memory memory;
    uint8_t *block;

    (void)state;
    failing_memory_init(&memory, 0, false);
    block = wherry__memory_take(&memory.base, sizeof(zeroes));
    assert_memory_equal(block, zeroes, sizeof(zeroes));
    wherry__memory_give(&memory.base, block, sizeof(zeroes));
    failing_memory_assert_empty(&memory);
}

static void giving_nothing_is_no_call(void **state)
{
    failing_memory memory;

    (void)state;
    failing_memory_init(&memory, 1, true);
    wherry__memory_give(&memory.base, NULL, 0);
    wherry__memory_give(wherry__memory_default(), NULL, 0);
    assert_int_equal(memory.calls, 0);
}

static void no_memory_is_the_problem(void **state)
{
    failing_memory memory;
    char *block;

    (void)state;
    failing_memory_init(&memory, 1, false);
    assert_null(wherry__memory_take(&memory.base, 123));
    assert_string_equal(wherry_problem(), "out of memory: 123 bytes were asked for");

    block = wherry__memory_take(&memory.base, 4);
    assert_non_null(block);
    memcpy(block, "abc", 4);
    memory.fail_at = 3;
    assert_null(wherry__memory_resize(&memory.base, block, 4, 77));
    assert_string_equal(wherry_problem(), "out of memory: 77 bytes were asked for");
    assert_string_equal(block, "abc");
    assert_null(wherry__memory_resize(&memory.base, block, 4, 0));
    failing_memory_assert_empty(&memory);
}

static void counting_follows_every_change(void **state)
{
    wherry__counted_memory counted;
    wherry_memory *memory = &counted.base;
    void *one, *other;

    (void)state;
    wherry__counted_memory_init(&counted, NULL);
    assert_int_equal(counted.bytes, 0);
    one = wherry__memory_take(memory, 100);
    other = wherry__memory_take(memory, 1);
    assert_int_equal(counted.bytes, 101);
    one = wherry__memory_resize(memory, one, 100, 1000);
    assert_int_equal(counted.bytes, 1001);
    one = wherry__memory_resize(memory, one, 1000, 10);
    assert_int_equal(counted.bytes, 11);
    wherry__memory_give(memory, one, 10);
    assert_int_equal(counted.bytes, 1);
    wherry__memory_give(memory, other, 1);
    assert_int_equal(counted.bytes, 0);
}

static void failures_below_are_not_counted(void **state)
{
    failing_memory below;
    wherry__counted_memory counted;
    void *block;

    (void)state;
    failing_memory_init(&below, 1, false);
    wherry__counted_memory_init(&counted, &below.base);
    assert_null(wherry__memory_take(&counted.base, 10));
    assert_int_equal(counted.bytes, 0);
    block = wherry__memory_take(&counted.base, 10);
    below.fail_at = 3;
    assert_null(wherry__memory_resize(&counted.base, block, 10, 20));
    assert_int_equal(counted.bytes, 10);
    assert_int_equal(below.bytes, 10);
    wherry__memory_give(&counted.base, block, 10);
    assert_int_equal(counted.bytes, 0);
    failing_memory_assert_empty(&below);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_gives_zeroed_blocks),
        cmocka_unit_test(taken_blocks_are_zeroed_whatever_the_memory),
        cmocka_unit_test(giving_nothing_is_no_call),
        cmocka_unit_test(no_memory_is_the_problem),
        cmocka_unit_test(counting_follows_every_change),
        cmocka_unit_test(failures_below_are_not_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
