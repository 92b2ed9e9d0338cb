#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "base/memory.h"
#include "support/simulated.h"

#define NOT_ANSWERED 12345

/* What a link takes there and back. */
#define ROUND_TRIP WHERRY_MILLISECONDS(1)

typedef struct answer {
    wherry_resolution base; /* first */
    int result;
    char text[256]; /* the addresses, separated by spaces */
    size_t calls;
    int64_t time;
    simulated *world;
} answer;

static const char *text_of(const struct sockaddr_storage *address, char *text, socklen_t size)
{
    const struct sockaddr_in *v4 = (const void *)address;
    const struct sockaddr_in6 *v6 = (const void *)address;

    if (address->ss_family == AF_INET)
        return inet_ntop(AF_INET, &v4->sin_addr, text, size);
    return inet_ntop(AF_INET6, &v6->sin6_addr, text, size);
}

static void note(wherry_resolution *self, int result, const struct sockaddr_storage *addresses)
{
    answer *mine = (answer *)self;
    char text[INET6_ADDRSTRLEN];

    mine->calls++;
    mine->result = result;
    mine->time = wherry_simulation_now(mine->world->world);
    for (int i = 0; i < result; i++) {
        const size_t length = strlen(mine->text);

        (void)snprintf(mine->text + length, sizeof(mine->text) - length, "%s%s", i > 0 ? " " : "",
                       text_of(&addresses[i], text, sizeof(text)));
    }
}

static void ask(simulated *self, wherry_poller *poller, const char *name, int family, answer *mine)
{
    *mine = (answer){ .base.done = note, .result = NOT_ANSWERED, .world = self };
    assert_int_equal(self->here->resolve(self->here, poller, name, family, &mine->base), 0);
}

static wherry_poller *open_poller(simulated *self)
{
    wherry_poller *poller;

    assert_int_equal(self->here->open_poller(self->here, wherry__memory_default(), &poller), 0);
    return poller;
}

static void wait_until(simulated *self, wherry_poller *poller, int64_t until)
{
    wherry_ready ready;

    assert_int_equal(self->here->wait(self->here, poller, until, &ready, 1), 0);
}

/* Waits for the answer for ten seconds of the world. */
static answer resolve(simulated *self, const char *name, int family)
{
    wherry_poller *poller = open_poller(self);
    answer mine;
    const int64_t began = wherry_simulation_now(self->world);

    ask(self, poller, name, family, &mine);
    assert_int_equal(mine.calls, 0);
    wait_until(self, poller, self->here->monotonic(self->here) + WHERRY_SECONDS(10));
    mine.time -= began;
    self->here->close_poller(self->here, poller);
    return mine;
}

static void expect(simulated *self, const char *name, int family, const char *addresses)
{
    const answer mine = resolve(self, name, family);

    assert_int_equal(mine.calls, 1);
    assert_true(mine.result >= 0);
    assert_string_equal(mine.text, addresses);
}

/* --- what there is */

static void numeric_names_are_themselves(void **state)
{
    simulated *self = *state;

    expect(self, "10.1.2.3", AF_UNSPEC, "10.1.2.3");
    expect(self, "fd00::7", AF_UNSPEC, "fd00::7");
    expect(self, "10.1.2.3", AF_INET6, "");
    assert_int_equal(resolve(self, "10.1.2.3", AF_INET).time, 0);
}

static void localhost_is_the_host_itself(void **state)
{
    simulated *self = *state;

    expect(self, "localhost", AF_UNSPEC, "127.0.0.1 ::1");
    expect(self, "LocalHost", AF_INET6, "::1");
}

static void hosts_are_found_by_name(void **state)
{
    simulated *self = *state;

    assert_int_equal(
        wherry_simulation_host(self->world, "10.0.0.3 fd00::3 10.0.0.4", .name = "server"),
        WHERRY_OK);
    expect(self, "server", AF_UNSPEC, "10.0.0.3 fd00::3 10.0.0.4");
    expect(self, "SERVER.", AF_INET, "10.0.0.3 10.0.0.4");
    assert_int_equal(resolve(self, "server", AF_INET).time, ROUND_TRIP);
}

static void unknown_names_are_told(void **state)
{
    simulated *self = *state;

    assert_int_equal(resolve(self, "nobody", AF_UNSPEC).result, -ENOENT);
}

static void table_goes_before_hosts_and_changes(void **state)
{
    simulated *self = *state;

    assert_int_equal(wherry_simulation_host(self->world, "10.0.0.3", .name = "server"), WHERRY_OK);
    assert_int_equal(wherry_simulation_name(self->world, "Server.", "10.9.9.9 fd00::9"), WHERRY_OK);
    expect(self, "server", AF_UNSPEC, "10.9.9.9 fd00::9");
    assert_int_equal(wherry_simulation_name(self->world, "server", "10.9.9.8"), WHERRY_OK);
    expect(self, "server", AF_UNSPEC, "10.9.9.8");
    assert_int_equal(wherry_simulation_name(self->world, "server", ""), WHERRY_OK);
    expect(self, "server", AF_UNSPEC, "");
    assert_int_equal(wherry_simulation_name(self->world, "server", NULL), WHERRY_OK);
    expect(self, "server", AF_UNSPEC, "10.0.0.3");
    assert_int_equal(wherry_simulation_name(self->world, "server", NULL), WHERRY_OK);
}

static void names_have_a_form(void **state)
{
    simulated *self = *state;
    wherry_poller *poller = open_poller(self);
    answer mine = { .base.done = note };
    char label[65], name[256];
    const char *const wrong[] = { "",   ".",  "a..b", ".a",       "a b", "a/b",
                                  "\n", "a-", "a.1",  "\xc3\xa4", label };

    memset(label, 'x', 64);
    label[64] = '\0';
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(self->here->resolve(self->here, poller, wrong[i], AF_UNSPEC, &mine.base),
                         -EINVAL);
        assert_int_equal(wherry_simulation_name(self->world, wrong[i], "10.0.0.9"),
                         WHERRY_E_INVALID);
    }
    assert_int_equal(wherry_simulation_name(self->world, label + 1, "10.0.0.9"), WHERRY_OK);
    for (size_t i = 0; i < 254; i++)
        name[i] = i % 2 == 0 ? 'a' : '.';
    name[253] = '\0';
    assert_int_equal(wherry_simulation_name(self->world, name, "10.0.0.9"), WHERRY_OK);
    memcpy(name + 252, "aa", 3);
    assert_int_equal(wherry_simulation_name(self->world, name, "10.0.0.9"), WHERRY_E_INVALID);
    assert_int_equal(self->here->resolve(self->here, poller, "a", AF_UNIX, &mine.base), -EINVAL);
    self->here->close_poller(self->here, poller);
}

static void entries_are_checked(void **state)
{
    simulated *self = *state;

    assert_int_equal(wherry_simulation_name(self->world, "a", "10.0.0.9 b"), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_name(self->world, "10.0.0.9", "10.0.0.9"), WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_name(self->world, "localhost.", "10.0.0.9"),
                     WHERRY_E_INVALID);
    assert_non_null(strstr(wherry_problem(), "localhost"));
    assert_int_equal(wherry_simulation_name(self->world, "a\tb", "10.0.0.9"), WHERRY_E_INVALID);
    assert_non_null(strstr(wherry_problem(), "at byte 1 of \"a\\tb\""));
    assert_int_equal(wherry_simulation_name(self->world, "a", "10.0.0.9", .delay = -1),
                     WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_name(self->world, "a", "10.0.0.9", .failure = 1),
                     WHERRY_E_INVALID);
    assert_int_equal(wherry_simulation_name(self->world, NULL, "10.0.0.9"), WHERRY_E_MISUSE);
    assert_int_equal(wherry_simulation_name(NULL, "a", "10.0.0.9"), WHERRY_E_MISUSE);
    assert_int_equal(resolve(self, "a", AF_UNSPEC).result, -ENOENT);
}

/* --- when and whether */

static void answers_come_when_they_are_to(void **state)
{
    simulated *self = *state;
    wherry_poller *poller = open_poller(self);
    const int64_t now = self->here->monotonic(self->here);
    answer mine;

    assert_int_equal(
        wherry_simulation_name(self->world, "slow", "10.0.0.9", .delay = WHERRY_SECONDS(2)),
        WHERRY_OK);
    ask(self, poller, "slow", AF_UNSPEC, &mine);
    wait_until(self, poller, now + WHERRY_SECONDS(2) - 1);
    assert_int_equal(mine.calls, 0);
    wait_until(self, poller, now + WHERRY_SECONDS(2));
    assert_int_equal(mine.calls, 1);
    assert_string_equal(mine.text, "10.0.0.9");
    self->here->close_poller(self->here, poller);
}

static void failures_are_the_answers_given(void **state)
{
    simulated *self = *state;

    assert_int_equal(wherry_simulation_name(self->world, "bad", "10.0.0.9", .failure = -ETIMEDOUT),
                     WHERRY_OK);
    assert_int_equal(resolve(self, "bad", AF_UNSPEC).result, -ETIMEDOUT);
}

static void some_answers_never_come(void **state)
{
    simulated *self = *state;

    assert_int_equal(
        wherry_simulation_name(self->world, "never", "10.0.0.9", .delay = WHERRY_NEVER), WHERRY_OK);
    assert_int_equal(resolve(self, "never", AF_UNSPEC).calls, 0);
}

static void questions_under_way_do_not_see_changes(void **state)
{
    simulated *self = *state;
    wherry_poller *poller = open_poller(self);
    answer mine;

    assert_int_equal(wherry_simulation_name(self->world, "a", "10.0.0.8"), WHERRY_OK);
    ask(self, poller, "a", AF_UNSPEC, &mine);
    assert_int_equal(wherry_simulation_name(self->world, "a", "10.0.0.9"), WHERRY_OK);
    wait_until(self, poller, self->here->monotonic(self->here) + ROUND_TRIP);
    assert_string_equal(mine.text, "10.0.0.8");
    self->here->close_poller(self->here, poller);
}

static void canceled_questions_are_not_answered(void **state)
{
    simulated *self = *state;
    wherry_poller *poller = open_poller(self);
    answer table, numeric, done;

    ask(self, poller, "nobody", AF_UNSPEC, &table);
    ask(self, poller, "10.0.0.9", AF_UNSPEC, &numeric);
    ask(self, poller, "localhost", AF_UNSPEC, &done);
    self->here->resolve_cancel(self->here, &table.base);
    self->here->resolve_cancel(self->here, &numeric.base);
    wait_until(self, poller, self->here->monotonic(self->here) + WHERRY_SECONDS(1));
    assert_int_equal(table.calls, 0);
    assert_int_equal(numeric.calls, 0);
    assert_int_equal(done.calls, 1);
    self->here->resolve_cancel(self->here, &done.base);
    self->here->close_poller(self->here, poller);
}

static void closing_a_poller_drops_its_questions(void **state)
{
    simulated *self = *state;
    wherry_poller *poller = open_poller(self);
    answer first, second;

    ask(self, poller, "nobody", AF_UNSPEC, &first);
    ask(self, poller, "localhost", AF_UNSPEC, &second);
    self->here->close_poller(self->here, poller);
    simulated_settle(self);
    assert_int_equal(first.calls + second.calls, 0);
}

/* A done that asks the next question. */
typedef struct chain {
    answer base; /* first */
    wherry_poller *poller;
    answer next;
} chain;

static void ask_next(wherry_resolution *self, int result, const struct sockaddr_storage *addresses)
{
    chain *mine = (chain *)self;

    (void)addresses;
    mine->base.result = result;
    ask(mine->base.world, mine->poller, "localhost", AF_INET, &mine->next);
}

static void answers_may_ask_again(void **state)
{
    simulated *self = *state;
    chain mine = { .base = { .base.done = ask_next, .world = self } };

    mine.poller = open_poller(self);
    assert_int_equal(
        self->here->resolve(self->here, mine.poller, "localhost", AF_INET, &mine.base.base), 0);
    wait_until(self, mine.poller, self->here->monotonic(self->here) + WHERRY_SECONDS(1));
    assert_int_equal(mine.base.result, 1);
    assert_string_equal(mine.next.text, "127.0.0.1");
    self->here->close_poller(self->here, mine.poller);
}

static void faults_make_answers_late_wrong_and_empty(void **state)
{
    simulated self;
    void *itself = &self;
    wherry_simulation_options options = { .seed = 7 };
    size_t late = 0, again = 0, silent = 0, empty = 0;

    (void)state;
    options.faults.millionths[WHERRY_FAULT_NAME] = 1000000;
    simulated_open_with(&self, &options, NULL);
    assert_int_equal(wherry_simulation_name(self.world, "a", "10.0.0.9"), WHERRY_OK);
    for (int i = 0; i < 60; i++) {
        const answer mine = resolve(&self, "a", AF_UNSPEC);

        late += mine.result == 1 && mine.time > ROUND_TRIP;
        again += mine.result == -EAGAIN;
        silent += mine.result == -ETIMEDOUT && mine.time == WHERRY_SECONDS(5);
        empty += mine.result == 0;
        assert_true(mine.calls == 1 || mine.result == NOT_ANSWERED);
    }
    assert_true(late > 0 && again > 0 && silent > 0 && empty > 0);
    expect(&self, "localhost", AF_INET, "127.0.0.1");
    simulated_close(&itself);
}

static void lack_of_memory_is_told(void **state)
{
    simulated *self = *state;
    wherry_poller *poller = open_poller(self);
    answer mine = { .base.done = note };

    self->memory.fail_at = self->memory.calls + 1;
    self->memory.is_persistent = true;
    assert_int_equal(self->here->resolve(self->here, poller, "a", AF_UNSPEC, &mine.base), -ENOMEM);
    assert_int_equal(wherry_simulation_name(self->world, "a", "10.0.0.9"), WHERRY_E_NO_MEMORY);
    self->memory.fail_at = 0;
    self->here->close_poller(self->here, poller);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, simulated_open, simulated_close)
    const struct CMUnitTest tests[] = {
        CASE(numeric_names_are_themselves),
        CASE(localhost_is_the_host_itself),
        CASE(hosts_are_found_by_name),
        CASE(unknown_names_are_told),
        CASE(table_goes_before_hosts_and_changes),
        CASE(names_have_a_form),
        CASE(entries_are_checked),
        CASE(answers_come_when_they_are_to),
        CASE(failures_are_the_answers_given),
        CASE(some_answers_never_come),
        CASE(questions_under_way_do_not_see_changes),
        CASE(canceled_questions_are_not_answered),
        CASE(closing_a_poller_drops_its_questions),
        CASE(answers_may_ask_again),
        cmocka_unit_test(faults_make_answers_late_wrong_and_empty),
        CASE(lack_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
