/* Serviced streams: their idle time, which is looked at in a service only. Apart from the other
 * ends because its clock is moved by hand: in virtual time, but for the first test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/service.h>

#include "support/serviced.h"

#define MILLISECOND WHERRY_MILLISECONDS(1)

/* A pass reads the real clock of a loop that does not run. */
static void idle_time_goes_on_while_its_loop_does_not_run(void **state)
{
    net *world = *state;
    serviced self;

    serviced_open(&self, world, NET_PAIR, .idle_timeout = MILLISECOND);
    while (wherry_stream_service(self.stream) == WHERRY_OK)
        continue;
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_IDLE);
    serviced_close(&self);
}

static void idle_one_ends_in_the_first_service_at_its_limit(void **state)
{
    net *world = *state;
    serviced self;

    serviced_open(&self, world, NET_PAIR, .idle_timeout = 100 * MILLISECOND);
    assert_int_equal(wherry_timer_duration(wherry_stream_timer(self.stream)), 100 * MILLISECOND);
    wherry_loop_tick(world->loop, 100 * MILLISECOND - 1);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    wherry_loop_tick(world->loop, 1);
    assert_int_equal(wherry_stream_end(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_IDLE);
    assert_int_equal(wherry_stream_service_send(self.stream), WHERRY_E_IDLE);
    assert_int_equal(wherry_stream_service_receive(self.stream), WHERRY_E_IDLE);
    serviced_close(&self);
}

static void traffic_puts_idleness_off_unless_it_is_fixed(void **state)
{
    net *world = *state;

    for (int fixed = 0; fixed < 2; fixed++) {
        serviced self;
        uint8_t byte;

        serviced_open(&self, world, NET_PAIR, .idle_timeout = 100 * MILLISECOND,
                      .fixed_idle = fixed);
        for (int way = 0; way < 4; way++) {
            wherry_loop_tick(world->loop, 99 * MILLISECOND);
            if (way % 2 == 0)
                net_put(self.far, "x", 1);
            if (way == 0)
                assert_int_equal(wherry_stream_service_receive(self.stream), 1);
            if (way == 1)
                serviced_say(&self, "x");
            if (way == 1)
                assert_int_equal(wherry_stream_service_send(self.stream), 1);
            if (way == 2)
                assert_int_equal(wherry_stream_receive_past(self.stream, &byte, 1), 1);
            if (way == 3)
                assert_int_equal(wherry_stream_send_past(self.stream, wherry_text("x")), 1);
            assert_int_equal(wherry_timer_remaining(wherry_stream_timer(self.stream)),
                             fixed ? MILLISECOND : 100 * MILLISECOND);
            if (fixed)
                assert_int_equal(wherry_stream_refresh(self.stream), WHERRY_OK);
        }
        wherry_loop_tick(world->loop, 99 * MILLISECOND);
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
        wherry_loop_tick(world->loop, MILLISECOND);
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_IDLE);
        serviced_close(&self);
    }
}

/* hio's would have a hundred limits more after a hundred bytes. */
static void idle_time_is_measured_from_the_last_byte_and_does_not_add_up(void **state)
{
    net *world = *state;
    serviced self;

    serviced_open(&self, world, NET_PAIR, .idle_timeout = 100 * MILLISECOND);
    for (int i = 0; i < 100; i++) {
        net_put(self.far, "x", 1);
        assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    }
    wherry_loop_tick(world->loop, 100 * MILLISECOND);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_IDLE);
    serviced_close(&self);
}

static void limit_of_idleness_can_be_set_and_taken_away(void **state)
{
    net *world = *state;
    serviced self;

    serviced_open(&self, world, NET_PAIR, .send_max = 0);
    assert_int_equal(wherry_timer_duration(wherry_stream_timer(self.stream)), 0); /* none */
    wherry_loop_tick(world->loop, WHERRY_SECONDS(1000));
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    wherry_stream_set_idle(self.stream, 10 * MILLISECOND); /* from now on */
    wherry_loop_tick(world->loop, 10 * MILLISECOND - 1);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    wherry_stream_set_idle(self.stream, 0);
    wherry_loop_tick(world->loop, WHERRY_SECONDS(1000));
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    wherry_stream_set_idle(self.stream, WHERRY_NEVER);
    wherry_loop_tick(world->loop, WHERRY_SECONDS(1000));
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    serviced_close(&self);
}

static void winding_to_another_loop_starts_its_time_anew(void **state)
{
    net *world = *state;
    wherry_loop *base;
    serviced self;

    assert_int_equal(wherry_loop_new(&base, .clock = WHERRY_CLOCK_STEPPED, .start = 7), WHERRY_OK);
    serviced_open(&self, world, NET_PAIR, .idle_timeout = 100 * MILLISECOND);
    wherry_loop_tick(world->loop, 99 * MILLISECOND);
    assert_int_equal(wherry_stream_wind(self.stream, base), WHERRY_OK);
    assert_int_equal(wherry_timer_remaining(wherry_stream_timer(self.stream)), 100 * MILLISECOND);
    wherry_loop_tick(world->loop, WHERRY_SECONDS(1000));
    wherry_loop_tick(base, 99 * MILLISECOND);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_wind(self.stream, NULL), WHERRY_OK); /* its own again */
    wherry_loop_tick(base, WHERRY_SECONDS(1000));
    wherry_loop_tick(world->loop, 99 * MILLISECOND);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    wherry_loop_tick(world->loop, MILLISECOND);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_IDLE);
    serviced_close(&self);
    wherry_loop_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(idle_time_goes_on_while_its_loop_does_not_run),
        NET_TEST_VIRTUAL(idle_one_ends_in_the_first_service_at_its_limit),
        NET_TEST_VIRTUAL(traffic_puts_idleness_off_unless_it_is_fixed),
        NET_TEST_VIRTUAL(idle_time_is_measured_from_the_last_byte_and_does_not_add_up),
        NET_TEST_VIRTUAL(limit_of_idleness_can_be_set_and_taken_away),
        NET_TEST_VIRTUAL(winding_to_another_loop_starts_its_time_anew),
    };

    return NET_RUN(tests);
}
