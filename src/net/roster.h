/* The inside of a roster.
 *
 *     listening socket --> waiting --> streams     all, oldest first, and by address
 *                                      readable    what the poller has told in this pass
 *                                      unsent      those with bytes that can be tried to be sent
 *                                      news        what take gives
 *                                      finished    nothing more comes, and nothing is to go out:
 *                                                  closed at the end of a later pass
 *                                      ended       what is freed at the end of a later pass
 *
 * It has a poller of its own, which it asks once a pass, so that a pass costs what is ready. A
 * connection is an entry from before it is accepted, so that memory lacks before anything is lost.
 */
#ifndef WHERRY_NET_ROSTER_H
#define WHERRY_NET_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wherry/error.h>
#include <wherry/roster.h>
#include <wherry/watch.h>

#include "base/list.h"
#include "base/table.h"
#include "loop/deadlines.h"
#include "loop/loop.h"
#include "net/service.h"
#include "net/socket.h"

/* The key of an IP address: port, scope and bytes. */
#define WHERRY__ROSTER_KEY (2 + 4 + 16)

/* What each service looks at stands first. */
typedef struct wherry__roster_entry {
    wherry__service_owner owner; /* first: what the stream calls */
    wherry_roster *roster;
    wherry_stream *stream; /* NULL: it waits */
    uint64_t pass;         /* the last one in which something happened to it */
    int descriptor;        /* while it waits */
    uint8_t watched;       /* what the poller watches it for */
    uint8_t passes;        /* finished or ended: for how many passes, up to 2 */
    bool found;            /* it is in the table */
    bool told;             /* that nothing more comes was told */
    bool over;             /* it is among those that ended, not among those that finished */
    wherry__link readable;
    wherry__link news;
    wherry__link unsent;
    wherry__link ended;   /* in that list, or the one of those that finished */
    wherry__link link;    /* in the roster's streams, or its waiting ones */
    wherry__deadline due; /* its idle time is over, or what was refused is tried again */
    wherry__table_entry by_address;
    wherry__short_address remote;
    uint64_t number; /* in the order of their making */
    size_t left;     /* finished or ended: bytes that it had at the end of the last pass */
    uint8_t key[WHERRY__ROSTER_KEY];
} wherry__roster_entry;

/* Goes through streams any of which may be taken out meanwhile. */
typedef struct wherry__roster_cursor {
    struct wherry__roster_cursor *outer;
    wherry__link *next;
} wherry__roster_cursor;

/* How far wherry_roster_service_next is with a pass. */
typedef enum wherry__roster_stage {
    WHERRY__ROSTER_BETWEEN, /* two of them */
    WHERRY__ROSTER_RECEIVING,
    WHERRY__ROSTER_TELLING, /* what is no receiving */
} wherry__roster_stage;

struct wherry_roster {
    wherry__source source; /* first: of the listening socket, set aside */
    wherry_loop *loop;
    const wherry_loop *base;
    wherry_poller *poller; /* NULL: it is not open */

    wherry_address asked;   /* where to listen */
    wherry_address address; /* where it listens, or did */
    wherry__socket_kept socket;
    bool no_reuse_address;
    bool reuse_port;
    bool keep_ended;
    bool keep_finished;
    int backlog;
    wherry_stream_options stream;
    size_t waiting_max;
    size_t streams_max;

    wherry__link waiting;
    size_t waiting_count;
    wherry__link streams;
    size_t count;
    wherry__link readable;
    wherry__link unsent;
    wherry__link news;
    wherry__link finished;
    wherry__link ended;
    wherry__table by_address;
    wherry__deadlines deadlines;
    wherry__roster_entry *spare; /* for the next one that is accepted */
    wherry__roster_cursor *cursors;
    uint64_t last_number;

    uint64_t pass;
    wherry__roster_stage stage;
    size_t untold;       /* news that the pass under way still tells; between two: whether there
                            is some that nobody has been woken for */
    size_t turns;        /* of streams to be received from, that the pass under way has yet */
    size_t happened;     /* in this pass: to how many streams */
    size_t full;         /* streams that wait for the system to take more */
    int64_t rests_until; /* accepting; 0: it does not rest */
    bool listening_watched;
    bool listening_ready;
    bool gathered; /* a wait has asked already what is ready */
    bool partly;   /* and more may be than it was told */
    bool bound_path;
    bool freed;     /* by its owner */
    uint32_t users; /* calls that still look at it when they return */

    wherry_task *task;          /* that serves it; NULL: none */
    wherry_roster_steps *steps; /* of that task */
    wherry_watch *watch;        /* wakes the task; NULL: there is none */
    wherry_watcher watcher;
};

static inline bool wherry__roster_is_open(const wherry_roster *roster)
{
    return roster->poller != NULL;
}

int64_t wherry__roster_now(const wherry_roster *roster);

/* The storage goes when nobody needs it any more. */
void wherry__roster_dismiss(wherry_roster *roster);

/* --- roster_open.c */

/* Ends it in a child process, while the parent goes on. */
void wherry__roster_forget(wherry_roster *roster);

/* --- roster_ready.c */

/* How many streams the poller reports at once. */
#define WHERRY__ROSTER_READY_MAX 64

/* Asks the poller what is ready, and marks that: once, waiting until then, or as long as there may
 * be more (unless a wait has asked already). WHERRY_OK, or why that is not known. */
int wherry__roster_ask(wherry_roster *roster, int64_t until);
int wherry__roster_ask_all(wherry_roster *roster);

/* --- roster_steps.c */

/* Gives the task that serves it a turn, where it need not come soon: nothing that is watched tells
 * why. */
void wherry__roster_wake(wherry_roster *roster);

/* --- roster_accept.c */

/* Accepting pauses from now on. */
void wherry__roster_rest(wherry_roster *roster);

/* Ends the pause when it is over. */
void wherry__roster_end_rest(wherry_roster *roster);

/* Has the poller watch the listening socket as long as connections can be accepted. WHERRY_OK, or
 * why that cannot be begun. */
int wherry__roster_watch_listening(wherry_roster *roster);

/* Accepts at most so many. How many; WHERRY_E_CLOSED: the listening socket was taken away. */
ssize_t wherry__roster_accept(wherry_roster *roster, size_t most);

/* Makes streams of those that wait. How many. */
size_t wherry__roster_make_streams(wherry_roster *roster);

/* An entry whose connection never became a stream. */
void wherry__roster_entry_free(wherry_roster *roster, wherry__roster_entry *entry);

/* --- roster_stream.c */

/* Puts a stream that was made of entry's connection in. On failure nothing has changed. */
int wherry__roster_put_in(wherry__roster_entry *entry, wherry_stream *stream);

/* Takes entry out and gives it back; the stream goes its own way. */
void wherry__roster_take_out(wherry__roster_entry *entry);

/* take gives it, and it counts as one to which something happened in this pass. */
void wherry__roster_tell(wherry__roster_entry *entry);

/* What became of the stream by a call of it: it may have ended, in one direction or both, or have
 * room. */
void wherry__roster_look_closely(wherry__roster_entry *entry);
static inline void wherry__roster_look(wherry__roster_entry *entry)
{
    if (entry->stream->reason != WHERRY_OK || entry->stream->roomy)
        wherry__roster_look_closely(entry);
}

/* When the roster has to see to it by itself. */
void wherry__roster_arm(wherry__roster_entry *entry);

/* Takes all streams out and frees them. */
void wherry__roster_clear(wherry_roster *roster);

#endif
