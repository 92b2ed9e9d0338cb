/* What tasks tell of themselves: a pointer of their own, their names, and who is alive. Apart from
 * task.c, since it is all looked at from beside, while they live on. */
#include <wherry/task.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/bodies.h"
#include "support/loop_fixture.h"

static int look_at_self(void *unused)
{
    wherry_task *self = wherry_task_current();
    int own = 0;

    (void)unused;
    TASK_ASSERT(self != NULL);
    TASK_ASSERT(wherry_task_local(self) == NULL);
    wherry_task_set_local(self, &own);
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    TASK_ASSERT(wherry_task_current() == self);
    TASK_ASSERT(wherry_task_local(self) == &own);
    TASK_ASSERT(wherry_task_waits_for(self) == NULL);
    TASK_ASSERT(wherry_task_canceled(self) == 0);
    TASK_ASSERT(wherry_task_ended(self) == 0);
    return 0;
}

static void task_has_a_local_pointer(void **state)
{
    loop_fixture *self = *state;

    loop_fixture_spawn(self->loop, look_at_self, NULL);
    loop_fixture_spawn(self->loop, look_at_self, NULL);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
}

static void names_are_cut_at_31_bytes(void **state)
{
    static const struct {
        const char *given, *kept;
    } names[] = {
        { NULL, "task" },
        { "", "" },
        { "1234567890123456789012345678901", "1234567890123456789012345678901" },
        { "12345678901234567890123456789012", "1234567890123456789012345678901" },
    };
    loop_fixture *self = *state;
    char text[40];
    wherry_task *task;

    for (size_t i = 0; i < 4; i++) {
        if (names[i].given != NULL)
            (void)snprintf(text, sizeof(text), "%s", names[i].given);
        assert_int_equal(wherry_spawn(&task, body_nothing, NULL, .loop = self->loop,
                                      .name = names[i].given == NULL ? NULL : text),
                         WHERRY_OK);
        memset(text, '#', sizeof(text)); /* it was copied */
        assert_string_equal(wherry_task_name(task), names[i].kept);
        assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
        assert_string_equal(wherry_task_name(task), names[i].kept);
        wherry_task_release(task);
    }
}

typedef struct lister {
    wherry_task_visitor visitor;
    wherry_loop *loop;
} lister;

static void list_one(wherry_task_visitor *self, wherry_task *task)
{
    (void)self;
    trace(wherry_task_name(task));
    trace(wherry_task_waits_for(task) == NULL ? ":-" : wherry_task_waits_for(task));
    trace(" ");
}

static void tasks_are_listed_in_order_of_their_start(void **state)
{
    lister all = { .visitor.see = list_one };
    loop_fixture *self = *state;

    wherry_loop_tasks(self->loop, &all.visitor);
    trace_is("");
    assert_int_equal(
        wherry_spawn(NULL, body_sleep_for_ever, NULL, .loop = self->loop, .name = "one "),
        WHERRY_OK);
    assert_int_equal(wherry_loop_step(self->loop), 1);
    assert_int_equal(wherry_spawn(NULL, body_nothing, NULL, .loop = self->loop, .name = "two"),
                     WHERRY_OK);
    assert_int_equal(
        wherry_spawn(NULL, body_sleep_for_ever, NULL, .loop = self->loop, .name = "three"),
        WHERRY_OK);
    wherry_loop_tasks(self->loop, &all.visitor);
    trace_is("one sleep two:- three:- ");
    assert_int_equal(wherry_loop_step(self->loop), 2);
    wherry_loop_tasks(self->loop, &all.visitor);
    trace_is("one sleep threesleep ");
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(task_has_a_local_pointer),
        ON_LOOP(names_are_cut_at_31_bytes),
        ON_LOOP(tasks_are_listed_in_order_of_their_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
