/* Recording: where streams tell their recorder. One that has none pays a test of a bit. */
#ifndef WHERRY_NET_RECORDING_H
#define WHERRY_NET_RECORDING_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/usually.h"
#include "net/recorder.h"
#include "net/stream.h"

/* For a stream that is recorded: out of the way of those that are not. */
__attribute__((cold)) void wherry__recording_send(wherry_stream *stream, const struct iovec *parts,
                                                  size_t size);
__attribute__((cold)) void wherry__recording_receive(wherry_stream *stream, void *place,
                                                     size_t size);

/* The stream is connected. outgoing: from here. */
void wherry__recording_begin(wherry_stream *stream, bool outgoing);

void wherry__recording_end(wherry_stream *stream, wherry__flow_end end);

/* What a call of the system has answered that sent parts. */
static inline void wherry__recording_sent(wherry_stream *stream, const struct iovec *parts,
                                          ssize_t result)
{
    if (WHERRY__RARELY(stream->recorded) && result > 0)
        wherry__recording_send(stream, parts, (size_t)result);
}

/* What a call of the system has answered that received to place. */
static inline void wherry__recording_received(wherry_stream *stream, void *place, ssize_t result)
{
    if (WHERRY__RARELY(stream->recorded) && result > 0)
        wherry__recording_receive(stream, place, (size_t)result);
}

#endif
