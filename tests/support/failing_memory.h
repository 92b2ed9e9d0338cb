/* A memory that fails at a chosen call and sees what is not given back, or given back with a wrong
 * size. */
#ifndef TESTS_SUPPORT_FAILING_MEMORY_H
#define TESTS_SUPPORT_FAILING_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include <wherry/memory.h>

typedef struct failing_memory {
    wherry_memory base; /* pass &memory.base on */
    size_t fail_at;     /* the call that fails, from 1; 0: none */
    bool is_persistent; /* and so do all after it */
    size_t calls;       /* for memory, so far; giving back is none, and cannot fail */
    size_t failures;    /* of these */
    size_t blocks;      /* taken now */
    size_t bytes;       /* in them */
} failing_memory;

/* Every block moves when it is resized, so that a place in the old one that is used is seen by the
 * sanitizers. Sizes that no machine has always fail. The members can be changed at any time. */
void failing_memory_init(failing_memory *memory, size_t fail_at, bool is_persistent);

/* Fails the test unless everything was given back. */
void failing_memory_assert_empty(const failing_memory *memory);

/* Uses the memory, gives everything back, and returns 0 or a negative code. */
typedef int failing_memory_scenario(wherry_memory *memory);

/* Runs scenario with a memory that fails at its first call, its second, and so on until it is not
 * called that often; for each, once with only that call failing and once with all after it. Each
 * run must return 0 or WHERRY_E_NO_MEMORY, the last one 0, and give everything back. Returns the
 * number of calls of the last run, which the test compares with the least that the scenario has to
 * make for its failures to mean something. */
size_t failing_memory_try(failing_memory_scenario *scenario);

#endif
