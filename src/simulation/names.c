/* Names of hosts: what programs in a world can resolve. A table that the user fills goes before the
 * names of the hosts themselves; numeric addresses and localhost are answered without it. Answers
 * come when a name server's would, and the fault NAME makes them late, wrong or none.
 *
 * What an answer says is settled when it is asked for: a question that is under way does not see a
 * name change.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "base/size.h"
#include "base/table.h"
#include "simulation/host_name.h"
#include "simulation/ports.h"

/* After which clients give up on name servers that do not answer. */
#define SERVERS_SILENT_AFTER WHERRY_SECONDS(5)

/* The fault: four things, each in as many orders of magnitude of milliseconds. */
#define LATE_ORDERS 16

typedef struct entry {
    wherry__link link;
    wherry__table_entry by_name;
    char name[WHERRY__SIM_NAME_LONGEST + 2]; /* as it is found */
    wherry__sim_name addresses[WHERRY__SIM_ADDRESSES];
    size_t count;
    int64_t delay;
    int failure;
} entry;

struct wherry__sim_names {
    wherry__link entries;
    wherry__table by_name;
};

typedef struct question {
    wherry__sim_event event; /* first: the answer is there */
    wherry__sim_errand errand;
    wherry__link link; /* in the host's questions: those that are not answered yet */
    wherry__sim_host *host;
    wherry_poller *poller;
    wherry_resolution *resolution;
    int64_t delay; /* WHERRY_NEVER: no answer */
    int result;
    struct sockaddr_storage addresses[WHERRY__SIM_ADDRESSES];
} question;

/* --- names */

/* Copies a name as it is found: without a dot at its end, and with small letters. NULL: it is done;
 * else why no host can have it, and at which byte. */
static const char *take_name(char *copy, const char *name, size_t *at)
{
    size_t length = strlen(name);
    char whole[WHERRY__SIM_NAME_LONGEST + 2];

    *at = WHERRY__SIM_NAME_LONGEST;
    if (length >= sizeof(whole))
        return "it is too long";
    memcpy(whole, name, length + 1);
    if (length > 1 && name[length - 1] == '.')
        whole[length - 1] = '\0';
    wherry__sim_name_fold(copy, whole);
    return wherry__sim_name_problem(whole, WHERRY__SIM_NAME_LONGEST, at);
}

static bool take_numeric(wherry__sim_name *address, const char *name)
{
    *address = wherry__sim_name_any(AF_INET);
    if (inet_pton(AF_INET, name, &address->v4.sin_addr) == 1)
        return true;
    *address = wherry__sim_name_any(AF_INET6);
    return inet_pton(AF_INET6, name, &address->v6.sin6_addr) == 1;
}

static entry *find_entry(const wherry_simulation *world, const char *name)
{
    wherry__table_entry *found = wherry__table_find(&world->names->by_name, wherry_text(name));

    return found == NULL ? NULL : WHERRY__OWNER(found, entry, by_name);
}

static void free_entry(wherry_simulation *world, entry *old)
{
    wherry__table_remove(&world->names->by_name, &old->by_name);
    wherry__link_remove(&old->link);
    wherry__memory_give(wherry__sim_memory(world), old, sizeof(*old));
}

static entry *add_entry(wherry_simulation *world, const char *name)
{
    entry *new = wherry__memory_take(wherry__sim_memory(world), sizeof(*new));

    if (new == NULL)
        return NULL;
    memcpy(new->name, name, strlen(name) + 1);
    if (wherry__table_add(&world->names->by_name, &new->by_name, wherry_text(new->name)) < 0) {
        wherry__memory_give(wherry__sim_memory(world), new, sizeof(*new));
        return NULL;
    }
    wherry__list_append(&world->names->entries, &new->link);
    return new;
}

/* --- the table */

int wherry__sim_names_new(wherry_simulation *world)
{
    static const uint8_t key[16]; /* the names are the tester's */
    wherry__sim_names *names = wherry__memory_take(wherry__sim_memory(world), sizeof(*names));

    if (names == NULL)
        return WHERRY_E_NO_MEMORY;
    wherry__link_init(&names->entries);
    wherry__table_init(&names->by_name, wherry__sim_memory(world), key);
    world->names = names;
    return WHERRY_OK;
}

static void free_question(question *old)
{
    wherry_simulation *world = old->host->world;

    wherry__sim_cancel(world, &old->event);
    wherry__link_remove(&old->link);
    wherry__link_remove(&old->errand.link);
    wherry__memory_give(wherry__sim_memory(world), old, sizeof(*old));
}

/* Questions have gone with the pollers that asked them. */
void wherry__sim_names_free(wherry_simulation *world)
{
    wherry__sim_names *names = world->names;

    while (!wherry__list_empty(&names->entries))
        free_entry(world, WHERRY__OWNER(names->entries.next, entry, link));
    wherry__table_clear(&names->by_name);
    wherry__memory_give(wherry__sim_memory(world), names, sizeof(*names));
    world->names = NULL;
}

static int set_entry(wherry_simulation *world, const char *name, const char *addresses,
                     const wherry_simulation_name_options *options)
{
    wherry__sim_name parsed[WHERRY__SIM_ADDRESSES];
    int count = wherry__sim_parse_addresses(addresses, parsed);
    entry *changed = find_entry(world, name);

    if (count < 0)
        return count;
    if (changed == NULL)
        changed = add_entry(world, name);
    if (changed == NULL)
        return WHERRY_E_NO_MEMORY;
    memcpy(changed->addresses, parsed, (size_t)count * sizeof(parsed[0]));
    changed->count = (size_t)count;
    changed->delay = options->delay;
    changed->failure = options->failure;
    return WHERRY_OK;
}

static int check_name(char *copy, const char *name)
{
    char shown[80];
    size_t at;
    const char *problem = take_name(copy, name, &at);

    if (problem == NULL && wherry__sim_is_localhost(copy)) {
        at = 0;
        problem = "localhost is each host itself";
    }
    if (problem == NULL)
        return WHERRY_OK;
    return wherry__fail(WHERRY_E_INVALID, "%s, at byte %zu of \"%s\"", problem, at,
                        wherry__escape(shown, sizeof(shown), wherry_text(name)));
}

int wherry_simulation_name_with(wherry_simulation *world, const char *name, const char *addresses,
                                const wherry_simulation_name_options *given)
{
    wherry_simulation_name_options options;
    char copy[WHERRY__SIM_NAME_LONGEST + 2];
    int result = WHERRY__OPTIONS_COPY(&options, given);
    entry *old;

    if (result < 0)
        return result;
    if (world == NULL || name == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no world or no name");
    result = check_name(copy, name);
    if (result < 0)
        return result;
    if (options.delay < 0 || options.failure > 0)
        return wherry__fail(WHERRY_E_INVALID, "a delay is at least 0, a failure at most");
    if (addresses != NULL)
        return set_entry(world, copy, addresses, &options);
    old = find_entry(world, copy);
    if (old != NULL)
        free_entry(world, old);
    return WHERRY_OK;
}

/* --- answers */

static void add(question *asked, const wherry__sim_name *address, int family)
{
    if (family != AF_UNSPEC && address->any.sa_family != family)
        return;
    memcpy(&asked->addresses[asked->result++], address->bytes, address->size);
}

static void add_all(question *asked, const wherry__sim_name *addresses, size_t count, int family)
{
    for (size_t i = 0; i < count; i++)
        add(asked, &addresses[i], family);
}

static void answer_localhost(question *asked, int family)
{
    wherry__sim_name v4 = wherry__sim_name_any(AF_INET), v6 = wherry__sim_name_any(AF_INET6);

    v4.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v6.v6.sin6_addr = in6addr_loopback;
    add(asked, &v4, family);
    add(asked, &v6, family);
}

/* There and back. */
static int64_t round_trip(const wherry_simulation *world)
{
    int64_t latency = world->options.link.latency;

    if (latency == 0)
        latency = WHERRY_MICROSECONDS(500);
    return latency < 0 ? 0 : wherry__instant_after(latency, latency);
}

static void answer_by_table(question *asked, const char *name, int family)
{
    wherry_simulation *world = asked->host->world;
    const entry *found = find_entry(world, name);
    const wherry__sim_host *host;

    asked->delay = round_trip(world);
    if (found != NULL) {
        if (found->delay > 0)
            asked->delay = found->delay;
        add_all(asked, found->addresses, found->count, family);
        if (found->failure < 0)
            asked->result = found->failure;
        return;
    }
    host = wherry__sim_host_named(world, name);
    if (host == NULL)
        asked->result = -ENOENT;
    else
        add_all(asked, host->addresses, host->address_count, family);
}

static void suffer(question *asked)
{
    uint64_t value;
    int64_t late;

    if (!wherry__sim_fault(asked->host, WHERRY_FAULT_NAME, (uint64_t)4 * LATE_ORDERS, &value))
        return;
    late = WHERRY_MILLISECONDS(INT64_C(1) << value / 4);
    asked->delay = wherry__instant_after(asked->delay, late);
    switch (value % 4) {
    case 1:
        asked->result = -EAGAIN;
        break;
    case 2:
        asked->result = -ETIMEDOUT;
        asked->delay = SERVERS_SILENT_AFTER;
        break;
    case 3:
        asked->result = 0;
        break;
    default:
        break; /* late, and no more */
    }
}

/* --- asking */

static void tell(const question *asked)
{
    wherry__sim_tell(
        asked->host->world, asked->host,
        (wherry_simulation_event){ .what = "resolved", .descriptor = -1, .result = asked->result });
}

/* The question is over before done is called, which may ask the next, or end its own host and never
 * return: then the poller drops it. */
static void run_errand(wherry__sim_errand *errand)
{
    question *asked = WHERRY__OWNER(errand, question, errand);

    wherry__link_remove(&asked->link);
    tell(asked);
    wherry__sim_poller_await(asked->poller, errand);
    asked->resolution->done(asked->resolution, asked->result, asked->addresses);
    free_question(asked);
}

static void drop_errand(wherry__sim_errand *errand)
{
    free_question(WHERRY__OWNER(errand, question, errand));
}

static void answered(wherry__sim_event *event)
{
    question *asked = WHERRY__OWNER(event, question, event);

    wherry__sim_poller_errand(asked->poller, &asked->errand);
}

static void find_answer(question *asked, const char *name, int family)
{
    wherry__sim_name numeric;

    if (take_numeric(&numeric, name)) {
        add(asked, &numeric, family);
    } else if (strcmp(name, "localhost") == 0) {
        answer_localhost(asked, family);
    } else {
        answer_by_table(asked, name, family);
        suffer(asked);
    }
}

int wherry__sim_resolve(wherry_system *system, wherry_poller *poller, const char *name, int family,
                        wherry_resolution *resolution)
{
    wherry__sim_host *host = wherry__sim_host_of(system);
    wherry_simulation *world = host->world;
    wherry__sim_name numeric;
    char copy[WHERRY__SIM_NAME_LONGEST + 2];
    size_t at;
    question *asked;

    if (family != AF_UNSPEC && family != AF_INET && family != AF_INET6)
        return -EINVAL;
    if (take_name(copy, name, &at) != NULL && !take_numeric(&numeric, name))
        return -EINVAL;
    asked = wherry__memory_take(wherry__sim_memory(world), sizeof(*asked));
    if (asked == NULL)
        return -ENOMEM;
    asked->event.run = answered;
    asked->errand.run = run_errand;
    asked->errand.drop = drop_errand;
    asked->host = host;
    asked->poller = poller;
    asked->resolution = resolution;
    wherry__link_init(&asked->errand.link);
    wherry__list_append(&host->questions, &asked->link);
    wherry__sim_poller_await(poller, &asked->errand);
    find_answer(asked, take_numeric(&numeric, name) ? name : copy, family);
    if (asked->delay == 0)
        answered(&asked->event);
    else if (asked->delay != WHERRY_NEVER)
        wherry__sim_at(world, &asked->event, wherry__instant_after(world->now, asked->delay));
    return 0;
}

/* A resolution that is answered is in no list any more, so that canceling it does nothing. */
void wherry__sim_resolve_cancel(wherry_system *system, wherry_resolution *resolution)
{
    wherry__link *questions = &wherry__sim_host_of(system)->questions;

    for (wherry__link *link = questions->next; link != questions; link = link->next) {
        question *each = WHERRY__OWNER(link, question, link);

        if (each->resolution == resolution) {
            free_question(each);
            return;
        }
    }
}
