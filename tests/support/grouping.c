#include "support/grouping.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/loop_fixture.h"

void grouping_spawn(wherry_group *group, stepper *one)
{
    assert_int_equal(wherry_spawn_steps(NULL, &one->steps, .group = group), WHERRY_OK);
}

void grouping_coroutine(wherry_group *group, const char *name)
{
    assert_int_equal(
        wherry_spawn(NULL, stepping_coroutine, (char *)(uintptr_t)name, .group = group), WHERRY_OK);
}

/* To free a group waits, uncancelably. */
int grouping_end_late(void *text)
{
    wherry_group *group;

    (void)wherry_sleep(WHERRY_NEVER);
    if (wherry_group_new(&group) == WHERRY_OK)
        wherry_group_free(group);
    trace(text);
    return WHERRY_OK;
}

void grouping_cancel(stepper *self)
{
    wherry_group_cancel(self->group);
}

void grouping_ended_with(wherry_group *group, int expected)
{
    int result = 77;

    assert_int_equal(wherry_group_join(group, &result, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(result, expected);
}
