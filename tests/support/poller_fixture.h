/* What tests of ways to wait for readiness stand on: one poller with counted memory, and
 * descriptors that are closed with it. */
#ifndef TESTS_SUPPORT_POLLER_FIXTURE_H
#define TESTS_SUPPORT_POLLER_FIXTURE_H

#include <wherry/system.h>

#include "support/failing_memory.h"

/* The one whose way to wait is tested. */
extern wherry_system *poller_system;

/* The state of each of these tests. */
typedef struct poller_fixture {
    wherry_system *system;
    wherry_poller *poller;
    failing_memory memory;
    wherry_ready ready[64];
    int descriptors[160]; /* closed afterwards */
    size_t descriptor_count;
} poller_fixture;

/* Set-up and tear-down of a cmocka test. The state is a poller_fixture on poller_system. */
int poller_fixture_open(void **state);
int poller_fixture_close(void **state);
#define POLLER_TEST(test)                                                                          \
    cmocka_unit_test_setup_teardown(test, poller_fixture_open, poller_fixture_close)

/* Has descriptor closed with the fixture. Returns it; a negative one fails the test. */
int poller_fixture_own(poller_fixture *fixture, int descriptor);

/* A pair of connected non-blocking stream sockets. */
void poller_fixture_pair(poller_fixture *fixture, int ends[2]);

/* The table's watch and wait, the latter for all the places in ready. */
int poller_fixture_watch(poller_fixture *fixture, int descriptor, unsigned was, unsigned events,
                         void *token);
int poller_fixture_wait(poller_fixture *fixture, int64_t until);

/* The table's watch, which succeeds. */
void poller_watch(poller_fixture *fixture, int descriptor, unsigned was, unsigned events,
                  void *token);

/* A wait in which the one thing that is ready is this, and one in which nothing is. */
void poller_assert_ready(poller_fixture *fixture, void *token, unsigned events);
void poller_assert_idle(poller_fixture *fixture);

/* Writes all of text. */
void poller_put(int descriptor, const char *text);

/* Reads so many bytes, which are there. */
void poller_take(int descriptor, size_t size);

#endif
