/* Feeds that a coroutine waits for. */
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

typedef struct run {
    couple both;
    feeding items;
    int64_t patience; /* 0: for ever */
    int result;
    bool is_done;
} run;

static const size_t sizes[] = { 10, 0, 30000 };

static void open_run(run *self, net *world)
{
    memset(self, 0, sizeof(*self));
    couple_open(&self->both, world, NET_PAIR, .send_max = 0);
    feeding_init(&self->items, sizes, 3);
}

static void close_run(run *self)
{
    couple_close(&self->both);
    feeding_clear(&self->items);
}

static int64_t deadline_of(const run *self)
{
    return self->patience == 0 ? WHERRY_NEVER : wherry_in(self->patience);
}

static int body(void *argument)
{
    run *self = argument;

    self->result = wherry_feed_run(self->both.stream, &self->items.base, deadline_of(self));
    self->is_done = true;
    return WHERRY_OK;
}

/* Runs it in the background until it waits. */
static wherry_task *begin(run *self)
{
    wherry_task *task;

    assert_int_equal(wherry_spawn(&task, body, self, .loop = self->both.world->loop), WHERRY_OK);
    net_settle(self->both.world);
    assert_false(self->is_done);
    assert_string_equal(wherry_task_waits_for(task), "feed");
    return task;
}

static void end(run *self, wherry_task *task, int result)
{
    NET_UNTIL(self->both.world, self->is_done);
    wherry_task_release(task);
    assert_int_equal(self->result, result);
    assert_int_equal(self->items.ends, 0); /* the result has said it */
    close_run(self);
}

static void run_returns_when_all_is_sent(void **state)
{
    static uint8_t taken[30010];
    net *world = *state;
    run self;

    open_run(&self, world);
    assert_int_equal(net_run(world, body, &self), WHERRY_OK);
    assert_int_equal(self.result, WHERRY_OK);
    assert_string_equal(self.items.trace, "nbasnbasnbasn");
    assert_int_equal(net_take_all(world, self.both.far, taken, 30010, NULL), 30010);
    net_check(taken, 30010, 0);
    assert_int_equal(wherry_stream_shutdown(self.both.stream), WHERRY_OK);
    close_run(&self);
}

static void failure_of_the_iterator_is_the_result(void **state)
{
    net *world = *state;
    run self;

    open_run(&self, world);
    self.items.fail_at = 1;
    self.items.failure = WHERRY_E_INVALID;
    assert_int_equal(net_run(world, body, &self), WHERRY_OK);
    end(&self, NULL, WHERRY_E_INVALID);
}

static void deadline_ends_it_in_an_item(void **state)
{
    net *world = *state;
    run self;

    open_run(&self, world);
    couple_block(&self.both);
    self.patience = WHERRY_SECONDS(3);
    end(&self, begin(&self), WHERRY_E_TIMED_OUT);
}

static int run_now(void *argument)
{
    run *self = argument;

    assert_int_equal(wherry_feed_run(self->both.stream, &self->items.base, WHERRY_NOW),
                     WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_feed_run(NULL, &self->items.base, WHERRY_NEVER), WHERRY_E_MISUSE);
    assert_int_equal(wherry_feed_run(self->both.stream, NULL, WHERRY_NEVER), WHERRY_E_MISUSE);
    return WHERRY_OK;
}

static void without_time_nothing_is_done(void **state)
{
    net *world = *state;
    run self;

    open_run(&self, world);
    assert_int_equal(net_run(world, run_now, &self), WHERRY_OK);
    net_settle(world);
    assert_string_equal(self.items.trace, "");
    assert_int_equal(wherry_stream_send(self.both.stream, wherry_text("x"), WHERRY_NOW), WHERRY_OK);
    close_run(&self);
}

static void canceled_task_stops_it(void **state)
{
    net *world = *state;
    wherry_task *task;
    run self;

    open_run(&self, world);
    couple_block(&self.both);
    task = begin(&self);
    wherry_task_cancel(task);
    end(&self, task, WHERRY_E_CANCELED);
}

static void closed_and_freed_stream_ends_it(void **state)
{
    net *world = *state;

    for (int i = 0; i < 2; i++) {
        wherry_task *task;
        run self;

        open_run(&self, world);
        couple_block(&self.both);
        task = begin(&self);
        if (i == 0)
            wherry_stream_close(self.both.stream);
        else
            wherry_stream_free(self.both.stream);
        self.both.stream = i == 0 ? self.both.stream : NULL;
        end(&self, task, WHERRY_E_CLOSED);
    }
}

static void free_at(feeding *items, char what)
{
    if (what == items->when)
        wherry_feed_free(items->feed);
}

/* next tells which feed it is. */
static int next_and_keep(wherry_feed_items *items, wherry_feed *feed, wherry_bytes *item)
{
    feeding *self = (feeding *)items;

    self->feed = feed;
    return self->next(items, feed, item);
}

static void free_within_a_callback_stops_it(void **state)
{
    const char *when = "nbas";
    net *world = *state;

    for (size_t i = 0; i < 4; i++) {
        run self;

        open_run(&self, world);
        self.items.next = self.items.base.next;
        self.items.base.next = next_and_keep;
        self.items.act = free_at;
        self.items.when = when[i];
        assert_int_equal(net_run(world, body, &self), WHERRY_OK);
        assert_memory_equal(self.items.trace, "nbas", i + 1);
        assert_int_equal(strlen(self.items.trace), i + 1);
        end(&self, NULL, WHERRY_E_CLOSED);
    }
}

static void loop_that_is_freed_stops_it(void **state)
{
    net *world = *state;
    wherry_task *task;
    run self;

    open_run(&self, world);
    couple_block(&self.both);
    task = begin(&self);
    wherry_loop_free(world->loop);
    world->loop = NULL;
    assert_true(self.is_done);
    assert_int_equal(self.result, WHERRY_E_CANCELED);
    wherry_task_release(task);
    close_run(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(run_returns_when_all_is_sent),
        NET_TEST(failure_of_the_iterator_is_the_result),
        NET_TEST_VIRTUAL(deadline_ends_it_in_an_item),
        NET_TEST(without_time_nothing_is_done),
        NET_TEST(canceled_task_stops_it),
        NET_TEST(closed_and_freed_stream_ends_it),
        NET_TEST(free_within_a_callback_stops_it),
        NET_TEST(loop_that_is_freed_stops_it),
    };

    return NET_RUN(tests);
}
