/* Streams and the end of their loop, when it is freed and when its run is over. Apart from
 * stream_close.c, because nobody closes them here. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/net.h"

#define LARGE ((size_t)1 << 20)

static uint8_t taken[101];

static void freed_loop_leaves_handles_that_can_be_asked(void **state)
{
    net *world = *state;
    couple self;
    wherry_address address;
    wherry_bytes bytes;

    couple_open(&self, world, NET_UNIX, .send_max = LARGE);
    self.told.consume_max = SIZE_MAX;
    net_put(self.far, "rest", 4);
    NET_UNTIL(world, self.told.trace[0] == 'r');
    couple_send(&self, 3);
    wherry_loop_free(world->loop);
    world->loop = NULL;
    assert_int_equal(recv(self.far, taken, 4, MSG_WAITALL), 3); /* and the end behind it */
    assert_int_equal(wherry_stream_end(self.stream), WHERRY_E_CLOSED);
    assert_memory_equal(wherry_stream_peek(self.stream).data, "rest", 4);
    wherry_stream_consume(self.stream, 4);
    assert_int_equal(wherry_stream_receive(self.stream, &bytes, WHERRY_NOW), WHERRY_E_CLOSED);
    assert_int_equal(wherry_stream_send(self.stream, bytes, WHERRY_NOW), WHERRY_E_CLOSED);
    wherry_stream_resume(self.stream);
    wherry_stream_set_idle(self.stream, 1);
    wherry_stream_local(self.stream, &address);
    assert_int_equal(address.family, WHERRY_FAMILY_UNIX);
    wherry_stream_close(self.stream);
    assert_string_equal(self.told.trace, "r");
    couple_close(&self);
}

static int64_t waited_until;
static wherry_system unwatched; /* the functions of the system before one was put in the way */

static int note_until(wherry_system *self, wherry_poller *poller, int64_t until,
                      wherry_ready *ready, int capacity)
{
    waited_until = until;
    return unwatched.wait(self, poller, until, ready, capacity);
}

static void note_waits(net *world)
{
    unwatched = *wherry_faulty_system(world->system);
    wherry_faulty_system(world->system)->wait = note_until;
}

static void freed_loop_lets_closes_finish(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = LARGE);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = ENOBUFS, .count = 5);
    couple_send(&self, 100);
    wherry_stream_free(self.stream);
    self.stream = NULL;
    wherry_loop_free(world->loop);
    world->loop = NULL;
    assert_int_equal(recv(self.far, taken, 101, MSG_WAITALL), 100);
    couple_close(&self);
}

/* The last of the work is done by a deadline, in the first part of a pass: the second must not wait
 * then. */
static void freed_loop_does_not_wait_behind_the_last_close(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = LARGE);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = ENOBUFS, .count = 1);
    couple_send(&self, 100);
    wherry_stream_free(self.stream);
    self.stream = NULL;
    net_settle(world);
    note_waits(world);
    wherry_loop_free(world->loop);
    world->loop = NULL;
    assert_true(waited_until == WHERRY_NOW);
    couple_close(&self);
}

/* Nothing to wait for: it must not wait for the whole linger time either. */
static void freed_loop_does_not_wait_when_all_is_done(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = LARGE);
    couple_send(&self, 3);
    note_waits(world);
    wherry_loop_free(world->loop);
    world->loop = NULL;
    assert_true(waited_until == WHERRY_NOW);
    couple_close(&self);
}

static void loop_ends_its_run_with_the_last_stream(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = LARGE);
    couple_send(&self, 3);
    wherry_stream_free(self.stream);
    self.stream = NULL;
    assert_int_equal(wherry_loop_run(world->loop), WHERRY_OK);
    assert_int_equal(recv(self.far, taken, 4, MSG_WAITALL), 3);
    couple_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(freed_loop_leaves_handles_that_can_be_asked),
        NET_TEST_VIRTUAL(freed_loop_lets_closes_finish),
        NET_TEST(freed_loop_does_not_wait_behind_the_last_close),
        NET_TEST(freed_loop_does_not_wait_when_all_is_done),
        NET_TEST(loop_ends_its_run_with_the_last_stream),
    };

    return NET_RUN(tests);
}
