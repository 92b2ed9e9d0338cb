/* A roster with what it is opened on, and clients of it: on sockets of the machine, or on two hosts
 * of a world. The same tests run on both; the far ends are plain calls of a system. Time is
 * stepped, by hand, so that none passes while a test waits for the network. */
#ifndef TESTS_SUPPORT_HALL_H
#define TESTS_SUPPORT_HALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wherry/roster.h>

#include "support/net.h"
#include "support/simulated.h"

typedef struct hall {
    net world;            /* first */
    simulated *simulated; /* NULL: on sockets of the machine */
    wherry_system *far;   /* of the clients */
    wherry_roster *roster;
    wherry_address address; /* by which they reach it */
} hall;

/* Set-up and tear-down of a cmocka test whose state is a hall, on the ground that the group is run
 * on. */
int hall_set_up(void **state);
int hall_tear_down(void **state);
#define HALL_TEST(function) cmocka_unit_test_setup_teardown(function, hall_set_up, hall_tear_down)

/* Runs a group of tests on each way to wait for readiness, and in a world. */
#define HALL_RUN(tests)                                                                            \
    (hall_use(wherry_system_epoll()) + cmocka_run_group_tests_name("epoll", tests, NULL, NULL) +   \
     hall_use(wherry_system_poll()) + cmocka_run_group_tests_name("poll", tests, NULL, NULL) +     \
     hall_use(NULL) + cmocka_run_group_tests_name("world", tests, NULL, NULL))
int hall_use(wherry_system *system);

/* The endpoint to listen on, of that kind (no pairs). */
const char *hall_endpoint(const hall *self, net_kind kind);

/* Makes a roster there, with the options that follow (one at least), and opens it. */
#define hall_open(self, kind, ...)                                                                 \
    hall_open_with(self, kind, &(wherry_roster_options){ __VA_ARGS__ })
void hall_open_with(hall *self, net_kind kind, wherry_roster_options *options);

/* What its streams are made with, for the option .stream. */
#define HALL_STREAM(...)                                                                           \
    &(wherry_stream_options)                                                                       \
    {                                                                                              \
        .size = sizeof(wherry_stream_options), __VA_ARGS__                                         \
    }

/* Frees the roster, so that another one can be opened. */
void hall_free(hall *self);

/* Services it, again and again, until condition holds. */
#define HALL_UNTIL(self, condition)                                                                \
    do {                                                                                           \
        while (hall_service(self), !(condition))                                                   \
            hall_wait(self);                                                                       \
    } while (0)

/* One pass, which must not fail; and waits until there may be something for the next. */
size_t hall_service(hall *self);
void hall_wait(hall *self);

/* In a world: what was sent arrives. The machine has it there already. */
void hall_settle(hall *self);

/* Lets time of the loop go on. */
void hall_tick(hall *self, int64_t duration);

/* A client: connected, with its own address unless NULL; it never blocks. Closed by the test. */
int hall_dial(hall *self, wherry_address *own);
void hall_put(hall *self, int client, const char *text);
void hall_expect(hall *self, int client, const char *text);

/* What a receive tells once there is something: 0 or a negated errno(3) value. The roster is
 * serviced meanwhile. */
ssize_t hall_end_of(hall *self, int client);
void hall_shut(hall *self, int client);
void hall_close(hall *self, int client);
void hall_close_many(hall *self, const int *clients, size_t count);
void hall_reset(hall *self, int client);

/* A client and its stream in the roster; or so many, in the order of their making. */
wherry_stream *hall_couple(hall *self, int *client);
void hall_couple_many(hall *self, int *clients, wherry_stream **streams, size_t count);

/* The client finishes, or breaks off, and its stream has seen it. */
void hall_finish(hall *self, int client, wherry_stream *stream);
void hall_break_off(hall *self, int client, wherry_stream *stream);

/* Services it until there is one to take; takes all that there is to take, and returns how many. */
wherry_stream *hall_take(hall *self);
size_t hall_take_all(hall *self);

#endif
