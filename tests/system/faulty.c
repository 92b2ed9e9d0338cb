/* The fault wrapper: what it passes on, what it counts, and which calls its plans befall. */
#include <wherry/faulty.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/time.h>

#include "support/failing_memory.h"

/* --- a system below that answers and notes, and does nothing else */

typedef struct below {
    wherry_system base;
    int calls;
    int answer;
    int closed;     /* the last descriptor that was closed */
    size_t size;    /* that the last call of receive, send and so on was for */
    int canceled;   /* resolve_cancel and give_signal */
    uint32_t count; /* of the last choice */
    int shut, how;  /* calls of shutdown, and the last one's */
} below;

static int answer(wherry_system *self)
{
    ((below *)self)->calls++;
    return ((below *)self)->answer;
}

static int below_socket(wherry_system *self, int family, int type, int protocol)
{
    (void)family, (void)type, (void)protocol;
    return answer(self);
}

static int below_accept(wherry_system *self, int descriptor, struct sockaddr *name, socklen_t *size)
{
    (void)descriptor, (void)name, (void)size;
    return answer(self);
}

static int below_connect(wherry_system *self, int descriptor, const struct sockaddr *name,
                         socklen_t size)
{
    (void)descriptor, (void)name, (void)size;
    return answer(self);
}

static int below_shutdown(wherry_system *self, int descriptor, int how)
{
    (void)descriptor;
    ((below *)self)->shut++;
    ((below *)self)->how = how;
    return answer(self);
}

static int below_close(wherry_system *self, int descriptor)
{
    ((below *)self)->closed = descriptor;
    return answer(self);
}

static ssize_t below_receive(wherry_system *self, int descriptor, void *data, size_t size,
                             int flags)
{
    (void)descriptor, (void)data, (void)flags;
    ((below *)self)->size = size;
    (void)answer(self);
    return (ssize_t)size;
}

static ssize_t below_send(wherry_system *self, int descriptor, const struct iovec *parts,
                          size_t count, int flags)
{
    size_t size = 0;

    (void)descriptor, (void)flags;
    for (size_t i = 0; i < count; i++)
        size += parts[i].iov_len;
    ((below *)self)->size = size;
    (void)answer(self);
    return (ssize_t)size;
}

static int below_receive_many(wherry_system *self, int descriptor, wherry_datagram_slot *slots,
                              size_t count, int flags)
{
    (void)descriptor, (void)slots, (void)flags;
    ((below *)self)->size = count;
    (void)answer(self);
    return (int)count;
}

static int below_wait(wherry_system *self, wherry_poller *poller, int64_t until,
                      wherry_ready *ready, int capacity)
{
    (void)poller, (void)until, (void)ready;
    ((below *)self)->size = (size_t)capacity;
    return answer(self);
}

static int below_watch(wherry_system *self, wherry_poller *poller, int descriptor, unsigned was,
                       unsigned events, void *token)
{
    (void)poller, (void)descriptor, (void)was, (void)events, (void)token;
    return answer(self);
}

static uint32_t below_choose(wherry_system *self, int purpose, uint32_t count)
{
    (void)purpose;
    ((below *)self)->count = count;
    return count - 1;
}

static int below_resolve(wherry_system *self, wherry_poller *poller, const char *name, int family,
                         wherry_resolution *resolution)
{
    (void)poller, (void)name, (void)family, (void)resolution;
    return answer(self);
}

static void below_resolve_cancel(wherry_system *self, wherry_resolution *resolution)
{
    (void)resolution;
    ((below *)self)->canceled++;
}

static int below_take_signal(wherry_system *self, wherry_system_signal *signal)
{
    (void)signal;
    return answer(self);
}

static void below_give_signal(wherry_system *self, wherry_system_signal *signal)
{
    (void)signal;
    ((below *)self)->canceled++;
}

typedef struct fixture {
    below below;
    wherry_faulty *faulty;
    wherry_system *system;
} fixture;

static fixture shared;

static int set_up(void **state)
{
    shared = (fixture){ .below.base = { .size = sizeof(wherry_system),
                                        .name = "below",
                                        .socket = below_socket,
                                        .accept = below_accept,
                                        .connect = below_connect,
                                        .shutdown = below_shutdown,
                                        .close = below_close,
                                        .receive = below_receive,
                                        .send = below_send,
                                        .receive_many = below_receive_many,
                                        .wait = below_wait,
                                        .watch = below_watch,
                                        .choose = below_choose,
                                        .resolve = below_resolve,
                                        .resolve_cancel = below_resolve_cancel,
                                        .take_signal = below_take_signal,
                                        .give_signal = below_give_signal } };
    *state = &shared;
    if (wherry_faulty_new(&shared.faulty, .below = &shared.below.base) != WHERRY_OK)
        return -1;
    shared.system = wherry_faulty_system(shared.faulty);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    wherry_faulty_free(shared.faulty);
    return 0;
}

static int call_socket(fixture *self)
{
    return self->system->socket(self->system, 1, 2, 3);
}

static int call_connect(fixture *self)
{
    return self->system->connect(self->system, 0, NULL, 0);
}

static int call_accept(fixture *self)
{
    return self->system->accept(self->system, 0, NULL, NULL);
}

static int call_watch(fixture *self, unsigned was)
{
    return self->system->watch(self->system, NULL, 0, was, WHERRY_READABLE, NULL);
}

static ssize_t call_receive(fixture *self, size_t size)
{
    return self->system->receive(self->system, 0, NULL, size, 0);
}

/* Calls connect so often; a text with x for each that failed with number, and . for the others. */
static const char *pattern(fixture *self, int number, size_t count)
{
    static char text[1001];

    for (size_t i = 0; i < count; i++) {
        int result = call_connect(self);

        assert_true(result == 0 || result == -number);
        text[i] = result == 0 ? '.' : 'x';
    }
    text[count] = '\0';
    return text;
}

/* --- passing on */

static void without_plans_everything_is_passed_on(void **state)
{
    fixture *self = *state;

    self->below.answer = 7;
    assert_int_equal(call_socket(self), 7);
    assert_int_equal(call_accept(self), 7);
    assert_int_equal(self->system->wait(self->system, NULL, 0, NULL, 9), 7);
    assert_int_equal(self->below.size, 9);
    assert_int_equal(self->system->choose(self->system, WHERRY_CHOICE_TASK, 5), 4);
    assert_int_equal(self->below.count, 5);
    assert_int_equal(self->system->resolve(self->system, NULL, "a", 0, NULL), 7);
    assert_int_equal(self->system->take_signal(self->system, NULL), 7);
    assert_int_equal(self->below.calls, 5);
    self->system->resolve_cancel(self->system, NULL);
    self->system->give_signal(self->system, NULL);
    assert_int_equal(self->below.canceled, 2);
    assert_string_equal(self->system->name, "below");
    assert_int_equal(wherry_faulty_strikes(self->faulty, WHERRY_CALL_ANY), 0);
}

static void each_function_is_there_if_it_is_there_below(void **state)
{
    wherry_system *belows[] = { wherry_system_epoll(), wherry_system_poll(), &shared.below.base };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        wherry_faulty *faulty;
        wherry_system *system;

        assert_int_equal(wherry_faulty_new(&faulty, .below = belows[i]), WHERRY_OK);
        system = wherry_faulty_system(faulty);
        assert_int_equal(system->size, sizeof(wherry_system));
#define SAME(kind, function)                                                                       \
    assert_true((system->function == NULL) == (belows[i]->function == NULL));
        WHERRY_CALL_TABLE(SAME)
        SAME(, choose)
        SAME(, resolve_cancel)
        SAME(, give_signal)
#undef SAME
        assert_true(system->monotonic != NULL && system->wall != NULL && system->wake != NULL &&
                    system->close_poller != NULL);
        wherry_faulty_free(faulty);
    }
}

static void real_pollers_clocks_and_pipes_work_through_it(void **state)
{
    wherry_faulty *faulty;
    wherry_system *system;
    wherry_poller *poller;
    wherry_memory *memory;
    failing_memory counted;
    wherry_ready ready;
    char byte;
    int ends[2];
    int may_block;

    (void)state;
    failing_memory_init(&counted, 0, false);
    memory = &counted.base;
    assert_int_equal(wherry_faulty_new(&faulty, .memory = memory), WHERRY_OK);
    system = wherry_faulty_system(faulty);
    assert_string_equal(system->name, "epoll");
    assert_true(system->monotonic(system) > 0);
    assert_true(system->wall(system) > 0);
    assert_int_equal(system->random(system, &byte, 1), 0);
    assert_int_equal(system->open_poller(system, memory, &poller), 0);
    assert_true(system->poller_descriptor(system, poller) >= 0);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(system->kind(system, ends[0], &may_block), WHERRY_DESCRIPTOR_PIPE);
    assert_int_equal(may_block, 1);
    assert_int_equal(system->watch(system, poller, ends[0], 0, WHERRY_READABLE, ends), 0);
    system->wake(system, poller);
    assert_int_equal(system->wait(system, poller, WHERRY_NEVER, &ready, 1), 0);
    assert_int_equal(
        system->write(system, ends[1], &(struct iovec){ .iov_base = "x", .iov_len = 1 }, 1, 0), 1);
    assert_int_equal(system->wait(system, poller, WHERRY_NEVER, &ready, 1), 1);
    assert_ptr_equal(ready.token, ends);
    assert_int_equal(system->read(system, ends[0], &byte, 1, 0), 1);
    assert_int_equal(wherry_faulty_bytes(faulty, WHERRY_CALL_READ), 1);
    assert_int_equal(wherry_faulty_bytes(faulty, WHERRY_CALL_ANY), 2);
    assert_int_equal(system->watch(system, poller, ends[0], WHERRY_READABLE, 0, NULL), 0);
    system->close_poller(system, poller);
    assert_int_equal(system->close(system, ends[0]), 0);
    assert_int_equal(system->close(system, ends[1]), 0);
    wherry_faulty_free(faulty);
    wherry_faulty_free(NULL);
    failing_memory_assert_empty(&counted);
}

/* --- which calls */

static void plans_befall_calls_by_their_number(void **state)
{
    fixture *self = *state;
    const int call = WHERRY_CALL_CONNECT;

    assert_int_equal(wherry_faulty_plan(self->faulty, call, .number = EPERM), WHERRY_OK);
    assert_string_equal(pattern(self, EPERM, 4), "xxxx");
    assert_int_equal(self->below.calls, 0);
    wherry_faulty_plan(self->faulty, call, .number = EPERM, .count = 1);
    assert_string_equal(pattern(self, EPERM, 4), "x...");
    wherry_faulty_plan(self->faulty, call, .number = EPERM, .first = 2, .count = 3);
    assert_string_equal(pattern(self, EPERM, 7), ".xxx...");
    wherry_faulty_plan(self->faulty, call, .number = EPERM, .first = 3);
    assert_string_equal(pattern(self, EPERM, 7), "..xxxxx");
    wherry_faulty_plan(self->faulty, call, .number = EPERM, .first = 2, .count = 7, .spare = 3);
    assert_string_equal(pattern(self, EPERM, 10), ".xx.xx.x..");
    wherry_faulty_plan(self->faulty, call, .number = EPERM, .spare = 1);
    assert_string_equal(pattern(self, EPERM, 3), "...");
    assert_int_equal(wherry_faulty_calls(self->faulty, call), 4 + 4 + 7 + 7 + 10 + 3);
    assert_int_equal(wherry_faulty_strikes(self->faulty, call), 4 + 1 + 3 + 5 + 5);
    assert_int_equal(wherry_faulty_strikes(self->faulty, WHERRY_CALL_ANY), 4 + 1 + 3 + 5 + 5);
    assert_int_equal(wherry_faulty_calls(self->faulty, WHERRY_CALL_SOCKET), 0);
}

static void chance_strikes_as_often_as_planned_and_repeats_with_its_seed(void **state)
{
    fixture *self = *state;
    char first[1001];
    size_t count = 0;

    for (int i = 0; i < 3; i++) {
        wherry_faulty_plan(self->faulty, WHERRY_CALL_CONNECT, .number = EPERM, .millionths = 250000,
                           .seed = i < 2 ? 7 : 8);
        if (i == 0)
            strcpy(first, pattern(self, EPERM, 1000));
        else
            assert_int_equal(strcmp(first, pattern(self, EPERM, 1000)) == 0, i == 1);
    }
    for (size_t i = 0; i < 1000; i++)
        count += first[i] == 'x';
    assert_in_range(count, 200, 300);
    wherry_faulty_plan(self->faulty, WHERRY_CALL_CONNECT, .number = EPERM, .millionths = 1000000);
    assert_string_equal(pattern(self, EPERM, 4), "xxxx");
}

static void healed_kinds_work_again(void **state)
{
    fixture *self = *state;

    wherry_faulty_plan(self->faulty, WHERRY_CALL_CONNECT, .number = EPERM);
    wherry_faulty_plan(self->faulty, WHERRY_CALL_SOCKET, .number = EMFILE);
    wherry_faulty_plan(self->faulty, WHERRY_CALL_RECEIVE, .most = 3);
    wherry_faulty_heal(self->faulty, WHERRY_CALL_CONNECT);
    assert_int_equal(call_connect(self), 0);
    assert_int_equal(call_socket(self), -EMFILE);
    assert_int_equal(call_receive(self, 10), 3);
    wherry_faulty_heal(self->faulty, WHERRY_CALL_ANY);
    assert_int_equal(call_socket(self), 0);
    assert_int_equal(call_receive(self, 10), 10);
}

/* --- what befalls them */

static void calls_can_do_less_than_asked(void **state)
{
    fixture *self = *state;
    struct iovec parts[100];

    wherry_faulty_plan(self->faulty, WHERRY_CALL_RECEIVE, .most = 5, .first = 2, .count = 1);
    assert_int_equal(call_receive(self, 10), 10);
    assert_int_equal(call_receive(self, 10), 5);
    assert_int_equal(call_receive(self, 10), 10);
    assert_int_equal(wherry_faulty_bytes(self->faulty, WHERRY_CALL_RECEIVE), 25);
    for (size_t i = 0; i < 100; i++)
        parts[i] = (struct iovec){ .iov_base = "abc", .iov_len = 3 };
    assert_int_equal(self->system->send(self->system, 0, parts, 100, 0), 300);
    wherry_faulty_plan(self->faulty, WHERRY_CALL_SEND, .most = 7);
    assert_int_equal(self->system->send(self->system, 0, parts, 100, 0), 7);
    wherry_faulty_plan(self->faulty, WHERRY_CALL_SEND, .most = 300);
    assert_true(self->system->send(self->system, 0, parts, 100, 0) > 7);
    wherry_faulty_plan(self->faulty, WHERRY_CALL_RECEIVE_MANY, .most = 2);
    assert_int_equal(self->system->receive_many(self->system, 0, NULL, 9, 0), 2);
    wherry_faulty_plan(self->faulty, WHERRY_CALL_WAIT, .most = 1);
    (void)self->system->wait(self->system, NULL, 0, NULL, 9);
    assert_int_equal(self->below.size, 1);
}

static void failures_and_shortness_are_planned_apart(void **state)
{
    fixture *self = *state;

    wherry_faulty_plan(self->faulty, WHERRY_CALL_RECEIVE, .most = 5);
    wherry_faulty_plan(self->faulty, WHERRY_CALL_RECEIVE, .number = EAGAIN, .first = 2, .count = 1);
    assert_int_equal(call_receive(self, 10), 5);
    assert_int_equal(call_receive(self, 10), -EAGAIN);
    assert_int_equal(call_receive(self, 10), 5);
    assert_int_equal(wherry_faulty_bytes(self->faulty, WHERRY_CALL_RECEIVE), 10);
    assert_int_equal(wherry_faulty_strikes(self->faulty, WHERRY_CALL_RECEIVE), 3);
}

static void swallowed_calls_answer_zero_and_are_not_made(void **state)
{
    fixture *self = *state;

    self->below.answer = 7;
    wherry_faulty_plan(self->faulty, WHERRY_CALL_WATCH, .swallowed = 1);
    assert_int_equal(call_watch(self, 0), 0);
    assert_int_equal(self->below.calls, 0);
    wherry_faulty_plan(self->faulty, WHERRY_CALL_ANY, .swallowed = 1);
    assert_int_equal(call_connect(self), 0);
    assert_int_equal(call_socket(self), 7); /* what would a socket 0 be? */
    assert_int_equal(self->below.calls, 1);
}

static void calls_can_be_made_and_their_answer_lost(void **state)
{
    fixture *self = *state;

    wherry_faulty_plan(self->faulty, WHERRY_CALL_CONNECT, .number = EINTR, .made = 1);
    assert_int_equal(call_connect(self), -EINTR);
    assert_int_equal(self->below.calls, 1);
    self->below.answer = 7;
    wherry_faulty_plan(self->faulty, WHERRY_CALL_SOCKET, .number = EMFILE, .made = 1);
    assert_int_equal(call_socket(self), -EMFILE);
    assert_int_equal(self->below.closed, 7); /* nobody else could */
    wherry_faulty_plan(self->faulty, WHERRY_CALL_RECEIVE, .number = ECONNRESET, .made = 1);
    assert_int_equal(call_receive(self, 10), -ECONNRESET);
    assert_int_equal(self->below.size, 10);
    assert_int_equal(wherry_faulty_bytes(self->faulty, WHERRY_CALL_RECEIVE), 0);
}

static void connection_that_an_error_says_is_over_is(void **state)
{
    fixture *self = *state;

    wherry_faulty_plan(self->faulty, WHERRY_CALL_RECEIVE, .count = 1);
    assert_int_equal(call_receive(self, 10), -ECONNRESET);
    assert_int_equal(self->below.shut, 1);
    wherry_faulty_plan(self->faulty, WHERRY_CALL_SEND, .count = 1);
    assert_int_equal(self->system->send(self->system, 0, NULL, 0, 0), -EPIPE);
    assert_int_equal(self->below.shut, 2);
    wherry_faulty_plan(self->faulty, WHERRY_CALL_SEND, .count = 1, .variant = 2);
    assert_int_equal(self->system->send(self->system, 0, NULL, 0, 0), -ENOBUFS); /* it goes on */
    wherry_faulty_plan(self->faulty, WHERRY_CALL_RECEIVE, .number = ECONNRESET);
    assert_int_equal(call_receive(self, 10), -ECONNRESET); /* nothing but what was planned */
    assert_int_equal(self->below.shut, 2);
    wherry_faulty_plan(self->faulty, WHERRY_CALL_SHUTDOWN, .count = 1);
    assert_int_equal(self->system->shutdown(self->system, 0, SHUT_WR), -ENOTCONN);
    assert_int_equal(self->below.shut, 3);
    assert_int_equal(self->below.how, SHUT_RDWR);
}

static void connection_that_accept_loses_has_to_be_there(void **state)
{
    fixture *self = *state;

    wherry_faulty_plan(self->faulty, WHERRY_CALL_ACCEPT, .count = 1);
    self->below.answer = -EAGAIN;
    assert_int_equal(call_accept(self), -EAGAIN);
    wherry_faulty_plan(self->faulty, WHERRY_CALL_ACCEPT, .count = 1);
    self->below.answer = 7;
    assert_int_equal(call_accept(self), -ECONNABORTED);
    assert_int_equal(self->below.closed, 7);
}

/* --- any call */

static void any_kind_counts_what_has_a_reason_to_fail(void **state)
{
    fixture *self = *state;

    (void)call_socket(self);
    (void)call_connect(self);
    (void)call_watch(self, 0);
    assert_int_equal(wherry_faulty_calls(self->faulty, WHERRY_CALL_ANY), 3);
    (void)call_watch(self, WHERRY_READABLE);
    assert_int_equal(wherry_faulty_calls(self->faulty, WHERRY_CALL_ANY), 3);
    assert_int_equal(wherry_faulty_calls(self->faulty, WHERRY_CALL_WATCH), 2);
    wherry_faulty_plan(self->faulty, WHERRY_CALL_ANY, .number = ENOMEM);
    assert_int_equal(call_watch(self, WHERRY_READABLE), 0);
    assert_int_equal(call_watch(self, 0), -ENOMEM);
}

static void any_call_fails_with_an_error_of_its_own(void **state)
{
    fixture *self = *state;

    wherry_faulty_plan(self->faulty, WHERRY_CALL_ANY, .first = 3);
    assert_int_equal(call_connect(self), 0);
    assert_int_equal(call_socket(self), 0);
    assert_int_equal(call_socket(self), -EMFILE);
    assert_int_equal(call_connect(self), -ECONNREFUSED);
    assert_int_equal(call_watch(self, 0), -ENOMEM);
    assert_int_equal(self->below.calls, 2);
    assert_int_equal(self->system->close(self->system, 5), -EIO);
    assert_int_equal(self->below.closed, 5); /* the kernel does, whatever it answers */
    wherry_faulty_plan(self->faulty, WHERRY_CALL_CONNECT, .number = EINTR); /* its own goes first */
    assert_int_equal(call_connect(self), -EINTR);
}

static void variants_are_the_errors_of_a_kind_in_turn(void **state)
{
    fixture *self = *state;
    size_t count = 0;

    while (wherry_faulty_error(WHERRY_CALL_CONNECT, count) != 0)
        count++;
    for (size_t i = 0; i < 2 * count; i++) {
        wherry_faulty_plan(self->faulty, WHERRY_CALL_CONNECT, .variant = i, .count = 1);
        assert_int_equal(call_connect(self), -wherry_faulty_error(WHERRY_CALL_CONNECT, i % count));
    }
}

static void what_lasts_never_only_asks_for_another_call(void **state)
{
    fixture *self = *state;

    for (size_t i = 0; i < 40; i++) {
        int number;

        wherry_faulty_plan(self->faulty, WHERRY_CALL_RECEIVE, .variant = i);
        number = (int)call_receive(self, 1);
        assert_true(number < 0 && number != -EINTR && number != -EAGAIN);
    }
}

static void each_kind_has_a_name_and_errors(void **state)
{
    (void)state;
    assert_string_equal(wherry_faulty_name(WHERRY_CALL_ANY), "any");
    assert_int_equal(wherry_faulty_error(WHERRY_CALL_ANY, 0), 0);
#define NAMED(kind, function)                                                                      \
    assert_string_equal(wherry_faulty_name(WHERRY_CALL_##kind), #function);                        \
    assert_true(wherry_faulty_error(WHERRY_CALL_##kind, 0) > 0);                                   \
    assert_int_equal(wherry_faulty_error(WHERRY_CALL_##kind, 100), 0);
    WHERRY_CALL_TABLE(NAMED)
#undef NAMED
    assert_null(wherry_faulty_name(-1));
    assert_null(wherry_faulty_name(WHERRY_CALL_COUNT));
    assert_int_equal(wherry_faulty_error(-1, 0), 0);
    assert_int_equal(wherry_faulty_error(WHERRY_CALL_COUNT, 0), 0);
}

/* --- reports and refusals */

static void plans_that_never_struck_are_reported(void **state)
{
    fixture *self = *state;
    char text[32];

    assert_int_equal(wherry_faulty_unstruck(self->faulty, text, sizeof(text)), 0);
    assert_string_equal(text, "");
    wherry_faulty_plan(self->faulty, WHERRY_CALL_CONNECT, .number = EPERM);
    wherry_faulty_plan(self->faulty, WHERRY_CALL_SEND, .number = EPERM);
    wherry_faulty_plan(self->faulty, WHERRY_CALL_RECEIVE, .most = 1);
    (void)call_connect(self);
    assert_int_equal(wherry_faulty_unstruck(self->faulty, text, sizeof(text)), 2);
    assert_string_equal(text, "receive, send");
    assert_int_equal(wherry_faulty_unstruck(self->faulty, text, 5), 2);
    assert_string_equal(text, "rece");
    assert_int_equal(wherry_faulty_unstruck(self->faulty, NULL, 0), 2);
    (void)call_receive(self, 1);
    wherry_faulty_heal(self->faulty, WHERRY_CALL_SEND);
    assert_int_equal(wherry_faulty_unstruck(self->faulty, NULL, 0), 0);
}

static void plans_that_make_no_sense_are_refused(void **state)
{
    fixture *self = *state;
    wherry_faulty *faulty = self->faulty;
    const int any = WHERRY_CALL_ANY;

#define REFUSED(call, ...)                                                                         \
    assert_int_equal(wherry_faulty_plan(faulty, call, __VA_ARGS__), WHERRY_E_MISUSE)
    REFUSED(-1, .number = EPERM);
    REFUSED(WHERRY_CALL_COUNT, .number = EPERM);
    REFUSED(any, .number = -1);
    REFUSED(any, .number = 4096);
    REFUSED(any, .millionths = 1000001);
    REFUSED(any, .number = EPERM, .most = 1);
    REFUSED(any, .number = EPERM, .swallowed = 1);
    REFUSED(any, .most = 1, .swallowed = 1);
    REFUSED(any, .made = 1);
    REFUSED(WHERRY_CALL_CONNECT, .most = 1);
    REFUSED(WHERRY_CALL_ACCEPT, .swallowed = 1);
    REFUSED(WHERRY_CALL_RESOLVE, .number = ENOMEM, .made = 1);
#undef REFUSED
    assert_int_equal(wherry_faulty_plan_with(faulty, any, NULL), WHERRY_OK); /* all is left out */
    wherry_faulty_heal(faulty, any);
    assert_int_equal(wherry_faulty_plan(faulty, any, .number = 4095, .millionths = 1000000),
                     WHERRY_OK);
    assert_int_equal(call_connect(self), -4095);
    assert_int_equal(wherry_faulty_new(NULL), WHERRY_E_MISUSE);
    assert_int_equal(wherry_faulty_calls(faulty, -1), 0);
    assert_int_equal(wherry_faulty_strikes(faulty, WHERRY_CALL_COUNT), 0);
    assert_int_equal(wherry_faulty_bytes(faulty, WHERRY_CALL_COUNT), 0);
}

static int make_one(wherry_memory *memory)
{
    wherry_faulty *faulty;
    int result = wherry_faulty_new(&faulty, .memory = memory);

    if (result == WHERRY_OK)
        wherry_faulty_free(faulty);
    return result;
}

static void out_of_memory_is_survived(void **state)
{
    (void)state;
    assert_int_equal(failing_memory_try(make_one), 1);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(without_plans_everything_is_passed_on),
        TEST(each_function_is_there_if_it_is_there_below),
        TEST(real_pollers_clocks_and_pipes_work_through_it),
        TEST(plans_befall_calls_by_their_number),
        TEST(chance_strikes_as_often_as_planned_and_repeats_with_its_seed),
        TEST(healed_kinds_work_again),
        TEST(calls_can_do_less_than_asked),
        TEST(failures_and_shortness_are_planned_apart),
        TEST(swallowed_calls_answer_zero_and_are_not_made),
        TEST(calls_can_be_made_and_their_answer_lost),
        TEST(connection_that_an_error_says_is_over_is),
        TEST(connection_that_accept_loses_has_to_be_there),
        TEST(any_kind_counts_what_has_a_reason_to_fail),
        TEST(any_call_fails_with_an_error_of_its_own),
        TEST(variants_are_the_errors_of_a_kind_in_turn),
        TEST(what_lasts_never_only_asks_for_another_call),
        TEST(each_kind_has_a_name_and_errors),
        TEST(plans_that_never_struck_are_reported),
        TEST(plans_that_make_no_sense_are_refused),
        TEST(out_of_memory_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
