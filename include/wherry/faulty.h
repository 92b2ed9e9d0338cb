/* Faulty: a system (system.h) in front of another one, real or simulated, that counts the calls and
 * makes chosen ones fail, do less than asked, or do nothing: to see what a program makes of a
 * world that goes wrong at a given moment.
 *
 *     wherry_faulty_new(&faulty, .below = wherry_system_epoll());
 *     wherry_faulty_plan(faulty, WHERRY_CALL_ACCEPT, .first = 3, .count = 1, .number = EMFILE);
 *     wherry_loop_new(&loop, .system = wherry_faulty_system(faulty));
 *
 * To try every way to fail, run a program once, ask wherry_faulty_calls for WHERRY_CALL_ANY, and
 * run it again for each number up to that, with a plan for WHERRY_CALL_ANY that has it as its
 * first.
 *
 * One thread uses it and the loops on it, except that the functions that system.h marks "any
 * thread" may be called as it says, but for random, which is counted.
 */
#ifndef WHERRY_FAULTY_H
#define WHERRY_FAULTY_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/export.h>
#include <wherry/memory.h>
#include <wherry/system.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wherry_faulty wherry_faulty;

/* clang-format off */
/* X(NAME, FUNCTION): the kinds of calls, which are the functions of a system that can fail. Kinds
 * are only ever added. */
#define WHERRY_CALL_TABLE(X)                                                                    \
    X(SOCKET, socket) X(BIND, bind) X(LISTEN, listen) X(ACCEPT, accept) X(CONNECT, connect)     \
    X(RECEIVE, receive) X(SEND, send) X(RECEIVE_MANY, receive_many) X(SEND_MANY, send_many)     \
    X(SHUTDOWN, shutdown) X(CLOSE, close) X(SET_OPTION, set_option) X(GET_OPTION, get_option)   \
    X(LOCAL_NAME, local_name) X(REMOTE_NAME, remote_name) X(READ, read) X(WRITE, write)         \
    X(KIND, kind) X(UNLINK, unlink) X(OPEN_POLLER, open_poller) X(WATCH, watch) X(WAIT, wait)   \
    X(POLLER_DESCRIPTOR, poller_descriptor) X(RANDOM, random) X(RESOLVE, resolve)               \
    X(TAKE_SIGNAL, take_signal)
/* clang-format on */

enum wherry_call {
    WHERRY_CALL_ANY, /* whichever it is; but of watch only those that begin one, since the others
                        have no reason to fail */
#define WHERRY_CALL_NUMBER(name, function) WHERRY_CALL_##name,
    WHERRY_CALL_TABLE(WHERRY_CALL_NUMBER)
#undef WHERRY_CALL_NUMBER
        WHERRY_CALL_COUNT
};

typedef struct wherry_faulty_options {
    size_t size; /* set by the macro */
    wherry_faulty **result;
    wherry_system *below;  /* where the calls go; must live longer. NULL: wherry_system_epoll() */
    wherry_memory *memory; /* of the wrapper itself; NULL: malloc(3) */
    WHERRY_RESERVED;
} wherry_faulty_options;

/* Makes a system that passes everything on, until something is planned. The optional functions of
 * a system (choose, resolve, take_signal and what belongs to them) are there if they are there
 * below. WHERRY_E_MISUSE: no place for the result. WHERRY_E_NO_MEMORY. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_faulty_new_with(const wherry_faulty_options *options);
#define wherry_faulty_new(...)                                                                     \
    wherry_faulty_new_with(                                                                        \
        &(wherry_faulty_options){ .size = sizeof(wherry_faulty_options), .result = __VA_ARGS__ })

/* Gives it back, when no loop is on it any more. NULL is allowed. */
WHERRY_PUBLIC void wherry_faulty_free(wherry_faulty *faulty);

/* The system to give to loops. It belongs to faulty and lives as long. */
WHERRY_PUBLIC wherry_system *wherry_faulty_system(wherry_faulty *faulty);

/* What befalls the calls of a kind. One of: an error (number, or one that the kind can give, when
 * number, swallowed and most are 0), nothing at all (swallowed), less than asked (most). */
typedef struct wherry_faulty_plan_options {
    size_t size;         /* set by the macro */
    size_t first;        /* the call of the kind that it befalls first, counted from 1 since the
                            plan was made; 0: 1 */
    size_t count;        /* how many calls from the first one on it is for; 0: all that follow */
    size_t spare;        /* of those, each so-manieth is left alone: 3 leaves the third, the sixth
                            and so on alone. 0: none is */
    uint32_t millionths; /* of those, how many it befalls, by chance; 0: all. At most 1,000,000 */
    uint64_t seed;       /* of that chance: the same seed, the same calls */
    int number;          /* an errno(3) value that the call answers; 0: see variant */
    size_t variant;      /* with number 0: which of the errors that the kind can give (see
                            wherry_faulty_error), counted from 0, and after the last one from the
                            first one again. Unless count is 1, those which only ask for another
                            call (EINTR, EAGAIN) are passed over, as far as there are others */
    int made;            /* not 0: the call is made all the same, and its answer lost: with number
                            for connect and EINTR, say. A descriptor that it made is closed again.
                            Not for open_poller, resolve and take_signal. With number 0 it follows
                            from the error: what the kernel would have done is done, and a
                            connection that the error says is over is ended both ways */
    int swallowed;       /* not 0: the call is not made, and answers 0 */
    size_t most; /* the call is made, for at most so many bytes (receive, send, read, write),
                    datagrams (receive_many, send_many) or ready descriptors (wait) */
    WHERRY_RESERVED;
} wherry_faulty_plan_options;

/* Makes a plan for the calls of a kind: wherry_faulty_plan(faulty, WHERRY_CALL_SEND, .number =
 * ENOBUFS). Each kind, WHERRY_CALL_ANY included, has one plan of failures and one of less than
 * asked at a time; a new one takes the place of the former. A plan of a call's own kind goes before
 * that of any. WHERRY_E_MISUSE: no such kind, most for a kind that has no such thing, made where it
 * cannot be, a number or a share that is out of range, or options that contradict each other. */
WHERRY_PUBLIC int wherry_faulty_plan_with(wherry_faulty *faulty, int call,
                                          const wherry_faulty_plan_options *options);
#define wherry_faulty_plan(faulty, ...)                                                            \
    wherry_faulty_plan_1(faulty, __VA_ARGS__, .size = sizeof(wherry_faulty_plan_options))
#define wherry_faulty_plan_1(faulty, call, ...)                                                    \
    wherry_faulty_plan_with(faulty, call, &(wherry_faulty_plan_options){ __VA_ARGS__ })

/* Ends the plans of a kind; with WHERRY_CALL_ANY those of all kinds. */
WHERRY_PUBLIC void wherry_faulty_heal(wherry_faulty *faulty, int call);

/* How many calls of a kind there were, how many of them were befallen by a plan, and how many bytes
 * they moved (receive, send, read, write; what failed moved none), since it was made. 0 for a
 * number that is no kind. */
WHERRY_PUBLIC size_t wherry_faulty_calls(const wherry_faulty *faulty, int call);
WHERRY_PUBLIC size_t wherry_faulty_strikes(const wherry_faulty *faulty, int call);
WHERRY_PUBLIC size_t wherry_faulty_bytes(const wherry_faulty *faulty, int call);

/* How many of the plans that are in force have not befallen any call yet: a test whose plan does
 * not strike tests nothing. Writes which ("send, accept", cut if it must be) to text, of size
 * bytes; it may be NULL where size is 0. */
WHERRY_PUBLIC size_t wherry_faulty_unstruck(const wherry_faulty *faulty, char *text, size_t size);

/* The errors that a kind of call can give, one for each variant from 0 on, as errno(3) values: what
 * Linux really answers, apart from what a mistake of the caller's brings about. 0: there are no
 * more. */
WHERRY_PUBLIC int wherry_faulty_error(int call, size_t variant);

/* The name of a kind ("accept", "any"); NULL for a number that is none. */
WHERRY_PUBLIC const char *wherry_faulty_name(int call);

#ifdef __cplusplus
}
#endif

#endif
