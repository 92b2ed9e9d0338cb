/* Dialled streams: opening them again, whatever became of the connection before; and ending them
 * for good. Apart from dial.c because nothing of one connection may reach into the next. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/service.h>

#include "net/stream.h"
#include "support/dialled.h"

#define LARGE ((size_t)4 << 20)

static const net_kind kinds[] = { NET_TCP4, NET_TCP6, NET_UNIX };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint8_t pattern[LARGE];
static uint8_t taken[LARGE];

static void opening_again_breaks_off_what_was_open(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        dialled self;

        dialled_new(&self, world, kinds[i], .timeout = 0);
        dialled_open(&self);
        net_put(self.far, "read", 4);
        while (wherry_stream_peek(self.stream).length < 4)
            assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
        dialled_say(&self, "unsent");
        assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
        assert_int_equal(net_take(self.far, taken, 1), kinds[i] == NET_UNIX ? 0 : -ECONNRESET);
        dialled_hang_up(&self);
        dialled_connect(&self);
        dialled_hear(&self, "unsent"); /* the buffers stay as they were */
        assert_int_equal(wherry_stream_peek(self.stream).length, 4);
        net_put(self.far, "more", 4);
        while (wherry_stream_peek(self.stream).length < 8)
            assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
        assert_memory_equal(wherry_stream_peek(self.stream).data, "readmore", 8);
        dialled_say(&self, "nonsense");
        assert_int_equal(wherry_stream_discard(self.stream), 8);
        dialled_close(&self);
    }
}

static void opening_twice_before_a_service_makes_one_connection(void **state)
{
    net *world = *state;
    dialled self;

    dialled_new(&self, world, NET_TCP4, .timeout = 0);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
    dialled_connect(&self);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CONNECT), 1);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_SOCKET) -
                         wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE),
                     1);
    dialled_close(&self);
}

static void closed_one_is_opened_again_without_what_was_unsent(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        wherry_address local;
        dialled self;

        dialled_new(&self, world, kinds[i], .timeout = 0);
        for (int round = 0; round < 3; round++) {
            dialled_open(&self);
            dialled_say(&self, "last");
            wherry_stream_close(self.stream);
            assert_int_equal(net_take_all(world, self.far, taken, 4, NULL), 4);
            NET_UNTIL(world, net_take(self.far, taken, 1) == 0);
            dialled_hang_up(&self);
            assert_int_equal(wherry_stream_unsent(self.stream), 0);
            wherry_stream_local(self.stream, &local); /* it is known after the end */
            assert_true(kinds[i] == NET_UNIX || local.port != 0);
            assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW),
                             WHERRY_E_CLOSED);
        }
        dialled_close(&self);
    }
}

static void opening_again_ends_what_still_went_out_in_the_background(void **state)
{
    const wherry_stream_options limits = { .send_max = LARGE };
    net *world = *state;
    dialled self;
    ssize_t last = 1;
    size_t count = 0;
    int former;

    dialled_new(&self, world, NET_TCP4, .stream = &limits);
    dialled_open(&self);
    net_shrink(wherry_stream_descriptor(self.stream), 65536); /* it does not fit */
    assert_int_equal(wherry_stream_send(self.stream, wherry_bytes_at(pattern, LARGE), WHERRY_NOW),
                     WHERRY_OK);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = EAGAIN, .first = 2, .count = 0);
    wherry_stream_close(self.stream);
    assert_true(wherry_stream_unsent(self.stream) > 0);
    former = self.far;
    wherry_faulty_heal(world->system, WHERRY_CALL_SEND);
    dialled_open(&self);
    assert_int_equal(wherry_stream_unsent(self.stream), 0);
    while (last > 0 || last == -EAGAIN) {
        last = net_take(former, taken, sizeof(taken));
        count += last > 0 ? (size_t)last : 0;
    }
    assert_int_equal(last, -ECONNRESET); /* not an end that looks like all of it */
    assert_true(count < LARGE);
    assert_int_equal(close(former), 0);
    assert_int_equal(wherry_loop_run(world->loop), WHERRY_OK); /* which has it no more */
    dialled_say(&self, "new");
    dialled_hear(&self, "new");
    dialled_close(&self);
}

/* What the loop has found ready before that is not the new one's. */
static void opening_again_within_a_pass_of_the_loop_is_not_disturbed_by_it(void **state)
{
    const wherry_stream_options limits = { .send_max = LARGE };
    net *world = *state;
    dialled self;

    dialled_new(&self, world, NET_TCP4, .stream = &limits);
    dialled_open(&self);
    net_shrink(wherry_stream_descriptor(self.stream), 65536); /* it does not fit */
    assert_int_equal(wherry_stream_send(self.stream, wherry_bytes_at(pattern, LARGE), WHERRY_NOW),
                     WHERRY_OK);
    wherry_stream_close(self.stream);
    assert_true(wherry_stream_unsent(self.stream) > 0);
    net_reset(self.far);
    net_prepare(world);
    assert_true(wherry_loop_wait(world->loop, WHERRY_NEVER) > 0);
    dialled_open(&self);
    net_put(self.far, "x", 1);
    while (recv(wherry_stream_descriptor(self.stream), taken, 1, MSG_PEEK | MSG_DONTWAIT) < 1)
        continue;
    assert_true(wherry_loop_dispatch(world->loop) >= 0);
    net_settle(world);
    assert_int_equal(wherry_stream_peek(self.stream).length, 0);
    dialled_say(&self, "new");
    dialled_hear(&self, "new");
    dialled_close(&self);
}

/* What it would have done for the former connection at the end of a pass is not done for the new
 * one. */
static void opening_again_leaves_nothing_to_the_end_of_a_pass(void **state)
{
    const wherry_stream_options limits = { .send_max = 1000 };
    net *world = *state;
    dialled self;

    dialled_new(&self, world, NET_TCP4, .stream = &limits);
    dialled_open(&self);
    assert_int_equal(wherry_stream_send(self.stream, wherry_bytes_at(pattern, 1000), WHERRY_NOW),
                     WHERRY_OK);
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW),
                     WHERRY_E_WOULD_BLOCK);
    wherry_stream_close(self.stream);
    assert_int_equal(net_take_all(world, self.far, taken, 1000, NULL), 1000);
    dialled_hang_up(&self);
    dialled_open(&self);
    assert_int_equal(wherry_stream_send(self.stream, wherry_bytes_at(pattern, 1000), WHERRY_NOW),
                     WHERRY_OK);
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW),
                     WHERRY_E_WOULD_BLOCK);
    wherry_stream_close(self.stream); /* which asks for the end of the pass */
    dialled_hang_up(&self);
    dialled_open(&self);
    dialled_say(&self, "new");
    net_settle(world);
    assert_int_equal(wherry_stream_unsent(self.stream), 3);
    dialled_hear(&self, "new");
    dialled_close(&self);
}

/* It read away what came too late, and counted that. */
static void opening_again_while_the_former_one_drains_begins_anew(void **state)
{
    net *world = *state;
    dialled self;
    int former;

    dialled_new(&self, world, NET_TCP4, .timeout = 0);
    dialled_open(&self);
    net_put(self.far, pattern, 50000);
    while (recv(wherry_stream_descriptor(self.stream), taken, 50000, MSG_PEEK | MSG_DONTWAIT) < 1)
        continue;
    wherry_stream_close(self.stream);
    net_put(self.far, pattern, 50000);
    net_settle(world);
    former = self.far;
    dialled_open(&self);
    assert_int_equal(self.stream->wanted, 0);
    net_put(self.far, "x", 1);
    while (wherry_stream_peek(self.stream).length < 1)
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    assert_int_equal(close(former), 0);
    dialled_close(&self);
}

static void failure_to_open_leaves_it_to_be_opened_again(void **state)
{
    net *world = *state;
    dialled self;

    dialled_new(&self, world, NET_TCP4, .timeout = 0);
    dialled_say(&self, "kept");
    wherry_faulty_plan(world->system, WHERRY_CALL_SOCKET, .number = EMFILE, .first = 1, .count = 1);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_E_NO_DESCRIPTORS);
    assert_int_equal(wherry_stream_is_open(self.stream), 0);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_CLOSED);
    dialled_open(&self);
    dialled_hear(&self, "kept");
    wherry_faulty_plan(world->system, WHERRY_CALL_SOCKET, .number = ENOBUFS, .first = 1,
                       .count = 1);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_E_NO_BUFFERS);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_CLOSED);
    dialled_hang_up(&self);
    dialled_open(&self);
    dialled_close(&self);
}

/* --- for good */

static void closing_while_it_connects_or_waits_drops_it(void **state)
{
    net *world = *state;

    for (int way = 0; way < 4; way++) {
        dialled self;

        dialled_new_to_nobody(&self, world, NET_TCP4, .timeout = WHERRY_SECONDS(60),
                              .reconnect = way == 2);
        dialled_say(&self, "nowhere");
        if (way == 1)
            dialled_stall(&self);
        if (way > 0)
            assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
        if (way == 1 || way == 2)
            assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
        if (way == 2)
            while (wherry_stream_descriptor(self.stream) >= 0)
                assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
        wherry_stream_close(self.stream);
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_CLOSED);
        assert_int_equal(wherry_stream_unsent(self.stream), 0);
        assert_int_equal(wherry_stream_is_open(self.stream), 0);
        assert_int_equal(wherry_loop_run(world->loop), WHERRY_OK);
        dialled_close(&self);
    }
}

/* Of one whose connection failed, and one that was never opened. */
static void ending_it_gives_back_what_was_kept_for_another_connection(void **state)
{
    net *world = *state;

    for (int way = 0; way < 6; way++) {
        dialled self;

        dialled_new_to_nobody(&self, world, NET_TCP4, .reconnect = way / 2 == 2);
        dialled_say(&self, "kept");
        if (way / 2 > 0) {
            assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
            while (wherry_stream_descriptor(self.stream) >= 0)
                (void)wherry_stream_service(self.stream);
        }
        assert_int_equal(wherry_stream_unsent(self.stream), 4);
        if (way % 2 == 0)
            wherry_stream_abort(self.stream);
        else
            wherry_stream_close(self.stream);
        assert_int_equal(wherry_stream_unsent(self.stream), 0);
        dialled_close(&self);
    }
}

static void one_that_outlives_its_loop_is_not_opened(void **state)
{
    net *world = *state;
    dialled self;

    dialled_new(&self, world, NET_TCP4, .timeout = 0);
    dialled_say(&self, "kept until it is freed");
    wherry_loop_free(world->loop);
    world->loop = NULL;
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_CLOSED);
    wherry_stream_free(self.stream);
    assert_int_equal(close(self.listener), 0);
}

static void dialled_one_can_be_handed_to_its_loop(void **state)
{
    net *world = *state;
    recorder told;
    dialled self;

    recorder_init(&told);
    dialled_new(&self, world, NET_TCP4, .timeout = 0);
    dialled_open(&self);
    assert_int_equal(wherry_stream_unservice(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_E_MISUSE); /* for good */
    wherry_stream_set_events(self.stream, &told.events);
    net_put(self.far, "through", 7);
    NET_UNTIL(world, told.length == 7);
    dialled_hang_up(&self);
    NET_UNTIL(world, told.reason == WHERRY_E_END);
    assert_string_equal(told.trace, "re"); /* it was connected before */
    recorder_clear(&told);
    dialled_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(opening_again_breaks_off_what_was_open),
        NET_TEST(opening_twice_before_a_service_makes_one_connection),
        NET_TEST(closed_one_is_opened_again_without_what_was_unsent),
        NET_TEST(opening_again_ends_what_still_went_out_in_the_background),
        NET_TEST(opening_again_within_a_pass_of_the_loop_is_not_disturbed_by_it),
        NET_TEST(opening_again_leaves_nothing_to_the_end_of_a_pass),
        NET_TEST(opening_again_while_the_former_one_drains_begins_anew),
        NET_TEST(failure_to_open_leaves_it_to_be_opened_again),
        NET_TEST_VIRTUAL(closing_while_it_connects_or_waits_drops_it),
        NET_TEST(ending_it_gives_back_what_was_kept_for_another_connection),
        NET_TEST(one_that_outlives_its_loop_is_not_opened),
        NET_TEST(dialled_one_can_be_handed_to_its_loop),
    };

    net_fill(pattern, sizeof(pattern), 0);
    return NET_RUN(tests);
}
