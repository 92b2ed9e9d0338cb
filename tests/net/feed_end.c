/* How feeds end: with the iterator, with the stream, and from within each of their callbacks. Apart
 * from feed.c, since the end comes from many sides and what is told then is always the same. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/feed.h>

#include "support/feeding.h"
#include "support/net.h"

#define LARGE ((size_t)1 << 20)

static uint8_t taken[2 * LARGE];

/* --- how it ends */

static void iterator_without_items_ends_it(void **state)
{
    net *world = *state;
    couple both;
    feeding self;

    couple_open(&both, world, NET_PAIR, .send_max = 0);
    feeding_start(&self, &both, NULL, 0);
    feeding_expect_all(&self, &both);
    assert_string_equal(self.trace, "ne");
    feeding_finish(&self, &both);
}

static void failure_of_the_iterator_ends_it(void **state)
{
    const int codes[] = { WHERRY_E_INVALID, WHERRY_E_NO_MEMORY, WHERRY_E_CLOSED, -1000 };
    const size_t sizes[] = { 10, 10, 10 };
    net *world = *state;

    for (size_t i = 0; i < 4; i++) {
        couple both;
        feeding self;

        couple_open(&both, world, NET_PAIR, .send_max = 0);
        feeding_init(&self, sizes, 3);
        self.fail_at = 2;
        self.failure = codes[i];
        assert_int_equal(
            wherry_feed_new(&self.feed, .stream = both.stream, .items = &self.base, .shutdown = 1),
            WHERRY_OK);
        NET_UNTIL(world, self.ends == 1);
        assert_int_equal(self.reason, codes[i]);
        assert_string_equal(self.trace, "nbasnbasne");
        assert_int_equal(net_take(both.far, taken, LARGE), 20);
        assert_int_equal(net_take(both.far, taken, 1), -EAGAIN); /* no end of sending */
        feeding_finish(&self, &both);
    }
}

static void sending_is_shut_down_behind_the_last_item_on_request(void **state)
{
    const size_t sizes[] = { 10, LARGE };
    net *world = *state;

    for (net_kind kind = NET_TCP4; kind < NET_KINDS; kind++) {
        couple both;
        feeding self;
        ssize_t last = 1;

        couple_open(&both, world, kind, .send_max = 0);
        feeding_init(&self, sizes, 2);
        assert_int_equal(
            wherry_feed_new(&self.feed, .stream = both.stream, .items = &self.base, .shutdown = 1),
            WHERRY_OK);
        assert_int_equal(net_take_all(world, both.far, taken, LARGE + 11, &last), LARGE + 10);
        assert_int_equal(last, 0);
        assert_int_equal(self.reason, WHERRY_E_END);
        assert_int_equal(wherry_stream_send(both.stream, wherry_text("x"), WHERRY_NOW),
                         WHERRY_E_MISUSE);
        net_put(both.far, "answer", 6); /* receiving goes on */
        NET_UNTIL(world, both.told.length == 6);
        feeding_finish(&self, &both);
    }
}

static void sending_belongs_to_the_feed_while_it_lasts(void **state)
{
    const size_t sizes[] = { 10 };
    net *world = *state;
    couple both;
    feeding self;
    wherry_feed *second = NULL;

    couple_open(&both, world, NET_PAIR, .send_max = 0);
    assert_int_equal(wherry_stream_send(both.stream, wherry_text("1"), WHERRY_NOW), WHERRY_OK);
    feeding_start(&self, &both, sizes, 1);
    assert_int_equal(wherry_stream_send(both.stream, wherry_text("2"), WHERRY_NOW), WHERRY_E_BUSY);
    assert_int_equal(wherry_stream_shutdown(both.stream), WHERRY_E_BUSY);
    assert_int_equal(wherry_feed_new(&second, .stream = both.stream, .items = &self.base),
                     WHERRY_E_BUSY);
    assert_null(second);
    NET_UNTIL(world, self.ends == 1);
    assert_int_equal(wherry_stream_send(both.stream, wherry_text("3"), WHERRY_NOW), WHERRY_OK);
    assert_int_equal(net_take_all(world, both.far, taken, 12, NULL), 12);
    assert_int_equal(taken[11], '3');
    feeding_finish(&self, &both);
}

/* Free the feed that ended, start another one. */
static void start_next(feeding *self, char what)
{
    if (what != 'e' || self->again == NULL)
        return;
    wherry_feed_free(self->feed);
    self->feed = NULL;
    assert_int_equal(
        wherry_feed_new(&self->again->feed, .stream = self->stream, .items = &self->again->base),
        WHERRY_OK);
}

static void next_feed_may_follow_from_within_the_end_of_the_last(void **state)
{
    const size_t sizes[] = { 10, 20 };
    net *world = *state;
    couple both;
    feeding self, next;

    couple_open(&both, world, NET_PAIR, .send_max = 0);
    feeding_start(&self, &both, sizes, 2);
    feeding_init(&next, sizes, 2);
    self.stream = both.stream;
    self.again = &next;
    self.act = start_next;
    NET_UNTIL(world, next.ends == 1);
    assert_int_equal(net_take_all(world, both.far, taken, 60, NULL), 60);
    net_check(taken, 30, 0);
    net_check(taken + 30, 30, 0);
    wherry_feed_free(next.feed);
    feeding_clear(&next);
    feeding_finish(&self, &both);
}

static void end_of_the_other_side_leaves_the_feed_going(void **state)
{
    const size_t sizes[] = { 10, LARGE, 10 };
    net *world = *state;
    couple both;
    feeding self;

    couple_open(&both, world, NET_TCP4, .send_max = 0);
    feeding_start(&self, &both, sizes, 3);
    assert_int_equal(shutdown(both.far, SHUT_WR), 0);
    NET_UNTIL(world, strchr(both.told.trace, 'e') != NULL);
    assert_int_equal(both.told.reason, WHERRY_E_END);
    feeding_expect_all(&self, &both);
    feeding_finish(&self, &both);
}

static void reset_ends_it_in_an_item_and_while_the_iterator_is_late(void **state)
{
    const size_t sizes[] = { LARGE };
    net *world = *state;

    for (int late = 0; late < 2; late++) {
        couple both;
        feeding self;

        couple_open(&both, world, NET_TCP4, .send_max = 0);
        couple_shrink(&both);
        feeding_init(&self, sizes, 1);
        self.late = late == 0 ? 0 : SIZE_MAX;
        assert_int_equal(wherry_feed_new(&self.feed, .stream = both.stream, .items = &self.base),
                         WHERRY_OK);
        net_settle(world);
        net_reset(both.far);
        both.far = -1;
        NET_UNTIL(world, self.ends == 1);
        assert_int_equal(self.reason, WHERRY_E_RESET);
        assert_string_equal(self.trace, late == 0 ? "nbae" : "ne");
        feeding_finish(&self, &both);
    }
}

static void idle_stream_ends_it(void **state)
{
    net *world = *state;
    couple both;
    feeding self;

    couple_open(&both, world, NET_PAIR, .idle_timeout = WHERRY_SECONDS(5));
    feeding_init(&self, NULL, 1);
    self.late = SIZE_MAX;
    assert_int_equal(wherry_feed_new(&self.feed, .stream = both.stream, .items = &self.base),
                     WHERRY_OK);
    net_advance(world, WHERRY_SECONDS(6));
    net_settle(world);
    assert_int_equal(self.ends, 1);
    assert_int_equal(self.reason, WHERRY_E_IDLE);
    feeding_finish(&self, &both);
}

static void close_and_free_of_the_stream_end_it(void **state)
{
    const size_t sizes[] = { 10 };
    net *world = *state;

    for (int i = 0; i < 6; i++) {
        couple both;
        feeding self;

        couple_open(&both, world, NET_PAIR, .send_max = 0);
        couple_block(&both);
        feeding_start(&self, &both, sizes, 1);
        if (i >= 3)
            net_settle(world);
        if (i % 3 == 0)
            wherry_stream_close(both.stream);
        else if (i % 3 == 1)
            wherry_stream_abort(both.stream);
        else
            wherry_stream_free(both.stream);
        both.stream = i % 3 == 2 ? NULL : both.stream;
        assert_int_equal(self.ends, 0);
        net_settle(world);
        assert_int_equal(self.ends, 1);
        assert_int_equal(self.reason, WHERRY_E_CLOSED);
        assert_string_equal(self.trace, i >= 3 ? "nbe" : "e");
        feeding_finish(&self, &both);
    }
}

static void closed_stream_does_not_wait_for_what_the_feed_had(void **state)
{
    const size_t sizes[] = { LARGE };
    net *world = *state;
    couple both;
    feeding self;
    size_t descriptors;
    ssize_t last = 1;

    couple_open(&both, world, NET_TCP4, .send_max = 0);
    couple_shrink(&both);
    feeding_start(&self, &both, sizes, 1);
    net_settle(world);
    descriptors = net_descriptors();
    wherry_stream_close(both.stream);
    assert_int_equal(net_descriptors(), descriptors - 1); /* not when the far end has read */
    assert_true(net_take_all(world, both.far, taken, LARGE, &last) < LARGE);
    assert_int_equal(last, 0);
    net_settle(world);
    assert_int_equal(self.reason, WHERRY_E_CLOSED);
    feeding_finish(&self, &both);
}

/* --- within its callbacks */

enum { FREE_FEED, CLOSE_STREAM, ABORT_STREAM, FREE_STREAM, FREE_BOTH, ACTS };

static void end_it(feeding *self, char what)
{
    couple *both = self->couple;

    if (what != self->when)
        return;
    self->when = 0;
    if (self->how == FREE_FEED || self->how == FREE_BOTH) {
        wherry_feed_free(self->feed);
        self->feed = NULL;
    }
    if (self->how == CLOSE_STREAM)
        wherry_stream_close(both->stream);
    if (self->how == ABORT_STREAM)
        wherry_stream_abort(both->stream);
    if (self->how == FREE_STREAM || self->how == FREE_BOTH) {
        wherry_stream_free(both->stream);
        both->stream = NULL;
    }
}

/* The callbacks in their order, up to the one in which it was ended; the item that the system had
 * already is told of to its end. */
static void check_told(const feeding *self, char when, int how)
{
    const char *stops = when == 'n' ? "n" : when == 'b' ? "nb" : when == 'a' ? "nba" : "nbas";
    const char *closed = when == 'n' ? "ne" : when == 'b' ? "nbe" : "nbase";

    if (when == 'e')
        assert_string_equal(self->trace, "nbasnbasne");
    else if (how == FREE_FEED || how == FREE_BOTH)
        assert_string_equal(self->trace, stops);
    else
        assert_string_equal(self->trace, closed);
    if (feeding_is_told(self, 'e'))
        assert_int_equal(self->reason, when == 'e' ? WHERRY_E_END : WHERRY_E_CLOSED);
}

static void everything_may_be_ended_within_each_callback(void **state)
{
    const char callbacks[] = "nbase";
    const size_t sizes[] = { 10, 10 };
    net *world = *state;

    for (const char *when = callbacks; *when != '\0'; when++)
        for (int how = 0; how < ACTS; how++) {
            couple both;
            feeding self;

            couple_open(&both, world, NET_PAIR, .send_max = 0);
            feeding_start(&self, &both, sizes, 2);
            self.couple = &both;
            self.when = *when;
            self.how = how;
            self.act = end_it;
            net_settle(world);
            check_told(&self, *when, how);
            feeding_finish(&self, &both);
        }
}

static void iterator_that_closes_the_stream_may_end_as_well(void **state)
{
    const int codes[] = { WHERRY_E_END, WHERRY_E_INVALID };
    net *world = *state;

    for (int i = 0; i < 2; i++) {
        couple both;
        feeding self;

        couple_open(&both, world, NET_PAIR, .send_max = 0);
        feeding_init(&self, NULL, 1);
        self.fail_at = 0;
        self.failure = codes[i];
        self.couple = &both;
        self.when = 'n';
        self.how = CLOSE_STREAM;
        self.act = end_it;
        assert_int_equal(
            wherry_feed_new(&self.feed, .stream = both.stream, .items = &self.base, .shutdown = 1),
            WHERRY_OK);
        net_settle(world);
        assert_string_equal(self.trace, "ne");
        assert_int_equal(self.reason, i == 0 ? WHERRY_E_CLOSED : WHERRY_E_INVALID);
        feeding_finish(&self, &both);
    }
}

/* The stream of a pipe tells its end within the shutdown behind the last item. */
typedef struct listening {
    wherry_stream_events events; /* first */
    feeding *feeding;
    int ends;
} listening;

static void free_the_feed(wherry_stream_events *events, wherry_stream *stream, int reason)
{
    listening *self = (listening *)events;

    (void)stream;
    (void)reason;
    self->ends++;
    wherry_feed_free(self->feeding->feed);
    self->feeding->feed = NULL;
}

static void feed_freed_while_a_pipe_tells_its_end_tells_nothing(void **state)
{
    const size_t sizes[] = { 10 };
    net *world = *state;
    listening told = { .events.ended = free_the_feed };
    wherry_stream *stream;
    feeding self;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(wherry_stream_new(&stream, .loop = world->loop, .descriptor = ends[1],
                                       .events = &told.events),
                     WHERRY_OK);
    feeding_init(&self, sizes, 1);
    told.feeding = &self;
    assert_int_equal(
        wherry_feed_new(&self.feed, .stream = stream, .items = &self.base, .shutdown = 1),
        WHERRY_OK);
    net_settle(world);
    assert_int_equal(told.ends, 1);
    assert_string_equal(self.trace, "nbasn");
    wherry_stream_free(stream);
    (void)close(ends[0]);
    feeding_clear(&self);
}

static void freed_feed_leaves_the_stream_usable(void **state)
{
    const size_t sizes[] = { LARGE };
    net *world = *state;
    couple both;
    feeding self;
    size_t count;

    couple_open(&both, world, NET_TCP4, .send_max = 0);
    couple_shrink(&both);
    feeding_start(&self, &both, sizes, 1);
    net_settle(world);
    assert_true(feeding_is_told(&self, 'a'));
    wherry_feed_free(self.feed);
    self.feed = NULL;
    assert_int_equal(wherry_stream_send(both.stream, wherry_text("on"), WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_stream_shutdown(both.stream), WHERRY_OK);
    count = net_take_all(world, both.far, taken, LARGE, NULL);
    assert_memory_equal(taken + count - 2, "on", 2);
    net_check(taken, count - 2, 0);
    assert_string_equal(self.trace, "nba");
    feeding_finish(&self, &both);
}

static void loop_may_go_before_the_feed(void **state)
{
    const size_t sizes[] = { LARGE };
    net *world = *state;
    couple both;
    feeding self;

    couple_open(&both, world, NET_TCP4, .send_max = 0);
    couple_shrink(&both);
    feeding_start(&self, &both, sizes, 1);
    net_settle(world);
    wherry_loop_free(world->loop);
    world->loop = NULL;
    assert_false(feeding_is_told(&self, 'e'));
    wherry_feed_resume(self.feed);
    feeding_finish(&self, &both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(iterator_without_items_ends_it),
        NET_TEST(failure_of_the_iterator_ends_it),
        NET_TEST(sending_is_shut_down_behind_the_last_item_on_request),
        NET_TEST(sending_belongs_to_the_feed_while_it_lasts),
        NET_TEST(next_feed_may_follow_from_within_the_end_of_the_last),
        NET_TEST(end_of_the_other_side_leaves_the_feed_going),
        NET_TEST(reset_ends_it_in_an_item_and_while_the_iterator_is_late),
        NET_TEST_VIRTUAL(idle_stream_ends_it),
        NET_TEST(close_and_free_of_the_stream_end_it),
        NET_TEST(closed_stream_does_not_wait_for_what_the_feed_had),
        NET_TEST(everything_may_be_ended_within_each_callback),
        NET_TEST(iterator_that_closes_the_stream_may_end_as_well),
        NET_TEST(feed_freed_while_a_pipe_tells_its_end_tells_nothing),
        NET_TEST(freed_feed_leaves_the_stream_usable),
        NET_TEST(loop_may_go_before_the_feed),
    };

    return NET_RUN(tests);
}
