/* A serviced stream and the far end of it, which is a plain descriptor: nothing happens to the
 * stream but in the calls of the test. */
#ifndef TESTS_SUPPORT_SERVICED_H
#define TESTS_SUPPORT_SERVICED_H

#include <wherry/service.h>

#include "support/net.h"

typedef struct serviced {
    net *world;
    wherry_stream *stream;
    int far; /* -1: closed by the test */
} serviced;

/* Connects one, with the members of wherry_stream_options that follow (one at least). */
#define serviced_open(self, world, kind, ...)                                                      \
    serviced_open_with(self, world, kind, (wherry_stream_options){ __VA_ARGS__ })
void serviced_open_with(serviced *self, net *world, net_kind kind, wherry_stream_options options);

/* Heals the system, frees the stream (unless NULL), closes the far end, and lets the loop do what
 * is left. */
void serviced_close(serviced *self);

/* The kernel hands bytes and ends on between two calls: these are made until it has. */
#define SERVICED_UNTIL(condition)                                                                  \
    do {                                                                                           \
    } while (!(condition))

/* Queues the text, which must fit. */
void serviced_say(serviced *self, const char *text);

/* The far end gets the text, of less than 100 bytes, and nothing behind it so far. */
void serviced_hear(serviced *self, const char *text);

/* The text is what is buffered. Consumes it. */
void serviced_expect(serviced *self, const char *text);

/* The stream, also one that was dialled, is not open, whether it was closed or was not opened yet:
 * it is not connected, and each part of a pass says so. */
void serviced_expect_closed(wherry_stream *stream);

/* The far end goes, in order or with a reset. */
void serviced_close_far(serviced *self);
void serviced_reset_far(serviced *self);

#endif
