/* Ear: the parts of which scenarios with streams are made: dialling with a talk's head in front,
 * hearing, saying, and a server of one task a connection. */
#ifndef TOOL_SCENARIOS_EAR_H
#define TOOL_SCENARIOS_EAR_H

#include "talk.h"

/* The receiving end of a stream. Where connections are accepted, the head tells which talk it is.
 */
struct ear {
    struct stage *stage;
    struct talk *talk; /* NULL: the head has not come yet */
    struct way *way;   /* what is heard */
    uint8_t head[TALK_HEAD];
    size_t head_length;
};

/* For who accepted, and for who dialled. */
struct ear ear_for_visitor(struct stage *stage);
struct ear ear_for_dialler(struct stage *stage, struct talk *talk);

/* Bytes that came. Returns how many were of the way, or WHERRY_E_BROKEN. */
ssize_t ear_hear(struct ear *ear, wherry_bytes bytes);

/* Receives once: returns how many bytes of the way came, or how it ended, which is checked. */
ssize_t ear_receive(struct ear *ear, wherry_stream *stream, int64_t deadline);

/* Receives to the end: WHERRY_E_END, or another code. */
int ear_receive_all(struct ear *ear, wherry_stream *stream, int64_t deadline);

/* Connects a new talk to a slot of a host, and sends its head. */
int ear_dial(struct stage *stage, unsigned host, unsigned slot, int64_t deadline,
             const wherry_stream_options *options, wherry_stream **stream, const struct talk *talk);

/* Sends length bytes of a way in pieces; the way is told whether it happened. */
int say_bytes(struct stage *stage, wherry_stream *stream, struct way *way, uint64_t length,
              int64_t deadline);

/* Listens, and runs body for each connection in a task of its own, until the scenario is over. The
 * stream is freed behind body, whose result must be fair. */
typedef int visit_body(struct stage *stage, wherry_stream *stream, void *argument);
int serve_streams(struct stage *stage, unsigned host, unsigned slot,
                  const wherry_stream_options *options, visit_body *body, void *argument);

/* Sends back what comes, to its end; argument is not used. */
visit_body echo_visit;

/* A server in slot 0 of the first host, for who only connects: it says nothing, and what comes is
 * not looked at; argument is not used. */
stage_body serve_nothing;

#endif
