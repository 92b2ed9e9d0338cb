#include "support/poller_cases.h"

#include "support/poller_fixture.h"

int poller_cases_run(wherry_system *system)
{
    poller_system = system;
    return poller_ready_run() + poller_interest_run() + poller_wait_run() + poller_open_run();
}
