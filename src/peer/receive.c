/* Receiving messages: decoding them in the stream's input, where they are handed out. */
#include "peer/receive.h"

#include <stdio.h>

#include <wherry/error.h>
#include <wherry/task.h>

#include "base/error.h"
#include "base/probe.h"
#include "base/usually.h"
#include "loop/task.h"
#include "loop/wait.h"
#include "peer/peer.h"
#include "protocol/length.h"

/* --- decoding */

/* A broken-off stream leaves no last message: only an orderly end says that what is there is all.
 */
static bool has_ended(const wherry_peer *peer)
{
    return peer->stream->reason == WHERRY_E_END;
}

static void consume(wherry_peer *peer, size_t size)
{
    peer->offset += size;
    wherry__stream_take(peer->stream, size);
}

/* The input that was not consumed; there is an input. */
static inline wherry_bytes rest(const wherry_stream *stream)
{
    return wherry_bytes_at(stream->input->bytes + stream->begin, wherry__stream_length(stream));
}

static int run_decoder(wherry_peer *peer)
{
    wherry_bytes bytes = rest(peer->stream);

    peer->cursor.data = bytes.data;
    peer->cursor.length = bytes.length;
    peer->cursor.ended = has_ended(peer);
    return peer->settings->framing->decode(peer->settings, &peer->cursor, &peer->message);
}

/* What was decoded is the next answer. It stays where it lies until it is done with. */
static inline bool offer(wherry_peer *peer, int result)
{
    peer->next = (int16_t)result;
    peer->stream->handed = peer->cursor.taken > 0;
    return true;
}

/* Decodes the next message, if it is there. */
__attribute__((noinline)) static bool decode_next(wherry_peer *peer)
{
    while (wherry__stream_length(peer->stream) > 0 && !peer->stream->closed) {
        int result = run_decoder(peer);

        if (WHERRY__USUALLY(result == WHERRY_OK))
            return offer(peer, result);
        if (result == WHERRY_E_MALFORMED) {
            WHERRY__PROBE("peer.receive.malformed");
            peer->message = wherry_text(peer->cursor.mistake);
            return offer(peer, result);
        }
        peer->truncated = peer->truncated || result == WHERRY_E_TRUNCATED;
        WHERRY__PROBE_IF(result == WHERRY_E_TRUNCATED, "peer.receive.truncated");
        WHERRY__PROBE_IF(result == WHERRY_E_WOULD_BLOCK && peer->cursor.taken > 0,
                         "peer.receive.thrown-away");
        if (peer->cursor.taken == 0)
            return false;
        consume(peer, peer->cursor.taken);
    }
    return false;
}

/* The same, with a short way for framings that put nothing but a length in front, when all of the
 * message is there. */
static inline bool decode(wherry_peer *peer)
{
    const wherry__settings *settings = peer->settings;
    const wherry_stream *stream = peer->stream;

    if (stream->input == NULL)
        return false;
    if (!settings->only_length || peer->cursor.skip > 0 || stream->closed ||
        WHERRY__FAULT_POINT("peer.decode.long-way") ||
        !wherry__length_is_whole(settings, rest(stream), &peer->message))
        return decode_next(peer);
    peer->cursor.taken = settings->width + peer->message.length;
    peer->cursor.wanted = 0;
    return offer(peer, WHERRY_OK);
}

static bool is_over(const wherry_peer *peer)
{
    return peer->stream->reason != WHERRY_OK;
}

bool wherry__peer_ready(wherry_peer *peer)
{
    if (peer->handed)
        return false;
    if (peer->next != WHERRY_E_WOULD_BLOCK || decode(peer) || is_over(peer))
        return true;
    wherry__stream_demand(peer->stream, true, peer->cursor.wanted);
    return false;
}

/* --- told by the stream */

static void tell(wherry_peer *peer)
{
    if (peer->receiver != NULL)
        wherry__wait_wake(peer->receiver, WHERRY_OK);
    else if (peer->notify != NULL)
        peer->notify(peer);
}

/* While a message is handed out what arrives stays where it is: the next receive looks at it. */
static void on_received(void *owner, wherry_stream *stream)
{
    wherry_peer *peer = owner;

    if (peer->handed || (peer->receiver == NULL && peer->notify == NULL)) {
        wherry__stream_demand(stream, false, 0);
        return;
    }
    if (wherry__peer_ready(peer)) {
        wherry__stream_demand(stream, false, 0);
        tell(peer);
    }
}

static void on_ended(void *owner, wherry_stream *stream, int reason)
{
    wherry_peer *peer = owner;

    (void)stream;
    (void)reason;
    if (peer->handed)
        return;
    (void)wherry__peer_ready(peer);
    tell(peer);
}

void wherry__peer_listen(wherry_peer *peer)
{
    static const wherry__stream_hooks hooks = { .received = on_received, .ended = on_ended };

    wherry__stream_use(peer->stream, &hooks, peer);
}

/* --- the user's side */

/* What was handed out is no message then: it lies where nothing does that a program could send. */
__attribute__((noinline, cold)) static void describe_mistake(wherry_peer *peer)
{
    static const uint8_t nowhere = 0;

    if (peer->problem == NULL)
        peer->problem = wherry__memory_take(wherry__loop_memory(peer->stream->loop),
                                            WHERRY__PEER_PROBLEM_SIZE);
    (void)wherry__fail(WHERRY_E_MALFORMED, "%.*s, at byte %llu of the connection",
                       (int)peer->message.length, (const char *)peer->message.data,
                       (unsigned long long)peer->offset);
    if (peer->problem != NULL)
        (void)snprintf(peer->problem, WHERRY__PEER_PROBLEM_SIZE, "%s", wherry_problem());
    peer->message = wherry_bytes_at(&nowhere, 0);
}

/* After so many messages in one pass the others have their turn. */
static bool had_its_turn(const wherry_peer *peer, int64_t deadline)
{
    return peer->count >= peer->count_max &&
           peer->pass == (uint32_t)peer->stream->loop->statistics.passes &&
           deadline != WHERRY_NOW && wherry_task_current() != NULL;
}

static void count_message(wherry_peer *peer)
{
    uint32_t pass = (uint32_t)peer->stream->loop->statistics.passes;

    if (peer->pass != pass)
        peer->count = 0;
    peer->pass = pass;
    peer->count++;
}

/* Answers with what was decoded. */
static inline int hand_out(wherry_peer *peer, wherry_bytes *message)
{
    int result = peer->next;

    if (result == WHERRY_OK)
        *message = wherry_bytes_at(peer->message.data, peer->message.length);
    else
        describe_mistake(peer);
    peer->next = WHERRY_E_WOULD_BLOCK;
    peer->handed = true;
    count_message(peer);
    return result;
}

static inline int answer(wherry_peer *peer, wherry_bytes *message)
{
    peer->received = true;
    return peer->next != WHERRY_E_WOULD_BLOCK && !peer->stream->closed ? hand_out(peer, message)
                                                                       : wherry_peer_end(peer);
}

/* The way of a receive that suspends. Others may close the peer meanwhile, hence the hold. */
static int receive_later(wherry_peer *peer, wherry_bytes *message, int64_t deadline)
{
    int result = WHERRY_OK;

    wherry__peer_enter(peer);
    peer->receiving = true;
    if (had_its_turn(peer, deadline)) {
        WHERRY__PROBE("peer.receive.had-its-turn");
        result = wherry_yield();
    }
    while (result == WHERRY_OK && !wherry__peer_ready(peer))
        result = WHERRY__WAITED(
            "peer.receive",
            wherry__wait_alone(peer->stream->loop, &peer->receiver, "receive", deadline));
    WHERRY__PROBE_IF(peer->holds == 1, "peer.receive.closed-while-it-waits");
    peer->receiving = false;
    if (result == WHERRY_OK)
        result = answer(peer, message);
    wherry__peer_leave(peer);
    return result;
}

__attribute__((noinline)) static int receive_next(wherry_peer *peer, wherry_bytes *message,
                                                  int64_t deadline)
{
    int result;

    if (peer->receiving)
        return wherry__fail(WHERRY_E_BUSY, "another task is receiving from the peer");
    peer->asked = true;
    wherry__peer_done(peer);
    result = wherry__task_refused_until(deadline);
    if (result < 0)
        return result;
    if (had_its_turn(peer, deadline) ||
        (peer->next == WHERRY_E_WOULD_BLOCK && !wherry__peer_ready(peer)))
        return receive_later(peer, message, deadline);
    return answer(peer, message);
}

/* The short way of nearly all receives of a handler: what is there was decoded before it was
 * called, and nothing stands against giving it out. */
int wherry_peer_receive(wherry_peer *peer, wherry_bytes *message, int64_t deadline)
{
    const wherry_task *task = wherry__task_running();

    if (peer->next != WHERRY_OK || peer->receiving || peer->stream->closed ||
        peer->count >= peer->count_max || task == NULL || task->canceled || task->shield != 0 ||
        WHERRY__FAULT_POINT("peer.receive.long-way"))
        return receive_next(peer, message, deadline);
    peer->asked = true;
    peer->received = true;
    return hand_out(peer, message);
}
