/* Groups of steppers for tests: what gets into them, and how they ended. */
#ifndef TESTS_SUPPORT_GROUPING_H
#define TESTS_SUPPORT_GROUPING_H

#include <wherry/task.h>

#include "support/stepping.h"

/* The option of a group: .members = MEMBERS(&one.steps, &two.steps). */
#define MEMBERS(...) ((wherry_steps *[]){ __VA_ARGS__, NULL })

/* Starts one in group; a coroutine that waits for its cancellation and traces its name then. */
void grouping_spawn(wherry_group *group, stepper *one);
void grouping_coroutine(wherry_group *group, const char *name);

/* A body that, when it is canceled, ends a few passes later, and traces its text then. */
int grouping_end_late(void *text);

/* An act of a stepper: cancels the group that it was given. */
void grouping_cancel(stepper *self);

/* All in group have ended, and its result is that. */
void grouping_ended_with(wherry_group *group, int expected);

#endif
