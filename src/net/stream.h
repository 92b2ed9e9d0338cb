/* The inside of a stream.
 *
 *     descriptor --> input:  one chunk     [ consumed | begin ... end | room ]
 *     descriptor <-- output: a row of segments in chunks, written at the end of the pass
 *
 * Both hold chunks of the loop's pools only while there are bytes in them: an idle stream is this
 * structure and nothing more. Who uses the stream is told through hooks; the public callbacks are
 * one user, peers are another.
 *
 * Its life:
 *
 *     connecting --> open --> closed, and closing while unsent bytes go out in the background
 *
 * Its storage goes when its descriptor is closed and its owner has freed it.
 */
#ifndef WHERRY_NET_STREAM_H
#define WHERRY_NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <wherry/stream.h>
#include <wherry/time.h>

#include "base/probe.h"
#include "base/usually.h"
#include "loop/loop.h"
#include "loop/wait.h"
#include "net/output.h"

/* Parts of one write. */
#define WHERRY__STREAM_PARTS 32

/* From this size on, bytes that lie in the input and go back come first among what is queued, or
 * right behind others from there, without being copied. */
#define WHERRY__STREAM_REFER_MIN 512

/* After an error that readiness does not tell the end of: no buffers for a send, or the full
 * backlog of a Unix listener (connect(2), EAGAIN). */
#define WHERRY__STREAM_RETRY_AFTER WHERRY_MILLISECONDS(10)

/* Who uses a stream: told outside of coroutines. Any may be NULL. */
typedef struct wherry__stream_hooks {
    void (*connected)(void *owner, wherry_stream *stream);
    void (*received)(void *owner, wherry_stream *stream);
    void (*writable)(void *owner, wherry_stream *stream);
    void (*ended)(void *owner, wherry_stream *stream, int reason);
} wherry__stream_hooks;

/* Who sends on a stream by itself, and nobody else meanwhile: woken when the stream is connected or
 * the system may take bytes again, when sending is over, and when the stream was closed, the last
 * time then. It only takes note: it may be in the middle of anything. */
typedef struct wherry__feeder wherry__feeder;
struct wherry__feeder {
    void (*wake)(wherry__feeder *self);
};

/* An address in the space of an IPv6 one; a Unix name lies outside. */
typedef struct wherry__short_address {
    uint8_t family;
    uint16_t port;
    uint32_t scope;
    union {
        uint8_t ipv4[4];
        uint8_t ipv6[16];
        wherry_address *whole;
    } at;
} wherry__short_address;

struct wherry_stream {
    wherry__source source; /* first; what every message takes a look at follows */
    int reason : 8;        /* how receiving ended: a wherry_error, 0 while it goes on */
    int refusal : 8;       /* why sending is over: a wherry_error, 0 while it goes on */
    uint16_t users;        /* tasks that wait in one of its calls, and look at it when they leave */
    uint8_t number;        /* the errno(3) value behind them; 0: none, or one without a sentence */
    bool connecting : 1;
    bool announce : 1; /* it was connected at once, and nobody has been told */
    bool hungry : 1;   /* the user wants more than there is: read */
    bool unwanted : 1; /* bytes came that nobody wanted: no watch for reading until somebody does */
    bool paused : 1;
    bool blocked : 1;  /* the system takes no more for now */
    bool retry : 1;    /* and says so not by readiness */
    bool shutting : 1; /* the end of sending is to be told behind what is unsent */
    bool shut : 1;     /* it was told */
    bool closed : 1;   /* by its owner */
    bool closing : 1;  /* and still sends in the background */
    bool draining : 1; /* and reads away what would make the close a reset */
    bool freed : 1;    /* by its owner */
    bool told : 1;     /* the owner knows that it ended */
    bool as_file : 1;  /* no socket */
    bool pipe : 1;     /* one of those: it has one direction only */
    bool ask_first : 1;
    bool keep : 1;         /* the descriptor is left open */
    bool refused : 1;      /* a send was refused: tell when there is room */
    bool roomy : 1;        /* there is room now, and the hooks were not told of it yet */
    bool sender_woken : 1; /* who waited longest for room is about to send: nobody goes before it */
    bool more : 1;         /* it is a wherry__stream_more: see service.h */
    bool recorded : 1;     /* that one's recorder writes down what it does */
    bool serviced : 1;     /* its user drives it; its source is set aside */
    wherry_loop *loop;
    wherry__chunk *input;
    uint32_t begin; /* the bytes in it that were not consumed */
    uint32_t end;
    uint32_t wanted; /* bytes that must fit into the input: the user knows that so many will come */
    uint32_t receive_max;
    const wherry__stream_hooks *hooks;
    void *owner;
    wherry__output *output; /* NULL: nothing is unsent */
    wherry__wait *receiver; /* the task that waits for bytes, or for the connection */
    wherry__link waiters;   /* tasks that wait for room in the output, or for all to be sent */
    wherry__feeder *feeder; /* NULL: everybody may send */
    uint32_t send_max;
    uint32_t linger_ms : 24;
    bool handed;     /* what is in the input, or its front, was given out, and stays where it is */
    int64_t touched; /* when a byte was last received or sent; while connecting or closing: the
                        deadline of that */
    int64_t idle_timeout;
    union {
        wherry__deadline deadline;   /* of connecting, closing, trying again, or idleness: the first
                                        of them */
        wherry__short_address local; /* once the descriptor is closed: what its address was */
    } open;
    wherry__short_address remote;
};

/* Makes a stream that is not opened yet, with the limits of options. NULL: no memory. */
wherry_stream *wherry__stream_make(wherry_loop *loop, const wherry_stream_options *options);

/* Gives the stream, which has none, its descriptor. */
void wherry__stream_adopt(wherry_stream *stream, int descriptor);

/* Makes a stream of a connected socket that the caller has accepted. On failure the descriptor is
 * the caller's still. */
int wherry__stream_accepted(wherry_loop *loop, int descriptor, const wherry_address *remote,
                            const wherry_stream_options *options, wherry_stream **stream);

/* Begins to connect to an address that was checked. On failure there is no stream, and the problem
 * says why without naming the address; later ones are told by the stream. */
int wherry__stream_dial(wherry_stream **stream, wherry_loop *loop, const wherry_address *address,
                        int64_t deadline, const wherry_stream_options *options);

/* Tells a new stream the address of its other end, and sets what suits it. */
void wherry__stream_set_remote(wherry_stream *stream, int descriptor, const wherry_address *remote,
                               const wherry_stream_options *options);

/* Copies what a user gives as options (NULL: defaults), and checks it. Errors as
 * wherry__options_copy; WHERRY_E_MISUSE: one of them is named in the problem. */
int wherry__stream_options_copy(wherry_stream_options *copy, const wherry_stream_options *given);

/* Whether options for streams that are made later say nothing of what one stream is made of:
 * WHERRY_OK or WHERRY_E_MISUSE. */
int wherry__stream_check_later(const wherry_stream_options *options);

/* Copies and checks both, for streams of a loop that are made later, by listeners and peers:
 * serviced ones are WHERRY_E_MISUSE, too. */
int wherry__stream_limits_copy(wherry_stream_options *copy, const wherry_stream_options *given);

/* Addresses in short and in full. Without memory a Unix name becomes none: it is only for show. */
void wherry__address_shorten(wherry_loop *loop, wherry__short_address *shortened,
                             const wherry_address *address);
void wherry__address_lengthen(const wherry__short_address *shortened, wherry_address *address);
void wherry__address_clear(wherry_loop *loop, wherry__short_address *shortened);

/* Replaces who is told. */
void wherry__stream_use(wherry_stream *stream, const wherry__stream_hooks *hooks, void *owner);

/* The watch ended when bytes came that were not wanted; it begins again if they are now. */
void wherry__stream_want_again(wherry_stream *stream);

/* The user wants more bytes than there are, or as many as it can use for now. wanted: bytes that
 * must fit in, 0 for no demand. */
static inline void wherry__stream_demand(wherry_stream *stream, bool hungry, size_t wanted)
{
    stream->wanted = wanted < UINT32_MAX ? (uint32_t)wanted : UINT32_MAX;
    stream->hungry = hungry;
    if (hungry && stream->unwanted)
        wherry__stream_want_again(stream);
}

/* Sets what the system watches for to what the state asks for. */
void wherry__stream_watch(wherry_stream *stream);

/* Ends both directions for a reason, number being the errno(3) value behind it or 0, and tells the
 * owner. */
void wherry__stream_fail(wherry_stream *stream, int reason, int number);

/* Receiving is over, as reason says; sending may go on. Tells the owner behind what was received.
 */
void wherry__stream_finish(wherry_stream *stream, int reason);

/* Tells the owner of the end, once and if it is the time for it. */
void wherry__stream_tell_end(wherry_stream *stream);

/* Ends it in a child process, while the parent goes on with its descriptor. */
void wherry__stream_forget(wherry_stream *stream);

/* Closes the descriptor. */
void wherry__stream_drop(wherry_stream *stream);

/* Gives the storage back when nobody needs it any more: neither the owner, nor the descriptor, nor
 * a task on its way out of a call. */
void wherry__stream_dismiss(wherry_stream *stream);

/* Suspends the running task as the receiver; results as wherry__wait_alone. The stream may have
 * been closed and freed meanwhile; its storage stays for the rest of the pass. */
int wherry__stream_wait(wherry_stream *stream, const char *reason, int64_t deadline);

/* What to do when nothing is unsent any more: tells the end of sending, or goes on with closing. */
void wherry__stream_all_sent(wherry_stream *stream);

/* The parts of being ready. */
void wherry__stream_read(wherry_stream *stream);
void wherry__stream_drain(wherry_stream *stream);
void wherry__stream_connect_ready(wherry_stream *stream);

/* Calls connect(2), where it has to be called (retry), or looks how it went. */
void wherry__stream_connect_go_on(wherry_stream *stream);

/* Nothing more is received, as a result says that is not "not now". */
void wherry__stream_over(wherry_stream *stream, ssize_t result);

/* Arms the deadline for whichever is due first: the end of connecting, closing or idleness, or the
 * next try of what the system refused for now. */
void wherry__stream_arm(wherry_stream *stream);

/* Queues all parts or none, for a service or for nobody to write yet. WHERRY_E_NO_MEMORY; why
 * sending is over, where some had to be written first. */
int wherry__stream_queue(wherry_stream *stream, const wherry_bytes *parts, size_t count);

/* The same, of total bytes for which there is room, to be written at the end of the pass; much is
 * written at once. */
int wherry__stream_accept(wherry_stream *stream, const wherry_bytes *parts, size_t count,
                          size_t total);

/* Queues bytes if nothing stands against them and no more than a place or a reference is to be
 * found for them. False: send them the long way. */
bool wherry__stream_queue_short(wherry_stream *stream, wherry_bytes bytes);

/* Gives back what is unsent, and wakes who waits for it with result. */
void wherry__stream_drop_output(wherry_stream *stream, int result);

/* Writes what is unsent, as far as the system takes it. */
void wherry__stream_write(wherry_stream *stream);

/* Has who was refused told that there is room. */
void wherry__stream_tell_writable(wherry_stream *stream);

/* Writes bytes as they lie, for the feeder, behind what is queued. Returns how many the system has
 * taken; 0: none for now, and the feeder is woken; or why sending is over, the stream being open.
 */
ssize_t wherry__stream_offer(wherry_stream *stream, wherry_bytes bytes);

static inline void wherry__stream_wake_feeder(wherry_stream *stream)
{
    if (stream->feeder != NULL)
        stream->feeder->wake(stream->feeder);
}

/* Wakes the first of those who wait for room, who wakes the next when it has sent; and when nothing
 * is unsent any more, all who flush. */
void wherry__stream_wake_waiters(wherry_stream *stream);

/* wherry__stream_place where nothing is queued yet, and a chunk is at hand. */
uint8_t *wherry__stream_first_place(wherry_stream *stream, size_t total);

/* The way of nearly all sends of a batch: the place behind what is queued already, for total bytes
 * that the caller now copies there, to be written at the end of the pass. NULL: send them the long
 * way. */
static inline uint8_t *wherry__stream_place(wherry_stream *stream, size_t total)
{
    if (WHERRY__FAULT_POINT("stream.send.long-way"))
        return NULL;
    return WHERRY__USUALLY(stream->output != NULL) ? wherry__output_place(stream->output, total)
                                                   : wherry__stream_first_place(stream, total);
}

static inline size_t wherry__stream_length(const wherry_stream *stream)
{
    return stream->end - stream->begin;
}

/* Something changed for senders: the next one looks at how things stand. */
static inline void wherry__stream_end_room(wherry_stream *stream)
{
    if (stream->output != NULL) {
        stream->output->room = 0;
        stream->output->more = 0;
    }
}

/* The way of what goes back as it came: bytes that lie in the input, right behind the last that are
 * queued, are only referred to there, to be written at the end of the pass. False: send them
 * another way. */
static inline bool wherry__stream_refer_behind(wherry_stream *stream, wherry_bytes bytes)
{
    wherry__output *output = stream->output;

    if (output == NULL || bytes.length >= output->more ||
        WHERRY__FAULT_POINT("stream.refer.long-way") || !wherry__output_refer_on(output, bytes))
        return false;
    output->more -= bytes.length;
    return true;
}

/* The same for the first that are queued, if a chunk is at hand, and they are not alone and few. */
bool wherry__stream_refer_many(wherry_stream *stream, wherry_bytes bytes);

/* The same for the first that are queued. */
static inline bool wherry__stream_refer_first(wherry_stream *stream, wherry_bytes bytes)
{
    if (bytes.length < WHERRY__STREAM_REFER_MIN && bytes.length >= wherry__stream_length(stream))
        return false; /* few, which nothing follows, are copied sooner than looked at again */
    return wherry__stream_refer_many(stream, bytes);
}

/* Copies bytes to place and returns the place behind them. */
static inline uint8_t *wherry__bytes_put(uint8_t *place, wherry_bytes bytes)
{
    if (bytes.length > 0)
        memcpy(place, bytes.data, bytes.length);
    return place + bytes.length;
}

/* Gives the input chunk back when nothing is in it, and a large one that holds little. */
void wherry__stream_tidy_input(wherry_stream *stream);

/* wherry_stream_consume, without a call where there is nothing else to be done. */
static inline void wherry__stream_take(wherry_stream *stream, size_t length)
{
    if (stream->unwanted || length >= wherry__stream_length(stream)) {
        wherry_stream_consume(stream, length);
        return;
    }
    stream->begin += (uint32_t)length;
    stream->handed = false;
}

static inline bool wherry__stream_is_open(const wherry_stream *stream)
{
    return stream->source.descriptor >= 0;
}

#endif
