/* Roster: a listening socket and the streams that it accepted, by the address of their other end,
 * all driven by the caller.
 *
 *     wherry_roster_service        accepts, makes streams, receives, sends: one pass
 *     wherry_roster_take           the next stream to which something happened
 *     wherry_roster_service_next   both, stream by stream
 *
 *     while (wherry_roster_wait(roster, WHERRY_NEVER) == WHERRY_OK) {
 *         while (wherry_roster_service_next(roster, &stream) > 0) {
 *             wherry_bytes bytes = wherry_stream_peek(stream);
 *
 *             if (wherry_stream_send(stream, bytes, WHERRY_NOW) == WHERRY_OK)
 *                 wherry_stream_consume(stream, bytes.length);
 *         }
 *         wherry_loop_step(loop);           sees out what closed streams still have to send
 *     }
 *
 * A pass costs what is ready, not what is connected. Nothing that a client does ends the roster: a
 * connection that breaks, at whatever moment, ends alone, and a process without descriptors accepts
 * later. The streams are serviced ones (service.h): their receive buffers hold what the caller has
 * not consumed, and reading pauses when they are full.
 *
 * A stream has ended when it failed, was closed, or is over in both directions. That is reported by
 * take; it can be looked at until the end of the next pass, and on for as long as some of what it
 * received is consumed from one pass to the next; then it is closed and freed. (So the rest of a
 * message whose end never came keeps nothing.) .keep_ended says that this is the caller's to do:
 * wherry_roster_remove. So pointers to streams are good for as long as the stream has not ended,
 * and then for a pass.
 *
 * A stream whose other end has finished (WHERRY_E_END) can still be sent to. When it has nothing to
 * be sent, and as long after it was told as it would take to free one that ended, it is closed, and
 * so ends; unless .keep_finished says that this, too, is the caller's to do, who takes longer for
 * an answer.
 *
 * The roster's loop gives it memory and time, and takes over the streams that were closed with
 * bytes unsent: for those it must run, or have a step as above. All is for the loop's thread.
 */
#ifndef WHERRY_ROSTER_H
#define WHERRY_ROSTER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <wherry/address.h>
#include <wherry/bytes.h>
#include <wherry/export.h>
#include <wherry/service.h>
#include <wherry/steps.h>
#include <wherry/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wherry_roster wherry_roster;

typedef struct wherry_roster_options {
    size_t size; /* set by the macro */
    wherry_roster **result;
    wherry_loop *loop;             /* NULL: the loop that the caller runs on */
    const char *endpoint;          /* where to listen, one address: "tcp://0.0.0.0:7000",
                                      "unix:///run/x.sock"; see endpoint.h. No name of a host, no
                                      "*" */
    const wherry_address *address; /* instead of an endpoint; port 0: one that the kernel chooses */
    int backlog;                   /* listen(2); 0: SOMAXCONN */
    int no_reuse_address;          /* as of listeners */
    int reuse_port;                /* as of listeners */
    size_t waiting_max; /* accepted connections of which no stream was made yet; 0: 64. More wait in
                           the backlog */
    size_t streams_max; /* streams at a time, those that wait and those that ended included; 0:
                           10,000. At the limit none is accepted */
    int keep_ended;     /* not 0: streams that ended stay until they are removed */
    int keep_finished;  /* not 0: streams whose other end has finished stay until they are closed */
    const wherry_socket_options *socket; /* of the listening socket, and so of the streams'; copied.
                                            NULL: defaults */
    const wherry_stream_options *stream; /* for the streams: limits, idle_timeout, fixed_idle,
                                            linger, delay, wirelog, no other; copied, but for the
                                            wirelog. NULL: defaults */
    WHERRY_RESERVED;
} wherry_roster_options;

/* Makes a roster that is not open yet: wherry_roster_new(&roster, .endpoint = "tcp://127.0.0.1:0").
 * The caller frees it. WHERRY_E_MISUSE: no place for the result, no loop, not one of endpoint and
 * address, or an option that makes no sense. WHERRY_E_INVALID, _TOO_LARGE, _UNSUPPORTED: the
 * endpoint, which has to be one address. WHERRY_E_NO_MEMORY. WHERRY_E_SYSTEM: the system has no
 * random bytes. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_roster_new_with(const wherry_roster_options *options);
#define wherry_roster_new(...)                                                                     \
    wherry_roster_new_with(                                                                        \
        &(wherry_roster_options){ .size = sizeof(wherry_roster_options), .result = __VA_ARGS__ })

/* Opens it, or if it is open closes it and opens it again, on the address given at first (so with
 * port 0 on another port). Streams that were left over are gone. Errors as wherry_listener_new; it
 * is closed then. */
WHERRY_PUBLIC int wherry_roster_open(wherry_roster *roster);
WHERRY_PUBLIC int wherry_roster_is_open(const wherry_roster *roster);

/* Ends all of it, now: the listening socket, connections that wait, and then the streams, oldest
 * first. What was sent before still goes out, as the loop runs. The streams stay to be looked at,
 * what they received too, until it is opened again or freed. Closing again does nothing. */
WHERRY_PUBLIC void wherry_roster_close(wherry_roster *roster);

/* Closes it and gives it back, its streams too. NULL is allowed. */
WHERRY_PUBLIC void wherry_roster_free(wherry_roster *roster);

/* Measures all times, of streams to come too, on the clock of base from now on; those under way
 * start anew. NULL: that of its loop. The base must outlive the roster. */
WHERRY_PUBLIC void wherry_roster_wind(wherry_roster *roster, const wherry_loop *base);

/* The address it listens on, with the port that the kernel chose once it is open; and the one under
 * which a program on this machine reaches it: the same, but for the loopback address instead of
 * that for all. Also after the end. */
WHERRY_PUBLIC void wherry_roster_address(const wherry_roster *roster, wherry_address *address);
WHERRY_PUBLIC void wherry_roster_external(const wherry_roster *roster, wherry_address *address);

/* The sizes of the listening socket's buffers in the kernel; 0 and 0 while it is not open. */
WHERRY_PUBLIC int wherry_roster_buffers(const wherry_roster *roster, size_t *send, size_t *receive);

/* --- One pass, whole or in parts. A negative result is WHERRY_E_CLOSED: it is not open;
 * WHERRY_E_NO_MEMORY, or another of the system's about readiness: nothing was lost. */

/* All that follows, in this order, and the end of streams whose idle time is over. Returns how many
 * streams something happened to. */
WHERRY_PUBLIC ssize_t wherry_roster_service(wherry_roster *roster);

/* The same pass stream by stream, the fastest way to serve many that are busy, as what each
 * received is still at hand when it is answered: *stream becomes the next one to which something
 * happened (as of wherry_roster_take), those that received first. What was sent since the last call
 * goes out before the next stream is received from. Returns 1; or 0, and *stream is NULL: the pass
 * is over, and the next call begins another. News that came of what was sent may wait for that one,
 * and wherry_roster_wait then does not sleep. What ended goes when the pass is over, not before it
 * was told. A pass that was left early goes on in the next call, unless another one was begun. */
WHERRY_PUBLIC int wherry_roster_service_next(wherry_roster *roster, wherry_stream **stream);

/* Accepts all connections that wait, as far as there is room for them, or one. Returns how many. A
 * lack of descriptors or memory is none: it is logged, and accepting goes on 100 ms later. */
WHERRY_PUBLIC ssize_t wherry_roster_accept(wherry_roster *roster);
WHERRY_PUBLIC ssize_t wherry_roster_accept_one(wherry_roster *roster);

/* How many were accepted and have no stream yet, and the address of the index-th other end, oldest
 * first. WHERRY_E_NOT_FOUND: there are not so many. */
WHERRY_PUBLIC size_t wherry_roster_waiting(const wherry_roster *roster);
WHERRY_PUBLIC int wherry_roster_waiting_address(const wherry_roster *roster, size_t index,
                                                wherry_address *address);

/* Accepts, and makes streams of all that wait. One with an address that the roster has already
 * takes its place: the former one is closed, and ends as others do. Returns how many were made. */
WHERRY_PUBLIC ssize_t wherry_roster_service_connects(wherry_roster *roster);

/* wherry_stream_service_receive, and _send, for all streams that are ready for it. Each returns to
 * how many streams something happened. The first counts as the pass by which those that ended go.
 */
WHERRY_PUBLIC ssize_t wherry_roster_service_receives(wherry_roster *roster);
WHERRY_PUBLIC ssize_t wherry_roster_service_sends(wherry_roster *roster);

/* For programs that do nothing else: sleeps until a pass has something to do, times included, but
 * not past an instant of the system's monotonic clock (WHERRY_NOW: it only looks; WHERRY_NEVER: no
 * limit), or until a signal came. The pass that follows does not ask again what is ready.
 * WHERRY_OK; WHERRY_E_CLOSED, _NO_MEMORY and others as a pass. WHERRY_E_MISUSE: on a coroutine. */
WHERRY_PUBLIC int wherry_roster_wait(wherry_roster *roster, int64_t until);

/* A descriptor that is readable when a pass has something to do but for times, unsent bytes that
 * were never tried, and what a pass left undone or untold, for poll(2) elsewhere or a watch; and
 * the instant of its base's clock by which a pass is due for those (WHERRY_NOW: at once;
 * WHERRY_NEVER: none). The descriptor belongs to the roster, and is a new one after each open.
 * WHERRY_E_UNSUPPORTED: the system has none. WHERRY_E_CLOSED: it is not open. */
WHERRY_PUBLIC int wherry_roster_descriptor(const wherry_roster *roster);
WHERRY_PUBLIC int64_t wherry_roster_deadline(const wherry_roster *roster);

/* --- The streams */

/* The next stream to which something happened since it was last taken, in the order in which that
 * happened first; NULL: no more. That is: it was made, received bytes, the other end finished
 * (wherry_stream_end tells), it ended, or there is room again after a send was refused with
 * WHERRY_E_WOULD_BLOCK. Bytes that are left unconsumed are not a reason to take it again; more that
 * come are. */
WHERRY_PUBLIC wherry_stream *wherry_roster_take(wherry_roster *roster);

/* How many streams it has, those that ended included. */
WHERRY_PUBLIC size_t wherry_roster_count(const wherry_roster *roster);

/* The stream whose other end has the address; NULL, with WHERRY_E_NOT_FOUND as the problem: none.
 * Other ends without an address of their own (Unix sockets mostly have none) cannot be found. */
WHERRY_PUBLIC wherry_stream *wherry_roster_find(const wherry_roster *roster,
                                                const wherry_address *address);

/* Queues bytes for the stream with that address. WHERRY_E_NOT_FOUND: there is none. Otherwise as
 * wherry_stream_send with WHERRY_NOW. */
WHERRY_PUBLIC int wherry_roster_transmit(wherry_roster *roster, const wherry_address *address,
                                         wherry_bytes bytes);

/* Calls see(self, stream) for each stream, oldest first; see may do everything with the streams and
 * the roster, freeing it included. Those that are added meanwhile are not seen. */
typedef struct wherry_roster_visitor wherry_roster_visitor;
struct wherry_roster_visitor {
    void (*see)(wherry_roster_visitor *self, wherry_stream *stream);
};
WHERRY_PUBLIC void wherry_roster_visit(wherry_roster *roster, wherry_roster_visitor *visitor);

/* Closes all streams, as wherry_stream_close does one; they stay in the roster. */
WHERRY_PUBLIC void wherry_roster_close_streams(wherry_roster *roster);

/* Takes stream out of the roster and closes and frees it; or hands it to the caller, as a serviced
 * stream like any other, wound to what it was wound to. WHERRY_E_NOT_FOUND: it is not in the
 * roster. */
WHERRY_PUBLIC int wherry_roster_remove(wherry_roster *roster, wherry_stream *stream);
WHERRY_PUBLIC int wherry_roster_hand_over(wherry_roster *roster, wherry_stream *stream);

/* --- Ready-made tasks. Set up one of these, change what is to be different, and spawn it:
 *
 *     wherry_roster_steps serving;
 *
 *     wherry_roster_steps_init(&serving, roster);
 *     serving.steps.recur = mine;          which may call wherry_roster_recur itself
 *     wherry_spawn_steps(NULL, &serving.steps);
 *
 * An enter of one's own calls the ready-made one, and an exit must where that was called; where it
 * was not, it closes nothing. On a loop with the real clock a turn comes as soon as something is
 * ready, else each tock. */

typedef struct wherry_roster_steps {
    wherry_steps steps; /* first */
    wherry_roster *roster;
    void *state[4]; /* the library's */
} wherry_roster_steps;

/* Serves: enter winds the roster to the task's loop and opens it, recur is a pass, exit closes it
 * and leaves it wound. It is done only when the program closes the roster or frees it, which it may
 * in recur too. What memory lacks for is done in the next turn. wherry_roster_echo_init: each
 * stream gets back what it sends, and is closed when it has all of it and the other end has
 * finished. enter answers WHERRY_E_MISUSE when another task serves the roster, and the errors of
 * wherry_roster_open. */
WHERRY_PUBLIC void wherry_roster_steps_init(wherry_roster_steps *self, wherry_roster *roster);
WHERRY_PUBLIC void wherry_roster_echo_init(wherry_roster_steps *self, wherry_roster *roster);

/* The steps of these. */
WHERRY_PUBLIC int wherry_roster_enter(wherry_steps *self, wherry_task *task);
WHERRY_PUBLIC int wherry_roster_recur(wherry_steps *self, wherry_task *task);
WHERRY_PUBLIC int wherry_roster_recur_echo(wherry_steps *self, wherry_task *task);
WHERRY_PUBLIC int wherry_roster_exit(wherry_steps *self, wherry_task *task);

/* The same for one stream that was dialled: enter winds and opens it, recur services it, exit
 * closes it and leaves it wound. It is done only when the program frees the stream. How the stream
 * is, ask it. wherry_stream_echo_init: it gets back what it sends. enter answers WHERRY_E_MISUSE
 * when a roster or another task has the stream, and the errors of wherry_stream_open. */
typedef struct wherry_stream_steps {
    wherry_steps steps; /* first */
    wherry_stream *stream;
    void *state[4]; /* the library's */
} wherry_stream_steps;

/* Fills self in, for the one or the other. */
WHERRY_PUBLIC void wherry_stream_steps_init(wherry_stream_steps *self, wherry_stream *stream);
WHERRY_PUBLIC void wherry_stream_echo_init(wherry_stream_steps *self, wherry_stream *stream);

/* The steps of these. */
WHERRY_PUBLIC int wherry_stream_enter(wherry_steps *self, wherry_task *task);
WHERRY_PUBLIC int wherry_stream_recur(wherry_steps *self, wherry_task *task);
WHERRY_PUBLIC int wherry_stream_recur_echo(wherry_steps *self, wherry_task *task);
WHERRY_PUBLIC int wherry_stream_exit(wherry_steps *self, wherry_task *task);

#ifdef __cplusplus
}
#endif

#endif
