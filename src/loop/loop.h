/* The inside of a loop, and what the floors above build on: sources (descriptors in the loop), work
 * at the end of a pass, and the loop's own end. */
#ifndef WHERRY_LOOP_LOOP_H
#define WHERRY_LOOP_LOOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wherry/loop.h>

#include "base/list.h"
#include "base/memory.h"
#include "loop/chunk.h"
#include "loop/deadlines.h"
#include "loop/group.h"
#include "loop/stack.h"

/* How many ready descriptors one wait reports at most. */
#define WHERRY__READY_MAX 64

/* Lines of the cache that a source which is ready takes a look at: most of a stream's. */
#define WHERRY__SOURCE_LINES 3

/* A source: an object that lives on a loop, with or without a descriptor that the loop watches. It
 * is the first thing in the structure of a stream, listener, watch or signal. */
typedef struct wherry__source wherry__source;

typedef struct wherry__source_class {
    void (*ready)(wherry__source *self, unsigned events);
    /* The loop is being freed: close, without further ado. */
    void (*leave)(wherry__source *self);
    /* The loop is being forgotten, after a fork: the same without a trace outside of this process,
     * and without a call to anybody. The loop has no poller any more. NULL: leave does that. */
    void (*forget)(wherry__source *self);
    /* Called for a source that was dismissed, when nothing of the pass can refer to it any more:
     * give the storage back. */
    void (*reclaim)(wherry__source *self);
    /* Called at the end of a pass for a source that asked for it, even if it was dismissed since.
     */
    void (*flush)(wherry__source *self);
    /* Called when source was ready, and the tasks that it woke have run, if it asked for a flush:
     * what is worth doing at once, while it is hot in the cache. NULL: nothing. */
    void (*settle)(wherry__source *self);
} wherry__source_class;

struct wherry__source {
    const wherry__source_class *class;
    wherry__link link;          /* in the loop's sources, or among those to be reclaimed */
    wherry__source *flush_next; /* in the row of those to be flushed, which ends in itself; NULL:
                                   not in it */
    int descriptor;             /* -1: none */
    uint8_t watched;            /* what the system watches it for */
    bool always : 1;            /* always ready: a regular file, which no system watches */
    bool more : 1;              /* it has just found that there is more to do */
    bool of_call : 1; /* a call under way holds it: if the loop ends before, the loop dismisses it,
                         since the task of that call does not come back */
    bool aside : 1; /* its user drives it: the loop notes what it would watch for, and no more, and
                       does not run on for it */
};

struct wherry_loop {
    wherry__counted_memory memory; /* first: the loop's own allocator is this */
    wherry_system *system;
    wherry_poller *poller;
    const void *thread; /* whose loop it is: see wherry__loop_is_here */
    size_t holds;       /* one of the owner's, one for each handle that must outlive the loop */
    bool freed;         /* nothing runs any more; only the memory is still there, for the handles */
    bool ending;        /* being freed: nothing can be started */
    bool forgotten;     /* the process is a child, and the loop its parent's */
    bool lingered;      /* its time to end is over: no instant shields a task any more */

    /* the clock */
    wherry_clock clock;
    int64_t now;
    int64_t tock;
    int64_t tock_began; /* paced: the real instant at which the tock under way began */
    int64_t linger;
    wherry__deadlines deadlines;

    /* a pass */
    bool dispatching;
    bool turned;      /* this pass has had, or has, its turns */
    unsigned calling; /* steps that are on the call stack: the loop cannot be run or freed there */
    uint64_t round;   /* the number of passes with turns, or of that under way */
    bool running;
    atomic_bool stop;
    int ready_count;
    wherry_ready ready[WHERRY__READY_MAX];
    wherry__source *flush_first;
    wherry__link doomed;     /* sources to be reclaimed */
    wherry__link sources;    /* all others */
    size_t keepers;          /* of them, those with a descriptor: they keep the loop running */
    size_t closing;          /* of them, those that were closed and still send in the background */
    wherry__source **always; /* sources that are always ready; NULL where one was taken out */
    size_t always_count;
    size_t always_capacity;
    _Atomic(wherry_post *) posts; /* newest first */
    wherry__source *resolver;     /* that looks names up; NULL: none was needed */

    /* tasks */
    wherry__link tasks; /* all alive, in order of their start */
    wherry_group root;  /* in which everything is that is in no other */
    uint64_t entries;   /* so many were entered */
    bool temporary;
    wherry__link runnable;
    wherry__link later; /* to be made runnable in the next pass */
    size_t runnable_count;
    size_t turns; /* how many tasks may still run in this pass */
    size_t task_count;
    wherry_task *spares; /* storage of ended ones, for the next */
    unsigned spare_count;
    wherry__stack_pool stacks;
    wherry__chunk_pool chunks;       /* for what is received, and large sends */
    wherry__chunk_pool small_chunks; /* for small sends */

    wherry_loop_statistics statistics;
};

/* The loop that a call means: the one named, or the one it runs on. NULL, with WHERRY_E_MISUSE as
 * the problem, when there is none. */
wherry_loop *wherry__loop_choose(wherry_loop *named);

/* Whether the calling thread owns the loop. */
bool wherry__loop_is_here(const wherry_loop *loop);

static inline wherry_memory *wherry__loop_memory(wherry_loop *loop)
{
    return &loop->memory.base;
}

/* The loop whose allocator that is; NULL: it is none of a loop's. A system that is given memory for
 * a poller finds out for whom it is. */
static inline wherry_loop *wherry__loop_of_memory(wherry_memory *memory)
{
    return wherry__memory_is_counted(memory) ? (wherry_loop *)(void *)memory : NULL;
}

/* For handles that stay the user's when the loop is freed before them. The last release gives the
 * loop's memory back. */
void wherry__loop_hold(wherry_loop *loop);
void wherry__loop_release(wherry_loop *loop);

/* Makes loop the current one of this thread and returns the former one. */
wherry_loop *wherry__loop_enter(wherry_loop *loop);

/* --- sources */

/* Adds source to the loop; from then on leave is called if the loop is freed before it is
 * dismissed. */
void wherry__source_init(wherry_loop *loop, wherry__source *source,
                         const wherry__source_class *class, int descriptor);

/* Gives a source that has no descriptor one. */
void wherry__source_adopt(wherry_loop *loop, wherry__source *source, int descriptor);

/* Has the system watch the descriptor for events, 0 for none. Cheap when nothing changes. */
int wherry__source_watch(wherry_loop *loop, wherry__source *source, unsigned events);

/* Has the loop take over a source that was set aside, or set it aside. It is not watched then. */
void wherry__source_set_aside(wherry_loop *loop, wherry__source *source, bool aside);

/* Ends the watch and forgets the descriptor; who closes it does so after this. */
void wherry__source_forget(wherry_loop *loop, wherry__source *source);

/* Takes source, whose descriptor was forgotten, off the loop; its reclaim is called at the end of
 * the pass, or at once outside of passes. */
void wherry__source_dismiss(wherry_loop *loop, wherry__source *source);

/* Has flush called once, at the end of the pass under way or of the next one. */
static inline void wherry__source_flush_later(wherry_loop *loop, wherry__source *source)
{
    if (source->flush_next != NULL || source->aside || loop->freed)
        return;
    source->flush_next = loop->flush_first == NULL ? source : loop->flush_first;
    loop->flush_first = source;
}

/* Takes source out of the row of those to be flushed, if it is at its front: nobody asked later. */
static inline bool wherry__source_flush_now(wherry_loop *loop, wherry__source *source)
{
    if (loop->flush_first != source)
        return false;
    loop->flush_first = source->flush_next == source ? NULL : source->flush_next;
    source->flush_next = NULL;
    return true;
}

/* The clock of a loop that is being made: its options, and its beginning. */
int wherry__clock_check(const wherry_loop_options *options);
void wherry__clock_init(wherry_loop *loop, const wherry_loop_options *options);

/* The real instant of the next tock of a paced clock. */
int64_t wherry__clock_next_tock(const wherry_loop *loop);

/* One pass that waits until the given instant of the loop's clock at most. */
ssize_t wherry__loop_pass(wherry_loop *loop, int64_t until);

/* wherry_loop_run until the group is over, and for limit nanoseconds at most (0: without limit). */
int wherry__loop_run_group(wherry_loop *loop, const wherry_group *group, int64_t limit);

/* Whether somebody has asked the loop to stop, which counts once. */
static inline bool wherry__loop_take_stop(wherry_loop *loop)
{
    return atomic_load_explicit(&loop->stop, memory_order_relaxed) &&
           atomic_exchange(&loop->stop, false);
}

/* Whether there is work that must not wait. */
bool wherry__loop_has_work(const wherry_loop *loop);

/* The work of each part of a pass; each returns how many things it did. */
size_t wherry__loop_run_posts(wherry_loop *loop);
size_t wherry__loop_serve_ready(wherry_loop *loop);
size_t wherry__loop_serve_always(wherry_loop *loop);
size_t wherry__loop_take_turns(wherry_loop *loop);
void wherry__loop_flush(wherry_loop *loop);
void wherry__loop_reclaim(wherry_loop *loop);

#endif
