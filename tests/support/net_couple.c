/* Callbacks that write down what they were told, and streams with them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/net.h"

static void note(recorder *self, wherry_stream *stream, char what)
{
    size_t length = strlen(self->trace);

    assert_null(wherry_task_current());
    if (length + 1 < sizeof(self->trace))
        self->trace[length] = what;
    if (self->act != NULL)
        self->act(self, stream, what);
}

static void on_connected(wherry_stream_events *events, wherry_stream *stream)
{
    note((recorder *)events, stream, 'c');
}

static void on_received(wherry_stream_events *events, wherry_stream *stream)
{
    recorder *self = (recorder *)events;
    wherry_bytes bytes = wherry_stream_peek(stream);
    size_t size = self->consume_max == 0 || bytes.length < self->consume_max ? bytes.length
                                                                             : self->consume_max;

    assert_true(bytes.length > 0);
    if (self->consume_max != SIZE_MAX) {
        if (self->length + size > self->capacity) {
            self->capacity = 2 * (self->length + size);
            self->bytes = realloc(self->bytes, self->capacity);
            assert_non_null(self->bytes);
        }
        memcpy(self->bytes + self->length, bytes.data, size);
        self->length += size;
        wherry_stream_consume(stream, size);
    }
    note(self, stream, 'r');
}

static void on_writable(wherry_stream_events *events, wherry_stream *stream)
{
    note((recorder *)events, stream, 'w');
}

static void on_ended(wherry_stream_events *events, wherry_stream *stream, int reason)
{
    recorder *self = (recorder *)events;

    self->reason = reason;
    note(self, stream, 'e');
}

void recorder_init(recorder *self)
{
    *self = (recorder){ .events = { .connected = on_connected,
                                    .received = on_received,
                                    .writable = on_writable,
                                    .ended = on_ended } };
}

void recorder_clear(recorder *self)
{
    free(self->bytes);
    self->bytes = NULL;
    self->length = 0;
    self->capacity = 0;
}

wherry_stream *net_stream(net *self, int descriptor, recorder *told)
{
    wherry_stream *stream = NULL;

    assert_int_equal(wherry_stream_new(&stream, .loop = self->loop, .descriptor = descriptor,
                                       .events = told == NULL ? NULL : &told->events),
                     WHERRY_OK);
    return stream;
}

void couple_open_with(couple *self, net *world, net_kind kind, wherry_stream_options options)
{
    int ends[2];

    net_pair(kind, ends);
    self->world = world;
    self->far = ends[1];
    recorder_init(&self->told);
    options.size = sizeof(options);
    options.result = &self->stream;
    options.loop = world->loop;
    options.descriptor = ends[0];
    options.events = &self->told.events;
    assert_int_equal(wherry_stream_new_with(&options), WHERRY_OK);
}

void couple_close(couple *self)
{
    wherry_faulty_heal(self->world->system, WHERRY_CALL_ANY);
    wherry_stream_free(self->stream);
    recorder_clear(&self->told);
    if (self->far >= 0)
        assert_int_equal(close(self->far), 0);
}

int couple_send_at_once(couple *self, size_t offset, size_t length)
{
    uint8_t *data = malloc(length + 1);
    int result;

    assert_non_null(data);
    net_fill(data, length, offset);
    result = wherry_stream_send(self->stream, wherry_bytes_at(data, length), WHERRY_NOW);
    free(data);
    return result;
}

void couple_send(couple *self, size_t length)
{
    assert_int_equal(couple_send_at_once(self, 0, length), WHERRY_OK);
}

void couple_expect(couple *self, size_t offset, size_t length)
{
    uint8_t *data = malloc(length + 1);

    assert_non_null(data);
    assert_int_equal(net_take_all(self->world, self->far, data, length, NULL), length);
    net_check(data, length, offset);
    free(data);
}

void couple_expect_end(couple *self, size_t length)
{
    uint8_t *data = malloc(length + 1);
    ssize_t last;

    assert_non_null(data);
    assert_int_equal(net_take_all(self->world, self->far, data, length + 1, &last), length);
    assert_int_equal(last, 0);
    net_check(data, length, 0);
    free(data);
}

void couple_block(couple *self)
{
    wherry_faulty_plan(self->world->system, WHERRY_CALL_SEND, .number = ENOBUFS);
}

void couple_unblock(couple *self)
{
    wherry_faulty_heal(self->world->system, WHERRY_CALL_SEND);
}

void couple_shrink(couple *self)
{
    net_shrink(wherry_stream_descriptor(self->stream), 4096);
}
