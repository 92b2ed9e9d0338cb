/* Lookups: what is asked, how the answers of both families are put together, and their end at any
 * time, on a system that resolves names as the test says. */
#include <wherry.h>

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/failing_memory.h"
#include "support/wire.h"

#define QUESTIONS_MAX 8
#define ROOM 2048

typedef struct question {
    wherry_resolution *resolution; /* NULL: it is over */
    int family;
    int result;
    bool ready;
    char name[300];
    struct sockaddr_storage addresses[1100];
} question;

static struct {
    wherry_system base;
    wherry_system *below;
    size_t count;
    size_t canceled;
    question questions[QUESTIONS_MAX];
} names;

static int on_resolve(wherry_system *self, wherry_poller *poller, const char *name, int family,
                      wherry_resolution *resolution)
{
    question *asked = &names.questions[names.count++];

    (void)self;
    (void)poller;
    *asked = (question){ .resolution = resolution, .family = family };
    (void)snprintf(asked->name, sizeof(asked->name), "%s", name);
    return 0;
}

static void on_cancel(wherry_system *self, wherry_resolution *resolution)
{
    (void)self;
    names.canceled++;
    for (size_t i = 0; i < names.count; i++)
        if (names.questions[i].resolution == resolution)
            names.questions[i].resolution = NULL;
}

static int on_wait(wherry_system *self, wherry_poller *poller, int64_t until, wherry_ready *ready,
                   int capacity)
{
    for (size_t i = 0; i < names.count; i++) {
        question *each = &names.questions[i];
        wherry_resolution *resolution = each->resolution;

        if (resolution == NULL || !each->ready)
            continue;
        each->resolution = NULL;
        resolution->done(resolution, each->result, each->addresses);
        until = WHERRY_NOW;
    }
    return names.below->wait(self, poller, until, ready, capacity);
}

/* Answers the question of a family that was asked last with addresses separated by spaces, or with
 * a negated errno(3) value. */
static question *find(int family)
{
    for (size_t i = names.count; i > 0; i--)
        if (names.questions[i - 1].family == family)
            return &names.questions[i - 1];
    fail_msg("family %d was not asked for", family);
    return NULL;
}

static void fail_with(int family, int number)
{
    question *asked = find(family);

    asked->result = number;
    asked->ready = true;
}

static void answer(int family, const char *list)
{
    question *asked = find(family);
    char text[1024];
    char *rest = text;
    char *word;

    (void)snprintf(text, sizeof(text), "%s", list);
    while ((word = strtok_r(rest, " ", &rest)) != NULL) {
        struct sockaddr_storage *place = &asked->addresses[asked->result++];
        struct sockaddr_in *v4 = (void *)place;
        struct sockaddr_in6 *v6 = (void *)place;

        memset(place, 0, sizeof(*place));
        place->ss_family = strchr(word, ':') != NULL ? AF_INET6 : AF_INET;
        assert_int_equal(inet_pton(place->ss_family, word,
                                   place->ss_family == AF_INET6 ? (void *)&v6->sin6_addr
                                                                : (void *)&v4->sin_addr),
                         1);
    }
    asked->ready = true;
}

static void answer_many(int count)
{
    question *asked = find(AF_INET);

    for (int i = 0; i < count; i++) {
        struct sockaddr_in *v4 = (void *)&asked->addresses[i];

        *v4 = (struct sockaddr_in){ .sin_family = AF_INET };
        v4->sin_addr.s_addr = htonl(0x0a000000U + (uint32_t)i);
    }
    asked->result = count;
    asked->ready = true;
}

/* --- the loop, and one task that asks */

typedef struct asker {
    failing_memory memory;
    wherry_loop *loop;
    wherry_task *task;
    const char *name;
    wherry_family family;
    int64_t deadline;
    size_t room;
    size_t fail_after; /* calls for memory; 0: never */
    ssize_t result;
    int64_t took;
    char problem[192];
    wherry_address addresses[ROOM];
} asker;

static int set_up(void **state)
{
    asker *this = calloc(1, sizeof(*this));

    memset(&names, 0, sizeof(names));
    names.below = wherry_system_epoll();
    names.base = *names.below;
    names.base.resolve = on_resolve;
    names.base.resolve_cancel = on_cancel;
    names.base.wait = on_wait;
    failing_memory_init(&this->memory, 0, false);
    assert_int_equal(wherry_loop_new(&this->loop, .system = &names.base,
                                     .memory = &this->memory.base, .clock = WHERRY_CLOCK_VIRTUAL),
                     WHERRY_OK);
    this->room = ROOM;
    this->deadline = WHERRY_NEVER;
    *state = this;
    return 0;
}

static int tear_down(void **state)
{
    asker *this = *state;

    wherry_task_release(this->task);
    wherry_loop_free(this->loop);
    failing_memory_assert_empty(&this->memory);
    for (size_t i = 0; i < names.count; i++)
        assert_null(names.questions[i].resolution);
    free(this);
    return 0;
}

static int ask(void *argument)
{
    asker *this = argument;
    int64_t begun = wherry_loop_now(this->loop);

    if (this->fail_after > 0)
        this->memory.fail_at = this->memory.calls + this->fail_after;
    this->result = wherry_resolve(this->addresses, this->room, this->name, this->deadline,
                                  .family = this->family);
    (void)snprintf(this->problem, sizeof(this->problem), "%s", wherry_problem());
    this->took = wherry_loop_now(this->loop) - begun;
    return WHERRY_OK;
}

static void step(asker *this)
{
    for (int i = 0; i < 4; i++)
        assert_true(wherry_loop_step(this->loop) >= 0);
}

static void begin(asker *this, const char *name)
{
    this->name = name;
    this->result = 12345;
    wherry_task_release(this->task);
    this->task = NULL;
    assert_int_equal(wherry_spawn(&this->task, ask, this, .loop = this->loop), WHERRY_OK);
    step(this);
}

static void assert_found(asker *this, const char *wanted)
{
    char text[2000] = "";

    step(this);
    for (ssize_t i = 0; i < this->result; i++) {
        char one[WHERRY_ADDRESS_TEXT_SIZE];

        (void)wherry_address_format(&this->addresses[i], one, sizeof(one));
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i > 0 ? " " : "",
                       one);
    }
    assert_string_equal(text, wanted);
}

static void assert_failed(asker *this, int code, const char *part)
{
    step(this);
    if (this->result != code || strstr(this->problem, part) == NULL)
        fail_msg("%zd, \"%s\"; not %s, \"%s\"", this->result, this->problem,
                 wherry_error_name(code), part);
}

/* --- answers */

static void families_are_put_together_ipv6_first(void **state)
{
    asker *this = *state;

    begin(this, "Example.org.");
    assert_int_equal(names.count, 2);
    assert_string_equal(names.questions[0].name, "Example.org.");
    answer(AF_INET, "10.0.0.9 10.0.0.1");
    step(this);
    assert_int_equal(this->result, 12345);
    answer(AF_INET6, "fd00::9 fd00::1");
    assert_found(this, "[fd00::9]:0 [fd00::1]:0 10.0.0.9:0 10.0.0.1:0");
}

static void each_is_told_once_in_order(void **state)
{
    asker *this = *state;

    begin(this, "a");
    answer(AF_INET6, "");
    answer(AF_INET, "10.0.0.2 10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.1");
    assert_found(this, "10.0.0.2:0 10.0.0.1:0 10.0.0.3:0");
}

static void addresses_of_another_family_are_left_out(void **state)
{
    asker *this = *state;

    begin(this, "a");
    answer(AF_INET6, "10.0.0.1 fd00::1");
    answer(AF_INET, "fd00::2");
    assert_found(this, "[fd00::1]:0");
}

static void one_family_is_asked_for_alone(void **state)
{
    asker *this = *state;

    this->family = WHERRY_FAMILY_IPV4;
    begin(this, "a");
    assert_int_equal(names.count, 1);
    answer(AF_INET, "10.0.0.1");
    assert_found(this, "10.0.0.1:0");
    begin(this, "a");
    answer(AF_INET, "");
    assert_failed(this, WHERRY_E_NO_NAME, "resolving a: the name has no IPv4 address");
    this->family = WHERRY_FAMILY_IPV6;
    begin(this, "127.0.0.1");
    assert_failed(this, WHERRY_E_NO_NAME, "no IPv6 address");
}

static void many_addresses_are_all_told(void **state)
{
    asker *this = *state;

    begin(this, "many");
    answer(AF_INET6, "fd00::1");
    answer_many(300);
    step(this);
    assert_int_equal(this->result, 301);
    assert_int_equal(this->addresses[300].at.ipv4[3], 299 % 256);
    begin(this, "many");
    answer(AF_INET6, "");
    answer_many(WHERRY_RESOLVE_ADDRESSES_MAX);
    step(this);
    assert_int_equal(this->result, WHERRY_RESOLVE_ADDRESSES_MAX);
    begin(this, "many");
    answer(AF_INET6, "");
    answer_many(WHERRY_RESOLVE_ADDRESSES_MAX + 1);
    assert_failed(this, WHERRY_E_TOO_LARGE, "more than 1024");
}

static void room_must_suffice(void **state)
{
    asker *this = *state;

    this->room = 2;
    begin(this, "a");
    answer(AF_INET6, "fd00::1");
    answer(AF_INET, "10.0.0.1");
    assert_found(this, "[fd00::1]:0 10.0.0.1:0");
    begin(this, "a");
    answer(AF_INET6, "fd00::1");
    answer(AF_INET, "10.0.0.1 10.0.0.2");
    assert_failed(this, WHERRY_E_TOO_LARGE, "3 addresses, and room for 2");
}

static void failures_say_what_is_known(void **state)
{
    static const struct {
        int ipv6, ipv4, code;
        const char *part;
    } cases[] = {
        { 0, 0, WHERRY_E_NO_NAME, "resolving a.b: the name has no address" },
        { -ENOENT, -ENOENT, WHERRY_E_NO_NAME, "no address" },
        { -ENOENT, 0, WHERRY_E_NO_NAME, "no address" },
        { -EAGAIN, -ENOENT, WHERRY_E_NO_ANSWER, "the name servers cannot tell now" },
        { 0, -EAGAIN, WHERRY_E_NO_ANSWER, "the name servers cannot tell now" },
        { -ETIMEDOUT, -ETIMEDOUT, WHERRY_E_NO_ANSWER, "do not answer" },
        { -ENOMEM, -EAGAIN, WHERRY_E_NO_MEMORY, "out of memory" },
        { 0, -EIO, WHERRY_E_SYSTEM, "" },
    };
    asker *this = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        names.count = 0;
        begin(this, "a.b");
        fail_with(AF_INET6, cases[i].ipv6);
        fail_with(AF_INET, cases[i].ipv4);
        assert_failed(this, cases[i].code, cases[i].part);
    }
}

static void one_family_that_answers_is_enough(void **state)
{
    asker *this = *state;

    begin(this, "a");
    fail_with(AF_INET6, -EAGAIN);
    answer(AF_INET, "10.0.0.1");
    assert_found(this, "10.0.0.1:0");
    begin(this, "a");
    fail_with(AF_INET, -ENOENT);
    answer(AF_INET6, "fd00::1");
    assert_found(this, "[fd00::1]:0");
}

/* --- names */

static void numbers_and_localhost_ask_nobody(void **state)
{
    static const char *const cases[][2] = {
        { "127.0.0.1", "127.0.0.1:0" },           { "::1", "[::1]:0" },
        { "[fd00::1]", "[fd00::1]:0" },           { "fe80::1%1", "[fe80::1%lo]:0" },
        { "localhost", "[::1]:0 127.0.0.1:0" },   { "LocalHost.", "[::1]:0 127.0.0.1:0" },
        { "a.localhost", "[::1]:0 127.0.0.1:0" },
    };
    asker *this = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        this->deadline = i % 2 ? WHERRY_NOW : WHERRY_NEVER;
        begin(this, cases[i][0]);
        assert_found(this, cases[i][1]);
    }
    assert_int_equal(names.count, 0);
}

static void bad_names_are_refused_with_the_position(void **state)
{
    static char longest[70001];
    static const struct {
        const char *name;
        int at;
    } cases[] = {
        { "a b", 1 },       { "a\nb", 1 },     { " a", 0 },    { "a ", 1 },        { "a..b", 2 },
        { ".", 0 },         { ".a", 0 },       { "-a", 0 },    { "a.-b", 2 },      { "a-", 1 },
        { "b\xc3\xbc", 1 }, { "a/b", 1 },      { "1.2.3", 5 }, { "1.2.3.256", 8 }, { "::g", 3 },
        { "[::1", 4 },      { "[::1]:80", 5 }, { "a@b", 1 },   { "*", 0 },         { "a.1", 0 },
    };
    asker *this = *state;
    char place[32];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(place, sizeof(place), ", at byte %d of", cases[i].at);
        begin(this, cases[i].name);
        assert_failed(this, WHERRY_E_INVALID, place);
    }
    begin(this, "");
    assert_failed(this, WHERRY_E_INVALID, "empty");
    for (size_t length = 254; length <= 70000; length = length == 256 ? 70000 : length + 1) {
        memset(longest, 'a', length);
        longest[length] = '\0';
        begin(this, longest);
        assert_failed(this, WHERRY_E_INVALID, "longer than 253 bytes, at byte 0 of");
        memset(longest, ':', length);
        begin(this, longest);
        assert_failed(this, WHERRY_E_INVALID, "at byte");
    }
    assert_int_equal(names.count, 0);
}

/* --- the end */

static void a_deadline_withdraws_both_questions(void **state)
{
    asker *this = *state;

    this->deadline = wherry_loop_now(this->loop) + WHERRY_SECONDS(1);
    begin(this, "a");
    answer(AF_INET, "10.0.0.1");
    assert_int_equal(wherry_loop_run(this->loop), WHERRY_OK);
    assert_int_equal(this->result, WHERRY_E_TIMED_OUT);
    assert_int_equal(this->took, WHERRY_SECONDS(1));
    assert_int_equal(names.canceled, 1);
    this->deadline = WHERRY_NOW;
    begin(this, "a");
    assert_int_equal(this->result, WHERRY_E_WOULD_BLOCK);
    assert_int_equal(names.canceled, 3);
}

static void cancelation_withdraws_both_questions(void **state)
{
    asker *this = *state;

    begin(this, "a");
    wherry_task_cancel(this->task);
    step(this);
    assert_int_equal(this->result, WHERRY_E_CANCELED);
    assert_int_equal(names.canceled, 2);
}

/* Answers once more, as no system should. */
static void answer_again(wherry_resolution *resolution, const char *address)
{
    struct sockaddr_storage wrong = { .ss_family = AF_INET };

    assert_int_equal(inet_pton(AF_INET, address, &((struct sockaddr_in *)(void *)&wrong)->sin_addr),
                     1);
    resolution->done(resolution, 1, &wrong);
    resolution->done(resolution, -ENOENT, NULL);
}

static void a_second_answer_is_not_listened_to(void **state)
{
    wherry_resolution *ipv6, *ipv4;
    asker *this = *state;

    begin(this, "a");
    ipv6 = names.questions[0].resolution;
    ipv4 = names.questions[1].resolution;
    answer(AF_INET, "10.0.0.1");
    step(this);
    answer_again(ipv4, "10.0.0.2"); /* while it is under way */
    answer(AF_INET6, "fd00::1");
    assert_found(this, "[fd00::1]:0 10.0.0.1:0");
    answer_again(ipv6, "10.0.0.3"); /* when it is over */
    answer_again(ipv4, "10.0.0.4");
    begin(this, "b");
    answer_again(ipv6, "10.0.0.5"); /* and while another one is under way */
    answer_again(ipv4, "10.0.0.6");
    answer(AF_INET, "10.0.0.7");
    answer(AF_INET6, "");
    assert_found(this, "10.0.0.7:0");
}

static void an_answer_to_what_was_withdrawn_is_not_listened_to(void **state)
{
    wherry_resolution *ipv6, *ipv4;
    asker *this = *state;

    begin(this, "a");
    ipv6 = names.questions[0].resolution;
    ipv4 = names.questions[1].resolution;
    wherry_task_cancel(this->task);
    step(this);
    answer_again(ipv6, "10.0.0.1");
    answer_again(ipv4, "10.0.0.2");
    assert_int_equal(this->result, WHERRY_E_CANCELED);
    begin(this, "b");
    answer_again(ipv6, "10.0.0.3");
    answer(AF_INET, "10.0.0.4");
    answer(AF_INET6, "");
    assert_found(this, "10.0.0.4:0");
}

static void what_is_kept_for_second_answers_is_bounded(void **state)
{
    asker *this = *state;
    size_t bytes = 0;

    for (int i = 0; i < 200; i++) {
        names.count = 0;
        begin(this, "a");
        fail_with(AF_INET, -ENOENT);
        fail_with(AF_INET6, -ENOENT);
        step(this);
        if (i == 40)
            bytes = this->memory.bytes;
    }
    assert_int_equal(this->memory.bytes, bytes);
}

static void freeing_the_loop_ends_it(void **state)
{
    asker *this = *state;

    begin(this, "a");
    wherry_loop_free(this->loop);
    this->loop = NULL;
    assert_int_equal(this->result, WHERRY_E_CANCELED);
    assert_int_equal(names.canceled, 2);
}

/* --- with a callback */

typedef struct listener {
    wherry_lookup_events events; /* first */
    int calls;
    ssize_t result;
    bool frees;
    char problem[192];
} listener;

static void on_resolved(wherry_lookup_events *self, wherry_lookup *lookup, ssize_t result,
                        const wherry_address *addresses)
{
    listener *this = (listener *)self;

    this->calls++;
    this->result = result;
    (void)snprintf(this->problem, sizeof(this->problem), "%s", wherry_problem());
    if (result > 0)
        assert_int_equal(addresses[0].port, 0);
    if (this->frees)
        wherry_lookup_free(lookup);
}

static void callbacks_are_told_once_and_later(void **state)
{
    listener told = { .events.resolved = on_resolved };
    asker *this = *state;
    wherry_lookup *lookup;

    assert_int_equal(
        wherry_lookup_new(&lookup, .loop = this->loop, .name = "localhost", .events = &told.events),
        WHERRY_OK);
    assert_int_equal(told.calls, 0);
    step(this);
    assert_int_equal(told.calls, 1);
    assert_int_equal(told.result, 2);
    wherry_lookup_free(lookup);
    told.frees = true;
    assert_int_equal(
        wherry_lookup_new(&lookup, .loop = this->loop, .name = "gone", .events = &told.events),
        WHERRY_OK);
    fail_with(AF_INET6, -ENOENT);
    fail_with(AF_INET, -ENOENT);
    step(this);
    assert_int_equal(told.calls, 2);
    assert_int_equal(told.result, WHERRY_E_NO_NAME);
    assert_string_equal(told.problem, "resolving gone: the name has no address");
}

static void a_lookup_keeps_the_loop_running_until_its_deadline(void **state)
{
    listener told = { .events.resolved = on_resolved, .frees = true };
    asker *this = *state;
    wherry_lookup *lookup;

    assert_int_equal(wherry_lookup_new(&lookup, .loop = this->loop, .name = "a",
                                       .events = &told.events,
                                       .deadline = wherry_loop_now(this->loop) + 1000),
                     WHERRY_OK);
    assert_int_equal(wherry_loop_run(this->loop), WHERRY_OK);
    assert_int_equal(told.calls, 1);
    assert_int_equal(told.result, WHERRY_E_TIMED_OUT);
    assert_int_equal(names.canceled, 2);
    assert_int_equal(wherry_lookup_new(&lookup, .loop = this->loop, .name = "a",
                                       .events = &told.events,
                                       .deadline = wherry_loop_now(this->loop)),
                     WHERRY_E_TIMED_OUT);
}

static void a_freed_lookup_is_told_of_nothing(void **state)
{
    listener told = { .events.resolved = on_resolved };
    asker *this = *state;
    wherry_lookup *lookup[2];

    for (int i = 0; i < 2; i++)
        assert_int_equal(wherry_lookup_new(&lookup[i], .loop = this->loop,
                                           .name = i ? "localhost" : "a", .events = &told.events),
                         WHERRY_OK);
    wherry_lookup_free(lookup[0]);
    wherry_lookup_free(lookup[1]);
    wherry_lookup_free(NULL);
    step(this);
    assert_int_equal(told.calls, 0);
}

static void a_lookup_may_outlive_its_loop(void **state)
{
    listener told = { .events.resolved = on_resolved };
    asker *this = *state;
    wherry_lookup *lookup;

    assert_int_equal(
        wherry_lookup_new(&lookup, .loop = this->loop, .name = "a", .events = &told.events),
        WHERRY_OK);
    wherry_loop_free(this->loop);
    this->loop = NULL;
    assert_int_equal(told.calls, 0);
    assert_int_equal(names.canceled, 2);
    wherry_lookup_free(lookup);
}

static void misuse(void **state)
{
    listener told = { .events.resolved = on_resolved };
    wherry_lookup_events none = { 0 };
    asker *this = *state;
    wherry_lookup *lookup;
    wherry_address address;

    assert_int_equal(
        wherry_lookup_new(NULL, .loop = this->loop, .name = "a", .events = &told.events),
        WHERRY_E_MISUSE);
    assert_int_equal(wherry_lookup_new(&lookup, .loop = this->loop, .name = "a"), WHERRY_E_MISUSE);
    assert_int_equal(wherry_lookup_new(&lookup, .loop = this->loop, .name = "a", .events = &none),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_lookup_new(&lookup, .loop = this->loop, .events = &told.events),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_lookup_new(&lookup, .name = "a", .events = &told.events),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_lookup_new(&lookup, .loop = this->loop, .name = "a",
                                       .family = WHERRY_FAMILY_UNIX, .events = &told.events),
                     WHERRY_E_MISUSE);
    assert_int_equal(wherry_resolve(&address, 1, "localhost", WHERRY_NOW), WHERRY_E_MISUSE);
    assert_int_equal(wherry_loop_set_name_servers(this->loop, "127.0.0.1"), WHERRY_E_UNSUPPORTED);
    this->room = 0;
    begin(this, "a");
    assert_failed(this, WHERRY_E_MISUSE, "no place");
    assert_int_equal(names.count, 0);
}

/* --- connecting, while one family is late: RFC 8305 section 3 */

typedef struct dial {
    asker *asker;
    char endpoint[32];
    int result;
    int64_t took;
    wherry_address remote;
} dial;

static int connect_it(void *argument)
{
    dial *this = argument;
    int64_t begun = wherry_loop_now(this->asker->loop);
    wherry_stream *stream;

    this->result = wherry_stream_connect_to(&stream, this->endpoint, wherry_in(WHERRY_SECONDS(5)));
    this->took = wherry_loop_now(this->asker->loop) - begun;
    if (this->result == WHERRY_OK) {
        wherry_stream_remote(stream, &this->remote);
        wherry_stream_free(stream);
    }
    return WHERRY_OK;
}

/* Listens at 127.0.0.1, and begins to connect there by name. */
static int begin_dial(dial *this, asker *owner)
{
    wherry_address address;
    int listening = wire_listen(&address, false);

    *this = (dial){ .asker = owner, .result = 12345 };
    (void)snprintf(this->endpoint, sizeof(this->endpoint), "tcp://a:%u", (unsigned)address.port);
    assert_int_equal(wherry_spawn(NULL, connect_it, this, .loop = owner->loop), WHERRY_OK);
    step(owner);
    return listening;
}

static void the_first_family_is_waited_for_a_little(void **state)
{
    asker *this = *state;
    dial mine;
    int listening = begin_dial(&mine, this);

    answer(AF_INET, "127.0.0.1");
    while (mine.result == 12345)
        assert_true(wherry_loop_prepare(this->loop) >= 0 &&
                    wherry_loop_wait(this->loop, WHERRY_NEVER) >= 0 &&
                    wherry_loop_dispatch(this->loop) >= 0);
    assert_int_equal(mine.result, WHERRY_OK);
    assert_int_equal(mine.took, WHERRY_MILLISECONDS(50));
    assert_int_equal(names.canceled, 1); /* the other answer is not needed any more */
    assert_int_equal(close(listening), 0);
}

static void a_first_family_without_addresses_is_not_waited_for(void **state)
{
    asker *this = *state;
    dial mine;
    int listening = begin_dial(&mine, this);

    answer(AF_INET, "127.0.0.1");
    step(this);
    assert_int_equal(mine.result, 12345);
    answer(AF_INET6, "");
    while (mine.result == 12345)
        step(this);
    assert_int_equal(mine.result, WHERRY_OK);
    assert_int_equal(mine.took, 0);
    assert_int_equal(close(listening), 0);
}

static void a_family_that_comes_late_has_its_turn(void **state)
{
    asker *this = *state;
    dial mine;
    int listening = begin_dial(&mine, this);

    answer(AF_INET6, "::1"); /* nobody listens there */
    step(this);
    assert_int_equal(mine.result, 12345);
    answer(AF_INET, "127.0.0.1");
    while (mine.result == 12345)
        step(this);
    assert_int_equal(mine.result, WHERRY_OK);
    assert_int_equal(mine.remote.family, WHERRY_FAMILY_IPV4);
    assert_int_equal(close(listening), 0);
}

/* All but the last are addresses of this machine at which nobody listens. */
static void of_three_hundred_addresses_the_last_may_be_the_one(void **state)
{
    asker *this = *state;
    dial mine;
    int listening = begin_dial(&mine, this);
    question *asked = find(AF_INET);

    for (int i = 0; i < 300; i++) {
        struct sockaddr_in *v4 = (void *)&asked->addresses[i];

        *v4 = (struct sockaddr_in){ .sin_family = AF_INET };
        v4->sin_addr.s_addr = htonl(0x7f000001U + 299 - (uint32_t)i);
    }
    asked->result = 300;
    asked->ready = true;
    answer(AF_INET6, "");
    while (mine.result == 12345)
        step(this);
    assert_int_equal(mine.result, WHERRY_OK);
    assert_int_equal(mine.remote.at.ipv4[3], 1);
    assert_int_equal(close(listening), 0);
}

/* --- want of memory */

static void each_allocation_may_fail(void **state)
{
    asker *this = *state;
    bool done = false;

    for (size_t k = 1; !done; k++) {
        names.count = 0;
        this->fail_after = k;
        begin(this, "a");
        if (this->result == 12345) {
            answer(AF_INET6, "fd00::1 fd00::2 fd00::3 fd00::4 fd00::5");
            answer(AF_INET, "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5");
        }
        step(this);
        done = this->memory.calls < this->memory.fail_at;
        if (!done && this->result != 10)
            assert_int_equal(this->result, WHERRY_E_NO_MEMORY);
        if (done)
            assert_int_equal(this->result, 10);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(families_are_put_together_ipv6_first),
        TEST(each_is_told_once_in_order),
        TEST(addresses_of_another_family_are_left_out),
        TEST(one_family_is_asked_for_alone),
        TEST(many_addresses_are_all_told),
        TEST(room_must_suffice),
        TEST(failures_say_what_is_known),
        TEST(one_family_that_answers_is_enough),
        TEST(numbers_and_localhost_ask_nobody),
        TEST(bad_names_are_refused_with_the_position),
        TEST(a_deadline_withdraws_both_questions),
        TEST(cancelation_withdraws_both_questions),
        TEST(a_second_answer_is_not_listened_to),
        TEST(an_answer_to_what_was_withdrawn_is_not_listened_to),
        TEST(what_is_kept_for_second_answers_is_bounded),
        TEST(of_three_hundred_addresses_the_last_may_be_the_one),
        TEST(freeing_the_loop_ends_it),
        TEST(callbacks_are_told_once_and_later),
        TEST(a_lookup_keeps_the_loop_running_until_its_deadline),
        TEST(a_freed_lookup_is_told_of_nothing),
        TEST(a_lookup_may_outlive_its_loop),
        TEST(the_first_family_is_waited_for_a_little),
        TEST(a_first_family_without_addresses_is_not_waited_for),
        TEST(a_family_that_comes_late_has_its_turn),
        TEST(misuse),
        TEST(each_allocation_may_fail),
    };

    return cmocka_run_group_tests_name("lookup", tests, NULL, NULL);
}
