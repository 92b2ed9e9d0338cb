/* A whole server in one call: in a program of its own, which signals stop, and on a coroutine. And
 * what a program of one coroutine returns. */
#include <wherry.h>

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/service.h"
#include "system/ambient.h"

/* --- a program of its own: its hooks write letters to a pipe that the test reads */

typedef struct teller {
    wherry_handler handler; /* first */
    int told;
} teller;

static void tell(int told, char letter)
{
    if (write(told, &letter, 1) != 1)
        _exit(99);
}

static int on_start(wherry_handler *self, wherry_server *server)
{
    (void)server;
    tell(((teller *)self)->told, 's');
    return WHERRY_OK;
}

static int start_for_ever(wherry_handler *self, wherry_server *server)
{
    (void)on_start(self, server);
    return wherry_sleep(WHERRY_NEVER);
}

static void on_stop(wherry_handler *self, wherry_server *server)
{
    (void)server;
    tell(((teller *)self)->told, 'e');
}

static void stop_for_ever(wherry_handler *self, wherry_server *server)
{
    on_stop(self, server);
    (void)pause();
}

static int handle(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes line;

    (void)self;
    return wherry_peer_receive(client, &line, WHERRY_NEVER);
}

static int serve(teller *this)
{
    return wherry_serve(.endpoints = "tcp://127.0.0.1:0", .handler = &this->handler);
}

/* Its first look at the clock after the signals are taken comes at the end of its first pass. */
static wherry_system early;

static int64_t raise_early(wherry_system *self)
{
    struct sigaction action;

    (void)self;
    if (sigaction(SIGTERM, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
        (void)raise(SIGTERM);
    return wherry_system_epoll()->monotonic(wherry_system_epoll());
}

static int serve_signaled_early(teller *this)
{
    early = *wherry_system_epoll();
    early.monotonic = raise_early;
    (void)wherry__system_set_ambient(&early);
    return serve(this);
}

static int serve_ignoring(teller *this)
{
    struct sigaction action = { .sa_handler = SIG_IGN };

    return sigaction(SIGINT, &action, NULL) == 0 ? serve(this) : 98;
}

static int serve_slow_start(teller *this)
{
    this->handler.on_start = start_for_ever;
    return serve(this);
}

static int serve_slow_stop(teller *this)
{
    this->handler.on_stop = stop_for_ever;
    return serve(this);
}

static pid_t fork_server(int (*body)(teller *), int *told)
{
    int ends[2];
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        teller this = { .handler = { .handle = handle, .on_start = on_start, .on_stop = on_stop },
                        .told = ends[1] };

        (void)alarm(100); /* it must not outlive a test that was given up */
        _exit(body(&this) == WHERRY_OK ? 0 : 1);
    }
    assert_int_equal(close(ends[1]), 0);
    *told = ends[0];
    return child;
}

/* '-' for the end. */
static char next_letter(int told)
{
    char letter = '-';

    assert_true(read(told, &letter, 1) >= 0);
    return letter;
}

/* The exit status, or minus the signal that ended it. */
static int end_of(pid_t child, int told)
{
    int status;

    assert_int_equal(next_letter(told), '-');
    assert_int_equal(close(told), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void a_signal_stops_it_in_order(void **state)
{
    static const int numbers[] = { SIGTERM, SIGINT };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        int told;
        pid_t child = fork_server(serve, &told);

        assert_int_equal(next_letter(told), 's');
        assert_int_equal(kill(child, numbers[i]), 0);
        assert_int_equal(next_letter(told), 'e');
        assert_int_equal(end_of(child, told), 0);
    }
}

static void a_signal_at_the_very_beginning_stops_it_too(void **state)
{
    int told;
    pid_t child = fork_server(serve_signaled_early, &told);

    (void)state;
    assert_int_equal(next_letter(told), 's');
    assert_int_equal(next_letter(told), 'e');
    assert_int_equal(end_of(child, told), 0);
}

static void a_signal_stops_a_start_that_waits(void **state)
{
    int told;
    pid_t child = fork_server(serve_slow_start, &told);

    (void)state;
    assert_int_equal(next_letter(told), 's');
    assert_int_equal(kill(child, SIGTERM), 0);
    assert_int_equal(end_of(child, told), 0);
}

static void a_second_signal_ends_the_program(void **state)
{
    int told;
    pid_t child = fork_server(serve_slow_stop, &told);

    (void)state;
    assert_int_equal(next_letter(told), 's');
    assert_int_equal(kill(child, SIGTERM), 0);
    assert_int_equal(next_letter(told), 'e');
    assert_int_equal(kill(child, SIGTERM), 0);
    assert_int_equal(end_of(child, told), -SIGTERM);
}

static void an_ignored_signal_stays_ignored(void **state)
{
    int told;
    pid_t child = fork_server(serve_ignoring, &told);

    (void)state;
    assert_int_equal(next_letter(told), 's');
    assert_int_equal(kill(child, SIGINT), 0);
    assert_int_equal(kill(child, SIGINT), 0);
    assert_int_equal(kill(child, SIGTERM), 0);
    assert_int_equal(next_letter(told), 'e');
    assert_int_equal(end_of(child, told), 0);
}

/* --- in this process */

static int fail_to_start(wherry_handler *self, wherry_server *server)
{
    (void)self;
    (void)server;
    return WHERRY_E_NOT_FOUND;
}

static int stop_at_once(wherry_handler *self, wherry_server *server)
{
    (void)self;
    wherry_server_stop(server);
    return WHERRY_OK;
}

static void assert_fails(int result, int wanted, const char *problem)
{
    assert_int_equal(result, wanted);
    if (strstr(wherry_problem(), problem) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", problem, wherry_problem());
}

static void outside_of_a_loop_it_makes_one(void **state)
{
    wherry_handler stops = { .handle = handle, .on_start = stop_at_once };
    wherry_handler fails = { .handle = handle, .on_start = fail_to_start };
    struct sigaction before, after;
    wherry_address address;
    char taken[64];
    int listening = wire_listen(&address, 0);
    size_t open = wire_descriptors();

    (void)state;
    assert_int_equal(sigaction(SIGTERM, NULL, &before), 0);
    assert_int_equal(wherry_serve(.endpoints = "tcp://127.0.0.1:0", .handler = &stops), WHERRY_OK);
    assert_int_equal(wherry_serve(.endpoints = "tcp://127.0.0.1:0", .handler = &fails),
                     WHERRY_E_NOT_FOUND);
    assert_fails(wherry_serve(.endpoints = "tcp://1.2.3:0", .handler = &stops), WHERRY_E_INVALID,
                 "at byte");
    assert_fails(wherry_serve(.handler = &stops), WHERRY_E_MISUSE, "option endpoints");
    (void)snprintf(taken, sizeof(taken), "tcp://127.0.0.1:%u", (unsigned)address.port);
    assert_fails(wherry_serve(.endpoints = taken, .handler = &stops), WHERRY_E_ADDRESS_IN_USE,
                 taken + strlen("tcp://"));
    assert_int_equal(wire_descriptors(), open);
    assert_int_equal(close(listening), 0);
    assert_int_equal(sigaction(SIGTERM, NULL, &after), 0);
    assert_ptr_equal(before.sa_handler, after.sa_handler);
}

static void some_options_are_not_for_it(void **state)
{
    wherry_handler stops = { .handle = handle, .on_start = stop_at_once };
    wherry_server *server;
    wherry_loop *loop;

    (void)state;
    assert_int_equal(wherry_loop_new(&loop), WHERRY_OK);
    assert_fails(wherry_serve_with(NULL), WHERRY_E_MISUSE, "option endpoints");
    assert_fails(wherry_serve(.endpoints = "tcp://127.0.0.1:0", .handler = &stops, .loop = loop),
                 WHERRY_E_MISUSE, "options result and loop");
    assert_fails(
        wherry_serve(.endpoints = "tcp://127.0.0.1:0", .handler = &stops, .result = &server),
        WHERRY_E_MISUSE, "options result and loop");
    wherry_loop_free(loop);
}

static int post_result;

static void serve_in_post(wherry_post *self)
{
    wherry_handler stops = { .handle = handle, .on_start = stop_at_once };

    (void)self;
    post_result = wherry_serve(.endpoints = "tcp://127.0.0.1:0", .handler = &stops);
}

static void a_callback_cannot_serve(void **state)
{
    wherry_post post = { .run = serve_in_post };
    wherry_loop *loop;

    (void)state;
    assert_int_equal(wherry_loop_new(&loop), WHERRY_OK);
    wherry_loop_post(loop, &post);
    assert_true(wherry_loop_step(loop) >= 0);
    assert_int_equal(post_result, WHERRY_E_MISUSE);
    wherry_loop_free(loop);
}

static int serve_here(void *argument)
{
    service_state *service = argument;

    return wherry_serve(.endpoints = "tcp://127.0.0.1:0", .handler = &service->handler);
}

static void on_a_coroutine_cancelling_stops_it(void **state)
{
    service_state service;
    wherry_task *task;
    int result;

    (void)state;
    service_open(&service);
    assert_int_equal(wherry_spawn(&task, serve_here, &service, .loop = service.loop), WHERRY_OK);
    service_expect(&service, "start; ");
    wherry_task_cancel(task);
    service_expect(&service, "stop; ");
    WIRE_UNTIL(service.loop, wherry_task_ended(task));
    assert_int_equal(wherry_task_join(task, &result, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(result, WHERRY_E_CANCELED);
    wherry_task_release(task);
    service_close(&service);
}

static int stop_told(wherry_handler *self, wherry_server *server)
{
    wherry_server_stop(server);
    return service_on_start(self, server);
}

static void on_a_coroutine_it_ends_with_its_server(void **state)
{
    service_state service;
    wherry_task *task;
    int result;

    (void)state;
    service_open(&service);
    service.handler.on_start = stop_told;
    assert_int_equal(wherry_spawn(&task, serve_here, &service, .loop = service.loop), WHERRY_OK);
    service_expect(&service, "start; stop; ");
    WIRE_UNTIL(service.loop, wherry_task_ended(task));
    assert_int_equal(wherry_task_join(task, &result, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(result, WHERRY_OK);
    wherry_task_release(task);
    service_close(&service);
}

/* --- wherry_run, with a server and a client in one program */

typedef struct exchange_state {
    wherry_handler handler; /* first */
    wherry_event *started;
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    char answer[16];
} exchange_state;

static int tell_endpoint(wherry_handler *self, wherry_server *server)
{
    exchange_state *this = (exchange_state *)self;

    (void)wherry_server_endpoint(server, 0, this->endpoint, sizeof(this->endpoint));
    wherry_event_set(this->started);
    return WHERRY_OK;
}

static int echo(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes line;
    int result = wherry_peer_receive(client, &line, WHERRY_NEVER);

    (void)self;
    return result < 0 ? result : wherry_peer_send(client, line, WHERRY_NEVER);
}

static int serve_lines(void *argument)
{
    exchange_state *this = argument;

    return wherry_serve(.endpoints = "tcp://localhost:0", .protocol = &wherry_lines,
                        .handler = &this->handler);
}

static int ask(exchange_state *this)
{
    wherry_peer *server;
    wherry_bytes answer;
    int result = wherry_connect(&server, this->endpoint, &wherry_lines, WHERRY_NEVER);

    if (result < 0)
        return result;
    result = wherry_peer_send(server, wherry_text("hello"), WHERRY_NEVER);
    if (result == WHERRY_OK)
        result = wherry_peer_receive(server, &answer, WHERRY_NEVER);
    if (result == WHERRY_OK)
        (void)snprintf(this->answer, sizeof(this->answer), "%.*s", (int)answer.length,
                       (const char *)answer.data);
    wherry_peer_close(server);
    return result;
}

static int exchange(void *argument)
{
    exchange_state *this = argument;
    wherry_task *task;
    int result = wherry_event_new(&this->started, NULL);

    if (result < 0)
        return result;
    result = wherry_spawn(&task, serve_lines, this);
    if (result == WHERRY_OK) {
        result = wherry_event_wait(this->started, WHERRY_NEVER);
        if (result == WHERRY_OK)
            result = ask(this);
        wherry_task_cancel(task);
        (void)wherry_task_join(task, NULL, WHERRY_NEVER);
        wherry_task_release(task);
    }
    wherry_event_free(this->started);
    return result < 0 ? result : 7;
}

static void a_program_returns_what_its_body_returns(void **state)
{
    exchange_state this = { .handler = { .handle = echo, .on_start = tell_endpoint } };
    size_t open = wire_descriptors();

    (void)state;
    if (!wire_has_ipv6())
        skip(); /* localhost is two addresses */
    assert_int_equal(wherry_run(exchange, &this), 7);
    assert_string_equal(this.answer, "hello");
    assert_int_equal(wire_descriptors(), open);
}

static int connect_to_nobody(void *endpoint)
{
    wherry_peer *peer;

    return wherry_connect(&peer, endpoint, &wherry_lines, WHERRY_NEVER);
}

static void a_program_that_fails_has_its_sentence(void **state)
{
    (void)state;
    assert_fails(wherry_run(connect_to_nobody, "unix:@wherry-nobody"), WHERRY_E_REFUSED,
                 "wherry-nobody");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_stops_it_in_order),
        cmocka_unit_test(a_signal_at_the_very_beginning_stops_it_too),
        cmocka_unit_test(a_signal_stops_a_start_that_waits),
        cmocka_unit_test(a_second_signal_ends_the_program),
        cmocka_unit_test(an_ignored_signal_stays_ignored),
        cmocka_unit_test(outside_of_a_loop_it_makes_one),
        cmocka_unit_test(some_options_are_not_for_it),
        cmocka_unit_test(a_callback_cannot_serve),
        cmocka_unit_test(on_a_coroutine_cancelling_stops_it),
        cmocka_unit_test(on_a_coroutine_it_ends_with_its_server),
        cmocka_unit_test(a_program_returns_what_its_body_returns),
        cmocka_unit_test(a_program_that_fails_has_its_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
