/* Bodies of tasks that many tests start: what they do is all in their names. */
#ifndef TESTS_SUPPORT_BODIES_H
#define TESTS_SUPPORT_BODIES_H

/* Ends at once with 0, whatever the argument. */
int body_nothing(void *unused);

/* Ends at once with the int that the argument points at. */
int body_give(void *number);

/* Adds the text to the trace (see loop_fixture.h) and ends with 0. */
int body_note(void *text);

/* Sleeps until it is canceled, and ends with what that returned. */
int body_sleep_for_ever(void *unused);

/* Sleeps as many nanoseconds as the int64_t that the argument points at, and ends with what that
 * returned. */
int body_sleep_for(void *nanoseconds);

/* Sleeps a second, and ends with what that returned. */
int body_sleep_a_second(void *unused);

#endif
