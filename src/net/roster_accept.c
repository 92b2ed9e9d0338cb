/* Accepting: from the backlog into the row of those that wait, and streams of these. What lacks
 * memory or descriptors is tried again later, and stays where it is. */
#include <wherry/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/probe.h"
#include "base/size.h"
#include "net/roster.h"
#include "net/socket.h"

/* How many that came to nothing one call takes off the backlog. */
#define IN_VAIN_MAX 64

/* --- when to accept */

/* Each that is accepted can become a stream. */
static bool has_room(const wherry_roster *roster)
{
    return roster->waiting_count < roster->waiting_max &&
           roster->count + roster->waiting_count < roster->streams_max;
}

void wherry__roster_rest(wherry_roster *roster)
{
    roster->rests_until = wherry__instant_after(wherry__roster_now(roster), WHERRY__ACCEPT_PAUSE);
}

static void rest(wherry_roster *roster, int code)
{
    WHERRY__PROBE("roster.rests");
    wherry__socket_log_pause(wherry__roster_now(roster), "roster", code);
    wherry__roster_rest(roster);
    (void)wherry__roster_watch_listening(roster);
}

void wherry__roster_end_rest(wherry_roster *roster)
{
    if (roster->rests_until == 0 || wherry__roster_now(roster) < roster->rests_until)
        return;
    WHERRY__PROBE("roster.rested");
    roster->rests_until = 0;
}

int wherry__roster_watch_listening(wherry_roster *roster)
{
    wherry_system *system = roster->loop->system;
    bool wanted = roster->rests_until == 0 && has_room(roster);
    int result;

    if (roster->source.descriptor < 0 || roster->listening_watched == wanted)
        return WHERRY_OK;
    result = system->watch(system, roster->poller, roster->source.descriptor,
                           wanted ? 0 : WHERRY_READABLE, wanted ? WHERRY_READABLE : 0, roster);
    if (result < 0) {
        WHERRY__PROBE("roster.listening.not-watched");
        wherry__roster_rest(roster); /* so that there is a time to try again */
        return wherry__fail_system(result, "watching the listening socket");
    }
    roster->listening_watched = wanted;
    return WHERRY_OK;
}

/* --- accepting */

void wherry__roster_entry_free(wherry_roster *roster, wherry__roster_entry *entry)
{
    if (entry == NULL)
        return;
    wherry__address_clear(roster->loop, &entry->remote);
    wherry__memory_give(wherry__loop_memory(roster->loop), entry, sizeof(*entry));
}

/* The place for the next one, before it is accepted. */
static wherry__roster_entry *prepare(wherry_roster *roster)
{
    if (roster->spare == NULL)
        roster->spare = wherry__memory_take(wherry__loop_memory(roster->loop),
                                            sizeof(*roster->spare));
    return roster->spare;
}

static void take_in(wherry_roster *roster, int descriptor, const wherry_address *remote)
{
    wherry__roster_entry *entry = roster->spare;

    roster->spare = NULL;
    if (roster->asked.family == WHERRY_FAMILY_UNIX)
        wherry__socket_set_buffers(roster->loop->system, descriptor,
                                   (int)roster->socket.options.send_buffer,
                                   (int)roster->socket.options.receive_buffer);
    entry->roster = roster;
    entry->descriptor = descriptor;
    wherry__address_shorten(roster->loop, &entry->remote, remote);
    wherry__list_append(&roster->waiting, &entry->link);
    roster->waiting_count++;
}

static int take_away(wherry_roster *roster)
{
    wherry__log(wherry__roster_now(roster), WHERRY_LOG_ERROR, "a listening socket was taken away");
    wherry_roster_close(roster);
    return WHERRY_E_CLOSED;
}

/* WHERRY_OK; WHERRY_E_WOULD_BLOCK: none waits, or it rests; WHERRY_E_RESET: one came to nothing;
 * WHERRY_E_CLOSED. */
static int accept_once(wherry_roster *roster)
{
    wherry_address remote;
    int descriptor, code;

    if (prepare(roster) == NULL) {
        rest(roster, WHERRY_E_NO_MEMORY);
        return WHERRY_E_WOULD_BLOCK;
    }
    descriptor = wherry__socket_accept(roster->loop->system, roster->source.descriptor, &remote);
    if (descriptor >= 0) {
        take_in(roster, descriptor, &remote);
        return WHERRY_OK;
    }
    code = wherry__socket_accept_code(descriptor);
    WHERRY__PROBE_IF(code == WHERRY_E_RESET, "roster.accept.came-to-nothing");
    if (code == WHERRY_E_WOULD_BLOCK || code == WHERRY_E_RESET)
        return code;
    if (code == WHERRY_E_INVALID)
        return take_away(roster);
    rest(roster, wherry__error_from_errno(descriptor));
    return WHERRY_E_WOULD_BLOCK;
}

ssize_t wherry__roster_accept(wherry_roster *roster, size_t most)
{
    size_t count = 0;
    size_t vain = 0;
    int result = WHERRY_OK;

    while (count < most && vain < IN_VAIN_MAX && roster->rests_until == 0 && has_room(roster)) {
        result = accept_once(roster);
        if (result < 0 && result != WHERRY_E_RESET)
            break;
        count += result == WHERRY_OK;
        vain += result < 0;
    }
    return result == WHERRY_E_CLOSED ? result : (ssize_t)count;
}

/* --- making streams */

/* Nothing is lost when it fails: the connection still waits. */
static int make_stream(wherry_roster *roster, wherry__roster_entry *entry)
{
    wherry_stream *stream;
    wherry_address remote;
    int result;

    wherry__address_lengthen(&entry->remote, &remote);
    result = wherry__stream_accepted(roster->loop, entry->descriptor, &remote, &roster->stream,
                                     &stream);
    if (result < 0)
        return result;
    result = wherry__roster_put_in(entry, stream);
    if (result < 0) {
        WHERRY__PROBE("roster.stream.not-made");
        stream->keep = true;
        wherry_stream_free(stream);
    }
    return result;
}

size_t wherry__roster_make_streams(wherry_roster *roster)
{
    size_t count = 0;
    int result = WHERRY_OK;

    while (roster->rests_until == 0 && !wherry__list_empty(&roster->waiting)) {
        result = make_stream(roster,
                             WHERRY__OWNER(roster->waiting.next, wherry__roster_entry, link));
        if (result < 0)
            rest(roster, result);
        count += result == WHERRY_OK;
    }
    return count;
}

/* --- the user's side */

static ssize_t accept_some(wherry_roster *roster, size_t most)
{
    ssize_t count;

    if (!wherry__roster_is_open(roster))
        return WHERRY_E_CLOSED;
    wherry__service_read_clock(roster->base);
    wherry__roster_end_rest(roster);
    count = wherry__roster_accept(roster, most);
    (void)wherry__roster_watch_listening(roster);
    return count;
}

ssize_t wherry_roster_accept(wherry_roster *roster)
{
    return accept_some(roster, roster->waiting_max);
}

ssize_t wherry_roster_accept_one(wherry_roster *roster)
{
    return accept_some(roster, 1);
}

size_t wherry_roster_waiting(const wherry_roster *roster)
{
    return roster->waiting_count;
}

int wherry_roster_waiting_address(const wherry_roster *roster, size_t index,
                                  wherry_address *address)
{
    const wherry__link *link = roster->waiting.next;

    if (index >= roster->waiting_count)
        return wherry__fail(WHERRY_E_NOT_FOUND, "%zu connections wait", roster->waiting_count);
    while (index-- > 0)
        link = link->next;
    wherry__address_lengthen(&WHERRY__OWNER(link, const wherry__roster_entry, link)->remote,
                             address);
    return WHERRY_OK;
}

ssize_t wherry_roster_service_connects(wherry_roster *roster)
{
    ssize_t count = wherry_roster_accept(roster);

    if (count < 0)
        return count;
    count = (ssize_t)wherry__roster_make_streams(roster);
    (void)wherry__roster_watch_listening(roster);
    return count;
}
