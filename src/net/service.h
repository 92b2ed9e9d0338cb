/* The inside of serviced streams: those that no loop watches, since their user drives them. */
#ifndef WHERRY_NET_SERVICE_H
#define WHERRY_NET_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include <wherry/service.h>

#include "net/recorder.h"
#include "net/stream.h"

/* Who has the stream among others, if anybody: a roster. */
typedef struct wherry__service_owner wherry__service_owner;
struct wherry__service_owner {
    /* What the stream waits for is other events of its source than before (source.watched): 0 when
     * its descriptor is about to go. */
    void (*interest)(wherry__service_owner *self, wherry_stream *stream);
    /* Something can be sent that could not be before. */
    void (*unsent)(wherry__service_owner *self, wherry_stream *stream);
    /* The stream is being freed by its user, who should have removed it. */
    void (*freed)(wherry__service_owner *self, wherry_stream *stream);
};

typedef struct wherry__service {
    const wherry_loop *base; /* whose time it goes by */
    wherry_timer idle;       /* duration 0: no limit */
    bool fixed_idle;
    bool dialled;
    bool reconnect;
    int64_t timeout;              /* of an attempt to connect; 0: the system's */
    wherry_timer attempt;         /* since the last one began */
    wherry_address target;        /* dialled: where to */
    wherry__service_owner *owner; /* NULL: nobody */
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

#endif
