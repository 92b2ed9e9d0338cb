/* The streams of a roster: how they get in and out, what they tell, and how they are found. */
#include <string.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/probe.h"
#include "base/size.h"
#include "net/roster.h"

/* --- telling */

static void append_once(wherry__link *list, wherry__link *link)
{
    if (!wherry__link_used(link))
        wherry__list_append(list, link);
}

void wherry__roster_tell(wherry__roster_entry *entry)
{
    wherry_roster *roster = entry->roster;

    append_once(&roster->news, &entry->news);
    if (entry->pass != roster->pass)
        roster->happened++;
    entry->pass = roster->pass;
}

/* Whether neither direction goes on. */
static bool is_over(const wherry_stream *stream)
{
    return stream->reason != WHERRY_OK &&
           (stream->closed || stream->refusal != WHERRY_OK || stream->shut);
}

static void end(wherry__roster_entry *entry)
{
    wherry_roster *roster = entry->roster;

    if (entry->over)
        return;
    entry->over = true;
    entry->passes = 0;
    wherry__link_remove(&entry->readable);
    wherry__link_remove(&entry->unsent);
    wherry__link_remove(&entry->ended);
    wherry__deadline_disarm(&roster->deadlines, &entry->due);
    wherry__list_append(&roster->ended, &entry->ended);
    wherry__roster_tell(entry);
}

/* The other end has finished, and there is nothing to say to it: who has something yet, says so
 * soon. */
static void finish(wherry__roster_entry *entry)
{
    wherry_roster *roster = entry->roster;

    if (roster->keep_finished || roster->keep_ended || wherry__link_used(&entry->ended) ||
        entry->stream->output != NULL)
        return;
    entry->passes = 0;
    wherry__list_append(&roster->finished, &entry->ended);
}

void wherry__roster_look_closely(wherry__roster_entry *entry)
{
    wherry_stream *stream = entry->stream;

    if (stream->reason != WHERRY_OK && !entry->told) {
        entry->told = true;
        wherry__roster_tell(entry);
    }
    if (stream->roomy) {
        stream->roomy = false;
        wherry__roster_tell(entry);
    }
    if (is_over(stream))
        end(entry);
    else if (stream->reason == WHERRY_E_END)
        finish(entry);
}

/* --- watching */

/* Has the poller watch it for events. */
static int watch(wherry__roster_entry *entry, unsigned events)
{
    wherry_roster *roster = entry->roster;
    wherry_system *system = roster->loop->system;
    int result;

    if (roster->poller == NULL || entry->watched == events)
        return WHERRY_OK;
    result = system->watch(system, roster->poller, entry->stream->source.descriptor, entry->watched,
                           events, entry);
    if (result < 0)
        return wherry__fail_system(result, "watching a stream of a roster");
    roster->full += (size_t)((events & WHERRY_WRITABLE) != 0) -
                    (size_t)((entry->watched & WHERRY_WRITABLE) != 0);
    entry->watched = (uint8_t)events;
    return WHERRY_OK;
}

/* --- time */

/* Whether something is to be tried again that no readiness tells of. */
static bool is_to_try(const wherry__roster_entry *entry)
{
    const wherry_stream *stream = entry->stream;

    return (stream->blocked && stream->retry) || entry->watched != stream->source.watched;
}

void wherry__roster_arm(wherry__roster_entry *entry)
{
    wherry_roster *roster = entry->roster;
    const wherry_timer *idle = &wherry__stream_service(entry->stream)->idle;
    int64_t now = wherry__roster_now(roster);
    int64_t again = wherry__instant_after(now, WHERRY__STREAM_RETRY_AFTER);
    int64_t when = WHERRY_NEVER;

    if (entry->over)
        return;
    if (entry->stream->idle_timeout > 0)
        when = wherry__instant_after(now, wherry_timer_remaining(idle));
    if (is_to_try(entry) && again < when)
        when = again;
    wherry__deadline_arm(&roster->deadlines, &entry->due, when);
}

/* Traffic does not move the deadline: what it has put off is seen here. */
static void on_due(wherry__deadline *deadline)
{
    wherry__roster_entry *entry = WHERRY__OWNER(deadline, wherry__roster_entry, due);
    wherry_roster *roster = entry->roster;

    if (is_to_try(entry)) {
        (void)watch(entry, entry->stream->source.watched);
        append_once(&roster->readable, &entry->readable);
        append_once(&roster->unsent, &entry->unsent);
    }
    if (!wherry__service_expire(entry->stream))
        wherry__roster_arm(entry);
}

/* --- what a stream calls */

static wherry__roster_entry *entry_of(wherry__service_owner *owner)
{
    return WHERRY__OWNER(owner, wherry__roster_entry, owner);
}

/* What cannot be watched now is tried at its deadline, and so not lost. */
static void on_interest(wherry__service_owner *owner, wherry_stream *stream)
{
    wherry__roster_entry *entry = entry_of(owner);

    if (watch(entry, stream->source.watched) < 0) {
        WHERRY__PROBE("roster.stream.not-watched");
        wherry__roster_arm(entry);
    }
    wherry__roster_look(entry);
}

static void on_unsent(wherry__service_owner *owner, wherry_stream *stream)
{
    wherry__roster_entry *entry = entry_of(owner);
    wherry_roster *roster = entry->roster;

    if (!entry->over)
        wherry__link_remove(&entry->ended);
    if (stream->retry)
        wherry__roster_arm(entry);
    else
        append_once(&roster->unsent, &entry->unsent);
    wherry__roster_wake(roster);
}

static void on_changed(wherry__service_owner *owner, wherry_stream *stream)
{
    (void)stream;
    wherry__roster_look(entry_of(owner));
    wherry__roster_arm(entry_of(owner));
}

static void on_freed(wherry__service_owner *owner, wherry_stream *stream)
{
    (void)stream;
    wherry__roster_take_out(entry_of(owner));
}

/* --- by address */

/* The bytes by which an address is known; of IP ones put to space. */
static wherry_bytes key_of(const wherry_address *address, uint8_t space[WHERRY__ROSTER_KEY])
{
    size_t size = address->family == WHERRY_FAMILY_IPV4 ? 4 : 16;

    memcpy(space, &address->port, 2);
    memcpy(space + 2, &address->scope, 4);
    memcpy(space + 6, address->at.ipv6, size);
    return wherry_bytes_at(space, 6 + size);
}

static wherry__roster_entry *find(const wherry_roster *roster, wherry_bytes key)
{
    wherry__table_entry *found = wherry__table_find(&roster->by_address, key);

    return found == NULL ? NULL : WHERRY__OWNER(found, wherry__roster_entry, by_address);
}

static void take_off_table(wherry__roster_entry *entry)
{
    if (entry->found)
        wherry__table_remove(&entry->roster->by_address, &entry->by_address);
    entry->found = false;
}

/* Enters it under its address, in the place of one that is there, which goes to *former. */
static int enter(wherry__roster_entry *entry, wherry__roster_entry **former)
{
    wherry_roster *roster = entry->roster;
    wherry_address remote;
    wherry_bytes key;
    int result;

    *former = NULL;
    if (entry->remote.family == WHERRY_FAMILY_NONE)
        return WHERRY_OK;
    wherry__address_lengthen(&entry->remote, &remote);
    if (remote.family == WHERRY_FAMILY_UNIX)
        key = wherry_bytes_at(entry->remote.at.whole->at.path, remote.length);
    else
        key = key_of(&remote, entry->key);
    *former = find(roster, key);
    if (*former != NULL)
        take_off_table(*former);
    result = wherry__table_add(&roster->by_address, &entry->by_address, key);
    entry->found = result == WHERRY_OK;
    return result;
}

/* --- in and out */

static const wherry__service_hooks hooks = {
    .interest = on_interest,
    .unsent = on_unsent,
    .changed = on_changed,
    .freed = on_freed,
};

int wherry__roster_put_in(wherry__roster_entry *entry, wherry_stream *stream)
{
    wherry_roster *roster = entry->roster;
    wherry__roster_entry *former = NULL;
    int result;

    entry->stream = stream;
    result = watch(entry, stream->source.watched);
    if (result == WHERRY_OK)
        result = enter(entry, &former);
    if (result < 0) {
        (void)watch(entry, 0);
        entry->stream = NULL;
        return result;
    }
    entry->owner.hooks = &hooks;
    entry->number = ++roster->last_number;
    wherry__link_init(&entry->readable);
    wherry__link_init(&entry->unsent);
    wherry__link_init(&entry->news);
    wherry__link_init(&entry->ended);
    wherry__deadline_init(&entry->due, on_due);
    wherry__stream_service(stream)->owner = &entry->owner;
    (void)wherry_stream_wind(stream, roster->base);
    wherry__link_remove(&entry->link);
    wherry__list_append(&roster->streams, &entry->link);
    roster->waiting_count--;
    roster->count++;
    wherry__list_append(&roster->readable, &entry->readable); /* what came with it */
    if (former != NULL) {
        WHERRY__PROBE("roster.stream.replaced");
        wherry_stream_close(former->stream);
    }
    wherry__roster_tell(entry);
    return WHERRY_OK;
}

void wherry__roster_take_out(wherry__roster_entry *entry)
{
    wherry_roster *roster = entry->roster;

    for (wherry__roster_cursor *cursor = roster->cursors; cursor != NULL; cursor = cursor->outer)
        if (cursor->next == &entry->link)
            cursor->next = entry->link.next;
    (void)watch(entry, 0);
    wherry__stream_service(entry->stream)->owner = NULL;
    wherry__deadline_disarm(&roster->deadlines, &entry->due);
    take_off_table(entry);
    wherry__link_remove(&entry->link);
    wherry__link_remove(&entry->readable);
    wherry__link_remove(&entry->unsent);
    wherry__link_remove(&entry->news);
    wherry__link_remove(&entry->ended);
    roster->count--;
    wherry__roster_entry_free(roster, entry);
}

static void free_stream(wherry__roster_entry *entry)
{
    wherry_stream *stream = entry->stream;

    wherry__roster_take_out(entry);
    wherry_stream_free(stream);
}

void wherry__roster_clear(wherry_roster *roster)
{
    while (!wherry__list_empty(&roster->streams))
        free_stream(WHERRY__OWNER(roster->streams.next, wherry__roster_entry, link));
}

/* The entry of stream; NULL: it is not in this roster. */
static wherry__roster_entry *entry_in(const wherry_roster *roster, const wherry_stream *stream)
{
    wherry__service_owner *owner = stream->serviced ? wherry__stream_service(stream)->owner : NULL;

    if (owner == NULL || owner->hooks != &hooks || entry_of(owner)->roster != roster) {
        (void)wherry__fail(WHERRY_E_NOT_FOUND, "the stream is not in the roster");
        return NULL;
    }
    return entry_of(owner);
}

int wherry_roster_remove(wherry_roster *roster, wherry_stream *stream)
{
    wherry__roster_entry *entry = entry_in(roster, stream);

    if (entry == NULL)
        return WHERRY_E_NOT_FOUND;
    free_stream(entry);
    return WHERRY_OK;
}

int wherry_roster_hand_over(wherry_roster *roster, wherry_stream *stream)
{
    wherry__roster_entry *entry = entry_in(roster, stream);

    if (entry == NULL)
        return WHERRY_E_NOT_FOUND;
    wherry__roster_take_out(entry);
    return WHERRY_OK;
}

/* --- the user's side */

wherry_stream *wherry_roster_take(wherry_roster *roster)
{
    wherry__link *link = wherry__list_take(&roster->news);

    if (roster->stage == WHERRY__ROSTER_BETWEEN && wherry__list_empty(&roster->news))
        roster->untold = 0;
    return link == NULL ? NULL : WHERRY__OWNER(link, wherry__roster_entry, news)->stream;
}

wherry_stream *wherry_roster_find(const wherry_roster *roster, const wherry_address *address)
{
    uint8_t space[WHERRY__ROSTER_KEY];
    wherry__roster_entry *entry = NULL;

    if (address->family == roster->asked.family && address->family != WHERRY_FAMILY_NONE)
        entry = find(roster, address->family == WHERRY_FAMILY_UNIX
                                 ? wherry_bytes_at(address->at.path, address->length)
                                 : key_of(address, space));
    if (entry == NULL)
        (void)wherry__fail(WHERRY_E_NOT_FOUND, "the roster has no stream with that address");
    return entry == NULL ? NULL : entry->stream;
}

int wherry_roster_transmit(wherry_roster *roster, const wherry_address *address, wherry_bytes bytes)
{
    wherry_stream *stream = wherry_roster_find(roster, address);

    return stream == NULL ? WHERRY_E_NOT_FOUND : wherry_stream_send(stream, bytes, WHERRY_NOW);
}

void wherry_roster_visit(wherry_roster *roster, wherry_roster_visitor *visitor)
{
    wherry__roster_cursor cursor = { .outer = roster->cursors, .next = roster->streams.next };
    uint64_t last = roster->last_number;

    roster->users++;
    roster->cursors = &cursor;
    while (cursor.next != &roster->streams) {
        wherry__roster_entry *entry = WHERRY__OWNER(cursor.next, wherry__roster_entry, link);

        cursor.next = cursor.next->next;
        if (entry->number <= last)
            visitor->see(visitor, entry->stream);
    }
    roster->cursors = cursor.outer;
    roster->users--;
    wherry__roster_dismiss(roster);
}

static void close_one(wherry_roster_visitor *self, wherry_stream *stream)
{
    (void)self;
    wherry_stream_close(stream);
}

void wherry_roster_close_streams(wherry_roster *roster)
{
    wherry_roster_visitor visitor = { .see = close_one };

    wherry_roster_visit(roster, &visitor);
}
