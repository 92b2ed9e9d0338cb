/* Questions: what programs in a world resolve. What the tester has said of a name goes before the
 * names of the hosts themselves; numeric addresses and localhost are known without either. Answers
 * come when a name server's would; the fault NAME makes them late, wrong or none, and NAME_TWICE
 * has some come again.
 *
 * What an answer says is settled when it is asked for: a question that is under way does not see a
 * name change. One that is to be answered again is kept when it is over, be it answered or
 * withdrawn, until that has happened.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/size.h"
#include "simulation/names.h"
#include "simulation/poller.h"
#include "simulation/ports.h"

/* After which clients give up on name servers that do not answer. */
#define SERVERS_SILENT_AFTER WHERRY_SECONDS(5)

/* The faults: how late, in orders of magnitude of milliseconds. */
#define LATE_ORDERS 16

/* What comes the second time. The value of the fault is one of these, and by their number how late:
 * at once, or in an order of magnitude. */
enum second { SAME_AGAIN, ANOTHER_ADDRESS, NO_SUCH_NAME, SECONDS };

typedef struct question {
    wherry__sim_event event; /* first: the answer is there */
    wherry__sim_errand errand;
    wherry__link link; /* in the host's questions; when it is over, in second_answers or none */
    wherry__sim_host *host;
    wherry_poller *poller;
    wherry_resolution *resolution;
    int family;
    int64_t delay;   /* WHERRY_NEVER: no answer */
    bool over;       /* answered or withdrawn */
    uint64_t number; /* of those of the poller that are over */
    bool again;      /* it is to be answered again */
    uint64_t second; /* what with, and how late */
    int result;
    struct sockaddr_storage addresses[WHERRY__SIM_ADDRESSES];
} question;

static void free_question(question *old)
{
    wherry_simulation *world = old->host->world;

    wherry__sim_cancel(world, &old->event);
    wherry__link_remove(&old->link);
    wherry__link_remove(&old->errand.link);
    wherry__memory_give(wherry__sim_memory(world), old, sizeof(*old));
}

/* --- what there is to answer */

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

static bool take_numeric(wherry__sim_name *address, const char *name)
{
    *address = wherry__sim_name_any(AF_INET);
    if (inet_pton(AF_INET, name, &address->v4.sin_addr) == 1)
        return true;
    *address = wherry__sim_name_any(AF_INET6);
    return inet_pton(AF_INET6, name, &address->v6.sin6_addr) == 1;
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
    const wherry__sim_entry *found = wherry__sim_entry_find(world, name);
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

/* Only loops stand it: who asks the system itself may rely on one answer. */
static void suffer_twice(question *asked)
{
    if (asked->delay != WHERRY_NEVER && asked->poller->loop != NULL)
        asked->again = wherry__sim_fault(asked->host, WHERRY_FAULT_NAME_TWICE,
                                         (uint64_t)SECONDS * (LATE_ORDERS + 1), &asked->second);
}

static void find_answer(question *asked, const char *name)
{
    wherry__sim_name numeric;

    if (take_numeric(&numeric, name)) {
        add(asked, &numeric, asked->family);
    } else if (strcmp(name, "localhost") == 0) {
        answer_localhost(asked, asked->family);
    } else {
        answer_by_table(asked, name, asked->family);
        suffer(asked);
        suffer_twice(asked);
    }
}

/* Of networks for documentation (RFC 5737, RFC 3849): what is connected to it is seen. */
static void find_second_answer(question *asked)
{
    wherry__sim_name other;

    switch (asked->second % SECONDS) {
    case ANOTHER_ADDRESS:
        (void)take_numeric(&other, asked->family == AF_INET6 ? "2001:db8::1" : "192.0.2.1");
        asked->result = 0;
        add(asked, &other, AF_UNSPEC);
        break;
    case NO_SUCH_NAME:
        asked->result = -ENOENT;
        break;
    default:
        break;
    }
}

/* --- answering */

static void await(question *asked)
{
    wherry__link_remove(&asked->errand.link);
    wherry__sim_poller_await(asked->poller, &asked->errand);
}

/* Its done may ask the next, or end its own host and never return: then the poller drops it. */
static void answer(question *asked, const char *what)
{
    wherry__sim_tell(
        asked->host->world, asked->host,
        (wherry_simulation_event){ .what = what, .descriptor = -1, .result = asked->result });
    await(asked);
    asked->resolution->done(asked->resolution, asked->result, asked->addresses);
}

/* Not when the asker may have forgotten it. */
static void answer_again(question *asked)
{
    if (asked->again && asked->poller->over - asked->number < WHERRY_RESOLUTIONS_KEPT) {
        find_second_answer(asked);
        answer(asked, "resolved again");
    }
    free_question(asked);
}

static void end(question *asked)
{
    asked->over = true;
    asked->number = ++asked->poller->over;
    wherry__link_remove(&asked->link);
    if (asked->again)
        wherry__list_append(&asked->host->second_answers, &asked->link);
}

static int64_t time_of_second(const question *asked)
{
    uint64_t order = asked->second / SECONDS;

    return order == 0 ? 0 : wherry__sim_fault_time(order - 1);
}

static void answer_later(question *asked)
{
    wherry_simulation *world = asked->host->world;

    wherry__sim_at(world, &asked->event, wherry__instant_after(world->now, time_of_second(asked)));
}

static void run_errand(wherry__sim_errand *errand)
{
    question *asked = WHERRY__OWNER(errand, question, errand);

    if (asked->over) {
        answer_again(asked);
        return;
    }
    end(asked);
    answer(asked, "resolved");
    if (asked->again && time_of_second(asked) > 0)
        answer_later(asked);
    else
        answer_again(asked);
}

static void drop_errand(wherry__sim_errand *errand)
{
    free_question(WHERRY__OWNER(errand, question, errand));
}

static void answered(wherry__sim_event *event)
{
    question *asked = WHERRY__OWNER(event, question, event);

    if (asked->over && !asked->again)
        free_question(asked);
    else
        wherry__sim_poller_errand(asked->poller, &asked->errand);
}

/* --- asking */

/* What asks anew is not mistaken for what it asked before. It may do so while that is answered, so
 * that it cannot be freed here. */
static void forget(const wherry__sim_host *host, const wherry_resolution *resolution)
{
    const wherry__link *seconds = &host->second_answers;

    for (wherry__link *link = seconds->next; link != seconds; link = link->next) {
        question *each = WHERRY__OWNER(link, question, link);

        if (each->resolution == resolution)
            each->again = false;
    }
}

static void init(question *asked, wherry__sim_host *host, wherry_poller *poller, int family,
                 wherry_resolution *resolution)
{
    asked->event.run = answered;
    asked->errand.run = run_errand;
    asked->errand.drop = drop_errand;
    asked->host = host;
    asked->poller = poller;
    asked->family = family;
    asked->resolution = resolution;
    wherry__link_init(&asked->errand.link);
    wherry__list_append(&host->questions, &asked->link);
    await(asked);
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
    if (wherry__sim_entry_key(copy, name, &at) != NULL && !take_numeric(&numeric, name))
        return -EINVAL;
    asked = wherry__memory_take(wherry__sim_memory(world), sizeof(*asked));
    if (asked == NULL)
        return -ENOMEM;
    forget(host, resolution);
    init(asked, host, poller, family, resolution);
    find_answer(asked, take_numeric(&numeric, name) ? name : copy);
    if (asked->delay == 0)
        answered(&asked->event);
    else if (asked->delay != WHERRY_NEVER)
        wherry__sim_at(world, &asked->event, wherry__instant_after(world->now, asked->delay));
    return 0;
}

static void withdraw(question *asked)
{
    end(asked);
    if (!asked->again) {
        free_question(asked);
        return;
    }
    await(asked);
    answer_later(asked);
}

/* A resolution that was answered is over already, so that canceling it does nothing. */
void wherry__sim_resolve_cancel(wherry_system *system, wherry_resolution *resolution)
{
    wherry__link *questions = &wherry__sim_host_of(system)->questions;

    for (wherry__link *link = questions->next; link != questions; link = link->next) {
        question *each = WHERRY__OWNER(link, question, link);

        if (each->resolution == resolution) {
            withdraw(each);
            return;
        }
    }
}
