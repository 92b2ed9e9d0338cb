/* The steps of hio's tests/core/tcp/test_tcp_wired.py: a server and its client share a log, in a
 * file and in memory; on sockets of the machine and in a world. Ports are the kernel's here, so
 * that the length of the text is worked out where hio knows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/folder.h"
#include "support/hall.h"

#define RX WHERRY_WIRELOG_RECEIVED
#define TX WHERRY_WIRELOG_SENT

static int set_up(void **state)
{
    if (folder_open(state) != 0)
        return -1;
    setenv("TMPDIR", folder(), 1);
    return hall_set_up(state);
}

static int tear_down(void **state)
{
    return hall_tear_down(state) | folder_close(state);
}

static wherry_stream *meet(hall *self, wherry_stream *beta)
{
    wherry_stream *there = NULL;

    while (there == NULL) {
        wherry_address own;

        assert_true(wherry_stream_service_connect(beta) >= 0);
        assert_true(wherry_roster_service_connects(self->roster) >= 0);
        if (wherry_stream_is_connected(beta)) {
            wherry_stream_local(beta, &own);
            there = wherry_roster_find(self->roster, &own);
        }
        if (there == NULL)
            hall_wait(self);
    }
    return there;
}

static void transmit(wherry_stream *from, const char *text)
{
    assert_int_equal(wherry_stream_send(from, wherry_text(text), WHERRY_NOW), WHERRY_OK);
}

/* Clears what was received, too. */
static void expect(wherry_stream *to, const char *text)
{
    const wherry_bytes bytes = wherry_stream_peek(to);

    assert_int_equal(bytes.length, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.length);
}

static void beta_sends(hall *self, wherry_stream *beta, wherry_stream *there, size_t length)
{
    while (wherry_stream_peek(there).length < length) {
        assert_true(wherry_stream_service_send(beta) >= 0);
        assert_true(wherry_roster_service_receives(self->roster) >= 0);
        if (wherry_stream_peek(there).length < length)
            hall_wait(self);
    }
}

static void server_sends(hall *self, wherry_stream *beta, size_t length)
{
    while (wherry_stream_peek(beta).length < length) {
        assert_true(wherry_roster_service_sends(self->roster) >= 0);
        assert_true(wherry_stream_service_receive(beta) >= 0);
        if (wherry_stream_peek(beta).length < length)
            hall_wait(self);
    }
}

static void talk(hall *self, wherry_stream *beta, wherry_stream *there)
{
    const char *first = "Beta sends to Server first", *second = "Beta sends to Server second";
    const char *third = "Beta sends to Server third", *back = "Server sends to Beta";
    char all[128];

    transmit(beta, first);
    beta_sends(self, beta, there, strlen(first));
    expect(there, first);
    transmit(beta, second);
    transmit(beta, third);
    (void)snprintf(all, sizeof(all), "%s%s%s", first, second, third);
    beta_sends(self, beta, there, strlen(all));
    expect(there, all);
    wherry_stream_consume(there, strlen(all));
    transmit(there, back);
    server_sends(self, beta, strlen(back));
    expect(beta, back);
    wherry_stream_consume(beta, strlen(back));
}

/* Three records have the server's address, and three that of beta. */
static void check_log(const hall *self, const wherry_stream *beta, wherry_wirelog *log)
{
    char here[WHERRY_ADDRESS_TEXT_SIZE], there[WHERRY_ADDRESS_TEXT_SIZE], expected[4096];
    wherry_address own;
    wherry_bytes text;

    wherry_stream_local(beta, &own);
    (void)wherry_address_format(&own, here, sizeof(here));
    (void)wherry_address_format(&self->address, there, sizeof(there));
    (void)snprintf(expected, sizeof(expected),
                   "\nTx %s:\nBeta sends to Server first\n"
                   "\nRx %s:\nBeta sends to Server first\n"
                   "\nTx %s:\nBeta sends to Server secondBeta sends to Server third\n"
                   "\nRx %s:\nBeta sends to Server secondBeta sends to Server third\n"
                   "\nTx %s:\nServer sends to Beta\n"
                   "\nRx %s:\nServer sends to Beta\n",
                   there, here, there, here, here, there);
    for (int direction = RX; direction <= TX; direction++) {
        assert_int_equal(wherry_wirelog_read(log, (wherry_wirelog_direction)direction, &text),
                         WHERRY_OK);
        assert_int_equal(text.length, strlen(expected));
        assert_memory_equal(text.data, expected, text.length);
    }
    assert_int_equal(strlen(expected), 240 + 3 * strlen(here) + 3 * strlen(there));
}

static void service_with(hall *self, wherry_wirelog_form form)
{
    const wherry_address any = { .family = WHERRY_FAMILY_IPV4 };
    wherry_stream_options options = { .size = sizeof(options) };
    wherry_stream *beta, *there;
    wherry_wirelog *log;

    assert_int_equal(wherry_wirelog_new(&log, .loop = self->world.loop, .form = form, .together = 1,
                                        .temporary = 1, .name = "test"),
                     WHERRY_OK);
    assert_int_equal(wherry_wirelog_open(log, 0), WHERRY_OK);
    options.wirelog = log;
    assert_int_equal(wherry_roster_new(&self->roster, .loop = self->world.loop, .address = &any,
                                       .stream = &options),
                     WHERRY_OK);
    assert_int_equal(wherry_roster_open(self->roster), WHERRY_OK);
    wherry_roster_external(self->roster, &self->address);
    assert_int_equal(
        wherry_stream_dial(&beta, &self->address, .loop = self->world.loop, .stream = &options),
        WHERRY_OK);
    assert_int_equal(wherry_stream_open(beta), WHERRY_OK);
    there = meet(self, beta);
    talk(self, beta, there);
    check_log(self, beta, log);
    wherry_stream_free(beta);
    hall_free(self);
    assert_true(wherry_wirelog_is_open(log));
    wherry_wirelog_close(log, 0);
    assert_false(wherry_wirelog_is_open(log));
    assert_string_equal(folder_list(folder()), "");
    wherry_wirelog_free(log);
}

static void server_and_client_share_a_file(void **state)
{
    service_with(*state, WHERRY_WIRELOG_TEXT);
}

static void server_and_client_share_a_text_in_memory(void **state)
{
    service_with(*state, WHERRY_WIRELOG_MEMORY);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(server_and_client_share_a_file),
        TEST(server_and_client_share_a_text_in_memory),
    };

    return HALL_RUN(tests);
}
