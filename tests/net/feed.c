/* Feeds: what goes out, who is told of it and when. How they end is tested in feed_end.c; resets
 * and stalls at every byte in feed_cut.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/feed.h>

#include "support/feeding.h"
#include "support/net.h"

#define LARGE ((size_t)1 << 20)

static uint8_t taken[2 * LARGE];

/* --- what goes out */

static void items_go_out_whole_and_in_order(void **state)
{
    const size_t sizes[] = { 1, 100, 0, 16384, LARGE, 1, 0, 65536, 3 };
    net *world = *state;

    for (net_kind kind = NET_TCP4; kind < NET_KINDS; kind++) {
        couple both;
        feeding self;

        couple_open(&both, world, kind, .send_max = 0);
        feeding_start(&self, &both, sizes, 9);
        feeding_expect_all(&self, &both);
        assert_string_equal(self.trace, "nbasnbasnbasnbasnbasnbasnbasnbasnbasne");
        feeding_finish(&self, &both);
    }
}

static void one_byte_at_a_time_is_told_once_for_each_item(void **state)
{
    const size_t sizes[] = { 5, 1, 0, 9 };
    net *world = *state;
    couple both;
    feeding self;

    couple_open(&both, world, NET_TCP4, .send_max = 0);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .most = 1);
    feeding_start(&self, &both, sizes, 4);
    feeding_expect_all(&self, &both);
    assert_string_equal(self.trace, "nbasnbasnbasnbasne");
    feeding_finish(&self, &both);
}

static void items_are_not_copied(void **state)
{
    const size_t sizes[] = { 10, LARGE, 10 };
    net *world = *state;
    couple both;
    feeding self;
    size_t calls;

    couple_open(&both, world, NET_PAIR, .send_max = 0);
    feeding_start(&self, &both, sizes, 3);
    calls = world->memory.calls;
    feeding_expect_all(&self, &both);
    assert_int_equal(world->memory.calls, calls);
    feeding_finish(&self, &both);
}

static void callbacks_may_be_left_out(void **state)
{
    const size_t sizes[] = { 5, 0, 9 };
    net *world = *state;
    couple both;
    feeding self;

    couple_open(&both, world, NET_PAIR, .send_max = 0);
    feeding_init(&self, sizes, 3);
    self.base.before_send = self.base.after_send = self.base.sent = NULL;
    self.base.ended = NULL;
    self.is_silent = true;
    assert_int_equal(wherry_feed_new(&self.feed, .stream = both.stream, .items = &self.base),
                     WHERRY_OK);
    assert_int_equal(net_take_all(world, both.far, taken, 14, NULL), 14);
    net_check(taken, 14, 0);
    net_settle(world);
    assert_string_equal(self.trace, "nnnn");
    feeding_finish(&self, &both);
}

static void what_was_sent_before_goes_first(void **state)
{
    const size_t sizes[] = { 100 };
    net *world = *state;
    couple both;
    feeding self;

    couple_open(&both, world, NET_PAIR, .send_max = 0);
    couple_block(&both);
    assert_int_equal(wherry_stream_send(both.stream, wherry_text("first"), WHERRY_NOW), WHERRY_OK);
    feeding_start(&self, &both, sizes, 1);
    net_settle(world);
    assert_string_equal(self.trace, "nb");
    couple_unblock(&both);
    assert_int_equal(net_take_all(world, both.far, taken, 5, NULL), 5);
    assert_memory_equal(taken, "first", 5);
    feeding_expect_all(&self, &both);
    feeding_finish(&self, &both);
}

static void endless_iterator_leaves_the_others_their_turn(void **state)
{
    net *world = *state;
    couple both;
    feeding self;

    couple_open(&both, world, NET_PAIR, .send_max = 0);
    feeding_start(&self, &both, NULL, SIZE_MAX);
    for (int i = 0; i < 3; i++) {
        assert_true(wherry_loop_step(world->loop) >= 0);
        assert_true(self.sent <= (size_t)(i + 1) * 64);
    }
    assert_true(self.sent >= 2 * 64);
    feeding_finish(&self, &both);
}

static void much_is_sent_in_several_passes(void **state)
{
    const size_t sizes[] = { 40000, 40000, 40000 };
    net *world = *state;
    couple both;
    feeding self;

    couple_open(&both, world, NET_PAIR, .send_max = 0);
    feeding_start(&self, &both, sizes, 3);
    assert_true(wherry_loop_step(world->loop) >= 0);
    assert_int_equal(self.sent, 2);
    feeding_expect_all(&self, &both);
    feeding_finish(&self, &both);
}

/* --- back-pressure */

static void iterator_is_not_asked_while_an_item_is_not_out(void **state)
{
    const int numbers[] = { ENOBUFS, ENOMEM };
    const size_t sizes[] = { 10, 10 };
    net *world = *state;

    for (size_t i = 0; i < 2; i++) {
        couple both;
        feeding self;

        couple_open(&both, world, NET_PAIR, .send_max = 0);
        wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = numbers[i]);
        feeding_start(&self, &both, sizes, 2);
        net_settle(world);
        wherry_feed_resume(self.feed); /* nobody has asked for it */
        net_settle(world);
        assert_string_equal(self.trace, "nb");
        couple_unblock(&both);
        feeding_expect_all(&self, &both);
        feeding_finish(&self, &both);
    }
}

static void full_receiver_holds_the_iterator_back(void **state)
{
    const size_t sizes[] = { LARGE, 1 };
    net *world = *state;

    for (net_kind kind = NET_TCP4; kind < NET_KINDS; kind++) {
        couple both;
        feeding self;

        couple_open(&both, world, kind, .send_max = 0);
        couple_shrink(&both);
        feeding_start(&self, &both, sizes, 2);
        for (int k = 0; k < 50; k++)
            net_settle(world);
        assert_string_equal(self.trace, "nba");
        feeding_expect_all(&self, &both);
        feeding_finish(&self, &both);
    }
}

/* --- late iterators */

static void late_iterator_is_asked_again_after_a_resume(void **state)
{
    const size_t sizes[] = { 10, 20 };
    net *world = *state;
    couple both;
    feeding self;

    couple_open(&both, world, NET_PAIR, .send_max = 0);
    feeding_init(&self, sizes, 2);
    self.late = 3;
    assert_int_equal(wherry_feed_new(&self.feed, .stream = both.stream, .items = &self.base),
                     WHERRY_OK);
    for (size_t i = 1; i <= 3; i++) {
        net_settle(world);
        assert_int_equal(strlen(self.trace), i);
        net_put(both.far, "x", 1); /* what else happens on the stream asks nobody */
        NET_UNTIL(world, both.told.length == i);
        net_settle(world);
        assert_int_equal(strlen(self.trace), i);
        wherry_feed_resume(self.feed);
        assert_int_equal(strlen(self.trace), i);
    }
    feeding_expect_all(&self, &both);
    assert_string_equal(self.trace, "nnnnbasnbasne");
    wherry_feed_resume(self.feed);
    feeding_finish(&self, &both);
}

static void resume_from_within(feeding *self, char what)
{
    if (what == 'n')
        wherry_feed_resume(self->feed);
}

static void iterator_may_resume_its_feed_itself(void **state)
{
    const size_t sizes[] = { 10 };
    net *world = *state;
    couple both;
    feeding self;

    couple_open(&both, world, NET_PAIR, .send_max = 0);
    feeding_init(&self, sizes, 1);
    self.late = 5;
    self.act = resume_from_within;
    assert_int_equal(wherry_feed_new(&self.feed, .stream = both.stream, .items = &self.base),
                     WHERRY_OK);
    assert_true(wherry_loop_step(world->loop) >= 0);
    assert_string_equal(self.trace, "n"); /* once a pass */
    feeding_expect_all(&self, &both);
    assert_string_equal(self.trace, "nnnnnnbasne");
    feeding_finish(&self, &both);
}

/* --- connecting */

static void remove_path(const wherry_address *address)
{
    char path[WHERRY_ADDRESS_PATH_MAX + 1] = "";

    memcpy(path, address->at.path, address->length);
    assert_int_equal(unlink(path), 0);
}

static void expect_connected(feeding *self, char what)
{
    (void)what;
    assert_string_equal(self->couple->told.trace, "c");
}

static void feed_waits_for_its_stream_to_be_connected(void **state)
{
    const size_t sizes[] = { 10, 0 };
    net *world = *state;

    for (net_kind kind = NET_TCP4; kind <= NET_UNIX; kind++) {
        wherry_address address;
        couple both = { .world = world };
        feeding self;
        int listener = net_listen(kind, 1, &address);

        recorder_init(&both.told);
        assert_int_equal(wherry_stream_connect(&both.stream, &address, WHERRY_NEVER,
                                               .loop = world->loop, .events = &both.told.events),
                         WHERRY_OK);
        feeding_start(&self, &both, sizes, 2);
        self.couple = &both;
        self.act = expect_connected;
        both.far = accept(listener, NULL, NULL);
        assert_true(both.far >= 0);
        feeding_expect_all(&self, &both);
        assert_string_equal(both.told.trace, "c");
        feeding_finish(&self, &both);
        assert_int_equal(close(listener), 0);
        if (kind == NET_UNIX)
            remove_path(&address);
    }
}

static void failed_connection_ends_it(void **state)
{
    const size_t sizes[] = { 10 };
    net *world = *state;
    couple both = { .world = world, .far = -1 };
    wherry_address address;
    feeding self;

    net_vacant(NET_TCP4, &address);
    recorder_init(&both.told);
    assert_int_equal(wherry_stream_connect(&both.stream, &address, WHERRY_NEVER,
                                           .loop = world->loop, .events = &both.told.events),
                     WHERRY_OK);
    feeding_start(&self, &both, sizes, 1);
    NET_UNTIL(world, self.ends == 1);
    assert_int_equal(self.reason, WHERRY_E_REFUSED);
    assert_string_equal(self.trace, "e");
    feeding_finish(&self, &both);
}

/* --- options and memory */

static void what_makes_no_sense_is_refused(void **state)
{
    net *world = *state;
    couple both;
    wherry_feed *feed = NULL;
    feeding self;

    feeding_init(&self, NULL, 0);
    couple_open(&both, world, NET_PAIR, .send_max = 0);
    assert_int_equal(wherry_feed_new(NULL, .stream = both.stream, .items = &self.base),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_feed_new_with(NULL), WHERRY_E_MISUSE);
    assert_int_equal(wherry_feed_new(&feed, .items = &self.base), WHERRY_E_MISUSE);
    assert_string_equal(wherry_problem(), "option stream: none is given");
    assert_int_equal(wherry_feed_new(&feed, .stream = both.stream), WHERRY_E_MISUSE);
    assert_int_equal(
        wherry_feed_new(&feed, .stream = both.stream, .items = &(wherry_feed_items){ 0 }),
        WHERRY_E_MISUSE);
    assert_int_equal(wherry_feed_run(both.stream, &self.base, WHERRY_NEVER), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_shutdown(both.stream), WHERRY_OK);
    assert_int_equal(wherry_feed_new(&feed, .stream = both.stream, .items = &self.base),
                     WHERRY_E_MISUSE);
    wherry_stream_close(both.stream);
    assert_int_equal(wherry_feed_new(&feed, .stream = both.stream, .items = &self.base),
                     WHERRY_E_CLOSED);
    assert_null(feed);
    assert_string_equal(self.trace, "");
    wherry_feed_free(NULL);
    couple_close(&both);
    feeding_clear(&self);
}

static void stream_whose_sending_is_over_takes_no_feed(void **state)
{
    net *world = *state;
    couple both;
    wherry_feed *feed = NULL;
    feeding self;

    feeding_init(&self, NULL, 0);
    couple_open(&both, world, NET_TCP4, .send_max = 0);
    net_reset(both.far);
    both.far = -1;
    NET_UNTIL(world, strchr(both.told.trace, 'e') != NULL);
    assert_int_equal(wherry_feed_new(&feed, .stream = both.stream, .items = &self.base),
                     WHERRY_E_RESET);
    couple_close(&both);
    feeding_clear(&self);
}

static int feed_with(wherry_memory *memory)
{
    const size_t sizes[] = { 10, 100000, 0, 10 };
    wherry_loop *loop;
    wherry_stream *stream = NULL;
    feeding self;
    int ends[2];
    int result = wherry_loop_new(&loop, .memory = memory);

    if (result < 0)
        return result;
    feeding_init(&self, sizes, 4);
    net_pair(NET_PAIR, ends);
    result = wherry_stream_new(&stream, .loop = loop, .descriptor = ends[0]);
    if (result < 0)
        assert_int_equal(close(ends[0]), 0);
    else
        result = wherry_feed_new(&self.feed, .stream = stream, .items = &self.base);
    while (result == WHERRY_OK && self.ends == 0) {
        assert_true(wherry_loop_step(loop) >= 0);
        (void)net_take(ends[1], taken, LARGE);
    }
    if (result == WHERRY_OK)
        assert_int_equal(self.reason, WHERRY_E_END); /* it needs no more once it is there */
    wherry_feed_free(self.feed);
    wherry_stream_free(stream);
    wherry_loop_free(loop);
    assert_int_equal(close(ends[1]), 0);
    feeding_clear(&self);
    return result;
}

static void feed_without_memory_is_not_made(void **state)
{
    (void)state;
    assert_true(failing_memory_try(feed_with) >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(items_go_out_whole_and_in_order),
        NET_TEST(one_byte_at_a_time_is_told_once_for_each_item),
        NET_TEST(items_are_not_copied),
        NET_TEST(callbacks_may_be_left_out),
        NET_TEST(what_was_sent_before_goes_first),
        NET_TEST(endless_iterator_leaves_the_others_their_turn),
        NET_TEST(much_is_sent_in_several_passes),
        NET_TEST(iterator_is_not_asked_while_an_item_is_not_out),
        NET_TEST(full_receiver_holds_the_iterator_back),
        NET_TEST(late_iterator_is_asked_again_after_a_resume),
        NET_TEST(iterator_may_resume_its_feed_itself),
        NET_TEST(feed_waits_for_its_stream_to_be_connected),
        NET_TEST(failed_connection_ends_it),
        NET_TEST(what_makes_no_sense_is_refused),
        NET_TEST(stream_whose_sending_is_over_takes_no_feed),
        NET_TEST(feed_without_memory_is_not_made),
    };

    return NET_RUN(tests);
}
