/* Writing: what leaves in one write, what the system may do to it, and who is told then. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "base/size.h"
#include "support/net.h"

#define LARGE ((size_t)1 << 20)

static uint8_t pattern[2000];

static void sends_of_a_pass_leave_in_one_write(void **state)
{
    net *world = *state;

    for (net_kind kind = 0; kind < NET_KINDS; kind++) {
        couple self;
        size_t before = wherry_faulty_calls(world->system, WHERRY_CALL_SEND);

        couple_open(&self, world, kind, .send_max = 0);
        for (size_t k = 0; k < 100; k++)
            assert_int_equal(couple_send_at_once(&self, k * 7, 7), WHERRY_OK);
        assert_int_equal(wherry_stream_unsent(self.stream), 700);
        assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_SEND), before);
        couple_expect(&self, 0, 700);
        assert_int_equal(wherry_stream_unsent(self.stream), 0);
        assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_SEND), before + 1);
        couple_close(&self);
    }
}

static void send_from_received(recorder *told, wherry_stream *stream, char what)
{
    (void)told;
    if (what == 'r')
        for (size_t i = 0; i < 16; i++)
            assert_int_equal(
                wherry_stream_send(stream, wherry_bytes_at(pattern + i, 1), WHERRY_NOW), WHERRY_OK);
}

static int send_sixteen(void *argument)
{
    couple *self = argument;

    for (size_t i = 0; i < 16; i++)
        assert_int_equal(
            wherry_stream_send(self->stream, wherry_bytes_at(pattern + i, 1), WHERRY_NEVER),
            WHERRY_OK);
    return WHERRY_OK;
}

static void callbacks_and_tasks_of_a_pass_share_the_write(void **state)
{
    net *world = *state;
    couple self;
    wherry_task *task;
    char taken[100];

    couple_open(&self, world, NET_PAIR, .send_max = 0);
    self.told.act = send_from_received;
    net_put(self.far, "x", 1);
    assert_int_equal(wherry_spawn(&task, send_sixteen, &self, .loop = world->loop), WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, send_sixteen, &self, .loop = world->loop), WHERRY_OK);
    NET_UNTIL(world, wherry_task_ended(task) && self.told.length == 1);
    assert_int_equal(net_take(self.far, taken, sizeof(taken)), 48);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_SEND), 1);
    wherry_task_release(task);
    couple_close(&self);
}

static void nothing_is_sent_for_empty_bytes(void **state)
{
    net *world = *state;
    couple self;
    wherry_bytes parts[2] = { { NULL, 0 }, { NULL, 0 } };

    couple_open(&self, world, NET_PAIR, .send_max = 0);
    assert_int_equal(couple_send_at_once(&self, 0, 0), WHERRY_OK);
    assert_int_equal(wherry_stream_send_parts(self.stream, parts, 2, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_stream_send_parts(self.stream, NULL, 0, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_stream_unsent(self.stream), 0);
    net_settle(world);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_SEND), 0);
    couple_close(&self);
}

static void stream_stays_whole_in_any_portions(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = 0);
    for (size_t most = 1; most <= 33; most++) {
        wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .most = most);
        for (size_t sent = 0; sent < 320; sent += most)
            assert_int_equal(couple_send_at_once(&self, sent, wherry__size_min(most, 320 - sent)),
                             WHERRY_OK);
        couple_expect(&self, 0, 320);
    }
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .most = 65521);
    assert_int_equal(couple_send_at_once(&self, 0, LARGE), WHERRY_OK);
    couple_expect(&self, 0, LARGE);
    couple_close(&self);
}

static void small_message_survives_every_refusal_at_every_offset(void **state)
{
    const int numbers[] = { EAGAIN, EINTR, ENOBUFS, ENOMEM };
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = 0);
    for (size_t i = 0; i < 4; i++)
        for (size_t offset = 0; offset <= 12; offset++)
            for (size_t count = 1; count <= 2; count++) {
                wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .most = 1);
                wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .first = 1 + offset,
                                   .count = count, .number = numbers[i]);
                assert_int_equal(couple_send_at_once(&self, 5, 7), WHERRY_OK);
                assert_int_equal(couple_send_at_once(&self, 12, 5), WHERRY_OK);
                NET_UNTIL(world, wherry_stream_unsent(self.stream) == 0);
                couple_expect(&self, 5, 12);
                wherry_faulty_heal(world->system, WHERRY_CALL_ANY);
            }
    couple_close(&self);
}

/* It does not become ready when there are buffers again, hence must not be asked all the time. */
static void lack_of_buffers_is_tried_again_by_a_timer(void **state)
{
    net *world = *state;
    couple self;
    int64_t begin;

    couple_open(&self, world, NET_PAIR, .send_max = 0);
    begin = wherry_loop_now(world->loop);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = ENOBUFS, .count = 3);
    assert_int_equal(couple_send_at_once(&self, 0, 10), WHERRY_OK);
    net_settle(world);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_SEND), 1);
    NET_UNTIL(world, wherry_stream_unsent(self.stream) == 0);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_SEND), 4);
    assert_int_equal(wherry_loop_now(world->loop) - begin, WHERRY_MILLISECONDS(30));
    couple_expect(&self, 0, 10);
    couple_close(&self);
}

static void lack_of_buffers_does_not_hold_up_idleness(void **state)
{
    net *world = *state;
    couple self;
    int64_t begin;

    couple_open(&self, world, NET_PAIR, .send_max = 0);
    begin = wherry_loop_now(world->loop);
    wherry_stream_set_idle(self.stream, WHERRY_MILLISECONDS(95));
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = ENOBUFS);
    assert_int_equal(couple_send_at_once(&self, 0, 10), WHERRY_OK);
    NET_UNTIL(world, self.told.reason != 0);
    assert_int_equal(self.told.reason, WHERRY_E_IDLE);
    assert_int_equal(wherry_loop_now(world->loop) - begin, WHERRY_MILLISECONDS(95));
    couple_close(&self);
}

static void writable_is_told_once_after_a_refusal(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = 1000);
    couple_block(&self);
    assert_int_equal(couple_send_at_once(&self, 0, 1000), WHERRY_OK);
    wherry_faulty_heal(world->system, WHERRY_CALL_ANY);
    couple_expect(&self, 0, 1000);
    net_settle(world);
    assert_string_equal(self.told.trace, ""); /* nothing was refused */
    couple_block(&self);
    assert_int_equal(couple_send_at_once(&self, 0, 1000), WHERRY_OK);
    assert_int_equal(couple_send_at_once(&self, 0, 1), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(couple_send_at_once(&self, 0, 1), WHERRY_E_WOULD_BLOCK);
    net_settle(world);
    assert_string_equal(self.told.trace, "");
    wherry_faulty_heal(world->system, WHERRY_CALL_ANY);
    couple_expect(&self, 0, 1000);
    net_settle(world);
    assert_string_equal(self.told.trace, "w");
    couple_close(&self);
}

static void send_in_writable(recorder *told, wherry_stream *stream, char what)
{
    if (what == 'w' && told->target != NULL) {
        told->target = NULL;
        assert_int_equal(
            wherry_stream_send(stream, wherry_bytes_at(pattern + 1000, 1000), WHERRY_NOW),
            WHERRY_OK);
    }
}

static void send_inside_writable_goes_out(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = 1000);
    self.told.act = send_in_writable;
    self.told.target = &self;
    couple_block(&self);
    assert_int_equal(couple_send_at_once(&self, 0, 1000), WHERRY_OK);
    assert_int_equal(couple_send_at_once(&self, 1000, 1000), WHERRY_E_WOULD_BLOCK);
    wherry_faulty_heal(world->system, WHERRY_CALL_ANY);
    couple_expect(&self, 0, 2000);
    couple_close(&self);
}

static int flush_body(void *argument)
{
    couple *self = argument;

    wherry_faulty_heal(self->world->system, WHERRY_CALL_ANY);
    return wherry_stream_flush(self->stream, WHERRY_NEVER);
}

/* The recorder checks that it is not called on a coroutine. */
static void flush_on_a_coroutine_tells_writable_outside_of_it(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = 100);
    assert_int_equal(couple_send_at_once(&self, 0, 100), WHERRY_OK);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .most = 1);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = EAGAIN, .count = 1);
    assert_int_equal(couple_send_at_once(&self, 100, 1), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(net_run(world, flush_body, &self), WHERRY_OK);
    assert_int_equal(wherry_stream_unsent(self.stream), 0);
    couple_expect(&self, 0, 100);
    net_settle(world);
    assert_string_equal(self.told.trace, "w");
    couple_close(&self);
}

static int flush_waits(void *argument)
{
    couple *self = argument;

    assert_int_equal(wherry_stream_flush(self->stream, WHERRY_NEVER), WHERRY_OK);
    assert_int_equal(wherry_stream_send(self->stream, wherry_bytes_at(pattern, 10), WHERRY_NEVER),
                     WHERRY_OK);
    assert_int_equal(wherry_stream_flush(self->stream, WHERRY_NOW), WHERRY_OK); /* there is room */
    couple_expect(self, 0, 10);
    couple_block(self);
    assert_int_equal(wherry_stream_send(self->stream, wherry_bytes_at(pattern, 10), WHERRY_NEVER),
                     WHERRY_OK);
    assert_int_equal(wherry_stream_flush(self->stream, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    assert_int_equal(wherry_stream_flush(self->stream, wherry_in(WHERRY_MILLISECONDS(5))),
                     WHERRY_E_TIMED_OUT);
    wherry_faulty_heal(self->world->system, WHERRY_CALL_ANY);
    assert_int_equal(wherry_stream_flush(self->stream, WHERRY_NEVER), WHERRY_OK);
    assert_int_equal(wherry_stream_unsent(self->stream), 0);
    return WHERRY_OK;
}

static void flush_waits_until_the_kernel_has_all(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = 0);
    assert_int_equal(net_run(world, flush_waits, &self), WHERRY_OK);
    couple_close(&self);
}

static int flush_until_broken(void *argument)
{
    couple *self = argument;

    assert_int_equal(wherry_stream_flush(self->stream, WHERRY_NEVER), WHERRY_E_RESET);
    assert_int_equal(wherry_stream_flush(self->stream, WHERRY_NEVER), WHERRY_E_RESET);
    return WHERRY_OK;
}

static void flush_tells_how_sending_ended(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = 0);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = EAGAIN, .count = 1);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .most = 1);
    assert_int_equal(couple_send_at_once(&self, 0, 10), WHERRY_OK);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .first = 2, .number = ECONNRESET);
    assert_int_equal(net_run(world, flush_until_broken, &self), WHERRY_OK);
    assert_int_equal(wherry_stream_unsent(self.stream), 0);
    assert_int_equal(couple_send_at_once(&self, 0, 1), WHERRY_E_RESET);
    wherry_stream_close(self.stream);
    assert_int_equal(wherry_stream_flush(self.stream, WHERRY_NOW), WHERRY_E_CLOSED);
    assert_int_equal(couple_send_at_once(&self, 0, 1), WHERRY_E_CLOSED);
    couple_close(&self);
}

/* Two streams that each wait for the other to go on would wait for ever. */
static void failed_sending_is_told_to_who_waits_for_room(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .send_max = 100);
    wherry_stream_pause(self.stream);
    net_put(self.far, "x", 1);
    net_settle(world);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = EAGAIN, .count = 1);
    assert_int_equal(couple_send_at_once(&self, 0, 100), WHERRY_OK);
    assert_int_equal(couple_send_at_once(&self, 0, 1), WHERRY_E_WOULD_BLOCK);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = EPIPE);
    NET_UNTIL(world, self.told.trace[0] != '\0');
    assert_string_equal(self.told.trace, "w");
    assert_int_equal(couple_send_at_once(&self, 0, 1), WHERRY_E_RESET);
    assert_int_equal(wherry_stream_end(self.stream), WHERRY_OK); /* what came can be received */
    wherry_stream_resume(self.stream);
    NET_UNTIL(world, self.told.length == 1);
    couple_close(&self);
}

/* A child with the default disposition of SIGPIPE, which would end it. */
static int break_off(bool socket)
{
    wherry_loop *loop;
    wherry_stream *stream;
    int ends[2];

    if ((socket ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends)) != 0 ||
        wherry_loop_new(&loop) < 0 ||
        wherry_stream_new(&stream, .loop = loop, .descriptor = ends[1]) < 0)
        return 1;
    wherry_stream_pause(stream);
    (void)close(ends[0]);
    if (wherry_stream_send(stream, wherry_text("x"), WHERRY_NOW) != WHERRY_OK ||
        wherry_stream_flush(stream, WHERRY_NOW) != WHERRY_E_RESET)
        return 2;
    wherry_stream_free(stream);
    wherry_loop_free(loop);
    return 0;
}

static void no_signal_is_raised(void **state)
{
    (void)state;
    for (int socket = 0; socket < 2; socket++) {
        int status;
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0)
            _exit(sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL) == 0
                      ? break_off(socket == 1)
                      : 3);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(sends_of_a_pass_leave_in_one_write),
        NET_TEST(callbacks_and_tasks_of_a_pass_share_the_write),
        NET_TEST(nothing_is_sent_for_empty_bytes),
        NET_TEST(stream_stays_whole_in_any_portions),
        NET_TEST_VIRTUAL(small_message_survives_every_refusal_at_every_offset),
        NET_TEST_VIRTUAL(lack_of_buffers_is_tried_again_by_a_timer),
        NET_TEST_VIRTUAL(lack_of_buffers_does_not_hold_up_idleness),
        NET_TEST(writable_is_told_once_after_a_refusal),
        NET_TEST(send_inside_writable_goes_out),
        NET_TEST(flush_on_a_coroutine_tells_writable_outside_of_it),
        NET_TEST_VIRTUAL(flush_waits_until_the_kernel_has_all),
        NET_TEST(flush_tells_how_sending_ended),
        NET_TEST(failed_sending_is_told_to_who_waits_for_room),
        NET_TEST(no_signal_is_raised),
    };

    net_fill(pattern, sizeof(pattern), 0);
    return NET_RUN(tests);
}
