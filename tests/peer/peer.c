/* Peers: making one, holding it, and what it tells. */
#include <wherry.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/pair.h"

static void only_open_streams_become_peers(void **state)
{
    static const wherry_protocol zeroed = { 0 };
    wherry_stream *stream;
    wherry_peer *peer;
    peer_pair pair;
    int wire;

    (void)state;
    pair_open(&pair, .protocol = &wherry_lines);
    stream = wire_stream(pair.loop, &wire, NULL);
    assert_int_equal(wherry_peer_new(NULL, stream, &wherry_lines), WHERRY_E_MISUSE);
    assert_int_equal(wherry_peer_new(&peer, NULL, &wherry_lines), WHERRY_E_MISUSE);
    assert_int_equal(wherry_peer_new(&peer, stream, NULL), WHERRY_E_MISUSE);
    assert_int_equal(wherry_peer_new(&peer, stream, &zeroed), WHERRY_E_MISUSE);
    pair.memory.fail_at = pair.memory.calls + 1;
    assert_int_equal(wherry_peer_new(&peer, stream, &wherry_lines), WHERRY_E_NO_MEMORY);
    assert_int_equal(wherry_stream_end(stream), WHERRY_OK); /* it stays the caller's */
    wherry_stream_close(stream);
    assert_int_equal(wherry_peer_new(&peer, stream, &wherry_lines), WHERRY_E_MISUSE);
    wherry_stream_free(stream);
    assert_int_equal(close(wire), 0);
    pair_close(&pair);
}

static void ended(wherry_stream_events *self, wherry_stream *stream, int reason)
{
    (void)self;
    (void)stream;
    (void)reason;
    fail();
}

/* What the stream has received already, and its end, are the peer's. */
static void a_stream_in_the_middle_becomes_a_peer(void **state)
{
    wherry_stream_events events = { .ended = ended };
    const wherry_stream_options told = { .size = sizeof(told), .events = &events };
    wherry_stream *stream;
    wherry_bytes message;
    wherry_peer *peer;
    peer_pair pair;
    int wire, result;

    (void)state;
    pair_open(&pair, .protocol = &wherry_lines);
    stream = wire_stream(pair.loop, &wire, &told);
    wire_push(pair.loop, wire, wherry_text("one\ntwo\nthr"));
    assert_int_equal(wherry_stream_peek(stream).length, 11);
    assert_int_equal(wherry_peer_new(&peer, stream, &wherry_lines), WHERRY_OK);
    assert_ptr_equal(wherry_peer_stream(peer), stream);
    assert_int_equal(wherry_peer_receive(peer, &message, WHERRY_NOW), WHERRY_OK);
    assert_true(wherry_bytes_equal(message, wherry_text("one")));
    wire_push(pair.loop, wire, wherry_text("ee\n"));
    assert_true(wherry_bytes_equal(message, wherry_text("one")));
    assert_int_equal(close(wire), 0);
    wire_settle(pair.loop);
    assert_int_equal(wherry_peer_receive(peer, &message, WHERRY_NOW), WHERRY_OK);
    assert_true(wherry_bytes_equal(message, wherry_text("two")));
    while ((result = wherry_peer_receive(peer, &message, WHERRY_NOW)) == WHERRY_E_WOULD_BLOCK)
        wire_step(pair.loop, 1);
    assert_int_equal(result, WHERRY_OK);
    assert_true(wherry_bytes_equal(message, wherry_text("three")));
    wherry_peer_close(peer);
    pair_close(&pair);
}

static void a_peer_lives_while_it_is_held(void **state)
{
    peer_pair pair;
    size_t blocks;

    (void)state;
    pair_open(&pair, .protocol = &wherry_lines);
    assert_ptr_equal(wherry_peer_hold(pair.peer), pair.peer);
    wherry_peer_hold(pair.peer);
    wherry_peer_close(pair.peer); /* drops the opener's hold, once */
    wherry_peer_close(pair.peer);
    wherry_peer_abort(pair.peer);
    wherry_peer_release(pair.peer);
    wire_settle(pair.loop);
    blocks = pair.memory.blocks;
    assert_int_equal(wherry_peer_end(pair.peer), WHERRY_E_CLOSED);
    assert_string_equal(wherry_peer_problem(pair.peer), wherry_error_text(WHERRY_E_CLOSED));
    wherry_peer_release(pair.peer);
    assert_int_equal(pair.memory.blocks, blocks - 2);
    pair.peer = NULL;
    pair_close(&pair);
}

static void the_last_release_closes(void **state)
{
    peer_pair pair;

    (void)state;
    pair_open(&pair, .protocol = &wherry_lines);
    wherry_peer_release(pair.peer); /* in place of a close */
    pair.peer = NULL;
    wire_expect_end(pair.loop, pair.wire, 0);
    pair.wire = -1;
    pair_close(&pair);
}

static void there_may_be_nothing_to_close(void **state)
{
    (void)state;
    wherry_peer_close(NULL);
    wherry_peer_abort(NULL);
}

static void a_pointer_goes_with_the_peer(void **state)
{
    peer_pair pair;

    (void)state;
    pair_open(&pair, .protocol = &wherry_lines);
    assert_null(wherry_peer_user(pair.peer));
    wherry_peer_set_user(pair.peer, &pair);
    assert_ptr_equal(wherry_peer_user(pair.peer), &pair);
    pair_close(&pair);
}

static void addresses_stay_after_the_end(void **state)
{
    static const wherry_family families[] = { WHERRY_FAMILY_NONE, WHERRY_FAMILY_IPV4,
                                              WHERRY_FAMILY_UNIX, WHERRY_FAMILY_IPV6 };

    (void)state;
    for (int kind = 0; kind < PAIR_KINDS - !wire_has_ipv6(); kind++) {
        wherry_address local, remote, later;
        peer_pair pair;

        pair_open(&pair, .kind = (pair_kind)kind, .protocol = &wherry_lines);
        wherry_peer_local(pair.peer, &local);
        wherry_peer_remote(pair.peer, &remote);
        assert_int_equal(local.family, families[kind]);
        if (kind != PAIR_UNIX)
            assert_int_equal(remote.family, families[kind]);
        wherry_peer_hold(pair.peer);
        wherry_peer_close(pair.peer);
        wire_settle(pair.loop);
        wherry_peer_local(pair.peer, &later);
        assert_true(wherry_address_equal(&local, &later));
        wherry_peer_remote(pair.peer, &later);
        assert_true(wherry_address_equal(&remote, &later));
        wherry_peer_release(pair.peer);
        pair.peer = NULL;
        pair_close(&pair);
    }
}

/* Room for the protocol's largest message is there whatever the stream's own limit. */
static void the_protocols_limit_widens_the_streams(void **state)
{
    const wherry_stream_options narrow = { .size = sizeof(narrow), .receive_max = 100 };
    char text[2001];
    peer_pair pair;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    pair_open(&pair, .protocol = &wherry_lines, .limits = &narrow, .chunk_size = 512);
    wire_say(pair.wire, text);
    wire_say(pair.wire, "\n");
    pair_expect(&pair, text);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_open_streams_become_peers),
        cmocka_unit_test(a_stream_in_the_middle_becomes_a_peer),
        cmocka_unit_test(a_peer_lives_while_it_is_held),
        cmocka_unit_test(the_last_release_closes),
        cmocka_unit_test(there_may_be_nothing_to_close),
        cmocka_unit_test(a_pointer_goes_with_the_peer),
        cmocka_unit_test(addresses_stay_after_the_end),
        cmocka_unit_test(the_protocols_limit_widens_the_streams),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
