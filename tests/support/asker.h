/* Who asks for a name on a coroutine, and keeps what it is told. */
#ifndef TESTS_SUPPORT_ASKER_H
#define TESTS_SUPPORT_ASKER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <wherry/address.h>
#include <wherry/loop.h>
#include <wherry/task.h>

#include "support/failing_memory.h"

#define ASKER_ROOM 2048
#define ASKER_WAITS 12345 /* the result, before there is one */

typedef struct asker {
    failing_memory memory; /* the loop's */
    wherry_loop *loop;     /* a test that frees it sets it to NULL */
    wherry_task *task;
    const char *name;
    wherry_family family;
    int64_t deadline;
    size_t room;
    size_t fail_after; /* calls for memory; 0: never */
    ssize_t result;
    int64_t took;
    char problem[192];
    wherry_address addresses[ASKER_ROOM];
} asker;

/* Makes the loop; frees it, and fails the test unless all memory was given back. Asks without a
 * deadline unless the test sets one. */
void asker_open(asker *self, wherry_system *system, wherry_clock clock);
void asker_close(asker *self);

/* The body that asks. */
int asker_ask(void *asker);

/* Spawns it for a name, and lets the loop do what it can without waiting. */
void asker_begin(asker *self, const char *name);
void asker_step(asker *self);

/* Steps the loop; then exactly these addresses were told, separated by spaces: "[fd00::1]:0
 * 10.0.0.1:0", or this code with a problem that has this part. */
void asker_assert_found(asker *self, const char *wanted);
void asker_assert_failed(asker *self, int code, const char *part);

#endif
