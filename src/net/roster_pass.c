/* Passes of a roster, of two kinds. A whole one asks what is ready, receives from all of that, and
 * then sends to all. Stream by stream, what one was sent goes out before the next is received from:
 *
 *     between --> receiving: streams that are ready --> telling: all other news --> between
 *
 * What ended, or has finished, is seen out at the end of either. */
#include <wherry/error.h>

#include "base/probe.h"
#include "net/roster.h"

/* For how many passes those that ended stay, the one in which they did included: so whoever was
 * given one between two parts of a pass has it for a whole one. */
#define PASSES 2

/* --- beginning */

static int begin(wherry_roster *roster)
{
    if (!wherry__roster_is_open(roster))
        return WHERRY_E_CLOSED;
    roster->pass++;
    roster->happened = 0;
    wherry__service_read_clock(roster->base);
    wherry__roster_end_rest(roster);
    (void)wherry__roster_watch_listening(roster); /* without memory: after a rest */
    return WHERRY_OK;
}

/* One that was left early is over. */
static int begin_anew(wherry_roster *roster)
{
    int result = begin(roster);

    roster->stage = WHERRY__ROSTER_BETWEEN;
    roster->untold = 0;
    return result < 0 ? result : wherry__roster_ask_all(roster);
}

/* --- serving */

/* Whether something came of it. */
static bool receive(wherry__roster_entry *entry)
{
    int former = entry->stream->reason;
    ssize_t result = wherry_stream_service_receive(entry->stream);

    if (result > 0)
        wherry__roster_tell(entry);
    wherry__roster_look(entry);
    return result > 0 || entry->stream->reason != former;
}

static size_t receive_all(wherry_roster *roster)
{
    wherry__link *link;
    size_t count = 0;

    while ((link = wherry__list_take(&roster->readable)) != NULL)
        count += receive(WHERRY__OWNER(link, wherry__roster_entry, readable));
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

    if (entry->roster->stage == WHERRY__ROSTER_TELLING && wherry__link_used(&entry->news))
        return false; /* it is told by the next pass */
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

/* What comes before the serving of streams, and what comes behind. */
static int take_in(wherry_roster *roster)
{
    if (roster->listening_ready) {
        roster->listening_ready = false;
        if (wherry__roster_accept(roster, roster->waiting_max) < 0)
            return WHERRY_E_CLOSED;
    }
    (void)wherry__roster_make_streams(roster);
    return WHERRY_OK;
}

static void end_receiving(wherry_roster *roster)
{
    (void)wherry__deadlines_expire(&roster->deadlines, wherry__roster_now(roster));
    (void)wherry__roster_watch_listening(roster);
}

ssize_t wherry_roster_service(wherry_roster *roster)
{
    int result = begin_anew(roster);

    if (result == WHERRY_OK)
        result = take_in(roster);
    if (result < 0)
        return result;
    (void)receive_all(roster);
    (void)send_all(roster);
    end_receiving(roster);
    reap(roster);
    return (ssize_t)roster->happened;
}

/* One by one what is ready is asked for in part, too, so that it is served soon after. Streams that
 * are ready again and again do not hold the pass: it has as many turns as there are streams. */
static int begin_part(wherry_roster *roster)
{
    int result = begin(roster);

    if (result == WHERRY_OK && !roster->gathered)
        result = wherry__roster_ask(roster, WHERRY_NOW);
    roster->gathered = false;
    if (result == WHERRY_OK)
        result = take_in(roster);
    roster->turns = roster->count;
    return result;
}

static wherry__link *next_readable(wherry_roster *roster)
{
    if (roster->turns == 0)
        return NULL;
    if (wherry__list_empty(&roster->readable) && roster->partly)
        (void)wherry__roster_ask(roster, WHERRY_NOW); /* what fails is asked by the next pass */
    roster->turns--;
    return wherry__list_take(&roster->readable);
}

/* The next one that has news of what it received. */
static wherry_stream *receive_next(wherry_roster *roster)
{
    wherry__link *link;

    while ((link = next_readable(roster)) != NULL) {
        wherry__roster_entry *entry = WHERRY__OWNER(link, wherry__roster_entry, readable);

        (void)receive(entry);
        if (wherry__link_used(&entry->news)) {
            wherry__link_remove(&entry->news);
            return entry->stream;
        }
    }
    return NULL;
}

static size_t count_news(const wherry_roster *roster)
{
    size_t count = 0;

    for (const wherry__link *link = roster->news.next; link != &roster->news; link = link->next)
        count++;
    return count;
}

/* Other news come behind, and each once: what is sent to one that has room again may be news of
 * more room. */
static wherry_stream *tell_next(wherry_roster *roster)
{
    wherry_stream *stream;

    if (roster->stage == WHERRY__ROSTER_RECEIVING) {
        end_receiving(roster);
        roster->untold = count_news(roster);
        roster->stage = WHERRY__ROSTER_TELLING;
    }
    stream = roster->untold > 0 ? wherry_roster_take(roster) : NULL;
    if (stream != NULL) {
        roster->untold--;
        return stream;
    }
    reap(roster);
    roster->stage = WHERRY__ROSTER_BETWEEN;
    roster->untold = !wherry__list_empty(&roster->news);
    return NULL;
}

int wherry_roster_service_next(wherry_roster *roster, wherry_stream **stream)
{
    int result = WHERRY_OK;

    *stream = NULL;
    if (!wherry__roster_is_open(roster))
        return WHERRY_E_CLOSED;
    if (roster->stage == WHERRY__ROSTER_BETWEEN)
        result = begin_part(roster);
    if (result < 0)
        return result;
    (void)send_all(roster);
    if (roster->stage != WHERRY__ROSTER_TELLING) {
        roster->stage = WHERRY__ROSTER_RECEIVING;
        *stream = receive_next(roster);
    }
    if (*stream == NULL)
        *stream = tell_next(roster);
    return *stream != NULL;
}

ssize_t wherry_roster_service_receives(wherry_roster *roster)
{
    int result = begin_anew(roster);
    size_t count;

    if (result < 0)
        return result;
    count = receive_all(roster);
    (void)wherry__deadlines_expire(&roster->deadlines, wherry__roster_now(roster));
    reap(roster);
    return (ssize_t)count;
}

/* That those which wait for the system may go on is all that there is to ask for. What has room now
 * is news that no readiness will tell of. */
ssize_t wherry_roster_service_sends(wherry_roster *roster)
{
    const wherry__link *last;
    size_t count;
    int result = begin(roster);

    if (result == WHERRY_OK && roster->full > 0)
        result = wherry__roster_ask_all(roster);
    if (result < 0)
        return result;
    last = roster->news.previous;
    count = send_all(roster);
    if (roster->stage == WHERRY__ROSTER_BETWEEN && roster->news.previous != last)
        roster->untold = 1;
    return (ssize_t)count;
}
