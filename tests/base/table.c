#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "base/table.h"
#include "support/failing_memory.h"

#define MANY 1000

/* A structure with an entry in it, as the owners have; its key is its number. */
typedef struct thing {
    uint32_t number;
    wherry__table_entry entry;
} thing;

static const uint8_t key[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
static failing_memory memory;
static wherry__table table;
static thing things[MANY];

static wherry_bytes key_of(const thing *of)
{
    return wherry_bytes_at(&of->number, sizeof(of->number));
}

static int start(void **state)
{
    (void)state;
    failing_memory_init(&memory, 0, false);
    wherry__table_init(&table, &memory.base, key);
    memset(things, 0, sizeof(things));
    for (uint32_t i = 0; i < MANY; i++)
        things[i].number = i;
    return 0;
}

static int finish(void **state)
{
    (void)state;
    wherry__table_clear(&table);
    failing_memory_assert_empty(&memory);
    return 0;
}

static void add(size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        assert_int_equal(wherry__table_add(&table, &things[i].entry, key_of(&things[i])),
                         WHERRY_OK);
}

static void assert_found(size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        assert_ptr_equal(wherry__table_find(&table, key_of(&things[i])), &things[i].entry);
}

static void assert_missing(size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        assert_null(wherry__table_find(&table, key_of(&things[i])));
}

static void an_empty_table_has_no_buckets(void **state)
{
    (void)state;
    assert_missing(0, 3);
    assert_int_equal(memory.calls, 0);
}

static void what_is_added_is_found(void **state)
{
    (void)state;
    add(0, 3);
    assert_int_equal(table.count, 3);
    assert_found(0, 3);
    assert_missing(3, 6);
}

static void a_key_is_there_once(void **state)
{
    thing same = { .number = 1 };

    (void)state;
    add(0, 2);
    assert_int_equal(wherry__table_add(&table, &same.entry, key_of(&same)), WHERRY_E_EXISTS);
    assert_int_equal(table.count, 2);
    assert_found(0, 2);
    wherry__table_remove(&table, &things[1].entry);
    assert_int_equal(wherry__table_add(&table, &same.entry, key_of(&same)), WHERRY_OK);
    assert_ptr_equal(wherry__table_find(&table, key_of(&things[1])), &same.entry);
}

/* The full table does not grow for a key that it has. */
static void a_known_key_is_refused_before_growing(void **state)
{
    thing same = { .number = 1 };

    (void)state;
    add(0, 8);
    memory.fail_at = memory.calls + 1;
    assert_int_equal(wherry__table_add(&table, &same.entry, key_of(&same)), WHERRY_E_EXISTS);
    assert_int_equal(memory.failures, 0);
}

static void keys_of_all_lengths_are_told_apart(void **state)
{
    static const uint8_t zeroes[20];
    wherry__table_entry entries[20];

    (void)state;
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(wherry__table_add(&table, &entries[i], wherry_bytes_at(zeroes, i)),
                         WHERRY_OK);
    for (size_t i = 0; i < 20; i++)
        assert_ptr_equal(wherry__table_find(&table, wherry_bytes_at(zeroes, i)), &entries[i]);
    assert_ptr_equal(wherry__table_find(&table, wherry_bytes_at(NULL, 0)), &entries[0]);
}

/* Known answer of SipHash-1-3, so that the random bytes are all of its key. */
static void entries_are_hashed_under_the_given_key(void **state)
{
    wherry__table_entry entry;

    (void)state;
    assert_int_equal(wherry__table_add(&table, &entry, wherry_bytes_at(key, 15)), WHERRY_OK);
    assert_true(entry.hash == UINT64_C(0xd320d86d2a519956));
}

static void it_grows_when_full_and_not_before(void **state)
{
    (void)state;
    add(0, 8);
    assert_int_equal(memory.calls, 1);
    assert_int_equal(table.bucket_count, 8);
    add(8, 9);
    assert_int_equal(memory.calls, 2);
    assert_int_equal(table.bucket_count, 16);
    assert_found(0, 9);
    assert_int_equal(memory.blocks, 1);
}

static void many_come_and_go(void **state)
{
    (void)state;
    add(0, MANY);
    assert_int_equal(table.count, MANY);
    assert_int_equal(table.bucket_count, 1024);
    assert_found(0, MANY);
    for (size_t i = 0; i < MANY; i += 2)
        wherry__table_remove(&table, &things[i].entry);
    assert_int_equal(table.count, MANY / 2);
    for (size_t i = 0; i < MANY; i += 2) {
        assert_missing(i, i + 1);
        assert_found(i + 1, i + 2);
    }
    for (size_t i = 1; i < MANY; i += 2)
        wherry__table_remove(&table, &things[i].entry);
    assert_int_equal(table.count, 0);
    assert_missing(0, MANY);
    add(0, MANY);
    assert_found(0, MANY);
}

/* Every place in a chain: eight entries whose hashes were made to agree. */
static void entries_leave_from_anywhere_in_a_chain(void **state)
{
    const size_t order[] = { 3, 7, 0, 5, 1, 6, 2, 4 };

    (void)state;
    add(0, 8);
    memset(table.buckets, 0, table.bucket_count * sizeof(*table.buckets));
    for (size_t i = 0; i < 8; i++) {
        things[i].entry.hash = 5;
        things[i].entry.next = i == 0 ? NULL : &things[i - 1].entry;
    }
    table.buckets[5] = &things[7].entry;
    for (size_t i = 0; i < 8; i++) {
        size_t length = 0;

        wherry__table_remove(&table, &things[order[i]].entry);
        for (wherry__table_entry *entry = table.buckets[5]; entry != NULL; entry = entry->next) {
            assert_ptr_not_equal(entry, &things[order[i]].entry);
            length++;
        }
        assert_int_equal(length, 7 - i);
    }
    assert_null(table.buckets[5]);
    assert_int_equal(table.count, 0);
}

static void a_cleared_table_can_be_used_again(void **state)
{
    (void)state;
    add(0, 20);
    wherry__table_clear(&table);
    failing_memory_assert_empty(&memory);
    assert_missing(0, 20);
    add(0, 20);
    assert_found(0, 20);
}

static void failing_to_grow_changes_nothing(void **state)
{
    (void)state;
    memory.fail_at = 1;
    assert_int_equal(wherry__table_add(&table, &things[0].entry, key_of(&things[0])),
                     WHERRY_E_NO_MEMORY);
    assert_int_equal(table.count, 0);
    assert_missing(0, 1);
    add(0, 8);
    memory.fail_at = memory.calls + 1;
    assert_int_equal(wherry__table_add(&table, &things[8].entry, key_of(&things[8])),
                     WHERRY_E_NO_MEMORY);
    assert_int_equal(table.count, 8);
    assert_int_equal(table.bucket_count, 8);
    assert_found(0, 8);
    assert_missing(8, 9);
    add(8, 9);
    assert_found(0, 9);
}

static int fill(wherry_memory *failing)
{
    wherry__table filled;
    int result = WHERRY_OK;
    size_t count = 0;

    wherry__table_init(&filled, failing, key);
    for (size_t i = 0; i < 40 && result == WHERRY_OK; i++) {
        result = wherry__table_add(&filled, &things[i].entry, key_of(&things[i]));
        count += result == WHERRY_OK ? 1 : 0;
    }
    assert_int_equal(filled.count, count);
    for (size_t i = 0; i < count; i++)
        assert_ptr_equal(wherry__table_find(&filled, key_of(&things[i])), &things[i].entry);
    wherry__table_clear(&filled);
    return result;
}

static void it_survives_every_failure_of_memory(void **state)
{
    (void)state;
    assert_int_equal(failing_memory_try(fill), 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_table_has_no_buckets),
        TEST(what_is_added_is_found),
        TEST(a_key_is_there_once),
        TEST(a_known_key_is_refused_before_growing),
        TEST(keys_of_all_lengths_are_told_apart),
        TEST(entries_are_hashed_under_the_given_key),
        TEST(it_grows_when_full_and_not_before),
        TEST(many_come_and_go),
        TEST(entries_leave_from_anywhere_in_a_chain),
        TEST(a_cleared_table_can_be_used_again),
        TEST(failing_to_grow_changes_nothing),
        TEST(it_survives_every_failure_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
