/* Making streams: what they are made of, with which options, and what each refusal is called. What
 * they do has tests of its own for receiving, sending, connecting and ending. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/net.h"

static int make(net *world, int descriptor)
{
    wherry_stream *stream = NULL;
    int result = wherry_stream_new(&stream, .loop = world->loop, .descriptor = descriptor);

    assert_true((stream != NULL) == (result == WHERRY_OK));
    wherry_stream_free(stream);
    return result;
}

static void what_is_no_stream_is_refused_and_left_open(void **state)
{
    net *world = *state;
    wherry_address address;
    int sockets[] = { socket(AF_INET, SOCK_DGRAM, 0), socket(AF_UNIX, SOCK_SEQPACKET, 0),
                      net_listen(NET_TCP4, 1, &address) };

    for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
        assert_int_equal(make(world, sockets[i]), WHERRY_E_MISUSE);
        assert_non_null(strstr(wherry_problem(), "socket"));
        assert_int_equal(close(sockets[i]), 0);
    }
    assert_int_equal(make(world, -1), WHERRY_E_INVALID);
    assert_int_equal(make(world, 999999), WHERRY_E_INVALID);
}

static void bad_options_are_named(void **state)
{
    net *world = *state;
    wherry_stream *stream = NULL;
    int ends[2];

    net_pair(NET_PAIR, ends);
    assert_int_equal(wherry_stream_new_with(NULL), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_new(NULL, .loop = world->loop, .descriptor = ends[0]),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_new(&stream, .descriptor = ends[0]), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_new(&stream, .loop = world->loop, .descriptor = ends[0],
                                       .receive_max = ((size_t)1 << 31) + 1),
                     WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "receive_max"));
    assert_int_equal(wherry_stream_new(&stream, .loop = world->loop, .descriptor = ends[0],
                                       .send_max = ((size_t)1 << 31) + 1),
                     WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "send_max"));
    assert_int_equal(
        wherry_stream_new(&stream, .loop = world->loop, .descriptor = ends[0], .idle_timeout = -1),
        WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "idle_timeout"));
    assert_int_equal(
        wherry_stream_new(&stream, .loop = world->loop, .descriptor = ends[0], .linger = -1),
        WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "linger"));
    assert_null(stream);
    assert_int_equal(wherry_stream_new(&stream, .loop = world->loop, .descriptor = ends[0],
                                       .receive_max = (size_t)1 << 31, .send_max = (size_t)1 << 31,
                                       .linger = INT64_MAX, .idle_timeout = INT64_MAX),
                     WHERRY_OK); /* at the limits */
    wherry_stream_free(stream);
    assert_int_equal(close(ends[1]), 0);
}

static void descriptor_has_one_stream_on_a_loop(void **state)
{
    net *world = *state;
    wherry_stream *stream;
    int ends[2];

    net_pair(NET_PAIR, ends);
    stream = net_stream(world, ends[0], NULL);
    assert_int_equal(make(world, ends[0]), WHERRY_E_EXISTS);
    net_put(ends[1], "x", 1);
    NET_UNTIL(world, wherry_stream_peek(stream).length == 1); /* the first one is as it was */
    wherry_stream_free(stream);
    assert_int_equal(close(ends[1]), 0);
}

static void refused_watch_leaves_the_descriptor_to_the_caller(void **state)
{
    const int numbers[][2] = { { ENOMEM, WHERRY_E_NO_MEMORY }, { ENOSPC, WHERRY_E_FULL } };
    net *world = *state;

    for (size_t i = 0; i < 2; i++)
        for (net_kind kind = 0; kind < NET_KINDS; kind++) {
            int ends[2];

            net_pair(kind, ends);
            wherry_faulty_plan(world->system, WHERRY_CALL_WATCH, .number = numbers[i][0],
                               .count = 1);
            assert_int_equal(make(world, ends[0]), numbers[i][1]);
            net_put(ends[1], "x", 1);
            assert_int_equal(recv(ends[0], (char[1]){ 0 }, 1, MSG_WAITALL), 1);
            net_put(ends[0], "x", 1); /* nothing was shut down either */
            assert_int_equal(close(ends[0]), 0);
            assert_int_equal(close(ends[1]), 0);
        }
}

static void refused_watch_later_ends_the_stream(void **state)
{
    net *world = *state;
    recorder told;
    wherry_stream *stream;
    int ends[2];

    recorder_init(&told);
    net_pair(NET_PAIR, ends);
    stream = net_stream(world, ends[0], &told);
    wherry_stream_pause(stream);
    net_put(ends[1], "x", 1);
    net_settle(world);
    wherry_faulty_plan(world->system, WHERRY_CALL_WATCH, .number = ENOMEM, .count = 1);
    wherry_stream_resume(stream);
    assert_string_equal(told.trace, ""); /* not inside of the call */
    assert_int_equal(wherry_stream_end(stream), WHERRY_E_NO_MEMORY);
    net_settle(world);
    assert_string_equal(told.trace, "e");
    assert_int_equal(told.reason, WHERRY_E_NO_MEMORY);
    assert_int_equal(net_take(ends[1], (char[1]){ 0 }, 1), -ECONNRESET);
    wherry_stream_free(stream);
    assert_int_equal(close(ends[1]), 0);
}

static void delay_is_off_unless_asked_for(void **state)
{
    net *world = *state;

    for (int delay = 0; delay < 2; delay++) {
        wherry_stream *stream;
        int ends[2];
        int flag = -1;
        socklen_t size = sizeof(flag);

        net_pair(NET_TCP6, ends);
        assert_int_equal(
            wherry_stream_new(&stream, .loop = world->loop, .descriptor = ends[0], .delay = delay),
            WHERRY_OK);
        assert_int_equal(getsockopt(ends[0], IPPROTO_TCP, TCP_NODELAY, &flag, &size), 0);
        assert_int_equal(flag != 0, delay == 0);
        wherry_stream_free(stream);
        assert_int_equal(close(ends[1]), 0);
    }
}

static void callbacks_that_are_not_there_are_not_called(void **state)
{
    net *world = *state;
    wherry_stream_events nobody = { .received = NULL };
    wherry_stream *stream;
    int ends[2];

    net_pair(NET_PAIR, ends);
    assert_int_equal(wherry_stream_new(&stream, .loop = world->loop, .descriptor = ends[0],
                                       .events = &nobody, .send_max = 1),
                     WHERRY_OK);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = ENOBUFS, .count = 1);
    assert_int_equal(wherry_stream_send(stream, wherry_text("a"), WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_stream_send(stream, wherry_text("b"), WHERRY_NOW),
                     WHERRY_E_WOULD_BLOCK);
    net_put(ends[1], "x", 1);
    assert_int_equal(shutdown(ends[1], SHUT_WR), 0);
    NET_UNTIL(world, wherry_stream_end(stream) == WHERRY_E_END);
    NET_UNTIL(world, wherry_stream_unsent(stream) == 0);
    assert_int_equal(wherry_stream_peek(stream).length, 1);
    wherry_stream_free(stream);
    assert_int_equal(close(ends[1]), 0);
}

static int make_with(wherry_memory *memory)
{
    wherry_loop *loop;
    wherry_stream *stream = NULL;
    int ends[2];
    int result = wherry_loop_new(&loop, .memory = memory);

    if (result < 0)
        return result;
    net_pair(NET_UNIX, ends); /* whose address takes memory too */
    result = wherry_stream_new(&stream, .loop = loop, .descriptor = ends[1]);
    if (result < 0)
        assert_int_equal(close(ends[1]), 0);
    wherry_stream_free(stream);
    wherry_loop_free(loop);
    assert_int_equal(close(ends[0]), 0);
    return result;
}

static void failing_memory_leaves_nothing(void **state)
{
    size_t descriptors = net_descriptors();

    (void)state;
    assert_true(failing_memory_try(make_with) >= 3);
    assert_int_equal(net_descriptors(), descriptors);
}

static void others_can_be_told_of_a_stream(void **state)
{
    net *world = *state;
    recorder first, second;
    wherry_stream *stream;
    int ends[2];

    recorder_init(&first);
    recorder_init(&second);
    net_pair(NET_PAIR, ends);
    stream = net_stream(world, ends[0], &first);
    wherry_stream_set_events(stream, &second.events);
    net_put(ends[1], "x", 1);
    NET_UNTIL(world, second.trace[0] == 'r');
    assert_string_equal(first.trace, "");
    wherry_stream_set_events(stream, NULL);
    assert_int_equal(close(ends[1]), 0);
    NET_UNTIL(world, wherry_stream_end(stream) == WHERRY_E_END);
    assert_string_equal(second.trace, "r");
    wherry_stream_close(stream);
    wherry_stream_set_events(stream, &first.events);
    wherry_stream_free(stream);
    net_settle(world);
    assert_string_equal(first.trace, "");
    recorder_clear(&first);
    recorder_clear(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(what_is_no_stream_is_refused_and_left_open),
        NET_TEST(others_can_be_told_of_a_stream),
        NET_TEST(bad_options_are_named),
        NET_TEST(descriptor_has_one_stream_on_a_loop),
        NET_TEST(refused_watch_leaves_the_descriptor_to_the_caller),
        NET_TEST(refused_watch_later_ends_the_stream),
        NET_TEST(delay_is_off_unless_asked_for),
        NET_TEST(callbacks_that_are_not_there_are_not_called),
        NET_TEST(failing_memory_leaves_nothing),
    };

    return NET_RUN(tests);
}
