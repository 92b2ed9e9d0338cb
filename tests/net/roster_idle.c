/* Rosters: the idle times of their streams. Apart from roster_pass.c because here a pass has
 * something to do only because time went by, of which each test lets go by as much as it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/roster.h>

#include "support/hall.h"

static void idle_stream_ends_at_its_time(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int client;

    hall_open(self, NET_TCP4, .stream = HALL_STREAM(.idle_timeout = WHERRY_SECONDS(2)));
    stream = hall_couple(self, &client);
    hall_tick(self, WHERRY_SECONDS(2) - 1);
    assert_int_equal(hall_service(self), 0);
    assert_int_equal(wherry_stream_end(stream), WHERRY_OK);
    hall_tick(self, 1);
    assert_int_equal(hall_service(self), 1);
    assert_ptr_equal(wherry_roster_take(self->roster), stream);
    assert_int_equal(wherry_stream_end(stream), WHERRY_E_IDLE);
    assert_int_equal(hall_end_of(self, client), 0);
    hall_close(self, client);
}

/* Each byte starts it anew, and no more than that: it is now and its duration. */
static void traffic_in_both_directions_puts_the_end_off(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int client;

    hall_open(self, NET_TCP4, .stream = HALL_STREAM(.idle_timeout = WHERRY_SECONDS(2)));
    stream = hall_couple(self, &client);
    for (size_t i = 0; i < 4; i++) {
        hall_tick(self, WHERRY_SECONDS(1));
        hall_put(self, client, "x");
        HALL_UNTIL(self, wherry_stream_peek(stream).length == i + 1);
    }
    for (size_t i = 0; i < 4; i++) {
        hall_tick(self, WHERRY_SECONDS(1));
        assert_int_equal(wherry_stream_send(stream, wherry_text("y"), WHERRY_NOW), WHERRY_OK);
        hall_expect(self, client, "y");
    }
    hall_tick(self, WHERRY_SECONDS(2) - 1);
    (void)hall_service(self);
    assert_int_equal(wherry_stream_end(stream), WHERRY_OK);
    hall_tick(self, 1);
    (void)hall_service(self);
    assert_int_equal(wherry_stream_end(stream), WHERRY_E_IDLE);
    hall_close(self, client);
}

static void fixed_idle_time_is_put_off_by_refreshing_only(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int client;

    hall_open(self, NET_TCP4,
              .stream = HALL_STREAM(.idle_timeout = WHERRY_SECONDS(2), .fixed_idle = 1));
    stream = hall_couple(self, &client);
    hall_tick(self, WHERRY_SECONDS(1));
    hall_put(self, client, "x");
    HALL_UNTIL(self, wherry_stream_peek(stream).length == 1);
    assert_int_equal(wherry_stream_refresh(stream), WHERRY_OK);
    hall_tick(self, WHERRY_SECONDS(1));
    hall_put(self, client, "x");
    HALL_UNTIL(self, wherry_stream_peek(stream).length == 2);
    hall_tick(self, WHERRY_SECONDS(1));
    (void)hall_service(self);
    assert_int_equal(wherry_stream_end(stream), WHERRY_E_IDLE);
    hall_close(self, client);
}

static void idle_time_that_is_set_later_counts_from_then(void **state)
{
    hall *self = *state;
    wherry_stream *streams[2];
    int clients[2];

    hall_open(self, NET_TCP4, .stream = HALL_STREAM(.idle_timeout = WHERRY_SECONDS(100)));
    hall_couple_many(self, clients, streams, 2);
    hall_tick(self, WHERRY_SECONDS(1));
    wherry_stream_set_idle(streams[0], WHERRY_SECONDS(3));
    wherry_stream_set_idle(streams[1], 0);
    hall_tick(self, WHERRY_SECONDS(3) - 1);
    (void)hall_service(self);
    assert_int_equal(wherry_stream_end(streams[0]), WHERRY_OK);
    hall_tick(self, 1);
    (void)hall_service(self);
    assert_int_equal(wherry_stream_end(streams[0]), WHERRY_E_IDLE);
    hall_tick(self, WHERRY_SECONDS(1000));
    (void)hall_service(self);
    assert_int_equal(wherry_stream_end(streams[1]), WHERRY_OK);
    hall_close_many(self, clients, 2);
}

static void deadline_is_that_of_the_stream_that_is_due_first(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    int64_t deadline, due;
    int client;

    hall_open(self, NET_TCP4, .stream = HALL_STREAM(.idle_timeout = WHERRY_SECONDS(2)));
    assert_true(wherry_roster_deadline(self->roster) == WHERRY_NEVER);
    stream = hall_couple(self, &client);
    (void)hall_service(self);
    due = wherry_loop_now(self->world.loop) + WHERRY_SECONDS(2);
    deadline = wherry_roster_deadline(self->roster);
    assert_true(deadline <= due && deadline > due - WHERRY_SECONDS(2));
    (void)stream;
    hall_close(self, client);
}

/* The other clock stands somewhere else. */
static void winding_starts_times_anew_on_the_other_clock(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    wherry_loop *base;
    int client;

    assert_int_equal(wherry_loop_new(&base, .system = wherry_faulty_system(self->world.system),
                                     .clock = WHERRY_CLOCK_STEPPED, .start = WHERRY_SECONDS(5)),
                     WHERRY_OK);
    hall_tick(self, WHERRY_SECONDS(1000));
    hall_open(self, NET_TCP4, .stream = HALL_STREAM(.idle_timeout = WHERRY_SECONDS(2)));
    stream = hall_couple(self, &client);
    hall_tick(self, WHERRY_SECONDS(1));
    wherry_roster_wind(self->roster, base);
    hall_tick(self, WHERRY_SECONDS(100));
    assert_true(wherry_loop_tick(base, WHERRY_SECONDS(2) - 1) > 0);
    (void)hall_service(self);
    assert_int_equal(wherry_stream_end(stream), WHERRY_OK);
    assert_true(wherry_loop_tick(base, 1) > 0);
    (void)hall_service(self);
    assert_int_equal(wherry_stream_end(stream), WHERRY_E_IDLE);
    hall_close(self, client);
    stream = hall_couple(self, &client);
    assert_true(wherry_loop_tick(base, WHERRY_SECONDS(2)) > 0);
    (void)hall_service(self);
    assert_int_equal(wherry_stream_end(stream), WHERRY_E_IDLE);
    wherry_roster_wind(self->roster, NULL);
    wherry_loop_free(base);
    hall_close(self, client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HALL_TEST(idle_stream_ends_at_its_time),
        HALL_TEST(traffic_in_both_directions_puts_the_end_off),
        HALL_TEST(fixed_idle_time_is_put_off_by_refreshing_only),
        HALL_TEST(idle_time_that_is_set_later_counts_from_then),
        HALL_TEST(deadline_is_that_of_the_stream_that_is_due_first),
        HALL_TEST(winding_starts_times_anew_on_the_other_clock),
    };

    return HALL_RUN(tests);
}
