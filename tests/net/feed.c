/* Feeds: what goes out, who is told of it and when, and how a feed ends. Resets and stalls at every
 * byte are tested in feed_cut.c. */
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

static const net_kind kinds[] = { NET_TCP4, NET_TCP6, NET_UNIX, NET_PAIR };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint8_t taken[2 * LARGE];

/* A feed on a couple's stream. */
static void start(feeding *self, couple *both, const size_t *sizes, size_t count)
{
    feeding_init(self, sizes, count);
    assert_int_equal(wherry_feed_new(&self->feed, .stream = both->stream, .items = &self->base),
                     WHERRY_OK);
    assert_string_equal(self->trace, "");
}

static void finish(feeding *self, couple *both)
{
    wherry_feed_free(self->feed);
    couple_close(both);
    feeding_clear(self);
}

/* Takes all that the feed has at the far end, until it ends. */
static void expect_all(feeding *self, couple *both)
{
    size_t total = feeding_total(self);

    assert_int_equal(net_take_all(both->world, both->far, taken, total, NULL), total);
    net_check(taken, total, 0);
    NET_UNTIL(both->world, self->ends == 1);
    assert_int_equal(self->reason, WHERRY_E_END);
    assert_int_equal(self->sent, self->count);
    assert_int_equal(net_take(both->far, taken, 1), -EAGAIN);
}

/* From now on the system takes nothing. Not with EAGAIN, which ready sockets would be asked for
 * again and again. */
static void block(couple *self)
{
    wherry_faulty_plan(self->world->system, WHERRY_CALL_SEND, .number = ENOBUFS);
}

static void unblock(couple *self)
{
    wherry_faulty_heal(self->world->system, WHERRY_CALL_SEND);
}

/* A small buffer below, so that LARGE does not fit while nobody reads. */
static void shrink(couple *self)
{
    const int size = 4096;

    assert_int_equal(setsockopt(wherry_stream_descriptor(self->stream), SOL_SOCKET, SO_SNDBUF,
                                &size, sizeof(size)),
                     0);
}

static bool is_told(const feeding *self, char what)
{
    return strchr(self->trace, what) != NULL;
}

/* --- what goes out */

static void items_go_out_whole_and_in_order(void **state)
{
    const size_t sizes[] = { 1, 100, 0, 16384, LARGE, 1, 0, 65536, 3 };
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        couple both;
        feeding self;

        couple_open(&both, world, kinds[i], .send_max = 0);
        start(&self, &both, sizes, 9);
        expect_all(&self, &both);
        assert_string_equal(self.trace, "nbasnbasnbasnbasnbasnbasnbasnbasnbasne");
        finish(&self, &both);
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
    start(&self, &both, sizes, 4);
    expect_all(&self, &both);
    assert_string_equal(self.trace, "nbasnbasnbasnbasne");
    finish(&self, &both);
}

static void items_are_not_copied(void **state)
{
    const size_t sizes[] = { 10, LARGE, 10 };
    net *world = *state;
    couple both;
    feeding self;
    size_t calls;

    couple_open(&both, world, NET_PAIR, .send_max = 0);
    start(&self, &both, sizes, 3);
    calls = world->memory.calls;
    expect_all(&self, &both);
    assert_int_equal(world->memory.calls, calls);
    finish(&self, &both);
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
    finish(&self, &both);
}

static void what_was_sent_before_goes_first(void **state)
{
    const size_t sizes[] = { 100 };
    net *world = *state;
    couple both;
    feeding self;

    couple_open(&both, world, NET_PAIR, .send_max = 0);
    block(&both);
    assert_int_equal(wherry_stream_send(both.stream, wherry_text("first"), WHERRY_NOW), WHERRY_OK);
    start(&self, &both, sizes, 1);
    net_settle(world);
    assert_string_equal(self.trace, "nb");
    unblock(&both);
    assert_int_equal(net_take_all(world, both.far, taken, 5, NULL), 5);
    assert_memory_equal(taken, "first", 5);
    expect_all(&self, &both);
    finish(&self, &both);
}

static void endless_iterator_leaves_the_others_their_turn(void **state)
{
    net *world = *state;
    couple both;
    feeding self;

    couple_open(&both, world, NET_PAIR, .send_max = 0);
    start(&self, &both, NULL, SIZE_MAX);
    for (int i = 0; i < 3; i++) {
        assert_true(wherry_loop_step(world->loop) >= 0);
        assert_true(self.sent <= (size_t)(i + 1) * 64);
    }
    assert_true(self.sent >= 2 * 64);
    finish(&self, &both);
}

static void much_is_sent_in_several_passes(void **state)
{
    const size_t sizes[] = { 40000, 40000, 40000 };
    net *world = *state;
    couple both;
    feeding self;

    couple_open(&both, world, NET_PAIR, .send_max = 0);
    start(&self, &both, sizes, 3);
    assert_true(wherry_loop_step(world->loop) >= 0);
    assert_int_equal(self.sent, 2);
    expect_all(&self, &both);
    finish(&self, &both);
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
        start(&self, &both, sizes, 2);
        net_settle(world);
        wherry_feed_resume(self.feed); /* nobody has asked for it */
        net_settle(world);
        assert_string_equal(self.trace, "nb");
        unblock(&both);
        expect_all(&self, &both);
        finish(&self, &both);
    }
}

static void full_receiver_holds_the_iterator_back(void **state)
{
    const size_t sizes[] = { LARGE, 1 };
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        couple both;
        feeding self;

        couple_open(&both, world, kinds[i], .send_max = 0);
        shrink(&both);
        start(&self, &both, sizes, 2);
        for (int k = 0; k < 50; k++)
            net_settle(world);
        assert_string_equal(self.trace, "nba");
        expect_all(&self, &both);
        finish(&self, &both);
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
    expect_all(&self, &both);
    assert_string_equal(self.trace, "nnnnbasnbasne");
    wherry_feed_resume(self.feed);
    finish(&self, &both);
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
    expect_all(&self, &both);
    assert_string_equal(self.trace, "nnnnnnbasne");
    finish(&self, &both);
}

/* --- how it ends */

static void iterator_without_items_ends_it(void **state)
{
    net *world = *state;
    couple both;
    feeding self;

    couple_open(&both, world, NET_PAIR, .send_max = 0);
    start(&self, &both, NULL, 0);
    expect_all(&self, &both);
    assert_string_equal(self.trace, "ne");
    finish(&self, &both);
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
        finish(&self, &both);
    }
}

static void sending_is_shut_down_behind_the_last_item_on_request(void **state)
{
    const size_t sizes[] = { 10, LARGE };
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        couple both;
        feeding self;
        ssize_t last = 1;

        couple_open(&both, world, kinds[i], .send_max = 0);
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
        finish(&self, &both);
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
    start(&self, &both, sizes, 1);
    assert_int_equal(wherry_stream_send(both.stream, wherry_text("2"), WHERRY_NOW), WHERRY_E_BUSY);
    assert_int_equal(wherry_stream_shutdown(both.stream), WHERRY_E_BUSY);
    assert_int_equal(wherry_feed_new(&second, .stream = both.stream, .items = &self.base),
                     WHERRY_E_BUSY);
    assert_null(second);
    NET_UNTIL(world, self.ends == 1);
    assert_int_equal(wherry_stream_send(both.stream, wherry_text("3"), WHERRY_NOW), WHERRY_OK);
    assert_int_equal(net_take_all(world, both.far, taken, 12, NULL), 12);
    assert_int_equal(taken[11], '3');
    finish(&self, &both);
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
    start(&self, &both, sizes, 2);
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
    finish(&self, &both);
}

static void end_of_the_other_side_leaves_the_feed_going(void **state)
{
    const size_t sizes[] = { 10, LARGE, 10 };
    net *world = *state;
    couple both;
    feeding self;

    couple_open(&both, world, NET_TCP4, .send_max = 0);
    start(&self, &both, sizes, 3);
    assert_int_equal(shutdown(both.far, SHUT_WR), 0);
    NET_UNTIL(world, strchr(both.told.trace, 'e') != NULL);
    assert_int_equal(both.told.reason, WHERRY_E_END);
    expect_all(&self, &both);
    finish(&self, &both);
}

static void reset_ends_it_in_an_item_and_while_the_iterator_is_late(void **state)
{
    const size_t sizes[] = { LARGE };
    net *world = *state;

    for (int late = 0; late < 2; late++) {
        couple both;
        feeding self;

        couple_open(&both, world, NET_TCP4, .send_max = 0);
        shrink(&both);
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
        finish(&self, &both);
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
    finish(&self, &both);
}

static void close_and_free_of_the_stream_end_it(void **state)
{
    const size_t sizes[] = { 10 };
    net *world = *state;

    for (int i = 0; i < 6; i++) {
        couple both;
        feeding self;

        couple_open(&both, world, NET_PAIR, .send_max = 0);
        block(&both);
        start(&self, &both, sizes, 1);
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
        finish(&self, &both);
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
    shrink(&both);
    start(&self, &both, sizes, 1);
    net_settle(world);
    descriptors = net_descriptors();
    wherry_stream_close(both.stream);
    assert_int_equal(net_descriptors(), descriptors - 1); /* not when the far end has read */
    assert_true(net_take_all(world, both.far, taken, LARGE, &last) < LARGE);
    assert_int_equal(last, 0);
    net_settle(world);
    assert_int_equal(self.reason, WHERRY_E_CLOSED);
    finish(&self, &both);
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

    for (size_t i = 0; i < 3; i++) {
        wherry_address address;
        couple both = { .world = world };
        feeding self;
        int listener = net_listen(kinds[i], 1, &address);

        recorder_init(&both.told);
        assert_int_equal(wherry_stream_connect(&both.stream, &address, WHERRY_NEVER,
                                               .loop = world->loop, .events = &both.told.events),
                         WHERRY_OK);
        start(&self, &both, sizes, 2);
        self.couple = &both;
        self.act = expect_connected;
        both.far = accept(listener, NULL, NULL);
        assert_true(both.far >= 0);
        expect_all(&self, &both);
        assert_string_equal(both.told.trace, "c");
        finish(&self, &both);
        assert_int_equal(close(listener), 0);
        if (kinds[i] == NET_UNIX)
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
    start(&self, &both, sizes, 1);
    NET_UNTIL(world, self.ends == 1);
    assert_int_equal(self.reason, WHERRY_E_REFUSED);
    assert_string_equal(self.trace, "e");
    finish(&self, &both);
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
    if (is_told(self, 'e'))
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
            start(&self, &both, sizes, 2);
            self.couple = &both;
            self.when = *when;
            self.how = how;
            self.act = end_it;
            net_settle(world);
            check_told(&self, *when, how);
            finish(&self, &both);
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
        finish(&self, &both);
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
    shrink(&both);
    start(&self, &both, sizes, 1);
    net_settle(world);
    assert_true(is_told(&self, 'a'));
    wherry_feed_free(self.feed);
    self.feed = NULL;
    assert_int_equal(wherry_stream_send(both.stream, wherry_text("on"), WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_stream_shutdown(both.stream), WHERRY_OK);
    count = net_take_all(world, both.far, taken, LARGE, NULL);
    assert_memory_equal(taken + count - 2, "on", 2);
    net_check(taken, count - 2, 0);
    assert_string_equal(self.trace, "nba");
    finish(&self, &both);
}

static void loop_may_go_before_the_feed(void **state)
{
    const size_t sizes[] = { LARGE };
    net *world = *state;
    couple both;
    feeding self;

    couple_open(&both, world, NET_TCP4, .send_max = 0);
    shrink(&both);
    start(&self, &both, sizes, 1);
    net_settle(world);
    wherry_loop_free(world->loop);
    world->loop = NULL;
    assert_false(is_told(&self, 'e'));
    wherry_feed_resume(self.feed);
    finish(&self, &both);
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
        NET_TEST(feed_waits_for_its_stream_to_be_connected),
        NET_TEST(failed_connection_ends_it),
        NET_TEST(everything_may_be_ended_within_each_callback),
        NET_TEST(iterator_that_closes_the_stream_may_end_as_well),
        NET_TEST(feed_freed_while_a_pipe_tells_its_end_tells_nothing),
        NET_TEST(freed_feed_leaves_the_stream_usable),
        NET_TEST(loop_may_go_before_the_feed),
        NET_TEST(what_makes_no_sense_is_refused),
        NET_TEST(stream_whose_sending_is_over_takes_no_feed),
        NET_TEST(feed_without_memory_is_not_made),
    };

    return NET_RUN(tests);
}
