/* Random operations: servers, clients, tasks and what they meet through on one loop, on which a
 * program that chance writes calls the public interface from everywhere at any time. What must hold
 * all the same is checked as it goes: messages arrive whole, once and in order; an orderly end
 * means that all of them arrived; hooks are called in their order and once; nothing is left at the
 * end. */
#ifndef TESTS_SUPPORT_OPERATIONS_H
#define TESTS_SUPPORT_OPERATIONS_H

#include <stddef.h>
#include <stdint.h>

typedef struct operations_totals {
    size_t calls; /* operations */
    size_t connections;
    size_t messages; /* received and checked */
    size_t tasks;
} operations_totals;

/* Runs the program that seed stands for; steps: passes of its loop. Adds to totals. It tells the
 * seed and aborts when something is wrong. */
void operations_run(uint64_t seed, unsigned steps, operations_totals *totals);

#endif
