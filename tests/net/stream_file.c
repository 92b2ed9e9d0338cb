/* Streams of pipes, regular files and terminals. */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/net.h"
#include "support/process.h"

static uint8_t pattern[300000];
static uint8_t taken[300000];

static void pipe_is_read_to_its_end(void **state)
{
    net *world = *state;

    for (int flags = 0; flags <= O_NONBLOCK; flags += O_NONBLOCK) {
        recorder told;
        wherry_stream *stream;
        wherry_address address;
        int ends[2];

        recorder_init(&told);
        assert_int_equal(pipe2(ends, flags), 0);
        stream = net_stream(world, ends[0], &told);
        net_settle(world);
        assert_string_equal(told.trace, "");
        assert_int_equal(fcntl(ends[0], F_GETFL) & O_NONBLOCK, flags); /* left alone */
        net_put(ends[1], "through", 7);
        NET_UNTIL(world, told.length == 7);
        assert_int_equal(close(ends[1]), 0);
        NET_UNTIL(world, told.reason == WHERRY_E_END);
        assert_memory_equal(told.bytes, "through", 7);
        wherry_stream_remote(stream, &address);
        assert_int_equal(address.family, WHERRY_FAMILY_NONE);
        wherry_stream_local(stream, &address);
        assert_int_equal(address.family, WHERRY_FAMILY_NONE);
        wherry_stream_free(stream);
        recorder_clear(&told);
        if (O_NONBLOCK == 0)
            break;
    }
}

static int make_file(const void *data, size_t length, int flags)
{
    char path[] = "/tmp/wherry-test-XXXXXX";
    int descriptor = mkstemp(path);
    int again;

    assert_true(descriptor >= 0);
    net_put(descriptor, data, length);
    again = open(path, flags | O_CLOEXEC);
    assert_true(again >= 0);
    assert_int_equal(close(descriptor), 0);
    assert_int_equal(unlink(path), 0);
    return again;
}

static void regular_file_is_read_to_its_end(void **state)
{
    static uint8_t bytes[300000];
    net *world = *state;
    recorder told;
    wherry_stream *stream;

    recorder_init(&told);
    net_fill(bytes, sizeof(bytes), 0);
    stream = net_stream(world, make_file(bytes, sizeof(bytes), O_RDONLY), &told);
    NET_UNTIL(world, told.reason != 0);
    assert_int_equal(told.reason, WHERRY_E_END);
    assert_int_equal(told.length, sizeof(bytes));
    net_check(told.bytes, told.length, 0);
    net_settle(world); /* it is not ready for ever */
    wherry_stream_free(stream);
    recorder_clear(&told);
}

static void paused_file_is_not_read(void **state)
{
    net *world = *state;
    recorder told;
    wherry_stream *stream;

    recorder_init(&told);
    stream = net_stream(world, make_file("abc", 3, O_RDONLY), &told);
    wherry_stream_pause(stream);
    net_settle(world);
    assert_string_equal(told.trace, "");
    wherry_stream_resume(stream);
    NET_UNTIL(world, told.reason == WHERRY_E_END);
    assert_int_equal(told.length, 3);
    wherry_stream_free(stream);
    recorder_clear(&told);
}

static void file_for_writing_only_ends_at_once_and_takes_what_is_sent(void **state)
{
    net *world = *state;
    recorder told;
    wherry_stream *stream;
    int file = make_file("", 0, O_WRONLY);
    char path[64];
    char text[8] = "";
    int reader;

    recorder_init(&told);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    reader = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(reader >= 0);
    stream = net_stream(world, file, &told);
    net_settle(world);
    assert_int_equal(wherry_stream_end(stream), WHERRY_E_END);
    assert_int_equal(wherry_stream_send(stream, wherry_text("log"), WHERRY_NOW), WHERRY_OK);
    net_settle(world);
    assert_int_equal(wherry_stream_unsent(stream), 0);
    assert_int_equal(read(reader, text, sizeof(text)), 3);
    assert_string_equal(text, "log");
    wherry_stream_free(stream);
    assert_int_equal(close(reader), 0);
}

static void pseudo_terminal_goes_both_ways_until_it_is_hung_up(void **state)
{
    net *world = *state;
    recorder told;
    wherry_stream *stream;
    char text[16] = "";
    int master, slave;

    recorder_init(&told);
    if (openpty(&master, &slave, NULL, NULL, NULL) != 0)
        process_skip("no pseudo-terminals here");
    stream = net_stream(world, master, &told);
    net_put(slave, "to you", 6);
    NET_UNTIL(world, told.length == 6);
    assert_memory_equal(told.bytes, "to you", 6);
    assert_int_equal(wherry_stream_send(stream, wherry_text("line\n"), WHERRY_NOW), WHERRY_OK);
    NET_UNTIL(world, wherry_stream_unsent(stream) == 0);
    assert_int_equal(read(slave, text, sizeof(text)), 5);
    assert_string_equal(text, "line\n");
    assert_int_equal(close(slave), 0);
    NET_UNTIL(world, told.reason != 0);
    assert_int_equal(told.reason, WHERRY_E_END);
    net_settle(world);
    wherry_stream_free(stream);
    recorder_clear(&told);
}

/* --- sending */

typedef struct file {
    net *world;
    wherry_stream *stream;
    recorder told;
} file;

static int send_at_once(file *self, size_t length)
{
    net_fill(pattern, sizeof(pattern), 0);
    return wherry_stream_send(self->stream, wherry_bytes_at(pattern, length), WHERRY_NOW);
}

static void pipe_takes_what_is_sent_and_tells_that_nobody_reads(void **state)
{
    net *world = *state;

    for (int flags = 0; flags <= O_NONBLOCK; flags += O_NONBLOCK) {
        file self = { .world = world };
        size_t got = 0;
        int ends[2];

        recorder_init(&self.told);
        assert_int_equal(pipe2(ends, flags), 0);
        assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
        self.stream = net_stream(world, ends[1], &self.told);
        assert_int_equal(send_at_once(&self, 200000), WHERRY_OK);
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
        assert_int_equal(send_at_once(&self, 1), WHERRY_E_RESET);
        wherry_stream_free(self.stream);
        recorder_clear(&self.told);
    }
}

static void shutdown_of_a_pipe_is_the_end_for_its_reader(void **state)
{
    net *world = *state;
    file self = { .world = world };
    int ends[2];

    recorder_init(&self.told);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    self.stream = net_stream(world, ends[1], &self.told);
    assert_int_equal(send_at_once(&self, 3), WHERRY_OK);
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
    file self = { .world = world };
    int slave, master;

    recorder_init(&self.told);
    if (openpty(&master, &slave, NULL, NULL, NULL) != 0)
        process_skip("no pseudo-terminals here");
    self.stream = net_stream(world, master, &self.told);
    assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_OK);
    net_settle(world);
    net_put(slave, "still", 5);
    NET_UNTIL(world, self.told.length == 5);
    assert_int_equal(send_at_once(&self, 1), WHERRY_E_MISUSE);
    wherry_stream_free(self.stream);
    recorder_clear(&self.told);
    assert_int_equal(close(slave), 0);
}

/* Short counts, interruptions and refusals on the way in and out. */
static void pipe_stream_stays_whole(void **state)
{
    const int numbers[] = { EINTR, EAGAIN };
    net *world = *state;

    for (size_t i = 0; i < 2; i++)
        for (size_t k = 1; k <= 12; k++) {
            file from = { .world = world }, to = { .world = world };
            int ends[2];

            recorder_init(&from.told);
            recorder_init(&to.told);
            assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
            from.stream = net_stream(world, ends[1], &from.told);
            to.stream = net_stream(world, ends[0], &to.told);
            wherry_faulty_plan(world->system, WHERRY_CALL_WRITE, .most = 1);
            wherry_faulty_plan(world->system, WHERRY_CALL_READ, .most = k);
            wherry_faulty_plan(world->system, WHERRY_CALL_READ, .first = k, .number = numbers[i],
                               .count = 2);
            wherry_faulty_plan(world->system, WHERRY_CALL_WRITE, .first = k, .number = numbers[i],
                               .count = 2);
            assert_int_equal(send_at_once(&from, 10), WHERRY_OK);
            wherry_stream_free(from.stream);
            NET_UNTIL(world, to.told.reason != 0);
            assert_int_equal(to.told.reason, WHERRY_E_END);
            assert_int_equal(to.told.length, 10);
            net_check(to.told.bytes, 10, 0);
            wherry_stream_free(to.stream);
            recorder_clear(&to.told);
            wherry_faulty_heal(world->system, WHERRY_CALL_ANY);
        }
}

/* What takes only a little at a time, and must not block although it may. */
static void terminal_takes_much_text_from_a_descriptor_that_may_block(void **state)
{
    net *world = *state;
    file self = { .world = world };
    struct termios mode;
    size_t got = 0;
    int master, slave;

    recorder_init(&self.told);
    if (openpty(&master, &slave, NULL, NULL, NULL) != 0)
        process_skip("no pseudo-terminals here");
    assert_int_equal(tcgetattr(slave, &mode), 0);
    cfmakeraw(&mode);
    assert_int_equal(tcsetattr(slave, TCSANOW, &mode), 0);
    assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
    self.stream = net_stream(world, slave, &self.told);
    assert_int_equal(send_at_once(&self, 50000), WHERRY_OK);
    while (got < 50000) {
        ssize_t count = read(master, taken + got, 50000 - got);

        got += count > 0 ? (size_t)count : 0;
        assert_true(wherry_loop_step(world->loop) >= 0);
    }
    net_check(taken, got, 0);
    assert_int_equal(fcntl(slave, F_GETFL) & O_NONBLOCK, 0);
    wherry_stream_free(self.stream);
    assert_int_equal(close(master), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(pipe_is_read_to_its_end),
        NET_TEST(regular_file_is_read_to_its_end),
        NET_TEST(paused_file_is_not_read),
        NET_TEST(file_for_writing_only_ends_at_once_and_takes_what_is_sent),
        NET_TEST(pseudo_terminal_goes_both_ways_until_it_is_hung_up),
        NET_TEST(pipe_takes_what_is_sent_and_tells_that_nobody_reads),
        NET_TEST(shutdown_of_a_pipe_is_the_end_for_its_reader),
        NET_TEST(shutdown_of_a_terminal_leaves_receiving),
        NET_TEST(pipe_stream_stays_whole),
        NET_TEST(terminal_takes_much_text_from_a_descriptor_that_may_block),
    };

    return NET_RUN(tests);
}
