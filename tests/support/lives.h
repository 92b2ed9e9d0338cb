/* Random lives: tasks of steps, coroutines and groups of all sorts, which in every step of theirs
 * start, stop, free, fail, wake and set tocks as chance says, and a plain model beside them that
 * knows what must come of it: who may be called now, and as what; who ends before whom; when turns
 * come, in which order, and that none is missed; how many are left. */
#ifndef TESTS_SUPPORT_LIVES_H
#define TESTS_SUPPORT_LIVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wherry/loop.h>

typedef struct lives_options {
    uint64_t seed;
    unsigned passes;
    wherry_clock clock; /* stepped or virtual */
    uint64_t world;     /* not 0: the system chooses between equals, by this seed */
    bool steps_only;    /* no coroutines: then every world has the same lives */
} lives_options;

typedef struct lives_totals {
    size_t begun, turns, ended, done, stopped, failed;
    size_t checked; /* pairs of ends that had an order to keep */
    size_t vague;   /* groups whose grid the model has lost */
} lives_totals;

/* Lives them, adds to totals, and returns a number that stands for all that was called when, in its
 * order. It tells the seed and aborts when something is wrong. */
uint64_t lives_run(const lives_options *options, lives_totals *totals);

#endif
