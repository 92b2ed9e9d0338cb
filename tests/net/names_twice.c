/* Names whose questions are answered twice, in simulated worlds: resolving, lookups and connecting
 * go as they do without, whatever comes the second time and whenever, and so does what is asked
 * next; also when they are given up at any moment. The loop lives on until the last answer has
 * come; the world sees to it that nothing is left behind. */
#include <wherry.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HERE "10.0.0.1"
#define MS WHERRY_MILLISECONDS(1)
#define ROOM 8
#define ALWAYS 1000000

/* --- a call, and how it went */

typedef struct outcome {
    ssize_t result;
    int told;
    int64_t took;
    char found[ROOM * WHERRY_ADDRESS_TEXT_SIZE];
} outcome;

static void find(outcome *mine, ssize_t result, const wherry_address *addresses)
{
    mine->result = result;
    mine->told++;
    for (ssize_t i = 0; i < result && i < ROOM; i++) {
        const size_t length = strlen(mine->found);
        char one[WHERRY_ADDRESS_TEXT_SIZE];

        (void)wherry_address_format(&addresses[i], one, sizeof(one));
        (void)snprintf(mine->found + length, sizeof(mine->found) - length, "%s ", one);
    }
}

static void resolve(outcome *mine)
{
    wherry_address addresses[ROOM];

    find(mine, wherry_resolve(addresses, ROOM, "server", WHERRY_NEVER), addresses);
}

static void connect_to(outcome *mine)
{
    wherry_stream *stream = NULL;
    wherry_address remote;
    int result = wherry_stream_connect_to(&stream, "tcp://server:7000", WHERRY_NEVER);

    if (result == WHERRY_OK)
        wherry_stream_remote(stream, &remote);
    find(mine, result == WHERRY_OK ? 1 : result, &remote);
    wherry_stream_free(stream);
}

typedef struct teller {
    wherry_lookup_events events; /* first */
    outcome *outcome;
} teller;

static void on_resolved(wherry_lookup_events *self, wherry_lookup *lookup, ssize_t result,
                        const wherry_address *addresses)
{
    (void)lookup;
    find(((teller *)self)->outcome, result, addresses);
}

/* One that is canceled frees its lookup, which then tells nothing. */
static void look_up(outcome *mine)
{
    teller self = { .events.resolved = on_resolved, .outcome = mine };
    wherry_lookup *lookup;
    int result = WHERRY_OK;

    assert_int_equal(wherry_lookup_new(&lookup, .name = "server", .events = &self.events),
                     WHERRY_OK);
    while (mine->told == 0 && result == WHERRY_OK)
        result = wherry_sleep(wherry_in(MS / 8));
    wherry_lookup_free(lookup);
    if (mine->told == 0)
        find(mine, result, NULL);
}

typedef void caller(outcome *mine);

static caller *const calls[] = { resolve, look_up, connect_to };

#define CALLS (sizeof(calls) / sizeof(calls[0]))

/* --- what happens in a world */

typedef struct trial {
    caller *call;
    int64_t cancel_after; /* 0: never */
    wherry_fault_record records[4];
    size_t count;
    outcome outcome, next;
    uint64_t struck;
} trial;

static void strike(trial *this, int fault, uint64_t occasion, uint64_t value)
{
    this->records[this->count++] = (wherry_fault_record){
        .fault = fault, .whom = HERE, .occasion = occasion, .value = value
    };
}

static int call_it(void *argument)
{
    trial *this = argument;
    const int64_t begun = wherry_loop_now(wherry_loop_current());

    this->call(&this->outcome);
    this->outcome.took = wherry_loop_now(wherry_loop_current()) - begun;
    return WHERRY_OK;
}

/* What is asked while the second answers to the former are still to come. */
static int call_and_ask_next(void *argument)
{
    trial *this = argument;
    wherry_address addresses[ROOM];
    wherry_task *task;

    assert_int_equal(wherry_spawn(&task, call_it, this), WHERRY_OK);
    if (this->cancel_after > 0) {
        assert_int_equal(wherry_sleep(wherry_in(this->cancel_after)), WHERRY_OK);
        wherry_task_cancel(task);
    }
    assert_int_equal(wherry_task_join(task, NULL, WHERRY_NEVER), WHERRY_OK);
    wherry_task_release(task);
    find(&this->next, wherry_resolve(addresses, ROOM, "next", WHERRY_NEVER), addresses);
    return wherry_sleep(wherry_in(WHERRY_SECONDS(10)));
}

static int accept_all(void *argument)
{
    const wherry_address *address = argument;
    wherry_listener *listener;
    wherry_stream *stream;

    assert_int_equal(wherry_listener_new(&listener, .address = address), WHERRY_OK);
    while (wherry_listener_accept(listener, &stream, WHERRY_NEVER) == WHERRY_OK)
        wherry_stream_free(stream);
    wherry_listener_free(listener);
    return WHERRY_OK;
}

/* It listens on IPv4 only, so that an attempt is refused before one succeeds. Nobody has the
 * addresses of "next". */
static void name_all(wherry_simulation *world)
{
    static wherry_address listening = { .family = WHERRY_FAMILY_IPV4,
                                        .port = 7000,
                                        .at.ipv4 = { 10, 0, 0, 2 } };

    assert_int_equal(wherry_simulation_host(world, HERE " fd00::1"), WHERRY_OK);
    assert_int_equal(wherry_simulation_host(world, "10.0.0.2 fd00::2"), WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.2", accept_all, &listening), WHERRY_OK);
    assert_int_equal(wherry_simulation_name(world, "server", "10.0.0.2 fd00::2"), WHERRY_OK);
    assert_int_equal(
        wherry_simulation_name(world, "next", "10.0.0.3 fd00::3", .delay = WHERRY_MILLISECONDS(3)),
        WHERRY_OK);
}

static void run(trial *this)
{
    wherry_simulation_statistics statistics;
    wherry_simulation *world;

    this->outcome = this->next = (outcome){ 0 };
    assert_int_equal(wherry_simulation_new(&world, .quiet = 1, .replay = this->records,
                                           .replay_count = this->count, .replaying = 1),
                     WHERRY_OK);
    name_all(world);
    assert_int_equal(wherry_simulation_spawn(world, HERE, call_and_ask_next, this, .must_end = 1),
                     WHERRY_OK);
    if (wherry_simulation_run(world, WHERRY_SECONDS(1000)) != WHERRY_OK)
        fail_msg("%s", wherry_problem());
    wherry_simulation_statistics_read(world, &statistics);
    this->struck = statistics.faults[WHERRY_FAULT_NAME_TWICE];
    wherry_simulation_free(world);
    assert_string_equal(this->next.found, "[fd00::3]:0 10.0.0.3:0 ");
}

/* --- what may come twice. IPv6 is asked for first. */

#define IPV6 1
#define IPV4 2

/* The first answers: both at once, one late, both that the servers cannot tell, one that there is
 * none. */
enum { USUAL, IPV6_LATE, IPV4_LATE, NO_ANSWERS, NO_IPV6, FIRSTS };

static void strike_first(trial *this, int first)
{
    const uint64_t late_by_8_ms = 4 * 3, again = 1, empty = 3;

    if (first == IPV6_LATE || first == IPV4_LATE)
        strike(this, WHERRY_FAULT_NAME, first == IPV6_LATE ? IPV6 : IPV4, late_by_8_ms);
    if (first == NO_ANSWERS) {
        strike(this, WHERRY_FAULT_NAME, IPV6, again);
        strike(this, WHERRY_FAULT_NAME, IPV4, again);
    }
    if (first == NO_IPV6)
        strike(this, WHERRY_FAULT_NAME, IPV6, empty);
}

#define WAYS 3 /* the same, another address, no such name */

/* At once, after 1 ms, after 4 ms, after 1 s. */
static const uint64_t orders[] = { 0, 1, 3, 11 };

#define ORDERS (sizeof(orders) / sizeof(orders[0]))

static void strike_second(trial *this, unsigned families, uint64_t way, uint64_t order)
{
    for (unsigned family = IPV6; family <= IPV4; family++)
        if (families & family)
            strike(this, WHERRY_FAULT_NAME_TWICE, family, way + WAYS * order);
}

/* The call without second answers. */
static trial usual(caller *call, int first)
{
    trial this = { .call = call };

    strike_first(&this, first);
    run(&this);
    assert_int_equal(this.struck, 0);
    assert_int_equal(this.outcome.told, 1);
    assert_true((this.outcome.result < 0) == (first == NO_ANSWERS));
    return this;
}

static void assert_alike(const trial *this, const trial *wanted)
{
    assert_int_equal(this->outcome.told, 1);
    assert_int_equal(this->outcome.result, wanted->outcome.result);
    assert_string_equal(this->outcome.found, wanted->outcome.found);
}

static void assert_first_counts(caller *call, int first)
{
    const trial wanted = usual(call, first);

    for (unsigned families = IPV6; families <= (IPV6 | IPV4); families++)
        for (uint64_t way = 0; way < WAYS; way++)
            for (size_t order = 0; order < ORDERS; order++) {
                trial this = { .call = call };

                strike_first(&this, first);
                strike_second(&this, families, way, orders[order]);
                run(&this);
                assert_int_equal(this.struck, families == (IPV6 | IPV4) ? 2 : 1);
                assert_alike(&this, &wanted);
                assert_true(this.outcome.took - wanted.outcome.took < MS / 4 &&
                            wanted.outcome.took - this.outcome.took < MS / 4);
            }
}

static void the_first_answer_counts_when_resolving(void **state)
{
    (void)state;
    for (int first = 0; first < FIRSTS; first++)
        assert_first_counts(resolve, first);
}

static void the_first_answer_counts_for_callbacks(void **state)
{
    (void)state;
    for (int first = 0; first < FIRSTS; first++)
        assert_first_counts(look_up, first);
}

static void the_first_answer_counts_when_connecting(void **state)
{
    (void)state;
    for (int first = 0; first < FIRSTS; first++)
        assert_first_counts(connect_to, first);
}

/* --- given up */

static size_t canceled, finished;

static void assert_canceled(caller *call, int first, int64_t after, const trial *wanted)
{
    for (uint64_t way = 0; way < WAYS; way++)
        for (size_t order = 0; order < ORDERS; order++) {
            trial this = { .call = call, .cancel_after = after };

            strike_first(&this, first);
            strike_second(&this, IPV6 | IPV4, way, orders[order]);
            run(&this);
            assert_int_equal(this.outcome.told, 1);
            canceled += this.outcome.result == WHERRY_E_CANCELED;
            finished += this.outcome.result != WHERRY_E_CANCELED;
            if (this.outcome.result != WHERRY_E_CANCELED)
                assert_alike(&this, wanted);
        }
}

static void it_can_be_canceled_at_each_moment(void **state)
{
    static const int firsts[] = { USUAL, IPV6_LATE, IPV4_LATE };

    (void)state;
    for (size_t i = 0; i < CALLS; i++)
        for (size_t first = 0; first < sizeof(firsts) / sizeof(firsts[0]); first++) {
            const trial wanted = usual(calls[i], firsts[first]);

            canceled = finished = 0;
            for (int64_t after = 1; after < 12 * MS; after += MS / 3)
                assert_canceled(calls[i], firsts[first], after, &wanted);
            assert_true(canceled > 20 && finished > 20);
        }
}

/* --- more at a time than a loop keeps of those that are over */

#define LOOKUPS 200

static int look_up_many(void *argument)
{
    outcome *outcomes = argument;
    teller *tellers = calloc(LOOKUPS, sizeof(*tellers));
    wherry_lookup *lookups[LOOKUPS];

    assert_non_null(tellers);
    for (size_t i = 0; i < LOOKUPS; i++) {
        tellers[i] = (teller){ .events.resolved = on_resolved, .outcome = &outcomes[i] };
        assert_int_equal(wherry_lookup_new(&lookups[i], .name = i % 2 == 0 ? "server" : "next",
                                           .events = &tellers[i].events),
                         WHERRY_OK);
        if (i % 8 == 7)
            assert_int_equal(wherry_sleep(wherry_in(MS)), WHERRY_OK);
        if (i % 16 == 15) /* freed: it is not told any more */
            wherry_lookup_free(lookups[i]);
    }
    assert_int_equal(wherry_sleep(wherry_in(WHERRY_SECONDS(100))), WHERRY_OK);
    for (size_t i = 0; i < LOOKUPS; i++)
        if (i % 16 != 15)
            wherry_lookup_free(lookups[i]);
    free(tellers);
    return WHERRY_OK;
}

static void assert_many(uint64_t seed)
{
    outcome *outcomes = calloc(LOOKUPS, sizeof(*outcomes));
    wherry_simulation *world;

    assert_non_null(outcomes);
    assert_int_equal(
        wherry_simulation_new(&world, .seed = seed, .quiet = 1,
                              .faults.millionths = { [WHERRY_FAULT_NAME_TWICE] = ALWAYS }),
        WHERRY_OK);
    name_all(world);
    assert_int_equal(wherry_simulation_spawn(world, HERE, look_up_many, outcomes, .must_end = 1),
                     WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, WHERRY_SECONDS(1000)), WHERRY_OK);
    for (size_t i = 0; i < LOOKUPS; i++) {
        assert_int_equal(outcomes[i].told, i % 16 == 15 ? 0 : 1);
        if (i % 16 != 15)
            assert_string_equal(outcomes[i].found,
                                i % 2 == 0 ? "[fd00::2]:0 10.0.0.2:0 " : "[fd00::3]:0 10.0.0.3:0 ");
    }
    wherry_simulation_free(world);
    free(outcomes);
}

static void many_at_a_time_are_told_once_each(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++)
        assert_many(seed);
}

static int set_up(void **state)
{
    (void)state;
    (void)unsetenv("WHERRY_SIMULATION_SEED");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_answer_counts_when_resolving),
        cmocka_unit_test(the_first_answer_counts_for_callbacks),
        cmocka_unit_test(the_first_answer_counts_when_connecting),
        cmocka_unit_test(it_can_be_canceled_at_each_moment),
        cmocka_unit_test(many_at_a_time_are_told_once_each),
    };

    return cmocka_run_group_tests_name("names_twice", tests, set_up, NULL);
}
