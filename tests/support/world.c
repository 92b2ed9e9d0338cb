#include "support/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/task.h>
#include <wherry/time.h>

#include "support/simulated.h"

wherry_simulation *world;

int world_open(void **state)
{
    (void)simulated_unseeded(state);
    return wherry_simulation_new(&world, .quiet = 1);
}

int world_close(void **state)
{
    (void)state;
    wherry_simulation_free(world);
    return 0;
}

void world_spawn(const char *host, wherry_body *body, void *argument)
{
    assert_int_equal(wherry_simulation_spawn(world, host, body, argument), WHERRY_OK);
}

int world_dweller(void *place)
{
    wherry_simulation *mine = *(wherry_simulation **)place;
    int result;

    assert_ptr_equal(wherry_simulation_current(), mine);
    assert_string_equal(wherry_simulation_here(), "10.0.0.1");
    result = wherry_sleep(wherry_in(WHERRY_SECONDS(1)));
    assert_ptr_equal(wherry_simulation_current(), mine);
    assert_string_equal(wherry_simulation_here(), "10.0.0.1");
    return result;
}
