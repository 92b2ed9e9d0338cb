/* Serviced streams: past their buffers, the ends of single directions, who owns them, and handing
 * them to their loop. */
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

#include "net/service.h"
#include "support/net.h"

#define LARGE ((size_t)1 << 20)

static const net_kind kinds[] = { NET_TCP4, NET_TCP6, NET_UNIX, NET_PAIR };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint8_t pattern[LARGE];
static uint8_t taken[2 * LARGE];

static wherry_stream *make(net *world, net_kind kind, int *far, const wherry_stream_options *given)
{
    wherry_stream_options options = *given;
    wherry_stream *stream = NULL;
    int ends[2];

    net_pair(kind, ends);
    *far = ends[1];
    options.size = sizeof(options);
    options.result = &stream;
    options.loop = world->loop;
    options.descriptor = ends[0];
    options.serviced = 1;
    assert_int_equal(wherry_stream_new_with(&options), WHERRY_OK);
    return stream;
}
#define MAKE(world, kind, far, ...) make(world, kind, far, &(wherry_stream_options){ __VA_ARGS__ })

static void finish(net *world, wherry_stream *stream, int far)
{
    wherry_faulty_heal(world->system, WHERRY_CALL_ANY);
    wherry_stream_free(stream);
    if (far >= 0)
        assert_int_equal(close(far), 0);
    net_settle(world);
}

/* --- past the buffers */

static void bytes_go_past_the_buffers(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        int far;
        wherry_stream *stream = MAKE(world, kinds[i], &far, .send_max = 0);
        uint8_t bytes[8] = "";
        ssize_t count;

        assert_int_equal(wherry_stream_receive_past(stream, bytes, 8), WHERRY_E_WOULD_BLOCK);
        assert_int_equal(wherry_stream_receive_past(stream, bytes, 0), WHERRY_E_MISUSE);
        assert_int_equal(wherry_stream_send_past(stream, wherry_text("")), WHERRY_E_MISUSE);
        assert_int_equal(wherry_stream_send_past(stream, wherry_text("there")), 5);
        while (net_take(far, taken, 5) != 5)
            continue;
        assert_memory_equal(taken, "there", 5);
        net_put(far, "back again", 10);
        while ((count = wherry_stream_receive_past(stream, bytes, 8)) == WHERRY_E_WOULD_BLOCK)
            continue;
        assert_int_equal(count, 8);
        assert_memory_equal(bytes, "back aga", 8);
        assert_int_equal(wherry_stream_peek(stream).length, 0);
        assert_int_equal(wherry_stream_service_receive(stream), 2); /* the rest */
        assert_int_equal(shutdown(far, SHUT_WR), 0);
        while ((count = wherry_stream_receive_past(stream, bytes, 8)) == WHERRY_E_WOULD_BLOCK)
            continue;
        assert_int_equal(count, WHERRY_E_END);
        assert_int_equal(wherry_stream_service(stream), WHERRY_E_END);
        assert_int_equal(wherry_stream_receive_past(stream, bytes, 8), WHERRY_E_END);
        assert_int_equal(wherry_stream_send_past(stream, wherry_text("still")), 5);
        assert_int_equal(wherry_stream_shutdown(stream), WHERRY_OK);
        assert_int_equal(wherry_stream_send_past(stream, wherry_text("x")), WHERRY_E_MISUSE);
        finish(world, stream, far);
    }
}

static void sending_past_the_buffer_takes_what_fits_and_keeps_the_order(void **state)
{
    net *world = *state;
    int far;
    wherry_stream *stream = MAKE(world, NET_PAIR, &far, .send_max = 0);
    size_t sent = 0, count = 0;

    while (sent < LARGE) {
        ssize_t once = wherry_stream_send_past(stream,
                                               wherry_bytes_at(pattern + sent, LARGE - sent));

        assert_true(once > 0 || once == WHERRY_E_WOULD_BLOCK);
        if (once > 0) {
            sent += (size_t)once;
            continue;
        }
        assert_int_equal(wherry_stream_service(stream), WHERRY_OK);
        once = net_take(far, taken + count, LARGE);
        assert_true(once > 0);
        count += (size_t)once;
    }
    assert_int_equal(wherry_stream_send(stream, wherry_text("queued"), WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_stream_send_past(stream, wherry_text("x")), WHERRY_E_BUSY);
    while (count < LARGE + 6) {
        ssize_t once = net_take(far, taken + count, LARGE);

        assert_true(once > 0 || once == -EAGAIN);
        count += once > 0 ? (size_t)once : 0;
        assert_true(wherry_stream_service_send(stream) >= 0);
    }
    net_check(taken, LARGE, 0);
    assert_memory_equal(taken + LARGE, "queued", 6);
    finish(world, stream, far);
}

static void reset_is_told_past_the_buffers_too(void **state)
{
    net *world = *state;

    for (int receive = 0; receive < 2; receive++) {
        int far;
        wherry_stream *stream = MAKE(world, NET_TCP4, &far, .send_max = 0);
        ssize_t result;
        uint8_t byte;

        net_reset(far);
        do
            result = receive ? wherry_stream_receive_past(stream, &byte, 1)
                             : wherry_stream_send_past(stream, wherry_text("x"));
        while (result > 0 || result == WHERRY_E_WOULD_BLOCK);
        assert_int_equal(result, WHERRY_E_RESET);
        assert_int_equal(wherry_stream_service(stream), WHERRY_E_RESET);
        finish(world, stream, -1);
    }
}

/* --- one direction */

static void receiving_is_shut_down_behind_what_has_come(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        int far;
        wherry_stream *stream = MAKE(world, kinds[i], &far, .send_max = 0);

        net_put(far, "before", 6);
        while (recv(wherry_stream_descriptor(stream), taken, 6, MSG_PEEK | MSG_DONTWAIT) < 6)
            continue;
        assert_int_equal(wherry_stream_shutdown_receive(stream), WHERRY_OK);
        assert_int_equal(wherry_stream_service_receive(stream), 6);
        assert_int_equal(wherry_stream_service_receive(stream), WHERRY_E_END);
        assert_int_equal(wherry_stream_shutdown_receive(stream), WHERRY_E_END);
        assert_int_equal(wherry_stream_send(stream, wherry_text("goes on"), WHERRY_NOW), WHERRY_OK);
        assert_int_equal(wherry_stream_service(stream), WHERRY_E_END);
        while (net_take(far, taken, 7) != 7)
            continue;
        assert_int_equal(wherry_stream_shutdown(stream), WHERRY_OK);
        assert_int_equal(wherry_stream_is_open(stream), 0); /* both are over */
        finish(world, stream, far);
    }
}

static void pipe_that_is_shut_down_is_over(void **state)
{
    net *world = *state;
    wherry_stream *stream;
    int ends[2];

    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    assert_int_equal(
        wherry_stream_new(&stream, .loop = world->loop, .descriptor = ends[0], .serviced = 1),
        WHERRY_OK);
    assert_int_equal(wherry_stream_shutdown_receive(stream), WHERRY_OK);
    assert_int_equal(wherry_stream_service(stream), WHERRY_E_END);
    finish(world, stream, ends[1]);
}

/* --- its owner */

typedef struct owner {
    wherry__service_owner hooks; /* first */
    char trace[64];              /* r w b 0: what it waits for; u: unsent; c: changed; f: freed */
    bool open;                   /* the descriptor was there each time */
} owner;

static void note(owner *self, char what)
{
    size_t length = strlen(self->trace);

    assert_true(length + 1 < sizeof(self->trace));
    self->trace[length] = what;
}

static void on_interest(wherry__service_owner *hooks, wherry_stream *stream)
{
    owner *self = (owner *)hooks;

    self->open = self->open && stream->source.descriptor >= 0;
    note(self, "0rwb"[stream->source.watched & 3]);
}

static void on_unsent(wherry__service_owner *hooks, wherry_stream *stream)
{
    assert_true(wherry_stream_unsent(stream) > 0);
    note((owner *)hooks, 'u');
}

static void on_changed(wherry__service_owner *hooks, wherry_stream *stream)
{
    (void)stream;
    note((owner *)hooks, 'c');
}

static void on_freed(wherry__service_owner *hooks, wherry_stream *stream)
{
    assert_false(stream->freed);
    note((owner *)hooks, 'f');
}

static void own(wherry_stream *stream, owner *self)
{
    *self = (owner){ .hooks = { on_interest, on_unsent, on_changed, on_freed }, .open = true };
    wherry__stream_service(stream)->owner = &self->hooks;
}

static void expect(owner *self, const char *trace)
{
    assert_string_equal(self->trace, trace);
    assert_true(self->open);
    memset(self->trace, 0, sizeof(self->trace));
}

static void owner_is_told_of_each_change_of_what_is_waited_for(void **state)
{
    net *world = *state;
    int far;
    wherry_stream *stream = MAKE(world, NET_PAIR, &far, .receive_max = 10, .send_max = LARGE);
    owner self;

    own(stream, &self);
    assert_int_equal(stream->source.watched, WHERRY_READABLE);
    net_put(far, pattern, 12);
    assert_int_equal(wherry_stream_service_receive(stream), 10);
    expect(&self, "0"); /* it is full */
    assert_int_equal(wherry_stream_service_receive(stream), 0);
    expect(&self, "");
    wherry_stream_consume(stream, 10);
    expect(&self, "r");
    assert_int_equal(wherry_stream_send(stream, wherry_bytes_at(pattern, LARGE / 2), WHERRY_NOW),
                     WHERRY_OK);
    assert_int_equal(wherry_stream_send(stream, wherry_bytes_at(pattern, LARGE / 2), WHERRY_NOW),
                     WHERRY_OK);
    expect(&self, "u"); /* once */
    assert_true(wherry_stream_service_send(stream) > 0);
    expect(&self, "b");
    assert_true(wherry_stream_discard(stream) > 0);
    assert_int_equal(wherry_stream_service_send(stream), 0);
    expect(&self, "r");
    assert_int_equal(shutdown(far, SHUT_WR), 0);
    assert_int_equal(wherry_stream_service_receive(stream), 2);
    assert_int_equal(wherry_stream_service_receive(stream), WHERRY_E_END);
    expect(&self, "0");
    assert_int_equal(wherry_stream_send(stream, wherry_text("x"), WHERRY_NOW), WHERRY_OK);
    expect(&self, "u");
    wherry_stream_set_idle(stream, 9);
    assert_int_equal(wherry_stream_wind(stream, NULL), WHERRY_OK);
    expect(&self, "cc");
    wherry_stream_free(stream);
    expect(&self, "f"); /* and nothing from then on */
    finish(world, NULL, far);
}

static void owner_is_told_before_the_descriptor_goes(void **state)
{
    net *world = *state;

    for (int way = 0; way < 5; way++) {
        int far;
        wherry_stream *stream = MAKE(world, NET_TCP4, &far, .idle_timeout = 1, .send_max = LARGE);
        owner self;

        own(stream, &self);
        if (way == 0)
            wherry_stream_close(stream);
        if (way == 1)
            wherry_stream_abort(stream);
        if (way == 2)
            assert_int_equal(wherry_loop_tick(world->loop, 1) >= 0, 1);
        if (way == 2)
            assert_int_equal(wherry_stream_service(stream), WHERRY_E_IDLE);
        if (way == 3) {
            net_reset(far);
            while (wherry_stream_service(stream) == WHERRY_OK)
                continue;
            far = -1;
        }
        if (way == 4) {
            assert_int_equal(
                wherry_stream_send(stream, wherry_bytes_at(pattern, LARGE), WHERRY_NOW), WHERRY_OK);
            expect(&self, "u");
            wherry_stream_close(stream); /* it goes on behind, which is not the owner's affair */
            assert_int_equal(net_take_all(world, far, taken, LARGE, NULL), LARGE);
        }
        expect(&self, "0c");
        wherry__stream_service(stream)->owner = NULL;
        finish(world, stream, far);
    }
}

static void owner_is_told_what_has_to_be_tried_again_without_readiness(void **state)
{
    net *world = *state;
    int far;
    wherry_stream *stream = MAKE(world, NET_PAIR, &far, .send_max = LARGE);
    owner self;

    own(stream, &self);
    assert_int_equal(wherry_stream_send(stream, wherry_text("x"), WHERRY_NOW), WHERRY_OK);
    expect(&self, "u");
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = ENOBUFS, .first = 1, .count = 1);
    assert_int_equal(wherry_stream_service_send(stream), 0);
    expect(&self, "u");
    assert_int_equal(wherry_stream_service_send(stream), 1);
    expect(&self, "");
    assert_int_equal(wherry_stream_unservice(stream), WHERRY_E_MISUSE);
    wherry__stream_service(stream)->owner = NULL;
    finish(world, stream, far);
}

/* --- the loop's from now on */

static void one_that_is_handed_to_its_loop_is_as_any_other(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        int far;
        wherry_stream *stream = MAKE(world, kinds[i], &far, .send_max = 2 * LARGE);
        recorder told;

        recorder_init(&told);
        net_put(far, "before", 6);
        while (wherry_stream_peek(stream).length < 6)
            assert_int_equal(wherry_stream_service(stream), WHERRY_OK);
        assert_int_equal(wherry_stream_send(stream, wherry_bytes_at(pattern, LARGE), WHERRY_NOW),
                         WHERRY_OK);
        if (i % 2 == 0)
            assert_int_equal(wherry_stream_service(stream), WHERRY_OK);
        assert_int_equal(wherry_stream_unservice(stream), WHERRY_OK);
        assert_int_equal(wherry_stream_unservice(stream), WHERRY_E_MISUSE);
        assert_int_equal(wherry_stream_service(stream), WHERRY_E_MISUSE);
        wherry_stream_set_events(stream, &told.events);
        assert_int_equal(net_take_all(world, far, taken, LARGE, NULL), LARGE);
        net_check(taken, LARGE, 0);
        net_put(far, " after", 6);
        NET_UNTIL(world, told.length == 12);
        assert_memory_equal(told.bytes, "before after", 12);
        assert_int_equal(close(far), 0);
        NET_UNTIL(world, told.reason != 0);
        assert_int_equal(told.reason, WHERRY_E_END);
        assert_string_equal(told.trace, "re");
        recorder_clear(&told);
        finish(world, stream, -1);
    }
}

static void end_that_was_there_before_the_loop_took_over_is_told(void **state)
{
    net *world = *state;
    int far;
    wherry_stream *stream = MAKE(world, NET_PAIR, &far, .send_max = LARGE);
    recorder told;

    recorder_init(&told);
    assert_int_equal(shutdown(far, SHUT_WR), 0);
    assert_int_equal(wherry_stream_service(stream), WHERRY_E_END);
    assert_int_equal(wherry_stream_unservice(stream), WHERRY_OK);
    wherry_stream_set_events(stream, &told.events);
    net_settle(world);
    assert_string_equal(told.trace, "e");
    assert_int_equal(told.reason, WHERRY_E_END);
    recorder_clear(&told);
    finish(world, stream, far);
}

static void idle_time_is_the_loops_from_then_on(void **state)
{
    net *world = *state;
    int far;
    wherry_stream *stream = MAKE(world, NET_PAIR, &far, .idle_timeout = 100);
    recorder told;

    recorder_init(&told);
    wherry_loop_tick(world->loop, 99);
    assert_int_equal(wherry_stream_unservice(stream), WHERRY_OK);
    wherry_stream_set_events(stream, &told.events);
    net_advance(world, 99);
    assert_int_equal(told.reason, 0);
    net_advance(world, 1);
    assert_int_equal(told.reason, WHERRY_E_IDLE);
    recorder_clear(&told);
    finish(world, stream, far);
}

static void one_that_the_system_cannot_watch_stays_serviced(void **state)
{
    net *world = *state;
    int far;
    wherry_stream *stream = MAKE(world, NET_PAIR, &far, .send_max = LARGE);

    wherry_faulty_plan(world->system, WHERRY_CALL_WATCH, .number = ENOSPC, .first = 1, .count = 1);
    assert_int_equal(wherry_stream_unservice(stream), WHERRY_E_FULL);
    net_put(far, "x", 1);
    assert_int_equal(wherry_stream_service_receive(stream), 1);
    assert_int_equal(stream->source.watched, WHERRY_READABLE);
    assert_int_equal(wherry_loop_run(world->loop), WHERRY_OK);
    assert_int_equal(wherry_stream_unservice(stream), WHERRY_OK);
    finish(world, stream, far);
}

/* A file, which no system can watch, is always ready. */
static void file_is_handed_over_too(void **state)
{
    net *world = *state;
    char path[] = "/tmp/wherry-test-XXXXXX";
    int descriptor = mkstemp(path);
    wherry_stream *stream;
    recorder told;

    recorder_init(&told);
    assert_true(descriptor >= 0);
    assert_int_equal(unlink(path), 0);
    net_put(descriptor, "text", 4);
    assert_int_equal(lseek(descriptor, 0, SEEK_SET), 0);
    assert_int_equal(
        wherry_stream_new(&stream, .loop = world->loop, .descriptor = descriptor, .serviced = 1),
        WHERRY_OK);
    assert_int_equal(wherry_stream_unservice(stream), WHERRY_OK);
    wherry_stream_set_events(stream, &told.events);
    NET_UNTIL(world, told.reason == WHERRY_E_END);
    assert_memory_equal(told.bytes, "text", 4);
    recorder_clear(&told);
    finish(world, stream, -1);
}

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
        NET_TEST(owner_is_told_of_each_change_of_what_is_waited_for),
        NET_TEST_VIRTUAL(owner_is_told_before_the_descriptor_goes),
        NET_TEST(owner_is_told_what_has_to_be_tried_again_without_readiness),
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
