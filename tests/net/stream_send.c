/* Sending: large and many-parted sends, bytes of the own input, the high-water mark, and sends that
 * fail. Who waits at that mark is tested in stream_send_wait.c, what happens at a write in
 * stream_write.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "base/size.h"
#include "support/net.h"

#define LARGE ((size_t)3 << 20)

static uint8_t pattern[LARGE];
static uint8_t taken[LARGE + 1];

static void expect_nothing(couple *self)
{
    assert_int_equal(net_take(self->far, taken, 1), -EAGAIN);
}

/* --- large sends */

static void large_sends_arrive_whole(void **state)
{
    const size_t sizes[] = { 16383, 16384, 16385, 65535, 65536, 65537, 262145, LARGE };
    net *world = *state;

    for (net_kind kind = 0; kind < NET_KINDS; kind++) {
        couple self;

        couple_open(&self, world, kind, .send_max = 0);
        for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
            assert_int_equal(couple_send_at_once(&self, 0, sizes[k]), WHERRY_OK);
            couple_expect(&self, 0, sizes[k]);
            assert_int_equal(wherry_stream_unsent(self.stream), 0);
        }
        couple_close(&self);
    }
}

static void large_send_follows_small_ones(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = LARGE);
    assert_int_equal(couple_send_at_once(&self, 0, 10), WHERRY_OK);
    assert_int_equal(couple_send_at_once(&self, 10, 1000000), WHERRY_OK);
    assert_int_equal(couple_send_at_once(&self, 1000010, 10), WHERRY_OK);
    assert_int_equal(couple_send_at_once(&self, 1000020, 100000), WHERRY_OK);
    couple_expect(&self, 0, 1100020);
    couple_close(&self);
}

static void many_parts_go_in_one_piece(void **state)
{
    const size_t sizes[] = { 1, 100, 5000, 30000 };
    net *world = *state;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t count = 1; count <= 100; count += 11) {
            wherry_bytes parts[100];
            couple self;

            couple_open(&self, world, NET_PAIR, .send_max = 0);
            for (size_t k = 0; k < count; k++)
                parts[k] = wherry_bytes_at(pattern + k * sizes[i], sizes[i]);
            if (i % 2 == 1)
                couple_block(&self);
            assert_int_equal(wherry_stream_send_parts(self.stream, parts, count, WHERRY_NOW),
                             WHERRY_OK);
            wherry_faulty_heal(world->system, WHERRY_CALL_ANY);
            couple_expect(&self, 0, count * sizes[i]);
            couple_close(&self);
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
        ssize_t count;

        sent += net_put_some(self->far, sent, length - sent);
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
    const size_t shorts[] = { SIZE_MAX, 20000, 9001, 1500 };
    net *world = *state;

    for (size_t i = 0; i < sizeof(portions) / sizeof(portions[0]); i++)
        for (size_t k = 0; k < sizeof(shorts) / sizeof(shorts[0]); k++) {
            couple self;

            couple_open(&self, world, NET_PAIR, .send_max = 0);
            self.told.consume_max = SIZE_MAX;
            self.told.act = echo_all;
            wherry_faulty_plan(world->system, WHERRY_CALL_RECEIVE, .most = shorts[k]);
            wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .most = shorts[(k + 1) % 4]);
            exchange(&self, 1500000, portions[i]);
            couple_close(&self);
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

        couple_open(&self, world, NET_PAIR, .send_max = 0);
        self.told.consume_max = SIZE_MAX;
        wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .most = i == 0 ? 7001 : SIZE_MAX);
        assert_int_equal(wherry_spawn(&task, echo, &self, .loop = world->loop), WHERRY_OK);
        exchange(&self, 2000000, portions[i]);
        wherry_stream_close(self.stream);
        NET_UNTIL(world, wherry_task_ended(task));
        wherry_task_release(task);
        couple_close(&self);
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

    couple_open(&self, world, NET_PAIR, .send_max = LARGE);
    self.told.consume_max = SIZE_MAX;
    net_put(self.far, pattern, 2 * pieces * size);
    NET_UNTIL(world, wherry_stream_peek(self.stream).length == 2 * pieces * size);
    couple_block(&self);
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
    wherry_faulty_heal(world->system, WHERRY_CALL_ANY);
    for (size_t round = 0; round < 10; round++)
        for (size_t i = 0; i < pieces; i++) {
            couple_expect(&self, 2 * i * size, size);
            assert_int_equal(net_take_all(world, self.far, taken, 1, NULL), 1);
            assert_int_equal(taken[0], '|');
        }
    couple_close(&self);
}

/* --- the high-water mark */

static void send_buffer_takes_its_limit_and_not_one_byte_more(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = 1000);
    couple_block(&self);
    assert_int_equal(couple_send_at_once(&self, 0, 600), WHERRY_OK);
    assert_int_equal(couple_send_at_once(&self, 600, 401), WHERRY_E_WOULD_BLOCK); /* one past */
    assert_int_equal(wherry_stream_unsent(self.stream), 600);
    assert_int_equal(couple_send_at_once(&self, 600, 400), WHERRY_OK); /* at it */
    assert_int_equal(couple_send_at_once(&self, 1000, 1), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_stream_unsent(self.stream), 1000);
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NEVER),
                     WHERRY_E_MISUSE); /* not on a coroutine */
    wherry_faulty_heal(world->system, WHERRY_CALL_ANY);
    couple_expect(&self, 0, 1000);
    expect_nothing(&self);
    couple_close(&self);
}

static void one_send_into_an_empty_buffer_may_be_larger(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = 10);
    couple_block(&self);
    assert_int_equal(couple_send_at_once(&self, 0, 5000), WHERRY_OK);
    assert_int_equal(couple_send_at_once(&self, 5000, 1), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_stream_unsent(self.stream), 5000);
    wherry_faulty_heal(world->system, WHERRY_CALL_ANY);
    couple_expect(&self, 0, 5000);
    couple_close(&self);
}

static void refused_parts_leave_nothing_behind(void **state)
{
    net *world = *state;
    couple self;
    wherry_bytes parts[3];

    couple_open(&self, world, NET_PAIR, .send_max = 100);
    for (size_t i = 0; i < 3; i++)
        parts[i] = wherry_bytes_at(pattern + 50 + i * 20, 20);
    couple_block(&self);
    assert_int_equal(couple_send_at_once(&self, 0, 50), WHERRY_OK);
    assert_int_equal(wherry_stream_send_parts(self.stream, parts, 3, WHERRY_NOW),
                     WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_stream_send_parts(self.stream, parts, 2, WHERRY_NOW), WHERRY_OK);
    wherry_faulty_heal(world->system, WHERRY_CALL_ANY);
    couple_expect(&self, 0, 90);
    expect_nothing(&self);
    couple_close(&self);
}

/* --- failures */

static int send_with(wherry_memory *memory)
{
    wherry_bytes parts[40];
    wherry_loop *loop;
    wherry_stream *stream = NULL;
    wherry_faulty *system;
    size_t queued = 0;
    size_t received;
    int ends[2];
    int result;

    assert_int_equal(wherry_faulty_new(&system), WHERRY_OK);
    result = wherry_loop_new(&loop, .memory = memory, .system = wherry_faulty_system(system));
    if (result < 0) {
        wherry_faulty_free(system);
        return result;
    }
    net_pair(NET_PAIR, ends);
    result = wherry_stream_new(&stream, .loop = loop, .descriptor = ends[0], .send_max = LARGE);
    if (result < 0)
        assert_int_equal(close(ends[0]), 0);
    for (size_t i = 0; i < 40; i++)
        parts[i] = wherry_bytes_at(pattern + 1100 + i * 3000, 3000);
    wherry_faulty_plan(system, WHERRY_CALL_SEND, .number = EAGAIN);
    for (size_t i = 0; i < 10 && result == WHERRY_OK; i++) {
        result = wherry_stream_send(stream, wherry_bytes_at(pattern + i * 110, 110), WHERRY_NOW);
        queued += result == WHERRY_OK ? 110 : 0;
        assert_true(wherry_loop_step(loop) >= 0);
    }
    if (result == WHERRY_OK) {
        result = wherry_stream_send_parts(stream, parts, 40, WHERRY_NOW);
        queued += result == WHERRY_OK ? 120000 : 0;
    }
    wherry_faulty_heal(system, WHERRY_CALL_ANY);
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
    wherry_faulty_free(system);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(large_sends_arrive_whole),
        NET_TEST(large_send_follows_small_ones),
        NET_TEST(many_parts_go_in_one_piece),
        NET_TEST(received_bytes_sent_back_stay_as_they_were),
        NET_TEST(coroutine_echoes_whole),
        NET_TEST(many_pieces_of_the_input_can_wait),
        NET_TEST(send_buffer_takes_its_limit_and_not_one_byte_more),
        NET_TEST(one_send_into_an_empty_buffer_may_be_larger),
        NET_TEST(refused_parts_leave_nothing_behind),
        NET_TEST(send_without_memory_takes_nothing_and_leaves_the_stream),
    };

    net_fill(pattern, sizeof(pattern), 0);
    return NET_RUN(tests);
}
