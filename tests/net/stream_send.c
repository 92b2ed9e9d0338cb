/* Sending: what leaves in one write, what waits, who waits, and that the byte stream stays whole
 * whatever the system does. */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "base/size.h"
#include "support/net.h"

#define LARGE ((size_t)3 << 20)

static const net_kind kinds[] = { NET_TCP4, NET_TCP6, NET_UNIX, NET_PAIR };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint8_t pattern[LARGE];
static uint8_t taken[LARGE + 1];

/* A stream, and the far end of it. */
typedef struct couple {
    net *world;
    wherry_stream *stream;
    int far;
    recorder told;
} couple;

static void open_couple(couple *self, net *world, net_kind kind, size_t send_max)
{
    int ends[2];

    if (pattern[1] == 0)
        net_fill(pattern, LARGE, 0);
    net_pair(kind, ends);
    self->world = world;
    self->far = ends[1];
    recorder_init(&self->told);
    assert_int_equal(wherry_stream_new(&self->stream, .loop = world->loop, .descriptor = ends[0],
                                       .events = &self->told.events, .send_max = send_max),
                     WHERRY_OK);
}

static void close_couple(couple *self)
{
    faulty_system_heal(&self->world->system);
    wherry_stream_free(self->stream);
    recorder_clear(&self->told);
    assert_int_equal(close(self->far), 0);
}

/* From now on the system takes nothing. Not with EAGAIN, which ready sockets would be asked for
 * again and again. */
static void block(couple *self)
{
    faulty_system_fail(&self->world->system, FAULTY_SEND, ENOBUFS, 0);
}

static int send_at_once(couple *self, size_t offset, size_t length)
{
    return wherry_stream_send(self->stream, wherry_bytes_at(pattern + offset, length), WHERRY_NOW);
}

/* Takes length bytes of the pattern at the far end, from offset on. */
static void expect(couple *self, size_t offset, size_t length)
{
    assert_int_equal(net_take_all(self->world, self->far, taken, length, NULL), length);
    net_check(taken, length, offset);
}

static void expect_nothing(couple *self)
{
    assert_int_equal(net_take(self->far, taken, 1), -EAGAIN);
}

/* --- one write */

static void sends_of_a_pass_leave_in_one_write(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        couple self;
        size_t before = world->system.calls[FAULTY_SEND];

        open_couple(&self, world, kinds[i], 0);
        for (size_t k = 0; k < 100; k++)
            assert_int_equal(send_at_once(&self, k * 7, 7), WHERRY_OK);
        assert_int_equal(wherry_stream_unsent(self.stream), 700);
        assert_int_equal(world->system.calls[FAULTY_SEND], before);
        expect(&self, 0, 700);
        assert_int_equal(wherry_stream_unsent(self.stream), 0);
        assert_int_equal(world->system.calls[FAULTY_SEND], before + 1);
        close_couple(&self);
    }
}

static void send_from_received(recorder *told, wherry_stream *stream, char what)
{
    (void)told;
    if (what == 'r')
        for (size_t i = 0; i < 16; i++)
            assert_int_equal(
                wherry_stream_send(stream, wherry_bytes_at(pattern + i, 1), WHERRY_NOW), WHERRY_OK);
}

static int send_sixteen(void *argument)
{
    couple *self = argument;

    for (size_t i = 0; i < 16; i++)
        assert_int_equal(
            wherry_stream_send(self->stream, wherry_bytes_at(pattern + i, 1), WHERRY_NEVER),
            WHERRY_OK);
    return WHERRY_OK;
}

static void callbacks_and_tasks_of_a_pass_share_the_write(void **state)
{
    net *world = *state;
    couple self;
    wherry_task *task;

    open_couple(&self, world, NET_PAIR, 0);
    self.told.act = send_from_received;
    net_put(self.far, "x", 1);
    assert_int_equal(wherry_spawn(&task, send_sixteen, &self, .loop = world->loop), WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, send_sixteen, &self, .loop = world->loop), WHERRY_OK);
    NET_UNTIL(world, wherry_task_ended(task) && self.told.length == 1);
    assert_int_equal(net_take(self.far, taken, 100), 48);
    assert_int_equal(world->system.calls[FAULTY_SEND], 1);
    wherry_task_release(task);
    close_couple(&self);
}

static void nothing_is_sent_for_empty_bytes(void **state)
{
    net *world = *state;
    couple self;
    wherry_bytes parts[2] = { { NULL, 0 }, { NULL, 0 } };

    open_couple(&self, world, NET_PAIR, 0);
    assert_int_equal(send_at_once(&self, 0, 0), WHERRY_OK);
    assert_int_equal(wherry_stream_send_parts(self.stream, parts, 2, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_stream_send_parts(self.stream, NULL, 0, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_stream_unsent(self.stream), 0);
    net_settle(world);
    assert_int_equal(world->system.calls[FAULTY_SEND], 0);
    close_couple(&self);
}

/* --- what the system does to it */

static void stream_stays_whole_in_any_portions(void **state)
{
    net *world = *state;
    couple self;

    open_couple(&self, world, NET_PAIR, 0);
    for (size_t most = 1; most <= 33; most++) {
        world->system.most[FAULTY_SEND] = most;
        for (size_t sent = 0; sent < 320; sent += most)
            assert_int_equal(send_at_once(&self, sent, wherry__size_min(most, 320 - sent)),
                             WHERRY_OK);
        expect(&self, 0, 320);
    }
    world->system.most[FAULTY_SEND] = 65521;
    assert_int_equal(send_at_once(&self, 0, LARGE), WHERRY_OK);
    expect(&self, 0, LARGE);
    close_couple(&self);
}

static void small_message_survives_every_refusal_at_every_offset(void **state)
{
    const int numbers[] = { EAGAIN, EINTR, ENOBUFS, ENOMEM };
    net *world = *state;
    couple self;

    open_couple(&self, world, NET_PAIR, 0);
    for (size_t i = 0; i < 4; i++)
        for (size_t offset = 0; offset <= 12; offset++)
            for (size_t count = 1; count <= 2; count++) {
                world->system.most[FAULTY_SEND] = 1;
                world->system.rules[FAULTY_SEND] = (faulty_rule){
                    .first = world->system.calls[FAULTY_SEND] + 1 + offset,
                    .count = count,
                    .number = numbers[i],
                };
                assert_int_equal(send_at_once(&self, 5, 7), WHERRY_OK);
                assert_int_equal(send_at_once(&self, 12, 5), WHERRY_OK);
                NET_UNTIL(world, wherry_stream_unsent(self.stream) == 0);
                expect(&self, 5, 12);
                faulty_system_heal(&world->system);
            }
    close_couple(&self);
}

/* It does not become ready when there are buffers again, hence must not be asked all the time. */
static void lack_of_buffers_is_tried_again_by_a_timer(void **state)
{
    net *world = *state;
    couple self;
    int64_t begin;

    open_couple(&self, world, NET_PAIR, 0);
    begin = wherry_loop_now(world->loop);
    faulty_system_fail(&world->system, FAULTY_SEND, ENOBUFS, 3);
    assert_int_equal(send_at_once(&self, 0, 10), WHERRY_OK);
    net_settle(world);
    assert_int_equal(world->system.calls[FAULTY_SEND], 1);
    NET_UNTIL(world, wherry_stream_unsent(self.stream) == 0);
    assert_int_equal(world->system.calls[FAULTY_SEND], 4);
    assert_int_equal(wherry_loop_now(world->loop) - begin, WHERRY_MILLISECONDS(30));
    expect(&self, 0, 10);
    close_couple(&self);
}

static void lack_of_buffers_does_not_hold_up_idleness(void **state)
{
    net *world = *state;
    couple self;
    int64_t begin;

    open_couple(&self, world, NET_PAIR, 0);
    begin = wherry_loop_now(world->loop);
    wherry_stream_set_idle(self.stream, WHERRY_MILLISECONDS(95));
    faulty_system_fail(&world->system, FAULTY_SEND, ENOBUFS, 0);
    assert_int_equal(send_at_once(&self, 0, 10), WHERRY_OK);
    NET_UNTIL(world, self.told.reason != 0);
    assert_int_equal(self.told.reason, WHERRY_E_IDLE);
    assert_int_equal(wherry_loop_now(world->loop) - begin, WHERRY_MILLISECONDS(95));
    close_couple(&self);
}

/* --- large sends */

static void large_sends_arrive_whole(void **state)
{
    const size_t sizes[] = { 16383, 16384, 16385, 65535, 65536, 65537, 262145, LARGE };
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        couple self;

        open_couple(&self, world, kinds[i], 0);
        for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
            assert_int_equal(send_at_once(&self, 0, sizes[k]), WHERRY_OK);
            expect(&self, 0, sizes[k]);
            assert_int_equal(wherry_stream_unsent(self.stream), 0);
        }
        close_couple(&self);
    }
}

static void large_send_follows_small_ones(void **state)
{
    net *world = *state;
    couple self;

    open_couple(&self, world, NET_PAIR, LARGE);
    assert_int_equal(send_at_once(&self, 0, 10), WHERRY_OK);
    assert_int_equal(send_at_once(&self, 10, 1000000), WHERRY_OK);
    assert_int_equal(send_at_once(&self, 1000010, 10), WHERRY_OK);
    assert_int_equal(send_at_once(&self, 1000020, 100000), WHERRY_OK);
    expect(&self, 0, 1100020);
    close_couple(&self);
}

static void many_parts_go_in_one_piece(void **state)
{
    const size_t sizes[] = { 1, 100, 5000, 30000 };
    net *world = *state;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t count = 1; count <= 100; count += 11) {
            wherry_bytes parts[100];
            couple self;

            open_couple(&self, world, NET_PAIR, 0);
            for (size_t k = 0; k < count; k++)
                parts[k] = wherry_bytes_at(pattern + k * sizes[i], sizes[i]);
            if (i % 2 == 1)
                block(&self);
            assert_int_equal(wherry_stream_send_parts(self.stream, parts, count, WHERRY_NOW),
                             WHERRY_OK);
            faulty_system_heal(&world->system);
            expect(&self, 0, count * sizes[i]);
            close_couple(&self);
        }
    }
}

/* --- bytes of the stream's own input */

static void echo_all(recorder *told, wherry_stream *stream, char what)
{
    wherry_bytes bytes = wherry_stream_peek(stream);

    (void)told;
    if (what == 'e' || bytes.length == 0)
        return;
    if (wherry_stream_send(stream, bytes, WHERRY_NOW) == WHERRY_OK)
        wherry_stream_consume(stream, bytes.length);
}

/* Sends length bytes of the pattern to the stream and expects them back, while the far end reads
 * only so many at a time. */
static void exchange(couple *self, size_t length, size_t portion)
{
    size_t sent = 0;
    size_t got = 0;

    while (got < length) {
        ssize_t count = sent == length ? 0
                                       : send(self->far, pattern + sent, length - sent,
                                              MSG_DONTWAIT | MSG_NOSIGNAL);

        assert_true(count >= 0 || errno == EAGAIN);
        sent += count > 0 ? (size_t)count : 0;
        assert_true(wherry_loop_step(self->world->loop) >= 0);
        count = net_take(self->far, taken, wherry__size_min(portion, length - got));
        assert_true(count > 0 || count == -EAGAIN);
        if (count > 0) {
            net_check(taken, (size_t)count, got);
            got += (size_t)count;
        }
    }
}

/* The buffer that the bytes lie in is received into again while they wait to be sent. */
static void received_bytes_sent_back_stay_as_they_were(void **state)
{
    const size_t portions[] = { 50000, 300000, LARGE };
    const size_t shorts[] = { 0, 20000, 9001, 1500 };
    net *world = *state;

    for (size_t i = 0; i < sizeof(portions) / sizeof(portions[0]); i++)
        for (size_t k = 0; k < sizeof(shorts) / sizeof(shorts[0]); k++) {
            couple self;

            open_couple(&self, world, NET_PAIR, 0);
            self.told.consume_max = SIZE_MAX;
            self.told.act = echo_all;
            world->system.most[FAULTY_RECEIVE] = shorts[k];
            world->system.most[FAULTY_SEND] = shorts[(k + 1) % 4];
            exchange(&self, 1500000, portions[i]);
            close_couple(&self);
        }
}

static int echo(void *argument)
{
    couple *self = argument;
    wherry_bytes bytes;
    int result;

    do {
        result = wherry_stream_receive(self->stream, &bytes, WHERRY_NEVER);
        if (result == WHERRY_OK)
            result = wherry_stream_send(self->stream, bytes, WHERRY_NEVER);
    } while (result == WHERRY_OK);
    return result;
}

static void coroutine_echoes_whole(void **state)
{
    const size_t portions[] = { 50000, LARGE };
    net *world = *state;

    for (size_t i = 0; i < 2; i++) {
        couple self;
        wherry_task *task;

        open_couple(&self, world, NET_PAIR, 0);
        self.told.consume_max = SIZE_MAX;
        world->system.most[FAULTY_SEND] = i == 0 ? 7001 : 0;
        assert_int_equal(wherry_spawn(&task, echo, &self, .loop = world->loop), WHERRY_OK);
        exchange(&self, 2000000, portions[i]);
        wherry_stream_close(self.stream);
        NET_UNTIL(world, wherry_task_ended(task));
        wherry_task_release(task);
        close_couple(&self);
    }
}

/* Each second kilobyte of what was received, with something else between: segment upon segment. */
static void many_pieces_of_the_input_can_wait(void **state)
{
    net *world = *state;
    couple self;
    wherry_bytes input;
    size_t pieces = 6;
    const size_t size = 8192;

    open_couple(&self, world, NET_PAIR, LARGE);
    self.told.consume_max = SIZE_MAX;
    net_put(self.far, pattern, 2 * pieces * size);
    NET_UNTIL(world, wherry_stream_peek(self.stream).length == 2 * pieces * size);
    block(&self);
    for (size_t round = 0; round < 10; round++)
        for (size_t i = 0; i < pieces; i++) {
            input = wherry_stream_peek(self.stream);
            assert_int_equal(wherry_stream_send(self.stream,
                                                wherry_bytes_at(input.data + 2 * i * size, size),
                                                WHERRY_NOW),
                             WHERRY_OK);
            assert_int_equal(wherry_stream_send(self.stream, wherry_text("|"), WHERRY_NOW),
                             WHERRY_OK);
        }
    wherry_stream_consume(self.stream, SIZE_MAX);
    faulty_system_heal(&world->system);
    for (size_t round = 0; round < 10; round++)
        for (size_t i = 0; i < pieces; i++) {
            expect(&self, 2 * i * size, size);
            assert_int_equal(net_take_all(world, self.far, taken, 1, NULL), 1);
            assert_int_equal(taken[0], '|');
        }
    close_couple(&self);
}

/* --- the high-water mark */

static void send_buffer_takes_its_limit_and_not_one_byte_more(void **state)
{
    net *world = *state;
    couple self;

    open_couple(&self, world, NET_PAIR, 1000);
    block(&self);
    assert_int_equal(send_at_once(&self, 0, 600), WHERRY_OK);
    assert_int_equal(send_at_once(&self, 600, 401), WHERRY_E_WOULD_BLOCK); /* one past */
    assert_int_equal(wherry_stream_unsent(self.stream), 600);
    assert_int_equal(send_at_once(&self, 600, 400), WHERRY_OK); /* at it */
    assert_int_equal(send_at_once(&self, 1000, 1), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_stream_unsent(self.stream), 1000);
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NEVER),
                     WHERRY_E_MISUSE); /* not on a coroutine */
    faulty_system_heal(&world->system);
    expect(&self, 0, 1000);
    expect_nothing(&self);
    close_couple(&self);
}

static void one_send_into_an_empty_buffer_may_be_larger(void **state)
{
    net *world = *state;
    couple self;

    open_couple(&self, world, NET_PAIR, 10);
    block(&self);
    assert_int_equal(send_at_once(&self, 0, 5000), WHERRY_OK);
    assert_int_equal(send_at_once(&self, 5000, 1), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_stream_unsent(self.stream), 5000);
    faulty_system_heal(&world->system);
    expect(&self, 0, 5000);
    close_couple(&self);
}

static void refused_parts_leave_nothing_behind(void **state)
{
    net *world = *state;
    couple self;
    wherry_bytes parts[3];

    open_couple(&self, world, NET_PAIR, 100);
    for (size_t i = 0; i < 3; i++)
        parts[i] = wherry_bytes_at(pattern + 50 + i * 20, 20);
    block(&self);
    assert_int_equal(send_at_once(&self, 0, 50), WHERRY_OK);
    assert_int_equal(wherry_stream_send_parts(self.stream, parts, 3, WHERRY_NOW),
                     WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_stream_send_parts(self.stream, parts, 2, WHERRY_NOW), WHERRY_OK);
    faulty_system_heal(&world->system);
    expect(&self, 0, 90);
    expect_nothing(&self);
    close_couple(&self);
}

static void writable_is_told_once_after_a_refusal(void **state)
{
    net *world = *state;
    couple self;

    open_couple(&self, world, NET_PAIR, 1000);
    block(&self);
    assert_int_equal(send_at_once(&self, 0, 1000), WHERRY_OK);
    faulty_system_heal(&world->system);
    expect(&self, 0, 1000);
    net_settle(world);
    assert_string_equal(self.told.trace, ""); /* nothing was refused */
    block(&self);
    assert_int_equal(send_at_once(&self, 0, 1000), WHERRY_OK);
    assert_int_equal(send_at_once(&self, 0, 1), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(send_at_once(&self, 0, 1), WHERRY_E_WOULD_BLOCK);
    net_settle(world);
    assert_string_equal(self.told.trace, "");
    faulty_system_heal(&world->system);
    expect(&self, 0, 1000);
    net_settle(world);
    assert_string_equal(self.told.trace, "w");
    close_couple(&self);
}

static void send_in_writable(recorder *told, wherry_stream *stream, char what)
{
    if (what == 'w' && told->target != NULL) {
        told->target = NULL;
        assert_int_equal(
            wherry_stream_send(stream, wherry_bytes_at(pattern + 1000, 1000), WHERRY_NOW),
            WHERRY_OK);
    }
}

static void send_inside_writable_goes_out(void **state)
{
    net *world = *state;
    couple self;

    open_couple(&self, world, NET_PAIR, 1000);
    self.told.act = send_in_writable;
    self.told.target = &self;
    block(&self);
    assert_int_equal(send_at_once(&self, 0, 1000), WHERRY_OK);
    assert_int_equal(send_at_once(&self, 1000, 1000), WHERRY_E_WOULD_BLOCK);
    faulty_system_heal(&world->system);
    expect(&self, 0, 2000);
    close_couple(&self);
}

static int flush_body(void *argument)
{
    couple *self = argument;

    faulty_system_heal(&self->world->system);
    return wherry_stream_flush(self->stream, WHERRY_NEVER);
}

/* The recorder checks that it is not called on a coroutine. */
static void flush_on_a_coroutine_tells_writable_outside_of_it(void **state)
{
    net *world = *state;
    couple self;

    open_couple(&self, world, NET_PAIR, 100);
    assert_int_equal(send_at_once(&self, 0, 100), WHERRY_OK);
    world->system.most[FAULTY_SEND] = 1;
    faulty_system_fail(&world->system, FAULTY_SEND, EAGAIN, 1);
    assert_int_equal(send_at_once(&self, 100, 1), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(net_run(world, flush_body, &self), WHERRY_OK);
    assert_int_equal(wherry_stream_unsent(self.stream), 0);
    expect(&self, 0, 100);
    net_settle(world);
    assert_string_equal(self.told.trace, "w");
    close_couple(&self);
}

/* --- waiting senders */

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

        open_couple(&self, world, NET_PAIR, 1000);
        block(&self);
        assert_int_equal(send_at_once(&self, 0, 1000), WHERRY_OK);
        for (size_t i = 0; i < 8; sent += sizes[i], i++)
            start_sender(&senders[i], &self, sent, sizes[i]);
        assert_int_equal(send_at_once(&self, sent, 1), WHERRY_E_WOULD_BLOCK); /* not before them */
        faulty_system_fail(&world->system, FAULTY_SEND, EAGAIN, 0); /* room comes by and by */
        world->system.rules[FAULTY_SEND].spare = 2;
        world->system.most[FAULTY_SEND] = most;
        expect(&self, 0, sent);
        for (size_t i = 0; i < 8; i++)
            end_sender(&senders[i], WHERRY_OK);
        close_couple(&self);
    }
}

static void small_send_does_not_overtake_a_large_one(void **state)
{
    net *world = *state;
    couple self;
    sender one;

    open_couple(&self, world, NET_PAIR, 1000);
    block(&self);
    assert_int_equal(send_at_once(&self, 0, 900), WHERRY_OK);
    start_sender(&one, &self, 900, 3000);
    assert_int_equal(send_at_once(&self, 0, 1), WHERRY_E_WOULD_BLOCK); /* it would fit */
    faulty_system_heal(&world->system);
    expect(&self, 0, 3900);
    end_sender(&one, WHERRY_OK);
    close_couple(&self);
}

static void canceled_sender_lets_the_next_go_on(void **state)
{
    net *world = *state;
    couple self;
    sender senders[3];

    open_couple(&self, world, NET_PAIR, 100);
    block(&self);
    assert_int_equal(send_at_once(&self, 0, 100), WHERRY_OK);
    for (size_t i = 0; i < 3; i++)
        start_sender(&senders[i], &self, i == 0 ? 0 : 100 + (i - 1) * 100, 100);
    wherry_task_cancel(senders[0].task);
    end_sender(&senders[0], WHERRY_E_CANCELED);
    faulty_system_heal(&world->system);
    expect(&self, 0, 300);
    end_sender(&senders[1], WHERRY_OK);
    end_sender(&senders[2], WHERRY_OK);
    close_couple(&self);
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

    open_couple(&self, world, NET_PAIR, 100);
    block(&self);
    (void)net_run(world, send_though_canceled, &self);
    assert_int_equal(wherry_stream_unsent(self.stream), 100);
    close_couple(&self);
}

static void deadline_of_a_send_passes_without_a_byte_taken(void **state)
{
    net *world = *state;
    couple self;
    sender one = { .couple = &self, .offset = 100, .length = 100 };

    open_couple(&self, world, NET_PAIR, 100);
    block(&self);
    assert_int_equal(send_at_once(&self, 0, 100), WHERRY_OK);
    net_settle(world);
    one.deadline = wherry_loop_now(world->loop) + WHERRY_MILLISECONDS(20);
    assert_int_equal(net_run(world, send_body, &one), WHERRY_E_TIMED_OUT);
    one.deadline = wherry_loop_now(world->loop); /* passed already */
    assert_int_equal(net_run(world, send_body, &one), WHERRY_E_TIMED_OUT);
    one.deadline = WHERRY_NOW;
    assert_int_equal(net_run(world, send_body, &one), WHERRY_E_WOULD_BLOCK);
    faulty_system_heal(&world->system);
    expect(&self, 0, 100);
    expect_nothing(&self);
    close_couple(&self);
}

static void close_and_free_wake_the_senders(void **state)
{
    net *world = *state;

    for (int freed = 0; freed < 2; freed++) {
        couple self;
        sender senders[2];

        open_couple(&self, world, NET_PAIR, 100);
        block(&self);
        assert_int_equal(send_at_once(&self, 0, 100), WHERRY_OK);
        start_sender(&senders[0], &self, 0, 100);
        start_sender(&senders[1], &self, 0, 100);
        if (freed)
            wherry_stream_free(self.stream);
        else
            wherry_stream_close(self.stream);
        end_sender(&senders[0], WHERRY_E_CLOSED);
        end_sender(&senders[1], WHERRY_E_CLOSED);
        faulty_system_heal(&world->system);
        self.stream = freed ? NULL : self.stream;
        close_couple(&self);
    }
}

/* Woken by room, and the stream is freed before the task gets to run. */
static void woken_sender_finds_the_stream_freed(void **state)
{
    net *world = *state;
    couple self;
    sender one;

    open_couple(&self, world, NET_PAIR, 100);
    faulty_system_fail(&world->system, FAULTY_SEND, EAGAIN, 0);
    assert_int_equal(send_at_once(&self, 0, 100), WHERRY_OK);
    start_sender(&one, &self, 0, 100);
    faulty_system_heal(&world->system);
    assert_int_equal(wherry_stream_flush(self.stream, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    assert_true(wherry_loop_prepare(world->loop) >= 0);
    assert_int_equal(wherry_loop_wait(world->loop, WHERRY_NEVER), 1);
    wherry_stream_abort(self.stream);
    wherry_stream_free(self.stream);
    self.stream = NULL;
    end_sender(&one, WHERRY_E_CLOSED);
    close_couple(&self);
}

/* --- flush */

static int flush_waits(void *argument)
{
    couple *self = argument;

    assert_int_equal(wherry_stream_flush(self->stream, WHERRY_NEVER), WHERRY_OK);
    assert_int_equal(wherry_stream_send(self->stream, wherry_bytes_at(pattern, 10), WHERRY_NEVER),
                     WHERRY_OK);
    assert_int_equal(wherry_stream_flush(self->stream, WHERRY_NOW), WHERRY_OK); /* there is room */
    expect(self, 0, 10);
    block(self);
    assert_int_equal(wherry_stream_send(self->stream, wherry_bytes_at(pattern, 10), WHERRY_NEVER),
                     WHERRY_OK);
    assert_int_equal(wherry_stream_flush(self->stream, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_stream_flush(self->stream, wherry_in(WHERRY_MILLISECONDS(5))),
                     WHERRY_E_TIMED_OUT);
    faulty_system_heal(&self->world->system);
    assert_int_equal(wherry_stream_flush(self->stream, WHERRY_NEVER), WHERRY_OK);
    assert_int_equal(wherry_stream_unsent(self->stream), 0);
    return WHERRY_OK;
}

static void flush_waits_until_the_kernel_has_all(void **state)
{
    net *world = *state;
    couple self;

    open_couple(&self, world, NET_PAIR, 0);
    assert_int_equal(net_run(world, flush_waits, &self), WHERRY_OK);
    close_couple(&self);
}

static int flush_until_broken(void *argument)
{
    couple *self = argument;

    assert_int_equal(wherry_stream_flush(self->stream, WHERRY_NEVER), WHERRY_E_RESET);
    assert_int_equal(wherry_stream_flush(self->stream, WHERRY_NEVER), WHERRY_E_RESET);
    return WHERRY_OK;
}

static void flush_tells_how_sending_ended(void **state)
{
    net *world = *state;
    couple self;

    open_couple(&self, world, NET_PAIR, 0);
    faulty_system_fail(&world->system, FAULTY_SEND, EAGAIN, 1);
    world->system.most[FAULTY_SEND] = 1;
    assert_int_equal(send_at_once(&self, 0, 10), WHERRY_OK);
    world->system.rules[FAULTY_SEND] = (faulty_rule){ .first = 3, .number = ECONNRESET };
    assert_int_equal(net_run(world, flush_until_broken, &self), WHERRY_OK);
    assert_int_equal(wherry_stream_unsent(self.stream), 0);
    assert_int_equal(send_at_once(&self, 0, 1), WHERRY_E_RESET);
    wherry_stream_close(self.stream);
    assert_int_equal(wherry_stream_flush(self.stream, WHERRY_NOW), WHERRY_E_CLOSED);
    assert_int_equal(send_at_once(&self, 0, 1), WHERRY_E_CLOSED);
    close_couple(&self);
}

/* --- failures */

/* Two streams that each wait for the other to go on would wait for ever. */
static void failed_sending_is_told_to_who_waits_for_room(void **state)
{
    net *world = *state;
    couple self;

    open_couple(&self, world, NET_PAIR, 100);
    wherry_stream_pause(self.stream);
    net_put(self.far, "x", 1);
    net_settle(world);
    faulty_system_fail(&world->system, FAULTY_SEND, EAGAIN, 1);
    assert_int_equal(send_at_once(&self, 0, 100), WHERRY_OK);
    assert_int_equal(send_at_once(&self, 0, 1), WHERRY_E_WOULD_BLOCK);
    faulty_system_fail(&world->system, FAULTY_SEND, EPIPE, 0);
    NET_UNTIL(world, self.told.trace[0] != '\0');
    assert_string_equal(self.told.trace, "w");
    assert_int_equal(send_at_once(&self, 0, 1), WHERRY_E_RESET);
    assert_int_equal(wherry_stream_end(self.stream), WHERRY_OK); /* what came can be received */
    wherry_stream_resume(self.stream);
    NET_UNTIL(world, self.told.length == 1);
    close_couple(&self);
}

static int send_with(wherry_memory *memory)
{
    wherry_bytes parts[40];
    wherry_loop *loop;
    wherry_stream *stream = NULL;
    faulty_system system;
    size_t queued = 0;
    size_t received;
    int ends[2];
    int result;

    faulty_system_init(&system, wherry_system_epoll());
    result = wherry_loop_new(&loop, .memory = memory, .system = &system.base);
    if (result < 0)
        return result;
    net_pair(NET_PAIR, ends);
    result = wherry_stream_new(&stream, .loop = loop, .descriptor = ends[0], .send_max = LARGE);
    if (result < 0)
        assert_int_equal(close(ends[0]), 0);
    for (size_t i = 0; i < 40; i++)
        parts[i] = wherry_bytes_at(pattern + 1100 + i * 3000, 3000);
    faulty_system_fail(&system, FAULTY_SEND, EAGAIN, 0);
    for (size_t i = 0; i < 10 && result == WHERRY_OK; i++) {
        result = wherry_stream_send(stream, wherry_bytes_at(pattern + i * 110, 110), WHERRY_NOW);
        queued += result == WHERRY_OK ? 110 : 0;
        assert_true(wherry_loop_step(loop) >= 0);
    }
    if (result == WHERRY_OK) {
        result = wherry_stream_send_parts(stream, parts, 40, WHERRY_NOW);
        queued += result == WHERRY_OK ? 120000 : 0;
    }
    faulty_system_heal(&system);
    if (stream != NULL)
        assert_int_equal(wherry_stream_shutdown(stream), WHERRY_OK); /* the stream is usable */
    for (received = 0; stream != NULL;) {
        ssize_t count = net_take(ends[1], taken + received, LARGE - received);

        if (count == 0)
            break;
        received += count > 0 ? (size_t)count : 0;
        assert_true(count > 0 || count == -EAGAIN);
        assert_true(wherry_loop_step(loop) >= 0);
    }
    assert_int_equal(received, queued);
    net_check(taken, received, 0);
    wherry_stream_free(stream);
    wherry_loop_free(loop);
    assert_int_equal(close(ends[1]), 0);
    return result;
}

/* The first send fails half way: what it had taken already must not stand in the way of the end. */
static int send_first_with(wherry_memory *memory)
{
    wherry_loop *loop;
    wherry_stream *stream = NULL;
    wherry_bytes parts[2] = { wherry_bytes_at(pattern, 100), wherry_bytes_at(pattern, 10000) };
    ssize_t count = 1;
    int ends[2];
    int result = wherry_loop_new(&loop, .memory = memory);

    if (result < 0)
        return result;
    net_pair(NET_PAIR, ends);
    result = wherry_stream_new(&stream, .loop = loop, .descriptor = ends[0]);
    if (result < 0)
        assert_int_equal(close(ends[0]), 0);
    else
        result = wherry_stream_send_parts(stream, parts, 2, WHERRY_NOW);
    if (stream != NULL) {
        assert_int_equal(wherry_stream_unsent(stream), result == WHERRY_OK ? 10100 : 0);
        assert_int_equal(wherry_stream_shutdown(stream), WHERRY_OK);
    }
    while (stream != NULL && count != 0) {
        assert_true(wherry_loop_step(loop) >= 0);
        count = net_take(ends[1], taken, LARGE);
    }
    wherry_stream_free(stream);
    wherry_loop_free(loop);
    assert_int_equal(close(ends[1]), 0);
    return result;
}

static void send_without_memory_takes_nothing_and_leaves_the_stream(void **state)
{
    size_t descriptors = net_descriptors();

    (void)state;
    net_fill(pattern, LARGE, 0);
    assert_true(failing_memory_try(send_with) >= 6);
    assert_true(failing_memory_try(send_first_with) >= 4);
    assert_int_equal(net_descriptors(), descriptors);
}

/* --- what is no socket */

static void pipe_takes_what_is_sent_and_tells_that_nobody_reads(void **state)
{
    net *world = *state;

    for (int flags = 0; flags <= O_NONBLOCK; flags += O_NONBLOCK) {
        couple self = { .world = world };
        size_t got = 0;
        int ends[2];

        net_fill(pattern, LARGE, 0);
        recorder_init(&self.told);
        assert_int_equal(pipe2(ends, flags), 0);
        assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
        self.stream = net_stream(world, ends[1], &self.told);
        assert_int_equal(send_at_once(&self, 0, 200000), WHERRY_OK);
        while (got < 200000) {
            ssize_t count = read(ends[0], taken + got, 200000 - got);

            got += count > 0 ? (size_t)count : 0;
            assert_true(wherry_loop_step(world->loop) >= 0);
        }
        net_check(taken, got, 0);
        assert_int_equal(close(ends[0]), 0);
        NET_UNTIL(world, self.told.reason != 0);
        assert_int_equal(self.told.reason, WHERRY_E_RESET);
        assert_string_equal(wherry_stream_problem(self.stream), "Broken pipe");
        assert_int_equal(send_at_once(&self, 0, 1), WHERRY_E_RESET);
        wherry_stream_free(self.stream);
        recorder_clear(&self.told);
    }
}

static void shutdown_of_a_pipe_is_the_end_for_its_reader(void **state)
{
    net *world = *state;
    couple self = { .world = world };
    int ends[2];

    recorder_init(&self.told);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    self.stream = net_stream(world, ends[1], &self.told);
    assert_int_equal(send_at_once(&self, 0, 3), WHERRY_OK);
    assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_OK);
    NET_UNTIL(world, self.told.reason != 0);
    assert_int_equal(self.told.reason, WHERRY_E_END);
    assert_int_equal(read(ends[0], taken, 10), 3);
    assert_int_equal(read(ends[0], taken, 10), 0);
    wherry_stream_free(self.stream);
    assert_int_equal(close(ends[0]), 0);
}

/* It cannot be told; and it must not take away what can still be received. */
static void shutdown_of_a_terminal_leaves_receiving(void **state)
{
    net *world = *state;
    couple self = { .world = world };
    int slave, master;

    recorder_init(&self.told);
    if (openpty(&master, &slave, NULL, NULL, NULL) != 0) {
        print_message("skipped: no pseudo-terminals here\n");
        skip();
    }
    self.stream = net_stream(world, master, &self.told);
    assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_OK);
    net_settle(world);
    net_put(slave, "still", 5);
    NET_UNTIL(world, self.told.length == 5);
    assert_int_equal(send_at_once(&self, 0, 1), WHERRY_E_MISUSE);
    wherry_stream_free(self.stream);
    recorder_clear(&self.told);
    assert_int_equal(close(slave), 0);
}

/* A child with the default disposition of SIGPIPE, which would end it. */
static int break_off(bool socket)
{
    wherry_loop *loop;
    wherry_stream *stream;
    int ends[2];

    if ((socket ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends)) != 0 ||
        wherry_loop_new(&loop) < 0 ||
        wherry_stream_new(&stream, .loop = loop, .descriptor = ends[1]) < 0)
        return 1;
    wherry_stream_pause(stream);
    (void)close(ends[0]);
    if (wherry_stream_send(stream, wherry_text("x"), WHERRY_NOW) != WHERRY_OK ||
        wherry_stream_flush(stream, WHERRY_NOW) != WHERRY_E_RESET)
        return 2;
    wherry_stream_free(stream);
    wherry_loop_free(loop);
    return 0;
}

static void no_signal_is_raised(void **state)
{
    (void)state;
    for (int socket = 0; socket < 2; socket++) {
        int status;
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0)
            _exit(sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL) == 0
                      ? break_off(socket == 1)
                      : 3);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(sends_of_a_pass_leave_in_one_write),
        NET_TEST(callbacks_and_tasks_of_a_pass_share_the_write),
        NET_TEST(nothing_is_sent_for_empty_bytes),
        NET_TEST(stream_stays_whole_in_any_portions),
        NET_TEST_VIRTUAL(small_message_survives_every_refusal_at_every_offset),
        NET_TEST_VIRTUAL(lack_of_buffers_is_tried_again_by_a_timer),
        NET_TEST_VIRTUAL(lack_of_buffers_does_not_hold_up_idleness),
        NET_TEST(large_sends_arrive_whole),
        NET_TEST(large_send_follows_small_ones),
        NET_TEST(many_parts_go_in_one_piece),
        NET_TEST(received_bytes_sent_back_stay_as_they_were),
        NET_TEST(coroutine_echoes_whole),
        NET_TEST(many_pieces_of_the_input_can_wait),
        NET_TEST(send_buffer_takes_its_limit_and_not_one_byte_more),
        NET_TEST(one_send_into_an_empty_buffer_may_be_larger),
        NET_TEST(refused_parts_leave_nothing_behind),
        NET_TEST(writable_is_told_once_after_a_refusal),
        NET_TEST(send_inside_writable_goes_out),
        NET_TEST(flush_on_a_coroutine_tells_writable_outside_of_it),
        NET_TEST(waiting_senders_are_served_in_order),
        NET_TEST(small_send_does_not_overtake_a_large_one),
        NET_TEST(canceled_sender_lets_the_next_go_on),
        NET_TEST(canceled_task_still_sends_what_fits),
        NET_TEST_VIRTUAL(deadline_of_a_send_passes_without_a_byte_taken),
        NET_TEST(close_and_free_wake_the_senders),
        NET_TEST(woken_sender_finds_the_stream_freed),
        NET_TEST_VIRTUAL(flush_waits_until_the_kernel_has_all),
        NET_TEST(flush_tells_how_sending_ended),
        NET_TEST(failed_sending_is_told_to_who_waits_for_room),
        NET_TEST(send_without_memory_takes_nothing_and_leaves_the_stream),
        NET_TEST(pipe_takes_what_is_sent_and_tells_that_nobody_reads),
        NET_TEST(shutdown_of_a_pipe_is_the_end_for_its_reader),
        NET_TEST(shutdown_of_a_terminal_leaves_receiving),
        NET_TEST(no_signal_is_raised),
    };

    return NET_RUN(tests);
}
