/* Readers: they are given every piece, and close at the end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/feed.h>

#include "support/feeding.h"
#include "support/net.h"

typedef struct reading {
    wherry_feed_reader base; /* first */
    couple both;
    size_t length;
    int pieces, ends, connects, reason;
    uint8_t bytes[256];
    char when; /* the callback that frees or closes the stream: p e */
    bool frees;
} reading;

static void act(reading *self, wherry_stream *stream, char what)
{
    if (what != self->when)
        return;
    if (self->frees) {
        wherry_stream_free(stream);
        self->both.stream = NULL;
    } else {
        wherry_stream_close(stream);
    }
}

static void on_piece(wherry_feed_reader *base, wherry_stream *stream, wherry_bytes piece)
{
    reading *self = (reading *)base;

    assert_null(wherry_task_current());
    assert_int_equal(self->ends, 0);
    assert_true(piece.length > 0 && self->length + piece.length <= sizeof(self->bytes));
    memcpy(self->bytes + self->length, piece.data, piece.length);
    self->length += piece.length;
    self->pieces++;
    act(self, stream, 'p');
}

static void on_ended(wherry_feed_reader *base, wherry_stream *stream, int reason)
{
    reading *self = (reading *)base;

    assert_int_equal(wherry_stream_send(stream, wherry_text("x"), WHERRY_NOW), WHERRY_E_CLOSED);
    self->ends++;
    self->reason = reason;
    act(self, stream, 'e');
}

static void on_connected(wherry_stream_events *events, wherry_stream *stream)
{
    (void)stream;
    ((reading *)events)->connects++;
}

static void open_reading(reading *self, net *world)
{
    memset(self, 0, sizeof(*self));
    couple_open(&self->both, world, NET_TCP4, .send_max = 0);
    self->base.piece = on_piece;
    self->base.ended = on_ended;
    self->base.events.connected = on_connected;
    wherry_stream_set_events(self->both.stream, wherry_feed_reader_events(&self->base));
    assert_ptr_equal(self->base.events.connected, on_connected);
}

static void every_piece_is_given_and_taken(void **state)
{
    net *world = *state;
    reading self;

    open_reading(&self, world);
    for (int i = 1; i <= 3; i++) {
        net_put(self.both.far, "piece", 5);
        NET_UNTIL(world, self.length == (size_t)i * 5);
        assert_int_equal(self.pieces, i);
        assert_int_equal(wherry_stream_peek(self.both.stream).length, 0);
    }
    assert_memory_equal(self.bytes, "piecepiecepiece", 15);
    couple_close(&self.both);
    assert_int_equal(self.ends, 0);
}

static void end_of_the_other_side_closes(void **state)
{
    uint8_t byte;
    net *world = *state;
    reading self;

    open_reading(&self, world);
    assert_int_equal(wherry_stream_send(self.both.stream, wherry_text("out"), WHERRY_NOW),
                     WHERRY_OK);
    net_put(self.both.far, "last", 4);
    assert_int_equal(shutdown(self.both.far, SHUT_WR), 0);
    NET_UNTIL(world, self.ends == 1);
    assert_int_equal(self.reason, WHERRY_E_END);
    assert_int_equal(self.length, 4);
    assert_int_equal(wherry_stream_descriptor(self.both.stream), -1);
    for (size_t i = 0; i < 3; i++) /* what was sent before still goes out */
        assert_int_equal(net_take_all(world, self.both.far, &byte, 1, NULL), 1);
    assert_int_equal(net_take_all(world, self.both.far, &byte, 1, NULL), 0);
    couple_close(&self.both);
    assert_int_equal(self.ends, 1);
}

static void reset_is_told_once(void **state)
{
    net *world = *state;
    reading self;

    open_reading(&self, world);
    net_reset(self.both.far);
    self.both.far = -1;
    NET_UNTIL(world, self.ends == 1);
    assert_int_equal(self.reason, WHERRY_E_RESET);
    net_settle(world);
    couple_close(&self.both);
    assert_int_equal(self.ends, 1);
    assert_int_equal(self.pieces, 0);
}

static void end_closes_a_feed_on_the_stream_too(void **state)
{
    const size_t sizes[] = { 10 };
    net *world = *state;
    reading self;
    feeding items;

    open_reading(&self, world);
    feeding_init(&items, sizes, 1);
    items.late = SIZE_MAX;
    assert_int_equal(wherry_feed_new(&items.feed, .stream = self.both.stream, .items = &items.base),
                     WHERRY_OK);
    assert_int_equal(shutdown(self.both.far, SHUT_WR), 0);
    NET_UNTIL(world, items.ends == 1);
    assert_int_equal(items.reason, WHERRY_E_CLOSED);
    assert_int_equal(self.ends, 1);
    wherry_feed_free(items.feed);
    couple_close(&self.both);
    feeding_clear(&items);
}

static void stream_may_be_closed_and_freed_within_the_callbacks(void **state)
{
    net *world = *state;

    for (int i = 0; i < 4; i++) {
        reading self;

        open_reading(&self, world);
        self.when = i < 2 ? 'p' : 'e';
        self.frees = i % 2 == 1;
        net_put(self.both.far, "piece", 5);
        NET_UNTIL(world, self.pieces == 1);
        assert_int_equal(shutdown(self.both.far, SHUT_WR), 0);
        if (i >= 2)
            NET_UNTIL(world, self.ends == 1);
        net_settle(world);
        assert_int_equal(self.ends, i < 2 ? 0 : 1);
        couple_close(&self.both);
    }
}

static void callbacks_may_be_left_out(void **state)
{
    net *world = *state;
    reading self;

    open_reading(&self, world);
    self.base.piece = NULL;
    self.base.ended = NULL;
    net_put(self.both.far, "piece", 5);
    assert_int_equal(shutdown(self.both.far, SHUT_WR), 0);
    NET_UNTIL(world, wherry_stream_descriptor(self.both.stream) == -1);
    assert_int_equal(wherry_stream_end(self.both.stream), WHERRY_E_END);
    assert_int_equal(wherry_stream_peek(self.both.stream).length, 0);
    couple_close(&self.both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(every_piece_is_given_and_taken),
        NET_TEST(end_of_the_other_side_closes),
        NET_TEST(reset_is_told_once),
        NET_TEST(end_closes_a_feed_on_the_stream_too),
        NET_TEST(stream_may_be_closed_and_freed_within_the_callbacks),
        NET_TEST(callbacks_may_be_left_out),
    };

    return NET_RUN(tests);
}
