/* Recording: what is told between the beginning of a connection and its end, and nothing else. */
#include "net/recording.h"

#include "net/service.h"

void wherry__recording_begin(wherry_stream *stream, bool outgoing)
{
    wherry__stream_more *more = wherry__stream_more_of(stream);

    if (!stream->recorded || more->flow.begun)
        return;
    more->flow = (wherry__flow){ .begun = true, .outgoing = outgoing };
    more->recorder->begins(more->recorder, stream, &more->flow);
}

static void move(wherry_stream *stream, bool sent, const struct iovec *parts, size_t size)
{
    wherry__stream_more *more = wherry__stream_more_of(stream);

    if (more->flow.begun)
        more->recorder->moves(more->recorder, stream, &more->flow, sent, parts, size);
}

void wherry__recording_send(wherry_stream *stream, const struct iovec *parts, size_t size)
{
    move(stream, true, parts, size);
}

void wherry__recording_receive(wherry_stream *stream, void *place, size_t size)
{
    move(stream, false, &(struct iovec){ place, size }, size);
}

void wherry__recording_end(wherry_stream *stream, wherry__flow_end end)
{
    wherry__stream_more *more;

    if (!stream->recorded)
        return;
    more = wherry__stream_more_of(stream);
    if (!more->flow.begun)
        return;
    more->recorder->ends(more->recorder, stream, &more->flow, end);
    if (end == WHERRY__FLOW_OVER)
        more->flow.begun = false;
}
