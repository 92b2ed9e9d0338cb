/* What the parts of the random operations share: the world that they happen in. */
#ifndef TESTS_SUPPORT_OPERATIONS_WORLD_H
#define TESTS_SUPPORT_OPERATIONS_WORLD_H

#include <stdbool.h>

#include <wherry.h>

#include "support/failing_memory.h"
#include "support/operations.h"

#define WORLD_HOSTS 48
#define WORLD_PARTIES 2000
#define WORLD_CALLERS 8000
#define WORLD_HELD 6
#define WORLD_LINES 400
#define WORLD_RAW 6
#define WORLD_THINGS 4

/* Where an operation is called from: what it may wait for depends on it. */
typedef enum op_place {
    PLACE_OUTSIDE, /* no coroutine: the program, a callback, a post */
    PLACE_TASK,    /* a task that nobody waits for uncancelably */
    PLACE_GROUP,   /* a task in a group */
    PLACE_HANDLER, /* a hook of a server */
} op_place;

typedef struct op_world op_world;
typedef struct op_party op_party;

/* How messages stand on the wire, as far as what can be put into them goes. */
typedef enum format { FORMAT_TEXT, FORMAT_FIXED, FORMAT_RAW } format;

/* Who called: the two ports of a connection. The same ports may be used again, by somebody else. */
typedef struct caller {
    uint16_t port;
    uint16_t server_port;
    op_party *party; /* NULL: one that says what it likes */
} caller;

/* A server and its handler. */
typedef struct op_host {
    wherry_handler handler; /* first */
    op_world *world;
    wherry_server *server;
    const wherry_protocol *protocol;
    format format;
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    bool is_tcp;
    bool stopped; /* somebody asked for it */
    int greeted;  /* clients that on_connect has let in, less those that have gone */
    int started;
    int ended;
} op_host;

/* One end of a connection. */
struct op_party {
    op_party *other; /* once a message of the client told who it is */
    uint32_t id;
    format format;
    bool is_server;
    bool is_tcp;
    bool greeted;
    bool gone;
    bool inside;       /* a hook runs */
    bool receives;     /* a task is in a receive */
    bool is_stranger;  /* the other end is no client of ours */
    uint32_t begun;    /* messages of its own that it tried to send */
    size_t sent;       /* messages that a send took, bytes if raw; echoes too */
    size_t received;   /* the same */
    uint32_t heard[2]; /* one more than the last number of a message by a client, and a server */
};

/* A peer that is kept in a table, as chats do. */
typedef struct op_held {
    wherry_peer *peer;
    op_party *party;
} op_held;

/* A stream with callbacks. */
typedef struct op_line {
    wherry_stream_events events; /* first */
    op_world *world;
    wherry_stream *stream;
    bool connected;
    bool ended;
    bool over; /* closed by us: nothing may be told any more */
} op_line;

/* A watch of a pipe. */
typedef struct pipe_watch {
    wherry_watcher watcher; /* first */
    op_world *world;
    wherry_watch *watch;
    int ends[2];
} pipe_watch;

typedef struct op_post {
    wherry_post post; /* first */
    op_world *world;
    bool posted;
} op_post;

struct op_world {
    uint64_t seed;
    uint64_t random;
    operations_totals *totals;
    wherry_loop *loop;
    failing_memory memory;
    wherry_faulty *system;
    wherry_protocol *fixed;
    wherry_protocol *separator;
    bool is_real;    /* the clock */
    bool is_faulty;  /* memory and system fail now and then */
    bool is_ending;  /* no more is begun */
    bool loop_freed; /* handles are all that is left */
    unsigned depth;  /* of operations in operations */

    op_host hosts[WORLD_HOSTS];
    size_t host_count;
    op_party parties[WORLD_PARTIES];
    size_t party_count;
    op_held held[WORLD_HELD];
    op_line lines[WORLD_LINES];
    size_t line_count;
    int raw[WORLD_RAW];
    caller callers[WORLD_CALLERS];
    size_t caller_count;
    op_post posts[WORLD_THINGS];
    pipe_watch watches[WORLD_THINGS];
    wherry_listener *listener;
    wherry_task *tasks[WORLD_THINGS * 2];
    wherry_group *groups[WORLD_THINGS];
    wherry_event *events[WORLD_THINGS];
    wherry_semaphore *semaphores[WORLD_THINGS];
    wherry_queue *queues[WORLD_THINGS];
};

/* Ends the program unless condition holds. */
#define WORLD_CHECK(world, condition)                                                              \
    do {                                                                                           \
        if (!(condition))                                                                          \
            world_fail(world, __FILE__, __LINE__, #condition);                                     \
    } while (0)
_Noreturn void world_fail(const op_world *world, const char *file, int line, const char *what);

/* A number below count. */
uint32_t world_draw(op_world *world, uint32_t count);
static inline bool world_chance(op_world *world, uint32_t of_hundred)
{
    return world_draw(world, 100) < of_hundred;
}

/* A deadline, often one that has passed or soon will. */
int64_t world_deadline(op_world *world);

/* One operation, whichever. A negative code is that of a call that waited. */
int world_operate(op_world *world, op_place place);

/* The body of a task that operates; argument is the world. */
int world_wander(void *argument);

/* --- talking: operations_talk.c */

/* Somebody has connected from local to remote. */
void world_called(op_world *world, const wherry_address *local, const wherry_address *remote,
                  op_party *party);

void world_new_server(op_world *world);
int world_use_server(op_world *world, op_place place);
void world_new_client(op_world *world, op_place place);
int world_use_held(op_world *world, op_place place);
void world_drop_held(op_world *world, op_held *held);

/* --- beside the peers: operations_lines.c */

void world_new_line(op_world *world);
void world_use_line(op_world *world);
void world_use_raw(op_world *world);
void world_use_watch(op_world *world, op_place place);
int world_use_listener(op_world *world, op_place place);
void world_close_lines(op_world *world);

/* --- what tasks meet through: operations_tasks.c */

int world_use_task(op_world *world, op_place place);
int world_use_group(op_world *world, op_place place);
int world_use_meeting(op_world *world, op_place place);
void world_use_post(op_world *world);
void world_free_meetings(op_world *world);

#endif
