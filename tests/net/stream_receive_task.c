/* Receiving on tasks: what a call hands out and until when, and what wakes the one who waits. Apart
 * from stream_receive.c because here a call waits, and may be left with the stream gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/net.h"

#define LARGE ((size_t)3 << 20)

typedef struct actor {
    wherry_stream *stream;
    int far;
    int result;
    bool done;
} actor;

static int receive_twice(void *argument)
{
    actor *self = argument;
    wherry_bytes bytes;

    assert_int_equal(wherry_stream_receive(self->stream, &bytes, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_stream_receive(self->stream, &bytes, wherry_in(0)), WHERRY_E_TIMED_OUT);
    net_put(self->far, "one", 3);
    assert_int_equal(wherry_stream_receive(self->stream, &bytes, WHERRY_NEVER), WHERRY_OK);
    assert_int_equal(bytes.length, 3);
    assert_memory_equal(bytes.data, "one", 3);
    net_put(self->far, "two", 3);
    while (wherry_stream_peek(self->stream).length == 0)
        assert_int_equal(wherry_yield(), WHERRY_OK);
    assert_memory_equal(bytes.data, "one", 3); /* until the next receive */
    assert_int_equal(wherry_stream_peek(self->stream).length, 3);
    assert_int_equal(wherry_stream_receive(self->stream, &bytes, WHERRY_NEVER), WHERRY_OK);
    assert_int_equal(bytes.length, 3);
    assert_memory_equal(bytes.data, "two", 3);
    assert_int_equal(close(self->far), 0);
    assert_int_equal(wherry_stream_receive(self->stream, &bytes, WHERRY_NEVER), WHERRY_E_END);
    assert_int_equal(wherry_stream_receive(self->stream, &bytes, WHERRY_NOW), WHERRY_E_END);
    assert_int_equal(wherry_stream_peek(self->stream).length, 0);
    return WHERRY_OK;
}

static void receive_hands_out_and_consumes_at_the_next(void **state)
{
    net *world = *state;

    for (net_kind kind = 0; kind < NET_KINDS; kind++) {
        actor self = { 0 };
        int ends[2];

        net_pair(kind, ends);
        self.far = ends[1];
        self.stream = net_stream(world, ends[0], NULL);
        assert_int_equal(net_run(world, receive_twice, &self), WHERRY_OK);
        wherry_stream_free(self.stream);
    }
}

static int receive_much(void *argument)
{
    actor *self = argument;
    wherry_bytes bytes;
    size_t received = 0;
    size_t sent = 0;

    while (received < LARGE) {
        while (sent < LARGE && sent - received < 200000)
            sent += net_put_some(self->far, sent, LARGE - sent);
        assert_int_equal(wherry_stream_receive(self->stream, &bytes, WHERRY_NEVER), WHERRY_OK);
        net_check(bytes.data, bytes.length, received);
        received += bytes.length;
    }
    return WHERRY_OK;
}

static void receive_gives_all_bytes_in_order(void **state)
{
    const size_t portions[] = { 999, 0 };
    net *world = *state;

    for (size_t i = 0; i < 2; i++) {
        actor self = { 0 };
        int ends[2];
        int size = 1 << 20;

        net_pair(NET_PAIR, ends);
        assert_int_equal(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
        if (portions[i] > 0)
            wherry_faulty_plan(world->system, WHERRY_CALL_RECEIVE, .most = portions[i]);
        self.far = ends[1];
        self.stream = net_stream(world, ends[0], NULL);
        assert_int_equal(net_run(world, receive_much, &self), WHERRY_OK);
        wherry_faulty_heal(world->system, WHERRY_CALL_ANY);
        wherry_stream_free(self.stream);
        assert_int_equal(close(ends[1]), 0);
    }
}

static int receive_once(void *argument)
{
    actor *self = argument;
    wherry_bytes bytes;

    self->result = wherry_stream_receive(self->stream, &bytes, WHERRY_NEVER);
    self->done = true;
    return self->result;
}

static int receive_as_second(void *argument)
{
    actor *self = argument;
    wherry_bytes bytes;

    assert_int_equal(wherry_stream_receive(self->stream, &bytes, WHERRY_NEVER), WHERRY_E_BUSY);
    assert_int_equal(wherry_stream_receive(self->stream, &bytes, WHERRY_NOW), WHERRY_E_BUSY);
    return WHERRY_OK;
}

/* A task that waits in receive, on a new pair. */
static wherry_task *start_receiver(actor *self, net *world, wherry_body *body)
{
    wherry_task *task;
    int ends[2];

    *self = (actor){ 0 };
    net_pair(NET_PAIR, ends);
    self->far = ends[1];
    self->stream = net_stream(world, ends[0], NULL);
    assert_int_equal(wherry_spawn(&task, body, self, .loop = world->loop), WHERRY_OK);
    NET_UNTIL(world, wherry_task_waits_for(task) != NULL);
    assert_string_equal(wherry_task_waits_for(task), "receive");
    return task;
}

static void second_receiver_is_told_busy(void **state)
{
    net *world = *state;
    actor self;
    wherry_task *task = start_receiver(&self, world, receive_once);

    assert_int_equal(net_run(world, receive_as_second, &self), WHERRY_OK);
    net_put(self.far, "x", 1);
    NET_UNTIL(world, self.done);
    assert_int_equal(self.result, WHERRY_OK);
    wherry_task_release(task);
    wherry_stream_free(self.stream);
    assert_int_equal(close(self.far), 0);
}

static void close_wakes_the_receiver(void **state)
{
    net *world = *state;
    actor self;
    wherry_task *task = start_receiver(&self, world, receive_once);

    wherry_stream_close(self.stream);
    NET_UNTIL(world, self.done);
    assert_int_equal(self.result, WHERRY_E_CLOSED);
    wherry_task_release(task);
    wherry_stream_free(self.stream);
    assert_int_equal(close(self.far), 0);
}

/* The storage must outlive the task's way out of the call, wherever the free happens. */
static void free_wakes_the_receiver(void **state)
{
    net *world = *state;
    actor self;
    wherry_task *task = start_receiver(&self, world, receive_once);

    wherry_stream_free(self.stream); /* outside of a pass */
    NET_UNTIL(world, self.done);
    assert_int_equal(self.result, WHERRY_E_CLOSED);
    wherry_task_release(task);
    assert_int_equal(close(self.far), 0);
}

static void free_behind_bytes_wakes_the_receiver(void **state)
{
    net *world = *state;
    actor self;
    wherry_task *task = start_receiver(&self, world, receive_once);

    net_put(self.far, "x", 1);
    assert_true(wherry_loop_prepare(world->loop) >= 0);
    assert_true(wherry_loop_wait(world->loop, WHERRY_NEVER) == 1);
    wherry_stream_free(self.stream); /* between being ready and being served */
    NET_UNTIL(world, self.done);
    assert_int_equal(self.result, WHERRY_E_CLOSED);
    wherry_task_release(task);
    assert_int_equal(close(self.far), 0);
}

typedef struct freeing {
    recorder told; /* first */
    actor *victim;
} freeing;

static void free_victim(recorder *self, wherry_stream *stream, char what)
{
    actor *victim = ((freeing *)self)->victim;

    (void)what;
    (void)stream;
    wherry_stream_free(victim->stream);
    victim->stream = NULL;
}

static void free_in_a_callback_wakes_the_receiver(void **state)
{
    net *world = *state;
    actor self;
    wherry_task *task = start_receiver(&self, world, receive_once);
    freeing other = { .victim = &self };
    wherry_stream *stream;
    wherry_address address;
    int listener = net_listen(NET_UNIX, 1, &address);

    recorder_init(&other.told);
    other.told.act = free_victim;
    assert_int_equal(wherry_stream_connect(&stream, &address, WHERRY_NEVER, .loop = world->loop,
                                           .events = &other.told.events),
                     WHERRY_OK);
    NET_UNTIL(world, self.done); /* connected is told at the end of a pass, behind the tasks */
    assert_int_equal(self.result, WHERRY_E_CLOSED);
    assert_string_equal(other.told.trace, "c");
    wherry_task_release(task);
    wherry_stream_free(stream);
    assert_int_equal(close(listener), 0);
    assert_int_equal(close(self.far), 0);
}

static void canceled_receiver_is_told(void **state)
{
    net *world = *state;
    actor self;
    wherry_task *task = start_receiver(&self, world, receive_once);

    wherry_task_cancel(task);
    NET_UNTIL(world, self.done);
    assert_int_equal(self.result, WHERRY_E_CANCELED);
    wherry_task_release(task);
    wherry_stream_free(self.stream);
    assert_int_equal(close(self.far), 0);
}

static int receive_though_canceled(void *argument)
{
    actor *self = argument;
    wherry_bytes bytes;

    wherry_task_cancel(wherry_task_current());
    assert_int_equal(wherry_stream_receive(self->stream, &bytes, WHERRY_NEVER), WHERRY_E_CANCELED);
    assert_int_equal(wherry_stream_receive(self->stream, &bytes, WHERRY_NOW), WHERRY_OK);
    return WHERRY_OK;
}

static void canceled_task_receives_only_without_waiting(void **state)
{
    net *world = *state;
    actor self = { 0 };
    recorder told;
    int ends[2];

    recorder_init(&told);
    told.consume_max = SIZE_MAX;
    net_pair(NET_PAIR, ends);
    self.stream = net_stream(world, ends[0], &told);
    net_put(ends[1], "x", 1);
    NET_UNTIL(world, told.trace[0] == 'r');
    (void)net_run(world, receive_though_canceled, &self);
    assert_int_equal(wherry_stream_peek(self.stream).length, 1);
    wherry_stream_free(self.stream);
    assert_int_equal(close(ends[1]), 0);
}

static int time_out(void *argument)
{
    actor *self = argument;
    wherry_bytes bytes;
    int64_t begin = wherry_loop_now(wherry_loop_current());

    assert_int_equal(
        wherry_stream_receive(self->stream, &bytes, wherry_in(WHERRY_MILLISECONDS(50))),
        WHERRY_E_TIMED_OUT);
    assert_int_equal(wherry_loop_now(wherry_loop_current()) - begin, WHERRY_MILLISECONDS(50));
    net_put(self->far, "late", 4);
    assert_int_equal(wherry_stream_receive(self->stream, &bytes, wherry_in(WHERRY_SECONDS(1))),
                     WHERRY_OK);
    assert_int_equal(bytes.length, 4);
    return WHERRY_OK;
}

static void deadline_of_a_receive_leaves_the_stream_usable(void **state)
{
    net *world = *state;
    actor self = { 0 };
    int ends[2];

    net_pair(NET_PAIR, ends);
    self.far = ends[1];
    self.stream = net_stream(world, ends[0], NULL);
    assert_int_equal(net_run(world, time_out, &self), WHERRY_OK);
    wherry_stream_free(self.stream);
    assert_int_equal(close(ends[1]), 0);
}

static void receive_outside_of_coroutines_is_only_for_now(void **state)
{
    net *world = *state;
    wherry_bytes bytes;
    wherry_stream *stream;
    int ends[2];

    net_pair(NET_PAIR, ends);
    stream = net_stream(world, ends[0], NULL);
    assert_int_equal(wherry_stream_receive(stream, &bytes, WHERRY_NEVER), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_receive(stream, &bytes, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    net_put(ends[1], "now", 3);
    NET_UNTIL(world, wherry_stream_peek(stream).length == 3);
    assert_int_equal(wherry_stream_receive(stream, &bytes, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(bytes.length, 3);
    assert_int_equal(wherry_stream_receive(stream, &bytes, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    wherry_stream_close(stream);
    assert_int_equal(wherry_stream_receive(stream, &bytes, WHERRY_NOW), WHERRY_E_CLOSED);
    wherry_stream_free(stream);
    assert_int_equal(close(ends[1]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(receive_hands_out_and_consumes_at_the_next),
        NET_TEST(receive_gives_all_bytes_in_order),
        NET_TEST(second_receiver_is_told_busy),
        NET_TEST(close_wakes_the_receiver),
        NET_TEST(free_wakes_the_receiver),
        NET_TEST(free_behind_bytes_wakes_the_receiver),
        NET_TEST(free_in_a_callback_wakes_the_receiver),
        NET_TEST(canceled_receiver_is_told),
        NET_TEST(canceled_task_receives_only_without_waiting),
        NET_TEST_VIRTUAL(deadline_of_a_receive_leaves_the_stream_usable),
        NET_TEST(receive_outside_of_coroutines_is_only_for_now),
    };

    return NET_RUN(tests);
}
