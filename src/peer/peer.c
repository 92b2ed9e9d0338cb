/* Peer: making one, holding it, and what it tells. Receiving and sending have files of their own.
 */
#include "peer/peer.h"

#include <wherry/error.h>

#include "base/error.h"
#include "base/probe.h"
#include "base/size.h"
#include "peer/receive.h"

#define MESSAGES_PER_PASS_DEFAULT 64

/* Room for a message of the protocol's limit must be in the receive buffer, whatever its own limit
 * is. */
static void widen(wherry_stream *stream, const wherry__settings *settings)
{
    size_t needed = settings->message_size_max + WHERRY__FRAME_SIZE_MAX;

    if (stream->receive_max < needed)
        stream->receive_max = (uint32_t)needed;
}

int wherry__peer_make(wherry_peer **result, size_t size, wherry_stream *stream,
                      const wherry_protocol *protocol, size_t messages_per_pass)
{
    const wherry__settings *settings = wherry__protocol_settings(protocol);
    size_t most = messages_per_pass == 0 ? MESSAGES_PER_PASS_DEFAULT : messages_per_pass;
    wherry_peer *peer;

    if (settings == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no protocol");
    peer = wherry__memory_take(wherry__loop_memory(stream->loop), size);
    if (peer == NULL)
        return WHERRY_E_NO_MEMORY;
    peer->stream = stream;
    peer->settings = settings;
    peer->size = (uint32_t)size;
    peer->holds = 1;
    peer->next = WHERRY_E_WOULD_BLOCK;
    peer->count_max = (uint16_t)wherry__size_min(most, UINT16_MAX);
    widen(stream, settings);
    wherry__peer_listen(peer);
    *result = peer;
    return WHERRY_OK;
}

int wherry_peer_new(wherry_peer **peer, wherry_stream *stream, const wherry_protocol *protocol)
{
    if (peer == NULL || stream == NULL || stream->closed)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the peer, or no open stream");
    if (stream->serviced)
        return wherry__fail(WHERRY_E_MISUSE, "the stream is serviced: a peer needs a loop's");
    return wherry__peer_make(peer, sizeof(**peer), stream, protocol, 0);
}

/* --- holding */

wherry_peer *wherry_peer_hold(wherry_peer *peer)
{
    peer->holds++;
    return peer;
}

/* Holds of calls whose tasks were given up with the loop. */
static uint32_t lost_holds(const wherry_peer *peer)
{
    const wherry_loop *loop = peer->stream->loop;

    return loop->freed || loop->forgotten ? peer->calls : 0;
}

void wherry_peer_release(wherry_peer *peer)
{
    wherry_loop *loop = peer->stream->loop;
    wherry_memory *memory = wherry__loop_memory(loop);

    if (--peer->holds > lost_holds(peer))
        return;
    wherry__loop_hold(loop); /* the stream's own hold may be the last one */
    wherry_stream_free(peer->stream);
    wherry__memory_give(memory, peer->problem, WHERRY__PEER_PROBLEM_SIZE);
    wherry__memory_give(memory, peer, peer->size);
    wherry__loop_release(loop);
}

void wherry__peer_enter(wherry_peer *peer)
{
    peer->calls++;
    wherry_peer_hold(peer);
}

void wherry__peer_leave(wherry_peer *peer)
{
    peer->calls--;
    wherry_peer_release(peer);
}

/* The hold of who opened it goes once, however often it is closed; a keeper decides itself when. */
static void drop(wherry_peer *peer)
{
    WHERRY__PROBE_IF(peer->receiver != NULL, "peer.close.receiver-waits");
    /* With the loop its task was given up, stack and all. */
    if (peer->receiver != NULL && !peer->stream->loop->freed)
        wherry__wait_wake(peer->receiver, WHERRY_E_CLOSED);
    if (peer->notify != NULL) {
        peer->notify(peer);
    } else if (!peer->dropped) {
        peer->dropped = true;
        wherry_peer_release(peer);
    }
}

/* Whether the hold of who opened it is the only one, and nobody has to be told of the close. */
static bool is_nobodys_else(const wherry_peer *peer)
{
    return peer->holds == 1 && !peer->dropped && peer->notify == NULL && peer->receiver == NULL;
}

/* A stream that is freed at once keeps nothing for who asks later. */
void wherry_peer_close(wherry_peer *peer)
{
    if (peer == NULL)
        return;
    if (is_nobodys_else(peer)) {
        wherry_peer_release(peer);
        return;
    }
    wherry_stream_close(peer->stream);
    drop(peer);
}

void wherry_peer_abort(wherry_peer *peer)
{
    if (peer == NULL)
        return;
    wherry_stream_abort(peer->stream);
    drop(peer);
}

/* --- what it tells */

int wherry_peer_end(const wherry_peer *peer)
{
    return peer->truncated ? WHERRY_E_TRUNCATED : wherry_stream_end(peer->stream);
}

const char *wherry_peer_problem(const wherry_peer *peer)
{
    if (peer->truncated)
        return "the other end finished inside of a message";
    if (peer->stream->reason == WHERRY_OK && peer->problem != NULL)
        return peer->problem;
    return wherry_stream_problem(peer->stream);
}

void wherry_peer_remote(const wherry_peer *peer, wherry_address *address)
{
    wherry_stream_remote(peer->stream, address);
}

void wherry_peer_local(const wherry_peer *peer, wherry_address *address)
{
    wherry_stream_local(peer->stream, address);
}

wherry_stream *wherry_peer_stream(const wherry_peer *peer)
{
    return peer->stream;
}

void wherry_peer_set_user(wherry_peer *peer, void *user)
{
    peer->user = user;
}

void *wherry_peer_user(const wherry_peer *peer)
{
    return peer->user;
}
