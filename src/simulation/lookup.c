/* Looking up who gets a packet: the most specific of the sockets that are bound to where it goes,
 * by the scores of Linux (compute_score), or the one that is connected to where it comes from. */
#include "simulation/ports.h"

wherry__link *wherry__sim_pair_list(wherry__sim_ports *ports, const wherry__sim_name *local,
                                    const wherry__sim_name *remote)
{
    uint64_t hash = wherry__sim_name_hash(remote, wherry__sim_name_hash(local, 0));

    return &ports->pairs[hash % WHERRY__SIM_PAIR_LISTS];
}

/* 0: it does not get it at all. An exact address counts more than a connected remote end, which
 * counts more than that the socket is of IPv4 alone. */
static unsigned score(const wherry__sim_socket *socket, wherry__sim_kind kind,
                      const wherry__sim_name *to, const wherry__sim_name *from, bool listening)
{
    unsigned points = socket->family == AF_INET ? 2 : 1;

    if (socket->kind != kind || (listening && !socket->listens) ||
        wherry__sim_name_port(&socket->local) != wherry__sim_name_port(to))
        return 0;
    if (wherry__sim_name_is_any(&socket->local)) {
        if (!wherry__sim_takes_all(socket, to->any.sa_family))
            return 0;
    } else {
        if (!wherry__sim_addresses_equal(&socket->local, to))
            return 0;
        points += 8;
    }
    if (!listening && socket->remote.size > 0) {
        if (!wherry__sim_names_equal(&socket->remote, from))
            return 0;
        points += 4;
    }
    return points;
}

/* Of those that have the port in common by SO_REUSEPORT, the same for one remote address each time:
 * the n-th with that score. */
static wherry__sim_socket *choose_shared(wherry__link *list, wherry__sim_kind kind,
                                         const wherry__sim_name *to, const wherry__sim_name *from,
                                         bool listening, unsigned best, size_t count)
{
    size_t n = wherry__sim_name_hash(from, wherry__sim_name_hash(to, 0)) % count;

    for (wherry__link *link = list->next; link != list; link = link->next) {
        wherry__sim_socket *each = WHERRY__OWNER(link, wherry__sim_socket, bound);

        if (each->reuse_port && score(each, kind, to, from, listening) == best && n-- == 0)
            return each;
    }
    return NULL;
}

/* Of equals the last one that was bound goes first, as the kernel enters them at the head. */
wherry__sim_socket *wherry__sim_find(wherry__sim_host *host, wherry__sim_kind kind,
                                     const wherry__sim_name *to, const wherry__sim_name *from,
                                     bool listening)
{
    wherry__link *list = wherry__sim_port_list(host->ports, wherry__sim_name_port(to));
    wherry__sim_socket *found = NULL;
    unsigned best = 0;
    size_t sharing = 0;

    for (wherry__link *link = list->next; link != list; link = link->next) {
        wherry__sim_socket *each = WHERRY__OWNER(link, wherry__sim_socket, bound);
        unsigned points = score(each, kind, to, from, listening);

        if (points == 0 || points < best)
            continue;
        sharing = (points == best ? sharing : 0) + (each->reuse_port ? 1 : 0);
        best = points;
        found = each;
    }
    if (found == NULL || !found->reuse_port || sharing < 2)
        return found;
    return choose_shared(list, kind, to, from, listening, best, sharing);
}

wherry__sim_socket *wherry__sim_find_connected(wherry__sim_host *host, wherry__sim_kind kind,
                                               const wherry__sim_name *local,
                                               const wherry__sim_name *remote)
{
    wherry__link *list = wherry__sim_pair_list(host->ports, local, remote);

    for (wherry__link *link = list->next; link != list; link = link->next) {
        wherry__sim_socket *each = WHERRY__OWNER(link, wherry__sim_socket, paired);

        if (each->kind == kind && wherry__sim_names_equal(&each->local, local) &&
            wherry__sim_names_equal(&each->remote, remote))
            return each;
    }
    return NULL;
}
