/* The inside of a peer over a stream.
 *
 *     stream's input:  [ held | not decoded yet ... ]
 *                        ^ the message that was handed out, or is ready to be, with its framing
 *
 * Messages are decoded one ahead: as soon as bytes arrive and somebody wants them, so that only
 * whole messages wake a task.
 */
#ifndef WHERRY_PEER_PEER_H
#define WHERRY_PEER_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wherry/peer.h>

#include "net/stream.h"
#include "protocol/framing.h"

struct wherry_peer {
    wherry_stream *stream;
    const wherry__settings *settings;
    wherry__wait *receiver;
    void (*notify)(wherry_peer *peer); /* there is a message, or the end, and nobody waits for it,
                                          or the peer was closed. Who set it has the opener's
                                          hold. NULL: nobody cares */
    bool handed;                       /* the message was handed out */
    bool asked;                        /* a receive was called since this was last cleared */
    bool received;                     /* and gave a message, what came in its place, or the end */
    bool receiving;                    /* a receive is suspended */
    bool truncated;                    /* it ended inside of a message */
    bool dropped;                      /* the hold of who opened it is gone */
    uint8_t keeper_state;              /* of who set notify */
    uint32_t pass;                     /* in which the last message was handed out */
    uint32_t count;                    /* messages handed out in it */
    uint16_t count_max;
    int16_t next; /* what the next receive answers: WHERRY_OK, _MALFORMED; or _WOULD_BLOCK: nothing
                     is decoded */
    uint32_t holds;
    wherry_bytes message;  /* what was decoded */
    wherry__cursor cursor; /* taken: the bytes of the input that belong to the message */
    uint64_t offset;       /* of the first byte of the input in all that was received */
    void *user;
    uint32_t size;  /* of the storage */
    uint32_t calls; /* of the holds, those of calls that are suspended */
    char *problem;  /* of the last malformed message, of PROBLEM_SIZE bytes; NULL: there was none */
};

/* Makes a peer of stream, held once, in zeroed storage of size bytes: it may be the first part of
 * something larger. messages_per_pass: 0 for the default. */
int wherry__peer_make(wherry_peer **peer, size_t size, wherry_stream *stream,
                      const wherry_protocol *protocol, size_t messages_per_pass);

/* Holds it for a call that may be suspended. The hold counts no more once the task of the call
 * cannot come back. */
void wherry__peer_enter(wherry_peer *peer);
void wherry__peer_leave(wherry_peer *peer);

/* Whether a receive would answer at once: decodes what there is. If not, more is read. */
bool wherry__peer_ready(wherry_peer *peer);

/* Says that the message that was handed out is done with. */
static inline void wherry__peer_done(wherry_peer *peer)
{
    wherry_stream *stream = peer->stream;

    if (!peer->handed)
        return;
    peer->handed = false;
    peer->offset += peer->cursor.taken;
    stream->handed = false;
    wherry__stream_take(stream, peer->cursor.taken);
    wherry__source_flush_later(stream->loop, &stream->source); /* the rest may need less room */
}

#endif
