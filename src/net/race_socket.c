/* What the sockets of a race are made with: seen to before anybody is asked for anything, so that
 * an option that is wrong for every address is told once, and at once. */
#include "net/race.h"

#include <wherry/error.h>

#include "base/error.h"
#include "base/options.h"
#include "loop/loop.h"
#include "net/socket.h"

/* A local address goes with addresses of its own family only. */
static int take_family(wherry__race *race, const wherry_address *local)
{
    if (local == NULL)
        return WHERRY_OK;
    if (local->family != WHERRY_FAMILY_IPV4 && local->family != WHERRY_FAMILY_IPV6)
        return wherry__fail(WHERRY_E_MISUSE, "option local: neither IPv4 nor IPv6");
    if (race->options.family != WHERRY_FAMILY_NONE && race->options.family != local->family)
        return wherry__fail(WHERRY_E_MISUSE, "options family and local: they contradict another");
    race->options.family = local->family;
    return WHERRY_OK;
}

/* Where a socket of that family cannot be had, that is told by the attempts. */
static int try_out(const wherry__race *race, const wherry_socket_options *options)
{
    wherry_family family = race->options.family;
    wherry_system *system = race->loop->system;
    const wherry_address any = { .family = family == WHERRY_FAMILY_NONE ? WHERRY_FAMILY_IPV4
                                                                        : family };
    int descriptor = wherry__socket_open(system, any.family);
    int result;

    if (descriptor < 0)
        return WHERRY_OK;
    result = wherry__socket_fit(system, descriptor, &any, options);
    (void)system->close(system, descriptor);
    return result;
}

/* A Unix endpoint has one address, and a try would leave the file of a local one behind. */
int wherry__race_take_socket(wherry__race *race)
{
    const wherry_socket_options *given = race->options.stream->socket;
    int result = given == NULL ? WHERRY_OK : WHERRY__OPTIONS_COPY(&race->plain, given);

    if (given == NULL || result < 0)
        return result;
    if (race->endpoint->transport != WHERRY_TRANSPORT_UNIX) {
        result = take_family(race, race->plain.local);
        if (result == WHERRY_OK)
            result = try_out(race, given);
    }
    race->plain.size = sizeof(race->plain);
    race->plain.fast_open = 0;
    race->socket = &race->plain;
    return result;
}
