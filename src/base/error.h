/* Failing with a code and a sentence. The sentence goes to a place that belongs to the thread, or
 * to the coroutine that runs on it: coroutines bring a place of their own along, since between a
 * failure and the call that asks for its sentence others may fail. */
#ifndef WHERRY_BASE_ERROR_H
#define WHERRY_BASE_ERROR_H

#include <wherry/error.h>
#include <wherry/export.h>

/* Bytes of a problem's place, with the final zero. */
#define WHERRY__PROBLEM_SIZE 192

/* Sets the problem from a printf format and returns code. The arguments may include
 * wherry_problem(), to say more about a failure further down. errno is left alone. */
WHERRY_FORMAT(2, 3) __attribute__((cold)) int wherry__fail(int code, const char *format, ...);

/* Fails with a code that says all there is to say: its sentence is the problem. Returns code. */
int wherry__fail_plain(int code);

#ifdef __clang_analyzer__
/* An analyzer that does not look into other files is told what it answers. */
#define wherry__fail(code, ...) ((void)(wherry__fail)(code, __VA_ARGS__), (code))
#endif

/* The code for an errno(3) value, positive or negated; WHERRY_E_SYSTEM for one without a code of
 * its own. */
int wherry__error_from_errno(int number);

/* Fails with the code for an errno(3) value and the sentence "WHAT: strerror". Returns the code.
 * errno is left alone. */
__attribute__((cold)) int wherry__fail_system(int number, const char *what);

/* Makes place, of WHERRY__PROBLEM_SIZE bytes, the place of this thread's problems from now on, and
 * returns the former one. NULL stands for the thread's own, also as what is returned. The bytes at
 * place must be zero-terminated. */
char *wherry__problem_use(char *place);

/* Whether code ends a handler or a task quietly: an end of a connection, or a cancellation. */
int wherry__error_is_quiet(int code);

#endif
