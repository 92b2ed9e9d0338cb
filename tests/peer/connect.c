/* Connecting by the text of an endpoint. */
#include <wherry.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/failing_memory.h"
#include "support/process.h"
#include "support/wire.h"

typedef struct caller {
    wherry_faulty *system;
    failing_memory memory;
    wherry_loop *loop;
    size_t descriptors;
    const char *endpoint;
    const wherry_protocol *protocol;
    int64_t duration;
    const wherry_connect_options *options;
    wherry_peer *peer;
    char problem[192];
} caller;

static void open_caller(caller *this)
{
    memset(this, 0, sizeof(*this));
    this->descriptors = wire_descriptors();
    assert_int_equal(wherry_faulty_new(&this->system), WHERRY_OK);
    failing_memory_init(&this->memory, 0, false);
    this->protocol = &wherry_lines;
    this->duration = WHERRY_SECONDS(5);
    assert_int_equal(wherry_loop_new(&this->loop, .clock = WHERRY_CLOCK_VIRTUAL,
                                     .memory = &this->memory.base,
                                     .system = wherry_faulty_system(this->system)),
                     WHERRY_OK);
}

static void close_caller(caller *this)
{
    wherry_peer_close(this->peer);
    wherry_loop_free(this->loop);
    wherry_faulty_free(this->system);
    failing_memory_assert_empty(&this->memory);
    assert_int_equal(wire_descriptors(), this->descriptors);
}

static int connect_it(void *argument)
{
    caller *this = argument;
    int result;

    this->peer = (wherry_peer *)this; /* not NULL */
    result = wherry_connect_with(&this->peer, this->endpoint, this->protocol,
                                 wherry_in(this->duration), this->options);
    (void)snprintf(this->problem, sizeof(this->problem), "%s", wherry_problem());
    return result;
}

static wherry_task *spawn(caller *this, const char *endpoint)
{
    wherry_task *task;

    this->endpoint = endpoint;
    assert_int_equal(wherry_spawn(&task, connect_it, this, .loop = this->loop), WHERRY_OK);
    return task;
}

static int join(caller *this, wherry_task *task)
{
    int result;

    WIRE_UNTIL(this->loop, wherry_task_ended(task));
    assert_int_equal(wherry_task_join(task, &result, WHERRY_NOW), WHERRY_OK);
    wherry_task_release(task);
    return result;
}

/* Connects to it, which fails so. */
static void assert_fails(caller *this, const char *endpoint, int wanted, const char *problem)
{
    int result = join(this, spawn(this, endpoint));

    if (result != wanted)
        fail_msg("%s: %s instead of %s", endpoint, wherry_error_name(result),
                 wherry_error_name(wanted));
    assert_null(this->peer);
    if (strstr(this->problem, problem) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", problem, this->problem);
}

/* Says something to who has accepted, and closes. */
static void assert_talks(caller *this, int listening)
{
    int wire = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    wherry_bytes answer;
    int result;

    assert_true(wire >= 0);
    assert_int_equal(wherry_peer_send(this->peer, wherry_text("hello"), WHERRY_NOW), WHERRY_OK);
    wire_expect(this->loop, wire, "hello\n");
    wire_say(wire, "you\n");
    while ((result = wherry_peer_receive(this->peer, &answer, WHERRY_NOW)) == WHERRY_E_WOULD_BLOCK)
        wire_step(this->loop, 1);
    assert_int_equal(result, WHERRY_OK);
    assert_true(wherry_bytes_equal(answer, wherry_text("you")));
    wherry_peer_close(this->peer);
    this->peer = NULL;
    wire_expect_end(this->loop, wire, 0);
}

static const char *endpoint_of(const wherry_address *address, const char *host)
{
    static char text[WHERRY_ENDPOINT_TEXT_SIZE];

    if (host == NULL)
        (void)wherry_endpoint_format(address->family == WHERRY_FAMILY_UNIX ? WHERRY_TRANSPORT_UNIX
                                                                           : WHERRY_TRANSPORT_TCP,
                                     address, text, sizeof(text));
    else
        (void)snprintf(text, sizeof(text), "tcp://%s:%u", host, (unsigned)address->port);
    return text;
}

/* A listening Unix socket with an abstract name. */
static int listen_unix(wherry_address *address, int backlog)
{
    static int number;
    char text[64];
    struct sockaddr_storage name;
    socklen_t size;
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(text, sizeof(text), "@wherry-connect-%d-%d", (int)getpid(), number++);
    assert_int_equal(wherry_address_parse(address, text, strlen(text)), WHERRY_OK);
    size = wherry_address_to_system(address, &name);
    assert_true(descriptor >= 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&name, size), 0);
    assert_int_equal(listen(descriptor, backlog), 0);
    return descriptor;
}

/* --- it works */

static void every_transport(void **state)
{
    (void)state;
    for (int i = 0; i < 3 - !wire_has_ipv6(); i++) {
        wherry_address address, remote;
        caller this;
        int listening;

        open_caller(&this);
        listening = i == 0 ? listen_unix(&address, 1) : wire_listen(&address, i == 2);
        assert_int_equal(join(&this, spawn(&this, endpoint_of(&address, NULL))), WHERRY_OK);
        wherry_peer_remote(this.peer, &remote);
        assert_true(wherry_address_equal(&address, &remote));
        assert_talks(&this, listening);
        assert_int_equal(close(listening), 0);
        close_caller(&this);
    }
}

static void localhost_is_tried_in_both_families(void **state)
{
    (void)state;
    if (!wire_has_ipv6())
        process_skip("there is no IPv6 here");
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        wherry_address address;
        caller this;
        int listening;

        open_caller(&this);
        listening = wire_listen(&address, ipv6);
        assert_int_equal(join(&this, spawn(&this, endpoint_of(&address, "LocalHost"))), WHERRY_OK);
        assert_int_equal(wherry_faulty_calls(this.system, WHERRY_CALL_CONNECT), ipv6 ? 1 : 2);
        assert_talks(&this, listening);
        if (!ipv6) { /* a time that ran out in the network is not the call's */
            wherry_faulty_plan(this.system, WHERRY_CALL_CONNECT, .number = ETIMEDOUT, .count = 1);
            assert_int_equal(join(&this, spawn(&this, endpoint_of(&address, "localhost"))),
                             WHERRY_OK);
            assert_talks(&this, listening);
        }
        assert_int_equal(close(listening), 0);
        assert_fails(&this, endpoint_of(&address, "localhost"), WHERRY_E_REFUSED, "127.0.0.1:");
        close_caller(&this);
    }
}

static int connect_by_macro(void *argument)
{
    caller *this = argument;
    const wherry_stream_options limits = { .size = sizeof(limits), .send_max = 1000 };

    return wherry_connect(&this->peer, this->endpoint, &wherry_lines, wherry_in(1000),
                          .stream = &limits, .loop = this->loop);
}

static void options_go_to_the_stream(void **state)
{
    static const char large[2000] = { 0 };
    wherry_address address;
    wherry_task *task;
    caller this;
    int listening;

    (void)state;
    open_caller(&this);
    listening = listen_unix(&address, 1);
    this.endpoint = endpoint_of(&address, NULL);
    assert_int_equal(wherry_spawn(&task, connect_by_macro, &this, .loop = this.loop), WHERRY_OK);
    assert_int_equal(join(&this, task), WHERRY_OK);
    wherry_faulty_plan(this.system, WHERRY_CALL_SEND, .number = EAGAIN);
    assert_int_equal(wherry_peer_send(this.peer, wherry_text("a"), WHERRY_NOW), WHERRY_OK);
    assert_int_equal(wherry_peer_send(this.peer, wherry_bytes_at(large, 1000), WHERRY_NOW),
                     WHERRY_E_WOULD_BLOCK);
    wherry_faulty_heal(this.system, WHERRY_CALL_ANY);
    assert_int_equal(close(listening), 0);
    close_caller(&this);
}

/* --- it does not */

static void endpoints_are_checked(void **state)
{
    char path[200] = "unix:/";
    caller this;

    (void)state;
    open_caller(&this);
    memset(path + 6, 'a', 120);
    assert_fails(&this, NULL, WHERRY_E_INVALID, "no endpoint");
    assert_fails(&this, "", WHERRY_E_INVALID, "no endpoint");
    assert_fails(&this, "  ", WHERRY_E_INVALID, "no endpoint");
    assert_fails(&this, "tcp://127.0.0.1:1  tcp://127.0.0.1:2", WHERRY_E_INVALID,
                 "more than one endpoint to connect to, at byte 19 of ");
    assert_fails(&this, "tcp://127.0.0.1:1 nonsense", WHERRY_E_INVALID, "more than one");
    assert_fails(&this, " tcp://127.0.0.1:0 ", WHERRY_E_INVALID,
                 "port 0 is not one to connect to, at byte 17 of ");
    assert_fails(&this, "tcp://localhost:0", WHERRY_E_INVALID, "at byte 16 of ");
    assert_fails(&this, "tcp://example.org:0", WHERRY_E_INVALID, "at byte 18 of ");
    assert_fails(&this, "tcp://[::1]:0", WHERRY_E_INVALID, "at byte 12 of ");
    assert_fails(&this, "tcp://example.org:65536", WHERRY_E_INVALID, "at byte 22 of ");
    assert_fails(&this, "tcp://example.org:+80", WHERRY_E_INVALID, "at byte 18 of ");
    assert_fails(&this, "tcp://example.org:08", WHERRY_E_INVALID, "at byte 18 of ");
    assert_fails(&this, "tcp://*:1", WHERRY_E_INVALID,
                 "\"*\" is not an address to connect to, at byte 6 of ");
    assert_fails(&this, "tcp://1.2.3:1", WHERRY_E_INVALID, "at byte");
    assert_fails(&this, "nonsense", WHERRY_E_INVALID, "at byte");
    assert_fails(&this, path, WHERRY_E_TOO_LARGE, "longer");
    assert_fails(&this, "tcp://-example.org:1", WHERRY_E_INVALID, "at byte 6");
    assert_fails(&this, "udp://127.0.0.1:1", WHERRY_E_UNSUPPORTED, "udp");
    assert_int_equal(wherry_faulty_calls(this.system, WHERRY_CALL_SOCKET), 0);
    close_caller(&this);
}

static void the_network_may_say_no(void **state)
{
    static const struct {
        int number;
        int tcp;
        int local;
    } cases[] = {
        { ECONNREFUSED, WHERRY_E_REFUSED, WHERRY_E_REFUSED },
        { ENETUNREACH, WHERRY_E_UNREACHABLE, WHERRY_E_UNREACHABLE },
        { EHOSTUNREACH, WHERRY_E_UNREACHABLE, WHERRY_E_UNREACHABLE },
        { EACCES, WHERRY_E_PROHIBITED, WHERRY_E_NO_PERMISSION },
        { EADDRNOTAVAIL, WHERRY_E_NO_ADDRESS, WHERRY_E_NO_ADDRESS },
        { ECONNRESET, WHERRY_E_RESET, WHERRY_E_RESET },
        { ETIMEDOUT, WHERRY_E_TIMED_OUT, WHERRY_E_TIMED_OUT },
    };
    caller this;

    (void)state;
    open_caller(&this);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        wherry_faulty_plan(this.system, WHERRY_CALL_CONNECT, .number = cases[i].number, .count = 2);
        assert_fails(&this, "tcp://127.0.0.1:1", cases[i].tcp, "connecting to 127.0.0.1:1: ");
        assert_fails(&this, "unix:@wherry", cases[i].local, "connecting to @wherry: ");
    }
    wherry_faulty_heal(this.system, WHERRY_CALL_ANY);
    assert_fails(&this, "unix:/nowhere/to/be/found", WHERRY_E_NOT_FOUND, "/nowhere/to/be/found");
    assert_fails(&this, "unix:@wherry-nobody-is-there", WHERRY_E_REFUSED, "wherry-nobody");
    wherry_faulty_plan(this.system, WHERRY_CALL_SOCKET, .number = EMFILE, .count = 1);
    assert_fails(&this, "tcp://127.0.0.1:1", WHERRY_E_NO_DESCRIPTORS, "connecting to 127.0.0.1:1");
    close_caller(&this);
}

/* Its backlog is full, so that a connection has to wait. */
static int listen_full(wherry_address *address, int filler[4])
{
    struct sockaddr_storage name;
    socklen_t size;
    int listening = listen_unix(address, 0);
    int count = 0;

    size = wherry_address_to_system(address, &name);
    for (;;) {
        int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        assert_true(descriptor >= 0 && count < 4);
        if (connect(descriptor, (struct sockaddr *)&name, size) == 0) {
            filler[count++] = descriptor;
            continue;
        }
        assert_int_equal(errno, EAGAIN);
        assert_int_equal(close(descriptor), 0);
        filler[count] = -1;
        return listening;
    }
}

static void close_full(int listening, const int filler[4])
{
    for (int i = 0; filler[i] >= 0; i++)
        assert_int_equal(close(filler[i]), 0);
    assert_int_equal(close(listening), 0);
}

static void connecting_has_a_deadline(void **state)
{
    int filler[4], listening;
    wherry_address address;
    wherry_task *task;
    caller this;

    (void)state;
    open_caller(&this);
    listening = listen_full(&address, filler);
    task = spawn(&this, endpoint_of(&address, NULL));
    wire_advance(this.loop, WHERRY_SECONDS(5) - 1);
    assert_false(wherry_task_ended(task));
    wire_advance(this.loop, 1);
    assert_int_equal(join(&this, task), WHERRY_E_TIMED_OUT);
    assert_null(this.peer);
    this.duration = 0;
    assert_fails(&this, endpoint_of(&address, NULL), WHERRY_E_TIMED_OUT, "");
    close_full(listening, filler);
    close_caller(&this);
}

static void connecting_can_be_canceled(void **state)
{
    int filler[4], listening;
    wherry_address address;
    wherry_task *task;
    caller this;

    (void)state;
    open_caller(&this);
    listening = listen_full(&address, filler);
    task = spawn(&this, endpoint_of(&address, NULL));
    wire_settle(this.loop);
    wherry_task_cancel(task);
    assert_int_equal(join(&this, task), WHERRY_E_CANCELED);
    assert_null(this.peer);
    close_full(listening, filler);
    close_caller(&this);
}

static void a_deadline_ends_all_tries(void **state)
{
    wherry_task *task;
    caller this;

    (void)state;
    open_caller(&this);
    this.duration = 0;
    task = spawn(&this, "tcp://localhost:1");
    assert_int_equal(join(&this, task), WHERRY_E_TIMED_OUT);
    assert_int_equal(wherry_faulty_calls(this.system, WHERRY_CALL_CONNECT), 0);
    close_caller(&this);
}

static void misuse(void **state)
{
    static const wherry_protocol zeroed = { 0 };
    const wherry_stream_options told = { .size = sizeof(told),
                                         .events = &(wherry_stream_events){ .ended = NULL } };
    const wherry_stream_options large = { .size = sizeof(large), .receive_max = SIZE_MAX };
    wherry_connect_options options = { .size = sizeof(options) };
    wherry_loop *other;
    caller this;

    (void)state;
    open_caller(&this);
    this.peer = (wherry_peer *)&this;
    assert_int_equal(wherry_connect(&this.peer, "tcp://127.0.0.1:1", &wherry_lines, WHERRY_NEVER,
                                    .loop = this.loop),
                     WHERRY_E_MISUSE); /* not on a coroutine */
    assert_null(this.peer);
    assert_int_equal(wherry_connect(NULL, "tcp://127.0.0.1:1", &wherry_lines, WHERRY_NEVER),
                     WHERRY_E_MISUSE);
    this.protocol = NULL;
    assert_fails(&this, "tcp://127.0.0.1:1", WHERRY_E_MISUSE, "no protocol");
    this.protocol = &zeroed;
    assert_fails(&this, "tcp://127.0.0.1:1", WHERRY_E_MISUSE, "no protocol");
    this.protocol = &wherry_lines;
    this.options = &options;
    options.stream = &told;
    assert_fails(&this, "tcp://127.0.0.1:1", WHERRY_E_MISUSE, "option stream");
    options.stream = &large;
    assert_fails(&this, "tcp://127.0.0.1:1", WHERRY_E_MISUSE, "option receive_max");
    options.stream = NULL;
    assert_int_equal(wherry_loop_new(&other), WHERRY_OK);
    options.loop = other;
    assert_fails(&this, "tcp://127.0.0.1:1", WHERRY_E_MISUSE, "option loop");
    wherry_loop_free(other);
    close_caller(&this);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_transport),
        cmocka_unit_test(localhost_is_tried_in_both_families),
        cmocka_unit_test(options_go_to_the_stream),
        cmocka_unit_test(endpoints_are_checked),
        cmocka_unit_test(the_network_may_say_no),
        cmocka_unit_test(connecting_has_a_deadline),
        cmocka_unit_test(connecting_can_be_canceled),
        cmocka_unit_test(a_deadline_ends_all_tries),
        cmocka_unit_test(misuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
