/* The inside of serviced streams: those that no loop watches, since their user drives them. Such a
 * stream is any other with its source set aside: what it would be watched for is noted there, and
 * told to its owner. The loop takes it over when it is closed. */
#ifndef WHERRY_NET_SERVICE_H
#define WHERRY_NET_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include <wherry/service.h>

#include "net/recorder.h"
#include "net/stream.h"

/* Who has the stream among others, if anybody: a roster. It takes note, and leaves the stream
 * alone: it may be in the middle of anything. */
typedef struct wherry__service_owner wherry__service_owner;
typedef struct wherry__service_hooks {
    /* What the stream waits for is other events of its source than before (source.watched): 0 when
     * its descriptor is about to go. */
    void (*interest)(wherry__service_owner *self, wherry_stream *stream);
    /* Something can be sent of which no readiness tells, or it was opened: a service is due. */
    void (*unsent)(wherry__service_owner *self, wherry_stream *stream);
    /* What readiness does not tell either: it was closed, is over in both directions, or has
     * another idle time. */
    void (*changed)(wherry__service_owner *self, wherry_stream *stream);
    /* The stream is being freed by its user, who should have removed it. */
    void (*freed)(wherry__service_owner *self, wherry_stream *stream);
} wherry__service_hooks;
struct wherry__service_owner {
    const wherry__service_hooks *hooks;
};

/* What a stream that was dialled has besides: see dial.h. */
typedef struct wherry__dial wherry__dial;

typedef struct wherry__service {
    const wherry_loop *base; /* whose time it goes by: see wherry_stream_wind */
    wherry_timer idle;       /* duration 0: no limit */
    bool fixed_idle;
    wherry__dial *dial;           /* NULL: it was not dialled */
    wherry__service_owner *owner; /* NULL: nobody. Set by who it is */
} wherry__service;

/* A stream with what only some have: allocated as one. */
typedef struct wherry__stream_more {
    wherry_stream stream;       /* first */
    wherry__recorder *recorder; /* NULL: none */
    wherry__flow flow;
    wherry__service service;
} wherry__stream_more;

static inline wherry__stream_more *wherry__stream_more_of(const wherry_stream *stream)
{
    return (wherry__stream_more *)(uintptr_t)stream;
}

static inline wherry__service *wherry__stream_service(const wherry_stream *stream)
{
    return &wherry__stream_more_of(stream)->service;
}

/* Copies the options for streams that are made later and will be serviced: as
 * wherry__stream_limits_copy, but with fixed_idle, and without events. copy->serviced is set. */
int wherry__service_options_copy(wherry_stream_options *copy, const wherry_stream_options *given);

/* The service of a new stream, and its end. */
void wherry__service_init(wherry_stream *stream, const wherry_stream_options *options);
void wherry__service_clear(wherry_stream *stream);

/* Reads a clock that nobody reads: the real one of a loop that is not in a pass. */
void wherry__service_read_clock(const wherry_loop *base);

/* Whether its user services it (else WHERRY_E_MISUSE), and has not closed it (WHERRY_E_CLOSED). */
int wherry__service_check(const wherry_stream *stream);

/* Notes what the stream waits for, and tells its owner if that changes something. */
void wherry__service_watch(wherry_stream *stream, unsigned events);

/* The idle time begins anew: with the connection; and with each byte, unless it is fixed. */
void wherry__service_begin_idle(wherry_stream *stream);
void wherry__service_traffic(wherry_stream *stream);

/* Something can be sent of which no readiness tells; something else has changed (see the owner). */
void wherry__service_unsent(wherry_stream *stream);
void wherry__service_changed(wherry_stream *stream);

/* Ends a stream whose idle time is over, as the clock of its base was read last. Whether it did. */
bool wherry__service_expire(wherry_stream *stream);

/* Hands a stream that was closed, and is not done yet, to its loop. */
void wherry__service_to_background(wherry_stream *stream);

/* How the last attempt to connect failed while the next is awaited; WHERRY_OK: none did. */
int wherry__service_failure(const wherry_stream *stream);

/* Whether what is unsent outlives the connection, for the next one. */
bool wherry__service_keeps_unsent(const wherry_stream *stream);

/* The answer of a call that would have to wait. */
int wherry__service_refuse_wait(int64_t deadline);

/* The user is about to free it. */
void wherry__service_freed(wherry_stream *stream);

#endif
