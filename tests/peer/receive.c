/* Receiving whole messages, in whatever pieces they come, and how connections end. */
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

/* --- framings, pieces and transports */

typedef struct framing_sample {
    const char *name;
    const char *wire;
    size_t length;
    const char *messages[3];
} framing_sample;

#define SAMPLE(name, wire, ...)                                                                    \
    {                                                                                              \
        name, wire, sizeof(wire) - 1,                                                              \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static const framing_sample samples[] = {
    SAMPLE("lines", "hello\n\r\nx\ry\r\n", "hello", "", "x\ry"),
    SAMPLE("crlf", "hello\r\n\r\nx\ny\r\n", "hello", "", "x\ny"),
    SAMPLE("cr", "hello\r\rx\ny\r", "hello", "", "x\ny"),
    SAMPLE("separator:--", "hello----x-y--", "hello", "", "x-y"),
    SAMPLE("fixed:3", "abcdef\r\n ", "abc", "def", "\r\n "),
    SAMPLE("length8", "\005hello\000\002\r\n", "hello", "", "\r\n"),
    SAMPLE("length16", "\000\005hello\000\000\000\002\r\n", "hello", "", "\r\n"),
    SAMPLE("length32", "\000\000\000\005hello\000\000\000\000\000\000\000\002\r\n", "hello", "",
           "\r\n"),
    SAMPLE("length64",
           "\0\0\0\0\0\0\0\005hello\0\0\0\0\0\0\0\0"
           "\0\0\0\0\0\0\0\002\r\n",
           "hello", "", "\r\n"),
    SAMPLE("length16-le", "\005\000hello\000\000\002\000\r\n", "hello", "", "\r\n"),
    SAMPLE("length32-le", "\005\000\000\000hello\0\0\0\0\002\000\000\000\r\n", "hello", "", "\r\n"),
    SAMPLE("length64-le",
           "\005\0\0\0\0\0\0\0hello\0\0\0\0\0\0\0\0"
           "\002\0\0\0\0\0\0\0\r\n",
           "hello", "", "\r\n"),
};
#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

static void receive_sample(const framing_sample *sample, pair_kind kind)
{
    wherry_protocol *protocol;
    peer_pair pair;

    assert_int_equal(wherry_protocol_new(&protocol, .name = sample->name), WHERRY_OK);
    pair_open(&pair, .kind = kind, .protocol = protocol);
    wire_write(NULL, pair.wire, wherry_bytes_at(sample->wire, sample->length));
    for (size_t i = 0; i < 3; i++)
        pair_expect(&pair, sample->messages[i]);
    pair_hang_up(&pair);
    assert_int_equal(pair_receive(&pair), WHERRY_E_END);
    pair_close(&pair);
    wherry_protocol_free(protocol);
}

static void every_framing_in_one_piece_over_every_transport(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++)
        for (int kind = 0; kind < PAIR_KINDS - !wire_has_ipv6(); kind++)
            receive_sample(&samples[i], (pair_kind)kind);
}

/* A task that puts what it receives behind each other, each message with a bar, until the end. */
typedef struct gatherer_state {
    peer_pair *pair;
    char text[4096];
    size_t length;
    int max;
} gatherer_state;

static int gather(void *argument)
{
    gatherer_state *this = argument;
    wherry_bytes message;
    int result = WHERRY_OK;

    for (int i = 0; i < this->max; i++) {
        result = wherry_peer_receive(this->pair->peer, &message, WHERRY_NEVER);
        if (result < 0)
            break;
        assert_true(this->length + message.length + 1 < sizeof(this->text));
        if (message.length > 0)
            memcpy(this->text + this->length, message.data, message.length);
        this->length += message.length;
        this->text[this->length++] = '|';
    }
    return result;
}

static void gather_sample(const framing_sample *sample, pair_kind kind)
{
    gatherer_state gatherer = { .max = 100 };
    wherry_protocol *protocol;
    char wanted[64];
    wherry_task *task;
    peer_pair pair;

    assert_int_equal(wherry_protocol_new(&protocol, .name = sample->name), WHERRY_OK);
    pair_open(&pair, .kind = kind, .protocol = protocol);
    gatherer.pair = &pair;
    task = pair_spawn(&pair, gather, &gatherer);
    wire_settle(pair.loop);
    for (size_t i = 0; i < sample->length; i++)
        wire_push(pair.loop, pair.wire, wherry_bytes_at(sample->wire + i, 1));
    pair_hang_up(&pair);
    assert_int_equal(pair_join(&pair, task), WHERRY_E_END);
    (void)snprintf(wanted, sizeof(wanted), "%s|%s|%s|", sample->messages[0], sample->messages[1],
                   sample->messages[2]);
    assert_string_equal(gatherer.text, wanted);
    pair_close(&pair);
    wherry_protocol_free(protocol);
}

static void every_framing_byte_by_byte_over_every_transport(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++)
        for (int kind = 0; kind < PAIR_KINDS - !wire_has_ipv6(); kind++)
            gather_sample(&samples[i], (pair_kind)kind);
}

static void raw_gives_what_came(void **state)
{
    peer_pair pair;

    (void)state;
    pair_open(&pair, .protocol = &wherry_raw);
    wire_say(pair.wire, "a\nb");
    pair_expect(&pair, "a\nb");
    wire_say(pair.wire, "c");
    pair_expect(&pair, "c");
    pair_close(&pair);
}

static void many_messages_in_one_read_keep_their_order(void **state)
{
    peer_pair pair;
    char text[16], all[5000];
    size_t length = 0;

    (void)state;
    pair_open(&pair, .protocol = &wherry_lines);
    for (int i = 0; i < 1000; i++)
        length += (size_t)snprintf(all + length, sizeof(all) - length, "%d\n", i);
    wire_push(pair.loop, pair.wire, wherry_bytes_at(all, length));
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(text, sizeof(text), "%d", i);
        pair_expect(&pair, text);
    }
    pair_close(&pair);
}

/* --- sizes */

static char *text_of(size_t length, char byte)
{
    char *text = malloc(length + 1);

    assert_non_null(text);
    memset(text, byte, length);
    text[length] = '\0';
    return text;
}

/* Has the other end send a line of that length, with a neighbour on both sides, on chunks of the
 * smallest size. */
static void receive_long_line(const wherry_protocol *protocol, size_t length, int wanted)
{
    char *line = text_of(length, 'x');
    peer_pair pair;

    pair_open(&pair, .protocol = protocol, .chunk_size = 512);
    wire_say(pair.wire, "before\n");
    pair_expect(&pair, "before");
    wire_write(pair.loop, pair.wire, wherry_text("y"));
    wire_write(pair.loop, pair.wire, wherry_text(line));
    wire_write(pair.loop, pair.wire, wherry_text("\nbehind\n"));
    assert_int_equal(pair_receive(&pair), wanted);
    if (wanted == WHERRY_OK) {
        assert_int_equal(pair.message.length, length + 1);
        assert_int_equal(pair.message.data[0], 'y');
        assert_memory_equal(pair.message.data + 1, line, length);
    } else {
        assert_string_equal(wherry_peer_problem(pair.peer), wherry_problem());
        assert_non_null(strstr(wherry_problem(), ", at byte 7 of the connection"));
    }
    pair_expect(&pair, "behind");
    pair_close(&pair);
    free(line);
}

static void messages_larger_than_a_chunk_up_to_the_limit(void **state)
{
    wherry_protocol *protocol;

    (void)state;
    assert_int_equal(wherry_protocol_new(&protocol, .name = "lines", .message_size_max = 5000),
                     WHERRY_OK);
    receive_long_line(protocol, 510, WHERRY_OK);
    receive_long_line(protocol, 511, WHERRY_OK);
    receive_long_line(protocol, 512, WHERRY_OK);
    receive_long_line(protocol, 4999, WHERRY_OK);
    receive_long_line(protocol, 5000, WHERRY_E_MALFORMED);
    receive_long_line(protocol, 100000, WHERRY_E_MALFORMED);
    wherry_protocol_free(protocol);
}

static int receive_one(void *argument)
{
    peer_pair *pair = argument;

    return wherry_peer_receive(pair->peer, &pair->message, WHERRY_NEVER);
}

/* The usual limit, on chunks of the usual size, byte 0 of the prefix being the first to come. */
static void a_mebibyte_is_the_usual_limit(void **state)
{
    size_t length = (size_t)1 << 20;
    char *text = text_of(length, 'z');
    wherry_task *task;
    peer_pair pair;

    (void)state;
    pair_open(&pair, .kind = PAIR_IPV4, .protocol = &wherry_length32);
    task = pair_spawn(&pair, receive_one, &pair);
    wire_write(pair.loop, pair.wire, wherry_bytes_at("\000\020\000\000", 4));
    wire_write(pair.loop, pair.wire, wherry_text(text));
    assert_int_equal(pair_join(&pair, task), WHERRY_OK);
    assert_int_equal(pair.message.length, length);
    assert_memory_equal(pair.message.data, text, length);
    wire_write(pair.loop, pair.wire, wherry_bytes_at("\000\020\000\001", 4));
    assert_int_equal(pair_receive(&pair), WHERRY_E_MALFORMED);
    assert_non_null(strstr(wherry_problem(), "at byte 1048580 of"));
    wire_write(pair.loop, pair.wire, wherry_text(text));
    wire_write(pair.loop, pair.wire, wherry_bytes_at("!\000\000\000\002ok", 7));
    pair_expect(&pair, "ok");
    pair_close(&pair);
    free(text);
}

/* The tail is full of what would be messages. */
static void the_tail_of_a_message_over_the_limit_is_no_message(void **state)
{
    wherry_protocol *protocol;
    peer_pair pair;

    (void)state;
    assert_int_equal(wherry_protocol_new(&protocol, .name = "length8", .message_size_max = 4),
                     WHERRY_OK);
    pair_open(&pair, .protocol = protocol);
    wire_say(pair.wire, "\006\001A\001B\001C\002ok");
    assert_int_equal(pair_receive(&pair), WHERRY_E_MALFORMED);
    pair_expect(&pair, "ok");
    wire_push(pair.loop, pair.wire, wherry_text("\006\001A"));
    assert_int_equal(pair_receive(&pair), WHERRY_E_MALFORMED);
    assert_int_equal(wherry_peer_receive(pair.peer, &pair.message, WHERRY_NOW),
                     WHERRY_E_WOULD_BLOCK);
    wire_push(pair.loop, pair.wire, wherry_text("\001B\001C"));
    assert_int_equal(wherry_peer_receive(pair.peer, &pair.message, WHERRY_NOW),
                     WHERRY_E_WOULD_BLOCK);
    wire_say(pair.wire, "\002ok");
    pair_expect(&pair, "ok");
    pair_close(&pair);
    wherry_protocol_free(protocol);
}

static void an_announced_size_costs_nothing_until_its_bytes_come(void **state)
{
    size_t before, after;
    wherry_task *task;
    char *text = text_of(100000, 'x');
    peer_pair pair;

    (void)state;
    pair_open(&pair, .protocol = &wherry_length32);
    task = pair_spawn(&pair, receive_one, &pair);
    wire_settle(pair.loop);
    before = pair.memory.bytes;
    wire_push(pair.loop, pair.wire, wherry_bytes_at("\000\020\000\000", 4));
    after = pair.memory.bytes - before;
    assert_in_range(after, 0, 70000); /* a chunk in the pool, and a small one for four bytes */
    wire_write(pair.loop, pair.wire, wherry_bytes_at(text, 100000));
    wire_settle(pair.loop);
    assert_in_range(pair.memory.bytes - before, 100000, 400000);
    pair_hang_up(&pair);
    assert_int_equal(pair_join(&pair, task), WHERRY_E_TRUNCATED);
    pair_close(&pair);
    free(text);
}

static void a_connection_without_memory_for_a_long_message_ends(void **state)
{
    char *text = text_of(5000, 'x');
    peer_pair pair;

    (void)state;
    pair_open(&pair, .protocol = &wherry_lines, .chunk_size = 512);
    wire_say(pair.wire, "fits\n");
    wire_say(pair.wire, text);
    pair_expect(&pair, "fits");
    pair.memory.fail_at = pair.memory.calls + 1;
    pair.memory.is_persistent = true;
    assert_int_equal(pair_receive(&pair), WHERRY_E_NO_MEMORY);
    assert_int_equal(pair_receive(&pair), WHERRY_E_NO_MEMORY);
    assert_int_equal(wherry_peer_end(pair.peer), WHERRY_E_NO_MEMORY);
    pair.memory.fail_at = 0;
    pair_close(&pair);
    free(text);
}

/* --- ends */

static void an_end_comes_behind_all_messages_and_stays(void **state)
{
    peer_pair pair;

    (void)state;
    pair_open(&pair, .kind = PAIR_IPV4, .protocol = &wherry_length8);
    assert_int_equal(wherry_peer_end(pair.peer), WHERRY_OK);
    assert_string_equal(wherry_peer_problem(pair.peer), "");
    wire_say(pair.wire, "\001a\001b");
    pair_hang_up(&pair);
    pair_expect(&pair, "a");
    pair_expect(&pair, "b");
    for (int i = 0; i < 3; i++)
        assert_int_equal(pair_receive(&pair), WHERRY_E_END);
    assert_int_equal(wherry_peer_end(pair.peer), WHERRY_E_END);
    assert_string_equal(wherry_peer_problem(pair.peer), wherry_error_text(WHERRY_E_END));
    pair_close(&pair);
}

static void half_a_message_and_an_end_is_truncated(void **state)
{
    static const char *const halves[] = { "\000", "\000\000\000\005hell" };
    static const size_t lengths[] = { 1, 8 };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        peer_pair pair;

        pair_open(&pair, .protocol = &wherry_length32);
        wire_write(NULL, pair.wire, wherry_bytes_at("\000\000\000\001a", 5));
        wire_write(NULL, pair.wire, wherry_bytes_at(halves[i], lengths[i]));
        pair_hang_up(&pair);
        pair_expect(&pair, "a");
        assert_int_equal(pair_receive(&pair), WHERRY_E_TRUNCATED);
        assert_int_equal(pair_receive(&pair), WHERRY_E_TRUNCATED);
        assert_int_equal(wherry_peer_end(pair.peer), WHERRY_E_TRUNCATED);
        assert_string_equal(wherry_peer_problem(pair.peer),
                            "the other end finished inside of a message");
        pair_close(&pair);
    }
}

static void a_line_without_its_end_is_the_last_message(void **state)
{
    peer_pair pair;

    (void)state;
    pair_open(&pair, .protocol = &wherry_lines);
    wire_say(pair.wire, "one\ntwo");
    pair_hang_up(&pair);
    pair_expect(&pair, "one");
    pair_expect(&pair, "two");
    assert_int_equal(pair_receive(&pair), WHERRY_E_END);
    pair_close(&pair);
}

static void a_reset_leaves_whole_messages_only(void **state)
{
    peer_pair pair;

    (void)state;
    pair_open(&pair, .kind = PAIR_IPV4, .protocol = &wherry_lines);
    wire_push(pair.loop, pair.wire, wherry_text("one\ntwo\nthr"));
    pair.peer->stream->hungry = true;
    wire_reset(pair.wire);
    pair.wire = -1;
    WIRE_UNTIL(pair.loop, wherry_peer_end(pair.peer) != WHERRY_OK);
    pair_expect(&pair, "one");
    pair_expect(&pair, "two");
    assert_int_equal(pair_receive(&pair), WHERRY_E_RESET);
    assert_int_equal(pair_receive(&pair), WHERRY_E_RESET);
    assert_string_equal(wherry_peer_problem(pair.peer), strerror(ECONNRESET));
    pair_close(&pair);
}

static void a_silent_connection_ends_at_its_idle_time(void **state)
{
    wherry_stream_options limits = { .size = sizeof(limits), .idle_timeout = WHERRY_SECONDS(3) };
    wherry_task *task;
    peer_pair pair;

    (void)state;
    pair_open(&pair, .protocol = &wherry_lines, .limits = &limits);
    task = pair_spawn(&pair, receive_one, &pair);
    wire_advance(pair.loop, WHERRY_SECONDS(2));
    wire_push(pair.loop, pair.wire, wherry_text("par"));
    wire_advance(pair.loop, WHERRY_SECONDS(3) - 1);
    assert_false(wherry_task_ended(task));
    wire_advance(pair.loop, 1);
    assert_int_equal(pair_join(&pair, task), WHERRY_E_IDLE);
    assert_int_equal(pair_receive(&pair), WHERRY_E_IDLE);
    pair_close(&pair);
}

/* --- waiting */

typedef struct waiter_state {
    peer_pair *pair;
    int64_t duration;
    int64_t took;
    int result;
} waiter_state;

static int wait_a_while(void *argument)
{
    waiter_state *this = argument;
    int64_t start = wherry_loop_now(this->pair->loop);

    this->result = wherry_peer_receive(this->pair->peer, &this->pair->message,
                                       wherry_in(this->duration));
    this->took = wherry_loop_now(this->pair->loop) - start;
    return this->result;
}

static void deadlines_lose_nothing(void **state)
{
    waiter_state waiter = { .duration = WHERRY_SECONDS(1) };
    wherry_task *task;
    peer_pair pair;

    (void)state;
    pair_open(&pair, .protocol = &wherry_lines);
    waiter.pair = &pair;
    task = pair_spawn(&pair, wait_a_while, &waiter);
    wire_settle(pair.loop);
    wire_push(pair.loop, pair.wire, wherry_text("he"));
    wire_advance(pair.loop, WHERRY_SECONDS(1));
    assert_int_equal(pair_join(&pair, task), WHERRY_E_TIMED_OUT);
    assert_int_equal(waiter.took, WHERRY_SECONDS(1));
    waiter.duration = 0;
    assert_int_equal(pair_join(&pair, pair_spawn(&pair, wait_a_while, &waiter)),
                     WHERRY_E_TIMED_OUT);
    wire_say(pair.wire, "llo\nyou\n");
    pair_expect(&pair, "hello");
    assert_int_equal(pair_join(&pair, pair_spawn(&pair, wait_a_while, &waiter)), WHERRY_OK);
    assert_true(wherry_bytes_equal(pair.message, wherry_text("you")));
    pair_close(&pair);
}

static void now_never_waits(void **state)
{
    peer_pair pair;

    (void)state;
    pair_open(&pair, .protocol = &wherry_lines);
    assert_int_equal(wherry_peer_receive(pair.peer, &pair.message, WHERRY_NOW),
                     WHERRY_E_WOULD_BLOCK);
    wire_push(pair.loop, pair.wire, wherry_text("a\n"));
    assert_int_equal(wherry_peer_receive(pair.peer, &pair.message, WHERRY_NOW), WHERRY_OK);
    pair_close(&pair);
}

static void only_coroutines_wait(void **state)
{
    peer_pair pair;

    (void)state;
    pair_open(&pair, .protocol = &wherry_lines);
    assert_int_equal(wherry_peer_receive(pair.peer, &pair.message, WHERRY_NEVER), WHERRY_E_MISUSE);
    assert_int_equal(wherry_peer_receive(pair.peer, &pair.message, 0), WHERRY_E_MISUSE);
    wire_say(pair.wire, "a\n");
    pair_expect(&pair, "a");
    pair_close(&pair);
}

static void a_second_receiver_is_refused(void **state)
{
    wherry_task *task;
    peer_pair pair;

    (void)state;
    pair_open(&pair, .protocol = &wherry_lines);
    task = pair_spawn(&pair, receive_one, &pair);
    wire_settle(pair.loop);
    assert_int_equal(pair_join(&pair, pair_spawn(&pair, receive_one, &pair)), WHERRY_E_BUSY);
    assert_int_equal(wherry_peer_receive(pair.peer, &pair.message, WHERRY_NOW), WHERRY_E_BUSY);
    wire_say(pair.wire, "a\n");
    assert_int_equal(pair_join(&pair, task), WHERRY_OK);
    assert_true(wherry_bytes_equal(pair.message, wherry_text("a")));
    pair_close(&pair);
}

/* The flood keeps one task at its limit of a pass, in which the other asks. */
static void a_receiver_that_lets_others_have_their_turn_is_one_too(void **state)
{
    gatherer_state gatherer = { .max = 100 };
    wherry_task *task;
    peer_pair pair;

    (void)state;
    pair_open(&pair, .protocol = &wherry_lines);
    gatherer.pair = &pair;
    for (int i = 0; i < 100; i++)
        wire_say(pair.wire, "a\n");
    WIRE_UNTIL(pair.loop, wherry__stream_length(pair.peer->stream) == 200);
    task = pair_spawn(&pair, gather, &gatherer);
    assert_true(wherry_loop_step(pair.loop) > 0);
    assert_int_equal(gatherer.length, 64 * 2);
    assert_int_equal(wherry_peer_receive(pair.peer, &pair.message, WHERRY_NOW), WHERRY_E_BUSY);
    assert_int_equal(pair_join(&pair, task), WHERRY_OK);
    assert_int_equal(gatherer.length, 100 * 2);
    pair_close(&pair);
}

static void a_canceled_receive_loses_nothing(void **state)
{
    wherry_task *task;
    peer_pair pair;

    (void)state;
    pair_open(&pair, .protocol = &wherry_lines);
    task = pair_spawn(&pair, receive_one, &pair);
    wire_settle(pair.loop);
    wire_push(pair.loop, pair.wire, wherry_text("he"));
    wherry_task_cancel(task);
    assert_int_equal(pair_join(&pair, task), WHERRY_E_CANCELED);
    wire_say(pair.wire, "llo\n");
    pair_expect(&pair, "hello");
    pair_close(&pair);
}

/* Cancels itself, and is then refused what is there. */
static int receive_canceled(void *argument)
{
    wherry_task_cancel(wherry_task_current());
    return receive_one(argument);
}

static void a_canceled_task_receives_nothing_more(void **state)
{
    peer_pair pair;

    (void)state;
    pair_open(&pair, .protocol = &wherry_lines);
    wire_push(pair.loop, pair.wire, wherry_text("a\n"));
    assert_int_equal(pair_join(&pair, pair_spawn(&pair, receive_canceled, &pair)),
                     WHERRY_E_CANCELED);
    pair_expect(&pair, "a");
    pair_close(&pair);
}

/* --- closing under a receiver */

/* The only hold goes while the task waits in the peer. */
static void end_under_receiver(void (*end)(wherry_peer *peer), int inside)
{
    wherry_task *task;
    peer_pair pair;

    pair_open(&pair, .protocol = &wherry_lines);
    task = pair_spawn(&pair, receive_one, &pair);
    wire_settle(pair.loop);
    if (inside)
        wire_say(pair.wire, "a\n"); /* wakes it in the same pass */
    end(pair.peer);
    pair.peer = NULL;
    assert_int_equal(pair_join(&pair, task), WHERRY_E_CLOSED);
    pair_close(&pair);
}

static void a_close_wakes_the_receiver(void **state)
{
    (void)state;
    end_under_receiver(wherry_peer_close, 0);
    end_under_receiver(wherry_peer_close, 1);
    end_under_receiver(wherry_peer_abort, 0);
}

static int close_it(void *argument)
{
    peer_pair *pair = argument;

    wherry_peer_close(pair->peer);
    pair->peer = NULL;
    return 0;
}

static int receive_of(void *argument)
{
    wherry_peer *peer = argument;
    wherry_bytes message;

    return wherry_peer_receive(peer, &message, WHERRY_NEVER);
}

/* The message wakes the receiver; before its turn the peer is closed. */
static void a_close_between_the_message_and_the_receivers_turn(void **state)
{
    wherry_task *receiver;
    wherry_task *closer;
    peer_pair pair;

    (void)state;
    pair_open(&pair, .protocol = &wherry_lines);
    receiver = pair_spawn(&pair, receive_of, pair.peer);
    wire_settle(pair.loop);
    closer = pair_spawn(&pair, close_it, &pair); /* runs before whom the message wakes */
    wire_say(pair.wire, "a\n");
    assert_int_equal(pair_join(&pair, receiver), WHERRY_E_CLOSED);
    assert_int_equal(pair_join(&pair, closer), 0);
    pair_close(&pair);
}

/* --- other things */

static void a_pipe_has_messages_too(void **state)
{
    wherry_stream *stream;
    wherry_loop *loop;
    wherry_peer *peer;
    wherry_bytes message;
    int ends[2];
    int result;

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(wherry_loop_new(&loop), WHERRY_OK);
    assert_int_equal(wherry_stream_new(&stream, .loop = loop, .descriptor = ends[0]), WHERRY_OK);
    assert_int_equal(wherry_peer_new(&peer, stream, &wherry_lines), WHERRY_OK);
    assert_int_equal(write(ends[1], "one\ntwo", 7), 7);
    while ((result = wherry_peer_receive(peer, &message, WHERRY_NOW)) == WHERRY_E_WOULD_BLOCK)
        wire_step(loop, 1);
    assert_int_equal(result, WHERRY_OK);
    assert_true(wherry_bytes_equal(message, wherry_text("one")));
    assert_int_equal(close(ends[1]), 0);
    while ((result = wherry_peer_receive(peer, &message, WHERRY_NOW)) == WHERRY_E_WOULD_BLOCK)
        wire_step(loop, 1);
    assert_int_equal(result, WHERRY_OK);
    assert_true(wherry_bytes_equal(message, wherry_text("two")));
    assert_int_equal(wherry_peer_receive(peer, &message, WHERRY_NOW), WHERRY_E_END);
    wherry_peer_close(peer);
    wherry_loop_free(loop);
}

/* What was malformed, and where, also when the message behind it has been received. */
static void a_malformed_message_is_told_in_its_place(void **state)
{
    wherry_protocol *protocol;
    peer_pair pair;

    (void)state;
    assert_int_equal(wherry_protocol_new(&protocol, .name = "lines", .message_size_max = 4),
                     WHERRY_OK);
    pair_open(&pair, .protocol = protocol);
    wire_say(pair.wire, "1\n2\n12345\n3\n123456789\n4\n");
    pair_expect(&pair, "1");
    pair_expect(&pair, "2");
    assert_int_equal(pair_receive(&pair), WHERRY_E_MALFORMED);
    assert_string_equal(wherry_peer_problem(pair.peer),
                        "the message is over the limit of its size, at byte 4 of the connection");
    pair_expect(&pair, "3");
    assert_int_equal(pair_receive(&pair), WHERRY_E_MALFORMED);
    assert_string_equal(wherry_peer_problem(pair.peer),
                        "the message is over the limit of its size, at byte 12 of the connection");
    pair_expect(&pair, "4");
    assert_int_equal(wherry_peer_end(pair.peer), WHERRY_OK);
    pair_close(&pair);
    wherry_protocol_free(protocol);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_framing_in_one_piece_over_every_transport),
        cmocka_unit_test(every_framing_byte_by_byte_over_every_transport),
        cmocka_unit_test(raw_gives_what_came),
        cmocka_unit_test(many_messages_in_one_read_keep_their_order),
        cmocka_unit_test(messages_larger_than_a_chunk_up_to_the_limit),
        cmocka_unit_test(a_mebibyte_is_the_usual_limit),
        cmocka_unit_test(the_tail_of_a_message_over_the_limit_is_no_message),
        cmocka_unit_test(an_announced_size_costs_nothing_until_its_bytes_come),
        cmocka_unit_test(a_connection_without_memory_for_a_long_message_ends),
        cmocka_unit_test(an_end_comes_behind_all_messages_and_stays),
        cmocka_unit_test(half_a_message_and_an_end_is_truncated),
        cmocka_unit_test(a_line_without_its_end_is_the_last_message),
        cmocka_unit_test(a_reset_leaves_whole_messages_only),
        cmocka_unit_test(a_silent_connection_ends_at_its_idle_time),
        cmocka_unit_test(deadlines_lose_nothing),
        cmocka_unit_test(now_never_waits),
        cmocka_unit_test(only_coroutines_wait),
        cmocka_unit_test(a_second_receiver_is_refused),
        cmocka_unit_test(a_receiver_that_lets_others_have_their_turn_is_one_too),
        cmocka_unit_test(a_canceled_receive_loses_nothing),
        cmocka_unit_test(a_canceled_task_receives_nothing_more),
        cmocka_unit_test(a_close_wakes_the_receiver),
        cmocka_unit_test(a_close_between_the_message_and_the_receivers_turn),
        cmocka_unit_test(a_pipe_has_messages_too),
        cmocka_unit_test(a_malformed_message_is_told_in_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
