#include "support/deadlock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/loop_fixture.h"

static int free_the_other(void *group)
{
    (void)wherry_yield(); /* the second one is canceled meanwhile */
    wherry_group_free(*(wherry_group **)group);
    return task_failed(__FILE__, __LINE__, "this cannot end");
}

void deadlock_spawn(deadlock *self, wherry_loop *loop)
{
    static const char *const names[] = { "red", "blue" };

    for (int i = 0; i < 2; i++)
        assert_int_equal(wherry_group_new(&self->groups[i], .loop = loop), WHERRY_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(wherry_spawn(&self->tasks[i], free_the_other, &self->groups[1 - i],
                                      .group = self->groups[i], .name = names[i]),
                         WHERRY_OK);
}

void deadlock_free(deadlock *self)
{
    for (int i = 0; i < 2; i++) {
        wherry_task_release(self->tasks[i]);
        wherry_group_free(self->groups[i]);
    }
}
