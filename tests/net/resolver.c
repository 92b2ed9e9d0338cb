/* Names through c-ares, asked of a name server of the test's own on loopback, over UDP and TCP,
 * that answers rightly, wrongly, not at all, or with what a hostile one would send. */
#include <wherry.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/asker.h"
#include "support/name_server.h"
#include "support/process.h"
#include "support/wire.h"

/* A loop with the server on it, and who asks. */
typedef struct resolving {
    asker asker;
    name_server server;
    size_t descriptors;
    int64_t duration; /* of the deadline */
} resolving;

static int set_up(void **state)
{
    resolving *this = calloc(1, sizeof(*this));

    assert_non_null(this);
    this->descriptors = wire_descriptors();
    asker_open(&this->asker, NULL, WHERRY_CLOCK_REAL);
    name_server_open(&this->server, this->asker.loop);
    this->asker.name = "name.test.";
    this->duration = WHERRY_SECONDS(60);
    *state = this;
    return 0;
}

static int tear_down(void **state)
{
    resolving *this = *state;

    name_server_close(&this->server);
    asker_close(&this->asker);
    assert_int_equal(wire_descriptors(), this->descriptors);
    free(this);
    return 0;
}

static int ask_and_stop(void *argument)
{
    resolving *this = argument;
    int result;

    this->asker.deadline = wherry_in(this->duration);
    result = asker_ask(&this->asker);
    wherry_loop_stop(this->asker.loop);
    return result;
}

static ssize_t resolve(resolving *this, name_answerer *how)
{
    this->server.answer = how;
    assert_int_equal(wherry_spawn(NULL, ask_and_stop, this, .loop = this->asker.loop), WHERRY_OK);
    assert_int_equal(wherry_loop_run(this->asker.loop), WHERRY_OK);
    return this->asker.result;
}

static void assert_address(const resolving *this, size_t index, const char *wanted)
{
    char text[WHERRY_ADDRESS_TEXT_SIZE];

    (void)wherry_address_format(&this->asker.addresses[index], text, sizeof(text));
    assert_string_equal(text, wanted);
}

/* --- answers */

static bool plain(name_server *self, name_reply *answer, bool tcp)
{
    (void)self;
    (void)tcp;
    name_reply_put_address(answer, 2);
    name_reply_put_address(answer, 1);
    return true;
}

static void addresses_of_both_families(void **state)
{
    resolving *this = *state;

    assert_int_equal(resolve(this, plain), 4);
    assert_int_equal(this->server.queries, 2);
    assert_address(this, 0, "[2001:db8::2]:0");
    assert_address(this, 1, "[2001:db8::1]:0");
    assert_address(this, 2, "10.0.0.2:0");
    assert_address(this, 3, "10.0.0.1:0");
}

static bool only_ipv4(name_server *self, name_reply *answer, bool tcp)
{
    (void)self;
    (void)tcp;
    if (answer->type == NAME_TYPE_A)
        name_reply_put_address(answer, 1);
    return true;
}

static void one_family_alone(void **state)
{
    resolving *this = *state;

    assert_int_equal(resolve(this, only_ipv4), 1);
    this->asker.family = WHERRY_FAMILY_IPV6;
    assert_int_equal(resolve(this, only_ipv4), WHERRY_E_NO_NAME);
    assert_non_null(
        strstr(this->asker.problem, "resolving name.test.: the name has no IPv6 address"));
}

static bool no_such_name(name_server *self, name_reply *answer, bool tcp)
{
    (void)self;
    (void)tcp;
    name_reply_set_code(answer, NAME_NO_SUCH_NAME);
    return true;
}

static bool failure(name_server *self, name_reply *answer, bool tcp)
{
    (void)self;
    (void)tcp;
    name_reply_set_code(answer, NAME_SERVER_FAILURE);
    return true;
}

static bool refusal(name_server *self, name_reply *answer, bool tcp)
{
    (void)self;
    (void)tcp;
    name_reply_set_code(answer, NAME_REFUSED);
    return true;
}

static void failures_have_codes_of_their_own(void **state)
{
    resolving *this = *state;

    assert_int_equal(resolve(this, no_such_name), WHERRY_E_NO_NAME);
    assert_non_null(strstr(this->asker.problem, "resolving name.test.: the name has no address"));
    assert_int_equal(resolve(this, failure), WHERRY_E_NO_ANSWER);
    assert_non_null(strstr(this->asker.problem, "resolving name.test.: "));
    assert_int_equal(resolve(this, refusal), WHERRY_E_NO_ANSWER);
}

static void a_server_that_is_not_there_cannot_tell(void **state)
{
    resolving *this = *state;

    assert_int_equal(wherry_loop_set_name_servers(this->asker.loop, "127.0.0.1:9"), WHERRY_OK);
    assert_int_equal(resolve(this, plain), WHERRY_E_NO_ANSWER);
    assert_int_equal(this->server.queries, 0);
}

/* --- long ones */

static bool truncated(name_server *self, name_reply *answer, bool tcp)
{
    (void)self;
    if (!tcp) {
        answer->bytes[2] |= 2; /* TC */
        return true;
    }
    for (unsigned i = 0; i < 300; i++)
        name_reply_put_address(answer, i);
    return true;
}

static void truncated_answers_are_asked_for_again_by_tcp(void **state)
{
    resolving *this = *state;

    assert_int_equal(resolve(this, truncated), 600);
    assert_int_equal(this->server.tcp_queries, 2);
    assert_address(this, 599, "10.0.1.43:0");
}

static bool huge(name_server *self, name_reply *answer, bool tcp)
{
    (void)self;
    if (!tcp)
        answer->bytes[2] |= 2;
    for (unsigned i = 0; tcp && answer->length + 28 < NAME_MESSAGE_MAX; i++)
        name_reply_put_address(answer, i);
    return true;
}

static void more_addresses_than_the_limit_are_refused(void **state)
{
    resolving *this = *state;

    assert_int_equal(resolve(this, huge), WHERRY_E_TOO_LARGE);
    assert_non_null(strstr(this->asker.problem, "more than 1024"));
}

/* --- wrong and hostile ones, each followed by the right one, or not */

static bool another_id_first(name_server *self, name_reply *answer, bool tcp)
{
    name_reply_put_address(answer, 66);
    answer->bytes[0] ^= 0xff;
    name_server_send(self, answer->bytes, answer->length);
    answer->bytes[0] ^= 0xff;
    answer->bytes[7] = 0;
    answer->length = NAME_HEADER + answer->question;
    return plain(self, answer, tcp);
}

static bool another_question_first(name_server *self, name_reply *answer, bool tcp)
{
    name_reply_put_address(answer, 66);
    answer->bytes[NAME_HEADER + 1] ^= 1;
    name_server_send(self, answer->bytes, answer->length);
    answer->bytes[NAME_HEADER + 1] ^= 1;
    answer->bytes[7] = 0;
    answer->length = NAME_HEADER + answer->question;
    return plain(self, answer, tcp);
}

static void answers_to_other_questions_are_passed_over(void **state)
{
    resolving *this = *state;

    assert_int_equal(resolve(this, another_id_first), 4);
    assert_address(this, 0, "[2001:db8::2]:0");
    assert_int_equal(resolve(this, another_question_first), 4);
    assert_address(this, 0, "[2001:db8::2]:0");
}

/* A name that points at itself. */
static bool compression_loop(name_server *self, name_reply *answer, bool tcp)
{
    size_t at = answer->length;

    (void)self;
    (void)tcp;
    name_reply_put_address(answer, 1);
    answer->bytes[at] = (uint8_t)(0xc0 | at >> 8);
    answer->bytes[at + 1] = (uint8_t)at;
    return true;
}

static bool alias_of_itself(name_server *self, name_reply *answer, bool tcp)
{
    (void)self;
    (void)tcp;
    for (int i = 0; i < 20; i++) {
        name_reply_put_record(answer, NAME_TYPE_CNAME, 2);
        name_reply_put16(answer, 0xc00c);
    }
    return true;
}

static bool cut_short(name_server *self, name_reply *answer, bool tcp)
{
    (void)self;
    (void)tcp;
    name_reply_put_address(answer, 1);
    answer->length -= 3;
    return true;
}

static bool more_records_than_there_are(name_server *self, name_reply *answer, bool tcp)
{
    (void)self;
    (void)tcp;
    name_reply_put_address(answer, 1);
    answer->bytes[6] = 0xff;
    return true;
}

static bool five_bytes(name_server *self, name_reply *answer, bool tcp)
{
    (void)self;
    (void)tcp;
    answer->length = 5;
    return true;
}

static bool nothing(name_server *self, name_reply *answer, bool tcp)
{
    (void)self;
    (void)answer;
    (void)tcp;
    return false;
}

/* An answer that cannot be read is none; one that is passed over is waited for. */
static void answers_that_make_no_sense_do_no_harm(void **state)
{
    static name_answerer *const hostile[] = { compression_loop, alias_of_itself,
                                              cut_short,        more_records_than_there_are,
                                              five_bytes,       nothing };
    resolving *this = *state;

    this->duration = WHERRY_MILLISECONDS(50);
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        resolve(this, hostile[i]);
        if (this->asker.result != WHERRY_E_NO_ANSWER && this->asker.result != WHERRY_E_NO_NAME &&
            this->asker.result != WHERRY_E_TIMED_OUT)
            fail_msg("hostile answer %zu: %zd, %s", i, this->asker.result, this->asker.problem);
    }
    this->duration = WHERRY_SECONDS(60);
    assert_int_equal(resolve(this, plain), 4);
}

static bool mutated(name_server *self, name_reply *answer, bool tcp)
{
    static name_reply spoiled;

    (void)plain(self, answer, tcp);
    spoiled = *answer;
    for (int i = 0; i < 4; i++) {
        self->seed = self->seed * 1103515245u + 12345u;
        spoiled.bytes[2 + (self->seed >> 16) % (spoiled.length - 2)] = (uint8_t)(self->seed >> 8);
    }
    name_server_send(self, spoiled.bytes, spoiled.length - (self->seed >> 20) % 8);
    return true;
}

static void spoiled_answers_do_no_harm(void **state)
{
    resolving *this = *state;

    for (unsigned i = 0; i < 300; i++) {
        this->server.seed = i;
        (void)resolve(this, mutated);
    }
    assert_int_equal(resolve(this, plain), 4);
}

/* --- the end */

static void a_deadline_passes_while_the_server_is_silent(void **state)
{
    resolving *this = *state;

    this->duration = WHERRY_MILLISECONDS(20);
    assert_int_equal(resolve(this, nothing), WHERRY_E_TIMED_OUT);
    assert_int_equal(wherry_loop_set_name_servers(this->asker.loop, "127.0.0.1"), WHERRY_OK);
}

static void the_loop_ends_when_nobody_waits_any_more(void **state)
{
    wherry_loop_statistics statistics;
    resolving *this = *state;

    this->duration = WHERRY_MILLISECONDS(1);
    assert_int_equal(resolve(this, nothing), WHERRY_E_TIMED_OUT);
    wherry_watch_free(this->server.udp_watch);
    wherry_watch_free(this->server.tcp_watch);
    this->server.udp_watch = this->server.tcp_watch = NULL;
    assert_true(wherry_loop_step(this->asker.loop) >= 0);
    /* c-ares itself would go on for 5 s */
    wherry_loop_statistics_read(this->asker.loop, &statistics);
    assert_int_equal(statistics.watched, 0);
    assert_int_equal(statistics.deadlines, 0);
    assert_int_equal(wherry_loop_run(this->asker.loop), WHERRY_OK);
}

static int ask_and_be_canceled(void *argument)
{
    resolving *this = argument;
    ssize_t result = wherry_resolve(this->asker.addresses, ASKER_ROOM, this->asker.name,
                                    WHERRY_NEVER);

    assert_int_equal(result, WHERRY_E_CANCELED);
    return (int)result;
}

static void freeing_the_loop_ends_what_is_under_way(void **state)
{
    resolving *this = *state;

    this->server.answer = nothing;
    for (int i = 0; i < 3; i++)
        assert_int_equal(wherry_spawn(NULL, ask_and_be_canceled, this, .loop = this->asker.loop),
                         WHERRY_OK);
    while (this->server.queries < 2) {
        (void)wherry_loop_prepare(this->asker.loop);
        assert_true(wherry_loop_wait(this->asker.loop, wherry_in(WHERRY_SECONDS(60))) >= 0);
        assert_true(wherry_loop_dispatch(this->asker.loop) >= 0);
    }
    wherry_loop_free(this->asker.loop);
    name_server_close(&this->server);
    assert_int_equal(wherry_loop_new(&this->asker.loop, .memory = &this->asker.memory.base),
                     WHERRY_OK);
    name_server_open(&this->server, this->asker.loop);
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
    resolving *this = *state;
    wherry_lookup *lookups[3];

    this->server.answer = nothing;
    for (int i = 0; i < 3; i++)
        assert_int_equal(wherry_lookup_new(&lookups[i], .loop = this->asker.loop,
                                           .name = "name.test.", .events = &events),
                         WHERRY_OK);
    assert_int_equal(wherry_loop_set_name_servers(this->asker.loop, "127.0.0.1"), WHERRY_E_BUSY);
    wherry_lookup_free(lookups[1]);
    wherry_loop_free(this->asker.loop);
    name_server_close(&this->server);
    wherry_lookup_free(lookups[0]);
    wherry_lookup_free(lookups[2]);
    assert_int_equal(wherry_loop_new(&this->asker.loop, .memory = &this->asker.memory.base),
                     WHERRY_OK);
    name_server_open(&this->server, this->asker.loop);
}

static void each_allocation_may_fail(void **state)
{
    resolving *this = *state;
    size_t before;
    size_t k = 0;

    assert_int_equal(resolve(this, plain), 4); /* the pools are filled */
    do {
        before = this->asker.memory.failures;
        /* the first is the task's */
        this->asker.memory.fail_at = this->asker.memory.calls + 2 + k++;
        assert_true(resolve(this, plain) == 4 || this->asker.result == WHERRY_E_NO_MEMORY ||
                    this->asker.result == WHERRY_E_NO_ANSWER);
    } while (this->asker.memory.failures > before);
    assert_in_range(k, 4, 100);
    assert_int_equal(this->asker.result, 4);
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
        TEST(each_allocation_may_fail),
    };

#ifndef WHERRY_CARES
    process_skip("this build has no c-ares");
#endif
    return cmocka_run_group_tests_name("resolver", tests, NULL, NULL);
}
