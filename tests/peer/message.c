/* How long a received message stays, and what memory a peer keeps for it. */
#include <wherry.h>

#include <errno.h>
#include <fcntl.h>
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

static char *text_of(size_t length, char byte)
{
    char *text = malloc(length + 1);

    assert_non_null(text);
    memset(text, byte, length);
    text[length] = '\0';
    return text;
}

typedef struct keeper_state {
    peer_pair *pair;
    const char *wanted;
    int was_there;
    int stayed;
} keeper_state;

/* Receives, and looks at the message again a second later, in which passes go by. */
static int keep_a_while(void *argument)
{
    keeper_state *this = argument;
    wherry_bytes message;
    int result = wherry_peer_receive(this->pair->peer, &message, WHERRY_NEVER);

    if (result < 0)
        return result;
    this->was_there = wherry_bytes_equal(message, wherry_text(this->wanted));
    result = wherry_sleep(wherry_in(WHERRY_SECONDS(1)));
    this->stayed = wherry_bytes_equal(message, wherry_text(this->wanted));
    return result;
}

/* Another stream of the loop takes each chunk that becomes free. */
static void keep_beside_others(const char *wanted, const char *rest)
{
    keeper_state keeper = { .wanted = wanted };
    wherry_stream *other;
    wherry_task *task;
    peer_pair pair;
    int wire;

    pair_open(&pair, .protocol = &wherry_lines);
    other = wire_stream(pair.loop, &wire, NULL);
    keeper.pair = &pair;
    task = pair_spawn(&pair, keep_a_while, &keeper);
    wire_settle(pair.loop);
    wire_say(pair.wire, wanted);
    wire_say(pair.wire, "\n");
    wire_say(pair.wire, rest);
    WIRE_UNTIL(pair.loop, keeper.was_there);
    for (int i = 0; i < 3; i++) {
        wire_say(pair.wire, "more\n");
        wire_push(pair.loop, wire, wherry_text("overwriting overwriting overwriting\n"));
    }
    wire_advance(pair.loop, WHERRY_SECONDS(1));
    assert_int_equal(pair_join(&pair, task), WHERRY_OK);
    assert_true(keeper.stayed);
    wherry_stream_free(other);
    assert_int_equal(close(wire), 0);
    pair_close(&pair);
}

static void a_message_stays_until_the_next_receive(void **state)
{
    char *longer = text_of(9000, 'q');

    (void)state;
    keep_beside_others("first", "");
    keep_beside_others("first", "and the next");
    keep_beside_others(longer, "");
    keep_beside_others(longer, longer);
    free(longer);
}

static void a_message_stays_after_the_end_and_after_the_close(void **state)
{
    peer_pair pair;

    (void)state;
    pair_open(&pair, .protocol = &wherry_lines);
    wire_say(pair.wire, "first\nsecond\n");
    pair_expect(&pair, "first");
    pair_hang_up(&pair);
    wire_settle(pair.loop);
    assert_true(wherry_bytes_equal(pair.message, wherry_text("first")));
    wherry_peer_hold(pair.peer);
    wherry_peer_close(pair.peer);
    wire_settle(pair.loop);
    wire_advance(pair.loop, WHERRY_SECONDS(10));
    assert_true(wherry_bytes_equal(pair.message, wherry_text("first")));
    wherry_loop_free(pair.loop);
    assert_true(wherry_bytes_equal(pair.message, wherry_text("first")));
    wherry_peer_release(pair.peer);
    wherry_faulty_free(pair.system);
    failing_memory_assert_empty(&pair.memory);
}

static void a_closed_peer_can_be_asked_after_its_loop_was_freed(void **state)
{
    wherry_address address;
    peer_pair pair;

    (void)state;
    pair_open(&pair, .kind = PAIR_IPV4, .protocol = &wherry_lines);
    wire_say(pair.wire, "first\nsecond\n");
    pair_expect(&pair, "first");
    wherry_peer_hold(pair.peer);
    wherry_peer_close(pair.peer);
    wherry_loop_free(pair.loop);
    assert_int_equal(wherry_peer_receive(pair.peer, &pair.message, WHERRY_NOW), WHERRY_E_CLOSED);
    assert_int_equal(wherry_peer_send(pair.peer, wherry_text("x"), WHERRY_NOW), WHERRY_E_CLOSED);
    assert_int_equal(wherry_peer_flush(pair.peer, WHERRY_NOW), WHERRY_E_CLOSED);
    assert_int_equal(wherry_peer_shutdown(pair.peer), WHERRY_E_CLOSED);
    assert_int_equal(wherry_peer_end(pair.peer), WHERRY_E_CLOSED);
    wherry_peer_remote(pair.peer, &address);
    assert_int_equal(address.family, WHERRY_FAMILY_IPV4);
    wherry_peer_release(pair.peer);
    wherry_faulty_free(pair.system);
    failing_memory_assert_empty(&pair.memory);
    pair_hang_up(&pair);
}

static void an_idle_peer_holds_no_chunk(void **state)
{
    size_t idle;
    peer_pair pair;

    (void)state;
    pair_open(&pair, .protocol = &wherry_lines);
    wire_settle(pair.loop);
    idle = pair.memory.bytes;
    wire_say(pair.wire, "a\nb");
    pair_expect(&pair, "a");
    assert_int_equal(wherry_peer_receive(pair.peer, &pair.message, WHERRY_NOW),
                     WHERRY_E_WOULD_BLOCK);
    wire_settle(pair.loop);
    assert_int_equal(pair.loop->chunks.kept, 1); /* "b" lies in a chunk of its own size */
    assert_in_range(pair.memory.bytes - idle - pair.loop->chunks.size, 0, 500);
    wire_say(pair.wire, "\n");
    pair_expect(&pair, "b");
    assert_int_equal(wherry_peer_receive(pair.peer, &pair.message, WHERRY_NOW),
                     WHERRY_E_WOULD_BLOCK);
    wire_settle(pair.loop);
    assert_int_equal(pair.loop->chunks.kept, 1);
    assert_int_equal(pair.memory.bytes, idle + sizeof(wherry__chunk) + pair.loop->chunks.size);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_stays_until_the_next_receive),
        cmocka_unit_test(a_message_stays_after_the_end_and_after_the_close),
        cmocka_unit_test(a_closed_peer_can_be_asked_after_its_loop_was_freed),
        cmocka_unit_test(an_idle_peer_holds_no_chunk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
