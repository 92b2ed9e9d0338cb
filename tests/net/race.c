/* Races to connect, in simulated worlds: every order of addresses that refuse, hang, cannot be
 * reached, answer late or accept, against a model of RFC 8305; options; and cancelation at each
 * moment. Names that are answered late or not at all are tested in race_names.c. */
#include <wherry.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/race_world.h"

#define HANGS INT64_MAX

/* --- the model */

typedef struct outcome {
    int64_t end;
    bool connects;
} outcome;

static outcome outcome_of(behaviour does, int64_t begun, int64_t nobody)
{
    switch (does) {
    case ACCEPTS:
        return (outcome){ begun + ROUND_TRIP, true };
    case REFUSES:
        return (outcome){ begun + ROUND_TRIP, false };
    case LATE:
        return (outcome){ begun + 2 * LATENCY, true };
    case NOBODY:
        return (outcome){ begun + nobody, false };
    default:
        return (outcome){ HANGS, false };
    }
}

/* Plays a race over count behaviours in the order in which they are tried. Returns which wins, or
 * -1, and at *end when it is over. */
static int play(const behaviour *order, size_t count, int64_t nobody, int64_t *end)
{
    outcome running[RACE_ADDRESSES_MAX];
    size_t begun = 0;
    int64_t now = 0, next = 0;

    for (;;) {
        size_t first = 0;

        while (begun < count && next <= now) {
            running[begun] = outcome_of(order[begun], now, nobody);
            begun++;
            next = now + 250 * MS;
        }
        for (size_t i = 1; i < begun; i++)
            if (running[i].end < running[first].end)
                first = i;
        *end = now = begun < count && next < running[first].end ? next : running[first].end;
        if (now == HANGS)
            return -1;
        if (now != running[first].end)
            continue;
        if (running[first].connects)
            return (int)first;
        running[first].end = HANGS;
        next = now;
    }
}

/* The order in which addresses are tried: families take turns, IPv6 first. */
static size_t interleave(const race_world *this, size_t *order)
{
    size_t count = 0;
    size_t at[2] = { 0, 0 };

    for (int turn = 0; count < this->count; turn = !turn) {
        while (at[turn] < this->count && (strchr(this->addresses[at[turn]], ':') != NULL) == turn)
            at[turn]++;
        if (at[turn] < this->count)
            order[count++] = at[turn]++;
    }
    return count;
}

/* One that hangs is still waited for at the deadline. */
static int code_of(const race_world *this)
{
    bool hangs = false, refuses = false;

    for (size_t i = 0; i < this->count; i++) {
        hangs = hangs || this->behaviours[i] == HANGS_ON;
        refuses = refuses || this->behaviours[i] == REFUSES;
    }
    return hangs ? WHERRY_E_TIMED_OUT : refuses ? WHERRY_E_REFUSED : WHERRY_E_UNREACHABLE;
}

/* How long the system tries to reach an address that nobody has. */
static int64_t time_of_nobody(void)
{
    static int64_t time;
    race_world this;

    if (time > 0)
        return time;
    race_world_open(&this, DIALER);
    this.dial.endpoint = "tcp://10.0.9.9:7000";
    race_world_run(&this, race_dial_connect, &this.dial);
    assert_int_equal(this.dial.result, WHERRY_E_UNREACHABLE);
    time = this.dial.took;
    race_world_close(&this);
    return time;
}

static void assert_as_modelled(race_world *this, const char *what)
{
    size_t order[RACE_ADDRESSES_MAX];
    behaviour tried[RACE_ADDRESSES_MAX];
    char text[WHERRY_ADDRESS_TEXT_SIZE];
    int wanted = WHERRY_OK;
    int64_t end;
    int winner;

    interleave(this, order);
    for (size_t i = 0; i < this->count; i++)
        tried[i] = this->behaviours[order[i]];
    winner = play(tried, this->count, time_of_nobody(), &end);
    if (winner < 0)
        wanted = code_of(this);
    if (this->dial.result != wanted)
        fail_msg("%s: %s, not %s: %s", what, wherry_error_name(this->dial.result),
                 wherry_error_name(wanted), this->dial.problem);
    if (winner < 0)
        return;
    (void)wherry_address_format(&this->dial.remote, text, sizeof(text));
    if (strstr(text, this->addresses[order[winner]]) == NULL)
        fail_msg("%s: %s won, not %s", what, text, this->addresses[order[winner]]);
    if (this->dial.took < end || this->dial.took > end + 2 * ROUND_TRIP)
        fail_msg("%s: it took %lld us, not %lld", what, (long long)this->dial.took / 1000,
                 (long long)end / 1000);
}

/* --- all orders */

/* The behaviours are the digits of number. */
static void assert_world(size_t count, unsigned families, unsigned number)
{
    const unsigned all = number;
    char what[80];
    race_world this;

    race_world_open(&this, DIALER);
    for (size_t i = 0; i < count; i++, number /= BEHAVIOURS)
        race_world_add(&this, (families >> i & 1) != 0, (behaviour)(number % BEHAVIOURS));
    race_world_name(&this);
    race_world_run(&this, race_dial_connect, &this.dial);
    (void)snprintf(what, sizeof(what), "addresses %zu, families %u, behaviours %u", count, families,
                   all);
    assert_as_modelled(&this, what);
    race_world_close(&this);
}

static void all_orders_of_two_and_three(void **state)
{
    (void)state;
    for (size_t count = 1; count <= 3; count++) {
        unsigned numbers = 1;

        for (size_t i = 0; i < count; i++)
            numbers *= BEHAVIOURS;
        for (unsigned families = 0; families < 1u << count; families++)
            for (unsigned number = 0; number < numbers; number++)
                assert_world(count, families, number);
    }
}

static void all_orders_of_two_addresses_each(void **state)
{
    (void)state;
    for (unsigned number = 0; number < BEHAVIOURS * BEHAVIOURS * BEHAVIOURS * BEHAVIOURS; number++)
        assert_world(4, 5, number);
}

/* --- options */

static void the_first_family_can_be_chosen(void **state)
{
    (void)state;
    for (int ipv4 = 0; ipv4 < 2; ipv4++) {
        race_world this;

        race_world_open(&this, DIALER);
        race_world_add(&this, false, ACCEPTS);
        race_world_add(&this, true, ACCEPTS);
        race_world_name(&this);
        this.dial.options.first = ipv4 ? WHERRY_FAMILY_IPV4 : WHERRY_FAMILY_NONE;
        race_world_run(&this, race_dial_connect, &this.dial);
        assert_int_equal(this.dial.remote.family, ipv4 ? WHERRY_FAMILY_IPV4 : WHERRY_FAMILY_IPV6);
        race_world_close(&this);
    }
}

static void one_family_alone(void **state)
{
    race_world this;

    (void)state;
    race_world_open(&this, DIALER);
    race_world_add(&this, false, ACCEPTS);
    race_world_add(&this, true, REFUSES);
    race_world_name(&this);
    this.dial.options.family = WHERRY_FAMILY_IPV6;
    race_world_run(&this, race_dial_connect, &this.dial);
    assert_int_equal(this.dial.result, WHERRY_E_REFUSED);
    assert_string_equal(this.dial.problem,
                        "connecting to server: [fd00::1:2]:7000: Connection refused");
    race_world_close(&this);
}

static void the_head_start_can_be_chosen(void **state)
{
    race_world this;

    (void)state;
    race_world_open(&this, DIALER);
    race_world_add(&this, true, HANGS_ON);
    race_world_add(&this, false, ACCEPTS);
    race_world_name(&this);
    this.dial.options.head_start = 10 * MS;
    race_world_run(&this, race_dial_connect, &this.dial);
    assert_int_equal(this.dial.result, WHERRY_OK);
    assert_in_range(this.dial.took, 10 * MS, 10 * MS + 3 * ROUND_TRIP);
    race_world_close(&this);
}

/* One at a time: the second address begins when the first one's head start is over, and ends it. */
static void the_oldest_attempt_makes_way(void **state)
{
    race_world this;

    (void)state;
    race_world_open(&this, DIALER);
    race_world_add(&this, true, LATE);
    race_world_add(&this, true, HANGS_ON);
    race_world_name(&this);
    this.dial.options.attempts_max = 1;
    race_world_run(&this, race_dial_connect, &this.dial);
    assert_int_equal(this.dial.result, WHERRY_E_TIMED_OUT);
    assert_non_null(strstr(this.dial.problem, "[fd00::1:1]:7000: no answer yet"));
    assert_non_null(strstr(this.dial.problem, "[fd00::1:2]:7000: no answer yet"));
    race_world_close(&this);
}

/* Without an address of the family there is no way, at once. */
static void a_family_that_is_not_here_costs_no_time(void **state)
{
    race_world this;

    (void)state;
    race_world_open(&this, DIALER_IPV4);
    race_world_add(&this, true, NOBODY);
    race_world_add(&this, true, NOBODY);
    race_world_add(&this, false, ACCEPTS);
    race_world_name(&this);
    race_world_run(&this, race_dial_connect, &this.dial);
    assert_int_equal(this.dial.result, WHERRY_OK);
    assert_in_range(this.dial.took, ROUND_TRIP, 3 * ROUND_TRIP);
    race_world_close(&this);
}

static void the_error_that_says_most_is_told(void **state)
{
    race_world this;

    (void)state;
    race_world_open(&this, DIALER_IPV4);
    race_world_add(&this, true, NOBODY);
    race_world_add(&this, false, REFUSES);
    race_world_add(&this, true, NOBODY);
    race_world_name(&this);
    race_world_run(&this, race_dial_connect, &this.dial);
    assert_int_equal(this.dial.result, WHERRY_E_REFUSED);
    assert_string_equal(this.dial.problem,
                        "connecting to server: 10.0.1.2:7000: Connection refused; "
                        "[fd00::1:1]:7000: Network is unreachable; "
                        "[fd00::1:3]:7000: Network is unreachable");
    race_world_close(&this);
}

static void contradictions_are_refused(void **state)
{
    static const struct {
        wherry_race_options options;
        const char *part;
    } cases[] = {
        { { .family = WHERRY_FAMILY_UNIX }, "option family" },
        { { .first = WHERRY_FAMILY_UNIX }, "option first" },
        { { .family = WHERRY_FAMILY_IPV4, .first = WHERRY_FAMILY_IPV6 }, "family and first" },
        { { .head_start = -1 }, "option head_start" },
        { { .resolution_delay = -1 }, "option resolution_delay" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        race_world this;

        race_world_open(&this, DIALER);
        this.dial.options = cases[i].options;
        race_world_run(&this, race_dial_connect, &this.dial);
        assert_int_equal(this.dial.result, WHERRY_E_MISUSE);
        assert_non_null(strstr(this.dial.problem, cases[i].part));
        race_world_close(&this);
    }
}

/* --- cancelation */

static int64_t cancel_after;

static int cancel_it(void *argument)
{
    wherry_task *task;
    race_dial *this = argument;
    int result;

    assert_int_equal(wherry_spawn(&task, race_dial_connect, this), WHERRY_OK);
    assert_int_equal(wherry_sleep(wherry_in(cancel_after)), WHERRY_OK);
    wherry_task_cancel(task);
    assert_int_equal(wherry_task_join(task, &result, WHERRY_NEVER), WHERRY_OK);
    wherry_task_release(task);
    return WHERRY_OK;
}

/* The world sees to it that no descriptor and no memory is left. */
static void it_can_be_canceled_at_each_moment(void **state)
{
    static const behaviour kinds[][4] = {
        { LATE, HANGS_ON, HANGS_ON, ACCEPTS },
        { REFUSES, REFUSES, LATE, ACCEPTS },
        { NOBODY, LATE, REFUSES, HANGS_ON },
    };
    size_t canceled = 0, connected = 0;

    (void)state;
    for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
        for (int64_t after = 0; after < 1100 * MS; after += after < 10 * MS ? MS / 4 : 7 * MS) {
            race_world this;

            race_world_open(&this, DIALER);
            for (size_t i = 0; i < 4; i++)
                race_world_add(&this, i % 2 == 0, kinds[kind][i]);
            race_world_name(&this);
            cancel_after = after;
            race_world_run(&this, cancel_it, &this.dial);
            canceled += this.dial.result == WHERRY_E_CANCELED;
            connected += this.dial.result == WHERRY_OK;
            race_world_close(&this);
        }
    }
    assert_in_range(canceled, 100, 1000);
    assert_in_range(connected, 10, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_orders_of_two_and_three),
        cmocka_unit_test(all_orders_of_two_addresses_each),
        cmocka_unit_test(the_first_family_can_be_chosen),
        cmocka_unit_test(one_family_alone),
        cmocka_unit_test(the_head_start_can_be_chosen),
        cmocka_unit_test(the_oldest_attempt_makes_way),
        cmocka_unit_test(a_family_that_is_not_here_costs_no_time),
        cmocka_unit_test(the_error_that_says_most_is_told),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(it_can_be_canceled_at_each_moment),
    };

    return cmocka_run_group_tests_name("race", tests, NULL, NULL);
}
