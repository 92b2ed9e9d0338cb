/* Serviced streams: how much one call receives and one stream holds. Apart from the passes of
 * service.c because these are their bounds: of time, of the buffer and of memory. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/service.h>

#include "net/stream.h"
#include "support/serviced.h"

#define LARGE ((size_t)1 << 20)

static uint8_t pattern[4 * LARGE];

static void one_sender_has_a_share_of_a_pass_and_no_more(void **state)
{
    net *world = *state;
    serviced self;
    size_t before;
    ssize_t count;

    serviced_open(&self, world, NET_TCP4, .receive_max = 4 * LARGE);
    wherry_faulty_plan(world->system, WHERRY_CALL_RECEIVE, .number = EINTR, .first = 1, .count = 1);
    before = wherry_faulty_calls(world->system, WHERRY_CALL_RECEIVE);
    assert_int_equal(fcntl(self.far, F_SETFL, O_NONBLOCK), 0);
    do { /* more is there at any time than a pass takes */
        size_t more = 1;

        while (more > 0 && wherry_stream_peek(self.stream).length < 2 * LARGE) {
            ssize_t put = send(self.far, pattern, sizeof(pattern), MSG_DONTWAIT | MSG_NOSIGNAL);

            more = put > 0 ? (size_t)put : 0;
        }
        before = wherry_faulty_calls(world->system, WHERRY_CALL_RECEIVE);
        count = wherry_stream_service_receive(self.stream);
        assert_true(count >= 0 && count <= (ssize_t)LARGE);
        assert_true(wherry_faulty_calls(world->system, WHERRY_CALL_RECEIVE) - before <= 17);
    } while (count < (ssize_t)LARGE / 2);
    serviced_close(&self);
}

static void once_is_one_receive(void **state)
{
    net *world = *state;
    serviced self;
    size_t before;

    serviced_open(&self, world, NET_PAIR, .receive_max = 2 * LARGE);
    net_put(self.far, pattern, 100000);
    before = wherry_faulty_calls(world->system, WHERRY_CALL_RECEIVE);
    assert_int_equal(wherry_stream_service_receive_once(self.stream), 65536);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_RECEIVE), before + 1);
    assert_int_equal(wherry_stream_service_receive(self.stream), 100000 - 65536);
    net_check(wherry_stream_peek(self.stream).data, 100000, 0);
    serviced_close(&self);
}

static void reading_pauses_when_the_buffer_is_full_and_goes_on_when_it_is_not(void **state)
{
    net *world = *state;
    serviced self;
    size_t before;

    serviced_open(&self, world, NET_PAIR, .receive_max = 1000);
    net_put(self.far, pattern, 1002);
    SERVICED_UNTIL(wherry_stream_service_receive(self.stream) >= 0 &&
                   wherry_stream_peek(self.stream).length == 1000);
    before = wherry_faulty_calls(world->system, WHERRY_CALL_RECEIVE);
    assert_int_equal(wherry_stream_service_receive(self.stream), 0);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_RECEIVE), before);
    wherry_stream_consume(self.stream, 1);
    assert_int_equal(wherry_stream_service_receive(self.stream), 1);
    wherry_stream_pause(self.stream);
    wherry_stream_consume(self.stream, 1000);
    assert_int_equal(wherry_stream_service_receive(self.stream), 0);
    wherry_stream_resume(self.stream);
    assert_int_equal(wherry_stream_service_receive(self.stream), 1);
    net_check(wherry_stream_peek(self.stream).data, 1, 1001);
    serviced_close(&self);
}

/* A copy of all that is there takes memory; so few do. */
static void full_buffer_that_gives_way_bit_by_bit_is_not_copied_for_each(void **state)
{
    net *world = *state;
    serviced self;
    size_t length, calls, sent = 0;

    net_fill(pattern, sizeof(pattern), 0);
    serviced_open(&self, world, NET_UNIX, .receive_max = LARGE);
    do {
        ssize_t count = send(self.far, pattern + sent, 50000, MSG_DONTWAIT);

        sent += count > 0 ? (size_t)count : 0;
        length = wherry_stream_peek(self.stream).length;
        assert_true(wherry_stream_service_receive(self.stream) >= 0);
    } while (wherry_stream_peek(self.stream).length > length);
    assert_int_equal(length, LARGE);
    calls = world->memory.calls;
    for (size_t i = 0; i < 500; i++) {
        net_check(wherry_stream_peek(self.stream).data, 100, 100 * i);
        wherry_stream_consume(self.stream, 100);
        assert_int_equal(wherry_stream_service_receive(self.stream), 100);
    }
    assert_true(world->memory.calls - calls < 5);
    serviced_close(&self);
}

static void receive_gives_what_is_buffered_and_holds_it_still(void **state)
{
    net *world = *state;
    serviced self;
    wherry_bytes bytes;

    serviced_open(&self, world, NET_PAIR, .receive_max = LARGE);
    assert_int_equal(wherry_stream_receive(self.stream, &bytes, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    net_put(self.far, "first", 5);
    assert_int_equal(wherry_stream_receive(self.stream, &bytes, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_stream_service_receive(self.stream), 5);
    assert_int_equal(wherry_stream_receive(self.stream, &bytes, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(bytes.length, 5);
    net_put(self.far, "second", 6);
    assert_int_equal(wherry_stream_service_receive(self.stream), 0); /* it is in use */
    assert_memory_equal(bytes.data, "first", 5);
    assert_int_equal(wherry_stream_receive(self.stream, &bytes, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_stream_service_receive(self.stream), 6);
    assert_int_equal(wherry_stream_receive(self.stream, &bytes, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(bytes.length, 6);
    assert_memory_equal(bytes.data, "second", 6);
    wherry_stream_consume(self.stream, 6); /* so that it is not */
    net_put(self.far, "third", 5);
    assert_int_equal(wherry_stream_service_receive(self.stream), 5);
    serviced_close(&self);
}

/* Neither a chunk of the pool nor anything else than itself. */
static void idle_one_holds_no_buffer(void **state)
{
    net *world = *state;
    serviced self[3];
    size_t bytes = 0;

    for (int i = 0; i < 3; i++) { /* the first time the pools fill */
        size_t before = world->memory.bytes;

        serviced_open(&self[i], world, NET_PAIR, .send_max = 0);
        net_put(self[i].far, pattern, 1000);
        assert_int_equal(wherry_stream_service_receive(self[i].stream), 1000);
        assert_int_equal(
            wherry_stream_send(self[i].stream, wherry_stream_peek(self[i].stream), WHERRY_NOW),
            WHERRY_OK);
        wherry_stream_consume(self[i].stream, 1000);
        assert_int_equal(wherry_stream_service_send(self[i].stream), 1000);
        bytes = world->memory.bytes - before;
    }
    assert_true(bytes < 600);
    /* a rest is moved to a chunk of its own size when nothing comes any more */
    net_put(self[0].far, pattern, 40000);
    assert_int_equal(wherry_stream_service_receive(self[0].stream), 40000);
    wherry_stream_consume(self[0].stream, 39000);
    assert_true(self[0].stream->input->size >= 40000);
    assert_int_equal(wherry_stream_service_receive(self[0].stream), 0);
    assert_int_equal(self[0].stream->input->size, 1000);
    net_check(wherry_stream_peek(self[0].stream).data, 1000, 39000);
    for (int i = 0; i < 3; i++)
        serviced_close(&self[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(one_sender_has_a_share_of_a_pass_and_no_more),
        NET_TEST(once_is_one_receive),
        NET_TEST(reading_pauses_when_the_buffer_is_full_and_goes_on_when_it_is_not),
        NET_TEST(full_buffer_that_gives_way_bit_by_bit_is_not_copied_for_each),
        NET_TEST(receive_gives_what_is_buffered_and_holds_it_still),
        NET_TEST(idle_one_holds_no_buffer),
    };

    net_fill(pattern, sizeof(pattern), 0);
    return NET_RUN(tests);
}
