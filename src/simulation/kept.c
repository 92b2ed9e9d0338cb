/* Kept: packets that are back behind a hold or a clog, until that is over; and those of flows that
 * met a black hole, or are behind such ones. Of each flow the first is sent again at the instants
 * at which TCP would; when it has arrived the others follow at once, as they would out of the
 * receiver's queue and with the window that opens. Nothing watches for the end of a partition:
 * what is sent again finds by itself whether there is one. */
#include "simulation/way.h"

#define FIRST_WAIT WHERRY_MILLISECONDS(200)
#define FIRST_WAIT_SYN WHERRY_SECONDS(1)
#define WAIT_MAX WHERRY_SECONDS(120)

static wherry__sim_packet *mate(wherry__link *link)
{
    return WHERRY__OWNER(link, wherry__sim_packet, mates);
}

/* --- among those of its flow */

/* Whether an earlier one of its flow still waits. */
static bool is_behind(const wherry__sim_packet *packet)
{
    const wherry__sim_flow *flow = packet->flow;

    return flow != NULL && !wherry__list_empty(&flow->kept) &&
           mate(flow->kept.next)->turn < packet->turn;
}

static void line_up(wherry__sim_packet *packet)
{
    wherry__link *list = &packet->flow->kept, *at = list;

    while (at->previous != list && mate(at->previous)->turn > packet->turn)
        at = at->previous;
    wherry__link_insert_before(at, &packet->mates);
}

static void stay(wherry__sim_packet *packet, const char *why)
{
    if (packet->kept)
        return;
    wherry__sim_tell_packet(packet, "held", why);
    packet->kept = true;
    wherry__link_remove(&packet->link);
    wherry__list_append(&packet->way->kept, &packet->link);
    if (packet->flow != NULL)
        line_up(packet);
}

/* --- sending again */

static int64_t next_sending(const wherry__sim_packet *packet, int64_t now)
{
    int64_t wait = packet->flags & WHERRY_PACKET_SYN ? FIRST_WAIT_SYN : FIRST_WAIT;
    int64_t next = packet->sent + wait;

    while (next <= now) {
        wait = wait * 2 > WAIT_MAX ? WAIT_MAX : wait * 2;
        next += wait;
    }
    return next;
}

static void send_again(wherry__sim_event *event);

static void wait_for_sending(wherry__sim_packet *packet)
{
    wherry_simulation *world = packet->from->world;

    packet->event.run = send_again;
    wherry__sim_at(world, &packet->event, next_sending(packet, world->now));
}

/* Behind everything of its flow that is under way, which may be earlier in the flow. */
static void send_again(wherry__sim_event *event)
{
    wherry__sim_packet *packet = WHERRY__OWNER(event, wherry__sim_packet, event);
    wherry_simulation *world = packet->from->world;
    wherry__sim_flow *flow = packet->flow;
    int64_t arrival;

    if (wherry__sim_way_is_cut(packet->way) && !flow->silent) {
        wait_for_sending(packet);
        return;
    }
    arrival = world->now + wherry__sim_way_time(packet->way);
    if (arrival <= flow->last)
        arrival = flow->last + 1;
    flow->last = arrival;
    packet->event.run = wherry__sim_come;
    wherry__sim_at(world, &packet->event, arrival);
}

static void keep_unsent(wherry__sim_packet *packet, const char *why)
{
    stay(packet, why);
    if (!is_behind(packet))
        wait_for_sending(packet);
}

void wherry__sim_keep_unsent(wherry__sim_packet *packet)
{
    keep_unsent(packet, "partition");
}

/* --- coming */

static void meet_hole(wherry__sim_packet *packet)
{
    const char *why = packet->to->on ? "partition" : "host off";

    if (wherry__sim_sent_again(packet))
        keep_unsent(packet, why);
    else
        wherry__sim_lose(packet, why);
}

void wherry__sim_come(wherry__sim_event *event)
{
    wherry__sim_packet *packet = WHERRY__OWNER(event, wherry__sim_packet, event);

    if (packet->flow != NULL && packet->flow->silent)
        wherry__sim_lose(packet, "silence");
    else if (wherry__sim_way_keeps(packet->way))
        stay(packet, "hold");
    else if (!packet->to->on || wherry__sim_way_is_cut(packet->way))
        meet_hole(packet);
    else if (is_behind(packet))
        stay(packet, "behind others");
    else
        wherry__sim_arrive(packet);
}

/* One after the other, so that even a world that mixes what is due at one instant keeps their
 * order. */
void wherry__sim_let_go(wherry__sim_way *way)
{
    wherry_simulation *world = way->ends[0]->world;
    int64_t at = world->now;

    if (wherry__sim_way_keeps(way))
        return;
    for (wherry__link *link = way->kept.next; link != &way->kept; link = link->next) {
        wherry__sim_packet *packet = WHERRY__OWNER(link, wherry__sim_packet, link);

        if (wherry__sim_entered(&packet->event))
            continue;
        packet->event.run = wherry__sim_come;
        wherry__sim_at(world, &packet->event, at++);
    }
}
