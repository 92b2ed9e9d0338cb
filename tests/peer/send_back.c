/* Messages that go back as they came. They are not copied: what goes out is the piece of the
 * receive buffer that they came in, length and all. Apart from other sending, since all of it is
 * about what may go this way, and what must not. */
#include <wherry.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "peer/peer.h"
#include "support/pair.h"

/* The shortest that is not copied though nothing follows it; its framing is counted. */
#define REFERRED 512

#define WIRE_MAX ((size_t)4 << 20)

typedef struct exchange {
    peer_pair pair;
    uint8_t *wire; /* what was sent to the peer, or is to come back */
    size_t length;
    size_t sends; /* that there had been before */
} exchange;

/* One byte has gone through it already, so that the loop has chunks at hand, as any that runs. */
static void open_with(exchange *this, const wherry_protocol *protocol, size_t send_max)
{
    wherry_stream_options limits = { .size = sizeof(limits), .send_max = send_max };

    *this = (exchange){ .wire = malloc(WIRE_MAX) };
    assert_non_null(this->wire);
    pair_open(&this->pair, .kind = PAIR_UNIX, .protocol = protocol,
              .limits = send_max == 0 ? NULL : &limits);
    assert_int_equal(wherry_stream_send(this->pair.peer->stream, wherry_text("x"), WHERRY_NOW),
                     WHERRY_OK);
    wire_settle(this->pair.loop);
    assert_int_equal(recv(this->pair.wire, this->wire, 2, 0), 1);
    this->sends = wherry_faulty_calls(this->pair.system, WHERRY_CALL_SEND);
}

static void open_exchange(exchange *this, size_t send_max)
{
    open_with(this, &wherry_length32, send_max);
}

static void close_exchange(exchange *this)
{
    pair_close(&this->pair);
    free(this->wire);
}

/* Puts a message of size bytes, each different from its neighbours, behind the others. */
static void put(exchange *this, size_t size)
{
    uint8_t *at = this->wire + this->length;

    assert_true(this->length + 4 + size <= WIRE_MAX);
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(size >> (24 - 8 * i));
    for (size_t i = 0; i < size; i++)
        at[4 + i] = (uint8_t)(this->length + 31 * i);
    this->length += 4 + size;
}

/* Has count messages of size bytes arrive in one piece. */
static void say(exchange *this, size_t count, size_t size)
{
    while (count-- > 0)
        put(this, size);
    wire_write(NULL, this->pair.wire, wherry_bytes_at(this->wire, this->length));
}

static wherry_bytes next(exchange *this)
{
    assert_int_equal(pair_receive(&this->pair), WHERRY_OK);
    return this->pair.message;
}

static int give(exchange *this, wherry_bytes message)
{
    return wherry_peer_send(this->pair.peer, message, WHERRY_NOW);
}

static void give_back(exchange *this, size_t count)
{
    while (count-- > 0)
        assert_int_equal(give(this, next(this)), WHERRY_OK);
}

/* The first of count messages of 600 bytes is on its way. */
static void open_and_give_back_one(exchange *this, size_t count)
{
    open_exchange(this, 0);
    say(this, count, 600);
    give_back(this, 1);
}

static size_t segments(const exchange *this)
{
    const wherry__output *output = this->pair.peer->stream->output;

    return output == NULL ? 0 : output->count - output->first;
}

/* Whether what is queued first lies where it was received. */
static bool is_referred_to(const exchange *this)
{
    const wherry_stream *stream = this->pair.peer->stream;

    return stream->output->segments[0].chunk == stream->input;
}

static size_t sends(const exchange *this)
{
    return wherry_faulty_calls(this->pair.system, WHERRY_CALL_SEND) - this->sends;
}

/* What comes back is these bytes, and nothing behind them. On a Unix socket they are there as soon
 * as they were sent. */
static void assert_comes(exchange *this, wherry_bytes expected)
{
    uint8_t *got = malloc(expected.length + 1);

    assert_non_null(got);
    wire_settle(this->pair.loop);
    assert_int_equal(recv(this->pair.wire, got, expected.length + 1, 0), expected.length);
    assert_memory_equal(got, expected.data, expected.length);
    free(got);
}

static wherry_bytes all_of(const exchange *this)
{
    return wherry_bytes_at(this->wire, this->length);
}

/* --- what goes out as it lies */

static void a_batch_is_one_piece_of_the_receive_buffer(void **state)
{
    exchange this;

    (void)state;
    open_exchange(&this, 0);
    say(&this, 16, REFERRED);
    give_back(&this, 16);
    assert_int_equal(segments(&this), 1);
    assert_true(is_referred_to(&this));
    assert_int_equal(sends(&this), 0);
    assert_comes(&this, all_of(&this));
    assert_int_equal(sends(&this), 1);
    close_exchange(&this);
}

static void a_batch_of_short_ones_is_one_piece_too(void **state)
{
    exchange this;

    (void)state;
    open_exchange(&this, 0);
    say(&this, 16, 1);
    give_back(&this, 16);
    assert_int_equal(segments(&this), 1);
    assert_true(is_referred_to(&this));
    assert_comes(&this, all_of(&this));
    close_exchange(&this);
}

static void a_short_one_alone_is_copied(void **state)
{
    exchange this;

    (void)state;
    open_exchange(&this, 0);
    say(&this, 1, REFERRED - 4 - 1);
    give_back(&this, 1);
    assert_false(is_referred_to(&this));
    assert_comes(&this, all_of(&this));
    close_exchange(&this);
}

static void a_longer_one_alone_is_not(void **state)
{
    exchange this;

    (void)state;
    open_exchange(&this, 0);
    say(&this, 1, REFERRED - 4);
    give_back(&this, 1);
    assert_true(is_referred_to(&this));
    assert_comes(&this, all_of(&this));
    close_exchange(&this);
}

/* Messages that a framing of text would put another end behind than they came with. */
static void what_came_in_another_way_goes_in_ours(void **state)
{
    exchange this;

    (void)state;
    open_with(&this, &wherry_lines, 0);
    wire_write(NULL, this.pair.wire, wherry_text("one\r\ntwo\r\nthree\n"));
    give_back(&this, 3);
    assert_comes(&this, wherry_text("one\ntwo\nthree\n"));
    close_exchange(&this);
}

static void raw_bytes_go_back_as_they_lie(void **state)
{
    exchange this;

    (void)state;
    open_with(&this, &wherry_raw, 0);
    say(&this, 1, REFERRED - 4);
    give_back(&this, 1);
    assert_true(is_referred_to(&this));
    assert_comes(&this, all_of(&this));
    close_exchange(&this);
}

/* Small and large ones, so that copies and pieces alternate; the reader takes its time. */
static void a_flood_comes_back_as_it_went(void **state)
{
    static const size_t sizes[] = { 0,    1,    REFERRED, 1024,  1024, 5000, 100,
                                    8191, 8192, 20000,    70000, 600,  3 };
    wherry_task *task;
    exchange this;
    size_t sent = 0;
    uint8_t *back;
    size_t length = 0;

    (void)state;
    open_exchange(&this, 0);
    for (size_t i = 0; i < 12 * sizeof(sizes) / sizeof(sizes[0]); i++)
        put(&this, sizes[i % (sizeof(sizes) / sizeof(sizes[0]))]);
    back = malloc(this.length);
    assert_non_null(back);
    task = pair_spawn(&this.pair, pair_echo_all, &this.pair);
    while (length < this.length) {
        ssize_t result = send(this.pair.wire, this.wire + sent, this.length - sent, MSG_NOSIGNAL);

        sent += result > 0 ? (size_t)result : 0;
        wire_settle(this.pair.loop);
        result = recv(this.pair.wire, back + length, this.length - length, 0);
        assert_true(result > 0 || (result < 0 && errno == EAGAIN));
        length += result > 0 ? (size_t)result : 0;
    }
    assert_memory_equal(back, this.wire, length);
    pair_hang_up(&this.pair);
    assert_int_equal(pair_join(&this.pair, task), WHERRY_E_END);
    free(back);
    close_exchange(&this);
}

/* --- what must not */

static void what_was_left_out_does_not_go(void **state)
{
    const size_t whole = 4 + 600;
    exchange this;

    (void)state;
    open_and_give_back_one(&this, 3);
    (void)next(&this);
    give_back(&this, 1);
    memmove(this.wire + whole, this.wire + 2 * whole, whole);
    assert_comes(&this, wherry_bytes_at(this.wire, 2 * whole));
    close_exchange(&this);
}

static void what_is_said_twice_goes_twice(void **state)
{
    const size_t whole = 4 + 600;
    wherry_bytes message;
    exchange this;

    (void)state;
    open_and_give_back_one(&this, 2);
    message = next(&this);
    assert_int_equal(give(&this, message), WHERRY_OK);
    assert_int_equal(give(&this, message), WHERRY_OK);
    memcpy(this.wire + 2 * whole, this.wire + whole, whole);
    assert_comes(&this, wherry_bytes_at(this.wire, 3 * whole));
    close_exchange(&this);
}

/* Less than was received, from its front: the length in front of it says something else. */
static void a_part_of_a_message_has_a_length_of_its_own(void **state)
{
    const size_t whole = 4 + 600;
    wherry_bytes message;
    exchange this;

    (void)state;
    open_and_give_back_one(&this, 2);
    message = next(&this);
    assert_int_equal(give(&this, wherry_bytes_at(message.data, 599)), WHERRY_OK);
    this.wire[whole + 3]--;
    assert_comes(&this, wherry_bytes_at(this.wire, 2 * whole - 1));
    close_exchange(&this);
}

/* Two messages and the length between them, as one: it begins where the last one ended, and ends
 * where nothing more was received. */
static void more_than_a_message_has_a_length_of_its_own(void **state)
{
    const size_t whole = 4 + 600;
    wherry_bytes message;
    exchange this;

    (void)state;
    open_and_give_back_one(&this, 3);
    message = next(&this);
    assert_int_equal(give(&this, wherry_bytes_at(message.data, 600 + whole)), WHERRY_OK);
    this.wire[whole + 2] = (600 + 604) >> 8;
    this.wire[whole + 3] = (600 + 604) & 0xff;
    assert_comes(&this, all_of(&this));
    close_exchange(&this);
}

/* In place of a message that is too long there is a sentence about it. Who sends that sends a text,
 * wherever it lies. */
static void a_mistake_is_no_message(void **state)
{
    wherry_bytes sentence;
    exchange this;

    (void)state;
    open_exchange(&this, 0);
    wire_write(NULL, this.pair.wire, wherry_bytes_at("\xff\xff\xff\xff and more", 13));
    assert_int_equal(pair_receive(&this.pair), WHERRY_E_MALFORMED);
    sentence = wherry_text(this.pair.peer->cursor.mistake);
    assert_int_equal(give(&this, sentence), WHERRY_OK);
    memcpy(this.wire, "\0\0\0", 3);
    this.wire[3] = (uint8_t)sentence.length;
    memcpy(this.wire + 4, sentence.data, sentence.length);
    assert_comes(&this, wherry_bytes_at(this.wire, 4 + sentence.length));
    close_exchange(&this);
}

/* --- what stands against it */

static void at_the_limit_what_is_queued_is_written_first(void **state)
{
    const size_t whole = 4 + 600;
    exchange this;

    (void)state;
    open_exchange(&this, 4 * whole);
    say(&this, 5, 600);
    give_back(&this, 4);
    assert_int_equal(sends(&this), 0);
    give_back(&this, 1);
    assert_int_equal(sends(&this), 1);
    assert_int_equal(wherry_stream_unsent(this.pair.peer->stream), whole);
    assert_comes(&this, all_of(&this));
    close_exchange(&this);
}

static void nothing_goes_behind_a_shutdown(void **state)
{
    exchange this;

    (void)state;
    open_and_give_back_one(&this, 3);
    give_back(&this, 1);
    assert_int_equal(wherry_peer_shutdown(this.pair.peer), WHERRY_OK);
    assert_int_equal(give(&this, next(&this)), WHERRY_E_MISUSE);
    wire_settle(this.pair.loop);
    close_exchange(&this);
}

static void nothing_goes_behind_a_close(void **state)
{
    wherry_bytes message;
    exchange this;

    (void)state;
    open_and_give_back_one(&this, 3);
    give_back(&this, 1);
    message = next(&this);
    wherry_peer_hold(this.pair.peer);
    wherry_peer_close(this.pair.peer);
    assert_int_equal(give(&this, message), WHERRY_E_CLOSED);
    wherry_peer_release(this.pair.peer);
    this.pair.peer = NULL;
    close_exchange(&this);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_one_piece_of_the_receive_buffer),
        cmocka_unit_test(a_batch_of_short_ones_is_one_piece_too),
        cmocka_unit_test(a_short_one_alone_is_copied),
        cmocka_unit_test(a_longer_one_alone_is_not),
        cmocka_unit_test(what_came_in_another_way_goes_in_ours),
        cmocka_unit_test(raw_bytes_go_back_as_they_lie),
        cmocka_unit_test(a_flood_comes_back_as_it_went),
        cmocka_unit_test(what_was_left_out_does_not_go),
        cmocka_unit_test(what_is_said_twice_goes_twice),
        cmocka_unit_test(a_part_of_a_message_has_a_length_of_its_own),
        cmocka_unit_test(more_than_a_message_has_a_length_of_its_own),
        cmocka_unit_test(a_mistake_is_no_message),
        cmocka_unit_test(at_the_limit_what_is_queued_is_written_first),
        cmocka_unit_test(nothing_goes_behind_a_shutdown),
        cmocka_unit_test(nothing_goes_behind_a_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
