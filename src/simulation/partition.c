/* Partition: what programs and tests set on the ways between hosts. Each call means both directions
 * but wherry_simulation_partition_oneway; "*" is every host but the other one. */
#include "simulation/way.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/size.h"

/* The two ends of a call; NULL: all. */
typedef struct ends {
    wherry__sim_host *a, *b;
} ends;

static int find_end(const wherry_simulation *world, const char *name, wherry__sim_host **host)
{
    *host = NULL;
    if (name == NULL)
        return wherry__fail(WHERRY_E_INVALID, "no host is named");
    if (strcmp(name, "*") == 0)
        return WHERRY_OK;
    *host = wherry__sim_host_named(world, name);
    return *host != NULL ? WHERRY_OK
                         : wherry__fail(WHERRY_E_INVALID, "there is no host %.64s", name);
}

static int find_ends(const wherry_simulation *world, const char *a, const char *b, ends *found)
{
    int result = world == NULL ? wherry__fail(WHERRY_E_INVALID, "no simulation")
                               : wherry__sim_changeable(world);

    *found = (ends){ NULL, NULL };
    if (result == WHERRY_OK)
        result = find_end(world, a, &found->a);
    if (result == WHERRY_OK)
        result = find_end(world, b, &found->b);
    if (result == WHERRY_OK && found->a != NULL && found->a == found->b)
        result = wherry__fail(WHERRY_E_INVALID, "both are the same host: %.64s", b);
    return result;
}

static void tell(wherry_simulation *world, const char *what, const char *a, const char *b,
                 int64_t result)
{
    char detail[160];

    (void)snprintf(detail, sizeof(detail), "%.64s %.64s", a, b);
    wherry__sim_tell(world, NULL,
                     (wherry_simulation_event){
                         .what = what,
                         .detail = detail,
                         .descriptor = -1,
                         .result = result,
                     });
}

/* both: not only from a to b. */
static int set(wherry_simulation *world, const char *what, const char *a, const char *b, bool both,
               int64_t told, const wherry__sim_setting *setting)
{
    ends found;
    int result = find_ends(world, a, b, &found);

    if (result < 0)
        return result;
    tell(world, what, a, b, told);
    result = wherry__sim_ways_set(world, found.a, found.b, setting);
    if (result == WHERRY_OK && both && (found.a != NULL || found.b != NULL))
        result = wherry__sim_ways_set(world, found.b, found.a, setting);
    return result;
}

int wherry_simulation_link(wherry_simulation *world, const char *a, const char *b,
                           const wherry_link *link)
{
    if (link == NULL || !wherry__sim_link_fits(link))
        return wherry__fail(WHERRY_E_INVALID, "no settings of a link, or some out of range");
    return set(world, "link", a, b, true, link->latency,
               &(wherry__sim_setting){ .aspect = WHERRY__SIM_LINK, .on = true, .value = *link });
}

/* --- for a while */

static int set_for(wherry_simulation *world, const char *what, const char *a, const char *b,
                   bool both, wherry__sim_aspect aspect, int64_t duration)
{
    wherry__sim_setting setting = { .aspect = aspect, .on = true };

    if (duration < 1)
        return wherry__fail(WHERRY_E_INVALID, "a %s that lasts for %lld ns", what,
                            (long long)duration);
    if (world != NULL)
        setting.until = wherry__instant_after(world->now, duration);
    return set(world, what, a, b, both, duration, &setting);
}

int wherry_simulation_partition(wherry_simulation *world, const char *a, const char *b,
                                int64_t duration)
{
    return set_for(world, "partition", a, b, true, WHERRY__SIM_CUT, duration);
}

int wherry_simulation_partition_oneway(wherry_simulation *world, const char *from, const char *to,
                                       int64_t duration)
{
    return set_for(world, "partition-oneway", from, to, false, WHERRY__SIM_CUT, duration);
}

int wherry_simulation_clog(wherry_simulation *world, const char *a, const char *b, int64_t duration)
{
    return set_for(world, "clog", a, b, true, WHERRY__SIM_CLOG, duration);
}

int wherry_simulation_heal(wherry_simulation *world, const char *a, const char *b)
{
    return set(world, "heal", a, b, true, 0, &(wherry__sim_setting){ .aspect = WHERRY__SIM_CUT });
}

/* --- until further notice */

int wherry_simulation_hold(wherry_simulation *world, const char *a, const char *b)
{
    return set(world, "hold", a, b, true, 0,
               &(wherry__sim_setting){ .aspect = WHERRY__SIM_HELD, .on = true });
}

int wherry_simulation_release(wherry_simulation *world, const char *a, const char *b)
{
    int result = set(world, "release", a, b, true, 0,
                     &(wherry__sim_setting){ .aspect = WHERRY__SIM_CLOG });

    if (result < 0)
        return result;
    return set(world, "release", a, b, true, 0,
               &(wherry__sim_setting){ .aspect = WHERRY__SIM_HELD });
}

/* --- resets */

static bool is_between(wherry__sim_socket *socket, const wherry__sim_host *other)
{
    return socket->kind == WHERRY__SIM_TCP && socket->remote.size > 0 &&
           wherry__sim_host_has(other, &socket->remote.any);
}

/* Both ends of a connection are reset with the first one. */
static int reset_between(wherry__sim_host *host, const wherry__sim_host *other)
{
    int count = 0;

    for (wherry__link *at = host->sockets.next, *next; at != &host->sockets; at = next) {
        wherry__sim_socket *socket = WHERRY__OWNER(at, wherry__sim_socket, link);

        next = at->next;
        if (is_between(socket, other) && wherry__sim_stream_reset(socket))
            count++;
    }
    return count;
}

static bool are_meant(const ends *found, const wherry__sim_host *one, const wherry__sim_host *other)
{
    return (found->a == NULL || found->a == one) && (found->b == NULL || found->b == other);
}

int wherry_simulation_reset(wherry_simulation *world, const char *a, const char *b)
{
    ends found;
    int count = 0, result = find_ends(world, a, b, &found);

    if (result < 0)
        return result;
    tell(world, "reset-all", a, b, 0);
    for (wherry__link *at = world->hosts.next; at != &world->hosts; at = at->next) {
        wherry__sim_host *one = WHERRY__OWNER(at, wherry__sim_host, link);

        for (wherry__link *to = at->next; to != &world->hosts; to = to->next) {
            wherry__sim_host *other = WHERRY__OWNER(to, wherry__sim_host, link);

            if (are_meant(&found, one, other) || are_meant(&found, other, one))
                count += reset_between(one, other);
        }
    }
    wherry__sim_settle(world);
    return count;
}
