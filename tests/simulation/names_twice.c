/* The fault that a loop is answered again about a name: what comes the second time and when, to
 * whom, and that it is counted and replayed like the others. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "base/memory.h"
#include "loop/loop.h"
#include "support/hearing.h"

#define ALWAYS 1000000

/* --- what comes, and when */

static void test_nothing_comes_twice_by_itself(void **state)
{
    uint64_t occasions;
    hearing_question mine;
    hearing self;

    (void)state;
    hearing_open(&self, (wherry_simulation_options){ 0 });
    hearing_ask(&self, &mine, "a", AF_INET);
    hearing_pass(&self, WHERRY_SECONDS(100));
    assert_int_equal(mine.count, 1);
    assert_int_equal(hearing_count(&self, &occasions), 0);
    assert_int_equal(occasions, 1);
    hearing_close(&self);
}

static void assert_second(uint64_t value, int family, int64_t delay, const char *address)
{
    hearing_question mine;
    hearing self;

    hearing_open_struck(&self, value);
    hearing_ask(&self, &mine, "a", family);
    hearing_pass(&self, WHERRY_SECONDS(100));
    assert_int_equal(mine.count, 2);
    assert_int_equal(mine.calls[0].result, 1);
    assert_string_equal(mine.calls[0].first, family == AF_INET ? "10.0.0.9" : "fd00::9");
    assert_int_equal(mine.calls[1].result, address == NULL ? -ENOENT : 1);
    assert_string_equal(mine.calls[1].first, address == NULL ? "" : address);
    assert_true(mine.calls[1].time - mine.calls[0].time == delay);
    hearing_close(&self);
}

static void test_the_same_another_or_none_comes_at_once_or_later(void **state)
{
    (void)state;
    for (uint64_t order = 0; order < HEARING_ORDERS; order++) {
        const int64_t delay = order == 0 ? 0 : WHERRY_MILLISECONDS(INT64_C(1) << (order - 1));
        const uint64_t late = order * HEARING_WAYS;

        assert_second(HEARING_SAME + late, AF_INET, delay, "10.0.0.9");
        assert_second(HEARING_SAME + late, AF_INET6, delay, "fd00::9");
        assert_second(HEARING_OTHER + late, AF_INET, delay, "192.0.2.1");
        assert_second(HEARING_OTHER + late, AF_INET6, delay, "2001:db8::1");
        assert_second(HEARING_NONE + late, AF_INET, delay, NULL);
    }
    assert_second(HEARING_WAYS * HEARING_ORDERS, AF_INET, WHERRY_MILLISECONDS(32768),
                  NULL); /* out
                            of
                            range
                          */
}

static void test_at_once_is_in_the_same_wait(void **state)
{
    wherry_ready ready;
    wherry_system *here;
    hearing_question mine;
    hearing self;

    (void)state;
    hearing_open_struck(&self, HEARING_SAME);
    here = self.world.here;
    hearing_ask(&self, &mine, "a", AF_INET);
    assert_int_equal(here->wait(here, self.loop->poller, WHERRY_NEVER, &ready, 1), 0);
    assert_int_equal(mine.count, 2);
    hearing_close(&self);
}

static void test_all_ways_are_drawn(void **state)
{
    size_t same = 0, other = 0, none = 0, at_once = 0, later = 0;
    uint64_t occasions;
    hearing self;

    (void)state;
    hearing_open_always(&self);
    for (int i = 0; i < 100; i++) {
        hearing_question mine;

        hearing_ask(&self, &mine, "a", AF_INET);
        hearing_pass(&self, WHERRY_SECONDS(40));
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
    assert_int_equal(hearing_count(&self, &occasions), 100);
    assert_int_equal(occasions, 100);
    hearing_close(&self);
}

/* --- to whom */

static void test_what_needs_no_name_server_comes_once(void **state)
{
    static const char *const names[] = { "localhost", "10.0.0.2", "never" };
    uint64_t occasions;
    hearing_question mine[3];
    hearing self;

    (void)state;
    hearing_open_always(&self);
    assert_int_equal(
        wherry_simulation_name(self.world.world, "never", "10.0.0.9", .delay = WHERRY_NEVER),
        WHERRY_OK);
    for (int i = 0; i < 3; i++)
        hearing_ask(&self, &mine[i], names[i], AF_INET);
    hearing_pass(&self, WHERRY_SECONDS(100));
    assert_int_equal(mine[0].count, 1);
    assert_int_equal(mine[1].count, 1);
    assert_int_equal(mine[2].count, 0);
    hearing_withdraw(&mine[2]);
    hearing_pass(&self, WHERRY_SECONDS(100));
    assert_int_equal(mine[2].count, 0);
    assert_int_equal(hearing_count(&self, &occasions), 0);
    assert_int_equal(occasions, 0);
    hearing_close(&self);
}

/* Its storage is its own again when it has been answered. */
static void test_who_is_no_loop_is_answered_once(void **state)
{
    wherry_poller *poller;
    uint64_t occasions;
    hearing_question mine;
    hearing self;

    (void)state;
    hearing_open_always(&self);
    assert_int_equal(
        self.world.here->open_poller(self.world.here, wherry__memory_default(), &poller), 0);
    hearing_init(&self, &mine);
    hearing_ask_at(&mine, poller, "a", AF_INET);
    hearing_wait(&self, poller, WHERRY_SECONDS(100));
    assert_int_equal(mine.count, 1);
    assert_int_equal(hearing_count(&self, &occasions), 0);
    assert_int_equal(occasions, 0);
    self.world.here->close_poller(self.world.here, poller);
    hearing_close(&self);
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

static uint64_t ask_20(hearing *self)
{
    hearing_question mine[20];

    for (int i = 0; i < 20; i++) {
        hearing_ask(self, &mine[i], "a", AF_INET);
        hearing_pass(self, WHERRY_MILLISECONDS(3));
    }
    hearing_pass(self, WHERRY_SECONDS(100));
    return wherry_simulation_hash(self->world.world);
}

static void test_a_replay_is_the_run_that_was_recorded_and_told(void **state)
{
    listener heard = { .base.see = see };
    wherry_fault_record records[20];
    const wherry_fault_record *list;
    hearing self;
    uint64_t hash;
    size_t count;

    (void)state;
    hearing_open(&self, (wherry_simulation_options){
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
    hearing_close(&self);
    hearing_open(
        &self, (wherry_simulation_options){ .seed = 5, .replay = records, .replay_count = count });
    assert_true(ask_20(&self) == hash);
    hearing_close(&self);
}

static void test_one_to_be_replayed_that_did_not_strike_is_reported(void **state)
{
    const wherry_fault_record record = hearing_record(2, HEARING_SAME);
    hearing_question mine;
    hearing self;

    (void)state;
    hearing_open(&self, (wherry_simulation_options){ .replay = &record, .replay_count = 1 });
    hearing_ask(&self, &mine, "a", AF_INET);
    hearing_pass(&self, WHERRY_SECONDS(1));
    assert_int_equal(wherry_simulation_run(self.world.world, WHERRY_SECONDS(1)), WHERRY_E_BROKEN);
    assert_non_null(strstr(wherry_problem(), "NAME_TWICE of " HERE " at occasion 2"));
    hearing_close(&self);
}

/* It draws from a generator of its own. */
static void test_the_other_fault_of_names_strikes_as_it_does_without(void **state)
{
    int results[2][20];
    int64_t times[2][20];

    (void)state;
    for (int both = 0; both < 2; both++) {
        wherry_simulation_options options = { .seed = 9 };
        hearing self;

        options.faults.millionths[WHERRY_FAULT_NAME] = ALWAYS / 2;
        options.faults.millionths[WHERRY_FAULT_NAME_TWICE] = both ? ALWAYS : 0;
        hearing_open(&self, options);
        for (int i = 0; i < 20; i++) {
            hearing_question mine;

            hearing_ask(&self, &mine, "a", AF_INET);
            hearing_pass(&self, WHERRY_SECONDS(80));
            assert_int_equal(mine.count, both ? 2 : 1);
            results[both][i] = mine.calls[0].result;
            times[both][i] = mine.calls[0].time;
        }
        hearing_close(&self);
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
        cmocka_unit_test(test_a_replay_is_the_run_that_was_recorded_and_told),
        cmocka_unit_test(test_one_to_be_replayed_that_did_not_strike_is_reported),
        cmocka_unit_test(test_the_other_fault_of_names_strikes_as_it_does_without),
    };

    return cmocka_run_group_tests_name("names_twice", tests, simulated_unseeded, NULL);
}
