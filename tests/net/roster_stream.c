/* Rosters: their streams, how they are found, and that any may go at any time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/roster.h>

#include "support/hall.h"

#define MOST 6

/* --- by address */

static void streams_are_found_by_the_address_of_their_other_end(void **state)
{
    static const net_kind kinds[] = { NET_TCP4, NET_TCP6 };
    hall *self = *state;

    for (size_t k = 0; k < 2; k++) {
        wherry_address own[40], none;
        int clients[40];

        hall_open(self, kinds[k], .backlog = 0);
        for (size_t i = 0; i < 40; i++)
            clients[i] = hall_dial(self, &own[i]);
        HALL_UNTIL(self, wherry_roster_count(self->roster) == 40);
        for (size_t i = 0; i < 40; i++) {
            wherry_stream *stream = wherry_roster_find(self->roster, &own[i]);
            wherry_address remote;

            assert_non_null(stream);
            wherry_stream_remote(stream, &remote);
            assert_true(wherry_address_equal(&remote, &own[i]));
        }
        none = own[0];
        none.port = 1;
        assert_null(wherry_roster_find(self->roster, &none));
        assert_int_equal(wherry_roster_transmit(self->roster, &none, wherry_text("x")),
                         WHERRY_E_NOT_FOUND);
        none = (wherry_address){ .family = WHERRY_FAMILY_NONE };
        assert_null(wherry_roster_find(self->roster, &none));
        assert_int_equal(wherry_roster_transmit(self->roster, &own[7], wherry_text("to seven")),
                         WHERRY_OK);
        hall_expect(self, clients[7], "to seven");
        hall_close_many(self, clients, 40);
        hall_free(self);
    }
}

static void unnamed_ends_are_all_there_and_none_is_found(void **state)
{
    hall *self = *state;
    wherry_address none;
    wherry_stream *streams[3];
    int clients[3];

    hall_open(self, NET_UNIX, .backlog = 5);
    hall_couple_many(self, clients, streams, 3);
    assert_int_equal(wherry_roster_count(self->roster), 3);
    wherry_stream_remote(streams[0], &none);
    assert_int_equal(none.family, WHERRY_FAMILY_NONE);
    assert_null(wherry_roster_find(self->roster, &none));
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(wherry_stream_end(streams[i]), WHERRY_OK);
    hall_close_many(self, clients, 3);
}

/* A client with the name that another one has already, as Unix sockets can have it. */
static int dial_as(hall *self, const wherry_address *name)
{
    wherry_system *far = self->far;
    struct sockaddr_storage storage;
    socklen_t size = wherry_address_to_system(name, &storage);
    int client = far->socket(far, AF_UNIX, SOCK_STREAM, 0);

    assert_true(client >= 0);
    (void)far->unlink(far, name->at.path);
    assert_int_equal(far->bind(far, client, (struct sockaddr *)&storage, size), 0);
    size = wherry_address_to_system(&self->address, &storage);
    assert_int_equal(far->connect(far, client, (struct sockaddr *)&storage, size), 0);
    return client;
}

static void second_connection_of_an_address_takes_the_place_of_the_first(void **state)
{
    hall *self = *state;
    wherry_stream *first, *second;
    wherry_address name;
    int clients[2];

    hall_open(self, NET_UNIX, .backlog = 5);
    net_path(&name);
    clients[0] = dial_as(self, &name);
    first = hall_take(self);
    assert_ptr_equal(wherry_roster_find(self->roster, &name), first);
    assert_int_equal(wherry_stream_send(first, wherry_text("last words"), WHERRY_NOW), WHERRY_OK);
    clients[1] = dial_as(self, &name);
    while (wherry_roster_service_connects(self->roster) == 0)
        hall_wait(self);
    assert_int_equal(wherry_stream_end(first), WHERRY_E_CLOSED);
    second = wherry_roster_find(self->roster, &name);
    assert_ptr_not_equal(second, first);
    assert_int_equal(wherry_roster_count(self->roster), 2);
    assert_ptr_equal(wherry_roster_take(self->roster), first);
    assert_ptr_equal(wherry_roster_take(self->roster), second);
    (void)hall_service(self);
    assert_int_equal(wherry_roster_count(self->roster), 2);
    (void)hall_service(self);
    assert_int_equal(wherry_roster_count(self->roster), 1);
    hall_expect(self, clients[0], "last words");
    assert_int_equal(hall_end_of(self, clients[0]), 0);
    assert_int_equal(wherry_roster_transmit(self->roster, &name, wherry_text("yours")), WHERRY_OK);
    hall_expect(self, clients[1], "yours");
    (void)self->far->unlink(self->far, name.at.path);
    hall_close_many(self, clients, 2);
}

/* --- out of the roster */

static void any_may_be_removed_while_they_are_taken(void **state)
{
    hall *self = *state;
    wherry_stream *streams[MOST], *stream;
    int clients[MOST];
    size_t taken = 0;

    hall_open(self, NET_TCP4, .backlog = 5);
    hall_couple_many(self, clients, streams, MOST);
    for (size_t i = 0; i < MOST; i++)
        hall_put(self, clients[i], "x");
    for (size_t i = 0; i < MOST; i++)
        HALL_UNTIL(self, wherry_stream_peek(streams[i]).length == 1);
    while ((stream = wherry_roster_take(self->roster)) != NULL) {
        size_t which = 0;

        while (streams[which] != stream)
            which++;
        assert_int_equal(wherry_roster_remove(self->roster, streams[(which + 1) % MOST]),
                         WHERRY_OK);
        assert_int_equal(wherry_roster_remove(self->roster, stream), WHERRY_OK);
        taken++;
    }
    assert_int_equal(taken, MOST / 2);
    assert_int_equal(wherry_roster_count(self->roster), 0);
    hall_close_many(self, clients, MOST);
}

typedef struct visit visit;
struct visit {
    wherry_roster_visitor visitor; /* first */
    hall *hall;
    wherry_stream **streams;
    wherry_stream *seen[MOST];
    size_t count;
    void (*act)(visit *self, wherry_stream *stream);
};

static void see(wherry_roster_visitor *visitor, wherry_stream *stream)
{
    visit *self = (visit *)visitor;

    self->seen[self->count++] = stream;
    self->act(self, stream);
}

static void act_nothing(visit *self, wherry_stream *stream)
{
    (void)self, (void)stream;
}

static void act_remove(visit *self, wherry_stream *stream)
{
    assert_int_equal(wherry_roster_remove(self->hall->roster, stream), WHERRY_OK);
}

static void act_free(visit *self, wherry_stream *stream)
{
    (void)self;
    wherry_stream_free(stream);
}

/* The third sees to it that the fourth is gone, and with it the second; they are MOST. */
static void act_remove_next(visit *self, wherry_stream *stream)
{
    if (stream != self->streams[2])
        return;
    assert_int_equal(wherry_roster_remove(self->hall->roster, self->streams[3]), WHERRY_OK);
    assert_int_equal(wherry_roster_remove(self->hall->roster, self->streams[1]), WHERRY_OK);
}

static void act_visit_and_remove_all(visit *self, wherry_stream *stream)
{
    visit inner = { .visitor = { .see = see }, .hall = self->hall, .act = act_remove };

    (void)stream;
    wherry_roster_visit(self->hall->roster, &inner.visitor);
}

static void act_service(visit *self, wherry_stream *stream)
{
    (void)stream;
    (void)hall_service(self->hall);
}

static void act_close(visit *self, wherry_stream *stream)
{
    (void)stream;
    wherry_roster_close(self->hall->roster);
}

static void act_open(visit *self, wherry_stream *stream)
{
    (void)stream;
    assert_int_equal(wherry_roster_open(self->hall->roster), WHERRY_OK);
}

static void act_wind(visit *self, wherry_stream *stream)
{
    (void)stream;
    wherry_roster_wind(self->hall->roster, NULL);
}

static void act_free_roster(visit *self, wherry_stream *stream)
{
    (void)stream;
    hall_free(self->hall);
}

static void whatever_is_done_in_a_visit_it_goes_on_with_those_that_are_left(void **state)
{
    static const struct {
        void (*act)(visit *self, wherry_stream *stream);
        size_t count;
    } acts[] = {
        { act_nothing, MOST },
        { act_remove, MOST },
        { act_free, MOST },
        { act_remove_next, MOST - 1 },
        { act_visit_and_remove_all, 1 },
        { act_service, MOST },
        { act_close, MOST },
        { act_open, 1 },
        { act_wind, MOST },
        { act_free_roster, 1 },
    };
    hall *self = *state;

    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        wherry_stream *streams[MOST];
        int clients[MOST];
        visit one = {
            .visitor = { .see = see }, .hall = self, .streams = streams, .act = acts[i].act
        };

        hall_open(self, NET_TCP4, .backlog = 5);
        hall_couple_many(self, clients, streams, MOST);
        wherry_roster_visit(self->roster, &one.visitor);
        assert_int_equal(one.count, acts[i].count);
        for (size_t k = 0; k < one.count; k++)
            assert_ptr_equal(one.seen[k],
                             streams[k + (one.act == act_remove_next && k >= 3 ? 1 : 0)]);
        hall_close_many(self, clients, MOST);
        hall_free(self);
    }
}

static int new_client;

static void act_dial(visit *self, wherry_stream *stream)
{
    if (stream != self->streams[0])
        return;
    new_client = hall_dial(self->hall, NULL);
    HALL_UNTIL(self->hall, wherry_roster_count(self->hall->roster) == 3);
}

static void those_that_come_during_a_visit_are_not_seen(void **state)
{
    hall *self = *state;
    wherry_stream *streams[2];
    int clients[2];
    visit one = { .visitor = { .see = see }, .hall = self, .streams = streams, .act = act_dial };

    hall_open(self, NET_TCP4, .backlog = 5);
    hall_couple_many(self, clients, streams, 2);
    wherry_roster_visit(self->roster, &one.visitor);
    assert_int_equal(one.count, 2);
    hall_close(self, new_client);
    hall_close_many(self, clients, 2);
}

static void one_that_was_handed_over_is_like_any_other(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    wherry_address own;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    client = hall_dial(self, &own);
    stream = hall_take(self);
    assert_int_equal(wherry_roster_hand_over(self->roster, stream), WHERRY_OK);
    assert_int_equal(wherry_roster_count(self->roster), 0);
    assert_null(wherry_roster_find(self->roster, &own));
    assert_int_equal(wherry_roster_hand_over(self->roster, stream), WHERRY_E_NOT_FOUND);
    assert_int_equal(wherry_roster_remove(self->roster, stream), WHERRY_E_NOT_FOUND);
    hall_put(self, client, "to you");
    hall_free(self);
    hall_settle(self);
    while (wherry_stream_peek(stream).length < 6)
        assert_int_equal(wherry_stream_service(stream), WHERRY_OK);
    assert_memory_equal(wherry_stream_peek(stream).data, "to you", 6);
    wherry_stream_free(stream);
    hall_close(self, client);
}

static void stream_of_the_callers_is_in_none(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int ends[2];

    hall_open(self, NET_TCP4, .backlog = 5);
    if (self->simulated != NULL)
        return;
    net_pair(NET_PAIR, ends);
    stream = net_stream(&self->world, ends[0], NULL);
    assert_int_equal(wherry_roster_remove(self->roster, stream), WHERRY_E_NOT_FOUND);
    assert_int_equal(wherry_roster_hand_over(self->roster, stream), WHERRY_E_NOT_FOUND);
    wherry_stream_free(stream);
    hall_close(self, ends[1]);
}

static void freeing_a_stream_takes_it_out(void **state)
{
    hall *self = *state;
    wherry_stream *streams[2];
    int clients[2];

    hall_open(self, NET_TCP4, .backlog = 5);
    hall_couple_many(self, clients, streams, 2);
    hall_put(self, clients[0], "x");
    hall_put(self, clients[1], "y");
    wherry_stream_free(streams[0]);
    assert_int_equal(wherry_roster_count(self->roster), 1);
    HALL_UNTIL(self, wherry_stream_peek(streams[1]).length == 1);
    assert_ptr_equal(wherry_roster_take(self->roster), streams[1]);
    assert_null(wherry_roster_take(self->roster));
    hall_close_many(self, clients, 2);
}

static void one_stream_can_be_serviced_by_itself(void **state)
{
    hall *self = *state;
    wherry_stream *streams[2];
    int clients[2];

    hall_open(self, NET_TCP4, .backlog = 5);
    hall_couple_many(self, clients, streams, 2);
    hall_put(self, clients[0], "x");
    hall_put(self, clients[1], "y");
    while (wherry_stream_service_receive(streams[1]) == 0)
        hall_wait(self);
    assert_int_equal(wherry_stream_peek(streams[0]).length, 0);
    assert_int_equal(wherry_stream_peek(streams[1]).length, 1);
    HALL_UNTIL(self, wherry_stream_peek(streams[0]).length == 1);
    hall_shut(self, clients[1]);
    while (wherry_stream_service_receive(streams[1]) == 0)
        hall_wait(self);
    assert_ptr_equal(wherry_roster_take(self->roster), streams[0]);
    assert_ptr_equal(wherry_roster_take(self->roster), streams[1]);
    hall_close_many(self, clients, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HALL_TEST(streams_are_found_by_the_address_of_their_other_end),
        HALL_TEST(unnamed_ends_are_all_there_and_none_is_found),
        HALL_TEST(second_connection_of_an_address_takes_the_place_of_the_first),
        HALL_TEST(any_may_be_removed_while_they_are_taken),
        HALL_TEST(whatever_is_done_in_a_visit_it_goes_on_with_those_that_are_left),
        HALL_TEST(those_that_come_during_a_visit_are_not_seen),
        HALL_TEST(one_that_was_handed_over_is_like_any_other),
        HALL_TEST(stream_of_the_callers_is_in_none),
        HALL_TEST(freeing_a_stream_takes_it_out),
        HALL_TEST(one_stream_can_be_serviced_by_itself),
    };

    return HALL_RUN(tests);
}
