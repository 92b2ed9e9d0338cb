/* The reader: events of a stream that give all that is received away and close at the end. */
#include <wherry/feed.h>

/* A stream that was freed inside of piece is there until the end of the pass. */
static void on_received(wherry_stream_events *events, wherry_stream *stream)
{
    wherry_feed_reader *reader = (wherry_feed_reader *)events;
    wherry_bytes piece = wherry_stream_peek(stream);

    if (reader->piece != NULL && piece.length > 0)
        reader->piece(reader, stream, piece);
    wherry_stream_consume(stream, piece.length);
}

static void on_ended(wherry_stream_events *events, wherry_stream *stream, int reason)
{
    wherry_feed_reader *reader = (wherry_feed_reader *)events;

    wherry_stream_close(stream);
    if (reader->ended != NULL)
        reader->ended(reader, stream, reason);
}

wherry_stream_events *wherry_feed_reader_events(wherry_feed_reader *reader)
{
    reader->events.received = on_received;
    reader->events.ended = on_ended;
    return &reader->events;
}
