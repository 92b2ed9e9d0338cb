/* Receiving by callbacks: what they are told of, what stays buffered, when reading pauses, and what
 * memory that takes. Tasks that receive are tested in stream_receive_task.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/net.h"

#define LARGE ((size_t)3 << 20)

static void received_bytes_are_told_and_the_end_behind_them(void **state)
{
    net *world = *state;

    for (net_kind kind = 0; kind < NET_KINDS; kind++) {
        recorder told;
        wherry_stream *stream;
        int ends[2];

        recorder_init(&told);
        net_pair(kind, ends);
        stream = net_stream(world, ends[0], &told);
        net_put(ends[1], "hello", 5);
        assert_int_equal(close(ends[1]), 0);
        NET_UNTIL(world, told.reason != 0);
        assert_int_equal(told.length, 5);
        assert_memory_equal(told.bytes, "hello", 5);
        assert_string_equal(told.trace, "re");
        assert_int_equal(told.reason, WHERRY_E_END);
        assert_int_equal(wherry_stream_end(stream), WHERRY_E_END);
        net_settle(world);
        assert_string_equal(told.trace, "re");
        wherry_stream_free(stream);
        recorder_clear(&told);
    }
}

static void many_bytes_arrive_whole_in_any_portions(void **state)
{
    const size_t portions[] = { 1, 7, 1000, 0 };
    net *world = *state;

    for (size_t i = 0; i < sizeof(portions) / sizeof(portions[0]); i++) {
        size_t length = portions[i] == 1 ? 3000 : portions[i] == 7 ? 30000 : LARGE;
        size_t sent = 0;
        recorder told;
        wherry_stream *stream;
        int ends[2];

        recorder_init(&told);
        net_pair(NET_PAIR, ends);
        stream = net_stream(world, ends[0], &told);
        if (portions[i] > 0)
            wherry_faulty_plan(world->system, WHERRY_CALL_RECEIVE, .most = portions[i]);
        while (told.length < length) {
            sent += sent < length ? net_put_some(ends[1], sent, length - sent) : 0;
            assert_true(wherry_loop_step(world->loop) >= 0);
        }
        assert_int_equal(told.length, length);
        net_check(told.bytes, length, 0);
        wherry_stream_free(stream);
        recorder_clear(&told);
        wherry_faulty_heal(world->system, WHERRY_CALL_ANY);
        assert_int_equal(close(ends[1]), 0);
    }
}

static void interrupted_and_delayed_reads_lose_nothing(void **state)
{
    const int numbers[] = { EINTR, EAGAIN };
    net *world = *state;

    for (size_t k = 1; k <= 12; k++) {
        for (size_t i = 0; i < 2; i++) {
            recorder told;
            wherry_stream *stream;
            int ends[2];

            recorder_init(&told);
            net_pair(NET_PAIR, ends);
            stream = net_stream(world, ends[0], &told);
            net_put(ends[1], "0123456789", 10);
            assert_int_equal(close(ends[1]), 0);
            wherry_faulty_plan(world->system, WHERRY_CALL_RECEIVE, .first = k, .count = 3,
                               .number = numbers[i]);
            NET_UNTIL(world, told.reason != 0);
            assert_int_equal(told.reason, WHERRY_E_END);
            assert_int_equal(told.length, 10);
            assert_memory_equal(told.bytes, "0123456789", 10);
            wherry_stream_free(stream);
            recorder_clear(&told);
        }
        wherry_faulty_plan(world->system, WHERRY_CALL_RECEIVE, .most = 1);
    }
}

static void what_is_not_consumed_stays(void **state)
{
    net *world = *state;
    recorder told;
    wherry_stream *stream;
    wherry_bytes bytes;
    int ends[2];

    recorder_init(&told);
    told.consume_max = SIZE_MAX;
    net_pair(NET_PAIR, ends);
    stream = net_stream(world, ends[0], &told);
    assert_int_equal(wherry_stream_peek(stream).length, 0);
    net_put(ends[1], "abc", 3);
    NET_UNTIL(world, strlen(told.trace) == 1);
    net_settle(world);
    net_put(ends[1], "def", 3);
    NET_UNTIL(world, strlen(told.trace) == 2);
    bytes = wherry_stream_peek(stream);
    assert_int_equal(bytes.length, 6);
    assert_memory_equal(bytes.data, "abcdef", 6);
    wherry_stream_consume(stream, 4);
    net_settle(world);
    bytes = wherry_stream_peek(stream);
    assert_int_equal(bytes.length, 2);
    assert_memory_equal(bytes.data, "ef", 2);
    wherry_stream_consume(stream, 3); /* more than there are: all */
    assert_int_equal(wherry_stream_peek(stream).length, 0);
    net_put(ends[1], "g", 1);
    NET_UNTIL(world, strlen(told.trace) == 3);
    assert_memory_equal(wherry_stream_peek(stream).data, "g", 1);
    assert_int_equal(close(ends[1]), 0);
    NET_UNTIL(world, told.reason == WHERRY_E_END);
    assert_memory_equal(wherry_stream_peek(stream).data, "g", 1);
    wherry_stream_free(stream);
}

/* A stream whose receive buffer holds at most that much. */
static wherry_stream *make_limited(net *world, int descriptor, recorder *told, size_t receive_max)
{
    wherry_stream *stream;

    recorder_init(told);
    told->consume_max = SIZE_MAX;
    assert_int_equal(wherry_stream_new(&stream, .loop = world->loop, .descriptor = descriptor,
                                       .events = &told->events, .receive_max = receive_max),
                     WHERRY_OK);
    return stream;
}

static void full_receive_buffer_pauses_reading(void **state)
{
    const size_t limits[] = { 1, 100, 65535, 65536, 65537, 200000 };
    static uint8_t bytes[200001];
    net *world = *state;

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        recorder told;
        int ends[2];
        int size = 1 << 20;
        wherry_stream *stream;

        net_pair(NET_PAIR, ends);
        assert_int_equal(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
        stream = make_limited(world, ends[0], &told, limits[i]);
        net_fill(bytes, limits[i] + 1, 0);
        for (size_t sent = 0; sent <= limits[i];
             sent += net_put_some(ends[1], sent, limits[i] + 1 - sent))
            if (sent > 60000)
                net_settle(world);
        net_settle(world); /* it has the limit, the system one past it */
        assert_int_equal(wherry_stream_peek(stream).length, limits[i]);
        net_check(wherry_stream_peek(stream).data, limits[i], 0);
        wherry_stream_consume(stream, 1);
        net_settle(world);
        assert_int_equal(wherry_stream_peek(stream).length, limits[i]);
        net_check(wherry_stream_peek(stream).data, limits[i], 1);
        assert_int_equal(close(ends[1]), 0);
        net_settle(world);
        assert_int_equal(wherry_stream_end(stream), WHERRY_OK); /* not seen while it is full */
        wherry_stream_consume(stream, 1);
        NET_UNTIL(world, wherry_stream_end(stream) == WHERRY_E_END);
        wherry_stream_free(stream);
    }
}

static void paused_stream_leaves_bytes_with_the_system(void **state)
{
    net *world = *state;
    recorder told;
    wherry_stream *stream;
    int ends[2];

    recorder_init(&told);
    net_pair(NET_PAIR, ends);
    stream = net_stream(world, ends[0], &told);
    wherry_stream_pause(stream);
    wherry_stream_pause(stream);
    net_put(ends[1], "a", 1);
    net_settle(world);
    assert_string_equal(told.trace, "");
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_RECEIVE), 0);
    wherry_stream_resume(stream);
    NET_UNTIL(world, told.length == 1);
    wherry_stream_pause(stream);
    net_put(ends[1], "b", 1);
    wherry_stream_resume(stream); /* before it was noticed */
    NET_UNTIL(world, told.length == 2);
    wherry_stream_pause(stream);
    assert_int_equal(close(ends[1]), 0);
    net_settle(world);
    assert_int_equal(told.reason, 0); /* the end is not told either */
    wherry_stream_resume(stream);
    NET_UNTIL(world, told.reason == WHERRY_E_END);
    wherry_stream_free(stream);
    recorder_clear(&told);
}

static void pause_in_received(recorder *self, wherry_stream *stream, char what)
{
    (void)self;
    if (what == 'r')
        wherry_stream_pause(stream);
}

static void pause_inside_received_holds(void **state)
{
    net *world = *state;
    recorder told;
    wherry_stream *stream;
    int ends[2];

    recorder_init(&told);
    told.act = pause_in_received;
    net_pair(NET_PAIR, ends);
    stream = net_stream(world, ends[0], &told);
    for (size_t i = 1; i <= 3; i++) {
        net_put(ends[1], "x", 1);
        NET_UNTIL(world, told.length == i);
        net_put(ends[1], "y", 1);
        net_settle(world);
        assert_int_equal(told.length, i);
        assert_int_equal(recv(ends[0], (char[2]){ 0 }, 2, MSG_DONTWAIT), 1);
        wherry_stream_resume(stream);
    }
    wherry_stream_free(stream);
    recorder_clear(&told);
    assert_int_equal(close(ends[1]), 0);
}

/* --- memory */

static void silent_stream_holds_no_memory(void **state)
{
    net *world = *state;
    recorder told;
    wherry_loop_statistics before, after;
    wherry_stream *stream;
    int ends[2];

    recorder_init(&told);
    net_pair(NET_PAIR, ends);
    stream = net_stream(world, ends[0], &told);
    net_put(ends[1], "warm", 4); /* the pool has its chunk then */
    NET_UNTIL(world, told.length == 4);
    net_settle(world);
    wherry_loop_statistics_read(world->loop, &before);
    for (size_t i = 0; i < 10; i++) {
        net_put(ends[1], "x", 1);
        NET_UNTIL(world, told.length == 5 + i);
    }
    net_settle(world);
    wherry_loop_statistics_read(world->loop, &after);
    assert_int_equal(after.bytes, before.bytes);
    wherry_stream_free(stream);
    recorder_clear(&told);
    assert_int_equal(close(ends[1]), 0);
}

static int receive_with(wherry_memory *memory)
{
    static uint8_t bytes[150000];
    wherry_loop *loop;
    wherry_stream *stream = NULL;
    int ends[2];
    int size = 1 << 20;
    recorder told;
    int result = wherry_loop_new(&loop, .memory = memory);

    if (result < 0)
        return result;
    net_pair(NET_PAIR, ends);
    recorder_init(&told);
    told.consume_max = SIZE_MAX;
    assert_int_equal(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
    net_fill(bytes, sizeof(bytes), 0);
    net_put(ends[1], bytes, sizeof(bytes));
    assert_int_equal(close(ends[1]), 0);
    result = wherry_stream_new(&stream, .loop = loop, .descriptor = ends[0],
                               .events = &told.events);
    if (result < 0)
        assert_int_equal(close(ends[0]), 0);
    while (result == WHERRY_OK && told.reason == 0)
        assert_true(wherry_loop_step(loop) >= 0);
    if (told.reason == WHERRY_E_END)
        assert_int_equal(wherry_stream_peek(stream).length, sizeof(bytes));
    else if (told.reason != 0)
        result = told.reason;
    if (stream != NULL)
        net_check(wherry_stream_peek(stream).data, wherry_stream_peek(stream).length, 0);
    wherry_stream_free(stream);
    wherry_loop_free(loop);
    return result;
}

static void failing_memory_ends_a_stream_and_nothing_else(void **state)
{
    size_t descriptors = net_descriptors();

    (void)state;
    assert_true(failing_memory_try(receive_with) >= 5);
    assert_int_equal(net_descriptors(), descriptors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(received_bytes_are_told_and_the_end_behind_them),
        NET_TEST(many_bytes_arrive_whole_in_any_portions),
        NET_TEST(interrupted_and_delayed_reads_lose_nothing),
        NET_TEST(what_is_not_consumed_stays),
        NET_TEST(full_receive_buffer_pauses_reading),
        NET_TEST(paused_stream_leaves_bytes_with_the_system),
        NET_TEST(pause_inside_received_holds),
        NET_TEST(silent_stream_holds_no_memory),
        NET_TEST(failing_memory_ends_a_stream_and_nothing_else),
    };

    return NET_RUN(tests);
}
