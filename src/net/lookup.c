/* Lookup: what is asked about one name, and the answers of both families put together.
 *
 * A lookup is a source without a descriptor, so that it ends with its loop, and so that its result
 * is told at the end of a pass: never inside of the call that began it, nor inside of who answers.
 */
#include "net/lookup.h"

#include <stdio.h>
#include <string.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "base/probe.h"
#include "net/address_text.h"
#include "net/host.h"

/* Bytes of a name that are shown. */
#define SHOWN 100

/* --- answers */

static bool is_known(const wherry__family_answer *answer, const wherry_address *address)
{
    for (size_t i = 0; i < answer->count; i++)
        if (wherry_address_equal(&answer->addresses[i], address))
            return true;
    return false;
}

static bool make_room(wherry_lookup *lookup, wherry__family_answer *answer, size_t wanted)
{
    size_t room = answer->room == 0 ? 4 : answer->room;
    wherry_address *grown;

    if (wanted <= answer->room)
        return true;
    while (room < wanted)
        room *= 2;
    grown = wherry__memory_resize(wherry__loop_memory(lookup->loop), answer->addresses,
                                  answer->room * sizeof(*grown), room * sizeof(*grown));
    if (grown == NULL)
        return false;
    answer->addresses = grown;
    answer->room = room;
    return true;
}

static void add(wherry__family_answer *answer, const wherry_address *address)
{
    if (answer->result < 0 || is_known(answer, address))
        return;
    WHERRY__PROBE_IF(answer->count == WHERRY_RESOLVE_ADDRESSES_MAX, "lookup.too-many-addresses");
    if (answer->count == WHERRY_RESOLVE_ADDRESSES_MAX) {
        answer->result = WHERRY_E_TOO_LARGE;
        answer->why = "it has more than 1024 addresses";
    } else if (!make_room(answer->lookup, answer, answer->count + 1)) {
        answer->result = WHERRY_E_NO_MEMORY;
    } else {
        answer->addresses[answer->count++] = *address;
    }
}

/* Who answers might mix families. */
static void on_found(wherry__asker *asker, const struct sockaddr *name, socklen_t size)
{
    wherry__family_answer *answer = WHERRY__OWNER(asker, wherry__family_answer, asker);
    bool is_first = answer == &answer->lookup->answers[0];
    wherry_address address;

    if (wherry_address_from_system(&address, name, size) < 0 ||
        address.family != (is_first ? WHERRY_FAMILY_IPV6 : WHERRY_FAMILY_IPV4))
        return;
    address.port = 0;
    add(answer, &address);
}

/* Of two families without an address: what says most about both. A name is known not to exist only
 * when both say so. */
static const wherry__family_answer *worse(const wherry_lookup *lookup)
{
    const wherry__family_answer *one = &lookup->answers[0];
    const wherry__family_answer *other = &lookup->answers[1];

    if (lookup->family != WHERRY_FAMILY_NONE)
        return lookup->family == WHERRY_FAMILY_IPV6 ? one : other;
    return one->result < 0 && one->result != WHERRY_E_NO_NAME ? one : other;
}

/* Puts the addresses of both behind each other. */
static ssize_t join(wherry_lookup *lookup)
{
    wherry__family_answer *first = &lookup->answers[0];
    const wherry__family_answer *second = &lookup->answers[1];
    size_t count = first->result < 0 ? 0 : first->count;
    size_t more = second->result < 0 ? 0 : second->count;

    if (count + more == 0) {
        int result = worse(lookup)->result;

        return result < 0 ? result : WHERRY_E_NO_NAME;
    }
    if (more > 0 && !make_room(lookup, first, count + more))
        return WHERRY_E_NO_MEMORY;
    if (more > 0)
        memcpy(first->addresses + count, second->addresses, more * sizeof(*second->addresses));
    lookup->addresses = first->addresses;
    return (ssize_t)(count + more);
}

static void finish(wherry_lookup *lookup, ssize_t result)
{
    lookup->over = true;
    lookup->result = result;
    lookup->loop->keepers--;
    wherry__question_drop(&lookup->answers[0].asker);
    wherry__question_drop(&lookup->answers[1].asker);
    wherry__deadline_disarm(&lookup->loop->deadlines, &lookup->deadline);
    if (lookup->waiter != NULL)
        wherry__wait_wake(lookup->waiter, WHERRY_OK);
    if (lookup->events != NULL)
        wherry__source_flush_later(lookup->loop, &lookup->source);
}

/* Whatever one family cannot do for want of memory is no answer about the name. */
static bool is_ours(int result)
{
    return result < 0 && result != WHERRY_E_NO_NAME && result != WHERRY_E_NO_ANSWER;
}

static void finish_if_answered(wherry_lookup *lookup)
{
    for (int i = 0; i < 2; i++)
        if (lookup->answers[i].asker.question != NULL)
            return;
    for (int i = 0; i < 2; i++) {
        if (is_ours(lookup->answers[i].result)) {
            finish(lookup, lookup->answers[i].result);
            return;
        }
    }
    finish(lookup, join(lookup));
}

static void on_answered(wherry__asker *asker, int result, const char *why)
{
    wherry__family_answer *answer = WHERRY__OWNER(asker, wherry__family_answer, asker);
    wherry_lookup *lookup = answer->lookup;

    if (answer->result == WHERRY_OK) {
        answer->result = result;
        answer->why = why;
    }
    if (!lookup->over && lookup->begun)
        finish_if_answered(lookup);
}

const char *wherry__lookup_why(const wherry_lookup *lookup)
{
    for (int i = 0; i < 2; i++)
        if (lookup->answers[i].result == lookup->result && lookup->answers[i].why != NULL)
            return lookup->answers[i].why;
    if (lookup->result != WHERRY_E_NO_NAME || lookup->family == WHERRY_FAMILY_NONE)
        return wherry_error_text((int)lookup->result);
    return lookup->family == WHERRY_FAMILY_IPV6 ? "the name has no IPv6 address"
                                                : "the name has no IPv4 address";
}

int wherry__lookup_fail(const wherry_lookup *lookup)
{
    return wherry__fail((int)lookup->result, "resolving %.*s%s: %s", SHOWN, lookup->name,
                        strlen(lookup->name) > SHOWN ? "..." : "", wherry__lookup_why(lookup));
}

/* --- as a source */

static void on_deadline(wherry__deadline *deadline)
{
    wherry_lookup *lookup = WHERRY__OWNER(deadline, wherry_lookup, deadline);

    finish(lookup, WHERRY_E_TIMED_OUT);
}

static void on_flush(wherry__source *source)
{
    wherry_lookup *lookup = WHERRY__OWNER(source, wherry_lookup, source);

    if (lookup->told || !lookup->over)
        return;
    lookup->told = true;
    if (lookup->result < 0)
        (void)wherry__lookup_fail(lookup);
    lookup->events->resolved(lookup->events, lookup, lookup->result, lookup->addresses);
}

static void on_leave(wherry__source *source)
{
    wherry_lookup *lookup = WHERRY__OWNER(source, wherry_lookup, source);

    lookup->told = true;
    if (!lookup->over)
        finish(lookup, WHERRY_E_CLOSED);
}

static void on_reclaim(wherry__source *source)
{
    wherry_lookup *lookup = WHERRY__OWNER(source, wherry_lookup, source);
    wherry_memory *memory = wherry__loop_memory(lookup->loop);

    for (int i = 0; i < 2; i++)
        wherry__memory_give(memory, lookup->answers[i].addresses,
                            lookup->answers[i].room * sizeof(*lookup->addresses));
    wherry__memory_give(memory, lookup, sizeof(*lookup));
}

static const wherry__source_class class = {
    .leave = on_leave,
    .flush = on_flush,
    .reclaim = on_reclaim,
};

/* --- beginning */

/* Reads an IPv6 address in brackets, or puts it into them first. */
static int read_ipv6(wherry_lookup *lookup, const char *name, size_t length, wherry__host *host)
{
    wherry__scan scan = { .text = lookup->name };
    int result;

    *host = (wherry__host){ .count = 1 };
    if (name[0] == '[')
        memcpy(lookup->name, name, length + 1);
    else
        (void)snprintf(lookup->name, sizeof(lookup->name), "[%s]", name);
    scan.length = scan.end = strlen(lookup->name);
    result = wherry__scan_ipv6(&scan, WHERRY__ADDRESS_ALONE, &host->addresses[0]);
    if (result == WHERRY_OK && scan.at < scan.end)
        result = wherry__scan_fail(&scan, WHERRY_E_INVALID, "nothing can stand behind an address");
    return result;
}

static int read_name(wherry_lookup *lookup, const char *name, wherry__host *host)
{
    size_t length = strlen(name);
    wherry__scan scan = { .text = name, .length = length, .end = length };
    int result;

    if (length == 0)
        return wherry__fail(WHERRY_E_INVALID, "an empty name of a host");
    if (length < WHERRY_HOST_NAME_SIZE && (name[0] == '[' || memchr(name, ':', length) != NULL))
        return read_ipv6(lookup, name, length, host);
    result = wherry__scan_host(&scan, length, host);
    if (result == WHERRY_OK)
        memcpy(lookup->name, name, length + 1);
    return result;
}

static bool is_wanted(const wherry_lookup *lookup, wherry_family family)
{
    return lookup->family == WHERRY_FAMILY_NONE || lookup->family == family;
}

static int ask(wherry_lookup *lookup, const wherry__host *host)
{
    static const wherry_family families[2] = { WHERRY_FAMILY_IPV6, WHERRY_FAMILY_IPV4 };
    int result = WHERRY_OK;

    for (size_t i = 0; i < host->count; i++)
        if (is_wanted(lookup, host->addresses[i].family))
            add(&lookup->answers[host->addresses[i].family == families[1]], &host->addresses[i]);
    for (size_t i = 0; i < 2 && host->count == 0 && result == WHERRY_OK; i++)
        if (is_wanted(lookup, families[i]))
            result = wherry__question_ask(lookup->loop, &lookup->answers[i].asker, lookup->name,
                                          families[i]);
    if (result == WHERRY_OK) {
        lookup->begun = true;
        finish_if_answered(lookup);
    }
    return result;
}

static wherry_lookup *make(wherry_loop *loop, wherry_family family)
{
    wherry_lookup *lookup = wherry__memory_take(wherry__loop_memory(loop), sizeof(*lookup));

    if (lookup == NULL)
        return NULL;
    lookup->loop = loop;
    lookup->family = family;
    for (int i = 0; i < 2; i++) {
        lookup->answers[i].asker.found = on_found;
        lookup->answers[i].asker.answered = on_answered;
        lookup->answers[i].lookup = lookup;
    }
    wherry__deadline_init(&lookup->deadline, on_deadline);
    wherry__source_init(loop, &lookup->source, &class, -1);
    loop->keepers++;
    return lookup;
}

int wherry__lookup_begin(wherry_loop *loop, const char *name, wherry_family family,
                         wherry_lookup_events *events, wherry_lookup **result)
{
    wherry_lookup *lookup;
    wherry__host host;
    int code;

    if (name == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no name to resolve");
    if (family != WHERRY_FAMILY_NONE && family != WHERRY_FAMILY_IPV4 &&
        family != WHERRY_FAMILY_IPV6)
        return wherry__fail(WHERRY_E_MISUSE, "option family: neither IPv4 nor IPv6");
    if (loop->ending)
        return wherry__fail(WHERRY_E_CANCELED, "no name is resolved: the loop is being freed");
    lookup = make(loop, family);
    if (lookup == NULL)
        return WHERRY_E_NO_MEMORY;
    lookup->events = events;
    lookup->source.of_call = events == NULL;
    code = read_name(lookup, name, &host);
    if (code == WHERRY_OK)
        code = ask(lookup, &host);
    if (code == WHERRY_OK)
        *result = lookup;
    else
        wherry_lookup_free(lookup);
    return code;
}

/* --- the user's side */

int wherry_lookup_new_with(const wherry_lookup_options *given)
{
    wherry_lookup_options options;
    wherry_lookup *lookup;
    wherry_loop *loop;
    int result = WHERRY__OPTIONS_COPY(&options, given);

    if (result < 0)
        return result;
    if (options.result == NULL || options.events == NULL || options.events->resolved == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the lookup, or option events: there are "
                                             "none, or resolved is NULL");
    loop = wherry__loop_choose(options.loop);
    if (loop == NULL)
        return WHERRY_E_MISUSE;
    if (options.deadline != 0 && options.deadline <= loop->now)
        return wherry__fail_plain(WHERRY_E_TIMED_OUT);
    result = wherry__lookup_begin(loop, options.name, options.family, options.events, &lookup);
    if (result != WHERRY_OK)
        return result;
    if (options.deadline != 0 && !lookup->over)
        wherry__deadline_arm(&loop->deadlines, &lookup->deadline, options.deadline);
    *options.result = lookup;
    return WHERRY_OK;
}

void wherry_lookup_free(wherry_lookup *lookup)
{
    if (lookup == NULL)
        return;
    lookup->told = true;
    if (!lookup->over)
        finish(lookup, WHERRY_E_CLOSED);
    wherry__source_dismiss(lookup->loop, &lookup->source);
}
