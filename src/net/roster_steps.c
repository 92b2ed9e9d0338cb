/* The ready-made tasks of a roster: one that serves, and one that sends back what comes. */
#include <wherry/error.h>

#include "base/error.h"
#include "net/roster.h"
#include "net/stream_steps.h"

static wherry_roster_steps *steps_of(wherry_steps *self)
{
    return WHERRY__OWNER(self, wherry_roster_steps, steps);
}

static void wake(wherry_watcher *watcher, wherry_watch *watch, unsigned events)
{
    (void)watch, (void)events;
    wherry_task_wake(WHERRY__OWNER(watcher, wherry_roster, watcher)->task);
}

void wherry__roster_wake(wherry_roster *roster)
{
    if (roster->watch != NULL)
        wherry_task_wake(roster->task);
}

int wherry_roster_enter(wherry_steps *self, wherry_task *task)
{
    wherry_roster_steps *steps = steps_of(self);
    wherry_roster *roster = steps->roster;

    if (roster == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "there is no roster: it was freed");
    if (roster->task != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "another task serves the roster");
    roster->task = task;
    roster->steps = steps;
    roster->watcher = (wherry_watcher){ .ready = wake };
    wherry_roster_wind(roster, wherry_task_loop(task));
    return wherry_roster_open(roster);
}

/* Done: it was closed or freed by the program. Without memory the next turn goes on. */
static int outcome(ssize_t result)
{
    if (result == WHERRY_E_CLOSED)
        return 1;
    return result < 0 && result != WHERRY_E_NO_MEMORY ? (int)result : 0;
}

int wherry_roster_recur(wherry_steps *self, wherry_task *task)
{
    wherry_roster *roster = steps_of(self)->roster;

    (void)task;
    return roster == NULL ? 1 : outcome(wherry_roster_service(roster));
}

int wherry_roster_recur_echo(wherry_steps *self, wherry_task *task)
{
    wherry_roster *roster = steps_of(self)->roster;
    wherry_stream *stream;
    int result = WHERRY_E_CLOSED;

    (void)task;
    while (roster != NULL && (result = wherry_roster_service_next(roster, &stream)) > 0)
        wherry__stream_echo(stream);
    return outcome(result);
}

int wherry_roster_exit(wherry_steps *self, wherry_task *task)
{
    wherry_roster_steps *steps = steps_of(self);
    wherry_roster *roster = steps->roster;

    if (roster == NULL || roster->task != task) /* freed, or entered by another one */
        return 0;
    wherry_roster_close(roster);
    roster->task = NULL;
    roster->steps = NULL;
    return 0;
}

void wherry_roster_steps_init(wherry_roster_steps *self, wherry_roster *roster)
{
    *self = (wherry_roster_steps){
        .steps = { .enter = wherry_roster_enter,
                   .recur = wherry_roster_recur,
                   .exit = wherry_roster_exit },
        .roster = roster,
    };
}

void wherry_roster_echo_init(wherry_roster_steps *self, wherry_roster *roster)
{
    wherry_roster_steps_init(self, roster);
    self->steps.recur = wherry_roster_recur_echo;
}
