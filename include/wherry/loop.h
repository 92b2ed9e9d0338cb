/* Loop: runs tasks, deadlines and ready sockets. One thread owns a loop and everything on it.
 *
 * One pass: expire deadlines, wait, handle ready sockets, have the turns of steps, run ready tasks,
 * send what was queued, reclaim what was closed.
 *
 *     wherry_loop_prepare  -->  wherry_loop_wait  -->  wherry_loop_dispatch        (a pull core)
 *     `------------------------ wherry_loop_step, _run -------------------'        (made of it)
 */
#ifndef WHERRY_LOOP_H
#define WHERRY_LOOP_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/export.h>
#include <wherry/memory.h>
#include <wherry/system.h>
#include <wherry/time.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wherry_loop wherry_loop;

/* How the clock of a loop goes. */
typedef enum wherry_clock {
    WHERRY_CLOCK_REAL = 0, /* the system's monotonic clock */
    WHERRY_CLOCK_STEPPED, /* advances by a tock at the end of each pass, and by nothing else; passes
                             do not wait */
    WHERRY_CLOCK_PACED,   /* advances by a tock for each tock of real time; after an overrun pass by
                             pass, without a pause, until it has caught up */
    WHERRY_CLOCK_VIRTUAL, /* stands still during a pass; jumps to the next deadline when a pass
                             would have to wait for it, since nothing is ready */
} wherry_clock;

typedef struct wherry_loop_options {
    size_t size; /* set by the macro */
    wherry_loop **result;
    wherry_system *system; /* NULL: the one of the surroundings (the simulated host's, or
                              wherry_system_epoll()) */
    wherry_memory *memory; /* NULL: malloc(3). Must outlive the loop */
    wherry_clock clock;    /* WHERRY_CLOCK_REAL */
    int64_t tock; /* nanoseconds a step of the stepped and paced clocks, and from one turn of a step
                     task (steps.h) to the next; 0: 31.25 ms */
    int64_t start; /* the first instant of a stepped, paced or virtual clock, at least 0; none may
                      be given with the real one */
    size_t stack_size;  /* bytes of address space of a coroutine's stack; 0: 64 KiB. At least 16 KiB
                         */
    size_t stacks_kept; /* stacks kept for use again; 0: 1,024 */
    size_t chunk_size;  /* bytes of a receive or send chunk; 0: 64 KiB. 512 to 16 MiB */
    int64_t linger; /* how long wherry_loop_free and wherry_run let background closes finish; 0: 5 s
                     */
    int temporary;  /* not 0: see wherry_task_temporary, in steps.h */
    WHERRY_RESERVED;
} wherry_loop_options;

/* Makes a loop: wherry_loop_new(&loop), wherry_loop_new(&loop, .clock = WHERRY_CLOCK_VIRTUAL). The
 * caller frees it, on the thread that will own it, which is the one that makes it. WHERRY_E_MISUSE:
 * no place for the result, or an option that contradicts another (wherry_problem() names it).
 * WHERRY_E_NO_MEMORY, WHERRY_E_NO_DESCRIPTORS: as they say. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_loop_new_with(const wherry_loop_options *options);
#define wherry_loop_new(...)                                                                       \
    wherry_loop_new_with(                                                                          \
        &(wherry_loop_options){ .size = sizeof(wherry_loop_options), .result = __VA_ARGS__ })

/* Cancels all tasks on the loop, runs it until they have ended and background closes are done, at
 * most for the linger time, with which the grace times of servers end too, closes what is still
 * open on it, and gives it back. Tasks that have not ended then are given up, and logged by name.
 * Handles of objects on it stay to be freed by who owns them. NULL is allowed. Not from inside the
 * loop, on a coroutine or on another thread: then it does nothing but log. */
WHERRY_PUBLIC void wherry_loop_free(wherry_loop *loop);

/* wherry_loop_free for the child of a fork(2), on the thread that forked: closes the descriptors
 * and gives back the memory of the loop without touching what the parent shares with it. Nothing is
 * sent, no socket is shut down, no path removed, no task goes on, and nobody is called. Handles of
 * objects on it stay to be freed, as after wherry_loop_free; a child that does not care need not.
 */
WHERRY_PUBLIC void wherry_loop_forget(wherry_loop *loop);

/* Runs passes until wherry_loop_stop is called or nothing on the loop can ever happen again: no
 * task, no open socket, no watch. (Signals do not keep it going.) Returns WHERRY_OK.
 * WHERRY_E_MISUSE: the loop is running already, or it was called on a coroutine or from another
 * thread. WHERRY_E_SYSTEM and other codes: waiting failed. */
WHERRY_PUBLIC int wherry_loop_run(wherry_loop *loop);

/* One pass that does not wait. Returns how many things it did (tasks run, sockets handled,
 * deadlines expired): 0 says that there was nothing to do. Errors as wherry_loop_run. */
WHERRY_PUBLIC ssize_t wherry_loop_step(wherry_loop *loop);

/* Makes wherry_loop_run return after the pass that is under way; when it is not running, the next
 * run returns at once. Any thread, also from signal handlers. */
WHERRY_PUBLIC void wherry_loop_stop(wherry_loop *loop);

/* The three parts of a pass, for programs with a loop of their own. prepare reads the clock and
 * expires deadlines; returns 1 when work is ready, so that wait must not wait, else 0. wait sleeps
 * until something is ready, but not past until (WHERRY_NOW: no sleep); returns how many descriptors
 * are ready. dispatch handles them, runs tasks, sends and reclaims; returns how many things it did.
 * They are called in this order. Errors as wherry_loop_run. */
WHERRY_PUBLIC int wherry_loop_prepare(wherry_loop *loop);
WHERRY_PUBLIC int wherry_loop_wait(wherry_loop *loop, int64_t until);
WHERRY_PUBLIC ssize_t wherry_loop_dispatch(wherry_loop *loop);

/* For hosting the loop in another one: a descriptor that is readable when a step has something to
 * do, and the instant by which a step is due at the latest (WHERRY_NOW: at once, as ever with a
 * stepped clock; WHERRY_NEVER: none). It is one of the system's clock, with a paced one the next
 * tock; only a virtual clock has its own. The descriptor belongs to the loop. WHERRY_E_UNSUPPORTED:
 * the system has no such descriptor (wherry_system_poll()). */
WHERRY_PUBLIC int wherry_loop_fd(const wherry_loop *loop);
WHERRY_PUBLIC int64_t wherry_loop_deadline(wherry_loop *loop);

/* The pass time: the clock as it was read last, which is when a pass begins and, if it is the real
 * one, again after its wait. The same for all sockets and tasks of a pass, however long they take.
 */
WHERRY_PUBLIC int64_t wherry_loop_now(const wherry_loop *loop);

/* The nanoseconds of a tock. set: that of the one under way and of those to come, in steps from the
 * end of this pass on. WHERRY_E_MISUSE: not positive. On the loop's thread. */
WHERRY_PUBLIC int64_t wherry_loop_tock(const wherry_loop *loop);
WHERRY_PUBLIC int wherry_loop_set_tock(wherry_loop *loop, int64_t tock);

/* Moves a stepped or virtual clock on by duration, between two passes and without one: for programs
 * that call what they service themselves, and use the loop only for its time. What is due by then
 * happens in the next pass. Returns the pass time it is now. WHERRY_E_MISUSE: inside of a pass,
 * another clock, or a negative duration. */
WHERRY_PUBLIC int64_t wherry_loop_tick(wherry_loop *loop, int64_t duration);

/* Nanoseconds since 1970-01-01 00:00 UTC, from the loop's system; not for measuring durations. */
WHERRY_PUBLIC int64_t wherry_loop_wall(const wherry_loop *loop);

/* Random bytes from the loop's system, fit for keys. WHERRY_E_SYSTEM: there are none. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_loop_random(wherry_loop *loop, void *data, size_t size);

/* The loop that the calling code runs on: inside a pass that loop, else NULL. */
WHERRY_PUBLIC wherry_loop *wherry_loop_current(void);

/* A piece of work handed to a loop from elsewhere. It belongs to the caller, who embeds it in a
 * struct of its own and keeps it untouched until it has run. */
typedef struct wherry_post wherry_post;
struct wherry_post {
    void (*run)(wherry_post *self); /* called on the loop's thread, outside of coroutines, once */
    wherry_post *next;              /* the loop's */
};

/* Hands post to the loop, to be run in the pass that follows. Posts of one thread run in their
 * order. It neither allocates nor fails. Posts that have not run when the loop is freed are run
 * then, but for those that these hand in. Any thread, while the loop lives; a post that is still
 * waiting must not be handed in again.
 */
WHERRY_PUBLIC void wherry_loop_post(wherry_loop *loop, wherry_post *post);

/* What a loop did and holds. */
typedef struct wherry_loop_statistics {
    uint64_t passes;
    uint64_t waits;   /* of them, those that asked the system for readiness */
    uint64_t ready;   /* descriptors reported ready */
    uint64_t expired; /* deadlines */
    uint64_t resumed; /* times that a task ran */
    size_t tasks;     /* alive now */
    size_t deadlines; /* armed now */
    size_t watched;   /* descriptors watched now */
    size_t bytes;     /* memory taken through the loop's allocator now */
    size_t stacks;    /* mapped now, in use or kept */
    WHERRY_RESERVED;
} wherry_loop_statistics;

/* Fills statistics. On the loop's thread. */
WHERRY_PUBLIC void wherry_loop_statistics_read(const wherry_loop *loop,
                                               wherry_loop_statistics *statistics);

#ifdef __cplusplus
}
#endif

#endif
