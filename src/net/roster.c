/* Roster: making one, its end, and what it tells. Opening, accepting, its streams and a pass have
 * files of their own. */
#include "net/roster.h"

#include <wherry/endpoint.h>
#include <wherry/error.h>

#include "base/error.h"
#include "base/options.h"
#include "net/socket.h"

#define WAITING_MAX_DEFAULT 64
#define STREAMS_MAX_DEFAULT 10000

/* --- its end */

void wherry__roster_dismiss(wherry_roster *roster)
{
    if (roster->freed && roster->users == 0)
        wherry__source_dismiss(roster->loop, &roster->source);
}

void wherry_roster_free(wherry_roster *roster)
{
    if (roster == NULL)
        return;
    wherry_roster_close(roster);
    wherry__roster_clear(roster);
    wherry__table_clear(&roster->by_address);
    if (roster->steps != NULL)
        roster->steps->roster = NULL;
    roster->steps = NULL;
    roster->task = NULL;
    roster->freed = true;
    wherry__roster_dismiss(roster);
}

static void on_ready(wherry__source *source, unsigned events)
{
    (void)source, (void)events; /* no loop watches it */
}

static void on_leave(wherry__source *source)
{
    wherry_roster_close(WHERRY__OWNER(source, wherry_roster, source));
}

static void on_forget(wherry__source *source)
{
    wherry__roster_forget(WHERRY__OWNER(source, wherry_roster, source));
}

static void on_reclaim(wherry__source *source)
{
    wherry_roster *roster = WHERRY__OWNER(source, wherry_roster, source);

    wherry__memory_give(wherry__loop_memory(roster->loop), roster, sizeof(*roster));
}

static const wherry__source_class class = {
    .ready = on_ready,
    .leave = on_leave,
    .forget = on_forget,
    .reclaim = on_reclaim,
};

/* --- making one */

static int fail_endpoint(const char *problem)
{
    return wherry__fail(WHERRY_E_INVALID, "option endpoint: %s", problem);
}

/* One address to listen on, that needs no looking up. */
static int read_endpoint(const char *text, wherry_address *address)
{
    wherry_endpoint endpoint, next;
    size_t position = 0;
    int result = wherry_endpoint_next(&endpoint, text, &position);

    if (result < 0)
        return result;
    if (result == 0)
        return fail_endpoint("it is empty");
    if (endpoint.count != 1)
        return fail_endpoint("one address, please, and no name of a host");
    result = wherry_endpoint_next(&next, text, &position);
    if (result != 0)
        return result < 0 ? result : fail_endpoint("one, please, and no list");
    *address = endpoint.addresses[0];
    return WHERRY_OK;
}

static int check_options(const wherry_roster_options *options)
{
    if (options->result == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the roster");
    if ((options->endpoint != NULL) == (options->address != NULL))
        return wherry__fail(WHERRY_E_MISUSE, "options endpoint and address: one of them, please");
    if (options->address != NULL && options->address->family == WHERRY_FAMILY_NONE)
        return wherry__fail(WHERRY_E_MISUSE, "option address: it is none");
    if (options->backlog < 0)
        return wherry__fail(WHERRY_E_MISUSE, "option backlog: it is negative");
    if (options->stream->socket != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option stream: its socket: accepted streams have "
                                             "the options of the roster's");
    return WHERRY_OK;
}

static size_t size_or(size_t size, size_t otherwise)
{
    return size == 0 ? otherwise : size;
}

static void set_limits(wherry_roster *roster, const wherry_roster_options *options)
{
    roster->no_reuse_address = options->no_reuse_address != 0;
    roster->reuse_port = options->reuse_port != 0;
    roster->keep_ended = options->keep_ended != 0;
    roster->keep_finished = options->keep_finished != 0;
    roster->backlog = options->backlog;
    roster->stream = *options->stream;
    roster->stream.size = sizeof(roster->stream);
    roster->waiting_max = size_or(options->waiting_max, WAITING_MAX_DEFAULT);
    roster->streams_max = size_or(options->streams_max, STREAMS_MAX_DEFAULT);
}

/* Where to listen, and what can fail besides. */
static int fill(wherry_roster *roster, const wherry_roster_options *options)
{
    uint8_t key[16];
    int result = WHERRY_OK;

    if (options->address != NULL)
        roster->asked = *options->address;
    else
        result = read_endpoint(options->endpoint, &roster->asked);
    if (result == WHERRY_OK)
        result = wherry__socket_keep(&roster->socket, options->socket, WHERRY__SOCKET_LISTENS);
    if (result == WHERRY_OK)
        result = wherry_loop_random(roster->loop, key, sizeof(key));
    if (result < 0)
        return result;
    roster->address = roster->asked;
    wherry__table_init(&roster->by_address, wherry__loop_memory(roster->loop), key);
    return WHERRY_OK;
}

static int make(wherry_loop *loop, const wherry_roster_options *options)
{
    wherry_roster *roster = wherry__memory_take(wherry__loop_memory(loop), sizeof(*roster));
    int result;

    if (roster == NULL)
        return WHERRY_E_NO_MEMORY;
    roster->loop = loop;
    roster->base = loop;
    result = fill(roster, options);
    if (result < 0) {
        wherry__memory_give(wherry__loop_memory(loop), roster, sizeof(*roster));
        return result;
    }
    set_limits(roster, options);
    wherry__link_init(&roster->waiting);
    wherry__link_init(&roster->streams);
    wherry__link_init(&roster->readable);
    wherry__link_init(&roster->unsent);
    wherry__link_init(&roster->news);
    wherry__link_init(&roster->finished);
    wherry__link_init(&roster->ended);
    wherry__deadlines_init(&roster->deadlines, loop->system, wherry__roster_now(roster));
    wherry__source_init(loop, &roster->source, &class, -1);
    roster->source.aside = true;
    *options->result = roster;
    return WHERRY_OK;
}

int wherry_roster_new_with(const wherry_roster_options *given)
{
    wherry_roster_options options;
    wherry_stream_options stream_options;
    wherry_loop *loop;
    int result = WHERRY__OPTIONS_COPY(&options, given);

    if (result == WHERRY_OK)
        result = wherry__service_options_copy(&stream_options, options.stream);
    options.stream = &stream_options;
    if (result == WHERRY_OK)
        result = check_options(&options);
    if (result < 0)
        return result;
    loop = wherry__loop_choose(options.loop);
    return loop == NULL ? WHERRY_E_MISUSE : make(loop, &options);
}

/* --- time */

int64_t wherry__roster_now(const wherry_roster *roster)
{
    return wherry_loop_now(roster->base);
}

void wherry_roster_wind(wherry_roster *roster, const wherry_loop *base)
{
    wherry__link *link;

    for (link = roster->streams.next; link != &roster->streams; link = link->next)
        wherry__deadline_disarm(&roster->deadlines,
                                &WHERRY__OWNER(link, wherry__roster_entry, link)->due);
    roster->base = base == NULL ? roster->loop : base;
    wherry__service_read_clock(roster->base);
    wherry__deadlines_init(&roster->deadlines, roster->loop->system, wherry__roster_now(roster));
    if (roster->rests_until != 0)
        wherry__roster_rest(roster);
    for (link = roster->streams.next; link != &roster->streams; link = link->next)
        (void)wherry_stream_wind(WHERRY__OWNER(link, wherry__roster_entry, link)->stream,
                                 roster->base);
}

/* --- what it tells */

void wherry_roster_address(const wherry_roster *roster, wherry_address *address)
{
    *address = roster->address;
}

/* The address for all has no bit set. */
void wherry_roster_external(const wherry_roster *roster, wherry_address *address)
{
    static const uint8_t all[16];

    *address = roster->address;
    if (address->family == WHERRY_FAMILY_IPV4 && memcmp(address->at.ipv4, all, 4) == 0) {
        address->at.ipv4[0] = 127;
        address->at.ipv4[3] = 1;
    } else if (address->family == WHERRY_FAMILY_IPV6 && memcmp(address->at.ipv6, all, 16) == 0) {
        address->at.ipv6[15] = 1;
    }
}

int wherry_roster_buffers(const wherry_roster *roster, size_t *send, size_t *receive)
{
    *send = 0;
    *receive = 0;
    if (!wherry__roster_is_open(roster))
        return WHERRY_OK;
    return wherry_socket_buffers(roster->loop->system, roster->source.descriptor, send, receive);
}

size_t wherry_roster_count(const wherry_roster *roster)
{
    return roster->count;
}
