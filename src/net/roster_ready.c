/* What is ready of a roster: its poller is asked, and what that tells is marked, to be served. */
#include <errno.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/probe.h"
#include "base/usually.h"
#include "loop/task.h"
#include "net/roster.h"

/* Lines of the cache that serving one takes a look at. */
#define ENTRY_LINES 2
#define STREAM_LINES 6

/* --- asking */

/* Whether that is new. */
static bool mark(wherry__link *list, wherry__link *link)
{
    if (wherry__link_used(link))
        return false;
    wherry__list_append(list, link);
    return true;
}

static bool note_one(wherry_roster *roster, const wherry_ready *ready)
{
    wherry__roster_entry *entry = ready->token;
    bool is_new = false;

    if (ready->token == roster) {
        is_new = !roster->listening_ready;
        roster->listening_ready = true;
        return is_new;
    }
    wherry__fetch(entry, ENTRY_LINES);
    wherry__fetch(entry->stream, STREAM_LINES);
    if ((ready->events & ~(unsigned)WHERRY_WRITABLE) != 0)
        is_new = mark(&roster->readable, &entry->readable);
    if ((ready->events & ~(unsigned)WHERRY_READABLE) != 0 &&
        (entry->stream->output != NULL || entry->stream->blocked))
        is_new = mark(&roster->unsent, &entry->unsent) || is_new;
    return is_new;
}

static bool note(wherry_roster *roster, const wherry_ready *ready, int count)
{
    bool is_new = false;

    for (int i = 0; i < count; i++)
        is_new = note_one(roster, &ready[i]) || is_new;
    return is_new;
}

/* Of more than fit each has its turn in one of the next waits, so that once nothing new is among
 * them all have been reported. */
int wherry__roster_ask(wherry_roster *roster, int64_t until)
{
    wherry_system *system = roster->loop->system;
    wherry_ready ready[WHERRY__ROSTER_READY_MAX];
    int count = system->wait(system, roster->poller, until, ready, WHERRY__ROSTER_READY_MAX);

    roster->partly = note(roster, ready, count) && count == WHERRY__ROSTER_READY_MAX;
    WHERRY__PROBE_IF(count == WHERRY__ROSTER_READY_MAX, "roster.pass.ask-again");
    if (count < 0 && count != -EINTR) /* then the next pass asks */
        return wherry__fail_system(count, "asking what is ready");
    return WHERRY_OK;
}

int wherry__roster_ask_all(wherry_roster *roster)
{
    int result = roster->gathered ? WHERRY_OK : wherry__roster_ask(roster, WHERRY_NOW);

    while (result == WHERRY_OK && roster->partly)
        result = wherry__roster_ask(roster, WHERRY_NOW);
    roster->gathered = false;
    return result;
}

/* --- the user's side */

/* Whether there is something to do that the poller does not tell, and until when it may wait for
 * what it does. */
static int64_t wait_until(const wherry_roster *roster, int64_t until)
{
    int64_t deadline = wherry_roster_deadline(roster);

    if (deadline != WHERRY_NOW && roster->base->clock != WHERRY_CLOCK_REAL)
        return until; /* time does not go on meanwhile */
    return deadline < until ? deadline : until;
}

int wherry_roster_wait(wherry_roster *roster, int64_t until)
{
    int result;

    if (!wherry__roster_is_open(roster))
        return WHERRY_E_CLOSED;
    if (wherry__task_running() != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "a coroutine cannot wait for a roster");
    result = wherry__roster_ask(roster, wait_until(roster, until));
    roster->gathered = result == WHERRY_OK;
    return result;
}

int wherry_roster_descriptor(const wherry_roster *roster)
{
    wherry_system *system = roster->loop->system;
    int result;

    if (!wherry__roster_is_open(roster))
        return WHERRY_E_CLOSED;
    result = system->poller_descriptor(system, roster->poller);
    return result >= 0 ? result
                       : wherry__fail(WHERRY_E_UNSUPPORTED,
                                      "the system \"%s\" has no such descriptor", system->name);
}

int64_t wherry_roster_deadline(const wherry_roster *roster)
{
    int64_t bound = wherry__deadlines_bound(&roster->deadlines);
    bool rests = roster->rests_until != 0;

    if (!wherry__roster_is_open(roster))
        return WHERRY_NEVER;
    if (!wherry__list_empty(&roster->unsent) || !wherry__list_empty(&roster->readable) ||
        roster->stage != WHERRY__ROSTER_BETWEEN || roster->untold > 0 ||
        (!wherry__list_empty(&roster->ended) && !roster->keep_ended) ||
        !wherry__list_empty(&roster->finished) || (!wherry__list_empty(&roster->waiting) && !rests))
        return WHERRY_NOW;
    return rests && roster->rests_until < bound ? roster->rests_until : bound;
}
