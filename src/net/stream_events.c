/* Events: the public callbacks of a stream, as one user of its hooks. */
#include "net/stream.h"

static void tell_connected(void *owner, wherry_stream *stream)
{
    wherry_stream_events *events = owner;

    if (events->connected != NULL)
        events->connected(events, stream);
}

/* What is consumed inside the callback makes room, so that reading goes on. */
static void tell_received(void *owner, wherry_stream *stream)
{
    wherry_stream_events *events = owner;

    if (events->received != NULL)
        events->received(events, stream);
}

static void tell_writable(void *owner, wherry_stream *stream)
{
    wherry_stream_events *events = owner;

    if (events->writable != NULL)
        events->writable(events, stream);
}

static void tell_ended(void *owner, wherry_stream *stream, int reason)
{
    wherry_stream_events *events = owner;

    if (events->ended != NULL)
        events->ended(events, stream, reason);
}

static const wherry__stream_hooks events_hooks = {
    .connected = tell_connected,
    .received = tell_received,
    .writable = tell_writable,
    .ended = tell_ended,
};

void wherry_stream_set_events(wherry_stream *stream, wherry_stream_events *events)
{
    if (stream->closed || stream->serviced ||
        (stream->hooks != NULL && stream->hooks != &events_hooks))
        return;
    wherry__stream_use(stream, events == NULL ? NULL : &events_hooks, events);
}
