/* Sending whole messages: what goes over the wire, and in how many writes. What happens when the
 * other end does not read, or has gone, is in send_wait.c. */
#include <wherry.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "support/pair.h"

static int send_text(peer_pair *pair, const char *text)
{
    return wherry_peer_send(pair->peer, wherry_text(text), WHERRY_NOW);
}

/* --- what goes over the wire */

static void assert_sends(const char *name, const char *text, const char *wire, size_t length)
{
    wherry_protocol *protocol;
    char got[64];
    peer_pair pair;

    assert_int_equal(wherry_protocol_new(&protocol, .name = name), WHERRY_OK);
    pair_open(&pair, .protocol = protocol);
    assert_int_equal(send_text(&pair, text), WHERRY_OK);
    assert_int_equal(send_text(&pair, text), WHERRY_OK);
    wire_settle(pair.loop);
    assert_int_equal(recv(pair.wire, got, sizeof(got), 0), 2 * length);
    assert_memory_equal(got, wire, length);
    assert_memory_equal(got + length, wire, length);
    pair_close(&pair);
    wherry_protocol_free(protocol);
}

static void every_framing(void **state)
{
    (void)state;
    assert_sends("raw", "abc", "abc", 3);
    assert_sends("lines", "abc", "abc\n", 4);
    assert_sends("lines", "", "\n", 1);
    assert_sends("crlf", "abc", "abc\r\n", 5);
    assert_sends("cr", "abc", "abc\r", 4);
    assert_sends("separator:--", "abc", "abc--", 5);
    assert_sends("fixed:3", "abc", "abc", 3);
    assert_sends("length8", "abc", "\003abc", 4);
    assert_sends("length8", "", "\000", 1);
    assert_sends("length16", "abc", "\000\003abc", 5);
    assert_sends("length32", "abc", "\000\000\000\003abc", 7);
    assert_sends("length64", "abc", "\0\0\0\0\0\0\0\003abc", 11);
    assert_sends("length16-le", "abc", "\003\000abc", 5);
    assert_sends("length32-le", "abc", "\003\000\000\000abc", 7);
    assert_sends("length64-le", "abc", "\003\0\0\0\0\0\0\0abc", 11);
}

static void an_empty_raw_message_is_nothing(void **state)
{
    peer_pair pair;

    (void)state;
    pair_open(&pair, .protocol = &wherry_raw);
    assert_int_equal(send_text(&pair, ""), WHERRY_OK);
    assert_int_equal(send_text(&pair, "a"), WHERRY_OK);
    wire_expect(pair.loop, pair.wire, "a");
    pair_close(&pair);
}

static void a_message_may_lie_in_sixteen_parts(void **state)
{
    wherry_bytes parts[17];
    peer_pair pair;

    (void)state;
    for (size_t i = 0; i < 17; i++)
        parts[i] = wherry_bytes_at(&"abcdefghijklmnopq"[i], i == 3 ? 0 : 1);
    pair_open(&pair, .protocol = &wherry_length8);
    assert_int_equal(wherry_peer_send_parts(pair.peer, parts, 17, WHERRY_NOW), WHERRY_E_MISUSE);
    assert_int_equal(wherry_peer_send_parts(pair.peer, parts, 16, WHERRY_NOW), WHERRY_OK);
    wire_expect(pair.loop, pair.wire, "\017abcefghijklmnop");
    assert_int_equal(wherry_peer_send_parts(pair.peer, parts, 2, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_peer_send_parts(pair.peer, NULL, 0, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_peer_send_parts(pair.peer, parts + 3, 1, WHERRY_NOW), WHERRY_OK);
    wire_settle(pair.loop);
    assert_int_equal(wire_read(pair.loop, pair.wire, 1, 2), 0);
    wire_expect(pair.loop, pair.wire, "ab");
    assert_int_equal(wire_read(pair.loop, pair.wire, 2, 0), 0);
    pair_close(&pair);
}

/* --- what does not */

static void a_message_over_the_limit_is_refused(void **state)
{
    const wherry_bytes endless[2] = { { (const uint8_t *)"", SIZE_MAX },
                                      { (const uint8_t *)"a", 1 } };
    wherry_bytes parts[2] = { wherry_text("abc"), wherry_text("de") };
    wherry_protocol *protocol;
    peer_pair pair;

    (void)state;
    assert_int_equal(wherry_protocol_new(&protocol, .name = "lines", .message_size_max = 4),
                     WHERRY_OK);
    pair_open(&pair, .protocol = protocol);
    assert_int_equal(send_text(&pair, "1234"), WHERRY_OK);
    assert_int_equal(send_text(&pair, "12345"), WHERRY_E_TOO_LARGE);
    assert_string_equal(wherry_problem(), "a message of 5 bytes, over the limit of 4");
    assert_int_equal(wherry_peer_send_parts(pair.peer, parts, 2, WHERRY_NOW), WHERRY_E_TOO_LARGE);
    assert_int_equal(wherry_peer_send_parts(pair.peer, endless, 2, WHERRY_NOW), WHERRY_E_TOO_LARGE);
    assert_int_equal(send_text(&pair, "5"), WHERRY_OK);
    wire_expect(pair.loop, pair.wire, "1234\n5\n");
    pair_close(&pair);
    wherry_protocol_free(protocol);
}

static void assert_cannot_carry(const char *name, const char *text)
{
    wherry_protocol *protocol;
    peer_pair pair;

    assert_int_equal(wherry_protocol_new(&protocol, .name = name), WHERRY_OK);
    pair_open(&pair, .protocol = protocol);
    assert_int_equal(send_text(&pair, text), WHERRY_E_INVALID);
    assert_int_equal(send_text(&pair, "abc"), WHERRY_OK);
    wire_expect(pair.loop, pair.wire, "abc");
    pair_close(&pair);
    wherry_protocol_free(protocol);
}

static void what_a_framing_cannot_carry_is_refused(void **state)
{
    (void)state;
    assert_cannot_carry("lines", "a\nb");
    assert_cannot_carry("lines", "ab\r");
    assert_cannot_carry("crlf", "a\r\nb");
    assert_cannot_carry("cr", "a\rb");
    assert_cannot_carry("separator:--", "a--b");
    assert_cannot_carry("separator:--", "a-");
    assert_cannot_carry("fixed:3", "ab");
    assert_cannot_carry("fixed:3", "abcd");
}

static void without_memory_nothing_is_sent(void **state)
{
    peer_pair pair;

    (void)state;
    pair_open(&pair, .protocol = &wherry_lines);
    pair.memory.fail_at = pair.memory.calls + 1;
    assert_int_equal(send_text(&pair, "a"), WHERRY_E_NO_MEMORY);
    assert_int_equal(pair.memory.failures, 1);
    assert_int_equal(send_text(&pair, "b"), WHERRY_OK);
    wire_expect(pair.loop, pair.wire, "b\n");
    pair_close(&pair);
}

/* --- in how many calls */

static void sixteen_messages_cost_one_receive_and_one_send(void **state)
{
    peer_pair pair;
    wherry_task *task;
    size_t receives;

    (void)state;
    pair_open(&pair, .kind = PAIR_IPV4, .protocol = &wherry_lines);
    task = pair_spawn(&pair, pair_echo_all, &pair);
    wire_settle(pair.loop);
    receives = wherry_faulty_calls(pair.system, WHERRY_CALL_RECEIVE);
    wire_push(pair.loop, pair.wire,
              wherry_text("1\n2\n3\n4\n5\n6\n7\n8\n9\na\nb\nc\nd\ne\nf\ng\n"));
    wire_expect(pair.loop, pair.wire, "1\n2\n3\n4\n5\n6\n7\n8\n9\na\nb\nc\nd\ne\nf\ng\n");
    assert_int_equal(wherry_faulty_calls(pair.system, WHERRY_CALL_RECEIVE), receives + 1);
    assert_int_equal(wherry_faulty_calls(pair.system, WHERRY_CALL_SEND), 1);
    pair_hang_up(&pair);
    assert_int_equal(pair_join(&pair, task), WHERRY_E_END);
    pair_close(&pair);
}

/* A flood of messages small and large, of which the larger ones go out of the receive buffer as
 * they lie; the reader takes its time. */
static void an_echo_of_a_flood_is_the_flood(void **state)
{
    static const size_t sizes[] = { 0, 1, 100, 1023, 1024, 5000, 8191, 8192, 20000, 70000, 3 };
    size_t length = 0, read = 0;
    char *flood = malloc(2 << 20), *back = malloc(2 << 20);
    wherry_task *task;
    peer_pair pair;

    (void)state;
    assert_non_null(flood);
    assert_non_null(back);
    for (size_t round = 0; round < 8; round++)
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            for (size_t j = 0; j < sizes[i]; j++)
                flood[length++] = (char)('a' + (round * 5 + i * 3 + j) % 26);
            flood[length++] = '\n';
        }
    pair_open(&pair, .kind = PAIR_UNIX, .protocol = &wherry_lines);
    task = pair_spawn(&pair, pair_echo_all, &pair);
    for (size_t sent = 0; read < length;) {
        ssize_t result = send(pair.wire, flood + sent, length - sent, MSG_NOSIGNAL);

        sent += result > 0 ? (size_t)result : 0;
        wire_settle(pair.loop);
        result = recv(pair.wire, back + read, 10000, 0);
        assert_true(result > 0 || (result < 0 && errno == EAGAIN));
        read += result > 0 ? (size_t)result : 0;
    }
    assert_int_equal(read, length);
    assert_memory_equal(flood, back, length);
    pair_hang_up(&pair);
    assert_int_equal(pair_join(&pair, task), WHERRY_E_END);
    pair_close(&pair);
    free(flood);
    free(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_framing),
        cmocka_unit_test(an_empty_raw_message_is_nothing),
        cmocka_unit_test(a_message_may_lie_in_sixteen_parts),
        cmocka_unit_test(a_message_over_the_limit_is_refused),
        cmocka_unit_test(what_a_framing_cannot_carry_is_refused),
        cmocka_unit_test(without_memory_nothing_is_sent),
        cmocka_unit_test(sixteen_messages_cost_one_receive_and_one_send),
        cmocka_unit_test(an_echo_of_a_flood_is_the_flood),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
