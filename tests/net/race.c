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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_orders_of_two_and_three),
        cmocka_unit_test(all_orders_of_two_addresses_each),
    };

    return cmocka_run_group_tests_name("race", tests, NULL, NULL);
}
