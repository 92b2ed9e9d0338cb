/* Two tasks that wait, uncancelably, for each other's end: neither ever ends. */
#ifndef TESTS_SUPPORT_DEADLOCK_H
#define TESTS_SUPPORT_DEADLOCK_H

#include <wherry/task.h>

typedef struct deadlock {
    wherry_group *groups[2]; /* each of one of them, and nothing else */
    wherry_task *tasks[2];   /* named "red" and "blue" */
} deadlock;

/* Starts both on loop; they wait for each other from their second turn on. */
void deadlock_spawn(deadlock *self, wherry_loop *loop);

/* Frees groups and tasks once the loop is gone: before, that would wait for ever as well. */
void deadlock_free(deadlock *self);

#endif
