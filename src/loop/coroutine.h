/* Coroutine: a function on a stack of its own that can stop in the middle and go on later. This is the bare mechanism; tasks
 * are built on it.
 *
 *     resume ---switch--->  runs on its stack ... suspend
 *        ^ <-----------------switch-------------------'          (also when its function returns: it has ended then)
 */
#ifndef WHERRY_LOOP_COROUTINE_H
#define WHERRY_LOOP_COROUTINE_H

#include <stdbool.h>
#include <stddef.h>

#include "loop/stack.h"

typedef void wherry__coroutine_function(void *argument);

/* Belongs to who embeds it; lies still while the coroutine has not ended. */
typedef struct wherry__coroutine {
    void *context; /* where it stands: its stack pointer while it is suspended */
    void *caller;  /* where who resumed it stands, while it runs */
    wherry__stack stack;
    wherry__coroutine_function *function;
    void *argument;
    char *problem; /* the place of its problem sentence, at the top of its stack */
    bool ended;
    void *sanitizer; /* the fiber of ThreadSanitizer; the fake stack of AddressSanitizer */
} wherry__coroutine;

/* Prepares a coroutine on stack; nothing runs yet. */
void wherry__coroutine_init(wherry__coroutine *coroutine, wherry__stack stack,
                            wherry__coroutine_function *function, void *argument);

/* Runs it until it suspends or its function returns; ended tells which. */
void wherry__coroutine_resume(wherry__coroutine *coroutine);

/* Called on the coroutine: goes back to who resumed it. Returns when it is next resumed. */
void wherry__coroutine_suspend(wherry__coroutine *coroutine);

/* After it has ended, or was never resumed: forgets what was announced about it. The stack can be used again. */
void wherry__coroutine_done(wherry__coroutine *coroutine);

#endif
