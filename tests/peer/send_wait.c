/* Sending when the other end does not read, or nobody is there any more: who waits for room and for
 * how long, flushing, and how what was sent ends with the peer. */
#include <wherry.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/pair.h"

static int send_text(peer_pair *pair, const char *text)
{
    return wherry_peer_send(pair->peer, wherry_text(text), WHERRY_NOW);
}

/* --- waiting for room */

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
