/* What tests on a loop share: a loop in virtual time with counted memory, what the library logged,
 * a trace of what happened in which order, and assertions on coroutines. */
#ifndef TESTS_SUPPORT_LOOP_FIXTURE_H
#define TESTS_SUPPORT_LOOP_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/loop.h>
#include <wherry/task.h>
#include <wherry/watch.h>

#include "support/failing_memory.h"

/* The state of each of these tests. */
typedef struct loop_fixture {
    wherry_loop *loop; /* a test that frees it sets it to NULL */
    failing_memory memory;
} loop_fixture;

/* Set-up and tear-down of a cmocka test. The latter frees the loop, and fails unless all memory was
 * given back and no assertion on a coroutine failed. */
int loop_fixture_open(void **state);
int loop_fixture_close(void **state);

/* Frees the loop of the fixture now. */
void loop_fixture_free(loop_fixture *fixture);

/* Another loop instead of the fixture's: in stepped time, with a tock in nanoseconds. */
wherry_loop *loop_fixture_stepped(loop_fixture *fixture, int64_t tock);

/* So many passes that do not wait; passes until nothing more can happen. */
void loop_fixture_pass(loop_fixture *fixture, int count);
void loop_fixture_finish(loop_fixture *fixture);

/* How many tasks are on its loop. */
size_t loop_fixture_tasks(const loop_fixture *fixture);

/* Runs body on a coroutine of loop, and the loop until nothing more can happen; asserts that body
 * returned 0, and that no assertion on a coroutine failed. */
void loop_fixture_run(wherry_loop *loop, wherry_body *body, void *argument);

/* Starts body as a task of loop that nobody joins. */
void loop_fixture_spawn(wherry_loop *loop, wherry_body *body, void *argument);

/* How many lines with text in it were logged in this test. */
size_t logged(const char *text);

/* Adds text to the trace of this test; trace_is compares the trace and begins it anew. */
void trace(const char *text);
void trace_is(const char *expected);

/* Adds "r" to the trace whenever it is told that a watch is ready. */
extern wherry_watcher trace_ready;

/* On coroutines, where cmocka's assertions cannot jump away: ends the body unless condition holds.
 */
#define TASK_ASSERT(condition)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return task_failed(__FILE__, __LINE__, #condition);                                    \
    } while (0)

/* Tells of the failure, which fails the test, and returns a code for the body to return. */
int task_failed(const char *file, int line, const char *condition);

#endif
