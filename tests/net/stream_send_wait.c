/* Tasks that wait until the send buffer has room: in which order they are served, and what else
 * ends the wait. Apart from stream_send.c because here a call waits, and may be left with the
 * stream gone. Who comes just when one of them was woken is in stream_order.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/net.h"

static uint8_t pattern[10000];

typedef struct sender {
    couple *couple;
    wherry_task *task;
    int64_t deadline;
    size_t offset;
    size_t length;
    int result;
} sender;

static int send_body(void *argument)
{
    sender *self = argument;

    self->result = wherry_stream_send(self->couple->stream,
                                      wherry_bytes_at(pattern + self->offset, self->length),
                                      self->deadline);
    return self->result;
}

static void start_sender(sender *self, couple *pair, size_t offset, size_t length)
{
    *self = (sender){
        .couple = pair, .deadline = WHERRY_NEVER, .offset = offset, .length = length, .result = 1
    };
    assert_int_equal(wherry_spawn(&self->task, send_body, self, .loop = pair->world->loop),
                     WHERRY_OK);
    NET_UNTIL(pair->world, wherry_task_waits_for(self->task) != NULL);
    assert_string_equal(wherry_task_waits_for(self->task), "send");
}

static void end_sender(sender *self, int result)
{
    NET_UNTIL(self->couple->world, wherry_task_ended(self->task));
    assert_int_equal(self->result, result);
    wherry_task_release(self->task);
}

static void waiting_senders_are_served_in_order(void **state)
{
    const size_t sizes[] = { 1000, 1, 3000, 400, 700, 2, 1000, 600 };
    net *world = *state;

    for (size_t most = 0; most <= 600; most += 150) {
        couple self;
        sender senders[8];
        size_t sent = 1000;

        couple_open(&self, world, NET_PAIR, .send_max = 1000);
        couple_block(&self);
        assert_int_equal(couple_send_at_once(&self, 0, 1000), WHERRY_OK);
        for (size_t i = 0; i < 8; sent += sizes[i], i++)
            start_sender(&senders[i], &self, sent, sizes[i]);
        assert_int_equal(couple_send_at_once(&self, sent, 1), WHERRY_E_WOULD_BLOCK); /* not before
                                                                                        them */
        /* room comes by and by */
        wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = EAGAIN, .spare = 2);
        wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .most = most == 0 ? SIZE_MAX : most);
        couple_expect(&self, 0, sent);
        for (size_t i = 0; i < 8; i++)
            end_sender(&senders[i], WHERRY_OK);
        couple_close(&self);
    }
}

static void small_send_does_not_overtake_a_large_one(void **state)
{
    net *world = *state;
    couple self;
    sender one;

    couple_open(&self, world, NET_PAIR, .send_max = 1000);
    couple_block(&self);
    assert_int_equal(couple_send_at_once(&self, 0, 900), WHERRY_OK);
    start_sender(&one, &self, 900, 3000);
    assert_int_equal(couple_send_at_once(&self, 0, 1), WHERRY_E_WOULD_BLOCK); /* it would fit */
    wherry_faulty_heal(world->system, WHERRY_CALL_ANY);
    couple_expect(&self, 0, 3900);
    end_sender(&one, WHERRY_OK);
    couple_close(&self);
}

static void canceled_sender_lets_the_next_go_on(void **state)
{
    net *world = *state;
    couple self;
    sender senders[3];

    couple_open(&self, world, NET_PAIR, .send_max = 100);
    couple_block(&self);
    assert_int_equal(couple_send_at_once(&self, 0, 100), WHERRY_OK);
    for (size_t i = 0; i < 3; i++)
        start_sender(&senders[i], &self, i == 0 ? 0 : 100 + (i - 1) * 100, 100);
    wherry_task_cancel(senders[0].task);
    end_sender(&senders[0], WHERRY_E_CANCELED);
    wherry_faulty_heal(world->system, WHERRY_CALL_ANY);
    couple_expect(&self, 0, 300);
    end_sender(&senders[1], WHERRY_OK);
    end_sender(&senders[2], WHERRY_OK);
    couple_close(&self);
}

static int send_though_canceled(void *argument)
{
    couple *self = argument;

    wherry_task_cancel(wherry_task_current());
    assert_int_equal(wherry_stream_send(self->stream, wherry_bytes_at(pattern, 100), WHERRY_NEVER),
                     WHERRY_OK); /* there is room */
    assert_int_equal(wherry_stream_send(self->stream, wherry_bytes_at(pattern, 100), WHERRY_NEVER),
                     WHERRY_E_CANCELED);
    return WHERRY_OK;
}

static void canceled_task_still_sends_what_fits(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = 100);
    couple_block(&self);
    (void)net_run(world, send_though_canceled, &self);
    assert_int_equal(wherry_stream_unsent(self.stream), 100);
    couple_close(&self);
}

static void deadline_of_a_send_passes_without_a_byte_taken(void **state)
{
    net *world = *state;
    couple self;
    sender one = { .couple = &self, .offset = 100, .length = 100 };
    char byte;

    couple_open(&self, world, NET_PAIR, .send_max = 100);
    couple_block(&self);
    assert_int_equal(couple_send_at_once(&self, 0, 100), WHERRY_OK);
    net_settle(world);
    one.deadline = wherry_loop_now(world->loop) + WHERRY_MILLISECONDS(20);
    assert_int_equal(net_run(world, send_body, &one), WHERRY_E_TIMED_OUT);
    one.deadline = wherry_loop_now(world->loop); /* passed already */
    assert_int_equal(net_run(world, send_body, &one), WHERRY_E_TIMED_OUT);
    one.deadline = WHERRY_NOW;
    assert_int_equal(net_run(world, send_body, &one), WHERRY_E_WOULD_BLOCK);
    wherry_faulty_heal(world->system, WHERRY_CALL_ANY);
    couple_expect(&self, 0, 100);
    assert_int_equal(net_take(self.far, &byte, 1), -EAGAIN);
    couple_close(&self);
}

static void close_and_free_wake_the_senders(void **state)
{
    net *world = *state;

    for (int freed = 0; freed < 2; freed++) {
        couple self;
        sender senders[2];

        couple_open(&self, world, NET_PAIR, .send_max = 100);
        couple_block(&self);
        assert_int_equal(couple_send_at_once(&self, 0, 100), WHERRY_OK);
        start_sender(&senders[0], &self, 0, 100);
        start_sender(&senders[1], &self, 0, 100);
        if (freed)
            wherry_stream_free(self.stream);
        else
            wherry_stream_close(self.stream);
        end_sender(&senders[0], WHERRY_E_CLOSED);
        end_sender(&senders[1], WHERRY_E_CLOSED);
        wherry_faulty_heal(world->system, WHERRY_CALL_ANY);
        self.stream = freed ? NULL : self.stream;
        couple_close(&self);
    }
}

/* Woken by room, and the stream is freed before the task gets to run. */
static void woken_sender_finds_the_stream_freed(void **state)
{
    net *world = *state;
    couple self;
    sender one;

    couple_open(&self, world, NET_PAIR, .send_max = 100);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = EAGAIN);
    assert_int_equal(couple_send_at_once(&self, 0, 100), WHERRY_OK);
    start_sender(&one, &self, 0, 100);
    wherry_faulty_heal(world->system, WHERRY_CALL_ANY);
    assert_int_equal(wherry_stream_flush(self.stream, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    assert_true(wherry_loop_prepare(world->loop) >= 0);
    assert_int_equal(wherry_loop_wait(world->loop, WHERRY_NEVER), 1);
    wherry_stream_abort(self.stream);
    wherry_stream_free(self.stream);
    self.stream = NULL;
    end_sender(&one, WHERRY_E_CLOSED);
    couple_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(waiting_senders_are_served_in_order),
        NET_TEST(small_send_does_not_overtake_a_large_one),
        NET_TEST(canceled_sender_lets_the_next_go_on),
        NET_TEST(canceled_task_still_sends_what_fits),
        NET_TEST_VIRTUAL(deadline_of_a_send_passes_without_a_byte_taken),
        NET_TEST(close_and_free_wake_the_senders),
        NET_TEST(woken_sender_finds_the_stream_freed),
    };

    net_fill(pattern, sizeof(pattern), 0);
    return NET_RUN(tests);
}
