/* Outputs: whatever is copied and referred to comes out in its order, byte for byte, however it is
 * taken away; and nothing is held longer than it must. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "base/size.h"
#include "net/output.h"
#include "support/failing_memory.h"
#include "support/net.h"

#define SMALL 4096
#define USUAL 65536

typedef struct fixture {
    failing_memory memory;
    wherry__chunk_pool small, usual;
    wherry__output *output;
    wherry__chunk *input;
    uint8_t bytes[4 * USUAL];
} fixture;

static int set_up(void **state)
{
    static fixture self;

    failing_memory_init(&self.memory, 0, false);
    wherry__chunk_pool_init(&self.small, &self.memory.base, SMALL, 4);
    wherry__chunk_pool_init(&self.usual, &self.memory.base, USUAL, 4);
    net_fill(self.bytes, sizeof(self.bytes), 0);
    self.output = wherry__output_make(&self.small);
    self.input = wherry__chunk_take(&self.usual);
    assert_non_null(self.output);
    assert_non_null(self.input);
    net_fill(self.input->bytes, USUAL, 0);
    *state = &self;
    return 0;
}

static int tear_down(void **state)
{
    fixture *self = *state;

    if (self->output != NULL)
        wherry__output_free(self->output);
    assert_int_equal(self->input->holds, 1);
    wherry__chunk_release(self->input);
    wherry__chunk_pool_clear(&self->small);
    wherry__chunk_pool_clear(&self->usual);
    failing_memory_assert_empty(&self->memory);
    return 0;
}

static int copy(fixture *self, size_t offset, size_t length)
{
    return wherry__output_copy(self->output, &self->usual,
                               wherry_bytes_at(self->bytes + offset, length));
}

static int refer(fixture *self, size_t offset, size_t length)
{
    return wherry__output_refer(self->output, self->input,
                                wherry_bytes_at(self->input->bytes + offset, length));
}

/* Takes all out in portions of that size and compares it with length bytes from the beginning. */
static void expect(fixture *self, size_t length, size_t portion)
{
    size_t done = 0;

    assert_int_equal(self->output->unsent, length);
    while (done < length) {
        struct iovec parts[3];
        size_t count = wherry__output_parts(self->output, parts, 3);
        size_t size = 0;

        assert_in_range(count, 1, 3);
        for (size_t i = 0; i < count; i++) {
            assert_true(parts[i].iov_len > 0);
            net_check(parts[i].iov_base, parts[i].iov_len, done + size);
            size += parts[i].iov_len;
        }
        size = wherry__size_min(size, portion);
        wherry__output_sent(self->output, size);
        done += size;
        assert_int_equal(self->output->unsent, length - done);
    }
    assert_int_equal(wherry__output_parts(self->output, &(struct iovec){ 0 }, 1), 0);
}

static void small_copies_are_one_part(void **state)
{
    fixture *self = *state;
    struct iovec parts[4];

    for (size_t i = 0; i < 300; i++)
        assert_int_equal(copy(self, i * 10, 10), WHERRY_OK);
    assert_int_equal(wherry__output_parts(self->output, parts, 4), 1);
    assert_int_equal(self->memory.blocks, 2); /* nothing but the home and the input */
    expect(self, 3000, 7);
}

static void copies_and_references_come_out_in_order(void **state)
{
    fixture *self = *state;

    for (size_t portion = 1; portion < 5000; portion = portion * 3 + 1) {
        size_t at = 0;

        for (size_t i = 0; i < 8; i++) {
            assert_int_equal(copy(self, at, 100 + i), WHERRY_OK);
            at += 100 + i;
            assert_int_equal(refer(self, at, 1000), WHERRY_OK);
            at += 1000;
            assert_int_equal(copy(self, at, 0), WHERRY_OK);
        }
        assert_int_equal(self->input->holds, 9);
        expect(self, at, portion);
        assert_int_equal(self->input->holds, 1);
    }
}

static void neighbouring_references_are_one(void **state)
{
    fixture *self = *state;
    struct iovec parts[4];

    assert_int_equal(refer(self, 0, 100), WHERRY_OK);
    assert_int_equal(refer(self, 100, 100), WHERRY_OK);
    assert_true(
        wherry__output_refer_on(self->output, wherry_bytes_at(self->input->bytes + 200, 100)));
    assert_false(
        wherry__output_refer_on(self->output, wherry_bytes_at(self->input->bytes + 301, 100)));
    assert_int_equal(wherry__output_parts(self->output, parts, 4), 1);
    assert_int_equal(self->input->holds, 2);
    expect(self, 300, 33);
}

static void only_what_was_referred_to_goes_on(void **state)
{
    fixture *self = *state;
    const wherry_bytes next = wherry_bytes_at(self->input->bytes + 100, 100);

    assert_int_equal(refer(self, 0, 100), WHERRY_OK);
    assert_int_equal(copy(self, 100, 1), WHERRY_OK);
    assert_false(wherry__output_refer_on(self->output, next)); /* a copy is in between */
    expect(self, 101, 50);
}

static void first_reference_is_like_any_other(void **state)
{
    fixture *self = *state;

    wherry__output_refer_first(self->output, self->input, wherry_bytes_at(self->input->bytes, 100));
    assert_int_equal(self->input->holds, 2);
    assert_int_equal(wherry__output_tail(self->output), 0);
    assert_true(
        wherry__output_refer_on(self->output, wherry_bytes_at(self->input->bytes + 100, 50)));
    assert_int_equal(copy(self, 150, 10), WHERRY_OK);
    expect(self, 160, 7);
}

/* --- taking home */

static size_t room_at_home(const fixture *self)
{
    return self->output->home->size - self->output->home->used;
}

static void what_fits_is_taken_home(void **state)
{
    fixture *self = *state;
    const size_t room = room_at_home(self);

    assert_int_equal(refer(self, 0, room), WHERRY_OK);
    wherry__output_take_home(self->output);
    assert_int_equal(self->input->holds, 1);
    assert_int_equal(room_at_home(self), 0);
    assert_false(
        wherry__output_refer_on(self->output, wherry_bytes_at(self->input->bytes + room, 1)));
    expect(self, room, 1000);
}

static void one_byte_too_many_stays_where_it_is(void **state)
{
    fixture *self = *state;
    const size_t length = room_at_home(self) + 1;

    assert_int_equal(refer(self, 0, length), WHERRY_OK);
    wherry__output_take_home(self->output);
    assert_int_equal(self->input->holds, 2);
    assert_true(
        wherry__output_refer_on(self->output, wherry_bytes_at(self->input->bytes + length, 1)));
    expect(self, length + 1, 1000);
}

static void what_is_left_of_a_reference_is_taken_home(void **state)
{
    fixture *self = *state;

    assert_int_equal(refer(self, 0, 100), WHERRY_OK);
    wherry__output_sent(self->output, 40);
    wherry__output_take_home(self->output);
    assert_int_equal(self->input->holds, 1);
    assert_int_equal(self->output->unsent, 60);
    net_check(self->output->home->bytes + self->output->home->used - 60, 60, 40);
    assert_int_equal(copy(self, 100, 10), WHERRY_OK);
    assert_int_equal(self->output->count - self->output->first, 1);
}

/* Their order would be lost. */
static void one_of_several_is_not_taken_home(void **state)
{
    fixture *self = *state;

    assert_int_equal(refer(self, 0, 100), WHERRY_OK);
    assert_int_equal(copy(self, 100, 10), WHERRY_OK);
    assert_int_equal(refer(self, 110, 100), WHERRY_OK);
    wherry__output_take_home(self->output);
    assert_int_equal(self->input->holds, 3);
    expect(self, 210, 33);
}

/* --- places */

/* What a stream does when nothing stands against it: all of the tail is room. */
static size_t begin_room(fixture *self)
{
    size_t tail = wherry__output_tail(self->output);

    self->output->room = tail + 1;
    return tail;
}

static void tail_is_for_copies_only(void **state)
{
    fixture *self = *state;

    assert_int_equal(wherry__output_tail(self->output), 0); /* nothing is there to be behind */
    assert_int_equal(copy(self, 0, 100), WHERRY_OK);
    assert_true(wherry__output_tail(self->output) > 0);
    assert_int_equal(refer(self, 100, 1000), WHERRY_OK);
    assert_int_equal(wherry__output_tail(self->output), 0); /* not into the input */
    expect(self, 1100, 77);
}

static void place_is_right_behind_what_is_queued(void **state)
{
    fixture *self = *state;
    uint8_t *place;

    assert_null(wherry__output_place(NULL, 0));
    assert_int_equal(copy(self, 0, 100), WHERRY_OK);
    assert_null(wherry__output_place(self->output, 0)); /* nobody said that there is room */
    (void)begin_room(self);
    place = wherry__output_place(self->output, 50);
    assert_non_null(place);
    memcpy(place, self->bytes + 100, 50);
    expect(self, 150, 77);
}

static void places_fill_the_chunk_to_its_last_byte(void **state)
{
    fixture *self = *state;
    size_t room;

    assert_int_equal(copy(self, 0, 1), WHERRY_OK);
    room = begin_room(self);
    assert_int_equal(room, self->output->home->size - self->output->home->used);
    assert_null(wherry__output_place(self->output, room + 1));
    memcpy(wherry__output_place(self->output, room), self->bytes + 1, room);
    assert_null(wherry__output_place(self->output, 1));
    assert_int_equal(wherry__output_tail(self->output), 0);
    assert_int_equal(copy(self, 1 + room, 1), WHERRY_OK);
    expect(self, room + 2, 1000);
}

static void empty_output_can_begin_with_a_place(void **state)
{
    fixture *self = *state;

    wherry__output_begin(self->output);
    assert_true(begin_room(self) > 100);
    memcpy(wherry__output_place(self->output, 100), self->bytes, 100);
    assert_int_equal(copy(self, 100, 50), WHERRY_OK);
    expect(self, 150, 77);
}

static void large_copies_take_chunks_of_their_own(void **state)
{
    fixture *self = *state;

    assert_int_equal(copy(self, 0, 10), WHERRY_OK);
    assert_int_equal(copy(self, 10, USUAL), WHERRY_OK);
    assert_int_equal(copy(self, 10 + USUAL, USUAL + 1), WHERRY_OK);
    assert_int_equal(copy(self, 11 + 2 * USUAL, 10), WHERRY_OK);
    expect(self, 21 + 2 * USUAL, 9999);
}

static void last_segment_is_counted(void **state)
{
    fixture *self = *state;
    size_t at = 0;

    for (size_t i = 0; i < WHERRY__SEGMENTS; i++, at += 2)
        assert_int_equal(refer(self, at, 1), WHERRY_OK);
    assert_int_equal(refer(self, at, 1), WHERRY_E_FULL);
    assert_int_equal(copy(self, at, 1), WHERRY_E_FULL);
    assert_int_equal(self->output->unsent, WHERRY__SEGMENTS);
    assert_int_equal(self->input->holds, 1 + WHERRY__SEGMENTS);
    wherry__output_sent(self->output, 1);
    assert_int_equal(refer(self, at, 1), WHERRY_OK); /* a place was left */
    assert_int_equal(refer(self, at + 2, 1), WHERRY_E_FULL);
    wherry__output_sent(self->output, WHERRY__SEGMENTS);
}

static void undo_goes_back_to_the_mark(void **state)
{
    fixture *self = *state;

    for (size_t before = 0; before < 3; before++) {
        wherry__output_mark mark;
        size_t at = before == 0 ? 0 : before == 1 ? 40 : 500;

        if (before == 1)
            assert_int_equal(copy(self, 0, 40), WHERRY_OK);
        else if (before == 2)
            assert_int_equal(refer(self, 0, 500), WHERRY_OK);
        mark = wherry__output_mark_now(self->output);
        assert_int_equal(copy(self, 5, 50), WHERRY_OK);
        assert_int_equal(refer(self, 7, 1000), WHERRY_OK);
        assert_int_equal(copy(self, 5, USUAL), WHERRY_OK);
        wherry__output_undo(self->output, mark);
        assert_int_equal(self->input->holds, before == 2 ? 2 : 1);
        assert_int_equal(copy(self, at, 60), WHERRY_OK); /* and on */
        expect(self, at + 60, 11);
    }
}

static void undo_holds_when_the_row_has_moved_meanwhile(void **state)
{
    fixture *self = *state;
    wherry__output_mark mark;
    size_t at = 0;

    for (size_t i = 0; i < WHERRY__SEGMENTS; i++, at++)
        assert_int_equal(i % 2 == 0 ? copy(self, at, 1) : refer(self, at, 1), WHERRY_OK);
    wherry__output_sent(self->output, at - 2);
    mark = wherry__output_mark_now(self->output);
    assert_int_equal(copy(self, 100, 1), WHERRY_OK); /* now it lies at the front */
    assert_int_equal(refer(self, 300, 1), WHERRY_OK);
    wherry__output_undo(self->output, mark);
    assert_int_equal(self->output->unsent, 2);
    net_check(self->output->home->bytes + self->output->segments[0].offset, 1, at - 2);
    assert_int_equal(copy(self, at, 1), WHERRY_OK);
    wherry__output_sent(self->output, 3);
}

static void compact_output_keeps_its_bytes_and_nothing_else(void **state)
{
    fixture *self = *state;

    assert_int_equal(copy(self, 0, 100), WHERRY_OK);
    assert_int_equal(refer(self, 100, 1000), WHERRY_OK);
    assert_int_equal(copy(self, 1100, USUAL), WHERRY_OK);
    wherry__output_sent(self->output, 30);
    self->output = wherry__output_compact(self->output, &self->usual, 0);
    assert_int_equal(self->input->holds, 1);
    assert_int_equal(self->output->unsent, 1070 + USUAL);
    assert_int_equal(self->output->home->size, sizeof(wherry__output) + 1070 + USUAL);
    assert_int_equal(copy(self, 1100 + USUAL, 10), WHERRY_OK);
    {
        uint8_t all[1080 + USUAL];
        struct iovec parts[4];
        size_t count = wherry__output_parts(self->output, parts, 4);
        size_t size = 0;

        for (size_t i = 0; i < count; i++) {
            memcpy(all + size, parts[i].iov_base, parts[i].iov_len);
            size += parts[i].iov_len;
        }
        assert_int_equal(size, sizeof(all));
        net_check(all, size, 30);
    }
}

static void lack_of_memory_changes_nothing(void **state)
{
    fixture *self = *state;
    wherry__output *former = self->output;

    assert_int_equal(copy(self, 0, 100), WHERRY_OK);
    self->memory.fail_at = self->memory.calls + 1;
    self->memory.is_persistent = true;
    assert_int_equal(copy(self, 100, USUAL + 1), WHERRY_E_NO_MEMORY);
    assert_ptr_equal(wherry__output_compact(self->output, &self->usual, 0), former);
    assert_null(wherry__output_make(&self->small));
    self->memory.fail_at = 0;
    expect(self, 100, 100);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(small_copies_are_one_part),
        TEST(copies_and_references_come_out_in_order),
        TEST(neighbouring_references_are_one),
        TEST(only_what_was_referred_to_goes_on),
        TEST(first_reference_is_like_any_other),
        TEST(what_fits_is_taken_home),
        TEST(one_byte_too_many_stays_where_it_is),
        TEST(what_is_left_of_a_reference_is_taken_home),
        TEST(one_of_several_is_not_taken_home),
        TEST(tail_is_for_copies_only),
        TEST(place_is_right_behind_what_is_queued),
        TEST(places_fill_the_chunk_to_its_last_byte),
        TEST(empty_output_can_begin_with_a_place),
        TEST(large_copies_take_chunks_of_their_own),
        TEST(last_segment_is_counted),
        TEST(undo_goes_back_to_the_mark),
        TEST(undo_holds_when_the_row_has_moved_meanwhile),
        TEST(compact_output_keeps_its_bytes_and_nothing_else),
        TEST(lack_of_memory_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
