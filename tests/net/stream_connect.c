/* Connecting: who is told and when, what each failure is called, and that a try can be given up at
 * any time. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/net.h"

static const net_kind kinds[] = { NET_TCP4, NET_TCP6, NET_UNIX };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void remove_path(const wherry_address *address)
{
    char path[WHERRY_ADDRESS_PATH_MAX + 1] = "";

    memcpy(path, address->at.path, address->length);
    if (address->family == WHERRY_FAMILY_UNIX)
        (void)unlink(path);
}

/* A connection attempt, by callbacks or on a coroutine. */
typedef struct dial {
    net *world;
    wherry_address address;
    int64_t duration; /* 0: no deadline */
    wherry_stream *stream;
    recorder told;
    int result;
} dial;

static int64_t deadline_of(const dial *self)
{
    return self->duration == 0 ? WHERRY_NEVER : wherry_loop_now(self->world->loop) + self->duration;
}

static int begin(dial *self)
{
    recorder_init(&self->told);
    return wherry_stream_connect(&self->stream, &self->address, deadline_of(self),
                                 .loop = self->world->loop, .events = &self->told.events);
}

/* Both ways to be told, in one: connects by callbacks and returns how that went. */
static int dial_told(dial *self)
{
    int result = begin(self);

    assert_string_equal(self->told.trace, "");
    if (result < 0) {
        assert_null(self->stream);
        return result;
    }
    NET_UNTIL(self->world, self->told.trace[0] != '\0');
    if (self->told.trace[0] == 'c')
        return WHERRY_OK;
    assert_string_equal(self->told.trace, "e");
    assert_int_equal(wherry_stream_end(self->stream), self->told.reason);
    wherry_stream_free(self->stream);
    self->stream = NULL;
    return self->told.reason;
}

static int dial_body(void *argument)
{
    dial *self = argument;

    self->result = wherry_stream_connect(&self->stream, &self->address, deadline_of(self));
    return self->result;
}

static int dial_waiting(dial *self)
{
    int result = net_run(self->world, dial_body, self);

    assert_true(result < 0 || self->stream != NULL);
    if (result < 0)
        assert_null(self->stream);
    return result;
}

typedef int dialler(dial *self);
static dialler *const ways[] = { dial_told, dial_waiting };

/* --- that it works */

static void connected_stream_talks_both_ways(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++)
        for (size_t way = 0; way < 2; way++) {
            dial self = { .world = world };
            wherry_address address;
            char text[8] = "";
            int listener = net_listen(kinds[i], 1, &self.address);
            int far, flag = 0;
            socklen_t size = sizeof(flag);

            assert_int_equal(ways[way](&self), WHERRY_OK);
            assert_string_equal(self.told.trace, way == 0 ? "c" : "");
            far = accept(listener, NULL, NULL);
            assert_true(far >= 0);
            wherry_stream_remote(self.stream, &address);
            assert_true(wherry_address_equal(&address, &self.address));
            wherry_stream_local(self.stream, &address);
            assert_int_equal(address.family,
                             kinds[i] == NET_UNIX ? WHERRY_FAMILY_NONE : self.address.family);
            assert_int_equal(wherry_stream_send(self.stream, wherry_text("hello"), WHERRY_NOW),
                             WHERRY_OK);
            assert_int_equal(wherry_stream_flush(self.stream, WHERRY_NOW), WHERRY_OK);
            assert_int_equal(recv(far, text, 5, MSG_WAITALL), 5);
            assert_string_equal(text, "hello");
            net_put(far, "bye", 3);
            NET_UNTIL(world, wherry_stream_peek(self.stream).length == 3 || self.told.length == 3);
            if (kinds[i] != NET_UNIX) {
                assert_int_equal(getsockopt(wherry_stream_descriptor(self.stream), IPPROTO_TCP,
                                            TCP_NODELAY, &flag, &size),
                                 0);
                assert_true(flag != 0);
            }
            wherry_stream_free(self.stream);
            recorder_clear(&self.told);
            assert_int_equal(close(far), 0);
            assert_int_equal(close(listener), 0);
            remove_path(&self.address);
        }
}

static void option_delay_leaves_the_algorithm_on(void **state)
{
    net *world = *state;
    dial self = { .world = world };
    int listener = net_listen(NET_TCP4, 1, &self.address);
    int flag = 1;
    socklen_t size = sizeof(flag);

    recorder_init(&self.told);
    assert_int_equal(wherry_stream_connect(&self.stream, &self.address, WHERRY_NEVER,
                                           .loop = world->loop, .events = &self.told.events,
                                           .delay = 1),
                     WHERRY_OK);
    assert_int_equal(
        getsockopt(wherry_stream_descriptor(self.stream), IPPROTO_TCP, TCP_NODELAY, &flag, &size),
        0);
    assert_int_equal(flag, 0);
    wherry_stream_free(self.stream);
    assert_int_equal(close(listener), 0);
}

/* connect(2): it goes on in the background. */
static void interrupted_connect_goes_on(void **state)
{
    net *world = *state;

    for (size_t way = 0; way < 2; way++) {
        dial self = { .world = world };
        int listener = net_listen(NET_TCP4, 1, &self.address);

        wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = EINTR, .count = 1,
                           .made = 1);
        assert_int_equal(ways[way](&self), WHERRY_OK);
        wherry_stream_free(self.stream);
        assert_int_equal(close(listener), 0);
    }
}

/* --- what does not work yet */

static void nothing_can_be_sent_before_it_is_connected(void **state)
{
    net *world = *state;
    dial self = { .world = world };
    wherry_bytes bytes;
    int listener = net_listen(NET_TCP4, 1, &self.address);

    wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = EINPROGRESS, .count = 1);
    wherry_faulty_plan(world->system, WHERRY_CALL_WATCH, .swallowed = 1);
    assert_int_equal(begin(&self), WHERRY_OK);
    assert_int_equal(wherry_stream_end(self.stream), WHERRY_OK);
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_receive(self.stream, &bytes, WHERRY_NOW), WHERRY_E_WOULD_BLOCK);
    net_settle(world);
    assert_string_equal(self.told.trace, "");
    wherry_stream_free(self.stream);
    net_settle(world);
    assert_string_equal(self.told.trace, "");
    assert_int_equal(close(listener), 0);
}

/* --- failures */

static void nobody_listens(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < KINDS; i++)
        for (size_t way = 0; way < 2; way++) {
            dial self = { .world = world };

            net_vacant(kinds[i], &self.address);
            assert_int_equal(ways[way](&self),
                             kinds[i] == NET_UNIX ? WHERRY_E_NOT_FOUND : WHERRY_E_REFUSED);
        }
}

static void stale_socket_refuses(void **state)
{
    net *world = *state;

    for (size_t way = 0; way < 2; way++) {
        dial self = { .world = world };

        assert_int_equal(close(net_listen(NET_UNIX, 1, &self.address)), 0);
        assert_int_equal(ways[way](&self), WHERRY_E_REFUSED);
        assert_non_null(strstr(wherry_problem(), way == 0 ? self.address.at.path : ""));
        remove_path(&self.address);
    }
}

static int refused_sentence(void *argument)
{
    dial *self = argument;

    assert_int_equal(wherry_stream_connect(&self->stream, &self->address, WHERRY_NEVER),
                     WHERRY_E_REFUSED);
    assert_non_null(strstr(wherry_problem(), "127.0.0.1:"));
    assert_non_null(strstr(wherry_problem(), "Connection refused"));
    return WHERRY_OK;
}

static void sentence_names_the_address(void **state)
{
    net *world = *state;
    dial self = { .world = world };

    net_vacant(NET_TCP4, &self.address);
    assert_int_equal(net_run(world, refused_sentence, &self), WHERRY_OK);
}

static const struct {
    int number;
    int code; /* of TCP */
    int unix_code;
} failures[] = {
    { ECONNREFUSED, WHERRY_E_REFUSED, WHERRY_E_REFUSED },
    { ETIMEDOUT, WHERRY_E_TIMED_OUT, WHERRY_E_TIMED_OUT },
    { ECONNRESET, WHERRY_E_RESET, WHERRY_E_RESET },
    { EHOSTUNREACH, WHERRY_E_UNREACHABLE, WHERRY_E_UNREACHABLE },
    { ENETUNREACH, WHERRY_E_UNREACHABLE, WHERRY_E_UNREACHABLE },
    { ENETDOWN, WHERRY_E_UNREACHABLE, WHERRY_E_UNREACHABLE },
    { EINVAL, WHERRY_E_UNREACHABLE, WHERRY_E_INVALID },
    { EACCES, WHERRY_E_PROHIBITED, WHERRY_E_NO_PERMISSION },
    { EPERM, WHERRY_E_PROHIBITED, WHERRY_E_NO_PERMISSION },
    { EADDRNOTAVAIL, WHERRY_E_NO_ADDRESS, WHERRY_E_NO_ADDRESS },
    { ENOENT, WHERRY_E_NOT_FOUND, WHERRY_E_NOT_FOUND },
    { ENOTDIR, WHERRY_E_NOT_FOUND, WHERRY_E_NOT_FOUND },
    { EPROTOTYPE, WHERRY_E_INVALID, WHERRY_E_INVALID },
    { EAFNOSUPPORT, WHERRY_E_UNSUPPORTED, WHERRY_E_UNSUPPORTED },
    { ENOMEM, WHERRY_E_NO_MEMORY, WHERRY_E_NO_MEMORY },
};
#define FAILURES (sizeof(failures) / sizeof(failures[0]))

static void each_failure_of_connect_has_its_code(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < FAILURES; i++)
        for (size_t way = 0; way < 2; way++)
            for (int is_unix = 0; is_unix < 2; is_unix++) {
                dial self = { .world = world };

                net_vacant(is_unix ? NET_UNIX : NET_TCP4, &self.address);
                wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = failures[i].number,
                                   .count = 1);
                assert_int_equal(ways[way](&self),
                                 is_unix ? failures[i].unix_code : failures[i].code);
            }
}

/* What connect(2) began, and came to nothing, is answered by SO_ERROR. */
static void each_failure_told_later_has_its_code(void **state)
{
    net *world = *state;

    for (size_t i = 0; i < FAILURES; i++)
        for (size_t way = 0; way < 2; way++) {
            dial self = { .world = world };
            int listener = net_listen(NET_TCP4, 1, &self.address);

            wherry_faulty_plan(world->system, WHERRY_CALL_REMOTE_NAME, .number = ENOTCONN);
            wherry_faulty_plan(world->system, WHERRY_CALL_GET_OPTION, .number = failures[i].number);
            wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = EINTR, .count = 1,
                               .made = 1);
            assert_int_equal(ways[way](&self), failures[i].code);
            assert_int_equal(close(listener), 0);
        }
}

static void each_failure_of_socket_has_its_code(void **state)
{
    const int numbers[][2] = { { EMFILE, WHERRY_E_NO_DESCRIPTORS },
                               { ENFILE, WHERRY_E_NO_DESCRIPTORS },
                               { EAFNOSUPPORT, WHERRY_E_UNSUPPORTED },
                               { ENOMEM, WHERRY_E_NO_MEMORY } };
    net *world = *state;

    for (size_t i = 0; i < 4; i++)
        for (size_t way = 0; way < 2; way++) {
            dial self = { .world = world };

            net_vacant(NET_TCP4, &self.address);
            wherry_faulty_plan(world->system, WHERRY_CALL_SOCKET, .number = numbers[i][0],
                               .count = 1);
            assert_int_equal(ways[way](&self), numbers[i][1]);
        }
}

static void failed_watch_fails_the_connection(void **state)
{
    net *world = *state;

    for (size_t way = 0; way < 2; way++) {
        dial self = { .world = world };
        int listener = net_listen(NET_UNIX, 1, &self.address);

        wherry_faulty_plan(world->system, WHERRY_CALL_WATCH, .number = ENOSPC, .count = 1);
        assert_int_equal(ways[way](&self), WHERRY_E_FULL);
        assert_int_equal(close(listener), 0);
        remove_path(&self.address);
    }
}

/* --- what is no address, or no way to wait */

static int connect_to(net *world, const wherry_address *address)
{
    wherry_stream *stream = NULL;
    recorder told;
    int result;

    recorder_init(&told);
    result = wherry_stream_connect(&stream, address, WHERRY_NEVER, .loop = world->loop,
                                   .events = &told.events);
    assert_null(stream);
    return result;
}

static void bad_addresses_are_refused(void **state)
{
    net *world = *state;
    wherry_address none = { .family = WHERRY_FAMILY_NONE };
    wherry_address no_port = { .family = WHERRY_FAMILY_IPV4, .at.ipv4 = { 127, 0, 0, 1 } };
    wherry_address no_port_6 = { .family = WHERRY_FAMILY_IPV6 };
    wherry_address no_name = { .family = WHERRY_FAMILY_UNIX };
    wherry_address zero_inside = { .family = WHERRY_FAMILY_UNIX, .length = 3, .at.path = "a\0b" };

    assert_int_equal(connect_to(world, &none), WHERRY_E_INVALID);
    assert_int_equal(connect_to(world, &no_port), WHERRY_E_INVALID);
    assert_int_equal(connect_to(world, &no_port_6), WHERRY_E_INVALID);
    assert_int_equal(connect_to(world, &no_name), WHERRY_E_INVALID);
    assert_int_equal(connect_to(world, &zero_inside), WHERRY_E_INVALID);
    assert_int_equal(connect_to(world, NULL), WHERRY_E_MISUSE);
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_SOCKET), 0);
}

static void misuse_is_told(void **state)
{
    net *world = *state;
    wherry_stream *stream = NULL;
    wherry_address address;
    recorder told;

    recorder_init(&told);
    net_vacant(NET_TCP4, &address);
    assert_int_equal(wherry_stream_connect(&stream, &address, WHERRY_NEVER, .loop = world->loop),
                     WHERRY_E_MISUSE); /* who would be told? */
    assert_int_equal(wherry_stream_connect(NULL, &address, WHERRY_NEVER, .loop = world->loop),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_connect(&stream, &address, WHERRY_NEVER, .events = &told.events),
                     WHERRY_E_MISUSE); /* no loop */
    assert_int_equal(wherry_stream_connect_with(&stream, &address, WHERRY_NEVER, NULL),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_stream_connect(&stream, &address, WHERRY_NEVER, .loop = world->loop,
                                           .events = &told.events, .descriptor = 1),
                     WHERRY_E_MISUSE); /* what for? */
    assert_int_equal(wherry_stream_connect(&stream, &address, WHERRY_NEVER, .loop = world->loop,
                                           .events = &told.events, .idle_timeout = -1),
                     WHERRY_E_MISUSE);
    assert_null(stream);
}

/* --- time */

static void deadline_ends_the_try(void **state)
{
    net *world = *state;

    for (size_t way = 0; way < 2; way++) {
        dial self = { .world = world, .duration = WHERRY_SECONDS(3) };
        int64_t begun = wherry_loop_now(world->loop);

        net_vacant(NET_TCP4, &self.address);
        wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = EINPROGRESS, .count = 1);
        wherry_faulty_plan(world->system, WHERRY_CALL_WATCH, .swallowed = 1);
        assert_int_equal(ways[way](&self), WHERRY_E_TIMED_OUT);
        assert_int_equal(wherry_loop_now(world->loop) - begun, WHERRY_SECONDS(3));
    }
}

static int dial_late(void *argument)
{
    dial *self = argument;

    assert_int_equal(wherry_stream_connect(&self->stream, &self->address, wherry_in(0)),
                     WHERRY_E_TIMED_OUT);
    assert_int_equal(wherry_faulty_calls(self->world->system, WHERRY_CALL_SOCKET), 0);
    wherry_faulty_plan(self->world->system, WHERRY_CALL_CONNECT, .number = EINPROGRESS, .count = 1);
    assert_int_equal(wherry_stream_connect(&self->stream, &self->address, WHERRY_NOW),
                     WHERRY_E_WOULD_BLOCK);
    wherry_task_cancel(wherry_task_current());
    assert_int_equal(wherry_stream_connect(&self->stream, &self->address, WHERRY_NEVER),
                     WHERRY_E_CANCELED);
    assert_null(self->stream);
    assert_int_equal(wherry_faulty_calls(self->world->system, WHERRY_CALL_SOCKET), 1);
    return WHERRY_OK;
}

static void passed_deadlines_and_canceled_tasks_do_not_begin(void **state)
{
    net *world = *state;
    dial self = { .world = world };
    recorder told;

    net_vacant(NET_TCP4, &self.address);
    (void)net_run(world, dial_late, &self);
    recorder_init(&told);
    assert_int_equal(wherry_stream_connect(&self.stream, &self.address,
                                           wherry_loop_now(world->loop), .loop = world->loop,
                                           .events = &told.events),
                     WHERRY_E_TIMED_OUT);
    assert_null(self.stream);
}

static void canceled_task_gives_the_try_up(void **state)
{
    net *world = *state;
    dial self = { .world = world };
    wherry_task *task;

    net_vacant(NET_TCP4, &self.address);
    wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = EINPROGRESS, .count = 1);
    wherry_faulty_plan(world->system, WHERRY_CALL_WATCH, .swallowed = 1);
    assert_int_equal(wherry_spawn(&task, dial_body, &self, .loop = world->loop), WHERRY_OK);
    NET_UNTIL(world, wherry_task_waits_for(task) != NULL);
    assert_string_equal(wherry_task_waits_for(task), "connect");
    wherry_task_cancel(task);
    NET_UNTIL(world, wherry_task_ended(task));
    assert_int_equal(self.result, WHERRY_E_CANCELED);
    assert_null(self.stream);
    wherry_task_release(task);
}

static void freed_loop_gives_the_try_up(void **state)
{
    net *world = *state;
    dial self = { .world = world };
    dial waiting = { .world = world };

    net_vacant(NET_TCP4, &self.address);
    waiting.address = self.address;
    wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = EINPROGRESS);
    wherry_faulty_plan(world->system, WHERRY_CALL_WATCH, .swallowed = 1);
    assert_int_equal(begin(&self), WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, dial_body, &waiting, .loop = world->loop), WHERRY_OK);
    net_settle(world);
    wherry_loop_free(world->loop);
    world->loop = NULL;
    assert_int_equal(waiting.result, WHERRY_E_CANCELED);
    assert_int_equal(wherry_stream_end(self.stream), WHERRY_E_CLOSED);
    assert_string_equal(self.told.trace, "");
    wherry_stream_free(self.stream);
}

/* --- the full backlog of a Unix listener */

/* Fills the backlog of a new listener; returns it, and who fills it. */
static int fill_backlog(wherry_address *address, int *fillers, size_t count)
{
    struct sockaddr_storage storage;
    int listener = net_listen(NET_UNIX, 0, address);
    socklen_t size = wherry_address_to_system(address, &storage);

    for (size_t i = 0; i < count; i++) {
        fillers[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        assert_true(fillers[i] >= 0);
        if (connect(fillers[i], (struct sockaddr *)&storage, size) != 0)
            assert_int_equal(errno, EAGAIN);
    }
    return listener;
}

static void full_backlog_is_tried_again_until_there_is_room(void **state)
{
    net *world = *state;

    for (int in_time = 0; in_time < 2; in_time++) {
        dial self = { .world = world, .duration = WHERRY_MILLISECONDS(95) };
        int fillers[4];
        int listener = fill_backlog(&self.address, fillers, 4);
        size_t calls = wherry_faulty_calls(world->system, WHERRY_CALL_CONNECT);
        int64_t begun = wherry_loop_now(world->loop);

        assert_int_equal(begin(&self), WHERRY_OK);
        net_advance(world, WHERRY_MILLISECONDS(45));
        assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_CONNECT) - calls, 5);
        assert_string_equal(self.told.trace, "");
        if (in_time)
            assert_int_equal(close(accept(listener, NULL, NULL)), 0);
        NET_UNTIL(world, self.told.trace[0] != '\0');
        assert_int_equal(self.told.trace[0], in_time ? 'c' : 'e');
        if (!in_time) {
            assert_int_equal(self.told.reason, WHERRY_E_TIMED_OUT);
            assert_int_equal(wherry_loop_now(world->loop) - begun, WHERRY_MILLISECONDS(95));
        }
        wherry_stream_free(self.stream);
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(close(fillers[i]), 0);
        assert_int_equal(close(listener), 0);
        remove_path(&self.address);
    }
}

/* --- giving up inside the callbacks */

static void end_inside(recorder *told, wherry_stream *stream, char what)
{
    (void)what;
    if (told->target != NULL)
        wherry_stream_free(stream);
    else
        wherry_stream_close(stream);
}

static void stream_can_be_ended_in_connected_and_in_ended(void **state)
{
    net *world = *state;

    for (int listening = 0; listening < 2; listening++)
        for (int frees = 0; frees < 2; frees++) {
            dial self = { .world = world };
            int listener = -1;

            if (listening)
                listener = net_listen(NET_TCP4, 1, &self.address);
            else
                net_vacant(NET_TCP4, &self.address);
            wherry_faulty_plan(world->system, WHERRY_CALL_CONNECT, .number = EINTR, .count = 1,
                               .made = 1);
            assert_int_equal(begin(&self), WHERRY_OK);
            self.told.act = end_inside;
            self.told.target = frees ? &self : NULL;
            NET_UNTIL(world, self.told.trace[0] != '\0');
            net_settle(world);
            assert_string_equal(self.told.trace, listening ? "c" : "e");
            if (!frees) {
                assert_int_equal(wherry_stream_end(self.stream),
                                 listening ? WHERRY_E_CLOSED : WHERRY_E_REFUSED);
                wherry_stream_free(self.stream);
            }
            if (listening)
                assert_int_equal(close(listener), 0);
        }
}

/* --- memory */

static int connect_with(wherry_memory *memory)
{
    wherry_address address;
    wherry_loop *loop;
    wherry_stream *stream = NULL;
    recorder told;
    int listener;
    int result = wherry_loop_new(&loop, .memory = memory);

    if (result < 0)
        return result;
    listener = net_listen(NET_UNIX, 1, &address);
    recorder_init(&told);
    result = wherry_stream_connect(&stream, &address, WHERRY_NEVER, .loop = loop,
                                   .events = &told.events);
    while (result == WHERRY_OK && told.trace[0] == '\0')
        assert_true(wherry_loop_step(loop) >= 0);
    wherry_stream_free(stream);
    wherry_loop_free(loop);
    assert_int_equal(close(listener), 0);
    remove_path(&address);
    return result;
}

static void failing_memory_is_told_and_leaves_nothing(void **state)
{
    size_t descriptors = net_descriptors();

    (void)state;
    assert_true(failing_memory_try(connect_with) >= 3);
    assert_int_equal(net_descriptors(), descriptors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(connected_stream_talks_both_ways),
        NET_TEST(option_delay_leaves_the_algorithm_on),
        NET_TEST(interrupted_connect_goes_on),
        NET_TEST(nothing_can_be_sent_before_it_is_connected),
        NET_TEST(nobody_listens),
        NET_TEST(stale_socket_refuses),
        NET_TEST(sentence_names_the_address),
        NET_TEST(each_failure_of_connect_has_its_code),
        NET_TEST(each_failure_told_later_has_its_code),
        NET_TEST(each_failure_of_socket_has_its_code),
        NET_TEST(failed_watch_fails_the_connection),
        NET_TEST(bad_addresses_are_refused),
        NET_TEST(misuse_is_told),
        NET_TEST_VIRTUAL(deadline_ends_the_try),
        NET_TEST_VIRTUAL(passed_deadlines_and_canceled_tasks_do_not_begin),
        NET_TEST(canceled_task_gives_the_try_up),
        NET_TEST_VIRTUAL(freed_loop_gives_the_try_up),
        NET_TEST_VIRTUAL(full_backlog_is_tried_again_until_there_is_room),
        NET_TEST(stream_can_be_ended_in_connected_and_in_ended),
        NET_TEST(failing_memory_is_told_and_leaves_nothing),
    };

    return NET_RUN(tests);
}
