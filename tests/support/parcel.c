#include "support/parcel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

typedef struct parcel {
    wherry__sim_packet packet;
    int number;
    uint8_t data[];
} parcel;

parcel_post post;

static wherry__sim_host *host_called(const char *name, const char *address)
{
    assert_int_equal(wherry_simulation_host(post.world, address, .name = name), WHERRY_OK);
    return wherry__sim_host_named(post.world, name);
}

void parcel_open(wherry_simulation_options options)
{
    parcel_close();
    memset(&post, 0, sizeof(post));
    failing_memory_init(&post.memory, 0, false);
    options.size = sizeof(options);
    options.result = &post.world;
    options.memory = &post.memory.base;
    options.quiet = 1;
    assert_int_equal(wherry_simulation_new_with(&options), WHERRY_OK);
    post.a = host_called("a", "10.0.0.1");
    post.b = host_called("b", "10.0.0.2");
    post.c = host_called("c", "10.0.0.3 fd00::3");
    post.flow = wherry__sim_flow_new(post.world);
    post.other_flow = wherry__sim_flow_new(post.world);
    assert_non_null(post.flow);
    assert_non_null(post.other_flow);
}

void parcel_close(void)
{
    if (post.world == NULL)
        return;
    wherry__sim_flow_release(post.world, post.flow);
    wherry__sim_flow_release(post.world, post.other_flow);
    wherry_simulation_free(post.world);
    post.world = NULL;
    failing_memory_assert_empty(&post.memory);
}

int parcel_set_up(void **state)
{
    (void)state;
    parcel_open((wherry_simulation_options){ 0 });
    return 0;
}

int parcel_tear_down(void **state)
{
    (void)state;
    parcel_close();
    return 0;
}

static void settle(wherry__sim_packet *packet, bool arrived)
{
    parcel *p = (parcel *)packet;

    assert_true(post.count < PARCELS_MAX);
    post.fates[post.count++] = (parcel_fate){
        .number = p->number,
        .arrived = arrived,
        .time = packet->from->world->now,
        .first = packet->length > 0 ? p->data[0] : 0,
    };
    free(p);
}

static void arrive(wherry__sim_packet *packet)
{
    settle(packet, true);
}

static void lose(wherry__sim_packet *packet)
{
    settle(packet, false);
}

static wherry__sim_packet *copy(const wherry__sim_packet *packet)
{
    size_t size = sizeof(parcel) + packet->length;
    parcel *other = malloc(size);

    assert_non_null(other);
    memcpy(other, packet, size);
    other->packet.data = other->data;
    post.copies++;
    return &other->packet;
}

static wherry__sim_name name_of(const wherry__sim_host *host)
{
    return host->addresses[0];
}

void parcel_send(wherry__sim_host *from, wherry__sim_host *to, wherry__sim_flow *flow, int number,
                 size_t length, unsigned flags)
{
    parcel *p = calloc(1, sizeof(*p) + length);

    assert_non_null(p);
    p->number = number;
    p->packet.from = from;
    p->packet.to = to;
    p->packet.source = name_of(from);
    p->packet.target = name_of(to);
    p->packet.flow = flow;
    p->packet.flags = flags | (flow != NULL ? WHERRY_PACKET_STREAM : WHERRY_PACKET_DATAGRAM);
    p->packet.length = length;
    p->packet.data = p->data;
    p->packet.arrive = arrive;
    p->packet.lost = lose;
    p->packet.copy = flow == NULL ? copy : NULL;
    wherry__sim_packet_send(&p->packet);
}

void parcel_send_datagram(int number)
{
    parcel_send(post.a, post.b, NULL, number, 100, 0);
}

void parcel_send_segment(int number)
{
    parcel_send(post.a, post.b, post.flow, number, 100, 0);
}

void parcel_send_datagrams(int count)
{
    for (int i = 0; i < count; i++)
        parcel_send_datagram(i);
    parcel_run(WHERRY_SECONDS(10));
}

void parcel_set_rate(int fault, uint32_t millionths)
{
    wherry_faults faults = { 0 };

    faults.millionths[fault] = millionths;
    wherry_simulation_set_faults(post.world, &faults);
}

size_t parcel_struck(int fault)
{
    return post.world->statistics.faults[fault];
}

void parcel_partition(int64_t duration)
{
    assert_int_equal(wherry_simulation_partition(post.world, "a", "b", duration), WHERRY_OK);
}

void parcel_heal(void)
{
    assert_int_equal(wherry_simulation_heal(post.world, "a", "b"), WHERRY_OK);
}

void parcel_hold(void)
{
    assert_int_equal(wherry_simulation_hold(post.world, "a", "b"), WHERRY_OK);
}

void parcel_release(void)
{
    assert_int_equal(wherry_simulation_release(post.world, "a", "b"), WHERRY_OK);
}

void parcel_run(int64_t duration)
{
    wherry__sim_settle(post.world);
    assert_int_equal(wherry_simulation_run(post.world, duration), WHERRY_OK);
}

const parcel_fate *parcel_fate_of(int number)
{
    const parcel_fate *found = NULL;

    for (size_t i = 0; i < post.count; i++)
        if (post.fates[i].number == number) {
            assert_null(found);
            found = &post.fates[i];
        }
    assert_non_null(found);
    return found;
}

void parcel_assert_arrived_at(int number, int64_t time)
{
    assert_true(parcel_fate_of(number)->arrived);
    assert_int_equal(parcel_fate_of(number)->time, time);
}

void parcel_assert_lost(int number)
{
    assert_false(parcel_fate_of(number)->arrived);
}

void parcel_assert_in_order(size_t count)
{
    assert_int_equal(post.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(post.fates[i].arrived);
        assert_int_equal(post.fates[i].number, i);
    }
}

static size_t count_fates(bool arrived)
{
    size_t result = 0;

    for (size_t i = 0; i < post.count; i++)
        result += post.fates[i].arrived == arrived;
    return result;
}

size_t parcel_arrived(void)
{
    return count_fates(true);
}

size_t parcel_lost(void)
{
    return count_fates(false);
}
