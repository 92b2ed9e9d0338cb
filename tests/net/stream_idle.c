/* The idle time of streams. Apart from the other ends because all of it happens in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/net.h"

#define LARGE ((size_t)1 << 20)

static uint8_t taken[1];

static void idle_stream_ends_at_its_limit(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .idle_timeout = WHERRY_MILLISECONDS(100),
                .send_max = LARGE);
    net_advance(world, WHERRY_MILLISECONDS(100) - 1);
    assert_int_equal(self.told.reason, 0);
    net_advance(world, 1);
    assert_string_equal(self.told.trace, "e");
    assert_int_equal(self.told.reason, WHERRY_E_IDLE);
    assert_string_equal(wherry_stream_problem(self.stream),
                        "a time limit of the connection ran out");
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW), WHERRY_E_IDLE);
    assert_int_equal(net_take(self.far, taken, 1), 0);
    couple_close(&self);
}

static void traffic_in_either_direction_puts_idleness_off(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .idle_timeout = WHERRY_MILLISECONDS(100),
                .send_max = LARGE);
    net_advance(world, WHERRY_MILLISECONDS(60));
    net_put(self.far, "x", 1);
    net_settle(world);
    net_advance(world, WHERRY_MILLISECONDS(99));
    assert_int_equal(self.told.reason, 0);
    couple_send(&self, 1);
    net_settle(world);
    net_advance(world, WHERRY_MILLISECONDS(99));
    assert_int_equal(self.told.reason, 0);
    couple_send(&self, 100000); /* the direct way */
    net_settle(world);
    net_advance(world, WHERRY_MILLISECONDS(100) - 1);
    assert_int_equal(self.told.reason, 0);
    net_advance(world, 1);
    assert_int_equal(self.told.reason, WHERRY_E_IDLE);
    couple_close(&self);
}

static void idle_limit_can_be_set_and_taken_away(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .idle_timeout = WHERRY_MILLISECONDS(100),
                .send_max = LARGE);
    net_advance(world, WHERRY_MILLISECONDS(50));
    wherry_stream_set_idle(self.stream, 0);
    net_advance(world, WHERRY_SECONDS(1000));
    assert_int_equal(self.told.reason, 0);
    wherry_stream_set_idle(self.stream, INT64_MAX);
    net_advance(world, WHERRY_SECONDS(1000));
    wherry_stream_set_idle(self.stream, WHERRY_MILLISECONDS(10)); /* from now on */
    net_advance(world, WHERRY_MILLISECONDS(10) - 1);
    assert_int_equal(self.told.reason, 0);
    net_advance(world, 1);
    assert_int_equal(self.told.reason, WHERRY_E_IDLE);
    wherry_stream_set_idle(self.stream, 1);
    net_advance(world, 1);
    assert_string_equal(self.told.trace, "e");
    couple_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST_VIRTUAL(idle_stream_ends_at_its_limit),
        NET_TEST_VIRTUAL(traffic_in_either_direction_puts_idleness_off),
        NET_TEST_VIRTUAL(idle_limit_can_be_set_and_taken_away),
    };

    return NET_RUN(tests);
}
