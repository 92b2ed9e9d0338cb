/* Race: RFC 8305, as straight-line code of the task that waits.
 *
 * Attempts are streams, which tell when they are connected or ended, and lookups tell their
 * addresses; all that these do is wake the task, which then looks at everything. So it does not
 * matter in which order they come, nor how many at once.
 */
#include "net/race.h"

#include <string.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/probe.h"
#include "base/size.h"
#include "loop/task.h"
#include "net/lookup.h"
#include "net/stream.h"

typedef struct attempt {
    wherry__source source; /* first; without a descriptor: its storage is the loop's to give back */
    wherry_stream_events events;
    wherry__race *race;
    wherry_loop *loop;
    wherry__link link;
    wherry_stream *stream;
    wherry_address address;
} attempt;

static void wake(wherry__race *race)
{
    if (race->waiter != NULL)
        wherry__wait_wake(race->waiter, WHERRY_OK);
}

/* --- whose turn it is */

static bool has_address(const wherry__race_side *side)
{
    return side->next < side->count;
}

/* The family whose turn it is, or else the other one. */
static wherry__race_side *next_side(wherry__race *race)
{
    for (size_t i = 0; i < 2; i++) {
        wherry__race_side *side = &race->sides[(race->turn + i) % 2];

        if (has_address(side))
            return side;
    }
    return NULL;
}

/* Whether the latest attempt is the only hope. */
static bool is_last(wherry__race *race)
{
    return race->attempt_count == 1 && next_side(race) == NULL && !race->sides[0].pending &&
           !race->sides[1].pending;
}

/* --- attempts */

/* What comes before the stream has its new owner is not for us to be told of. */
static void on_connected(wherry_stream_events *self, wherry_stream *stream)
{
    wherry_stream_pause(stream);
    wake(WHERRY__OWNER(self, attempt, events)->race);
}

static void on_ended(wherry_stream_events *self, wherry_stream *stream, int reason)
{
    (void)stream;
    (void)reason;
    wake(WHERRY__OWNER(self, attempt, events)->race);
}

static void on_leave(wherry__source *source)
{
    (void)source;
}

static void on_reclaim(wherry__source *source)
{
    attempt *ended = WHERRY__OWNER(source, attempt, source);

    wherry__memory_give(wherry__loop_memory(ended->loop), ended, sizeof(*ended));
}

static const wherry__source_class class = { .leave = on_leave, .reclaim = on_reclaim };

static void end_attempt(attempt *ended)
{
    wherry__link_remove(&ended->link);
    ended->race->attempt_count--;
    wherry_stream_free(ended->stream);
    wherry__source_dismiss(ended->loop, &ended->source);
}

/* The next address has its turn at once. */
static void fail_attempt(attempt *failed, int code, const char *why)
{
    wherry__race_report_add(&failed->race->report, &failed->address, code, why);
    failed->race->next_start = failed->race->loop->now;
    end_attempt(failed);
}

static void win(attempt *winner)
{
    wherry__race *race = winner->race;
    race->winner = winner->stream;
    race->winner->source.of_call = false;
    winner->stream = NULL;
    end_attempt(winner);
    wherry_stream_set_events(race->winner, race->options.stream->events);
    wherry_stream_resume(race->winner);
}

/* Looks at all of them: those that failed go, the first that is connected wins. */
static void look(wherry__race *race)
{
    wherry__link *link = race->attempts.next;

    while (link != &race->attempts && race->winner == NULL) {
        attempt *each = WHERRY__OWNER(link, attempt, link);

        link = link->next;
        if (each->stream->reason != WHERRY_OK)
            fail_attempt(each, each->stream->reason, wherry_stream_problem(each->stream));
        else if (!each->stream->connecting)
            win(each);
    }
}

/* With fast open, "connected" says nothing: the connection is not begun before something is sent.
 * So it is only for an address that nothing else can win against. */
static void connect_attempt(attempt *begun)
{
    wherry__race *race = begun->race;
    wherry_stream_options options = *race->options.stream;
    int result;

    options.events = &begun->events;
    if (!is_last(race))
        options.socket = race->socket;
    result = wherry__stream_dial(&begun->stream, race->loop, &begun->address, WHERRY_NEVER,
                                 &options);
    WHERRY__PROBE_IF(result < 0, "race.attempt.failed-at-once");
    if (result < 0)
        fail_attempt(begun, result, wherry_problem());
    else
        begun->stream->source.of_call = true;
}

static void begin_attempt(wherry__race *race, const wherry_address *address)
{
    attempt *begun = wherry__memory_take(wherry__loop_memory(race->loop), sizeof(*begun));

    race->tried++;
    if (begun == NULL) {
        wherry__race_report_add(&race->report, address, WHERRY_E_NO_MEMORY,
                                wherry_error_text(WHERRY_E_NO_MEMORY));
        return;
    }
    begun->events.connected = on_connected;
    begun->events.ended = on_ended;
    begun->race = race;
    begun->loop = race->loop;
    wherry__source_init(race->loop, &begun->source, &class, -1);
    begun->source.of_call = true;
    begun->address = *address;
    if (race->endpoint->transport != WHERRY_TRANSPORT_UNIX)
        begun->address.port = race->endpoint->port;
    wherry__list_append(&race->attempts, &begun->link);
    race->attempt_count++;
    race->next_start = wherry__instant_after(race->loop->now, race->options.head_start);
    connect_attempt(begun);
}

/* --- beginning them */

static void make_way(wherry__race *race)
{
    attempt *oldest = WHERRY__OWNER(race->attempts.next, attempt, link);

    WHERRY__PROBE("race.attempt.makes-way");
    wherry__race_report_add(&race->report, &oldest->address, WHERRY_E_TIMED_OUT, "no answer yet");
    end_attempt(oldest);
}

/* Begins all attempts that are due. */
static void begin_due(wherry__race *race)
{
    wherry__race_side *side;

    while ((side = next_side(race)) != NULL && race->next_start <= race->loop->now) {
        if (race->attempt_count == race->options.attempts_max)
            make_way(race);
        race->turn = (size_t)(side - race->sides + 1) % 2;
        begin_attempt(race, &side->addresses[side->next++]);
    }
}

static bool is_lost(wherry__race *race)
{
    return race->attempt_count == 0 && next_side(race) == NULL && !race->sides[0].pending &&
           !race->sides[1].pending;
}

/* --- addresses */

/* RFC 8305 section 3: before the first attempt, the family that does not begin waits a little for
 * the other one. */
static void on_resolved(wherry_lookup_events *self, wherry_lookup *lookup, ssize_t result,
                        const wherry_address *addresses)
{
    wherry__race_side *side = WHERRY__OWNER(self, wherry__race_side, events);
    wherry__race *race = side->race;

    side->pending = false;
    side->addresses = addresses;
    side->count = result < 0 ? 0 : (size_t)result;
    if (result < 0 && result != WHERRY_E_NO_NAME)
        wherry__race_report_add(&race->report, NULL, (int)result, wherry__lookup_why(lookup));
    if (race->tried == 0)
        race->next_start = race->loop->now;
    if (race->tried == 0 && race->sides[0].pending) {
        WHERRY__PROBE("race.resolution-delay");
        race->next_start = wherry__instant_after(race->next_start, race->options.resolution_delay);
    }
    wake(race);
}

static wherry_family family_of(const wherry__race *race, size_t side)
{
    bool ipv4_first = race->options.first == WHERRY_FAMILY_IPV4;

    return (side == 0) == ipv4_first ? WHERRY_FAMILY_IPV4 : WHERRY_FAMILY_IPV6;
}

static bool is_wanted(const wherry__race *race, wherry_family family)
{
    return race->options.family == WHERRY_FAMILY_NONE || race->options.family == family;
}

static int look_up(wherry__race *race)
{
    int result = WHERRY_OK;

    for (size_t i = 0; i < 2 && result == WHERRY_OK; i++) {
        wherry__race_side *side = &race->sides[i];

        if (!is_wanted(race, family_of(race, i)))
            continue;
        side->events.resolved = on_resolved;
        result = wherry_lookup_new(&side->lookup, .loop = race->loop, .name = race->endpoint->name,
                                   .family = family_of(race, i), .events = &side->events);
        side->pending = result == WHERRY_OK;
        if (result < 0)
            wherry__race_report_add(&race->report, NULL, result, wherry_problem());
        else
            side->lookup->source.of_call = true;
    }
    return result;
}

/* Of "localhost" each family has one; a Unix path has its own. */
static void take_addresses(wherry__race *race)
{
    const wherry_endpoint *endpoint = race->endpoint;

    for (size_t i = 0; i < endpoint->count; i++) {
        wherry_family family = endpoint->addresses[i].family;
        wherry__race_side *side = &race->sides[family_of(race, 1) == family];

        if (family != WHERRY_FAMILY_UNIX && !is_wanted(race, family))
            continue;
        side->addresses = &endpoint->addresses[i];
        side->count = 1;
    }
}

/* --- all of it */

/* Until when there is nothing to be done but wait. */
static int64_t pause_end(wherry__race *race, int64_t deadline)
{
    if (next_side(race) == NULL || race->next_start > deadline)
        return deadline;
    return race->next_start;
}

static int run(wherry__race *race, int64_t deadline)
{
    int result = WHERRY_OK;

    for (;;) {
        begin_due(race);
        look(race);
        if (race->winner != NULL || is_lost(race))
            return WHERRY_OK;
        if (next_side(race) != NULL && race->next_start <= race->loop->now)
            continue;
        result = wherry__wait_alone(race->loop, &race->waiter, "connect",
                                    deadline == WHERRY_NOW ? deadline : pause_end(race, deadline));
        if (result == WHERRY_E_TIMED_OUT && race->loop->now < deadline)
            result = WHERRY_OK;
        if (result < 0)
            return result;
        look(race);
    }
}

static void note_unanswered(wherry__race *race)
{
    for (wherry__link *link = race->attempts.next; link != &race->attempts; link = link->next)
        wherry__race_report_add(&race->report, &WHERRY__OWNER(link, attempt, link)->address,
                                WHERRY_E_TIMED_OUT, "no answer yet");
}

/* Where nothing was tried there was no address, or one of the other family only. */
static int why_lost(wherry__race *race)
{
    if (race->report.count == 0 && race->endpoint->count > 0)
        wherry__race_report_add(&race->report, race->endpoint->addresses, WHERRY_E_NO_NAME,
                                "not of the family asked for");
    return race->report.count > 0 ? race->report.code : WHERRY_E_NO_NAME;
}

static int finish(wherry__race *race, int result)
{
    if (race->winner != NULL)
        result = WHERRY_OK;
    else if (result == WHERRY_E_TIMED_OUT)
        note_unanswered(race);
    else if (result == WHERRY_OK)
        result = why_lost(race);
    while (!wherry__list_empty(&race->attempts))
        end_attempt(WHERRY__OWNER(race->attempts.next, attempt, link));
    wherry_lookup_free(race->sides[0].lookup);
    wherry_lookup_free(race->sides[1].lookup);
    if (result < 0 && result != WHERRY_E_CANCELED && result != WHERRY_E_WOULD_BLOCK)
        return wherry__race_report_fail(&race->report, race->endpoint, result);
    return result;
}

int wherry__race_run(wherry_loop *loop, const wherry_endpoint *endpoint,
                     const wherry_race_options *options, int64_t deadline, wherry_stream **stream)
{
    wherry__race race = { .loop = loop, .endpoint = endpoint, .options = *options };
    int result = wherry__task_refused();

    if (result == WHERRY_OK && deadline <= loop->now && deadline != WHERRY_NOW)
        result = wherry__fail_plain(WHERRY_E_TIMED_OUT);
    if (result < 0)
        return result;
    wherry__link_init(&race.attempts);
    race.sides[0].race = race.sides[1].race = &race;
    race.next_start = loop->now;
    result = wherry__race_take_socket(&race);
    if (result < 0)
        return result;
    if (endpoint->name[0] == '\0')
        take_addresses(&race);
    else
        result = look_up(&race);
    if (result == WHERRY_OK)
        result = run(&race, deadline);
    result = finish(&race, result);
    if (result == WHERRY_OK)
        *stream = race.winner;
    return result;
}
