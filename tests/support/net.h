/* What tests of streams and listeners stand on: a loop whose system, memory and descriptors are
 * counted, connected pairs of every kind, and callbacks that write down what they were told. */
#ifndef TESTS_SUPPORT_NET_H
#define TESTS_SUPPORT_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <wherry/address.h>
#include <wherry/faulty.h>
#include <wherry/loop.h>
#include <wherry/stream.h>
#include <wherry/task.h>

#include "support/failing_memory.h"

typedef struct net {
    wherry_loop *loop;
    wherry_faulty *system;
    failing_memory memory;
    size_t descriptors; /* open before */
} net;

/* Makes the loop, on system with faults. */
void net_open(net *self, wherry_system *system, wherry_clock clock);

/* Frees the loop, unless the test has (and set it to NULL), and fails the test unless all memory
 * and descriptors were given back. */
void net_close(net *self);

/* Set-up and tear-down of a cmocka test whose state is a net, in real or in virtual time, on the
 * system that the group is run on. */
int net_set_up(void **state);
int net_set_up_virtual(void **state);
int net_tear_down(void **state);
#define NET_TEST(function) cmocka_unit_test_setup_teardown(function, net_set_up, net_tear_down)
#define NET_TEST_VIRTUAL(function)                                                                 \
    cmocka_unit_test_setup_teardown(function, net_set_up_virtual, net_tear_down)

/* Runs a group of tests on each way to wait for readiness. The number of failures. */
#define NET_RUN(tests)                                                                             \
    (net_use(wherry_system_epoll()) + cmocka_run_group_tests_name("epoll", tests, NULL, NULL) +    \
     net_use(wherry_system_poll()) + cmocka_run_group_tests_name("poll", tests, NULL, NULL))
int net_use(wherry_system *system);

/* Descriptors that the process has open. */
size_t net_descriptors(void);

/* The two halves of a pass: before and after the program could look whether it has to wait. */
void net_prepare(net *self);
void net_finish(net *self, bool waits);

/* Passes until condition holds. One that never will ends with the time limit of the test. */
#define NET_UNTIL(self, condition)                                                                 \
    do {                                                                                           \
        while (!(condition)) {                                                                     \
            net_prepare(self);                                                                     \
            net_finish(self, !(condition));                                                        \
        }                                                                                          \
    } while (0)

/* Passes that do not wait, until there is nothing to do. Fails the test when that never comes. */
void net_settle(net *self);

/* Lets so much time of the loop pass. */
void net_advance(net *self, int64_t duration);

/* Runs body as a task of the loop until it has ended, and returns its result. */
int net_run(net *self, wherry_body *body, void *argument);

/* --- pairs */

typedef enum net_kind { NET_TCP4, NET_TCP6, NET_UNIX, NET_PAIR, NET_KINDS } net_kind;

/* A connected pair of stream sockets, which block. */
void net_pair(net_kind kind, int ends[2]);

/* So small a buffer for what is sent there, for good: the system's own grows to mebibytes under
 * some loads and not under others. */
void net_shrink(int descriptor, int size);

/* A listening socket of the test's own, on an address that the kernel chose, with that backlog. */
int net_listen(net_kind kind, int backlog, wherry_address *address);

/* An address where nobody listens. */
void net_vacant(net_kind kind, wherry_address *address);

/* A path for a Unix socket that nobody else uses, and its removal. */
void net_path(wherry_address *address);

/* --- the far end: plain calls */

/* Writes all of it; the receiver must have room. */
void net_put(int descriptor, const void *data, size_t length);

/* Reads what is there, at most size. Returns how many bytes; 0 at the end; a negated errno(3) value
 * otherwise. */
ssize_t net_take(int descriptor, void *data, size_t size);

/* Reads until there are length bytes, the end or an error, while the loop goes on. Returns how many
 * there were. *last, unless NULL: 0 at the end, a negated errno(3) value, or 1. */
size_t net_take_all(net *self, int descriptor, void *data, size_t length, ssize_t *last);

/* The end of the connection with a reset. */
void net_reset(int descriptor);

/* Bytes of a pattern that does not repeat soon, from its offset on: makes them, tells whether they
 * are these, and asserts that they are. */
void net_fill(void *data, size_t length, size_t offset);
bool net_is_filled(const void *data, size_t length, size_t offset);
void net_check(const void *data, size_t length, size_t offset);

/* Writes bytes of the pattern from offset on, at most length, as far as there is room. How many. */
size_t net_put_some(int descriptor, size_t offset, size_t length);

/* --- callbacks that write down: net_couple.c */

typedef struct recorder recorder;
struct recorder {
    wherry_stream_events events; /* first */
    char trace[256];             /* c r w e, one for each call */
    uint8_t *bytes;              /* received and consumed */
    size_t length;
    size_t capacity;
    size_t consume_max; /* bytes consumed at each received; 0: all. SIZE_MAX: none */
    int reason;         /* of ended */
    /* called at the end of each of them, unless NULL */
    void (*act)(recorder *self, wherry_stream *stream, char what);
    void *target; /* of act */
};

void recorder_init(recorder *self);
void recorder_clear(recorder *self);

/* A stream with a recorder, and the far end of it. */
typedef struct couple {
    net *world;
    wherry_stream *stream;
    recorder told;
    int far; /* -1: closed by the test */
} couple;

/* Connects one, with the members of wherry_stream_options that follow (one at least). */
void couple_open_with(couple *self, net *world, net_kind kind, wherry_stream_options options);
#define couple_open(self, world, kind, ...)                                                        \
    couple_open_with(self, world, kind, (wherry_stream_options){ __VA_ARGS__ })

/* Heals the system, frees the stream and closes the far end. */
void couple_close(couple *self);

/* Sends so many bytes of the pattern, which must be accepted at once; or those from offset on, and
 * returns what the send did. */
void couple_send(couple *self, size_t length);
int couple_send_at_once(couple *self, size_t offset, size_t length);

/* The far end gets so many bytes of the pattern, from offset on; or from its beginning, and the end
 * behind them. */
void couple_expect(couple *self, size_t offset, size_t length);
void couple_expect_end(couple *self, size_t length);

/* From now on the system takes nothing of what is sent, and takes it again. Not with EAGAIN, which
 * ready sockets would be asked for again and again. */
void couple_block(couple *self);
void couple_unblock(couple *self);

/* A small buffer below, so that a mebibyte does not fit while nobody reads. */
void couple_shrink(couple *self);

/* A stream of descriptor on the loop, telling self (NULL: nobody). */
wherry_stream *net_stream(net *self, int descriptor, recorder *told);

#endif
