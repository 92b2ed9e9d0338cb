/* Way: the directions that there are, found by their ends, and what is set on them. What is asked
 * of "*" is kept as a rule as well: a way that comes later begins with all rules that fit it, in
 * the order of asking. A rule that says of the same aspect and ends what a later one says is taken
 * out, so that there are never more than pairs of hosts. */
#include "simulation/way.h"

#include <string.h>

#include "base/error.h"
#include "simulation/victim.h"

#define LATENCY_DEFAULT WHERRY_MICROSECONDS(500)
#define QUEUE_DEFAULT ((size_t)1024 * 1024)
#define MTU_DEFAULT 1500
#define MTU_MAX 65536
#define TIME_MAX WHERRY_SECONDS(3600)

/* It lies in the list of the host that it names, or of all. */
typedef struct rule {
    wherry__link link;
    uint64_t number; /* rises in the order of asking */
    wherry__sim_setting setting;
} rule;

/* --- settings */

bool wherry__sim_link_fits(const wherry_link *link)
{
    return link->latency <= TIME_MAX && link->jitter >= 0 && link->jitter <= TIME_MAX &&
           (link->mtu == 0 || (link->mtu >= WHERRY__SIM_MTU_MIN && link->mtu <= MTU_MAX));
}

static wherry_link completed(wherry_link link)
{
    if (link.latency == 0)
        link.latency = LATENCY_DEFAULT;
    if (link.latency < 0)
        link.latency = 0;
    if (link.queue == 0)
        link.queue = QUEUE_DEFAULT;
    if (link.mtu == 0)
        link.mtu = MTU_DEFAULT;
    return link;
}

bool wherry__sim_way_is_cut(const wherry__sim_way *way)
{
    int64_t now = way->ends[0]->world->now;

    return now < way->cut_until[WHERRY__SIM_ASKED] || now < way->cut_until[WHERRY__SIM_DRAWN];
}

static int64_t clogged_until(const wherry__sim_way *way)
{
    int64_t asked = way->clogged_until[WHERRY__SIM_ASKED];
    int64_t drawn = way->clogged_until[WHERRY__SIM_DRAWN];

    return asked > drawn ? asked : drawn;
}

bool wherry__sim_way_keeps(const wherry__sim_way *way)
{
    return way->held || way->ends[0]->world->now < clogged_until(way);
}

int64_t wherry__sim_way_time(wherry__sim_way *way)
{
    return way->settings.latency + wherry__sim_draw_around(&way->chance, way->settings.jitter);
}

void wherry__sim_way_cut(wherry__sim_way *way, int cause, int64_t until)
{
    if (until > way->cut_until[cause])
        way->cut_until[cause] = until;
}

static void unclog(wherry__sim_event *self)
{
    wherry__sim_let_go(WHERRY__OWNER(self, wherry__sim_way, unclog));
}

static void enter_unclog(wherry__sim_way *way)
{
    wherry_simulation *world = way->ends[0]->world;
    int64_t until = clogged_until(way);

    way->unclog.run = unclog;
    wherry__sim_cancel(world, &way->unclog);
    if (until > world->now && until != WHERRY_NEVER)
        wherry__sim_at(world, &way->unclog, until);
}

void wherry__sim_way_clog(wherry__sim_way *way, int cause, int64_t until)
{
    if (until > way->clogged_until[cause])
        way->clogged_until[cause] = until;
    enter_unclog(way);
}

static void end_clog(wherry__sim_way *way, int cause)
{
    way->clogged_until[cause] = 0;
    enter_unclog(way);
    wherry__sim_let_go(way);
}

static void hold(wherry__sim_way *way, bool on)
{
    way->held = on;
    if (!on)
        wherry__sim_let_go(way);
}

static void apply(wherry__sim_way *way, const wherry__sim_setting *setting)
{
    switch (setting->aspect) {
    case WHERRY__SIM_LINK:
        way->settings = completed(setting->value);
        break;
    case WHERRY__SIM_CUT:
        if (setting->on)
            wherry__sim_way_cut(way, setting->cause, setting->until);
        else
            way->cut_until[setting->cause] = 0;
        break;
    case WHERRY__SIM_CLOG:
        if (setting->on)
            wherry__sim_way_clog(way, setting->cause, setting->until);
        else
            end_clog(way, setting->cause);
        break;
    case WHERRY__SIM_HELD:
        hold(way, setting->on);
        break;
    }
}

/* --- ways */

static rule *rule_at(const wherry__link *list, wherry__link *at)
{
    return at == list ? NULL : WHERRY__OWNER(at, rule, link);
}

/* Applies what the lists of both ends and of all say, in the order of asking. */
static void follow_rules(wherry__sim_links *links, wherry__sim_way *way)
{
    wherry__link *const lists[] = { &links->rules, &way->ends[0]->rules[0],
                                    &way->ends[1]->rules[1] };
    wherry__link *at[] = { lists[0]->next, lists[1]->next, lists[2]->next };

    for (;;) {
        rule *first = NULL;
        size_t chosen = 0;

        for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
            rule *each = rule_at(lists[i], at[i]);

            if (each != NULL && (first == NULL || each->number < first->number)) {
                first = each;
                chosen = i;
            }
        }
        if (first == NULL)
            return;
        apply(way, &first->setting);
        at[chosen] = at[chosen]->next;
    }
}

/* In a swarm no two pairs of hosts are equally far from each other. */
static void begin(wherry_simulation *world, wherry__sim_way *way)
{
    char whom[WHERRY__SIM_WHOM];

    wherry__sim_whom(way->ends[0], way->ends[1], whom);
    wherry__sim_chance_init(&way->chance, world->seed, "link", whom, &world->choices);
    way->settings = completed(world->options.link);
    if (world->options.swarm)
        way->settings.latency += (int64_t)wherry__sim_draw_below(
            &way->chance, (uint64_t)way->settings.latency + 1);
}

static wherry_bytes key_of(wherry__sim_host *const ends[2])
{
    return wherry_bytes_at(ends, 2 * sizeof(*ends));
}

static wherry__sim_way *make(wherry_simulation *world, wherry__sim_host *const ends[2])
{
    wherry__sim_way *way = wherry__memory_take(wherry__sim_memory(world), sizeof(*way));

    if (way == NULL)
        return NULL;
    memcpy(way->ends, ends, sizeof(way->ends));
    if (wherry__table_add(&world->links->by_ends, &way->entry, key_of(way->ends)) < 0) {
        wherry__memory_give(wherry__sim_memory(world), way, sizeof(*way));
        return NULL;
    }
    wherry__list_append(&world->links->ways, &way->link);
    for (size_t i = 0; i < 2; i++)
        wherry__list_append(&ends[i]->ways[i], &way->near[i]);
    wherry__link_init(&way->travelling);
    wherry__link_init(&way->kept);
    begin(world, way);
    follow_rules(world->links, way);
    return way;
}

wherry__sim_way *wherry__sim_way_of(wherry__sim_host *from, wherry__sim_host *to)
{
    wherry__sim_host *ends[2] = { from, to };
    wherry__table_entry *found = wherry__table_find(&from->world->links->by_ends, key_of(ends));

    return found != NULL ? WHERRY__OWNER(found, wherry__sim_way, entry) : make(from->world, ends);
}

/* --- rules */

static void forget_rule(wherry_simulation *world, rule *r)
{
    wherry__link_remove(&r->link);
    wherry__memory_give(wherry__sim_memory(world), r, sizeof(*r));
}

/* Of two partitions or clogs the longer one counts, for ways to come too. */
static bool is_outdone(const wherry__sim_setting *old, const wherry__sim_setting *new)
{
    return old->aspect == new->aspect && old->cause == new->cause &&
           (!new->on || !old->on || new->until >= old->until);
}

static wherry__link *rules_of(wherry_simulation *world, wherry__sim_host *from,
                              wherry__sim_host *to)
{
    if (from != NULL)
        return &from->rules[0];
    return to != NULL ? &to->rules[1] : &world->links->rules;
}

/* Of one host, or of none. */
static int add_rule(wherry_simulation *world, wherry__sim_host *from, wherry__sim_host *to,
                    const wherry__sim_setting *setting)
{
    wherry__link *rules = rules_of(world, from, to);
    rule *new = wherry__memory_take(wherry__sim_memory(world), sizeof(*new));

    if (new == NULL)
        return WHERRY_E_NO_MEMORY;
    *new = (rule){ .number = world->links->rule_count++, .setting = *setting };
    for (wherry__link *at = rules->next, *next; at != rules; at = next) {
        rule *old = WHERRY__OWNER(at, rule, link);

        next = at->next;
        if (is_outdone(&old->setting, setting))
            forget_rule(world, old);
    }
    wherry__list_append(rules, &new->link);
    return WHERRY_OK;
}

static void apply_from(wherry__sim_host *from, const wherry__sim_setting *setting)
{
    for (wherry__link *at = from->ways[0].next; at != &from->ways[0]; at = at->next)
        apply(WHERRY__OWNER(at, wherry__sim_way, near[0]), setting);
}

static void apply_to(wherry__sim_host *to, const wherry__sim_setting *setting)
{
    for (wherry__link *at = to->ways[1].next; at != &to->ways[1]; at = at->next)
        apply(WHERRY__OWNER(at, wherry__sim_way, near[1]), setting);
}

static void apply_to_all(wherry_simulation *world, const wherry__sim_setting *setting)
{
    wherry__link *ways = &world->links->ways;

    for (wherry__link *at = ways->next; at != ways; at = at->next)
        apply(WHERRY__OWNER(at, wherry__sim_way, link), setting);
}

int wherry__sim_ways_set(wherry_simulation *world, wherry__sim_host *from, wherry__sim_host *to,
                         const wherry__sim_setting *setting)
{
    if (from != NULL && to != NULL) {
        wherry__sim_way *way = wherry__sim_way_of(from, to);

        if (way == NULL)
            return WHERRY_E_NO_MEMORY;
        apply(way, setting);
        return WHERRY_OK;
    }
    if (add_rule(world, from, to, setting) < 0)
        return WHERRY_E_NO_MEMORY;
    if (from != NULL)
        apply_from(from, setting);
    else if (to != NULL)
        apply_to(to, setting);
    else
        apply_to_all(world, setting);
    return WHERRY_OK;
}

/* --- all of them */

void wherry__sim_ways_calm(wherry_simulation *world)
{
    wherry__link *ways = &world->links->ways;

    for (wherry__link *at = ways->next; at != ways; at = at->next) {
        wherry__sim_way *way = WHERRY__OWNER(at, wherry__sim_way, link);

        way->cut_until[WHERRY__SIM_DRAWN] = 0;
        way->stable_until = 0;
        end_clog(way, WHERRY__SIM_DRAWN);
    }
}

int wherry__sim_links_new(wherry_simulation *world)
{
    static const uint8_t key[16]; /* nobody chooses pointers, and buckets are never gone through */
    wherry__sim_links *links;

    if (!wherry__sim_link_fits(&world->options.link))
        return wherry__fail(WHERRY_E_MISUSE, "the link of the options is out of range");
    links = wherry__memory_take(wherry__sim_memory(world), sizeof(*links));
    if (links == NULL)
        return WHERRY_E_NO_MEMORY;
    wherry__link_init(&links->ways);
    wherry__link_init(&links->rules);
    wherry__link_init(&links->local);
    wherry__table_init(&links->by_ends, wherry__sim_memory(world), key);
    world->links = links;
    return WHERRY_OK;
}

static void lose_all(wherry__link *list)
{
    while (!wherry__list_empty(list))
        wherry__sim_lose(WHERRY__OWNER(list->next, wherry__sim_packet, link), NULL);
}

static void free_way(wherry_simulation *world, wherry__sim_way *way)
{
    lose_all(&way->travelling);
    lose_all(&way->kept);
    wherry__sim_cancel(world, &way->unclog);
    wherry__table_remove(&world->links->by_ends, &way->entry);
    wherry__link_remove(&way->link);
    wherry__link_remove(&way->near[0]);
    wherry__link_remove(&way->near[1]);
    wherry__memory_give(wherry__sim_memory(world), way, sizeof(*way));
}

static void forget_rules(wherry_simulation *world, wherry__link *rules)
{
    while (!wherry__list_empty(rules))
        forget_rule(world, WHERRY__OWNER(rules->next, rule, link));
}

void wherry__sim_links_free(wherry_simulation *world)
{
    wherry__sim_links *links = world->links;

    if (links == NULL)
        return;
    lose_all(&links->local);
    while (!wherry__list_empty(&links->ways))
        free_way(world, WHERRY__OWNER(links->ways.next, wherry__sim_way, link));
    forget_rules(world, &links->rules);
    for (wherry__link *at = world->hosts.next; at != &world->hosts; at = at->next) {
        wherry__sim_host *host = WHERRY__OWNER(at, wherry__sim_host, link);

        forget_rules(world, &host->rules[0]);
        forget_rules(world, &host->rules[1]);
    }
    wherry__table_clear(&links->by_ends);
    wherry__memory_give(wherry__sim_memory(world), links, sizeof(*links));
    world->links = NULL;
}
