/* Sending messages: the framing goes around the payload, and both go to the stream in one piece. */
#include <wherry/peer.h>

#include <string.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/probe.h"
#include "base/size.h"
#include "peer/peer.h"
#include "protocol/length.h"

#define PARTS_MAX 16

/* Shorter messages are copied sooner than looked at. */
#define FRAMED_MIN 512

static int check(const wherry_peer *peer, const wherry_bytes *parts, size_t count, size_t *total)
{
    *total = 0;
    if (count > PARTS_MAX)
        return wherry__fail(WHERRY_E_MISUSE, "a message in more than %d parts", PARTS_MAX);
    for (size_t i = 0; i < count; i++)
        if (!wherry__size_add(*total, parts[i].length, total))
            *total = SIZE_MAX;
    if (*total > peer->settings->message_size_max)
        return wherry__fail(WHERRY_E_TOO_LARGE, "a message of %zu bytes, over the limit of %zu",
                            *total, peer->settings->message_size_max);
    return WHERRY_OK;
}

/* Behind what is queued already: nearly all messages of a batch. */
static bool send_behind(wherry_stream *stream, const wherry__frame *frame,
                        const wherry_bytes *parts, size_t count, size_t total)
{
    uint8_t *place = wherry__stream_place(stream, frame->head_length + total + frame->tail.length);

    if (place == NULL)
        return false;
    place = wherry__bytes_put(place, wherry_bytes_at(frame->head, frame->head_length));
    for (size_t i = 0; i < count; i++)
        place = wherry__bytes_put(place, parts[i]);
    (void)wherry__bytes_put(place, frame->tail);
    return true;
}

/* A message that goes back as it came still has its frame around it where it was received: *whole
 * is both. */
static bool has_frame(const wherry_peer *peer, const wherry__frame *frame, wherry_bytes message,
                      wherry_bytes *whole)
{
    const wherry__chunk *chunk = peer->stream->input;
    const uint8_t *tail = message.data + message.length;

    if (message.length < FRAMED_MIN || chunk == NULL || message.data < chunk->bytes ||
        tail > chunk->bytes + peer->stream->end ||
        frame->head_length > (size_t)(message.data - chunk->bytes) ||
        frame->tail.length > (size_t)(chunk->bytes + peer->stream->end - tail) ||
        memcmp(message.data - frame->head_length, frame->head, frame->head_length) != 0)
        return false;
    *whole = wherry_bytes_at(message.data - frame->head_length,
                             frame->head_length + message.length + frame->tail.length);
    return wherry_bytes_equal(wherry_bytes_at(tail, frame->tail.length), frame->tail);
}

/* Through the stream, which decides what is copied, and waits. Not inlined, so that the short way
 * has a small stack. */
__attribute__((noinline)) static int send_long(wherry_stream *stream, const wherry__frame *frame,
                                               const wherry_bytes *parts, size_t count,
                                               int64_t deadline)
{
    wherry_bytes all[PARTS_MAX + 2];
    size_t filled = 0;

    if (frame->head_length > 0)
        all[filled++] = wherry_bytes_at(frame->head, frame->head_length);
    for (size_t i = 0; i < count; i++)
        all[filled++] = parts[i];
    if (frame->tail.length > 0)
        all[filled++] = frame->tail;
    return wherry_stream_send_parts(stream, all, filled, deadline);
}

/* Not inlined, so that the short way has a small stack. */
__attribute__((noinline)) static int send_framed(wherry_peer *peer, const wherry_bytes *parts,
                                                 size_t count, size_t total, int64_t deadline)
{
    const wherry__settings *settings = peer->settings;
    wherry_bytes whole;
    wherry__frame frame;
    int result = settings->framing->encode(settings, &frame, parts, count, total);

    if (result < 0)
        return result;
    if (!settings->only_length && send_behind(peer->stream, &frame, parts, count, total))
        return WHERRY_OK;
    if (count != 1 || !has_frame(peer, &frame, parts[0], &whole) ||
        WHERRY__FAULT_POINT("peer.send.in-parts"))
        return send_long(peer->stream, &frame, parts, count, deadline);
    WHERRY__PROBE("peer.send.goes-back-whole");
    return wherry_stream_send(peer->stream, whole, deadline);
}

/* The short way of framings that put nothing but a length in front: the place for a payload behind
 * it, and behind what is queued already, as nearly all messages of a batch. NULL: the long way. */
static inline uint8_t *headed_place(const wherry_peer *peer, size_t total)
{
    const wherry__settings *settings = peer->settings;
    uint8_t *place;

    if (!settings->only_length || total > settings->message_size_max)
        return NULL;
    place = wherry__stream_place(peer->stream, settings->width + total);
    return place == NULL ? NULL : wherry__length_put(settings, place, total);
}

int wherry_peer_send_parts(wherry_peer *peer, const wherry_bytes *parts, size_t count,
                           int64_t deadline)
{
    size_t total;
    int result = check(peer, parts, count, &total);
    uint8_t *place = result < 0 ? NULL : headed_place(peer, total);

    if (result == WHERRY_OK && place == NULL)
        return send_framed(peer, parts, count, total, deadline);
    for (size_t i = 0; i < count && place != NULL; i++)
        place = wherry__bytes_put(place, parts[i]);
    return result;
}

/* Not inlined, so that the short way needs no place for the message in memory. */
__attribute__((noinline)) static int send_alone(wherry_peer *peer, wherry_bytes message,
                                                int64_t deadline)
{
    return wherry_peer_send_parts(peer, &message, 1, deadline);
}

/* Whether it is the message that was handed out, which would get the same in front of it as it came
 * with: all of that still lies in the input. */
static inline bool goes_back(const wherry_peer *peer, wherry_bytes message)
{
    return peer->handed && message.data == peer->message.data &&
           message.length == peer->message.length && peer->settings->same_back;
}

static inline wherry_bytes with_head(const wherry_peer *peer, wherry_bytes message)
{
    const size_t whole = peer->cursor.taken;

    return wherry_bytes_at(message.data - (whole - message.length), whole);
}

/* Not inlined, so that what goes back behind others needs no stack. */
__attribute__((noinline)) static int send_otherwise(wherry_peer *peer, wherry_bytes message,
                                                    int64_t deadline)
{
    uint8_t *place;

    if (peer->stream->output == NULL && goes_back(peer, message) &&
        wherry__stream_refer_first(peer->stream, with_head(peer, message)))
        return WHERRY_OK;
    place = headed_place(peer, message.length);
    if (place == NULL)
        return send_alone(peer, message, deadline);
    (void)wherry__bytes_put(place, message);
    return WHERRY_OK;
}

int wherry_peer_send(wherry_peer *peer, wherry_bytes message, int64_t deadline)
{
    if (goes_back(peer, message) &&
        wherry__stream_refer_behind(peer->stream, with_head(peer, message)))
        return WHERRY_OK;
    return send_otherwise(peer, message, deadline);
}

int wherry_peer_flush(wherry_peer *peer, int64_t deadline)
{
    int result;

    wherry__peer_enter(peer);
    result = wherry_stream_flush(peer->stream, deadline);
    wherry__peer_leave(peer);
    return result;
}

int wherry_peer_shutdown(wherry_peer *peer)
{
    return wherry_stream_shutdown(peer->stream);
}
