/* The probes of this program stand in one row with those of what is linked into it. Other builds
 * have none, which these tests then show. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/probe.h"

static void pass_probe(void)
{
    WHERRY__PROBE("test.probe");
}

static void pass_both_of_one_name(int which)
{
    if (which == 0)
        WHERRY__PROBE("test.twice");
    else
        WHERRY__PROBE("test.twice");
}

static void pass_condition(int value)
{
    WHERRY__PROBE_IF(value > 1, "test.condition");
}

static bool pass_fault(void)
{
    return WHERRY__FAULT_POINT("test.fault");
}

#ifdef WHERRY_PROBES

/* Never called: its record is there nevertheless. */
__attribute__((used)) static void never(void)
{
    WHERRY__PROBE("test.never");
}

static const wherry__point *find(const char *name, size_t which)
{
    const wherry__point *point;

    for (size_t i = 0; (point = wherry__point_at(i)) != NULL; i++)
        if (strcmp(point->name, name) == 0 && which-- == 0)
            return point;
    return NULL;
}

static unsigned long count(const char *name, size_t which)
{
    const wherry__point *point = find(name, which);

    assert_non_null(point);
    return atomic_load(&point->count);
}

static void a_probe_counts_how_often_it_was_passed(void **state)
{
    (void)state;
    wherry__points_reset();
    pass_probe();
    pass_probe();
    assert_int_equal(count("test.probe", 0), 2);
}

static void a_probe_that_was_not_reached_is_listed_with_0(void **state)
{
    (void)state;
    assert_int_equal(count("test.never", 0), 0);
}

static void a_record_tells_its_place_and_what_it_is(void **state)
{
    (void)state;
    assert_non_null(strstr(find("test.probe", 0)->file, "tests/base/probe.c"));
    assert_true(find("test.probe", 0)->line > 0);
    assert_false(find("test.probe", 0)->fault);
    assert_true(find("test.fault", 0)->fault);
}

static void two_places_of_one_name_have_two_records(void **state)
{
    unsigned long first, second;

    (void)state;
    wherry__points_reset();
    pass_both_of_one_name(0);
    first = count("test.twice", 0);
    second = count("test.twice", 1);
    assert_int_equal(first + second, 1);
    assert_null(find("test.twice", 2));
}

static void a_condition_that_does_not_hold_is_not_counted(void **state)
{
    (void)state;
    wherry__points_reset();
    pass_condition(1);
    assert_int_equal(count("test.condition", 0), 0);
    pass_condition(2);
    assert_int_equal(count("test.condition", 0), 1);
}

static void reset_sets_all_counts_to_0(void **state)
{
    const wherry__point *point;

    (void)state;
    pass_probe();
    pass_condition(2);
    wherry__points_reset();
    for (size_t i = 0; (point = wherry__point_at(i)) != NULL; i++)
        assert_int_equal(atomic_load(&point->count), 0);
}

static void behind_the_last_record_is_none(void **state)
{
    size_t i = 0;

    (void)state;
    while (wherry__point_at(i) != NULL)
        i++;
    assert_true(i >= 6);
    assert_null(wherry__point_at(i + 1));
    assert_null(wherry__point_at(SIZE_MAX));
}

static bool answer;
static const char *asked;
static void *asked_with;

static bool hook(void *context, const char *name)
{
    asked = name;
    asked_with = context;
    return answer;
}

static void a_fault_point_fires_when_the_hook_says_so(void **state)
{
    int here;

    (void)state;
    wherry__points_reset();
    wherry__point_set_hook(hook, &here);
    answer = true;
    assert_true(pass_fault());
    assert_string_equal(asked, "test.fault");
    assert_ptr_equal(asked_with, &here);
    answer = false;
    assert_false(pass_fault());
    wherry__point_set_hook(NULL, NULL);
    assert_int_equal(count("test.fault", 0), 1);
}

static void without_a_hook_no_fault_point_fires(void **state)
{
    (void)state;
    wherry__points_reset();
    answer = true;
    asked = NULL;
    assert_false(pass_fault());
    assert_null(asked);
    assert_int_equal(count("test.fault", 0), 0);
}

static void *pass_fault_on_a_thread(void *fired)
{
    *(bool *)fired = pass_fault();
    return NULL;
}

static void the_hook_of_one_thread_is_not_that_of_others(void **state)
{
    pthread_t thread;
    bool fired = true;

    (void)state;
    answer = true;
    wherry__point_set_hook(hook, NULL);
    assert_int_equal(pthread_create(&thread, NULL, pass_fault_on_a_thread, &fired), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    wherry__point_set_hook(NULL, NULL);
    assert_false(fired);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_probe_counts_how_often_it_was_passed),
        cmocka_unit_test(a_probe_that_was_not_reached_is_listed_with_0),
        cmocka_unit_test(a_record_tells_its_place_and_what_it_is),
        cmocka_unit_test(two_places_of_one_name_have_two_records),
        cmocka_unit_test(a_condition_that_does_not_hold_is_not_counted),
        cmocka_unit_test(reset_sets_all_counts_to_0),
        cmocka_unit_test(behind_the_last_record_is_none),
        cmocka_unit_test(a_fault_point_fires_when_the_hook_says_so),
        cmocka_unit_test(without_a_hook_no_fault_point_fires),
        cmocka_unit_test(the_hook_of_one_thread_is_not_that_of_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

extern char __start_wherry_points[] __attribute__((weak));

static void without_probes_there_are_no_records(void **state)
{
    (void)state;
    pass_probe();
    pass_both_of_one_name(0);
    pass_condition(2);
    assert_null(__start_wherry_points);
}

static void without_probes_a_fault_point_is_the_constant_false(void **state)
{
    static const char size[WHERRY__FAULT_POINT("test.constant") ? 2 : 1]; /* constant: it compiles
                                                                           */

    (void)state;
    assert_int_equal(sizeof(size), 1);
    assert_false(pass_fault());
}

static int evaluations;

static bool evaluated(void)
{
    evaluations++;
    return true;
}

static void without_probes_a_condition_is_not_asked(void **state)
{
    (void)state;
    WHERRY__PROBE_IF(evaluated(), "test.evaluated");
    assert_int_equal(evaluations, 0);
    assert_true(evaluated());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_probes_there_are_no_records),
        cmocka_unit_test(without_probes_a_fault_point_is_the_constant_false),
        cmocka_unit_test(without_probes_a_condition_is_not_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
