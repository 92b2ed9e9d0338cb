#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "simulation/agenda.h"
#include "simulation/world.h"

#define EVENTS 200

/* An agenda needs of its world no more than the time and the step. */
static wherry_simulation world;
static wherry__sim_event events[EVENTS];

static int setup(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    memset(events, 0, sizeof(events));
    return 0;
}

static void assert_takes(const wherry__sim_event *event)
{
    assert_ptr_equal(wherry__sim_agenda_take(&world.agenda), event);
}

static void test_an_empty_agenda_has_nothing(void **state)
{
    (void)state;
    assert_null(wherry__sim_agenda_take(&world.agenda));
    assert_null(wherry__sim_agenda_take_soon(&world.agenda));
    assert_true(wherry__sim_agenda_first(&world.agenda) == WHERRY_NEVER);
}

static void test_the_earliest_comes_first(void **state)
{
    (void)state;
    wherry__sim_at(&world, &events[0], 30);
    wherry__sim_at(&world, &events[1], 10);
    wherry__sim_at(&world, &events[2], 20);
    assert_true(wherry__sim_agenda_first(&world.agenda) == 10);
    assert_takes(&events[1]);
    assert_takes(&events[2]);
    assert_takes(&events[0]);
    assert_takes(NULL);
}

static void test_what_is_due_at_once_comes_in_the_order_of_entering(void **state)
{
    (void)state;
    for (int i = 0; i < EVENTS; i++)
        wherry__sim_at(&world, &events[(i * 77) % EVENTS], 5);
    for (int i = 0; i < EVENTS; i++)
        assert_takes(&events[(i * 77) % EVENTS]);
}

static void test_a_drawn_tie_puts_them_in_another_order(void **state)
{
    (void)state;
    events[0].tie = 9;
    events[1].tie = 3;
    for (int i = 0; i < 3; i++)
        wherry__sim_at(&world, &events[i], 5);
    assert_takes(&events[2]);
    assert_takes(&events[1]);
    assert_takes(&events[0]);
}

static void test_one_that_is_entered_again_is_moved_and_comes_last_of_its_instant(void **state)
{
    (void)state;
    wherry__sim_at(&world, &events[0], 5);
    wherry__sim_at(&world, &events[1], 5);
    wherry__sim_at(&world, &events[0], 5);
    assert_int_equal(world.agenda.count, 2);
    assert_takes(&events[1]);
    assert_takes(&events[0]);
}

static void test_an_instant_that_has_passed_is_now(void **state)
{
    (void)state;
    world.now = 100;
    wherry__sim_at(&world, &events[0], 7);
    assert_true(wherry__sim_agenda_first(&world.agenda) == 100);
}

static void test_it_is_remembered_in_which_step_one_was_entered(void **state)
{
    (void)state;
    world.step = 12;
    wherry__sim_at(&world, &events[0], 7);
    wherry__sim_soon(&world, &events[1]);
    assert_true(events[0].cause == 12);
    assert_true(events[1].cause == 12);
}

static void test_what_is_canceled_does_not_happen(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        wherry__sim_at(&world, &events[i], i);
    wherry__sim_cancel(&world, &events[0]);
    wherry__sim_cancel(&world, &events[3]);
    wherry__sim_cancel(&world, &events[3]);
    assert_false(wherry__sim_entered(&events[3]));
    assert_true(wherry__sim_entered(&events[4]));
    assert_takes(&events[1]);
    assert_takes(&events[2]);
    assert_takes(&events[4]);
    assert_takes(NULL);
}

static void test_what_is_in_the_background_is_counted_apart(void **state)
{
    (void)state;
    events[1].background = true;
    wherry__sim_at(&world, &events[0], 1);
    wherry__sim_at(&world, &events[1], 2);
    assert_int_equal(world.agenda.count, 2);
    assert_int_equal(world.agenda.background, 1);
    wherry__sim_cancel(&world, &events[1]);
    assert_int_equal(world.agenda.background, 0);
    wherry__sim_at(&world, &events[1], 0);
    assert_takes(&events[1]);
    assert_int_equal(world.agenda.background, 0);
    assert_int_equal(world.agenda.count, 1);
}

static void test_what_happens_at_once_comes_in_the_order_of_entering(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        wherry__sim_soon(&world, &events[i]);
    wherry__sim_cancel(&world, &events[1]); /* of the middle */
    wherry__sim_cancel(&world, &events[3]); /* the last */
    wherry__sim_soon(&world, &events[4]);
    wherry__sim_soon(&world, &events[0]); /* moved to the end */
    assert_ptr_equal(wherry__sim_agenda_take_soon(&world.agenda), &events[2]);
    assert_ptr_equal(wherry__sim_agenda_take_soon(&world.agenda), &events[4]);
    assert_ptr_equal(wherry__sim_agenda_take_soon(&world.agenda), &events[0]);
    assert_null(wherry__sim_agenda_take_soon(&world.agenda));
    assert_null(wherry__sim_agenda_take(&world.agenda));
}

static void test_one_goes_from_later_to_at_once_and_back(void **state)
{
    (void)state;
    wherry__sim_at(&world, &events[0], 5);
    wherry__sim_soon(&world, &events[0]);
    assert_int_equal(world.agenda.count, 0);
    wherry__sim_at(&world, &events[0], 6);
    assert_null(wherry__sim_agenda_take_soon(&world.agenda));
    assert_takes(&events[0]);
}

/* --- against a model that looks at all of them each time */

static bool comes_before(const wherry__sim_event *one, const wherry__sim_event *other)
{
    if (one->time != other->time)
        return one->time < other->time;
    return one->tie != other->tie ? one->tie < other->tie : one->order < other->order;
}

static wherry__sim_event *first_of_model(void)
{
    wherry__sim_event *first = NULL;

    for (int i = 0; i < EVENTS; i++)
        if (wherry__sim_entered(&events[i]) && (first == NULL || comes_before(&events[i], first)))
            first = &events[i];
    return first;
}

static void operate(wherry__sim_chance *chance, size_t *count)
{
    wherry__sim_event *event = &events[wherry__sim_draw_below(chance, EVENTS)];
    const uint64_t what = wherry__sim_draw_below(chance, 10);

    if (what < 5) {
        *count += !wherry__sim_entered(event);
        wherry__sim_cancel(&world, event);
        event->tie = wherry__sim_draw_below(chance, 3);
        wherry__sim_at(&world, event, world.now + (int64_t)wherry__sim_draw_below(chance, 50));
    } else if (what < 7) {
        *count -= wherry__sim_entered(event);
        wherry__sim_cancel(&world, event);
    } else if (*count > 0) {
        event = first_of_model();
        assert_true(wherry__sim_agenda_first(&world.agenda) == event->time);
        world.now = event->time;
        assert_takes(event);
        (*count)--;
    }
}

static void test_random_operations_do_what_a_naive_model_does(void **state)
{
    wherry__sim_chance chance;
    size_t count = 0;

    (void)state;
    wherry__sim_chance_init(&chance, 1, "test", "agenda", NULL);
    for (int i = 0; i < 20000; i++) {
        operate(&chance, &count);
        assert_int_equal(world.agenda.count, count);
    }
    while (count-- > 0)
        assert_takes(first_of_model());
    assert_takes(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_an_empty_agenda_has_nothing, setup),
        cmocka_unit_test_setup(test_the_earliest_comes_first, setup),
        cmocka_unit_test_setup(test_what_is_due_at_once_comes_in_the_order_of_entering, setup),
        cmocka_unit_test_setup(test_a_drawn_tie_puts_them_in_another_order, setup),
        cmocka_unit_test_setup(
            test_one_that_is_entered_again_is_moved_and_comes_last_of_its_instant, setup),
        cmocka_unit_test_setup(test_an_instant_that_has_passed_is_now, setup),
        cmocka_unit_test_setup(test_it_is_remembered_in_which_step_one_was_entered, setup),
        cmocka_unit_test_setup(test_what_is_canceled_does_not_happen, setup),
        cmocka_unit_test_setup(test_what_is_in_the_background_is_counted_apart, setup),
        cmocka_unit_test_setup(test_what_happens_at_once_comes_in_the_order_of_entering, setup),
        cmocka_unit_test_setup(test_one_goes_from_later_to_at_once_and_back, setup),
        cmocka_unit_test_setup(test_random_operations_do_what_a_naive_model_does, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
