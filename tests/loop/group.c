/* Groups: tasks, and groups of them, that end together. */
#include <wherry/task.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/bodies.h"
#include "support/loop_fixture.h"

/* Sleeps for ever, and tells when it is stopped. */
static int wait_for_end(void *name)
{
    int result = wherry_sleep(WHERRY_NEVER);

    trace(name);
    return result;
}

typedef struct plan {
    int64_t after; /* nanoseconds */
    int result;
    const char *name;
} plan;

static int end_after(void *argument)
{
    const plan *self = argument;

    wherry_sleep(wherry_in(self->after));
    trace(self->name);
    return self->result;
}

/* --- making, joining */

static void group_new_refuses_what_it_cannot_make(void **state)
{
    loop_fixture *self = *state;
    wherry_group *parent, *group = NULL;
    wherry_loop *other;

    assert_int_equal(wherry_group_new(NULL), WHERRY_E_MISUSE);
    assert_int_equal(wherry_group_new_with(NULL), WHERRY_E_MISUSE);
    assert_int_equal(wherry_group_new(&group), WHERRY_E_MISUSE);
    assert_int_equal(wherry_loop_new(&other, .clock = WHERRY_CLOCK_VIRTUAL), WHERRY_OK);
    assert_int_equal(wherry_group_new(&parent, .loop = self->loop), WHERRY_OK);
    assert_int_equal(wherry_group_new(&group, .loop = other, .parent = parent), WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "parent"));
    wherry_loop_free(other);
    wherry_group_cancel(parent);
    assert_int_equal(wherry_group_new(&group, .parent = parent), WHERRY_E_CANCELED);
    assert_null(group);
    wherry_group_free(parent);
    wherry_group_free(NULL);
    assert_int_equal(wherry_group_join(NULL, NULL, WHERRY_NOW), WHERRY_E_MISUSE);
}

static int join_all(void *unused)
{
    static plan plans[] = { { 30, 0, "c" }, { 10, 5, "a" }, { 20, 0, "b" } };
    int64_t start = wherry_in(0);
    wherry_group *group;
    int result = 77;

    (void)unused;
    TASK_ASSERT(wherry_group_new(&group) == WHERRY_OK);
    TASK_ASSERT(wherry_group_join(group, &result, WHERRY_NOW) == WHERRY_OK); /* empty: done */
    TASK_ASSERT(result == 0);
    for (int i = 0; i < 3; i++)
        TASK_ASSERT(wherry_spawn(NULL, end_after, &plans[i], .group = group) == WHERRY_OK);
    TASK_ASSERT(wherry_group_count(group) == 3);
    result = 77;
    TASK_ASSERT(wherry_group_join(group, &result, WHERRY_NOW) == WHERRY_E_WOULD_BLOCK);
    TASK_ASSERT(wherry_group_join(group, &result, start) == WHERRY_E_TIMED_OUT);
    TASK_ASSERT(wherry_group_join(group, &result, start + 15) == WHERRY_E_TIMED_OUT);
    TASK_ASSERT(wherry_group_count(group) == 2);
    TASK_ASSERT(result == 77);
    TASK_ASSERT(wherry_group_join(group, &result, WHERRY_NEVER) == WHERRY_OK);
    TASK_ASSERT(result == 0);
    TASK_ASSERT(wherry_in(0) == start + 30);
    TASK_ASSERT(wherry_spawn(NULL, end_after, &plans[0], .group = group) == WHERRY_OK);
    TASK_ASSERT(wherry_group_join(group, NULL, WHERRY_NEVER) == WHERRY_OK);
    wherry_group_free(group);
    return 0;
}

static void join_waits_for_all_and_can_be_done_again(void **state)
{
    loop_fixture *self = *state;
    wherry_group *group;

    loop_fixture_run(self->loop, join_all, NULL);
    trace_is("abcc");
    assert_int_equal(wherry_group_new(&group, .loop = self->loop), WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, body_sleep_for_ever, NULL, .group = group), WHERRY_OK);
    assert_int_equal(wherry_group_join(group, NULL, WHERRY_NEVER), WHERRY_E_MISUSE);
    wherry_group_free(group);
}

/* --- failures */

static int fail_first(void *unused)
{
    static plan plans[] = { { 10, WHERRY_E_MALFORMED, "m" }, { 20, WHERRY_E_FULL, "f" } };
    wherry_group *group;
    int result;

    (void)unused;
    TASK_ASSERT(wherry_group_new(&group) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, wait_for_end, "1", .group = group) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, end_after, &plans[1], .group = group) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, wait_for_end, "2", .group = group) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, end_after, &plans[0], .group = group) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, wait_for_end, "3", .group = group) == WHERRY_OK);
    TASK_ASSERT(wherry_group_join(group, &result, WHERRY_NEVER) == WHERRY_OK);
    TASK_ASSERT(result == WHERRY_E_MALFORMED);
    TASK_ASSERT(wherry_spawn(NULL, body_sleep_for_ever, NULL, .group = group) == WHERRY_E_CANCELED);
    TASK_ASSERT(wherry_group_count(group) == 0);
    wherry_group_free(group);
    return 0;
}

static void first_failure_cancels_the_rest_newest_first(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, fail_first, NULL);
    trace_is("m32f1");
    assert_int_equal(logged(""), 0);
}

static int keep_going(void *unused)
{
    static plan plans[] = { { 10, WHERRY_E_MALFORMED, "m" },
                            { 20, WHERRY_E_FULL, "f" },
                            { 30, 0, "e" } };
    wherry_group *group;
    int result;

    (void)unused;
    TASK_ASSERT(wherry_group_new(&group, .keep_going = 1) == WHERRY_OK);
    for (int i = 0; i < 3; i++)
        TASK_ASSERT(wherry_spawn(NULL, end_after, &plans[i], .group = group) == WHERRY_OK);
    TASK_ASSERT(wherry_group_join(group, &result, WHERRY_NEVER) == WHERRY_OK);
    TASK_ASSERT(result == WHERRY_E_MALFORMED);
    wherry_group_free(group);
    return 0;
}

static void group_may_keep_going_after_a_failure(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, keep_going, NULL);
    trace_is("mfe");
}

static int fail_by_canceled(void *unused)
{
    int canceled = WHERRY_E_CANCELED, result;
    wherry_group *group;

    (void)unused;
    TASK_ASSERT(wherry_group_new(&group) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, body_sleep_for_ever, NULL, .group = group) == WHERRY_OK);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    wherry_group_cancel(group);
    wherry_group_cancel(group);
    TASK_ASSERT(wherry_group_join(group, &result, WHERRY_NEVER) == WHERRY_OK);
    TASK_ASSERT(result == 0); /* it was canceled, and says so */
    wherry_group_free(group);
    TASK_ASSERT(wherry_group_new(&group) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, body_give, &canceled, .group = group) == WHERRY_OK);
    TASK_ASSERT(wherry_group_join(group, &result, WHERRY_NEVER) == WHERRY_OK);
    TASK_ASSERT(result == WHERRY_E_CANCELED); /* nobody had canceled it */
    wherry_group_free(group);
    return 0;
}

static void canceled_members_are_no_failure(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, fail_by_canceled, NULL);
}

/* --- nesting */

typedef struct family {
    wherry_group *parent, *child, *other;
} family;

static int make_family(family *groups, int parent_goes_on, int child_goes_on)
{
    TASK_ASSERT(wherry_group_new(&groups->parent, .keep_going = parent_goes_on) == WHERRY_OK);
    TASK_ASSERT(wherry_group_new(&groups->child, .parent = groups->parent,
                                 .keep_going = child_goes_on) == WHERRY_OK);
    TASK_ASSERT(wherry_group_new(&groups->other, .parent = groups->parent) == WHERRY_OK);
    TASK_ASSERT(wherry_group_count(groups->parent) == 2);
    TASK_ASSERT(wherry_spawn(NULL, wait_for_end, "p", .group = groups->parent) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, wait_for_end, "c", .group = groups->child) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, wait_for_end, "o", .group = groups->other) == WHERRY_OK);
    TASK_ASSERT(wherry_group_count(groups->parent) == 3);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    return 0;
}

static int fail_in_child(void *unused)
{
    static plan failure = { 10, WHERRY_E_FULL, "f" };
    family groups;
    int result;

    (void)unused;
    TASK_ASSERT(make_family(&groups, 0, 0) == 0);
    TASK_ASSERT(wherry_spawn(NULL, end_after, &failure, .group = groups.child) == WHERRY_OK);
    TASK_ASSERT(wherry_group_join(groups.parent, &result, WHERRY_NEVER) == WHERRY_OK);
    TASK_ASSERT(result == WHERRY_E_FULL);
    TASK_ASSERT(wherry_group_join(groups.child, &result, WHERRY_NOW) == WHERRY_OK);
    TASK_ASSERT(result == WHERRY_E_FULL);
    TASK_ASSERT(wherry_group_join(groups.other, &result, WHERRY_NOW) == WHERRY_OK);
    TASK_ASSERT(result == 0);
    wherry_group_free(groups.child);
    wherry_group_free(groups.other);
    wherry_group_free(groups.parent);
    return 0;
}

static void failure_in_a_child_cancels_the_parents_rest(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, fail_in_child, NULL);
    trace_is("focp");
}

static int fail_in_child_of_steady_parent(void *unused)
{
    static plan failure = { 10, WHERRY_E_FULL, "f" };
    family groups;
    int result;

    (void)unused;
    TASK_ASSERT(make_family(&groups, 1, 0) == 0);
    TASK_ASSERT(wherry_spawn(NULL, end_after, &failure, .group = groups.child) == WHERRY_OK);
    TASK_ASSERT(wherry_group_join(groups.child, &result, WHERRY_NEVER) == WHERRY_OK);
    TASK_ASSERT(result == WHERRY_E_FULL);
    trace(",");
    wherry_group_free(groups.parent);
    TASK_ASSERT(wherry_group_join(groups.other, &result, WHERRY_NOW) == WHERRY_OK);
    wherry_group_free(groups.child);
    wherry_group_free(groups.other);
    return 0;
}

static void parent_that_keeps_going_lives_on(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, fail_in_child_of_steady_parent, NULL);
    trace_is("fc,op");
}

static int fail_in_steady_child(void *unused)
{
    static plan failure = { 10, WHERRY_E_FULL, "f" };
    family groups;
    int result;

    (void)unused;
    TASK_ASSERT(make_family(&groups, 0, 1) == 0);
    TASK_ASSERT(wherry_spawn(NULL, end_after, &failure, .group = groups.child) == WHERRY_OK);
    TASK_ASSERT(wherry_group_join(groups.parent, &result, WHERRY_NEVER) == WHERRY_OK);
    TASK_ASSERT(result == WHERRY_E_FULL);
    wherry_group_free(groups.parent);
    wherry_group_free(groups.child);
    wherry_group_free(groups.other);
    return 0;
}

static void child_that_keeps_going_is_canceled_by_its_parent(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, fail_in_steady_child, NULL);
    trace_is("focp");
}

/* A child that has nothing in it, and that its owner has not freed, is no reason to wait for ever.
 */
static int free_parent_before_child(void *unused)
{
    wherry_group *parent, *child, *grandchild;

    (void)unused;
    TASK_ASSERT(wherry_group_new(&parent) == WHERRY_OK);
    TASK_ASSERT(wherry_group_new(&child, .parent = parent) == WHERRY_OK);
    TASK_ASSERT(wherry_group_new(&grandchild, .parent = child) == WHERRY_OK);
    TASK_ASSERT(wherry_group_join(parent, NULL, wherry_in(5)) == WHERRY_E_TIMED_OUT);
    wherry_group_free(parent);
    TASK_ASSERT(wherry_spawn(NULL, body_sleep_for_ever, NULL, .group = grandchild) ==
                WHERRY_E_CANCELED);
    wherry_group_free(child);
    wherry_group_free(grandchild);
    return 0;
}

static void parents_may_be_freed_before_their_children(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, free_parent_before_child, NULL);
}

static int free_children_first(void *unused)
{
    wherry_group *parent, *child;

    (void)unused;
    TASK_ASSERT(wherry_group_new(&parent) == WHERRY_OK);
    TASK_ASSERT(wherry_group_new(&child, .parent = parent) == WHERRY_OK);
    TASK_ASSERT(wherry_spawn(NULL, wait_for_end, "c", .group = child) == WHERRY_OK);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    wherry_group_free(child);
    trace(",");
    TASK_ASSERT(wherry_group_join(parent, NULL, WHERRY_NEVER) == WHERRY_OK);
    wherry_group_free(parent);
    return 0;
}

static void freed_child_has_left_its_parent(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_run(self->loop, free_children_first, NULL);
    trace_is("c,");
}

/* --- freeing */

static void freed_off_a_coroutine_it_ends_later(void **state)
{
    loop_fixture *self = *state;
    wherry_group *parent, *child;
    size_t blocks;

    assert_int_equal(wherry_group_new(&parent, .loop = self->loop), WHERRY_OK);
    assert_int_equal(wherry_group_new(&child, .parent = parent), WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, wait_for_end, "c", .group = child), WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, wait_for_end, "p", .group = parent), WHERRY_OK);
    assert_int_equal(wherry_loop_step(self->loop), 2);
    blocks = self->memory.blocks;
    wherry_group_free(parent);
    wherry_group_free(child);
    trace_is("");
    assert_int_equal(self->memory.blocks, blocks);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    trace_is("cp");
    assert_true(self->memory.blocks < blocks);
}

typedef struct insider {
    wherry_group *outer, *inner;
} insider;

static int free_from_inside(void *argument)
{
    const insider *groups = argument;

    wherry_group_free(groups->inner);
    wherry_group_free(groups->outer);
    trace("f");
    TASK_ASSERT(wherry_sleep(WHERRY_NEVER) == WHERRY_E_CANCELED);
    return 0;
}

/* Whoever waits for all while being one of them would wait for ever. */
static void member_may_free_its_own_groups(void **state)
{
    loop_fixture *self = *state;
    insider groups;

    assert_int_equal(wherry_group_new(&groups.outer, .loop = self->loop), WHERRY_OK);
    assert_int_equal(wherry_group_new(&groups.inner, .parent = groups.outer), WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, wait_for_end, "o", .group = groups.outer), WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, free_from_inside, &groups, .group = groups.inner),
                     WHERRY_OK);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    trace_is("fo");
}

static int linger_on(void *unused)
{
    (void)unused;
    TASK_ASSERT(wherry_sleep(WHERRY_NEVER) == WHERRY_E_CANCELED);
    trace("l");
    return 0;
}

static int free_while_canceled(void *group)
{
    wherry_task_cancel(wherry_task_current());
    wherry_group_free(*(wherry_group **)group);
    trace("f");
    TASK_ASSERT(wherry_sleep(WHERRY_NEVER) == WHERRY_E_CANCELED);
    return 0;
}

static void free_waits_for_all_even_when_canceled(void **state)
{
    loop_fixture *self = *state;
    wherry_group *group;

    assert_int_equal(wherry_group_new(&group, .loop = self->loop), WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, linger_on, NULL, .group = group), WHERRY_OK);
    loop_fixture_spawn(self->loop, free_while_canceled, &group);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    trace_is("lf");
}

static int join_argument(void *group)
{
    int result = 77;

    TASK_ASSERT(wherry_group_join(*(wherry_group **)group, &result, WHERRY_NEVER) == WHERRY_OK);
    TASK_ASSERT(result == 0);
    trace("j");
    return 0;
}

static void freed_while_others_join_it_they_still_see_its_end(void **state)
{
    loop_fixture *self = *state;
    wherry_group *group;

    assert_int_equal(wherry_group_new(&group, .loop = self->loop), WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, linger_on, NULL, .group = group), WHERRY_OK);
    loop_fixture_spawn(self->loop, join_argument, &group);
    loop_fixture_spawn(self->loop, join_argument, &group);
    assert_int_equal(wherry_loop_step(self->loop), 3);
    wherry_group_free(group);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    trace_is("ljj");
}

static void freed_after_its_loop_it_is_given_back(void **state)
{
    loop_fixture *self = *state;
    wherry_group *parent, *child;

    assert_int_equal(wherry_group_new(&parent, .loop = self->loop), WHERRY_OK);
    assert_int_equal(wherry_group_new(&child, .parent = parent), WHERRY_OK);
    assert_int_equal(wherry_spawn(NULL, wait_for_end, "c", .group = child), WHERRY_OK);
    assert_int_equal(wherry_loop_step(self->loop), 1);
    loop_fixture_free(self);
    trace_is("c");
    assert_int_equal(wherry_group_count(child), 0);
    wherry_group_free(parent);
    wherry_group_free(child);
}

/* --- memory */

static int use_groups(wherry_memory *memory)
{
    wherry_group *parent = NULL, *child = NULL;
    wherry_loop *loop;
    int code = wherry_loop_new(&loop, .memory = memory, .clock = WHERRY_CLOCK_VIRTUAL);

    if (code < 0)
        return code;
    code = wherry_group_new(&parent, .loop = loop);
    if (code == WHERRY_OK)
        code = wherry_group_new(&child, .parent = parent);
    if (code == WHERRY_OK)
        code = wherry_spawn(NULL, body_sleep_for_ever, NULL, .group = child);
    wherry_group_free(parent);
    wherry_group_free(child);
    wherry_loop_free(loop);
    return code;
}

static void out_of_memory_is_survived(void **state)
{
    (void)state;
    assert_true(failing_memory_try(use_groups) >= 5);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(group_new_refuses_what_it_cannot_make),
        ON_LOOP(join_waits_for_all_and_can_be_done_again),
        ON_LOOP(first_failure_cancels_the_rest_newest_first),
        ON_LOOP(group_may_keep_going_after_a_failure),
        ON_LOOP(canceled_members_are_no_failure),
        ON_LOOP(failure_in_a_child_cancels_the_parents_rest),
        ON_LOOP(parent_that_keeps_going_lives_on),
        ON_LOOP(child_that_keeps_going_is_canceled_by_its_parent),
        ON_LOOP(parents_may_be_freed_before_their_children),
        ON_LOOP(freed_child_has_left_its_parent),
        ON_LOOP(freed_off_a_coroutine_it_ends_later),
        ON_LOOP(member_may_free_its_own_groups),
        ON_LOOP(free_waits_for_all_even_when_canceled),
        ON_LOOP(freed_while_others_join_it_they_still_see_its_end),
        ON_LOOP(freed_after_its_loop_it_is_given_back),
        cmocka_unit_test(out_of_memory_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
