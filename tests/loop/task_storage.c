/* Where tasks lie: the storage of those that ended is the next ones', up to a number, so that a
 * conversation costs no call for memory. Apart from what tasks do, which does not depend on it. */
#include <wherry.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "loop/task.h"
#include "support/failing_memory.h"

#define SPARES ((size_t)WHERRY__SPARE_TASKS) /* 0 where a checker watches storage */

typedef struct tasks {
    failing_memory memory;
    wherry_loop *loop;
    size_t blocks; /* of a loop that never had a task */
} tasks;

static void open_loop(tasks *this)
{
    failing_memory_init(&this->memory, 0, false);
    assert_int_equal(
        wherry_loop_new(&this->loop, .clock = WHERRY_CLOCK_VIRTUAL, .memory = &this->memory.base),
        WHERRY_OK);
    this->blocks = this->memory.blocks;
}

static void close_loop(tasks *this)
{
    wherry_loop_free(this->loop);
    failing_memory_assert_empty(&this->memory);
}

static int nothing(void *argument)
{
    (void)argument;
    return WHERRY_OK;
}

static int remember(void *argument)
{
    assert_null(wherry_task_local(wherry_task_current()));
    wherry_task_set_local(wherry_task_current(), argument);
    return WHERRY_OK;
}

/* Has count tasks at a time begin and end. */
static void run_tasks(tasks *this, size_t count)
{
    while (count-- > 0)
        assert_int_equal(wherry_spawn(NULL, nothing, NULL, .loop = this->loop), WHERRY_OK);
    assert_int_equal(wherry_loop_run(this->loop), WHERRY_OK);
}

static void the_next_task_lies_where_the_last_one_did(void **state)
{
    tasks this;
    size_t calls;

    (void)state;
    open_loop(&this);
    run_tasks(&this, 1);
    calls = this.memory.calls;
    run_tasks(&this, 1);
    assert_int_equal(this.memory.calls, calls + (SPARES == 0));
    close_loop(&this);
}

static void so_many_are_kept_and_no_more(void **state)
{
    tasks this;
    size_t calls;

    (void)state;
    open_loop(&this);
    run_tasks(&this, SPARES);
    assert_int_equal(this.memory.blocks, this.blocks + SPARES);
    run_tasks(&this, SPARES + 1);
    assert_int_equal(this.memory.blocks, this.blocks + SPARES);
    calls = this.memory.calls;
    run_tasks(&this, SPARES + 1);
    assert_int_equal(this.memory.calls, calls + 1);
    close_loop(&this);
}

static void one_that_is_held_keeps_its_own(void **state)
{
    wherry_task *held;
    tasks this;

    (void)state;
    open_loop(&this);
    assert_int_equal(wherry_spawn(&held, nothing, NULL, .loop = this.loop, .name = "held"),
                     WHERRY_OK);
    run_tasks(&this, 3);
    assert_string_equal(wherry_task_name(held), "held");
    assert_true(wherry_task_ended(held));
    wherry_task_release(held);
    close_loop(&this);
}

static void one_that_outlives_the_loop_is_given_back(void **state)
{
    wherry_task *held;
    tasks this;

    (void)state;
    open_loop(&this);
    assert_int_equal(wherry_spawn(&held, nothing, NULL, .loop = this.loop), WHERRY_OK);
    run_tasks(&this, 3);
    wherry_loop_free(this.loop);
    assert_true(this.memory.blocks > 0);
    wherry_task_release(held);
    failing_memory_assert_empty(&this.memory);
}

static void nothing_of_the_last_one_is_left_in_it(void **state)
{
    int mark;
    tasks this;

    (void)state;
    open_loop(&this);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(wherry_spawn(NULL, remember, &mark, .loop = this.loop, .name = "marked"),
                         WHERRY_OK);
        assert_int_equal(wherry_loop_run(this.loop), WHERRY_OK);
    }
    close_loop(&this);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_task_lies_where_the_last_one_did),
        cmocka_unit_test(so_many_are_kept_and_no_more),
        cmocka_unit_test(one_that_is_held_keeps_its_own),
        cmocka_unit_test(one_that_outlives_the_loop_is_given_back),
        cmocka_unit_test(nothing_of_the_last_one_is_left_in_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
