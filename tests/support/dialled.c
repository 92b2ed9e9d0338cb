#include "support/dialled.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

static void dial(dialled *self, net *world, const wherry_address *address,
                 wherry_dial_options options)
{
    *self = (dialled){ .world = world, .address = *address, .listener = -1, .far = -1 };
    options.size = sizeof(options);
    options.loop = world->loop;
    assert_int_equal(wherry_stream_dial_with(&self->stream, address, &options), WHERRY_OK);
}

void dialled_new_with(dialled *self, net *world, net_kind kind, wherry_dial_options options)
{
    wherry_address address;
    int listener = net_listen(kind, 8, &address);

    dial(self, world, &address, options);
    self->listener = listener;
}

void dialled_new_to_nobody_with(dialled *self, net *world, net_kind kind,
                                wherry_dial_options options)
{
    wherry_address address;

    net_vacant(kind, &address);
    dial(self, world, &address, options);
}

void dialled_close(dialled *self)
{
    wherry_faulty_heal(self->world->system, WHERRY_CALL_ANY);
    wherry_stream_free(self->stream);
    dialled_hang_up(self);
    if (self->listener >= 0)
        assert_int_equal(close(self->listener), 0);
    if (self->address.family == WHERRY_FAMILY_UNIX)
        (void)unlink(self->address.at.path);
    net_settle(self->world);
}

void dialled_open(dialled *self)
{
    assert_int_equal(wherry_stream_open(self->stream), WHERRY_OK);
    dialled_connect(self);
}

void dialled_connect(dialled *self)
{
    int result;

    do
        result = wherry_stream_service_connect(self->stream);
    while (result == 0);
    assert_int_equal(result, 1);
    self->far = accept(self->listener, NULL, NULL);
    assert_true(self->far >= 0);
}

void dialled_stall(dialled *self)
{
    wherry_faulty_plan(self->world->system, WHERRY_CALL_CONNECT, .number = EINPROGRESS);
}

void dialled_hang_up(dialled *self)
{
    if (self->far >= 0)
        assert_int_equal(close(self->far), 0);
    self->far = -1;
}

void dialled_say(dialled *self, const char *text)
{
    assert_int_equal(wherry_stream_send(self->stream, wherry_text(text), WHERRY_NOW), WHERRY_OK);
}

void dialled_hear(dialled *self, const char *text)
{
    char data[100];
    size_t length = strlen(text), count = 0;

    assert_true(length <= sizeof(data));
    while (count < length) {
        ssize_t result;

        assert_true(wherry_stream_service_send(self->stream) >= 0);
        result = net_take(self->far, data + count, length - count);
        assert_true(result > 0 || result == -EAGAIN);
        count += result > 0 ? (size_t)result : 0;
    }
    assert_memory_equal(data, text, length);
}
