/* The fault that a loop is answered again about a name: what comes the second time and when, also
 * behind a withdrawal, to whom, and that it is counted and replayed like the others. */
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
#include "loop/loop.h"
#include "support/simulated.h"

#define ALWAYS 1000000
#define CALLS_MAX 4

/* The value of the fault: what comes, and by SECONDS how late. */
enum { SAME_AGAIN, ANOTHER_ADDRESS, NO_SUCH_NAME, SECONDS };
#define ORDERS 17 /* 0: at once; from there on 1 ms, 2 ms, ... */
#define AFTER_4_MS (SECONDS * 3)

typedef struct call {
    int result;
    int64_t time;
    char first[INET6_ADDRSTRLEN];
} call;

typedef struct asked {
    wherry_resolution base; /* first */
    simulated *world;
    size_t count;
    call calls[CALLS_MAX];
    void (*act)(struct asked *self); /* at the first call; NULL: nothing */
} asked;

static void note(wherry_resolution *base, int result, const struct sockaddr_storage *addresses)
{
    asked *self = (asked *)base;
    call *now = &self->calls[self->count++];
    const struct sockaddr_in *v4 = (const void *)addresses;
    const struct sockaddr_in6 *v6 = (const void *)addresses;

    assert_true(self->count <= CALLS_MAX);
    *now = (call){ .result = result, .time = wherry_simulation_now(self->world->world) };
    if (result > 0)
        assert_non_null(inet_ntop(addresses->ss_family,
                                  addresses->ss_family == AF_INET ? (const void *)&v4->sin_addr
                                                                  : (const void *)&v6->sin6_addr,
                                  now->first, sizeof(now->first)));
    if (self->act != NULL && self->count == 1)
        self->act(self);
}

/* --- the world, and a loop whose poller is used by hand */

typedef struct place {
    simulated world;
    wherry_loop *loop;
} place;

static void open_place(place *self, wherry_simulation_options options)
{
    simulated_open_with(&self->world, &options, NULL);
    assert_int_equal(wherry_simulation_name(self->world.world, "a", "10.0.0.9 fd00::9"), WHERRY_OK);
    assert_int_equal(wherry_loop_new(&self->loop, .system = self->world.here), WHERRY_OK);
}

static void close_place(place *self)
{
    void *world = &self->world;

    wherry_loop_free(self->loop);
    simulated_close(&world);
}

static wherry_fault_record struck(uint64_t occasion, uint64_t value)
{
    return (wherry_fault_record){
        .fault = WHERRY_FAULT_NAME_TWICE, .whom = HERE, .occasion = occasion, .value = value
    };
}

/* The first question is answered again in such a way. */
static void open_struck(place *self, uint64_t value)
{
    const wherry_fault_record record = struck(1, value);

    open_place(self, (wherry_simulation_options){ .replay = &record, .replay_count = 1 });
}

static void open_always(place *self)
{
    open_place(self, (wherry_simulation_options){
                         .faults.millionths = { [WHERRY_FAULT_NAME_TWICE] = ALWAYS } });
}

static void ask_again(asked *mine, wherry_poller *poller, const char *name, int family)
{
    wherry_system *here = mine->world->here;

    assert_int_equal(here->resolve(here, poller, name, family, &mine->base), 0);
}

static void ask(place *self, asked *mine, const char *name, int family)
{
    *mine = (asked){ .base.done = note, .world = &self->world };
    ask_again(mine, self->loop->poller, name, family);
}

static void withdraw(asked *mine)
{
    mine->world->here->resolve_cancel(mine->world->here, &mine->base);
}

static void wait_at(place *self, wherry_poller *poller, int64_t duration)
{
    wherry_system *here = self->world.here;
    const int64_t end = here->monotonic(here) + duration;
    wherry_ready ready;

    while (here->monotonic(here) < end)
        assert_int_equal(here->wait(here, poller, end, &ready, 1), 0);
}

static void let_pass(place *self, int64_t duration)
{
    wait_at(self, self->loop->poller, duration);
}

static uint64_t counted(const place *self, uint64_t *occasions)
{
    wherry_simulation_statistics statistics;

    wherry_simulation_statistics_read(self->world.world, &statistics);
    *occasions = statistics.occasions[WHERRY_FAULT_NAME_TWICE];
    return statistics.faults[WHERRY_FAULT_NAME_TWICE];
}

/* --- what comes, and when */

static void test_nothing_comes_twice_by_itself(void **state)
{
    uint64_t occasions;
    asked mine;
    place self;

    (void)state;
    open_place(&self, (wherry_simulation_options){ 0 });
    ask(&self, &mine, "a", AF_INET);
    let_pass(&self, WHERRY_SECONDS(100));
    assert_int_equal(mine.count, 1);
    assert_int_equal(counted(&self, &occasions), 0);
    assert_int_equal(occasions, 1);
    close_place(&self);
}

static void assert_second(uint64_t value, int family, int64_t delay, const char *address)
{
    asked mine;
    place self;

    open_struck(&self, value);
    ask(&self, &mine, "a", family);
    let_pass(&self, WHERRY_SECONDS(100));
    assert_int_equal(mine.count, 2);
    assert_int_equal(mine.calls[0].result, 1);
    assert_string_equal(mine.calls[0].first, family == AF_INET ? "10.0.0.9" : "fd00::9");
    assert_int_equal(mine.calls[1].result, address == NULL ? -ENOENT : 1);
    assert_string_equal(mine.calls[1].first, address == NULL ? "" : address);
    assert_true(mine.calls[1].time - mine.calls[0].time == delay);
    close_place(&self);
}

static void test_the_same_another_or_none_comes_at_once_or_later(void **state)
{
    (void)state;
    for (uint64_t order = 0; order < ORDERS; order++) {
        const int64_t delay = order == 0 ? 0 : WHERRY_MILLISECONDS(INT64_C(1) << (order - 1));
        const uint64_t late = order * SECONDS;

        assert_second(SAME_AGAIN + late, AF_INET, delay, "10.0.0.9");
        assert_second(SAME_AGAIN + late, AF_INET6, delay, "fd00::9");
        assert_second(ANOTHER_ADDRESS + late, AF_INET, delay, "192.0.2.1");
        assert_second(ANOTHER_ADDRESS + late, AF_INET6, delay, "2001:db8::1");
        assert_second(NO_SUCH_NAME + late, AF_INET, delay, NULL);
    }
    assert_second(SECONDS * ORDERS, AF_INET, WHERRY_MILLISECONDS(32768), NULL); /* out of range */
}

static void test_at_once_is_in_the_same_wait(void **state)
{
    wherry_ready ready;
    wherry_system *here;
    asked mine;
    place self;

    (void)state;
    open_struck(&self, SAME_AGAIN);
    here = self.world.here;
    ask(&self, &mine, "a", AF_INET);
    assert_int_equal(here->wait(here, self.loop->poller, WHERRY_NEVER, &ready, 1), 0);
    assert_int_equal(mine.count, 2);
    close_place(&self);
}

static void test_all_ways_are_drawn(void **state)
{
    size_t same = 0, other = 0, none = 0, at_once = 0, later = 0;
    uint64_t occasions;
    place self;

    (void)state;
    open_always(&self);
    for (int i = 0; i < 100; i++) {
        asked mine;

        ask(&self, &mine, "a", AF_INET);
        let_pass(&self, WHERRY_SECONDS(40));
        assert_int_equal(mine.count, 2);
        assert_string_equal(mine.calls[0].first, "10.0.0.9");
        same += strcmp(mine.calls[1].first, "10.0.0.9") == 0;
        other += strcmp(mine.calls[1].first, "192.0.2.1") == 0;
        none += mine.calls[1].result == -ENOENT;
        at_once += mine.calls[1].time == mine.calls[0].time;
        later += mine.calls[1].time > mine.calls[0].time;
    }
    assert_true(same > 10 && other > 10 && none > 10);
    assert_true(at_once > 0 && later > 50);
    assert_int_equal(counted(&self, &occasions), 100);
    assert_int_equal(occasions, 100);
    close_place(&self);
}

/* --- to whom */

static void test_what_needs_no_name_server_comes_once(void **state)
{
    static const char *const names[] = { "localhost", "10.0.0.2", "never" };
    uint64_t occasions;
    asked mine[3];
    place self;

    (void)state;
    open_always(&self);
    assert_int_equal(
        wherry_simulation_name(self.world.world, "never", "10.0.0.9", .delay = WHERRY_NEVER),
        WHERRY_OK);
    for (int i = 0; i < 3; i++)
        ask(&self, &mine[i], names[i], AF_INET);
    let_pass(&self, WHERRY_SECONDS(100));
    assert_int_equal(mine[0].count, 1);
    assert_int_equal(mine[1].count, 1);
    assert_int_equal(mine[2].count, 0);
    withdraw(&mine[2]);
    let_pass(&self, WHERRY_SECONDS(100));
    assert_int_equal(mine[2].count, 0);
    assert_int_equal(counted(&self, &occasions), 0);
    assert_int_equal(occasions, 0);
    close_place(&self);
}

/* Its storage is its own again when it has been answered. */
static void test_who_is_no_loop_is_answered_once(void **state)
{
    wherry_poller *poller;
    uint64_t occasions;
    asked mine;
    place self;

    (void)state;
    open_always(&self);
    assert_int_equal(
        self.world.here->open_poller(self.world.here, wherry__memory_default(), &poller), 0);
    mine = (asked){ .base.done = note, .world = &self.world };
    ask_again(&mine, poller, "a", AF_INET);
    wait_at(&self, poller, WHERRY_SECONDS(100));
    assert_int_equal(mine.count, 1);
    assert_int_equal(counted(&self, &occasions), 0);
    assert_int_equal(occasions, 0);
    self.world.here->close_poller(self.world.here, poller);
    close_place(&self);
}

/* --- behind what else happens to it */

static void test_one_that_was_withdrawn_is_answered_once_all_the_same(void **state)
{
    (void)state;
    for (uint64_t late = 0; late <= AFTER_4_MS; late += AFTER_4_MS) {
        asked mine;
        place self;
        int64_t time;

        open_struck(&self, ANOTHER_ADDRESS + late);
        ask(&self, &mine, "a", AF_INET);
        let_pass(&self, WHERRY_MICROSECONDS(100));
        time = wherry_simulation_now(self.world.world);
        withdraw(&mine);
        assert_int_equal(mine.count, 0); /* only in a wait */
        withdraw(&mine);
        let_pass(&self, WHERRY_SECONDS(100));
        assert_int_equal(mine.count, 1);
        assert_string_equal(mine.calls[0].first, "192.0.2.1");
        assert_true(mine.calls[0].time >= time + (late > 0 ? WHERRY_MILLISECONDS(4) : 0));
        assert_true(mine.calls[0].time <= time + WHERRY_MILLISECONDS(4) + WHERRY_MICROSECONDS(1));
        withdraw(&mine);
        close_place(&self);
    }
}

static void test_one_that_is_withdrawn_behind_its_answer_is_answered_again(void **state)
{
    asked mine;
    place self;

    (void)state;
    open_struck(&self, SAME_AGAIN + AFTER_4_MS);
    ask(&self, &mine, "a", AF_INET);
    let_pass(&self, WHERRY_MILLISECONDS(2));
    assert_int_equal(mine.count, 1);
    withdraw(&mine);
    let_pass(&self, WHERRY_SECONDS(1));
    assert_int_equal(mine.count, 2);
    assert_true(mine.calls[1].time - mine.calls[0].time == WHERRY_MILLISECONDS(4));
    close_place(&self);
}

static asked *to_withdraw;

static void withdraw_other(asked *mine)
{
    (void)mine;
    withdraw(to_withdraw);
}

static int resolve_two(void *argument)
{
    asked *two = argument;

    for (int i = 0; i < 2; i++)
        ask_again(&two[i], wherry_loop_current()->poller, "a", AF_INET);
    return wherry_sleep(WHERRY_SECONDS(1));
}

/* By the other one, which is answered in the same wait: a program is there for both. */
static void test_one_that_is_withdrawn_while_its_answer_is_given_is_answered_later(void **state)
{
    const wherry_fault_record record = struck(2, SAME_AGAIN + AFTER_4_MS);
    asked two[2];
    place self;

    (void)state;
    open_place(&self, (wherry_simulation_options){ .replay = &record, .replay_count = 1 });
    for (int i = 0; i < 2; i++)
        two[i] = (asked){ .base.done = note, .world = &self.world };
    two[0].act = withdraw_other;
    to_withdraw = &two[1];
    assert_int_equal(wherry_simulation_spawn(self.world.world, HERE, resolve_two, two), WHERRY_OK);
    assert_int_equal(wherry_simulation_run(self.world.world, WHERRY_SECONDS(2)), WHERRY_OK);
    assert_int_equal(two[0].count, 1);
    assert_int_equal(two[1].count, 1);
    assert_true(two[1].calls[0].time - two[0].calls[0].time == WHERRY_MILLISECONDS(4));
    close_place(&self);
}

static void ask_the_next(asked *mine)
{
    wherry_poller *poller = (wherry_poller *)mine->base.state[0];

    ask_again(mine, poller, "a", AF_INET6);
}

/* A question that is asked with the same storage gets its own answer, and no other. */
static void test_one_that_asks_anew_is_not_answered_about_the_former(void **state)
{
    (void)state;
    for (uint64_t late = 0; late <= AFTER_4_MS; late += AFTER_4_MS) {
        for (int inside = 0; inside < 2; inside++) {
            asked mine;
            place self;

            open_struck(&self, ANOTHER_ADDRESS + late);
            ask(&self, &mine, "a", AF_INET);
            mine.base.state[0] = self.loop->poller;
            if (inside)
                mine.act = ask_the_next;
            else if (late > 0)
                let_pass(&self, WHERRY_MILLISECONDS(2));
            else
                withdraw(&mine);
            if (!inside)
                ask_the_next(&mine);
            let_pass(&self, WHERRY_SECONDS(100));
            assert_int_equal(mine.count, inside || late > 0 ? 2 : 1);
            assert_string_equal(mine.calls[mine.count - 1].first, "fd00::9");
            close_place(&self);
        }
    }
}

static void test_what_is_not_answered_again_wakes_nobody(void **state)
{
    const int64_t end = WHERRY_SECONDS(1);
    wherry_system *here;
    wherry_ready ready;
    asked mine;
    place self;

    (void)state;
    open_struck(&self, SAME_AGAIN + AFTER_4_MS);
    here = self.world.here;
    ask(&self, &mine, "a", AF_INET);
    mine.base.state[0] = self.loop->poller;
    let_pass(&self, WHERRY_MILLISECONDS(2));
    ask_the_next(&mine);
    let_pass(&self, WHERRY_MILLISECONDS(2));
    assert_int_equal(mine.count, 2);
    assert_int_equal(here->wait(here, self.loop->poller, end, &ready, 1), 0);
    assert_true(here->monotonic(here) == end);
    close_place(&self);
}

static void assert_after_others(size_t others, size_t count)
{
    asked mine, other;
    place self;

    open_struck(&self, SAME_AGAIN + AFTER_4_MS);
    ask(&self, &mine, "a", AF_INET);
    let_pass(&self, WHERRY_MILLISECONDS(2));
    for (size_t i = 0; i < others; i++) {
        ask(&self, &other, "a", AF_INET);
        withdraw(&other);
    }
    let_pass(&self, WHERRY_SECONDS(1));
    assert_int_equal(mine.count, count);
    close_place(&self);
}

static void test_a_loop_is_not_answered_about_what_it_may_have_forgotten(void **state)
{
    (void)state;
    assert_after_others(WHERRY_RESOLUTIONS_KEPT - 1, 2);
    assert_after_others(WHERRY_RESOLUTIONS_KEPT, 1);
}

static void test_closing_the_poller_drops_it(void **state)
{
    (void)state;
    for (int withdrawn = 0; withdrawn < 2; withdrawn++) {
        asked mine;
        place self;

        open_struck(&self, SAME_AGAIN + AFTER_4_MS);
        ask(&self, &mine, "a", AF_INET);
        if (withdrawn)
            withdraw(&mine);
        else
            let_pass(&self, WHERRY_MILLISECONDS(2));
        wherry_loop_free(self.loop);
        self.loop = NULL;
        simulated_settle(&self.world);
        assert_int_equal(mine.count, withdrawn ? 0 : 1);
        close_place(&self);
    }
}

static void power_off(asked *mine)
{
    assert_int_equal(wherry_simulation_power_off(mine->world->world, HERE), WHERRY_OK);
}

static int resolve_and_end(void *argument)
{
    asked *mine = argument;

    ask_again(mine, wherry_loop_current()->poller, "a", AF_INET);
    return wherry_sleep(WHERRY_SECONDS(60));
}

/* The first answer ends the host that it is given on. */
static void test_a_host_that_ends_at_the_first_answer_hears_no_second(void **state)
{
    (void)state;
    for (uint64_t late = 0; late <= AFTER_4_MS; late += AFTER_4_MS) {
        asked mine;
        place self;

        open_struck(&self, SAME_AGAIN + late);
        mine = (asked){ .base.done = note, .world = &self.world, .act = power_off };
        assert_int_equal(wherry_simulation_spawn(self.world.world, HERE, resolve_and_end, &mine),
                         WHERRY_OK);
        simulated_settle(&self.world);
        assert_int_equal(mine.count, 1);
        close_place(&self);
    }
}

/* --- as the other faults */

typedef struct listener {
    wherry_simulation_observer base; /* first */
    size_t resolved, again;
} listener;

static void see(wherry_simulation_observer *base, const wherry_simulation_event *event)
{
    listener *self = (listener *)base;

    self->resolved += strcmp(event->what, "resolved") == 0;
    self->again += strcmp(event->what, "resolved again") == 0;
}

static uint64_t ask_20(place *self)
{
    asked mine[20];

    for (int i = 0; i < 20; i++) {
        ask(self, &mine[i], "a", AF_INET);
        let_pass(self, WHERRY_MILLISECONDS(3));
    }
    let_pass(self, WHERRY_SECONDS(100));
    return wherry_simulation_hash(self->world.world);
}

static void test_a_replay_is_the_run_that_was_recorded_and_told(void **state)
{
    listener heard = { .base.see = see };
    wherry_fault_record records[20];
    const wherry_fault_record *list;
    place self;
    uint64_t hash;
    size_t count;

    (void)state;
    open_place(&self, (wherry_simulation_options){
                          .seed = 5,
                          .observer = &heard.base,
                          .faults.millionths = { [WHERRY_FAULT_NAME_TWICE] = ALWAYS / 2 } });
    hash = ask_20(&self);
    list = wherry_simulation_faults(self.world.world, &count);
    assert_in_range(count, 4, 16);
    memcpy(records, list, count * sizeof(*list));
    for (size_t i = 0; i < count; i++)
        assert_int_equal(records[i].fault, WHERRY_FAULT_NAME_TWICE);
    assert_int_equal(heard.resolved, 20);
    assert_int_equal(heard.again, count);
    close_place(&self);
    open_place(&self,
               (wherry_simulation_options){ .seed = 5, .replay = records, .replay_count = count });
    assert_true(ask_20(&self) == hash);
    close_place(&self);
}

static void test_one_to_be_replayed_that_did_not_strike_is_reported(void **state)
{
    const wherry_fault_record record = struck(2, SAME_AGAIN);
    asked mine;
    place self;

    (void)state;
    open_place(&self, (wherry_simulation_options){ .replay = &record, .replay_count = 1 });
    ask(&self, &mine, "a", AF_INET);
    let_pass(&self, WHERRY_SECONDS(1));
    assert_int_equal(wherry_simulation_run(self.world.world, WHERRY_SECONDS(1)), WHERRY_E_BROKEN);
    assert_non_null(strstr(wherry_problem(), "NAME_TWICE of " HERE " at occasion 2"));
    close_place(&self);
}

/* It draws from a generator of its own. */
static void test_the_other_fault_of_names_strikes_as_it_does_without(void **state)
{
    int results[2][20];
    int64_t times[2][20];

    (void)state;
    for (int both = 0; both < 2; both++) {
        wherry_simulation_options options = { .seed = 9 };
        place self;

        options.faults.millionths[WHERRY_FAULT_NAME] = ALWAYS / 2;
        options.faults.millionths[WHERRY_FAULT_NAME_TWICE] = both ? ALWAYS : 0;
        open_place(&self, options);
        for (int i = 0; i < 20; i++) {
            asked mine;

            ask(&self, &mine, "a", AF_INET);
            let_pass(&self, WHERRY_SECONDS(80));
            assert_int_equal(mine.count, both ? 2 : 1);
            results[both][i] = mine.calls[0].result;
            times[both][i] = mine.calls[0].time;
        }
        close_place(&self);
    }
    assert_memory_equal(results[0], results[1], sizeof(results[0]));
    assert_memory_equal(times[0], times[1], sizeof(times[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_comes_twice_by_itself),
        cmocka_unit_test(test_the_same_another_or_none_comes_at_once_or_later),
        cmocka_unit_test(test_at_once_is_in_the_same_wait),
        cmocka_unit_test(test_all_ways_are_drawn),
        cmocka_unit_test(test_what_needs_no_name_server_comes_once),
        cmocka_unit_test(test_who_is_no_loop_is_answered_once),
        cmocka_unit_test(test_one_that_was_withdrawn_is_answered_once_all_the_same),
        cmocka_unit_test(test_one_that_is_withdrawn_behind_its_answer_is_answered_again),
        cmocka_unit_test(test_one_that_is_withdrawn_while_its_answer_is_given_is_answered_later),
        cmocka_unit_test(test_one_that_asks_anew_is_not_answered_about_the_former),
        cmocka_unit_test(test_what_is_not_answered_again_wakes_nobody),
        cmocka_unit_test(test_a_loop_is_not_answered_about_what_it_may_have_forgotten),
        cmocka_unit_test(test_closing_the_poller_drops_it),
        cmocka_unit_test(test_a_host_that_ends_at_the_first_answer_hears_no_second),
        cmocka_unit_test(test_a_replay_is_the_run_that_was_recorded_and_told),
        cmocka_unit_test(test_one_to_be_replayed_that_did_not_strike_is_reported),
        cmocka_unit_test(test_the_other_fault_of_names_strikes_as_it_does_without),
    };

    return cmocka_run_group_tests_name("names_twice", tests, simulated_unseeded, NULL);
}
