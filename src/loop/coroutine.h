/* Coroutine: a function on a stack of its own that can stop in the middle and go on later. This is
 * the bare mechanism; tasks are built on it.
 *
 *     resume ---switch---> runs on its stack ... suspend
 *        ^                                          |
 *        '----------------- switch -----------------'
 *
 * When its function returns it has ended, and goes back for good.
 *
 * A coroutine may resume others, which come back to it. To each side a switch looks like a call
 * that changed nothing: registers, floating-point control words, errno and the place of the problem
 * sentence are each side's own; errno begins with 0. resume changes the latter two both ways. A
 * coroutine stays on the thread that first resumed it, since compilers keep addresses of
 * thread-local variables across calls.
 *
 * The top of its stack, which is touched anyway, holds the problem place, what checkers were told,
 * and the frames that every coroutine has, well within one page:
 *
 *     low                                                                 high
 *     | ...  not touched  ... | its function's frames | begin | announced | problem |
 */
#ifndef WHERRY_LOOP_COROUTINE_H
#define WHERRY_LOOP_COROUTINE_H

#include <stdbool.h>

#include "loop/stack.h"

typedef void wherry__coroutine_function(void *argument);

/* Belongs to who embeds it; lies still while the coroutine has not ended. */
typedef struct wherry__coroutine {
    void *context; /* where it stands while it can be resumed; else NULL */
    void *caller;  /* where who resumed it stands, while it runs */
    wherry__stack stack;
    wherry__coroutine_function *function;
    void *argument;
    char *problem; /* the place of its problem sentence, at the top of its stack */
    int number;    /* its errno, while it does not run */
    bool ended;
} wherry__coroutine;

/* Prepares a coroutine on stack, of at least 16 KiB; nothing runs yet. */
void wherry__coroutine_init(wherry__coroutine *coroutine, wherry__stack stack,
                            wherry__coroutine_function *function, void *argument);

/* Runs it until it suspends or its function returns; ended tells which. It must neither run nor
 * have ended. */
void wherry__coroutine_resume(wherry__coroutine *coroutine);

/* Called on the coroutine: goes back to who resumed it. Returns when it is next resumed. */
void wherry__coroutine_suspend(wherry__coroutine *coroutine);

/* Called on the coroutine, or on one that it resumed: goes back to who resumed it, and never comes
 * back. It counts as one that has not ended and can be done with. */
__attribute__((noreturn)) void wherry__coroutine_abandon(wherry__coroutine *coroutine);

/* After it has ended, was abandoned, or was never resumed: forgets what was announced about it. The
 * stack can be used again. */
void wherry__coroutine_done(wherry__coroutine *coroutine);

#endif
