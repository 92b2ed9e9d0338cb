/* A pass of a roster: what is ready is asked for once, and then each of those streams is served
 * once. */
#include <errno.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/probe.h"
#include "loop/task.h"
#include "net/roster.h"

/* How many the poller reports at once. */
#define READY_MAX 64

/* For how many passes those that ended stay, the one in which they did included: so whoever was
 * given one between two parts of a pass has it for a whole one. */
#define PASSES 2

/* --- what is ready */

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
static int gather(wherry_roster *roster, int64_t until)
{
    wherry_system *system = roster->loop->system;
    wherry_ready ready[READY_MAX];
    int count;

    do {
        count = system->wait(system, roster->poller, until, ready, READY_MAX);
        until = WHERRY_NOW;
        WHERRY__PROBE_IF(count == READY_MAX, "roster.pass.ask-again");
    } while (note(roster, ready, count) && count == READY_MAX);
    if (count < 0 && count != -EINTR) /* then the next pass asks */
        return wherry__fail_system(count, "asking what is ready");
    return WHERRY_OK;
}

/* asks: whether the poller may have something to say. */
static int begin(wherry_roster *roster, bool asks)
{
    if (!wherry__roster_is_open(roster))
        return WHERRY_E_CLOSED;
    roster->pass++;
    roster->happened = 0;
    wherry__service_read_clock(roster->base);
    wherry__roster_end_rest(roster);
    (void)wherry__roster_watch_listening(roster); /* without memory: after a rest */
    asks = asks && !roster->gathered;
    roster->gathered = false;
    return asks ? gather(roster, WHERRY_NOW) : WHERRY_OK;
}

/* --- serving */

static size_t receive_all(wherry_roster *roster)
{
    wherry__link *link;
    size_t count = 0;

    while ((link = wherry__list_take(&roster->readable)) != NULL) {
        wherry__roster_entry *entry = WHERRY__OWNER(link, wherry__roster_entry, readable);
        int former = entry->stream->reason;
        ssize_t result = wherry_stream_service_receive(entry->stream);

        if (result > 0)
            wherry__roster_tell(entry);
        wherry__roster_look(entry);
        count += result > 0 || entry->stream->reason != former;
    }
    return count;
}

static size_t send_all(wherry_roster *roster)
{
    wherry__link *link;
    size_t count = 0;

    while ((link = wherry__list_take(&roster->unsent)) != NULL) {
        wherry__roster_entry *entry = WHERRY__OWNER(link, wherry__roster_entry, unsent);
        ssize_t result = wherry_stream_service_send(entry->stream);

        wherry__roster_look(entry);
        if (result > 0 && entry->pass != roster->pass) {
            entry->pass = roster->pass;
            roster->happened++;
        }
        count += result != 0;
    }
    return count;
}

/* --- those that ended */

/* What is done with one that it is over for. */
static void close_finished(wherry__roster_entry *entry)
{
    WHERRY__PROBE("roster.stream.finished-is-closed");
    wherry_stream_close(entry->stream); /* so it ends */
}

static void remove_ended(wherry__roster_entry *entry)
{
    (void)wherry_roster_remove(entry->roster, entry->stream);
}

/* One that is being read from goes on; the rest of a message whose end never came does not. */
static bool is_done_with(wherry__roster_entry *entry)
{
    size_t left = wherry__stream_length(entry->stream);
    bool done = left == 0 || left == entry->left;

    entry->left = left;
    if (entry->passes < PASSES)
        entry->passes++;
    return done && entry->passes == PASSES;
}

static void sweep(wherry__link *list, void (*done)(wherry__roster_entry *entry))
{
    wherry__link *const end = list->previous;
    bool last = wherry__list_empty(list);

    while (!last) {
        wherry__link *link = wherry__list_take(list);
        wherry__roster_entry *entry = WHERRY__OWNER(link, wherry__roster_entry, ended);

        last = link == end;
        if (is_done_with(entry))
            done(entry);
        else
            wherry__list_append(list, link);
    }
}

static void reap(wherry_roster *roster)
{
    if (roster->keep_ended)
        return;
    sweep(&roster->ended, remove_ended);
    sweep(&roster->finished, close_finished);
}

/* --- the user's side */

ssize_t wherry_roster_service(wherry_roster *roster)
{
    int result = begin(roster, true);

    if (result < 0)
        return result;
    if (roster->listening_ready) {
        roster->listening_ready = false;
        if (wherry__roster_accept(roster, roster->waiting_max) < 0)
            return WHERRY_E_CLOSED;
    }
    (void)wherry__roster_make_streams(roster);
    (void)receive_all(roster);
    (void)send_all(roster);
    (void)wherry__deadlines_expire(&roster->deadlines, wherry__roster_now(roster));
    reap(roster);
    (void)wherry__roster_watch_listening(roster);
    return (ssize_t)roster->happened;
}

ssize_t wherry_roster_service_receives(wherry_roster *roster)
{
    int result = begin(roster, true);
    size_t count;

    if (result < 0)
        return result;
    count = receive_all(roster);
    (void)wherry__deadlines_expire(&roster->deadlines, wherry__roster_now(roster));
    reap(roster);
    return (ssize_t)count;
}

/* That those which wait for the system may go on is all that there is to ask for. */
ssize_t wherry_roster_service_sends(wherry_roster *roster)
{
    int result = begin(roster, roster->full > 0);

    return result < 0 ? result : (ssize_t)send_all(roster);
}

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
    result = gather(roster, wait_until(roster, until));
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
        (!wherry__list_empty(&roster->ended) && !roster->keep_ended) ||
        !wherry__list_empty(&roster->finished) || (!wherry__list_empty(&roster->waiting) && !rests))
        return WHERRY_NOW;
    return rests && roster->rests_until < bound ? roster->rests_until : bound;
}
