#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "base/buffer.h"
#include "support/failing_memory.h"

static failing_memory memory;
static wherry__buffer buffer;

static void start(size_t limit)
{
    failing_memory_init(&memory, 0, false);
    wherry__buffer_init(&buffer, &memory.base, limit);
}

static void finish(void)
{
    wherry__buffer_clear(&buffer);
    failing_memory_assert_empty(&memory);
}

static void assert_holds(const char *text)
{
    assert_true(wherry_bytes_equal(wherry__buffer_bytes(&buffer), wherry_text(text)));
}

static void an_empty_buffer_has_no_block(void **state)
{
    uint8_t *room = (uint8_t *)&room;

    (void)state;
    start(10);
    assert_int_equal(wherry__buffer_bytes(&buffer).length, 0);
    wherry__buffer_consume(&buffer, 5);
    assert_int_equal(wherry__buffer_append(&buffer, wherry_text(NULL)), WHERRY_OK);
    assert_int_equal(wherry__buffer_reserve(&buffer, 0, &room), WHERRY_OK);
    assert_null(room);
    wherry__buffer_commit(&buffer, 0);
    assert_int_equal(memory.calls, 0);
    finish();
}

static void bytes_leave_in_the_order_they_came(void **state)
{
    (void)state;
    start(100);
    assert_int_equal(wherry__buffer_append(&buffer, wherry_text("over ")), WHERRY_OK);
    assert_int_equal(wherry__buffer_append(&buffer, wherry_text("the river")), WHERRY_OK);
    assert_holds("over the river");
    wherry__buffer_consume(&buffer, 5);
    assert_holds("the river");
    assert_int_equal(wherry__buffer_append(&buffer, wherry_text("!")), WHERRY_OK);
    assert_holds("the river!");
    wherry__buffer_consume(&buffer, 1000);
    assert_holds("");
    finish();
}

static void reserved_room_counts_when_it_is_filled(void **state)
{
    uint8_t *room;

    (void)state;
    start(100);
    assert_int_equal(wherry__buffer_reserve(&buffer, 50, &room), WHERRY_OK);
    memcpy(room, "abc", 3);
    assert_holds("");
    wherry__buffer_commit(&buffer, 2);
    assert_holds("ab");
    finish();
}

static void the_limit_holds_to_the_byte(void **state)
{
    uint8_t *room;

    (void)state;
    start(10);
    assert_int_equal(wherry__buffer_append(&buffer, wherry_text("0123456789")), WHERRY_OK);
    assert_int_equal(wherry__buffer_append(&buffer, wherry_text("x")), WHERRY_E_TOO_LARGE);
    assert_string_equal(wherry_problem(), "1 more bytes exceed the limit of 10");
    assert_holds("0123456789");
    wherry__buffer_consume(&buffer, 1);
    assert_int_equal(wherry__buffer_append(&buffer, wherry_text("xy")), WHERRY_E_TOO_LARGE);
    assert_int_equal(wherry__buffer_append(&buffer, wherry_text("x")), WHERRY_OK);
    assert_holds("123456789x");
    assert_int_equal(wherry__buffer_reserve(&buffer, SIZE_MAX, &room), WHERRY_E_TOO_LARGE);
    assert_holds("123456789x");
    finish();

    start(0);
    assert_int_equal(wherry__buffer_append(&buffer, wherry_text("x")), WHERRY_E_TOO_LARGE);
    finish();
}

static void sizes_past_the_end_of_memory_are_refused(void **state)
{
    uint8_t *room;

    (void)state;
    start(SIZE_MAX);
    assert_int_equal(wherry__buffer_append(&buffer, wherry_text("abc")), WHERRY_OK);
    assert_int_equal(wherry__buffer_reserve(&buffer, SIZE_MAX - 2, &room), WHERRY_E_TOO_LARGE);
    assert_int_equal(wherry__buffer_reserve(&buffer, SIZE_MAX - 3, &room), WHERRY_E_NO_MEMORY);
    wherry__buffer_consume(&buffer, 1);
    assert_int_equal(wherry__buffer_reserve(&buffer, SIZE_MAX - 2, &room), WHERRY_E_NO_MEMORY);
    assert_int_equal(wherry__buffer_reserve(&buffer, SIZE_MAX - 3, &room), WHERRY_E_NO_MEMORY);
    assert_holds("bc");
    finish();
}

static void a_failed_reservation_moves_nothing(void **state)
{
    static const char text[60] = "0123456789abcdef";
    wherry_bytes before;
    uint8_t *room;

    (void)state;
    start(1000);
    assert_int_equal(wherry__buffer_append(&buffer, wherry_bytes_at(text, 60)), WHERRY_OK);
    wherry__buffer_consume(&buffer, 55);
    before = wherry__buffer_bytes(&buffer);
    memory.fail_at = memory.calls + 1;
    assert_int_equal(wherry__buffer_reserve(&buffer, 500, &room), WHERRY_E_NO_MEMORY);
    assert_ptr_equal(wherry__buffer_bytes(&buffer).data, before.data);
    assert_int_equal(wherry__buffer_bytes(&buffer).length, 5);
    assert_int_equal(wherry__buffer_reserve(&buffer, 500, &room), WHERRY_OK);
    assert_memory_equal(wherry__buffer_bytes(&buffer).data, text + 55, 5);
    finish();
}

/* Adding byte by byte takes memory a few times only, and never more than the limit. */
static void growth_is_by_doubling_up_to_the_limit(void **state)
{
    (void)state;
    start(1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(wherry__buffer_append(&buffer, wherry_text("x")), WHERRY_OK);
    assert_true(memory.calls <= 5);
    assert_int_equal(memory.bytes, 1000);
    finish();
}

static void the_first_block_stays_within_a_small_limit(void **state)
{
    (void)state;
    start(3);
    assert_int_equal(wherry__buffer_append(&buffer, wherry_text("x")), WHERRY_OK);
    assert_int_equal(memory.bytes, 3);
    finish();
}

/* The worst that a slow peer can do: keep the buffer full and take a byte now and then. */
static void a_full_buffer_is_not_moved_for_every_byte(void **state)
{
    const size_t limit = 1000;
    size_t moved = 0;

    (void)state;
    start(limit);
    for (size_t i = 0; i < limit; i++)
        assert_int_equal(wherry__buffer_append(&buffer, wherry_text("x")), WHERRY_OK);
    for (size_t i = 0; i < 20 * limit; i++) {
        const uint8_t *data;

        wherry__buffer_consume(&buffer, 1);
        data = wherry__buffer_bytes(&buffer).data;
        assert_int_equal(wherry__buffer_append(&buffer, wherry_text("y")), WHERRY_OK);
        moved += data == wherry__buffer_bytes(&buffer).data ? 0 : limit;
    }
    assert_true(moved <= 21 * limit);
    assert_true(memory.bytes <= 2 * limit);
    finish();
}

static void an_emptied_buffer_starts_at_the_front_again(void **state)
{
    (void)state;
    start(64);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(wherry__buffer_append(&buffer, wherry_text("a message of 24 bytes...")),
                         WHERRY_OK);
        assert_ptr_equal(wherry__buffer_bytes(&buffer).data, buffer.data);
        wherry__buffer_consume(&buffer, 24);
    }
    assert_int_equal(memory.calls, 1);
    finish();
}

static void a_cleared_buffer_can_be_used_again(void **state)
{
    (void)state;
    start(4);
    assert_int_equal(wherry__buffer_append(&buffer, wherry_text("abcd")), WHERRY_OK);
    wherry__buffer_consume(&buffer, 1);
    wherry__buffer_clear(&buffer);
    failing_memory_assert_empty(&memory);
    wherry__buffer_clear(&buffer);
    assert_int_equal(wherry__buffer_append(&buffer, wherry_text("efgh")), WHERRY_OK);
    assert_holds("efgh");
    assert_int_equal(wherry__buffer_append(&buffer, wherry_text("i")), WHERRY_E_TOO_LARGE);
    finish();
}

/* A fixed sequence that looks like none. */
static uint32_t next_number(uint32_t *number)
{
    *number = *number * 1664525U + 1013904223U;
    return *number >> 16;
}

static void it_does_what_a_plain_array_does(void **state)
{
    enum { LIMIT = 300 };
    uint8_t model[LIMIT];
    uint8_t piece[LIMIT];
    size_t length = 0;
    uint32_t number = 1;

    (void)state;
    start(LIMIT);
    for (int i = 0; i < 5000; i++) {
        size_t add = next_number(&number) % (i % 10 == 0 ? LIMIT : 20);
        size_t take = next_number(&number) % (i % 7 == 0 ? LIMIT : 20);
        int expected = length + add > LIMIT ? WHERRY_E_TOO_LARGE : WHERRY_OK;

        memset(piece, i, add);
        assert_int_equal(wherry__buffer_append(&buffer, wherry_bytes_at(piece, add)), expected);
        if (expected == WHERRY_OK) {
            memcpy(model + length, piece, add);
            length += add;
        }
        take = take < length ? take : length;
        wherry__buffer_consume(&buffer, take);
        length -= take;
        memmove(model, model + take, length);
        assert_true(
            wherry_bytes_equal(wherry__buffer_bytes(&buffer), wherry_bytes_at(model, length)));
    }
    assert_true(memory.bytes <= 2 * LIMIT);
    finish();
}

static int fill_and_drain(wherry_memory *failing)
{
    static const uint8_t bytes[100];
    wherry__buffer filled;
    int result = WHERRY_OK;

    wherry__buffer_init(&filled, failing, 1000);
    for (size_t i = 0; i < 10 && result == WHERRY_OK; i++) {
        size_t length = wherry__buffer_bytes(&filled).length;

        result = wherry__buffer_append(&filled, wherry_bytes_at(bytes, sizeof(bytes)));
        if (result < 0)
            assert_int_equal(wherry__buffer_bytes(&filled).length, length);
        wherry__buffer_consume(&filled, 10);
    }
    wherry__buffer_clear(&filled);
    return result;
}

static void it_survives_every_failure_of_memory(void **state)
{
    (void)state;
    assert_true(failing_memory_try(fill_and_drain) >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_has_no_block),
        cmocka_unit_test(bytes_leave_in_the_order_they_came),
        cmocka_unit_test(reserved_room_counts_when_it_is_filled),
        cmocka_unit_test(the_limit_holds_to_the_byte),
        cmocka_unit_test(sizes_past_the_end_of_memory_are_refused),
        cmocka_unit_test(a_failed_reservation_moves_nothing),
        cmocka_unit_test(growth_is_by_doubling_up_to_the_limit),
        cmocka_unit_test(the_first_block_stays_within_a_small_limit),
        cmocka_unit_test(a_full_buffer_is_not_moved_for_every_byte),
        cmocka_unit_test(an_emptied_buffer_starts_at_the_front_again),
        cmocka_unit_test(a_cleared_buffer_can_be_used_again),
        cmocka_unit_test(it_does_what_a_plain_array_does),
        cmocka_unit_test(it_survives_every_failure_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
