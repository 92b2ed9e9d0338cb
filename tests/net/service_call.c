/* Serviced streams: past their buffers, the end of receiving alone, and handing them to their loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/service.h>

#include "net/stream.h"
#include "support/serviced.h"

#define LARGE ((size_t)1 << 20)

static const net_kind kinds[] = { NET_TCP4, NET_TCP6, NET_UNIX, NET_PAIR };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint8_t pattern[LARGE];
static uint8_t taken[2 * LARGE];

/* --- past the buffers */

static void bytes_go_past_the_buffers(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        serviced self;
        uint8_t bytes[8] = "";
        ssize_t count;

        serviced_open(&self, world, kinds[i], .send_max = 0);
        assert_int_equal(wherry_stream_receive_past(self.stream, bytes, 8), WHERRY_E_WOULD_BLOCK);
        assert_int_equal(wherry_stream_receive_past(self.stream, bytes, 0), WHERRY_E_MISUSE);
        assert_int_equal(wherry_stream_send_past(self.stream, wherry_text("")), WHERRY_E_MISUSE);
        assert_int_equal(wherry_stream_send_past(self.stream, wherry_text("there")), 5);
        while (net_take(self.far, taken, 5) != 5)
            continue;
        assert_memory_equal(taken, "there", 5);
        net_put(self.far, "back again", 10);
        while ((count = wherry_stream_receive_past(self.stream, bytes, 8)) == WHERRY_E_WOULD_BLOCK)
            continue;
        assert_int_equal(count, 8);
        assert_memory_equal(bytes, "back aga", 8);
        assert_int_equal(wherry_stream_peek(self.stream).length, 0);
        assert_int_equal(wherry_stream_service_receive(self.stream), 2); /* the rest */
        assert_int_equal(shutdown(self.far, SHUT_WR), 0);
        while ((count = wherry_stream_receive_past(self.stream, bytes, 8)) == WHERRY_E_WOULD_BLOCK)
            continue;
        assert_int_equal(count, WHERRY_E_END);
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_END);
        assert_int_equal(wherry_stream_receive_past(self.stream, bytes, 8), WHERRY_E_END);
        assert_int_equal(wherry_stream_send_past(self.stream, wherry_text("still")), 5);
        assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_OK);
        assert_int_equal(wherry_stream_send_past(self.stream, wherry_text("x")), WHERRY_E_MISUSE);
        serviced_close(&self);
    }
}

static void sending_past_the_buffer_takes_what_fits_and_keeps_the_order(void **state)
{
    net *world = *state;
    serviced self;
    size_t sent = 0, count = 0;

    serviced_open(&self, world, NET_PAIR, .send_max = 0);
    while (sent < LARGE) {
        ssize_t once = wherry_stream_send_past(self.stream,
                                               wherry_bytes_at(pattern + sent, LARGE - sent));

        assert_true(once > 0 || once == WHERRY_E_WOULD_BLOCK);
        if (once > 0) {
            sent += (size_t)once;
            continue;
        }
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
        once = net_take(self.far, taken + count, LARGE);
        assert_true(once > 0);
        count += (size_t)once;
    }
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("queued"), WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_stream_send_past(self.stream, wherry_text("x")), WHERRY_E_BUSY);
    while (count < LARGE + 6) {
        ssize_t once = net_take(self.far, taken + count, LARGE);

        assert_true(once > 0 || once == -EAGAIN);
        count += once > 0 ? (size_t)once : 0;
        assert_true(wherry_stream_service_send(self.stream) >= 0);
    }
    net_check(taken, LARGE, 0);
    assert_memory_equal(taken + LARGE, "queued", 6);
    serviced_close(&self);
}

static void reset_is_told_past_the_buffers_too(void **state)
{
    net *world = *state;

    for (int receive = 0; receive < 2; receive++) {
        serviced self;
        ssize_t result;
        uint8_t byte;

        serviced_open(&self, world, NET_TCP4, .send_max = 0);
        serviced_reset_far(&self);
        do
            result = receive ? wherry_stream_receive_past(self.stream, &byte, 1)
                             : wherry_stream_send_past(self.stream, wherry_text("x"));
        while (result > 0 || result == WHERRY_E_WOULD_BLOCK);
        assert_int_equal(result, WHERRY_E_RESET);
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_RESET);
        serviced_close(&self);
    }
}

/* --- one direction */

static void receiving_is_shut_down_behind_what_has_come(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        serviced self;

        serviced_open(&self, world, kinds[i], .send_max = 0);
        net_put(self.far, "before", 6);
        while (recv(wherry_stream_descriptor(self.stream), taken, 6, MSG_PEEK | MSG_DONTWAIT) < 6)
            continue;
        assert_int_equal(wherry_stream_shutdown_receive(self.stream), WHERRY_OK);
        assert_int_equal(wherry_stream_service_receive(self.stream), 6);
        assert_int_equal(wherry_stream_service_receive(self.stream), WHERRY_E_END);
        assert_int_equal(wherry_stream_shutdown_receive(self.stream), WHERRY_E_END);
        assert_int_equal(wherry_stream_send(self.stream, wherry_text("goes on"), WHERRY_NOW),
                         WHERRY_OK);
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_END);
        while (net_take(self.far, taken, 7) != 7)
            continue;
        assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_OK);
        assert_int_equal(wherry_stream_is_open(self.stream), 0); /* both are over */
        serviced_close(&self);
    }
}

static void pipe_that_is_shut_down_is_over(void **state)
{
    net *world = *state;
    serviced self = { .world = world };
    int ends[2];

    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    assert_int_equal(
        wherry_stream_new(&self.stream, .loop = world->loop, .descriptor = ends[0], .serviced = 1),
        WHERRY_OK);
    self.far = ends[1];
    assert_int_equal(wherry_stream_shutdown_receive(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_END);
    serviced_close(&self);
}

/* --- the loop's from now on */

static void one_that_is_handed_to_its_loop_is_as_any_other(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        serviced self;
        recorder told;

        serviced_open(&self, world, kinds[i], .send_max = 2 * LARGE);
        recorder_init(&told);
        net_put(self.far, "before", 6);
        while (wherry_stream_peek(self.stream).length < 6)
            assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
        assert_int_equal(
            wherry_stream_send(self.stream, wherry_bytes_at(pattern, LARGE), WHERRY_NOW),
            WHERRY_OK);
        if (i % 2 == 0)
            assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
        assert_int_equal(wherry_stream_unservice(self.stream), WHERRY_OK);
        assert_int_equal(wherry_stream_unservice(self.stream), WHERRY_E_MISUSE);
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_MISUSE);
        wherry_stream_set_events(self.stream, &told.events);
        assert_int_equal(net_take_all(world, self.far, taken, LARGE, NULL), LARGE);
        net_check(taken, LARGE, 0);
        net_put(self.far, " after", 6);
        NET_UNTIL(world, told.length == 12);
        assert_memory_equal(told.bytes, "before after", 12);
        serviced_close_far(&self);
        NET_UNTIL(world, told.reason != 0);
        assert_int_equal(told.reason, WHERRY_E_END);
        assert_string_equal(told.trace, "re");
        recorder_clear(&told);
        serviced_close(&self);
    }
}

static void end_that_was_there_before_the_loop_took_over_is_told(void **state)
{
    net *world = *state;
    serviced self;
    recorder told;

    serviced_open(&self, world, NET_PAIR, .send_max = LARGE);
    recorder_init(&told);
    assert_int_equal(shutdown(self.far, SHUT_WR), 0);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_END);
    assert_int_equal(wherry_stream_unservice(self.stream), WHERRY_OK);
    wherry_stream_set_events(self.stream, &told.events);
    net_settle(world);
    assert_string_equal(told.trace, "e");
    assert_int_equal(told.reason, WHERRY_E_END);
    recorder_clear(&told);
    serviced_close(&self);
}

static void idle_time_is_the_loops_from_then_on(void **state)
{
    net *world = *state;
    serviced self;
    recorder told;

    serviced_open(&self, world, NET_PAIR, .idle_timeout = 100);
    recorder_init(&told);
    wherry_loop_tick(world->loop, 99);
    assert_int_equal(wherry_stream_unservice(self.stream), WHERRY_OK);
    wherry_stream_set_events(self.stream, &told.events);
    net_advance(world, 99);
    assert_int_equal(told.reason, 0);
    net_advance(world, 1);
    assert_int_equal(told.reason, WHERRY_E_IDLE);
    recorder_clear(&told);
    serviced_close(&self);
}

static void one_that_the_system_cannot_watch_stays_serviced(void **state)
{
    net *world = *state;
    serviced self;

    serviced_open(&self, world, NET_PAIR, .send_max = LARGE);
    wherry_faulty_plan(world->system, WHERRY_CALL_WATCH, .number = ENOSPC, .first = 1, .count = 1);
    assert_int_equal(wherry_stream_unservice(self.stream), WHERRY_E_FULL);
    net_put(self.far, "x", 1);
    assert_int_equal(wherry_stream_service_receive(self.stream), 1);
    assert_int_equal(self.stream->source.watched, WHERRY_READABLE);
    assert_int_equal(wherry_loop_run(world->loop), WHERRY_OK);
    assert_int_equal(wherry_stream_unservice(self.stream), WHERRY_OK);
    serviced_close(&self);
}

/* A file, which no system can watch, is always ready. */
static void file_is_handed_over_too(void **state)
{
    net *world = *state;
    char path[] = "/tmp/wherry-test-XXXXXX";
    int descriptor = mkstemp(path);
    serviced self = { .world = world, .far = -1 };
    recorder told;

    recorder_init(&told);
    assert_true(descriptor >= 0);
    assert_int_equal(unlink(path), 0);
    net_put(descriptor, "text", 4);
    assert_int_equal(lseek(descriptor, 0, SEEK_SET), 0);
    assert_int_equal(wherry_stream_new(&self.stream, .loop = world->loop, .descriptor = descriptor,
                                       .serviced = 1),
                     WHERRY_OK);
    assert_int_equal(wherry_stream_unservice(self.stream), WHERRY_OK);
    wherry_stream_set_events(self.stream, &told.events);
    NET_UNTIL(world, told.reason == WHERRY_E_END);
    assert_memory_equal(told.bytes, "text", 4);
    recorder_clear(&told);
    serviced_close(&self);
}

/* --- size */

static void stream_is_as_small_as_it_was(void **state)
{
    (void)state;
    assert_true(sizeof(wherry_stream) <= 232);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(bytes_go_past_the_buffers),
        NET_TEST(sending_past_the_buffer_takes_what_fits_and_keeps_the_order),
        NET_TEST(reset_is_told_past_the_buffers_too),
        NET_TEST(receiving_is_shut_down_behind_what_has_come),
        NET_TEST(pipe_that_is_shut_down_is_over),
        NET_TEST(one_that_is_handed_to_its_loop_is_as_any_other),
        NET_TEST(end_that_was_there_before_the_loop_took_over_is_told),
        NET_TEST_VIRTUAL(idle_time_is_the_loops_from_then_on),
        NET_TEST(one_that_the_system_cannot_watch_stays_serviced),
        NET_TEST(file_is_handed_over_too),
        cmocka_unit_test(stream_is_as_small_as_it_was),
    };

    net_fill(pattern, sizeof(pattern), 0);
    return NET_RUN(tests);
}
