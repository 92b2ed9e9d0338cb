/* Feed: the one who sends on a stream while it lasts.
 *
 * It is woken by its stream (the system may take more, sending is over, the stream was closed) and
 * by the program, and goes on by a deadline that is due at once: outside of coroutines, in a pass
 * of its own, so that nothing calls back into a call of the program's, and an iterator that never
 * runs dry leaves the others on the loop their turn.
 */
#include <wherry/feed.h>

#include <stdbool.h>

#include <wherry/error.h>
#include <wherry/task.h>

#include "base/error.h"
#include "base/options.h"
#include "base/probe.h"
#include "loop/wait.h"
#include "net/stream.h"

/* What one feed sends in one pass: bytes, from which it stops, and items. */
#define BYTES_A_PASS ((size_t)64 << 10)
#define ITEMS_A_PASS 64

struct wherry_feed {
    wherry__source source; /* first */
    wherry__feeder feeder;
    wherry__deadline deadline; /* to go on */
    wherry_loop *loop;
    wherry_stream *stream; /* NULL: it has ended, or the stream is closed */
    wherry_feed_items *items;
    wherry__wait *waiter; /* of wherry_feed_run */
    wherry_bytes item;
    size_t gone; /* bytes of it that the system has */
    int reason;  /* how it ended; 0: it goes on */
    int cut;     /* how the stream ended; 0: it goes on */
    bool has_item;
    bool started; /* after_send was told of it */
    bool late;    /* the iterator has answered "not yet" */
    bool shutdown;
};

/* --- being woken, and the end */

static void go_on_soon(wherry_feed *feed)
{
    if (feed->reason == WHERRY_OK)
        wherry__deadline_arm(&feed->loop->deadlines, &feed->deadline, feed->loop->now);
}

static void detach(wherry_feed *feed)
{
    if (feed->stream != NULL)
        feed->stream->feeder = NULL;
    feed->stream = NULL;
}

static void on_wake(wherry__feeder *feeder)
{
    wherry_feed *feed = WHERRY__OWNER(feeder, wherry_feed, feeder);
    wherry_stream *stream = feed->stream;

    if (stream->refusal != WHERRY_OK)
        feed->cut = stream->refusal;
    else if (stream->closed)
        feed->cut = WHERRY_E_CLOSED;
    if (stream->closed)
        detach(feed);
    if (!feed->late || feed->cut != WHERRY_OK)
        go_on_soon(feed);
}

static void stop(wherry_feed *feed, int reason)
{
    detach(feed);
    if (feed->reason == WHERRY_OK)
        feed->reason = reason;
    wherry__deadline_disarm(&feed->loop->deadlines, &feed->deadline);
    if (feed->waiter != NULL)
        wherry__wait_wake(feed->waiter, WHERRY_OK); /* it looks at the reason itself */
}

/* All that ends a feed by itself. */
static void end(wherry_feed *feed, int reason)
{
    wherry_stream *stream = feed->stream;

    WHERRY__PROBE_IF(feed->has_item, "feed.end.in-an-item");
    detach(feed);
    if (reason == WHERRY_E_END && feed->shutdown) {
        int result = stream == NULL ? feed->cut : wherry_stream_shutdown(stream);

        if (feed->reason != WHERRY_OK)
            return; /* freed by whom the stream has told that a pipe is over */
        reason = result < 0 ? result : reason;
    }
    stop(feed, reason);
    if (!feed->source.of_call && feed->items->ended != NULL)
        feed->items->ended(feed->items, feed, reason);
}

/* --- going on: each step tells whether there may be another one */

static bool tell(wherry_feed *feed,
                 void (*what)(wherry_feed_items *self, wherry_feed *feed, wherry_bytes item))
{
    if (what != NULL)
        what(feed->items, feed, feed->item);
    return feed->reason == WHERRY_OK;
}

static bool take_item(wherry_feed *feed)
{
    int result;

    feed->late = true; /* before the call: it may resume the feed itself */
    result = feed->items->next(feed->items, feed, &feed->item);
    WHERRY__PROBE_IF(feed->reason != WHERRY_OK, "feed.next.freed");
    WHERRY__PROBE_IF(result == WHERRY_E_WOULD_BLOCK, "feed.next.late");
    if (feed->reason != WHERRY_OK || result == WHERRY_E_WOULD_BLOCK)
        return false;
    feed->late = false;
    if (result < 0) {
        end(feed, result);
        return false;
    }
    if (feed->cut != WHERRY_OK)
        return true; /* the iterator has closed the stream: nothing begins any more */
    feed->has_item = true;
    feed->started = false;
    feed->gone = 0;
    return tell(feed, feed->items->before_send);
}

static bool send_item(wherry_feed *feed)
{
    size_t left = feed->item.length - feed->gone;
    ssize_t result = 0;

    if (left > 0)
        result = wherry__stream_offer(feed->stream,
                                      wherry_bytes_at(feed->item.data + feed->gone, left));
    if (result < 0) {
        end(feed, (int)result);
        return false;
    }
    feed->gone += (size_t)result;
    WHERRY__PROBE_IF(result > 0 && (size_t)result < left, "feed.send.short");
    WHERRY__PROBE_IF(!feed->started && (size_t)result == left, "feed.send.all-at-once");
    if (!feed->started && (result > 0 || left == 0)) {
        feed->started = true;
        if (!tell(feed, feed->items->after_send))
            return false;
    }
    if (feed->gone < feed->item.length)
        return result > 0;
    feed->has_item = false;
    return tell(feed, feed->items->sent);
}

static bool step(wherry_feed *feed)
{
    if (feed->cut != WHERRY_OK && !(feed->has_item && feed->gone == feed->item.length)) {
        end(feed, feed->cut);
        return false;
    }
    if (feed->has_item)
        return send_item(feed);
    if (feed->stream->connecting || feed->stream->announce)
        return false; /* it wakes the feed when it has told that it is connected */
    return !feed->late && take_item(feed);
}

static void on_deadline(wherry__deadline *deadline)
{
    wherry_feed *feed = WHERRY__OWNER(deadline, wherry_feed, deadline);
    size_t items = 0;
    size_t bytes = 0;

    do {
        size_t before = feed->has_item ? feed->gone : 0;

        if (bytes >= BYTES_A_PASS || items >= ITEMS_A_PASS) {
            WHERRY__PROBE("feed.pass.is-full");
            go_on_soon(feed);
            return;
        }
        if (!step(feed))
            return;
        bytes += feed->gone - before;
        items += feed->has_item ? 0 : 1;
    } while (true);
}

/* --- on the loop */

static void on_leave(wherry__source *source)
{
    wherry_feed *feed = WHERRY__OWNER(source, wherry_feed, source);

    feed->waiter = NULL; /* tasks that did not end were given up */
    stop(feed, WHERRY_E_CLOSED);
}

static void on_reclaim(wherry__source *source)
{
    wherry_feed *feed = WHERRY__OWNER(source, wherry_feed, source);

    wherry__memory_give(wherry__loop_memory(feed->loop), feed, sizeof(*feed));
}

static const wherry__source_class class = { .leave = on_leave, .reclaim = on_reclaim };

/* --- the user's side */

static int check(const wherry_feed_options *options)
{
    wherry_stream *stream = options->stream;

    if (stream == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option stream: none is given");
    if (options->items == NULL || options->items->next == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option items: none are given, or no next");
    if (stream->serviced)
        return wherry__fail(WHERRY_E_MISUSE, "option stream: it is serviced");
    if (stream->closed)
        return WHERRY_E_CLOSED;
    if (stream->refusal != WHERRY_OK)
        return stream->refusal;
    if (stream->feeder != NULL)
        return wherry__fail(WHERRY_E_BUSY, "a feed is on the stream");
    if (stream->shutting)
        return wherry__fail(WHERRY_E_MISUSE, "the stream's sending was shut down");
    return WHERRY_OK;
}

static int make(const wherry_feed_options *options, wherry_feed **result)
{
    wherry_feed *feed;
    int code = check(options);

    if (code < 0)
        return code;
    feed = wherry__memory_take(wherry__loop_memory(options->stream->loop), sizeof(*feed));
    if (feed == NULL)
        return WHERRY_E_NO_MEMORY;
    feed->loop = options->stream->loop;
    feed->stream = options->stream;
    feed->items = options->items;
    feed->shutdown = options->shutdown != 0;
    feed->feeder.wake = on_wake;
    feed->stream->feeder = &feed->feeder;
    wherry__stream_end_room(feed->stream);
    wherry__source_init(feed->loop, &feed->source, &class, -1);
    wherry__deadline_init(&feed->deadline, on_deadline);
    go_on_soon(feed);
    *result = feed;
    return WHERRY_OK;
}

int wherry_feed_new_with(const wherry_feed_options *given)
{
    wherry_feed_options options;
    int code = WHERRY__OPTIONS_COPY(&options, given);

    if (code < 0)
        return code;
    if (options.result == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the feed");
    return make(&options, options.result);
}

void wherry_feed_resume(wherry_feed *feed)
{
    if (!feed->late)
        return;
    feed->late = false;
    go_on_soon(feed);
}

void wherry_feed_free(wherry_feed *feed)
{
    if (feed == NULL)
        return;
    stop(feed, WHERRY_E_CLOSED);
    if (!feed->source.of_call) /* wherry_feed_run gives it back */
        wherry__source_dismiss(feed->loop, &feed->source);
}

int wherry_feed_run(wherry_stream *stream, wherry_feed_items *items, int64_t deadline)
{
    const wherry_feed_options options = { .stream = stream, .items = items };
    wherry_feed *feed = NULL;
    int result = check(&options);

    if (result == WHERRY_OK)
        result = wherry__wait_allowed(stream->loop, deadline);
    if (result == WHERRY_OK)
        result = make(&options, &feed);
    if (result != WHERRY_OK)
        return result;
    feed->source.of_call = true;
    result = WHERRY__WAITED("feed.run",
                            wherry__wait_alone(feed->loop, &feed->waiter, "feed", deadline));
    if (feed->reason != WHERRY_OK)
        result = feed->reason == WHERRY_E_END ? WHERRY_OK : feed->reason;
    feed->source.of_call = false;
    wherry_feed_free(feed);
    return result;
}
