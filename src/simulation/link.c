/* Link: how packets travel. When one leaves is decided by those before it on its way and the rate,
 * when it arrives by latency, jitter and the faults that strike it; what meets it at the end, by
 * what holds there then (kept.c). Datagrams overtake each other, packets of a flow do not: what
 * TCP makes good by sending again is for sockets no more than a delay. */
#include "simulation/way.h"

#include "base/size.h"
#include "simulation/victim.h"

#define HEADERS_STREAM 60 /* IPv6 and TCP, or IPv4 and TCP with options */
#define HEADERS_DATAGRAM 28
#define SECOND 1000000000
#define LOOPBACK_MTU 65536

/* For a packet that did not fit into a queue: that of a first retransmission. */
#define SENT_AGAIN_AFTER WHERRY_MILLISECONDS(200)

/* Orders of magnitude that faults choose from, in 1 ms, 2 ms, 4 ms, ... */
#define DELAY_ORDERS 12
#define REORDER_ORDERS 6
#define CLOG_ORDERS 14
#define PARTITION_ORDERS 16

/* --- flows */

wherry__sim_flow *wherry__sim_flow_new(wherry_simulation *world)
{
    wherry__sim_flow *flow = wherry__memory_take(wherry__sim_memory(world), sizeof(*flow));

    if (flow == NULL)
        return NULL;
    flow->holds = 1;
    wherry__link_init(&flow->kept);
    return flow;
}

void wherry__sim_flow_release(wherry_simulation *world, wherry__sim_flow *flow)
{
    if (--flow->holds == 0)
        wherry__memory_give(wherry__sim_memory(world), flow, sizeof(*flow));
}

/* --- the ends of travels */

static const struct sockaddr *shown(const wherry__sim_name *name)
{
    return name->size > 0 ? &name->any : NULL;
}

void wherry__sim_tell_packet(const wherry__sim_packet *packet, const char *what, const char *why)
{
    wherry_simulation *world = packet->from->world;

    wherry__sim_tell(world, why == NULL ? packet->to : packet->from,
                     (wherry_simulation_event){
                         .what = what,
                         .detail = why,
                         .descriptor = -1,
                         .data = packet->data,
                         .length = packet->length,
                         .from = shown(&packet->source),
                         .to = shown(&packet->target),
                         .flags = packet->flags,
                     });
}

/* The next of a flow whose first has gone comes right behind it. */
static void leave_flow(wherry_simulation *world, wherry__sim_packet *packet)
{
    wherry__sim_packet *next;

    wherry__link_remove(&packet->mates);
    if (!packet->kept || wherry__list_empty(&packet->flow->kept))
        return;
    next = WHERRY__OWNER(packet->flow->kept.next, wherry__sim_packet, mates);
    if (wherry__sim_entered(&next->event))
        return;
    next->event.run = wherry__sim_come;
    wherry__sim_at(world, &next->event, world->now + 1);
}

static void end(wherry__sim_packet *packet, void (*told)(wherry__sim_packet *self))
{
    wherry_simulation *world = packet->from->world;
    wherry__sim_flow *flow = packet->flow;

    wherry__sim_cancel(world, &packet->event);
    wherry__link_remove(&packet->link);
    if (flow != NULL)
        leave_flow(world, packet);
    world->statistics.under_way--;
    told(packet);
    if (flow != NULL)
        wherry__sim_flow_release(world, flow);
}

void wherry__sim_arrive(wherry__sim_packet *packet)
{
    wherry_simulation *world = packet->from->world;

    wherry__sim_tell_packet(packet, "arrive", NULL);
    world->statistics.packets++;
    world->statistics.bytes += packet->length;
    end(packet, packet->arrive);
}

void wherry__sim_lose(wherry__sim_packet *packet, const char *why)
{
    if (why != NULL)
        wherry__sim_tell_packet(packet, "lost", why);
    end(packet, packet->lost);
}

static void give_back(wherry__sim_event *event)
{
    wherry__sim_lose(WHERRY__OWNER(event, wherry__sim_packet, event), NULL);
}

void wherry__sim_lose_soon(wherry__sim_packet *packet, const char *why)
{
    wherry_simulation *world = packet->from->world;

    wherry__sim_tell_packet(packet, "lost", why);
    wherry__sim_cancel(world, &packet->event);
    packet->event.run = give_back;
    wherry__sim_soon(world, &packet->event);
}

/* --- leaving: the rate and the queue */

static size_t headers(const wherry__sim_packet *packet)
{
    return packet->flags & WHERRY_PACKET_STREAM ? HEADERS_STREAM : HEADERS_DATAGRAM;
}

/* The packets that its data is sent in: fragments, for datagrams. */
static size_t pieces(const wherry__sim_packet *packet)
{
    size_t room = packet->way->settings.mtu - headers(packet);

    return packet->length <= room ? 1 : (packet->length - 1) / room + 1;
}

static int64_t time_of(uint64_t bytes, uint64_t rate)
{
    uint64_t product;

    if (__builtin_mul_overflow(bytes, (uint64_t)SECOND, &product))
        return INT64_MAX;
    product = product / rate + (product % rate != 0);
    return product > INT64_MAX ? INT64_MAX : (int64_t)product;
}

/* When the packet has left, after those before it. False: the queue had no room for it; the time is
 * then that at which it leaves if it is queued all the same. */
static bool leave(wherry__sim_way *way, const wherry__sim_packet *packet, int64_t *left)
{
    int64_t now = packet->from->world->now;
    uint64_t rate = way->settings.bytes_per_second;
    int64_t begin, takes;

    *left = now;
    if (rate == 0)
        return true;
    begin = way->free_at > now ? way->free_at : now;
    takes = time_of(packet->length + pieces(packet) * headers(packet), rate);
    *left = wherry__instant_after(begin, takes);
    return begin == now || *left - now <= time_of(way->settings.queue, rate);
}

/* --- faults at leaving */

static bool strikes(const wherry__sim_packet *packet, int fault, uint64_t bound, uint64_t *value)
{
    return wherry__sim_fault_between(packet->from, packet->to, fault, bound, value);
}

static int64_t drawn_delay(const wherry__sim_packet *packet, int fault, uint64_t orders)
{
    uint64_t order;

    return strikes(packet, fault, orders, &order) ? wherry__sim_fault_time(order) : 0;
}

static void cut(wherry__sim_way *way, int64_t duration)
{
    int64_t now = way->ends[0]->world->now;

    wherry__sim_way_cut(way, WHERRY__SIM_DRAWN, now + duration);
    way->stable_until = now + 2 * duration;
}

/* Half of them in one direction only. */
static void draw_partition(wherry__sim_packet *packet)
{
    wherry__sim_way *back;
    uint64_t value;

    if (!strikes(packet, WHERRY_FAULT_PARTITION, 2 * PARTITION_ORDERS, &value))
        return;
    cut(packet->way, wherry__sim_fault_time(value / 2));
    if (value % 2 == 1)
        return;
    back = wherry__sim_way_of(packet->to, packet->from);
    if (back != NULL)
        cut(back, wherry__sim_fault_time(value / 2));
}

/* What was cut or clogged is left alone afterwards for as long as that took. */
static void draw_barriers(wherry__sim_packet *packet)
{
    wherry__sim_way *way = packet->way;
    int64_t now = packet->from->world->now;
    int64_t clog;

    if (now < way->stable_until)
        return;
    draw_partition(packet);
    clog = drawn_delay(packet, WHERRY_FAULT_CLOG, CLOG_ORDERS);
    if (clog == 0)
        return;
    wherry__sim_way_clog(way, WHERRY__SIM_DRAWN, now + clog);
    if (way->stable_until < now + 2 * clog)
        way->stable_until = now + 2 * clog;
}

static bool draw_loss(const wherry__sim_packet *packet)
{
    bool lost = false;

    for (size_t left = pieces(packet); left > 0; left--)
        lost = strikes(packet, WHERRY_FAULT_LOSS, 1, NULL) || lost;
    return lost;
}

static void draw_corruption(wherry__sim_packet *packet)
{
    uint64_t bit;

    if (packet->length > 0 && packet->data != NULL &&
        strikes(packet, WHERRY_FAULT_CORRUPT, packet->length * (uint64_t)8, &bit))
        ((uint8_t *)(uintptr_t)packet->data)[bit / 8] ^= (uint8_t)(1 << bit % 8);
}

/* --- sending */

static void enter(wherry__sim_packet *packet, int64_t arrival)
{
    packet->event.run = wherry__sim_come;
    wherry__sim_at(packet->from->world, &packet->event, arrival);
}

static void begin_travel(wherry__sim_packet *packet, wherry__sim_way *way, wherry__link *list)
{
    wherry_simulation *world = packet->from->world;

    packet->event = (wherry__sim_event){ 0 };
    packet->way = way;
    packet->once = false;
    packet->kept = false;
    packet->sent = world->now;
    wherry__link_init(&packet->mates);
    wherry__link_init(&packet->link);
    wherry__list_append(list, &packet->link);
    world->statistics.under_way++;
    if (packet->flow == NULL)
        return;
    packet->flow->holds++;
    packet->turn = packet->flow->turns++;
}

static int64_t travel(wherry__sim_packet *packet, int64_t left)
{
    int64_t time = wherry__sim_way_time(packet->way) +
                   drawn_delay(packet, WHERRY_FAULT_DELAY, DELAY_ORDERS);

    if (packet->flow == NULL)
        time += drawn_delay(packet, WHERRY_FAULT_REORDER, REORDER_ORDERS);
    return wherry__instant_after(left, time);
}

static void duplicate(const wherry__sim_packet *packet, int64_t left)
{
    wherry__sim_packet *other;

    if (packet->copy == NULL || !strikes(packet, WHERRY_FAULT_DUPLICATE, 1, NULL))
        return;
    other = packet->copy(packet);
    if (other == NULL)
        return;
    begin_travel(other, packet->way, &packet->way->travelling);
    enter(other, travel(other, left));
}

static void send_alone(wherry__sim_packet *packet)
{
    int64_t left;

    if (wherry__sim_way_is_cut(packet->way)) {
        wherry__sim_lose_soon(packet, "partition");
    } else if (draw_loss(packet)) {
        wherry__sim_lose_soon(packet, "fault");
    } else if (!leave(packet->way, packet, &left)) {
        wherry__sim_lose_soon(packet, "queue");
    } else {
        packet->way->free_at = left;
        duplicate(packet, left);
        draw_corruption(packet);
        enter(packet, travel(packet, left));
    }
}

static void send_in_flow(wherry__sim_packet *packet)
{
    wherry__sim_flow *flow = packet->flow;
    int64_t left, arrival;
    bool has_room;

    if (wherry__sim_way_is_cut(packet->way)) {
        if (wherry__sim_sent_again(packet))
            wherry__sim_keep_unsent(packet);
        else
            wherry__sim_lose_soon(packet, "partition");
        return;
    }
    has_room = leave(packet->way, packet, &left);
    packet->way->free_at = left;
    if (!has_room)
        left = wherry__instant_after(left, SENT_AGAIN_AFTER);
    arrival = travel(packet, left);
    if (arrival <= flow->last)
        arrival = flow->last + 1;
    flow->last = arrival;
    enter(packet, arrival);
}

static void come_home(wherry__sim_event *event)
{
    wherry__sim_packet *packet = WHERRY__OWNER(event, wherry__sim_packet, event);

    if (packet->flow != NULL && packet->flow->silent)
        wherry__sim_lose(packet, "silence");
    else if (!packet->to->on)
        wherry__sim_lose(packet, "host off");
    else
        wherry__sim_arrive(packet);
}

static void send_home(wherry__sim_packet *packet)
{
    wherry_simulation *world = packet->from->world;

    begin_travel(packet, NULL, &world->links->local);
    packet->event.run = come_home;
    wherry__sim_soon(world, &packet->event);
}

void wherry__sim_packet_send(wherry__sim_packet *packet)
{
    wherry_simulation *world = packet->from->world;
    wherry__sim_way *way;

    if (packet->from == packet->to) {
        send_home(packet);
        return;
    }
    way = wherry__sim_way_of(packet->from, packet->to);
    if (way == NULL) { /* a way that cannot be had is silent */
        if (packet->flow != NULL)
            packet->flow->silent = true;
        begin_travel(packet, NULL, &world->links->local);
        wherry__sim_lose_soon(packet, "no memory");
        return;
    }
    begin_travel(packet, way, &way->travelling);
    draw_barriers(packet);
    if (packet->flow == NULL)
        send_alone(packet);
    else
        send_in_flow(packet);
}

size_t wherry__sim_segment_size(wherry__sim_host *from, wherry__sim_host *to)
{
    const wherry__sim_way *way;

    if (from == to)
        return LOOPBACK_MTU - HEADERS_STREAM;
    way = wherry__sim_way_of(from, to);
    return (way == NULL ? WHERRY__SIM_MTU_MIN : way->settings.mtu) - HEADERS_STREAM;
}

/* --- power */

static void forsake(wherry__sim_way *way)
{
    bool keeps = wherry__sim_way_keeps(way);

    for (wherry__link *at = way->travelling.next; at != &way->travelling; at = at->next)
        WHERRY__OWNER(at, wherry__sim_packet, link)->once = true;
    for (wherry__link *at = way->kept.next; at != &way->kept; at = at->next) {
        wherry__sim_packet *packet = WHERRY__OWNER(at, wherry__sim_packet, link);

        packet->once = true;
        if (packet->flow != NULL && !keeps)
            wherry__sim_lose_soon(packet, "power cut");
    }
}

/* What is already on its way arrives, unless it would have to be sent again. */
void wherry__sim_links_cut(wherry__sim_host *host)
{
    wherry__link *ways = &host->ways[0];

    for (wherry__link *at = ways->next; at != ways; at = at->next)
        forsake(WHERRY__OWNER(at, wherry__sim_way, near[0]));
}
