/* The end: how it is told, what still goes out after a close, and that everything may be closed and
 * freed everywhere. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/net.h"

#define LARGE ((size_t)1 << 20)

static const net_kind kinds[] = { NET_TCP4, NET_TCP6, NET_UNIX, NET_PAIR };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint8_t pattern[LARGE];
static uint8_t taken[LARGE + 1];

static void send_pattern(couple *self, size_t length)
{
    assert_int_equal(wherry_stream_send(self->stream, wherry_bytes_at(pattern, length), WHERRY_NOW),
                     WHERRY_OK);
}

/* The far end gets length bytes of the pattern and then the end. */
static void expect_all_and_end(couple *self, size_t length)
{
    ssize_t last;

    assert_int_equal(net_take_all(self->world, self->far, taken, length + 1, &last), length);
    assert_int_equal(last, 0);
    net_check(taken, length, 0);
}

/* --- the other side */

static void end_of_the_other_side_leaves_sending(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        couple self;

        couple_open(&self, world, kinds[i], .send_max = LARGE);
        assert_string_equal(wherry_stream_problem(self.stream), "");
        net_put(self.far, "all", 3);
        assert_int_equal(shutdown(self.far, SHUT_WR), 0);
        NET_UNTIL(world, self.told.reason != 0);
        assert_int_equal(self.told.reason, WHERRY_E_END);
        assert_string_equal(wherry_stream_problem(self.stream), "the other end finished in order");
        assert_true(wherry_stream_descriptor(self.stream) >= 0);
        send_pattern(&self, LARGE);
        assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_OK);
        assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_OK);
        expect_all_and_end(&self, LARGE);
        net_settle(world);
        assert_int_equal(wherry_stream_descriptor(self.stream), -1); /* nothing is left to do */
        assert_string_equal(self.told.trace, "re");
        assert_int_equal(wherry_stream_end(self.stream), WHERRY_E_END);
        couple_close(&self);
    }
}

static void shutdown_comes_behind_what_was_sent_and_leaves_receiving(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        couple self;

        couple_open(&self, world, kinds[i], .send_max = LARGE);
        send_pattern(&self, 300000);
        assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_OK);
        assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW),
                         WHERRY_E_MISUSE);
        expect_all_and_end(&self, 300000);
        net_put(self.far, "answer", 6);
        NET_UNTIL(world, self.told.length == 6);
        assert_int_equal(close(self.far), 0);
        self.far = -1;
        NET_UNTIL(world, self.told.reason != 0);
        assert_int_equal(self.told.reason, WHERRY_E_END);
        assert_int_equal(wherry_stream_descriptor(self.stream), -1);
        assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_OK);
        couple_close(&self);
    }
}

/* What was sent lies there with room behind it. */
static void nothing_goes_behind_a_shutdown_or_close_in_the_pass_of_a_send(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS * 2; i++) {
        ssize_t last;
        couple self;

        couple_open(&self, world, kinds[i / 2], .send_max = 0);
        assert_int_equal(wherry_stream_send(self.stream, wherry_text("a"), WHERRY_NOW), WHERRY_OK);
        assert_int_equal(wherry_stream_send(self.stream, wherry_text("b"), WHERRY_NOW), WHERRY_OK);
        if (i % 2 == 0)
            assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_OK);
        else
            wherry_stream_close(self.stream);
        assert_int_equal(wherry_stream_send(self.stream, wherry_text("c"), WHERRY_NOW),
                         i % 2 == 0 ? WHERRY_E_MISUSE : WHERRY_E_CLOSED);
        assert_int_equal(net_take_all(world, self.far, taken, 3, &last), 2);
        assert_memory_equal(taken, "ab", 2);
        couple_close(&self);
    }
}

static void reset_is_told_apart_from_the_end(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < 2; i++) {
        couple self;

        couple_open(&self, world, kinds[i], .send_max = LARGE);
        net_put(self.far, "last", 4);
        NET_UNTIL(world, self.told.length == 4);
        net_reset(self.far);
        self.far = -1;
        NET_UNTIL(world, self.told.reason != 0);
        assert_string_equal(self.told.trace, "re");
        assert_int_equal(self.told.reason, WHERRY_E_RESET);
        assert_string_equal(wherry_stream_problem(self.stream), "Connection reset by peer");
        assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW),
                         WHERRY_E_RESET);
        assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_E_RESET);
        assert_int_equal(wherry_stream_flush(self.stream, WHERRY_NOW), WHERRY_E_RESET);
        assert_int_equal(wherry_stream_descriptor(self.stream), -1);
        couple_close(&self);
    }
}

/* The send takes the error from the socket; what is received then looks like an orderly end. */
static void reset_that_a_send_found_is_never_an_orderly_end(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < 2; i++)
        for (int unread = 0; unread < 2; unread++) {
            couple self;

            couple_open(&self, world, kinds[i], .send_max = LARGE);
            wherry_stream_pause(self.stream);
            if (unread)
                net_put(self.far, "unread", 6);
            net_reset(self.far);
            self.far = -1;
            send_pattern(&self, 1);
            (void)wherry_stream_flush(self.stream, WHERRY_NOW);
            assert_int_equal(wherry_stream_flush(self.stream, WHERRY_NOW), WHERRY_E_RESET);
            assert_int_equal(wherry_stream_end(self.stream), WHERRY_OK);
            wherry_stream_resume(self.stream);
            NET_UNTIL(world, self.told.reason != 0);
            assert_int_equal(self.told.reason, WHERRY_E_RESET);
            couple_close(&self);
        }
}

static void close_of_the_far_end_with_unread_bytes_is_a_reset(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_TCP4, .send_max = LARGE);
    send_pattern(&self, 10);
    assert_int_equal(wherry_stream_flush(self.stream, WHERRY_NOW), WHERRY_OK);
    while (net_take(self.far, taken, 0) == -EAGAIN) /* it must have arrived */
        net_settle(world);
    while (recv(self.far, taken, 1, MSG_PEEK | MSG_DONTWAIT) < 0)
        net_settle(world);
    assert_int_equal(close(self.far), 0);
    self.far = -1;
    NET_UNTIL(world, self.told.reason != 0);
    assert_int_equal(self.told.reason, WHERRY_E_RESET);
    couple_close(&self);
}

/* --- idleness, in virtual time */

static void idle_stream_ends_at_its_limit(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .idle_timeout = WHERRY_MILLISECONDS(100),
                .send_max = LARGE);
    net_advance(world, WHERRY_MILLISECONDS(100) - 1);
    assert_int_equal(self.told.reason, 0);
    net_advance(world, 1);
    assert_string_equal(self.told.trace, "e");
    assert_int_equal(self.told.reason, WHERRY_E_IDLE);
    assert_string_equal(wherry_stream_problem(self.stream),
                        "a time limit of the connection ran out");
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW), WHERRY_E_IDLE);
    assert_int_equal(net_take(self.far, taken, 1), 0);
    couple_close(&self);
}

static void traffic_in_either_direction_puts_idleness_off(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .idle_timeout = WHERRY_MILLISECONDS(100),
                .send_max = LARGE);
    net_advance(world, WHERRY_MILLISECONDS(60));
    net_put(self.far, "x", 1);
    net_settle(world);
    net_advance(world, WHERRY_MILLISECONDS(99));
    assert_int_equal(self.told.reason, 0);
    send_pattern(&self, 1);
    net_settle(world);
    net_advance(world, WHERRY_MILLISECONDS(99));
    assert_int_equal(self.told.reason, 0);
    send_pattern(&self, 100000); /* the direct way */
    net_settle(world);
    net_advance(world, WHERRY_MILLISECONDS(100) - 1);
    assert_int_equal(self.told.reason, 0);
    net_advance(world, 1);
    assert_int_equal(self.told.reason, WHERRY_E_IDLE);
    couple_close(&self);
}

static void idle_limit_can_be_set_and_taken_away(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .idle_timeout = WHERRY_MILLISECONDS(100),
                .send_max = LARGE);
    net_advance(world, WHERRY_MILLISECONDS(50));
    wherry_stream_set_idle(self.stream, 0);
    net_advance(world, WHERRY_SECONDS(1000));
    assert_int_equal(self.told.reason, 0);
    wherry_stream_set_idle(self.stream, INT64_MAX);
    net_advance(world, WHERRY_SECONDS(1000));
    wherry_stream_set_idle(self.stream, WHERRY_MILLISECONDS(10)); /* from now on */
    net_advance(world, WHERRY_MILLISECONDS(10) - 1);
    assert_int_equal(self.told.reason, 0);
    net_advance(world, 1);
    assert_int_equal(self.told.reason, WHERRY_E_IDLE);
    wherry_stream_set_idle(self.stream, 1);
    net_advance(world, 1);
    assert_string_equal(self.told.trace, "e");
    couple_close(&self);
}

/* --- closing */

static void unsent_bytes_go_out_after_close_and_free(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++)
        for (int freed = 0; freed < 2; freed++) {
            couple self;

            couple_open(&self, world, kinds[i], .send_max = LARGE);
            send_pattern(&self, LARGE);
            if (freed)
                wherry_stream_free(self.stream);
            else
                wherry_stream_close(self.stream);
            expect_all_and_end(&self, LARGE);
            self.stream = freed ? NULL : self.stream;
            assert_string_equal(self.told.trace, "");
            couple_close(&self);
        }
}

static void unsent_bytes_are_cut_off_at_the_linger_time(void **state)
{
    const int64_t lingers[] = { 0, WHERRY_MILLISECONDS(1), WHERRY_SECONDS(2) };
    const int numbers[] = { 0, ENOBUFS };
    net *world = *state;

    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 2; k++) {
            int64_t linger = lingers[i] == 0 ? WHERRY_SECONDS(5) : lingers[i];
            size_t closed;
            couple self;

            couple_open(&self, world, NET_PAIR, .idle_timeout = WHERRY_MILLISECONDS(1),
                        .linger = lingers[i], .send_max = LARGE);
            if (numbers[k] != 0)
                wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = numbers[k]);
            send_pattern(&self, LARGE); /* more than the pair holds */
            closed = wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE);
            wherry_stream_close(self.stream);
            wherry_stream_set_idle(self.stream, 1); /* does not matter any more */
            net_advance(world, linger - 1);
            assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE), closed);
            net_advance(world, 1);
            assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE), closed + 1);
            assert_int_equal(wherry_stream_unsent(self.stream), 0);
            couple_close(&self);
        }
}

/* Neither what goes out meanwhile nor what the system refuses moves the limit. */
static void progress_leaves_the_linger_time_as_it_is(void **state)
{
    net *world = *state;
    couple self;
    size_t closed, unsent;

    couple_open(&self, world, NET_PAIR, .linger = WHERRY_SECONDS(1), .send_max = LARGE);
    send_pattern(&self, LARGE);
    closed = wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE);
    wherry_stream_close(self.stream);
    net_advance(world, WHERRY_MILLISECONDS(400));
    unsent = wherry_stream_unsent(self.stream);
    while (net_take(self.far, taken, LARGE) > 0)
        continue;
    net_settle(world);
    assert_true(wherry_stream_unsent(self.stream) < unsent);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = ENOBUFS);
    while (net_take(self.far, taken, LARGE) > 0)
        continue;
    net_settle(world);
    net_advance(world, WHERRY_MILLISECONDS(600) - 1);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE), closed);
    net_advance(world, 1);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE), closed + 1);
    couple_close(&self);
}

static void close_with_unread_bytes_does_not_take_away_what_was_sent(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        couple self;

        couple_open(&self, world, kinds[i], .send_max = LARGE);
        wherry_stream_pause(self.stream);
        net_put(self.far, pattern, 50000);
        while (recv(wherry_stream_descriptor(self.stream), taken, 50000, MSG_PEEK | MSG_DONTWAIT) <
               50000)
            continue; /* it must have arrived */
        send_pattern(&self, 200000);
        wherry_stream_free(self.stream);
        self.stream = NULL;
        expect_all_and_end(&self, 200000);
        couple_close(&self);
        net_settle(world);
    }
}

static void bytes_that_come_too_late_are_read_away_within_the_linger_time(void **state)
{
    net *world = *state;
    couple self;
    size_t closed = wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE);

    couple_open(&self, world, NET_PAIR, .linger = WHERRY_SECONDS(1), .send_max = LARGE);
    wherry_stream_pause(self.stream);
    net_put(self.far, "unread", 6);
    wherry_stream_close(self.stream);
    assert_int_equal(net_take(self.far, taken, 1), 0); /* it knows */
    net_put(self.far, "more", 4);
    net_advance(world, WHERRY_SECONDS(1) - 1);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE), closed);
    net_advance(world, 1);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE), closed + 1);
    couple_close(&self);
}

static void endless_late_bytes_are_not_read_away_for_ever(void **state)
{
    net *world = *state;
    couple self;
    size_t sent = 0;
    size_t closed = wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE);

    couple_open(&self, world, NET_PAIR, .send_max = LARGE);
    wherry_stream_pause(self.stream);
    net_put(self.far, "unread", 6);
    wherry_stream_close(self.stream);
    while (wherry_faulty_calls(world->system, WHERRY_CALL_CLOSE) == closed) {
        ssize_t count = send(self.far, pattern, 60000, MSG_DONTWAIT | MSG_NOSIGNAL);

        sent += count > 0 ? (size_t)count : 0;
        assert_true(wherry_loop_step(world->loop) >= 0);
    }
    assert_true(sent > LARGE && sent < 2 * LARGE);
    couple_close(&self);
}

/* --- closing and freeing inside callbacks */

static void close_inside(recorder *told, wherry_stream *stream, char what)
{
    if (*(const char *)told->target == what) {
        wherry_stream_close(stream);
        assert_int_equal(wherry_stream_descriptor(stream), -1);
    }
}

static void free_inside(recorder *told, wherry_stream *stream, char what)
{
    if (*(const char *)told->target == what) {
        wherry_stream_free(stream);
        told->act = NULL;
    }
}

static void abort_inside(recorder *told, wherry_stream *stream, char what)
{
    if (*(const char *)told->target == what)
        wherry_stream_abort(stream);
}

/* Has received, writable and ended told, unless one of them ends it, until what was told. */
static void provoke_all(couple *self, char what)
{
    net *world = self->world;

    while (wherry_stream_send(self->stream, wherry_bytes_at(pattern, LARGE), WHERRY_NOW) ==
           WHERRY_OK)
        continue;
    net_put(self->far, "x", 1);
    (void)shutdown(self->far, SHUT_WR);
    while (strchr(self->told.trace, what) == NULL) {
        (void)net_take(self->far, taken, LARGE);
        assert_true(wherry_loop_step(world->loop) >= 0);
    }
    for (size_t i = 0; i < 20; i++) {
        (void)net_take(self->far, taken, LARGE);
        assert_true(wherry_loop_step(world->loop) >= 0);
    }
}

static void stream_can_be_closed_freed_and_aborted_in_each_callback(void **state)
{
    void (*const acts[])(recorder *, wherry_stream *, char) = { close_inside, abort_inside,
                                                                free_inside };
    static const char *const callbacks[] = { "r", "w", "e" };
    net *world = *state;

    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 3; k++)
            for (size_t kind = 0; kind < KINDS; kind++) {
                couple self;
                const char *last;

                couple_open(&self, world, kinds[kind], .send_max = LARGE);
                self.told.act = acts[i];
                self.told.target = (void *)(uintptr_t)callbacks[k];
                provoke_all(&self, *callbacks[k]);
                last = strchr(self.told.trace, *callbacks[k]);
                assert_non_null(last);
                assert_int_equal(last[1], '\0'); /* nothing follows */
                if (acts[i] == free_inside)
                    self.stream = NULL;
                couple_close(&self);
            }
}

typedef struct assassin {
    recorder told; /* first */
    struct assassin *victim;
    wherry_stream *stream;
    bool frees;
} assassin;

static void end_the_other(recorder *told, wherry_stream *stream, char what)
{
    assassin *self = (assassin *)told;

    (void)stream;
    (void)what;
    if (self->victim->stream == NULL)
        return;
    if (self->frees) {
        wherry_stream_free(self->victim->stream);
        self->victim->stream = NULL;
    } else {
        wherry_stream_close(self->victim->stream);
    }
}

/* Both are ready in the same pass; the first that is told ends the other. */
static void callback_can_end_another_stream_of_the_same_pass(void **state)
{
    net *world = *state;

    for (int frees = 0; frees < 2; frees++) {
        assassin both[2];
        int far[2];

        for (size_t i = 0; i < 2; i++) {
            int ends[2];

            net_pair(NET_PAIR, ends);
            far[i] = ends[1];
            both[i] = (assassin){ .victim = &both[1 - i], .frees = frees == 1 };
            recorder_init(&both[i].told);
            both[i].told.act = end_the_other;
            both[i].stream = net_stream(world, ends[0], &both[i].told);
        }
        net_put(far[0], "x", 1);
        net_put(far[1], "x", 1);
        net_settle(world);
        assert_int_equal(strlen(both[0].told.trace) + strlen(both[1].told.trace), 1);
        for (size_t i = 0; i < 2; i++) {
            wherry_stream_free(both[i].stream);
            recorder_clear(&both[i].told);
            assert_int_equal(close(far[i]), 0);
        }
    }
}

static void nothing_happens_after_a_free(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .idle_timeout = WHERRY_MILLISECONDS(1), .send_max = LARGE);
    net_put(self.far, "x", 1);
    wherry_stream_free(self.stream);
    self.stream = NULL;
    net_advance(world, WHERRY_SECONDS(10));
    assert_string_equal(self.told.trace, "");
    couple_close(&self);
}

/* --- abort */

static void abort_sends_a_reset(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < 2; i++)
        for (int closed = 0; closed < 2; closed++) {
            couple self;
            ssize_t last;

            couple_open(&self, world, kinds[i], .send_max = LARGE);
            send_pattern(&self, 5); /* never leaves */
            if (closed) {
                wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = EAGAIN);
                wherry_stream_close(self.stream);
            }
            wherry_stream_abort(self.stream);
            wherry_stream_abort(self.stream);
            assert_int_equal(net_take_all(world, self.far, taken, 10, &last), 0);
            assert_int_equal(last, -ECONNRESET);
            assert_int_equal(wherry_stream_end(self.stream), WHERRY_E_CLOSED);
            assert_string_equal(self.told.trace, "");
            couple_close(&self);
        }
}

/* --- what is closed can be read */

static void closed_stream_answers_everything(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < 3; i++) {
        couple self;
        wherry_address remote, local, again;
        wherry_bytes bytes;

        couple_open(&self, world, kinds[i], .send_max = LARGE);
        self.told.consume_max = SIZE_MAX;
        wherry_stream_remote(self.stream, &remote);
        wherry_stream_local(self.stream, &local);
        assert_int_equal(local.family, i == 0   ? WHERRY_FAMILY_IPV4
                                       : i == 1 ? WHERRY_FAMILY_IPV6
                                                : WHERRY_FAMILY_UNIX);
        net_put(self.far, "rest", 4);
        NET_UNTIL(world, self.told.trace[0] == 'r');
        for (size_t times = 0; times < 2; times++) {
            wherry_stream_close(self.stream);
            assert_int_equal(wherry_stream_end(self.stream), WHERRY_E_CLOSED);
            assert_string_equal(wherry_stream_problem(self.stream), "it was closed here");
            assert_memory_equal(wherry_stream_peek(self.stream).data, "rest", 4);
            wherry_stream_remote(self.stream, &again);
            assert_true(wherry_address_equal(&remote, &again));
            wherry_stream_local(self.stream, &again);
            assert_true(wherry_address_equal(&local, &again));
            assert_int_equal(wherry_stream_descriptor(self.stream), -1);
            assert_int_equal(wherry_stream_unsent(self.stream), 0);
            assert_int_equal(wherry_stream_receive(self.stream, &bytes, WHERRY_NOW),
                             WHERRY_E_CLOSED);
            assert_int_equal(wherry_stream_send(self.stream, bytes, WHERRY_NOW), WHERRY_E_CLOSED);
            assert_int_equal(wherry_stream_flush(self.stream, WHERRY_NOW), WHERRY_E_CLOSED);
            assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_E_CLOSED);
            wherry_stream_pause(self.stream);
            wherry_stream_resume(self.stream);
            wherry_stream_set_idle(self.stream, 1);
            net_settle(world);
        }
        wherry_stream_consume(self.stream, 1);
        assert_memory_equal(wherry_stream_peek(self.stream).data, "est", 3);
        assert_int_equal(self.told.trace[1], '\0');
        couple_close(&self);
    }
    wherry_stream_free(NULL);
}

static void end_is_sticky(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = LARGE);
    assert_int_equal(close(self.far), 0);
    self.far = -1;
    NET_UNTIL(world, self.told.reason == WHERRY_E_END);
    wherry_stream_set_idle(self.stream, 1);
    net_advance(world, 10);
    assert_int_equal(wherry_stream_end(self.stream), WHERRY_E_END);
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW), WHERRY_E_IDLE);
    wherry_stream_close(self.stream);
    assert_int_equal(wherry_stream_end(self.stream), WHERRY_E_END);
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW),
                     WHERRY_E_CLOSED);
    assert_string_equal(self.told.trace, "e");
    couple_close(&self);
}

/* --- descriptors that are kept */

static void kept_descriptor_stays_open_and_as_it_was(void **state)
{
    net *world = *state;

    for (int aborted = 0; aborted < 2; aborted++) {
        wherry_stream *stream;
        int ends[2];

        net_pair(NET_TCP4, ends);
        assert_int_equal(
            wherry_stream_new(&stream, .loop = world->loop, .descriptor = ends[0], .keep = 1),
            WHERRY_OK);
        assert_int_equal(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
        assert_int_equal(wherry_stream_send(stream, wherry_text("one"), WHERRY_NOW), WHERRY_OK);
        assert_int_equal(wherry_stream_flush(stream, WHERRY_NOW), WHERRY_OK);
        if (aborted)
            wherry_stream_abort(stream);
        wherry_stream_free(stream);
        net_put(ends[0], "two", 3);
        assert_int_equal(recv(ends[1], taken, 6, MSG_WAITALL), 6);
        assert_memory_equal(taken, "onetwo", 6);
        assert_int_equal(close(ends[0]), 0);
        assert_int_equal(recv(ends[1], taken, 1, 0), 0);
        assert_int_equal(close(ends[1]), 0);
    }
}

/* --- the loop's end */

static void freed_loop_leaves_handles_that_can_be_asked(void **state)
{
    net *world = *state;
    couple self;
    wherry_address address;
    wherry_bytes bytes;

    couple_open(&self, world, NET_UNIX, .send_max = LARGE);
    self.told.consume_max = SIZE_MAX;
    net_put(self.far, "rest", 4);
    NET_UNTIL(world, self.told.trace[0] == 'r');
    send_pattern(&self, 3);
    wherry_loop_free(world->loop);
    world->loop = NULL;
    assert_int_equal(recv(self.far, taken, 4, MSG_WAITALL), 3); /* and the end behind it */
    assert_int_equal(wherry_stream_end(self.stream), WHERRY_E_CLOSED);
    assert_memory_equal(wherry_stream_peek(self.stream).data, "rest", 4);
    wherry_stream_consume(self.stream, 4);
    assert_int_equal(wherry_stream_receive(self.stream, &bytes, WHERRY_NOW), WHERRY_E_CLOSED);
    assert_int_equal(wherry_stream_send(self.stream, bytes, WHERRY_NOW), WHERRY_E_CLOSED);
    wherry_stream_resume(self.stream);
    wherry_stream_set_idle(self.stream, 1);
    wherry_stream_local(self.stream, &address);
    assert_int_equal(address.family, WHERRY_FAMILY_UNIX);
    wherry_stream_close(self.stream);
    assert_string_equal(self.told.trace, "r");
    couple_close(&self);
}

static void freed_loop_lets_closes_finish(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = LARGE);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = ENOBUFS, .count = 5);
    send_pattern(&self, 100);
    wherry_stream_free(self.stream);
    self.stream = NULL;
    wherry_loop_free(world->loop);
    world->loop = NULL;
    assert_int_equal(recv(self.far, taken, 101, MSG_WAITALL), 100);
    couple_close(&self);
}

static int64_t waited_until;
static wherry_system unwatched; /* the functions of the system before one was put in the way */

static int note_until(wherry_system *self, wherry_poller *poller, int64_t until,
                      wherry_ready *ready, int capacity)
{
    waited_until = until;
    return unwatched.wait(self, poller, until, ready, capacity);
}

/* Nothing to wait for: it must not wait for the whole linger time either. */
static void freed_loop_does_not_wait_when_all_is_done(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = LARGE);
    send_pattern(&self, 3);
    unwatched = *wherry_faulty_system(world->system);
    wherry_faulty_system(world->system)->wait = note_until;
    wherry_loop_free(world->loop);
    world->loop = NULL;
    assert_true(waited_until == WHERRY_NOW);
    couple_close(&self);
}

static void loop_ends_its_run_with_the_last_stream(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = LARGE);
    send_pattern(&self, 3);
    wherry_stream_free(self.stream);
    self.stream = NULL;
    assert_int_equal(wherry_loop_run(world->loop), WHERRY_OK);
    assert_int_equal(recv(self.far, taken, 4, MSG_WAITALL), 3);
    couple_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(end_of_the_other_side_leaves_sending),
        NET_TEST(shutdown_comes_behind_what_was_sent_and_leaves_receiving),
        NET_TEST(nothing_goes_behind_a_shutdown_or_close_in_the_pass_of_a_send),
        NET_TEST(reset_is_told_apart_from_the_end),
        NET_TEST(reset_that_a_send_found_is_never_an_orderly_end),
        NET_TEST(close_of_the_far_end_with_unread_bytes_is_a_reset),
        NET_TEST_VIRTUAL(idle_stream_ends_at_its_limit),
        NET_TEST_VIRTUAL(traffic_in_either_direction_puts_idleness_off),
        NET_TEST_VIRTUAL(idle_limit_can_be_set_and_taken_away),
        NET_TEST(unsent_bytes_go_out_after_close_and_free),
        NET_TEST_VIRTUAL(unsent_bytes_are_cut_off_at_the_linger_time),
        NET_TEST_VIRTUAL(progress_leaves_the_linger_time_as_it_is),
        NET_TEST(close_with_unread_bytes_does_not_take_away_what_was_sent),
        NET_TEST_VIRTUAL(bytes_that_come_too_late_are_read_away_within_the_linger_time),
        NET_TEST_VIRTUAL(endless_late_bytes_are_not_read_away_for_ever),
        NET_TEST(stream_can_be_closed_freed_and_aborted_in_each_callback),
        NET_TEST(callback_can_end_another_stream_of_the_same_pass),
        NET_TEST_VIRTUAL(nothing_happens_after_a_free),
        NET_TEST(abort_sends_a_reset),
        NET_TEST(closed_stream_answers_everything),
        NET_TEST_VIRTUAL(end_is_sticky),
        NET_TEST(kept_descriptor_stays_open_and_as_it_was),
        NET_TEST(freed_loop_leaves_handles_that_can_be_asked),
        NET_TEST_VIRTUAL(freed_loop_lets_closes_finish),
        NET_TEST(freed_loop_does_not_wait_when_all_is_done),
        NET_TEST(loop_ends_its_run_with_the_last_stream),
    };

    net_fill(pattern, LARGE, 0);
    return NET_RUN(tests);
}
