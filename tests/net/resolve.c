/* Resolving on a coroutine: what is asked, how the answers of both families are put together, and
 * the end at any time. How a system that answers wrongly is borne is tested in question.c, c-ares
 * in resolver.c. */
#include <wherry.h>

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/asker.h"
#include "support/names.h"

static void answer_many(int count)
{
    names_question *asked = names_find(AF_INET);

    for (int i = 0; i < count; i++) {
        struct sockaddr_in *v4 = (void *)&asked->addresses[i];

        *v4 = (struct sockaddr_in){ .sin_family = AF_INET };
        v4->sin_addr.s_addr = htonl(0x0a000000U + (uint32_t)i);
    }
    asked->result = count;
    asked->ready = true;
}

/* --- answers */

static void families_are_put_together_ipv6_first(void **state)
{
    asker *this = *state;

    asker_begin(this, "Example.org.");
    assert_int_equal(names.count, 2);
    assert_string_equal(names.questions[0].name, "Example.org.");
    names_answer(AF_INET, "10.0.0.9 10.0.0.1");
    asker_step(this);
    assert_int_equal(this->result, ASKER_WAITS);
    names_answer(AF_INET6, "fd00::9 fd00::1");
    asker_assert_found(this, "[fd00::9]:0 [fd00::1]:0 10.0.0.9:0 10.0.0.1:0");
}

static void each_is_told_once_in_order(void **state)
{
    asker *this = *state;

    asker_begin(this, "a");
    names_answer(AF_INET6, "");
    names_answer(AF_INET, "10.0.0.2 10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.1");
    asker_assert_found(this, "10.0.0.2:0 10.0.0.1:0 10.0.0.3:0");
}

static void addresses_of_another_family_are_left_out(void **state)
{
    asker *this = *state;

    asker_begin(this, "a");
    names_answer(AF_INET6, "10.0.0.1 fd00::1");
    names_answer(AF_INET, "fd00::2");
    asker_assert_found(this, "[fd00::1]:0");
}

static void one_family_is_asked_for_alone(void **state)
{
    asker *this = *state;

    this->family = WHERRY_FAMILY_IPV4;
    asker_begin(this, "a");
    assert_int_equal(names.count, 1);
    names_answer(AF_INET, "10.0.0.1");
    asker_assert_found(this, "10.0.0.1:0");
    asker_begin(this, "a");
    names_answer(AF_INET, "");
    asker_assert_failed(this, WHERRY_E_NO_NAME, "resolving a: the name has no IPv4 address");
    this->family = WHERRY_FAMILY_IPV6;
    asker_begin(this, "127.0.0.1");
    asker_assert_failed(this, WHERRY_E_NO_NAME, "no IPv6 address");
}

static void many_addresses_are_all_told(void **state)
{
    asker *this = *state;

    asker_begin(this, "many");
    names_answer(AF_INET6, "fd00::1");
    answer_many(300);
    asker_step(this);
    assert_int_equal(this->result, 301);
    assert_int_equal(this->addresses[300].at.ipv4[3], 299 % 256);
    asker_begin(this, "many");
    names_answer(AF_INET6, "");
    answer_many(WHERRY_RESOLVE_ADDRESSES_MAX);
    asker_step(this);
    assert_int_equal(this->result, WHERRY_RESOLVE_ADDRESSES_MAX);
    asker_begin(this, "many");
    names_answer(AF_INET6, "");
    answer_many(WHERRY_RESOLVE_ADDRESSES_MAX + 1);
    asker_assert_failed(this, WHERRY_E_TOO_LARGE, "more than 1024");
}

static void room_must_suffice(void **state)
{
    asker *this = *state;

    this->room = 2;
    asker_begin(this, "a");
    names_answer(AF_INET6, "fd00::1");
    names_answer(AF_INET, "10.0.0.1");
    asker_assert_found(this, "[fd00::1]:0 10.0.0.1:0");
    asker_begin(this, "a");
    names_answer(AF_INET6, "fd00::1");
    names_answer(AF_INET, "10.0.0.1 10.0.0.2");
    asker_assert_failed(this, WHERRY_E_TOO_LARGE, "3 addresses, and room for 2");
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
        asker_begin(this, "a.b");
        names_fail(AF_INET6, cases[i].ipv6);
        names_fail(AF_INET, cases[i].ipv4);
        asker_assert_failed(this, cases[i].code, cases[i].part);
    }
}

static void one_family_that_answers_is_enough(void **state)
{
    asker *this = *state;

    asker_begin(this, "a");
    names_fail(AF_INET6, -EAGAIN);
    names_answer(AF_INET, "10.0.0.1");
    asker_assert_found(this, "10.0.0.1:0");
    asker_begin(this, "a");
    names_fail(AF_INET, -ENOENT);
    names_answer(AF_INET6, "fd00::1");
    asker_assert_found(this, "[fd00::1]:0");
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
        asker_begin(this, cases[i][0]);
        asker_assert_found(this, cases[i][1]);
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
        asker_begin(this, cases[i].name);
        asker_assert_failed(this, WHERRY_E_INVALID, place);
    }
    asker_begin(this, "");
    asker_assert_failed(this, WHERRY_E_INVALID, "empty");
    for (size_t length = 254; length <= 70000; length = length == 256 ? 70000 : length + 1) {
        memset(longest, 'a', length);
        longest[length] = '\0';
        asker_begin(this, longest);
        asker_assert_failed(this, WHERRY_E_INVALID, "longer than 253 bytes, at byte 0 of");
        memset(longest, ':', length);
        asker_begin(this, longest);
        asker_assert_failed(this, WHERRY_E_INVALID, "at byte");
    }
    assert_int_equal(names.count, 0);
}

/* --- the end */

static void a_deadline_withdraws_both_questions(void **state)
{
    asker *this = *state;

    this->deadline = wherry_loop_now(this->loop) + WHERRY_SECONDS(1);
    asker_begin(this, "a");
    names_answer(AF_INET, "10.0.0.1");
    assert_int_equal(wherry_loop_run(this->loop), WHERRY_OK);
    assert_int_equal(this->result, WHERRY_E_TIMED_OUT);
    assert_int_equal(this->took, WHERRY_SECONDS(1));
    assert_int_equal(names.canceled, 1);
    this->deadline = WHERRY_NOW;
    asker_begin(this, "a");
    assert_int_equal(this->result, WHERRY_E_WOULD_BLOCK);
    assert_int_equal(names.canceled, 3);
}

static void cancelation_withdraws_both_questions(void **state)
{
    asker *this = *state;

    asker_begin(this, "a");
    wherry_task_cancel(this->task);
    asker_step(this);
    assert_int_equal(this->result, WHERRY_E_CANCELED);
    assert_int_equal(names.canceled, 2);
}

static void freeing_the_loop_ends_it(void **state)
{
    asker *this = *state;

    asker_begin(this, "a");
    wherry_loop_free(this->loop);
    this->loop = NULL;
    assert_int_equal(this->result, WHERRY_E_CANCELED);
    assert_int_equal(names.canceled, 2);
}

/* --- want of memory */

static void each_allocation_may_fail(void **state)
{
    asker *this = *state;
    bool done = false;

    for (size_t k = 1; !done; k++) {
        names.count = 0;
        this->fail_after = k;
        asker_begin(this, "a");
        if (this->result == ASKER_WAITS) {
            names_answer(AF_INET6, "fd00::1 fd00::2 fd00::3 fd00::4 fd00::5");
            names_answer(AF_INET, "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5");
        }
        asker_step(this);
        done = this->memory.calls < this->memory.fail_at;
        if (!done && this->result != 10)
            assert_int_equal(this->result, WHERRY_E_NO_MEMORY);
        if (done)
            assert_int_equal(this->result, 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NAMES_TEST(families_are_put_together_ipv6_first),
        NAMES_TEST(each_is_told_once_in_order),
        NAMES_TEST(addresses_of_another_family_are_left_out),
        NAMES_TEST(one_family_is_asked_for_alone),
        NAMES_TEST(many_addresses_are_all_told),
        NAMES_TEST(room_must_suffice),
        NAMES_TEST(failures_say_what_is_known),
        NAMES_TEST(one_family_that_answers_is_enough),
        NAMES_TEST(numbers_and_localhost_ask_nobody),
        NAMES_TEST(bad_names_are_refused_with_the_position),
        NAMES_TEST(a_deadline_withdraws_both_questions),
        NAMES_TEST(cancelation_withdraws_both_questions),
        NAMES_TEST(freeing_the_loop_ends_it),
        NAMES_TEST(each_allocation_may_fail),
    };

    return cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
}
