/* What every way to wait for readiness has to do, as groups of tests for each of them. */
#ifndef TESTS_SUPPORT_POLLER_CASES_H
#define TESTS_SUPPORT_POLLER_CASES_H

#include <wherry/system.h>

/* Runs them all on system. Returns the number of failures. */
int poller_cases_run(wherry_system *system);

/* The groups, on the system that they are run on. */
int poller_ready_run(void);
int poller_interest_run(void);
int poller_wait_run(void);
int poller_open_run(void);

#endif
