/* Names through c-ares, asked of a name server of the test's own on loopback, over UDP and TCP,
 * that answers rightly, wrongly, not at all, or with what a hostile one would send. */
#include <wherry.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/failing_memory.h"
#include "support/process.h"
#include "support/wire.h"

#define MESSAGE_MAX 65535
#define ROOM 2048
#define HEADER 12
enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_AAAA = 28 };
enum { NO_ERROR = 0, SERVER_FAILURE = 2, NO_SUCH_NAME = 3, REFUSED = 5 };

typedef struct server server;

/* One message in the making. */
typedef struct reply {
    uint8_t bytes[MESSAGE_MAX + 1000];
    size_t length;
    int type;        /* that was asked for */
    size_t question; /* bytes of it */
} reply;

/* Answers a question: fills in the reply, which has the question already. false: nothing is sent.
 */
typedef bool answerer(server *self, reply *answer, bool tcp);

struct server {
    wherry_watcher udp_watcher, tcp_watcher; /* first: see on_udp */
    wherry_watch *udp_watch, *tcp_watch;
    int udp, tcp;
    answerer *answer;
    int queries, tcp_queries;
    unsigned seed;
    struct sockaddr_in from; /* of the last question over UDP */
};

/* --- messages: RFC 1035 section 4 */

static void put16(reply *answer, unsigned value)
{
    answer->bytes[answer->length++] = (uint8_t)(value >> 8);
    answer->bytes[answer->length++] = (uint8_t)value;
}

static void set_code(reply *answer, int code)
{
    answer->bytes[3] = (uint8_t)(0x80 | code);
}

/* Begins a record for the name of the question. */
static void put_record(reply *answer, int type, size_t size)
{
    unsigned count = (unsigned)(answer->bytes[6] << 8 | answer->bytes[7]) + 1;

    answer->bytes[6] = (uint8_t)(count >> 8);
    answer->bytes[7] = (uint8_t)count;
    put16(answer, 0xc00c);
    put16(answer, (unsigned)type);
    put16(answer, 1);
    put16(answer, 0);
    put16(answer, 60);
    put16(answer, (unsigned)size);
}

static void put_address(reply *answer, unsigned number)
{
    static const uint8_t ipv6[12] = { 0x20, 1, 0x0d, 0xb8 };
    static const uint8_t ipv4[2] = { 10, 0 };

    if (answer->type == TYPE_AAAA) {
        put_record(answer, TYPE_AAAA, 16);
        memcpy(answer->bytes + answer->length, ipv6, sizeof(ipv6));
        answer->length += sizeof(ipv6);
        put16(answer, 0);
    } else {
        put_record(answer, TYPE_A, 4);
        memcpy(answer->bytes + answer->length, ipv4, sizeof(ipv4));
        answer->length += sizeof(ipv4);
    }
    put16(answer, number);
}

static bool begin_reply(reply *answer, const uint8_t *query, size_t length)
{
    size_t at = HEADER;

    while (at < length && query[at] != 0)
        at += query[at] + 1u;
    if (at + 5 > length)
        return false;
    memcpy(answer->bytes, query, at + 5);
    answer->bytes[2] = 0x81;
    answer->bytes[3] = 0x80;
    memset(answer->bytes + 6, 0, 6); /* without what EDNS adds */
    answer->type = query[at + 1] << 8 | query[at + 2];
    answer->length = at + 5;
    answer->question = at + 5 - HEADER;
    return true;
}

/* --- the server */

static void send_udp(const server *self, const void *data, size_t length)
{
    assert_int_equal(sendto(self->udp, data, length, 0, (const struct sockaddr *)&self->from,
                            sizeof(self->from)),
                     length);
}

static void on_udp(wherry_watcher *watcher, wherry_watch *watch, unsigned events)
{
    server *self = (server *)watcher;
    socklen_t size = sizeof(self->from);
    static reply answer;
    uint8_t query[512];
    ssize_t length = recvfrom(self->udp, query, sizeof(query), 0, (struct sockaddr *)&self->from,
                              &size);

    (void)watch;
    (void)events;
    if (length < HEADER || !begin_reply(&answer, query, (size_t)length))
        return;
    self->queries++;
    if (self->answer(self, &answer, false))
        send_udp(self, answer.bytes, answer.length);
}

/* One question a connection, and all of the answer: the other end reads as it comes. */
static int talk_tcp(void *argument)
{
    server *self = argument;
    static reply answer;
    wherry_stream *stream;
    wherry_bytes bytes;
    uint8_t prefix[2];

    int descriptor = accept4(self->tcp, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (descriptor < 0)
        return WHERRY_OK;
    assert_int_equal(wherry_stream_new(&stream, .descriptor = descriptor), WHERRY_OK);
    while (wherry_stream_peek(stream).length < 2 + HEADER)
        if (wherry_stream_receive(stream, &bytes, WHERRY_NEVER) < 0)
            break;
    bytes = wherry_stream_peek(stream);
    if (bytes.length > 2 && begin_reply(&answer, bytes.data + 2, bytes.length - 2)) {
        self->tcp_queries++;
        if (self->answer(self, &answer, true)) {
            prefix[0] = (uint8_t)(answer.length >> 8);
            prefix[1] = (uint8_t)answer.length;
            (void)wherry_stream_send(stream, wherry_bytes_at(prefix, 2), WHERRY_NEVER);
            (void)wherry_stream_send(stream, wherry_bytes_at(answer.bytes, answer.length),
                                     WHERRY_NEVER);
        }
    }
    wherry_stream_free(stream);
    return WHERRY_OK;
}

static void on_tcp(wherry_watcher *watcher, wherry_watch *watch, unsigned events)
{
    server *self = (server *)((char *)watcher - offsetof(server, tcp_watcher));

    (void)watch;
    (void)events;
    assert_int_equal(wherry_spawn(NULL, talk_tcp, self), WHERRY_OK);
}

/* --- a loop with the server on it, and a task that asks */

typedef struct asker {
    server server; /* first */
    failing_memory memory;
    wherry_loop *loop;
    size_t descriptors;
    const char *name;
    wherry_family family;
    int64_t duration;
    ssize_t result;
    char problem[192];
    wherry_address addresses[ROOM];
} asker;

/* A port that is free for both: the kernel chooses it for UDP. */
static struct sockaddr_in bind_both(server *self)
{
    for (int i = 0; i < 100; i++) {
        struct sockaddr_in name = { .sin_family = AF_INET,
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(name);

        self->udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        self->tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(self->udp, (struct sockaddr *)&name, sizeof(name)), 0);
        assert_int_equal(getsockname(self->udp, (struct sockaddr *)&name, &size), 0);
        if (bind(self->tcp, (struct sockaddr *)&name, sizeof(name)) == 0)
            return name;
        assert_int_equal(close(self->udp), 0);
        assert_int_equal(close(self->tcp), 0);
    }
    fail_msg("no port is free for both UDP and TCP");
    return (struct sockaddr_in){ 0 };
}

static void open_server(asker *this)
{
    server *self = &this->server;
    struct sockaddr_in name = bind_both(self);
    char servers[32];

    assert_int_equal(listen(self->tcp, 10), 0);
    self->udp_watcher.ready = on_udp;
    self->tcp_watcher.ready = on_tcp;
    assert_int_equal(wherry_watch_new(&self->udp_watch, .loop = this->loop, .descriptor = self->udp,
                                      .events = WHERRY_READABLE, .watcher = &self->udp_watcher),
                     WHERRY_OK);
    assert_int_equal(wherry_watch_new(&self->tcp_watch, .loop = this->loop, .descriptor = self->tcp,
                                      .events = WHERRY_READABLE, .watcher = &self->tcp_watcher),
                     WHERRY_OK);
    (void)snprintf(servers, sizeof(servers), "127.0.0.1:%d", ntohs(name.sin_port));
    assert_int_equal(wherry_loop_set_name_servers(this->loop, servers), WHERRY_OK);
}

static void close_server(server *self)
{
    wherry_watch_free(self->udp_watch);
    wherry_watch_free(self->tcp_watch);
    assert_int_equal(close(self->udp), 0);
    assert_int_equal(close(self->tcp), 0);
}

static int set_up(void **state)
{
    asker *this = calloc(1, sizeof(*this));

    this->descriptors = wire_descriptors();
    failing_memory_init(&this->memory, 0, false);
    assert_int_equal(wherry_loop_new(&this->loop, .memory = &this->memory.base), WHERRY_OK);
    open_server(this);
    this->duration = WHERRY_SECONDS(60);
    *state = this;
    return 0;
}

static int tear_down(void **state)
{
    asker *this = *state;

    close_server(&this->server);
    wherry_loop_free(this->loop);
    failing_memory_assert_empty(&this->memory);
    assert_int_equal(wire_descriptors(), this->descriptors);
    free(this);
    return 0;
}

static int ask(void *argument)
{
    asker *this = argument;

    this->result = wherry_resolve(this->addresses, ROOM, this->name, wherry_in(this->duration),
                                  .family = this->family);
    (void)snprintf(this->problem, sizeof(this->problem), "%s", wherry_problem());
    wherry_loop_stop(this->loop);
    return WHERRY_OK;
}

static ssize_t resolve(asker *this, answerer *how)
{
    if (this->name == NULL)
        this->name = "name.test.";
    this->server.answer = how;
    assert_int_equal(wherry_spawn(NULL, ask, this, .loop = this->loop), WHERRY_OK);
    assert_int_equal(wherry_loop_run(this->loop), WHERRY_OK);
    return this->result;
}

static void assert_address(const asker *this, size_t index, const char *wanted)
{
    char text[WHERRY_ADDRESS_TEXT_SIZE];

    (void)wherry_address_format(&this->addresses[index], text, sizeof(text));
    assert_string_equal(text, wanted);
}

/* --- answers */

static bool plain(server *self, reply *answer, bool tcp)
{
    (void)self;
    (void)tcp;
    put_address(answer, 2);
    put_address(answer, 1);
    return true;
}

static void addresses_of_both_families(void **state)
{
    asker *this = *state;

    assert_int_equal(resolve(this, plain), 4);
    assert_int_equal(this->server.queries, 2);
    assert_address(this, 0, "[2001:db8::2]:0");
    assert_address(this, 1, "[2001:db8::1]:0");
    assert_address(this, 2, "10.0.0.2:0");
    assert_address(this, 3, "10.0.0.1:0");
}

static bool only_ipv4(server *self, reply *answer, bool tcp)
{
    (void)self;
    (void)tcp;
    if (answer->type == TYPE_A)
        put_address(answer, 1);
    return true;
}

static void one_family_alone(void **state)
{
    asker *this = *state;

    assert_int_equal(resolve(this, only_ipv4), 1);
    this->family = WHERRY_FAMILY_IPV6;
    assert_int_equal(resolve(this, only_ipv4), WHERRY_E_NO_NAME);
    assert_non_null(strstr(this->problem, "resolving name.test.: the name has no IPv6 address"));
}

static bool no_such_name(server *self, reply *answer, bool tcp)
{
    (void)self;
    (void)tcp;
    set_code(answer, NO_SUCH_NAME);
    return true;
}

static bool failure(server *self, reply *answer, bool tcp)
{
    (void)self;
    (void)tcp;
    set_code(answer, SERVER_FAILURE);
    return true;
}

static bool refusal(server *self, reply *answer, bool tcp)
{
    (void)self;
    (void)tcp;
    set_code(answer, REFUSED);
    return true;
}

static void failures_have_codes_of_their_own(void **state)
{
    asker *this = *state;

    assert_int_equal(resolve(this, no_such_name), WHERRY_E_NO_NAME);
    assert_non_null(strstr(this->problem, "resolving name.test.: the name has no address"));
    assert_int_equal(resolve(this, failure), WHERRY_E_NO_ANSWER);
    assert_non_null(strstr(this->problem, "resolving name.test.: "));
    assert_int_equal(resolve(this, refusal), WHERRY_E_NO_ANSWER);
}

static void a_server_that_is_not_there_cannot_tell(void **state)
{
    asker *this = *state;

    assert_int_equal(wherry_loop_set_name_servers(this->loop, "127.0.0.1:9"), WHERRY_OK);
    assert_int_equal(resolve(this, plain), WHERRY_E_NO_ANSWER);
    assert_int_equal(this->server.queries, 0);
}

/* --- long ones */

static bool truncated(server *self, reply *answer, bool tcp)
{
    (void)self;
    if (!tcp) {
        answer->bytes[2] |= 2; /* TC */
        return true;
    }
    for (unsigned i = 0; i < 300; i++)
        put_address(answer, i);
    return true;
}

static void truncated_answers_are_asked_for_again_by_tcp(void **state)
{
    asker *this = *state;

    assert_int_equal(resolve(this, truncated), 600);
    assert_int_equal(this->server.tcp_queries, 2);
    assert_address(this, 599, "10.0.1.43:0");
}

static bool huge(server *self, reply *answer, bool tcp)
{
    (void)self;
    if (!tcp)
        answer->bytes[2] |= 2;
    for (unsigned i = 0; tcp && answer->length + 28 < MESSAGE_MAX; i++)
        put_address(answer, i);
    return true;
}

static void more_addresses_than_the_limit_are_refused(void **state)
{
    asker *this = *state;

    assert_int_equal(resolve(this, huge), WHERRY_E_TOO_LARGE);
    assert_non_null(strstr(this->problem, "more than 1024"));
}

/* --- wrong and hostile ones, each followed by the right one, or not */

static bool another_id_first(server *self, reply *answer, bool tcp)
{
    put_address(answer, 66);
    answer->bytes[0] ^= 0xff;
    send_udp(self, answer->bytes, answer->length);
    answer->bytes[0] ^= 0xff;
    answer->bytes[7] = 0;
    answer->length = HEADER + answer->question;
    return plain(self, answer, tcp);
}

static bool another_question_first(server *self, reply *answer, bool tcp)
{
    put_address(answer, 66);
    answer->bytes[HEADER + 1] ^= 1;
    send_udp(self, answer->bytes, answer->length);
    answer->bytes[HEADER + 1] ^= 1;
    answer->bytes[7] = 0;
    answer->length = HEADER + answer->question;
    return plain(self, answer, tcp);
}

static void answers_to_other_questions_are_passed_over(void **state)
{
    asker *this = *state;

    assert_int_equal(resolve(this, another_id_first), 4);
    assert_address(this, 0, "[2001:db8::2]:0");
    assert_int_equal(resolve(this, another_question_first), 4);
    assert_address(this, 0, "[2001:db8::2]:0");
}

/* A name that points at itself. */
static bool compression_loop(server *self, reply *answer, bool tcp)
{
    size_t at = answer->length;

    (void)self;
    (void)tcp;
    put_address(answer, 1);
    answer->bytes[at] = (uint8_t)(0xc0 | at >> 8);
    answer->bytes[at + 1] = (uint8_t)at;
    return true;
}

static bool alias_of_itself(server *self, reply *answer, bool tcp)
{
    (void)self;
    (void)tcp;
    for (int i = 0; i < 20; i++) {
        put_record(answer, TYPE_CNAME, 2);
        put16(answer, 0xc00c);
    }
    return true;
}

static bool cut_short(server *self, reply *answer, bool tcp)
{
    (void)self;
    (void)tcp;
    put_address(answer, 1);
    answer->length -= 3;
    return true;
}

static bool more_records_than_there_are(server *self, reply *answer, bool tcp)
{
    (void)self;
    (void)tcp;
    put_address(answer, 1);
    answer->bytes[6] = 0xff;
    return true;
}

static bool five_bytes(server *self, reply *answer, bool tcp)
{
    (void)self;
    (void)tcp;
    answer->length = 5;
    return true;
}

static bool nothing(server *self, reply *answer, bool tcp)
{
    (void)self;
    (void)answer;
    (void)tcp;
    return false;
}

/* An answer that cannot be read is none; one that is passed over is waited for. */
static void answers_that_make_no_sense_do_no_harm(void **state)
{
    static answerer *const hostile[] = { compression_loop, alias_of_itself,
                                         cut_short,        more_records_than_there_are,
                                         five_bytes,       nothing };
    asker *this = *state;

    this->duration = WHERRY_MILLISECONDS(50);
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        resolve(this, hostile[i]);
        if (this->result != WHERRY_E_NO_ANSWER && this->result != WHERRY_E_NO_NAME &&
            this->result != WHERRY_E_TIMED_OUT)
            fail_msg("hostile answer %zu: %zd, %s", i, this->result, this->problem);
    }
    this->duration = WHERRY_SECONDS(60);
    assert_int_equal(resolve(this, plain), 4);
}

static bool mutated(server *self, reply *answer, bool tcp)
{
    static reply spoiled;

    (void)plain(self, answer, tcp);
    spoiled = *answer;
    for (int i = 0; i < 4; i++) {
        self->seed = self->seed * 1103515245u + 12345u;
        spoiled.bytes[2 + (self->seed >> 16) % (spoiled.length - 2)] = (uint8_t)(self->seed >> 8);
    }
    send_udp(self, spoiled.bytes, spoiled.length - (self->seed >> 20) % 8);
    return true;
}

static void spoiled_answers_do_no_harm(void **state)
{
    asker *this = *state;

    for (unsigned i = 0; i < 300; i++) {
        this->server.seed = i;
        (void)resolve(this, mutated);
    }
    assert_int_equal(resolve(this, plain), 4);
}

/* --- the end */

static void a_deadline_passes_while_the_server_is_silent(void **state)
{
    asker *this = *state;

    this->duration = WHERRY_MILLISECONDS(20);
    assert_int_equal(resolve(this, nothing), WHERRY_E_TIMED_OUT);
    assert_int_equal(wherry_loop_set_name_servers(this->loop, "127.0.0.1"), WHERRY_OK);
}

static void the_loop_ends_when_nobody_waits_any_more(void **state)
{
    wherry_loop_statistics statistics;
    asker *this = *state;

    this->duration = WHERRY_MILLISECONDS(1);
    assert_int_equal(resolve(this, nothing), WHERRY_E_TIMED_OUT);
    wherry_watch_free(this->server.udp_watch);
    wherry_watch_free(this->server.tcp_watch);
    this->server.udp_watch = this->server.tcp_watch = NULL;
    assert_true(wherry_loop_step(this->loop) >= 0);
    wherry_loop_statistics_read(this->loop, &statistics); /* c-ares itself would go on for 5 s */
    assert_int_equal(statistics.watched, 0);
    assert_int_equal(statistics.deadlines, 0);
    assert_int_equal(wherry_loop_run(this->loop), WHERRY_OK);
}

static int ask_and_be_canceled(void *argument)
{
    asker *this = argument;
    ssize_t result = wherry_resolve(this->addresses, ROOM, this->name, WHERRY_NEVER);

    assert_int_equal(result, WHERRY_E_CANCELED);
    return (int)result;
}

static void freeing_the_loop_ends_what_is_under_way(void **state)
{
    asker *this = *state;

    this->name = "name.test.";
    this->server.answer = nothing;
    for (int i = 0; i < 3; i++)
        assert_int_equal(wherry_spawn(NULL, ask_and_be_canceled, this, .loop = this->loop),
                         WHERRY_OK);
    while (this->server.queries < 2) {
        (void)wherry_loop_prepare(this->loop);
        assert_true(wherry_loop_wait(this->loop, wherry_in(WHERRY_SECONDS(60))) >= 0);
        assert_true(wherry_loop_dispatch(this->loop) >= 0);
    }
    wherry_loop_free(this->loop);
    close_server(&this->server);
    assert_int_equal(wherry_loop_new(&this->loop, .memory = &this->memory.base), WHERRY_OK);
    open_server(this);
}

static void resolved_none(wherry_lookup_events *self, wherry_lookup *lookup, ssize_t result,
                          const wherry_address *addresses)
{
    (void)self;
    (void)lookup;
    (void)result;
    (void)addresses;
    fail_msg("a lookup that ends with its loop is told of nothing");
}

static void lookups_under_way_end_with_the_loop(void **state)
{
    wherry_lookup_events events = { .resolved = resolved_none };
    asker *this = *state;
    wherry_lookup *lookups[3];

    this->server.answer = nothing;
    for (int i = 0; i < 3; i++)
        assert_int_equal(wherry_lookup_new(&lookups[i], .loop = this->loop, .name = "name.test.",
                                           .events = &events),
                         WHERRY_OK);
    assert_int_equal(wherry_loop_set_name_servers(this->loop, "127.0.0.1"), WHERRY_E_BUSY);
    wherry_lookup_free(lookups[1]);
    wherry_loop_free(this->loop);
    close_server(&this->server);
    wherry_lookup_free(lookups[0]);
    wherry_lookup_free(lookups[2]);
    assert_int_equal(wherry_loop_new(&this->loop, .memory = &this->memory.base), WHERRY_OK);
    open_server(this);
}

static void servers_are_checked(void **state)
{
    asker *this = *state;

    static const struct {
        const char *list;
        int code;
        const char *problem; /* NULL: it is taken */
    } cases[] = {
        { "127.0.0.1", WHERRY_OK, NULL },
        { "127.0.0.1:65535,[::1]:1,[::1]", WHERRY_OK, NULL },
        { "", WHERRY_E_INVALID, "at byte 0 of " },
        { "not an address", WHERRY_E_INVALID, "at byte 0 of " },
        { "127.0.0.1:65536", WHERRY_E_INVALID, "port 65536 is over 65535, at byte 14 of " },
        { "127.0.0.1,127.0.0.1:0", WHERRY_E_INVALID, "at byte 19 of " },
        { "127.0.0.1:+53", WHERRY_E_INVALID, "at byte 10 of " },
        { "127.0.0.1:053", WHERRY_E_INVALID, "at byte 10 of " },
        { "127.0.0.1:", WHERRY_E_INVALID, "at byte 10 of " },
        { "127.0.0.1 ", WHERRY_E_INVALID, "at byte 9 of " },
        { "127.0.0.1\n", WHERRY_E_INVALID, "at byte 9 of " },
        { "127.0.0.1, 127.0.0.2", WHERRY_E_INVALID, "at byte 10 of " },
        { "127.0.0.1,", WHERRY_E_INVALID, "a name server is missing, at byte 10 of " },
        { ",127.0.0.1", WHERRY_E_INVALID, "a name server is missing, at byte 0 of " },
        { "127.0.0.1.1", WHERRY_E_INVALID, "at byte 9 of " },
        { "127.0.0.256", WHERRY_E_INVALID, "at byte " },
        { "[::1", WHERRY_E_INVALID, "at byte 4 of " },
        { "[::1,127.0.0.1", WHERRY_E_INVALID, "at byte 4 of " },
        { "[::1]53", WHERRY_E_INVALID, "at byte 5 of " },
        { "::1", WHERRY_E_INVALID, "at byte 0 of " },
        { "[fe80::1%1]", WHERRY_E_INVALID, "at byte 0 of " },
    };
    char most[200] = "127.0.0.1";

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(wherry_loop_set_name_servers(this->loop, cases[i].list), cases[i].code);
        if (cases[i].problem != NULL && strstr(wherry_problem(), cases[i].problem) == NULL)
            fail_msg("\"%s\": %s", cases[i].list, wherry_problem());
    }
    for (int i = 1; i < 16; i++)
        strcat(most, ",127.0.0.1");
    assert_int_equal(wherry_loop_set_name_servers(this->loop, most), WHERRY_OK);
    strcat(most, ",127.0.0.1");
    assert_int_equal(wherry_loop_set_name_servers(this->loop, most), WHERRY_E_TOO_LARGE);
    assert_non_null(strstr(wherry_problem(), "more than 16 name servers, at byte 160 of "));
    assert_int_equal(wherry_loop_set_name_servers(this->loop, NULL), WHERRY_E_MISUSE);
    assert_int_equal(wherry_loop_set_name_servers(NULL, "127.0.0.1"), WHERRY_E_MISUSE);
}

static void each_allocation_may_fail(void **state)
{
    asker *this = *state;
    size_t before;
    size_t k = 0;

    assert_int_equal(resolve(this, plain), 4); /* the pools are filled */
    do {
        before = this->memory.failures;
        this->memory.fail_at = this->memory.calls + 2 + k++; /* the first is the task's */
        assert_true(resolve(this, plain) == 4 || this->result == WHERRY_E_NO_MEMORY ||
                    this->result == WHERRY_E_NO_ANSWER);
    } while (this->memory.failures > before);
    assert_in_range(k, 4, 100);
    assert_int_equal(this->result, 4);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(addresses_of_both_families),
        TEST(one_family_alone),
        TEST(failures_have_codes_of_their_own),
        TEST(a_server_that_is_not_there_cannot_tell),
        TEST(truncated_answers_are_asked_for_again_by_tcp),
        TEST(more_addresses_than_the_limit_are_refused),
        TEST(answers_to_other_questions_are_passed_over),
        TEST(answers_that_make_no_sense_do_no_harm),
        TEST(spoiled_answers_do_no_harm),
        TEST(a_deadline_passes_while_the_server_is_silent),
        TEST(the_loop_ends_when_nobody_waits_any_more),
        TEST(freeing_the_loop_ends_what_is_under_way),
        TEST(lookups_under_way_end_with_the_loop),
        TEST(servers_are_checked),
        TEST(each_allocation_may_fail),
    };

#ifndef WHERRY_CARES
    process_skip("this build has no c-ares");
#endif
    return cmocka_run_group_tests_name("resolver", tests, NULL, NULL);
}
