#include "support/serviced.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

void serviced_open_with(serviced *self, net *world, net_kind kind, wherry_stream_options options)
{
    int ends[2];

    net_pair(kind, ends);
    self->world = world;
    self->far = ends[1];
    options.size = sizeof(options);
    options.result = &self->stream;
    options.loop = world->loop;
    options.descriptor = ends[0];
    options.serviced = 1;
    assert_int_equal(wherry_stream_new_with(&options), WHERRY_OK);
}

void serviced_close(serviced *self)
{
    wherry_faulty_heal(self->world->system, WHERRY_CALL_ANY);
    wherry_stream_free(self->stream);
    if (self->far >= 0)
        assert_int_equal(close(self->far), 0);
    net_settle(self->world);
}

void serviced_say(serviced *self, const char *text)
{
    assert_int_equal(wherry_stream_send(self->stream, wherry_text(text), WHERRY_NOW), WHERRY_OK);
}

void serviced_hear(serviced *self, const char *text)
{
    char data[100];
    size_t length = strlen(text), count = 0;

    assert_true(length < sizeof(data));
    while (count < length) {
        ssize_t result = net_take(self->far, data + count, sizeof(data) - count);

        assert_true(result > 0 || result == -EAGAIN);
        count += result > 0 ? (size_t)result : 0;
    }
    assert_int_equal(count, length);
    assert_memory_equal(data, text, length);
}

void serviced_expect(serviced *self, const char *text)
{
    wherry_bytes bytes = wherry_stream_peek(self->stream);

    assert_int_equal(bytes.length, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.length);
    wherry_stream_consume(self->stream, bytes.length);
}

void serviced_expect_closed(wherry_stream *stream)
{
    assert_int_equal(wherry_stream_is_open(stream), 0);
    assert_int_equal(wherry_stream_is_connected(stream), 0);
    assert_int_equal(wherry_stream_service(stream), WHERRY_E_CLOSED);
    assert_int_equal(wherry_stream_service_connect(stream), WHERRY_E_CLOSED);
    assert_int_equal(wherry_stream_service_send(stream), WHERRY_E_CLOSED);
    assert_int_equal(wherry_stream_service_receive(stream), WHERRY_E_CLOSED);
    assert_int_equal(wherry_stream_service_receive_once(stream), WHERRY_E_CLOSED);
}

void serviced_close_far(serviced *self)
{
    assert_int_equal(close(self->far), 0);
    self->far = -1;
}

void serviced_reset_far(serviced *self)
{
    net_reset(self->far);
    self->far = -1;
}
