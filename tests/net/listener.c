/* Listeners: where they listen, what they accept and who is told, and that neither connections that
 * come to nothing nor a machine without descriptors ends or busies them. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/listener.h>
#include <wherry/log.h>

#include "support/host.h"
#include "support/net.h"

static const net_kind kinds[] = { NET_TCP4, NET_TCP6, NET_UNIX };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* --- accepting */

static void connections_are_told_with_their_addresses(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++) {
        host self;
        wherry_address address;
        int client;
        char text[8] = "";

        host_open(&self, world, kinds[i], true);
        if (kinds[i] != NET_UNIX)
            assert_int_not_equal(self.address.port, 0);
        client = net_dial(&self.address);
        NET_UNTIL(world, self.count == 1);
        wherry_stream_local(self.streams[0], &address);
        assert_true(wherry_address_equal(&address, &self.address));
        wherry_stream_remote(self.streams[0], &address);
        if (kinds[i] == NET_UNIX)
            assert_int_equal(address.family, WHERRY_FAMILY_NONE);
        else
            assert_int_not_equal(address.port, 0);
        assert_int_equal(wherry_stream_send(self.streams[0], wherry_text("hi"), WHERRY_NOW),
                         WHERRY_OK);
        assert_int_equal(wherry_stream_flush(self.streams[0], WHERRY_NOW), WHERRY_OK);
        assert_int_equal(recv(client, text, 2, MSG_WAITALL), 2);
        assert_int_equal(close(client), 0);
        host_close(&self);
    }
}

static void abstract_name_leaves_no_file(void **state)
{
    net *world = *state;
    host self;
    char text[64];
    int length = snprintf(text, sizeof(text), "@wherry-test-%d", (int)getpid());
    int client;

    host_init(&self, world);
    assert_int_equal(wherry_address_parse(&self.address, text, (size_t)length), WHERRY_OK);
    assert_int_equal(wherry_listener_new(&self.listener, .loop = world->loop,
                                         .address = &self.address, .events = &self.events),
                     WHERRY_OK);
    client = net_dial(&self.address);
    NET_UNTIL(world, self.count == 1);
    assert_int_equal(close(client), 0);
    host_close(&self);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_UNLINK), 0);
}

static int accept_body(void *argument)
{
    host *self = argument;
    int result = wherry_listener_accept(self->listener, &self->streams[0], WHERRY_NEVER);

    self->count = result == WHERRY_OK;
    return result;
}

static void coroutine_accepts(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++)
        for (int early = 0; early < 2; early++) {
            host self;
            wherry_task *task;
            int client = -1;

            host_open(&self, world, kinds[i], false);
            if (early)
                client = net_dial(&self.address);
            assert_int_equal(wherry_spawn(&task, accept_body, &self, .loop = world->loop),
                             WHERRY_OK);
            if (!early) {
                NET_UNTIL(world, wherry_task_waits_for(task) != NULL);
                assert_string_equal(wherry_task_waits_for(task), "accept");
                client = net_dial(&self.address);
            }
            NET_UNTIL(world, wherry_task_ended(task));
            assert_int_equal(self.count, 1);
            wherry_task_release(task);
            assert_int_equal(close(client), 0);
            host_close(&self);
        }
}

static int accept_in_vain(void *argument)
{
    host *self = argument;
    wherry_stream *stream = NULL;

    assert_int_equal(wherry_listener_accept(self->listener, &stream, WHERRY_NOW),
                     WHERRY_E_WOULD_BLOCK);
    assert_int_equal(
        wherry_listener_accept(self->listener, &stream, wherry_in(WHERRY_MILLISECONDS(20))),
        WHERRY_E_TIMED_OUT);
    assert_int_equal(wherry_listener_accept(self->listener, &stream, wherry_in(0)),
                     WHERRY_E_TIMED_OUT);
    wherry_task_cancel(wherry_task_current());
    assert_int_equal(wherry_listener_accept(self->listener, &stream, WHERRY_NEVER),
                     WHERRY_E_CANCELED);
    assert_null(stream);
    return WHERRY_OK;
}

static void accept_answers_when_nobody_comes(void **state)
{
    net *world = *state;
    host self;
    wherry_stream *stream;

    host_open(&self, world, NET_UNIX, false);
    (void)net_run(world, accept_in_vain, &self);
    assert_int_equal(wherry_listener_accept(self.listener, &stream, WHERRY_NEVER), WHERRY_E_MISUSE);
    host_close(&self);
    host_open(&self, world, NET_UNIX, true);
    assert_int_equal(wherry_listener_accept(self.listener, &stream, WHERRY_NOW), WHERRY_E_MISUSE);
    host_close(&self);
}

static int accept_canceled(void *argument)
{
    host *self = argument;
    wherry_stream *stream = NULL;

    wherry_task_cancel(wherry_task_current());
    assert_int_equal(wherry_listener_accept(self->listener, &stream, WHERRY_NEVER),
                     WHERRY_E_CANCELED);
    assert_null(stream);
    return WHERRY_OK;
}

static void canceled_task_accepts_nothing_though_somebody_waits(void **state)
{
    net *world = *state;
    host self;
    int client;

    host_open(&self, world, NET_UNIX, false);
    client = net_dial(&self.address);
    (void)net_run(world, accept_canceled, &self);
    assert_int_equal(close(client), 0);
    host_close(&self);
}

static int accept_second(void *argument)
{
    host *self = argument;
    wherry_stream *stream;

    return wherry_listener_accept(self->listener, &stream, WHERRY_NEVER);
}

/* A task that waits in accept. */
static wherry_task *start_acceptor(host *self, net *world)
{
    wherry_task *task;

    host_open(self, world, NET_UNIX, false);
    assert_int_equal(wherry_spawn(&task, accept_body, self, .loop = world->loop), WHERRY_OK);
    NET_UNTIL(world, wherry_task_waits_for(task) != NULL);
    return task;
}

static void end_acceptor(net *world, wherry_task *task, int expected)
{
    int result = 0;

    NET_UNTIL(world, wherry_task_ended(task));
    assert_int_equal(wherry_task_join(task, &result, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(result, expected);
    wherry_task_release(task);
}

static void second_acceptor_is_told_busy(void **state)
{
    net *world = *state;
    host self;
    wherry_task *task = start_acceptor(&self, world);

    assert_int_equal(net_run(world, accept_second, &self), WHERRY_E_BUSY);
    wherry_task_cancel(task);
    end_acceptor(world, task, WHERRY_E_CANCELED);
    host_close(&self);
}

static void close_and_free_wake_the_acceptor(void **state)
{
    net *world = *state;

    for (int frees = 0; frees < 2; frees++) {
        host self;
        wherry_task *task = start_acceptor(&self, world);

        if (frees)
            wherry_listener_free(self.listener);
        else
            wherry_listener_close(self.listener);
        self.listener = frees ? NULL : self.listener;
        end_acceptor(world, task, WHERRY_E_CLOSED);
        if (!frees)
            assert_int_equal(net_run(world, accept_body, &self), WHERRY_E_CLOSED);
        host_close(&self);
    }
}

/* Woken by a connection, and the listener is freed before the task gets to run. */
static void woken_acceptor_finds_the_listener_freed(void **state)
{
    net *world = *state;
    host self;
    wherry_task *task = start_acceptor(&self, world);
    int client = net_dial(&self.address);

    net_prepare(world);
    assert_int_equal(wherry_loop_wait(world->loop, WHERRY_NEVER), 1);
    wherry_listener_free(self.listener);
    self.listener = NULL;
    end_acceptor(world, task, WHERRY_E_CLOSED);
    assert_int_equal(close(client), 0);
    host_close(&self);
}

/* --- how many, and when */

static void accepts_so_many_a_pass_and_no_more(void **state)
{
    const size_t limits[] = { 3, 0 };
    net *world = *state;

    for (size_t k = 0; k < 2; k++) {
        size_t limit = limits[k] == 0 ? 64 : limits[k];
        int clients[65];
        host self;

        host_init(&self, world);
        net_any_address(NET_UNIX, &self.address);
        assert_int_equal(wherry_listener_new(&self.listener, .loop = world->loop,
                                             .address = &self.address, .events = &self.events,
                                             .accepted_per_pass = limits[k]),
                         WHERRY_OK);
        for (size_t i = 0; i <= limit; i++)
            clients[i] = net_dial(&self.address);
        assert_true(wherry_loop_step(world->loop) >= 0);
        assert_int_equal(self.count, limit);
        assert_true(wherry_loop_step(world->loop) >= 0);
        assert_int_equal(self.count, limit + 1);
        for (size_t i = 0; i <= limit; i++)
            assert_int_equal(close(clients[i]), 0);
        host_close(&self);
    }
}

static void paused_listener_leaves_connections_in_the_backlog(void **state)
{
    net *world = *state;
    host self;
    int clients[2];

    host_open(&self, world, NET_UNIX, true);
    wherry_listener_pause(self.listener);
    clients[0] = net_dial(&self.address);
    net_settle(world);
    assert_int_equal(self.count, 0);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_ACCEPT), 0);
    wherry_listener_resume(self.listener);
    NET_UNTIL(world, self.count == 1);
    clients[1] = net_dial(&self.address);
    NET_UNTIL(world, self.count == 2);
    assert_int_equal(close(clients[0]), 0);
    assert_int_equal(close(clients[1]), 0);
    host_close(&self);
}

static void pause_inside(host *self)
{
    wherry_listener_pause(self->listener);
}

static void close_inside(host *self)
{
    wherry_listener_close(self->listener);
}

static void free_inside(host *self)
{
    wherry_listener_free(self->listener);
    self->listener = NULL;
}

static void accepted_may_pause_close_and_free_the_listener(void **state)
{
    void (*const acts[])(host *) = { pause_inside, close_inside, free_inside };
    net *world = *state;

    for (size_t i = 0; i < 3; i++) {
        host self;
        int clients[3];

        host_open(&self, world, NET_UNIX, true);
        self.act = acts[i];
        for (size_t k = 0; k < 3; k++)
            clients[k] = net_dial(&self.address);
        net_settle(world);
        assert_int_equal(self.count, 1);
        assert_int_equal(net_exists(&self.address), i == 0);
        for (size_t k = 0; k < 3; k++)
            assert_int_equal(close(clients[k]), 0);
        host_close(&self);
    }
}

/* --- errors of accept */

typedef struct counter {
    wherry_logger base; /* first */
    size_t count;
} counter;

static void count_line(wherry_logger *base, wherry_log_level level, const char *line)
{
    (void)level;
    (void)line;
    ((counter *)base)->count++;
}

static void lack_of_descriptors_makes_it_pause(void **state)
{
    const int numbers[] = { EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSYS };
    net *world = *state;
    counter log = { .base.write = count_line };

    wherry_log_set(&log.base);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        size_t calls = wherry_faulty_calls(world->system, WHERRY_CALL_ACCEPT);
        host self;
        int clients[2];

        host_open(&self, world, NET_UNIX, true);
        clients[0] = net_dial(&self.address);
        clients[1] = net_dial(&self.address);
        wherry_faulty_plan(world->system, WHERRY_CALL_ACCEPT, .number = numbers[i], .count = 2);
        log.count = 0;
        net_settle(world);
        net_advance(world, WHERRY_MILLISECONDS(100) - 1);
        assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_ACCEPT) - calls, 1);
        assert_int_equal(log.count, 1);
        net_advance(world, 1);
        net_settle(world);
        assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_ACCEPT) - calls, 2);
        net_advance(world, WHERRY_MILLISECONDS(100));
        net_settle(world);
        assert_int_equal(self.count, 2); /* nobody is lost */
        assert_int_equal(log.count, 2);
        assert_int_equal(close(clients[0]), 0);
        assert_int_equal(close(clients[1]), 0);
        host_close(&self);
    }
    wherry_log_set(NULL);
}

static void acceptor_waits_through_the_pause(void **state)
{
    net *world = *state;
    counter log = { .base.write = count_line };
    int64_t begun = wherry_loop_now(world->loop);
    host self;
    int client;

    wherry_log_set(&log.base);
    host_open(&self, world, NET_UNIX, false);
    client = net_dial(&self.address);
    wherry_faulty_plan(world->system, WHERRY_CALL_ACCEPT, .number = EMFILE, .count = 3);
    assert_int_equal(net_run(world, accept_body, &self), WHERRY_OK);
    assert_int_equal(wherry_loop_now(world->loop) - begun, WHERRY_MILLISECONDS(300));
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_ACCEPT), 4);
    assert_int_equal(close(client), 0);
    host_close(&self);
    wherry_log_set(NULL);
}

static void what_befalls_a_connection_does_not_stop_the_next(void **state)
{
    const int numbers[] = { ECONNABORTED, ECONNRESET,  EPROTO,      EPERM,
                            ETIMEDOUT,    ENETDOWN,    ENETUNREACH, EHOSTDOWN,
                            EHOSTUNREACH, ENOPROTOOPT, EOPNOTSUPP,  EINTR };
    net *world = *state;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        for (int told = 0; told < 2; told++) {
            host self;
            int client;

            host_open(&self, world, NET_UNIX, told);
            client = net_dial(&self.address);
            wherry_faulty_plan(world->system, WHERRY_CALL_ACCEPT, .number = numbers[i], .count = 2);
            if (told) {
                assert_true(wherry_loop_step(world->loop) >= 0);
                assert_int_equal(self.count, 1); /* in the same pass */
            } else {
                assert_int_equal(net_run(world, accept_body, &self), WHERRY_OK);
            }
            assert_int_equal(close(client), 0);
            host_close(&self);
        }
}

static void socket_that_was_taken_away_closes_the_listener(void **state)
{
    const int numbers[] = { EBADF, EINVAL, ENOTSOCK };
    net *world = *state;
    counter log = { .base.write = count_line };

    wherry_log_set(&log.base);
    for (size_t i = 0; i < 3; i++)
        for (int told = 0; told < 2; told++) {
            host self;
            int client;

            host_open(&self, world, NET_UNIX, told);
            client = net_dial(&self.address);
            wherry_faulty_plan(world->system, WHERRY_CALL_ACCEPT, .number = numbers[i]);
            if (told)
                net_settle(world);
            else
                assert_int_equal(net_run(world, accept_body, &self), WHERRY_E_CLOSED);
            assert_int_equal(self.count, 0);
            assert_false(net_exists(&self.address));
            assert_int_equal(close(client), 0);
            host_close(&self);
        }
    assert_int_equal(log.count, 6);
    wherry_log_set(NULL);
}

static void connection_that_was_reset_in_the_backlog_ends_as_such(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < 2; i++) {
        host self;
        int client;

        host_open(&self, world, kinds[i], true);
        wherry_listener_pause(self.listener);
        net_reset(net_dial(&self.address));
        client = net_dial(&self.address);
        wherry_listener_resume(self.listener);
        NET_UNTIL(world, self.count == 2);
        NET_UNTIL(world, wherry_stream_end(self.streams[0]) == WHERRY_E_RESET);
        assert_int_equal(wherry_stream_end(self.streams[1]), WHERRY_OK);
        assert_int_equal(close(client), 0);
        host_close(&self);
    }
}

/* --- options */

static void streams_take_the_options_given_for_them(void **state)
{
    net *world = *state;
    recorder told;
    host self;
    int client;
    wherry_stream_options options = { .size = sizeof(options),
                                      .send_max = 10,
                                      .idle_timeout = WHERRY_MILLISECONDS(50) };

    recorder_init(&told);
    options.events = &told.events;
    host_init(&self, world);
    net_any_address(NET_UNIX, &self.address);
    assert_int_equal(wherry_listener_new(&self.listener, .loop = world->loop,
                                         .address = &self.address, .events = &self.events,
                                         .stream = &options),
                     WHERRY_OK);
    memset(&options, 0xa5, sizeof(options)); /* they were copied */
    client = net_dial(&self.address);
    NET_UNTIL(world, self.count == 1);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = ENOBUFS);
    assert_int_equal(wherry_stream_send(self.streams[0], wherry_text("0123456789"), WHERRY_NOW),
                     WHERRY_OK);
    assert_int_equal(wherry_stream_send(self.streams[0], wherry_text("x"), WHERRY_NOW),
                     WHERRY_E_WOULD_BLOCK);
    NET_UNTIL(world, told.reason != 0);
    assert_int_equal(told.reason, WHERRY_E_IDLE);
    assert_int_equal(close(client), 0);
    host_close(&self);
}

/* --- the end */

static void freed_loop_leaves_handles_that_can_be_asked(void **state)
{
    net *world = *state;
    host self;
    wherry_address address;
    wherry_stream *stream;
    wherry_task *task = start_acceptor(&self, world);

    wherry_loop_free(world->loop);
    world->loop = NULL;
    assert_true(wherry_task_ended(task));
    wherry_task_release(task);
    assert_false(net_exists(&self.address));
    wherry_listener_address(self.listener, &address);
    assert_true(wherry_address_equal(&address, &self.address));
    assert_int_equal(wherry_listener_accept(self.listener, &stream, WHERRY_NOW), WHERRY_E_CLOSED);
    wherry_listener_pause(self.listener);
    wherry_listener_resume(self.listener);
    wherry_listener_close(self.listener);
    host_close(&self);
    wherry_listener_free(NULL);
}

static void connections_that_nobody_accepted_are_reset(void **state)
{
    net *world = *state;
    host self;
    char byte;
    int client;

    host_open(&self, world, NET_TCP4, false);
    client = net_dial(&self.address);
    wherry_listener_close(self.listener);
    assert_int_equal(recv(client, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    assert_int_equal(net_try_dial(&self.address), -ECONNREFUSED);
    assert_int_equal(close(client), 0);
    host_close(&self);
}

static int listen_and_accept_with(wherry_memory *memory)
{
    wherry_loop *loop;
    host self;
    int client = -1;
    int result = wherry_loop_new(&loop, .memory = memory);

    if (result < 0)
        return result;
    host_init(&self, NULL);
    net_any_address(NET_UNIX, &self.address);
    result = wherry_listener_new(&self.listener, .loop = loop, .address = &self.address,
                                 .events = &self.events);
    if (result == WHERRY_OK) {
        client = net_dial(&self.address);
        while (self.count == 0 && client >= 0) {
            char byte;

            assert_true(wherry_loop_step(loop) >= 0);
            if (self.count == 0 && recv(client, &byte, 1, MSG_DONTWAIT) == 0) {
                assert_int_equal(close(client), 0); /* no memory for it: the next, please */
                result = WHERRY_E_NO_MEMORY;
                client = -1;
            }
        }
    }
    if (client >= 0)
        assert_int_equal(close(client), 0);
    for (size_t i = 0; i < self.count; i++)
        wherry_stream_free(self.streams[i]);
    if (self.listener != NULL)
        assert_true(net_exists(&self.address));
    wherry_listener_free(self.listener);
    wherry_loop_free(loop);
    return result;
}

static void failing_memory_costs_a_connection_and_no_more(void **state)
{
    size_t descriptors = net_descriptors();

    (void)state;
    assert_true(failing_memory_try(listen_and_accept_with) >= 3);
    assert_int_equal(net_descriptors(), descriptors);
}

static void a_connection_for_which_there_is_no_memory_is_reset(void **state)
{
    failing_memory memory;
    wherry_loop *loop;
    ssize_t received;
    host self;
    int client;
    char byte;

    (void)state;
    failing_memory_init(&memory, 0, false);
    assert_int_equal(wherry_loop_new(&loop, .memory = &memory.base), WHERRY_OK);
    host_init(&self, NULL);
    net_any_address(NET_TCP4, &self.address);
    assert_int_equal(wherry_listener_new(&self.listener, .loop = loop, .address = &self.address,
                                         .events = &self.events),
                     WHERRY_OK);
    wherry_listener_address(self.listener, &self.address);
    client = net_dial(&self.address);
    memory.fail_at = memory.calls + 1;
    while ((received = recv(client, &byte, 1, MSG_DONTWAIT)) < 0 && errno == EAGAIN)
        assert_true(wherry_loop_step(loop) >= 0);
    assert_int_equal(received, -1);
    assert_int_equal(errno, ECONNRESET);
    assert_int_equal(memory.failures, 1);
    assert_int_equal(self.count, 0);
    assert_int_equal(close(client), 0);
    wherry_listener_free(self.listener);
    wherry_loop_free(loop);
    failing_memory_assert_empty(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(connections_are_told_with_their_addresses),
        NET_TEST(abstract_name_leaves_no_file),
        NET_TEST(coroutine_accepts),
        NET_TEST_VIRTUAL(accept_answers_when_nobody_comes),
        NET_TEST(canceled_task_accepts_nothing_though_somebody_waits),
        NET_TEST(second_acceptor_is_told_busy),
        NET_TEST(close_and_free_wake_the_acceptor),
        NET_TEST(woken_acceptor_finds_the_listener_freed),
        NET_TEST(accepts_so_many_a_pass_and_no_more),
        NET_TEST(paused_listener_leaves_connections_in_the_backlog),
        NET_TEST(accepted_may_pause_close_and_free_the_listener),
        NET_TEST_VIRTUAL(lack_of_descriptors_makes_it_pause),
        NET_TEST_VIRTUAL(acceptor_waits_through_the_pause),
        NET_TEST(what_befalls_a_connection_does_not_stop_the_next),
        NET_TEST(socket_that_was_taken_away_closes_the_listener),
        NET_TEST(connection_that_was_reset_in_the_backlog_ends_as_such),
        NET_TEST_VIRTUAL(streams_take_the_options_given_for_them),
        NET_TEST(freed_loop_leaves_handles_that_can_be_asked),
        NET_TEST(connections_that_nobody_accepted_are_reset),
        NET_TEST(failing_memory_costs_a_connection_and_no_more),
        NET_TEST(a_connection_for_which_there_is_no_memory_is_reset),
    };

    return NET_RUN(tests);
}
