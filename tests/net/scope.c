/* Scopes: each way out of a block gives back what its handles hold, once and in reverse, and each
 * noun is given back by the call that is right for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/loop_fixture.h"
#include "support/wire.h"

/* --- the macros, with a noun that says what becomes of it */

typedef const char wherry_word; /* its letter */

static inline void wherry_word_unscope(wherry_word **word)
{
    if (*word != NULL) {
        trace("-");
        trace(*word);
    }
}

/* Makes a word, or fails for "?". */
static int make(wherry_word **word, const char *letter)
{
    if (*letter == '?')
        return WHERRY_E_NO_MEMORY;
    *word = letter;
    trace("+");
    trace(letter);
    return WHERRY_OK;
}

static void scoped_handles_go_in_reverse_at_the_end(void **state)
{
    (void)state;
    {
        WHERRY_SCOPED(word) a = NULL;
        WHERRY_SCOPED(word) b = "b";
        WHERRY_SCOPED(word) nothing = NULL;

        assert_int_equal(make(&a, "a"), WHERRY_OK);
        trace("|");
        assert_null(nothing);
        (void)b;
    }
    trace_is("+a|-b-a");
}

static void scoped_handle_can_be_kept(void **state)
{
    wherry_word *kept;

    (void)state;
    {
        WHERRY_SCOPED(word) a = "a";

        kept = a;
        a = NULL;
    }
    WHERRY_WITH (word, b, make(&b, "b"))
        b = NULL;
    trace_is("+b");
    assert_string_equal(kept, "a");
}

static void with_runs_its_block_once(void **state)
{
    (void)state;
    WHERRY_WITH (word, a, make(&a, "a")) {
        trace("|");
        trace(a);
    }
    trace("|");
    WHERRY_WITH (word, b, make(&b, "b"))
        trace("one statement");
    trace_is("+a|a-a|+bone statement-b");
}

static void with_is_not_entered_when_making_fails(void **state)
{
    int result = WHERRY_OK;

    (void)state;
    WHERRY_WITH (word, a, result = make(&a, "?"))
        trace("entered");
    assert_int_equal(result, WHERRY_E_NO_MEMORY);
    trace_is("");
    WHERRY_WITH (word, b, make(&b, "b") + 1) /* any result that is not negative */
        trace("entered");
    trace_is("+bentered-b");
}

static const char *return_from(const char *letter)
{
    WHERRY_WITH (word, a, make(&a, letter)) {
        WHERRY_WITH (word, b, make(&b, "b")) {
            return a; /* fetched before it is given back */
        }
    }
    return "not entered";
}

static void return_gives_back(void **state)
{
    (void)state;
    assert_string_equal(return_from("a"), "a");
    trace_is("+a+b-b-a");
    assert_string_equal(return_from("?"), "not entered");
    trace_is("");
}

static void break_and_continue_leave_the_block_only(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        WHERRY_WITH (word, a, make(&a, "a")) {
            if (i == 0)
                break;
            trace("|");
            if (i == 1)
                continue;
            trace("behind");
        }
        trace(".");
    }
    trace_is("+a-a.+a|-a.");
}

static void break_and_continue_of_a_loop_inside_are_its_own(void **state)
{
    (void)state;
    WHERRY_WITH (word, a, make(&a, "a")) {
        for (int i = 0; i < 3; i++) {
            if (i == 0)
                continue;
            trace("i");
            if (i == 1)
                break;
        }
        trace("|");
    }
    trace_is("+ai|-a");
}

static void scoped_handles_in_a_loop_go_each_time(void **state)
{
    static const char *const letters[] = { "a", "b", "c", "d" };

    (void)state;
    for (int i = 0; i < 4; i++) {
        WHERRY_SCOPED(word) each = NULL;

        assert_int_equal(make(&each, letters[i]), WHERRY_OK);
        if (i == 1)
            continue;
        if (i == 2)
            break;
        trace("|");
    }
    trace_is("+a|-a+b-b+c-c");
}

static void goto_gives_back(void **state)
{
    (void)state;
    WHERRY_WITH (word, a, make(&a, "a")) {
        WHERRY_WITH (word, b, make(&b, "b"))
            goto out;
        trace("behind");
    }
    trace("behind");
out:
    trace_is("+a+b-b-a");
}

static void goto_back_makes_it_anew(void **state)
{
    int times = 0;

    (void)state;
again:
    WHERRY_WITH (word, a, make(&a, "a"))
        if (++times < 3)
            goto again;
    trace_is("+a-a+a-a+a-a");
}

static void nested_with_fails_in_the_middle(void **state)
{
    (void)state;
    WHERRY_WITH (word, a, make(&a, "a")) {
        WHERRY_WITH (word, b, make(&b, "b")) {
            WHERRY_WITH (word, c, make(&c, "?"))
                trace("entered");
            trace("|");
            WHERRY_WITH (word, d, make(&d, a)) /* made of another */
                trace(b);
        }
    }
    trace_is("+a+b|+ab-a-b-a");
}

static void with_stands_where_a_statement_does(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        if (i == 0)
            WHERRY_WITH (word, a, make(&a, "a"))
                trace("|");
        else
            trace("else");
    }
    switch (*return_from("?")) {
    case 'n':
        WHERRY_WITH (word, b, make(&b, "b"))
            break; /* out of the block, not of the switch */
        trace("behind");
        break;
    default:
        break;
    }
    trace_is("+a|-aelse+b-bbehind");
}

/* --- the nouns: what each takes is given back, on all ways out */

static wherry_loop *loop; /* of the test under way */
static wherry_memory *memory;
static int ends[2]; /* the first is what streams and watches are made of */

static int no_work(void *unused)
{
    (void)unused;
    return 0;
}

static int no_items(wherry_feed_items *self, wherry_feed *feed, wherry_bytes *item)
{
    (void)self, (void)feed, (void)item;
    return WHERRY_E_WOULD_BLOCK;
}

static int no_talk(wherry_handler *self, wherry_peer *client)
{
    (void)self, (void)client;
    return WHERRY_E_END;
}

static void no_addresses(wherry_lookup_events *self, wherry_lookup *lookup, ssize_t result,
                         const wherry_address *addresses)
{
    (void)self, (void)lookup, (void)result, (void)addresses;
}

static wherry_feed_items items = { .next = no_items };
static wherry_handler handler = { .handle = no_talk };
static wherry_lookup_events lookups = { .resolved = no_addresses };
static wherry_address loopback;

static int make_stream(wherry_stream **stream)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    return wherry_stream_new(stream, .loop = loop, .descriptor = ends[0]);
}

static int make_peer(wherry_peer **peer)
{
    wherry_stream *stream;

    assert_int_equal(make_stream(&stream), WHERRY_OK);
    return wherry_peer_new(peer, stream, &wherry_lines);
}

/* Leaves in one of six ways; the last two keep the handle for the scope around it. */
#define WAYS 6
#define LEAVE(noun, name, make)                                                                    \
    static int leave_##noun(int way)                                                               \
    {                                                                                              \
        WHERRY_SCOPED(noun) around = NULL;                                                         \
                                                                                                   \
        WHERRY_WITH (noun, name, make) {                                                           \
            if (way == 0)                                                                          \
                return 1;                                                                          \
            if (way == 1)                                                                          \
                break;                                                                             \
            if (way == 2)                                                                          \
                continue;                                                                          \
            if (way == 3)                                                                          \
                goto out;                                                                          \
            if (way >= 4)                                                                          \
                around = name;                                                                     \
            name = NULL;                                                                           \
            if (way == 5)                                                                          \
                return around != NULL;                                                             \
        }                                                                                          \
        return way != 0 && way != 3;                                                               \
    out:                                                                                           \
        return way == 3;                                                                           \
    }

LEAVE(event, event, wherry_event_new(&event, loop))
LEAVE(faulty, faulty, wherry_faulty_new(&faulty, .memory = memory))
LEAVE(group, group, wherry_group_new(&group, .loop = loop))
LEAVE(listener, one, wherry_listener_new(&one, .loop = loop, .address = &loopback))
LEAVE(lookup, one, wherry_lookup_new(&one, .loop = loop, .name = "::1", .events = &lookups))
LEAVE(loop, other, wherry_loop_new(&other, .memory = memory))
LEAVE(peer, peer, make_peer(&peer))
LEAVE(protocol, protocol, wherry_protocol_new(&protocol, .name = "separator:!"))
LEAVE(queue, queue, wherry_queue_new(&queue, loop, 3))
LEAVE(roster, roster, wherry_roster_new(&roster, .loop = loop, .address = &loopback))
LEAVE(semaphore, semaphore, wherry_semaphore_new(&semaphore, loop, 3))
LEAVE(server, server,
      wherry_server_new(&server, .loop = loop, .endpoints = "tcp://127.0.0.1:0",
                        .handler = &handler))
LEAVE(signal, taken, wherry_signal_new(&taken, .loop = loop, .number = SIGUSR1))
LEAVE(simulation, world, wherry_simulation_new(&world, .memory = memory))
LEAVE(stream, stream, make_stream(&stream))
LEAVE(task, task, wherry_spawn(&task, no_work, NULL, .loop = loop))
LEAVE(watch, watch, wherry_watch_new(&watch, .loop = loop, .descriptor = ends[0]))
LEAVE(wirelog, log, wherry_wirelog_new(&log, .loop = loop))

static void begin(void **state)
{
    loop_fixture *self = *state;

    loop = self->loop;
    memory = &self->memory.base;
    assert_int_equal(wherry_address_parse(&loopback, "127.0.0.1:0", 11), WHERRY_OK);
}

/* Each way, and after it there is as much as before. The first time is for what the loop keeps. */
static void assert_gives_back(void **state, int (*leave)(int way))
{
    loop_fixture *self = *state;
    size_t blocks = 0;

    begin(state);
    for (int way = -1; way < WAYS; way++) {
        assert_int_equal(leave(way < 0 ? 0 : way), 1);
        wire_settle(loop);
        if (way < 0)
            blocks = self->memory.blocks;
        assert_int_equal(self->memory.blocks, blocks);
    }
}

#define GIVES_BACK(noun)                                                                           \
    static void noun##_is_given_back(void **state)                                                 \
    {                                                                                              \
        assert_gives_back(state, leave_##noun);                                                    \
    }

GIVES_BACK(event)
GIVES_BACK(faulty)
GIVES_BACK(group)
GIVES_BACK(listener)
GIVES_BACK(lookup)
GIVES_BACK(loop)
GIVES_BACK(protocol)
GIVES_BACK(queue)
GIVES_BACK(roster)
GIVES_BACK(semaphore)
GIVES_BACK(server)
GIVES_BACK(signal)
GIVES_BACK(simulation)
GIVES_BACK(task)
GIVES_BACK(wirelog)

static void watch_is_given_back(void **state)
{
    assert_int_equal(pipe(ends), 0);
    assert_gives_back(state, leave_watch);
    close(ends[0]);
    close(ends[1]);
}

/* The other end sees it. */
static void assert_closes(void **state, int (*leave)(int way))
{
    begin(state);
    for (int way = 0; way < WAYS; way++) {
        char byte;

        assert_int_equal(leave(way), 1);
        wire_settle(loop);
        assert_int_equal(read(ends[1], &byte, 1), 0);
        assert_int_equal(close(ends[1]), 0);
    }
}

static void stream_is_closed_and_given_back(void **state)
{
    assert_closes(state, leave_stream);
}

static void peer_is_closed_and_given_back(void **state)
{
    assert_closes(state, leave_peer);
}

/* Not only let go: who holds it besides sees it closed. */
static void peer_is_closed_even_if_it_is_held(void **state)
{
    wherry_peer *held = NULL;
    wherry_bytes message;
    char byte;

    begin(state);
    WHERRY_WITH (peer, peer, make_peer(&peer))
        held = wherry_peer_hold(peer);
    wire_settle(loop);
    assert_int_equal(read(ends[1], &byte, 1), 0);
    assert_int_equal(wherry_peer_receive(held, &message, WHERRY_NOW), WHERRY_E_CLOSED);
    wherry_peer_release(held);
    close(ends[1]);
}

static void feed_is_given_back_before_its_stream(void **state)
{
    char byte;

    begin(state);
    WHERRY_WITH (stream, stream, make_stream(&stream)) {
        for (int i = 0; i < 2; i++) /* another one may follow: the first is gone */
            WHERRY_WITH (feed, feed, wherry_feed_new(&feed, .stream = stream, .items = &items))
                trace("f");
    }
    trace_is("ff");
    wire_settle(loop);
    assert_int_equal(read(ends[1], &byte, 1), 0);
    close(ends[1]);
}

static int sleep_long(void *unused)
{
    int result = wherry_sleep(wherry_in(WHERRY_SECONDS(100)));

    (void)unused;
    trace(result == WHERRY_OK ? "slept" : "canceled");
    return result;
}

/* A task goes on when its handle is gone; in a group it ends with that. */
static int leave_tasks(void *unused)
{
    (void)unused;
    WHERRY_WITH (task, task, wherry_spawn(&task, sleep_long, NULL))
        trace("released ");
    WHERRY_WITH (group, group, wherry_group_new(&group))
        TASK_ASSERT(wherry_spawn(NULL, sleep_long, NULL, .group = group) == WHERRY_OK &&
                    wherry_sleep(wherry_in(1)) == WHERRY_OK);
    trace(" behind ");
    return 0;
}

static void task_goes_on_and_group_ends_what_is_in_it(void **state)
{
    begin(state);
    loop_fixture_run(loop, leave_tasks, NULL);
    trace_is("released canceled behind slept");
}

static void why_it_was_not_entered_can_be_read(void **state)
{
    int result = WHERRY_OK;

    begin(state);
    WHERRY_WITH (queue, queue, result = wherry_queue_new(&queue, loop, 0))
        trace("entered");
    trace_is("");
    assert_int_equal(result, WHERRY_E_MISUSE);
    assert_string_not_equal(wherry_problem(), "");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        TEST(scoped_handles_go_in_reverse_at_the_end),
        TEST(scoped_handle_can_be_kept),
        TEST(with_runs_its_block_once),
        TEST(with_is_not_entered_when_making_fails),
        TEST(return_gives_back),
        TEST(break_and_continue_leave_the_block_only),
        TEST(break_and_continue_of_a_loop_inside_are_its_own),
        TEST(scoped_handles_in_a_loop_go_each_time),
        TEST(goto_gives_back),
        TEST(goto_back_makes_it_anew),
        TEST(nested_with_fails_in_the_middle),
        TEST(with_stands_where_a_statement_does),
        TEST(event_is_given_back),
        TEST(faulty_is_given_back),
        TEST(group_is_given_back),
        TEST(listener_is_given_back),
        TEST(lookup_is_given_back),
        TEST(loop_is_given_back),
        TEST(protocol_is_given_back),
        TEST(queue_is_given_back),
        TEST(roster_is_given_back),
        TEST(semaphore_is_given_back),
        TEST(server_is_given_back),
        TEST(signal_is_given_back),
        TEST(simulation_is_given_back),
        TEST(task_is_given_back),
        TEST(wirelog_is_given_back),
        TEST(watch_is_given_back),
        TEST(stream_is_closed_and_given_back),
        TEST(peer_is_closed_and_given_back),
        TEST(peer_is_closed_even_if_it_is_held),
        TEST(feed_is_given_back_before_its_stream),
        TEST(task_goes_on_and_group_ends_what_is_in_it),
        TEST(why_it_was_not_entered_can_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
