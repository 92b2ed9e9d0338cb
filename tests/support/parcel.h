/* Parcels: packets of a test's own that travel in a simulated world, and a list of what became of
 * them. */
#ifndef TESTS_SUPPORT_PARCEL_H
#define TESTS_SUPPORT_PARCEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "simulation/world.h"
#include "support/failing_memory.h"

#define PARCELS_MAX 4096

/* Of a link by default. */
#define LATENCY WHERRY_MICROSECONDS(500)

/* What became of one. */
typedef struct parcel_fate {
    int number;
    bool arrived; /* false: lost */
    int64_t time;
    uint8_t first; /* byte of its data; 0 if it has none */
} parcel_fate;

/* A world with the hosts a, b and c, in which parcels are sent. */
typedef struct parcel_post {
    failing_memory memory; /* the world's */
    wherry_simulation *world;
    wherry__sim_host *a, *b, *c;
    wherry__sim_flow *flow, *other_flow;
    parcel_fate fates[PARCELS_MAX]; /* in the order in which it became clear */
    size_t count;
    size_t copies; /* that were made of datagrams */
} parcel_post;
extern parcel_post post;

/* Opens the post, with result, quiet and memory filled in; one that is open is closed before. */
void parcel_open(wherry_simulation_options options);

/* Closes it, if it is open, and fails the test unless all its memory was given back. */
void parcel_close(void);

/* Set-up and tear-down of a cmocka test, with options that are zero. */
int parcel_set_up(void **state);
int parcel_tear_down(void **state);
#define PARCEL_TEST(function)                                                                      \
    cmocka_unit_test_setup_teardown(function, parcel_set_up, parcel_tear_down)

/* Sends one with length bytes of data; flow NULL: a datagram. flags: more of them. */
void parcel_send(wherry__sim_host *from, wherry__sim_host *to, wherry__sim_flow *flow, int number,
                 size_t length, unsigned flags);

/* The same from a to b with 100 bytes; a segment is one of the post's flow. */
void parcel_send_datagram(int number);
void parcel_send_segment(int number);

/* Sends as many datagrams of 100 bytes from a to b, numbered from 0 on, and waits for 10 s. */
void parcel_send_datagrams(int count);

/* Has one kind of fault strike so often, and no other; and how often it has. */
void parcel_set_rate(int fault, uint32_t millionths);
size_t parcel_struck(int fault);

/* What is set between a and b, both ways. */
void parcel_partition(int64_t duration);
void parcel_heal(void);
void parcel_hold(void);
void parcel_release(void);

/* Lets the world go on for a duration. */
void parcel_run(int64_t duration);

/* The only fate of a number; fails the test if there is none or another. */
const parcel_fate *parcel_fate_of(int number);

void parcel_assert_arrived_at(int number, int64_t time);
void parcel_assert_lost(int number);

/* All that there are: the numbers from 0 on, in their order. */
void parcel_assert_in_order(size_t count);

/* How many arrived, and were lost. */
size_t parcel_arrived(void);
size_t parcel_lost(void);

#endif
