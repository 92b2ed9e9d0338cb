#include "support/choosing.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

bool choosing_next(struct choosing *choosing)
{
    size_t count = choosing->drawn;

    if (choosing->cases > 0) {
        while (count > 0 &&
               choosing->draws[count - 1].value + 1 == choosing->draws[count - 1].bound)
            count--;
        if (count == 0)
            return false;
        choosing->draws[count - 1].value++;
    }
    choosing->cases++;
    choosing->count = count;
    choosing->drawn = 0;
    return true;
}

uint32_t choosing_of(struct choosing *choosing, uint32_t bound)
{
    size_t at = choosing->drawn++;

    assert_true(bound >= 1 && at < CHOOSING_DRAWS);
    if (at >= choosing->count) {
        choosing->draws[at].value = 0;
        choosing->draws[at].bound = bound;
    }
    /* Else the test does not do the same when it draws the same. */
    assert_int_equal(choosing->draws[at].bound, bound);
    return choosing->draws[at].value;
}
