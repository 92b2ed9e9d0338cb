/* Races to connect, in simulated worlds: every order of addresses that refuse, hang, cannot be
 * reached, answer late or accept, against a model of RFC 8305; and cancelation at each moment. */
#include <wherry.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS WHERRY_MILLISECONDS(1)
#define DIALER "10.0.0.1 fd00::1"
#define DIALER_IPV4 "10.0.0.1"
#define ADDRESSES_MAX 4
#define ROUND_TRIP MS
#define LATENCY (200 * MS) /* of what answers late, one way */
#define DEADLINE (60 * WHERRY_SECONDS(1))
#define HANGS INT64_MAX

/* What the host of an address does. */
typedef enum behaviour { ACCEPTS, REFUSES, LATE, HANGS_ON, NOBODY, BEHAVIOURS } behaviour;

typedef struct dial {
    wherry_race_options options;
    const char *endpoint;
    int64_t duration; /* of the deadline */
    int result;
    int64_t took;
    wherry_address remote;
    char problem[192];
} dial;

typedef struct world {
    wherry_simulation *simulation;
    size_t count;
    behaviour behaviours[ADDRESSES_MAX];
    char addresses[ADDRESSES_MAX][32];
    dial dial;
} world;

static int accept_all(void *argument)
{
    const char *endpoint = argument;
    wherry_listener *listener;
    wherry_endpoint where;
    wherry_stream *stream;
    size_t position = 0;

    assert_int_equal(wherry_endpoint_next(&where, endpoint, &position), 1);
    assert_int_equal(wherry_listener_new(&listener, .address = &where.addresses[0]), WHERRY_OK);
    while (wherry_listener_accept(listener, &stream, WHERRY_NEVER) == WHERRY_OK)
        wherry_stream_free(stream);
    wherry_listener_free(listener);
    return WHERRY_OK;
}

static int connect_it(void *argument)
{
    dial *this = argument;
    wherry_stream *stream = NULL;
    int64_t begun = wherry_loop_now(wherry_loop_current());

    this->options.size = sizeof(this->options);
    this->result = wherry_stream_connect_to_with(&stream, this->endpoint, wherry_in(this->duration),
                                                 &this->options);
    this->took = wherry_loop_now(wherry_loop_current()) - begun;
    (void)snprintf(this->problem, sizeof(this->problem), "%s", wherry_problem());
    if (this->result != WHERRY_OK) {
        assert_null(stream);
        return WHERRY_OK;
    }
    wherry_stream_remote(stream, &this->remote);
    wherry_stream_free(stream);
    return WHERRY_OK;
}

/* --- worlds */

static void open_world(world *this, const char *dialer)
{
    memset(this, 0, sizeof(*this));
    (void)unsetenv("WHERRY_SIMULATION_SEED");
    assert_int_equal(wherry_simulation_new(&this->simulation, .quiet = 1), WHERRY_OK);
    assert_int_equal(wherry_simulation_host(this->simulation, dialer, .name = "dialer"), WHERRY_OK);
    this->dial.endpoint = "tcp://server:7000";
    this->dial.duration = DEADLINE;
}

static void add_host(world *this, bool ipv6, behaviour does)
{
    const wherry_link slow = { .latency = LATENCY };
    size_t i = this->count++;
    char *address = this->addresses[i];
    static char endpoints[ADDRESSES_MAX][64];

    (void)snprintf(address, sizeof(this->addresses[i]), ipv6 ? "fd00::1:%zu" : "10.0.1.%zu", i + 1);
    (void)snprintf(endpoints[i], sizeof(endpoints[i]), ipv6 ? "tcp://[%s]:7000" : "tcp://%s:7000",
                   address);
    this->behaviours[i] = does;
    if (does == NOBODY)
        return;
    assert_int_equal(wherry_simulation_host(this->simulation, address), WHERRY_OK);
    if (does == LATE)
        assert_int_equal(wherry_simulation_link(this->simulation, "dialer", address, &slow),
                         WHERRY_OK);
    if (does == HANGS_ON)
        assert_int_equal(
            wherry_simulation_partition(this->simulation, "dialer", address, 10 * DEADLINE),
            WHERRY_OK);
    if (does == ACCEPTS || does == LATE)
        assert_int_equal(
            wherry_simulation_spawn(this->simulation, address, accept_all, endpoints[i]),
            WHERRY_OK);
}

static void name_them(world *this)
{
    char list[200] = "";

    for (size_t i = 0; i < this->count; i++)
        (void)snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s ", this->addresses[i]);
    assert_int_equal(wherry_simulation_name(this->simulation, "server", list), WHERRY_OK);
}

static void run_world(world *this, wherry_body *body, void *argument)
{
    assert_int_equal(wherry_simulation_spawn(this->simulation, "dialer", body, argument),
                     WHERRY_OK);
    if (wherry_simulation_run(this->simulation, 2 * DEADLINE) != WHERRY_OK)
        fail_msg("%s", wherry_problem());
}

static void close_world(world *this)
{
    wherry_simulation_free(this->simulation);
}

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
    outcome running[ADDRESSES_MAX];
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
static size_t interleave(const world *this, size_t *order)
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
static int code_of(const world *this)
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
    world this;

    if (time > 0)
        return time;
    open_world(&this, DIALER);
    this.dial.endpoint = "tcp://10.0.9.9:7000";
    run_world(&this, connect_it, &this.dial);
    assert_int_equal(this.dial.result, WHERRY_E_UNREACHABLE);
    time = this.dial.took;
    close_world(&this);
    return time;
}

static void assert_as_modelled(world *this, const char *what)
{
    size_t order[ADDRESSES_MAX];
    behaviour tried[ADDRESSES_MAX];
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
    world this;

    open_world(&this, DIALER);
    for (size_t i = 0; i < count; i++, number /= BEHAVIOURS)
        add_host(&this, (families >> i & 1) != 0, (behaviour)(number % BEHAVIOURS));
    name_them(&this);
    run_world(&this, connect_it, &this.dial);
    (void)snprintf(what, sizeof(what), "addresses %zu, families %u, behaviours %u", count, families,
                   all);
    assert_as_modelled(&this, what);
    close_world(&this);
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
        world this;

        open_world(&this, DIALER);
        add_host(&this, false, ACCEPTS);
        add_host(&this, true, ACCEPTS);
        name_them(&this);
        this.dial.options.first = ipv4 ? WHERRY_FAMILY_IPV4 : WHERRY_FAMILY_NONE;
        run_world(&this, connect_it, &this.dial);
        assert_int_equal(this.dial.remote.family, ipv4 ? WHERRY_FAMILY_IPV4 : WHERRY_FAMILY_IPV6);
        close_world(&this);
    }
}

static void one_family_alone(void **state)
{
    world this;

    (void)state;
    open_world(&this, DIALER);
    add_host(&this, false, ACCEPTS);
    add_host(&this, true, REFUSES);
    name_them(&this);
    this.dial.options.family = WHERRY_FAMILY_IPV6;
    run_world(&this, connect_it, &this.dial);
    assert_int_equal(this.dial.result, WHERRY_E_REFUSED);
    assert_string_equal(this.dial.problem,
                        "connecting to server: [fd00::1:2]:7000: Connection refused");
    close_world(&this);
}

static void the_head_start_can_be_chosen(void **state)
{
    world this;

    (void)state;
    open_world(&this, DIALER);
    add_host(&this, true, HANGS_ON);
    add_host(&this, false, ACCEPTS);
    name_them(&this);
    this.dial.options.head_start = 10 * MS;
    run_world(&this, connect_it, &this.dial);
    assert_int_equal(this.dial.result, WHERRY_OK);
    assert_in_range(this.dial.took, 10 * MS, 10 * MS + 3 * ROUND_TRIP);
    close_world(&this);
}

/* One at a time: the second address begins when the first one's head start is over, and ends it. */
static void the_oldest_attempt_makes_way(void **state)
{
    world this;

    (void)state;
    open_world(&this, DIALER);
    add_host(&this, true, LATE);
    add_host(&this, true, HANGS_ON);
    name_them(&this);
    this.dial.options.attempts_max = 1;
    run_world(&this, connect_it, &this.dial);
    assert_int_equal(this.dial.result, WHERRY_E_TIMED_OUT);
    assert_non_null(strstr(this.dial.problem, "[fd00::1:1]:7000: no answer yet"));
    assert_non_null(strstr(this.dial.problem, "[fd00::1:2]:7000: no answer yet"));
    close_world(&this);
}

/* Without an address of the family there is no way, at once. */
static void a_family_that_is_not_here_costs_no_time(void **state)
{
    world this;

    (void)state;
    open_world(&this, DIALER_IPV4);
    add_host(&this, true, NOBODY);
    add_host(&this, true, NOBODY);
    add_host(&this, false, ACCEPTS);
    name_them(&this);
    run_world(&this, connect_it, &this.dial);
    assert_int_equal(this.dial.result, WHERRY_OK);
    assert_in_range(this.dial.took, ROUND_TRIP, 3 * ROUND_TRIP);
    close_world(&this);
}

static void the_error_that_says_most_is_told(void **state)
{
    world this;

    (void)state;
    open_world(&this, DIALER_IPV4);
    add_host(&this, true, NOBODY);
    add_host(&this, false, REFUSES);
    add_host(&this, true, NOBODY);
    name_them(&this);
    run_world(&this, connect_it, &this.dial);
    assert_int_equal(this.dial.result, WHERRY_E_REFUSED);
    assert_string_equal(this.dial.problem,
                        "connecting to server: 10.0.1.2:7000: Connection refused; "
                        "[fd00::1:1]:7000: Network is unreachable; "
                        "[fd00::1:3]:7000: Network is unreachable");
    close_world(&this);
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
        world this;

        open_world(&this, DIALER);
        this.dial.options = cases[i].options;
        run_world(&this, connect_it, &this.dial);
        assert_int_equal(this.dial.result, WHERRY_E_MISUSE);
        assert_non_null(strstr(this.dial.problem, cases[i].part));
        close_world(&this);
    }
}

/* --- names */

static void names_that_fail(void **state)
{
    static const struct {
        int failure, code;
        const char *part;
    } cases[] = {
        { 0, WHERRY_E_NO_NAME, "connecting to server: the name has no address" },
        { -ENOENT, WHERRY_E_NO_NAME, "connecting to server: the name has no address" },
        { -EAGAIN, WHERRY_E_NO_ANSWER, "connecting to server: the name servers cannot tell now" },
        { -ETIMEDOUT, WHERRY_E_NO_ANSWER, "connecting to server: the name servers do not answer" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        world this;

        open_world(&this, DIALER);
        assert_int_equal(
            wherry_simulation_name(this.simulation, "server", "", .failure = cases[i].failure),
            WHERRY_OK);
        run_world(&this, connect_it, &this.dial);
        assert_int_equal(this.dial.result, cases[i].code);
        assert_string_equal(this.dial.problem, cases[i].part);
        close_world(&this);
    }
}

static void an_address_of_the_other_family_is_named(void **state)
{
    world this;

    (void)state;
    open_world(&this, DIALER);
    this.dial.endpoint = "tcp://10.0.1.1:7";
    this.dial.options.family = WHERRY_FAMILY_IPV6;
    run_world(&this, connect_it, &this.dial);
    assert_int_equal(this.dial.result, WHERRY_E_NO_NAME);
    assert_string_equal(this.dial.problem, "connecting to 10.0.1.1:7: not of the family asked for");
    close_world(&this);
}

static void a_name_that_is_never_answered_takes_the_deadline(void **state)
{
    world this;

    (void)state;
    open_world(&this, DIALER);
    assert_int_equal(
        wherry_simulation_name(this.simulation, "server", "10.0.1.1", .delay = WHERRY_NEVER),
        WHERRY_OK);
    this.dial.duration = WHERRY_SECONDS(3);
    run_world(&this, connect_it, &this.dial);
    assert_int_equal(this.dial.result, WHERRY_E_TIMED_OUT);
    assert_in_range(this.dial.took, WHERRY_SECONDS(3), WHERRY_SECONDS(3) + MS);
    close_world(&this);
}

/* --- cancelation */

static int64_t cancel_after;

static int cancel_it(void *argument)
{
    wherry_task *task;
    dial *this = argument;
    int result;

    assert_int_equal(wherry_spawn(&task, connect_it, this), WHERRY_OK);
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
            world this;

            open_world(&this, DIALER);
            for (size_t i = 0; i < 4; i++)
                add_host(&this, i % 2 == 0, kinds[kind][i]);
            name_them(&this);
            cancel_after = after;
            run_world(&this, cancel_it, &this.dial);
            canceled += this.dial.result == WHERRY_E_CANCELED;
            connected += this.dial.result == WHERRY_OK;
            close_world(&this);
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
        cmocka_unit_test(names_that_fail),
        cmocka_unit_test(an_address_of_the_other_family_is_named),
        cmocka_unit_test(a_name_that_is_never_answered_takes_the_deadline),
        cmocka_unit_test(it_can_be_canceled_at_each_moment),
    };

    return cmocka_run_group_tests_name("race", tests, NULL, NULL);
}
