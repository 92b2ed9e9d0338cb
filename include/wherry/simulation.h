/* Simulation: a world of hosts, links and faults in one process, in virtual time, from one seed.
 * Unchanged programs run in it: each host has a system (system.h) of its own, which every loop that
 * is made there takes by itself. The same seed gives the same run, event for event.
 *
 *     wherry_simulation_new(&world, .seed = 42);
 *     wherry_simulation_spawn(world, "10.0.0.1", serve, "tcp://0.0.0.0:7000");
 *     wherry_simulation_spawn(world, "10.0.0.2", ask, "tcp://10.0.0.1:7000");
 *     wherry_simulation_partition(world, "10.0.0.1", "10.0.0.2", WHERRY_SECONDS(3));
 *     result = wherry_simulation_run(world, WHERRY_SECONDS(60));
 *
 * All of it happens on the thread that made the world. Calls that change the world (links, faults,
 * the deaths of hosts) may be made before a run, between runs, by conditions, and by the programs
 * inside: there wherry_simulation_current() is the world. From an observer, and from a world that a
 * program has made within this one, they are refused with WHERRY_E_MISUSE.
 *
 * Programs in the world must take time, chance and sockets from wherry: what they ask of the
 * machine itself differs from run to run. They share the process: static variables are common to
 * all hosts, hence pass state by the argument of a program.
 */
#ifndef WHERRY_SIMULATION_H
#define WHERRY_SIMULATION_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <wherry/export.h>
#include <wherry/memory.h>
#include <wherry/system.h>
#include <wherry/task.h>
#include <wherry/time.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wherry_simulation wherry_simulation;

/* clang-format off */
/* X(NAME, SENTENCE): the kinds of faults that a world can draw. Kinds are only ever added. */
#define WHERRY_FAULT_TABLE(X)                                                                   \
    X(SHORT_RECEIVE,     "a receive gives less than there is")                                  \
    X(SHORT_SEND,        "a send takes less than there is room for")                            \
    X(INTERRUPTED,       "a call is interrupted by a signal (EINTR)")                           \
    X(NOT_YET,           "a ready socket answers EAGAIN once")                                  \
    X(SPURIOUS,          "a socket is reported ready that is not")                              \
    X(NO_BUFFERS,        "a send answers ENOBUFS once")                                         \
    X(NO_DESCRIPTORS,    "socket or accept answers EMFILE once")                                \
    X(ACCEPT,            "an accept fails as the kernel's can")                                 \
    X(REFUSED,           "a connection is refused")                                             \
    X(LOST_CONNECT,      "the packets of a connection being made are lost")                     \
    X(RESET,             "a connection is reset")                                               \
    X(SILENCE,           "a connection goes silent: nothing arrives any more")                  \
    X(DELAY,             "a packet takes much longer")                                          \
    X(SPLIT,             "a packet arrives in pieces")                                          \
    X(LOSS,              "a datagram is lost")                                                  \
    X(DUPLICATE,         "a datagram arrives twice")                                            \
    X(REORDER,           "a datagram is overtaken by others")                                   \
    X(CORRUPT,           "a bit of a datagram is turned over")                                  \
    X(STALL,             "a host does not run for a while")                                     \
    X(ORDER,             "what is ready at once, or due at once, comes in another order")       \
    X(PARTITION,         "two hosts do not reach each other for a while")                       \
    X(CLOG,              "a link holds everything back for a while")                            \
    X(NO_MEMORY,         "an allocation fails")                                                 \
    X(NAME,              "resolving a name is slow, fails, or gives nothing")                   \
    X(POINT,             "a fault point in the library fires")                                  \
    X(NAME_TWICE,        "a loop is answered again about a name")
/* clang-format on */

enum wherry_fault {
#define WHERRY_FAULT_NUMBER(name, sentence) WHERRY_FAULT_##name,
    WHERRY_FAULT_TABLE(WHERRY_FAULT_NUMBER)
#undef WHERRY_FAULT_NUMBER
        WHERRY_FAULT_COUNT,
    WHERRY_FAULT_ROOM = 64 /* what arrays are made for */
};

/* How often faults strike: for each kind, in millionths of the occasions that it has (calls of that
 * kind, packets, waits). 0: never; 1,000,000: always. */
typedef struct wherry_faults {
    uint32_t millionths[WHERRY_FAULT_ROOM];
} wherry_faults;

/* The name ("RESET") and the sentence of a kind; NULL for a number that is none. */
WHERRY_PUBLIC const char *wherry_fault_name(int fault);
WHERRY_PUBLIC const char *wherry_fault_text(int fault);

/* One direction of the way between two hosts. Zero in a field means what is said there. */
typedef struct wherry_link {
    int64_t latency;           /* nanoseconds one way, at least; at most an hour. 0: 500 us;
                                  negative: none */
    int64_t jitter;            /* nanoseconds: mean of what is drawn and added; at most an hour.
                                  0: none */
    uint64_t bytes_per_second; /* 0: no limit */
    size_t queue;              /* bytes that wait for the rate at most; beyond that datagrams are
                                  lost and streams delayed. 0: 1 MiB */
    size_t mtu;                /* bytes of the largest packet: 576 to 65,536. 0: 1,500 */
    WHERRY_RESERVED;
} wherry_link;

/* What happened in the world: told to an observer, and the substance of traces. Texts and data live
 * until the observer returns. */
typedef struct wherry_simulation_event {
    uint64_t step;               /* counted from 1 */
    uint64_t cause;              /* the step that led to this one; 0: none */
    int64_t time;                /* of the world, in nanoseconds since its beginning */
    const char *host;            /* where; NULL: in the world itself */
    const char *program;         /* whose doing; NULL: nobody's */
    const char *what;            /* "send", "arrive", "fault", "kill", ... */
    const char *detail;          /* for people; NULL: none */
    int descriptor;              /* of the call; -1: none */
    int64_t result;              /* what the call answered, or a number that says more */
    const void *data;            /* the bytes that went along */
    size_t length;               /* of all of them; data may be NULL */
    const void *site;            /* the code that made the call; NULL: not known */
    const struct sockaddr *from; /* of a packet; NULL: none */
    const struct sockaddr *to;
    unsigned flags; /* of a packet: wherry_packet_flags */
    WHERRY_RESERVED;
} wherry_simulation_event;

enum wherry_packet_flags {
    WHERRY_PACKET_STREAM = 1,
    WHERRY_PACKET_DATAGRAM = 2,
    WHERRY_PACKET_SYN = 4,
    WHERRY_PACKET_FIN = 8,
    WHERRY_PACKET_RST = 16,
    WHERRY_PACKET_ACK = 32,
};

/* Embed it as the first member of a struct of your own; it is passed back as self. It may look at
 * the world and not change it, as it is called in the midst of what happens. */
typedef struct wherry_simulation_observer wherry_simulation_observer;
struct wherry_simulation_observer {
    void (*see)(wherry_simulation_observer *self, const wherry_simulation_event *event);
};

/* A condition on which a run ends. */
typedef struct wherry_simulation_condition wherry_simulation_condition;
struct wherry_simulation_condition {
    int (*holds)(wherry_simulation_condition *self, wherry_simulation *world);
};

/* One fault that struck, as it is recorded and replayed: the kind, whom it struck, at which of the
 * occasions that he had for it, and how hard. */
typedef struct wherry_fault_record {
    int fault;         /* wherry_fault */
    char whom[128];    /* a host, or "A>B" for a link */
    uint64_t occasion; /* counted from 1 for each kind and whom */
    uint64_t value;    /* how hard: bytes, an order of magnitude of time, which errno, ... */
    int64_t time;      /* when it struck: not looked at for striking, but a run beyond it in which
                          it did not strike fails */
} wherry_fault_record;

typedef struct wherry_simulation_options {
    size_t size; /* set by the macro */
    wherry_simulation **result;
    uint64_t seed;         /* 0: 1. WHERRY_SIMULATION_SEED in the environment goes before */
    wherry_memory *memory; /* of the world itself; NULL: malloc(3) */
    wherry_link link;      /* of all links that were not given others */
    size_t send_buffer;    /* bytes of a stream's; 0: 208 KiB. At least 1 */
    size_t receive_buffer; /* bytes of a socket's; 0: 208 KiB. At least 1 */
    wherry_faults faults;  /* all 0: none */
    int swarm;             /* not 0: faults, links, buffers and clocks are drawn from the
                              seed, over what is given here */
    int quiet;             /* not 0: no line with the seed before the first run */
    int unchecked;         /* not 0: what programs leave behind is no failure */
    int64_t watchdog;      /* nanoseconds of real time without an event after which the
                              process is aborted with the seed and who runs; 0: 60 s;
                              negative: none */
    uint64_t passes_max;   /* passes of a loop, one after another, that follow each other without a
                              pause and ask nothing of its host, after which its program counts as
                              running in circles; and events without a step of time. 0: 1,000,000 */
    wherry_simulation_observer *observer; /* NULL: none */
    const void *choices; /* bytes that all that is drawn is taken from, until they are
                            used up: for fuzzers. NULL: none */
    size_t choices_size;
    const wherry_fault_record *replay; /* faults strike as recorded here and not otherwise. NULL
                                          with replay_count 0: they are drawn */
    size_t replay_count;
    int replaying; /* not 0: replay even where replay_count is 0: then no fault strikes */
    WHERRY_RESERVED;
} wherry_simulation_options;

/* Makes a world without hosts: wherry_simulation_new(&world, .seed = 42). It prints its seed to the
 * standard error before the first run unless it is to be quiet, and whenever something fails, the
 * process aborts or the watchdog bites: WHERRY_SIMULATION_SEED=N replays it. A world may be made on
 * any thread, also inside a task; it stays on that thread. WHERRY_E_MISUSE: no place for the
 * result, or an option that is out of range. WHERRY_E_INVALID: WHERRY_SIMULATION_SEED is not a
 * number. WHERRY_E_NO_MEMORY. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_simulation_new_with(
    const wherry_simulation_options *options);
#define wherry_simulation_new(...)                                                                 \
    wherry_simulation_new_with(&(wherry_simulation_options){                                       \
        .size = sizeof(wherry_simulation_options), .result = __VA_ARGS__ })

/* Ends the world: programs that still run are discarded without a word, as by a power cut. NULL is
 * allowed. Not from inside it: then it does nothing but log. */
WHERRY_PUBLIC void wherry_simulation_free(wherry_simulation *world);

/* The world that the caller runs in, NULL outside; and there, the address of his host. */
WHERRY_PUBLIC wherry_simulation *wherry_simulation_current(void);
WHERRY_PUBLIC const char *wherry_simulation_here(void);

/* 1 if the caller is a program of a world, or called by one; else 0. Cheap: for what watches over
 * programs, as libwherry-tripwire does. */
WHERRY_PUBLIC int wherry_simulation_inside(void);

/* --- Hosts. A host is named by one of its addresses, or by its name. */

typedef struct wherry_simulation_host_options {
    size_t size;      /* set by the macro */
    const char *name; /* up to 63 bytes, one that an endpoint can have (endpoint.h) without a dot at
                         its end, and not localhost. NULL: its first address */
    int64_t clock_offset; /* nanoseconds that its monotonic clock is ahead, at least 0 */
    int64_t wall_offset;  /* nanoseconds that its wall clock is ahead, or behind if negative */
    int32_t drift;        /* millionths by which its clocks run fast, or slow if negative; at most
                             100,000 */
    size_t descriptors;   /* that it has at most; 0: 20,000 */
    uint16_t first_port;  /* the ephemeral ports; 0 and 0: 32,768 to 60,999 */
    uint16_t last_port;
    WHERRY_RESERVED;
} wherry_simulation_host_options;

/* Makes a host: wherry_simulation_host(world, "10.0.0.1 fd00::1", .name = "server"). addresses:
 * one to eight numeric ones, IPv4 or IPv6, separated by spaces; 127.0.0.1 and ::1 it has by itself.
 * wherry_simulation_spawn makes those that are not there yet. WHERRY_E_INVALID: not an address, one
 * that is given twice, or a loopback, wildcard, multicast or broadcast one. WHERRY_E_EXISTS: a host
 * has it, or the name. WHERRY_E_MISUSE: an option out of range. WHERRY_E_NO_MEMORY. */
WHERRY_PUBLIC int wherry_simulation_host_with(wherry_simulation *world, const char *addresses,
                                              const wherry_simulation_host_options *options);
#define wherry_simulation_host(world, ...)                                                         \
    wherry_simulation_host_1(world, __VA_ARGS__, .size = sizeof(wherry_simulation_host_options))
#define wherry_simulation_host_1(world, addresses, ...)                                            \
    wherry_simulation_host_with(world, addresses, &(wherry_simulation_host_options){ __VA_ARGS__ })

/* The system of a host, for loops that are made by hand: wherry_loop_new(&loop, .system = ...).
 * Outside of programs, its waits let the world go on. It belongs to the world: such loops are freed
 * before. NULL: there is no such host. */
WHERRY_PUBLIC wherry_system *wherry_simulation_system(wherry_simulation *world, const char *host);

typedef struct wherry_simulation_spawn_options {
    size_t size;      /* set by the macro */
    const char *name; /* for people; copied, cut at 31 bytes. NULL: "program" */
    int64_t delay;    /* nanoseconds of the world before it begins; 0: none */
    int plain;        /* not 0: body is called as main() is: no loop is made for it, and it may make
                         one (wherry_serve, wherry_run) */
    int must_end;     /* not 0: a run fails if the program has not ended when nothing more can
                         happen, or when the time of the run is over */
    size_t stack_size; /* bytes, for a plain one and its loops' passes; 0: 256 KiB */
    WHERRY_RESERVED;
} wherry_simulation_spawn_options;

/* Has body run on host, from the next run on, as wherry_run would run it: on a coroutine of a loop
 * of its own. host: an address or a name; an address that no host has makes one. Its negative
 * result, but for the quiet ones (task.h), is the result of the run. WHERRY_E_INVALID: neither an
 * address nor the name of a host. WHERRY_E_MISUSE: no body. WHERRY_E_CLOSED: the host is off.
 * WHERRY_E_NO_MEMORY, WHERRY_E_NO_STACK. */
WHERRY_PUBLIC int wherry_simulation_spawn_with(wherry_simulation *world, const char *host,
                                               wherry_body *body, void *argument,
                                               const wherry_simulation_spawn_options *options);
#define wherry_simulation_spawn(world, host, body, ...)                                            \
    wherry_simulation_spawn_1(world, host, body, __VA_ARGS__,                                      \
                              .size = sizeof(wherry_simulation_spawn_options))
#define wherry_simulation_spawn_1(world, host, body, argument, ...)                                \
    wherry_simulation_spawn_with(world, host, body, argument,                                      \
                                 &(wherry_simulation_spawn_options){ __VA_ARGS__ })

/* The three deaths of a host. stop is SIGTERM: where a program takes that signal it is told, where
 * it runs as a task that task is canceled, and other programs are killed; the host stays on. kill
 * is SIGKILL for all its programs: none of their code runs any more, and its kernel closes their
 * sockets (an end, or a reset where something was unread). power_off is silence: nothing leaves it
 * any more, and the others learn of it when they ask after it is back, by a reset. What a program
 * had taken from malloc(3) by itself is lost in the last two. A program may do this to its own
 * host; kill and power_off do not return then. WHERRY_E_INVALID: there is no such host. */
WHERRY_PUBLIC int wherry_simulation_stop(wherry_simulation *world, const char *host);
WHERRY_PUBLIC int wherry_simulation_kill(wherry_simulation *world, const char *host);
WHERRY_PUBLIC int wherry_simulation_power_off(wherry_simulation *world, const char *host);

/* Starts the programs of a host again that were spawned there and are not running, in the order of
 * their spawning. If it is off it is switched on: then its monotonic clock begins anew, while its
 * wall clock goes on. WHERRY_E_INVALID: there is no such host. WHERRY_E_NO_MEMORY,
 * WHERRY_E_NO_STACK. */
WHERRY_PUBLIC int wherry_simulation_restart(wherry_simulation *world, const char *host);

/* Sets the wall clock of a host forward, or back if negative, as an administrator would. */
WHERRY_PUBLIC int wherry_simulation_step_wall(wherry_simulation *world, const char *host,
                                              int64_t by);

/* --- Links. a and b are hosts, or "*" for all others, also for those that are made later; both
 * directions between them are meant. WHERRY_E_INVALID: there is no such host, both are the same, or
 * a value is out of range: durations are at least 1. WHERRY_E_NO_MEMORY.
 *
 * A partition is a black hole: nothing is refused and nothing arrives, connections stall, and none
 * of their bytes is skipped. When it is over they go on with their next retransmission, as TCP
 * does; after minutes they time out. Datagrams are lost. It lasts for a duration, or with
 * WHERRY_NEVER until healed; of two the longer one counts. hold keeps packets back without losing
 * any, until release; clog does so for a duration, or until release. */
WHERRY_PUBLIC int wherry_simulation_link(wherry_simulation *world, const char *a, const char *b,
                                         const wherry_link *link);
WHERRY_PUBLIC int wherry_simulation_partition(wherry_simulation *world, const char *a,
                                              const char *b, int64_t duration);
WHERRY_PUBLIC int wherry_simulation_partition_oneway(wherry_simulation *world, const char *from,
                                                     const char *to, int64_t duration);
WHERRY_PUBLIC int wherry_simulation_heal(wherry_simulation *world, const char *a, const char *b);
WHERRY_PUBLIC int wherry_simulation_hold(wherry_simulation *world, const char *a, const char *b);
WHERRY_PUBLIC int wherry_simulation_release(wherry_simulation *world, const char *a, const char *b);
WHERRY_PUBLIC int wherry_simulation_clog(wherry_simulation *world, const char *a, const char *b,
                                         int64_t duration);

/* Resets all TCP connections between a and b; returns how many. */
WHERRY_PUBLIC int wherry_simulation_reset(wherry_simulation *world, const char *a, const char *b);

/* How often faults strike from now on; NULL: never more. Partitions and clogs that were drawn are
 * healed then. Does nothing where changes are refused. */
WHERRY_PUBLIC void wherry_simulation_set_faults(wherry_simulation *world,
                                                const wherry_faults *faults);

/* --- Names that programs in the world can resolve. */

typedef struct wherry_simulation_name_options {
    size_t size;   /* set by the macro */
    int64_t delay; /* nanoseconds until the answer; WHERRY_NEVER: it never comes. 0: the round trip
                      of a link */
    int failure;   /* a negated errno(3) value (system.h, resolve) that is the answer; 0: none */
    WHERRY_RESERVED;
} wherry_simulation_name_options;

/* Says what a name resolves to from now on: wherry_simulation_name(world, "server", "10.0.0.1
 * fd00::1"). addresses: numeric ones separated by spaces, which no host need have; "" for a name
 * without any; NULL: the name is gone. Letters count alike in either case. WHERRY_E_INVALID: not a
 * name as in an endpoint, or localhost, or not addresses. WHERRY_E_NO_MEMORY. */
WHERRY_PUBLIC int wherry_simulation_name_with(wherry_simulation *world, const char *name,
                                              const char *addresses,
                                              const wherry_simulation_name_options *options);
#define wherry_simulation_name(world, name, ...)                                                   \
    wherry_simulation_name_1(world, name, __VA_ARGS__,                                             \
                             .size = sizeof(wherry_simulation_name_options))
#define wherry_simulation_name_1(world, name, addresses, ...)                                      \
    wherry_simulation_name_with(world, name, addresses,                                            \
                                &(wherry_simulation_name_options){ __VA_ARGS__ })

/* --- Running. All return WHERRY_OK or the first failure since the world was made: the result of a
 * program, or WHERRY_E_STUCK or WHERRY_E_BROKEN; wherry_problem() tells the host and what it was.
 *
 * WHERRY_E_STUCK: a program that must end, or the condition of run_until, waits for what cannot
 * happen, or programs run in circles without time going on; the sentence names who waits for what,
 * wherry_simulation_report all of them. WHERRY_E_BROKEN: the world found a broken promise: a
 * program that ended and left descriptors or memory of the library behind, a descriptor used after
 * it was closed, or a fault to be replayed that did not strike. WHERRY_E_MISUSE: from inside the
 * world, or on another thread. */

/* Lets the world go on for a duration of its time, or until all programs have ended. */
WHERRY_PUBLIC int wherry_simulation_run(wherry_simulation *world, int64_t duration);

/* Lets it go on until nothing can happen any more, for limit at most. */
WHERRY_PUBLIC int wherry_simulation_run_quiet(wherry_simulation *world, int64_t limit);

/* Lets it go on until the condition, which is asked after each event, holds. WHERRY_E_TIMED_OUT: it
 * did not within limit. */
WHERRY_PUBLIC int wherry_simulation_run_until(wherry_simulation *world,
                                              wherry_simulation_condition *condition,
                                              int64_t limit);

/* One event. Returns 1, 0 when there is none, or a failure. */
WHERRY_PUBLIC int wherry_simulation_step(wherry_simulation *world);

/* --- What it tells. */

/* The seed; nanoseconds since the beginning of the world; and a number that stands for all that has
 * happened: the same in two runs that were the same. */
WHERRY_PUBLIC uint64_t wherry_simulation_seed(const wherry_simulation *world);
WHERRY_PUBLIC int64_t wherry_simulation_now(const wherry_simulation *world);
WHERRY_PUBLIC uint64_t wherry_simulation_hash(const wherry_simulation *world);

typedef struct wherry_simulation_statistics {
    uint64_t events;                       /* steps so far */
    uint64_t packets;                      /* that arrived */
    uint64_t bytes;                        /* of the programs, that arrived */
    uint64_t connections;                  /* that were made */
    uint64_t resets;                       /* connections that were reset */
    uint64_t faults[WHERRY_FAULT_ROOM];    /* that struck, by kind */
    uint64_t occasions[WHERRY_FAULT_ROOM]; /* at which they could have */
    size_t programs;                       /* alive now, and so on */
    size_t sockets;                        /* with a descriptor, or lingering after their close */
    size_t descriptors;
    size_t under_way; /* packets */
    size_t memory;    /* bytes that the programs have from the library's default allocator */
    WHERRY_RESERVED;
} wherry_simulation_statistics;

/* Fills statistics. */
WHERRY_PUBLIC void wherry_simulation_statistics_read(const wherry_simulation *world,
                                                     wherry_simulation_statistics *statistics);

/* The faults that struck, oldest first, up to 100,000; count: how many. Valid until the world goes
 * on. */
WHERRY_PUBLIC const wherry_fault_record *wherry_simulation_faults(const wherry_simulation *world,
                                                                  size_t *count);

/* Writes who waits for what into text, of size bytes, NUL-terminated and cut if need be: for each
 * host its programs, their tasks with their reasons and deadlines, and its sockets as netstat(8)
 * lists them. Returns the length of the whole, as snprintf(3) does. */
WHERRY_PUBLIC size_t wherry_simulation_report(const wherry_simulation *world, char *text,
                                              size_t size);

#ifdef __cplusplus
}
#endif

#endif
