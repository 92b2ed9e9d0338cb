/* Feed: items that are taken from an iterator and written to a stream one after another; and the
 * reader, its counterpart, which is given every piece that a stream receives.
 *
 *     next --> item --> before_send --> [ written as the system takes it ] --> sent --> next ...
 *                                           after the first: after_send
 *
 * The iterator is asked for an item when all of the one before is with the system, so that a slow
 * receiver holds it back. Items are written as they lie, without a copy: they stay valid and
 * unchanged until they are sent, or the feed has ended.
 *
 * A feed stands beside the stream's own events (wherry_stream_events), which go on as they were, so
 * that answers are received by them, a reader or a coroutine. Sending belongs to the feed while it
 * lasts: what was sent before goes out first, and wherry_stream_send, wherry_stream_shutdown and a
 * second feed answer WHERRY_E_BUSY. On the loop's thread.
 */
#ifndef WHERRY_FEED_H
#define WHERRY_FEED_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/bytes.h>
#include <wherry/export.h>
#include <wherry/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wherry_feed wherry_feed;
typedef struct wherry_feed_items wherry_feed_items;

/* The iterator, and who is told. Embed it as the first member of a struct of your own; it is passed
 * back as self. Members may be NULL, except next. All are called outside of coroutines, not before
 * the call that made the feed has returned or waits, and may call everything, wherry_feed_free and
 * wherry_stream_free included. For each item before_send, after_send and sent are called once each,
 * in this order, even if one write takes it all; an empty item goes through them at once. */
struct wherry_feed_items {
    /* Gives the next item. WHERRY_OK: it is at *item. WHERRY_E_END: there are no more.
     * WHERRY_E_WOULD_BLOCK: not yet; next is called again after wherry_feed_resume. Another
     * negative code: the feed ends with it. */
    int (*next)(wherry_feed_items *self, wherry_feed *feed, wherry_bytes *item);
    /* Nothing of item was written yet. */
    void (*before_send)(wherry_feed_items *self, wherry_feed *feed, wherry_bytes item);
    /* The system has taken the first bytes of item. */
    void (*after_send)(wherry_feed_items *self, wherry_feed *feed, wherry_bytes item);
    /* The system has all of item. */
    void (*sent)(wherry_feed_items *self, wherry_feed *feed, wherry_bytes item);
    /* The feed is over, and sending on the stream is free again. Called once, last. reason:
     * WHERRY_E_END: all items are sent; what the iterator failed with; how the stream ended (RESET,
     * IDLE, why it could not connect; CLOSED: by the program). An item that was begun and not sent
     * is cut off there. Not called after wherry_feed_free, the end of the loop, or for
     * wherry_feed_run, whose result says it. */
    void (*ended)(wherry_feed_items *self, wherry_feed *feed, int reason);
    WHERRY_RESERVED;
};

typedef struct wherry_feed_options {
    size_t size; /* set by the macro */
    wherry_feed **result;
    wherry_stream *stream;    /* may be connecting still: the feed begins behind connected */
    wherry_feed_items *items; /* must live until the feed has ended */
    int shutdown;             /* not 0: behind the last item the stream's sending is shut down
                                 (wherry_stream_shutdown); otherwise it stays open */
    WHERRY_RESERVED;
} wherry_feed_options;

/* Makes a feed: wherry_feed_new(&feed, .stream = stream, .items = &mine.items). The caller frees
 * it, also after it has ended; the stream may go before it. It begins in the next pass.
 * WHERRY_E_MISUSE: no place for the result, no stream, no items or no next, or the stream's sending
 * is shut down. WHERRY_E_BUSY: another feed is on the stream. How the stream ended, when its
 * sending is over: RESET, IDLE, CLOSED. WHERRY_E_NO_MEMORY. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_feed_new_with(const wherry_feed_options *options);
#define wherry_feed_new(...)                                                                       \
    wherry_feed_new_with(                                                                          \
        &(wherry_feed_options){ .size = sizeof(wherry_feed_options), .result = __VA_ARGS__ })

/* After next has answered WHERRY_E_WOULD_BLOCK: has it called again, in the next pass. At any other
 * time nothing. From other threads by wherry_loop_post. */
WHERRY_PUBLIC void wherry_feed_resume(wherry_feed *feed);

/* Ends the feed where it stands and gives it back; nothing is called any more. The rest of an item
 * that was begun is not sent. Inside of its own callbacks too. NULL is allowed. */
WHERRY_PUBLIC void wherry_feed_free(wherry_feed *feed);

/* For coroutines: feeds until the iterator has no more and all is with the system. An iterator that
 * would rather wait on the coroutine itself needs no feed, but wherry_stream_send and
 * wherry_stream_flush. WHERRY_OK: all items are sent. WHERRY_E_TIMED_OUT: the deadline passed, and
 * WHERRY_E_CANCELED: the task is being stopped; the rest of an item that was begun is not sent.
 * WHERRY_E_WOULD_BLOCK: the deadline is WHERRY_NOW; nothing was done. WHERRY_E_CLOSED: the stream
 * was closed, or a callback called wherry_feed_free. WHERRY_E_MISUSE: not on a coroutine of the
 * stream's loop. Else as ended of wherry_feed_items, and as wherry_feed_new. */
WHERRY_PUBLIC int wherry_feed_run(wherry_stream *stream, wherry_feed_items *items,
                                  int64_t deadline);

/* --- The reader */

typedef struct wherry_feed_reader wherry_feed_reader;

/* Embed it as the first member of a struct of your own; it is passed back as self. One may serve
 * many streams. Members may be NULL; both may call everything of the stream, close and free
 * included. */
struct wherry_feed_reader {
    wherry_stream_events events; /* first; connected and writable are the program's to set */
    /* Every piece received, never empty, in order. It is valid until this returns, and taken out of
     * the receive buffer then. */
    void (*piece)(wherry_feed_reader *self, wherry_stream *stream, wherry_bytes piece);
    /* Nothing more comes, as ended of wherry_stream_events; the stream was closed because of it,
     * and with it the sending of a feed on it. */
    void (*ended)(wherry_feed_reader *self, wherry_stream *stream, int reason);
    WHERRY_RESERVED;
};

/* Makes the reader ready and returns its events, for the option .events of a stream or for
 * wherry_stream_set_events. They belong to the reader. What lies in the receive buffer already is
 * told with the piece that comes next. */
WHERRY_PUBLIC wherry_stream_events *wherry_feed_reader_events(wherry_feed_reader *reader);

#ifdef __cplusplus
}
#endif

#endif
