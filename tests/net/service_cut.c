/* Two serviced streams, on sockets of the machine and on two hosts of a world: whenever one of them
 * breaks off, finishes or stalls, the other has received a prefix of what was sent to it, and is
 * told the truth about its end behind it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/service.h>

#include "net/socket.h"
#include "support/net.h"
#include "support/simulated.h"

#define LENGTH 12 /* bytes each way */
#define LARGE ((size_t)3 << 20)

static uint8_t pattern[LARGE];

/* Both ends, each with a loop of its own. */
typedef struct both {
    simulated *world; /* NULL: sockets of the machine */
    wherry_system *near_system, *far_system;
    wherry_loop *near_loop, *far_loop;
    wherry_stream *near, *far;
    int listener;
    wherry_address address;
} both;

static wherry_system *used;
static simulated ground;

/* Lets the network do what it has to do. */
static void wait_a_while(both *self)
{
    if (self->world != NULL)
        assert_int_equal(wherry_simulation_run(self->world->world, WHERRY_MILLISECONDS(1)),
                         WHERRY_OK);
}

static int set_up(void **state)
{
    static both self;
    const char *text = used == NULL ? THERE ":0" : "127.0.0.1:0";

    memset(&self, 0, sizeof(self));
    if (used == NULL) {
        simulated_open_with(&ground, &(wherry_simulation_options){ 0 }, NULL);
        self.world = &ground;
    }
    self.near_system = used == NULL ? ground.here : used;
    self.far_system = used == NULL ? ground.there : used;
    assert_int_equal(
        wherry_loop_new(&self.near_loop, .system = self.near_system, .clock = WHERRY_CLOCK_STEPPED),
        WHERRY_OK);
    assert_int_equal(
        wherry_loop_new(&self.far_loop, .system = self.far_system, .clock = WHERRY_CLOCK_STEPPED),
        WHERRY_OK);
    assert_int_equal(wherry_address_parse(&self.address, text, strlen(text)), WHERRY_OK);
    assert_int_equal(wherry_socket_listen(self.far_system, &self.listener, &self.address),
                     WHERRY_OK);
    wherry_socket_local(self.far_system, self.listener, &self.address);
    *state = &self;
    return 0;
}

static int tear_down(void **state)
{
    both *self = *state;
    void *world = self->world;

    wherry_socket_close(self->far_system, self->listener);
    wherry_loop_free(self->near_loop);
    wherry_loop_free(self->far_loop);
    return world == NULL ? 0 : simulated_close(&world);
}

/* Connects them. */
static void meet(both *self, const wherry_stream_options *limits)
{
    wherry_stream_options options = *limits;
    wherry_address remote;
    int descriptor;

    assert_int_equal(
        wherry_stream_dial(&self->near, &self->address, .loop = self->near_loop, .stream = limits),
        WHERRY_OK);
    assert_int_equal(wherry_stream_open(self->near), WHERRY_OK);
    while (wherry_stream_service_connect(self->near) == 0)
        wait_a_while(self);
    assert_int_equal(wherry_stream_is_connected(self->near), 1);
    while ((descriptor = wherry__socket_accept(self->far_system, self->listener, &remote)) ==
           -EAGAIN)
        wait_a_while(self);
    assert_true(descriptor >= 0);
    options.size = sizeof(options);
    options.result = &self->far;
    options.loop = self->far_loop;
    options.descriptor = descriptor;
    options.serviced = 1;
    assert_int_equal(wherry_stream_new_with(&options), WHERRY_OK);
}

/* What was closed goes out as the loops run. */
static void part(both *self)
{
    wherry_stream_free(self->near);
    wherry_stream_free(self->far);
    for (int i = 0; i < 10; i++) {
        assert_true(wherry_loop_step(self->near_loop) >= 0);
        assert_true(wherry_loop_step(self->far_loop) >= 0);
        wait_a_while(self);
    }
}

static void say(wherry_stream *stream, size_t from, size_t to)
{
    if (to > from)
        assert_int_equal(
            wherry_stream_send(stream, wherry_bytes_at(pattern + from, to - from), WHERRY_NOW),
            WHERRY_OK);
}

/* One pass over one of them, which has an answer that is allowed. */
static int pass(both *self, wherry_stream *stream)
{
    int result = wherry_stream_service(stream);

    assert_true(result == WHERRY_OK || result == WHERRY_E_END || result == WHERRY_E_RESET);
    wait_a_while(self);
    return result;
}

static void pass_until_received(both *self, wherry_stream *stream, size_t length)
{
    while (wherry_stream_peek(stream).length < length)
        assert_int_equal(pass(self, stream), WHERRY_OK);
    net_check(wherry_stream_peek(stream).data, length, 0);
}

/* The far end breaks off when it has got and sent so many bytes of a conversation in which the near
 * one sends more. */
static void reset_at_any_byte_is_never_taken_for_an_end(void **state)
{
    const wherry_stream_options limits = { .size = sizeof(limits) };
    both *self = *state;

    for (size_t got = 0; got <= LENGTH; got += 3)
        for (size_t sent = 0; sent <= LENGTH; sent++) {
            int result;

            meet(self, &limits);
            say(self->near, 0, got);
            (void)pass(self, self->near);
            pass_until_received(self, self->far, got);
            say(self->far, 0, sent);
            (void)pass(self, self->far);
            say(self->near, got, LENGTH);
            wherry_stream_abort(self->far);
            do
                result = pass(self, self->near);
            while (result == WHERRY_OK);
            assert_int_equal(result, WHERRY_E_RESET);
            assert_int_equal(wherry_stream_end(self->near), WHERRY_E_RESET);
            assert_true(wherry_stream_peek(self->near).length <= sent);
            net_check(wherry_stream_peek(self->near).data, wherry_stream_peek(self->near).length,
                      0);
            part(self);
        }
}

/* What was there before the reset was sent is received, when it has been seen in time. */
static void bytes_that_were_received_before_a_reset_stay(void **state)
{
    const wherry_stream_options limits = { .size = sizeof(limits) };
    both *self = *state;

    for (size_t sent = 0; sent <= LENGTH; sent++) {
        meet(self, &limits);
        say(self->far, 0, sent);
        (void)pass(self, self->far);
        pass_until_received(self, self->near, sent);
        wherry_stream_abort(self->far);
        while (pass(self, self->near) == WHERRY_OK)
            continue;
        assert_int_equal(wherry_stream_peek(self->near).length, sent);
        part(self);
    }
}

/* One end finishes behind some of its bytes, the other one behind its own, in either order. */
static void each_end_finishes_at_any_byte_and_both_have_all(void **state)
{
    const wherry_stream_options limits = { .size = sizeof(limits) };
    both *self = *state;

    for (size_t there = 0; there <= LENGTH; there += 4)
        for (size_t back = 0; back <= LENGTH; back++)
            for (int order = 0; order < 2; order++) {
                wherry_stream *first, *second;

                meet(self, &limits);
                first = order ? self->far : self->near;
                second = order ? self->near : self->far;
                say(first, 0, there);
                assert_int_equal(wherry_stream_shutdown(first), WHERRY_OK);
                while (pass(self, second) == WHERRY_OK)
                    (void)pass(self, first);
                assert_int_equal(wherry_stream_end(second), WHERRY_E_END);
                assert_int_equal(wherry_stream_peek(second).length, there);
                net_check(wherry_stream_peek(second).data, there, 0);
                assert_int_equal(wherry_stream_is_connected(second), 1);
                say(second, 0, back); /* an answer to who has finished */
                assert_int_equal(wherry_stream_shutdown(second), WHERRY_OK);
                while (pass(self, first) == WHERRY_OK)
                    (void)pass(self, second);
                assert_int_equal(wherry_stream_end(first), WHERRY_E_END);
                assert_int_equal(wherry_stream_peek(first).length, back);
                net_check(wherry_stream_peek(first).data, back, 0);
                assert_int_equal(wherry_stream_is_open(first), 0);
                assert_int_equal(wherry_stream_is_open(second), 0);
                part(self);
            }
}

/* Takes what came, and checks it. */
static void take(wherry_stream *stream, size_t *taken)
{
    wherry_bytes bytes = wherry_stream_peek(stream);

    net_check(bytes.data, bytes.length, *taken);
    *taken += bytes.length;
    wherry_stream_consume(stream, bytes.length);
}

/* Neither takes anything: both fill their buffers and no more, until one begins to take. */
static void two_that_stall_hold_what_their_buffers_hold_and_lose_nothing(void **state)
{
    const wherry_stream_options limits = { .size = sizeof(limits),
                                           .send_max = LARGE,
                                           .receive_max = 50000 };
    both *self = *state;
    size_t near_taken = 0, far_taken = 0, idle = 0;

    meet(self, &limits);
    say(self->near, 0, LARGE);
    say(self->far, 0, LARGE);
    while (idle < 20) { /* until nothing moves any more */
        size_t before = wherry_stream_unsent(self->near) + wherry_stream_unsent(self->far);

        (void)pass(self, self->near);
        (void)pass(self, self->far);
        assert_true(wherry_stream_peek(self->near).length <= 50000);
        assert_true(wherry_stream_peek(self->far).length <= 50000);
        idle = before == wherry_stream_unsent(self->near) + wherry_stream_unsent(self->far)
                   ? idle + 1
                   : 0;
    }
    assert_int_equal(wherry_stream_peek(self->near).length, 50000);
    while (far_taken < LARGE) { /* the far one takes first */
        (void)pass(self, self->near);
        (void)pass(self, self->far);
        take(self->far, &far_taken);
    }
    while (near_taken < LARGE) {
        (void)pass(self, self->far);
        (void)pass(self, self->near);
        take(self->near, &near_taken);
    }
    assert_int_equal(wherry_stream_unsent(self->near) + wherry_stream_unsent(self->far), 0);
    part(self);
}

/* --- in the world only */

static void address_without_a_host_is_waited_for_and_tried_again(void **state)
{
    both *self = *state;
    wherry_stream *stream;

    if (self->world == NULL)
        return;
    assert_int_equal(wherry_stream_dial(&stream, &self->address, .loop = self->near_loop,
                                        .timeout = WHERRY_SECONDS(1), .reconnect = 1),
                     WHERRY_OK);
    wherry_simulation_partition(self->world->world, HERE, THERE, WHERRY_SECONDS(10));
    assert_int_equal(wherry_stream_open(stream), WHERRY_OK);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(wherry_stream_service(stream), WHERRY_OK);
        assert_int_equal(wherry_stream_is_connected(stream), 0);
        assert_int_equal(wherry_simulation_run(self->world->world, WHERRY_SECONDS(1)), WHERRY_OK);
        assert_int_equal(wherry_loop_tick(self->near_loop, WHERRY_SECONDS(1)) >= 0, 1);
    }
    assert_string_equal(wherry_stream_problem(stream), "Connection timed out");
    assert_int_equal(wherry_simulation_run(self->world->world, WHERRY_SECONDS(2)), WHERRY_OK);
    while (!wherry_stream_is_connected(stream)) {
        assert_int_equal(wherry_stream_service(stream), WHERRY_OK);
        assert_int_equal(wherry_loop_tick(self->near_loop, WHERRY_MILLISECONDS(100)) >= 0, 1);
        assert_int_equal(wherry_simulation_run(self->world->world, WHERRY_MILLISECONDS(100)),
                         WHERRY_OK);
    }
    wherry_stream_free(stream);
}

static void silence_ends_at_the_idle_limit_and_what_was_held_is_lost(void **state)
{
    const wherry_stream_options limits = { .size = sizeof(limits),
                                           .idle_timeout = WHERRY_SECONDS(1) };
    both *self = *state;
    int result;

    if (self->world == NULL)
        return;
    meet(self, &limits);
    wherry_simulation_partition(self->world->world, HERE, THERE, WHERRY_SECONDS(100));
    say(self->near, 0, LENGTH);
    do {
        result = wherry_stream_service(self->near);
        assert_int_equal(wherry_simulation_run(self->world->world, WHERRY_MILLISECONDS(10)),
                         WHERRY_OK);
        assert_int_equal(wherry_loop_tick(self->near_loop, WHERRY_MILLISECONDS(10)) >= 0, 1);
    } while (result == WHERRY_OK);
    assert_int_equal(result, WHERRY_E_IDLE);
    part(self);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

static int run(wherry_system *system, const char *name)
{
    const struct CMUnitTest tests[] = {
        TEST(reset_at_any_byte_is_never_taken_for_an_end),
        TEST(bytes_that_were_received_before_a_reset_stay),
        TEST(each_end_finishes_at_any_byte_and_both_have_all),
        TEST(two_that_stall_hold_what_their_buffers_hold_and_lose_nothing),
        TEST(address_without_a_host_is_waited_for_and_tried_again),
        TEST(silence_ends_at_the_idle_limit_and_what_was_held_is_lost),
    };

    used = system;
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int main(void)
{
    net_fill(pattern, sizeof(pattern), 0);
    return run(wherry_system_epoll(), "machine") + run(NULL, "world");
}
