/* What every way to wait for readiness has to do, as one group of tests for each of them. */
#ifndef TESTS_SUPPORT_POLLER_CASES_H
#define TESTS_SUPPORT_POLLER_CASES_H

#include <wherry/system.h>

#include "support/failing_memory.h"

/* The state of each of these tests. */
typedef struct poller_fixture {
    wherry_system *system;
    wherry_poller *poller;
    failing_memory memory;
    wherry_ready ready[64];
    int descriptors[160]; /* closed afterwards */
    size_t descriptor_count;
} poller_fixture;

/* Set-up and tear-down of a cmocka test. The state is a poller_fixture on the system last given to
 * poller_cases_run. */
int poller_fixture_open(void **state);
int poller_fixture_close(void **state);

/* Has descriptor closed with the fixture. Returns it; a negative one fails the test. */
int poller_fixture_own(poller_fixture *fixture, int descriptor);

/* A pair of connected non-blocking stream sockets. */
void poller_fixture_pair(poller_fixture *fixture, int ends[2]);

/* The table's watch and wait, the latter for all the places in ready. */
int poller_fixture_watch(poller_fixture *fixture, int descriptor, unsigned was, unsigned events,
                         void *token);
int poller_fixture_wait(poller_fixture *fixture, int64_t until);

/* Runs the group on system. Returns the number of failures. */
int poller_cases_run(wherry_system *system);

#endif
