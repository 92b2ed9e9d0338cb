/* What the other end sees when bytes that were sent to it are given up: never an orderly end, which
 * would say that what it has got is all. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/net.h"

/* One part of a message is with the kernel, the other waits. */
static void send_half(couple *self)
{
    net *world = self->world;

    assert_int_equal(wherry_stream_send(self->stream, wherry_text("half "), WHERRY_NOW), WHERRY_OK);
    net_settle(world);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = ENOBUFS);
    assert_int_equal(wherry_stream_send(self->stream, wherry_text("lost"), WHERRY_NOW), WHERRY_OK);
    net_settle(world);
    assert_int_equal(wherry_stream_unsent(self->stream), 4);
}

static void expect_reset(int descriptor)
{
    char bytes[100];
    ssize_t result;

    do
        result = net_take(descriptor, bytes, sizeof(bytes));
    while (result > 0);
    assert_int_equal(result, -ECONNRESET);
}

static void at_the_linger_time_it_is_a_reset(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_TCP4, .linger = WHERRY_SECONDS(1));
    send_half(&self);
    wherry_stream_close(self.stream);
    net_advance(world, WHERRY_SECONDS(1));
    expect_reset(self.far);
    couple_close(&self);
}

static void at_the_idle_limit_it_is_a_reset(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_TCP4, .idle_timeout = WHERRY_SECONDS(1));
    send_half(&self);
    net_advance(world, WHERRY_SECONDS(1));
    assert_int_equal(wherry_stream_end(self.stream), WHERRY_E_IDLE);
    expect_reset(self.far);
    couple_close(&self);
}

static void at_the_end_of_the_loop_it_is_a_reset(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_TCP4, .linger = WHERRY_SECONDS(1000));
    send_half(&self);
    wherry_loop_free(world->loop);
    world->loop = NULL;
    expect_reset(self.far);
    couple_close(&self);
}

/* The parent goes on with it. */
static void forgetting_the_loop_leaves_the_connection_as_it_is(void **state)
{
    net *world = *state;
    couple self;
    char bytes[100];
    int copy;

    couple_open(&self, world, NET_TCP4, .linger = WHERRY_SECONDS(1));
    send_half(&self);
    copy = dup(wherry_stream_descriptor(self.stream));
    assert_true(copy >= 0);
    wherry_loop_forget(world->loop);
    world->loop = NULL;
    assert_int_equal(net_take(self.far, bytes, sizeof(bytes)), 5);
    (void)close(copy);
    assert_int_equal(net_take(self.far, bytes, sizeof(bytes)), 0);
    couple_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST_VIRTUAL(at_the_linger_time_it_is_a_reset),
        NET_TEST_VIRTUAL(at_the_idle_limit_it_is_a_reset),
        NET_TEST_VIRTUAL(at_the_end_of_the_loop_it_is_a_reset),
        NET_TEST_VIRTUAL(forgetting_the_loop_leaves_the_connection_as_it_is),
    };

    return NET_RUN(tests);
}
