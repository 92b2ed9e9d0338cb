/* Lookups: a callback is told once what became of a name. What it is told is tested in resolve.c,
 * on coroutines. */
#include <wherry.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/asker.h"
#include "support/names.h"

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
    asker_step(this);
    assert_int_equal(told.calls, 1);
    assert_int_equal(told.result, 2);
    wherry_lookup_free(lookup);
    told.frees = true;
    assert_int_equal(
        wherry_lookup_new(&lookup, .loop = this->loop, .name = "gone", .events = &told.events),
        WHERRY_OK);
    names_fail(AF_INET6, -ENOENT);
    names_fail(AF_INET, -ENOENT);
    asker_step(this);
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
    asker_step(this);
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
    asker_begin(this, "a");
    asker_assert_failed(this, WHERRY_E_MISUSE, "no place");
    assert_int_equal(names.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NAMES_TEST(callbacks_are_told_once_and_later),
        NAMES_TEST(a_lookup_keeps_the_loop_running_until_its_deadline),
        NAMES_TEST(a_freed_lookup_is_told_of_nothing),
        NAMES_TEST(a_lookup_may_outlive_its_loop),
        NAMES_TEST(misuse),
    };

    return cmocka_run_group_tests_name("lookup", tests, NULL, NULL);
}
