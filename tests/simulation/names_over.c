/* The fault that a loop is answered again about a name, when the question is withdrawn or its
 * storage used for another, and when the asker forgets or ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "loop/loop.h"
#include "support/hearing.h"

/* --- withdrawn */

static void test_one_that_was_withdrawn_is_answered_once_all_the_same(void **state)
{
    (void)state;
    for (uint64_t late = 0; late <= HEARING_AFTER_4_MS; late += HEARING_AFTER_4_MS) {
        hearing_question mine;
        hearing self;
        int64_t time;

        hearing_open_struck(&self, HEARING_OTHER + late);
        hearing_ask(&self, &mine, "a", AF_INET);
        hearing_pass(&self, WHERRY_MICROSECONDS(100));
        time = wherry_simulation_now(self.world.world);
        hearing_withdraw(&mine);
        assert_int_equal(mine.count, 0); /* only in a wait */
        hearing_withdraw(&mine);
        hearing_pass(&self, WHERRY_SECONDS(100));
        assert_int_equal(mine.count, 1);
        assert_string_equal(mine.calls[0].first, "192.0.2.1");
        assert_true(mine.calls[0].time >= time + (late > 0 ? WHERRY_MILLISECONDS(4) : 0));
        assert_true(mine.calls[0].time <= time + WHERRY_MILLISECONDS(4) + WHERRY_MICROSECONDS(1));
        hearing_withdraw(&mine);
        hearing_close(&self);
    }
}

static void test_one_that_is_withdrawn_behind_its_answer_is_answered_again(void **state)
{
    hearing_question mine;
    hearing self;

    (void)state;
    hearing_open_struck(&self, HEARING_SAME + HEARING_AFTER_4_MS);
    hearing_ask(&self, &mine, "a", AF_INET);
    hearing_pass(&self, WHERRY_MILLISECONDS(2));
    assert_int_equal(mine.count, 1);
    hearing_withdraw(&mine);
    hearing_pass(&self, WHERRY_SECONDS(1));
    assert_int_equal(mine.count, 2);
    assert_true(mine.calls[1].time - mine.calls[0].time == WHERRY_MILLISECONDS(4));
    hearing_close(&self);
}

static hearing_question *to_withdraw;

static void withdraw_other(hearing_question *mine)
{
    (void)mine;
    hearing_withdraw(to_withdraw);
}

static int resolve_two(void *argument)
{
    hearing_question *two = argument;

    for (int i = 0; i < 2; i++)
        hearing_ask_at(&two[i], wherry_loop_current()->poller, "a", AF_INET);
    return wherry_sleep(WHERRY_SECONDS(1));
}

/* By the other one, which is answered in the same wait: a program is there for both. */
static void test_one_that_is_withdrawn_while_its_answer_is_given_is_answered_later(void **state)
{
    const wherry_fault_record record = hearing_record(2, HEARING_SAME + HEARING_AFTER_4_MS);
    hearing_question two[2];
    hearing self;

    (void)state;
    hearing_open(&self, (wherry_simulation_options){ .replay = &record, .replay_count = 1 });
    for (int i = 0; i < 2; i++)
        hearing_init(&self, &two[i]);
    two[0].act = withdraw_other;
    to_withdraw = &two[1];
    assert_int_equal(wherry_simulation_spawn(self.world.world, HERE, resolve_two, two), WHERRY_OK);
    assert_int_equal(wherry_simulation_run(self.world.world, WHERRY_SECONDS(2)), WHERRY_OK);
    assert_int_equal(two[0].count, 1);
    assert_int_equal(two[1].count, 1);
    assert_true(two[1].calls[0].time - two[0].calls[0].time == WHERRY_MILLISECONDS(4));
    hearing_close(&self);
}

static void ask_the_next(hearing_question *mine)
{
    wherry_poller *poller = (wherry_poller *)mine->base.state[0];

    hearing_ask_at(mine, poller, "a", AF_INET6);
}

/* A question that is asked with the same storage gets its own answer, and no other. */
static void test_one_that_asks_anew_is_not_answered_about_the_former(void **state)
{
    (void)state;
    for (uint64_t late = 0; late <= HEARING_AFTER_4_MS; late += HEARING_AFTER_4_MS) {
        for (int inside = 0; inside < 2; inside++) {
            hearing_question mine;
            hearing self;

            hearing_open_struck(&self, HEARING_OTHER + late);
            hearing_ask(&self, &mine, "a", AF_INET);
            mine.base.state[0] = self.loop->poller;
            if (inside)
                mine.act = ask_the_next;
            else if (late > 0)
                hearing_pass(&self, WHERRY_MILLISECONDS(2));
            else
                hearing_withdraw(&mine);
            if (!inside)
                ask_the_next(&mine);
            hearing_pass(&self, WHERRY_SECONDS(100));
            assert_int_equal(mine.count, inside || late > 0 ? 2 : 1);
            assert_string_equal(mine.calls[mine.count - 1].first, "fd00::9");
            hearing_close(&self);
        }
    }
}

/* Whatever else is under way, and is to be answered again, on the host. */
static void test_who_asks_anew_takes_no_second_answer_from_others(void **state)
{
    wherry_fault_record records[3];
    hearing_question over[3], under_way;
    hearing self;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        records[i] = hearing_record(i + 1, HEARING_OTHER + HEARING_AFTER_4_MS);
    hearing_open(&self, (wherry_simulation_options){ .replay = records, .replay_count = 3 });
    for (size_t i = 0; i < 3; i++)
        hearing_ask(&self, &over[i], "a", AF_INET);
    hearing_pass(&self, WHERRY_MILLISECONDS(2));
    hearing_ask(&self, &under_way, "a", AF_INET);
    hearing_ask_at(&over[1], self.loop->poller, "a", AF_INET6);
    hearing_pass(&self, WHERRY_SECONDS(1));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(over[i].count, 2);
        assert_string_equal(over[i].calls[0].first, "10.0.0.9");
        assert_string_equal(over[i].calls[1].first, i == 1 ? "fd00::9" : "192.0.2.1");
    }
    assert_int_equal(under_way.count, 1);
    hearing_close(&self);
}

/* Withdrawing the question that asks anew leaves no answer of either. */
static void test_one_that_asks_anew_and_is_withdrawn_hears_no_more(void **state)
{
    hearing_question mine, under_way;
    hearing self;

    (void)state;
    hearing_open_struck(&self, HEARING_OTHER + HEARING_AFTER_4_MS);
    hearing_ask(&self, &mine, "a", AF_INET);
    hearing_pass(&self, WHERRY_MILLISECONDS(2));
    hearing_ask(&self, &under_way, "a", AF_INET);
    hearing_ask_at(&mine, self.loop->poller, "a", AF_INET6);
    hearing_withdraw(&mine);
    hearing_pass(&self, WHERRY_SECONDS(1));
    assert_int_equal(mine.count, 1);
    assert_int_equal(under_way.count, 1);
    hearing_close(&self);
}

static void test_what_is_not_answered_again_wakes_nobody(void **state)
{
    const int64_t end = WHERRY_SECONDS(1);
    wherry_system *here;
    wherry_ready ready;
    hearing_question mine;
    hearing self;

    (void)state;
    hearing_open_struck(&self, HEARING_SAME + HEARING_AFTER_4_MS);
    here = self.world.here;
    hearing_ask(&self, &mine, "a", AF_INET);
    mine.base.state[0] = self.loop->poller;
    hearing_pass(&self, WHERRY_MILLISECONDS(2));
    ask_the_next(&mine);
    hearing_pass(&self, WHERRY_MILLISECONDS(2));
    assert_int_equal(mine.count, 2);
    assert_int_equal(here->wait(here, self.loop->poller, end, &ready, 1), 0);
    assert_true(here->monotonic(here) == end);
    hearing_close(&self);
}

static void assert_after_others(size_t others, size_t count)
{
    hearing_question mine, other;
    hearing self;

    hearing_open_struck(&self, HEARING_SAME + HEARING_AFTER_4_MS);
    hearing_ask(&self, &mine, "a", AF_INET);
    hearing_pass(&self, WHERRY_MILLISECONDS(2));
    for (size_t i = 0; i < others; i++) {
        hearing_ask(&self, &other, "a", AF_INET);
        hearing_withdraw(&other);
    }
    hearing_pass(&self, WHERRY_SECONDS(1));
    assert_int_equal(mine.count, count);
    hearing_close(&self);
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
        hearing_question mine;
        hearing self;

        hearing_open_struck(&self, HEARING_SAME + HEARING_AFTER_4_MS);
        hearing_ask(&self, &mine, "a", AF_INET);
        if (withdrawn)
            hearing_withdraw(&mine);
        else
            hearing_pass(&self, WHERRY_MILLISECONDS(2));
        wherry_loop_free(self.loop);
        self.loop = NULL;
        simulated_settle(&self.world);
        assert_int_equal(mine.count, withdrawn ? 0 : 1);
        hearing_close(&self);
    }
}

static void power_off(hearing_question *mine)
{
    assert_int_equal(wherry_simulation_power_off(mine->world->world, HERE), WHERRY_OK);
}

static int resolve_and_end(void *argument)
{
    hearing_question *mine = argument;

    hearing_ask_at(mine, wherry_loop_current()->poller, "a", AF_INET);
    return wherry_sleep(WHERRY_SECONDS(60));
}

/* The first answer ends the host that it is given on. */
static void test_a_host_that_ends_at_the_first_answer_hears_no_second(void **state)
{
    (void)state;
    for (uint64_t late = 0; late <= HEARING_AFTER_4_MS; late += HEARING_AFTER_4_MS) {
        hearing_question mine;
        hearing self;

        hearing_open_struck(&self, HEARING_SAME + late);
        hearing_init(&self, &mine);
        mine.act = power_off;
        assert_int_equal(wherry_simulation_spawn(self.world.world, HERE, resolve_and_end, &mine),
                         WHERRY_OK);
        simulated_settle(&self.world);
        assert_int_equal(mine.count, 1);
        hearing_close(&self);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_that_was_withdrawn_is_answered_once_all_the_same),
        cmocka_unit_test(test_one_that_is_withdrawn_behind_its_answer_is_answered_again),
        cmocka_unit_test(test_one_that_is_withdrawn_while_its_answer_is_given_is_answered_later),
        cmocka_unit_test(test_one_that_asks_anew_is_not_answered_about_the_former),
        cmocka_unit_test(test_who_asks_anew_takes_no_second_answer_from_others),
        cmocka_unit_test(test_one_that_asks_anew_and_is_withdrawn_hears_no_more),
        cmocka_unit_test(test_what_is_not_answered_again_wakes_nobody),
        cmocka_unit_test(test_a_loop_is_not_answered_about_what_it_may_have_forgotten),
        cmocka_unit_test(test_closing_the_poller_drops_it),
        cmocka_unit_test(test_a_host_that_ends_at_the_first_answer_hears_no_second),
    };

    return cmocka_run_group_tests_name("names_over", tests, simulated_unseeded, NULL);
}
