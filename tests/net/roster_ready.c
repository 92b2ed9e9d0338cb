/* Rosters: how a program learns that there is something to do, by a descriptor in a loop of its own
 * or by waiting. Apart from roster_pass.c because that is what comes before a pass. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/roster.h>

#include "support/hall.h"

static void descriptor_is_readable_when_a_pass_has_something_to_do(void **state)
{
    hall *self = *state;
    struct pollfd one = { .events = POLLIN };
    wherry_stream *stream;
    int client;

    hall_open(self, NET_TCP4, .backlog = 5);
    one.fd = wherry_roster_descriptor(self->roster);
    if (one.fd < 0) {
        assert_int_equal(one.fd, WHERRY_E_UNSUPPORTED);
        return;
    }
    assert_int_equal(poll(&one, 1, 0), 0);
    client = hall_dial(self, NULL);
    assert_int_equal(poll(&one, 1, -1), 1);
    stream = hall_take(self);
    assert_int_equal(poll(&one, 1, 0), 0);
    hall_put(self, client, "x");
    assert_int_equal(poll(&one, 1, -1), 1);
    HALL_UNTIL(self, wherry_stream_peek(stream).length == 1);
    assert_int_equal(poll(&one, 1, 0), 0);
    hall_close(self, client);
    assert_int_equal(poll(&one, 1, -1), 1);
}

static void wait_comes_back_when_there_is_something_and_the_pass_does_not_ask_again(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    size_t calls;
    int client;

    hall_open(self, NET_UNIX, .backlog = 5);
    stream = hall_couple(self, &client);
    (void)hall_service(self);
    assert_int_equal(wherry_roster_wait(self->roster, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(hall_service(self), 0);
    hall_put(self, client, "x");
    assert_int_equal(wherry_roster_wait(self->roster, WHERRY_NEVER), WHERRY_OK);
    calls = wherry_faulty_calls(self->world.system, WHERRY_CALL_WAIT);
    assert_int_equal(hall_service(self), 1);
    assert_int_equal(wherry_faulty_calls(self->world.system, WHERRY_CALL_WAIT), calls);
    assert_int_equal(wherry_stream_peek(stream).length, 1);
    assert_int_equal(wherry_stream_send(stream, wherry_text("y"), WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_roster_wait(self->roster, WHERRY_NEVER), WHERRY_OK);
    hall_expect(self, client, "y");
    wherry_roster_close(self->roster);
    assert_int_equal(wherry_roster_wait(self->roster, WHERRY_NOW), WHERRY_E_CLOSED);
    hall_close(self, client);
}

static int wait_on_a_coroutine(void *argument)
{
    return wherry_roster_wait(argument, WHERRY_NOW);
}

static void coroutine_does_not_wait_for_a_roster(void **state)
{
    hall *self = *state;

    hall_open(self, NET_TCP4, .backlog = 5);
    assert_int_equal(net_run(&self->world, wait_on_a_coroutine, self->roster), WHERRY_E_MISUSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HALL_TEST(descriptor_is_readable_when_a_pass_has_something_to_do),
        HALL_TEST(wait_comes_back_when_there_is_something_and_the_pass_does_not_ask_again),
        HALL_TEST(coroutine_does_not_wait_for_a_roster),
    };

    return HALL_RUN(tests);
}
