/* Recorder: who writes down what streams receive and send. Streams know it as this table and no
 * more; the wirelog is one. It is called in the middle of anything and must not touch the stream,
 * but for asking it its addresses.
 */
#ifndef WHERRY_NET_RECORDER_H
#define WHERRY_NET_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <wherry/stream.h>

/* What it keeps of one stream; zeroed at first. */
typedef struct wherry__flow {
    uint64_t received; /* bytes */
    uint64_t sent;
    void *state; /* the recorder's; given back at the end */
    bool begun;
    bool outgoing;    /* it was connected from here */
    bool ended_there; /* the other end finished */
    bool ended_here;
    bool broken; /* a reset went one way or the other */
} wherry__flow;

typedef enum wherry__flow_end {
    WHERRY__FLOW_FINISHED_THERE, /* the other end sends no more */
    WHERRY__FLOW_FINISHED_HERE,  /* this end sends no more */
    WHERRY__FLOW_BROKEN_THERE,   /* a reset came, or what counts as one */
    WHERRY__FLOW_BROKEN_HERE,    /* a reset was sent */
    WHERRY__FLOW_OVER,           /* the stream is done with its descriptor; nothing follows */
} wherry__flow_end;

typedef struct wherry__recorder wherry__recorder;
struct wherry__recorder {
    /* The stream is connected. */
    void (*begins)(wherry__recorder *self, const wherry_stream *stream, wherry__flow *flow);
    /* The first size bytes of the parts went out, or came in. */
    void (*moves)(wherry__recorder *self, const wherry_stream *stream, wherry__flow *flow,
                  bool sent, const struct iovec *parts, size_t size);
    void (*ends)(wherry__recorder *self, const wherry_stream *stream, wherry__flow *flow,
                 wherry__flow_end end);
};

#endif
