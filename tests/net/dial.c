/* Dialled streams: attempts to connect, in calls that never wait; what fails and is told; and with
 * which options. The times of attempts and opening anew have files of their own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/service.h>

#include "support/dialled.h"
#include "support/serviced.h"

static const net_kind kinds[] = { NET_TCP4, NET_TCP6, NET_UNIX };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Passes until there is another answer than "not yet". */
static int fail_it(dialled *self)
{
    int result;

    do
        result = wherry_stream_service_connect(self->stream);
    while (result == 0);
    return result;
}

/* --- connecting */

static void it_connects_when_it_is_serviced_and_not_before(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        wherry_address address;
        dialled self;

        dialled_new(&self, world, kinds[i], .timeout = 0);
        assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_SOCKET), i);
        serviced_expect_closed(self.stream);
        assert_int_equal(wherry_stream_descriptor(self.stream), -1);
        wherry_stream_remote(self.stream, &address);
        assert_true(wherry_address_equal(&address, &self.address));
        wherry_stream_local(self.stream, &address);
        assert_int_equal(address.family, WHERRY_FAMILY_NONE);
        dialled_say(&self, "early ");
        assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
        assert_int_equal(wherry_stream_is_open(self.stream), 1);
        assert_int_equal(wherry_stream_is_connected(self.stream), 0);
        assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CONNECT), i);
        dialled_say(&self, "bytes");
        dialled_connect(&self);
        assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CONNECT), i + 1);
        assert_int_equal(wherry_stream_is_connected(self.stream), 1);
        assert_int_equal(wherry_stream_service_connect(self.stream), 1);
        if (kinds[i] != NET_UNIX) {
            wherry_stream_local(self.stream, &address);
            assert_int_equal(address.family, self.address.family);
            assert_true(address.port != 0);
        }
        dialled_hear(&self, "early bytes");
        dialled_close(&self);
    }
}

static void before_it_is_connected_nothing_else_can_be_done_with_it(void **state)
{
    net *world = *state;
    dialled self;
    uint8_t byte;
    size_t send = 1, receive = 1;

    dialled_new(&self, world, NET_TCP4, .timeout = 0);
    assert_int_equal(wherry_stream_buffers(self.stream, &send, &receive), WHERRY_OK);
    assert_true(send == 0 && receive == 0);
    assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_E_MISUSE);
    dialled_say(&self, "all the same");
    for (int opened = 0; opened < 2; opened++) {
        assert_int_equal(wherry_stream_receive_past(self.stream, &byte, 1), WHERRY_E_MISUSE);
        assert_int_equal(wherry_stream_send_past(self.stream, wherry_text("x")), WHERRY_E_MISUSE);
        assert_int_equal(wherry_stream_shutdown_receive(self.stream), WHERRY_E_MISUSE);
        assert_int_equal(wherry_stream_unservice(self.stream), WHERRY_E_MISUSE);
        assert_int_equal(wherry_stream_refresh(self.stream), WHERRY_OK);
        assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
        assert_int_equal(wherry_stream_service_send(self.stream), 0);
        assert_int_equal(wherry_stream_service_receive(self.stream), 0);
    }
    assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_E_MISUSE);
    dialled_close(&self);
}

static void what_connect_answers_is_followed(void **state)
{
    const int numbers[] = { EINTR, EINPROGRESS, EALREADY };
    net *world = *state;

    for (size_t i = 0; i < 3; i++) {
        dialled self;

        dialled_new(&self, world, NET_TCP4, .timeout = 0);
        wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = numbers[i], .made = 1,
                           .first = 1, .count = 1);
        dialled_open(&self);
        /* once each */
        assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CONNECT), i + 1);
        dialled_say(&self, "hello");
        dialled_hear(&self, "hello");
        dialled_close(&self);
    }
}

static void full_backlog_of_a_unix_listener_is_tried_again(void **state)
{
    net *world = *state;
    dialled self;

    dialled_new(&self, world, NET_UNIX, .timeout = 0);
    wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = EAGAIN, .first = 1,
                       .count = 2);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_is_connected(self.stream), 0);
    dialled_connect(&self);
    dialled_close(&self);
}

static void failures_are_reported_with_their_codes(void **state)
{
    const struct {
        int number, code;
    } cases[] = { { ECONNREFUSED, WHERRY_E_REFUSED },     { ENETUNREACH, WHERRY_E_UNREACHABLE },
                  { EACCES, WHERRY_E_PROHIBITED },        { EADDRNOTAVAIL, WHERRY_E_NO_ADDRESS },
                  { ETIMEDOUT, WHERRY_E_TIMED_OUT },      { ECONNRESET, WHERRY_E_RESET },
                  { EHOSTUNREACH, WHERRY_E_UNREACHABLE }, { EINVAL, WHERRY_E_UNREACHABLE } };
    net *world = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        dialled self;

        dialled_new(&self, world, NET_TCP4, .timeout = 0);
        wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = cases[i].number,
                           .first = 1, .count = 1);
        assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
        dialled_say(&self, "kept");
        assert_int_equal(fail_it(&self), cases[i].code);
        assert_int_equal(wherry_stream_service(self.stream), cases[i].code); /* again each time */
        assert_int_equal(wherry_stream_service_send(self.stream), cases[i].code);
        assert_int_equal(wherry_stream_service_receive(self.stream), cases[i].code);
        assert_int_equal(wherry_stream_end(self.stream), cases[i].code);
        assert_string_not_equal(wherry_stream_problem(self.stream), "");
        assert_int_equal(wherry_stream_is_open(self.stream), 0);
        assert_int_equal(wherry_stream_unsent(self.stream), 4);
        dialled_open(&self); /* what was queued is for the next connection */
        assert_string_equal(wherry_stream_problem(self.stream), "");
        dialled_hear(&self, "kept");
        dialled_close(&self);
    }
}

static void nobody_there_is_refused(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        dialled self;

        dialled_new_to_nobody(&self, world, kinds[i], .timeout = WHERRY_SECONDS(60));
        assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
        assert_int_equal(fail_it(&self),
                         kinds[i] == NET_UNIX ? WHERRY_E_NOT_FOUND : WHERRY_E_REFUSED);
        dialled_close(&self);
    }
}

static void reset_before_the_first_look_is_a_failure_to_connect(void **state)
{
    net *world = *state;
    dialled self;
    int result;

    dialled_new(&self, world, NET_TCP4, .timeout = 0);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_OK);
    wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = EINTR, .made = 1, .first = 1,
                       .count = 1);
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_OK); /* it began */
    self.far = accept(self.listener, NULL, NULL);
    net_reset(self.far);
    self.far = -1;
    do
        result = wherry_stream_service(self.stream);
    while (result == WHERRY_OK);
    assert_int_equal(result, WHERRY_E_RESET);
    dialled_close(&self);
}

/* --- options */

static void options_of_the_socket_hold_for_each_attempt(void **state)
{
    wherry_address local = { .family = WHERRY_FAMILY_IPV4, .at.ipv4 = { 127, 0, 0, 2 } };
    wherry_socket_options socket = { .size = sizeof(socket), .local = &local, .keepalive = 1 };
    wherry_stream_options limits = { .socket = &socket, .delay = 1 };
    net *world = *state;
    dialled self;

    dialled_new(&self, world, NET_TCP4, .stream = &limits);
    memset(&local, 0xff, sizeof(local)); /* they were copied */
    memset(&socket, 0xff, sizeof(socket));
    memset(&limits, 0xff, sizeof(limits));
    for (int round = 0; round < 2; round++) {
        wherry_address address;

        dialled_open(&self);
        wherry_stream_local(self.stream, &address);
        assert_int_equal(address.at.ipv4[3], 2);
        dialled_hang_up(&self);
    }
    assert_int_equal(wherry_stream_wind(self.stream, NULL), WHERRY_OK);
    dialled_close(&self);
}

static void wrong_option_of_the_socket_is_told_when_it_is_opened(void **state)
{
    const wherry_socket_options socket = { .size = sizeof(socket), .dscp = 64 };
    const wherry_stream_options limits = { .socket = &socket };
    net *world = *state;
    dialled self;

    dialled_new(&self, world, NET_TCP4, .stream = &limits);
    assert_int_equal(wherry_stream_open(self.stream), WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "option dscp"));
    assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_CLOSED);
    dialled_close(&self);
}

static void what_makes_no_sense_is_refused_by_name(void **state)
{
    wherry_stream_events events = { .received = NULL };
    const wherry_socket_options long_name = { .size = sizeof(long_name),
                                              .device = "a-name-of-16-byt" };
    const wherry_stream_options wrong[] = {
        { .events = &events }, { .descriptor = 3 }, { .idle_timeout = -1 }, { .socket = &long_name }
    };
    const char *names[] = { "events", "descriptor", "idle_timeout", "option device" };
    net *world = *state;
    wherry_stream *stream = NULL;
    wherry_address address;
    int listener = net_listen(NET_TCP4, 1, &address);
    wherry_address nowhere = address;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(
            wherry_stream_dial(&stream, &address, .loop = world->loop, .stream = &wrong[i]),
            WHERRY_E_MISUSE);
        assert_non_null(strstr(wherry_problem(), names[i]));
    }
    assert_int_equal(wherry_stream_dial(&stream, &address, .loop = world->loop, .timeout = -1),
                     WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "timeout"));
    assert_int_equal(wherry_stream_dial(NULL, &address, .loop = world->loop), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_dial(&stream, &address, .timeout = 1), WHERRY_E_MISUSE);
    nowhere.port = 0;
    assert_int_equal(wherry_stream_dial(&stream, &nowhere, .loop = world->loop), WHERRY_E_INVALID);
    assert_int_equal(wherry_stream_dial(&stream, NULL, .loop = world->loop), WHERRY_E_INVALID);
    assert_int_equal(
        wherry_stream_connect(&stream, &address, WHERRY_NOW, .loop = world->loop, .serviced = 1),
        WHERRY_E_MISUSE);
    assert_null(stream);
    assert_int_equal(close(listener), 0);
}

/* --- memory */

static int scenario(wherry_memory *memory)
{
    wherry_address address;
    wherry_stream *stream;
    wherry_loop *loop;
    int listener = net_listen(NET_UNIX, 1, &address);
    int result = wherry_loop_new(&loop, .memory = memory);

    if (result == WHERRY_OK) {
        result = wherry_stream_dial(&stream, &address, .loop = loop);
        if (result == WHERRY_OK) {
            result = wherry_stream_send(stream, wherry_text("x"), WHERRY_NOW);
            if (result == WHERRY_OK)
                result = wherry_stream_open(stream);
            while (result == WHERRY_OK && !wherry_stream_is_connected(stream))
                result = wherry_stream_service(stream);
            if (result == WHERRY_OK)
                result = wherry_stream_open(stream);
            if (result == WHERRY_OK)
                result = wherry_stream_service(stream);
            wherry_stream_free(stream);
        }
        wherry_loop_free(loop);
    }
    assert_int_equal(close(listener), 0);
    assert_int_equal(unlink(address.at.path), 0);
    return result;
}

static void whatever_allocation_fails_is_told(void **state)
{
    (void)state;
    assert_true(failing_memory_try(scenario) >= 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(it_connects_when_it_is_serviced_and_not_before),
        NET_TEST(before_it_is_connected_nothing_else_can_be_done_with_it),
        NET_TEST(what_connect_answers_is_followed),
        NET_TEST(full_backlog_of_a_unix_listener_is_tried_again),
        NET_TEST(failures_are_reported_with_their_codes),
        NET_TEST(nobody_there_is_refused),
        NET_TEST(reset_before_the_first_look_is_a_failure_to_connect),
        NET_TEST(options_of_the_socket_hold_for_each_attempt),
        NET_TEST(wrong_option_of_the_socket_is_told_when_it_is_opened),
        NET_TEST(what_makes_no_sense_is_refused_by_name),
        cmocka_unit_test(whatever_allocation_fails_is_told),
    };

    return NET_RUN(tests);
}
