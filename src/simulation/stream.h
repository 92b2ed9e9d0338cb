/* Stream: what the files of simulated TCP share. Each end of a connection is a socket on its host,
 * and the ends know each other by segments only, as real ones do; hence whatever the network does
 * to those has the consequences that it has in reality.
 *
 *     stream.c          sockets: made, asked, closed
 *     stream_connect.c  the end that asks for a connection
 *     stream_listen.c   the end that is asked
 *     stream_data.c     the program's bytes, in and out
 *     stream_segment.c  what an end says to the other
 *     stream_arrive.c   what it makes of what it hears
 *     stream_end.c      how connections end
 *     stream_timer.c    what happens when nothing is heard
 *     stream_option.c   setsockopt(2)
 *
 * Segments of one direction come in order and are not lost as long as both hosts are on and the
 * connection is not silent: the link sends them again by itself. So there are no numbers of bytes
 * in them, and the sender keeps none of what it has sent: it counts. In place of the initial
 * numbers, by which TCP knows what belongs to a former connection of the same names, each segment
 * has the number of its connection.
 */
#ifndef WHERRY_SIMULATION_STREAM_H
#define WHERRY_SIMULATION_STREAM_H

#include "simulation/stream_queue.h"
#include "simulation/ports.h"

#define WHERRY__SIM_SECOND INT64_C(1000000000)
#define WHERRY__SIM_MILLISECOND INT64_C(1000000)

/* The states of RFC 9293. TIME_WAIT is CLOSED to the program. */
typedef enum wherry__sim_phase {
    WHERRY__SIM_CLOSED,
    WHERRY__SIM_LISTEN,
    WHERRY__SIM_SYN_SENT,
    WHERRY__SIM_SYN_RECEIVED,
    WHERRY__SIM_ESTABLISHED,
    WHERRY__SIM_FIN_WAIT_1,
    WHERRY__SIM_FIN_WAIT_2,
    WHERRY__SIM_CLOSING,
    WHERRY__SIM_TIME_WAIT,
    WHERRY__SIM_CLOSE_WAIT,
    WHERRY__SIM_LAST_ACK,
} wherry__sim_phase;

/* How far the program has come with connect(2), which is not the same: it learns of the end of its
 * attempt by calling that again. */
typedef enum wherry__sim_attempt {
    WHERRY__SIM_ATTEMPT_NONE,
    WHERRY__SIM_ATTEMPT_UNDER_WAY,
    WHERRY__SIM_ATTEMPT_OVER,
} wherry__sim_attempt;

/* What the program has set, in the units of setsockopt(2). */
typedef struct wherry__sim_stream_options {
    int no_delay, cork;
    int keep_alive, keep_idle, keep_interval, keep_count;
    int syn_count, linger, user_timeout;
    int max_segment;
} wherry__sim_stream_options;

typedef struct wherry__sim_stream wherry__sim_stream;
struct wherry__sim_stream {
    wherry__sim_socket base;
    wherry__sim_phase phase;
    wherry__sim_attempt attempt;
    bool no_receive, no_send; /* shut down */
    bool ended;               /* the other end's FIN was heard */
    bool accepted;            /* made by a listener */
    bool orphan;              /* without a descriptor, and not waiting to be accepted */
    wherry__sim_stream_options options;

    /* of a connection */
    uint64_t number;
    wherry__sim_host *other; /* NULL: nobody has that address */
    wherry__sim_flow *flow;  /* what this end says; NULL: it is not connected */
    wherry__sim_queue unsent, received;
    uint64_t sent, confirmed; /* bytes that were sent, and that the other end has; FIN is one */
    uint64_t allowed;         /* bytes that may be sent */
    uint64_t taken;           /* bytes that came; FIN is one */
    uint64_t read;            /* bytes that the program has read */
    uint64_t promised;        /* bytes that the other end may send, as it was told */
    bool fin_wanted, fin_sent;
    bool owes; /* a confirmation for which there was no memory */

    /* of a listener, and of what it has not given out yet */
    size_t backlog;
    wherry__link half, whole; /* connections being made, and made */
    size_t half_count, whole_count;
    wherry__sim_stream *listener; /* NULL: none, or accepted */
    wherry__link place;           /* in half or whole */

    /* time */
    wherry__sim_event timer;
    int64_t end;      /* when the phase is over by itself */
    int64_t next_try; /* when what waits is tried again; 0: nothing waits */
    int64_t pause;    /* and how long after that once more */
    int64_t since;    /* when that which waits began to, or last went on */
    int64_t heard;    /* when the other end was last heard */
    int64_t asked;    /* when it was last asked whether it is there */
    int unanswered;   /* tries since it was heard */
};

/* What an end says. */
typedef struct wherry__sim_segment {
    wherry__sim_packet packet; /* first */
    uint64_t number;
    uint64_t confirmed; /* bytes of the other end that came */
    uint64_t allowed;   /* bytes that it may send */
    bool asks;          /* for a confirmation: whether the other end is still there */
    wherry__sim_piece *piece;
} wherry__sim_segment;

static inline wherry__sim_stream *wherry__sim_stream_of(const wherry__sim_socket *socket)
{
    return (wherry__sim_stream *)(uintptr_t)socket;
}

static inline wherry_memory *wherry__sim_stream_memory(const wherry__sim_stream *stream)
{
    return wherry__sim_memory(stream->base.host->world);
}

static inline int64_t wherry__sim_stream_now(const wherry__sim_stream *stream)
{
    return stream->base.host->world->now;
}

/* --- stream.c */

/* A TCP socket with the options of another, or with NULL the usual ones. NULL: no memory. */
wherry__sim_stream *wherry__sim_stream_new(wherry__sim_host *host, int family,
                                           const wherry__sim_stream *like);
void wherry__sim_stream_changed(wherry__sim_stream *stream);
void wherry__sim_stream_tell(const wherry__sim_stream *stream, const char *what);

/* --- stream_connect.c */

int wherry__sim_stream_connect(wherry__sim_socket *self, const wherry__sim_name *name);

/* Takes back what the program has of a connection, so that it may begin another. Its descriptor is
 * open. */
void wherry__sim_stream_disconnect(wherry__sim_stream *stream);

/* Begins a connection to the other host under a number: its counters and its flow. -ENOMEM. */
int wherry__sim_stream_begin(wherry__sim_stream *stream, uint64_t number, wherry__sim_host *other);
void wherry__sim_stream_establish(wherry__sim_stream *stream);

/* --- stream_listen.c */

int wherry__sim_stream_listen(wherry__sim_socket *self, int backlog);
int wherry__sim_stream_accept(wherry__sim_socket *self, wherry__sim_socket **made);

/* A SYN has come to a listener. */
void wherry__sim_stream_asked(wherry__sim_stream *listener, const wherry__sim_segment *segment);

/* The connection is made: it waits to be accepted. */
void wherry__sim_stream_whole(wherry__sim_stream *stream);

/* Takes it out of the rows of its listener, if it is in one. */
void wherry__sim_stream_leave(wherry__sim_stream *stream);

/* Resets what was not accepted; or lets go of it without a word. */
void wherry__sim_stream_refuse_all(wherry__sim_stream *listener);
void wherry__sim_stream_abandon_all(wherry__sim_stream *listener);

/* --- stream_data.c */

ssize_t wherry__sim_stream_receive(wherry__sim_socket *self, void *data, size_t size, int flags);
ssize_t wherry__sim_stream_send(wherry__sim_socket *self, const struct iovec *parts, size_t count,
                                int flags);

/* The bytes that were sent and did not arrive, and that were not sent yet. */
size_t wherry__sim_stream_queued(const wherry__sim_stream *stream);
bool wherry__sim_stream_writable(const wherry__sim_stream *stream);

/* Sends what may be sent now. */
void wherry__sim_stream_push(wherry__sim_stream *stream);

/* --- stream_segment.c */

/* Sends a segment with these flags (wherry_packet_flags) and, then the caller's no more, a piece.
 * False: there was no memory, and the piece is still the caller's. */
bool wherry__sim_stream_say(wherry__sim_stream *stream, unsigned flags, wherry__sim_piece *piece);

/* Confirms what came, or remembers that it owes that. */
void wherry__sim_stream_confirm(wherry__sim_stream *stream);

/* Asks the other end whether it is there, unless something that asks so is still under way. */
void wherry__sim_stream_ask(wherry__sim_stream *stream);

/* Answers a segment that fits to nothing with RST. */
void wherry__sim_segment_refuse(wherry__sim_host *host, const wherry__sim_segment *segment);

/* --- stream_arrive.c */

/* A segment is at its host; whoever calls gives it back. */
void wherry__sim_segment_arrive(wherry__sim_segment *segment);

/* --- stream_end.c */

int wherry__sim_stream_shutdown(wherry__sim_socket *self, int how);
void wherry__sim_stream_close(wherry__sim_socket *self);
void wherry__sim_stream_vanish(wherry__sim_socket *self);

/* Sends RST, and what is still under way with it goes too. */
void wherry__sim_stream_break(wherry__sim_stream *stream);

/* The connection is over for this end. An orphan is freed by that. */
void wherry__sim_stream_over(wherry__sim_stream *stream);

/* The same, because of an error that the program will see. */
void wherry__sim_stream_fail(wherry__sim_stream *stream, int error, const char *what);

/* The other end has reset it. */
void wherry__sim_stream_was_reset(wherry__sim_stream *stream);

/* The other end's FIN has come. And it has this end's; false: the connection is over by that. */
void wherry__sim_stream_take_fin(wherry__sim_stream *stream);
bool wherry__sim_stream_fin_taken(wherry__sim_stream *stream);

/* --- stream_timer.c */

/* Sets the timer for what the stream waits for now. */
void wherry__sim_stream_arm(wherry__sim_stream *stream);

void wherry__sim_stream_run_timer(wherry__sim_event *event);

/* --- stream_option.c */

void wherry__sim_stream_usual(wherry__sim_stream_options *options);
int wherry__sim_stream_set_option(wherry__sim_socket *self, int level, int option,
                                  const void *value, socklen_t size);
int wherry__sim_stream_get_option(wherry__sim_socket *self, int level, int option, void *value,
                                  socklen_t *size);

/* --- stream_local.c: streams within a host, under paths */

int wherry__sim_local_make(wherry__sim_host *host, int type, int protocol,
                           wherry__sim_socket **made);
void wherry__sim_local_queues(const wherry__sim_socket *socket, size_t *received, size_t *unsent);

#endif
