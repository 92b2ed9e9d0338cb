/* Sending whole messages: what goes over the wire, in how many writes, and what happens when the
 * other end does not read. */
#include <wherry.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop/loop.h"
#include "peer/peer.h"
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

/* --- when the other end does not read */

#define PIECE 1000

static int send_piece(peer_pair *pair, int64_t deadline)
{
    static const char piece[PIECE] = { 0 };

    return wherry_peer_send(pair->peer, wherry_bytes_at(piece, sizeof(piece)), deadline);
}

/* Sends until there is no room; returns how many went. */
static size_t fill(peer_pair *pair)
{
    size_t count = 0;
    int result;

    while ((result = send_piece(pair, WHERRY_NOW)) == WHERRY_OK) {
        count++;
        wire_settle(pair->loop);
    }
    assert_int_equal(result, WHERRY_E_WOULD_BLOCK);
    return count;
}

static void read_pieces(peer_pair *pair, size_t count)
{
    assert_int_equal(wire_read(pair->loop, pair->wire, count * PIECE, 0), 0);
}

static const wherry_stream_options small = { .size = sizeof(small), .send_max = 10 * PIECE };

static int send_later(void *argument)
{
    return send_piece(argument, WHERRY_NEVER);
}

static int send_for_a_second(void *argument)
{
    return send_piece(argument, wherry_in(WHERRY_SECONDS(1)));
}

static int send_at_once(void *argument)
{
    return send_piece(argument, wherry_in(0));
}

static void a_full_buffer_makes_sends_wait(void **state)
{
    peer_pair pair;
    wherry_task *tasks[3];
    size_t count, bytes;

    (void)state;
    pair_open(&pair, .protocol = &wherry_raw, .limits = &small);
    count = fill(&pair);
    bytes = pair.memory.bytes;
    assert_in_range(wherry_stream_unsent(wherry_peer_stream(pair.peer)), 9 * PIECE + 1, 10 * PIECE);
    assert_int_equal(send_piece(&pair, WHERRY_NEVER), WHERRY_E_MISUSE); /* not on a coroutine */
    assert_int_equal(pair_join(&pair, pair_spawn(&pair, send_at_once, &pair)), WHERRY_E_TIMED_OUT);
    tasks[0] = pair_spawn(&pair, send_for_a_second, &pair);
    tasks[1] = pair_spawn(&pair, send_later, &pair);
    tasks[2] = pair_spawn(&pair, send_later, &pair);
    wire_settle(pair.loop);
    wherry_task_cancel(tasks[1]);
    assert_int_equal(pair_join(&pair, tasks[1]), WHERRY_E_CANCELED);
    wire_advance(pair.loop, WHERRY_SECONDS(1));
    assert_int_equal(pair_join(&pair, tasks[0]), WHERRY_E_TIMED_OUT);
    assert_false(wherry_task_ended(tasks[2]));
    assert_in_range(pair.memory.bytes, 0, bytes + 10000);
    read_pieces(&pair, count);
    assert_int_equal(pair_join(&pair, tasks[2]), WHERRY_OK);
    read_pieces(&pair, 1); /* and of the others nothing came */
    assert_int_equal(wherry_stream_unsent(wherry_peer_stream(pair.peer)), 0);
    pair_close(&pair);
}

typedef struct sender {
    peer_pair *pair;
    char byte;
} sender;

static int send_mine(void *argument)
{
    sender *this = argument;
    char piece[3 * PIECE];

    memset(piece, this->byte, sizeof(piece));
    return wherry_peer_send(this->pair->peer, wherry_bytes_at(piece, sizeof(piece)), WHERRY_NEVER);
}

static void waiting_messages_go_out_whole_in_the_order_of_the_calls(void **state)
{
    sender senders[8];
    wherry_task *tasks[8];
    peer_pair pair;
    size_t count;

    (void)state;
    pair_open(&pair, .protocol = &wherry_raw, .limits = &small);
    count = fill(&pair);
    for (int i = 0; i < 8; i++) {
        senders[i] = (sender){ &pair, (char)('a' + i) };
        tasks[i] = pair_spawn(&pair, send_mine, &senders[i]);
    }
    read_pieces(&pair, count);
    for (int i = 0; i < 8; i++)
        assert_int_equal(wire_read(pair.loop, pair.wire, 3 * PIECE, 'a' + i), 0);
    for (int i = 0; i < 8; i++)
        assert_int_equal(pair_join(&pair, tasks[i]), WHERRY_OK);
    pair_close(&pair);
}

static int send_canceled(void *argument)
{
    wherry_task_cancel(wherry_task_current());
    return send_piece(argument, WHERRY_NEVER);
}

static void a_canceled_task_still_sends_what_fits(void **state)
{
    peer_pair pair;
    size_t count;

    (void)state;
    pair_open(&pair, .protocol = &wherry_raw, .limits = &small);
    assert_int_equal(pair_join(&pair, pair_spawn(&pair, send_canceled, &pair)), WHERRY_OK);
    count = fill(&pair) + 1;
    assert_int_equal(pair_join(&pair, pair_spawn(&pair, send_canceled, &pair)), WHERRY_E_CANCELED);
    read_pieces(&pair, count);
    pair_close(&pair);
}

/* A message larger than the whole buffer is taken when the buffer is empty. */
static void a_message_larger_than_the_buffer_goes(void **state)
{
    size_t length = (size_t)1 << 20;
    char *message = calloc(1, length);
    peer_pair pair;

    (void)state;
    assert_non_null(message);
    pair_open(&pair, .kind = PAIR_IPV4, .protocol = &wherry_raw, .limits = &small);
    assert_int_equal(wherry_peer_send(pair.peer, wherry_bytes_at(message, length), WHERRY_NOW),
                     WHERRY_OK);
    memset(message, 'x', length); /* it was copied, or is with the kernel */
    assert_int_equal(wire_read(pair.loop, pair.wire, length, 0), 0);
    pair_close(&pair);
    free(message);
}

/* --- flush */

static int flush_later(void *argument)
{
    return wherry_peer_flush(((peer_pair *)argument)->peer, WHERRY_NEVER);
}

static int flush_for_a_second(void *argument)
{
    return wherry_peer_flush(((peer_pair *)argument)->peer, wherry_in(WHERRY_SECONDS(1)));
}

static void a_flush_waits_until_the_kernel_has_all(void **state)
{
    peer_pair pair;
    wherry_task *tasks[2];
    size_t count;

    (void)state;
    pair_open(&pair, .protocol = &wherry_raw, .limits = &small);
    assert_int_equal(wherry_peer_flush(pair.peer, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(send_text(&pair, "abc"), WHERRY_OK);
    assert_int_equal(wherry_peer_flush(pair.peer, WHERRY_NOW), WHERRY_OK); /* it has room */
    wire_expect(pair.loop, pair.wire, "abc");
    count = fill(&pair);
    assert_int_equal(wherry_peer_flush(pair.peer, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_peer_flush(pair.peer, WHERRY_NEVER), WHERRY_E_MISUSE);
    tasks[0] = pair_spawn(&pair, flush_later, &pair);
    tasks[1] = pair_spawn(&pair, flush_for_a_second, &pair);
    wire_advance(pair.loop, WHERRY_SECONDS(1));
    assert_int_equal(pair_join(&pair, tasks[1]), WHERRY_E_TIMED_OUT);
    assert_false(wherry_task_ended(tasks[0]));
    read_pieces(&pair, count);
    assert_int_equal(pair_join(&pair, tasks[0]), WHERRY_OK);
    pair_close(&pair);
}

/* --- the end */

static void a_shutdown_is_told_behind_all_that_was_sent(void **state)
{
    peer_pair pair;
    size_t count;

    (void)state;
    pair_open(&pair, .kind = PAIR_UNIX, .protocol = &wherry_raw, .limits = &small);
    count = fill(&pair);
    assert_int_equal(wherry_peer_shutdown(pair.peer), WHERRY_OK);
    assert_int_equal(wherry_peer_shutdown(pair.peer), WHERRY_OK);
    assert_int_equal(send_text(&pair, "a"), WHERRY_E_MISUSE);
    read_pieces(&pair, count);
    wire_say(pair.wire, "still"); /* receiving goes on */
    pair_expect(&pair, "still");
    wire_expect_end(pair.loop, pair.wire, 0);
    pair.wire = -1;
    assert_int_equal(pair_receive(&pair), WHERRY_E_END);
    pair_close(&pair);
}

static void a_close_lets_out_what_was_sent(void **state)
{
    peer_pair pair;
    size_t count;

    (void)state;
    pair_open(&pair, .protocol = &wherry_raw, .limits = &small);
    count = fill(&pair);
    wherry_peer_close(pair.peer);
    pair.peer = NULL;
    read_pieces(&pair, count);
    wire_expect_end(pair.loop, pair.wire, 0);
    pair.wire = -1;
    pair_close(&pair);
}

static void an_abort_throws_it_away(void **state)
{
    peer_pair pair;

    (void)state;
    pair_open(&pair, .kind = PAIR_IPV4, .protocol = &wherry_raw);
    assert_int_equal(send_text(&pair, "unsent"), WHERRY_OK);
    wherry_peer_abort(pair.peer);
    pair.peer = NULL;
    wire_expect_end(pair.loop, pair.wire, ECONNRESET);
    pair.wire = -1;
    pair_close(&pair);
}

static void close_under(void (*end)(wherry_peer *peer), wherry_body *body)
{
    wherry_task *task;
    peer_pair pair;

    pair_open(&pair, .protocol = &wherry_raw, .limits = &small);
    (void)fill(&pair);
    task = pair_spawn(&pair, body, &pair);
    wire_settle(pair.loop);
    assert_false(wherry_task_ended(task));
    end(pair.peer); /* the only hold, but for that of who waits */
    pair.peer = NULL;
    assert_int_equal(pair_join(&pair, task), WHERRY_E_CLOSED);
    pair_close(&pair);
}

static void a_close_wakes_who_waits_to_send(void **state)
{
    (void)state;
    close_under(wherry_peer_close, send_later);
    close_under(wherry_peer_abort, send_later);
    close_under(wherry_peer_close, flush_later);
    close_under(wherry_peer_abort, flush_later);
}

static void a_reset_shows_at_the_next_calls(void **state)
{
    wherry_task *task;
    peer_pair pair;

    (void)state;
    pair_open(&pair, .kind = PAIR_IPV4, .protocol = &wherry_raw, .limits = &small);
    (void)fill(&pair);
    task = pair_spawn(&pair, send_later, &pair);
    wire_settle(pair.loop);
    wire_reset(pair.wire);
    pair.wire = -1;
    assert_int_equal(pair_join(&pair, task), WHERRY_E_RESET);
    assert_int_equal(send_text(&pair, "a"), WHERRY_E_RESET);
    assert_int_equal(wherry_peer_flush(pair.peer, WHERRY_NOW), WHERRY_E_RESET);
    assert_int_equal(wherry_peer_shutdown(pair.peer), WHERRY_E_RESET);
    pair_close(&pair);
}

static void an_idle_time_shows_at_the_next_send(void **state)
{
    const wherry_stream_options limits = { .size = sizeof(limits), .idle_timeout = 1000 };
    peer_pair pair;

    (void)state;
    pair_open(&pair, .protocol = &wherry_raw, .limits = &limits);
    wire_advance(pair.loop, 1000);
    assert_int_equal(send_text(&pair, "a"), WHERRY_E_IDLE);
    assert_int_equal(wherry_peer_flush(pair.peer, WHERRY_NOW), WHERRY_E_IDLE);
    pair_close(&pair);
}

static void a_closed_peer_sends_nothing(void **state)
{
    peer_pair pair;

    (void)state;
    pair_open(&pair, .protocol = &wherry_raw);
    wherry_peer_hold(pair.peer);
    wherry_peer_close(pair.peer);
    assert_int_equal(send_text(&pair, "a"), WHERRY_E_CLOSED);
    assert_int_equal(send_text(&pair, ""), WHERRY_E_CLOSED);
    assert_int_equal(wherry_peer_flush(pair.peer, WHERRY_NOW), WHERRY_E_CLOSED);
    assert_int_equal(wherry_peer_shutdown(pair.peer), WHERRY_E_CLOSED);
    wherry_peer_release(pair.peer);
    pair.peer = NULL;
    pair_close(&pair);
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
        cmocka_unit_test(a_full_buffer_makes_sends_wait),
        cmocka_unit_test(waiting_messages_go_out_whole_in_the_order_of_the_calls),
        cmocka_unit_test(a_canceled_task_still_sends_what_fits),
        cmocka_unit_test(a_message_larger_than_the_buffer_goes),
        cmocka_unit_test(a_flush_waits_until_the_kernel_has_all),
        cmocka_unit_test(a_shutdown_is_told_behind_all_that_was_sent),
        cmocka_unit_test(a_close_lets_out_what_was_sent),
        cmocka_unit_test(an_abort_throws_it_away),
        cmocka_unit_test(a_close_wakes_who_waits_to_send),
        cmocka_unit_test(a_reset_shows_at_the_next_calls),
        cmocka_unit_test(an_idle_time_shows_at_the_next_send),
        cmocka_unit_test(a_closed_peer_sends_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
