#include "support/any_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/simulation.h>
#include <wherry/time.h>

void any_order_run(wherry_body *body)
{
    for (uint64_t seed = 1; seed < 20; seed++) {
        wherry_simulation *world;

        assert_int_equal(
            wherry_simulation_new(&world, .seed = seed, .quiet = 1,
                                  .faults.millionths = { [WHERRY_FAULT_ORDER] = 1000000 }),
            WHERRY_OK);
        assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", body, NULL, .plain = 1),
                         WHERRY_OK);
        assert_int_equal(wherry_simulation_run(world, WHERRY_SECONDS(10)), WHERRY_OK);
        wherry_simulation_free(world);
    }
}
