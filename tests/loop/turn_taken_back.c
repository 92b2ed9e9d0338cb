/* Turns that were to come and do not, as what they were for was stopped before: they leave nothing
 * behind in the groups around. Apart from turns that are had (turn.c), because all of it is tried
 * in every order in which the deadlines of one instant can expire, which a system chooses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry.h>
#include <wherry/faulty.h>

#include "loop/loop.h"
#include "support/any_order.h"
#include "support/choosing.h"
#include "support/grouping.h"
#include "support/loop_fixture.h"

#define LIMIT 90
#define END 200 /* long before a turn for the loop's tock */

static struct choosing order;

static uint32_t choose_rank(wherry_system *system, int purpose, uint32_t count)
{
    (void)system;
    if (purpose != WHERRY_CHOICE_DEADLINE || order.drawn == 5)
        return 0;
    return choosing_of(&order, count < 4 ? count : 4);
}

static void try_in_one_order(int (*live)(wherry_loop *loop), int64_t tock)
{
    wherry_faulty *system;
    wherry_loop *loop;

    assert_int_equal(wherry_faulty_new(&system), WHERRY_OK);
    wherry_faulty_system(system)->choose = choose_rank;
    assert_int_equal(wherry_loop_new(&loop, .system = wherry_faulty_system(system),
                                     .clock = WHERRY_CLOCK_VIRTUAL, .tock = tock),
                     WHERRY_OK);
    assert_int_equal(live(loop), 0);
    wherry_loop_free(loop);
    wherry_faulty_free(system);
}

static void try_in_every_order(int (*live)(wherry_loop *loop), int64_t tock)
{
    order = (struct choosing){ 0 };
    while (choosing_next(&order))
        try_in_one_order(live, tock);
    assert_true(order.cases >= 6);
}

/* Two groups with a limit, in which a turn is to come at that instant, and a group around them. */
typedef struct family {
    stepper outer, rest, first, one;
    wherry_group *parent, *between, *groups[2];
} family;

static family members(void)
{
    return (family){
        .outer = STEPPER(NULL),
        .rest = HOLDER(NULL),
        .first = HOLDER(NULL),
        .one = STEPPER(NULL, .steps.tock = LIMIT),
    };
}

static int begin(family *self, wherry_loop *loop)
{
    TASK_ASSERT(wherry_group_new(&self->parent, .loop = loop, .steps = &self->outer.steps,
                                 .members = MEMBERS(&self->rest.steps)) == WHERRY_OK);
    TASK_ASSERT(wherry_group_new(&self->between, .parent = self->parent) == WHERRY_OK);
    TASK_ASSERT(wherry_group_new(&self->groups[0], .parent = self->parent, .limit = LIMIT,
                                 .members = MEMBERS(&self->first.steps)) == WHERRY_OK);
    TASK_ASSERT(wherry_group_new(&self->groups[1], .parent = self->between, .limit = LIMIT,
                                 .members = MEMBERS(&self->one.steps)) == WHERRY_OK);
    return 0;
}

static int finish(family *self)
{
    TASK_ASSERT(wherry_group_run(self->parent, END) == 0);
    TASK_ASSERT(self->one.turns == 1 && self->one.states[2].now == LIMIT);
    for (int i = 0; i < 2; i++)
        wherry_group_free(self->groups[i]);
    wherry_group_free(self->between);
    wherry_group_free(self->parent);
    return 0;
}

static int end_at_the_limit(wherry_loop *loop)
{
    family self = members();

    TASK_ASSERT(begin(&self, loop) == 0);
    TASK_ASSERT(finish(&self) == 0);
    stepping_states_are(&self.outer, "enter 0 0, recur 0 1, close 200 2, exit 200 3");
    return 0;
}

static void limit_comes_before_the_turns_of_its_instant(void **state)
{
    (void)state;
    try_in_every_order(end_at_the_limit, 0);
}

/* --- what else a turn is for */

static int end_at_a_tock(wherry_loop *loop)
{
    family self = members();

    TASK_ASSERT(begin(&self, loop) == 0);
    TASK_ASSERT(finish(&self) == 0);
    stepping_states_are(&self.outer,
                        "enter 0 0, recur 0 1, recur 90 2, recur 180 3, close 200 4, exit 200 5");
    return 0;
}

static void group_has_the_turn_of_its_own(void **state)
{
    (void)state;
    try_in_every_order(end_at_a_tock, LIMIT);
}

static int end_beside_another(wherry_loop *loop)
{
    family self = members();

    self.rest = STEPPER(NULL, .steps.tock = LIMIT);
    TASK_ASSERT(begin(&self, loop) == 0);
    TASK_ASSERT(finish(&self) == 0);
    stepping_states_are(&self.rest, "enter 0 0, recur 0 1, recur 90 2, recur 180 3, close 200 4, "
                                    "exit 200 5");
    stepping_states_are(&self.outer, "enter 0 0, recur 0 1, recur 90 2, recur 180 3, "
                                     "close 200 4, exit 200 5");
    return 0;
}

static void group_has_the_turn_of_another_member(void **state)
{
    (void)state;
    try_in_every_order(end_beside_another, 0);
}

static int end_and_wake(wherry_loop *loop)
{
    family self = members();

    self.first.act[STEP_CLOSE] = stepping_wake_other;
    self.first.other = &self.outer;
    TASK_ASSERT(begin(&self, loop) == 0);
    TASK_ASSERT(finish(&self) == 0);
    stepping_states_are(&self.outer, "enter 0 0, recur 0 1, recur 90 2, close 200 3, exit 200 4");
    return 0;
}

static void group_has_the_turn_that_it_was_woken_for(void **state)
{
    (void)state;
    try_in_every_order(end_and_wake, 0);
}

static void spawn_other(stepper *self)
{
    (void)wherry_spawn_steps(NULL, &self->other->steps, .group = self->group);
}

/* Who is entered during the pass has the first turn in the next, and the groups around only for it.
 */
static int end_and_begin(wherry_loop *loop)
{
    family self = members();
    stepper late = STEPPER(NULL, .stop = 1);

    self.first.act[STEP_CLOSE] = spawn_other;
    self.first.other = &late;
    TASK_ASSERT(begin(&self, loop) == 0);
    self.first.group = self.between;
    TASK_ASSERT(finish(&self) == 0);
    stepping_states_are(&late, "enter 90 0, recur 90 1, clean 90 2, exit 90 3");
    stepping_states_are(&self.outer, "enter 0 0, recur 0 1, recur 90 2, close 200 3, exit 200 4");
    return 0;
}

static void group_has_the_turn_of_who_begins_meanwhile(void **state)
{
    (void)state;
    try_in_every_order(end_and_begin, 0);
}

/* --- in any world */

static int live_in_a_world(void *unused)
{
    family self = members();
    wherry_loop *loop;

    (void)unused;
    TASK_ASSERT(wherry_loop_new(&loop, .clock = WHERRY_CLOCK_VIRTUAL) == WHERRY_OK);
    TASK_ASSERT(begin(&self, loop) == 0);
    TASK_ASSERT(finish(&self) == 0);
    TASK_ASSERT(self.outer.turns == 1);
    wherry_loop_free(loop);
    return 0;
}

static void limit_comes_before_the_turns_of_its_instant_in_any_world(void **state)
{
    (void)state;
    any_order_run(live_in_a_world);
}

/* --- within the turns of a pass */

static void cancel_other(stepper *self)
{
    if (self->turns != 1)
        return;
    wherry_task_cancel(self->other->task);
    if (self->other->other != NULL)
        grouping_spawn(self->group, self->other->other);
}

/* The group's turn was to come behind that of one who stops what it was for. */
static void turn_of_a_later_group_is_taken_back_too(void **state)
{
    loop_fixture *self = *state;

    for (int begins = 0; begins < 2; begins++) {
        stepper first = STEPPER("a", .act[STEP_RECUR] = cancel_other, .steps.tock = LIMIT);
        stepper own = STEPPER("g"), rest = HOLDER("h"), one = STEPPER("b", .steps.tock = LIMIT);
        stepper late = STEPPER("z", .stop = 1);
        wherry_group *outer, *group;

        first.other = &one;
        one.other = begins ? &late : NULL;
        assert_int_equal(
            wherry_group_new(&outer, .loop = self->loop, .members = MEMBERS(&first.steps)),
            WHERRY_OK);
        assert_int_equal(wherry_group_new(&group, .parent = outer, .steps = &own.steps,
                                          .members = MEMBERS(&rest.steps, &one.steps)),
                         WHERRY_OK);
        first.group = group;
        assert_int_equal(wherry_group_run(outer, LIMIT + 1), 0);
        trace_is(begins ? "a(g(h(b(a.g.b.a.b/b)z(g.z.z=z)h/h)g/g)a/a)"
                        : "a(g(h(b(a.g.b.a.b/b)h/h)g/g)a/a)");
        wherry_group_free(outer);
        wherry_group_free(group);
    }
}

static void wake_and_cancel(stepper *self)
{
    if (self->turns == 1) {
        wherry_task_wake(self->other->task);
        wherry_task_cancel(self->other->task);
    }
}

/* A turn for the next pass, of one that is stopped in this. */
static void nothing_is_left_of_who_was_woken_and_stopped(void **state)
{
    loop_fixture *self = *state;
    stepper own = STEPPER("g"), first = STEPPER("a", .act[STEP_RECUR] = wake_and_cancel);
    stepper one = STEPPER("b", .steps.tock = LIMIT);
    wherry_group *group;

    first.other = &one;
    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps,
                                      .members = MEMBERS(&first.steps, &one.steps)),
                     WHERRY_OK);
    loop_fixture_pass(self, 1);
    trace_is("g(a(b(g.a.b.");
    wherry_task_wake(first.task);
    loop_fixture_pass(self, 1);
    trace_is("g.a.b/b)");
    assert_false(wherry__loop_has_work(self->loop));
    wherry_task_wake(first.task);
    assert_true(wherry__loop_has_work(self->loop));
    wherry_task_cancel(first.task);
    trace_is("a/a)g=g)");
    assert_false(wherry__loop_has_work(self->loop));
    wherry_group_free(group);
}

/* It came for the next pass while the group's turn of this was still to come. */
static void nothing_is_left_of_who_began_and_was_stopped(void **state)
{
    loop_fixture *self = *state;
    stepper first = STEPPER("a", .act[STEP_RECUR] = spawn_other, .stop = 1);
    stepper own = STEPPER("g"), late = STEPPER("z");
    stepper rest = STEPPER("b", .steps.tock = LIMIT);
    wherry_group *outer, *group;

    first.other = &late;
    assert_int_equal(wherry_group_new(&outer, .loop = self->loop, .members = MEMBERS(&first.steps)),
                     WHERRY_OK);
    assert_int_equal(wherry_group_new(&group, .parent = outer, .steps = &own.steps,
                                      .members = MEMBERS(&rest.steps)),
                     WHERRY_OK);
    first.group = group;
    loop_fixture_pass(self, 1);
    trace_is("a(g(b(a.z(a=a)g.b.");
    assert_true(wherry__loop_has_work(self->loop));
    wherry_task_cancel(late.task);
    trace_is("z/z)");
    assert_false(wherry__loop_has_work(self->loop));
    wherry_group_free(outer);
    trace_is("b/b)g/g)");
    wherry_group_free(group);
}

/* --- the group's own turn stays */

static void group_has_its_first_turn_without_who_was_to_have_one(void **state)
{
    loop_fixture *self = *state;
    stepper own = STEPPER("g"), rest = HOLDER("h"), one = STEPPER("a");
    wherry_group *group;

    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps,
                                      .members = MEMBERS(&rest.steps, &one.steps)),
                     WHERRY_OK);
    wherry_task_cancel(one.task);
    loop_fixture_pass(self, 1);
    trace_is("g(h(a(a/a)g.");
    wherry_group_free(group);
    trace_is("h/h)g/g)");
}

/* What has turns with a group that has a tock is due until that has its own. */
static void group_in_one_with_a_tock_has_each_turn_of_that(void **state)
{
    loop_fixture *self = *state;
    stepper own = STEPPER("g"), rest = HOLDER("h"), one = STEPPER("a");
    wherry_group *outer, *group;

    (void)loop_fixture_stepped(self, 10);
    assert_int_equal(wherry_group_new(&outer, .loop = self->loop, .tock = 20), WHERRY_OK);
    assert_int_equal(wherry_group_new(&group, .parent = outer, .steps = &own.steps,
                                      .members = MEMBERS(&rest.steps, &one.steps)),
                     WHERRY_OK);
    loop_fixture_pass(self, 2);
    trace_is("g(h(a(g.a.");
    wherry_task_cancel(one.task);
    loop_fixture_pass(self, 3);
    trace_is("a/a)g.g.");
    wherry_group_free(outer);
    trace_is("h/h)g/g)");
    wherry_group_free(group);
}

/* Nor for another one's sake later than it would have: both wait for the tock of the group around,
 * in the turn of which the first is stopped. */
static void group_has_its_turn_no_later_than_another_member(void **state)
{
    loop_fixture *self = *state;
    stepper first = STEPPER("a", .act[STEP_RECUR] = cancel_other);
    stepper one = STEPPER("b", .steps.tock = 1000), two = STEPPER("c", .steps.tock = 1000);
    wherry_group *outer, *group;

    (void)loop_fixture_stepped(self, 10);
    first.other = &one;
    assert_int_equal(wherry_group_new(&outer, .loop = self->loop, .tock = 50), WHERRY_OK);
    grouping_spawn(outer, &first);
    assert_int_equal(wherry_group_new(&group, .parent = outer), WHERRY_OK);
    grouping_spawn(group, &one);
    grouping_spawn(group, &two);
    loop_fixture_pass(self, 1);
    wherry_task_wake(one.task);
    loop_fixture_pass(self, 1);
    wherry_task_wake(two.task);
    loop_fixture_pass(self, 3);
    trace_is("a(b(c(a.b.c.");
    loop_fixture_pass(self, 1);
    trace_is("a.b/b)c.");
    wherry_group_free(outer);
    trace_is("c/c)a/a)");
    wherry_group_free(group);
}

/* A group that is given a tock has a turn at once, with which its grid begins. */
static void group_has_the_turn_that_its_grid_begins_with(void **state)
{
    loop_fixture *self = *state;
    stepper own = HOLDER("g"), one = STEPPER(NULL, .steps.tock = 1000), two = STEPPER(NULL);
    wherry_group *group;

    (void)loop_fixture_stepped(self, 10);
    assert_int_equal(wherry_group_new(&group, .loop = self->loop, .steps = &own.steps,
                                      .members = MEMBERS(&one.steps, &two.steps)),
                     WHERRY_OK);
    loop_fixture_pass(self, 1);
    wherry_task_wake(one.task);
    assert_int_equal(wherry_task_set_tock(own.task, 30), WHERRY_OK);
    wherry_task_cancel(one.task);
    loop_fixture_pass(self, 7);
    wherry_group_free(group);
    stepping_states_are(&two, "enter 0 0, recur 0 1, recur 10 2, recur 40 3, recur 70 4, "
                              "close 80 5, exit 80 6");
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(limit_comes_before_the_turns_of_its_instant),
        ON_LOOP(group_has_the_turn_of_its_own),
        ON_LOOP(group_has_the_turn_of_another_member),
        ON_LOOP(group_has_the_turn_that_it_was_woken_for),
        ON_LOOP(group_has_the_turn_of_who_begins_meanwhile),
        ON_LOOP(limit_comes_before_the_turns_of_its_instant_in_any_world),
        ON_LOOP(turn_of_a_later_group_is_taken_back_too),
        ON_LOOP(nothing_is_left_of_who_was_woken_and_stopped),
        ON_LOOP(nothing_is_left_of_who_began_and_was_stopped),
        ON_LOOP(group_has_its_first_turn_without_who_was_to_have_one),
        ON_LOOP(group_in_one_with_a_tock_has_each_turn_of_that),
        ON_LOOP(group_has_its_turn_no_later_than_another_member),
        ON_LOOP(group_has_the_turn_that_its_grid_begins_with),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
